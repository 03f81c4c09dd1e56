//! Dense layers: the product of a few rows with a wide matrix is computed as a 1x1 convolution whose maps are the matrix, one
//! plane per row, and whose weights are the few rows. Neither needs to be copied for it.

use std::sync::Arc;

use burn::{
    backend::{
        Autodiff, Dispatch, Flex, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, activation},
};

use super::{
    aligned::Aligned,
    burn_ops::conv,
    conv::Conv,
    cpu_tensor::{CpuTensor, from_values, has_kernels, values},
    layout::MapOrder,
    shape::ConvShape,
    unary::unary,
};

/// Columns from which a matrix counts as wide.
const WIDE: usize = 128;

/// Multiplies `x` `[rows, inputs]` by `weight` `[inputs, outputs]`.
pub fn matmul(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let ([rows, inputs], [_, outputs]) = (x.dims(), weight.dims());
    if outputs < WIDE || !has_kernels(&x.device()) {
        return x.matmul(weight);
    }
    let none = Tensor::zeros([rows], &x.device().without_autodiff());
    let (maps, weights) = (weight.reshape([1, inputs, 1, outputs]), x.reshape([rows, inputs, 1, 1]));
    conv(maps, weights, none, ConvShape::default()).reshape([rows, outputs])
}

/// A packed wide matrix and the bias of its columns.
#[derive(Debug)]
struct PackedDense {
    maps: Aligned,
    bias: Vec<f32>,
    inputs: usize,
    /// Slope of a LeakyReLU on the output.
    leaky: Option<f64>,
}

impl PackedDense {
    fn conv(&self, rows: usize) -> Conv {
        let shape = ConvShape { leaky: self.leaky, ..ConvShape::default() };
        Conv::new(shape, [1, self.inputs, 1, self.bias.len()], [rows, self.inputs, 1, 1])
    }
}

#[backend_extension(Flex, Autodiff)]
trait DenseOps: burn::backend::Backend {
    fn dense(x: FloatTensor<Self>, packed: Arc<PackedDense>, rows: usize) -> FloatTensor<Self>;
}

/// The backward pass, on a backend without autodiff.
trait DenseBackward: DenseOps {
    /// Returns the gradient of the input; `y` is the output.
    fn dense_gradient(
        gradient: FloatTensor<Self>,
        y: FloatTensor<Self>,
        packed: Arc<PackedDense>,
        rows: usize,
    ) -> FloatTensor<Self>;
}

impl DenseOps for Flex {
    fn dense(x: CpuTensor, packed: Arc<PackedDense>, rows: usize) -> CpuTensor {
        let (x, conv) = (x.to_contiguous(), packed.conv(rows));
        let y = conv.forward_packed(&packed.maps, &conv.pack_weights(values(&x)), &packed.bias.repeat(rows));
        from_values(y, [rows, packed.bias.len()])
    }
}

impl DenseBackward for Flex {
    fn dense_gradient(gradient: CpuTensor, y: CpuTensor, packed: Arc<PackedDense>, rows: usize) -> CpuTensor {
        let [gradient, y] = [gradient, y].map(|t| t.to_contiguous());
        let (x, _) = packed.conv(rows).weight_gradient_packed(&packed.maps, values(&gradient), values(&y));
        from_values(x, [rows, packed.inputs])
    }
}

impl<B: DenseBackward, C: CheckpointStrategy> DenseOps for Autodiff<B, C> {
    fn dense(x: FloatTensor<Self>, packed: Arc<PackedDense>, rows: usize) -> FloatTensor<Self> {
        let forward = |x| {
            let y = B::dense(x, Arc::clone(&packed), rows);
            (y.clone(), (y, packed, rows))
        };
        unary::<B, C, _>(x, forward, |gradient, (y, packed, rows)| B::dense_gradient(gradient, y, packed, rows))
    }
}

/// A dense layer with constant weights.
#[derive(Clone, Debug)]
pub struct FrozenDense {
    weight: Tensor<2>,
    bias: Tensor<1>,
    leaky: Option<f64>,
    /// The packed weights, if the kernels run on the device.
    packed: Option<Arc<PackedDense>>,
}

impl FrozenDense {
    /// Creates the layer from weights `[inputs, outputs]` and a bias `[outputs]`, neither of which is given a gradient, and
    /// the slope in (0, 1) of a LeakyReLU on the output, if any.
    pub fn new(weight: Tensor<2>, bias: Tensor<1>, leaky: Option<f64>) -> Self {
        let (weight, bias) = (weight.without_autodiff(), bias.without_autodiff());
        let packed = has_kernels(&weight.device()).then(|| {
            let host = |tensor: Tensor<1>| tensor.into_data().try_into_vec::<f32>().ok();
            let (w, bias) = (host(weight.clone().flatten(0, 1))?, host(bias.clone())?);
            let mut packed = PackedDense { maps: Aligned::zeros(0), inputs: weight.dims()[0], bias, leaky };
            packed.maps = packed.conv(1).pack_input((&w, MapOrder::Nchw));
            Some(Arc::new(packed))
        });
        Self { weight, bias, leaky, packed: packed.flatten() }
    }

    /// Maps `[rows, inputs]` to `[rows, outputs]`, with the fast kernel if it runs on the device, else as
    /// [`FrozenDense::forward_generic`].
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let Some(packed) = &self.packed else { return self.forward_generic(x) };
        let [rows, _] = x.dims();
        Tensor::from_dispatch(<Dispatch as DenseOps>::dense(x.into_dispatch(), Arc::clone(packed), rows))
    }

    /// [`FrozenDense::forward`] by Burn's own operations.
    pub fn forward_generic(&self, x: Tensor<2>) -> Tensor<2> {
        let y = x.matmul(self.weight.clone()) + self.bias.clone().unsqueeze();
        match self.leaky {
            Some(slope) => activation::leaky_relu(y, slope),
            None => y,
        }
    }
}
