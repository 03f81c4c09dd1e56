//! Why a command is not available.

use egui::Context;

use crate::ui::{CommandContext, PageId, UiCommand};

/// Returns why a command is disabled and what to do, for a tooltip; its description where no reason is known.
pub(super) fn disabled(command: UiCommand, c: &CommandContext, ctx: &Context) -> String {
    reason(command, c).map_or_else(|| command.tooltip(ctx), str::to_owned)
}

fn reason(command: UiCommand, c: &CommandContext) -> Option<&'static str> {
    Some(match command {
        UiCommand::ReviewUndo => "No verdict has been given since the program was started.",
        UiCommand::ReviewAgree if c.review.ready && c.review.blind => {
            "The model's verdict is hidden during double-blind review."
        }
        UiCommand::ReviewExport | UiCommand::ReviewReport if !c.review.open => NO_RECORD,
        UiCommand::ReviewExport | UiCommand::ReviewReport if c.review.exporting => {
            "An export is running. Wait for it to finish."
        }
        UiCommand::FinetuneBegin if c.finetune.running => "Fine-tuning is running.",
        UiCommand::FinetuneBegin if !c.model => "No model is active. Open one first.",
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

const NO_RECORD: &str = "No record is open. Open one first.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::ReviewContext;

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
        let exporting = with(ReviewContext { exporting: true, ..open });
        assert!(reason(UiCommand::ReviewExport, &exporting).unwrap().starts_with("An export is running"));
    }
}
