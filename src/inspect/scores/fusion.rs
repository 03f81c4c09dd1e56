//! The combined score: a weighted sum of several scores, and how the weights are found.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ScoreKind, Scores};

/// Fewest labelled defects for reweighting.
pub(crate) const MIN_LABELLED: usize = 5;

/// One term of the combined score: `weight * (score - centre) / spread`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FusionTerm {
    /// The score.
    pub score: ScoreKind,
    /// Mean over held-out healthy images.
    pub centre: f64,
    /// Standard deviation over held-out healthy images.
    pub spread: f64,
    /// Weight; all weights add up to 1.
    pub weight: f64,
    /// Lower bound of the standardised score: a part is no healthier for being quieter than healthy parts. Absent in
    /// files of earlier versions, whose verdicts do not change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<f64>,
}

impl FusionTerm {
    /// What it adds to the combined score.
    pub(crate) fn of(&self, scores: &Scores) -> f64 {
        match self.least {
            Some(least) => self.weight * ((scores.get(self.score) - self.centre) / self.spread.max(1e-12)).max(least),
            None => self.weight * (scores.get(self.score) - self.centre) / self.spread.max(1e-12),
        }
    }
}

/// Labelled defects used for reweighting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelledScores {
    /// Source of the images.
    pub data: String,
    /// Number of images.
    pub images: usize,
    /// Terms of the combined score before any label.
    pub before: Vec<FusionTerm>,
    /// The deciding score before.
    pub score: ScoreKind,
}

impl LabelledScores {
    /// The caveat for metrics on these images, as a sentence.
    pub(crate) fn caution(&self) -> String {
        format!(
            "The combined score was reweighted with {} labelled defects of {}; its metrics on these images are optimistic.",
            self.images, self.data
        )
    }
}

/// Why the scores cannot be reweighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReweightError {
    /// Too few labelled defects.
    #[error("{0} labelled defects are too few for reweighting; evaluate with at least {MIN_LABELLED}")]
    TooFew(usize),
    /// No score separates them from healthy images.
    #[error("no score separates these defects from healthy parts; the weights are unchanged")]
    NotSeparable,
}

/// Scores that are combined; the others are redundant with one of these.
pub(crate) const FUSED: [ScoreKind; 9] = [
    ScoreKind::L1,
    ScoreKind::WorstSpot,
    ScoreKind::Feature,
    ScoreKind::FeatureSpot,
    ScoreKind::Critic,
    ScoreKind::CriticDistance,
    ScoreKind::CriticPattern,
    ScoreKind::CriticLine,
    ScoreKind::Texture,
];

/// One in so many healthy images is below the lower bound of a standardised score.
const LEAST_SHARE: usize = 10;
/// Limit of the shift that damage causes, standard deviations.
const MAX_SHIFT: f64 = 6.0;
/// Shrinkage of the correlation between scores on healthy images: a few damaged images are not enough evidence to
/// drop a score because another correlates with it.
const CORRELATION_SHRINKAGE: f64 = 0.7;
/// Share of the weight that is spread equally over the groups of scores.
const EQUAL_SHARE: f64 = 0.1;
/// Healthy parts to come vary more than held-out ones, which resemble those that the networks were trained on: their assumed
/// standard deviation, of that of the held-out images. Without it, a score that hardly varies among these and overlooks
/// little of the synthetic damage would decide alone.
const LATER_SPREAD: f64 = 2.0;
/// Steps and step size of the search for weights.
const STEPS: usize = 2_000;
const STEP: f64 = 2.0;
/// Most fits of the terms without some of the images.
const MAX_FITS: usize = 32;
/// Weights below this are 0.
const LEAST_WEIGHT: f64 = 1e-3;

/// Finds the weights of the combined score from the scores of healthy images and of damage in some of them: those with which
/// the combined score of a damaged image most probably exceeds that of another healthy image, its expected AUROC. Damage that
/// every score shows, or none, does not matter then; Fisher's linear discriminant (1936), which does the same for the mean
/// damage, would let it decide. Each damaged image is compared with its undamaged counterpart where that is known; otherwise a
/// few images are too noisy where healthy images vary a lot. Correlated scores share the weight that one of them would have,
/// and a score that only adds noise gets none. No label of a real defect is involved unless `damaged` holds real defects.
pub(crate) fn fusion(healthy: &[Scores], damaged: &[(Option<&Scores>, &Scores)]) -> Vec<FusionTerm> {
    let (mut parts, mut shifts) = (Vec::new(), Vec::new());
    for kind in FUSED {
        let n = healthy.len().max(1) as f64;
        let centre = healthy.iter().map(|s| s.get(kind)).sum::<f64>() / n;
        let spread = (healthy.iter().map(|s| (s.get(kind) - centre).powi(2)).sum::<f64>() / n).sqrt();
        let (centre, spread) = (rounded(centre), rounded(spread));
        let moved = |(before, after): &(Option<&Scores>, &Scores)| {
            let before = before.map_or(centre, |scores| scores.get(kind));
            ((after.get(kind) - before) / spread.max(1e-12)).clamp(-MAX_SHIFT, MAX_SHIFT)
        };
        let shift: Vec<f64> = damaged.iter().map(moved).collect();
        let weight = shift.iter().sum::<f64>() / damaged.len().max(1) as f64;
        // A constant score carries no information and has no spread to divide by.
        if spread > 1e-6 * centre.abs().max(1e-3) && weight > 0.0 {
            let mut standardised: Vec<f64> =
                healthy.iter().map(|s| (s.get(kind) - centre) / spread.max(1e-12)).collect();
            standardised.sort_by(f64::total_cmp);
            // Few digits are read back from a model file exactly.
            let least = standardised.get(standardised.len() / LEAST_SHARE).map(|value| (value * 1e6).round() / 1e6);
            parts.push(FusionTerm { score: kind, centre, spread, weight, least });
            shifts.push(shift);
        }
    }
    weighted(parts, &shifts, healthy)
}

/// Combined scores of healthy images as they are of parts to come: each image, or group of many images, with the terms that
/// the others give. With `terms`, which rest on these very images, they would vary less than later parts do, and a threshold
/// among them would cause more false alarms than promised: with ten images nearly twice as many. Leaving each one out makes it
/// as new to its terms as a later part is to `terms` (Barber et al., "Predictive inference with the jackknife+", 2021).
pub(crate) fn held_out_fused(
    healthy: &[Scores],
    damaged: &[(Option<&Scores>, &Scores)],
    terms: &[FusionTerm],
) -> Vec<f64> {
    let groups = healthy.len().min(MAX_FITS);
    let without = |group: usize| -> Vec<FusionTerm> {
        let is_in = |i: usize| i % groups == group;
        let others: Vec<Scores> =
            healthy.iter().enumerate().filter(|(i, _)| !is_in(*i)).map(|(_, scores)| scores.clone()).collect();
        // Damage in an image that is left out tells about that image, too.
        let left_out =
            |before: &Scores| (group..healthy.len()).step_by(groups).any(|i| std::ptr::eq(before, &healthy[i]));
        let others_damaged: Vec<_> =
            damaged.iter().filter(|(before, _)| !before.is_some_and(left_out)).copied().collect();
        fusion(&others, &others_damaged)
    };
    let all: Vec<Vec<FusionTerm>> = (0..groups).into_par_iter().map(without).collect();
    let of = |(i, scores): (usize, &Scores)| {
        let own = all.get(i % groups.max(1)).filter(|own| !own.is_empty());
        own.map_or(terms, Vec::as_slice).iter().map(|term| term.of(scores)).sum()
    };
    healthy.iter().enumerate().map(of).collect()
}

/// A number of few digits, which is read back from a model file exactly.
fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

/// Turns the mean shift of each score, which `parts` come with, into weights, and shrinks them towards equal weights of the
/// independent groups of scores: a group that synthetic damage does not move at all keeps a little weight, because real
/// damage may.
fn weighted(mut parts: Vec<FusionTerm>, shifts: &[Vec<f64>], healthy: &[Scores]) -> Vec<FusionTerm> {
    let moved: Vec<f64> = parts.iter().map(|p| p.weight).collect();
    let best = best_weights(&moved, shifts, &correlations(&parts, healthy));
    let groups: Vec<Group> = parts.iter().map(|part| Group::of(part.score)).collect();
    let present = Group::ALL.into_iter().filter(|group| groups.contains(group)).count().max(1) as f64;
    for (i, part) in parts.iter_mut().enumerate() {
        let of_group = |all: &[f64]| (0..all.len()).filter(|&j| groups[j] == groups[i]).map(|j| all[j]).sum::<f64>();
        // Within a group as the best weights are, or as damage moves the scores of a group without any.
        let share = match of_group(&best) {
            sum if sum > 0.0 => best[i] / sum,
            _ => moved[i] / of_group(&moved),
        };
        part.weight = rounded((1.0 - EQUAL_SHARE) * best[i] + EQUAL_SHARE * share / present);
    }
    parts.retain(|part| part.weight > 0.0);
    parts
}

/// Scores that measure much the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    /// Differences of pixels.
    Pixels,
    /// Differences in the features of D.
    Features,
    /// What the critic says.
    Critic,
    /// Statistics of the texture.
    Texture,
}

impl Group {
    const ALL: [Self; 4] = [Self::Pixels, Self::Features, Self::Critic, Self::Texture];

    fn of(score: ScoreKind) -> Self {
        match score {
            ScoreKind::L1Sum | ScoreKind::L1 | ScoreKind::WorstTile | ScoreKind::WorstSpot => Self::Pixels,
            ScoreKind::Feature | ScoreKind::FeatureSpot => Self::Features,
            ScoreKind::Texture => Self::Texture,
            _ => Self::Critic,
        }
    }
}

/// Correlations of the scores on healthy images, shrunk towards none.
fn correlations(parts: &[FusionTerm], healthy: &[Scores]) -> Vec<Vec<f64>> {
    // Few images overestimate correlations.
    let known = CORRELATION_SHRINKAGE * healthy.len() as f64 / (healthy.len() + FUSED.len()) as f64;
    let together = |a: &FusionTerm, b: &FusionTerm| {
        let of = |p: &FusionTerm, s: &Scores| (s.get(p.score) - p.centre) / p.spread;
        let mean = healthy.iter().map(|s| of(a, s) * of(b, s)).sum::<f64>() / healthy.len().max(1) as f64;
        if a.score == b.score { 1.0 } else { known * mean }
    };
    parts.iter().map(|a| parts.iter().map(|b| together(a, b)).collect()).collect()
}

/// Weights, none negative and 1 in all, that maximise the expected AUROC: the mean over damaged images of the probability
/// that a normally distributed difference of two healthy images is below the shift. Found by exponentiated gradient ascent
/// (Kivinen and Warmuth 1997), from weights as the mean shifts, which stay where all damage is seen anyway.
fn best_weights(moved: &[f64], shifts: &[Vec<f64>], common: &[Vec<f64>]) -> Vec<f64> {
    let n = shifts.len();
    let images = shifts.first().map_or(0, Vec::len);
    let sum: f64 = moved.iter().sum();
    let mut weights: Vec<f64> = moved.iter().map(|shift| shift / sum.max(1e-12)).collect();
    // The difference of two parts has twice the variance of one.
    let pair = 2.0 * LATER_SPREAD.powi(2);
    for _ in 0..STEPS {
        let spread: Vec<f64> = common.iter().map(|row| row.iter().zip(&weights).map(|(c, w)| c * w).sum()).collect();
        let variance = (pair * weights.iter().zip(&spread).map(|(w, s)| w * s).sum::<f64>()).max(1e-12);
        let deviation = variance.sqrt();
        let mut gradient = vec![0.0; n];
        for image in 0..images {
            let shift = weights.iter().zip(shifts).map(|(w, shift)| w * shift[image]).sum::<f64>() / deviation;
            // The normal distribution is close to a logistic one 1.702 times as steep.
            let above = 1.0 / (1.0 + (-1.702 * shift).exp());
            let slope = 1.702 * above * (1.0 - above) / images as f64;
            for (k, sum) in gradient.iter_mut().enumerate() {
                *sum += slope * (shifts[k][image] / deviation - pair * shift * spread[k] / variance);
            }
        }
        weights.iter_mut().zip(gradient).for_each(|(w, g)| *w *= (STEP * g).exp());
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
    }
    weights.iter_mut().filter(|w| **w < LEAST_WEIGHT).for_each(|w| *w = 0.0);
    let sum = weights.iter().sum::<f64>().max(1e-12);
    weights.into_iter().map(|w| w / sum).collect()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn scores(of: impl Fn(ScoreKind) -> f64) -> Scores {
        let mut scores = Scores::default();
        FUSED.into_iter().for_each(|kind| scores.set(kind, of(kind)));
        scores
    }

    /// Healthy images whose scores vary independently, and the same with one group moved by `moved`.
    fn images(moved: impl Fn(Group) -> f64) -> (Vec<Scores>, Vec<Scores>) {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let noise: Vec<f64> = (0..400 * 16).map(|_| rng.random_range(0.0..1.0)).collect();
        let value = |i: usize, kind: ScoreKind| noise[i * 16 + kind as usize];
        let healthy: Vec<Scores> = (0..400).map(|i| scores(|kind| value(i, kind))).collect();
        let damaged = (0..16).map(|i| scores(|kind| value(i, kind) + moved(Group::of(kind)))).collect();
        (healthy, damaged)
    }

    fn weights(moved: impl Fn(Group) -> f64) -> Vec<(Group, f64)> {
        let (healthy, damaged) = images(moved);
        let pairs: Vec<_> = damaged.iter().enumerate().map(|(i, after)| (healthy.get(i), after)).collect();
        let terms = fusion(&healthy, &pairs);
        assert!((terms.iter().map(|t| t.weight).sum::<f64>() - 1.0).abs() < 1e-8);
        assert!(terms.iter().all(|t| t.weight > 0.0 && t.least.is_some()));
        Group::ALL
            .into_iter()
            .map(|group| (group, terms.iter().filter(|t| Group::of(t.score) == group).map(|t| t.weight).sum()))
            .collect()
    }

    #[test]
    fn the_group_that_damage_moves_most_weighs_most_and_every_group_a_little() {
        for strongest in Group::ALL {
            let of = weights(|group| if group == strongest { 2.0 } else { 0.02 });
            for (group, weight) in of {
                let wanted =
                    if group == strongest { 0.7..1.0 } else { 0.9 * EQUAL_SHARE / Group::ALL.len() as f64..0.2 };
                assert!(wanted.contains(&weight), "{strongest:?}: {group:?} weighs {weight}");
            }
        }
    }

    #[test]
    fn damage_that_one_score_alone_shows_decides_and_that_which_all_show_does_not() {
        // Of ten defects, seven show in the critic and the features, in the critic far more, and three in the texture only.
        let (healthy, damaged) = images(|_| 0.0);
        let damaged: Vec<Scores> = (0..10)
            .map(|i| {
                let shift = |group| match (i < 7, group) {
                    (true, Group::Critic) => 3.0,
                    (true, Group::Features) | (false, Group::Texture) => 1.5,
                    _ => 0.01,
                };
                scores(|kind| damaged[i].get(kind) + shift(Group::of(kind)))
            })
            .collect();
        let pairs: Vec<_> = damaged.iter().enumerate().map(|(i, after)| (healthy.get(i), after)).collect();
        let terms = fusion(&healthy, &pairs);
        let value = |s: &Scores| terms.iter().map(|term| term.of(s)).sum::<f64>();
        let highest = healthy.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
        assert!(damaged.iter().all(|s| value(s) > highest), "{terms:?}");
    }

    #[test]
    fn a_group_that_damage_lowers_has_no_weight() {
        let of = weights(|group| if group == Group::Pixels { -1.0 } else { 1.0 });
        assert!(of[0].1 == 0.0 && of[1].1 > 0.1 && of[2].1 > 0.1, "{of:?}");
    }
}
