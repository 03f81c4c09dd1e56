//! The shape of a convolution, and how its maps lie in memory.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::{
    buffer_pool::{Aligned, fresh},
    norm::leaky,
    parallel::{MOVED, each, each_chunk},
};

/// Images that lie side by side in one pixel of a [`Grid`] of lanes: the floats of the widest vector.
pub(super) const LANES: usize = 16;

/// Floats that a tile may read beyond the end of its positions.
const OVERRUN: usize = 8 * LANES;

/// Lanes pay from here on: laying images side by side costs time that lines without a rim must save.
const LANES_PAY: f64 = 1.2;

/// The shape of a convolution of maps `[batch, inputs, height, width]` with weights
/// `[outputs, inputs, kernel[0], kernel[1]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub batch: usize,
    /// Channels that go in.
    pub inputs: usize,
    /// Channels that come out.
    pub outputs: usize,
    /// Height and width of the input.
    pub size: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Pixels of the input from one output to the next.
    pub stride: usize,
    /// Zeros on every side of the input.
    pub padding: usize,
    /// Pixels from tap to tap.
    pub dilation: usize,
}

/// How maps lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapOrder {
    /// Image by image: `[batch, channels, height, width]`.
    Images,
    /// Channel by channel, all images side by side in each pixel: `[channels, height, width, batch]`. What a tap reads
    /// is then whole vectors, and there is no rim to be computed. A batch of a multiple of [`LANES`] images.
    Pixels,
}

impl MapOrder {
    /// The order that maps of so many images come out in.
    pub fn of(batch: usize) -> Self {
        if batch > 0 && batch.is_multiple_of(LANES) { Self::Pixels } else { Self::Images }
    }
}

impl Geometry {
    /// Height and width of the output.
    pub fn out(&self) -> [usize; 2] {
        [0, 1].map(|i| {
            let reach = self.dilation * (self.kernel[i] - 1) + 1;
            (self.size[i] + 2 * self.padding - reach) / self.stride + 1
        })
    }

    /// Weights of one input channel in one output channel.
    pub(super) fn cells(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// The taps of the kernel, seen from an output: which phase of the input each reads, and where.
    pub(super) fn taps(&self) -> Vec<Tap> {
        let stride = self.stride as isize;
        self.each_tap(|k, _| {
            let from = (k * self.dilation) as isize - self.padding as isize;
            Some((from.rem_euclid(stride) as usize, from.div_euclid(stride)))
        })
    }

    /// The taps by which the outputs' gradient reaches the pixels of one phase of the input, in the order in
    /// which they lie in memory.
    pub(super) fn taps_back(&self, phase: [usize; 2]) -> Vec<Tap> {
        let stride = self.stride as isize;
        let mut taps = self.each_tap(|k, axis| {
            let from = (phase[axis] + self.padding) as isize - (k * self.dilation) as isize;
            (from.rem_euclid(stride) == 0).then(|| (0, from.div_euclid(stride)))
        });
        taps.sort_by_key(|tap| tap.shift);
        taps
    }

    fn each_tap(&self, place: impl Fn(usize, usize) -> Option<(usize, isize)>) -> Vec<Tap> {
        let mut taps = Vec::with_capacity(self.cells());
        for ky in 0..self.kernel[0] {
            for kx in 0..self.kernel[1] {
                if let (Some((py, ty)), Some((px, tx))) = (place(ky, 0), place(kx, 1)) {
                    taps.push(Tap { weight: ky * self.kernel[1] + kx, phase: [py, px], shift: [ty, tx] });
                }
            }
        }
        taps
    }
}

/// One weight of a kernel and what it reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    /// Which of the kernel's weights, row by row.
    pub weight: usize,
    /// The phase that it reads: with a stride, row and column of the input modulo the stride.
    phase: [usize; 2],
    /// Rows and columns of that phase from the output's own.
    shift: [isize; 2],
}

/// How maps lie in memory for the kernels: a plane for each channel and phase, in which what a tap reads is a
/// constant distance from the position that it contributes to. Zeros lie before, between and after the maps;
/// the zeros after a line are also those before the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    batch: usize,
    /// Rows and columns that are computed.
    size: [usize; 2],
    /// 1: one image after the other; otherwise so many of them side by side in each pixel, which leaves no rim
    /// to be computed.
    pixel: usize,
    /// Rows and columns from one image, and from one row, to the next.
    lines: usize,
    pitch: usize,
    /// Rows and columns that are read before and after what is computed.
    reach: [[usize; 2]; 2],
    /// Floats before the first position.
    lead: usize,
    /// Floats of one plane.
    plane: usize,
}

/// Floats from one plane to the next, of which the first `len` are needed: an odd number of cache lines, so that the same place
/// of many planes is not in the same few of the cache's sets.
fn apart(len: usize) -> usize {
    (len.div_ceil(LANES) | 1) * LANES
}

impl Grid {
    /// A grid to compute `size` rows and columns on, from maps that have `real` ones.
    pub fn new(batch: usize, size: [usize; 2], real: [usize; 2], taps: &[Tap]) -> Self {
        let reach = |axis: usize| {
            let farthest = |far: fn(isize) -> isize| {
                taps.iter().map(|tap| far(tap.shift[axis])).max().unwrap_or(0).max(0) as usize
            };
            let (before, after) = (farthest(|shift| -shift), farthest(|shift| shift));
            // What is read beyond the last computed row and is no zero must not be taken for the next one's zeros.
            let beyond = real[axis].saturating_sub(size[axis]).min(after);
            (before, after, after.max(before + beyond))
        };
        let ((top, bottom, gap), (left, right, side)) = (reach(0), reach(1));
        let (lines, pitch) = (size[0] + gap, size[1] + side);
        let whole = (batch * lines * pitch) as f64;
        let lanes = (batch.next_multiple_of(LANES) * size[0] * size[1]) as f64;
        let pixel = match MapOrder::of(batch) {
            MapOrder::Pixels => batch,
            MapOrder::Images if lanes * LANES_PAY < whole => LANES,
            MapOrder::Images => 1,
        };
        let lead = top * pitch + left;
        let cells = lead + batch.div_ceil(pixel) * lines * pitch + bottom * pitch + right;
        let plane = apart(cells * pixel + OVERRUN);
        let reach = [[top, bottom], [left, right]];
        Self { batch, size, pixel, lines, pitch, reach, lead: lead * pixel, plane }
    }

    /// The grid of so many rows of one image, or of all that lie side by side.
    pub fn band(&self, rows: usize) -> Self {
        let [[_, bottom], [_, right]] = self.reach;
        let batch = if self.is_by_pixels() { self.batch } else { 1 };
        let plane = apart(self.lead + ((rows + bottom) * self.pitch + right) * self.pixel);
        Self { batch, size: [rows, self.size[1]], lines: rows, plane, ..*self }
    }

    /// Rows that are read before and after those that are computed.
    pub fn halo(&self) -> usize {
        self.reach[0].iter().sum()
    }

    /// Whether all images lie side by side in each pixel.
    pub fn is_by_pixels(&self) -> bool {
        MapOrder::of(self.batch) == MapOrder::Pixels
    }

    /// Images, or all of them side by side, one after the other.
    pub fn images(&self) -> usize {
        self.batch.div_ceil(self.pixel)
    }

    /// Rows and columns that are computed.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// The same positions in the order in which they are computed, without what lies between them unread.
    pub fn linear(&self) -> Self {
        let (lines, pitch) = if self.pixel == 1 { (self.lines, self.pitch) } else { (self.size[0], self.size[1]) };
        let plane = self.batch.div_ceil(self.pixel) * lines * pitch * self.pixel + OVERRUN;
        Self { lines, pitch, lead: 0, plane: apart(plane), ..*self }
    }

    /// Floats of one plane.
    pub fn plane(&self) -> usize {
        self.plane
    }

    /// Images side by side in one pixel.
    pub fn pixel(&self) -> usize {
        self.pixel
    }

    /// Pixels from one image, or so many side by side, to the next.
    pub fn cells(&self) -> usize {
        self.lines * self.pitch
    }

    /// The first pixel of a row of an image.
    pub fn cell(&self, row: usize) -> usize {
        row * self.pitch
    }

    /// Where a pixel lies after the lead.
    pub fn at(&self, image: usize, row: usize, column: usize) -> usize {
        ((image / self.pixel * self.lines + row) * self.pitch + column) * self.pixel + image % self.pixel
    }

    /// From a position to what each tap of each channel reads for it.
    pub fn offsets(&self, taps: &[Tap], channels: usize, stride: usize) -> Vec<u32> {
        let of = |c: usize, tap: &Tap| {
            let plane = (c * stride + tap.phase[0]) * stride + tap.phase[1];
            let shift = (tap.shift[0] * self.pitch as isize + tap.shift[1]) * self.pixel as isize;
            (plane * self.plane + self.lead).wrapping_add_signed(shift) as u32
        };
        (0..channels).flat_map(|c| taps.iter().map(move |tap| of(c, tap))).collect()
    }

    /// The first position of every vector of `lanes` floats that is computed, in the order of
    /// [`Grid::linear`].
    pub fn vectors(&self, lanes: usize) -> Vec<u32> {
        if self.pixel == 1 {
            let positions = self.batch * self.lines * self.pitch;
            return (0..positions).step_by(lanes).map(|v| v as u32).collect();
        }
        let images = self.batch.next_multiple_of(self.pixel);
        let mut list = Vec::with_capacity(images * self.size[0] * self.size[1] / lanes);
        for image in (0..self.batch).step_by(self.pixel) {
            for row in 0..self.size[0] {
                let first = self.at(image, row, 0);
                list.extend((first..first + self.size[1] * self.pixel).step_by(lanes).map(|v| v as u32));
            }
        }
        list
    }
}

/// What is laid out on a grid.
pub(super) struct Maps<'a> {
    pub values: &'a [f32],
    pub order: MapOrder,
    /// Values, and a slope that the maps are multiplied by where these are not above 0: the way back through a
    /// LeakyReLU that gave them.
    pub through: Option<(&'a [f32], f32)>,
    pub channels: usize,
    pub size: [usize; 2],
    /// The maps are split into so many phases each way, a plane each.
    pub stride: usize,
}

impl Maps<'_> {
    /// Planes of a layout.
    pub fn planes(&self) -> usize {
        self.channels * self.stride * self.stride
    }

    /// Lays the maps out: plane `(channel * stride + row phase) * stride + column phase`.
    pub fn pack(&self, grid: &Grid) -> Aligned {
        let mut packed = Aligned::stale(self.planes() * grid.plane);
        let worth = packed.len() > MOVED;
        let arch = Arch::new();
        each_chunk(&mut packed, grid.plane, worth, |i, plane| {
            self.lay(arch, grid, i, [0..self.images(grid), 0..grid.lines], 0, plane);
        });
        packed
    }

    /// Images that lie one after the other in the values.
    fn images(&self, grid: &Grid) -> usize {
        if self.order == MapOrder::Pixels { 1 } else { grid.batch }
    }

    /// Lays out what a [`Grid::band`] of `image` reads whose first row is `first`.
    pub fn pack_band(&self, band: &Grid, image: usize, first: usize, packed: &mut [f32]) {
        let [[top, bottom], _] = band.reach;
        let rows = first.saturating_sub(top)..first + band.size[0] + bottom;
        let images = if band.is_by_pixels() { 0..self.images(band) } else { image..image + 1 };
        let arch = Arch::new();
        for (i, plane) in packed.chunks_exact_mut(band.plane).enumerate() {
            self.lay(arch, band, i, [images.clone(), rows.clone()], first, plane);
        }
    }

    /// Plane `i`: these rows of these images, of which the row `first` is the grid's first. What no tap reaches has no place.
    fn lay(
        &self,
        arch: Arch,
        grid: &Grid,
        i: usize,
        [images, rows]: [Range<usize>; 2],
        first: usize,
        plane: &mut [f32],
    ) {
        let ([height, width], stride) = (self.size, self.stride);
        let (channel, ry, rx) = (i / (stride * stride), i / stride % stride, i % stride);
        let rows = rows.start..rows.end.min(height.saturating_sub(ry).div_ceil(stride));
        let columns = width.saturating_sub(rx).div_ceil(stride).min(grid.pitch);
        if columns == 0 {
            plane.fill(0.0);
            return;
        }
        let run = if self.order == MapOrder::Pixels { grid.pixel } else { 1 };
        // Lines that follow each other leave gaps; where images of the other order come to lie side by side, the gaps are
        // everywhere.
        let in_turn = grid.pixel == run;
        if !in_turn {
            plane.fill(0.0);
        }
        let (origin, mut done) = (images.start, 0);
        for image in images {
            for row in rows.clone() {
                let begin = grid.lead + grid.at(image - origin, row, 0) - grid.at(0, first, 0);
                let end = begin + (columns - 1) * grid.pixel + run;
                if in_turn {
                    plane[done..begin].fill(0.0);
                    done = end;
                }
                let from = ((image * self.channels + channel) * height + row * stride + ry) * width + rx;
                let from = from * run..(from + (columns - 1) * stride + 1) * run;
                let gave = self.through.map(|(gave, slope)| (&gave[from.clone()], slope));
                let (to, values) = (&mut plane[begin..end], &self.values[from]);
                arch.dispatch(Line { to, to_step: grid.pixel, values, gave, run, step: stride * run });
            }
        }
        if in_turn {
            plane[done..].fill(0.0);
        }
    }
}

/// Runs of values to where they belong.
struct Line<'a> {
    to: &'a mut [f32],
    /// From one run to the next where they belong, and where they are.
    to_step: usize,
    step: usize,
    values: &'a [f32],
    /// What a LeakyReLU of this slope gave, when they are on their way back through it.
    gave: Option<(&'a [f32], f32)>,
    /// Values of a run: one, or whole vectors of [`LANES`], of which those that belong together lie together.
    run: usize,
}

impl WithSimd for Line<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { to, mut to_step, mut step, values, gave, mut run } = self;
        if (to_step, step) == (run, run) {
            // Runs that follow each other are one.
            run = to.len();
            (to_step, step) = (run, run);
        }
        match (gave, run, to_step, step) {
            (None, 1, 1, 2) => {
                // Pairs of which the last may lack its second.
                let ((to, last), (pairs, _)) = (to.split_at_mut(values.len() / 2), values.as_chunks::<2>());
                to.iter_mut().zip(pairs).for_each(|(to, pair)| *to = pair[0]);
                last.iter_mut().zip(values.last()).for_each(|(to, v)| *to = *v);
            }
            (None, 1, 2, 1) => {
                let (pairs, last) = to.as_chunks_mut::<2>();
                pairs.iter_mut().zip(values).for_each(|(to, v)| to[0] = *v);
                last.iter_mut().zip(values.last()).for_each(|(to, v)| *to = *v);
            }
            (None, 1, ..) => {
                to.iter_mut().step_by(to_step).zip(values.iter().step_by(step)).for_each(|(to, v)| *to = *v)
            }
            (None, ..) if run == to.len() => to.copy_from_slice(values),
            (None, ..) => {
                for (to, values) in to.chunks_exact_mut(run).zip(values.chunks(step)) {
                    let vectors = values.as_chunks::<LANES>().0;
                    to.as_chunks_mut::<LANES>().0.iter_mut().zip(vectors).for_each(|(to, v)| *to = *v);
                }
            }
            (Some((gave, slope)), 1, 1, 2) => {
                let ((to, last), (pairs, _)) = (to.split_at_mut(values.len() / 2), values.as_chunks::<2>());
                let pairs = pairs.iter().zip(gave.as_chunks::<2>().0);
                to.iter_mut().zip(pairs).for_each(|(to, (v, gave))| *to = leaky(v[0], gave[0], slope));
                last.iter_mut()
                    .zip(values.last().zip(gave.last()))
                    .for_each(|(to, (v, gave))| *to = leaky(*v, *gave, slope));
            }
            (Some((gave, slope)), 1, ..) => {
                let from = values.iter().zip(gave).step_by(step);
                to.iter_mut().step_by(to_step).zip(from).for_each(|(to, (v, gave))| *to = leaky(*v, *gave, slope));
            }
            (Some((gave, slope)), ..) if run == to.len() => {
                to.iter_mut().zip(values).zip(gave).for_each(|((to, v), gave)| *to = leaky(*v, *gave, slope));
            }
            (Some((gave, slope)), ..) => {
                for (to, (values, gave)) in to.chunks_exact_mut(run).zip(values.chunks(step).zip(gave.chunks(step))) {
                    let vectors = values.as_chunks::<LANES>().0.iter().zip(gave.as_chunks::<LANES>().0);
                    for (to, (v, gave)) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(vectors) {
                        for i in 0..LANES {
                            to[i] = leaky(v[i], gave[i], slope);
                        }
                    }
                }
            }
        }
    }
}

/// Channels by positions, in the tiles that they were computed in: `[group][panel][tile][row][width]`.
pub(super) struct Tiles {
    pub values: Aligned,
    /// Channels to a tile.
    pub rows: usize,
    /// Floats across a tile.
    pub width: usize,
    pub panels: usize,
    /// Tiles of a panel that lie together.
    pub group: usize,
}

impl Tiles {
    /// Channel `c`, position by position.
    fn channel(&self, c: usize, out: &mut Vec<f32>) {
        out.clear();
        let len = self.group * self.rows * self.width;
        for group in self.values.chunks_exact(self.panels * len) {
            let own = &group[c / self.rows * len..][..len];
            for row in own.chunks_exact(self.width).skip(c % self.rows).step_by(self.rows) {
                out.extend_from_slice(row);
            }
        }
    }
}

/// What becomes of computed tiles: channel `c` of the maps takes channel `c * every + first` at the pixels of
/// one phase.
pub(super) struct PhaseOutput<'a> {
    pub tiles: &'a Tiles,
    pub every: usize,
    pub first: usize,
    pub phase: [usize; 2],
}

/// Puts computed phases together to maps `[batch, channels, height, width]`.
pub(super) fn unpack(
    parts: &[PhaseOutput<'_>],
    grid: &Grid,
    channels: usize,
    size: [usize; 2],
    stride: usize,
) -> Vec<f32> {
    let [height, width] = size;
    let mut maps = fresh(grid.batch * channels * height * width);
    let linear = grid.linear();
    let worth = maps.len() > MOVED;
    let arch = Arch::new();
    // The images of each channel, since they lie side by side in the tiles.
    let mut planes: Vec<Vec<&mut [f32]>> = (0..channels).map(|_| Vec::with_capacity(grid.batch)).collect();
    for (i, plane) in maps.chunks_exact_mut(height * width).enumerate() {
        planes[i % channels].push(plane);
    }
    each(planes.into_iter().enumerate(), worth, |(c, mut images)| {
        let mut scratch = Vec::with_capacity(linear.plane());
        for part in parts {
            let [ry, rx] = part.phase;
            part.tiles.channel(c * part.every + part.first, &mut scratch);
            for (n, image) in images.iter_mut().enumerate() {
                for (y, row) in image.chunks_exact_mut(width).skip(ry).step_by(stride).enumerate() {
                    let Some(to) = row.get_mut(rx..).filter(|row| !row.is_empty()) else { continue };
                    let from = linear.at(n, y, 0);
                    let values = &scratch[from..=from + (to.len() - 1) / stride * linear.pixel];
                    arch.dispatch(Line { to, to_step: stride, values, gave: None, run: 1, step: linear.pixel });
                }
            }
        }
    });
    maps
}
