//! Outlines of the defects of a part: drawn by a reviewer, or else the model's anomaly regions.

use crate::inspect::{AnomalyRegion, RegionShape};

/// A defect of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct DefectOutline {
    /// Its pieces, in pixels of the image.
    pub shapes: Vec<RegionShape>,
    /// Area in pixels and bounding box (left, top, width, height) as measured; `None` for a drawn one.
    pub measured: Option<(f32, [f32; 4])>,
}

impl DefectOutline {
    /// A defect drawn by a reviewer.
    pub(super) fn drawn(shape: &RegionShape) -> Self {
        Self { shapes: vec![shape.clone()], measured: None }
    }

    /// An anomaly region.
    pub(super) fn of_region(region: &AnomalyRegion) -> Self {
        let bounds = [region.x, region.y, region.width, region.height].map(|v| v as f32);
        Self { shapes: region.shapes(), measured: Some((region.area as f32, bounds)) }
    }
}
