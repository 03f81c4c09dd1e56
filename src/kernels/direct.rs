//! A convolution that writes every vector of sums straight to its destination: for interleaved images, or rows of whole
//! vectors.

use pulp::{Arch, Simd, WithSimd};

use super::{
    aligned::Aligned,
    buffer_pool::take_buffer,
    correlate::{GROUP, PackedBias, PackedWeights, TileShape, tile},
    layout::Grid,
    pack::Maps,
    parallel::{each, pays_to_multiply},
    shape::Tap,
    simd::{LANES, is_wide, load, store},
};

/// Pieces of work per thread, to balance threads of different speed.
const PIECES: usize = 4;

/// Floats that a piece of work packs for itself, at most: the size of a core's own caches.
const BAND: usize = 1 << 18;

/// The output maps: `[channels, height, width, batch]` on a grid of interleaved images, else
/// `[batch, channels, height, width]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputLayout {
    pub channels: usize,
    /// Height and width.
    pub size: [usize; 2],
    /// Output pixels from one position of the grid to the next.
    pub stride: usize,
    /// Pixel shuffle: four rows of weights share a channel, one for each of its phases.
    pub shuffle: bool,
}

impl OutputLayout {
    /// Whether every vector on this grid has a contiguous destination. The last vector of a row may overlap the one before.
    pub(crate) fn is_direct(&self, grid: &Grid) -> bool {
        let [height, width] = grid.size;
        // Maps of a single row belong to a dense layer, and cannot be split by rows.
        let rows = grid.interleave == 1 && height > 1 && width >= LANES && (self.stride == 1 || self.shuffle);
        grid.is_chwn() || rows && 3 * width.next_multiple_of(LANES) <= 4 * width
    }

    /// Whether the values of two phases alternate within the rows of the output.
    fn alternates_phases(&self, grid: &Grid) -> bool {
        self.shuffle && grid.interleave == 1
    }

    /// Rows of weights per channel.
    fn rows_per_channel(&self) -> usize {
        if self.shuffle { 4 } else { 1 }
    }
}

/// The weights of one phase of the output, and their taps.
pub(super) struct PhaseWeights<'a> {
    pub weights: &'a PackedWeights,
    pub taps: &'a [Tap],
    /// Input channels, and phases of each along each axis.
    pub channels: usize,
    pub stride: usize,
    /// Row and column of the phase's first pixel.
    pub first: [usize; 2],
}

/// Computes `bias + residual + sum of weight * x[position + offset]`, followed by a LeakyReLU of `slope`, for every channel
/// and pixel. `slope` is at most 1. All phases have the same output channels; `residual` is laid out as the output.
pub(super) fn correlate(
    x: &Maps<'_>,
    grid: &Grid,
    phases: &[PhaseWeights<'_>],
    bias: &PackedBias,
    residual: Option<&[f32]>,
    slope: f32,
    out: OutputLayout,
) -> Vec<f32> {
    let Some(outputs) = phases.iter().map(|p| p.weights.outputs()).max() else { return Vec::new() };
    let shape = TileShape::for_outputs(outputs);
    let images = grid.image_groups();
    let row_len = out.size[1] * grid.interleave;
    let plane = out.size[0] * row_len;
    let mut maps = take_buffer(images * out.channels * plane);
    let height = grid.size[0];
    let pieces = (PIECES * rayon::current_num_threads()).div_ceil(images.max(1));
    let mut rows = rows_at_once(grid, shape);
    let panels = outputs.div_ceil(shape.rows);
    // If there are enough rows for all threads, and not too many are packed twice, each piece of work packs its own input,
    // which then stays in the cache of the core that reads it.
    let band_rows = height.div_ceil(pieces).max(rows).max(grid.halo_rows());
    let band = grid.band(band_rows.min(height));
    let packs_bands = band_rows * pieces < 2 * height && x.planes() * band.plane <= BAND;
    if packs_bands {
        rows = band_rows.min(height);
    }
    let blocks = height.div_ceil(rows);
    // All panels of a block in one piece, if there are enough blocks for all threads.
    let together = if packs_bands { panels } else { panels.div_ceil(pieces.div_ceil(blocks.max(1))) };
    let splits = panels.div_ceil(together);
    let rows_per_channel = out.rows_per_channel();
    let mut items: Vec<Vec<&mut [f32]>> =
        (0..images * blocks * splits).map(|_| Vec::with_capacity(together * shape.rows / rows_per_channel)).collect();
    for (i, plane) in maps.chunks_exact_mut(plane).enumerate() {
        let (image, panel) = (i / out.channels, i % out.channels * rows_per_channel / shape.rows);
        for (block, part) in plane.chunks_mut(rows * out.stride * row_len).enumerate() {
            items[(image * blocks + block) * splits + panel / together].push(part);
        }
    }
    let packed_grid = if packs_bands { &band } else { grid };
    let offsets: Vec<Vec<u32>> = phases.iter().map(|p| packed_grid.tap_offsets(p.taps, p.channels, p.stride)).collect();
    let phases: Vec<_> = phases.iter().zip(&offsets).map(|(p, offsets)| (p, &**offsets)).collect();
    let packed = if packs_bands { None } else { Some(x.pack(grid)) };
    let taps: usize = offsets.iter().map(Vec::len).sum();
    let parallel = pays_to_multiply(images * outputs * taps * height * grid.size[1] * grid.interleave);
    let arch = Arch::new();
    each(items.into_iter().enumerate(), parallel, |(i, outs)| {
        let (image, block, panel) = (i / splits / blocks, i / splits % blocks, i % splits * together);
        let first = block * rows;
        let packed_band;
        let (x, origin) = match &packed {
            Some(packed) => (&**packed, 0),
            None => {
                let mut packing = Aligned::take(x.planes() * band.plane);
                x.pack_band(&band, image, first, &mut packing);
                packed_band = packing;
                (&*packed_band, grid.offset(image, first, 0))
            }
        };
        arch.dispatch(CorrelateRows {
            x,
            origin,
            grid,
            phases: &phases,
            bias,
            residual,
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

/// Returns how many rows of a grid to compute together: enough to fill a group of tiles, and if possible a whole number of tiles.
fn rows_at_once(grid: &Grid, shape: TileShape) -> usize {
    let [height, width] = grid.size;
    let vectors = (width * grid.interleave).div_ceil(shape.lanes);
    let least = (GROUP * shape.vectors).div_ceil(vectors.max(1));
    let fills = |rows: &usize| (rows * vectors).is_multiple_of(shape.vectors);
    (least..least + shape.vectors).find(fills).unwrap_or(least).clamp(1, height.max(1))
}

/// Some rows of the channels of some panels.
struct CorrelateRows<'a> {
    x: &'a [f32],
    /// The position of the grid that `x` begins at.
    origin: usize,
    grid: &'a Grid,
    /// Each phase with its tap offsets.
    phases: &'a [(&'a PhaseWeights<'a>, &'a [u32])],
    bias: &'a PackedBias,
    residual: Option<&'a [f32]>,
    slope: f32,
    out: OutputLayout,
    image: usize,
    /// First row, and number of rows.
    first: usize,
    rows: usize,
    /// The first panel.
    panel: usize,
    /// The destination rows of each channel.
    outs: Vec<&'a mut [f32]>,
}

impl CorrelateRows<'_> {
    /// Returns position and destination of every vector of a phase, the latter relative to the first row.
    fn vectors(&self, [ry, rx]: [usize; 2], lanes: usize) -> Vec<[usize; 2]> {
        let Self { grid, out, first, rows, .. } = self;
        let interleave = grid.interleave;
        let [height, width] = [0, 1].map(|axis| {
            let available = out.size[axis].saturating_sub([ry, rx][axis]).div_ceil(out.stride);
            grid.size[axis].min(available)
        });
        // Positions that are contiguous both where they are read and at their destination. (Grouping interleaved images, so
        // that neighbouring positions share their input, is slower for large batches: the input falls into too few cache
        // sets.)
        let run = if out.stride == 1 || interleave == 1 { width } else { 1 };
        let step = if interleave == 1 { out.stride } else { 1 };
        let mut vectors = Vec::with_capacity(rows * (width * interleave).div_ceil(lanes));
        for row in *first..(first + rows).min(height) {
            for column in (0..width).step_by(run.max(1)) {
                let at = grid.offset(self.image, row, column);
                let to = (((row - first) * out.stride + ry) * out.size[1] + column * out.stride + rx) * interleave;
                let lanes = (0..run * interleave).step_by(lanes).map(|lane| lane.min(run * interleave - lanes));
                vectors.extend(lanes.map(|lane| [at + lane, to + lane * step]));
            }
        }
        vectors
    }

    #[inline(always)]
    fn run<S: Simd, const M: usize, const V: usize>(mut self, simd: S) {
        let (zero, slope) = (simd.splat_f32s(0.0), simd.splat_f32s(self.slope));
        let (interleave, [height, width]) = (self.grid.interleave, self.out.size);
        let rows_per_channel = self.out.rows_per_channel();
        let alternates = self.out.alternates_phases(self.grid);
        // From the first of two horizontally adjacent phases to the second.
        let phase_step = if alternates { S::F32_LANES } else { interleave };
        for (phase, offsets) in self.phases {
            let vectors = self.vectors(phase.first, S::F32_LANES);
            // Each group of tiles is computed for all panels, so that its input stays in the cache.
            for group in vectors.chunks(GROUP * V) {
                for (p, outs) in self.outs.chunks_mut(M / rows_per_channel).enumerate() {
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
                                sums[j] = self.bias.vector(simd, panel * M + m, bases[j] / interleave, interleave);
                            }
                        }
                        let bases = bases.map(|base| base - self.origin);
                        let mut sums = tile::<S, M, V>(simd, self.x, weights, offsets, bases, sums);
                        if alternates {
                            for [even, odd] in sums.as_chunks_mut::<2>().0 {
                                for (even, odd) in even.iter_mut().zip(odd) {
                                    [*even, *odd] = zip_lanes(simd, *even, *odd);
                                }
                            }
                        }
                        for (m, sums) in sums.iter().enumerate() {
                            let Some(out) = outs.get_mut(m / rows_per_channel) else { break };
                            // With a pixel shuffle, the row of weights selects one of four pixels.
                            let m_phase = m % rows_per_channel;
                            let shift = m_phase / 2 * width * interleave + m_phase % 2 * phase_step;
                            let channel = self.image * self.out.channels + (panel * M + m) / rows_per_channel;
                            let block = (channel * height + self.first * self.out.stride) * width * interleave;
                            let residual = self.residual.map(|residual| &residual[block..]);
                            for (j, [_, to]) in tiles.iter().enumerate() {
                                store_activated(simd, sums[j], slope, residual, to + shift, out);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Adds the residual at this offset, if any, applies the LeakyReLU and stores the result in `out`.
#[inline(always)]
fn store_activated<S: Simd>(
    simd: S,
    mut sum: S::f32s,
    slope: S::f32s,
    residual: Option<&[f32]>,
    at: usize,
    out: &mut [f32],
) {
    if let Some(residual) = residual {
        sum = simd.add_f32s(sum, load::<S>(residual, at));
    }
    store::<S>(&mut out[at..], simd.max_f32s(sum, simd.mul_f32s(sum, slope)));
}

/// Interleaves the lanes of two vectors: the first half of the result, then the second.
#[inline(always)]
fn zip_lanes<S: Simd>(_: S, even: S::f32s, odd: S::f32s) -> [S::f32s; 2] {
    let (mut lanes, mut both) = ([[0.0f32; LANES]; 2], [0.0f32; 2 * LANES]);
    store::<S>(&mut lanes[0], even);
    store::<S>(&mut lanes[1], odd);
    for i in 0..LANES {
        both[2 * i] = lanes[0][i];
        both[2 * i + 1] = lanes[1][i];
    }
    [load::<S>(&both, 0), load::<S>(&both, S::F32_LANES)]
}

impl WithSimd for CorrelateRows<'_> {
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
