//! Random numbers and smooth noise for the built-in surfaces.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A stream of random numbers determined by its key.
///
/// The conversions to `f32` are implemented here rather than taken from a library, so that a new library version cannot
/// change a surface that a run was trained on.
#[derive(Clone)]
pub(super) struct SeededRng(ChaCha8Rng);

impl SeededRng {
    /// Creates stream number `stream` of `key`; streams of one key are independent.
    pub(super) fn new(key: [u8; 32], stream: u64) -> Self {
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Draws 32 random bits.
    pub(super) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Draws a number uniform in `[low, high)`.
    pub(super) fn uniform(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.bits() >> 8) as f32 / 16_777_216.0;
        low + (high - low) * unit
    }

    /// Draws a number in `[low, high)`, uniform on a logarithmic scale; both above 0.
    pub(super) fn log_uniform(&mut self, low: f32, high: f32) -> f32 {
        self.uniform(low.ln(), high.ln()).exp()
    }

    /// Draws an approximately normal number with mean 0 and standard deviation 1, within ±3.5: the sum of four uniform
    /// 16-bit numbers. Read-out noise needs no longer tails.
    pub(super) fn normal(&mut self) -> f32 {
        let bits = self.0.next_u64();
        let sum: u32 = (0..4).map(|i| (bits >> (16 * i)) as u32 & 0xffff).sum();
        // Four uniform numbers have the variance 4 / 12.
        (sum as f32 / 65_536.0 - 2.0) * 1.732_050_8
    }

    /// Returns true with probability `p`.
    pub(super) fn chance(&mut self, p: f32) -> bool {
        self.uniform(0.0, 1.0) < p
    }

    /// Draws -1 or 1.
    pub(super) fn sign(&mut self) -> f32 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// Draws an angle in `[0, 2 pi)`.
    pub(super) fn angle(&mut self) -> f32 {
        self.uniform(0.0, std::f32::consts::TAU)
    }
}

/// Value noise: random numbers on the integer lattice, smoothly interpolated, in `[-1, 1]`.
#[derive(Clone, Copy)]
pub(super) struct Noise(u32);

impl Noise {
    pub(super) fn new(rng: &mut SeededRng) -> Self {
        Self(rng.bits())
    }

    /// Returns the noise on a line.
    pub(super) fn line(self, x: f32) -> f32 {
        let (ix, fx) = lattice(x);
        let row = self.row(0);
        mix(value(row, ix), value(row, ix.wrapping_add(1)), fx)
    }

    /// Returns the noise on the plane; scale the coordinates differently for streaks.
    pub(super) fn plane(self, x: f32, y: f32) -> f32 {
        let (ix, fx) = lattice(x);
        let (iy, fy) = lattice(y);
        let (above, below) = (self.row(iy), self.row(iy.wrapping_add(1)));
        let next = ix.wrapping_add(1);
        let top = mix(value(above, ix), value(above, next), fx);
        let bottom = mix(value(below, ix), value(below, next), fx);
        mix(top, bottom, fy)
    }

    fn row(self, iy: i32) -> u32 {
        scramble(self.0 ^ (iy as u32).wrapping_mul(0x9e37_79b9))
    }
}

/// Returns the lattice cell of a coordinate and the smoothed position within it.
fn lattice(x: f32) -> (i32, f32) {
    // By casts: `floor` is a library call on baseline x86-64, and this runs a dozen times per pixel.
    let toward_zero = x as i32;
    let cell = toward_zero.wrapping_sub(i32::from(x < toward_zero as f32));
    let f = x - cell as f32;
    (cell, f * f * (3.0 - 2.0 * f))
}

fn value(row: u32, ix: i32) -> f32 {
    let bits = scramble(row.wrapping_add((ix as u32).wrapping_mul(0x85eb_ca6b)));
    (bits >> 8) as f32 / 8_388_608.0 - 1.0
}

/// Wellons' "lowbias32" integer hash.
fn scramble(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// Interpolates linearly from `a` at `t` = 0 to `b` at `t` = 1.
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Returns 0 below `low`, 1 above `high` and a smooth transition in between; reversed if `low` is the larger.
pub(super) fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_gives_one_sequence_and_streams_differ() {
        let draw = |key: u8, stream| {
            let mut rng = SeededRng::new([key; 32], stream);
            (0..8).map(|_| rng.bits()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0), draw(1, 1));
        assert_ne!(draw(1, 0), draw(2, 0));
    }

    #[test]
    fn normal_numbers_have_mean_0_and_deviation_1() {
        let mut rng = SeededRng::new([7; 32], 0);
        let n = 20_000;
        let values: Vec<f32> = (0..n).map(|_| rng.normal()).collect();
        let mean = values.iter().sum::<f32>() / n as f32;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n as f32;
        assert!(mean.abs() < 0.03, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
    }

    #[test]
    fn noise_is_smooth_and_stays_in_range() {
        let noise = Noise::new(&mut SeededRng::new([3; 32], 0));
        let mut last = noise.plane(-20.0, 4.3);
        for step in 1..4000 {
            let here = noise.plane(-20.0 + step as f32 * 0.01, 4.3);
            assert!((-1.0..=1.0).contains(&here));
            assert!((here - last).abs() < 0.04, "a jump from {last} to {here}");
            last = here;
        }
    }
}
