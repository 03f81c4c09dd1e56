//! [`InvertKnobs`]: all knobs of an inspection.

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::train::{
    OptimiserKind, OptimiserKnobs,
    knobs::{Domain, Group, Knob, OutOfDomain, plain},
};

/// Initial z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatentStart {
    /// The encoder's estimate (f-AnoGAN, Schlegl et al. 2019). Without an encoder, and for every restart but the first,
    /// a random sample.
    Encoder,
    /// Random samples of the latent distribution.
    Random,
}

/// Constraint on z after each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Constraint {
    /// Clamp each component to the range of the latent distribution (Yeh et al. 2016); three standard deviations for a
    /// normal distribution.
    Clip,
    /// Rescale the vector to the mean norm of the latent distribution.
    Sphere,
    /// No constraint.
    None,
}

/// Optimiser of z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatentOptimiserKind {
    /// L-BFGS; steps are at most `lr` long.
    Lbfgs,
    /// Adam.
    Adam,
    /// Gradient descent with momentum, as in the 2017 talk.
    Sgd,
    /// RMSProp with momentum.
    RmsProp,
}

/// Settings of z's optimiser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatentOptimiserKnobs {
    /// The algorithm.
    pub kind: LatentOptimiserKind,
    /// Learning rate; for L-BFGS, the longest step.
    pub lr: f64,
    /// Momentum; unused by L-BFGS.
    pub beta1: f64,
    /// Decay of squared gradients in Adam and RMSProp.
    pub beta2: f64,
}

impl LatentOptimiserKnobs {
    /// The settings of a first-order optimiser; `None` for L-BFGS.
    pub(super) fn first_order(&self) -> Option<OptimiserKnobs> {
        let kind = match self.kind {
            LatentOptimiserKind::Lbfgs => return None,
            LatentOptimiserKind::Adam => OptimiserKind::Adam,
            LatentOptimiserKind::Sgd => OptimiserKind::Sgd,
            LatentOptimiserKind::RmsProp => OptimiserKind::RmsProp,
        };
        Some(OptimiserKnobs { kind, lr: self.lr, beta1: self.beta1, beta2: self.beta2 })
    }
}

/// Knobs of an inspection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InvertKnobs {
    /// Maximum steps, 1 to 100,000.
    pub steps: usize,
    /// Minimum number of steps in a frame of many tiles, 1 to 100,000; see `InvertKnobs::steps_for`.
    pub frame_steps: usize,
    /// Optimiser of z.
    pub optimiser: LatentOptimiserKnobs,
    /// Restarts run in parallel, 1 to 16; the best is kept.
    pub restarts: usize,
    /// Initial z.
    pub start: LatentStart,
    /// Constraint on z.
    pub constraint: Constraint,
    /// Share of the feature-matching loss, 0 to 1: `(1 - l) * residual + l * |f(x) - f(G(z))|` (AnoGAN: 0.1).
    pub feature_weight: f64,
    /// Weight of the prior loss `log(1 - D(G(z)))`, 0 to 1,000 (Yeh et al. 2016).
    pub prior_weight: f64,
    /// Strength of down-weighting damaged pixels in the loss, 0 (off) to 1.
    pub robust: f64,
    /// Stop when this many steps improve the loss by less than 0.1 %; 0 disables early stopping.
    pub plateau: usize,
    /// Seed of the random starting points.
    pub seed: u64,
}

impl Default for InvertKnobs {
    fn default() -> Self {
        InvertPreset::Quick.knobs()
    }
}

/// A named preset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum InvertPreset {
    /// The encoder's estimate, then a few steps of L-BFGS.
    #[default]
    Quick,
    /// Setting of the 2017 talk: 500 steps, learning rate 1e-4, momentum 0.8, random start.
    #[value(name = "talk")]
    Talk2017,
}

impl InvertPreset {
    /// All presets, in display order.
    pub const ALL: [Self; 2] = [Self::Quick, Self::Talk2017];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Quick => "Quick",
            Self::Talk2017 => "Talk 2017",
        }
    }

    /// One sentence on its use.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Quick => "Starts from the encoder's estimate and takes a few large L-BFGS steps. For everyday use.",
            Self::Talk2017 => "Exactly as in the 2017 talk: 500 small steps from a random start, momentum 0.8.",
        }
    }

    /// The preset's knobs.
    pub fn knobs(self) -> InvertKnobs {
        match self {
            Self::Talk2017 => InvertKnobs {
                steps: 500,
                frame_steps: 500,
                optimiser: LatentOptimiserKnobs { kind: LatentOptimiserKind::Sgd, lr: 1e-4, beta1: 0.8, beta2: 0.9 },
                restarts: 1,
                start: LatentStart::Random,
                constraint: Constraint::Clip,
                feature_weight: 0.0,
                prior_weight: 0.0,
                robust: 0.0,
                plateau: 0,
                seed: 1,
            },
            Self::Quick => InvertKnobs {
                steps: 60,
                frame_steps: 20,
                optimiser: LatentOptimiserKnobs { kind: LatentOptimiserKind::Lbfgs, lr: 1.0, beta1: 0.9, beta2: 0.9 },
                restarts: 1,
                start: LatentStart::Encoder,
                constraint: Constraint::Clip,
                feature_weight: 0.1,
                prior_weight: 0.0,
                robust: 0.0,
                plateau: 12,
                seed: 1,
            },
        }
    }

    /// The preset that these knobs correspond to, ignoring the seed.
    pub fn of(knobs: &InvertKnobs) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| InvertKnobs { seed: knobs.seed, ..preset.knobs() } == *knobs)
    }
}

/// A row of the knob table; all are live, since they apply to the next inspection.
const fn knob(key: &'static str, label: &'static str, unit: &'static str, domain: Domain, help: &'static str) -> Knob {
    Knob { key, group: Group::Run, label, unit, help, domain, live: true }
}

/// All knobs of an inspection in display order: key, range, unit and help. Used by `--set`, the panel and validation.
pub(crate) static KNOBS: [Knob; 14] = [
    knob(
        "steps",
        "Maximum steps",
        "",
        Domain::Int(1, 100_000),
        "Upper limit on optimisation steps of z; early stopping may end sooner.",
    ),
    knob(
        "frame_steps",
        "Minimum steps in large frames",
        "",
        Domain::Int(1, 100_000),
        "Frames of more than four tiles take fewer steps, to bound compute time, but never fewer than this.",
    ),
    knob(
        "optimiser.kind",
        "Optimiser",
        "",
        Domain::Choice(&[("lbfgs", "L-BFGS"), ("adam", "Adam"), ("sgd", "SGD"), ("rms-prop", "RMSProp")]),
        "Optimiser of z: L-BFGS, Adam, SGD with momentum (the 2017 talk), or RMSProp with momentum.",
    ),
    knob(
        "optimiser.lr",
        "Learning rate",
        "",
        Domain::LogFloat(1e-6, 10.0),
        "Step size of z; for L-BFGS, the longest step.",
    ),
    knob(
        "optimiser.beta1",
        "Momentum",
        "",
        Domain::Float(0.0, 0.9999),
        "Share of the previous step that carries over (beta 1 in Adam). The talk uses 0.8.",
    ),
    knob(
        "optimiser.beta2",
        "Squared-gradient decay",
        "",
        Domain::Float(0.0, 0.9999),
        "Decay of the squared-gradient average in Adam (beta 2) and RMSProp; unused by SGD.",
    ),
    knob(
        "restarts",
        "Restarts",
        "",
        Domain::Int(1, 16),
        "Restarts run in parallel; the best is kept and the spread is reported.",
    ),
    knob(
        "start",
        "Start",
        "",
        Domain::Choice(&[("encoder", "Encoder"), ("random", "Random")]),
        "Initial z: the encoder's estimate (f-AnoGAN) or a random sample.",
    ),
    knob(
        "constraint",
        "Constraint",
        "",
        Domain::Choice(&[("clip", "Clip"), ("sphere", "Sphere"), ("none", "None")]),
        "Constraint on z: clipped to the latent distribution's range, rescaled to its mean norm, or none.",
    ),
    knob(
        "feature_weight",
        "Feature weight",
        "",
        Domain::Float(0.0, 1.0),
        "Weight of the feature-matching loss in D's third layer, against the pixel loss (AnoGAN: 0.1).",
    ),
    knob(
        "prior_weight",
        "Prior weight",
        "",
        Domain::Float(0.0, 1000.0),
        "Weight of log(1 - D(G(z))), which keeps the reconstruction plausible to D (Yeh et al. 2016).",
    ),
    knob(
        "robust",
        "Robustness",
        "",
        Domain::Float(0.0, 1.0),
        "How strongly damaged pixels are down-weighted in the loss, so that a defect stays in the difference.",
    ),
    knob(
        "plateau",
        "Patience",
        "steps",
        Domain::Int(0, 100_000),
        "Stop when this many steps improve the loss by less than 0.1 %; 0 disables early stopping.",
    ),
    knob(
        "seed",
        "Seed",
        "",
        Domain::Int(0, i64::MAX),
        "Seed of the random starting points; the same seed reproduces the same result.",
    ),
];

/// Why a knob cannot be set.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KnobError {
    /// Unknown key.
    #[error("unknown inspection setting '{key}'; known settings are {known}", known = KNOBS.map(|k| k.key).join(", "))]
    Unknown {
        /// The key.
        key: String,
    },
    /// Wrong type or out of range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfDomain),
    /// Not of the form `key=value`.
    #[error("'{0}' is not of the form key=value, for example steps=200")]
    NotAssignment(String),
}

/// Tiles that take the full number of steps.
const FULL_TILES: usize = 4;

impl InvertKnobs {
    /// Maximum steps for a frame of this many tiles. The first steps bring most of the improvement, and large frames
    /// would otherwise take too long.
    pub(crate) fn steps_for(&self, tiles: usize) -> usize {
        (self.steps * FULL_TILES / tiles.max(FULL_TILES)).max(self.frame_steps).min(self.steps)
    }

    /// The value of a knob.
    pub fn get(&self, knob: &Knob) -> Option<Value> {
        let table = toml::Table::try_from(self).ok()?;
        let (head, rest) = knob.key.split_once('.').unwrap_or((knob.key, ""));
        match table.get(head)? {
            Value::Table(inner) => inner.get(rest).cloned(),
            value => Some(value.clone()),
        }
    }

    /// These knobs with one value replaced.
    ///
    /// # Errors
    /// [`KnobError::OutOfRange`] for a value out of range.
    pub(crate) fn with(&self, knob: &'static Knob, value: Value) -> Result<Self, KnobError> {
        let refused = || KnobError::from(OutOfDomain { key: knob.key, value: plain(&value), domain: knob.domain });
        let fits = knob.check(&value).map_err(|_| refused())?;
        let mut table = toml::Table::try_from(self).map_err(|_| refused())?;
        match knob.key.split_once('.') {
            Some((head, rest)) => {
                table.get_mut(head).and_then(Value::as_table_mut).and_then(|inner| inner.insert(rest.into(), fits))
            }
            None => table.insert(knob.key.into(), fits),
        };
        table.try_into().map_err(|_| refused())
    }

    /// Sets one knob from text such as `steps=200`, `optimiser.lr=0.02` or `start=random`.
    ///
    /// # Errors
    /// [`KnobError`]; the knobs are then unchanged.
    pub fn assign(&mut self, assignment: &str) -> Result<(), KnobError> {
        let (key, text) = assignment.split_once('=').ok_or_else(|| KnobError::NotAssignment(assignment.into()))?;
        let (key, text) = (key.trim(), text.trim());
        let knob = KNOBS.iter().find(|k| k.key == key).ok_or_else(|| KnobError::Unknown { key: key.into() })?;
        let value = match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(whole), _) => Value::Integer(whole),
            (_, Ok(number)) => Value::Float(number),
            _ => Value::String(text.into()),
        };
        *self = self.with(knob, value)?;
        Ok(())
    }

    /// Whether results are comparable: only the seed may differ.
    pub(crate) fn comparable(&self, other: &Self) -> bool {
        Self { seed: other.seed, ..self.clone() } == *other
    }

    /// Checks all knobs.
    ///
    /// # Errors
    /// [`KnobError::OutOfRange`] for the first invalid knob.
    pub fn validate(&self) -> Result<(), KnobError> {
        for knob in &KNOBS {
            let value = self.get(knob);
            if value.as_ref().is_none_or(|value| knob.check(value).is_err()) {
                let value = value.as_ref().map_or_else(|| "too large".into(), plain);
                return Err(OutOfDomain { key: knob.key, value, domain: knob.domain }.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_knob_and_each_can_be_set_by_its_key() {
        let table = toml::Table::try_from(InvertKnobs::default()).unwrap();
        let optimiser = table["optimiser"].as_table().unwrap().len();
        assert_eq!(KNOBS.len(), table.len() - 1 + optimiser);
        let values = ["9", "20", "sgd", "1", "0.5", "0.25", "3", "random", "sphere", "1", "2", "0", "7", "42"];
        let mut knobs = InvertKnobs::default();
        for (knob, value) in KNOBS.iter().zip(values) {
            knobs.assign(&format!("{} = {value}", knob.key)).unwrap();
        }
        let wanted = InvertKnobs {
            steps: 9,
            frame_steps: 20,
            optimiser: LatentOptimiserKnobs { kind: LatentOptimiserKind::Sgd, lr: 1.0, beta1: 0.5, beta2: 0.25 },
            restarts: 3,
            start: LatentStart::Random,
            constraint: Constraint::Sphere,
            feature_weight: 1.0,
            prior_weight: 2.0,
            robust: 0.0,
            plateau: 7,
            seed: 42,
        };
        assert_eq!(knobs, wanted);
        for (wrong, word) in [("steps", "key=value"), ("step=3", "optimiser.lr"), ("steps=many", "whole number")] {
            let said = knobs.assign(wrong).unwrap_err().to_string();
            assert!(said.contains(word), "{said}");
        }
        assert!(knobs.assign("start=here").is_err() && knobs.assign("optimiser=3").is_err());
        assert_eq!(knobs, wanted);
    }

    #[test]
    fn presets_are_valid_and_recognised() {
        for preset in InvertPreset::ALL {
            let knobs = InvertKnobs { seed: 9, ..preset.knobs() };
            assert_eq!(knobs.validate(), Ok(()));
            assert_eq!(InvertPreset::of(&knobs), Some(preset));
        }
        let own = InvertKnobs { restarts: 3, ..InvertKnobs::default() };
        assert_eq!(InvertPreset::of(&own), None);
        let wrong = InvertKnobs { restarts: 0, ..own };
        assert_eq!(
            wrong.validate().unwrap_err().to_string(),
            "'restarts' is 0, but must be a whole number from 1 to 16"
        );
        let nan = InvertKnobs { feature_weight: f64::NAN, ..InvertKnobs::default() };
        assert!(nan.validate().is_err());
    }

    #[test]
    fn a_frame_of_many_tiles_takes_fewer_steps() {
        let quick = InvertPreset::Quick.knobs();
        assert_eq!([1, 4, 9, 16, 400].map(|tiles| quick.steps_for(tiles)), [60, 60, 26, 20, 20]);
        let short = InvertKnobs { steps: 7, ..quick };
        assert_eq!([1, 400].map(|tiles| short.steps_for(tiles)), [7, 7]);
        assert_eq!(InvertPreset::Talk2017.knobs().steps_for(400), 500);
    }
}
