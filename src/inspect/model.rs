//! [`Model`]: a trained model with its networks on a device, its calibrations and its promised rate.

use std::{path::Path, sync::Arc};

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    FrameLimit,
    anomaly_region::{NoRegions, RegionList, RegionSettings},
    calibration::{Calibration, RateError, VerdictBasis},
    critic::{
        FrameCritic, NormalStats, TestTimeAugmentation, neighbours,
        neighbours::{CropOrigin, EmbeddingBank, Neighbour},
        patterns::Patterns,
    },
    job::{InspectError, InspectionJob, Outcome},
    knobs::InvertKnobs,
    latent::inversion::FrozenNetworks,
    model_info::{ModelInfo, Promise},
    planes::Planes,
    regions::Regions,
    scores::{ScoreKind, Scores, fusion::ReweightError},
};
use crate::{
    data::{BitDepth, Picture, surface},
    model::{
        Bundle, BundleError, Critic, Discriminator, Encoder, FrozenCritic, Generator, weights,
        weights::{Weight, WeightError},
    },
    text::PrintablePath,
    train::Recipe,
};

/// Metadata keys of a model file.
mod key {
    pub(crate) const NAME: &str = "name";
    pub(crate) const RECIPE: &str = "recipe";
    pub(crate) const STEP: &str = "step";
    pub(crate) const DATA: &str = "data";
    pub(crate) const SPLIT: &str = "split";
    pub(crate) const CALIBRATIONS: &str = "calibrations";
    pub(crate) const REGIONS: &str = "regions";
    pub(crate) const RATE: &str = "rate";
    pub(crate) const PROMISE: &str = "promise";
    pub(crate) const NEIGHBOURS: &str = "neighbours";
    pub(crate) const LINEAGE: &str = "lineage";
    pub(crate) const OUTLIERS: &str = "outliers";
    pub(crate) const REGION_SETTINGS: &str = "region_settings";
    /// How a model in colour sees it; absent in files of earlier versions.
    pub(crate) const COLOUR: &str = "colour";
}

/// How models of this version see colour: brightness by luminance, differences of every channel.
const BY_LUMINANCE: &str = "luminance";

/// Prefix of the tensors of the embedding bank.
const BANK: &str = "bank";
/// Prefix of the tensors of the healthy patterns.
const PATTERNS: &str = "patterns";

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The weights are missing, misshapen, or cannot be read from the device.
    #[error("{name} cannot be used: {source}; build the model from its run again")]
    Weights {
        /// The model.
        name: String,
        /// The cause.
        source: WeightError,
    },
    /// The metadata is invalid.
    #[error("{name} cannot be used: invalid metadata '{key}' ({what}); build the model from its run again")]
    Meta {
        /// The file.
        name: String,
        /// The key.
        key: &'static str,
        /// The cause.
        what: String,
    },
}

/// Why the promised rate or the deciding score cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DecisionError {
    /// There is no calibration for these knobs.
    #[error("the model is not calibrated for these settings; calibrate it first")]
    NotCalibrated,
    /// The model does not provide this score.
    #[error("the model does not provide the score `{0}`; choose one that it provides")]
    NoScore(&'static str),
    /// The rate cannot be promised.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// The labelled defects cannot be used.
    #[error(transparent)]
    Reweight(#[from] ReweightError),
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
    /// Builds a model from networks. `live` holds G's non-averaged weights for continued training; without it the file
    /// is smaller and can only inspect.
    ///
    /// # Errors
    /// [`ModelError::Weights`] when the weights cannot be read from the device.
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
        let mut networks = FrozenNetworks::new(ema, d, encoder, device).with_name(&info.name);
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

    /// Loads a model file onto a device.
    ///
    /// # Errors
    /// [`ModelError`] for a file that is damaged, not a model, of a newer version, or inconsistent.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        Self::from_bundle(Bundle::read(path)?, &path.printable().to_string(), device)
    }

    /// As [`Model::load`], from bytes; `name` is used in errors.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_bytes(name: &str, bytes: &[u8], device: &Device) -> Result<Self, ModelError> {
        Self::from_bundle(Bundle::from_bytes(name, bytes)?, name, device)
    }

    pub(super) fn from_bundle(bundle: Bundle, file: &str, device: &Device) -> Result<Self, ModelError> {
        let invalid_meta = |key, what: String| ModelError::Meta { name: file.into(), key, what };
        let text = |key: &'static str| {
            bundle.meta.get(key).map(String::as_str).ok_or_else(|| invalid_meta(key, "missing".into()))
        };
        let mut recipe =
            Recipe::from_record(text(key::RECIPE)?).map_err(|e| invalid_meta(key::RECIPE, e.to_string()))?;
        if text(key::DATA)?.starts_with(surface::PREFIX) {
            // Drawn with 8 bits, so its training decided nothing about 16.
            recipe.data.bit_depth = BitDepth::Auto;
        }
        let calibrations: Vec<Calibration> = serde_json::from_str(text(key::CALIBRATIONS)?)
            .map_err(|e| invalid_meta(key::CALIBRATIONS, e.to_string()))?;
        for calibration in &calibrations {
            calibration.check().map_err(|what| invalid_meta(key::CALIBRATIONS, what))?;
        }
        check_tensors(&bundle).map_err(|source| ModelError::Weights { name: file.into(), source })?;
        let regions: Regions =
            serde_json::from_str(text(key::REGIONS)?).map_err(|e| invalid_meta(key::REGIONS, e.to_string()))?;
        regions.validate().map_err(|e| invalid_meta(key::REGIONS, e.to_string()))?;
        let region_settings: RegionSettings = match bundle.meta.get(key::REGION_SETTINGS) {
            Some(text) => serde_json::from_str(text).map_err(|e| invalid_meta(key::REGION_SETTINGS, e.to_string()))?,
            None => RegionSettings::default(),
        };
        region_settings.validate().map_err(|e| invalid_meta(key::REGION_SETTINGS, e.to_string()))?;
        let info = ModelInfo {
            name: text(key::NAME)?.to_owned(),
            step: text(key::STEP)?.parse().map_err(|_| invalid_meta(key::STEP, "not a whole number".into()))?,
            data: text(key::DATA)?.to_owned(),
            split: serde_json::from_str(text(key::SPLIT)?).map_err(|e| invalid_meta(key::SPLIT, e.to_string()))?,
            rate: match bundle.meta.get(key::RATE) {
                Some(rate) => match rate.parse() {
                    Ok(rate) if rate > 0.0 && rate <= 0.5 => Some(rate),
                    Ok(_) => return Err(invalid_meta(key::RATE, "not above 0 and at most 0.5".into())),
                    Err(_) => return Err(invalid_meta(key::RATE, "not a number".into())),
                },
                None => None,
            },
            promise: match bundle.meta.get(key::PROMISE) {
                Some(text) => Some(serde_json::from_str(text).map_err(|e| invalid_meta(key::PROMISE, e.to_string()))?),
                None => None,
            },
            lineage: match bundle.meta.get(key::LINEAGE) {
                Some(text) => Some(serde_json::from_str(text).map_err(|e| invalid_meta(key::LINEAGE, e.to_string()))?),
                None => None,
            },
            outliers: match bundle.meta.get(key::OUTLIERS) {
                Some(text) => Some(serde_json::from_str(text).map_err(|e| invalid_meta(key::OUTLIERS, e.to_string()))?),
                None => None,
            },
            recipe,
            calibrations,
            regions,
            region_settings,
        };
        let device = device.clone().without_autodiff();
        let parts = ModelNetworks::of(&bundle, &info.recipe, file, false, &device)?;
        let in_colour = info.recipe.model.channels.count() > 1;
        let of_earlier_colour = in_colour && bundle.meta.get(key::COLOUR).is_none_or(|how| how != BY_LUMINANCE);
        let critic = match &parts.critic {
            None => None,
            Some(critic) => {
                let invalid = |source| ModelError::Weights { name: file.into(), source };
                let stats = NormalStats::from_weights(&bundle.with_prefix("usual"), info.recipe.critic.width)
                    .map_err(invalid)?;
                let patterns = Patterns::from_weights(&bundle.with_prefix(PATTERNS)).map_err(invalid)?;
                let tta = TestTimeAugmentation {
                    over_all_channels: of_earlier_colour,
                    ..TestTimeAugmentation::of(&info.recipe)
                };
                let critic = FrameCritic::new(FrozenCritic::new(critic), tta, stats, &device);
                Some(critic.with_patterns(patterns))
            }
        };
        let bank = match bundle.with_prefix(BANK) {
            // Absent in files of earlier versions.
            tensors if tensors.is_empty() => None,
            tensors => {
                let origins: Vec<CropOrigin> = serde_json::from_str(text(key::NEIGHBOURS)?)
                    .map_err(|e| invalid_meta(key::NEIGHBOURS, e.to_string()))?;
                let invalid = |source| ModelError::Weights { name: file.into(), source };
                let dim = critic.as_ref().map_or(0, FrameCritic::embedding_dim);
                let bank = EmbeddingBank::from_weights(&tensors, origins, info.recipe.model.channels.count(), dim)
                    .map_err(invalid)?;
                Some(bank.ok_or_else(|| invalid_meta(key::NEIGHBOURS, "invalid pixel value".into()))?)
            }
        };
        let networks = FrozenNetworks::new(&parts.ema, &parts.d, parts.encoder.as_ref(), &device)
            .with_critic(critic)
            .with_earlier_colour(of_earlier_colour)
            .with_name(file);
        Ok(Self { info, networks, encoder: parts.encoder.is_some(), bundle, bank })
    }

    /// The networks in trainable form.
    ///
    /// # Errors
    /// [`ModelError`] when they do not match the recipe.
    pub fn parts(&self, device: &Device) -> Result<ModelNetworks, ModelError> {
        ModelNetworks::of(&self.bundle, &self.info.recipe, &self.info.name, true, &device.clone().without_autodiff())
    }

    /// Loads a second copy of the model onto a device.
    ///
    /// # Errors
    /// See [`Model::load`].
    pub fn copy(&self, device: &Device) -> Result<Self, ModelError> {
        Self::from_bundle(self.to_bundle(&self.info.name)?, &self.info.name, device)
    }

    /// Writes the model to a file atomically.
    ///
    /// # Errors
    /// [`ModelError::Bundle`] when it cannot be written; an existing file is then unchanged.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        Ok(self.to_bundle(&path.printable().to_string())?.write(path)?)
    }

    /// Tensors and metadata as written to file; `name` is used in errors.
    pub(super) fn to_bundle(&self, name: &str) -> Result<Bundle, ModelError> {
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
        if info.region_settings != RegionSettings::default() {
            let text = serde_json::to_string(&info.region_settings);
            meta.push((key::REGION_SETTINGS, json(key::REGION_SETTINGS, text)?));
        }
        if info.recipe.model.channels.count() > 1 && !self.networks.is_of_earlier_colour() {
            meta.push((key::COLOUR, BY_LUMINANCE.to_owned()));
        }
        if let Some(lineage) = &info.lineage {
            meta.push((key::LINEAGE, json(key::LINEAGE, serde_json::to_string(lineage))?));
        }
        if let Some(outliers) = &info.outliers {
            meta.push((key::OUTLIERS, json(key::OUTLIERS, serde_json::to_string(outliers))?));
        }
        let meta = meta.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        Ok(Bundle { tensors: self.bundle.tensors.clone(), meta })
    }

    /// Metadata.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Metadata, mutable.
    pub(crate) fn info_mut(&mut self) -> &mut ModelInfo {
        &mut self.info
    }

    /// Reads 16-bit samples as using this many bits from now on; [`BitDepth::Auto`] leaves the model's own depth.
    pub fn read_at(&mut self, depth: BitDepth) {
        let data = &mut self.info.recipe.data;
        data.bit_depth = depth.or(data.bit_depth);
    }

    /// The frozen networks.
    pub fn networks(&self) -> &FrozenNetworks {
        &self.networks
    }

    /// Hash of its tensors, hexadecimal.
    pub fn hash(&self) -> String {
        self.bundle.hash().to_string()
    }

    /// Whether it has an encoder.
    pub(crate) fn has_encoder(&self) -> bool {
        self.encoder
    }

    /// Removes the weights only needed for training, and most of the embedding bank.
    pub fn slim(&mut self) {
        self.bundle.tensors.retain(|w| !w.name.starts_with("g/"));
        if let Some(bank) = self.bank.take() {
            self.set_bank(bank.slim());
        }
    }

    /// Replaces the embedding bank.
    pub fn set_bank(&mut self, bank: EmbeddingBank) {
        let tensors = &mut self.bundle.tensors;
        tensors.retain(|w| !w.name.starts_with("bank/"));
        self.bank = None;
        if !bank.is_empty() {
            tensors.extend(bank.weights().into_iter().map(|w| Weight { name: format!("{BANK}/{}", w.name), ..w }));
            self.bank = Some(bank);
        }
    }

    /// The embedding bank, if any.
    pub fn bank(&self) -> Option<&EmbeddingBank> {
        self.bank.as_ref()
    }

    /// The healthy training crops most similar to the crop of `planes` around `location`, at most one per image. Empty
    /// for a model without an embedding bank, or an image smaller than a crop.
    ///
    /// # Errors
    /// [`ModelError::Weights`] when the values cannot be read from the device.
    pub fn neighbours(&self, planes: &Planes, location: (usize, usize)) -> Result<Vec<Neighbour>, ModelError> {
        let corner = neighbours::crop_corner(planes, location);
        let (Some(bank), Some(critic), Some(corner)) = (&self.bank, self.networks.critic(), corner) else {
            return Ok(Vec::new());
        };
        let unread = |source| ModelError::Weights { name: self.info.name.clone(), source };
        Ok(bank.nearest(&critic.embed(planes, corner).map_err(unread)?))
    }

    /// The calibration for these knobs (ignoring the seed) and the active regions.
    pub fn calibration(&self, knobs: &InvertKnobs) -> Option<&Calibration> {
        Calibration::find(&self.info.calibrations, knobs, &self.info.regions)
    }

    /// Adds a calibration, replacing the one for the same knobs and regions.
    pub fn calibrate(&mut self, calibration: Calibration) {
        self.info.calibrations.retain(|c| !c.is_for(&calibration.knobs, &calibration.regions));
        self.info.calibrations.push(calibration);
    }

    /// The calibration for these knobs and the active regions, mutable.
    fn calibration_mut(&mut self, knobs: &InvertKnobs) -> Option<&mut Calibration> {
        let regions = &self.info.regions;
        self.info.calibrations.iter_mut().find(|c| c.is_for(knobs, regions))
    }

    /// Promises a false-alarm rate, recording who set it, when, and from which calibration.
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

    /// Sets the deciding score. The threshold follows, so that the promised rate stays the same.
    ///
    /// # Errors
    /// [`DecisionError`] without a calibration for these knobs, or for a score that the model does not provide.
    pub fn set_decision_score(&mut self, score: ScoreKind, knobs: &InvertKnobs) -> Result<(), DecisionError> {
        let calibration = self.calibration_mut(knobs).ok_or(DecisionError::NotCalibrated)?;
        if calibration.held_out.iter().all(|h| h.scores.known(score).is_none()) {
            return Err(DecisionError::NoScore(score.title()));
        }
        calibration.score = score;
        self.refresh_promise(knobs)
    }

    /// Reweights the combined score by labelled defects of an evaluation and makes it the deciding score.
    ///
    /// # Errors
    /// [`DecisionError`] without a calibration for these knobs, or when the defects are too few or not separable.
    pub fn reweight(&mut self, defective: &[Scores], data: &str, knobs: &InvertKnobs) -> Result<(), DecisionError> {
        self.calibration_mut(knobs).ok_or(DecisionError::NotCalibrated)?.reweight(defective, data)?;
        self.refresh_promise(knobs)
    }

    /// Undoes [`Model::reweight`]; `false` if there were no labels.
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

    /// Updates the recorded promise after a change of the deciding score.
    fn refresh_promise(&mut self, knobs: &InvertKnobs) -> Result<(), DecisionError> {
        match self.info.rate {
            Some(rate) if self.info.promise.is_some() => self.promise(rate, knobs),
            _ => Ok(()),
        }
    }

    /// The active rate for these knobs: the user's if it can be promised, otherwise the calibration's default. `None`
    /// without a calibration.
    pub fn rate(&self, knobs: &InvertKnobs) -> Option<f64> {
        Some(self.calibration(knobs)?.rate(self.info.rate))
    }

    /// What verdicts are based on; `hash` is the model's.
    pub(crate) fn verdict_basis<'a>(&'a self, hash: &'a str) -> VerdictBasis<'a> {
        let ModelInfo { calibrations, regions, rate, .. } = &self.info;
        VerdictBasis { hash, calibrations, regions, promised: *rate }
    }

    /// The largest image that can be inspected at present.
    pub fn frame_limit(&self) -> FrameLimit {
        let recipe = &self.info.recipe;
        FrameLimit::here(recipe.model.channels.count(), recipe.data.scale)
    }

    /// Prepares the inspection of an image on the active regions, converted as in training.
    ///
    /// # Errors
    /// [`InspectError`] for knobs out of range, or an image that is too large, fully ignored, or grey where the model sees
    /// colour.
    pub fn begin(&self, picture: &Picture, knobs: InvertKnobs) -> Result<InspectionJob, InspectError> {
        self.frame_limit().check(picture.width() as u64, picture.height() as u64)?;
        let recipe = &self.info.recipe;
        let picture = picture.read_at(recipe.data.bit_depth);
        let query = Planes::for_model(&picture, recipe.model.channels.count(), recipe.data.scale as f32)?;
        InspectionJob::new(&self.networks, Arc::new(query), knobs, &self.info.regions)
    }

    /// The anomaly regions of an outcome of this model.
    ///
    /// # Errors
    /// [`NoRegions`] without a threshold, or for an image of something else.
    pub fn anomaly_regions(&self, outcome: &Outcome) -> Result<RegionList, NoRegions> {
        let calibration = self.calibration(&outcome.knobs).or(self.info.calibrations.first());
        RegionList::of(outcome, calibration, &self.info.region_settings, self.info.recipe.data.scale)
    }

    /// The outcome of an inspection once done, with a verdict if the model is calibrated for its knobs.
    pub fn judge(&self, job: &InspectionJob) -> Option<Outcome> {
        job.outcome(self.calibration(job.knobs()).zip(self.rate(job.knobs())))
    }
}

/// Checks that every tensor is finite, and what else holds for statistics that are divided by.
fn check_tensors(bundle: &Bundle) -> Result<(), WeightError> {
    if let Some(name) = bundle.first_not_finite() {
        return Err(WeightError::Range {
            name: name.into(),
            value: f32::NAN,
            wanted: "every value is a finite number",
        });
    }
    for Weight { name, values, .. } in &bundle.tensors {
        let negative = values.iter().find(|value| **value < 0.0).filter(|_| name.ends_with("running_variance"));
        let flat = values.last().filter(|deviation| name == "c/light" && **deviation <= 0.0);
        let (Some(&value), wanted) = (match (negative, flat) {
            (None, flat) => (flat, "a standard deviation is above 0"),
            (negative, _) => (negative, "a variance is not negative"),
        }) else {
            continue;
        };
        return Err(WeightError::Range { name: name.clone(), value, wanted });
    }
    Ok(())
}

/// The networks of a model, in trainable form.
#[derive(Debug)]
pub struct ModelNetworks {
    /// G's non-averaged weights; `None` in a file for inspection only.
    pub live: Option<Generator>,
    /// G with averaged weights.
    pub ema: Generator,
    /// The discriminator.
    pub d: Discriminator,
    /// The encoder, if any.
    pub encoder: Option<Encoder>,
    /// The critic, if any.
    pub critic: Option<Critic>,
}

impl ModelNetworks {
    /// Loads them from a bundle; `live` includes G's non-averaged weights.
    fn of(bundle: &Bundle, recipe: &Recipe, file: &str, live: bool, device: &Device) -> Result<Self, ModelError> {
        let (shape, width) = (&recipe.model, recipe.critic.width);
        // The weights are overwritten, so the seed is irrelevant.
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let path = Path::new(file);
        let has = |prefix: &str| !bundle.with_prefix(prefix).is_empty();
        // One mean of the pixels for each channel; earlier versions stored one for all of them.
        let means = match bundle.with_prefix("c").get("light").map(|weight| weight.values.len()) {
            Some(stored) if stored == shape.channels.count() + 1 => stored - 1,
            _ => 1,
        };
        let brightness = vec![1.0; means + 1];
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
                    let critic = Critic::new(shape.channels.count(), width, brightness, &mut rng, device);
                    // One logit in earlier versions.
                    let heads =
                        bundle.with_prefix("c").get("last.weight").and_then(|weight| weight.shape.first().copied());
                    let critic = if heads == Some(1) { critic } else { critic.with_line_head(&mut rng, device) };
                    Some(bundle.fill(path, "c", critic)?)
                }
                false => None,
            },
        })
    }
}
