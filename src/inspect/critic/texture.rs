//! Texture statistics: what needs no training, compared with those of healthy images.
//!
//! The critic sees about 140 pixels and learns from damage that is small. A large area of another texture, such as a
//! coating that is missing or a worn zone, is told by statistics instead: brightness, and the energy of gradients across
//! and down at four scales, averaged over squares of about 50, 110 and 220 pixels. A location is as anomalous as these
//! are far from the nearest of healthy images, as in PatchCore (Roth et al. 2022) but without a pretrained network.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::interpolation::interpolated;
use crate::{
    data::{Illumination, box_mean, luminance_of},
    inspect::{Planes, scores::statistics::inverse_cholesky},
    model::{
        critic::STRIDE,
        weights::{Weight, WeightError},
    },
};

/// Distance in pixels between the compared pixels of a gradient, by scale.
const STEPS: [usize; 4] = [1, 1, 2, 4];
/// Reach of the box filter that leads from a scale to the next, pixels.
const BLURS: [usize; 3] = [1, 2, 4];
/// Reach of the squares that the statistics are averaged over, cells.
const REACHES: [usize; 3] = [6, 13, 27];
/// Distance between the locations that are described, cells.
const SPACING: usize = 4;
/// Added to the energy of a gradient before its logarithm is taken: that of the noise of a smooth area.
const FLOOR: f32 = 1e-3;
/// Descriptions of healthy locations that are kept.
const KEPT: usize = 4_096;
/// Nearest neighbours whose distances are averaged.
const NEAREST: usize = 3;
/// Ridge added to the correlations of the statistics.
const RIDGE: f64 = 0.1;
/// Fewest images for a comparison of some with the others.
const MIN_IMAGES: usize = 4;
/// Groups of images of which each is compared with the others.
const FOLDS: usize = 12;

/// Number of statistics of a location of an image with so many channels.
fn dimensions(channels: usize) -> usize {
    let hues = if channels == 3 { 2 } else { 0 };
    (1 + hues + 2 * STEPS.len()) * REACHES.len()
}

/// Statistics of the locations of one image, on a grid.
#[derive(Clone, Debug)]
pub(super) struct TextureGrid {
    /// Locations across and down.
    size: [usize; 2],
    /// Statistics per location.
    dimensions: usize,
    /// Location by location, row by row.
    values: Vec<f32>,
}

/// Cell of a location along an axis of so many cells.
fn cell(location: usize, cells: usize) -> usize {
    (SPACING / 2 + location * SPACING).min(cells - 1)
}

impl TextureGrid {
    /// Describes a frame.
    pub(super) fn of(frame: &Planes, illumination: Option<Illumination>) -> Self {
        let size = [frame.width(), frame.height()];
        let cells = size.map(|side| side.div_ceil(STRIDE));
        let maps = maps(frame, illumination);
        let grid = cells.map(|side| side.div_ceil(SPACING));
        let dimensions = maps.len() * REACHES.len();
        let mut values = vec![0.0; grid[0] * grid[1] * dimensions];
        for (i, (map, reach)) in maps.iter().flat_map(|map| REACHES.map(|reach| (map, reach))).enumerate() {
            let mean = box_mean(map, cells[0], cells[1], reach, None);
            for (location, own) in values.chunks_exact_mut(dimensions).enumerate() {
                let (x, y) = (cell(location % grid[0], cells[0]), cell(location / grid[0], cells[1]));
                own[i] = mean[y * cells[0] + x];
            }
        }
        Self { size: grid, dimensions, values }
    }

    /// Number of locations.
    fn len(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// A subset of at most `count` locations, evenly spaced.
    fn thinned(&self, count: usize) -> Vec<f32> {
        let kept = self.len().min(count);
        (0..kept)
            .flat_map(|i| {
                let at = (2 * i + 1) * self.len() / (2 * kept);
                self.values[at * self.dimensions..(at + 1) * self.dimensions].iter().copied()
            })
            .collect()
    }
}

/// Brightness, hue and energies of gradients of a frame, one value per cell each.
fn maps(frame: &Planes, illumination: Option<Illumination>) -> Vec<Vec<f32>> {
    let (width, height, pixels) = (frame.width(), frame.height(), frame.pixels());
    let level = |value: f32| illumination.map_or(value, |own| own.normalise(value));
    let plane = |c: usize| -> Vec<f32> {
        frame.values()[c * pixels..(c + 1) * pixels].iter().map(|value| level(*value)).collect()
    };
    let (mut grey, mut hues) = (plane(0), Vec::new());
    if frame.channels() == 3 {
        let (green, blue) = (plane(1), plane(2));
        let red = std::mem::take(&mut grey);
        grey = (0..pixels).map(|i| luminance_of([red[i], green[i], blue[i]])).collect();
        hues = [red, blue].map(|own| own.iter().zip(&grey).map(|(own, grey)| own - grey).collect::<Vec<_>>()).into();
    }
    let size = [width, height];
    let mut all = vec![cell_means(size, |x, y| grey[y * width + x])];
    all.extend(hues.iter().map(|hue| cell_means(size, |x, y| hue[y * width + x])));
    for (scale, step) in STEPS.into_iter().enumerate() {
        let at = |x: usize, y: usize| grey[y * width + x];
        let across = cell_means(size, |x, y| (at((x + step).min(width - 1), y) - at(x, y)).abs());
        let down = cell_means(size, |x, y| (at(x, (y + step).min(height - 1)) - at(x, y)).abs());
        all.extend([across, down].map(|energy| energy.into_iter().map(|v| (v + FLOOR).ln()).collect()));
        if let Some(reach) = BLURS.get(scale) {
            grey = box_mean(&grey, width, height, *reach, None);
        }
    }
    all
}

/// Mean of the values of the pixels in each cell.
fn cell_means([width, height]: [usize; 2], value: impl Fn(usize, usize) -> f32 + Sync) -> Vec<f32> {
    let cells = width.div_ceil(STRIDE);
    let mut means = vec![0.0; cells * height.div_ceil(STRIDE)];
    means.par_chunks_mut(cells).enumerate().for_each(|(row, own)| {
        let rows = row * STRIDE..((row + 1) * STRIDE).min(height);
        for y in rows.clone() {
            for x in 0..width {
                own[x / STRIDE] += value(x, y);
            }
        }
        for (column, mean) in own.iter_mut().enumerate() {
            let columns = STRIDE.min(width - column * STRIDE);
            *mean /= (columns * rows.len()) as f32;
        }
    });
    means
}

/// Statistics of healthy locations.
#[derive(Clone, Debug, PartialEq)]
pub struct TextureBank {
    /// Mean of each statistic.
    centre: Vec<f32>,
    /// `[dimensions, dimensions]`: whitens the centred statistics.
    whiten: Vec<f32>,
    /// Whitened statistics of healthy locations, one statistic after the other, for fast comparison.
    known: Vec<f32>,
    /// Squared length of each.
    lengths: Vec<f32>,
}

impl TextureBank {
    /// Collects the locations of healthy images; `None` for too few images to compare some with the others.
    pub(super) fn of(images: &[TextureGrid]) -> Option<Self> {
        (images.len() >= MIN_IMAGES).then(|| Self::of_all(&images.iter().collect::<Vec<_>>()))
    }

    /// Maps of the images themselves, each compared with others only.
    pub(super) fn maps_among(images: &[TextureGrid], cells: &[[usize; 2]]) -> Vec<Vec<f32>> {
        let folds = images.len().min(FOLDS);
        let banks: Vec<Self> = (0..folds)
            .into_par_iter()
            .map(|fold| {
                let others = images.iter().enumerate().filter(|(i, _)| i % folds != fold).map(|(_, grid)| grid);
                Self::of_all(&others.collect::<Vec<_>>())
            })
            .collect();
        images.iter().zip(cells).enumerate().map(|(i, (grid, cells))| banks[i % folds].map(grid, *cells)).collect()
    }

    fn of_all(images: &[&TextureGrid]) -> Self {
        let dimensions = images.first().map_or(1, |grid| grid.dimensions);
        let each = KEPT.div_ceil(images.len().max(1));
        let rows: Vec<f32> = images.iter().flat_map(|grid| grid.thinned(each)).collect();
        let n = (rows.len() / dimensions).max(1) as f64;
        let column = |d: usize| rows.iter().skip(d).step_by(dimensions).map(|v| f64::from(*v));
        let centre: Vec<f64> = (0..dimensions).map(|d| column(d).sum::<f64>() / n).collect();
        let mut covariance = vec![0.0; dimensions * dimensions];
        for row in rows.chunks_exact(dimensions) {
            for (i, own) in covariance.chunks_exact_mut(dimensions).enumerate() {
                let a = f64::from(row[i]) - centre[i];
                own.iter_mut()
                    .zip(row.iter().zip(&centre))
                    .for_each(|(sum, (b, mean))| *sum += a * (f64::from(*b) - mean));
            }
        }
        let spread: Vec<f64> = (0..dimensions).map(|d| (covariance[d * dimensions + d] / n).sqrt().max(1e-6)).collect();
        let correlation: Vec<f64> = covariance
            .iter()
            .enumerate()
            .map(|(i, sum)| {
                let (a, b) = (i / dimensions, i % dimensions);
                sum / n / (spread[a] * spread[b]) + if a == b { RIDGE } else { 0.0 }
            })
            .collect();
        let turn = inverse_cholesky(&correlation, dimensions);
        let whiten = turn.iter().enumerate().map(|(i, v)| (v / spread[i / dimensions]) as f32).collect();
        let centre = centre.into_iter().map(|v| v as f32).collect();
        let mut bank = Self { centre, whiten, known: Vec::new(), lengths: Vec::new() };
        bank.keep(&rows.chunks_exact(dimensions).flat_map(|row| bank.whitened(row)).collect::<Vec<f32>>());
        bank
    }

    /// Keeps whitened statistics, given location by location.
    fn keep(&mut self, rows: &[f32]) {
        let dimensions = self.dimensions();
        self.known = (0..dimensions).flat_map(|d| rows.iter().skip(d).step_by(dimensions).copied()).collect();
        self.lengths = rows.chunks_exact(dimensions).map(|row| row.iter().map(|v| v * v).sum()).collect();
    }

    fn dimensions(&self) -> usize {
        self.centre.len()
    }

    fn whitened(&self, row: &[f32]) -> Vec<f32> {
        let dimensions = self.dimensions();
        let centred: Vec<f32> = row.iter().zip(&self.centre).map(|(v, mean)| v - mean).collect();
        (0..dimensions).map(|k| (0..dimensions).map(|i| centred[i] * self.whiten[i * dimensions + k]).sum()).collect()
    }

    /// The distance of every cell of a frame from the nearest healthy locations: root mean square over the statistics, in
    /// standard deviations; 0 for a frame with other statistics.
    pub(super) fn map(&self, grid: &TextureGrid, cells: [usize; 2]) -> Vec<f32> {
        if grid.dimensions != self.dimensions() {
            return vec![0.0; cells[0] * cells[1]];
        }
        let distances: Vec<f32> =
            grid.values.par_chunks_exact(grid.dimensions).map(|row| self.distance(&self.whitened(row))).collect();
        interpolated(&distances, grid.size, cells, (SPACING / 2) as f32, SPACING)
    }

    fn distance(&self, row: &[f32]) -> f32 {
        let n = self.lengths.len();
        let length: f32 = row.iter().map(|v| v * v).sum();
        let mut all: Vec<f32> = self.lengths.iter().map(|known| known + length).collect();
        for (value, known) in row.iter().zip(self.known.chunks_exact(n.max(1))) {
            let twice = 2.0 * value;
            all.iter_mut().zip(known).for_each(|(sum, known)| *sum -= twice * known);
        }
        let mut nearest = [f32::MAX; NEAREST];
        for square in all {
            if square < nearest[NEAREST - 1] {
                nearest[NEAREST - 1] = square;
                nearest.sort_by(f32::total_cmp);
            }
        }
        let found = nearest.iter().filter(|square| **square < f32::MAX);
        let (count, sum) = found.fold((0, 0.0), |(n, sum), square| (n + 1, sum + square.max(0.0)));
        (sum / (count.max(1) * row.len().max(1)) as f32).sqrt()
    }

    /// As tensors of a model file.
    pub(super) fn weights(&self) -> Vec<Weight> {
        let (dimensions, n) = (self.dimensions(), self.lengths.len());
        let weight = |name: &str, shape: &[usize], values: &[f32]| Weight {
            name: format!("texture_{name}"),
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        vec![
            weight("centre", &[dimensions], &self.centre),
            weight("whiten", &[dimensions, dimensions], &self.whiten),
            weight("known", &[dimensions, n], &self.known),
        ]
    }

    /// Reads them from the tensors of a model file; files of earlier versions have none.
    ///
    /// # Errors
    /// [`WeightError`] for a tensor that is missing or has another shape.
    pub(super) fn from_weights(tensors: &BTreeMap<String, Weight>) -> Result<Option<Self>, WeightError> {
        let Some(known) = tensors.get("texture_known") else { return Ok(None) };
        let take = |name: &str, wanted: &[usize]| {
            let name = format!("texture_{name}");
            let found = tensors.get(&name).ok_or_else(|| WeightError::Missing(format!("usual/{name}")))?;
            if found.shape != wanted {
                let (stored, wanted) = (found.shape.clone(), wanted.to_vec());
                return Err(WeightError::Shape { name: format!("usual/{name}"), stored, wanted });
            }
            Ok(found.values.clone())
        };
        // Of an image in grey or in colour.
        let stored = known.shape.first().copied().unwrap_or(0);
        let dimensions = [1, 3].map(dimensions).into_iter().find(|d| *d == stored).unwrap_or_else(|| dimensions(1));
        let n = known.values.len() / dimensions;
        let known = take("known", &[dimensions, n])?;
        let length = |i: usize| known.iter().skip(i).step_by(n.max(1)).map(|v| v * v).sum();
        Ok(Some(Self {
            centre: take("centre", &[dimensions])?,
            whiten: take("whiten", &[dimensions, dimensions])?,
            lengths: (0..n).map(length).collect(),
            known,
        }))
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const SIDE: usize = 384;

    /// Noise of independent pixels, and in the right half the same averaged over 3 x 3 pixels and amplified to the same
    /// contrast where `smooth`.
    fn frame(seed: u64, channels: usize, smooth: bool) -> Planes {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut noise = || (0..SIDE * SIDE).map(|_| rng.random_range(-0.3..0.3f32)).collect::<Vec<f32>>();
        let values = (0..channels).flat_map(|_| {
            let mut fine = noise();
            let coarse = box_mean(&fine, SIDE, SIDE, 1, None);
            for (i, value) in fine.iter_mut().enumerate().filter(|(i, _)| smooth && i % SIDE >= SIDE / 2) {
                *value = 3.0 * coarse[i];
            }
            fine
        });
        Planes::new(SIDE, SIDE, channels, values.collect()).unwrap()
    }

    fn grid(frame: &Planes) -> TextureGrid {
        TextureGrid::of(frame, Some(frame.illumination()))
    }

    fn healthy(channels: usize) -> Vec<TextureGrid> {
        (0..8).map(|seed| grid(&frame(seed, channels, false))).collect()
    }

    const CELLS: [usize; 2] = [SIDE / STRIDE; 2];

    /// Mean of a map over the left and the right quarter.
    fn sides(map: &[f32]) -> [f32; 2] {
        let quarter = CELLS[0] / 4;
        let mean = |from: usize| {
            let own = (0..map.len()).filter(|i| (from..from + quarter).contains(&(i % CELLS[0])));
            own.map(|i| map[i]).sum::<f32>() / (quarter * CELLS[1]) as f32
        };
        [mean(0), mean(CELLS[0] - quarter)]
    }

    #[test]
    fn a_large_area_of_another_texture_lies_far_from_healthy_ones_at_any_exposure() {
        let bank = TextureBank::of(&healthy(1)).unwrap();
        let usual = bank.map(&grid(&frame(50, 1, false)), CELLS);
        let most = usual.iter().copied().fold(0.0, f32::max);
        let odd = frame(51, 1, true);
        for exposed in [odd.clone(), odd.map(|v| 0.6 * v - 0.3)] {
            let [left, right] = sides(&bank.map(&grid(&exposed), CELLS));
            assert!(right > 3.0 * most && right > 1.5 * left, "{left} {right}, usually up to {most}");
        }
    }

    #[test]
    fn another_hue_of_equal_luminance_lies_far_from_healthy_ones() {
        let bank = TextureBank::of(&healthy(3)).unwrap();
        let usual = frame(50, 3, false);
        let mut values = usual.values().to_vec();
        let ([of_red, _, of_blue], area) = ([0.2126, 0.7152, 0.0722f32], SIDE * SIDE);
        for i in (0..area).filter(|i| i % SIDE >= SIDE / 2) {
            values[i] += 0.15;
            values[2 * area + i] -= 0.15 * of_red / of_blue;
        }
        let odd = Planes::new(SIDE, SIDE, 3, values).unwrap();
        let grey = |frame: &Planes, i: usize| luminance_of([0, 1, 2].map(|c| frame.values()[c * area + i]));
        assert!((grey(&odd, SIDE - 1) - grey(&usual, SIDE - 1)).abs() < 1e-5);
        let most = bank.map(&grid(&usual), CELLS).into_iter().fold(0.0, f32::max);
        let [left, right] = sides(&bank.map(&grid(&odd), CELLS));
        assert!(right > 3.0 * most && right > 1.5 * left, "{left} {right}, usually up to {most}");
        // An image with other statistics is not compared.
        assert!(bank.map(&grid(&frame(1, 1, true)), CELLS).iter().all(|v| *v == 0.0));
    }

    #[test]
    fn images_are_compared_with_others_as_new_ones_are() {
        let images = healthy(1);
        let mean = |map: &Vec<f32>| map.iter().sum::<f32>() / map.len() as f32;
        let among = TextureBank::maps_among(&images, &[CELLS; 8]);
        let among = among.iter().map(mean).sum::<f32>() / 8.0;
        let bank = TextureBank::of(&images).unwrap();
        let known = images.iter().map(|grid| mean(&bank.map(grid, CELLS))).sum::<f32>() / 8.0;
        let new = (60..68).map(|seed| mean(&bank.map(&grid(&frame(seed, 1, false)), CELLS))).sum::<f32>() / 8.0;
        assert!((among / new - 1.0).abs() < 0.2 && known < 0.8 * new, "{known} {among} {new}");
        assert!(TextureBank::of(&images[..MIN_IMAGES - 1]).is_none());
    }

    #[test]
    fn every_size_has_a_value_in_every_cell() {
        let bank = TextureBank::of(&healthy(1)).unwrap();
        for (width, height) in [(1, 1), (3, 500), (17, 4), (130, 61)] {
            let planes = Planes::new(width, height, 1, vec![0.1; width * height]).unwrap();
            let cells = [width.div_ceil(STRIDE), height.div_ceil(STRIDE)];
            let map = bank.map(&grid(&planes), cells);
            assert!(map.len() == cells[0] * cells[1] && map.iter().all(|v| v.is_finite()), "{width} x {height}");
        }
    }

    #[test]
    fn energies_are_those_of_gradients_across_and_down() {
        // A ramp of 0.01 a pixel across; the last column has no right neighbour.
        let ramp = Planes::new(16, 8, 1, (0..128).map(|i| 0.01 * (i % 16) as f32).collect()).unwrap();
        let all = maps(&ramp, None);
        assert_eq!(all.len(), 1 + 2 * STEPS.len());
        let near = |value: f32, wanted: f32| (value - wanted).abs() < 1e-4;
        assert!(near(all[0][1], 0.055), "mean of columns 4 to 7: {}", all[0][1]);
        assert!(near(all[1][1], (0.01 + FLOOR).ln()) && near(all[1][3], (0.0075 + FLOOR).ln()), "{:?}", all[1]);
        assert!(all[2].iter().all(|down| near(*down, FLOOR.ln())), "{:?}", all[2]);
        // The steps of the coarser scales are longer.
        assert!(near(all[5][1], (0.02 + FLOOR).ln()) && all[7][1] > all[5][1], "{:?}", all[5]);
    }

    #[test]
    fn a_bank_round_trips_through_a_file() {
        for channels in [1, 3] {
            let bank = TextureBank::of(&healthy(channels)).unwrap();
            let stored: BTreeMap<String, Weight> = bank.weights().into_iter().map(|w| (w.name.clone(), w)).collect();
            assert_eq!(TextureBank::from_weights(&stored).unwrap(), Some(bank));
            for name in ["texture_centre", "texture_whiten", "texture_known"] {
                let mut other = stored.clone();
                other.get_mut(name).unwrap().shape[0] += 1;
                assert!(matches!(TextureBank::from_weights(&other), Err(WeightError::Shape { .. })), "{name}");
            }
            let mut short = stored;
            short.remove("texture_whiten");
            assert_eq!(TextureBank::from_weights(&short), Err(WeightError::Missing("usual/texture_whiten".into())));
        }
        assert_eq!(TextureBank::from_weights(&BTreeMap::new()), Ok(None));
    }
}
