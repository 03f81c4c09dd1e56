//! The state that the page draws in one frame.

use std::sync::Arc;

use crate::{
    engine::{
        EngineState,
        evaluation::EvaluationStatus,
        inspection::{ModelFacts, ModelState},
    },
    inspect::{Calibration, Evaluation, InvertKnobs},
};

/// Test, model and settings as of this frame.
pub(super) struct EvaluateScene {
    pub(super) status: EvaluationStatus,
    pub(super) state: ModelState,
    pub(super) knobs: InvertKnobs,
    /// The active model's promised rate.
    pub(super) rate: Option<f64>,
    /// Held-out images inspected and in all, while the active model is being calibrated.
    pub(super) calibrating: Option<(usize, usize)>,
}

impl EvaluateScene {
    pub(super) fn of(engine: &EngineState) -> Self {
        let status = engine.evaluation.status.read().clone();
        let inspect = engine.inspection.status.read();
        let (rate, calibrating) = (inspect.rate, inspect.calibrating);
        Self { status, state: inspect.model.clone(), knobs: inspect.knobs.clone(), rate, calibrating }
    }

    pub(super) fn model(&self) -> Option<&Arc<ModelFacts>> {
        match &self.state {
            ModelState::Ready(facts) => Some(facts),
            _ => None,
        }
    }

    /// Returns the active model's name, for a sentence.
    pub(super) fn model_name(&self) -> &str {
        self.model().map_or("no model", |facts| &facts.name)
    }

    /// Returns the active model's calibration for the current knobs.
    pub(super) fn calibration(&self) -> Option<&Calibration> {
        self.model()?.calibration(&self.knobs)
    }

    /// Returns the results so far, once there is an image.
    pub(super) fn evaluation(&self) -> Option<&Arc<Evaluation>> {
        self.status.evaluation.as_ref().filter(|e| !e.images.is_empty())
    }

    /// Whether the active model is the one that was tested.
    pub(super) fn same_model(&self) -> bool {
        let tested = self.status.evaluation.as_ref().map(|e| &e.header.model.hash);
        tested.is_some() && self.model().map(|m| &m.hash) == tested
    }
}

/// The selected score and rate compared with those of the active model.
pub(super) struct RateStatus {
    /// The selected rate; `None` without a calibration.
    pub(super) rate: Option<f64>,
    /// Why the rate asked for last cannot be promised.
    pub(super) refused: Option<String>,
    /// The active model is the one that was tested, with the same knobs.
    pub(super) same_model: bool,
    /// The active model's rate.
    pub(super) model_rate: Option<f64>,
    /// The active model decides by the selected score.
    pub(super) decides: bool,
    /// The active model uses both the selected rate and the selected score.
    pub(super) active: bool,
    /// The combined score can be reweighted using the test's labels.
    pub(super) reweight: bool,
}
