//! One table of every knob: key, range, unit and words. The recipe file's checks, `--set`, the
//! panels and the help page all read it, so they cannot disagree.

mod table;

use std::fmt;

pub use table::KNOBS;
use toml::Value;

use super::recipe_io::RecipeError;

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
