//! Training: the recipe, the schedule, one step of G and D, the run's health and its folder.

pub mod critic;
pub mod encoder;
pub mod folder;
pub mod health;
pub mod history;
pub mod knobs;
pub mod optimiser;
pub mod recipe;
pub mod schedule;
pub mod trainer;
pub mod values;

pub use critic::CriticTrainer;
pub use encoder::EncoderTrainer;
pub use health::Health;
pub use history::{History, Mark, Metric};
pub use knobs::{KNOBS, Knob};
pub use recipe::{Preset, Recipe};
pub use trainer::{Trainer, Update};
pub use values::RecipeError;
