//! The split of the healthy images into training images and those held out for calibration.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DataError, FileHash};

/// Minimum number of held-out images.
pub(crate) const MIN_HELD_OUT: usize = 5;

/// Default share of held-out images.
pub(crate) const DEFAULT_SHARE: f64 = 0.2;

/// Number of held-out images that can promise 1 false alarm in 20 healthy parts. Of few images, up to half are held out for
/// it: fewer would train a better model, whose verdicts could not be promised.
const FOR_PROMISE: usize = 19;

/// A split of the healthy images by the hashes of their files: it does not depend on where the files are, and copies of
/// one image are never on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Random seed.
    pub seed: u64,
    /// Training images.
    pub train: Vec<FileHash>,
    /// Images for calibrating the verdict, never trained on.
    pub held_out: Vec<FileHash>,
    /// Hashes of the pixels of both, whatever the file format; empty in older files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pixels: Vec<FileHash>,
}

impl Split {
    /// Draws a split: of the n distinct `hashes`, `max(5, ceil(share * n))` are held out, at most n - 1; with the default
    /// share or more also at least 19, or half of fewer than 38.
    ///
    /// The images are ranked by the BLAKE3 hash of (seed, file hash) and the lowest are held out: the order of the files
    /// does not matter, and a new image moves few others to the other side.
    ///
    /// # Errors
    /// [`DataError::TooFewHealthy`] below 6 distinct images; [`DataError::OutOfRange`] for a share
    /// outside `(0, 1)`.
    pub fn draw(hashes: impl IntoIterator<Item = FileHash>, share: f64, seed: u64) -> Result<Self, DataError> {
        Self::draw_pictures(hashes.into_iter().map(|hash| (hash, hash)), share, seed)
    }

    /// As [`Split::draw`], for pairs of the hash of a file and that of its pixels. Files with the same pixels are one
    /// image: they are on the same side.
    ///
    /// # Errors
    /// Those of [`Split::draw`].
    pub fn draw_pictures(
        pictures: impl IntoIterator<Item = (FileHash, FileHash)>,
        share: f64,
        seed: u64,
    ) -> Result<Self, DataError> {
        if !(share > 0.0 && share < 1.0) {
            return Err(DataError::OutOfRange {
                name: "the held-out share",
                value: share.to_string(),
                range: "above 0 and below 1",
            });
        }
        let mut distinct: BTreeMap<FileHash, BTreeSet<FileHash>> = BTreeMap::new();
        for (file, pixels) in pictures {
            distinct.entry(pixels).or_default().insert(file);
        }
        let (have, need) = (distinct.len(), MIN_HELD_OUT + 1);
        if have < need {
            return Err(DataError::TooFewHealthy { have, need });
        }
        let pixels =
            distinct.iter().filter(|(pixels, files)| !files.contains(pixels)).map(|(pixels, _)| *pixels).collect();
        // The rank of an image is that of the first of its files.
        let ranked = |files: BTreeSet<FileHash>| Some((rank(seed, files.first()?), files));
        let mut ranked: Vec<([u8; 32], BTreeSet<FileHash>)> = distinct.into_values().filter_map(ranked).collect();
        ranked.sort_unstable();
        let train = ranked.split_off(held_out_count(have, share));
        let hashes =
            |side: Vec<([u8; 32], BTreeSet<FileHash>)>| side.into_iter().flat_map(|(_, files)| files).collect();
        Ok(Self { seed, train: hashes(train), held_out: hashes(ranked), pixels })
    }
}

/// The number of `have` distinct images that are held out.
fn held_out_count(have: usize, share: f64) -> usize {
    // The tolerance keeps 0.2 of 15 at 3 if the share was once stored in 32 bits.
    let count = (share * have as f64 * (1.0 - 1e-6)).ceil() as usize;
    // Who asks for a smaller share than the default wants more images to be trained on.
    let promised = if share < DEFAULT_SHARE * (1.0 - 1e-6) { 0 } else { FOR_PROMISE.min(have / 2) };
    count.max(promised).clamp(MIN_HELD_OUT, have - 1)
}

fn rank(seed: u64, hash: &FileHash) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(hash.as_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn hashes(n: usize) -> Vec<FileHash> {
        (0..n).map(|i| FileHash::of(&i.to_le_bytes())).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn a_split_is_a_partition_that_ignores_order_and_copies(n in 6_usize..300, share in 0.01_f64..0.99, seed: u64) {
            let all = hashes(n);
            let split = Split::draw(all.clone(), share, seed).unwrap();
            let (train, held): (HashSet<_>, HashSet<_>) = (split.train.iter().collect(), split.held_out.iter().collect());
            prop_assert!(train.is_disjoint(&held));
            prop_assert_eq!(train.len() + held.len(), n);
            prop_assert!(held.len() >= MIN_HELD_OUT && !train.is_empty());
            prop_assert!(held.len() as f64 >= share * n as f64 - 1e-3 || train.len() == 1);
            let shuffled = all.iter().rev().chain(&all).copied();
            prop_assert_eq!(Split::draw(shuffled, share, seed).unwrap(), split);
        }

        #[test]
        fn one_more_image_moves_at_most_one_across(n in 30_usize..200, seed: u64) {
            let before = Split::draw(hashes(n), DEFAULT_SHARE, seed).unwrap();
            let after = Split::draw(hashes(n + 1), DEFAULT_SHARE, seed).unwrap();
            let held: HashSet<_> = after.held_out.iter().collect();
            let train: HashSet<_> = after.train.iter().collect();
            let moved = before.train.iter().filter(|h| held.contains(h)).count() + before.held_out.iter().filter(|h| train.contains(h)).count();
            prop_assert!(moved <= 1);
        }
    }

    #[test]
    fn a_fifth_is_held_out_and_of_few_images_as_many_as_the_promise_needs() {
        let held = |n, share| Split::draw(hashes(n), share, 1).unwrap().held_out.len();
        assert_eq!([6, 12, 20, 38, 95, 100].map(|n| held(n, 0.2)), [5, 6, 10, 19, 19, 20]);
        assert_eq!([held(20, 0.5), held(20, 0.8), held(100, 0.5)], [10, 16, 50]);
        // A smaller share is what was asked for.
        assert_eq!([held(25, 0.1), held(26, 0.1), held(100, 0.1)], [5, 5, 10]);
        assert_eq!(held(30, f64::from(0.2_f32)), 15);
        assert_eq!(held(150, f64::from(0.2_f32)), 30);
        assert_ne!(
            Split::draw(hashes(50), 0.2, 1).unwrap().held_out,
            Split::draw(hashes(50), 0.2, 2).unwrap().held_out
        );
    }

    #[test]
    fn too_few_images_are_counted_in_the_message() {
        let copies = hashes(4).into_iter().chain(hashes(4));
        let message = Split::draw(copies, 0.2, 1).unwrap_err().to_string();
        assert!(
            message.contains("there are 4 different healthy images and at least 6 are needed (5 of them are held out)"),
            "{message}"
        );
        assert!(Split::draw(hashes(9), 1.0, 1).is_err() && Split::draw(hashes(9), f64::NAN, 1).is_err());
    }

    #[test]
    fn files_with_the_same_pixels_stay_on_one_side() {
        let files = hashes(40);
        let pixels = |i: usize| FileHash::of(format!("pixels {}", i / 2).as_bytes());
        let split = Split::draw_pictures(files.iter().enumerate().map(|(i, &file)| (file, pixels(i))), 0.3, 5).unwrap();
        assert_eq!((split.train.len(), split.held_out.len(), split.pixels.len()), (20, 20, 20));
        for pair in files.chunks(2) {
            assert_eq!(split.train.contains(&pair[0]), split.train.contains(&pair[1]));
        }
        // Without copies it is the split of the files, as older versions drew it.
        let single =
            Split::draw_pictures(files.iter().enumerate().map(|(i, &file)| (file, pixels(2 * i))), 0.3, 5).unwrap();
        let before = Split::draw(files, 0.3, 5).unwrap();
        assert_eq!((single.train, single.held_out), (before.train, before.held_out));
        assert!(before.pixels.is_empty());
    }

    #[test]
    fn a_split_survives_serde() {
        let split = Split::draw(hashes(10), 0.2, 9).unwrap();
        let text = serde_json::to_string(&split).unwrap();
        assert_eq!(serde_json::from_str::<Split>(&text).unwrap(), split);
    }
}
