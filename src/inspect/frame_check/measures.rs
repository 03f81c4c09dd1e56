//! Statistics of a whole frame.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::inspect::Planes;

/// A statistic of a whole frame. Names in files are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameMeasure {
    /// Share of black pixels.
    Black,
    /// Share of white pixels.
    White,
    /// Share of rows that repeat the row above them and are not uniform.
    FrozenRows,
    /// Share of columns that repeat the column to the left of them and are not uniform.
    FrozenColumns,
    /// Share of the squares of 8 by 8 pixels that are uniform.
    Flat,
    /// Mean grey value, 0 to 1.
    Level,
    /// Standard deviation of the grey values, 0 to 0.5.
    Contrast,
    /// Mean difference of neighbouring pixels, across and down, over the mean grey value: the exposure does not change it.
    Detail,
    /// Skewness by quantiles, -1 to 1: above 0 where the bright pixels reach further from the median than the dark ones.
    Skew,
    /// Range of nearly all grey values in interquartile ranges.
    Tails,
    /// Mean difference of neighbouring pixels in a row, in standard deviations of the frame.
    Across1,
    /// Mean difference of neighbouring pixels in a column, likewise.
    Down1,
    /// As `Across1`, of means over 2 by 2 pixels.
    Across2,
    /// As `Down1`, of means over 2 by 2 pixels.
    Down2,
    /// As `Across1`, of means over 4 by 4 pixels.
    Across4,
    /// As `Down1`, of means over 4 by 4 pixels.
    Down4,
    /// As `Across1`, of means over 8 by 8 pixels.
    Across8,
    /// As `Down1`, of means over 8 by 8 pixels.
    Down8,
    /// Difference from the reconstruction per pixel; see `ScoreKind::L1`.
    Difference,
    /// Median of the critic's map, in standard deviations.
    CriticLogit,
    /// Median distance of the critic's features, in standard deviations.
    CriticDistance,
    /// Of a frame in colour, the mean difference between the largest and the smallest channel of a pixel over the mean grey
    /// value, plus 0.05, so that hardly any colour is not much more than none.
    Colour,
    /// Of a frame in colour, the mean of red minus green over the mean grey value.
    RedGreen,
    /// Of a frame in colour, the mean of blue minus green over the mean grey value.
    BlueGreen,
    /// As `CriticLogit`, the level that a tenth of the map stays below: a large defect in a small frame raises the median.
    LeastLogit,
    /// As `CriticDistance`, the level that a tenth of the map stays below.
    LeastDistance,
}

/// The statistics of one frame; those that could not be measured are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrameMeasures(BTreeMap<FrameMeasure, f32>);

/// Distance from black or white, on the scale 0 to 1, within which a pixel counts as saturated.
const SATURATED: f32 = 0.6 / 255.0;
/// Span of the grey values up to which a row, column or square is uniform.
const UNIFORM: f32 = 1.2 / 255.0;
/// Side of the squares of [`FrameMeasure::Flat`], pixels.
const SQUARE: usize = 8;
/// Least standard deviation and interquartile range that others are divided by: less than a grey level.
const LEAST_SPREAD: f32 = 0.25 / 255.0;
/// Most pixels that the quantiles are taken from.
const SAMPLED: usize = 1 << 16;
/// Added to [`FrameMeasure::Colour`].
const LITTLE_COLOUR: f32 = 0.05;
/// Fewest cells along both sides for a measure of detail.
const FEWEST_CELLS: usize = 4;

impl FrameMeasures {
    /// Measures the pixels of a frame.
    pub fn of(frame: &Planes) -> Self {
        let grey = grey_values(frame);
        let (width, height, n) = (frame.width(), frame.height(), grey.len() as f64);
        let level = grey.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = grey.iter().map(|&v| (f64::from(v) - level).powi(2)).sum::<f64>() / n;
        let contrast = variance.sqrt() as f32;
        let share = |counted: &dyn Fn(f32) -> bool| (grey.iter().filter(|&&v| counted(v)).count() as f64 / n) as f32;
        let mut all = BTreeMap::from([
            (FrameMeasure::Black, share(&|v| v <= SATURATED)),
            (FrameMeasure::White, share(&|v| v >= 1.0 - SATURATED)),
            (FrameMeasure::FrozenRows, frozen(&grey, [width, height], [1, width])),
            (FrameMeasure::FrozenColumns, frozen(&grey, [height, width], [width, 1])),
            (FrameMeasure::Flat, flat(&grey, [width, height])),
            (FrameMeasure::Level, level as f32),
            (FrameMeasure::Contrast, contrast),
        ]);
        let [low, dark, first, median, third, bright, high] =
            quantiles(&grey, [0.005, 0.05, 0.25, 0.5, 0.75, 0.95, 0.995]);
        all.insert(FrameMeasure::Skew, (dark + bright - 2.0 * median) / (bright - dark).max(LEAST_SPREAD));
        all.insert(FrameMeasure::Tails, (high - low) / (third - first).max(LEAST_SPREAD));
        let scales = [
            (FrameMeasure::Across1, FrameMeasure::Down1),
            (FrameMeasure::Across2, FrameMeasure::Down2),
            (FrameMeasure::Across4, FrameMeasure::Down4),
            (FrameMeasure::Across8, FrameMeasure::Down8),
        ];
        let (mut map, mut size) = (grey, [width, height]);
        for (i, (across, down)) in scales.into_iter().enumerate() {
            if i > 0 {
                (map, size) = halved(&map, size);
            }
            if size.iter().any(|side| *side < FEWEST_CELLS) {
                break;
            }
            let [x, y] = differences(&map, size);
            if i == 0 {
                all.insert(FrameMeasure::Detail, (x + y) / (level as f32).max(LEAST_SPREAD));
            }
            let [x, y] = [x, y].map(|mean| mean / contrast.max(LEAST_SPREAD));
            all.extend([(across, x), (down, y)]);
        }
        all.extend(colours(frame, level as f32));
        Self(all)
    }

    /// Adds the medians of the critic's standardised maps, and the levels that a tenth of them stays below.
    #[must_use]
    pub(crate) fn with_critic(mut self, logit: &[f32], distance: &[f32]) -> Self {
        for (measures, map) in [
            ([FrameMeasure::LeastLogit, FrameMeasure::CriticLogit], logit),
            ([FrameMeasure::LeastDistance, FrameMeasure::CriticDistance], distance),
        ] {
            self.0.extend(measures.into_iter().zip(quantiles(map, [0.1, 0.5])));
        }
        self
    }

    /// Adds the difference from the reconstruction per pixel.
    #[must_use]
    pub(crate) fn with_difference(mut self, difference: f64) -> Self {
        self.0.insert(FrameMeasure::Difference, difference as f32);
        self
    }

    /// Returns one of them, if it was measured.
    pub fn get(&self, measure: FrameMeasure) -> Option<f32> {
        self.0.get(&measure).copied()
    }

    /// All that were measured.
    pub(super) fn iter(&self) -> impl Iterator<Item = (FrameMeasure, f32)> {
        self.0.iter().map(|(measure, value)| (*measure, *value))
    }
}

/// Grey values from 0 to 1: the mean over the channels.
fn grey_values(frame: &Planes) -> Vec<f32> {
    let (pixels, channels) = (frame.pixels(), frame.channels());
    let values = frame.values();
    let share = 0.5 / channels as f32;
    (0..pixels).map(|i| 0.5 + share * (0..channels).map(|c| values[c * pixels + i]).sum::<f32>()).collect()
}

/// Measures the colours of a frame of this mean grey value; none in grey.
fn colours(frame: &Planes, level: f32) -> Vec<(FrameMeasure, f32)> {
    if frame.channels() != 3 {
        return Vec::new();
    }
    let (n, values) = (frame.pixels(), frame.values());
    // Values range over 2.
    let per_level = 0.5 / (n as f64 * f64::from(level.max(LEAST_SPREAD)));
    let mean = |of: &dyn Fn([f32; 3]) -> f32| {
        let all = (0..n).map(|i| f64::from(of([values[i], values[n + i], values[2 * n + i]])));
        (all.sum::<f64>() * per_level) as f32
    };
    vec![
        (FrameMeasure::Colour, mean(&|[r, g, b]| r.max(g).max(b) - r.min(g).min(b)) + LITTLE_COLOUR),
        (FrameMeasure::RedGreen, mean(&|[r, g, _]| r - g)),
        (FrameMeasure::BlueGreen, mean(&|[_, g, b]| b - g)),
    ]
}

/// Returns the share of lines that equal the line before them and are not uniform. `length` and `count` are those of
/// the lines; `within` and `between` the distances of neighbouring pixels within a line and between two lines.
fn frozen(grey: &[f32], [length, count]: [usize; 2], [within, between]: [usize; 2]) -> f32 {
    let repeats = |line: &usize| {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        let same = (0..length).all(|i| {
            let at = line * between + i * within;
            (low, high) = (low.min(grey[at]), high.max(grey[at]));
            grey[at] == grey[at - between]
        });
        same && high - low > UNIFORM
    };
    (1..count).filter(repeats).count() as f32 / count as f32
}

/// Returns the share of squares of [`SQUARE`] pixels that are uniform; 0 for a frame smaller than one.
fn flat(grey: &[f32], [width, height]: [usize; 2]) -> f32 {
    let is_flat = |left: usize, top: usize| {
        let cells = (top..top + SQUARE).flat_map(|y| &grey[y * width + left..y * width + left + SQUARE]);
        let (low, high) = cells.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
        high - low <= UNIFORM
    };
    let corners = || (0..height / SQUARE).flat_map(|y| (0..width / SQUARE).map(move |x| (x * SQUARE, y * SQUARE)));
    corners().filter(|&(x, y)| is_flat(x, y)).count() as f32 / corners().count().max(1) as f32
}

/// Quantiles of at most [`SAMPLED`] of the values, evenly spaced; 0 without values.
fn quantiles<const N: usize>(values: &[f32], shares: [f32; N]) -> [f32; N] {
    // An odd stride visits all columns.
    let stride = if values.len() > SAMPLED { (values.len() / SAMPLED) | 1 } else { 1 };
    let mut sample: Vec<f32> = values.iter().copied().step_by(stride).collect();
    sample.sort_unstable_by(f32::total_cmp);
    let last = sample.len().saturating_sub(1) as f32;
    shares.map(|share| sample.get((share * last).round() as usize).copied().unwrap_or_default())
}

/// Mean absolute differences of neighbours across and down.
fn differences(map: &[f32], [width, height]: [usize; 2]) -> [f32; 2] {
    let (mut across, mut down) = (0.0f64, 0.0f64);
    for row in map.chunks_exact(width) {
        across += row.windows(2).map(|pair| f64::from((pair[1] - pair[0]).abs())).sum::<f64>();
    }
    for (above, below) in map.chunks_exact(width).zip(map.chunks_exact(width).skip(1)) {
        down += above.iter().zip(below).map(|(a, b)| f64::from((b - a).abs())).sum::<f64>();
    }
    [across / (height * (width - 1)).max(1) as f64, down / ((height - 1) * width).max(1) as f64].map(|mean| mean as f32)
}

/// Means over 2 by 2 cells; an odd last row or column is left out.
fn halved(map: &[f32], [width, height]: [usize; 2]) -> (Vec<f32>, [usize; 2]) {
    let size = [width / 2, height / 2];
    let cell = |x: usize, y: usize| {
        let at = 2 * y * width + 2 * x;
        0.25 * (map[at] + map[at + 1] + map[at + width] + map[at + width + 1])
    };
    let cells = (0..size[1]).flat_map(|y| (0..size[0]).map(move |x| cell(x, y))).collect();
    (cells, size)
}
