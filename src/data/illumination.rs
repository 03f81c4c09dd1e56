//! Brightness and contrast of an image, and their normalisation.
//!
//! A part in a slightly different position, an ageing lamp or automatic exposure changes the brightness and contrast of
//! the whole image. Both are measured by quartiles, which a defect or a dark frame of less than a quarter of the image
//! hardly affects. Of an image in colour, the luminance is measured, and all channels are changed alike: that keeps every
//! hue, and an area of another hue at equal luminance changes nothing.

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

/// Luminance of red, green and blue (Rec. 709).
pub(super) const LUMINANCE: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Luminance of red, green and blue.
pub(crate) fn luminance_of(colour: [f32; 3]) -> f32 {
    colour.iter().zip(LUMINANCE).map(|(value, share)| share * value).sum()
}

/// Brightness (median) and contrast (spread) of an image, on the scale where black is -1 and white 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Illumination {
    median: f32,
    spread: f32,
}

impl Illumination {
    /// Measures an image of `pixels` pixels and `channels` channels, each at least one; `at` reads a channel of a pixel.
    pub(crate) fn of(pixels: usize, channels: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        match channels {
            3 => Self::of_colour(pixels, at),
            _ => Self::of_values(
                measured(pixels).flat_map(|i| (0..channels).map(move |c| (i, c))).map(|(i, c)| at(i, c)),
            ),
        }
    }

    /// Measures the luminance of an image in colour. A strong hue lies further from it than its structure reaches; the
    /// spread is then as large as that needs, so that no channel is clamped.
    fn of_colour(pixels: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        let luminance = |i: usize| LUMINANCE.iter().enumerate().map(|(c, share)| share * at(i, c)).sum::<f32>();
        let own = Self::of_values(measured(pixels).map(luminance));
        let reach = [0, 1, 2].map(|c| (Self::of_values(measured(pixels).map(|i| at(i, c))).median - own.median).abs());
        let hue = reach.into_iter().fold(0.0, f32::max) / DISPLAY_REACH;
        Self { spread: own.spread.max(hue), ..own }
    }

    fn of_values(values: impl Iterator<Item = f32>) -> Self {
        let mut values: Vec<f32> = values.collect();
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

    /// As earlier versions measured an image in colour: over the values of all channels.
    pub(crate) fn over_all_channels(values: &[f32], channels: usize) -> Self {
        let plane = values.len() / channels.max(1);
        Self::of_values(measured(plane).flat_map(|i| (0..channels).map(move |c| values[c * plane + i])))
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

/// Evenly spaced pixels; an odd stride visits all columns.
fn measured(pixels: usize) -> impl Iterator<Item = usize> {
    (0..pixels).step_by((pixels / MEASURED).max(1) | 1)
}

/// The exposures of healthy images, within which an image is reconstructed as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ExposureRange {
    /// Smallest and largest brightness: the median, 0 for black.
    brightness: [f32; 2],
    /// Smallest and largest spread as a share of the brightness, which no exposure changes.
    contrast: [f32; 2],
}

/// Factor by which the brightness may go beyond that of the healthy images, because they are few.
const BRIGHTNESS_MARGIN: f32 = 1.1;
/// Factor by which the contrast may go beyond. An image of another contrast is not exposed differently; it is another.
const CONTRAST_MARGIN: f32 = 1.25;
/// Largest gain of a correction; an image that would need more has hardly anything in it.
const MAX_GAIN: f32 = 4.0;
/// Least brightness that others are divided by.
const LEAST_BRIGHTNESS: f32 = 1e-3;

impl Illumination {
    /// The median where black is 0 and white 2.
    fn brightness(self) -> f32 {
        (self.median + 1.0).max(LEAST_BRIGHTNESS)
    }

    /// The spread as a share of the brightness.
    fn contrast(self) -> f32 {
        self.spread / self.brightness()
    }
}

impl ExposureRange {
    /// The range of healthy images with a small margin; `None` without any.
    pub(crate) fn of(healthy: impl IntoIterator<Item = Illumination>) -> Option<Self> {
        let (mut brightness, mut contrast) = ([f32::INFINITY, 0.0f32], [f32::INFINITY, 0.0f32]);
        for own in healthy {
            brightness = [brightness[0].min(own.brightness()), brightness[1].max(own.brightness())];
            contrast = [contrast[0].min(own.contrast()), contrast[1].max(own.contrast())];
        }
        let wider = |[low, high]: [f32; 2], margin: f32| [low / margin, high * margin];
        Self::from_values([wider(brightness, BRIGHTNESS_MARGIN), wider(contrast, CONTRAST_MARGIN)].concat())
    }

    /// As numbers for a file: brightness, then contrast.
    pub(crate) fn to_values(self) -> Vec<f32> {
        [self.brightness, self.contrast].concat()
    }

    /// Reads the numbers of [`Self::to_values`]; `None` for what is no range.
    pub(crate) fn from_values(values: Vec<f32>) -> Option<Self> {
        let [dark, bright, low, high] = values.try_into().ok()?;
        let valid = 0.0 < dark && dark <= bright && bright <= 4.0 && 0.0 < low && low <= high && high.is_finite();
        valid.then_some(Self { brightness: [dark, bright], contrast: [low, high] })
    }

    /// The correction that brings an image just into the range; `None` for one that lies within it, and for one that
    /// differs by more than its exposure.
    pub(crate) fn correction(self, own: Illumination) -> Option<ExposureCorrection> {
        let wanted = own.brightness().clamp(self.brightness[0], self.brightness[1]);
        let gain = wanted / own.brightness();
        let alike = (self.contrast[0]..=self.contrast[1]).contains(&own.contrast());
        (gain != 1.0 && alike && (1.0 / MAX_GAIN..=MAX_GAIN).contains(&gain)).then_some(ExposureCorrection { gain })
    }
}

/// A change of exposure: all grey values, from black on, times a gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExposureCorrection {
    /// Above 0.
    gain: f32,
}

impl ExposureCorrection {
    /// Corrects a value, within `[-1, 1]`.
    pub(crate) fn apply(self, value: f32) -> f32 {
        (self.gain * (value + 1.0) - 1.0).clamp(-1.0, 1.0)
    }

    /// Returns the value of the image for a corrected one, within `[-1, 1]`.
    pub(crate) fn undo(self, value: f32) -> f32 {
        ((value + 1.0) / self.gain - 1.0).clamp(-1.0, 1.0)
    }

    /// Contrast of the corrected image in that of the image.
    pub(crate) fn gain(self) -> f32 {
        self.gain
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

    #[test]
    fn hues_survive_and_those_of_equal_luminance_change_nothing() {
        // A strong and a pale hue, on a surface of little structure.
        for base in [[0.7, -0.1, -0.7], [0.12, 0.1, 0.05]] {
            let grain = |i: usize| 0.06 * ((i * 7_919 % 1_000) as f32 / 1_000.0 - 0.5);
            let at = |i: usize, c: usize| base[c] + grain(i);
            let plain = Illumination::of(40_000, 3, at);
            for (gain, shift) in [(0.95, -0.1), (1.2, 0.1)] {
                let changed = Illumination::of(40_000, 3, |i, c| gain * at(i, c) + shift);
                for (i, c) in (0..600).map(|at| (at / 3, at % 3)) {
                    let [now, then] = [changed.normalise(gain * at(i, c) + shift), plain.normalise(at(i, c))];
                    assert!((now - then).abs() < 1e-3, "{base:?}: {now} {then}");
                }
            }
            // No channel is clamped, and the differences between channels keep their proportions.
            let [r, g, b] = [0, 1, 2].map(|c| plain.normalise(at(7, c)));
            assert!([r, g, b].iter().all(|v| v.abs() < 0.9), "{base:?}: {r} {g} {b}");
            let proportion = (r - g) / (g - b);
            assert!((proportion - (base[0] - base[1]) / (base[1] - base[2])).abs() < 1e-2, "{base:?}: {proportion}");
            // The structure is not lost beside the hue.
            assert!((plain.normalise(at(1, 0)) - plain.normalise(at(0, 0))).abs() > 0.02);
            // A third of the image has another hue of the same luminance.
            let stained =
                Illumination::of(40_000, 3, |i, c| at(i, c) + if i % 3 == 0 { [0.15, -0.058, 0.133][c] } else { 0.0 });
            assert!((stained.median - plain.median).abs() < 2e-3, "{base:?}: {stained:?} {plain:?}");
            assert!((stained.spread / plain.spread - 1.0).abs() < 0.1, "{base:?}: {stained:?} {plain:?}");
        }
        // In grey nothing differs from earlier versions.
        let values: Vec<f32> = (0..40_000).map(|i| ((i * 7_919 % 1_000) as f32 / 1_000.0 - 0.5) * 0.4).collect();
        assert_eq!(Illumination::of_planes(&values, 1), Illumination::over_all_channels(&values, 1));
        // Grey stored as RGB is measured as grey.
        let grey = |i: usize| ((i * 7_919 % 1_000) as f32 / 1_000.0 - 0.5) * 0.4;
        let [one, three] = [1, 3].map(|channels| Illumination::of(40_000, channels, |i, _| grey(i)));
        assert!((one.median - three.median).abs() < 1e-4 && (one.spread - three.spread).abs() < 1e-3);
    }

    #[test]
    fn an_exposure_outside_the_range_is_brought_to_its_edge_and_others_are_left_alone() {
        let pixel = |i: usize| -0.2 + 0.2 * ((i * 7_919 % 1_000) as f32 / 1_000.0 - 0.5);
        let exposed = |gain: f32| {
            let at = move |i: usize| gain * (pixel(i) + 1.0) - 1.0;
            (Illumination::of(10_000, 1, |i, _| at(i)), at)
        };
        let range = ExposureRange::of([exposed(0.98).0, exposed(1.0).0, exposed(1.02).0]).unwrap();
        assert_eq!(ExposureRange::from_values(range.to_values()), Some(range));
        for gain in [0.95, 0.98, 1.0, 1.02, 1.05] {
            assert_eq!(range.correction(exposed(gain).0), None, "{gain}");
        }
        for gain in [0.3, 0.5, 0.7, 1.4, 1.8] {
            let (own, at) = exposed(gain);
            let correction = range.correction(own).unwrap();
            let after = Illumination::of(10_000, 1, |i, _| correction.apply(at(i)));
            let [dark, bright] = range.brightness;
            assert!((dark - 1e-4..=bright + 1e-4).contains(&after.brightness()), "{gain}: {after:?}");
            for i in 0..100 {
                assert!((correction.undo(correction.apply(at(i))) - at(i)).abs() < 1e-4);
            }
        }
        // Other contrast at the same or another exposure, an image with nothing in it, and one that is all but black.
        let other = |gain: f32, contrast: f32| {
            Illumination::of(10_000, 1, |i, _| gain * (0.8 + contrast * (pixel(i) + 0.2)) - 1.0)
        };
        for own in [other(1.0, 2.0), other(0.5, 2.0), other(0.5, 0.5), other(0.5, 0.0), other(0.1, 1.0)] {
            assert_eq!(range.correction(own), None, "{own:?}");
        }
        assert_eq!(ExposureRange::of([]), None);
        for bad in [[0.1, 0.0, 0.1, 0.2], [0.1, 0.2, 0.0, 0.2], [0.1, 0.2, 0.3, 0.2], [f32::NAN, 0.1, 0.1, 0.2]] {
            assert_eq!(ExposureRange::from_values(bad.to_vec()), None);
        }
    }
}
