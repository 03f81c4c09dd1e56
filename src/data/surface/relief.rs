//! A surface as heights and reflectances, and the illumination and camera that turn it into an image.

use super::noise::SeededRng;
use crate::data::illumination::LUMINANCE;

/// Illumination of a surface: a slanted key light and an even ring light.
///
/// Slopes are heights in pixels per pixel. The highlight follows Ward ("Measuring and modeling anisotropic reflection",
/// 1992): the facets' slopes are distributed as an anisotropic Gaussian, which gives machined metal its sheen.
#[derive(Clone, Copy, Debug)]
pub(super) struct LightSource {
    /// Azimuth of the key light in radians: 0 along x, a quarter turn along y.
    pub azimuth: f32,
    /// Elevation of the key light above the surface in radians.
    pub elevation: f32,
    /// Direction of the tool marks (lay) in radians.
    pub lay: f32,
    /// Spread of the facets' slopes along the lay.
    pub along: f32,
    /// Spread of the facets' slopes across the lay.
    pub across: f32,
    /// Weights of the ring light, and of the diffuse and specular reflection of the key light.
    pub ring: f32,
    pub diffuse: f32,
    pub highlight: f32,
    /// Darkening per pixel of depth below the surroundings.
    pub cavity: f32,
}

/// The camera and its uneven illumination, shared by a defective image and its healthy counterpart.
#[derive(Clone, Debug)]
pub(super) struct Camera {
    /// Factor on the light above the black level.
    gain: f32,
    /// Light level that is recorded as black.
    black: f32,
    /// Slope of the illumination over the width and height of the image.
    tilt: [f32; 2],
    /// Fall-off of the light towards the corners.
    vignette: f32,
    /// Defocus: weights of pixels at distance 0, 1 and 2.
    taps: [f32; 3],
    /// Read-out noise, row by row, in standard deviations.
    noise: Vec<f32>,
}

/// Black level of the camera as a share of the mean light; it determines the contrast.
const BLACK: f32 = 0.25;

/// Heights in pixels and reflectances of a square of the surface.
#[derive(Clone, Debug)]
pub(super) struct Relief {
    pub side: usize,
    pub height: Vec<f32>,
    /// Reflectance; 1 is clean metal.
    pub albedo: Vec<f32>,
    /// Strength of the highlight; 1 is freshly cut metal.
    pub gloss: Vec<f32>,
    /// Excess of red and of blue over the luminance, as a share of it; green makes up for them. Empty for a grey surface.
    pub hue: Vec<[f32; 2]>,
    pub light: LightSource,
    /// Factor on the size and strength of pits, scratches and stains, which coarse grains would hide.
    pub defects: f32,
}

impl Relief {
    /// Creates flat, clean metal.
    pub(super) fn flat(side: usize, light: LightSource) -> Self {
        let n = side * side;
        Self {
            side,
            height: vec![0.0; n],
            albedo: vec![1.0; n],
            gloss: vec![1.0; n],
            hue: Vec::new(),
            light,
            defects: 1.0,
        }
    }

    /// Calls `f` for each point with its position in pixels from the middle, and its height, albedo and gloss to modify.
    pub(super) fn for_each_point(&mut self, mut f: impl FnMut(f32, f32, &mut f32, &mut f32, &mut f32)) {
        let (side, middle) = (self.side, self.side as f32 / 2.0);
        let layers = self.height.iter_mut().zip(&mut self.albedo).zip(&mut self.gloss);
        for (i, ((height, albedo), gloss)) in layers.enumerate() {
            let (x, y) = ((i % side) as f32 - middle, (i / side) as f32 - middle);
            f(x, y, height, albedo, gloss);
        }
    }

    /// Returns the light that each point sends to a camera straight above.
    pub(super) fn shade(&self) -> Vec<f32> {
        let side = self.side;
        let LightSource { azimuth, elevation, lay, along, across, ring, diffuse, highlight, cavity } = self.light;
        let (lx, ly) = (elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin());
        let lz = elevation.sin();
        // The slope of a facet that reflects the key light into the camera.
        let (mirror_x, mirror_y) = (lx / (lz + 1.0), ly / (lz + 1.0));
        let (cos, sin) = (lay.cos(), lay.sin());
        let around = box_blur(&self.height, side, 3);

        let mut out = Vec::with_capacity(side * side);
        for y in 0..side {
            // One-sided differences, since central ones would hide marks one pixel wide. The last row and column
            // repeat the slope before them.
            let row = y.min(side - 2) * side;
            for x in 0..side {
                let (i, corner) = (y * side + x, row + x.min(side - 2));
                let here = self.height[corner];
                let sx = here - self.height[corner + 1];
                let sy = here - self.height[corner + side];
                let facing = (sx * lx + sy * ly + lz) / (1.0 + sx * sx + sy * sy).sqrt();
                let (dx, dy) = (sx - mirror_x, sy - mirror_y);
                let u = (dx * cos + dy * sin) / along;
                let v = (dy * cos - dx * sin) / across;
                let sheen = (-(u * u + v * v)).exp();
                let open = (1.0 + cavity * (self.height[i] - around[i])).clamp(0.25, 1.5);
                let scattered = ring * open + diffuse * facing.max(0.0);
                out.push(self.albedo[i] * (scattered + highlight * self.gloss[i] * sheen));
            }
        }
        out
    }
}

impl Camera {
    /// Creates a camera that exposes `light`, the shaded healthy surface, to a mean grey level of about `level`.
    pub(super) fn expose(light: &[f32], side: usize, level: f32, rng: &mut SeededRng) -> Self {
        let mean = light.iter().sum::<f32>() / light.len().max(1) as f32;
        let level = level * rng.uniform(0.94, 1.06);
        let sigma = rng.uniform(0.65, 0.85);
        let tap = |d: f32| (-d * d / (2.0 * sigma * sigma)).exp();
        let sum = tap(0.0) + 2.0 * tap(1.0) + 2.0 * tap(2.0);
        Self {
            gain: level / (mean * (1.0 - BLACK)).max(1e-3),
            black: mean * BLACK,
            tilt: [rng.uniform(-0.06, 0.06), rng.uniform(-0.06, 0.06)],
            vignette: rng.uniform(0.02, 0.07),
            taps: [tap(0.0) / sum, tap(1.0) / sum, tap(2.0) / sum],
            noise: (0..side * side).map(|_| rng.normal()).collect(),
        }
    }

    /// Captures the shaded surface as an 8-bit image: grey, or RGB of the luminance that grey would have.
    pub(super) fn capture(&self, relief: &Relief, light: &[f32]) -> Vec<u8> {
        let side = relief.side;
        let levels = self.exposed(light, side);
        if relief.hue.is_empty() {
            return levels.iter().map(|level| (level * 255.0).round() as u8).collect();
        }
        let [red, blue] =
            [0, 1].map(|c| blur_five(&relief.hue.iter().map(|hue| hue[c]).collect::<Vec<_>>(), side, self.taps));
        let noise = |i: usize| self.noise.get(i % self.noise.len().max(1)).copied().unwrap_or_default();
        let mut out = Vec::with_capacity(3 * levels.len());
        for (i, level) in levels.iter().enumerate() {
            let hue = [red[i] + 0.012 * noise(i + 1_009), blue[i] + 0.02 * noise(i + 5_003)];
            out.extend(channels(*level, hue).map(|v| (v * 255.0).round() as u8));
        }
        out
    }

    /// Levels from 0 to 1 that the shaded surface `light` is recorded at.
    fn exposed(&self, light: &[f32], side: usize) -> Vec<f32> {
        let soft = blur_five(light, side, self.taps);
        let (middle, scale) = (side as f32 / 2.0, 2.0 / side as f32);
        let mut out = Vec::with_capacity(soft.len());
        for (i, (&value, &noise)) in soft.iter().zip(&self.noise).enumerate() {
            let x = ((i % side) as f32 - middle) * scale;
            let y = ((i / side) as f32 - middle) * scale;
            let even = 1.0 + self.tilt[0] * x + self.tilt[1] * y - self.vignette * (x * x + y * y);
            let exposed = shoulder((value * even - self.black) * self.gain);
            // Read-out noise plus shot noise, whose standard deviation grows with the square root.
            let grain = (0.003 + 0.007 * exposed.sqrt()) * noise;
            out.push((exposed + grain).clamp(0.0, 1.0));
        }
        out
    }
}

/// Returns red, green and blue of a luminance, paler where a channel would exceed the range, so that the luminance is kept.
fn channels(level: f32, [red, blue]: [f32; 2]) -> [f32; 3] {
    let [of_red, of_green, of_blue] = LUMINANCE;
    let excess = [red, -(of_red * red + of_blue * blue) / of_green, blue];
    let most = excess.into_iter().fold(0.0, f32::max) * level;
    let room = if most > 0.0 { ((1.0 - level) / most).min(1.0) } else { 1.0 };
    excess.map(|excess| (level * (1.0 + room * excess)).clamp(0.0, 1.0))
}

/// Tone curve that compresses highlights below white.
fn shoulder(v: f32) -> f32 {
    const KNEE: f32 = 0.68;
    const RANGE: f32 = 0.28;
    if v <= KNEE { v.max(0.0) } else { KNEE + RANGE * (1.0 - (-(v - KNEE) / RANGE).exp()) }
}

/// Box filter over `2 * radius + 1` pixels in each direction, edges repeated.
pub(super) fn box_blur(values: &[f32], side: usize, radius: usize) -> Vec<f32> {
    let width = (2 * radius + 1) as f32;
    let pass = |source: &[f32], step: usize, stride: usize| {
        let mut out = vec![0.0; source.len()];
        for line in 0..side {
            let at = |k: usize| line * stride + k.min(side - 1) * step;
            let mut sum: f32 = (0..=radius).map(|k| source[at(k)]).sum();
            sum += radius as f32 * source[at(0)];
            for k in 0..side {
                out[at(k)] = sum / width;
                sum += source[at(k + radius + 1)] - source[at(k.saturating_sub(radius))];
            }
        }
        out
    };
    pass(&pass(values, 1, side), side, 1)
}

/// Symmetric blur over five pixels in each direction with weights `taps` for distances 0, 1 and 2, edges repeated.
fn blur_five(values: &[f32], side: usize, taps: [f32; 3]) -> Vec<f32> {
    let [centre, near, far] = taps;
    let pass = |source: &[f32], step: usize, stride: usize| {
        let mut out = vec![0.0; source.len()];
        for line in 0..side {
            let at = |k: usize| line * stride + k.min(side - 1) * step;
            for k in 0..side {
                let one = source[at(k.saturating_sub(1))] + source[at(k + 1)];
                let two = source[at(k.saturating_sub(2))] + source[at(k + 2)];
                out[at(k)] = centre * source[at(k)] + near * one + far * two;
            }
        }
        out
    };
    pass(&pass(values, 1, side), side, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blurs_keep_a_constant_and_spread_a_point_evenly() {
        let side = 11;
        let flat = vec![0.7; side * side];
        let mut point = vec![0.0; side * side];
        point[5 * side + 5] = 1.0;
        let taps = [0.6, 0.15, 0.05];
        for blurred in [box_blur(&flat, side, 3), blur_five(&flat, side, taps)] {
            assert!(blurred.iter().all(|v| (v - 0.7).abs() < 1e-5));
        }
        for blurred in [box_blur(&point, side, 2), blur_five(&point, side, taps)] {
            assert!((blurred.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            for y in 0..side {
                for x in 0..side {
                    let (here, mirrored) = (blurred[y * side + x], blurred[x * side + side - 1 - y]);
                    assert!((here - mirrored).abs() < 1e-6, "uneven at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn the_tone_curve_rises_and_never_reaches_white() {
        let mut last = -1.0;
        for step in 0..300 {
            let here = shoulder(step as f32 * 0.01);
            assert!(here > last || step > 250, "falls at {step}");
            assert!(here < 0.97);
            last = here;
        }
    }
}
