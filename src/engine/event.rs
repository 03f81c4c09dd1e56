//! Events from the engine's threads to the window or the command line.

use std::path::PathBuf;

/// How serious a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something went as asked.
    Info,
    /// Something went differently than asked, and work goes on.
    Warning,
    /// Something could not be done.
    Error,
}

/// An event from one of the engine's threads.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A sentence for the user, and technical detail to fold out.
    Notice {
        /// How serious.
        severity: Severity,
        /// What happened, to which file, and what to do.
        text: String,
        /// Detail for a report, or empty.
        detail: String,
    },
    /// A run was begun or taken up in this folder.
    Opened(PathBuf),
    /// A run was closed at this step; the folder can be resumed.
    Closed {
        /// The run's folder.
        run: PathBuf,
        /// Steps done.
        step: u64,
    },
}
