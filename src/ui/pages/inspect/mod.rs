//! The Inspect workspace: query, reconstruction and difference side by side while z converges, and the
//! verdict.

pub(in crate::ui) mod canvases;
pub(in crate::ui) mod convergence;
mod empty;
mod export;
mod intake;
mod knobs;
mod list;
pub(super) mod nearest_neighbours;
pub(in crate::ui) mod raster;
pub(super) mod regions;
pub(super) mod triptych;
pub(in crate::ui) mod verdict;

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use convergence::{Convergence, ConvergenceLayout};
use egui::{Align, Layout, Panel, Rect, RichText, Ui};
use egui_material_icons::icons;
use empty::EmptyPage;
use knobs::KnobsPanel;
use list::{List, ListView};
use nearest_neighbours::NeighbourRow;
use regions::RegionEditor;
use serde::{Deserialize, Serialize};
use triptych::{Subject, Triptych, TriptychLayout};

use crate::{
    engine,
    engine::{
        EngineState, InspectionRequest, Severity,
        background::{BackgroundTask, TaskState},
        inspection::{InspectionStatus, ModelFacts, ModelState, QueryEntry, QueryId, QueryState, QueryView},
    },
    inspect::{Calibration, InvertKnobs, Verdict},
    ui::{
        Action, Frame, QueryFacts, UiCommand, theme,
        theme::{Palette, StatusMark},
        widgets::{flush_right, icon_button, icon_toggle, pane},
    },
};

/// What is remembered of the workspace's layout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
struct InspectLayout {
    /// List and panel are on show.
    list: bool,
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

/// What a task of the workspace has brought.
pub enum TaskResult {
    /// The images of a folder.
    Images(Vec<PathBuf>),
    /// Something to be said.
    Notice(Severity, String),
}

/// A folder being looked through: its path and what is found.
type Looking = (PathBuf, BackgroundTask<Result<Vec<PathBuf>, String>>);

/// The Inspect workspace.
#[derive(Default)]
pub struct InspectWorkspace {
    layout: InspectLayout,
    /// Asked for and not on the compute thread's list yet.
    asked: Vec<Arc<QueryEntry>>,
    /// Taken off, and still on the compute thread's list.
    removed: HashSet<QueryId>,
    selected: Option<QueryId>,
    /// The place of the selected one on the list, for when it goes.
    place: usize,
    looking: Option<Looking>,
    exporting: Option<BackgroundTask<Result<String, String>>>,
    list: List,
    triptych: Triptych,
    convergence: Convergence,
    regions: RegionEditor,
    likeness: NeighbourRow,
    knobs: KnobsPanel,
    empty: EmptyPage,
}

/// What the workspace shows in one frame.
pub(in crate::ui) struct Scene {
    status: InspectionStatus,
    /// What the list shows, in its order.
    rows: Vec<Arc<QueryEntry>>,
    /// Queries in all, those included that the list leaves out.
    count: usize,
    /// The place of the query on show.
    at: Option<usize>,
    view: Option<Arc<QueryView>>,
}

impl Scene {
    /// The query on show.
    fn entry(&self) -> Option<&Arc<QueryEntry>> {
        self.at.and_then(|at| self.rows.get(at))
    }

    /// The model in force.
    fn model(&self) -> Option<&Arc<ModelFacts>> {
        match &self.status.model {
            ModelState::Ready(facts) => Some(facts),
            _ => None,
        }
    }

    /// The knobs that the query on show was inspected with, or that the next will be.
    fn knobs(&self) -> &InvertKnobs {
        match self.view.as_ref().and_then(|view| view.outcome.as_ref()) {
            Some(outcome) => &outcome.knobs,
            None => &self.status.knobs,
        }
    }

    /// The calibration for these knobs.
    fn calibration_for(&self, knobs: &InvertKnobs) -> Option<&Calibration> {
        self.model()?.calibration(knobs)
    }

    /// The calibration for the query on show.
    fn calibration(&self) -> Option<&Calibration> {
        self.calibration_for(self.knobs())
    }
}

/// The mark of a query.
pub(in crate::ui) fn mark(entry: &QueryEntry) -> StatusMark {
    // A file that cannot be read says nothing about the part.
    entry.assessment.as_ref().map_or(StatusMark::Unknown, |assessment| verdict_state(assessment.verdict))
}

pub(super) fn verdict_state(verdict: Verdict) -> StatusMark {
    match verdict {
        Verdict::Healthy => StatusMark::Healthy,
        Verdict::Suspect => StatusMark::Suspect,
        Verdict::Defective => StatusMark::Defective,
    }
}

impl InspectWorkspace {
    /// The workspace as [`InspectWorkspace::layout`] described it; in its first order where that cannot be read.
    pub fn new(layout: Option<&str>) -> Self {
        let layout: InspectLayout = layout.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self {
            triptych: Triptych::new(layout.triptych.clone()),
            convergence: Convergence::new(layout.convergence.clone()),
            layout,
            ..Self::default()
        }
    }

    /// The layout as text, for the settings file.
    pub fn layout(&self) -> String {
        let layout = InspectLayout {
            triptych: self.triptych.layout().clone(),
            convergence: self.convergence.layout().clone(),
            ..self.layout.clone()
        };
        // By way of a value, whose keys are sorted: the same layout is the same text.
        serde_json::to_value(&layout).map(|v| v.to_string()).unwrap_or_default()
    }

    /// Whether a model is in force.
    pub fn has_model(live: &EngineState) -> bool {
        matches!(live.inspection.status.read().model, ModelState::Ready(_))
    }

    /// The name of the model in force, for a file.
    pub fn model_name(&self, live: &EngineState) -> String {
        match &live.inspection.status.read().model {
            ModelState::Ready(facts) => facts.name.replace(['/', '\\', ' '], "-"),
            _ => "model".to_owned(),
        }
    }

    /// The query on show.
    pub fn shown(&self, live: &EngineState) -> Option<QueryId> {
        self.scene(live).entry().map(|entry| entry.id)
    }

    /// What the list shows of what was inspected, in its order.
    pub fn ended(&self, live: &EngineState) -> Vec<QueryId> {
        self.scene(live).rows.iter().filter(|entry| entry.scores.is_some()).map(|entry| entry.id).collect()
    }

    /// What can be asked of the query on show.
    pub fn facts(&self, live: &EngineState) -> QueryFacts {
        let scene = self.scene(live);
        let state = scene.entry().map(|entry| entry.state.clone());
        QueryFacts {
            any: state.is_some(),
            others: scene.rows.len() > 1,
            going: state.as_ref().is_some_and(|s| !s.is_over()),
            ended: state.as_ref().is_some_and(QueryState::has_outcome),
            pictures: scene.view.is_some(),
            film: scene.view.as_ref().is_some_and(|view| view.frames.len() > 1),
            undo: self.regions.can_undo(),
        }
    }

    /// What is on show now.
    fn scene(&self, live: &EngineState) -> Scene {
        let status = live.inspection.status.read().clone();
        let known: HashSet<QueryId> =
            if self.asked.is_empty() { HashSet::new() } else { status.entries.iter().map(|e| e.id).collect() };
        let asked = self.asked.iter().filter(|e| !known.contains(&e.id));
        let all = status.entries.iter().chain(asked);
        let mut rows: Vec<Arc<QueryEntry>> = all.filter(|e| !self.removed.contains(&e.id)).cloned().collect();
        let (count, newest) = (rows.len(), rows.last().map(|e| e.id));
        // The query on show stays, whatever the list leaves out.
        let selected = self.selected.filter(|id| rows.iter().any(|e| e.id == *id));
        self.layout.order.arrange(&mut rows, selected);
        let place = |id: QueryId| rows.iter().position(|e| e.id == id);
        let at = match (selected.and_then(place), rows.len()) {
            (_, 0) => None,
            (Some(at), _) => Some(at),
            // Whatever was on show is gone: its neighbour, or the newest at first.
            (None, n) if self.selected.is_some() => Some(self.place.min(n - 1)),
            (None, n) => newest.and_then(place).or(Some(n - 1)),
        };
        let view = at.and_then(|at| rows.get(at)).and_then(|e| live.inspection.views.read().get(&e.id).cloned());
        Scene { status, rows, count, at, view }
    }

    /// What the tasks have brought since the last look.
    pub fn poll(&mut self) -> Option<TaskResult> {
        if let Some((_, task)) = &self.looking {
            match task.poll() {
                TaskState::Running => {}
                TaskState::Done(Ok(images)) => {
                    self.looking = None;
                    return Some(TaskResult::Images(images));
                }
                TaskState::Done(Err(text)) => {
                    self.looking = None;
                    return Some(TaskResult::Notice(Severity::Warning, text));
                }
                TaskState::Over => self.looking = None,
            }
        }
        if let Some(task) = &self.exporting {
            match task.poll() {
                TaskState::Running => {}
                TaskState::Done(result) => {
                    self.exporting = None;
                    return Some(match result {
                        Ok(text) => TaskResult::Notice(Severity::Info, text),
                        Err(text) => TaskResult::Notice(Severity::Error, text),
                    });
                }
                TaskState::Over => self.exporting = None,
            }
        }
        None
    }

    /// Work beside the compute thread that takes long enough to be named: title, done and in all.
    pub fn job(&self) -> Option<(&'static str, (usize, usize))> {
        if let Some(task) = &self.exporting {
            return Some(("Exporting", task.progress()));
        }
        self.looking.as_ref().map(|(_, task)| ("Looking for images", task.progress()))
    }

    /// Ends that work.
    pub fn cancel_job(&mut self) {
        // Tasks that are dropped are cancelled.
        if self.exporting.take().is_none() {
            self.looking = None;
        }
    }

    /// Shows this query.
    pub fn select(&mut self, id: QueryId) {
        if self.selected != Some(id) {
            self.convergence.follow();
            self.regions.abandon();
            self.list.reveal = true;
        }
        self.selected = Some(id);
    }

    /// Carries out the entries of the command table that concern this page; others are left alone.
    pub fn apply(&mut self, command: UiCommand, live: &EngineState, actions: &mut Vec<Action>) {
        let scene = self.scene(live);
        let mut ask = |inspect| actions.push(Action::Engine(engine::Command::Inspect(inspect)));
        let frames = scene.view.as_ref().map(|view| view.frames.as_slice()).unwrap_or_default();
        match command {
            UiCommand::FrameBack => return self.convergence.go(frames, -1),
            UiCommand::FrameForward => return self.convergence.go(frames, 1),
            UiCommand::FramePlay => return self.convergence.play(frames),
            UiCommand::ActualPixels => return self.triptych.view.actual(),
            UiCommand::FitPicture => return self.triptych.view.fit(),
            UiCommand::Blink | UiCommand::Swipe | UiCommand::MapOverlay => return self.triptych.toggle(command),
            UiCommand::RegionUndo => {
                if let Some(regions) = self.regions.undo() {
                    ask(InspectionRequest::Regions(regions));
                }
                return;
            }
            _ => {}
        }
        let Some(entry) = scene.entry() else { return };
        let id = entry.id;
        match command {
            UiCommand::InspectPlayPause => {
                ask(if entry.state == QueryState::Paused {
                    InspectionRequest::Play(id)
                } else {
                    InspectionRequest::Pause(id)
                });
            }
            UiCommand::InspectStop => ask(InspectionRequest::Stop(id)),
            UiCommand::InspectMore => {
                self.convergence.follow();
                ask(InspectionRequest::More(id, scene.knobs().steps));
            }
            UiCommand::InspectAgain => {
                self.convergence.follow();
                ask(InspectionRequest::Again { id, seed: self.next_seed(id, scene.knobs().seed), random: true });
            }
            UiCommand::InspectRemove => {
                if let Some(regions) = self.regions.delete_chosen() {
                    return ask(InspectionRequest::Regions(regions));
                }
                self.place = scene.at.unwrap_or_default();
                actions.push(Action::TakeOff(vec![Arc::clone(entry)]));
            }
            UiCommand::InspectBack | UiCommand::InspectForward => {
                let at = scene.at.unwrap_or_default();
                let next = if command == UiCommand::InspectBack { at.checked_sub(1) } else { Some(at + 1) };
                if let Some(entry) = next.and_then(|next| scene.rows.get(next)) {
                    self.select(entry.id);
                }
            }
            _ => {}
        }
    }

    /// Leaves these out from now on, before the compute thread has heard of it.
    pub fn take_off(&mut self, ids: &[QueryId]) {
        self.asked.retain(|e| !ids.contains(&e.id));
        self.removed.extend(ids);
    }

    /// A seed that this query has not had.
    fn next_seed(&mut self, id: QueryId, had: u64) -> u64 {
        let last = self.list.seeds.entry(id).or_insert(had);
        *last = (*last).max(had).wrapping_add(1);
        *last
    }

    /// Brings the workspace's own lists in line with the compute thread's.
    fn keep_up(&mut self, scene: &Scene) {
        if !self.asked.is_empty() || !self.removed.is_empty() {
            let known: HashSet<QueryId> = scene.status.entries.iter().map(|e| e.id).collect();
            self.asked.retain(|e| !known.contains(&e.id));
            self.removed.retain(|id| known.contains(id));
        }
        if let (Some(at), Some(entry)) = (scene.at, scene.entry()) {
            self.place = at;
            self.select(entry.id);
        }
    }

    /// Draws the workspace over all of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let scene = self.scene(frame.live);
        self.keep_up(&scene);
        let bar = egui::Frame::new().fill(p.panel).inner_margin(theme::bar_margin());
        Panel::top("inspect-head").frame(bar).show(ui, |ui| self.head(ui, &scene, frame));
        let mut area = ui.available_rect_before_wrap();
        ui.painter().rect_filled(area, 0.0, p.ground);
        let full = area;
        if self.layout.panel {
            let width = if area.width() >= theme::ROOMY { theme::PANEL } else { theme::PANEL_MIN };
            let (rest, panel) = area.split_left_right_at_x(area.right() - width);
            ui.painter().rect_filled(panel, 0.0, p.panel);
            area = rest;
            pane(ui, panel, "verdict", |ui| self.side(ui, &scene, frame));
            ui.painter().vline(panel.left(), panel.y_range(), egui::Stroke::new(theme::HAIRLINE, p.hairline));
        }
        if scene.count == 0 {
            pane(ui, area, "empty", |ui| {
                if let Some(asked) = self.empty.ui(ui, &scene, frame)
                    && let Some(command) = self.ask(asked)
                {
                    frame.actions.push(Action::Engine(engine::Command::Inspect(command)));
                }
            });
            ui.advance_cursor_after_rect(full);
            return;
        }
        if self.layout.list {
            let (list, rest) = area.split_left_right_at_x(area.left() + theme::QUERIES);
            ui.painter().rect_filled(list, 0.0, p.panel);
            area = rest;
            let chosen = pane(ui, list, "list", |ui| self.list.ui(ui, &scene, &mut self.layout.order, frame));
            if let Some(id) = chosen {
                self.select(id);
            }
            if std::mem::take(&mut self.list.clear) {
                frame.actions.push(Action::TakeOff(scene.rows.clone()));
            }
            ui.painter().vline(list.right(), list.y_range(), egui::Stroke::new(theme::HAIRLINE, p.hairline));
        }
        self.middle(ui, area, &scene, frame);
        ui.advance_cursor_after_rect(full);
    }

    /// The pictures over the convergence.
    fn middle(&mut self, ui: &mut Ui, area: Rect, scene: &Scene, frame: &mut Frame<'_>) {
        let Some(entry) = scene.entry() else { return };
        let Some(view) = &scene.view else {
            pane(ui, area, "no-view", |ui| empty::no_pictures(ui, scene, entry, frame));
            return;
        };
        let strip = (area.height() * theme::CONVERGENCE_SHARE).max(theme::CONVERGENCE);
        let strip = strip.min(area.height() - theme::PICTURES_LEAST);
        let strip = if strip < theme::CONVERGENCE / 2.0 { theme::ROW + theme::GAP_L } else { strip };
        let (top, bottom) = area.split_top_bottom_at_y(area.bottom() - strip);
        self.convergence.advance(ui, &view.frames, !entry.state.is_over());
        let kept = self.convergence.shown(&view.frames).cloned();
        pane(ui, top, "pictures", |ui| {
            if let Some(model) = scene.model() {
                self.regions.follow(&model.regions);
            }
            let subject = Subject {
                id: entry.id.number(),
                view,
                kept: kept.as_ref(),
                model: scene.model().map(|model| &**model),
                calibration: scene.calibration(),
                absent: None,
                alone: false,
                odd: view.alike.as_ref().zip(entry.assessment.as_ref()).and_then(|(alike, assessment)| {
                    (assessment.verdict != Verdict::Healthy).then_some((alike.corner, assessment.verdict))
                }),
            };
            self.triptych.ui(ui, &subject, &mut self.regions, frame.actions);
        });
        let p = Palette::of(ui);
        ui.painter().rect_filled(bottom, 0.0, p.panel);
        ui.painter().hline(bottom.x_range(), bottom.top(), egui::Stroke::new(theme::HAIRLINE, p.hairline));
        pane(ui, bottom, "convergence", |ui| self.convergence.ui(ui, entry, view, frame));
    }

    /// Verdict, knobs and model.
    fn side(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        let wanted = self.knobs.wanted(&scene.status).clone();
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            ui.set_width(ui.available_width() - theme::GAP_S);
            if let Some(entry) = scene.entry() {
                verdict::ui(ui, scene, frame);
                let view = frame.live.inspection.views.read().get(&entry.id).cloned();
                if let Some(alike) = view.and_then(|view| view.alike.clone()) {
                    self.likeness.ui(ui, &alike);
                }
                ui.add_space(theme::GAP_M);
            }
            verdict::promise(ui, scene, &wanted, frame);
            ui.add_space(theme::GAP_M);
            self.knobs.ui(ui, scene, frame);
            ui.add_space(theme::GAP_M);
            self.empty.model_facts(ui, scene, frame);
        });
    }

    /// Name of the page and of the model, and what can be done first of all.
    fn head(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            flush_right(ui, |ui| {
                let model = scene.model().is_some();
                // Without a model nothing can be inspected, so it comes first.
                let (first, second) = match (model, scene.count == 0) {
                    (false, false) => (UiCommand::InspectModel, UiCommand::InspectOpen),
                    _ => (UiCommand::InspectOpen, UiCommand::InspectModel),
                };
                let title =
                    |command| if command == UiCommand::InspectOpen { "Open images…" } else { "Open a model…" };
                if scene.count > 0 {
                    let primary = ui.add(theme::primary_button(&p, title(first))).accessible_name(first.title());
                    if primary.on_hover_text(first.tooltip(ui.ctx())).clicked() {
                        frame.command(first);
                    }
                    let other = egui::Button::new(title(second)).min_size(egui::vec2(0.0, theme::ROW));
                    let other = ui.add(other).accessible_name(second.title());
                    if other.on_hover_text(second.tooltip(ui.ctx())).clicked() {
                        frame.command(second);
                    }
                }
                ui.spacing_mut().item_spacing.x = theme::GAP_XS;
                if scene.count > 0 {
                    let present = UiCommand::Present;
                    let tip = present.tooltip(ui.ctx());
                    let button = icon_button(ui, icons::ICON_SLIDESHOW, &tip, present.enabled(frame.facts));
                    if button.accessible_name(present.title()).clicked() {
                        frame.command(present);
                    }
                }
                for (open, icon, name) in [
                    (&mut self.layout.panel, icons::ICON_TUNE, "verdict and knobs"),
                    (&mut self.layout.list, icons::ICON_VIEW_LIST, "list of images"),
                ] {
                    let verb = if *open { "Hide" } else { "Show" };
                    if icon_toggle(ui, icon, &format!("{verb} {name}"), true, *open).clicked() {
                        *open = !*open;
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = theme::GAP_S;
                    ui.label(RichText::new("Inspect").text_style(theme::section()).color(p.text_strong));
                    model_line(ui, scene);
                });
            });
        });
    }
}

/// One line on the model in force.
fn model_line(ui: &mut Ui, scene: &Scene) {
    let p = Palette::of(ui);
    let text = match &scene.status.model {
        ModelState::None => "No model in force".to_owned(),
        ModelState::Loading(name) => {
            ui.add(egui::Spinner::new().size(theme::ICON_BUTTON));
            format!("Loading {name}")
        }
        ModelState::Ready(facts) => match scene.count {
            0 => facts.name.clone(),
            1 => format!("{} · 1 image", facts.name),
            n => format!("{} · {n} images", facts.name),
        },
        ModelState::Failed(text) => {
            theme::state_icon(ui, StatusMark::Defective);
            text.clone()
        }
    };
    ui.add(egui::Label::new(RichText::new(&text).color(p.text_weak)).truncate()).on_hover_text(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::inspection::{Query, QuerySource};

    fn live_with(state: QueryState) -> (EngineState, QueryId) {
        let live = EngineState::default();
        let query = Query {
            id: QueryId::fresh(),
            name: "part.png".into(),
            source: QuerySource::File("/parts/part.png".into()),
        };
        let entry = QueryEntry { state, ..QueryEntry::waiting(&query, 0) };
        live.inspection.status.write().entries.push(Arc::new(entry));
        (live, query.id)
    }

    fn asked(page: &mut InspectWorkspace, command: UiCommand, live: &EngineState) -> Vec<InspectionRequest> {
        let mut actions = Vec::new();
        page.apply(command, live, &mut actions);
        let inspect = |action| match action {
            Action::Engine(engine::Command::Inspect(inspect)) => Some(inspect),
            _ => None,
        };
        actions.into_iter().filter_map(inspect).collect()
    }

    #[test]
    fn a_running_query_is_paused_and_stopped() {
        let mut page = InspectWorkspace::default();
        let (live, id) = live_with(QueryState::Running);
        assert!(
            matches!(asked(&mut page, UiCommand::InspectPlayPause, &live)[..], [InspectionRequest::Pause(i)] if i == id)
        );
        assert!(matches!(asked(&mut page, UiCommand::InspectStop, &live)[..], [InspectionRequest::Stop(i)] if i == id));
        let facts = page.facts(&live);
        assert!(facts.going && !facts.ended && !facts.film);
        let (live, id) = live_with(QueryState::Paused);
        assert!(
            matches!(asked(&mut page, UiCommand::InspectPlayPause, &live)[..], [InspectionRequest::Play(i)] if i == id)
        );
    }

    #[test]
    fn a_query_goes_on_or_begins_again_from_seeds_it_has_not_had() {
        let mut page = InspectWorkspace::default();
        let (live, id) = live_with(QueryState::Done);
        let steps = InvertKnobs::default().steps;
        let more = asked(&mut page, UiCommand::InspectMore, &live);
        assert!(matches!(more[..], [InspectionRequest::More(i, n)] if i == id && n == steps));
        let mut seeds = Vec::new();
        for _ in 0..3 {
            let again = asked(&mut page, UiCommand::InspectAgain, &live);
            let [InspectionRequest::Again { seed, random: true, .. }] = again[..] else { panic!("{again:?}") };
            seeds.push(seed);
        }
        assert_eq!(seeds, [2, 3, 4], "the knobs' own seed is 1");
    }

    #[test]
    fn what_is_taken_off_the_list_is_gone_at_once_and_its_neighbour_is_shown() {
        let mut page = InspectWorkspace::default();
        let live = EngineState::default();
        let source = |name: &str| QuerySource::File(name.into());
        let Some(InspectionRequest::Add(queries)) =
            page.add(vec![source("/a.png"), source("/b.png"), source("/c.png")])
        else {
            panic!()
        };
        assert_eq!(page.shown(&live), Some(queries[0].id), "the first is inspected first");
        page.select(queries[1].id);
        let mut actions = Vec::new();
        page.apply(UiCommand::InspectRemove, &live, &mut actions);
        let [Action::TakeOff(entries)] = &actions[..] else { panic!("{actions:?}") };
        assert_eq!(entries.iter().map(|e| e.id).collect::<Vec<_>>(), [queries[1].id]);
        page.take_off(&[queries[1].id]);
        assert_eq!(page.shown(&live), Some(queries[2].id));
        // The compute thread has taken one in: it is listed once.
        live.inspection.status.write().entries.push(Arc::new(QueryEntry::waiting(&queries[0], 0)));
        let scene = page.scene(&live);
        page.keep_up(&scene);
        assert_eq!(page.scene(&live).rows.len(), 2);
        assert_eq!(page.add(Vec::new()).is_none(), page.asked.len() == 1);
    }
}
