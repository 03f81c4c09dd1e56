//! Healthy crops kept in the model, and the nearest neighbours of a region among them.
//!
//! Crops are compared by their [embeddings](super::embedding). A crop's features depend on its surroundings, so they
//! are computed within the whole image.

use std::{collections::BTreeMap, sync::Arc};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{embedding::SIDE, frame_critic::FrameCritic};
use crate::{
    data::picture::unit_to_u8,
    inspect::Planes,
    model::{
        critic::STRIDE,
        weights::{Weight, WeightError},
    },
};

/// Neighbours shown for a region.
pub(crate) const SHOWN: usize = 3;
/// Bytes of pixels kept in a model: 256 grey crops, or 85 in colour.
const BANK_BYTES: usize = 256 * SIDE * SIDE;
/// Crops kept in a slim model.
const SLIM_CROPS: usize = 16;
/// Bytes packed into one number of a model file; an f32 holds integers up to 2^24 exactly.
const PACKED_BYTES: usize = 3;

/// Where a kept crop comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CropOrigin {
    /// File name of the image.
    pub image: String,
    /// Column of the crop's left edge, pixels of the inspected image.
    pub x: usize,
    /// Row of its top edge.
    pub y: usize,
}

/// A healthy training crop similar to a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// Where it comes from.
    pub origin: CropOrigin,
    /// Embedding distance to the region, in standard deviations per feature.
    pub distance: f32,
    /// Pixels row by row, one byte per channel.
    pub pixels: Arc<[u8]>,
}

/// Healthy crops kept in a model, with their embeddings.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingBank {
    channels: usize,
    origins: Vec<CropOrigin>,
    /// Embeddings, one after the other.
    features: Vec<f32>,
    pixels: Vec<Arc<[u8]>>,
}

/// Bytes of a crop.
fn bytes(channels: usize) -> usize {
    SIDE * SIDE * channels
}

/// The corner of the crop around a pixel, aligned to the critic's grid; `None` where the image is smaller than a crop.
pub(crate) fn crop_corner(planes: &Planes, (x, y): (usize, usize)) -> Option<(usize, usize)> {
    let along = |at: usize, side: usize| {
        let last = side.checked_sub(SIDE)?;
        Some(at.saturating_sub(SIDE / 2).min(last) / STRIDE * STRIDE)
    };
    Some((along(x, planes.width())?, along(y, planes.height())?))
}

/// Pixels of the crop at a corner.
pub(crate) fn crop_pixels(planes: &Planes, (left, top): (usize, usize)) -> Arc<[u8]> {
    let mut pixels = Vec::with_capacity(bytes(planes.channels()));
    for y in top..top + SIDE {
        for x in left..left + SIDE {
            let byte = |c| unit_to_u8(planes.at(x, y, c));
            pixels.extend((0..planes.channels()).map(byte));
        }
    }
    pixels.into()
}

impl EmbeddingBank {
    /// Number of crops.
    pub fn len(&self) -> usize {
        self.origins.len()
    }

    /// Whether the bank is empty.
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// Where the crops come from.
    pub fn origins(&self) -> &[CropOrigin] {
        &self.origins
    }

    /// Embedding dimension.
    fn embedding_dim(&self) -> usize {
        self.features.len() / self.len().max(1)
    }

    /// The crops nearest to an embedding, nearest first, at most one per image.
    pub(crate) fn nearest(&self, features: &[f32]) -> Vec<Neighbour> {
        let distance = |own: &[f32]| {
            let sum: f32 = own.iter().zip(features).map(|(a, b)| (a - b).powi(2)).sum();
            (sum / own.len() as f32).sqrt()
        };
        let mut order: Vec<(f32, usize)> = self
            .features
            .chunks_exact(self.embedding_dim().max(1))
            .enumerate()
            .map(|(i, own)| (distance(own), i))
            .collect();
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

    /// A subset of the crops, evenly spaced.
    pub(crate) fn slim(&self) -> Self {
        let dim = self.embedding_dim();
        let kept: Vec<usize> =
            (0..SLIM_CROPS.min(self.len())).map(|i| i * self.len() / SLIM_CROPS.min(self.len())).collect();
        Self {
            channels: self.channels,
            origins: kept.iter().map(|&i| self.origins[i].clone()).collect(),
            features: kept.iter().flat_map(|&i| self.features[i * dim..(i + 1) * dim].to_vec()).collect(),
            pixels: kept.iter().map(|&i| Arc::clone(&self.pixels[i])).collect(),
        }
    }

    /// As tensors of a model file; the origins are stored separately as metadata.
    pub(crate) fn weights(&self) -> Vec<Weight> {
        let packed = bytes(self.channels).div_ceil(PACKED_BYTES);
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0.0, |sum, byte| sum * 256.0 + f32::from(*byte));
        let values = self.pixels.iter().flat_map(|crop| crop.chunks(PACKED_BYTES).map(number).collect::<Vec<f32>>());
        vec![
            Weight {
                name: "features".into(),
                shape: vec![self.len(), self.embedding_dim()],
                values: self.features.clone(),
            },
            Weight { name: "pixels".into(), shape: vec![self.len(), packed], values: values.collect() },
        ]
    }

    /// Reads a bank of embeddings of dimension `dim` from the tensors of a model file; `None` where a pixel value is
    /// invalid.
    ///
    /// # Errors
    /// [`WeightError`] for a tensor that is missing or has another shape.
    pub(crate) fn from_weights(
        tensors: &BTreeMap<String, Weight>,
        origins: Vec<CropOrigin>,
        channels: usize,
        dim: usize,
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
        let packed = bytes(channels).div_ceil(PACKED_BYTES);
        let (features, numbers) = (take("features", dim)?.clone(), take("pixels", packed)?);
        let whole = |v: &f32| v.fract() == 0.0 && (0.0..16_777_216.0).contains(v);
        if !numbers.iter().all(whole) {
            return Ok(None);
        }
        let unpacked = |crop: &[f32]| {
            let all = crop.iter().flat_map(|v| (*v as u32).to_le_bytes().into_iter().take(PACKED_BYTES));
            all.take(bytes(channels)).collect()
        };
        let pixels = numbers.chunks_exact(packed).map(unpacked).collect();
        Ok(Some(Self { channels, origins, features, pixels }))
    }
}

/// Builds a bank from healthy training images, one image per call.
#[derive(Clone, Debug)]
pub struct BankBuilder {
    bank: EmbeddingBank,
    images: usize,
    added: usize,
    capacity: usize,
    rng: ChaCha8Rng,
}

impl BankBuilder {
    /// A builder for this many images; `seed` determines the crops.
    pub fn new(images: usize, channels: usize, seed: u64) -> Self {
        let bank = EmbeddingBank { channels, origins: Vec::new(), features: Vec::new(), pixels: Vec::new() };
        Self { bank, images, added: 0, capacity: BANK_BYTES / bytes(channels), rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Most images that a bank can be built from.
    pub(crate) fn max_images(channels: usize) -> usize {
        BANK_BYTES / bytes(channels)
    }

    /// Images still to be added.
    pub fn remaining(&self) -> usize {
        self.images - self.added
    }

    /// Index of the image to add next.
    pub fn next_index(&self) -> usize {
        self.added
    }

    /// Adds crops of the next image; an image smaller than a crop adds none.
    ///
    /// # Errors
    /// When the values cannot be read from the device.
    pub fn add(&mut self, critic: &FrameCritic, image: &str, frame: &Planes) -> Result<(), WeightError> {
        self.added += 1;
        let (Some(wide), Some(high)) = (frame.width().checked_sub(SIDE), frame.height().checked_sub(SIDE)) else {
            return Ok(());
        };
        // An equal share per image; the last images fill the remainder.
        let share = self.capacity.div_ceil(self.images.max(1)).min(self.capacity - self.bank.len());
        let mut corners = Vec::with_capacity(share);
        for _ in 0..share {
            let mut along = |length: usize| self.rng.random_range(0..=length / STRIDE) * STRIDE;
            let corner = (along(wide), along(high));
            // Small images have few distinct crops; skip duplicates.
            if corners.contains(&corner) {
                continue;
            }
            corners.push(corner);
            self.bank.features.extend(critic.embed(frame, corner)?);
            self.bank.pixels.push(crop_pixels(frame, corner));
            self.bank.origins.push(CropOrigin { image: image.to_owned(), x: corner.0, y: corner.1 });
        }
        Ok(())
    }

    /// The finished bank.
    pub fn finish(self) -> EmbeddingBank {
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

    fn critic(normalise_brightness: bool) -> FrameCritic {
        let net = Critic::new(1, 24, [0.0, 0.3], &mut ChaCha8Rng::seed_from_u64(8), &Device::flex());
        let mut fitter = StatsFitter::new(
            FrozenCritic::new(&net),
            TestTimeAugmentation { normalise_brightness, ..TestTimeAugmentation::default() },
            4,
            &Device::flex(),
        );
        while fitter.remaining() > 0 {
            let next = fitter.next_index();
            fitter.add(&image(next as u64)).unwrap();
        }
        fitter.finish()
    }

    fn bank(critic: &FrameCritic, images: usize) -> EmbeddingBank {
        let mut builder = BankBuilder { capacity: 24, ..BankBuilder::new(images, 1, 3) };
        while builder.remaining() > 0 {
            let next = builder.next_index();
            builder.add(critic, &format!("{next:03}.png"), &image(next as u64)).unwrap();
        }
        builder.finish()
    }

    #[test]
    fn crops_are_evenly_spread_and_reproducible() {
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
        assert_eq!(slim.len(), SLIM_CROPS);
        assert_eq!(slim.nearest(&slim.features[..slim.embedding_dim()])[0].origin, slim.origins[0]);
        let small = Planes::new(SIDE - 1, 200, 1, vec![0.0; (SIDE - 1) * 200]).unwrap();
        let mut builder = BankBuilder::new(1, 1, 3);
        builder.add(&critic, "small.png", &small).unwrap();
        assert!(builder.finish().is_empty() && crop_corner(&small, (3, 3)).is_none());
    }

    #[test]
    fn a_banked_crop_is_its_own_nearest_neighbour() {
        let critic = critic(true);
        let bank = bank(&critic, 6);
        for (i, origin) in bank.origins().iter().enumerate().step_by(5) {
            let frame = image(origin.image[..3].parse().unwrap());
            let place = (origin.x + SIDE / 2, origin.y + SIDE / 2);
            let at = crop_corner(&frame, place).unwrap();
            assert_eq!(at, (origin.x, origin.y));
            let found = bank.nearest(&critic.embed(&frame, at).unwrap());
            assert_eq!((found.len(), &found[0].origin), (SHOWN, origin));
            assert!(found[0].distance < 1e-3 && found[1].distance > 10.0 * found[0].distance, "{found:?}");
            assert_eq!((&found[0].pixels, &bank.pixels[i]), (&crop_pixels(&frame, at), &crop_pixels(&frame, at)));
            assert!(found[1].origin.image != origin.image && found[2].origin.image != found[1].origin.image);
        }
    }

    #[test]
    fn a_cut_image_finds_its_source_image() {
        let critic = critic(true);
        let bank = bank(&critic, 6);
        let mut found = 0;
        for origin in bank.origins() {
            // The cut keeps the crop and a margin; the critic saw more context before.
            let frame = image(origin.image[..3].parse().unwrap());
            let (left, top) = (origin.x.saturating_sub(32) / 8 * 8, origin.y.saturating_sub(32) / 8 * 8);
            let (w, h) = ((160 - left).min(128), (160 - top).min(128));
            let values = (0..w * h).map(|i| frame.at(left + i % w, top + i / w, 0)).collect();
            let cut = Planes::new(w, h, 1, values).unwrap();
            let embedding = critic.embed(&cut, (origin.x - left, origin.y - top)).unwrap();
            found += usize::from(bank.nearest(&embedding)[0].origin.image == origin.image);
        }
        assert!(found * 10 >= bank.len() * 9, "{found} of {}", bank.len());
    }

    #[test]
    fn embeddings_depend_on_the_receptive_field_only() {
        // Without brightness normalisation, which depends on the whole frame.
        let critic = critic(false);
        let values: Vec<f32> = (0..3).flat_map(|i| image(i).values().to_vec()).collect();
        let tall = Planes::new(160, 480, 1, values).unwrap();
        // The last rows are outside the receptive field of the first.
        let (low, high) = (critic.embed(&tall, (48, 100)).unwrap(), critic.embed(&tall, (48, 240)).unwrap());
        let shorter = Planes::new(160, 320, 1, tall.values()[..160 * 320].to_vec()).unwrap();
        let again = critic.embed(&shorter, (48, 100)).unwrap();
        let off = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off(&low, &again) < 1e-4, "{}", off(&low, &again));
        assert!(off(&low, &high) > 1e-2);
    }

    #[test]
    fn a_bank_round_trips_through_a_file_exactly() {
        let bank = bank(&critic(true), 6);
        let stored: BTreeMap<String, Weight> = bank.weights().into_iter().map(|w| (w.name.clone(), w)).collect();
        let read =
            |tensors: &BTreeMap<String, Weight>| EmbeddingBank::from_weights(tensors, bank.origins.clone(), 1, 96);
        assert_eq!(read(&stored), Ok(Some(bank.clone())));
        let mut short = stored.clone();
        short.remove("pixels");
        assert_eq!(read(&short), Err(WeightError::Missing("bank/pixels".into())));
        let mut other = stored.clone();
        other.get_mut("features").unwrap().shape[0] -= 1;
        assert!(matches!(read(&other), Err(WeightError::Shape { name, .. }) if name == "bank/features"));
        for wrong in [0.5, -1.0, 16_777_216.0] {
            let mut corrupt = stored.clone();
            corrupt.get_mut("pixels").unwrap().values[7] = wrong;
            assert_eq!(read(&corrupt), Ok(None), "{wrong}");
        }
    }
}
