//! The record thread: reads and writes the review record.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{
    eviction::evict,
    request::ReviewRequest,
    state::{RecordState, ReviewSnapshot, ReviewStatistics},
};
use crate::{
    data::Split,
    engine::{
        EngineState, Severity,
        inspection::ModelState,
        intake::retry::{Pauses, RetryTiming, without_advice},
        outbox::Outbox,
    },
    format::sentence,
    review::{
        Agreement, Facets, InspectionId, Judgement, OpinionId, PartId, Record, RecordError, Timestamp, TrainingLabels,
        agreement::is_disputed,
        drift::Drift,
        queue,
        record::{NewOpinion, RecordPosition},
    },
    text::printable,
};

/// Interval for reading entries by other threads and programs.
const POLL: Duration = Duration::from_millis(250);

/// Shortest interval between computations of the statistics, which is also at least this many times their duration.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(1);
const STATISTICS_SHARE: u32 = 20;

/// Most findings in memory.
const FINDINGS: usize = 64;

/// Longest wait of one access for another program.
const BUSY: Duration = Duration::from_millis(250);

/// How long the last requests are tried when the program ends while the record is locked.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Whether a request writes to the record.
fn is_write(request: &ReviewRequest) -> bool {
    use ReviewRequest::{AddDefectType, AddOpinion, RetireDefectType, Undo};
    matches!(request, AddOpinion { .. } | Undo { .. } | AddDefectType(_) | RetireDefectType(_))
}

pub(super) struct RecordThread {
    inbox: Receiver<ReviewRequest>,
    outbox: Outbox,
    wake: Arc<dyn Fn() + Send + Sync>,
    state: Arc<EngineState>,
    record: Option<Record>,
    snapshot: ReviewSnapshot,
    position: RecordPosition,
    polled: Instant,
    /// Requests that wait for a record that is locked or whose disk is full, in order.
    waiting: VecDeque<ReviewRequest>,
    /// When they are tried again, and the pauses.
    retry: Option<(Instant, Pauses)>,
    /// Verdicts stored since the program started and not undone, the latest last.
    undoable: Vec<(PartId, OpinionId, Judgement)>,
    /// When the statistics, which are older than the items, are computed again.
    due: Option<Instant>,
    /// Current interval of the statistics.
    pause: Duration,
    /// Revision of the items and hash of the model that the label counts are for.
    labelled: Option<(u64, String)>,
}

impl RecordThread {
    pub(super) fn new(
        inbox: Receiver<ReviewRequest>,
        outbox: Outbox,
        wake: Arc<dyn Fn() + Send + Sync>,
        state: Arc<EngineState>,
    ) -> Self {
        Self {
            inbox,
            outbox,
            wake,
            state,
            record: None,
            snapshot: ReviewSnapshot::default(),
            position: RecordPosition::default(),
            polled: Instant::now(),
            waiting: VecDeque::new(),
            retry: None,
            undoable: Vec::new(),
            due: None,
            pause: STATISTICS_INTERVAL,
            labelled: None,
        }
    }

    /// Handles requests and polls the record until the channel is closed.
    pub(super) fn run(mut self) {
        loop {
            let request = match self.snapshot.path {
                None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => self.inbox.recv_timeout(POLL),
            };
            match request {
                Ok(request) if is_write(&request) && !self.waiting.is_empty() => self.waiting.push_back(request),
                Ok(request @ ReviewRequest::Open(_)) => {
                    // The requests are for the record that is open.
                    self.write_last(Duration::ZERO);
                    self.handle(request);
                }
                Ok(request) => self.handle(request),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.write_last(LAST_PATIENCE),
            }
            if self.retry.is_none_or(|(at, _)| at <= Instant::now()) {
                self.write_waiting();
            }
            if self.polled.elapsed() >= POLL {
                self.poll();
            }
            self.count_labels();
        }
    }

    /// Writes the waiting requests, as far as the record can be written.
    fn write_waiting(&mut self) {
        while let Some(request) = self.waiting.pop_front() {
            self.handle(request);
            if self.retry.is_some_and(|(at, _)| at > Instant::now()) {
                return;
            }
        }
    }

    /// Writes the waiting requests for the last time, with this patience; those that cannot be written are refused.
    fn write_last(&mut self, patience: Duration) {
        let began = Instant::now();
        loop {
            self.write_waiting();
            if self.waiting.is_empty() || began.elapsed() >= patience {
                break;
            }
            thread::sleep(BUSY);
        }
        self.retry = None;
        for request in std::mem::take(&mut self.waiting) {
            match request {
                ReviewRequest::AddOpinion { number, part, opinion } => {
                    self.report(&format!(
                        "A verdict of {} was not stored, because the record cannot be written.",
                        opinion.reviewer
                    ));
                    self.snapshot.refused = Some((number, part, opinion));
                    self.snapshot.answered = number;
                }
                ReviewRequest::AddDefectType(name) | ReviewRequest::RetireDefectType(name) => {
                    let name = printable(&name);
                    self.report(&format!(
                        "The defect type {name} was not changed, because the record cannot be written."
                    ));
                }
                _ => {}
            }
        }
    }

    /// Handles the result of writing a request: one that cannot be written at the moment waits, in its turn.
    fn waits(&mut self, request: ReviewRequest, error: &RecordError) -> bool {
        if !error.is_passing() {
            return false;
        }
        let first = self.retry.is_none();
        let mut pauses = self.retry.map_or_else(|| RetryTiming::default().pauses(), |(_, pauses)| pauses);
        self.retry = Some((Instant::now() + pauses.next(), pauses));
        self.waiting.push_front(request);
        if first {
            let waits = match self.waiting.front() {
                Some(ReviewRequest::AddDefectType(_) | ReviewRequest::RetireDefectType(_)) => {
                    "Changed defect types wait"
                }
                _ => "Verdicts wait",
            };
            let error = error.to_string();
            let what = without_advice(&error);
            let text = format!("{waits}: {what}. They are stored as soon as it can be written.");
            self.outbox.notice(Severity::Warning, text, "");
        }
        true
    }

    /// Notes that the record could be written.
    fn written(&mut self) {
        if self.retry.take().is_some() {
            self.outbox.notice(Severity::Info, "The record can be written again.", "");
        }
    }

    fn handle(&mut self, request: ReviewRequest) {
        match request {
            ReviewRequest::Open(path) => self.open(path),
            ReviewRequest::AddOpinion { number, part, opinion } => {
                match self.add_opinion(part, &opinion) {
                    Ok(()) => self.written(),
                    Err(error) => {
                        let again = ReviewRequest::AddOpinion { number, part, opinion: opinion.clone() };
                        if self.waits(again, &error) {
                            return;
                        }
                        self.report(&format!("The verdict was not stored: {error}."));
                        self.snapshot.refused = Some((number, part, opinion));
                    }
                }
                self.snapshot.answered = number;
                self.show();
            }
            ReviewRequest::Undo { number } => {
                match self.undo(number) {
                    Ok(()) => self.written(),
                    Err(error) => {
                        if self.waits(ReviewRequest::Undo { number }, &error) {
                            return;
                        }
                        self.report(&format!("The verdict was not retracted: {error}."));
                    }
                }
                self.snapshot.answered = number;
                self.show();
            }
            ReviewRequest::AddDefectType(_) | ReviewRequest::RetireDefectType(_) => self.change_types(request),
            ReviewRequest::LoadFindings => self.load_findings(),
        }
    }

    fn report(&mut self, text: &str) {
        self.outbox.notice(Severity::Error, text, "");
    }

    /// Publishes the snapshot and wakes the window.
    fn show(&mut self) {
        self.snapshot.undoable = self.undoable.len();
        *self.state.review.snapshot.write() = Arc::new(self.snapshot.clone());
        (self.wake)();
    }

    fn open(&mut self, path: PathBuf) {
        if self.snapshot.path.as_ref() == Some(&path) && self.record.is_some() {
            return;
        }
        self.record = None;
        self.undoable.clear();
        // Request numbers continue across records.
        let (answered, revision) = (self.snapshot.answered, self.snapshot.revision + 1);
        self.snapshot = ReviewSnapshot { path: Some(path), answered, revision, ..ReviewSnapshot::default() };
        self.state.review.findings.write().clear();
        self.state.review.images.write().clear();
        self.state.review.maps.write().clear();
        self.try_open();
    }

    /// Opens the record if it exists.
    fn try_open(&mut self) {
        let Some(path) = self.snapshot.path.clone() else { return };
        if std::fs::metadata(&path).map_or(true, |about| about.is_file() && about.len() == 0) {
            // No empty record is created: the first recorded part creates it.
            return self.set_state(RecordState::Absent);
        }
        if !matches!(self.snapshot.state, RecordState::Failed(_)) {
            self.set_state(RecordState::Opening);
        }
        let record = match Record::open_within(&path, BUSY) {
            // It can be looked at; verdicts are refused.
            Err(RecordError::ReadOnly(_)) => Record::open_to_read(&path),
            record => record,
        };
        let opened = record.and_then(|record| {
            let types = record.defect_types()?;
            let all = record.since(RecordPosition::default())?;
            Ok((record, types, all))
        });
        match opened {
            Ok((record, types, all)) => {
                self.record = Some(record);
                self.position = all.position;
                self.snapshot.items = Arc::new(all.items);
                self.snapshot.defect_types = Arc::new(types);
                self.snapshot.revision += 1;
                self.update_statistics();
                self.set_state(RecordState::Open);
                self.load_findings();
                self.check();
            }
            Err(error) => self.fail(&error),
        }
    }

    /// Reports damage of a record that was opened, whose parts on show may not be all.
    fn check(&mut self) {
        let checked = self.record.as_ref().map(Record::check_parts);
        if let Some(Err(error @ RecordError::Damaged { .. })) = checked {
            self.report(&sentence(&format!("some parts may be missing: {error}")));
        }
    }

    fn set_state(&mut self, state: RecordState) {
        if self.snapshot.state != state {
            self.snapshot.state = state;
            self.show();
        }
    }

    /// Reports an error of the record once.
    fn fail(&mut self, error: &RecordError) {
        let text = sentence(&error.to_string());
        if self.snapshot.state != RecordState::Failed(text.clone()) {
            self.report(&text);
        }
        self.set_state(RecordState::Failed(text));
    }

    /// Reads new entries of the record.
    fn poll(&mut self) {
        self.polled = Instant::now();
        match self.record {
            None => self.try_open(),
            Some(_) => match self.read_new() {
                Ok(false) => self.set_state(RecordState::Open),
                Ok(true) => {
                    self.snapshot.state = RecordState::Open;
                    self.show();
                }
                Err(error) => self.fail(&error),
            },
        }
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.update_statistics();
            self.show();
        }
    }

    /// Reads new entries; returns whether there were any.
    fn read_new(&mut self) -> Result<bool, RecordError> {
        let Some(record) = &self.record else { return Ok(false) };
        let news = record.since(self.position)?;
        let types = record.defect_types()?;
        let other = types != *self.snapshot.defect_types;
        if other {
            self.snapshot.defect_types = Arc::new(types);
        }
        if news.position == self.position {
            return Ok(other);
        }
        self.position = news.position;
        queue::merge(Arc::make_mut(&mut self.snapshot.items), news.items);
        self.snapshot.revision += 1;
        self.due.get_or_insert(Instant::now() + self.pause);
        Ok(true)
    }

    /// Computes statistics and filter values over all parts.
    fn update_statistics(&mut self) {
        let began = Instant::now();
        let items = &self.snapshot.items;
        self.snapshot.facets = Arc::new(Facets::of(items));
        let (drift, agreement) = (Some(Drift::of(items)), Agreement::of(items));
        let disputed = items.iter().filter(|item| is_disputed(item)).count();
        self.snapshot.statistics = Arc::new(ReviewStatistics { drift, agreement, disputed });
        self.due = None;
        self.pause = STATISTICS_INTERVAL.max(began.elapsed() * STATISTICS_SHARE);
    }

    /// Counts the training labels again where the verdicts or the active model have changed.
    fn count_labels(&mut self) {
        let model = match &self.state.inspection.status.read().model {
            ModelState::Ready(facts) => Arc::clone(facts),
            _ => return,
        };
        let key = (self.snapshot.revision, model.hash.clone());
        if self.labelled.as_ref() == Some(&key) {
            return;
        }
        self.labelled = Some(key);
        let lineage = model.lineage.as_deref();
        let split = lineage.map_or_else(|| Split::clone(&model.split), |lineage| lineage.before(&model.split));
        let labels = TrainingLabels::of(&self.snapshot.items, &split, &model.ever_left_out()).summary(lineage);
        if self.snapshot.labels != labels {
            self.snapshot.labels = labels;
            self.show();
        }
    }

    fn add_opinion(&mut self, part: PartId, opinion: &NewOpinion) -> Result<(), RecordError> {
        let Some(record) = &mut self.record else { return Err(RecordError::NoInspection(opinion.inspection.0)) };
        let id = record.add_opinion(opinion)?;
        self.undoable.push((part, id, opinion.judgement));
        // It is stored; what cannot be read now is read at the next turn.
        if let Err(error) = self.read_new() {
            tracing::warn!("{error}");
        }
        Ok(())
    }

    fn undo(&mut self, number: u64) -> Result<(), RecordError> {
        let (Some(record), Some(&(part, id, judgement))) = (&mut self.record, self.undoable.last()) else {
            return Ok(());
        };
        match record.retract(id, Timestamp::now()) {
            // Another program may have retracted it before.
            Ok(_) | Err(RecordError::Retracted(_)) => {
                self.undoable.pop();
                self.snapshot.undone = Some((number, part));
                let mut items = self.snapshot.items.iter();
                let name = items.find(|item| item.part.id == part).map(|item| item.part.name());
                let name = name.unwrap_or_else(|| "a part".to_owned());
                let text = format!("Undone: the verdict '{}' on {name}.", judgement.title());
                self.outbox.notice(Severity::Info, text, "");
                if let Err(error) = self.read_new() {
                    self.fail(&error);
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn change_types(&mut self, request: ReviewRequest) {
        let Some(record) = &mut self.record else { return };
        let now = Timestamp::now();
        let changed = match &request {
            ReviewRequest::AddDefectType(name) => record.add_defect_type(name, now),
            ReviewRequest::RetireDefectType(name) => record.retire_defect_type(name, now),
            _ => return,
        };
        match changed.and_then(|()| record.defect_types()) {
            Ok(types) => {
                self.written();
                self.snapshot.defect_types = Arc::new(types);
                self.show();
            }
            Err(error) => {
                if !self.waits(request, &error) {
                    self.report(&format!("The defect types were not changed: {error}."));
                }
            }
        }
    }

    /// Loads the findings of the requested parts.
    fn load_findings(&mut self) {
        let Some(record) = &self.record else { return };
        let requested = Arc::clone(&self.state.review.requested.lock());
        let ids: Vec<InspectionId> = requested.iter().map(|one| one.inspection).collect();
        let mut fresh = false;
        for id in &ids {
            if self.state.review.findings.read().contains_key(id) {
                continue;
            }
            match record.findings(*id) {
                Ok(found) => {
                    let found = Arc::new(found.unwrap_or_default());
                    self.state.review.findings.write().insert(*id, found);
                    fresh = true;
                }
                Err(error) => return self.fail(&error),
            }
        }
        evict(&mut self.state.review.findings.write(), &ids, (FINDINGS, usize::MAX), |_| 0);
        if fresh {
            (self.wake)();
        }
    }
}
