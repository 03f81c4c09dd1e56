//! The fused score: what several scores come to together, and by what they are weighed.

use serde::{Deserialize, Serialize};

use super::{ScoreKind, Scores, statistics::inverse_of_root};

/// Fewer labelled defects than this are no ground to weigh scores by.
pub(crate) const LEAST_LABELLED: usize = 5;

/// One score's part in the fused one: `weight * (score - centre) / spread`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FusionTerm {
    /// Which.
    pub score: ScoreKind,
    /// Mean over held-out healthy images.
    pub centre: f64,
    /// Standard deviation over the same.
    pub spread: f64,
    /// All weights add up to 1.
    pub weight: f64,
}

/// Labelled defects that scores were weighed by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelledScores {
    /// Where the images came from.
    pub data: String,
    /// How many they were.
    pub images: usize,
    /// What the fused score was made of before, with no label.
    pub before: Vec<FusionTerm>,
    /// The score that verdicts went by before.
    pub score: ScoreKind,
}

impl LabelledScores {
    /// What is to be kept in mind of it, as a sentence.
    pub fn caution(&self) -> String {
        format!(
            "The fused score was weighed by {} labelled defects of {}, so its figures on those very images flatter.",
            self.images, self.data
        )
    }
}

/// Why scores are not weighed by labelled defects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReweightError {
    /// Too few of them.
    #[error("{0} labelled defects are too few to weigh scores by; test with at least {LEAST_LABELLED}")]
    TooFew(usize),
    /// They look like good parts by every score.
    #[error("no score sets these defects apart from good parts, so there is nothing to weigh; the weights stay")]
    NothingTells,
}

/// Scores that are fused. Those left out say the same as one of these.
pub(crate) const FUSED: [ScoreKind; 7] = [
    ScoreKind::L1,
    ScoreKind::WorstSpot,
    ScoreKind::Feature,
    ScoreKind::FeatureSpot,
    ScoreKind::Critic,
    ScoreKind::CriticDistance,
    ScoreKind::CriticPattern,
];

/// One image can say no more than this of what a score is worth, standard deviations.
const MOST_MOVED: f64 = 4.0;
/// Of what scores have in common on healthy images, so much is taken to be true: a few damaged images tell too little to
/// leave a score out because another rises with it.
const TRUSTED: f64 = 0.7;

/// How scores are fused, from those of healthy images and of what damage made of some of them: by Fisher's direction
/// (1936), which weighs each by how many standard deviations of healthy images damage moves it, and lets those that rise
/// and fall together on healthy images share what one of them would count for. Each damaged image is compared with itself
/// as it was, where that is known: where healthy images differ much, a few damaged ones say nothing otherwise. A score that
/// only adds noise counts for nothing, and no label of a real defect plays a part unless `damaged` are such.
pub(crate) fn fusion(healthy: &[Scores], damaged: &[(Option<&Scores>, &Scores)]) -> Vec<FusionTerm> {
    let parts = FUSED.into_iter().filter_map(|kind| {
        let n = healthy.len().max(1) as f64;
        let centre = healthy.iter().map(|s| s.get(kind)).sum::<f64>() / n;
        let spread = (healthy.iter().map(|s| (s.get(kind) - centre).powi(2)).sum::<f64>() / n).sqrt();
        // The same value for every image says nothing, and nothing can be divided by no spread.
        let varies = spread > 1e-6 * centre.abs().max(1e-3);
        let moved = |(before, after): &(Option<&Scores>, &Scores)| {
            let before = before.map_or(centre, |scores| scores.get(kind));
            ((after.get(kind) - before) / spread.max(1e-12)).clamp(-MOST_MOVED, MOST_MOVED)
        };
        let weight = damaged.iter().map(moved).sum::<f64>() / damaged.len().max(1) as f64;
        (varies && weight > 0.0).then_some(FusionTerm { score: kind, centre, spread, weight })
    });
    shared(parts.collect(), healthy)
}

/// Weights of parts that know only how far damage moves each: what they say in common counts once, and those that would
/// have to be taken away from the others are left out.
fn shared(mut parts: Vec<FusionTerm>, healthy: &[Scores]) -> Vec<FusionTerm> {
    let moved: Vec<f64> = parts.iter().map(|p| p.weight).collect();
    // Few images exaggerate what scores have in common.
    let known = TRUSTED * healthy.len() as f64 / (healthy.len() + FUSED.len()) as f64;
    let together = |a: &FusionTerm, b: &FusionTerm| {
        let of = |p: &FusionTerm, s: &Scores| (s.get(p.score) - p.centre) / p.spread;
        let mean = healthy.iter().map(|s| of(a, s) * of(b, s)).sum::<f64>() / healthy.len().max(1) as f64;
        if a.score == b.score { 1.0 } else { known * mean }
    };
    let common: Vec<Vec<f64>> = parts.iter().map(|a| parts.iter().map(|b| together(a, b)).collect()).collect();
    let mut left: Vec<usize> = (0..parts.len()).collect();
    loop {
        let n = left.len();
        let own: Vec<f64> = left.iter().flat_map(|&a| left.iter().map(|&b| common[a][b]).collect::<Vec<_>>()).collect();
        let w = inverse_of_root(&own, n);
        let turned: Vec<f64> = (0..n).map(|k| (0..n).map(|i| w[i * n + k] * moved[left[i]]).sum()).collect();
        let weights: Vec<f64> = (0..n).map(|i| (0..n).map(|k| w[i * n + k] * turned[k]).sum()).collect();
        let least = (0..n).min_by(|&a, &b| weights[a].total_cmp(&weights[b]));
        match least.filter(|&i| weights[i] <= 0.0) {
            Some(i) => left.remove(i),
            None => {
                let all: f64 = weights.iter().sum();
                left.iter().zip(weights).for_each(|(&i, weight)| parts[i].weight = weight / all);
                break;
            }
        };
    }
    (0..parts.len()).filter(|i| left.contains(i)).map(|i| parts[i]).collect()
}
