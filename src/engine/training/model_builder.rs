//! From a trained GAN to a model file: the encoder, the critic, the calibration on held-out images, the file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    build_inputs::{BaseParts, BuildError, RunNetworks},
    build_progress::{BuildPart, BuildProgress, BuildSchedule},
    time_estimate::TimeEstimator,
};
use crate::{
    data::{CropSampler, Opened, Split},
    inspect::{
        Calibrator, Model, Planes,
        critic::{
            FrameCritic, StatsFitter, TestTimeAugmentation,
            neighbours::{BankBuilder, EmbeddingBank},
            patterns::{Pattern, Patterns},
        },
        model::ModelInfo,
    },
    model::{Critic, Encoder, FrozenCritic},
    train::{CriticTrainer, EncoderTrainer, Recipe, critic},
};

/// Most healthy images that a critic is shown to learn what is usual.
const SHOWN: usize = 60;

/// Steps of the critic by which its pace is known before its turn; the first compiles and tunes kernels.
const TRIED: u64 = 2;

/// At most `most` of `all`, evenly from the whole list.
fn spread(all: &[usize], most: usize) -> Vec<usize> {
    let take = all.len().min(most);
    (0..take).map(|i| all[i * all.len() / take]).collect()
}

/// Name of an image's file.
fn name(opened: &Opened, image: usize) -> String {
    let path = opened.dataset.items.get(image).map(|item| item.path.as_path()).unwrap_or(Path::new(""));
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

enum Stage {
    Encoder(Box<EncoderTrainer>),
    Critic(Box<CriticTrainer>),
    /// What the critic is shown, and the images.
    Usual(Box<StatsFitter>, Vec<usize>),
    /// What is usual is known; crops, and where each looks odd, are kept of these images.
    Keep(Box<FrameCritic>, Box<BankBuilder>, Vec<Pattern>, Vec<usize>),
    Calibrate(Box<Model>, Box<Calibrator>),
}

/// A model in the making, advanced a bounded slice at a time.
pub(crate) struct ModelBuilder {
    networks: RunNetworks,
    about: ModelInfo,
    /// What the model's parts are made by: the recipe of `about`, but for steps that are left out.
    recipe: Recipe,
    base: BaseParts,
    opened: Opened,
    split: Split,
    path: PathBuf,
    stage: Stage,
    encoder: Option<Encoder>,
    /// The critic before its turn: its first steps are done at once, and tell its pace.
    waiting: Option<Box<CriticTrainer>>,
    /// The critic after its turn.
    critic: Option<Critic>,
    /// Healthy crops for the model to keep.
    bank: Option<EmbeddingBank>,
    losses: Vec<CriticLoss>,
    trial: TimeEstimator,
    schedule: BuildSchedule,
    /// When the turn of the part in hand came.
    began: Instant,
}

/// The critic's losses after a step.
pub(crate) struct CriticLoss {
    pub(crate) step: u64,
    pub(crate) loss: f32,
    /// On images that it is not trained on, now and then.
    pub(crate) held_out: Option<f32>,
}

/// Steps of the critic between two looks at its held-out loss.
const HELD_OUT_EVERY: u64 = 50;

impl ModelBuilder {
    pub(crate) fn begin(
        networks: RunNetworks,
        about: ModelInfo,
        opened: Opened,
        split: Split,
        path: PathBuf,
        base: BaseParts,
    ) -> Result<Self, BuildError> {
        let mut recipe = about.recipe.clone();
        recipe.critic.steps = base.critic_steps.unwrap_or(recipe.critic.steps);
        if base.encoder.is_some() {
            recipe.encoder.steps = 0;
        }
        let training = opened.training_indices(&split);
        let sampler = CropSampler::new(Arc::clone(&opened.store), training.clone(), recipe.crop_spec())?;
        let encoder = EncoderTrainer::new(&recipe, &networks.ema, &networks.d, sampler, &networks.device);
        let held_out = opened.held_out_indices(&split);
        let steps = recipe.critic.steps;
        let channels = recipe.model.channels;
        let shown = if steps > 0 { critic::statistics_split(&training).1.len().min(SHOWN) } else { 0 };
        let kept = if steps > 0 { training.len().min(BankBuilder::max_images(channels)) } else { 0 };
        let mut schedule = BuildSchedule::new([
            (BuildPart::Encoder, encoder.total()),
            (BuildPart::Critic, steps),
            (BuildPart::Statistics, (2 * shown + kept) as u64),
            (BuildPart::Calibration, held_out.len() as u64),
        ]);
        schedule.enter(BuildPart::Encoder, 0);
        Ok(Self {
            trial: TimeEstimator::new(&held_out, &about),
            networks,
            about,
            recipe,
            base,
            opened,
            split,
            path,
            stage: Stage::Encoder(Box::new(encoder)),
            encoder: None,
            waiting: None,
            critic: None,
            bank: None,
            losses: Vec::new(),
            schedule,
            began: Instant::now(),
        })
    }

    /// Where the model goes.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How far it is, and the seconds that are left for the whole, once that can be told.
    pub(crate) fn progress(&self) -> (BuildProgress, Option<f64>) {
        (self.schedule.progress(), self.schedule.seconds_left())
    }

    /// The critic as it is now and the steps that it has been trained for, from its turn on.
    pub(crate) fn critic(&self) -> Option<(&Critic, u64)> {
        match &self.stage {
            Stage::Encoder(_) => None,
            Stage::Critic(trainer) => Some((trainer.critic(), trainer.steps())),
            Stage::Usual(..) | Stage::Keep(..) | Stage::Calibrate(..) => {
                self.critic.as_ref().map(|critic| (critic, self.recipe.critic.steps))
            }
        }
    }

    /// The recipe that the model is made by, and the device that it is made on.
    pub(crate) fn basis(&self) -> (&Recipe, &burn::tensor::Device) {
        (&self.recipe, &self.networks.device)
    }

    /// The critic's losses since they were last taken, for the run's log.
    pub(crate) fn take_losses(&mut self) -> Vec<CriticLoss> {
        std::mem::take(&mut self.losses)
    }

    fn training(&self) -> Vec<usize> {
        self.opened.training_indices(&self.split)
    }

    /// The images that the critic is shown to learn what is usual.
    fn shown(&self) -> Vec<usize> {
        spread(&critic::statistics_split(&self.training()).1, SHOWN)
    }

    /// The images that crops are kept of.
    fn kept(&self) -> Vec<usize> {
        spread(&self.training(), BankBuilder::max_images(self.about.recipe.model.channels))
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        let (part, done, _) = self.turn();
        self.schedule.enter(part, done);
        self.began = Instant::now();
    }

    /// The part in hand, how much of it is done and how much there is of it.
    fn turn(&self) -> (BuildPart, u64, u64) {
        match &self.stage {
            Stage::Encoder(encoder) => (BuildPart::Encoder, encoder.steps(), encoder.total()),
            Stage::Critic(critic) => (BuildPart::Critic, critic.steps(), critic.total()),
            Stage::Usual(learning, images) => {
                let shown = 2 * images.len();
                (BuildPart::Statistics, (shown - learning.remaining()) as u64, (shown + self.kept().len()) as u64)
            }
            Stage::Keep(_, gathering, _, images) => {
                let all = 2 * self.shown().len() + images.len();
                (BuildPart::Statistics, (all - gathering.remaining()) as u64, all as u64)
            }
            Stage::Calibrate(_, calibrator) => {
                let (done, total) = calibrator.progress();
                (BuildPart::Calibration, done as u64, total as u64)
            }
        }
    }

    /// A critic that is not trained yet.
    fn new_critic(&self) -> Result<Box<CriticTrainer>, BuildError> {
        let (training, _) = critic::statistics_split(&self.training());
        let held_out = self.opened.held_out_indices(&self.split);
        let (recipe, n) = (&self.recipe, &self.networks);
        let trainer = CriticTrainer::new(recipe, &n.ema, &self.opened.store, training, held_out, &n.device);
        let trainer = trainer.map_err(BuildError::Critic)?;
        Ok(Box::new(match &self.base.critic {
            Some(critic) => trainer.starting_from(critic).map_err(BuildError::Critic)?,
            None => trainer,
        }))
    }

    /// One step of the critic, its losses put aside for the log.
    fn criticise(trainer: &mut CriticTrainer, losses: &mut Vec<CriticLoss>) -> Result<(), BuildError> {
        let loss = trainer.step().map_err(BuildError::Critic)?;
        let step = trainer.steps();
        let held_out = match step {
            // The first value is that of a critic which knows nothing.
            1 => trainer.held_out_loss().map_err(BuildError::Critic)?,
            _ if step.is_multiple_of(HELD_OUT_EVERY) => trainer.held_out_loss().map_err(BuildError::Critic)?,
            _ => None,
        };
        losses.push(CriticLoss { step, loss, held_out });
        Ok(())
    }

    /// A piece of the trial: how long the later parts will take.
    fn try_out(&mut self) -> Result<(), BuildError> {
        let steps = self.recipe.critic.steps;
        match &mut self.waiting {
            None if steps > 0 => self.waiting = Some(self.new_critic()?),
            Some(critic) if critic.steps() < steps.min(TRIED) => {
                let began = Instant::now();
                Self::criticise(critic, &mut self.losses)?;
                self.schedule.set_estimate(BuildPart::Critic, began.elapsed().as_secs_f64());
            }
            waiting => {
                let critic = waiting.as_ref().map(|trainer| trainer.critic());
                self.trial.work(&self.networks, &self.opened, critic, &mut self.schedule)?;
            }
        }
        // None of this is the first part's time.
        self.began = Instant::now();
        Ok(())
    }

    /// Makes the model and begins to calibrate it.
    fn calibrate(&mut self, critic: Option<(&Critic, FrameCritic)>) -> Result<(), BuildError> {
        let n = &self.networks;
        let about = self.about.clone();
        let mut model = Model::new(about, Some(&n.live), &n.ema, &n.d, self.encoder.as_ref(), critic, &n.device)?;
        if let Some(bank) = self.bank.take() {
            model.set_bank(bank);
        }
        let recipe = &self.about.recipe;
        let calibrator = Calibrator::new(
            &self.opened,
            &self.split,
            self.base.knobs.clone(),
            self.about.regions.clone(),
            recipe.model.channels,
            recipe.data.scale as f32,
        )?;
        self.enter(Stage::Calibrate(Box::new(model), Box::new(calibrator)));
        Ok(())
    }

    /// Works for about `budget`; the model, written to its file, once it is there.
    pub(crate) fn slice(&mut self, budget: Duration) -> Result<Option<Model>, BuildError> {
        let began = Instant::now();
        loop {
            if !self.trial.is_over() {
                self.try_out()?;
                if began.elapsed() >= budget {
                    return Ok(None);
                }
                continue;
            }
            match &mut self.stage {
                Stage::Encoder(encoder) if encoder.steps() < encoder.total() => {
                    encoder.step().map_err(BuildError::Encoder)?;
                }
                Stage::Encoder(encoder) => {
                    let trained = (encoder.total() > 0).then(|| encoder.encoder().clone());
                    self.encoder = trained.or_else(|| self.base.encoder.clone());
                    match self.waiting.take() {
                        Some(critic) => self.enter(Stage::Critic(critic)),
                        None => self.calibrate(None)?,
                    }
                }
                Stage::Critic(critic) if critic.steps() < critic.total() => {
                    Self::criticise(critic, &mut self.losses)?;
                }
                Stage::Critic(trainer) => {
                    let critic = trainer.critic().clone();
                    let images = self.shown();
                    let (sight, device) = (TestTimeAugmentation::of(&self.about.recipe), &self.networks.device);
                    let learning = StatsFitter::new(FrozenCritic::new(&critic), sight, images.len(), device);
                    self.critic = Some(critic);
                    self.enter(Stage::Usual(Box::new(learning), images));
                }
                Stage::Usual(learning, images) if learning.remaining() > 0 => {
                    let picture = self.opened.store.get(images[learning.next_index()])?;
                    let recipe = &self.about.recipe;
                    learning.add(&Planes::of(&picture, recipe.model.channels, recipe.data.scale as f32))?;
                }
                Stage::Usual(learning, _) => {
                    let learned = StatsFitter::clone(learning).finish();
                    let images = self.kept();
                    let channels = self.about.recipe.model.channels;
                    let gathering = BankBuilder::new(images.len(), channels, self.split.seed);
                    self.stage = Stage::Keep(Box::new(learned), Box::new(gathering), Vec::new(), images);
                }
                Stage::Keep(critic, gathering, patterns, images) if gathering.remaining() > 0 => {
                    let image = images[gathering.next_index()];
                    let picture = self.opened.store.get(image)?;
                    let recipe = &self.about.recipe;
                    let planes = Planes::of(&picture, recipe.model.channels, recipe.data.scale as f32);
                    gathering.add(critic, &name(&self.opened, image), &planes)?;
                    patterns.push(critic.map(&planes)?.pattern(None));
                }
                Stage::Keep(learned, gathering, patterns, _) => {
                    let learned = FrameCritic::clone(learned).with_patterns(Patterns::of(patterns));
                    let critic = self.critic.clone();
                    self.bank = Some(BankBuilder::clone(gathering).finish());
                    self.calibrate(critic.as_ref().map(|critic| (critic, learned)))?;
                }
                Stage::Calibrate(model, calibrator) => {
                    if let Some(calibration) = calibrator.slice(model.networks())? {
                        model.calibrate(calibration);
                        model.save(&self.path)?;
                        let device = &self.networks.device;
                        return Ok(Some(Model::load(&self.path, device)?));
                    }
                }
            }
            let (_, done, _) = self.turn();
            self.schedule.update(done, self.began.elapsed().as_secs_f64());
            if began.elapsed() >= budget {
                return Ok(None);
            }
        }
    }
}
