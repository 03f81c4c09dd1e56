//! Small copies of judged images, kept in the record because a file may be overwritten later.

use clap::ValueEnum;
use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};
use serde::{Deserialize, Serialize};

use crate::{
    data::{Picture, Samples, thumbnail::thumbnail},
    inspect::{Planes, Verdict},
};

/// Largest side of a copy, pixels.
pub const MAX_KEPT_SIDE: usize = 1_024;

/// JPEG quality of a copy, of 100.
const QUALITY: u8 = 90;

/// The parts whose images are copied to the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum KeptPictures {
    /// Parts that the model does not find healthy
    #[default]
    Flagged,
    /// All parts
    All,
    /// None
    None,
}

impl KeptPictures {
    /// All values, as listed on screen.
    pub const ALL: [Self; 3] = [Self::Flagged, Self::All, Self::None];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Flagged => "Keep pictures of flagged parts",
            Self::All => "Keep pictures of all parts",
            Self::None => "Keep no pictures",
        }
    }

    /// Whether the image of a part with this verdict is copied.
    pub fn includes(self, verdict: Verdict) -> bool {
        match self {
            Self::Flagged => verdict != Verdict::Healthy,
            Self::All => true,
            Self::None => false,
        }
    }
}

/// Encodes an inspected image as a JPEG file of at most [`MAX_KEPT_SIDE`] pixels a side; `None` if it cannot be encoded.
pub(crate) fn encode(image: &Planes) -> Option<Vec<u8>> {
    let (width, height) = (image.width(), image.height());
    let channels = if image.channels() == 3 { 3 } else { 1 };
    let at = |x: usize, y: usize, c: usize| {
        image.values().get((c * height + y) * width + x).copied().unwrap_or_default().clamp(-1.0, 1.0)
    };
    let (width, height, pixels) = thumbnail((width, height), channels, MAX_KEPT_SIDE, at);
    let colour = if channels == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    encoder.write_image(&pixels, u32::try_from(width).ok()?, u32::try_from(height).ok()?, colour).ok()?;
    Some(jpeg)
}

/// Decodes a copy; `None` if it is damaged.
pub(crate) fn decode(jpeg: &[u8]) -> Option<Picture> {
    let image = image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).ok()?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    match image.color().channel_count() {
        1 => Picture::new(width, height, 1, Samples::U8(image.into_luma8().into_raw())),
        _ => Picture::new(width, height, 3, Samples::U8(image.into_rgb8().into_raw())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_small_and_looks_like_its_image() {
        let (width, height) = (2_600, 1_300);
        let values = (0..width * height).map(|i| if i % width < width / 2 { -0.5 } else { 0.5 }).collect();
        let planes = Planes::new(width, height, 1, values).unwrap();
        let jpeg = encode(&planes).unwrap();
        assert!(jpeg.len() < 100_000, "{} bytes", jpeg.len());
        let copy = decode(&jpeg).unwrap();
        assert_eq!((copy.width(), copy.height(), copy.channels()), (1_024, 512, 1));
        assert!((copy.unit(100, 100, 0) + 0.5).abs() < 0.05 && (copy.unit(900, 100, 0) - 0.5).abs() < 0.05);
        let colours = Planes::new(40, 30, 3, (0..3_600).map(|i| if i < 1_200 { 1.0 } else { -1.0 }).collect()).unwrap();
        let red = decode(&encode(&colours).unwrap()).unwrap();
        assert!(red.channels() == 3 && red.unit(20, 15, 0) > 0.9 && red.unit(20, 15, 2) < -0.8);
        assert!(decode(b"no picture").is_none() && decode(&jpeg[..200]).is_none_or(|p| p.width() == 1_024));
    }

    #[test]
    fn flagged_parts_are_kept_by_default() {
        let kept = |keep: KeptPictures| Verdict::ALL.into_iter().filter(|v| keep.includes(*v)).count();
        assert!(!KeptPictures::default().includes(Verdict::Healthy) && kept(KeptPictures::Flagged) >= 2);
        assert_eq!((kept(KeptPictures::All), kept(KeptPictures::None)), (Verdict::ALL.len(), 0));
    }
}
