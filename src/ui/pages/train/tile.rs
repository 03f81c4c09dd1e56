//! The tile of a chart: heading, legend, plot, cursor, and the number of values outside the view.

use egui::{
    Align, Align2, EventFilter, Key, Layout, Rect, Response, RichText, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};
use egui_plot::{AxisHints, HLine, Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotTransform, PlotUi};

use super::{
    chart::{ChartContext, ChartLine, ChartState, CurveChart, ViewY},
    overlaid::sample_cell,
};
use crate::{
    train::Metric,
    ui::{
        XAxis,
        commands::typing::share_letters,
        theme,
        theme::Palette,
        widgets::{
            plot_axis::{axis, grid_marks, tick_label},
            ticks,
            ticks::Scale,
        },
    },
};

/// A request of a tile to the pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TileRequest {
    /// It is being dragged to another position.
    Drag,
    /// Move it one position towards the first tile.
    Earlier,
    /// Move it one position towards the last tile.
    Later,
    /// Show this tile only, or all of them again.
    Maximise,
    /// Restore the default arrangement.
    Reset,
}

impl ChartState {
    /// Draws the tile over the rest of `ui`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, chart: CurveChart, shared: &mut ChartContext<'_>) -> Option<TileRequest> {
        let p = Palette::of(ui);
        let rect = ui.max_rect();
        ui.painter().rect_filled(rect, theme::RADIUS, p.panel);
        let inner = rect.shrink2(vec2(theme::GAP_XS, 2.0));
        let (head, body) = inner.split_top_bottom_at_y(inner.top() + theme::TILE_HEAD);
        let request = self.head(ui, head, chart, shared);
        // Leaves space on the right for half of the last label.
        let body = body.with_max_x(body.right() - theme::GAP_S);
        let build = UiBuilder::new().max_rect(body).id_salt("plot");
        ui.scope_builder(build, |ui| self.plot(ui, chart, shared));
        request
    }

    /// Draws title, legend and menu.
    fn head(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        chart: CurveChart,
        shared: &mut ChartContext<'_>,
    ) -> Option<TileRequest> {
        let p = Palette::of(ui);
        let mut request = None;
        let build = UiBuilder::new().max_rect(rect).layout(Layout::right_to_left(Align::Center));
        ui.scope_builder(build, |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.spacing_mut().button_padding = vec2(1.0, 0.0);
            ui.spacing_mut().interact_size = vec2(theme::ICON_BUTTON, theme::TILE_HEAD - 2.0);
            let icon = egui_material_icons::icons::ICON_MORE_VERT.rich_text().color(p.text_weak);
            let menu = ui.menu_button(icon, |ui| self.menu(ui, shared, &mut request));
            menu.response.accessible_name(format!("{}: view and layout", chart.title()));
            // With a single curve the title is enough.
            for (metric, name) in chart.metrics().iter().rev().filter(|_| chart.metrics().len() > 1) {
                legend_entry(ui, *metric, name, shared);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let handle = ui.interact(ui.max_rect(), ui.scope_id().with("handle"), Sense::CLICK | Sense::DRAG);
                let title = RichText::new(chart.title()).color(p.text_strong);
                ui.add(egui::Label::new(title).truncate());
                if handle.on_hover_cursor(egui::CursorIcon::Grab).on_hover_text(chart.help()).drag_started() {
                    request = Some(TileRequest::Drag);
                }
            });
        });
        request
    }

    /// Draws the menu of view and layout.
    fn menu(&mut self, ui: &mut Ui, shared: &mut ChartContext<'_>, request: &mut Option<TileRequest>) {
        let span = shared.span();
        if ui.button("Fit").clicked() {
            *shared.view_x = None;
            self.view_y = ViewY::Bulk;
        }
        if ui.button("Show all points").clicked() {
            self.view_y = ViewY::Everything;
        }
        if ui.button("Zoom in").clicked() {
            *shared.view_x = Some(zoomed(span, 0.5, shared.cursor.unwrap_or(f64::midpoint(span.0, span.1))));
        }
        if ui.button("Zoom out").clicked() {
            *shared.view_x = Some(zoomed(span, 2.0, f64::midpoint(span.0, span.1)));
        }
        ui.separator();
        for (text, item) in [
            ("Move earlier", TileRequest::Earlier),
            ("Move later", TileRequest::Later),
            ("Maximise or restore plot", TileRequest::Maximise),
            ("Reset layout", TileRequest::Reset),
        ] {
            if ui.button(text).clicked() {
                *request = Some(item);
            }
        }
    }

    fn plot(&mut self, ui: &mut Ui, chart: CurveChart, shared: &mut ChartContext<'_>) {
        let p = Palette::of(ui);
        let size = ui.available_size();
        if size.x < 80.0 || size.y < 40.0 {
            return;
        }
        if shared.feed.is_empty() && shared.overlays.iter().all(|(_, _, feed)| feed.is_empty()) {
            let font = theme::caption().resolve(ui.style());
            ui.painter().text(ui.max_rect().center(), Align2::CENTER_CENTER, chart.empty(), font, p.text_weak);
            return;
        }
        let log = shared.log(chart);
        let span_x = shared.span();
        self.prepare(chart, shared, span_x, size.x as usize);
        let span_y = self.span_y(chart, log);
        let scale_x = match shared.axis {
            XAxis::Step => Scale::Linear,
            XAxis::Relative => Scale::Duration,
            XAxis::Wall => Scale::Clock,
        };
        let scale_y = match chart {
            CurveChart::Accuracy => Scale::Percent,
            _ if log => Scale::Log,
            _ => Scale::Linear,
        };
        let label_width = if shared.axis == XAxis::Step { 60.0 } else { 52.0 };
        let (max_ticks_x, max_ticks_y) =
            (((size.x - theme::AXIS) / label_width).max(1.0) as usize, (size.y / 30.0).max(2.0) as usize);
        let width = f64::from(size.x - theme::AXIS);
        let font = theme::caption().resolve(ui.style());
        let plot = Plot::new("curves")
            .custom_x_axes(vec![axis(ui, AxisHints::new_x(), scale_x, max_ticks_x).formatter(move |mark, range| {
                let (low, high) = (*range.start(), *range.end());
                let text = tick_label(scale_x, mark.value, low, high, max_ticks_x);
                // A label is left out where it would run over the edge of the tile.
                let space = (high - mark.value) / (high - low) * width + f64::from(theme::GAP_S);
                if text.len() as f64 * 3.2 > space { String::new() } else { text }
            })])
            .custom_y_axes(vec![axis(ui, AxisHints::new_y(), scale_y, max_ticks_y).min_thickness(theme::AXIS)])
            .x_grid_spacer(move |input| grid_marks(scale_x, input.bounds, max_ticks_x))
            .y_grid_spacer(move |input| grid_marks(scale_y, input.bounds, max_ticks_y))
            .grid_color(p.grid_line)
            .grid_fade(0.0)
            .show_x(false)
            .show_y(false)
            .show_crosshair(false)
            .show_background(true)
            .allow_scroll(false)
            .allow_axis_zoom_drag(false)
            .allow_double_click_reset(false)
            .set_margin_fraction(vec2(0.0, 0.0));
        let lines = &self.lines;
        let output = plot.show(ui, |ui| {
            ui.set_plot_bounds_x(span_x.0..=span_x.1);
            ui.set_plot_bounds_y(span_y.0..=span_y.1);
            draw_lines(ui, chart, lines, &p);
        });
        let response = output.response;
        response.widget_info(|| {
            WidgetInfo::labeled(Role::Image, true, format!("{} by {}", chart.title(), shared.axis.title()))
        });
        self.navigate(ui, &response, &output.transform, (span_x, span_y), shared);
        self.paint_overlay(ui, &response, &output.transform, chart, shared);
        self.outside_chip(ui, &output.transform, chart, shared);
        if self.lines.iter().all(|line| line.points.is_empty()) {
            let frame = *output.transform.frame();
            ui.painter().text(frame.center(), Align2::CENTER_CENTER, "No values here", font, p.text_weak);
        }
    }

    /// Applies what pointer and keys changed to the view and the cursor.
    fn navigate(
        &mut self,
        ui: &Ui,
        response: &Response,
        transform: &PlotTransform,
        before: ((f64, f64), (f64, f64)),
        shared: &mut ChartContext<'_>,
    ) {
        let bounds = transform.bounds();
        let ([x0, y0], [x1, y1]) = (bounds.min(), bounds.max());
        let moved = |now: (f64, f64), was: (f64, f64)| {
            let size = was.1 - was.0;
            (now.0 - was.0).abs() > size * 1e-6 || (now.1 - was.1).abs() > size * 1e-6
        };
        if moved((x0, x1), before.0) && x1 - x0 > 1e-6 {
            *shared.view_x = Some((x0, x1));
            ui.ctx().request_repaint();
        }
        if moved((y0, y1), before.1) && y1 > y0 {
            self.view_y = ViewY::Fixed(y0, y1);
            ui.ctx().request_repaint();
        }
        if response.double_clicked() {
            *shared.view_x = None;
            self.view_y = ViewY::Bulk;
        }
        if let Some(pointer) = response.hover_pos() {
            let x = transform.value_from_position(pointer).x;
            *shared.cursor = shared.feed.nearest(shared.axis, x).map(|row| shared.feed.x(shared.axis, row));
        }
        if response.clicked() {
            response.request_focus();
        }
        if response.has_focus() {
            self.keys(ui, response, before.0, shared);
        }
    }

    /// Handles the keys: arrows move the cursor, plus and minus zoom around it, Home fits the view.
    fn keys(&mut self, ui: &Ui, response: &Response, span: (f64, f64), shared: &mut ChartContext<'_>) {
        share_letters(ui.ctx(), response.id);
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, key));
        let far = |key| ui.input_mut(|i| i.consume_key(egui::Modifiers::SHIFT, key));
        let (feed, axis) = (shared.feed, shared.axis);
        let column = (span.1 - span.0) / f64::from(response.rect.width().max(1.0));
        let at = shared.cursor.unwrap_or(span.1);
        let mut columns = 0.0;
        for (key, sign) in [(Key::ArrowLeft, -1.0), (Key::ArrowRight, 1.0)] {
            if far(key) {
                columns += sign * 20.0;
            } else if pressed(key) {
                columns += sign;
            }
        }
        if columns != 0.0
            && let Some(row) = feed.nearest(axis, at)
        {
            // At least to the next row, where several rows share a pixel.
            let next = if columns < 0.0 { row.saturating_sub(1) } else { (row + 1).min(feed.len().saturating_sub(1)) };
            let (target, nearest) = (at + columns * column, feed.x(axis, next));
            let x = if columns < 0.0 { target.min(nearest) } else { target.max(nearest) };
            *shared.cursor = feed.nearest(axis, x).map(|row| feed.x(axis, row));
        }
        for (key, factor) in [(Key::Plus, 0.8), (Key::Equals, 0.8), (Key::Minus, 1.25)] {
            if pressed(key) {
                *shared.view_x = Some(zoomed(span, factor, at));
            }
        }
        if pressed(Key::Home) {
            *shared.view_x = None;
            self.view_y = ViewY::Bulk;
        }
    }

    /// Draws marks, cursor and the step of the displayed sample grid over the curves.
    fn paint_overlay(
        &self,
        ui: &Ui,
        response: &Response,
        transform: &PlotTransform,
        chart: CurveChart,
        shared: &ChartContext<'_>,
    ) {
        let p = Palette::of(ui);
        let frame = *transform.frame();
        let painter = ui.painter().with_clip_rect(frame.intersect(ui.clip_rect()));
        let (feed, axis) = (shared.feed, shared.axis);
        let screen_x = |x: f64| transform.position_from_point(&PlotPoint::new(x, 0.0)).x;
        let pointer = response.hover_pos();
        let mut near = Vec::new();
        let mut last = f32::NEG_INFINITY;
        for mark in feed.marks() {
            let row = feed.row_of_step(mark.step).min(feed.len().saturating_sub(1));
            let x = screen_x(feed.x(axis, row));
            if !frame.x_range().contains(x) {
                continue;
            }
            if pointer.is_some_and(|pos| (pos.x - x).abs() < 4.0) {
                near.push(mark);
            }
            if x - last >= 2.0 {
                painter.vline(x, frame.y_range(), Stroke::new(theme::HAIRLINE, p.text_weak.gamma_multiply(0.35)));
                let top = pos2(x, frame.top());
                painter.line_segment([top - vec2(3.5, 0.0), top + vec2(3.5, 0.0)], Stroke::new(4.0, p.text_weak));
                last = x;
            }
        }
        if let Some(x) = shared.grid.map(screen_x) {
            painter.vline(x, frame.y_range(), Stroke::new(theme::HAIRLINE, p.accent.gamma_multiply(0.7)));
        }
        if let Some(x) = *shared.cursor {
            painter.vline(screen_x(x), frame.y_range(), Stroke::new(theme::HAIRLINE, p.text));
            if let Some(row) = feed.nearest(axis, x) {
                for (metric, _) in chart.metrics().iter().filter(|(m, _)| !shared.is_hidden(*m)) {
                    let Some((_, smooth, _)) = feed.curve(*metric).and_then(|c| c.at(row)) else { continue };
                    let y = if shared.log(chart) { f64::from(smooth).log10() } else { f64::from(smooth) };
                    if !y.is_finite() {
                        continue;
                    }
                    let dot = transform.position_from_point(&PlotPoint::new(x, y));
                    painter.circle(dot, 3.0, p.series(*metric), Stroke::new(1.0, p.plot));
                }
            }
        }
        if response.has_focus() {
            painter.rect_stroke(frame, 2.0, Stroke::new(theme::HAIRLINE, p.accent), egui::StrokeKind::Inside);
        }
        // The table of values shows the GAN's steps only.
        let own = chart == CurveChart::Critic && !feed.is_empty();
        if pointer.is_some() && (!near.is_empty() || !shared.overlays.is_empty() || own) {
            let id = response.id.with("values");
            egui::Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, egui::PopupAnchor::Pointer).gap(12.0).show(
                |ui| {
                    for mark in &near {
                        ui.label(format!("Step {}: {}", ticks::grouped(mark.step as f64, 0), mark.text));
                    }
                    overlay_values(ui, chart, shared, own);
                },
            );
        }
    }

    /// Draws the number of values above or below the view; a click shows all of them.
    fn outside_chip(&mut self, ui: &mut Ui, transform: &PlotTransform, chart: CurveChart, shared: &ChartContext<'_>) {
        let ([x0, y0], [x1, y1]) = (transform.bounds().min(), transform.bounds().max());
        let count = self.count_outside(((x0, x1), (y0, y1)), chart, shared);
        if count == 0 {
            return;
        }
        let p = Palette::of(ui);
        let frame = *transform.frame();
        let points = if count == 1 { "point" } else { "points" };
        let mut text = format!("{} {points} outside the view", ticks::grouped(count as f64, 0));
        if frame.width() < 260.0 {
            text = format!("{} outside", ticks::grouped(count as f64, 0));
        }
        let area = Rect::from_min_max(pos2(frame.left(), frame.top() + 6.0), frame.right_bottom() - vec2(4.0, 4.0));
        let build = UiBuilder::new().max_rect(area).layout(Layout::right_to_left(Align::Min)).id_salt("outside");
        ui.scope_builder(build, |ui| {
            ui.spacing_mut().button_padding = vec2(theme::GAP_XS, 0.0);
            let text = RichText::new(text).text_style(theme::caption()).color(p.text_weak);
            let chip = egui::Button::new(text).fill(p.panel.gamma_multiply(0.85)).small();
            if ui.add(chip).on_hover_text("Values above or below the view. Click to show all points.").clicked() {
                self.view_y = ViewY::Everything;
            }
        });
    }
}

/// Draws the lines of a chart, and the equilibrium of D's accuracy.
fn draw_lines<'a>(ui: &mut PlotUi<'a>, chart: CurveChart, lines: &'a [ChartLine], p: &Palette) {
    if chart == CurveChart::Accuracy {
        let line = HLine::new("equilibrium", 0.5).color(p.text_weak.gamma_multiply(0.6)).width(theme::HAIRLINE);
        ui.hline(line.style(LineStyle::Dashed { length: 4.0 }).allow_hover(false));
    }
    for line in lines {
        ui.line(
            Line::new(line.name.as_str(), PlotPoints::Borrowed(&line.points))
                .color(line.colour(p))
                .width(line.width)
                .style(line.style)
                .allow_hover(false),
        );
    }
}

/// Draws the values at the cursor of overlaid runs, or of `own` curves that the table does not show.
fn overlay_values(ui: &mut Ui, chart: CurveChart, shared: &ChartContext<'_>, own: bool) {
    let (Some(x), true) = (*shared.cursor, own || !shared.overlays.is_empty()) else { return };
    let p = Palette::of(ui);
    if let Some(step) = shared.feed.nearest(shared.axis, x).and_then(|row| shared.feed.step(row)).filter(|_| own) {
        ui.label(format!("Critic step {}", ticks::grouped(step as f64, 0)));
    }
    egui::Grid::new("overlay-values").num_columns(4).spacing(vec2(theme::GAP_M, 2.0)).show(ui, |ui| {
        for heading in ["", "", "smoothed", "raw"] {
            ui.label(theme::weak_caption(&p, heading));
        }
        ui.end_row();
        let own = [("This run", None, shared.feed)];
        let runs = own.into_iter().chain(shared.overlays.iter().map(|(name, dash, feed)| (*name, Some(*dash), *feed)));
        for (name, dash, feed) in runs {
            let row = feed.nearest(shared.axis, x);
            for (metric, short) in chart.metrics().iter().filter(|(m, _)| !shared.is_hidden(*m)) {
                let values = row.and_then(|row| feed.curve(*metric)?.at(row));
                sample_cell(ui, dash, p.series(*metric));
                ui.label(RichText::new(format!("{name} · {short}")).color(p.text_strong));
                ui.label(ticks::figure(values.map(|v| v.1)));
                ui.label(RichText::new(ticks::figure(values.map(|v| v.2))).color(p.text_weak));
                ui.end_row();
            }
        }
    });
}

/// Draws a curve's name and colour; a click hides or shows the curve.
fn legend_entry(ui: &mut Ui, metric: Metric, name: &str, shared: &mut ChartContext<'_>) {
    let p = Palette::of(ui);
    let hidden = shared.is_hidden(metric);
    let font = theme::caption().resolve(ui.style());
    let colour = if hidden { p.text_weak.gamma_multiply(0.6) } else { p.text };
    let galley = ui.painter().layout_no_wrap(name.to_owned(), font, colour);
    let size = vec2(galley.size().x + 14.0, theme::TILE_HEAD - 2.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, !hidden, format!("Show {}", metric.title())));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, theme::RADIUS, p.control_hovered);
    }
    if response.clicked() {
        if hidden { shared.hidden.retain(|m| *m != metric) } else { shared.hidden.push(metric) }
    }
    let y = rect.center().y;
    let stroke = Stroke::new(2.0, if hidden { colour } else { p.series(metric) });
    ui.painter().hline(rect.left() + 1.0..=rect.left() + 9.0, y, stroke);
    ui.painter().galley(pos2(rect.left() + 12.0, y - galley.size().y / 2.0), galley, colour);
    response.on_hover_text(metric.title());
}

/// Returns `span` scaled by `factor` around `centre`.
fn zoomed(span: (f64, f64), factor: f64, centre: f64) -> (f64, f64) {
    (centre + (span.0 - centre) * factor, centre + (span.1 - centre) * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_its_centre_in_place() {
        assert_eq!(zoomed((0.0, 10.0), 0.5, 2.0), (1.0, 6.0));
        assert_eq!(zoomed((1.0, 6.0), 2.0, 2.0), (0.0, 10.0));
    }
}
