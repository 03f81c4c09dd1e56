//! The critic over whole frames: one map of how damaged a place looks, in units of what is usual.
//!
//! A map has one cell for every 4x4 pixels. What is usual is measured on healthy *training* images, so that the
//! held-out ones stay what a calibration needs: unseen. Places near the frame's edge look odder to any
//! network than those in its middle, so each distance to the edge has a centre and a spread of its own, drawn
//! towards those of the whole where there is little to go by. A map comes down to a score by its largest value at
//! several smoothings, each in units of what such a largest value usually is.
//!
//! A frame is looked at in several views ([`TestTimeAugmentation`]), and what is seen is their mean.

mod fit;
mod map;
pub mod neighbours;
pub mod patterns;
mod stats;
mod tta;

use std::vec;

use burn::tensor::{Device, Tensor, TensorData};
pub use fit::StatsFitter;
pub use map::{CriticMap, CriticMaps};
use neighbours::SIDE;
use patterns::Patterns;
pub use stats::NormalStats;
use tta::AugmentedView;
pub use tta::TestTimeAugmentation;

use super::planes::Planes;
use crate::{
    data::Illumination,
    model::{
        FrozenCritic,
        critic::{MULTIPLE, REACH, STRIDE},
        weights::{WeightError, host},
    },
};

/// Cells to every side that a map is averaged over before its largest value is taken.
const SMOOTHINGS: [usize; 4] = [0, 1, 2, 4];
/// Rows of pixels that are looked at in one go: bounds the memory, however tall a frame is.
const BAND: usize = 1_024;

/// Which of the critic's two maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The logit.
    Logit = 0,
    /// Distance of the features from what is usual (Mahalanobis 1936).
    Distance = 1,
}

/// What a [`CriticMap`] comes down to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CriticScores {
    /// Of the logit.
    pub logit: f64,
    /// Of the features.
    pub distance: f64,
    /// Of the logit, by where it is large; 0 for a critic that has kept no [`Patterns`].
    pub pattern: f64,
}

/// A frame that a critic looks at, one view after the other.
#[derive(Clone, Debug)]
pub struct Looking {
    /// Sum of what was seen so far, each view by its share.
    look: CriticMap,
    light: Option<Illumination>,
    share: f32,
    /// Still to be taken.
    views: vec::IntoIter<AugmentedView>,
}

impl Looking {
    /// Whether all views were taken.
    pub fn is_done(&self) -> bool {
        self.views.len() == 0
    }
}

/// A critic and what it is used to.
#[derive(Clone, Debug)]
pub struct FrameCritic {
    net: FrozenCritic,
    sight: TestTimeAugmentation,
    usual: NormalStats,
    /// Where healthy images look odd to it.
    patterns: Patterns,
    /// `[1, features]` and `[features, features]` on the device.
    whitening: Option<(Tensor<2>, Tensor<2>)>,
    device: Device,
}

impl FrameCritic {
    /// A critic that is used to `usual`; [`StatsFitter`] shows a fresh one what that is.
    pub fn new(net: FrozenCritic, sight: TestTimeAugmentation, usual: NormalStats, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let whitening = (!usual.mean.is_empty()).then(|| {
            let width = usual.mean.len();
            let mean = TensorData::new(usual.mean.clone(), [1, width]);
            let whiten = TensorData::new(usual.whiten.clone(), [width, width]);
            (Tensor::from_data(mean, &device), Tensor::from_data(whiten, &device))
        });
        Self { net, sight, usual, patterns: Patterns::default(), whitening, device }
    }

    /// What it is used to.
    pub fn usual(&self) -> &NormalStats {
        &self.usual
    }

    /// Where healthy images look odd to it.
    pub fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// The same critic, with these for [`FrameCritic::patterns`].
    pub fn with_patterns(self, patterns: Patterns) -> Self {
        Self { patterns, ..self }
    }

    /// Looks at a whole frame.
    ///
    /// # Errors
    /// When the device does not hand the values over.
    pub fn look(&self, frame: &Planes) -> Result<CriticMap, WeightError> {
        Ok(self.usual.standardised(self.raw(frame)?))
    }

    /// What a frame's maps come down to, over the cells whose middle is `inspected`.
    pub fn score(&self, look: &CriticMap, inspected: Option<&[bool]>) -> CriticScores {
        let peak = |kind: Kind| {
            let levels = &self.usual.peaks[kind as usize];
            let all = look.peaks(kind, inspected);
            let scaled = all.iter().enumerate().map(|(i, peak)| {
                let (centre, spread) = (levels.centre.get(i), levels.spread.get(i));
                (peak - centre.copied().unwrap_or(0.0)) / spread.copied().unwrap_or(1.0)
            });
            f64::from(scaled.fold(f32::NEG_INFINITY, f32::max))
        };
        let pattern = self.patterns.distance(&look.pattern(inspected));
        CriticScores { logit: peak(Kind::Logit), distance: peak(Kind::Distance), pattern }
    }

    /// How many numbers a crop is told by.
    pub(super) fn tells(&self) -> usize {
        4 * self.net.width()
    }

    /// What the crop at `corner`, on the grid of cells, is told by: the mean whitened features of its quarters.
    ///
    /// # Errors
    /// When the device does not hand the values over.
    pub(super) fn told(&self, frame: &Planes, corner: (usize, usize)) -> Result<Vec<f32>, WeightError> {
        // Only what the crop's features depend on, on the grid of the whole frame.
        let span = |at: usize, side: usize| {
            let first = at.saturating_sub(REACH) / MULTIPLE * MULTIPLE;
            first..(at + SIDE + REACH).next_multiple_of(MULTIPLE).min(side)
        };
        let (columns, rows) = (span(corner.0, frame.width()), span(corner.1, frame.height()));
        let (mut values, channels) = (Vec::new(), frame.channels());
        for c in 0..channels {
            for y in rows.clone() {
                values.extend(columns.clone().map(|x| frame.at(x, y, c)));
            }
        }
        let Some(around) = Planes::new(columns.len(), rows.len(), channels, values) else { return Ok(Vec::new()) };
        let mut all: Vec<f32> = Vec::new();
        self.bands(&around, self.light(frame), |_, features| {
            let whitened = match &self.whitening {
                Some((mean, whiten)) => (features - mean.clone()).matmul(whiten.clone()),
                None => features,
            };
            all.extend(host(whitened)?.1);
            Ok(())
        })?;
        let (across, half) = (columns.len().div_ceil(STRIDE), SIDE / STRIDE / 2);
        let (left, top) = ((corner.0 - columns.start) / STRIDE, (corner.1 - rows.start) / STRIDE);
        let width = self.net.width();
        let mut told = vec![0.0; self.tells()];
        for y in 0..2 * half {
            for x in 0..2 * half {
                let cell = (top + y) * across + left + x;
                let quarter = (y / half) * 2 + x / half;
                let own = &mut told[quarter * width..(quarter + 1) * width];
                let cell = all.get(cell * width..(cell + 1) * width).unwrap_or_default();
                own.iter_mut().zip(cell).for_each(|(sum, v)| *sum += v / (half * half) as f32);
            }
        }
        Ok(told)
    }

    /// Logits and distances as they are: the mean over all views.
    fn raw(&self, frame: &Planes) -> Result<CriticMap, WeightError> {
        let mut looking = self.begin(frame);
        while !looking.is_done() {
            self.go_on(&mut looking, frame)?;
        }
        Ok(looking.look)
    }

    /// Begins to look at a frame, which may be large: [`FrameCritic::go_on`] until it is done, then [`FrameCritic::end`], is what
    /// [`FrameCritic::look`] does in one go.
    pub fn begin(&self, frame: &Planes) -> Looking {
        let views = self.sight.views();
        let look = CriticMap::blank([frame.width(), frame.height()]);
        Looking { look, light: self.light(frame), share: 1.0 / views.len() as f32, views: views.into_iter() }
    }

    /// Takes one more view of the same frame.
    ///
    /// # Errors
    /// When the device does not hand the values over.
    pub fn go_on(&self, looking: &mut Looking, frame: &Planes) -> Result<(), WeightError> {
        let Some(view) = looking.views.next() else { return Ok(()) };
        let (mut logit, mut distance) = (Vec::new(), Vec::new());
        self.bands(&view.of(frame), looking.light, |logits, features| {
            logit.extend(host(logits)?.1);
            distance.extend(match &self.whitening {
                Some((mean, whiten)) => {
                    let rest = (features - mean.clone()).matmul(whiten.clone()).square().mean_dim(1).sqrt();
                    host(rest)?.1
                }
                None => vec![0.0; logit.len() - distance.len()],
            });
            Ok(())
        })?;
        let Looking { look, share, .. } = looking;
        let cells = look.cells();
        for (sum, seen) in [(&mut look.logit, logit), (&mut look.distance, distance)] {
            sum.iter_mut().zip(view.back(&seen, cells)).for_each(|(sum, v)| *sum += *share * v);
        }
        Ok(())
    }

    /// What was seen, in units of what is usual.
    pub fn end(&self, looking: Looking) -> CriticMap {
        self.usual.standardised(looking.look)
    }

    /// The light that a frame is to be brought out of.
    fn light(&self, frame: &Planes) -> Option<Illumination> {
        self.sight.level.then(|| frame.light())
    }

    /// Hands over logits `[cells]` and features `[cells, features]` of one band of the frame after the other, which is a
    /// part of a frame of this light.
    fn bands(
        &self,
        frame: &Planes,
        light: Option<Illumination>,
        mut each: impl FnMut(Tensor<1>, Tensor<2>) -> Result<(), WeightError>,
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
                    match light {
                        Some(light) => values.extend(row.map(|v| light.normalise(v))),
                        None => values.extend(row),
                    }
                }
            }
            let shape = [1, channels, last - first, padded[0]];
            let (logits, features) = self.net.forward(Tensor::from_data(TensorData::new(values, shape), &self.device));
            let rows = top / STRIDE - first / STRIDE..bottom.div_ceil(STRIDE).min(down) - first / STRIDE;
            let count = rows.len() * across;
            let logits = logits.slice([0..1, 0..1, rows.clone(), 0..across]).reshape([count]);
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
    use crate::{inspect::scores::statistics::moments, model::Critic};

    fn net() -> FrozenCritic {
        FrozenCritic::new(&Critic::new(1, 24, [0.0, 0.05], &mut ChaCha8Rng::seed_from_u64(8), &Device::flex()))
    }

    fn noise(width: usize, height: usize, seed: u64) -> Planes {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values = (0..width * height).map(|_| rng.random_range(-0.5..0.5)).collect();
        Planes::new(width, height, 1, values).unwrap()
    }

    fn used_to(sizes: &[(usize, usize)]) -> FrameCritic {
        let frames: Vec<Planes> = sizes.iter().enumerate().map(|(i, s)| noise(s.0, s.1, i as u64)).collect();
        let mut learning = StatsFitter::new(net(), TestTimeAugmentation::default(), frames.len(), &Device::flex());
        while learning.left() > 0 {
            let next = learning.next();
            learning.show(&frames[next]).unwrap();
        }
        learning.finish()
    }

    #[test]
    fn what_is_usual_has_centre_nought_and_spread_one() {
        let sizes = [(120, 96); 8];
        let critic = used_to(&sizes);
        let looks: Vec<CriticMap> = (0..8).map(|i| critic.look(&noise(120, 96, i)).unwrap()).collect();
        for of in [|l: &CriticMap| l.logit.clone(), |l: &CriticMap| l.distance.clone()] {
            let all: Vec<f64> = looks.iter().flat_map(of).map(f64::from).collect();
            let (mean, deviation) = moments(&all);
            assert!(mean.abs() < 0.05 && (deviation - 1.0).abs() < 0.1, "{mean} {deviation}");
        }
        // A white square is nothing that it is used to.
        let usual = critic.score(&looks[0], None);
        let mut odd = noise(120, 96, 0).values().to_vec();
        (40..60).for_each(|y| odd[y * 120 + 50..y * 120 + 70].fill(1.0));
        let odd = Planes::new(120, 96, 1, odd).unwrap();
        let look = critic.look(&odd).unwrap();
        assert!(critic.score(&look, None).distance > usual.distance + 2.0);
        // It counts for nothing where it is not inspected.
        let inspected: Vec<bool> = (0..120 * 96).map(|i| i % 120 < 8).collect();
        let aside = critic.score(&look, Some(&inspected)).distance;
        assert!(aside < critic.score(&look, None).distance);
        // Both maps are largest in the square, and nought where nothing is inspected.
        let maps = look.maps(None);
        let aside = look.maps(Some(&inspected));
        for (whole, aside) in [(maps.logit, aside.logit), (maps.distance, aside.distance)] {
            assert_eq!((whole.len(), aside.len()), (120 * 96, 120 * 96));
            assert!((0..whole.len()).all(|i| aside[i] == if inspected[i] { whole[i] } else { 0.0 }));
        }
        let distance = look.maps(None).distance;
        let at = (0..distance.len()).max_by(|a, b| distance[*a].total_cmp(&distance[*b])).unwrap();
        assert!((48..72).contains(&(at % 120)) && (38..62).contains(&(at / 120)), "{at}");
    }

    #[test]
    fn a_frame_in_another_light_looks_the_same_where_it_is_brought_to_one() {
        let frame = noise(96, 80, 4);
        let dim = frame.values().iter().map(|v| 0.4 * v - 0.3).collect();
        let dim = Planes::new(96, 80, 1, dim).unwrap();
        let apart = |level: bool| {
            let critic = FrameCritic::new(
                net(),
                TestTimeAugmentation { level, ..TestTimeAugmentation::default() },
                NormalStats::default(),
                &Device::flex(),
            );
            let [one, two] = [&frame, &dim].map(|frame| critic.look(frame).unwrap().logit);
            one.iter().zip(&two).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(apart(true) < 1e-3 && apart(false) > 1e-2, "{} {}", apart(true), apart(false));
    }

    #[test]
    fn a_critic_that_looks_at_mirror_images_sees_the_same_from_every_side() {
        let frame = noise(45, 34, 6);
        let apart = |mirrored: [bool; 2], from: [bool; 2]| {
            let held = |mirrored| {
                *TestTimeAugmentation { mirrored, ..TestTimeAugmentation::default() }.views().last().unwrap()
            };
            let sight = TestTimeAugmentation { mirrored, moved: true, ..TestTimeAugmentation::default() };
            let critic = FrameCritic::new(net(), sight, NormalStats::default(), &Device::flex());
            let (plain, seen) = (critic.look(&frame).unwrap(), critic.look(&held(from).of(&frame)).unwrap());
            let back = held(from).back(&seen.logit, plain.cells());
            plain.logit.iter().zip(&back).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        for from in [[true, false], [false, true], [true, true]] {
            assert!(apart([true, true], from) < 1e-4, "{from:?}");
            assert!(apart([false, false], from) > 1e-2, "{from:?}");
        }
        // Only the sides that it may exchange.
        assert!(apart([true, false], [true, false]) < 1e-4 && apart([true, false], [false, true]) > 1e-2);
    }

    #[test]
    fn a_tall_frame_is_seen_as_a_whole() {
        let seer = FrameCritic::new(net(), TestTimeAugmentation::default(), NormalStats::default(), &Device::flex());
        let frame = noise(40, BAND + 200, 3);
        let look = seer.raw(&frame).unwrap();
        assert_eq!(look.logit.len(), 10 * (BAND + 200) / STRIDE);
        // The same in one go.
        let values = TensorData::new(frame.values().to_vec(), [1, 1, BAND + 200, 40]);
        let (whole, _) = seer.net.forward(Tensor::from_data(values, &Device::flex()));
        let whole = host(whole).unwrap().1;
        let off = look.logit.iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-4, "{off}");
        // Sides that are no multiple of anything.
        let look = seer.raw(&noise(45, 33, 3)).unwrap();
        assert_eq!((look.cells(), look.logit.len(), look.distance.len()), ([12, 9], 108, 108));
    }

    #[test]
    fn what_is_usual_goes_through_a_file() {
        let critic = used_to(&[(48, 40), (56, 64)]);
        let stored = critic.usual().weights().into_iter().map(|w| (w.name.clone(), w)).collect();
        assert_eq!(&NormalStats::from_weights(&stored, 24).unwrap(), critic.usual());
        assert!(matches!(NormalStats::from_weights(&stored, 48), Err(WeightError::Shape { .. })));
        let mut short = stored;
        short.remove("rings");
        assert_eq!(NormalStats::from_weights(&short, 24).unwrap_err(), WeightError::Missing("usual/rings".into()));
    }
}
