//! The combined score of a calibration: applying it, reweighting it by labelled defects, and undoing that.

use super::{Calibration, HeldOut};
use crate::inspect::{
    LabelledScores, ReweightError, ScoreKind, Scores,
    scores::fusion::{MIN_LABELLED, fusion, held_out_fused},
};

impl Calibration {
    /// Finds the weights of the combined score from the damaged images, and makes it the deciding score if it has any terms.
    pub(super) fn weight(&mut self) {
        let healthy = self.held_out_scores();
        self.fusion = fusion(&healthy, &self.pairs(&healthy));
        if !self.fusion.is_empty() {
            self.score = ScoreKind::Fused;
            self.score_held_out();
        }
    }

    fn held_out_scores(&self) -> Vec<Scores> {
        self.held_out.iter().map(|h| h.scores.clone()).collect()
    }

    /// The damaged images beside their undamaged counterparts, which are among `healthy`.
    fn pairs<'a>(&'a self, healthy: &'a [Scores]) -> Vec<(Option<&'a Scores>, &'a Scores)> {
        self.damaged.iter().map(|image| (healthy.get(image.held_out), &image.scores)).collect()
    }

    /// Computes the combined scores of the held-out images without any label; with the terms at hand, as earlier versions
    /// did, where the damaged images are not stored.
    fn score_held_out(&mut self) {
        if self.damaged.is_empty() {
            return self.fuse_held_out();
        }
        let healthy = self.held_out_scores();
        let fused = held_out_fused(&healthy, &self.pairs(&healthy), &self.fusion);
        set_fused(&mut self.held_out, &fused);
    }

    /// Computes the combined score from the others.
    pub(crate) fn fuse(&self, scores: &mut Scores) {
        if self.fusion.is_empty() {
            return scores.clear_fused();
        }
        let fused = self.fusion.iter().map(|term| term.of(scores)).sum();
        scores.set(ScoreKind::Fused, fused);
    }

    /// Reweights the combined score by labelled defects instead of synthetic ones and makes it the deciding score. The
    /// threshold still comes from held-out healthy images, so the promised rate holds either way.
    ///
    /// # Errors
    /// [`ReweightError`] when there are too few or no score separates them; nothing is changed then.
    pub fn reweight(&mut self, defective: &[Scores], data: &str) -> Result<(), ReweightError> {
        if defective.len() < MIN_LABELLED {
            return Err(ReweightError::TooFew(defective.len()));
        }
        let healthy = self.held_out_scores();
        let defective: Vec<_> = defective.iter().map(|scores| (None, scores)).collect();
        let parts = fusion(&healthy, &defective);
        if parts.is_empty() {
            return Err(ReweightError::NotSeparable);
        }
        let before = std::mem::replace(&mut self.fusion, parts);
        let (before, score) = match self.labelled.take() {
            Some(earlier) => (earlier.before, earlier.score),
            None => (before, self.score),
        };
        self.labelled = Some(LabelledScores { data: data.into(), images: defective.len(), before, score });
        self.score = ScoreKind::Fused;
        set_fused(&mut self.held_out, &held_out_fused(&healthy, &defective, &self.fusion));
        Ok(())
    }

    /// Restores the weights from before any label; `false` if there were no labels.
    pub fn remove_labels(&mut self) -> bool {
        let Some(labelled) = self.labelled.take() else { return false };
        (self.fusion, self.score) = (labelled.before, labelled.score);
        self.score_held_out();
        true
    }

    /// Recomputes the combined scores of the held-out images with the terms at hand.
    pub(crate) fn fuse_held_out(&mut self) {
        let mut held_out = std::mem::take(&mut self.held_out);
        held_out.iter_mut().for_each(|h| self.fuse(&mut h.scores));
        self.held_out = held_out;
    }
}

/// Sets the combined score of each held-out image.
fn set_fused(held_out: &mut [HeldOut], fused: &[f64]) {
    held_out.iter_mut().zip(fused).for_each(|(image, fused)| image.scores.set(ScoreKind::Fused, *fused));
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{
        data::FileHash,
        inspect::{
            FusionTerm, InvertKnobs, Regions,
            calibration::{DamagedImage, MapScale},
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
            frames: None,
            region_levels: None,
            damaged: Vec::new(),
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

    /// Damaged images without their undamaged counterpart.
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
    fn uninformative_scores_get_no_weight() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mut image = |damage: f64| {
            let mut scores = Scores::default();
            scores.set(ScoreKind::L1, rng.random());
            scores.set(ScoreKind::Critic, rng.random::<f64>() + damage);
            scores.set(ScoreKind::Feature, 5.0 + rng.random::<f64>() + 0.5 * damage);
            scores
        };
        let healthy: Vec<Scores> = (0..200).map(|_| image(0.0)).collect();
        let synthetic: Vec<Scores> = (0..200).map(|_| image(0.9)).collect();
        let parts = fusion(&healthy, &alone(&synthetic));
        let weight = |kind| parts.iter().find(|p| p.score == kind).map_or(0.0, |p| p.weight);
        assert!((parts.iter().map(|p| p.weight).sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(weight(ScoreKind::Critic) > weight(ScoreKind::Feature) && weight(ScoreKind::Feature) > 0.2);
        assert!(weight(ScoreKind::L1) < 0.05 && weight(ScoreKind::CriticDistance) == 0.0);
        let c = calibration(healthy.clone(), parts);
        let (whole, bad) = (fused(&c, &healthy), fused(&c, &synthetic));
        // Above 0 by what the lower bound of each term leaves out.
        let mean = whole.iter().sum::<f64>() / whole.len() as f64;
        assert!((-1e-6..0.1).contains(&mean) && auroc(&whole, &bad).unwrap() > 0.95);
    }

    #[test]
    fn correlated_scores_share_one_weight() {
        // Two scores are near copies of each other, a third is independent; damage moves all equally.
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
        let synthetic: Vec<Scores> = (0..400).map(|_| image(0.6)).collect();
        let parts = fusion(&healthy, &alone(&synthetic));
        let weight = |kind| parts.iter().find(|p| p.score == kind).map_or(0.0, |p| p.weight);
        let copies = weight(ScoreKind::Critic) + weight(ScoreKind::CriticDistance);
        assert!((weight(ScoreKind::Feature) - copies).abs() < 0.1, "{parts:?}");
        // A score that damage moves less than its correlation predicts would get a negative weight.
        let weaker: Vec<Scores> = synthetic
            .iter()
            .map(|s| {
                let mut s = s.clone();
                s.set(ScoreKind::CriticDistance, s.get(ScoreKind::CriticDistance) - 0.5);
                s
            })
            .collect();
        let parts = fusion(&healthy, &alone(&weaker));
        assert_eq!(parts.iter().map(|p| p.score).collect::<Vec<_>>(), [ScoreKind::Feature, ScoreKind::Critic]);
        assert!((parts.iter().map(|p| p.weight).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn labelled_defects_reweight_what_synthetic_ones_missed() {
        // Synthetic damage shows in the critic only, the labelled defects in the difference only.
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let healthy: Vec<Scores> = (0..100).map(|_| draw(&mut rng, 0.0, 0.0)).collect();
        let synthetic: Vec<Scores> = (0..50).map(|_| draw(&mut rng, 0.0, 0.8)).collect();
        let [labelled_set, fresh] =
            [(); 2].map(|()| (0..40).map(|_| draw(&mut rng, 0.8, 0.0)).collect::<Vec<Scores>>());
        let mut c = calibration(healthy.clone(), fusion(&healthy, &alone(&synthetic)));
        let before = c.clone();
        let auroc_of = |c: &Calibration| auroc(&fused(c, &healthy), &fused(c, &fresh)).unwrap();
        let without = auroc_of(&c);
        c.reweight(&labelled_set, "a folder").unwrap();
        assert!(without < 0.7 && auroc_of(&c) > 0.9, "{without} {}", auroc_of(&c));
        // The threshold rests on the new weights: for each image, on those that images of other groups give.
        for (i, image) in c.held_out.iter().enumerate() {
            let others: Vec<Scores> = healthy
                .iter()
                .enumerate()
                .filter(|(j, _)| j % 32 != i % 32)
                .map(|(_, scores)| scores.clone())
                .collect();
            let terms = fusion(&others, &alone(&labelled_set));
            let wanted: f64 = terms.iter().map(|term| term.of(&healthy[i])).sum();
            assert_eq!(image.scores.get(ScoreKind::Fused) as f32, wanted as f32, "{i}");
        }
        let labelled = c.labelled.clone().unwrap();
        assert!(labelled.caution().contains("40 labelled defects of a folder"));
        // Reweighted again and undone: as at first.
        c.reweight(&fresh, "another").unwrap();
        assert!(c.remove_labels() && c == before && !c.remove_labels());
    }

    #[test]
    fn paired_damage_works_on_varied_healthy_images() {
        // Healthy images differ far more than damage moves them, as under varying illumination.
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let healthy: Vec<Scores> = (0..64)
            .map(|_| {
                let heavy = rng.random::<f64>().powi(6) * 20.0;
                draw(&mut rng, 0.0, heavy)
            })
            .collect();
        // The lowest-scoring ones were damaged: without their counterparts they score lower than the rest.
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
    fn inseparable_labels_change_nothing() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let healthy: Vec<Scores> = (0..100).map(|_| draw(&mut rng, 0.0, 0.0)).collect();
        let lower: Vec<Scores> = (0..20).map(|_| draw(&mut rng, -0.5, -0.5)).collect();
        let mut c = calibration(healthy.clone(), Vec::new());
        let before = c.clone();
        assert_eq!(c.reweight(&lower, "a folder"), Err(ReweightError::NotSeparable));
        assert_eq!(c.reweight(&healthy[..4], "a folder"), Err(ReweightError::TooFew(4)));
        assert!(c == before);
    }

    #[test]
    fn the_weights_follow_again_from_the_damage_in_a_model_file() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let healthy: Vec<Scores> = (0..30).map(|_| draw(&mut rng, 0.0, 0.0)).collect();
        let mut c = calibration(healthy.clone(), Vec::new());
        c.score = ScoreKind::Critic;
        c.damaged = (0..20).map(|i| DamagedImage { held_out: i, scores: draw(&mut rng, 0.1, 0.9) }).collect();
        c.weight();
        assert!(c.score == ScoreKind::Fused && c.fusion.len() == 2 && c.check().is_ok());
        let mut read: Calibration = serde_json::from_str(&serde_json::to_string(&c).unwrap()).unwrap();
        assert!(read == c);
        read.fusion.clear();
        read.weight();
        assert!(read == c);
        // A position outside the held-out images, or a score that is no number, is a damaged file.
        let mut outside = c.clone();
        outside.damaged[3].held_out = 30;
        let mut nothing = c;
        nothing.damaged[3].scores.set(ScoreKind::Critic, f64::NAN);
        for wrong in [outside, nothing] {
            assert!(wrong.check().unwrap_err().contains("damaged image"));
        }
    }
}
