//! Pauses between attempts to use a record that is locked or whose disk is full.

use std::time::Duration;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let mut pauses = RetryTiming::default().pauses();
        let first: Vec<u128> = (0..7).map(|_| pauses.next().as_millis()).collect();
        assert_eq!(first, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    }
}
