//! Kernels of a doubled map folded into those of its phases on the small one: sums of weights, and their way back.

use std::sync::Arc;

use burn::{
    backend::{
        Autodiff, Dispatch, Flex, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, TensorData},
};

use super::{
    buffer_pool::{fresh, reclaim},
    burn_ops::{Cpu, contiguous, has_kernels, tensor, values},
    parallel::{MOVED, each_chunk},
    unary::unary,
};

/// Taps of a 5x5 kernel, phases of the doubled map and taps of a 3x3 kernel.
const LARGE: usize = 25;
const PHASES: usize = 4;
const SMALL: usize = 9;

/// Which taps of a 5x5 kernel are added up to which tap of the 3x3 kernel of which phase.
#[derive(Debug)]
pub struct Fold {
    /// Large tap, and phase times 9 plus small tap.
    pairs: Vec<[usize; 2]>,
}

impl Fold {
    /// `lands(large, phase)` is the small tap that a large one adds to, row by row, or none.
    pub fn new(lands: impl Fn(usize, usize) -> Option<usize>) -> Self {
        let all = (0..LARGE).flat_map(|large| (0..PHASES).map(move |phase| (large, phase)));
        Self { pairs: all.filter_map(|(l, p)| lands(l, p).map(|small| [l, p * SMALL + small])).collect() }
    }

    /// `[outputs, inputs, 5, 5]` to `[4 outputs, inputs, 3, 3]`.
    fn forward(&self, weight: &[f32], inputs: usize) -> Vec<f32> {
        let mut folded = fresh(weight.len() / LARGE * PHASES * SMALL);
        let worth = folded.len() > MOVED;
        each_chunk(&mut folded, PHASES * inputs * SMALL, worth, |output, own| {
            let weight = &weight[output * inputs * LARGE..][..inputs * LARGE];
            for (i, large) in weight.as_chunks::<LARGE>().0.iter().enumerate() {
                let mut small = [0.0; PHASES * SMALL];
                self.pairs.iter().for_each(|[from, to]| small[*to] += large[*from]);
                for (phase, small) in small.as_chunks::<SMALL>().0.iter().enumerate() {
                    own[(phase * inputs + i) * SMALL..][..SMALL].copy_from_slice(small);
                }
            }
        });
        folded
    }

    /// The gradient of what went in.
    fn backward(&self, gradient: &[f32], inputs: usize) -> Vec<f32> {
        let mut weight = fresh(gradient.len() / (PHASES * SMALL) * LARGE);
        let worth = weight.len() > MOVED;
        each_chunk(&mut weight, inputs * LARGE, worth, |output, own| {
            let gradient = &gradient[output * inputs * PHASES * SMALL..][..inputs * PHASES * SMALL];
            for (i, large) in own.as_chunks_mut::<LARGE>().0.iter_mut().enumerate() {
                let mut small = [0.0; PHASES * SMALL];
                for (phase, small) in small.as_chunks_mut::<SMALL>().0.iter_mut().enumerate() {
                    small.copy_from_slice(&gradient[(phase * inputs + i) * SMALL..][..SMALL]);
                }
                large.fill(0.0);
                self.pairs.iter().for_each(|[from, to]| large[*from] += small[*to]);
            }
        });
        weight
    }
}

#[backend_extension(Flex, Autodiff)]
trait Folds: burn::backend::Backend {
    fn fold(weight: FloatTensor<Self>, size: [usize; 2], fold: Arc<Fold>) -> FloatTensor<Self>;
}

/// The way back, on a backend without autodiff.
trait FoldsBack: Folds {
    fn fold_gradient(gradient: FloatTensor<Self>, size: [usize; 2], fold: Arc<Fold>) -> FloatTensor<Self>;
}

impl Folds for Flex {
    fn fold(weight: Cpu, [outputs, inputs]: [usize; 2], fold: Arc<Fold>) -> Cpu {
        let folded = fold.forward(values(&contiguous(weight)), inputs);
        tensor(folded, [PHASES * outputs, inputs, 3, 3])
    }
}

impl FoldsBack for Flex {
    fn fold_gradient(gradient: Cpu, [outputs, inputs]: [usize; 2], fold: Arc<Fold>) -> Cpu {
        let gradient = contiguous(gradient);
        let weight = fold.backward(values(&gradient), inputs);
        reclaim([gradient]);
        tensor(weight, [outputs, inputs, 5, 5])
    }
}

impl<B: FoldsBack, C: CheckpointStrategy> Folds for Autodiff<B, C> {
    fn fold(weight: FloatTensor<Self>, size: [usize; 2], fold: Arc<Fold>) -> FloatTensor<Self> {
        let forward = |weight| (B::fold(weight, size, Arc::clone(&fold)), (size, fold));
        unary::<B, C, _>(weight, forward, |gradient, (size, fold)| B::fold_gradient(gradient, size, fold))
    }
}

/// Weights `[outputs, inputs, 5, 5]` folded to `[4 outputs, inputs, 3, 3]`, an output's phases one after the other: the
/// fast kernel where the device has one, else [`fold_generic`].
pub fn fold(weight: Tensor<4>, fold: &Arc<Fold>) -> Tensor<4> {
    if !has_kernels(&weight.device()) {
        return fold_generic(weight, fold);
    }
    let [outputs, inputs, ..] = weight.dims();
    Tensor::from_dispatch(<Dispatch as Folds>::fold(weight.into_dispatch(), [outputs, inputs], Arc::clone(fold)))
}

/// [`fold`] made of Burn's own operations: one matrix product.
pub fn fold_generic(weight: Tensor<4>, fold: &Fold) -> Tensor<4> {
    let [outputs, inputs, ..] = weight.dims();
    let mut entries = vec![0.0f32; LARGE * PHASES * SMALL];
    fold.pairs.iter().for_each(|[from, to]| entries[from * PHASES * SMALL + to] = 1.0);
    let matrix = TensorData::new(entries, [LARGE, PHASES * SMALL]);
    let matrix = Tensor::<2>::from_data(matrix, &weight.device().without_autodiff());
    weight
        .reshape([outputs * inputs, LARGE])
        .matmul(matrix)
        .reshape([outputs, inputs, PHASES, SMALL])
        .swap_dims(1, 2)
        .reshape([outputs * PHASES, inputs, 3, 3])
}
