//! One query, inspected a bounded slice of work at a time.

mod outcome;
mod reuse;
mod sums;

use std::{ops::Range, sync::Arc, time::Instant};

use burn::tensor::{Tensor, TensorData};
pub use outcome::{KeptFrame, Outcome, StepRecord};
use reuse::ReusedFrame;
use sums::{Sums, smallest};

use super::{
    calibration::Calibration,
    critic::{CriticMap, CriticScores, Looking},
    knobs::{InvertKnobs, KnobError},
    latent::inversion::{FrozenNetworks, InversionBatch, Target},
    planes::Planes,
    regions::Regions,
    scores,
    scores::{ScoreKind, Scores},
    tiles::{TileCanvas, Tiling},
};
use crate::{
    data::box_filter::box_mean,
    model::weights::{WeightError, host},
};

/// What ends an inspection.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The device did not hand the values over.
    #[error(transparent)]
    Device(#[from] WeightError),
    /// A knob out of its range.
    #[error(transparent)]
    Knob(#[from] KnobError),
    /// A loss became NaN or infinite.
    #[error("the loss became infinite or undefined at step {0}; choose a smaller learning rate")]
    NotFinite(usize),
    /// The regions leave nothing over.
    #[error("no pixel of this image lies in the regions to inspect; change the regions, or inspect a larger image")]
    Nothing,
    /// More pixels than can be inspected at once.
    #[error(
        "the image has {0} million pixels and at most {MOST_MEGAPIXELS} million can be inspected at once; cut it into parts"
    )]
    TooLarge(usize),
}

/// Most pixels of a query, in millions.
const MOST_MEGAPIXELS: usize = 64;

/// Rows of z that are moved at a time: bounds the memory of activations, however many tiles there are.
const ROWS: usize = 64;

/// Batches whose targets are kept.
const TARGETS: usize = 8;

/// Most bytes of reconstructions kept for the scrubber of one query.
const KEPT_BYTES: usize = 48 << 20;

/// Most reconstructions kept of one query.
const KEPT_FRAMES: usize = 250;

/// Robust weights are found anew this often on the way, and no more in the last part of it.
const ROBUST_LOOKS: usize = 4;

/// Half the side of the square that residuals are averaged over before weights are made of them.
const ROBUST_REACH: usize = 2;

/// Standard deviations from what is usual at which the critic's doubt of a pixel is half.
const ODD: f32 = 5.0;

/// What a [`InspectionJob`] does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The critic looks at the whole frame, a view a slice.
    Look,
    /// z of this batch begins.
    Start(usize),
    /// This batch moves on by a step.
    Step(usize),
    /// This batch draws its best.
    Finish(usize),
    Done,
}

/// One query on its way. All tiles take a step before any takes the next, so that the whole frame is
/// seen to converge.
#[derive(Debug)]
pub struct InspectionJob {
    query: Arc<Planes>,
    inspected: Option<Vec<bool>>,
    tiling: Tiling,
    unchanged: Option<ReusedFrame>,
    knobs: InvertKnobs,
    /// Steps to do in all, more than the knobs say once the user asked for more.
    steps: usize,
    batches: Vec<InversionBatch>,
    /// What z of the first batches is led towards, kept from step to step: of so few that memory does not grow with the
    /// number of tiles.
    targets: Vec<Target>,
    stopped: bool,
    phase: Phase,
    step: usize,
    sums: Sums,
    records: Vec<StepRecord>,
    /// Weight of each pixel in the loss, once it differs from 1.
    weights: Option<Vec<f32>>,
    canvas: Option<TileCanvas>,
    frames: Vec<KeptFrame>,
    /// Steps between two kept reconstructions.
    stride: usize,
    feature_canvas: Option<TileCanvas>,
    worst_tile: f64,
    reconstruction: Option<Planes>,
    features: Vec<f32>,
    /// What the critic sees while it looks, what it saw, and what that comes down to.
    looking: Option<Looking>,
    look: Option<CriticMap>,
    verdicts: Option<CriticScores>,
    seconds: f64,
}

impl InspectionJob {
    /// A query to be inspected.
    ///
    /// # Errors
    /// [`InspectError`] for knobs out of range, or a query too large or wholly ignored.
    pub fn new(
        networks: &FrozenNetworks,
        query: Arc<Planes>,
        knobs: InvertKnobs,
        regions: &Regions,
    ) -> Result<Self, InspectError> {
        knobs.validate()?;
        let megapixels = query.pixels() / 1_000_000;
        if megapixels >= MOST_MEGAPIXELS {
            return Err(InspectError::TooLarge(megapixels));
        }
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
        let most = (KEPT_BYTES / bytes.max(1)).clamp(2, KEPT_FRAMES);
        Ok(Self {
            // Pixels that are not inspected do not pull z either.
            weights: inspected.as_ref().map(|all| all.iter().map(|&on| f32::from(u8::from(on))).collect()),
            steps,
            stride: steps.div_ceil(most).max(1),
            query,
            inspected,
            tiling,
            unchanged: None,
            knobs,
            batches: Vec::new(),
            targets: Vec::new(),
            stopped: false,
            phase: Phase::Look,
            step: 0,
            sums: Sums::default(),
            records: Vec::new(),
            canvas: None,
            frames: Vec::new(),
            feature_canvas: None,
            worst_tile: 0.0,
            reconstruction: None,
            features: Vec::new(),
            looking: None,
            look: None,
            verdicts: None,
            seconds: 0.0,
        })
    }

    /// A query that is another of the same size but for a part, `before` being the outcome of that other one: only tiles
    /// with a pixel that differs are inspected, for as many steps as all of them would be, and the rest stays as it was
    /// drawn. `None` where nothing differs. Its records tell of the tiles inspected.
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
        let (unchanged, tiling) = ReusedFrame::of(before, &job.query, &job.tiling);
        if tiling.is_empty() {
            return Ok(None);
        }
        (job.tiling, job.unchanged) = (tiling, Some(unchanged));
        Ok(Some(job))
    }

    /// The query.
    pub fn query(&self) -> &Arc<Planes> {
        &self.query
    }

    /// The knobs it runs by.
    pub fn knobs(&self) -> &InvertKnobs {
        &self.knobs
    }

    /// What each step left behind so far.
    pub fn records(&self) -> &[StepRecord] {
        &self.records
    }

    /// The reconstructions kept so far, by rising step.
    pub fn frames(&self) -> &[KeptFrame] {
        &self.frames
    }

    /// Steps done.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Steps in all.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Seconds of work so far.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Whether the outcome is there.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Ends with what has been reached so far: only the last drawing is still to be done.
    pub fn stop(&mut self) {
        self.stopped |= matches!(self.phase, Phase::Look | Phase::Start(_) | Phase::Step(_));
        match self.phase {
            Phase::Step(_) => self.begin_finish(),
            // z has to begin before there is anything to draw.
            Phase::Look | Phase::Start(_) => self.steps = 1,
            Phase::Finish(_) | Phase::Done => {}
        }
    }

    /// Whether it was ended before its time.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Goes on for so many steps more from the best that was reached.
    pub fn more(&mut self, steps: usize) {
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
        (ROWS / self.knobs.restarts).max(1)
    }

    /// The tiles of a batch.
    fn tiles(&self, batch: usize) -> Range<usize> {
        let size = self.per_batch();
        batch * size..((batch + 1) * size).min(self.tiling.len())
    }

    fn batch_count(&self) -> usize {
        self.tiling.len().div_ceil(self.per_batch())
    }

    /// The tiles of a batch on the device, each repeated for its restarts.
    fn crops(&self, networks: &FrozenNetworks, tiles: Range<usize>, restarts: usize) -> Tensor<4> {
        let (count, mut values) = (tiles.len(), Vec::new());
        for i in tiles {
            let start = values.len();
            self.tiling.cut(&self.query, i, &mut values);
            for _ in 1..restarts {
                values.extend_from_within(start..start + self.tile_len());
            }
        }
        networks.upload(values, count * restarts)
    }

    /// Values in a tile.
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

    /// Does a bounded piece of the work; `true` once the outcome is there.
    ///
    /// # Errors
    /// [`InspectError`] when the device fails or a loss is not finite.
    pub fn slice(&mut self, networks: &FrozenNetworks) -> Result<bool, InspectError> {
        let began = Instant::now();
        match self.phase {
            Phase::Look => {
                self.look_on(networks)?;
                if self.looking.is_none() {
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
                    self.end_finish();
                }
            }
            Phase::Done => {}
        }
        self.seconds += began.elapsed().as_secs_f64();
        Ok(self.is_done())
    }

    /// Takes the critic's next view.
    fn look_on(&mut self, networks: &FrozenNetworks) -> Result<(), InspectError> {
        let Some(critic) = networks.critic() else { return Ok(()) };
        let mut looking = self.looking.take().unwrap_or_else(|| critic.begin(&self.query));
        critic.go_on(&mut looking, &self.query)?;
        if !looking.is_done() {
            self.looking = Some(looking);
            return Ok(());
        }
        let look = critic.end(looking);
        self.verdicts = Some(critic.score(&look, self.inspected.as_deref()));
        if self.knobs.robust > 0.0 {
            self.weights = Some(self.doubts(&look));
        }
        self.look = Some(look);
        Ok(())
    }

    /// How much each pixel may pull z, from what the critic saw: 1 where nothing is odd, down to 1 - robust where it
    /// is sure of damage.
    fn doubts(&self, look: &CriticMap) -> Vec<f32> {
        let map = look.logits();
        let strength = self.knobs.robust as f32;
        let inside = |i: usize| self.inspected.as_ref().is_none_or(|all| all[i]);
        let weight = |v: &f32| 1.0 - strength / (1.0 + (ODD - v).exp());
        map.iter().enumerate().map(|(i, v)| if inside(i) { weight(v) } else { 0.0 }).collect()
    }

    fn begin_step(&mut self) {
        self.sums = Sums::default();
        let keep = self.is_kept(self.step);
        let look = self.looks(self.step);
        self.canvas = (keep || look).then(|| self.fresh_canvas());
        self.phase = Phase::Step(0);
    }

    /// A canvas for the tiles, with those on it that stay as they were.
    fn fresh_canvas(&self) -> TileCanvas {
        let mut canvas = self.tiling.canvas(self.query.channels());
        if let Some(unchanged) = &self.unchanged {
            unchanged.lay_drawn(&mut canvas);
        }
        canvas
    }

    fn is_kept(&self, step: usize) -> bool {
        step.is_multiple_of(self.stride)
    }

    /// Whether robust weights are found anew from the reconstruction at this step.
    fn looks(&self, step: usize) -> bool {
        let every = (self.knobs.steps_for(self.tiling.len()) / (2 * ROBUST_LOOKS)).max(1);
        // The critic has said it all before the first step.
        self.look.is_none()
            && self.knobs.robust > 0.0
            && step > 0
            && step.is_multiple_of(every)
            && step <= every * ROBUST_LOOKS
    }

    fn step_batch(&mut self, networks: &FrozenNetworks, i: usize) -> Result<(), InspectError> {
        let (tiles, restarts) = (self.tiles(i), self.knobs.restarts);
        let fresh;
        let target = match self.targets.get(i) {
            Some(target) => target,
            None => {
                fresh = networks.target(self.crops(networks, tiles.clone(), restarts), &self.knobs);
                if i == self.targets.len() && i < TARGETS {
                    self.targets.push(fresh.clone());
                }
                &fresh
            }
        };
        let weights = self.tile_weights(networks, tiles.clone());
        let Some(batch) = self.batches.get_mut(i) else { return Ok(()) };
        let (numbers, drawn) = batch.step(networks, target, weights.as_ref(), &self.knobs)?;
        if numbers.total.iter().any(|v| !v.is_finite()) {
            return Err(InspectError::NotFinite(self.step));
        }
        self.sums.add(&numbers, restarts);
        let len = self.tile_len();
        if let Some(canvas) = &mut self.canvas {
            let (_, values) = host(drawn)?;
            for (t, tile) in tiles.enumerate() {
                let rows = &numbers.total[t * restarts..(t + 1) * restarts];
                let at = (t * restarts + smallest(rows)) * len;
                self.tiling.lay(canvas, tile, &values[at..at + len]);
            }
        }
        Ok(())
    }

    fn end_step(&mut self) -> Result<(), InspectError> {
        let record = self.sums.record(self.step, self.tiling.len(), self.tile_len(), self.seconds);
        self.records.push(record);
        if let Some(canvas) = self.canvas.take() {
            let query = Arc::clone(&self.query);
            let drawn = canvas.finish(|i| query.values()[i]);
            if self.looks(self.step) {
                self.turn_away(&drawn);
            }
            if self.is_kept(self.step) {
                self.frames.push(KeptFrame::new(self.step, &drawn));
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

    /// Whether the last steps brought next to nothing.
    fn is_flat(&self) -> bool {
        let reach = self.knobs.plateau;
        // Robust weights change the loss: only steps after the last change can be compared.
        let settled = self.records.len() - (0..self.step).rev().find(|&s| self.looks(s)).map_or(0, |s| s + 1);
        if reach == 0 || settled <= reach {
            return false;
        }
        let best = |records: &[StepRecord]| {
            records.iter().filter_map(|r| r.loss.get(r.best)).copied().fold(f32::INFINITY, f32::min)
        };
        let (before, after) = self.records[self.records.len() - settled..].split_at(settled - reach);
        best(after) > best(before) * (1.0 - 1e-3)
    }

    /// Lets z turn away from where the residual stands out: Geman and McClure's weights over the residual
    /// averaged over a small square, in units of its mean.
    fn turn_away(&mut self, drawn: &[f32]) {
        let (width, height) = (self.query.width(), self.query.height());
        let difference = difference(&self.query, drawn);
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
        if let Some(unchanged) = &self.unchanged {
            unchanged.lay_feature(&mut features);
        }
        (self.canvas, self.feature_canvas) = (Some(self.fresh_canvas()), Some(features));
        self.worst_tile = self.unchanged.as_ref().map_or(0.0, |u| u.worst_tile);
        self.phase = Phase::Finish(0);
    }

    /// Draws the best of each tile's restarts, and compares it with the query in pixels and in features.
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
        let drawn = networks.draw(best.select(0, rows));
        let gap = (networks.features(crops.clone()) - networks.features(drawn.clone())).abs().mean_dim(1);
        let ((_, values), (shape, gaps)) = (host(drawn)?, host(gap)?);
        let (len, side, cells) = (self.tile_len(), self.tiling.side(), shape[3]);
        let ones = vec![1.0; self.query.pixels()];
        let mask =
            self.inspected.as_ref().map(|all| all.iter().map(|&on| f32::from(u8::from(on))).collect::<Vec<f32>>());
        let mut tile_values = Vec::new();
        for (t, tile) in tiles.enumerate() {
            let own = &values[t * len..(t + 1) * len];
            if let Some(canvas) = &mut self.canvas {
                self.tiling.lay(canvas, tile, own);
            }
            let gaps = &gaps[t * cells * cells..(t + 1) * cells * cells];
            let cell = side / cells;
            let spread: Vec<f32> =
                (0..side * side).map(|p| gaps[(p / side / cell) * cells + p % side / cell]).collect();
            if let Some(canvas) = &mut self.feature_canvas {
                self.tiling.lay(canvas, tile, &spread);
            }
            tile_values.clear();
            self.tiling.cut(&self.query, tile, &mut tile_values);
            let mut inside = Vec::with_capacity(side * side);
            self.tiling.cut_plane(mask.as_ref().unwrap_or(&ones), tile, &mut inside);
            let area: f64 = inside.iter().map(|&w| f64::from(w)).sum();
            // A sliver of a tile is no tile.
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

    fn end_finish(&mut self) {
        let query = Arc::clone(&self.query);
        if let Some(canvas) = self.canvas.take() {
            let values = canvas.finish(|i| query.values()[i]);
            if self.frames.last().is_none_or(|f| f.step < self.step) {
                self.frames.push(KeptFrame::new(self.step, &values));
            }
            self.reconstruction = Planes::new(query.width(), query.height(), query.channels(), values);
        }
        if let Some(canvas) = self.feature_canvas.take() {
            self.features = canvas.finish(|_| 0.0);
        }
        self.phase = Phase::Done;
    }

    /// What came of the query, once it is done. A calibration for these knobs gives it its place among
    /// good parts at the promised rate.
    pub fn outcome(&self, calibration: Option<(&Calibration, f64)>) -> Option<Outcome> {
        let reconstruction = self.reconstruction.clone().filter(|_| self.is_done())?;
        let mut difference = difference(&self.query, reconstruction.values());
        let mut feature = self.features.clone();
        let (width, height, channels) = (self.query.width(), self.query.height(), self.query.channels());
        if let Some(inspected) = &self.inspected {
            for (i, on) in inspected.iter().enumerate() {
                if !on {
                    (difference[i], feature[i]) = (0.0, 0.0);
                }
            }
        }
        let inside = |i: usize| self.inspected.as_ref().is_none_or(|all| all[i % self.query.pixels()]);
        let pairs = self.query.values().iter().zip(reconstruction.values()).enumerate();
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
        scores.set(ScoreKind::FeatureSpot, worst(&feature, scores::FEATURE_SPOT_REACH));
        let features: f64 = feature.iter().map(|&v| f64::from(v)).sum();
        scores.set(ScoreKind::Feature, features / area.max(1) as f64);
        if let Some(verdicts) = self.verdicts {
            scores.set(ScoreKind::Critic, verdicts.logit);
            scores.set(ScoreKind::CriticDistance, verdicts.distance);
            scores.set(ScoreKind::CriticPattern, verdicts.pattern);
        }
        let critic = self.look.as_ref().map(|look| look.maps(self.inspected.as_deref()));
        if let Some((calibration, _)) = calibration {
            calibration.fuse(&mut scores);
        }
        // A rate that cannot be promised gives no verdict; who sets it is told why.
        let assessment = calibration.and_then(|(c, rate)| c.assess(&scores, rate).ok());
        Some(Outcome {
            query: Arc::clone(&self.query),
            reconstruction,
            difference,
            feature,
            critic,
            inspected: self.inspected.clone(),
            scores,
            assessment,
            knobs: self.knobs.clone(),
            records: self.records.clone(),
            steps: self.step,
            tiles: self.tiling.len() + self.unchanged.as_ref().map_or(0, |u| u.tiles.len()),
            seconds: self.seconds,
        })
    }
}

/// Query minus drawn, the mean over channels, one value a pixel.
fn difference(query: &Planes, drawn: &[f32]) -> Vec<f32> {
    let (pixels, channels) = (query.pixels(), query.channels());
    let mut difference = vec![0.0; pixels];
    for (i, (a, b)) in query.values().iter().zip(drawn).enumerate() {
        difference[i % pixels] += (a - b) / channels as f32;
    }
    difference
}
