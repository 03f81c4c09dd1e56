//! A bounded cache of decoded images.

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc};

use lru::LruCache;
use parking_lot::Mutex;

use super::{
    BitDepth, DataError, Dataset, DatasetImage, FileFault, FileHash, Picture, decode::decode_hashed, surface,
    surface::SurfaceKind,
};

/// Default limit of cached bytes: 1 GiB.
pub(crate) const DEFAULT_LIMIT: usize = 1 << 30;

/// Requested channels and scale of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ImageForm {
    grey: bool,
    /// Bits of the scale, since floating-point numbers do not implement `Hash`.
    scale: u32,
}

impl ImageForm {
    /// As stored in the file.
    pub(crate) const NATIVE: Self = Self { grey: false, scale: 1.0_f32.to_bits() };

    /// An image with `channels` channels (1 converts RGB to grey; 3 leaves a grey image grey, which reads the same for
    /// every channel), at `scale` in `(0, 1]`.
    pub(crate) fn new(channels: usize, scale: f32) -> Self {
        Self { grey: channels == 1, scale: scale.to_bits() }
    }

    /// The scale.
    pub(crate) fn scale(self) -> f32 {
        f32::from_bits(self.scale)
    }
}

/// Origin and native shape of an image.
#[derive(Clone, Debug)]
struct Entry {
    origin: Origin,
    width: usize,
    height: usize,
    channels: usize,
    bytes: usize,
}

#[derive(Clone, Debug)]
enum Origin {
    File { path: PathBuf, hash: FileHash },
    Drawn { kind: SurfaceKind, seed: u64, index: u64, side: usize },
    Texture { seed: u64, index: u64, side: usize },
}

/// A thread-safe cache of decoded images by position in a data set.
///
/// It never exceeds its limit; other images in memory are only those that callers hold or that are being decoded. An
/// image larger than the limit is decoded every time.
#[derive(Debug)]
pub struct ImageStore {
    entries: Vec<Entry>,
    cache: Mutex<Cache>,
    limit: usize,
    /// Bits that 16-bit samples use.
    depth: BitDepth,
}

#[derive(Debug)]
struct Cache {
    images: LruCache<(usize, ImageForm), Arc<Picture>>,
    bytes: usize,
}

impl ImageStore {
    /// Creates a store for the files of a data set that caches at most `limit` bytes.
    pub fn files(dataset: &Dataset, limit: usize) -> Self {
        Self::new(dataset.items.iter().map(Entry::of).collect(), limit, dataset.bit_depth())
    }

    /// Creates a store for `count` healthy specimens of a built-in surface, `side` x `side` pixels, that caches at most
    /// `limit` bytes. They are drawn on demand.
    pub(crate) fn surface(kind: SurfaceKind, seed: u64, side: usize, count: usize, limit: usize) -> Self {
        let entry = |index| {
            let origin = Origin::Drawn { kind, seed, index, side };
            let channels = kind.channels();
            Entry { origin, width: side, height: side, channels, bytes: side * side * channels }
        };
        Self::new((0..count as u64).map(entry).collect(), limit, BitDepth::Auto)
    }

    /// Creates a store for `count` drawn images of many kinds, `side` x `side` pixels, that caches at most `limit` bytes.
    /// They are drawn on demand.
    pub(crate) fn textures(seed: u64, side: usize, count: usize, limit: usize) -> Self {
        let entry = |index| {
            let origin = Origin::Texture { seed, index, side };
            Entry { origin, width: side, height: side, channels: 1, bytes: side * side }
        };
        Self::new((0..count as u64).map(entry).collect(), limit, BitDepth::Auto)
    }

    /// Creates a store for the same images followed by these files, with its own cache.
    pub(crate) fn with(&self, items: &[DatasetImage]) -> Self {
        let entries = self.entries.iter().cloned().chain(items.iter().map(Entry::of)).collect();
        Self::new(entries, self.limit, self.depth)
    }

    /// Creates a store for the same images that reads 16-bit samples as using this many bits, with its own cache.
    pub(crate) fn reading_at(&self, depth: BitDepth) -> Self {
        Self::new(self.entries.clone(), self.limit, depth)
    }

    fn new(entries: Vec<Entry>, limit: usize, depth: BitDepth) -> Self {
        // Room for every image in several forms; the limit on bytes is the effective one.
        let capacity = NonZeroUsize::new(entries.len().saturating_mul(4)).unwrap_or(NonZeroUsize::MIN);
        Self { entries, cache: Mutex::new(Cache { images: LruCache::sparse(capacity), bytes: 0 }), limit, depth }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the store is empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes currently cached.
    #[cfg(test)]
    pub(crate) fn cached_bytes(&self) -> usize {
        self.cache.lock().bytes
    }

    /// Native width and height of image `index` in pixels; `None` past the end.
    pub fn size(&self, index: usize) -> Option<(usize, usize)> {
        self.entries.get(index).map(|entry| (entry.width, entry.height))
    }

    /// Decoded size of image `index` in bytes; 0 past the end.
    pub(crate) fn decoded_bytes(&self, index: usize) -> usize {
        self.entries.get(index).map_or(0, |entry| entry.bytes)
    }

    /// Returns image `index` as stored in its file.
    ///
    /// # Errors
    /// [`DataError::OutOfRange`] past the end; [`DataError::File`] for a file that is missing, cannot be decoded any more,
    /// or has changed.
    pub fn get(&self, index: usize) -> Result<Arc<Picture>, DataError> {
        self.get_as(index, ImageForm::NATIVE)
    }

    /// Returns image `index` in another form. That form is cached, not the native one.
    ///
    /// # Errors
    /// Those of [`ImageStore::get`].
    pub(crate) fn get_as(&self, index: usize, form: ImageForm) -> Result<Arc<Picture>, DataError> {
        let Some(entry) = self.entries.get(index) else {
            return Err(DataError::no_image(index));
        };
        // For a grey file both are the same.
        let form = ImageForm { grey: form.grey && entry.channels == 3, ..form };
        let native = {
            let mut cache = self.cache.lock();
            if let Some(picture) = cache.images.get(&(index, form)) {
                return Ok(Arc::clone(picture));
            }
            cache.images.peek(&(index, ImageForm::NATIVE)).cloned()
        };
        // Decoded without holding the lock.
        let mut picture = match native {
            Some(native) => native.as_ref().clone(),
            None => entry.load()?.with_bit_depth(self.depth),
        };
        if form.grey {
            picture = picture.into_grey();
        }
        if form.scale() < 1.0 {
            picture = picture.scaled(form.scale());
        }
        let picture = Arc::new(picture);
        self.cache.lock().insert((index, form), &picture, self.limit);
        Ok(picture)
    }
}

impl Cache {
    fn insert(&mut self, key: (usize, ImageForm), picture: &Arc<Picture>, limit: usize) {
        if picture.bytes() > limit || self.images.contains(&key) {
            return;
        }
        while self.bytes + picture.bytes() > limit {
            let Some((_, old)) = self.images.pop_lru() else { break };
            self.bytes -= old.bytes();
        }
        self.bytes += picture.bytes();
        if let Some((_, old)) = self.images.push(key, Arc::clone(picture)) {
            self.bytes -= old.bytes();
        }
    }
}

impl Entry {
    fn of(item: &DatasetImage) -> Self {
        Self {
            origin: Origin::File { path: item.path.clone(), hash: item.hash },
            width: item.width,
            height: item.height,
            channels: item.channels,
            bytes: item.bytes(),
        }
    }

    fn load(&self) -> Result<Picture, DataError> {
        match &self.origin {
            Origin::File { path, hash } => {
                let (picture, found) = decode_hashed(path)?;
                if found == *hash {
                    Ok(picture)
                } else {
                    Err(DataError::File { path: path.clone(), fault: FileFault::Changed })
                }
            }
            Origin::Drawn { kind, seed, index, side } => Ok(surface::draw(*kind, None, *seed, *index, *side).picture),
            Origin::Texture { seed, index, side } => Ok(surface::draw_varied(*seed, *index, *side)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::data::{DatasetLayout, FileHash, Label, Subset};

    fn set(folder: &Path, names: &[&str], pixel: impl Fn(u32, u32) -> [u8; 3]) -> Dataset {
        let item = |name: &&str| {
            let path = folder.join(name);
            image::RgbImage::from_fn(40, 30, |x, y| image::Rgb(pixel(x, y))).save(&path).unwrap();
            let hash = FileHash::of(&std::fs::read(&path).unwrap());
            DatasetImage {
                path,
                subset: Subset::Any,
                label: Label::Healthy,
                mask: None,
                hash,
                pixels: hash,
                width: 40,
                height: 30,
                channels: 3,
                bits: 8,
                peak: None,
                images: 1,
                coloured: false,
            }
        };
        let items = names.iter().map(item).collect();
        Dataset::new(folder.to_owned(), DatasetLayout::Flat, items)
    }

    #[test]
    fn the_bound_holds_and_the_last_used_stay() {
        let folder = tempfile::tempdir().unwrap();
        let set = set(folder.path(), &["a.png", "b.png", "c.png", "d.png"], |x, y| [x as u8, y as u8, 7]);
        let bytes = 40 * 30 * 3;
        let store = ImageStore::files(&set, bytes * 2 + 10);
        for i in [0, 1, 0, 2, 3, 3, 1, 2] {
            store.get(i).unwrap();
            assert!(store.cached_bytes() <= bytes * 2 + 10);
        }
        assert_eq!(store.cached_bytes(), bytes * 2);
        assert!(Arc::ptr_eq(&store.get(2).unwrap(), &store.get(2).unwrap()));
        let none = ImageStore::files(&set, bytes - 1);
        assert_eq!((none.get(0).unwrap().bytes(), none.cached_bytes()), (bytes, 0));
    }

    #[test]
    fn many_threads_stay_within_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let set = set(folder.path(), &["a.png", "b.png", "c.png"], |x, _| [x as u8; 3]);
        let store = ImageStore::files(&set, 40 * 30 * 3);
        std::thread::scope(|scope| {
            for offset in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    for i in 0..30 {
                        assert!(store.get((i + offset) % 3).is_ok());
                        assert!(store.cached_bytes() <= 40 * 30 * 3);
                    }
                });
            }
        });
    }

    #[test]
    fn other_forms_are_cached_in_place_of_the_native_one() {
        let folder = tempfile::tempdir().unwrap();
        let set = set(folder.path(), &["a.png"], |_, _| [255, 0, 0]);
        let store = ImageStore::files(&set, DEFAULT_LIMIT);
        let small = store.get_as(0, ImageForm::new(1, 0.5)).unwrap();
        assert_eq!((small.width(), small.height(), small.channels()), (20, 15, 1));
        assert_eq!(store.cached_bytes(), 20 * 15);
        // 0.2126 of 255.
        assert!((small.unit(3, 3, 0) - (54.0 / 127.5 - 1.0)).abs() < 1e-6);
    }

    #[test]
    fn a_file_that_is_missing_or_changed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let set = set(folder.path(), &["a.png", "b.png"], |x, y| [x as u8, y as u8, 7]);
        let store = ImageStore::files(&set, DEFAULT_LIMIT);
        image::RgbImage::new(40, 30).save(folder.path().join("a.png")).unwrap();
        std::fs::remove_file(folder.path().join("b.png")).unwrap();
        let message = store.get(0).unwrap_err().to_string();
        assert!(message.contains("a.png: its content has changed"), "{message}");
        let message = store.get(1).unwrap_err().to_string();
        assert!(message.contains("b.png: it cannot be read") && message.contains("check that it exists"), "{message}");
        assert!(store.get(2).is_err());
    }
}
