//! Buttons of commands.

use egui::{Ui, vec2};

use super::reasons;
use crate::ui::{Frame, UiCommand, theme};

/// Draws a button for a command, disabled while the command is.
pub(super) fn command_button(ui: &mut Ui, command: UiCommand, title: &str, frame: &mut Frame<'_>) {
    let button = egui::Button::new(title).min_size(vec2(0.0, theme::CONTROL));
    let response = ui.add_enabled(command.enabled(frame.context), button);
    let response = response.on_hover_text(command.tooltip(ui.ctx()));
    if response.on_disabled_hover_text(reasons::disabled(command, frame.context, ui.ctx())).clicked() {
        frame.command(command);
    }
}
