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
    engine::{protocol::ComputeCommand, state::EngineState, training::request::TrainingRequest},
    train::{Recipe, critic, critic::HealthyCrops},
};

/// Batches far from those that a critic is trained on.
const APART: u64 = 1 << 40;

/// The thread `ganspect-forge`; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct CriticPreviewThread {
    order: Arc<Mutex<Option<PreviewRequest>>>,
    bell: Sender<()>,
}

impl CriticPreviewThread {
    /// Starts the thread. `commands` lead to the compute thread, which has the critic; `wake` is called when there
    /// is something new to show.
    pub(crate) fn start(
        live: Arc<EngineState>,
        commands: Sender<ComputeCommand>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        let order = Arc::new(Mutex::new(None));
        let (bell, rings) = bounded(1);
        let desk = Arc::clone(&order);
        let work = move || attend(&desk, &rings, &live, &commands, wake.as_ref());
        thread::Builder::new().name("ganspect-forge".into()).spawn(work)?;
        Ok(Self { order, bell })
    }

    /// Forges these crops next, in place of any that wait; `false` when the thread has ended.
    pub(crate) fn send(&self, order: PreviewRequest) -> bool {
        *self.order.lock() = Some(order);
        // A bell that has rung already is as good.
        !matches!(self.bell.try_send(()), Err(TrySendError::Disconnected(())))
    }
}

fn attend(
    desk: &Mutex<Option<PreviewRequest>>,
    rings: &Receiver<()>,
    live: &EngineState,
    commands: &Sender<ComputeCommand>,
    wake: &(dyn Fn() + Send + Sync),
) {
    let mut bench = None;
    for () in rings {
        let Some(order) = desk.lock().take() else { continue };
        let run = live.training.critic.images.lock().clone();
        let images = match &order.opened {
            Some(opened) => taken_up(opened, &order.recipe),
            None => match &run {
                Some(images) => Ok(Arc::clone(images)),
                None => continue,
            },
        };
        let forged = images.and_then(|images| forge(&mut bench, &images, &order, live));
        if order.opened.is_none() && live.training.critic.images() != run.map(|images| images.serial) {
            // The run was left meanwhile.
            continue;
        }
        match forged {
            Ok(shown) => {
                *live.training.critic.fault.lock() = None;
                *live.training.critic.shown.lock() = Some(Arc::new(shown));
                // The critic, if there is one, is the compute thread's; one that is busy looks by and by.
                let _ = commands.try_send(ComputeCommand::Training(TrainingRequest::ProbeCritic));
            }
            Err(error) => *live.training.critic.fault.lock() = Some(crate::format::sentence(&error.to_string())),
        }
        wake();
    }
}

/// Images as a run would take them up.
fn taken_up(opened: &Opened, recipe: &Recipe) -> Result<Arc<PreviewImages>, DataError> {
    let split = opened.split(recipe.data.holdout, recipe.seed)?;
    Ok(Arc::new(PreviewImages::new(&opened.store, &opened.training_indices(&split))))
}

/// Healthy crops that only have to be damaged anew when a knob of the forger is turned.
struct Bench {
    /// Which images they are of, without holding on to them.
    store: Weak<ImageStore>,
    /// What decides them besides: everything of the recipe but the forger's knobs.
    recipe: Recipe,
    draw: u64,
    side: usize,
    deviation: f32,
    crops: Vec<f32>,
}

impl Bench {
    fn new(images: &PreviewImages, order: &PreviewRequest) -> Result<Self, DataError> {
        let healthy = HealthyCrops::new(&order.recipe, &images.store, images.training.clone())?;
        Ok(Self {
            store: Arc::downgrade(&images.store),
            recipe: before_damage(&order.recipe),
            draw: order.draw,
            side: healthy.side(),
            deviation: healthy.pixel_stats()[1],
            crops: healthy.batch(APART + order.draw, CROPS)?,
        })
    }

    fn serves(&self, images: &PreviewImages, order: &PreviewRequest) -> bool {
        std::ptr::eq(self.store.as_ptr(), Arc::as_ptr(&images.store))
            && self.draw == order.draw
            && self.recipe == before_damage(&order.recipe)
    }
}

/// A recipe as far as it decides which crops are cut.
fn before_damage(recipe: &Recipe) -> Recipe {
    let mut plain = Recipe { seed: recipe.seed, data: recipe.data.clone(), ..Recipe::default() };
    plain.model.channels = recipe.model.channels;
    (plain.critic.crop, plain.critic.level) = (recipe.critic.crop, recipe.critic.level);
    plain
}

fn forge(
    bench: &mut Option<Bench>,
    images: &PreviewImages,
    order: &PreviewRequest,
    live: &EngineState,
) -> Result<DefectPreview, DataError> {
    let bench = match bench.take().filter(|bench| bench.serves(images, order)) {
        Some(same) => bench.insert(same),
        None => bench.insert(Bench::new(images, order)?),
    };
    let recipe = &order.recipe;
    // What the generator of the run in hand draws at present is one of the forger's fills.
    let grid = match &order.opened {
        Some(_) => None,
        None => live.training.grids.read().grids().last().cloned(),
    };
    let drawn = grid.filter(|grid| grid.samples.channels == recipe.model.channels);
    let drawn = drawn.map_or((0, Vec::new()), |grid| (grid.samples.side, grid.samples.to_unit()));
    let forger = critic::defect_synthesiser(recipe, bench.side, bench.deviation, drawn);
    let forged = critic::damaged_batch(&forger, &bench.crops, recipe.seed, APART + order.draw);
    Ok(DefectPreview::new(order.viewer, recipe.critic.clone(), [recipe.model.channels, bench.side], forged))
}

#[cfg(test)]
mod tests {
    use super::{super::state::Viewer, *};
    use crate::data::DataSource;

    fn order(opened: &Arc<Opened>, draw: u64, turn: impl FnOnce(&mut Recipe)) -> PreviewRequest {
        let mut recipe = Recipe::default();
        recipe.critic.crop = 48;
        turn(&mut recipe);
        PreviewRequest { viewer: Viewer::fresh(), recipe: Box::new(recipe), draw, opened: Some(Arc::clone(opened)) }
    }

    #[test]
    fn knobs_change_the_damage_and_not_the_crops() {
        let opened = Arc::new("surface:turned".parse::<DataSource>().unwrap().open(&|_, _| true).unwrap());
        let (live, mut bench) = (EngineState::default(), None);
        let mut made = |order: &PreviewRequest| {
            let images = taken_up(&opened, &order.recipe).unwrap();
            let shown = forge(&mut bench, &images, order, &live).unwrap();
            (shown, bench.as_ref().unwrap().crops.clone())
        };
        let (usual, crops) = made(&order(&opened, 0, |_| {}));
        assert_eq!((usual.crops.count, usual.crops.side, usual.masks.side), (CROPS, 48, 48));
        let (again, _) = made(&order(&opened, 0, |_| {}));
        assert_eq!((again.values, again.masks), (usual.values.clone(), usual.masks.clone()));

        let all = |recipe: &mut Recipe| (recipe.critic.share, recipe.critic.largest) = (1.0, 0.5);
        let (many, same) = made(&order(&opened, 0, all));
        assert_eq!(same, crops, "the same healthy crops");
        assert!(
            many.damaged(CROPS) > usual.damaged(CROPS) && many.damaged(CROPS) >= CROPS - 2,
            "{}",
            many.damaged(CROPS)
        );
        let still = |recipe: &mut Recipe| (recipe.critic.share, recipe.critic.jitter) = (0.05, 0.0);
        let (few, _) = made(&order(&opened, 0, still));
        assert!(few.damaged(CROPS) < usual.damaged(CROPS), "{}", few.damaged(CROPS));
        // What is not damaged is shown as it is.
        let area = 48 * 48;
        let whole = (0..CROPS).find(|i| !few.masks.image(*i).contains(&255)).unwrap();
        assert_eq!(few.values[whole * area..(whole + 1) * area], crops[whole * area..(whole + 1) * area]);

        let (others, different) = made(&order(&opened, 1, |_| {}));
        assert!(different != crops && others.serial > many.serial);
    }
}
