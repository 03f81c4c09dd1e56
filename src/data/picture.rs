//! A decoded image, stored at its own bit depth.

use super::illumination::{CachedIllumination, Illumination};

/// Converts a value in `[-1, 1]` to 8 bits, rounded; values outside are clamped.
pub(crate) fn unit_to_u8(value: f32) -> u8 {
    ((value.clamp(-1.0, 1.0) + 1.0) * 127.5).round() as u8
}

/// Converts an 8-bit sample to `[-1, 1]`.
pub(crate) fn u8_to_unit(sample: u8) -> f32 {
    f32::from(sample) / 127.5 - 1.0
}

/// The samples of a [`Picture`], interleaved by channel, row by row from the top left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits per sample, 0 to 255.
    U8(Vec<u8>),
    /// 16 bits per sample, 0 to 65,535.
    U16(Vec<u16>),
}

/// A decoded image of one (grey) or three (RGB) channels.
///
/// Samples keep the bit depth of their file, so that 2,000 grey 8-bit images of 512 x 512 pixels take 524 MB and not
/// four times that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    samples: Samples,
    illumination: CachedIllumination,
}

impl Picture {
    /// Creates an image of `width * height * channels` samples; `None` if the count does not match or `channels` is
    /// neither 1 nor 3.
    pub fn new(width: usize, height: usize, channels: usize, samples: Samples) -> Option<Self> {
        let count = match &samples {
            Samples::U8(s) => s.len(),
            Samples::U16(s) => s.len(),
        };
        let expected = width.checked_mul(height)?.checked_mul(channels)?;
        let valid = expected == count && expected > 0 && (channels == 1 || channels == 3);
        valid.then_some(Self { width, height, channels, samples, illumination: CachedIllumination::default() })
    }

    /// Creates a grey image of `side * side` bytes, padded with black or truncated to that length; a side of 0 counts
    /// as 1.
    pub(crate) fn square(side: usize, mut bytes: Vec<u8>) -> Self {
        let side = side.max(1);
        bytes.resize(side * side, 0);
        Self {
            width: side,
            height: side,
            channels: 1,
            samples: Samples::U8(bytes),
            illumination: CachedIllumination::default(),
        }
    }

    /// Creates a grey 8-bit image from values in `[-1, 1]` (clamped), row by row.
    pub fn from_unit(width: usize, height: usize, values: &[f32]) -> Option<Self> {
        let bytes = values.iter().map(|&v| unit_to_u8(v)).collect();
        Self::new(width, height, 1, Samples::U8(bytes))
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Channels: 1 (grey) or 3 (RGB).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The raw samples.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Size of the samples in bytes.
    pub fn bytes(&self) -> usize {
        match &self.samples {
            Samples::U8(s) => s.len(),
            Samples::U16(s) => s.len() * 2,
        }
    }

    /// Returns the sample of channel `c` at column `x`, row `y`, mapped from the full range of its bit depth to
    /// `[-1, 1]`, the range of the generator's tanh. Positions past the edge are clamped to it.
    pub fn unit(&self, x: usize, y: usize, c: usize) -> f32 {
        let (x, y, c) = (x.min(self.width - 1), y.min(self.height - 1), c.min(self.channels - 1));
        let i = (y * self.width + x) * self.channels + c;
        match &self.samples {
            Samples::U8(s) => u8_to_unit(s[i]),
            Samples::U16(s) => f32::from(s[i]) / 32_767.5 - 1.0,
        }
    }

    /// Brightness and contrast, measured on first use.
    pub(crate) fn illumination(&self) -> Illumination {
        let at = |i: usize, c: usize| self.unit(i % self.width, i / self.width, c);
        self.illumination.get(|| Illumination::of(self.width * self.height, self.channels, at))
    }

    /// Bits per sample: 8 or 16.
    pub fn bits(&self) -> u8 {
        match &self.samples {
            Samples::U8(_) => 8,
            Samples::U16(_) => 16,
        }
    }

    /// Whether every sample is 0, as in an empty mask.
    pub(crate) fn is_blank(&self) -> bool {
        match &self.samples {
            Samples::U8(s) => s.iter().all(|&v| v == 0),
            Samples::U16(s) => s.iter().all(|&v| v == 0),
        }
    }

    /// Converts to one channel at the same depth: `(2126 R + 7152 G + 722 B) / 10000` rounded, the Rec. 709 weights on
    /// the stored values. A grey image is returned unchanged.
    pub fn into_grey(self) -> Self {
        if self.channels == 1 {
            return self;
        }
        let samples = match &self.samples {
            Samples::U8(s) => Samples::U8(s.as_chunks::<3>().0.iter().map(|&p| luma(p.map(u32::from)) as u8).collect()),
            Samples::U16(s) => {
                Samples::U16(s.as_chunks::<3>().0.iter().map(|&p| luma(p.map(u32::from)) as u16).collect())
            }
        };
        Self {
            width: self.width,
            height: self.height,
            channels: 1,
            samples,
            illumination: CachedIllumination::default(),
        }
    }

    /// Returns the size in pixels of a `width` x `height` image at `scale`: rounded, at least 1 x 1.
    pub(crate) fn scaled_size(width: usize, height: usize, scale: f32) -> (usize, usize) {
        let side = |n: usize| ((n as f64 * f64::from(scale)).round() as usize).clamp(1, n.max(1));
        (side(width), side(height))
    }

    /// Reduces the image by area averaging: every pixel is the mean of the source area that it covers, partly covered
    /// source pixels weighted by their share. `scale` is in `(0, 1]`; see `Picture::scaled_size` for the size.
    pub fn scaled(&self, scale: f32) -> Self {
        let (width, height) = Self::scaled_size(self.width, self.height, scale);
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let samples = match &self.samples {
            Samples::U8(s) => Samples::U8(self.shrink(s, width, height, |v| v.round() as u8)),
            Samples::U16(s) => Samples::U16(self.shrink(s, width, height, |v| v.round() as u16)),
        };
        Self { width, height, channels: self.channels, samples, illumination: CachedIllumination::default() }
    }

    fn shrink<T: Copy + Into<f32>>(
        &self,
        samples: &[T],
        width: usize,
        height: usize,
        round: impl Fn(f32) -> T,
    ) -> Vec<T> {
        let channels = self.channels;
        let columns = shares(self.width, width);
        let rows = shares(self.height, height);
        let mut out = Vec::with_capacity(width * height * channels);
        let mut line = vec![0.0_f32; width * channels];
        for row in &rows {
            line.fill(0.0);
            for (source, row_share) in row.weights.iter().enumerate() {
                let start = (row.first + source) * self.width * channels;
                for (pixel, column) in line.chunks_exact_mut(channels).zip(&columns) {
                    for (i, column_share) in column.weights.iter().enumerate() {
                        let at = start + (column.first + i) * channels;
                        for (sum, &value) in pixel.iter_mut().zip(&samples[at..at + channels]) {
                            *sum += row_share * column_share * value.into();
                        }
                    }
                }
            }
            out.extend(line.iter().map(|&v| round(v)));
        }
        out
    }
}

fn luma([r, g, b]: [u32; 3]) -> u32 {
    (2126 * r + 7152 * g + 722 * b + 5_000) / 10_000
}

/// Source positions covered by one target position, with weights that sum to 1.
struct Shares {
    first: usize,
    weights: Vec<f32>,
}

fn shares(from: usize, to: usize) -> Vec<Shares> {
    let step = from as f64 / to as f64;
    (0..to)
        .map(|i| {
            let (low, high) = (i as f64 * step, (i + 1) as f64 * step);
            let first = (low as usize).min(from - 1);
            let end = (high.ceil() as usize).clamp(first + 1, from);
            let cover = |p: usize| ((p + 1) as f64).min(high) - (p as f64).max(low);
            let weights = (first..end).map(|p| (cover(p).max(0.0) / step) as f32).collect();
            Shares { first, weights }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_follows_the_rule_of_the_image_crate() {
        let rgb: Vec<u8> = (0..3 * 4096).map(|i| (i * 7919 % 256) as u8).collect();
        let ours = Picture::new(64, 64, 3, Samples::U8(rgb.clone())).unwrap().into_grey();
        let theirs = image::DynamicImage::ImageRgb8(image::RgbImage::from_raw(64, 64, rgb).unwrap()).into_luma8();
        assert!(ours.samples() == &Samples::U8(theirs.into_raw()));
    }

    #[test]
    fn every_8_bit_sample_survives_the_unit_scale() {
        assert!((0..=u8::MAX).all(|v| unit_to_u8(u8_to_unit(v)) == v));
        assert_eq!((unit_to_u8(-9.0), unit_to_u8(0.0), unit_to_u8(9.0)), (0, 128, 255));
    }

    #[test]
    fn averaging_keeps_constants_and_means() {
        for bits in [8, 16] {
            let constant = match bits {
                8 => Samples::U8(vec![201; 37 * 23 * 3]),
                _ => Samples::U16(vec![51_234; 37 * 23 * 3]),
            };
            let picture = Picture::new(37, 23, 3, constant).unwrap().scaled(0.37);
            assert_eq!((picture.width(), picture.height()), (14, 9));
            let same = match picture.samples() {
                Samples::U8(s) => s.iter().all(|&v| v == 201),
                Samples::U16(s) => s.iter().all(|&v| v == 51_234),
            };
            assert!(same);
        }
        let checks = Picture::new(4, 2, 1, Samples::U8(vec![0, 100, 10, 30, 200, 100, 20, 40])).unwrap();
        assert_eq!(checks.scaled(0.5).samples(), &Samples::U8(vec![100, 25]));
    }

    #[test]
    fn a_third_of_a_pixel_counts_a_third() {
        let picture = Picture::new(3, 1, 1, Samples::U8(vec![0, 90, 255])).unwrap();
        // Two thirds of 3 is 2: each target covers one and a half source pixels.
        assert_eq!(picture.scaled(2.0 / 3.0).samples(), &Samples::U8(vec![30, 200]));
    }
}
