//! The side panel: what the part on show is about, and under it sections that fold, each in a file of its own.

use egui::{CollapsingHeader, RichText, Ui};

use super::Scene;
use crate::ui::{Frame, theme, theme::Palette};

/// A section of the panel.
pub(super) trait PanelSection {
    /// Its heading.
    fn title(&self) -> &'static str;

    /// Draws what stands under the heading.
    fn ui(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>);
}

/// Every section, from top to bottom.
pub(super) fn sections() -> Vec<Box<dyn PanelSection>> {
    vec![
        Box::new(super::reviewers::ReviewersSection::default()),
        Box::new(super::record_section::Kinds::default()),
        Box::new(super::drift_section::DriftSection),
        Box::new(super::record_section::RecordSection),
        Box::new(super::intake_section::IntakeSection),
        Box::new(super::finetune_section::FinetuneSection),
        Box::new(super::model_section::ModelSection),
    ]
}

/// A heading that folds what stands under it.
pub(super) fn fold(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    let p = Palette::of(ui);
    let heading = RichText::new(title).text_style(theme::section()).color(p.text_strong);
    CollapsingHeader::new(heading).id_salt(title).default_open(true).show_unindented(ui, content);
    ui.add_space(theme::GAP_S);
}

/// Draws the sections under one another.
pub(super) fn ui(ui: &mut Ui, sections: &mut [Box<dyn PanelSection>], scene: &Scene, frame: &mut Frame<'_>) {
    for section in sections {
        fold(ui, section.title(), |ui| section.ui(ui, scene, frame));
    }
}
