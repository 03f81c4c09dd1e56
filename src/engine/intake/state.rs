//! The state of intake that the window shows.

use std::sync::Arc;

use parking_lot::RwLock;

use super::{
    request::IntakeSpec,
    stream::ModelIdentity,
    watch::{WatchCounts, WatchNotice},
};
use crate::review::record::Quarantined;

/// How the taking in of parts stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum IntakePhase {
    /// There was none yet.
    #[default]
    Idle,
    /// The record and the folder are being opened.
    Opening,
    /// Parts are inspected as they come.
    Going,
    /// Parts wait for a model that can give a verdict; the sentence says what to do.
    Waiting(String),
    /// The last parts are being filed.
    Ending,
    /// Over as it was meant to be; the sentence says what was done.
    Ended(String),
    /// Could not go on; the sentence says why and the way out.
    Failed(String),
}

impl IntakePhase {
    /// Whether parts are taken in, or will be.
    pub fn is_going(&self) -> bool {
        matches!(self, Self::Opening | Self::Going | Self::Waiting(_) | Self::Ending)
    }
}

/// The state of taking in parts, cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntakeStatus {
    /// How it stands.
    pub phase: IntakePhase,
    /// What was asked for; `None` before anything was.
    pub order: Option<IntakeSpec>,
    /// The model in force there.
    pub model: Option<Arc<ModelIdentity>>,
    /// How it has fared since it began.
    pub counts: WatchCounts,
    /// Parts a minute, waits for parts aside; `None` before the first is done.
    pub per_minute: Option<f64>,
    /// Seconds until nothing waits any more, once known.
    pub seconds_left: Option<f64>,
    /// The last sentence about folder and files.
    pub news: Option<WatchNotice>,
    /// The folder's files that are in quarantine by the record, the latest first.
    pub quarantined: Arc<Vec<Quarantined>>,
}

impl IntakeStatus {
    /// Parts that were done since it began, and those in sight.
    pub fn progress(&self) -> (usize, usize) {
        let done = self.counts.filed + self.counts.quarantined;
        (done, done + self.counts.waiting)
    }
}

/// What the compute thread shows of taking in parts; part of [`Live`](super::EngineState).
#[derive(Debug, Default)]
pub struct IntakeState {
    /// The state.
    pub status: RwLock<IntakeStatus>,
}
