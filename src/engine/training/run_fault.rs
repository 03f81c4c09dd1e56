//! Errors that interrupt a run, and the wait for those that pass.

use std::time::Instant;

use crate::{
    data::DataError,
    engine::intake::retry::{Pauses, RetryTiming},
    files::FileError,
    train::{TrainError, run_folder::RunError},
};

/// An error that interrupts a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunFault {
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The run's folder failed.
    #[error(transparent)]
    Folder(#[from] RunError),
    /// The run's log failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The images failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A sample grid could not be encoded.
    #[error("a sample grid could not be encoded for the log: {0}")]
    Encode(#[from] image::ImageError),
}

impl RunFault {
    /// Why the run's folder cannot be written at the moment, if that may pass: its disk is full.
    pub(super) fn passing(&self) -> Option<String> {
        let full = matches!(
            self,
            Self::File(FileError::DiskFull { .. }) | Self::Folder(RunError::File(FileError::DiskFull { .. }))
        );
        full.then(|| self.to_string().split("; ").next().unwrap_or_default().to_owned())
    }
}

/// The wait of a run until its folder can be written again.
#[derive(Debug, Default)]
pub(super) struct RunStall {
    /// Time of the next attempt, and the pauses; `None` while the run does not wait.
    next: Option<(Instant, Pauses)>,
}

impl RunStall {
    /// Waits for the next attempt; returns whether the wait begins.
    pub(super) fn wait(&mut self) -> bool {
        let begins = self.next.is_none();
        let mut pauses = self.next.map_or_else(|| RetryTiming::default().pauses(), |(_, pauses)| pauses);
        self.next = Some((Instant::now() + pauses.next(), pauses));
        begins
    }

    /// Ends the wait.
    pub(super) fn end(&mut self) {
        self.next = None;
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.next.is_some()
    }

    /// Whether the next attempt is due.
    pub(super) fn is_due(&self) -> bool {
        self.next.is_some_and(|(next, _)| next <= Instant::now())
    }
}
