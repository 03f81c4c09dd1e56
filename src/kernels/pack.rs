//! Copies between maps and padded grids, and matrix transposition.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::{
    aligned::Aligned,
    buffer_pool::take_buffer,
    layout::{Grid, MapOrder},
    parallel::{each, each_chunk, pays_to_move},
    simd::{LANES, leaky},
};

/// Maps to be packed onto a grid.
pub(super) struct Maps<'a> {
    pub values: &'a [f32],
    pub order: MapOrder,
    /// Output and slope of a LeakyReLU. If given, the values are gradients of that output, and are multiplied by the
    /// LeakyReLU's derivative while packing.
    pub leaky: Option<(&'a [f32], f32)>,
    pub channels: usize,
    /// Height and width.
    pub size: [usize; 2],
    /// Phases along each axis; each phase becomes a separate plane.
    pub stride: usize,
}

impl Maps<'_> {
    /// Number of planes once packed.
    pub(crate) fn planes(&self) -> usize {
        self.channels * self.stride * self.stride
    }

    /// Packs the maps onto a grid: plane `(channel * stride + row phase) * stride + column phase`.
    pub(crate) fn pack(&self, grid: &Grid) -> Aligned {
        let mut packed = Aligned::take(self.planes() * grid.plane);
        let parallel = pays_to_move(packed.len());
        let arch = Arch::new();
        each_chunk(&mut packed, grid.plane, parallel, |i, plane| {
            self.pack_plane(arch, grid, i, [0..self.images(grid), 0..grid.image_rows], 0, plane);
        });
        packed
    }

    /// Number of images that follow one another in the values; interleaved images count as one.
    fn images(&self, grid: &Grid) -> usize {
        if self.order == MapOrder::Chwn { 1 } else { grid.batch }
    }

    /// Packs the rows of `image` that a [`Grid::band`] starting at row `first` reads.
    pub(crate) fn pack_band(&self, band: &Grid, image: usize, first: usize, packed: &mut [f32]) {
        let [[top, bottom], _] = band.halo;
        let rows = first.saturating_sub(top)..first + band.size[0] + bottom;
        let images = if band.is_chwn() { 0..self.images(band) } else { image..image + 1 };
        let arch = Arch::new();
        for (i, plane) in packed.chunks_exact_mut(band.plane).enumerate() {
            self.pack_plane(arch, band, i, [images.clone(), rows.clone()], first, plane);
        }
    }

    /// Packs these rows of these images into plane `i` of a grid that begins at row `first`. Values that no tap reads are
    /// left out.
    fn pack_plane(
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
        let run = if self.order == MapOrder::Chwn { grid.interleave } else { 1 };
        // Rows written one after the other leave gaps only between them. Where NCHW images are interleaved, the gaps are
        // everywhere, and the plane is zeroed first.
        let sequential = grid.interleave == run;
        if !sequential {
            plane.fill(0.0);
        }
        let (origin, mut done) = (images.start, 0);
        for image in images {
            for row in rows.clone() {
                let begin = grid.lead + grid.offset(image - origin, row, 0) - grid.offset(0, first, 0);
                let end = begin + (columns - 1) * grid.interleave + run;
                if sequential {
                    plane[done..begin].fill(0.0);
                    done = end;
                }
                let from = ((image * self.channels + channel) * height + row * stride + ry) * width + rx;
                let from = from * run..(from + (columns - 1) * stride + 1) * run;
                let leaky = self.leaky.map(|(outputs, slope)| (&outputs[from.clone()], slope));
                let (to, values) = (&mut plane[begin..end], &self.values[from]);
                arch.dispatch(CopyRow { to, to_step: grid.interleave, values, step: stride * run, leaky, run });
            }
        }
        if sequential {
            plane[done..].fill(0.0);
        }
    }
}

/// Copies runs of values at one distance to another.
struct CopyRow<'a> {
    to: &'a mut [f32],
    /// Floats from one run to the next in `to`.
    to_step: usize,
    values: &'a [f32],
    /// Floats from one run to the next in `values`.
    step: usize,
    /// Outputs and slope of a LeakyReLU whose derivative the values are multiplied by.
    leaky: Option<(&'a [f32], f32)>,
    /// Values of a run: one, or a multiple of [`LANES`].
    run: usize,
}

impl WithSimd for CopyRow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { to, mut to_step, values, mut step, leaky: backward, mut run } = self;
        if (to_step, step) == (run, run) {
            // Contiguous runs are copied as one.
            run = to.len();
            (to_step, step) = (run, run);
        }
        match (backward, run, to_step, step) {
            (None, 1, 1, 2) => {
                // The last pair may be incomplete.
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
            (Some((outputs, slope)), 1, 1, 2) => {
                let ((to, last), (pairs, _)) = (to.split_at_mut(values.len() / 2), values.as_chunks::<2>());
                let pairs = pairs.iter().zip(outputs.as_chunks::<2>().0);
                to.iter_mut().zip(pairs).for_each(|(to, (v, outputs))| *to = leaky(v[0], outputs[0], slope));
                last.iter_mut()
                    .zip(values.last().zip(outputs.last()))
                    .for_each(|(to, (v, outputs))| *to = leaky(*v, *outputs, slope));
            }
            (Some((outputs, slope)), 1, ..) => {
                let from = values.iter().zip(outputs).step_by(step);
                to.iter_mut()
                    .step_by(to_step)
                    .zip(from)
                    .for_each(|(to, (v, outputs))| *to = leaky(*v, *outputs, slope));
            }
            (Some((outputs, slope)), ..) if run == to.len() => {
                to.iter_mut().zip(values).zip(outputs).for_each(|((to, v), outputs)| *to = leaky(*v, *outputs, slope));
            }
            (Some((outputs, slope)), ..) => {
                for (to, (values, outputs)) in
                    to.chunks_exact_mut(run).zip(values.chunks(step).zip(outputs.chunks(step)))
                {
                    let vectors = values.as_chunks::<LANES>().0.iter().zip(outputs.as_chunks::<LANES>().0);
                    for (to, (v, outputs)) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(vectors) {
                        for i in 0..LANES {
                            to[i] = leaky(v[i], outputs[i], slope);
                        }
                    }
                }
            }
        }
    }
}

/// Output channels by positions, in the order in which tiles are computed: `[group][panel][tile][row][width]`.
pub(super) struct Tiles {
    pub values: Aligned,
    /// Channels of a tile.
    pub rows: usize,
    /// Floats across a tile.
    pub width: usize,
    /// Panels: blocks of `rows` channels.
    pub panels: usize,
    /// Consecutive tiles of a panel in a group.
    pub group: usize,
}

impl Tiles {
    /// Writes channel `c` to `out`, position by position.
    fn channel(&self, c: usize, out: &mut Vec<f32>) {
        out.clear();
        let len = self.group * self.rows * self.width;
        for group in self.values.chunks_exact(self.panels * len) {
            let panel = &group[c / self.rows * len..][..len];
            for row in panel.chunks_exact(self.width).skip(c % self.rows).step_by(self.rows) {
                out.extend_from_slice(row);
            }
        }
    }
}

/// The destination of computed tiles: channel `c * every + first` of the tiles becomes one phase of channel `c` of the maps.
pub(super) struct PhaseOutput<'a> {
    pub tiles: &'a Tiles,
    pub every: usize,
    pub first: usize,
    pub phase: [usize; 2],
}

/// Assembles computed phases into maps `[batch, channels, height, width]`.
pub(super) fn unpack(
    parts: &[PhaseOutput<'_>],
    grid: &Grid,
    channels: usize,
    size: [usize; 2],
    stride: usize,
) -> Vec<f32> {
    let [height, width] = size;
    let mut maps = take_buffer(grid.batch * channels * height * width);
    let compact = grid.compact();
    let parallel = pays_to_move(maps.len());
    let arch = Arch::new();
    // By channel, since the tiles hold the images of a channel together.
    let mut planes: Vec<Vec<&mut [f32]>> = (0..channels).map(|_| Vec::with_capacity(grid.batch)).collect();
    for (i, plane) in maps.chunks_exact_mut(height * width).enumerate() {
        planes[i % channels].push(plane);
    }
    each(planes.into_iter().enumerate(), parallel, |(c, mut images)| {
        let mut scratch = Vec::with_capacity(compact.plane);
        for part in parts {
            let [ry, rx] = part.phase;
            part.tiles.channel(c * part.every + part.first, &mut scratch);
            for (n, image) in images.iter_mut().enumerate() {
                for (y, row) in image.chunks_exact_mut(width).skip(ry).step_by(stride).enumerate() {
                    let Some(to) = row.get_mut(rx..).filter(|row| !row.is_empty()) else { continue };
                    let from = compact.offset(n, y, 0);
                    let values = &scratch[from..=from + (to.len() - 1) / stride * compact.interleave];
                    arch.dispatch(CopyRow {
                        to,
                        to_step: stride,
                        values,
                        step: compact.interleave,
                        leaky: None,
                        run: 1,
                    });
                }
            }
        }
    });
    maps
}

/// Columns transposed together: each row is read a few cache lines at a time.
const TRANSPOSED: usize = 64;

/// Transposes a row-major matrix of `rows` by `columns`.
pub(super) fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = take_buffer(values.len());
    let parallel = pays_to_move(out.len());
    each_chunk(&mut out, (TRANSPOSED * rows).max(1), parallel, |i, out| {
        for (r, row) in values.chunks_exact(columns.max(1)).enumerate() {
            let columns = row[i * TRANSPOSED..].iter().take(out.len() / rows);
            out[r..].iter_mut().step_by(rows).zip(columns).for_each(|(to, v)| *to = *v);
        }
    });
    out
}
