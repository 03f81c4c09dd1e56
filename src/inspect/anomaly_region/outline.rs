//! Outer boundary of a set of pixels, traced along pixel edges.

use crate::inspect::regions::MAX_CORNERS;

/// Steps to the right, down, left and up: each is a right turn from the previous one.
const STEPS: [[isize; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// A set of cells in a grid.
struct Cells {
    width: usize,
    height: usize,
    inside: Vec<bool>,
}

impl Cells {
    fn has(&self, x: isize, y: isize) -> bool {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return false };
        x < self.width && y < self.height && self.inside[y * self.width + x]
    }

    /// Returns the set on a grid of half the resolution; a cell is in the set if any of its four cells is.
    fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut inside = vec![false; width * height];
        for (i, &on) in self.inside.iter().enumerate() {
            inside[i / self.width / 2 * width + i % self.width / 2] |= on;
        }
        Self { width, height, inside }
    }

    /// Returns the corners of the outer boundary, clockwise from the top left corner of the first cell in raster order,
    /// with the set on the right. Where cells touch at a corner the path turns left, to the diagonal cell, so that one
    /// path encloses all of them.
    fn edge(&self) -> Vec<[usize; 2]> {
        let Some(start) = self.inside.iter().position(|&on| on) else { return Vec::new() };
        let start = [(start % self.width) as isize, (start / self.width) as isize];
        let (mut at, mut heading) = (start, 0);
        let mut corners = Vec::new();
        loop {
            // The cells ahead of this corner, to the left and to the right of the path.
            let [dx, dy] = STEPS[heading];
            let ahead = |side: isize| {
                let (x, y) = (dx - side * dy, dy + side * dx);
                self.has(at[0] + (x - 1) / 2, at[1] + (y - 1) / 2)
            };
            let turn = match (ahead(-1), ahead(1)) {
                (true, _) => 3,
                (false, true) => 0,
                (false, false) => 1,
            };
            if turn != 0 || at == start {
                corners.push([at[0] as usize, at[1] as usize]);
            }
            heading = (heading + turn) % 4;
            at = [at[0] + STEPS[heading][0], at[1] + STEPS[heading][1]];
            // Only one of the four cells around the first corner is in the set, so the path passes it once.
            if at == start {
                return corners;
            }
        }
    }
}

/// Returns the outline of `pixels`, which lie in the box with this top left corner and size.
pub(super) fn around(
    [left, top]: [usize; 2],
    [width, height]: [usize; 2],
    pixels: impl Iterator<Item = [usize; 2]>,
) -> Vec<[f32; 2]> {
    let mut cells = Cells { width, height, inside: vec![false; width * height] };
    for [x, y] in pixels {
        cells.inside[(y - top) * width + x - left] = true;
    }
    let mut side = 1;
    let mut corners = cells.edge();
    while corners.len() > MAX_CORNERS {
        cells = cells.halved();
        side *= 2;
        corners = cells.edge();
    }
    let in_image = |[x, y]: [usize; 2]| [(left + (x * side).min(width)) as f32, (top + (y * side).min(height)) as f32];
    corners.into_iter().map(in_image).collect()
}
