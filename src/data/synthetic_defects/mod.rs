//! Synthetic defects in healthy crops, for training a critic without defect images or labels.
//!
//! A defect is a soft-edged [shape](DefectShape) with a [fill](DefectFill) that is blended in (CutPaste, Li et al. 2021;
//! NSA, Schlueter et al. 2022; DRAEM, Zavrtanik et al. 2021). Everything is a pure function of a seed.

mod fill;
mod probe;
mod shape;

pub use fill::DefectFill;
use fill::FillContext;
pub use probe::{ProbeDefect, add_probe};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
pub use shape::DefectShape;

/// Settings of the defect synthesiser.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticDefectKnobs {
    /// Share of the crops that are damaged, 0 to 1.
    pub share: f64,
    /// Minimum opacity of a defect, 0 to 1; the maximum is 1.
    pub strength: f64,
    /// Largest half-axis of a blob as a share of the crop's side, 0.02 to 0.5.
    pub largest: f64,
    /// Share of the defects other than cracks that only change the brightness, in colour also the hue, 0 to 1, as scratches,
    /// pits and stains mostly do; the others draw uniformly from [`DefectFill`].
    pub brightness: f64,
    /// Random change of contrast and brightness in half of all crops, damaged or not, as a share, so that it is not a cue.
    pub jitter: f64,
}

impl Default for SyntheticDefectKnobs {
    fn default() -> Self {
        Self { share: 0.5, strength: 0.4, largest: 0.33, brightness: 0.4, jitter: 0.2 }
    }
}

/// A crop as planes of `side * side` values in `[-1, 1]`, with a mask of the visibly damaged pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct DamagedCrop {
    /// Values, plane by plane.
    pub values: Vec<f32>,
    /// 1 where damaged, else 0; one value per pixel.
    pub mask: Vec<f32>,
    /// 1 where a long line damages it, else 0, likewise.
    pub lines: Vec<f32>,
    /// 1 where a crack is all that damages it, else 0, likewise.
    pub cracks: Vec<f32>,
}

impl DamagedCrop {
    /// A crop of `side` pixels without any damage.
    pub(crate) fn undamaged(crop: &[f32], side: usize) -> Self {
        let none = || vec![0.0; side * side];
        Self { values: crop.to_vec(), mask: none(), lines: none(), cracks: none() }
    }
}

/// Adds synthetic defects to crops of one surface.
#[derive(Clone, Debug)]
pub struct DefectSynthesiser {
    knobs: SyntheticDefectKnobs,
    context: FillContext,
}

/// Maximum number of defects in one crop.
const MAX_DEFECTS: usize = 3;
/// Share of cracks among the defects: a critic that sees fewer does not learn to tell a crack from grains.
const CRACKS: f64 = 0.35;
/// Share of the cracks that are as dark or bright as grains.
const CRACKS_LIKE_GRAINS: f64 = 0.85;
/// Minimum opacity of a crack. Fainter ones cannot be told from the texture, and the critic learns less from all of them.
const FAINTEST_CRACK: f64 = 0.8;
/// Change of the smoothed crop in standard deviations above which a defect is visible.
const VISIBLE: f32 = 0.2;
/// Opacity above which a pixel counts as damaged.
const OPAQUE: f32 = 0.3;

impl DefectSynthesiser {
    /// Creates a synthesiser for crops of `side` pixels of a surface whose pixels have the standard deviation `deviation`
    /// on the -1 to 1 scale. `generated` are crops from the generator as their side and values, plane by plane; may be
    /// empty.
    pub fn new(
        knobs: SyntheticDefectKnobs,
        side: usize,
        channels: usize,
        deviation: f32,
        generated: (usize, Vec<f32>),
    ) -> Self {
        Self { knobs, context: FillContext { side, channels, deviation: deviation.max(1e-3), generated } }
    }

    /// Damages a healthy crop with probability [`SyntheticDefectKnobs::share`]; `donor` is another healthy crop.
    pub fn synthesise(&self, crop: &[f32], donor: &[f32], rng: &mut ChaCha8Rng) -> DamagedCrop {
        let side = self.context.side;
        let mut damaged = DamagedCrop::undamaged(crop, side);
        if rng.random_bool(self.knobs.share.clamp(0.0, 1.0)) {
            for _ in 0..rng.random_range(1..=MAX_DEFECTS) {
                let shape = self.shape(rng);
                let fill = self.fill(shape, rng);
                self.add_defect(&mut damaged, donor, shape, fill, rng);
            }
        }
        self.change_illumination(&mut damaged.values, rng);
        damaged
    }

    /// Draws a shape: a crack with the probability [`CRACKS`], else any other.
    fn shape(&self, rng: &mut ChaCha8Rng) -> DefectShape {
        if rng.random_bool(CRACKS) {
            return DefectShape::Crack;
        }
        let others = DefectShape::ALL.into_iter().filter(|shape| *shape != DefectShape::Crack);
        others.collect::<Vec<_>>().choose(rng).copied().unwrap_or(DefectShape::Blob)
    }

    /// Draws what a shape is filled with: a crack is mostly as dark as the grains; other defects often change nothing but
    /// the brightness.
    fn fill(&self, shape: DefectShape, rng: &mut ChaCha8Rng) -> DefectFill {
        let (usual, share) = match shape {
            DefectShape::Crack => (DefectFill::Grain, CRACKS_LIKE_GRAINS),
            _ => (DefectFill::Brightness, self.knobs.brightness.clamp(0.0, 1.0)),
        };
        let any = !rng.random_bool(share);
        DefectFill::ALL.choose(rng).copied().filter(|_| any).unwrap_or(usual)
    }

    /// Adds one defect of the given shape and fill.
    pub(crate) fn add_defect(
        &self,
        damaged: &mut DamagedCrop,
        donor: &[f32],
        shape: DefectShape,
        fill: DefectFill,
        rng: &mut ChaCha8Rng,
    ) {
        let (side, deviation) = (self.context.side, self.context.deviation);
        let area = side * side;
        let alpha = shape::draw(shape, side, self.knobs.largest as f32, rng);
        let least =
            if shape == DefectShape::Crack { self.knobs.strength.max(FAINTEST_CRACK) } else { self.knobs.strength };
        let opacity = rng.random_range(least.clamp(0.0, 0.99) as f32..1.0);
        let filled = fill::fill(fill, &self.context, &damaged.values, donor, &alpha, shape.is_line(), rng);
        let mut change = vec![0.0f32; area];
        for (i, (value, new)) in damaged.values.iter_mut().zip(filled).enumerate() {
            let blended = (*value + opacity * alpha[i % area] * (new - *value)).clamp(-1.0, 1.0);
            let moved = (blended - *value).abs();
            change[i % area] = change[i % area].max(moved);
            *value = blended;
        }
        let seen = fill::blurred(&change, side, 1);
        for (i, (alpha, seen)) in alpha.iter().zip(seen).enumerate() {
            if *alpha * opacity.max(0.8) > OPAQUE && seen > VISIBLE * deviation {
                let only_crack = shape == DefectShape::Crack && damaged.mask[i] <= damaged.cracks[i];
                damaged.cracks[i] = f32::from(u8::from(only_crack));
                damaged.mask[i] = 1.0;
                if shape.is_line() {
                    damaged.lines[i] = 1.0;
                }
            }
        }
    }

    /// Changes the contrast and brightness of half of all crops.
    fn change_illumination(&self, values: &mut [f32], rng: &mut ChaCha8Rng) {
        let reach = self.knobs.jitter as f32;
        if reach <= 0.0 || !rng.random_bool(0.5) {
            return;
        }
        let factor = 1.0 + rng.random_range(-reach..=reach);
        let shift = 3.0 * self.context.deviation * rng.random_range(-reach..=reach);
        let mean = values.iter().sum::<f32>() / values.len().max(1) as f32;
        values.iter_mut().for_each(|v| *v = ((*v - mean) * factor + mean + shift).clamp(-1.0, 1.0));
    }

    /// Damages a batch of consecutive crops; the random numbers of each depend on `seed`, `index` and its position. The
    /// donor of a crop is the next one.
    pub fn batch(&self, crops: &[f32], seed: u64, index: u64) -> DamagedCrop {
        use rayon::prelude::*;
        let length = self.context.channels * self.context.side * self.context.side;
        let n = crops.len() / length.max(1);
        let damaged: Vec<DamagedCrop> = (0..n)
            .into_par_iter()
            .map(|i| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(index.wrapping_mul(4096).wrapping_add(i as u64));
                let of = |i: usize| &crops[i * length..(i + 1) * length];
                self.synthesise(of(i), of((i + 1) % n), &mut rng)
            })
            .collect();
        let mut all = DamagedCrop::undamaged(&[], 0);
        for one in damaged {
            all.values.extend(one.values);
            all.mask.extend(one.mask);
            all.lines.extend(one.lines);
            all.cracks.extend(one.cracks);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 48;

    fn synthesiser(knobs: SyntheticDefectKnobs) -> DefectSynthesiser {
        DefectSynthesiser::new(knobs, SIDE, 1, 0.2, (16, vec![0.3; 16 * 16 * 2]))
    }

    fn texture(seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..SIDE * SIDE).map(|_| rng.random_range(-0.35..0.35f32)).collect()
    }

    #[test]
    fn every_shape_and_fill_damages_what_its_mask_says() {
        let still = SyntheticDefectKnobs { jitter: 0.0, ..SyntheticDefectKnobs::default() };
        let synthesiser = synthesiser(still);
        let (crop, donor) = (texture(1), texture(2));
        for shape in DefectShape::ALL {
            for fill in DefectFill::ALL {
                let mut seen = 0.0;
                for seed in 0..20 {
                    let mut rng = ChaCha8Rng::seed_from_u64(seed);
                    let mut damaged = DamagedCrop::undamaged(&crop, SIDE);
                    synthesiser.add_defect(&mut damaged, &donor, shape, fill, &mut rng);
                    assert!(damaged.values.iter().all(|v| (-1.0..=1.0).contains(v)));
                    // Marked pixels are near changed ones, and most of the crop is unchanged.
                    let changed = |i: usize| (damaged.values[i] - crop[i]).abs() > 1e-6;
                    for i in (0..SIDE * SIDE).filter(|&i| damaged.mask[i] > 0.0) {
                        let (x, y) = (i % SIDE, i / SIDE);
                        let near = (y.saturating_sub(1)..(y + 2).min(SIDE))
                            .any(|v| (x.saturating_sub(1)..(x + 2).min(SIDE)).any(|u| changed(v * SIDE + u)));
                        assert!(near, "{shape:?} {fill:?} {seed}: {x}, {y}");
                    }
                    let share = damaged.mask.iter().sum::<f32>() / (SIDE * SIDE) as f32;
                    assert!(share < 0.7, "{shape:?} {fill:?}: {share}");
                    seen += share;
                }
                assert!(seen > 0.0, "{shape:?} {fill:?} is never visible");
            }
        }
    }

    #[test]
    fn brightness_alone_leaves_the_texture_as_it_is() {
        let still = SyntheticDefectKnobs { jitter: 0.0, ..SyntheticDefectKnobs::default() };
        let synthesiser = synthesiser(still);
        let (crop, donor) = (texture(1), texture(2));
        // Share of pixels where the change has a kink: only at the edge of the defect, or all over it.
        let kinks = |fill: DefectFill| {
            let count = |seed: u64| {
                let mut damaged = DamagedCrop::undamaged(&crop, SIDE);
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                synthesiser.add_defect(&mut damaged, &donor, DefectShape::Blob, fill, &mut rng);
                let change: Vec<f32> = damaged.values.iter().zip(&crop).map(|(a, b)| a - b).collect();
                change.windows(3).filter(|w| (w[0] - 2.0 * w[1] + w[2]).abs() > 0.02).count()
            };
            (0..60).map(count).sum::<usize>() as f64 / (60 * SIDE * SIDE) as f64
        };
        let (brightness_only, donor) = (kinks(DefectFill::Brightness), kinks(DefectFill::Donor));
        assert!(brightness_only < 0.5 * donor, "{brightness_only} {donor}");
    }

    #[test]
    fn the_share_of_brightness_is_that_of_the_knob_except_in_cracks() {
        for brightness in [0.0, 0.4, 1.0] {
            let synthesiser = synthesiser(SyntheticDefectKnobs { brightness, ..SyntheticDefectKnobs::default() });
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let share = |shape: DefectShape, wanted: DefectFill, rng: &mut ChaCha8Rng| {
                (0..1_000).filter(|_| synthesiser.fill(shape, rng) == wanted).count() as f64 / 1_000.0
            };
            // One in ten of the others, too.
            let expected = |share: f64| share + (1.0 - share) / DefectFill::ALL.len() as f64;
            for shape in DefectShape::ALL.into_iter().filter(|shape| *shape != DefectShape::Crack) {
                let found = share(shape, DefectFill::Brightness, &mut rng);
                assert!((found - expected(brightness)).abs() < 0.05, "{shape:?} {brightness} {found}");
            }
            let found = share(DefectShape::Crack, DefectFill::Grain, &mut rng);
            assert!((found - expected(CRACKS_LIKE_GRAINS)).abs() < 0.05, "{brightness} {found}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_damage_and_a_share_stays_healthy() {
        let synthesiser = synthesiser(SyntheticDefectKnobs::default());
        let crops: Vec<f32> = (0..64).flat_map(texture).collect();
        let (one, two) = (synthesiser.batch(&crops, 7, 3), synthesiser.batch(&crops, 7, 3));
        assert_eq!(one, two);
        assert_ne!(one, synthesiser.batch(&crops, 7, 4));
        let damaged = one.mask.chunks(SIDE * SIDE).filter(|m| m.iter().any(|&v| v > 0.0)).count();
        assert!((16..=44).contains(&damaged), "{damaged} of 64");
        let healthy = DefectSynthesiser::new(
            SyntheticDefectKnobs { share: 0.0, jitter: 0.0, ..SyntheticDefectKnobs::default() },
            SIDE,
            1,
            0.2,
            (0, vec![]),
        );
        let left = healthy.batch(&crops, 7, 3);
        assert!(left.values == crops && left.mask.iter().all(|&m| m == 0.0));
    }
}
