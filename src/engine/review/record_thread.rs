//! Whoever keeps the record for the window.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{
    eviction::let_go,
    request::ReviewRequest,
    state::{RecordState, ReviewSnapshot, ReviewStatistics},
};
use crate::{
    data::Split,
    engine::{EngineState, Severity, inspection::ModelState, outbox::Outbox},
    format::sentence,
    review::{
        InspectionId, OpinionId, PartId, Record, RecordError, Timestamp, TrainingLabels,
        agreement::{Agreement, is_disputed},
        drift::Drift,
        facets::Facets,
        queue,
        record::{NewOpinion, RecordPosition},
    },
};

/// What other threads and programs file is looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Figures over all parts are worked out no more often than this, nor more often than so many times what they take.
const FIGURES_EVERY: Duration = Duration::from_secs(1);
const FIGURES_SHARE: u32 = 20;

/// Most findings that are kept.
const FINDINGS: usize = 64;

pub(super) struct RecordThread {
    inbox: Receiver<ReviewRequest>,
    outbox: Outbox,
    wake: Arc<dyn Fn() + Send + Sync>,
    live: Arc<EngineState>,
    record: Option<Record>,
    books: ReviewSnapshot,
    mark: RecordPosition,
    looked: Instant,
    /// What was kept since the program began and not taken back, the latest last.
    said: Vec<(PartId, OpinionId)>,
    /// Figures are older than the items; due at this time.
    due: Option<Instant>,
    /// How long figures may be older.
    pause: Duration,
    /// Revision of the items and hash of the model that the label counts are for.
    labelled: Option<(u64, String)>,
}

impl RecordThread {
    pub(super) fn new(
        inbox: Receiver<ReviewRequest>,
        outbox: Outbox,
        wake: Arc<dyn Fn() + Send + Sync>,
        live: Arc<EngineState>,
    ) -> Self {
        Self {
            inbox,
            outbox,
            wake,
            live,
            record: None,
            books: ReviewSnapshot::default(),
            mark: RecordPosition::default(),
            looked: Instant::now(),
            said: Vec::new(),
            due: None,
            pause: FIGURES_EVERY,
            labelled: None,
        }
    }

    /// Answers and looks until nobody asks any more.
    pub(super) fn run(mut self) {
        loop {
            let ask = match self.books.path {
                None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => self.inbox.recv_timeout(LOOK_EVERY),
            };
            match ask {
                Ok(ask) => self.answer(ask),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.looked.elapsed() >= LOOK_EVERY {
                self.look_around();
            }
            self.count_labels();
        }
    }

    fn answer(&mut self, ask: ReviewRequest) {
        match ask {
            ReviewRequest::Open(path) => self.open(path),
            ReviewRequest::AddOpinion { number, part, opinion } => {
                if let Err(error) = self.say(part, &opinion) {
                    self.complain(&format!("The verdict was not kept: {error}."));
                    self.books.refused = Some((number, part, opinion));
                }
                self.books.answered = number;
                self.show();
            }
            ReviewRequest::Undo { number } => {
                self.undo(number);
                self.books.answered = number;
                self.show();
            }
            ReviewRequest::AddDefectType(name) => self.kind(|record| record.add_defect_type(&name, Timestamp::now())),
            ReviewRequest::RetireDefectType(name) => {
                self.kind(|record| record.retire_defect_type(&name, Timestamp::now()))
            }
            ReviewRequest::LoadFindings => self.find(),
        }
    }

    fn complain(&mut self, text: &str) {
        self.outbox.notice(Severity::Error, text, "");
    }

    /// Hands out what there is to see, and wakes the window.
    fn show(&mut self) {
        self.books.undo = self.said.len();
        *self.live.review.books.write() = Arc::new(self.books.clone());
        (self.wake)();
    }

    fn open(&mut self, path: PathBuf) {
        if self.books.path.as_ref() == Some(&path) && self.record.is_some() {
            return;
        }
        self.record = None;
        self.said.clear();
        // A ticket is answered once, whatever is open.
        let (answered, revision) = (self.books.answered, self.books.revision + 1);
        self.books = ReviewSnapshot { path: Some(path), answered, revision, ..ReviewSnapshot::default() };
        self.live.review.findings.write().clear();
        self.live.review.sights.write().clear();
        self.live.review.maps.write().clear();
        self.try_open();
    }

    /// Opens the record, if there is one.
    fn try_open(&mut self) {
        let Some(path) = self.books.path.clone() else { return };
        if !path.exists() {
            // A name that leads nowhere makes no empty record: whoever files the first part does.
            return self.stand(RecordState::Absent);
        }
        if !matches!(self.books.state, RecordState::Failed(_)) {
            self.stand(RecordState::Opening);
        }
        let opened = Record::open(&path).and_then(|record| {
            let kinds = record.defect_types()?;
            let all = record.since(RecordPosition::default())?;
            Ok((record, kinds, all))
        });
        match opened {
            Ok((record, kinds, all)) => {
                self.record = Some(record);
                self.mark = all.position;
                self.books.items = Arc::new(all.items);
                self.books.kinds = Arc::new(kinds);
                self.books.revision += 1;
                self.work_out();
                self.stand(RecordState::Open);
                self.find();
            }
            Err(error) => self.fail(&error),
        }
    }

    fn stand(&mut self, state: RecordState) {
        if self.books.state != state {
            self.books.state = state;
            self.show();
        }
    }

    /// Says once what is wrong with the record.
    fn fail(&mut self, error: &RecordError) {
        let text = sentence(&error.to_string());
        if self.books.state != RecordState::Failed(text.clone()) {
            self.complain(&text);
        }
        self.stand(RecordState::Failed(text));
    }

    /// Takes in what is new in the record, whoever filed it.
    fn look_around(&mut self) {
        self.looked = Instant::now();
        match self.record {
            None => self.try_open(),
            Some(_) => match self.take_news() {
                Ok(false) => self.stand(RecordState::Open),
                Ok(true) => {
                    self.books.state = RecordState::Open;
                    self.show();
                }
                Err(error) => self.fail(&error),
            },
        }
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.work_out();
            self.show();
        }
    }

    /// Whether there was anything new.
    fn take_news(&mut self) -> Result<bool, RecordError> {
        let Some(record) = &self.record else { return Ok(false) };
        let news = record.since(self.mark)?;
        let kinds = record.defect_types()?;
        let other = kinds != *self.books.kinds;
        if other {
            self.books.kinds = Arc::new(kinds);
        }
        if news.position == self.mark {
            return Ok(other);
        }
        self.mark = news.position;
        queue::merge(Arc::make_mut(&mut self.books.items), news.items);
        self.books.revision += 1;
        self.due.get_or_insert(Instant::now() + self.pause);
        Ok(true)
    }

    /// Figures and choices over all parts.
    fn work_out(&mut self) {
        let began = Instant::now();
        let items = &self.books.items;
        self.books.facets = Arc::new(Facets::of(items));
        let (drift, agreement) = (Some(Drift::of(items)), Agreement::of(items));
        let disputed = items.iter().filter(|item| is_disputed(item)).count();
        self.books.figures = Arc::new(ReviewStatistics { drift, agreement, disputed });
        self.due = None;
        self.pause = FIGURES_EVERY.max(began.elapsed() * FIGURES_SHARE);
    }

    /// Counts the training labels again where the verdicts or the active model have changed.
    fn count_labels(&mut self) {
        let model = match &self.live.inspection.status.read().model {
            ModelState::Ready(facts) => Arc::clone(facts),
            _ => return,
        };
        let key = (self.books.revision, model.hash.clone());
        if self.labelled.as_ref() == Some(&key) {
            return;
        }
        self.labelled = Some(key);
        let lineage = model.lineage.as_deref();
        let split = lineage.map_or_else(|| Split::clone(&model.split), |lineage| lineage.before(&model.split));
        let labels = TrainingLabels::of(&self.books.items, &split).summary(lineage);
        if self.books.labels != labels {
            self.books.labels = labels;
            self.show();
        }
    }

    fn say(&mut self, part: PartId, opinion: &NewOpinion) -> Result<(), RecordError> {
        let Some(record) = &mut self.record else { return Err(RecordError::NoInspection(opinion.inspection.0)) };
        let id = record.add_opinion(opinion)?;
        self.said.push((part, id));
        self.take_news().map(|_| ())
    }

    fn undo(&mut self, number: u64) {
        let (Some(record), Some(&(part, id))) = (&mut self.record, self.said.last()) else { return };
        match record.retract(id, Timestamp::now()) {
            // Another program may have taken it back before.
            Ok(_) | Err(RecordError::Retracted(_)) => {
                self.said.pop();
                self.books.undone = Some((number, part));
                if let Err(error) = self.take_news() {
                    self.fail(&error);
                }
            }
            Err(error) => self.complain(&format!("The verdict was not taken back: {error}.")),
        }
    }

    fn kind(&mut self, change: impl FnOnce(&mut Record) -> Result<(), RecordError>) {
        let Some(record) = &mut self.record else { return };
        let changed = change(record).and_then(|()| record.defect_types());
        match changed {
            Ok(kinds) => {
                self.books.kinds = Arc::new(kinds);
                self.show();
            }
            Err(error) => self.complain(&format!("The kinds of defect stay as they were: {error}.")),
        }
    }

    /// Reads what the model found on the parts that are wanted.
    fn find(&mut self) {
        let Some(record) = &self.record else { return };
        let wanted = Arc::clone(&self.live.review.wanted.lock());
        let ids: Vec<InspectionId> = wanted.iter().map(|one| one.inspection).collect();
        let mut fresh = false;
        for id in &ids {
            if self.live.review.findings.read().contains_key(id) {
                continue;
            }
            match record.findings(*id) {
                Ok(found) => {
                    let found = Arc::new(found.unwrap_or_default());
                    self.live.review.findings.write().insert(*id, found);
                    fresh = true;
                }
                Err(error) => return self.fail(&error),
            }
        }
        let_go(&mut self.live.review.findings.write(), &ids, (FINDINGS, usize::MAX), |_| 0);
        if fresh {
            (self.wake)();
        }
    }
}
