//! Adam, moving averages and sums over long vectors of parameters, each in one pass over memory.

use burn::{
    backend::{Dispatch, Flex, backend_extension, tensor::FloatTensor},
    tensor::Tensor,
};
use pulp::{Arch, Simd, WithSimd};

use super::{
    cpu_tensor::{CpuTensor, contiguous, from_values, has_kernels, recycle, values, values_mut},
    parallel::{each, pays_to_move},
    pointwise::add_assign,
    simd::sum_pairs,
};

/// Values processed by one thread at a time, and summed together.
const PART: usize = 1 << 13;

/// The parameters of one step of Adam (Kingma and Ba 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adam {
    /// Learning rate, including the bias corrections of both moments.
    pub rate: f64,
    /// Decay of the first moment, in [0, 1).
    pub beta1: f64,
    /// Decay of the second moment, in [0, 1).
    pub beta2: f64,
    /// Added to the square root of the second moment.
    pub epsilon: f64,
}

#[backend_extension(Flex)]
trait UpdateOps: burn::backend::Backend {
    fn adam(
        w: FloatTensor<Self>,
        g: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        rule: Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    fn moving_average(old: FloatTensor<Self>, new: FloatTensor<Self>, decay: f64) -> FloatTensor<Self>;

    fn sum_squares(x: FloatTensor<Self>) -> FloatTensor<Self>;

    fn add(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl UpdateOps for Flex {
    fn adam(
        w: CpuTensor,
        g: CpuTensor,
        first: CpuTensor,
        second: CpuTensor,
        rule: Adam,
    ) -> (CpuTensor, CpuTensor, CpuTensor) {
        let [mut w, g, mut first, mut second] = [w, g, first, second].map(contiguous);
        rule.step(values_mut(&mut w), values(&g), values_mut(&mut first), values_mut(&mut second));
        recycle([g]);
        (w, first, second)
    }

    fn moving_average(old: CpuTensor, new: CpuTensor, decay: f64) -> CpuTensor {
        let [mut old, new] = [old, new].map(contiguous);
        let (keep, share) = (decay as f32, (1.0 - decay) as f32);
        let arch = Arch::new();
        let work = |(old, new): (&mut [f32], &[f32])| arch.dispatch(Average { old, new, keep, share });
        let (to, new) = (values_mut(&mut old), values(&new));
        let parallel = pays_to_move(to.len());
        each(to.chunks_mut(PART).zip(new.chunks(PART)), parallel, work);
        old
    }

    fn sum_squares(x: CpuTensor) -> CpuTensor {
        let x = contiguous(x);
        let arch = Arch::new();
        let work = |part: &[f32]| arch.dispatch(Squares(part));
        let mut parts = vec![0.0; values(&x).len().div_ceil(PART)];
        let parallel = pays_to_move(values(&x).len());
        each(parts.iter_mut().zip(values(&x).chunks(PART)), parallel, |(sum, part)| *sum = work(part));
        // Summed in a fixed order, whatever the number of threads.
        from_values(vec![parts.into_iter().sum::<f64>() as f32], [1])
    }

    fn add(a: CpuTensor, b: CpuTensor) -> CpuTensor {
        let [mut a, b] = [a, b].map(contiguous);
        add_assign(values_mut(&mut a), values(&b));
        recycle([b]);
        a
    }
}

impl Adam {
    /// UpdateOps parameters `w` and both moments by the gradient `g`.
    fn step(&self, w: &mut [f32], g: &[f32], first: &mut [f32], second: &mut [f32]) {
        let arch = Arch::new();
        let parallel = pays_to_move(w.len());
        let moments = first.chunks_mut(PART).zip(second.chunks_mut(PART));
        each(w.chunks_mut(PART).zip(g.chunks(PART)).zip(moments), parallel, |((w, g), (first, second))| {
            arch.dispatch(Move { rule: self, w, g, first, second });
        });
    }
}

// The loops are structs, so that they are compiled for the vector instructions of this machine.

struct Average<'a> {
    old: &'a mut [f32],
    new: &'a [f32],
    keep: f32,
    share: f32,
}

impl WithSimd for Average<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { old, new, keep, share } = self;
        old.iter_mut().zip(new).for_each(|(old, new)| *old = *old * keep + new * share);
    }
}

struct Squares<'a>(&'a [f32]);

impl WithSimd for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        sum_pairs(self.0, self.0, |a, b| [a * b, 0.0])[0]
    }
}

struct Move<'a> {
    rule: &'a Adam,
    w: &'a mut [f32],
    g: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl WithSimd for Move<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Adam { rate, beta1, beta2, epsilon } = *self.rule;
        let [new1, new2] = [beta1, beta2].map(|beta| (1.0 - beta) as f32);
        let [rate, beta1, beta2, epsilon] = [rate, beta1, beta2, epsilon].map(|v| v as f32);
        for (((w, g), first), second) in self.w.iter_mut().zip(self.g).zip(self.first).zip(self.second) {
            *first = *first * beta1 + g * new1;
            *second = *second * beta2 + g * g * new2;
            *w -= *first / (second.sqrt() + epsilon) * rate;
        }
    }
}

/// Returns the parameters `w` and their two moments after a step of Adam with gradient `g`. No result has a gradient.
pub(crate) fn adam(w: Tensor<1>, g: Tensor<1>, moments: [Tensor<1>; 2], rule: Adam) -> (Tensor<1>, [Tensor<1>; 2]) {
    let [first, second] = moments;
    if has_kernels(&w.device()) {
        let [w, g, first, second] = [w, g, first, second].map(Tensor::into_dispatch);
        let (w, first, second) = <Dispatch as UpdateOps>::adam(w, g, first, second, rule);
        let [w, first, second] = [w, first, second].map(Tensor::from_dispatch);
        return (w, [first, second]);
    }
    let Adam { rate, beta1, beta2, epsilon } = rule;
    let first = first * beta1 + g.clone() * (1.0 - beta1);
    let second = second * beta2 + g.square() * (1.0 - beta2);
    (w - first.clone() / (second.clone().sqrt() + epsilon) * rate, [first, second])
}

/// Returns the moving moving_average `old * decay + new * (1 - decay)`, without a gradient.
pub(crate) fn moving_average(old: Tensor<1>, new: Tensor<1>, decay: f64) -> Tensor<1> {
    if has_kernels(&old.device()) {
        let (old, new) = (old.into_dispatch(), new.into_dispatch());
        return Tensor::from_dispatch(<Dispatch as UpdateOps>::moving_average(old, new, decay));
    }
    old * decay + new * (1.0 - decay)
}

/// Returns `a + b`, without a gradient.
pub(crate) fn add(a: Tensor<1>, b: Tensor<1>) -> Tensor<1> {
    match has_kernels(&a.device()) {
        true => Tensor::from_dispatch(<Dispatch as UpdateOps>::add(a.into_dispatch(), b.into_dispatch())),
        false => a + b,
    }
}

/// Returns the sum of all squares, of shape `[1]`, without a gradient.
pub fn sum_squares(x: Tensor<1>) -> Tensor<1> {
    match has_kernels(&x.device()) {
        true => Tensor::from_dispatch(<Dispatch as UpdateOps>::sum_squares(x.into_dispatch())),
        false => x.square().sum(),
    }
}
