//! A convolution every vector of whose sums is written straight to where it belongs: maps whose images lie side by side in
//! each pixel, or whose lines are whole vectors.

use pulp::{Arch, Simd, WithSimd};

use super::{
    buffer_pool::{Aligned, fresh},
    correlate::{Bias, GROUP, TileShape, Weights, is_wide, load, store, tile},
    layout::{Grid, LANES, Maps, Tap},
    parallel::{MULTIPLIED, each},
};

/// Pieces of work for each thread, so that threads of different speed are even.
const SHARES: usize = 4;

/// Floats that a piece of work lays out for itself, at most: what the nearest caches of one core hold.
const BAND: usize = 1 << 18;

/// What comes out: `[channels, height, width, batch]`, or `[batch, channels, height, width]` on a grid of image after image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    pub channels: usize,
    pub size: [usize; 2],
    /// Pixels from one position of the grid to the next.
    pub stride: usize,
    /// Pixel shuffle: four rows of weights share a channel, one for each phase.
    pub shuffle: bool,
}

impl Out {
    /// Whether every vector on this grid lies in one piece where it belongs. The last vector of a line may begin within the
    /// one before.
    pub fn is_direct(&self, grid: &Grid) -> bool {
        let [height, width] = grid.size();
        // A single line is not shared out, and belongs to a dense layer.
        let lines = grid.pixel() == 1 && height > 1 && width >= LANES && (self.stride == 1 || self.shuffle);
        grid.is_by_pixels() || lines && 3 * width.next_multiple_of(LANES) <= 4 * width
    }

    /// Whether the vectors of two phases lie in turns in the lines of what comes out.
    fn is_interleaved(&self, grid: &Grid) -> bool {
        self.shuffle && grid.pixel() == 1
    }

    /// Rows of weights of one channel.
    fn every(&self) -> usize {
        if self.shuffle { 4 } else { 1 }
    }
}

/// The weights of one phase of what comes out, and what they read.
pub(super) struct PhaseWeights<'a> {
    pub weights: &'a Weights,
    pub taps: &'a [Tap],
    /// Channels of what is laid out, each of so many phases each way, as the taps count them.
    pub channels: usize,
    pub stride: usize,
    /// Row and column of the phase's first pixel.
    pub first: [usize; 2],
}

/// `activate(bias + onto + sum of weight * x[position + offset])` for every channel and pixel. Below 0, results are
/// multiplied by `slope`, which is at most 1. The phases have weights of the same outputs; `onto` is as what comes out.
pub(super) fn correlate(
    x: &Maps<'_>,
    grid: &Grid,
    phases: &[PhaseWeights<'_>],
    bias: &Bias,
    onto: Option<&[f32]>,
    slope: f32,
    out: Out,
) -> Vec<f32> {
    let Some(outputs) = phases.iter().map(|p| p.weights.outputs()).max() else { return Vec::new() };
    let shape = TileShape::of(outputs);
    let images = grid.images();
    let line = out.size[1] * grid.pixel();
    let plane = out.size[0] * line;
    let mut maps = fresh(images * out.channels * plane);
    let height = grid.size()[0];
    let wanted = (SHARES * rayon::current_num_threads()).div_ceil(images.max(1));
    let mut rows = rows_at_once(grid, shape);
    let panels = outputs.div_ceil(shape.rows);
    // Pieces of work lay out for themselves what they read, so that it is near when they read it again and again: where
    // there are rows enough for all, and not too many are laid out twice.
    let high = height.div_ceil(wanted).max(rows).max(grid.halo());
    let band = grid.band(high.min(height));
    let is_near = high * wanted < 2 * height && x.planes() * band.plane() <= BAND;
    if is_near {
        rows = high.min(height);
    }
    let blocks = height.div_ceil(rows);
    // All panels of a block together, where there are blocks enough to be shared out.
    let together = if is_near { panels } else { panels.div_ceil(wanted.div_ceil(blocks.max(1))) };
    let shares = panels.div_ceil(together);
    let mut items: Vec<Vec<&mut [f32]>> =
        (0..images * blocks * shares).map(|_| Vec::with_capacity(together * shape.rows / out.every())).collect();
    for (i, plane) in maps.chunks_exact_mut(plane).enumerate() {
        let (image, panel) = (i / out.channels, i % out.channels * out.every() / shape.rows);
        for (block, part) in plane.chunks_mut(rows * out.stride * line).enumerate() {
            items[(image * blocks + block) * shares + panel / together].push(part);
        }
    }
    let laid = if is_near { &band } else { grid };
    let offsets: Vec<Vec<u32>> = phases.iter().map(|p| laid.offsets(p.taps, p.channels, p.stride)).collect();
    let phases: Vec<_> = phases.iter().zip(&offsets).map(|(p, offsets)| (p, &**offsets)).collect();
    let packed = if is_near { None } else { Some(x.pack(grid)) };
    let taps: usize = offsets.iter().map(Vec::len).sum();
    let worth = images * outputs * taps * height * grid.size()[1] * grid.pixel() > MULTIPLIED;
    let arch = Arch::new();
    each(items.into_iter().enumerate(), worth, |(i, outs)| {
        let (image, block, panel) = (i / shares / blocks, i / shares % blocks, i % shares * together);
        let first = block * rows;
        let own;
        let (x, origin) = match &packed {
            Some(packed) => (&**packed, 0),
            None => {
                let mut near = Aligned::stale(x.planes() * band.plane());
                x.pack_band(&band, image, first, &mut near);
                own = near;
                (&*own, grid.at(image, first, 0))
            }
        };
        arch.dispatch(Run {
            x,
            origin,
            grid,
            phases: &phases,
            bias,
            onto,
            slope,
            out,
            image,
            rows,
            first,
            panel,
            outs,
        });
    });
    maps
}

/// Rows of a grid that are computed together: enough to be worth it, and filling their tiles where some number does.
fn rows_at_once(grid: &Grid, shape: TileShape) -> usize {
    let [height, width] = grid.size();
    let line = (width * grid.pixel()).div_ceil(shape.lanes);
    let least = (GROUP * shape.vectors).div_ceil(line.max(1));
    let fills = |rows: &usize| (rows * line).is_multiple_of(shape.vectors);
    (least..least + shape.vectors).find(fills).unwrap_or(least).clamp(1, height.max(1))
}

/// Some rows of some panels' channels.
struct Run<'a> {
    x: &'a [f32],
    /// The position of the grid that `x` begins at.
    origin: usize,
    grid: &'a Grid,
    /// Each with its offsets.
    phases: &'a [(&'a PhaseWeights<'a>, &'a [u32])],
    bias: &'a Bias,
    onto: Option<&'a [f32]>,
    slope: f32,
    out: Out,
    image: usize,
    /// The first row, and how many.
    first: usize,
    rows: usize,
    /// The first panel.
    panel: usize,
    /// The rows of each channel.
    outs: Vec<&'a mut [f32]>,
}

impl Run<'_> {
    /// The position of every vector, and where it belongs, from the first row on.
    fn places(&self, [ry, rx]: [usize; 2], lanes: usize) -> Vec<[usize; 2]> {
        let Self { grid, out, first, rows, .. } = self;
        let pixel = grid.pixel();
        let [height, width] = [0, 1].map(|axis| {
            let has = out.size[axis].saturating_sub([ry, rx][axis]).div_ceil(out.stride);
            grid.size()[axis].min(has)
        });
        // Positions that follow each other where they are read and where they belong. By groups of the same images, whose
        // neighbours share what they read, larger batches take longer: what they read lies in too few of the cache's sets.
        let run = if out.stride == 1 || pixel == 1 { width } else { 1 };
        let apart = if pixel == 1 { out.stride } else { 1 };
        let mut places = Vec::with_capacity(rows * (width * pixel).div_ceil(lanes));
        for row in *first..(first + rows).min(height) {
            for column in (0..width).step_by(run.max(1)) {
                let at = grid.at(self.image, row, column);
                let to = (((row - first) * out.stride + ry) * out.size[1] + column * out.stride + rx) * pixel;
                let lanes = (0..run * pixel).step_by(lanes).map(|lane| lane.min(run * pixel - lanes));
                places.extend(lanes.map(|lane| [at + lane, to + lane * apart]));
            }
        }
        places
    }

    #[inline(always)]
    fn run<S: Simd, const M: usize, const V: usize>(mut self, simd: S) {
        let (zero, slope) = (simd.splat_f32s(0.0), simd.splat_f32s(self.slope));
        let (pixel, [height, width], every) = (self.grid.pixel(), self.out.size, self.out.every());
        let interleaved = self.out.is_interleaved(self.grid);
        // From the first of two phases of a line to the second.
        let beside = if interleaved { S::F32_LANES } else { pixel };
        for (phase, offsets) in self.phases {
            let places = self.places(phase.first, S::F32_LANES);
            // A group of tiles for all panels: what these read stays in the cache.
            for group in places.chunks(GROUP * V) {
                for (p, outs) in self.outs.chunks_mut(M / every).enumerate() {
                    let panel = self.panel + p;
                    let weights = phase.weights.panel(panel);
                    for tiles in group.chunks(V) {
                        let mut bases = [0; V];
                        for (j, base) in bases.iter_mut().enumerate() {
                            *base = tiles[j.min(tiles.len() - 1)][0];
                        }
                        let mut sums = [[zero; V]; M];
                        for (m, sums) in sums.iter_mut().enumerate() {
                            for j in 0..V {
                                sums[j] = self.bias.vector(simd, panel * M + m, bases[j] / pixel, pixel);
                            }
                        }
                        let bases = bases.map(|base| base - self.origin);
                        let mut sums = tile::<S, M, V>(simd, self.x, weights, offsets, bases, sums);
                        if interleaved {
                            for [even, odd] in sums.as_chunks_mut::<2>().0 {
                                for (even, odd) in even.iter_mut().zip(odd) {
                                    [*even, *odd] = in_turns(simd, *even, *odd);
                                }
                            }
                        }
                        for (m, sums) in sums.iter().enumerate() {
                            let Some(out) = outs.get_mut(m / every) else { break };
                            // With a shuffle, the row of weights says which of four pixels it is.
                            let aside = m % every / 2 * width * pixel + m % every % 2 * beside;
                            let channel = self.image * self.out.channels + (panel * M + m) / every;
                            let block = (channel * height + self.first * self.out.stride) * width * pixel;
                            let onto = self.onto.map(|onto| &onto[block..]);
                            for (j, [_, to]) in tiles.iter().enumerate() {
                                finish(simd, sums[j], slope, onto, to + aside, out);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Adds what lies at the place of a vector that belongs `at` in `out`, and writes it there through a LeakyReLU.
#[inline(always)]
fn finish<S: Simd>(simd: S, mut sum: S::f32s, slope: S::f32s, onto: Option<&[f32]>, at: usize, out: &mut [f32]) {
    if let Some(onto) = onto {
        sum = simd.add_f32s(sum, load::<S>(onto, at));
    }
    store::<S>(&mut out[at..], simd.max_f32s(sum, simd.mul_f32s(sum, slope)));
}

/// The lanes of both in turns: the first half of them, and the second.
#[inline(always)]
fn in_turns<S: Simd>(_: S, even: S::f32s, odd: S::f32s) -> [S::f32s; 2] {
    let (mut lanes, mut both) = ([[0.0f32; LANES]; 2], [0.0f32; 2 * LANES]);
    store::<S>(&mut lanes[0], even);
    store::<S>(&mut lanes[1], odd);
    for i in 0..LANES {
        both[2 * i] = lanes[0][i];
        both[2 * i + 1] = lanes[1][i];
    }
    [load::<S>(&both, 0), load::<S>(&both, S::F32_LANES)]
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (is_wide::<S>(), self.phases.first().map_or(1, |(p, _)| p.weights.rows())) {
            (true, 8) => self.run::<S, 8, 3>(simd),
            (true, 4) => self.run::<S, 4, 6>(simd),
            (true, _) => self.run::<S, 1, 8>(simd),
            (false, 4) => self.run::<S, 4, 3>(simd),
            (false, _) => self.run::<S, 1, 4>(simd),
        }
    }
}
