//! The record thread: reads and writes the review record.

use std::{
    path::PathBuf,
    sync::Arc,
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
    engine::{EngineState, Severity, inspection::ModelState, outbox::Outbox},
    format::sentence,
    review::{
        Agreement, Facets, InspectionId, OpinionId, PartId, Record, RecordError, Timestamp, TrainingLabels,
        agreement::is_disputed,
        drift::Drift,
        queue,
        record::{NewOpinion, RecordPosition},
    },
};

/// Interval for reading entries by other threads and programs.
const POLL: Duration = Duration::from_millis(250);

/// Shortest interval between computations of the statistics, which is also at least this many times their duration.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(1);
const STATISTICS_SHARE: u32 = 20;

/// Most findings in memory.
const FINDINGS: usize = 64;

pub(super) struct RecordThread {
    inbox: Receiver<ReviewRequest>,
    outbox: Outbox,
    wake: Arc<dyn Fn() + Send + Sync>,
    state: Arc<EngineState>,
    record: Option<Record>,
    snapshot: ReviewSnapshot,
    position: RecordPosition,
    polled: Instant,
    /// Verdicts stored since the program started and not undone, the latest last.
    undoable: Vec<(PartId, OpinionId)>,
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
                Ok(request) => self.handle(request),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.polled.elapsed() >= POLL {
                self.poll();
            }
            self.count_labels();
        }
    }

    fn handle(&mut self, request: ReviewRequest) {
        match request {
            ReviewRequest::Open(path) => self.open(path),
            ReviewRequest::AddOpinion { number, part, opinion } => {
                if let Err(error) = self.add_opinion(part, &opinion) {
                    self.report(&format!("The verdict was not stored: {error}."));
                    self.snapshot.refused = Some((number, part, opinion));
                }
                self.snapshot.answered = number;
                self.show();
            }
            ReviewRequest::Undo { number } => {
                self.undo(number);
                self.snapshot.answered = number;
                self.show();
            }
            ReviewRequest::AddDefectType(name) => {
                self.change_types(|record| record.add_defect_type(&name, Timestamp::now()))
            }
            ReviewRequest::RetireDefectType(name) => {
                self.change_types(|record| record.retire_defect_type(&name, Timestamp::now()))
            }
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
        if !path.exists() {
            // No empty record is created: the first recorded part creates it.
            return self.set_state(RecordState::Absent);
        }
        if !matches!(self.snapshot.state, RecordState::Failed(_)) {
            self.set_state(RecordState::Opening);
        }
        let opened = Record::open(&path).and_then(|record| {
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
            }
            Err(error) => self.fail(&error),
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
        let labels = TrainingLabels::of(&self.snapshot.items, &split).summary(lineage);
        if self.snapshot.labels != labels {
            self.snapshot.labels = labels;
            self.show();
        }
    }

    fn add_opinion(&mut self, part: PartId, opinion: &NewOpinion) -> Result<(), RecordError> {
        let Some(record) = &mut self.record else { return Err(RecordError::NoInspection(opinion.inspection.0)) };
        let id = record.add_opinion(opinion)?;
        self.undoable.push((part, id));
        self.read_new().map(|_| ())
    }

    fn undo(&mut self, number: u64) {
        let (Some(record), Some(&(part, id))) = (&mut self.record, self.undoable.last()) else { return };
        match record.retract(id, Timestamp::now()) {
            // Another program may have retracted it before.
            Ok(_) | Err(RecordError::Retracted(_)) => {
                self.undoable.pop();
                self.snapshot.undone = Some((number, part));
                if let Err(error) = self.read_new() {
                    self.fail(&error);
                }
            }
            Err(error) => self.report(&format!("The verdict was not retracted: {error}.")),
        }
    }

    fn change_types(&mut self, change: impl FnOnce(&mut Record) -> Result<(), RecordError>) {
        let Some(record) = &mut self.record else { return };
        let changed = change(record).and_then(|()| record.defect_types());
        match changed {
            Ok(types) => {
                self.snapshot.defect_types = Arc::new(types);
                self.show();
            }
            Err(error) => self.report(&format!("The defect types were not changed: {error}.")),
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
