//! The end of an intake and its summary.

use crate::{
    engine::intake::{IntakePhase, watch::WatchCounts},
    format::counted,
};

/// Why an intake ends.
pub(crate) enum EndReason {
    Stopped,
    /// All parts of the folder are recorded.
    Done,
    /// Another model became active while the folder was being inspected once.
    OtherModel,
    Failed(String),
}

impl EndReason {
    /// The final phase, with a summary.
    pub(crate) fn phase(self, folder: &str, counts: &WatchCounts) -> IntakePhase {
        let summary = summary(counts);
        match self {
            Self::Failed(text) => IntakePhase::Failed(text),
            Self::Stopped => {
                IntakePhase::Ended(format!("Stopped. {summary} The remaining parts are inspected next time."))
            }
            Self::Done if counts.listed => IntakePhase::Ended(format!("All parts in {folder} are recorded. {summary}")),
            Self::Done => {
                IntakePhase::Ended(format!("The folder {folder} was removed. {summary} Restore it and start again."))
            }
            Self::OtherModel => IntakePhase::Ended(format!(
                "Another model was opened, and a folder is inspected by one model. {summary} Start again to inspect the folder with the \
                 new model."
            )),
        }
    }
}

/// Sums up the counts: "12 parts recorded, 2 in quarantine."
fn summary(counts: &WatchCounts) -> String {
    format!("{} recorded{}.", counted(counts.recorded, "part"), counts.remarks())
}
