//! The curves of a run.

use std::collections::BTreeMap;

use crate::tensorboard::{RunLog, ScalarPoint};

/// A value reported by a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Metric {
    /// D's cross-entropy on real crops, nats.
    DLossReal,
    /// D's cross-entropy on generated crops, nats.
    DLossFake,
    /// G's non-saturating loss, nats.
    GLoss,
    /// Share of real crops that D classifies as real, 0 to 1.
    DAccuracyReal,
    /// Share of generated crops that D classifies as generated, 0 to 1.
    DAccuracyFake,
    /// Share of generated crops that D classifies as real, 0 to 1.
    GSuccess,
    /// L2 norm of G's gradient.
    GradNormG,
    /// L2 norm of D's gradient.
    GradNormD,
    /// Mean pairwise distance within the sample grid relative to that of real crops; 1 is as varied as real crops.
    Diversity,
    /// Standard deviation of the noise on D's input.
    Noise,
    /// Dropout in D, 0 to 1.
    Dropout,
    /// Real crops consumed per second.
    ImagesPerSecond,
    /// Wall-clock time per step, milliseconds.
    MsPerStep,
    /// The critic's cross-entropy on its training crops with synthetic defects, by its own steps, nats.
    CriticLoss,
    /// The same on crops of held-out images.
    CriticHeldOut,
}

impl Metric {
    /// All metrics; the order of [`History`]'s columns.
    pub const ALL: [Self; 15] = [
        Self::DLossReal,
        Self::DLossFake,
        Self::GLoss,
        Self::DAccuracyReal,
        Self::DAccuracyFake,
        Self::GSuccess,
        Self::GradNormG,
        Self::GradNormD,
        Self::Diversity,
        Self::Noise,
        Self::Dropout,
        Self::ImagesPerSecond,
        Self::MsPerStep,
        Self::CriticLoss,
        Self::CriticHeldOut,
    ];

    /// Metrics of the critic, by its own steps; they have a [`History`] separate from the GAN's.
    pub const CRITIC: [Self; 2] = [Self::CriticLoss, Self::CriticHeldOut];

    /// Metrics of a step of the GAN.
    pub fn gan() -> impl ExactSizeIterator<Item = Self> {
        let count = Self::ALL.len() - Self::CRITIC.len();
        Self::ALL.into_iter().take(count)
    }

    /// Tag in the TensorBoard event file.
    pub fn tag(self) -> &'static str {
        match self {
            Self::DLossReal => "loss/d_real",
            Self::DLossFake => "loss/d_fake",
            Self::GLoss => "loss/g",
            Self::DAccuracyReal => "accuracy/d_real",
            Self::DAccuracyFake => "accuracy/d_fake",
            Self::GSuccess => "accuracy/g_success",
            Self::GradNormG => "gradient/g_norm",
            Self::GradNormD => "gradient/d_norm",
            Self::Diversity => "samples/diversity",
            Self::Noise => "schedule/noise",
            Self::Dropout => "schedule/dropout",
            Self::ImagesPerSecond => "speed/images_per_second",
            Self::MsPerStep => "speed/ms_per_step",
            Self::CriticLoss => "critic/loss",
            Self::CriticHeldOut => "critic/held_out_loss",
        }
    }

    /// The metric of a TensorBoard tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.tag() == tag)
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::DLossReal => "D loss on real",
            Self::DLossFake => "D loss on generated",
            Self::GLoss => "G loss",
            Self::DAccuracyReal => "D accuracy on real",
            Self::DAccuracyFake => "D accuracy on generated",
            Self::GSuccess => "G success",
            Self::GradNormG => "G gradient norm",
            Self::GradNormD => "D gradient norm",
            Self::Diversity => "Sample diversity",
            Self::Noise => "Input noise",
            Self::Dropout => "D dropout",
            Self::ImagesPerSecond => "Images per second",
            Self::MsPerStep => "Time per step",
            Self::CriticLoss => "Critic loss",
            Self::CriticHeldOut => "Critic loss, held-out",
        }
    }

    /// Unit, or empty.
    pub fn unit(self) -> &'static str {
        match self {
            Self::DLossReal | Self::DLossFake | Self::GLoss | Self::CriticLoss | Self::CriticHeldOut => "nats",
            Self::Noise => "std",
            Self::ImagesPerSecond => "1/s",
            Self::MsPerStep => "ms",
            _ => "",
        }
    }
}

/// Tag of the text that is logged where the training of a critic begins. In the log, the steps of a run's critics are counted
/// on from one to the next.
pub(crate) const CRITIC_TAG: &str = "critic";

/// A change of knobs, a checkpoint or an alarm, marked in the curves.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveMark {
    /// The step before which it occurred.
    pub step: u64,
    /// Description, such as "G updates per step (k_G): 1 to 2".
    pub text: String,
}

/// The curves of a run: one row per step, one column per [`Metric`]; NaN for values that a step did not report.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Step numbers, ascending.
    pub steps: Vec<u64>,
    /// Wall-clock time of each row, seconds since the Unix epoch.
    pub wall: Vec<f64>,
    /// One column for each of [`Metric::ALL`], as long as `steps`.
    pub columns: [Vec<f32>; Metric::ALL.len()],
    /// Marks, by ascending step.
    pub marks: Vec<CurveMark>,
    /// Incremented when rows are removed (by a resume or a reset); a change invalidates whatever readers have cached.
    pub generation: u64,
}

impl History {
    /// Reads the GAN's curves from a log: one row per step with any known scalar; unknown tags are ignored.
    pub fn from_log(log: &RunLog) -> Self {
        let points = |metric: Metric| log.scalars.get(metric.tag()).map(Vec::as_slice).unwrap_or_default();
        Self::of(Metric::gan().map(|metric| (metric, points(metric))))
    }

    /// Reads the critic's curves from a log, by its own steps. If several critics were trained, those of the last one.
    pub fn critic_from_log(log: &RunLog) -> Self {
        let points = |metric: Metric| log.scalars.get(metric.tag()).map(Vec::as_slice).unwrap_or_default();
        if let Some(begin) = log.texts.get(CRITIC_TAG).and_then(|texts| texts.last()) {
            let own = |metric| {
                let of_last = points(metric).iter().filter(|point| point.step >= begin.step);
                of_last.map(|point| ScalarPoint { step: point.step - begin.step + 1, ..*point }).collect::<Vec<_>>()
            };
            let [loss, held_out] = Metric::CRITIC.map(own);
            return Self::of([(Metric::CriticLoss, &*loss), (Metric::CriticHeldOut, &*held_out)].into_iter());
        }
        // Earlier versions counted each critic from 1.
        let trained = points(Metric::CriticLoss);
        let last = trained.windows(2).rposition(|w| w[1].step <= w[0].step).map_or(0, |i| i + 1);
        let began = trained.get(last).map_or(0.0, |point| point.wall);
        Self::of(Metric::CRITIC.into_iter().map(|metric| {
            let all = points(metric);
            (metric, &all[all.partition_point(|point| point.wall < began)..])
        }))
    }

    /// Reads the points of all critics from a log, by the steps that they were logged at.
    pub(crate) fn critics_from_log(log: &RunLog) -> Self {
        let points = |metric: Metric| log.scalars.get(metric.tag()).map(Vec::as_slice).unwrap_or_default();
        Self::of(Metric::CRITIC.into_iter().map(|metric| (metric, points(metric))))
    }

    fn of<'a>(curves: impl Iterator<Item = (Metric, &'a [ScalarPoint])>) -> Self {
        let mut rows: BTreeMap<u64, (f64, [f32; Metric::ALL.len()])> = BTreeMap::new();
        for (metric, points) in curves {
            for point in points {
                let row = rows.entry(point.step.max(0) as u64).or_insert((point.wall, [f32::NAN; Metric::ALL.len()]));
                row.1[metric as usize] = point.value;
            }
        }
        let mut history = Self::default();
        for (step, (wall, row)) in rows {
            history.push(step, wall, &row);
        }
        history
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether nothing has been reported yet.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the column of a metric.
    pub fn column(&self, metric: Metric) -> &[f32] {
        &self.columns[metric as usize]
    }

    /// Appends the row of a step.
    pub fn push(&mut self, step: u64, wall: f64, row: &[f32; Metric::ALL.len()]) {
        self.steps.push(step);
        self.wall.push(wall);
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(*value);
        }
    }

    /// Removes all rows, for a new run.
    pub fn reset(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }

    /// Removes all rows from `step` on, for a resume from an earlier checkpoint.
    pub(crate) fn truncate_from(&mut self, step: u64) {
        let keep = self.steps.partition_point(|s| *s < step);
        self.steps.truncate(keep);
        self.wall.truncate(keep);
        for column in &mut self.columns {
            column.truncate(keep);
        }
        self.marks.retain(|m| m.step < step);
        self.generation += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_removed_from_a_step_on() {
        let mut history = History::default();
        for step in 1..=10 {
            history.push(step, step as f64, &[step as f32; Metric::ALL.len()]);
        }
        history.marks = vec![CurveMark { step: 3, text: String::new() }, CurveMark { step: 8, text: String::new() }];
        history.truncate_from(6);
        assert_eq!(history.steps, [1, 2, 3, 4, 5]);
        assert_eq!(history.column(Metric::GLoss), [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(history.marks.len(), 1);
        assert_eq!(history.generation, 1);
    }

    #[test]
    fn the_curves_of_the_last_critic_are_kept_apart_from_the_gan() {
        let mut log = RunLog::default();
        let point = |step, wall, value| ScalarPoint { step, wall, value };
        let g = vec![point(1, 1.0, 0.5), point(2, 2.0, 0.6)];
        // A critic of three steps, then another of two.
        let trained = [(1, 10.0, 0.9), (2, 11.0, 0.8), (3, 12.0, 0.7), (1, 20.0, 0.6), (2, 21.0, 0.5)];
        let held_out = vec![point(2, 11.0, 1.8), point(2, 21.0, 1.5)];
        log.scalars.insert(Metric::GLoss.tag().into(), g);
        log.scalars.insert(Metric::CriticLoss.tag().into(), trained.map(|(s, w, v)| point(s, w, v)).to_vec());
        log.scalars.insert(Metric::CriticHeldOut.tag().into(), held_out);
        let (gan, critic) = (History::from_log(&log), History::critic_from_log(&log));
        assert_eq!((gan.steps.as_slice(), gan.column(Metric::GLoss)), ([1, 2].as_slice(), [0.5, 0.6].as_slice()));
        assert!(gan.column(Metric::CriticLoss).iter().all(|v| v.is_nan()));
        assert_eq!(
            (critic.steps.as_slice(), critic.column(Metric::CriticLoss)),
            ([1, 2].as_slice(), [0.6, 0.5].as_slice())
        );
        assert_eq!(critic.column(Metric::CriticHeldOut)[1], 1.5);
        assert!(critic.column(Metric::CriticHeldOut)[0].is_nan());
    }

    #[test]
    fn tags_are_unique_and_reversible() {
        for (i, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, i);
            assert_eq!(Metric::from_tag(metric.tag()), Some(metric));
        }
    }
}
