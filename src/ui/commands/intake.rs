//! Commands for the watched folder and for fine-tuning on verdicts.

use super::{
    UiCommand,
    row::{CommandRow, CommandSection, Effect, commands},
};
use crate::{
    engine::FinetuneRequest,
    ui::{Action, FinetuneAction, IntakeAction, PageId, PathRequest},
};

const EVERYWHERE: &[PageId] = &[];

commands! { "Watched folder and fine-tuning";
    IntakeFolder {
        title: "Choose the watched folder…",
        help: "Chooses the folder in which images of parts arrive, to be inspected and recorded.",
        keywords: "intake watch batch directory camera line",
        keys: [],
        pages: EVERYWHERE,
        enabled: |c| !c.intake.running,
        effect: Effect::Action(|_| Action::Ask(PathRequest::Parts)),
    }
    IntakeWatch {
        title: "Watch the folder",
        help: "Inspects every part that is in the folder or arrives in it, once, until stopped; also after the next start.",
        keywords: "intake batch camera line automatic",
        keys: [],
        pages: EVERYWHERE,
        enabled: |c| c.intake.folder && !c.intake.running,
        effect: Effect::Action(|_| Action::Intake(IntakeAction::Watch)),
    }
    IntakeOnce {
        title: "Inspect the folder once",
        help: "Inspects all parts in the folder with the active model, including those inspected by another model.",
        keywords: "intake batch again all",
        keys: [],
        pages: EVERYWHERE,
        enabled: |c| c.intake.folder && !c.intake.running,
        effect: Effect::Action(|_| Action::Intake(IntakeAction::Once)),
    }
    IntakeStop {
        title: "Stop inspecting parts",
        help: "Stops the intake; results are recorded, and waiting parts are inspected the next time.",
        keywords: "intake watch batch end cancel",
        keys: [],
        pages: EVERYWHERE,
        enabled: |c| c.intake.running,
        effect: Effect::Action(|_| Action::Intake(IntakeAction::Stop)),
    }
    FinetuneBegin {
        title: "Fine-tune on verdicts",
        help: "Fine-tunes a copy of the active model on the reviewers' verdicts and compares both; the active model stays.",
        keywords: "learn train feedback teach verdict healthy",
        keys: [],
        pages: EVERYWHERE,
        enabled: |c| c.finetune.ready && !c.finetune.running,
        effect: Effect::Action(|_| Action::Finetune(FinetuneAction::Begin)),
    }
    FinetuneCancel {
        title: "Cancel fine-tuning",
        help: "Cancels fine-tuning; no model is written.",
        keywords: "stop end learn teach",
        keys: [],
        pages: EVERYWHERE,
        enabled: |c| c.finetune.running,
        effect: Effect::Action(|_| Action::engine(FinetuneRequest::Cancel)),
    }
    FinetuneAdopt {
        title: "Adopt the new model",
        help: "Activates the fine-tuned model and records the change; the old model stays in its file.",
        keywords: "fine-tune accept use apply",
        keys: [],
        pages: EVERYWHERE,
        enabled: |c| c.finetune.pending && c.finetune.named,
        effect: Effect::Action(|_| Action::Finetune(FinetuneAction::Adopt)),
    }
    FinetuneKeep {
        title: "Keep the old model",
        help: "Leaves the old model active; the new one stays in its file.",
        keywords: "fine-tune refuse reject dismiss",
        keys: [],
        pages: EVERYWHERE,
        enabled: |c| c.finetune.pending,
        effect: Effect::Action(|_| Action::Finetune(FinetuneAction::Keep)),
    }
    FinetuneRevert {
        title: "Return to the previous model",
        help: "Activates the model that the active one was fine-tuned from, and records the change.",
        keywords: "fine-tune go back undo revert parent ancestor",
        keys: [],
        pages: EVERYWHERE,
        enabled: |c| c.finetune.revertible && c.finetune.named,
        effect: Effect::Action(|_| Action::Finetune(FinetuneAction::Revert)),
    }
}
