//! A decoded image, stored at its own bit depth.

use std::sync::Arc;

use super::{
    BitDepth,
    illumination::{CachedIllumination, Illumination},
};

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
/// Clones share the samples. They keep the bit depth of their file, so that 2,000 grey 8-bit images of 512 x 512 pixels take 524 MB and not
/// four times that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    samples: Arc<Samples>,
    /// The 16-bit sample that is white.
    white: u16,
    /// Whether the image alone decided that.
    is_alone: bool,
    /// Bits that 16-bit samples use, where the file says so.
    declared: bool,
    /// Number of images in the file.
    images: u32,
    /// Share of the file, in hundredths, that is zero bytes at its end.
    empty_end: u8,
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
        valid.then(|| Self::of_samples([width, height, channels], samples))
    }

    /// Creates an image of as many samples as its width, height and channels say.
    fn of_samples([width, height, channels]: [usize; 3], samples: Samples) -> Self {
        Self {
            width,
            height,
            channels,
            samples: Arc::new(samples),
            white: u16::MAX,
            is_alone: false,
            declared: false,
            images: 1,
            empty_end: 0,
            illumination: CachedIllumination::default(),
        }
    }

    /// Creates an image of `side * side` pixels in 8 bits, grey (1 channel) or RGB (3), padded with black or truncated to
    /// that length; a side of 0 counts as 1.
    pub(crate) fn square(side: usize, channels: usize, mut bytes: Vec<u8>) -> Self {
        let (side, channels) = (side.max(1), if channels == 3 { 3 } else { 1 });
        bytes.resize(side * side * channels, 0);
        Self::of_samples([side, side, channels], Samples::U8(bytes))
    }

    /// Creates a grey 8-bit image from values in `[-1, 1]` (clamped), row by row.
    pub fn from_unit(width: usize, height: usize, values: &[f32]) -> Option<Self> {
        let bytes = values.iter().map(|&v| unit_to_u8(v)).collect();
        Self::new(width, height, 1, Samples::U8(bytes))
    }

    /// Reads 16-bit samples as using this many bits: the largest value of that many is white, and so is what lies above.
    /// [`BitDepth::Auto`] is the smallest depth that holds the image's largest sample. Without effect on 8-bit samples and
    /// where the file itself says how many bits they use.
    #[must_use]
    pub fn with_bit_depth(mut self, depth: BitDepth) -> Self {
        if let (Some(peak), false) = (self.peak(), self.declared) {
            let white = depth.or(BitDepth::holding(peak)).white().unwrap_or(u16::MAX);
            self.is_alone = depth == BitDepth::Auto;
            if white != self.white {
                (self.white, self.illumination) = (white, CachedIllumination::default());
            }
        }
        self
    }

    /// The same image as a model reads it that keeps this depth; [`BitDepth::Auto`] leaves the depth that was decided.
    #[must_use]
    pub(crate) fn read_at(&self, depth: BitDepth) -> Self {
        if depth == BitDepth::Auto { self.clone() } else { self.clone().with_bit_depth(depth) }
    }

    /// Marks 16-bit samples as using this many bits because the file says so.
    #[must_use]
    pub(super) fn declared(mut self, bits: u8) -> Self {
        (self.declared, self.white) = (true, u16::MAX >> (16 - bits.clamp(1, 16)));
        self
    }

    /// The largest 16-bit sample; `None` for 8-bit samples and where the file says how many bits they use.
    pub(crate) fn peak(&self) -> Option<u16> {
        match &*self.samples {
            Samples::U16(s) if !self.declared => s.iter().max().copied(),
            _ => None,
        }
    }

    /// Bits that the samples are taken to use.
    pub(crate) fn used_bits(&self) -> u8 {
        match &*self.samples {
            Samples::U8(_) => 8,
            Samples::U16(_) => (16 - self.white.leading_zeros()) as u8,
        }
    }

    /// Notes the number of images in the file.
    #[must_use]
    pub(super) fn with_images(self, images: u32) -> Self {
        Self { images, ..self }
    }

    /// Notes that a share of the file, in hundredths, is zero bytes at its end.
    #[must_use]
    pub(super) fn with_empty_end(self, empty_end: u8) -> Self {
        Self { empty_end, ..self }
    }

    /// Share of an uncompressed file, in hundredths, that is zero bytes at its end: black, or reserved and not written yet.
    pub(crate) fn empty_end(&self) -> u8 {
        self.empty_end
    }

    /// Number of images in the file, of which this is the first.
    pub(crate) fn images(&self) -> u32 {
        self.images
    }

    /// Says what a reader of the result should know about how the file was read; `None` for an ordinary one.
    pub(crate) fn remark(&self) -> Option<String> {
        let more = (self.images > 1).then(|| format!("only the first of its {} images is read", self.images));
        let low = self.peak().filter(|_| self.is_alone && self.white < u16::MAX).map(|peak| {
            let bits = self.used_bits();
            format!("it is read as {bits} bits in 16 (0 to {}), because its largest sample is {peak}", self.white)
        });
        let empty = (self.empty_end > 0).then(|| {
            format!(
                "the last {} % of the file are zero bytes, as in one that is not written completely",
                self.empty_end
            )
        });
        let both: Vec<String> = more.into_iter().chain(low).chain(empty).collect();
        (!both.is_empty()).then(|| both.join("; "))
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
        match &*self.samples {
            Samples::U8(s) => s.len(),
            Samples::U16(s) => s.len() * 2,
        }
    }

    /// Returns the sample of channel `c` at column `x`, row `y`, mapped from the full range of the bits that it uses to
    /// `[-1, 1]`, the range of the generator's tanh. Positions past the edge are clamped to it.
    pub fn unit(&self, x: usize, y: usize, c: usize) -> f32 {
        let (x, y, c) = (x.min(self.width - 1), y.min(self.height - 1), c.min(self.channels - 1));
        let i = (y * self.width + x) * self.channels + c;
        match &*self.samples {
            Samples::U8(s) => u8_to_unit(s[i]),
            Samples::U16(s) => (f32::from(s[i]) / (f32::from(self.white) / 2.0) - 1.0).min(1.0),
        }
    }

    /// Brightness and contrast, measured on first use.
    pub(crate) fn illumination(&self) -> Illumination {
        let at = |i: usize, c: usize| self.unit(i % self.width, i / self.width, c);
        self.illumination.get(|| Illumination::of(self.width * self.height, self.channels, at))
    }

    /// Bits per sample: 8 or 16.
    pub fn bits(&self) -> u8 {
        match &*self.samples {
            Samples::U8(_) => 8,
            Samples::U16(_) => 16,
        }
    }

    /// Whether every sample is 0, as in an empty mask.
    #[cfg(test)]
    pub(crate) fn is_blank(&self) -> bool {
        match &*self.samples {
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
        let samples = match &*self.samples {
            Samples::U8(s) => Samples::U8(s.as_chunks::<3>().0.iter().map(|&p| luma(p.map(u32::from)) as u8).collect()),
            Samples::U16(s) => {
                Samples::U16(s.as_chunks::<3>().0.iter().map(|&p| luma(p.map(u32::from)) as u16).collect())
            }
        };
        Self { channels: 1, samples: Arc::new(samples), illumination: CachedIllumination::default(), ..self }
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
        let samples = match &*self.samples {
            Samples::U8(s) => Samples::U8(self.shrink(s, width, height, |v| v.round() as u8)),
            Samples::U16(s) => Samples::U16(self.shrink(s, width, height, |v| v.round() as u16)),
        };
        Self { width, height, samples: Arc::new(samples), illumination: CachedIllumination::default(), ..*self }
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
