//! One table of every knob: key, range, unit and words. The recipe file's checks, `--set`, the
//! panels and the help page all read it, so they cannot disagree.

use std::fmt;

use toml::Value;

use super::recipe::{LatentKind, Recipe};

/// Where a knob stands in the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Who trains when.
    Balance,
    /// Update rules and learning rates.
    Optimisers,
    /// What makes D's job harder.
    LabelsAndNoise,
    /// The distribution of z.
    Latent,
    /// The networks' shape.
    Architecture,
    /// Crops.
    Data,
    /// Length, previews and checkpoints.
    Run,
    /// What is trained after the GAN, for inspection.
    Encoder,
    /// The critic and what it is shown.
    Critic,
}

impl Group {
    /// All groups, in the order of the panel.
    pub const ALL: [Self; 9] = [
        Self::Balance,
        Self::Optimisers,
        Self::LabelsAndNoise,
        Self::Run,
        Self::Encoder,
        Self::Critic,
        Self::Latent,
        Self::Architecture,
        Self::Data,
    ];

    /// Heading on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Balance => "Balance of G and D",
            Self::Optimisers => "Optimisers",
            Self::LabelsAndNoise => "Labels and noise",
            Self::Latent => "Latent",
            Self::Architecture => "Architecture",
            Self::Data => "Crops",
            Self::Run => "Run",
            Self::Encoder => "Encoder",
            Self::Critic => "Critic",
        }
    }
}

/// The values that a knob can take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// Whole numbers between the two, inclusive.
    Int(i64, i64),
    /// Numbers between the two, inclusive.
    Float(f64, f64),
    /// As `Float`, on a logarithmic slider; the lower end is above zero.
    LogFloat(f64, f64),
    /// On or off.
    Bool,
    /// One of these whole numbers.
    OneOf(&'static [i64]),
    /// One of these words, each with its title on screen.
    Choice(&'static [(&'static str, &'static str)]),
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Float(low, high) | Self::LogFloat(low, high) => write!(f, "a number from {low} to {high}"),
            Self::Bool => f.write_str("true or false"),
            Self::OneOf(values) => {
                let words: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "one of {}", words.join(", "))
            }
            Self::Choice(words) => {
                let words: Vec<&str> = words.iter().map(|w| w.0).collect();
                write!(f, "one of {}", words.join(", "))
            }
        }
    }
}

/// One knob of the recipe.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// Dotted path in the recipe: `train.k_g`.
    pub key: &'static str,
    /// Where it stands in the panel.
    pub group: Group,
    /// Name on screen, with the papers' symbol where there is one.
    pub label: &'static str,
    /// Unit, or empty.
    pub unit: &'static str,
    /// One line that says what turning it does.
    pub help: &'static str,
    /// The values it can take.
    pub domain: Domain,
    /// Whether it may be turned while a run goes on; otherwise it is fixed when the run begins.
    pub live: bool,
}

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

/// What is wrong with a recipe or one of its knobs.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum RecipeError {
    /// No knob has this key.
    #[error("the recipe has no knob '{key}'{}", nearest.map(|n| format!("; the nearest is '{n}'")).unwrap_or_default())]
    UnknownKey {
        /// As it was given.
        key: String,
        /// The valid key that is spelled most alike.
        nearest: Option<&'static str>,
    },
    /// The value is of the wrong type or out of range.
    #[error("'{key}' is {value}, but takes {domain}")]
    OutOfRange {
        /// The knob.
        key: &'static str,
        /// As it was given.
        value: String,
        /// What it takes.
        domain: Domain,
    },
    /// Not of the form `key=value`.
    #[error("'{0}' is not of the form key=value, for example train.k_g=2")]
    NotAssignment(String),
    /// The file is not TOML.
    #[error("the recipe is not valid TOML: {0}")]
    Syntax(String),
    /// Values that are fine one by one but not together.
    #[error("{0}")]
    Conflict(String),
}

/// The knob with this key.
pub fn knob(key: &str) -> Option<&'static Knob> {
    KNOBS.iter().find(|k| k.key == key)
}

impl Knob {
    /// `value` as this knob stores it, or why it cannot.
    pub fn check(&self, value: &Value) -> Result<Value, RecipeError> {
        let fits = match (&self.domain, value) {
            (Domain::Int(low, high), Value::Integer(v)) => (low..=high).contains(&v).then(|| value.clone()),
            (Domain::OneOf(values), Value::Integer(v)) => values.contains(v).then(|| value.clone()),
            (Domain::Float(low, high) | Domain::LogFloat(low, high), Value::Float(v)) => {
                (low..=high).contains(&v).then(|| value.clone())
            }
            (Domain::Float(..) | Domain::LogFloat(..), Value::Integer(v)) => {
                return self.check(&Value::Float(*v as f64));
            }
            (Domain::Bool, Value::Boolean(_)) => Some(value.clone()),
            (Domain::Choice(words), Value::String(v)) => words.iter().any(|w| w.0 == v).then(|| value.clone()),
            _ => None,
        };
        fits.ok_or_else(|| RecipeError::OutOfRange { key: self.key, value: plain(value), domain: self.domain })
    }
}

/// A value as a person writes it: no quotes, no trailing digits.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

/// The valid key that is spelled most like `key`, if any is near.
fn nearest(key: &str) -> Option<&'static str> {
    let distance = |k: &str| {
        // A bare name ("k_g") is compared with the last part of the dotted key as well.
        let tail = k.rsplit('.').next().unwrap_or(k);
        edit_distance(key, k).min(edit_distance(key, tail))
    };
    let best = KNOBS.iter().map(|k| (distance(k.key), k.key)).min()?;
    (best.0 <= 2 + key.len() / 3).then_some(best.1)
}

/// Levenshtein's distance between two short words.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

impl Recipe {
    /// Every knob's value as one TOML table of tables.
    fn table(&self) -> toml::Table {
        toml::Table::try_from(self).unwrap_or_default()
    }

    /// The value of the knob `key`.
    pub fn get(&self, key: &str) -> Option<Value> {
        let mut value = Value::Table(self.table());
        for part in key.split('.') {
            value = value.as_table_mut()?.remove(part)?;
        }
        Some(value)
    }

    /// Turns one knob.
    ///
    /// # Errors
    /// [`RecipeError`] names the key and its range, or the nearest valid key; the recipe is then
    /// unchanged.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), RecipeError> {
        let knob = knob(key).ok_or_else(|| RecipeError::UnknownKey { key: key.into(), nearest: nearest(key) })?;
        let value = knob.check(value)?;
        let mut table = self.table();
        insert(&mut table, key, value);
        let next: Self = table.try_into().map_err(|e: toml::de::Error| RecipeError::Syntax(e.message().into()))?;
        *self = next;
        Ok(())
    }

    /// Applies `key=value` as the command line gives it.
    ///
    /// # Errors
    /// As [`Recipe::set`], or [`RecipeError::NotAssignment`].
    pub fn assign(&mut self, assignment: &str) -> Result<(), RecipeError> {
        let (key, text) = assignment.split_once('=').ok_or_else(|| RecipeError::NotAssignment(assignment.into()))?;
        let text = text.trim();
        let value = match text.parse::<i64>() {
            Ok(whole) => Value::Integer(whole),
            Err(_) => match (text.parse::<f64>(), text) {
                (Ok(number), _) => Value::Float(number),
                (_, "true") => Value::Boolean(true),
                (_, "false") => Value::Boolean(false),
                _ => Value::String(text.into()),
            },
        };
        self.set(key.trim(), &value)
    }

    /// Reads a recipe file; knobs that it leaves out keep the Laptop preset's values.
    ///
    /// # Errors
    /// [`RecipeError`] for TOML that does not parse, an unknown key, or a value out of range.
    pub fn from_toml(text: &str) -> Result<Self, RecipeError> {
        let table: toml::Table =
            text.parse().map_err(|e: toml::de::Error| RecipeError::Syntax(e.to_string().trim_end().into()))?;
        let mut recipe = Self::default();
        for (name, value) in &table {
            match value {
                Value::Table(section) => {
                    for (key, value) in section {
                        recipe.set(&format!("{name}.{key}"), value)?;
                    }
                }
                value => recipe.set(name, value)?,
            }
        }
        recipe.validate()?;
        Ok(recipe)
    }

    /// Reads a recipe that was kept with a run or a model. What one written before a knob was made does not say is as it was
    /// then.
    ///
    /// # Errors
    /// As [`Recipe::from_toml`].
    pub fn from_record(text: &str) -> Result<Self, RecipeError> {
        let mut recipe = Self::from_toml(text)?;
        let table: toml::Table = text.parse().unwrap_or_default();
        if table.get("critic").is_none_or(|critic| critic.get("level").is_none()) {
            recipe.critic.level = false;
        }
        Ok(recipe)
    }

    /// The recipe as the text of a recipe file, every knob written out.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }

    /// Checks every knob's range, and the ones that depend on each other.
    ///
    /// # Errors
    /// The first [`RecipeError`] found.
    pub fn validate(&self) -> Result<(), RecipeError> {
        for knob in KNOBS {
            if let Some(value) = self.get(knob.key) {
                knob.check(&value)?;
            }
        }
        let m = &self.model;
        // The share of draws that survive the cut is about 0.8 * limit / std when the cut is narrow.
        if m.latent == LatentKind::TruncatedNormal && m.latent_limit < 0.05 * m.latent_std {
            return Err(RecipeError::Conflict(format!(
                "model.latent_limit {} cuts nearly all of a normal of standard deviation {}; raise it to {} or more",
                m.latent_limit,
                m.latent_std,
                0.05 * m.latent_std
            )));
        }
        Ok(())
    }

    /// The knobs in which `self` and `other` differ: key, own value, the other's.
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        KNOBS
            .iter()
            .filter_map(|k| {
                let (a, b) = (self.get(k.key)?, other.get(k.key)?);
                (a != b).then(|| (k.key, plain(&a), plain(&b)))
            })
            .collect()
    }

    /// Takes over the live knobs of `wanted` and leaves the locked ones as they are.
    pub fn adopt_live(&mut self, wanted: &Self) {
        let data = self.data.clone();
        let model = self.model.clone();
        let seed = self.seed;
        *self = Self { seed, data, model, ..wanted.clone() };
    }
}

fn insert(table: &mut toml::Table, key: &str, value: Value) {
    match key.split_once('.') {
        Some((section, rest)) => {
            if let Some(Value::Table(inner)) = table.get_mut(section) {
                insert(inner, rest, value);
            }
        }
        None => {
            table.insert(key.into(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::recipe::Preset;
    use super::*;

    #[test]
    fn the_table_names_every_field_of_the_recipe_once() {
        let table = Recipe::default().table();
        let mut fields: Vec<String> = Vec::new();
        for (name, value) in &table {
            match value {
                Value::Table(section) => fields.extend(section.keys().map(|k| format!("{name}.{k}"))),
                _ => fields.push(name.clone()),
            }
        }
        let mut keys: Vec<String> = KNOBS.iter().map(|k| k.key.to_string()).collect();
        fields.sort();
        keys.sort();
        assert_eq!(fields, keys);
    }

    #[test]
    fn presets_are_valid_and_survive_the_file() {
        for preset in Preset::ALL {
            let recipe = preset.recipe();
            recipe.validate().unwrap();
            assert_eq!(Recipe::from_toml(&recipe.to_toml()).unwrap(), recipe, "{}", preset.title());
        }
    }

    #[test]
    fn the_file_reads_as_a_person_wrote_it() {
        let text = Preset::Talk2017.recipe().to_toml();
        assert!(text.contains("lr = 0.0002"), "{text}");
        assert!(text.contains("latent_std = 0.6"), "{text}");
    }

    #[test]
    fn a_record_of_before_a_knob_was_made_says_how_it_was() {
        // A run or a model of before there was the knob saw images as they are.
        let before = Recipe::default().to_toml().replace("level = true\n", "");
        assert!(
            Recipe::from_toml(&before).unwrap().critic.level && !Recipe::from_record(&before).unwrap().critic.level
        );
        assert!(Recipe::from_record(&Recipe::default().to_toml()).unwrap().critic.level);
    }

    #[test]
    fn an_unknown_key_gets_the_nearest_one() {
        let error = Recipe::from_toml("[train]\nkg = 2\n").unwrap_err();
        assert_eq!(error.to_string(), "the recipe has no knob 'train.kg'; the nearest is 'train.k_g'");
        let error = Recipe::default().assign("k_g=2").unwrap_err();
        assert!(error.to_string().contains("'train.k_g'"), "{error}");
    }

    #[test]
    fn a_value_out_of_range_names_the_key_and_the_range() {
        let mut recipe = Recipe::default();
        let error = recipe.assign("train.batch=1").unwrap_err();
        assert_eq!(error.to_string(), "'train.batch' is 1, but takes a whole number from 2 to 256");
        assert_eq!(recipe, Recipe::default());
        let error = recipe.assign("g.kind=adamw").unwrap_err();
        assert_eq!(error.to_string(), "'g.kind' is adamw, but takes one of adam, sgd, rms-prop");
        assert!(recipe.assign("train.batch").unwrap_err().to_string().contains("key=value"));
        assert!(recipe.assign("g.lr=nan").is_err());
    }

    #[test]
    fn assignments_reach_their_fields() {
        let mut recipe = Recipe::default();
        for text in ["train.k_g=3", "g.lr=1", "model.latent=uniform", "data.quarter_turns=true", "d.lr=1e-3"] {
            if text == "g.lr=1" {
                assert!(recipe.assign(text).is_err());
            } else {
                recipe.assign(text).unwrap();
            }
        }
        assert_eq!(recipe.train.k_g, 3);
        assert_eq!(recipe.d.lr, 1e-3);
        assert!(recipe.data.quarter_turns);
        let keys: Vec<&str> = recipe.differences(&Recipe::default()).iter().map(|d| d.0).collect();
        assert_eq!(keys, ["train.k_g", "d.lr", "model.latent", "data.quarter_turns"]);
    }

    #[test]
    fn adopting_live_knobs_leaves_the_networks_alone() {
        let mut recipe = Recipe::default();
        let talk = Preset::Talk2017.recipe();
        recipe.adopt_live(&talk);
        assert_eq!(recipe.train, talk.train);
        assert_eq!(recipe.model, Recipe::default().model);
    }
}
