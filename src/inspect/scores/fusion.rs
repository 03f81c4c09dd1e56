//! The fused score: what several scores come to together, and by what they are weighed.

use serde::{Deserialize, Serialize};

use super::{ScoreKind, Scores, statistics::inverse_of_root};
use crate::inspect::calibration::Calibration;

/// Fewer labelled defects than this are no ground to weigh scores by.
const LEAST_LABELLED: usize = 5;

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
pub enum WeighError {
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

impl Calibration {
    /// Sets the fused score from the others.
    pub fn fuse(&self, scores: &mut Scores) {
        let parts = self.fusion.iter();
        let fused = parts.map(|p| p.weight * (scores.get(p.score) - p.centre) / p.spread.max(1e-12)).sum();
        scores.set(ScoreKind::Fused, fused);
    }

    /// Weighs the parts of the fused score by labelled defects in place of forged ones, and goes by it from now on. The
    /// threshold stays a matter of held-out healthy images, so what is promised is kept either way.
    ///
    /// # Errors
    /// [`WeighError`] when they are too few or tell nothing; nothing is changed then.
    pub fn weigh(&mut self, defective: &[Scores], data: &str) -> Result<(), WeighError> {
        if defective.len() < LEAST_LABELLED {
            return Err(WeighError::TooFew(defective.len()));
        }
        let healthy: Vec<Scores> = self.held_out.iter().map(|h| h.scores.clone()).collect();
        let defective: Vec<_> = defective.iter().map(|scores| (None, scores)).collect();
        let parts = fusion(&healthy, &defective);
        if parts.is_empty() {
            return Err(WeighError::NothingTells);
        }
        let before = std::mem::replace(&mut self.fusion, parts);
        let (before, score) = match self.labelled.take() {
            Some(earlier) => (earlier.before, earlier.score),
            None => (before, self.score),
        };
        self.labelled = Some(LabelledScores { data: data.into(), images: defective.len(), before, score });
        self.score = ScoreKind::Fused;
        self.fuse_held_out();
        Ok(())
    }

    /// Weighs the parts as they were before any label; `false` where there was none.
    pub fn forget_labels(&mut self) -> bool {
        let Some(labelled) = self.labelled.take() else { return false };
        (self.fusion, self.score) = (labelled.before, labelled.score);
        self.fuse_held_out();
        true
    }

    /// Brings the fused scores of the held-out images up to date with the weights.
    pub(crate) fn fuse_held_out(&mut self) {
        let mut held_out = std::mem::take(&mut self.held_out);
        held_out.iter_mut().for_each(|h| self.fuse(&mut h.scores));
        self.held_out = held_out;
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{
        data::FileHash,
        inspect::{
            InvertKnobs, Regions,
            calibration::{HeldOut, MapScale},
            evaluation::metrics::auroc,
        },
    };

    fn calibration(healthy: Vec<Scores>, fusion: Vec<FusionTerm>) -> Calibration {
        let held_out = healthy.into_iter().map(|scores| HeldOut { hash: FileHash::of(b"one"), scores });
        let mut calibration = Calibration {
            knobs: InvertKnobs::default(),
            regions: Regions::default(),
            held_out: held_out.collect(),
            size: (64, 64),
            smallest: None,
            scale: MapScale { difference: 1.0, feature: 1.0, critic: 8.0, distance: 8.0 },
            score: ScoreKind::Fused,
            fusion,
            labelled: None,
        };
        calibration.fuse_held_out();
        calibration
    }

    fn fused(c: &Calibration, all: &[Scores]) -> Vec<f64> {
        let fused = |scores: &Scores| {
            let mut scores = scores.clone();
            c.fuse(&mut scores);
            scores.get(ScoreKind::Fused)
        };
        all.iter().map(fused).collect()
    }

    /// Damaged images that are not known from before.
    fn alone(damaged: &[Scores]) -> Vec<(Option<&Scores>, &Scores)> {
        damaged.iter().map(|scores| (None, scores)).collect()
    }

    fn draw(rng: &mut ChaCha8Rng, l1: f64, critic: f64) -> Scores {
        let mut scores = Scores::default();
        scores.set(ScoreKind::L1, rng.random::<f64>() + l1);
        scores.set(ScoreKind::Critic, rng.random::<f64>() + critic);
        scores
    }

    #[test]
    fn a_score_that_tells_nothing_counts_for_nothing() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mut image = |damage: f64| {
            let mut scores = Scores::default();
            scores.set(ScoreKind::L1, rng.random());
            scores.set(ScoreKind::Critic, rng.random::<f64>() + damage);
            scores.set(ScoreKind::Feature, 5.0 + rng.random::<f64>() + 0.5 * damage);
            scores
        };
        let healthy: Vec<Scores> = (0..200).map(|_| image(0.0)).collect();
        let forged: Vec<Scores> = (0..200).map(|_| image(0.9)).collect();
        let parts = fusion(&healthy, &alone(&forged));
        let weight = |kind| parts.iter().find(|p| p.score == kind).map_or(0.0, |p| p.weight);
        assert!((parts.iter().map(|p| p.weight).sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(weight(ScoreKind::Critic) > weight(ScoreKind::Feature) && weight(ScoreKind::Feature) > 0.2);
        assert!(weight(ScoreKind::L1) < 0.05 && weight(ScoreKind::CriticDistance) == 0.0);
        let c = calibration(healthy.clone(), parts);
        let (whole, bad) = (fused(&c, &healthy), fused(&c, &forged));
        assert!(whole.iter().sum::<f64>().abs() < 1e-3 && auroc(&whole, &bad).unwrap() > 0.95);
    }

    #[test]
    fn scores_that_say_the_same_share_what_one_would_count_for() {
        // Two scores are near copies of each other, a third stands on its own; damage moves all alike.
        let mut rng = ChaCha8Rng::seed_from_u64(12);
        let mut image = |damage: f64| {
            let (common, own) = (rng.random::<f64>(), rng.random::<f64>());
            let mut scores = Scores::default();
            scores.set(ScoreKind::Critic, common + 0.1 * rng.random::<f64>() + damage);
            scores.set(ScoreKind::CriticDistance, common + 0.1 * rng.random::<f64>() + damage);
            scores.set(ScoreKind::Feature, own + damage);
            scores
        };
        let healthy: Vec<Scores> = (0..400).map(|_| image(0.0)).collect();
        let forged: Vec<Scores> = (0..400).map(|_| image(0.6)).collect();
        let parts = fusion(&healthy, &alone(&forged));
        let weight = |kind| parts.iter().find(|p| p.score == kind).map_or(0.0, |p| p.weight);
        let copies = weight(ScoreKind::Critic) + weight(ScoreKind::CriticDistance);
        assert!((weight(ScoreKind::Feature) - copies).abs() < 0.1, "{parts:?}");
        // A score that damage moves less than what it has in common with another would have to be taken away.
        let dull: Vec<Scores> = forged
            .iter()
            .map(|s| {
                let mut s = s.clone();
                s.set(ScoreKind::CriticDistance, s.get(ScoreKind::CriticDistance) - 0.5);
                s
            })
            .collect();
        let parts = fusion(&healthy, &alone(&dull));
        assert_eq!(parts.iter().map(|p| p.score).collect::<Vec<_>>(), [ScoreKind::Feature, ScoreKind::Critic]);
        assert!((parts.iter().map(|p| p.weight).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn labelled_defects_weigh_what_forged_ones_did_not() {
        // Forged damage shows in the critic alone, the defects of this line in the difference alone.
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let healthy: Vec<Scores> = (0..100).map(|_| draw(&mut rng, 0.0, 0.0)).collect();
        let forged: Vec<Scores> = (0..50).map(|_| draw(&mut rng, 0.0, 0.8)).collect();
        let [taught, fresh] = [(); 2].map(|()| (0..40).map(|_| draw(&mut rng, 0.8, 0.0)).collect::<Vec<Scores>>());
        let mut c = calibration(healthy.clone(), fusion(&healthy, &alone(&forged)));
        let before = c.clone();
        let auroc_of = |c: &Calibration| auroc(&fused(c, &healthy), &fused(c, &fresh)).unwrap();
        let without = auroc_of(&c);
        c.weigh(&taught, "a folder").unwrap();
        assert!(without < 0.7 && auroc_of(&c) > 0.9, "{without} {}", auroc_of(&c));
        let kept: Vec<f64> = c.held_out.iter().map(|h| h.scores.get(ScoreKind::Fused)).collect();
        assert_eq!(kept, fused(&c, &healthy), "the promise rests on the same weights");
        let labelled = c.labelled.clone().unwrap();
        assert!(labelled.caution().contains("40 labelled defects of a folder"));
        // Taught once more and taken back: as it was at first.
        c.weigh(&fresh, "another").unwrap();
        assert!(c.forget_labels() && c == before && !c.forget_labels());
    }

    #[test]
    fn a_few_damaged_images_of_many_unlike_ones_are_enough() {
        // Healthy images differ by far more than damage moves them, as parts under changing light do.
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let healthy: Vec<Scores> = (0..64)
            .map(|_| {
                let heavy = rng.random::<f64>().powi(6) * 20.0;
                draw(&mut rng, 0.0, heavy)
            })
            .collect();
        // The quieter ones were damaged: without their past they look better than the rest.
        let mut quiet: Vec<&Scores> = healthy.iter().collect();
        quiet.sort_by(|a, b| a.get(ScoreKind::Critic).total_cmp(&b.get(ScoreKind::Critic)));
        let damaged: Vec<Scores> = quiet[..10]
            .iter()
            .map(|&before| {
                let mut after = before.clone();
                after.set(ScoreKind::Critic, before.get(ScoreKind::Critic) + 2.0);
                after
            })
            .collect();
        assert!(fusion(&healthy, &alone(&damaged)).iter().all(|p| p.score != ScoreKind::Critic));
        let pairs: Vec<_> = quiet.into_iter().map(Some).zip(&damaged).collect();
        let parts = fusion(&healthy, &pairs);
        assert_eq!(parts.iter().map(|p| p.score).collect::<Vec<_>>(), [ScoreKind::Critic]);
    }

    #[test]
    fn labels_that_tell_nothing_change_nothing() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let healthy: Vec<Scores> = (0..100).map(|_| draw(&mut rng, 0.0, 0.0)).collect();
        let lower: Vec<Scores> = (0..20).map(|_| draw(&mut rng, -0.5, -0.5)).collect();
        let mut c = calibration(healthy.clone(), Vec::new());
        let before = c.clone();
        assert_eq!(c.weigh(&lower, "a folder"), Err(WeighError::NothingTells));
        assert_eq!(c.weigh(&healthy[..4], "a folder"), Err(WeighError::TooFew(4)));
        assert!(c == before);
    }
}
