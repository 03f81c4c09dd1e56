//! What an image shows, as far as its pixels tell without a model: its identity, whether it shows anything, its colour.

use super::{FileHash, Picture, Samples, colour::has_colour};

/// Share of the pixels at either end of the range that may differ from the rest in an image that shows nothing.
const STRAY: f64 = 0.001;
/// Highest level of a black image, of 255.
const BLACK: u8 = 8;
/// Lowest level of a white image, of 255.
const WHITE: u8 = 250;
/// Images of fewer pixels are not judged.
const JUDGED: usize = 64;

/// An image that shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blank {
    Black,
    White,
    OneGrey,
}

impl Blank {
    /// The image in words.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Black => "black all over",
            Self::White => "white all over",
            Self::OneGrey => "of one grey all over",
        }
    }
}

/// What the pixels of an image tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PictureFacts {
    /// Hash of the pixels, whatever the file format: grey stored as RGB and 8 bits stored in 16 have the same.
    pub(crate) pixels: FileHash,
    /// Whether it shows nothing.
    pub(crate) blank: Option<Blank>,
    /// Whether it has colours, rather than grey stored as RGB.
    pub(crate) coloured: bool,
    /// Whether it is black and white like a mask.
    pub(crate) like_mask: bool,
}

impl PictureFacts {
    /// Examines an image.
    pub(crate) fn of(picture: &Picture) -> Self {
        let grey = match (picture.channels(), picture.samples()) {
            (3, Samples::U8(s)) => s.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b),
            (3, Samples::U16(s)) => s.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b),
            _ => true,
        };
        let levels = Levels::of(picture);
        Self {
            pixels: pixel_hash(picture, grey),
            blank: levels.blank(),
            coloured: !grey && has_colour(picture),
            like_mask: levels.like_mask(),
        }
    }
}

/// Hashes size and samples in a normal form.
fn pixel_hash(picture: &Picture, grey: bool) -> FileHash {
    let step = if grey { picture.channels() } else { 1 };
    let mut hasher = blake3::Hasher::new();
    for side in [picture.width(), picture.height(), if grey { 1 } else { 3 }] {
        hasher.update(&(side as u64).to_le_bytes());
    }
    match picture.samples() {
        Samples::U8(s) if step == 1 => {
            hasher.update(s);
        }
        Samples::U8(s) => {
            hasher.update(&s.iter().step_by(step).copied().collect::<Vec<u8>>());
        }
        Samples::U16(s) => match eight_bits(s) {
            Some(divisor) => {
                let bytes: Vec<u8> = s.iter().step_by(step).map(|v| (v / divisor) as u8).collect();
                hasher.update(&bytes);
            }
            None => {
                let bytes: Vec<u8> = s.iter().step_by(step).flat_map(|v| v.to_le_bytes()).collect();
                hasher.update(&bytes);
            }
        },
    }
    FileHash::from_bytes(*hasher.finalize().as_bytes())
}

/// The factor by which 8-bit values were stored in 16 bits, if they were.
fn eight_bits(samples: &[u16]) -> Option<u16> {
    let all = |test: fn(u16) -> bool| samples.iter().all(|&v| test(v));
    if all(|v| v % 257 == 0) {
        Some(257)
    } else if all(|v| v % 256 == 0) {
        Some(256)
    } else if all(|v| v < 256) {
        Some(1)
    } else {
        None
    }
}

/// Says what a user should know about how an image was read for a model of this many channels.
pub(crate) fn remark(picture: &Picture, channels: usize) -> Option<String> {
    let lost = channels == 1 && has_colour(picture);
    let colour = lost.then(|| "its colours are not seen, because the model was trained on grey".to_owned());
    match (picture.remark(), colour) {
        (Some(read), Some(colour)) => Some(format!("{read}; {colour}")),
        (read, colour) => read.or(colour),
    }
}

/// How often each level of brightness occurs.
struct Levels {
    bins: [usize; 256],
    all: usize,
    /// Smallest and largest sample.
    range: (u16, u16),
    wide: bool,
}

impl Levels {
    fn of(picture: &Picture) -> Self {
        let mut levels = Self { bins: [0; 256], all: 0, range: (u16::MAX, 0), wide: picture.bits() > 8 };
        let mut add = |level: u8, sample: u16| {
            levels.bins[usize::from(level)] += 1;
            levels.range = (levels.range.0.min(sample), levels.range.1.max(sample));
        };
        match picture.samples() {
            Samples::U8(s) => s.iter().for_each(|&v| add(v, u16::from(v))),
            Samples::U16(s) => s.iter().for_each(|&v| add((v >> 8) as u8, v)),
        }
        levels.all = levels.bins.iter().sum();
        levels
    }

    /// The levels of all but a few samples at either end.
    fn usual(&self) -> (u8, u8) {
        let stray = (self.all as f64 * STRAY) as usize;
        (self.first_above(stray, 0..256), self.first_above(stray, (0..256).rev()))
    }

    /// The first level at which more than `stray` samples are passed.
    fn first_above(&self, stray: usize, mut levels: impl Iterator<Item = usize>) -> u8 {
        let mut sum = 0;
        let found = levels.find(|&level| {
            sum += self.bins[level];
            sum > stray
        });
        found.unwrap_or(0) as u8
    }

    fn blank(&self) -> Option<Blank> {
        if self.all < JUDGED {
            return None;
        }
        let (low, high) = self.usual();
        // A narrow range of 16-bit samples may hold an image.
        if self.wide && self.range.1 - self.range.0 > 64 {
            return None;
        }
        match (low, high) {
            (_, high) if high <= BLACK => Some(Blank::Black),
            (low, _) if low >= WHITE => Some(Blank::White),
            (low, high) if high - low <= 1 => Some(Blank::OneGrey),
            _ => None,
        }
    }

    fn like_mask(&self) -> bool {
        let dark: usize = self.bins[..=16].iter().sum();
        let bright: usize = self.bins[239..].iter().sum();
        self.all >= JUDGED && dark > 0 && bright > 0 && (dark + bright) as f64 >= self.all as f64 * 0.995
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(channels: usize, samples: Samples) -> PictureFacts {
        PictureFacts::of(&Picture::new(20, 10, channels, samples).unwrap())
    }

    fn ramp(i: usize) -> u8 {
        (i * 7 % 251) as u8
    }

    #[test]
    fn the_same_pixels_are_one_image_whatever_their_encoding() {
        let eight: Vec<u8> = (0..200).map(ramp).collect();
        let grey = facts(1, Samples::U8(eight.clone()));
        let wide = |factor: u16| Samples::U16(eight.iter().map(|&v| u16::from(v) * factor).collect());
        for other in [
            facts(1, wide(257)),
            facts(1, wide(256)),
            facts(1, wide(1)),
            facts(3, Samples::U8(eight.iter().flat_map(|&v| [v; 3]).collect())),
        ] {
            assert_eq!(other.pixels, grey.pixels);
        }
        let mut changed = eight.clone();
        changed[77] += 1;
        assert_ne!(facts(1, Samples::U8(changed)).pixels, grey.pixels);
        let turned = Picture::new(10, 20, 1, Samples::U8(eight)).unwrap();
        assert_ne!(PictureFacts::of(&turned).pixels, grey.pixels);
    }

    #[test]
    fn images_that_show_nothing() {
        let blank = |at: fn(usize) -> u8| facts(1, Samples::U8((0..200).map(at).collect())).blank;
        assert_eq!(blank(|_| 0), Some(Blank::Black));
        assert_eq!(blank(|i| (i % 7) as u8), Some(Blank::Black));
        assert_eq!(blank(|i| 254 + (i % 2) as u8), Some(Blank::White));
        assert_eq!(blank(|_| 118), Some(Blank::OneGrey));
        assert_eq!(blank(ramp), None);
        assert_eq!(blank(|i| 20 + (i % 9) as u8), None);
        let dark = |range: u16| facts(1, Samples::U16((0..200).map(|i| i * 13 % range).collect())).blank;
        assert_eq!((dark(40), dark(4000)), (Some(Blank::Black), None));
    }

    #[test]
    fn colours_and_masks_are_recognised() {
        let grey = facts(3, Samples::U8((0..200).flat_map(|i| [ramp(i); 3]).collect()));
        let tinted = facts(3, Samples::U8((0..200).flat_map(|i| [ramp(i), ramp(i) / 2, ramp(i)]).collect()));
        assert!(!grey.coloured && tinted.coloured);
        let picture = |b: u8| {
            let samples = Samples::U8((0..200).flat_map(|i| [ramp(i), ramp(i), b]).collect());
            Picture::new(20, 10, 3, samples).unwrap()
        };
        assert!(remark(&picture(250), 1).unwrap().contains("colours are not seen"));
        assert_eq!(remark(&picture(250), 3), None);
        let mask = facts(1, Samples::U8((0..200).map(|i| if i > 150 { 255 } else { 0 }).collect()));
        assert!(mask.like_mask && mask.blank.is_none() && !grey.like_mask);
    }
}
