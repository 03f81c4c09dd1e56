//! Every knob of an inspection in one serde struct.

use serde::{Deserialize, Serialize};

use crate::train::recipe::{OptimiserKind, OptimiserKnobs};

/// Where z begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
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

/// How z is found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InvertKnobs {
    /// Most steps, 1 to 100,000.
    pub steps: usize,
    /// The rule for z: its learning rate, and momentum in `beta1` (SGD and RMSProp).
    pub optimiser: OptimiserKnobs,
    /// Starts that run side by side as one batch; the best is kept. 1 to 16.
    pub restarts: usize,
    /// Where z begins.
    pub start: Start,
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
    /// The encoder's guess, then a few steps of Adam.
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
            Self::Quick => "Starts from the encoder's guess and takes a few large steps. For daily work.",
            Self::Talk2017 => "The 2017 talk to the letter: 500 small steps from a random start, momentum 0.8.",
        }
    }

    /// The knobs it stands for.
    pub fn knobs(self) -> InvertKnobs {
        match self {
            Self::Talk2017 => InvertKnobs {
                steps: 500,
                optimiser: OptimiserKnobs { kind: OptimiserKind::Sgd, lr: 1e-4, beta1: 0.8, beta2: 0.9 },
                restarts: 1,
                start: Start::Random,
                constraint: Constraint::Clip,
                feature_weight: 0.0,
                prior_weight: 0.0,
                robust: 0.0,
                plateau: 0,
                seed: 1,
            },
            Self::Quick => InvertKnobs {
                steps: 60,
                optimiser: OptimiserKnobs { kind: OptimiserKind::Adam, lr: 0.05, beta1: 0.9, beta2: 0.99 },
                restarts: 1,
                start: Start::Encoder,
                constraint: Constraint::Clip,
                feature_weight: 0.0,
                prior_weight: 0.0,
                robust: 0.5,
                plateau: 20,
                seed: 1,
            },
        }
    }

    /// The preset that these knobs are, seed aside.
    pub fn of(knobs: &InvertKnobs) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| InvertKnobs { seed: knobs.seed, ..preset.knobs() } == *knobs)
    }
}

/// A knob out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value}: it must be {range}")]
pub struct OutOfRange {
    name: &'static str,
    value: String,
    range: &'static str,
}

/// An assignment to a knob that there is not, or of a value that it does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot set '{text}': {what}; the knobs are {}", KEYS.join(", "))]
pub struct BadAssignment {
    text: String,
    what: String,
}

/// Every knob's key, as [`InvertKnobs::assign`] takes it.
pub const KEYS: [&str; 13] = [
    "steps",
    "optimiser.kind",
    "optimiser.lr",
    "optimiser.beta1",
    "optimiser.beta2",
    "restarts",
    "start",
    "constraint",
    "feature_weight",
    "prior_weight",
    "robust",
    "plateau",
    "seed",
];

impl InvertKnobs {
    /// Sets one knob from text such as `steps=200`, `optimiser.lr=0.02` or `start=random`.
    ///
    /// # Errors
    /// [`BadAssignment`] for an unknown knob or a value of another kind. Ranges are for
    /// [`InvertKnobs::validate`].
    pub fn assign(&mut self, assignment: &str) -> Result<(), BadAssignment> {
        let bad = |what: &str| BadAssignment { text: assignment.to_owned(), what: what.to_owned() };
        let (key, value) = assignment.split_once('=').ok_or_else(|| bad("it has no '='"))?;
        if !KEYS.contains(&key.trim()) {
            return Err(bad("there is no such knob"));
        }
        let mut table = toml::Table::try_from(&*self).map_err(|e| bad(&e.to_string()))?;
        let value = value.trim();
        let value = match (value.parse::<i64>(), value.parse::<f64>()) {
            (Ok(whole), _) => toml::Value::Integer(whole),
            (_, Ok(number)) => toml::Value::Float(number),
            _ => toml::Value::String(value.to_owned()),
        };
        let mut place = &mut table;
        let mut path = key.trim().split('.').peekable();
        while let Some(part) = path.next() {
            match (path.peek(), place.get_mut(part)) {
                (Some(_), Some(toml::Value::Table(inner))) => place = inner,
                (None, Some(slot)) => {
                    // A whole number will do where any number does.
                    let number = matches!(slot, toml::Value::Float(_)).then(|| value.as_integer()).flatten();
                    *slot = number.map_or(value, |whole| toml::Value::Float(whole as f64));
                    break;
                }
                _ => return Err(bad("there is no such knob")),
            }
        }
        *self = table.try_into().map_err(|e: toml::de::Error| bad(e.message()))?;
        Ok(())
    }

    /// Whether results of the two can be compared: the seed alone may differ.
    pub fn comparable(&self, other: &Self) -> bool {
        Self { seed: other.seed, ..self.clone() } == *other
    }

    /// # Errors
    /// [`OutOfRange`] for the first knob that is.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let o = &self.optimiser;
        let checks: [(&'static str, f64, bool, &'static str); 9] = [
            ("the number of steps", self.steps as f64, (1..=100_000).contains(&self.steps), "1 to 100,000"),
            ("the learning rate", o.lr, o.lr > 0.0 && o.lr <= 10.0, "above 0 and at most 10"),
            ("momentum", o.beta1, (0.0..1.0).contains(&o.beta1), "at least 0 and below 1"),
            ("the decay of squares", o.beta2, (0.0..1.0).contains(&o.beta2), "at least 0 and below 1"),
            ("the number of restarts", self.restarts as f64, (1..=16).contains(&self.restarts), "1 to 16"),
            ("the feature weight", self.feature_weight, (0.0..=1.0).contains(&self.feature_weight), "0 to 1"),
            ("the prior weight", self.prior_weight, (0.0..=1e3).contains(&self.prior_weight), "0 to 1,000"),
            ("robustness", self.robust, (0.0..=1.0).contains(&self.robust), "0 to 1"),
            ("the plateau", self.plateau as f64, self.plateau <= 100_000, "at most 100,000 steps"),
        ];
        match checks.into_iter().find(|(_, _, fine, _)| !fine) {
            Some((name, value, _, range)) => Err(OutOfRange { name, value: value.to_string(), range }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_knob_can_be_set_by_its_key() {
        let mut knobs = InvertKnobs::default();
        let values = ["9", "sgd", "1", "0.5", "0.25", "3", "random", "sphere", "1", "2", "0", "7", "42"];
        for (key, value) in KEYS.iter().zip(values) {
            knobs.assign(&format!("{key} = {value}")).unwrap();
        }
        let wanted = InvertKnobs {
            steps: 9,
            optimiser: OptimiserKnobs { kind: OptimiserKind::Sgd, lr: 1.0, beta1: 0.5, beta2: 0.25 },
            restarts: 3,
            start: Start::Random,
            constraint: Constraint::Sphere,
            feature_weight: 1.0,
            prior_weight: 2.0,
            robust: 0.0,
            plateau: 7,
            seed: 42,
        };
        assert_eq!(knobs, wanted);
        for wrong in ["steps", "step=3", "steps=many", "optimiser=3", "start=here"] {
            let said = knobs.assign(wrong).unwrap_err().to_string();
            assert!(said.contains(wrong) && said.contains("optimiser.lr"), "{said}");
        }
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
        assert_eq!(wrong.validate().unwrap_err().to_string(), "the number of restarts is 0: it must be 1 to 16");
        let nan = InvertKnobs { feature_weight: f64::NAN, ..InvertKnobs::default() };
        assert!(nan.validate().is_err());
    }
}
