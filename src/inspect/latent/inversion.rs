//! Back-propagation over z: finds the latent vector whose reconstruction is closest to each query crop.
//!
//! The loss of one row is `(1 - l) * sum w |x - G(z)| + l * sum |f(x) - f(G(z))| + p * log(1 - D(G(z)))` with `f` the
//! third layer of D (Yeh et al. 2016, Schlegl et al. 2017). Rows are independent: batch norm uses its running
//! statistics, and the sum over rows is differentiated.

use std::sync::Arc;

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData, activation},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::lbfgs::Lbfgs;
use crate::{
    inspect::{Constraint, InvertKnobs, LatentStart, critic::FrameCritic},
    model::{
        Discriminator, Encoder, FrozenDiscriminator, FrozenGenerator, Generator, Latent, ModelKnobs,
        layers::Pass,
        weights::{WeightError, host, host_finite},
    },
    train::{OptimiserKnobs, optimiser::Optimiser},
};

/// Networks with frozen weights.
#[derive(Clone, Debug)]
pub struct FrozenNetworks {
    g: FrozenGenerator,
    d: FrozenDiscriminator,
    encoder: Option<Encoder>,
    critic: Option<FrameCritic>,
    latent: Latent,
    device: Device,
    /// Name of the model in errors.
    name: Arc<str>,
    /// Whether they see colour as earlier versions did.
    of_earlier_colour: bool,
}

/// Loss of each row and its terms, `[rows]` each.
#[derive(Clone, Debug)]
pub struct Losses {
    /// The optimised loss.
    pub total: Tensor<1>,
    /// Sum over pixels and channels of |x - G(z)|, unweighted.
    pub residual: Tensor<1>,
    /// Sum over features of |f(x) - f(G(z))|; `None` without weight.
    pub feature: Option<Tensor<1>>,
    /// log(1 - D(G(z))); `None` without weight.
    pub prior: Option<Tensor<1>>,
}

impl FrozenNetworks {
    /// Freezes networks for inspection, off the autodiff graph.
    pub fn new(g: &Generator, d: &Discriminator, encoder: Option<&Encoder>, device: &Device) -> Self {
        Self {
            latent: Latent::new(g.knobs()),
            g: FrozenGenerator::new(g),
            d: FrozenDiscriminator::new(d),
            encoder: encoder.map(Encoder::valid),
            critic: None,
            device: device.clone().without_autodiff(),
            name: "the model".into(),
            of_earlier_colour: false,
        }
    }

    /// The same networks, which see colour as earlier versions did or not: differences were the mean over the channels,
    /// and brightness was measured over the values of all channels.
    #[must_use]
    pub(crate) fn with_earlier_colour(self, of_earlier_colour: bool) -> Self {
        Self { of_earlier_colour, ..self }
    }

    /// Whether they see colour as earlier versions did.
    pub(crate) fn is_of_earlier_colour(&self) -> bool {
        self.of_earlier_colour
    }

    /// The same networks with the name that errors give the model: its file, where it has one.
    #[must_use]
    pub(crate) fn with_name(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Name of the model in errors.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The architecture.
    pub fn knobs(&self) -> &ModelKnobs {
        self.g.knobs()
    }

    /// The same networks with a critic for whole frames.
    #[must_use]
    pub fn with_critic(self, critic: Option<FrameCritic>) -> Self {
        Self { critic, ..self }
    }

    /// The critic, if there is one.
    pub fn critic(&self) -> Option<&FrameCritic> {
        self.critic.as_ref()
    }

    /// Uploads `n` crops, given crop by crop.
    pub fn upload(&self, values: Vec<f32>, n: usize) -> Tensor<4> {
        let m = self.knobs();
        Tensor::from_data(TensorData::new(values, [n, m.channels.count(), m.size, m.size]), &self.device)
    }

    /// Uploads `n` maps with one value per pixel.
    pub fn upload_planes(&self, values: Vec<f32>, n: usize) -> Tensor<4> {
        let side = self.knobs().size;
        Tensor::from_data(TensorData::new(values, [n, 1, side, side]), &self.device)
    }

    /// Generates one crop per row of z.
    pub fn generate(&self, z: Tensor<2>) -> Tensor<4> {
        self.g.forward(z)
    }

    /// Generates `n` crops from random z, crop by crop.
    ///
    /// # Errors
    /// When the values cannot be read from the device.
    pub fn samples(&self, n: usize, seed: u64) -> Result<Vec<f32>, WeightError> {
        let z = self.latent.sample(n, &mut ChaCha8Rng::seed_from_u64(seed));
        let z = Tensor::from_data(TensorData::new(z, [n, self.latent.size()]), &self.device);
        Ok(host_finite(self.generate(z), "a sample of the generator")?.1)
    }

    /// D's features of crops: `[n, filters, size / 8, size / 8]`.
    pub fn features(&self, crops: Tensor<4>) -> Tensor<4> {
        self.d.features(crops)
    }

    /// Initial z: `restarts` rows per crop, crop by crop. Random rows depend only on the seed and the crop's number
    /// `first + i`, not on order or batching.
    pub fn start(&self, crops: &Tensor<4>, first: usize, knobs: &InvertKnobs) -> Tensor<2> {
        let [n, ..] = crops.dims();
        let (size, restarts) = (self.latent.size(), knobs.restarts);
        let mut values = Vec::with_capacity(n * restarts * size);
        for i in 0..n {
            let mut rng = ChaCha8Rng::seed_from_u64(knobs.seed);
            rng.set_stream((first + i) as u64);
            values.extend(self.latent.sample(restarts, &mut rng));
        }
        let random = Tensor::<2>::from_data(TensorData::new(values, [n * restarts, size]), &self.device);
        let Some(encoder) = self.encoder.as_ref().filter(|_| knobs.start == LatentStart::Encoder) else {
            return random;
        };
        let guess = encoder.forward(crops.clone(), &mut Pass::Evaluate);
        if restarts == 1 {
            return guess;
        }
        // The encoder's estimate replaces each crop's first random row.
        let rest = random.reshape([n, restarts, size]).slice([0..n, 1..restarts, 0..size]);
        Tensor::cat(vec![guess.unsqueeze_dim::<3>(1), rest], 1).reshape([n * restarts, size])
    }

    /// Prepares crops `[n, channels, size, size]` as the target of the loss.
    pub fn target(&self, crops: Tensor<4>, knobs: &InvertKnobs) -> Target {
        let features = (knobs.feature_weight > 0.0).then(|| self.features(crops.clone()));
        Target { crops, features }
    }

    /// Computes the loss of each row of `z` against its crop; `weights` has the crops' shape with one channel.
    pub fn losses(
        &self,
        z: Tensor<2>,
        target: &Target,
        weights: Option<&Tensor<4>>,
        knobs: &InvertKnobs,
    ) -> (Losses, Tensor<4>) {
        let rows = |x: Tensor<4>| x.flatten::<2>(1, 3).sum_dim(1).flatten::<1>(0, 1);
        let generated = self.generate(z);
        let difference = (target.crops.clone() - generated.clone()).abs();
        let residual = rows(difference.clone());
        let mut total = match weights {
            Some(weights) => rows(difference * weights.clone()),
            None => residual.clone(),
        };
        let (share, prior_weight) = (knobs.feature_weight, knobs.prior_weight);
        let gaps = target.features.clone().map(|features| (features - self.features(generated.clone())).abs());
        let feature = gaps.clone().map(rows);
        if let Some(gaps) = gaps {
            let pull = match weights {
                Some(weights) => rows(gaps.clone() * downscaled(weights.clone(), gaps.dims()[3])),
                None => rows(gaps),
            };
            total = total * (1.0 - share) + pull * share;
        }
        let prior = (prior_weight > 0.0).then(|| {
            let logits = self.d.forward(generated.clone()).flatten::<1>(0, 1);
            // log(1 - sigmoid(l)) = -softplus(l)
            activation::softplus(logits, 1.0).neg()
        });
        if let Some(prior) = &prior {
            total = total + prior.clone() * prior_weight;
        }
        (Losses { total, residual, feature, prior }, generated)
    }

    fn constrain(&self, z: Tensor<2>, constraint: Constraint) -> Tensor<2> {
        match constraint {
            Constraint::None => z,
            Constraint::Clip => {
                let (low, high) = self.latent.typical_range();
                z.clamp(low, high)
            }
            Constraint::Sphere => {
                let length = z.clone().square().sum_dim(1).sqrt().clamp_min(1e-6);
                z / length * self.latent.rms_norm()
            }
        }
    }
}

/// Target of the loss: crops, and their features where the loss uses them.
#[derive(Clone, Debug)]
pub struct Target {
    crops: Tensor<4>,
    features: Option<Tensor<4>>,
}

/// Averages maps `[n, 1, size, size]` down to `side` by `side` cells.
fn downscaled(maps: Tensor<4>, side: usize) -> Tensor<4> {
    let [n, _, size, _] = maps.dims();
    let cell = size / side;
    maps.reshape([n, side, cell, side, cell]).mean_dim(4).mean_dim(2).reshape([n, 1, side, side])
}

/// A batch of crops whose z is being optimised.
#[derive(Debug)]
pub struct InversionBatch {
    /// `[rows, latent]`
    z: Tensor<2>,
    best_z: Tensor<2>,
    /// `[rows]`, infinite before the first step.
    best: Tensor<1>,
    rule: UpdateRule,
    rows: usize,
}

/// The update rule of z.
#[derive(Debug)]
enum UpdateRule {
    /// Adam, SGD or RMSProp, on the device.
    First(Box<Optimiser>, OptimiserKnobs),
    /// L-BFGS, on the host, with steps of at most this length.
    Lbfgs(Lbfgs, f32),
}

impl UpdateRule {
    fn new(knobs: &InvertKnobs) -> Self {
        match knobs.optimiser.first_order() {
            Some(first) => Self::First(Box::new(Optimiser::new(first.kind)), first),
            None => Self::Lbfgs(Lbfgs::default(), knobs.optimiser.lr as f32),
        }
    }
}

/// Statistics of one step, one value per row.
#[derive(Clone, Debug, Default)]
pub struct StepStats {
    /// The optimised loss.
    pub total: Vec<f32>,
    /// Sum of |x - G(z)|.
    pub residual: Vec<f32>,
    /// Sum of |f(x) - f(G(z))|, or empty.
    pub feature: Vec<f32>,
    /// log(1 - D(G(z))), or empty.
    pub prior: Vec<f32>,
    /// Norm of z relative to that of an average sample of the prior.
    pub z_norm: Vec<f32>,
}

impl InversionBatch {
    /// A batch starting at `z`, one row per restart of each crop.
    pub fn new(z: Tensor<2>, knobs: &InvertKnobs) -> Self {
        let [rows, _] = z.dims();
        let best = Tensor::full([rows], f32::INFINITY, &z.device());
        Self { best_z: z.clone(), z, best, rule: UpdateRule::new(knobs), rows }
    }

    /// Forgets the best z because the loss has changed.
    pub(crate) fn forget_best(&mut self) {
        self.best = Tensor::full([self.rows], f32::INFINITY, &self.z.device());
        if let UpdateRule::Lbfgs(lbfgs, _) = &mut self.rule {
            lbfgs.forget();
        }
    }

    /// Computes the loss at the current z, keeps the best, and takes a step. `target` has one row per row of z. Returns
    /// the statistics and the generated crops, both before the step.
    ///
    /// # Errors
    /// When the values cannot be read from the device.
    pub fn step(
        &mut self,
        networks: &FrozenNetworks,
        target: &Target,
        weights: Option<&Tensor<4>>,
        knobs: &InvertKnobs,
    ) -> Result<(StepStats, Tensor<4>), WeightError> {
        let z = self.z.clone().autodiff().require_grad();
        let (losses, generated) = networks.losses(z.clone(), target, weights, knobs);
        let mut gradients = losses.total.clone().sum().backward();
        let total = losses.total.without_autodiff();
        let better = total.clone().lower(self.best.clone());
        let [rows, size] = self.z.dims();
        self.best = self.best.clone().mask_where(better.clone(), total.clone());
        let better = better.unsqueeze_dim::<2>(1).expand([rows, size]);
        self.best_z = self.best_z.clone().mask_where(better, self.z.clone());
        let length = self.z.clone().square().sum_dim(1).sqrt().flatten::<1>(0, 1) / networks.latent.rms_norm();
        if let Some(gradient) = z.grad_remove(&mut gradients) {
            let moved = match &mut self.rule {
                UpdateRule::First(optimiser, knobs) => {
                    let (flat, gradient) = (self.z.clone().flatten::<1>(0, 1), gradient.flatten::<1>(0, 1));
                    optimiser.update_tensor("z", flat, gradient, knobs).reshape([rows, size])
                }
                UpdateRule::Lbfgs(lbfgs, max_step) => {
                    let [(_, losses), (_, z), (_, gradient)] =
                        [host(total.clone())?, host(self.z.clone())?, host(gradient)?];
                    let next = lbfgs.advance(&z, &losses, &gradient, *max_step);
                    Tensor::from_data(TensorData::new(next, [rows, size]), &self.z.device())
                }
            };
            self.z = networks.constrain(moved, knobs.constraint);
        }
        let parts = [Some(total), Some(losses.residual), losses.feature, losses.prior, Some(length)];
        let present: Vec<bool> = parts.iter().map(Option::is_some).collect();
        // A single transfer for all values.
        let joined: Vec<Tensor<1>> = parts.into_iter().flatten().map(Tensor::without_autodiff).collect();
        let (_, values) = host(Tensor::cat(joined, 0))?;
        let mut columns = values.chunks_exact(rows).map(<[f32]>::to_vec);
        let mut column = |i: usize| if present[i] { columns.next().unwrap_or_default() } else { Vec::new() };
        let numbers = StepStats {
            total: column(0),
            residual: column(1),
            feature: column(2),
            prior: column(3),
            z_norm: column(4),
        };
        Ok((numbers, generated.without_autodiff()))
    }

    /// The best z of each row so far, `[rows, latent]`.
    pub fn best(&self) -> Tensor<2> {
        self.best_z.clone()
    }

    /// The loss of each row at its best z.
    ///
    /// # Errors
    /// When the values cannot be read from the device.
    pub(crate) fn best_losses(&self) -> Result<Vec<f32>, WeightError> {
        Ok(host(self.best.clone())?.1)
    }

    /// Restarts from the best z with a fresh optimiser state.
    pub(crate) fn resume(&mut self, knobs: &InvertKnobs) {
        self.z = self.best_z.clone();
        self.rule = UpdateRule::new(knobs);
    }
}
