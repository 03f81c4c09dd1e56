//! What has to hold for a calibration that is read from a file.

use super::{Calibration, DamagedImage};
use crate::inspect::{FusionTerm, ScoreKind, anomaly_region::RegionLevels, frame_check::FrameLimits};

/// Limit of scores and of the numbers that they are compared with.
const MOST: f64 = 1e12;

impl Calibration {
    /// Checks that every number is finite and within the range that it can have.
    ///
    /// # Errors
    /// What is wrong, in a few words.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.knobs.validate().map_err(|error| error.to_string())?;
        if self.held_out.is_empty() {
            return Err("it has no held-out images".into());
        }
        for held_out in &self.held_out {
            if let Some(kind) = ScoreKind::ALL.into_iter().find(|kind| !is_score(held_out.scores.get(*kind))) {
                return Err(format!("the score {} of a held-out image is out of range", kind.name()));
            }
        }
        let outside = |image: &DamagedImage| {
            image.held_out >= self.held_out.len()
                || !ScoreKind::ALL.into_iter().all(|kind| is_score(image.scores.get(kind)))
        };
        if self.damaged.iter().any(outside) {
            return Err("a score of a damaged image is out of range".into());
        }
        let scale = [self.scale.difference, self.scale.feature, self.scale.critic, self.scale.distance];
        if !scale.iter().all(|v| v.is_finite() && *v > 0.0) {
            return Err("a colour scale is out of range".into());
        }
        let before = self.labelled.iter().flat_map(|labelled| &labelled.before);
        if let Some(term) = self.fusion.iter().chain(before).find(|term| !is_term(term)) {
            return Err(format!("the weight of the score {} is out of range", term.score.name()));
        }
        let smallest = self.smallest.unwrap_or(self.size);
        if smallest.0 == 0 || smallest.1 == 0 || smallest.0 > self.size.0 || smallest.1 > self.size.1 {
            return Err("the size of the held-out images is out of range".into());
        }
        if !self.region_levels.as_ref().is_none_or(RegionLevels::is_valid) {
            return Err("a threshold of regions is out of range".into());
        }
        match self.frames.as_ref().is_none_or(FrameLimits::is_valid) {
            true => Ok(()),
            false => Err("a limit of the whole frame is out of range".into()),
        }
    }
}

fn is_score(value: f64) -> bool {
    value.abs() < MOST
}

fn is_term(term: &FusionTerm) -> bool {
    // A combined score of itself would depend on what it was before.
    term.score != ScoreKind::Fused
        && is_score(term.centre)
        && term.spread > 0.0
        && term.spread < MOST
        && term.weight.abs() < MOST
}
