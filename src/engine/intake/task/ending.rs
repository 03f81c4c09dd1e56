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
    /// The thread that writes the record has ended.
    NotRecorded,
    Failed(String),
}

impl EndReason {
    /// The final phase, with a summary. `left` is the number of inspected parts that could not be recorded, and why.
    pub(crate) fn phase(self, folder: &str, counts: &WatchCounts, left: Option<(usize, String)>) -> IntakePhase {
        let mut summary = summary(counts);
        if let Some((left, why)) = left {
            let why = why.trim_start_matches("Parts wait: ").trim_end_matches(" This goes on by itself.");
            summary = format!("{summary} {} could not be recorded: {why}", counted(left, "part"));
        }
        match self {
            Self::Failed(text) => IntakePhase::Failed(text),
            Self::NotRecorded => IntakePhase::Failed(format!("Writing the record was interrupted. {summary}")),
            Self::Stopped => IntakePhase::Ended(format!("Stopped. {summary} {}", rest(counts))),
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

/// Says what was found and not inspected.
fn rest(counts: &WatchCounts) -> String {
    let more = if counts.listed { "" } else { " or more" };
    match counts.waiting {
        0 if counts.listed => "No part was waiting.".into(),
        0 => "The remaining parts are inspected next time.".into(),
        1 if counts.listed => "1 more was not inspected; it is inspected next time.".into(),
        n => format!("{n}{more} were not inspected; they are inspected next time."),
    }
}

/// Sums up the counts: "12 parts recorded, 2 in quarantine."
fn summary(counts: &WatchCounts) -> String {
    format!("{} recorded{}.", counted(counts.recorded, "part"), counts.remarks())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_intake_counts_what_was_not_inspected() {
        let said = |counts: WatchCounts| match EndReason::Stopped.phase("/parts", &counts, None) {
            IntakePhase::Ended(text) => text,
            other => panic!("{other:?}"),
        };
        let counts = WatchCounts { recorded: 77, waiting: 67, listed: true, ..WatchCounts::default() };
        assert_eq!(said(counts), "Stopped. 77 parts recorded. 67 were not inspected; they are inspected next time.");
        assert!(said(WatchCounts { listed: false, ..counts }).contains("67 or more were not inspected"));
        assert!(said(WatchCounts { waiting: 0, ..counts }).ends_with("No part was waiting."));
    }
}
