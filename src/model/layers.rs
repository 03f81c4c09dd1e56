//! The layers of the networks. Maps are `[batch, channels, height, width]`.

use std::sync::Arc;

use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor, TensorData,
        module::{batch_norm, conv_transpose2d, conv2d},
        ops::{ConvOptions, ConvTransposeOptions},
    },
};
use rand::{Rng, RngExt};

use super::{
    architecture::{NormOrder, Upsampling},
    folding::{Affine, FoldedConv, spread},
    weights::replace,
};
use crate::kernels::{ConvShape, Fold, FrozenDense, conv, fold, leaky_relu, matmul, norm_train};

/// Height and width of the kernels of G and D.
pub(crate) const KERNEL: usize = 5;

/// Batch statistics of one `BatchNorm`, gathered in the order in which a network's norms are evaluated.
#[derive(Debug)]
pub struct BatchStats {
    mean: Tensor<1>,
    variance: Tensor<1>,
}

/// Evaluation or training mode.
pub enum Pass<'a> {
    /// Uses the running statistics of batch norm: the images of a batch do not influence each other.
    Evaluate,
    /// Uses the statistics of the batch, which are gathered here for `absorb`.
    Train(&'a mut Vec<BatchStats>),
}

/// Draws uniform weights after Glorot and Bengio (2010).
fn glorot<const D: usize>(shape: [usize; D], fan: usize, rng: &mut impl Rng, device: &Device) -> Param<Tensor<D>> {
    uniform(shape, (6.0 / fan as f32).sqrt(), rng, device)
}

/// Draws uniform weights on the host, so that all devices start with the same ones.
fn uniform<const D: usize>(shape: [usize; D], limit: f32, rng: &mut impl Rng, device: &Device) -> Param<Tensor<D>> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-limit..limit)).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

fn constant(len: usize, value: f32, device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::full([len], value, device))
}

/// A dense layer: `[batch, inputs]` to `[batch, outputs]`.
#[derive(Module, Debug)]
pub(crate) struct Dense {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Dense {
    /// Creates a layer with random initial weights.
    pub(crate) fn new(inputs: usize, outputs: usize, rng: &mut impl Rng, device: &Device) -> Self {
        Self { weight: glorot([inputs, outputs], inputs + outputs, rng, device), bias: constant(outputs, 0.0, device) }
    }

    /// Maps `[batch, inputs]` to `[batch, outputs]`.
    pub(crate) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        matmul(x, self.weight.val()) + self.bias.val().unsqueeze()
    }

    /// Folds in `x * factor + offset` before the layer; each channel is a run of the inputs.
    pub(crate) fn fold_input_affine(mut self, (factor, offset): &Affine) -> Self {
        let [inputs, _] = self.weight.val().dims();
        let [factor, offset] = [factor, offset].map(|each| spread(each, inputs).reshape([inputs, 1]));
        let weight = self.weight.val().without_autodiff();
        self.bias = replace(self.bias, |old| old + (weight * offset).sum_dim(0).flatten(0, 1));
        self.weight = replace(self.weight, |old| old * factor);
        self
    }

    /// Folds in `y * factor + offset` after the layer; each channel is a run of the outputs.
    pub(crate) fn fold_output_affine(mut self, (factor, offset): &Affine) -> Self {
        let [outputs] = self.bias.val().dims();
        let [factor, offset] = [factor, offset].map(|each| spread(each, outputs));
        self.bias = replace(self.bias, |old| old * factor.clone() + offset);
        self.weight = replace(self.weight, |old| old * factor.unsqueeze());
        self
    }

    /// Packs the weights for the device, with a LeakyReLU on the output if a slope is given.
    pub(crate) fn frozen(&self, leaky: Option<f64>) -> FrozenDense {
        FrozenDense::new(self.weight.val(), self.bias.val(), leaky)
    }
}

/// Batch norm (Ioffe and Szegedy 2015) over the channels of a map. Its running statistics are parameters without gradient:
/// they are averaged, saved and restored like weights.
#[derive(Module, Debug)]
pub(crate) struct BatchNorm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    running_mean: Param<Tensor<1>>,
    running_variance: Param<Tensor<1>>,
    #[module(skip)]
    momentum: f64,
}

/// Added to variances, as in Keras.
const EPSILON: f64 = 1e-3;

impl BatchNorm {
    /// Creates a layer that is the identity until trained; `momentum` is the weight of a new batch in the running
    /// statistics.
    pub(crate) fn new(channels: usize, momentum: f64, device: &Device) -> Self {
        Self {
            gamma: constant(channels, 1.0, device),
            beta: constant(channels, 0.0, device),
            running_mean: constant(channels, 0.0, device).set_require_grad(false),
            running_variance: constant(channels, 1.0, device).set_require_grad(false),
            momentum,
        }
    }

    /// Normalises `[batch, channels, height, width]`, then applies a LeakyReLU if a slope is given.
    pub(crate) fn forward(&self, x: Tensor<4>, leaky: Option<f64>, pass: &mut Pass<'_>) -> Tensor<4> {
        match pass {
            Pass::Evaluate => {
                let (mean, variance) = (self.running_mean.val(), self.running_variance.val());
                let y = batch_norm(x, self.gamma.val(), self.beta.val(), mean, variance, EPSILON);
                leaky_if(y, leaky)
            }
            Pass::Train(stats) => {
                let (y, mean, variance) = norm_train(x, self.gamma.val(), self.beta.val(), EPSILON, leaky);
                stats.push(BatchStats { mean, variance });
                y
            }
        }
    }

    /// Returns the affine map that the layer is with its running statistics.
    pub(crate) fn affine(&self) -> Affine {
        let [gamma, beta, mean, variance] =
            [&self.gamma, &self.beta, &self.running_mean, &self.running_variance].map(|p| p.val().without_autodiff());
        let factor = gamma / (variance + EPSILON).sqrt();
        let offset = beta - mean * factor.clone();
        let [channels] = factor.dims();
        let shape = [1, channels, 1, 1];
        (factor.reshape(shape), offset.reshape(shape))
    }

    /// Updates the running statistics with the next of `stats`.
    fn absorb(&mut self, stats: &mut impl Iterator<Item = BatchStats>) {
        let Some(batch) = stats.next() else { return };
        let share = self.momentum;
        let blend = |old: Tensor<1>, new: Tensor<1>| old * (1.0 - share) + new * share;
        self.running_mean = replace(self.running_mean.clone(), |old| blend(old, batch.mean));
        self.running_variance = replace(self.running_variance.clone(), |old| blend(old, batch.variance));
    }
}

/// Updates the running statistics of `norms` with those gathered in a training pass, in the same order.
pub(crate) fn absorb<'a>(norms: impl Iterator<Item = &'a mut BatchNorm>, stats: Vec<BatchStats>) {
    let mut stats = stats.into_iter();
    for norm in norms {
        norm.absorb(&mut stats);
    }
}

/// A strided 5x5 convolution with "same" padding: halves height and width.
#[derive(Module, Debug)]
pub(crate) struct DownConv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl DownConv {
    /// Creates a layer with random initial weights.
    pub(crate) fn new(inputs: usize, outputs: usize, rng: &mut impl Rng, device: &Device) -> Self {
        let fan = (inputs + outputs) * KERNEL * KERNEL;
        Self {
            weight: glorot([outputs, inputs, KERNEL, KERNEL], fan, rng, device),
            bias: constant(outputs, 0.0, device),
        }
    }

    /// Maps `[batch, inputs, h, w]` to `[batch, outputs, h / 2, w / 2]`, for even `h` and `w`, then applies a LeakyReLU if a
    /// slope is given.
    pub(crate) fn forward(&self, x: Tensor<4>, leaky: Option<f64>) -> Tensor<4> {
        conv(x, self.weight.val(), self.bias.val(), Self::shape(leaky))
    }

    fn shape(leaky: Option<f64>) -> ConvShape {
        ConvShape { stride: 2, padding: 2, leaky, ..ConvShape::default() }
    }

    /// Returns the present weights for folding.
    pub(crate) fn folded(&self, leaky: Option<f64>) -> FoldedConv {
        FoldedConv::new(self.weight.val(), self.bias.val(), Self::shape(leaky))
    }
}

/// A convolution of any [`ConvShape`].
#[derive(Module, Debug)]
pub(crate) struct MapConv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    shape: ConvShape,
}

impl MapConv {
    /// Creates a layer with random initial weights and a kernel of `kernel * kernel` taps.
    pub(crate) fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        shape: ConvShape,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        // Smaller than Glorot's: before a batch norm, larger weights only change direction more slowly.
        let limit = ((inputs * kernel * kernel) as f32).sqrt().recip();
        let weight = uniform([outputs, inputs, kernel, kernel], limit, rng, device);
        Self { weight, bias: constant(outputs, 0.0, device), shape }
    }

    pub(crate) fn inputs(&self) -> usize {
        self.weight.val().dims()[1]
    }

    pub(crate) fn outputs(&self) -> usize {
        self.weight.val().dims()[0]
    }

    /// Sets the bias of all channels.
    pub(crate) fn with_bias(mut self, bias: f32) -> Self {
        self.bias = replace(self.bias, |old| old * 0.0 + bias);
        self
    }

    /// Maps `[batch, inputs, h, w]` to `[batch, outputs, h', w']`.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        conv(x, self.weight.val(), self.bias.val(), self.shape)
    }

    /// Returns the present weights for folding.
    pub(crate) fn folded(&self, leaky: Option<f64>) -> FoldedConv {
        FoldedConv::new(self.weight.val(), self.bias.val(), ConvShape { leaky, ..self.shape })
    }
}

/// Doubles height and width with a 5x5 kernel, by either kind of [`Upsampling`].
///
/// Both kinds equal a 3x3 convolution of the input to four times the channels, one for each phase of the output, followed by
/// a pixel shuffle. The taps of each phase are sums of the 5x5 weights (resize) or a subset of them (transposed): a fixed
/// linear map, which is applied before the convolution so that the 5x5 weights remain the trained parameters. Resize and
/// convolution take 2.78 times fewer multiplications this way. The result is exact, zero padding included.
#[derive(Module, Debug)]
pub(crate) struct UpConv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    upsampling: Upsampling,
}

impl UpConv {
    /// Creates a layer with random initial weights.
    pub(crate) fn new(
        inputs: usize,
        outputs: usize,
        upsampling: Upsampling,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        let fan = (inputs + outputs) * KERNEL * KERNEL;
        Self {
            weight: glorot([outputs, inputs, KERNEL, KERNEL], fan, rng, device),
            bias: constant(outputs, 0.0, device),
            upsampling,
        }
    }

    /// Maps `[batch, inputs, h, w]` to `[batch, outputs, 2 h, 2 w]`, then applies a LeakyReLU if a slope is given.
    pub(crate) fn forward(&self, x: Tensor<4>, leaky: Option<f64>) -> Tensor<4> {
        let (weight, bias) = fold_weights(self.weight.val(), self.bias.val(), self.upsampling);
        conv(x, weight, bias, Self::shape(leaky))
    }

    /// The 3x3 convolution; the pixel shuffle interleaves the phases.
    fn shape(leaky: Option<f64>) -> ConvShape {
        ConvShape { padding: 1, leaky, shuffle: true, ..ConvShape::default() }
    }

    /// Returns the present weights for folding.
    pub(crate) fn folded(&self, leaky: Option<f64>) -> FoldedConv {
        let (weight, bias) = fold_weights(self.weight.val(), self.bias.val(), self.upsampling);
        FoldedConv::new(weight, bias, Self::shape(leaky))
    }

    /// [`UpConv::forward`] without folding, as a reference for tests and benchmarks.
    pub(crate) fn forward_reference(&self, x: Tensor<4>, leaky: Option<f64>) -> Tensor<4> {
        let y = up_conv_reference(x, self.weight.val(), self.bias.val(), self.upsampling);
        leaky_if(y, leaky)
    }
}

/// `UpConv` as a function; `weight` is `[outputs, inputs, 5, 5]`, `bias` `[outputs]`.
pub fn up_conv(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, upsampling: Upsampling) -> Tensor<4> {
    let (weight, bias) = fold_weights(weight, bias, upsampling);
    conv(x, weight, bias, UpConv::shape(None))
}

/// Folds `weight` `[outputs, inputs, 5, 5]` and `bias` `[outputs]` into those of the 3x3 convolution: `[4 outputs, inputs, 3, 3]`
/// and `[4 outputs]`.
fn fold_weights(weight: Tensor<4>, bias: Tensor<1>, upsampling: Upsampling) -> (Tensor<4>, Tensor<1>) {
    let [outputs] = bias.dims();
    (fold(weight, &taps(upsampling)), bias.reshape([outputs, 1]).expand([outputs, 4]).reshape([outputs * 4]))
}

/// [`up_conv`] without folding: nearest-neighbour upsampling and a 5x5 convolution, or a transposed convolution.
pub fn up_conv_reference(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, upsampling: Upsampling) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    match upsampling {
        Upsampling::ResizeConv => {
            let large = x
                .reshape([batch, channels, height, 1, width, 1])
                .expand([batch, channels, height, 2, width, 2])
                .reshape([batch, channels, 2 * height, 2 * width]);
            conv2d(large, weight, Some(bias), ConvOptions::new([1, 1], [2, 2], [1, 1], 1))
        }
        Upsampling::TransposedConv => {
            let options = ConvTransposeOptions::new([2, 2], [2, 2], [1, 1], [1, 1], 1);
            conv_transpose2d(x, weight.swap_dims(0, 1), Some(bias), options)
        }
    }
}

/// Returns the tap of the 3-tap kernel that tap `k` of the 5-tap kernel is added to in phase `p` of the output, along one
/// axis: tap `t` reads the input at offset `t - 1`. `None` if tap `k` does not contribute to this phase.
fn small_tap(upsampling: Upsampling, p: isize, k: isize) -> Option<isize> {
    match upsampling {
        // Output pixel 2m + p reads the upsampled row at 2m + p + k - 2, which is input pixel floor(. / 2).
        Upsampling::ResizeConv => Some((p + k - 2).div_euclid(2) + 1),
        // Input pixel j spreads tap k to output pixel 2j + k - 2, so only taps of the phase's parity contribute.
        Upsampling::TransposedConv => ((p + 2 - k) % 2 == 0).then(|| (p + 2 - k) / 2 + 1),
    }
}

/// Returns the mapping of the 25 taps of a 5x5 kernel to the 9 taps of each of the 4 phases.
fn taps(upsampling: Upsampling) -> Arc<Fold> {
    Arc::new(Fold::new(|large, phase| {
        let [(ky, kx), (py, px)] = [(large / KERNEL, large % KERNEL), (phase / 2, phase % 2)];
        let [ty, tx] = [(py, ky), (px, kx)].map(|(p, k)| small_tap(upsampling, p as isize, k as isize));
        Some((ty? * 3 + tx?) as usize)
    }))
}

/// Applies a LeakyReLU if a slope is given.
pub(crate) fn leaky_if(x: Tensor<4>, leaky: Option<f64>) -> Tensor<4> {
    match leaky {
        Some(slope) => leaky_relu(x, slope),
        None => x,
    }
}

/// Applies a convolution with a LeakyReLU and, if there is one, a batch norm, in the recipe's order. `conv` ends with a
/// LeakyReLU of the slope that it is given, if any.
pub(crate) fn block(
    conv: impl FnOnce(Option<f64>) -> Tensor<4>,
    norm: Option<&BatchNorm>,
    order: NormOrder,
    slope: f64,
    pass: &mut Pass<'_>,
) -> Tensor<4> {
    match (norm, order) {
        (None, _) => conv(Some(slope)),
        (Some(norm), NormOrder::ActivationFirst) => norm.forward(conv(Some(slope)), None, pass),
        (Some(norm), NormOrder::NormFirst) => norm.forward(conv(None), Some(slope), pass),
    }
}
