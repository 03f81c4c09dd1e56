//! A 5x5 convolution of a map upsampled by 2, folded into 3x3 convolutions of the original map, one for each of the four
//! phases of the output. The 3x3 weights are sums of the 5x5 ones.

use std::sync::Arc;

use burn::{
    backend::{
        Autodiff, Dispatch, Flex, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, TensorData},
};

use super::{
    buffer_pool::take_buffer,
    cpu_tensor::{CpuTensor, contiguous, from_values, has_kernels, recycle, values},
    parallel::{each_chunk, pays_to_move},
    unary::unary,
};

/// Taps of a 5x5 kernel, phases of the upsampled map, and taps of a 3x3 kernel.
const LARGE: usize = 25;
const PHASES: usize = 4;
const SMALL: usize = 9;

/// The tap of the 3x3 kernel, for each phase, to which each tap of the 5x5 kernel is added.
#[derive(Debug)]
pub struct Fold {
    /// Pairs of 5x5 tap, and phase times 9 plus 3x3 tap.
    pairs: Vec<[usize; 2]>,
}

impl Fold {
    /// Creates the mapping: `target(large, phase)` is the 3x3 tap that a 5x5 tap adds to in a phase, row by row, if any.
    pub fn new(target: impl Fn(usize, usize) -> Option<usize>) -> Self {
        let all = (0..LARGE).flat_map(|large| (0..PHASES).map(move |phase| (large, phase)));
        Self { pairs: all.filter_map(|(l, p)| target(l, p).map(|small| [l, p * SMALL + small])).collect() }
    }

    /// Folds weights `[outputs, inputs, 5, 5]` to `[4 outputs, inputs, 3, 3]`.
    fn forward(&self, weight: &[f32], inputs: usize) -> Vec<f32> {
        let mut folded = take_buffer(weight.len() / LARGE * PHASES * SMALL);
        let parallel = pays_to_move(folded.len());
        each_chunk(&mut folded, PHASES * inputs * SMALL, parallel, |output, kernels| {
            let weight = &weight[output * inputs * LARGE..][..inputs * LARGE];
            for (i, large) in weight.as_chunks::<LARGE>().0.iter().enumerate() {
                let mut small = [0.0; PHASES * SMALL];
                self.pairs.iter().for_each(|[from, to]| small[*to] += large[*from]);
                for (phase, small) in small.as_chunks::<SMALL>().0.iter().enumerate() {
                    kernels[(phase * inputs + i) * SMALL..][..SMALL].copy_from_slice(small);
                }
            }
        });
        folded
    }

    /// Returns the gradient of the 5x5 weights.
    fn backward(&self, gradient: &[f32], inputs: usize) -> Vec<f32> {
        let mut weight = take_buffer(gradient.len() / (PHASES * SMALL) * LARGE);
        let parallel = pays_to_move(weight.len());
        each_chunk(&mut weight, inputs * LARGE, parallel, |output, kernels| {
            let gradient = &gradient[output * inputs * PHASES * SMALL..][..inputs * PHASES * SMALL];
            for (i, large) in kernels.as_chunks_mut::<LARGE>().0.iter_mut().enumerate() {
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
trait FoldOps: burn::backend::Backend {
    fn fold(weight: FloatTensor<Self>, size: [usize; 2], fold: Arc<Fold>) -> FloatTensor<Self>;
}

/// The backward pass, on a backend without autodiff.
trait FoldBackward: FoldOps {
    fn fold_gradient(gradient: FloatTensor<Self>, size: [usize; 2], fold: Arc<Fold>) -> FloatTensor<Self>;
}

impl FoldOps for Flex {
    fn fold(weight: CpuTensor, [outputs, inputs]: [usize; 2], fold: Arc<Fold>) -> CpuTensor {
        let folded = fold.forward(values(&contiguous(weight)), inputs);
        from_values(folded, [PHASES * outputs, inputs, 3, 3])
    }
}

impl FoldBackward for Flex {
    fn fold_gradient(gradient: CpuTensor, [outputs, inputs]: [usize; 2], fold: Arc<Fold>) -> CpuTensor {
        let gradient = contiguous(gradient);
        let weight = fold.backward(values(&gradient), inputs);
        recycle([gradient]);
        from_values(weight, [outputs, inputs, 5, 5])
    }
}

impl<B: FoldBackward, C: CheckpointStrategy> FoldOps for Autodiff<B, C> {
    fn fold(weight: FloatTensor<Self>, size: [usize; 2], fold: Arc<Fold>) -> FloatTensor<Self> {
        let forward = |weight| (B::fold(weight, size, Arc::clone(&fold)), (size, fold));
        unary::<B, C, _>(weight, forward, |gradient, (size, fold)| B::fold_gradient(gradient, size, fold))
    }
}

/// Folds weights `[outputs, inputs, 5, 5]` to `[4 outputs, inputs, 3, 3]`, the phases of an output in succession: with the
/// fast kernel if it runs on the device, else as [`fold_generic`].
pub fn fold(weight: Tensor<4>, fold: &Arc<Fold>) -> Tensor<4> {
    if !has_kernels(&weight.device()) {
        return fold_generic(weight, fold);
    }
    let [outputs, inputs, ..] = weight.dims();
    Tensor::from_dispatch(<Dispatch as FoldOps>::fold(weight.into_dispatch(), [outputs, inputs], Arc::clone(fold)))
}

/// [`fold`] by Burn's own operations: one matrix product.
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
