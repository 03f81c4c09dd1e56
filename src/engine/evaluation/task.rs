//! The evaluation task: inspects test images with the active model, and writes reports.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{EvaluationPhase, EvaluationRequest, EvaluationStatus, cache_file};
use crate::{
    data::{DataError, DataSource},
    engine::{
        BackgroundTask, EngineState, Severity, TaskState,
        background::{READ_INTERRUPTED, thread_error},
        outbox::Outbox,
        task::{ActiveModel, Context, EngineTask, NO_MODEL, Readiness},
    },
    format::sentence,
    inspect::{
        Evaluation, Evaluator, FrozenNetworks, InspectionJob, Model, TestSet,
        evaluation::{
            EvaluationSummary, ReportCase, ReportedModel, report,
            report::{CaseKind, case_from_outcome, case_outcome, start_case_inspection, worst_cases},
        },
    },
    text::PrintablePath,
};

/// Shortest interval between updates of the result on show.
const SHOW_EVERY: Duration = Duration::from_millis(500);

/// The interval is also at least this many times the duration of an update.
const SHOW_SHARE: u32 = 20;

/// Stages of an evaluation.
enum Stage {
    Opening { task: BackgroundTask<Result<TestSet, DataError>>, hash: String, runs: Option<PathBuf> },
    Running { evaluator: Box<Evaluator>, networks: Box<FrozenNetworks> },
}

/// Stages of a report.
enum Reporting {
    /// The metrics with their intervals are computed.
    Metrics(BackgroundTask<Result<EvaluationSummary, String>>, PathBuf),
    /// The images in the report are inspected again.
    Drawing(Box<Drawing>),
    Writing(BackgroundTask<Result<Vec<PathBuf>, String>>, PathBuf),
}

struct Drawing {
    dir: PathBuf,
    evaluation: Arc<Evaluation>,
    tests: Arc<TestSet>,
    summary: EvaluationSummary,
    cases: Vec<(CaseKind, usize)>,
    next: usize,
    job: Option<InspectionJob>,
    portraits: Vec<ReportCase>,
}

pub(crate) struct EvaluationTask {
    state: Arc<EngineState>,
    stage: Option<Stage>,
    reporting: Option<Reporting>,
    /// When the result on show is updated next.
    due: Option<Instant>,
}

impl EvaluationTask {
    pub(crate) fn new(state: Arc<EngineState>) -> Self {
        Self { state, stage: None, reporting: None, due: None }
    }

    pub(crate) fn handle(&mut self, command: EvaluationRequest, active: Option<ActiveModel<'_>>, outbox: &mut Outbox) {
        match command {
            EvaluationRequest::Begin { source, runs } => self.begin(source, runs, active, outbox),
            EvaluationRequest::Cancel => self.cancel(outbox),
            EvaluationRequest::Report { dir, rate } => self.report(dir, rate, outbox),
            // The scheduler changes the model.
            EvaluationRequest::Reweight(_) => {}
        }
        outbox.wake();
    }

    fn status(&self, change: impl FnOnce(&mut EvaluationStatus)) {
        change(&mut self.state.evaluation.status.write());
    }

    fn fail(&mut self, text: &str, outbox: &mut Outbox) {
        let text = sentence(text);
        outbox.notice(Severity::Error, format!("The evaluation failed: {text}"), "");
        self.stage = None;
        self.status(|s| s.phase = EvaluationPhase::Failed(text));
    }

    fn begin(
        &mut self,
        source: Option<DataSource>,
        runs: Option<PathBuf>,
        active: Option<ActiveModel<'_>>,
        outbox: &mut Outbox,
    ) {
        self.cancel(outbox);
        self.reporting = None;
        self.status(|s| *s = EvaluationStatus { source: source.clone(), ..EvaluationStatus::default() });
        let Some(ActiveModel { model, hash, .. }) = active else {
            return self.fail(NO_MODEL, outbox);
        };
        let data = match source.map_or_else(|| model.info().data.parse(), Ok) {
            Ok(data) => data,
            Err(error) => return self.fail(&error.to_string(), outbox),
        };
        let (hash, split) = (hash.to_owned(), model.info().split.clone());
        let task = BackgroundTask::spawn(
            "ganspect-open",
            || {},
            move |progress| TestSet::open(&data, &[&split], None, &|done, total| progress.report(done, total)),
        );
        match task {
            Ok(task) => {
                self.status(|s| s.phase = EvaluationPhase::Opening(0, 0));
                self.stage = Some(Stage::Opening { task, hash, runs });
            }
            Err(error) => self.fail(&thread_error(&error), outbox),
        }
    }

    fn cancel(&mut self, outbox: &mut Outbox) {
        if let Some(reporting) = self.reporting.take() {
            self.status(|s| s.reporting = None);
            let rest = if matches!(reporting, Reporting::Writing(..)) { "" } else { " No file was written." };
            outbox.notice(Severity::Info, format!("The report was cancelled.{rest}"), "");
        }
        let Some(stage) = self.stage.take() else { return };
        self.status(|s| {
            s.phase = EvaluationPhase::Stopped;
            s.seconds_left = None;
        });
        if let Stage::Running { mut evaluator, .. } = stage {
            self.show(&evaluator);
            if let Err(error) = evaluator.save_cache() {
                outbox.notice(Severity::Warning, format!("The inspected images could not be cached: {error}."), "");
            }
        }
    }

    /// Updates the verdicts after a change of rate, decision score or weights; nothing is inspected again.
    pub(crate) fn rejudge(&mut self, active: Option<ActiveModel<'_>>) {
        let Some(ActiveModel { model, hash, .. }) = active else { return };
        let Some(evaluation) = self.state.evaluation.status.read().evaluation.clone() else { return };
        let own = evaluation.header.model.hash == hash && evaluation.header.regions == model.info().regions;
        let Some(calibration) = model.calibration(&evaluation.header.knobs).filter(|_| own) else { return };
        let rate = model.rate(&evaluation.header.knobs);
        if let Some(Stage::Running { evaluator, .. }) = &mut self.stage {
            evaluator.set_calibration(calibration, rate);
        }
        self.status(|s| s.evaluation = Some(Arc::new(evaluation.rejudged(calibration, rate))));
    }

    /// Starts the evaluation once the images have been read; `false` while they are being read or when that fails.
    fn open(
        &mut self,
        task: BackgroundTask<Result<TestSet, DataError>>,
        hash: String,
        runs: Option<PathBuf>,
        active: Option<ActiveModel<'_>>,
        outbox: &mut Outbox,
    ) -> bool {
        let (done, total) = task.progress();
        let tests = match task.poll() {
            TaskState::Running => {
                self.status(|s| s.phase = EvaluationPhase::Opening(done, total));
                self.stage = Some(Stage::Opening { task, hash, runs });
                return false;
            }
            TaskState::Done(Ok(tests)) => Arc::new(tests),
            TaskState::Done(Err(error)) => {
                self.fail(&error.to_string(), outbox);
                return false;
            }
            TaskState::Over => {
                self.fail(READ_INTERRUPTED, outbox);
                return false;
            }
        };
        let Some(ActiveModel { model, knobs, .. }) = active.filter(|active| active.hash == hash) else {
            self.fail("another model was opened while the images were read; start again", outbox);
            return false;
        };
        let file = runs.map(|runs| cache_file(&runs, &hash));
        match Evaluator::new(model, Arc::clone(&tests), knobs.clone(), file.as_deref()) {
            Ok(evaluator) => {
                self.due = None;
                self.status(|s| {
                    s.phase = EvaluationPhase::Running;
                    s.total = tests.items.len();
                    s.tests = Some(tests);
                });
                let (evaluator, networks) = (Box::new(evaluator), Box::new(model.networks().clone()));
                self.stage = Some(Stage::Running { evaluator, networks });
                true
            }
            Err(error) => {
                self.fail(&error.to_string(), outbox);
                false
            }
        }
    }

    /// Inspects for one slice; `false` when the evaluation is over.
    fn advance(&mut self, mut evaluator: Box<Evaluator>, networks: Box<FrozenNetworks>, outbox: &mut Outbox) -> bool {
        match evaluator.slice(&networks) {
            Ok(false) => {
                let (done, _) = evaluator.progress();
                let fresh = self.state.evaluation.status.read().done != done;
                if fresh && self.due.is_none_or(|due| Instant::now() >= due) {
                    self.show(&evaluator);
                }
                self.stage = Some(Stage::Running { evaluator, networks });
                true
            }
            Ok(true) => {
                self.show(&evaluator);
                self.status(|s| {
                    s.phase = EvaluationPhase::Done;
                    s.seconds_left = None;
                });
                false
            }
            Err(error) => {
                // The result so far stays on show.
                self.show(&evaluator);
                self.fail(&error.to_string(), outbox);
                false
            }
        }
    }

    /// Updates the result on show.
    fn show(&mut self, evaluator: &Evaluator) {
        let began = Instant::now();
        let evaluation = Arc::new(evaluator.evaluation());
        let (done, total) = evaluator.progress();
        self.status(|s| {
            (s.done, s.total) = (done, total);
            s.known = evaluation.images.len().saturating_sub(evaluator.inspected());
            s.seconds_left = evaluator.seconds_left();
            s.evaluation = Some(evaluation);
        });
        self.due = Some(Instant::now() + SHOW_EVERY.max(began.elapsed() * SHOW_SHARE));
    }

    fn report(&mut self, dir: PathBuf, rate: Option<f64>, outbox: &mut Outbox) {
        let status = self.state.evaluation.status.read().clone();
        let Some(evaluation) = status.evaluation.filter(|_| self.stage.is_none()) else {
            return outbox.notice(Severity::Warning, "There is no finished evaluation to report on yet.", "");
        };
        let task = BackgroundTask::spawn(
            "ganspect-report",
            || {},
            move |_| EvaluationSummary::of(&evaluation, rate).map_err(|error| error.to_string()),
        );
        self.continue_report(task.map(|task| Reporting::Metrics(task, dir)), outbox);
    }

    fn continue_report(&mut self, begun: std::io::Result<Reporting>, outbox: &mut Outbox) {
        match begun {
            Ok(reporting) => {
                let progress = match &reporting {
                    Reporting::Drawing(drawing) => (drawing.next, drawing.cases.len()),
                    Reporting::Metrics(..) | Reporting::Writing(..) => (0, 0),
                };
                self.status(|s| s.reporting = Some(progress));
                self.reporting = Some(reporting);
            }
            Err(error) => self.fail_report(&thread_error(&error), outbox),
        }
    }

    fn fail_report(&mut self, why: &str, outbox: &mut Outbox) {
        outbox.notice(Severity::Error, format!("The report was not saved: {}", sentence(why)), "");
        self.reporting = None;
        self.status(|s| s.reporting = None);
    }

    /// Does one step of the report; `false` when it waits or is finished.
    fn advance_report(&mut self, active: Option<ActiveModel<'_>>, outbox: &mut Outbox) -> bool {
        match self.reporting.take() {
            None => false,
            Some(Reporting::Metrics(task, dir)) => match task.poll() {
                TaskState::Running => {
                    self.reporting = Some(Reporting::Metrics(task, dir));
                    false
                }
                TaskState::Over => {
                    self.fail_report("computing the metrics was interrupted; try again", outbox);
                    false
                }
                TaskState::Done(Err(error)) => {
                    self.fail_report(&error, outbox);
                    false
                }
                TaskState::Done(Ok(summary)) => {
                    let status = self.state.evaluation.status.read().clone();
                    let (Some(evaluation), Some(tests)) = (status.evaluation, status.tests) else { return false };
                    let cases = worst_cases(&evaluation, &summary);
                    let (job, portraits) = (None, Vec::new());
                    let drawing = Drawing { dir, evaluation, tests, summary, cases, next: 0, job, portraits };
                    self.continue_report(Ok(Reporting::Drawing(Box::new(drawing))), outbox);
                    true
                }
            },
            Some(Reporting::Drawing(mut drawing)) => {
                // The images are inspected with the evaluated model; without it, the report has none.
                let own = active.filter(|active| active.hash == drawing.evaluation.header.model.hash);
                match own {
                    Some(ActiveModel { model, .. }) if drawing.next < drawing.cases.len() => {
                        drawing.advance(model);
                        self.continue_report(Ok(Reporting::Drawing(drawing)), outbox);
                    }
                    _ => self.write(*drawing, outbox),
                }
                true
            }
            Some(Reporting::Writing(task, dir)) => match task.poll() {
                TaskState::Running => {
                    self.reporting = Some(Reporting::Writing(task, dir));
                    false
                }
                TaskState::Done(Ok(paths)) => {
                    self.status(|s| s.reporting = None);
                    let page = paths.last().unwrap_or(&dir);
                    let text = format!("Report saved to {}.", page.printable());
                    outbox.notice(Severity::Info, text, "");
                    false
                }
                TaskState::Done(Err(error)) => {
                    self.fail_report(&error, outbox);
                    false
                }
                TaskState::Over => {
                    self.fail_report("writing was interrupted; try again", outbox);
                    false
                }
            },
        }
    }

    fn write(&mut self, drawing: Drawing, outbox: &mut Outbox) {
        let Drawing { dir, evaluation, summary, portraits, .. } = drawing;
        let out = dir.clone();
        let task = BackgroundTask::spawn(
            "ganspect-report",
            || {},
            move |_| {
                let reported = ReportedModel { evaluation: (*evaluation).clone(), summary, cases: portraits };
                report::write(&out, &[reported]).map_err(|error| error.to_string())
            },
        );
        self.continue_report(task.map(|task| Reporting::Writing(task, dir)), outbox);
    }
}

impl EngineTask for EvaluationTask {
    fn readiness(&self, _: Option<ActiveModel<'_>>) -> Readiness {
        match (&self.stage, &self.reporting) {
            (Some(Stage::Running { .. }), _) | (_, Some(Reporting::Drawing(_))) => Readiness::Busy,
            (None, None) => Readiness::Idle,
            _ => Readiness::Waiting,
        }
    }

    fn slice(&mut self, budget: Duration, context: Context<'_>) -> bool {
        let Context { active, outbox, .. } = context;
        let began = Instant::now();
        while began.elapsed() < budget {
            let going = match self.stage.take() {
                Some(Stage::Opening { task, hash, runs }) => self.open(task, hash, runs, active, outbox),
                Some(Stage::Running { evaluator, networks }) => self.advance(evaluator, networks, outbox),
                None => self.advance_report(active, outbox),
            };
            if !going {
                break;
            }
        }
        outbox.wake();
        true
    }

    fn release_device(&mut self, outbox: &mut Outbox) {
        self.cancel(outbox);
    }

    fn on_device_lost(&mut self) {
        self.reporting = None;
        let going = self.stage.take().is_some();
        self.status(|s| {
            s.reporting = None;
            if going {
                let text = "The device stopped working. Open the model again and resume the evaluation.";
                s.phase = EvaluationPhase::Failed(text.into());
            }
        });
    }
}

impl Drawing {
    /// Inspects the current image for one slice. An image that fails is left out.
    fn advance(&mut self, model: &Model) {
        let (evaluation, knobs) = (&self.evaluation, &self.evaluation.header.knobs);
        let Some(&case) = self.cases.get(self.next) else { return };
        let Some(job) = &mut self.job else {
            let index = evaluation.images.get(case.1).map_or(0, |e| e.index);
            match start_case_inspection(model, &self.tests, index, knobs) {
                Ok(job) => self.job = Some(job),
                Err(error) => self.skip(&error),
            }
            return;
        };
        let drawn = match job.slice(model.networks()) {
            Ok(false) => return,
            Ok(true) => {
                let outcome = case_outcome(model, job);
                outcome.and_then(|outcome| case_from_outcome(model, &outcome, &self.tests, evaluation, case))
            }
            Err(error) => Err(error.to_string()),
        };
        match drawn {
            Ok(portrait) => {
                self.portraits.push(portrait);
                self.job = None;
                self.next += 1;
            }
            Err(error) => self.skip(&error),
        }
    }

    fn skip(&mut self, error: &str) {
        tracing::warn!("an image is left out of the report: {error}");
        self.job = None;
        self.next += 1;
    }
}
