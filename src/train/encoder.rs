//! Training of the encoder, which maps crops to latent vectors of a fixed GAN.
//!
//! The loss is that of f-AnoGAN (Schlegl et al. 2019), `mean (x - G(E(x)))^2 + k * mean (f(x) - f(G(E(x))))^2` with `f` a
//! middle layer of D, on the same healthy crops as the GAN.

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    optimiser::Optimiser,
    recipe::{OptimiserKind, OptimiserKnobs, Recipe},
    trainer::TrainError,
};
use crate::{
    data::CropSampler,
    model::{Discriminator, Encoder, FrozenGenerator, Generator, Latent, layers::Pass, weights, weights::host},
};

/// Share of the steps, at the end, over which the learning rate decays to a tenth.
const DECAY_SHARE: f64 = 0.5;

/// An encoder in training.
pub struct EncoderTrainer {
    recipe: Recipe,
    device: Device,
    g: FrozenGenerator,
    d: Discriminator,
    e: Encoder,
    average: Encoder,
    optimiser: Optimiser,
    sampler: CropSampler,
    latent: Latent,
    step: u64,
}

impl EncoderTrainer {
    /// Creates a trainer with an untrained encoder for these networks, on crops from `sampler`.
    pub fn new(recipe: &Recipe, g: &Generator, d: &Discriminator, sampler: CropSampler, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed ^ 0x656e_636f);
        let e = Encoder::new(&recipe.model, &mut rng, &device.clone().autodiff());
        Self {
            g: FrozenGenerator::new(g),
            d: d.valid(),
            average: e.valid(),
            e,
            optimiser: Optimiser::new(OptimiserKind::Adam),
            sampler,
            latent: Latent::new(&recipe.model),
            step: 0,
            recipe: recipe.clone(),
            device,
        }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Total number of steps.
    pub fn total(&self) -> u64 {
        self.recipe.encoder.steps
    }

    /// Performs one update and returns the loss.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] if the loss is not finite, or an error of the data or the device.
    pub fn step(&mut self) -> Result<f32, TrainError> {
        let knobs = &self.recipe.encoder;
        let (n, m) = (knobs.batch, &self.recipe.model);
        // Another seed than that of the GAN gives different crops.
        let crops = self.sampler.batch(self.recipe.seed ^ 0x656e_6372, self.step, n)?;
        let x = Tensor::<4>::from_data(TensorData::new(crops, [n, m.channels.count(), m.size, m.size]), &self.device);
        let mut stats = Vec::new();
        let z = self.e.forward(x.clone(), &mut Pass::Train(&mut stats));
        let reconstruction = self.g.forward(z);
        let mut loss = (reconstruction.clone() - x.clone()).square().mean();
        if knobs.feature_weight > 0.0 {
            let f = |crops: Tensor<4>| self.d.features(crops, &mut Pass::Evaluate);
            loss = loss + (f(reconstruction) - f(x)).square().mean() * knobs.feature_weight;
        }
        if knobs.latent_weight > 0.0 {
            // E must recover the z of generated crops.
            let mut rng = ChaCha8Rng::seed_from_u64(self.recipe.seed ^ 0x6c61_7465);
            rng.set_stream(self.step);
            let z = Tensor::<2>::from_data(
                TensorData::new(self.latent.sample(n, &mut rng), [n, self.latent.size()]),
                &self.device,
            );
            let generated = self.g.forward(z.clone());
            let recovered = self.e.forward(generated, &mut Pass::Train(&mut Vec::new()));
            loss = loss + (recovered - z).square().mean() * knobs.latent_weight;
        }
        let mut gradients = [loss.backward()];
        let progress = self.step as f64 / knobs.steps.max(1) as f64;
        let decay = 0.1f64.powf(((progress - (1.0 - DECAY_SHARE)) / DECAY_SHARE).max(0.0));
        let rule = OptimiserKnobs { kind: OptimiserKind::Adam, lr: knobs.lr * decay, beta1: 0.5, beta2: 0.999 };
        let (e, _) = self.optimiser.update("e", weights::take(&mut self.e), &mut gradients, &rule, None);
        self.e = e;
        self.e.absorb(stats);
        let warm_up = (1.0 + self.step as f64) / (10.0 + self.step as f64);
        self.average = weights::average(weights::take(&mut self.average), &self.e, warm_up.min(0.98));
        self.step += 1;
        let value = host(loss.without_autodiff())?.1.first().copied().unwrap_or(f32::NAN);
        if value.is_finite() { Ok(value) } else { Err(TrainError::NotFinite { step: self.step }) }
    }

    /// The current encoder, with moving-average weights.
    pub fn encoder(&self) -> &Encoder {
        &self.average
    }
}
