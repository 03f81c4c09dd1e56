//! Requests to fine-tune the active model on verdicts.

use std::path::PathBuf;

/// A fine-tuning on the verdicts of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinetuneSpec {
    /// The record; its verdicts are read when the fine-tuning starts.
    pub record: PathBuf,
    /// Also train generator and discriminator; otherwise only the critic, the normal statistics and the calibration.
    pub generator: bool,
    /// File of the new model.
    pub out: PathBuf,
}

/// A request to the fine-tuning task.
#[derive(Clone, Debug)]
pub enum FinetuneRequest {
    /// Fine-tunes a copy of the active model, which stays active. A running fine-tuning is cancelled first.
    Begin(FinetuneSpec),
    /// Cancels it; no file is written.
    Cancel,
}
