//! The inner loop of the gradient of a convolution's weights.

use pulp::{Arch, Simd, WithSimd};

use super::{
    aligned::Aligned,
    buffer_pool::take_buffer,
    correlate::TileShape,
    layout::Grid,
    pack::transpose,
    parallel::{each_chunk, items_per_task, pays_to_move, pays_to_multiply},
    simd::{is_wide, load, store},
};

/// Vectors of positions summed lane by lane before the lanes are added up.
const STRETCH: usize = 128;

/// Returns the gradient `[output][input channel and tap]`: the sum over positions of
/// `dy[output][position] * x[position + offset]`. `dy` has the compact layout of the grid, with `plane` floats per channel.
pub(super) fn weight_gradient(
    x: &[f32],
    (dy, plane): (&[f32], usize),
    grid: &Grid,
    offsets: &[u32],
    outputs: usize,
) -> Vec<f32> {
    let lanes = TileShape::for_outputs(1).lanes;
    let starts = grid.vector_starts(lanes);
    let positions = starts.len() * lanes;
    if outputs.is_multiple_of(lanes) && offsets.len() >= MIN_TAPS && positions <= MAX_POSITIONS {
        return by_output_vectors(x, (dy, plane), &starts, offsets, outputs);
    }
    let arch = Arch::new();
    let (rows, columns) = arch.dispatch(BlockShape);
    let (taps, padded) = (offsets.len(), outputs.next_multiple_of(rows));
    let (blocks, size) = (taps.div_ceil(columns), padded * columns);
    let mut sums = Aligned::take(blocks * size);
    let parallel = pays_to_multiply(outputs * taps * positions);
    let per_task = items_per_task(blocks, parallel);
    each_chunk(&mut sums, per_task * size, parallel, |i, sums| {
        sums.fill(0.0);
        arch.dispatch(SumOverPositions { x, dy, plane, offsets, starts: &starts, outputs, first: i * per_task, sums });
    });
    let mut gradient = take_buffer(outputs * taps);
    let parallel = pays_to_move(gradient.len());
    each_chunk(&mut gradient, taps, parallel, |m, row| {
        for (block, to) in sums.chunks_exact(size).zip(row.chunks_mut(columns)) {
            // So few values are copied faster without a call to `memcpy`.
            to.iter_mut().zip(&block[m * columns..]).for_each(|(to, sum)| *to = *sum);
        }
    });
    gradient
}

/// With at least this many taps of all channels, and at most this many positions, transposing `dy` pays: summing over few
/// positions is fast, and adding up the lanes of each sum would take as long.
const MIN_TAPS: usize = 64;
const MAX_POSITIONS: usize = 1 << 12;

/// Vectors of positions processed before the next taps: their gradients stay in the nearest cache.
const NEAR: usize = 8;

/// [`weight_gradient`] with vectors of outputs instead of positions, so that no lanes are added up. The number of outputs is
/// a multiple of the vector width.
fn by_output_vectors(
    x: &[f32],
    (dy, plane): (&[f32], usize),
    starts: &[u32],
    offsets: &[u32],
    outputs: usize,
) -> Vec<f32> {
    let arch = Arch::new();
    let OutputTile { lanes, vectors, columns } = arch.dispatch(OutputTileFor(outputs));
    let (positions, width) = (starts.len() * lanes, vectors * lanes);
    // `[tile][position][output of the tile]`
    let mut transposed = Aligned::take(outputs * positions);
    let parallel = pays_to_move(transposed.len());
    each_chunk(&mut transposed, lanes * width, parallel, |i, to| {
        let (tile, first) = (i / starts.len(), i % starts.len() * lanes);
        for o in 0..width {
            let from = &dy[(tile * width + o) * plane + first..][..lanes];
            to[o..].iter_mut().step_by(width).zip(from).for_each(|(to, v)| *to = *v);
        }
    });
    let taps = offsets.len();
    let (blocks, size) = (taps.div_ceil(columns), columns * outputs);
    // `[block][tap of the block][output]`
    let mut sums = Aligned::take(blocks * size);
    let parallel = pays_to_multiply(outputs * taps * positions);
    let per_task = items_per_task(blocks, parallel);
    each_chunk(&mut sums, per_task * size, parallel, |i, sums| {
        sums.fill(0.0);
        arch.dispatch(SumOverOutputs {
            x,
            dy: &transposed,
            offsets,
            starts,
            outputs,
            first: i * per_task * columns,
            sums,
        });
    });
    transpose(&sums[..taps * outputs], taps, outputs)
}

/// Vectors of outputs, and taps, that are computed together.
struct OutputTile {
    lanes: usize,
    vectors: usize,
    columns: usize,
}

/// Chooses the tile that suits this machine and a number of outputs.
struct OutputTileFor(usize);

impl WithSimd for OutputTileFor {
    type Output = OutputTile;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> OutputTile {
        let lanes = S::F32_LANES;
        let (vectors, columns) = match (is_wide::<S>(), self.0 / lanes) {
            (true, all) if all.is_multiple_of(4) => (4, 6),
            (true, all) if all.is_multiple_of(3) => (3, 6),
            (true, all) if all.is_multiple_of(2) => (2, 8),
            (false, all) if all.is_multiple_of(2) => (2, 5),
            _ => (1, 8),
        };
        OutputTile { lanes, vectors, columns }
    }
}

/// The sums of a range of taps, by vectors of outputs.
struct SumOverOutputs<'a> {
    x: &'a [f32],
    /// `[tile][position][output of the tile]`
    dy: &'a [f32],
    offsets: &'a [u32],
    starts: &'a [u32],
    outputs: usize,
    /// Index of the first tap.
    first: usize,
    sums: &'a mut [f32],
}

impl SumOverOutputs<'_> {
    #[inline(always)]
    fn run<S: Simd, const K: usize, const V: usize>(self, simd: S) {
        let (zero, lanes) = (simd.splat_f32s(0.0), S::F32_LANES);
        let width = V * lanes;
        for (s, stretch) in self.starts.chunks(NEAR).enumerate() {
            for tile in 0..self.outputs / width {
                let from = (tile * self.starts.len() + s * NEAR) * lanes * width;
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

/// Returns `sums` plus the contributions of a stretch of positions.
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
            let mut vectors = [zero; V];
            for (v, vector) in vectors.iter_mut().enumerate() {
                *vector = load::<S>(dy, v * lanes);
            }
            for k in 0..K {
                let x = simd.splat_f32s(read[k][l]);
                for v in 0..V {
                    sums[k][v] = simd.mul_add_e_f32s(x, vectors[v], sums[k][v]);
                }
            }
        }
    }
    sums
}

impl WithSimd for SumOverOutputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let OutputTile { vectors, .. } = OutputTileFor(self.outputs).with_simd(simd);
        match (is_wide::<S>(), vectors) {
            (true, 4) => self.run::<S, 6, 4>(simd),
            (true, 3) => self.run::<S, 6, 3>(simd),
            (true, 2) => self.run::<S, 8, 2>(simd),
            (false, 2) => self.run::<S, 5, 2>(simd),
            _ => self.run::<S, 8, 1>(simd),
        }
    }
}

/// Chooses how many outputs and taps are computed together.
struct BlockShape;

impl WithSimd for BlockShape {
    type Output = (usize, usize);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (usize, usize) {
        if is_wide::<S>() { (4, 6) } else { (3, 4) }
    }
}

/// The sums of a range of blocks of taps, by vectors of positions.
struct SumOverPositions<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    /// Floats of a plane of `dy`.
    plane: usize,
    offsets: &'a [u32],
    starts: &'a [u32],
    outputs: usize,
    /// Index of the first block of taps.
    first: usize,
    sums: &'a mut [f32],
}

/// Returns the sums over a stretch of positions, lane by lane.
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

impl SumOverPositions<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize, const K: usize>(self, simd: S) {
        let padded = self.outputs.next_multiple_of(M);
        for (s, stretch) in self.starts.chunks(STRETCH).enumerate() {
            for (i, block) in self.sums.chunks_exact_mut(padded * K).enumerate() {
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

impl WithSimd for SumOverPositions<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if is_wide::<S>() { self.run::<S, 4, 6>(simd) } else { self.run::<S, 3, 4>(simd) }
    }
}
