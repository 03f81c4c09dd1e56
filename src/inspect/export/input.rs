//! The input of an export: an inspected image with its model and colour scale.

use crate::{
    data::colour_map::ColourMap,
    inspect::{KeptFrame, Outcome, calibration::MapScale},
};

/// An inspected image to export.
#[derive(Clone, Copy, Debug)]
pub struct ExportInput<'a> {
    /// File name, or name on screen.
    pub file: &'a str,
    /// Name of the model.
    pub model: &'a str,
    /// Hash of the model's tensors, hexadecimal.
    pub hash: &'a str,
    /// Result of the inspection.
    pub outcome: &'a Outcome,
    /// Reconstructions by step; may be empty.
    pub frames: &'a [KeptFrame],
    /// Ends of the colour scales, from held-out healthy images; without a calibration (`None`), the scale ends at the
    /// image's largest difference.
    pub scale: Option<MapScale>,
    /// Colour map of the difference.
    pub map: ColourMap,
}

impl ExportInput<'_> {
    /// Upper end of the difference's colour scale.
    pub(super) fn upper(&self) -> f32 {
        let own = || self.outcome.difference.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        self.scale.map_or_else(own, |scale| scale.difference).max(1e-6)
    }

    /// Image minus reconstruction, mean over channels; 0 where not inspected.
    pub(super) fn difference(&self, reconstruction: impl Fn(usize) -> f32) -> Vec<f32> {
        let query = &self.outcome.query;
        let (pixels, channels) = (query.pixels(), query.channels());
        let mut difference = vec![0.0; pixels];
        for (i, value) in query.values().iter().enumerate() {
            if self.outcome.inspected.as_ref().is_none_or(|all| all[i % pixels]) {
                difference[i % pixels] += (value - reconstruction(i)) / channels as f32;
            }
        }
        difference
    }
}
