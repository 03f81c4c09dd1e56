//! Small PNGs of an inspected image and its maps, for the evaluation report.

use std::io;

use super::{
    canvas::{PixelCanvas, Raster},
    input::ExportInput,
    raster::{PixelScale, heat_map, planes_raster},
};
use crate::{
    data::colour_map::ColourMap,
    inspect::{Outcome, evaluation::EvaluatedMap},
};

/// Encodes the inspected image as a small PNG, at most `most` pixels wide and high.
///
/// # Errors
/// Errors of the encoder.
pub(crate) fn query_png(outcome: &Outcome, most: usize) -> io::Result<Vec<u8>> {
    let query = &outcome.query;
    let fit = PixelScale::of(query.width(), query.height(), most / 2, most);
    raster_png(&planes_raster(query.values(), query.width(), query.channels(), fit), fit)
}

/// Encodes a map in colour as a small PNG, at most `most` pixels wide and high. The colour scale ends at `upper`, by
/// default at the largest value; negative values are shown as 0.
///
/// # Errors
/// Errors of the encoder.
pub(crate) fn map_png(outcome: &Outcome, map: &[f32], upper: Option<f32>, most: usize) -> io::Result<Vec<u8>> {
    let fit = PixelScale::of(outcome.query.width(), outcome.query.height(), most / 2, most);
    let upper = upper.unwrap_or_else(|| map.iter().fold(0.0, |peak, v| v.max(peak)));
    let map: Vec<f32> = map.iter().map(|v| v.max(0.0)).collect();
    let (shown, deciding) = (EvaluatedMap::Difference, EvaluatedMap::Difference);
    let (frames, scale, colours) = (&[][..], None, ColourMap::Ember);
    let input = ExportInput {
        file: "",
        model: "",
        hash: "",
        outcome,
        truth: None,
        frames,
        scale,
        shown,
        deciding,
        map: colours,
    };
    raster_png(&heat_map(&input, &map, upper.max(1e-6), fit), fit)
}

/// Encodes a raster as PNG.
fn raster_png(raster: &Raster, fit: PixelScale) -> io::Result<Vec<u8>> {
    let mut canvas = PixelCanvas::new(raster.width * fit.enlarge, raster.height * fit.enlarge);
    canvas.draw_raster(0, 0, raster, fit.enlarge);
    canvas.png(canvas.whole())
}
