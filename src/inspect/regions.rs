//! Inspected regions of an image.

use serde::{Deserialize, Serialize};

/// Most regions of an image.
pub(crate) const MAX_REGIONS: usize = 256;

/// Most corners of a polygon.
pub(crate) const MAX_CORNERS: usize = 1_024;

/// An outline in pixels of the inspected image; `x` grows to the right, `y` downwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegionShape {
    /// Two opposite corners.
    Rectangle([f32; 2], [f32; 2]),
    /// Three or more corners; the outline is closed.
    Polygon(Vec<[f32; 2]>),
}

/// An outline and its effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Ignore the inside instead of inspecting it.
    pub ignore: bool,
    /// The outline.
    pub shape: RegionShape,
}

/// Inspected regions of an image: the union of the regions of interest (the whole image if there are none), minus the
/// ignored ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Regions(pub Vec<Region>);

/// Why regions are invalid. Regions are numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// Too many regions.
    #[error("there are {0} regions; at most {MAX_REGIONS} are allowed: remove some")]
    TooMany(usize),
    /// Too few corners for a polygon.
    #[error("region {region} has {corners} corners; a polygon needs 3: add corners or remove the region")]
    TooFewCorners {
        /// Number of the region.
        region: usize,
        /// Its number of corners.
        corners: usize,
    },
    /// Too many corners for a polygon.
    #[error("region {region} has {corners} corners; at most {MAX_CORNERS} are allowed: simplify the outline")]
    TooManyCorners {
        /// Number of the region.
        region: usize,
        /// Its number of corners.
        corners: usize,
    },
    /// A coordinate is not finite.
    #[error("a corner of region {0} is not a finite number; draw the region again")]
    NotFinite(usize),
}

impl RegionShape {
    /// Corners in order; the outline is closed.
    pub fn corners(&self) -> Vec<[f32; 2]> {
        match self {
            &Self::Rectangle([x0, y0], [x1, y1]) => vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]],
            Self::Polygon(corners) => corners.clone(),
        }
    }

    /// Sets `inside` for the pixels of a `width`-wide image whose centres are inside, by the even-odd rule. A centre on
    /// a left or upper edge is inside, on a right or lower one outside. An outline with a non-finite corner has no
    /// inside.
    fn paint(&self, width: usize, inside: &mut [bool]) {
        let corners = self.corners();
        if corners.len() < 3 || corners.iter().flatten().any(|v| !v.is_finite()) {
            return;
        }
        let height = inside.len() / width;
        // Number of rows or columns whose centre is before `at`.
        let before = |at: f64, most: usize| (at - 0.5).ceil().clamp(0.0, most as f64) as usize;
        let rows = |a: f64, b: f64| before(a.min(b), height)..before(a.max(b), height);
        let ys = || corners.iter().map(|c| f64::from(c[1]));
        let own = rows(ys().fold(f64::INFINITY, f64::min), ys().fold(f64::NEG_INFINITY, f64::max));
        // Each edge flips every pixel to its right; pixels flipped an odd number of times are inside. It is enough to
        // mark where flips start and accumulate them along the row.
        let mut flips = vec![false; own.len() * width];
        let mut columns = width..0;
        for (i, &[x0, y0]) in corners.iter().enumerate() {
            let [x1, y1] = corners[(i + 1) % corners.len()];
            let [x0, y0, x1, y1] = [x0, y0, x1, y1].map(f64::from);
            for row in rows(y0, y1) {
                let x = x0 + (row as f64 + 0.5 - y0) * (x1 - x0) / (y1 - y0);
                let column = before(x, width);
                columns = columns.start.min(column)..columns.end.max(column);
                if column < width {
                    flips[(row - own.start) * width + column] ^= true;
                }
            }
        }
        if columns.is_empty() {
            return;
        }
        for (inside, flips) in inside[own.start * width..].chunks_exact_mut(width).zip(flips.chunks_exact(width)) {
            let mut on = false;
            for (inside, flip) in inside[columns.clone()].iter_mut().zip(&flips[columns.clone()]) {
                on ^= flip;
                *inside |= on;
            }
        }
    }
}

impl Regions {
    /// Checks the regions.
    ///
    /// # Errors
    /// [`RegionError`] for the first invalid region.
    pub fn validate(&self) -> Result<(), RegionError> {
        if self.0.len() > MAX_REGIONS {
            return Err(RegionError::TooMany(self.0.len()));
        }
        for (i, Region { shape, .. }) in self.0.iter().enumerate() {
            let (region, corners) = (i + 1, shape.corners());
            match corners.len() {
                0..3 => return Err(RegionError::TooFewCorners { region, corners: corners.len() }),
                3..=MAX_CORNERS => {}
                _ => return Err(RegionError::TooManyCorners { region, corners: corners.len() }),
            }
            if corners.iter().flatten().any(|v| !v.is_finite()) {
                return Err(RegionError::NotFinite(region));
            }
        }
        Ok(())
    }

    /// Mask of the inspected pixels of a `width * height` image, row by row; `None` if all are inspected. A pixel
    /// belongs to a region when its centre does.
    pub fn inspected(&self, width: usize, height: usize) -> Option<Vec<bool>> {
        let pixels = width.checked_mul(height).filter(|pixels| *pixels > 0)?;
        let paint = |ignore: bool| {
            let mut shapes = self.0.iter().filter(|r| r.ignore == ignore).peekable();
            shapes.peek()?;
            let mut inside = vec![false; pixels];
            shapes.for_each(|r| r.shape.paint(width, &mut inside));
            Some(inside)
        };
        let inspected = match (paint(false), paint(true)) {
            (None, None) => return None,
            (Some(wanted), None) => wanted,
            (None, Some(ignored)) => ignored.into_iter().map(|on| !on).collect(),
            (Some(mut wanted), Some(ignored)) => {
                wanted.iter_mut().zip(&ignored).for_each(|(on, off)| *on &= !off);
                wanted
            }
        };
        inspected.contains(&false).then_some(inspected)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn region(ignore: bool, shape: RegionShape) -> Region {
        Region { ignore, shape }
    }

    fn mask_rows(regions: Vec<Region>, width: usize, height: usize) -> Vec<String> {
        let inspected = Regions(regions).inspected(width, height).unwrap();
        let line = |line: &[bool]| line.iter().map(|on| if *on { '#' } else { '.' }).collect();
        inspected.chunks(width).map(line).collect()
    }

    #[test]
    fn rectangles_hold_the_pixels_whose_centres_they_hold() {
        let wanted = [".....", "..##.", "..##.", "....."];
        for shape in [
            RegionShape::Rectangle([2.0, 1.0], [4.0, 3.0]),
            RegionShape::Rectangle([4.4, 3.4], [1.6, 0.6]),
            RegionShape::Rectangle([1.6, 3.0], [4.0, 0.6]),
            // Centres on the left and upper edges are inside, those on the right and lower ones are not.
            RegionShape::Rectangle([2.5, 1.5], [4.5, 3.5]),
        ] {
            assert_eq!(mask_rows(vec![region(false, shape)], 5, 4), wanted);
        }
    }

    #[test]
    fn polygons_follow_the_even_odd_rule() {
        let triangle = RegionShape::Polygon(vec![[0.0, 0.0], [5.0, 5.0], [0.0, 5.0]]);
        assert_eq!(mask_rows(vec![region(false, triangle)], 5, 5), [".....", "#....", "##...", "###..", "####."]);
        // A square with an inner square, joined to one outline: the inner one is a hole.
        let hole = [[0, 0], [6, 0], [6, 5], [0, 5], [0, 0], [2, 1], [4, 1], [4, 3], [2, 3], [2, 1]];
        let hole = RegionShape::Polygon(hole.iter().map(|c| c.map(|v| v as f32)).collect());
        assert_eq!(
            mask_rows(vec![region(false, hole)], 6, 6),
            ["######", "##..##", "##..##", "######", "######", "......"]
        );
        // A bow tie: both wings are inside.
        let bow = RegionShape::Polygon(vec![[0.0, 0.0], [6.0, 3.0], [6.0, 0.0], [0.0, 3.0]]);
        assert_eq!(mask_rows(vec![region(false, bow)], 6, 3), ["#....#", "######", "#....#"]);
    }

    #[test]
    fn regions_of_interest_add_up_and_ignored_ones_are_taken_out() {
        let left = region(false, RegionShape::Rectangle([0.0, 0.0], [2.0, 3.0]));
        let right = region(false, RegionShape::Rectangle([4.0, 0.0], [6.0, 3.0]));
        let middle = region(true, RegionShape::Rectangle([1.0, 1.0], [5.0, 2.0]));
        assert_eq!(mask_rows(vec![middle.clone(), left, right], 6, 3), ["##..##", "#....#", "##..##"]);
        assert_eq!(mask_rows(vec![middle], 6, 3), ["######", "#....#", "######"]);
    }

    #[test]
    fn full_and_empty_masks_are_handled() {
        assert_eq!(Regions::default().inspected(4, 3), None);
        let all = RegionShape::Rectangle([f32::MIN, f32::MIN], [f32::MAX, f32::MAX]);
        assert_eq!(Regions(vec![region(false, all.clone())]).inspected(4, 3), None);
        assert_eq!(Regions(vec![region(true, all)]).inspected(4, 3), Some(vec![false; 12]));
        let outside = RegionShape::Rectangle([-9.0, -9.0], [-1.0, 9.0]);
        assert_eq!(Regions(vec![region(true, outside.clone())]).inspected(4, 3), None);
        assert_eq!(Regions(vec![region(false, outside)]).inspected(4, 3), Some(vec![false; 12]));
        let nowhere = RegionShape::Polygon(vec![[0.0, 0.0], [4.0, f32::NAN], [4.0, 3.0]]);
        assert_eq!(Regions(vec![region(false, nowhere)]).inspected(4, 3), Some(vec![false; 12]));
        assert_eq!(Regions::default().inspected(0, 3), None);
    }

    #[test]
    fn invalid_regions_are_rejected_with_a_reason() {
        let polygon = |n: usize| region(false, RegionShape::Polygon((0..n).map(|i| [i as f32, 0.0]).collect()));
        let said = |regions: Vec<Region>| Regions(regions).validate().unwrap_err().to_string();
        assert_eq!(Regions(vec![polygon(3), polygon(MAX_CORNERS)]).validate(), Ok(()));
        assert!(said(vec![polygon(3), polygon(2)]).starts_with("region 2 has 2 corners"));
        assert!(said(vec![polygon(MAX_CORNERS + 1)]).contains("1025 corners; at most 1024"));
        assert!(said(vec![polygon(3); MAX_REGIONS + 1]).starts_with("there are 257 regions"));
        let infinite = region(true, RegionShape::Rectangle([0.0, 0.0], [f32::INFINITY, 1.0]));
        assert!(said(vec![infinite]).contains("region 1 is not a finite number"));
    }

    /// Point in polygon in integer arithmetic, in quarters of a pixel.
    fn within(corners: &[[i64; 2]], x: i64, y: i64) -> bool {
        let mut inside = false;
        for (i, &[x0, y0]) in corners.iter().enumerate() {
            let [x1, y1] = corners[(i + 1) % corners.len()];
            if (y0 <= y) != (y1 <= y) {
                let (left, right) = ((x - x0) * (y1 - y0), (y - y0) * (x1 - x0));
                inside ^= if y1 > y0 { left < right } else { left > right };
            }
        }
        inside
    }

    proptest! {
        #[test]
        fn polygons_agree_with_a_test_of_every_point(
            corners in vec([-30..90_i64, -30..70_i64], 3..12), width in 1..18_usize, height in 1..14_usize,
        ) {
            let shape = RegionShape::Polygon(corners.iter().map(|c| c.map(|v| v as f32 / 4.0)).collect());
            let got = Regions(vec![region(false, shape)]).inspected(width, height);
            let centre = |i: usize| 4 * i as i64 + 2;
            let naive: Vec<bool> =
                (0..width * height).map(|i| within(&corners, centre(i % width), centre(i / width))).collect();
            prop_assert_eq!(got.unwrap_or_else(|| vec![true; width * height]), naive);
        }

        #[test]
        fn arbitrary_numbers_are_handled(
            corners in vec([any::<f32>(), any::<f32>()], 0..9), ignore: bool, width in 0..9_usize, height in 0..9_usize,
        ) {
            let regions = Regions(vec![region(ignore, RegionShape::Polygon(corners))]);
            if let Some(inspected) = regions.inspected(width, height) {
                prop_assert_eq!(inspected.len(), width * height);
                prop_assert!(inspected.contains(&false));
            }
        }
    }
}
