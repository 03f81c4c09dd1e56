//! The confusion matrix at the current threshold.

use egui::{Align2, Label, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::outcome::ImageFilter;
use crate::{
    inspect::evaluation::{Confusion, not_this_part_sentence},
    ui::{
        theme,
        theme::{OutcomeMark, Palette},
        widgets::ticks,
    },
};

/// Draws the confusion matrix; a click on a cell filters the table by it, or clears the filter.
pub(crate) fn ui(ui: &mut Ui, c: &Confusion, current: ImageFilter) -> Option<ImageFilter> {
    let p = Palette::of(ui);
    let (bad, good) = (c.caught + c.missed, c.false_alarms + c.passed);
    let mut request = None;
    let names = theme::MATRIX_NAMES;
    let font = theme::caption().resolve(ui.style());
    let width = (ui.available_width() - names - theme::GAP_XS) / 2.0;
    let (head, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme::ROW_VALUE), Sense::hover());
    for (i, title) in ["flagged", "not flagged"].into_iter().enumerate() {
        let x = head.left() + names + i as f32 * (width + theme::GAP_XS) + width / 2.0;
        ui.painter().text(pos2(x, head.center().y), Align2::CENTER_CENTER, title, font.clone(), p.text_weak);
    }
    let rows = [
        (
            "defective",
            bad,
            [
                (c.caught, ImageFilter::Caught, OutcomeMark::Correct),
                (c.missed, ImageFilter::Missed, OutcomeMark::Wrong),
            ],
        ),
        (
            "healthy",
            good,
            [
                (c.false_alarms, ImageFilter::FalseAlarms, OutcomeMark::Wrong),
                (c.passed, ImageFilter::Passed, OutcomeMark::Correct),
            ],
        ),
    ];
    for (truth, all, cells) in rows {
        let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme::MATRIX_ROW), Sense::hover());
        ui.painter().text(row.left_center(), Align2::LEFT_CENTER, truth, font.clone(), p.text_weak);
        for (i, (count, filter, mark)) in cells.into_iter().enumerate() {
            let left = row.left() + names + i as f32 * (width + theme::GAP_XS);
            let rect = Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()));
            let on = current == filter;
            let text = format!("{} of {all} {truth} images: {}", ticks::grouped(count as f64, 0), filter.title());
            let share = if all == 0 { "–".into() } else { percent(count as f64 / all as f64) };
            let caption = format!("{} · {share}", filter.title().to_lowercase());
            let response = ui.interact(rect, ui.scope_id().with(("cell", truth, i)), Sense::click());
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, text.clone()));
            cell(ui, &response, on, count, &caption, mark);
            if response.on_hover_text(format!("{text}. Click to list them.")).clicked() {
                request = Some(if on { ImageFilter::All } else { filter });
            }
        }
    }
    request
}

/// Draws a cell with its count and caption.
fn cell(ui: &Ui, response: &Response, on: bool, count: usize, caption: &str, mark: OutcomeMark) {
    let p = Palette::of(ui);
    let (rect, painter) = (response.rect, ui.painter());
    let fill = if on {
        p.selection
    } else if response.hovered() {
        p.control_hovered
    } else {
        p.control
    };
    painter.rect_filled(rect, theme::RADIUS, fill);
    if on || response.has_focus() {
        painter.rect_stroke(rect, theme::RADIUS, Stroke::new(theme::HAIRLINE, p.accent), StrokeKind::Inside);
    }
    let upper = rect.center() - vec2(0.0, 8.0);
    let (number, font) = (ticks::grouped(count as f64, 0), theme::section().resolve(ui.style()));
    let drawn = painter.text(upper, Align2::CENTER_CENTER, number, font, p.text_strong);
    theme::paint_mark(painter, &p, mark, pos2(drawn.left() - 10.0, upper.y), theme::ICON - 2.0);
    let colour = if on { p.text } else { p.text_weak };
    let font = theme::caption().resolve(ui.style());
    painter.text(rect.center() + vec2(0.0, 9.0), Align2::CENTER_CENTER, caption, font, colour);
}

/// Draws the false alarms and the missed defects in words, and how many images do not show the part.
pub(crate) fn summary(ui: &mut Ui, c: &Confusion, not_this_part: usize) {
    let (bad, good) = (c.caught + c.missed, c.false_alarms + c.passed);
    let missed = match (c.missed, bad) {
        (_, 0) => "The test set has no defective parts, so the miss rate is unknown.".to_owned(),
        (0, _) => format!("None of {bad} defective parts is missed."),
        (n, _) => format!("{n} of {bad} defective parts are missed, {}.", percent(n as f64 / bad as f64)),
    };
    let alarms = match (c.false_alarms, good) {
        (_, 0) => "The test set has no healthy parts.".to_owned(),
        (0, _) => format!("None of {good} healthy parts raises a false alarm."),
        (n, _) => format!("{n} of {good} healthy parts raise a false alarm, {}.", percent(n as f64 / good as f64)),
    };
    ui.add_space(theme::GAP_XS);
    ui.add(Label::new(format!("On these images: {alarms} {missed}")).wrap().selectable(true));
    if let Some(sentence) = not_this_part_sentence(not_this_part) {
        ui.add(Label::new(sentence).wrap().selectable(true));
    }
}

/// Formats a share in percent.
fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
