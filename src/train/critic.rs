//! Training of the critic on healthy crops with synthetic defects and their masks.
//!
//! The loss is binary cross-entropy on logits with a higher weight on damaged locations. Crops come from the training
//! images of the GAN; generated crops are one of the fills of the synthetic defects.

use std::sync::Arc;

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData, activation},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    critic_start::pretrained,
    optimiser::Optimiser,
    recipe::{OptimiserKind, OptimiserKnobs, Recipe},
    trainer::TrainError,
};
use crate::{
    data::{CropSampler, CropSpec, DamagedCrop, DataError, DefectSynthesiser, Illumination, ImageStore},
    model::{
        Critic, FrozenGenerator, Generator, Latent,
        critic::{MULTIPLE, STRIDE},
        layers::Pass,
        weights,
        weights::host,
    },
};

/// Number of generated crops that the defect synthesiser chooses from.
const GENERATED: usize = 64;
/// Decay of the moving average of the weights.
const DECAY: f64 = 0.99;
/// Number of crops that the pixel statistics are measured on.
const MEASURED: usize = 64;
/// Number of crops that the held-out loss is measured on.
const HELD_OUT: usize = 32;
/// Minimum side of a crop.
const MIN_SIDE: usize = 32;

/// Healthy crops for training a critic, before a [`DefectSynthesiser`] damages them. Needs no device.
#[derive(Clone, Debug)]
pub struct HealthyCrops {
    sampler: CropSampler,
    /// Mean of each channel of the surface's pixels, and the standard deviation within the channels.
    pixel_stats: Vec<f32>,
    seed: u64,
}

impl HealthyCrops {
    /// Creates a source of crops from the images at `training` of `store` for the critic of a recipe.
    ///
    /// # Errors
    /// [`DataError`] if the images cannot be read.
    pub fn new(recipe: &Recipe, store: &Arc<ImageStore>, training: Vec<usize>) -> Result<Self, DataError> {
        let side = crop_side(store, &training, recipe.critic.crop, recipe.data.scale as f32);
        let spec =
            CropSpec { size: side, borders: true, jitter: 0.0, normalise: recipe.critic.level, ..recipe.crop_spec() };
        let sampler = CropSampler::new(Arc::clone(store), training, spec)?;
        let pixel_stats = means_and_deviation(
            &sampler.batch(recipe.seed ^ 0x6c69_6768, 0, MEASURED)?,
            [recipe.model.channels.count(), side * side],
        );
        Ok(Self { sampler, pixel_stats, seed: recipe.seed })
    }

    /// Width and height of a crop in pixels.
    pub fn side(&self) -> usize {
        self.sampler.spec().size
    }

    /// Mean of each channel of the surface's pixels, then the standard deviation within the channels, on the -1 to 1 scale.
    pub fn pixel_stats(&self) -> &[f32] {
        &self.pixel_stats
    }

    /// Standard deviation of the surface's pixels within their channels, on the -1 to 1 scale.
    pub fn deviation(&self) -> f32 {
        self.pixel_stats.last().copied().unwrap_or(1.0)
    }

    /// Returns batch `index`: `[n, channels, side, side]` in `[-1, 1]`.
    ///
    /// # Errors
    /// Those of [`CropSampler::batch`].
    pub fn batch(&self, index: u64, n: usize) -> Result<Vec<f32>, DataError> {
        self.sampler.batch(self.seed ^ 0x666f_7267, index, n)
    }
}

/// Creates the defect synthesiser of a recipe for crops of `side` pixels of a surface whose pixels have the standard
/// deviation `deviation`. `generated` are crops from the generator: their side and values, plane by plane.
pub fn defect_synthesiser(
    recipe: &Recipe,
    side: usize,
    deviation: f32,
    mut generated: (usize, Vec<f32>),
) -> DefectSynthesiser {
    if recipe.critic.level {
        let channels = recipe.model.channels.count();
        for crop in generated.1.chunks_exact_mut((channels * generated.0 * generated.0).max(1)) {
            let illumination = Illumination::of_planes(crop, channels);
            crop.iter_mut().for_each(|v| *v = illumination.normalise(*v));
        }
    }
    DefectSynthesiser::new(recipe.critic.synthetic_defects(), side, recipe.model.channels.count(), deviation, generated)
}

/// Damages batch `index` of [`HealthyCrops`] for training the critic of a recipe with this seed.
pub fn damaged_batch(synthesiser: &DefectSynthesiser, crops: &[f32], seed: u64, index: u64) -> DamagedCrop {
    synthesiser.batch(crops, seed ^ 0x6461_6d61, index)
}

/// Computes the probabilities of damage, 0 to 1: one for every [`STRIDE`] x [`STRIDE`] pixels of
/// `[n, channels, side, side]`, row by row, crop by crop.
///
/// # Errors
/// If the values cannot be read from the device.
pub(crate) fn probabilities(
    critic: &Critic,
    crops: &[f32],
    [channels, side]: [usize; 2],
    device: &Device,
) -> Result<Vec<f32>, weights::WeightError> {
    let n = crops.len() / (channels * side * side).max(1);
    let x = TensorData::new(crops.to_vec(), [n, channels, side, side]);
    let x = Tensor::from_data(x, &device.clone().without_autodiff());
    // That of any damage.
    let logits = critic.forward(x, &mut Pass::Evaluate).max_dim(1);
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
    synthesiser: DefectSynthesiser,
    /// Damaged crops of held-out images.
    held_out: Option<CriticBatch>,
    step: u64,
}

impl CriticTrainer {
    /// Creates a trainer with a critic that starts as the recipe says for the images at `training` of `store`, with a
    /// held-out loss on those at `held_out`. `g` generates crops for one of the fills.
    ///
    /// # Errors
    /// [`TrainError`] if the images cannot be read or values cannot be read from the device.
    pub fn new(
        recipe: &Recipe,
        g: Option<&Generator>,
        store: &Arc<ImageStore>,
        training: Vec<usize>,
        held_out: Vec<usize>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let device = device.clone().without_autodiff();
        let crops = HealthyCrops::new(recipe, store, training)?;
        let (side, pixel_stats) = (crops.side(), crops.pixel_stats());
        let deviation = crops.deviation();
        let (channels, latent) = (recipe.model.channels.count(), Latent::new(&recipe.model));
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed ^ 0x6472_6177);
        let z = TensorData::new(latent.sample(GENERATED, &mut rng), [GENERATED, latent.size()]);
        let generated = match g {
            Some(g) => host(FrozenGenerator::new(g).forward(Tensor::from_data(z, &device)))?.1,
            None => Vec::new(),
        };
        let synthesiser = defect_synthesiser(recipe, side, deviation, (recipe.model.size, generated));
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed ^ 0x6372_6974);
        let trained = device.clone().autodiff();
        let critic = Critic::new(channels, recipe.critic.width, pixel_stats, &mut rng, &trained);
        let mut critic = critic.with_line_head(&mut rng, &trained);
        if recipe.critic.pretrained {
            critic = pretrained(critic, channels, &mut rng)?;
        }
        let mut trainer = Self {
            critic: critic.valid(),
            live: critic,
            optimiser: Optimiser::new(OptimiserKind::Adam),
            synthesiser,
            held_out: None,
            step: 0,
            recipe: recipe.clone(),
            crops,
            device,
        };
        if !held_out.is_empty() {
            let spec = trainer.crops.sampler.spec().clone();
            let crops = CropSampler::new(Arc::clone(store), held_out, spec)?.batch(recipe.seed, 0, HELD_OUT)?;
            trainer.held_out = Some(trainer.tensors(trainer.synthesiser.batch(&crops, recipe.seed ^ 0x6865_6c64, 0)));
        }
        Ok(trainer)
    }

    /// Starts from a trained critic instead of an untrained one.
    ///
    /// # Errors
    /// [`TrainError::Weights`] if it does not fit the recipe.
    pub(crate) fn starting_from(mut self, trained: &Critic) -> Result<Self, TrainError> {
        // The brightness is that of these images; an earlier version stored less of it.
        let own = weights::read(&self.live)?.into_iter().filter(|w| w.name == "light");
        let stored = weights::read(trained)?.into_iter().chain(own).map(|w| (w.name.clone(), w)).collect();
        if trained.heads() == 1 {
            // One of an earlier version.
            let mut rng = ChaCha8Rng::seed_from_u64(0);
            let (channels, width) = (self.recipe.model.channels.count(), self.recipe.critic.width);
            let device = self.device.clone().autodiff();
            self.live = Critic::new(channels, width, self.crops.pixel_stats(), &mut rng, &device);
        }
        self.live = weights::write(self.live, &stored)?.with_brightness(self.crops.pixel_stats());
        self.critic = self.live.valid();
        Ok(self)
    }

    /// Trains on these images only from now on. The brightness stays that of all images, and so do the crops of the
    /// held-out loss, so that its curve has no jump.
    ///
    /// # Errors
    /// [`TrainError::Data`] if there are none.
    pub(crate) fn train_on(&mut self, training: Vec<usize>) -> Result<(), TrainError> {
        self.crops.sampler = self.crops.sampler.over(training)?;
        Ok(())
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Total number of steps.
    pub fn total(&self) -> u64 {
        self.recipe.critic.steps
    }

    /// Returns the training batch of a step: damaged crops with their masks, and their side.
    ///
    /// # Errors
    /// Those of [`CropSampler::batch`].
    pub(crate) fn training_batch(&self, step: u64, n: usize) -> Result<(DamagedCrop, usize), DataError> {
        let crops = self.crops.batch(step, n)?;
        Ok((damaged_batch(&self.synthesiser, &crops, self.recipe.seed, step), self.crops.side()))
    }

    /// Performs one update and returns the loss.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] if the loss is not finite, or an error of the data or the device.
    pub fn step(&mut self) -> Result<f32, TrainError> {
        let knobs = self.recipe.critic.clone();
        let (damaged, _) = self.training_batch(self.step, knobs.batch)?;
        let batch = self.tensors(damaged);
        let mut stats = Vec::new();
        let logits = self.live.forward(batch.x.clone(), &mut Pass::Train(&mut stats));
        let loss = batch.cross_entropy(logits, knobs.positive_weight);
        let mut gradients = [loss.backward()];
        let remaining = 1.0 - self.step as f64 / knobs.steps.max(1) as f64;
        let rule =
            OptimiserKnobs { kind: OptimiserKind::Adam, lr: knobs.lr * remaining.max(0.01), beta1: 0.9, beta2: 0.999 };
        let (live, _) = self.optimiser.update("c", weights::take(&mut self.live), &mut gradients, &rule, None);
        self.live = live;
        self.live.absorb(stats);
        let warm_up = (1.0 + self.step as f64) / (10.0 + self.step as f64);
        self.critic = weights::average(weights::take(&mut self.critic), &self.live, warm_up.min(DECAY))
            .with_brightness(self.crops.pixel_stats());
        self.step += 1;
        let value = host(loss.without_autodiff())?.1.first().copied().unwrap_or(f32::NAN);
        if value.is_finite() { Ok(value) } else { Err(TrainError::NotFinite { step: self.step }) }
    }

    /// Computes the loss of the averaged critic on damaged crops of the held-out images, if there are any.
    ///
    /// # Errors
    /// If the value cannot be read from the device.
    pub fn held_out_loss(&self) -> Result<Option<f32>, TrainError> {
        let Some(batch) = &self.held_out else { return Ok(None) };
        let logits = self.critic.forward(batch.x.clone(), &mut Pass::Evaluate);
        let loss = batch.cross_entropy(logits, self.recipe.critic.positive_weight);
        Ok(host(loss)?.1.first().copied())
    }

    /// The current critic, with moving-average weights.
    pub fn critic(&self) -> &Critic {
        &self.critic
    }

    /// Converts damaged crops to tensors.
    fn tensors(&self, damaged: DamagedCrop) -> CriticBatch {
        let (side, channels) = (self.crops.side(), self.recipe.model.channels.count());
        let n = damaged.mask.len() / (side * side);
        let (cells, heads) = (side / STRIDE, self.live.heads());
        // Whether a cell has a pixel that is damaged by more than a crack, and one that is damaged by a line.
        let mut found = vec![[false; 2]; n * cells * cells];
        for (i, mask) in damaged.mask.iter().enumerate() {
            let (crop, y, x) = (i / (side * side), i / side % side, i % side);
            let [more, line] = &mut found[(crop * cells + y / STRIDE) * cells + x / STRIDE];
            *more |= *mask > damaged.cracks[i];
            *line |= damaged.lines[i] > 0.0;
        }
        let number = |on: bool| f32::from(u8::from(on));
        let (mut target, mut counted) = (Vec::with_capacity(heads * found.len()), Vec::new());
        for crop in found.chunks_exact(cells * cells) {
            for head in 0..heads {
                // A single logit is for all damage. Of two, the first is for all but cracks and the second for long lines;
                // neither is asked about the rest.
                let own = |[more, line]: &[bool; 2]| match (heads, head) {
                    (1, _) => *more || *line,
                    (_, 0) => *more,
                    _ => *line,
                };
                target.extend(crop.iter().map(|cell| number(own(cell))));
                counted.extend(crop.iter().map(|cell| number(own(cell) || !cell.contains(&true))));
            }
        }
        let x = TensorData::new(damaged.values, [n, channels, side, side]);
        let of = |values| Tensor::from_data(TensorData::new(values, [n, heads, cells, cells]), &self.device);
        CriticBatch { x: Tensor::from_data(x, &self.device), target: of(target), counted: of(counted) }
    }
}

/// Damaged crops and what the critic should say of them.
struct CriticBatch {
    /// `[n, channels, side, side]`
    x: Tensor<4>,
    /// `[n, heads, cells, cells]`: 1 where any pixel of a cell is damaged, 0 elsewhere.
    target: Tensor<4>,
    /// Likewise: 1 where the target counts, 0 where it is left open.
    counted: Tensor<4>,
}

impl CriticBatch {
    /// Mean binary cross-entropy on logits; damaged locations count `weight` times.
    fn cross_entropy(&self, logits: Tensor<4>, weight: f64) -> Tensor<1> {
        let missed = activation::softplus(logits.clone().neg(), 1.0) * self.target.clone() * weight;
        let false_alarms = activation::softplus(logits, 1.0) * (self.target.clone().neg() + 1.0);
        ((missed + false_alarms) * self.counted.clone()).mean()
    }
}

/// One in this many training images is reserved for the normal statistics.
const RESERVED_EVERY: usize = 6;
/// Minimum number of reserved images; none are reserved with fewer than four times as many training images.
const MIN_RESERVED: usize = 6;

/// Splits healthy training images into those that a critic is trained on and those that its normal statistics are fitted
/// on, since the critic is overconfident on its training images. With few images, both contain all of them.
pub fn statistics_split(training: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let reserved = training.len().div_ceil(RESERVED_EVERY).max(MIN_RESERVED);
    if training.len() < 4 * MIN_RESERVED {
        return (training.to_vec(), training.to_vec());
    }
    // Evenly spaced, since the list may be in order of acquisition.
    let is_reserved = |i: usize| i * reserved / training.len() != (i + 1) * reserved / training.len();
    let of = |reserved: bool| {
        training.iter().enumerate().filter(|(i, _)| is_reserved(*i) == reserved).map(|(_, &index)| index).collect()
    };
    (of(false), of(true))
}

/// Returns the largest crop side that fits into half of the images, a multiple of 8 and at most `most`.
fn crop_side(store: &ImageStore, images: &[usize], most: usize, scale: f32) -> usize {
    let mut sides: Vec<usize> = images
        .iter()
        .filter_map(|&i| store.size(i))
        .map(|(w, h)| crate::data::Picture::scaled_size(w, h, scale))
        .map(|(w, h)| w.min(h))
        .collect();
    sides.sort_unstable();
    let median = sides.get(sides.len() / 2).copied().unwrap_or(most);
    (median.min(most) / MULTIPLE * MULTIPLE).max(MIN_SIDE)
}

/// Returns the mean of each channel, then the standard deviation within the channels, of crops that are given plane by
/// plane of `area` values.
fn means_and_deviation(values: &[f32], [channels, area]: [usize; 2]) -> Vec<f32> {
    let n = values.len().max(1) as f64;
    let own = |c: usize| values.chunks_exact(area.max(1)).skip(c).step_by(channels.max(1)).flatten();
    let mean = |c: usize| own(c).map(|&v| f64::from(v)).sum::<f64>() / (n / channels as f64);
    let means: Vec<f64> = (0..channels).map(mean).collect();
    let squares = |c: usize| own(c).map(|&v| (f64::from(v) - means[c]).powi(2)).sum::<f64>();
    let variance = (0..channels).map(squares).sum::<f64>() / n;
    means.iter().map(|&mean| mean as f32).chain([variance.sqrt().max(1e-3) as f32]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hue_is_no_structure() {
        // Two crops of 3 planes of 4 pixels, with a hue.
        let crop = [0.1, 0.3, 0.1, 0.3, -0.4, -0.2, -0.4, -0.2, 0.7, 0.9, 0.7, 0.9];
        let stats = means_and_deviation(&[crop, crop].concat(), [3, 4]);
        assert!(stats.iter().zip([0.2, -0.3, 0.8, 0.1]).all(|(a, b)| (a - b).abs() < 1e-6), "{stats:?}");
        assert_eq!(means_and_deviation(&crop, [1, 12]).len(), 2);
    }

    #[test]
    fn normal_statistics_are_fitted_on_reserved_images() {
        let all: Vec<usize> = (100..196).collect();
        let (trained, reserved) = statistics_split(&all);
        assert_eq!((trained.len(), reserved.len()), (80, 16));
        assert!(reserved.iter().all(|i| !trained.contains(i)) && reserved.windows(2).all(|w| w[1] - w[0] == 6));
        let few: Vec<usize> = (0..10).collect();
        assert_eq!(statistics_split(&few), (few.clone(), few));
    }
}
