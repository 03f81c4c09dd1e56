//! Errors of the data module.

use std::{io, path::PathBuf};

use super::{decode::formats, layout::UnclearFolder};
use crate::text::PrintablePath;

/// Errors of opening a data set, reading its images and preparing batches.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file that cannot be used.
    #[error("cannot use {}: {fault}", path.printable())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason and the remedy.
        fault: FileFault,
    },
    /// No file or folder of that name.
    #[error("cannot find {}: check the spelling or choose another folder", .0.printable())]
    Missing(PathBuf),
    /// A folder cannot be listed.
    #[error("cannot list the folder {}: {source}; check your permission to read it", path.printable())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file that is neither a folder nor a CSV file.
    #[error("{} is a file: choose the folder that contains it, or a CSV file that lists images", .0.printable())]
    NotAFolder(PathBuf),
    /// A folder without visible files.
    #[error("the folder {} is empty: add images of healthy parts or choose another folder", .0.printable())]
    Empty(PathBuf),
    /// A folder with files, none of them a usable image.
    #[error("{} contains no usable image among {files} files ({first}): choose a folder of {} images", root.printable(), formats("or"))]
    NoImages {
        /// The folder.
        root: PathBuf,
        /// Number of files examined.
        files: usize,
        /// The first rejected file and the reason.
        first: String,
    },
    /// A data set without a healthy image to train on.
    #[error("there is nothing healthy to train on in {}: none of its {images} images is marked healthy for training; add images of healthy parts", root.printable())]
    OnlyDefective {
        /// The folder.
        root: PathBuf,
        /// Number of images found.
        images: usize,
    },
    /// A folder of several data sets, one surface each.
    #[error("{} contains {} data sets ({}): choose one of them", root.printable(), names.len(), names.join(", "))]
    SeveralSets {
        /// The folder.
        root: PathBuf,
        /// The names of the sub-folders.
        names: Vec<String>,
    },
    /// A folder whose names do not say which images are healthy.
    #[error("{0}")]
    Unclear(Box<UnclearFolder>),
    /// Masks without an image in a layout where images without a mask are healthy.
    #[error("{count} masks in {} belong to no image, for example {example}, so an image without a mask may be defective: give mask and image the same name, or say which folders are healthy with --healthy DIR and --defective DIR", root.printable())]
    MasksWithoutImages {
        /// The folder.
        root: PathBuf,
        /// Number of masks.
        count: usize,
        /// One of them.
        example: String,
    },
    /// A folder to which two roles were given.
    #[error("{} has two roles: give it one", .0.printable())]
    TwoRoles(PathBuf),
    /// A file to which a role was given.
    #[error("{} is a file: give a role to the folder that contains it", .0.printable())]
    RoleOfAFile(PathBuf),
    /// Most healthy training images show nothing.
    #[error("{count} of {of} healthy images in {} show nothing ({example}): take them again with the lamp on and the part in view, or choose another folder", root.printable())]
    BlankImages {
        /// The folder.
        root: PathBuf,
        /// Images that show nothing.
        count: usize,
        /// Healthy training images.
        of: usize,
        /// One of them and what it shows.
        example: String,
    },
    /// Several label lists in one folder.
    #[error("{} contains several lists of images ({}): open the one to use instead of the folder", root.printable(), names.join(", "))]
    SeveralLists {
        /// The folder.
        root: PathBuf,
        /// The names of the lists.
        names: Vec<String>,
    },
    /// More files than the limit.
    #[error("{} contains more than {limit} files: choose a folder closer to the images", root.printable())]
    TooManyFiles {
        /// The folder.
        root: PathBuf,
        /// Maximum number of files.
        limit: usize,
    },
    /// A CSV file with an invalid line.
    #[error("cannot use {}, line {line}: {detail}", path.printable())]
    Csv {
        /// The CSV file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The problem and the expected content.
        detail: String,
    },
    /// Too few distinct healthy images to hold some out.
    #[error("there are {have} different healthy images and at least {need} are needed ({} of them are held out): add images of healthy parts", need - 1)]
    TooFewHealthy {
        /// Distinct healthy images.
        have: usize,
        /// Minimum number needed for a split.
        need: usize,
    },
    /// A value outside its range.
    #[error("{name} is {value}: it must be {range}")]
    OutOfRange {
        /// Name of the value.
        name: &'static str,
        /// The value given.
        value: String,
        /// The allowed range, in words.
        range: &'static str,
    },
    /// An invalid data source.
    #[error("`{text}` is not a data source: {detail}")]
    Source {
        /// The given text.
        text: String,
        /// The problem and the allowed forms.
        detail: String,
    },
    /// Stopped by the caller's progress function.
    #[error("stopped before all images were read")]
    Cancelled,
    /// The loader's thread could not be started, or has ended.
    #[error("the thread that prepares batches is not running ({0}): start the run again")]
    LoaderStopped(String),
}

impl DataError {
    /// Returns the error of an image index past the end of a store.
    pub(crate) fn no_image(index: usize) -> Self {
        Self::OutOfRange {
            name: "the index of the image",
            value: index.to_string(),
            range: "below the number of images",
        }
    }
}

/// Reason why an image file cannot be used; each message follows the file's name and ends with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// The file could not be read.
    #[error("it cannot be read ({0}); check that it exists and your permission to read it")]
    Read(io::Error),
    /// The content is not an image.
    #[error("it is not an image ({0}); remove it or replace it with the image")]
    NotAnImage(&'static str),
    /// An image in an unsupported format.
    #[error("it is {0}; save it as {formats}", formats = formats("or"))]
    Format(&'static str),
    /// A kind of a supported format that is not read.
    #[error("it is {what}, which is not read; {instead}")]
    Encoding {
        /// What it is.
        what: String,
        /// What to do.
        instead: &'static str,
    },
    /// The file ends before the image does.
    #[error("the file is truncated; copy it again or remove it")]
    Truncated,
    /// The content contradicts its format.
    #[error("its content is damaged ({0}); copy it again or remove it")]
    Damaged(String),
    /// Samples other than unsigned 8 or 16 bit.
    #[error("its sample format is not supported ({0}); save it with 8 or 16 bits per sample, grey or RGB")]
    SampleKind(String),
    /// An image beyond the size limits.
    #[error(
        "it is {width} x {height} pixels and {bytes} bytes when decoded; the limit is 65,535 pixels per side, \
         400 million pixels and 1.6 GB: cut it into smaller images"
    )]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Decoded size in bytes.
        bytes: u64,
    },
    /// A decoder that exceeds its memory limit.
    #[error("decoding it needs more than 3.2 GB of memory; cut it into smaller images or save it as PNG")]
    TooMuchMemory,
    /// A grey image where colour is needed, with the remedy.
    #[error("it is grey, but the model sees colour; {0}")]
    Grey(&'static str),
    /// An image that its reader refused by its header.
    #[error("{0}")]
    NotInspected(String),
    /// A file beyond the size limit.
    #[error("the file is {0} bytes and the limit is 1.6 GB; cut it into smaller images")]
    TooLong(u64),
    /// Content that differs from when the data set was described.
    #[error("its content has changed since the images were first read; restore the old file or open the data again")]
    Changed,
}
