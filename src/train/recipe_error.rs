//! Errors of recipes.

use super::knobs::OutOfDomain;

/// Errors of a recipe or one of its knobs.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum RecipeError {
    /// An unknown key.
    #[error("the recipe has no knob '{key}'{}", nearest.map(|n| format!("; the nearest is '{n}'")).unwrap_or_default())]
    UnknownKey {
        /// The given key.
        key: String,
        /// The valid key with the most similar spelling.
        nearest: Option<&'static str>,
    },
    /// A value of the wrong type or out of range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfDomain),
    /// A text that is not of the form `key=value`.
    #[error("'{0}' is not of the form key=value, for example train.k_g=2")]
    NotAssignment(String),
    /// Invalid TOML.
    #[error("the recipe is not valid TOML: {0}")]
    Syntax(String),
    /// Values that contradict each other.
    #[error("{0}")]
    Conflict(String),
}
