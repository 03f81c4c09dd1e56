//! What healthy images look like to a critic, by place and by smoothing.

use std::collections::BTreeMap;

use super::{CriticMap, Kind, SMOOTHINGS};
use crate::model::weights::{Weight, WeightError};

/// Distances to the edge, in cells, that have a centre and a spread of their own; the last is "further in".
const RINGS: usize = 8;
/// A ring of fewer cells than this leans on the whole.
const LEAN: f64 = 3_000.0;

/// Centres and spreads.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Levels {
    pub(super) centre: Vec<f32>,
    pub(super) spread: Vec<f32>,
}

/// What healthy images look like to a critic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NormalStats {
    /// Of the features.
    pub(super) mean: Vec<f32>,
    /// `[features, features]`: what is left of the features is multiplied by it, and then has variance 1.
    pub(super) whiten: Vec<f32>,
    /// Of each kind of map, by ring.
    pub(super) rings: [Levels; 2],
    /// Of the largest value of each kind of map, by smoothing.
    pub(super) peaks: [Levels; 2],
}

/// The ring of a cell.
pub(super) fn ring(i: usize, w: usize, h: usize) -> usize {
    let (x, y) = (i % w, i / w);
    x.min(y).min(w - 1 - x).min(h.saturating_sub(1 + y)).min(RINGS - 1)
}

/// A centre and a spread for each ring.
pub(super) fn levels_by_ring(cells: impl Iterator<Item = (usize, f32)>) -> Levels {
    // Count, sum, sum of squares.
    let mut sums = [[0.0f64; 3]; RINGS];
    for (ring, value) in cells {
        let value = f64::from(value);
        for (sum, add) in sums[ring].iter_mut().zip([1.0, value, value * value]) {
            *sum += add;
        }
    }
    let total = sums.iter().fold([0.0; 3], |all, own| [all[0] + own[0], all[1] + own[1], all[2] + own[2]]);
    let n = total[0].max(1.0);
    let (mean, square) = (total[1] / n, total[2] / n);
    let levels = sums.iter().map(|[count, sum, squares]| {
        let centre = (sum + LEAN * mean) / (count + LEAN);
        let second = (squares + LEAN * square) / (count + LEAN);
        (centre as f32, (second - centre * centre).max(1e-8).sqrt().max(1e-3) as f32)
    });
    let (centre, spread) = levels.unzip();
    Levels { centre, spread }
}

impl NormalStats {
    /// Maps in units of what is usual at each ring; as they are where that is not known.
    pub(super) fn standardised(&self, mut look: CriticMap) -> CriticMap {
        let [w, h] = look.cells();
        for (kind, map) in [(Kind::Logit, &mut look.logit), (Kind::Distance, &mut look.distance)] {
            let levels = &self.rings[kind as usize];
            for (i, value) in map.iter_mut().enumerate() {
                let ring = ring(i, w, h);
                if let (Some(centre), Some(spread)) = (levels.centre.get(ring), levels.spread.get(ring)) {
                    *value = (*value - centre) / spread;
                }
            }
        }
        look
    }

    /// As tensors of a model file.
    pub fn weights(&self) -> Vec<Weight> {
        let weight =
            |name: &str, shape: &[usize], values: Vec<f32>| Weight { name: name.into(), shape: shape.to_vec(), values };
        let levels = |all: &[Levels; 2]| {
            all.iter().flat_map(|l| [l.centre.clone(), l.spread.clone()].concat()).collect::<Vec<f32>>()
        };
        vec![
            weight("mean", &[self.mean.len()], self.mean.clone()),
            weight("whiten", &[self.mean.len(), self.mean.len()], self.whiten.clone()),
            weight("rings", &[2, 2, RINGS], levels(&self.rings)),
            weight("peaks", &[2, 2, SMOOTHINGS.len()], levels(&self.peaks)),
        ]
    }

    /// From the tensors of a model file, by name, for a critic of `width` features.
    ///
    /// # Errors
    /// [`WeightError`] for a tensor that is missing or of another shape.
    pub fn from_weights(tensors: &BTreeMap<String, Weight>, width: usize) -> Result<Self, WeightError> {
        let take = |name: &str, wanted: &[usize]| {
            let found = tensors.get(name).ok_or_else(|| WeightError::Missing(format!("usual/{name}")))?;
            if found.shape != wanted {
                return Err(WeightError::Shape {
                    name: format!("usual/{name}"),
                    stored: found.shape.clone(),
                    wanted: wanted.to_vec(),
                });
            }
            Ok(found.values.clone())
        };
        let levels = |values: Vec<f32>, n: usize| {
            let of = |i: usize| Levels {
                centre: values[2 * i * n..(2 * i + 1) * n].to_vec(),
                // A spread of nothing would make every number infinite.
                spread: values[(2 * i + 1) * n..(2 * i + 2) * n].iter().map(|s| s.max(1e-6)).collect(),
            };
            [of(0), of(1)]
        };
        Ok(Self {
            mean: take("mean", &[width])?,
            whiten: take("whiten", &[width, width])?,
            rings: levels(take("rings", &[2, 2, RINGS])?, RINGS),
            peaks: levels(take("peaks", &[2, 2, SMOOTHINGS.len()])?, SMOOTHINGS.len()),
        })
    }
}
