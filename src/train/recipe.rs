//! The recipe: all settings of a run in one serde struct, shared by the recipe file, the command line and the panels.
//! [`KNOBS`](super::knobs::KNOBS) describes each of them.

use serde::{Deserialize, Serialize};

use crate::{
    data::{BitDepth, CropSpec, SyntheticDefectKnobs, split::DEFAULT_SHARE},
    model::ModelKnobs,
};

/// Update rule of an optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimiserKind {
    /// Adam (Kingma and Ba 2015).
    Adam,
    /// Stochastic gradient descent with momentum `beta1`.
    Sgd,
    /// RMSProp with decay `beta2` (Tieleman and Hinton 2012).
    RmsProp,
}

/// Sampling of crops from the healthy images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataKnobs {
    /// Factor on the size of the images before cropping; 1 is native resolution.
    pub scale: f64,
    /// Mirror half of the crops left to right.
    pub flip_horizontal: bool,
    /// Mirror half of the crops top to bottom.
    pub flip_vertical: bool,
    /// Rotate crops by a random multiple of 90 degrees.
    pub quarter_turns: bool,
    /// Change the contrast of half of the crops by up to this share, and their brightness by up to 0.7 times it.
    pub jitter: f64,
    /// Share of the healthy images held out for calibration, never trained on.
    pub holdout: f64,
    /// Bits that the samples of 16-bit images use. A run decides it over its images and keeps it.
    pub bit_depth: BitDepth,
}

impl Default for DataKnobs {
    fn default() -> Self {
        Self {
            scale: 1.0,
            flip_horizontal: true,
            flip_vertical: true,
            quarter_turns: false,
            jitter: 0.0,
            holdout: DEFAULT_SHARE,
            bit_depth: BitDepth::Auto,
        }
    }
}

/// Optimiser of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiserKnobs {
    /// The update rule.
    pub kind: OptimiserKind,
    /// Learning rate.
    pub lr: f64,
    /// Adam's first beta; momentum for SGD and RMSProp.
    pub beta1: f64,
    /// Adam's second beta; decay of the squared gradient for RMSProp. Unused by SGD.
    pub beta2: f64,
}

impl Default for OptimiserKnobs {
    fn default() -> Self {
        Self { kind: OptimiserKind::Adam, lr: 2e-4, beta1: 0.5, beta2: 0.999 }
    }
}

/// Schedule of G and D, labels, noise and dropout of D; can change during a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainKnobs {
    /// Total number of steps.
    pub steps: u64,
    /// Crops in a batch.
    pub batch: usize,
    /// Generator updates per step (k_G).
    pub k_g: usize,
    /// Discriminator updates per step (k_D).
    pub k_d: usize,
    /// Success rate of G below which D is not updated; 0 disables the gate.
    pub d_gate: f64,
    /// Probability that a batch's real and fake labels are swapped (noisy labels).
    pub label_flip: f64,
    /// D's target for real crops (soft label below 1).
    pub label_real: f64,
    /// D's target for generated crops (soft label above 0).
    pub label_fake: f64,
    /// Standard deviation of Gaussian noise on D's input, at step 0, on the [-1, 1] scale.
    pub noise: f64,
    /// Steps in which the noise falls by half; 0 keeps it constant.
    pub noise_half_life: f64,
    /// Dropout after D's hidden layers, at step 0.
    pub dropout: f64,
    /// Steps in which the dropout falls by half; 0 keeps it constant.
    pub dropout_half_life: f64,
    /// Decay of the exponential moving average of G's weights; 0 disables it.
    pub ema: f64,
    /// Steps between sample grids.
    pub preview_every: u64,
    /// Steps between histograms of weights and gradients.
    pub histogram_every: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Train the encoder, calibrate and write the model file after the last step.
    pub model_at_end: bool,
}

impl Default for TrainKnobs {
    fn default() -> Self {
        Self {
            steps: 2_000,
            batch: 16,
            k_g: 1,
            k_d: 1,
            d_gate: 0.0,
            label_flip: 0.0,
            label_real: 0.9,
            label_fake: 0.0,
            noise: 0.1,
            noise_half_life: 500.0,
            dropout: 0.0,
            dropout_half_life: 1_000.0,
            ema: 0.99,
            preview_every: 20,
            histogram_every: 100,
            checkpoint_every: 200,
            model_at_end: true,
        }
    }
}

/// The encoder, trained after the GAN, which gives inspection its initial z (f-AnoGAN).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderKnobs {
    /// Steps; 0 disables the encoder.
    pub steps: u64,
    /// Crops in a batch.
    pub batch: usize,
    /// Adam's learning rate.
    pub lr: f64,
    /// Weight of the loss on D's features relative to the loss on pixels.
    pub feature_weight: f64,
    /// Weight of the loss on z for generated crops.
    pub latent_weight: f64,
}

impl Default for EncoderKnobs {
    fn default() -> Self {
        Self { steps: 600, batch: 16, lr: 1e-3, feature_weight: 1.0, latent_weight: 0.1 }
    }
}

/// The critic, trained on synthetic defects after the GAN, which locates anomalies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CriticKnobs {
    /// Steps; 0 disables the critic.
    pub steps: u64,
    /// Crops in a batch.
    pub batch: usize,
    /// Width and height of its crops in pixels; smaller if the images are smaller.
    pub crop: usize,
    /// Channels of its last feature maps, which determine those of the others ([`crate::model::critic::CriticWidths`]).
    pub width: usize,
    /// Adam's initial learning rate; it decays linearly to zero.
    pub lr: f64,
    /// Weight of damaged locations relative to healthy ones in the loss.
    pub positive_weight: f64,
    /// Share of the crops that are damaged.
    pub share: f64,
    /// Minimum opacity of a defect.
    pub strength: f64,
    /// Largest half-axis of a blob as a share of the crop's side.
    pub largest: f64,
    /// Share of defects that only change the brightness.
    pub brightness: f64,
    /// Random change of contrast and brightness in half of all crops, as a share.
    pub jitter: f64,
    /// Normalise the brightness and contrast of each image.
    pub level: bool,
    /// Test-time augmentation: average over mirrored (as crops are, see [`DataKnobs`]) and shifted views of each image.
    pub views: bool,
    /// Leave out healthy images that look defective to the half-trained critic.
    pub drop_outliers: bool,
    /// Start from the weights that come with the program, where it has some of this width.
    pub pretrained: bool,
}

impl CriticKnobs {
    /// Returns the settings of the synthetic defects.
    pub(crate) fn synthetic_defects(&self) -> SyntheticDefectKnobs {
        let &Self { share, strength, largest, brightness, jitter, .. } = self;
        SyntheticDefectKnobs { share, strength, largest, brightness, jitter }
    }
}

impl Default for CriticKnobs {
    fn default() -> Self {
        let SyntheticDefectKnobs { share, strength, largest, brightness, jitter } = SyntheticDefectKnobs::default();
        Self {
            steps: 1_500,
            batch: 16,
            crop: 96,
            width: 24,
            lr: 1e-3,
            positive_weight: 3.0,
            share,
            strength,
            largest,
            brightness,
            jitter,
            level: true,
            views: true,
            drop_outliers: true,
            pretrained: true,
        }
    }
}

/// All settings of a run: the same recipe, data and seed give the same run on the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Random seed of the run.
    pub seed: u64,
    /// Crops.
    pub data: DataKnobs,
    /// Networks and latent.
    pub model: ModelKnobs,
    /// Schedule.
    pub train: TrainKnobs,
    /// The generator's optimiser.
    pub g: OptimiserKnobs,
    /// The discriminator's optimiser.
    pub d: OptimiserKnobs,
    /// Encoder for inspection.
    pub encoder: EncoderKnobs,
    /// Critic for inspection.
    pub critic: CriticKnobs,
}

impl Default for Recipe {
    fn default() -> Self {
        Preset::Laptop.recipe()
    }
}

impl Recipe {
    /// Returns the specification of the GAN's crops.
    pub fn crop_spec(&self) -> CropSpec {
        CropSpec {
            size: self.model.size,
            channels: self.model.channels.count(),
            scale: self.data.scale as f32,
            flip_horizontal: self.data.flip_horizontal,
            flip_vertical: self.data.flip_vertical,
            quarter_turns: self.data.quarter_turns,
            borders: false,
            jitter: self.data.jitter as f32,
            normalise: false,
        }
    }
}

/// A predefined recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The talk's networks and schedule at full width (J. Dekhtiar, PyData Berlin 2017).
    #[value(name = "talk")]
    Talk2017,
    /// Half width with stabilising settings; the default on a GPU.
    Workbench,
    /// An eighth of the talk's filters; the default on a CPU.
    Laptop,
}

impl Preset {
    /// All presets, in display order.
    pub const ALL: [Self; 3] = [Self::Talk2017, Self::Workbench, Self::Laptop];

    /// Returns the default preset of a device.
    pub fn suited(gpu: bool) -> Self {
        if gpu { Self::Workbench } else { Self::Laptop }
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Talk2017 => "Talk 2017",
            Self::Workbench => "Workbench",
            Self::Laptop => "Laptop",
        }
    }

    /// Describes the preset in one sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Talk2017 => "Exactly as in the 2017 talk: full width, two G updates per D update. Needs a GPU.",
            Self::Workbench => "Half the talk's filters and a larger batch. For a GPU.",
            Self::Laptop => "An eighth of the talk's filters. Trains in minutes on two CPU cores.",
        }
    }

    /// Returns its recipe.
    pub fn recipe(self) -> Recipe {
        let laptop = Recipe {
            seed: 1,
            data: DataKnobs { jitter: 0.3, ..DataKnobs::default() },
            model: ModelKnobs { discriminator_norm: true, ..ModelKnobs::default() },
            train: TrainKnobs { batch: 32, ..TrainKnobs::default() },
            g: OptimiserKnobs { lr: 1e-3, ..OptimiserKnobs::default() },
            d: OptimiserKnobs::default(),
            encoder: EncoderKnobs::default(),
            critic: CriticKnobs::default(),
        };
        match self {
            Self::Laptop => laptop,
            Self::Workbench => Recipe {
                model: ModelKnobs { width_divisor: 2, ..laptop.model.clone() },
                train: TrainKnobs {
                    steps: 10_000,
                    batch: 64,
                    ema: 0.999,
                    checkpoint_every: 500,
                    ..laptop.train.clone()
                },
                // Wider networks need smaller steps.
                g: OptimiserKnobs { lr: 4e-4, ..OptimiserKnobs::default() },
                ..laptop
            },
            Self::Talk2017 => Recipe {
                data: DataKnobs::default(),
                model: ModelKnobs { width_divisor: 1, ..laptop.model.clone() },
                train: TrainKnobs {
                    steps: 20_000,
                    batch: 64,
                    k_g: 2,
                    k_d: 1,
                    d_gate: 0.25,
                    label_flip: 0.05,
                    label_real: 0.9,
                    label_fake: 0.1,
                    noise: 0.1,
                    noise_half_life: 2_000.0,
                    ema: 0.999,
                    checkpoint_every: 500,
                    ..laptop.train.clone()
                },
                g: OptimiserKnobs::default(),
                ..laptop
            },
        }
    }
}
