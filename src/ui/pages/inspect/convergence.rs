//! The way of z: losses by step, and a scrubber that replays it in step with the pictures.

use std::{sync::Arc, time::Duration};

use egui::{ComboBox, Label, Layout, Role, Slider, Stroke, Ui, WidgetInfo, vec2};
use egui_material_icons::icons;
use egui_plot::{AxisHints, HLine, Line, LineStyle, Plot, PlotPoint, PlotPoints, VLine};
use serde::{Deserialize, Serialize};

use crate::{
    engine::inspection::{QueryEntry, QueryState, QueryView},
    inspect::{KeptFrame, StepRecord},
    ui::{
        Frame, UiCommand, theme,
        theme::Palette,
        widgets::{
            flush_right, icon_button, icon_toggle,
            plot_axis::{axis, grid_marks},
            scrubber_handle, segments, ticks,
            ticks::Scale,
        },
    },
};

/// From one picture of a running inspection to the next, at most.
const MOVING: Duration = Duration::from_millis(50);
/// Kept reconstructions a second at 1x.
const FRAMES_PER_SECOND: f64 = 20.0;
/// Speeds of the player.
const SPEEDS: [f32; 5] = [0.5, 1.0, 2.0, 4.0, 8.0];
/// Width of the figures beside the curves.
const FIGURES: f32 = 132.0;

/// What the curves show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConvergenceChart {
    /// The loss of every restart.
    #[default]
    Loss,
    /// What the loss is made of.
    Parts,
    /// The length of z.
    Length,
}

/// What is remembered of the convergence.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ConvergenceLayout {
    chart: ConvergenceChart,
    log: bool,
    speed: f32,
}

impl Default for ConvergenceLayout {
    fn default() -> Self {
        Self { chart: ConvergenceChart::Loss, log: false, speed: 1.0 }
    }
}

/// Which colour a curve has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// A restart.
    Faint,
    /// The best of them.
    Strong,
    /// The residual.
    Generator,
    /// Feature matching.
    Features,
    /// What D says.
    Prior,
}

/// A curve by step.
#[derive(Debug)]
pub struct LossCurve {
    /// Its name.
    pub name: String,
    /// Its colour.
    pub ink: Ink,
    /// Its points, by rising step.
    pub points: Vec<PlotPoint>,
}

/// What the curves were made for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CurvesKey {
    records: *const Vec<StepRecord>,
    count: usize,
    chart: ConvergenceChart,
    log: bool,
}

/// The player's and the curves' own state.
#[derive(Debug, Default)]
pub struct Convergence {
    layout: ConvergenceLayout,
    /// The step that is held; `None` follows the newest.
    held: Option<usize>,
    /// When the film began to play, and at which place of it.
    playing: Option<(f64, f64)>,
    /// The film is to begin playing from this place.
    start: Option<f64>,
    key: Option<CurvesKey>,
    curves: Vec<LossCurve>,
    span: ((f64, f64), (f64, f64)),
    /// Kept, so that the key's address stays its own.
    records: Option<Arc<Vec<StepRecord>>>,
}

impl Convergence {
    /// The strip as it was shown last.
    pub fn new(mut layout: ConvergenceLayout) -> Self {
        if !SPEEDS.contains(&layout.speed) {
            layout.speed = 1.0;
        }
        Self { layout, ..Self::default() }
    }

    /// What is to be remembered.
    pub fn layout(&self) -> &ConvergenceLayout {
        &self.layout
    }

    /// Follows the newest reconstruction.
    pub fn follow(&mut self) {
        self.held = None;
        self.playing = None;
        self.start = None;
    }

    fn index(&self, frames: &[KeptFrame]) -> usize {
        let last = frames.len().saturating_sub(1);
        self.held.map_or(last, |step| frames.partition_point(|f| f.step < step).min(last))
    }

    /// The reconstruction on show.
    pub fn shown<'a>(&self, frames: &'a [KeptFrame]) -> Option<&'a KeptFrame> {
        frames.get(self.index(frames))
    }

    fn hold(&mut self, frames: &[KeptFrame], index: usize) {
        let newest = index + 1 >= frames.len();
        self.held = if newest { None } else { frames.get(index).map(|f| f.step) };
    }

    /// Goes so many reconstructions further.
    pub fn go(&mut self, frames: &[KeptFrame], by: isize) {
        self.playing = None;
        let index = self.index(frames).saturating_add_signed(by);
        self.hold(frames, index);
    }

    /// Plays from the place on show, or from the beginning when that is the end; or stops playing.
    pub fn play(&mut self, frames: &[KeptFrame]) {
        if self.playing.take().is_some() || self.start.take().is_some() || frames.len() < 2 {
            return;
        }
        let index = self.index(frames);
        let from = if index + 1 >= frames.len() { 0 } else { index };
        self.hold(frames, from);
        self.start = Some(from as f64);
    }

    /// Moves the film on.
    pub fn advance(&mut self, ui: &Ui, frames: &[KeptFrame], going: bool) {
        let now = ui.input(|i| i.time);
        if let Some(from) = self.start.take() {
            self.playing = Some((now, from));
        }
        let Some((since, from)) = self.playing else { return };
        let place = from + (now - since) * FRAMES_PER_SECOND * f64::from(self.layout.speed);
        let last = frames.len().saturating_sub(1);
        if place >= last as f64 {
            self.follow();
            return;
        }
        self.hold(frames, place as usize);
        // A running inspection draws anyway; its film plays beside it.
        let _ = going;
        ui.ctx().request_repaint();
    }

    /// Draws player, curves and figures over all that is left of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, entry: &QueryEntry, view: &QueryView, frame: &mut Frame<'_>) {
        if matches!(entry.state, QueryState::Running) {
            // It is to be seen moving, also where the window is drawn in software and otherwise seldom.
            ui.ctx().request_repaint_after(MOVING);
        }
        self.player(ui, view, frame, !entry.state.is_over());
        if ui.available_height() < theme::ROW * 2.0 {
            return;
        }
        let area = ui.available_rect_before_wrap();
        let (left, figures) = area.split_left_right_at_x(area.right() - FIGURES);
        ui.scope_builder(egui::UiBuilder::new().max_rect(left), |ui| self.plot(ui, entry, view));
        let build = egui::UiBuilder::new().max_rect(figures.with_min_x(figures.left() + theme::GAP_M));
        ui.scope_builder(build, |ui| self.figures(ui, entry, view));
        ui.advance_cursor_after_rect(area);
    }

    fn player(&mut self, ui: &mut Ui, view: &QueryView, frame: &mut Frame<'_>, going: bool) {
        let p = Palette::of(ui);
        let frames = &view.frames;
        ui.horizontal(|ui| {
            ui.set_height(theme::CONTROL);
            ui.spacing_mut().item_spacing.x = theme::GAP_XS;
            let (many, last) = (frames.len() > 1, frames.len().saturating_sub(1));
            let mut index = self.index(frames);
            let playing = self.playing.is_some() || self.start.is_some();
            let (icon, name) = if playing {
                (icons::ICON_PAUSE, "Stop playing".to_owned())
            } else {
                (icons::ICON_PLAY_ARROW, UiCommand::FramePlay.tooltip(ui.ctx()))
            };
            if icon_button(ui, icon, &name, many).clicked() {
                frame.command(UiCommand::FramePlay);
            }
            for (command, icon, enabled) in [
                (UiCommand::FrameBack, icons::ICON_CHEVRON_LEFT, many && index > 0),
                (UiCommand::FrameForward, icons::ICON_CHEVRON_RIGHT, many && index < last),
            ] {
                let text = command.tooltip(ui.ctx());
                if icon_button(ui, icon, &text, enabled).accessible_name(command.title()).clicked() {
                    frame.command(command);
                }
            }
            flush_right(ui, |ui| {
                let charts = [
                    (ConvergenceChart::Length, "|z|", "Length of z over that of an average draw"),
                    (ConvergenceChart::Parts, "Parts", "What the loss is made of: residual, feature matching, prior"),
                    (
                        ConvergenceChart::Loss,
                        "Loss",
                        "The loss that z follows, per pixel; every restart, the best one strong",
                    ),
                ];
                if icon_toggle(ui, icons::ICON_STACKED_LINE_CHART, "Logarithmic loss", true, self.layout.log).clicked()
                {
                    self.layout.log = !self.layout.log;
                }
                if let Some(chart) = segments(ui, self.layout.chart, &charts) {
                    self.layout.chart = chart;
                }
                ui.separator();
                let follows = self.held.is_none() && !playing;
                let (word, tip) = match going {
                    true => ("Newest", "Follow the newest reconstruction while z is on its way"),
                    false => ("Last", "Show the last reconstruction"),
                };
                let newest = egui::Button::new(word).min_size(vec2(0.0, theme::CONTROL)).selected(follows);
                if ui.add(newest).on_hover_text(tip).clicked() {
                    self.follow();
                }
                let speed = self.layout.speed;
                let combo = ComboBox::from_id_salt("film-speed").width(48.0).selected_text(format!("{speed}x"));
                let combo = combo.show_ui(ui, |ui| {
                    for option in SPEEDS {
                        if ui.selectable_label(option == speed, format!("{option}x")).clicked() {
                            self.layout.speed = option;
                            // The film goes on from where it is.
                            self.start = self.playing.take().map(|_| index as f64);
                        }
                    }
                });
                combo.response.accessible_name("Speed of the film").on_hover_text("1x shows 20 steps kept a second");
                let text = match frames.get(index) {
                    Some(kept) => format!("step {}", ticks::grouped(kept.step as f64, 0)),
                    None => "–".to_owned(),
                };
                let size = vec2(theme::VALUE, theme::CONTROL);
                ui.allocate_ui_with_layout(size, Layout::right_to_left(egui::Align::Center), |ui| {
                    ui.set_min_width(theme::VALUE);
                    ui.label(theme::weak_caption(&p, text));
                });
                ui.spacing_mut().slider_width = (ui.available_width() - theme::GAP_S).max(40.0);
                let slider = Slider::new(&mut index, 0..=last.max(1)).show_value(false).handle_shape(scrubber_handle());
                let response = ui.name_inputs("Reconstruction on show", |ui| ui.add_enabled(many, slider));
                if response.changed() {
                    self.playing = None;
                    self.start = None;
                    self.hold(frames, index);
                }
            });
        });
    }

    /// Makes the curves anew when there are more steps or something else is to be shown.
    fn prepare(&mut self, view: &QueryView, columns: usize) {
        let log = self.layout.log && self.layout.chart != ConvergenceChart::Length;
        let key =
            CurvesKey { records: Arc::as_ptr(&view.records), count: view.records.len(), chart: self.layout.chart, log };
        if self.key == Some(key) {
            return;
        }
        self.key = Some(key);
        self.records = Some(Arc::clone(&view.records));
        let records: &[StepRecord] = &view.records;
        self.curves = curves(records, self.layout.chart, log, columns.max(64));
        let last = records.last().map_or(1, |r| r.step).max(1);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for point in self.curves.iter().flat_map(|c| &c.points) {
            low = low.min(point.y);
            high = high.max(point.y);
        }
        if self.layout.chart == ConvergenceChart::Length {
            (low, high) = (low.min(0.9), high.max(1.1));
        }
        let y = if low <= high && high.is_finite() {
            let pad = ((high - low) * 0.05).max(1e-4);
            (low - pad, high + pad)
        } else {
            (0.0, 1.0)
        };
        self.span = ((0.0, last as f64), y);
    }

    fn plot(&mut self, ui: &mut Ui, entry: &QueryEntry, view: &QueryView) {
        let p = Palette::of(ui);
        let size = ui.available_size();
        if size.x < 80.0 || size.y < 40.0 {
            return;
        }
        if view.records.is_empty() {
            let font = theme::caption().resolve(ui.style());
            let centre = ui.max_rect().center();
            ui.painter().text(centre, egui::Align2::CENTER_CENTER, "No step yet", font, p.text_weak);
            return;
        }
        self.prepare(view, size.x as usize);
        let chart = self.layout.chart;
        let scale_y = if self.layout.log && chart != ConvergenceChart::Length { Scale::Log } else { Scale::Linear };
        let most_x = ((size.x - theme::AXIS) / 60.0).max(1.0) as usize;
        let most_y = (size.y / 26.0).max(2.0) as usize;
        let (mut span_x, span_y) = self.span;
        if !entry.state.is_over() {
            // The axis holds still while the curve grows.
            span_x.1 = span_x.1.max(entry.steps as f64);
        }
        let shown_at = self.shown(&view.frames).map(|kept| kept.step as f64);
        let curves = &self.curves;
        let plot = Plot::new("convergence")
            .custom_x_axes(vec![axis(ui, AxisHints::new_x(), Scale::Linear, most_x)])
            .custom_y_axes(vec![axis(ui, AxisHints::new_y(), scale_y, most_y).min_thickness(theme::AXIS)])
            .x_grid_spacer(move |input| grid_marks(Scale::Linear, input.bounds, most_x))
            .y_grid_spacer(move |input| grid_marks(scale_y, input.bounds, most_y))
            .grid_color(p.grid_line)
            .grid_fade(0.0)
            .show_x(false)
            .show_y(false)
            .show_crosshair(false)
            .allow_scroll(false)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_boxed_zoom(false)
            .allow_axis_zoom_drag(false)
            .allow_double_click_reset(false)
            .set_margin_fraction(vec2(0.0, 0.0));
        let shown = plot.show(ui, |ui| {
            ui.set_plot_bounds_x(span_x.0..=span_x.1);
            ui.set_plot_bounds_y(span_y.0..=span_y.1);
            if chart == ConvergenceChart::Length {
                let line = HLine::new("average draw", 1.0).color(p.text_weak).width(theme::HAIRLINE);
                ui.hline(line.style(LineStyle::Dashed { length: 4.0 }).allow_hover(false));
            }
            for curve in curves {
                let width = if curve.ink == Ink::Faint { theme::CURVE_FAINT } else { theme::CURVE };
                ui.line(
                    Line::new(curve.name.as_str(), PlotPoints::Borrowed(&curve.points))
                        .color(colour(&p, curve.ink))
                        .width(width)
                        .allow_hover(false),
                );
            }
            if let Some(step) = shown_at {
                ui.vline(VLine::new("shown", step).color(p.accent).width(theme::HAIRLINE).allow_hover(false));
            }
        });
        let name = match chart {
            ConvergenceChart::Loss => "Loss by step",
            ConvergenceChart::Parts => "Parts of the loss by step",
            ConvergenceChart::Length => "Length of z by step",
        };
        shown.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
        let pointer = shown.response.hover_pos().filter(|_| ui.input(|i| i.pointer.primary_down()));
        if let Some(at) = pointer
            && !view.frames.is_empty()
        {
            let step = shown.transform.value_from_position(at).x.round().max(0.0) as usize;
            let index = view.frames.partition_point(|f| f.step < step).min(view.frames.len() - 1);
            self.playing = None;
            self.hold(&view.frames, index);
        }
        if chart == ConvergenceChart::Parts {
            self.legend(ui, *shown.transform.frame());
        }
        shown.response.on_hover_text_at_pointer(format!("{name}; click or drag to go to a step"));
    }

    fn legend(&self, ui: &Ui, frame: egui::Rect) {
        let p = Palette::of(ui);
        let font = theme::caption().resolve(ui.style());
        let mut right = frame.right() - theme::GAP_S;
        for curve in self.curves.iter().rev() {
            let ink = colour(&p, curve.ink);
            let at = egui::pos2(right, frame.top() + theme::GAP_M);
            let rect = ui.painter().text(at, egui::Align2::RIGHT_CENTER, &curve.name, font.clone(), p.text);
            let y = rect.center().y;
            ui.painter().hline(rect.left() - 16.0..=rect.left() - 4.0, y, Stroke::new(2.0, ink));
            right = rect.left() - 16.0 - theme::GAP_M;
        }
    }

    /// What the step on show measured, and how fast it goes.
    fn figures(&self, ui: &mut Ui, entry: &QueryEntry, view: &QueryView) {
        let p = Palette::of(ui);
        let step = self.shown(&view.frames).map(|k| k.step);
        let records: &[StepRecord] = &view.records;
        // While it follows, the newest step counts, whether its picture was kept or not.
        let record = match step.filter(|_| self.held.is_some()) {
            Some(step) => records.get(records.partition_point(|r| r.step < step)).or(records.last()),
            None => records.last(),
        };
        let best = record.and_then(|r| r.loss.get(r.best).copied());
        let going = matches!(entry.state, QueryState::Running);
        let speed = (entry.steps_per_second > 0.0).then_some(entry.steps_per_second);
        let speed = speed.or_else(|| {
            let seconds = records.last().map(|r| f64::from(r.seconds)).filter(|s| *s > 0.0)?;
            Some(records.last()?.step as f64 / seconds)
        });
        let left = match (&entry.state, entry.seconds_left) {
            (QueryState::Running, Some(seconds)) => ticks::span(seconds),
            (QueryState::Paused, _) => "paused".to_owned(),
            (QueryState::Stopped, _) => "stopped".to_owned(),
            (state, _) if state.is_over() => "done".to_owned(),
            _ => "–".to_owned(),
        };
        let last = records.last().map_or(entry.step, |r| r.step);
        let rows = [
            (
                "Step",
                format!(
                    "{} / {}",
                    ticks::grouped(record.map_or(last, |r| r.step) as f64, 0),
                    ticks::grouped(entry.steps.max(last) as f64, 0)
                ),
            ),
            ("Loss", ticks::figure(best)),
            ("Residual", ticks::figure(record.map(|r| r.residual))),
            ("|z| / draw", record.map_or_else(|| "–".to_owned(), |r| format!("{:.2}", r.z_norm))),
            (
                "Steps/s",
                speed.map_or_else(|| "–".to_owned(), |s| if s < 10.0 { format!("{s:.1}") } else { format!("{s:.0}") }),
            ),
            (if going { "Left" } else { "State" }, left),
        ];
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.spacing_mut().interact_size.y = theme::ROW_VALUE;
        for (name, value) in rows {
            if ui.available_height() < theme::ROW_VALUE {
                break;
            }
            ui.horizontal(|ui| {
                ui.set_height(theme::ROW_VALUE + 2.0);
                ui.label(theme::weak_caption(&p, name));
                flush_right(ui, |ui| {
                    let text = egui::RichText::new(value).text_style(theme::caption()).color(p.text_strong);
                    ui.add(Label::new(text).truncate());
                });
            });
        }
    }
}

/// The colour of a curve.
pub fn colour(p: &Palette, ink: Ink) -> egui::Color32 {
    match ink {
        Ink::Faint => p.faint(p.text),
        Ink::Strong => p.text_strong,
        Ink::Generator => p.g,
        Ink::Features => p.d,
        Ink::Prior => p.d_fake,
    }
}

/// The curves of a chart, each of at most about two points a column.
pub fn curves(records: &[StepRecord], chart: ConvergenceChart, log: bool, columns: usize) -> Vec<LossCurve> {
    let y = |v: f32| {
        let v = f64::from(v);
        let v = if log { v.log10() } else { v };
        v.is_finite().then_some(v)
    };
    let line = |name: &str, ink: Ink, value: &dyn Fn(&StepRecord) -> Option<f32>| {
        let all: Vec<PlotPoint> =
            records.iter().filter_map(|r| Some(PlotPoint::new(r.step as f64, y(value(r)?)?))).collect();
        LossCurve { name: name.to_owned(), ink, points: thinned(all, columns) }
    };
    match chart {
        ConvergenceChart::Loss => {
            let restarts = records.iter().map(|r| r.loss.len()).max().unwrap_or(0);
            let faint = (0..restarts).filter(|_| restarts > 1);
            let mut curves: Vec<LossCurve> =
                faint.map(|i| line(&format!("restart {}", i + 1), Ink::Faint, &|r| r.loss.get(i).copied())).collect();
            curves.push(line("best", Ink::Strong, &|r| r.loss.get(r.best).copied()));
            curves
        }
        ConvergenceChart::Parts => {
            let mut curves = vec![line("residual", Ink::Generator, &|r| Some(r.residual))];
            // A part without weight is 0 throughout and says nothing.
            if records.iter().any(|r| r.feature != 0.0) {
                curves.push(line("feature", Ink::Features, &|r| Some(r.feature)));
            }
            if records.iter().any(|r| r.prior != 0.0) {
                curves.push(line("prior", Ink::Prior, &|r| Some(r.prior)));
            }
            curves
        }
        ConvergenceChart::Length => vec![line("|z|", Ink::Strong, &|r| Some(r.z_norm))],
    }
}

/// The least and the greatest of each column, in their order.
fn thinned(points: Vec<PlotPoint>, columns: usize) -> Vec<PlotPoint> {
    if points.len() <= 2 * columns {
        return points;
    }
    let mut out = Vec::with_capacity(2 * columns + 2);
    for chunk in points.chunks(points.len().div_ceil(columns)) {
        let least = chunk.iter().enumerate().min_by(|a, b| a.1.y.total_cmp(&b.1.y)).map(|(i, _)| i);
        let most = chunk.iter().enumerate().max_by(|a, b| a.1.y.total_cmp(&b.1.y)).map(|(i, _)| i);
        let (Some(a), Some(b)) = (least, most) else { continue };
        out.push(chunk[a.min(b)]);
        if a != b {
            out.push(chunk[a.max(b)]);
        }
    }
    out.extend(points.last().copied());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(steps: &[usize]) -> Vec<KeptFrame> {
        steps.iter().map(|step| KeptFrame { step: *step, pixels: Arc::from([0_u16; 1]) }).collect()
    }

    fn record(step: usize, loss: &[f32], best: usize) -> StepRecord {
        StepRecord {
            step,
            loss: loss.to_vec(),
            best,
            residual: 0.5,
            feature: 0.0,
            prior: 0.0,
            z_norm: 1.0,
            seconds: 0.1,
        }
    }

    #[test]
    fn it_follows_the_newest_until_a_step_is_held() {
        let mut film = Convergence::default();
        let three = frames(&[0, 10, 20]);
        assert_eq!(film.shown(&three).map(|k| k.step), Some(20));
        film.go(&three, -1);
        assert_eq!(film.shown(&three).map(|k| k.step), Some(10));
        assert_eq!(film.shown(&frames(&[0, 10, 20, 30])).map(|k| k.step), Some(10), "held while more come");
        assert_eq!(film.shown(&frames(&[0, 20])).map(|k| k.step), Some(20), "the next stands in for one let go");
        film.go(&three, 5);
        assert_eq!((film.held, film.shown(&three).map(|k| k.step)), (None, Some(20)));
        assert_eq!(film.shown(&[]), None);
    }

    #[test]
    fn playing_starts_over_at_the_end_and_one_picture_is_no_film() {
        let mut film = Convergence::default();
        film.play(&frames(&[0]));
        assert!(film.start.is_none());
        film.play(&frames(&[0, 10, 20]));
        assert_eq!((film.start, film.held), (Some(0.0), Some(0)));
        film.play(&frames(&[0, 10, 20]));
        assert!(film.start.is_none() && film.playing.is_none());
    }

    #[test]
    fn all_restarts_are_drawn_and_the_best_over_them() {
        let records = vec![record(0, &[3.0, 2.0], 1), record(1, &[1.0, f32::NAN], 0)];
        let curves = curves(&records, ConvergenceChart::Loss, false, 100);
        assert_eq!(curves.iter().map(|c| c.ink).collect::<Vec<_>>(), [Ink::Faint, Ink::Faint, Ink::Strong]);
        let ys: Vec<f64> = curves[2].points.iter().map(|p| p.y).collect();
        assert_eq!(ys, [2.0, 1.0]);
        assert_eq!(curves[1].points.len(), 1, "what is no number is left out");
        assert_eq!(super::curves(&records, ConvergenceChart::Parts, false, 100).len(), 1);
        assert!(super::curves(&[], ConvergenceChart::Loss, true, 100).iter().all(|c| c.points.is_empty()));
    }

    #[test]
    fn thinning_keeps_the_extremes() {
        let mut points: Vec<PlotPoint> = (0..10_000).map(|i| PlotPoint::new(f64::from(i), 0.0)).collect();
        points[4_321].y = 9.0;
        points[8_765].y = -9.0;
        let thin = thinned(points, 100);
        assert!(thin.len() <= 203 && thin.iter().any(|p| p.y == 9.0) && thin.iter().any(|p| p.y == -9.0));
        assert!(thin.windows(2).all(|w| w[0].x <= w[1].x));
    }
}
