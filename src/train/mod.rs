//! Training of the GAN, the encoder and the critic: recipe, schedule, training step, health and run folder.

pub mod critic;
mod critic_start;
mod encoder;
mod health;
mod history;
pub mod knobs;
pub(crate) mod optimiser;
mod pretraining;
mod recipe;
mod recipe_error;
mod recipe_io;
pub mod run_folder;
mod schedule;
pub(crate) mod trainer;

pub use critic::CriticTrainer;
pub use encoder::EncoderTrainer;
pub use health::Health;
pub(crate) use health::HealthJudge;
pub(crate) use history::CRITIC_TAG;
pub use history::{CurveMark, History, Metric};
pub use knobs::{KNOBS, Knob};
pub use pretraining::{PretrainError, pretraining, save_pretrained};
pub use recipe::{CriticKnobs, DataKnobs, EncoderKnobs, OptimiserKind, OptimiserKnobs, Preset, Recipe, TrainKnobs};
pub use recipe_error::RecipeError;
pub use trainer::{StepMetrics, TrainError, Trainer, Update};
