//! The layers that G and D are made of. Maps are `[batch, channels, height, width]`.

use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor, TensorData, activation,
        module::{batch_norm, conv_transpose2d, conv2d},
        ops::{ConvOptions, ConvTransposeOptions},
    },
};
use rand::{Rng, RngExt};

use super::{
    architecture::{NormOrder, Upsampling},
    weights::replace,
};
use crate::kernels::{ConvShape, conv, norm_train};

/// Side of every kernel of G and D.
pub const KERNEL: usize = 5;

/// Batch statistics of one [`Norm`], in the order the norms of a network are passed.
#[derive(Debug)]
pub struct BatchStats {
    mean: Tensor<1>,
    variance: Tensor<1>,
}

/// How a network is run.
pub enum Pass<'a> {
    /// With the running statistics of batch norm: images of one batch do not influence each other.
    Evaluate,
    /// With the batch's own statistics, which are gathered here for [`absorb`].
    Train(&'a mut Vec<BatchStats>),
}

/// Uniform weights of Glorot and Bengio (2010), drawn on the host so that every device starts alike.
fn glorot<const D: usize>(shape: [usize; D], fan: usize, rng: &mut impl Rng, device: &Device) -> Param<Tensor<D>> {
    let limit = (6.0 / fan as f32).sqrt();
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-limit..limit)).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

fn constant(len: usize, value: f32, device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::full([len], value, device))
}

/// A dense layer: `[batch, inputs]` to `[batch, outputs]`.
#[derive(Module, Debug)]
pub struct Dense {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Dense {
    /// A layer with fresh weights.
    pub fn new(inputs: usize, outputs: usize, rng: &mut impl Rng, device: &Device) -> Self {
        Self { weight: glorot([inputs, outputs], inputs + outputs, rng, device), bias: constant(outputs, 0.0, device) }
    }

    /// `x` of shape `[batch, inputs]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.val()) + self.bias.val().unsqueeze()
    }
}

/// Batch norm (Ioffe and Szegedy 2015) over the channels of a map, with running statistics that are
/// parameters without gradient: they are averaged, saved and restored like any weight.
#[derive(Module, Debug)]
pub struct Norm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    running_mean: Param<Tensor<1>>,
    running_variance: Param<Tensor<1>>,
    #[module(skip)]
    momentum: f64,
}

/// Added to variances, as Keras does.
const EPSILON: f64 = 1e-3;

impl Norm {
    /// A layer that leaves its input as it is until trained; `momentum` is the share of a new batch
    /// in the running statistics.
    pub fn new(channels: usize, momentum: f64, device: &Device) -> Self {
        Self {
            gamma: constant(channels, 1.0, device),
            beta: constant(channels, 0.0, device),
            running_mean: constant(channels, 0.0, device).set_require_grad(false),
            running_variance: constant(channels, 1.0, device).set_require_grad(false),
            momentum,
        }
    }

    /// `x` of shape `[batch, channels, height, width]`; then LeakyReLU where a slope is given.
    pub fn forward(&self, x: Tensor<4>, leaky: Option<f64>, pass: &mut Pass<'_>) -> Tensor<4> {
        match pass {
            Pass::Evaluate => {
                let (mean, variance) = (self.running_mean.val(), self.running_variance.val());
                let y = batch_norm(x, self.gamma.val(), self.beta.val(), mean, variance, EPSILON);
                leaky.map_or(y.clone(), |slope| leaky_relu(y, slope))
            }
            Pass::Train(stats) => {
                let (y, mean, variance) = norm_train(x, self.gamma.val(), self.beta.val(), EPSILON, leaky);
                stats.push(BatchStats { mean, variance });
                y
            }
        }
    }

    /// What it does with running statistics, as a factor and an offset of shape `[1, channels, 1, 1]`.
    pub fn affine(&self) -> (Tensor<4>, Tensor<4>) {
        let factor = self.gamma.val() / (self.running_variance.val() + EPSILON).sqrt();
        let offset = self.beta.val() - self.running_mean.val() * factor.clone();
        let [channels] = factor.dims();
        let shape = [1, channels, 1, 1];
        (factor.reshape(shape), offset.reshape(shape))
    }

    /// Moves the running statistics towards the next of `stats`.
    fn absorb(&mut self, stats: &mut impl Iterator<Item = BatchStats>) {
        let Some(batch) = stats.next() else { return };
        let share = self.momentum;
        let blend = |old: Tensor<1>, new: Tensor<1>| old * (1.0 - share) + new * share;
        self.running_mean = replace(self.running_mean.clone(), |old| blend(old, batch.mean));
        self.running_variance = replace(self.running_variance.clone(), |old| blend(old, batch.variance));
    }
}

/// Moves the running statistics of `norms` towards what a training pass gathered, in the same order.
pub fn absorb<'a>(norms: impl Iterator<Item = &'a mut Norm>, stats: Vec<BatchStats>) {
    let mut stats = stats.into_iter();
    for norm in norms {
        norm.absorb(&mut stats);
    }
}

/// A strided 5x5 convolution with "same" padding: halves height and width.
#[derive(Module, Debug)]
pub struct DownConv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl DownConv {
    /// A layer with fresh weights.
    pub fn new(inputs: usize, outputs: usize, rng: &mut impl Rng, device: &Device) -> Self {
        let fan = (inputs + outputs) * KERNEL * KERNEL;
        Self {
            weight: glorot([outputs, inputs, KERNEL, KERNEL], fan, rng, device),
            bias: constant(outputs, 0.0, device),
        }
    }

    /// `[batch, inputs, h, w]` to `[batch, outputs, h / 2, w / 2]`, for even `h` and `w`; then LeakyReLU where
    /// a slope is given.
    pub fn forward(&self, x: Tensor<4>, leaky: Option<f64>) -> Tensor<4> {
        let shape = ConvShape { stride: 2, padding: 2, leaky, ..ConvShape::default() };
        conv(x, self.weight.val(), self.bias.val(), shape)
    }
}

/// A convolution of any shape.
#[derive(Module, Debug)]
pub struct MapConv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    shape: ConvShape,
}

impl MapConv {
    /// A layer with fresh weights and a kernel of `kernel * kernel` taps.
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        shape: ConvShape,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        let weight = glorot([outputs, inputs, kernel, kernel], (inputs + outputs) * kernel * kernel, rng, device);
        Self { weight, bias: constant(outputs, 0.0, device), shape }
    }

    /// The same with this bias.
    pub fn with_bias(mut self, bias: f32) -> Self {
        self.bias = replace(self.bias, |old| old * 0.0 + bias);
        self
    }

    /// `[batch, inputs, h, w]` to `[batch, outputs, h', w']`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        conv(x, self.weight.val(), self.bias.val(), self.shape)
    }

    /// It and the norm after it as one convolution, as in evaluation.
    pub fn folded(&self, norm: Option<&Norm>, leaky: Option<f64>) -> FixedConv {
        let (mut weight, mut bias) = (self.weight.val().without_autodiff(), self.bias.val().without_autodiff());
        if let Some(norm) = norm {
            let (factor, offset) = norm.affine();
            let [_, channels, ..] = factor.dims();
            let factor = factor.without_autodiff().reshape([channels, 1, 1, 1]);
            bias = bias * factor.clone().reshape([channels]) + offset.without_autodiff().reshape([channels]);
            weight = weight * factor;
        }
        FixedConv { weight, bias, shape: ConvShape { leaky, ..self.shape } }
    }
}

/// A convolution that stands still.
#[derive(Clone, Debug)]
pub struct FixedConv {
    weight: Tensor<4>,
    bias: Tensor<1>,
    shape: ConvShape,
}

impl FixedConv {
    /// The same, what comes out multiplied by a factor of shape `[1, c, 1, 1]`: one for each channel, or for each
    /// that a pixel shuffle leaves.
    pub fn scaled(self, factor: &Tensor<4>) -> Self {
        let [outputs, ..] = self.weight.dims();
        let [_, channels, ..] = factor.dims();
        let each = outputs / channels;
        let factor = factor.clone().without_autodiff().reshape([channels, 1]).expand([channels, each]);
        let factor = factor.reshape([outputs]);
        Self {
            bias: self.bias * factor.clone(),
            weight: self.weight * factor.reshape([outputs, 1, 1, 1]),
            shape: self.shape,
        }
    }

    /// `[batch, inputs, h, w]` to `[batch, outputs, h', w']`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        conv(x, self.weight.clone(), self.bias.clone(), self.shape)
    }
}

/// Doubles height and width with a 5x5 kernel, either way of [`Upsampling`].
///
/// Both ways equal a 3x3 convolution on the small map to four times the channels, one for each
/// phase of the doubled map, followed by a pixel shuffle. The taps of each phase are sums of the
/// 5x5 weights (resize) or a subset of them (transposed): a fixed linear map, applied before the
/// convolution, so that the 5x5 weights stay the trained parameters. Resize + convolution needs
/// 2.78 times fewer multiplications this way. Exact, zero padding included.
#[derive(Module, Debug)]
pub struct UpConv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    upsampling: Upsampling,
}

impl UpConv {
    /// A layer with fresh weights.
    pub fn new(inputs: usize, outputs: usize, upsampling: Upsampling, rng: &mut impl Rng, device: &Device) -> Self {
        let fan = (inputs + outputs) * KERNEL * KERNEL;
        Self {
            weight: glorot([outputs, inputs, KERNEL, KERNEL], fan, rng, device),
            bias: constant(outputs, 0.0, device),
            upsampling,
        }
    }

    /// `[batch, inputs, h, w]` to `[batch, outputs, 2 h, 2 w]`; then LeakyReLU where a slope is given.
    pub fn forward(&self, x: Tensor<4>, leaky: Option<f64>) -> Tensor<4> {
        self.folded().forward(x, leaky)
    }

    /// Its weights as they are now, folded.
    pub fn folded(&self) -> FoldedConv {
        FoldedConv::new(self.weight.val(), self.bias.val(), self.upsampling)
    }

    /// The same, computed the plain way: for tests and benchmarks.
    pub fn forward_plain(&self, x: Tensor<4>, leaky: Option<f64>) -> Tensor<4> {
        let y = up_conv_plain(x, self.weight.val(), self.bias.val(), self.upsampling);
        leaky.map_or(y.clone(), |slope| leaky_relu(y, slope))
    }
}

/// [`UpConv`] as a function; `weight` is `[outputs, inputs, 5, 5]`, `bias` `[outputs]`.
pub fn up_conv(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, upsampling: Upsampling) -> Tensor<4> {
    FoldedConv::new(weight, bias, upsampling).forward(x, None)
}

/// The weights of an [`UpConv`] as its 3x3 convolution wants them: folded once where they do not change.
#[derive(Clone, Debug)]
pub struct FoldedConv {
    /// `[4 outputs, inputs, 3, 3]`
    weight: Tensor<4>,
    /// `[4 outputs]`
    bias: Tensor<1>,
}

impl FoldedConv {
    /// Folds `weight` of shape `[outputs, inputs, 5, 5]` and `bias` of shape `[outputs]`.
    pub fn new(weight: Tensor<4>, bias: Tensor<1>, upsampling: Upsampling) -> Self {
        let [outputs, inputs, _, _] = weight.dims();
        let fold = fold_matrix(upsampling, &weight.device());
        let weight = weight
            .reshape([outputs * inputs, KERNEL * KERNEL])
            .matmul(fold)
            .reshape([outputs, inputs, 4, 9])
            .swap_dims(1, 2)
            .reshape([outputs * 4, inputs, 3, 3]);
        let bias = bias.reshape([outputs, 1]).expand([outputs, 4]).reshape([outputs * 4]);
        Self { weight, bias }
    }

    /// `[batch, inputs, h, w]` to `[batch, outputs, 2 h, 2 w]`; then LeakyReLU where a slope is given.
    pub fn forward(&self, x: Tensor<4>, leaky: Option<f64>) -> Tensor<4> {
        // The pixel shuffle puts the phases in their places.
        let shape = ConvShape { padding: 1, leaky, shuffle: true, ..ConvShape::default() };
        conv(x, self.weight.clone(), self.bias.clone(), shape)
    }
}

/// [`up_conv`] by the book: nearest-neighbour 2x and a 5x5 convolution, or a transposed convolution.
pub fn up_conv_plain(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, upsampling: Upsampling) -> Tensor<4> {
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

/// Where tap `k` of a 5-tap kernel lands: in phase `p` of the doubled line it meets the small map
/// at offset `t - 1`, or nowhere.
fn small_tap(upsampling: Upsampling, p: isize, k: isize) -> Option<isize> {
    match upsampling {
        // Pixel 2m + p sees the enlarged line at 2m + p + k - 2, which is small pixel floor(. / 2).
        Upsampling::ResizeConv => Some((p + k - 2).div_euclid(2) + 1),
        // Small pixel j spreads tap k to pixel 2j + k - 2, so only taps of the phase's parity count.
        Upsampling::TransposedConv => ((p + 2 - k) % 2 == 0).then(|| (p + 2 - k) / 2 + 1),
    }
}

/// The map from the 25 taps of a 5x5 kernel to the 9 taps of each of the 4 phases, `[25, 36]`.
fn fold_matrix(upsampling: Upsampling, device: &Device) -> Tensor<2> {
    let mut entries = [0.0f32; 25 * 36];
    for (ky, kx, py, px) in (0..5)
        .flat_map(|ky| (0..5).map(move |kx| (ky, kx)))
        .flat_map(|(ky, kx)| (0..2).flat_map(move |py| (0..2).map(move |px| (ky, kx, py, px))))
    {
        if let (Some(ty), Some(tx)) = (small_tap(upsampling, py, ky), small_tap(upsampling, px, kx)) {
            let (row, column) = (ky * 5 + kx, (py * 2 + px) * 9 + ty * 3 + tx);
            entries[(row * 36 + column) as usize] = 1.0;
        }
    }
    Tensor::from_data(TensorData::new(entries.to_vec(), [25, 36]), &device.clone().without_autodiff())
}

/// LeakyReLU: `x` above zero, `slope * x` below.
pub fn leaky_relu<const D: usize>(x: Tensor<D>, slope: f64) -> Tensor<D> {
    activation::leaky_relu(x, slope)
}

/// A convolution with LeakyReLU and, where there is one, batch norm, in the recipe's order. `conv` ends with a
/// LeakyReLU of the slope that it is given.
pub fn block(
    conv: impl FnOnce(Option<f64>) -> Tensor<4>,
    norm: Option<&Norm>,
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
