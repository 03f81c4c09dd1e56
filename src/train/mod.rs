//! Training of the GAN, the encoder and the critic: recipe, schedule, training step, health and run folder.

pub mod critic;
pub mod encoder;
pub mod health;
pub mod history;
pub mod knobs;
pub mod optimiser;
pub mod recipe;
pub mod recipe_error;
mod recipe_io;
pub mod run_folder;
pub mod schedule;
pub mod trainer;

pub use critic::CriticTrainer;
pub use encoder::EncoderTrainer;
pub use health::Health;
pub use history::{CurveMark, History, Metric};
pub use knobs::{KNOBS, Knob};
pub use recipe::{Preset, Recipe};
pub use recipe_error::RecipeError;
pub use trainer::{Trainer, Update};
