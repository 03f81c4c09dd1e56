//! What a file says about its image before it is decoded, and the limits of every image.

use crate::data::FileFault;

/// Maximum width and height in pixels.
pub(super) const MAX_SIDE: u32 = 65_535;
/// Maximum number of pixels in an image: 20,000 x 20,000.
pub(super) const MAX_PIXELS: u64 = 400_000_000;
/// Maximum size in bytes of a decoded image, alpha included, and of a file.
pub(super) const MAX_BYTES: u64 = 1_600_000_000;
/// Files and images larger than this many bytes are decoded one at a time.
pub(crate) const LARGE: u64 = 64 << 20;

/// Memory that a decoder may allocate; some hold the image twice.
pub(super) const MAX_ALLOC: u64 = 2 * MAX_BYTES;

/// What a file says about its image before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Width in pixels, as stored.
    pub(crate) width: u32,
    /// Height in pixels, as stored.
    pub(crate) height: u32,
    /// Size of the decoded samples in bytes.
    pub(crate) bytes: u64,
    /// Further bytes that its decoder needs.
    pub(super) working: u64,
    /// Number of images in the file.
    pub(super) images: u32,
}

impl Header {
    /// Number of pixels.
    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Checks the limits of every image.
    pub(super) fn check(&self) -> Result<(), FileFault> {
        let &Self { width, height, bytes, working, .. } = self;
        if width > MAX_SIDE || height > MAX_SIDE || self.pixels() > MAX_PIXELS || bytes > MAX_BYTES {
            return Err(FileFault::TooLarge { width, height, bytes });
        }
        if bytes.saturating_add(working) > MAX_ALLOC {
            return Err(FileFault::TooMuchMemory);
        }
        Ok(())
    }
}
