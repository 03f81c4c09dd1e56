//! Rows of panels and empty pages: values, marked messages, and buttons with a description.

use egui::{Align, Button, Label, Layout, Response, RichText, Ui, WidgetText, vec2};

use super::{elide::name_label, flush_right};
use crate::ui::{
    theme,
    theme::{Mark, Palette},
};

/// Draws a name and its value, flush right. `help` is the tooltip of the name.
pub(crate) fn value_row(ui: &mut Ui, name: &str, value: String, help: &str) {
    let p = Palette::of(ui);
    named_row(ui, name, help, |ui| {
        name_label(ui, &value, egui::TextStyle::Body, p.text_strong);
    });
}

/// Draws a name and `content` flush right. `help` is the tooltip of the name.
pub(crate) fn named_row(ui: &mut Ui, name: &str, help: &str, content: impl FnOnce(&mut Ui)) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_height(theme::ROW_TIGHT);
        ui.spacing_mut().interact_size.y = theme::ROW_TIGHT;
        ui.label(RichText::new(name).color(p.text_weak)).on_hover_text(help);
        flush_right(ui, content);
    });
}

/// Draws a message with a mark before it.
pub(crate) fn marked_text(ui: &mut Ui, mark: impl Into<Mark>, text: impl Into<WidgetText>) {
    ui.horizontal_top(|ui| {
        theme::mark_icon(ui, mark);
        ui.add(Label::new(text).wrap().selectable(true));
    });
}

/// Draws a button of fixed width with a description beside it.
pub(crate) fn described_button(ui: &mut Ui, enabled: bool, primary: bool, title: &str, text: &str) -> Response {
    let p = Palette::of(ui);
    let size = vec2(theme::CHOICE_BUTTON, theme::ROW);
    let draw = |ui: &mut Ui| {
        let button = if primary { theme::primary_button(&p, title) } else { Button::new(title) };
        ui.add_enabled_ui(enabled, |ui| ui.add_sized(size, button)).inner
    };
    let text = Label::new(theme::weak_caption(&p, text)).wrap();
    let response = if ui.available_width() >= 2.0 * theme::CHOICE_BUTTON {
        let row = ui.horizontal(|ui| {
            let response = draw(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| ui.add(text));
            response
        });
        row.inner
    } else {
        let response = draw(ui);
        ui.add(text);
        response
    };
    ui.add_space(theme::GAP_S);
    response
}
