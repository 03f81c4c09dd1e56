//! The parts of a folder, carried to the model in force and from there to the record, a slice at a time.

mod ending;
mod opening;
mod rate;

use std::{
    path,
    sync::Arc,
    time::{Duration, Instant},
};

use ending::EndReason;
use rate::IntakeRate;

use super::{
    IntakePhase, IntakeRequest, IntakeSpec, IntakeStatus,
    recorder::{RecordJob, Recorder},
    stream::{ModelIdentity, StreamInspector, StreamStep},
    watch::{Watch, WatchNotice},
};
use crate::{
    engine::{
        EngineState, Severity,
        background::{BackgroundTask, TaskState},
        outbox::Outbox,
        task::{ActiveModel, Context, EngineTask, Readiness},
    },
    inspect::InvertKnobs,
};

/// What parts are judged by: the model's hash, its threshold, the knobs.
#[derive(Clone, Debug, PartialEq)]
struct Basis {
    hash: String,
    threshold: f64,
    knobs: InvertKnobs,
}

/// A folder and its record, open.
struct Open {
    watch: Watch,
    filing: Recorder,
    batch: Option<(StreamInspector, Basis)>,
    /// Inspected, and no room to file it yet.
    held: Option<RecordJob>,
    pace: IntakeRate,
}

enum Stage {
    /// Waits for a model.
    Asked,
    Opening(BackgroundTask<Result<(Watch, Recorder), String>>),
    Going(Box<Open>),
    /// The last parts are being filed.
    Ending {
        open: Box<Open>,
        why: EndReason,
    },
}

pub(crate) struct IntakeTask {
    live: Arc<EngineState>,
    order: Option<IntakeSpec>,
    stage: Option<Stage>,
    /// The knobs that the taking in began with.
    knobs: InvertKnobs,
    /// Asked for while another one was ending.
    next: Option<IntakeSpec>,
    changed: bool,
}

impl IntakeTask {
    pub(crate) fn new(live: Arc<EngineState>) -> Self {
        Self { live, order: None, stage: None, knobs: InvertKnobs::default(), next: None, changed: false }
    }

    pub(crate) fn handle(&mut self, command: IntakeRequest, knobs: &InvertKnobs, outbox: &mut Outbox) {
        match command {
            IntakeRequest::Begin(order) => {
                self.knobs = knobs.clone();
                self.stop(outbox);
                match self.stage {
                    None => self.begin(order),
                    Some(_) => self.next = Some(order),
                }
            }
            IntakeRequest::Stop => {
                self.next = None;
                self.stop(outbox);
            }
        }
        outbox.wake();
    }

    fn begin(&mut self, mut order: IntakeSpec) {
        // On record a file has one name, wherever the program was started.
        order.folder = path::absolute(&order.folder).unwrap_or(order.folder);
        self.order = Some(order.clone());
        self.stage = Some(Stage::Asked);
        self.status(|s| {
            *s = IntakeStatus { phase: IntakePhase::Opening, order: Some(order), ..IntakeStatus::default() };
        });
    }

    fn status(&mut self, change: impl FnOnce(&mut IntakeStatus)) {
        let mut shown = self.live.intake.status.write();
        let mut status = shown.clone();
        change(&mut status);
        if *shown != status {
            *shown = status;
            self.changed = true;
        }
    }

    /// Ends what goes on, what was inspected filed.
    fn stop(&mut self, outbox: &mut Outbox) {
        match self.stage.take() {
            None => {}
            Some(Stage::Asked | Stage::Opening(_)) => {
                self.over(IntakePhase::Ended("Stopped before the first part.".into()), true, outbox);
            }
            Some(Stage::Going(open)) => {
                self.end(open, EndReason::Stopped);
            }
            Some(ending @ Stage::Ending { .. }) => self.stage = Some(ending),
        }
    }

    /// Lets what was inspected be filed.
    fn end(&mut self, mut open: Box<Open>, why: EndReason) {
        // Dropped, it gives back the part in hand.
        open.batch = None;
        self.status(|s| {
            s.phase = IntakePhase::Ending;
            s.seconds_left = None;
        });
        self.stage = Some(Stage::Ending { open, why });
    }

    /// Nothing more comes; that is said unless it was `asked` for.
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
        if let Some(order) = self.next.take() {
            self.begin(order);
        }
    }

    /// A piece of the work; `false` when there is nothing to do at the moment.
    fn advance(&mut self, now: Option<ActiveModel<'_>>, outbox: &mut Outbox) -> bool {
        match self.stage.take() {
            None => false,
            Some(Stage::Asked) => {
                match self.basis(now) {
                    Ok(basis) => self.open(&basis, outbox),
                    Err(why) => {
                        self.stage = Some(Stage::Asked);
                        self.status(|s| s.phase = IntakePhase::Waiting(why));
                    }
                }
                false
            }
            Some(Stage::Opening(task)) => {
                match task.poll() {
                    TaskState::Running => self.stage = Some(Stage::Opening(task)),
                    TaskState::Done(Ok((watch, filing))) => {
                        let open = Open { watch, filing, batch: None, held: None, pace: IntakeRate::default() };
                        self.stage = Some(Stage::Going(Box::new(open)));
                        return true;
                    }
                    TaskState::Done(Err(text)) => self.over(IntakePhase::Failed(text), false, outbox),
                    TaskState::Over => {
                        let text = self.failed("opening it broke off");
                        self.over(IntakePhase::Failed(text), false, outbox);
                    }
                }
                false
            }
            Some(Stage::Going(open)) => self.go(open, now),
            Some(Stage::Ending { open, why }) => {
                self.wind_up(open, why, outbox);
                false
            }
        }
    }

    /// The folder and the record are opened aside: a record may be kept busy by another program for a while.
    fn open(&mut self, basis: &Basis, outbox: &mut Outbox) {
        let Some(order) = self.order.clone() else { return };
        self.status(|s| s.phase = IntakePhase::Opening);
        let hash = basis.hash.clone();
        match BackgroundTask::spawn("ganspect-open", || {}, move |_| opening::opened(&order, &hash)) {
            Ok(task) => self.stage = Some(Stage::Opening(task)),
            Err(error) => {
                let text = self.failed(&format!("the system has no thread for it: {error}"));
                self.over(IntakePhase::Failed(text), false, outbox);
            }
        }
    }

    /// What parts are judged by now, or why they cannot be. The knobs stay those that it began with as long as the model
    /// has a verdict for them: what is turned for a single image is not meant for a whole folder.
    fn basis(&mut self, now: Option<ActiveModel<'_>>) -> Result<Basis, String> {
        let Some(ActiveModel { model, hash, knobs: current, .. }) = now else {
            return Err("No model is in force. Open one in Inspect: the parts wait for it.".into());
        };
        let of = |knobs: &InvertKnobs| {
            let threshold = model.calibration(knobs)?.threshold(model.rate(knobs)?);
            Some(Basis { hash: (*hash).to_owned(), threshold, knobs: knobs.clone() })
        };
        let basis = of(&self.knobs).or_else(|| of(current)).ok_or_else(|| {
            format!(
                "The model {} is not calibrated for these knobs, so it has no verdict to record. Calibrate it in \
                 Inspect, or open another one: the parts wait.",
                model.info().name
            )
        })?;
        self.knobs = basis.knobs.clone();
        Ok(basis)
    }

    /// A piece of a part.
    fn go(&mut self, mut open: Box<Open>, now: Option<ActiveModel<'_>>) -> bool {
        if let Some(result) = open.filing.ended() {
            let why = result.err().map_or_else(|| "filing broke off".into(), |error| error.to_string());
            let text = self.failed(&why);
            self.end(open, EndReason::Failed(text));
            return true;
        }
        if let Some(sheet) = open.held.take() {
            open.held = open.filing.give(sheet);
            if open.held.is_some() {
                self.stage = Some(Stage::Going(open));
                return false;
            }
        }
        let wanted = match self.basis(now) {
            Ok(basis) => basis,
            Err(why) => {
                open.batch = None;
                open.pace.rest();
                self.stage = Some(Stage::Going(open));
                self.status(|s| s.phase = IntakePhase::Waiting(why));
                return false;
            }
        };
        let Some(ActiveModel { model, .. }) = now else { return false };
        if open.batch.as_ref().is_none_or(|(_, basis)| *basis != wanted) {
            let before = open.batch.take().map(|(_, basis)| basis.hash);
            if self.is_once() && before.as_ref().or(self.first().as_ref()).is_some_and(|hash| *hash != wanted.hash) {
                self.end(open, EndReason::OtherModel);
                return true;
            }
            match StreamInspector::new(model, wanted.knobs.clone(), open.watch.ready().clone()) {
                Ok(batch) => open.batch = Some((batch, wanted.clone())),
                Err(error) => {
                    let text = self.failed(&error.to_string());
                    self.end(open, EndReason::Failed(text));
                    return true;
                }
            }
            let model = ModelIdentity { name: model.info().name.clone(), hash: wanted.hash };
            let changed = before.is_some_and(|before| before != model.hash);
            self.status(|s| {
                s.phase = IntakePhase::Going;
                if changed {
                    let text = format!("The model {} inspects what comes from now on.", model.name);
                    s.news = Some(WatchNotice { severity: Severity::Info, text });
                }
                s.model = Some(Arc::new(model));
            });
        }
        let Some((batch, _)) = &mut open.batch else { return false };
        let turn = batch.slice(model, Duration::ZERO);
        open.pace.note(&turn);
        let busy = match turn {
            Ok(StreamStep::Idle) => false,
            Ok(StreamStep::Working) => true,
            Ok(StreamStep::Done(finding)) => {
                open.held = open.filing.give(RecordJob::Found(finding));
                open.held.is_none()
            }
            Ok(StreamStep::Refused(refused)) => {
                open.held = open.filing.give(RecordJob::Refused(refused));
                open.held.is_none()
            }
            // The watch has ended by itself: everything is filed, or it failed.
            Ok(StreamStep::Over) => {
                let why = match open.watch.join() {
                    Ok(_) => EndReason::Done,
                    Err(error) => EndReason::Failed(self.failed(&error.to_string())),
                };
                self.end(open, why);
                return true;
            }
            Err(error) => {
                let text = self.failed(&error.to_string());
                self.end(open, EndReason::Failed(text));
                return true;
            }
        };
        self.stage = Some(Stage::Going(open));
        busy
    }

    fn is_once(&self) -> bool {
        self.order.as_ref().is_some_and(|order| order.options.once)
    }

    /// The model that it began with.
    fn first(&self) -> Option<String> {
        self.live.intake.status.read().model.as_ref().map(|model| model.hash.clone())
    }

    /// Files the last parts, and ends the watch.
    fn wind_up(&mut self, mut open: Box<Open>, why: EndReason, outbox: &mut Outbox) {
        if let Some(sheet) = open.held.take() {
            open.held = open.filing.give(sheet);
        }
        if open.held.is_none() {
            open.filing.end();
        }
        let Some(filed) = open.filing.ended() else {
            self.stage = Some(Stage::Ending { open, why });
            return;
        };
        let counts = open.watch.desk().counts();
        self.status(|s| s.counts = counts);
        let why = match (why, filed) {
            (EndReason::Failed(text), _) => EndReason::Failed(text),
            (_, Err(error)) => EndReason::Failed(self.failed(&error.to_string())),
            (why, Ok(())) => why,
        };
        let asked = matches!(why, EndReason::Stopped);
        self.over(why.words(&self.folder(), &counts), asked, outbox);
    }

    fn folder(&self) -> String {
        self.order.as_ref().map(|order| order.folder.display().to_string()).unwrap_or_default()
    }

    fn failed(&self, why: &str) -> String {
        format!(
            "No more parts are taken in from {}: {}. What was not filed comes up again when you begin again.",
            self.folder(),
            why.trim_end_matches('.')
        )
    }

    /// Shows how it stands.
    fn show(&mut self) {
        let Some(Stage::Going(open) | Stage::Ending { open, .. }) = &self.stage else { return };
        let (counts, quarantined) = (open.watch.desk().counts(), open.filing.quarantined());
        let mut news = None;
        while let Some(next) = open.watch.next_news() {
            news = Some(next);
        }
        let each = open.pace.seconds();
        self.status(|s| {
            s.per_minute = each.map(|each| 60.0 / each).or(s.per_minute);
            s.seconds_left = each.map(|each| each * counts.waiting as f64).filter(|_| counts.waiting > 0);
            (s.counts, s.quarantined) = (counts, quarantined);
            s.news = news.or(s.news.take());
        });
    }
}

impl EngineTask for IntakeTask {
    fn readiness(&self, _: Option<ActiveModel<'_>>) -> Readiness {
        match &self.stage {
            None => Readiness::Idle,
            Some(Stage::Asked) => Readiness::Listening,
            Some(Stage::Opening(_) | Stage::Ending { .. }) => Readiness::Waiting,
            Some(Stage::Going(open)) if open.held.is_some() => Readiness::Waiting,
            Some(Stage::Going(open)) if open.batch.as_ref().is_some_and(|(batch, _)| batch.is_busy()) => {
                Readiness::Busy
            }
            Some(Stage::Going(_)) => Readiness::Listening,
        }
    }

    fn slice(&mut self, budget: Duration, context: Context<'_>) -> bool {
        let Context { active, outbox, .. } = context;
        let began = Instant::now();
        while self.advance(active, outbox) && began.elapsed() < budget {}
        self.show();
        std::mem::take(&mut self.changed)
    }

    /// The current part is inspected again later.
    fn release_device(&mut self, _: &mut Outbox) {
        if let Some(Stage::Going(open)) = &mut self.stage {
            open.batch = None;
        }
    }

    fn on_device_lost(&mut self) {
        if let Some(Stage::Going(open)) = &mut self.stage {
            open.batch = None;
        }
        if self.stage.is_none() && self.live.intake.status.read().phase.is_going() {
            let text = self.failed("the device stopped working; open the model again");
            self.status(|s| s.phase = IntakePhase::Failed(text));
        }
    }
}
