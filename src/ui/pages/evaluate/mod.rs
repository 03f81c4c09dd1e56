//! The Evaluate page: tests a model on labelled images and shows its metrics, and the trade-off between missed
//! defects and false alarms at every promised rate.

mod calibrate;
mod confusion_matrix;
mod empty;
mod header;
mod outcome;
mod page;
mod panel;
mod plots;
mod results;
mod results_cache;
mod scene;
mod table;

use std::{path::PathBuf, sync::Arc};

use egui::{Panel, Rect, Stroke, Ui};
use outcome::ImageFilter;
use panel::PanelRequest;
use plots::ThresholdRequest;
use results::TableSort;
use results_cache::ResultsCache;
use scene::{EvaluateScene, RateStatus};
use serde::{Deserialize, Serialize};
use table::{ImageTable, TableRequest};

use super::{examine::examine, thumbnail};
use crate::{
    engine::{EngineState, EvaluationRequest, InspectionRequest, evaluation::EvaluationPhase},
    inspect::{Evaluation, ScoreKind, evaluation::PartTruth},
    ui::{Action, EvaluationContext, Frame, UiCommand, focus, theme, theme::Palette, widgets, widgets::pane},
};

/// Relative tolerance below which two rates are equal; the same as for verdicts.
const RATE_TOLERANCE: f64 = 1e-3;

/// The page's persisted settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct EvaluateLayout {
    /// The selected score; `None` selects the one that verdicts use.
    score: Option<ScoreKind>,
    /// The promised rate; `None` takes the model's.
    rate: Option<f64>,
    /// The previous test set.
    data: Option<String>,
    sort: TableSort,
    #[serde(rename = "show")]
    filter: ImageFilter,
}

/// The Evaluate page.
#[derive(Default)]
pub(crate) struct EvaluateWorkspace {
    layout: EvaluateLayout,
    /// The selected image, by its index in the test set, since the table grows during a test.
    selected: Option<usize>,
    /// The only defect type listed.
    only: Option<String>,
    /// The threshold set by hand, for a test without a calibration.
    free_threshold: Option<f64>,
    /// Why the rate asked for last cannot be promised.
    refused: Option<String>,
    /// The rate was changed here and is to be promised once the pointer is released.
    changed: bool,
    results: ResultsCache,
    table: ImageTable,
    /// The pane shown in a narrow window: plots, table or figures.
    pane: EvaluatePane,
}

/// A pane of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum EvaluatePane {
    #[default]
    Plots,
    Images,
    Figures,
}

fn same_rate(a: f64, b: f64) -> bool {
    (a - b).abs() <= RATE_TOLERANCE * a.max(b)
}

impl EvaluateWorkspace {
    /// Creates the page from the text of [`EvaluateWorkspace::layout`], or with defaults where that cannot be read.
    pub(crate) fn new(layout: Option<&str>) -> Self {
        let layout = layout.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self { layout, ..Self::default() }
    }

    /// Returns the layout as text, for the settings file.
    pub(crate) fn layout(&self) -> String {
        // A JSON value sorts its keys, so equal layouts give equal texts.
        serde_json::to_value(&self.layout).map(|v| v.to_string()).unwrap_or_default()
    }

    /// Returns the previous test set.
    pub(crate) fn data(&self) -> Option<&str> {
        self.layout.data.as_deref()
    }

    /// Prepares the page for a new test on `data`.
    pub(crate) fn begin(&mut self, data: Option<String>) {
        if data.is_some() {
            self.layout.data = data;
        }
        (self.selected, self.only, self.free_threshold, self.refused) = (None, None, None, None);
        self.layout.filter = ImageFilter::All;
    }

    /// Returns the request that writes the report.
    pub(crate) fn report(&self, engine: &EngineState, dir: PathBuf) -> EvaluationRequest {
        let scene = EvaluateScene::of(engine);
        EvaluationRequest::Report { dir, rate: scene.evaluation().and_then(|e| self.rate(e)) }
    }

    /// Returns the state of the test for the commands.
    pub(crate) fn context(&self, engine: &EngineState) -> EvaluationContext {
        let scene = EvaluateScene::of(engine);
        let running = scene.status.phase.is_active();
        let images = scene.evaluation().map_or(0, |e| e.images.len());
        let rate_status = scene.evaluation().map(|e| self.rate_status(&scene, e));
        EvaluationContext {
            running: running || scene.status.reporting.is_some(),
            repeatable: !running && scene.status.phase != EvaluationPhase::Idle,
            images: images > 0,
            report: images > 0 && !running && scene.status.reporting.is_none(),
            adopt: rate_status.as_ref().is_some_and(|s| s.rate.is_some() && s.same_model && !s.active),
            reweight: rate_status.is_some_and(|s| s.reweight),
            reweighted: scene.same_model() && scene.calibration().is_some_and(|c| c.labelled.is_some()),
        }
    }

    /// Returns the title and progress (images done and in all) of a running test or report.
    pub(crate) fn job(&self, engine: &EngineState) -> Option<(&'static str, (usize, usize))> {
        let status = engine.evaluation.status.read();
        match (&status.phase, status.reporting) {
            (EvaluationPhase::Opening(done, total), _) => Some(("Reading test images", (*done, *total))),
            (EvaluationPhase::Running, _) => Some(("Testing the model", (status.done, status.total))),
            (_, Some(progress)) => Some(("Writing the report", progress)),
            _ => None,
        }
    }

    /// Returns the selected score.
    fn kind(&self, evaluation: &Evaluation) -> ScoreKind {
        let given = |kind: &ScoreKind| evaluation.images.iter().any(|e| e.scores.known(*kind).is_some());
        self.layout.score.filter(given).unwrap_or(evaluation.score)
    }

    /// Returns the selected rate; `None` without a calibration.
    fn rate(&self, evaluation: &Evaluation) -> Option<f64> {
        let calibration = evaluation.calibration.as_ref()?;
        let can = |rate: &f64| calibration.check_rate(*rate).is_ok();
        Some(self.layout.rate.filter(can).or(evaluation.rate).unwrap_or_else(|| calibration.default_rate()))
    }

    /// Compares the selected score and rate with those of the active model.
    fn rate_status(&self, scene: &EvaluateScene, evaluation: &Evaluation) -> RateStatus {
        let rate = self.rate(evaluation);
        // A rate applies to the current knobs only.
        let calibration = scene.calibration().filter(|c| c.knobs.comparable(&evaluation.header.knobs));
        let same_model = scene.same_model() && calibration.is_some();
        let model_rate = scene.rate.filter(|_| same_model);
        let decides = calibration.is_some_and(|c| c.score == self.kind(evaluation));
        let active = decides && rate.zip(model_rate).is_some_and(|(a, b)| same_rate(a, b));
        // Without a critic there is no combined score.
        let fused = calibration.is_some_and(|c| !c.fusion.is_empty());
        let reweight = same_model && fused && evaluation.counts().1 > 0;
        RateStatus { rate, refused: self.refused.clone(), same_model, model_rate, decides, active, reweight }
    }

    /// Selects another rate, or stores why it cannot be promised.
    fn select_rate(&mut self, evaluation: &Evaluation, rate: f64) {
        let Some(calibration) = &evaluation.calibration else { return };
        match calibration.check_rate(rate) {
            Ok(()) => (self.layout.rate, self.refused, self.changed) = (Some(rate), None, true),
            Err(error) => self.refused = Some(error.to_string()),
        }
    }

    /// Brings the results up to date with score, threshold, order and filter.
    fn update_results(&mut self, evaluation: &Arc<Evaluation>) {
        let (kind, rate) = (self.kind(evaluation), self.rate(evaluation));
        let best = self.results.scored(evaluation, kind).best_threshold;
        let threshold = match rate {
            Some(rate) => evaluation.threshold(kind, rate),
            None => self.free_threshold.or(best),
        };
        let only = self.only.as_deref();
        match threshold {
            Some(threshold) => {
                self.results.apply_threshold(threshold, rate, self.layout.sort, self.layout.filter, only);
            }
            None => self.results.clear_threshold(),
        }
    }

    /// Moves the threshold.
    fn move_threshold(&mut self, evaluation: &Evaluation, request: ThresholdRequest) {
        let Some((scored, judged)) = self.results.current() else { return };
        let rate = match (self.rate(evaluation), request) {
            (Some(_), ThresholdRequest::Threshold(threshold)) => scored.rate_at(threshold),
            (Some(rate), ThresholdRequest::Step(by)) => Some(scored.rate_after_steps(rate, by)),
            (None, ThresholdRequest::Threshold(threshold)) => {
                self.free_threshold = Some(threshold);
                None
            }
            (None, ThresholdRequest::Step(by)) => {
                let width = (scored.histogram.high - scored.histogram.low) / results::BINS as f64;
                self.free_threshold = judged.map(|j| j.threshold - by as f64 * width);
                None
            }
        };
        if let Some(rate) = rate {
            (self.layout.rate, self.refused, self.changed) = (Some(rate), None, true);
        }
    }

    /// Takes over a rate that was promised, here or elsewhere.
    pub(crate) fn follow_rate(&mut self, rate: f64) {
        (self.layout.rate, self.refused, self.changed) = (Some(rate), None, false);
    }

    /// Promises the rate that was changed here for the active model, as on the Inspect page: at once, or at the end of a drag.
    /// With another model or score on show it only moves the threshold.
    fn promise(&mut self, ui: &Ui, scene: &EvaluateScene, evaluation: &Evaluation, frame: &mut Frame<'_>) {
        if !self.changed || ui.input(|i| i.pointer.any_down()) {
            return;
        }
        self.changed = false;
        let status = self.rate_status(scene, evaluation);
        if let Some(rate) = status.rate.filter(|_| status.same_model && status.decides && !status.active) {
            frame.actions.push(Action::Promise(rate));
        }
    }

    /// Selects the image `by` rows further down.
    fn step(&mut self, by: i64) {
        let Some((scored, Some(judged))) = self.results.current() else { return };
        let order = &judged.order;
        let index = |at: &usize| scored.evaluation.images.get(*at).map(|e| e.index);
        let row = self.selected.and_then(|selected| order.iter().position(|at| index(at) == Some(selected)));
        let next = match row {
            None => 0,
            Some(row) => (row as i64 + by).clamp(0, order.len().saturating_sub(1) as i64) as usize,
        };
        if let Some(selected) = order.get(next).and_then(index) {
            self.selected = Some(selected);
            self.table.reveal = true;
        }
    }

    /// Returns the action that opens an image on the Inspect page.
    fn open(&self, scene: &EvaluateScene, index: usize) -> Option<Action> {
        let tests = scene.status.tests.as_ref()?;
        let outcomes = match self.results.current() {
            Some((scored, Some(judged))) => {
                let images = scored.evaluation.images.iter();
                images.zip(&judged.outcomes).map(|(image, outcome)| (image.index, outcome.cell)).collect()
            }
            _ => Arc::default(),
        };
        examine(PartTruth::new(Arc::clone(tests), index, outcomes))
    }

    /// Carries out the commands of this page; others are ignored.
    pub(crate) fn apply(&mut self, command: UiCommand, engine: &EngineState, actions: &mut Vec<Action>) {
        let scene = EvaluateScene::of(engine);
        if command == UiCommand::EvaluateAgain {
            return actions.push(Action::Evaluate(scene.status.source.clone()));
        }
        let Some(evaluation) = scene.evaluation().cloned() else { return };
        self.update_results(&evaluation);
        match command {
            UiCommand::EvaluateBack => self.step(-1),
            UiCommand::EvaluateForward => self.step(1),
            UiCommand::EvaluateInspect => {
                if self.selected.is_none() {
                    self.step(0);
                }
                actions.extend(self.selected.and_then(|index| self.open(&scene, index)));
            }
            UiCommand::EvaluateAdopt => {
                let Some(rate) = self.rate(&evaluation) else { return };
                let kind = self.kind(&evaluation);
                let score =
                    (!self.rate_status(&scene, &evaluation).decides).then_some(InspectionRequest::DecideBy(kind));
                actions.extend(score.map(Action::engine));
                actions.push(Action::Promise(rate));
            }
            _ => {}
        }
    }

    /// Draws the page over all of `ui`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let scene = EvaluateScene::of(frame.engine);
        let bar = egui::Frame::new().fill(p.panel).inner_margin(theme::bar_margin());
        Panel::top("evaluate-head").frame(bar).show(ui, |ui| header::head(ui, &scene, frame));
        header::strip(ui, &scene, frame);
        let area = ui.available_rect_before_wrap();
        ui.painter().rect_filled(area, 0.0, p.ground);
        match scene.evaluation().cloned() {
            Some(evaluation) => self.results(ui, area, &scene, &evaluation, frame),
            None if scene.status.phase.is_active() => pane(ui, area, "waiting", |ui| {
                let text = "Metrics appear as images are inspected. Training and inspection continue meanwhile.";
                widgets::empty_place(ui, "Inspecting the first image", text);
            }),
            None => pane(ui, area, "empty", |ui| empty::ui(ui, &scene, self.layout.data.as_deref(), frame)),
        }
        ui.advance_cursor_after_rect(area);
    }

    /// Draws plots, table and panel side by side.
    fn results(
        &mut self,
        ui: &mut Ui,
        area: Rect,
        scene: &EvaluateScene,
        evaluation: &Arc<Evaluation>,
        frame: &mut Frame<'_>,
    ) {
        let kind = self.kind(evaluation);
        self.update_results(evaluation);
        let rate_status = self.rate_status(scene, evaluation);
        let running = scene.status.phase.is_active();
        self.results.update_intervals(ui.ctx(), evaluation, kind, running);
        let [plots_area, table_area, panel_area] = self.areas(ui, area);

        let tests = scene.status.tests.clone();
        self.table.thumbs.begin(ui, "test-image", tests.as_ref());
        let (mut moved, mut table_request, mut panel_request) = (None, None, None);
        if let Some((scored, judged)) = self.results.current() {
            moved = plots_area.and_then(|plots_area| {
                pane(ui, plots_area, "plots", |ui| {
                    let area = ui.max_rect();
                    plots::ui(ui, area, scored, judged, rate_status.rate)
                })
            });
            let (only, filter) = (self.only.as_deref(), self.layout.filter);
            let mut table = |ui: &mut Ui| match judged {
                Some(judged) => {
                    let (selected, sort) = (self.selected, self.layout.sort);
                    let view = table::TableView { scored, judged, selected, sort, filter, only };
                    table_request = self.table.ui(ui, &view);
                }
                None => widgets::empty_place(
                    ui,
                    "No threshold yet",
                    "The table appears once a healthy and a defective image have been inspected.",
                ),
            };
            if let Some(table_area) = table_area {
                pane(ui, table_area, "table", &mut table);
            }
            let metrics = self.results.intervals(kind);
            let view = panel::PanelView { scene, scored, judged, metrics, rate: &rate_status, filter, only };
            panel_request =
                panel_area.and_then(|panel_area| pane(ui, panel_area, "figures", |ui| panel::ui(ui, &view, frame)));
        }
        if let Some(tests) = tests {
            let side = 2 * theme::TEST_THUMBNAIL as usize;
            let read = move |index| tests.picture(index).ok().map(|picture| thumbnail(&picture, side));
            self.table.thumbs.end(ui, |index| index, read);
        }
        if let Some(request) = moved {
            self.move_threshold(evaluation, request);
            ui.ctx().request_discard("the threshold was moved");
            self.table.reveal = true;
        }
        if let Some(request) = table_request {
            self.apply_table(request, scene, frame);
        }
        if let Some(request) = panel_request {
            self.apply_panel(request, evaluation);
        }
        self.promise(ui, scene, evaluation, frame);
    }

    /// Divides the page into plots, table and panel; a narrow window has one of them, and a row to choose it.
    fn areas(&mut self, ui: &mut Ui, area: Rect) -> [Option<Rect>; 3] {
        if area.width() >= theme::NARROW {
            let areas = columns(ui, area);
            focus::mark_panel(ui, areas[2]);
            return areas.map(Some);
        }
        let (choice, rest) = area.split_top_bottom_at_y(area.top() + theme::ROW + 2.0 * theme::GAP_S);
        let chosen = pane(ui, choice, "pane-choice", |ui| {
            let choices = [
                (EvaluatePane::Plots, "Plots", "Scores and curves."),
                (EvaluatePane::Images, "Images", "All test images."),
                (EvaluatePane::Figures, "Figures", "Counts, rates and metrics."),
            ];
            ui.horizontal(|ui| widgets::segments(ui, self.pane, &choices)).inner
        });
        self.pane = chosen.unwrap_or(self.pane);
        ui.painter().rect_filled(rest, 0.0, Palette::of(ui).panel);
        let mut areas = [None; 3];
        areas[self.pane as usize] = Some(rest);
        areas
    }

    fn apply_table(&mut self, request: TableRequest, scene: &EvaluateScene, frame: &mut Frame<'_>) {
        match request {
            TableRequest::Select(index) => self.selected = Some(index),
            TableRequest::Open(index) => {
                self.selected = Some(index);
                frame.actions.extend(self.open(scene, index));
            }
            TableRequest::Filter(filter) => self.layout.filter = filter,
            TableRequest::AllDefectTypes => self.only = None,
            TableRequest::Sort(sort) => self.layout.sort = sort,
        }
    }

    fn apply_panel(&mut self, request: PanelRequest, evaluation: &Evaluation) {
        match request {
            PanelRequest::Score(score) => {
                self.layout.score = Some(score);
                self.free_threshold = None;
            }
            PanelRequest::Rate(rate) => self.select_rate(evaluation, rate),
            PanelRequest::Filter(filter) => self.layout.filter = filter,
            PanelRequest::DefectType(defect) => {
                self.only = if self.only.as_ref() == Some(&defect) { None } else { Some(defect) };
            }
        }
    }
}

/// Divides the page into plots, table and panel, and draws their backgrounds and the lines between them.
fn columns(ui: &Ui, area: Rect) -> [Rect; 3] {
    let p = Palette::of(ui);
    let panel = if area.width() >= theme::ROOMY { theme::PANEL } else { theme::PANEL_MIN };
    let left = (area.width() * theme::PLOTS_SHARE).clamp(theme::PLOTS_LEAST, theme::PLOTS_MOST);
    let (plots, rest) = area.split_left_right_at_x(area.left() + left);
    let (table, panel) = rest.split_left_right_at_x(rest.right() - panel);
    for column in [plots, panel] {
        ui.painter().rect_filled(column, 0.0, p.panel);
    }
    let line = Stroke::new(theme::HAIRLINE, p.hairline);
    ui.painter().vline(plots.right(), area.y_range(), line);
    ui.painter().vline(panel.left(), area.y_range(), line);
    [plots, table, panel]
}
