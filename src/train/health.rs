//! How a run is doing, in one sentence, with the advice that the talk gives for it.

use super::history::{History, Metric};

/// A run's health as its curves tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Too early to tell.
    #[default]
    Unknown,
    /// Nothing wrong.
    Good,
    /// The samples have become alike.
    Collapsed,
    /// D sees through nearly every sample, by a margin that G can still follow.
    DAhead,
    /// D sees through nearly every sample and leaves G nothing to learn from.
    DTooStrong,
    /// D tells real from generated worse than a coin would.
    DTooWeak,
    /// Losses or gradients grow without end.
    Diverging,
    /// G's gradient has all but vanished.
    Saturated,
    /// NaN or infinity turned up; the last good checkpoint was restored.
    NotFinite,
}

/// Rows looked back upon: about as many as a person watches go by before judging.
const WINDOW: usize = 100;

/// Loss of G in nats at which D gives its samples one chance in a hundred of being real.
const HOPELESS: f32 = 4.6;

/// Fewer rows than this say nothing.
const LEAST: usize = 50;

impl Health {
    /// Judges the newest rows of a run.
    ///
    /// The thresholds are for losses in nats and accuracies as shares. An untrained D loses
    /// ln 2 = 0.69 on each side; a loss of 8 means a probability of 0.0003 given to the truth.
    pub fn of(history: &History) -> Self {
        let recent = |metric| recent_mean(history.column(metric));
        let (Some(real), Some(fake), Some(g_loss), Some(g_norm)) = (
            recent(Metric::DAccuracyReal),
            recent(Metric::DAccuracyFake),
            recent(Metric::GLoss),
            recent(Metric::GradNormG),
        ) else {
            return Self::Unknown;
        };
        let success = recent(Metric::GSuccess).unwrap_or(1.0 - fake);
        let d_norm = recent(Metric::GradNormD).unwrap_or(0.0);
        let diversity = history.column(Metric::Diversity).iter().rev().copied().find(|v| v.is_finite());
        if g_loss > 12.0 || g_norm > 1e4 || d_norm > 1e4 {
            Self::Diverging
        } else if g_norm < 1e-5 {
            Self::Saturated
        } else if diversity.is_some_and(|d| d < 0.15) {
            Self::Collapsed
        } else if real > 0.65 && fake > 0.85 && success < 0.02 {
            // G's loss is how sure D is: past this, its gradient tells G next to nothing.
            if g_loss > HOPELESS { Self::DTooStrong } else { Self::DAhead }
        } else if real + fake < 0.8 {
            Self::DTooWeak
        } else {
            Self::Good
        }
    }

    /// Whether the user should look.
    pub fn is_alarm(self) -> bool {
        !matches!(self, Self::Unknown | Self::Good | Self::DAhead)
    }

    /// What is the case, in plain words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unknown => "Too early to tell how the run is doing.",
            Self::Good => "G and D are in balance.",
            Self::Collapsed => "The samples have become alike: the generator has collapsed.",
            Self::DAhead => "D is ahead of G, by a margin that G still learns from.",
            Self::DTooStrong => "D sees through nearly every sample: it is too strong for G to learn from.",
            Self::DTooWeak => "D is wrong more often than a coin: it is too weak to guide G.",
            Self::Diverging => "Losses or gradients grow without end: the run is diverging.",
            Self::Saturated => "G's gradient has all but vanished: the run is saturated.",
            Self::NotFinite => "A value became infinite; the last good checkpoint was restored and the run is paused.",
        }
    }

    /// What the talk advises, or empty.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Unknown | Self::Good | Self::DAhead => "",
            Self::Collapsed => "Lower G's learning rate, add input noise to D, or go back to an earlier checkpoint.",
            Self::DTooStrong => {
                "Give G two updates a step, make D wait (train D only if G succeeds above 0.25), flip some labels or add noise."
            }
            Self::DTooWeak => "Give D two updates a step, take noise and label flips away, or raise D's learning rate.",
            Self::Diverging => {
                "Lower both learning rates by a factor of two to ten; soft labels (0.1 and 0.9) help too."
            }
            Self::Saturated => "Soften the labels, add input noise to D, or use SGD for D.",
            Self::NotFinite => "Lower the learning rates before you go on.",
        }
    }
}

/// Mean of the finite values among the newest rows; `None` while there are too few.
fn recent_mean(column: &[f32]) -> Option<f32> {
    let tail = &column[column.len().saturating_sub(WINDOW)..];
    let finite: Vec<f32> = tail.iter().copied().filter(|v| v.is_finite()).collect();
    (finite.len() >= LEAST).then(|| finite.iter().sum::<f32>() / finite.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows: usize, edit: impl Fn(&mut [f32; Metric::ALL.len()])) -> Health {
        let mut history = History::default();
        let mut row = [f32::NAN; Metric::ALL.len()];
        for (metric, value) in [
            (Metric::GLoss, 0.9),
            (Metric::DAccuracyReal, 0.6),
            (Metric::DAccuracyFake, 0.6),
            (Metric::GradNormG, 1.0),
            (Metric::GradNormD, 1.0),
            (Metric::Diversity, 0.8),
        ] {
            row[metric as usize] = value;
        }
        edit(&mut row);
        for step in 0..rows {
            history.push(step as u64, 0.0, &row);
        }
        Health::of(&history)
    }

    #[test]
    fn each_ailment_is_told_from_the_others() {
        assert_eq!(run(LEAST - 1, |_| {}), Health::Unknown);
        assert_eq!(run(200, |_| {}), Health::Good);
        assert_eq!(run(200, |r| r[Metric::Diversity as usize] = 0.05), Health::Collapsed);
        assert_eq!(run(200, |r| r[Metric::GLoss as usize] = 30.0), Health::Diverging);
        assert_eq!(run(200, |r| r[Metric::GradNormG as usize] = 1e-7), Health::Saturated);
        let ahead = |loss: f32| {
            run(200, |r| {
                r[Metric::DAccuracyReal as usize] = 0.9;
                r[Metric::DAccuracyFake as usize] = 0.97;
                r[Metric::GSuccess as usize] = 0.01;
                r[Metric::GLoss as usize] = loss;
            })
        };
        assert_eq!(ahead(3.0), Health::DAhead);
        assert!(!ahead(3.0).is_alarm());
        assert_eq!(ahead(6.0), Health::DTooStrong);
        let unsure = run(200, |r| {
            r[Metric::DAccuracyReal as usize] = 0.7;
            r[Metric::DAccuracyFake as usize] = 0.99;
            r[Metric::GSuccess as usize] = 0.003;
        });
        assert_eq!(unsure, Health::DAhead, "G fools D next to never, however unsure D is of real crops");
        let weak = run(200, |r| {
            r[Metric::DAccuracyReal as usize] = 0.3;
            r[Metric::DAccuracyFake as usize] = 0.3;
        });
        assert_eq!(weak, Health::DTooWeak);
    }

    #[test]
    fn every_alarm_comes_with_advice() {
        for health in [
            Health::Collapsed,
            Health::DTooStrong,
            Health::DTooWeak,
            Health::Diverging,
            Health::Saturated,
            Health::NotFinite,
        ] {
            assert!(health.is_alarm() && !health.advice().is_empty());
        }
    }
}
