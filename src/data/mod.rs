//! Images in: a folder, a CSV or a built-in surface becomes crops to train on.
//!
//! [`DataSource::open`] recognises what a folder holds ([`describe`]), decodes every file once so
//! that everything broken is known before training starts, and hands back the [`Dataset`] with an
//! [`ImageStore`], a bounded cache of decoded pictures. [`Split`] sets healthy images aside for
//! calibration; [`CropSampler`] cuts seeded batches out of the rest and [`Loader`] prepares them ahead.
//!
//! Pictures are read by content, whatever their extension: PNG, JPEG, TIFF (its first page), BMP and
//! PNM of 8 or 16 bits a sample, grey or RGB. Alpha is dropped, palettes are resolved, an EXIF
//! orientation is left unapplied (masks share the stored orientation). RGB becomes grey by the
//! Rec. 709 weights on the stored values: `(2126 R + 7152 G + 722 B) / 10000`, rounded.

use std::{io, path::PathBuf, sync::LazyLock};

use rayon::ThreadPool;

pub mod box_filter;
pub mod colour_map;
pub mod crop;
pub mod dataset;
pub mod decode;
pub mod illumination;
pub mod image_grid;
pub mod layout;
pub mod picture;
pub mod source;
pub mod split;
pub mod store;
pub mod surface;
pub mod synthetic_defects;
pub mod thumbnail;

pub use crop::{CropSampler, CropSpec, Loader};
pub use dataset::{Dataset, DatasetImage, DatasetLayout, DatasetSummary, Label, Skipped, Subset};
pub use decode::{FileFault, FileHash, decode};
pub use illumination::Illumination;
pub use image_grid::ImageGrid;
pub use layout::describe;
pub use picture::{Picture, Samples};
pub use source::{DataSource, Opened};
pub use split::Split;
pub use store::ImageStore;

/// What can go wrong between a folder's name and a batch of crops.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// One file cannot be used; `fault` says why and what to do.
    #[error("cannot use {}: {fault}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: FileFault,
    },
    /// Nothing of that name exists.
    #[error("cannot find {}: check the spelling or choose another folder", .0.display())]
    Missing(PathBuf),
    /// A folder cannot be listed.
    #[error("cannot list the folder {}: {source}; check that you may read it", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file stands where a folder or a CSV was expected.
    #[error("{} is a file: name the folder it lies in, or a CSV file that lists images", .0.display())]
    NotAFolder(PathBuf),
    /// A folder without one visible file.
    #[error("the folder {} is empty: put images of healthy parts into it or choose another folder", .0.display())]
    Empty(PathBuf),
    /// A folder with files, none of them a usable image.
    #[error("{} holds no usable image among {files} files ({first}): choose a folder of PNG, JPEG, TIFF, BMP or PNM images", root.display())]
    NoImages {
        /// The folder.
        root: PathBuf,
        /// Files looked at.
        files: usize,
        /// The first file refused, and why.
        first: String,
    },
    /// A data set without a healthy image to train on.
    #[error("there is nothing healthy to learn from in {}: none of its {images} images is marked healthy for training; add images of healthy parts", root.display())]
    OnlyDefective {
        /// The folder.
        root: PathBuf,
        /// Images that were found all the same.
        images: usize,
    },
    /// A folder of several data sets, each of which is a surface of its own.
    #[error("{} holds {} data sets ({}): choose one of them", root.display(), names.len(), names.join(", "))]
    SeveralSets {
        /// The folder.
        root: PathBuf,
        /// The names of the sub-folders.
        names: Vec<String>,
    },
    /// More files than are taken at once.
    #[error("{} holds more than {limit} files: choose a folder nearer to the images", root.display())]
    TooManyFiles {
        /// The folder.
        root: PathBuf,
        /// The most files taken.
        limit: usize,
    },
    /// A CSV file that cannot be understood.
    #[error("cannot use {}, line {line}: {detail}", path.display())]
    Csv {
        /// The CSV file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it, and what belongs there.
        detail: String,
    },
    /// Too few different healthy images to hold some of them out.
    #[error("there are {have} different healthy images and at least {need} are needed ({} of them are held out): add images of healthy parts", need - 1)]
    TooFewHealthy {
        /// Distinct healthy images.
        have: usize,
        /// The fewest that can be split.
        need: usize,
    },
    /// A number outside its range.
    #[error("{name} is {value}: it must be {range}")]
    OutOfRange {
        /// What the number is.
        name: &'static str,
        /// The value given.
        value: String,
        /// The values it may take, in words.
        range: &'static str,
    },
    /// A data source that cannot be understood.
    #[error("cannot take `{text}` as data: {detail}")]
    Source {
        /// What was given.
        text: String,
        /// What is wrong and what would do.
        detail: String,
    },
    /// The caller's progress function asked to stop.
    #[error("stopped before all images were read")]
    Cancelled,
    /// The loader's thread cannot be started, or has ended.
    #[error("the thread that prepares batches is not running ({0}): start the run again")]
    LoaderStopped(String),
}

/// The most threads that decode at a time.
const MAX_DECODERS: usize = 8;

/// Runs `job` on the decoding threads, so that decoding shares no queue with the tensors' thread pool.
/// Where they cannot be started the job runs on the caller's thread pool.
pub(crate) fn on_decoders<R: Send>(job: impl FnOnce() -> R + Send) -> R {
    static DECODERS: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).min(MAX_DECODERS);
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("ganspect-decode-{i}"))
            .build()
            .ok()
    });
    match DECODERS.as_ref() {
        Some(pool) => pool.install(job),
        None => job(),
    }
}
