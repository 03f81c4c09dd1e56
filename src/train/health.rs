//! Health of a run: a diagnosis from its curves with the advice of the talk.

use super::history::{History, Metric};

/// Diagnosis of a run from its curves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Too few steps for a diagnosis.
    #[default]
    Unknown,
    /// G and D are in balance.
    Good,
    /// The samples are nearly identical (mode collapse).
    Collapsed,
    /// D recognises nearly every sample, but G still gets a useful gradient.
    DAhead,
    /// D recognises nearly every sample, and G gets no useful gradient.
    DTooStrong,
    /// D is worse than chance.
    DTooWeak,
    /// Losses or gradients diverge.
    Diverging,
    /// G's gradient has nearly vanished.
    Saturated,
    /// A value became NaN or infinite; the last good checkpoint was restored.
    NotFinite,
}

/// Number of recent rows that are evaluated.
const WINDOW: usize = 100;

/// Loss of G in nats at which D assigns its samples a probability of 1 % of being real.
const TOO_STRONG_LOSS: f32 = 4.6;

/// Minimum number of rows for a diagnosis.
const MIN_ROWS: usize = 50;

impl Health {
    /// Diagnoses the latest rows of a run.
    ///
    /// The thresholds are for losses in nats and accuracies as shares. An untrained D has a loss of ln 2 = 0.69 on each
    /// side; a loss of 8 is a probability of 0.0003 for the correct label.
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
            // G's loss measures the confidence of D: above this value, the gradient is of hardly any use to G.
            if g_loss > TOO_STRONG_LOSS { Self::DTooStrong } else { Self::DAhead }
        } else if real + fake < 0.8 {
            Self::DTooWeak
        } else {
            Self::Good
        }
    }

    /// Whether the user should take action.
    pub fn is_alarm(self) -> bool {
        !matches!(self, Self::Unknown | Self::Good | Self::DAhead)
    }

    /// Describes the diagnosis in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unknown => "Too few steps for a diagnosis.",
            Self::Good => "G and D are in balance.",
            Self::Collapsed => "The samples are nearly identical: the generator has collapsed.",
            Self::DAhead => "D is ahead of G, but G still learns from it.",
            Self::DTooStrong => "D recognises nearly every sample: it is too strong for G to learn from.",
            Self::DTooWeak => "D is worse than chance: it is too weak to guide G.",
            Self::Diverging => "Losses or gradients keep growing: the run is diverging.",
            Self::Saturated => "G's gradient has nearly vanished: the run is saturated.",
            Self::NotFinite => "A value became infinite; the last good checkpoint was restored and the run is paused.",
        }
    }

    /// Advice from the talk, or empty.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Unknown | Self::Good | Self::DAhead => "",
            Self::Collapsed => "Lower G's learning rate, add input noise to D, or go back to an earlier checkpoint.",
            Self::DTooStrong => {
                "Give G two updates per step, update D only above a G success rate of 0.25, flip some labels or add noise."
            }
            Self::DTooWeak => "Give D two updates per step, remove noise and label flips, or raise D's learning rate.",
            Self::Diverging => {
                "Lower both learning rates by a factor of two to ten; soft labels (0.1 and 0.9) help too."
            }
            Self::Saturated => "Soften the labels, add input noise to D, or use SGD for D.",
            Self::NotFinite => "Lower the learning rates before resuming.",
        }
    }
}

/// Returns the mean of the finite values among the latest rows; `None` if there are too few.
fn recent_mean(column: &[f32]) -> Option<f32> {
    let tail = &column[column.len().saturating_sub(WINDOW)..];
    let finite: Vec<f32> = tail.iter().copied().filter(|v| v.is_finite()).collect();
    (finite.len() >= MIN_ROWS).then(|| finite.iter().sum::<f32>() / finite.len() as f32)
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
    fn each_diagnosis_is_distinguished() {
        assert_eq!(run(MIN_ROWS - 1, |_| {}), Health::Unknown);
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
        assert_eq!(unsure, Health::DAhead, "G hardly ever fools D, however uncertain D is about real crops");
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
