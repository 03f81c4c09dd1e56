//! Taking in parts as the window sees it: what can be asked, and what is shown.

pub(super) mod recorder;
pub mod stream;
pub(super) mod task;
pub mod watch;

use std::{path::PathBuf, sync::Arc};

use parking_lot::RwLock;
use stream::ModelIdentity;
use watch::{WatchCounts, WatchNotice, WatchOptions};

use crate::review::record::Quarantined;

/// A folder whose parts are inspected and filed in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeSpec {
    /// The folder.
    pub folder: PathBuf,
    /// Watched or taken in once, with the folders within it or without.
    ///
    /// A watched folder's parts are inspected once, whatever model was in force then. A folder that is taken in once is
    /// inspected by the model in force, parts that another model has seen included.
    pub options: WatchOptions,
    /// The record, which is made where there is none.
    pub record: PathBuf,
}

/// What can be asked about taking in parts.
#[derive(Clone, Debug)]
pub enum IntakeRequest {
    /// Begins to take in parts, with the model and the knobs in force. One that goes on is ended first.
    Begin(IntakeSpec),
    /// Ends it. What has been inspected is filed; the part in hand comes up again the next time.
    Stop,
}

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
