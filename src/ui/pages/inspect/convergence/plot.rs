//! The convergence chart.

use std::sync::Arc;

use egui::{Role, Stroke, Ui, WidgetInfo, vec2};
use egui_plot::{AxisHints, HLine, Line, LineStyle, Plot, PlotPoints, VLine};

use super::curves::{ConvergenceChart, Ink, LossCurve, colour, curves};
use crate::{
    engine::inspection::QueryView,
    inspect::StepRecord,
    ui::{
        theme,
        theme::Palette,
        widgets::{
            plot_axis::{axis, grid_marks},
            ticks::Scale,
        },
    },
};

/// Inputs of the curves; they are recomputed when these change.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CurvesKey {
    records: *const Vec<StepRecord>,
    count: usize,
    chart: ConvergenceChart,
    log: bool,
}

/// Content of the chart.
#[derive(Clone, Copy)]
pub(super) struct PlotRequest<'a> {
    pub view: &'a QueryView,
    pub chart: ConvergenceChart,
    /// Whether the loss has a logarithmic axis.
    pub log: bool,
    /// Smallest number of steps that the axis covers.
    pub steps: usize,
    /// The step on screen, to be marked.
    pub shown: Option<usize>,
}

impl PlotRequest<'_> {
    /// Whether the value axis is logarithmic; the norm's never is.
    fn is_log(&self) -> bool {
        self.log && self.chart != ConvergenceChart::Norm
    }
}

/// State of the chart.
#[derive(Debug, Default)]
pub(super) struct ConvergencePlot {
    key: Option<CurvesKey>,
    curves: Vec<LossCurve>,
    /// Ranges of steps and values.
    span: ((f64, f64), (f64, f64)),
    /// Keeps the allocation alive that the key points to.
    records: Option<Arc<Vec<StepRecord>>>,
}

impl ConvergencePlot {
    /// Draws the chart over the rest of `ui`; returns the step that was clicked or dragged to.
    pub(crate) fn ui(&mut self, ui: &mut Ui, request: PlotRequest<'_>) -> Option<usize> {
        let p = Palette::of(ui);
        let size = ui.available_size();
        if size.x < 80.0 || size.y < 40.0 {
            return None;
        }
        if request.view.records.is_empty() {
            let font = theme::caption().resolve(ui.style());
            let centre = ui.max_rect().center();
            ui.painter().text(centre, egui::Align2::CENTER_CENTER, "No steps yet", font, p.text_weak);
            return None;
        }
        self.prepare(request, size.x as usize);
        let (mut span_x, span_y) = self.span;
        span_x.1 = span_x.1.max(request.steps as f64);
        let shown = axes(ui, request.is_log()).show(ui, |ui| {
            ui.set_plot_bounds_x(span_x.0..=span_x.1);
            ui.set_plot_bounds_y(span_y.0..=span_y.1);
            if request.chart == ConvergenceChart::Norm {
                let line = HLine::new("prior", 1.0).color(p.text_weak).width(theme::HAIRLINE);
                ui.hline(line.style(LineStyle::Dashed { length: 4.0 }).allow_hover(false));
            }
            for curve in &self.curves {
                let width = if curve.ink == Ink::Faint { theme::CURVE_FAINT } else { theme::CURVE };
                ui.line(
                    Line::new(curve.name.as_str(), PlotPoints::Borrowed(&curve.points))
                        .color(colour(&p, curve.ink))
                        .width(width)
                        .allow_hover(false),
                );
            }
            if let Some(step) = request.shown {
                ui.vline(VLine::new("shown", step as f64).color(p.accent).width(theme::HAIRLINE).allow_hover(false));
            }
        });
        let name = match request.chart {
            ConvergenceChart::Loss => "Loss by step",
            ConvergenceChart::Terms => "Loss terms by step",
            ConvergenceChart::Norm => "Norm of z by step",
        };
        shown.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
        let pointer = shown.response.hover_pos().filter(|_| ui.input(|i| i.pointer.primary_down()));
        let step = pointer.map(|at| shown.transform.value_from_position(at).x.round().max(0.0) as usize);
        if request.chart == ConvergenceChart::Terms {
            self.legend(ui, *shown.transform.frame());
        }
        shown.response.on_hover_text_at_pointer(format!("{name}; click or drag to go to a step"));
        step
    }

    /// Recomputes the curves and their ranges if the inputs have changed.
    fn prepare(&mut self, request: PlotRequest<'_>, columns: usize) {
        let PlotRequest { view, chart, .. } = request;
        let log = request.is_log();
        let key = CurvesKey { records: Arc::as_ptr(&view.records), count: view.records.len(), chart, log };
        if self.key == Some(key) {
            return;
        }
        self.key = Some(key);
        self.records = Some(Arc::clone(&view.records));
        let records: &[StepRecord] = &view.records;
        self.curves = curves(records, chart, log, columns.max(64));
        let last = records.last().map_or(1, |r| r.step).max(1);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for point in self.curves.iter().flat_map(|c| &c.points) {
            low = low.min(point.y);
            high = high.max(point.y);
        }
        if chart == ConvergenceChart::Norm {
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
}

/// Returns an empty plot with axes and grid, without interaction.
fn axes(ui: &Ui, log: bool) -> Plot<'static> {
    let p = Palette::of(ui);
    let size = ui.available_size();
    let scale_y = if log { Scale::Log } else { Scale::Linear };
    let most_x = ((size.x - theme::AXIS) / 60.0).max(1.0) as usize;
    let most_y = (size.y / 26.0).max(2.0) as usize;
    Plot::new("convergence")
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
        .set_margin_fraction(vec2(0.0, 0.0))
}
