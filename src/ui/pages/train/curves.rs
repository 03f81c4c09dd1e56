//! The left pane: tiles of charts over one horizontal axis, and the values at the cursor.

use std::{path::PathBuf, sync::Arc};

use egui::{Align2, Color32, Id, RichText, Role, ScrollArea, Sense, Slider, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_tiles::{Behavior, SimplificationOptions, TileId, Tiles, Tree, UiResponse};
use serde::{Deserialize, Serialize};

use super::{
    chart::{ChartContext, ChartState, CurveChart},
    feed::Feed,
    overlaid,
    overlaid::{LegendRun, difference, free_dash},
    tile::TileRequest,
};
use crate::{
    train::{History, Metric, Recipe},
    ui::{
        Frame, UiCommand, ViewSettings, XAxis, theme,
        theme::Palette,
        widgets::{drop_down::DropDown, flush_right, icon_button, icon_toggle, ticks, toggle},
    },
};

/// The persisted layout of the curves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CurvesLayout {
    tiles: Tree<CurveChart>,
    hidden: Vec<Metric>,
    values: bool,
}

impl Default for CurvesLayout {
    fn default() -> Self {
        Self { tiles: default_tiles(), hidden: Vec::new(), values: true }
    }
}

impl CurvesLayout {
    /// Returns the layout if it contains every chart exactly once, and the default arrangement otherwise.
    pub(crate) fn checked(self) -> Self {
        let mut found: Vec<CurveChart> = self
            .tiles
            .tiles
            .iter()
            .filter_map(|(_, tile)| match tile {
                egui_tiles::Tile::Pane(chart) => Some(*chart),
                egui_tiles::Tile::Container(_) => None,
            })
            .collect();
        found.sort_by_key(|c| *c as usize);
        if found == CurveChart::ALL && self.tiles.root().is_some() {
            self
        } else {
            Self { tiles: default_tiles(), ..self }
        }
    }
}

/// Returns all tiles in their default arrangement.
fn default_tiles() -> Tree<CurveChart> {
    Tree::new_grid(Id::unique("train-curves"), CurveChart::ALL.to_vec())
}

/// The curves of an overlaid run.
struct OverlayFeeds {
    run: PathBuf,
    name: String,
    /// Its dash pattern.
    dash: usize,
    /// How it differs from the current run.
    about: String,
    source: Arc<History>,
    feed: Feed,
    critic: Feed,
}

/// The curves pane.
pub(crate) struct Curves {
    layout: CurvesLayout,
    feed: Feed,
    /// The critic's curves, which have their own steps.
    critic: Feed,
    others: Vec<OverlayFeeds>,
    /// The recipe and data of the current run that they were compared with.
    compared: Option<(Option<*const Recipe>, String)>,
    charts: [ChartState; CurveChart::ALL.len()],
    axis: XAxis,
    view_x: Option<(f64, f64)>,
    cursor: Option<f64>,
    critic_view_x: Option<(f64, f64)>,
    critic_cursor: Option<f64>,
    /// Fit all curves on the next frame.
    fit: bool,
}

impl Curves {
    /// Creates the pane with this layout.
    pub(crate) fn new(layout: CurvesLayout) -> Self {
        Self {
            layout: layout.checked(),
            feed: Feed::new(0.0),
            critic: Feed::new(0.0),
            others: Vec::new(),
            compared: None,
            charts: Default::default(),
            axis: XAxis::default(),
            view_x: None,
            cursor: None,
            critic_view_x: None,
            critic_cursor: None,
            fit: false,
        }
    }

    /// Returns the layout to persist.
    pub(crate) fn layout(&self) -> &CurvesLayout {
        &self.layout
    }

    /// Fits the view to all curves.
    pub(crate) fn fit(&mut self) {
        self.fit = true;
    }

    /// Adds new rows and draws the pane. `grid` is the step of the displayed sample grid.
    pub(crate) fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>, grid: Option<u64>) {
        self.update(frame);
        self.toolbar(ui, frame);
        self.legend(ui, frame);
        let p = Palette::of(ui);
        let values = self.layout.values;
        // A low window keeps the curves and reduces the table to its first line.
        let full = readout_height(ui.available_width());
        let tall = full <= 0.35 * ui.available_height();
        let height = match (values, tall) {
            (false, _) => 0.0,
            (true, true) => full,
            (true, false) => theme::ROW_TIGHT + 2.0 * theme::GAP_XS,
        };
        let tiles_height = (ui.available_height() - height - theme::GAP_XS).max(theme::TILE_LEAST / 2.0);
        let mut cursor = self.cursor;
        let area = vec2(ui.available_width(), tiles_height);
        ui.allocate_ui(area, |ui| self.tiles(ui, frame, grid, &mut cursor));
        self.cursor = cursor;
        if values {
            self.readout(ui, &p, height, tall);
        }
    }

    /// Updates the curves from the current run and the overlaid ones.
    fn update(&mut self, frame: &Frame<'_>) {
        let view = &frame.settings.view;
        self.feed.set_weight(view.smoothing);
        self.feed.follow(&frame.engine.training.history);
        self.critic.set_weight(view.smoothing);
        self.critic.follow(&frame.engine.training.critic.history);
        self.others.retain(|o| {
            frame.overlays.iter().any(|overlay| overlay.run == o.run && Arc::ptr_eq(&overlay.history, &o.source))
        });
        for overlay in frame.overlays {
            if !self.others.iter().any(|o| o.run == overlay.run) {
                let mut feed = Feed::new(view.smoothing);
                feed.take(&overlay.history);
                let mut critic = Feed::new(view.smoothing);
                critic.take(&overlay.critic);
                let source = Arc::clone(&overlay.history);
                self.others.push(OverlayFeeds {
                    run: overlay.run.clone(),
                    name: overlay.name.clone(),
                    dash: free_dash(self.others.iter().map(|o| o.dash)),
                    about: String::new(),
                    source,
                    feed,
                    critic,
                });
            }
        }
        for other in &mut self.others {
            other.feed.set_weight(view.smoothing);
            other.critic.set_weight(view.smoothing);
            if let Some(overlay) = frame.overlays.iter().find(|o| o.run == other.run) {
                other.name.clone_from(&overlay.name);
                let own = (frame.status.recipe.as_deref(), frame.status.source.as_str());
                let key = (frame.status.recipe.as_ref().map(Arc::as_ptr), frame.status.source.clone());
                if self.compared.as_ref() != Some(&key) || other.about.is_empty() {
                    other.about = difference(own, (overlay.recipe.as_deref(), &overlay.source));
                }
            }
        }
        self.compared = Some((frame.status.recipe.as_ref().map(Arc::as_ptr), frame.status.source.clone()));
        if view.x_axis != self.axis {
            self.axis = view.x_axis;
            (self.view_x, self.critic_view_x) = (None, None);
            (self.cursor, self.critic_cursor) = (None, None);
        }
        if std::mem::take(&mut self.fit) {
            (self.view_x, self.critic_view_x) = (None, None);
            self.charts.iter_mut().for_each(ChartState::fit);
        }
    }

    fn toolbar(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            let help = "Weight of past values in the smoothed curves (debiased exponential moving average over steps). \
                        The raw curves are drawn faintly behind.";
            // In a narrow pane only the tooltip has the name.
            let roomy = ui.available_width() >= theme::CURVES_LEAST + theme::ROW;
            if roomy {
                ui.label("Smoothing").on_hover_text(help);
            }
            let mut smoothing = frame.settings.view.smoothing;
            ui.spacing_mut().slider_width = (ui.available_width() - 280.0).clamp(40.0, 120.0);
            let slider = Slider::new(&mut smoothing, 0.0..=0.99).step_by(0.01).fixed_decimals(2);
            if ui.name_inputs("Smoothing", |ui| ui.add(slider)).on_hover_text(help).changed() {
                frame.view(|v| v.smoothing = smoothing);
            }
            let log = frame.settings.view.log_y;
            if toggle(ui, "Log", &UiCommand::LogY.tooltip(ui.ctx()), log).clicked() {
                frame.view(|v| v.log_y = !log);
            }
            let mut axis = frame.settings.view.x_axis;
            let choice = DropDown { name: "Horizontal axis", help: "Unit of the horizontal axis", width: 56.0 };
            choice.with_label(ui, if roomy { "X axis" } else { "X" }, short(axis), |ui| {
                for option in XAxis::ALL {
                    let title = if option == XAxis::Wall { "Wall clock (UTC)" } else { option.title() };
                    ui.selectable_value(&mut axis, option, title);
                }
            });
            if axis != frame.settings.view.x_axis {
                frame.view(|v| v.x_axis = axis);
            }
            flush_right(ui, |ui| {
                ui.spacing_mut().item_spacing.x = theme::GAP_XS;
                let icons = (egui_material_icons::icons::ICON_TABLE_ROWS, egui_material_icons::icons::ICON_FIT_SCREEN);
                if icon_toggle(ui, icons.0, "Values at the cursor", true, self.layout.values).clicked() {
                    self.layout.values = !self.layout.values;
                }
                if icon_button(ui, icons.1, &UiCommand::FitCurves.tooltip(ui.ctx()), true).clicked() {
                    frame.command(UiCommand::FitCurves);
                }
            });
        });
    }

    /// Draws the legend of the overlaid runs.
    fn legend(&self, ui: &mut Ui, frame: &Frame<'_>) {
        if self.others.is_empty() {
            return;
        }
        let own = if frame.status.name.is_empty() { "This run" } else { &frame.status.name };
        let own = LegendRun { name: own, dash: None, about: "The current run.".to_owned() };
        let others =
            self.others.iter().map(|o| LegendRun { name: &o.name, dash: Some(o.dash), about: o.about.clone() });
        overlaid::legend(ui, &[own].into_iter().chain(others).collect::<Vec<_>>());
    }

    fn tiles(&mut self, ui: &mut Ui, frame: &Frame<'_>, grid: Option<u64>, cursor: &mut Option<f64>) {
        let others = |feed: fn(&OverlayFeeds) -> &Feed| -> Vec<(&str, usize, &Feed)> {
            self.others.iter().map(|o| (o.name.as_str(), o.dash, feed(o))).collect()
        };
        let (overlays, critic_overlays) = (others(|o| &o.feed), others(|o| &o.critic));
        let feed = &self.feed;
        let grid =
            grid.filter(|_| !feed.is_empty()).map(|step| feed.x(self.axis, feed.row_of_step(step).min(feed.len() - 1)));
        let mut requested = None;
        let mut hovered = false;
        let size = ui.available_size();
        ScrollArea::vertical().id_salt("tiles").auto_shrink(false).show(ui, |ui| {
            let visible = self.layout.tiles.tiles.iter();
            let panes = visible.filter(|(id, tile)| tile.is_pane() && self.layout.tiles.is_visible(**id)).count();
            let columns = columns(size, panes.max(1));
            let rows = panes.div_ceil(columns);
            let min_height = rows as f32 * theme::TILE_LEAST;
            let rect = egui::Rect::from_min_size(ui.cursor().min, vec2(size.x, size.y.max(min_height)));
            let mut behaviour = TileBehaviour {
                charts: &mut self.charts,
                settings: &frame.settings.view,
                gan: ChartGroup { feed, overlays: &overlays, view_x: &mut self.view_x, cursor, grid },
                critic: ChartGroup {
                    feed: &self.critic,
                    overlays: &critic_overlays,
                    view_x: &mut self.critic_view_x,
                    cursor: &mut self.critic_cursor,
                    grid: None,
                },
                hidden: &mut self.layout.hidden,
                requested: &mut requested,
                hovered: &mut hovered,
                columns,
                clip: ui.clip_rect(),
            };
            self.layout.tiles.set_height(rect.height());
            ui.scope_builder(egui::UiBuilder::new().max_rect(rect), |ui| self.layout.tiles.ui(&mut behaviour, ui));
            // The height belongs to the window, not to the persisted layout.
            self.layout.tiles.set_height(f32::INFINITY);
            ui.advance_cursor_after_rect(rect);
        });
        // Away from the tiles the cursor returns to the newest step, unless the keyboard controls it.
        if let Some((tile, request)) = requested {
            self.rearrange(tile, request);
        }
        if !hovered && ui.memory(|m| m.focused().is_none()) {
            (*cursor, self.critic_cursor) = (None, None);
        }
    }

    /// Moves, maximises or resets tiles.
    fn rearrange(&mut self, tile: TileId, request: TileRequest) {
        let tree = &mut self.layout.tiles;
        let order: Vec<TileId> = tree
            .active_tiles()
            .into_iter()
            .filter(|id| matches!(tree.tiles.get(*id), Some(egui_tiles::Tile::Pane(_))))
            .collect();
        let position = order.iter().position(|id| *id == tile);
        match request {
            TileRequest::Drag => {}
            TileRequest::Reset => *tree = default_tiles(),
            TileRequest::Maximise => {
                let all: Vec<TileId> = tree.tiles.tile_ids().filter(|id| tree.tiles.get_pane(id).is_some()).collect();
                let alone = all.iter().filter(|id| tree.tiles.is_visible(**id)).count() == 1;
                for id in all {
                    tree.tiles.set_visible(id, alone || id == tile);
                }
            }
            TileRequest::Earlier | TileRequest::Later => {
                let neighbour = position.and_then(|i| match request {
                    TileRequest::Earlier => order.get(i.checked_sub(1)?),
                    _ => order.get(i + 1),
                });
                let pane = |tree: &Tree<CurveChart>, id: TileId| tree.tiles.get_pane(&id).copied();
                if let Some(other) = neighbour.copied()
                    && let (Some(a), Some(b)) = (pane(tree, tile), pane(tree, other))
                {
                    for (id, chart) in [(tile, b), (other, a)] {
                        if let Some(egui_tiles::Tile::Pane(slot)) = tree.tiles.get_mut(id) {
                            *slot = chart;
                        }
                    }
                }
            }
        }
    }

    /// Draws every metric of the GAN at the cursor, or at the newest step.
    fn readout(&self, ui: &mut Ui, p: &Palette, height: f32, tall: bool) {
        let row = match self.cursor {
            Some(x) => self.feed.nearest(self.axis, x),
            None => self.feed.len().checked_sub(1),
        };
        let size = vec2(ui.available_width(), height - theme::GAP_XS);
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, theme::RADIUS, p.panel);
        let caption = theme::caption().resolve(ui.style());
        let inner = rect.shrink2(vec2(theme::GAP_S, theme::GAP_XS));
        let title = self.readout_title(row, rect.width() >= 1.5 * theme::VALUES_WIDE + 2.0 * theme::FIGURE_COLUMN);
        painter.text(inner.left_top(), Align2::LEFT_TOP, &title, caption.clone(), p.text_strong);
        let columns = value_columns(rect.width());
        let width = (inner.width() - (columns - 1) as f32 * theme::GAP_L) / columns as f32;
        let rows = Metric::gan().len().div_ceil(columns);
        let top = inner.top() + theme::ROW_TIGHT;
        let mut label = title;
        for (i, metric) in Metric::gan().enumerate() {
            let left = inner.left() + (i / rows) as f32 * (width + theme::GAP_L);
            let y = top + (i % rows) as f32 * theme::ROW_VALUE + theme::ROW_VALUE / 2.0;
            let value = row.and_then(|row| self.feed.curve(metric)?.at(row));
            let (smooth, raw) = (figure(metric, value.map(|v| v.1)), figure(metric, value.map(|v| v.2)));
            label.push_str(&format!("; {} {smooth}", metric.title()));
            if !tall {
                continue;
            }
            painter.hline(left..=left + 10.0, y, Stroke::new(2.0, p.series(metric)));
            let end = left + width;
            let numbers = [(end - theme::FIGURE_COLUMN, &smooth, p.text_strong), (end, &raw, p.text_weak)];
            let name = painter.with_clip_rect(egui::Rect::from_x_y_ranges(
                left..=end - 2.0 * theme::FIGURE_COLUMN + 4.0,
                rect.y_range(),
            ));
            name.text(pos2(left + 16.0, y), Align2::LEFT_CENTER, short_title(metric), caption.clone(), p.text);
            for (x, text, colour) in numbers {
                painter.text(pos2(x, y), Align2::RIGHT_CENTER, text, caption.clone(), colour);
            }
        }
        // Only the last column has headings, since the title takes the place of the others.
        let headings = [(inner.right() - theme::FIGURE_COLUMN, "smoothed"), (inner.right(), "raw")];
        for (x, text) in headings.into_iter().filter(|_| tall) {
            painter.text(pos2(x, inner.top()), Align2::RIGHT_TOP, text, caption.clone(), p.text_weak);
        }
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label.clone()));
    }

    /// Returns the step and time of a row, for the title of the table.
    fn readout_title(&self, row: Option<usize>, with_clock: bool) -> String {
        let known = row.and_then(|row| Some((self.feed.step(row)?, self.feed.times(row)?)));
        let Some((step, (wall, since))) = known else { return "No steps yet".into() };
        let which = if self.cursor.is_some() { "Step" } else { "Newest step" };
        let mut title = format!("{which} {} · {}", ticks::grouped(step as f64, 0), ticks::span(since));
        if with_clock {
            title.push_str(&format!(" · {} UTC", ticks::clock(wall, true)));
        }
        title
    }
}

/// Formats a metric's value; shares in percent.
fn figure(metric: Metric, value: Option<f32>) -> String {
    match metric {
        Metric::DAccuracyReal | Metric::DAccuracyFake | Metric::GSuccess => match value.filter(|v| v.is_finite()) {
            Some(share) => format!("{:.1} %", share * 100.0),
            None => ticks::figure(None),
        },
        _ => ticks::figure(value),
    }
}

/// Returns a metric's short name.
fn short_title(metric: Metric) -> &'static str {
    match metric {
        Metric::DLossReal => "D loss, real",
        Metric::DLossFake => "D loss, fake",
        Metric::DAccuracyReal => "D accuracy, real",
        Metric::DAccuracyFake => "D accuracy, fake",
        Metric::GradNormG => "G gradient",
        Metric::GradNormD => "D gradient",
        Metric::Diversity => "Diversity",
        Metric::Noise => "Noise",
        Metric::Dropout => "Dropout",
        Metric::ImagesPerSecond => "Images/s",
        Metric::MsPerStep => "ms/step",
        Metric::GLoss | Metric::GSuccess | Metric::CriticLoss | Metric::CriticHeldOut => metric.title(),
    }
}

/// Returns an axis's short name.
fn short(axis: XAxis) -> &'static str {
    match axis {
        XAxis::Step => "Step",
        XAxis::Relative => "Time",
        XAxis::Wall => "Clock",
    }
}

/// Returns the number of columns for `count` tiles that makes them slightly wider than high.
fn columns(size: egui::Vec2, count: usize) -> usize {
    let max = ((size.x / theme::TILE_WIDE) as usize).clamp(1, 4);
    let shape = |columns: usize| {
        let (w, h) = (size.x / columns as f32, size.y / count.div_ceil(columns) as f32);
        ((w / h.max(theme::TILE_LEAST)) / 1.4).ln().abs()
    };
    (1..=max).min_by(|a, b| shape(*a).total_cmp(&shape(*b))).unwrap_or(1)
}

/// Returns the number of columns of values in a pane this wide.
fn value_columns(width: f32) -> usize {
    ((width / theme::VALUES_WIDE) as usize).clamp(1, 4)
}

fn readout_height(width: f32) -> f32 {
    let rows = Metric::gan().len().div_ceil(value_columns(width)) as f32;
    theme::ROW_TIGHT + rows * theme::ROW_VALUE + 2.0 * theme::GAP_XS + theme::GAP_XS
}

/// The state shared by the charts with the same steps: the GAN's or the critic's.
struct ChartGroup<'a> {
    feed: &'a Feed,
    overlays: &'a [(&'a str, usize, &'a Feed)],
    view_x: &'a mut Option<(f64, f64)>,
    cursor: &'a mut Option<f64>,
    grid: Option<f64>,
}

/// Draws the tiles for `egui_tiles`.
struct TileBehaviour<'a> {
    charts: &'a mut [ChartState; CurveChart::ALL.len()],
    settings: &'a ViewSettings,
    gan: ChartGroup<'a>,
    critic: ChartGroup<'a>,
    hidden: &'a mut Vec<Metric>,
    requested: &'a mut Option<(TileId, TileRequest)>,
    hovered: &'a mut bool,
    columns: usize,
    /// The visible part of the scroll area.
    clip: egui::Rect,
}

impl Behavior<CurveChart> for TileBehaviour<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, tile: TileId, chart: &mut CurveChart) -> UiResponse {
        let Some(state) = self.charts.get_mut(*chart as usize) else { return UiResponse::None };
        ui.set_clip_rect(ui.clip_rect().intersect(self.clip));
        if ui.rect_contains_pointer(ui.max_rect()) {
            *self.hovered = true;
        }
        let group = if *chart == CurveChart::Critic { &mut self.critic } else { &mut self.gan };
        let mut shared = ChartContext {
            feed: group.feed,
            overlays: group.overlays,
            axis: self.settings.x_axis,
            log: self.settings.log_y,
            smoothed: self.settings.smoothing > 0.0,
            view_x: group.view_x,
            hidden: self.hidden,
            cursor: group.cursor,
            grid: group.grid,
        };
        let request = ui.push_id(*chart, |ui| state.ui(ui, *chart, &mut shared)).inner;
        match request {
            Some(TileRequest::Drag) => UiResponse::DragStarted,
            Some(request) => {
                *self.requested = Some((tile, request));
                UiResponse::None
            }
            None => UiResponse::None,
        }
    }

    fn tab_title_for_pane(&mut self, chart: &CurveChart) -> egui::WidgetText {
        RichText::new(chart.title()).into()
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        theme::GAP_XS
    }

    fn min_size(&self) -> f32 {
        theme::TILE_LEAST / 2.0
    }

    fn grid_auto_column_count(&self, visible: usize, _: egui::Rect, _: f32) -> usize {
        self.columns.min(visible.max(1))
    }

    fn resize_stroke(&self, style: &egui::Style, state: egui_tiles::ResizeState) -> Stroke {
        match state {
            egui_tiles::ResizeState::Idle => Stroke::NONE,
            egui_tiles::ResizeState::Hovering => Stroke::new(2.0, style.visuals.weak_text_color()),
            egui_tiles::ResizeState::Dragging => Stroke::new(2.0, style.visuals.hyperlink_color),
        }
    }

    fn drag_preview_color(&self, visuals: &egui::Visuals) -> Color32 {
        visuals.selection.bg_fill.gamma_multiply(0.5)
    }

    fn drag_preview_stroke(&self, visuals: &egui::Visuals) -> Stroke {
        Stroke::new(theme::HAIRLINE, visuals.hyperlink_color)
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: false, ..SimplificationOptions::default() }
    }

    fn is_tile_draggable(&self, _: &Tiles<CurveChart>, _: TileId) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_comes_back_as_it_was_left() {
        let mut curves = Curves::new(CurvesLayout::default());
        let first = *curves
            .layout
            .tiles
            .tiles
            .iter()
            .find(|(_, t)| matches!(t, egui_tiles::Tile::Pane(CurveChart::Loss)))
            .map(|(id, _)| id)
            .unwrap();
        curves.layout.hidden.push(Metric::GLoss);
        curves.rearrange(first, TileRequest::Maximise);
        let text = serde_json::to_string(curves.layout()).unwrap();
        let back = serde_json::from_str::<CurvesLayout>(&text).unwrap().checked();
        assert_eq!(back.tiles, curves.layout.tiles);
        assert_eq!(back.hidden, [Metric::GLoss]);
    }

    #[test]
    fn a_layout_that_lacks_a_tile_is_arranged_anew() {
        let layout = CurvesLayout {
            tiles: Tree::new_grid(Id::unique("train-curves"), vec![CurveChart::Loss, CurveChart::Loss]),
            ..CurvesLayout::default()
        };
        assert_eq!(layout.checked().tiles, default_tiles());
    }

    #[test]
    fn the_table_of_values_fits_any_width() {
        for width in [200.0, 360.0, 520.0, 900.0, 2000.0] {
            assert!(readout_height(width) <= 14.0 * theme::ROW_VALUE + 40.0);
        }
    }
}
