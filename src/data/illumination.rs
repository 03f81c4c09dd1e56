//! The light of an image, and images brought to one light.
//!
//! Parts that stand a little otherwise, a lamp that ages and a camera that sets its own exposure change brightness and
//! contrast of the whole image. Quartiles say how bright it is and how far its pixels differ, whatever a defect of less
//! than a quarter of it or a dark frame around the part adds.

use std::sync::OnceLock;

/// Pixels that an image's light is measured on, at most.
const MEASURED: usize = 1 << 13;
/// From the quartiles to the standard deviation of a normal distribution.
const QUARTILES: f32 = 1.349;
/// The least spread: what is smoother than this is not made rougher.
const LEAST: f32 = 0.02;
/// Spreads from the middle to -1 and to 1 in an image that was brought to one light.
const REACH: f32 = 8.0;
/// Spreads from the middle to black and to white where such an image is shown.
const SHOWN: f32 = 3.0;

/// How bright an image is and how far its pixels differ, on the scale where black is -1 and white 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Illumination {
    middle: f32,
    spread: f32,
}

impl Illumination {
    /// Of so many pixels of so many channels, each at least one; `at` gives a channel of a pixel.
    pub fn of(pixels: usize, channels: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        // Evenly spread; an odd stride wanders over the columns.
        let stride = (pixels / MEASURED).max(1) | 1;
        let measured = (0..pixels).step_by(stride).flat_map(|i| (0..channels).map(move |c| (i, c)));
        let mut values: Vec<f32> = measured.map(|(i, c)| at(i, c)).collect();
        let mut quartile = |share: usize| {
            let place = (values.len() * share / 4).min(values.len().saturating_sub(1));
            if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(place, f32::total_cmp).1 }
        };
        let [low, middle, high] = [1, 2, 3].map(&mut quartile);
        Self { middle, spread: ((high - low) / QUARTILES).max(LEAST) }
    }

    /// Of an image plane by plane.
    pub fn of_planes(values: &[f32], channels: usize) -> Self {
        let plane = values.len() / channels.max(1);
        Self::of(plane, channels, |i, c| values[c * plane + i])
    }

    /// A value of the image as it is in the one light, in `[-1, 1]`.
    pub fn level(self, value: f32) -> f32 {
        ((value - self.middle) / (REACH * self.spread)).clamp(-1.0, 1.0)
    }

    /// A value that was brought to one light as it is best shown, in `[-1, 1]`.
    pub fn shown(level: f32) -> f32 {
        (level * (REACH / SHOWN)).clamp(-1.0, 1.0)
    }
}

/// The light of pixels that do not change, measured once: all are equal, since the pixels say what it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Once(OnceLock<Illumination>);

impl Once {
    pub fn get(&self, measure: impl FnOnce() -> Illumination) -> Illumination {
        *self.0.get_or_init(measure)
    }
}

impl PartialEq for Once {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Once {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_contrast_and_a_small_defect_leave_the_level_alone() {
        let pixel = |i: usize| 0.1 + 0.2 * ((i * 7_919 % 1_000) as f32 / 1_000.0 - 0.5);
        let plain = Illumination::of(40_000, 1, |i, _| pixel(i));
        let dim = Illumination::of(40_000, 1, |i, _| 0.5 * pixel(i) - 0.4);
        let scratched = Illumination::of(40_000, 1, |i, _| if i % 200 < 10 { 1.0 } else { pixel(i) });
        for i in 0..1_000 {
            let level = plain.level(pixel(i));
            assert!((level - dim.level(0.5 * pixel(i) - 0.4)).abs() < 1e-4);
            assert!((level - scratched.level(pixel(i))).abs() < 0.02);
        }
        // Half of an even spread over 0.2 lies within a quarter of it to either side.
        assert!((plain.spread - 0.1 / QUARTILES).abs() < 2e-3 && (plain.middle - 0.1).abs() < 2e-3, "{plain:?}");
    }

    #[test]
    fn a_flat_image_and_one_of_a_single_pixel_have_a_light() {
        let flat = Illumination::of(1, 3, |_, _| 0.25);
        assert_eq!((flat.level(0.25), flat.level(1.0), flat.level(-1.0)), (0.0, 1.0, -1.0));
        assert_eq!((Illumination::shown(0.1), Illumination::shown(-0.9)), (0.1 * REACH / SHOWN, -1.0));
    }

    #[test]
    fn channels_are_brought_to_one_light_together() {
        let red = Illumination::of(100, 3, |_, c| if c == 0 { 0.6 } else { -0.2 });
        assert!(red.level(0.6) > red.level(-0.2));
    }
}
