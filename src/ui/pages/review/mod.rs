//! The Review workspace: a queue of inspected parts, and human verdicts on them given with one key each.

mod actions;
mod bar;
mod defect_types_section;
mod drift_section;
mod empty;
mod export;
mod filmstrip;
mod filters;
mod finetune_section;
mod intake_section;
mod marks;
mod model_section;
mod next;
mod page;
mod panel;
mod queue;
mod record_section;
mod reviewers;
mod scene;
mod section;
mod session;
mod shapes;
mod verdict;
mod view;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use filmstrip::Filmstrip;
use filters::Filters;
use marks::Drawing;
use queue::ReviewQueue;
use scene::ReviewScene;
use section::PanelSection;
use serde::{Deserialize, Serialize};
use session::Session;
use verdict::NoteEdit;

use super::{
    anomaly_regions::RegionPanel,
    inspect::{
        nearest_neighbours::NeighbourRow,
        triptych::{Triptych, TriptychLayout},
    },
};
use crate::{
    engine,
    engine::{
        BackgroundTask, EngineState, Severity, TaskState,
        review::{PartImage, PrefetchRequest, RecordState, ReviewRequest, ReviewSnapshot},
    },
    review::{Findings, LabelSummary, PartId, QueueFilter, QueueOrder, ReviewProgress, Timestamp, export::ExportScope},
    ui::{Action, ReviewContext, ReviewSettings, widgets::side_panel::SidePanel},
};

/// Layout kept in the settings file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
struct ReviewLayout {
    /// Whether the side panel is shown.
    panel: bool,
    /// Whether the image fills the area, without reconstruction and map.
    alone: bool,
    order: QueueOrder,
    triptych: TriptychLayout,
}

impl Default for ReviewLayout {
    fn default() -> Self {
        Self { panel: true, alone: false, order: QueueOrder::default(), triptych: TriptychLayout::default() }
    }
}

/// Inputs of the prefetch requests; they are recomputed when these change.
#[derive(Clone, Copy, PartialEq)]
struct PrefetchKey {
    /// Version of the queue.
    queue: u64,
    current: Option<PartId>,
    /// Version of the session.
    session: (u64, u64),
    blind: bool,
    /// Whether the page is shown.
    shown: bool,
}

/// The Review workspace.
pub(crate) struct ReviewWorkspace {
    layout: ReviewLayout,
    side: SidePanel,
    /// The record.
    snapshot: Arc<ReviewSnapshot>,
    settings: ReviewSettings,
    /// Path of the record, which identifies the owner of the thumbnails.
    owner: Arc<PathBuf>,
    queue: ReviewQueue,
    session: Session,
    prefetch_key: Option<PrefetchKey>,
    prefetch: Arc<[PrefetchRequest]>,
    /// The current part, and when it was first shown.
    shown_since: Option<(PartId, Instant)>,
    /// Start of the drift that the user was warned of.
    warned: Option<Timestamp>,
    export_task: Option<BackgroundTask<Result<String, String>>>,
    /// Whether exports cover only the parts of the queue, rather than the whole record.
    export_queue: bool,
    /// The note being edited.
    note: Option<NoteEdit>,
    drawing: Drawing,
    anomalies: RegionPanel,
    triptych: Triptych,
    neighbours: NeighbourRow,
    filmstrip: Filmstrip,
    filters: Filters,
    sections: Vec<Box<dyn PanelSection>>,
}

impl ReviewWorkspace {
    /// Restores the workspace from the text of [`ReviewWorkspace::layout`]; falls back to the default layout.
    pub(crate) fn new(layout: Option<&str>) -> Self {
        let layout: ReviewLayout = layout.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self {
            snapshot: Arc::default(),
            settings: ReviewSettings::default(),
            owner: Arc::default(),
            queue: ReviewQueue::new(filters::flagged(), layout.order),
            session: Session::default(),
            prefetch_key: None,
            prefetch: Arc::default(),
            shown_since: None,
            warned: None,
            export_task: None,
            export_queue: false,
            note: None,
            drawing: Drawing::default(),
            anomalies: RegionPanel::default(),
            triptych: Triptych::new(layout.triptych.clone()),
            neighbours: NeighbourRow::default(),
            filmstrip: Filmstrip::default(),
            filters: Filters::default(),
            sections: panel::sections(),
            side: SidePanel::default(),
            layout,
        }
    }

    /// Returns the layout as text for the settings file.
    pub(crate) fn layout(&self) -> String {
        let (order, triptych) = (self.queue.order, self.triptych.layout().clone());
        let layout = ReviewLayout { order, triptych, ..self.layout.clone() };
        // A JSON value sorts its keys, so that equal layouts give equal texts.
        serde_json::to_value(&layout).map(|v| v.to_string()).unwrap_or_default()
    }

    /// Returns the path of the record that is open or being opened.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.snapshot.path.as_deref()
    }

    /// Whether the verdicts of the model and of other reviewers are hidden.
    fn is_blind(&self) -> bool {
        self.settings.double_blind && self.queue.filter.progress != ReviewProgress::Disputed
    }

    /// Returns the state of the current part, for the command table.
    pub(crate) fn context(&self, engine: &EngineState) -> ReviewContext {
        let open = self.snapshot.state == RecordState::Open;
        let part = self.queue.shown(&self.snapshot.items).is_some();
        let images = engine.review.images.read();
        let image = self.queue.current().and_then(|part| images.get(&part));
        let replaced = image.is_some_and(|image| !matches!(**image, PartImage::Loaded(..)));
        ReviewContext {
            open,
            part,
            replaced,
            ready: open && part && !self.settings.reviewer.is_empty(),
            regions: self.findings(engine).is_some_and(|found| !found.regions.is_empty()),
            blind: self.is_blind(),
            undo: self.snapshot.undoable > 0 || self.session.is_any_pending() || self.drawing.can_undo(),
            defect_types: if self.session.last_defective.is_some() { self.snapshot.defect_types.len() } else { 0 },
            exporting: self.export_task.is_some(),
        }
    }

    /// Returns the running background task: title, items done and total.
    pub(crate) fn job(&self) -> Option<(&'static str, (usize, usize))> {
        self.export_task.as_ref().map(|task| ("Exporting the record", task.progress()))
    }

    /// Cancels the running background task.
    pub(crate) fn cancel_job(&mut self) {
        // Dropping a task cancels it.
        self.export_task = None;
    }

    /// Returns the result of a finished export, or a warning about drift that has not been given yet.
    pub(crate) fn poll(&mut self) -> Option<(Severity, String)> {
        if let Some(task) = &self.export_task {
            match task.poll() {
                TaskState::Running => {}
                TaskState::Done(result) => {
                    self.export_task = None;
                    return Some(match result {
                        Ok(text) => (Severity::Info, text),
                        Err(text) => (Severity::Error, text),
                    });
                }
                TaskState::Over => self.export_task = None,
            }
        }
        let drift = self.snapshot.statistics.drift.as_ref()?;
        let since = drift.since()?;
        (self.warned.replace(since) != Some(since)).then(|| (Severity::Warning, drift.sentence()))
    }

    /// Follows the record and the settings; `on` says whether the page is shown.
    pub(crate) fn follow(
        &mut self,
        engine: &EngineState,
        settings: &ReviewSettings,
        on: bool,
        actions: &mut Vec<Action>,
    ) {
        if self.settings != *settings {
            self.settings.clone_from(settings);
        }
        let filter = &mut self.queue.filter;
        if filter.double_blind != settings.double_blind {
            filter.double_blind = settings.double_blind;
            filter.reviewer = None;
        }
        if filter.double_blind && filter.reviewer.as_ref() != Some(&settings.reviewer) {
            filter.reviewer = Some(settings.reviewer.clone());
        }
        let snapshot = Arc::clone(&engine.review.snapshot.read());
        if snapshot.path != self.snapshot.path {
            self.owner = Arc::new(snapshot.path.clone().unwrap_or_default());
            self.queue = ReviewQueue::new(std::mem::take(&mut self.queue.filter), self.queue.order);
            self.session.last_defective = None;
            self.export_queue = false;
        }
        self.snapshot = snapshot;
        let returned = self.session.follow(&self.snapshot);
        self.queue.follow(&self.snapshot);
        if let Some(part) = returned {
            self.queue.show(&self.snapshot, part);
        }
        let blind = self.is_blind();
        let key = PrefetchKey {
            queue: self.queue.version(),
            current: self.queue.current(),
            session: self.session.version(),
            blind,
            shown: on,
        };
        if self.prefetch_key != Some(key) {
            if self.prefetch_key.is_some_and(|last| last.current != key.current) || self.shown_since.is_none() {
                self.part_shown();
            }
            self.prefetch_key = Some(key);
            let pending = |part: PartId| self.session.is_pending(part);
            let prefetch =
                if on { self.queue.prefetch(&self.snapshot.items, &pending, !blind) } else { Arc::default() };
            if prefetch != self.prefetch {
                self.prefetch = Arc::clone(&prefetch);
                actions.push(Action::engine(engine::EngineCommand::Prefetch(prefetch)));
            }
        }
    }

    /// Prepares for a part that has just come on screen.
    fn part_shown(&mut self) {
        self.shown_since = self.queue.current().map(|part| (part, Instant::now()));
        self.drawing.cancel();
        if let Some(item) = self.queue.shown(&self.snapshot.items) {
            self.session.part_shown(item, &self.settings);
        }
    }

    /// Returns the action that opens this record.
    pub(crate) fn open(path: PathBuf) -> Action {
        Action::engine(ReviewRequest::Open(path))
    }

    /// Returns the findings of the current part, unless they are hidden.
    fn findings(&self, engine: &EngineState) -> Option<Arc<Findings>> {
        if self.is_blind() {
            return None;
        }
        let inspection = self.queue.shown(&self.snapshot.items)?.inspection.id;
        engine.review.findings.read().get(&inspection).cloned()
    }

    fn scene(&self, engine: &EngineState) -> ReviewScene {
        let findings = self.findings(engine);
        ReviewScene {
            model: engine.inspection.status.read().model.clone(),
            snapshot: Arc::clone(&self.snapshot),
            settings: self.settings.clone(),
            findings,
            scope: self.scope(),
            selected: self.queue.view().rows().len(),
        }
    }

    /// Returns the queue's filter in words, with or without the review status; `None` if it matches every part. Verdicts
    /// of the model are not named while they are hidden.
    fn filter_words(&self, status: bool) -> Option<String> {
        let (filter, models) = (&self.queue.filter, &self.snapshot.facets.models);
        let hidden = self.is_blind() && !filter.verdicts.is_empty();
        let shown =
            QueueFilter { verdicts: if hidden { Vec::new() } else { filter.verdicts.clone() }, ..filter.clone() };
        let words = if status { shown.description(models) } else { shown.counted(models) };
        words.or_else(|| hidden.then(|| "filtered".to_owned()))
    }

    /// Returns what an export covers: the whole record, unless the user has chosen the queue and that has a filter.
    fn scope(&self) -> ExportScope {
        let filter = self.filter_words(true).filter(|_| self.export_queue);
        let selects = filter.is_some() && self.queue.filter.selects();
        ExportScope { filter, selects, named: true, whole: self.snapshot.items.len() }
    }

    /// Returns counts of the verdicts that the active model can be fine-tuned on.
    pub(crate) fn labels(&self) -> LabelSummary {
        self.snapshot.labels
    }
}
