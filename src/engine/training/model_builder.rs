//! Builds a model file from a trained GAN: encoder, critic, normal statistics, calibration on held-out images.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    build_inputs::{BaseParts, BuildError, RunNetworks},
    build_progress::{BuildPart, BuildProgress, BuildSchedule},
    outlier_check::{HealthyImages, OutlierCheck},
    time_estimate::TimeEstimator,
};
use crate::{
    data::{CropSampler, FileHash, Opened},
    inspect::{
        Calibrator, Model, ModelInfo, OutlierReport, Planes,
        critic::{BankBuilder, EmbeddingBank, FrameCritic, Pattern, Patterns, StatsFitter, TestTimeAugmentation},
    },
    model::{Critic, Encoder, FrozenCritic},
    text::PrintablePath,
    train::{CriticTrainer, EncoderTrainer, Recipe},
};

/// Most healthy images for the normal statistics.
const STATISTICS_IMAGES: usize = 60;

/// Steps of the critic for the time estimate; the first compiles and tunes kernels.
const TRIAL_STEPS: u64 = 3;

/// Selects at most `most` of `all`, evenly spaced.
fn spread(all: &[usize], most: usize) -> Vec<usize> {
    let take = all.len().min(most);
    (0..take).map(|i| all[i * all.len() / take]).collect()
}

/// File name of an image.
fn name(opened: &Opened, image: usize) -> String {
    let path = opened.dataset.items.get(image).map(|item| item.path.as_path()).unwrap_or(Path::new(""));
    path.file_name().unwrap_or(path.as_os_str()).printable().to_string()
}

enum Stage {
    Encoder(Box<EncoderTrainer>),
    Critic(Box<CriticTrainer>),
    /// Fits the normal statistics on these images.
    Statistics(Box<StatsFitter>, Vec<usize>),
    /// Collects healthy crops and recurring patterns of these images.
    Collect(Box<FrameCritic>, Box<BankBuilder>, Vec<Pattern>, Vec<usize>),
    Calibrate(Box<Model>, Box<Calibrator>),
}

/// Builds a model, one bounded slice per call.
pub(crate) struct ModelBuilder {
    networks: RunNetworks,
    about: ModelInfo,
    /// The recipe for the build: that of the run, except for steps that are left out.
    recipe: Recipe,
    base: BaseParts,
    opened: Opened,
    /// The images that have not been left out.
    healthy: HealthyImages,
    outliers: OutlierCheck,
    path: PathBuf,
    stage: Stage,
    encoder: Option<Encoder>,
    /// The critic before its turn; its first steps are made early for the time estimate.
    next_critic: Option<Box<CriticTrainer>>,
    /// The trained critic.
    critic: Option<Critic>,
    /// Healthy crops to be stored with the model.
    bank: Option<EmbeddingBank>,
    losses: Vec<CriticLoss>,
    estimator: TimeEstimator,
    schedule: BuildSchedule,
    /// Start of the current part.
    began: Instant,
}

/// The critic's losses after a step.
pub(crate) struct CriticLoss {
    pub(crate) step: u64,
    pub(crate) loss: f32,
    /// Loss on held-out images, at intervals.
    pub(crate) held_out: Option<f32>,
}

/// Steps of the critic between two evaluations on held-out images.
const HELD_OUT_EVERY: u64 = 50;

impl ModelBuilder {
    pub(crate) fn begin(
        networks: RunNetworks,
        mut about: ModelInfo,
        opened: Opened,
        path: PathBuf,
        base: BaseParts,
    ) -> Result<Self, BuildError> {
        let mut recipe = about.recipe.clone();
        recipe.critic.steps = base.critic_steps.unwrap_or(recipe.critic.steps);
        if base.encoder.is_some() {
            recipe.encoder.steps = 0;
        }
        about.outliers = about.outliers.map(|earlier| earlier.without_restored(about.lineage.as_ref()));
        let healthy = HealthyImages::of(&opened, &about);
        let HealthyImages { training, held_out, .. } = &healthy;
        let sampler = CropSampler::new(Arc::clone(&opened.store), training.clone(), recipe.crop_spec())?;
        let encoder = EncoderTrainer::new(&recipe, &networks.ema, &networks.d, sampler, &networks.device);
        let steps = recipe.critic.steps;
        let channels = recipe.model.channels.count();
        let statistics = if steps > 0 { healthy.reserved.len().min(STATISTICS_IMAGES) } else { 0 };
        let bank_size = if steps > 0 { training.len().min(BankBuilder::max_images(channels)) } else { 0 };
        let outliers = OutlierCheck::new(&about, &opened, &healthy, steps);
        let mut schedule = BuildSchedule::new([
            (BuildPart::Encoder, encoder.total()),
            (BuildPart::Critic, steps + outliers.progress().1),
            (BuildPart::Statistics, (2 * statistics + bank_size) as u64),
            (BuildPart::Calibration, held_out.len() as u64),
        ]);
        schedule.enter(BuildPart::Encoder, 0);
        Ok(Self {
            estimator: TimeEstimator::new(held_out, &about),
            outliers,
            healthy,
            networks,
            about,
            recipe,
            base,
            opened,
            path,
            stage: Stage::Encoder(Box::new(encoder)),
            encoder: None,
            next_critic: None,
            critic: None,
            bank: None,
            losses: Vec::new(),
            schedule,
            began: Instant::now(),
        })
    }

    /// The model's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Progress, and the remaining seconds once known.
    pub(crate) fn progress(&self) -> (BuildProgress, Option<f64>) {
        (self.schedule.progress(), self.schedule.seconds_left())
    }

    /// The critic and its training steps so far; `None` before its turn.
    pub(crate) fn critic(&self) -> Option<(&Critic, u64)> {
        match &self.stage {
            Stage::Encoder(_) => None,
            Stage::Critic(trainer) => Some((trainer.critic(), trainer.steps())),
            Stage::Statistics(..) | Stage::Collect(..) | Stage::Calibrate(..) => {
                self.critic.as_ref().map(|critic| (critic, self.recipe.critic.steps))
            }
        }
    }

    /// The recipe and the device of the build.
    pub(crate) fn basis(&self) -> (&Recipe, &burn::tensor::Device) {
        (&self.recipe, &self.networks.device)
    }

    /// Takes the critic's losses since the last call, for the run's log.
    pub(crate) fn take_losses(&mut self) -> Vec<CriticLoss> {
        std::mem::take(&mut self.losses)
    }

    /// The images for the normal statistics.
    fn statistics_images(&self) -> Vec<usize> {
        spread(&self.healthy.reserved, STATISTICS_IMAGES)
    }

    /// The images for the crop bank.
    fn bank_images(&self) -> Vec<usize> {
        spread(&self.healthy.training, BankBuilder::max_images(self.about.recipe.model.channels.count()))
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        let (part, done, _) = self.current_part();
        self.schedule.enter(part, done);
        self.began = Instant::now();
    }

    /// The current part, with the units done and in total.
    fn current_part(&self) -> (BuildPart, u64, u64) {
        match &self.stage {
            Stage::Encoder(encoder) => (BuildPart::Encoder, encoder.steps(), encoder.total()),
            Stage::Critic(critic) => {
                let (checked, check) = self.outliers.progress();
                (BuildPart::Critic, critic.steps() + checked, critic.total() + check)
            }
            Stage::Statistics(fitter, images) => {
                let statistics = 2 * images.len();
                (
                    BuildPart::Statistics,
                    (statistics - fitter.remaining()) as u64,
                    (statistics + self.bank_images().len()) as u64,
                )
            }
            Stage::Collect(_, gathering, _, images) => {
                let all = 2 * self.statistics_images().len() + images.len();
                (BuildPart::Statistics, (all - gathering.remaining()) as u64, all as u64)
            }
            Stage::Calibrate(_, calibrator) => {
                let (done, total) = calibrator.progress();
                (BuildPart::Calibration, done as u64, total as u64)
            }
        }
    }

    /// Creates the critic to be trained.
    fn new_critic(&self) -> Result<Box<CriticTrainer>, BuildError> {
        let HealthyImages { trained, held_out, .. } = self.healthy.clone();
        let (recipe, n) = (&self.recipe, &self.networks);
        let trainer = CriticTrainer::new(recipe, Some(&n.ema), &self.opened.store, trained, held_out, &n.device);
        let trainer = trainer.map_err(BuildError::Critic)?;
        Ok(Box::new(match &self.base.critic {
            Some(critic) => trainer.starting_from(critic).map_err(BuildError::Critic)?,
            None => trainer,
        }))
    }

    /// Trains the critic for one step and stores its losses for the log.
    fn step_critic(trainer: &mut CriticTrainer, losses: &mut Vec<CriticLoss>) -> Result<(), BuildError> {
        let loss = trainer.step().map_err(BuildError::Critic)?;
        let step = trainer.steps();
        let held_out = match step {
            // The first value is that of an untrained critic.
            1 => trainer.held_out_loss().map_err(BuildError::Critic)?,
            _ if step.is_multiple_of(HELD_OUT_EVERY) => trainer.held_out_loss().map_err(BuildError::Critic)?,
            _ => None,
        };
        losses.push(CriticLoss { step, loss, held_out });
        Ok(())
    }

    /// Leaves out the images of a report, which joins that of an earlier model.
    fn leave_out(&mut self, report: OutlierReport) -> Result<(), BuildError> {
        let left_out: HashSet<FileHash> = report.left_out().map(|image| image.hash).collect();
        let items = &self.opened.dataset.items;
        self.healthy.retain(|image| items.get(image).is_none_or(|item| !left_out.contains(&item.hash)));
        if let Stage::Critic(trainer) = &mut self.stage
            && !left_out.is_empty()
        {
            trainer.train_on(self.healthy.trained.clone()).map_err(BuildError::Critic)?;
        }
        self.about.outliers = Some(match self.about.outliers.take() {
            Some(earlier) => report.after(earlier),
            None => report,
        });
        Ok(())
    }

    /// One step of the time estimate for the later parts.
    fn estimate_time(&mut self) -> Result<(), BuildError> {
        let steps = self.recipe.critic.steps;
        match &mut self.next_critic {
            None if steps > 0 => self.next_critic = Some(self.new_critic()?),
            Some(critic) if critic.steps() < steps.min(TRIAL_STEPS) => {
                let began = Instant::now();
                Self::step_critic(critic, &mut self.losses)?;
                self.schedule.set_estimate(BuildPart::Critic, began.elapsed().as_secs_f64());
            }
            next_critic => {
                let critic = next_critic.as_ref().map(|trainer| trainer.critic());
                self.estimator.work(&self.networks, &self.opened, critic, &mut self.schedule)?;
            }
        }
        // This time does not count for the first part.
        self.began = Instant::now();
        Ok(())
    }

    /// Creates the model and starts its calibration.
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
            &self.about.used_split(),
            self.base.knobs.clone(),
            self.about.regions.clone(),
            recipe.model.channels.count(),
            recipe.data.scale as f32,
        )?;
        self.enter(Stage::Calibrate(Box::new(model), Box::new(calibrator)));
        Ok(())
    }

    /// Works for about `budget`; returns the model once it is built and saved.
    pub(crate) fn slice(&mut self, budget: Duration) -> Result<Option<Model>, BuildError> {
        let began = Instant::now();
        loop {
            if !self.estimator.is_over() {
                self.estimate_time()?;
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
                    match self.next_critic.take() {
                        Some(critic) => self.enter(Stage::Critic(critic)),
                        None => self.calibrate(None)?,
                    }
                }
                Stage::Critic(trainer) if self.outliers.is_due(trainer.steps()) => {
                    let (recipe, device) = (&self.about.recipe, &self.networks.device);
                    if let Some(report) = self.outliers.advance(trainer.critic(), &self.opened, recipe, device)? {
                        self.leave_out(report)?;
                    }
                }
                Stage::Critic(critic) if critic.steps() < critic.total() => {
                    Self::step_critic(critic, &mut self.losses)?;
                }
                Stage::Critic(trainer) => {
                    let critic = trainer.critic().clone();
                    let images = self.statistics_images();
                    let (tta, device) = (TestTimeAugmentation::of(&self.about.recipe), &self.networks.device);
                    let fitter = StatsFitter::new(FrozenCritic::new(&critic), tta, images.len(), device);
                    self.critic = Some(critic);
                    self.enter(Stage::Statistics(Box::new(fitter), images));
                }
                Stage::Statistics(fitter, images) if fitter.remaining() > 0 => {
                    let image_data = self.opened.store.get(images[fitter.next_index()])?;
                    let recipe = &self.about.recipe;
                    fitter.add(&Planes::of(&image_data, recipe.model.channels.count(), recipe.data.scale as f32))?;
                }
                Stage::Statistics(fitter, _) => {
                    let fitted = StatsFitter::clone(fitter).finish();
                    let images = self.bank_images();
                    let channels = self.about.recipe.model.channels.count();
                    let gathering = BankBuilder::new(images.len(), channels, self.about.split.seed);
                    self.stage = Stage::Collect(Box::new(fitted), Box::new(gathering), Vec::new(), images);
                }
                Stage::Collect(critic, gathering, patterns, images) if gathering.remaining() > 0 => {
                    let image = images[gathering.next_index()];
                    let image_data = self.opened.store.get(image)?;
                    let recipe = &self.about.recipe;
                    let planes = Planes::of(&image_data, recipe.model.channels.count(), recipe.data.scale as f32);
                    gathering.add(critic, &name(&self.opened, image), &planes)?;
                    patterns.push(critic.map(&planes)?.pattern(None));
                }
                Stage::Collect(fitted, gathering, patterns, _) => {
                    let fitted = FrameCritic::clone(fitted).with_patterns(Patterns::of(patterns));
                    let critic = self.critic.clone();
                    self.bank = Some(BankBuilder::clone(gathering).finish());
                    self.calibrate(critic.as_ref().map(|critic| (critic, fitted)))?;
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
            let (_, done, _) = self.current_part();
            self.schedule.update(done, self.began.elapsed().as_secs_f64());
            if began.elapsed() >= budget {
                return Ok(None);
            }
        }
    }
}
