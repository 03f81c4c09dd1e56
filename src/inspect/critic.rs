//! The critic over whole frames: one map of how damaged a place looks, in units of what is usual.
//!
//! A map has one cell for every 4x4 pixels. What is usual is measured on healthy *training* images, so that the
//! held-out ones stay what a calibration needs: unseen. Places near the frame's edge look odder to any
//! network than those in its middle, so each distance to the edge has a centre and a spread of its own, drawn
//! towards those of the whole where there is little to go by. A map comes down to a score by its largest value at
//! several smoothings, each in units of what such a largest value usually is.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    neighbours::SIDE,
    patterns::{self, Pattern, Patterns},
    planes::Planes,
};
use crate::{
    boxes::box_mean,
    data::Light,
    model::{
        FixedCritic,
        critic::{MULTIPLE, REACH, STRIDE},
        weights::{Weight, WeightError, host},
    },
};

/// Distances to the edge, in cells, that have a centre and a spread of their own; the last is "further in".
const RINGS: usize = 8;
/// Cells to every side that a map is averaged over before its largest value is taken.
const SMOOTHINGS: [usize; 4] = [0, 1, 2, 4];
/// A ring of fewer cells than this leans on the whole.
const LEAN: f64 = 3_000.0;
/// Rows of pixels that are looked at in one go: bounds the memory, however tall a frame is.
const BAND: usize = 1_024;
/// Share of its mean variance that is added to every direction of the features.
const RIDGE: f64 = 0.02;
/// Cells of one image that the features' covariance is measured on, at most.
const SAMPLES: usize = 1_024;

/// Which of the critic's two maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The logit.
    Logit = 0,
    /// Distance of the features from what is usual (Mahalanobis 1936).
    Distance = 1,
}

/// Centres and spreads.
#[derive(Clone, Debug, Default, PartialEq)]
struct Levels {
    centre: Vec<f32>,
    spread: Vec<f32>,
}

/// What healthy images look like to a critic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usual {
    /// Of the features.
    mean: Vec<f32>,
    /// `[features, features]`: what is left of the features is multiplied by it, and then has variance 1.
    whiten: Vec<f32>,
    /// Of each kind of map, by ring.
    rings: [Levels; 2],
    /// Of the largest value of each kind of map, by smoothing.
    peaks: [Levels; 2],
}

/// A frame as the critic sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Width and height of the frame, pixels.
    size: [usize; 2],
    /// Logit in units of what is usual.
    logit: Vec<f32>,
    /// Distance of the features, likewise.
    distance: Vec<f32>,
}

/// What a [`Look`] comes down to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdicts {
    /// Of the logit.
    pub logit: f64,
    /// Of the features.
    pub distance: f64,
    /// Of the logit, by where it is large; 0 for a critic that has kept no [`Patterns`].
    pub pattern: f64,
}

/// A critic and what it is used to.
#[derive(Clone, Debug)]
pub struct FrameCritic {
    net: FixedCritic,
    /// Whether frames are brought to one light first.
    level: bool,
    usual: Usual,
    /// Where healthy images look odd to it.
    patterns: Patterns,
    /// `[1, features]` and `[features, features]` on the device.
    whitening: Option<(Tensor<2>, Tensor<2>)>,
    device: Device,
}

impl FrameCritic {
    /// A critic that has yet to see what is usual; [`Learning`] shows it. `level` says whether it was trained on images that
    /// were brought to one light.
    pub fn new(net: FixedCritic, level: bool, usual: Usual, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let whitening = (!usual.mean.is_empty()).then(|| {
            let width = usual.mean.len();
            let mean = TensorData::new(usual.mean.clone(), [1, width]);
            let whiten = TensorData::new(usual.whiten.clone(), [width, width]);
            (Tensor::from_data(mean, &device), Tensor::from_data(whiten, &device))
        });
        Self { net, level, usual, patterns: Patterns::default(), whitening, device }
    }

    /// What it is used to.
    pub fn usual(&self) -> &Usual {
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
    pub fn look(&self, frame: &Planes) -> Result<Look, WeightError> {
        Ok(self.usual.standardised(self.raw(frame)?))
    }

    /// What a frame's maps come down to, over the cells whose middle is `inspected`.
    pub fn score(&self, look: &Look, inspected: Option<&[bool]>) -> Verdicts {
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
        Verdicts { logit: peak(Kind::Logit), distance: peak(Kind::Distance), pattern }
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

    /// Logits and distances as they are.
    fn raw(&self, frame: &Planes) -> Result<Look, WeightError> {
        let mut look = Look { size: [frame.width(), frame.height()], logit: Vec::new(), distance: Vec::new() };
        self.bands(frame, self.light(frame), |logits, features| {
            look.logit.extend(host(logits)?.1);
            look.distance.extend(match &self.whitening {
                Some((mean, whiten)) => {
                    let rest = (features - mean.clone()).matmul(whiten.clone()).square().mean_dim(1).sqrt();
                    host(rest)?.1
                }
                None => vec![0.0; look.logit.len() - look.distance.len()],
            });
            Ok(())
        })?;
        Ok(look)
    }

    /// The light that a frame is to be brought out of.
    fn light(&self, frame: &Planes) -> Option<Light> {
        self.level.then(|| frame.light())
    }

    /// Hands over logits `[cells]` and features `[cells, features]` of one band of the frame after the other, which is a
    /// part of a frame of this light.
    fn bands(
        &self,
        frame: &Planes,
        light: Option<Light>,
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
                        Some(light) => values.extend(row.map(|v| light.level(v))),
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

/// The ring of a cell.
fn ring(i: usize, w: usize, h: usize) -> usize {
    let (x, y) = (i % w, i / w);
    x.min(y).min(w - 1 - x).min(h.saturating_sub(1 + y)).min(RINGS - 1)
}

impl Look {
    /// Cells across and down.
    fn cells(&self) -> [usize; 2] {
        self.size.map(|side| side.div_ceil(STRIDE))
    }

    fn map(&self, kind: Kind) -> &[f32] {
        match kind {
            Kind::Logit => &self.logit,
            Kind::Distance => &self.distance,
        }
    }

    /// Where its logit is large.
    pub fn pattern(&self, inspected: Option<&[bool]>) -> Pattern {
        let cells = inspected.map(|all| self.inspected(all));
        patterns::pattern(&self.logit, self.cells(), cells.as_deref())
    }

    /// The logits for every pixel of the frame, between the cells' middles in proportion.
    pub fn pixels(&self) -> Vec<f32> {
        let ([width, height], [w, h]) = (self.size, self.cells());
        let smooth = box_mean(&self.logit, w, h, 1, None);
        let along = |length: usize, cells: usize| -> Vec<(usize, usize, f32)> {
            let half = STRIDE as f32 / 2.0 - 0.5;
            (0..length)
                .map(|p| {
                    let at = ((p as f32 - half) / STRIDE as f32).clamp(0.0, (cells - 1) as f32);
                    let low = at as usize;
                    (low, (low + 1).min(cells - 1), at - low as f32)
                })
                .collect()
        };
        let (columns, rows) = (along(width, w), along(height, h));
        let mut pixels = Vec::with_capacity(width * height);
        for (top, bottom, v) in rows {
            pixels.extend(columns.iter().map(|&(left, right, u)| {
                let row = |y: usize| smooth[y * w + left] * (1.0 - u) + smooth[y * w + right] * u;
                row(top) * (1.0 - v) + row(bottom) * v
            }));
        }
        pixels
    }

    /// The largest value of a map at each smoothing.
    fn peaks(&self, kind: Kind, inspected: Option<&[bool]>) -> Vec<f32> {
        let [w, h] = self.cells();
        let cells = inspected.map(|all| self.inspected(all));
        let inside = |i: usize| cells.as_ref().is_none_or(|all| all[i]);
        SMOOTHINGS
            .iter()
            .map(|&reach| {
                let smooth = box_mean(self.map(kind), w, h, reach, cells.as_deref());
                let own = smooth.iter().enumerate().filter(|(i, _)| inside(*i)).map(|(_, v)| *v);
                own.fold(f32::NEG_INFINITY, f32::max)
            })
            .collect()
    }

    /// Which cells have a pixel that is inspected.
    fn inspected(&self, pixels: &[bool]) -> Vec<bool> {
        let [w, h] = self.cells();
        let mut cells = vec![false; w * h];
        let width = self.size[0];
        for (i, _) in pixels.iter().enumerate().filter(|(_, on)| **on) {
            cells[(i / width / STRIDE) * w + i % width / STRIDE] = true;
        }
        cells
    }
}

/// Shows healthy training images to a critic, twice, one image a call.
#[derive(Clone, Debug)]
pub struct Learning {
    critic: FrameCritic,
    images: usize,
    seen: usize,
    /// Sums of the features, of their products, and how many.
    sum: Vec<f64>,
    products: Vec<f64>,
    count: f64,
    maps: Vec<Look>,
}

impl Learning {
    /// For so many images.
    pub fn new(net: FixedCritic, level: bool, images: usize, device: &Device) -> Self {
        let width = net.width();
        Self {
            critic: FrameCritic::new(net, level, Usual::default(), device),
            images,
            seen: 0,
            sum: vec![0.0; width],
            products: vec![0.0; width * width],
            count: 0.0,
            maps: Vec::new(),
        }
    }

    /// How often an image is still to be shown: all of them once, then all of them again.
    pub fn left(&self) -> usize {
        2 * self.images - self.seen
    }

    /// Which of the images comes next.
    pub fn next(&self) -> usize {
        self.seen % self.images.max(1)
    }

    /// Shows it the next image.
    ///
    /// # Errors
    /// When the device does not hand the values over.
    pub fn show(&mut self, frame: &Planes) -> Result<(), WeightError> {
        if self.seen < self.images {
            let mut all: Vec<f32> = Vec::new();
            self.critic.bands(frame, self.critic.light(frame), |_, features| {
                all.extend(host(features)?.1);
                Ok(())
            })?;
            let width = self.sum.len();
            let rows = all.len() / width;
            // Evenly spread, whatever the size of the frame; an odd stride wanders over the columns.
            let stride = (rows / SAMPLES).max(1) | 1;
            for row in all.chunks_exact(width).step_by(stride) {
                self.count += 1.0;
                for (i, &a) in row.iter().enumerate() {
                    self.sum[i] += f64::from(a);
                    let own = &mut self.products[i * width..(i + 1) * width];
                    own.iter_mut().zip(row).for_each(|(sum, &b)| *sum += f64::from(a) * f64::from(b));
                }
            }
        } else {
            self.maps.push(self.critic.raw(frame)?);
        }
        self.seen += 1;
        if self.seen == self.images {
            let (mean, whiten) = self.whitening();
            let usual = Usual { mean, whiten, ..Usual::default() };
            self.critic = FrameCritic::new(self.critic.net.clone(), self.critic.level, usual, &self.critic.device);
        }
        Ok(())
    }

    fn whitening(&self) -> (Vec<f32>, Vec<f32>) {
        let n = self.count.max(1.0);
        let mean: Vec<f64> = self.sum.iter().map(|s| s / n).collect();
        let width = mean.len();
        let mut covariance = vec![0.0; width * width];
        for (i, value) in covariance.iter_mut().enumerate() {
            let (a, b) = (i / width, i % width);
            *value = self.products[i] / n - mean[a] * mean[b];
        }
        let ridge = RIDGE * (0..width).map(|i| covariance[i * width + i]).sum::<f64>() / width as f64 + 1e-9;
        (0..width).for_each(|i| covariance[i * width + i] += ridge);
        let whiten = inverse_of_root(&covariance, width);
        (mean.into_iter().map(|v| v as f32).collect(), whiten.into_iter().map(|v| v as f32).collect())
    }

    /// The critic, used to what it was shown.
    pub fn finish(self) -> FrameCritic {
        let mut usual = self.critic.usual;
        for kind in [Kind::Logit, Kind::Distance] {
            let cells = self.maps.iter().flat_map(|look| {
                let [w, h] = look.cells();
                look.map(kind).iter().enumerate().map(move |(i, v)| (ring(i, w, h), *v))
            });
            usual.rings[kind as usize] = ring_levels(cells);
        }
        let looks: Vec<Look> = self.maps.into_iter().map(|look| usual.standardised(look)).collect();
        for kind in [Kind::Logit, Kind::Distance] {
            let mut peaks = vec![Vec::new(); SMOOTHINGS.len()];
            for look in &looks {
                for (all, peak) in peaks.iter_mut().zip(look.peaks(kind, None)) {
                    all.push(f64::from(peak));
                }
            }
            let (centre, spread) =
                peaks.iter().map(|all| moments(all)).map(|(c, s)| (c as f32, s.max(0.1) as f32)).unzip();
            usual.peaks[kind as usize] = Levels { centre, spread };
        }
        FrameCritic::new(self.critic.net, self.critic.level, usual, &self.critic.device)
    }
}

/// Mean and standard deviation.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// A centre and a spread for each ring.
fn ring_levels(cells: impl Iterator<Item = (usize, f32)>) -> Levels {
    // Count, sum, sum of squares.
    let mut sums = [[0.0f64; 3]; RINGS];
    for (ring, value) in cells {
        let value = f64::from(value);
        for (sum, add) in sums[ring].iter_mut().zip([1.0, value, value * value]) {
            *sum += add;
        }
    }
    let total = sums.iter().fold([0.0; 3], |all, own| [all[0] + own[0], all[1] + own[1], all[2] + own[2]]);
    let n = total[0].max(1.0);
    let (mean, square) = (total[1] / n, total[2] / n);
    let levels = sums.iter().map(|[count, sum, squares]| {
        let centre = (sum + LEAN * mean) / (count + LEAN);
        let second = (squares + LEAN * square) / (count + LEAN);
        (centre as f32, (second - centre * centre).max(1e-8).sqrt().max(1e-3) as f32)
    });
    let (centre, spread) = levels.unzip();
    Levels { centre, spread }
}

/// `W` with `W W^T` the inverse of a symmetric positive matrix: of its Cholesky factor `L` the inverse, transposed.
pub(super) fn inverse_of_root(matrix: &[f64], n: usize) -> Vec<f64> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = matrix[i * n + j] - dot;
            l[i * n + j] = if i == j { rest.max(1e-12).sqrt() } else { rest / l[j * n + j] };
        }
    }
    // Forward substitution, one unit vector after the other; written transposed.
    let mut w = vec![0.0; n * n];
    for column in 0..n {
        for i in column..n {
            let dot: f64 = (column..i).map(|k| l[i * n + k] * w[column * n + k]).sum();
            let unit = if i == column { 1.0 } else { 0.0 };
            w[column * n + i] = (unit - dot) / l[i * n + i];
        }
    }
    w
}

impl Usual {
    /// Maps in units of what is usual at each ring; as they are where that is not known.
    fn standardised(&self, mut look: Look) -> Look {
        let [w, h] = look.cells();
        for (kind, map) in [(Kind::Logit, &mut look.logit), (Kind::Distance, &mut look.distance)] {
            let levels = &self.rings[kind as usize];
            for (i, value) in map.iter_mut().enumerate() {
                let ring = ring(i, w, h);
                if let (Some(centre), Some(spread)) = (levels.centre.get(ring), levels.spread.get(ring)) {
                    *value = (*value - centre) / spread;
                }
            }
        }
        look
    }

    /// As tensors of a model file.
    pub fn weights(&self) -> Vec<Weight> {
        let weight =
            |name: &str, shape: &[usize], values: Vec<f32>| Weight { name: name.into(), shape: shape.to_vec(), values };
        let levels = |all: &[Levels; 2]| {
            all.iter().flat_map(|l| [l.centre.clone(), l.spread.clone()].concat()).collect::<Vec<f32>>()
        };
        vec![
            weight("mean", &[self.mean.len()], self.mean.clone()),
            weight("whiten", &[self.mean.len(), self.mean.len()], self.whiten.clone()),
            weight("rings", &[2, 2, RINGS], levels(&self.rings)),
            weight("peaks", &[2, 2, SMOOTHINGS.len()], levels(&self.peaks)),
        ]
    }

    /// From the tensors of a model file, by name, for a critic of `width` features.
    ///
    /// # Errors
    /// [`WeightError`] for a tensor that is missing or of another shape.
    pub fn from_weights(
        tensors: &std::collections::BTreeMap<String, Weight>,
        width: usize,
    ) -> Result<Self, WeightError> {
        let take = |name: &str, wanted: &[usize]| {
            let found = tensors.get(name).ok_or_else(|| WeightError::Missing(format!("usual/{name}")))?;
            if found.shape != wanted {
                return Err(WeightError::Shape {
                    name: format!("usual/{name}"),
                    stored: found.shape.clone(),
                    wanted: wanted.to_vec(),
                });
            }
            Ok(found.values.clone())
        };
        let levels = |values: Vec<f32>, n: usize| {
            let of = |i: usize| Levels {
                centre: values[2 * i * n..(2 * i + 1) * n].to_vec(),
                // A spread of nothing would make every number infinite.
                spread: values[(2 * i + 1) * n..(2 * i + 2) * n].iter().map(|s| s.max(1e-6)).collect(),
            };
            [of(0), of(1)]
        };
        Ok(Self {
            mean: take("mean", &[width])?,
            whiten: take("whiten", &[width, width])?,
            rings: levels(take("rings", &[2, 2, RINGS])?, RINGS),
            peaks: levels(take("peaks", &[2, 2, SMOOTHINGS.len()])?, SMOOTHINGS.len()),
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::model::Critic;

    fn net() -> FixedCritic {
        FixedCritic::new(&Critic::new(1, 24, [0.0, 0.05], &mut ChaCha8Rng::seed_from_u64(8), &Device::flex()))
    }

    fn noise(width: usize, height: usize, seed: u64) -> Planes {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values = (0..width * height).map(|_| rng.random_range(-0.5..0.5)).collect();
        Planes::new(width, height, 1, values).unwrap()
    }

    fn used_to(sizes: &[(usize, usize)]) -> FrameCritic {
        let frames: Vec<Planes> = sizes.iter().enumerate().map(|(i, s)| noise(s.0, s.1, i as u64)).collect();
        let mut learning = Learning::new(net(), false, frames.len(), &Device::flex());
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
        let looks: Vec<Look> = (0..8).map(|i| critic.look(&noise(120, 96, i)).unwrap()).collect();
        for of in [|l: &Look| l.logit.clone(), |l: &Look| l.distance.clone()] {
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
        let map = look.pixels();
        assert_eq!(map.len(), 120 * 96);
    }

    #[test]
    fn a_frame_in_another_light_looks_the_same_where_it_is_brought_to_one() {
        let frame = noise(96, 80, 4);
        let dim = frame.values().iter().map(|v| 0.4 * v - 0.3).collect();
        let dim = Planes::new(96, 80, 1, dim).unwrap();
        let apart = |level: bool| {
            let critic = FrameCritic::new(net(), level, Usual::default(), &Device::flex());
            let [one, two] = [&frame, &dim].map(|frame| critic.look(frame).unwrap().logit);
            one.iter().zip(&two).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(apart(true) < 1e-3 && apart(false) > 1e-2, "{} {}", apart(true), apart(false));
    }

    #[test]
    fn a_pixel_that_is_inspected_counts_in_its_own_cell() {
        // 255 rows of 256 pixels cover as many cells as 256 rows of 255 do.
        let look = Look { size: [256, 255], logit: vec![0.0; 64 * 64], distance: vec![0.0; 64 * 64] };
        let mut pixels = vec![false; 256 * 255];
        pixels[250 * 256 + 9] = true;
        let cells = look.inspected(&pixels);
        assert_eq!(cells.iter().enumerate().filter(|(_, on)| **on).map(|(i, _)| i).collect::<Vec<_>>(), [62 * 64 + 2]);
    }

    #[test]
    fn a_tall_frame_is_seen_as_a_whole() {
        let seer = FrameCritic::new(net(), false, Usual::default(), &Device::flex());
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
        assert_eq!(&Usual::from_weights(&stored, 24).unwrap(), critic.usual());
        assert!(matches!(Usual::from_weights(&stored, 48), Err(WeightError::Shape { .. })));
        let mut short = stored;
        short.remove("rings");
        assert_eq!(Usual::from_weights(&short, 24).unwrap_err(), WeightError::Missing("usual/rings".into()));
    }

    #[test]
    fn whitening_makes_variances_one() {
        let matrix = [4.0, 1.0, 1.0, 9.0];
        let w = inverse_of_root(&matrix, 2);
        // W^T M W = 1
        let product = |i: usize, j: usize| -> f64 {
            (0..2)
                .flat_map(|a| (0..2).map(move |b| (a, b)))
                .map(|(a, b)| w[a * 2 + i] * matrix[a * 2 + b] * w[b * 2 + j])
                .sum()
        };
        for (i, j, wanted) in [(0, 0, 1.0), (1, 1, 1.0), (0, 1, 0.0)] {
            assert!((product(i, j) - wanted).abs() < 1e-9, "{i} {j}: {}", product(i, j));
        }
    }
}
