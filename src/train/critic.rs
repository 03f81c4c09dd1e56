//! Training a critic on forged defects: healthy crops, half of them damaged, and where.
//!
//! The loss is binary cross-entropy on logits, a damaged place counting more than a whole one. Crops come from
//! the images that the GAN was trained on; what the generator draws is one of the forger's fills.

use std::sync::Arc;

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData, activation},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    optimiser::Optimiser,
    recipe::{OptimiserKind, OptimiserKnobs, Recipe},
    trainer::TrainError,
};
use crate::{
    data::{
        CropSampler, CropSpec, DataError, Illumination, ImageStore,
        synthetic_defects::{DamagedCrop, DefectSynthesiser},
    },
    model::{
        Critic, FrozenGenerator, Generator, Latent,
        critic::{MULTIPLE, STRIDE},
        layers::Pass,
        weights,
        weights::host,
    },
};

/// Crops by the generator that the forger chooses from.
const DRAWN: usize = 64;
/// Decay of the average of the weights.
const DECAY: f64 = 0.99;
/// Crops that the light of the surface is measured on.
const LIT: usize = 64;
/// Crops that the held-out loss is measured on.
const HELD_OUT: usize = 32;
/// Smallest side of a crop.
const LEAST: usize = 32;

/// Healthy crops for a critic, before a [`DefectSynthesiser`] gets hold of them. Needs no device.
#[derive(Clone, Debug)]
pub struct HealthyCrops {
    sampler: CropSampler,
    /// Mean and standard deviation of the surface's pixels.
    light: [f32; 2],
    seed: u64,
}

impl HealthyCrops {
    /// Crops of the images at `training` of `store`, as this recipe's critic sees them.
    ///
    /// # Errors
    /// [`DataError`] when the images cannot be read.
    pub fn new(recipe: &Recipe, store: &Arc<ImageStore>, training: Vec<usize>) -> Result<Self, DataError> {
        let side = crop_side(store, &training, recipe.critic.crop, recipe.data.scale as f32);
        let spec =
            CropSpec { size: side, borders: true, jitter: 0.0, normalise: recipe.critic.level, ..recipe.crop_spec() };
        let sampler = CropSampler::new(Arc::clone(store), training, spec)?;
        let light = light(&sampler.batch(recipe.seed ^ 0x6c69_6768, 0, LIT)?);
        Ok(Self { sampler, light, seed: recipe.seed })
    }

    /// Width and height of a crop, pixels.
    pub fn side(&self) -> usize {
        self.sampler.spec().size
    }

    /// Mean and standard deviation of the surface's pixels, on the -1 to 1 scale.
    pub fn light(&self) -> [f32; 2] {
        self.light
    }

    /// Batch `index`: `[n, channels, side, side]` in `[-1, 1]`.
    ///
    /// # Errors
    /// The data's.
    pub fn batch(&self, index: u64, n: usize) -> Result<Vec<f32>, DataError> {
        self.sampler.batch(self.seed ^ 0x666f_7267, index, n)
    }
}

/// The forger of a recipe for crops of `side` pixels, for a surface whose pixels have this standard deviation.
/// `drawn` is what the generator draws: the side, and crops plane by plane.
pub fn forger(recipe: &Recipe, side: usize, deviation: f32, mut drawn: (usize, Vec<f32>)) -> DefectSynthesiser {
    if recipe.critic.level {
        let channels = recipe.model.channels;
        for crop in drawn.1.chunks_exact_mut((channels * drawn.0 * drawn.0).max(1)) {
            let light = Illumination::of_planes(crop, channels);
            crop.iter_mut().for_each(|v| *v = light.normalise(*v));
        }
    }
    DefectSynthesiser::new(recipe.critic.forge(), side, recipe.model.channels, deviation, drawn)
}

/// Batch `index` of [`HealthyCrops`] as it is shown to the critic of a recipe of this seed.
pub fn forged(forger: &DefectSynthesiser, crops: &[f32], seed: u64, index: u64) -> DamagedCrop {
    forger.batch(crops, seed ^ 0x6461_6d61, index)
}

/// How sure a critic is that a place is damaged, 0 to 1: one number for every [`STRIDE`] x [`STRIDE`] pixels of
/// `[n, channels, side, side]`, row by row, crop by crop.
///
/// # Errors
/// When the device does not hand the values over.
pub fn probabilities(
    critic: &Critic,
    crops: &[f32],
    [channels, side]: [usize; 2],
    device: &Device,
) -> Result<Vec<f32>, weights::WeightError> {
    let n = crops.len() / (channels * side * side).max(1);
    let x = TensorData::new(crops.to_vec(), [n, channels, side, side]);
    let x = Tensor::from_data(x, &device.clone().without_autodiff());
    let logits = critic.forward(x, &mut Pass::Evaluate);
    Ok(host(activation::sigmoid(logits))?.1)
}

/// A critic in training.
pub struct CriticTrainer {
    recipe: Recipe,
    device: Device,
    live: Critic,
    critic: Critic,
    optimiser: Optimiser,
    crops: HealthyCrops,
    forger: DefectSynthesiser,
    /// Crops of images that are not trained on, forged once.
    held_out: Option<(Tensor<4>, Tensor<4>)>,
    step: u64,
}

impl CriticTrainer {
    /// A fresh critic, trained on the images at `training` of `store` and watched on those at `held_out`. `g` draws
    /// what one of the forger's fills shows.
    ///
    /// # Errors
    /// [`TrainError`] when the images cannot be read or the device does not hand values over.
    pub fn new(
        recipe: &Recipe,
        g: &Generator,
        store: &Arc<ImageStore>,
        training: Vec<usize>,
        held_out: Vec<usize>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let device = device.clone().without_autodiff();
        let crops = HealthyCrops::new(recipe, store, training)?;
        let (side, light) = (crops.side(), crops.light());
        let (channels, latent) = (recipe.model.channels, Latent::new(&recipe.model));
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed ^ 0x6472_6177);
        let z = TensorData::new(latent.sample(DRAWN, &mut rng), [DRAWN, latent.size()]);
        let (_, drawn) = host(FrozenGenerator::new(g).forward(Tensor::from_data(z, &device)))?;
        let forger = forger(recipe, side, light[1], (recipe.model.size, drawn));
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed ^ 0x6372_6974);
        let critic = Critic::new(channels, recipe.critic.width, light, &mut rng, &device.clone().autodiff());
        let mut trainer = Self {
            critic: critic.valid(),
            live: critic,
            optimiser: Optimiser::new(OptimiserKind::Adam),
            forger,
            held_out: None,
            step: 0,
            recipe: recipe.clone(),
            crops,
            device,
        };
        if !held_out.is_empty() {
            let spec = trainer.crops.sampler.spec().clone();
            let crops = CropSampler::new(Arc::clone(store), held_out, spec)?.batch(recipe.seed, 0, HELD_OUT)?;
            trainer.held_out = Some(trainer.tensors(trainer.forger.batch(&crops, recipe.seed ^ 0x6865_6c64, 0)));
        }
        Ok(trainer)
    }

    /// Goes on from a critic that was trained before, in place of a fresh one.
    ///
    /// # Errors
    /// [`TrainError::Weights`] where it does not fit.
    pub fn with(mut self, before: &Critic) -> Result<Self, TrainError> {
        let stored = weights::read(before)?.into_iter().map(|w| (w.name.clone(), w)).collect();
        self.live = weights::write(self.live, &stored)?.with_brightness(self.crops.light());
        self.critic = self.live.valid();
        Ok(self)
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Steps in all.
    pub fn total(&self) -> u64 {
        self.recipe.critic.steps
    }

    /// A batch as it is trained on at a step: forged crops plane by plane, their masks, and their side.
    ///
    /// # Errors
    /// The data's.
    pub fn shown(&self, step: u64, n: usize) -> Result<(DamagedCrop, usize), DataError> {
        let crops = self.crops.batch(step, n)?;
        Ok((forged(&self.forger, &crops, self.recipe.seed, step), self.crops.side()))
    }

    /// One update; returns the loss.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] when the loss is not, or the data's or the device's error.
    pub fn step(&mut self) -> Result<f32, TrainError> {
        let knobs = self.recipe.critic.clone();
        let (forged, _) = self.shown(self.step, knobs.batch)?;
        let (x, wanted) = self.tensors(forged);
        let mut stats = Vec::new();
        let logits = self.live.forward(x, &mut Pass::Train(&mut stats));
        let loss = cross_entropy(logits, wanted, knobs.positive_weight);
        let mut gradients = [loss.backward()];
        let left = 1.0 - self.step as f64 / knobs.steps.max(1) as f64;
        let rule =
            OptimiserKnobs { kind: OptimiserKind::Adam, lr: knobs.lr * left.max(0.01), beta1: 0.9, beta2: 0.999 };
        let (live, _) = self.optimiser.update("c", weights::take(&mut self.live), &mut gradients, &rule, None);
        self.live = live;
        self.live.absorb(stats);
        let young = (1.0 + self.step as f64) / (10.0 + self.step as f64);
        self.critic = weights::average(weights::take(&mut self.critic), &self.live, young.min(DECAY))
            .with_brightness(self.crops.light());
        self.step += 1;
        let value = host(loss.without_autodiff())?.1.first().copied().unwrap_or(f32::NAN);
        if value.is_finite() { Ok(value) } else { Err(TrainError::NotFinite { step: self.step }) }
    }

    /// The loss of the averaged critic on forged crops of images that it was not trained on.
    ///
    /// # Errors
    /// When the device does not hand the value over.
    pub fn held_out_loss(&self) -> Result<Option<f32>, TrainError> {
        let Some((x, wanted)) = &self.held_out else { return Ok(None) };
        let logits = self.critic.forward(x.clone(), &mut Pass::Evaluate);
        let loss = cross_entropy(logits, wanted.clone(), self.recipe.critic.positive_weight);
        Ok(host(loss)?.1.first().copied())
    }

    /// The critic as it is now, its weights averaged over the last steps.
    pub fn critic(&self) -> &Critic {
        &self.critic
    }

    /// Crops and, for every logit, whether a pixel under it is damaged.
    fn tensors(&self, forged: DamagedCrop) -> (Tensor<4>, Tensor<4>) {
        let (side, channels) = (self.crops.side(), self.recipe.model.channels);
        let n = forged.mask.len() / (side * side);
        let cells = side / STRIDE;
        let mut wanted = vec![0.0f32; n * cells * cells];
        for (i, damaged) in forged.mask.iter().enumerate() {
            let (crop, y, x) = (i / (side * side), i / side % side, i % side);
            let own = &mut wanted[(crop * cells + y / STRIDE) * cells + x / STRIDE];
            *own = own.max(*damaged);
        }
        let x = TensorData::new(forged.values, [n, channels, side, side]);
        let wanted = TensorData::new(wanted, [n, 1, cells, cells]);
        (Tensor::from_data(x, &self.device), Tensor::from_data(wanted, &self.device))
    }
}

/// Binary cross-entropy on logits, the mean over places; those to be found count `weight` times.
fn cross_entropy(logits: Tensor<4>, wanted: Tensor<4>, weight: f64) -> Tensor<1> {
    let missed = activation::softplus(logits.clone().neg(), 1.0) * wanted.clone() * weight;
    let raised = activation::softplus(logits, 1.0) * (wanted.neg() + 1.0);
    (missed + raised).mean()
}

/// One image in so many is kept from the critic, to learn from it what is usual.
const KEPT: usize = 6;
/// Fewest images that are kept; with fewer than four times as many nothing is.
const FEWEST: usize = 6;

/// Parts healthy training images into those that a critic is trained on and those that it is then shown to learn
/// what is usual: of images that it knows by heart it would think too well. Both are all of them where there are few.
pub fn part(training: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let kept = training.len().div_ceil(KEPT).max(FEWEST);
    if training.len() < 4 * FEWEST {
        return (training.to_vec(), training.to_vec());
    }
    // Evenly from the whole list, which may be in the order they were taken.
    let is_kept = |i: usize| i * kept / training.len() != (i + 1) * kept / training.len();
    let of = |kept: bool| {
        training.iter().enumerate().filter(|(i, _)| is_kept(*i) == kept).map(|(_, &index)| index).collect()
    };
    (of(false), of(true))
}

/// The largest side of a crop that half of the images hold, a multiple of 8 and at most `most`.
fn crop_side(store: &ImageStore, images: &[usize], most: usize, scale: f32) -> usize {
    let mut sides: Vec<usize> = images
        .iter()
        .filter_map(|&i| store.size(i))
        .map(|(w, h)| crate::data::Picture::scaled_size(w, h, scale))
        .map(|(w, h)| w.min(h))
        .collect();
    sides.sort_unstable();
    let middle = sides.get(sides.len() / 2).copied().unwrap_or(most);
    (middle.min(most) / MULTIPLE * MULTIPLE).max(LEAST)
}

/// Mean and standard deviation.
fn light(values: &[f32]) -> [f32; 2] {
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    [mean as f32, variance.sqrt().max(1e-3) as f32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_is_learnt_from_images_of_its_own() {
        let all: Vec<usize> = (100..196).collect();
        let (trained, kept) = part(&all);
        assert_eq!((trained.len(), kept.len()), (80, 16));
        assert!(kept.iter().all(|i| !trained.contains(i)) && kept.windows(2).all(|w| w[1] - w[0] == 6));
        let few: Vec<usize> = (0..10).collect();
        assert_eq!(part(&few), (few.clone(), few));
    }
}
