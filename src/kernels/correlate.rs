//! The inner loop of a convolution and of the way back to its input.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::{
    buffer_pool::Aligned,
    layout::{Grid, LANES, Tiles},
    parallel::{MOVED, MULTIPLIED, each_chunk, share},
};

/// Tiles that all panels are computed of before the next are begun: what these read stays in the cache.
pub(super) const GROUP: usize = 8;

/// Whether there are enough registers for large tiles: AVX-512 and NEON have 32 vectors, AVX2 has 16.
pub(super) const fn is_wide<S: Simd>() -> bool {
    S::REGISTER_COUNT >= 32
}

#[inline(always)]
pub(super) fn load<S: Simd>(values: &[f32], at: usize) -> S::f32s {
    bytemuck::pod_read_unaligned(bytemuck::cast_slice(&values[at..at + S::F32_LANES]))
}

#[inline(always)]
pub(super) fn store<S: Simd>(values: &mut [f32], vector: S::f32s) {
    values[..S::F32_LANES].copy_from_slice(bytemuck::cast_slice(std::slice::from_ref(&vector)));
}

/// The best tile on this machine for so many output channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileShape {
    /// Output channels.
    pub rows: usize,
    /// Vectors of positions.
    pub vectors: usize,
    /// Floats of a vector.
    pub lanes: usize,
}

struct ShapeFor(usize);

impl WithSimd for ShapeFor {
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
    pub fn of(outputs: usize) -> Self {
        Arch::new().dispatch(ShapeFor(outputs))
    }
}

/// What the sums of each output channel begin at.
pub(super) struct Bias {
    /// A plane for each channel, its beginning repeated at its end.
    planes: Vec<f32>,
    /// Cells of a grid after which a plane begins anew.
    period: usize,
}

impl Bias {
    /// `values` are none, one for each channel, or one for each channel and position of `size`.
    pub fn new(values: &[f32], channels: usize, size: [usize; 2], grid: &Grid) -> Self {
        let each = values.len() / channels.max(1);
        let period = if each > 1 { grid.cells() } else { 1 };
        let len = period + LANES;
        // The last panel may have rows without a channel.
        let mut planes = vec![0.0; (channels + LANES) * len];
        for (plane, own) in planes.chunks_exact_mut(len).zip(values.chunks_exact(each.max(1))) {
            if each > 1 {
                for (row, line) in own.chunks_exact(size[1]).enumerate() {
                    plane[grid.cell(row)..][..size[1]].copy_from_slice(line);
                }
            } else {
                plane.fill(own[0]);
            }
            for i in period..len {
                plane[i] = plane[i - period];
            }
        }
        Self { planes, period }
    }

    /// What the sums of an output channel begin at, for the vector of a grid that begins at this cell.
    #[inline(always)]
    pub fn vector<S: Simd>(&self, simd: S, output: usize, cell: usize, pixel: usize) -> S::f32s {
        let at = output * (self.period + LANES) + cell % self.period;
        // Side by side in one pixel, images share its bias.
        if pixel == 1 { load::<S>(&self.planes, at) } else { simd.splat_f32s(self.planes[at]) }
    }
}

/// Weights in the order in which they are needed: `[panel][tap of a channel][row]`.
#[derive(Debug)]
pub(super) struct Weights {
    values: Aligned,
    shape: TileShape,
    outputs: usize,
    /// Taps of all channels.
    taps: usize,
}

impl Weights {
    /// `panel(first, rows, to)` writes the weights of the output channels from `first` on, those of a tap side by side, in
    /// `rows` rows; the last channels may be fewer, and the rest of their rows are left as they are: zeros.
    pub fn new(outputs: usize, taps: usize, panel: impl Fn(usize, usize, &mut [f32]) + Sync + Send) -> Self {
        let shape = TileShape::of(outputs);
        let mut values = Aligned::stale(outputs.next_multiple_of(shape.rows) * taps);
        let worth = values.len() > MOVED;
        each_chunk(&mut values, (shape.rows * taps).max(1), worth, |i, own| {
            if (i + 1) * shape.rows > outputs {
                own.fill(0.0);
            }
            panel(i * shape.rows, shape.rows, own);
        });
        Self { values, shape, outputs, taps }
    }

    /// Of lines of `taps` weights, one for each output channel.
    pub fn of_lines(outputs: usize, taps: usize, lines: &[f32]) -> Self {
        let arch = Arch::new();
        Self::new(outputs, taps, |first, rows, to| {
            let lines = &lines[first * taps..(first + rows).min(outputs) * taps];
            arch.dispatch(Turn { lines, rows, taps, to });
        })
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Output channels of a panel.
    pub fn rows(&self) -> usize {
        self.shape.rows
    }

    /// The weights of a panel's output channels.
    #[inline(always)]
    pub fn panel(&self, panel: usize) -> &[f32] {
        let len = self.taps * self.shape.rows;
        &self.values[panel * len..][..len]
    }

    /// `activate(bias + sum of weight * x[position + offset])` for every output channel and position of the grid.
    /// Below 0, results are multiplied by `slope`, which is at most 1.
    pub fn correlate(&self, x: &[f32], grid: &Grid, offsets: &[u32], bias: &Bias, slope: f32) -> Tiles {
        debug_assert_eq!(offsets.len(), self.taps);
        let TileShape { rows, vectors, lanes } = self.shape;
        let list = grid.vectors(lanes);
        let (panels, tiles) = (self.outputs.div_ceil(rows), list.len().div_ceil(vectors));
        let group = tiles.min(GROUP);
        let pixel = grid.pixel();
        let (all, width) = (tiles.div_ceil(group) * group * panels, vectors * lanes);
        let size = rows * width;
        let mut values = Aligned::stale(all * size);
        let worth = all * size * self.taps > MULTIPLIED;
        let share = if worth { share(all) } else { all };
        let arch = Arch::new();
        each_chunk(&mut values, share * size, worth, |i, out| {
            let range = i * share..i * share + out.len() / size;
            let list = &list;
            arch.dispatch(Run {
                x,
                weights: self,
                offsets,
                list,
                bias,
                pixel,
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

/// Up to `rows` lines of so many taps, those of a tap side by side.
struct Turn<'a> {
    lines: &'a [f32],
    rows: usize,
    taps: usize,
    to: &'a mut [f32],
}

impl Turn<'_> {
    #[inline(always)]
    fn full<const M: usize>(self) {
        let lines: [&[f32]; M] = std::array::from_fn(|m| &self.lines[m * self.taps..][..self.taps]);
        for (t, to) in self.to.as_chunks_mut::<M>().0.iter_mut().enumerate().take(self.taps) {
            for m in 0..M {
                to[m] = lines[m][t];
            }
        }
    }
}

impl WithSimd for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { lines, rows, taps, .. } = self;
        match (rows, lines.len() == rows * taps) {
            (8, true) => self.full::<8>(),
            (4, true) => self.full::<4>(),
            _ => {
                for (m, line) in lines.chunks_exact(taps.max(1)).enumerate() {
                    self.to[m..].iter_mut().step_by(rows).zip(line).for_each(|(to, w)| *to = *w);
                }
            }
        }
    }
}

/// Some tiles, in the order in which they lie.
struct Run<'a> {
    x: &'a [f32],
    weights: &'a Weights,
    offsets: &'a [u32],
    list: &'a [u32],
    bias: &'a Bias,
    pixel: usize,
    slope: f32,
    tiles: usize,
    group: usize,
    panels: usize,
    range: Range<usize>,
    out: &'a mut [f32],
}

/// `sums` and what all taps add to them. They go in and come out by value: sums behind a reference are written to
/// memory tap by tap, which takes as long as the products.
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

impl Run<'_> {
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
                *base = self.list[(at * V + j).min(self.list.len() - 1)] as usize;
            }
            let mut sums = [[zero; V]; M];
            for (m, sums) in sums.iter_mut().enumerate() {
                for j in 0..V {
                    sums[j] = self.bias.vector(simd, panel * M + m, bases[j] / self.pixel, self.pixel);
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

impl WithSimd for Run<'_> {
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
