//! A trained model: networks on a device, and everything that a verdict rests on.

use std::{path::Path, sync::Arc};

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    calibration::{Assessment, Calibration, RateError},
    critic::{
        FrameCritic, NormalStats, TestTimeAugmentation, neighbours,
        neighbours::{CropOrigin, EmbeddingBank, Neighbour},
        patterns::Patterns,
    },
    job::{InspectError, InspectionJob, Outcome},
    knobs::InvertKnobs,
    latent::inversion::FrozenNetworks,
    lineage::Lineage,
    planes::Planes,
    regions::Regions,
    scores::{ScoreKind, Scores, fusion::ReweightError},
};
use crate::{
    data::{Picture, Split},
    model::{
        Bundle, BundleError, Critic, Discriminator, Encoder, FrozenCritic, Generator, weights,
        weights::{Weight, WeightError},
    },
    train::Recipe,
};

/// Keys of a model file's metadata.
mod key {
    pub const NAME: &str = "name";
    pub const RECIPE: &str = "recipe";
    pub const STEP: &str = "step";
    pub const DATA: &str = "data";
    pub const SPLIT: &str = "split";
    pub const CALIBRATIONS: &str = "calibrations";
    pub const REGIONS: &str = "regions";
    pub const RATE: &str = "rate";
    pub const PROMISE: &str = "promise";
    pub const NEIGHBOURS: &str = "neighbours";
    pub const LINEAGE: &str = "lineage";
}

/// What the tensors of the healthy crops begin with.
const BANK: &str = "bank";
/// And of where healthy images look odd to the critic.
const PATTERNS: &str = "patterns";

/// What keeps a model from being used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The device did not hand the weights over.
    #[error("{name} cannot be used: {source}; make the model again from its run")]
    Weights {
        /// The model.
        name: String,
        /// What is wrong.
        source: WeightError,
    },
    /// What is written beside the tensors.
    #[error("{name} cannot be used: its {key} cannot be understood ({what}); make the model again from its run")]
    Meta {
        /// The file.
        name: String,
        /// Which entry.
        key: &'static str,
        /// What is wrong.
        what: String,
    },
}

/// Everything about a model but its tensors.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// Name on screen.
    pub name: String,
    /// The recipe it was trained by.
    pub recipe: Recipe,
    /// Steps it was trained for.
    pub step: u64,
    /// Where its images came from, as [`crate::data::DataSource`] reads it.
    pub data: String,
    /// Which images it was trained on and which were held out, by hash.
    pub split: Split,
    /// What the held-out images look like to it, one entry for each setting of the knobs.
    pub calibrations: Vec<Calibration>,
    /// What part of a picture is inspected.
    pub regions: Regions,
    /// The promised false-alarm rate, once the user has set one.
    pub rate: Option<f64>,
    /// Who set it, when, and on what it rests.
    pub promise: Option<Promise>,
    /// The models before it, and the verdicts that it learned from; `None` for one that learned from its data alone.
    pub lineage: Option<Lineage>,
}

/// Where a promised false-alarm rate comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// The rate.
    pub rate: f64,
    /// The score that verdicts go by; older files do not say.
    #[serde(default)]
    pub score: Option<ScoreKind>,
    /// Its value from which on a part is flagged.
    pub threshold: f64,
    /// Who set it: the name that the system knows the user by.
    pub by: String,
    /// When, seconds since the Unix epoch.
    pub at: u64,
    /// Where the held-out images came from.
    pub data: String,
    /// How many they were.
    pub images: usize,
}

impl Promise {
    /// A promise made now by whoever runs the program.
    pub fn now(rate: f64, calibration: &Calibration, data: &str) -> Self {
        Self {
            rate,
            score: Some(calibration.score),
            threshold: calibration.threshold(rate),
            by: crate::format::user_name().unwrap_or_else(|| "unknown".into()),
            at: crate::time::since_epoch().as_secs(),
            data: data.to_owned(),
            images: calibration.held_out.len(),
        }
    }

    /// In one line: "50 in 1,000, from a fused score of 1.2 on; set by kim on 2026-03-01 on 20 held-out images of DIR".
    pub fn describe(&self) -> String {
        let [year, month, day] = crate::time::date(self.at);
        let score = self.score.map_or_else(|| "score".into(), |kind| kind.title().to_lowercase());
        format!(
            "{:.0} in 1,000, from a {score} of {:.3} on; set by {} on {year}-{month:02}-{day:02} on {} held-out images of {}",
            self.rate * 1000.0,
            self.threshold,
            self.by,
            self.images,
            self.data
        )
    }
}

/// What verdicts are to go by cannot be put in force.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DecisionError {
    /// Nothing is known of good parts.
    #[error("the model is not calibrated for this setting; calibrate it first")]
    NotCalibrated,
    /// It has no such part.
    #[error("the model does not give the score `{0}`; choose one that it gives")]
    NoScore(&'static str),
    /// It cannot be promised.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// There is nothing to weigh by.
    #[error(transparent)]
    Weigh(#[from] ReweightError),
}

/// A trained model.
#[derive(Debug)]
pub struct Model {
    info: ModelInfo,
    networks: FrozenNetworks,
    bundle: Bundle,
    encoder: bool,
    bank: Option<EmbeddingBank>,
}

impl Model {
    /// A model of these networks. `live` is G as it was last updated, kept for training on; without it the
    /// file is smaller and can only inspect.
    ///
    /// # Errors
    /// [`ModelError::Weights`] when the device does not hand the values over.
    pub fn new(
        info: ModelInfo,
        live: Option<&Generator>,
        ema: &Generator,
        d: &Discriminator,
        encoder: Option<&Encoder>,
        critic: Option<(&Critic, FrameCritic)>,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let fault = |source| ModelError::Weights { name: info.name.clone(), source };
        let mut tensors = Vec::new();
        let mut add = |prefix: &str, weights: Result<Vec<Weight>, WeightError>| {
            let named = weights.map_err(fault)?.into_iter();
            tensors.extend(named.map(|w| Weight { name: format!("{prefix}/{}", w.name), ..w }));
            Ok::<(), ModelError>(())
        };
        if let Some(live) = live {
            add("g", weights::read(live))?;
        }
        add("ema", weights::read(ema))?;
        add("d", weights::read(d))?;
        if let Some(encoder) = encoder {
            add("e", weights::read(encoder))?;
        }
        let mut networks = FrozenNetworks::new(ema, d, encoder, device);
        if let Some((critic, frame)) = critic {
            add("c", weights::read(critic))?;
            add("usual", Ok(frame.stats().weights()))?;
            if !frame.patterns().is_empty() {
                add(PATTERNS, Ok(frame.patterns().weights()))?;
            }
            networks = networks.with_critic(Some(frame));
        }
        Ok(Self {
            info,
            networks,
            bundle: Bundle { tensors, ..Bundle::default() },
            encoder: encoder.is_some(),
            bank: None,
        })
    }

    /// Reads a model file onto a device.
    ///
    /// # Errors
    /// [`ModelError`] for a file that is not whole, not a model, newer, or at odds with itself.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        Self::from_bundle(Bundle::read(path)?, &path.display().to_string(), device)
    }

    /// As [`Model::load`], from bytes that are called `name`.
    ///
    /// # Errors
    /// The same.
    pub fn from_bytes(name: &str, bytes: &[u8], device: &Device) -> Result<Self, ModelError> {
        Self::from_bundle(Bundle::from_bytes(name, bytes)?, name, device)
    }

    fn from_bundle(bundle: Bundle, file: &str, device: &Device) -> Result<Self, ModelError> {
        let broken = |key, what: String| ModelError::Meta { name: file.into(), key, what };
        let text = |key: &'static str| {
            bundle.meta.get(key).map(String::as_str).ok_or_else(|| broken(key, "it is missing".into()))
        };
        let recipe = Recipe::from_record(text(key::RECIPE)?).map_err(|e| broken(key::RECIPE, e.to_string()))?;
        let calibrations: Vec<Calibration> =
            serde_json::from_str(text(key::CALIBRATIONS)?).map_err(|e| broken(key::CALIBRATIONS, e.to_string()))?;
        let fine = |c: &Calibration| {
            let numbers = [c.scale.difference, c.scale.feature, c.scale.critic, c.scale.distance];
            let parts = c.fusion.iter().all(|p| p.centre.is_finite() && p.spread > 0.0 && p.weight.is_finite());
            c.knobs.validate().is_ok()
                && !c.held_out.is_empty()
                && parts
                && numbers.iter().all(|v| v.is_finite() && *v > 0.0)
        };
        if !calibrations.iter().all(fine) {
            return Err(broken(key::CALIBRATIONS, "a value is out of its range".into()));
        }
        let regions: Regions =
            serde_json::from_str(text(key::REGIONS)?).map_err(|e| broken(key::REGIONS, e.to_string()))?;
        regions.validate().map_err(|e| broken(key::REGIONS, e.to_string()))?;
        let info = ModelInfo {
            name: text(key::NAME)?.to_owned(),
            step: text(key::STEP)?.parse().map_err(|_| broken(key::STEP, "it is no whole number".into()))?,
            data: text(key::DATA)?.to_owned(),
            split: serde_json::from_str(text(key::SPLIT)?).map_err(|e| broken(key::SPLIT, e.to_string()))?,
            rate: match bundle.meta.get(key::RATE) {
                Some(rate) => Some(rate.parse().map_err(|_| broken(key::RATE, "it is no number".into()))?),
                None => None,
            },
            promise: match bundle.meta.get(key::PROMISE) {
                Some(text) => Some(serde_json::from_str(text).map_err(|e| broken(key::PROMISE, e.to_string()))?),
                None => None,
            },
            lineage: match bundle.meta.get(key::LINEAGE) {
                Some(text) => Some(serde_json::from_str(text).map_err(|e| broken(key::LINEAGE, e.to_string()))?),
                None => None,
            },
            recipe,
            calibrations,
            regions,
        };
        let device = device.clone().without_autodiff();
        let parts = ModelNetworks::of(&bundle, &info.recipe, file, false, &device)?;
        let critic = match &parts.critic {
            None => None,
            Some(critic) => {
                let unfit = |source| ModelError::Weights { name: file.into(), source };
                let usual =
                    NormalStats::from_weights(&bundle.with_prefix("usual"), info.recipe.critic.width).map_err(unfit)?;
                let patterns = Patterns::from_weights(&bundle.with_prefix(PATTERNS)).map_err(unfit)?;
                let critic =
                    FrameCritic::new(FrozenCritic::new(critic), TestTimeAugmentation::of(&info.recipe), usual, &device);
                Some(critic.with_patterns(patterns))
            }
        };
        let bank = match bundle.with_prefix(BANK) {
            // Files of earlier versions have none.
            tensors if tensors.is_empty() => None,
            tensors => {
                let origins: Vec<CropOrigin> =
                    serde_json::from_str(text(key::NEIGHBOURS)?).map_err(|e| broken(key::NEIGHBOURS, e.to_string()))?;
                let unfit = |source| ModelError::Weights { name: file.into(), source };
                let dim = critic.as_ref().map_or(0, FrameCritic::embedding_dim);
                let bank =
                    EmbeddingBank::from_weights(&tensors, origins, info.recipe.model.channels, dim).map_err(unfit)?;
                Some(bank.ok_or_else(|| broken(key::NEIGHBOURS, "a pixel is none".into()))?)
            }
        };
        let networks = FrozenNetworks::new(&parts.ema, &parts.d, parts.encoder.as_ref(), &device).with_critic(critic);
        Ok(Self { info, networks, encoder: parts.encoder.is_some(), bundle, bank })
    }

    /// Its networks as they can be trained on.
    ///
    /// # Errors
    /// [`ModelError`] where they are at odds with the recipe.
    pub fn parts(&self, device: &Device) -> Result<ModelNetworks, ModelError> {
        ModelNetworks::of(&self.bundle, &self.info.recipe, &self.info.name, true, &device.clone().without_autodiff())
    }

    /// The same model once more, on a device.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub fn copy(&self, device: &Device) -> Result<Self, ModelError> {
        Self::from_bundle(self.whole(&self.info.name)?, &self.info.name, device)
    }

    /// Writes the model to a file: aside, synced and renamed.
    ///
    /// # Errors
    /// [`ModelError::Bundle`] when it cannot be written; what was there before is then unchanged.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        Ok(self.whole(&path.display().to_string())?.write(path)?)
    }

    /// Tensors and everything about them, as they are written to what is called `name`.
    fn whole(&self, name: &str) -> Result<Bundle, ModelError> {
        let info = &self.info;
        let json = |key: &'static str, value: serde_json::Result<String>| {
            value.map_err(|e| ModelError::Meta { name: name.into(), key, what: e.to_string() })
        };
        let mut meta = vec![
            (key::NAME, info.name.clone()),
            (key::RECIPE, info.recipe.to_toml()),
            (key::STEP, info.step.to_string()),
            (key::DATA, info.data.clone()),
            (key::SPLIT, json(key::SPLIT, serde_json::to_string(&info.split))?),
            (key::CALIBRATIONS, json(key::CALIBRATIONS, serde_json::to_string(&info.calibrations))?),
            (key::REGIONS, json(key::REGIONS, serde_json::to_string(&info.regions))?),
        ];
        meta.extend(info.rate.map(|rate| (key::RATE, rate.to_string())));
        if let Some(promise) = &info.promise {
            meta.push((key::PROMISE, json(key::PROMISE, serde_json::to_string(promise))?));
        }
        if let Some(bank) = &self.bank {
            meta.push((key::NEIGHBOURS, json(key::NEIGHBOURS, serde_json::to_string(bank.origins()))?));
        }
        if let Some(lineage) = &info.lineage {
            meta.push((key::LINEAGE, json(key::LINEAGE, serde_json::to_string(lineage))?));
        }
        let meta = meta.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        Ok(Bundle { tensors: self.bundle.tensors.clone(), meta })
    }

    /// Everything about it but its tensors.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The same, to be changed.
    pub fn info_mut(&mut self) -> &mut ModelInfo {
        &mut self.info
    }

    /// Its networks.
    pub fn networks(&self) -> &FrozenNetworks {
        &self.networks
    }

    /// Hash of its tensors, as hexadecimal digits.
    pub fn hash(&self) -> String {
        self.bundle.hash().to_string()
    }

    /// Whether it has an encoder.
    pub fn has_encoder(&self) -> bool {
        self.encoder
    }

    /// Leaves out what only training on needs, and most of the healthy crops.
    pub fn slim(&mut self) {
        self.bundle.tensors.retain(|w| !w.name.starts_with("g/"));
        if let Some(bank) = self.bank.take() {
            self.set_bank(bank.slim());
        }
    }

    /// Keeps these healthy crops, to be shown beside what is odd; in the place of those before.
    pub fn set_bank(&mut self, bank: EmbeddingBank) {
        let tensors = &mut self.bundle.tensors;
        tensors.retain(|w| !w.name.starts_with("bank/"));
        self.bank = None;
        if !bank.is_empty() {
            tensors.extend(bank.weights().into_iter().map(|w| Weight { name: format!("{BANK}/{}", w.name), ..w }));
            self.bank = Some(bank);
        }
    }

    /// The healthy crops that it keeps.
    pub fn bank(&self) -> Option<&EmbeddingBank> {
        self.bank.as_ref()
    }

    /// The healthy training crops that look most like the crop of `planes` around `place`, no two of one image; none
    /// for a model that keeps no crops, or a picture that is smaller than one.
    ///
    /// # Errors
    /// [`ModelError::Weights`] when the device does not hand the values over.
    pub fn neighbours(&self, planes: &Planes, place: (usize, usize)) -> Result<Vec<Neighbour>, ModelError> {
        let corner = neighbours::crop_corner(planes, place);
        let (Some(bank), Some(critic), Some(corner)) = (&self.bank, self.networks.critic(), corner) else {
            return Ok(Vec::new());
        };
        let unread = |source| ModelError::Weights { name: self.info.name.clone(), source };
        Ok(bank.nearest(&critic.embed(planes, corner).map_err(unread)?))
    }

    /// The calibration that was made with these knobs, seed aside, on the regions in force.
    pub fn calibration(&self, knobs: &InvertKnobs) -> Option<&Calibration> {
        Calibration::find(&self.info.calibrations, knobs, &self.info.regions)
    }

    /// Puts a calibration in the place of the one for the same knobs, if there was one.
    pub fn calibrate(&mut self, calibration: Calibration) {
        self.info.calibrations.retain(|c| !c.is_for(&calibration.knobs, &calibration.regions));
        self.info.calibrations.push(calibration);
    }

    /// The calibration for these knobs on the regions in force, to be changed.
    fn calibration_mut(&mut self, knobs: &InvertKnobs) -> Option<&mut Calibration> {
        let regions = &self.info.regions;
        self.info.calibrations.iter_mut().find(|c| c.is_for(knobs, regions))
    }

    /// Promises a false-alarm rate from now on; who did that, when and on what is written beside it.
    ///
    /// # Errors
    /// [`DecisionError`] without a calibration for these knobs, or for a rate that it cannot promise.
    pub fn promise(&mut self, rate: f64, knobs: &InvertKnobs) -> Result<(), DecisionError> {
        let calibration = self.calibration(knobs).ok_or(DecisionError::NotCalibrated)?;
        calibration.check_rate(rate)?;
        let promise = Promise::now(rate, calibration, &self.info.data);
        (self.info.rate, self.info.promise) = (Some(rate), Some(promise));
        Ok(())
    }

    /// Lets verdicts go by this score from now on. The threshold follows, so that the promise stays as it was.
    ///
    /// # Errors
    /// [`DecisionError`] without a calibration for these knobs, or for a score that the model does not give.
    pub fn set_decision_score(&mut self, score: ScoreKind, knobs: &InvertKnobs) -> Result<(), DecisionError> {
        let calibration = self.calibration_mut(knobs).ok_or(DecisionError::NotCalibrated)?;
        if calibration.held_out.iter().all(|h| h.scores.get(score) == 0.0) {
            return Err(DecisionError::NoScore(score.title()));
        }
        calibration.score = score;
        self.refresh_promise(knobs)
    }

    /// Weighs the fused score by labelled defects of a test, and lets verdicts go by it.
    ///
    /// # Errors
    /// [`DecisionError`] without a calibration for these knobs, or when the defects are too few or tell nothing.
    pub fn reweight(&mut self, defective: &[Scores], data: &str, knobs: &InvertKnobs) -> Result<(), DecisionError> {
        self.calibration_mut(knobs).ok_or(DecisionError::NotCalibrated)?.reweight(defective, data)?;
        self.refresh_promise(knobs)
    }

    /// Takes [`Model::weigh`] back; `false` where no label plays a part.
    ///
    /// # Errors
    /// [`DecisionError::NotCalibrated`] without a calibration for these knobs.
    pub fn remove_labels(&mut self, knobs: &InvertKnobs) -> Result<bool, DecisionError> {
        let forgotten = self.calibration_mut(knobs).ok_or(DecisionError::NotCalibrated)?.remove_labels();
        if forgotten {
            self.refresh_promise(knobs)?;
        }
        Ok(forgotten)
    }

    /// Brings what is written of a promise up to date with the score in force.
    fn refresh_promise(&mut self, knobs: &InvertKnobs) -> Result<(), DecisionError> {
        match self.info.rate {
            Some(rate) if self.info.promise.is_some() => self.promise(rate, knobs),
            _ => Ok(()),
        }
    }

    /// The promised rate in force for these knobs: the user's where it can be promised, else the
    /// calibration's own. `None` without a calibration.
    pub fn rate(&self, knobs: &InvertKnobs) -> Option<f64> {
        let calibration = self.calibration(knobs)?;
        let kept = self.info.rate.filter(|&rate| calibration.check_rate(rate).is_ok());
        Some(kept.unwrap_or(calibration.default_rate()))
    }

    /// A query's place among good parts; `None` without a calibration for the knobs it was inspected with.
    pub fn assess(&self, scores: &Scores, knobs: &InvertKnobs) -> Option<Assessment> {
        let rate = self.rate(knobs)?;
        self.calibration(knobs)?.assess(scores, rate).ok()
    }
    /// An inspection of this picture, in the form that the networks were trained on and on the regions in force.
    ///
    /// # Errors
    /// [`InspectError`] for knobs out of range, or a picture that is too large or wholly ignored.
    pub fn begin(&self, picture: &Picture, knobs: InvertKnobs) -> Result<InspectionJob, InspectError> {
        let recipe = &self.info.recipe;
        let query = Arc::new(Planes::of(picture, recipe.model.channels, recipe.data.scale as f32));
        InspectionJob::new(&self.networks, query, knobs, &self.info.regions)
    }

    /// What came of an inspection once it is done, with its place among good parts where the model is calibrated for
    /// its knobs.
    pub fn judge(&self, job: &InspectionJob) -> Option<Outcome> {
        job.outcome(self.calibration(job.knobs()).zip(self.rate(job.knobs())))
    }
}

/// The networks of a model, each as it can be trained on.
#[derive(Debug)]
pub struct ModelNetworks {
    /// G as it was last updated; `None` in a file for inspection alone.
    pub live: Option<Generator>,
    /// G's averaged weights.
    pub ema: Generator,
    /// D.
    pub d: Discriminator,
    /// The encoder, if there is one.
    pub encoder: Option<Encoder>,
    /// The critic, if there is one.
    pub critic: Option<Critic>,
}

impl ModelNetworks {
    /// `live` is for training on alone.
    fn of(bundle: &Bundle, recipe: &Recipe, file: &str, live: bool, device: &Device) -> Result<Self, ModelError> {
        let (shape, width) = (&recipe.model, recipe.critic.width);
        // The weights are replaced at once; the seed plays no part.
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let path = Path::new(file);
        let has = |prefix: &str| !bundle.with_prefix(prefix).is_empty();
        Ok(Self {
            live: match live && has("g") {
                true => Some(bundle.fill(path, "g", Generator::new(shape, &mut rng, device))?),
                false => None,
            },
            ema: bundle.fill(path, "ema", Generator::new(shape, &mut rng, device))?,
            d: bundle.fill(path, "d", Discriminator::new(shape, &mut rng, device))?,
            encoder: match has("e") {
                true => Some(bundle.fill(path, "e", Encoder::new(shape, &mut rng, device))?),
                false => None,
            },
            critic: match has("c") {
                true => {
                    Some(bundle.fill(path, "c", Critic::new(shape.channels, width, [0.0, 1.0], &mut rng, device))?)
                }
                false => None,
            },
        })
    }
}
