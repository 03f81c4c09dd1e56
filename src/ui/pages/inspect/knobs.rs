//! The knobs of an inspection.

use egui::{CollapsingHeader, ComboBox, Ui};

use super::Scene;
use crate::{
    engine,
    engine::{InspectionRequest, inspection::InspectionStatus},
    inspect::{InvertKnobs, InvertPreset, knobs::KNOBS},
    ui::{
        Action, Frame, theme,
        theme::Palette,
        widgets::{flush_right, knob::knob_editor},
    },
};

/// The panel's own state.
#[derive(Debug, Default)]
pub struct KnobsPanel {
    /// As the user has turned them, and what was in force then.
    turned: Option<(InvertKnobs, InvertKnobs)>,
}

impl KnobsPanel {
    /// The knobs as the user has them: those in force, or those that are on their way.
    pub fn wanted<'a>(&'a mut self, status: &'a InspectionStatus) -> &'a InvertKnobs {
        if self.turned.as_ref().is_some_and(|(_, before)| *before != status.knobs) {
            self.turned = None;
        }
        self.turned.as_ref().map_or(&status.knobs, |(wanted, _)| wanted)
    }

    /// Draws the panel.
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let wanted = self.wanted(&scene.status).clone();
        let preset = InvertPreset::of(&wanted);
        let mut turned = None;
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            crate::ui::pages::section(ui, "Settings");
            flush_right(ui, |ui| {
                let title = preset.map_or("Custom", InvertPreset::title);
                let combo = ComboBox::from_id_salt("invert-preset").width(theme::CHOICE).selected_text(title);
                let combo = combo.show_ui(ui, |ui| {
                    for option in InvertPreset::ALL {
                        let row = ui.selectable_label(preset == Some(option), option.title());
                        if row.on_hover_text(option.describe()).clicked() && preset != Some(option) {
                            turned = Some(InvertKnobs { seed: wanted.seed, ..option.knobs() });
                        }
                    }
                });
                combo
                    .response
                    .accessible_name("Preset of the inspection")
                    .on_hover_text("Every knob from a named setting");
            });
        });
        let words = preset.map_or("Turned by hand; a preset brings its own values back.", InvertPreset::describe);
        ui.add(egui::Label::new(theme::weak_caption(&p, words)).wrap());
        CollapsingHeader::new("Every knob").id_salt("invert-knobs").show_unindented(ui, |ui| {
            ui.add(egui::Label::new(theme::weak_caption(&p, "For the images that are inspected next.")).wrap());
            let base = preset.unwrap_or_default().knobs();
            for knob in &KNOBS {
                let (Some(value), Some(default)) = (wanted.get(knob), base.get(knob)) else { continue };
                if let Some(value) = knob_editor(ui, knob, &value, &default, true) {
                    turned = wanted.with(knob, value).ok();
                }
            }
        });
        if let Some(knobs) = turned {
            self.turned = Some((knobs.clone(), scene.status.knobs.clone()));
            frame.actions.push(Action::Engine(engine::Command::Inspect(InspectionRequest::Knobs(Box::new(knobs)))));
        }
    }
}
