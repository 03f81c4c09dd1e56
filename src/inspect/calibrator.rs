//! Inspecting the held-out healthy images, one after the other.

use std::sync::Arc;

use super::{
    calibrate::{Calibration, HeldOut, MapScale},
    invert::Networks,
    job::{InspectError, Job},
    knobs::InvertKnobs,
    maps::ScoreKind,
    planes::Planes,
    region::Regions,
};
use crate::data::{DataError, FileHash, ImageStore, Opened, Split};

/// The score that verdicts go by: a defect is local, and a mean over a tile or a frame drowns it in what no
/// z could have drawn of a healthy surface.
pub(super) const VERDICT_BY: ScoreKind = ScoreKind::WorstSpot;

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
    job: Option<Job>,
    done: Vec<HeldOut>,
    size: (usize, usize),
    difference: Counts,
    feature: Counts,
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
            done: Vec::new(),
            size: (0, 0),
            difference: Counts::default(),
            feature: Counts::default(),
        })
    }

    /// Images inspected, and in all.
    pub fn progress(&self) -> (usize, usize) {
        (self.done.len(), self.images.len())
    }

    /// A bounded piece of the work; the calibration once all images are inspected.
    ///
    /// # Errors
    /// [`CalibrateError`] when an image cannot be read or inspected.
    pub fn slice(&mut self, networks: &Networks) -> Result<Option<Calibration>, CalibrateError> {
        let Some(&(index, hash)) = self.images.get(self.done.len()) else { return Ok(Some(self.calibration())) };
        let mut job = match self.job.take() {
            Some(job) => job,
            None => {
                let query = Arc::new(Planes::of(&*self.store.get(index)?, self.channels, self.scale));
                Job::new(networks, query, self.knobs.clone(), &self.regions)?
            }
        };
        if job.slice(networks)?
            && let Some(outcome) = job.outcome(None)
        {
            let inside = |i: &usize| outcome.inspected.as_ref().is_none_or(|all| all[*i]);
            for i in (0..outcome.difference.len()).filter(inside) {
                self.difference.add(outcome.difference[i].abs());
                self.feature.add(outcome.feature[i]);
            }
            let (width, height) = (outcome.query.width(), outcome.query.height());
            self.size = (self.size.0.max(width), self.size.1.max(height));
            self.done.push(HeldOut { hash, scores: outcome.scores });
        } else {
            self.job = Some(job);
        }
        Ok((self.done.len() == self.images.len()).then(|| self.calibration()))
    }

    fn calibration(&self) -> Calibration {
        let scale =
            MapScale { difference: 2.0 * self.difference.quantile(QUIET), feature: 2.0 * self.feature.quantile(QUIET) };
        Calibration {
            knobs: self.knobs.clone(),
            regions: self.regions.clone(),
            held_out: self.done.clone(),
            size: self.size,
            scale,
            score: VERDICT_BY,
        }
    }
}

/// How often values were seen.
#[derive(Debug, Default)]
struct Counts {
    bins: Vec<u64>,
    total: u64,
}

impl Counts {
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
        let mut counts = Counts::default();
        for i in 0..1_000 {
            counts.add(i as f32 / 1_000.0);
        }
        for share in [0.1, 0.5, 0.999] {
            assert!((f64::from(counts.quantile(share)) - share).abs() < 2e-3);
        }
        assert_eq!(Counts::default().quantile(0.5), MOST);
    }
}
