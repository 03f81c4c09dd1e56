//! The Evaluate workspace: what a model catches and misses on images whose truth is known, and what its
//! promise costs.

mod empty;
mod figures;
mod panel;
mod plots;
mod table;

use std::{path::PathBuf, sync::Arc};

use egui::{Align, Label, Layout, Panel, ProgressBar, Rect, RichText, Stroke, Ui, vec2};
use figures::{EvaluationFigures, ImageFilter, Sort};
use serde::{Deserialize, Serialize};
use table::ImageTable;

use super::{source_title, thumbnail};
use crate::{
    engine,
    engine::{
        EngineState, EvaluationRequest, InspectionRequest,
        evaluation::{TestPhase, TestStatus},
        inspection::{ModelFacts, ModelState, QuerySource},
    },
    format::sentence,
    inspect::{Calibration, Evaluation, InvertKnobs, ScoreKind},
    ui::{
        Action, Frame, UiCommand,
        commands::TestFacts,
        theme,
        theme::{Palette, StatusMark},
        widgets::{flush_right, pane, ticks},
    },
};

/// Rates this near to each other are one: a thousandth, as a verdict has it.
const SAME: f64 = 1e-3;

/// What is remembered of the workspace.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct EvaluateLayout {
    /// The score on show; `None` shows the one that verdicts go by.
    score: Option<ScoreKind>,
    /// The promised rate; `None` takes the model's own.
    rate: Option<f64>,
    /// What was tested with last.
    data: Option<String>,
    sort: Sort,
    show: ImageFilter,
}

/// The Evaluate workspace.
#[derive(Default)]
pub struct EvaluateWorkspace {
    layout: EvaluateLayout,
    /// The chosen image, by its place in the test set: the table grows while a test goes on.
    selected: Option<usize>,
    /// The only kind of defect on show.
    only: Option<String>,
    /// Where the line was put, for a model that is not calibrated.
    free: Option<f64>,
    /// Why a rate that was asked for is not on show.
    refused: Option<String>,
    figures: EvaluationFigures,
    table: ImageTable,
}

/// What the workspace shows in one frame.
struct Scene {
    status: TestStatus,
    state: ModelState,
    knobs: InvertKnobs,
    /// The rate in force in the model in force.
    rate: Option<f64>,
    /// Held-out images inspected and in all, while the model in force is calibrated.
    calibrating: Option<(usize, usize)>,
}

impl Scene {
    fn of(live: &EngineState) -> Self {
        let status = live.evaluation.status.read().clone();
        let inspect = live.inspection.status.read();
        let (rate, calibrating) = (inspect.rate, inspect.calibrating);
        Self { status, state: inspect.model.clone(), knobs: inspect.knobs.clone(), rate, calibrating }
    }

    fn model(&self) -> Option<&Arc<ModelFacts>> {
        match &self.state {
            ModelState::Ready(facts) => Some(facts),
            _ => None,
        }
    }

    /// What the model in force says of good parts under the knobs in force.
    fn calibration(&self) -> Option<&Calibration> {
        self.model()?.calibration(&self.knobs)
    }

    /// What came of the test so far, once there is an image.
    fn evaluation(&self) -> Option<&Arc<Evaluation>> {
        self.status.evaluation.as_ref().filter(|e| !e.examined.is_empty())
    }

    /// Whether the model in force is the one that was tested.
    fn same_model(&self) -> bool {
        let tested = self.status.evaluation.as_ref().map(|e| &e.model.hash);
        tested.is_some() && self.model().map(|m| &m.hash) == tested
    }
}

/// How the rate on show stands to the model.
pub(super) struct RateStatus {
    /// The rate on show; `None` without a calibration.
    rate: Option<f64>,
    /// Why the one that was asked for is not.
    refused: Option<String>,
    /// The model in force is the one that was tested, with the same knobs.
    same_model: bool,
    /// The rate in force in that model.
    model_rate: Option<f64>,
    /// Verdicts go by the score on show.
    decides: bool,
    /// The rate on show is in force there, and so is the score.
    in_force: bool,
    /// The fused score can be weighed by the defects of the test.
    weigh: bool,
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME * a.max(b)
}

impl EvaluateWorkspace {
    /// The workspace as [`EvaluateWorkspace::layout`] described it; in its first order where that cannot be read.
    pub fn new(layout: Option<&str>) -> Self {
        let layout = layout.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self { layout, ..Self::default() }
    }

    /// The layout as text, for the settings file.
    pub fn layout(&self) -> String {
        // By way of a value, whose keys are sorted: the same layout is the same text.
        serde_json::to_value(&self.layout).map(|v| v.to_string()).unwrap_or_default()
    }

    /// What was tested with last.
    pub fn data(&self) -> Option<&str> {
        self.layout.data.as_deref()
    }

    /// A test is about to begin, with this data.
    pub fn begin(&mut self, data: Option<String>) {
        if data.is_some() {
            self.layout.data = data;
        }
        (self.selected, self.only, self.free, self.refused) = (None, None, None, None);
        self.layout.show = ImageFilter::All;
    }

    /// The word that writes the report.
    pub fn report(&self, live: &EngineState, dir: PathBuf) -> EvaluationRequest {
        let scene = Scene::of(live);
        EvaluationRequest::Report { dir, rate: scene.evaluation().and_then(|e| self.rate(e)) }
    }

    /// What can be asked about the test.
    pub fn facts(&self, live: &EngineState) -> TestFacts {
        let scene = Scene::of(live);
        let going = scene.status.phase.is_going();
        let images = scene.evaluation().map_or(0, |e| e.examined.len());
        let standing = scene.evaluation().map(|e| self.standing(&scene, e));
        TestFacts {
            going: going || scene.status.reporting.is_some(),
            again: !going && scene.status.phase != TestPhase::Idle,
            images: images > 0,
            report: images > 0 && !going && scene.status.reporting.is_none(),
            adopt: standing.as_ref().is_some_and(|s| s.rate.is_some() && s.same_model && !s.in_force),
            weigh: standing.is_some_and(|s| s.weigh),
            labelled: scene.same_model() && scene.calibration().is_some_and(|c| c.labelled.is_some()),
        }
    }

    /// Images done and in all, while a test or a report goes on.
    pub fn job(&self, live: &EngineState) -> Option<(&'static str, (usize, usize))> {
        let status = live.evaluation.status.read();
        match (&status.phase, status.reporting) {
            (TestPhase::Opening(done, total), _) => Some(("Reading test images", (*done, *total))),
            (TestPhase::Running, _) => Some(("Testing the model", (status.done, status.total))),
            (_, Some(progress)) => Some(("Writing the report", progress)),
            _ => None,
        }
    }

    /// The score on show.
    fn kind(&self, evaluation: &Evaluation) -> ScoreKind {
        let given = |kind: &ScoreKind| evaluation.examined.iter().any(|e| e.scores.get(*kind) != 0.0);
        self.layout.score.filter(given).unwrap_or(evaluation.score)
    }

    /// The rate on show; `None` without a calibration.
    fn rate(&self, evaluation: &Evaluation) -> Option<f64> {
        let calibration = evaluation.calibration.as_ref()?;
        let can = |rate: &f64| calibration.check_rate(*rate).is_ok();
        Some(self.layout.rate.filter(can).or(evaluation.rate).unwrap_or_else(|| calibration.default_rate()))
    }

    fn standing(&self, scene: &Scene, evaluation: &Evaluation) -> RateStatus {
        let rate = self.rate(evaluation);
        // A rate is put in force for the knobs in force.
        let calibration = scene.calibration().filter(|c| c.knobs.comparable(&evaluation.knobs));
        let same_model = scene.same_model() && calibration.is_some();
        let model_rate = scene.rate.filter(|_| same_model);
        let decides = calibration.is_some_and(|c| c.score == self.kind(evaluation));
        let in_force = decides && rate.zip(model_rate).is_some_and(|(a, b)| same(a, b));
        // Without a critic there is nothing to fuse.
        let fused = calibration.is_some_and(|c| !c.fusion.is_empty());
        let weigh = same_model && fused && evaluation.counts().1 > 0;
        RateStatus { rate, refused: self.refused.clone(), same_model, model_rate, decides, in_force, weigh }
    }

    /// Puts another rate on show, or says why not.
    fn ask_rate(&mut self, evaluation: &Evaluation, rate: f64) {
        let Some(calibration) = &evaluation.calibration else { return };
        match calibration.check_rate(rate) {
            Ok(()) => (self.layout.rate, self.refused) = (Some(rate), None),
            Err(error) => self.refused = Some(error.to_string()),
        }
    }

    /// Works out what is on show, unless that was done before.
    fn work_out(&mut self, evaluation: &Arc<Evaluation>) {
        let (kind, rate) = (self.kind(evaluation), self.rate(evaluation));
        let best = self.figures.scored(evaluation, kind).best;
        let threshold = match rate {
            Some(rate) => evaluation.threshold(kind, rate),
            None => self.free.or(best),
        };
        let only = self.only.as_deref();
        match threshold {
            Some(threshold) => {
                self.figures.judged(threshold, rate, self.layout.sort, self.layout.show, only);
            }
            None => self.figures.judge_nothing(),
        }
    }

    /// Moves the line.
    fn move_line(&mut self, evaluation: &Evaluation, wish: plots::ThresholdRequest) {
        let Some((scored, judged)) = self.figures.shown() else { return };
        let rate = match (self.rate(evaluation), wish) {
            (Some(_), plots::ThresholdRequest::Threshold(threshold)) => scored.rate_at(threshold),
            (Some(rate), plots::ThresholdRequest::Step(by)) => Some(scored.rate_beside(rate, by)),
            (None, plots::ThresholdRequest::Threshold(threshold)) => {
                self.free = Some(threshold);
                None
            }
            (None, plots::ThresholdRequest::Step(by)) => {
                let width = (scored.histogram.high - scored.histogram.low) / figures::BINS as f64;
                self.free = judged.map(|j| j.threshold - by as f64 * width);
                None
            }
        };
        if let Some(rate) = rate {
            (self.layout.rate, self.refused) = (Some(rate), None);
        }
    }

    /// Chooses the image so many rows further down.
    fn step(&mut self, by: i64) {
        let Some((scored, Some(judged))) = self.figures.shown() else { return };
        let order = &judged.order;
        let index = |place: &usize| scored.evaluation.examined.get(*place).map(|e| e.index);
        let at = self.selected.and_then(|chosen| order.iter().position(|p| index(p) == Some(chosen)));
        let next = match at {
            None => 0,
            Some(at) => (at as i64 + by).clamp(0, order.len().saturating_sub(1) as i64) as usize,
        };
        if let Some(chosen) = order.get(next).and_then(index) {
            self.selected = Some(chosen);
            self.table.reveal = true;
        }
    }

    /// The action that shows an image in the Inspect workspace.
    fn open(scene: &Scene, index: usize) -> Option<Action> {
        let examined = scene.evaluation()?.examined.iter().find(|e| e.index == index)?;
        let source = match examined.path.clone().filter(|path| path.is_file()) {
            Some(path) => QuerySource::File(path),
            None => QuerySource::Picture(scene.status.tests.as_ref()?.picture(examined.index).ok()?),
        };
        Some(Action::Examine { name: examined.name.clone(), source })
    }

    /// Carries out the entries of the command table that concern this page; others are left alone.
    pub fn apply(&mut self, command: UiCommand, live: &EngineState, actions: &mut Vec<Action>) {
        let scene = Scene::of(live);
        let Some(evaluation) = scene.evaluation().cloned() else { return };
        self.work_out(&evaluation);
        match command {
            UiCommand::EvaluateBack => self.step(-1),
            UiCommand::EvaluateForward => self.step(1),
            UiCommand::EvaluateInspect => {
                if self.selected.is_none() {
                    self.step(0);
                }
                actions.extend(self.selected.and_then(|index| Self::open(&scene, index)));
            }
            UiCommand::EvaluateAdopt => {
                let Some(rate) = self.rate(&evaluation) else { return };
                let kind = self.kind(&evaluation);
                let score = (!self.standing(&scene, &evaluation).decides).then_some(InspectionRequest::Decide(kind));
                let ask = |inspect| Action::Engine(engine::Command::Inspect(inspect));
                actions.extend(score.into_iter().chain([InspectionRequest::Rate(rate)]).map(ask));
            }
            _ => {}
        }
    }

    /// Draws the workspace over all of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let scene = Scene::of(frame.live);
        let bar = egui::Frame::new().fill(p.panel).inner_margin(theme::bar_margin());
        Panel::top("evaluate-head").frame(bar).show(ui, |ui| head(ui, &scene, frame));
        strip(ui, &scene, frame);
        let area = ui.available_rect_before_wrap();
        ui.painter().rect_filled(area, 0.0, p.ground);
        match scene.evaluation().cloned() {
            Some(evaluation) => self.results(ui, area, &scene, &evaluation, frame),
            None if scene.status.phase.is_going() => pane(ui, area, "waiting", |ui| {
                let text = "Figures appear as the images come in. Training and inspecting go on beside it.";
                crate::ui::widgets::empty_place(ui, "The first image is on its way", text);
            }),
            None => pane(ui, area, "empty", |ui| empty::ui(ui, &scene, self.layout.data.as_deref(), frame)),
        }
        ui.advance_cursor_after_rect(area);
    }

    /// Plots, table and panel side by side.
    fn results(&mut self, ui: &mut Ui, area: Rect, scene: &Scene, evaluation: &Arc<Evaluation>, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let kind = self.kind(evaluation);
        self.work_out(evaluation);
        let standing = self.standing(scene, evaluation);
        let going = scene.status.phase.is_going();
        self.figures.intervals(ui.ctx(), evaluation, kind, going);
        let roomy = area.width() >= theme::ROOMY;
        let panel = if roomy { theme::PANEL } else { theme::PANEL_MIN };
        let left = (area.width() * theme::PLOTS_SHARE).clamp(theme::PLOTS_LEAST, theme::PLOTS_MOST);
        let (plots_area, rest) = area.split_left_right_at_x(area.left() + left);
        let (table_area, panel_area) = rest.split_left_right_at_x(rest.right() - panel);
        for side in [plots_area, panel_area] {
            ui.painter().rect_filled(side, 0.0, p.panel);
        }
        let line = Stroke::new(theme::HAIRLINE, p.hairline);
        ui.painter().vline(plots_area.right(), area.y_range(), line);
        ui.painter().vline(panel_area.left(), area.y_range(), line);

        let tests = scene.status.tests.clone();
        self.table.thumbs.begin(ui, "test-image", tests.as_ref());
        let (mut moved, mut listed, mut asked) = (None, None, None);
        if let Some((scored, judged)) = self.figures.shown() {
            moved = pane(ui, plots_area, "plots", |ui| {
                let area = ui.max_rect();
                plots::ui(ui, area, scored, judged, standing.rate)
            });
            let only = self.only.as_deref();
            pane(ui, table_area, "table", |ui| match judged {
                Some(judged) => {
                    let (selected, sort, show) = (self.selected, self.layout.sort, self.layout.show);
                    let view = table::TableView { scored, judged, selected, sort, show, only };
                    listed = self.table.ui(ui, &view);
                }
                None => crate::ui::widgets::empty_place(
                    ui,
                    "No line to judge by yet",
                    "The table comes with the first defective and the first healthy image.",
                ),
            });
            let metrics = self.figures.drawn(kind);
            let show = self.layout.show;
            let view = panel::PanelView { scene, scored, judged, metrics, standing: &standing, show, only };
            asked = pane(ui, panel_area, "figures", |ui| panel::ui(ui, &view, frame));
        }
        if let Some(tests) = tests {
            let side = 2 * theme::TEST_THUMBNAIL as usize;
            let read = move |index| tests.picture(index).ok().map(|picture| thumbnail(&picture, side));
            self.table.thumbs.end(ui, |index| index, read);
        }
        if let Some(wish) = moved {
            self.move_line(evaluation, wish);
            ui.ctx().request_discard("the line was moved");
        }
        match listed {
            None => {}
            Some(table::TableRequest::Choose(index)) => self.selected = Some(index),
            Some(table::TableRequest::Open(index)) => {
                self.selected = Some(index);
                frame.actions.extend(Self::open(scene, index));
            }
            Some(table::TableRequest::Step(by)) => self.step(by),
            Some(table::TableRequest::Show(show)) => self.layout.show = show,
            Some(table::TableRequest::AllKinds) => self.only = None,
            Some(table::TableRequest::Sort(sort)) => self.layout.sort = sort,
        }
        match asked {
            None => {}
            Some(panel::PanelRequest::Score(score)) => {
                self.layout.score = Some(score);
                self.free = None;
            }
            Some(panel::PanelRequest::Rate(rate)) => self.ask_rate(evaluation, rate),
            Some(panel::PanelRequest::Show(show)) => self.layout.show = show,
            Some(panel::PanelRequest::Kind(kind)) => {
                self.only = if self.only.as_ref() == Some(&kind) { None } else { Some(kind) };
            }
        }
        if moved.is_some() {
            self.table.reveal = true;
        }
    }
}

/// What goes on, or what is in the way.
fn strip(ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
    let status = &scene.status;
    let tested = status.evaluation.as_ref();
    let other = tested.is_some() && scene.model().is_some() && !scene.same_model();
    let p = Palette::of(ui);
    let fill = egui::Frame::new().fill(p.ground).inner_margin(theme::bar_margin());
    let draw = |ui: &mut Ui, content: &mut dyn FnMut(&mut Ui)| {
        Panel::top("evaluate-strip").frame(fill).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.set_height(theme::ROW);
                content(ui);
            });
        });
    };
    match (&status.phase, status.reporting) {
        (TestPhase::Opening(done, total), _) => {
            draw(ui, &mut |ui| progress(ui, "Reading the test images", (*done, *total), None, frame));
        }
        (TestPhase::Running, _) => draw(ui, &mut |ui| {
            let title = format!("Inspecting image {} of {}", (status.done + 1).min(status.total), status.total);
            progress(ui, &title, (status.done, status.total), status.seconds_left, frame);
        }),
        (_, Some(drawn)) => draw(ui, &mut |ui| progress(ui, "Writing the report", drawn, None, frame)),
        (TestPhase::Failed(text), _) => {
            draw(ui, &mut |ui| said(ui, StatusMark::Defective, &sentence(text), "Try again", frame));
        }
        (TestPhase::Stopped, _) => draw(ui, &mut |ui| {
            let text = match status.total {
                0 => "The test was stopped before it began.".to_owned(),
                total => format!(
                    "Stopped after {} of {total} images. They are kept: the test goes on from there.",
                    status.done
                ),
            };
            said(ui, StatusMark::Suspect, &text, "Go on", frame);
        }),
        (TestPhase::Done, _) if other => draw(ui, &mut |ui| {
            let tested = tested.map(|e| e.model.name.clone()).unwrap_or_default();
            let text =
                format!("This is a test of {tested}. {} is in force now.", panel::named(scene.model().map(|m| &**m)));
            said(ui, StatusMark::Suspect, &text, "Test the model in force", frame);
        }),
        _ => {}
    }
}

/// A title, a bar, the time left, and the way to end it.
fn progress(ui: &mut Ui, title: &str, (done, total): (usize, usize), seconds_left: Option<f64>, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    flush_right(ui, |ui| {
        let stop = UiCommand::EvaluateStop;
        let button = egui::Button::new("Cancel").min_size(vec2(0.0, theme::CONTROL));
        if ui.add(button).accessible_name(stop.title()).on_hover_text(stop.tooltip(ui.ctx())).clicked() {
            frame.command(stop);
        }
        let left = match (seconds_left, total) {
            (Some(seconds), _) => format!("{} left", ticks::span(seconds)),
            (None, _) => String::new(),
        };
        let layout = Layout::right_to_left(Align::Center);
        ui.allocate_ui_with_layout(vec2(theme::TIME_LEFT, theme::ROW), layout, |ui| {
            ui.set_min_width(theme::TIME_LEFT);
            ui.label(RichText::new(left).color(p.text));
        });
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let width = ui.available_width() * 0.4;
            ui.allocate_ui_with_layout(vec2(width, theme::ROW), Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(width);
                ui.add(Label::new(RichText::new(title).color(p.text_strong)).truncate());
            });
            let share = if total == 0 { 0.0 } else { done as f32 / total as f32 };
            ui.visuals_mut().extreme_bg_color = p.control;
            let bar = ProgressBar::new(share).desired_height(theme::GAP_S).fill(p.accent);
            ui.add(bar).accessible_name("Images done");
        });
    });
}

/// A sentence, and what to do about it.
fn said(ui: &mut Ui, state: StatusMark, text: &str, verb: &str, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    flush_right(ui, |ui| {
        let again = UiCommand::EvaluateAgain;
        let button = egui::Button::new(verb).min_size(vec2(0.0, theme::CONTROL));
        let tooltip = again.tooltip(ui.ctx());
        let button = ui.add_enabled(again.enabled(frame.facts), button);
        if button.on_hover_text(&tooltip).on_disabled_hover_text("Open a model first.").clicked() {
            frame.command(again);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            theme::state_icon(ui, state);
            ui.add(Label::new(RichText::new(text).color(p.text_strong)).truncate()).on_hover_text(text);
        });
    });
}

/// Name of the page, what was tested on what, and what can be done first of all.
fn head(ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_height(theme::ROW);
        flush_right(ui, |ui| {
            let button = |ui: &mut Ui, title: &str, command: UiCommand, frame: &mut Frame<'_>| {
                let button = egui::Button::new(title).min_size(vec2(0.0, theme::ROW));
                let tooltip = command.tooltip(ui.ctx());
                let response = ui.add_enabled(command.enabled(frame.facts), button).accessible_name(command.title());
                if response.on_hover_text(&tooltip).on_disabled_hover_text(&tooltip).clicked() {
                    frame.command(command);
                }
            };
            if scene.evaluation().is_some() {
                button(ui, "Export report…", UiCommand::EvaluateReport, frame);
                button(ui, "Open test images…", UiCommand::EvaluateOpen, frame);
                button(ui, "Open a model…", UiCommand::InspectModel, frame);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.label(RichText::new("Evaluate").text_style(theme::section()).color(p.text_strong));
                let text = headline(scene);
                ui.add(Label::new(RichText::new(&text).color(p.text_weak)).truncate()).on_hover_text(text);
            });
        });
    });
}

/// One line on what was tested on what.
fn headline(scene: &Scene) -> String {
    let Some(evaluation) = &scene.status.evaluation else {
        return match scene.model() {
            Some(facts) => facts.name.clone(),
            None => "No model in force".to_owned(),
        };
    };
    let (healthy, defective) = evaluation.counts();
    format!("{} · {} · {healthy} healthy, {defective} defective", evaluation.model.name, source_title(&evaluation.data))
}
