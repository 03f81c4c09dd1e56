//! Maps of what the generator could not draw, and the scores that they come down to.

pub(super) mod fusion;
pub(super) mod statistics;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One way to say how odd a query is; larger is odder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreKind {
    /// The talk's loss: sum over pixels of |query - G(z)|, on the -1 to 1 scale.
    L1Sum,
    /// The same per pixel, so that sizes can be compared.
    L1,
    /// Per pixel, in the tile where it is largest.
    WorstTile,
    /// Per pixel, in the 7x7 spot where it is largest.
    WorstSpot,
    /// |f(query) - f(G(z))| per feature in D's third layer, the mean over the whole image.
    Feature,
    /// The same in the spot of 17x17 pixels where it is largest.
    FeatureSpot,
    /// The critic's logit where it is largest, in units of what is usual; 0 without a critic.
    Critic,
    /// Distance of the critic's features from what is usual (Mahalanobis) where it is largest, likewise.
    CriticDistance,
    /// Distance of the critic's map from that of the healthy image most like it, over 6 by 6 parts of the frame; 0 without a
    /// critic.
    CriticPattern,
    /// What the others come to together, by the weights of the calibration; 0 without one.
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

    /// Name in tables and files, and for [`FromStr`].
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
            Self::L1Sum => "Difference, summed",
            Self::L1 => "Difference per pixel",
            Self::WorstTile => "Worst tile",
            Self::WorstSpot => "Worst spot",
            Self::Feature => "Feature difference",
            Self::FeatureSpot => "Worst feature spot",
            Self::Critic => "Critic",
            Self::CriticDistance => "Critic's distance",
            Self::CriticPattern => "Critic's pattern",
            Self::Fused => "Fused score",
        }
    }

    /// One plain sentence on what it measures.
    pub fn describe(self) -> &'static str {
        match self {
            Self::L1Sum => "Sum of |query - G(z)| over all pixels, on the -1 to 1 scale: the 2017 talk's loss.",
            Self::L1 => "Mean of |query - G(z)| over all pixels, so that images of different size can be compared.",
            Self::WorstTile => "Mean of |query - G(z)| in the tile where it is largest.",
            Self::WorstSpot => "Mean of |query - G(z)| in the 7 by 7 pixel spot where it is largest.",
            Self::Feature => {
                "How far query and reconstruction lie apart in the eyes of D's third layer, over the whole image."
            }
            Self::FeatureSpot => "The same in the spot of about 17 by 17 pixels where it is largest.",
            Self::Critic => {
                "How sure the critic is of damage where it is surest, in standard deviations from what is usual."
            }
            Self::CriticDistance => {
                "How far the critic's features lie from the usual ones where they lie furthest (Mahalanobis distance)."
            }
            Self::CriticPattern => {
                "How far the critic's map, in 6 by 6 parts of the image, lies from that of the good part most like it."
            }
            Self::Fused => "The scores added up, each weighed by how far forged damage moves it.",
        }
    }
}

impl FromStr for ScoreKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no score `{name}`; choose one of {names}")
        })
    }
}

/// A query's scores, in single precision: what is written as text is then read back as it was.
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
}

impl Scores {
    /// One of them.
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

    /// Sets one of them.
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

/// Half the side of a spot, without its middle: spots are 7x7 pixels.
pub const SPOT_REACH: usize = 3;

/// The same for features, which lie 8 pixels apart.
pub const FEATURE_SPOT_REACH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_has_its_own_place() {
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
