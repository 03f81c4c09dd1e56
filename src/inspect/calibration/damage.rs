//! Damage in healthy images, from which the weights of the combined score follow.
//!
//! Every other one is of a family that no network was trained on, so that the weights do not rest on what the critic has
//! learnt; the others are as those that it has learnt, which have other shapes and fills.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    data::{DefectSynthesiser, ProbeDefect, SyntheticDefectKnobs, add_probe},
    inspect::Planes,
};

/// Attempts at a defect that changes the image.
const ATTEMPTS: u64 = 8;
/// Largest side of the window of most defects.
const MAX_WINDOW: usize = 96;
/// One in so many defects of the second family may cover a large part of the image instead.
const LARGE_EVERY: u64 = 4;
/// Mean side of the square inspected again for a synthetic defect: the defect and the tiles that cover it.
const DAMAGED_SIDE: usize = 128;
/// Share of the pixels of an image inspected again for one that may be large, at the mean.
const LARGE_SHARE: f64 = 0.3;

/// Adds defect `index` to a frame; every other one is of the second family.
pub(super) fn with_damage(frame: &Planes, index: u64) -> Planes {
    let changed = match index % 2 {
        0 => with_probe(frame, index / 2),
        _ => with_synthetic(frame, index / 2),
    };
    Planes::new(frame.width(), frame.height(), frame.channels(), changed).unwrap_or_else(|| frame.clone())
}

/// Mean share of the pixels of an image of `pixels` pixels that is inspected again for a defect.
pub(super) fn share_inspected_again(pixels: usize) -> f64 {
    let small = (DAMAGED_SIDE.pow(2) as f64 / pixels.max(1) as f64).min(1.0);
    let large = 0.5 / LARGE_EVERY as f64;
    (1.0 - large) * small + large * LARGE_SHARE.max(small)
}

/// The values of a frame with a defect of the second family.
fn with_probe(frame: &Planes, seed: u64) -> Vec<f32> {
    let size = [frame.width(), frame.height()];
    let mut values = frame.values().to_vec();
    // Not every attempt changes anything: a piece of a uniform area looks like the rest of it.
    let mut attempts = (0..ATTEMPTS).map(|attempt| seed + attempt * ProbeDefect::ALL.len() as u64);
    let reach = if seed.is_multiple_of(LARGE_EVERY) { size[0].max(size[1]) } else { MAX_WINDOW };
    attempts.any(|seed| add_probe(&mut values, size, reach, seed));
    values
}

/// The values of a frame with a defect as those that the critic is trained on.
fn with_synthetic(frame: &Planes, seed: u64) -> Vec<f32> {
    let (width, height, channels) = (frame.width(), frame.height(), frame.channels());
    let side = MAX_WINDOW.min(width).min(height);
    let mut rng = ChaCha8Rng::seed_from_u64(0x6461_6d61_6765);
    rng.set_stream(seed);
    let window = |rng: &mut ChaCha8Rng| {
        let (left, top) = (rng.random_range(0..=width - side), rng.random_range(0..=height - side));
        let cells = (0..channels)
            .flat_map(move |c| (0..side * side).map(move |i| (c * height + top + i / side) * width + left + i % side));
        cells.collect::<Vec<usize>>()
    };
    let mut values = frame.values().to_vec();
    // Within the channels: a hue is no structure.
    let squares = |plane: &[f32]| {
        let mean = plane.iter().sum::<f32>() / plane.len() as f32;
        plane.iter().map(|v| (v - mean).powi(2)).sum::<f32>()
    };
    let deviation = (values.chunks_exact(width * height).map(squares).sum::<f32>() / values.len() as f32).sqrt();
    // Damage only: brightness is unchanged.
    let knobs = SyntheticDefectKnobs { share: 1.0, jitter: 0.0, ..SyntheticDefectKnobs::default() };
    let synthesiser = DefectSynthesiser::new(knobs, side, channels, deviation, (0, Vec::new()));
    let mut attempts = (0..ATTEMPTS).map(|_| {
        let (region, donor) = (window(&mut rng), window(&mut rng));
        let cut = |cells: &[usize]| cells.iter().map(|&i| values[i]).collect::<Vec<f32>>();
        let synthetic = synthesiser.synthesise(&cut(&region), &cut(&donor), &mut rng);
        (region, synthetic)
    });
    let seen = attempts.find(|(_, synthetic)| synthetic.mask.contains(&1.0));
    for (i, value) in seen.into_iter().flat_map(|(region, synthetic)| region.into_iter().zip(synthetic.values)) {
        values[i] = value;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_change_part_of_a_frame_in_grey_and_colour() {
        for (channels, size) in [(1, [160, 120]), (3, [200, 64]), (1, [40, 300])] {
            let mut rng = ChaCha8Rng::seed_from_u64(2);
            let values: Vec<f32> = (0..channels * size[0] * size[1]).map(|_| rng.random_range(-0.4..0.4)).collect();
            let frame = Planes::new(size[0], size[1], channels, values).unwrap();
            let mut different = Vec::new();
            for index in 0..16 {
                let damaged = with_damage(&frame, index);
                assert_eq!(damaged.values(), with_damage(&frame, index).values(), "{index}");
                let pairs = || damaged.values().iter().zip(frame.values());
                assert!(pairs().all(|(after, _)| (-1.0..=1.0).contains(after)), "{index}");
                let changed = pairs().filter(|(after, before)| after != before).count();
                assert!(changed > 0 && changed < frame.values().len(), "{index}: {changed}");
                assert!(!different.contains(&damaged.values().to_vec()), "{index}");
                different.push(damaged.values().to_vec());
            }
        }
    }
}
