//! What is done to maps number by number, in whichever order they lie.

use burn::{
    backend::{
        Autodiff, Dispatch, Flex, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, activation},
};
use pulp::{Arch, Simd, WithSimd};

use super::{
    buffer_pool::reclaim,
    burn_ops::{Cpu, has_kernels, ordered, own, settled, values},
    layout::MapOrder,
    norm::leaky,
    parallel::{MOVED, each},
    unary::unary,
};

/// Numbers that one thread takes at a time.
const PART: usize = 1 << 13;

#[backend_extension(Flex, Autodiff)]
trait Pointwise: burn::backend::Backend {
    fn leaky(x: FloatTensor<Self>, slope: f32) -> FloatTensor<Self>;

    /// `by` has no gradient.
    fn moved(x: FloatTensor<Self>, by: FloatTensor<Self>) -> FloatTensor<Self>;

    fn by_images(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// The way back, on a backend without autodiff.
trait PointwiseBack: Pointwise {
    /// `y` is what came out.
    fn leaky_gradient(gradient: FloatTensor<Self>, y: FloatTensor<Self>, slope: f32) -> FloatTensor<Self>;
}

impl Pointwise for Flex {
    fn leaky(x: Cpu, slope: f32) -> Cpu {
        let (mut x, _) = settled(x);
        let (arch, line) = (Arch::new(), own(&mut x));
        let worth = line.len() > MOVED;
        each(line.chunks_mut(PART), worth, |x| arch.dispatch(Leaky { x, slope }));
        x
    }

    fn moved(x: Cpu, by: Cpu) -> Cpu {
        // What is added is nobody else's, and becomes the sum.
        let (x, order) = settled(x);
        let mut by = ordered(by, order);
        add(own(&mut by), values(&x));
        reclaim([x]);
        by
    }

    fn by_images(x: Cpu) -> Cpu {
        ordered(x, MapOrder::Images)
    }
}

impl PointwiseBack for Flex {
    fn leaky_gradient(gradient: Cpu, y: Cpu, slope: f32) -> Cpu {
        let (y, order) = settled(y);
        let mut gradient = ordered(gradient, order);
        let (arch, line) = (Arch::new(), own(&mut gradient));
        let worth = line.len() > MOVED;
        let parts = line.chunks_mut(PART).zip(values(&y).chunks(PART));
        each(parts, worth, |(gradient, y)| arch.dispatch(Back { gradient, y, slope }));
        reclaim([y]);
        gradient
    }
}

impl<B: PointwiseBack, C: CheckpointStrategy> Pointwise for Autodiff<B, C> {
    fn leaky(x: FloatTensor<Self>, slope: f32) -> FloatTensor<Self> {
        let forward = |x| {
            let y = B::leaky(x, slope);
            (y.clone(), (y, slope))
        };
        unary::<B, C, _>(x, forward, |gradient, (y, slope)| B::leaky_gradient(gradient, y, slope))
    }

    fn moved(x: FloatTensor<Self>, by: FloatTensor<Self>) -> FloatTensor<Self> {
        unary::<B, C, _>(x, |x| (B::moved(x, by.into_primitive()), ()), |gradient, ()| gradient)
    }

    fn by_images(x: FloatTensor<Self>) -> FloatTensor<Self> {
        unary::<B, C, _>(x, |x| (B::by_images(x), ()), |gradient, ()| gradient)
    }
}

/// Adds `x` to `to`, place by place.
pub(super) fn add(to: &mut [f32], x: &[f32]) {
    let (arch, worth) = (Arch::new(), to.len() > MOVED);
    each(to.chunks_mut(PART).zip(x.chunks(PART)), worth, |(to, x)| arch.dispatch(Plus { to, x }));
}

// Structs, so that what they do is compiled for the vectors of this machine.

struct Leaky<'a> {
    x: &'a mut [f32],
    slope: f32,
}

impl WithSimd for Leaky<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.x.iter_mut().for_each(|x| *x = leaky(*x, *x, self.slope));
    }
}

struct Plus<'a> {
    to: &'a mut [f32],
    x: &'a [f32],
}

impl WithSimd for Plus<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.to.iter_mut().zip(self.x).for_each(|(to, x)| *to += x);
    }
}

struct Back<'a> {
    gradient: &'a mut [f32],
    y: &'a [f32],
    slope: f32,
}

impl WithSimd for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.gradient.iter_mut().zip(self.y).for_each(|(gradient, y)| *gradient = leaky(*gradient, *y, self.slope));
    }
}

/// LeakyReLU of maps: `x` above zero, `slope * x` below, with a slope in (0, 1).
pub fn leaky_relu(x: Tensor<4>, slope: f64) -> Tensor<4> {
    match has_kernels(&x.device()) {
        true => Tensor::from_dispatch(<Dispatch as Pointwise>::leaky(x.into_dispatch(), slope as f32)),
        false => activation::leaky_relu(x, slope),
    }
}

/// `x + by`, where `by` has no gradient.
pub fn moved(x: Tensor<4>, by: Tensor<4>) -> Tensor<4> {
    match has_kernels(&x.device()) {
        true => Tensor::from_dispatch(<Dispatch as Pointwise>::moved(x.into_dispatch(), by.into_dispatch())),
        false => x + by,
    }
}

/// Maps `[batch, channels, height, width]` as lines `[batch, channels * height * width]`.
pub fn flattened(x: Tensor<4>) -> Tensor<2> {
    match has_kernels(&x.device()) {
        true => Tensor::<4>::from_dispatch(<Dispatch as Pointwise>::by_images(x.into_dispatch())).flatten(1, 3),
        false => x.flatten(1, 3),
    }
}
