//! Dense layers: a product of few rows with a wide matrix is a 1x1 convolution in which the matrix takes the part of
//! the maps, a plane for each of its rows, and the few rows that of the weights. Neither is laid out anew for it.

use std::sync::Arc;

use burn::{
    backend::{
        Autodiff, Dispatch, Flex, autodiff::checkpoint::strategy::CheckpointStrategy, backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, activation},
};

use super::{
    buffer_pool::Aligned,
    burn_ops::{ConvShape, Cpu, conv, has_kernels, tensor, values},
    conv::Conv,
    layout::MapOrder,
    unary::unary,
};

/// Columns from which on a matrix is wide.
const WIDE: usize = 128;

/// `x` `[rows, inputs]` times `weight` `[inputs, outputs]`.
pub fn product(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let ([rows, inputs], [_, outputs]) = (x.dims(), weight.dims());
    if outputs < WIDE || !has_kernels(&x.device()) {
        return x.matmul(weight);
    }
    let none = Tensor::zeros([rows], &x.device().without_autodiff());
    let (maps, weights) = (weight.reshape([1, inputs, 1, outputs]), x.reshape([rows, inputs, 1, 1]));
    conv(maps, weights, none, ConvShape::default()).reshape([rows, outputs])
}

/// A wide matrix and the bias of its columns.
#[derive(Debug)]
struct Laid {
    maps: Aligned,
    bias: Vec<f32>,
    inputs: usize,
    /// LeakyReLU afterwards.
    leaky: Option<f64>,
}

impl Laid {
    fn conv(&self, rows: usize) -> Conv {
        let shape = ConvShape { leaky: self.leaky, ..ConvShape::default() };
        shape.conv([1, self.inputs, 1, self.bias.len()], [rows, self.inputs, 1, 1])
    }
}

#[backend_extension(Flex, Autodiff)]
trait Wide: burn::backend::Backend {
    fn wide(x: FloatTensor<Self>, laid: Arc<Laid>, rows: usize) -> FloatTensor<Self>;
}

/// The way back, on a backend without autodiff.
trait WideBack: Wide {
    /// The gradient of what went in; `y` is what came out.
    fn wide_gradient(
        gradient: FloatTensor<Self>,
        y: FloatTensor<Self>,
        laid: Arc<Laid>,
        rows: usize,
    ) -> FloatTensor<Self>;
}

impl Wide for Flex {
    fn wide(x: Cpu, laid: Arc<Laid>, rows: usize) -> Cpu {
        let (x, conv) = (x.to_contiguous(), laid.conv(rows));
        let y = conv.forward_laid(&laid.maps, &conv.weights(values(&x)), &laid.bias.repeat(rows));
        tensor(y, [rows, laid.bias.len()])
    }
}

impl WideBack for Flex {
    fn wide_gradient(gradient: Cpu, y: Cpu, laid: Arc<Laid>, rows: usize) -> Cpu {
        let [gradient, y] = [gradient, y].map(|t| t.to_contiguous());
        let (x, _) = laid.conv(rows).weight_gradient_laid(&laid.maps, values(&gradient), values(&y));
        tensor(x, [rows, laid.inputs])
    }
}

impl<B: WideBack, C: CheckpointStrategy> Wide for Autodiff<B, C> {
    fn wide(x: FloatTensor<Self>, laid: Arc<Laid>, rows: usize) -> FloatTensor<Self> {
        let forward = |x| {
            let y = B::wide(x, Arc::clone(&laid), rows);
            (y.clone(), (y, laid, rows))
        };
        unary::<B, C, _>(x, forward, |gradient, (y, laid, rows)| B::wide_gradient(gradient, y, laid, rows))
    }
}

/// A dense layer that stands still.
#[derive(Clone, Debug)]
pub struct FrozenDense {
    weight: Tensor<2>,
    bias: Tensor<1>,
    leaky: Option<f64>,
    /// Where the device has a kernel.
    laid: Option<Arc<Laid>>,
}

impl FrozenDense {
    /// Of weights `[inputs, outputs]` and a bias `[outputs]`, neither with a gradient; then LeakyReLU where a slope in
    /// (0, 1) is given.
    pub fn new(weight: Tensor<2>, bias: Tensor<1>, leaky: Option<f64>) -> Self {
        let (weight, bias) = (weight.without_autodiff(), bias.without_autodiff());
        let laid = has_kernels(&weight.device()).then(|| {
            let host = |tensor: Tensor<1>| tensor.into_data().try_into_vec::<f32>().ok();
            let (w, bias) = (host(weight.clone().flatten(0, 1))?, host(bias.clone())?);
            let mut laid = Laid { maps: Aligned::zeros(0), inputs: weight.dims()[0], bias, leaky };
            laid.maps = laid.conv(1).lay((&w, MapOrder::Images));
            Some(Arc::new(laid))
        });
        Self { weight, bias, leaky, laid: laid.flatten() }
    }

    /// `[rows, inputs]` to `[rows, outputs]`: the fast kernel where the device has one, else
    /// [`FrozenDense::forward_generic`].
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let Some(laid) = &self.laid else { return self.forward_generic(x) };
        let [rows, _] = x.dims();
        Tensor::from_dispatch(<Dispatch as Wide>::wide(x.into_dispatch(), Arc::clone(laid), rows))
    }

    /// [`FrozenDense::forward`] made of Burn's own operations.
    pub fn forward_generic(&self, x: Tensor<2>) -> Tensor<2> {
        let y = x.matmul(self.weight.clone()) + self.bias.clone().unsqueeze();
        match self.leaky {
            Some(slope) => activation::leaky_relu(y, slope),
            None => y,
        }
    }
}
