//! The distribution of latent vectors (tip 2 of the talk: truncated normal, not uniform).

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use super::architecture::{LatentKind, ModelKnobs};

/// A distribution of latent vectors with independent, identically distributed components.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latent {
    kind: LatentKind,
    size: usize,
    mean: f64,
    std: f64,
    limit: f64,
}

impl Latent {
    /// Returns the latent distribution of a recipe.
    pub fn new(knobs: &ModelKnobs) -> Self {
        Self {
            kind: knobs.latent,
            size: knobs.latent_size,
            mean: knobs.latent_mean,
            std: knobs.latent_std,
            limit: knobs.latent_limit,
        }
    }

    /// Dimension of a vector.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Draws `n` vectors, row by row.
    pub fn sample(&self, n: usize, rng: &mut impl Rng) -> Vec<f32> {
        (0..n * self.size).map(|_| self.component(rng) as f32).collect()
    }

    fn component(&self, rng: &mut impl Rng) -> f64 {
        let normal = |rng: &mut _| {
            let unit: f64 = StandardNormal.sample(rng);
            self.mean + self.std * unit
        };
        match self.kind {
            LatentKind::Normal => normal(rng),
            LatentKind::Uniform => rng.random_range(self.mean - self.limit..=self.mean + self.limit),
            LatentKind::TruncatedNormal => loop {
                let drawn = normal(rng);
                if (drawn - self.mean).abs() <= self.limit {
                    break drawn;
                }
            },
        }
    }

    /// Range of a component, if the distribution is bounded.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        match self.kind {
            LatentKind::Normal => None,
            LatentKind::Uniform | LatentKind::TruncatedNormal => Some((self.mean - self.limit, self.mean + self.limit)),
        }
    }

    /// Range of a component, or the mean ± 3 standard deviations if the distribution is unbounded.
    pub(crate) fn typical_range(&self) -> (f64, f64) {
        self.range().unwrap_or((self.mean - 3.0 * self.std, self.mean + 3.0 * self.std))
    }

    /// Root mean square of the Euclidean norm of a vector.
    pub(crate) fn rms_norm(&self) -> f64 {
        let variance = match self.kind {
            LatentKind::Normal => self.std.powi(2),
            LatentKind::Uniform => self.limit.powi(2) / 3.0,
            LatentKind::TruncatedNormal => self.truncated_variance(),
        };
        (self.size as f64 * (self.mean.powi(2) + variance)).sqrt()
    }

    /// Variance of the normal truncated at `mean ± limit`, by Simpson's rule over the density.
    fn truncated_variance(&self) -> f64 {
        const STRIPS: usize = 400;
        let (mut mass, mut second) = (0.0, 0.0);
        for i in 0..=STRIPS {
            let weight = if i == 0 || i == STRIPS {
                1.0
            } else if i % 2 == 1 {
                4.0
            } else {
                2.0
            };
            let x = self.limit * i as f64 / STRIPS as f64;
            let density = weight * (-0.5 * (x / self.std).powi(2)).exp();
            mass += density;
            second += density * x * x;
        }
        second / mass
    }

    /// Returns `steps` vectors from `from` to `to`, inclusive, by spherical interpolation: points on the straight line are
    /// shorter than those the generator was trained on (White 2016).
    pub fn walk(from: &[f32], to: &[f32], steps: usize) -> Vec<f32> {
        let length = |v: &[f32]| v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let dot: f64 = from.iter().zip(to).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        let angle = (dot / (length(from) * length(to)).max(1e-12)).clamp(-1.0, 1.0).acos();
        let mut rows = Vec::with_capacity(steps * from.len());
        for i in 0..steps {
            let t = i as f64 / (steps.max(2) - 1) as f64;
            let (a, b) = if angle.sin() < 1e-6 {
                (1.0 - t, t)
            } else {
                (((1.0 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin())
            };
            rows.extend(from.iter().zip(to).map(|(x, y)| (a * f64::from(*x) + b * f64::from(*y)) as f32));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn moments(knobs: &ModelKnobs) -> (f64, f64, f64, f64) {
        let latent = Latent::new(knobs);
        let values = latent.sample(4_000, &mut ChaCha8Rng::seed_from_u64(7));
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        (mean, variance, f64::from(low), f64::from(high))
    }

    /// phi and Phi of the standard normal; Phi by Simpson's rule from zero.
    fn normal(x: f64) -> (f64, f64) {
        let density = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let h = x / 1000.0;
        let inner: f64 = (1..1000).map(|i| density(i as f64 * h) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
        (density(x), 0.5 + h / 3.0 * (density(0.0) + inner + density(x)))
    }

    #[test]
    fn the_truncated_normal_has_its_closed_form_moments() {
        for (std, limit, mean) in [(0.6, 1.0, 0.0), (1.0, 0.5, 0.3), (0.3, 2.0, -1.0)] {
            let knobs = ModelKnobs { latent_std: std, latent_limit: limit, latent_mean: mean, ..ModelKnobs::default() };
            let (got_mean, got_variance, low, high) = moments(&knobs);
            let a = limit / std;
            let (density, cumulative) = normal(a);
            let mass = 2.0 * cumulative - 1.0;
            let variance = std * std * (1.0 - 2.0 * a * density / mass);
            let length = (knobs.latent_size as f64 * (mean * mean + variance)).sqrt();
            assert!((Latent::new(&knobs).rms_norm() - length).abs() < 1e-6 * length);
            // 400,000 samples: five standard errors.
            let tolerance = 5.0 * (variance / 400_000.0).sqrt();
            assert!((got_mean - mean).abs() < tolerance, "mean {got_mean} for {mean}");
            assert!((got_variance - variance).abs() < 0.01 * variance, "variance {got_variance} for {variance}");
            assert!(low >= mean - limit - 1e-6 && high <= mean + limit + 1e-6, "{low} {high}");
        }
    }

    #[test]
    fn the_uniform_fills_its_range() {
        let knobs = ModelKnobs { latent: LatentKind::Uniform, latent_limit: 0.5, ..ModelKnobs::default() };
        let (mean, variance, low, high) = moments(&knobs);
        assert!(mean.abs() < 0.003 && (variance - 1.0 / 12.0).abs() < 0.001);
        assert!(low < -0.499 && high > 0.499 && low >= -0.5 && high <= 0.5);
    }

    #[test]
    fn a_walk_keeps_its_ends_and_its_length() {
        let (from, to) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
        let rows = Latent::walk(&from, &to, 5);
        assert_eq!(rows[..3], from);
        assert!((rows[13] - 1.0).abs() < 1e-6);
        for row in rows.chunks(3) {
            assert!((row.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
        }
        assert_eq!(Latent::walk(&from, &from, 3), [from, from, from].concat());
    }
}
