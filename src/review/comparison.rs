//! Comparison of a fine-tuned model with its parent on the same parts.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    data::FileHash,
    format::counted,
    inspect::{EvaluatedImage, Evaluation, calibration::in_thousand, evaluation::Estimate},
};

/// Metrics of one model at its promised false-alarm rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelMetrics {
    /// Healthy parts.
    pub healthy: usize,
    /// Defective parts.
    pub defective: usize,
    /// Area under the ROC curve; needs healthy and defective parts.
    pub auroc: Option<Estimate>,
    /// The promised false-alarm rate.
    pub rate: Option<f64>,
    /// Healthy parts flagged; `None` without a promised rate.
    pub false_alarms: Option<usize>,
    /// Defective parts flagged; `None` without a promised rate.
    pub caught: Option<usize>,
}

/// Metrics of two models on parts that neither was trained or calibrated on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Metrics of the parent.
    pub before: ModelMetrics,
    /// Metrics of the fine-tuned model.
    pub after: ModelMetrics,
    /// Number of parts compared.
    pub parts: usize,
    /// Parts whose verdict became correct.
    #[serde(rename = "righted")]
    pub corrected: usize,
    /// Parts whose verdict became wrong.
    #[serde(rename = "wronged")]
    pub worsened: usize,
}

/// What a comparison shows of the fine-tuned model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonOutcome {
    /// Measurably better: chance alone would seldom give this difference.
    Better,
    /// More verdicts became wrong than correct, or the ranking of the parts is measurably worse.
    Worse,
    /// The difference may be due to chance, or cannot be measured.
    Unclear,
}

impl ComparisonOutcome {
    /// Returns the outcome with advice, in a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Better => "The new model is measurably better on these parts.",
            Self::Worse => "The new model is worse on these parts: keep the active one.",
            Self::Unclear => {
                "The difference may be due to chance: keep the active model, or judge more parts to tell them apart."
            }
        }
    }
}

/// Largest probability by chance at which a difference counts as measured.
const SIGNIFICANT: f64 = 0.05;

impl Comparison {
    /// Judges the difference: by a one-sided sign test of the verdicts that changed (McNemar 1947), and by intervals of
    /// the AUROC that do not overlap.
    pub fn outcome(&self) -> ComparisonOutcome {
        if self.before.rate.is_none() || self.after.rate.is_none() {
            return ComparisonOutcome::Unclear;
        }
        let interval = |m: &ModelMetrics| m.auroc.and_then(|e| e.interval(m.healthy, m.defective).ok());
        let (before, after) = (interval(&self.before), interval(&self.after));
        let ranks = |a: Option<(f64, f64)>, b: Option<(f64, f64)>| a.zip(b).is_some_and(|(a, b)| a.0 > b.1);
        if self.worsened > self.corrected || ranks(before, after) {
            ComparisonOutcome::Worse
        } else if sign_test(self.corrected, self.worsened) <= SIGNIFICANT || ranks(after, before) {
            ComparisonOutcome::Better
        } else {
            ComparisonOutcome::Unclear
        }
    }

    /// Returns why the AUROC has no interval; `None` if it has one, or there is no AUROC.
    pub fn interval_note(&self) -> Option<String> {
        let why = |m: &ModelMetrics| m.auroc.and_then(|e| e.interval(m.healthy, m.defective).err());
        why(&self.before).or_else(|| why(&self.after))
    }

    /// Compares the evaluations of both models.
    pub fn of(before: &Evaluation, after: &Evaluation) -> Self {
        let flagged: HashMap<FileHash, bool> =
            before.images.iter().filter_map(|e| Some((e.hash, is_flagged(before, e)?))).collect();
        let mut comparison = Self {
            before: ModelMetrics::of(before),
            after: ModelMetrics::of(after),
            parts: after.images.len(),
            corrected: 0,
            worsened: 0,
        };
        for e in &after.images {
            let (Some(was), Some(is)) = (flagged.get(&e.hash), is_flagged(after, e)) else { continue };
            match (*was == e.is_defective(), is == e.is_defective()) {
                (false, true) => comparison.corrected += 1,
                (true, false) => comparison.worsened += 1,
                _ => {}
            }
        }
        comparison
    }

    /// Number of parts whose verdict changed.
    pub fn changed(&self) -> usize {
        self.corrected + self.worsened
    }

    /// Returns the rows of the table: name, before, after.
    pub fn rows(&self) -> Vec<[String; 3]> {
        let of = |n: Option<usize>, all: usize| match n {
            Some(n) if all > 0 => format!("{n} of {all}"),
            _ => "–".to_owned(),
        };
        let auroc = |f: &ModelMetrics| {
            f.auroc.map_or_else(
                || "–".to_owned(),
                |e| match e.interval(f.healthy, f.defective) {
                    Ok((low, high)) => format!("{:.3} ({low:.3} to {high:.3})", e.value),
                    Err(_) => format!("{:.3} (–)", e.value),
                },
            )
        };
        let rate =
            |f: &ModelMetrics| f.rate.map_or_else(|| "–".to_owned(), |rate| format!("{} in 1,000", in_thousand(rate)));
        let (b, a) = (&self.before, &self.after);
        vec![
            ["AUROC".into(), auroc(b), auroc(a)],
            ["Promised rate".into(), rate(b), rate(a)],
            ["False alarms".into(), of(b.false_alarms, b.healthy), of(a.false_alarms, a.healthy)],
            ["Defects caught".into(), of(b.caught, b.defective), of(a.caught, a.defective)],
        ]
    }

    /// Describes the change of verdicts in a sentence.
    pub fn sentence(&self) -> String {
        if self.before.rate.is_none() || self.after.rate.is_none() {
            return "Verdicts cannot be compared: one of the models is not calibrated for these settings.".into();
        }
        let parts = counted(self.parts, "part");
        match self.changed() {
            0 => format!("No verdict changes on the {parts} compared."),
            1 if self.corrected == 1 => format!("1 verdict changes on the {parts} compared, for the better."),
            1 => format!("1 verdict changes on the {parts} compared, for the worse."),
            n => format!(
                "{n} verdicts change on the {parts} compared: {} for the better, {} for the worse.",
                self.corrected, self.worsened
            ),
        }
    }
}

impl ModelMetrics {
    fn of(evaluation: &Evaluation) -> Self {
        let (healthy, defective) = evaluation.counts();
        let threshold = evaluation.rate.and_then(|rate| evaluation.threshold(evaluation.score, rate));
        let confusion = threshold.map(|t| evaluation.confusion(evaluation.score, t));
        Self {
            healthy,
            defective,
            auroc: evaluation.metrics(evaluation.score).and_then(|metrics| metrics.auroc),
            rate: evaluation.rate,
            false_alarms: confusion.map(|c| c.false_alarms),
            caught: confusion.map(|c| c.caught),
        }
    }
}

fn is_flagged(evaluation: &Evaluation, examined: &EvaluatedImage) -> Option<bool> {
    let threshold = evaluation.threshold(evaluation.score, evaluation.rate?)?;
    Some(examined.scores.get(evaluation.score) > threshold)
}

/// Returns the probability that at least `better` of all changes are for the better, if either were as likely.
fn sign_test(better: usize, worse: usize) -> f64 {
    let n = better + worse;
    // Binomial coefficients over 2^n, from the top down, in logarithms so that nothing overflows.
    let mut log_term = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    for k in 0..=worse {
        tail += log_term.exp();
        log_term += ((n - k) as f64).ln() - ((k + 1) as f64).ln();
    }
    tail.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(auroc: (f64, f64, f64), counts: (usize, usize)) -> ModelMetrics {
        ModelMetrics {
            healthy: counts.0,
            defective: counts.1,
            auroc: Some(Estimate { value: auroc.0, low: auroc.1, high: auroc.2 }),
            rate: Some(0.05),
            false_alarms: Some(0),
            caught: Some(0),
        }
    }

    fn comparison(corrected: usize, worsened: usize) -> Comparison {
        let same = metrics((0.9, 0.8, 0.95), (40, 20));
        Comparison { before: same.clone(), after: same, parts: 60, corrected, worsened }
    }

    #[test]
    fn the_sign_test_is_that_of_scipy() {
        // scipy.stats.binomtest(better, better + worse, alternative="greater").pvalue
        for (better, worse, p) in [(5, 0, 0.03125), (4, 0, 0.0625), (9, 2, 0.032_714_843_75), (0, 0, 1.0), (0, 3, 1.0)]
        {
            assert!((sign_test(better, worse) - p).abs() < 1e-9, "{better} {worse} {}", sign_test(better, worse));
        }
        assert!(sign_test(600, 500) < 0.01 && sign_test(500, 600) > 0.99);
    }

    #[test]
    fn only_a_measurable_gain_is_better() {
        use ComparisonOutcome::{Better, Unclear, Worse};
        for (corrected, worsened, outcome) in [
            (0, 0, Unclear),
            (2, 0, Unclear),
            (4, 0, Unclear),
            (5, 0, Better),
            (9, 2, Better),
            (3, 2, Unclear),
            (0, 1, Worse),
            (2, 3, Worse),
        ] {
            assert_eq!(comparison(corrected, worsened).outcome(), outcome, "{corrected} {worsened}");
        }
        let mut ranked = comparison(0, 0);
        ranked.after = metrics((0.99, 0.96, 1.0), (40, 20));
        assert_eq!(ranked.outcome(), Better);
        std::mem::swap(&mut ranked.before, &mut ranked.after);
        assert_eq!(ranked.outcome(), Worse);
        // Intervals of a few parts show nothing.
        ranked.before = metrics((0.5, 0.5, 0.5), (5, 4));
        ranked.after = metrics((1.0, 1.0, 1.0), (5, 4));
        assert_eq!(ranked.outcome(), Unclear);
        assert_eq!(ranked.rows()[0][2], "1.000 (–)");
        assert!(ranked.interval_note().unwrap().ends_with("there are 5 and 4."));
        let uncalibrated =
            Comparison { before: ModelMetrics { rate: None, ..ranked.before.clone() }, corrected: 9, ..ranked };
        assert_eq!(uncalibrated.outcome(), Unclear);
    }
}
