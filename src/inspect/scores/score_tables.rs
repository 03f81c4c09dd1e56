//! The combined score against its parts, on stored scores of many surfaces (`scripts/score_table.py` writes them).

use std::{fs, path::Path};

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use super::{
    FusionTerm, ScoreKind, Scores,
    fusion::{FUSED, fusion, held_out_fused},
};
use crate::inspect::evaluation::metrics::auroc;

/// Random choices of the held-out images.
const SPLITS: usize = 20;

/// Scores of the images behind a model's calibration, and of its test images.
#[derive(Deserialize)]
struct ScoreTable {
    surface: String,
    /// The scores in each row.
    scores: Vec<ScoreKind>,
    held_out: Vec<Vec<f64>>,
    /// Position of the undamaged image in `held_out`, and scores.
    damaged: Vec<Vec<f64>>,
    /// Defect type, empty for a healthy image, and scores.
    test: Vec<TestRow>,
}

#[derive(Deserialize)]
struct TestRow(String, Vec<f64>);

impl ScoreTable {
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scores");
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.iter().map(|file| serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()).collect()
    }

    fn row(&self, values: &[f64]) -> Scores {
        assert_eq!(values.len(), self.scores.len(), "{}", self.surface);
        let mut scores = Scores::default();
        self.scores.iter().zip(values).for_each(|(kind, value)| scores.set(*kind, *value));
        scores
    }

    /// Held-out images, undamaged and damaged.
    fn damaged(&self) -> Vec<(Scores, Scores)> {
        let of = |row: &Vec<f64>| (self.row(&self.held_out[row[0] as usize]), self.row(&row[1..]));
        self.damaged.iter().map(of).collect()
    }

    fn held_out(&self) -> Vec<Scores> {
        self.held_out.iter().map(|row| self.row(row)).collect()
    }

    /// Scores of the healthy or the defective test images.
    fn tests(&self, healthy: bool) -> Vec<Scores> {
        let rows = self.test.iter().filter(|TestRow(kind, _)| kind.is_empty() == healthy);
        rows.map(|TestRow(_, values)| self.row(values)).collect()
    }

    /// AUROC of the combined score, and of its best part.
    fn fused_and_best(&self) -> (f64, f64) {
        let terms = fusion(&self.held_out(), &pairs(&self.damaged()));
        let of = |value: &dyn Fn(&Scores) -> f64| {
            let [healthy, defective] = [true, false].map(|healthy| self.tests(healthy).iter().map(value).collect());
            let (healthy, defective): (Vec<f64>, Vec<f64>) = (healthy, defective);
            auroc(&healthy, &defective).unwrap()
        };
        let best = FUSED.into_iter().map(|kind| of(&|scores| scores.get(kind))).fold(0.0, f64::max);
        (of(&|scores| combined(&terms, scores)), best)
    }

    /// Share of false alarms at this promised rate among healthy images that were not held out, on average over random
    /// choices of those that are.
    fn false_alarms(&self, rate: f64, rng: &mut ChaCha8Rng) -> f64 {
        let mut healthy = [self.held_out(), self.tests(true)].concat();
        let damaged = self.damaged();
        let mut share = 0.0;
        for _ in 0..SPLITS {
            healthy.shuffle(rng);
            let (held_out, fresh) = healthy.split_at(self.held_out.len());
            let terms = fusion(held_out, &pairs(&damaged));
            let known = held_out_fused(held_out, &pairs(&damaged), &terms);
            let p_value = |scores: &Scores| {
                let own = combined(&terms, scores);
                (1 + known.iter().filter(|&&other| other >= own).count()) as f64 / (known.len() + 1) as f64
            };
            share += fresh.iter().filter(|scores| p_value(scores) <= rate).count() as f64 / fresh.len() as f64;
        }
        share / SPLITS as f64
    }
}

fn pairs(damaged: &[(Scores, Scores)]) -> Vec<(Option<&Scores>, &Scores)> {
    damaged.iter().map(|(before, after)| (Some(before), after)).collect()
}

fn combined(terms: &[FusionTerm], scores: &Scores) -> f64 {
    terms.iter().map(|term| term.of(scores)).sum()
}

#[test]
fn the_combined_score_does_not_lose_to_its_best_part() {
    let tables = ScoreTable::all();
    assert!(tables.len() > 5);
    let mut gain = 0.0;
    for table in &tables {
        let (fused, best) = table.fused_and_best();
        assert!(fused > best - 0.01, "{}: {fused:.4}, its best part alone {best:.4}", table.surface);
        gain += fused - best;
    }
    assert!(gain > 0.0, "on average it is below its best part by {:.4}", -gain / tables.len() as f64);
}

#[test]
fn the_promised_rate_holds_although_the_weights_come_from_the_same_images() {
    let tables = ScoreTable::all();
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut found, mut allowed) = (0.0, 0.0);
    for table in &tables {
        let least = 1.0 / (table.held_out.len() + 1) as f64;
        let rate = least.max(0.05);
        let share = table.false_alarms(rate, &mut rng);
        // Two standard deviations of the mean of so many choices among so few images.
        assert!(share < rate + 0.03, "{}: {share:.3} false alarms, {rate:.3} promised", table.surface);
        found += share / tables.len() as f64;
        allowed += rate / tables.len() as f64;
    }
    assert!(found < allowed && found > 0.2 * allowed, "{found:.3} false alarms, {allowed:.3} promised");
}
