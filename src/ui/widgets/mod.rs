//! Widgets shared by the pages.

pub(crate) mod colour_bar;
pub(crate) mod drop_down;
pub(crate) mod elide;
pub(crate) mod histogram;
pub(crate) mod image_grid;
pub(crate) mod image_pane;
pub(crate) mod knob;
pub(crate) mod list_keys;
pub(crate) mod path_field;
pub(crate) mod plot_axis;
pub(crate) mod rows;
pub(crate) mod series;
pub(crate) mod side_panel;
pub(crate) mod thumbnails;
pub(crate) mod ticks;
pub(crate) mod typed_number;

use egui::{Align, Button, Layout, Rect, Response, RichText, Sense, Ui, UiBuilder, vec2};
use egui_material_icons::MaterialIcon;
pub(crate) use elide::elided;

use super::{theme, theme::Palette};

/// A button with only an icon; `name` is its tooltip and its accessible name.
pub(crate) fn icon_button(ui: &mut Ui, icon: MaterialIcon, name: &str, enabled: bool) -> Response {
    icon_toggle(ui, icon, name, enabled, false)
}

/// An icon button with an on state.
pub(crate) fn icon_toggle(ui: &mut Ui, icon: MaterialIcon, name: &str, enabled: bool, on: bool) -> Response {
    let button =
        Button::new(icon.rich_text().size(theme::ICON_BUTTON)).min_size(vec2(theme::ROW, theme::CONTROL)).selected(on);
    // Without the shortcut in brackets.
    let spoken = name.split(" (").next().unwrap_or(name).trim_end_matches('.').to_owned();
    ui.add_enabled(enabled, button).accessible_name(spoken).on_hover_text(name).on_disabled_hover_text(name)
}

/// A toolbar button with text and an on state.
pub(crate) fn toggle(ui: &mut Ui, text: &str, help: &str, on: bool) -> Response {
    ui.add(Button::new(text).min_size(vec2(0.0, theme::CONTROL)).selected(on)).on_hover_text(help)
}

/// A row of mutually exclusive buttons; returns the new choice if it has changed.
pub(crate) fn segments<T: Copy + PartialEq>(ui: &mut Ui, current: T, choices: &[(T, &str, &str)]) -> Option<T> {
    let mut chosen = None;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 1.0;
        for (value, title, help) in choices {
            if toggle(ui, title, help, *value == current).clicked() && *value != current {
                chosen = Some(*value);
            }
        }
    });
    chosen
}

/// The message of an empty area: what belongs there, and when.
pub(crate) fn empty_place(ui: &mut Ui, title: &str, text: &str) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let width = (rect.width() - 2.0 * theme::GAP_M).clamp(0.0, theme::TEXT_MAX / 2.0);
    let middle = Rect::from_center_size(rect.center(), vec2(width, rect.height().min(theme::EMPTY_PLACE)));
    ui.scope_builder(UiBuilder::new().max_rect(middle).layout(Layout::top_down(Align::Center)), |ui| {
        ui.label(RichText::new(title).color(p.text_strong));
        ui.label(theme::weak_caption(&p, text));
    });
}

/// Draws the contents of an empty page as a column in the middle; it scrolls where the page is too low for it.
pub(crate) fn empty_column<R>(ui: &mut Ui, name: &str, most: f32, content: impl FnOnce(&mut Ui) -> R) -> R {
    let area = ui.available_rect_before_wrap();
    let width = (area.width() - 2.0 * theme::GAP_XL).clamp(0.0, theme::TEXT_MAX);
    let column = Rect::from_center_size(area.center(), vec2(width, (area.height() * 0.8).min(most)));
    let column = Rect::from_min_max(column.min, area.right_bottom());
    ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
        egui::ScrollArea::vertical().id_salt(name).auto_shrink(false).show(ui, |ui| {
            ui.set_width(width);
            content(ui)
        })
    })
    .inner
    .inner
}

/// Draws `content` into `rect` with a margin, clipped to `rect`.
pub(crate) fn pane<R>(ui: &mut Ui, rect: Rect, name: &str, content: impl FnOnce(&mut Ui) -> R) -> R {
    let build = UiBuilder::new().max_rect(rect.shrink(theme::GAP_S)).id_salt(name);
    let draw = |ui: &mut Ui| {
        ui.set_clip_rect(ui.clip_rect().intersect(rect));
        content(ui)
    };
    ui.scope_builder(build, draw).inner
}

/// Returns the handle of a scrubber: narrow, so that its position is easy to read.
pub(crate) fn scrubber_handle() -> egui::style::HandleShape {
    egui::style::HandleShape::Rect { aspect_ratio: 0.4 }
}

/// Lays out the content from right to left in the rest of the row.
pub(crate) fn flush_right<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.with_layout(Layout::right_to_left(Align::Center), content).inner
}
