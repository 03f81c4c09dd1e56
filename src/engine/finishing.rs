//! From a trained GAN to a model file: the encoder, the critic, the calibration on held-out images, the file.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    data::{CropSampler, DataError, Opened, Split},
    inspect::{
        CalibrateError, Calibrator, InvertKnobs, Model, Planes,
        critic::{FrameCritic, Learning},
        model::{About, ModelError},
    },
    model::{Critic, Discriminator, Encoder, FixedCritic, Generator, weights::WeightError},
    train::{CriticTrainer, EncoderTrainer, critic, trainer::TrainError},
};

/// Name of the model file in a run's folder.
pub const MODEL_FILE: &str = "model.ganspect";

/// Most healthy images that a critic is shown to learn what is usual.
const SHOWN: usize = 60;

/// At most `most` of `all`, evenly from the whole list.
fn spread(all: &[usize], most: usize) -> Vec<usize> {
    let take = all.len().min(most);
    (0..take).map(|i| all[i * all.len() / take]).collect()
}

/// What keeps a run from becoming a model.
#[derive(Debug, thiserror::Error)]
pub(super) enum FinishError {
    #[error("the encoder was not trained: {0}")]
    Encoder(TrainError),
    #[error("the critic was not trained: {0}")]
    Critic(TrainError),
    #[error("the critic was not shown what is usual: {0}")]
    Usual(#[from] WeightError),
    #[error("the model was not calibrated: {0}")]
    Calibrate(#[from] CalibrateError),
    #[error("the model was not made: {0}")]
    Data(#[from] DataError),
    #[error("the model was not made: {0}")]
    Model(#[from] ModelError),
}

/// The networks of a run as they stood when finishing began.
pub(super) struct Networks {
    pub(super) live: Generator,
    pub(super) ema: Generator,
    pub(super) d: Discriminator,
    pub(super) device: burn::tensor::Device,
}

enum Stage {
    Encoder(Box<EncoderTrainer>),
    Critic(Box<CriticTrainer>),
    /// The critic, what it is shown, and the images.
    Usual(Box<Critic>, Box<Learning>, Vec<usize>),
    Calibrate(Box<Model>, Box<Calibrator>),
}

/// A model in the making, advanced a bounded slice at a time.
pub(super) struct Finishing {
    networks: Networks,
    about: About,
    opened: Opened,
    split: Split,
    path: PathBuf,
    stage: Stage,
    encoder: Option<Encoder>,
    losses: Vec<CriticLoss>,
    began: Instant,
}

/// The critic's losses after a step.
pub(super) struct CriticLoss {
    pub(super) step: u64,
    pub(super) loss: f32,
    /// On images that it is not trained on, now and then.
    pub(super) held_out: Option<f32>,
}

/// Steps of the critic between two looks at its held-out loss.
const HELD_OUT_EVERY: u64 = 50;

impl Finishing {
    pub(super) fn begin(
        networks: Networks,
        about: About,
        opened: Opened,
        split: Split,
        folder: &Path,
    ) -> Result<Self, FinishError> {
        let sampler = CropSampler::new(
            std::sync::Arc::clone(&opened.store),
            opened.training_indices(&split),
            about.recipe.crop_spec(),
        )?;
        let encoder = EncoderTrainer::new(&about.recipe, &networks.ema, &networks.d, sampler, &networks.device);
        let path = folder.join(MODEL_FILE);
        let stage = Stage::Encoder(Box::new(encoder));
        Ok(Self {
            networks,
            about,
            opened,
            split,
            path,
            stage,
            encoder: None,
            losses: Vec::new(),
            began: Instant::now(),
        })
    }

    /// Where the model goes.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is being done, how much of it is done, how much there is, and the seconds left once known.
    pub(super) fn progress(&self) -> (&'static str, u64, u64, Option<f64>) {
        let (what, done, total) = match &self.stage {
            Stage::Encoder(encoder) => ("training the encoder", encoder.steps(), encoder.total()),
            Stage::Critic(critic) => ("training the critic on forged defects", critic.steps(), critic.total()),
            Stage::Usual(_, learning, images) => {
                let all = 2 * images.len();
                ("showing the critic what is usual", (all - learning.left()) as u64, all as u64)
            }
            Stage::Calibrate(_, calibrator) => {
                let (done, total) = calibrator.progress();
                ("calibrating on held-out images", done as u64, total as u64)
            }
        };
        let elapsed = self.began.elapsed().as_secs_f64();
        let left = (done > 0).then(|| elapsed / done as f64 * total.saturating_sub(done) as f64);
        (what, done, total, left)
    }

    /// The critic's losses since they were last taken, for the run's log.
    pub(super) fn take_losses(&mut self) -> Vec<CriticLoss> {
        std::mem::take(&mut self.losses)
    }

    fn training(&self) -> Vec<usize> {
        self.opened.training_indices(&self.split)
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.began = Instant::now();
    }

    /// Makes the model and begins to calibrate it.
    fn calibrate(&mut self, critic: Option<(&Critic, FrameCritic)>) -> Result<(), FinishError> {
        let n = &self.networks;
        let about = self.about.clone();
        let model = Model::new(about, Some(&n.live), &n.ema, &n.d, self.encoder.as_ref(), critic, &n.device)?;
        let recipe = &self.about.recipe;
        let calibrator = Calibrator::new(
            &self.opened,
            &self.split,
            InvertKnobs::default(),
            self.about.regions.clone(),
            recipe.model.channels,
            recipe.data.scale as f32,
        )?;
        self.enter(Stage::Calibrate(Box::new(model), Box::new(calibrator)));
        Ok(())
    }

    /// Works for about `budget`; the model, written to its file, once it is there.
    pub(super) fn slice(&mut self, budget: Duration) -> Result<Option<Model>, FinishError> {
        let began = Instant::now();
        loop {
            match &mut self.stage {
                Stage::Encoder(encoder) if encoder.steps() < encoder.total() => {
                    encoder.step().map_err(FinishError::Encoder)?;
                }
                Stage::Encoder(encoder) => {
                    self.encoder = (encoder.total() > 0).then(|| encoder.encoder().clone());
                    if self.about.recipe.critic.steps > 0 {
                        let (training, _) = critic::part(&self.training());
                        let held_out = self.opened.held_out_indices(&self.split);
                        let (recipe, n) = (&self.about.recipe, &self.networks);
                        let critic =
                            CriticTrainer::new(recipe, &n.ema, &self.opened.store, training, held_out, &n.device);
                        self.enter(Stage::Critic(Box::new(critic.map_err(FinishError::Critic)?)));
                    } else {
                        self.calibrate(None)?;
                    }
                }
                Stage::Critic(critic) if critic.steps() < critic.total() => {
                    let loss = critic.step().map_err(FinishError::Critic)?;
                    let step = critic.steps();
                    let held_out = match step % HELD_OUT_EVERY {
                        0 => critic.held_out_loss().map_err(FinishError::Critic)?,
                        _ => None,
                    };
                    self.losses.push(CriticLoss { step, loss, held_out });
                }
                Stage::Critic(trainer) => {
                    let critic = trainer.critic().clone();
                    let (_, usual) = critic::part(&self.training());
                    let images = spread(&usual, SHOWN);
                    let learning = Learning::new(FixedCritic::new(&critic), images.len(), &self.networks.device);
                    self.enter(Stage::Usual(Box::new(critic), Box::new(learning), images));
                }
                Stage::Usual(_, learning, images) if learning.left() > 0 => {
                    let picture = self.opened.store.get(images[learning.next()])?;
                    let recipe = &self.about.recipe;
                    learning.show(&Planes::of(&picture, recipe.model.channels, recipe.data.scale as f32))?;
                }
                Stage::Usual(critic, learning, _) => {
                    let (critic, learned) = (Critic::clone(critic), Learning::clone(learning).finish());
                    self.calibrate(Some((&critic, learned)))?;
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
            if began.elapsed() >= budget {
                return Ok(None);
            }
        }
    }
}
