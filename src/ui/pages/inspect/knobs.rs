//! Editor for the knobs of the next inspection.

use egui::{CollapsingHeader, Ui};

use super::scene::InspectScene;
use crate::{
    engine::{InspectionRequest, inspection::InspectionStatus},
    inspect::{InvertKnobs, InvertPreset, knobs::KNOBS},
    ui::{
        Action, Frame, focus, theme,
        theme::Palette,
        widgets::{drop_down::DropDown, flush_right, knob::knob_editor},
    },
};

/// State of the editor.
#[derive(Debug, Default)]
pub(crate) struct KnobsPanel {
    /// The user's knobs, not yet taken over by the compute thread, and the knobs that were active when they changed.
    edited: Option<(InvertKnobs, InvertKnobs)>,
}

impl KnobsPanel {
    /// Returns the knobs as the user has set them: the active ones, or those still on their way to the compute thread.
    pub(crate) fn current<'a>(&'a mut self, status: &'a InspectionStatus) -> &'a InvertKnobs {
        if self.edited.as_ref().is_some_and(|(_, before)| *before != status.knobs) {
            self.edited = None;
        }
        self.edited.as_ref().map_or(&status.knobs, |(edited, _)| edited)
    }

    /// Draws the panel.
    pub(crate) fn ui(&mut self, ui: &mut Ui, scene: &InspectScene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let current = self.current(&scene.status).clone();
        let preset = InvertPreset::of(&current);
        let mut edited = None;
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            crate::ui::pages::section(ui, "Settings");
            flush_right(ui, |ui| {
                let title = preset.map_or("Custom", InvertPreset::title);
                let help = "Sets all values from a preset";
                let choice = DropDown { name: "Inspection preset", help, width: theme::CHOICE };
                choice.with_label(ui, "Preset", title, |ui| {
                    for option in InvertPreset::ALL {
                        let row = ui.selectable_label(preset == Some(option), option.title());
                        if row.on_hover_text(option.describe()).clicked() && preset != Some(option) {
                            edited = Some(InvertKnobs { seed: current.seed, ..option.knobs() });
                        }
                    }
                });
            });
        });
        let text = preset.map_or("Custom values; choose a preset to restore its values.", InvertPreset::describe);
        ui.add(egui::Label::new(theme::weak_caption(&p, text)).wrap());
        let asked = focus::is_asked_for(ui, |name| KNOBS.iter().any(|knob| knob.key == name));
        let header = CollapsingHeader::new("All settings").id_salt("invert-knobs").open(asked.then_some(true));
        header.show_unindented(ui, |ui| {
            ui.add(egui::Label::new(theme::weak_caption(&p, "Applied to images inspected from now on.")).wrap());
            let base = preset.unwrap_or_default().knobs();
            for knob in &KNOBS {
                let (Some(value), Some(default)) = (current.get(knob), base.get(knob)) else { continue };
                if let Some(value) = knob_editor(ui, knob, &value, &default, true) {
                    edited = current.with(knob, value).ok();
                }
            }
        });
        if let Some(knobs) = edited {
            self.edited = Some((knobs.clone(), scene.status.knobs.clone()));
            frame.actions.push(Action::engine(InspectionRequest::SetKnobs(Box::new(knobs))));
        }
    }
}
