//! Collapsible sections of the side panel.

use egui::{CollapsingHeader, RichText, Ui, vec2};

use super::scene::ReviewScene;
use crate::ui::{Frame, UiCommand, theme, theme::Palette};

/// A section of the side panel.
pub(super) trait PanelSection {
    /// Returns the heading.
    fn title(&self) -> &'static str;

    /// Draws the content below the heading.
    fn ui(&mut self, ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>);
}

/// Draws a heading with collapsible content below it.
pub(super) fn collapsible(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    let p = Palette::of(ui);
    let heading = RichText::new(title).text_style(theme::section()).color(p.text_strong);
    CollapsingHeader::new(heading).id_salt(title).default_open(true).show_unindented(ui, content);
    ui.add_space(theme::GAP_S);
}

/// Draws a button for a command, disabled while the command is.
pub(super) fn command_button(ui: &mut Ui, command: UiCommand, title: &str, frame: &mut Frame<'_>) {
    let tooltip = command.tooltip(ui.ctx());
    let button =
        ui.add_enabled(command.enabled(frame.context), egui::Button::new(title).min_size(vec2(0.0, theme::CONTROL)));
    if button.on_hover_text(&tooltip).on_disabled_hover_text(&tooltip).clicked() {
        frame.command(command);
    }
}
