//! The state of intake that the window shows.

use std::sync::Arc;

use parking_lot::RwLock;

use super::{
    inspected::ModelIdentity,
    request::IntakeSpec,
    watch::{WatchCounts, WatchNotice},
};
use crate::review::{KeptPictures, record::Quarantined};

/// Phase of an intake.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum IntakePhase {
    /// No intake yet.
    #[default]
    Idle,
    /// The record and the folder are being opened.
    Opening,
    /// Parts are inspected as they arrive.
    Running,
    /// Parts wait for a calibrated model; the text says what to do.
    Waiting(String),
    /// Parts wait for the record, which is locked or whose disk is full; the text says why. Goes on by itself.
    Stalled(String),
    /// The last parts are being recorded.
    Ending,
    /// Finished or stopped; the text sums up the result.
    Ended(String),
    /// Failed; the text says why and what to do.
    Failed(String),
}

impl IntakePhase {
    /// Whether intake is running or starting.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Opening | Self::Running | Self::Waiting(_) | Self::Stalled(_) | Self::Ending)
    }
}

/// The state of an intake, cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntakeStatus {
    /// Its phase.
    pub phase: IntakePhase,
    /// The current or last intake; `None` before the first.
    pub spec: Option<IntakeSpec>,
    /// The model that inspects.
    pub model: Option<Arc<ModelIdentity>>,
    /// Counts since the start.
    pub counts: WatchCounts,
    /// Parts per minute, not counting idle time; `None` before the first is done.
    pub per_minute: Option<f64>,
    /// Seconds until no part is waiting, once known.
    pub seconds_left: Option<f64>,
    /// The last notice about the folder and its files.
    pub notice: Option<WatchNotice>,
    /// The folder's quarantined files, the latest first.
    pub quarantined: Arc<Vec<Quarantined>>,
}

impl IntakeStatus {
    /// Parts done since the start, and the total known so far.
    pub fn progress(&self) -> (usize, usize) {
        let done = self.counts.recorded + self.counts.quarantined;
        (done, done + self.counts.waiting)
    }
}

/// The part of [`EngineState`](crate::engine::EngineState) that shows intake.
#[derive(Debug, Default)]
pub struct IntakeState {
    /// The status.
    pub status: RwLock<IntakeStatus>,
    /// The parts whose images the next intake copies to the record.
    pub keep: RwLock<KeptPictures>,
}
