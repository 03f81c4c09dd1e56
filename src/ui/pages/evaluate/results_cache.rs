//! The results on screen, recomputed only when something they depend on changes.

use std::{collections::HashMap, sync::Arc, time::Instant};

use egui::Context;

use super::{
    outcome::ImageFilter,
    results::{ScoreResults, TableSort, ThresholdResults},
};
use crate::{
    engine::{BackgroundTask, TaskState},
    inspect::{Evaluation, ScoreKind, evaluation::Metrics},
};

/// During a test, confidence intervals are recomputed after this many times their own compute time.
const PAUSE: u32 = 10;

/// Inputs of the results at a threshold besides the score.
#[derive(Clone, PartialEq)]
struct ThresholdKey {
    threshold: u64,
    rate: Option<u64>,
    sort: TableSort,
    filter: ImageFilter,
    only: Option<String>,
}

/// Confidence intervals being computed.
struct IntervalTask {
    kind: ScoreKind,
    evaluation: Arc<Evaluation>,
    started: Instant,
    task: BackgroundTask<Option<Metrics>>,
}

/// Confidence intervals of one score.
struct Intervals {
    evaluation: Arc<Evaluation>,
    metrics: Metrics,
    /// Earliest time of the next computation while the test is running.
    next: Instant,
}

/// The most recent results and confidence intervals.
#[derive(Default)]
pub(crate) struct ResultsCache {
    scored: Option<ScoreResults>,
    judged: Option<(ThresholdKey, ThresholdResults)>,
    task: Option<IntervalTask>,
    intervals: HashMap<ScoreKind, Intervals>,
}

impl ResultsCache {
    /// Returns the results for one score.
    pub(crate) fn scored(&mut self, evaluation: &Arc<Evaluation>, kind: ScoreKind) -> &ScoreResults {
        let same = |s: &ScoreResults| Arc::ptr_eq(&s.evaluation, evaluation) && s.kind == kind;
        let kept = self.scored.take().filter(same);
        if kept.is_none() {
            self.judged = None;
        }
        self.scored.insert(kept.unwrap_or_else(|| ScoreResults::new(Arc::clone(evaluation), kind)))
    }

    /// Applies a threshold to the score of the last call to [`ResultsCache::scored`].
    pub(crate) fn apply_threshold(
        &mut self,
        threshold: f64,
        rate: Option<f64>,
        sort: TableSort,
        filter: ImageFilter,
        only: Option<&str>,
    ) {
        let Some(scored) = &self.scored else { return };
        let key = ThresholdKey {
            threshold: threshold.to_bits(),
            rate: rate.map(f64::to_bits),
            sort,
            filter,
            only: only.map(Into::into),
        };
        let kept = self.judged.take().filter(|(old, _)| *old == key);
        let kept = kept.unwrap_or_else(|| (key, ThresholdResults::new(scored, threshold, rate, sort, filter, only)));
        self.judged = Some(kept);
    }

    /// Removes the threshold.
    pub(crate) fn clear_threshold(&mut self) {
        self.judged = None;
    }

    /// Returns the current results.
    pub(crate) fn current(&self) -> Option<(&ScoreResults, Option<&ThresholdResults>)> {
        self.scored.as_ref().map(|scored| (scored, self.judged.as_ref().map(|(_, judged)| judged)))
    }

    /// Returns the confidence intervals of a score, once they have been computed.
    pub(crate) fn intervals(&self, kind: ScoreKind) -> Option<&Metrics> {
        self.intervals.get(&kind).map(|intervals| &intervals.metrics)
    }

    /// Keeps the confidence intervals of a score up to date, computing them in the background; while the test is
    /// `running` they may lag behind.
    pub(crate) fn update_intervals(
        &mut self,
        ctx: &Context,
        evaluation: &Arc<Evaluation>,
        kind: ScoreKind,
        running: bool,
    ) {
        if let Some(task) = self.task.take() {
            match task.task.poll() {
                TaskState::Running => self.task = Some(task),
                TaskState::Done(Some(metrics)) => {
                    let next = Instant::now() + task.started.elapsed() * PAUSE;
                    self.intervals.insert(task.kind, Intervals { evaluation: task.evaluation, metrics, next });
                }
                TaskState::Done(None) | TaskState::Over => {}
            }
        }
        // Intervals of another model or other images are dropped.
        let related = |old: &Evaluation| {
            old.header.model.hash == evaluation.header.model.hash && old.header.data == evaluation.header.data
        };
        self.intervals.retain(|_, intervals| related(&intervals.evaluation));
        let fresh = |intervals: &Intervals| {
            Arc::ptr_eq(&intervals.evaluation, evaluation) || running && Instant::now() < intervals.next
        };
        if self.task.is_none() && !self.intervals.get(&kind).is_some_and(fresh) {
            let (wake, own) = (ctx.clone(), Arc::clone(evaluation));
            let task =
                BackgroundTask::spawn("test-intervals", move || wake.request_repaint(), move |_| own.metrics(kind));
            let (evaluation, started) = (Arc::clone(evaluation), Instant::now());
            self.task = task.ok().map(|task| IntervalTask { kind, evaluation, started, task });
        }
    }
}
