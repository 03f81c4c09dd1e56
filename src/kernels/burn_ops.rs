//! The kernels as operations of Burn: on the CPU the fast ones, elsewhere their generic twins.

use burn::{
    backend::{
        Autodiff, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    tensor::{
        Device, Shape, Tensor, TensorData, activation,
        module::{batch_norm_train, conv2d},
        ops::ConvOptions,
    },
};

use super::{
    buffer_pool::{reclaim, transposed},
    conv::Conv,
    layout::{Geometry, MapOrder},
    norm::NormLayout,
};

/// What is computed forwards.
#[backend_extension(Flex, Autodiff)]
trait Kernels: burn::backend::Backend {
    fn conv(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>, conv: Conv) -> FloatTensor<Self>;

    /// `moments` are those of `x`, which the gradient takes into account.
    fn norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        norm: NormLayout,
    ) -> FloatTensor<Self>;

    /// Means and variances of the channels, without a gradient.
    fn moments(x: FloatTensor<Self>, norm: NormLayout) -> FloatTensor<Self>;
}

/// What is computed on the way back, on a backend without autodiff.
trait BackKernels: Kernels {
    /// The gradient of what went in; `y` is what came out.
    fn conv_input_gradient(
        gradient: FloatTensor<Self>,
        y: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self>;

    /// The gradients of weight and bias.
    fn conv_weight_gradient(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        y: FloatTensor<Self>,
        conv: Conv,
    ) -> [FloatTensor<Self>; 2];

    /// The gradients of x, gamma and beta; `y` is what came out.
    fn norm_gradient(
        x: FloatTensor<Self>,
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        norm: NormLayout,
    ) -> [FloatTensor<Self>; 3];
}

pub(super) type Cpu = FloatTensor<Flex>;

/// The values of a tensor that is contiguous.
pub(super) fn values(tensor: &Cpu) -> &[f32] {
    let first = tensor.layout().start_offset();
    &tensor.storage::<f32>()[first..first + tensor.layout().num_elements()]
}

/// A tensor whose values lie one after the other. Takes it, so that its memory has one owner.
pub(super) fn contiguous(tensor: Cpu) -> Cpu {
    tensor.to_contiguous()
}

/// The numbers of a contiguous tensor, to be changed: in place where it is nobody else's.
pub(super) fn own(tensor: &mut Cpu) -> &mut [f32] {
    let first = tensor.layout().start_offset();
    let len = tensor.layout().num_elements();
    &mut tensor.storage_mut::<f32>()[first..first + len]
}

pub(super) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> Cpu {
    Cpu::from_data(TensorData::new(values, shape))
}

fn dims(tensor: &Cpu) -> Vec<usize> {
    tensor.layout().shape().iter().copied().collect()
}

/// Maps `[batch, channels, height, width]` of values that lie in this order.
pub(super) fn maps(values: Vec<f32>, order: MapOrder, [batch, channels, height, width]: [usize; 4]) -> Cpu {
    match order {
        MapOrder::Images => tensor(values, [batch, channels, height, width]),
        MapOrder::Pixels => tensor(values, [channels, height, width, batch]).permute(&[3, 0, 1, 2]),
    }
}

/// Whether maps lie in the order of pixels.
pub(super) fn is_by_pixels(tensor: &Cpu) -> bool {
    let [batch, _, height, width] = dims(tensor)[..] else { return false };
    let strides = [1, height * width * batch, width * batch, batch].map(|stride| stride as isize);
    MapOrder::of(batch) == MapOrder::Pixels && *tensor.layout().strides() == strides
}

/// Maps as they are, where they lie in either order, and which it is; else copied image by image.
pub(super) fn settled(tensor: Cpu) -> (Cpu, MapOrder) {
    match is_by_pixels(&tensor) {
        true => (tensor, MapOrder::Pixels),
        false => (tensor.to_contiguous(), MapOrder::Images),
    }
}

/// Maps in this order.
pub(super) fn ordered(tensor: Cpu, order: MapOrder) -> Cpu {
    let (tensor, now) = settled(tensor);
    if now == order {
        return tensor;
    }
    let [batch, channels, height, width] = dims(&tensor)[..] else { return tensor };
    let each = channels * height * width;
    let turned = match order {
        MapOrder::Images => transposed(values(&tensor), each, batch),
        MapOrder::Pixels => transposed(values(&tensor), batch, each),
    };
    reclaim([tensor]);
    maps(turned, order, [batch, channels, height, width])
}

impl Kernels for Flex {
    fn conv(x: Cpu, weight: Cpu, bias: Cpu, conv: Conv) -> Cpu {
        let ((x, order), [weight, bias]) = (settled(x), [weight, bias].map(contiguous));
        let [channels, height, width] = conv.out();
        let y = conv.forward((values(&x), order), &conv.weights(values(&weight)), values(&bias), None);
        reclaim([x]);
        maps(y, conv.order(), [conv.geometry.batch, channels, height, width])
    }

    fn norm(x: Cpu, gamma: Cpu, beta: Cpu, moments: Cpu, norm: NormLayout) -> Cpu {
        let ((x, order), [gamma, beta, moments]) = (settled(x), [gamma, beta, moments].map(contiguous));
        let y = norm.of(order).forward(values(&x), values(&gamma), values(&beta), values(&moments));
        let sides = dims(&x);
        reclaim([x]);
        maps(y, order, [sides[0], sides[1], sides[2], sides[3]])
    }

    fn moments(x: Cpu, norm: NormLayout) -> Cpu {
        let (x, order) = settled(x);
        tensor(norm.of(order).moments(values(&x)), [2 * norm.channels])
    }
}

impl BackKernels for Flex {
    fn conv_input_gradient(gradient: Cpu, y: Cpu, weight: Cpu, conv: Conv) -> Cpu {
        let ([gradient, y], weight) = ([gradient, y].map(|t| ordered(t, conv.order())), contiguous(weight));
        let g = &conv.geometry;
        let x = conv.input_gradient(values(&gradient), values(&y), &conv.weights_back(values(&weight)));
        reclaim([gradient, y, weight]);
        maps(x, conv.order(), [g.batch, g.inputs, g.size[0], g.size[1]])
    }

    fn conv_weight_gradient(x: Cpu, gradient: Cpu, y: Cpu, conv: Conv) -> [Cpu; 2] {
        let ((x, order), [gradient, y]) = (settled(x), [gradient, y].map(|t| ordered(t, conv.order())));
        let g = &conv.geometry;
        let (weight, bias) = conv.weight_gradient((values(&x), order), values(&gradient), values(&y));
        reclaim([x, gradient, y]);
        [tensor(weight, [g.outputs, g.inputs, g.kernel[0], g.kernel[1]]), tensor(bias, [g.outputs])]
    }

    fn norm_gradient(x: Cpu, y: Cpu, gradient: Cpu, gamma: Cpu, moments: Cpu, norm: NormLayout) -> [Cpu; 3] {
        let ((x, order), [gamma, moments]) = (settled(x), [gamma, moments].map(contiguous));
        let [y, mut gradient] = [y, gradient].map(|t| ordered(t, order));
        let (dgamma, dbeta) =
            norm.of(order).backward(values(&x), values(&y), own(&mut gradient), values(&gamma), values(&moments));
        reclaim([x, y]);
        [gradient, tensor(dgamma, [norm.channels]), tensor(dbeta, [norm.channels])]
    }
}

impl<B: BackKernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn conv(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>, conv: Conv) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct ConvBack;

        impl<B: BackKernels> Backward<B, 3> for ConvBack {
            /// x where weight or bias want a gradient, weight where x does, and what came out.
            type State = (Option<FloatTensor<B>>, Option<FloatTensor<B>>, FloatTensor<B>, Conv);

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [x_node, weight_node, bias_node] = ops.parents;
                let gradient = grads.consume::<B>(&ops.node);
                let (x, weight, y, conv) = ops.state;
                // The last to need them has them alone, and keeps their memory.
                let again = x.is_some().then(|| (gradient.clone(), y.clone()));
                match (x_node, weight) {
                    (Some(node), Some(weight)) => {
                        let gradient = B::conv_input_gradient(gradient, y, weight, conv);
                        grads.register::<B>(node.id, gradient);
                    }
                    _ => drop((gradient, y)),
                }
                if let (Some(x), Some((gradient, y))) = (x, again) {
                    let found = B::conv_weight_gradient(x, gradient, y, conv);
                    for (node, gradient) in [weight_node, bias_node].into_iter().zip(found) {
                        if let Some(node) = node {
                            grads.register::<B>(node.id, gradient);
                        }
                    }
                }
            }
        }

        let kept_x = (weight.is_tracked() || bias.is_tracked()).then(|| x.primitive().clone());
        let kept_weight = x.is_tracked().then(|| weight.primitive().clone());
        let prep = ConvBack.prepare::<C>([x.node(), weight.node(), bias.node()]).compute_bound().stateful();
        let y = B::conv(x.into_primitive(), weight.into_primitive(), bias.into_primitive(), conv);
        match prep {
            OpsKind::Tracked(prep) => prep.finish((kept_x, kept_weight, y.clone(), conv), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        norm: NormLayout,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct NormBack;

        impl<B: BackKernels> Backward<B, 3> for NormBack {
            /// x, what came out, gamma and the moments.
            type State = ([FloatTensor<B>; 4], NormLayout);

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let nodes = ops.parents;
                let gradient = grads.consume::<B>(&ops.node);
                let ([x, y, gamma, moments], norm) = ops.state;
                for (node, gradient) in nodes.into_iter().zip(B::norm_gradient(x, y, gradient, gamma, moments, norm)) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, gradient);
                    }
                }
            }
        }

        let kept = [x.primitive().clone(), gamma.primitive().clone()];
        let prep = NormBack.prepare::<C>([x.node(), gamma.node(), beta.node()]).compute_bound().stateful();
        let moments = moments.into_primitive();
        let y = B::norm(x.into_primitive(), gamma.into_primitive(), beta.into_primitive(), moments.clone(), norm);
        match prep {
            OpsKind::Tracked(prep) => {
                let [x, gamma] = kept;
                prep.finish(([x, y.clone(), gamma, moments], norm), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn moments(x: FloatTensor<Self>, norm: NormLayout) -> FloatTensor<Self> {
        let moments = B::moments(x.into_primitive(), norm);
        <Self as burn::backend::AutodiffBackend>::from_inner(moments)
    }
}

/// How a convolution moves over its input, and what is done at once with what comes out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvShape {
    /// Pixels of the input from one output to the next.
    pub stride: usize,
    /// Zeros on every side of the input.
    pub padding: usize,
    /// Pixels from tap to tap of the kernel.
    pub dilation: usize,
    /// LeakyReLU afterwards, with this slope in (0, 1).
    pub leaky: Option<f64>,
    /// Pixel shuffle afterwards: channel `4 c + 2 y + x` becomes the pixels `(2 i + y, 2 j + x)` of channel `c`.
    pub shuffle: bool,
}

impl Default for ConvShape {
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1, leaky: None, shuffle: false }
    }
}

impl ConvShape {
    /// For maps and weights of these dimensions.
    pub(super) fn conv(self, [batch, inputs, height, width]: [usize; 4], [outputs, _, kh, kw]: [usize; 4]) -> Conv {
        let Self { stride, padding, dilation, leaky, shuffle } = self;
        let geometry =
            Geometry { batch, inputs, outputs, size: [height, width], kernel: [kh, kw], stride, padding, dilation };
        Conv { geometry, slope: leaky.map_or(1.0, |slope| slope as f32), shuffle }
    }
}

/// Whether a device has kernels of ours.
pub(super) fn has_kernels(device: &Device) -> bool {
    *device == Device::flex()
}

/// A convolution of maps `[batch, inputs, height, width]` with weights `[outputs, inputs, kernel, kernel]` and
/// a bias `[outputs]`: the fast kernel where the device has one, else [`conv_generic`].
pub fn conv(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, shape: ConvShape) -> Tensor<4> {
    if !has_kernels(&x.device()) {
        return conv_generic(x, weight, bias, shape);
    }
    let conv = shape.conv(x.dims(), weight.dims());
    let y = <Dispatch as Kernels>::conv(x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch(), conv);
    Tensor::from_dispatch(y)
}

/// [`conv`] made of Burn's own operations.
pub fn conv_generic(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, shape: ConvShape) -> Tensor<4> {
    let ConvShape { stride, padding, dilation, .. } = shape;
    let options = ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], 1);
    finished(conv2d(x, weight, Some(bias), options), shape)
}

/// What is done at once with what comes out of a convolution.
pub(super) fn finished(mut y: Tensor<4>, shape: ConvShape) -> Tensor<4> {
    let ConvShape { leaky, shuffle, .. } = shape;
    if let Some(slope) = leaky {
        y = activation::leaky_relu(y, slope);
    }
    if shuffle {
        let [batch, channels, height, width] = y.dims();
        let phases = y.reshape([batch, channels / 4, 2, 2, height, width]).permute([0, 1, 4, 2, 5, 3]);
        y = phases.reshape([batch, channels / 4, 2 * height, 2 * width]);
    }
    y
}

/// Batch norm in training over the channels of `[batch, channels, height, width]`, then LeakyReLU of a slope in
/// (0, 1) where one is given; and the batch's means and (biased) variances, `[channels]` each, without gradient.
/// The fast kernel where the device has one, else [`norm_generic`].
pub fn norm_train(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    leaky: Option<f64>,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    if !has_kernels(&x.device()) {
        return norm_generic(x, gamma, beta, epsilon, leaky);
    }
    let [batch, channels, height, width] = x.dims();
    let slope = leaky.map_or(1.0, |slope| slope as f32);
    let norm = NormLayout { batch, channels, plane: height * width, epsilon: epsilon as f32, slope };
    let moments = <Dispatch as Kernels>::moments(x.clone().into_dispatch(), norm);
    let y = <Dispatch as Kernels>::norm(
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        moments.clone(),
        norm,
    );
    let moments = Tensor::<1>::from_dispatch(moments).without_autodiff();
    let part = |i: usize| moments.clone().narrow(0, i * channels, channels);
    (Tensor::from_dispatch(y), part(0), part(1))
}

/// [`norm_train`] made of Burn's own operations.
pub fn norm_generic(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    leaky: Option<f64>,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let result = batch_norm_train(x, gamma, beta, epsilon);
    let y = match leaky {
        Some(slope) => activation::leaky_relu(result.output, slope),
        None => result.output,
    };
    (y, result.mean.without_autodiff(), result.variance.without_autodiff())
}
