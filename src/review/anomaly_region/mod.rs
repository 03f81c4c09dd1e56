//! Anomaly regions: connected regions of a map above a level, with their outlines.

mod outline;

use serde::{Deserialize, Serialize};

use crate::inspect::RegionShape;

/// A connected region of a map above a level, in pixels of the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnomalyRegion {
    /// Left edge of the bounding box.
    pub x: usize,
    /// Top edge of the bounding box.
    pub y: usize,
    /// Width of the bounding box.
    pub width: usize,
    /// Height of the bounding box.
    pub height: usize,
    /// Number of pixels above the level.
    pub area: usize,
    /// Peak value, in the unit of the map.
    pub peak: f32,
    /// Column and row of the peak.
    pub at: [usize; 2],
    /// Corners of the closed outer boundary along pixel edges, without holes. An outline of more corners than
    /// [`RegionShape`] allows is traced on a coarser grid.
    #[serde(default)]
    pub outline: Vec<[f32; 2]>,
}

impl AnomalyRegion {
    /// Returns the region scaled by `factor` along each side.
    #[must_use]
    pub(crate) fn scaled(mut self, factor: f32) -> Self {
        let times = |v: usize| (v as f32 * factor).round() as usize;
        (self.x, self.y) = (times(self.x), times(self.y));
        (self.width, self.height) = (times(self.width).max(1), times(self.height).max(1));
        self.area = (self.area as f32 * factor * factor).round() as usize;
        self.at = self.at.map(times);
        self.outline.iter_mut().flatten().for_each(|v| *v *= factor);
        self
    }

    /// Returns the outline, or the bounding box if there is none.
    pub(crate) fn shape(&self) -> RegionShape {
        let [x, y, right, bottom] = [self.x, self.y, self.x + self.width, self.y + self.height].map(|v| v as f32);
        match self.outline.len() {
            0..3 => RegionShape::Rectangle([x, y], [right, bottom]),
            _ => RegionShape::Polygon(self.outline.clone()),
        }
    }
}

/// Threshold of an anomaly region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionThreshold {
    /// Pixels above this value belong to a region, in the unit of the map.
    pub level: f32,
    /// Smallest area, pixels.
    pub min_area: usize,
    /// Largest number of regions; those with the highest peaks are kept.
    pub max_regions: usize,
}

/// Finds the anomaly regions of a `width` x `height` map, highest peak first. Regions are 8-connected. NaN is never part of
/// a region; a map of another length has none.
pub fn find_regions(map: &[f32], width: usize, height: usize, threshold: &RegionThreshold) -> Vec<AnomalyRegion> {
    if width == 0 || map.len() != width * height {
        return Vec::new();
    }
    let mut seen = vec![false; map.len()];
    let mut found: Vec<(AnomalyRegion, Vec<usize>)> = Vec::new();
    for start in 0..map.len() {
        if seen[start] || !is_above(map[start], threshold.level) {
            continue;
        }
        let pixels = flood(map, width, threshold.level, start, &mut seen);
        if pixels.len() >= threshold.min_area {
            found.push((measure(map, width, &pixels), pixels));
        }
    }
    // A stable sort: ties stay in raster order.
    found.sort_by(|a, b| b.0.peak.total_cmp(&a.0.peak));
    found.truncate(threshold.max_regions);
    let outlined = |(mut region, pixels): (AnomalyRegion, Vec<usize>)| {
        let pixels = pixels.iter().map(|i| [i % width, i / width]);
        region.outline = outline::around([region.x, region.y], [region.width, region.height], pixels);
        region
    };
    found.into_iter().map(outlined).collect()
}

fn is_above(value: f32, level: f32) -> bool {
    value > level
}

/// Returns the pixels connected with `start` and marks them as seen.
fn flood(map: &[f32], width: usize, level: f32, start: usize, seen: &mut [bool]) -> Vec<usize> {
    let height = map.len() / width;
    let mut pixels = vec![start];
    seen[start] = true;
    let mut next = 0;
    while let Some(&i) = pixels.get(next) {
        next += 1;
        let (x, y) = (i % width, i / width);
        for row in y.saturating_sub(1)..(y + 2).min(height) {
            for j in row * width + x.saturating_sub(1)..row * width + (x + 2).min(width) {
                if !seen[j] && is_above(map[j], level) {
                    seen[j] = true;
                    pixels.push(j);
                }
            }
        }
    }
    pixels
}

/// Measures a region, without its outline.
fn measure(map: &[f32], width: usize, pixels: &[usize]) -> AnomalyRegion {
    let (mut left, mut top, mut right, mut bottom) = (usize::MAX, usize::MAX, 0, 0);
    let mut peak = pixels.first().copied().unwrap_or_default();
    for &i in pixels {
        let (x, y) = (i % width, i / width);
        (left, right) = (left.min(x), right.max(x + 1));
        (top, bottom) = (top.min(y), bottom.max(y + 1));
        // The first in raster order, whatever the order of the flood fill.
        if map[i] > map[peak] || (map[i] == map[peak] && i < peak) {
            peak = i;
        }
    }
    AnomalyRegion {
        x: left,
        y: top,
        width: right - left,
        height: bottom - top,
        area: pixels.len(),
        peak: map[peak],
        at: [peak % width, peak / width],
        outline: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::inspect::{Region, Regions, regions::MAX_CORNERS};

    const ALL: RegionThreshold = RegionThreshold { level: 0.5, min_area: 1, max_regions: 100 };

    fn map(rows: &[&str]) -> (Vec<f32>, usize, usize) {
        let value = |c: u8| if c == b'.' { 0.0 } else { f32::from(c - b'0') };
        (rows.iter().flat_map(|row| row.bytes().map(value)).collect(), rows[0].len(), rows.len())
    }

    fn painted(region: &AnomalyRegion, width: usize, height: usize) -> Vec<bool> {
        let inspected = Region { ignore: false, shape: region.shape() };
        Regions(vec![inspected]).inspected(width, height).unwrap_or_else(|| vec![true; width * height])
    }

    #[test]
    fn places_are_measured_and_come_worst_first() {
        let (values, width, height) = map(&[
            "11....9.", //
            ".1......", "..2...34", "......3.",
        ]);
        let found = find_regions(&values, width, height, &ALL);
        let boxes: Vec<_> = found.iter().map(|s| (s.x, s.y, s.width, s.height, s.area, s.peak, s.at)).collect();
        assert_eq!(boxes, [(6, 0, 1, 1, 1, 9.0, [6, 0]), (6, 2, 2, 2, 3, 4.0, [7, 2]), (0, 0, 3, 3, 4, 2.0, [2, 2])],);
        let large = RegionThreshold { min_area: 3, max_regions: 1, ..ALL };
        assert_eq!(find_regions(&values, width, height, &large), found[1..2]);
        assert!(find_regions(&values, width, height, &RegionThreshold { level: 9.0, ..ALL }).is_empty());
    }

    #[test]
    fn odd_maps_have_no_places() {
        assert!(find_regions(&[], 0, 0, &ALL).is_empty());
        assert!(find_regions(&[1.0; 5], 2, 3, &ALL).is_empty());
        assert!(find_regions(&[f32::NAN; 6], 2, 3, &ALL).is_empty());
    }

    #[test]
    fn an_outline_goes_along_the_pixels() {
        let (values, width, height) = map(&["....", ".11.", ".1..", "...."]);
        let found = find_regions(&values, width, height, &ALL);
        let wanted = [[1, 1], [3, 1], [3, 2], [2, 2], [2, 3], [1, 3]].map(|c| c.map(|v| v as f32));
        assert_eq!(found[0].outline, wanted);
    }

    #[test]
    fn a_ragged_place_is_outlined_in_few_corners() {
        // A comb of 2,000 teeth.
        let (width, height) = (4_001, 9);
        let values: Vec<f32> =
            (0..width * height).map(|i| f32::from(u8::from(i < width || i % width % 2 == 0))).collect();
        let found = find_regions(&values, width, height, &ALL);
        assert!(found.len() == 1 && found[0].outline.len() <= MAX_CORNERS);
        let inside = painted(&found[0], width, height);
        assert!(values.iter().zip(inside).all(|(v, inside)| inside || *v == 0.0));
    }

    #[test]
    fn a_large_place_is_no_deep_place() {
        let found = find_regions(&vec![1.0; 2_000 * 2_000], 2_000, 2_000, &ALL);
        assert_eq!((found.len(), found[0].area, found[0].outline.len()), (1, 4_000_000, 4));
    }

    proptest! {
        #[test]
        fn an_outline_painted_is_the_place_without_its_holes(cells in vec(0..3_u8, 1..120), width in 1..14_usize) {
            let height = cells.len().div_ceil(width);
            let mut values: Vec<f32> = cells.iter().map(|&c| f32::from(c / 2)).collect();
            values.resize(width * height, 0.0);
            let mut seen = vec![false; values.len()];
            for start in 0..values.len() {
                if seen[start] || values[start] < 1.0 {
                    continue;
                }
                let own = flood(&values, width, 0.5, start, &mut seen);
                let mut alone = vec![0.0; values.len()];
                own.iter().for_each(|&i| alone[i] = 1.0);
                let found = find_regions(&alone, width, height, &ALL);
                prop_assert_eq!(found.len(), 1);
                // Pixels that a 4-connected fill from outside does not reach are holes or the region itself.
                let wide = width + 2;
                let mut outside = vec![false; wide * (height + 2)];
                let mut stack = vec![0];
                while let Some(i) = stack.pop() {
                    let (x, y) = (i % wide, i / wide);
                    let own = (1..=width).contains(&x) && (1..=height).contains(&y) && alone[(y - 1) * width + x - 1] > 0.0;
                    if own || outside[i] {
                        continue;
                    }
                    outside[i] = true;
                    if x > 0 { stack.push(i - 1) }
                    if x + 1 < wide { stack.push(i + 1) }
                    if y > 0 { stack.push(i - wide) }
                    if y < height + 1 { stack.push(i + wide) }
                }
                let wanted: Vec<bool> =
                    (0..width * height).map(|i| !outside[(i / width + 1) * wide + i % width + 1]).collect();
                prop_assert_eq!(painted(&found[0], width, height), wanted);
            }
        }
    }
}
