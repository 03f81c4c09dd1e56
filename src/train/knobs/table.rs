//! The knobs themselves.

use super::{Domain, Group, Knob};

macro_rules! knob {
    ($key:literal, $group:ident, $label:literal, $unit:literal, $domain:expr, $live:expr, $help:literal) => {
        Knob { key: $key, group: Group::$group, label: $label, unit: $unit, help: $help, domain: $domain, live: $live }
    };
}

const OPTIMISERS: Domain = Domain::Choice(&[("adam", "Adam"), ("sgd", "SGD"), ("rms-prop", "RMSProp")]);
const RATE: Domain = Domain::LogFloat(1e-6, 1e-1);

/// Every knob, in the order of the panel.
pub const KNOBS: &[Knob] = &[
    knob!(
        "train.k_g",
        Balance,
        "G updates a step (k_G)",
        "",
        Domain::Int(1, 10),
        true,
        "How often the generator is updated in a step. Raise it when D wins; the talk uses 2."
    ),
    knob!(
        "train.k_d",
        Balance,
        "D updates a step (k_D)",
        "",
        Domain::Int(1, 10),
        true,
        "How often the discriminator is updated in a step. Raise it when D is too weak to guide G."
    ),
    knob!(
        "train.d_gate",
        Balance,
        "Train D only if G succeeds above",
        "",
        Domain::Float(0.0, 0.9),
        true,
        "D waits while G's success rate is below this. The talk uses 0.25 to 0.3; 0 never makes D wait."
    ),
    knob!(
        "g.kind",
        Optimisers,
        "G optimiser",
        "",
        OPTIMISERS,
        true,
        "Update rule of the generator. A change starts its moments afresh."
    ),
    knob!(
        "g.lr",
        Optimisers,
        "G learning rate",
        "",
        RATE,
        true,
        "Step size of the generator. Lower it when its loss jumps."
    ),
    knob!(
        "g.beta1",
        Optimisers,
        "G momentum (beta 1)",
        "",
        Domain::Float(0.0, 0.999),
        true,
        "Adam's first beta; momentum for SGD and RMSProp. GANs like 0.5."
    ),
    knob!(
        "g.beta2",
        Optimisers,
        "G decay (beta 2)",
        "",
        Domain::Float(0.0, 0.9999),
        true,
        "Memory of the squared gradient in Adam and RMSProp. SGD does not use it."
    ),
    knob!(
        "d.kind",
        Optimisers,
        "D optimiser",
        "",
        OPTIMISERS,
        true,
        "Update rule of the discriminator. SGD slows a D that is too strong (a tip of the talk)."
    ),
    knob!(
        "d.lr",
        Optimisers,
        "D learning rate",
        "",
        RATE,
        true,
        "Step size of the discriminator. Lower it when D is too strong."
    ),
    knob!(
        "d.beta1",
        Optimisers,
        "D momentum (beta 1)",
        "",
        Domain::Float(0.0, 0.999),
        true,
        "Adam's first beta; momentum for SGD and RMSProp."
    ),
    knob!(
        "d.beta2",
        Optimisers,
        "D decay (beta 2)",
        "",
        Domain::Float(0.0, 0.9999),
        true,
        "Memory of the squared gradient in Adam and RMSProp. SGD does not use it."
    ),
    knob!(
        "train.model_at_end",
        Run,
        "Model at the end",
        "",
        Domain::Bool,
        true,
        "When all steps are done, trains the encoder, calibrates on held-out images and writes the model file."
    ),
    knob!(
        "encoder.steps",
        Encoder,
        "Encoder steps",
        "",
        Domain::Int(0, 1_000_000),
        true,
        "Steps of the encoder, which is trained when the GAN is done and gives inspection its first z. 0 leaves it out."
    ),
    knob!(
        "encoder.batch",
        Encoder,
        "Encoder batch",
        "crops",
        Domain::Int(2, 1024),
        true,
        "Crops in each of its steps."
    ),
    knob!("encoder.lr", Encoder, "Encoder learning rate", "", RATE, true, "Size of its steps (Adam)."),
    knob!(
        "encoder.feature_weight",
        Encoder,
        "Feature error",
        "",
        Domain::Float(0.0, 100.0),
        true,
        "Weight of the error in D's features beside the error in pixels (f-AnoGAN: 1)."
    ),
    knob!(
        "encoder.latent_weight",
        Encoder,
        "Latent error",
        "",
        Domain::Float(0.0, 100.0),
        true,
        "Weight of the error in z for crops that the generator drew itself."
    ),
    knob!(
        "critic.steps",
        Critic,
        "Critic steps",
        "",
        Domain::Int(0, 1_000_000),
        true,
        "Steps of the critic, which learns from forged defects, once the GAN is done, where a surface stops being itself. 0 leaves it out."
    ),
    knob!("critic.batch", Critic, "Critic batch", "crops", Domain::Int(2, 1024), true, "Crops in each of its steps."),
    knob!(
        "critic.crop",
        Critic,
        "Critic crop",
        "pixels",
        Domain::Int(32, 512),
        true,
        "Width and height of its crops; less where the images are smaller."
    ),
    knob!(
        "critic.width",
        Critic,
        "Critic channels",
        "",
        Domain::OneOf(&[12, 24, 48, 96]),
        true,
        "Channels of the critic's maps; more take longer, and learn a few hundred images by heart."
    ),
    knob!(
        "critic.lr",
        Critic,
        "Critic learning rate",
        "",
        RATE,
        true,
        "Size of its first steps (Adam); it falls in a straight line to nothing."
    ),
    knob!(
        "critic.positive_weight",
        Critic,
        "Weight of damage",
        "",
        Domain::Float(0.1, 100.0),
        true,
        "How much more a damaged place counts than a whole one: damage is rare."
    ),
    knob!(
        "critic.share",
        Critic,
        "Damaged crops",
        "of crops",
        Domain::Float(0.05, 1.0),
        true,
        "Share of the crops that are damaged before the critic sees them."
    ),
    knob!(
        "critic.strength",
        Critic,
        "Least opacity",
        "",
        Domain::Float(0.05, 1.0),
        true,
        "How faint forged damage may be; the faintest is the hardest to tell."
    ),
    knob!(
        "critic.largest",
        Critic,
        "Largest damage",
        "of a crop",
        Domain::Float(0.02, 0.5),
        true,
        "Half of the largest blob of damage, as a share of the crop's side."
    ),
    knob!(
        "critic.brightness",
        Critic,
        "Brightness alone",
        "of damage",
        Domain::Float(0.0, 1.0),
        true,
        "Share of the damage that is brighter or darker and nothing else, as scratches, pits and stains are; the rest is of every kind."
    ),
    knob!(
        "critic.jitter",
        Critic,
        "Change of light",
        "",
        Domain::Float(0.0, 1.0),
        true,
        "Change of contrast and light of half of all crops, damaged or not, so that light is no cue."
    ),
    knob!(
        "critic.level",
        Critic,
        "One light for all",
        "",
        Domain::Bool,
        true,
        "Each image is brought to one brightness and contrast before the critic sees it; switch off where a part that is darker all over is a defect."
    ),
    knob!(
        "critic.views",
        Critic,
        "Several views",
        "",
        Domain::Bool,
        true,
        "It looks at each image mirrored as well, in the ways in which crops are, and moved by a few pixels, and goes by the mean of what it sees; takes up to eight times as long, which is little beside z."
    ),
    knob!(
        "train.label_flip",
        LabelsAndNoise,
        "Label flips",
        "of batches",
        Domain::Float(0.0, 0.5),
        true,
        "How often D is shown real and fake with their labels swapped (noisy labels)."
    ),
    knob!(
        "train.label_real",
        LabelsAndNoise,
        "Label of real crops",
        "",
        Domain::Float(0.5, 1.0),
        true,
        "D's target for real crops; below 1 it is a soft label. The talk uses 0.9."
    ),
    knob!(
        "train.label_fake",
        LabelsAndNoise,
        "Label of generated crops",
        "",
        Domain::Float(0.0, 0.5),
        true,
        "D's target for generated crops; above 0 it is a soft label. The talk uses 0.1."
    ),
    knob!(
        "train.noise",
        LabelsAndNoise,
        "Input noise at step 0",
        "std",
        Domain::Float(0.0, 1.0),
        true,
        "Gaussian noise on what D sees, on the scale where black is -1 and white 1."
    ),
    knob!(
        "train.noise_half_life",
        LabelsAndNoise,
        "Noise halves every",
        "steps",
        Domain::Float(0.0, 100_000.0),
        true,
        "Steps after which the noise has fallen by half; 0 keeps it constant."
    ),
    knob!(
        "train.dropout",
        LabelsAndNoise,
        "D dropout at step 0",
        "",
        Domain::Float(0.0, 0.8),
        true,
        "Share of D's features dropped in training."
    ),
    knob!(
        "train.dropout_half_life",
        LabelsAndNoise,
        "Dropout halves every",
        "steps",
        Domain::Float(0.0, 100_000.0),
        true,
        "Steps after which the dropout has fallen by half; 0 keeps it constant."
    ),
    knob!(
        "train.steps",
        Run,
        "Steps",
        "",
        Domain::Int(1, 10_000_000),
        true,
        "The run is finished after this many steps; raise it to go on."
    ),
    knob!(
        "train.batch",
        Run,
        "Batch",
        "crops",
        Domain::Int(2, 256),
        true,
        "Crops in a batch, from the next step on. Larger is steadier and slower."
    ),
    knob!(
        "train.ema",
        Run,
        "EMA of G",
        "",
        Domain::Float(0.0, 0.9999),
        true,
        "Decay of the running average of G's weights that previews and inspection use; 0 turns it off."
    ),
    knob!(
        "train.preview_every",
        Run,
        "Sample grid every",
        "steps",
        Domain::Int(1, 10_000),
        true,
        "Steps between two sample grids."
    ),
    knob!(
        "train.histogram_every",
        Run,
        "Histograms every",
        "steps",
        Domain::Int(1, 100_000),
        true,
        "Steps between two histograms of weights and gradients."
    ),
    knob!(
        "train.checkpoint_every",
        Run,
        "Checkpoint every",
        "steps",
        Domain::Int(1, 100_000),
        true,
        "Steps between two checkpoints; a killed run goes on from its last one."
    ),
    knob!(
        "model.latent",
        Latent,
        "Distribution",
        "",
        Domain::Choice(&[("truncated-normal", "Truncated normal"), ("normal", "Normal"), ("uniform", "Uniform")]),
        false,
        "What z is drawn from. The talk prefers the truncated normal to the uniform."
    ),
    knob!(
        "model.latent_size",
        Latent,
        "Numbers in z",
        "",
        Domain::Int(2, 1024),
        false,
        "Length of the latent vector; the talk uses 100."
    ),
    knob!(
        "model.latent_mean",
        Latent,
        "Mean",
        "",
        Domain::Float(-2.0, 2.0),
        false,
        "Centre of the latent distribution."
    ),
    knob!(
        "model.latent_std",
        Latent,
        "Standard deviation",
        "",
        Domain::Float(0.01, 5.0),
        false,
        "Spread of the normal before it is cut; unused by the uniform."
    ),
    knob!(
        "model.latent_limit",
        Latent,
        "Cut at mean ±",
        "",
        Domain::Float(0.01, 10.0),
        false,
        "Half-width of the range that the truncated normal and the uniform keep to."
    ),
    knob!(
        "model.width_divisor",
        Architecture,
        "Filters divided by",
        "",
        Domain::OneOf(&[1, 2, 4, 8]),
        false,
        "1 is the talk's full width (1024, 512, 256, 128 filters); 8 suits a CPU."
    ),
    knob!(
        "model.size",
        Architecture,
        "Crop side",
        "px",
        Domain::OneOf(&[32, 64, 128]),
        false,
        "Side of the square crops that G learns to draw."
    ),
    knob!("model.channels", Architecture, "Channels", "", Domain::OneOf(&[1, 3]), false, "1 for grey, 3 for colour."),
    knob!(
        "model.upsampling",
        Architecture,
        "Up-sampling",
        "",
        Domain::Choice(&[("resize-conv", "Resize + convolution"), ("transposed-conv", "Transposed convolution")]),
        false,
        "How G doubles its resolution. Resize + convolution avoids checkerboard artefacts."
    ),
    knob!(
        "model.leaky_slope",
        Architecture,
        "LeakyReLU slope",
        "",
        Domain::Float(0.0, 0.5),
        false,
        "Slope below zero in G and D; the talk uses 0.2."
    ),
    knob!(
        "model.norm_order",
        Architecture,
        "Order in a block",
        "",
        Domain::Choice(&[
            ("activation-first", "LeakyReLU, then batch norm"),
            ("norm-first", "Batch norm, then LeakyReLU")
        ]),
        false,
        "The talk puts LeakyReLU before batch norm; DCGAN the other way round."
    ),
    knob!(
        "model.norm_momentum",
        Architecture,
        "Batch norm momentum",
        "",
        Domain::Float(0.001, 1.0),
        false,
        "Share of the newest batch in the running statistics; Keras' 0.8 is 0.2 here."
    ),
    knob!(
        "model.discriminator_norm",
        Architecture,
        "Batch norm in D",
        "",
        Domain::Bool,
        false,
        "Normalise D's features too (never on its first layer). Makes D stronger, often too strong."
    ),
    knob!(
        "data.scale",
        Data,
        "Scale",
        "",
        Domain::Float(0.1, 1.0),
        false,
        "Shrink images before cropping. Small defects vanish below 1: prefer native resolution."
    ),
    knob!(
        "data.flip_horizontal",
        Data,
        "Mirror left to right",
        "",
        Domain::Bool,
        false,
        "Half of the crops are mirrored, where a mirrored part is a healthy part too."
    ),
    knob!(
        "data.flip_vertical",
        Data,
        "Mirror top to bottom",
        "",
        Domain::Bool,
        false,
        "Half of the crops are turned upside down."
    ),
    knob!(
        "data.quarter_turns",
        Data,
        "Turn by 90 degrees",
        "",
        Domain::Bool,
        false,
        "Crops are turned at random; only for surfaces without a direction."
    ),
    knob!(
        "data.jitter",
        Data,
        "Light",
        "of contrast",
        Domain::Float(0.0, 1.0),
        false,
        "Contrast and brightness of half of the crops change by up to this, as under a light that changes."
    ),
    knob!(
        "data.holdout",
        Data,
        "Held out",
        "of images",
        Domain::Float(0.05, 0.5),
        false,
        "Share of the healthy images kept for calibration, at least 5, never trained on."
    ),
    knob!("seed", Data, "Seed", "", Domain::Int(0, 4_294_967_295), false, "Seed of every random number in the run."),
];
