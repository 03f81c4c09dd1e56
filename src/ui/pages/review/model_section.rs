//! The active model, which the maps are computed with.

use egui::{Label, RichText, Ui};

use super::{scene::ReviewScene, section::PanelSection};
use crate::{
    engine::inspection::ModelState,
    format::sentence,
    ui::{Frame, UiCommand, theme::Palette},
};

/// The section on the active model.
pub(super) struct ModelSection;

impl PanelSection for ModelSection {
    fn title(&self) -> &'static str {
        "Model"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let text = match &scene.model {
            ModelState::None => "No model is open.".to_owned(),
            ModelState::Loading(name) => format!("Loading {name}."),
            ModelState::Ready(facts) => format!("{} is active.", facts.name),
            ModelState::Failed(text) => sentence(text),
        };
        ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
        let open = UiCommand::InspectModel;
        if ui.button(open.title()).on_hover_text(open.help()).clicked() {
            frame.command(open);
        }
    }
}
