//! The critic: a segmentation network that maps an image of any size to logits per 4x4 pixels, above zero for "damaged".
//!
//! One logit is for damage of any shape but long lines, another for long lines: on a granular surface, what looks like a
//! grain would otherwise hide a faint crack. Critics of earlier versions have one logit for all damage.
//!
//! Fully convolutional at two scales, strides 4 and 8, which are joined at the finer one; the receptive field is about
//! 140 pixels wide. Batch norm precedes each LeakyReLU, so that it can be folded into the convolutions of a frozen critic.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};
use rand::Rng;

use super::{
    layers::{BatchNorm, BatchStats, MapConv, Pass, absorb},
    weights::replace,
};
use crate::kernels::{ConvShape, FrozenConv};

/// Stride of the logits in pixels.
pub const STRIDE: usize = 4;
/// Height and width of an image have to be multiples of this.
pub(crate) const MULTIPLE: usize = 8;
/// Maximum distance in pixels from a logit's cell to the pixels it depends on.
pub(crate) const REACH: usize = 80;
const SLOPE: f64 = 0.2;
/// Weight of a new batch in the running statistics.
const MOMENTUM: f64 = 0.1;
/// Initial logit: damage is rare.
const PRIOR: f32 = -2.0;

/// A convolution and its batch norm.
#[derive(Module, Debug)]
struct Layer {
    conv: MapConv,
    norm: BatchNorm,
}

impl Layer {
    fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        [stride, dilation]: [usize; 2],
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        let shape = ConvShape { stride, dilation, padding: dilation * (kernel / 2), ..ConvShape::default() };
        Self {
            conv: MapConv::new(inputs, outputs, kernel, shape, rng, device),
            norm: BatchNorm::new(outputs, MOMENTUM, device),
        }
    }

    fn forward(&self, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x), Some(SLOPE), pass)
    }

    fn frozen(&self) -> FrozenConv {
        self.conv.folded(Some(SLOPE)).fold_output_affine(&self.norm.affine()).freeze()
    }
}

/// Maps images `[batch, channels, h, w]`, with `h` and `w` multiples of `MULTIPLE`, to logits `[batch, heads, h / 4, w / 4]`.
#[derive(Module, Debug)]
pub struct Critic {
    fine: Vec<Layer>,
    coarse: Vec<Layer>,
    join_fine: Layer,
    join_coarse: MapConv,
    last: MapConv,
    /// Mean of the images' pixels, or of each channel of them, and their standard deviation, without gradient. The name is
    /// that of the tensor in model files.
    light: Param<Tensor<1>>,
}

/// Channel counts of the critic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CriticWidths {
    /// Channels at stride 2.
    pub stem: usize,
    /// Channels at stride 4, and of the features that the logit is computed from.
    pub fine: usize,
    /// Channels at stride 8.
    pub coarse: usize,
}

impl CriticWidths {
    /// Returns the widths of a critic with this number of features.
    pub fn for_features(features: usize) -> Self {
        Self { stem: features * 2 / 3, fine: features, coarse: features * 3 / 2 }
    }
}

impl Critic {
    /// Creates a critic of `width` features with random initial weights. `brightness` is the mean of the images' pixels, or
    /// of each channel of them, and then their standard deviation.
    pub fn new(
        channels: usize,
        width: usize,
        brightness: impl AsRef<[f32]>,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        let CriticWidths { stem, fine: width, coarse: wide } = CriticWidths::for_features(width);
        let fine = vec![
            Layer::new(channels, stem, 5, [2, 1], rng, device),
            Layer::new(stem, width, 5, [2, 1], rng, device),
            Layer::new(width, width, 3, [1, 1], rng, device),
            Layer::new(width, width, 3, [1, 2], rng, device),
        ];
        let coarse = vec![
            Layer::new(width, wide, 3, [2, 1], rng, device),
            Layer::new(wide, wide, 3, [1, 2], rng, device),
            Layer::new(wide, wide, 3, [1, 4], rng, device),
        ];
        let shuffled = ConvShape { shuffle: true, ..ConvShape::default() };
        Self {
            join_fine: Layer::new(width, width, 1, [1, 1], rng, device),
            join_coarse: MapConv::new(wide, 4 * width, 1, shuffled, rng, device),
            last: MapConv::new(width, 1, 1, ConvShape::default(), rng, device).with_bias(PRIOR),
            light: Param::from_tensor(Tensor::from_floats(brightness.as_ref(), device)).set_require_grad(false),
            fine,
            coarse,
        }
    }

    /// Adds a logit for long lines to an untrained critic.
    #[must_use]
    pub fn with_line_head(mut self, rng: &mut impl Rng, device: &Device) -> Self {
        let width = self.last.inputs();
        self.last = MapConv::new(width, 2, 1, ConvShape::default(), rng, device).with_bias(PRIOR);
        self
    }

    /// Number of logits per 4x4 pixels, 1 or 2; the second is that of long lines.
    pub fn heads(&self) -> usize {
        self.last.outputs()
    }

    /// Returns the logits per 4x4 pixels.
    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let apply = |x, layers: &[Layer], pass: &mut Pass<'_>| layers.iter().fold(x, |x, l| l.forward(x, pass));
        let fine = apply(normalised(x, &self.light.val()), &self.fine, pass);
        let coarse = apply(fine.clone(), &self.coarse, pass);
        let joined = self.join_fine.conv.forward(fine) + self.join_coarse.forward(coarse);
        self.last.forward(self.join_fine.norm.forward(joined, Some(SLOPE), pass))
    }

    /// Updates the running statistics with those gathered in a training pass.
    pub fn absorb(&mut self, stats: Vec<BatchStats>) {
        let layers = self.fine.iter_mut().chain(&mut self.coarse).chain([&mut self.join_fine]);
        absorb(layers.map(|l| &mut l.norm), stats);
    }

    /// Replaces means and standard deviation of the images' pixels.
    pub(crate) fn with_brightness(mut self, brightness: &[f32]) -> Self {
        self.light = replace(self.light, |old| Tensor::from_floats(brightness, &old.device()));
        self
    }
}

/// `(x - mean) / (3 * standard deviation)`
fn normalised(x: Tensor<4>, brightness: &Tensor<1>) -> Tensor<4> {
    // One mean for each channel, or for all of them.
    let means = brightness.dims()[0].saturating_sub(1).max(1);
    let part = |from: usize, count: usize| brightness.clone().narrow(0, from, count).reshape([1, count, 1, 1]);
    (x - part(0, means)) / (part(means, 1) * 3.0)
}

/// A critic with constant weights; each batch norm is folded into the convolution before it.
#[derive(Clone, Debug)]
pub struct FrozenCritic {
    fine: Vec<FrozenConv>,
    coarse: Vec<FrozenConv>,
    join_fine: FrozenConv,
    join_coarse: FrozenConv,
    last: FrozenConv,
    heads: usize,
    brightness: Tensor<1>,
}

impl FrozenCritic {
    /// Freezes the present weights of `critic`.
    pub fn new(critic: &Critic) -> Self {
        // The sum of both joined maps is normalised, so both take the norm's factor, and one its offset.
        let norm = critic.join_fine.norm.affine();
        Self {
            fine: critic.fine.iter().map(Layer::frozen).collect(),
            coarse: critic.coarse.iter().map(Layer::frozen).collect(),
            join_fine: critic.join_fine.conv.folded(Some(SLOPE)).fold_output_affine(&norm).freeze(),
            join_coarse: critic.join_coarse.folded(None).scaled(&norm.0).freeze(),
            last: critic.last.folded(None).freeze(),
            heads: critic.heads(),
            brightness: critic.light.val().without_autodiff(),
        }
    }

    /// Dimension of the features.
    pub fn width(&self) -> usize {
        self.last.inputs()
    }

    /// Number of logits per 4x4 pixels; see [`Critic::heads`].
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Returns the logits per 4x4 pixels, and the features they are computed from.
    pub fn forward(&self, x: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let apply = |x, layers: &[FrozenConv]| layers.iter().fold(x, |x, l| l.forward(x));
        let fine = apply(normalised(x, &self.brightness), &self.fine);
        let coarse = apply(fine.clone(), &self.coarse);
        let features = self.join_fine.forward_residual(fine, self.join_coarse.forward(coarse));
        (self.last.forward(features.clone()), features)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn a_critic_that_stands_still_sees_the_same() {
        let device = Device::flex();
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut critic = Critic::new(1, 12, [0.1, 0.3], &mut rng, &device).with_line_head(&mut rng, &device);
        assert_eq!(critic.heads(), 2);
        let mut image = |n: usize, h: usize, w: usize| {
            let values: Vec<f32> = (0..n * h * w).map(|_| rng.random_range(-0.6..0.8)).collect();
            Tensor::<4>::from_data(TensorData::new(values, [n, 1, h, w]), &device)
        };
        // Statistics other than the initial ones.
        for _ in 0..4 {
            let mut stats = Vec::new();
            let _ = critic.forward(image(2, 32, 32), &mut Pass::Train(&mut stats));
            critic.absorb(stats);
        }
        let x = image(1, 40, 56);
        let wanted = critic.forward(x.clone(), &mut Pass::Evaluate);
        let (got, features) = FrozenCritic::new(&critic).forward(x);
        assert_eq!((got.dims(), features.dims()), ([1, 2, 10, 14], [1, 12, 10, 14]));
        let off = (got - wanted.clone()).abs().max().into_scalar::<f32>();
        let most = (wanted + f64::from(-PRIOR)).abs().max().into_scalar::<f32>();
        assert!(most > 1e-3 && off < 1e-4 * most.max(1.0), "{off} at up to {most}");
    }

    #[test]
    fn a_logit_depends_on_no_more_than_its_reach() {
        let device = Device::flex();
        let critic = FrozenCritic::new(&Critic::new(1, 24, [0.0, 0.5], &mut ChaCha8Rng::seed_from_u64(5), &device));
        let side = 320;
        let at = |x: usize| {
            let mut values = vec![0.0f32; side * side];
            (0..side).for_each(|y| values[y * side + x] = 1.0);
            let image = Tensor::<4>::from_data(TensorData::new(values, [1, 1, side, side]), &device);
            let logits = critic.forward(image).0.into_data().try_into_vec::<f32>().unwrap();
            logits[40 * 80 + 40]
        };
        let baseline = at(0);
        assert_eq!(baseline, at(160 - REACH - 4));
        assert_ne!(baseline, at(160 - 40));
    }
}
