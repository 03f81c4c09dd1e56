//! How far the making of a model is, part by part and as a whole, and how long it still takes.

/// One part of the making of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuildPart {
    /// The encoder is trained.
    Encoder,
    /// The critic is trained on forged defects.
    Critic,
    /// The critic is shown healthy images.
    Usual,
    /// Held-out images are inspected.
    Calibration,
}

impl BuildPart {
    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Encoder => "Encoder",
            Self::Critic => "Critic",
            Self::Usual => "What is usual",
            Self::Calibration => "Calibration",
        }
    }

    /// What is being done.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Encoder => "training the encoder",
            Self::Critic => "training the critic on forged defects",
            Self::Usual => "showing the critic what is usual",
            Self::Calibration => "calibrating on held-out images",
        }
    }

    /// What it is good for, in one sentence.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Encoder => "The encoder learns to guess the z that an inspection begins with.",
            Self::Critic => "The critic learns from forged defects where a surface stops being itself.",
            Self::Usual => "Healthy images that the critic was not trained on say what is usual.",
            Self::Calibration => "Held-out images tell how odd a good part may look.",
        }
    }
}

/// How far one part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartProgress {
    /// Which.
    pub part: BuildPart,
    /// How much of it is done, in steps or images.
    pub done: u64,
    /// How much of it there is.
    pub total: u64,
}

impl PartProgress {
    /// Share that is done, 0 to 1.
    pub fn share(&self) -> f32 {
        if self.total == 0 { 0.0 } else { (self.done as f64 / self.total as f64).min(1.0) as f32 }
    }
}

/// How far the making of a model is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BuildProgress {
    /// Every part that this model has, in their order.
    pub parts: Vec<PartProgress>,
    /// The place of the part in hand.
    pub at: usize,
    /// Share of the whole that is done, 0 to 1: of its time, once that is known.
    pub share: f32,
}

impl BuildProgress {
    /// The part in hand; `None` before the first.
    pub fn now(&self) -> Option<&PartProgress> {
        self.parts.get(self.at)
    }

    /// Which part is in hand and how far it is: "part 2 of 4, training the critic on forged defects, 21 %".
    pub fn words(&self) -> String {
        match self.now() {
            Some(now) => format!(
                "part {} of {}, {}, {:.0} %",
                self.at + 1,
                self.parts.len(),
                now.part.doing(),
                (100.0 * now.share()).floor()
            ),
            None => "about to begin".to_owned(),
        }
    }
}

/// One part and its clock.
#[derive(Debug)]
struct Planned {
    progress: PartProgress,
    /// What was done before its clock was started.
    before: u64,
    /// Seconds that it has taken so far.
    seconds: f64,
    /// Seconds a unit, by a trial before its turn.
    guess: Option<f64>,
}

impl Planned {
    fn is_over(&self) -> bool {
        self.progress.done >= self.progress.total
    }

    /// Seconds a unit: measured, else by the trial.
    fn pace(&self) -> Option<f64> {
        match self.progress.done.saturating_sub(self.before) {
            0 => self.guess,
            done => Some(self.seconds / done as f64),
        }
    }

    /// Seconds that are left, once that can be told.
    fn left(&self) -> Option<f64> {
        let units = self.progress.total.saturating_sub(self.progress.done);
        if units == 0 { Some(0.0) } else { self.pace().map(|pace| pace * units as f64) }
    }
}

/// The parts of a model in the making, each with its clock.
#[derive(Debug)]
pub(crate) struct BuildSchedule {
    parts: Vec<Planned>,
    at: usize,
    /// The largest share so far: a bar does not go backwards when a pace turns out slower than thought.
    share: f32,
}

impl BuildSchedule {
    /// These parts in their order, with how much there is of each; those of nothing are left out.
    pub(crate) fn new(parts: impl IntoIterator<Item = (BuildPart, u64)>) -> Self {
        let planned = |(part, total)| Planned {
            progress: PartProgress { part, done: 0, total },
            before: 0,
            seconds: 0.0,
            guess: None,
        };
        Self { parts: parts.into_iter().filter(|p| p.1 > 0).map(planned).collect(), at: 0, share: 0.0 }
    }

    /// How long a unit of a part took when it was tried out.
    pub(crate) fn guess(&mut self, part: BuildPart, seconds: f64) {
        if let Some(planned) = self.parts.iter_mut().find(|p| p.progress.part == part) {
            planned.guess = Some(seconds.max(0.0));
        }
    }

    /// A part's turn has come, `done` of it being done already.
    pub(crate) fn enter(&mut self, part: BuildPart, done: u64) {
        if let Some(at) = self.parts.iter().position(|p| p.progress.part == part) {
            for past in &mut self.parts[..at] {
                past.progress.done = past.progress.total;
            }
            self.at = at;
            let now = &mut self.parts[at];
            (now.progress.done, now.before, now.seconds) = (done, done, 0.0);
        }
    }

    /// How much of the part in hand is done, `seconds` after its turn came.
    pub(crate) fn note(&mut self, done: u64, seconds: f64) {
        if let Some(now) = self.parts.get_mut(self.at) {
            now.progress.done = done.min(now.progress.total);
            now.seconds = seconds;
        }
        self.share = self.share.max(self.whole());
    }

    /// Seconds that the whole still takes; `None` while a part is left whose pace nobody knows.
    pub(crate) fn seconds_left(&self) -> Option<f64> {
        self.parts.iter().map(Planned::left).sum()
    }

    /// Share of the whole: of its time where that is known, else every part counts the same.
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

    /// What is shown of it.
    pub(crate) fn making(&self) -> BuildProgress {
        BuildProgress { parts: self.parts.iter().map(|p| p.progress).collect(), at: self.at, share: self.share }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> BuildSchedule {
        BuildSchedule::new([
            (BuildPart::Encoder, 100),
            (BuildPart::Critic, 50),
            (BuildPart::Usual, 20),
            (BuildPart::Calibration, 10),
        ])
    }

    #[test]
    fn the_time_left_is_that_of_the_whole() {
        let mut schedule = schedule();
        for (part, seconds) in [(BuildPart::Critic, 0.2), (BuildPart::Usual, 0.1), (BuildPart::Calibration, 1.0)] {
            schedule.guess(part, seconds);
        }
        schedule.enter(BuildPart::Encoder, 0);
        assert_eq!(schedule.seconds_left(), None, "nobody knows yet how long a step of the encoder takes");
        schedule.note(50, 5.0);
        // 5 s of the encoder, 10 s of the critic, 2 s of what is usual and 10 s of calibration are left.
        assert_eq!(schedule.seconds_left(), Some(27.0));
        assert!((schedule.making().share - 5.0 / 32.0).abs() < 1e-6);
        schedule.note(100, 10.0);
        // Two steps were done when it was tried out; they are not on its clock.
        schedule.enter(BuildPart::Critic, 2);
        schedule.note(26, 12.0);
        // What is measured counts more than the trial: half a second a step.
        assert_eq!(schedule.seconds_left(), Some(24.0));
        let making = schedule.making();
        assert_eq!((making.at, making.now().unwrap().done), (1, 26));
        assert_eq!(making.words(), "part 2 of 4, training the critic on forged defects, 52 %");
    }

    #[test]
    fn what_is_unknown_is_not_told() {
        let mut schedule = schedule();
        schedule.enter(BuildPart::Encoder, 0);
        schedule.note(50, 5.0);
        assert_eq!(schedule.seconds_left(), None);
        assert!((schedule.making().share - 0.125).abs() < 1e-6, "each part counts the same");
        schedule.enter(BuildPart::Calibration, 0);
        schedule.note(5, 10.0);
        assert_eq!(schedule.seconds_left(), Some(10.0), "the last part is all that is left");
    }

    #[test]
    fn the_bar_never_goes_back_and_ends_full() {
        let mut schedule = schedule();
        for part in [BuildPart::Critic, BuildPart::Usual, BuildPart::Calibration] {
            schedule.guess(part, 0.01);
        }
        schedule.enter(BuildPart::Encoder, 0);
        schedule.note(90, 1.0);
        let before = schedule.making().share;
        schedule.enter(BuildPart::Critic, 0);
        // A hundred times slower than it was in the trial.
        schedule.note(1, 1.0);
        assert_eq!(schedule.making().share, before);
        schedule.enter(BuildPart::Calibration, 0);
        schedule.note(10, 1.0);
        let making = schedule.making();
        assert_eq!(
            (making.share, making.words().as_str()),
            (1.0, "part 4 of 4, calibrating on held-out images, 100 %")
        );
        assert!(making.parts.iter().all(|p| p.done == p.total));
    }

    #[test]
    fn parts_of_nothing_are_left_out() {
        let schedule = BuildSchedule::new([
            (BuildPart::Encoder, 5),
            (BuildPart::Critic, 0),
            (BuildPart::Usual, 0),
            (BuildPart::Calibration, 9),
        ]);
        let parts: Vec<BuildPart> = schedule.making().parts.iter().map(|p| p.part).collect();
        assert_eq!(parts, [BuildPart::Encoder, BuildPart::Calibration]);
        assert_eq!(BuildProgress::default().words(), "about to begin");
    }
}
