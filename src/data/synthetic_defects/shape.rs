//! Shapes of synthetic defects, as opacity masks.

use std::f32::consts::{PI, TAU};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Shape of a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefectShape {
    /// A line or an arc, from hairline to a few pixels wide.
    Line,
    /// A long jagged line, 1 to 3 pixels wide, that may branch and often runs into the edge of the crop, as cracks do.
    Crack,
    /// An ellipse at any angle, from a pinhole to a third of the crop.
    Blob,
    /// Irregular patches.
    Cloud,
    /// A blob at the edge of the crop.
    Chip,
}

impl DefectShape {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Line, Self::Crack, Self::Blob, Self::Cloud, Self::Chip];
}

impl DefectShape {
    /// Whether it is a long line.
    pub(super) fn is_line(self) -> bool {
        matches!(self, Self::Line | Self::Crack)
    }
}

/// Draws opacities in `[0, 1]`, one per pixel. `largest` is the largest half-axis of a blob as a share of the side.
pub(super) fn draw(shape: DefectShape, side: usize, largest: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let reach = (side as f32 * largest).max(2.5);
    match shape {
        DefectShape::Line => line(side, rng),
        DefectShape::Crack => crack(side, rng),
        DefectShape::Blob => {
            let middle = [0, 1].map(|_| rng.random_range(0.0..side as f32));
            blob(side, middle, axes(1.5, reach, rng), rng)
        }
        DefectShape::Cloud => cloud(side, reach, rng),
        DefectShape::Chip => {
            let along = rng.random_range(0.0..side as f32);
            let edge = if rng.random_bool(0.5) { 0.0 } else { side as f32 - 1.0 };
            let middle = if rng.random_bool(0.5) { [along, edge] } else { [edge, along] };
            blob(side, middle, axes(3.0, reach, rng), rng)
        }
    }
}

/// Draws a number uniformly on a logarithmic scale.
pub(super) fn log_uniform(low: f32, high: f32, rng: &mut ChaCha8Rng) -> f32 {
    (rng.random_range(low.ln()..=high.max(low).ln())).exp()
}

fn axes(least: f32, most: f32, rng: &mut ChaCha8Rng) -> [f32; 2] {
    let long = log_uniform(least, most, rng);
    [long, (long * rng.random_range(0.35..1.0)).max(1.2)]
}

/// Marks the pixels along a step of a pen with a Gaussian profile.
fn mark(alpha: &mut [f32], side: usize, [cx, cy]: [f32; 2], pen: f32) {
    let reach = (3.0 * pen).ceil() as isize;
    let (left, top) = (cx.round() as isize, cy.round() as isize);
    for y in (top - reach).max(0)..(top + reach + 1).min(side as isize) {
        for x in (left - reach).max(0)..(left + reach + 1).min(side as isize) {
            let (dx, dy) = (x as f32 - cx, y as f32 - cy);
            let value = (-(dx * dx + dy * dy) / (2.0 * pen * pen)).exp();
            let own = &mut alpha[y as usize * side + x as usize];
            *own = own.max(value);
        }
    }
}

/// Draws a jagged line that keeps its overall heading, and up to two branches. Two in three begin at the edge.
fn crack(side: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    const STEP: f32 = 0.7;
    let mut alpha = vec![0.0f32; side * side];
    let far = side as f32;
    let along = rng.random_range(0.0..far);
    let (start, inwards) = match rng.random_range(0..6u8) {
        0 => ([0.0, along], 0.0),
        1 => ([far, along], PI),
        2 => ([along, 0.0], PI / 2.0),
        3 => ([along, far], -PI / 2.0),
        _ => ([along, rng.random_range(0.0..far)], rng.random_range(0.0..TAU)),
    };
    let heading = inwards + rng.random_range(-0.9..0.9);
    let pen = log_uniform(0.45, 1.3, rng);
    let length = log_uniform(0.4 * far, 2.0 * far, rng);
    let mut lines = vec![(start, heading, length)];
    let branches = rng.random_range(0..4usize).saturating_sub(1);
    let mut drawn = 0;
    while let Some(&(from, heading, length)) = lines.get(drawn) {
        let (mut at, mut gone, mut drift) = (from, 0.0, 0.0f32);
        while gone < length {
            let run = rng.random_range(2.0..7.0f32);
            drift = 0.8 * drift + rng.random_range(-0.25..0.25);
            let (sin, cos) = (heading + drift + rng.random_range(-0.6..0.6)).sin_cos();
            // The width varies along the line, and branches are narrower.
            let own = pen * rng.random_range(0.75..1.25) * if drawn == 0 { 1.0 } else { 0.75 };
            for _ in 0..(run / STEP) as usize {
                at = [at[0] + STEP * cos, at[1] + STEP * sin];
                mark(&mut alpha, side, at, own);
            }
            gone += run;
            if drawn == 0 && lines.len() <= branches && rng.random_bool(0.15) {
                let away = heading + rng.random_range(0.4..1.0) * if rng.random_bool(0.5) { 1.0 } else { -1.0 };
                lines.push((at, away, length * rng.random_range(0.15..0.4)));
            }
        }
        drawn += 1;
    }
    alpha
}

/// Draws a line of constant curvature with a Gaussian profile. Two in five are horizontal or vertical, as tool marks and
/// cracks along the grain are.
fn line(side: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    const STEP: f32 = 0.7;
    let mut alpha = vec![0.0f32; side * side];
    let mut at = [0, 1].map(|_| rng.random_range(0.0..side as f32));
    let mut heading = if rng.random_bool(0.4) {
        f32::from(rng.random_range(0..4u8)) * PI / 2.0 + rng.random_range(-0.12..0.12)
    } else {
        rng.random_range(0.0..TAU)
    };
    let bend = if rng.random_bool(0.4) { 0.0 } else { rng.random_range(-0.075..0.075f32) };
    let shake = if rng.random_bool(0.3) { 0.15 } else { 0.02 };
    let pen = log_uniform(0.45, 2.6, rng);
    let length = log_uniform(10.0, side as f32 * 1.3, rng);
    for _ in 0..(length / STEP) as usize {
        let [cx, cy] = at;
        mark(&mut alpha, side, at, pen);
        heading += bend + rng.random_range(-shake..shake);
        at = [cx + STEP * heading.cos(), cy + STEP * heading.sin()];
    }
    alpha
}

/// Draws an ellipse with an edge of random softness.
fn blob(side: usize, middle: [f32; 2], axes: [f32; 2], rng: &mut ChaCha8Rng) -> Vec<f32> {
    let (sin, cos) = rng.random_range(0.0..PI).sin_cos();
    let soft = log_uniform(0.8, (axes[1]).max(1.0), rng);
    let mut alpha = vec![0.0f32; side * side];
    for (i, alpha) in alpha.iter_mut().enumerate() {
        let (x, y) = ((i % side) as f32 - middle[0], (i / side) as f32 - middle[1]);
        let (u, v) = ((x * cos + y * sin) / axes[0], (y * cos - x * sin) / axes[1]);
        let inwards = (1.0 - (u * u + v * v).sqrt()) * axes[1];
        *alpha = (inwards / soft + 0.5).clamp(0.0, 1.0);
    }
    alpha
}

/// Draws a smooth random field in `[0, 1]` with `cells` grid cells per side.
pub(super) fn field(side: usize, cells: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let nodes = cells + 2;
    let grid: Vec<f32> = (0..nodes * nodes).map(|_| rng.random::<f32>()).collect();
    let step = cells as f32 / side as f32;
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    (0..side * side)
        .map(|i| {
            let (x, y) = ((i % side) as f32 * step, (i / side) as f32 * step);
            let (left, top) = (x as usize, y as usize);
            let (u, v) = (ease(x - left as f32), ease(y - top as f32));
            let row = |y: usize| grid[y * nodes + left] * (1.0 - u) + grid[y * nodes + left + 1] * u;
            row(top) * (1.0 - v) + row(top + 1) * v
        })
        .collect()
}

/// Draws patches where a smooth field exceeds a threshold, within a blob.
fn cloud(side: usize, reach: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let cells = rng.random_range(2..=(side / 8).max(3));
    let field = field(side, cells, rng);
    let mut sorted = field.clone();
    sorted.sort_by(f32::total_cmp);
    let share = rng.random_range(0.6..0.95f32);
    let level = sorted[((sorted.len() - 1) as f32 * share) as usize];
    let edge = rng.random_range(0.02..0.12f32);
    let middle = [0, 1].map(|_| rng.random_range(0.0..side as f32));
    let within = blob(side, middle, axes(5.0, (1.5 * reach).max(6.0), rng), rng);
    field.iter().zip(within).map(|(v, within)| ((v - level) / edge + 0.5).clamp(0.0, 1.0) * within).collect()
}
