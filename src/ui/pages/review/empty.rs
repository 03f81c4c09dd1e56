//! What the workspace says while there is no part to review.

use egui::{Label, Rect, RichText, Ui, UiBuilder, vec2};

use super::Scene;
use crate::{
    engine::review::RecordState,
    ui::{
        Frame, UiCommand, theme,
        theme::{Palette, StatusMark},
    },
};

/// Draws the page; whether the filter is to let everything pass.
pub(super) fn ui(ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) -> bool {
    let p = Palette::of(ui);
    let room = ui.available_rect_before_wrap();
    let width = (room.width() - 2.0 * theme::GAP_XL).clamp(0.0, theme::TEXT_MAX);
    let column = Rect::from_center_size(room.center(), vec2(width, (room.height() * 0.8).min(theme::EMPTY_COLUMN)));
    let mut all = false;
    ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
        let parts = scene.books.items.len();
        let hidden = scene.books.state == RecordState::Open && parts > 0;
        let title = if hidden { "Nothing in this queue" } else { "Is the model right?" };
        ui.label(RichText::new(title).text_style(theme::verdict()).color(p.text_strong));
        let text = if hidden {
            "The record has parts, and none of them passes the filter in the panel."
        } else {
            "Inspected parts come here one by one, those nearest the line first. One key says what you see, keeps it on \
             record and shows the next part."
        };
        ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
        ui.add_space(theme::GAP_S);
        let path = scene.books.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let (state, text) = match &scene.books.state {
            RecordState::Closed => (StatusMark::Unknown, "No record is open.".to_owned()),
            RecordState::Opening => (StatusMark::Unknown, format!("The record {path} is being read.")),
            RecordState::Absent => {
                let text = "There are no parts yet. The record is made when the first one is filed, by a watched \
                            folder or by 'ganspect watch --db', and its parts appear here by themselves.";
                (StatusMark::Unknown, format!("{text} It is to lie at {path}."))
            }
            RecordState::Open if hidden => (StatusMark::Healthy, format!("{parts} parts are in {path}.")),
            RecordState::Open => {
                (StatusMark::Healthy, format!("{path} is open and holds no part yet. Parts appear here by themselves."))
            }
            RecordState::Failed(text) => (StatusMark::Defective, text.clone()),
        };
        ui.horizontal_top(|ui| {
            theme::state_icon(ui, state);
            ui.add(Label::new(RichText::new(text).color(p.text_strong)).wrap().selectable(true));
        });
        ui.add_space(theme::GAP_M);
        ui.horizontal(|ui| {
            if hidden {
                all = ui.add(theme::primary_button(&p, "Show all parts")).clicked();
            }
            // A folder first, and then what is done with it.
            let folder = scene.settings.intake.folder.is_some();
            let next = if folder { UiCommand::IntakeWatch } else { UiCommand::IntakeFolder };
            for command in [next, UiCommand::ReviewOpen] {
                let primary = !hidden && command == next && command.enabled(frame.context);
                let button = match primary {
                    true => theme::primary_button(&p, command.title()),
                    false => egui::Button::new(command.title()).min_size(vec2(0.0, theme::ROW)),
                };
                let response = ui.add_enabled(command.enabled(frame.context), button);
                if response.on_hover_text(command.tooltip(ui.ctx())).clicked() {
                    frame.command(command);
                }
            }
        });
    });
    all
}
