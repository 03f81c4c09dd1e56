//! The critic's map of one frame.

use std::borrow::Cow;

use super::{interpolation::interpolated, patterns, patterns::Pattern};
use crate::{
    data::{box_mean, line_mean},
    inspect::frame_check::FrameMeasures,
    model::critic::STRIDE,
};

/// How a map is averaged before its maximum is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    /// Over a square that extends so many cells to every side.
    Square(usize),
    /// Along lines of so many cells in many directions.
    Line(usize),
}

/// All of them. Models of earlier versions use the first four.
pub(super) const POOLINGS: [Pooling; 7] = [
    Pooling::Square(0),
    Pooling::Square(1),
    Pooling::Square(2),
    Pooling::Square(4),
    Pooling::Line(5),
    Pooling::Line(9),
    Pooling::Line(17),
];
/// Number of poolings of models of earlier versions.
pub(super) const SQUARES: usize = 4;

/// Limit of the texture in the map on show, standard deviations. Strong damage changes the texture all around, and its
/// outline would be that of the squares that the texture is averaged over.
const TEXTURE_LIMIT: f32 = 3.0;

/// The critic's maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapKind {
    /// The logit.
    Logit = 0,
    /// Mahalanobis distance of the features from the healthy mean (Mahalanobis 1936).
    Distance = 1,
    /// The logit of long lines.
    Line = 2,
    /// Distance of the texture statistics from those of healthy images.
    Texture = 3,
}

impl MapKind {
    /// All of them; models of earlier versions have the first two.
    pub(super) const ALL: [Self; 4] = [Self::Logit, Self::Distance, Self::Line, Self::Texture];
}

/// The critic's maps per pixel, standardised by the statistics of healthy images; 0 where not inspected.
#[derive(Clone, Debug, PartialEq)]
pub struct CriticMaps {
    /// The critic's map on show: the mean of its larger logit, the distance and the texture, or the only
    /// logit of earlier versions.
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
    /// Logit of long lines, standardised; empty for a critic without one.
    pub(super) line: Vec<f32>,
    /// Distance of the texture statistics, standardised; empty without them.
    pub(super) texture: Vec<f32>,
}

impl CriticMap {
    /// A map of zeros for a frame of this size; `lines`: whether the critic has a logit of long lines.
    pub(super) fn blank(size: [usize; 2], lines: bool) -> Self {
        let cells: usize = size.iter().map(|side| side.div_ceil(STRIDE)).product();
        let line = if lines { vec![0.0; cells] } else { Vec::new() };
        Self { size, logit: vec![0.0; cells], distance: vec![0.0; cells], line, texture: Vec::new() }
    }

    /// Cells across and down.
    pub(super) fn cells(&self) -> [usize; 2] {
        self.size.map(|side| side.div_ceil(STRIDE))
    }

    pub(super) fn values(&self, kind: MapKind) -> &[f32] {
        match kind {
            MapKind::Logit => &self.logit,
            MapKind::Distance => &self.distance,
            MapKind::Line => &self.line,
            MapKind::Texture => &self.texture,
        }
    }

    /// The larger of both logits in each cell.
    fn largest(&self) -> Cow<'_, [f32]> {
        match self.line.is_empty() {
            true => Cow::Borrowed(&self.logit),
            false => Cow::Owned(self.logit.iter().zip(&self.line).map(|(a, b)| a.max(*b)).collect()),
        }
    }

    /// The map on show: the mean of the larger logit, the distance and the texture, which locate different damage well, or
    /// the logit of a critic of an earlier version.
    fn combined(&self) -> Cow<'_, [f32]> {
        let largest = self.largest();
        if self.line.is_empty() {
            return largest;
        }
        let maps = if self.texture.is_empty() { 2.0 } else { 3.0 };
        let texture = |i: usize| self.texture.get(i).map_or(0.0, |v| v.min(TEXTURE_LIMIT));
        let sums =
            largest.iter().zip(&self.distance).enumerate().map(|(i, (logit, distance))| logit + distance + texture(i));
        Cow::Owned(sums.map(|sum| sum / maps).collect())
    }

    /// The pattern of the logit: its maximum in each part of the frame.
    pub(crate) fn pattern(&self, inspected: Option<&[bool]>) -> Pattern {
        let cells = inspected.map(|all| self.inspected(all));
        patterns::pattern(&self.largest(), self.cells(), cells.as_deref())
    }

    /// Logits and distances per pixel; 0 where not `inspected`.
    pub fn maps(&self, inspected: Option<&[bool]>) -> CriticMaps {
        let map = |cells: &[f32]| {
            let mut map = self.pixels(cells);
            if let Some(inspected) = inspected {
                map.iter_mut().zip(inspected).filter(|(_, on)| !**on).for_each(|(v, _)| *v = 0.0);
            }
            map
        };
        CriticMaps { logit: map(&self.combined()), distance: map(&self.distance) }
    }

    /// Adds the medians of both maps to the statistics of the frame.
    pub(crate) fn measured(&self, frame: FrameMeasures) -> FrameMeasures {
        frame.with_critic(&self.logit, &self.distance)
    }

    /// Logits per pixel.
    pub fn logits(&self) -> Vec<f32> {
        self.pixels(&self.largest())
    }

    /// A map per pixel, interpolated linearly between the centres of cells.
    fn pixels(&self, values: &[f32]) -> Vec<f32> {
        let [w, h] = self.cells();
        let smooth = box_mean(values, w, h, 1, None);
        interpolated(&smooth, [w, h], self.size, STRIDE as f32 / 2.0 - 0.5, STRIDE)
    }

    /// The maximum of a map by each of the first `count` poolings.
    pub(super) fn peaks(&self, kind: MapKind, count: usize, inspected: Option<&[bool]>) -> Vec<f32> {
        let [w, h] = self.cells();
        let cells = inspected.map(|all| self.inspected(all));
        let inside = |i: usize| cells.as_ref().is_none_or(|all| all[i]);
        POOLINGS
            .iter()
            .take(count)
            .map(|&pooling| {
                let values = self.values(kind);
                let smooth = match pooling {
                    Pooling::Square(reach) => box_mean(values, w, h, reach, cells.as_deref()),
                    Pooling::Line(length) => line_mean(values, w, h, length, cells.as_deref()),
                };
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
    fn the_map_on_show_is_the_mean_of_what_the_critic_has() {
        let plain = CriticMap::blank([8, 4], false);
        let map = CriticMap { logit: vec![1.0, 4.0], distance: vec![2.0, 0.0], ..plain };
        assert_eq!(map.combined()[..], [1.0, 4.0], "an earlier version has its logit");
        let map = CriticMap { line: vec![3.0, 1.0], ..map };
        assert_eq!(map.combined()[..], [2.5, 2.0]);
        let map = CriticMap { texture: vec![-2.0, 90.0], ..map };
        assert_eq!(map.combined()[..], [1.0, (4.0 + TEXTURE_LIMIT) / 3.0]);
    }

    #[test]
    fn inspected_pixels_mark_their_own_cell() {
        // 255 rows of 256 pixels cover as many cells as 256 rows of 255 do.
        let map = CriticMap {
            size: [256, 255],
            logit: vec![0.0; 64 * 64],
            distance: vec![0.0; 64 * 64],
            line: Vec::new(),
            texture: Vec::new(),
        };
        let mut pixels = vec![false; 256 * 255];
        pixels[250 * 256 + 9] = true;
        let cells = map.inspected(&pixels);
        assert_eq!(cells.iter().enumerate().filter(|(_, on)| **on).map(|(i, _)| i).collect::<Vec<_>>(), [62 * 64 + 2]);
    }
}
