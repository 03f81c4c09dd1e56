//! The remaining time of work in progress.

/// Seconds of work after which a pace is a measurement, and units after which it is one earlier.
const MEASURED_SECONDS: f64 = 1.0;
const MEASURED_UNITS: f64 = 3.0;

/// Samples kept. Beyond it, every other one is removed.
const MOST_SAMPLES: usize = 256;

/// Estimates the remaining time of a stage of work from the pace that is measured, of the later half of the time so far, so
/// that it follows work that slows down or speeds up.
///
/// Within a stage, a time that was given never rises by more than half: where the pace drops further, it stays there until the
/// work has caught up.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeLeft {
    /// Seconds of work so far and units done, ascending.
    samples: Vec<(f64, f64)>,
    bound: Bound,
}

impl TimeLeft {
    /// Takes in that `done` units are done after `seconds` of work in this stage, with `left` more to do; returns the remaining
    /// seconds once they can be told.
    pub(crate) fn update(&mut self, seconds: f64, done: f64, left: f64) -> Option<f64> {
        if self.samples.last().is_some_and(|last| seconds < last.0 || done < last.1) {
            *self = Self::default();
        }
        if self.samples.last().is_none_or(|last| done > last.1) {
            self.samples.push((seconds, done));
            if self.samples.len() > MOST_SAMPLES {
                let mut keep = false;
                self.samples.retain(|_| {
                    keep = !keep;
                    keep
                });
            }
        }
        if left <= 0.0 {
            return Some(0.0);
        }
        let pace = self.pace(seconds, done)?;
        // The first moments do not bind what follows.
        Some(if seconds < MEASURED_SECONDS { pace * left } else { self.bound.hold(pace * left) })
    }

    /// Seconds per unit, once enough was measured.
    fn pace(&self, seconds: f64, done: f64) -> Option<f64> {
        if done <= 0.0 || seconds < MEASURED_SECONDS && done < MEASURED_UNITS {
            return None;
        }
        // The sample in the middle of the time so far; the stage's start if there is none.
        let middle = self.samples.partition_point(|sample| sample.0 <= 0.5 * seconds);
        let from = middle.checked_sub(1).and_then(|i| self.samples.get(i)).copied().unwrap_or_default();
        let from = if done > from.1 { from } else { (0.0, 0.0) };
        Some((seconds - from.0) / (done - from.1))
    }
}

/// Estimates the remaining time of a queue of whole units to which more are added while it is worked on: a time that was given
/// binds only until there is more to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backlog {
    left: TimeLeft,
    /// Units done and waiting at the last update, and the time that was given.
    last: Option<((usize, usize), Option<f64>)>,
}

impl Backlog {
    /// Takes in that `done` units are done after `seconds` of work, and that `waiting` more are there; returns the remaining
    /// seconds once they can be told.
    pub(crate) fn update(&mut self, seconds: f64, done: usize, waiting: usize) -> Option<f64> {
        let now = (done, waiting);
        match self.last {
            // While a unit is worked on, nothing is known of it.
            Some((last, told)) if last == now => return told,
            Some((last, _)) if done + waiting > last.0 + last.1 => self.left.bound = Bound::default(),
            _ => {}
        }
        let told = self.left.update(seconds, done as f64, waiting as f64);
        self.last = Some((now, told));
        told
    }
}

/// Keeps a time from rising by more than half above the lowest that was given before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bound {
    lowest: Option<f64>,
}

impl Bound {
    /// Returns the time to show for an estimate of `seconds`, and notes it.
    pub(crate) fn hold(&mut self, seconds: f64) -> f64 {
        let shown = self.of(seconds);
        self.lowest = Some(self.lowest.map_or(shown, |lowest| lowest.min(shown)));
        shown
    }

    /// Returns the time to show for an estimate of `seconds`.
    pub(crate) fn of(&self, seconds: f64) -> f64 {
        // Seconds below this are all "a moment", and would tie the time to nothing.
        self.lowest.map_or(seconds, |lowest| seconds.min(1.5 * lowest.max(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times given during a stage whose units take `seconds(unit)`, with the true ones.
    fn told(units: u32, seconds: impl Fn(u32) -> f64) -> Vec<(f64, f64)> {
        let whole: f64 = (0..units).map(&seconds).sum();
        let (mut left, mut now, mut all) = (TimeLeft::default(), 0.0, Vec::new());
        for unit in 0..units {
            now += seconds(unit);
            if let Some(told) = left.update(now, f64::from(unit + 1), f64::from(units - unit - 1)) {
                all.push((told, whole - now));
            }
        }
        all
    }

    fn never_rises_by_more_than_half(told: &[(f64, f64)]) {
        let mut lowest = f64::INFINITY;
        for (time, _) in told {
            assert!(*time <= 1.5 * lowest.max(1.0) + 1e-9, "{time} s after {lowest} s");
            lowest = lowest.min(*time);
        }
    }

    #[test]
    fn a_steady_pace_is_told_exactly() {
        let told = told(400, |_| 0.25);
        assert!(told.len() > 390, "it is told early: {}", told.len());
        for (time, truth) in told {
            assert!((time - truth).abs() < 1e-6, "{time} s of {truth} s");
        }
        assert_eq!(TimeLeft::default().update(0.2, 1.0, 99.0), None, "one short step is no measurement");
        assert_eq!(TimeLeft::default().update(9.0, 0.0, 99.0), None);
    }

    #[test]
    fn a_pace_that_changes_is_followed_within_bounds() {
        let wave = |unit: u32| 0.5 + 0.4 * (f64::from(unit) / 7.0).sin();
        // Each step a little slower than the one before, to three times the first.
        let slowing = |unit: u32| 0.2 + 0.4 * f64::from(unit) / 600.0;
        let quickening = |unit: u32| 0.6 - 0.4 * f64::from(unit) / 600.0;
        // The first steps are quick or slow: kernels are tuned, files are in the cache.
        let warm = |unit: u32| if unit < 5 { 4.0 } else { 0.3 };
        let burst = |unit: u32| if unit < 60 { 0.1 } else { 0.3 };
        for (name, units, pace) in [
            ("wave", 600, &wave as &dyn Fn(u32) -> f64),
            ("slowing", 600, &slowing),
            ("quickening", 600, &quickening),
            ("warm", 600, &warm),
            ("burst", 600, &burst),
        ] {
            let told = told(units, pace);
            never_rises_by_more_than_half(&told);
            // In the second half, a time is between half and twice the truth.
            for (time, truth) in &told[told.len() / 2..told.len() - 20] {
                assert!((0.5..2.0).contains(&(time / truth)), "{name}: {time} s of {truth} s");
            }
        }
    }

    #[test]
    fn a_stall_does_not_multiply_the_time() {
        let told = told(100, |unit| if unit == 50 { 300.0 } else { 1.0 });
        never_rises_by_more_than_half(&told);
    }

    #[test]
    fn another_stage_is_measured_anew() {
        let mut left = TimeLeft::default();
        for second in 1..=50 {
            left.update(f64::from(second), f64::from(second), f64::from(50 - second));
        }
        // Ten times slower: its clock and its count begin again.
        assert_eq!(left.update(10.0, 1.0, 9.0), Some(90.0));
    }

    #[test]
    fn more_work_frees_the_time_and_a_slow_unit_does_not() {
        let mut queue = Backlog::default();
        for unit in 1..=20 {
            queue.update(0.5 * unit as f64, unit, 30 - unit);
        }
        assert_eq!(queue.update(10.0, 20, 10), Some(5.0));
        // A unit that takes long says nothing before it is done, and then raises the time by half at most.
        assert_eq!(queue.update(40.0, 20, 10), Some(5.0));
        assert!(queue.update(100.0, 21, 9).is_some_and(|left| left <= 7.5));
        let mut queue = Backlog::default();
        for unit in 1..=20 {
            queue.update(0.5 * unit as f64, unit, 30 - unit);
        }
        // A thousand parts arrive: the pace is known, and the time follows.
        assert_eq!(queue.update(10.0, 20, 1_010), Some(505.0));
        // The queue was cleared and filled again.
        assert_eq!(queue.update(12.0, 20, 0), Some(0.0));
        assert!(queue.update(12.0, 20, 100).is_some_and(|left| left > 40.0));
    }

    #[test]
    fn memory_stays_small() {
        let mut left = TimeLeft::default();
        for step in 1..100_000 {
            left.update(f64::from(step), f64::from(step), 5.0);
        }
        assert!(left.samples.len() <= MOST_SAMPLES);
        assert!((left.update(200_000.0, 100_000.0, 10.0).unwrap_or(0.0)) <= 15.0);
    }
}
