//! Vector loads and stores, and loops that compile to vector instructions of any width.

use pulp::Simd;

/// Floats of the widest vector (AVX-512), and of a cache line.
pub(super) const LANES: usize = 16;

/// Whether there are enough registers for large tiles: AVX-512 and NEON have 32 vector registers, AVX2 has 16.
pub(super) const fn is_wide<S: Simd>() -> bool {
    S::REGISTER_COUNT >= 32
}

/// Loads the vector that begins at `at`.
#[inline(always)]
pub(super) fn load<S: Simd>(values: &[f32], at: usize) -> S::f32s {
    bytemuck::pod_read_unaligned(bytemuck::cast_slice(&values[at..at + S::F32_LANES]))
}

/// Stores a vector at the beginning of `values`.
#[inline(always)]
pub(super) fn store<S: Simd>(values: &mut [f32], vector: S::f32s) {
    values[..S::F32_LANES].copy_from_slice(bytemuck::cast_slice(std::slice::from_ref(&vector)));
}

/// Multiplies `value` by `slope` unless `sign` is above 0, without a branch: LeakyReLU, or its derivative with the output
/// as `sign`.
#[inline(always)]
pub(super) fn leaky(value: f32, sign: f32, slope: f32) -> f32 {
    value * if sign > 0.0 { 1.0 } else { slope }
}

/// Sums both results of `f` over pairs of values, in [`LANES`] partial sums each.
#[inline(always)]
pub(super) fn sum_pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> [f32; 2]) -> [f64; 2] {
    let (mut first, mut second) = ([0.0f32; LANES], [0.0f32; LANES]);
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            let [x, y] = f(a[i], b[i]);
            first[i] += x;
            second[i] += y;
        }
    }
    for (i, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        let [x, y] = f(*a, *b);
        first[i] += x;
        second[i] += y;
    }
    [first, second].map(|sums| sums.iter().map(|&v| f64::from(v)).sum())
}
