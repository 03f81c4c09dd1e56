//! Training: the recipe, the schedule, one step of G and D, the run's health and its folder.

pub mod critic;
pub mod encoder;
pub mod health;
pub mod history;
pub mod knobs;
pub mod optimiser;
pub mod recipe;
pub mod recipe_io;
pub mod run_folder;
pub mod schedule;
pub mod trainer;

pub use critic::CriticTrainer;
pub use encoder::EncoderTrainer;
pub use health::Health;
pub use history::{CurveMark, History, Metric};
pub use knobs::{KNOBS, Knob};
pub use recipe::{Preset, Recipe};
pub use recipe_io::RecipeError;
pub use trainer::{Trainer, Update};
