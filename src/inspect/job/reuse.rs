//! What stays as it was drawn where only a part of a query has changed.

use super::outcome::Outcome;
use crate::inspect::{
    planes::Planes,
    scores::ScoreKind,
    tiles::{TileCanvas, Tiling},
};

/// What is kept of the outcome of a query that has changed since in a part.
#[derive(Debug)]
pub(super) struct ReusedFrame {
    /// The tiles that hold no pixel which has changed.
    pub(super) tiles: Tiling,
    reconstruction: Planes,
    feature: Vec<f32>,
    /// The worst tile of the whole query.
    pub(super) worst_tile: f64,
}

impl ReusedFrame {
    /// What stays of `before`, and the tiles of `tiling` that hold a pixel of `query` which has changed.
    pub(super) fn of(before: &Outcome, query: &Planes, tiling: &Tiling) -> (Self, Tiling) {
        let pixels = query.pixels();
        let mut differs = vec![false; pixels];
        for (i, (own, other)) in query.values().iter().zip(before.query.values()).enumerate() {
            differs[i % pixels] |= own != other;
        }
        let (changed, tiles) = tiling.parted(&differs);
        let unchanged = Self {
            tiles,
            reconstruction: before.reconstruction.clone(),
            feature: before.feature.clone(),
            worst_tile: before.scores.get(ScoreKind::WorstTile),
        };
        (unchanged, changed)
    }

    /// Lays what was drawn of the tiles onto a canvas.
    pub(super) fn lay_drawn(&self, canvas: &mut TileCanvas) {
        self.lay(self.reconstruction.values(), canvas);
    }

    /// Lays the residual in features of the tiles onto a canvas.
    pub(super) fn lay_feature(&self, canvas: &mut TileCanvas) {
        self.lay(&self.feature, canvas);
    }

    fn lay(&self, planes: &[f32], canvas: &mut TileCanvas) {
        let (pixels, mut tile) = (self.reconstruction.pixels(), Vec::new());
        for i in 0..self.tiles.len() {
            tile.clear();
            planes.chunks_exact(pixels).for_each(|plane| self.tiles.cut_plane(plane, i, &mut tile));
            self.tiles.lay(canvas, i, &tile);
        }
    }
}
