//! Writes a drawn data set to disk in the MVTec AD layout.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use image::{ExtendedColorType, ImageEncoder as _, ImageError, codecs::png::PngEncoder};
use rayon::prelude::*;

use super::{
    kind::{DefectType, SurfaceKind},
    specimen::{SIDE_RANGE, draw},
};
use crate::{
    data::{Picture, Samples, decoder_pool::on_decoders},
    files,
    files::FileError,
    text::PrintablePath,
};

/// Number and size of the images of a drawn set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetSize {
    /// Healthy training images.
    pub train: usize,
    /// Healthy test images.
    pub test_good: usize,
    /// Defective test images per defect type.
    pub test_per_defect: usize,
    /// Width and height in pixels, within [`SIDE_RANGE`].
    pub side: usize,
}

impl Default for SetSize {
    fn default() -> Self {
        Self { train: 120, test_good: 40, test_per_defect: 20, side: 256 }
    }
}

impl SetSize {
    /// Number of images in a set of this surface, without masks.
    pub fn images(&self, kind: SurfaceKind) -> usize {
        self.train + self.test_good + kind.defects().len() * self.test_per_defect
    }
}

/// Errors of writing a drawn set.
#[derive(Debug, thiserror::Error)]
pub enum SurfaceError {
    /// The folder is not empty.
    #[error(
        "{} is not empty: choose a new folder, so that the images do not mix with others",
        .0.printable()
    )]
    NotEmpty(PathBuf),
    /// The path is not a folder.
    #[error("{} is a file, not a folder: choose another folder for the images", .0.printable())]
    NotFolder(PathBuf),
    /// The side is out of range.
    #[error(
        "cannot draw images of {0} x {0} pixels: choose a size between {low} and {high}",
        low = SIDE_RANGE[0],
        high = SIDE_RANGE[1]
    )]
    Side(usize),
    /// The folder cannot be read or created.
    #[error(
        "cannot use the folder {}: {source}; choose a folder that you can write to",
        path.printable()
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// An image could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// An image could not be encoded as PNG.
    #[error("cannot encode {} as PNG: {source}", path.printable())]
    Encode {
        /// The image file.
        path: PathBuf,
        /// The encoder's error.
        source: ImageError,
    },
    /// Cancelled by the caller's progress function.
    #[error("cancelled after {done} of {total} images; nothing was kept")]
    Cancelled {
        /// Number of images drawn.
        done: usize,
        /// Number of images in the set.
        total: usize,
    },
}

/// An image to draw and its path.
struct Job {
    defect: Option<DefectType>,
    index: u64,
    path: PathBuf,
    mask: Option<PathBuf>,
}

/// Draws a whole set into `dir` in the MVTec AD layout: `train/good`, `test/good`,
/// `test/<defect>` and `ground_truth/<defect>/NNN_mask.png`, all PNG with 8 bits, grey or in colour as the surface is.
///
/// `dir` is created if it is missing. Images are drawn in parallel on the decoding threads; `progress(done, total)` is
/// called after each from its thread and cancels by returning false. The set appears at once, so that one that is cancelled,
/// fails or is killed is not mistaken for a complete one.
///
/// # Errors
///
/// [`SurfaceError`] if `dir` is a file, not empty or not writable, the side is out of range, an image cannot be written,
/// or `progress` cancelled.
pub fn write_set(
    dir: &Path,
    kind: SurfaceKind,
    seed: u64,
    size: SetSize,
    progress: &(dyn Fn(usize, usize) -> bool + Sync),
) -> Result<(), SurfaceError> {
    if !(SIDE_RANGE[0]..=SIDE_RANGE[1]).contains(&size.side) {
        return Err(SurfaceError::Side(size.side));
    }
    require_empty(dir)?;
    files::create_folder(dir, "", |aside| {
        let (folders, jobs) = plan(aside, kind, size);
        folders.iter().try_for_each(|folder| make_folder(folder))?;
        let (done, cancelled) = (AtomicUsize::new(0), AtomicBool::new(false));
        let total = jobs.len();
        let stop = || SurfaceError::Cancelled { done: done.load(Ordering::Relaxed), total };
        let draw_one = |job: &Job| {
            if cancelled.load(Ordering::Relaxed) {
                return Err(stop());
            }
            job.run(kind, seed, size.side)?;
            let so_far = done.fetch_add(1, Ordering::Relaxed) + 1;
            if progress(so_far, total) || so_far == total {
                Ok(())
            } else {
                cancelled.store(true, Ordering::Relaxed);
                Err(stop())
            }
        };
        on_decoders(|| jobs.par_iter().try_for_each(draw_one))
    })
}

fn require_empty(dir: &Path) -> Result<(), SurfaceError> {
    if dir.is_file() {
        return Err(SurfaceError::NotFolder(dir.to_owned()));
    }
    let refused = |source| SurfaceError::Folder { path: dir.to_owned(), source };
    match fs::read_dir(dir) {
        Ok(entries) => {
            let own = dir.file_name().unwrap_or_default().to_string_lossy();
            for entry in entries {
                // What a killed process has left is replaced.
                let name = entry.map_err(refused)?.file_name();
                if !name.to_str().is_some_and(|name| files::is_part_name(name, &own)) {
                    return Err(SurfaceError::NotEmpty(dir.to_owned()));
                }
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(refused(source)),
    }
}

fn make_folder(path: &Path) -> Result<(), SurfaceError> {
    fs::create_dir_all(path).map_err(|source| SurfaceError::Folder { path: path.to_owned(), source })
}

/// Returns the folders and images of a set. Parents come before their children.
fn plan(dir: &Path, kind: SurfaceKind, size: SetSize) -> (Vec<PathBuf>, Vec<Job>) {
    let (train, test, truth) = (dir.join("train"), dir.join("test"), dir.join("ground_truth"));
    let (train_good, test_good) = (train.join("good"), test.join("good"));
    let healthy = |folder: &Path, index: usize, number: usize| Job {
        defect: None,
        index: index as u64,
        path: folder.join(format!("{number:03}.png")),
        mask: None,
    };
    let mut jobs: Vec<Job> = (0..size.train).map(|i| healthy(&train_good, i, i)).collect();
    // The indices of healthy test images follow those of the training images, so that none is in both.
    jobs.extend((0..size.test_good).map(|i| healthy(&test_good, size.train + i, i)));

    let mut folders = vec![train, train_good, test.clone(), test_good];
    if size.test_per_defect > 0 {
        folders.push(truth.clone());
    }
    for &defect in kind.defects().iter().filter(|_| size.test_per_defect > 0) {
        let (images, masks) = (test.join(defect.name()), truth.join(defect.name()));
        jobs.extend((0..size.test_per_defect).map(|i| Job {
            defect: Some(defect),
            index: i as u64,
            path: images.join(format!("{i:03}.png")),
            mask: Some(masks.join(format!("{i:03}_mask.png"))),
        }));
        folders.extend([images, masks]);
    }
    (folders, jobs)
}

impl Job {
    fn run(&self, kind: SurfaceKind, seed: u64, side: usize) -> Result<(), SurfaceError> {
        let specimen = draw(kind, self.defect, seed, self.index, side);
        if let (Some(path), Some(mask)) = (&self.mask, &specimen.mask) {
            write_png(path, mask)?;
        }
        write_png(&self.path, &specimen.picture)
    }
}

/// Writes an 8-bit image.
fn write_png(path: &Path, picture: &Picture) -> Result<(), SurfaceError> {
    let Samples::U8(bytes) = picture.samples() else { return Ok(()) };
    let mut png = Vec::with_capacity(bytes.len());
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    let colour = if picture.channels() == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    PngEncoder::new(&mut png)
        .write_image(bytes, width, height, colour)
        .map_err(|source| SurfaceError::Encode { path: path.to_owned(), source })?;
    files::write_atomic(path, &png).map_err(SurfaceError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: SetSize = SetSize { train: 2, test_good: 1, test_per_defect: 1, side: 64 };

    fn listing(dir: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![dir.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let inside = path.strip_prefix(dir).expect("inside");
                    found.push(inside.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn a_set_has_the_layout_of_mvtec_ad() {
        let place = tempfile::tempdir().expect("a folder");
        let dir = place.path().join("new/set");
        let seen = AtomicUsize::new(0);
        write_set(&dir, SurfaceKind::Ground, 5, SMALL, &|_, total| {
            assert_eq!(total, SMALL.images(SurfaceKind::Ground));
            seen.fetch_add(1, Ordering::Relaxed);
            true
        })
        .expect("written");
        assert_eq!(seen.into_inner(), 8);
        let mut expected: Vec<String> =
            ["train/good/000.png", "train/good/001.png", "test/good/000.png"].map(String::from).into();
        for defect in SurfaceKind::Ground.defects() {
            expected.push(format!("test/{defect}/000.png"));
            expected.push(format!("ground_truth/{defect}/000_mask.png"));
        }
        expected.sort();
        assert_eq!(listing(&dir), expected);

        let read = |name: &str| image::open(dir.join(name)).expect("a picture").into_luma8();
        let Samples::U8(drawn) = draw(SurfaceKind::Ground, None, 5, 2, 64).picture.samples().clone() else {
            panic!("not 8 bits")
        };
        assert_eq!(read("test/good/000.png").into_raw(), drawn);
        let mask = read("ground_truth/crack/000_mask.png").into_raw();
        assert!(mask.contains(&255) && mask.iter().all(|m| *m == 0 || *m == 255));
    }

    #[test]
    fn a_cancelled_set_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("a folder");
        let result = write_set(dir.path(), SurfaceKind::Turned, 1, SMALL, &|done, _| done < 3);
        assert!(matches!(result, Err(SurfaceError::Cancelled { total: 8, .. })));
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0);
        write_set(dir.path(), SurfaceKind::Turned, 1, SMALL, &|_, _| true).expect("a second attempt");
    }

    #[test]
    fn a_folder_in_use_a_file_and_an_impossible_side_are_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("note.txt");
        fs::write(&file, "mine").expect("a file");
        let go = |dir: &Path, size| write_set(dir, SurfaceKind::Turned, 1, size, &|_, _| true);
        let message = go(dir.path(), SMALL).expect_err("not empty").to_string();
        assert!(message.contains("not empty") && message.contains("new folder"), "{message}");
        assert!(matches!(go(&file, SMALL), Err(SurfaceError::NotFolder(_))));
        let tiny = SetSize { side: 3, ..SMALL };
        let message = go(&dir.path().join("new"), tiny).expect_err("too small").to_string();
        assert!(message.contains("16") && message.contains("8192"), "{message}");
        assert_eq!(listing(dir.path()), ["note.txt"]);
    }

    #[test]
    fn every_set_is_recognised_without_a_guess() {
        for kind in SurfaceKind::ALL {
            let dir = tempfile::tempdir().expect("a folder");
            let set = dir.path().join("set");
            let size = SetSize { train: 6, ..SMALL };
            write_set(&set, kind, 3, size, &|_, _| true).expect("drawn");
            let opened = crate::data::DataSource::Folder(set).open(&|_, _| true).expect("opened");
            assert!(opened.dataset.notes.is_empty(), "{kind}: {:?}", opened.dataset.notes);
            let types: Vec<String> = opened.dataset.summary().defect_types.into_keys().collect();
            let mut drawn: Vec<&str> = kind.defects().iter().map(|defect| defect.name()).collect();
            drawn.sort_unstable();
            assert_eq!(types, drawn);
            assert_eq!(opened.dataset.colour().is_seen(), kind.is_coloured());
        }
    }
}
