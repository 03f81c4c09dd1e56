//! Progress of a model build, per part and in total, and the remaining time.

use crate::time::{Bound, TimeLeft};

/// A part of a model build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuildPart {
    /// Trains the encoder.
    Encoder,
    /// Trains the critic on synthetic defects.
    Critic,
    /// Computes the normal statistics of the critic on healthy images.
    Statistics,
    /// Inspects the held-out images.
    Calibration,
}

impl BuildPart {
    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Encoder => "Encoder",
            Self::Critic => "Critic",
            Self::Statistics => "Normal statistics",
            Self::Calibration => "Calibration",
        }
    }

    /// Short description of the work.
    pub fn description(self) -> &'static str {
        match self {
            Self::Encoder => "training the encoder",
            Self::Critic => "training the critic on synthetic defects",
            Self::Statistics => "computing the normal statistics",
            Self::Calibration => "calibrating on held-out images",
        }
    }

    /// Its purpose, in one sentence.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Encoder => "The encoder predicts the z from which an inspection starts.",
            Self::Critic => "The critic learns from synthetic defects to locate damage.",
            Self::Statistics => "Healthy images that the critic was not trained on give the normal range of its maps.",
            Self::Calibration => "Held-out images give the distribution of healthy scores.",
        }
    }
}

/// Progress of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartProgress {
    /// The part.
    pub part: BuildPart,
    /// Steps or images done.
    pub done: u64,
    /// Total steps or images.
    pub total: u64,
}

impl PartProgress {
    /// Share that is done, 0 to 1.
    pub fn share(&self) -> f32 {
        if self.total == 0 { 0.0 } else { (self.done as f64 / self.total as f64).min(1.0) as f32 }
    }
}

/// Progress of a model build.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BuildProgress {
    /// The parts of this build, in order.
    pub parts: Vec<PartProgress>,
    /// Index of the current part.
    pub current: usize,
    /// Share of the whole that is done, 0 to 1; of the time, once known.
    pub share: f32,
}

impl BuildProgress {
    /// The current part; `None` before the first.
    pub fn current_part(&self) -> Option<&PartProgress> {
        self.parts.get(self.current)
    }

    /// Describes the progress: "part 2 of 4, training the critic on synthetic defects, 21 % of this part".
    pub fn description(&self) -> String {
        match self.current_part() {
            Some(now) => format!(
                "part {} of {}, {}, {:.0} % of this part",
                self.current + 1,
                self.parts.len(),
                now.part.description(),
                (100.0 * now.share()).floor()
            ),
            None => "starting".to_owned(),
        }
    }
}

/// One part and its timing.
#[derive(Debug)]
struct Planned {
    progress: PartProgress,
    /// Steps done before its turn.
    before: u64,
    /// Seconds taken so far.
    seconds: f64,
    /// Seconds per unit in a trial before its turn.
    estimate: Option<f64>,
    /// Remaining seconds as measured in its turn.
    left: Option<f64>,
    measured: TimeLeft,
}

impl Planned {
    fn is_over(&self) -> bool {
        self.progress.done >= self.progress.total
    }

    /// Remaining units.
    fn units_left(&self) -> f64 {
        self.progress.total.saturating_sub(self.progress.done) as f64
    }

    /// Remaining seconds: measured, else by the trial, which is `slower` than estimated.
    fn left(&self, slower: f64) -> Option<f64> {
        if self.units_left() == 0.0 {
            Some(0.0)
        } else {
            self.left.or(self.estimate.map(|e| e * slower * self.units_left()))
        }
    }

    /// Seconds that the trial promised for what is done, and those that it took.
    fn promised_and_taken(&self) -> Option<(f64, f64)> {
        let done = self.progress.done.saturating_sub(self.before) as f64;
        self.estimate.filter(|_| self.is_over() && self.seconds > 0.0).map(|estimate| (estimate * done, self.seconds))
    }
}

/// The parts of a model build with their timing.
#[derive(Debug)]
pub(crate) struct BuildSchedule {
    parts: Vec<Planned>,
    at: usize,
    /// The largest share so far, so that the progress bar never goes back.
    share: f32,
    /// Bounds the remaining time within the current part.
    bound: Bound,
}

impl BuildSchedule {
    /// Creates a schedule of parts with their totals; empty parts are left out.
    pub(crate) fn new(parts: impl IntoIterator<Item = (BuildPart, u64)>) -> Self {
        let planned = |(part, total)| Planned {
            progress: PartProgress { part, done: 0, total },
            before: 0,
            seconds: 0.0,
            estimate: None,
            left: None,
            measured: TimeLeft::default(),
        };
        Self {
            parts: parts.into_iter().filter(|p| p.1 > 0).map(planned).collect(),
            at: 0,
            share: 0.0,
            bound: Bound::default(),
        }
    }

    /// Sets the estimated seconds per unit of a part.
    pub(crate) fn set_estimate(&mut self, part: BuildPart, seconds: f64) {
        if let Some(planned) = self.parts.iter_mut().find(|p| p.progress.part == part) {
            planned.estimate = Some(seconds.max(0.0));
        }
    }

    /// Starts a part, `done` of which is done already.
    pub(crate) fn enter(&mut self, part: BuildPart, done: u64) {
        if let Some(at) = self.parts.iter().position(|p| p.progress.part == part) {
            for past in &mut self.parts[..at] {
                past.progress.done = past.progress.total;
            }
            self.at = at;
            self.bound = Bound::default();
            let now = &mut self.parts[at];
            (now.left, now.measured) = (None, TimeLeft::default());
            (now.progress.done, now.before, now.seconds) = (done, done, 0.0);
        }
    }

    /// Updates the current part, `seconds` after its start.
    pub(crate) fn update(&mut self, done: u64, seconds: f64) {
        if let Some(now) = self.parts.get_mut(self.at) {
            now.progress.done = done.min(now.progress.total);
            now.seconds = seconds;
            let done = now.progress.done.saturating_sub(now.before) as f64;
            let left = now.measured.update(seconds, done, now.units_left());
            now.left = left.filter(|_| done > 0.0);
        }
        if let Some(whole) = self.estimate() {
            self.bound.hold(whole);
        }
        self.share = self.share.max(self.whole());
    }

    /// Remaining seconds of the whole build; `None` while the time of a part is unknown.
    pub(crate) fn seconds_left(&self) -> Option<f64> {
        self.estimate().map(|whole| self.bound.of(whole))
    }

    /// Remaining seconds of all parts. What the finished ones took, compared with their trials, corrects the later ones.
    fn estimate(&self) -> Option<f64> {
        let over = self.parts.iter().filter_map(Planned::promised_and_taken);
        let (promised, taken) = over.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let slower = if promised > 0.0 { (taken / promised).clamp(0.25, 4.0) } else { 1.0 };
        self.parts.iter().map(|part| part.left(slower)).sum()
    }

    /// Share of the whole: of its time where known, else all parts count the same.
    fn whole(&self) -> f32 {
        if self.parts.iter().all(Planned::is_over) {
            return 1.0;
        }
        let spent: f64 = self.parts.iter().map(|p| p.seconds).sum();
        match self.seconds_left() {
            Some(left) if spent + left > 0.0 => (spent / (spent + left)) as f32,
            _ => self.parts.iter().map(|p| p.progress.share()).sum::<f32>() / self.parts.len().max(1) as f32,
        }
    }

    /// The progress to show.
    pub(crate) fn progress(&self) -> BuildProgress {
        BuildProgress { parts: self.parts.iter().map(|p| p.progress).collect(), current: self.at, share: self.share }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_are_corrected_and_the_time_never_rises_by_more_than_half_within_a_part() {
        let mut schedule = schedule();
        // Each part takes three times what its trial promised.
        let parts = [
            (BuildPart::Encoder, 100, 0.3),
            (BuildPart::Critic, 50, 1.2),
            (BuildPart::Statistics, 20, 0.9),
            (BuildPart::Calibration, 10, 6.0),
        ];
        for (part, _, each) in parts {
            schedule.set_estimate(part, each / 3.0);
        }
        let whole: f64 = parts.iter().map(|(_, units, each)| f64::from(*units) * each).sum();
        let mut spent = 0.0;
        for (part, units, each) in parts {
            schedule.enter(part, 0);
            let mut lowest = f64::INFINITY;
            for unit in 1..=units {
                schedule.update(unit as u64, f64::from(unit) * each);
                let left = schedule.seconds_left().unwrap();
                assert!(left <= 1.5 * lowest.max(1.0) + 1e-9, "{part:?}: {left} s after {lowest} s");
                lowest = lowest.min(left);
                let truth = whole - spent - f64::from(unit) * each;
                if part != BuildPart::Encoder && truth > 1.0 {
                    assert!((left / truth - 1.0).abs() < 0.05, "{part:?}: {left} s of {truth} s");
                }
            }
            spent += f64::from(units) * each;
        }
    }

    fn schedule() -> BuildSchedule {
        BuildSchedule::new([
            (BuildPart::Encoder, 100),
            (BuildPart::Critic, 50),
            (BuildPart::Statistics, 20),
            (BuildPart::Calibration, 10),
        ])
    }

    #[test]
    fn the_time_left_is_that_of_the_whole() {
        let mut schedule = schedule();
        for (part, seconds) in [(BuildPart::Critic, 0.2), (BuildPart::Statistics, 0.1), (BuildPart::Calibration, 1.0)] {
            schedule.set_estimate(part, seconds);
        }
        schedule.enter(BuildPart::Encoder, 0);
        assert_eq!(schedule.seconds_left(), None, "the duration of an encoder step is not known yet");
        schedule.update(50, 5.0);
        // 5 s of the encoder, 10 s of the critic, 2 s of the statistics and 10 s of calibration are left.
        assert_eq!(schedule.seconds_left(), Some(27.0));
        assert!((schedule.progress().share - 5.0 / 32.0).abs() < 1e-6);
        schedule.update(100, 10.0);
        // Two steps were done when it was tried out; they are not on its clock.
        schedule.enter(BuildPart::Critic, 2);
        schedule.update(26, 12.0);
        // The measured time replaces the estimate: half a second per step.
        assert_eq!(schedule.seconds_left(), Some(24.0));
        let progress = schedule.progress();
        assert_eq!((progress.current, progress.current_part().unwrap().done), (1, 26));
        assert_eq!(progress.description(), "part 2 of 4, training the critic on synthetic defects, 52 % of this part");
    }

    #[test]
    fn what_is_unknown_is_not_told() {
        let mut schedule = schedule();
        schedule.enter(BuildPart::Encoder, 0);
        schedule.update(50, 5.0);
        assert_eq!(schedule.seconds_left(), None);
        assert!((schedule.progress().share - 0.125).abs() < 1e-6, "each part counts the same");
        schedule.enter(BuildPart::Calibration, 0);
        schedule.update(5, 10.0);
        assert_eq!(schedule.seconds_left(), Some(10.0), "the last part is all that is left");
    }

    #[test]
    fn the_bar_never_goes_back_and_ends_full() {
        let mut schedule = schedule();
        for part in [BuildPart::Critic, BuildPart::Statistics, BuildPart::Calibration] {
            schedule.set_estimate(part, 0.01);
        }
        schedule.enter(BuildPart::Encoder, 0);
        schedule.update(90, 1.0);
        let before = schedule.progress().share;
        schedule.enter(BuildPart::Critic, 0);
        // A hundred times slower than it was in the trial.
        schedule.update(1, 1.0);
        assert_eq!(schedule.progress().share, before);
        schedule.enter(BuildPart::Calibration, 0);
        schedule.update(10, 1.0);
        let progress = schedule.progress();
        assert_eq!(
            (progress.share, progress.description().as_str()),
            (1.0, "part 4 of 4, calibrating on held-out images, 100 % of this part")
        );
        assert!(progress.parts.iter().all(|p| p.done == p.total));
    }

    #[test]
    fn parts_of_nothing_are_left_out() {
        let schedule = BuildSchedule::new([
            (BuildPart::Encoder, 5),
            (BuildPart::Critic, 0),
            (BuildPart::Statistics, 0),
            (BuildPart::Calibration, 9),
        ]);
        let parts: Vec<BuildPart> = schedule.progress().parts.iter().map(|p| p.part).collect();
        assert_eq!(parts, [BuildPart::Encoder, BuildPart::Calibration]);
        assert_eq!(BuildProgress::default().description(), "starting");
    }
}
