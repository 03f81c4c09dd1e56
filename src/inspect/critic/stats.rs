//! Statistics of the critic's response to healthy images.

use std::collections::BTreeMap;

use super::{
    map::{CriticMap, MapKind, POOLINGS, SQUARES},
    texture::TextureBank,
};
use crate::{
    data::ExposureRange,
    model::weights::{Weight, WeightError},
};

/// Rings of cells by distance to the edge that have statistics of their own; the last is the interior.
const RINGS: usize = 8;
/// Strength of the shrinkage of a ring's statistics towards those of the whole frame, in cells.
const SHRINKAGE: f64 = 3_000.0;

/// Means and standard deviations.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MeanSpread {
    pub(super) mean: Vec<f32>,
    pub(super) spread: Vec<f32>,
}

/// Statistics of the critic's response to healthy images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NormalStats {
    /// Mean of the features.
    pub(super) mean: Vec<f32>,
    /// `[features, features]`: whitens the centred features to unit variance.
    pub(super) whiten: Vec<f32>,
    /// Statistics of each map, by ring; those of a map that a critic lacks are empty.
    pub(super) rings: [MeanSpread; 4],
    /// Statistics of each map's maximum, by pooling.
    pub(super) peaks: [MeanSpread; 4],
    /// Exposures of the images, where the critic normalises brightness; `None` in models of earlier versions.
    pub(super) exposures: Option<ExposureRange>,
    /// Texture of the images; `None` in models of earlier versions, and with too few images.
    pub(super) texture: Option<TextureBank>,
}

/// Returns the ring of a cell.
pub(super) fn ring(i: usize, w: usize, h: usize) -> usize {
    let (x, y) = (i % w, i / w);
    x.min(y).min(w - 1 - x).min(h.saturating_sub(1 + y)).min(RINGS - 1)
}

/// Computes mean and standard deviation for each ring.
pub(super) fn stats_by_ring(cells: impl Iterator<Item = (usize, f32)>) -> MeanSpread {
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
    let stats = sums.iter().map(|[count, sum, squares]| {
        let centre = (sum + SHRINKAGE * mean) / (count + SHRINKAGE);
        let second = (squares + SHRINKAGE * square) / (count + SHRINKAGE);
        (centre as f32, (second - centre * centre).max(1e-8).sqrt().max(1e-3) as f32)
    });
    let (mean, spread) = stats.unzip();
    MeanSpread { mean, spread }
}

impl NormalStats {
    /// Standardises a map by ring; unchanged where no statistics are known.
    pub(super) fn standardise(&self, mut map: CriticMap) -> CriticMap {
        let [w, h] = map.cells();
        let maps = [
            (MapKind::Logit, &mut map.logit),
            (MapKind::Distance, &mut map.distance),
            (MapKind::Line, &mut map.line),
            (MapKind::Texture, &mut map.texture),
        ];
        for (kind, values) in maps {
            let stats = &self.rings[kind as usize];
            for (i, value) in values.iter_mut().enumerate() {
                let ring = ring(i, w, h);
                if let (Some(mean), Some(spread)) = (stats.mean.get(ring), stats.spread.get(ring)) {
                    *value = (*value - mean) / spread;
                }
            }
        }
        map
    }

    /// As tensors of a model file.
    pub(crate) fn weights(&self) -> Vec<Weight> {
        let weight =
            |name: &str, shape: &[usize], values: Vec<f32>| Weight { name: name.into(), shape: shape.to_vec(), values };
        // Earlier versions wrote two maps and read no others.
        let maps = self.rings.iter().filter(|own| !own.mean.is_empty()).count();
        let stats = |all: &[MeanSpread; 4]| {
            all.iter().flat_map(|l| [l.mean.clone(), l.spread.clone()].concat()).collect::<Vec<f32>>()
        };
        let mut all = vec![
            weight("mean", &[self.mean.len()], self.mean.clone()),
            weight("whiten", &[self.mean.len(), self.mean.len()], self.whiten.clone()),
            weight("rings", &[maps, 2, RINGS], stats(&self.rings)),
            weight("peaks", &[maps, 2, self.peaks[0].mean.len()], stats(&self.peaks)),
        ];
        all.extend(self.texture.iter().flat_map(TextureBank::weights));
        all.extend(self.exposures.map(|range| weight("exposures", &[2, 2], range.to_values())));
        all
    }

    /// Reads them from the tensors of a model file, by name, for a critic of `width` features.
    ///
    /// # Errors
    /// [`WeightError`] for a tensor that is missing or has another shape.
    pub(crate) fn from_weights(tensors: &BTreeMap<String, Weight>, width: usize) -> Result<Self, WeightError> {
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
        let spreads = |name: &str, wanted: &[usize]| {
            let values = take(name, wanted)?;
            let n = wanted.last().copied().unwrap_or(1).max(1);
            // Means and spreads alternate. A spread of 0 would make every value infinite.
            match values.chunks_exact(n).skip(1).step_by(2).flatten().find(|spread| **spread <= 0.0) {
                Some(&value) => {
                    let wanted = "a standard deviation is above 0";
                    Err(WeightError::Range { name: format!("usual/{name}"), value, wanted })
                }
                None => Ok(values),
            }
        };
        let stats = |values: Vec<f32>, n: usize| {
            let of = |i: usize| match values.len() {
                stored if stored < 2 * (i + 1) * n => MeanSpread::default(),
                _ => MeanSpread {
                    mean: values[2 * i * n..(2 * i + 1) * n].to_vec(),
                    spread: values[(2 * i + 1) * n..(2 * i + 2) * n].iter().map(|s| s.max(1e-6)).collect(),
                },
            };
            [of(0), of(1), of(2), of(3)]
        };
        // Models of earlier versions have two maps and no lines; without texture, there are three.
        let (maps, poolings) = match tensors.get("rings").and_then(|stored| stored.shape.first()) {
            Some(&maps) if (3..=MapKind::ALL.len()).contains(&maps) => (maps, POOLINGS.len()),
            _ => (2, SQUARES),
        };
        let stored = tensors.contains_key("exposures").then(|| take("exposures", &[2, 2])).transpose()?;
        let exposures = stored.map(|values| {
            let (name, value) = ("usual/exposures".into(), values[0]);
            let wanted = "a range of brightness from 0 to 4, and of contrast above 0";
            ExposureRange::from_values(values).ok_or(WeightError::Range { name, value, wanted })
        });
        Ok(Self {
            exposures: exposures.transpose()?,
            texture: TextureBank::from_weights(tensors)?,
            mean: take("mean", &[width])?,
            whiten: take("whiten", &[width, width])?,
            rings: stats(spreads("rings", &[maps, 2, RINGS])?, RINGS),
            peaks: stats(spreads("peaks", &[maps, 2, poolings])?, poolings),
        })
    }
}
