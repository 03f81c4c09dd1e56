//! The steps that "Train further" adds to a finished run.

use crate::{
    engine::training::{TrainingPhase, TrainingStatus},
    train::knobs::{self, Domain},
    ui::widgets::ticks::grouped,
};

/// The knob of the number of steps.
pub(crate) const STEPS: &str = "train.steps";

/// Steps to add to a finished run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MoreSteps {
    done: u64,
    /// The step that it is then trained to.
    pub until: u64,
}

impl MoreSteps {
    /// Adds half of the steps done; `None` while the run has steps left or cannot have more.
    pub(crate) fn of(status: &TrainingStatus) -> Option<Self> {
        let done = status.step;
        let all = status.recipe.as_ref()?.train.steps;
        if !matches!(status.phase, TrainingPhase::Finished) || done < all {
            return None;
        }
        let most = match knobs::knob(STEPS)?.domain {
            Domain::Int(_, most) => u64::try_from(most).ok()?,
            _ => return None,
        };
        let until = done.saturating_add((done / 2).max(1)).min(most);
        (until > done).then_some(Self { done, until })
    }

    /// The steps in words: "1,000 steps, from 2,000 to 3,000".
    pub(crate) fn words(self) -> String {
        let steps = |n: u64| grouped(n as f64, 0);
        let more = self.until - self.done;
        let noun = if more == 1 { "step" } else { "steps" };
        format!("{} {noun}, from {} to {}", steps(more), steps(self.done), steps(self.until))
    }

    /// The steps done.
    pub(crate) fn done_text(self) -> String {
        grouped(self.done as f64, 0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::train::Recipe;

    #[test]
    fn a_finished_run_says_how_many_steps_are_added() {
        let mut recipe = Recipe::default();
        recipe.train.steps = 2000;
        let mut status = TrainingStatus {
            phase: TrainingPhase::Finished,
            step: 2000,
            recipe: Some(Arc::new(recipe.clone())),
            ..TrainingStatus::default()
        };
        assert_eq!(MoreSteps::of(&status).unwrap().words(), "1,000 steps, from 2,000 to 3,000");
        status.step = 1;
        assert_eq!(MoreSteps::of(&status), None, "it has steps left");
        recipe.train.steps = 1;
        status.recipe = Some(Arc::new(recipe.clone()));
        assert_eq!(MoreSteps::of(&status).unwrap().words(), "1 step, from 1 to 2");
        // Never beyond what a recipe accepts.
        (recipe.train.steps, status.step) = (10_000_000, 10_000_000);
        status.recipe = Some(Arc::new(recipe));
        assert_eq!(MoreSteps::of(&status), None);
    }
}
