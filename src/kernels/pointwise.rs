//! Elementwise operations on maps in either memory order.

use burn::{
    backend::{
        Autodiff, Dispatch, Flex, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, activation},
};
use pulp::{Arch, Simd, WithSimd};

use super::{
    cpu_tensor::{CpuTensor, has_kernels, in_known_order, in_order, recycle, values, values_mut},
    layout::MapOrder,
    parallel::{each, pays_to_move},
    simd::leaky,
    unary::unary,
};

/// Values processed by one thread at a time.
const PART: usize = 1 << 13;

#[backend_extension(Flex, Autodiff)]
trait Pointwise: burn::backend::Backend {
    fn leaky(x: FloatTensor<Self>, slope: f32) -> FloatTensor<Self>;

    /// Adds `term`, which has no gradient.
    fn add_constant(x: FloatTensor<Self>, term: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Brings maps into NCHW order.
    fn nchw(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// The backward pass, on a backend without autodiff.
trait PointwiseBackward: Pointwise {
    /// Returns the gradient of the input; `y` is the output.
    fn leaky_gradient(gradient: FloatTensor<Self>, y: FloatTensor<Self>, slope: f32) -> FloatTensor<Self>;
}

impl Pointwise for Flex {
    fn leaky(x: CpuTensor, slope: f32) -> CpuTensor {
        let (mut x, _) = in_known_order(x);
        let (arch, all) = (Arch::new(), values_mut(&mut x));
        let parallel = pays_to_move(all.len());
        each(all.chunks_mut(PART), parallel, |x| arch.dispatch(Leaky { x, slope }));
        x
    }

    fn add_constant(x: CpuTensor, term: CpuTensor) -> CpuTensor {
        // Nothing else holds the term, so the sum takes its memory.
        let (x, order) = in_known_order(x);
        let mut term = in_order(term, order);
        add_assign(values_mut(&mut term), values(&x));
        recycle([x]);
        term
    }

    fn nchw(x: CpuTensor) -> CpuTensor {
        in_order(x, MapOrder::Nchw)
    }
}

impl PointwiseBackward for Flex {
    fn leaky_gradient(gradient: CpuTensor, y: CpuTensor, slope: f32) -> CpuTensor {
        let (y, order) = in_known_order(y);
        let mut gradient = in_order(gradient, order);
        let (arch, all) = (Arch::new(), values_mut(&mut gradient));
        let parallel = pays_to_move(all.len());
        let parts = all.chunks_mut(PART).zip(values(&y).chunks(PART));
        each(parts, parallel, |(gradient, y)| arch.dispatch(LeakyBackward { gradient, y, slope }));
        recycle([y]);
        gradient
    }
}

impl<B: PointwiseBackward, C: CheckpointStrategy> Pointwise for Autodiff<B, C> {
    fn leaky(x: FloatTensor<Self>, slope: f32) -> FloatTensor<Self> {
        let forward = |x| {
            let y = B::leaky(x, slope);
            (y.clone(), (y, slope))
        };
        unary::<B, C, _>(x, forward, |gradient, (y, slope)| B::leaky_gradient(gradient, y, slope))
    }

    fn add_constant(x: FloatTensor<Self>, term: FloatTensor<Self>) -> FloatTensor<Self> {
        unary::<B, C, _>(x, |x| (B::add_constant(x, term.into_primitive()), ()), |gradient, ()| gradient)
    }

    fn nchw(x: FloatTensor<Self>) -> FloatTensor<Self> {
        unary::<B, C, _>(x, |x| (B::nchw(x), ()), |gradient, ()| gradient)
    }
}

/// Adds `x` to `to`, element by element.
pub(super) fn add_assign(to: &mut [f32], x: &[f32]) {
    let (arch, parallel) = (Arch::new(), pays_to_move(to.len()));
    each(to.chunks_mut(PART).zip(x.chunks(PART)), parallel, |(to, x)| arch.dispatch(AddAssign { to, x }));
}

// The loops are structs, so that they are compiled for the vector instructions of this machine.

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

struct AddAssign<'a> {
    to: &'a mut [f32],
    x: &'a [f32],
}

impl WithSimd for AddAssign<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.to.iter_mut().zip(self.x).for_each(|(to, x)| *to += x);
    }
}

struct LeakyBackward<'a> {
    gradient: &'a mut [f32],
    y: &'a [f32],
    slope: f32,
}

impl WithSimd for LeakyBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.gradient.iter_mut().zip(self.y).for_each(|(gradient, y)| *gradient = leaky(*gradient, *y, self.slope));
    }
}

/// LeakyReLU of maps `[batch, channels, height, width]`: `x` above zero, `slope * x` below, with a slope in (0, 1).
pub(crate) fn leaky_relu(x: Tensor<4>, slope: f64) -> Tensor<4> {
    match has_kernels(&x.device()) {
        true => Tensor::from_dispatch(<Dispatch as Pointwise>::leaky(x.into_dispatch(), slope as f32)),
        false => activation::leaky_relu(x, slope),
    }
}

/// Returns `x + term`, where `term` has no gradient and the same dimensions.
pub(crate) fn add_constant(x: Tensor<4>, term: Tensor<4>) -> Tensor<4> {
    match has_kernels(&x.device()) {
        true => Tensor::from_dispatch(<Dispatch as Pointwise>::add_constant(x.into_dispatch(), term.into_dispatch())),
        false => x + term,
    }
}

/// Flattens maps `[batch, channels, height, width]` into `[batch, channels * height * width]`.
pub(crate) fn flatten(x: Tensor<4>) -> Tensor<2> {
    match has_kernels(&x.device()) {
        true => Tensor::<4>::from_dispatch(<Dispatch as Pointwise>::nchw(x.into_dispatch())).flatten(1, 3),
        false => x.flatten(1, 3),
    }
}
