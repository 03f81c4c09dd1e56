//! The help page: every command with its keys, and every knob with what it does.

use egui::{Align, Layout, RichText, ScrollArea, TextEdit, Ui, vec2};

use crate::{
    train::{
        KNOBS,
        knobs::{Group, Knob},
    },
    ui::{Action, CommandContext, UiCommand, commands::SECTIONS, theme},
};

/// Width of a command's or a knob's name.
const NAME: f32 = 240.0;
/// Width of the keys beside it.
const KEYS: f32 = 130.0;

/// The page's own state.
#[derive(Debug, Default)]
pub struct HelpPage {
    needle: String,
}

impl HelpPage {
    /// Draws the page. A command's name is a button that carries it out.
    pub fn ui(&mut self, ui: &mut Ui, facts: &CommandContext, actions: &mut Vec<Action>) {
        let p = theme::Palette::of(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Help").text_style(theme::figure()).color(p.text_strong));
            ui.label(theme::weak_caption(&p, concat!("Ganspect ", env!("CARGO_PKG_VERSION"))));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let field = TextEdit::singleline(&mut self.needle).hint_text("Filter").desired_width(theme::PANEL_MIN);
                ui.add(field).accessible_name("Filter the help");
            });
        });
        ui.add_space(theme::GAP_S);
        let needle = self.needle.to_lowercase();
        let fits = |words: &[&str]| needle.is_empty() || words.iter().any(|w| w.to_lowercase().contains(&needle));
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            let mut any = false;
            for (heading, commands) in SECTIONS {
                let shown: Vec<UiCommand> =
                    commands.iter().copied().filter(|c| fits(&[heading, c.title(), c.help(), c.keywords()])).collect();
                if shown.is_empty() {
                    continue;
                }
                any = true;
                section(ui, &p, heading);
                for command in shown {
                    command_row(ui, &p, command, facts, actions);
                }
            }
            for group in Group::ALL {
                let shown: Vec<&Knob> = KNOBS
                    .iter()
                    .filter(|k| k.group == group && fits(&[group.title(), k.label, k.key, k.help]))
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
                ui.weak("Nothing in the help has these letters.");
            }
            ui.add_space(theme::GAP_XL);
        });
    }
}

fn section(ui: &mut Ui, p: &theme::Palette, title: &str) {
    ui.add_space(theme::GAP_L);
    ui.label(RichText::new(title).text_style(theme::section()).color(p.text_strong));
    ui.add_space(theme::GAP_XS);
}

fn command_row(ui: &mut Ui, p: &theme::Palette, command: UiCommand, facts: &CommandContext, actions: &mut Vec<Action>) {
    ui.horizontal_top(|ui| {
        ui.allocate_ui_with_layout(vec2(NAME, theme::ROW_TIGHT), Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_width(NAME);
            let link = egui::Button::new(command.title()).frame(false);
            let row = ui.add_enabled(command.enabled(facts), link);
            if row.on_hover_text("Does it now.").on_disabled_hover_text("Makes no sense just now.").clicked() {
                actions.push(Action::Command(command));
            }
        });
        ui.allocate_ui_with_layout(vec2(KEYS, theme::ROW_TIGHT), Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_width(KEYS);
            let keys: Vec<String> = command.shortcuts().iter().map(|s| ui.ctx().format_shortcut(s)).collect();
            ui.label(RichText::new(keys.join(", ")).color(p.text_strong));
        });
        ui.add(egui::Label::new(RichText::new(command.help()).color(p.text_weak)).wrap());
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
        let when = if knob.live { "can be turned while a run goes on" } else { "fixed once a run has begun" };
        let text = format!("{} Takes {}; {when}.", knob.help, knob.domain);
        ui.add(egui::Label::new(RichText::new(text).color(p.text_weak)).wrap());
    });
}
