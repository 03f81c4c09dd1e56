//! Keyboard shortcuts: turns key presses into commands.

use egui::{Context, Event, InputState, Key, KeyboardShortcut};

#[cfg(test)]
use super::UiCommand;
use super::{CommandContext, row::CommandRow, table::rows};
use crate::ui::{Action, PageId};

/// Keys that a focused control needs for itself if no modifier is held.
const FOR_CONTROLS: [Key; 6] = [Key::Space, Key::Enter, Key::ArrowLeft, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown];

/// Keys that repeat their command while held down.
const REPEATING: [Key; 5] = [Key::ArrowLeft, Key::ArrowRight, Key::Plus, Key::Equals, Key::Minus];

/// The shortcuts that apply on a page, in order of precedence.
fn shortcuts_on(page: PageId) -> Vec<(KeyboardShortcut, &'static CommandRow)> {
    let applies = |row: &&CommandRow| row.pages.is_empty() || row.pages.contains(&page);
    let mut shortcuts: Vec<_> =
        rows().filter(applies).flat_map(|row| row.keys.iter().map(move |key| (*key, row))).collect();
    // Ctrl+Shift+Z also matches the pattern Ctrl+Z, so shortcuts with more modifiers come first; a page's own shortcuts
    // come before those that apply everywhere.
    shortcuts.sort_by_key(|(key, row)| (!key.modifiers.shift, row.pages.is_empty()));
    shortcuts
}

/// The command that a shortcut triggers on a page.
#[cfg(test)]
pub(super) fn command_for(shortcut: &KeyboardShortcut, page: PageId) -> Option<UiCommand> {
    shortcuts_on(page).into_iter().find(|(key, _)| key == shortcut).map(|(_, row)| row.command)
}

/// Removes the shortcuts pressed since the last frame from the input and requests their commands.
/// None fires while a text field has the focus.
pub(crate) fn take(ctx: &Context, context: &CommandContext, actions: &mut Vec<Action>) {
    if ctx.text_edit_focused() {
        return;
    }
    let control_focused = ctx.memory(|m| m.focused().is_some());
    ctx.input_mut(|input| {
        for (shortcut, row) in shortcuts_on(context.page) {
            let plain = shortcut.modifiers.is_none();
            if plain && control_focused && FOR_CONTROLS.contains(&shortcut.logical_key) {
                continue;
            }
            if take_one(input, &shortcut) && row.is_enabled(context) {
                actions.push(Action::Command(row.command));
            }
        }
    });
}

/// The input events after the first press of Escape in this frame; none without one.
pub(crate) fn after_escape(ctx: &Context) -> Vec<Event> {
    let escape = |event: &Event| matches!(event, Event::Key { key: Key::Escape, pressed: true, .. });
    ctx.input(|i| i.events.iter().skip_while(|event| !escape(event)).skip(1).cloned().collect())
}

/// Removes all presses of one shortcut; returns whether one of them triggers it.
fn take_one(input: &mut InputState, shortcut: &KeyboardShortcut) -> bool {
    let mut pressed = false;
    input.events.retain(|event| match event {
        Event::Key { key, modifiers, pressed: true, repeat, .. }
            if *key == shortcut.logical_key && modifiers.matches_logically(shortcut.modifiers) =>
        {
            pressed |= !repeat || REPEATING.contains(key);
            false
        }
        _ => true,
    });
    pressed
}
