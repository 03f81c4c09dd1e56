//! Locations where healthy parts score high, and the distance of a frame from its nearest healthy neighbour.
//!
//! Edges, holes and machining marks raise the critic's map at the same locations of part after part. A frame's map is
//! reduced to its maximum in each of 6 by 6 parts of the frame, and these 36 values are compared with those of healthy
//! images: a mark that healthy parts share is not suspicious, the same mark elsewhere is. The distance to the nearest
//! healthy image counts, as in PatchCore (Roth et al. 2022), but over whole frames and on the critic's map. On images
//! without a fixed layout, such as textures, this neither helps nor hurts much.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    inspect::scores::statistics::moments,
    model::weights::{Weight, WeightError},
};

/// Parts of a frame along each axis.
const PARTS: usize = 6;
/// Values of a pattern, row by row.
const PATTERN_LEN: usize = PARTS * PARTS;
/// Fewest healthy images for a meaningful distance.
const MIN_IMAGES: usize = 8;
/// Lower bound of a part's spread, in standard deviations of the map.
const MIN_SPREAD: f32 = 1e-3;
/// A part is ignored when less than this share of it is inspected: its maximum would be too low.
const MIN_INSPECTED: f32 = 0.5;
/// Tensor name in a model file.
const NAME: &str = "values";

/// Maximum of a map in each part of a frame; `None` where the part is not inspected.
pub type Pattern = [Option<f32>; PATTERN_LEN];

/// Computes the pattern of a map of `w` by `h` cells, both at least 1; cells outside `inspected` are ignored.
pub(crate) fn pattern(map: &[f32], [w, h]: [usize; 2], inspected: Option<&[bool]>) -> Pattern {
    // In narrow frames, parts may share a cell.
    let span = |part: usize, side: usize| -> Range<usize> {
        let first = (part * side / PARTS).min(side - 1);
        first..((part + 1) * side / PARTS).max(first + 1)
    };
    std::array::from_fn(|i| {
        let (rows, columns) = (span(i / PARTS, h), span(i % PARTS, w));
        let cells = rows.len() * columns.len();
        let own = rows.flat_map(|y| columns.clone().map(move |x| y * w + x));
        let counted = own.filter(|&at| inspected.is_none_or(|all| all.get(at).copied().unwrap_or(false)));
        let (count, largest) = counted.fold((0, f32::NEG_INFINITY), |(n, most), at| (n + 1, map[at].max(most)));
        (count as f32 >= MIN_INSPECTED * cells as f32).then_some(largest)
    })
}

/// The patterns of healthy images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patterns {
    /// [`PATTERN_LEN`] values per image.
    values: Vec<f32>,
    /// Standard deviation of each part over the images.
    spread: Vec<f32>,
}

impl Patterns {
    /// Collects patterns; incomplete ones are skipped.
    pub fn of(patterns: &[Pattern]) -> Self {
        let whole = patterns.iter().filter(|pattern| pattern.iter().all(|v| v.is_some_and(f32::is_finite)));
        Self::from_values(whole.flatten().map(|v| v.unwrap_or_default()).collect())
    }

    fn from_values(values: Vec<f32>) -> Self {
        let spread = (0..PATTERN_LEN).map(|part| {
            let all: Vec<f64> = values.iter().skip(part).step_by(PATTERN_LEN).map(|&v| f64::from(v)).collect();
            (moments(&all).1 as f32).max(MIN_SPREAD)
        });
        Self { spread: spread.collect(), values }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.values.len() / PATTERN_LEN
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Distance to the nearest healthy image: root mean square over the inspected parts, in standard deviations of
    /// healthy images. 0 with too few healthy images or nothing inspected.
    pub(crate) fn distance(&self, own: &Pattern) -> f64 {
        let counted = own.iter().flatten().count();
        if self.len() < MIN_IMAGES || counted == 0 {
            return 0.0;
        }
        let to = |known: &[f32]| -> f32 {
            let parts = own.iter().zip(known).zip(&self.spread);
            parts.map(|((own, known), spread)| own.map_or(0.0, |own| ((own - known) / spread).powi(2))).sum()
        };
        let nearest = self.values.chunks_exact(PATTERN_LEN).map(to).fold(f32::INFINITY, f32::min);
        f64::from(nearest / counted as f32).sqrt()
    }

    /// As a tensor of a model file.
    pub(crate) fn weights(&self) -> Vec<Weight> {
        vec![Weight { name: NAME.into(), shape: vec![self.len(), PATTERN_LEN], values: self.values.clone() }]
    }

    /// Reads them from the tensors of a model file; files of earlier versions have none.
    ///
    /// # Errors
    /// [`WeightError`] for a tensor with another shape.
    pub(crate) fn from_weights(tensors: &BTreeMap<String, Weight>) -> Result<Self, WeightError> {
        let Some(found) = tensors.get(NAME) else { return Ok(Self::default()) };
        let wanted = vec![found.values.len() / PATTERN_LEN, PATTERN_LEN];
        if found.shape != wanted {
            return Err(WeightError::Shape { name: format!("patterns/{NAME}"), stored: found.shape.clone(), wanted });
        }
        Ok(Self::from_values(found.values.clone()))
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const SIZE: [usize; 2] = [30, 24];

    /// A noise map with peaks at these cells.
    fn map(rng: &mut ChaCha8Rng, marks: &[(usize, usize)]) -> Vec<f32> {
        let mut map: Vec<f32> = (0..SIZE[0] * SIZE[1]).map(|_| rng.random_range(-1.0..1.0)).collect();
        marks.iter().for_each(|&(x, y)| map[y * SIZE[0] + x] = 6.0);
        map
    }

    fn sample(rng: &mut ChaCha8Rng, marks: &[(usize, usize)]) -> Pattern {
        pattern(&map(rng, marks), SIZE, None)
    }

    #[test]
    fn marks_count_only_where_healthy_parts_have_none() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        // Two variants of healthy part.
        let known: Vec<Pattern> = (0..40)
            .map(|i| match i % 2 {
                0 => sample(&mut rng, &[(2, 2)]),
                _ => sample(&mut rng, &[(20, 13), (28, 22)]),
            })
            .collect();
        let patterns = Patterns::of(&known);
        assert_eq!(patterns.len(), 40);
        let at = |pattern: Pattern| patterns.distance(&pattern);
        let (first, second) = (at(sample(&mut rng, &[(3, 1)])), at(sample(&mut rng, &[(21, 12), (27, 21)])));
        // The same mark where no healthy part has one.
        let elsewhere_scores = [(12, 10), (8, 2), (2, 19)].map(|elsewhere| at(sample(&mut rng, &[(2, 2), elsewhere])));
        assert!(
            elsewhere_scores.iter().all(|elsewhere_scores| *elsewhere_scores > 3.0 * first.max(second)),
            "{first} {second} {elsewhere_scores:?}"
        );
        assert!(at(known[7]) == 0.0 && first > 0.0);
    }

    #[test]
    fn parts_cover_every_cell_whatever_the_size() {
        for size in [[1, 1], [3, 40], [7, 5], [31, 6]] {
            let [w, h] = size;
            for cell in 0..w * h {
                let mut map = vec![0.0; w * h];
                map[cell] = 1.0;
                let found = pattern(&map, size, None);
                assert!(found.iter().all(Option::is_some) && found.contains(&Some(1.0)), "{size:?} {cell}");
            }
        }
    }

    #[test]
    fn what_is_not_inspected_does_not_count() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let known: Vec<Pattern> = (0..MIN_IMAGES).map(|_| sample(&mut rng, &[])).collect();
        let patterns = Patterns::of(&known);
        // The left half of the frame.
        let left: Vec<bool> = (0..SIZE[0] * SIZE[1]).map(|i| i % SIZE[0] < SIZE[0] / 2).collect();
        let (quiet, marked) = (map(&mut rng, &[]), map(&mut rng, &[(25, 5)]));
        let at = |map: &[f32], inspected: Option<&[bool]>| patterns.distance(&pattern(map, SIZE, inspected));
        assert!(at(&marked, None) > at(&quiet, None) + 1.0);
        assert!(at(&marked, Some(&left)) < at(&marked, None) - 1.0);
        assert_eq!(pattern(&quiet, SIZE, Some(&left)).iter().flatten().count(), PATTERN_LEN / 2);
        assert_eq!(at(&quiet, Some(&vec![false; SIZE[0] * SIZE[1]])), 0.0);
        assert_eq!(Patterns::of(&known[1..]).distance(&sample(&mut rng, &[(1, 1)])), 0.0, "too few healthy images");
    }

    #[test]
    fn patterns_round_trip_through_a_file() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let patterns = Patterns::of(&[(); 12].map(|()| sample(&mut rng, &[])));
        let mut stored: BTreeMap<String, Weight> =
            patterns.weights().into_iter().map(|w| (w.name.clone(), w)).collect();
        assert_eq!(Patterns::from_weights(&stored).unwrap(), patterns);
        assert!(Patterns::from_weights(&BTreeMap::new()).unwrap().is_empty());
        stored.values_mut().for_each(|w| w.shape = vec![6, 2 * PATTERN_LEN]);
        assert!(matches!(Patterns::from_weights(&stored), Err(WeightError::Shape { .. })));
    }
}
