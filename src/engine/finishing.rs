//! From a trained GAN to a model file: the encoder, the calibration on held-out images, the file.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    data::{CropSampler, DataError, Opened, Split},
    inspect::{
        CalibrateError, Calibrator, InvertKnobs, Model,
        model::{About, ModelError},
    },
    model::{Discriminator, Generator},
    train::{EncoderTrainer, trainer::TrainError},
};

/// Name of the model file in a run's folder.
pub const MODEL_FILE: &str = "model.ganspect";

/// What keeps a run from becoming a model.
#[derive(Debug, thiserror::Error)]
pub(super) enum FinishError {
    #[error("the encoder was not trained: {0}")]
    Encoder(#[from] TrainError),
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
    began: Instant,
}

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
        Ok(Self { networks, about, opened, split, path, stage, began: Instant::now() })
    }

    /// Where the model goes.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is being done, how much of it is done, how much there is, and the seconds left once known.
    pub(super) fn progress(&self) -> (&'static str, u64, u64, Option<f64>) {
        let (what, done, total) = match &self.stage {
            Stage::Encoder(encoder) => ("training the encoder", encoder.steps(), encoder.total()),
            Stage::Calibrate(_, calibrator) => {
                let (done, total) = calibrator.progress();
                ("calibrating on held-out images", done as u64, total as u64)
            }
        };
        let elapsed = self.began.elapsed().as_secs_f64();
        let left = (done > 0).then(|| elapsed / done as f64 * total.saturating_sub(done) as f64);
        (what, done, total, left)
    }

    /// Works for about `budget`; the model, written to its file, once it is there.
    pub(super) fn slice(&mut self, budget: Duration) -> Result<Option<Model>, FinishError> {
        let began = Instant::now();
        loop {
            match &mut self.stage {
                Stage::Encoder(encoder) if encoder.steps() < encoder.total() => {
                    encoder.step()?;
                }
                Stage::Encoder(encoder) => {
                    let trained = (encoder.total() > 0).then(|| encoder.encoder().clone());
                    let n = &self.networks;
                    let about = self.about.clone();
                    let model = Model::new(about, Some(&n.live), &n.ema, &n.d, trained.as_ref(), &n.device)?;
                    let recipe = &self.about.recipe;
                    let calibrator = Calibrator::new(
                        &self.opened,
                        &self.split,
                        InvertKnobs::default(),
                        self.about.regions.clone(),
                        recipe.model.channels,
                        recipe.data.scale as f32,
                    )?;
                    self.stage = Stage::Calibrate(Box::new(model), Box::new(calibrator));
                    self.began = Instant::now();
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
