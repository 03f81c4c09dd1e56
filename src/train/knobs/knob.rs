//! A knob and its group in the panel.

use toml::Value;

use super::domain::{Domain, OutOfDomain, plain};
use crate::train::RecipeError;

/// Group of a knob in the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Alternation of G and D.
    Balance,
    /// Update rules and learning rates.
    Optimisers,
    /// Labels, input noise and dropout of D.
    LabelsAndNoise,
    /// The distribution of z.
    Latent,
    /// Architecture of the networks.
    Architecture,
    /// Crops.
    Data,
    /// Length, previews and checkpoints.
    Run,
    /// The encoder for inspection.
    Encoder,
    /// The critic and its synthetic defects.
    Critic,
}

impl Group {
    /// All groups, in display order.
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

/// A knob of the recipe.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// Dotted path in the recipe: `train.k_g`.
    pub key: &'static str,
    /// Group in the panel.
    pub group: Group,
    /// Name on screen, with the symbol of the papers if there is one.
    pub label: &'static str,
    /// Unit, or empty.
    pub unit: &'static str,
    /// One line on the effect of the knob.
    pub help: &'static str,
    /// Accepted values.
    pub domain: Domain,
    /// Whether it can be changed during a run; otherwise it is fixed at the start.
    pub live: bool,
}

impl Knob {
    /// Returns `value` as this knob stores it.
    ///
    /// # Errors
    /// [`RecipeError::OutOfRange`] if the value is not accepted.
    pub fn check(&self, value: &Value) -> Result<Value, RecipeError> {
        let out_of_range = || OutOfDomain { key: self.key, value: plain(value), domain: self.domain }.into();
        self.domain.accept(value).ok_or_else(out_of_range)
    }
}
