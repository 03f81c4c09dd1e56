//! Why no more parts are taken in, and what is said of it.

use crate::{
    engine::intake::{IntakePhase, watch::WatchCounts},
    format::counted,
};

/// Why it ends.
pub(crate) enum EndReason {
    Stopped,
    /// Everything that lay there is on record.
    Done,
    /// One folder is taken in by one model, and another one was put in force.
    OtherModel,
    Failed(String),
}

impl EndReason {
    /// The phase that it leaves, with what was done.
    pub(crate) fn words(self, folder: &str, counts: &WatchCounts) -> IntakePhase {
        let tally = tally(counts);
        match self {
            Self::Failed(text) => IntakePhase::Failed(text),
            Self::Stopped => IntakePhase::Ended(format!("Stopped. {tally} What waits comes up again the next time.")),
            Self::Done if counts.listed => IntakePhase::Ended(format!("All of {folder} is on record. {tally}")),
            Self::Done => {
                IntakePhase::Ended(format!("The folder {folder} is gone. {tally} Put it back and begin again."))
            }
            Self::OtherModel => IntakePhase::Ended(format!(
                "Another model was put in force, and one folder is taken in by one model. {tally} Begin again to take in \
                 the folder with the new model."
            )),
        }
    }
}

/// What was done, in a sentence: "12 parts filed, 2 in quarantine.".
fn tally(counts: &WatchCounts) -> String {
    format!("{} filed{}.", counted(counts.filed, "part"), counts.remarks())
}
