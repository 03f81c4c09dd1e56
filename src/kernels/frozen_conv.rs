//! Convolutions whose weights no longer change, laid out once for both ways.

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
    buffer_pool::reclaim,
    burn_ops::{ConvShape, Cpu, finished, has_kernels, maps, ordered, settled, values},
    conv::Conv,
    correlate::Weights,
    unary::unary,
};

/// Weights in the order in which each way needs them.
#[derive(Debug)]
struct Laid {
    forward: Weights,
    back: Vec<Weights>,
    bias: Vec<f32>,
}

#[backend_extension(Flex, Autodiff)]
trait Standing: burn::backend::Backend {
    fn standing(x: FloatTensor<Self>, laid: Arc<Laid>, conv: Conv) -> FloatTensor<Self>;

    /// `onto` is added before the LeakyReLU.
    fn standing_onto(x: FloatTensor<Self>, onto: FloatTensor<Self>, laid: Arc<Laid>, conv: Conv) -> FloatTensor<Self>;
}

/// The way back, on a backend without autodiff.
trait StandingBack: Standing {
    /// The gradient of what went in; `y` is what came out.
    fn standing_gradient(
        gradient: FloatTensor<Self>,
        y: FloatTensor<Self>,
        laid: Arc<Laid>,
        conv: Conv,
    ) -> FloatTensor<Self>;
}

impl Standing for Flex {
    fn standing(x: Cpu, laid: Arc<Laid>, conv: Conv) -> Cpu {
        let (x, order) = settled(x);
        let [channels, height, width] = conv.out();
        let y = conv.forward((values(&x), order), &laid.forward, &laid.bias, None);
        reclaim([x]);
        maps(y, conv.order(), [conv.geometry.batch, channels, height, width])
    }

    fn standing_onto(x: Cpu, onto: Cpu, laid: Arc<Laid>, conv: Conv) -> Cpu {
        let ((x, order), onto) = (settled(x), ordered(onto, conv.order()));
        let [channels, height, width] = conv.out();
        let y = conv.forward((values(&x), order), &laid.forward, &laid.bias, Some(values(&onto)));
        reclaim([x, onto]);
        maps(y, conv.order(), [conv.geometry.batch, channels, height, width])
    }
}

impl StandingBack for Flex {
    fn standing_gradient(gradient: Cpu, y: Cpu, laid: Arc<Laid>, conv: Conv) -> Cpu {
        let [gradient, y] = [gradient, y].map(|t| ordered(t, conv.order()));
        let g = &conv.geometry;
        let x = conv.input_gradient(values(&gradient), values(&y), &laid.back);
        reclaim([gradient, y]);
        maps(x, conv.order(), [g.batch, g.inputs, g.size[0], g.size[1]])
    }
}

impl<B: StandingBack, C: CheckpointStrategy> Standing for Autodiff<B, C> {
    fn standing(x: FloatTensor<Self>, laid: Arc<Laid>, conv: Conv) -> FloatTensor<Self> {
        let forward = |x| {
            let y = B::standing(x, Arc::clone(&laid), conv);
            (y.clone(), (y, laid, conv))
        };
        unary::<B, C, _>(x, forward, |gradient, (y, laid, conv)| B::standing_gradient(gradient, y, laid, conv))
    }

    fn standing_onto(x: FloatTensor<Self>, onto: FloatTensor<Self>, laid: Arc<Laid>, conv: Conv) -> FloatTensor<Self> {
        let y = Self::standing(x, laid, Conv { slope: 1.0, ..conv });
        Self::leaky_relu(Self::float_add(y, onto), conv.slope.into())
    }
}

/// A convolution that stands still.
#[derive(Clone, Debug)]
pub struct FrozenConv {
    weight: Tensor<4>,
    bias: Tensor<3>,
    shape: ConvShape,
    /// Where the device has a kernel.
    laid: Option<Arc<Laid>>,
}

impl FrozenConv {
    /// Of weights `[outputs, inputs, kernel, kernel]` and a bias `[outputs, 1, 1]`, or one for each place that is
    /// computed, `[outputs, height, width]`, before a pixel shuffle. Neither has a gradient.
    pub fn new(weight: Tensor<4>, bias: Tensor<3>, shape: ConvShape) -> Self {
        let (weight, bias) = (weight.without_autodiff(), bias.without_autodiff());
        let laid = has_kernels(&weight.device()).then(|| {
            // One pixel stands for maps of any size: the order of the weights does not depend on it.
            let conv = shape.conv([1, weight.dims()[1], weight.dims()[2], weight.dims()[3]], weight.dims());
            let host = |tensor: Tensor<1>| tensor.into_data().try_into_vec::<f32>().ok();
            let (w, bias) = (host(weight.clone().flatten(0, 3))?, host(bias.clone().flatten(0, 2))?);
            Some(Arc::new(Laid { forward: conv.weights(&w), back: conv.weights_back(&w), bias }))
        });
        Self { weight, bias, shape, laid: laid.flatten() }
    }

    /// Channels of the maps that it takes.
    pub fn inputs(&self) -> usize {
        self.weight.dims()[1]
    }

    /// Maps `[batch, inputs, height, width]` to `[batch, outputs, height', width']`: the fast kernel where the device
    /// has one, else [`FrozenConv::forward_generic`].
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let Some(laid) = &self.laid else { return self.forward_generic(x) };
        let conv = self.shape.conv(x.dims(), self.weight.dims());
        Tensor::from_dispatch(<Dispatch as Standing>::standing(x.into_dispatch(), Arc::clone(laid), conv))
    }

    /// The same with maps like those that come out added before the LeakyReLU: the fast kernel where the device has one,
    /// else [`FrozenConv::forward_onto_generic`].
    pub fn forward_onto(&self, x: Tensor<4>, onto: Tensor<4>) -> Tensor<4> {
        let Some(laid) = &self.laid else { return self.forward_onto_generic(x, onto) };
        let conv = self.shape.conv(x.dims(), self.weight.dims());
        let (x, onto) = (x.into_dispatch(), onto.into_dispatch());
        Tensor::from_dispatch(<Dispatch as Standing>::standing_onto(x, onto, Arc::clone(laid), conv))
    }

    /// [`FrozenConv::forward`] made of Burn's own operations.
    pub fn forward_generic(&self, x: Tensor<4>) -> Tensor<4> {
        finished(self.linear(x), self.shape)
    }

    /// [`FrozenConv::forward_onto`] made of Burn's own operations.
    pub fn forward_onto_generic(&self, x: Tensor<4>, onto: Tensor<4>) -> Tensor<4> {
        let sum = finished(self.linear(x), ConvShape { leaky: None, ..self.shape }) + onto;
        finished(sum, ConvShape { shuffle: false, ..self.shape })
    }

    fn linear(&self, x: Tensor<4>) -> Tensor<4> {
        let ConvShape { stride, padding, dilation, .. } = self.shape;
        let options = ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], 1);
        conv2d(x, self.weight.clone(), None, options) + self.bias.clone().unsqueeze()
    }
}
