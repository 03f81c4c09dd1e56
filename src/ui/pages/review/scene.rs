//! Snapshot of everything the workspace shows in one frame.

use std::sync::Arc;

use crate::{
    engine::{inspection::ModelState, review::ReviewSnapshot},
    review::{Findings, export::ExportScope},
    ui::ReviewSettings,
};

/// Everything the workspace shows in one frame.
pub(super) struct ReviewScene {
    /// The active model.
    pub model: ModelState,
    /// The record.
    pub snapshot: Arc<ReviewSnapshot>,
    pub settings: ReviewSettings,
    /// Findings of the inspection of the current part, unless they are hidden.
    pub findings: Option<Arc<Findings>>,
    /// What exports cover.
    pub scope: ExportScope,
    /// Number of parts in the queue.
    pub selected: usize,
}
