//! The outer edge of a set of pixels, traced along the edges between them.

use super::AnomalyRegion;
use crate::inspect::regions::MOST_CORNERS;

/// Steps to the right, down, left and up; the next is a turn to the right.
const STEPS: [[isize; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// A set of squares within a box; nothing lies outside of it.
struct Squares {
    width: usize,
    height: usize,
    inside: Vec<bool>,
}

impl Squares {
    fn has(&self, x: isize, y: isize) -> bool {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return false };
        x < self.width && y < self.height && self.inside[y * self.width + x]
    }

    /// The same in squares of twice the side; one is in the set when any of its four is.
    fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut inside = vec![false; width * height];
        for (i, &on) in self.inside.iter().enumerate() {
            inside[i / self.width / 2 * width + i % self.width / 2] |= on;
        }
        Self { width, height, inside }
    }

    /// Corners of the outer edge, clockwise from the upper left corner of the first square of the first row. The set
    /// is on the right hand all the way. Where squares touch at a corner the way turns left, to the square across, so
    /// that one line goes around all of them.
    fn edge(&self) -> Vec<[usize; 2]> {
        let Some(start) = self.inside.iter().position(|&on| on) else { return Vec::new() };
        let start = [(start % self.width) as isize, (start / self.width) as isize];
        let (mut at, mut heading) = (start, 0);
        let mut corners = Vec::new();
        loop {
            // The squares ahead of this corner, to the left and to the right of the way.
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
            // Of the four squares around the first corner only one is in the set: it is passed once.
            if at == start {
                return corners;
            }
        }
    }
}

/// The outline of `pixels`, which lie in the box of `suspect`, in pixels of the picture.
pub(super) fn around(suspect: &AnomalyRegion, pixels: impl Iterator<Item = [usize; 2]>) -> Vec<[f32; 2]> {
    let (width, height) = (suspect.width, suspect.height);
    let mut squares = Squares { width, height, inside: vec![false; width * height] };
    for [x, y] in pixels {
        squares.inside[(y - suspect.y) * width + x - suspect.x] = true;
    }
    let mut side = 1;
    let mut corners = squares.edge();
    while corners.len() > MOST_CORNERS {
        squares = squares.halved();
        side *= 2;
        corners = squares.edge();
    }
    let place =
        |[x, y]: [usize; 2]| [(suspect.x + (x * side).min(width)) as f32, (suspect.y + (y * side).min(height)) as f32];
    corners.into_iter().map(place).collect()
}
