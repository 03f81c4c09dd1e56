//! Forged defects: healthy crops, damaged on purpose, for a critic to see through.
//!
//! A piece of damage is a [shape](DefectShape), soft at its edge, and a [fill](DefectFill) that is blended in over it
//! (CutPaste, Li et al. 2021; NSA, Schlueter et al. 2022; DRAEM, Zavrtanik et al. 2021). No defect image and no
//! label goes in: what is learnt is where a surface stops being itself. Everything is a pure function of a seed.

mod fill;
mod shape;

use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// Where a crop is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefectShape {
    /// A line or an arc, from hair-fine to a few pixels wide.
    Line,
    /// An ellipse at any angle, from a pinhole to a third of the crop.
    Blob,
    /// Patches of no shape of their own.
    Cloud,
    /// A piece out of the crop's edge.
    Chip,
}

impl DefectShape {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Line, Self::Blob, Self::Cloud, Self::Chip];
}

/// What damage is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefectFill {
    /// Another healthy place, turned or at another contrast.
    Elsewhere,
    /// What the generator draws, where there is one.
    Drawn,
    /// Its own texture, moved by a few pixels.
    Shifted,
    /// Its own texture, blurred.
    Blur,
    /// Grain.
    Noise,
    /// Nothing but one grey.
    Erased,
    /// Brighter or darker.
    Brightness,
    /// Light that changes across it.
    Shading,
    /// Contrast lost or doubled.
    Contrast,
}

impl DefectFill {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Elsewhere,
        Self::Drawn,
        Self::Shifted,
        Self::Blur,
        Self::Noise,
        Self::Erased,
        Self::Brightness,
        Self::Shading,
        Self::Contrast,
    ];
}

/// How crops are damaged.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticDefectKnobs {
    /// Share of the crops that are damaged, 0 to 1.
    pub share: f64,
    /// Least opacity of damage, 0 to 1; the most is 1.
    pub strength: f64,
    /// Half of the largest blob, as a share of the crop's side, 0.02 to 0.5.
    pub largest: f64,
    /// Share of damage that is brighter or darker and nothing else, 0 to 1; the rest is any [`DefectFill`], each as often.
    /// Most of what goes wrong with a surface is of that kind: scratches, pits, stains.
    pub brightness: f64,
    /// Change of contrast and light of half of all crops, damaged or not, as a share: what must not be a cue.
    pub jitter: f64,
}

impl Default for SyntheticDefectKnobs {
    fn default() -> Self {
        Self { share: 0.5, strength: 0.4, largest: 0.33, brightness: 0.4, jitter: 0.2 }
    }
}

/// A crop as planes of `side * side` values in `[-1, 1]`, and which pixels of it were visibly damaged.
#[derive(Clone, Debug, PartialEq)]
pub struct DamagedCrop {
    /// Plane by plane.
    pub values: Vec<f32>,
    /// 1 where damaged, else 0, one value a pixel.
    pub mask: Vec<f32>,
}

/// Damages crops of one surface.
#[derive(Clone, Debug)]
pub struct DefectSynthesiser {
    knobs: SyntheticDefectKnobs,
    side: usize,
    channels: usize,
    /// Standard deviation of the surface's pixels: the unit of brightness.
    deviation: f32,
    /// Square crops of another side that the generator drew, one after the other.
    drawn: (usize, Vec<f32>),
}

/// Most pieces of damage in one crop.
const PIECES: usize = 3;
/// Damage that changes the smoothed picture by less than this many standard deviations is not to be seen.
const VISIBLE: f32 = 0.2;
/// From this opacity on a pixel is damaged.
const OPAQUE: f32 = 0.3;

impl DefectSynthesiser {
    /// A forger of crops of `side` pixels, for a surface whose pixels have this standard deviation on the
    /// -1 to 1 scale. `drawn` are crops by the generator, of a side of their own, plane by plane; it may be empty.
    pub fn new(
        knobs: SyntheticDefectKnobs,
        side: usize,
        channels: usize,
        deviation: f32,
        drawn: (usize, Vec<f32>),
    ) -> Self {
        Self { knobs, side, channels, deviation: deviation.max(1e-3), drawn }
    }

    /// One healthy crop, damaged with a probability of [`SyntheticDefectKnobs::share`]; `donor` is another healthy crop.
    pub fn forge(&self, crop: &[f32], donor: &[f32], rng: &mut ChaCha8Rng) -> DamagedCrop {
        let mut forged = DamagedCrop { values: crop.to_vec(), mask: vec![0.0; self.side * self.side] };
        if rng.random_bool(self.knobs.share.clamp(0.0, 1.0)) {
            for _ in 0..rng.random_range(1..=PIECES) {
                let shape = *DefectShape::ALL.choose(rng).unwrap_or(&DefectShape::Blob);
                let any = !rng.random_bool(self.knobs.brightness.clamp(0.0, 1.0));
                let fill = DefectFill::ALL.choose(rng).copied().filter(|_| any).unwrap_or(DefectFill::Brightness);
                self.damage(&mut forged, donor, shape, fill, rng);
            }
        }
        self.light(&mut forged.values, rng);
        forged
    }

    /// One piece of damage of a shape and a fill.
    pub fn damage(
        &self,
        forged: &mut DamagedCrop,
        donor: &[f32],
        shape: DefectShape,
        fill: DefectFill,
        rng: &mut ChaCha8Rng,
    ) {
        let (side, area) = (self.side, self.side * self.side);
        let alpha = shape::draw(shape, side, self.knobs.largest as f32, rng);
        let opacity = rng.random_range(self.knobs.strength.clamp(0.0, 0.99) as f32..1.0);
        let filled = fill::fill(fill, self, &forged.values, donor, &alpha, shape == DefectShape::Line, rng);
        let mut change = vec![0.0f32; area];
        for (i, (value, new)) in forged.values.iter_mut().zip(filled).enumerate() {
            let blended = (*value + opacity * alpha[i % area] * (new - *value)).clamp(-1.0, 1.0);
            let moved = (blended - *value).abs();
            change[i % area] = change[i % area].max(moved);
            *value = blended;
        }
        let seen = fill::blurred(&change, side, 1);
        for ((mask, alpha), seen) in forged.mask.iter_mut().zip(&alpha).zip(seen) {
            if *alpha * opacity.max(0.8) > OPAQUE && seen > VISIBLE * self.deviation {
                *mask = 1.0;
            }
        }
    }

    /// Changes contrast and light of half of all crops.
    fn light(&self, values: &mut [f32], rng: &mut ChaCha8Rng) {
        let reach = self.knobs.jitter as f32;
        if reach <= 0.0 || !rng.random_bool(0.5) {
            return;
        }
        let factor = 1.0 + rng.random_range(-reach..=reach);
        let shift = 3.0 * self.deviation * rng.random_range(-reach..=reach);
        let mean = values.iter().sum::<f32>() / values.len().max(1) as f32;
        values.iter_mut().for_each(|v| *v = ((*v - mean) * factor + mean + shift).clamp(-1.0, 1.0));
    }

    /// A batch: crops one after the other, each damaged by what `seed` and its own number say. The donor of
    /// each crop is the next one.
    pub fn batch(&self, crops: &[f32], seed: u64, index: u64) -> DamagedCrop {
        use rayon::prelude::*;
        let length = self.channels * self.side * self.side;
        let n = crops.len() / length.max(1);
        let forged: Vec<DamagedCrop> = (0..n)
            .into_par_iter()
            .map(|i| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(index.wrapping_mul(4096).wrapping_add(i as u64));
                let of = |i: usize| &crops[i * length..(i + 1) * length];
                self.forge(of(i), of((i + 1) % n), &mut rng)
            })
            .collect();
        let mut all = DamagedCrop { values: Vec::with_capacity(crops.len()), mask: Vec::new() };
        for one in forged {
            all.values.extend(one.values);
            all.mask.extend(one.mask);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 48;

    fn forger(knobs: SyntheticDefectKnobs) -> DefectSynthesiser {
        DefectSynthesiser::new(knobs, SIDE, 1, 0.2, (16, vec![0.3; 16 * 16 * 2]))
    }

    fn texture(seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..SIDE * SIDE).map(|_| rng.random_range(-0.35..0.35f32)).collect()
    }

    #[test]
    fn every_shape_and_fill_damages_what_its_mask_says() {
        let still = SyntheticDefectKnobs { jitter: 0.0, ..SyntheticDefectKnobs::default() };
        let forger = forger(still);
        let (crop, donor) = (texture(1), texture(2));
        for shape in DefectShape::ALL {
            for fill in DefectFill::ALL {
                let mut seen = 0.0;
                for seed in 0..20 {
                    let mut rng = ChaCha8Rng::seed_from_u64(seed);
                    let mut forged = DamagedCrop { values: crop.clone(), mask: vec![0.0; SIDE * SIDE] };
                    forger.damage(&mut forged, &donor, shape, fill, &mut rng);
                    assert!(forged.values.iter().all(|v| (-1.0..=1.0).contains(v)));
                    // What is marked lies near what changed, and most of the crop is left alone.
                    let changed = |i: usize| (forged.values[i] - crop[i]).abs() > 1e-6;
                    for i in (0..SIDE * SIDE).filter(|&i| forged.mask[i] > 0.0) {
                        let (x, y) = (i % SIDE, i / SIDE);
                        let near = (y.saturating_sub(1)..(y + 2).min(SIDE))
                            .any(|v| (x.saturating_sub(1)..(x + 2).min(SIDE)).any(|u| changed(v * SIDE + u)));
                        assert!(near, "{shape:?} {fill:?} {seed}: {x}, {y}");
                    }
                    let share = forged.mask.iter().sum::<f32>() / (SIDE * SIDE) as f32;
                    assert!(share < 0.7, "{shape:?} {fill:?}: {share}");
                    seen += share;
                }
                assert!(seen > 0.0, "{shape:?} {fill:?} is never to be seen");
            }
        }
    }

    #[test]
    fn brightness_alone_leaves_the_texture_as_it_is() {
        // How often the change bends from one pixel to the next: at the damage's edge, or all over it.
        let torn = |brightness: f64| {
            let forger =
                forger(SyntheticDefectKnobs { share: 1.0, brightness, jitter: 0.0, ..SyntheticDefectKnobs::default() });
            let (crop, donor) = (texture(1), texture(2));
            let count = |seed: u64| {
                let forged = forger.forge(&crop, &donor, &mut ChaCha8Rng::seed_from_u64(seed));
                let change: Vec<f32> = forged.values.iter().zip(&crop).map(|(a, b)| a - b).collect();
                change.windows(3).filter(|w| (w[0] - 2.0 * w[1] + w[2]).abs() > 0.02).count()
            };
            (0..60).map(count).sum::<usize>() as f64 / (60 * SIDE * SIDE) as f64
        };
        let (alone, every) = (torn(1.0), torn(0.0));
        assert!(alone < 0.5 * every, "{alone} {every}");
    }

    #[test]
    fn the_same_seed_damages_alike_and_a_share_stays_whole() {
        let forger = forger(SyntheticDefectKnobs::default());
        let crops: Vec<f32> = (0..64).flat_map(texture).collect();
        let (one, two) = (forger.batch(&crops, 7, 3), forger.batch(&crops, 7, 3));
        assert_eq!(one, two);
        assert_ne!(one, forger.batch(&crops, 7, 4));
        let damaged = one.mask.chunks(SIDE * SIDE).filter(|m| m.iter().any(|&v| v > 0.0)).count();
        assert!((16..=44).contains(&damaged), "{damaged} of 64");
        let whole = DefectSynthesiser::new(
            SyntheticDefectKnobs { share: 0.0, jitter: 0.0, ..SyntheticDefectKnobs::default() },
            SIDE,
            1,
            0.2,
            (0, vec![]),
        );
        let left = whole.batch(&crops, 7, 3);
        assert!(left.values == crops && left.mask.iter().all(|&m| m == 0.0));
    }
}
