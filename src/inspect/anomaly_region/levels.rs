//! The values above which healthy images show no region.

use std::{
    collections::{BTreeMap, BinaryHeap},
    ops::RangeInclusive,
};

use serde::{Deserialize, Serialize};

/// Pixels above the threshold that a region holds at least. The thresholds are calibrated for this number: fewer pixels are
/// noise.
pub const CORE: usize = 12;

/// Rows or columns between two groups of pixels up to which they are one region: the side of a cell of the critic's map,
/// which cannot tell them apart.
pub const GAP: usize = 4;

/// Cores and gaps that a file may ask for.
const CORES: RangeInclusive<usize> = 1..=1_000_000;
const MAX_GAP: usize = 64;

/// For each held-out healthy image and map, the value above which the image shows no region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionLevels {
    /// Pixels above the value that count as a region.
    pub core: usize,
    /// Rows or columns between two groups of pixels up to which they are one region.
    pub gap: usize,
    /// By the key of the map: one value per image.
    pub maps: BTreeMap<String, Vec<f32>>,
}

impl Default for RegionLevels {
    fn default() -> Self {
        Self { core: CORE, gap: GAP, maps: BTreeMap::new() }
    }
}

impl RegionLevels {
    /// Adds the map of a healthy image; pixels that were not `inspected` do not count.
    pub(crate) fn add(&mut self, map: &str, values: &[f32], width: usize, inspected: Option<&[bool]>) {
        let level = healthy_level(values, width, inspected, (self.core, self.gap));
        self.maps.entry(map.to_owned()).or_default().push(level);
    }

    /// Returns the `rank`-th largest value of a map, the largest for 0; `None` if the map was not calibrated.
    pub(crate) fn ranked(&self, map: &str, rank: usize) -> Option<f32> {
        let mut all = self.maps.get(map)?.clone();
        all.sort_unstable_by(|a, b| b.total_cmp(a));
        all.get(rank.saturating_sub(1)).or(all.last()).copied()
    }

    /// Whether every number is within the range that it can have.
    pub(crate) fn is_valid(&self) -> bool {
        let level = |level: &f32| level.is_finite() && *level >= 0.0;
        CORES.contains(&self.core) && self.gap <= MAX_GAP && self.maps.values().flatten().all(level)
    }
}

/// Returns the smallest value, at least 0, above which no group of `core` pixels is left in the map. Pixels are one group as
/// regions are: with at most `gap` rows and columns between them.
fn healthy_level(map: &[f32], width: usize, inspected: Option<&[bool]>, (core, gap): (usize, usize)) -> f32 {
    let height = map.len() / width.max(1);
    let counts = |i: usize| map[i].is_finite() && map[i] > 0.0 && inspected.is_none_or(|all| all[i]);
    // Positive numbers are ordered as their bits.
    let mut highest: BinaryHeap<(u32, u32)> =
        (0..map.len()).filter(|&i| counts(i)).map(|i| (map[i].to_bits(), i as u32)).collect();
    let mut groups = Groups(vec![0; map.len()]);
    while let Some((bits, i)) = highest.pop() {
        let i = i as usize;
        let mut size = groups.begin(i);
        let (x, y, reach) = (i % width, i / width, gap + 1);
        for row in y.saturating_sub(reach)..(y + reach + 1).min(height) {
            for j in row * width + x.saturating_sub(reach)..row * width + (x + reach + 1).min(width) {
                if groups.0[j] != 0 {
                    size = size.max(groups.join(i, j));
                }
            }
        }
        if size >= core {
            return f32::from_bits(bits);
        }
    }
    0.0
}

/// Groups of pixels (union-find): 0 for a pixel of none, minus the size for the first of a group, otherwise one more than
/// the index of another pixel of its group.
struct Groups(Vec<i64>);

impl Groups {
    /// Begins a group of one pixel, and returns its size.
    fn begin(&mut self, i: usize) -> usize {
        self.0[i] = -1;
        1
    }

    fn first(&mut self, mut i: usize) -> usize {
        while self.0[i] > 0 {
            let next = self.0[i] as usize - 1;
            // Halves the way for the next search.
            if self.0[next] > 0 {
                self.0[i] = self.0[next];
            }
            i = next;
        }
        i
    }

    /// Joins the groups of two pixels, and returns the size of the joint one.
    fn join(&mut self, a: usize, b: usize) -> usize {
        let (a, b) = (self.first(a), self.first(b));
        if a != b {
            let (large, small) = if self.0[a] <= self.0[b] { (a, b) } else { (b, a) };
            self.0[large] += self.0[small];
            self.0[small] = large as i64 + 1;
            return self.0[large].unsigned_abs() as usize;
        }
        self.0[a].unsigned_abs() as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::{super::components::components, *};

    proptest! {
        #[test]
        fn a_level_is_the_smallest_without_a_region(
            cells in vec(0..40_u8, 1..160),
            width in 1..16_usize,
            core in 1..14_usize,
            gap in 0..4_usize,
            hidden in vec(any::<bool>(), 160),
        ) {
            let height = cells.len().div_ceil(width);
            let mut map: Vec<f32> = cells.iter().map(|&c| f32::from(c) - 5.0).collect();
            map.resize(width * height, f32::NAN);
            let inspected: Vec<bool> = hidden.iter().cycle().take(map.len()).map(|h| !h).collect();
            for inspected in [None, Some(inspected.as_slice())] {
                let level = healthy_level(&map, width, inspected, (core, gap));
                let largest = |level: f32| {
                    let mask: Vec<bool> =
                        (0..map.len()).map(|i| map[i] > level && inspected.is_none_or(|all| all[i])).collect();
                    components(&mask, width, gap).iter().map(Vec::len).max().unwrap_or_default()
                };
                prop_assert!(largest(level) < core);
                prop_assert!(level == 0.0 || largest(level.next_down()) >= core);
            }
        }
    }

    #[test]
    fn levels_are_ranked_from_the_largest() {
        let mut levels = RegionLevels { core: 1, gap: 0, ..RegionLevels::default() };
        for value in [2.0, 7.0, 3.0] {
            levels.add("critic", &[0.0, value, f32::NAN, 9.0], 2, Some(&[true, true, true, false]));
        }
        let ranked = [0, 1, 2, 3, 9].map(|rank| levels.ranked("critic", rank));
        assert_eq!(ranked, [7.0, 7.0, 3.0, 2.0, 2.0].map(Some));
        assert_eq!(levels.ranked("feature", 1), None);
        levels.add("empty", &[], 0, None);
        assert_eq!(levels.ranked("empty", 1), Some(0.0));
        assert!(levels.is_valid());
        levels.maps.insert("odd".into(), vec![f32::INFINITY]);
        assert!(!levels.is_valid());
    }
}
