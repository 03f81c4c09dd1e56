//! Built-in machined surfaces, drawn by the program, so that everything works without a download.
//!
//! An image starts as a height field in pixels with the marks that the tool leaves, ploughed, swept or scalloped. It is
//! shaded by a slanted key light and a ring light, and photographed by a camera with slight defocus, uneven illumination
//! and read-out noise as an 8-bit image, grey or of a surface with a hue in RGB. A defect changes heights, reflectances and
//! hues before shading; its mask is where the image then differs from that of the same surface without the defect.

mod defect;
mod kind;
mod mask;
mod noise;
mod relief;
mod set;
mod specimen;
#[cfg(test)]
mod tests;
mod texture;
mod varied;

pub use kind::{DefectType, SurfaceKind, UnknownName};
pub(crate) use kind::{PREFIX, any_of};
pub use set::{SetSize, SurfaceError, write_set};
pub(crate) use specimen::specimen_hash;
pub use specimen::{SIDE_RANGE, Specimen, draw};
pub(crate) use varied::draw_varied;
