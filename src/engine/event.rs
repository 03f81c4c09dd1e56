//! Events from the engine's threads to the window or the command line.

use std::path::PathBuf;

/// Severity of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something was done.
    Info,
    /// Something went wrong, but work continues.
    Warning,
    /// Something could not be done.
    Error,
}

/// An event from one of the engine's threads.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A notice for the user.
    Notice {
        /// Its severity.
        severity: Severity,
        /// The event, the file, and what to do.
        text: String,
        /// Technical detail, or empty.
        detail: String,
    },
    /// A run was started or resumed in this folder.
    Opened(PathBuf),
    /// A run was closed at this step; the folder can be resumed.
    Closed {
        /// The run's folder.
        run: PathBuf,
        /// Steps done.
        step: u64,
    },
}
