//! Fills of synthetic defects.

use std::f32::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::shape::{field, log_uniform};
use crate::data::illumination::LUMINANCE;

/// Content that a defect is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefectFill {
    /// Another healthy crop, rotated or at another contrast.
    Donor,
    /// A crop from the generator, if available.
    Generated,
    /// The crop's own texture, shifted by a few pixels.
    Shifted,
    /// The crop's own texture, blurred.
    Blur,
    /// Added grain.
    Noise,
    /// A uniform grey.
    Erased,
    /// As dark or bright as the darkest or brightest grain of the crop.
    Grain,
    /// Brighter or darker; in colour half of the time another hue instead.
    Brightness,
    /// Brightness that varies smoothly.
    Shading,
    /// Reduced or increased contrast.
    Contrast,
}

impl DefectFill {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Donor,
        Self::Generated,
        Self::Shifted,
        Self::Blur,
        Self::Noise,
        Self::Erased,
        Self::Grain,
        Self::Brightness,
        Self::Shading,
        Self::Contrast,
    ];
}

/// The surface that defects are synthesised for.
#[derive(Clone, Debug)]
pub(super) struct FillContext {
    /// Width and height of a crop.
    pub side: usize,
    pub channels: usize,
    /// Standard deviation of the surface's pixels: the unit of brightness.
    pub deviation: f32,
    /// Side and values of square crops from the generator.
    pub generated: (usize, Vec<f32>),
}

/// Returns the crop as if all of it were damaged, in the same planes as `values`.
pub(super) fn fill(
    fill: DefectFill,
    context: &FillContext,
    values: &[f32],
    donor: &[f32],
    alpha: &[f32],
    is_line: bool,
    rng: &mut ChaCha8Rng,
) -> Vec<f32> {
    let (side, unit) = (context.side, context.deviation);
    let area = side * side;
    let planes = || values.chunks_exact(area);
    match fill {
        DefectFill::Donor => patch(donor, side, values, alpha, rng),
        DefectFill::Generated => match tiled(context, rng) {
            Some(generated) => patch(&generated, side, values, alpha, rng),
            None => patch(donor, side, values, alpha, rng),
        },
        DefectFill::Shifted => {
            let reach = (side / 4).max(3) as i64;
            let [dx, dy] = [0, 1].map(|_| rng.random_range(2..=reach) * if rng.random_bool(0.5) { 1 } else { -1 });
            let from = |at: usize, by: i64| (at as i64 + by).rem_euclid(side as i64) as usize;
            planes()
                .flat_map(|plane| (0..area).map(move |i| plane[from(i / side, dy) * side + from(i % side, dx)]))
                .collect()
        }
        DefectFill::Blur => {
            let reach = [1, 2, 4][rng.random_range(0..3)];
            planes().flat_map(|plane| blurred(plane, side, reach)).collect()
        }
        DefectFill::Noise => {
            let strength = unit * log_uniform(0.5, 2.0, rng);
            let grain: Vec<f32> = (0..area).map(|_| strength * normal(rng)).collect();
            let smooth = rng.random_bool(0.5);
            let grain = if smooth { blurred(&grain, side, 1).into_iter().map(|v| 2.0 * v).collect() } else { grain };
            values.iter().enumerate().map(|(i, v)| v + grain[i % area]).collect()
        }
        DefectFill::Erased => {
            let grain = unit * rng.random_range(0.0..0.3f32);
            let shift = unit * rng.random_range(-1.5..1.5f32);
            let local = rng.random_bool(0.5);
            planes()
                .flat_map(|plane| {
                    let mean = plane.iter().sum::<f32>() / area as f32;
                    match local {
                        true => blurred(plane, side, 8),
                        false => vec![mean + shift; area],
                    }
                })
                .map(|v| v + grain * normal(rng))
                .collect()
        }
        DefectFill::Grain => {
            let share = log_uniform(0.004, 0.08, rng);
            let share = if rng.random_bool(if is_line { 0.75 } else { 0.6 }) { share } else { 1.0 - share };
            let noise = unit * rng.random_range(0.0..0.25f32);
            planes()
                .flat_map(|plane| {
                    let mut sorted = plane.to_vec();
                    let at = ((area - 1) as f32 * share) as usize;
                    vec![*sorted.select_nth_unstable_by(at, f32::total_cmp).1; area]
                })
                .map(|v| v + noise * normal(rng))
                .collect()
        }
        DefectFill::Brightness => {
            // Lines are dark more often than bright.
            let sign = if rng.random_bool(if is_line { 0.65 } else { 0.5 }) { -1.0 } else { 1.0 };
            let shift = sign * unit * log_uniform(0.6, 4.0, rng);
            // Half of those in colour change the hue instead, at equal luminance.
            let shifts = match context.channels == 3 && rng.random_bool(0.5) {
                true => tint(shift, rng),
                false => [shift; 3],
            };
            values.iter().enumerate().map(|(i, v)| v + shifts[i / area % 3]).collect()
        }
        DefectFill::Shading => {
            let strength = unit * log_uniform(1.5, 6.0, rng);
            let shading = field(side, rng.random_range(1..=4), rng);
            values.iter().enumerate().map(|(i, v)| v + strength * (shading[i % area] - 0.5)).collect()
        }
        DefectFill::Contrast => {
            let factor = if rng.random_bool(0.5) { rng.random_range(0.0..0.55) } else { rng.random_range(1.6..2.8f32) };
            planes()
                .flat_map(|plane| {
                    let middle = blurred(plane, side, 8);
                    plane.iter().zip(middle).map(|(v, m)| m + (v - m) * factor).collect::<Vec<_>>()
                })
                .collect()
        }
    }
}

/// Draws a change of red, green and blue of this size that leaves the luminance as it is.
fn tint(size: f32, rng: &mut ChaCha8Rng) -> [f32; 3] {
    let (sin, cos) = rng.random_range(0.0..TAU).sin_cos();
    let [of_red, of_green, of_blue] = LUMINANCE;
    [size * cos, -size * (of_red * cos + of_blue * sin) / of_green, size * sin]
}

/// Returns another texture: rotated half of the time, with changed contrast, and half of the time with the brightness of
/// the area that it covers.
fn patch(from: &[f32], side: usize, values: &[f32], alpha: &[f32], rng: &mut ChaCha8Rng) -> Vec<f32> {
    let area = side * side;
    let rotated = rng.random_bool(0.5);
    let contrast = rng.random_range(0.6..1.4f32);
    let seamless = rng.random_bool(0.5);
    let cover: f32 = alpha.iter().sum::<f32>().max(1e-3);
    let mean = |plane: &[f32], weight: &dyn Fn(usize) -> f32| (0..area).map(|i| plane[i] * weight(i)).sum::<f32>();
    let source = |i: usize| if rotated { (i % side) * side + (side - 1 - i / side) } else { i };
    values
        .chunks_exact(area)
        .zip(from.chunks_exact(area))
        .flat_map(|(own, other)| {
            let middle = other.iter().sum::<f32>() / area as f32;
            let patch: Vec<f32> = (0..area).map(|i| (other[source(i)] - middle) * contrast + middle).collect();
            let shift = match seamless {
                true => (mean(own, &|i| alpha[i]) - mean(&patch, &|i| alpha[i])) / cover,
                false => 0.0,
            };
            patch.into_iter().map(|v| v + shift).collect::<Vec<_>>()
        })
        .collect()
}

/// Returns a crop from the generator, tiled by reflection to fill the side; `None` if there is none.
fn tiled(context: &FillContext, rng: &mut ChaCha8Rng) -> Option<Vec<f32>> {
    let (small, values) = &context.generated;
    let (small, length) = (*small, small * small * context.channels);
    let count = values.len().checked_div(length).filter(|&n| n > 0)?;
    let which = rng.random_range(0..count);
    let own = &values[which * length..(which + 1) * length];
    let at = |i: usize| {
        let within = i % (2 * small);
        if within < small { within } else { 2 * small - 1 - within }
    };
    let side = context.side;
    let plane =
        |plane: &[f32]| (0..side * side).map(|i| plane[at(i / side) * small + at(i % side)]).collect::<Vec<_>>();
    Some(own.chunks_exact(small * small).flat_map(plane).collect())
}

/// Returns the mean around each pixel over a square that extends `reach` pixels to every side, within the plane.
pub(super) fn blurred(plane: &[f32], side: usize, reach: usize) -> Vec<f32> {
    let along = |lines: &[f32]| {
        // One pass over rows, written transposed: two passes cover both directions.
        let mut out = vec![0.0f32; lines.len()];
        for (y, line) in lines.chunks_exact(side).enumerate() {
            let mut sum: f32 = line.iter().take(reach).sum();
            for x in 0..side {
                sum += line.get(x + reach).copied().unwrap_or(0.0);
                let (first, last) = (x.saturating_sub(reach), (x + reach).min(side - 1));
                out[x * side + y] = sum / (last - first + 1) as f32;
                sum -= x.checked_sub(reach).map_or(0.0, |left| line[left]);
            }
        }
        out
    };
    along(&along(plane))
}

/// Draws an approximately standard normal number, the sum of four uniform ones.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let bits = rng.random::<u64>();
    let sum: u64 = (0..4).map(|i| bits >> (16 * i) & 0xffff).sum();
    // Four uniform numbers of variance 1/12 each.
    (sum as f32 / 65_536.0 - 2.0) * 3.0f32.sqrt()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn half_of_the_changes_of_brightness_in_colour_are_changes_of_hue() {
        let (side, channels) = (8, 3);
        let context = FillContext { side, channels, deviation: 0.05, generated: (0, Vec::new()) };
        let values = vec![0.1; channels * side * side];
        let of = |seed: u64| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let filled = fill(DefectFill::Brightness, &context, &values, &values, &[1.0; 64], false, &mut rng);
            [0, 1, 2].map(|c| filled[c * side * side] - 0.1)
        };
        let (mut tints, mut most) = (0, 0.0f32);
        for change in (0..200).map(of) {
            let luminance: f32 = change.iter().zip(LUMINANCE).map(|(v, share)| v * share).sum();
            let [r, g, b] = change;
            if luminance.abs() < 1e-5 {
                tints += 1;
                most = most.max(r.abs()).max(b.abs());
            } else {
                assert!((r - g).abs() < 1e-6 && (g - b).abs() < 1e-6, "{change:?}");
            }
        }
        assert!((70..130).contains(&tints) && most > 0.1, "{tints} of 200, up to {most}");
    }
}
