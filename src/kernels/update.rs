//! Update rules, averages and squares of long lines of numbers, in one pass over memory.

use burn::{
    backend::{Dispatch, Flex, backend_extension, tensor::FloatTensor},
    tensor::Tensor,
};
use pulp::{Arch, Simd, WithSimd};

use super::{
    buffer_pool::reclaim,
    burn_ops::{Cpu, contiguous, has_kernels, own, tensor, values},
    norm::sum2,
    parallel::{MOVED, each},
    pointwise::add,
};

/// Numbers that one thread takes at a time, and whose squares are added up in one go.
const PART: usize = 1 << 13;

/// What Adam (Kingma and Ba 2015) needs to know of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Learning rate with the corrections of both moments' bias.
    pub rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

#[backend_extension(Flex)]
trait Updates: burn::backend::Backend {
    fn adam(
        w: FloatTensor<Self>,
        g: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        rule: Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    fn average(old: FloatTensor<Self>, new: FloatTensor<Self>, decay: f64) -> FloatTensor<Self>;

    fn square_sum(x: FloatTensor<Self>) -> FloatTensor<Self>;

    fn sum(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Updates for Flex {
    fn adam(w: Cpu, g: Cpu, first: Cpu, second: Cpu, rule: Adam) -> (Cpu, Cpu, Cpu) {
        let [mut w, g, mut first, mut second] = [w, g, first, second].map(contiguous);
        rule.step(own(&mut w), values(&g), own(&mut first), own(&mut second));
        reclaim([g]);
        (w, first, second)
    }

    fn average(old: Cpu, new: Cpu, decay: f64) -> Cpu {
        let [mut old, new] = [old, new].map(contiguous);
        let (keep, share) = (decay as f32, (1.0 - decay) as f32);
        let arch = Arch::new();
        let work = |(old, new): (&mut [f32], &[f32])| arch.dispatch(Average { old, new, keep, share });
        let (to, new) = (own(&mut old), values(&new));
        let worth = to.len() > MOVED;
        each(to.chunks_mut(PART).zip(new.chunks(PART)), worth, work);
        old
    }

    fn square_sum(x: Cpu) -> Cpu {
        let x = contiguous(x);
        let arch = Arch::new();
        let work = |part: &[f32]| arch.dispatch(Squares(part));
        let mut parts = vec![0.0; values(&x).len().div_ceil(PART)];
        let worth = values(&x).len() > MOVED;
        each(parts.iter_mut().zip(values(&x).chunks(PART)), worth, |(sum, part)| *sum = work(part));
        // In one order, however many threads there were.
        tensor(vec![parts.into_iter().sum::<f64>() as f32], [1])
    }

    fn sum(a: Cpu, b: Cpu) -> Cpu {
        let [mut a, b] = [a, b].map(contiguous);
        add(own(&mut a), values(&b));
        reclaim([b]);
        a
    }
}

impl Adam {
    /// Moves `w` by the gradient `g`, and the moments with it.
    fn step(&self, w: &mut [f32], g: &[f32], first: &mut [f32], second: &mut [f32]) {
        let arch = Arch::new();
        let worth = w.len() > MOVED;
        let moments = first.chunks_mut(PART).zip(second.chunks_mut(PART));
        each(w.chunks_mut(PART).zip(g.chunks(PART)).zip(moments), worth, |((w, g), (first, second))| {
            arch.dispatch(Move { rule: self, w, g, first, second });
        });
    }
}

// Structs, so that what they do is compiled for the vectors of this machine.

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
        sum2(self.0, self.0, |a, b| [a * b, 0.0])[0]
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

/// The value `w` of a parameter after a step of Adam by its gradient `g`, and its two moments. Nothing has a gradient.
pub fn adam(w: Tensor<1>, g: Tensor<1>, moments: [Tensor<1>; 2], rule: Adam) -> (Tensor<1>, [Tensor<1>; 2]) {
    let [first, second] = moments;
    if has_kernels(&w.device()) {
        let [w, g, first, second] = [w, g, first, second].map(Tensor::into_dispatch);
        let (w, first, second) = <Dispatch as Updates>::adam(w, g, first, second, rule);
        let [w, first, second] = [w, first, second].map(Tensor::from_dispatch);
        return (w, [first, second]);
    }
    let Adam { rate, beta1, beta2, epsilon } = rule;
    let first = first * beta1 + g.clone() * (1.0 - beta1);
    let second = second * beta2 + g.square() * (1.0 - beta2);
    (w - first.clone() / (second.clone().sqrt() + epsilon) * rate, [first, second])
}

/// `old * decay + new * (1 - decay)`, without a gradient.
pub fn average(old: Tensor<1>, new: Tensor<1>, decay: f64) -> Tensor<1> {
    if has_kernels(&old.device()) {
        let (old, new) = (old.into_dispatch(), new.into_dispatch());
        return Tensor::from_dispatch(<Dispatch as Updates>::average(old, new, decay));
    }
    old * decay + new * (1.0 - decay)
}

/// `a + b`, without a gradient.
pub fn sum(a: Tensor<1>, b: Tensor<1>) -> Tensor<1> {
    match has_kernels(&a.device()) {
        true => Tensor::from_dispatch(<Dispatch as Updates>::sum(a.into_dispatch(), b.into_dispatch())),
        false => a + b,
    }
}

/// The sum of all squares, without a gradient.
pub fn square_sum(x: Tensor<1>) -> Tensor<1> {
    match has_kernels(&x.device()) {
        true => Tensor::from_dispatch(<Dispatch as Updates>::square_sum(x.into_dispatch())),
        false => x.square().sum(),
    }
}
