//! An anomaly region.

use serde::{Deserialize, Serialize};

use super::measures::{RegionMeasures, RegionMicrometres};
use crate::inspect::RegionShape;

/// A region of an anomaly map, in pixels of the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnomalyRegion {
    /// Left edge of the bounding box.
    pub x: usize,
    /// Top edge of the bounding box.
    pub y: usize,
    /// Width of the bounding box.
    pub width: usize,
    /// Height of the bounding box.
    pub height: usize,
    /// Number of its pixels.
    pub area: usize,
    /// Peak value, in the unit of the map.
    pub peak: f32,
    /// Column and row of the peak.
    pub at: [usize; 2],
    /// Mean, centre, direction and extent; absent in records of earlier versions.
    #[serde(flatten)]
    pub measures: Option<RegionMeasures>,
    /// The same in micrometres, where the size of a pixel is known.
    #[serde(flatten)]
    pub micrometres: Option<RegionMicrometres>,
    /// Corners of the closed outer boundary along pixel edges, without holes; of the first of its connected pieces. An outline
    /// of more corners than [`RegionShape`] allows is traced on a coarser grid.
    #[serde(default)]
    pub outline: Vec<[f32; 2]>,
    /// Outlines of its other connected pieces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_outlines: Vec<Vec<[f32; 2]>>,
}

impl AnomalyRegion {
    /// Returns the region scaled by `factor` along each side, for the same part at another resolution.
    #[must_use]
    pub(crate) fn scaled(mut self, factor: f32) -> Self {
        let times = |v: usize| (v as f32 * factor).round() as usize;
        (self.x, self.y) = (times(self.x), times(self.y));
        (self.width, self.height) = (times(self.width).max(1), times(self.height).max(1));
        self.area = (self.area as f32 * factor * factor).round() as usize;
        self.at = self.at.map(times);
        self.measures = self.measures.map(|measures| measures.scaled(factor));
        let outlines = std::iter::once(&mut self.outline).chain(&mut self.more_outlines);
        outlines.flatten().flatten().for_each(|v| *v *= factor);
        self
    }

    /// Returns the outlines of its pieces, or the bounding box if there are none.
    pub(crate) fn shapes(&self) -> Vec<RegionShape> {
        let [x, y, right, bottom] = [self.x, self.y, self.x + self.width, self.y + self.height].map(|v| v as f32);
        if self.outline.len() < 3 {
            return vec![RegionShape::Rectangle([x, y], [right, bottom])];
        }
        std::iter::once(&self.outline).chain(&self.more_outlines).cloned().map(RegionShape::Polygon).collect()
    }

    /// The point by which it is found: its centre of gravity, or the middle of its box.
    pub(crate) fn centre(&self) -> [f32; 2] {
        let middle = [self.x as f32 + self.width as f32 / 2.0, self.y as f32 + self.height as f32 / 2.0];
        self.measures.map_or(middle, |measures| measures.centroid)
    }

    /// Adds the values in micrometres, for pixels of this side.
    pub(super) fn measured_in(mut self, side: f64) -> Self {
        let um = |v: f32| (f64::from(v) * side) as f32;
        self.micrometres = self.measures.map(|measures| RegionMicrometres {
            area_um2: (self.area as f64 * side * side) as f32,
            length_um: um(measures.length),
            breadth_um: um(measures.breadth),
            centroid_um: measures.centroid.map(um),
            box_um: [self.x, self.y, self.width, self.height].map(|v| um(v as f32)),
        });
        self
    }
}
