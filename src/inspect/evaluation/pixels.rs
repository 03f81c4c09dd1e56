//! How well maps show where a defect is, pixel by pixel.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::inspect::Outcome;

/// A map that an inspection draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapKind {
    /// |query - G(z)|.
    Difference,
    /// The residual in D's features.
    Feature,
}

impl MapKind {
    /// All maps, in the order they are listed.
    pub const ALL: [Self; 2] = [Self::Difference, Self::Feature];

    /// Name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Difference => "difference",
            Self::Feature => "feature",
        }
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Difference => "Difference",
            Self::Feature => "Feature difference",
        }
    }

    /// The map of a query, larger where it is odder; `None` where the model draws none.
    pub fn of(self, outcome: &Outcome) -> Option<Cow<'_, [f32]>> {
        let map: Cow<'_, [f32]> = match self {
            Self::Difference => outcome.difference.iter().map(|v| v.abs()).collect(),
            Self::Feature => Cow::Borrowed(&outcome.feature),
        };
        (map.len() == outcome.query.pixels()).then_some(map)
    }
}

/// How well one map shows where the defects are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelFigures {
    /// The map.
    pub map: MapKind,
    /// Pixels outside of every mask.
    pub healthy: u64,
    /// Pixels inside of a mask.
    pub defective: u64,
    /// Connected defects.
    pub regions: usize,
    /// Area under the ROC curve over pixels.
    pub auroc: Option<f64>,
    /// Area under the mean overlap with each defect, over false-alarm shares up to 0.3, as a share of 0.3.
    pub aupro: Option<f64>,
    /// The largest overlap of flagged and defective pixels over their union, of any threshold.
    pub iou: Option<f64>,
    /// That threshold: pixels of at least this value are flagged.
    pub iou_threshold: Option<f64>,
}
