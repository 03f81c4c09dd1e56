//! The workspace without a part to review.

use egui::{Label, RichText, Ui, vec2};

use super::{next, next::Rest, scene::ReviewScene};
use crate::{
    engine::review::RecordState,
    format::counted,
    text::PrintablePath,
    ui::{
        Frame, UiCommand,
        pages::reasons,
        theme,
        theme::{FileMark, Mark, NoticeMark, Palette, ProgressMark},
        widgets::{empty_column, rows::marked_text},
    },
};

/// Draws the page; returns whether to clear the filter. `end` is given where the queue is empty because all its parts are
/// done: the rest of the record, and the filter in words.
pub(super) fn ui(ui: &mut Ui, scene: &ReviewScene, end: Option<(Rest, Option<String>)>, frame: &mut Frame<'_>) -> bool {
    let p = Palette::of(ui);
    let mut clear_filter = false;
    empty_column(ui, "review-empty", theme::EMPTY_COLUMN, |ui| {
        let parts = scene.snapshot.items.len();
        let hidden = scene.snapshot.state == RecordState::Open && parts > 0;
        if let Some((rest, words)) = end {
            ui.label(RichText::new("This queue is done").text_style(theme::verdict()).color(p.text_strong));
            ui.add_space(theme::GAP_S);
            clear_filter = next::ui(ui, rest, words.as_deref(), scene, frame);
            return;
        }
        let title = if hidden { "No parts in this queue" } else { "Is the model right?" };
        ui.label(RichText::new(title).text_style(theme::verdict()).color(p.text_strong));
        let text = if hidden {
            "No part of the record matches the filter in the panel."
        } else {
            "Inspected parts are shown one by one, borderline parts first. One key records your verdict and shows the \
             next part."
        };
        ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
        ui.add_space(theme::GAP_S);
        let path = scene.snapshot.path.as_ref().map(|path| path.printable().to_string()).unwrap_or_default();
        let (mark, text): (Mark, String) = match &scene.snapshot.state {
            RecordState::Closed => (FileMark::Closed.into(), "No record is open.".to_owned()),
            RecordState::Opening => (ProgressMark::Preparing.into(), format!("Reading the record {path}.")),
            RecordState::Absent => {
                let text = "There are no parts yet. A watched folder or 'ganspect watch --db' creates the record with \
                            the first inspected part; parts appear here automatically.";
                (FileMark::New.into(), format!("{text} It will be created at {path}."))
            }
            RecordState::Open if hidden => {
                (FileMark::Open.into(), format!("{path} contains {}.", counted(parts, "part")))
            }
            RecordState::Open => (
                FileMark::Open.into(),
                format!("{path} is open and contains no parts yet. They appear here automatically."),
            ),
            RecordState::Failed(text) => (NoticeMark::Error.into(), text.clone()),
        };
        marked_text(ui, mark, RichText::new(text).color(p.text_strong));
        ui.add_space(theme::GAP_M);
        ui.horizontal_wrapped(|ui| {
            if hidden {
                clear_filter = ui.add(theme::primary_button(&p, "Show all parts")).clicked();
            }
            // The folder is chosen first, then watched.
            let folder = scene.settings.intake.folder.is_some();
            let next = if folder { UiCommand::IntakeWatch } else { UiCommand::IntakeFolder };
            for command in [next, UiCommand::ReviewOpen] {
                let primary = !hidden && command == next && command.enabled(frame.context);
                let button = match primary {
                    true => theme::primary_button(&p, command.title()),
                    false => egui::Button::new(command.title()).min_size(vec2(0.0, theme::ROW)),
                };
                let response = ui.add_enabled(command.enabled(frame.context), button);
                let response = response.on_hover_text(command.tooltip(ui.ctx()));
                if response.on_disabled_hover_text(reasons::disabled(command, frame.context, ui.ctx())).clicked() {
                    frame.command(command);
                }
            }
        });
    });
    clear_filter
}
