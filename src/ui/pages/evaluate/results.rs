//! The results of a test for one score, and at one threshold.

use std::{cmp::Ordering, collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::outcome::{ImageFilter, ImageOutcome};
use crate::{
    format,
    inspect::{
        EvaluatedImage, Evaluation, ScoreKind,
        evaluation::{Confusion, CurvePoint, DefectTypeMetrics, RankedImage, Ranking, TestOutcome},
    },
};

/// An image that passes is borderline up to this many times the promised rate, where a verdict says suspect.
const BORDERLINE: f64 = 3.0;

/// Bins of a histogram.
pub(crate) const BINS: usize = 40;

/// A column of the image table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TableColumn {
    /// Name of the image.
    Name,
    /// Its label: healthy, or the defect type.
    #[serde(rename = "kind")]
    Truth,
    /// Its score.
    Score,
    /// Its p-value.
    P,
    /// Its outcome, worst first.
    #[default]
    Outcome,
}

/// The sort order of the image table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TableSort {
    /// The column that it is sorted by.
    pub column: TableColumn,
    /// In reverse.
    pub reversed: bool,
}

/// One image's value of one score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScoreRow {
    pub image: RankedImage,
    /// Conformal p-value; `None` without a calibration.
    pub p: Option<f64>,
}

/// The results for one score that do not depend on the threshold.
pub(crate) struct ScoreResults {
    pub evaluation: Arc<Evaluation>,
    pub kind: ScoreKind,
    /// One per image, in the order of the evaluation.
    pub rows: Vec<ScoreRow>,
    pub roc: Vec<CurvePoint>,
    pub pr: Vec<CurvePoint>,
    /// AUROC of every score that the model computes.
    pub scores: Vec<(ScoreKind, Option<f64>)>,
    pub defect_types: Vec<DefectTypeMetrics>,
    pub histogram: ScoreHistogram,
    /// Scores of the held-out images, ascending.
    pub held_out: Vec<f64>,
    /// The threshold with the best F1.
    pub best_threshold: Option<f64>,
    pub average_precision: Option<f64>,
    pub best_f1: Option<f64>,
    /// Images of a different size than the held-out ones.
    pub other_size: usize,
    /// Images that do not show the part.
    pub not_this_part: usize,
}

impl ScoreResults {
    /// Computes the results for one score.
    pub(crate) fn new(evaluation: Arc<Evaluation>, kind: ScoreKind) -> Self {
        let calibration = evaluation.calibration.as_ref();
        let row = |e: &EvaluatedImage| {
            let image = evaluation.ranked(e, kind);
            ScoreRow { image, p: calibration.map(|c| c.p_value(kind, image.score)) }
        };
        let rows: Vec<ScoreRow> = evaluation.images.iter().map(row).collect();
        let mut held_out: Vec<f64> =
            calibration.map(|c| c.held_out.iter().map(|h| h.scores.get(kind)).collect()).unwrap_or_default();
        held_out.sort_by(f64::total_cmp);
        let ranking = evaluation.ranking(kind);
        let ranking = ranking.as_ref();
        let best = ranking.and_then(Ranking::best_f1);
        let computed = |kind: &ScoreKind| evaluation.images.iter().any(|e| e.scores.known(*kind).is_some());
        let scores = ScoreKind::ALL.into_iter().filter(computed);
        let scores = scores.map(|kind| (kind, evaluation.ranking(kind).and_then(|r| r.auroc()))).collect();
        Self {
            roc: ranking.map(Ranking::roc).unwrap_or_default(),
            pr: ranking.map(Ranking::pr).unwrap_or_default(),
            average_precision: ranking.and_then(Ranking::average_precision),
            best_f1: best.map(|(f1, _)| f1),
            best_threshold: best.map(|(_, at)| at),
            scores,
            defect_types: evaluation.by_defect_type(kind, None),
            histogram: ScoreHistogram::new(&rows, &held_out),
            not_this_part: rows.iter().filter(|row| row.image.always_flagged).count(),
            other_size: evaluation.images.iter().filter(|e| calibration.is_some_and(|c| !c.suits(e.size))).count(),
            rows,
            held_out,
            kind,
            evaluation,
        }
    }

    /// Returns the promised rate for a threshold: of the rates that the held-out images allow, the one whose
    /// threshold is nearest below. `None` without a calibration.
    pub(crate) fn rate_at(&self, threshold: f64) -> Option<f64> {
        let n = self.held_out.len();
        if n == 0 {
            return None;
        }
        let above = n - self.held_out.partition_point(|score| *score <= threshold);
        // Rates above one half are not useful.
        let max = n.div_ceil(2).max(1) - 1;
        Some((1 + above.min(max)) as f64 / (n + 1) as f64)
    }

    /// Returns the rate `by` held-out images away from `rate`.
    pub(crate) fn rate_after_steps(&self, rate: f64, by: i64) -> f64 {
        let n = self.held_out.len() as i64;
        let above = (rate * (n + 1) as f64 * (1.0 + 1e-3)).floor() as i64 + by;
        let max = (n + 1) / 2;
        above.clamp(1, max.max(1)) as f64 / (n + 1) as f64
    }
}

/// Histogram of the healthy and the defective scores, with bins of equal width.
pub(crate) struct ScoreHistogram {
    pub low: f64,
    pub high: f64,
    /// Whether the last bin also counts everything above it.
    pub clipped: bool,
    pub healthy: Vec<usize>,
    pub defective: Vec<usize>,
}

impl ScoreHistogram {
    fn new(rows: &[ScoreRow], held_out: &[f64]) -> Self {
        let mut all: Vec<f64> =
            rows.iter().map(|r| r.image.score).chain(held_out.iter().copied()).filter(|s| s.is_finite()).collect();
        all.sort_by(f64::total_cmp);
        let (low, top) = (all.first().copied().unwrap_or(0.0), all.last().copied().unwrap_or(1.0));
        // A few outliers would squeeze all other scores into one bin.
        let bulk = all.get(all.len() * 9 / 10).copied().unwrap_or(top);
        let bound = low + 2.5 * (bulk - low);
        let clipped = bound < top && bulk > low;
        let high = if clipped { bound } else { top };
        let high = if high > low { high } else { low + low.abs().max(1e-6) };
        let mut histogram = Self { low, high, clipped, healthy: vec![0; BINS], defective: vec![0; BINS] };
        for image in rows.iter().map(|row| row.image).filter(|image| image.score.is_finite()) {
            let bin = ((image.score - low) / (high - low) * BINS as f64) as usize;
            let bars = if image.defective { &mut histogram.defective } else { &mut histogram.healthy };
            bars[bin.min(BINS - 1)] += 1;
        }
        histogram
    }
}

/// The results at one threshold, and the rows of the table in order.
pub(crate) struct ThresholdResults {
    /// Scores above it are flagged.
    pub threshold: f64,
    pub confusion: Confusion,
    /// One per image, in the order of the evaluation.
    pub outcomes: Vec<ImageOutcome>,
    /// Number caught of each defect type, in the order of [`ScoreResults::defect_types`].
    pub caught: Vec<usize>,
    /// Indices into the evaluation of the images that the table lists, in its order.
    pub order: Vec<usize>,
    /// Number of images that each filter lists.
    pub counts: [usize; ImageFilter::ALL.len()],
}

impl ThresholdResults {
    /// Applies a threshold to the results of a score.
    pub(crate) fn new(
        scored: &ScoreResults,
        threshold: f64,
        rate: Option<f64>,
        sort: TableSort,
        filter: ImageFilter,
        only: Option<&str>,
    ) -> Self {
        let borderline = rate.map(|rate| BORDERLINE * rate * (1.0 + 1e-3));
        let outcome = |row: &ScoreRow| {
            let flagged = row.image.is_flagged(threshold);
            let borderline = !flagged && borderline.zip(row.p).is_some_and(|(max, p)| p <= max);
            ImageOutcome { cell: TestOutcome::of(row.image.defective, flagged), borderline }
        };
        let outcomes: Vec<ImageOutcome> = scored.rows.iter().map(outcome).collect();
        let mut confusion = Confusion::default();
        for ScoreRow { image, .. } in &scored.rows {
            confusion.add(image.defective, image.is_flagged(threshold));
        }
        let examined = &scored.evaluation.images;
        let mut by_type: HashMap<&str, usize> = HashMap::new();
        for (e, outcome) in examined.iter().zip(&outcomes) {
            if let Some(defect) = e.defect_type().filter(|_| outcome.cell == TestOutcome::Caught) {
                *by_type.entry(defect).or_default() += 1;
            }
        }
        let caught = scored
            .defect_types
            .iter()
            .map(|t| by_type.get(t.defect_type.as_str()).copied().unwrap_or_default())
            .collect();
        let listed = |at: &usize| {
            let defect = examined.get(*at).and_then(|e| e.defect_type());
            only.is_none_or(|only| defect == Some(only))
                && outcomes.get(*at).is_some_and(|outcome| filter.matches(outcome))
        };
        let mut order: Vec<usize> = (0..scored.rows.len()).filter(listed).collect();
        sort_rows(&mut order, scored, &outcomes, sort);
        let counts = ImageFilter::ALL.map(|filter| outcomes.iter().filter(|outcome| filter.matches(outcome)).count());
        Self { threshold, confusion, outcomes, caught, order, counts }
    }
}

fn sort_rows(order: &mut [usize], scored: &ScoreResults, outcomes: &[ImageOutcome], sort: TableSort) {
    let examined = &scored.evaluation.images;
    let score = |i: usize| scored.rows[i].image.score;
    let defective = |i: usize| scored.rows[i].image.defective;
    let names: Vec<String> = match sort.column {
        TableColumn::Name => examined.iter().map(|e| format::natural_key(&e.name)).collect(),
        _ => Vec::new(),
    };
    let compare = |a: usize, b: usize| match sort.column {
        TableColumn::Name => names[a].cmp(&names[b]),
        TableColumn::Truth => {
            examined[a].defect_type().cmp(&examined[b].defect_type()).then(score(b).total_cmp(&score(a)))
        }
        // Highest score first.
        TableColumn::Score => score(b).total_cmp(&score(a)),
        TableColumn::P => {
            let p = |i: usize| scored.rows[i].p.unwrap_or(2.0);
            p(a).total_cmp(&p(b)).then(score(b).total_cmp(&score(a)))
        }
        TableColumn::Outcome => {
            let (outcome_a, outcome_b) = (outcomes[a], outcomes[b]);
            // Among defective parts the lowest score comes first, among healthy ones the highest.
            let by_label = |ordering: Ordering| if defective(a) { ordering } else { ordering.reverse() };
            outcome_a.rank().cmp(&outcome_b.rank()).then_with(|| match defective(a) == defective(b) {
                true => by_label(score(a).total_cmp(&score(b))),
                false => score(b).total_cmp(&score(a)),
            })
        }
    };
    order.sort_by(|&a, &b| {
        let ordering = compare(a, b);
        if sort.reversed { ordering.reverse() } else { ordering }.then(a.cmp(&b))
    });
}
