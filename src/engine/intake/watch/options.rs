//! The options of a watch, and the notices that it sends.

use super::queue::Timing;
use crate::{engine::event::Severity, inspect::FrameLimit};

/// Options of a watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchOptions {
    /// Include subfolders, also those created later.
    pub recursive: bool,
    /// Times to wait for files.
    pub timing: Timing,
    /// End when all files in the folder are on record.
    pub once: bool,
    /// The largest image that can be inspected; a larger one is quarantined before it is decoded. `None` for any size.
    pub limit: Option<FrameLimit>,
}

/// A notice for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchNotice {
    /// Its severity.
    pub severity: Severity,
    /// The event, the file or folder, and what to do.
    pub text: String,
}
