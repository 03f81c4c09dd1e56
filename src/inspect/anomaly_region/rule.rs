//! The rule by which the regions of a map are found.

use serde::{Deserialize, Serialize};

use crate::inspect::evaluation::EvaluatedMap;

/// Largest number of regions of an image.
pub const MAX_REGIONS: usize = 100;

/// The rule by which the regions of a map are found, stored beside them.
///
/// 1. Pixels above `level` that have at most `gap` rows and columns between them are one group; a group of at least `core`
///    pixels is the core of a region.
/// 2. Pixels above `edge` that have at most `gap` rows and columns between them are one region if they hold a core.
/// 3. Regions of less than `min_area` pixels do not count, and of the others the `most` with the highest peaks are kept.
///
/// `core`, `gap` and `min_area` are in pixels of the image as inspected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionRule {
    /// The map.
    pub map: EvaluatedMap,
    /// Threshold, in the unit of the map.
    pub level: f32,
    /// Value at which a region ends, at most the threshold.
    pub edge: f32,
    /// Pixels above the threshold that a region holds at least.
    pub core: usize,
    /// Rows or columns between two groups of pixels up to which they are one region.
    pub gap: usize,
    /// Smallest area that counts, pixels.
    pub min_area: usize,
    /// Largest number of regions kept.
    pub most: usize,
    /// At most this share of healthy parts shows a region; absent without a calibration for this inspection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Side of a pixel of the image that the regions are given in, micrometres; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micrometres_per_pixel: Option<f64>,
}

impl RegionRule {
    /// A rule without merging and without a smallest area: connected pixels above `level` are a region.
    pub fn above(map: EvaluatedMap, level: f32) -> Self {
        Self {
            map,
            level,
            edge: level,
            core: 1,
            gap: 0,
            min_area: 1,
            most: MAX_REGIONS,
            share: None,
            micrometres_per_pixel: None,
        }
    }
}
