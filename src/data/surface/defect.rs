//! Adds defects to the heights and reflectances of a healthy surface.

use std::f32::consts::{PI, TAU};

use super::{
    kind::DefectType,
    noise::{Noise, SeededRng, mix, smoothstep},
    relief::{Relief, box_blur},
    texture::{FURROW_REACH, GRAIN_ALBEDO, furrow},
};

/// Damages `relief` and returns the affected points. `strength` scales depths and stains; 1 is the default, more is for
/// damage that would not be visible at its position.
pub(super) fn damage(kind: DefectType, relief: &mut Relief, rng: &mut SeededRng, strength: f32) -> Vec<bool> {
    // A hairline crack is as dark as the grains.
    let strength = if kind == DefectType::HairlineCrack { strength } else { strength * relief.defects };
    match kind {
        DefectType::Scratch => scratch(relief, rng, strength),
        DefectType::Pit => pit(relief, rng, strength),
        DefectType::Stain if rng.chance(0.6) => stain(relief, rng, strength),
        DefectType::Stain => dent(relief, rng, strength),
        DefectType::Smear => smear(relief, rng, strength),
        DefectType::Crack => crack(relief, rng, strength),
        DefectType::HairlineCrack => hairline_crack(relief, rng, strength),
        DefectType::Discolouration => discolouration(relief, rng, strength),
    }
}

/// Factor on the size of defects, so that they do not fill a small image.
fn size_factor(relief: &Relief) -> f32 {
    (relief.side as f32 / 160.0).clamp(0.25, 1.0)
}

/// Draws a position away from the border, in pixels from the middle.
fn random_position(relief: &Relief, rng: &mut SeededRng) -> [f32; 2] {
    let reach = relief.side as f32 * 0.32;
    [rng.uniform(-reach, reach), rng.uniform(-reach, reach)]
}

/// Multiplies a reflectance towards `factor`; a strength above 1 darkens or brightens further.
fn tint(value: &mut f32, factor: f32, amount: f32) {
    *value *= factor.powf(amount);
}

fn scratch(relief: &mut Relief, rng: &mut SeededRng, strength: f32) -> Vec<bool> {
    let length = rng.log_uniform(45.0, 210.0) * size_factor(relief);
    let half_width = rng.log_uniform(0.7, 2.3) * relief.defects;
    let depth = strength * half_width * rng.uniform(0.6, 1.0);
    // At an angle to the lay: along it, a scratch would look like a tool mark.
    let heading = relief.light.lay + rng.sign() * rng.uniform(PI / 8.0, PI / 2.0);
    let curve = rng.uniform(-0.5, 0.5) / length;
    let [mx, my] = random_position(relief, rng);
    let (skips, edge) = (Noise::new(rng), Noise::new(rng));

    let steps = length.ceil().max(4.0);
    let middle = relief.side as f32 / 2.0;
    let points: Vec<[f32; 2]> = (0..=steps as usize)
        .map(|i| {
            let s = (i as f32 / steps - 0.5) * length;
            let (sin, cos) = (heading + 0.5 * curve * s).sin_cos();
            [middle + mx + s * cos, middle + my + s * sin]
        })
        .collect();
    let trace = Trace::along(&[points], relief.side, FURROW_REACH * half_width * 1.3);
    relief.carve(&trace, |near| {
        let taper = smoothstep(0.0, 0.25, near.share) * smoothstep(1.0, 0.7, near.share);
        let pressure = taper * (0.85 + 0.25 * skips.line(near.run / 9.0));
        let d = near.distance / (half_width * (1.0 + 0.25 * edge.line(near.run / 3.0)));
        let (core, rim) = (smoothstep(1.1, 0.3, d), smoothstep(0.8, 1.4, d));
        let rim = rim * smoothstep(2.2, 1.5, d);
        let shade = 0.68_f32.powf(strength * core) * 1.30_f32.powf(strength * rim);
        Cut { height: depth * pressure * furrow(d, 0.5), albedo: mix(1.0, shade, taper) }
    })
}

fn pit(relief: &mut Relief, rng: &mut SeededRng, strength: f32) -> Vec<bool> {
    let pits = 1 + (rng.uniform(0.0, 1.0).powi(2) * 4.0) as usize;
    let [mx, my] = random_position(relief, rng);
    let mut support = vec![false; relief.height.len()];
    for number in 0..pits {
        let radius = rng.log_uniform(2.6, 8.5) * size_factor(relief).max(0.5) * relief.defects;
        let spread = if number == 0 { 0.0 } else { 26.0 * size_factor(relief) };
        let centre = [mx + spread * rng.normal(), my + spread * rng.normal()];
        let dark = rng.uniform(0.36, 0.6);
        let (outline, floor) = (Noise::new(rng), Noise::new(rng));
        let mut i = 0;
        relief.for_each_point(|x, y, height, albedo, gloss| {
            let (dx, dy) = (x - centre[0], y - centre[1]);
            let index = i;
            i += 1;
            if dx.abs().max(dy.abs()) > 2.4 * radius {
                return;
            }
            let distance = (dx * dx + dy * dy).sqrt() / radius;
            let (cos, sin) = (dx / (distance * radius + 1e-3), dy / (distance * radius + 1e-3));
            let d = distance / (1.0 + 0.24 * outline.plane(1.6 * cos + 9.0, 1.6 * sin + 9.0));
            if d > 1.9 {
                return;
            }
            support[index] = true;
            let bowl = smoothstep(1.1, 0.45, d);
            let rim = smoothstep(0.85, 1.2, d) * smoothstep(1.9, 1.3, d);
            let rough = floor.plane(dx / 1.8, dy / 1.8);
            // The bowl removes the tool marks, and its rim is raised.
            *height = mix(*height, 0.0, bowl);
            *height += strength * radius * (0.17 * rim - 0.34 * bowl) + 0.4 * bowl * rough;
            tint(albedo, dark * (1.0 + 0.2 * rough), bowl * strength);
            tint(albedo, 1.16, rim * strength);
            *gloss *= 1.0 - 0.8 * bowl;
        });
    }
    support
}

fn stain(relief: &mut Relief, rng: &mut SeededRng, strength: f32) -> Vec<bool> {
    let blob = Blob::new(relief, rng, [9.0, 34.0], 0.35);
    let dark = rng.uniform(0.58, 0.76);
    let border = rng.uniform(0.78, 0.95);
    let mottle = Noise::new(rng);
    relief.stamp(&blob, |d, x, y, _, albedo, gloss| {
        // It dried from the edge inwards, so most residue is at the edge.
        let film = smoothstep(1.0, 0.86, d) * (0.85 + 0.3 * mottle.plane(x / 9.0, y / 9.0));
        let ring = smoothstep(1.02, 0.93, d) * smoothstep(0.74, 0.90, d);
        tint(albedo, dark, film * strength);
        tint(albedo, border, ring * strength);
        *gloss *= 1.0 - 0.35 * film.min(1.0);
    })
}

/// Changes the hue at equal luminance. Without effect on a surface without hues.
fn discolouration(relief: &mut Relief, rng: &mut SeededRng, strength: f32) -> Vec<bool> {
    let blob = Blob::new(relief, rng, [10.0, 34.0], 0.3);
    let size = strength * rng.uniform(0.24, 0.45);
    let (sin, cos) = rng.angle().sin_cos();
    let mottle = Noise::new(rng);
    let mut support = vec![false; relief.height.len()];
    for (i, x, y) in blob.window(relief) {
        let Some(hue) = relief.hue.get_mut(i) else { break };
        let film = smoothstep(1.0, 0.8, blob.distance(x, y)) * (0.9 + 0.2 * mottle.plane(x / 9.0, y / 9.0));
        if film > 0.0 {
            support[i] = true;
            for (excess, towards) in hue.iter_mut().zip([cos, sin]) {
                *excess = (*excess + size * film * towards).clamp(-0.9, 1.2);
            }
        }
    }
    support
}

fn dent(relief: &mut Relief, rng: &mut SeededRng, strength: f32) -> Vec<bool> {
    let blob = Blob::new(relief, rng, [8.0, 26.0], 0.12);
    // Two in three are dents, the others bumps.
    let inward = if rng.chance(0.66) { -1.0 } else { 1.0 };
    let amplitude = inward * strength * blob.axes[1] * rng.uniform(0.22, 0.34);
    relief.stamp(&blob, |d, _, _, height, albedo, gloss| {
        let bulge = (1.0 - d * d).max(0.0).powi(2);
        // The impact flattened the crests.
        *height = *height * (1.0 - 0.45 * bulge) + amplitude * bulge;
        tint(albedo, 0.86, bulge * strength);
        *gloss *= 1.0 - 0.2 * bulge;
    })
}

fn smear(relief: &mut Relief, rng: &mut SeededRng, strength: f32) -> Vec<bool> {
    let mut blob = Blob::new(relief, rng, [17.0, 42.0], 0.3);
    let side = relief.side;
    let heading = relief.light.lay + rng.sign() * rng.uniform(0.45, PI / 2.0);
    let (sin, cos) = heading.sin_cos();
    // The patch is longest in the direction of the drag.
    (blob.sin, blob.cos) = (sin, cos);
    blob.axes[1] = blob.axes[0] * rng.uniform(0.42, 0.75);
    let (streaks, edge, film) = (Noise::new(rng), Noise::new(rng), Noise::new(rng));
    let wiped = rng.uniform(0.72, 0.95);
    let ridges = rng.uniform(0.22, 0.42) * strength;
    let bright = rng.uniform(1.0, 1.25);
    let reach = rng.uniform(9.0, 16.0);
    let smoothed = dragged(&relief.height, side, [cos, sin], reach, &blob, relief);
    relief.stamp_indexed(&blob, |index, d, x, y, height, albedo, gloss| {
        let (along, across) = (x * cos + y * sin, y * cos - x * sin);
        let ragged = d + 0.20 * edge.plane(along / 40.0, across / 3.0);
        let amount = smoothstep(1.0, 0.68, ragged);
        let streak = streaks.plane(along / 60.0, across / 3.6);
        let fine = streaks.plane(along / 45.0 + 50.0, across / 1.8);
        let moved = smoothed[index] + ridges * (streak + 0.4 * fine);
        *height = mix(*height, moved, wiped * amount);
        let film = film.plane(along / 30.0, across / 5.0);
        tint(albedo, bright * (1.0 + 0.09 * film), amount * strength);
        *gloss *= 1.0 - 0.15 * amount;
    })
}

/// Averages the heights along a direction over `reach` pixels each way, inside `blob` only.
fn dragged(height: &[f32], side: usize, [cos, sin]: [f32; 2], reach: f32, blob: &Blob, relief: &Relief) -> Vec<f32> {
    let mut out = box_blur(height, side, 2);
    let (last, taps) = (side as f32 - 1.0, 9_usize);
    for (index, x, y) in blob.window(relief) {
        let (column, row) = ((index % side) as f32, (index / side) as f32);
        if blob.distance(x, y) > 1.2 {
            continue;
        }
        let mean = (0..taps).map(|tap| {
            let step = (tap as f32 / (taps - 1) as f32 * 2.0 - 1.0) * reach;
            let at = |v: f32| v.clamp(0.0, last).round() as usize;
            height[at(row + step * sin) * side + at(column + step * cos)]
        });
        out[index] = mean.sum::<f32>() / taps as f32;
    }
    out
}

fn crack(relief: &mut Relief, rng: &mut SeededRng, strength: f32) -> Vec<bool> {
    let length = rng.log_uniform(45.0, 150.0) * size_factor(relief);
    let half_width = rng.uniform(0.85, 1.7);
    let heading = relief.light.lay + rng.sign() * rng.uniform(PI / 7.0, PI / 2.0);
    let [mx, my] = random_position(relief, rng);
    let middle = relief.side as f32 / 2.0;
    let (sin, cos) = heading.sin_cos();
    let start = [middle + mx - 0.5 * length * cos, middle + my - 0.5 * length * sin];
    let main = jagged(start, heading, length, rng);
    let branches = 1 + (rng.uniform(0.0, 2.6) as usize);
    let mut lines = vec![main];
    for _ in 0..branches {
        let fork = rng.uniform(0.25, 0.8);
        let trunk = &lines[0];
        let Some(&from) = trunk.get((fork * trunk.len() as f32) as usize) else { continue };
        let away = heading + rng.sign() * rng.uniform(0.4, 1.0);
        let branch = jagged(from, away, length * rng.uniform(0.18, 0.4), rng);
        lines.push(branch);
    }
    let trace = Trace::along(&lines, relief.side, 3.2 * half_width);
    let pinch = Noise::new(rng);
    relief.carve(&trace, |near| {
        // A branch starts at the width of the trunk and closes at its tip.
        let closing = smoothstep(1.05, 0.5, near.share);
        let opening = if near.line == 0 { smoothstep(-0.05, 0.3, near.share) } else { 0.75 };
        let gape = closing * opening * (1.0 + 0.35 * pinch.line(near.run / 6.0));
        let d = near.distance / (half_width * gape).max(0.45);
        let core = smoothstep(1.15, 0.35, d);
        let lip = smoothstep(0.9, 1.5, d) * smoothstep(3.0, 1.7, d);
        let shade = 0.22_f32.powf(strength * core) * 1.07_f32.powf(strength * lip);
        Cut { height: strength * (0.25 * lip - 1.3 * core), albedo: mix(1.0, shade, closing) }
    })
}

fn hairline_crack(relief: &mut Relief, rng: &mut SeededRng, strength: f32) -> Vec<bool> {
    let length = rng.uniform(60.0, 150.0) * size_factor(relief);
    let half_width = rng.uniform(0.75, 1.5);
    let dark = rng.uniform(GRAIN_ALBEDO[0], GRAIN_ALBEDO[1]);
    let middle = relief.side as f32 / 2.0;
    // Three in four run in from the left or right side.
    let (start, heading) = if rng.chance(0.75) {
        let from_left = rng.chance(0.5);
        let across = rng.uniform(-0.7, 0.7);
        let start = [if from_left { 0.0 } else { relief.side as f32 }, middle + 0.8 * rng.uniform(-middle, middle)];
        (start, if from_left { across } else { PI - across })
    } else {
        let heading = rng.angle();
        let (sin, cos) = heading.sin_cos();
        let [mx, my] = random_position(relief, rng);
        ([middle + mx - 0.5 * length * cos, middle + my - 0.5 * length * sin], heading)
    };
    let lines = vec![jagged(start, heading, length, rng)];
    let trace = Trace::along(&lines, relief.side, 2.5 * half_width);
    let pinch = Noise::new(rng);
    relief.carve(&trace, |near| {
        let gape = smoothstep(1.02, 0.7, near.share) * (1.0 + 0.45 * pinch.line(near.run / 5.0));
        let d = near.distance / (half_width * gape).max(0.35);
        let core = smoothstep(1.2, 0.5, d);
        Cut { height: -0.3 * core, albedo: dark.powf(strength * core) }
    })
}

/// Draws a line that keeps its overall heading and turns sharply every few pixels, as a crack does from grain to grain.
fn jagged(start: [f32; 2], heading: f32, length: f32, rng: &mut SeededRng) -> Vec<[f32; 2]> {
    let mut points = vec![start];
    let (mut at, mut gone, mut drift) = (start, 0.0, 0.0);
    while gone < length {
        let step = rng.uniform(2.0, 6.5).min(length - gone + 0.1);
        drift = 0.7 * drift + 0.18 * rng.normal();
        let (sin, cos) = (heading + drift + rng.uniform(-0.6, 0.6)).sin_cos();
        at = [at[0] + step * cos, at[1] + step * sin];
        points.push(at);
        gone += step;
    }
    points
}

/// A point near a line of a trace.
struct TracePoint {
    /// Distance from the line, in pixels.
    distance: f32,
    /// Position along the line in pixels and as a share of its length.
    run: f32,
    share: f32,
    /// Index of the line; the trunk is the first.
    line: usize,
}

/// Change of a point: added to the height, multiplied with the albedo.
struct Cut {
    height: f32,
    albedo: f32,
}

/// The points within `reach` of some polylines, each with its position on the nearest one.
struct Trace {
    near: Vec<Option<TracePoint>>,
}

impl Trace {
    fn along(lines: &[Vec<[f32; 2]>], side: usize, reach: f32) -> Self {
        let mut near: Vec<Option<TracePoint>> = (0..side * side).map(|_| None).collect();
        let clip = |v: f32| v.clamp(0.0, side as f32) as usize;
        for (line, points) in lines.iter().enumerate() {
            let lengths = points.windows(2).map(|pair| span(pair[0], pair[1]));
            let total = lengths.sum::<f32>().max(1e-3);
            let mut before = 0.0;
            for pair in points.windows(2) {
                let (a, b) = (pair[0], pair[1]);
                let length = span(a, b).max(1e-3);
                for row in clip(a[1].min(b[1]) - reach)..clip(a[1].max(b[1]) + reach + 1.0) {
                    for column in clip(a[0].min(b[0]) - reach)..clip(a[0].max(b[0]) + reach + 1.0) {
                        let (x, y) = (column as f32 - a[0], row as f32 - a[1]);
                        let dot = x * (b[0] - a[0]) + y * (b[1] - a[1]);
                        let t = (dot / (length * length)).clamp(0.0, 1.0);
                        let foot = [t * (b[0] - a[0]), t * (b[1] - a[1])];
                        let distance = span([x, y], foot);
                        let here = &mut near[row * side + column];
                        if distance <= reach && here.as_ref().is_none_or(|n| distance < n.distance) {
                            let run = before + t * length;
                            *here = Some(TracePoint { distance, run, share: run / total, line });
                        }
                    }
                }
                before += length;
            }
        }
        Self { near }
    }
}

fn span(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// An ellipse with a wavy outline.
struct Blob {
    centre: [f32; 2],
    /// Half-axes in pixels, the longer first.
    axes: [f32; 2],
    cos: f32,
    sin: f32,
    /// Amplitude of the outline's waves as a share of the half-axes.
    wave: f32,
    outline: Noise,
}

impl Blob {
    /// Creates a blob at a random position on `relief`, the longer half-axis within `sizes`.
    fn new(relief: &Relief, rng: &mut SeededRng, sizes: [f32; 2], wave: f32) -> Self {
        let long = rng.log_uniform(sizes[0], sizes[1]) * size_factor(relief);
        let short = long * rng.uniform(0.5, 0.95);
        let (sin, cos) = rng.uniform(0.0, TAU).sin_cos();
        let centre = random_position(relief, rng);
        Self { centre, axes: [long, short], cos, sin, wave, outline: Noise::new(rng) }
    }

    /// Normalised distance: 0 in the middle, 1 on the outline.
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        let u = (dx * self.cos + dy * self.sin) / self.axes[0];
        let v = (dy * self.cos - dx * self.sin) / self.axes[1];
        let d = u.hypot(v);
        let (cos, sin) = (u / (d + 1e-3), v / (d + 1e-3));
        d / (1.0 + self.wave * self.outline.plane(1.3 * cos + 5.0, 1.3 * sin + 5.0))
    }

    /// Returns index and position of each point that the blob may cover.
    fn window(&self, relief: &Relief) -> impl Iterator<Item = (usize, f32, f32)> + use<> {
        let side = relief.side;
        let middle = side as f32 / 2.0;
        let reach = self.axes[0] * (1.0 + self.wave) * 1.25;
        let range = |centre: f32| {
            let clip = |v: f32| (v + middle).clamp(0.0, side as f32) as usize;
            clip(centre - reach)..clip(centre + reach + 1.0)
        };
        let columns = range(self.centre[0]);
        range(self.centre[1]).flat_map(move |row| {
            columns.clone().map(move |column| (row * side + column, column as f32 - middle, row as f32 - middle))
        })
    }
}

impl Relief {
    /// Applies `cut` to every point of `trace`; returns the affected points.
    fn carve(&mut self, trace: &Trace, cut: impl Fn(&TracePoint) -> Cut) -> Vec<bool> {
        for (i, near) in trace.near.iter().enumerate() {
            if let Some(near) = near {
                let cut = cut(near);
                self.height[i] += cut.height;
                self.albedo[i] *= cut.albedo;
            }
        }
        trace.near.iter().map(Option::is_some).collect()
    }

    /// Calls `f` for every point of `blob` with its normalised distance, its position, and its height, albedo and gloss
    /// to modify; returns the affected points.
    fn stamp(&mut self, blob: &Blob, f: impl Fn(f32, f32, f32, &mut f32, &mut f32, &mut f32)) -> Vec<bool> {
        self.stamp_indexed(blob, |_, d, x, y, height, albedo, gloss| {
            f(d, x, y, height, albedo, gloss);
        })
    }

    fn stamp_indexed(
        &mut self,
        blob: &Blob,
        f: impl Fn(usize, f32, f32, f32, &mut f32, &mut f32, &mut f32),
    ) -> Vec<bool> {
        let mut support = vec![false; self.height.len()];
        for (i, x, y) in blob.window(self) {
            let d = blob.distance(x, y);
            if d <= 1.25 {
                support[i] = true;
                let (height, albedo) = (&mut self.height[i], &mut self.albedo[i]);
                f(i, d, x, y, height, albedo, &mut self.gloss[i]);
            }
        }
        support
    }
}
