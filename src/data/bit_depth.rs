//! The bits that 16-bit samples use.
//!
//! Cameras with 10, 12 or 14 bits per sample often store them in the low bits of 16, and the file does not say so: on the
//! scale of 16 bits such a picture is almost black. The largest sample tells: the depth is the smallest of 10, 12, 14 and
//! 16 bits that holds it. A single image may be dark, so the depth of a data set is decided over all of its images, and a
//! model keeps it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bits that 16-bit samples use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BitDepth {
    /// Decided by the largest sample.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// 8 bits: 0 to 255.
    #[serde(rename = "8")]
    Eight,
    /// 10 bits: 0 to 1,023.
    #[serde(rename = "10")]
    Ten,
    /// 12 bits: 0 to 4,095.
    #[serde(rename = "12")]
    Twelve,
    /// 14 bits: 0 to 16,383.
    #[serde(rename = "14")]
    Fourteen,
    /// All 16 bits: 0 to 65,535.
    #[serde(rename = "16")]
    Sixteen,
}

impl BitDepth {
    /// The depths that are recognised, smallest first. 8 bits are only used when asked for: so dark an image is more
    /// likely than one of 8 bits in 16.
    const RECOGNISED: [Self; 4] = [Self::Ten, Self::Twelve, Self::Fourteen, Self::Sixteen];

    /// Every value with the word that stands for it in files and on the command line, and its title.
    pub const WORDS: [(&str, &str); 6] = [
        ("auto", "From the images"),
        ("8", "8 bits"),
        ("10", "10 bits"),
        ("12", "12 bits"),
        ("14", "14 bits"),
        ("16", "16 bits"),
    ];

    /// The smallest depth that holds the largest sample.
    pub fn holding(peak: u16) -> Self {
        Self::RECOGNISED.into_iter().find(|depth| peak <= depth.white().unwrap_or(u16::MAX)).unwrap_or(Self::Sixteen)
    }

    /// Bits per sample; `None` for [`BitDepth::Auto`].
    pub fn bits(self) -> Option<u8> {
        match self {
            Self::Auto => None,
            Self::Eight => Some(8),
            Self::Ten => Some(10),
            Self::Twelve => Some(12),
            Self::Fourteen => Some(14),
            Self::Sixteen => Some(16),
        }
    }

    /// The largest value of a sample, which is shown white; `None` for [`BitDepth::Auto`].
    pub fn white(self) -> Option<u16> {
        self.bits().map(|bits| u16::MAX >> (16 - bits))
    }

    /// This depth, or `other` if it is to be decided.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == Self::Auto { other } else { self }
    }
}

impl fmt::Display for BitDepth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits() {
            Some(bits) => write!(f, "{bits}"),
            None => f.write_str("auto"),
        }
    }
}

/// A word that names no depth.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no depth: choose auto, 8, 10, 12, 14 or 16")]
pub struct BadBitDepth(String);

impl std::str::FromStr for BitDepth {
    type Err = BadBitDepth;

    fn from_str(word: &str) -> Result<Self, BadBitDepth> {
        let all = [Self::Auto, Self::Eight, Self::Ten, Self::Twelve, Self::Fourteen, Self::Sixteen];
        all.into_iter().find(|depth| depth.to_string() == word).ok_or_else(|| BadBitDepth(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_depth_that_holds_the_largest_sample_is_chosen() {
        for (peak, bits) in [(0, 10), (300, 10), (1_023, 10), (1_024, 12), (4_095, 12), (4_096, 14), (16_384, 16)] {
            assert_eq!(BitDepth::holding(peak).bits(), Some(bits), "{peak}");
        }
        assert_eq!(BitDepth::holding(u16::MAX).white(), Some(u16::MAX));
    }

    #[test]
    fn words_stand_for_depths() {
        for (word, _) in BitDepth::WORDS {
            let depth: BitDepth = word.parse().unwrap();
            assert_eq!(depth.to_string(), word);
            assert_eq!(serde_json::to_string(&depth).unwrap(), format!("\"{word}\""));
        }
        assert!("11".parse::<BitDepth>().unwrap_err().to_string().contains("choose auto, 8, 10"));
    }
}
