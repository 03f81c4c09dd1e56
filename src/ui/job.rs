//! A long-running job, as the status bar shows it.

use super::Action;

/// A job that runs longer than a frame.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Name on screen: "Reading images".
    pub title: &'static str,
    /// Items done and in total; (0, 0) if unknown.
    pub progress: (usize, usize),
    /// Cancels the job.
    pub cancel: Action,
}
