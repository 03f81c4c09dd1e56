//! Nearest neighbours of the highest-scoring crop of an image.

use std::sync::Arc;

use super::NearestNeighbours;
use crate::{
    data::ImageGrid,
    inspect::{
        Model, Outcome,
        critic::{embedding, neighbours},
    },
};

/// Finds the nearest neighbours of the highest-scoring crop; `None` if the model has no crop bank.
pub(crate) fn nearest_neighbours(model: &Model, outcome: &Outcome) -> Option<Arc<NearestNeighbours>> {
    model.bank()?;
    let query = &outcome.query;
    let region = outcome.most_anomalous()?;
    let corner = neighbours::crop_corner(query, region)?;
    let found = match model.neighbours(query, region) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!("no neighbours were found: {error}");
            return None;
        }
    };
    let mut pixels = neighbours::crop_pixels(query, corner).to_vec();
    found.iter().for_each(|neighbour| pixels.extend_from_slice(&neighbour.pixels));
    let images = ImageGrid { count: found.len() + 1, side: embedding::SIDE, channels: query.channels(), pixels };
    let neighbours = found.into_iter().map(|n| (n.origin, n.distance)).collect();
    Some(Arc::new(NearestNeighbours { images, corner, neighbours }))
}
