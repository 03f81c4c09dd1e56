//! The hyperbolic tangent of maps.

use burn::{
    backend::{
        Autodiff, Dispatch, Flex, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
        tensor::FloatTensor,
    },
    tensor::Tensor,
};
use pulp::{Arch, Simd, WithSimd};

use super::{
    cpu_tensor::{CpuTensor, has_kernels, in_order, recycle, values, values_mut},
    layout::MapOrder,
    parallel::{each, pays_to_move},
    unary::unary,
};

/// Values processed by one thread at a time.
const PART: usize = 1 << 12;

#[backend_extension(Flex, Autodiff)]
trait TanhOps: burn::backend::Backend {
    fn tanh_forward(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// The backward pass, on a backend without autodiff.
trait TanhBackward: TanhOps {
    /// Returns the gradient of the input; `y` is the output.
    fn tanh_gradient(gradient: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl TanhOps for Flex {
    fn tanh_forward(x: CpuTensor) -> CpuTensor {
        // Losses and images read the result as NCHW.
        let mut x = in_order(x, MapOrder::Nchw);
        let (arch, all) = (Arch::new(), values_mut(&mut x));
        let parallel = pays_to_move(all.len());
        each(all.chunks_mut(PART), parallel, |part| arch.dispatch(Forward(part)));
        x
    }
}

impl TanhBackward for Flex {
    fn tanh_gradient(gradient: CpuTensor, y: CpuTensor) -> CpuTensor {
        let [mut gradient, y] = [gradient, y].map(|t| in_order(t, MapOrder::Nchw));
        let (arch, all) = (Arch::new(), values_mut(&mut gradient));
        let parallel = pays_to_move(all.len());
        let parts = all.chunks_mut(PART).zip(values(&y).chunks(PART));
        each(parts, parallel, |(gradient, y)| arch.dispatch(Backward { gradient, y }));
        recycle([y]);
        gradient
    }
}

impl<B: TanhBackward, C: CheckpointStrategy> TanhOps for Autodiff<B, C> {
    fn tanh_forward(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let forward = |x| {
            let y = B::tanh_forward(x);
            (y.clone(), y)
        };
        unary::<B, C, _>(x, forward, B::tanh_gradient)
    }
}

/// `(1 - t) / (1 + t)` with `t = exp(-2 |x|)`. The exponential is a polynomial of degree 6 between powers of two. The absolute
/// error is below 2e-7.
#[inline(always)]
fn tanh_f32(x: f32) -> f32 {
    let v = -2.0 * x.abs();
    // Above 9.1 the nearest float is 1. NaN stays NaN.
    let v = if v < -20.0 { -20.0 } else { v };
    // Adding and subtracting 1.5 * 2^23 rounds to an integer.
    let whole = v * std::f32::consts::LOG2_E + 12_582_912.0 - 12_582_912.0;
    // ln 2 in two parts, the first of which has few digits.
    let rest = v - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let polynomial = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let power = polynomial.into_iter().fold(0.0, |sum, c| sum * rest + c);
    let t = power * f32::from_bits(((whole as i32 + 127) as u32) << 23);
    ((1.0 - t) / (1.0 + t)).copysign(x)
}

struct Forward<'a>(&'a mut [f32]);

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.iter_mut().for_each(|x| *x = tanh_f32(*x));
    }
}

struct Backward<'a> {
    gradient: &'a mut [f32],
    y: &'a [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.gradient.iter_mut().zip(self.y).for_each(|(g, y)| *g *= 1.0 - y * y);
    }
}

/// The hyperbolic tangent of each value, with the fast kernel if it runs on the device, else Burn's.
pub fn tanh(x: Tensor<4>) -> Tensor<4> {
    match has_kernels(&x.device()) {
        true => Tensor::from_dispatch(<Dispatch as TanhOps>::tanh_forward(x.into_dispatch())),
        false => x.tanh(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float_of_note_comes_near_its_true_tangent() {
        let all = (0..400_000).map(|i| (i as f32 - 200_000.0) * 1e-4).chain([0.0, -0.0, 1e-30, 90.0, -1e30]);
        for x in all.chain([f32::INFINITY, f32::NEG_INFINITY]) {
            let off = (f64::from(tanh_f32(x)) - f64::from(x).tanh()).abs();
            assert!(off < 2e-7, "{x}: {} is {off:e} off", tanh_f32(x));
        }
        assert!(tanh_f32(f32::NAN).is_nan());
    }
}
