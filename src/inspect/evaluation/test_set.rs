//! Which images a model is tested on.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::image::ExcludedImage;
use crate::data::{
    DataError, DataSource, FileHash, ImageStore, Label, Opened, Picture, Split, Subset,
    decode::decode_hashed,
    layout::ReadProgress,
    source::SPECIMEN_SIDE,
    surface,
    surface::{DefectKind, SurfaceKind},
};

/// Seed of drawn test images, added to the surface's own; those that train have another.
const TEST_SEED: u64 = 7_001;

/// Healthy and defective images of a built-in surface that are drawn for a test, if nothing else is asked for.
const DRAWN: (usize, usize) = (50, 100);

/// Where a test image comes from.
#[derive(Clone, Debug, PartialEq)]
enum ImageOrigin {
    /// A place in the store, and the file of its mask.
    Stored { index: usize, mask: Option<PathBuf> },
    /// A surface.
    Drawn { kind: SurfaceKind, defect: Option<DefectKind>, seed: u64, index: u64, side: usize },
}

/// One test image.
#[derive(Clone, Debug, PartialEq)]
pub struct TestItem {
    /// Its name: the path within the data, or what a drawn one is called.
    pub name: String,
    /// Its file; `None` for one that is drawn.
    pub path: Option<PathBuf>,
    /// Hash of its file.
    pub hash: FileHash,
    /// The truth about it.
    pub label: Label,
    origin: ImageOrigin,
}

impl TestItem {
    /// Whether it says where its defect is.
    pub fn has_mask(&self) -> bool {
        match &self.origin {
            ImageOrigin::Stored { mask, .. } => mask.is_some(),
            ImageOrigin::Drawn { defect, .. } => defect.is_some(),
        }
    }
}

/// Images whose truth is known and that a model never saw.
#[derive(Clone, Debug)]
pub struct TestSet {
    /// Where they come from, as [`DataSource`] reads it.
    pub data: String,
    /// The same in plain words.
    pub about: Vec<String>,
    /// The images.
    pub items: Vec<TestItem>,
    /// What cannot be tested with, and why.
    pub excluded: Vec<ExcludedImage>,
    store: Option<Arc<ImageStore>>,
}

impl TestSet {
    /// Opens data to test with: a folder is described and its test images are taken, a built-in surface is
    /// drawn anew. None of `seen` is among them. With a number in `images`, a folder gives at most so many healthy
    /// and so many defective ones, evenly from its list, and of a surface that many are drawn.
    ///
    /// # Errors
    /// Those of [`DataSource::open`].
    pub fn open(
        source: &DataSource,
        seen: &[&Split],
        images: Option<usize>,
        progress: &ReadProgress<'_>,
    ) -> Result<Self, DataError> {
        match source {
            DataSource::Folder(_) => {
                let mut tests = Self::of(&source.open(progress)?, seen);
                if let Some(most) = images {
                    tests.thin(most);
                }
                Ok(tests)
            }
            DataSource::Surface { kind, seed } => {
                let (healthy, defective) = images.map_or(DRAWN, |n| (n, n));
                let mut drawn = Self::drawn(*kind, *seed, SPECIMEN_SIDE, healthy, defective);
                drawn.forget(seen);
                Ok(drawn)
            }
        }
    }

    /// The test images of opened data: those that its layout meant for testing, or every image where it makes
    /// no difference, without those that models were trained or calibrated on.
    pub fn of(opened: &Opened, seen: &[&Split]) -> Self {
        let set = &opened.dataset;
        let wanted = if set.items.iter().any(|i| i.subset == Subset::Test) { Subset::Test } else { Subset::Any };
        let folder = if set.root.is_file() { set.root.parent().unwrap_or(Path::new("")) } else { &set.root };
        let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
        let items = set.items.iter().enumerate().filter(|(_, item)| item.subset == wanted);
        let items = items.map(|(index, item)| TestItem {
            name: name(&item.path),
            path: item.path.is_file().then(|| item.path.clone()),
            hash: item.hash,
            label: item.label.clone(),
            origin: ImageOrigin::Stored { index, mask: item.mask.clone() },
        });
        let excluded = set.skipped.iter().map(|s| ExcludedImage { name: name(&s.path), reason: s.reason.clone() });
        let mut tests = Self {
            data: set.root.display().to_string(),
            about: set.summary().sentences(),
            items: items.collect(),
            excluded: excluded.collect(),
            store: Some(Arc::clone(&opened.store)),
        };
        tests.about.insert(0, set.layout.title().to_owned());
        tests.forget(seen);
        tests
    }

    /// Test images of a built-in surface, `side` pixels square, as many of each kind of defect, one kind after the
    /// other. More of them are these and others.
    pub fn drawn(kind: SurfaceKind, seed: u64, side: usize, healthy: usize, defective: usize) -> Self {
        let own = TEST_SEED.wrapping_add(seed);
        let item = |defect: Option<DefectKind>, index: usize| {
            let what = defect.map_or("", DefectKind::name);
            let slash = if what.is_empty() { "" } else { "/" };
            // A healthy specimen is named as one that trains, so that it is known again.
            let drawn = format!("surface:{kind}{slash}{what}:{own}:{index}:{side}");
            TestItem {
                name: format!("{kind}/{}/{index:03}", defect.map_or("good", DefectKind::name)),
                path: None,
                hash: FileHash::of(drawn.as_bytes()),
                label: defect.map_or(Label::Healthy, |d| Label::Defective(d.name().to_owned())),
                origin: ImageOrigin::Drawn { kind, defect, seed: own, index: index as u64, side },
            }
        };
        let kinds = DefectKind::ALL;
        let healthy = (0..healthy).map(|i| item(None, i));
        let of = |k: usize| (k..defective).step_by(kinds.len()).map(move |i| (Some(kinds[k]), i));
        let defective = (0..kinds.len()).flat_map(of).map(|(defect, i)| item(defect, i));
        let items: Vec<TestItem> = healthy.chain(defective).collect();
        let about = format!("built-in surface, drawn for the test: {kind}, {side} x {side} pixels, seed {own}");
        Self {
            data: DataSource::Surface { kind, seed }.to_string(),
            about: vec![about],
            items,
            excluded: Vec::new(),
            store: None,
        }
    }

    /// Leaves out what models were trained or calibrated on, and says so.
    fn forget(&mut self, seen: &[&Split]) {
        let seen: HashSet<&FileHash> = seen.iter().flat_map(|s| s.train.iter().chain(&s.held_out)).collect();
        let before = self.items.len();
        self.items.retain(|item| !seen.contains(&item.hash));
        match before - self.items.len() {
            0 => {}
            n => self.about.push(format!("{n} that the model was trained or calibrated on are not tested")),
        }
    }

    /// At most so many healthy images and so many defective ones, evenly from the whole list: kinds of defect
    /// stand one after the other.
    pub fn thin(&mut self, most: usize) {
        let items = std::mem::take(&mut self.items);
        let (healthy, defective): (Vec<_>, Vec<_>) = items.into_iter().partition(|i| i.label == Label::Healthy);
        for side in [healthy, defective] {
            let take = most.min(side.len());
            self.items.extend((0..take).filter_map(|i| side.get(i * side.len() / take)).cloned());
        }
    }

    /// Healthy and defective images.
    pub fn counts(&self) -> (usize, usize) {
        let healthy = self.items.iter().filter(|i| i.label == Label::Healthy).count();
        (healthy, self.items.len() - healthy)
    }

    /// Whether any image says where its defect is.
    pub fn has_masks(&self) -> bool {
        self.items.iter().any(TestItem::has_mask)
    }

    /// Picture `i`.
    ///
    /// # Errors
    /// Those of [`ImageStore::get`]; [`DataError::OutOfRange`] past the end.
    pub fn picture(&self, i: usize) -> Result<Arc<Picture>, DataError> {
        match (self.items.get(i).map(|item| &item.origin), &self.store) {
            (Some(ImageOrigin::Stored { index, .. }), Some(store)) => store.get(*index),
            (Some(ImageOrigin::Drawn { kind, defect, seed, index, side }), _) => {
                Ok(Arc::new(surface::draw(*kind, *defect, *seed, *index, *side).picture))
            }
            _ => Err(DataError::OutOfRange {
                name: "the number of the test image",
                value: i.to_string(),
                range: "below the number of test images",
            }),
        }
    }

    /// The mask of image `i`, not 0 where it is defective, and the hash of its file; `None` for an image
    /// without one.
    ///
    /// # Errors
    /// [`DataError::File`] for a mask that is gone or cannot be decoded any more.
    pub fn mask(&self, i: usize) -> Result<Option<(Picture, FileHash)>, DataError> {
        let Some(item) = self.items.get(i) else { return Ok(None) };
        match &item.origin {
            ImageOrigin::Stored { mask, .. } => mask.as_deref().map(decode_hashed).transpose(),
            // Whoever knows the picture knows its mask.
            ImageOrigin::Drawn { kind, defect, seed, index, side } => {
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
    fn the_layouts_test_part_is_taken_and_nothing_that_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let size = SetSize { train: 7, test_good: 2, test_per_defect: 1, side: 48 };
        let dir = folder.path().join("set");
        write_set(&dir, SurfaceKind::Ground, 1, size, &|_, _| true).unwrap();
        // A copy of an image that is trained on.
        std::fs::copy(dir.join("train/good/000.png"), dir.join("test/good/copy.png")).unwrap();
        let source = DataSource::Folder(dir);
        let opened = source.open(&|_, _| true).unwrap();
        let split = opened.split(0.2, 1).unwrap();
        let tests = TestSet::of(&opened, &[&split]);
        assert_eq!((tests.counts(), tests.has_masks()), ((2, 5), true));
        assert!(tests.about.iter().any(|a| a.starts_with("1 that the model")), "{:?}", tests.about);
        let crack = tests.items.iter().position(|i| i.label == Label::Defective("crack".into())).unwrap();
        assert_eq!(PathBuf::from(&tests.items[crack].name), Path::new("test").join("crack").join("000.png"));
        assert_eq!(tests.picture(crack).unwrap().width(), 48);
        assert!(!tests.mask(crack).unwrap().unwrap().0.is_blank());
        assert!(tests.picture(99).is_err() && tests.mask(99).unwrap().is_none());
        let few = TestSet::open(&source, &[&split], Some(3), &|_, _| true).unwrap();
        assert_eq!(few.counts(), (2, 3));
        let kinds: HashSet<_> = few.items.iter().map(|i| format!("{:?}", i.label)).collect();
        assert_eq!(kinds.len(), 4, "one of each kind that is left: {kinds:?}");
    }

    #[test]
    fn where_the_layout_makes_no_difference_unseen_images_are_taken() {
        let source: DataSource = "surface:turned".parse().unwrap();
        let opened = source.open(&|_, _| true).unwrap();
        let mut split = opened.split(0.2, 1).unwrap();
        assert_eq!(TestSet::of(&opened, &[&split]).items.len(), 0);
        split.train.truncate(70);
        assert_eq!(TestSet::of(&opened, &[&split]).counts(), (6, 0));
        assert_eq!(TestSet::of(&opened, &[]).counts(), (96, 0));
    }

    #[test]
    fn drawn_images_are_not_those_that_train() {
        let source: DataSource = "surface:turned".parse().unwrap();
        let split = source.open(&|_, _| true).unwrap().split(0.2, 1).unwrap();
        let tests = TestSet::open(&source, &[&split], None, &|_, _| true).unwrap();
        assert_eq!(tests.counts(), (50, 100));
        let of = |kind: &str| tests.items.iter().filter(|i| i.label == Label::Defective(kind.into())).count();
        assert!(DefectKind::ALL.iter().all(|k| of(k.name()) == 20));
        // A run that trained on the very seed of the test.
        let same: DataSource = "surface:turned:7001".parse().unwrap();
        let split = same.open(&|_, _| true).unwrap().split(0.2, 1).unwrap();
        assert_eq!(TestSet::open(&source, &[&split], None, &|_, _| true).unwrap().counts(), (0, 100));
        for n in [10, 200] {
            let asked = TestSet::open(&source, &[], Some(n), &|_, _| true).unwrap();
            let of = |kind: &str| asked.items.iter().filter(|i| i.label == Label::Defective(kind.into())).count();
            assert_eq!(asked.counts(), (n, n));
            assert!(DefectKind::ALL.iter().all(|k| of(k.name()) == n / 5));
            let (more, fewer) = if n < 100 { (&tests, &asked) } else { (&asked, &tests) };
            assert!(fewer.items.iter().filter(|i| i.label != Label::Healthy).all(|i| more.items.contains(i)));
        }
        let again = TestSet::drawn(SurfaceKind::Turned, 0, SPECIMEN_SIDE, 1, 1);
        assert_eq!(again.picture(1).unwrap(), tests.picture(50).unwrap());
    }
}
