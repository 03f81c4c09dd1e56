//! The recipe: every knob of a run in one serde struct, which the recipe file, the command line
//! and the panels share. [`KNOBS`](super::knobs::KNOBS) names, bounds and explains each of them.

use serde::{Deserialize, Serialize};

use crate::data::{CropSpec, synthetic_defects::SyntheticDefectKnobs};
pub use crate::model::architecture::{LatentKind, ModelKnobs, NormOrder, Upsampling};

/// Which rule turns a gradient into a step.
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

/// How crops are drawn from the healthy images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataKnobs {
    /// Factor on the images' size before cropping; 1 is native resolution.
    pub scale: f64,
    /// Mirror half of the crops left to right.
    pub flip_horizontal: bool,
    /// Mirror half of the crops top to bottom.
    pub flip_vertical: bool,
    /// Turn crops by a random multiple of 90 degrees.
    pub quarter_turns: bool,
    /// Change the contrast of half of the crops by up to this share, and their brightness by 0.7 times it.
    pub jitter: f64,
    /// Share of the healthy images held out for calibration, never trained on.
    pub holdout: f64,
}

impl Default for DataKnobs {
    fn default() -> Self {
        Self { scale: 1.0, flip_horizontal: true, flip_vertical: true, quarter_turns: false, jitter: 0.0, holdout: 0.2 }
    }
}

/// One network's optimiser.
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

/// The D/G schedule and what makes the discriminator's job harder; live while a run goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainKnobs {
    /// Steps after which a run is finished.
    pub steps: u64,
    /// Crops in a batch.
    pub batch: usize,
    /// Generator updates in a step (k_G).
    pub k_g: usize,
    /// Discriminator updates in a step (k_D).
    pub k_d: usize,
    /// The discriminator is updated only while G's success rate is at least this; 0 turns the gate off.
    pub d_gate: f64,
    /// Probability that a batch's real and fake labels are swapped (noisy labels).
    pub label_flip: f64,
    /// D's target for real crops (soft label below 1).
    pub label_real: f64,
    /// D's target for generated crops (soft label above 0).
    pub label_fake: f64,
    /// Standard deviation of Gaussian noise on D's input, at step 0, on the [-1, 1] scale.
    pub noise: f64,
    /// Steps after which the noise has fallen by half; 0 keeps it constant.
    pub noise_half_life: f64,
    /// Dropout after D's hidden layers, at step 0.
    pub dropout: f64,
    /// Steps after which the dropout has fallen by half; 0 keeps it constant.
    pub dropout_half_life: f64,
    /// Decay of the exponential moving average of G's weights; 0 turns it off.
    pub ema: f64,
    /// Steps between sample grids.
    pub preview_every: u64,
    /// Steps between histograms of weights and gradients.
    pub histogram_every: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Train the encoder, calibrate and write the model file when all steps are done.
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

/// The encoder that is trained once the GAN is: it gives inspection its first z (f-AnoGAN).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderKnobs {
    /// Steps; 0 leaves the encoder out.
    pub steps: u64,
    /// Crops in a batch.
    pub batch: usize,
    /// Adam's learning rate.
    pub lr: f64,
    /// Weight of the error in D's features beside the error in pixels.
    pub feature_weight: f64,
    /// Weight of the error in z of crops that the generator drew itself.
    pub latent_weight: f64,
}

impl Default for EncoderKnobs {
    fn default() -> Self {
        Self { steps: 600, batch: 16, lr: 1e-3, feature_weight: 1.0, latent_weight: 0.1 }
    }
}

/// The critic that is trained on forged defects once the GAN is done: it says, place by place, where a surface
/// stops being itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CriticKnobs {
    /// Steps; 0 leaves the critic out.
    pub steps: u64,
    /// Crops in a batch.
    pub batch: usize,
    /// Width and height of its crops in pixels; less where the images are smaller.
    pub crop: usize,
    /// Channels of the maps that its logit is made of; those of the others follow ([`crate::model::critic::CriticWidths`]).
    pub width: usize,
    /// Adam's learning rate at the start; it falls to nothing in a straight line.
    pub lr: f64,
    /// How much more a damaged place counts than a whole one.
    pub positive_weight: f64,
    /// Share of the crops that are damaged.
    pub share: f64,
    /// Least opacity of damage.
    pub strength: f64,
    /// Half of the largest blob, as a share of the crop's side.
    pub largest: f64,
    /// Share of damage that is brighter or darker and nothing else.
    pub brightness: f64,
    /// Change of contrast and light of half of all crops, as a share.
    pub jitter: f64,
    /// Whether it sees each image brought to one light ([`crate::data::Illumination`]).
    pub level: bool,
    /// Whether it looks at each image from several sides: mirrored as well, in the ways in which crops are ([`DataKnobs`]),
    /// and moved.
    pub views: bool,
}

impl CriticKnobs {
    /// How crops are damaged.
    pub fn forge(&self) -> SyntheticDefectKnobs {
        let &Self { share, strength, largest, brightness, jitter, .. } = self;
        SyntheticDefectKnobs { share, strength, largest, brightness, jitter }
    }
}

impl Default for CriticKnobs {
    fn default() -> Self {
        let SyntheticDefectKnobs { share, strength, largest, brightness, jitter } = SyntheticDefectKnobs::default();
        Self {
            steps: 2_500,
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
        }
    }
}

/// Everything that decides a run besides its data: the same recipe, data and seed give the same
/// run on the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Seed of every random number in the run.
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
    /// The encoder for inspection.
    pub encoder: EncoderKnobs,
    /// The critic for inspection.
    pub critic: CriticKnobs,
}

impl Default for Recipe {
    fn default() -> Self {
        Preset::Laptop.recipe()
    }
}

impl Recipe {
    /// The crops that this recipe asks of the data room.
    pub fn crop_spec(&self) -> CropSpec {
        CropSpec {
            size: self.model.size,
            channels: self.model.channels,
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

/// A named recipe to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The talk's networks and schedule at full width (J. Dekhtiar, PyData Berlin 2017).
    #[value(name = "talk")]
    Talk2017,
    /// Half width with the tips that steady a run; the default on a GPU.
    Workbench,
    /// An eighth of the talk's filters; the default on a CPU.
    Laptop,
}

impl Preset {
    /// All presets, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::Talk2017, Self::Workbench, Self::Laptop];

    /// The preset that suits a device.
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

    /// One plain sentence on what it is for.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Talk2017 => "The 2017 talk to the letter: full width, two G steps for each D step. Wants a GPU.",
            Self::Workbench => "Half the talk's filters and a larger batch. For a GPU.",
            Self::Laptop => "An eighth of the talk's filters. Trains in minutes on two CPU cores.",
        }
    }

    /// The recipe it stands for.
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
                // Wider networks want smaller steps.
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
