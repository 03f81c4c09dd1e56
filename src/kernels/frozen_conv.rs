//! Convolutions with constant weights, which are packed once for both passes.

use std::sync::Arc;

use burn::{
    backend::{
        Autodiff, Dispatch, Flex,
        autodiff::checkpoint::strategy::CheckpointStrategy,
        backend_extension,
        ops::{ActivationOps, FloatTensorOps},
        tensor::FloatTensor,
    },
    tensor::{Tensor, module::conv2d, ops::ConvOptions},
};

use super::{
    burn_ops::epilogue,
    conv::Conv,
    correlate::PackedWeights,
    cpu_tensor::{CpuTensor, has_kernels, in_known_order, in_order, maps_from, recycle, values},
    shape::ConvShape,
    unary::unary,
};

/// Weights in the packing of each pass.
#[derive(Debug)]
struct PackedConv {
    forward: PackedWeights,
    backward: Vec<PackedWeights>,
    bias: Vec<f32>,
}

#[backend_extension(Flex, Autodiff)]
trait FrozenConvOps: burn::backend::Backend {
    fn frozen_conv(x: FloatTensor<Self>, packed: Arc<PackedConv>, conv: Conv) -> FloatTensor<Self>;

    /// `residual` is added before the LeakyReLU.
    fn frozen_conv_residual(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        packed: Arc<PackedConv>,
        conv: Conv,
    ) -> FloatTensor<Self>;
}

/// The backward pass, on a backend without autodiff.
trait FrozenConvBackward: FrozenConvOps {
    /// Returns the gradient of the input; `y` is the output.
    fn frozen_conv_gradient(
        gradient: FloatTensor<Self>,
        y: FloatTensor<Self>,
        packed: Arc<PackedConv>,
        conv: Conv,
    ) -> FloatTensor<Self>;
}

impl FrozenConvOps for Flex {
    fn frozen_conv(x: CpuTensor, packed: Arc<PackedConv>, conv: Conv) -> CpuTensor {
        let (x, order) = in_known_order(x);
        let [channels, height, width] = conv.out();
        let y = conv.forward((values(&x), order), &packed.forward, &packed.bias, None);
        recycle([x]);
        maps_from(y, conv.order(), [conv.geometry.batch, channels, height, width])
    }

    fn frozen_conv_residual(x: CpuTensor, residual: CpuTensor, packed: Arc<PackedConv>, conv: Conv) -> CpuTensor {
        let ((x, order), residual) = (in_known_order(x), in_order(residual, conv.order()));
        let [channels, height, width] = conv.out();
        let y = conv.forward((values(&x), order), &packed.forward, &packed.bias, Some(values(&residual)));
        recycle([x, residual]);
        maps_from(y, conv.order(), [conv.geometry.batch, channels, height, width])
    }
}

impl FrozenConvBackward for Flex {
    fn frozen_conv_gradient(gradient: CpuTensor, y: CpuTensor, packed: Arc<PackedConv>, conv: Conv) -> CpuTensor {
        let [gradient, y] = [gradient, y].map(|t| in_order(t, conv.order()));
        let g = &conv.geometry;
        let x = conv.input_gradient(values(&gradient), values(&y), &packed.backward);
        recycle([gradient, y]);
        maps_from(x, conv.order(), [g.batch, g.inputs, g.size[0], g.size[1]])
    }
}

impl<B: FrozenConvBackward, C: CheckpointStrategy> FrozenConvOps for Autodiff<B, C> {
    fn frozen_conv(x: FloatTensor<Self>, packed: Arc<PackedConv>, conv: Conv) -> FloatTensor<Self> {
        let forward = |x| {
            let y = B::frozen_conv(x, Arc::clone(&packed), conv);
            (y.clone(), (y, packed, conv))
        };
        unary::<B, C, _>(x, forward, |gradient, (y, packed, conv)| B::frozen_conv_gradient(gradient, y, packed, conv))
    }

    fn frozen_conv_residual(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        packed: Arc<PackedConv>,
        conv: Conv,
    ) -> FloatTensor<Self> {
        let y = Self::frozen_conv(x, packed, Conv { slope: 1.0, ..conv });
        Self::leaky_relu(Self::float_add(y, residual), conv.slope.into())
    }
}

/// A convolution with constant weights.
#[derive(Clone, Debug)]
pub struct FrozenConv {
    weight: Tensor<4>,
    bias: Tensor<3>,
    shape: ConvShape,
    /// The packed weights, if the kernels run on the device.
    packed: Option<Arc<PackedConv>>,
}

impl FrozenConv {
    /// Creates the convolution from weights `[outputs, inputs, kernel, kernel]` and a bias of `[outputs, 1, 1]`, or one per
    /// computed position, `[outputs, height, width]` before a pixel shuffle. Neither is given a gradient.
    pub fn new(weight: Tensor<4>, bias: Tensor<3>, shape: ConvShape) -> Self {
        let (weight, bias) = (weight.without_autodiff(), bias.without_autodiff());
        let packed = has_kernels(&weight.device()).then(|| {
            // Packed weights do not depend on the size of the maps; one pixel will do.
            let conv = Conv::new(shape, [1, weight.dims()[1], weight.dims()[2], weight.dims()[3]], weight.dims());
            let host = |tensor: Tensor<1>| tensor.into_data().try_into_vec::<f32>().ok();
            let (w, bias) = (host(weight.clone().flatten(0, 3))?, host(bias.clone().flatten(0, 2))?);
            Some(Arc::new(PackedConv {
                forward: conv.pack_weights(&w),
                backward: conv.pack_weights_backward(&w),
                bias,
            }))
        });
        Self { weight, bias, shape, packed: packed.flatten() }
    }

    /// Number of input channels.
    pub(crate) fn inputs(&self) -> usize {
        self.weight.dims()[1]
    }

    /// Convolves maps `[batch, inputs, height, width]` to `[batch, outputs, height', width']`, with the fast kernel if it
    /// runs on the device, else as [`FrozenConv::forward_generic`].
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let Some(packed) = &self.packed else { return self.forward_generic(x) };
        let conv = Conv::new(self.shape, x.dims(), self.weight.dims());
        Tensor::from_dispatch(<Dispatch as FrozenConvOps>::frozen_conv(x.into_dispatch(), Arc::clone(packed), conv))
    }

    /// As [`FrozenConv::forward`], with a residual of the output's dimensions added before the LeakyReLU. Without a kernel
    /// on the device, as [`FrozenConv::forward_residual_generic`].
    pub fn forward_residual(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        let Some(packed) = &self.packed else { return self.forward_residual_generic(x, residual) };
        let conv = Conv::new(self.shape, x.dims(), self.weight.dims());
        let (x, residual) = (x.into_dispatch(), residual.into_dispatch());
        Tensor::from_dispatch(<Dispatch as FrozenConvOps>::frozen_conv_residual(x, residual, Arc::clone(packed), conv))
    }

    /// [`FrozenConv::forward`] by Burn's own operations.
    pub fn forward_generic(&self, x: Tensor<4>) -> Tensor<4> {
        epilogue(self.linear(x), self.shape)
    }

    /// [`FrozenConv::forward_residual`] by Burn's own operations.
    pub fn forward_residual_generic(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        let sum = epilogue(self.linear(x), ConvShape { leaky: None, ..self.shape }) + residual;
        epilogue(sum, ConvShape { shuffle: false, ..self.shape })
    }

    fn linear(&self, x: Tensor<4>) -> Tensor<4> {
        let ConvShape { stride, padding, dilation, .. } = self.shape;
        let options = ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], 1);
        conv2d(x, self.weight.clone(), None, options) + self.bias.clone().unsqueeze()
    }
}
