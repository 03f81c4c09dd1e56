//! Inspecting the held-out healthy images, one after the other.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Calibration, HeldOut, MapScale};
use crate::{
    data::{
        DataError, FileHash, ImageStore, Opened, Split,
        synthetic_defects::{DefectSynthesiser, SyntheticDefectKnobs},
    },
    inspect::{
        job::{InspectError, InspectionJob, Outcome},
        knobs::InvertKnobs,
        latent::inversion::FrozenNetworks,
        planes::Planes,
        regions::Regions,
        scores::{ScoreKind, Scores, fusion::fusion},
    },
};

/// The score that verdicts go by without a critic: a defect is local, and a mean over a tile or a frame drowns it in
/// what no z could have drawn of a healthy surface.
pub(crate) const WITHOUT_CRITIC: ScoreKind = ScoreKind::WorstSpot;

/// Held-out images that are inspected once more, damaged, to see what each score is worth: where images differ much, few
/// pieces of damage stand out, and the weights by ten images were now and then those of chance.
const FORGED: usize = 32;
/// Side of the square that is inspected once more on account of a piece of damage, in the mean: the damage and the tiles
/// over it.
const AGAIN: usize = 128;
/// Draws of damage for one image, until a piece of it is to be seen.
const DRAWS: usize = 8;
/// Side of the window that is damaged, at most.
const WINDOW: usize = 96;

/// Largest value of a critic's map that is counted, in standard deviations.
const MOST_CRITIC: f32 = 50.0;

/// Values are counted in so many bins up to [`MOST`].
const BINS: usize = 4_096;
const MOST: f32 = 2.0;

/// Share of healthy pixels that stay below half of a map's scale.
const QUIET: f64 = 0.999;

/// What ends a calibration.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// A held-out image cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A held-out image cannot be inspected.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// There is nothing to calibrate on.
    #[error("none of the held-out healthy images is there any more; put them back, or train again")]
    NoImages,
}

/// A calibration in the making, advanced a bounded slice at a time.
#[derive(Debug)]
pub struct Calibrator {
    store: Arc<ImageStore>,
    images: Vec<(usize, FileHash)>,
    knobs: InvertKnobs,
    regions: Regions,
    channels: usize,
    scale: f32,
    job: Option<InspectionJob>,
    /// Whether `job` is about the last image of `done`, damaged.
    again: bool,
    done: Vec<HeldOut>,
    /// Scores of damaged images; none are made without a critic.
    forged: Vec<Scores>,
    /// Largest and smallest width and height so far.
    size: (usize, usize),
    smallest: (usize, usize),
    difference: ValueHistogram,
    feature: ValueHistogram,
    critic: ValueHistogram,
    distance: ValueHistogram,
}

impl Calibrator {
    /// A calibration on the held-out images of `split`. `channels` and `scale` are those of the recipe.
    ///
    /// # Errors
    /// [`CalibrateError::NoImages`] when none of them is among the opened images.
    pub fn new(
        opened: &Opened,
        split: &Split,
        knobs: InvertKnobs,
        regions: Regions,
        channels: usize,
        scale: f32,
    ) -> Result<Self, CalibrateError> {
        let items = &opened.dataset.items;
        let images: Vec<(usize, FileHash)> =
            opened.held_out_indices(split).into_iter().filter_map(|i| Some((i, items.get(i)?.hash))).collect();
        if images.is_empty() {
            return Err(CalibrateError::NoImages);
        }
        Ok(Self {
            store: Arc::clone(&opened.store),
            images,
            knobs,
            regions,
            channels,
            scale,
            job: None,
            again: false,
            done: Vec::new(),
            forged: Vec::new(),
            size: (0, 0),
            smallest: (usize::MAX, usize::MAX),
            difference: ValueHistogram::default(),
            feature: ValueHistogram::default(),
            critic: ValueHistogram::default(),
            distance: ValueHistogram::default(),
        })
    }

    /// Images dealt with, and in all.
    pub fn progress(&self) -> (usize, usize) {
        (self.done.len() - usize::from(self.again), self.images.len())
    }

    /// How many inspections of a frame of so many pixels each of these images takes, in the mean: some are inspected once
    /// more where they were damaged.
    pub(crate) fn inspections(images: usize, pixels: usize, with_critic: bool) -> f64 {
        let damaged = if with_critic { images.min(FORGED) as f64 / images.max(1) as f64 } else { 0.0 };
        1.0 + damaged * (AGAIN.pow(2) as f64 / pixels.max(1) as f64).min(1.0)
    }

    /// How many images are inspected once more, damaged.
    fn damaged(&self) -> usize {
        self.images.len().min(FORGED)
    }

    /// Which image is damaged as number `i`: they are spread over the whole list.
    fn damaged_image(&self, i: usize) -> usize {
        i * self.images.len() / self.damaged().max(1)
    }

    /// A bounded piece of the work; the calibration once all images are inspected.
    ///
    /// # Errors
    /// [`CalibrateError`] when an image cannot be read or inspected.
    pub fn slice(&mut self, networks: &FrozenNetworks) -> Result<Option<Calibration>, CalibrateError> {
        let mut job = match (self.job.take(), self.images.get(self.done.len())) {
            (Some(job), _) => job,
            (None, Some((index, _))) => {
                let query = Planes::of(&*self.store.get(*index)?, self.channels, self.scale);
                InspectionJob::new(networks, Arc::new(query), self.knobs.clone(), &self.regions)?
            }
            (None, None) => return Ok(Some(self.calibration())),
        };
        job.slice(networks)?;
        match job.outcome(None) {
            None => self.job = Some(job),
            Some(outcome) if self.again => {
                self.again = false;
                self.forged.push(outcome.scores);
            }
            Some(outcome) => self.inspected(networks, outcome)?,
        }
        let (done, all) = self.progress();
        Ok((done == all).then(|| self.calibration()))
    }

    /// Takes note of a healthy image, and goes on with it damaged where its turn has come.
    fn inspected(&mut self, networks: &FrozenNetworks, outcome: Outcome) -> Result<(), CalibrateError> {
        self.count(&outcome);
        let (width, height) = (outcome.query.width(), outcome.query.height());
        self.size = (self.size.0.max(width), self.size.1.max(height));
        self.smallest = (self.smallest.0.min(width), self.smallest.1.min(height));
        let which = self.done.len();
        let hash = self.images[which].1;
        self.done.push(HeldOut { hash, scores: outcome.scores.clone() });
        let next = self.forged.len();
        if networks.critic().is_some() && next < self.damaged() && self.damaged_image(next) == which {
            let query = Arc::new(damaged(&outcome.query, which as u64));
            self.job = InspectionJob::changed(networks, query, &outcome, &self.regions)?;
            self.again = self.job.is_some();
            if !self.again {
                // Nothing of it is to be seen, so nothing has moved.
                self.forged.push(outcome.scores);
            }
        }
        Ok(())
    }

    fn count(&mut self, outcome: &Outcome) {
        let inside = |i: &usize| outcome.inspected.as_ref().is_none_or(|all| all[*i]);
        for i in (0..outcome.difference.len()).filter(inside) {
            self.difference.add(outcome.difference[i].abs());
            self.feature.add(outcome.feature[i]);
            if let Some(critic) = &outcome.critic {
                self.critic.add(critic.logit[i].max(0.0) * (MOST / MOST_CRITIC));
                self.distance.add(critic.distance[i].max(0.0) * (MOST / MOST_CRITIC));
            }
        }
    }

    fn calibration(&self) -> Calibration {
        let scale = MapScale {
            difference: 2.0 * self.difference.quantile(QUIET),
            feature: 2.0 * self.feature.quantile(QUIET),
            critic: 2.0 * self.critic.quantile(QUIET) * (MOST_CRITIC / MOST),
            distance: 2.0 * self.distance.quantile(QUIET) * (MOST_CRITIC / MOST),
        };
        let healthy: Vec<Scores> = self.done.iter().map(|h| h.scores.clone()).collect();
        let damaged: Vec<_> =
            self.forged.iter().enumerate().map(|(i, after)| (healthy.get(self.damaged_image(i)), after)).collect();
        let mut calibration = Calibration {
            knobs: self.knobs.clone(),
            regions: self.regions.clone(),
            held_out: self.done.clone(),
            size: self.size,
            smallest: Some(self.smallest),
            scale,
            score: WITHOUT_CRITIC,
            fusion: fusion(&healthy, &damaged),
            labelled: None,
        };
        if !calibration.fusion.is_empty() {
            calibration.score = ScoreKind::Fused;
            calibration.fuse_held_out();
        }
        calibration
    }
}

/// A frame with one window of it damaged to be seen.
fn damaged(frame: &Planes, seed: u64) -> Planes {
    let (width, height, channels) = (frame.width(), frame.height(), frame.channels());
    let side = WINDOW.min(width).min(height);
    let mut rng = ChaCha8Rng::seed_from_u64(0x6461_6d61_6765);
    rng.set_stream(seed);
    let window = |rng: &mut ChaCha8Rng| {
        let (left, top) = (rng.random_range(0..=width - side), rng.random_range(0..=height - side));
        let cells = (0..channels)
            .flat_map(move |c| (0..side * side).map(move |i| (c * height + top + i / side) * width + left + i % side));
        cells.collect::<Vec<usize>>()
    };
    let mut values = frame.values().to_vec();
    let n = values.len() as f32;
    let mean = values.iter().sum::<f32>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt();
    // Nothing but damage: the light stays as it is.
    let knobs = SyntheticDefectKnobs { share: 1.0, jitter: 0.0, ..SyntheticDefectKnobs::default() };
    let forger = DefectSynthesiser::new(knobs, side, channels, deviation, (0, Vec::new()));
    let mut drawn = (0..DRAWS).map(|_| {
        let (place, donor) = (window(&mut rng), window(&mut rng));
        let cut = |cells: &[usize]| cells.iter().map(|&i| values[i]).collect::<Vec<f32>>();
        let forged = forger.synthesise(&cut(&place), &cut(&donor), &mut rng);
        (place, forged)
    });
    let seen = drawn.find(|(_, forged)| forged.mask.contains(&1.0));
    for (i, value) in seen.into_iter().flat_map(|(place, forged)| place.into_iter().zip(forged.values)) {
        values[i] = value;
    }
    Planes::new(width, height, channels, values).unwrap_or_else(|| frame.clone())
}

/// How often values were seen.
#[derive(Debug, Default)]
struct ValueHistogram {
    bins: Vec<u64>,
    total: u64,
}

impl ValueHistogram {
    fn add(&mut self, value: f32) {
        self.bins.resize(BINS, 0);
        let bin = (value / MOST * BINS as f32) as usize;
        self.bins[bin.min(BINS - 1)] += 1;
        self.total += 1;
    }

    /// The upper end of the bin below which this share of the values lies.
    fn quantile(&self, share: f64) -> f32 {
        let mut left = (share * self.total as f64).ceil() as u64;
        for (i, count) in self.bins.iter().enumerate() {
            left = left.saturating_sub(*count);
            if left == 0 {
                return (i + 1) as f32 * MOST / BINS as f32;
            }
        }
        MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_counted() {
        let mut counts = ValueHistogram::default();
        for i in 0..1_000 {
            counts.add(i as f32 / 1_000.0);
        }
        for share in [0.1, 0.5, 0.999] {
            assert!((f64::from(counts.quantile(share)) - share).abs() < 2e-3);
        }
        assert_eq!(ValueHistogram::default().quantile(0.5), MOST);
    }
}
