//! Where good parts look odd to a critic, and how far a picture is from the good part most like it.
//!
//! Edges, holes and marks of the finish raise the critic's map at the same places of part after part. A frame's map is
//! brought down to its largest value in each of 6 by 6 parts of the frame, and these 36 numbers are compared with those
//! of healthy images: a mark that a good part has too is no reason to be suspicious, the same mark elsewhere is. The
//! nearest healthy image counts, as in PatchCore (Roth et al. 2022), but for whole frames and in the critic's terms.
//! Healthy images that show no place twice, like a texture, are all alike in this, and little is gained or lost.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    inspect::scores::statistics::moments,
    model::weights::{Weight, WeightError},
};

/// Parts of a frame along each side.
const PARTS: usize = 6;
/// Numbers of a pattern, row by row.
const NUMBERS: usize = PARTS * PARTS;
/// Fewer images than this say nothing of what is usual.
const FEWEST: usize = 8;
/// The least deviation of a part, standard deviations of the map.
const LEAST: f32 = 1e-3;
/// A part of which less than this share is inspected does not count: it would look quieter than it is.
const INSPECTED: f32 = 0.5;
/// Name of the tensor in a model file.
const NAME: &str = "values";

/// The largest value of a map in each part of a frame; none where it is not inspected.
pub type Pattern = [Option<f32>; NUMBERS];

/// The pattern of a map of `w` by `h` cells, both at least one, of which some may be left out.
pub(crate) fn pattern(map: &[f32], [w, h]: [usize; 2], inspected: Option<&[bool]>) -> Pattern {
    // Narrow frames have parts that share a cell.
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
        (count as f32 >= INSPECTED * cells as f32).then_some(largest)
    })
}

/// The patterns of healthy images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patterns {
    /// [`NUMBERS`] an image.
    values: Vec<f32>,
    /// Deviation of each part over the images.
    spread: Vec<f32>,
}

impl Patterns {
    /// Of so many images, one after the other. Those of which a part is not known are left out.
    pub fn of(patterns: &[Pattern]) -> Self {
        let whole = patterns.iter().filter(|pattern| pattern.iter().all(|v| v.is_some_and(f32::is_finite)));
        Self::from_values(whole.flatten().map(|v| v.unwrap_or_default()).collect())
    }

    fn from_values(values: Vec<f32>) -> Self {
        let spread = (0..NUMBERS).map(|part| {
            let all: Vec<f64> = values.iter().skip(part).step_by(NUMBERS).map(|&v| f64::from(v)).collect();
            (moments(&all).1 as f32).max(LEAST)
        });
        Self { spread: spread.collect(), values }
    }

    /// Images that it knows.
    pub fn len(&self) -> usize {
        self.values.len() / NUMBERS
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Distance to the nearest healthy image: the root of the mean square over the parts that are inspected, in
    /// standard deviations of healthy images. 0 where too few are known, or nothing is inspected.
    pub(crate) fn distance(&self, own: &Pattern) -> f64 {
        let counted = own.iter().flatten().count();
        if self.len() < FEWEST || counted == 0 {
            return 0.0;
        }
        let to = |known: &[f32]| -> f32 {
            let parts = own.iter().zip(known).zip(&self.spread);
            parts.map(|((own, known), spread)| own.map_or(0.0, |own| ((own - known) / spread).powi(2))).sum()
        };
        let nearest = self.values.chunks_exact(NUMBERS).map(to).fold(f32::INFINITY, f32::min);
        f64::from(nearest / counted as f32).sqrt()
    }

    /// As a tensor of a model file.
    pub(crate) fn weights(&self) -> Vec<Weight> {
        vec![Weight { name: NAME.into(), shape: vec![self.len(), NUMBERS], values: self.values.clone() }]
    }

    /// From the tensors of a model file; files of earlier versions have none.
    ///
    /// # Errors
    /// [`WeightError`] for a tensor of another shape.
    pub(crate) fn from_weights(tensors: &BTreeMap<String, Weight>) -> Result<Self, WeightError> {
        let Some(found) = tensors.get(NAME) else { return Ok(Self::default()) };
        let wanted = vec![found.values.len() / NUMBERS, NUMBERS];
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

    /// A quiet map with marks at these cells.
    fn map(rng: &mut ChaCha8Rng, marks: &[(usize, usize)]) -> Vec<f32> {
        let mut map: Vec<f32> = (0..SIZE[0] * SIZE[1]).map(|_| rng.random_range(-1.0..1.0)).collect();
        marks.iter().for_each(|&(x, y)| map[y * SIZE[0] + x] = 6.0);
        map
    }

    fn seen(rng: &mut ChaCha8Rng, marks: &[(usize, usize)]) -> Pattern {
        pattern(&map(rng, marks), SIZE, None)
    }

    #[test]
    fn a_mark_where_good_parts_have_one_is_nothing_and_elsewhere_it_is() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        // Two kinds of good part.
        let known: Vec<Pattern> = (0..40)
            .map(|i| match i % 2 {
                0 => seen(&mut rng, &[(2, 2)]),
                _ => seen(&mut rng, &[(20, 13), (28, 22)]),
            })
            .collect();
        let patterns = Patterns::of(&known);
        assert_eq!(patterns.len(), 40);
        let at = |pattern: Pattern| patterns.distance(&pattern);
        let (first, second) = (at(seen(&mut rng, &[(3, 1)])), at(seen(&mut rng, &[(21, 12), (27, 21)])));
        // The same mark where no good part has one.
        let odd = [(12, 10), (8, 2), (2, 19)].map(|elsewhere| at(seen(&mut rng, &[(2, 2), elsewhere])));
        assert!(odd.iter().all(|odd| *odd > 3.0 * first.max(second)), "{first} {second} {odd:?}");
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
        let known: Vec<Pattern> = (0..FEWEST).map(|_| seen(&mut rng, &[])).collect();
        let patterns = Patterns::of(&known);
        // The left half of the frame.
        let left: Vec<bool> = (0..SIZE[0] * SIZE[1]).map(|i| i % SIZE[0] < SIZE[0] / 2).collect();
        let (quiet, marked) = (map(&mut rng, &[]), map(&mut rng, &[(25, 5)]));
        let at = |map: &[f32], inspected: Option<&[bool]>| patterns.distance(&pattern(map, SIZE, inspected));
        assert!(at(&marked, None) > at(&quiet, None) + 1.0);
        assert!(at(&marked, Some(&left)) < at(&marked, None) - 1.0);
        assert_eq!(pattern(&quiet, SIZE, Some(&left)).iter().flatten().count(), NUMBERS / 2);
        assert_eq!(at(&quiet, Some(&vec![false; SIZE[0] * SIZE[1]])), 0.0);
        assert_eq!(Patterns::of(&known[1..]).distance(&seen(&mut rng, &[(1, 1)])), 0.0, "too few to tell");
    }

    #[test]
    fn patterns_go_through_a_file() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let patterns = Patterns::of(&[(); 12].map(|()| seen(&mut rng, &[])));
        let mut stored: BTreeMap<String, Weight> =
            patterns.weights().into_iter().map(|w| (w.name.clone(), w)).collect();
        assert_eq!(Patterns::from_weights(&stored).unwrap(), patterns);
        assert!(Patterns::from_weights(&BTreeMap::new()).unwrap().is_empty());
        stored.values_mut().for_each(|w| w.shape = vec![6, 2 * NUMBERS]);
        assert!(matches!(Patterns::from_weights(&stored), Err(WeightError::Shape { .. })));
    }
}
