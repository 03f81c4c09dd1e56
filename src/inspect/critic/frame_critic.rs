//! [`FrameCritic`]: the critic applied to whole frames, with test-time augmentation and standardised output.
//!
//! Any network responds differently near the frame's edge, so each ring of cells has its own mean and spread, shrunk
//! towards those of the whole frame where a ring has few cells. A map is reduced to a score by its largest value at
//! several scales, over squares and along lines, each standardised by the distribution of that maximum over healthy images.

use std::vec;

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    map::{CriticMap, MapKind, SQUARES},
    patterns::Patterns,
    stats::NormalStats,
    texture::TextureGrid,
    tta::{AugmentedView, TestTimeAugmentation},
};
use crate::{
    data::{ExposureCorrection, Illumination},
    inspect::{Planes, scores::ScoreKind},
    model::{
        FrozenCritic,
        critic::{MULTIPLE, REACH, STRIDE},
        weights::{WeightError, host_finite},
    },
};

/// Rows of pixels processed at once; bounds memory for frames of any height.
const BAND: usize = 1_024;

/// Scores derived from a [`CriticMap`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CriticScores {
    /// From the logit.
    pub logit: f64,
    /// From the Mahalanobis distance of the features.
    pub distance: f64,
    /// From the logit of long lines; `None` for a critic without one.
    pub line: Option<f64>,
    /// From the texture statistics; `None` for a critic without them.
    pub texture: Option<f64>,
    /// Distance of the logit's pattern to the nearest healthy one; `None` for a critic without [`Patterns`].
    pub pattern: Option<f64>,
}

impl CriticScores {
    /// Those that the critic provides, by kind.
    pub(crate) fn known(self) -> impl Iterator<Item = (ScoreKind, f64)> {
        let all = [
            (ScoreKind::Critic, Some(self.logit)),
            (ScoreKind::CriticDistance, Some(self.distance)),
            (ScoreKind::CriticLine, self.line),
            (ScoreKind::Texture, self.texture),
            (ScoreKind::CriticPattern, self.pattern),
        ];
        all.into_iter().filter_map(|(kind, value)| Some((kind, value?)))
    }
}

/// A frame's pass through the critic, one augmented view at a time.
#[derive(Clone, Debug)]
pub(crate) struct CriticPass {
    /// Mean over the views so far, each already weighted by `weight`.
    map: CriticMap,
    illumination: Option<Illumination>,
    /// 1 / number of views.
    weight: f32,
    /// Views still to process.
    views: vec::IntoIter<AugmentedView>,
}

impl CriticPass {
    /// Whether all views were processed.
    pub(crate) fn is_done(&self) -> bool {
        self.views.len() == 0
    }
}

/// A critic with the statistics of healthy images.
#[derive(Clone, Debug)]
pub struct FrameCritic {
    pub(super) net: FrozenCritic,
    pub(super) tta: TestTimeAugmentation,
    pub(super) stats: NormalStats,
    patterns: Patterns,
    /// Feature mean `[1, features]` and whitening matrix `[features, features]` on the device.
    pub(super) whitening: Option<(Tensor<2>, Tensor<2>)>,
    pub(super) device: Device,
}

impl FrameCritic {
    /// A critic with given statistics; [`StatsFitter`](super::StatsFitter) fits them for a new one.
    pub fn new(net: FrozenCritic, tta: TestTimeAugmentation, stats: NormalStats, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let whitening = (!stats.mean.is_empty()).then(|| {
            let width = stats.mean.len();
            let mean = TensorData::new(stats.mean.clone(), [1, width]);
            let whiten = TensorData::new(stats.whiten.clone(), [width, width]);
            (Tensor::from_data(mean, &device), Tensor::from_data(whiten, &device))
        });
        Self { net, tta, stats, patterns: Patterns::default(), whitening, device }
    }

    /// Statistics of healthy images.
    pub fn stats(&self) -> &NormalStats {
        &self.stats
    }

    /// Patterns of healthy images.
    pub fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// The same critic with other [`FrameCritic::patterns`].
    pub fn with_patterns(self, patterns: Patterns) -> Self {
        Self { patterns, ..self }
    }

    /// Computes the standardised map of a whole frame.
    ///
    /// # Errors
    /// When the values cannot be read from the device.
    pub fn map(&self, frame: &Planes) -> Result<CriticMap, WeightError> {
        let map = self.raw_map(frame)?;
        self.standardised(self.with_texture(map, frame))
    }

    /// Reduces a map to scores over the pixels marked in `inspected`.
    pub fn score(&self, map: &CriticMap, inspected: Option<&[bool]>) -> CriticScores {
        let peak = |kind: MapKind| {
            let stats = &self.stats.peaks[kind as usize];
            let count = if stats.mean.is_empty() { SQUARES } else { stats.mean.len() };
            let peaks = map.peaks(kind, count, inspected);
            let scaled = peaks.iter().enumerate().map(|(i, peak)| {
                let (mean, spread) = (stats.mean.get(i), stats.spread.get(i));
                (peak - mean.copied().unwrap_or(0.0)) / spread.copied().unwrap_or(1.0)
            });
            f64::from(scaled.fold(f32::NEG_INFINITY, f32::max))
        };
        let pattern = (!self.patterns.is_empty()).then(|| self.patterns.distance(&map.pattern(inspected)));
        let line = (!map.line.is_empty()).then(|| peak(MapKind::Line));
        let texture = (!map.texture.is_empty()).then(|| peak(MapKind::Texture));
        CriticScores { logit: peak(MapKind::Logit), distance: peak(MapKind::Distance), line, texture, pattern }
    }

    /// Logits and distances before standardisation, averaged over all views.
    pub(super) fn raw_map(&self, frame: &Planes) -> Result<CriticMap, WeightError> {
        let mut pass = self.begin_pass(frame);
        while !pass.is_done() {
            self.advance(&mut pass, frame)?;
        }
        Ok(pass.map)
    }

    /// Begins a pass over a frame. Calling [`FrameCritic::advance`] until the pass is done and then
    /// [`FrameCritic::finish_pass`] is equivalent to [`FrameCritic::map`], one view per call.
    pub(crate) fn begin_pass(&self, frame: &Planes) -> CriticPass {
        let views = self.tta.views();
        let map = CriticMap::blank([frame.width(), frame.height()], self.net.heads() > 1);
        CriticPass {
            map,
            illumination: self.illumination(frame),
            weight: 1.0 / views.len() as f32,
            views: views.into_iter(),
        }
    }

    /// Processes the next view of the same frame.
    ///
    /// # Errors
    /// When the values cannot be read from the device.
    pub(crate) fn advance(&self, pass: &mut CriticPass, frame: &Planes) -> Result<(), WeightError> {
        let Some(view) = pass.views.next() else { return Ok(()) };
        let (mut logit, mut distance, mut line) = (Vec::new(), Vec::new(), Vec::new());
        self.for_each_band(&view.apply(frame), pass.illumination, |logits, features| {
            let (shape, values) = host_finite(logits, "the critic's map")?;
            let (first, second) = values.split_at(shape[1]);
            logit.extend_from_slice(first);
            line.extend_from_slice(second);
            distance.extend(match &self.whitening {
                Some((mean, whiten)) => {
                    let whitened = (features - mean.clone()).matmul(whiten.clone());
                    host_finite(whitened.square().mean_dim(1).sqrt(), "the distance of the critic's features")?.1
                }
                None => vec![0.0; logit.len() - distance.len()],
            });
            Ok(())
        })?;
        let CriticPass { map, weight, .. } = pass;
        let cells = map.cells();
        let CriticMap { logit: logits, distance: distances, line: lines, .. } = map;
        for (sum, values) in [(logits, logit), (distances, distance), (lines, line)] {
            sum.iter_mut().zip(view.invert(&values, cells)).for_each(|(sum, v)| *sum += *weight * v);
        }
        Ok(())
    }

    /// The standardised map of a finished pass.
    ///
    /// # Errors
    /// [`WeightError::NotFinite`] when the statistics of healthy images do not fit the map.
    pub(crate) fn finish_pass(&self, pass: CriticPass, frame: &Planes) -> Result<CriticMap, WeightError> {
        self.standardised(self.with_texture(pass.map, frame))
    }

    /// Adds the distance of the texture statistics.
    fn with_texture(&self, map: CriticMap, frame: &Planes) -> CriticMap {
        let Some(bank) = &self.stats.texture else { return map };
        let texture = bank.map(&TextureGrid::of(frame, self.illumination(frame)), map.cells());
        CriticMap { texture, ..map }
    }

    fn standardised(&self, map: CriticMap) -> Result<CriticMap, WeightError> {
        let map = self.stats.standardise(map);
        match map.logit.iter().chain(&map.distance).chain(&map.line).chain(&map.texture).all(|value| value.is_finite())
        {
            true => Ok(map),
            false => Err(WeightError::NotFinite("the critic's map in standard deviations")),
        }
    }

    /// The frame's illumination, where the critic normalises brightness.
    pub(super) fn illumination(&self, frame: &Planes) -> Option<Illumination> {
        self.tta.normalise_brightness.then(|| match self.tta.over_all_channels {
            true => frame.illumination_over_all_channels(),
            false => frame.illumination(),
        })
    }

    /// The correction that brings a frame's exposure into the range of healthy images, where that lies outside and nothing
    /// else does.
    pub(crate) fn exposure_correction(&self, frame: &Planes) -> Option<ExposureCorrection> {
        self.stats.exposures?.correction(self.illumination(frame)?)
    }

    /// Runs the network band by band and passes each band's logits `[heads, cells]` and features `[cells, features]` to
    /// `each`. `illumination` is that of the whole frame, of which `frame` may be a part.
    pub(super) fn for_each_band(
        &self,
        frame: &Planes,
        illumination: Option<Illumination>,
        mut each: impl FnMut(Tensor<2>, Tensor<2>) -> Result<(), WeightError>,
    ) -> Result<(), WeightError> {
        let padded = [frame.width(), frame.height()].map(|side| side.next_multiple_of(MULTIPLE));
        let [across, down] = [frame.width(), frame.height()].map(|side| side.div_ceil(STRIDE));
        let channels = frame.channels();
        let mut top = 0;
        while top < frame.height() {
            let bottom = (top + BAND).min(frame.height());
            let (first, last) = (top.saturating_sub(REACH), (bottom.next_multiple_of(MULTIPLE) + REACH).min(padded[1]));
            let mut values = Vec::with_capacity(channels * (last - first) * padded[0]);
            for c in 0..channels {
                for y in first..last {
                    let row = (0..padded[0]).map(|x| frame.at(x, y, c));
                    match illumination {
                        Some(illumination) => values.extend(row.map(|v| illumination.normalise(v))),
                        None => values.extend(row),
                    }
                }
            }
            let shape = [1, channels, last - first, padded[0]];
            let (logits, features) = self.net.forward(Tensor::from_data(TensorData::new(values, shape), &self.device));
            let rows = top / STRIDE - first / STRIDE..bottom.div_ceil(STRIDE).min(down) - first / STRIDE;
            let count = rows.len() * across;
            let logits =
                logits.slice([0..1, 0..self.net.heads(), rows.clone(), 0..across]).reshape([self.net.heads(), count]);
            let width = self.net.width();
            let features = features.slice([0..1, 0..width, rows, 0..across]).reshape([width, count]);
            each(logits, features.swap_dims(0, 1))?;
            top = bottom;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{
        inspect::{critic::StatsFitter, scores::statistics::moments},
        model::Critic,
    };

    fn net() -> FrozenCritic {
        FrozenCritic::new(&Critic::new(1, 24, [0.0, 0.05], &mut ChaCha8Rng::seed_from_u64(8), &Device::flex()))
    }

    fn noise(width: usize, height: usize, seed: u64) -> Planes {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values = (0..width * height).map(|_| rng.random_range(-0.5..0.5)).collect();
        Planes::new(width, height, 1, values).unwrap()
    }

    fn fitted(sizes: &[(usize, usize)]) -> FrameCritic {
        let frames: Vec<Planes> = sizes.iter().enumerate().map(|(i, s)| noise(s.0, s.1, i as u64)).collect();
        let mut fitter = StatsFitter::new(net(), TestTimeAugmentation::default(), frames.len(), &Device::flex());
        while fitter.remaining() > 0 {
            let next = fitter.next_index();
            fitter.add(&frames[next]).unwrap();
        }
        fitter.finish()
    }

    #[test]
    fn healthy_maps_have_mean_zero_and_unit_spread() {
        let sizes = [(120, 96); 8];
        let critic = fitted(&sizes);
        let maps: Vec<CriticMap> = (0..8).map(|i| critic.map(&noise(120, 96, i)).unwrap()).collect();
        for of in [|l: &CriticMap| l.logit.clone(), |l: &CriticMap| l.distance.clone()] {
            let all: Vec<f64> = maps.iter().flat_map(of).map(f64::from).collect();
            let (mean, deviation) = moments(&all);
            assert!(mean.abs() < 0.05 && (deviation - 1.0).abs() < 0.1, "{mean} {deviation}");
        }
        // A white square is far from the healthy statistics.
        let healthy = critic.score(&maps[0], None);
        let mut damaged = noise(120, 96, 0).values().to_vec();
        (40..60).for_each(|y| damaged[y * 120 + 50..y * 120 + 70].fill(1.0));
        let damaged = Planes::new(120, 96, 1, damaged).unwrap();
        let map = critic.map(&damaged).unwrap();
        assert!(critic.score(&map, None).distance > healthy.distance + 2.0);
        // It does not count where it is not inspected.
        let inspected: Vec<bool> = (0..120 * 96).map(|i| i % 120 < 8).collect();
        let masked = critic.score(&map, Some(&inspected)).distance;
        assert!(masked < critic.score(&map, None).distance);
        // Both maps peak in the square and are 0 outside the inspected pixels.
        let maps = map.maps(None);
        let masked = map.maps(Some(&inspected));
        for (whole, masked) in [(maps.logit, masked.logit), (maps.distance, masked.distance)] {
            assert_eq!((whole.len(), masked.len()), (120 * 96, 120 * 96));
            assert!((0..whole.len()).all(|i| masked[i] == if inspected[i] { whole[i] } else { 0.0 }));
        }
        let distance = map.maps(None).distance;
        let at = (0..distance.len()).max_by(|a, b| distance[*a].total_cmp(&distance[*b])).unwrap();
        assert!((48..72).contains(&(at % 120)) && (38..62).contains(&(at / 120)), "{at}");
    }

    #[test]
    fn brightness_normalisation_removes_illumination() {
        let frame = noise(96, 80, 4);
        let dim = frame.values().iter().map(|v| 0.4 * v - 0.3).collect();
        let dim = Planes::new(96, 80, 1, dim).unwrap();
        let apart = |normalise_brightness: bool| {
            let critic = FrameCritic::new(
                net(),
                TestTimeAugmentation { normalise_brightness, ..TestTimeAugmentation::default() },
                NormalStats::default(),
                &Device::flex(),
            );
            let [one, two] = [&frame, &dim].map(|frame| critic.map(frame).unwrap().logit);
            one.iter().zip(&two).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(apart(true) < 1e-3 && apart(false) > 1e-2, "{} {}", apart(true), apart(false));
    }

    #[test]
    fn mirrored_views_make_maps_equivariant() {
        let frame = noise(45, 34, 6);
        let apart = |mirrored: [bool; 2], from: [bool; 2]| {
            let held = |mirrored| {
                *TestTimeAugmentation { mirrored, ..TestTimeAugmentation::default() }.views().last().unwrap()
            };
            let tta = TestTimeAugmentation { mirrored, shifted: true, ..TestTimeAugmentation::default() };
            let critic = FrameCritic::new(net(), tta, NormalStats::default(), &Device::flex());
            let (plain, seen) = (critic.map(&frame).unwrap(), critic.map(&held(from).apply(&frame)).unwrap());
            let back = held(from).invert(&seen.logit, plain.cells());
            plain.logit.iter().zip(&back).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        for from in [[true, false], [false, true], [true, true]] {
            assert!(apart([true, true], from) < 1e-4, "{from:?}");
            assert!(apart([false, false], from) > 1e-2, "{from:?}");
        }
        // Only along the axes that may be mirrored.
        assert!(apart([true, false], [true, false]) < 1e-4 && apart([true, false], [false, true]) > 1e-2);
    }

    #[test]
    fn bands_match_a_single_pass() {
        let critic = FrameCritic::new(net(), TestTimeAugmentation::default(), NormalStats::default(), &Device::flex());
        let frame = noise(40, BAND + 200, 3);
        let map = critic.raw_map(&frame).unwrap();
        assert_eq!(map.logit.len(), 10 * (BAND + 200) / STRIDE);
        // The same as in a single pass.
        let values = TensorData::new(frame.values().to_vec(), [1, 1, BAND + 200, 40]);
        let (whole, _) = critic.net.forward(Tensor::from_data(values, &Device::flex()));
        let whole = host_finite(whole, "the map").unwrap().1;
        let off = map.logit.iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-4, "{off}");
        // Sides that are not a multiple of the stride.
        let map = critic.raw_map(&noise(45, 33, 3)).unwrap();
        assert_eq!((map.cells(), map.logit.len(), map.distance.len()), ([12, 9], 108, 108));
    }

    #[test]
    fn normal_stats_round_trip_through_a_file() {
        let critic = fitted(&[(48, 40), (56, 64)]);
        let stored = critic.stats().weights().into_iter().map(|w| (w.name.clone(), w)).collect();
        assert_eq!(&NormalStats::from_weights(&stored, 24).unwrap(), critic.stats());
        assert!(matches!(NormalStats::from_weights(&stored, 48), Err(WeightError::Shape { .. })));
        let mut short = stored;
        short.remove("rings");
        assert_eq!(NormalStats::from_weights(&short, 24).unwrap_err(), WeightError::Missing("usual/rings".into()));
    }
}
