//! The critic's map of one frame.

use super::{patterns, patterns::Pattern};
use crate::{data::box_mean, inspect::frame_check::FrameMeasures, model::critic::STRIDE};

/// Cells to every side over which a map is averaged before its maximum is taken.
pub(super) const SMOOTHINGS: [usize; 4] = [0, 1, 2, 4];

/// The critic's two maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapKind {
    /// The logit.
    Logit = 0,
    /// Mahalanobis distance of the features from the healthy mean (Mahalanobis 1936).
    Distance = 1,
}

/// The critic's maps per pixel, standardised by the statistics of healthy images; 0 where not inspected.
#[derive(Clone, Debug, PartialEq)]
pub struct CriticMaps {
    /// The logit.
    pub logit: Vec<f32>,
    /// Mahalanobis distance of the features from the healthy mean.
    pub distance: Vec<f32>,
}

/// The critic's output for one frame, one value per cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CriticMap {
    /// Width and height of the frame, pixels.
    pub(super) size: [usize; 2],
    /// Logit, standardised.
    pub(super) logit: Vec<f32>,
    /// Mahalanobis distance of the features, standardised.
    pub(super) distance: Vec<f32>,
}

impl CriticMap {
    /// A map of zeros for a frame of this size.
    pub(super) fn blank(size: [usize; 2]) -> Self {
        let cells: usize = size.iter().map(|side| side.div_ceil(STRIDE)).product();
        Self { size, logit: vec![0.0; cells], distance: vec![0.0; cells] }
    }

    /// Cells across and down.
    pub(super) fn cells(&self) -> [usize; 2] {
        self.size.map(|side| side.div_ceil(STRIDE))
    }

    pub(super) fn values(&self, kind: MapKind) -> &[f32] {
        match kind {
            MapKind::Logit => &self.logit,
            MapKind::Distance => &self.distance,
        }
    }

    /// The pattern of the logit: its maximum in each part of the frame.
    pub(crate) fn pattern(&self, inspected: Option<&[bool]>) -> Pattern {
        let cells = inspected.map(|all| self.inspected(all));
        patterns::pattern(&self.logit, self.cells(), cells.as_deref())
    }

    /// Logits and distances per pixel; 0 where not `inspected`.
    pub fn maps(&self, inspected: Option<&[bool]>) -> CriticMaps {
        let map = |kind| {
            let mut map = self.pixels(kind);
            if let Some(inspected) = inspected {
                map.iter_mut().zip(inspected).filter(|(_, on)| !**on).for_each(|(v, _)| *v = 0.0);
            }
            map
        };
        CriticMaps { logit: map(MapKind::Logit), distance: map(MapKind::Distance) }
    }

    /// Adds the medians of both maps to the statistics of the frame.
    pub(crate) fn measured(&self, frame: FrameMeasures) -> FrameMeasures {
        frame.with_critic(&self.logit, &self.distance)
    }

    /// Logits per pixel.
    pub fn logits(&self) -> Vec<f32> {
        self.pixels(MapKind::Logit)
    }

    /// A map per pixel, interpolated linearly between the centres of cells.
    fn pixels(&self, kind: MapKind) -> Vec<f32> {
        let ([width, height], [w, h]) = (self.size, self.cells());
        let smooth = box_mean(self.values(kind), w, h, 1, None);
        let along = |length: usize, cells: usize| -> Vec<(usize, usize, f32)> {
            let half = STRIDE as f32 / 2.0 - 0.5;
            (0..length)
                .map(|p| {
                    let at = ((p as f32 - half) / STRIDE as f32).clamp(0.0, (cells - 1) as f32);
                    let low = at as usize;
                    (low, (low + 1).min(cells - 1), at - low as f32)
                })
                .collect()
        };
        let (columns, rows) = (along(width, w), along(height, h));
        let mut pixels = Vec::with_capacity(width * height);
        for (top, bottom, v) in rows {
            pixels.extend(columns.iter().map(|&(left, right, u)| {
                let row = |y: usize| smooth[y * w + left] * (1.0 - u) + smooth[y * w + right] * u;
                row(top) * (1.0 - v) + row(bottom) * v
            }));
        }
        pixels
    }

    /// The maximum of a map at each smoothing scale.
    pub(super) fn peaks(&self, kind: MapKind, inspected: Option<&[bool]>) -> Vec<f32> {
        let [w, h] = self.cells();
        let cells = inspected.map(|all| self.inspected(all));
        let inside = |i: usize| cells.as_ref().is_none_or(|all| all[i]);
        SMOOTHINGS
            .iter()
            .map(|&reach| {
                let smooth = box_mean(self.values(kind), w, h, reach, cells.as_deref());
                let own = smooth.iter().enumerate().filter(|(i, _)| inside(*i)).map(|(_, v)| *v);
                own.fold(f32::NEG_INFINITY, f32::max)
            })
            .collect()
    }

    /// The cells that contain an inspected pixel.
    fn inspected(&self, pixels: &[bool]) -> Vec<bool> {
        let [w, h] = self.cells();
        let mut cells = vec![false; w * h];
        let width = self.size[0];
        for (i, _) in pixels.iter().enumerate().filter(|(_, on)| **on) {
            cells[(i / width / STRIDE) * w + i % width / STRIDE] = true;
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inspected_pixels_mark_their_own_cell() {
        // 255 rows of 256 pixels cover as many cells as 256 rows of 255 do.
        let map = CriticMap { size: [256, 255], logit: vec![0.0; 64 * 64], distance: vec![0.0; 64 * 64] };
        let mut pixels = vec![false; 256 * 255];
        pixels[250 * 256 + 9] = true;
        let cells = map.inspected(&pixels);
        assert_eq!(cells.iter().enumerate().filter(|(_, on)| **on).map(|(i, _)| i).collect::<Vec<_>>(), [62 * 64 + 2]);
    }
}
