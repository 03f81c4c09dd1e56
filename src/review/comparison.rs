//! Two models on the same parts: what the later one does better, and what worse.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    data::FileHash,
    format::counted,
    inspect::{EvaluatedImage, Evaluation, evaluation::metrics::Estimate},
};

/// How one model does, at the rate that it promises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFigures {
    /// Healthy parts.
    pub healthy: usize,
    /// Defective parts.
    pub defective: usize,
    /// Area under the ROC curve; needs parts of both kinds.
    pub auroc: Option<Estimate>,
    /// The promised false-alarm rate.
    pub rate: Option<f64>,
    /// Healthy parts that are flagged; `None` without a promise, as below.
    pub false_alarms: Option<usize>,
    /// Defective parts that are flagged.
    pub caught: Option<usize>,
}

/// The figures of two models on the same parts, of which neither has seen one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Of the model before.
    pub before: ModelFigures,
    /// Of the model that has learned.
    pub after: ModelFigures,
    /// Parts that were compared.
    pub parts: usize,
    /// Those whose verdict is now what people say.
    pub righted: usize,
    /// Those whose verdict was what people say, and is not any more.
    pub wronged: usize,
}

impl Comparison {
    /// From a test of either model on the same parts.
    pub fn of(before: &Evaluation, after: &Evaluation) -> Self {
        let flagged: HashMap<FileHash, bool> =
            before.images.iter().filter_map(|e| Some((e.hash, is_flagged(before, e)?))).collect();
        let mut comparison = Self {
            before: ModelFigures::of(before),
            after: ModelFigures::of(after),
            parts: after.images.len(),
            righted: 0,
            wronged: 0,
        };
        for e in &after.images {
            let (Some(was), Some(is)) = (flagged.get(&e.hash), is_flagged(after, e)) else { continue };
            match (*was == e.is_defective(), is == e.is_defective()) {
                (false, true) => comparison.righted += 1,
                (true, false) => comparison.wronged += 1,
                _ => {}
            }
        }
        comparison
    }

    /// Parts whose verdict is another one.
    pub fn changed(&self) -> usize {
        self.righted + self.wronged
    }

    /// Every line of the table: what it is about, before, after.
    pub fn rows(&self) -> Vec<[String; 3]> {
        let of = |n: Option<usize>, all: usize| match n {
            Some(n) if all > 0 => format!("{n} of {all}"),
            _ => "–".to_owned(),
        };
        let auroc = |f: &ModelFigures| {
            f.auroc.map_or_else(|| "–".to_owned(), |e| format!("{:.3} ({:.3} to {:.3})", e.value, e.low, e.high))
        };
        let rate =
            |f: &ModelFigures| f.rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.0} in 1,000", rate * 1000.0));
        let (b, a) = (&self.before, &self.after);
        vec![
            ["AUROC".into(), auroc(b), auroc(a)],
            ["Promise".into(), rate(b), rate(a)],
            ["False alarms".into(), of(b.false_alarms, b.healthy), of(a.false_alarms, a.healthy)],
            ["Defects caught".into(), of(b.caught, b.defective), of(a.caught, a.defective)],
        ]
    }

    /// What became of the verdicts, in a sentence.
    pub fn sentence(&self) -> String {
        if self.before.rate.is_none() || self.after.rate.is_none() {
            return "One of the models is not calibrated for these settings, so verdicts cannot be compared.".into();
        }
        let parts = counted(self.parts, "part");
        match self.changed() {
            0 => format!("No verdict changes on the {parts} compared."),
            1 if self.righted == 1 => format!("1 verdict changes on the {parts} compared, for the better."),
            1 => format!("1 verdict changes on the {parts} compared, for the worse."),
            n => format!(
                "{n} verdicts change on the {parts} compared: {} for the better, {} for the worse.",
                self.righted, self.wronged
            ),
        }
    }
}

impl ModelFigures {
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
