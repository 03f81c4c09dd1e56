//! Comparison of a fine-tuned model with its parent on the same parts.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    data::FileHash,
    format::counted,
    inspect::{EvaluatedImage, Evaluation, evaluation::Estimate},
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

impl Comparison {
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
            f.auroc.map_or_else(|| "–".to_owned(), |e| format!("{:.3} ({:.3} to {:.3})", e.value, e.low, e.high))
        };
        let rate =
            |f: &ModelMetrics| f.rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.0} in 1,000", rate * 1000.0));
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
