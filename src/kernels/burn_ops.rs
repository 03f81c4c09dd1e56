//! Convolution and batch norm as operations of Burn: fast kernels on the CPU, Burn's own operations elsewhere.

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
        Tensor, activation,
        module::{batch_norm_train, conv2d},
        ops::ConvOptions,
    },
};

use super::{
    conv::Conv,
    cpu_tensor::{
        CpuTensor, contiguous, dims, from_values, has_kernels, in_known_order, in_order, maps_from, recycle, values,
        values_mut,
    },
    norm::NormLayout,
    shape::ConvShape,
};

/// The forward passes.
#[backend_extension(Flex, Autodiff)]
trait Kernels: burn::backend::Backend {
    fn conv(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>, conv: Conv) -> FloatTensor<Self>;

    /// `moments` are those of `x`, and the gradient takes into account that they depend on it.
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

/// The backward passes, on a backend without autodiff.
trait BackwardKernels: Kernels {
    /// Returns the gradient of the input; `y` is the output.
    fn conv_input_gradient(
        gradient: FloatTensor<Self>,
        y: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self>;

    /// Returns the gradients of weight and bias; `y` is the output.
    fn conv_weight_gradient(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        y: FloatTensor<Self>,
        conv: Conv,
    ) -> [FloatTensor<Self>; 2];

    /// Returns the gradients of x, gamma and beta; `y` is the output.
    fn norm_gradient(
        x: FloatTensor<Self>,
        y: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        norm: NormLayout,
    ) -> [FloatTensor<Self>; 3];
}

impl Kernels for Flex {
    fn conv(x: CpuTensor, weight: CpuTensor, bias: CpuTensor, conv: Conv) -> CpuTensor {
        let ((x, order), [weight, bias]) = (in_known_order(x), [weight, bias].map(contiguous));
        let [channels, height, width] = conv.out();
        let y = conv.forward((values(&x), order), &conv.pack_weights(values(&weight)), values(&bias), None);
        recycle([x]);
        maps_from(y, conv.order(), [conv.geometry.batch, channels, height, width])
    }

    fn norm(x: CpuTensor, gamma: CpuTensor, beta: CpuTensor, moments: CpuTensor, norm: NormLayout) -> CpuTensor {
        let ((x, order), [gamma, beta, moments]) = (in_known_order(x), [gamma, beta, moments].map(contiguous));
        let y = norm.in_order(order).forward(values(&x), values(&gamma), values(&beta), values(&moments));
        let sides = dims(&x);
        recycle([x]);
        maps_from(y, order, [sides[0], sides[1], sides[2], sides[3]])
    }

    fn moments(x: CpuTensor, norm: NormLayout) -> CpuTensor {
        let (x, order) = in_known_order(x);
        from_values(norm.in_order(order).moments(values(&x)), [2 * norm.channels])
    }
}

impl BackwardKernels for Flex {
    fn conv_input_gradient(gradient: CpuTensor, y: CpuTensor, weight: CpuTensor, conv: Conv) -> CpuTensor {
        let ([gradient, y], weight) = ([gradient, y].map(|t| in_order(t, conv.order())), contiguous(weight));
        let g = &conv.geometry;
        let x = conv.input_gradient(values(&gradient), values(&y), &conv.pack_weights_backward(values(&weight)));
        recycle([gradient, y, weight]);
        maps_from(x, conv.order(), [g.batch, g.inputs, g.size[0], g.size[1]])
    }

    fn conv_weight_gradient(x: CpuTensor, gradient: CpuTensor, y: CpuTensor, conv: Conv) -> [CpuTensor; 2] {
        let ((x, order), [gradient, y]) = (in_known_order(x), [gradient, y].map(|t| in_order(t, conv.order())));
        let g = &conv.geometry;
        let (weight, bias) = conv.weight_gradient((values(&x), order), values(&gradient), values(&y));
        recycle([x, gradient, y]);
        [from_values(weight, [g.outputs, g.inputs, g.kernel[0], g.kernel[1]]), from_values(bias, [g.outputs])]
    }

    fn norm_gradient(
        x: CpuTensor,
        y: CpuTensor,
        gradient: CpuTensor,
        gamma: CpuTensor,
        moments: CpuTensor,
        norm: NormLayout,
    ) -> [CpuTensor; 3] {
        let ((x, order), [gamma, moments]) = (in_known_order(x), [gamma, moments].map(contiguous));
        let [y, mut gradient] = [y, gradient].map(|t| in_order(t, order));
        let (dgamma, dbeta) = norm.in_order(order).backward(
            values(&x),
            values(&y),
            values_mut(&mut gradient),
            values(&gamma),
            values(&moments),
        );
        recycle([x, y]);
        [gradient, from_values(dgamma, [norm.channels]), from_values(dbeta, [norm.channels])]
    }
}

impl<B: BackwardKernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn conv(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>, conv: Conv) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct ConvBack;

        impl<B: BackwardKernels> Backward<B, 3> for ConvBack {
            /// x if weight or bias need a gradient, weight if x does, and the output.
            type State = (Option<FloatTensor<B>>, Option<FloatTensor<B>>, FloatTensor<B>, Conv);

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [x_node, weight_node, bias_node] = ops.parents;
                let gradient = grads.consume::<B>(&ops.node);
                let (x, weight, y, conv) = ops.state;
                // The last use owns the tensors, and can reuse their memory.
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

        impl<B: BackwardKernels> Backward<B, 3> for NormBack {
            /// x, the output, gamma and the moments.
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

/// Convolves maps `[batch, inputs, height, width]` with weights `[outputs, inputs, kernel, kernel]` and a bias `[outputs]`,
/// with the fast kernel if it runs on the device, else as [`conv_generic`].
pub fn conv(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, shape: ConvShape) -> Tensor<4> {
    if !has_kernels(&x.device()) {
        return conv_generic(x, weight, bias, shape);
    }
    let conv = Conv::new(shape, x.dims(), weight.dims());
    let y = <Dispatch as Kernels>::conv(x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch(), conv);
    Tensor::from_dispatch(y)
}

/// [`conv`] by Burn's own operations.
pub fn conv_generic(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, shape: ConvShape) -> Tensor<4> {
    let ConvShape { stride, padding, dilation, .. } = shape;
    let options = ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], 1);
    epilogue(conv2d(x, weight, Some(bias), options), shape)
}

/// Applies the operations fused into a convolution's output.
pub(super) fn epilogue(mut y: Tensor<4>, shape: ConvShape) -> Tensor<4> {
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

/// Batch normalisation in training mode (Ioffe and Szegedy 2015) over the channels of `[batch, channels, height, width]`,
/// followed by a LeakyReLU if a slope in (0, 1) is given. Returns the output, and the batch's means and biased variances,
/// `[channels]` each, without gradient. Uses the fast kernel if it runs on the device, else [`norm_generic`].
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

/// [`norm_train`] by Burn's own operations.
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
