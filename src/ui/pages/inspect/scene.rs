//! Snapshot of everything the workspace shows in one frame.

use std::sync::Arc;

use crate::{
    engine::inspection::{InspectionStatus, ModelFacts, ModelState, QueryEntry, QueryView},
    inspect::{Calibration, InvertKnobs, RegionList, evaluation::EvaluatedMap},
};

/// Everything the workspace shows in one frame.
pub(super) struct InspectScene {
    pub status: InspectionStatus,
    /// Queries on the list, sorted and filtered.
    pub rows: Vec<Arc<QueryEntry>>,
    /// Number of queries before filtering.
    pub total: usize,
    /// Row of the selected query.
    pub selected: Option<usize>,
    /// Images and outcome of the selected query.
    pub view: Option<Arc<QueryView>>,
}

impl InspectScene {
    /// Returns the selected query.
    pub(crate) fn entry(&self) -> Option<&Arc<QueryEntry>> {
        self.selected.and_then(|row| self.rows.get(row))
    }

    /// Returns the active model.
    pub(crate) fn model(&self) -> Option<&Arc<ModelFacts>> {
        match &self.status.model {
            ModelState::Ready(facts) => Some(facts),
            _ => None,
        }
    }

    /// Returns the knobs that the selected query was inspected with, or those for the next one.
    pub(crate) fn knobs(&self) -> &InvertKnobs {
        match self.view.as_ref().and_then(|view| view.outcome.as_ref()) {
            Some(outcome) => &outcome.knobs,
            None => &self.status.knobs,
        }
    }

    /// Returns the map that shows what decides over the selected query, once it has ended.
    pub(crate) fn deciding(&self) -> Option<EvaluatedMap> {
        let outcome = self.view.as_ref()?.outcome.as_ref()?;
        Some(self.model()?.deciding_map(outcome))
    }

    /// Returns the anomaly regions of the selected query, if it has a list of them.
    pub(crate) fn anomalies(&self) -> Option<&RegionList> {
        self.view.as_ref()?.regions.as_ref()?.as_ref().as_ref().ok()
    }

    /// Returns the calibration for these knobs.
    pub(crate) fn calibration_for(&self, knobs: &InvertKnobs) -> Option<&Calibration> {
        self.model()?.calibration(knobs)
    }
}
