//! The state of the window that decides which commands are enabled.

use crate::ui::PageId;

/// The part of the window's state that commands depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandContext {
    /// The current page.
    pub page: PageId,
    /// A run is open: preparing, running, paused, finished or failed.
    pub run: bool,
    /// Training is running.
    pub running: bool,
    /// Training is paused between two steps.
    pub paused: bool,
    /// All steps of the run are done.
    pub finished: bool,
    /// Training, its preparation or the building of the model can be paused.
    pub can_pause: bool,
    /// The run's training images are loaded.
    pub images: bool,
    /// There is a sample grid.
    pub grid: bool,
    /// Samples come from the averaged weights.
    pub averaged: bool,
    /// A change to the recipe can be undone.
    pub undo: bool,
    /// A change to the recipe can be redone.
    pub redo: bool,
    /// There is a previous run to resume.
    pub last_run: bool,
    /// A model is active.
    pub model: bool,
    /// A shape is being drawn or is selected, and takes Enter, Escape, Delete and Backspace before the page.
    pub drawing: bool,
    /// The selected image of the Inspect page.
    pub query: QueryContext,
    /// The evaluation.
    pub evaluation: EvaluationContext,
    /// The review.
    pub review: ReviewContext,
    /// The watched folder.
    pub intake: IntakeContext,
    /// Fine-tuning on verdicts.
    pub finetune: FinetuneContext,
}

/// State of the watched folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntakeContext {
    /// A folder has been chosen.
    pub folder: bool,
    /// Parts are being inspected or waited for.
    pub running: bool,
}

/// State of fine-tuning on verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FinetuneContext {
    /// There are verdicts to train on.
    pub ready: bool,
    /// Fine-tuning is running.
    pub running: bool,
    /// A fine-tuned model awaits the decision to adopt it.
    pub pending: bool,
    /// The reviewer has given a name.
    pub named: bool,
    /// The active model replaced another one through the record.
    pub revertible: bool,
}

/// State of the review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReviewContext {
    /// A record is open.
    pub open: bool,
    /// A part is selected.
    pub part: bool,
    /// The file of the part no longer holds the image that was judged.
    pub replaced: bool,
    /// A verdict can be given: a part is selected and the reviewer has a name.
    pub ready: bool,
    /// The part has anomaly regions on show.
    pub regions: bool,
    /// The verdicts of the model and of other reviewers are hidden.
    pub blind: bool,
    /// A verdict can be undone.
    pub undo: bool,
    /// Number of defect types that can be assigned.
    pub defect_types: usize,
    /// An export is running.
    pub exporting: bool,
}

/// State of the evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvaluationContext {
    /// Images are being read or inspected, or a report is being written.
    pub running: bool,
    /// There is a test that can be resumed or repeated.
    pub repeatable: bool,
    /// The test has inspected images.
    pub images: bool,
    /// A report can be written.
    pub report: bool,
    /// The displayed score and rate can be applied to the model.
    pub adopt: bool,
    /// The test has labelled defects of the active model.
    pub reweight: bool,
    /// The score weights come from labelled defects.
    pub reweighted: bool,
}

/// State of the selected image of the Inspect page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryContext {
    /// An image is selected.
    pub any: bool,
    /// The list has other images.
    pub others: bool,
    /// It waits, or its inversion is running or paused.
    pub running: bool,
    /// Its inspection has a result.
    pub finished: bool,
    /// Its images are in memory.
    pub images: bool,
    /// Reconstructions of several steps are stored.
    pub frames: bool,
    /// It has anomaly regions.
    pub regions: bool,
    /// A change to the regions can be undone.
    pub undo: bool,
    /// It is part of a test, which has another part with this outcome before it.
    pub alike_before: bool,
    /// It is part of a test, which has another part with this outcome after it.
    pub alike_after: bool,
}
