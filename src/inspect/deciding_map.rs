//! The map to show first: that of the score that decides.

use super::{Calibration, ScoreKind, evaluation::EvaluatedMap};

/// The map that shows where the deciding score comes from: its own map, or, for the combined score, the map whose scores
/// carry most of its weight. Without a calibration, the critic's if the model has a critic.
pub fn deciding_map(calibration: Option<&Calibration>, has_critic: bool) -> EvaluatedMap {
    let map = match calibration {
        Some(calibration) if calibration.score == ScoreKind::Fused => heaviest(calibration),
        Some(calibration) => map_of(calibration.score),
        None => None,
    };
    let map = map.unwrap_or(if has_critic { EvaluatedMap::Critic } else { EvaluatedMap::Difference });
    let of_critic = matches!(map, EvaluatedMap::Critic | EvaluatedMap::Distance);
    if of_critic && !has_critic { EvaluatedMap::Difference } else { map }
}

/// The map that a score is computed from; `None` for the combined score.
fn map_of(score: ScoreKind) -> Option<EvaluatedMap> {
    match score {
        ScoreKind::L1Sum | ScoreKind::L1 | ScoreKind::WorstTile | ScoreKind::WorstSpot => {
            Some(EvaluatedMap::Difference)
        }
        ScoreKind::Feature | ScoreKind::FeatureSpot => Some(EvaluatedMap::Feature),
        ScoreKind::Critic | ScoreKind::CriticPattern | ScoreKind::CriticLine | ScoreKind::Texture => {
            Some(EvaluatedMap::Critic)
        }
        ScoreKind::CriticDistance => Some(EvaluatedMap::Distance),
        ScoreKind::Fused => None,
    }
}

/// The map with the largest total weight in the combined score. The critic's two maps count together, as both see the
/// same damage; of these, the heavier one is shown.
fn heaviest(calibration: &Calibration) -> Option<EvaluatedMap> {
    let weight = |map| -> f64 {
        calibration.fusion.iter().filter(|term| map_of(term.score) == Some(map)).map(|term| term.weight).sum()
    };
    let [difference, feature, critic, distance] = EvaluatedMap::ALL.map(weight);
    if calibration.fusion.is_empty() {
        return None;
    }
    Some(if critic + distance >= difference.max(feature) {
        if distance > critic { EvaluatedMap::Distance } else { EvaluatedMap::Critic }
    } else if feature > difference {
        EvaluatedMap::Feature
    } else {
        EvaluatedMap::Difference
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::{FusionTerm, InvertKnobs, Regions, calibration::MapScale};

    fn calibration(score: ScoreKind, weights: &[(ScoreKind, f64)]) -> Calibration {
        let term = |&(score, weight)| FusionTerm { score, centre: 0.0, spread: 1.0, weight, least: None };
        Calibration {
            knobs: InvertKnobs::default(),
            regions: Regions::default(),
            held_out: Vec::new(),
            size: (64, 64),
            smallest: None,
            scale: MapScale { difference: 1.0, feature: 1.0, critic: 8.0, distance: 8.0 },
            score,
            fusion: weights.iter().map(term).collect(),
            labelled: None,
            frames: None,
            region_levels: None,
            damaged: Vec::new(),
        }
    }

    #[test]
    fn the_map_is_that_of_the_score_that_decides() {
        use ScoreKind::{Critic, CriticDistance, CriticPattern, Feature, FeatureSpot, Fused, L1, WorstSpot};
        let table = [
            (Fused, vec![(L1, 0.3), (Critic, 0.4), (CriticDistance, 0.3)], EvaluatedMap::Critic),
            (Fused, vec![(L1, 0.4), (Critic, 0.2), (CriticDistance, 0.4)], EvaluatedMap::Distance),
            // No single score of the critic is the heaviest, but together they are.
            (Fused, vec![(WorstSpot, 0.4), (Critic, 0.3), (CriticPattern, 0.3)], EvaluatedMap::Critic),
            (Fused, vec![(WorstSpot, 0.6), (Critic, 0.4)], EvaluatedMap::Difference),
            (Fused, vec![(Feature, 0.4), (FeatureSpot, 0.2), (Critic, 0.4)], EvaluatedMap::Feature),
            (Fused, vec![], EvaluatedMap::Critic),
            (WorstSpot, vec![], EvaluatedMap::Difference),
            (FeatureSpot, vec![], EvaluatedMap::Feature),
            (CriticDistance, vec![], EvaluatedMap::Distance),
            (CriticPattern, vec![], EvaluatedMap::Critic),
        ];
        for (score, weights, wanted) in table {
            let map = deciding_map(Some(&calibration(score, &weights)), true);
            assert_eq!(map, wanted, "{score:?} {weights:?}");
        }
        assert_eq!(deciding_map(None, true), EvaluatedMap::Critic);
        assert_eq!(deciding_map(None, false), EvaluatedMap::Difference);
        let of_critic = calibration(Fused, &[(Critic, 1.0)]);
        assert_eq!(deciding_map(Some(&of_critic), false), EvaluatedMap::Difference, "a map that is not there");
    }
}
