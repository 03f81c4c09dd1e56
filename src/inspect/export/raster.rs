//! Scales and colours images and maps for export.

use super::{
    canvas::{NOT_INSPECTED, Raster, Rgb},
    input::ExportInput,
};
use crate::data::{colour_map::colour, picture::unit_to_u8};

/// Integer scaling of an image to a viewable size: one of the two factors is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PixelScale {
    pub enlarge: usize,
    pub reduce: usize,
}

impl PixelScale {
    /// A scale to at least `least` pixels wide and at most `most` wide and high.
    pub(crate) fn of(width: usize, height: usize, least: usize, most: usize) -> Self {
        let enlarge = least.div_ceil(width).min(most / width.max(height).min(most));
        Self { enlarge: enlarge.max(1), reduce: width.max(height).div_ceil(most) }
    }

    /// Scaled length, pixels.
    pub(crate) fn length(self, length: usize) -> usize {
        length.div_ceil(self.reduce) * self.enlarge
    }

    /// A description of the scale; `None` at 1:1.
    pub(crate) fn describe(self) -> Option<String> {
        match (self.enlarge, self.reduce) {
            (1, 1) => None,
            (1, reduce) => Some(format!("shown at 1:{reduce}")),
            (enlarge, _) => Some(format!("shown at {enlarge}:1")),
        }
    }
}

/// Downscales a map; `pick` reduces the values of each square to one.
pub(super) fn reduced(
    map: &[f32],
    width: usize,
    side: usize,
    pick: impl Fn(&mut dyn Iterator<Item = f32>) -> f32,
) -> Vec<f32> {
    if side <= 1 {
        return map.to_vec();
    }
    let height = map.len() / width;
    let mut out = Vec::with_capacity(width.div_ceil(side) * height.div_ceil(side));
    for top in (0..height).step_by(side) {
        for left in (0..width).step_by(side) {
            let columns = left..(left + side).min(width);
            let mut values = (top..(top + side).min(height)).flat_map(|y| &map[y * width..][columns.clone()]).copied();
            out.push(pick(&mut values));
        }
    }
    out
}

/// Converts planes in `[-1, 1]` to a raster, scaled.
pub(super) fn planes_raster(values: &[f32], width: usize, channels: usize, fit: PixelScale) -> Raster {
    let mean = |values: &mut dyn Iterator<Item = f32>| {
        let (sum, count) = values.fold((0.0, 0.0_f32), |(sum, count), v| (sum + v, count + 1.0));
        sum / count.max(1.0)
    };
    let planes: Vec<Vec<f32>> = values
        .chunks_exact((values.len() / channels.max(1)).max(1))
        .map(|plane| reduced(plane, width, fit.reduce, mean))
        .collect();
    let pixels = planes.first().map_or(0, Vec::len);
    let pixel = |i: usize| -> Rgb { std::array::from_fn(|c| unit_to_u8(planes[c.min(planes.len() - 1)][i])) };
    let width = width.div_ceil(fit.reduce);
    Raster { width, height: pixels / width.max(1), pixels: (0..pixels).map(pixel).collect() }
}

/// Colours a map of signed differences, scaled. Downscaling keeps the largest value of each square, so that small
/// damage stays visible.
pub(super) fn heat_map(input: &ExportInput<'_>, difference: &[f32], upper: f32, fit: PixelScale) -> Raster {
    let width = input.outcome.query.width();
    let peak = |values: &mut dyn Iterator<Item = f32>| {
        values.fold(0.0_f32, |most, v| if v.abs() > most.abs() { v } else { most })
    };
    let values = reduced(difference, width, fit.reduce, peak);
    let inspected = input.outcome.inspected.as_ref().map(|all| {
        let all: Vec<f32> = all.iter().map(|on| f32::from(u8::from(*on))).collect();
        reduced(&all, width, fit.reduce, peak)
    });
    let pixels = values.iter().enumerate().map(|(i, &value)| match &inspected {
        Some(inspected) if inspected[i] < 0.5 => NOT_INSPECTED,
        _ => colour(input.map, input.map.position(value, upper)),
    });
    let width = width.div_ceil(fit.reduce);
    Raster { width, height: values.len() / width.max(1), pixels: pixels.collect() }
}
