//! Small PNGs of an inspected image and its maps, for the evaluation report, with the outline of the mask.

use std::io;

use super::{
    canvas::{MASK, PixelCanvas, Raster},
    input::ExportInput,
    raster::{PixelScale, heat_map, planes_raster},
};
use crate::{
    data::colour_map::ColourMap,
    inspect::{
        Outcome,
        evaluation::{EvaluatedMap, MaskOutline},
    },
};

/// Width of the outline of a mask, pixels.
const LINE: f32 = 1.5;

/// Encodes the inspected image as a small PNG, at most `most` pixels wide and high.
///
/// # Errors
/// Errors of the encoder.
pub(crate) fn query_png(outcome: &Outcome, mask: Option<&MaskOutline>, most: usize) -> io::Result<Vec<u8>> {
    let query = &outcome.query;
    let fit = PixelScale::of(query.width(), query.height(), most / 2, most);
    raster_png(&planes_raster(query.values(), query.width(), query.channels(), fit), fit, mask)
}

/// Encodes a map in colour as a small PNG, at most `most` pixels wide and high. The colour scale ends at `upper`, by
/// default at the largest value; negative values are shown as 0.
///
/// # Errors
/// Errors of the encoder.
pub(crate) fn map_png(
    outcome: &Outcome,
    map: &[f32],
    upper: Option<f32>,
    mask: Option<&MaskOutline>,
    most: usize,
) -> io::Result<Vec<u8>> {
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
        regions: None,
        truth: None,
        frames,
        scale,
        shown,
        deciding,
        map: colours,
    };
    raster_png(&heat_map(&input, &map, upper.max(1e-6), fit), fit, mask)
}

/// Encodes a raster as PNG, with the outline of a mask over it.
fn raster_png(raster: &Raster, fit: PixelScale, mask: Option<&MaskOutline>) -> io::Result<Vec<u8>> {
    let size = (raster.width * fit.enlarge, raster.height * fit.enlarge);
    let mut canvas = PixelCanvas::new(size.0, size.1);
    canvas.draw_raster(0, 0, raster, fit.enlarge);
    if let Some(mask) = mask {
        for [from, to] in mask.lines_on(size) {
            canvas.line(from, to, LINE, MASK);
        }
    }
    canvas.png(canvas.whole())
}
