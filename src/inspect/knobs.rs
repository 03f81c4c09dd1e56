//! Every knob of an inspection in one serde struct.

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::train::{
    knobs::{Domain, Group, Knob, plain},
    recipe::{OptimiserKind, OptimiserKnobs},
};

/// Where z begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatentStart {
    /// What the encoder says of the query (f-AnoGAN, Schlegl et al. 2019); a random draw for a model
    /// without an encoder, and for every restart but the first.
    Encoder,
    /// Draws from the latent distribution.
    Random,
}

/// What z is held to after each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Constraint {
    /// Each number within the range of the latent distribution (Yeh et al. 2016); three standard
    /// deviations for a normal.
    Clip,
    /// The whole vector at the length that draws have on average.
    Sphere,
    /// Nothing.
    None,
}

/// Which rule turns the gradient of z into a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatentOptimiserKind {
    /// L-BFGS, whose moves are at most `lr` long.
    Lbfgs,
    /// Adam.
    Adam,
    /// Gradient descent with momentum: the talk's.
    Sgd,
    /// RMSProp with momentum.
    RmsProp,
}

/// The rule for z.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatentOptimiserKnobs {
    /// Which.
    pub kind: LatentOptimiserKind,
    /// Learning rate; for L-BFGS the length of the longest move.
    pub lr: f64,
    /// Momentum; L-BFGS has no use for it.
    pub beta1: f64,
    /// Decay of squares in Adam and RMSProp.
    pub beta2: f64,
}

impl LatentOptimiserKnobs {
    /// The same for an optimiser of first order; `None` for L-BFGS.
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

/// How z is found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InvertKnobs {
    /// Most steps, 1 to 100,000.
    pub steps: usize,
    /// Most steps in a frame of very many tiles, 1 to 100,000; see [`InvertKnobs::steps_for`].
    pub frame_steps: usize,
    /// The rule for z.
    pub optimiser: LatentOptimiserKnobs,
    /// Starts that run side by side as one batch; the best is kept. 1 to 16.
    pub restarts: usize,
    /// Where z begins.
    pub start: LatentStart,
    /// What z is held to.
    pub constraint: Constraint,
    /// Share of the feature-matching loss, 0 to 1: `(1 - l) * residual + l * |f(x) - f(G(z))|` (AnoGAN: 0.1).
    pub feature_weight: f64,
    /// Weight of the prior loss `log(1 - D(G(z)))`, 0 to 1,000 (Yeh et al. 2016).
    pub prior_weight: f64,
    /// How strongly z turns away from where the query looks damaged, 0 (not at all) to 1.
    pub robust: f64,
    /// Ends when this many steps brought less than 0.1 %; 0 never ends early.
    pub plateau: usize,
    /// Seed of the random starts.
    pub seed: u64,
}

impl Default for InvertKnobs {
    fn default() -> Self {
        InvertPreset::Quick.knobs()
    }
}

/// A named way to inspect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum InvertPreset {
    /// The encoder's guess, then a few steps of L-BFGS.
    #[default]
    Quick,
    /// The talk's setting: 500 steps, learning rate 1e-4, momentum 0.8, from a random start.
    #[value(name = "talk")]
    Talk2017,
}

impl InvertPreset {
    /// All presets, in the order they are offered.
    pub const ALL: [Self; 2] = [Self::Quick, Self::Talk2017];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Quick => "Quick",
            Self::Talk2017 => "Talk 2017",
        }
    }

    /// One plain sentence on what it is for.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Quick => "Starts from the encoder's guess and takes a few large steps (L-BFGS). For daily work.",
            Self::Talk2017 => "The 2017 talk to the letter: 500 small steps from a random start, momentum 0.8.",
        }
    }

    /// The knobs it stands for.
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

    /// The preset that these knobs are, seed aside.
    pub fn of(knobs: &InvertKnobs) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| InvertKnobs { seed: knobs.seed, ..preset.knobs() } == *knobs)
    }
}

/// A row of the table of knobs; they are all live, since they count for what is inspected next.
const fn knob(key: &'static str, label: &'static str, unit: &'static str, domain: Domain, help: &'static str) -> Knob {
    Knob { key, group: Group::Run, label, unit, help, domain, live: true }
}

/// Every knob of an inspection, in the order of the panel: key, range, unit and words. `--set`, the panel and
/// the checks all read it.
pub static KNOBS: [Knob; 14] = [
    knob("steps", "Steps", "", Domain::Int(1, 100_000), "Most steps of z; an early end comes sooner."),
    knob(
        "frame_steps",
        "Steps in frames",
        "",
        Domain::Int(1, 100_000),
        "A frame of more than four tiles takes fewer steps, so that it is as much work as four tiles are, but at least \
         so many.",
    ),
    knob(
        "optimiser.kind",
        "Optimiser",
        "",
        Domain::Choice(&[("lbfgs", "L-BFGS"), ("adam", "Adam"), ("sgd", "SGD"), ("rms-prop", "RMSProp")]),
        "The rule by which z moves: L-BFGS, Adam, SGD with momentum (the talk), or RMSProp with momentum.",
    ),
    knob(
        "optimiser.lr",
        "Learning rate",
        "",
        Domain::LogFloat(1e-6, 10.0),
        "How far z moves in a step; at most so far with L-BFGS.",
    ),
    knob(
        "optimiser.beta1",
        "Momentum",
        "",
        Domain::Float(0.0, 0.9999),
        "Share of the last move that carries on (Adam: beta 1). The talk uses 0.8.",
    ),
    knob(
        "optimiser.beta2",
        "Decay of squares",
        "",
        Domain::Float(0.0, 0.9999),
        "How slowly Adam (beta 2) and RMSProp forget the size of past gradients; SGD has no use for it.",
    ),
    knob(
        "restarts",
        "Restarts",
        "",
        Domain::Int(1, 16),
        "Starts that run side by side; the best is kept and their spread is reported.",
    ),
    knob(
        "start",
        "Start",
        "",
        Domain::Choice(&[("encoder", "Encoder"), ("random", "Random")]),
        "Where z begins: the encoder's guess (f-AnoGAN) or a random draw.",
    ),
    knob(
        "constraint",
        "Constraint",
        "",
        Domain::Choice(&[("clip", "Clip"), ("sphere", "Sphere"), ("none", "None")]),
        "What z is held to: the latent distribution's range, the length of an average draw, or nothing.",
    ),
    knob(
        "feature_weight",
        "Feature weight",
        "",
        Domain::Float(0.0, 1.0),
        "Share of the feature-matching loss in D's third layer (AnoGAN: 0.1).",
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
        "How strongly z turns away from where the query looks damaged, so that a defect stays in the difference.",
    ),
    knob(
        "plateau",
        "Plateau",
        "steps",
        Domain::Int(0, 100_000),
        "Ends when so many steps brought less than 0.1 %; 0 never ends early.",
    ),
    knob(
        "seed",
        "Seed",
        "",
        Domain::Int(0, i64::MAX),
        "Names the random starts; the same seed gives the same numbers.",
    ),
];

/// A knob that there is not, or a value that it does not take.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KnobError {
    /// No knob has this key.
    #[error("an inspection has no knob '{key}'; its knobs are {known}", known = KNOBS.map(|k| k.key).join(", "))]
    Unknown {
        /// As it was given.
        key: String,
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
    #[error("'{0}' is not of the form key=value, for example steps=200")]
    NotAssignment(String),
}

/// Tiles that take all the steps.
const FULL: usize = 4;

impl InvertKnobs {
    /// Most steps for a frame of so many tiles: what the first steps bring is most of what there is to gain, and a
    /// frame of many tiles would keep the user waiting.
    pub fn steps_for(&self, tiles: usize) -> usize {
        (self.steps * FULL / tiles.max(FULL)).max(self.frame_steps).min(self.steps)
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

    /// These knobs with one of them at another value.
    ///
    /// # Errors
    /// [`KnobError::OutOfRange`] for a value that the knob does not take.
    pub fn with(&self, knob: &'static Knob, value: Value) -> Result<Self, KnobError> {
        let refused = || KnobError::OutOfRange { key: knob.key, value: plain(&value), domain: knob.domain };
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

    /// Whether results of the two can be compared: the seed alone may differ.
    pub fn comparable(&self, other: &Self) -> bool {
        Self { seed: other.seed, ..self.clone() } == *other
    }

    /// # Errors
    /// [`KnobError::OutOfRange`] for the first knob that is.
    pub fn validate(&self) -> Result<(), KnobError> {
        for knob in &KNOBS {
            let value = self.get(knob);
            if value.as_ref().is_none_or(|value| knob.check(value).is_err()) {
                let value = value.as_ref().map_or_else(|| "too large".into(), plain);
                return Err(KnobError::OutOfRange { key: knob.key, value, domain: knob.domain });
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
    fn presets_are_valid_and_told_apart() {
        for preset in InvertPreset::ALL {
            let knobs = InvertKnobs { seed: 9, ..preset.knobs() };
            assert_eq!(knobs.validate(), Ok(()));
            assert_eq!(InvertPreset::of(&knobs), Some(preset));
        }
        let own = InvertKnobs { restarts: 3, ..InvertKnobs::default() };
        assert_eq!(InvertPreset::of(&own), None);
        let wrong = InvertKnobs { restarts: 0, ..own };
        assert_eq!(wrong.validate().unwrap_err().to_string(), "'restarts' is 0, but takes a whole number from 1 to 16");
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
