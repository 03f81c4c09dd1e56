//! The Inspect workspace: image, reconstruction and difference side by side while z converges, and the verdict.

mod actions;
mod batch;
pub(in crate::ui) mod canvases;
pub(in crate::ui) mod convergence;
mod empty;
mod export;
mod intake;
mod knobs;
mod known;
mod list;
pub(super) mod nearest_neighbours;
pub(super) mod overlay;
mod page;
pub(in crate::ui) mod raster;
mod rate;
mod readout;
pub(super) mod region_marks;
mod region_settings;
pub(super) mod regions;
mod scene;
pub(in crate::ui) mod status;
mod tasks;
mod toolbar;
pub(super) mod triptych;
pub(in crate::ui) mod truth;
pub(in crate::ui) mod verdict;
mod view;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use batch::Batch;
use convergence::{Convergence, ConvergenceLayout};
use empty::EmptyPage;
use knobs::KnobsPanel;
use list::{List, ListView};
use nearest_neighbours::NeighbourRow;
use regions::RegionEditor;
use scene::InspectScene;
use serde::{Deserialize, Serialize};
pub(crate) use tasks::TaskResult;
use tasks::Tasks;
use triptych::{Triptych, TriptychLayout};
use truth::TruthKey;

use crate::{
    engine::{
        EngineState,
        inspection::{ModelState, QueryEntry, QueryId, QueryState},
    },
    inspect::evaluation::PartTruth,
    ui::{QueryContext, pages::anomaly_regions::RegionPanel, widgets::side_panel::SidePanel},
};

/// Layout kept in the settings file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
struct InspectLayout {
    /// Whether the image list is shown.
    list: bool,
    /// Whether the side panel is shown.
    panel: bool,
    order: ListView,
    triptych: TriptychLayout,
    convergence: ConvergenceLayout,
}

impl Default for InspectLayout {
    fn default() -> Self {
        Self {
            list: true,
            panel: true,
            order: ListView::default(),
            triptych: TriptychLayout::default(),
            convergence: ConvergenceLayout::default(),
        }
    }
}

/// The Inspect workspace.
#[derive(Default)]
pub(crate) struct InspectWorkspace {
    layout: InspectLayout,
    side: SidePanel,
    /// Queries added here and not yet on the compute thread's list.
    added: Vec<Arc<QueryEntry>>,
    /// Queries removed here and still on the compute thread's list.
    removed: HashSet<QueryId>,
    /// What is known of parts of test sets.
    truths: HashMap<TruthKey, Arc<PartTruth>>,
    selected: Option<QueryId>,
    /// Row of the selected query; its neighbour is selected once it is removed.
    position: usize,
    tasks: Tasks,
    list: List,
    batch: Batch,
    triptych: Triptych,
    convergence: Convergence,
    regions: RegionEditor,
    anomalies: RegionPanel,
    neighbours: NeighbourRow,
    knobs: KnobsPanel,
    empty: EmptyPage,
}

impl InspectWorkspace {
    /// Restores the workspace from the text of [`InspectWorkspace::layout`]; falls back to the default layout.
    pub(crate) fn new(layout: Option<&str>) -> Self {
        let layout: InspectLayout = layout.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self {
            triptych: Triptych::new(layout.triptych.clone()),
            convergence: Convergence::new(layout.convergence.clone()),
            layout,
            ..Self::default()
        }
    }

    /// Returns the layout as text for the settings file.
    pub(crate) fn layout(&self) -> String {
        let layout = InspectLayout {
            triptych: self.triptych.layout().clone(),
            convergence: self.convergence.layout().clone(),
            ..self.layout.clone()
        };
        // A JSON value sorts its keys, so that equal layouts give equal texts.
        serde_json::to_value(&layout).map(|v| v.to_string()).unwrap_or_default()
    }

    /// Whether a model is active.
    pub(crate) fn has_model(engine: &EngineState) -> bool {
        matches!(engine.inspection.status.read().model, ModelState::Ready(_))
    }

    /// Returns the name of the active model in a form suitable for a file name.
    pub(crate) fn model_name(&self, engine: &EngineState) -> String {
        match &engine.inspection.status.read().model {
            ModelState::Ready(facts) => facts.name.replace(['/', '\\', ' '], "-"),
            _ => "model".to_owned(),
        }
    }

    /// Returns the selected query.
    pub(crate) fn shown(&self, engine: &EngineState) -> Option<QueryId> {
        self.scene(engine).entry().map(|entry| entry.id)
    }

    /// Returns the inspected queries on the list, in the order shown.
    pub(crate) fn ended(&self, engine: &EngineState) -> Vec<QueryId> {
        self.scene(engine).rows.iter().filter(|entry| entry.judged.is_some()).map(|entry| entry.id).collect()
    }

    /// Returns the state of the selected query, for the command table.
    pub(crate) fn context(&self, engine: &EngineState) -> QueryContext {
        let scene = self.scene(engine);
        let state = scene.entry().map(|entry| entry.state.clone());
        let truth = scene.entry().and_then(|entry| self.truth(entry));
        let alike = |forward| truth.as_ref().is_some_and(|truth| truth.neighbour(forward).is_some());
        QueryContext {
            any: state.is_some(),
            others: scene.rows.len() > 1,
            running: state.as_ref().is_some_and(|s| !s.is_over()),
            finished: state.as_ref().is_some_and(QueryState::has_outcome),
            images: scene.view.is_some(),
            frames: scene.view.as_ref().is_some_and(|view| view.frames.len() > 1),
            regions: scene.anomalies().is_some_and(|list| !list.regions.is_empty()),
            undo: self.regions.can_undo(),
            alike_before: alike(false),
            alike_after: alike(true),
        }
    }

    /// Whether a region is being drawn.
    pub(crate) fn is_drawing(&self) -> bool {
        overlay::QueryOverlay::is_drawing(&self.regions)
    }

    /// Returns the result of a background task that has finished since the last call.
    pub(crate) fn poll(&mut self) -> Option<TaskResult> {
        self.tasks.poll()
    }

    /// Returns the running background task: title, items done and total.
    pub(crate) fn job(&self) -> Option<(&'static str, (usize, usize))> {
        self.tasks.progress()
    }

    /// Cancels the running background task.
    pub(crate) fn cancel_job(&mut self) {
        self.tasks.cancel();
    }

    /// Shows the side panel.
    pub(crate) fn show_panel(&mut self) {
        self.side.show(&mut self.layout.panel);
    }

    /// Selects this query.
    pub(crate) fn select(&mut self, id: QueryId) {
        if self.selected != Some(id) {
            self.convergence.follow();
            self.regions.cancel_drawing();
            self.list.reveal = true;
        }
        self.selected = Some(id);
    }

    /// Hides these queries at once, before the compute thread has removed them.
    pub(crate) fn remove(&mut self, ids: &[QueryId]) {
        self.added.retain(|e| !ids.contains(&e.id));
        self.removed.extend(ids);
    }

    fn scene(&self, engine: &EngineState) -> InspectScene {
        let status = engine.inspection.status.read().clone();
        let known: HashSet<QueryId> =
            if self.added.is_empty() { HashSet::new() } else { status.entries.iter().map(|e| e.id).collect() };
        let added = self.added.iter().filter(|e| !known.contains(&e.id));
        let all = status.entries.iter().chain(added);
        let mut rows: Vec<Arc<QueryEntry>> = all.filter(|e| !self.removed.contains(&e.id)).cloned().collect();
        let (total, newest) = (rows.len(), rows.last().map(|e| e.id));
        // The selected query is listed even if the filter excludes it.
        let selected = self.selected.filter(|id| rows.iter().any(|e| e.id == *id));
        self.layout.order.arrange(&mut rows, selected);
        self.batch.keep_order(&mut rows);
        let row_of = |id: QueryId| rows.iter().position(|e| e.id == id);
        let selected = match (selected.and_then(row_of), rows.len()) {
            (_, 0) => None,
            (Some(row), _) => Some(row),
            // The selected query was removed: its neighbour is next. At the start it is the newest.
            (None, n) if self.selected.is_some() => Some(self.position.min(n - 1)),
            (None, n) => newest.and_then(row_of).or(Some(n - 1)),
        };
        let entry = selected.and_then(|row| rows.get(row));
        let view = entry.and_then(|e| engine.inspection.views.read().get(&e.id).cloned());
        InspectScene { status, rows, total, selected, view }
    }

    /// Drops local additions and removals that the compute thread has caught up with.
    fn sync(&mut self, scene: &InspectScene) {
        self.batch.follow(&scene.rows);
        if !self.added.is_empty() || !self.removed.is_empty() {
            let known: HashSet<QueryId> = scene.status.entries.iter().map(|e| e.id).collect();
            self.added.retain(|e| !known.contains(&e.id));
            self.removed.retain(|id| known.contains(id));
        }
        if let (Some(row), Some(entry)) = (scene.selected, scene.entry()) {
            self.position = row;
            self.select(entry.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{
            ComputeCommand, EngineCommand, InspectionRequest,
            inspection::{Query, QuerySource},
        },
        inspect::InvertKnobs,
        ui::{Action, UiCommand},
    };

    fn engine_with(state: QueryState) -> (EngineState, QueryId) {
        let engine = EngineState::default();
        let query = Query {
            id: QueryId::fresh(),
            name: "part.png".into(),
            source: QuerySource::File("/parts/part.png".into()),
        };
        let entry = QueryEntry { state, ..QueryEntry::waiting(&query, 0) };
        engine.inspection.status.write().entries.push(Arc::new(entry));
        (engine, query.id)
    }

    fn requests(page: &mut InspectWorkspace, command: UiCommand, engine: &EngineState) -> Vec<InspectionRequest> {
        let mut actions = Vec::new();
        page.apply(command, engine, &mut actions);
        let inspect = |action| match action {
            Action::Engine(EngineCommand::Compute(ComputeCommand::Inspection(inspect))) => Some(inspect),
            _ => None,
        };
        actions.into_iter().filter_map(inspect).collect()
    }

    #[test]
    fn a_running_query_is_paused_and_stopped() {
        let mut page = InspectWorkspace::default();
        let (engine, id) = engine_with(QueryState::Running);
        assert!(
            matches!(requests(&mut page, UiCommand::InspectPlayPause, &engine)[..], [InspectionRequest::Pause(i)] if i == id)
        );
        assert!(
            matches!(requests(&mut page, UiCommand::InspectStop, &engine)[..], [InspectionRequest::Stop(i)] if i == id)
        );
        let context = page.context(&engine);
        assert!(context.running && !context.finished && !context.frames);
        let (engine, id) = engine_with(QueryState::Paused);
        assert!(
            matches!(requests(&mut page, UiCommand::InspectPlayPause, &engine)[..], [InspectionRequest::Play(i)] if i == id)
        );
    }

    #[test]
    fn a_query_continues_or_restarts_with_unused_seeds() {
        let mut page = InspectWorkspace::default();
        let (engine, id) = engine_with(QueryState::Done);
        let steps = InvertKnobs::default().steps;
        let more = requests(&mut page, UiCommand::InspectMore, &engine);
        assert!(matches!(more[..], [InspectionRequest::AddSteps(i, n)] if i == id && n == steps));
        let mut seeds = Vec::new();
        for _ in 0..3 {
            let again = requests(&mut page, UiCommand::InspectAgain, &engine);
            let [InspectionRequest::Restart { seed, random: true, .. }] = again[..] else { panic!("{again:?}") };
            seeds.push(seed);
        }
        assert_eq!(seeds, [2, 3, 4], "the knobs' own seed is 1");
    }

    #[test]
    fn a_removed_query_is_hidden_at_once_and_its_neighbour_selected() {
        let mut page = InspectWorkspace::default();
        let engine = EngineState::default();
        let source = |name: &str| QuerySource::File(name.into());
        let Some(InspectionRequest::Add(queries)) =
            page.add(vec![source("/a.png"), source("/b.png"), source("/c.png")])
        else {
            panic!()
        };
        assert_eq!(page.shown(&engine), Some(queries[0].id), "the first is inspected first");
        page.select(queries[1].id);
        let mut actions = Vec::new();
        page.apply(UiCommand::InspectRemove, &engine, &mut actions);
        let [Action::Remove(entries)] = &actions[..] else { panic!("{actions:?}") };
        assert_eq!(entries.iter().map(|e| e.id).collect::<Vec<_>>(), [queries[1].id]);
        page.remove(&[queries[1].id]);
        assert_eq!(page.shown(&engine), Some(queries[2].id));
        // The compute thread has taken one in: it is listed once.
        engine.inspection.status.write().entries.push(Arc::new(QueryEntry::waiting(&queries[0], 0)));
        let scene = page.scene(&engine);
        page.sync(&scene);
        assert_eq!(page.scene(&engine).rows.len(), 2);
        assert_eq!(page.add(Vec::new()).is_none(), page.added.len() == 1);
    }
}
