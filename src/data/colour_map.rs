//! Colour maps ordered by lightness, so that they read the same in print and to colour-blind viewers. The coloured ones
//! are computed in CIELAB (D65), where equal steps are perceptually equal.

use std::{f64::consts::PI, sync::LazyLock};

use serde::{Deserialize, Serialize};

/// Maps a number between 0 and 1 to a colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColourMap {
    /// From black through violet and red to pale yellow.
    #[default]
    Ember,
    /// From black to white.
    Grey,
    /// Diverging map for signed values: blue below, grey at 0.5, orange above.
    Signed,
}

impl ColourMap {
    /// All maps, in display order.
    pub const ALL: [Self; 3] = [Self::Ember, Self::Grey, Self::Signed];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ember => "Ember",
            Self::Grey => "Grey",
            Self::Signed => "Signed",
        }
    }

    /// Whether the map shows the sign of a value as well as its magnitude.
    pub(crate) fn is_signed(self) -> bool {
        self == Self::Signed
    }

    /// Returns the position of `value` on the map, 0 to 1, for a scale that ends at `upper`: by magnitude, or from
    /// `-upper` to `upper` for a signed map.
    pub(crate) fn position(self, value: f32, upper: f32) -> f32 {
        // On an empty scale, every value but 0 lies at the end.
        let share = if value == 0.0 { 0.0 } else { value / upper.max(f32::MIN_POSITIVE) };
        if self.is_signed() { 0.5 + 0.5 * share.clamp(-1.0, 1.0) } else { share.abs().min(1.0) }
    }
}

static TABLES: LazyLock<[[[u8; 3]; 256]; 3]> =
    LazyLock::new(|| ColourMap::ALL.map(|map| std::array::from_fn(|i| byte(exact(map, i as f64 / 255.0)))));

/// Returns the map as 256 sRGB colours, from 0 to 1.
pub(crate) fn table(map: ColourMap) -> &'static [[u8; 3]; 256] {
    &TABLES[map as usize]
}

/// Returns the sRGB colour of `t`, clamped to `[0, 1]`. NaN is shown as 0.
pub(crate) fn colour(map: ColourMap, t: f32) -> [u8; 3] {
    // The cast converts NaN to 0.
    table(map)[(t.clamp(0.0, 1.0) * 255.0).round() as usize]
}

/// Computes the colour of `t` in `[0, 1]` as sRGB in `[0, 1]`.
fn exact(map: ColourMap, t: f64) -> [f64; 3] {
    match map {
        // Lightness rises linearly while the hue turns from blue to yellow; chroma peaks halfway and stays within
        // the sRGB gamut.
        ColourMap::Ember => {
            let chroma = 66.0 * (PI * (0.01 + 0.98 * t)).sin().powf(0.8);
            srgb(1.5 + 95.0 * t, chroma, 292.0 + 158.0 * t)
        }
        // The encoding of the images themselves, so that each of 256 grey levels is one step.
        ColourMap::Grey => [t; 3],
        // Equally light on either side, so that neither sign looks larger.
        ColourMap::Signed => {
            let size = (2.0 * t - 1.0).abs();
            let (chroma, hue) = if t < 0.5 { (36.0, 262.0) } else { (56.0, 65.0) };
            srgb(30.0 + 46.0 * size, chroma * size, hue)
        }
    }
}

/// Converts CIELAB lightness, chroma and hue (degrees) to sRGB in `[0, 1]`.
fn srgb(lightness: f64, chroma: f64, hue: f64) -> [f64; 3] {
    let (b, a) = hue.to_radians().sin_cos();
    let (a, b) = (chroma * a, chroma * b);
    let cube = |t: f64| if t > 6.0 / 29.0 { t.powi(3) } else { 3.0 * (6.0_f64 / 29.0).powi(2) * (t - 4.0 / 29.0) };
    let y = (lightness + 16.0) / 116.0;
    let (x, y, z) = (0.950_47 * cube(y + a / 500.0), cube(y), 1.088_83 * cube(y - b / 200.0));
    let linear = [
        3.240_454_2 * x - 1.537_138_5 * y - 0.498_531_4 * z,
        -0.969_266_0 * x + 1.876_010_8 * y + 0.041_556_0 * z,
        0.055_643_4 * x - 0.204_025_9 * y + 1.057_225_2 * z,
    ];
    linear.map(|v| if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 })
}

fn byte(colour: [f64; 3]) -> [u8; 3] {
    colour.map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L*, a* and b* of an sRGB colour.
    fn lab_of(colour: [u8; 3]) -> [f64; 3] {
        let [r, g, b] = colour.map(|v| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        });
        let x = (0.412_456 * r + 0.357_576 * g + 0.180_437 * b) / 0.950_47;
        let y = 0.212_673 * r + 0.715_152 * g + 0.072_175 * b;
        let z = (0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83;
        let [x, y, z] =
            [x, y, z].map(|t| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    fn apart(a: [f64; 3], b: [f64; 3]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn lightness_rises_with_every_step() {
        for map in [ColourMap::Ember, ColourMap::Grey] {
            let light: Vec<f64> = table(map).iter().map(|c| lab_of(*c)[0]).collect();
            assert!(light.windows(2).all(|w| w[1] > w[0]), "{map:?}: {light:?}");
            assert!(light[0] < 3.0 && light[255] > 95.0, "{map:?}");
        }
    }

    #[test]
    fn steps_look_equal() {
        let ember: Vec<[f64; 3]> = table(ColourMap::Ember).iter().map(|c| lab_of(*c)).collect();
        let steps: Vec<f64> = ember.windows(17).map(|w| apart(w[0], w[16])).collect();
        let (least, most) = steps.iter().fold((f64::MAX, 0.0_f64), |(a, b), &s| (a.min(s), b.max(s)));
        assert!(most < 3.5 * least, "{least} to {most}");
    }

    #[test]
    fn every_colour_can_be_shown() {
        for map in ColourMap::ALL {
            for i in 0..=1_000 {
                let colour = exact(map, f64::from(i) / 1_000.0);
                assert!(colour.iter().all(|v| (-1e-3..=1.001).contains(v)), "{map:?} {i}: {colour:?}");
            }
        }
    }

    #[test]
    fn the_signed_map_is_grey_at_nothing_and_as_light_on_both_sides() {
        let lab = |t| lab_of(colour(ColourMap::Signed, t));
        let [r, g, b] = colour(ColourMap::Signed, 0.5);
        assert!(r.max(g).max(b) - r.min(g).min(b) <= 2, "{r} {g} {b}");
        for i in 0..=127_u8 {
            let t = f32::from(i) / 255.0;
            let (below, above) = (lab(t), lab(1.0 - t));
            assert!((below[0] - above[0]).abs() < 0.6, "{t}: {below:?} {above:?}");
            assert!(lab((t + 0.1).min(0.5))[0] < below[0] || i > 120);
        }
        let ([low, _, blue], [orange, _, high]) = (colour(ColourMap::Signed, 0.0), colour(ColourMap::Signed, 1.0));
        assert!(blue > low && orange > high);
    }

    #[test]
    fn out_of_range_numbers_have_a_colour() {
        for map in ColourMap::ALL {
            assert_eq!(colour(map, -3.0), table(map)[0]);
            assert_eq!(colour(map, f32::INFINITY), table(map)[255]);
            assert_eq!(colour(map, f32::NAN), table(map)[0]);
        }
        assert_eq!(colour(ColourMap::Grey, 1.0), [255; 3]);
        assert_eq!((ColourMap::Ember.position(-0.2, 0.4), ColourMap::Ember.position(9.0, 0.4)), (0.5, 1.0));
        assert_eq!((ColourMap::Signed.position(-0.2, 0.4), ColourMap::Signed.position(0.0, 0.0)), (0.25, 0.5));
        assert_eq!((ColourMap::Ember.position(0.1, 0.0), ColourMap::Ember.position(0.0, 0.0)), (1.0, 0.0));
    }
}
