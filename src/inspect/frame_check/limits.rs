//! Limits of the statistics of a frame.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FrameMeasure, FrameMeasures};

/// The range of each statistic within which a frame shows the kind of part that a model knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrameLimits(BTreeMap<FrameMeasure, [f32; 2]>);

/// Why a frame is not a picture of the part that a model knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameFault {
    /// The statistic that is out of its range.
    pub measure: FrameMeasure,
    /// Its value.
    pub value: f32,
    /// The range.
    pub range: [f32; 2],
}

/// How far a statistic may go beyond the range of healthy frames.
enum Margin {
    /// Down to this share of the smallest and up to this multiple of the largest, and further where the healthy frames
    /// vary.
    Factor(f32, f32),
    /// This much below the smallest and above the largest, and further where the healthy frames vary.
    Distance(f32, f32),
}

impl FrameMeasure {
    /// The margin: generous, because a defect, another lamp or another exposure is no other part.
    fn margin(self) -> Margin {
        match self {
            Self::Black => Margin::Distance(1.0, 0.3),
            Self::White => Margin::Distance(1.0, 0.4),
            Self::FrozenRows | Self::FrozenColumns => Margin::Distance(1.0, 0.08),
            Self::Flat => Margin::Distance(1.0, 0.25),
            Self::Level => Margin::Factor(0.35, 3.0),
            Self::Contrast => Margin::Factor(0.4, 4.0),
            Self::Detail => Margin::Factor(0.4, f32::MAX),
            Self::Skew => Margin::Distance(0.5, 0.5),
            Self::Tails => Margin::Factor(0.4, 4.0),
            Self::Across1 | Self::Down1 => Margin::Factor(0.6, 1.75),
            Self::Across2 | Self::Down2 => Margin::Factor(0.5, 2.5),
            Self::Across4 | Self::Down4 => Margin::Factor(0.4, 2.5),
            // A small frame has few cells of 8 by 8 pixels.
            Self::Across8 | Self::Down8 => Margin::Factor(0.3, 2.5),
            Self::Difference => Margin::Factor(QUIETEST, f32::MAX),
            Self::CriticLogit | Self::CriticDistance => Margin::Distance(1.0, 2.0),
            // A quiet tenth is no fault.
            Self::LeastLogit | Self::LeastDistance => Margin::Distance(1e6, 2.0),
            Self::Colour => Margin::Factor(0.35, f32::MAX),
            // A stain over a third of the part moves the mean by a third of its hue.
            Self::RedGreen | Self::BlueGreen => Margin::Distance(0.5, 0.5),
        }
    }
}

/// Most by which the variation of healthy frames widens a factor once more.
const MORE: f32 = 1.5;
/// Share of the smallest difference per pixel of healthy frames below which a frame has less in it than a part. A part at
/// half the exposure has half the difference.
const QUIETEST: f32 = 0.35;

impl FrameLimits {
    /// The limits from healthy frames; empty without frames.
    pub(crate) fn of(healthy: &[FrameMeasures]) -> Self {
        let mut ranges: BTreeMap<FrameMeasure, [f32; 2]> = BTreeMap::new();
        for (measure, value) in healthy.iter().flat_map(FrameMeasures::iter) {
            let range = ranges.entry(measure).or_insert([value; 2]);
            *range = [range[0].min(value), range[1].max(value)];
        }
        for (measure, [low, high]) in &mut ranges {
            let (least, most) = (*low, *high);
            match measure.margin() {
                Margin::Factor(below, above) => {
                    let ratio = (most.max(1e-6) / least.max(1e-6)).min(MORE);
                    (*low, *high) = (least * below / ratio, (most * above * ratio).min(f32::MAX));
                }
                Margin::Distance(below, above) => {
                    let span = (most - least).min(0.5 * above.max(below));
                    (*low, *high) = (least - below - span, most + above + span);
                }
            }
        }
        Self(ranges)
    }

    /// The limits for a calibration of an earlier version, which holds none: no frame without any structure is a picture
    /// of a part, nor one that is far quieter than the healthy parts, of which the smallest difference per pixel is known.
    pub(crate) fn of_any_part(difference: f64) -> Self {
        Self(BTreeMap::from([
            (FrameMeasure::Black, [0.0, 0.97]),
            (FrameMeasure::White, [0.0, 0.9]),
            (FrameMeasure::FrozenRows, [0.0, 0.15]),
            (FrameMeasure::FrozenColumns, [0.0, 0.15]),
            (FrameMeasure::Level, [0.02, 1.0]),
            (FrameMeasure::Contrast, [0.008, 1.0]),
            (FrameMeasure::Difference, [QUIETEST * difference as f32, f32::MAX]),
        ]))
    }

    /// Whether every limit is a finite range.
    pub(crate) fn is_valid(&self) -> bool {
        self.0.values().all(|[low, high]| low.is_finite() && high.is_finite() && low <= high)
    }

    /// Returns the first statistic that is out of its range.
    pub(crate) fn fault(&self, measures: &FrameMeasures) -> Option<FrameFault> {
        self.0.iter().find_map(|(&measure, &range)| {
            let value = measures.get(measure)?;
            // Whether the critic objects all over the frame is said by the least of its map, where that is known.
            let least = match measure {
                FrameMeasure::CriticLogit => Some(FrameMeasure::LeastLogit),
                FrameMeasure::CriticDistance => Some(FrameMeasure::LeastDistance),
                _ => None,
            };
            let only_below = least.is_some_and(|least| self.0.contains_key(&least) && measures.get(least).is_some());
            let is_out = value < range[0] || value > range[1] && !only_below || value.is_nan();
            is_out.then_some(FrameFault { measure, value, range })
        })
    }
}

impl FrameFault {
    /// The reason in words, lower case and without a full stop.
    pub fn describe(&self) -> String {
        use FrameMeasure as M;
        let percent = |share: f32| format!("{:.0} %", 100.0 * share);
        let (value, above) = (percent(self.value), self.value > self.range[1]);
        match (self.measure, above) {
            (M::Black, _) => format!("{value} of the image is black"),
            (M::White, _) => format!("{value} of the image is white"),
            (M::FrozenRows, _) => format!("{value} of its rows only repeat the row above"),
            (M::FrozenColumns, _) => format!("{value} of its columns only repeat the column beside them"),
            (M::Flat, _) => format!("{value} of the image is uniform"),
            (M::Difference, _) => "it has far less in it than any healthy part".into(),
            (M::Level, false) => format!("it is far darker than healthy parts ({value} of white on average)"),
            (M::Level, true) => format!("it is far brighter than healthy parts ({value} of white on average)"),
            (M::Contrast, false) => "it has hardly any contrast".into(),
            (M::Contrast, true) => "it has far more contrast than healthy parts".into(),
            (M::Skew | M::Tails, _) => "its grey values are distributed unlike those of healthy parts".into(),
            (M::Detail, _) | (M::Across1 | M::Down1 | M::Across2 | M::Down2, false) => {
                "it has far less fine detail than healthy parts, as when it is out of focus".into()
            }
            (M::Across1 | M::Down1 | M::Across2 | M::Down2, true) => {
                "it has far more fine detail than healthy parts, as noise has".into()
            }
            (M::Across4 | M::Down4 | M::Across8 | M::Down8, _) => {
                "its structure is coarser or finer than that of healthy parts, or turned".into()
            }
            (M::Colour, _) => "it has far less colour than healthy parts".into(),
            (M::RedGreen | M::BlueGreen, _) => "its hue is unlike that of healthy parts all over the image".into(),
            (M::CriticLogit | M::CriticDistance, false) => {
                "its texture is quieter than that of any healthy part".into()
            }
            (M::CriticLogit | M::CriticDistance, true) | (M::LeastLogit | M::LeastDistance, _) => {
                "its texture differs from that of healthy parts all over the image".into()
            }
        }
    }
}
