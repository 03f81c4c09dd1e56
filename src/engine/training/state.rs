//! The state of training that the window shows: status, curves, sample grids, histograms and the latent walk.

use std::{path::PathBuf, sync::Arc};

use parking_lot::{Mutex, RwLock};

use super::{build_progress::BuildProgress, critic_preview::CriticPreviewState};
use crate::{
    data::ImageGrid,
    train::{Health, Recipe, history::History},
};

/// The sample grid at one step: the same z throughout a run.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleGrid {
    /// The step it was drawn after.
    pub step: u64,
    /// Whether the averaged weights (EMA) drew it, or the live ones.
    pub from_ema: bool,
    /// The samples.
    pub samples: ImageGrid,
}

/// Frames of a walk through the latent space between two samples.
#[derive(Clone, Debug, PartialEq)]
pub struct LatentWalk {
    /// The step it was drawn after.
    pub step: u64,
    /// The two samples' places in the grid.
    pub ends: (usize, usize),
    /// The frames from one to the other.
    pub frames: ImageGrid,
}

/// Histograms of weights and gradients at one step.
#[derive(Clone, Debug)]
pub struct Histograms {
    /// The step they were taken after.
    pub step: u64,
    /// Name ("g/weights/up1.weight") and histogram.
    pub entries: Vec<(String, crate::tensorboard::BucketHistogram)>,
}

impl Histograms {
    /// About how much memory they take.
    fn bytes(&self) -> usize {
        let numbers = |h: &crate::tensorboard::BucketHistogram| h.limits.len() + h.counts.len() + 16;
        self.entries.iter().map(|(name, h)| name.len() + size_of::<f64>() * numbers(h)).sum()
    }
}

/// Most bytes of histograms kept for the scrubber.
const HISTOGRAM_BYTES: usize = 32 << 20;

/// The histograms kept for the scrubber, thinned out as [`GridHistory`] is.
#[derive(Debug, Default)]
pub struct HistogramHistory {
    kept: Vec<Arc<Histograms>>,
    bytes: usize,
}

impl HistogramHistory {
    /// Adds the newest histograms; those of the same step or a later one are replaced.
    pub fn push(&mut self, histograms: Histograms) {
        self.truncate_from(histograms.step);
        self.bytes += histograms.bytes();
        self.kept.push(Arc::new(histograms));
        if self.bytes > HISTOGRAM_BYTES {
            let half = self.kept.len() / 2;
            let mut i = 0;
            self.kept.retain(|_| {
                i += 1;
                i > half || i % 2 == 1
            });
            self.bytes = self.kept.iter().map(|h| h.bytes()).sum();
        }
    }

    /// The newest.
    pub fn newest(&self) -> Option<&Arc<Histograms>> {
        self.kept.last()
    }

    /// Those in force at `step`: the newest at or before it, else the first.
    pub fn at(&self, step: u64) -> Option<&Arc<Histograms>> {
        let after = self.kept.partition_point(|h| h.step <= step);
        self.kept.get(after.saturating_sub(1))
    }

    /// Forgets those from `step` on.
    pub fn truncate_from(&mut self, step: u64) {
        self.kept.retain(|h| h.step < step);
        self.bytes = self.kept.iter().map(|h| h.bytes()).sum();
    }
}

/// What the compute thread is doing for the training workspace.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TrainingPhase {
    /// No run.
    #[default]
    Idle,
    /// Reading the images.
    Opening {
        /// Files done.
        done: usize,
        /// Files in all.
        total: usize,
    },
    /// Compiling and tuning kernels before the first step.
    Preparing,
    /// Training.
    Running,
    /// Between two steps, waiting.
    Paused,
    /// Making the model file.
    Finishing(BuildProgress),
    /// All steps done.
    Finished,
    /// Stopped by a fault; the sentence says which and the way out.
    Failed(String),
}

/// The state of the run in hand, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct TrainingStatus {
    /// What is going on.
    pub phase: TrainingPhase,
    /// Steps done.
    pub step: u64,
    /// Steps a second, smoothed; 0 when unknown.
    pub steps_per_second: f64,
    /// Seconds to the last step, or to the model file while that is made, once known.
    pub seconds_left: Option<f64>,
    /// The recipe in force.
    pub recipe: Option<Arc<Recipe>>,
    /// The run's folder.
    pub run: Option<PathBuf>,
    /// The run's name.
    pub name: String,
    /// What the images were understood to be, line by line.
    pub data: Vec<String>,
    /// The step of the last checkpoint.
    pub checkpoint: Option<u64>,
    /// The run's health.
    pub health: Health,
    /// The grid is drawn from the averaged weights rather than the live ones.
    pub preview_ema: bool,
}

/// Most bytes of sample grids kept for the scrubber.
const GRID_BYTES: usize = 128 << 20;

/// The sample grids kept for the scrubber: when they grow past a bound, every other one of the older
/// half is let go, so that the whole run stays in reach.
#[derive(Debug, Default)]
pub struct GridHistory {
    grids: Vec<Arc<SampleGrid>>,
    bytes: usize,
}

impl GridHistory {
    /// The grids, by rising step.
    pub fn grids(&self) -> &[Arc<SampleGrid>] {
        &self.grids
    }

    /// Adds the newest grid; one of the same step is replaced.
    pub fn push(&mut self, grid: SampleGrid) {
        while self.grids.last().is_some_and(|last| last.step >= grid.step) {
            self.grids.pop();
        }
        self.grids.push(Arc::new(grid));
        self.bytes = self.grids.iter().map(|g| g.samples.pixels.len()).sum();
        if self.bytes > GRID_BYTES {
            let half = self.grids.len() / 2;
            let mut i = 0;
            self.grids.retain(|_| {
                i += 1;
                i > half || i % 2 == 1
            });
            self.bytes = self.grids.iter().map(|g| g.samples.pixels.len()).sum();
        }
    }

    /// Forgets every grid from `step` on.
    pub fn truncate_from(&mut self, step: u64) {
        self.grids.retain(|g| g.step < step);
    }
}

/// The part of [`EngineState`](crate::engine::EngineState) that shows training.
#[derive(Debug, Default)]
pub struct TrainingState {
    /// The run's status.
    pub status: RwLock<TrainingStatus>,
    /// The run's curves.
    pub history: RwLock<History>,
    /// The run's sample grids.
    pub grids: RwLock<GridHistory>,
    /// Real crops, shown beside the samples.
    pub real: Mutex<Option<Arc<ImageGrid>>>,
    /// The most recent latent walk.
    pub walk: Mutex<Option<Arc<LatentWalk>>>,
    /// The run's histograms.
    pub histograms: RwLock<HistogramHistory>,
    /// The critic's losses and the preview of its training crops.
    pub critic: CriticPreviewState,
}

impl TrainingState {
    /// Discards the previous run.
    pub(crate) fn clear(&self) {
        let preview_ema = true;
        *self.status.write() = TrainingStatus { preview_ema, ..TrainingStatus::default() };
        self.history.write().reset();
        self.critic.clear();
        self.grids.write().truncate_from(0);
        *self.real.lock() = None;
        *self.walk.lock() = None;
        self.histograms.write().truncate_from(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensorboard::BucketHistogram;

    fn grid(step: u64, bytes: usize) -> SampleGrid {
        let samples = ImageGrid { count: 1, side: 1, channels: 1, pixels: vec![0; bytes] };
        SampleGrid { step, from_ema: true, samples }
    }

    #[test]
    fn grids_stay_within_their_bound_and_keep_both_ends() {
        let mut history = GridHistory::default();
        for step in 0..100 {
            history.push(grid(step, GRID_BYTES / 20));
        }
        assert!(history.bytes <= GRID_BYTES);
        assert_eq!(history.grids.first().map(|g| g.step), Some(0));
        assert_eq!(history.grids.last().map(|g| g.step), Some(99));
        assert!(history.grids.windows(2).all(|w| w[0].step < w[1].step));
    }

    #[test]
    fn histograms_stay_within_their_bound_and_answer_for_every_step() {
        let of = |step: u64| {
            let histogram = BucketHistogram { limits: vec![0.0; HISTOGRAM_BYTES / 160], ..BucketHistogram::default() };
            Histograms { step, entries: vec![("g".into(), histogram)] }
        };
        let mut history = HistogramHistory::default();
        assert!(history.at(3).is_none());
        for step in 1..=100 {
            history.push(of(step * 10));
        }
        assert!(history.bytes <= HISTOGRAM_BYTES);
        let step = |found: Option<&Arc<Histograms>>| found.map(|h| h.step);
        assert_eq!((step(history.newest()), step(history.at(0))), (Some(1000), Some(10)));
        assert_eq!((step(history.at(995)), step(history.at(5000))), (Some(990), Some(1000)));
        history.push(of(500));
        assert_eq!(step(history.at(5000)), Some(500), "a run taken back forgets what came after");
    }
}
