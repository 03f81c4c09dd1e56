//! The places that a map points at: connected regions above a level, for drawing and for training.

mod outline;

use serde::{Deserialize, Serialize};

use crate::inspect::regions::RegionShape;

/// One such place, in pixels of the picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnomalyRegion {
    /// Left edge of the box around it.
    pub x: usize,
    /// Upper edge of the box around it.
    pub y: usize,
    /// Width of the box around it.
    pub width: usize,
    /// Height of the box around it.
    pub height: usize,
    /// Pixels above the level.
    pub area: usize,
    /// The largest value of the map, in the map's unit.
    pub peak: f32,
    /// Column and row of that value.
    pub at: [usize; 2],
    /// Its outer edge along the edges of pixels, corner by corner; the last is joined to the first. Holes are not
    /// outlined. A ragged one of more corners than a region may have is drawn around larger squares.
    #[serde(default)]
    pub outline: Vec<[f32; 2]>,
}

impl AnomalyRegion {
    /// The same place in a picture that has `by` times as many pixels along each side.
    #[must_use]
    pub fn scaled(mut self, by: f32) -> Self {
        let times = |v: usize| (v as f32 * by).round() as usize;
        (self.x, self.y) = (times(self.x), times(self.y));
        (self.width, self.height) = (times(self.width).max(1), times(self.height).max(1));
        self.area = (self.area as f32 * by * by).round() as usize;
        self.at = self.at.map(times);
        self.outline.iter_mut().flatten().for_each(|v| *v *= by);
        self
    }

    /// Its outline as a region; its box where there is none.
    pub fn shape(&self) -> RegionShape {
        let [x, y, right, below] = [self.x, self.y, self.x + self.width, self.y + self.height].map(|v| v as f32);
        match self.outline.len() {
            0..3 => RegionShape::Rectangle([x, y], [right, below]),
            _ => RegionShape::Polygon(self.outline.clone()),
        }
    }
}

/// What is taken to be a suspect place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// Values above this are suspect, in the map's unit.
    pub level: f32,
    /// Smaller places are dropped, pixels.
    pub min_area: usize,
    /// No more places than this, those of the highest peaks.
    pub most: usize,
}

/// The suspect places of a `width` x `height` map, row by row, highest peak first. Pixels that touch at a corner belong
/// together. A value that is not a number is not suspect; a map of another length has no places.
pub fn suspects(map: &[f32], width: usize, height: usize, cut: &Cut) -> Vec<AnomalyRegion> {
    if width == 0 || map.len() != width * height {
        return Vec::new();
    }
    let mut seen = vec![false; map.len()];
    let mut found: Vec<(AnomalyRegion, Vec<usize>)> = Vec::new();
    for start in 0..map.len() {
        if seen[start] || !is_above(map[start], cut.level) {
            continue;
        }
        let pixels = flood(map, width, cut.level, start, &mut seen);
        if pixels.len() >= cut.min_area {
            found.push((measure(map, width, &pixels), pixels));
        }
    }
    // Ties keep the order of rows.
    found.sort_by(|a, b| b.0.peak.total_cmp(&a.0.peak));
    found.truncate(cut.most);
    let outlined = |(mut suspect, pixels): (AnomalyRegion, Vec<usize>)| {
        suspect.outline = outline::around(&suspect, pixels.iter().map(|i| [i % width, i / width]));
        suspect
    };
    found.into_iter().map(outlined).collect()
}

fn is_above(value: f32, level: f32) -> bool {
    value > level
}

/// The pixels that hang together with `start`, which become seen.
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

/// Everything but the outline.
fn measure(map: &[f32], width: usize, pixels: &[usize]) -> AnomalyRegion {
    let (mut left, mut top, mut right, mut below) = (usize::MAX, usize::MAX, 0, 0);
    let mut worst = pixels.first().copied().unwrap_or_default();
    for &i in pixels {
        let (x, y) = (i % width, i / width);
        (left, right) = (left.min(x), right.max(x + 1));
        (top, below) = (top.min(y), below.max(y + 1));
        // The first in the order of rows, whatever the order of the flood.
        if map[i] > map[worst] || (map[i] == map[worst] && i < worst) {
            worst = i;
        }
    }
    AnomalyRegion {
        x: left,
        y: top,
        width: right - left,
        height: below - top,
        area: pixels.len(),
        peak: map[worst],
        at: [worst % width, worst / width],
        outline: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::inspect::{Region, Regions, regions::MOST_CORNERS};

    const ALL: Cut = Cut { level: 0.5, min_area: 1, most: 100 };

    fn map(rows: &[&str]) -> (Vec<f32>, usize, usize) {
        let value = |c: u8| if c == b'.' { 0.0 } else { f32::from(c - b'0') };
        (rows.iter().flat_map(|row| row.bytes().map(value)).collect(), rows[0].len(), rows.len())
    }

    fn painted(suspect: &AnomalyRegion, width: usize, height: usize) -> Vec<bool> {
        let region = Region { ignore: false, shape: suspect.shape() };
        Regions(vec![region]).inspected(width, height).unwrap_or_else(|| vec![true; width * height])
    }

    #[test]
    fn places_are_measured_and_come_worst_first() {
        let (values, width, height) = map(&[
            "11....9.", //
            ".1......", "..2...34", "......3.",
        ]);
        let found = suspects(&values, width, height, &ALL);
        let boxes: Vec<_> = found.iter().map(|s| (s.x, s.y, s.width, s.height, s.area, s.peak, s.at)).collect();
        assert_eq!(boxes, [(6, 0, 1, 1, 1, 9.0, [6, 0]), (6, 2, 2, 2, 3, 4.0, [7, 2]), (0, 0, 3, 3, 4, 2.0, [2, 2])],);
        let large = Cut { min_area: 3, most: 1, ..ALL };
        assert_eq!(suspects(&values, width, height, &large), found[1..2]);
        assert!(suspects(&values, width, height, &Cut { level: 9.0, ..ALL }).is_empty());
    }

    #[test]
    fn odd_maps_have_no_places() {
        assert!(suspects(&[], 0, 0, &ALL).is_empty());
        assert!(suspects(&[1.0; 5], 2, 3, &ALL).is_empty());
        assert!(suspects(&[f32::NAN; 6], 2, 3, &ALL).is_empty());
    }

    #[test]
    fn an_outline_goes_along_the_pixels() {
        let (values, width, height) = map(&["....", ".11.", ".1..", "...."]);
        let found = suspects(&values, width, height, &ALL);
        let wanted = [[1, 1], [3, 1], [3, 2], [2, 2], [2, 3], [1, 3]].map(|c| c.map(|v| v as f32));
        assert_eq!(found[0].outline, wanted);
    }

    #[test]
    fn a_ragged_place_is_outlined_in_few_corners() {
        // A comb of 2,000 teeth.
        let (width, height) = (4_001, 9);
        let values: Vec<f32> =
            (0..width * height).map(|i| f32::from(u8::from(i < width || i % width % 2 == 0))).collect();
        let found = suspects(&values, width, height, &ALL);
        assert!(found.len() == 1 && found[0].outline.len() <= MOST_CORNERS);
        let inside = painted(&found[0], width, height);
        assert!(values.iter().zip(inside).all(|(v, inside)| inside || *v == 0.0));
    }

    #[test]
    fn a_large_place_is_no_deep_place() {
        let found = suspects(&vec![1.0; 2_000 * 2_000], 2_000, 2_000, &ALL);
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
                let found = suspects(&alone, width, height, &ALL);
                prop_assert_eq!(found.len(), 1);
                // What is not reached from outside the frame, going straight, is a hole or the place itself.
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
