//! Statistics of a whole frame.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::inspect::Planes;

/// A statistic of a whole frame. Names in files are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameMeasure {
    /// Mean grey value, 0 to 1.
    Level,
    /// Standard deviation of the grey values, 0 to 0.5.
    Contrast,
    /// Share of black pixels.
    Black,
    /// Share of white pixels.
    White,
    /// Share of rows that repeat the row above them and are not uniform.
    FrozenRows,
    /// Share of columns that repeat the column to the left of them and are not uniform.
    FrozenColumns,
}

impl FrameMeasure {
    /// All measures.
    pub const ALL: [Self; 6] =
        [Self::Level, Self::Contrast, Self::Black, Self::White, Self::FrozenRows, Self::FrozenColumns];
}

/// The statistics of one frame; those that could not be measured are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrameMeasures(BTreeMap<FrameMeasure, f32>);

/// Distance from black or white, on the scale 0 to 1, within which a pixel counts as saturated.
const SATURATED: f32 = 0.6 / 255.0;
/// Span of the grey values below which a row or column is uniform.
const UNIFORM: f32 = 1.0 / 255.0;

impl FrameMeasures {
    /// Measures a frame.
    pub fn of(frame: &Planes) -> Self {
        let grey = grey_values(frame);
        let (width, height, n) = (frame.width(), frame.height(), grey.len() as f64);
        let level = grey.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = grey.iter().map(|&v| (f64::from(v) - level).powi(2)).sum::<f64>() / n;
        let share = |counted: &dyn Fn(f32) -> bool| (grey.iter().filter(|&&v| counted(v)).count() as f64 / n) as f32;
        Self(BTreeMap::from([
            (FrameMeasure::Level, level as f32),
            (FrameMeasure::Contrast, variance.sqrt() as f32),
            (FrameMeasure::Black, share(&|v| v <= SATURATED)),
            (FrameMeasure::White, share(&|v| v >= 1.0 - SATURATED)),
            (FrameMeasure::FrozenRows, frozen(&grey, [width, height], [1, width])),
            (FrameMeasure::FrozenColumns, frozen(&grey, [height, width], [width, 1])),
        ]))
    }

    /// Returns one of them, if it was measured.
    pub fn get(&self, measure: FrameMeasure) -> Option<f32> {
        self.0.get(&measure).copied()
    }
}

/// Grey values from 0 to 1: the mean over the channels.
fn grey_values(frame: &Planes) -> Vec<f32> {
    let (pixels, channels) = (frame.pixels(), frame.channels());
    let values = frame.values();
    let share = 0.5 / channels as f32;
    (0..pixels).map(|i| 0.5 + share * (0..channels).map(|c| values[c * pixels + i]).sum::<f32>()).collect()
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
