//! Evaluates the run's critic on the preview of its training crops.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use burn::tensor::Device;

use super::{critic_preview::CriticAnswers, model_builder::ModelBuilder};
use crate::{
    engine::EngineState,
    model::Critic,
    train::{Recipe, critic::probabilities},
};

/// Interval while the critic is trained: short enough to see it learn, at a small share of the time.
const INTERVAL: Duration = Duration::from_secs(1);

/// A trained critic.
struct TrainedCritic {
    critic: Critic,
    step: u64,
    recipe: Recipe,
    device: Device,
}

/// Evaluates the critic of the current run, in training or trained.
#[derive(Default)]
pub(crate) struct CriticProbe {
    trained: Option<TrainedCritic>,
    last: Option<Instant>,
}

impl CriticProbe {
    /// Whether a critic in training is to be evaluated again.
    pub(crate) fn is_due(&self) -> bool {
        self.last.is_none_or(|at| at.elapsed() >= INTERVAL)
    }

    /// Sets the critic of a finished build.
    pub(crate) fn set_critic(&mut self, builder: &ModelBuilder) {
        let (recipe, device) = builder.basis();
        self.trained = builder.critic().map(|(critic, step)| TrainedCritic {
            critic: critic.clone(),
            step,
            recipe: recipe.clone(),
            device: device.clone(),
        });
    }

    /// Evaluates the critic, if there is one, on the preview, if there is one.
    pub(crate) fn run(&mut self, builder: Option<&ModelBuilder>, state: &EngineState) {
        let in_training = builder.and_then(|builder| {
            let (critic, step) = builder.critic()?;
            let (recipe, device) = builder.basis();
            Some((critic, step, recipe, device))
        });
        let trained =
            || self.trained.as_ref().map(|trained| (&trained.critic, trained.step, &trained.recipe, &trained.device));
        let Some((critic, step, recipe, device)) = in_training.or_else(trained) else { return };
        let Some(shown) = state.training.critic.preview.lock().clone() else { return };
        if shown.crops.channels != recipe.model.channels.count() {
            return;
        }
        // The same critic has evaluated this preview already.
        let known =
            state.training.critic.answers.lock().as_ref().is_some_and(|a| a.serial == shown.serial && a.step == step);
        if !known {
            match probabilities(critic, &shown.values, [shown.crops.channels, shown.crops.side], device) {
                Ok(all) => {
                    let answers = CriticAnswers::new(&shown, step, recipe.critic.clone(), &all);
                    *state.training.critic.answers.lock() = Some(Arc::new(answers));
                }
                Err(error) => tracing::warn!("the critic could not be evaluated on the preview: {error}"),
            }
        }
        self.last = Some(Instant::now());
    }
}
