//! The record: its file and its exports.

use egui::{Label, RichText, Ui, vec2};

use super::{scene::ReviewScene, section::PanelSection};
use crate::{
    engine::review::RecordState,
    review::export::ExportFormat,
    text::PrintablePath,
    ui::{
        Action, Frame, PathRequest, UiCommand,
        pages::reasons,
        theme,
        theme::{FileMark, Mark, NoticeMark, Palette, ProgressMark},
        widgets::rows::marked_text,
    },
};

/// The section on the record.
pub(super) struct RecordSection;

impl PanelSection for RecordSection {
    fn title(&self) -> &'static str {
        "Record"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let path = scene.snapshot.path.as_ref().map(|path| path.printable().to_string()).unwrap_or_default();
        let (mark, text): (Mark, String) = match &scene.snapshot.state {
            RecordState::Closed => (FileMark::Closed.into(), "No record is open.".to_owned()),
            RecordState::Opening => (ProgressMark::Preparing.into(), format!("Reading {path}.")),
            RecordState::Absent => {
                (FileMark::New.into(), format!("{path} will be created with the first inspected part."))
            }
            RecordState::Open => (FileMark::Open.into(), path),
            RecordState::Failed(text) => (NoticeMark::Error.into(), text.clone()),
        };
        marked_text(ui, mark, RichText::new(text).color(p.text));
        if scene.snapshot.state == RecordState::Open {
            let parts = if scene.scope.filter.is_some() { scene.selected } else { scene.scope.whole };
            let text = format!("Exports cover {}.", scene.scope.describe(parts));
            ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(theme::GAP_XS, theme::GAP_XS);
            for (command, title) in [
                (UiCommand::ReviewOpen, "Open…"),
                (UiCommand::ReviewExport, "CSV…"),
                (UiCommand::ReviewReport, "Shift report…"),
            ] {
                let button = ui.add_enabled(command.enabled(frame.context), egui::Button::new(title));
                let tooltip = command.tooltip(ui.ctx());
                let button = button.accessible_name(command.title());
                if button
                    .on_hover_text(&tooltip)
                    .on_disabled_hover_text(reasons::disabled(command, frame.context, ui.ctx()))
                    .clicked()
                {
                    frame.command(command);
                }
            }
            for (format, title, help) in [
                (
                    ExportFormat::Regions,
                    "Regions…",
                    "Writes one row per anomaly region: box, area, peak, direction and size.",
                ),
                (ExportFormat::Jsonl, "JSON Lines…", "Writes one line per part with all recorded data."),
                (
                    ExportFormat::Coco,
                    "COCO…",
                    "Writes the parts with human verdicts, and the outlines of their defects.",
                ),
                (
                    ExportFormat::Masks,
                    "Masks…",
                    "Writes a mask for each defective part, in the folder layout of MVTec AD.",
                ),
            ] {
                let enabled = UiCommand::ReviewExport.enabled(frame.context);
                let button = ui.add_enabled(enabled, egui::Button::new(title));
                if button
                    .on_hover_text(help)
                    .on_disabled_hover_text(reasons::disabled(UiCommand::ReviewExport, frame.context, ui.ctx()))
                    .clicked()
                {
                    frame.actions.push(Action::Ask(PathRequest::ReviewExport(format)));
                }
            }
        });
    }
}
