//! The inner loop of a convolution: sums of weighted values at constant offsets, computed in register tiles of output
//! channels by vectors of positions.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::{
    aligned::Aligned,
    layout::Grid,
    pack::Tiles,
    parallel::{each_chunk, items_per_task, pays_to_move, pays_to_multiply},
    simd::{LANES, is_wide, load, store},
};

/// Consecutive tiles computed for all panels before the next ones, so that their input stays in the cache.
pub(super) const GROUP: usize = 8;

/// The register tile that suits this machine and a number of output channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileShape {
    /// Output channels.
    pub rows: usize,
    /// Vectors of positions.
    pub vectors: usize,
    /// Floats of a vector.
    pub lanes: usize,
}

/// Chooses the tile for this many output channels.
struct TileShapeFor(usize);

impl WithSimd for TileShapeFor {
    type Output = TileShape;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> TileShape {
        let (rows, vectors) = match (is_wide::<S>(), self.0) {
            (true, 5..) => (8, 3),
            (true, 2..) => (4, 6),
            (true, _) => (1, 8),
            (false, 2..) => (4, 3),
            (false, _) => (1, 4),
        };
        TileShape { rows, vectors, lanes: S::F32_LANES }
    }
}

impl TileShape {
    /// Returns the tile for this many output channels.
    pub(crate) fn for_outputs(outputs: usize) -> Self {
        Arch::new().dispatch(TileShapeFor(outputs))
    }
}

/// The initial values of each output channel's sums.
pub(super) struct PackedBias {
    /// One plane per channel, with its beginning repeated at its end so that a vector may run past it.
    planes: Vec<f32>,
    /// Pixels of a grid after which the values of a plane repeat.
    period: usize,
}

impl PackedBias {
    /// `values` is empty, or has one value per channel, or one per channel and position of `size`.
    pub(crate) fn new(values: &[f32], channels: usize, size: [usize; 2], grid: &Grid) -> Self {
        let each = values.len() / channels.max(1);
        let period = if each > 1 { grid.image_pitch() } else { 1 };
        let len = period + LANES;
        // The last panel may have rows beyond the last channel.
        let mut planes = vec![0.0; (channels + LANES) * len];
        for (plane, values) in planes.chunks_exact_mut(len).zip(values.chunks_exact(each.max(1))) {
            if each > 1 {
                for (row, values) in values.chunks_exact(size[1]).enumerate() {
                    plane[row * grid.pitch..][..size[1]].copy_from_slice(values);
                }
            } else {
                plane.fill(values[0]);
            }
            for i in period..len {
                plane[i] = plane[i - period];
            }
        }
        Self { planes, period }
    }

    /// Returns the initial sums of an output channel for the vector that begins at this pixel of a grid.
    #[inline(always)]
    pub(crate) fn vector<S: Simd>(&self, simd: S, output: usize, pixel: usize, interleave: usize) -> S::f32s {
        let at = output * (self.period + LANES) + pixel % self.period;
        // Interleaved images share the bias of their pixel.
        if interleave == 1 { load::<S>(&self.planes, at) } else { simd.splat_f32s(self.planes[at]) }
    }
}

/// Weights in the order of use: `[panel][input channel and tap][output channel of the panel]`.
#[derive(Debug)]
pub(super) struct PackedWeights {
    values: Aligned,
    shape: TileShape,
    outputs: usize,
    /// Taps of all input channels.
    taps: usize,
}

impl PackedWeights {
    /// `panel(first, rows, to)` writes the weights of the `rows` output channels from `first` on, those of a tap next to one
    /// another. Rows beyond the last channel are to be left unchanged, at zero.
    pub(crate) fn new(outputs: usize, taps: usize, panel: impl Fn(usize, usize, &mut [f32]) + Sync + Send) -> Self {
        let shape = TileShape::for_outputs(outputs);
        let mut values = Aligned::take(outputs.next_multiple_of(shape.rows) * taps);
        let parallel = pays_to_move(values.len());
        each_chunk(&mut values, (shape.rows * taps).max(1), parallel, |i, to| {
            if (i + 1) * shape.rows > outputs {
                to.fill(0.0);
            }
            panel(i * shape.rows, shape.rows, to);
        });
        Self { values, shape, outputs, taps }
    }

    /// Packs the rows of a matrix, one per output channel, of `taps` weights each.
    pub(crate) fn from_rows(outputs: usize, taps: usize, weights: &[f32]) -> Self {
        let arch = Arch::new();
        Self::new(outputs, taps, |first, rows, to| {
            let weights = &weights[first * taps..(first + rows).min(outputs) * taps];
            arch.dispatch(TransposePanel { weights, rows, taps, to });
        })
    }

    /// Number of output channels.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Number of output channels of a panel.
    pub(crate) fn rows(&self) -> usize {
        self.shape.rows
    }

    /// Returns the weights of a panel.
    #[inline(always)]
    pub(crate) fn panel(&self, panel: usize) -> &[f32] {
        let len = self.taps * self.shape.rows;
        &self.values[panel * len..][..len]
    }

    /// Computes `bias + sum of weight * x[position + offset]`, followed by a LeakyReLU of `slope`, for every output channel
    /// and position of the grid. `slope` is at most 1.
    pub(crate) fn correlate(&self, x: &[f32], grid: &Grid, offsets: &[u32], bias: &PackedBias, slope: f32) -> Tiles {
        debug_assert_eq!(offsets.len(), self.taps);
        let TileShape { rows, vectors, lanes } = self.shape;
        let starts = grid.vector_starts(lanes);
        let (panels, tiles) = (self.outputs.div_ceil(rows), starts.len().div_ceil(vectors));
        let group = tiles.min(GROUP);
        let interleave = grid.interleave;
        let (all, width) = (tiles.div_ceil(group) * group * panels, vectors * lanes);
        let size = rows * width;
        let mut values = Aligned::take(all * size);
        let parallel = pays_to_multiply(all * size * self.taps);
        let per_task = items_per_task(all, parallel);
        let arch = Arch::new();
        each_chunk(&mut values, per_task * size, parallel, |i, out| {
            let range = i * per_task..i * per_task + out.len() / size;
            let starts = &starts;
            arch.dispatch(CorrelateTiles {
                x,
                weights: self,
                offsets,
                starts,
                bias,
                interleave,
                slope,
                tiles,
                group,
                panels,
                range,
                out,
            });
        });
        Tiles { values, rows, width, panels, group }
    }
}

/// Transposes the weights of a panel, up to `rows` rows of `taps` weights.
struct TransposePanel<'a> {
    weights: &'a [f32],
    rows: usize,
    taps: usize,
    to: &'a mut [f32],
}

impl TransposePanel<'_> {
    #[inline(always)]
    fn full<const M: usize>(self) {
        let rows: [&[f32]; M] = std::array::from_fn(|m| &self.weights[m * self.taps..][..self.taps]);
        for (t, to) in self.to.as_chunks_mut::<M>().0.iter_mut().enumerate().take(self.taps) {
            for m in 0..M {
                to[m] = rows[m][t];
            }
        }
    }
}

impl WithSimd for TransposePanel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { weights, rows, taps, .. } = self;
        match (rows, weights.len() == rows * taps) {
            (8, true) => self.full::<8>(),
            (4, true) => self.full::<4>(),
            _ => {
                for (m, row) in weights.chunks_exact(taps.max(1)).enumerate() {
                    self.to[m..].iter_mut().step_by(rows).zip(row).for_each(|(to, w)| *to = *w);
                }
            }
        }
    }
}

/// A range of tiles, in the order of [`Tiles`].
struct CorrelateTiles<'a> {
    x: &'a [f32],
    weights: &'a PackedWeights,
    offsets: &'a [u32],
    starts: &'a [u32],
    bias: &'a PackedBias,
    interleave: usize,
    slope: f32,
    tiles: usize,
    group: usize,
    panels: usize,
    range: Range<usize>,
    out: &'a mut [f32],
}

/// Returns `sums` plus the contributions of all taps. The sums are passed by value: behind a reference they would be written
/// to memory after each tap, which takes as long as the products.
#[inline(always)]
pub(super) fn tile<S: Simd, const M: usize, const V: usize>(
    simd: S,
    x: &[f32],
    weights: &[f32],
    offsets: &[u32],
    bases: [usize; V],
    mut sums: [[S::f32s; V]; M],
) -> [[S::f32s; V]; M] {
    let zero = simd.splat_f32s(0.0);
    for (weights, &offset) in weights.as_chunks::<M>().0.iter().zip(offsets) {
        let mut read = [zero; V];
        for j in 0..V {
            read[j] = load::<S>(x, bases[j] + offset as usize);
        }
        for m in 0..M {
            let weight = simd.splat_f32s(weights[m]);
            for j in 0..V {
                sums[m][j] = simd.mul_add_e_f32s(weight, read[j], sums[m][j]);
            }
        }
    }
    sums
}

impl CorrelateTiles<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize, const V: usize>(self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        let slope = simd.splat_f32s(self.slope);
        for (i, out) in self.range.zip(self.out.chunks_exact_mut(M * V * S::F32_LANES)) {
            let panel = i / self.group % self.panels;
            let at = i / (self.group * self.panels) * self.group + i % self.group;
            // The last group may not be full.
            if at >= self.tiles {
                continue;
            }
            let weights = self.weights.panel(panel);
            let mut bases = [0; V];
            for (j, base) in bases.iter_mut().enumerate() {
                *base = self.starts[(at * V + j).min(self.starts.len() - 1)] as usize;
            }
            let mut sums = [[zero; V]; M];
            for (m, sums) in sums.iter_mut().enumerate() {
                for j in 0..V {
                    sums[j] = self.bias.vector(simd, panel * M + m, bases[j] / self.interleave, self.interleave);
                }
            }
            let sums = tile::<S, M, V>(simd, self.x, weights, self.offsets, bases, sums);
            for m in 0..M {
                for j in 0..V {
                    let low = simd.mul_f32s(sums[m][j], slope);
                    store::<S>(&mut out[(m * V + j) * S::F32_LANES..], simd.max_f32s(sums[m][j], low));
                }
            }
        }
    }
}

impl WithSimd for CorrelateTiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (is_wide::<S>(), self.weights.shape.rows) {
            (true, 8) => self.run::<S, 8, 3>(simd),
            (true, 4) => self.run::<S, 4, 6>(simd),
            (true, _) => self.run::<S, 1, 8>(simd),
            (false, 4) => self.run::<S, 4, 3>(simd),
            (false, _) => self.run::<S, 1, 4>(simd),
        }
    }
}
