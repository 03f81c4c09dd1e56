//! Defects of another family, which no network is trained on, for weighing scores.
//!
//! Weights that rest on the defects that trained the critic trust the critic too much. These have other shapes and other
//! causes: pieces of the image moved elsewhere, warped, shuffled, wiped along a direction or toned down, and jagged lines in
//! the image's own greys (CutPaste, Li et al. 2021, for pieces and scars). A pure function of a seed.

use std::f32::consts::{PI, TAU};

use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// A kind of defect for weighing scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProbeDefect {
    /// A jagged line in the darkest or brightest greys of the image.
    Fissure,
    /// A thin strip of the image, pasted elsewhere at another angle.
    Scar,
    /// A piece of the image, pasted elsewhere.
    Piece,
    /// A round area, bulged, pinched or twisted.
    Warp,
    /// An area of which small squares changed places.
    Shuffle,
    /// An area blurred along one direction.
    Wipe,
    /// A large area of another brightness and contrast.
    Tone,
}

impl ProbeDefect {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Fissure, Self::Scar, Self::Piece, Self::Warp, Self::Shuffle, Self::Wipe, Self::Tone];
}

/// A window of an image that a defect is drawn in.
struct Window {
    left: usize,
    top: usize,
    side: [usize; 2],
}

/// Planes of an image of `size` pixels, on the -1 to 1 scale.
#[derive(Clone, Copy)]
struct Source<'a> {
    values: &'a [f32],
    size: [usize; 2],
}

impl Source<'_> {
    /// Returns the value at a position of a plane, interpolated, edges repeated.
    fn at(&self, plane: usize, x: f32, y: f32) -> f32 {
        let [w, h] = self.size;
        let (x, y) = (x.clamp(0.0, (w - 1) as f32), y.clamp(0.0, (h - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(w - 1), (top + 1).min(h - 1));
        let (u, v) = (x - left as f32, y - top as f32);
        let value = |x: usize, y: usize| self.values[(plane * h + y) * w + x];
        let row = |y: usize| value(left, y) * (1.0 - u) + value(right, y) * u;
        row(top) * (1.0 - v) + row(bottom) * v
    }
}

/// Adds one defect to planes `values` of an image of `size` pixels on the -1 to 1 scale, within a window of at most
/// `reach` pixels a side; the same `seed` gives the same defect. Returns whether any value changed.
pub fn add_probe(values: &mut [f32], size: [usize; 2], reach: usize, seed: u64) -> bool {
    let mut rng = ChaCha8Rng::seed_from_u64(0x0070_726f_6265);
    rng.set_stream(seed);
    let kind = ProbeDefect::ALL[(seed % ProbeDefect::ALL.len() as u64) as usize];
    add(values, size, reach, kind, &mut rng)
}

fn add(values: &mut [f32], size: [usize; 2], reach: usize, kind: ProbeDefect, rng: &mut ChaCha8Rng) -> bool {
    let side = size.map(|side| side.min(reach));
    let [left, top] = [0, 1].map(|axis| rng.random_range(0..=size[axis] - side[axis]));
    let window = Window { left, top, side };
    let source = values.to_vec();
    let source = Source { values: &source, size };
    let planes = values.len() / (size[0] * size[1]).max(1);
    let (alpha, filled) = match kind {
        ProbeDefect::Fissure => fissure(source, planes, &window, rng),
        ProbeDefect::Scar | ProbeDefect::Piece => pasted(source, planes, &window, kind == ProbeDefect::Scar, rng),
        ProbeDefect::Warp => warped(source, planes, &window, rng),
        ProbeDefect::Shuffle => shuffled(source, planes, &window, rng),
        ProbeDefect::Wipe => wiped(source, planes, &window, rng),
        ProbeDefect::Tone => toned(source, planes, &window, rng),
    };
    let area = side[0] * side[1];
    let mut changed = false;
    for plane in 0..planes {
        for i in 0..area {
            let (x, y) = (left + i % side[0], top + i / side[0]);
            let value = &mut values[(plane * size[1] + y) * size[0] + x];
            let new = (*value + alpha[i] * (filled[plane * area + i] - *value)).clamp(-1.0, 1.0);
            changed |= (new - *value).abs() > 1e-3;
            *value = new;
        }
    }
    changed
}

/// Opacity of each pixel of the window, and what is drawn there, plane by plane.
type Drawn = (Vec<f32>, Vec<f32>);

/// Calls `value` for each pixel of the window with its plane and its position in the image.
fn each(planes: usize, window: &Window, mut value: impl FnMut(usize, f32, f32) -> f32) -> Vec<f32> {
    let mut all = Vec::with_capacity(planes * window.side[0] * window.side[1]);
    for plane in 0..planes {
        for y in 0..window.side[1] {
            for x in 0..window.side[0] {
                all.push(value(plane, (window.left + x) as f32, (window.top + y) as f32));
            }
        }
    }
    all
}

/// A patch with a straight or an elliptic outline: opacity by the position in the window.
fn outline(window: &Window, half: [f32; 2], soft: f32, round: bool, rng: &mut ChaCha8Rng) -> (Vec<f32>, [f32; 2], f32) {
    let [w, h] = window.side.map(|side| side as f32);
    let middle = [rng.random_range(0.2..0.8) * w, rng.random_range(0.2..0.8) * h];
    let angle = rng.random_range(0.0..PI);
    let (sin, cos) = angle.sin_cos();
    let alpha = (0..window.side[0] * window.side[1]).map(|i| {
        let (x, y) = ((i % window.side[0]) as f32 - middle[0], (i / window.side[0]) as f32 - middle[1]);
        let (u, v) = (x * cos + y * sin, y * cos - x * sin);
        let inwards = if round {
            (1.0 - (u / half[0]).hypot(v / half[1])) * half[1]
        } else {
            (half[0] - u.abs()).min(half[1] - v.abs())
        };
        (inwards / soft + 0.5).clamp(0.0, 1.0)
    });
    (alpha.collect(), middle, angle)
}

fn fissure(source: Source<'_>, planes: usize, window: &Window, rng: &mut ChaCha8Rng) -> Drawn {
    let [w, h] = window.side.map(|side| side as f32);
    let mut alpha = vec![0.0f32; window.side[0] * window.side[1]];
    let mut at = [rng.random_range(0.0..w), rng.random_range(0.0..h)];
    let heading = rng.random_range(0.0..TAU);
    let half_width = rng.random_range(0.6..1.5f32);
    let length = rng.random_range(0.4..1.2) * w.max(h);
    let opacity = rng.random_range(0.4..1.0f32);
    let mut gone = 0.0;
    while gone < length {
        let run = rng.random_range(3.0..9.0f32);
        let (sin, cos) = (heading + rng.random_range(-0.8..0.8f32)).sin_cos();
        let to = [at[0] + run * cos, at[1] + run * sin];
        for (i, alpha) in alpha.iter_mut().enumerate() {
            let (x, y) = ((i % window.side[0]) as f32 - at[0], (i / window.side[0]) as f32 - at[1]);
            let t = ((x * cos + y * sin) / run).clamp(0.0, 1.0) * run;
            let off = (x - t * cos).hypot(y - t * sin);
            *alpha = alpha.max(opacity * (half_width + 0.5 - off).clamp(0.0, 1.0));
        }
        (at, gone) = (to, gone + run);
    }
    let dark = rng.random_bool(0.7);
    let share = rng.random_range(0.01..0.06f32);
    let share = if dark { share } else { 1.0 - share };
    let area = source.size[0] * source.size[1];
    let greys: Vec<f32> = (0..planes)
        .map(|plane| {
            let mut sorted = source.values[plane * area..(plane + 1) * area].to_vec();
            let at = ((area - 1) as f32 * share) as usize;
            *sorted.select_nth_unstable_by(at, f32::total_cmp).1
        })
        .collect();
    (alpha, each(planes, window, |plane, _, _| greys[plane]))
}

fn pasted(source: Source<'_>, planes: usize, window: &Window, thin: bool, rng: &mut ChaCha8Rng) -> Drawn {
    let side = window.side[0].min(window.side[1]) as f32;
    let half = if thin {
        [rng.random_range(0.08..0.3) * side, rng.random_range(1.0..4.0)]
    } else {
        [rng.random_range(0.05..0.2) * side, rng.random_range(0.05..0.2) * side]
    };
    let (alpha, middle, _) = outline(window, half, 1.0, false, rng);
    let [w, h] = source.size.map(|side| side as f32);
    let from = [rng.random_range(0.0..w), rng.random_range(0.0..h)];
    // A turn by any angle, and a change of brightness within that of the surface.
    let (sin, cos) = rng.random_range(PI / 6.0..TAU - PI / 6.0).sin_cos();
    let contrast = rng.random_range(0.7..1.3f32);
    let middle = [middle[0] + window.left as f32, middle[1] + window.top as f32];
    let means: Vec<f32> = source.values.chunks_exact(source.size[0] * source.size[1]).map(mean).collect();
    let filled = each(planes, window, |plane, x, y| {
        let (x, y) = (x - middle[0], y - middle[1]);
        let value = source.at(plane, from[0] + x * cos - y * sin, from[1] + x * sin + y * cos);
        (value - means[plane]) * contrast + means[plane]
    });
    (alpha, filled)
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

fn warped(source: Source<'_>, planes: usize, window: &Window, rng: &mut ChaCha8Rng) -> Drawn {
    let side = window.side[0].min(window.side[1]) as f32;
    let radius = rng.random_range(0.08..0.3) * side;
    let (alpha, middle, _) = outline(window, [radius; 2], 1.0, true, rng);
    let middle = [middle[0] + window.left as f32, middle[1] + window.top as f32];
    let twist = if rng.random_bool(0.5) { rng.random_range(0.6..1.6f32) } else { 0.0 };
    let bulge = if twist > 0.0 { 0.0 } else { *[-0.6f32, 0.45].choose(rng).unwrap_or(&0.45) };
    let filled = each(planes, window, |plane, x, y| {
        let (x, y) = (x - middle[0], y - middle[1]);
        let inside = (1.0 - x.hypot(y) / radius).max(0.0);
        let (sin, cos) = (twist * inside).sin_cos();
        let scale = 1.0 - bulge * inside;
        source.at(plane, middle[0] + scale * (x * cos - y * sin), middle[1] + scale * (x * sin + y * cos))
    });
    (alpha, filled)
}

fn shuffled(source: Source<'_>, planes: usize, window: &Window, rng: &mut ChaCha8Rng) -> Drawn {
    let side = window.side[0].min(window.side[1]) as f32;
    let half = [rng.random_range(0.06..0.22) * side, rng.random_range(0.06..0.22) * side];
    let (alpha, _, _) = outline(window, half, 1.0, true, rng);
    let square = rng.random_range(3..8usize);
    let across = window.side[0] / square + 1;
    let moved: Vec<[f32; 2]> = (0..across * (window.side[1] / square + 1))
        .map(|_| [0, 1].map(|_| (rng.random_range(-2..=2i32) * square as i32) as f32))
        .collect();
    let filled = each(planes, window, |plane, x, y| {
        let (column, row) = (x as usize - window.left, y as usize - window.top);
        let [dx, dy] = moved[row / square * across + column / square];
        source.at(plane, x + dx, y + dy)
    });
    (alpha, filled)
}

fn wiped(source: Source<'_>, planes: usize, window: &Window, rng: &mut ChaCha8Rng) -> Drawn {
    let side = window.side[0].min(window.side[1]) as f32;
    let half = [rng.random_range(0.08..0.3) * side, rng.random_range(0.05..0.2) * side];
    let (alpha, _, _) = outline(window, half, 2.0, true, rng);
    let (sin, cos) = rng.random_range(0.0..PI).sin_cos();
    let reach = rng.random_range(3..10i32);
    let filled = each(planes, window, |plane, x, y| {
        let taps = (-reach..=reach).map(|t| source.at(plane, x + t as f32 * cos, y + t as f32 * sin));
        taps.sum::<f32>() / (2 * reach + 1) as f32
    });
    (alpha, filled)
}

fn toned(source: Source<'_>, planes: usize, window: &Window, rng: &mut ChaCha8Rng) -> Drawn {
    let side = window.side[0].min(window.side[1]) as f32;
    let half = [rng.random_range(0.15..0.45) * side, rng.random_range(0.1..0.35) * side];
    let soft = rng.random_range(0.05..0.3) * side;
    let (alpha, _, _) = outline(window, half, soft, true, rng);
    let area = source.size[0] * source.size[1];
    let spread = |values: &[f32]| {
        let mean = mean(values);
        (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len().max(1) as f32).sqrt()
    };
    let means: Vec<f32> = source.values.chunks_exact(area).map(mean).collect();
    let unit = source.values.chunks_exact(area).map(spread).fold(0.0, f32::max);
    let shift = unit * rng.random_range(0.4..1.5) * if rng.random_bool(0.6) { -1.0 } else { 1.0 };
    let contrast = rng.random_range(0.6..1.2f32);
    let filled =
        each(planes, window, |plane, x, y| (source.at(plane, x, y) - means[plane]) * contrast + means[plane] + shift);
    (alpha, filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [usize; 2] = [90, 70];

    fn texture(planes: usize) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        (0..planes * SIZE[0] * SIZE[1]).map(|_| rng.random_range(-0.4..0.4f32)).collect()
    }

    #[test]
    fn every_probe_changes_a_part_of_its_window_only() {
        for planes in [1, 3] {
            for kind in ProbeDefect::ALL {
                for stream in 0..10 {
                    let before = texture(planes);
                    let mut after = before.clone();
                    let mut rng = ChaCha8Rng::seed_from_u64(1);
                    rng.set_stream(stream);
                    assert!(add(&mut after, SIZE, 64, kind, &mut rng), "{kind:?} {stream}");
                    assert!(after.iter().all(|v| (-1.0..=1.0).contains(v)));
                    let changed: Vec<usize> = (0..after.len()).filter(|&i| after[i] != before[i]).collect();
                    let (columns, rows): (Vec<usize>, Vec<usize>) =
                        changed.iter().map(|i| (i % SIZE[0], i / SIZE[0] % SIZE[1])).unzip();
                    let span = |all: &[usize]| all.iter().max().unwrap() - all.iter().min().unwrap();
                    assert!(span(&columns) < 64 && span(&rows) < 64, "{kind:?} {stream}");
                    assert!(changed.len() < planes * 64 * 64 * 3 / 4, "{kind:?} {stream}: {}", changed.len());
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_probe_and_small_images_have_one() {
        let with = |seed: u64| {
            let mut values = texture(1);
            add_probe(&mut values, SIZE, 64, seed);
            values
        };
        assert_eq!(with(5), with(5));
        assert_ne!(with(5), with(6));
        for size in [[1, 1], [9, 3], [16, 200]] {
            for seed in 0..14 {
                let mut values = vec![0.1; size[0] * size[1]];
                values[0] = 0.5;
                add_probe(&mut values, size, 64, seed);
                assert!(values.iter().all(|v| v.is_finite()));
            }
        }
    }
}
