//! Requests to fine-tune the active model on verdicts.

use std::path::PathBuf;

/// A fine-tuning on the verdicts of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinetuneSpec {
    /// The record; its verdicts are read when the fine-tuning starts.
    pub record: PathBuf,
    /// Train the generator and D on too; without it the critic, what is usual and the calibration follow the verdicts.
    pub generator: bool,
    /// Where the new model goes.
    pub out: PathBuf,
}

/// What can be asked about learning from verdicts.
#[derive(Clone, Debug)]
pub enum FinetuneRequest {
    /// Teaches a copy of the model in force. Nothing is put in force by it. One that goes on is ended first.
    Begin(FinetuneSpec),
    /// Ends it; no file is left.
    Cancel,
}
