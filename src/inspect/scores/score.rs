//! The anomaly scores of an image, by name.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

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
    /// Maximum of the critic's standardised logit; missing without a critic.
    Critic,
    /// Maximum Mahalanobis distance of the critic's features from the healthy mean, standardised; missing without a critic.
    CriticDistance,
    /// Distance of the critic's map to that of the nearest healthy image, over 6 by 6 parts of the frame; 0 without a
    /// critic.
    CriticPattern,
    /// Maximum of the critic's standardised logit of long lines; missing without a critic that has one.
    CriticLine,
    /// Maximum distance of the texture statistics from those of healthy images, standardised; missing without them.
    Texture,
    /// Weighted sum of the others, with the calibration's weights; 0 without a calibration.
    Fused,
}

impl ScoreKind {
    /// All scores, in the order they are listed.
    pub const ALL: [Self; 12] = [
        Self::L1Sum,
        Self::L1,
        Self::WorstTile,
        Self::WorstSpot,
        Self::Feature,
        Self::FeatureSpot,
        Self::Critic,
        Self::CriticDistance,
        Self::CriticPattern,
        Self::CriticLine,
        Self::Texture,
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
            Self::CriticLine => "critic_line",
            Self::Texture => "texture",
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
            Self::CriticLine => "Critic line",
            Self::Texture => "Texture",
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
            Self::CriticLine => {
                "Maximum of the critic's logit of long lines, pooled along lines, in standard deviations of healthy images."
            }
            Self::Texture => {
                "Maximum distance of brightness and gradients, averaged over large squares, from those of healthy images."
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
    #[serde(deserialize_with = "known")]
    critic: Option<f32>,
    #[serde(deserialize_with = "known")]
    critic_distance: Option<f32>,
    #[serde(deserialize_with = "known")]
    critic_pattern: Option<f32>,
    #[serde(deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    critic_line: Option<f32>,
    #[serde(deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    texture: Option<f32>,
    #[serde(deserialize_with = "known")]
    fused: Option<f32>,
    /// Statistics of the whole frame; absent for scores of earlier versions and of held-out images.
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<FrameMeasures>,
}

/// Reads a score that a model may lack. Files of earlier versions have 0 there.
fn known<'de, D: Deserializer<'de>>(input: D) -> Result<Option<f32>, D::Error> {
    Ok(Option::deserialize(input)?.filter(|value: &f32| *value != 0.0))
}

impl Scores {
    /// Returns one score; `None` if the model does not provide it.
    pub fn known(&self, kind: ScoreKind) -> Option<f64> {
        let value = match kind {
            ScoreKind::L1Sum => Some(self.l1_sum),
            ScoreKind::L1 => Some(self.l1),
            ScoreKind::WorstTile => Some(self.worst_tile),
            ScoreKind::WorstSpot => Some(self.worst_spot),
            ScoreKind::Feature => Some(self.feature),
            ScoreKind::FeatureSpot => Some(self.feature_spot),
            ScoreKind::Critic => self.critic,
            ScoreKind::CriticDistance => self.critic_distance,
            ScoreKind::CriticPattern => self.critic_pattern,
            ScoreKind::CriticLine => self.critic_line,
            ScoreKind::Texture => self.texture,
            ScoreKind::Fused => self.fused,
        };
        value.map(f64::from)
    }

    /// Returns one score for computations; 0 if the model does not provide it.
    pub fn get(&self, kind: ScoreKind) -> f64 {
        self.known(kind).unwrap_or_default()
    }

    /// Returns one score as a cell of a table, in its native single precision; empty if the model does not provide it.
    pub(crate) fn cell(&self, kind: ScoreKind) -> String {
        self.known(kind).map(|value| (value as f32).to_string()).unwrap_or_default()
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
        let value = value as f32;
        match kind {
            ScoreKind::L1Sum => self.l1_sum = value,
            ScoreKind::L1 => self.l1 = value,
            ScoreKind::WorstTile => self.worst_tile = value,
            ScoreKind::WorstSpot => self.worst_spot = value,
            ScoreKind::Feature => self.feature = value,
            ScoreKind::FeatureSpot => self.feature_spot = value,
            ScoreKind::Critic => self.critic = Some(value),
            ScoreKind::CriticDistance => self.critic_distance = Some(value),
            ScoreKind::CriticPattern => self.critic_pattern = Some(value),
            ScoreKind::CriticLine => self.critic_line = Some(value),
            ScoreKind::Texture => self.texture = Some(value),
            ScoreKind::Fused => self.fused = Some(value),
        }
    }

    /// Removes the combined score.
    pub(crate) fn clear_fused(&mut self) {
        self.fused = None;
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

    #[test]
    fn a_score_that_a_model_lacks_is_not_zero() {
        let mut scores = Scores::default();
        scores.set(ScoreKind::L1, 0.0);
        scores.set(ScoreKind::Critic, -1.5);
        let cells = |scores: &Scores| ScoreKind::ALL.map(|kind| scores.cell(kind));
        assert_eq!(cells(&scores), ["0", "0", "0", "0", "0", "0", "-1.5", "", "", "", "", ""]);
        let text = serde_json::to_string(&scores).unwrap();
        assert!(text.contains(r#""critic":-1.5,"critic_distance":null,"critic_pattern":null,"fused":null"#), "{text}");
        assert_eq!(serde_json::from_str::<Scores>(&text).unwrap(), scores);
        // Files of earlier versions have 0, or no such key.
        let earlier = r#"{"l1_sum":0.0,"critic":-1.5,"critic_distance":0.0,"critic_pattern":0}"#;
        assert_eq!(serde_json::from_str::<Scores>(earlier).unwrap(), scores);
    }
}
