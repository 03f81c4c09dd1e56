//! Attempts to save the settings after a failure.

use std::time::{Duration, Instant};

/// Pause between two attempts to save the settings after a failure.
const RETRY: Duration = Duration::from_secs(10);

/// Attempts to save the settings after a failure.
#[derive(Debug, Default)]
pub(super) struct SaveRetry {
    /// The error on show, and the time of the next attempt.
    failed: Option<(String, Instant)>,
}

impl SaveRetry {
    /// Returns how long to wait for the next attempt; `None` where it is due.
    pub(super) fn wait(&self) -> Option<Duration> {
        let (_, next) = self.failed.as_ref()?;
        next.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }

    /// Notes a failure; returns whether its error is new.
    pub(super) fn failed(&mut self, error: &str) -> bool {
        let is_new = self.failed.as_ref().is_none_or(|(known, _)| known != error);
        self.failed = Some((error.to_owned(), Instant::now() + RETRY));
        is_new
    }

    /// Notes that the settings are saved; returns whether they could not be before.
    pub(super) fn succeeded(&mut self) -> bool {
        self.failed.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_attempt_is_told_once_and_repeated() {
        let mut retry = SaveRetry::default();
        assert!(retry.wait().is_none() && !retry.succeeded());
        assert!(retry.failed("the disk is full") && !retry.failed("the disk is full"));
        assert!(retry.wait().is_some_and(|wait| wait <= RETRY));
        assert!(retry.failed("permission denied"));
        assert!(retry.succeeded() && retry.wait().is_none() && !retry.succeeded());
    }
}
