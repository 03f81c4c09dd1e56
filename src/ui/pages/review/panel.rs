//! The sections of the side panel, from top to bottom.

use egui::Ui;

use super::{
    defect_types_section::DefectTypesSection,
    drift_section::DriftSection,
    finetune_section::FinetuneSection,
    intake_section::IntakeSection,
    model_section::ModelSection,
    record_section::RecordSection,
    reviewers::ReviewersSection,
    scene::ReviewScene,
    section::{PanelSection, collapsible},
};
use crate::ui::Frame;

/// Returns all sections, from top to bottom.
pub(super) fn sections() -> Vec<Box<dyn PanelSection>> {
    vec![
        Box::new(ReviewersSection::default()),
        Box::new(DefectTypesSection::default()),
        Box::new(DriftSection),
        Box::new(RecordSection),
        Box::new(IntakeSection),
        Box::new(FinetuneSection),
        Box::new(ModelSection),
    ]
}

/// Draws the sections one below the other.
pub(super) fn ui(ui: &mut Ui, sections: &mut [Box<dyn PanelSection>], scene: &ReviewScene, frame: &mut Frame<'_>) {
    for section in sections {
        collapsible(ui, section.title(), false, |ui| section.ui(ui, scene, frame));
    }
}
