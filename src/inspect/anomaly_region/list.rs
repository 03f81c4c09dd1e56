//! The regions of an inspection: those of the map that decides, or why there are none.

use super::{
    find::find_regions,
    levels::{CORE, GAP},
    region::AnomalyRegion,
    rule::{MAX_REGIONS, RegionRule},
    settings::RegionSettings,
};
use crate::inspect::{Calibration, Outcome, Verdict, deciding_map};

/// The regions of an inspection.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionList {
    /// The rule that they were found by.
    pub rule: RegionRule,
    /// The regions, highest peak first.
    pub regions: Vec<AnomalyRegion>,
    /// Number of regions left out beyond the largest number.
    pub left_out: usize,
}

/// Why an inspection has no list of regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRegions {
    /// No calibration gives a threshold.
    #[error("the model is not calibrated, so there is no threshold for regions; calibrate it first")]
    NotCalibrated,
    /// The image does not show the part.
    #[error("the image does not show this part, so it has no regions of one")]
    NotThisPart,
}

impl RegionList {
    /// Finds the regions of an outcome in the map that decides. `calibration` is the one for its settings, or else another of
    /// the model; `scale` is the factor by which images are scaled before they are inspected.
    ///
    /// # Errors
    /// [`NoRegions`] without a threshold, or for an image of something else.
    pub fn of(
        outcome: &Outcome,
        calibration: Option<&Calibration>,
        settings: &RegionSettings,
        scale: f64,
    ) -> Result<Self, NoRegions> {
        let assessment = outcome.assessment();
        if assessment.is_some_and(|a| a.verdict == Verdict::NotThisPart) {
            return Err(NoRegions::NotThisPart);
        }
        let calibration = calibration.ok_or(NoRegions::NotCalibrated)?;
        let map = deciding_map(Some(calibration), outcome.critic.is_some());
        let values = map.of(outcome).unwrap_or_default();
        // Healthy pixels hardly exceed half of the colour scale.
        let edge = map.upper(&calibration.scale) / 2.0;
        let rate = assessment.map_or_else(|| calibration.default_rate(), |a| a.rate);
        let calibrated = calibration.region_level(map.name(), rate);
        let level = calibrated.unwrap_or(edge);
        let (core, gap) = calibration.region_levels.as_ref().map_or((CORE, GAP), |levels| (levels.core, levels.gap));
        let min_area = settings.min_pixels(scale);
        let rule = RegionRule {
            map,
            level,
            edge: edge.min(level),
            core: core.min(min_area),
            gap,
            min_area,
            most: MAX_REGIONS,
            // Smaller regions than the calibrated ones are more frequent, and without a verdict nothing is promised.
            share: calibrated.and(assessment).map(|a| a.rate).filter(|_| min_area >= core),
            micrometres_per_pixel: settings.inspected_pixel(scale),
        };
        let (width, height) = (outcome.query.width(), outcome.query.height());
        let (regions, left_out) = find_regions(&values, width, height, outcome.inspected.as_deref(), &rule);
        Ok(Self { rule, regions, left_out })
    }

    /// Returns the list for the same part at another resolution.
    #[must_use]
    pub(crate) fn scaled(mut self, factor: f32) -> Self {
        self.regions = self.regions.into_iter().map(|region| region.scaled(factor)).collect();
        let side = &mut self.rule.micrometres_per_pixel;
        *side = side.map(|side| side / f64::from(factor));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        data::FileHash,
        inspect::{
            InvertKnobs, Judged, NoVerdict, Planes, Regions, ScoreKind, Scores,
            anomaly_region::{MinArea, RegionLevels},
            calibration::{HeldOut, MapScale},
            critic::CriticMaps,
            evaluation::EvaluatedMap,
        },
    };

    /// A frame of 40 by 20 pixels whose critic map holds two squares: 25 pixels of 9, and 16 pixels of 6 with a rim of 3.
    fn outcome() -> Outcome {
        let mut logit = vec![0.0; 800];
        for (left, side, value) in [(2, 5, 9.0), (20, 8, 3.0), (22, 4, 6.0)] {
            let top = if side == 8 { 6 } else { 8 };
            (0..side * side).for_each(|i| logit[(top + i / side) * 40 + left + i % side] = value);
        }
        let planes = Planes::new(40, 20, 1, vec![0.0; 800]).unwrap();
        Outcome {
            query: Arc::new(planes.clone()),
            reconstruction: planes,
            exposure: None,
            difference: vec![0.0; 800],
            feature: vec![0.0; 800],
            critic: Some(CriticMaps { logit, distance: vec![0.0; 800] }),
            inspected: None,
            judged: Judged::without(Scores::default(), NoVerdict::NotCalibrated),
            knobs: InvertKnobs::default(),
            records: Vec::new(),
            steps: 1,
            tiles: 1,
            seconds: 0.0,
        }
    }

    /// Healthy images whose critic maps show regions up to 0.25, 0.5, and so on.
    fn calibration(images: usize) -> Calibration {
        let mut scores = Scores::default();
        scores.set(ScoreKind::Critic, 1.0);
        let held_out = |i: usize| HeldOut { hash: FileHash::of(&[i as u8]), scores: scores.clone() };
        let mut levels = RegionLevels::default();
        levels.maps.insert("critic".into(), (1..=images).map(|i| i as f32 / 4.0).collect());
        Calibration {
            knobs: InvertKnobs::default(),
            regions: Regions::default(),
            held_out: (0..images).map(held_out).collect(),
            size: (40, 20),
            smallest: None,
            scale: MapScale { difference: 1.0, feature: 1.0, critic: 5.0, distance: 5.0 },
            score: ScoreKind::Critic,
            fusion: Vec::new(),
            labelled: None,
            frames: None,
            region_levels: Some(levels),
            damaged: Vec::new(),
        }
    }

    fn found(
        outcome: &Outcome,
        calibration: &Calibration,
        settings: &RegionSettings,
    ) -> (f32, Option<f64>, Vec<usize>) {
        let list = RegionList::of(outcome, Some(calibration), settings, 1.0).unwrap();
        (list.rule.level, list.rule.share, list.regions.iter().map(|region| region.area).collect())
    }

    #[test]
    fn the_threshold_follows_the_promised_rate_and_the_extent_the_healthy_pixels() {
        let (mut outcome, calibration) = (outcome(), calibration(19));
        outcome.judge(&calibration, 0.05);
        // The largest of 19 values: 1 in 20 healthy images exceeds it. The region ends where its rim of 3 does, above 2.5.
        assert_eq!(found(&outcome, &calibration, &RegionSettings::default()), (4.75, Some(0.05), vec![25, 64]));
        // The tenth of 19: half of the healthy images.
        outcome.judge(&calibration, 0.5);
        assert_eq!(found(&outcome, &calibration, &RegionSettings::default()), (2.5, Some(0.5), vec![25, 64]));
        // The second of 39 values.
        let strict = self::calibration(39);
        outcome.judge(&strict, 0.05);
        assert_eq!(found(&outcome, &strict, &RegionSettings::default()), (9.5, Some(0.05), vec![]));
    }

    #[test]
    fn small_regions_are_not_counted_and_nothing_is_promised_of_smaller_ones() {
        let (mut outcome, calibration) = (outcome(), calibration(19));
        outcome.judge(&calibration, 0.05);
        let pixels = |pixels| RegionSettings { min_area: MinArea::Pixels(pixels), ..RegionSettings::default() };
        assert_eq!(found(&outcome, &calibration, &pixels(30)).2, [64]);
        assert_eq!(found(&outcome, &calibration, &pixels(4)), (4.75, None, vec![25, 64]));
        let um = RegionSettings { micrometres_per_pixel: Some(10.0), min_area: MinArea::SquareMicrometres(3_000.0) };
        let list = RegionList::of(&outcome, Some(&calibration), &um, 0.5).unwrap();
        // At half the resolution a pixel is 400 square micrometres.
        assert_eq!((list.rule.min_area, list.regions.len(), list.rule.micrometres_per_pixel), (8, 2, Some(20.0)));
        assert_eq!(list.regions[0].micrometres.map(|um| um.area_um2), Some(10_000.0));
    }

    #[test]
    fn a_calibration_of_an_earlier_version_has_half_of_the_colour_scale_as_threshold() {
        let mut outcome = outcome();
        let calibration = Calibration { region_levels: None, ..calibration(19) };
        outcome.judge(&calibration, 0.05);
        assert_eq!(found(&outcome, &calibration, &RegionSettings::default()), (2.5, None, vec![25, 64]));
        // A map that was not calibrated is no other case.
        let difference = Calibration { score: ScoreKind::L1, ..self::calibration(19) };
        let list = RegionList::of(&outcome, Some(&difference), &RegionSettings::default(), 1.0).unwrap();
        assert_eq!((list.rule.map, list.rule.level, list.regions.len()), (EvaluatedMap::Difference, 0.5, 0));
    }

    #[test]
    fn there_is_no_list_without_a_threshold_or_a_part() {
        let mut outcome = outcome();
        let (settings, calibration) = (RegionSettings::default(), calibration(19));
        assert_eq!(RegionList::of(&outcome, None, &settings, 1.0), Err(NoRegions::NotCalibrated));
        // Without a verdict there are regions, but nothing is promised of them.
        assert_eq!(found(&outcome, &calibration, &settings), (4.75, None, vec![25, 64]));
        outcome.judge(&calibration, 0.05);
        if let Judged::Verdict { assessment, .. } = &mut outcome.judged {
            assessment.verdict = Verdict::NotThisPart;
        }
        assert_eq!(RegionList::of(&outcome, Some(&calibration), &settings, 1.0), Err(NoRegions::NotThisPart));
    }
}
