//! Embeddings of crops: the critic's whitened features, averaged over each quarter of a crop.

use super::frame_critic::FrameCritic;
use crate::{
    inspect::Planes,
    model::{
        critic::{MULTIPLE, REACH, STRIDE},
        weights::{WeightError, host_finite},
    },
};

/// Side of a crop, pixels.
pub(crate) const SIDE: usize = 64;

impl FrameCritic {
    /// Embedding dimension.
    pub(in crate::inspect) fn embedding_dim(&self) -> usize {
        4 * self.net.width()
    }

    /// Computes the embedding of the crop at `corner`, which lies on the grid of cells.
    ///
    /// # Errors
    /// When the values cannot be read from the device.
    pub(in crate::inspect) fn embed(&self, frame: &Planes, corner: (usize, usize)) -> Result<Vec<f32>, WeightError> {
        // Only the receptive field of the crop's features, aligned to the grid of the whole frame.
        let span = |at: usize, side: usize| {
            let first = at.saturating_sub(REACH) / MULTIPLE * MULTIPLE;
            first..(at + SIDE + REACH).next_multiple_of(MULTIPLE).min(side)
        };
        let (columns, rows) = (span(corner.0, frame.width()), span(corner.1, frame.height()));
        let (mut values, channels) = (Vec::new(), frame.channels());
        for c in 0..channels {
            for y in rows.clone() {
                values.extend(columns.clone().map(|x| frame.at(x, y, c)));
            }
        }
        let Some(around) = Planes::new(columns.len(), rows.len(), channels, values) else { return Ok(Vec::new()) };
        let mut cells: Vec<f32> = Vec::new();
        self.for_each_band(&around, self.illumination(frame), |_, features| {
            let whitened = match &self.whitening {
                Some((mean, whiten)) => (features - mean.clone()).matmul(whiten.clone()),
                None => features,
            };
            cells.extend(host_finite(whitened, "the embedding of a crop")?.1);
            Ok(())
        })?;
        let (across, half) = (columns.len().div_ceil(STRIDE), SIDE / STRIDE / 2);
        let (left, top) = ((corner.0 - columns.start) / STRIDE, (corner.1 - rows.start) / STRIDE);
        let width = self.net.width();
        let mut embedding = vec![0.0; self.embedding_dim()];
        for y in 0..2 * half {
            for x in 0..2 * half {
                let cell = (top + y) * across + left + x;
                let quarter = (y / half) * 2 + x / half;
                let mean = &mut embedding[quarter * width..(quarter + 1) * width];
                let cell = cells.get(cell * width..(cell + 1) * width).unwrap_or_default();
                mean.iter_mut().zip(cell).for_each(|(sum, v)| *sum += v / (half * half) as f32);
            }
        }
        Ok(embedding)
    }
}
