//! A grid of equal square images with 8 bits per channel, as shown on screen and written to PNG.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use super::picture::{u8_to_unit, unit_to_u8};

/// Equal square images with 8 bits per channel, in reading order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageGrid {
    /// Number of images.
    pub count: usize,
    /// Width and height of each in pixels.
    pub side: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// `count * side * side * channels` bytes, image by image, channels interleaved.
    pub pixels: Vec<u8>,
}

impl ImageGrid {
    /// Returns the bytes of image `i`; empty past the end.
    pub fn image(&self, i: usize) -> &[u8] {
        let len = self.side * self.side * self.channels;
        self.pixels.get(i * len..(i + 1) * len).unwrap_or_default()
    }

    /// Returns the number of columns that lays out `count` images closest to a square.
    pub(crate) fn columns(count: usize) -> usize {
        (1..=count.max(1)).find(|c| c * c >= count).unwrap_or(1)
    }

    /// Encodes the grid as one PNG with `gap` black pixels between images; also returns its width and height.
    ///
    /// # Errors
    /// Those of the PNG encoder.
    pub fn png(&self, gap: usize) -> Result<([u32; 2], Vec<u8>), image::ImageError> {
        let columns = Self::columns(self.count);
        let rows = self.count.div_ceil(columns).max(1);
        let (side, c) = (self.side, self.channels.max(1));
        let span = |n: usize| n * (side + gap) - gap.min(n * (side + gap));
        let (width, height) = (span(columns), span(rows));
        let mut pixels = vec![0; width * height * c];
        for i in 0..self.count {
            let (x, y) = (i % columns * (side + gap), i / columns * (side + gap));
            for (line, source) in self.image(i).chunks_exact(side * c).enumerate() {
                let start = ((y + line) * width + x) * c;
                if let Some(row) = pixels.get_mut(start..start + side * c) {
                    row.copy_from_slice(source);
                }
            }
        }
        let colour = if c == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
        let (size, mut bytes) = ([width as u32, height as u32], Vec::new());
        PngEncoder::new(&mut bytes).write_image(&pixels, size[0], size[1], colour)?;
        Ok((size, bytes))
    }

    /// Converts NCHW values in `[-1, 1]`, clamped.
    pub(crate) fn from_unit(count: usize, channels: usize, side: usize, values: &[f32]) -> Self {
        let plane = side * side;
        let mut pixels = Vec::with_capacity(count * plane * channels);
        for i in 0..count {
            for p in 0..plane {
                for c in 0..channels {
                    let v = values.get((i * channels + c) * plane + p).copied().unwrap_or(-1.0);
                    pixels.push(unit_to_u8(v));
                }
            }
        }
        Self { count, side, channels, pixels }
    }

    /// Converts back to NCHW values in `[-1, 1]`, the inverse of [`ImageGrid::from_unit`].
    pub(crate) fn to_unit(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.pixels.len());
        for i in 0..self.count {
            for c in 0..self.channels {
                let plane = self.image(i).iter().skip(c).step_by(self.channels);
                values.extend(plane.map(|v| u8_to_unit(*v)));
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_written_image_by_image() {
        let grid =
            ImageGrid { count: 3, side: 2, channels: 1, pixels: vec![10, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 31] };
        let png = grid.png(1).unwrap().1;
        let decoded = image::load_from_memory(&png).unwrap().to_luma8();
        assert_eq!(decoded.dimensions(), (5, 5));
        assert_eq!((decoded.get_pixel(0, 0)[0], decoded.get_pixel(3, 1)[0], decoded.get_pixel(1, 4)[0]), (10, 20, 31));
        assert_eq!(decoded.get_pixel(4, 4)[0], 0);
    }

    #[test]
    fn planes_are_interleaved_for_the_screen() {
        let values = [-1.0, 1.0, 0.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 0.2, 0.2, 0.2];
        let grid = ImageGrid::from_unit(1, 3, 2, &values);
        assert_eq!(grid.image(0)[..6], [0, 255, 255, 255, 255, 153]);
        assert!(grid.image(1).is_empty());
        let back = grid.to_unit();
        assert!(back.iter().zip(values).all(|(a, b)| (a - b).abs() < 0.005), "{back:?}");
    }
}
