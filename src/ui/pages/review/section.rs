//! Collapsible sections of the side panel.

use egui::{CollapsingHeader, RichText, Ui};

use super::scene::ReviewScene;
use crate::ui::{Frame, theme, theme::Palette};

/// A section of the side panel.
pub(super) trait PanelSection {
    /// Returns the heading.
    fn title(&self) -> &'static str;

    /// Draws the content below the heading.
    fn ui(&mut self, ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>);
}

/// Draws a heading with collapsible content below it; `open` unfolds it.
pub(super) fn collapsible(ui: &mut Ui, title: &str, open: bool, content: impl FnOnce(&mut Ui)) {
    let p = Palette::of(ui);
    let heading = RichText::new(title).text_style(theme::section()).color(p.text_strong);
    let header = CollapsingHeader::new(heading).id_salt(title).default_open(true);
    header.open(open.then_some(true)).show_unindented(ui, content);
    ui.add_space(theme::GAP_S);
}
