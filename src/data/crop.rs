//! Seeded, reproducible batches of crops for training.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{DataError, ImageStore, Picture, decode::LARGE, decoder_pool::on_decoders, store::ImageForm};

/// Maximum side of a crop in pixels.
pub(crate) const MAX_SIZE: usize = 1024;
/// Maximum number of crops in a batch.
pub(crate) const MAX_BATCH: usize = 4096;
/// Brightness change as a share of [`CropSpec::jitter`].
const BRIGHTNESS_SHARE: f32 = 0.7;
/// Number of batches prepared ahead.
const AHEAD: usize = 4;

/// Size, channels and augmentation of crops.
#[derive(Clone, Debug, PartialEq)]
pub struct CropSpec {
    /// Width and height in pixels, 1 to 1024.
    pub size: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// Factor by which images are first reduced by area averaging, 0.1 to 1. Fine defects vanish below 1.
    pub scale: f32,
    /// Mirror half of the crops left to right.
    pub flip_horizontal: bool,
    /// Mirror half of the crops top to bottom.
    pub flip_vertical: bool,
    /// Rotate by 0, 90, 180 or 270 degrees with equal probability.
    pub quarter_turns: bool,
    /// Draw positions up to half a crop past the edges of the image and clamp them, so that the border is sampled as
    /// often as the middle.
    pub borders: bool,
    /// Change the contrast of half of the crops by up to this share, 0 to 1, and their brightness by up to 0.7 times it
    /// on the [-1, 1] scale, which simulates varying illumination.
    pub jitter: f32,
    /// Normalise the brightness and contrast of each image first.
    pub normalise: bool,
}

impl CropSpec {
    /// Crops of `size` x `size` pixels at native resolution without augmentation.
    pub fn native(size: usize, channels: usize) -> Self {
        Self {
            size,
            channels,
            scale: 1.0,
            flip_horizontal: false,
            flip_vertical: false,
            quarter_turns: false,
            borders: false,
            jitter: 0.0,
            normalise: false,
        }
    }

    fn validate(&self) -> Result<(), DataError> {
        let out_of_range = |name, value: String, range| Err(DataError::OutOfRange { name, value, range });
        if !(1..=MAX_SIZE).contains(&self.size) {
            return out_of_range("the size of a crop", self.size.to_string(), "from 1 to 1024 pixels");
        }
        if self.channels != 1 && self.channels != 3 {
            return out_of_range("the number of channels", self.channels.to_string(), "1 (grey) or 3 (RGB)");
        }
        if !(0.1..=1.0).contains(&self.scale) {
            return out_of_range("the scale of the images", self.scale.to_string(), "from 0.1 to 1");
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return out_of_range("the change of contrast and brightness", self.jitter.to_string(), "from 0 to 1");
        }
        Ok(())
    }
}

/// Draws batches of crops from uniformly distributed images and positions, as a pure function of seed and index.
#[derive(Clone, Debug)]
pub struct CropSampler {
    store: Arc<ImageStore>,
    indices: Arc<[usize]>,
    spec: CropSpec,
    padded: usize,
}

/// Random choices for one crop.
struct CropChoice {
    x: u64,
    y: u64,
    flip_x: bool,
    flip_y: bool,
    turns: u8,
    /// Contrast factor and brightness offset, if changed.
    illumination: Option<(f32, f32)>,
}

impl CropSampler {
    /// Creates a sampler for the images of `store` at `indices`.
    ///
    /// # Errors
    /// [`DataError::OutOfRange`] if `indices` is empty or contains an index past the end of the store, or for a value of
    /// `spec` outside its range.
    pub fn new(store: Arc<ImageStore>, indices: Vec<usize>, spec: CropSpec) -> Result<Self, DataError> {
        spec.validate()?;
        if indices.is_empty() {
            return Err(DataError::OutOfRange {
                name: "the number of images to crop from",
                value: "0".to_owned(),
                range: "at least 1; check that the images of the split still exist",
            });
        }
        let mut padded = 0;
        for &index in &indices {
            let Some((width, height)) = store.size(index) else {
                return Err(DataError::no_image(index));
            };
            let (width, height) = Picture::scaled_size(width, height, spec.scale);
            padded += usize::from(width < spec.size || height < spec.size);
        }
        Ok(Self { store, indices: indices.into(), spec, padded })
    }

    /// The same sampler for other images of the store.
    ///
    /// # Errors
    /// Those of [`CropSampler::new`].
    pub(crate) fn over(&self, indices: Vec<usize>) -> Result<Self, DataError> {
        Self::new(Arc::clone(&self.store), indices, self.spec.clone())
    }

    /// Size, channels and augmentation of the crops.
    pub fn spec(&self) -> &CropSpec {
        &self.spec
    }

    /// Number of images that are smaller than a crop and padded by reflection.
    pub(crate) fn padded(&self) -> usize {
        self.padded
    }

    /// Returns batch `index`: `n` crops in one vector of shape `[n, channels, size, size]`, values in `[-1, 1]`.
    ///
    /// A pure function of its arguments, independent of the cache and the thread. An image smaller than the crop is
    /// centred and padded by reflection about its outermost pixels.
    ///
    /// # Errors
    /// Those of [`ImageStore::get`]; [`DataError::OutOfRange`] for more than `MAX_BATCH` crops.
    pub fn batch(&self, seed: u64, index: u64, n: usize) -> Result<Vec<f32>, DataError> {
        self.batch_unless(seed, index, n, &|| false)
    }

    /// As [`CropSampler::batch`], but fails with [`DataError::Cancelled`] once `stop` returns true.
    fn batch_unless(
        &self,
        seed: u64,
        index: u64,
        n: usize,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<f32>, DataError> {
        if n > MAX_BATCH {
            return Err(DataError::OutOfRange { name: "the batch size", value: n.to_string(), range: "at most 4096" });
        }
        let mut by_image: BTreeMap<usize, Vec<(usize, CropChoice)>> = BTreeMap::new();
        for sample in 0..n {
            let (image, choice) = self.choose(seed, index, sample as u64);
            by_image.entry(image).or_default().push((sample, choice));
        }
        // Each thread holds one image at a time; large ones are processed one at a time in total.
        let (large, small): (Vec<_>, Vec<_>) =
            by_image.into_iter().partition(|(image, _)| self.store.decoded_bytes(*image) as u64 > LARGE);
        let cut = |(image, choices): (usize, Vec<(usize, CropChoice)>)| {
            if stop() {
                return Err(DataError::Cancelled);
            }
            let picture = self.store.get_as(image, ImageForm::new(self.spec.channels, self.spec.scale))?;
            Ok(choices.into_iter().map(|(sample, choice)| (sample, self.cut(&picture, &choice))).collect::<Vec<_>>())
        };
        let mut crops = on_decoders(|| small.into_par_iter().map(cut).collect::<Result<Vec<_>, DataError>>())?;
        crops.extend(large.into_iter().map(cut).collect::<Result<Vec<_>, DataError>>()?);
        let length = self.spec.channels * self.spec.size * self.spec.size;
        let mut out = vec![0.0; n * length];
        for (sample, crop) in crops.into_iter().flatten() {
            if let Some(slot) = out.get_mut(sample * length..(sample + 1) * length) {
                slot.copy_from_slice(&crop);
            }
        }
        Ok(out)
    }

    /// Chooses the image and the crop of one sample.
    fn choose(&self, seed: u64, index: u64, sample: u64) -> (usize, CropChoice) {
        let mut key = [0; 32];
        for (part, value) in key.as_chunks_mut::<8>().0.iter_mut().zip([seed, index, sample]) {
            *part = value.to_le_bytes();
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        let which = rng.random_range(0..self.indices.len() as u64) as usize;
        let image = self.indices.get(which).copied().unwrap_or_default();
        let (width, height) = self.store.size(image).unwrap_or((1, 1));
        let (width, height) = Picture::scaled_size(width, height, self.spec.scale);
        let margin = if self.spec.borders { self.spec.size as u64 / 2 } else { 0 };
        let mut position = |side: usize| {
            let last = side.saturating_sub(self.spec.size) as u64;
            rng.random_range(0..=last + 2 * margin).saturating_sub(margin).min(last)
        };
        let mut choice = CropChoice {
            x: position(width),
            y: position(height),
            flip_x: self.spec.flip_horizontal & rng.random_bool(0.5),
            flip_y: self.spec.flip_vertical & rng.random_bool(0.5),
            turns: if self.spec.quarter_turns { rng.random_range(0..4) } else { 0 },
            illumination: None,
        };
        let reach = self.spec.jitter;
        if reach > 0.0 && rng.random_bool(0.5) {
            choice.illumination =
                Some((1.0 + rng.random_range(-reach..=reach), BRIGHTNESS_SHARE * rng.random_range(-reach..=reach)));
        }
        (image, choice)
    }

    /// Cuts one crop, channel by channel.
    fn cut(&self, picture: &Picture, choice: &CropChoice) -> Vec<f32> {
        let (size, channels) = (self.spec.size, self.spec.channels);
        let columns = source_positions(choice.x, size, picture.width(), choice.flip_x);
        let rows = source_positions(choice.y, size, picture.height(), choice.flip_y);
        let last = size - 1;
        let mut crop = Vec::with_capacity(channels * size * size);
        for channel in 0..channels {
            for y in 0..size {
                for x in 0..size {
                    let (u, v) = match choice.turns {
                        0 => (x, y),
                        1 => (y, last - x),
                        2 => (last - x, last - y),
                        _ => (last - y, x),
                    };
                    crop.push(picture.unit(columns[u], rows[v], channel));
                }
            }
        }
        if self.spec.normalise {
            let illumination = picture.illumination();
            crop.iter_mut().for_each(|v| *v = illumination.normalise(*v));
        }
        if let Some((factor, shift)) = choice.illumination {
            let mean = crop.iter().sum::<f32>() / crop.len() as f32;
            crop.iter_mut().for_each(|v| *v = ((*v - mean) * factor + mean + shift).clamp(-1.0, 1.0));
        }
        crop
    }
}

/// Returns the source positions of `size` crop positions along one side of `length` pixels.
fn source_positions(start: u64, size: usize, length: usize, flip: bool) -> Vec<usize> {
    let start = start as i64 - (size.saturating_sub(length) / 2) as i64;
    let mut positions: Vec<usize> = (0..size as i64).map(|i| reflected(start + i, length)).collect();
    if flip {
        positions.reverse();
    }
    positions
}

/// Reflects a position about the outermost pixels until it lies within: -1 becomes 1, `length` becomes
/// `length - 2`. A side of one pixel repeats it.
fn reflected(position: i64, length: usize) -> usize {
    let period = 2 * (length as i64 - 1);
    if period <= 0 {
        return 0;
    }
    let within = position.rem_euclid(period);
    within.min(period - within) as usize
}

struct Request {
    generation: u64,
    index: u64,
    n: usize,
}

struct Prepared {
    generation: u64,
    batch: Result<Vec<f32>, DataError>,
}

/// Prepares the next batches of a [`CropSampler`] in a thread while the current one is trained on.
///
/// At most four batches are prepared ahead. Dropping the loader ends the thread.
#[derive(Debug)]
pub struct Loader {
    requests: Option<Sender<Request>>,
    prepared: Receiver<Prepared>,
    /// Requests of an older generation are stale.
    generation: Arc<AtomicU64>,
    /// Requested batches that were not taken yet, oldest first.
    outstanding: VecDeque<(u64, usize)>,
    thread: Option<JoinHandle<()>>,
}

impl Loader {
    /// Starts the thread `ganspect-loader`.
    ///
    /// # Errors
    /// [`DataError::LoaderStopped`] if the thread cannot be started.
    pub fn new(sampler: CropSampler, seed: u64) -> Result<Self, DataError> {
        let (requests, wanted) = bounded::<Request>(AHEAD + 1);
        let (deliver, prepared) = bounded::<Prepared>(AHEAD + 1);
        let generation = Arc::new(AtomicU64::new(0));
        let current = Arc::clone(&generation);
        let work = move || {
            for Request { generation, index, n } in wanted {
                let stale = || current.load(Ordering::Relaxed) != generation;
                let batch = sampler.batch_unless(seed, index, n, &stale);
                if !stale() && deliver.send(Prepared { generation, batch }).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("ganspect-loader".to_owned())
            .spawn(work)
            .map_err(|error| DataError::LoaderStopped(error.to_string()))?;
        Ok(Self { requests: Some(requests), prepared, generation, outstanding: VecDeque::new(), thread: Some(thread) })
    }

    /// Returns batch `index` of `n` crops as [`CropSampler::batch`] does. The batches after it are prepared in the
    /// background with the same `n`; another `n` or a jump in `index` discards them.
    ///
    /// # Errors
    /// Those of [`CropSampler::batch`]; [`DataError::LoaderStopped`] if the thread has ended.
    pub(crate) fn take(&mut self, index: u64, n: usize) -> Result<Vec<f32>, DataError> {
        if self.outstanding.front().is_some_and(|&front| front != (index, n)) {
            self.discard();
        }
        let mut next = self.outstanding.back().map_or(Some(index), |&(last, _)| last.checked_add(1));
        while self.outstanding.len() <= AHEAD
            && let Some(index) = next
        {
            self.request(index, n)?;
            next = index.checked_add(1);
        }
        let current = self.generation.load(Ordering::Relaxed);
        loop {
            let Prepared { generation, batch } = self.prepared.recv().map_err(|_| stopped())?;
            if generation == current {
                self.outstanding.pop_front();
                return batch;
            }
        }
    }

    fn request(&mut self, index: u64, n: usize) -> Result<(), DataError> {
        let generation = self.generation.load(Ordering::Relaxed);
        let requests = self.requests.as_ref().ok_or_else(stopped)?;
        requests.send(Request { generation, index, n }).map_err(|_| stopped())?;
        self.outstanding.push_back((index, n));
        Ok(())
    }

    /// Discards all requests. At most one stale batch can still arrive, so that the thread never blocks on a full channel
    /// while this side waits for it.
    fn discard(&mut self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.outstanding.clear();
        while self.prepared.try_recv().is_ok() {}
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.discard();
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has already been reported.
            let _ = thread.join();
        }
    }
}

fn stopped() -> DataError {
    DataError::LoaderStopped("it ended early".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use image::{GrayImage, Luma};

    use super::*;
    use crate::data::{Dataset, DatasetImage, DatasetLayout, FileHash, Label, Subset, picture::unit_to_u8};

    /// A store of grey images of these sizes, and their folder.
    fn store(
        sizes: &[(u32, u32)],
        limit: usize,
        value: impl Fn(u32, u32) -> u8,
    ) -> (tempfile::TempDir, Arc<ImageStore>) {
        let folder = tempfile::tempdir().unwrap();
        let item = |(i, &(w, h)): (usize, &(u32, u32))| {
            let path = folder.path().join(format!("{i}.png"));
            GrayImage::from_fn(w, h, |x, y| Luma([value(x, y)])).save(&path).unwrap();
            let hash = FileHash::of(&std::fs::read(&path).unwrap());
            let (width, height) = (w as usize, h as usize);
            DatasetImage {
                path,
                subset: Subset::Any,
                label: Label::Healthy,
                mask: None,
                hash,
                pixels: hash,
                width,
                height,
                channels: 1,
                bits: 8,
                peak: None,
                images: 1,
                coloured: false,
            }
        };
        let items = sizes.iter().enumerate().map(item).collect();
        let set = Dataset::new(folder.path().to_owned(), DatasetLayout::Flat, items);
        let store = Arc::new(ImageStore::files(&set, limit));
        (folder, store)
    }

    fn grey_levels(values: &[f32]) -> Vec<u8> {
        values.iter().map(|&v| unit_to_u8(v)).collect()
    }

    const SIZES: [(u32, u32); 4] = [(40, 30), (17, 50), (16, 16), (9, 33)];

    #[test]
    fn a_batch_depends_on_its_arguments_alone() {
        let (_folder, roomy) = store(&SIZES, 1 << 20, |x, y| (x * 5 + y * 11) as u8);
        let (_other, tight) = store(&SIZES, 0, |x, y| (x * 5 + y * 11) as u8);
        let spec = CropSpec { scale: 0.9, flip_horizontal: true, quarter_turns: true, ..CropSpec::native(16, 3) };
        let a = CropSampler::new(roomy, vec![0, 1, 2, 3], spec.clone()).unwrap();
        let b = CropSampler::new(tight, vec![0, 1, 2, 3], spec).unwrap();
        let first = a.batch(7, 3, 12).unwrap();
        assert_eq!(first.len(), 12 * 3 * 16 * 16);
        assert!(first.iter().all(|v| (-1.0..=1.0).contains(v)));
        assert_eq!(a.batch(7, 3, 12).unwrap(), first);
        assert_eq!(std::thread::scope(|s| s.spawn(|| b.batch(7, 3, 12).unwrap()).join().unwrap()), first);
        // A smaller batch is the beginning of a larger one.
        assert_eq!(b.batch(7, 3, 5).unwrap(), first[..5 * 3 * 16 * 16]);
        assert_ne!(a.batch(8, 3, 12).unwrap(), first);
        assert_ne!(a.batch(7, 4, 12).unwrap(), first);
    }

    #[test]
    fn crops_are_native_pixels_from_every_image_and_corner() {
        let (_folder, store) = store(&[(6, 5), (4, 4)], 1 << 20, |x, y| (10 * y + x) as u8);
        let sampler = CropSampler::new(store, vec![0, 1], CropSpec::native(4, 1)).unwrap();
        let mut corners = BTreeMap::new();
        for crop in sampler.batch(1, 0, 600).unwrap().chunks(16) {
            let levels = grey_levels(crop);
            let first = levels[0];
            let expected: Vec<u8> = (0..16).map(|i| first + 10 * (i / 4) + i % 4).collect();
            assert_eq!(levels, expected);
            *corners.entry(first).or_insert(0) += 1;
        }
        assert_eq!(corners.keys().copied().collect::<Vec<_>>(), [0, 1, 2, 10, 11, 12]);
        // Half of the crops show the second image, all at its only position; the others are spread evenly.
        assert!(corners[&0] > 280 && corners.iter().skip(1).all(|(_, &n)| (25..80).contains(&n)), "{corners:?}");
    }

    #[test]
    fn small_images_are_padded_by_reflection() {
        let (_folder, store) = store(&[(3, 6), (1, 1), (8, 8)], 1 << 20, |x, y| (10 * y + x) as u8);
        let all = CropSampler::new(Arc::clone(&store), vec![0, 1, 2], CropSpec::native(6, 1)).unwrap();
        assert_eq!(all.padded(), 2);
        let narrow = CropSampler::new(Arc::clone(&store), vec![0], CropSpec::native(6, 1)).unwrap();
        let levels = grey_levels(&narrow.batch(0, 0, 1).unwrap());
        // Three columns 0, 1, 2 with one more on the left and two on the right.
        assert_eq!(&levels[..12], &[1, 0, 1, 2, 1, 0, 11, 10, 11, 12, 11, 10]);
        let point = CropSampler::new(store, vec![1], CropSpec::native(6, 1)).unwrap();
        assert_eq!(grey_levels(&point.batch(0, 0, 2).unwrap()), [0; 72]);
        let far: Vec<usize> = (-5..9).map(|i| reflected(i, 4)).collect();
        assert_eq!(far, [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]);
    }

    #[test]
    fn flips_and_turns_reach_all_eight_symmetries() {
        let (_folder, store) = store(&[(2, 2)], 1 << 20, |x, y| (2 * y + x) as u8);
        let reach = |flip_horizontal, flip_vertical, quarter_turns| {
            let spec = CropSpec { flip_horizontal, flip_vertical, quarter_turns, ..CropSpec::native(2, 1) };
            let sampler = CropSampler::new(Arc::clone(&store), vec![0], spec).unwrap();
            let batch = grey_levels(&sampler.batch(5, 0, 200).unwrap());
            batch.chunks(4).map(<[u8]>::to_vec).collect::<BTreeSet<_>>()
        };
        assert_eq!(reach(true, true, true).len(), 8);
        assert_eq!(reach(true, false, true).len(), 8);
        assert_eq!(
            reach(false, false, true),
            BTreeSet::from([vec![0, 1, 2, 3], vec![1, 3, 0, 2], vec![3, 2, 1, 0], vec![2, 0, 3, 1]])
        );
        assert_eq!(reach(true, false, false), BTreeSet::from([vec![0, 1, 2, 3], vec![1, 0, 3, 2]]));
        assert_eq!(reach(false, true, false), BTreeSet::from([vec![0, 1, 2, 3], vec![2, 3, 0, 1]]));
        assert_eq!(reach(false, false, false).len(), 1);
    }

    #[test]
    fn a_scaled_constant_stays_constant() {
        let (_folder, store) = store(&[(50, 41)], 1 << 20, |_, _| 93);
        let spec = CropSpec { scale: 0.3, ..CropSpec::native(8, 1) };
        let sampler = CropSampler::new(Arc::clone(&store), vec![0], spec).unwrap();
        assert!(grey_levels(&sampler.batch(0, 0, 4).unwrap()).iter().all(|&v| v == 93));
        assert_eq!(store.cached_bytes(), 15 * 12);
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        let (_folder, store) = store(&[(5, 5)], 1 << 20, |_, _| 0);
        let message =
            |indices: Vec<usize>, spec| CropSampler::new(Arc::clone(&store), indices, spec).unwrap_err().to_string();
        assert!(message(vec![0], CropSpec::native(0, 1)).contains("from 1 to 1024"));
        assert!(message(vec![0], CropSpec::native(4, 2)).contains("1 (grey) or 3 (RGB)"));
        assert!(message(vec![0], CropSpec { scale: f32::NAN, ..CropSpec::native(4, 1) }).contains("from 0.1 to 1"));
        assert!(message(vec![], CropSpec::native(4, 1)).contains("at least 1"));
        assert!(message(vec![1], CropSpec::native(4, 1)).contains("the index of the image is 1"));
    }

    #[test]
    fn the_loader_returns_the_batches_of_the_sampler() {
        let (_folder, store) = store(&SIZES, 1 << 20, |x, y| (x * 5 + y * 11) as u8);
        let spec = CropSpec { flip_vertical: true, ..CropSpec::native(12, 1) };
        let sampler = CropSampler::new(store, vec![0, 1, 3], spec).unwrap();
        let mut loader = Loader::new(sampler.clone(), 11).unwrap();
        let steps = [
            (0, 4),
            (1, 4),
            (2, 4),
            (3, 9),
            (4, 9),
            (4, 9),
            (40, 9),
            (41, 1),
            (2, 1),
            (3, 1),
            (u64::MAX, 2),
            (u64::MAX, 2),
            (0, 0),
        ];
        for (index, n) in steps.into_iter().chain((1..30).map(|i| (i, 2))).chain((0..40).map(|i| (i * 3, 2))) {
            assert_eq!(loader.take(index, n).unwrap(), sampler.batch(11, index, n).unwrap(), "{index} {n}");
        }
    }

    #[test]
    fn the_loader_reports_a_missing_file_and_continues() {
        let (folder, store) = store(&[(20, 20)], 0, |_, _| 1);
        let sampler = CropSampler::new(store, vec![0], CropSpec::native(8, 1)).unwrap();
        let mut loader = Loader::new(sampler, 1).unwrap();
        loader.take(0, 1).unwrap();
        let kept = std::fs::read(folder.path().join("0.png")).unwrap();
        std::fs::remove_file(folder.path().join("0.png")).unwrap();
        assert!(loader.take(9, 1).unwrap_err().to_string().contains("0.png"));
        std::fs::write(folder.path().join("0.png"), kept).unwrap();
        assert!(loader.take(30, 1).is_ok());
        assert!(loader.take(31, MAX_BATCH + 1).is_err());
    }

    #[test]
    fn dropping_the_loader_ends_its_thread() {
        let (_folder, store) = store(&SIZES, 0, |_, _| 1);
        let watch = Arc::downgrade(&store);
        let sampler = CropSampler::new(store, vec![0, 1], CropSpec::native(8, 1)).unwrap();
        let mut loader = Loader::new(sampler, 1).unwrap();
        loader.take(0, 64).unwrap();
        drop(loader);
        assert!(watch.upgrade().is_none());
    }
}
