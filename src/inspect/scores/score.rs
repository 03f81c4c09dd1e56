//! The anomaly scores of an image, by name.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::inspect::frame_check::FrameMeasures;

/// An anomaly score; larger is more anomalous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreKind {
    /// Loss of the 2017 talk: sum over pixels of |x - G(z)|, on the -1 to 1 scale.
    L1Sum,
    /// `L1Sum` per pixel, comparable between image sizes.
    L1,
    /// L1 per pixel of the tile with the largest value.
    WorstTile,
    /// L1 per pixel of the 7x7 spot with the largest value.
    WorstSpot,
    /// |f(query) - f(G(z))| per feature in D's third layer, the mean over the whole image.
    Feature,
    /// The same in the 17x17 spot with the largest value.
    FeatureSpot,
    /// Maximum of the critic's standardised logit; 0 without a critic.
    Critic,
    /// Maximum Mahalanobis distance of the critic's features from the healthy mean, standardised; 0 without a critic.
    CriticDistance,
    /// Distance of the critic's map to that of the nearest healthy image, over 6 by 6 parts of the frame; 0 without a
    /// critic.
    CriticPattern,
    /// Weighted sum of the others, with the calibration's weights; 0 without a calibration.
    Fused,
}

impl ScoreKind {
    /// All scores, in the order they are listed.
    pub const ALL: [Self; 10] = [
        Self::L1Sum,
        Self::L1,
        Self::WorstTile,
        Self::WorstSpot,
        Self::Feature,
        Self::FeatureSpot,
        Self::Critic,
        Self::CriticDistance,
        Self::CriticPattern,
        Self::Fused,
    ];

    /// Key in tables and files, and for [`FromStr`].
    pub fn name(self) -> &'static str {
        match self {
            Self::L1Sum => "l1_sum",
            Self::L1 => "l1",
            Self::WorstTile => "worst_tile",
            Self::WorstSpot => "worst_spot",
            Self::Feature => "feature",
            Self::FeatureSpot => "feature_spot",
            Self::Critic => "critic",
            Self::CriticDistance => "critic_distance",
            Self::CriticPattern => "critic_pattern",
            Self::Fused => "fused",
        }
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::L1Sum => "Summed difference",
            Self::L1 => "Difference per pixel",
            Self::WorstTile => "Worst tile",
            Self::WorstSpot => "Worst spot",
            Self::Feature => "Feature difference",
            Self::FeatureSpot => "Worst feature spot",
            Self::Critic => "Critic",
            Self::CriticDistance => "Critic distance",
            Self::CriticPattern => "Critic pattern",
            Self::Fused => "Combined score",
        }
    }

    /// Describes the score in one sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::L1Sum => "Sum of |x - G(z)| over all pixels, on the -1 to 1 scale (loss of the 2017 talk).",
            Self::L1 => "Mean of |x - G(z)| over all pixels; comparable between image sizes.",
            Self::WorstTile => "Mean of |x - G(z)| in the tile with the largest value.",
            Self::WorstSpot => "Mean of |x - G(z)| in the 7 × 7 pixel spot with the largest value.",
            Self::Feature => "Mean distance between image and reconstruction in the features of D's third layer.",
            Self::FeatureSpot => "Feature difference in the spot of about 17 × 17 pixels with the largest value.",
            Self::Critic => "Maximum of the critic's damage logit, in standard deviations of healthy images.",
            Self::CriticDistance => {
                "Maximum Mahalanobis distance of the critic's features from those of healthy images."
            }
            Self::CriticPattern => {
                "Distance of the critic's map, in 6 × 6 parts of the image, to the nearest healthy image."
            }
            Self::Fused => {
                "Weighted sum of the scores; each weight follows from how far synthetic damage moves the score."
            }
        }
    }
}

impl FromStr for ScoreKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("unknown score `{name}`; choose one of {names}")
        })
    }
}

/// All scores of a query, in single precision so that text output reads back exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Scores {
    l1_sum: f32,
    l1: f32,
    worst_tile: f32,
    worst_spot: f32,
    feature: f32,
    feature_spot: f32,
    critic: f32,
    critic_distance: f32,
    critic_pattern: f32,
    fused: f32,
    /// Statistics of the whole frame; absent for scores of earlier versions and of held-out images.
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<FrameMeasures>,
}

impl Scores {
    /// Returns one score.
    pub fn get(&self, kind: ScoreKind) -> f64 {
        f64::from(match kind {
            ScoreKind::L1Sum => self.l1_sum,
            ScoreKind::L1 => self.l1,
            ScoreKind::WorstTile => self.worst_tile,
            ScoreKind::WorstSpot => self.worst_spot,
            ScoreKind::Feature => self.feature,
            ScoreKind::FeatureSpot => self.feature_spot,
            ScoreKind::Critic => self.critic,
            ScoreKind::CriticDistance => self.critic_distance,
            ScoreKind::CriticPattern => self.critic_pattern,
            ScoreKind::Fused => self.fused,
        })
    }

    /// Statistics of the whole frame, if known.
    pub fn frame(&self) -> Option<&FrameMeasures> {
        self.frame.as_ref()
    }

    /// The same scores with statistics of the whole frame.
    pub fn with_frame(self, frame: Option<FrameMeasures>) -> Self {
        Self { frame, ..self }
    }

    /// Sets one score.
    pub fn set(&mut self, kind: ScoreKind, value: f64) {
        *match kind {
            ScoreKind::L1Sum => &mut self.l1_sum,
            ScoreKind::L1 => &mut self.l1,
            ScoreKind::WorstTile => &mut self.worst_tile,
            ScoreKind::WorstSpot => &mut self.worst_spot,
            ScoreKind::Feature => &mut self.feature,
            ScoreKind::FeatureSpot => &mut self.feature_spot,
            ScoreKind::Critic => &mut self.critic,
            ScoreKind::CriticDistance => &mut self.critic_distance,
            ScoreKind::CriticPattern => &mut self.critic_pattern,
            ScoreKind::Fused => &mut self.fused,
        } = value as f32;
    }
}

/// Radius of a spot, pixels: spots are 7x7.
pub(crate) const SPOT_REACH: usize = 3;

/// Radius of a feature spot, pixels; features are 8 pixels apart.
pub(crate) const FEATURE_SPOT_REACH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_is_stored_separately() {
        let mut scores = Scores::default();
        for (i, kind) in ScoreKind::ALL.into_iter().enumerate() {
            scores.set(kind, i as f64);
        }
        assert!(ScoreKind::ALL.into_iter().enumerate().all(|(i, kind)| scores.get(kind) == i as f64));
        let text = serde_json::to_string(&scores).unwrap();
        assert_eq!(serde_json::from_str::<Scores>(&text).unwrap(), scores);
        assert!(ScoreKind::ALL.iter().all(|kind| text.contains(&format!("\"{}\":", kind.name()))));
    }
}
