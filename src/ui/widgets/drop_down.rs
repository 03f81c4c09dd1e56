//! Drop-downs with a visible label.

use egui::{ComboBox, Response, Ui, WidgetText};

use crate::ui::{theme, theme::Palette};

/// A drop-down; `help` is its tooltip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DropDown<'a> {
    /// What is chosen, in full: the accessible name.
    pub name: &'a str,
    pub help: &'a str,
    pub width: f32,
}

impl DropDown<'_> {
    /// Draws it with a label on its left, which may be shorter than the name; an infinite width is the rest of the row.
    pub(crate) fn with_label(
        self,
        ui: &mut Ui,
        label: &str,
        selected: impl Into<WidgetText>,
        entries: impl FnOnce(&mut Ui),
    ) {
        let caption = |ui: &mut Ui| {
            let text = theme::weak_caption(&Palette::of(ui), label);
            ui.label(text).on_hover_text(self.help)
        };
        if ui.layout().prefer_right_to_left() {
            let combo = self.combo(ui, selected, entries);
            let label = caption(ui);
            combo.labelled_by(label.id).accessible_name(self.name);
        } else {
            let label = caption(ui);
            self.beside(ui, &label, selected, entries);
        }
    }

    /// Draws it after a label that was drawn before.
    pub(crate) fn beside(
        self,
        ui: &mut Ui,
        label: &Response,
        selected: impl Into<WidgetText>,
        entries: impl FnOnce(&mut Ui),
    ) {
        self.combo(ui, selected, entries).labelled_by(label.id).accessible_name(self.name);
    }

    fn combo(self, ui: &mut Ui, selected: impl Into<WidgetText>, entries: impl FnOnce(&mut Ui)) -> Response {
        let combo = ComboBox::from_id_salt(self.name).width(self.width.min(ui.available_width())).truncate();
        combo.selected_text(selected).show_ui(ui, entries).response.on_hover_text(self.help)
    }
}
