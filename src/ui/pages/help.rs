//! The help page: all commands with their shortcuts, and all knobs with their descriptions.

use egui::{Align, CentralPanel, Layout, RichText, ScrollArea, TextEdit, Ui, vec2};

use crate::{
    train::{
        KNOBS,
        knobs::{Group, Knob},
    },
    ui::{
        Action, CommandContext, Frame, PageId,
        commands::{CommandRow, SECTIONS},
        pages::{Page, page_frame, reasons},
        theme,
        widgets::list_keys::scroll_keys,
    },
};

/// Width of the names of commands and knobs.
const NAME: f32 = 240.0;
/// Width of the shortcuts beside them.
const KEYS: f32 = 130.0;

/// The state of the help page.
#[derive(Debug, Default)]
pub(crate) struct HelpPage {
    filter: String,
}

impl HelpPage {
    /// Lists this knob only.
    pub(crate) fn show_knob(&mut self, key: &str) {
        self.filter = key.to_owned();
    }

    /// Draws the page. The name of a command is a button that runs it.
    pub(crate) fn ui(&mut self, ui: &mut Ui, context: &CommandContext, actions: &mut Vec<Action>) {
        let p = theme::Palette::of(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Help").text_style(theme::figure()).color(p.text_strong));
            ui.label(theme::weak_caption(&p, concat!("Ganspect ", env!("CARGO_PKG_VERSION"))));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let field = TextEdit::singleline(&mut self.filter)
                    .id(egui::Id::unique("help-filter"))
                    .hint_text("Filter")
                    .desired_width(theme::PANEL_MIN);
                ui.add(field).accessible_name("Filter the help");
            });
        });
        ui.add_space(theme::GAP_S);
        let filter = self.filter.to_lowercase();
        let matches = |texts: &[&str]| filter.is_empty() || texts.iter().any(|t| t.to_lowercase().contains(&filter));
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            scroll_keys(ui);
            let mut any = false;
            for commands in SECTIONS {
                let shown = commands.rows.iter();
                let shown: Vec<&CommandRow> =
                    shown.filter(|row| matches(&[commands.title, row.title, row.help, row.keywords])).collect();
                if shown.is_empty() {
                    continue;
                }
                any = true;
                section(ui, &p, commands.title);
                for row in shown {
                    command_row(ui, &p, row, context, actions);
                }
            }
            for group in Group::ALL {
                let shown: Vec<&Knob> = KNOBS
                    .iter()
                    .filter(|k| k.group == group && matches(&[group.title(), k.label, k.key, k.help]))
                    .collect();
                if shown.is_empty() {
                    continue;
                }
                any = true;
                section(ui, &p, &format!("Knobs: {}", group.title().to_lowercase()));
                for knob in shown {
                    knob_row(ui, &p, knob);
                }
            }
            if !any {
                ui.weak("No matching command or knob.");
            }
            ui.add_space(theme::GAP_XL);
        });
    }
}

impl Page for HelpPage {
    fn id(&self) -> PageId {
        PageId::Help
    }

    fn draw(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        CentralPanel::default().frame(page_frame(ui)).show(ui, |ui| self.ui(ui, frame.context, frame.actions));
    }
}

fn section(ui: &mut Ui, p: &theme::Palette, title: &str) {
    ui.add_space(theme::GAP_L);
    ui.label(RichText::new(title).text_style(theme::section()).color(p.text_strong));
    ui.add_space(theme::GAP_XS);
}

fn command_row(ui: &mut Ui, p: &theme::Palette, row: &CommandRow, context: &CommandContext, actions: &mut Vec<Action>) {
    ui.horizontal_top(|ui| {
        ui.allocate_ui_with_layout(vec2(NAME, theme::ROW_TIGHT), Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_width(NAME);
            let link = egui::Button::new(row.title).frame(false);
            let link = ui.add_enabled(row.is_enabled(context), link);
            if link
                .on_hover_text("Run this command.")
                .on_disabled_hover_text(reasons::disabled(row.command, context, ui.ctx()))
                .clicked()
            {
                actions.push(Action::Command(row.command));
            }
        });
        ui.allocate_ui_with_layout(vec2(KEYS, theme::ROW_TIGHT), Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_width(KEYS);
            let keys: Vec<String> = row.keys.iter().map(|s| ui.ctx().format_shortcut(s)).collect();
            ui.label(RichText::new(keys.join(", ")).color(p.text_strong));
        });
        ui.add(egui::Label::new(RichText::new(row.help).color(p.text_weak)).wrap());
    });
}

fn knob_row(ui: &mut Ui, p: &theme::Palette, knob: &Knob) {
    ui.horizontal_top(|ui| {
        ui.allocate_ui_with_layout(vec2(NAME, theme::ROW_TIGHT), Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_width(NAME);
            ui.add(egui::Label::new(RichText::new(knob.label).color(p.text)).wrap());
        });
        ui.allocate_ui_with_layout(vec2(KEYS, theme::ROW_TIGHT), Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_width(KEYS);
            ui.label(RichText::new(knob.key).monospace().color(p.text_weak));
        });
        let when = if knob.live { "can be changed during a run" } else { "fixed once a run has started" };
        let text = format!("{} Range: {}; {when}.", knob.help, knob.domain);
        ui.add(egui::Label::new(RichText::new(text).color(p.text_weak)).wrap());
    });
}
