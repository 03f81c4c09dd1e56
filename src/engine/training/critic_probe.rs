//! The critic at hand, asked about the forged crops on show.

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

/// While the critic is trained it is asked this often: often enough to be seen to learn, and a small share of the time.
const EVERY: Duration = Duration::from_secs(1);

/// A critic that is done.
struct Kept {
    critic: Critic,
    step: u64,
    recipe: Recipe,
    device: Device,
}

/// Asks the critic of the run in hand: the one in training, or the one that is done.
#[derive(Default)]
pub(crate) struct CriticProbe {
    kept: Option<Kept>,
    asked: Option<Instant>,
}

impl CriticProbe {
    /// Whether a critic in training is to be asked again.
    pub(crate) fn is_due(&self) -> bool {
        self.asked.is_none_or(|at| at.elapsed() >= EVERY)
    }

    /// Keeps the critic of a model that was made.
    pub(crate) fn keep(&mut self, finishing: &ModelBuilder) {
        let (recipe, device) = finishing.basis();
        self.kept = finishing.critic().map(|(critic, step)| Kept {
            critic: critic.clone(),
            step,
            recipe: recipe.clone(),
            device: device.clone(),
        });
    }

    /// Asks the critic, if there is one and crops are on show.
    pub(crate) fn examine(&mut self, finishing: Option<&ModelBuilder>, live: &EngineState) {
        let training = finishing.and_then(|finishing| {
            let (critic, step) = finishing.critic()?;
            let (recipe, device) = finishing.basis();
            Some((critic, step, recipe, device))
        });
        let kept = || self.kept.as_ref().map(|kept| (&kept.critic, kept.step, &kept.recipe, &kept.device));
        let Some((critic, step, recipe, device)) = training.or_else(kept) else { return };
        let Some(shown) = live.training.critic.preview.lock().clone() else { return };
        if shown.crops.channels != recipe.model.channels {
            return;
        }
        // The same critic has said it already.
        let known =
            live.training.critic.answers.lock().as_ref().is_some_and(|a| a.serial == shown.serial && a.step == step);
        if !known {
            match probabilities(critic, &shown.values, [shown.crops.channels, shown.crops.side], device) {
                Ok(all) => {
                    let answers = CriticAnswers::new(&shown, step, recipe.critic.clone(), &all);
                    *live.training.critic.answers.lock() = Some(Arc::new(answers));
                }
                Err(error) => tracing::warn!("the critic was not asked about the crops on show: {error}"),
            }
        }
        self.asked = Some(Instant::now());
    }
}
