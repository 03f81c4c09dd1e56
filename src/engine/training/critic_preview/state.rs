//! Requests for the preview, and the state that the window shows.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::{Mutex, RwLock};

use crate::{
    data::{DamagedCrop, Illumination, ImageGrid, ImageStore, Opened},
    model::{Channels, critic::STRIDE},
    train::{CriticKnobs, History, Recipe, critic},
};

/// Number of crops in a preview.
pub const CROPS: usize = 12;

/// Returns a unique number.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A view that shows a preview. A preview made for one view is not shown by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Viewer(u64);

impl Viewer {
    /// The view of the current run.
    pub const RUN: Self = Self(0);

    /// Creates a new view.
    pub fn fresh() -> Self {
        Self(fresh())
    }
}

/// A request for a preview.
#[derive(Clone, Debug)]
pub struct PreviewRequest {
    /// The view that asks.
    pub viewer: Viewer,
    /// The recipe by which crops are cut and damaged.
    pub recipe: Box<Recipe>,
    /// Index of the batch: another one has other crops and other damage.
    pub draw: u64,
    /// Images that have no run yet; `None` for those of the current run.
    pub opened: Option<Arc<Opened>>,
}

/// Training crops of the critic, and their damage.
#[derive(Clone, Debug, PartialEq)]
pub struct DefectPreview {
    /// The view that they were made for.
    pub viewer: Viewer,
    /// Increases with every preview.
    pub serial: u64,
    /// The knobs of the defect synthesiser.
    pub knobs: CriticKnobs,
    /// The crops, damaged or not.
    pub crops: ImageGrid,
    /// Masks of the damage, white on black, one per crop.
    pub masks: ImageGrid,
    /// The crops as input of a critic: `[count, channels, side, side]` in `[-1, 1]`.
    pub values: Vec<f32>,
}

impl DefectPreview {
    /// Creates a preview of crops with `side` pixels.
    pub fn new(viewer: Viewer, knobs: CriticKnobs, [channels, side]: [usize; 2], damaged: DamagedCrop) -> Self {
        let count = damaged.mask.len() / (side * side).max(1);
        let display = |v: &f32| if knobs.level { Illumination::for_display(*v) } else { *v };
        let visible: Vec<f32> = damaged.values.iter().map(display).collect();
        let pixels = damaged.mask.iter().map(|value| if *value > 0.5 { u8::MAX } else { 0 }).collect();
        Self {
            viewer,
            serial: fresh(),
            knobs,
            crops: ImageGrid::from_unit(count, channels, side, &visible),
            masks: ImageGrid { count, side, channels: 1, pixels },
            values: damaged.values,
        }
    }

    /// Number of damaged crops among the first `count`.
    pub fn damaged(&self, count: usize) -> usize {
        (0..self.masks.count.min(count)).filter(|i| self.masks.image(*i).contains(&u8::MAX)).count()
    }
}

/// The critic's maps of a preview.
#[derive(Clone, Debug, PartialEq)]
pub struct CriticAnswers {
    /// [`DefectPreview::serial`] of the crops.
    pub serial: u64,
    /// Training steps of the critic.
    pub step: u64,
    /// The knobs that it is trained with.
    pub knobs: CriticKnobs,
    /// Probability of damage, from black (0) to white (1): one pixel for every 4x4 of a crop.
    pub maps: ImageGrid,
}

impl CriticAnswers {
    /// From probabilities as `critic::probabilities` gives them.
    pub fn new(shown: &DefectPreview, step: u64, knobs: CriticKnobs, probabilities: &[f32]) -> Self {
        let pixels = probabilities.iter().map(|p| (p.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        let maps = ImageGrid { count: shown.crops.count, side: shown.crops.side / STRIDE, channels: 1, pixels };
        Self { serial: shown.serial, step, knobs, maps }
    }
}

/// The images that the critic of the current run is trained on.
#[derive(Debug)]
pub(crate) struct PreviewImages {
    pub(super) serial: u64,
    pub(super) store: Arc<ImageStore>,
    pub(super) training: Vec<usize>,
    /// What the run's model sees.
    pub(super) channels: Channels,
}

impl PreviewImages {
    /// The images of `training` that are not reserved for the normal statistics.
    pub(crate) fn new(store: &Arc<ImageStore>, training: &[usize], channels: Channels) -> Self {
        Self { serial: fresh(), store: Arc::clone(store), training: critic::statistics_split(training).0, channels }
    }
}

/// The state of the critic that the window shows.
#[derive(Debug, Default)]
pub struct CriticPreviewState {
    /// The latest preview.
    pub preview: Mutex<Option<Arc<DefectPreview>>>,
    /// The critic's maps of it.
    pub answers: Mutex<Option<Arc<CriticAnswers>>>,
    /// Why there is no preview.
    pub error: Mutex<Option<String>>,
    /// The critic's losses, by its own steps.
    pub history: RwLock<History>,
    pub(crate) images: Mutex<Option<Arc<PreviewImages>>>,
}

impl CriticPreviewState {
    /// A unique number for the images of the current run; `None` without a run.
    pub(crate) fn images(&self) -> Option<u64> {
        self.images.lock().as_ref().map(|images| images.serial)
    }

    /// Discards the previous run.
    pub(crate) fn clear(&self) {
        *self.images.lock() = None;
        *self.preview.lock() = None;
        *self.answers.lock() = None;
        *self.error.lock() = None;
        self.history.write().reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_as_many_pixels_as_the_critic_has_cells() {
        let damaged = DamagedCrop { mask: vec![0.0; 2 * 64], ..DamagedCrop::undamaged(&[0.0; 2 * 64], 8) };
        let shown = DefectPreview::new(Viewer::fresh(), CriticKnobs::default(), [1, 8], damaged);
        let answers = CriticAnswers::new(&shown, 7, CriticKnobs::default(), &[0.0, 1.0, 0.5, 2.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!((answers.maps.count, answers.maps.side, answers.serial), (2, 2, shown.serial));
        assert_eq!(answers.maps.image(0), [0, 255, 128, 255]);
    }
}
