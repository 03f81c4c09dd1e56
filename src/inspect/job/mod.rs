//! The inspection of one query, one bounded time slice per call.

mod corrected;
mod error;
mod outcome;
mod reuse;
mod sums;

use std::{cmp::Ordering, ops::Range, sync::Arc, time::Instant};

use burn::tensor::{Tensor, TensorData};
use corrected::CorrectedQuery;
pub use error::InspectError;
pub use outcome::{KeptFrame, Outcome, StepRecord};
use reuse::ReusedFrame;
use sums::{StepSums, smallest};

use super::{
    FrameLimit,
    calibration::{Calibration, Judged, NoVerdict},
    critic::{CriticMap, CriticPass, CriticScores},
    frame_check::FrameMeasures,
    knobs::InvertKnobs,
    latent::inversion::{FrozenNetworks, InversionBatch, Target},
    planes::Planes,
    regions::Regions,
    scores,
    scores::{ScoreKind, Scores},
    tiles::{TileCanvas, Tiling},
};
use crate::{
    data::box_mean,
    model::weights::{WeightError, host_finite},
};

/// Scores beyond this come from damaged statistics: those of 64 megapixels of the largest difference are a thousand
/// times smaller.
const MAX_SCORE: f64 = 1e12;

/// Rows of z per batch; bounds the memory of activations for any number of tiles.
const BATCH_ROWS: usize = 64;

/// Batches whose targets are cached.
const CACHED_TARGETS: usize = 8;

/// Most bytes of reconstructions kept for the scrubber.
const MAX_FRAME_BYTES: usize = 48 << 20;

/// Most reconstructions kept.
const MAX_FRAMES: usize = 250;

/// How often robust weights are updated, all within the first half of the steps.
const ROBUST_UPDATES: usize = 4;

/// Half the side of the square over which residuals are averaged for robust weights.
const ROBUST_REACH: usize = 2;

/// Standardised logit at which the critic's weight of a pixel is halfway down.
const HALF_WEIGHT_LOGIT: f32 = 5.0;

/// The next step of an [`InspectionJob`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The critic processes the whole frame, one view per slice.
    Critic,
    /// Initialise z of this batch.
    Start(usize),
    /// One optimisation step of this batch.
    Step(usize),
    /// Generate this batch's best reconstruction.
    Finish(usize),
    Done,
}

/// An inspection in progress. All tiles take a step before any takes the next, so that the whole frame converges
/// together.
#[derive(Debug)]
pub struct InspectionJob {
    query: Arc<Planes>,
    /// What is reconstructed.
    corrected: CorrectedQuery,
    inspected: Option<Vec<bool>>,
    tiling: Tiling,
    reused: Option<ReusedFrame>,
    knobs: InvertKnobs,
    /// Total steps; more than the knobs say once extended.
    steps: usize,
    batches: Vec<InversionBatch>,
    /// Cached targets of the first batches; limited so that memory does not grow with the number of tiles.
    targets: Vec<Target>,
    stopped: bool,
    phase: Phase,
    step: usize,
    sums: StepSums,
    records: Vec<StepRecord>,
    /// Weight of each pixel in the loss; `None` while all are 1.
    weights: Option<Vec<f32>>,
    canvas: Option<TileCanvas>,
    frames: Vec<KeptFrame>,
    /// Steps between two kept reconstructions.
    stride: usize,
    feature_canvas: Option<TileCanvas>,
    worst_tile: f64,
    /// At the exposure of the target.
    reconstruction: Option<Planes>,
    features: Vec<f32>,
    /// Statistics of the whole frame, once done.
    frame: Option<FrameMeasures>,
    /// The critic's pass while in progress, then its map and scores.
    critic_pass: Option<CriticPass>,
    critic_map: Option<CriticMap>,
    critic_scores: Option<CriticScores>,
    seconds: f64,
}

impl InspectionJob {
    /// Prepares the inspection of a query.
    ///
    /// # Errors
    /// [`InspectError`] for knobs out of range, or a query that is too large or fully ignored.
    pub fn new(
        networks: &FrozenNetworks,
        query: Arc<Planes>,
        knobs: InvertKnobs,
        regions: &Regions,
    ) -> Result<Self, InspectError> {
        knobs.validate()?;
        if query.values().iter().any(|value| !value.is_finite()) {
            return Err(InspectError::Image);
        }
        FrameLimit::here(query.channels(), 1.0).check(query.width() as u64, query.height() as u64)?;
        let inspected = regions.inspected(query.width(), query.height());
        let tiling = Tiling::new(query.width(), query.height(), networks.knobs().size);
        let tiling = match &inspected {
            Some(inspected) => tiling.only(inspected),
            None => tiling,
        };
        if tiling.is_empty() {
            return Err(InspectError::Nothing);
        }
        let steps = knobs.steps_for(tiling.len());
        let bytes = query.values().len() * size_of::<u16>();
        let most = (MAX_FRAME_BYTES / bytes.max(1)).clamp(2, MAX_FRAMES);
        let exposure = networks.critic().and_then(|critic| critic.exposure_correction(&query));
        Ok(Self {
            corrected: CorrectedQuery::of(&query, exposure, networks),
            // Pixels outside the inspected regions do not affect z either.
            weights: inspected.as_ref().map(|all| all.iter().map(|&on| f32::from(u8::from(on))).collect()),
            steps,
            stride: steps.div_ceil(most).max(1),
            query,
            inspected,
            tiling,
            reused: None,
            knobs,
            batches: Vec::new(),
            targets: Vec::new(),
            stopped: false,
            phase: Phase::Critic,
            step: 0,
            sums: StepSums::default(),
            records: Vec::new(),
            canvas: None,
            frames: Vec::new(),
            feature_canvas: None,
            worst_tile: 0.0,
            reconstruction: None,
            features: Vec::new(),
            frame: None,
            critic_pass: None,
            critic_map: None,
            critic_scores: None,
            seconds: 0.0,
        })
    }

    /// Prepares the inspection of a query that differs only in part from the one that `before` is the outcome of. Only
    /// the tiles with a changed pixel are inspected, for as many steps as a full inspection would take; the rest is
    /// reused. `None` where nothing differs. The records cover the inspected tiles only.
    ///
    /// # Errors
    /// As [`InspectionJob::new`].
    pub fn changed(
        networks: &FrozenNetworks,
        query: Arc<Planes>,
        before: &Outcome,
        regions: &Regions,
    ) -> Result<Option<Self>, InspectError> {
        let mut job = Self::new(networks, query, before.knobs.clone(), regions)?;
        job.corrected = CorrectedQuery::of(&job.query, before.exposure, networks);
        let (reused, tiling) = ReusedFrame::of(before, &job.query, &job.tiling);
        if tiling.is_empty() {
            return Ok(None);
        }
        (job.tiling, job.reused) = (tiling, Some(reused));
        Ok(Some(job))
    }

    /// The inspected image.
    pub fn query(&self) -> &Arc<Planes> {
        &self.query
    }

    /// The knobs of the inspection.
    pub fn knobs(&self) -> &InvertKnobs {
        &self.knobs
    }

    /// The steps so far.
    pub fn records(&self) -> &[StepRecord] {
        &self.records
    }

    /// The reconstructions kept so far, by step.
    pub fn frames(&self) -> &[KeptFrame] {
        &self.frames
    }

    /// Steps done.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Total steps.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Compute time so far, seconds.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Whether the outcome is available.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Stops early with the best result so far; only the reconstruction is still generated.
    pub fn stop(&mut self) {
        self.stopped |= matches!(self.phase, Phase::Critic | Phase::Start(_) | Phase::Step(_));
        match self.phase {
            Phase::Step(_) => self.begin_finish(),
            // z must be initialised before anything can be generated.
            Phase::Critic | Phase::Start(_) => self.steps = 1,
            Phase::Finish(_) | Phase::Done => {}
        }
    }

    /// Whether it was stopped early.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Continues for this many more steps, from the best z so far.
    pub fn extend(&mut self, steps: usize) {
        self.stopped = false;
        if self.phase != Phase::Done {
            self.steps += steps;
            return;
        }
        for batch in &mut self.batches {
            batch.resume(&self.knobs);
        }
        self.steps = self.step + steps;
        self.begin_step();
    }

    fn per_batch(&self) -> usize {
        (BATCH_ROWS / self.knobs.restarts).max(1)
    }

    /// Tiles of a batch.
    fn tiles(&self, batch: usize) -> Range<usize> {
        let size = self.per_batch();
        batch * size..((batch + 1) * size).min(self.tiling.len())
    }

    fn batch_count(&self) -> usize {
        self.tiling.len().div_ceil(self.per_batch())
    }

    /// Tiles of a batch on the device, each repeated per restart.
    fn crops(&self, networks: &FrozenNetworks, tiles: Range<usize>, restarts: usize) -> Tensor<4> {
        let (count, mut values) = (tiles.len(), Vec::new());
        for i in tiles {
            let start = values.len();
            self.tiling.cut(&self.corrected.planes, i, &mut values);
            for _ in 1..restarts {
                values.extend_from_within(start..start + self.tile_len());
            }
        }
        networks.upload(values, count * restarts)
    }

    /// Number of values in a tile.
    fn tile_len(&self) -> usize {
        self.tiling.side() * self.tiling.side() * self.query.channels()
    }

    fn tile_weights(&self, networks: &FrozenNetworks, tiles: Range<usize>) -> Option<Tensor<4>> {
        let weights = self.weights.as_ref()?;
        let (side, restarts, count) = (self.tiling.side(), self.knobs.restarts, tiles.len());
        let mut values = Vec::with_capacity(count * restarts * side * side);
        for i in tiles {
            for _ in 0..restarts {
                self.tiling.cut_plane(weights, i, &mut values);
            }
        }
        Some(networks.upload_planes(values, count * restarts))
    }

    /// Works for one bounded time slice; returns `true` once the outcome is available.
    ///
    /// # Errors
    /// [`InspectError`] when the device fails or a value is not finite.
    pub fn slice(&mut self, networks: &FrozenNetworks) -> Result<bool, InspectError> {
        self.advance(networks).map_err(|error| error.of(networks))
    }

    fn advance(&mut self, networks: &FrozenNetworks) -> Result<bool, InspectError> {
        let began = Instant::now();
        match self.phase {
            Phase::Critic => {
                self.advance_critic(networks)?;
                if self.critic_pass.is_none() {
                    self.phase = Phase::Start(0);
                }
            }
            Phase::Start(i) => {
                let tiles = self.tiles(i);
                let first = tiles.start;
                let crops = self.crops(networks, tiles, 1);
                let z = networks.start(&crops, first, &self.knobs);
                self.batches.push(InversionBatch::new(z, &self.knobs));
                if i + 1 < self.batch_count() {
                    self.phase = Phase::Start(i + 1);
                } else {
                    self.begin_step();
                }
            }
            Phase::Step(i) => {
                self.step_batch(networks, i)?;
                if i + 1 < self.batch_count() {
                    self.phase = Phase::Step(i + 1);
                } else {
                    self.seconds += began.elapsed().as_secs_f64();
                    self.end_step()?;
                    return Ok(false);
                }
            }
            Phase::Finish(i) => {
                self.finish_batch(networks, i)?;
                if i + 1 < self.batch_count() {
                    self.phase = Phase::Finish(i + 1);
                } else {
                    self.end_finish()?;
                }
            }
            Phase::Done => {}
        }
        self.seconds += began.elapsed().as_secs_f64();
        Ok(self.is_done())
    }

    /// Processes the critic's next view.
    fn advance_critic(&mut self, networks: &FrozenNetworks) -> Result<(), InspectError> {
        let Some(critic) = networks.critic() else { return Ok(()) };
        let mut pass = self.critic_pass.take().unwrap_or_else(|| critic.begin_pass(&self.query));
        critic.advance(&mut pass, &self.query)?;
        if !pass.is_done() {
            self.critic_pass = Some(pass);
            return Ok(());
        }
        let map = critic.finish_pass(pass, &self.query)?;
        self.critic_scores = Some(critic.score(&map, self.inspected.as_deref()));
        if self.knobs.robust > 0.0 {
            self.weights = Some(self.critic_weights(&map));
        }
        self.critic_map = Some(map);
        Ok(())
    }

    /// Per-pixel loss weights from the critic's map: 1 where it finds nothing, down to 1 - robust where its logit is
    /// high.
    fn critic_weights(&self, map: &CriticMap) -> Vec<f32> {
        let map = map.logits();
        let strength = self.knobs.robust as f32;
        let inside = |i: usize| self.inspected.as_ref().is_none_or(|all| all[i]);
        let weight = |v: &f32| 1.0 - strength / (1.0 + (HALF_WEIGHT_LOGIT - v).exp());
        map.iter().enumerate().map(|(i, v)| if inside(i) { weight(v) } else { 0.0 }).collect()
    }

    fn begin_step(&mut self) {
        self.sums = StepSums::default();
        let keep = self.is_kept(self.step);
        let reweight = self.updates_weights(self.step);
        self.canvas = (keep || reweight).then(|| self.new_canvas());
        self.phase = Phase::Step(0);
    }

    /// A canvas for the tiles, pre-filled with the reused ones.
    fn new_canvas(&self) -> TileCanvas {
        let mut canvas = self.tiling.canvas(self.query.channels());
        if let Some(reused) = &self.reused {
            reused.place_reconstruction(&mut canvas);
        }
        canvas
    }

    fn is_kept(&self, step: usize) -> bool {
        step.is_multiple_of(self.stride)
    }

    /// Whether robust weights are updated from the reconstruction at this step.
    fn updates_weights(&self, step: usize) -> bool {
        let every = (self.knobs.steps_for(self.tiling.len()) / (2 * ROBUST_UPDATES)).max(1);
        // With a critic, the weights are set before the first step.
        self.critic_map.is_none()
            && self.knobs.robust > 0.0
            && step > 0
            && step.is_multiple_of(every)
            && step <= every * ROBUST_UPDATES
    }

    fn step_batch(&mut self, networks: &FrozenNetworks, i: usize) -> Result<(), InspectError> {
        let (tiles, restarts) = (self.tiles(i), self.knobs.restarts);
        let fresh;
        let target = match self.targets.get(i) {
            Some(target) => target,
            None => {
                fresh = networks.target(self.crops(networks, tiles.clone(), restarts), &self.knobs);
                if i == self.targets.len() && i < CACHED_TARGETS {
                    self.targets.push(fresh.clone());
                }
                &fresh
            }
        };
        let weights = self.tile_weights(networks, tiles.clone());
        let Some(batch) = self.batches.get_mut(i) else { return Ok(()) };
        let (numbers, generated) = batch.step(networks, target, weights.as_ref(), &self.knobs)?;
        let columns = [&numbers.total, &numbers.residual, &numbers.feature, &numbers.prior, &numbers.z_norm];
        if columns.into_iter().flatten().any(|v| !v.is_finite()) {
            // No knob has acted yet before the first step.
            return Err(match self.step {
                0 => WeightError::NotFinite("the loss of the initial z").into(),
                step => InspectError::NotFinite(step),
            });
        }
        self.sums.add(&numbers, restarts);
        let len = self.tile_len();
        if let Some(canvas) = &mut self.canvas {
            let (_, values) = host_finite(generated, "the reconstruction")?;
            for (t, tile) in tiles.enumerate() {
                let rows = &numbers.total[t * restarts..(t + 1) * restarts];
                let at = (t * restarts + smallest(rows)) * len;
                self.tiling.place(canvas, tile, &values[at..at + len]);
            }
        }
        Ok(())
    }

    fn end_step(&mut self) -> Result<(), InspectError> {
        let record = self.sums.record(self.step, self.tiling.len(), self.tile_len(), self.seconds);
        self.records.push(record);
        if let Some(canvas) = self.canvas.take() {
            let target = Arc::clone(&self.corrected.planes);
            let generated = canvas.finish(|i| target.values()[i]);
            if self.updates_weights(self.step) {
                self.update_robust_weights(&generated);
            }
            if self.is_kept(self.step) {
                self.frames.push(KeptFrame::new(self.step, &self.corrected.restored(generated)));
            }
        }
        self.step += 1;
        if self.step >= self.steps || self.is_flat() {
            self.begin_finish();
        } else {
            self.begin_step();
        }
        Ok(())
    }

    /// Whether the last steps brought no improvement.
    fn is_flat(&self) -> bool {
        let reach = self.knobs.plateau;
        // Robust weights change the loss: only steps since their last update are comparable.
        let settled = self.records.len() - (0..self.step).rev().find(|&s| self.updates_weights(s)).map_or(0, |s| s + 1);
        if reach == 0 || settled <= reach {
            return false;
        }
        let best = |records: &[StepRecord]| {
            records.iter().filter_map(|r| r.loss.get(r.best)).copied().fold(f32::INFINITY, f32::min)
        };
        let (before, after) = self.records[self.records.len() - settled..].split_at(settled - reach);
        best(after) > best(before) * (1.0 - 1e-3)
    }

    /// Down-weights pixels with a large residual: Geman-McClure weights over the residual averaged over a small square,
    /// in units of its mean.
    fn update_robust_weights(&mut self, generated: &[f32]) {
        let (width, height) = (self.query.width(), self.query.height());
        let difference = self.corrected.difference(generated);
        let absolute: Vec<f32> = difference.iter().map(|v| v.abs()).collect();
        let smooth = box_mean(&absolute, width, height, ROBUST_REACH, self.inspected.as_deref());
        let inside = |i: usize| self.inspected.as_ref().is_none_or(|all| all[i]);
        let (mut sum, mut count) = (0.0, 0.0);
        for (i, value) in smooth.iter().enumerate() {
            if inside(i) {
                sum += f64::from(*value);
                count += 1.0;
            }
        }
        let scale = 2.0 * (sum / f64::max(count, 1.0)) as f32;
        let strength = self.knobs.robust as f32;
        let weights = smooth.iter().enumerate().map(|(i, value)| {
            if !inside(i) {
                return 0.0;
            }
            let ratio = value / scale.max(1e-6);
            1.0 - strength + strength / (1.0 + ratio * ratio).powi(2)
        });
        self.weights = Some(weights.collect());
        for batch in &mut self.batches {
            batch.forget_best();
        }
    }

    fn begin_finish(&mut self) {
        let mut features = self.tiling.canvas(1);
        if let Some(reused) = &self.reused {
            reused.place_features(&mut features);
        }
        (self.canvas, self.feature_canvas) = (Some(self.new_canvas()), Some(features));
        self.worst_tile = self.reused.as_ref().map_or(0.0, |u| u.worst_tile);
        self.phase = Phase::Finish(0);
    }

    /// Generates the best restart of each tile and compares it with the query, in pixels and in features.
    fn finish_batch(&mut self, networks: &FrozenNetworks, i: usize) -> Result<(), InspectError> {
        let (tiles, restarts) = (self.tiles(i), self.knobs.restarts);
        let crops = self.crops(networks, tiles.clone(), 1);
        let Some(batch) = self.batches.get(i) else { return Ok(()) };
        let losses = batch.best_losses()?;
        let rows: Vec<i32> = (0..tiles.len())
            .map(|t| (t * restarts + smallest(&losses[t * restarts..(t + 1) * restarts])) as i32)
            .collect();
        let best = batch.best();
        let rows = Tensor::from_data(TensorData::new(rows, [tiles.len()]), &best.device());
        let generated = networks.generate(best.select(0, rows));
        let gap = (networks.features(crops.clone()) - networks.features(generated.clone())).abs().mean_dim(1);
        let (_, values) = host_finite(generated, "the reconstruction")?;
        let (shape, gaps) = host_finite(gap, "the difference in D's features")?;
        let (len, side, cells) = (self.tile_len(), self.tiling.side(), shape[3]);
        let ones = vec![1.0; self.query.pixels()];
        let mask =
            self.inspected.as_ref().map(|all| all.iter().map(|&on| f32::from(u8::from(on))).collect::<Vec<f32>>());
        let mut tile_values = Vec::new();
        for (t, tile) in tiles.enumerate() {
            let own = &values[t * len..(t + 1) * len];
            if let Some(canvas) = &mut self.canvas {
                self.tiling.place(canvas, tile, own);
            }
            let gaps = &gaps[t * cells * cells..(t + 1) * cells * cells];
            let cell = side / cells;
            let upsampled: Vec<f32> =
                (0..side * side).map(|p| gaps[(p / side / cell) * cells + p % side / cell]).collect();
            if let Some(canvas) = &mut self.feature_canvas {
                self.tiling.place(canvas, tile, &upsampled);
            }
            tile_values.clear();
            self.tiling.cut(&self.corrected.planes, tile, &mut tile_values);
            let mut inside = Vec::with_capacity(side * side);
            self.tiling.cut_plane(mask.as_ref().unwrap_or(&ones), tile, &mut inside);
            let area: f64 = inside.iter().map(|&w| f64::from(w)).sum();
            // Skip tiles that are mostly outside the inspected regions.
            if area < 0.25 * (side * side) as f64 {
                continue;
            }
            let mut pixels = 0.0;
            for (p, &weight) in inside.iter().enumerate() {
                for c in 0..self.query.channels() {
                    let at = c * side * side + p;
                    pixels += f64::from(weight * (tile_values[at] - own[at]).abs());
                }
            }
            self.worst_tile = self.worst_tile.max(pixels / area / self.query.channels() as f64);
        }
        Ok(())
    }

    fn end_finish(&mut self) -> Result<(), InspectError> {
        let target = Arc::clone(&self.corrected.planes);
        if let Some(canvas) = self.canvas.take() {
            let values = canvas.finish(|i| target.values()[i]);
            if self.frames.last().is_none_or(|f| f.step < self.step) {
                self.frames.push(KeptFrame::new(self.step, &self.corrected.restored(values.clone())));
            }
            self.reconstruction = Planes::new(target.width(), target.height(), target.channels(), values);
        }
        if let Some(canvas) = self.feature_canvas.take() {
            self.features = canvas.finish(|_| 0.0);
        }
        let frame = FrameMeasures::of(&self.query);
        self.frame = Some(match &self.critic_map {
            Some(map) => map.measured(frame),
            None => frame,
        });
        let Some(reconstruction) = &self.reconstruction else { return Ok(()) };
        let (difference, feature) = self.maps(reconstruction);
        let scores = self.scores(reconstruction, &difference, &feature);
        if let Some(kind) = ScoreKind::ALL
            .into_iter()
            .find(|kind| scores.get(*kind).abs().partial_cmp(&MAX_SCORE) != Some(Ordering::Less))
        {
            return Err(WeightError::NotFinite(kind.title()).into());
        }
        self.phase = Phase::Done;
        Ok(())
    }

    /// Difference and feature residual per pixel; 0 where not inspected.
    fn maps(&self, reconstruction: &Planes) -> (Vec<f32>, Vec<f32>) {
        let mut difference = self.corrected.difference(reconstruction.values());
        let mut feature = self.features.clone();
        for (i, _) in self.inspected.iter().flatten().enumerate().filter(|(_, on)| !**on) {
            (difference[i], feature[i]) = (0.0, 0.0);
        }
        (difference, feature)
    }

    /// All scores but the combined one.
    fn scores(&self, reconstruction: &Planes, difference: &[f32], feature: &[f32]) -> Scores {
        let (width, height, channels) = (self.query.width(), self.query.height(), self.query.channels());
        let inside = |i: usize| self.inspected.as_ref().is_none_or(|all| all[i % self.query.pixels()]);
        let pairs = self.corrected.planes.values().iter().zip(reconstruction.values()).enumerate();
        let sum: f64 = pairs.filter(|(i, _)| inside(*i)).map(|(_, (a, b))| f64::from((a - b).abs())).sum();
        let area = (0..self.query.pixels()).filter(|&i| inside(i)).count();
        let mut scores = Scores::default();
        scores.set(ScoreKind::L1Sum, sum);
        scores.set(ScoreKind::L1, sum / (area * channels).max(1) as f64);
        scores.set(ScoreKind::WorstTile, self.worst_tile);
        let absolute: Vec<f32> = difference.iter().map(|v| v.abs()).collect();
        let worst = |map: &[f32], reach| {
            let smooth = box_mean(map, width, height, reach, self.inspected.as_deref());
            let spots = smooth.iter().enumerate().filter(|(i, _)| inside(*i)).map(|(_, v)| f64::from(*v));
            spots.fold(0.0, f64::max)
        };
        scores.set(ScoreKind::WorstSpot, worst(&absolute, scores::SPOT_REACH));
        scores.set(ScoreKind::FeatureSpot, worst(feature, scores::FEATURE_SPOT_REACH));
        let features: f64 = feature.iter().map(|&v| f64::from(v)).sum();
        scores.set(ScoreKind::Feature, features / area.max(1) as f64);
        if let Some(of_critic) = self.critic_scores {
            of_critic.known().for_each(|(kind, value)| scores.set(kind, value));
        }
        // In the image as it is, since an image without a part has little in it.
        let difference = self.corrected.in_query(scores.get(ScoreKind::L1));
        let frame = self.frame.clone().map(|frame| frame.with_difference(difference));
        scores.with_frame(frame)
    }

    /// The outcome, once done; judged by `calibration` at the promised rate, if given.
    pub fn outcome(&self, calibration: Option<(&Calibration, f64)>) -> Option<Outcome> {
        let reconstruction = self.reconstruction.clone().filter(|_| self.is_done())?;
        let (difference, feature) = self.maps(&reconstruction);
        let scores = self.scores(&reconstruction, &difference, &feature);
        let critic = self.critic_map.as_ref().map(|map| map.maps(self.inspected.as_deref()));
        let mut outcome = Outcome {
            query: Arc::clone(&self.query),
            reconstruction: match self.corrected.exposure {
                Some(exposure) => reconstruction.map(|v| exposure.undo(v)),
                None => reconstruction,
            },
            exposure: self.corrected.exposure,
            difference,
            feature,
            critic,
            inspected: self.inspected.clone(),
            judged: Judged::without(scores, NoVerdict::NotCalibrated),
            knobs: self.knobs.clone(),
            records: self.records.clone(),
            steps: self.step,
            tiles: self.tiling.len() + self.reused.as_ref().map_or(0, |u| u.tiles.len()),
            seconds: self.seconds,
        };
        if let Some((calibration, rate)) = calibration {
            outcome.judge(calibration, rate);
        }
        Some(outcome)
    }
}
