//! Healthy crops that a model keeps, to be laid beside the oddest place of a picture: what a good part looks like
//! where this one does not.
//!
//! Likeness is measured as the critic sees it: its features, whitened as for the Mahalanobis score, averaged over each
//! quarter of a crop. A crop's features depend on what lies around it, so they are taken within the whole picture.

use std::{collections::BTreeMap, sync::Arc};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::FrameCritic;
use crate::{
    data::{box_filter::box_mean, picture::unit_to_u8},
    inspect::{job::Outcome, planes::Planes},
    model::{
        critic::STRIDE,
        weights::{Weight, WeightError},
    },
};

/// Side of a crop, pixels.
pub const SIDE: usize = 64;
/// Neighbours of a place.
pub const SHOWN: usize = 3;
/// Bytes of pixels that a model keeps: 256 grey crops, or 85 of colour.
const BYTES: usize = 256 * SIDE * SIDE;
/// Crops that are left in a slim model.
const SLIM: usize = 16;
/// Bytes in a number of a model file, which hold whole numbers up to 2^24 exactly.
const PACKED: usize = 3;
/// Pixels to every side that a map is averaged over before its oddest place is looked for.
const REACH: usize = 4;

/// Where a kept crop comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Name of the image's file.
    pub image: String,
    /// Column of the crop's left edge, pixels of the image as inspected.
    pub x: usize,
    /// Row of its top edge.
    pub y: usize,
}

/// A healthy training crop that looks like a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// Where it comes from.
    pub origin: Origin,
    /// How far it is from the place, in standard deviations a feature.
    pub distance: f32,
    /// Its pixels, row by row, as many bytes a pixel as the model has channels.
    pub pixels: Arc<[u8]>,
}

/// The healthy crops that a model keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Bank {
    channels: usize,
    origins: Vec<Origin>,
    /// What each crop is told by, one after the other.
    features: Vec<f32>,
    pixels: Vec<Arc<[u8]>>,
}

/// Bytes of a crop.
fn bytes(channels: usize) -> usize {
    SIDE * SIDE * channels
}

/// The corner of the crop around a place, on the critic's grid; `None` where the picture is smaller than a crop.
pub fn corner(planes: &Planes, (x, y): (usize, usize)) -> Option<(usize, usize)> {
    let along = |at: usize, side: usize| {
        let last = side.checked_sub(SIDE)?;
        Some(at.saturating_sub(SIDE / 2).min(last) / STRIDE * STRIDE)
    };
    Some((along(x, planes.width())?, along(y, planes.height())?))
}

/// The pixels of the crop at a corner.
pub fn pixels(planes: &Planes, (left, top): (usize, usize)) -> Arc<[u8]> {
    let mut pixels = Vec::with_capacity(bytes(planes.channels()));
    for y in top..top + SIDE {
        for x in left..left + SIDE {
            let level = |c| unit_to_u8(planes.at(x, y, c));
            pixels.extend((0..planes.channels()).map(level));
        }
    }
    pixels.into()
}

/// The place of a picture that is oddest: in the critic's eyes, or by its difference without one.
pub fn oddest(outcome: &Outcome) -> Option<(usize, usize)> {
    let (width, height) = (outcome.query.width(), outcome.query.height());
    let inspected = outcome.inspected.as_deref();
    let map = match &outcome.critic {
        Some(maps) => maps.logit.clone(),
        None => outcome.difference.iter().map(|v| v.abs()).collect(),
    };
    let smooth = box_mean(&map, width, height, REACH, inspected);
    let counts = |i: &usize| inspected.is_none_or(|all| all.get(*i).copied().unwrap_or(false));
    let at = (0..smooth.len()).filter(counts).max_by(|a, b| smooth[*a].total_cmp(&smooth[*b]))?;
    Some((at % width, at / width))
}

impl Bank {
    /// Crops that are kept.
    pub fn len(&self) -> usize {
        self.origins.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// Where the crops come from.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// Numbers that a crop is told by: the mean features of its quarters.
    fn told(&self) -> usize {
        self.features.len() / self.len().max(1)
    }

    /// The crops nearest to these features, the nearest first, no two of one image.
    pub(crate) fn nearest(&self, features: &[f32]) -> Vec<Neighbour> {
        let distance = |own: &[f32]| {
            let sum: f32 = own.iter().zip(features).map(|(a, b)| (a - b).powi(2)).sum();
            (sum / own.len() as f32).sqrt()
        };
        let mut order: Vec<(f32, usize)> =
            self.features.chunks_exact(self.told().max(1)).enumerate().map(|(i, own)| (distance(own), i)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut found: Vec<Neighbour> = Vec::with_capacity(SHOWN);
        for (distance, i) in order {
            let origin = &self.origins[i];
            if found.len() < SHOWN && found.iter().all(|n| n.origin.image != origin.image) {
                found.push(Neighbour { origin: origin.clone(), distance, pixels: Arc::clone(&self.pixels[i]) });
            }
        }
        found
    }

    /// A few of its crops, evenly from all of them.
    pub(crate) fn slim(&self) -> Self {
        let told = self.told();
        let kept: Vec<usize> = (0..SLIM.min(self.len())).map(|i| i * self.len() / SLIM.min(self.len())).collect();
        Self {
            channels: self.channels,
            origins: kept.iter().map(|&i| self.origins[i].clone()).collect(),
            features: kept.iter().flat_map(|&i| self.features[i * told..(i + 1) * told].to_vec()).collect(),
            pixels: kept.iter().map(|&i| Arc::clone(&self.pixels[i])).collect(),
        }
    }

    /// As tensors of a model file; where the crops come from is written beside them.
    pub(crate) fn weights(&self) -> Vec<Weight> {
        let packed = bytes(self.channels).div_ceil(PACKED);
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0.0, |sum, byte| sum * 256.0 + f32::from(*byte));
        let values = self.pixels.iter().flat_map(|crop| crop.chunks(PACKED).map(number).collect::<Vec<f32>>());
        vec![
            Weight { name: "features".into(), shape: vec![self.len(), self.told()], values: self.features.clone() },
            Weight { name: "pixels".into(), shape: vec![self.len(), packed], values: values.collect() },
        ]
    }

    /// From the tensors of a model file whose crops are told by `told` numbers each; `None` where a pixel is none.
    ///
    /// # Errors
    /// [`WeightError`] for a tensor that is missing or of another shape.
    pub(crate) fn from_weights(
        tensors: &BTreeMap<String, Weight>,
        origins: Vec<Origin>,
        channels: usize,
        told: usize,
    ) -> Result<Option<Self>, WeightError> {
        let take = |name: &str, side: usize| {
            let found = tensors.get(name).ok_or_else(|| WeightError::Missing(format!("bank/{name}")))?;
            let wanted = vec![origins.len(), side];
            if found.shape != wanted {
                let (name, stored) = (format!("bank/{name}"), found.shape.clone());
                return Err(WeightError::Shape { name, stored, wanted });
            }
            Ok(&found.values)
        };
        let packed = bytes(channels).div_ceil(PACKED);
        let (features, numbers) = (take("features", told)?.clone(), take("pixels", packed)?);
        let whole = |v: &f32| v.fract() == 0.0 && (0.0..16_777_216.0).contains(v);
        if !numbers.iter().all(whole) {
            return Ok(None);
        }
        let unpacked = |crop: &[f32]| {
            let all = crop.iter().flat_map(|v| (*v as u32).to_le_bytes().into_iter().take(PACKED));
            all.take(bytes(channels)).collect()
        };
        let pixels = numbers.chunks_exact(packed).map(unpacked).collect();
        Ok(Some(Self { channels, origins, features, pixels }))
    }
}

/// Takes the crops of a bank out of healthy training images, one image a call.
#[derive(Clone, Debug)]
pub struct Gathering {
    bank: Bank,
    images: usize,
    seen: usize,
    most: usize,
    rng: ChaCha8Rng,
}

impl Gathering {
    /// For so many images; which of their crops are taken follows from `seed`.
    pub fn new(images: usize, channels: usize, seed: u64) -> Self {
        let bank = Bank { channels, origins: Vec::new(), features: Vec::new(), pixels: Vec::new() };
        Self { bank, images, seen: 0, most: BYTES / bytes(channels), rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Most images that a bank is taken from.
    pub fn most_images(channels: usize) -> usize {
        BYTES / bytes(channels)
    }

    /// Images that are still to be shown.
    pub fn left(&self) -> usize {
        self.images - self.seen
    }

    /// The place of the next among them.
    pub fn next(&self) -> usize {
        self.seen
    }

    /// Takes crops from the next image. One that is smaller than a crop gives none.
    ///
    /// # Errors
    /// When the device does not hand the values over.
    pub fn show(&mut self, critic: &FrameCritic, image: &str, frame: &Planes) -> Result<(), WeightError> {
        self.seen += 1;
        let (Some(wide), Some(high)) = (frame.width().checked_sub(SIDE), frame.height().checked_sub(SIDE)) else {
            return Ok(());
        };
        // As many of each as fill the bank; the last images give what is left.
        let share = self.most.div_ceil(self.images.max(1)).min(self.most - self.bank.len());
        let mut taken = Vec::with_capacity(share);
        for _ in 0..share {
            let mut along = |room: usize| self.rng.random_range(0..=room / STRIDE) * STRIDE;
            let corner = (along(wide), along(high));
            // A small image has few crops, and none is kept twice.
            if taken.contains(&corner) {
                continue;
            }
            taken.push(corner);
            self.bank.features.extend(critic.told(frame, corner)?);
            self.bank.pixels.push(pixels(frame, corner));
            self.bank.origins.push(Origin { image: image.to_owned(), x: corner.0, y: corner.1 });
        }
        Ok(())
    }

    /// What was gathered.
    pub fn finish(self) -> Bank {
        self.bank
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{
        data::{surface, surface::SurfaceKind},
        inspect::critic::{FrameCritic, StatsFitter, TestTimeAugmentation},
        model::{Critic, FrozenCritic},
    };

    fn image(index: u64) -> Planes {
        Planes::of(&surface::draw(SurfaceKind::Milled, None, 5, index, 160).picture, 1, 1.0)
    }

    fn critic(level: bool) -> FrameCritic {
        let net = Critic::new(1, 24, [0.0, 0.3], &mut ChaCha8Rng::seed_from_u64(8), &Device::flex());
        let mut learning = StatsFitter::new(
            FrozenCritic::new(&net),
            TestTimeAugmentation { level, ..TestTimeAugmentation::default() },
            4,
            &Device::flex(),
        );
        while learning.left() > 0 {
            let next = learning.next();
            learning.show(&image(next as u64)).unwrap();
        }
        learning.finish()
    }

    fn bank(critic: &FrameCritic, images: usize) -> Bank {
        let mut gathering = Gathering { most: 24, ..Gathering::new(images, 1, 3) };
        while gathering.left() > 0 {
            let next = gathering.next();
            gathering.show(critic, &format!("{next:03}.png"), &image(next as u64)).unwrap();
        }
        gathering.finish()
    }

    #[test]
    fn crops_are_spread_over_the_images_and_the_same_every_time() {
        let critic = critic(true);
        let all = bank(&critic, 6);
        assert_eq!(all.len(), 24);
        for i in 0..6 {
            let own = all.origins().iter().filter(|o| o.image == format!("{i:03}.png")).count();
            assert_eq!(own, 4);
        }
        assert!(all.origins().iter().all(|o| o.x + SIDE <= 160 && o.y + SIDE <= 160));
        assert_eq!(all, bank(&critic, 6));
        let slim = all.slim();
        assert_eq!(slim.len(), SLIM);
        assert_eq!(slim.nearest(&slim.features[..slim.told()])[0].origin, slim.origins[0]);
        let small = Planes::new(SIDE - 1, 200, 1, vec![0.0; (SIDE - 1) * 200]).unwrap();
        let mut gathering = Gathering::new(1, 1, 3);
        gathering.show(&critic, "small.png", &small).unwrap();
        assert!(gathering.finish().is_empty() && corner(&small, (3, 3)).is_none());
    }

    #[test]
    fn a_place_of_a_training_image_finds_itself_first() {
        let critic = critic(true);
        let bank = bank(&critic, 6);
        for (i, origin) in bank.origins().iter().enumerate().step_by(5) {
            let frame = image(origin.image[..3].parse().unwrap());
            let place = (origin.x + SIDE / 2, origin.y + SIDE / 2);
            let at = corner(&frame, place).unwrap();
            assert_eq!(at, (origin.x, origin.y));
            let found = bank.nearest(&critic.told(&frame, at).unwrap());
            assert_eq!((found.len(), &found[0].origin), (SHOWN, origin));
            assert!(found[0].distance < 1e-3 && found[1].distance > 10.0 * found[0].distance, "{found:?}");
            assert_eq!((&found[0].pixels, &bank.pixels[i]), (&pixels(&frame, at), &pixels(&frame, at)));
            assert!(found[1].origin.image != origin.image && found[2].origin.image != found[1].origin.image);
        }
    }

    #[test]
    fn an_image_that_was_cut_finds_the_image_it_was_cut_from() {
        let critic = critic(true);
        let bank = bank(&critic, 6);
        let mut found = 0;
        for origin in bank.origins() {
            // What is left of it is the crop and a margin; the critic saw more around it.
            let frame = image(origin.image[..3].parse().unwrap());
            let (left, top) = (origin.x.saturating_sub(32) / 8 * 8, origin.y.saturating_sub(32) / 8 * 8);
            let (w, h) = ((160 - left).min(128), (160 - top).min(128));
            let values = (0..w * h).map(|i| frame.at(left + i % w, top + i / w, 0)).collect();
            let cut = Planes::new(w, h, 1, values).unwrap();
            let told = critic.told(&cut, (origin.x - left, origin.y - top)).unwrap();
            found += usize::from(bank.nearest(&told)[0].origin.image == origin.image);
        }
        assert!(found * 10 >= bank.len() * 9, "{found} of {}", bank.len());
    }

    #[test]
    fn a_crop_is_told_within_its_surroundings_as_within_the_whole() {
        // The light of the whole would be that of its surroundings too.
        let critic = critic(false);
        let values: Vec<f32> = (0..3).flat_map(|i| image(i).values().to_vec()).collect();
        let tall = Planes::new(160, 480, 1, values).unwrap();
        // The last rows are far from the first: they play no part there.
        let (low, high) = (critic.told(&tall, (48, 100)).unwrap(), critic.told(&tall, (48, 240)).unwrap());
        let shorter = Planes::new(160, 320, 1, tall.values()[..160 * 320].to_vec()).unwrap();
        let again = critic.told(&shorter, (48, 100)).unwrap();
        let off = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off(&low, &again) < 1e-4, "{}", off(&low, &again));
        assert!(off(&low, &high) > 1e-2);
    }

    #[test]
    fn a_bank_goes_through_a_file_to_the_last_bit() {
        let bank = bank(&critic(true), 6);
        let stored: BTreeMap<String, Weight> = bank.weights().into_iter().map(|w| (w.name.clone(), w)).collect();
        let read = |tensors: &BTreeMap<String, Weight>| Bank::from_weights(tensors, bank.origins.clone(), 1, 96);
        assert_eq!(read(&stored), Ok(Some(bank.clone())));
        let mut short = stored.clone();
        short.remove("pixels");
        assert_eq!(read(&short), Err(WeightError::Missing("bank/pixels".into())));
        let mut other = stored.clone();
        other.get_mut("features").unwrap().shape[0] -= 1;
        assert!(matches!(read(&other), Err(WeightError::Shape { name, .. }) if name == "bank/features"));
        for wrong in [0.5, -1.0, 16_777_216.0] {
            let mut odd = stored.clone();
            odd.get_mut("pixels").unwrap().values[7] = wrong;
            assert_eq!(read(&odd), Ok(None), "{wrong}");
        }
    }
}
