//! The query with the exposure of healthy images, as it is reconstructed.

use std::sync::Arc;

use crate::{
    data::ExposureCorrection,
    inspect::{
        FrozenNetworks,
        planes::{Planes, difference_of_pixel},
    },
};

/// A query whose exposure is brought into the range of healthy images, where it lies outside. The generator knows no
/// other, while the critic normalises brightness itself.
#[derive(Clone, Debug)]
pub(super) struct CorrectedQuery {
    pub(super) planes: Arc<Planes>,
    pub(super) exposure: Option<ExposureCorrection>,
    /// Whether a difference is the mean over the channels, as in models of earlier versions.
    is_earlier: bool,
}

impl CorrectedQuery {
    /// Corrects a query.
    pub(super) fn of(query: &Arc<Planes>, exposure: Option<ExposureCorrection>, networks: &FrozenNetworks) -> Self {
        let planes = match exposure {
            Some(exposure) => Arc::new(query.map(|v| exposure.apply(v))),
            None => Arc::clone(query),
        };
        Self { planes, exposure, is_earlier: networks.is_of_earlier_colour() }
    }

    /// Corrected query minus generated values, one value per pixel: see [`difference_of_pixel`].
    pub(super) fn difference(&self, generated: &[f32]) -> Vec<f32> {
        let (pixels, channels) = (self.planes.pixels(), self.planes.channels());
        if channels > 1 && !self.is_earlier {
            let values = self.planes.values();
            let at = |i: usize| (0..channels).map(move |c| values[c * pixels + i] - generated[c * pixels + i]);
            return (0..pixels).map(|i| difference_of_pixel(at(i))).collect();
        }
        let mut difference = vec![0.0; pixels];
        for (i, (a, b)) in self.planes.values().iter().zip(generated).enumerate() {
            difference[i % pixels] += (a - b) / channels as f32;
        }
        difference
    }

    /// Returns generated values to the exposure of the query.
    pub(super) fn restored(&self, mut generated: Vec<f32>) -> Vec<f32> {
        if let Some(exposure) = self.exposure {
            generated.iter_mut().for_each(|value| *value = exposure.undo(*value));
        }
        generated
    }

    /// A difference of corrected grey values as one of the query's.
    pub(super) fn in_query(&self, difference: f64) -> f64 {
        difference / self.exposure.map_or(1.0, |exposure| f64::from(exposure.gain()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        data::surface::SurfaceKind,
        inspect::{
            ScoreKind, Verdict,
            untrained::{healthy, inspect, model},
        },
    };

    #[test]
    fn another_exposure_hardly_changes_the_scores_and_is_shown_as_it_is() {
        for (kind, seed) in [(SurfaceKind::Turned, 3), (SurfaceKind::Brushed, 4)] {
            let model = model(kind, seed, 12);
            let good = healthy(kind, 50, 0);
            let plain = inspect(&model, &good).unwrap();
            for gain in [0.4, 0.6, 0.8] {
                let dim = good.map(|v| gain * (v + 1.0) - 1.0);
                let outcome = inspect(&model, &dim).unwrap();
                assert!(outcome.exposure.is_some(), "{kind:?} {gain}");
                for score in [ScoreKind::L1, ScoreKind::WorstTile, ScoreKind::Feature, ScoreKind::Critic] {
                    let [now, then] = [&outcome, &plain].map(|outcome| outcome.scores().get(score));
                    assert!((now - then).abs() < 0.2 * then.abs() + 0.05, "{kind:?} {gain} {score:?}: {now}, {then}");
                }
                // Image and reconstruction keep the exposure of the image.
                assert_eq!(outcome.query.values(), dim.values());
                let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
                let [now, then] = [&outcome, &plain].map(|outcome| mean(outcome.reconstruction.values()));
                let wanted = outcome.exposure.map(|exposure| exposure.undo(then)).unwrap();
                assert!(wanted < then && (now - wanted).abs() < 0.1, "{kind:?} {gain}: {now}, {then}");
                assert_ne!(outcome.assessment().unwrap().verdict, Verdict::NotThisPart);
            }
        }
    }
}
