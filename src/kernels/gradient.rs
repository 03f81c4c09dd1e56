//! The inner loop of the gradient of a convolution's weights.

use pulp::{Arch, Simd, WithSimd};

use super::{
    buffer_pool::{Aligned, fresh, transposed},
    correlate::{TileShape, is_wide, load, store},
    layout::Grid,
    parallel::{MOVED, MULTIPLIED, each_chunk, share},
};

/// Vectors of positions that are summed lane by lane before the lanes are added up.
const STRETCH: usize = 128;

/// `[output][tap of a channel]`: the sum over positions of `dy[output][position] * x[position + offset]`. `dy`
/// lies on the linear form of the grid, with so many floats to a plane.
pub(super) fn weight_gradient(
    x: &[f32],
    (dy, plane): (&[f32], usize),
    grid: &Grid,
    offsets: &[u32],
    outputs: usize,
) -> Vec<f32> {
    let lanes = TileShape::of(1).lanes;
    let list = grid.vectors(lanes);
    let positions = list.len() * lanes;
    if outputs.is_multiple_of(lanes) && offsets.len() >= TAPS && positions <= POSITIONS {
        return across(x, (dy, plane), &list, offsets, outputs);
    }
    let arch = Arch::new();
    let (rows, columns) = arch.dispatch(BlockShape);
    let (taps, high) = (offsets.len(), outputs.next_multiple_of(rows));
    let (blocks, size) = (taps.div_ceil(columns), high * columns);
    let mut sums = Aligned::stale(blocks * size);
    let worth = outputs * taps * positions > MULTIPLIED;
    let share = if worth { share(blocks) } else { blocks };
    each_chunk(&mut sums, share * size, worth, |i, sums| {
        sums.fill(0.0);
        arch.dispatch(Run { x, dy, plane, offsets, list: &list, outputs, first: i * share, sums });
    });
    let mut gradient = fresh(outputs * taps);
    let worth = gradient.len() > MOVED;
    each_chunk(&mut gradient, taps, worth, |m, row| {
        for (block, own) in sums.chunks_exact(size).zip(row.chunks_mut(columns)) {
            // A call to copy so few takes longer than to copy them.
            own.iter_mut().zip(&block[m * columns..]).for_each(|(to, sum)| *to = *sum);
        }
    });
    gradient
}

/// From so many taps of all channels on, and up to so many positions, it is worth to turn `dy` round: a sum over few positions
/// is soon done, and to add up the lanes of each takes as long.
const TAPS: usize = 64;
const POSITIONS: usize = 1 << 12;

/// Vectors of positions after which the next tap is begun: the gradients of so many stay in the nearest cache.
const NEAR: usize = 8;

/// [`weight_gradient`] with vectors of outputs, a whole number of them, in place of positions: no lanes are added up.
fn across(x: &[f32], (dy, plane): (&[f32], usize), list: &[u32], offsets: &[u32], outputs: usize) -> Vec<f32> {
    let arch = Arch::new();
    let AcrossShape { lanes, vectors, columns } = arch.dispatch(AcrossFor(outputs));
    let (positions, width) = (list.len() * lanes, vectors * lanes);
    // `[tile][position][output of the tile]`
    let mut turned = Aligned::stale(outputs * positions);
    let worth = turned.len() > MOVED;
    each_chunk(&mut turned, lanes * width, worth, |i, own| {
        let (tile, first) = (i / list.len(), i % list.len() * lanes);
        for o in 0..width {
            let from = &dy[(tile * width + o) * plane + first..][..lanes];
            own[o..].iter_mut().step_by(width).zip(from).for_each(|(to, v)| *to = *v);
        }
    });
    let taps = offsets.len();
    let (blocks, size) = (taps.div_ceil(columns), columns * outputs);
    // `[block][tap of the block][output]`
    let mut sums = Aligned::stale(blocks * size);
    let worth = outputs * taps * positions > MULTIPLIED;
    let share = if worth { share(blocks) } else { blocks };
    each_chunk(&mut sums, share * size, worth, |i, sums| {
        sums.fill(0.0);
        arch.dispatch(Across { x, dy: &turned, offsets, list, outputs, first: i * share * columns, sums });
    });
    transposed(&sums[..taps * outputs], taps, outputs)
}

/// Vectors of outputs and taps that are computed together.
struct AcrossShape {
    lanes: usize,
    vectors: usize,
    columns: usize,
}

/// The best on this machine for so many outputs.
struct AcrossFor(usize);

impl WithSimd for AcrossFor {
    type Output = AcrossShape;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> AcrossShape {
        let lanes = S::F32_LANES;
        let (vectors, columns) = match (is_wide::<S>(), self.0 / lanes) {
            (true, all) if all.is_multiple_of(4) => (4, 6),
            (true, all) if all.is_multiple_of(3) => (3, 6),
            (true, all) if all.is_multiple_of(2) => (2, 8),
            (false, all) if all.is_multiple_of(2) => (2, 5),
            _ => (1, 8),
        };
        AcrossShape { lanes, vectors, columns }
    }
}

struct Across<'a> {
    x: &'a [f32],
    /// `[tile][position][output of the tile]`
    dy: &'a [f32],
    offsets: &'a [u32],
    list: &'a [u32],
    outputs: usize,
    /// The first tap.
    first: usize,
    sums: &'a mut [f32],
}

impl Across<'_> {
    #[inline(always)]
    fn run<S: Simd, const K: usize, const V: usize>(self, simd: S) {
        let (zero, lanes) = (simd.splat_f32s(0.0), S::F32_LANES);
        let width = V * lanes;
        for (s, stretch) in self.list.chunks(NEAR).enumerate() {
            for tile in 0..self.outputs / width {
                let from = (tile * self.list.len() + s * NEAR) * lanes * width;
                let dy = &self.dy[from..from + stretch.len() * lanes * width];
                for (i, block) in self.sums.chunks_exact_mut(K * self.outputs).enumerate() {
                    let mut offsets = [0; K];
                    for (k, offset) in offsets.iter_mut().enumerate() {
                        *offset = self.offsets[(self.first + i * K + k).min(self.offsets.len() - 1)] as usize;
                    }
                    let mut sums = [[zero; V]; K];
                    for (sums, line) in sums.iter_mut().zip(block.chunks_exact(self.outputs)) {
                        for (v, sum) in sums.iter_mut().enumerate() {
                            *sum = load::<S>(line, tile * width + v * lanes);
                        }
                    }
                    let sums = taps_of::<S, K, V>(simd, self.x, dy, stretch, offsets, sums);
                    for (sums, line) in sums.iter().zip(block.chunks_exact_mut(self.outputs)) {
                        for (v, sum) in sums.iter().enumerate() {
                            store::<S>(&mut line[tile * width + v * lanes..], *sum);
                        }
                    }
                }
            }
        }
    }
}

/// `sums` and what a stretch of positions adds to them.
#[inline(always)]
fn taps_of<S: Simd, const K: usize, const V: usize>(
    simd: S,
    x: &[f32],
    dy: &[f32],
    stretch: &[u32],
    offsets: [usize; K],
    mut sums: [[S::f32s; V]; K],
) -> [[S::f32s; V]; K] {
    let (zero, lanes) = (simd.splat_f32s(0.0), S::F32_LANES);
    for (&base, dy) in stretch.iter().zip(dy.chunks_exact(lanes * V * lanes)) {
        let mut read: [&[f32]; K] = [&[]; K];
        for (read, offset) in read.iter_mut().zip(offsets) {
            *read = &x[base as usize + offset..][..lanes];
        }
        for (l, dy) in dy.chunks_exact(V * lanes).enumerate() {
            let mut own = [zero; V];
            for (v, own) in own.iter_mut().enumerate() {
                *own = load::<S>(dy, v * lanes);
            }
            for k in 0..K {
                let x = simd.splat_f32s(read[k][l]);
                for v in 0..V {
                    sums[k][v] = simd.mul_add_e_f32s(x, own[v], sums[k][v]);
                }
            }
        }
    }
    sums
}

impl WithSimd for Across<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let AcrossShape { vectors, .. } = AcrossFor(self.outputs).with_simd(simd);
        match (is_wide::<S>(), vectors) {
            (true, 4) => self.run::<S, 6, 4>(simd),
            (true, 3) => self.run::<S, 6, 3>(simd),
            (true, 2) => self.run::<S, 8, 2>(simd),
            (false, 2) => self.run::<S, 5, 2>(simd),
            _ => self.run::<S, 8, 1>(simd),
        }
    }
}

/// Outputs and taps that are computed together.
struct BlockShape;

impl WithSimd for BlockShape {
    type Output = (usize, usize);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (usize, usize) {
        if is_wide::<S>() { (4, 6) } else { (3, 4) }
    }
}

struct Run<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    /// Floats of a plane of `dy`.
    plane: usize,
    offsets: &'a [u32],
    list: &'a [u32],
    outputs: usize,
    /// The first block of taps.
    first: usize,
    sums: &'a mut [f32],
}

/// Sums over a stretch of positions, lane by lane.
#[inline(always)]
fn block_of<S: Simd, const M: usize, const K: usize>(
    simd: S,
    x: &[f32],
    rows: [&[f32]; M],
    stretch: &[u32],
    offsets: [usize; K],
) -> [[S::f32s; K]; M] {
    let zero = simd.splat_f32s(0.0);
    let mut lanes = [[zero; K]; M];
    for (v, &base) in stretch.iter().enumerate() {
        let mut dy = [zero; M];
        for m in 0..M {
            dy[m] = load::<S>(rows[m], v * S::F32_LANES);
        }
        for k in 0..K {
            let x = load::<S>(x, base as usize + offsets[k]);
            for m in 0..M {
                lanes[m][k] = simd.mul_add_e_f32s(dy[m], x, lanes[m][k]);
            }
        }
    }
    lanes
}

impl Run<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize, const K: usize>(self, simd: S) {
        let high = self.outputs.next_multiple_of(M);
        for (s, stretch) in self.list.chunks(STRETCH).enumerate() {
            for (i, block) in self.sums.chunks_exact_mut(high * K).enumerate() {
                let mut offsets = [0; K];
                for (k, offset) in offsets.iter_mut().enumerate() {
                    *offset = self.offsets[((self.first + i) * K + k).min(self.offsets.len() - 1)] as usize;
                }
                for (o, sums) in block.chunks_exact_mut(M * K).enumerate() {
                    let mut rows: [&[f32]; M] = [&[]; M];
                    for (m, row) in rows.iter_mut().enumerate() {
                        let output = (o * M + m).min(self.outputs - 1);
                        let from = output * self.plane + s * STRETCH * S::F32_LANES;
                        *row = &self.dy[from..from + stretch.len() * S::F32_LANES];
                    }
                    let lanes = block_of::<S, M, K>(simd, self.x, rows, stretch, offsets);
                    for m in 0..M {
                        for k in 0..K {
                            sums[m * K + k] += simd.reduce_sum_f32s(lanes[m][k]);
                        }
                    }
                }
            }
        }
    }
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if is_wide::<S>() { self.run::<S, 4, 6>(simd) } else { self.run::<S, 3, 4>(simd) }
    }
}
