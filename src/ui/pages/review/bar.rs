//! The verdict buttons, labelled with their keys.

use egui::{Button, Key, RichText, Sense, Ui, vec2};
use egui_material_icons::icons;

use crate::ui::{Frame, UiCommand, pages::reasons, theme, theme::Palette, widgets::icon_button};

/// The verdict commands, from left to right.
const VERDICTS: [UiCommand; 5] = [
    UiCommand::ReviewAgree,
    UiCommand::ReviewHealthy,
    UiCommand::ReviewDefective,
    UiCommand::ReviewUnsure,
    UiCommand::ReviewSkip,
];

/// Other commands on the current part.
const OTHERS: [UiCommand; 3] = [UiCommand::ReviewUndo, UiCommand::ReviewNote, UiCommand::ReviewDraw];

/// Draws the buttons in one row, or in two where the window is narrow.
pub(super) fn ui(ui: &mut Ui, frame: &mut Frame<'_>) {
    ui.spacing_mut().item_spacing = vec2(theme::GAP_XS, theme::GAP_XS);
    if ui.available_width() >= theme::VERDICTS_ROOMY - 2.0 * theme::GAP_S {
        ui.horizontal_centered(|ui| {
            verdicts(ui, frame);
            ui.separator();
            others(ui, frame);
        });
    } else {
        ui.horizontal(|ui| verdicts(ui, frame));
        ui.horizontal(|ui| others(ui, frame));
    }
}

fn verdicts(ui: &mut Ui, frame: &mut Frame<'_>) {
    for command in VERDICTS {
        button(ui, command, command.title(), frame);
    }
}

fn others(ui: &mut Ui, frame: &mut Frame<'_>) {
    for command in OTHERS {
        let title = match command {
            UiCommand::ReviewUndo => "Undo",
            UiCommand::ReviewDraw => "Region",
            command => command.title(),
        };
        button(ui, command, title, frame);
    }
    ui.separator();
    let steps =
        [(UiCommand::ReviewBack, icons::ICON_CHEVRON_LEFT), (UiCommand::ReviewForward, icons::ICON_CHEVRON_RIGHT)];
    for (command, icon) in steps {
        let (tooltip, enabled) = (command.tooltip(ui.ctx()), command.enabled(frame.context));
        if icon_button(ui, icon, &tooltip, enabled).accessible_name(command.title()).clicked() {
            frame.command(command);
        }
    }
}

/// Draws the button of a command: its key, then its title.
fn button(ui: &mut Ui, command: UiCommand, title: &str, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let keys = match command.shortcuts().first() {
        Some(shortcut) if shortcut.logical_key == Key::Space => "Space".to_owned(),
        _ => command.keys(ui.ctx()),
    };
    let enabled = command.enabled(frame.context);
    let key = RichText::new(keys).monospace().color(if enabled { p.accent } else { p.text_weak });
    // The keyboard gives a verdict by its key alone: Space or Enter on a focused button may belong to a text.
    let sense = if command.records() { Sense::CLICK } else { Sense::click() };
    let button = Button::new((key, RichText::new(title))).min_size(vec2(0.0, theme::ROW)).sense(sense);
    let response = ui.add_enabled(enabled, button).accessible_name(command.title());
    let disabled = reasons::disabled(command, frame.context, ui.ctx());
    if response.on_hover_text(command.tooltip(ui.ctx())).on_disabled_hover_text(disabled).clicked() {
        frame.command(command);
    }
}
