//! The log page: the newest lines of the program's log, by level and text.

use egui::{Align, CentralPanel, Layout, RichText, ScrollArea, TextEdit, Ui};
use tracing::Level;

use crate::{
    logging::LogBuffer,
    ui::{
        Action, Frame, PageId,
        pages::{Page, page_frame},
        theme,
        widgets::{drop_down::DropDown, list_keys::scroll_keys},
    },
};

/// The state of the log page.
#[derive(Debug)]
pub(crate) struct LogPage {
    level: Level,
    filter: String,
}

impl Default for LogPage {
    fn default() -> Self {
        Self { level: Level::INFO, filter: String::new() }
    }
}

impl LogPage {
    /// Draws the page.
    pub(crate) fn ui(&mut self, ui: &mut Ui, log: &LogBuffer, actions: &mut Vec<Action>) {
        let p = theme::Palette::of(ui);
        let lines = log.matching(self.level, &self.filter);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Log").text_style(theme::figure()).color(p.text_strong));
            ui.label(theme::weak_caption(&p, format!("{} lines, times in UTC", lines.len())));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let copy = ui.add_enabled(!lines.is_empty(), egui::Button::new("Copy"));
                let copy = copy.on_hover_text("Copies the displayed lines to the clipboard.");
                if copy.on_disabled_hover_text("No lines are displayed.").clicked() {
                    actions.push(Action::Copy(lines.iter().map(|line| line.to_text()).collect::<Vec<_>>().join("\n")));
                }
                let choice = DropDown { name: "Minimum level", help: "Hides less severe lines.", width: theme::CHOICE };
                choice.with_label(ui, "Level", title(self.level), |ui| {
                    for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG] {
                        ui.selectable_value(&mut self.level, level, title(level));
                    }
                });
                let field = TextEdit::singleline(&mut self.filter)
                    .id(egui::Id::unique("log-filter"))
                    .hint_text("Filter")
                    .desired_width(theme::PANEL_MIN);
                ui.add(field).accessible_name("Filter the log");
            });
        });
        ui.add_space(theme::GAP_S);
        if lines.is_empty() {
            ui.weak("No messages at this level.");
            return;
        }
        let area = ScrollArea::both().auto_shrink([false, false]).stick_to_bottom(true);
        area.show_rows(ui, theme::ROW_TIGHT, lines.len(), |ui, range| {
            scroll_keys(ui);
            for line in lines.get(range).unwrap_or_default() {
                let colour = match line.level {
                    Level::ERROR => p.error,
                    Level::WARN => p.warning,
                    Level::INFO => p.text,
                    _ => p.text_weak,
                };
                let text = RichText::new(line.to_text()).monospace().color(colour);
                ui.add(egui::Label::new(text).extend().selectable(true));
            }
        });
    }
}

impl Page for LogPage {
    fn id(&self) -> PageId {
        PageId::Log
    }

    fn draw(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let central = CentralPanel::default().frame(page_frame(ui));
        central.show(ui, |ui| self.ui(ui, LogBuffer::of_program(), frame.actions));
    }
}

fn title(level: Level) -> &'static str {
    match level {
        Level::ERROR => "Errors",
        Level::WARN => "Warnings and above",
        Level::INFO => "Information and above",
        _ => "Everything",
    }
}
