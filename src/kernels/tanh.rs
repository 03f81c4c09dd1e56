//! The hyperbolic tangent of maps, vector by vector.

use burn::{
    backend::{
        Autodiff, Dispatch, Flex, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
        tensor::FloatTensor,
    },
    tensor::Tensor,
};
use pulp::{Arch, Simd, WithSimd};

use super::{
    buffer_pool::reclaim,
    burn_ops::{Cpu, has_kernels, ordered, own, values},
    layout::MapOrder,
    parallel::{MOVED, each},
    unary::unary,
};

/// Numbers that one thread takes at a time.
const PART: usize = 1 << 12;

#[backend_extension(Flex, Autodiff)]
trait Tanh: burn::backend::Backend {
    fn tangent(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// The way back, on a backend without autodiff.
trait TanhBack: Tanh {
    /// `y` is what came out.
    fn tangent_gradient(gradient: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Tanh for Flex {
    fn tangent(x: Cpu) -> Cpu {
        // Losses and pictures take it image by image.
        let mut x = ordered(x, MapOrder::Images);
        let (arch, line) = (Arch::new(), own(&mut x));
        let worth = line.len() > MOVED;
        each(line.chunks_mut(PART), worth, |part| arch.dispatch(Forward(part)));
        x
    }
}

impl TanhBack for Flex {
    fn tangent_gradient(gradient: Cpu, y: Cpu) -> Cpu {
        let [mut gradient, y] = [gradient, y].map(|t| ordered(t, MapOrder::Images));
        let (arch, line) = (Arch::new(), own(&mut gradient));
        let worth = line.len() > MOVED;
        let parts = line.chunks_mut(PART).zip(values(&y).chunks(PART));
        each(parts, worth, |(gradient, y)| arch.dispatch(Backward { gradient, y }));
        reclaim([y]);
        gradient
    }
}

impl<B: TanhBack, C: CheckpointStrategy> Tanh for Autodiff<B, C> {
    fn tangent(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let forward = |x| {
            let y = B::tangent(x);
            (y.clone(), y)
        };
        unary::<B, C, _>(x, forward, B::tangent_gradient)
    }
}

/// `(1 - t) / (1 + t)` with `t = exp(-2 |x|)`, the exponential by a polynomial of degree 6 between powers of two: within
/// 2e-7 of the true value.
#[inline(always)]
fn tangent(x: f32) -> f32 {
    let v = -2.0 * x.abs();
    // From 9.1 on the nearest float is 1. What is not a number stays so.
    let v = if v < -20.0 { -20.0 } else { v };
    // Adding and taking away three times two to the 22 rounds to a whole number.
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
        self.0.iter_mut().for_each(|x| *x = tangent(*x));
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

/// The hyperbolic tangent of each number: the fast kernel where the device has one, else Burn's.
pub fn tanh(x: Tensor<4>) -> Tensor<4> {
    match has_kernels(&x.device()) {
        true => Tensor::from_dispatch(<Dispatch as Tanh>::tangent(x.into_dispatch())),
        false => x.tanh(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float_of_note_comes_near_its_true_tangent() {
        let line = (0..400_000).map(|i| (i as f32 - 200_000.0) * 1e-4).chain([0.0, -0.0, 1e-30, 90.0, -1e30]);
        for x in line.chain([f32::INFINITY, f32::NEG_INFINITY]) {
            let off = (f64::from(tangent(x)) - f64::from(x).tanh()).abs();
            assert!(off < 2e-7, "{x}: {} is {off:e} off", tangent(x));
        }
        assert!(tangent(f32::NAN).is_nan());
    }
}
