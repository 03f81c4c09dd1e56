//! The sums of a step of z over the tiles.

use super::outcome::StepRecord;
use crate::inspect::latent::inversion::StepNumbers;

/// The sums of one step over the batches so far.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// One value a restart.
    total: Vec<f64>,
    residual: Vec<f64>,
    feature: Vec<f64>,
    prior: Vec<f64>,
    z_norm: Vec<f64>,
}

impl Sums {
    /// Adds a batch, whose rows are tiles, each with its restarts.
    pub(super) fn add(&mut self, numbers: &StepNumbers, restarts: usize) {
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

    /// What the step left behind, over so many tiles of so many values.
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

/// The place of the smallest value.
pub(super) fn smallest(values: &[f32]) -> usize {
    values.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i)
}
