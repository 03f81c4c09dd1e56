//! Pauses between attempts to use a record that is locked or whose disk is full.

use std::{thread, time::Duration};

use crate::review::RecordError;

/// Longest sleep within which a wait that is stopped ends.
const TICK: Duration = Duration::from_millis(50);

/// How long an access waits for another program, and how long the pauses between two attempts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryTiming {
    /// Longest wait of one access for another program; a stop is noticed within this time.
    pub busy: Duration,
    /// First pause; each is twice as long as the one before.
    pub first: Duration,
    /// Longest pause.
    pub longest: Duration,
}

impl Default for RetryTiming {
    /// A quarter of a second, and up to five seconds.
    fn default() -> Self {
        let quarter = Duration::from_millis(250);
        Self { busy: quarter, first: quarter, longest: Duration::from_secs(5) }
    }
}

impl RetryTiming {
    /// Returns the pauses of one wait.
    pub(crate) fn pauses(self) -> Pauses {
        Pauses { next: self.first, longest: self.longest }
    }
}

/// The pauses of one wait, growing up to a limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    /// Returns the next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next.min(self.longest);
        self.next = pause.saturating_mul(2);
        pause
    }
}

/// Accesses a record until that succeeds or fails for good. While it is locked or its disk is full, `pause` is called with the
/// error and the time until the next attempt, waits, and returns whether to go on.
///
/// # Errors
/// An error that does not pass by itself, or the last one when `pause` says to stop.
pub(crate) fn when_usable<T>(
    timing: RetryTiming,
    mut access: impl FnMut() -> Result<T, RecordError>,
    mut pause: impl FnMut(&RecordError, Duration) -> bool,
) -> Result<T, RecordError> {
    let mut pauses = timing.pauses();
    loop {
        match access() {
            Err(error) if error.is_passing() && pause(&error, pauses.next()) => {}
            done => return done,
        }
    }
}

/// Returns an error of the record without its advice, which nobody need follow while the access is repeated.
pub(crate) fn without_advice(error: &str) -> &str {
    error.rsplit_once("; ").map_or(error, |(what, _)| what)
}

/// Sleeps, unless `stopped`; returns whether it was not.
pub(crate) fn sleep_unless(stopped: impl Fn() -> bool, mut left: Duration) -> bool {
    while !left.is_zero() && !stopped() {
        let tick = left.min(TICK);
        thread::sleep(tick);
        left -= tick;
    }
    !stopped()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_is_repeated_while_its_error_passes() {
        for (last, stops_at) in [(true, usize::MAX), (false, usize::MAX), (true, 3)] {
            let (mut accesses, mut waited) = (0, Vec::new());
            let path = || "/parts/review.sqlite".into();
            let access = || {
                accesses += 1;
                match accesses {
                    1 | 3 => Err(RecordError::Busy(path())),
                    2 => Err(RecordError::DiskFull(path())),
                    _ if last => Ok(accesses),
                    _ => Err(RecordError::Foreign(path())),
                }
            };
            let result = when_usable(RetryTiming::default(), access, |_, pause| {
                waited.push(pause.as_millis());
                waited.len() < stops_at
            });
            assert_eq!(waited, [250, 500, 1_000]);
            match (last, stops_at) {
                (true, 3) => assert!(matches!(result, Err(RecordError::Busy(_))), "it was stopped while it waited"),
                (true, _) => assert_eq!(result.ok(), Some(4)),
                _ => assert!(matches!(result, Err(RecordError::Foreign(_)))),
            }
        }
    }

    #[test]
    fn a_wait_that_is_stopped_ends_soon() {
        assert!(!sleep_unless(|| true, Duration::from_secs(3_600)));
        assert!(sleep_unless(|| false, Duration::ZERO));
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let mut pauses = RetryTiming::default().pauses();
        let first: Vec<u128> = (0..7).map(|_| pauses.next().as_millis()).collect();
        assert_eq!(first, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    }
}
