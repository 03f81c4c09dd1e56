//! Why a command of this page is not available.

use crate::ui::{CommandContext, UiCommand};

/// Returns why a command is disabled, and what to do.
pub(super) fn disabled(command: UiCommand, c: &CommandContext) -> &'static str {
    let record = || match (c.review.open, c.review.exporting) {
        (false, _) => "No record is open. Open one first.",
        (true, true) => "An export is running. Wait for it to finish.",
        (true, false) => "Not available now.",
    };
    match command {
        UiCommand::ReviewUndo => "No verdict has been given since the program was started.",
        UiCommand::ReviewAgree if c.review.ready && c.review.blind => {
            "The model's verdict is hidden during double-blind review."
        }
        UiCommand::ReviewExport | UiCommand::ReviewReport => record(),
        UiCommand::FinetuneBegin if c.finetune.running => "Fine-tuning is running.",
        UiCommand::FinetuneBegin if !c.model => "No model is active. Open one first.",
        UiCommand::FinetuneBegin => "There are no parts judged healthy to train on yet.",
        UiCommand::FinetuneAdopt | UiCommand::FinetuneRevert if !c.finetune.named => {
            "Enter your name under Reviewer first: the record notes who activates a model."
        }
        UiCommand::IntakeWatch | UiCommand::IntakeOnce | UiCommand::IntakeFolder if c.intake.running => {
            "The folder is being watched. Stop that first."
        }
        UiCommand::IntakeWatch | UiCommand::IntakeOnce => "No folder has been chosen yet.",
        _ if !c.review.open => "No record is open. Open one first.",
        _ if !c.review.part => "No part is shown.",
        _ => "Enter your name in the panel first.",
    }
}
