//! Size, position and direction of a region, from the moments of its pixels.

use serde::{Deserialize, Serialize};

/// Relative difference of the second moments below which a region has no direction.
const ROUND: f64 = 1e-9;

/// What is measured of a region besides its box, area and peak, in pixels of the image. Every pixel counts alike, as a square
/// of side 1: the centre of the first one is at 0.5, 0.5.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionMeasures {
    /// Mean value, in the unit of the map.
    pub mean: f32,
    /// Centre of gravity: x and y.
    pub centroid: [f32; 2],
    /// Direction of the major axis, degrees counter-clockwise from the x axis of the image, from 0 to below 180; `None` for a
    /// region without one, such as a square.
    pub orientation: Option<f32>,
    /// Extent along the major axis; along x for a region without one.
    pub length: f32,
    /// Extent across the major axis.
    pub breadth: f32,
}

impl RegionMeasures {
    /// Measures the region of these pixels of a map.
    pub(super) fn of(map: &[f32], width: usize, pixels: &[usize]) -> Self {
        let n = pixels.len().max(1) as f64;
        let at = |i: usize| ((i % width) as f64 + 0.5, (i / width) as f64 + 0.5);
        let mean_of =
            |value: &dyn Fn(f64, f64) -> f64| pixels.iter().map(|&i| at(i)).map(|(x, y)| value(x, y)).sum::<f64>() / n;
        let (cx, cy) = (mean_of(&|x, _| x), mean_of(&|_, y| y));
        let xx = mean_of(&|x, _| (x - cx).powi(2));
        let yy = mean_of(&|_, y| (y - cy).powi(2));
        let xy = mean_of(&|x, y| (x - cx) * (y - cy));
        let is_round = (xx - yy).hypot(2.0 * xy) <= ROUND * (xx + yy);
        // The major axis in pixels, whose y grows downwards.
        let angle = if is_round { 0.0 } else { 0.5 * (2.0 * xy).atan2(xx - yy) };
        let (sin, cos) = angle.sin_cos();
        let extent = |u: f64, v: f64| {
            let along = pixels.iter().map(|&i| at(i)).map(|(x, y)| u * x + v * y);
            let (least, most) = along.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, m), d| (l.min(d), m.max(d)));
            // The corners of the outermost pixels lie beyond their centres.
            (most - least + u.abs() + v.abs()) as f32
        };
        Self {
            mean: (pixels.iter().map(|&i| f64::from(map[i])).sum::<f64>() / n) as f32,
            centroid: [cx as f32, cy as f32],
            orientation: (!is_round).then(|| upwards(angle)),
            length: extent(cos, sin),
            breadth: extent(-sin, cos),
        }
    }

    /// Returns the measures with all lengths multiplied.
    pub(super) fn scaled(self, factor: f32) -> Self {
        let Self { mean, centroid, orientation, length, breadth } = self;
        let centroid = centroid.map(|v| v * factor);
        Self { mean, centroid, orientation, length: length * factor, breadth: breadth * factor }
    }
}

/// Returns an angle that grows downwards as degrees that grow upwards, from 0 to below 180.
fn upwards(angle: f64) -> f32 {
    let degrees = (-angle).to_degrees().rem_euclid(180.0) as f32;
    // Rounding may give 180 or a negative zero.
    if degrees >= 180.0 { 0.0 } else { degrees + 0.0 }
}

/// A region in micrometres, beside its values in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionMicrometres {
    /// Area, square micrometres.
    pub area_um2: f32,
    /// Extent along the major axis, micrometres.
    pub length_um: f32,
    /// Extent across it, micrometres.
    pub breadth_um: f32,
    /// Centre of gravity from the upper left corner of the image: x and y, micrometres.
    pub centroid_um: [f32; 2],
    /// Bounding box: left, top, width and height, micrometres.
    pub box_um: [f32; 4],
}
