//! Brightness and contrast of an image, and their normalisation.
//!
//! A part in a slightly different position, an ageing lamp or automatic exposure changes the brightness and contrast of
//! the whole image. Both are measured by quartiles, which a defect or a dark frame of less than a quarter of the image
//! hardly affects.

use std::sync::OnceLock;

/// Maximum number of pixels that are measured.
const MEASURED: usize = 1 << 13;
/// Interquartile range of a normal distribution in standard deviations.
const INTERQUARTILE: f32 = 1.349;
/// Minimum spread: images that are smoother than this are not amplified further.
const MIN_SPREAD: f32 = 0.02;
/// Spreads from the median to -1 and to 1 in a normalised image.
const REACH: f32 = 8.0;
/// Spreads from the median to black and to white when a normalised image is displayed.
const DISPLAY_REACH: f32 = 3.0;

/// Brightness (median) and contrast (spread) of an image, on the scale where black is -1 and white 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Illumination {
    median: f32,
    spread: f32,
}

impl Illumination {
    /// Measures an image of `pixels` pixels and `channels` channels, each at least one; `at` reads a channel of a pixel.
    pub(crate) fn of(pixels: usize, channels: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        // Evenly spaced; an odd stride visits all columns.
        let stride = (pixels / MEASURED).max(1) | 1;
        let measured = (0..pixels).step_by(stride).flat_map(|i| (0..channels).map(move |c| (i, c)));
        let mut values: Vec<f32> = measured.map(|(i, c)| at(i, c)).collect();
        let mut quartile = |share: usize| {
            let index = (values.len() * share / 4).min(values.len().saturating_sub(1));
            if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(index, f32::total_cmp).1 }
        };
        let [low, median, high] = [1, 2, 3].map(&mut quartile);
        Self { median, spread: ((high - low) / INTERQUARTILE).max(MIN_SPREAD) }
    }

    /// Measures an image given plane by plane.
    pub(crate) fn of_planes(values: &[f32], channels: usize) -> Self {
        let plane = values.len() / channels.max(1);
        Self::of(plane, channels, |i, c| values[c * plane + i])
    }

    /// Normalises a value of the image, to `[-1, 1]`.
    pub(crate) fn normalise(self, value: f32) -> f32 {
        ((value - self.median) / (REACH * self.spread)).clamp(-1.0, 1.0)
    }

    /// Maps a normalised value to `[-1, 1]` for display.
    pub(crate) fn for_display(normalised: f32) -> f32 {
        (normalised * (REACH / DISPLAY_REACH)).clamp(-1.0, 1.0)
    }
}

/// The illumination of immutable pixels, measured once. All compare equal, since the pixels determine the value.
#[derive(Clone, Debug, Default)]
pub(super) struct CachedIllumination(OnceLock<Illumination>);

impl CachedIllumination {
    pub(crate) fn get(&self, measure: impl FnOnce() -> Illumination) -> Illumination {
        *self.0.get_or_init(measure)
    }
}

impl PartialEq for CachedIllumination {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for CachedIllumination {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_contrast_and_a_small_defect_leave_the_normalised_value_alone() {
        let pixel = |i: usize| 0.1 + 0.2 * ((i * 7_919 % 1_000) as f32 / 1_000.0 - 0.5);
        let plain = Illumination::of(40_000, 1, |i, _| pixel(i));
        let dim = Illumination::of(40_000, 1, |i, _| 0.5 * pixel(i) - 0.4);
        let scratched = Illumination::of(40_000, 1, |i, _| if i % 200 < 10 { 1.0 } else { pixel(i) });
        for i in 0..1_000 {
            let normalised = plain.normalise(pixel(i));
            assert!((normalised - dim.normalise(0.5 * pixel(i) - 0.4)).abs() < 1e-4);
            assert!((normalised - scratched.normalise(pixel(i))).abs() < 0.02);
        }
        // Half of an even spread over 0.2 lies within a quarter of it to either side.
        assert!((plain.spread - 0.1 / INTERQUARTILE).abs() < 2e-3 && (plain.median - 0.1).abs() < 2e-3, "{plain:?}");
    }

    #[test]
    fn a_flat_image_of_a_single_pixel_is_measured() {
        let flat = Illumination::of(1, 3, |_, _| 0.25);
        assert_eq!((flat.normalise(0.25), flat.normalise(1.0), flat.normalise(-1.0)), (0.0, 1.0, -1.0));
        assert_eq!(
            (Illumination::for_display(0.1), Illumination::for_display(-0.9)),
            (0.1 * REACH / DISPLAY_REACH, -1.0)
        );
    }

    #[test]
    fn channels_are_normalised_together() {
        let red = Illumination::of(100, 3, |_, c| if c == 0 { 0.6 } else { -0.2 });
        assert!(red.normalise(0.6) > red.normalise(-0.2));
    }
}
