//! The Review workspace: a working day of flagged parts, one key a part.

mod actions;
mod bar;
mod drift_section;
mod empty;
mod export;
mod film;
mod filters;
mod finetune_section;
mod intake_section;
mod marks;
mod model_section;
mod panel;
mod queue;
mod record_section;
mod reviewers;
mod session;
mod verdict;
mod view;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use film::Film;
use filters::Filters;
use marks::Drawing;
use panel::PanelSection;
use queue::ReviewQueue;
use serde::{Deserialize, Serialize};
use session::{Led, Session};
use verdict::Writing;

use super::inspect::{
    nearest_neighbours::NeighbourRow,
    triptych::{Triptych, TriptychLayout},
};
use crate::{
    engine,
    engine::{
        EngineState, Severity,
        background::{BackgroundTask, TaskState},
        inspection::ModelState,
        review::{PrefetchRequest, RecordState, ReviewRequest, ReviewSnapshot},
    },
    review::{
        Findings, InspectionId, LabelSummary, PartId, Timestamp,
        queue::{QueueOrder, ReviewProgress},
    },
    ui::{Action, ReviewContext, ReviewSettings},
};

/// What is remembered of the workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
struct ReviewLayout {
    /// The panel is on show.
    panel: bool,
    /// The picture fills the place; reconstruction and map are hidden.
    alone: bool,
    order: QueueOrder,
    triptych: TriptychLayout,
}

impl Default for ReviewLayout {
    fn default() -> Self {
        Self { panel: true, alone: false, order: QueueOrder::default(), triptych: TriptychLayout::default() }
    }
}

/// What the workspace shows in one frame.
pub(super) struct Scene {
    /// The model in force.
    model: ModelState,
    /// The record.
    books: Arc<ReviewSnapshot>,
    /// Who reviews, and by which rule.
    settings: ReviewSettings,
    /// What the model found on the part on show.
    findings: Option<Arc<Findings>>,
}

/// What the pictures that are wanted were worked out from.
type Looked = (u64, Option<PartId>, (u64, u64), bool, bool);

/// The Review workspace.
pub struct ReviewWorkspace {
    layout: ReviewLayout,
    books: Arc<ReviewSnapshot>,
    settings: ReviewSettings,
    /// The record that small pictures belong to.
    owner: Arc<PathBuf>,
    queue: ReviewQueue,
    session: Session,
    looked: Option<Looked>,
    wanted: Arc<[PrefetchRequest]>,
    /// The part on show, and since when.
    since: Option<(PartId, Instant)>,
    /// When good parts changed, once that was said.
    warned: Option<Timestamp>,
    exporting: Option<BackgroundTask<Result<String, String>>>,
    writing: Option<Writing>,
    drawing: Drawing,
    triptych: Triptych,
    likeness: NeighbourRow,
    film: Film,
    filters: Filters,
    sections: Vec<Box<dyn PanelSection>>,
}

impl ReviewWorkspace {
    /// The workspace as [`ReviewWorkspace::layout`] described it; in its first order where that cannot be read.
    pub fn new(layout: Option<&str>) -> Self {
        let layout: ReviewLayout = layout.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self {
            books: Arc::default(),
            settings: ReviewSettings::default(),
            owner: Arc::default(),
            queue: ReviewQueue::new(filters::flagged(), layout.order),
            session: Session::default(),
            looked: None,
            wanted: Arc::default(),
            since: None,
            warned: None,
            exporting: None,
            writing: None,
            drawing: Drawing::default(),
            triptych: Triptych::new(layout.triptych.clone()),
            likeness: NeighbourRow::default(),
            film: Film::default(),
            filters: Filters::default(),
            sections: panel::sections(),
            layout,
        }
    }

    /// The layout as text, for the settings file.
    pub fn layout(&self) -> String {
        let (order, triptych) = (self.queue.order, self.triptych.layout().clone());
        let layout = ReviewLayout { order, triptych, ..self.layout.clone() };
        // By way of a value, whose keys are sorted: the same layout is the same text.
        serde_json::to_value(&layout).map(|v| v.to_string()).unwrap_or_default()
    }

    /// The record on show, or the one that was asked for.
    pub fn path(&self) -> Option<&Path> {
        self.books.path.as_deref()
    }

    /// What model and other people say is hidden.
    fn is_blind(&self) -> bool {
        self.settings.two_persons && self.queue.filter.progress != ReviewProgress::Disputed
    }

    /// What can be asked about the part on show.
    pub fn context(&self) -> ReviewContext {
        let open = self.books.state == RecordState::Open;
        let part = self.queue.shown(&self.books.items).is_some();
        ReviewContext {
            open,
            part,
            ready: open && part && !self.settings.reviewer.is_empty(),
            blind: self.is_blind(),
            undo: self.books.undo > 0 || self.session.is_any_busy(),
            defect_types: if self.session.named.is_some() { self.books.kinds.len() } else { 0 },
            exporting: self.exporting.is_some(),
        }
    }

    /// Work beside the compute thread that takes long enough to be named.
    pub fn job(&self) -> Option<(&'static str, (usize, usize))> {
        self.exporting.as_ref().map(|task| ("Exporting the queue", task.progress()))
    }

    /// Ends that work; what is half written is left out.
    pub fn cancel_job(&mut self) {
        // Tasks that are dropped are cancelled.
        self.exporting = None;
    }

    /// What has come of the export, and whether good parts change.
    pub fn poll(&mut self) -> Option<(Severity, String)> {
        if let Some(task) = &self.exporting {
            match task.poll() {
                TaskState::Running => {}
                TaskState::Done(result) => {
                    self.exporting = None;
                    return Some(match result {
                        Ok(text) => (Severity::Info, text),
                        Err(text) => (Severity::Error, text),
                    });
                }
                TaskState::Over => self.exporting = None,
            }
        }
        let drift = self.books.figures.drift.as_ref()?;
        let since = drift.since()?;
        (self.warned.replace(since) != Some(since)).then(|| (Severity::Warning, drift.sentence()))
    }

    /// Follows the record and the settings; `on` says whether the page is on show.
    pub fn follow(&mut self, live: &EngineState, settings: &ReviewSettings, on: bool, actions: &mut Vec<Action>) {
        if self.settings != *settings {
            self.settings.clone_from(settings);
        }
        let filter = &mut self.queue.filter;
        if filter.two_persons != settings.two_persons {
            filter.two_persons = settings.two_persons;
            filter.reviewer = None;
        }
        if filter.two_persons && filter.reviewer.as_ref() != Some(&settings.reviewer) {
            filter.reviewer = Some(settings.reviewer.clone());
        }
        let books = Arc::clone(&live.review.books.read());
        if books.path != self.books.path {
            self.owner = Arc::new(books.path.clone().unwrap_or_default());
            self.queue = ReviewQueue::new(std::mem::take(&mut self.queue.filter), self.queue.order);
            self.session.named = None;
        }
        self.books = books;
        let led = self.session.follow(&self.books);
        self.queue.follow(&self.books);
        if let Led::Back(part) = led {
            self.queue.show(&self.books, part);
        }
        let blind = self.is_blind();
        let looked = (self.queue.version(), self.queue.current(), self.session.stamp(), blind, on);
        if self.looked != Some(looked) {
            if self.looked.is_some_and(|(_, current, ..)| current != looked.1) || self.since.is_none() {
                self.arrive();
            }
            self.looked = Some(looked);
            let busy = |part: PartId| self.session.is_busy(part);
            let wanted = if on { self.queue.wanted(&self.books.items, &busy, !blind) } else { Arc::default() };
            if wanted != self.wanted {
                self.wanted = Arc::clone(&wanted);
                actions.push(Action::Engine(engine::Command::Look(wanted)));
            }
        }
    }

    /// Another part is on show.
    fn arrive(&mut self) {
        self.since = self.queue.current().map(|part| (part, Instant::now()));
        self.drawing.abandon();
        if let Some(item) = self.queue.shown(&self.books.items) {
            self.session.arrive(item, &self.settings);
        }
    }

    /// The ask that opens this record.
    pub fn open(path: PathBuf) -> Action {
        Action::Engine(engine::Command::Review(ReviewRequest::Open(path)))
    }

    fn scene(&self, live: &EngineState) -> Scene {
        let inspection: Option<InspectionId> = self.queue.shown(&self.books.items).map(|item| item.inspection.id);
        let findings = inspection.and_then(|id| live.review.findings.read().get(&id).cloned());
        Scene {
            model: live.inspection.status.read().model.clone(),
            books: Arc::clone(&self.books),
            settings: self.settings.clone(),
            findings,
        }
    }

    /// Counts of the verdicts that the active model can be fine-tuned on.
    pub fn labels(&self) -> LabelSummary {
        self.books.labels
    }
}
