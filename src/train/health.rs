//! Health of a run: a diagnosis from its curves with the advice of the talk.

use super::history::{History, Metric};

/// Diagnosis of a run from its curves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Too few steps for a diagnosis.
    #[default]
    Unknown,
    /// No rule applies: neither balance nor a known fault.
    NoClearSign,
    /// D is right on more than half of both sides, but not on nearly all, and G often fools it.
    Good,
    /// The samples are nearly identical (mode collapse).
    Collapsed,
    /// D recognises nearly every sample, but G still gets a useful gradient.
    DAhead,
    /// D recognises nearly every sample, and G learns nothing.
    DTooStrong,
    /// D is worse than chance.
    DTooWeak,
    /// D takes most real crops for generated ones.
    DRejectsReal,
    /// D takes most samples for real ones.
    DFooled,
    /// Losses or gradients diverge.
    Diverging,
    /// G's gradient has nearly vanished.
    Saturated,
    /// D's gradient has nearly vanished.
    DStalled,
    /// A value became NaN or infinite; the last good checkpoint was restored.
    NotFinite,
}

/// Number of recent values that are averaged.
const WINDOW: usize = 100;

/// Number of recent rows that are searched for them; a gated D does not report at every step.
const SEARCHED: usize = 10 * WINDOW;

/// Minimum number of values for a diagnosis.
const MIN_ROWS: usize = 50;

/// A condition on one value with a threshold to enter it and another to leave it, so that noise does not toggle it.
#[derive(Clone, Copy, Debug)]
struct Sign {
    enter: f32,
    leave: f32,
    holds: bool,
}

impl Sign {
    /// A condition that is entered above or below `enter`, whichever side is farther from `leave`.
    const fn new(enter: f32, leave: f32) -> Self {
        Self { enter, leave, holds: false }
    }

    /// Updates the condition with the latest value; without one it does not hold.
    fn update(&mut self, value: Option<f32>) -> bool {
        let threshold = if self.holds { self.leave } else { self.enter };
        let above = self.enter > self.leave;
        self.holds = value.is_some_and(|value| if above { value > threshold } else { value < threshold });
        self.holds
    }
}

/// Judges a run while it grows. Each side is judged by itself: D on real crops, D on generated ones, G's success, its
/// loss, both gradients, and the diversity of the samples.
///
/// Losses are in nats and accuracies are shares. An untrained D has a loss of ln 2 = 0.69 on each side; a loss of 8 is a
/// probability of 0.0003 for the correct label.
#[derive(Clone, Debug)]
pub(crate) struct HealthJudge {
    loss_explodes: Sign,
    g_explodes: Sign,
    d_explodes: Sign,
    g_vanishes: Sign,
    d_vanishes: Sign,
    collapsed: Sign,
    varied: Sign,
    worse_than_chance: Sign,
    real: Side,
    generated: Side,
    /// G's success rate is low, is nearly none, is high.
    g_seldom: Sign,
    g_hardly: Sign,
    g_never: Sign,
    g_mostly: Sign,
    g_often: Sign,
    /// D assigns G's samples a probability below 1 % of being real, so that the gradient is of hardly any use to G.
    confident: Sign,
}

/// D's accuracy on one kind of crop.
#[derive(Clone, Copy, Debug)]
struct Side {
    mostly_wrong: Sign,
    over_half: Sign,
    below_most: Sign,
    mostly_right: Sign,
    sure: Sign,
    certain: Sign,
}

impl Side {
    const fn new(mostly_right: Sign) -> Self {
        Self {
            mostly_wrong: Sign::new(0.35, 0.45),
            over_half: Sign::new(0.5, 0.45),
            below_most: Sign::new(0.87, 0.91),
            mostly_right,
            sure: Sign::new(0.9, 0.85),
            certain: Sign::new(0.97, 0.94),
        }
    }

    fn update(&mut self, accuracy: f32) {
        let all = [
            &mut self.mostly_wrong,
            &mut self.over_half,
            &mut self.below_most,
            &mut self.mostly_right,
            &mut self.sure,
            &mut self.certain,
        ];
        for sign in all {
            sign.update(Some(accuracy));
        }
    }

    /// Right on more than half, but not on nearly all.
    fn is_balanced(&self) -> bool {
        self.over_half.holds && self.below_most.holds
    }
}

impl Default for HealthJudge {
    fn default() -> Self {
        Self {
            loss_explodes: Sign::new(12.0, 9.0),
            g_explodes: Sign::new(1e4, 3e3),
            d_explodes: Sign::new(1e4, 3e3),
            g_vanishes: Sign::new(1e-5, 1e-4),
            d_vanishes: Sign::new(1e-5, 1e-4),
            collapsed: Sign::new(0.15, 0.2),
            varied: Sign::new(0.3, 0.25),
            worse_than_chance: Sign::new(0.8, 0.9),
            real: Side::new(Sign::new(0.65, 0.6)),
            generated: Side::new(Sign::new(0.85, 0.8)),
            g_seldom: Sign::new(0.05, 0.08),
            g_hardly: Sign::new(0.02, 0.035),
            g_never: Sign::new(0.0075, 0.015),
            g_mostly: Sign::new(0.8, 0.7),
            g_often: Sign::new(0.1, 0.07),
            confident: Sign::new(4.6, 4.0),
        }
    }
}

impl HealthJudge {
    /// Judges the latest rows of the run.
    pub(crate) fn judge(&mut self, history: &History) -> Health {
        let recent = |metric| recent_mean(history.column(metric));
        let (Some(real), Some(fake), Some(g_loss), Some(g_norm)) = (
            recent(Metric::DAccuracyReal),
            recent(Metric::DAccuracyFake),
            recent(Metric::GLoss),
            recent(Metric::GradNormG),
        ) else {
            return Health::Unknown;
        };
        let success = recent(Metric::GSuccess).unwrap_or(1.0 - fake);
        let d_norm = recent(Metric::GradNormD);
        let diversity = history.column(Metric::Diversity).iter().rev().copied().find(|v| v.is_finite());
        self.real.update(real);
        self.generated.update(fake);
        for sign in [&mut self.g_seldom, &mut self.g_hardly, &mut self.g_never, &mut self.g_mostly, &mut self.g_often] {
            sign.update(Some(success));
        }
        self.confident.update(Some(g_loss));
        self.loss_explodes.update(Some(g_loss));
        self.g_explodes.update(Some(g_norm));
        self.d_explodes.update(d_norm);
        self.g_vanishes.update(Some(g_norm));
        self.d_vanishes.update(d_norm);
        self.collapsed.update(diversity);
        self.varied.update(Some(diversity.unwrap_or(1.0)));
        self.worse_than_chance.update(Some(real + fake));
        self.diagnosis()
    }

    /// The most severe diagnosis whose rule applies.
    fn diagnosis(&self) -> Health {
        let (real, generated) = (&self.real, &self.generated);
        if self.loss_explodes.holds || self.g_explodes.holds || self.d_explodes.holds {
            Health::Diverging
        } else if self.g_vanishes.holds {
            Health::Saturated
        } else if self.collapsed.holds {
            Health::Collapsed
        } else if let Some(strong) = self.strong_discriminator() {
            strong
        } else if self.worse_than_chance.holds {
            Health::DTooWeak
        } else if real.mostly_wrong.holds {
            Health::DRejectsReal
        } else if generated.mostly_wrong.holds || self.g_mostly.holds {
            Health::DFooled
        } else if self.d_vanishes.holds {
            Health::DStalled
        } else if real.is_balanced() && generated.is_balanced() && self.g_often.holds && self.varied.holds {
            Health::Good
        } else {
            Health::NoClearSign
        }
    }

    /// How far D is ahead of G, if it is.
    fn strong_discriminator(&self) -> Option<Health> {
        let (real, generated) = (&self.real, &self.generated);
        if !(real.mostly_right.holds && generated.mostly_right.holds && self.g_seldom.holds) {
            return None;
        }
        let sure = real.sure.holds && generated.sure.holds && self.g_never.holds;
        let certain = real.certain.holds && generated.certain.holds && self.g_hardly.holds;
        Some(if self.confident.holds || sure || certain { Health::DTooStrong } else { Health::DAhead })
    }
}

impl Health {
    /// Whether the user should take action.
    pub fn is_alarm(self) -> bool {
        !matches!(self, Self::Unknown | Self::NoClearSign | Self::Good | Self::DAhead)
    }

    /// Describes the diagnosis in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unknown => "Too few steps for a diagnosis.",
            Self::NoClearSign => "No clear sign of balance or of a fault.",
            Self::Good => "G and D are in balance.",
            Self::Collapsed => "The samples are nearly identical: the generator has collapsed.",
            Self::DAhead => "D is ahead of G, whose gradient is still useful.",
            Self::DTooStrong => "D is too strong: it recognises nearly every sample, and G learns nothing.",
            Self::DTooWeak => "D is worse than chance: it is too weak to guide G.",
            Self::DRejectsReal => "D takes most real crops for generated ones: what it tells G is misleading.",
            Self::DFooled => "D takes most samples for real ones: G is ahead of D.",
            Self::Diverging => "Losses or gradients keep growing: the run is diverging.",
            Self::Saturated => "G's gradient has nearly vanished: the run is saturated.",
            Self::DStalled => "D's gradient has nearly vanished: D no longer learns.",
            Self::NotFinite => "A value became infinite; the last good checkpoint was restored and the run is paused.",
        }
    }

    /// Advice from the talk, or empty.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Unknown | Self::NoClearSign | Self::Good | Self::DAhead => "",
            Self::Collapsed => "Lower G's learning rate, add input noise to D, or go back to an earlier checkpoint.",
            Self::DTooStrong => {
                "Give G two updates per step, update D only above a G success rate of 0.25, flip some labels or add noise."
            }
            Self::DTooWeak => "Give D two updates per step, remove noise and label flips, or raise D's learning rate.",
            Self::DRejectsReal => "Remove noise and label flips, or give D two updates per step.",
            Self::DFooled => "Give D two updates per step, or lower G's learning rate.",
            Self::Diverging => {
                "Lower both learning rates by a factor of two to ten; soft labels (0.1 and 0.9) help too."
            }
            Self::Saturated => "Soften the labels, add input noise to D, or use SGD for D.",
            Self::DStalled => "Raise D's learning rate, or add input noise to D.",
            Self::NotFinite => "Lower the learning rates before resuming.",
        }
    }
}

/// Returns the mean of the latest finite values; `None` if there are too few.
fn recent_mean(column: &[f32]) -> Option<f32> {
    let finite: Vec<f32> = column.iter().rev().take(SEARCHED).copied().filter(|v| v.is_finite()).take(WINDOW).collect();
    (finite.len() >= MIN_ROWS).then(|| finite.iter().sum::<f32>() / finite.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(edit: impl Fn(&mut [f32; Metric::ALL.len()])) -> [f32; Metric::ALL.len()] {
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
        row
    }

    fn run(rows: usize, edit: impl Fn(&mut [f32; Metric::ALL.len()])) -> Health {
        let mut history = History::default();
        for step in 0..rows {
            history.push(step as u64, 0.0, &row(&edit));
        }
        HealthJudge::default().judge(&history)
    }

    /// The diagnosis for these rates, with unremarkable losses and gradients.
    fn rates(real: f32, fake: f32, success: f32) -> Health {
        run(200, |r| {
            r[Metric::DAccuracyReal as usize] = real;
            r[Metric::DAccuracyFake as usize] = fake;
            r[Metric::GSuccess as usize] = success;
        })
    }

    #[test]
    fn each_diagnosis_is_distinguished() {
        assert_eq!(run(MIN_ROWS - 1, |_| {}), Health::Unknown);
        assert_eq!(run(200, |_| {}), Health::Good);
        assert_eq!(run(200, |r| r[Metric::Diversity as usize] = 0.05), Health::Collapsed);
        assert_eq!(run(200, |r| r[Metric::GLoss as usize] = 30.0), Health::Diverging);
        assert_eq!(run(200, |r| r[Metric::GradNormG as usize] = 1e-7), Health::Saturated);
        assert_eq!(run(200, |r| r[Metric::GradNormD as usize] = 1e-7), Health::DStalled);
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
    fn balance_is_stated_only_where_both_sides_show_it() {
        use Health as H;
        for (real, fake, success, wanted) in [
            (0.6, 0.6, 0.4, H::Good),
            (0.55, 0.8, 0.2, H::Good),
            (0.8, 0.7, 0.3, H::Good),
            // Right on a quarter of the real crops is no balance, however good the other side is.
            (0.26, 0.88, 0.12, H::DRejectsReal),
            (0.10, 0.95, 0.05, H::DRejectsReal),
            (0.30, 0.60, 0.40, H::DRejectsReal),
            (0.88, 0.26, 0.74, H::DFooled),
            (0.95, 0.10, 0.90, H::DFooled),
            // D is right nearly everywhere, and G hardly ever fools it.
            (0.94, 0.95, 0.004, H::DTooStrong),
            (0.95, 0.94, 0.004, H::DTooStrong),
            (0.92, 0.93, 0.0, H::DTooStrong),
            (0.99, 0.99, 0.01, H::DTooStrong),
            (0.94, 0.95, 0.03, H::DAhead),
            (0.70, 0.90, 0.04, H::DAhead),
            (0.30, 0.30, 0.60, H::DTooWeak),
            (0.45, 0.30, 0.65, H::DTooWeak),
            // Neither one nor the other.
            (0.42, 0.88, 0.12, H::NoClearSign),
            (0.94, 0.95, 0.12, H::NoClearSign),
            (0.60, 0.80, 0.03, H::NoClearSign),
            (0.40, 0.50, 0.45, H::NoClearSign),
        ] {
            assert_eq!(rates(real, fake, success), wanted, "real {real}, generated {fake}, success {success}");
        }
        assert!(Health::NoClearSign.sentence().to_lowercase().contains("no clear sign"));
        let grey = |diversity| run(200, |r| r[Metric::Diversity as usize] = diversity);
        assert_eq!(grey(0.22), H::NoClearSign, "hardly varied samples are no balance");
    }

    #[test]
    fn no_rates_give_balance_beside_a_side_that_fails() {
        let shares = (0..=20).map(|i| i as f32 / 20.0);
        for real in shares.clone() {
            for fake in shares.clone() {
                for success in [0.0, 0.02, 0.05, 0.2, 0.5, 0.9] {
                    if rates(real, fake, success) == Health::Good {
                        let fine = (0.45..=0.9).contains(&real) && (0.45..=0.9).contains(&fake);
                        assert!(fine && (0.05..0.8).contains(&success), "{real} {fake} {success}");
                    }
                }
            }
        }
    }

    #[test]
    fn noise_around_a_threshold_does_not_toggle_the_diagnosis() {
        // Means of a hundred values that wander by a few per cent around the thresholds to enter a diagnosis.
        for (metric, centre, spread, other) in [
            (Metric::DAccuracyReal, 0.35, 0.1, 0.7),
            (Metric::DAccuracyFake, 0.35, 0.1, 0.7),
            (Metric::DAccuracyReal, 0.5, 0.1, 0.7),
            (Metric::DAccuracyFake, 0.87, 0.1, 0.7),
        ] {
            let (mut history, mut judge) = (History::default(), HealthJudge::default());
            let (mut changes, mut bare, mut seed) = (0, 0, 1_u64);
            let mut last: Option<(Health, Health)> = None;
            for step in 0..6000_u64 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (seed >> 40) as f32 / (1 << 24) as f32 - 0.5;
                // A slow wave as well, since the mean of white noise alone hardly moves.
                let wave = 0.03 * (step as f32 / 90.0).sin();
                let values = row(|r| {
                    (r[Metric::DAccuracyReal as usize], r[Metric::DAccuracyFake as usize]) = (other, other);
                    r[Metric::GSuccess as usize] = 0.3;
                    r[metric as usize] = centre + wave + spread * noise;
                });
                history.push(step, 0.0, &values);
                if step < 300 || step % 10 != 0 {
                    continue;
                }
                let now = (judge.judge(&history), HealthJudge::default().judge(&history));
                if let Some(last) = last {
                    changes += usize::from(last.0 != now.0);
                    bare += usize::from(last.1 != now.1);
                }
                last = Some(now);
            }
            assert!(bare >= 8, "the series crosses its threshold: {bare}");
            assert!(changes <= 1, "{metric:?} at {centre}: {changes} changes, {bare} without memory");
        }
    }

    #[test]
    fn a_diagnosis_is_left_once_the_run_has_recovered() {
        let (mut history, mut judge) = (History::default(), HealthJudge::default());
        let mut push = |from: u64, success: f32, judge: &mut HealthJudge| {
            for step in from..from + 200 {
                let values = row(|r| {
                    let fake = 1.0 - success.max(0.05);
                    (r[Metric::DAccuracyReal as usize], r[Metric::DAccuracyFake as usize]) = (fake, fake);
                    r[Metric::GSuccess as usize] = success;
                });
                history.push(step, 0.0, &values);
            }
            judge.judge(&history)
        };
        assert_eq!(push(0, 0.003, &mut judge), Health::DTooStrong);
        assert_eq!(push(200, 0.01, &mut judge), Health::DTooStrong, "not yet past the threshold to leave");
        assert_eq!(push(400, 0.3, &mut judge), Health::Good);
    }

    #[test]
    fn a_discriminator_that_updates_seldom_is_judged_all_the_same() {
        let mut history = History::default();
        for step in 0..800_u64 {
            let values = row(|r| {
                if step % 5 != 0 {
                    for metric in [Metric::DAccuracyReal, Metric::DAccuracyFake, Metric::GradNormD] {
                        r[metric as usize] = f32::NAN;
                    }
                }
            });
            history.push(step, 0.0, &values);
        }
        assert_eq!(HealthJudge::default().judge(&history), Health::Good);
    }

    #[test]
    fn every_alarm_comes_with_advice() {
        for health in [
            Health::Collapsed,
            Health::DTooStrong,
            Health::DTooWeak,
            Health::DRejectsReal,
            Health::DFooled,
            Health::DStalled,
            Health::Diverging,
            Health::Saturated,
            Health::NotFinite,
        ] {
            assert!(health.is_alarm() && !health.advice().is_empty());
        }
    }
}
