//! One model's part of a report.

use super::cases::ReportCase;
use crate::inspect::evaluation::{Evaluation, EvaluationSummary};

/// One model's part of a report.
#[derive(Clone, Debug)]
pub struct ReportedModel {
    /// All images and scores.
    pub evaluation: Evaluation,
    /// The metrics.
    pub summary: EvaluationSummary,
    /// Images shown in the report.
    pub cases: Vec<ReportCase>,
}

/// Labels for several models: their names, numbered where names repeat.
pub(crate) fn labels<'a>(models: impl Iterator<Item = &'a EvaluationSummary>) -> Vec<String> {
    let names: Vec<&str> = models.map(|m| m.header.model.name.as_str()).collect();
    let repeats = |name: &str| names.iter().filter(|n| **n == name).count() > 1;
    let label = |(i, name): (usize, &&str)| if repeats(name) { format!("{name} ({})", i + 1) } else { (*name).into() };
    names.iter().enumerate().map(label).collect()
}
