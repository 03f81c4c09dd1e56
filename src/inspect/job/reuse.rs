//! Reuse of an earlier outcome where only part of a query has changed.

use super::outcome::Outcome;
use crate::inspect::{Planes, ScoreKind, Tiling, tiles::TileCanvas};

/// The reusable part of the outcome of an earlier version of the query.
#[derive(Debug)]
pub(super) struct ReusedFrame {
    /// Tiles without a changed pixel.
    pub(super) tiles: Tiling,
    reconstruction: Planes,
    feature: Vec<f32>,
    /// Worst-tile score of the whole earlier query.
    pub(super) worst_tile: f64,
}

impl ReusedFrame {
    /// Splits `tiling` into the tiles reused from `before` and those with a changed pixel of `query`.
    pub(super) fn of(before: &Outcome, query: &Planes, tiling: &Tiling) -> (Self, Tiling) {
        let pixels = query.pixels();
        let mut differs = vec![false; pixels];
        for (i, (own, other)) in query.values().iter().zip(before.query.values()).enumerate() {
            differs[i % pixels] |= own != other;
        }
        let (changed, tiles) = tiling.split(&differs);
        let reused = Self {
            tiles,
            reconstruction: match before.exposure {
                Some(exposure) => before.reconstruction.map(|v| exposure.apply(v)),
                None => before.reconstruction.clone(),
            },
            feature: before.feature.clone(),
            worst_tile: before.scores().get(ScoreKind::WorstTile),
        };
        (reused, changed)
    }

    /// Places the reused reconstruction on a canvas.
    pub(super) fn place_reconstruction(&self, canvas: &mut TileCanvas) {
        self.place(self.reconstruction.values(), canvas);
    }

    /// Places the reused feature residual on a canvas.
    pub(super) fn place_features(&self, canvas: &mut TileCanvas) {
        self.place(&self.feature, canvas);
    }

    fn place(&self, planes: &[f32], canvas: &mut TileCanvas) {
        let (pixels, mut tile) = (self.reconstruction.pixels(), Vec::new());
        for i in 0..self.tiles.len() {
            tile.clear();
            planes.chunks_exact(pixels).for_each(|plane| self.tiles.cut_plane(plane, i, &mut tile));
            self.tiles.place(canvas, i, &tile);
        }
    }
}
