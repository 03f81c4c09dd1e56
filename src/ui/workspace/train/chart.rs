//! One tile of curves.

use egui::{
    Align, Align2, Color32, EventFilter, Key, Layout, Rect, Response, RichText, Sense, Shape, Stroke, Ui, UiBuilder,
    WidgetInfo, WidgetType, pos2, vec2,
};
use egui_plot::{AxisHints, GridMark, HLine, Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotTransform};
use serde::{Deserialize, Serialize};

use super::feed::Feed;
use crate::{
    engine::live::Metric,
    ui::{
        XAxis,
        theme::{self, Palette},
        widget::{
            series::{Extent, bulk, column_rows, decimate},
            ticks::{self, Scale, ticks},
        },
    },
};

/// The tiles there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chart {
    /// D's losses and G's.
    Loss,
    /// How often D is right, and how often G deceives it.
    Accuracy,
    /// Gradient norms.
    Gradients,
    /// How varied the samples are.
    Diversity,
    /// Images a second.
    Speed,
    /// Noise and dropout in force.
    Schedule,
}

impl Chart {
    /// All tiles, in their first order.
    pub const ALL: [Self; 6] =
        [Self::Loss, Self::Accuracy, Self::Gradients, Self::Diversity, Self::Speed, Self::Schedule];

    /// Heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Accuracy => "D accuracy",
            Self::Gradients => "Gradient norms",
            Self::Diversity => "Sample diversity",
            Self::Speed => "Speed",
            Self::Schedule => "Noise and dropout",
        }
    }

    /// What the tile shows, for its tooltip.
    pub fn help(self) -> &'static str {
        match self {
            Self::Loss => {
                "Cross-entropy of D on real and on generated crops, and the non-saturating loss of G, in nats. \
                 A D that can only guess loses 0.69 (ln 2) on each side."
            }
            Self::Accuracy => {
                "How often D is right about real and about generated crops, and how often G deceives it. \
                 At 50 % D can only guess: the equilibrium that training aims at."
            }
            Self::Gradients => "L2 norm of the gradient of G and of D.",
            Self::Diversity => {
                "Mean pairwise distance of the samples over that of real crops. At 1 they are as varied as life; \
                 near 0 G has collapsed."
            }
            Self::Speed => "Real crops that training consumes in a second.",
            Self::Schedule => "Noise on what D sees (standard deviation) and dropout in D, as they decay.",
        }
    }

    /// The curves, each with its short name.
    pub fn metrics(self) -> &'static [(Metric, &'static str)] {
        match self {
            Self::Loss => &[(Metric::DLossReal, "D real"), (Metric::DLossFake, "D fake"), (Metric::GLoss, "G")],
            Self::Accuracy => {
                &[(Metric::DAccuracyReal, "real"), (Metric::DAccuracyFake, "fake"), (Metric::GSuccess, "G success")]
            }
            Self::Gradients => &[(Metric::GradNormG, "G"), (Metric::GradNormD, "D")],
            Self::Diversity => &[(Metric::Diversity, "samples / real")],
            Self::Speed => &[(Metric::ImagesPerSecond, "images/s")],
            Self::Schedule => &[(Metric::Noise, "noise"), (Metric::Dropout, "dropout")],
        }
    }

    /// Whether a logarithmic axis is offered for it.
    fn can_be_log(self) -> bool {
        matches!(self, Self::Loss | Self::Gradients)
    }

    /// What its fitted view holds in any case.
    fn least_view(self) -> Extent {
        let max = match self {
            Self::Accuracy | Self::Diversity | Self::Speed => 1.0,
            Self::Schedule => 0.1,
            Self::Loss | Self::Gradients => return Extent::NOTHING,
        };
        Extent { min: 0.0, max, least_positive: max }
    }
}

/// What the tiles have in common.
pub struct Shared<'a> {
    /// The run in hand.
    pub feed: &'a Feed,
    /// Other runs: name, colour and curves.
    pub overlays: &'a [(&'a str, Color32, &'a Feed)],
    /// What the horizontal axis counts.
    pub axis: XAxis,
    /// Losses and gradients have a logarithmic axis.
    pub log: bool,
    /// The smoothed line differs from the raw one.
    pub smoothed: bool,
    /// The horizontal view; `None` fits the whole run.
    pub view_x: &'a mut Option<(f64, f64)>,
    /// Curves that were switched off.
    pub hidden: &'a mut Vec<Metric>,
    /// The cursor's place on the horizontal axis; a tile under the pointer sets it.
    pub cursor: &'a mut Option<f64>,
    /// The place of the sample grid on show.
    pub grid: Option<f64>,
}

impl Shared<'_> {
    fn log(&self, chart: Chart) -> bool {
        self.log && chart.can_be_log()
    }

    /// The horizontal view in force.
    fn span(&self) -> (f64, f64) {
        let fitted = || {
            let feeds = self.overlays.iter().map(|o| o.2).chain([self.feed]);
            let spans = feeds.filter_map(|f| f.span(self.axis));
            spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 1.0))
        };
        let (low, high) = self.view_x.unwrap_or_else(fitted);
        if high - low > 1e-9 { (low, high) } else { (low - 0.5, low + 0.5) }
    }

    fn is_hidden(&self, metric: Metric) -> bool {
        self.hidden.contains(&metric)
    }
}

/// What the user asked of a tile beyond its curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileWish {
    /// It is being dragged to another place.
    Drag,
    /// One place towards the first tile.
    Earlier,
    /// One place towards the last tile.
    Later,
    /// This tile only, or all of them again.
    Alone,
    /// Every tile back in its first place.
    Arrange,
}

/// The vertical view of a tile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum ViewY {
    /// Fits the smoothed curves and the bulk of the raw ones.
    #[default]
    Bulk,
    /// Fits every value.
    Everything,
    /// As the user has set it, in the axis's own numbers.
    Fixed(f64, f64),
}

/// What the lines of a tile were made for; they are made anew when it changes.
#[derive(Clone, Debug, Default, PartialEq)]
struct LinesKey {
    versions: Vec<(u64, usize)>,
    axis: XAxis,
    log: bool,
    smoothed: bool,
    hidden: Vec<Metric>,
    view: [u64; 2],
    columns: usize,
}

/// One line, ready to draw.
#[derive(Debug)]
struct Drawn {
    name: String,
    colour: fn(&Palette, Metric) -> Color32,
    metric: Metric,
    /// The colour of another run, in place of the metric's own.
    run: Option<Color32>,
    width: f32,
    style: LineStyle,
    points: Vec<PlotPoint>,
}

/// One tile's own state.
#[derive(Debug)]
pub struct ChartState {
    view_y: ViewY,
    key: LinesKey,
    lines: Vec<Drawn>,
    /// Extent of the smoothed lines and the bulk of the raw ones, and of everything.
    reach: (Extent, Extent),
    /// The vertical view that the points outside were counted for, and how many they are.
    outside: ([u64; 2], usize),
}

impl Default for ChartState {
    fn default() -> Self {
        Self {
            view_y: ViewY::Bulk,
            key: LinesKey::default(),
            lines: Vec::new(),
            reach: (Extent::NOTHING, Extent::NOTHING),
            outside: ([0; 2], 0),
        }
    }
}

impl ChartState {
    /// Fits the vertical view to the curves.
    pub fn fit(&mut self) {
        self.view_y = ViewY::Bulk;
    }

    /// Draws the tile over all that is left of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, chart: Chart, shared: &mut Shared<'_>) -> Option<TileWish> {
        let p = Palette::of(ui);
        let rect = ui.max_rect();
        ui.painter().rect_filled(rect, theme::RADIUS, p.panel);
        let inner = rect.shrink2(vec2(theme::GAP_XS, 2.0));
        let (head, body) = inner.split_top_bottom_at_y(inner.top() + theme::TILE_HEAD);
        let wish = self.head(ui, head, chart, shared);
        let build = UiBuilder::new().max_rect(body).id_salt("plot");
        ui.scope_builder(build, |ui| self.plot(ui, chart, shared));
        wish
    }

    /// Title, legend and menu.
    fn head(&mut self, ui: &mut Ui, rect: Rect, chart: Chart, shared: &mut Shared<'_>) -> Option<TileWish> {
        let p = Palette::of(ui);
        let mut wish = None;
        // Below the legend's buttons, so that they take their clicks first.
        let handle = ui.interact(rect, ui.id().with("handle"), Sense::DRAG);
        let handle = handle.on_hover_cursor(egui::CursorIcon::Grab);
        if handle.drag_started() {
            wish = Some(TileWish::Drag);
        }
        let build = UiBuilder::new().max_rect(rect).layout(Layout::right_to_left(Align::Center));
        ui.scope_builder(build, |ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP_XS;
            ui.spacing_mut().button_padding = vec2(2.0, 0.0);
            let icon = egui_material_icons::icons::ICON_MORE_VERT.rich_text().color(p.text_weak);
            let menu = ui.menu_button(icon, |ui| self.menu(ui, shared, &mut wish));
            menu.response.accessible_name(format!("{}: view and place", chart.title()));
            for (metric, name) in chart.metrics().iter().rev() {
                legend_entry(ui, *metric, name, chart.metrics().len() > 1, shared);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = RichText::new(chart.title()).color(p.text_strong);
                ui.add(egui::Label::new(title).truncate().sense(Sense::hover())).on_hover_text(chart.help());
            });
        });
        wish
    }

    fn menu(&mut self, ui: &mut Ui, shared: &mut Shared<'_>, wish: &mut Option<TileWish>) {
        let span = shared.span();
        if ui.button("Fit").clicked() {
            *shared.view_x = None;
            self.view_y = ViewY::Bulk;
        }
        if ui.button("Show every point").clicked() {
            self.view_y = ViewY::Everything;
        }
        if ui.button("Zoom in").clicked() {
            *shared.view_x = Some(zoomed(span, 0.5, shared.cursor.unwrap_or(f64::midpoint(span.0, span.1))));
        }
        if ui.button("Zoom out").clicked() {
            *shared.view_x = Some(zoomed(span, 2.0, f64::midpoint(span.0, span.1)));
        }
        ui.separator();
        for (text, asked) in [
            ("Move earlier", TileWish::Earlier),
            ("Move later", TileWish::Later),
            ("This plot only, or all", TileWish::Alone),
            ("Arrange anew", TileWish::Arrange),
        ] {
            if ui.button(text).clicked() {
                *wish = Some(asked);
            }
        }
    }

    fn plot(&mut self, ui: &mut Ui, chart: Chart, shared: &mut Shared<'_>) {
        let p = Palette::of(ui);
        let size = ui.available_size();
        if size.x < 80.0 || size.y < 40.0 {
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
            Chart::Accuracy => Scale::Percent,
            _ if log => Scale::Log,
            _ => Scale::Linear,
        };
        let (most_x, most_y) = ((size.x / 72.0).max(1.0) as usize, (size.y / 30.0).max(2.0) as usize);
        let font = theme::caption().resolve(ui.style());
        let axis = |hints: AxisHints<'static>, scale: Scale, most: usize| {
            hints
                .tick_label_font(font.clone())
                .tick_label_color(p.text_weak)
                .label_spacing(egui::Rangef::new(1.0, 2.0))
                .formatter(move |mark, range| label(scale, mark.value, *range.start(), *range.end(), most))
        };
        let plot = Plot::new("curves")
            .custom_x_axes(vec![axis(AxisHints::new_x(), scale_x, most_x)])
            .custom_y_axes(vec![axis(AxisHints::new_y(), scale_y, most_y).min_thickness(theme::AXIS)])
            .x_grid_spacer(move |input| grid(scale_x, input.bounds, most_x))
            .y_grid_spacer(move |input| grid(scale_y, input.bounds, most_y))
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
        let shown = plot.show(ui, |ui| {
            ui.set_plot_bounds_x(span_x.0..=span_x.1);
            ui.set_plot_bounds_y(span_y.0..=span_y.1);
            if chart == Chart::Accuracy {
                let line = HLine::new("equilibrium", 0.5).color(p.text_weak.gamma_multiply(0.6)).width(theme::HAIRLINE);
                ui.hline(line.style(LineStyle::Dashed { length: 4.0 }).allow_hover(false));
            }
            for line in lines {
                let colour = line.run.unwrap_or_else(|| (line.colour)(&p, line.metric));
                ui.line(
                    Line::new(line.name.as_str(), PlotPoints::Borrowed(&line.points))
                        .color(colour)
                        .width(line.width)
                        .style(line.style)
                        .allow_hover(false),
                );
            }
        });
        let response = shown.response;
        response.widget_info(|| {
            WidgetInfo::labeled(WidgetType::Image, true, format!("{} by {}", chart.title(), shared.axis.title()))
        });
        self.look_around(ui, &response, &shown.transform, (span_x, span_y), shared);
        self.paint_over(ui, &response, &shown.transform, chart, shared);
        self.outside_chip(ui, &shown.transform, chart, shared);
        if self.lines.iter().all(|line| line.points.is_empty()) {
            let frame = *shown.transform.frame();
            let text = if shared.feed.is_empty() { "No step yet" } else { "Nothing reported here" };
            ui.painter().text(frame.center(), Align2::CENTER_CENTER, text, font, p.text_weak);
        }
    }

    /// Makes the lines anew when data, view or settings have changed.
    fn prepare(&mut self, chart: Chart, shared: &Shared<'_>, span: (f64, f64), columns: usize) {
        let log = shared.log(chart);
        let key = LinesKey {
            versions: shared
                .overlays
                .iter()
                .map(|o| o.2)
                .chain([shared.feed])
                .map(|f| (f.version(), std::ptr::from_ref(f) as usize))
                .collect(),
            axis: shared.axis,
            log,
            smoothed: shared.smoothed,
            hidden: shared.hidden.clone(),
            view: [span.0.to_bits(), span.1.to_bits()],
            columns,
        };
        if key == self.key {
            return;
        }
        if key.log != self.key.log && matches!(self.view_y, ViewY::Fixed(..)) {
            self.view_y = ViewY::Bulk;
        }
        self.key = key;
        self.outside.0 = [0; 2];
        self.lines.clear();
        self.reach = (Extent::NOTHING, Extent::NOTHING);
        let y = |v: f32| if log { (v > 0.0).then(|| f64::from(v).log10()) } else { Some(f64::from(v)) };
        let metrics: Vec<_> = chart.metrics().iter().filter(|(m, _)| !shared.is_hidden(*m)).collect();
        for (name, run, feed) in shared.overlays.iter().map(|(n, c, f)| (*n, Some(*c), *f)).chain([("", None, shared.feed)]) {
            let x = |row: usize| feed.x(shared.axis, row);
            let rows = feed.rows(shared.axis, span);
            let bounds = column_rows(rows, x, span, columns);
            let (first, last) = (bounds.first().copied().unwrap_or(0), bounds.last().copied().unwrap_or(0));
            let to_points = |points: Vec<[f64; 2]>| points.into_iter().map(PlotPoint::from).collect();
            let mut raw = Vec::new();
            let mut smooth = Vec::new();
            for (i, (metric, short)) in metrics.iter().enumerate() {
                let Some(curve) = feed.curve(*metric) else { continue };
                let indices = curve.indices(&(first..last));
                if run.is_none() && shared.smoothed {
                    raw.push(Drawn {
                        name: format!("{short}, raw"),
                        colour: |p, m| p.faint(p.series(m)),
                        metric: *metric,
                        run,
                        width: theme::CURVE_FAINT,
                        style: LineStyle::Solid,
                        points: to_points(decimate(curve, curve.raw(), &bounds, x, y)),
                    });
                }
                smooth.push(Drawn {
                    name: if name.is_empty() { (*short).to_owned() } else { format!("{name}: {short}") },
                    colour: |p, m| p.series(m),
                    metric: *metric,
                    run,
                    width: if run.is_some() { theme::CURVE_FAINT } else { theme::CURVE },
                    style: overlay_style(run.is_some(), i),
                    points: to_points(decimate(curve, curve.smooth(), &bounds, x, y)),
                });
                let whole = curve.raw().extent(indices.clone());
                self.reach.1.merge(whole);
                if shared.smoothed {
                    self.reach.0.merge(curve.smooth().extent(indices.clone()));
                }
                if let Some((min, max)) = curve.raw().values().get(indices).and_then(|v| bulk(v, 0.01)) {
                    let least_positive = if min > 0.0 { min } else { whole.least_positive };
                    self.reach.0.merge(Extent { min, max, least_positive });
                }
            }
            self.lines.append(&mut raw);
            self.lines.append(&mut smooth);
        }
    }

    /// The vertical view in force, in the axis's own numbers.
    fn span_y(&self, chart: Chart, log: bool) -> (f64, f64) {
        let mut extent = match self.view_y {
            ViewY::Fixed(low, high) => return (low, high),
            ViewY::Bulk => self.reach.0,
            ViewY::Everything => self.reach.1,
        };
        extent.merge(chart.least_view());
        let (low, high) = if log {
            (f64::from(extent.least_positive).log10(), f64::from(extent.max).log10())
        } else {
            (f64::from(extent.min), f64::from(extent.max))
        };
        if !(low.is_finite() && high.is_finite() && low <= high) {
            return if log { (-1.0, 1.0) } else { (0.0, 1.0) };
        }
        let (low, high) = if high - low < 1e-9 {
            let half = if log { 0.5 } else { (high.abs() * 0.1).max(1e-6) };
            (low - half, high + half)
        } else {
            ticks::rounded(low, high)
        };
        let margin = (high - low) * 0.03;
        (low - margin, high + margin)
    }

    /// Takes over what the pointer or the keys did to the view and the cursor.
    fn look_around(
        &mut self,
        ui: &Ui,
        response: &Response,
        transform: &PlotTransform,
        before: ((f64, f64), (f64, f64)),
        shared: &mut Shared<'_>,
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

    /// Arrows move the cursor, plus and minus zoom about it, Home fits.
    fn keys(&mut self, ui: &Ui, response: &Response, span: (f64, f64), shared: &mut Shared<'_>) {
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, key));
        let far = |key| ui.input_mut(|i| i.consume_key(egui::Modifiers::SHIFT, key));
        let (feed, axis) = (shared.feed, shared.axis);
        let column = (span.1 - span.0) / f64::from(response.rect.width().max(1.0));
        let at = shared.cursor.unwrap_or(span.1);
        let mut go = 0.0;
        for (key, sign) in [(Key::ArrowLeft, -1.0), (Key::ArrowRight, 1.0)] {
            if far(key) {
                go += sign * 20.0;
            } else if pressed(key) {
                go += sign;
            }
        }
        if go != 0.0
            && let Some(row) = feed.nearest(axis, at)
        {
            // To the next row at least, however dense the columns are.
            let next = if go < 0.0 { row.saturating_sub(1) } else { (row + 1).min(feed.len().saturating_sub(1)) };
            let (wanted, least) = (at + go * column, feed.x(axis, next));
            let x = if go < 0.0 { wanted.min(least) } else { wanted.max(least) };
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

    /// Marks, cursor and the place of the sample grid on show, over the curves.
    fn paint_over(&self, ui: &Ui, response: &Response, transform: &PlotTransform, chart: Chart, shared: &Shared<'_>) {
        let p = Palette::of(ui);
        let frame = *transform.frame();
        let painter = ui.painter().with_clip_rect(frame.intersect(ui.clip_rect()));
        let (feed, axis) = (shared.feed, shared.axis);
        let place = |x: f64| transform.position_from_point(&PlotPoint::new(x, 0.0)).x;
        let pointer = response.hover_pos();
        let mut near = Vec::new();
        let mut last = f32::NEG_INFINITY;
        for mark in feed.marks() {
            let row = feed.row_of_step(mark.step).min(feed.len().saturating_sub(1));
            let x = place(feed.x(axis, row));
            if !frame.x_range().contains(x) {
                continue;
            }
            if pointer.is_some_and(|pos| (pos.x - x).abs() < 4.0) {
                near.push(mark);
            }
            if x - last >= 2.0 {
                painter.vline(x, frame.y_range(), Stroke::new(theme::HAIRLINE, p.text_weak.gamma_multiply(0.35)));
                let top = pos2(x, frame.top());
                let flag = vec![top + vec2(-3.5, 0.0), top + vec2(3.5, 0.0), top + vec2(0.0, 5.0)];
                painter.add(Shape::convex_polygon(flag, p.text_weak, Stroke::NONE));
                last = x;
            }
        }
        if let Some(x) = shared.grid.map(place) {
            painter.vline(x, frame.y_range(), Stroke::new(theme::HAIRLINE, p.accent.gamma_multiply(0.7)));
        }
        if let Some(x) = *shared.cursor {
            painter.vline(place(x), frame.y_range(), Stroke::new(theme::HAIRLINE, p.text));
            if let Some(row) = feed.nearest(axis, x) {
                for (metric, _) in chart.metrics().iter().filter(|(m, _)| !shared.is_hidden(*m)) {
                    let Some((_, smooth, _)) = feed.curve(*metric).and_then(|c| c.at(row)) else { continue };
                    let y = if shared.log(chart) { f64::from(smooth).log10() } else { f64::from(smooth) };
                    let dot = transform.position_from_point(&PlotPoint::new(x, y));
                    painter.circle(dot, 3.0, p.series(*metric), Stroke::new(1.0, p.plot));
                }
            }
        }
        if response.has_focus() {
            painter.rect_stroke(frame, 2.0, Stroke::new(theme::HAIRLINE, p.accent), egui::StrokeKind::Inside);
        }
        if pointer.is_some() && (!near.is_empty() || !shared.overlays.is_empty()) {
            let id = response.id.with("values");
            egui::Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, egui::PopupAnchor::Pointer).gap(12.0).show(|ui| {
                for mark in &near {
                    ui.label(format!("Step {}: {}", ticks::grouped(mark.step as f64, 0), mark.text));
                }
                overlay_values(ui, chart, shared);
            });
        }
    }

    /// Says how many values lie above or below the view, and shows them all on a click.
    fn outside_chip(&mut self, ui: &mut Ui, transform: &PlotTransform, chart: Chart, shared: &Shared<'_>) {
        let bounds = transform.bounds();
        let view = [bounds.min()[1].to_bits(), bounds.max()[1].to_bits()];
        if self.outside.0 != view {
            let value = |y: f64| (if shared.log(chart) { 10_f64.powf(y) } else { y }) as f32;
            let (low, high) = (value(bounds.min()[1]), value(bounds.max()[1]));
            let rows = shared.feed.rows(shared.axis, (bounds.min()[0], bounds.max()[0]));
            let shown = chart.metrics().iter().filter(|(m, _)| !shared.is_hidden(*m));
            let curves = shown.filter_map(|(m, _)| shared.feed.curve(*m));
            let outside = curves.map(|c| c.raw().count_outside(c.indices(&rows), low, high)).sum();
            self.outside = (view, outside);
        }
        let count = self.outside.1;
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
            if ui.add(chip).on_hover_text("Values above or below the view. Click to show every point.").clicked() {
                self.view_y = ViewY::Everything;
            }
        });
    }
}

/// The values of the other runs at the cursor.
fn overlay_values(ui: &mut Ui, chart: Chart, shared: &Shared<'_>) {
    let (Some(x), false) = (*shared.cursor, shared.overlays.is_empty()) else { return };
    let p = Palette::of(ui);
    egui::Grid::new("overlay-values").num_columns(3).spacing(vec2(theme::GAP_M, 2.0)).show(ui, |ui| {
        for heading in ["", "smoothed", "raw"] {
            ui.label(theme::weak_caption(&p, heading));
        }
        ui.end_row();
        let own = [("This run", None, shared.feed)];
        let runs = own.into_iter().chain(shared.overlays.iter().map(|(n, c, f)| (*n, Some(*c), *f)));
        for (name, colour, feed) in runs {
            let row = feed.nearest(shared.axis, x);
            for (metric, short) in chart.metrics().iter().filter(|(m, _)| !shared.is_hidden(*m)) {
                let values = row.and_then(|row| feed.curve(*metric)?.at(row));
                let colour = colour.unwrap_or_else(|| p.series(*metric));
                ui.label(RichText::new(format!("{name} · {short}")).color(colour));
                ui.label(ticks::figure(values.map(|v| v.1)));
                ui.label(RichText::new(ticks::figure(values.map(|v| v.2))).color(p.text_weak));
                ui.end_row();
            }
        }
    });
}

/// Another run's lines are told apart by their dashes, since their colour tells the run.
fn overlay_style(overlay: bool, i: usize) -> LineStyle {
    match (overlay, i) {
        (false, _) => LineStyle::Solid,
        (true, 0) => LineStyle::Dashed { length: 8.0 },
        (true, 1) => LineStyle::Dashed { length: 4.0 },
        (true, _) => LineStyle::Dotted { spacing: 4.0 },
    }
}

/// A curve's name and line; a click takes the curve away or brings it back.
fn legend_entry(ui: &mut Ui, metric: Metric, name: &str, can_hide: bool, shared: &mut Shared<'_>) {
    let p = Palette::of(ui);
    let hidden = shared.is_hidden(metric);
    let font = theme::caption().resolve(ui.style());
    let colour = if hidden { p.text_weak.gamma_multiply(0.6) } else { p.text };
    let galley = ui.painter().layout_no_wrap(name.to_owned(), font, colour);
    let size = vec2(galley.size().x + 18.0, theme::TILE_HEAD - 2.0);
    let sense = if can_hide { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(size, sense);
    if can_hide {
        response.widget_info(|| {
            WidgetInfo::selected(WidgetType::Checkbox, true, !hidden, format!("Show {}", metric.title()))
        });
        if response.hovered() || response.has_focus() {
            ui.painter().rect_filled(rect, theme::RADIUS, p.control_hovered);
        }
        if response.clicked() {
            if hidden { shared.hidden.retain(|m| *m != metric) } else { shared.hidden.push(metric) }
        }
    }
    let y = rect.center().y;
    let stroke = Stroke::new(2.0, if hidden { colour } else { p.series(metric) });
    ui.painter().hline(rect.left() + 2.0..=rect.left() + 12.0, y, stroke);
    ui.painter().galley(pos2(rect.left() + 15.0, y - galley.size().y / 2.0), galley, colour);
    response.on_hover_text(metric.title());
}

/// `span` with its size times `factor`, about `centre`.
fn zoomed(span: (f64, f64), factor: f64, centre: f64) -> (f64, f64) {
    (centre + (span.0 - centre) * factor, centre + (span.1 - centre) * factor)
}

/// The lines of a plot's grid at the axis's ticks, all of one strength.
fn grid(scale: Scale, (low, high): (f64, f64), most: usize) -> Vec<GridMark> {
    let ticks = ticks(scale, low, high, most);
    ticks.into_iter().map(|t| GridMark { value: t.place, step_size: high - low }).collect()
}

/// The label of the tick at `value`.
fn label(scale: Scale, value: f64, low: f64, high: f64, most: usize) -> String {
    let ticks = ticks(scale, low, high, most);
    ticks.into_iter().find(|t| (t.place - value).abs() <= (high - low) * 1e-9).map(|t| t.label).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_but_the_step_time_has_its_place() {
        for metric in Metric::ALL {
            let places = Chart::ALL.iter().filter(|c| c.metrics().iter().any(|(m, _)| *m == metric)).count();
            assert_eq!(places, usize::from(metric != Metric::MsPerStep), "{metric:?}");
        }
    }

    #[test]
    fn zooming_keeps_its_centre_in_place() {
        assert_eq!(zoomed((0.0, 10.0), 0.5, 2.0), (1.0, 6.0));
        assert_eq!(zoomed((1.0, 6.0), 2.0, 2.0), (0.0, 10.0));
    }

    #[test]
    fn an_outlier_does_not_flatten_the_curve_but_can_be_shown() {
        let mut history = crate::engine::live::History::default();
        for step in 0..1000 {
            let mut row = [f32::NAN; Metric::ALL.len()];
            row[Metric::GLoss as usize] = if step == 500 { 1e6 } else { 1.0 + (step % 7) as f32 * 0.1 };
            history.push(step, step as f64, &row);
        }
        let mut feed = Feed::new(0.0);
        feed.take(&history);
        let (mut view_x, mut hidden, mut cursor) = (None, Vec::new(), None);
        let shared = Shared {
            feed: &feed,
            overlays: &[],
            axis: XAxis::Step,
            log: false,
            smoothed: false,
            view_x: &mut view_x,
            hidden: &mut hidden,
            cursor: &mut cursor,
            grid: None,
        };
        let mut state = ChartState::default();
        state.prepare(Chart::Loss, &shared, shared.span(), 300);
        let (low, high) = state.span_y(Chart::Loss, false);
        assert!(low < 1.0 && high > 1.6 && high < 3.0, "{low} to {high}");
        state.view_y = ViewY::Everything;
        assert!(state.span_y(Chart::Loss, false).1 > 1e6);
    }
}
