//! What a critic says of one frame, cell by cell.

use super::{Kind, SMOOTHINGS, patterns, patterns::Pattern};
use crate::{data::box_filter::box_mean, model::critic::STRIDE};

/// What a critic saw, one value a pixel in units of what is usual; 0 where not inspected.
#[derive(Clone, Debug, PartialEq)]
pub struct CriticMaps {
    /// The logit.
    pub logit: Vec<f32>,
    /// Distance of the features from what is usual (Mahalanobis 1936).
    pub distance: Vec<f32>,
}

/// A frame as the critic sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CriticMap {
    /// Width and height of the frame, pixels.
    pub(super) size: [usize; 2],
    /// Logit in units of what is usual.
    pub(super) logit: Vec<f32>,
    /// Distance of the features, likewise.
    pub(super) distance: Vec<f32>,
}

impl CriticMap {
    /// A frame of this size in which nothing was seen yet.
    pub(super) fn blank(size: [usize; 2]) -> Self {
        let cells: usize = size.iter().map(|side| side.div_ceil(STRIDE)).product();
        Self { size, logit: vec![0.0; cells], distance: vec![0.0; cells] }
    }

    /// Cells across and down.
    pub(super) fn cells(&self) -> [usize; 2] {
        self.size.map(|side| side.div_ceil(STRIDE))
    }

    pub(super) fn map(&self, kind: Kind) -> &[f32] {
        match kind {
            Kind::Logit => &self.logit,
            Kind::Distance => &self.distance,
        }
    }

    /// Where its logit is large.
    pub fn pattern(&self, inspected: Option<&[bool]>) -> Pattern {
        let cells = inspected.map(|all| self.inspected(all));
        patterns::pattern(&self.logit, self.cells(), cells.as_deref())
    }

    /// Logits and distances for every pixel of the frame, those that are not `inspected` at 0.
    pub fn maps(&self, inspected: Option<&[bool]>) -> CriticMaps {
        let map = |kind| {
            let mut map = self.pixels(kind);
            if let Some(inspected) = inspected {
                map.iter_mut().zip(inspected).filter(|(_, on)| !**on).for_each(|(v, _)| *v = 0.0);
            }
            map
        };
        CriticMaps { logit: map(Kind::Logit), distance: map(Kind::Distance) }
    }

    /// The logits for every pixel of the frame.
    pub fn logits(&self) -> Vec<f32> {
        self.pixels(Kind::Logit)
    }

    /// A map for every pixel of the frame, between the cells' middles in proportion.
    fn pixels(&self, kind: Kind) -> Vec<f32> {
        let ([width, height], [w, h]) = (self.size, self.cells());
        let smooth = box_mean(self.map(kind), w, h, 1, None);
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

    /// The largest value of a map at each smoothing.
    pub(super) fn peaks(&self, kind: Kind, inspected: Option<&[bool]>) -> Vec<f32> {
        let [w, h] = self.cells();
        let cells = inspected.map(|all| self.inspected(all));
        let inside = |i: usize| cells.as_ref().is_none_or(|all| all[i]);
        SMOOTHINGS
            .iter()
            .map(|&reach| {
                let smooth = box_mean(self.map(kind), w, h, reach, cells.as_deref());
                let own = smooth.iter().enumerate().filter(|(i, _)| inside(*i)).map(|(_, v)| *v);
                own.fold(f32::NEG_INFINITY, f32::max)
            })
            .collect()
    }

    /// Which cells have a pixel that is inspected.
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
    fn a_pixel_that_is_inspected_counts_in_its_own_cell() {
        // 255 rows of 256 pixels cover as many cells as 256 rows of 255 do.
        let look = CriticMap { size: [256, 255], logit: vec![0.0; 64 * 64], distance: vec![0.0; 64 * 64] };
        let mut pixels = vec![false; 256 * 255];
        pixels[250 * 256 + 9] = true;
        let cells = look.inspected(&pixels);
        assert_eq!(cells.iter().enumerate().filter(|(_, on)| **on).map(|(i, _)| i).collect::<Vec<_>>(), [62 * 64 + 2]);
    }
}
