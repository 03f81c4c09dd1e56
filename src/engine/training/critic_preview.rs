//! Crops as the critic is shown them, forged on a thread of their own: a knob's turn is seen at once, however long
//! a step of training takes.

use std::{
    io,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use parking_lot::{Mutex, RwLock};

use crate::{
    data::{DataError, Illumination, ImageGrid, ImageStore, Opened, synthetic_defects::DamagedCrop},
    engine::{
        Command,
        state::{EngineState, History},
    },
    model::critic::STRIDE,
    train::{Recipe, critic, critic::HealthyCrops, recipe::CriticKnobs},
};

/// Crops that are forged for the screen.
pub const CROPS: usize = 12;

/// Batches far from those that a critic is trained on.
const APART: u64 = 1 << 40;

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
        let seen = |v: &f32| if knobs.level { Illumination::shown(*v) } else { *v };
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
    serial: u64,
    store: Arc<ImageStore>,
    training: Vec<usize>,
}

impl PreviewImages {
    /// Those of `training`, places in the store, that are not kept to learn from them what is usual.
    pub(crate) fn new(store: &Arc<ImageStore>, training: &[usize]) -> Self {
        Self { serial: fresh(), store: Arc::clone(store), training: critic::part(training).0 }
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
        self.history.write().start_over();
    }
}

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
        commands: Sender<Command>,
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
    pub(crate) fn ask(&self, order: PreviewRequest) -> bool {
        *self.order.lock() = Some(order);
        // A bell that has rung already is as good.
        !matches!(self.bell.try_send(()), Err(TrySendError::Disconnected(())))
    }
}

fn attend(
    desk: &Mutex<Option<PreviewRequest>>,
    rings: &Receiver<()>,
    live: &EngineState,
    commands: &Sender<Command>,
    wake: &(dyn Fn() + Send + Sync),
) {
    let mut bench = None;
    for () in rings {
        let Some(order) = desk.lock().take() else { continue };
        let run = live.critic.images.lock().clone();
        let images = match &order.opened {
            Some(opened) => taken_up(opened, &order.recipe),
            None => match &run {
                Some(images) => Ok(Arc::clone(images)),
                None => continue,
            },
        };
        let forged = images.and_then(|images| forge(&mut bench, &images, &order, live));
        if order.opened.is_none() && live.critic.images() != run.map(|images| images.serial) {
            // The run was left meanwhile.
            continue;
        }
        match forged {
            Ok(shown) => {
                *live.critic.fault.lock() = None;
                *live.critic.shown.lock() = Some(Arc::new(shown));
                // The critic, if there is one, is the compute thread's; one that is busy looks by and by.
                let _ = commands.try_send(Command::Answer);
            }
            Err(error) => *live.critic.fault.lock() = Some(crate::format::sentence(&error.to_string())),
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
            deviation: healthy.light()[1],
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
        None => live.grids.read().grids().last().cloned(),
    };
    let drawn = grid.filter(|grid| grid.samples.channels == recipe.model.channels);
    let drawn = drawn.map_or((0, Vec::new()), |grid| (grid.samples.side, grid.samples.to_unit()));
    let forger = critic::forger(recipe, bench.side, bench.deviation, drawn);
    let forged = critic::forged(&forger, &bench.crops, recipe.seed, APART + order.draw);
    Ok(DefectPreview::new(order.viewer, recipe.critic.clone(), [recipe.model.channels, bench.side], forged))
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn answers_are_as_many_pixels_as_the_critic_has_cells() {
        let forged = DamagedCrop { values: vec![0.0; 2 * 64], mask: vec![0.0; 2 * 64] };
        let shown = DefectPreview::new(Viewer::fresh(), CriticKnobs::default(), [1, 8], forged);
        let answers = CriticAnswers::new(&shown, 7, CriticKnobs::default(), &[0.0, 1.0, 0.5, 2.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!((answers.maps.count, answers.maps.side, answers.serial), (2, 2, shown.serial));
        assert_eq!(answers.maps.image(0), [0, 255, 128, 255]);
    }
}
