//! What a user sets about regions: the size of a pixel, and the smallest area that counts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::levels::CORE;
use crate::format::{counted, parse_number};

/// Smallest and largest side of a pixel, micrometres.
pub(crate) const PIXEL_SIZES: (f64, f64) = (0.001, 100_000.0);

/// Largest smallest area, pixels or square micrometres.
pub(crate) const MAX_AREA: f64 = 1e12;

/// Settings of regions, stored with the model: they belong to the set-up of the camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegionSettings {
    /// Side of a pixel of the image file, micrometres; `None` if unknown.
    pub micrometres_per_pixel: Option<f64>,
    /// Smallest area that counts.
    pub min_area: MinArea,
}

/// Smallest area of a region that counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinArea {
    /// Pixels of the image as inspected.
    Pixels(usize),
    /// Square micrometres; needs the size of a pixel.
    SquareMicrometres(f64),
}

impl Default for MinArea {
    fn default() -> Self {
        Self::Pixels(CORE)
    }
}

impl MinArea {
    /// The number, in its own unit.
    pub(crate) fn value(self) -> f64 {
        match self {
            Self::Pixels(pixels) => pixels as f64,
            Self::SquareMicrometres(area) => area,
        }
    }
}

/// Why settings of regions are invalid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RegionSettingsError {
    /// A pixel size that is none.
    #[error("'{0}' is not a pixel size; give micrometres per pixel, for example 12.5, or `none`")]
    NoPixelSize(String),
    /// A pixel size out of range.
    #[error("{0} micrometres per pixel is out of range; the range is {low} to {high}", low = PIXEL_SIZES.0, high = PIXEL_SIZES.1)]
    PixelSize(f64),
    /// A smallest area that is none.
    #[error("'{0}' is not an area; give pixels, for example 12, or square micrometres, for example 500um2")]
    NoArea(String),
    /// A smallest area out of range.
    #[error(
        "a smallest area of {0} is out of range; it is a whole number of pixels from 1, or above 0 square micrometres"
    )]
    Area(f64),
    /// Square micrometres without a pixel size.
    #[error("a smallest area in square micrometres needs the size of a pixel; set micrometres per pixel first")]
    NoScale,
}

impl RegionSettings {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`RegionSettingsError`] for the first that is invalid.
    pub fn validate(&self) -> Result<(), RegionSettingsError> {
        let Self { micrometres_per_pixel, min_area } = *self;
        if let Some(size) = micrometres_per_pixel.filter(|size| !(PIXEL_SIZES.0..=PIXEL_SIZES.1).contains(size)) {
            return Err(RegionSettingsError::PixelSize(size));
        }
        match min_area {
            MinArea::Pixels(0) => Err(RegionSettingsError::Area(0.0)),
            area if !(area.value() > 0.0 && area.value() <= MAX_AREA) => Err(RegionSettingsError::Area(area.value())),
            MinArea::SquareMicrometres(_) if micrometres_per_pixel.is_none() => Err(RegionSettingsError::NoScale),
            _ => Ok(()),
        }
    }

    /// Side of a pixel as inspected, micrometres, for images scaled by this factor before they are inspected.
    pub(crate) fn inspected_pixel(&self, scale: f64) -> Option<f64> {
        self.micrometres_per_pixel.map(|size| size / scale)
    }

    /// Smallest area that counts, in pixels as inspected.
    pub(crate) fn min_pixels(&self, scale: f64) -> usize {
        match (self.min_area, self.inspected_pixel(scale)) {
            (MinArea::Pixels(pixels), _) => pixels.max(1),
            // A tolerance, so that rounding does not ask for one more pixel.
            (MinArea::SquareMicrometres(area), Some(side)) => (area / (side * side) - 1e-6).ceil().max(1.0) as usize,
            (MinArea::SquareMicrometres(_), None) => CORE,
        }
    }
}

impl fmt::Display for MinArea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pixels(pixels) => f.write_str(&counted(*pixels, "pixel")),
            Self::SquareMicrometres(area) => write!(f, "{area} µm²"),
        }
    }
}

impl FromStr for MinArea {
    type Err = RegionSettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let without = |units: &[&str]| units.iter().find_map(|unit| text.strip_suffix(unit));
        // Both letters that look like a micro sign.
        let square = without(&["um2", "um²", "µm2", "µm²", "μm2", "μm²"]);
        let number = square.or(without(&["pixels", "pixel", "px"])).unwrap_or(text);
        let number = parse_number(number).ok_or_else(|| RegionSettingsError::NoArea(text.into()))?;
        let area = match square {
            Some(_) => Self::SquareMicrometres(number),
            None if number.fract() == 0.0 => Self::Pixels(number.clamp(0.0, 2.0 * MAX_AREA) as usize),
            None => return Err(RegionSettingsError::Area(number)),
        };
        match number > 0.0 && number <= MAX_AREA {
            true => Ok(area),
            false => Err(RegionSettingsError::Area(number)),
        }
    }
}

/// A pixel size as typed: micrometres per pixel, or `none`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelSize(pub Option<f64>);

impl FromStr for PixelSize {
    type Err = RegionSettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text == "none" {
            return Ok(Self(None));
        }
        let size = parse_number(text).ok_or_else(|| RegionSettingsError::NoPixelSize(text.into()))?;
        let settings = RegionSettings { micrometres_per_pixel: Some(size), ..RegionSettings::default() };
        settings.validate().map(|()| Self(Some(size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_values_are_read_or_refused_in_words() {
        let area = |text: &str| text.parse::<MinArea>();
        for (text, wanted) in [
            ("12", MinArea::Pixels(12)),
            (" 7 px", MinArea::Pixels(7)),
            ("500um2", MinArea::SquareMicrometres(500.0)),
            ("0,5 µm²", MinArea::SquareMicrometres(0.5)),
        ] {
            assert_eq!(area(text), Ok(wanted), "{text}");
        }
        for (text, word) in [
            ("", "not an area"),
            ("many", "not an area"),
            ("12 mm", "not an area"),
            ("0", "whole number of pixels"),
            ("-3", "whole number of pixels"),
            ("1.5", "whole number of pixels"),
            ("0 um2", "above 0"),
            ("NaN", "not an area"),
        ] {
            let said = area(text).unwrap_err().to_string();
            assert!(said.contains(word), "{text}: {said}");
        }
        let size = |text: &str| text.parse::<PixelSize>();
        assert_eq!((size("none"), size(" 12,5 ")), (Ok(PixelSize(None)), Ok(PixelSize(Some(12.5)))));
        for (text, word) in [("big", "12.5"), ("0", "range"), ("-1", "range"), ("1e9", "range"), ("nan", "micrometres")]
        {
            let said = size(text).unwrap_err().to_string();
            assert!(said.contains(word), "{text}: {said}");
        }
    }

    #[test]
    fn an_area_in_micrometres_needs_a_pixel_size() {
        let settings = RegionSettings { micrometres_per_pixel: None, min_area: MinArea::SquareMicrometres(500.0) };
        assert_eq!(settings.validate(), Err(RegionSettingsError::NoScale));
        let settings = RegionSettings { micrometres_per_pixel: Some(10.0), ..settings };
        assert_eq!((settings.validate(), settings.min_pixels(1.0)), (Ok(()), 5));
        // At half the resolution a pixel covers four times the area.
        assert_eq!((settings.inspected_pixel(0.5), settings.min_pixels(0.5)), (Some(20.0), 2));
        for size in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let settings = RegionSettings { micrometres_per_pixel: Some(size), ..RegionSettings::default() };
            assert!(settings.validate().is_err(), "{size}");
        }
        assert!(RegionSettings { min_area: MinArea::Pixels(0), ..RegionSettings::default() }.validate().is_err());
    }
}
