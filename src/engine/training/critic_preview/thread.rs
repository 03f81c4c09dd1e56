//! The thread that damages healthy crops for the preview, so that a turned knob is seen at once, however long a step of
//! training takes.

use std::{
    io,
    sync::{Arc, Weak},
    thread,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use parking_lot::Mutex;

use super::state::{CROPS, DefectPreview, PreviewImages, PreviewRequest};
use crate::{
    data::{DataError, ImageStore, Opened},
    engine::{EngineState, protocol::ComputeCommand, training::request::TrainingRequest},
    train::{Recipe, critic, critic::HealthyCrops},
};

/// Index of the first batch of previews, far from those that a critic is trained on.
const FIRST_BATCH: u64 = 1 << 40;

/// The thread `ganspect-preview`; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct CriticPreviewThread {
    request: Arc<Mutex<Option<PreviewRequest>>>,
    wake_sender: Sender<()>,
}

impl CriticPreviewThread {
    /// Starts the thread. `commands` leads to the compute thread, which owns the critic; `wake` is called when there is
    /// something new to show.
    pub(crate) fn start(
        state: Arc<EngineState>,
        commands: Sender<ComputeCommand>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        let request = Arc::new(Mutex::new(None));
        let (wake_sender, wakes) = bounded(1);
        let pending = Arc::clone(&request);
        let work = move || run(&pending, &wakes, &state, &commands, wake.as_ref());
        thread::Builder::new().name("ganspect-preview".into()).spawn(work)?;
        Ok(Self { request, wake_sender })
    }

    /// Makes this preview next, in place of one that waits; `false` when the thread has ended.
    pub(crate) fn send(&self, request: PreviewRequest) -> bool {
        *self.request.lock() = Some(request);
        // A full channel is fine: the thread will be woken anyway.
        !matches!(self.wake_sender.try_send(()), Err(TrySendError::Disconnected(())))
    }
}

fn run(
    pending: &Mutex<Option<PreviewRequest>>,
    wakes: &Receiver<()>,
    state: &EngineState,
    commands: &Sender<ComputeCommand>,
    wake: &(dyn Fn() + Send + Sync),
) {
    let mut batch = None;
    for () in wakes {
        let Some(mut request) = pending.lock().take() else { continue };
        let run = state.training.critic.images.lock().clone();
        if let Some(opened) = &request.opened {
            *request.recipe = request.recipe.decided(&opened.dataset);
        }
        let images = match &request.opened {
            Some(opened) => training_images(opened, &request.recipe),
            None => match &run {
                Some(images) => Ok(Arc::clone(images)),
                None => continue,
            },
        };
        if let Ok(images) = &images {
            request.recipe.model.channels = images.channels;
        }
        let damaged = images.and_then(|images| damage(&mut batch, &images, &request, state));
        if request.opened.is_none() && state.training.critic.images() != run.map(|images| images.serial) {
            // The run was closed meanwhile.
            continue;
        }
        match damaged {
            Ok(shown) => {
                *state.training.critic.error.lock() = None;
                *state.training.critic.preview.lock() = Some(Arc::new(shown));
                // The compute thread owns the critic; if its queue is full, it probes the critic later.
                let _ = commands.try_send(ComputeCommand::Training(TrainingRequest::ProbeCritic));
            }
            Err(error) => *state.training.critic.error.lock() = Some(crate::format::sentence(&error.to_string())),
        }
        wake();
    }
}

/// The training images that a run on this data would have.
fn training_images(opened: &Opened, recipe: &Recipe) -> Result<Arc<PreviewImages>, DataError> {
    let split = opened.split(recipe.data.holdout, recipe.seed)?;
    Ok(Arc::new(PreviewImages::new(&opened.store, &opened.training_indices(&split), recipe.model.channels)))
}

/// Healthy crops, which are kept while only knobs of the defect synthesiser change.
struct HealthyBatch {
    /// Their images.
    store: Weak<ImageStore>,
    /// The part of the recipe that determines the crops.
    recipe: Recipe,
    draw: u64,
    side: usize,
    deviation: f32,
    crops: Vec<f32>,
}

impl HealthyBatch {
    fn new(images: &PreviewImages, request: &PreviewRequest) -> Result<Self, DataError> {
        let healthy = HealthyCrops::new(&request.recipe, &images.store, images.training.clone())?;
        Ok(Self {
            store: Arc::downgrade(&images.store),
            recipe: crop_recipe(&request.recipe),
            draw: request.draw,
            side: healthy.side(),
            deviation: healthy.deviation(),
            crops: healthy.batch(FIRST_BATCH + request.draw, CROPS)?,
        })
    }

    fn matches(&self, images: &PreviewImages, request: &PreviewRequest) -> bool {
        std::ptr::eq(self.store.as_ptr(), Arc::as_ptr(&images.store))
            && self.draw == request.draw
            && self.recipe == crop_recipe(&request.recipe)
    }
}

/// The part of a recipe that determines the crops.
fn crop_recipe(recipe: &Recipe) -> Recipe {
    let mut plain = Recipe { seed: recipe.seed, data: recipe.data.clone(), ..Recipe::default() };
    plain.model.channels = recipe.model.channels;
    (plain.critic.crop, plain.critic.level) = (recipe.critic.crop, recipe.critic.level);
    plain
}

fn damage(
    batch: &mut Option<HealthyBatch>,
    images: &PreviewImages,
    request: &PreviewRequest,
    state: &EngineState,
) -> Result<DefectPreview, DataError> {
    let batch = match batch.take().filter(|batch| batch.matches(images, request)) {
        Some(same) => batch.insert(same),
        None => batch.insert(HealthyBatch::new(images, request)?),
    };
    let recipe = &request.recipe;
    // Current samples of the run's generator are one of the fills of damage.
    let grid = match &request.opened {
        Some(_) => None,
        None => state.training.grids.read().grids().last().cloned(),
    };
    let drawn = grid.filter(|grid| grid.samples.channels == recipe.model.channels.count());
    let drawn = drawn.map_or((0, Vec::new()), |grid| (grid.samples.side, grid.samples.to_unit()));
    let synthesiser = critic::defect_synthesiser(recipe, batch.side, batch.deviation, drawn);
    let damaged = critic::damaged_batch(&synthesiser, &batch.crops, recipe.seed, FIRST_BATCH + request.draw);
    Ok(DefectPreview::new(request.viewer, recipe.critic.clone(), [recipe.model.channels.count(), batch.side], damaged))
}

#[cfg(test)]
mod tests {
    use super::{super::state::Viewer, *};
    use crate::data::DataSource;

    fn request(opened: &Arc<Opened>, draw: u64, turn: impl FnOnce(&mut Recipe)) -> PreviewRequest {
        let mut recipe = Recipe::default();
        recipe.critic.crop = 48;
        turn(&mut recipe);
        PreviewRequest { viewer: Viewer::fresh(), recipe: Box::new(recipe), draw, opened: Some(Arc::clone(opened)) }
    }

    #[test]
    fn knobs_change_the_damage_and_not_the_crops() {
        let opened = Arc::new("surface:turned".parse::<DataSource>().unwrap().open(&|_, _| true).unwrap());
        let (state, mut batch) = (EngineState::default(), None);
        let mut made = |request: &PreviewRequest| {
            let images = training_images(&opened, &request.recipe).unwrap();
            let shown = damage(&mut batch, &images, request, &state).unwrap();
            (shown, batch.as_ref().unwrap().crops.clone())
        };
        let (first, crops) = made(&request(&opened, 0, |_| {}));
        assert_eq!((first.crops.count, first.crops.side, first.masks.side), (CROPS, 48, 48));
        let (again, _) = made(&request(&opened, 0, |_| {}));
        assert_eq!((again.values, again.masks), (first.values.clone(), first.masks.clone()));

        let all = |recipe: &mut Recipe| (recipe.critic.share, recipe.critic.largest) = (1.0, 0.5);
        let (many, same) = made(&request(&opened, 0, all));
        assert_eq!(same, crops, "the same healthy crops");
        assert!(
            many.damaged(CROPS) > first.damaged(CROPS) && many.damaged(CROPS) >= CROPS - 2,
            "{}",
            many.damaged(CROPS)
        );
        let still = |recipe: &mut Recipe| (recipe.critic.share, recipe.critic.jitter) = (0.05, 0.0);
        let (few, _) = made(&request(&opened, 0, still));
        assert!(few.damaged(CROPS) < first.damaged(CROPS), "{}", few.damaged(CROPS));
        // Undamaged crops are unchanged.
        let area = 48 * 48;
        let whole = (0..CROPS).find(|i| !few.masks.image(*i).contains(&255)).unwrap();
        assert_eq!(few.values[whole * area..(whole + 1) * area], crops[whole * area..(whole + 1) * area]);

        let (others, different) = made(&request(&opened, 1, |_| {}));
        assert!(different != crops && others.serial > many.serial);
    }
}
