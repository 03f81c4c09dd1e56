//! The intake task: inspects the parts of a folder with the active model and passes them to the record.

mod ending;
mod opening;

use std::{
    collections::BTreeSet,
    path,
    sync::Arc,
    time::{Duration, Instant},
};

use ending::EndReason;
use opening::Opening;

use super::{
    IntakePhase, IntakeRequest, IntakeSpec, IntakeStatus,
    inspected::{InspectedFile, ModelIdentity},
    rate::IntakeRate,
    recorder::{Filed, FilingEnd, RecordJob, Recorder},
    stream::{StreamInspector, StreamStep},
    watch::{Watch, WatchNotice},
};
use crate::{
    engine::{
        BackgroundTask, EngineState, Severity, TaskState,
        background::{TaskProgress, thread_error},
        outbox::Outbox,
        task::{ActiveModel, Context, EngineTask, Readiness},
    },
    inspect::{InvertKnobs, Model},
    text::PrintablePath,
};

/// The basis of the verdicts.
#[derive(Clone, Debug, PartialEq)]
struct Basis {
    hash: String,
    threshold: f64,
    knobs: InvertKnobs,
}

/// An open folder and its record.
struct Session {
    watch: Watch,
    recorder: Recorder,
    inspector: Option<(StreamInspector, Basis)>,
    /// A job for which the recorder's queue has no room yet.
    held: Option<RecordJob>,
    rate: IntakeRate,
    /// Why no model inspects at the moment.
    waits: Option<String>,
    /// What was said in the log of how files are read.
    said: BTreeSet<String>,
}

/// Most different remarks that one watch puts into the log.
const MOST_REMARKS: usize = 8;

impl Session {
    /// Says in the log how a file was read, once for all files that are read so.
    fn say(&mut self, inspected: &InspectedFile) {
        if let Some(remark) = &inspected.remark
            && self.said.len() < MOST_REMARKS
            && self.said.insert(remark.clone())
        {
            let name = inspected.path.file_name().unwrap_or(inspected.path.as_os_str());
            tracing::warn!("{}: {remark}; this is not said again of other images", name.printable());
        }
    }
}

/// The stage of an intake. The recorder takes jobs while it is running, and none while it is ending.
enum Stage {
    /// Waits for a calibrated model.
    Requested,
    Opening(Opening),
    Running(Box<Session>),
    /// The last parts are being recorded.
    Ending {
        watch: Box<Watch>,
        filing: FilingEnd,
        why: EndReason,
    },
}

pub(crate) struct IntakeTask {
    state: Arc<EngineState>,
    spec: Option<IntakeSpec>,
    stage: Option<Stage>,
    /// The knobs at the start.
    knobs: InvertKnobs,
    /// Requested while another intake was ending.
    next: Option<IntakeSpec>,
    changed: bool,
}

impl IntakeTask {
    pub(crate) fn new(state: Arc<EngineState>) -> Self {
        Self { state, spec: None, stage: None, knobs: InvertKnobs::default(), next: None, changed: false }
    }

    pub(crate) fn handle(&mut self, command: IntakeRequest, knobs: &InvertKnobs, outbox: &mut Outbox) {
        match command {
            IntakeRequest::Begin(spec) => {
                self.knobs = knobs.clone();
                self.stop(outbox);
                match self.stage {
                    None => self.begin(spec),
                    Some(_) => self.next = Some(spec),
                }
            }
            IntakeRequest::Stop => {
                self.next = None;
                self.stop(outbox);
            }
        }
        outbox.wake();
    }

    fn begin(&mut self, mut spec: IntakeSpec) {
        // Paths in the record are absolute, wherever the program was started.
        spec.folder = path::absolute(&spec.folder).unwrap_or(spec.folder);
        self.spec = Some(spec.clone());
        self.stage = Some(Stage::Requested);
        self.status(|s| {
            *s = IntakeStatus { phase: IntakePhase::Opening, spec: Some(spec), ..IntakeStatus::default() };
        });
    }

    fn status(&mut self, change: impl FnOnce(&mut IntakeStatus)) {
        let mut shown = self.state.intake.status.write();
        let mut status = shown.clone();
        change(&mut status);
        if *shown != status {
            *shown = status;
            self.changed = true;
        }
    }

    /// Stops intake; inspected parts are recorded.
    fn stop(&mut self, outbox: &mut Outbox) {
        match self.stage.take() {
            None => {}
            Some(Stage::Requested | Stage::Opening(_)) => {
                self.over(IntakePhase::Ended("Stopped before the first part.".into()), true, outbox);
            }
            Some(Stage::Running(session)) => {
                self.end(session, EndReason::Stopped);
            }
            Some(ending @ Stage::Ending { .. }) => self.stage = Some(ending),
        }
    }

    /// Ends intake once the inspected parts are recorded, or left because the record cannot be written.
    fn end(&mut self, session: Box<Session>, why: EndReason) {
        // Dropping the inspector returns the current part to the watch.
        let Session { watch, recorder, held, .. } = *session;
        self.status(|s| {
            s.phase = IntakePhase::Ending;
            s.seconds_left = None;
        });
        self.stage = Some(Stage::Ending { watch: Box::new(watch), filing: recorder.end(held), why });
    }

    /// Shows the final phase, with a notice unless the user `asked` for the end, and starts the next intake.
    fn over(&mut self, last: IntakePhase, asked: bool, outbox: &mut Outbox) {
        match &last {
            IntakePhase::Failed(text) => outbox.notice(Severity::Error, text.clone(), ""),
            IntakePhase::Ended(text) if !asked => outbox.notice(Severity::Info, text.clone(), ""),
            _ => {}
        }
        self.stage = None;
        self.status(|s| {
            s.phase = last;
            s.seconds_left = None;
        });
        if let Some(spec) = self.next.take() {
            self.begin(spec);
        }
    }

    /// Does one step; returns `false` when there is nothing to do at the moment.
    fn advance(&mut self, active: Option<ActiveModel<'_>>, outbox: &mut Outbox) -> bool {
        match self.stage.take() {
            None => false,
            Some(Stage::Requested) => {
                match self.basis(active) {
                    Ok(basis) => self.open(&basis, outbox),
                    Err(why) => {
                        self.stage = Some(Stage::Requested);
                        self.status(|s| s.phase = IntakePhase::Waiting(why));
                    }
                }
                false
            }
            Some(Stage::Opening(opening)) => {
                match opening.task.poll() {
                    TaskState::Running => {
                        let phase = opening.stalled.lock().clone().map_or(IntakePhase::Opening, IntakePhase::Stalled);
                        self.stalled(&phase, outbox);
                        self.status(|s| s.phase = phase);
                        self.stage = Some(Stage::Opening(opening));
                    }
                    TaskState::Done(Ok((watch, recorder))) => {
                        let session = Session {
                            watch,
                            recorder,
                            inspector: None,
                            held: None,
                            rate: IntakeRate::default(),
                            waits: None,
                            said: BTreeSet::new(),
                        };
                        self.stage = Some(Stage::Running(Box::new(session)));
                        return true;
                    }
                    TaskState::Done(Err(text)) => self.over(IntakePhase::Failed(text), false, outbox),
                    TaskState::Over => {
                        let text = self.failed("opening it was interrupted");
                        self.over(IntakePhase::Failed(text), false, outbox);
                    }
                }
                false
            }
            Some(Stage::Running(session)) => self.inspect(session, active),
            Some(Stage::Ending { watch, filing, why }) => {
                match filing.poll() {
                    Ok(filed) => self.finish(&watch, filed, why, outbox),
                    Err(filing) => self.stage = Some(Stage::Ending { watch, filing, why }),
                }
                false
            }
        }
    }

    /// Opens the folder and the record in the background.
    fn open(&mut self, basis: &Basis, outbox: &mut Outbox) {
        let Some(spec) = self.spec.clone() else { return };
        self.status(|s| s.phase = IntakePhase::Opening);
        let hash = basis.hash.clone();
        let keep = *self.state.intake.keep.read();
        let stalled = Arc::default();
        let shown = Arc::clone(&stalled);
        let work = move |progress: &TaskProgress| opening::open(&spec, &hash, keep, &shown, progress);
        match BackgroundTask::spawn("ganspect-open", || {}, work) {
            Ok(task) => self.stage = Some(Stage::Opening(Opening { task, stalled })),
            Err(error) => {
                let text = self.failed(&thread_error(&error));
                self.over(IntakePhase::Failed(text), false, outbox);
            }
        }
    }

    /// The current basis of verdicts, or why there is none. The knobs from the start are kept as long as the model is
    /// calibrated for them, because a change made for a single image is not meant for a whole folder.
    fn basis(&mut self, active: Option<ActiveModel<'_>>) -> Result<Basis, String> {
        let Some(ActiveModel { model, hash, knobs: current, .. }) = active else {
            return Err("No model is open. Open one in Inspect; the parts wait for it.".into());
        };
        let of = |knobs: &InvertKnobs| {
            let threshold = model.calibration(knobs)?.threshold(model.rate(knobs)?);
            Some(Basis { hash: (*hash).to_owned(), threshold, knobs: knobs.clone() })
        };
        let basis = of(&self.knobs).or_else(|| of(current)).ok_or_else(|| {
            format!(
                "The model {} is not calibrated for these settings, so it gives no verdicts. Calibrate it in Inspect, or \
                 open another; the parts wait.",
                model.info().name
            )
        })?;
        self.knobs = basis.knobs.clone();
        Ok(basis)
    }

    /// Inspects for one step; returns whether there is more to do at once.
    fn inspect(&mut self, mut session: Box<Session>, active: Option<ActiveModel<'_>>) -> bool {
        match self.step(&mut session, active) {
            Ok(busy) => {
                self.stage = Some(Stage::Running(session));
                busy
            }
            Err(why) => {
                self.end(session, why);
                true
            }
        }
    }

    fn step(&mut self, session: &mut Session, active: Option<ActiveModel<'_>>) -> Result<bool, EndReason> {
        if session.recorder.is_over() {
            // The end says why.
            return Err(EndReason::NotRecorded);
        }
        if let Some(job) = session.held.take() {
            session.held = session.recorder.send(job);
            if session.held.is_some() {
                session.rate.pause();
                return Ok(false);
            }
        }
        let basis = match self.basis(active) {
            Ok(basis) => basis,
            Err(why) => {
                session.inspector = None;
                session.rate.pause();
                session.waits = Some(why);
                return Ok(false);
            }
        };
        session.waits = None;
        let Some(ActiveModel { model, .. }) = active else { return Ok(false) };
        if session.inspector.as_ref().is_none_or(|(_, current)| *current != basis) {
            self.change_inspector(session, model, basis)?;
        }
        let Some((inspector, _)) = &mut session.inspector else { return Ok(false) };
        let step = inspector.slice(model, Duration::ZERO);
        session.rate.update(&step);
        match step {
            Ok(StreamStep::Idle) => Ok(false),
            Ok(StreamStep::Working) => Ok(true),
            Ok(StreamStep::Done(inspected)) => {
                session.say(&inspected);
                session.held = session.recorder.send(RecordJob::Inspected(inspected));
                Ok(session.held.is_none())
            }
            Ok(StreamStep::Refused(refused)) => {
                session.held = session.recorder.send(RecordJob::Refused(refused));
                Ok(session.held.is_none())
            }
            // The watch has ended by itself: all parts are recorded, or it failed.
            Ok(StreamStep::Over) => Err(match session.watch.join() {
                Ok(_) => EndReason::Done,
                Err(error) => EndReason::Failed(self.failed(&error.to_string())),
            }),
            Err(error) => Err(EndReason::Failed(self.failed(&error.to_string()))),
        }
    }

    /// Inspects with another model or other knobs from now on.
    fn change_inspector(&mut self, session: &mut Session, model: &Model, basis: Basis) -> Result<(), EndReason> {
        let before = session.inspector.take().map(|(_, basis)| basis.hash);
        let first = before.clone().or_else(|| self.first_model());
        if self.is_once() && first.is_some_and(|hash| hash != basis.hash) {
            return Err(EndReason::OtherModel);
        }
        let inspector = StreamInspector::new(model, basis.knobs.clone(), session.watch.ready().clone())
            .map_err(|error| EndReason::Failed(self.failed(&error.to_string())))?;
        let identity = ModelIdentity { name: model.info().name.clone(), hash: basis.hash.clone() };
        session.inspector = Some((inspector, basis));
        // Another model has another pace.
        session.rate = IntakeRate::default();
        let changed = before.is_some_and(|before| before != identity.hash);
        self.status(|s| {
            if changed {
                let text = format!("The model {} inspects the parts from now on.", identity.name);
                s.notice = Some(WatchNotice { severity: Severity::Info, text });
            }
            s.model = Some(Arc::new(identity));
        });
        Ok(())
    }

    fn is_once(&self) -> bool {
        self.spec.as_ref().is_some_and(|spec| spec.options.once)
    }

    /// Hash of the model at the start.
    fn first_model(&self) -> Option<String> {
        self.state.intake.status.read().model.as_ref().map(|model| model.hash.clone())
    }

    /// Ends intake after the last parts were recorded or left.
    fn finish(&mut self, watch: &Watch, filed: Filed, why: EndReason, outbox: &mut Outbox) {
        let counts = watch.claims().counts();
        self.status(|s| s.counts = counts);
        let why = match (why, filed.error) {
            (EndReason::Failed(text), _) => EndReason::Failed(text),
            (_, Some(error)) => EndReason::Failed(self.failed(&error.to_string())),
            (EndReason::NotRecorded, None) => EndReason::Failed(self.failed("writing the record was interrupted")),
            (why, None) => why,
        };
        let asked = matches!(why, EndReason::Stopped);
        let left = filed.left.checked_sub(1).and(watch.claims().stalled()).map(|why| (filed.left, why));
        self.over(why.phase(&self.folder(), &counts, left), asked, outbox);
    }

    /// Tells the user once when parts begin to wait for the record, and when they do no longer.
    fn stalled(&self, phase: &IntakePhase, outbox: &mut Outbox) {
        let shown = self.state.intake.status.read().phase.clone();
        match (&shown, phase) {
            (IntakePhase::Stalled(before), IntakePhase::Stalled(text)) if before == text => {}
            (_, IntakePhase::Stalled(text)) => outbox.notice(Severity::Warning, text.clone(), ""),
            (IntakePhase::Stalled(_), _) => {
                outbox.notice(Severity::Info, "The record can be written again; the parts are recorded.", "");
            }
            _ => {}
        }
    }

    fn folder(&self) -> String {
        self.spec.as_ref().map(|spec| spec.folder.printable().to_string()).unwrap_or_default()
    }

    fn failed(&self, why: &str) -> String {
        format!(
            "Intake from {} stopped: {}. Parts that were not recorded are inspected when you start again.",
            self.folder(),
            why.trim_end_matches('.')
        )
    }

    /// Updates the status on show.
    fn show(&mut self, outbox: &mut Outbox) {
        let (watch, quarantined, (each, left), phase) = match &mut self.stage {
            Some(Stage::Running(session)) => {
                let stalled = session.watch.claims().stalled().map(IntakePhase::Stalled);
                let waits = || session.waits.clone().map(IntakePhase::Waiting);
                let phase = stalled.or_else(waits).unwrap_or(IntakePhase::Running);
                let left = session.rate.seconds_left(session.watch.claims().counts().waiting);
                (&session.watch, session.recorder.quarantined(), (session.rate.seconds(), left), phase)
            }
            Some(Stage::Ending { watch, filing, .. }) => {
                (&**watch, filing.quarantined(), (None, None), IntakePhase::Ending)
            }
            _ => return,
        };
        let counts = watch.claims().counts();
        let mut notice = None;
        while let Some(next) = watch.next_notice() {
            notice = Some(next);
        }
        self.stalled(&phase, outbox);
        self.status(|s| {
            s.phase = phase;
            s.per_minute = each.map(|each| 60.0 / each).or(s.per_minute);
            s.seconds_left = left;
            (s.counts, s.quarantined) = (counts, quarantined);
            s.notice = notice.or(s.notice.take());
        });
    }
}

impl EngineTask for IntakeTask {
    fn readiness(&self, _: Option<ActiveModel<'_>>) -> Readiness {
        match &self.stage {
            None => Readiness::Idle,
            Some(Stage::Requested) => Readiness::Listening,
            Some(Stage::Opening(_) | Stage::Ending { .. }) => Readiness::Waiting,
            Some(Stage::Running(session)) if session.held.is_some() => Readiness::Waiting,
            Some(Stage::Running(session))
                if session.inspector.as_ref().is_some_and(|(inspector, _)| inspector.is_busy()) =>
            {
                Readiness::Busy
            }
            Some(Stage::Running(_)) => Readiness::Listening,
        }
    }

    fn slice(&mut self, budget: Duration, context: Context<'_>) -> bool {
        let Context { active, outbox, .. } = context;
        let began = Instant::now();
        while self.advance(active, outbox) && began.elapsed() < budget {}
        self.show(outbox);
        std::mem::take(&mut self.changed)
    }

    /// The current part is inspected again later.
    fn release_device(&mut self, _: &mut Outbox) {
        if let Some(Stage::Running(session)) = &mut self.stage {
            session.inspector = None;
        }
    }

    fn on_device_lost(&mut self) {
        if let Some(Stage::Running(session)) = &mut self.stage {
            session.inspector = None;
        }
        if self.stage.is_none() && self.state.intake.status.read().phase.is_active() {
            let text = self.failed("the device stopped working; open the model again");
            self.status(|s| s.phase = IntakePhase::Failed(text));
        }
    }
}
