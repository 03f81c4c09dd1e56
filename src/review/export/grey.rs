//! Greyscale image of a PDF page.

use crate::data::{Picture, Samples};

/// An 8-bit greyscale image, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GreyImage {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl GreyImage {
    /// Creates an image; `None` unless there are `width * height` pixels and at least one.
    pub(crate) fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let right = width > 0 && height > 0 && width.checked_mul(height) == Some(pixels.len());
        right.then_some(Self { width, height, pixels })
    }

    /// Converts an image to greyscale, scaled down to sides of at most `side` pixels; keeps the upper 8 of 16 bits.
    pub(crate) fn of(image: Picture, side: usize) -> Option<Self> {
        let longest = image.width().max(image.height()).max(1);
        let grey = image.into_grey().scaled((side as f32 / longest as f32).min(1.0));
        let pixels = match grey.samples() {
            Samples::U8(samples) => samples.clone(),
            Samples::U16(samples) => samples.iter().map(|&v| (v >> 8) as u8).collect(),
        };
        Self::new(grey.width(), grey.height(), pixels)
    }

    /// Width, pixels.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Height, pixels.
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// Pixels, row by row.
    pub(crate) fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}
