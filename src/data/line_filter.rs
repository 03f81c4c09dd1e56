//! Means along short lines of a map in many directions: a matched filter for what is long, thin and faint.

use std::f64::consts::PI;

use rayon::prelude::*;

/// Directions, evenly spaced over half a turn.
const DIRECTIONS: usize = 12;
/// Least share of a line that lies within the map; a shorter rest counts as if it were this long, so that a few cells in a
/// corner are no line.
const LEAST_SHARE: f32 = 0.5;

/// A cell of a line: its offset, and its weight.
type Tap = (isize, isize, f32);

/// Returns the largest mean around each cell over the lines of `length` cells through it, restricted to the map and to
/// `inspected`; 0 where nothing lies within.
pub(crate) fn line_mean(
    map: &[f32],
    width: usize,
    height: usize,
    length: usize,
    inspected: Option<&[bool]>,
) -> Vec<f32> {
    let lines: Vec<Vec<Tap>> = (0..DIRECTIONS).map(|i| line(length, PI * i as f64 / DIRECTIONS as f64)).collect();
    let inside = |at: usize| inspected.is_none_or(|all| all[at]);
    let mut out = vec![0.0f32; map.len()];
    out.par_chunks_mut(width.max(1)).enumerate().for_each(|(y, row)| {
        for (x, value) in row.iter_mut().enumerate() {
            if !inside(y * width + x) {
                continue;
            }
            let means = lines.iter().map(|taps| {
                let (mut sum, mut share) = (0.0, 0.0);
                for &(dx, dy, weight) in taps {
                    let (u, v) = (x as isize + dx, y as isize + dy);
                    if u < 0 || v < 0 || u >= width as isize || v >= height as isize {
                        continue;
                    }
                    let at = v as usize * width + u as usize;
                    if inside(at) {
                        sum += weight * map[at];
                        share += weight;
                    }
                }
                sum / share.max(LEAST_SHARE)
            });
            *value = means.fold(f32::NEG_INFINITY, f32::max);
        }
    });
    out
}

/// Returns the cells of a centred line, with weights that add up to 1.
fn line(length: usize, angle: f64) -> Vec<Tap> {
    let half = (length / 2) as isize;
    let side = (2 * half + 1) as usize;
    let mut weights = vec![0.0f64; side * side];
    // Two samples a cell, each shared among the four cells around it.
    for i in -2 * half..=2 * half {
        let t = i as f64 / 2.0;
        let (x, y) = (half as f64 + t * angle.cos(), half as f64 + t * angle.sin());
        let (left, top) = ((x + 1e-9).floor(), (y + 1e-9).floor());
        let (u, v) = (x - left, y - top);
        for (dx, dy, share) in
            [(0, 0, (1.0 - u) * (1.0 - v)), (1, 0, u * (1.0 - v)), (0, 1, (1.0 - u) * v), (1, 1, u * v)]
        {
            let (column, row) = (left as usize + dx, top as usize + dy);
            if share > 1e-6 && column < side && row < side {
                weights[row * side + column] += share;
            }
        }
    }
    let total: f64 = weights.iter().sum();
    let taps = weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
    taps.map(|(i, weight)| ((i % side) as isize - half, (i / side) as isize - half, (weight / total) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_any_direction_stands_out_and_a_spot_does_not() {
        let side = 41usize;
        for degrees in (0..180).step_by(15) {
            let (sin, cos) = (f64::from(degrees).to_radians()).sin_cos();
            let mut map = vec![0.0f32; side * side];
            for t in -9..=9 {
                let (x, y) = (20.0 + f64::from(t) * cos, 20.0 + f64::from(t) * sin);
                map[y.round() as usize * side + x.round() as usize] = 1.0;
            }
            let peak = line_mean(&map, side, side, 17, None).into_iter().fold(0.0, f32::max);
            assert!(peak > 0.55, "{degrees}: {peak}");
        }
        let mut spot = vec![0.0f32; side * side];
        (19..22).for_each(|y| spot[y * side + 19..y * side + 22].fill(1.0));
        let peak = line_mean(&spot, side, side, 17, None).into_iter().fold(0.0, f32::max);
        assert!(peak < 0.3, "{peak}");
    }

    #[test]
    fn lines_end_at_the_map_and_at_what_is_not_inspected() {
        let map = vec![1.0f32; 30 * 20];
        let means = line_mean(&map, 30, 20, 9, None);
        assert!(means.iter().all(|v| (v - 1.0).abs() < 1e-5));
        let inspected: Vec<bool> = (0..600).map(|i| i % 30 < 15).collect();
        let hot: Vec<f32> = inspected.iter().map(|on| if *on { 1.0 } else { 9.0 }).collect();
        let means = line_mean(&hot, 30, 20, 9, Some(&inspected));
        assert!((0..600).all(|i| means[i] == 0.0 && !inspected[i] || (means[i] - 1.0).abs() < 1e-5 && inspected[i]));
        // A single cell in a corner counts for no more than half a line.
        let mut corner = vec![0.0f32; 600];
        corner[0] = 1.0;
        assert!(line_mean(&corner, 30, 20, 9, None)[0] < 0.25);
        assert_eq!(line_mean(&[3.0], 1, 1, 9, None), [line_mean(&[3.0], 1, 1, 9, None)[0]]);
        assert!(line_mean(&[], 0, 0, 9, None).is_empty());
    }
}
