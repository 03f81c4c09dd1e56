//! Why a command is not available.

use egui::Context;

use crate::ui::{CommandContext, PageId, UiCommand};

/// Returns why a command is disabled and what to do, for a tooltip; its description where no reason is known.
pub(super) fn disabled(command: UiCommand, c: &CommandContext, ctx: &Context) -> String {
    reason(command, c).map_or_else(|| command.tooltip(ctx), str::to_owned)
}

/// Returns the description of a command while it is available, and why it is not otherwise.
pub(super) fn hint(command: UiCommand, c: &CommandContext, ctx: &Context) -> String {
    if command.enabled(c) { command.tooltip(ctx) } else { disabled(command, c, ctx) }
}

fn reason(command: UiCommand, c: &CommandContext) -> Option<&'static str> {
    // A command of several pages says what is missing on this one.
    let reasons = match c.page {
        PageId::Inspect => [inspect_reason, review_reason, train_reason, evaluate_reason],
        _ => [review_reason, train_reason, inspect_reason, evaluate_reason],
    };
    reasons.into_iter().find_map(|reason| reason(command, c))
}

/// Returns why a command on a run or its recipe is disabled.
fn train_reason(command: UiCommand, c: &CommandContext) -> Option<&'static str> {
    use UiCommand as C;
    Some(match command {
        C::Undo => "Nothing has been changed yet.",
        C::Redo => "Nothing has been undone.",
        C::TrainFurther if c.run => "The run has steps left.",
        C::TrainFurther => NO_RUN,
        C::ContinueLast if c.run => "A run is open. Close it first.",
        C::ContinueLast => "There is no earlier run.",
        C::PlayPause | C::StepBoth | C::StepG | C::StepD if c.run => "This run is not training.",
        C::GridBack | C::GridForward | C::GridPlay | C::SaveGrid if c.run => "There are no samples yet.",
        _ if !c.run && command.pages().contains(&PageId::Train) => NO_RUN,
        C::PlayPause
        | C::StepBoth
        | C::StepG
        | C::StepD
        | C::Stop
        | C::Reset
        | C::Checkpoint
        | C::MakeModel
        | C::GridBack
        | C::GridForward
        | C::GridPlay
        | C::PreviewEma
        | C::FitCurves
        | C::LogY
        | C::CriticPreview
        | C::CriticPreviewNext
        | C::SaveGrid => NO_RUN,
        _ => return None,
    })
}

/// Returns why a command on an inspected image is disabled.
fn inspect_reason(command: UiCommand, c: &CommandContext) -> Option<&'static str> {
    use UiCommand as C;
    Some(match command {
        C::SaveModel => NO_MODEL,
        C::InspectPlayPause | C::InspectStop if c.query.any => "This inspection is not running.",
        C::InspectMore | C::InspectAgain if c.query.any && !c.model => NO_MODEL,
        C::InspectMore | C::InspectAgain | C::InspectExport | C::InspectPresent if c.query.any => {
            "This image has not been inspected yet."
        }
        C::InspectBack | C::InspectForward if c.query.any => "The list has no other image.",
        C::OutcomeBack | C::OutcomeForward if c.query.any => {
            "This image is not part of a test, or no part in this direction ended alike."
        }
        C::FrameBack | C::FrameForward | C::FramePlay if c.query.any => "No reconstructions of several steps are kept.",
        C::RegionForward | C::RegionBack if c.query.any => "This image has no anomaly region.",
        C::RegionUndo => "No region has been changed yet.",
        _ if !c.query.any && command.pages().contains(&PageId::Inspect) => "No image is on the list. Open one first.",
        _ => return None,
    })
}

/// Returns why a command on a test is disabled.
fn evaluate_reason(command: UiCommand, c: &CommandContext) -> Option<&'static str> {
    use UiCommand as C;
    Some(match command {
        C::EvaluateOpen | C::EvaluateAgain if !c.model => NO_MODEL,
        C::EvaluateAgain if c.evaluation.running => "The test is running.",
        C::EvaluateAgain => "Nothing has been tested yet.",
        C::EvaluateStop => "No test or report is running.",
        C::EvaluateReport if c.evaluation.running => "Wait for the end of the test.",
        C::EvaluateAdopt if c.evaluation.images => {
            "The active model uses this rate and score already, or it is not the one that was tested."
        }
        C::EvaluateReweight => "This needs tested defects of the active model.",
        C::EvaluateUnweight => "The weights do not come from labelled defects.",
        _ if !c.evaluation.images && command.pages().contains(&PageId::Evaluate) => "No image has been tested yet.",
        _ => return None,
    })
}

/// Returns why a command on the record, the watched folder or fine-tuning is disabled.
fn review_reason(command: UiCommand, c: &CommandContext) -> Option<&'static str> {
    Some(match command {
        UiCommand::ReviewUndo => "No verdict has been given since the program was started.",
        UiCommand::ReviewAgree if c.review.ready && c.review.blind => {
            "The model's verdict is hidden during double-blind review."
        }
        UiCommand::RegionForward | UiCommand::RegionBack if c.review.part && c.review.blind => {
            "The regions are hidden during double-blind review."
        }
        UiCommand::RegionForward | UiCommand::RegionBack if c.review.part => "This part has no anomaly region.",
        UiCommand::ReviewExport | UiCommand::ReviewReport if !c.review.open => NO_RECORD,
        UiCommand::ReviewExport | UiCommand::ReviewReport if c.review.exporting => {
            "An export is running. Wait for it to finish."
        }
        UiCommand::FinetuneBegin if c.finetune.running => "Fine-tuning is running.",
        UiCommand::FinetuneBegin if !c.model => "No model is open. Open one first.",
        UiCommand::FinetuneBegin => "There are no parts judged healthy to train on yet.",
        UiCommand::FinetuneAdopt | UiCommand::FinetuneRevert if !c.finetune.named => {
            "Enter your name under Reviewer first: the record notes who activates a model."
        }
        UiCommand::IntakeWatch | UiCommand::IntakeOnce | UiCommand::IntakeFolder if c.intake.running => {
            "The folder is being watched. Stop that first."
        }
        UiCommand::IntakeWatch | UiCommand::IntakeOnce if !c.intake.folder => "No folder has been chosen yet.",
        _ if !command.pages().contains(&PageId::Review) => return None,
        _ if !c.review.open => NO_RECORD,
        _ if !c.review.part => "No part is shown.",
        _ => "Enter your name in the panel first.",
    })
}

const NO_RUN: &str = "No run is open. Start or resume one first.";
const NO_MODEL: &str = "No model is open. Open one first.";
const NO_RECORD: &str = "No record is open. Open one first.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::ReviewContext;

    #[test]
    fn every_command_that_is_not_available_says_why() {
        // With nothing open, on the page of the command.
        for command in UiCommand::all() {
            let page = command.pages().first().copied().unwrap_or_default();
            let context = CommandContext { page, ..CommandContext::default() };
            if page == PageId::Presentation || command.enabled(&context) {
                continue;
            }
            let ends = [UiCommand::IntakeStop, UiCommand::FinetuneCancel, UiCommand::FinetuneKeep];
            let why = reason(command, &context);
            assert!(why.is_some_and(|why| why.ends_with('.')) || ends.contains(&command), "{command:?}: {why:?}");
        }
    }

    #[test]
    fn every_verdict_that_cannot_be_given_says_why() {
        let open = ReviewContext { open: true, part: true, ..ReviewContext::default() };
        let with = |review| CommandContext { page: PageId::Review, review, ..CommandContext::default() };
        for (review, why) in [
            (ReviewContext::default(), "No record is open. Open one first."),
            (ReviewContext { part: false, ..open }, "No part is shown."),
            (open, "Enter your name in the panel first."),
        ] {
            assert_eq!(reason(UiCommand::ReviewHealthy, &with(review)), Some(why));
        }
        let blind = with(ReviewContext { blind: true, ..open });
        assert_eq!(reason(UiCommand::RegionBack, &with(open)), Some("This part has no anomaly region."));
        assert!(reason(UiCommand::RegionBack, &blind).unwrap().contains("hidden"));
        let exporting = with(ReviewContext { exporting: true, ..open });
        assert!(reason(UiCommand::ReviewExport, &exporting).unwrap().starts_with("An export is running"));
    }
}
