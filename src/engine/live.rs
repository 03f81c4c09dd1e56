//! What the compute thread shows of itself: the run's curves, the latest pictures and the status.
//!
//! The thread writes, any number of windows read; each lock is held for a copy of a few bytes or an
//! `Arc`, so a slow reader never slows training.

use std::{path::PathBuf, sync::Arc};

use parking_lot::{Mutex, RwLock};

use super::inspect::InspectLive;
pub use crate::train::history::{History, Mark, Metric};
use crate::{
    device::Chosen,
    train::{Health, Recipe},
};

/// A rectangle of equal 8-bit pictures, for the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// Pictures.
    pub count: usize,
    /// Side of each, pixels.
    pub side: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// `count * side * side * channels` bytes, picture by picture, interleaved.
    pub pixels: Vec<u8>,
}

impl Pictures {
    /// The bytes of picture `i`, empty when there is none.
    pub fn picture(&self, i: usize) -> &[u8] {
        let len = self.side * self.side * self.channels;
        self.pixels.get(i * len..(i + 1) * len).unwrap_or_default()
    }

    /// From NCHW values in `[-1, 1]`, clamped.
    pub fn from_unit(count: usize, channels: usize, side: usize, values: &[f32]) -> Self {
        let plane = side * side;
        let mut pixels = Vec::with_capacity(count * plane * channels);
        for i in 0..count {
            for p in 0..plane {
                for c in 0..channels {
                    let v = values.get((i * channels + c) * plane + p).copied().unwrap_or(-1.0);
                    pixels.push(((v.clamp(-1.0, 1.0) + 1.0) * 127.5).round() as u8);
                }
            }
        }
        Self { count, side, channels, pixels }
    }
}

/// The sample grid at one step: the same z throughout a run.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleGrid {
    /// The step it was drawn after.
    pub step: u64,
    /// Whether the averaged weights (EMA) drew it, or the live ones.
    pub from_ema: bool,
    /// The samples.
    pub samples: Pictures,
}

/// Frames of a walk through the latent space between two samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Walk {
    /// The step it was drawn after.
    pub step: u64,
    /// The two samples' places in the grid.
    pub ends: (usize, usize),
    /// The frames from one to the other.
    pub frames: Pictures,
}

/// Histograms of weights and gradients at one step.
#[derive(Clone, Debug)]
pub struct Histograms {
    /// The step they were taken after.
    pub step: u64,
    /// Name ("g/weights/up1.weight") and histogram.
    pub entries: Vec<(String, crate::report::tensorboard::Histogram)>,
}

/// What the compute thread is doing for the training workspace.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
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
    Finishing {
        /// What is being done, such as "training the encoder".
        what: &'static str,
        /// How much of it is done.
        done: u64,
        /// How much of it there is.
        total: u64,
    },
    /// All steps done.
    Finished,
    /// Stopped by a fault; the sentence says which and the way out.
    Failed(String),
}

/// The state of the run in hand, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// What is going on.
    pub phase: Phase,
    /// Steps done.
    pub step: u64,
    /// Steps a second, smoothed; 0 when unknown.
    pub steps_per_second: f64,
    /// Seconds to the last step, once known.
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

/// Everything that the compute thread shows.
#[derive(Debug, Default)]
pub struct Live {
    /// The run's state.
    pub status: RwLock<Status>,
    /// The run's curves.
    pub history: RwLock<History>,
    /// The run's sample grids.
    pub grids: RwLock<GridHistory>,
    /// Real crops to lay beside the samples.
    pub real: Mutex<Option<Arc<Pictures>>>,
    /// The latest walk.
    pub walk: Mutex<Option<Arc<Walk>>>,
    /// The latest histograms.
    pub histograms: Mutex<Option<Arc<Histograms>>>,
    /// Inspection.
    pub inspect: InspectLive,
    /// The device in use, once it is chosen.
    pub device: RwLock<Option<Chosen>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(step: u64, bytes: usize) -> SampleGrid {
        let samples = Pictures { count: 1, side: 1, channels: 1, pixels: vec![0; bytes] };
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
    fn planes_are_interleaved_for_the_screen() {
        let values = [-1.0, 1.0, 0.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 0.2, 0.2, 0.2];
        let pictures = Pictures::from_unit(1, 3, 2, &values);
        assert_eq!(pictures.picture(0)[..6], [0, 255, 255, 255, 255, 153]);
        assert!(pictures.picture(1).is_empty());
    }
}
