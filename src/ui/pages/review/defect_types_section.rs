//! Defect types that a digit key assigns.

use egui::{RichText, TextEdit, Ui};

use super::{scene::ReviewScene, section::PanelSection};
use crate::{
    engine::review::{RecordState, ReviewRequest},
    ui::{
        Action, Frame, theme,
        theme::Palette,
        widgets::{elide::name_label, flush_right},
    },
};

/// The section on defect types.
#[derive(Default)]
pub(super) struct DefectTypesSection {
    /// Name being typed.
    name: String,
}

impl PanelSection for DefectTypesSection {
    fn title(&self) -> &'static str {
        "Defect types"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let send = |frame: &mut Frame<'_>, request| frame.actions.push(Action::engine(request));
        for (i, name) in scene.snapshot.defect_types.iter().enumerate() {
            ui.horizontal(|ui| {
                ui.set_height(theme::ROW_TIGHT);
                ui.spacing_mut().interact_size.y = theme::ROW_TIGHT;
                let key = if i < 9 { (i + 1).to_string() } else { String::new() };
                ui.label(RichText::new(key).monospace().color(p.accent));
                flush_right(ui, |ui| {
                    let remove = egui::Button::new("×").frame(false);
                    let help = "Removes the type from the list; verdicts that use it are unchanged.";
                    if ui.add(remove).accessible_name(format!("Remove {name}")).on_hover_text(help).clicked() {
                        send(frame, ReviewRequest::RetireDefectType(name.clone()));
                    }
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                        name_label(ui, name, egui::TextStyle::Body, p.text);
                    });
                });
            });
        }
        let open = scene.snapshot.state == RecordState::Open;
        ui.add_enabled_ui(open, |ui| {
            ui.horizontal(|ui| {
                let width = ui.available_width() - theme::VALUE;
                let field = TextEdit::singleline(&mut self.name)
                    .id(egui::Id::unique("new-defect-type"))
                    .hint_text("New type")
                    .desired_width(width);
                let field = ui.add(field).accessible_name("New defect type");
                let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
                let ready = !self.name.trim().is_empty();
                let add = ui.add_enabled(ready, egui::Button::new("Add"));
                let why = if open { "Type a name first." } else { "No record is open. Open one first." };
                if (add.on_disabled_hover_text(why).clicked() || entered) && ready {
                    send(frame, ReviewRequest::AddDefectType(self.name.trim().to_owned()));
                    self.name.clear();
                    if entered {
                        field.request_focus();
                    }
                }
            });
        });
    }
}
