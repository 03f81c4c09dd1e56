//! [`TestSet`]: the labelled images a model is evaluated on.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::image::ExcludedImage;
use crate::{
    data::{
        BitDepth, DataError, DataSource, DatasetSummary, FileHash, ImageStore, Label, MaskReading, Opened, Picture,
        Split, Subset,
        decode::decode_hashed,
        dropped_colours,
        layout::ReadProgress,
        source::SPECIMEN_SIDE,
        surface,
        surface::{DefectType, SurfaceKind},
    },
    format::counted,
    text::PrintablePath,
};

/// Seed of generated test images, added to the surface's own; training images use another.
const TEST_SEED: u64 = 7_001;

/// Default numbers of healthy and defective images generated for a built-in surface.
const DEFAULT_COUNTS: (usize, usize) = (50, 100);

/// Where a test image comes from.
#[derive(Clone, Debug, PartialEq)]
enum ImageOrigin {
    /// An image of the store and its size, the file of its mask, and how that is read.
    Stored { index: usize, mask: Option<PathBuf>, reading: MaskReading, size: (usize, usize) },
    /// A generated image of a built-in surface.
    Generated { kind: SurfaceKind, defect: Option<DefectType>, seed: u64, index: u64, side: usize },
}

/// A test image.
#[derive(Clone, Debug, PartialEq)]
pub struct TestItem {
    /// Path within the data, or the name of a generated image.
    pub name: String,
    /// Its file; `None` for a generated image.
    pub path: Option<PathBuf>,
    /// Hash of the file.
    pub hash: FileHash,
    /// Hash of its pixels, whatever the file format.
    pixels: FileHash,
    /// Ground truth.
    pub label: Label,
    /// Whether it has colour.
    coloured: bool,
    origin: ImageOrigin,
}

impl TestItem {
    /// Whether it has a mask of its defect.
    pub fn has_mask(&self) -> bool {
        match &self.origin {
            ImageOrigin::Stored { mask, .. } => mask.is_some(),
            ImageOrigin::Generated { defect, .. } => defect.is_some(),
        }
    }
}

/// Labelled images that a model has never seen.
#[derive(Clone, Debug)]
pub struct TestSet {
    /// Source of the images, as [`DataSource`] parses it.
    pub data: String,
    /// Description of the images.
    pub about: Vec<String>,
    /// The images.
    pub items: Vec<TestItem>,
    /// Images that cannot be used, with reasons.
    pub excluded: Vec<ExcludedImage>,
    store: Option<Arc<ImageStore>>,
    /// The largest sample of the 16-bit images; `None` where there are none.
    peak: Option<u16>,
}

impl TestSet {
    /// Opens test data. From a folder, its test images are taken; a built-in surface generates new ones. Images in
    /// `seen` are excluded. `images` limits the number of healthy and of defective images, evenly spaced in the
    /// folder's list; for a surface, it is the number generated.
    ///
    /// # Errors
    /// See [`DataSource::open`].
    pub fn open(
        source: &DataSource,
        seen: &[&Split],
        images: Option<usize>,
        progress: &ReadProgress<'_>,
    ) -> Result<Self, DataError> {
        match source {
            DataSource::Folder(_) | DataSource::Assigned(_) => {
                let mut tests = Self::of(&source.open(progress)?, seen);
                if let Some(most) = images {
                    tests.limit(most);
                }
                Ok(tests)
            }
            DataSource::Surface { kind, seed } => {
                let (healthy, defective) = images.map_or(DEFAULT_COUNTS, |n| (n, n));
                let mut tests = Self::generate(*kind, *seed, SPECIMEN_SIDE, healthy, defective);
                tests.exclude_seen(seen);
                Ok(tests)
            }
        }
    }

    /// The test images of opened data: the test split of its layout, or every image if the layout has none, excluding
    /// images that models were trained or calibrated on.
    pub fn of(opened: &Opened, seen: &[&Split]) -> Self {
        let set = &opened.dataset;
        let wanted = if set.items.iter().any(|i| i.subset == Subset::Test) { Subset::Test } else { Subset::Any };
        let folder = if set.root.is_file() { set.root.parent().unwrap_or(Path::new("")) } else { &set.root };
        let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).printable().to_string();
        let items = set.items.iter().enumerate().filter(|(_, item)| item.subset == wanted);
        let items = items.map(|(index, item)| TestItem {
            name: name(&item.path),
            path: item.path.is_file().then(|| item.path.clone()),
            hash: item.hash,
            pixels: item.pixels,
            label: item.label.clone(),
            coloured: item.coloured,
            origin: ImageOrigin::Stored {
                index,
                mask: item.mask.clone(),
                reading: set.mask_reading,
                size: (item.width, item.height),
            },
        });
        let excluded = set.skipped.iter().map(|s| ExcludedImage { name: name(&s.path), reason: s.reason.clone() });
        // How 16-bit samples are read depends on the model.
        let summary = DatasetSummary { low_bits: None, ..set.summary() };
        let mut tests = Self {
            data: set.root.printable().to_string(),
            about: summary.sentences(),
            items: items.collect(),
            excluded: excluded.collect(),
            store: Some(Arc::clone(&opened.store)),
            peak: set.items.iter().filter_map(|item| item.peak).max(),
        };
        tests.about.insert(0, set.layout.title().to_owned());
        tests.exclude_seen(seen);
        tests
    }

    /// Generates test images of a built-in surface, `side` pixels square, with equal numbers of each defect type,
    /// grouped by type. A larger set includes the smaller ones.
    pub fn generate(kind: SurfaceKind, seed: u64, side: usize, healthy: usize, defective: usize) -> Self {
        let own = TEST_SEED.wrapping_add(seed);
        // The same hash as in training data, so that training images are recognised.
        let hash = |defect: Option<DefectType>, index: usize| surface::specimen_hash(kind, defect, own, index, side);
        let item = |defect: Option<DefectType>, index: usize| TestItem {
            name: format!("{kind}/{}/{index:03}", defect.map_or("good", DefectType::name)),
            path: None,
            hash: hash(defect, index),
            pixels: hash(defect, index),
            label: defect.map_or(Label::Healthy, |d| Label::Defective(d.name().to_owned())),
            coloured: kind.is_coloured(),
            origin: ImageOrigin::Generated { kind, defect, seed: own, index: index as u64, side },
        };
        let types = kind.defects();
        let healthy = (0..healthy).map(|i| item(None, i));
        let of = |k: usize| (k..defective).step_by(types.len()).map(move |i| (Some(types[k]), i));
        let defective = (0..types.len()).flat_map(of).map(|(defect, i)| item(defect, i));
        let items: Vec<TestItem> = healthy.chain(defective).collect();
        let about =
            format!("built-in surface, generated for this evaluation: {kind}, {side} × {side} pixels, seed {own}");
        Self {
            data: DataSource::Surface { kind, seed }.to_string(),
            about: vec![about],
            items,
            excluded: Vec::new(),
            store: None,
            peak: None,
        }
    }

    /// Excludes images that models were trained or calibrated on, and notes it in the description.
    fn exclude_seen(&mut self, seen: &[&Split]) {
        let seen: HashSet<&FileHash> =
            seen.iter().flat_map(|s| s.train.iter().chain(&s.held_out).chain(&s.pixels)).collect();
        let before = self.items.len();
        self.items.retain(|item| !seen.contains(&item.hash) && !seen.contains(&item.pixels));
        match before - self.items.len() {
            0 => {}
            n => self.about.push(format!("{} excluded: used for training or calibration", counted(n, "image"))),
        }
    }

    /// Limits the numbers of healthy and of defective images, evenly spaced over the list, in which defect types are
    /// grouped.
    pub fn limit(&mut self, most: usize) {
        let items = std::mem::take(&mut self.items);
        let (healthy, defective): (Vec<_>, Vec<_>) = items.into_iter().partition(|i| i.label == Label::Healthy);
        for side in [healthy, defective] {
            let take = most.min(side.len());
            self.items.extend((0..take).filter_map(|i| side.get(i * side.len() / take)).cloned());
        }
    }

    /// Numbers of healthy and defective images.
    pub fn counts(&self) -> (usize, usize) {
        let healthy = self.items.iter().filter(|i| i.label == Label::Healthy).count();
        (healthy, self.items.len() - healthy)
    }

    /// Bits that 16-bit samples use, decided over the whole set.
    pub(super) fn bit_depth(&self) -> BitDepth {
        self.peak.map_or(BitDepth::Auto, BitDepth::holding)
    }

    /// Says how a model that keeps this depth reads the 16-bit samples; `None` where there are none, or all of their bits
    /// are used.
    pub fn reading(&self, depth: BitDepth) -> Option<String> {
        let (peak, holding) = (self.peak?, self.bit_depth());
        let read = depth.or(holding);
        if read == BitDepth::Sixteen && holding == read {
            return None;
        }
        let reason = match depth {
            BitDepth::Auto => {
                format!(", because the largest of all is {peak}; `ganspect evaluate --bit-depth` sets it")
            }
            _ if read != holding => {
                format!(
                    ", although the largest of all is {peak}, as of {holding} bits; `ganspect evaluate --bit-depth` sets it"
                )
            }
            _ => String::new(),
        };
        Some(format!("16-bit samples are read as {read} bits (0 to {}){reason}", read.white().unwrap_or(u16::MAX)))
    }

    /// Says what of the images a model of this many channels does not see; `None` if nothing.
    pub fn unseen_colour(&self, channels: usize) -> Option<String> {
        dropped_colours(self.items.iter().filter(|item| item.coloured).count(), channels)
    }

    /// Whether any image has a mask.
    pub fn has_masks(&self) -> bool {
        self.items.iter().any(TestItem::has_mask)
    }

    /// Returns image `i`.
    ///
    /// # Errors
    /// See [`ImageStore::get`]; [`DataError::OutOfRange`] past the end.
    pub fn picture(&self, i: usize) -> Result<Arc<Picture>, DataError> {
        match (self.items.get(i).map(|item| &item.origin), &self.store) {
            (Some(ImageOrigin::Stored { index, .. }), Some(store)) => store.get(*index),
            (Some(ImageOrigin::Generated { kind, defect, seed, index, side }), _) => {
                Ok(Arc::new(surface::draw(*kind, *defect, *seed, *index, *side).picture))
            }
            _ => Err(DataError::OutOfRange {
                name: "the number of the test image",
                value: i.to_string(),
                range: "below the number of test images",
            }),
        }
    }

    /// The mask of image `i` in its size (non-zero where defective), and a hash of what is marked; `None` for an image
    /// without a mask.
    ///
    /// # Errors
    /// [`DataError::File`] for a mask that is missing or cannot be decoded.
    pub fn mask(&self, i: usize) -> Result<Option<(Picture, FileHash)>, DataError> {
        let Some(item) = self.items.get(i) else { return Ok(None) };
        match &item.origin {
            ImageOrigin::Stored { mask, reading, size, .. } => {
                let Some(path) = mask else { return Ok(None) };
                let (mask, file) = decode_hashed(path)?;
                Ok(reading.cleaned(&mask, file, *size))
            }
            // The image's name determines its mask.
            ImageOrigin::Generated { kind, defect, seed, index, side } => {
                let mask = surface::draw(*kind, *defect, *seed, *index, *side).mask;
                Ok(mask.map(|mask| (mask, item.hash)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::surface::{SetSize, write_set};

    #[test]
    fn the_test_split_is_used_without_seen_images() {
        let folder = tempfile::tempdir().unwrap();
        let size = SetSize { train: 7, test_good: 2, test_per_defect: 1, side: 48 };
        let dir = folder.path().join("set");
        write_set(&dir, SurfaceKind::Ground, 1, size, &|_, _| true).unwrap();
        // A copy of a training image.
        std::fs::copy(dir.join("train/good/000.png"), dir.join("test/good/copy.png")).unwrap();
        let source = DataSource::Folder(dir);
        let opened = source.open(&|_, _| true).unwrap();
        let split = opened.split(0.2, 1).unwrap();
        let tests = TestSet::of(&opened, &[&split]);
        assert_eq!((tests.counts(), tests.has_masks()), ((2, 5), true));
        assert!(tests.about.iter().any(|a| a.starts_with("1 image excluded")), "{:?}", tests.about);
        let crack = tests.items.iter().position(|i| i.label == Label::Defective("crack".into())).unwrap();
        assert_eq!(PathBuf::from(&tests.items[crack].name), Path::new("test").join("crack").join("000.png"));
        assert_eq!(tests.picture(crack).unwrap().width(), 48);
        assert!(!tests.mask(crack).unwrap().unwrap().0.is_blank());
        assert!(tests.picture(99).is_err() && tests.mask(99).unwrap().is_none());
        let few = TestSet::open(&source, &[&split], Some(3), &|_, _| true).unwrap();
        assert_eq!(few.counts(), (2, 3));
        let types: HashSet<_> = few.items.iter().map(|i| format!("{:?}", i.label)).collect();
        assert_eq!(types.len(), 4, "one of each remaining defect type: {types:?}");
    }

    #[test]
    fn masks_mark_the_same_however_they_are_stored() {
        let spot = |x: u32, y: u32| (12..30).contains(&x) && (8..22).contains(&y);
        let grey = |inside: u8, outside: u8| {
            let level = move |x, y| image::Luma([if spot(x, y) { inside } else { outside }]);
            image::DynamicImage::ImageLuma8(image::GrayImage::from_fn(48, 40, level))
        };
        let red = image::RgbImage::from_fn(48, 40, |x, y| image::Rgb(if spot(x, y) { [255, 0, 0] } else { [255; 3] }));
        let small = grey(255, 0).resize_exact(24, 20, image::imageops::FilterType::Nearest);
        let ways = [
            ("png", grey(255, 0)),
            ("jpg", grey(255, 0)),
            ("png", grey(0, 255)),
            ("jpg", grey(0, 255)),
            ("bmp", red.into()),
            ("png", small),
        ];
        for (extension, mask) in ways {
            let folder = tempfile::tempdir().unwrap();
            let size = SetSize { train: 6, test_good: 1, test_per_defect: 0, side: 48 };
            let dir = folder.path().join("set");
            write_set(&dir, SurfaceKind::Ground, 1, size, &|_, _| true).unwrap();
            for name in ["bad", "good"] {
                std::fs::create_dir_all(dir.join("ground_truth").join(name)).unwrap();
            }
            std::fs::create_dir_all(dir.join("test/bad")).unwrap();
            for i in 0..3 {
                let part = image::open(dir.join(format!("train/good/00{i}.png"))).unwrap().crop_imm(0, 0, 48, 40);
                part.brighten(9).save(dir.join(format!("test/bad/00{i}.png"))).unwrap();
                mask.save(dir.join(format!("ground_truth/bad/00{i}_mask.{extension}"))).unwrap();
            }
            let tests = TestSet::open(&DataSource::Folder(dir), &[], None, &|_, _| true).unwrap();
            let marked: Vec<usize> = (0..tests.items.len())
                .filter_map(|i| tests.mask(i).unwrap())
                .map(|(mask, _)| {
                    assert_eq!((mask.width(), mask.height()), (48, 40));
                    let marks = (0..48 * 40).filter(|i| mask.unit(i % 48, i / 48, 0) > 0.0);
                    assert!(marks.clone().all(|i| spot(i as u32 % 48, i as u32 / 48) || extension == "jpg"));
                    marks.count()
                })
                .collect();
            assert_eq!(marked.len(), 3, "{extension}");
            assert!(marked.iter().all(|n| n.abs_diff(18 * 14) <= 6), "{extension}: {marked:?}");
        }
    }

    #[test]
    fn the_same_pixels_in_another_file_are_not_tested_on() {
        let folder = tempfile::tempdir().unwrap();
        let size = SetSize { train: 7, test_good: 2, test_per_defect: 1, side: 48 };
        let dir = folder.path().join("set");
        write_set(&dir, SurfaceKind::Ground, 1, size, &|_, _| true).unwrap();
        let source = DataSource::Folder(dir.clone());
        let split = source.open(&|_, _| true).unwrap().split(0.2, 1).unwrap();
        image::open(dir.join("train/good/000.png")).unwrap().save(dir.join("test/good/same.bmp")).unwrap();
        let tests = TestSet::open(&source, &[&split], None, &|_, _| true).unwrap();
        assert_eq!(tests.counts(), (2, 5));
        assert!(
            tests.about.iter().any(|line| line.contains("1 test image is in the training images as well")),
            "{:?}",
            tests.about
        );
    }

    #[test]
    fn without_a_test_split_unseen_images_are_used() {
        let source: DataSource = "surface:turned".parse().unwrap();
        let opened = source.open(&|_, _| true).unwrap();
        let mut split = opened.split(0.2, 1).unwrap();
        assert_eq!(TestSet::of(&opened, &[&split]).items.len(), 0);
        split.train.truncate(70);
        assert_eq!(TestSet::of(&opened, &[&split]).counts(), (6, 0));
        assert_eq!(TestSet::of(&opened, &[]).counts(), (96, 0));
    }

    #[test]
    fn generated_test_images_differ_from_training_images() {
        let source: DataSource = "surface:turned".parse().unwrap();
        let split = source.open(&|_, _| true).unwrap().split(0.2, 1).unwrap();
        let tests = TestSet::open(&source, &[&split], None, &|_, _| true).unwrap();
        assert_eq!(tests.counts(), (50, 100));
        let of = |kind: &str| tests.items.iter().filter(|i| i.label == Label::Defective(kind.into())).count();
        assert!(SurfaceKind::Turned.defects().iter().all(|k| of(k.name()) == 20));
        // A run trained on the same seed as the test.
        let same: DataSource = "surface:turned:7001".parse().unwrap();
        let split = same.open(&|_, _| true).unwrap().split(0.2, 1).unwrap();
        assert_eq!(TestSet::open(&source, &[&split], None, &|_, _| true).unwrap().counts(), (0, 100));
        for n in [10, 200] {
            let asked = TestSet::open(&source, &[], Some(n), &|_, _| true).unwrap();
            let of = |kind: &str| asked.items.iter().filter(|i| i.label == Label::Defective(kind.into())).count();
            assert_eq!(asked.counts(), (n, n));
            assert!(SurfaceKind::Turned.defects().iter().all(|k| of(k.name()) == n / 5));
            let (more, fewer) = if n < 100 { (&tests, &asked) } else { (&asked, &tests) };
            assert!(fewer.items.iter().filter(|i| i.label != Label::Healthy).all(|i| more.items.contains(i)));
        }
        let again = TestSet::generate(SurfaceKind::Turned, 0, SPECIMEN_SIDE, 1, 1);
        assert_eq!(again.picture(1).unwrap(), tests.picture(50).unwrap());
    }
}
