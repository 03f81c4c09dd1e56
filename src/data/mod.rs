//! Images in: a folder, a CSV file or a built-in surface becomes crops to train on.
//!
//! [`DataSource::open`] recognises the layout of a folder ([`describe`]), decodes every file once so that broken files
//! are known before training starts, and returns the [`Dataset`] with an [`ImageStore`], a bounded cache of decoded
//! images. [`Split`] holds healthy images out for calibration; [`CropSampler`] cuts seeded batches from the rest and
//! [`Loader`] prepares them ahead of time.
//!
//! Images are recognised by content, whatever their extension: PNG, JPEG, TIFF and BigTIFF, BMP, PNM, GIF and WebP with 8
//! or 16 bits per sample, grey or RGB; of several images in a file, the first. Alpha is dropped, palettes are resolved,
//! and images and masks are turned upright as their EXIF or TIFF orientation says. RGB becomes grey by the Rec. 709 weights on the stored values:
//! `(2126 R + 7152 G + 722 B) / 10000`, rounded.

mod bit_depth;
mod box_filter;
mod colour;
pub(crate) mod colour_map;
mod crop;
mod dataset;
pub(crate) mod decode;
mod decoder_pool;
mod error;
mod file_hash;
mod illumination;
pub(crate) mod image_files;
mod image_grid;
pub(crate) mod layout;
mod line_filter;
pub(crate) mod mask;
pub(crate) mod memory_budget;
pub(crate) mod picture;
pub(crate) mod picture_facts;
pub(crate) mod source;
pub(crate) mod split;
pub(crate) mod store;
pub mod surface;
mod synthetic_defects;
pub(crate) mod thumbnail;
mod unwritten;

pub use bit_depth::{BadBitDepth, BitDepth};
pub use box_filter::box_mean;
pub use colour::FoundColour;
pub(crate) use colour::dropped_colours;
pub use colour_map::ColourMap;
pub use crop::{CropSampler, CropSpec, Loader};
pub use dataset::{Dataset, DatasetImage, DatasetLayout, DatasetSummary, Label, Skipped, Subset};
pub use decode::decode;
pub use error::{DataError, FileFault};
pub use file_hash::{BadHash, FileHash};
pub use illumination::ExposureCorrection;
pub(crate) use illumination::{ExposureRange, Illumination, luminance_of};
pub use image_grid::ImageGrid;
pub use layout::{DefectiveFolder, FolderRole, FolderRoles, FoundFolder, UnclearFolder, describe, describe_assigned};
pub(crate) use line_filter::line_mean;
pub use mask::MaskReading;
pub use picture::{Picture, Samples};
pub use source::{DataSource, Opened};
pub use split::Split;
pub use store::ImageStore;
pub use synthetic_defects::{
    DamagedCrop, DefectFill, DefectShape, DefectSynthesiser, ProbeDefect, SyntheticDefectKnobs, add_probe,
};
pub use unwritten::Unwritten;
