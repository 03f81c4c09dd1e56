//! What is worked out of a test once and kept: by score, and by threshold.

use std::{cmp::Ordering, collections::HashMap, sync::Arc, time::Instant};

use egui::Context;
use serde::{Deserialize, Serialize};

use crate::{
    engine::background::{BackgroundTask, TaskState},
    format,
    inspect::{
        Evaluation, ScoreKind,
        evaluation::{
            KindFigures,
            metrics::{Confusion, CurvePoint, Metrics, Ranking},
        },
    },
    ui::theme::StatusMark,
};

/// Images that pass are near the line up to this many times the promised rate: where a verdict says suspect.
const NEAR: f64 = 3.0;

/// Bars of a histogram.
pub const BINS: usize = 40;

/// Intervals of a test that goes on are worked out anew after this many times what they took.
const PAUSE: u32 = 10;

/// How an image came out at the threshold in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Came {
    /// Defective and not flagged.
    Missed,
    /// Healthy and flagged.
    FalseAlarm,
    /// Defective and flagged.
    Caught,
    /// Healthy and not flagged.
    Passed,
}

impl Came {
    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Missed => "Missed",
            Self::FalseAlarm => "False alarm",
            Self::Caught => "Caught",
            Self::Passed => "Passed",
        }
    }

    fn of(defective: bool, flagged: bool) -> Self {
        match (defective, flagged) {
            (true, false) => Self::Missed,
            (false, true) => Self::FalseAlarm,
            (true, true) => Self::Caught,
            (false, false) => Self::Passed,
        }
    }
}

/// Which images the table shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageFilter {
    /// All of them.
    #[default]
    All,
    /// Defective and not flagged.
    Missed,
    /// Healthy and flagged.
    FalseAlarms,
    /// Not flagged, and little is missing.
    Near,
    /// Defective and flagged.
    Caught,
    /// Healthy and not flagged.
    Passed,
}

impl ImageFilter {
    /// All choices, in the order they are offered.
    pub const ALL: [Self; 6] = [Self::All, Self::Missed, Self::FalseAlarms, Self::Near, Self::Caught, Self::Passed];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Missed => "Missed",
            Self::FalseAlarms => "False alarms",
            Self::Near => "Near the line",
            Self::Caught => "Caught",
            Self::Passed => "Passed",
        }
    }

    /// What it shows, in one sentence.
    pub fn help(self) -> &'static str {
        match self {
            Self::All => "Every test image.",
            Self::Missed => "Defective parts that are not flagged.",
            Self::FalseAlarms => "Good parts that are flagged.",
            Self::Near => "Parts that are not flagged, and that a somewhat lower threshold would flag.",
            Self::Caught => "Defective parts that are flagged.",
            Self::Passed => "Good parts that are not flagged.",
        }
    }

    fn takes(self, judged: &ImageOutcome) -> bool {
        match self {
            Self::All => true,
            Self::Missed => judged.came == Came::Missed,
            Self::FalseAlarms => judged.came == Came::FalseAlarm,
            Self::Near => judged.near,
            Self::Caught => judged.came == Came::Caught,
            Self::Passed => judged.came == Came::Passed,
        }
    }
}

/// A column of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    /// The image's name.
    Name,
    /// The kind of its defect.
    Kind,
    /// Its score.
    Score,
    /// Its p-value.
    P,
    /// How it came out, worst first.
    #[default]
    Outcome,
}

/// The order of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sort {
    /// By this column.
    pub column: Column,
    /// From the other end.
    pub reversed: bool,
}

/// One image under one score.
#[derive(Clone, Copy, Debug)]
pub struct ScoreRow {
    pub defective: bool,
    pub score: f64,
    /// Share of good parts that would look at least this odd; `None` without a calibration.
    pub p: Option<f64>,
}

/// Everything of one score that does not hang on the threshold.
pub struct Scored {
    pub evaluation: Arc<Evaluation>,
    pub kind: ScoreKind,
    /// One an image, in their order.
    pub rows: Vec<ScoreRow>,
    pub roc: Vec<CurvePoint>,
    pub pr: Vec<CurvePoint>,
    /// Area under the ROC curve of every score that the model gives.
    pub scores: Vec<(ScoreKind, Option<f64>)>,
    pub kinds: Vec<KindFigures>,
    pub histogram: ScoreHistogram,
    /// Scores of held-out images, rising.
    pub held_out: Vec<f64>,
    /// The threshold of the largest F1.
    pub best: Option<f64>,
    pub average_precision: Option<f64>,
    pub f1: Option<f64>,
    /// Images of another size than the held-out ones.
    pub unlike: usize,
}

impl Scored {
    fn new(evaluation: Arc<Evaluation>, kind: ScoreKind) -> Self {
        let calibration = evaluation.calibration.as_ref();
        let row = |e: &crate::inspect::Examined| {
            let score = e.scores.get(kind);
            ScoreRow { defective: e.is_defective(), score, p: calibration.map(|c| c.p_value(kind, score)) }
        };
        let rows: Vec<ScoreRow> = evaluation.examined.iter().map(row).collect();
        let mut held_out: Vec<f64> =
            calibration.map(|c| c.held_out.iter().map(|h| h.scores.get(kind)).collect()).unwrap_or_default();
        held_out.sort_by(f64::total_cmp);
        let ranking = evaluation.ranking(kind);
        let ranking = ranking.as_ref();
        let best = ranking.and_then(Ranking::best_f1);
        let given = |kind: &ScoreKind| evaluation.examined.iter().any(|e| e.scores.get(*kind) != 0.0);
        let scores = ScoreKind::ALL.into_iter().filter(given);
        let scores = scores.map(|kind| (kind, evaluation.ranking(kind).and_then(|r| r.auroc()))).collect();
        Self {
            roc: ranking.map(Ranking::roc).unwrap_or_default(),
            pr: ranking.map(Ranking::pr).unwrap_or_default(),
            average_precision: ranking.and_then(Ranking::average_precision),
            f1: best.map(|(f1, _)| f1),
            best: best.map(|(_, at)| at),
            scores,
            kinds: evaluation.by_kind(kind, None),
            histogram: ScoreHistogram::new(&rows, &held_out),
            unlike: evaluation.examined.iter().filter(|e| calibration.is_some_and(|c| !c.suits(e.size))).count(),
            rows,
            held_out,
            kind,
            evaluation,
        }
    }

    /// The rate that a threshold here comes down to: of those that the held-out images can promise, the one
    /// whose threshold is nearest below. `None` without a calibration.
    pub fn rate_at(&self, threshold: f64) -> Option<f64> {
        let n = self.held_out.len();
        if n == 0 {
            return None;
        }
        let above = n - self.held_out.partition_point(|score| *score <= threshold);
        // A rate above one half makes no sense.
        let most = n.div_ceil(2).max(1) - 1;
        Some((1 + above.min(most)) as f64 / (n + 1) as f64)
    }

    /// The rate so many held-out images away.
    pub fn rate_beside(&self, rate: f64, by: i64) -> f64 {
        let n = self.held_out.len() as i64;
        let above = (rate * (n + 1) as f64 * (1.0 + 1e-3)).floor() as i64 + by;
        let most = (n + 1) / 2;
        above.clamp(1, most.max(1)) as f64 / (n + 1) as f64
    }
}

/// Scores of both kinds, counted into bars of equal width.
pub struct ScoreHistogram {
    pub low: f64,
    pub high: f64,
    /// Whether the last bar holds everything above as well.
    pub cut: bool,
    pub healthy: Vec<usize>,
    pub defective: Vec<usize>,
}

impl ScoreHistogram {
    fn new(rows: &[ScoreRow], held_out: &[f64]) -> Self {
        let mut all: Vec<f64> =
            rows.iter().map(|r| r.score).chain(held_out.iter().copied()).filter(|s| s.is_finite()).collect();
        all.sort_by(f64::total_cmp);
        let (low, top) = (all.first().copied().unwrap_or(0.0), all.last().copied().unwrap_or(1.0));
        // A few that lie far out would press all others into one bar.
        let bulk = all.get(all.len() * 9 / 10).copied().unwrap_or(top);
        let bound = low + 2.5 * (bulk - low);
        let cut = bound < top && bulk > low;
        let high = if cut { bound } else { top };
        let high = if high > low { high } else { low + low.abs().max(1e-6) };
        let mut histogram = Self { low, high, cut, healthy: vec![0; BINS], defective: vec![0; BINS] };
        for row in rows.iter().filter(|row| row.score.is_finite()) {
            let bin = ((row.score - low) / (high - low) * BINS as f64) as usize;
            let bars = if row.defective { &mut histogram.defective } else { &mut histogram.healthy };
            bars[bin.min(BINS - 1)] += 1;
        }
        histogram
    }
}

/// How one image came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageOutcome {
    pub came: Came,
    pub near: bool,
}

impl ImageOutcome {
    /// The mark of it: as it should be, to be looked at, or wrong.
    pub fn state(&self) -> StatusMark {
        match self.came {
            Came::Missed | Came::FalseAlarm => StatusMark::Defective,
            Came::Caught | Came::Passed if self.near => StatusMark::Suspect,
            Came::Caught | Came::Passed => StatusMark::Healthy,
        }
    }

    /// In words.
    pub fn words(&self) -> &'static str {
        match (self.came, self.near) {
            (Came::Missed, true) => "Missed, near the line",
            (Came::Passed, true) => "Passed, near the line",
            (came, _) => came.title(),
        }
    }

    /// The worst comes first.
    fn place(&self) -> usize {
        match (self.came, self.near) {
            (Came::Missed, _) => 0,
            (Came::FalseAlarm, _) => 1,
            (_, true) => 2,
            (Came::Caught, false) => 3,
            (Came::Passed, false) => 4,
        }
    }
}

/// What a threshold comes to, and the table in its order.
pub struct Judged {
    /// What is flagged lies above it.
    pub threshold: f64,
    pub confusion: Confusion,
    /// One an image, in their order.
    pub judgements: Vec<ImageOutcome>,
    /// Caught of each kind of defect, in the order of [`Scored::kinds`].
    pub caught: Vec<usize>,
    /// Places of the images that the table shows, in its order.
    pub order: Vec<usize>,
    /// How many each filter would show.
    pub counts: [usize; ImageFilter::ALL.len()],
}

impl Judged {
    fn new(
        scored: &Scored,
        threshold: f64,
        rate: Option<f64>,
        sort: Sort,
        show: ImageFilter,
        only: Option<&str>,
    ) -> Self {
        let near = rate.map(|rate| NEAR * rate * (1.0 + 1e-3));
        let judge = |row: &ScoreRow| {
            let flagged = row.score > threshold;
            let close = !flagged && near.zip(row.p).is_some_and(|(near, p)| p <= near);
            ImageOutcome { came: Came::of(row.defective, flagged), near: close }
        };
        let judgements: Vec<ImageOutcome> = scored.rows.iter().map(judge).collect();
        let mut confusion = Confusion::default();
        for row in &scored.rows {
            confusion.add(row.defective, row.score > threshold);
        }
        let examined = &scored.evaluation.examined;
        let mut by_kind: HashMap<&str, usize> = HashMap::new();
        for (e, judged) in examined.iter().zip(&judgements) {
            if let Some(kind) = e.kind().filter(|_| judged.came == Came::Caught) {
                *by_kind.entry(kind).or_default() += 1;
            }
        }
        let caught = scored.kinds.iter().map(|k| by_kind.get(k.kind.as_str()).copied().unwrap_or_default()).collect();
        let wanted = |place: &usize| {
            let kind = examined.get(*place).and_then(|e| e.kind());
            only.is_none_or(|only| kind == Some(only)) && judgements.get(*place).is_some_and(|j| show.takes(j))
        };
        let mut order: Vec<usize> = (0..scored.rows.len()).filter(wanted).collect();
        arrange(&mut order, scored, &judgements, sort);
        let counts = ImageFilter::ALL.map(|show| judgements.iter().filter(|j| show.takes(j)).count());
        Self { threshold, confusion, judgements, caught, order, counts }
    }
}

fn arrange(order: &mut [usize], scored: &Scored, judgements: &[ImageOutcome], sort: Sort) {
    let examined = &scored.evaluation.examined;
    let score = |i: usize| scored.rows[i].score;
    let names: Vec<String> = match sort.column {
        Column::Name => examined.iter().map(|e| format::natural_key(&e.name)).collect(),
        _ => Vec::new(),
    };
    let compare = |a: usize, b: usize| match sort.column {
        Column::Name => names[a].cmp(&names[b]),
        Column::Kind => examined[a].kind().cmp(&examined[b].kind()).then(score(b).total_cmp(&score(a))),
        // The oddest comes first.
        Column::Score => score(b).total_cmp(&score(a)),
        Column::P => {
            let p = |i: usize| scored.rows[i].p.unwrap_or(2.0);
            p(a).total_cmp(&p(b)).then(score(b).total_cmp(&score(a)))
        }
        Column::Outcome => {
            let (ja, jb) = (judgements[a], judgements[b]);
            // A missed part is the worse the lower it scores, a caught one is the nearer; others the other way.
            let along = |ordering: Ordering| if scored.rows[a].defective { ordering } else { ordering.reverse() };
            ja.place().cmp(&jb.place()).then_with(|| match scored.rows[a].defective == scored.rows[b].defective {
                true => along(score(a).total_cmp(&score(b))),
                false => score(b).total_cmp(&score(a)),
            })
        }
    };
    order.sort_by(|&a, &b| {
        let ordering = compare(a, b);
        if sort.reversed { ordering.reverse() } else { ordering }.then(a.cmp(&b))
    });
}

/// What [`Judged`] hangs on beside the score.
#[derive(Clone, PartialEq)]
struct Key {
    threshold: u64,
    rate: Option<u64>,
    sort: Sort,
    show: ImageFilter,
    only: Option<String>,
}

/// Intervals being drawn.
struct Drawing {
    kind: ScoreKind,
    evaluation: Arc<Evaluation>,
    began: Instant,
    task: BackgroundTask<Option<Metrics>>,
}

/// Intervals that were drawn.
struct Drawn {
    evaluation: Arc<Evaluation>,
    metrics: Metrics,
    /// Not to be drawn again before, while the test goes on.
    rest: Instant,
}

/// Everything that is kept.
#[derive(Default)]
pub struct EvaluationFigures {
    scored: Option<Scored>,
    judged: Option<(Key, Judged)>,
    drawing: Option<Drawing>,
    drawn: HashMap<ScoreKind, Drawn>,
}

impl EvaluationFigures {
    /// The figures of one score of a test.
    pub fn scored(&mut self, evaluation: &Arc<Evaluation>, kind: ScoreKind) -> &Scored {
        let same = |s: &Scored| Arc::ptr_eq(&s.evaluation, evaluation) && s.kind == kind;
        let kept = self.scored.take().filter(same);
        if kept.is_none() {
            self.judged = None;
        }
        self.scored.insert(kept.unwrap_or_else(|| Scored::new(Arc::clone(evaluation), kind)))
    }

    /// What a threshold comes to; [`EvaluationFigures::scored`] says of which score.
    pub fn judged(&mut self, threshold: f64, rate: Option<f64>, sort: Sort, show: ImageFilter, only: Option<&str>) {
        let Some(scored) = &self.scored else { return };
        let key = Key {
            threshold: threshold.to_bits(),
            rate: rate.map(f64::to_bits),
            sort,
            show,
            only: only.map(Into::into),
        };
        let kept = self.judged.take().filter(|(old, _)| *old == key);
        let kept = kept.unwrap_or_else(|| (key, Judged::new(scored, threshold, rate, sort, show, only)));
        self.judged = Some(kept);
    }

    /// There is no threshold.
    pub fn judge_nothing(&mut self) {
        self.judged = None;
    }

    /// What was worked out last.
    pub fn shown(&self) -> Option<(&Scored, Option<&Judged>)> {
        self.scored.as_ref().map(|scored| (scored, self.judged.as_ref().map(|(_, judged)| judged)))
    }

    /// The intervals of a score, once they are there.
    pub fn drawn(&self, kind: ScoreKind) -> Option<&Metrics> {
        self.drawn.get(&kind).map(|drawn| &drawn.metrics)
    }

    /// Sees to the intervals of a score: of this test, or of what it was a moment ago. They are drawn on a thread of
    /// their own.
    pub fn intervals(&mut self, ctx: &Context, evaluation: &Arc<Evaluation>, kind: ScoreKind, going: bool) {
        if let Some(drawing) = self.drawing.take() {
            match drawing.task.poll() {
                TaskState::Running => self.drawing = Some(drawing),
                TaskState::Done(Some(metrics)) => {
                    let rest = Instant::now() + drawing.began.elapsed() * PAUSE;
                    self.drawn.insert(drawing.kind, Drawn { evaluation: drawing.evaluation, metrics, rest });
                }
                TaskState::Done(None) | TaskState::Over => {}
            }
        }
        // Of another model or other images altogether.
        let related = |old: &Evaluation| old.model.hash == evaluation.model.hash && old.data == evaluation.data;
        self.drawn.retain(|_, drawn| related(&drawn.evaluation));
        let fresh = |drawn: &Drawn| Arc::ptr_eq(&drawn.evaluation, evaluation) || going && Instant::now() < drawn.rest;
        if self.drawing.is_none() && !self.drawn.get(&kind).is_some_and(fresh) {
            let (wake, own) = (ctx.clone(), Arc::clone(evaluation));
            let task =
                BackgroundTask::spawn("test-intervals", move || wake.request_repaint(), move |_| own.metrics(kind));
            let (evaluation, began) = (Arc::clone(evaluation), Instant::now());
            self.drawing = task.ok().map(|task| Drawing { kind, evaluation, began, task });
        }
    }
}
