//! Textures of many kinds, drawn at random, from which a critic learns what damage looks like on any surface.
//!
//! They resemble no material in particular: grained, flecked, dotted, woven, cellular and striped, isotropic or drawn out in
//! any direction. A network that has seen hundreds of them starts from filters for texture in general.

use std::f32::consts::{PI, TAU};

use rustfft::{Fft, FftPlanner, num_complex::Complex32};

use super::{
    draw,
    kind::SurfaceKind,
    noise::{Noise, SeededRng, mix},
};
use crate::data::Picture;

/// One in so many images is of a built-in surface.
const SURFACE_EVERY: u64 = 5;
/// Grey level that an image has on average, and its standard deviation.
const GREY: [f32; 2] = [128.0, 36.0];
/// Largest share of read-out noise in the standard deviation.
const MAX_NOISE: f32 = 0.15;

/// A kind of texture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextureFamily {
    /// Noise at several scales.
    Grain,
    /// The same with flecks: its dark or bright parts stand out.
    Flecks,
    /// Dots of one size.
    Dots,
    /// Two waves across each other, or one.
    Weave,
    /// Cells with grey levels and edges of their own.
    Cells,
    /// Lines of one direction.
    Stripes,
}

impl TextureFamily {
    const ALL: [Self; 6] = [Self::Grain, Self::Flecks, Self::Dots, Self::Weave, Self::Cells, Self::Stripes];
}

/// Draws image `index` of `seed`, grey, 8 bits, `side` pixels square: a texture, or one in five a healthy specimen of a
/// built-in surface. All have about the same brightness and contrast, as images have for a critic, which is given those of
/// the images at hand.
///
/// A pure function of its arguments, up to the rounding of mathematical functions.
pub(crate) fn draw_varied(seed: u64, index: u64, side: usize) -> Picture {
    let mut values = match index % SURFACE_EVERY {
        0 => specimen(seed, index / SURFACE_EVERY, side),
        _ => texture(seed, index, side),
    };
    standardise(&mut values);
    Picture::square(side, 1, values.iter().map(|v| (GREY[0] + GREY[1] * v).clamp(0.0, 255.0) as u8).collect())
}

/// A healthy specimen of one of the built-in surfaces.
fn specimen(seed: u64, index: u64, side: usize) -> Vec<f32> {
    let kind = SurfaceKind::ALL[(index % SurfaceKind::ALL.len() as u64) as usize];
    let picture = draw(kind, None, seed, index, side).picture.into_grey();
    (0..side * side).map(|i| picture.unit(i % side, i / side, 0)).collect()
}

/// A texture with a little read-out noise.
fn texture(seed: u64, index: u64, side: usize) -> Vec<f32> {
    let mut rng = SeededRng::new(*blake3::hash(&seed.to_le_bytes()).as_bytes(), index);
    let family = TextureFamily::ALL[(index % TextureFamily::ALL.len() as u64) as usize];
    let mut values = match family {
        TextureFamily::Grain => power_law(side, &mut rng, [0.3, 2.0], 1.5),
        TextureFamily::Flecks => flecks(side, &mut rng),
        TextureFamily::Dots => dots(side, &mut rng),
        TextureFamily::Weave => weave(side, &mut rng),
        TextureFamily::Cells => cells(side, &mut rng),
        TextureFamily::Stripes => stripes(side, &mut rng),
    };
    standardise(&mut values);
    let noise = rng.uniform(0.0, MAX_NOISE);
    values.iter_mut().for_each(|v| *v += noise * rng.normal());
    values
}

/// Brings values to mean 0 and standard deviation 1.
fn standardise(values: &mut [f32]) {
    let n = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt().max(1e-6);
    values.iter_mut().for_each(|v| *v = (*v - mean) / deviation);
}

/// A plane turned by an angle, whose first axis is shrunk and whose second is stretched.
#[derive(Clone, Copy)]
struct Turned {
    sin: f32,
    cos: f32,
    stretch: f32,
}

impl Turned {
    /// Draws a direction, and a stretch of up to `e` to the power of `most`.
    fn draw(rng: &mut SeededRng, most: f32) -> Self {
        let (sin, cos) = rng.angle().sin_cos();
        Self { sin, cos, stretch: rng.uniform(0.0, most).exp() }
    }

    fn at(self, x: f32, y: f32) -> [f32; 2] {
        [(x * self.cos + y * self.sin) * self.stretch, (y * self.cos - x * self.sin) / self.stretch]
    }
}

/// Evaluates `value` at each pixel.
fn each(side: usize, mut value: impl FnMut(f32, f32) -> f32) -> Vec<f32> {
    (0..side * side).map(|i| value((i % side) as f32, (i / side) as f32)).collect()
}

/// A random field whose amplitudes fall as a power of the frequency, flat below a lowest one, and which is drawn out by up
/// to `e` to the power of `most`; standardised. Surfaces of many kinds have such spectra (Mandelbrot, "The Fractal Geometry
/// of Nature", 1982), with exponents between those of white noise and of a smooth shade.
fn power_law(side: usize, rng: &mut SeededRng, exponents: [f32; 2], most: f32) -> Vec<f32> {
    let turned = Turned::draw(rng, most);
    let (exponent, lowest) = (rng.uniform(exponents[0], exponents[1]), rng.uniform(0.004, 0.05));
    let mut field: Vec<Complex32> = (0..side * side).map(|_| Complex32::new(rng.normal(), 0.0)).collect();
    let mut planner = FftPlanner::new();
    transform(&mut field, side, &*planner.plan_fft_forward(side));
    let frequency = |i: usize| (if 2 * i < side { i as f32 } else { i as f32 - side as f32 }) / side as f32;
    for (i, amplitude) in field.iter_mut().enumerate() {
        let [u, v] = turned.at(frequency(i % side), frequency(i / side));
        *amplitude *= (u.hypot(v) + lowest).powf(-exponent);
    }
    transform(&mut field, side, &*planner.plan_fft_inverse(side));
    let mut values: Vec<f32> = field.iter().map(|v| v.re).collect();
    standardise(&mut values);
    values
}

/// Transforms a square of `side` x `side` numbers along both axes: its rows twice, and transposed after each.
fn transform(field: &mut [Complex32], side: usize, along: &dyn Fft<f32>) {
    for _ in 0..2 {
        along.process(field);
        for y in 0..side {
            for x in 0..y {
                field.swap(y * side + x, x * side + y);
            }
        }
    }
}

fn flecks(side: usize, rng: &mut SeededRng) -> Vec<f32> {
    let mut values = power_law(side, rng, [0.5, 1.5], 1.0);
    let strength = rng.uniform(0.5, 1.5) * rng.sign();
    let steep = rng.uniform(1.0, 3.0);
    match rng.chance(0.5) {
        true => values.iter_mut().for_each(|v| *v = strength.signum() * (strength * *v).exp()),
        false => values.iter_mut().for_each(|v| *v = (steep * (*v - strength)).tanh()),
    }
    values
}

fn dots(side: usize, rng: &mut SeededRng) -> Vec<f32> {
    let mut values = vec![0.0f32; side * side];
    let density = rng.log_uniform(55.0, 5_000.0) / 65_536.0;
    let [along, across] = [rng.uniform(0.6, 4.0), rng.uniform(0.6, 4.0)];
    let (turned, mean) = (Turned::draw(rng, 0.0), rng.uniform(-1.0, 1.0));
    let reach = (3.0 * along.max(across)).ceil() as i64;
    let span = side as f32 + 2.0 * reach as f32;
    for _ in 0..(density * span * span) as usize {
        let [x, y] = [0, 1].map(|_| rng.uniform(-(reach as f32), side as f32 + reach as f32));
        let height = mean + rng.normal();
        for row in (y as i64 - reach).max(0)..(y as i64 + reach + 1).min(side as i64) {
            for column in (x as i64 - reach).max(0)..(x as i64 + reach + 1).min(side as i64) {
                let [u, v] = turned.at(column as f32 - x, row as f32 - y);
                let far = (u / along).powi(2) + (v / across).powi(2);
                values[row as usize * side + column as usize] += height * (-0.5 * far).exp();
            }
        }
    }
    standardise(&mut values);
    blended(values, 0.3, power_law(side, rng, [0.8, 1.0], 0.0))
}

fn weave(side: usize, rng: &mut SeededRng) -> Vec<f32> {
    let (turned, warp) = (Turned::draw(rng, 0.0), [Noise::new(rng), Noise::new(rng)]);
    let (reach, scale) = (rng.uniform(0.0, 3.0), rng.log_uniform(20.0, 80.0));
    let [p, q] = [0, 1].map(|_| rng.log_uniform(5.0, 30.0));
    let [a, b] = [rng.angle(), rng.angle()];
    // Threads differ in brightness.
    let (threads, uneven) = ([Noise::new(rng), Noise::new(rng)], rng.uniform(0.0, 0.5));
    let kind = rng.bits() % 4;
    let mut values = each(side, |x, y| {
        let [u, v] = turned.at(x, y);
        let [du, dv] = warp.map(|noise| reach * noise.plane(x / scale, y / scale));
        let wave = |at: f32, phase: f32, thread: Noise| (TAU * at + phase).sin() * (1.0 + uneven * thread.line(at));
        let (s, t) = (wave((u + du) / p, a, threads[0]), wave((v + dv) / q, b, threads[1]));
        match kind {
            0 => s * t,
            1 => s.max(t),
            2 => s.abs().sqrt() + t.abs().sqrt(),
            _ => s,
        }
    });
    standardise(&mut values);
    let share = rng.uniform(0.1, 0.6);
    blended(values, share, power_law(side, rng, [0.8, 1.0], 0.0))
}

fn cells(side: usize, rng: &mut SeededRng) -> Vec<f32> {
    // A point at random in each square of a lattice.
    let pitch = rng.log_uniform(6.0, 36.0);
    let across = (side as f32 / pitch).ceil() as i64 + 4;
    let points: Vec<[f32; 3]> = (0..across * across)
        .map(|i| {
            let [x, y] = [(i % across) as f32, (i / across) as f32];
            [(x - 2.0 + rng.uniform(0.0, 1.0)) * pitch, (y - 2.0 + rng.uniform(0.0, 1.0)) * pitch, rng.normal()]
        })
        .collect();
    let (flat, edge, thick) = (rng.uniform(0.0, 1.0), rng.uniform(-2.0, 2.0), rng.uniform(0.5, 2.0));
    let mut values = each(side, |x, y| {
        let [column, row] = [x, y].map(|at| (at / pitch) as i64 + 2);
        let (mut nearest, mut second, mut grey) = (f32::INFINITY, f32::INFINITY, 0.0);
        for v in row - 2..=row + 2 {
            for u in column - 2..=column + 2 {
                let Some(&[px, py, own]) = usize::try_from(v * across + u).ok().and_then(|i| points.get(i)) else {
                    continue;
                };
                let far = (px - x).hypot(py - y);
                if far < nearest {
                    (second, nearest, grey) = (nearest, far, own);
                } else {
                    second = second.min(far);
                }
            }
        }
        flat * grey + edge * (-(second - nearest) / thick).exp()
    });
    standardise(&mut values);
    let share = rng.uniform(0.1, 0.5);
    blended(values, share, power_law(side, rng, [0.8, 1.0], 0.0))
}

fn stripes(side: usize, rng: &mut SeededRng) -> Vec<f32> {
    let (sin, cos) = rng.uniform(0.0, PI).sin_cos();
    let [fine, coarse] = [Noise::new(rng), Noise::new(rng)];
    let (period, share) = (rng.log_uniform(1.0, 7.0), rng.uniform(0.0, 0.7));
    let mut values = each(side, |x, y| {
        let u = (x * cos + y * sin) / period;
        mix(fine.line(u), coarse.line(u / 5.0), share)
    });
    standardise(&mut values);
    let grain = rng.uniform(0.3, 1.0);
    blended(values, grain, power_law(side, rng, [0.5, 1.5], 2.0))
}

/// Adds a share of another texture.
fn blended(mut values: Vec<f32>, share: f32, other: Vec<f32>) -> Vec<f32> {
    values.iter_mut().zip(other).for_each(|(v, o)| *v += share * o);
    values
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn levels(seed: u64, index: u64, side: usize) -> Vec<u8> {
        let picture = draw_varied(seed, index, side);
        (0..side * side).map(|i| ((picture.unit(i % side, i / side, 0) + 1.0) * 127.5).round() as u8).collect()
    }

    #[test]
    fn images_differ_and_have_the_same_brightness_and_contrast() {
        let side = 64;
        let mut seen = HashSet::new();
        for index in 0..60 {
            let texture = levels(1, index, side);
            assert_eq!(texture, levels(1, index, side), "{index}");
            let n = texture.len() as f32;
            let mean = texture.iter().map(|&v| f32::from(v)).sum::<f32>() / n;
            let deviation = (texture.iter().map(|&v| (f32::from(v) - mean).powi(2)).sum::<f32>() / n).sqrt();
            assert!((mean - GREY[0]).abs() < 12.0 && (20.0..45.0).contains(&deviation), "{index}: {mean} {deviation}");
            assert!(seen.insert(texture), "{index}");
        }
        assert_ne!(levels(1, 0, side), levels(2, 0, side));
    }

    #[test]
    fn every_family_has_structure_between_neighbours() {
        let side = 96;
        for index in 0..24 {
            let texture = levels(3, index, side);
            let at = |i: usize| f32::from(texture[i]) - GREY[0];
            let step = |by: usize| {
                let pairs = (0..side * (side - 2)).filter(|i| i % side + 2 < side);
                let product: f32 = pairs.clone().map(|i| at(i) * at(i + by)).sum();
                product / pairs.map(|i| at(i) * at(i)).sum::<f32>()
            };
            // White noise has none along either axis.
            assert!(step(1).abs().max(step(side).abs()) > 0.15, "{index}: {} {}", step(1), step(side));
        }
    }

    #[test]
    fn the_power_of_a_field_falls_as_asked_with_the_frequency() {
        let side = 128;
        for (exponent, wanted) in [(0.0, 0.85..1.18), (1.0, 2.5..4.2), (2.0, 6.5..17.0)] {
            let mut rng = SeededRng::new([5; 32], 0);
            // Frequencies around 0.1 and 0.2 cycles a pixel; the lowest frequency, which flattens the law, is random.
            let mut power = [0.0; 2];
            for _ in 0..8 {
                let field = power_law(side, &mut rng, [exponent, exponent], 0.0);
                let mut spectrum: Vec<Complex32> = field.into_iter().map(|v| Complex32::new(v, 0.0)).collect();
                transform(&mut spectrum, side, &*FftPlanner::new().plan_fft_forward(side));
                for (sum, radius) in power.iter_mut().zip([0.1, 0.2]) {
                    let on_ring = |i: &usize| {
                        let [x, y] = [i % side, i / side].map(|i| i.min(side - i) as f32 / side as f32);
                        (x.hypot(y) - radius).abs() < 0.01
                    };
                    let ring: Vec<f32> = (0..side * side).filter(on_ring).map(|i| spectrum[i].norm_sqr()).collect();
                    *sum += ring.iter().sum::<f32>() / ring.len() as f32;
                }
            }
            let ratio = power[0] / power[1];
            assert!(wanted.contains(&ratio), "exponent {exponent}: {ratio}");
        }
    }

    #[test]
    fn one_in_five_is_a_built_in_surface_of_each_kind_in_turn() {
        let side = 48;
        for (i, kind) in SurfaceKind::ALL.into_iter().enumerate() {
            let index = i as u64 * SURFACE_EVERY;
            let drawn = draw_varied(9, index, side);
            let surface = draw(kind, None, 9, i as u64, side).picture.into_grey();
            // The same but for brightness and contrast.
            let of = |picture: &Picture| (0..side * side).map(|i| picture.unit(i % side, i / side, 0)).collect();
            let [mut a, mut b]: [Vec<f32>; 2] = [of(&drawn), of(&surface)];
            standardise(&mut a);
            standardise(&mut b);
            let product: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert!(product / (side * side) as f32 > 0.95, "{kind}: {}", product / (side * side) as f32);
        }
    }
}
