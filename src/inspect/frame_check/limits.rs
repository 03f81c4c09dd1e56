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

impl FrameLimits {
    /// The limits for a calibration that holds none: no frame without any structure is a picture of a part.
    pub(crate) fn of_any_part() -> Self {
        Self(BTreeMap::from([
            (FrameMeasure::Contrast, [0.004, 1.0]),
            (FrameMeasure::Black, [0.0, 0.995]),
            (FrameMeasure::White, [0.0, 0.9]),
            (FrameMeasure::FrozenRows, [0.0, 0.25]),
            (FrameMeasure::FrozenColumns, [0.0, 0.25]),
        ]))
    }

    /// Returns the first statistic that is out of its range.
    pub(crate) fn fault(&self, measures: &FrameMeasures) -> Option<FrameFault> {
        self.0.iter().find_map(|(&measure, &range)| {
            let value = measures.get(measure)?;
            (!(range[0]..=range[1]).contains(&value)).then_some(FrameFault { measure, value, range })
        })
    }
}

impl FrameFault {
    /// The reason in words, lower case and without a full stop.
    pub fn describe(&self) -> String {
        let percent = |share: f32| format!("{:.0} %", 100.0 * share);
        let above = self.value > self.range[1];
        match (self.measure, above) {
            (FrameMeasure::Level, false) => {
                format!("the image is too dark: {} of full brightness", percent(self.value))
            }
            (FrameMeasure::Level, true) => {
                format!("the image is too bright: {} of full brightness", percent(self.value))
            }
            (FrameMeasure::Contrast, false) => "the image is uniform, without the structure of a part".into(),
            (FrameMeasure::Contrast, true) => "the image has far more contrast than the part".into(),
            (FrameMeasure::Black, _) => format!("{} of the image is black", percent(self.value)),
            (FrameMeasure::White, _) => format!("{} of the image is white", percent(self.value)),
            (FrameMeasure::FrozenRows, _) => format!("{} of the rows repeat the row above", percent(self.value)),
            (FrameMeasure::FrozenColumns, _) => {
                format!("{} of the columns repeat the column beside them", percent(self.value))
            }
        }
    }
}
