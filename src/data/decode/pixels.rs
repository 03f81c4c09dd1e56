//! Decoded samples on their way to a [`Picture`]: without alpha, upright.

use image::{DynamicImage, metadata::Orientation};

use crate::data::{FileFault, Picture, Samples};

/// Decoded samples as stored in the file, grey or RGB.
#[derive(Debug)]
pub(super) struct Pixels {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    pub(super) samples: Samples,
    pub(super) orientation: Orientation,
    /// Bits per sample, where the file itself says that 16-bit samples use fewer.
    pub(super) declared_bits: Option<u8>,
}

impl Pixels {
    /// Takes over a decoded image and drops its alpha. `is_scaled` says that its 16-bit samples fill their range because
    /// the decoder knows the largest possible value.
    pub(super) fn of(image: DynamicImage, orientation: Orientation, is_scaled: bool) -> Result<Self, FileFault> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let (channels, samples) = match image {
            DynamicImage::ImageLuma8(i) => (1, Samples::U8(i.into_raw())),
            DynamicImage::ImageRgb8(i) => (3, Samples::U8(i.into_raw())),
            DynamicImage::ImageLuma16(i) => (1, Samples::U16(i.into_raw())),
            DynamicImage::ImageRgb16(i) => (3, Samples::U16(i.into_raw())),
            DynamicImage::ImageLumaA8(i) => (1, Samples::U8(without_alpha::<2, 1, _>(&i.into_raw()))),
            DynamicImage::ImageRgba8(i) => (3, Samples::U8(without_alpha::<4, 3, _>(&i.into_raw()))),
            DynamicImage::ImageLumaA16(i) => (1, Samples::U16(without_alpha::<2, 1, _>(&i.into_raw()))),
            DynamicImage::ImageRgba16(i) => (3, Samples::U16(without_alpha::<4, 3, _>(&i.into_raw()))),
            other => return Err(FileFault::SampleKind(format!("{:?}", other.color()))),
        };
        let declared_bits = is_scaled.then_some(16);
        Ok(Self { width, height, channels, samples, orientation, declared_bits })
    }

    /// Turns the samples upright. `None` if there are none.
    pub(super) fn into_picture(self) -> Option<Picture> {
        let Self { width, height, channels, samples, orientation, declared_bits } = self;
        let turn = Turn::of(orientation, [width, height]);
        let samples = match samples {
            Samples::U8(v) => Samples::U8(turn.apply(v, channels)),
            Samples::U16(v) => Samples::U16(turn.apply(v, channels)),
        };
        let [width, height] = turn.size();
        let picture = Picture::new(width, height, channels, samples)?;
        Some(match declared_bits {
            Some(bits) => picture.declared(bits),
            None => picture.with_bit_depth(Default::default()),
        })
    }
}

/// Keeps the first `KEPT` of every `ALL` samples.
fn without_alpha<const ALL: usize, const KEPT: usize, T: Copy>(samples: &[T]) -> Vec<T> {
    let pixels = samples.as_chunks::<ALL>().0;
    let mut kept = Vec::with_capacity(pixels.len() * KEPT);
    pixels.iter().for_each(|pixel| kept.extend(pixel.iter().take(KEPT)));
    kept
}

/// A change of orientation, as steps in the stored samples.
#[derive(Clone, Copy, Debug)]
struct Turn {
    stored: [usize; 2],
    /// Whether rows become columns.
    is_transposed: bool,
    /// Whether the upright picture runs backwards through the stored columns, and rows.
    backwards: [bool; 2],
}

impl Turn {
    fn of(orientation: Orientation, stored: [usize; 2]) -> Self {
        let (is_transposed, backwards) = match orientation {
            Orientation::NoTransforms => (false, [false, false]),
            Orientation::FlipHorizontal => (false, [true, false]),
            Orientation::Rotate180 => (false, [true, true]),
            Orientation::FlipVertical => (false, [false, true]),
            Orientation::Rotate90FlipH => (true, [false, false]),
            Orientation::Rotate90 => (true, [false, true]),
            Orientation::Rotate270FlipH => (true, [true, true]),
            Orientation::Rotate270 => (true, [true, false]),
        };
        Self { stored, is_transposed, backwards }
    }

    /// Width and height of the upright picture.
    fn size(&self) -> [usize; 2] {
        let [width, height] = self.stored;
        if self.is_transposed { [height, width] } else { [width, height] }
    }

    fn apply<T: Copy>(&self, samples: Vec<T>, channels: usize) -> Vec<T> {
        if !self.is_transposed && self.backwards == [false, false] {
            return samples;
        }
        let ([stored_width, stored_height], [width, height]) = (self.stored, self.size());
        let along = |at: usize, axis: usize, length: usize| if self.backwards[axis] { length - 1 - at } else { at };
        let mut turned = Vec::with_capacity(samples.len());
        for y in 0..height {
            for x in 0..width {
                let (column, row) = if self.is_transposed { (y, x) } else { (x, y) };
                let (column, row) = (along(column, 0, stored_width), along(row, 1, stored_height));
                let at = (row * stored_width + column) * channels;
                turned.extend_from_slice(&samples[at..at + channels]);
            }
        }
        turned
    }
}
