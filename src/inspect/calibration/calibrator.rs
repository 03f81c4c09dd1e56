//! [`Calibrator`]: inspects the held-out healthy images, one after the other, and builds a [`Calibration`].

use std::sync::Arc;

use super::{
    Calibration, DamagedImage, HeldOut, MapScale,
    damage::{share_inspected_again, with_damage},
};
use crate::{
    data::{DataError, FileHash, ImageStore, Opened, Split},
    inspect::{
        FrozenNetworks, InspectError, InspectionJob, InvertKnobs, Outcome, Planes, Regions, ScoreKind, Scores,
        anomaly_region::RegionLevels,
        evaluation::EvaluatedMap,
        frame_check::{FrameLimits, FrameMeasures},
    },
};

/// The deciding score without a critic. Defects are local: a mean over a tile or the frame hides them among what no z
/// can reconstruct of a healthy surface.
pub(crate) const WITHOUT_CRITIC: ScoreKind = ScoreKind::WorstSpot;

/// Inspections of held-out images with damage, to weight the scores; of few images each is damaged several times. Fewer
/// gave noisy weights where healthy images vary a lot.
const DAMAGED: usize = 64;

/// Upper limit of the critic's maps in the histogram, in standard deviations.
const MAX_CRITIC: f32 = 50.0;

/// Bins of a histogram from 0 to [`MAX_VALUE`].
const BINS: usize = 4_096;
const MAX_VALUE: f32 = 2.0;

/// Share of healthy pixels below half of a map's colour scale.
const HEALTHY_SHARE: f64 = 0.999;

/// Why a calibration failed.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// A held-out image cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A held-out image cannot be inspected.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// No held-out image is left.
    #[error("none of the held-out healthy images can be found; restore them or train again")]
    NoImages,
}

/// A calibration in progress, advanced one bounded time slice per call.
#[derive(Debug)]
pub struct Calibrator {
    store: Arc<ImageStore>,
    images: Vec<(usize, FileHash)>,
    knobs: InvertKnobs,
    regions: Regions,
    channels: usize,
    scale: f32,
    job: Option<InspectionJob>,
    /// The last image of `done`, while `job` inspects it with damage.
    undamaged: Option<Box<Outcome>>,
    done: Vec<HeldOut>,
    /// Statistics of each whole frame in `done`.
    frames: Vec<FrameMeasures>,
    /// Damaged images; empty without a critic.
    damaged: Vec<DamagedImage>,
    /// Largest and smallest width and height so far.
    size: (usize, usize),
    smallest: (usize, usize),
    difference: ValueHistogram,
    feature: ValueHistogram,
    critic: ValueHistogram,
    distance: ValueHistogram,
    region_levels: RegionLevels,
}

impl Calibrator {
    /// Starts a calibration on the held-out images of `split`. `channels` and `scale` are those of the recipe.
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
            undamaged: None,
            done: Vec::new(),
            frames: Vec::new(),
            damaged: Vec::new(),
            size: (0, 0),
            smallest: (usize::MAX, usize::MAX),
            difference: ValueHistogram::default(),
            feature: ValueHistogram::default(),
            critic: ValueHistogram::default(),
            distance: ValueHistogram::default(),
            region_levels: RegionLevels::default(),
        })
    }

    /// Number of images done, and in total.
    pub fn progress(&self) -> (usize, usize) {
        (self.done.len() - usize::from(self.undamaged.is_some()), self.images.len())
    }

    /// Mean number of inspections per image of `pixels` pixels: some images are partly inspected again
    /// with synthetic damage.
    pub(crate) fn inspections(images: usize, pixels: usize, with_critic: bool) -> f64 {
        let damaged = if with_critic { DAMAGED as f64 / images.max(1) as f64 } else { 0.0 };
        1.0 + damaged * share_inspected_again(pixels)
    }

    /// Index of the image that the `i`-th damage is done to; they are evenly spaced.
    fn damaged_index(&self, i: usize) -> usize {
        i * self.images.len() / DAMAGED
    }

    /// Works for one bounded time slice; returns the calibration once all images are inspected.
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
        match (job.outcome(None), self.undamaged.take()) {
            (None, undamaged) => (self.job, self.undamaged) = (Some(job), undamaged),
            (Some(damaged), Some(outcome)) => {
                self.damaged.push(self.damaged_image(damaged.scores()));
                self.damage(networks, outcome)?;
            }
            (Some(outcome), None) => {
                self.inspected(&outcome);
                self.damage(networks, Box::new(outcome))?;
            }
        }
        let (done, all) = self.progress();
        Ok((done == all).then(|| self.calibration()))
    }

    /// Records a healthy image.
    fn inspected(&mut self, outcome: &Outcome) {
        self.count(outcome);
        let (width, height) = (outcome.query.width(), outcome.query.height());
        self.size = (self.size.0.max(width), self.size.1.max(height));
        self.smallest = (self.smallest.0.min(width), self.smallest.1.min(height));
        let hash = self.images[self.done.len()].1;
        self.frames.extend(outcome.scores().frame().cloned());
        self.done.push(HeldOut { hash, scores: outcome.scores().clone().with_frame(None) });
    }

    /// Starts the next inspection of the last image of `done`, a healthy one, with damage, if there is one left.
    fn damage(&mut self, networks: &FrozenNetworks, outcome: Box<Outcome>) -> Result<(), CalibrateError> {
        let which = self.done.len() - 1;
        while networks.critic().is_some()
            && self.damaged.len() < DAMAGED
            && self.damaged_index(self.damaged.len()) == which
        {
            let query = Arc::new(with_damage(&outcome.query, self.damaged.len() as u64));
            self.job = InspectionJob::changed(networks, query, &outcome, &self.regions)?;
            if self.job.is_some() {
                self.undamaged = Some(outcome);
                return Ok(());
            }
            // The damage is not visible, so the scores are unchanged.
            self.damaged.push(self.damaged_image(outcome.scores()));
        }
        Ok(())
    }

    /// The record of the last image of `done` with damage.
    fn damaged_image(&self, scores: &Scores) -> DamagedImage {
        DamagedImage { held_out: self.done.len() - 1, scores: scores.clone().with_frame(None) }
    }

    fn count(&mut self, outcome: &Outcome) {
        for map in EvaluatedMap::ALL {
            if let Some(values) = map.of(outcome) {
                self.region_levels.add(map.name(), &values, outcome.query.width(), outcome.inspected.as_deref());
            }
        }
        let inside = |i: &usize| outcome.inspected.as_ref().is_none_or(|all| all[*i]);
        for i in (0..outcome.difference.len()).filter(inside) {
            self.difference.add(outcome.difference[i].abs());
            self.feature.add(outcome.feature[i]);
            if let Some(critic) = &outcome.critic {
                self.critic.add(critic.logit[i].max(0.0) * (MAX_VALUE / MAX_CRITIC));
                self.distance.add(critic.distance[i].max(0.0) * (MAX_VALUE / MAX_CRITIC));
            }
        }
    }

    fn calibration(&self) -> Calibration {
        let scale = MapScale {
            difference: 2.0 * self.difference.quantile(HEALTHY_SHARE),
            feature: 2.0 * self.feature.quantile(HEALTHY_SHARE),
            critic: 2.0 * self.critic.quantile(HEALTHY_SHARE) * (MAX_CRITIC / MAX_VALUE),
            distance: 2.0 * self.distance.quantile(HEALTHY_SHARE) * (MAX_CRITIC / MAX_VALUE),
        };
        let mut calibration = Calibration {
            knobs: self.knobs.clone(),
            regions: self.regions.clone(),
            held_out: self.done.clone(),
            size: self.size,
            smallest: Some(self.smallest),
            scale,
            score: WITHOUT_CRITIC,
            fusion: Vec::new(),
            labelled: None,
            frames: Some(FrameLimits::of(&self.frames)),
            region_levels: Some(self.region_levels.clone()),
            damaged: self.damaged.clone(),
        };
        calibration.weight();
        calibration
    }
}

/// Histogram of values.
#[derive(Debug, Default)]
struct ValueHistogram {
    bins: Vec<u64>,
    total: u64,
}

impl ValueHistogram {
    fn add(&mut self, value: f32) {
        self.bins.resize(BINS, 0);
        let bin = (value / MAX_VALUE * BINS as f32) as usize;
        self.bins[bin.min(BINS - 1)] += 1;
        self.total += 1;
    }

    /// Quantile: the upper end of the bin that reaches this share of the values.
    fn quantile(&self, share: f64) -> f32 {
        let mut left = (share * self.total as f64).ceil() as u64;
        for (i, count) in self.bins.iter().enumerate() {
            left = left.saturating_sub(*count);
            if left == 0 {
                return (i + 1) as f32 * MAX_VALUE / BINS as f32;
            }
        }
        MAX_VALUE
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
        assert_eq!(ValueHistogram::default().quantile(0.5), MAX_VALUE);
    }
}
