//! What the compute thread shows of itself: the run's curves, the latest pictures and the status.
//!
//! The thread writes, any number of windows read; each lock is held for a copy of a few bytes or an
//! `Arc`, so a slow reader never slows training.

use std::{path::PathBuf, sync::Arc};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use parking_lot::{Mutex, RwLock};

use super::{
    evaluation::EvaluationState,
    finetune::FinetuneState,
    inspection::InspectionState,
    intake::IntakeState,
    review::ReviewState,
    training::{build_progress::BuildProgress, critic_preview::CriticPreviewState},
};
pub use crate::train::history::{CurveMark, History, Metric};
use crate::{
    device::Chosen,
    train::{Health, Recipe},
};

/// A rectangle of equal 8-bit pictures, for the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageGrid {
    /// Pictures.
    pub count: usize,
    /// Side of each, pixels.
    pub side: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// `count * side * side * channels` bytes, picture by picture, interleaved.
    pub pixels: Vec<u8>,
}

impl ImageGrid {
    /// The bytes of picture `i`, empty when there is none.
    pub fn picture(&self, i: usize) -> &[u8] {
        let len = self.side * self.side * self.channels;
        self.pixels.get(i * len..(i + 1) * len).unwrap_or_default()
    }

    /// Pictures in a row of a sheet of `count`: as close to a square as can be.
    pub(crate) fn columns(count: usize) -> usize {
        (1..=count.max(1)).find(|c| c * c >= count).unwrap_or(1)
    }

    /// All pictures as one PNG, row by row with `gap` black pixels between them, and its width and height.
    ///
    /// # Errors
    /// When the PNG encoder refuses.
    pub fn png(&self, gap: usize) -> Result<([u32; 2], Vec<u8>), image::ImageError> {
        let columns = Self::columns(self.count);
        let rows = self.count.div_ceil(columns).max(1);
        let (side, c) = (self.side, self.channels.max(1));
        let span = |n: usize| n * (side + gap) - gap.min(n * (side + gap));
        let (width, height) = (span(columns), span(rows));
        let mut pixels = vec![0; width * height * c];
        for i in 0..self.count {
            let (x, y) = (i % columns * (side + gap), i / columns * (side + gap));
            for (line, source) in self.picture(i).chunks_exact(side * c).enumerate() {
                let start = ((y + line) * width + x) * c;
                if let Some(row) = pixels.get_mut(start..start + side * c) {
                    row.copy_from_slice(source);
                }
            }
        }
        let colour = if c == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
        let (size, mut bytes) = ([width as u32, height as u32], Vec::new());
        PngEncoder::new(&mut bytes).write_image(&pixels, size[0], size[1], colour)?;
        Ok((size, bytes))
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

    /// [`ImageGrid::from_unit`] undone: NCHW values in `[-1, 1]`.
    pub fn to_unit(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.pixels.len());
        for i in 0..self.count {
            for c in 0..self.channels {
                let plane = self.picture(i).iter().skip(c).step_by(self.channels);
                values.extend(plane.map(|v| f32::from(*v) / 127.5 - 1.0));
            }
        }
        values
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

/// Everything that the compute thread shows.
#[derive(Debug, Default)]
pub struct EngineState {
    /// The run's state.
    pub status: RwLock<TrainingStatus>,
    /// The run's curves.
    pub history: RwLock<History>,
    /// The run's sample grids.
    pub grids: RwLock<GridHistory>,
    /// Real crops to lay beside the samples.
    pub real: Mutex<Option<Arc<ImageGrid>>>,
    /// The latest walk.
    pub walk: Mutex<Option<Arc<LatentWalk>>>,
    /// The run's histograms.
    pub histograms: RwLock<HistogramHistory>,
    /// The critic.
    pub critic: CriticPreviewState,
    /// Inspection.
    pub inspect: InspectionState,
    /// Tests.
    pub evaluate: EvaluationState,
    /// Parts that are taken in.
    pub intake: IntakeState,
    /// Learning from verdicts.
    pub learn: FinetuneState,
    /// The review station.
    pub station: ReviewState,
    /// The device in use, once it is chosen.
    pub device: RwLock<Option<Chosen>>,
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
    fn a_grid_is_written_picture_by_picture() {
        let pictures =
            ImageGrid { count: 3, side: 2, channels: 1, pixels: vec![10, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 31] };
        let png = pictures.png(1).unwrap().1;
        let sheet = image::load_from_memory(&png).unwrap().to_luma8();
        assert_eq!(sheet.dimensions(), (5, 5));
        assert_eq!((sheet.get_pixel(0, 0)[0], sheet.get_pixel(3, 1)[0], sheet.get_pixel(1, 4)[0]), (10, 20, 31));
        assert_eq!(sheet.get_pixel(4, 4)[0], 0);
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

    #[test]
    fn planes_are_interleaved_for_the_screen() {
        let values = [-1.0, 1.0, 0.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 0.2, 0.2, 0.2];
        let pictures = ImageGrid::from_unit(1, 3, 2, &values);
        assert_eq!(pictures.picture(0)[..6], [0, 255, 255, 255, 255, 153]);
        assert!(pictures.picture(1).is_empty());
        let back = pictures.to_unit();
        assert!(back.iter().zip(values).all(|(a, b)| (a - b).abs() < 0.005), "{back:?}");
    }
}
