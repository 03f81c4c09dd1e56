//! The table of test images.

use egui::{
    Align2, Color32, FontSelection, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};
use egui_material_icons::icons;

use super::{
    outcome::ImageFilter,
    results::{ScoreResults, TableColumn, TableSort, ThresholdResults},
};
use crate::{
    text::PrintablePath,
    ui::{
        theme,
        theme::Palette,
        widgets::{elided, list_keys::ListKeys, thumbnails::Thumbnails, ticks, toggle},
    },
};

/// A request of the table to the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TableRequest {
    /// Select the image with this index in the test set.
    Select(usize),
    /// Open it on the Inspect page.
    Open(usize),
    /// List these images only.
    Filter(ImageFilter),
    /// List all defect types again.
    AllDefectTypes,
    /// Change the order.
    Sort(TableSort),
}

/// The table's data and settings.
pub(crate) struct TableView<'a> {
    pub scored: &'a ScoreResults,
    pub judged: &'a ThresholdResults,
    pub selected: Option<usize>,
    pub sort: TableSort,
    pub filter: ImageFilter,
    /// The only defect type listed.
    pub only: Option<&'a str>,
}

/// The table's own state.
#[derive(Default)]
pub(crate) struct ImageTable {
    /// Scroll to the selected row on the next frame.
    pub reveal: bool,
    offset: f32,
    pub thumbs: Thumbnails<usize>,
}

/// The cells of one row.
struct Columns {
    thumbnail: Rect,
    name: Rect,
    truth: Rect,
    score: Rect,
    p: Rect,
    outcome: Rect,
}

impl Columns {
    fn of(row: Rect) -> Self {
        let gap = theme::GAP_S;
        let wide = row.width() >= theme::TABLE_ROOMY;
        let outcome = if wide { theme::OUTCOME } else { theme::OUTCOME_NARROW };
        let truth = if wide { theme::DEFECT_TYPE } else { theme::DEFECT_TYPE_NARROW };
        let mut right = row.right() - gap;
        let mut take = |width: f32| {
            let rect = row.with_max_x(right).with_min_x(right - width);
            right -= width + gap;
            rect
        };
        let (outcome, p, score, truth) =
            (take(outcome), take(theme::FIGURE_COLUMN), take(theme::FIGURE_COLUMN), take(truth));
        let left = row.left() + 3.0;
        let thumbnail = Rect::from_center_size(
            pos2(left + theme::TEST_THUMBNAIL / 2.0, row.center().y),
            vec2(theme::TEST_THUMBNAIL, theme::TEST_THUMBNAIL),
        );
        let name = row.with_min_x(thumbnail.right() + gap).with_max_x(right);
        Self { thumbnail, name, truth, score, p, outcome }
    }
}

impl ImageTable {
    /// Draws the table over all of `ui`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, view: &TableView<'_>) -> Option<TableRequest> {
        let mut request = filters(ui, view);
        ui.add_space(theme::GAP_XS);
        request = request.or(headings(ui, view));
        let (count, pitch) = (view.judged.order.len(), theme::TEST_ROW);
        if count == 0 {
            crate::ui::widgets::empty_place(ui, "No matching images", "Select All to list every test image.");
            return request;
        }
        let foot = ui.available_rect_before_wrap().with_min_y(ui.max_rect().bottom() - theme::ROW_VALUE);
        let p = Palette::of(ui);
        let hint = "Double-click or press Enter to open an image in Inspect.";
        ui.painter().text(
            foot.left_center(),
            Align2::LEFT_CENTER,
            hint,
            theme::caption().resolve(ui.style()),
            p.text_weak,
        );
        ui.spacing_mut().item_spacing.y = 0.0;
        let height = ui.available_height() - theme::ROW_VALUE - theme::GAP_XS;
        let mut area = ScrollArea::vertical().max_height(height).auto_shrink([false, false]);
        let index = |at: &usize| view.scored.evaluation.images.get(*at).map(|e| e.index);
        let selected = view.selected.and_then(|image| view.judged.order.iter().position(|at| index(at) == Some(image)));
        if std::mem::take(&mut self.reveal)
            && let Some(row) = selected
        {
            let (top, bottom) = (row as f32 * pitch, (row + 1) as f32 * pitch);
            if top < self.offset {
                area = area.vertical_scroll_offset(top);
            } else if bottom > self.offset + height {
                area = area.vertical_scroll_offset(bottom - height);
            }
        }
        let rect = ui.available_rect_before_wrap();
        let keys = ListKeys::new(ui, "Test images", rect.with_max_y(rect.top() + height));
        let moved = keys.moved(ui, selected, count, (height / pitch) as usize);
        if let Some(image) = moved.and_then(|row| index(view.judged.order.get(row)?)) {
            request = Some(TableRequest::Select(image));
            self.reveal = true;
        }
        let shown = area.id_salt("tested").show_rows(ui, pitch, count, |ui, range| {
            for row in range {
                let Some(&at) = view.judged.order.get(row) else { continue };
                let clicked = self.row(ui, view, at, keys.focused);
                if clicked.is_some() {
                    keys.focus(ui);
                }
                request = request.take().or(clicked);
            }
        });
        self.offset = shown.state.clamped_offset().y;
        request
    }

    /// Draws the row of the image at index `at` of the evaluation.
    fn row(&mut self, ui: &mut Ui, view: &TableView<'_>, at: usize, focused: bool) -> Option<TableRequest> {
        let (examined, row, outcome) =
            (view.scored.evaluation.images.get(at)?, view.scored.rows.get(at)?, view.judged.outcomes.get(at)?);
        let p = Palette::of(ui);
        let current = view.selected == Some(examined.index);
        let size = vec2(ui.available_width() - theme::GAP_XS, theme::TEST_ROW);
        let (rect, response) = ui.allocate_exact_size(size, Sense::CLICK);
        let truth = examined.defect_type().unwrap_or("healthy");
        response.widget_info(|| {
            let text = format!("{}, {truth}, {}", examined.name, outcome.words().to_lowercase());
            WidgetInfo::selected(Role::ListBoxOption, true, current, text)
        });
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let inner = rect.shrink2(vec2(0.0, 1.0));
        if current {
            painter.rect_filled(inner, theme::RADIUS, p.selection);
        } else if response.hovered() {
            painter.rect_filled(inner, theme::RADIUS, p.control);
        }
        if current && focused {
            painter.rect_stroke(inner, theme::RADIUS, Stroke::new(theme::HAIRLINE, p.accent), StrokeKind::Inside);
        }
        let columns = Columns::of(rect);
        painter.rect_filled(columns.thumbnail, 0.0, p.picture);
        if let Some(texture) = self.thumbs.get(examined.index) {
            let [w, h] = texture.size().map(|s| s as f32);
            let size = vec2(w, h) * (theme::TEST_THUMBNAIL / w.max(h));
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            let image = Rect::from_center_size(columns.thumbnail.center(), size);
            painter.image(texture.id(), image, whole, Color32::WHITE);
        }
        let font = FontSelection::Style(egui::TextStyle::Body).resolve(ui.style());
        let colour = if current { p.text_strong } else { p.text };
        let weak = if current { p.text } else { p.text_weak };
        let text = |column: Rect, text: &str, colour: Color32| {
            let galley = elided(ui, text, font.clone(), colour, column.width());
            painter.galley(pos2(column.left(), column.center().y - galley.size().y / 2.0), galley, colour);
        };
        text(columns.name, &examined.name, colour);
        text(columns.truth, truth, weak);
        let number = |column: Rect, text: String| {
            painter.text(column.right_center(), Align2::RIGHT_CENTER, text, font.clone(), colour);
        };
        number(columns.score, ticks::figure(Some(row.image.score as f32)));
        number(columns.p, p_value(row.p));
        let icon = columns.outcome.left_center() + vec2(6.0, 0.0);
        theme::paint_mark(&painter, &p, outcome.mark(), icon, theme::ICON - 1.0);
        let words = if columns.outcome.width() < theme::OUTCOME { outcome.cell.title() } else { outcome.words() };
        text(columns.outcome.with_min_x(columns.outcome.left() + 17.0), words, colour);

        let mut request = None;
        if response.double_clicked() {
            request = Some(TableRequest::Open(examined.index));
        } else if response.clicked() {
            request = Some(TableRequest::Select(examined.index));
        }
        hover(response, view, at);
        request
    }
}

/// Adds a tooltip with the file, label, size and score of an image.
fn hover(response: Response, view: &TableView<'_>, at: usize) {
    response.on_hover_ui(|ui| {
        let Some(e) = view.scored.evaluation.images.get(at) else { return };
        let file = e.path.as_ref().map_or_else(|| e.name.clone(), |path| path.printable().to_string());
        ui.label(file);
        let truth = e.defect_type().map_or_else(|| "healthy".to_owned(), |defect| format!("defective: {defect}"));
        ui.label(format!("Truth: {truth}. {} × {} pixels.", e.size.0, e.size.1));
        let threshold = ticks::figure(Some(view.judged.threshold as f32));
        let score = ticks::figure(Some(e.scores.get(view.scored.kind) as f32));
        ui.label(format!("{} {score}, flagged above {threshold}.", view.scored.kind.title()));
        ui.label("Double-click or press Enter to open it in Inspect.");
    });
}

fn p_value(p: Option<f64>) -> String {
    p.map_or_else(|| "–".into(), |p| format!("{p:.4}"))
}

/// Draws the filter buttons with their counts.
fn filters(ui: &mut Ui, view: &TableView<'_>) -> Option<TableRequest> {
    let mut request = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(2.0, 2.0);
        for (filter, count) in ImageFilter::ALL.into_iter().zip(view.judged.counts) {
            let on = filter == view.filter;
            if toggle(ui, &format!("{} {count}", filter.title()), filter.help(), on).clicked() {
                request = Some(TableRequest::Filter(if on { ImageFilter::All } else { filter }));
            }
        }
        if let Some(defect) = view.only {
            let help = "Lists healthy images and all defect types again.";
            if toggle(ui, &format!("{defect} only ×"), help, true).clicked() {
                request = Some(TableRequest::AllDefectTypes);
            }
        }
    });
    request
}

/// Draws the column headings, which sort the table.
fn headings(ui: &mut Ui, view: &TableView<'_>) -> Option<TableRequest> {
    let p = Palette::of(ui);
    let size = vec2(ui.available_width() - theme::GAP_XS, theme::TILE_HEAD);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let columns = Columns::of(rect);
    let font = theme::caption().resolve(ui.style());
    let mut request = None;
    let headings = [
        (TableColumn::Name, columns.name, "Image", false, "Path within the data set"),
        (TableColumn::Truth, columns.truth, "Truth", false, "Healthy, or the defect type"),
        (TableColumn::Score, columns.score, "Score", true, "Anomaly score, highest first"),
        (
            TableColumn::P,
            columns.p,
            "p",
            true,
            "Conformal p-value: share of healthy parts that would score at least this high",
        ),
        (
            TableColumn::Outcome,
            columns.outcome,
            "Outcome",
            false,
            "Missed first, then false alarms and borderline parts",
        ),
    ];
    for (column, cell, title, right, help) in headings {
        let response = ui.interact(cell, ui.scope_id().with(title), Sense::click());
        let on = view.sort.column == column;
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, format!("Order by {title}")));
        let highlighted = on || response.hovered() || response.has_focus();
        let colour = if highlighted { p.text_strong } else { p.text_weak };
        let painter = ui.painter();
        let (at, align) = match right {
            true => (cell.right_center(), Align2::RIGHT_CENTER),
            false => (cell.left_center(), Align2::LEFT_CENTER),
        };
        let drawn = painter.text(at, align, title, font.clone(), colour);
        if on {
            let icon = if view.sort.reversed { icons::ICON_ARROW_UPWARD } else { icons::ICON_ARROW_DOWNWARD };
            let icon_font = egui::FontId::new(theme::ICON, icon.font_family());
            let (x, align) = match right {
                true => (drawn.left() - 2.0, Align2::RIGHT_CENTER),
                false => (drawn.right() + 2.0, Align2::LEFT_CENTER),
            };
            painter.text(pos2(x, cell.center().y), align, icon.codepoint, icon_font, colour);
        }
        if response.has_focus() {
            let stroke = Stroke::new(theme::HAIRLINE, p.accent);
            painter.rect_stroke(cell, theme::RADIUS, stroke, StrokeKind::Inside);
        }
        if response.on_hover_text(help).clicked() {
            request = Some(TableRequest::Sort(TableSort { column, reversed: on && !view.sort.reversed }));
        }
    }
    ui.painter().hline(rect.x_range(), rect.bottom(), Stroke::new(theme::HAIRLINE, p.hairline));
    request
}
