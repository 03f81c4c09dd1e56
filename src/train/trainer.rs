//! Training of the GAN: generator, discriminator, their optimisers and the training step.

use std::time::Instant;

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::{
    history::Metric, optimiser::Optimiser, recipe::Recipe, run_folder::Checkpoint, schedule, schedule::StepSettings,
};
use crate::{
    data::{DataError, Loader},
    kernels::{add_constant, take_buffer},
    model::{
        Discriminator, Generator, Latent,
        layers::Pass,
        weights,
        weights::{Weight, WeightError, host},
    },
};

/// Number of samples in the grid, and of real crops shown beside it.
pub(crate) const GRID: usize = 36;

/// Networks updated in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// The generator only.
    G,
    /// The discriminator only.
    D,
    /// Both, according to the schedule.
    Both,
}

/// Errors of training.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A loss, a gradient or a weight became NaN or infinite.
    #[error("a value became infinite or undefined at step {step}; lower the learning rates before resuming")]
    NotFinite {
        /// The step at which it was detected.
        step: u64,
    },
    /// The images cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Stored weights do not fit, or weights cannot be read from the device.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// A checkpoint lacks an entry.
    #[error("the checkpoint has no valid '{0}'; resume from an older checkpoint or start a new run")]
    Checkpoint(&'static str),
}

/// The metrics of one step, in the order of [`Metric::ALL`]; NaN where not reported.
#[derive(Clone, Debug, PartialEq)]
pub struct StepMetrics {
    /// The step, counted from 1.
    pub step: u64,
    /// Time of completion in seconds since the Unix epoch.
    pub wall: f64,
    /// One value per metric.
    pub values: [f32; Metric::ALL.len()],
}

/// Metrics computed on the device, in the order they are read back.
const ON_DEVICE: [Metric; 8] = [
    Metric::DLossReal,
    Metric::DLossFake,
    Metric::DAccuracyReal,
    Metric::DAccuracyFake,
    Metric::GradNormD,
    Metric::GLoss,
    Metric::GSuccess,
    Metric::GradNormG,
];

/// Metrics of a step that are still on the device.
struct Pending {
    row: StepMetrics,
    values: [Option<Tensor<1>>; ON_DEVICE.len()],
}

/// A GAN in training.
pub struct Trainer {
    recipe: Recipe,
    /// Without autodiff; the networks have their own.
    device: Device,
    g: Generator,
    d: Discriminator,
    ema: Generator,
    g_optimiser: Optimiser,
    d_optimiser: Optimiser,
    loader: Loader,
    latent: Latent,
    step: u64,
    /// Number of batches of real crops taken, the position of the loader.
    batches: u64,
    /// G's success rate as last read back.
    success: Option<f64>,
    pending: Vec<Pending>,
    read_every: usize,
    last_read: Instant,
    grid_z: Vec<f32>,
    real_spread: Option<f64>,
    gradients: Option<Vec<(String, Tensor<1>)>>,
}

impl Trainer {
    /// Creates a trainer with random weights on `device`, with crops from `loader`.
    ///
    /// Metrics are read back from the device every `read_every` steps: 1 where reading is free, more where it stalls a
    /// GPU. The gate on D uses the rate that was read last.
    pub fn new(recipe: Recipe, device: &Device, loader: Loader, read_every: usize) -> Self {
        let device = device.clone().without_autodiff();
        let tracked = device.clone().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
        let g = Generator::new(&recipe.model, &mut rng, &tracked);
        let d = Discriminator::new(&recipe.model, &mut rng, &tracked);
        let latent = Latent::new(&recipe.model);
        let grid_z = latent.sample(GRID, &mut ChaCha8Rng::seed_from_u64(recipe.seed ^ 0x6772_6964));
        Self {
            ema: g.valid(),
            g_optimiser: Optimiser::new(recipe.g.kind),
            d_optimiser: Optimiser::new(recipe.d.kind),
            g,
            d,
            loader,
            latent,
            step: 0,
            batches: 0,
            success: None,
            pending: Vec::new(),
            read_every: read_every.max(1),
            last_read: Instant::now(),
            grid_z,
            real_spread: None,
            gradients: None,
            recipe,
            device,
        }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The active recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Returns the networks for inspection: G with averaged weights (the current ones if averaging is off), and D.
    pub fn networks(&self) -> (&Generator, &Discriminator) {
        (if self.recipe.train.ema > 0.0 { &self.ema } else { &self.g }, &self.d)
    }

    /// G with its current weights.
    pub fn generator(&self) -> &Generator {
        &self.g
    }

    /// Applies the live knobs of `wanted` from the next step on.
    pub fn apply_live(&mut self, wanted: &Recipe) {
        self.recipe.adopt_live(wanted);
    }

    /// Records the gradients of the next step for [`Trainer::histograms`].
    pub(crate) fn record_gradients(&mut self) {
        self.gradients = Some(Vec::new());
    }

    /// Performs one step, according to the schedule or of one network only; returns the rows that were read back.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] if a value read back is not finite, or an error of the data.
    pub fn step(&mut self, update: Update) -> Result<Vec<StepMetrics>, TrainError> {
        let mut now = schedule::at(&self.recipe.train, self.step, self.success);
        match update {
            Update::Both => {}
            Update::G => (now.k_d, now.k_g) = (0, 1),
            Update::D => (now.k_d, now.k_g) = (1, 0),
        }
        let mut rng = ChaCha8Rng::seed_from_u64(mix(self.recipe.seed, self.step));
        let mut values = [const { None }; ON_DEVICE.len()];
        // The samples of the last D update are reused for the first G update, which saves a forward pass of G.
        let mut shared = None;
        for i in 0..now.k_d {
            let z = self.latent(&mut rng);
            let for_g = i + 1 == now.k_d && now.k_g > 0;
            let mut stats = Vec::new();
            let samples = if for_g {
                let samples = self.g.forward(z, &mut Pass::Train(&mut stats));
                shared = Some((samples.clone(), stats));
                samples.without_autodiff()
            } else {
                self.g.valid().forward(z, &mut Pass::Train(&mut stats))
            };
            let scores = self.update_d(samples, now, &mut rng)?;
            values.iter_mut().zip(scores).for_each(|(slot, score)| *slot = score);
        }
        for _ in 0..now.k_g {
            let (samples, stats) = shared.take().unwrap_or_else(|| {
                let z = self.latent(&mut rng);
                let mut stats = Vec::new();
                (self.g.forward(z, &mut Pass::Train(&mut stats)), stats)
            });
            self.g.absorb(stats);
            let scores = self.update_g(samples, now, &mut rng);
            values[5..].iter_mut().zip(scores).for_each(|(slot, score)| *slot = score);
        }
        if now.k_g > 0 {
            // The average follows quickly at first, so that early grids do not show random weights.
            let warm_up = (1.0 + self.step as f64) / (10.0 + self.step as f64);
            self.ema = weights::average(weights::take(&mut self.ema), &self.g, self.recipe.train.ema.min(warm_up));
        }
        self.step += 1;
        self.report(values, now);
        if self.pending.len() >= self.read_every { self.read_back() } else { Ok(Vec::new()) }
    }

    /// Resets to the initial random weights.
    pub fn reset(&mut self) {
        let tracked = self.device.clone().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(self.recipe.seed);
        self.g = Generator::new(&self.recipe.model, &mut rng, &tracked);
        self.d = Discriminator::new(&self.recipe.model, &mut rng, &tracked);
        self.ema = self.g.valid();
        self.g_optimiser = Optimiser::new(self.recipe.g.kind);
        self.d_optimiser = Optimiser::new(self.recipe.d.kind);
        (self.step, self.batches, self.success) = (0, 0, None);
        self.pending.clear();
        self.gradients = None;
    }

    fn latent(&self, rng: &mut ChaCha8Rng) -> Tensor<2> {
        let n = self.recipe.train.batch;
        self.z(self.latent.sample(n, rng), n)
    }

    fn z(&self, values: Vec<f32>, n: usize) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, [n, self.latent.size()]), &self.device)
    }

    fn update_d(
        &mut self,
        samples: Tensor<4>,
        now: StepSettings,
        rng: &mut ChaCha8Rng,
    ) -> Result<[Option<Tensor<1>>; 5], TrainError> {
        let knobs = &self.recipe.train;
        let (n, m) = (knobs.batch, &self.recipe.model);
        let crops = self.loader.take(self.batches, n)?;
        self.batches += 1;
        let real = Tensor::from_data(TensorData::new(crops, [n, m.channels.count(), m.size, m.size]), &self.device);
        let flipped = rng.random_bool(knobs.label_flip);
        let (for_real, for_samples) =
            if flipped { (knobs.label_fake, knobs.label_real) } else { (knobs.label_real, knobs.label_fake) };

        // Real and generated crops are separate batches, each with its own statistics.
        let mut stats = [Vec::new(), Vec::new()];
        let [real_stats, sample_stats] = &mut stats;
        let real =
            self.d.forward(noisy(real, now.noise, rng), &mut Pass::Train(real_stats), |x| dropped(x, now.dropout, rng));
        let fake = self
            .d
            .forward(noisy(samples, now.noise, rng), &mut Pass::Train(sample_stats), |x| dropped(x, now.dropout, rng));
        let real_loss = cross_entropy(real.clone(), for_real);
        let fake_loss = cross_entropy(fake.clone(), for_samples);
        let mut gradients = [&real_loss, &fake_loss].map(Tensor::backward);
        let d = weights::take(&mut self.d);
        let (d, norm) = self.d_optimiser.update("d", d, &mut gradients, &self.recipe.d, self.gradients.as_mut());
        self.d = d;
        let [real_stats, sample_stats] = stats;
        self.d.absorb(real_stats);
        self.d.absorb(sample_stats);
        Ok([
            Some(real_loss.without_autodiff()),
            Some(fake_loss.without_autodiff()),
            Some(share(real.without_autodiff().greater_elem(0.0).float())),
            Some(share(fake.without_autodiff().lower_equal_elem(0.0).float())),
            norm,
        ])
    }

    fn update_g(&mut self, samples: Tensor<4>, now: StepSettings, rng: &mut ChaCha8Rng) -> [Option<Tensor<1>>; 3] {
        // D's weights need no gradient here, and its running statistics stay unchanged.
        let d = self.d.clone().no_grad();
        let logits = d.forward(noisy(samples, now.noise, rng), &mut Pass::Train(&mut Vec::new()), |x| {
            dropped(x, now.dropout, rng)
        });
        let loss = cross_entropy(logits.clone(), 1.0);
        let mut gradients = [loss.backward()];
        let g = weights::take(&mut self.g);
        let (g, norm) = self.g_optimiser.update("g", g, &mut gradients, &self.recipe.g, self.gradients.as_mut());
        self.g = g;
        [Some(loss.without_autodiff()), Some(share(logits.without_autodiff().greater_elem(0.0).float())), norm]
    }

    fn report(&mut self, values: [Option<Tensor<1>>; ON_DEVICE.len()], now: StepSettings) {
        let wall = crate::time::since_epoch().as_secs_f64();
        let mut row = StepMetrics { step: self.step, wall, values: [f32::NAN; Metric::ALL.len()] };
        row.values[Metric::Noise as usize] = now.noise as f32;
        row.values[Metric::Dropout as usize] = now.dropout as f32;
        self.pending.push(Pending { row, values });
    }

    /// Reads back all pending metrics in one transfer.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] if one of them is not finite.
    pub fn read_back(&mut self) -> Result<Vec<StepMetrics>, TrainError> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        let tensors: Vec<Tensor<1>> = pending.iter().flat_map(|p| p.values.iter().flatten().cloned()).collect();
        let mut numbers = match tensors.is_empty() {
            true => Vec::new(),
            false => host(Tensor::cat(tensors, 0))?.1,
        }
        .into_iter();
        let elapsed = self.last_read.elapsed().as_secs_f64() / pending.len() as f64;
        self.last_read = Instant::now();
        let mut rows = Vec::with_capacity(pending.len());
        for Pending { mut row, values } in pending {
            for (metric, value) in ON_DEVICE.into_iter().zip(&values) {
                if value.is_some() {
                    let number = numbers.next().unwrap_or(f32::NAN);
                    if !number.is_finite() {
                        return Err(TrainError::NotFinite { step: row.step });
                    }
                    let norm = matches!(metric, Metric::GradNormD | Metric::GradNormG);
                    row.values[metric as usize] = if norm { number.sqrt() } else { number };
                }
            }
            row.values[Metric::MsPerStep as usize] = (elapsed * 1e3) as f32;
            row.values[Metric::ImagesPerSecond as usize] = (self.recipe.train.batch as f64 / elapsed) as f32;
            let success = row.values[Metric::GSuccess as usize];
            if success.is_finite() {
                self.success = Some(f64::from(success));
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// Restarts the timing of the next step, after a pause or other work.
    pub(crate) fn restart_clock(&mut self) {
        self.last_read = Instant::now();
    }

    /// Generates the sample grid: `GRID` crops from the same latent vectors throughout a run, NCHW in (-1, 1), with the
    /// averaged or the current weights and the running statistics.
    ///
    /// # Errors
    /// If the values cannot be read from the device.
    pub fn preview(&self, averaged: bool) -> Result<Vec<f32>, TrainError> {
        self.generate(self.grid_z.clone(), GRID, averaged)
    }

    /// Generates `frames` crops of a latent walk from sample `from` to sample `to` of the grid.
    ///
    /// # Errors
    /// If the values cannot be read from the device.
    pub fn walk(&self, from: usize, to: usize, frames: usize, averaged: bool) -> Result<Vec<f32>, TrainError> {
        let size = self.latent.size();
        let row = |i: usize| &self.grid_z[i.min(GRID - 1) * size..(i.min(GRID - 1) + 1) * size];
        self.generate(Latent::walk(row(from), row(to), frames), frames, averaged)
    }

    fn generate(&self, z: Vec<f32>, n: usize, averaged: bool) -> Result<Vec<f32>, TrainError> {
        let z = self.z(z, n);
        let crops = match averaged && self.recipe.train.ema > 0.0 {
            true => self.ema.forward(z, &mut Pass::Evaluate),
            false => self.g.valid().forward(z, &mut Pass::Evaluate),
        };
        Ok(host(crops)?.1)
    }

    /// Returns the mean pairwise distance within `samples` relative to that within `real`, both of [`GRID`] crops.
    pub(crate) fn diversity(&mut self, samples: &[f32], real: &[f32]) -> f64 {
        let real_spread = *self.real_spread.get_or_insert_with(|| spread(real));
        spread(samples) / real_spread.max(1e-9)
    }

    /// Returns all weights of G and D and the recorded gradients by name.
    ///
    /// # Errors
    /// If the values cannot be read from the device.
    pub fn histograms(&mut self) -> Result<Vec<(String, Vec<f32>)>, TrainError> {
        let mut all = Vec::new();
        for (prefix, weights) in [("g", weights::read(&self.g)?), ("d", weights::read(&self.d)?)] {
            all.extend(weights.into_iter().map(|w| (format!("{prefix}/weights/{}", w.name), w.values)));
        }
        for (name, gradient) in self.gradients.take().unwrap_or_default() {
            all.push((name, host(gradient)?.1));
        }
        Ok(all)
    }

    /// Starts from the networks of a model that was trained for `step` steps, with new optimisers. `live` is G with its
    /// current weights.
    ///
    /// # Errors
    /// [`TrainError::Weights`] if they do not fit the recipe.
    pub fn starting_from(
        mut self,
        live: &Generator,
        ema: &Generator,
        d: &Discriminator,
        step: u64,
    ) -> Result<Self, TrainError> {
        let named = |weights: Vec<Weight>| weights.into_iter().map(|w| (w.name.clone(), w)).collect();
        self.g = weights::write(self.g, &named(weights::read(live)?))?;
        self.ema = weights::write(self.ema, &named(weights::read(ema)?))?;
        self.d = weights::write(self.d, &named(weights::read(d)?))?;
        (self.step, self.batches) = (step, step.saturating_mul(self.recipe.train.k_d as u64));
        Ok(self)
    }

    /// Returns the complete state for resuming the run.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] if a value is NaN or infinite.
    pub fn snapshot(&self) -> Result<Checkpoint, TrainError> {
        let mut tensors = Vec::new();
        let mut add = |prefix: &str, weights: Vec<Weight>| {
            tensors.extend(weights.into_iter().map(|w| Weight { name: format!("{prefix}/{}", w.name), ..w }));
        };
        add("g", weights::read(&self.g)?);
        add("d", weights::read(&self.d)?);
        add("ema", weights::read(&self.ema)?);
        let (g_time, moments) = self.g_optimiser.state()?;
        add("opt_g", moments);
        let (d_time, moments) = self.d_optimiser.state()?;
        add("opt_d", moments);
        if tensors.iter().any(|w| w.values.iter().any(|v| !v.is_finite())) {
            return Err(TrainError::NotFinite { step: self.step });
        }
        // The random number generator is seeded for every step, so its state is the seed and the step.
        let meta = [
            ("seed", self.recipe.seed.to_string()),
            ("batches", self.batches.to_string()),
            ("g_updates", g_time.to_string()),
            ("d_updates", d_time.to_string()),
            ("g_success", self.success.map_or(String::new(), |s| s.to_string())),
            ("recipe", self.recipe.to_toml()),
        ];
        let meta = meta.into_iter().map(|(k, v)| (k.to_string(), v)).collect();
        Ok(Checkpoint { step: self.step, tensors, meta })
    }

    /// Restores a snapshot.
    ///
    /// # Errors
    /// [`TrainError`] if it does not fit the recipe; the trainer is then unchanged.
    pub fn restore(&mut self, snapshot: &Checkpoint) -> Result<(), TrainError> {
        let number = |key: &'static str| {
            snapshot.meta.get(key).and_then(|v| v.parse::<u64>().ok()).ok_or(TrainError::Checkpoint(key))
        };
        let (batches, g_time, d_time) = (number("batches")?, number("g_updates")?, number("d_updates")?);
        let part = |prefix: &str| weights::with_prefix(&snapshot.tensors, prefix);
        let g = weights::write(self.g.clone(), &part("g"))?;
        let d = weights::write(self.d.clone(), &part("d"))?;
        let ema = weights::write(self.ema.clone(), &part("ema"))?;
        let moments = |prefix| part(prefix).into_values().collect();
        self.g_optimiser = Optimiser::restore(self.recipe.g.kind, g_time, moments("opt_g"), &self.device);
        self.d_optimiser = Optimiser::restore(self.recipe.d.kind, d_time, moments("opt_d"), &self.device);
        (self.g, self.d, self.ema) = (g, d, ema);
        self.step = snapshot.step;
        self.batches = batches;
        self.success = snapshot.meta.get("g_success").and_then(|v| v.parse().ok());
        self.pending.clear();
        self.gradients = None;
        Ok(())
    }
}

/// Returns the mean binary cross-entropy of `logits` `[batch, 1]` against one target probability in nats:
/// softplus(x) - target * x, in a numerically stable form.
fn cross_entropy(logits: Tensor<2>, target: f64) -> Tensor<1> {
    let softplus = burn::tensor::activation::relu(logits.clone()) + logits.clone().abs().neg().exp().log1p();
    (softplus - logits * target).mean()
}

/// Returns the share of ones.
fn share(ones: Tensor<2>) -> Tensor<1> {
    ones.mean()
}

/// Adds Gaussian noise, drawn on the host so that it is the same on every device.
fn noisy(x: Tensor<4>, std: f64, rng: &mut ChaCha8Rng) -> Tensor<4> {
    if std <= 0.0 {
        return x;
    }
    let dims = x.dims();
    // Each crop has its own stream, so that the result does not depend on the number of threads.
    let seed = rng.random();
    let mut values = take_buffer(dims.iter().product());
    values.par_chunks_mut(dims[1..].iter().product::<usize>().max(1)).enumerate().for_each(|(i, crop)| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(i as u64);
        crop.iter_mut()
            .zip(StandardNormal.sample_iter(&mut rng))
            .for_each(|(v, unit): (_, f32)| *v = unit * std as f32);
    });
    let noise = Tensor::from_data(TensorData::new(values, dims), &x.device());
    add_constant(x, noise)
}

/// Applies dropout: sets a share of the values to zero and scales up the others (Srivastava et al. 2014).
fn dropped(x: Tensor<4>, rate: f64, rng: &mut ChaCha8Rng) -> Tensor<4> {
    if rate <= 0.0 {
        return x;
    }
    let dims = x.dims();
    let kept = (1.0 / (1.0 - rate)) as f32;
    let values: Vec<f32> =
        (0..dims.iter().product::<usize>()).map(|_| if rng.random_bool(rate) { 0.0 } else { kept }).collect();
    let mask = Tensor::from_data(TensorData::new(values, dims), &x.device().without_autodiff());
    x * mask
}

/// Returns the mean Euclidean distance between any two of [`GRID`] crops.
fn spread(crops: &[f32]) -> f64 {
    let len = crops.len() / GRID;
    if len == 0 {
        return 0.0;
    }
    let crops: Vec<&[f32]> = crops.chunks_exact(len).collect();
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f32>().sqrt();
    let mut sum = 0.0;
    let mut pairs = 0;
    for (i, a) in crops.iter().enumerate() {
        for b in &crops[i + 1..] {
            sum += f64::from(distance(a, b));
            pairs += 1;
        }
    }
    sum / f64::from(pairs.max(1))
}

/// Combines two numbers into one seed (SplitMix64 finaliser).
fn mix(seed: u64, step: u64) -> u64 {
    let mut x = seed.wrapping_add(step.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
