//! The Train page: curves, samples and knobs of the current run.

mod chart;
mod controls;
pub(super) mod critic_preview;
mod curves;
mod feed;
mod grid;
mod overlaid;
pub(in crate::ui) mod page;
mod tile;
mod walk;

use std::sync::Arc;

use controls::Controls;
use critic_preview::CriticPreview;
use curves::{Curves, CurvesLayout};
use egui::{
    Align, EventFilter, Key, Layout, Panel, Rect, RichText, Role, ScrollArea, Sense, Spinner, Ui, WidgetInfo, vec2,
};
use egui_material_icons::icons;
use grid::SampleGridView;
use serde::{Deserialize, Serialize};

use crate::{
    engine::{
        EngineState,
        training::{Histograms, SampleGrid, TrainingPhase, critic_preview::Viewer},
    },
    format,
    train::{knobs, knobs::Group},
    ui::{
        Frame, UiCommand, focus, theme,
        theme::{BalanceMark, Mark, NoticeMark, Palette, ProgressMark},
        widgets::{
            drop_down::DropDown, elide::name_label, empty_place, flush_right, histogram, histogram::HistogramAt,
            icon_button, icon_toggle, pane, segments, ticks,
        },
    },
};

/// A pane of the page. Narrow windows show one or two at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TrainPane {
    #[default]
    Curves,
    Samples,
    Controls,
}

/// The page's persisted layout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
struct TrainLayout {
    curves: CurvesLayout,
    /// Whether curves, samples and controls are shown.
    open: [bool; 3],
    /// The pane shown where only one fits.
    #[serde(rename = "part")]
    pane: TrainPane,
    /// Share of the width shared by curves and samples that the curves take.
    share: f32,
    /// Width of the controls, points.
    controls: f32,
    histograms: bool,
    /// Name of the tensor whose histogram is shown.
    tensor: String,
    /// The critic preview replaces the samples.
    #[serde(rename = "forged")]
    critic_preview: bool,
}

impl Default for TrainLayout {
    fn default() -> Self {
        Self {
            curves: CurvesLayout::default(),
            open: [true; 3],
            pane: TrainPane::Curves,
            share: 0.46,
            controls: theme::PANEL,
            histograms: true,
            tensor: String::new(),
            critic_preview: false,
        }
    }
}

/// The Train page.
pub(crate) struct TrainWorkspace {
    layout: TrainLayout,
    curves: Curves,
    samples: SampleGridView,
    critic_preview: CriticPreview,
    controls: Controls,
}

impl TrainWorkspace {
    /// Creates the page from the text of [`TrainWorkspace::layout`], or with defaults where that cannot be read.
    pub(crate) fn new(layout: Option<&str>) -> Self {
        let layout: TrainLayout = layout.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self {
            curves: Curves::new(layout.curves.clone()),
            samples: SampleGridView::default(),
            critic_preview: CriticPreview::new(Viewer::RUN),
            controls: Controls::default(),
            layout,
        }
    }

    /// Returns the layout as text, for the settings file.
    pub(crate) fn layout(&self) -> String {
        let layout = TrainLayout { curves: self.curves.layout().clone(), ..self.layout.clone() };
        // A JSON value sorts its keys, so equal layouts give equal texts.
        serde_json::to_value(&layout).map(|v| v.to_string()).unwrap_or_default()
    }

    /// Returns the displayed sample grid, which "save as PNG" writes.
    pub(crate) fn shown(&self, engine: &EngineState) -> Option<Arc<SampleGrid>> {
        self.samples.shown(engine.training.grids.read().grids()).cloned()
    }

    /// Carries out the commands of curves and samples; others are ignored.
    pub(crate) fn apply(&mut self, command: UiCommand, engine: &EngineState) {
        let grids = engine.training.grids.read().grids().to_vec();
        match command {
            UiCommand::FitCurves => self.curves.fit(),
            UiCommand::GridBack => self.samples.go(&grids, -1),
            UiCommand::GridForward => self.samples.go(&grids, 1),
            UiCommand::GridPlay => self.samples.play(&grids),
            UiCommand::CriticPreview => {
                self.layout.critic_preview = !self.layout.critic_preview;
                if self.layout.critic_preview {
                    self.controls.reveal(Group::Critic);
                }
            }
            UiCommand::CriticPreviewNext => {
                if !std::mem::replace(&mut self.layout.critic_preview, true) {
                    self.controls.reveal(Group::Critic);
                }
                self.critic_preview.draw_others();
            }
            _ => {}
        }
    }

    /// Opens the pane and the group of a knob.
    pub(crate) fn show_knob(&mut self, key: &str) {
        if let Some(knob) = knobs::knob(key) {
            self.controls.reveal(knob.group);
        }
        self.layout.open[2] = true;
        self.layout.pane = TrainPane::Controls;
    }

    /// Draws the page over all of `ui`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let width = ui.available_width();
        let fitting = panes_fitting(width);
        let bar = egui::Frame::new().fill(p.panel).inner_margin(theme::bar_margin());
        Panel::top("train-head").frame(bar).show(ui, |ui| self.head(ui, frame, fitting));
        let area = ui.available_rect_before_wrap();
        ui.painter().rect_filled(area, 0.0, p.ground);
        self.panes(ui, frame, area, self.visible_panes(fitting));
        ui.advance_cursor_after_rect(area);
    }

    /// Draws curves, samples and controls from left to right, with splitters between them.
    fn panes(&mut self, ui: &mut Ui, frame: &mut Frame<'_>, area: Rect, [curves, samples, controls]: [bool; 3]) {
        let p = Palette::of(ui);
        let mut rest = area;
        if controls {
            let max = if area.width() >= theme::ROOMY { theme::PANEL_MAX } else { theme::PANEL_MIN };
            let width =
                if curves || samples { self.layout.controls.clamp(theme::PANEL_MIN, max) } else { area.width() };
            let panel;
            (rest, panel) = area.split_left_right_at_x(area.right() - width);
            ui.painter().rect_filled(panel, 0.0, p.panel);
            focus::mark_panel(ui, panel);
            pane(ui, panel, "controls", |ui| self.controls.ui(ui, frame));
            if curves || samples {
                let moved = splitter(ui, rest.right(), area, "Width of the controls");
                self.layout.controls = (self.layout.controls - moved).clamp(theme::PANEL_MIN, theme::PANEL_MAX);
            }
        }
        let held = self.samples.held();
        match (curves, samples) {
            (true, true) => {
                let total = rest.width();
                let max = (total - theme::SAMPLES_LEAST).max(theme::CURVES_LEAST);
                let width = (total * self.layout.share).round().clamp(theme::CURVES_LEAST, max);
                let (left, right) = rest.split_left_right_at_x(rest.left() + width);
                pane(ui, left, "curves", |ui| self.curves.ui(ui, frame, held));
                pane(ui, right, "samples", |ui| self.middle(ui, frame));
                let moved = splitter(ui, left.right(), rest, "Width of the curves");
                if moved != 0.0 {
                    self.layout.share = (width + moved).clamp(theme::CURVES_LEAST, max) / total;
                }
            }
            (true, false) => pane(ui, rest, "curves", |ui| self.curves.ui(ui, frame, held)),
            (false, true) => pane(ui, rest, "samples", |ui| self.middle(ui, frame)),
            (false, false) if controls => pane(ui, rest, "nothing", |ui| {
                if rest.width() > theme::PANEL_MIN {
                    empty_place(ui, "Curves and samples are hidden", "Use the buttons above to show them.");
                }
            }),
            (false, false) => pane(ui, rest, "nothing", |ui| {
                empty_place(ui, "Everything is hidden", "Use the buttons above to show curves, samples and controls.");
            }),
        }
    }

    /// Returns the panes to draw where `fitting` panes fit.
    fn visible_panes(&self, fitting: usize) -> [bool; 3] {
        let one = |pane| self.layout.pane == pane;
        match fitting {
            1 => [one(TrainPane::Curves), one(TrainPane::Samples), one(TrainPane::Controls)],
            2 => {
                let curves = !one(TrainPane::Samples);
                [curves, !curves, true]
            }
            _ => self.layout.open,
        }
    }

    /// Draws the name and data of the run, its health, and the primary action.
    fn head(&mut self, ui: &mut Ui, frame: &mut Frame<'_>, fitting: usize) {
        let p = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            flush_right(ui, |ui| {
                primary_action(ui, frame);
                self.pane_buttons(ui, fitting);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let name = if frame.status.name.is_empty() { "No run" } else { &frame.status.name };
                    name_label(ui, name, theme::section(), p.text_strong);
                    if let Some(data) = frame.status.data.first() {
                        let text = egui::Label::new(RichText::new(data).color(p.text_weak)).truncate();
                        ui.add(text).on_hover_text(frame.status.data.join("\n"));
                    }
                });
            });
        });
        ui.horizontal(|ui| {
            ui.set_height(theme::HEALTH);
            health_line(ui, frame);
        });
    }

    /// Draws the buttons that show, hide or select panes.
    fn pane_buttons(&mut self, ui: &mut Ui, fitting: usize) {
        let panes = [
            (TrainPane::Curves, icons::ICON_SHOW_CHART, "Curves"),
            (TrainPane::Samples, icons::ICON_GRID_VIEW, "Samples"),
            (TrainPane::Controls, icons::ICON_TUNE, "Controls"),
        ];
        ui.spacing_mut().item_spacing.x = theme::GAP_XS;
        ui.add_space(theme::GAP_S);
        if fitting < 3 {
            let count = if fitting == 2 { 2 } else { 3 };
            let current = if fitting == 2 && self.layout.pane == TrainPane::Controls {
                TrainPane::Curves
            } else {
                self.layout.pane
            };
            let mut choices: Vec<_> = panes.iter().take(count).map(|(pane, _, name)| (*pane, *name, *name)).collect();
            // The row runs from right to left.
            choices.reverse();
            if let Some(pane) = segments(ui, current, &choices) {
                self.layout.pane = pane;
            }
            return;
        }
        for (i, (_, icon, name)) in panes.into_iter().enumerate().rev() {
            if let Some(open) = self.layout.open.get_mut(i) {
                let verb = if *open { "Hide" } else { "Show" };
                let text = format!("{verb} {}", name.to_lowercase());
                if icon_toggle(ui, icon, &text, true, *open).clicked() {
                    *open = !*open;
                }
            }
        }
    }

    /// Draws samples and histograms, or the critic preview.
    fn middle(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        if waiting(ui, frame) {
            return;
        }
        self.middle_tabs(ui, frame);
        if self.layout.critic_preview {
            self.critic_preview.ui(ui, frame, None);
            return;
        }
        let open = self.layout.histograms;
        // A low window keeps the samples and folds the histograms.
        let tall = ui.available_height() > 2.5 * theme::STRIP;
        let strip = if open && tall { theme::STRIP } else { theme::ROW };
        let height = (ui.available_height() - strip - theme::GAP_XS).max(theme::ROW);
        let size = vec2(ui.available_width(), height);
        ui.allocate_ui(size, |ui| {
            ui.set_min_size(size);
            self.samples.ui(ui, frame);
        });
        self.histograms(ui, frame, tall);
    }

    /// Draws the choice between samples and the critic preview.
    fn middle_tabs(&self, ui: &mut Ui, frame: &mut Frame<'_>) {
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            let choices = [
                (false, "Samples", "Generated samples beside real crops."),
                (true, "Critic preview", "Healthy crops, some with synthetic defects, and the critic's output."),
            ];
            if segments(ui, self.layout.critic_preview, &choices).is_some() {
                frame.command(UiCommand::CriticPreview);
            }
        });
    }

    /// Draws the histograms of a tensor's weights or gradients over time.
    fn histograms(&mut self, ui: &mut Ui, frame: &Frame<'_>, tall: bool) {
        let p = Palette::of(ui);
        let (all, newest, shown) = {
            let histograms = frame.engine.training.histograms.read();
            let newest = histograms.newest().cloned();
            // At the step of the sample grid above, where the scrubber is held.
            let shown = self.samples.held().map_or(newest.clone(), |step| histograms.at(step).cloned());
            (histograms.all().to_vec(), newest, shown)
        };
        let entries = shown.as_ref().map(|h| h.entries.as_slice()).unwrap_or_default();
        // Without a selection the first one of the newest step, since a log may list them in another order.
        let first = newest.as_ref().and_then(|h| h.entries.first()).map(|e| e.0.as_str());
        let named = |name: &str| entries.iter().find(|e| e.0 == name);
        let chosen = named(&self.layout.tensor).or_else(|| named(first?)).or_else(|| entries.first());
        ui.horizontal(|ui| {
            ui.set_height(theme::CONTROL);
            ui.spacing_mut().item_spacing.x = theme::GAP_XS;
            let open = self.layout.histograms && tall;
            let icon = if open { icons::ICON_EXPAND_MORE } else { icons::ICON_CHEVRON_RIGHT };
            let name = match (open, tall) {
                (true, _) => "Hide histograms",
                (false, true) => "Show histograms",
                (false, false) => "Histograms need a taller window",
            };
            if icon_button(ui, icon, name, tall).clicked() {
                self.layout.histograms = !self.layout.histograms;
            }
            let label = ui.label(RichText::new("Histograms").color(p.text_strong));
            let Some((name, _)) = chosen.filter(|_| open) else { return };
            let step = shown.as_ref().map_or(0, |h| h.step);
            let mut selected = None;
            flush_right(ui, |ui| {
                let width = theme::FIGURE_COLUMN + theme::GAP_XL;
                ui.allocate_ui_with_layout(vec2(width, theme::CONTROL), Layout::right_to_left(Align::Center), |ui| {
                    ui.label(theme::weak_caption(&p, format!("step {}", ticks::grouped(step as f64, 0))));
                });
                let width = ui.available_width() - theme::GAP_S;
                let choice = DropDown { name: "Tensor of the histogram", help: "Displayed tensor", width };
                choice.beside(ui, &label, name.as_str(), |ui| {
                    for (option, _) in entries {
                        if ui.selectable_label(option == name, option).clicked() {
                            selected = Some(option.clone());
                        }
                    }
                });
            });
            if let Some(tensor) = selected {
                self.layout.tensor = tensor;
            }
        });
        if !(self.layout.histograms && tall) {
            return;
        }
        match chosen {
            Some((name, _)) => {
                let colour = if name.starts_with("d/") { p.d } else { p.g };
                let of_tensor = |h: &Arc<Histograms>| h.entries.iter().position(|(other, _)| other == name);
                let places: Vec<_> = all.iter().filter_map(|h| Some((h, of_tensor(h)?))).collect();
                let over_time: Vec<HistogramAt<'_>> =
                    places.iter().map(|(h, i)| HistogramAt { step: h.step, values: &h.entries[*i].1 }).collect();
                histogram::ridge_plot(ui, name, &over_time, self.samples.held(), colour);
            }
            None => empty_place(ui, "Weights and gradients", "Histograms appear here every few steps."),
        }
    }
}

/// Draws a splitter that the pointer or the arrow keys move; returns how far it was moved.
fn splitter(ui: &Ui, x: f32, area: Rect, name: &str) -> f32 {
    let p = Palette::of(ui);
    let rect = Rect::from_x_y_ranges(x - theme::GAP_XS..=x + theme::GAP_XS, area.y_range());
    let response = ui.interact(rect, ui.scope_id().with(name), Sense::drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, name));
    let highlighted = response.hovered() || response.dragged() || response.has_focus();
    let line =
        if highlighted { egui::Stroke::new(2.0, p.accent) } else { egui::Stroke::new(theme::HAIRLINE, p.hairline) };
    ui.painter().vline(x, area.y_range(), line);
    let mut moved = response.drag_delta().x;
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        for (key, by) in [(Key::ArrowLeft, -theme::GAP_L), (Key::ArrowRight, theme::GAP_L)] {
            if ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, key)) {
                moved += by;
            }
        }
    }
    response.on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
    moved
}

/// Returns how many panes fit side by side in a window this wide.
fn panes_fitting(width: f32) -> usize {
    if width >= theme::PANEL_MIN + theme::CURVES_LEAST + theme::SAMPLES_LEAST {
        3
    } else if width >= theme::PANEL_MIN + theme::CURVES_LEAST {
        2
    } else {
        1
    }
}

/// Draws the button of the most likely next action.
fn primary_action(ui: &mut Ui, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let (command, text) = match &frame.status.phase {
        TrainingPhase::Running => (UiCommand::PlayPause, "Pause"),
        TrainingPhase::Paused => (UiCommand::PlayPause, "Resume"),
        TrainingPhase::Finished if frame.status.build_cancelled.is_some() => (UiCommand::MakeModel, "Build the model"),
        TrainingPhase::Finished => (UiCommand::GoInspect, "Inspect images"),
        TrainingPhase::Idle | TrainingPhase::Failed(_) => (UiCommand::NewRun, "New run"),
        TrainingPhase::Opening { .. } | TrainingPhase::Preparing => (UiCommand::Stop, "Cancel"),
        TrainingPhase::BuildingModel(_) => (UiCommand::PlayPause, "Cancel"),
    };
    let button = theme::primary_button(&p, text);
    if ui.add(button).on_hover_text(command.tooltip(ui.ctx())).clicked() {
        frame.command(command);
    }
}

/// Draws the health of the run and the advice for it, in one line.
fn health_line(ui: &mut Ui, frame: &Frame<'_>) {
    let p = Palette::of(ui);
    ui.spacing_mut().item_spacing.x = theme::GAP_XS;
    let health = frame.status.health;
    let share = 100.0 * frame.status.build_cancelled.unwrap_or_default();
    let cancelled = format!("Building the model was cancelled at {share:.0} %.");
    let (mark, sentence, advice): (Mark, &str, &str) = match &frame.status.phase {
        // Without samples, the middle pane shows the error in full.
        TrainingPhase::Failed(_) if frame.engine.training.grids.read().grids().is_empty() => {
            (ProgressMark::Failed.into(), "The run stopped with an error.", "")
        }
        TrainingPhase::Failed(text) => (ProgressMark::Failed.into(), text.as_str(), ""),
        TrainingPhase::Idle => (ProgressMark::Idle.into(), "No run is open.", ""),
        TrainingPhase::Opening { .. } => (ProgressMark::Preparing.into(), "Reading the images.", ""),
        TrainingPhase::Preparing => (ProgressMark::Preparing.into(), "Preparing kernels; training starts shortly.", ""),
        TrainingPhase::BuildingModel(build) => (
            ProgressMark::Running.into(),
            "Building the model.",
            build.current_part().map_or("", |now| now.part.purpose()),
        ),
        TrainingPhase::Finished if frame.status.build_cancelled.is_some() => (
            ProgressMark::Paused.into(),
            cancelled.as_str(),
            "No model file was written; building starts from the beginning.",
        ),
        _ => (mark_of(health), health.sentence(), health.advice()),
    };
    theme::mark_icon(ui, mark);
    let colour = if health.is_alarm() || mark.is_error() { p.text_strong } else { p.text };
    let mut text = egui::text::LayoutJob::default();
    let font = egui::TextStyle::Body.resolve(ui.style());
    text.append(&format::sentence(sentence), 0.0, egui::TextFormat::simple(font.clone(), colour));
    if !advice.is_empty() {
        text.append(advice, theme::GAP_S, egui::TextFormat::simple(font, p.text_weak));
    }
    // The tooltip has the full text where the line cuts it.
    ui.add(egui::Label::new(text).truncate()).on_hover_text(format!("{sentence} {advice}").trim_end());
}

fn mark_of(health: crate::train::Health) -> Mark {
    use crate::train::Health as H;
    match health {
        H::Unknown | H::NoClearSign | H::DAhead => BalanceMark::Unclear.into(),
        H::Good => BalanceMark::Balanced.into(),
        H::DTooStrong | H::DTooWeak | H::DRejectsReal | H::DFooled | H::Saturated | H::DStalled => {
            NoticeMark::Warning.into()
        }
        H::Collapsed | H::Diverging | H::NotFinite => NoticeMark::Error.into(),
    }
}

/// Draws the progress or error shown before the first samples; returns `false` when there is none.
fn waiting(ui: &mut Ui, frame: &Frame<'_>) -> bool {
    let p = Palette::of(ui);
    let none = frame.engine.training.grids.read().grids().is_empty();
    let middle = |ui: &mut Ui, content: &mut dyn FnMut(&mut Ui)| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.add_space((ui.available_height() * 0.4).max(theme::GAP_M));
            ui.vertical_centered(|ui| {
                ui.set_max_width(theme::TEXT_MAX / 2.0);
                content(ui);
            });
        });
    };
    match &frame.status.phase {
        TrainingPhase::Opening { done, total } => {
            middle(ui, &mut |ui| {
                ui.label(RichText::new("Reading the images").color(p.text_strong));
                let share = if *total == 0 { 0.0 } else { *done as f32 / *total as f32 };
                let bar = egui::ProgressBar::new(share).desired_height(theme::GAP_S).corner_radius(2.0).fill(p.accent);
                ui.add(bar).accessible_name("Images read");
                let count = |n: &usize| ticks::grouped(*n as f64, 0);
                let text = if *total == 0 {
                    "Looking for images".into()
                } else {
                    format!("{} of {}", count(done), count(total))
                };
                ui.label(theme::weak_caption(&p, text));
            });
            true
        }
        TrainingPhase::Preparing if none => {
            middle(ui, &mut |ui| {
                ui.add(Spinner::new().size(theme::GAP_XL));
                ui.label(RichText::new("Preparing kernels…").color(p.text_strong));
                ui.label(theme::weak_caption(
                    &p,
                    "The device compiles and tunes its kernels once; the first step follows.",
                ));
            });
            true
        }
        TrainingPhase::Failed(text) if none => {
            middle(ui, &mut |ui| {
                theme::mark_icon(ui, ProgressMark::Failed);
                ui.label(RichText::new("The run stopped").color(p.text_strong));
                let text = RichText::new(format::sentence(text)).color(p.text);
                ui.add(egui::Label::new(text).wrap().selectable(true));
            });
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_comes_back_and_nonsense_gives_the_first_one() {
        let mut view = TrainWorkspace::new(None);
        view.layout.open = [true, false, true];
        view.layout.tensor = "g/weights/up1".into();
        let back = TrainWorkspace::new(Some(&view.layout()));
        assert_eq!(back.layout.open, [true, false, true]);
        assert_eq!(back.layout(), view.layout());
        assert_eq!(TrainWorkspace::new(Some("{\"open\": 3}")).layout.open, [true; 3]);
    }

    #[test]
    fn a_narrow_window_shows_fewer_parts_at_once() {
        let view = TrainWorkspace::new(None);
        assert_eq!(view.visible_panes(panes_fitting(1900.0)), [true, true, true]);
        assert_eq!(view.visible_panes(panes_fitting(700.0)), [true, false, true]);
        assert_eq!(view.visible_panes(panes_fitting(460.0)), [true, false, false]);
        // The smallest window without the rail at 100 % scale fits all three.
        assert_eq!(panes_fitting(1024.0 - theme::RAIL), 3);
    }
}
