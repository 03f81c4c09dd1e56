//! A picture for paper.

use crate::data::{Picture, Samples};

/// A grey picture of 8 bits, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Grey {
    /// `None` unless there are `width * height` pixels, and at least one.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let right = width > 0 && height > 0 && width.checked_mul(height) == Some(pixels.len());
        right.then_some(Self { width, height, pixels })
    }

    /// A picture in grey, made smaller where a side is longer than `side` pixels; of 16 bits the upper eight.
    pub fn of(picture: Picture, side: usize) -> Option<Self> {
        let longest = picture.width().max(picture.height()).max(1);
        let grey = picture.into_grey().scaled((side as f32 / longest as f32).min(1.0));
        let pixels = match grey.samples() {
            Samples::U8(samples) => samples.clone(),
            Samples::U16(samples) => samples.iter().map(|&v| (v >> 8) as u8).collect(),
        };
        Self::new(grey.width(), grey.height(), pixels)
    }

    /// Pixels across.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels down.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Its pixels, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}
