//! The inner loop of the gradient of a convolution's weights.

use pulp::{Arch, Simd, WithSimd};

use super::{
    correlate::{TileShape, is_wide, load},
    geometry::Grid,
    memory::{Aligned, fresh},
    threads::{MOVED, MULTIPLIED, each_chunk, share},
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
    let arch = Arch::new();
    let list = grid.vectors(TileShape::of(1).lanes);
    let (rows, columns) = arch.dispatch(BlockShape);
    let (taps, high) = (offsets.len(), outputs.next_multiple_of(rows));
    let (blocks, size) = (taps.div_ceil(columns), high * columns);
    let mut sums = Aligned::stale(blocks * size);
    let worth = outputs * taps * list.len() * TileShape::of(1).lanes > MULTIPLIED;
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
