//! The input of an export: an inspected image with its model and colour scale.

use std::borrow::Cow;

use crate::{
    data::colour_map::ColourMap,
    inspect::{
        KeptFrame, NoRegions, Outcome, RegionList,
        calibration::MapScale,
        difference_of_pixel,
        evaluation::{EvaluatedMap, PartTruth},
    },
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
    /// The anomaly regions, or why there are none.
    pub regions: Option<&'a Result<RegionList, NoRegions>>,
    /// What is known of a part of a test set.
    pub truth: Option<&'a PartTruth>,
    /// Reconstructions by step; may be empty.
    pub frames: &'a [KeptFrame],
    /// Ends of the colour scales, from held-out healthy images; without a calibration (`None`), the scale ends at the
    /// image's largest difference.
    pub scale: Option<MapScale>,
    /// The map shown beside image and reconstruction.
    pub shown: EvaluatedMap,
    /// The map of the score that decides.
    pub deciding: EvaluatedMap,
    /// Its colours.
    pub map: ColourMap,
}

impl ExportInput<'_> {
    /// Upper end of the map's colour scale.
    pub(super) fn upper(&self) -> f32 {
        let own = || self.values().iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        self.scale.map_or_else(own, |scale| self.shown.upper(&scale)).max(1e-6)
    }

    /// The values of the map; the difference with its sign. Values below the healthy mean count as 0.
    pub(super) fn values(&self) -> Cow<'_, [f32]> {
        match self.shown {
            EvaluatedMap::Difference => Cow::Borrowed(&self.outcome.difference),
            map => map.of(self.outcome).unwrap_or_default().iter().map(|v| v.max(0.0)).collect(),
        }
    }

    /// The heading of the map: which one it is, and whether it decides.
    pub(super) fn heading(&self) -> String {
        let title = self.shown.title();
        match self.outcome.assessment() {
            Some(_) if self.shown == self.deciding => format!("{title} (decides)"),
            Some(_) => format!("{title} (does not decide)"),
            None => title.to_owned(),
        }
    }

    /// Image minus reconstruction, one value per pixel; 0 where not inspected.
    pub(super) fn difference(&self, reconstruction: impl Fn(usize) -> f32) -> Vec<f32> {
        let query = &self.outcome.query;
        let (pixels, channels) = (query.pixels(), query.channels());
        let is_inspected = |i: usize| self.outcome.inspected.as_ref().is_none_or(|all| all[i]);
        let own = |i: usize| {
            let at = (0..channels).map(move |c| c * pixels + i);
            difference_of_pixel(at.map(|at| query.values()[at] - reconstruction(at)))
        };
        (0..pixels).map(|i| if is_inspected(i) { own(i) } else { 0.0 }).collect()
    }
}
