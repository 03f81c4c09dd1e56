//! Requests for the preview, and the state that the window shows.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::{Mutex, RwLock};

use crate::{
    data::{Illumination, ImageGrid, ImageStore, Opened, synthetic_defects::DamagedCrop},
    model::critic::STRIDE,
    train::{Recipe, critic, history::History, recipe::CriticKnobs},
};

/// Crops that are forged for the screen.
pub const CROPS: usize = 12;

/// A number that nothing else has.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A place on the screen that shows forged crops. What was forged for one is not shown by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Viewer(u64);

impl Viewer {
    /// The place that shows those of the run in hand.
    pub const RUN: Self = Self(0);

    /// One that no other place has.
    pub fn fresh() -> Self {
        Self(fresh())
    }
}

/// Which crops are to be forged, and how.
#[derive(Clone, Debug)]
pub struct PreviewRequest {
    /// Who asks.
    pub viewer: Viewer,
    /// The recipe by whose knobs crops are cut and damaged.
    pub recipe: Box<Recipe>,
    /// Another number draws other crops and other damage.
    pub draw: u64,
    /// Images that no run has taken up yet; `None` stands for those of the run in hand.
    pub opened: Option<Arc<Opened>>,
}

/// Crops as the critic is shown them, and what was done to them.
#[derive(Clone, Debug, PartialEq)]
pub struct DefectPreview {
    /// Whom they were forged for.
    pub viewer: Viewer,
    /// Rises with every batch that is forged.
    pub serial: u64,
    /// The forger's knobs.
    pub knobs: CriticKnobs,
    /// The crops, damaged or not.
    pub crops: ImageGrid,
    /// What was damaged: white where it was, else black; as many and as large as `crops`.
    pub masks: ImageGrid,
    /// The crops as a critic takes them: `[count, channels, side, side]` in `[-1, 1]`.
    pub values: Vec<f32>,
}

impl DefectPreview {
    /// Forged crops of `side` pixels, for the screen.
    pub fn new(viewer: Viewer, knobs: CriticKnobs, [channels, side]: [usize; 2], forged: DamagedCrop) -> Self {
        let count = forged.mask.len() / (side * side).max(1);
        let seen = |v: &f32| if knobs.level { Illumination::for_display(*v) } else { *v };
        let visible: Vec<f32> = forged.values.iter().map(seen).collect();
        let pixels = forged.mask.iter().map(|damaged| if *damaged > 0.5 { u8::MAX } else { 0 }).collect();
        Self {
            viewer,
            serial: fresh(),
            knobs,
            crops: ImageGrid::from_unit(count, channels, side, &visible),
            masks: ImageGrid { count, side, channels: 1, pixels },
            values: forged.values,
        }
    }

    /// How many of the first `count` crops were damaged.
    pub fn damaged(&self, count: usize) -> usize {
        (0..self.masks.count.min(count)).filter(|i| self.masks.image(*i).contains(&u8::MAX)).count()
    }
}

/// What a critic says to the crops on show.
#[derive(Clone, Debug, PartialEq)]
pub struct CriticAnswers {
    /// [`DefectPreview::serial`] of the crops.
    pub serial: u64,
    /// Steps that the critic had been trained for.
    pub step: u64,
    /// The forger's knobs that it is trained with.
    pub knobs: CriticKnobs,
    /// How sure it is of damage, from black (0) to white (1): one pixel for every 4x4 of a crop.
    pub maps: ImageGrid,
}

impl CriticAnswers {
    /// From probabilities as [`critic::probabilities`] gives them.
    pub fn new(shown: &DefectPreview, step: u64, knobs: CriticKnobs, probabilities: &[f32]) -> Self {
        let pixels = probabilities.iter().map(|p| (p.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        let maps = ImageGrid { count: shown.crops.count, side: shown.crops.side / STRIDE, channels: 1, pixels };
        Self { serial: shown.serial, step, knobs, maps }
    }
}

/// The images that the critic of the run in hand is trained on.
#[derive(Debug)]
pub(crate) struct PreviewImages {
    pub(super) serial: u64,
    pub(super) store: Arc<ImageStore>,
    pub(super) training: Vec<usize>,
}

impl PreviewImages {
    /// Those of `training`, places in the store, that are not kept to learn from them what is usual.
    pub(crate) fn new(store: &Arc<ImageStore>, training: &[usize]) -> Self {
        Self { serial: fresh(), store: Arc::clone(store), training: critic::statistics_split(training).0 }
    }
}

/// What is shown of the critic.
#[derive(Debug, Default)]
pub struct CriticPreviewState {
    /// The latest forged crops.
    pub shown: Mutex<Option<Arc<DefectPreview>>>,
    /// What the critic at hand says to them.
    pub answers: Mutex<Option<Arc<CriticAnswers>>>,
    /// Why no crops could be forged, in a sentence.
    pub fault: Mutex<Option<String>>,
    /// The critic's losses, by its own steps.
    pub history: RwLock<History>,
    pub(crate) images: Mutex<Option<Arc<PreviewImages>>>,
}

impl CriticPreviewState {
    /// Which images the run in hand has, as a number of their own; `None` before there is a run.
    pub fn images(&self) -> Option<u64> {
        self.images.lock().as_ref().map(|images| images.serial)
    }

    /// Forgets the last run.
    pub(crate) fn clear(&self) {
        *self.images.lock() = None;
        *self.shown.lock() = None;
        *self.answers.lock() = None;
        *self.fault.lock() = None;
        self.history.write().reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_as_many_pixels_as_the_critic_has_cells() {
        let forged = DamagedCrop { values: vec![0.0; 2 * 64], mask: vec![0.0; 2 * 64] };
        let shown = DefectPreview::new(Viewer::fresh(), CriticKnobs::default(), [1, 8], forged);
        let answers = CriticAnswers::new(&shown, 7, CriticKnobs::default(), &[0.0, 1.0, 0.5, 2.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!((answers.maps.count, answers.maps.side, answers.serial), (2, 2, shown.serial));
        assert_eq!(answers.maps.image(0), [0, 255, 128, 255]);
    }
}
