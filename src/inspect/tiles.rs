//! Cuts a frame of any size into overlapping tiles of the networks' input size, and blends tiles back without seams.

use super::planes::Planes;

/// Layout of a frame's tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiling {
    width: usize,
    height: usize,
    side: usize,
    /// Top-left corners. A frame smaller than a tile is centred in it and padded by
    /// reflection, so a corner may lie outside.
    corners: Vec<(isize, isize)>,
}

/// Fraction of a tile that overlaps its neighbour: one in `OVERLAP`.
const OVERLAP: usize = 4;

/// Start positions of tiles of `side` along `length` pixels: evenly spaced, overlapping by a quarter or more,
/// the last one flush with the end.
fn starts(length: usize, side: usize) -> Vec<isize> {
    let Some(room) = length.checked_sub(side) else { return vec![-(((side - length) / 2) as isize)] };
    let gaps = room.div_ceil((side - side / OVERLAP).max(1));
    (0..=gaps).map(|i| (room * i).checked_div(gaps).unwrap_or(0) as isize).collect()
}

/// Reflects `i` into `0..n` about the outermost pixels.
fn reflect(i: isize, n: usize) -> usize {
    let period = (2 * n as isize - 2).max(1);
    let i = i.rem_euclid(period);
    i.min(period - i).clamp(0, n as isize - 1) as usize
}

impl Tiling {
    /// Tiles of `side` pixels over a frame of `width * height`.
    pub fn new(width: usize, height: usize, side: usize) -> Self {
        let (xs, ys) = (starts(width, side), starts(height, side));
        let corners = ys.iter().flat_map(|&y| xs.iter().map(move |&x| (x, y))).collect();
        Self { width, height, side, corners }
    }

    /// Splits the tiles into those with a pixel in `mask` and those without.
    pub(crate) fn split(&self, mask: &[bool]) -> (Self, Self) {
        let (width, height, side) = (self.width as isize, self.height as isize, self.side as isize);
        let (holding, rest) = self.corners.iter().partition(|&&(x, y)| {
            let mut rows = y.max(0)..(y + side).min(height);
            rows.any(|v| {
                let line = v * width + x.max(0)..v * width + (x + side).min(width);
                mask.get(line.start as usize..line.end as usize).is_some_and(|l| l.contains(&true))
            })
        });
        (Self { corners: holding, ..*self }, Self { corners: rest, ..*self })
    }

    /// Keeps only the tiles with a pixel in `inspected`.
    pub(crate) fn only(self, inspected: &[bool]) -> Self {
        self.split(inspected).0
    }

    /// Number of tiles.
    pub fn len(&self) -> usize {
        self.corners.len()
    }

    /// Whether there are no tiles.
    pub fn is_empty(&self) -> bool {
        self.corners.is_empty()
    }

    /// Side of a tile, pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Appends tile `i` of a frame, channel by channel.
    pub(crate) fn cut(&self, frame: &Planes, i: usize, out: &mut Vec<f32>) {
        for c in 0..frame.channels() {
            let plane = &frame.values()[c * frame.pixels()..(c + 1) * frame.pixels()];
            self.cut_plane(plane, i, out);
        }
    }

    /// Appends tile `i` of a map with one value per pixel.
    pub(crate) fn cut_plane(&self, plane: &[f32], i: usize, out: &mut Vec<f32>) {
        let Some(&(x, y)) = self.corners.get(i) else { return };
        for v in 0..self.side as isize {
            let line = reflect(y + v, self.height) * self.width;
            if x >= 0 && x as usize + self.side <= self.width {
                out.extend_from_slice(&plane[line + x as usize..line + x as usize + self.side]);
            } else {
                out.extend((0..self.side as isize).map(|u| plane[line + reflect(x + u, self.width)]));
            }
        }
    }

    /// A canvas with this many planes.
    pub(crate) fn canvas(&self, channels: usize) -> TileCanvas {
        let pixels = self.width * self.height;
        TileCanvas { sums: vec![0.0; channels * pixels], weights: vec![0.0; pixels], channels }
    }

    /// Blends tile `i`, channel by channel, into a canvas.
    pub(crate) fn place(&self, canvas: &mut TileCanvas, i: usize, tile: &[f32]) {
        let Some(&(x, y)) = self.corners.get(i) else { return };
        let (side, pixels) = (self.side, self.width * self.height);
        let (columns, rows) = (self.blend_weights(x, self.width), self.blend_weights(y, self.height));
        for (v, down) in rows.iter().enumerate() {
            let row = y + v as isize;
            if row < 0 || row >= self.height as isize {
                continue;
            }
            for (u, across) in columns.iter().enumerate() {
                let column = x + u as isize;
                if column < 0 || column >= self.width as isize {
                    continue;
                }
                let (at, weight) = (row as usize * self.width + column as usize, down * across);
                canvas.weights[at] += weight;
                for c in 0..canvas.channels {
                    canvas.sums[c * pixels + at] += weight * tile[(c * side + v) * side + u];
                }
            }
        }
    }

    /// Blend weights of a tile's columns (or rows): cosine ramps over the overlap with its
    /// neighbours, 1 at the frame's edges.
    fn blend_weights(&self, start: isize, length: usize) -> Vec<f32> {
        let (side, fade) = (self.side as isize, (self.side / OVERLAP).max(1) as isize);
        let ramp = |distance: isize| {
            let t = ((distance as f32 + 0.5) / fade as f32).min(1.0);
            0.5 - 0.5 * (std::f32::consts::PI * t).cos()
        };
        (0..side)
            .map(|i| {
                let rise = if start > 0 { ramp(i) } else { 1.0 };
                let fall = if start + side < length as isize { ramp(side - 1 - i) } else { 1.0 };
                rise * fall
            })
            .collect()
    }
}

/// Accumulates tiles into one frame; each pixel is the weighted mean of the tiles that cover it.
#[derive(Clone, Debug)]
pub(crate) struct TileCanvas {
    sums: Vec<f32>,
    weights: Vec<f32>,
    channels: usize,
}

impl TileCanvas {
    /// The blended frame; `fallback` where no tile was placed.
    pub(crate) fn finish(self, fallback: impl Fn(usize) -> f32) -> Vec<f32> {
        let pixels = self.weights.len();
        let mut values = self.sums;
        for (i, value) in values.iter_mut().enumerate() {
            let weight = self.weights[i % pixels];
            *value = if weight > 0.0 { *value / weight } else { fallback(i) };
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: usize, height: usize, value: impl Fn(usize, usize) -> f32) -> Planes {
        let values = (0..width * height).map(|i| value(i % width, i / width)).collect();
        Planes::new(width, height, 1, values).unwrap()
    }

    fn through(tiling: &Tiling, frame: &Planes) -> Vec<f32> {
        let mut canvas = tiling.canvas(1);
        for i in 0..tiling.len() {
            let mut tile = Vec::new();
            tiling.cut(frame, i, &mut tile);
            assert_eq!(tile.len(), tiling.side() * tiling.side());
            tiling.place(&mut canvas, i, &tile);
        }
        canvas.finish(|_| f32::NAN)
    }

    #[test]
    fn constants_and_ramps_come_back_without_seams() {
        for (width, height) in [(64, 64), (65, 200), (512, 130), (40, 300), (7, 3), (1, 1)] {
            let tiling = Tiling::new(width, height, 64);
            let constant = frame(width, height, |_, _| 0.25);
            let ramp = frame(width, height, |x, y| x as f32 / 512.0 - y as f32 / 300.0);
            for frame in [constant, ramp] {
                for (got, wanted) in through(&tiling, &frame).iter().zip(frame.values()) {
                    assert!((got - wanted).abs() < 1e-5, "{width}x{height}: {got} for {wanted}");
                }
            }
        }
    }

    #[test]
    fn tiles_that_disagree_are_blended_smoothly() {
        // Each tile holds its own index: neighbouring pixels still differ by little.
        let tiling = Tiling::new(200, 64, 64);
        let mut canvas = tiling.canvas(1);
        for i in 0..tiling.len() {
            tiling.place(&mut canvas, i, &vec![i as f32; 64 * 64]);
        }
        let line = &canvas.finish(|_| f32::NAN)[..200];
        assert!(line.windows(2).all(|w| (w[1] - w[0]).abs() < 0.2), "{line:?}");
        assert_eq!((line[0], line[199]), (0.0, tiling.len() as f32 - 1.0));
    }

    #[test]
    fn tiles_reach_every_edge_and_overlap() {
        assert_eq!(starts(64, 64), [0]);
        assert_eq!(starts(65, 64), [0, 1]);
        assert_eq!(starts(256, 64), [0, 48, 96, 144, 192]);
        assert_eq!(starts(30, 64), [-17]);
        let tall = starts(2_048, 64);
        assert_eq!((tall[0], tall[tall.len() - 1]), (0, 2_048 - 64));
        assert!(tall.windows(2).all(|w| w[1] - w[0] <= 48));
    }

    #[test]
    fn tiles_without_a_pixel_to_inspect_are_left_out() {
        let mut inspected = vec![false; 256 * 256];
        inspected[200 * 256 + 3] = true;
        let (tiling, rest) = Tiling::new(256, 256, 64).split(&inspected);
        assert_eq!(tiling.corners, [(0, 144), (0, 192)]);
        assert_eq!(rest.len(), 25 - 2);
        assert!(Tiling::new(64, 64, 64).only(&vec![false; 4096]).is_empty());
    }

    #[test]
    fn small_frames_are_reflected() {
        assert_eq!([-2, -1, 0, 1, 2, 3, 4].map(|i| reflect(i, 3)), [2, 1, 0, 1, 2, 1, 0]);
        assert_eq!([-3, 0, 5].map(|i| reflect(i, 1)), [0, 0, 0]);
    }
}
