//! Buttons of commands.

use egui::{Ui, vec2};

use crate::ui::{Frame, UiCommand, theme};

/// Draws a button for a command, disabled while the command is.
pub(super) fn command_button(ui: &mut Ui, command: UiCommand, title: &str, frame: &mut Frame<'_>) {
    let tooltip = command.tooltip(ui.ctx());
    let button = egui::Button::new(title).min_size(vec2(0.0, theme::CONTROL));
    let response = ui.add_enabled(command.enabled(frame.context), button);
    if response.on_hover_text(&tooltip).on_disabled_hover_text(&tooltip).clicked() {
        frame.command(command);
    }
}
