//! Sums of one step of z over all tiles.

use super::outcome::StepRecord;
use crate::inspect::latent::inversion::StepStats;

/// Sums of one step over the batches so far.
#[derive(Debug, Default)]
pub(super) struct StepSums {
    /// One value per restart.
    total: Vec<f64>,
    residual: Vec<f64>,
    feature: Vec<f64>,
    prior: Vec<f64>,
    z_norm: Vec<f64>,
}

impl StepSums {
    /// Adds a batch whose rows are tiles, each with its restarts.
    pub(super) fn add(&mut self, numbers: &StepStats, restarts: usize) {
        let columns = [
            (&mut self.total, &numbers.total),
            (&mut self.residual, &numbers.residual),
            (&mut self.feature, &numbers.feature),
            (&mut self.prior, &numbers.prior),
            (&mut self.z_norm, &numbers.z_norm),
        ];
        for (sums, values) in columns {
            sums.resize(restarts, 0.0);
            for (row, value) in values.iter().enumerate() {
                sums[row % restarts] += f64::from(*value);
            }
        }
    }

    /// The record of the step, averaged over `tiles` of `tile_len` values.
    pub(super) fn record(&self, step: usize, tiles: usize, tile_len: usize, seconds: f64) -> StepRecord {
        let pixels = (tiles * tile_len).max(1) as f64;
        let loss: Vec<f32> = self.total.iter().map(|v| (v / pixels) as f32).collect();
        let best = smallest(&loss);
        let of = |column: &[f64], over: f64| (column.get(best).copied().unwrap_or_default() / over) as f32;
        StepRecord {
            step,
            best,
            residual: of(&self.residual, pixels),
            feature: of(&self.feature, pixels),
            prior: of(&self.prior, tiles.max(1) as f64),
            z_norm: of(&self.z_norm, tiles.max(1) as f64),
            seconds: seconds as f32,
            loss,
        }
    }
}

/// Index of the smallest value.
pub(super) fn smallest(values: &[f32]) -> usize {
    values.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i)
}
