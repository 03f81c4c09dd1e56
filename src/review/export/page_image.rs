//! Image of a PDF page.

use crate::data::{Picture, Samples};

/// An 8-bit image in grey or RGB, row by row, channels interleaved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageImage {
    width: usize,
    height: usize,
    channels: usize,
    pixels: Vec<u8>,
}

impl PageImage {
    /// Creates an image; `None` unless there are as many samples as it says, and at least one.
    pub(crate) fn new([width, height, channels]: [usize; 3], pixels: Vec<u8>) -> Option<Self> {
        let count = width.checked_mul(height)?.checked_mul(channels)?;
        let right = count > 0 && count == pixels.len() && (channels == 1 || channels == 3);
        right.then_some(Self { width, height, channels, pixels })
    }

    /// Scales an image down to sides of at most `side` pixels, and to 8 bits of those that its samples use.
    pub(crate) fn of(image: &Picture, side: usize) -> Option<Self> {
        let longest = image.width().max(image.height()).max(1);
        let small = image.scaled((side as f32 / longest as f32).min(1.0));
        let pixels = match small.samples() {
            Samples::U8(samples) => samples.clone(),
            Samples::U16(samples) => {
                let shift = small.used_bits().saturating_sub(8);
                samples.iter().map(|&v| (v >> shift).min(255) as u8).collect()
            }
        };
        Self::new([small.width(), small.height(), small.channels()], pixels)
    }

    /// Width, pixels.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Height, pixels.
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// 1 (grey) or 3 (RGB).
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Samples, row by row, channels interleaved.
    pub(crate) fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_and_the_bits_in_use_are_kept() {
        let rgb = Picture::new(2, 1, 3, Samples::U8(vec![200, 30, 10, 0, 90, 255])).unwrap();
        let page = PageImage::of(&rgb, 900).unwrap();
        assert_eq!((page.channels(), page.pixels()), (3, &[200, 30, 10, 0, 90, 255][..]));
        assert_eq!(PageImage::of(&rgb, 1).unwrap().pixels(), [100, 60, 133]);
        // 12 bits in 16: the upper 8 of 16 would be nearly black.
        let dark = Picture::new(2, 1, 1, Samples::U16(vec![4_095, 2_048])).unwrap().with_bit_depth(Default::default());
        assert_eq!(PageImage::of(&dark, 900).unwrap().pixels(), [255, 128]);
        assert!(PageImage::new([2, 1, 2], vec![0; 4]).is_none() && PageImage::new([0, 1, 1], vec![]).is_none());
    }
}
