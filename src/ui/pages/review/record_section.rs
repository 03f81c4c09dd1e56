//! The record itself: where it lies, its kinds of defect, and what can be written from it.

use egui::{Label, RichText, TextEdit, Ui, vec2};

use super::{Scene, panel::PanelSection};
use crate::{
    engine,
    engine::review::{RecordState, ReviewRequest},
    review::export::Format,
    ui::{
        Action, Frame, PathRequest, UiCommand, theme,
        theme::{Palette, StatusMark},
    },
};

/// The kinds of defect that digits name.
#[derive(Default)]
pub(super) struct Kinds {
    /// A name as it is typed.
    name: String,
}

impl PanelSection for Kinds {
    fn title(&self) -> &'static str {
        "Kinds of defect"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let ask = |frame: &mut Frame<'_>, ask| frame.actions.push(Action::Engine(engine::Command::Review(ask)));
        for (i, kind) in scene.books.kinds.iter().enumerate() {
            ui.horizontal(|ui| {
                ui.set_height(theme::ROW_TIGHT);
                ui.spacing_mut().interact_size.y = theme::ROW_TIGHT;
                let key = if i < 9 { (i + 1).to_string() } else { String::new() };
                ui.label(RichText::new(key).monospace().color(p.accent));
                crate::ui::widgets::flush_right(ui, |ui| {
                    let drop = egui::Button::new("×").frame(false);
                    let help = "Offers it no longer; verdicts that name it stay as they are.";
                    if ui.add(drop).accessible_name(format!("Drop {kind}")).on_hover_text(help).clicked() {
                        ask(frame, ReviewRequest::DropKind(kind.clone()));
                    }
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                        ui.add(Label::new(RichText::new(kind).color(p.text)).truncate());
                    });
                });
            });
        }
        let open = scene.books.state == RecordState::Open;
        ui.add_enabled_ui(open, |ui| {
            ui.horizontal(|ui| {
                let width = ui.available_width() - theme::VALUE;
                let field = TextEdit::singleline(&mut self.name).hint_text("Another kind").desired_width(width);
                let field = ui.add(field).accessible_name("Another kind of defect");
                let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
                let ready = !self.name.trim().is_empty();
                if (ui.add_enabled(ready, egui::Button::new("Add")).clicked() || entered) && ready {
                    ask(frame, ReviewRequest::AddKind(self.name.trim().to_owned()));
                    self.name.clear();
                    if entered {
                        field.request_focus();
                    }
                }
            });
        });
    }
}

/// Where the record lies, and what it is good for.
pub(super) struct RecordSection;

impl PanelSection for RecordSection {
    fn title(&self) -> &'static str {
        "Record"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let path = scene.books.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let (state, text) = match &scene.books.state {
            RecordState::Closed => (StatusMark::Unknown, "No record is open.".to_owned()),
            RecordState::Opening => (StatusMark::Unknown, format!("Reading {path}.")),
            RecordState::Absent => (StatusMark::Unknown, format!("{path} is made when the first part is filed.")),
            RecordState::Open => (StatusMark::Healthy, path),
            RecordState::Failed(text) => (StatusMark::Defective, text.clone()),
        };
        ui.horizontal_top(|ui| {
            theme::state_icon(ui, state);
            ui.add(Label::new(RichText::new(text).color(p.text)).wrap().selectable(true));
        });
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(theme::GAP_XS, theme::GAP_XS);
            for (command, title) in [
                (UiCommand::ReviewOpen, "Open…"),
                (UiCommand::ReviewExport, "Table…"),
                (UiCommand::ReviewReport, "Shift report…"),
            ] {
                let button = ui.add_enabled(command.enabled(frame.context), egui::Button::new(title));
                let tooltip = command.tooltip(ui.ctx());
                let button = button.accessible_name(command.title());
                if button.on_hover_text(&tooltip).on_disabled_hover_text(&tooltip).clicked() {
                    frame.command(command);
                }
            }
            for (format, title, help) in [
                (Format::Jsonl, "JSON lines…", "Writes a part a line with everything that is known of it."),
                (Format::Coco, "COCO…", "Writes the parts that people ruled on, with the outlines of their defects."),
                (Format::Masks, "Masks…", "Writes a mask for each defective part, laid out as MVTec AD is."),
            ] {
                let enabled = UiCommand::ReviewExport.enabled(frame.context);
                let button = ui.add_enabled(enabled, egui::Button::new(title));
                if button.on_hover_text(help).on_disabled_hover_text(help).clicked() {
                    frame.actions.push(Action::Ask(PathRequest::ReviewExport(format)));
                }
            }
        });
    }
}
