//! Shortcuts: from key presses to entries of the command table.

use egui::{Context, Event, InputState, Key, KeyboardShortcut};

use crate::ui::{Action, CommandContext, UiCommand};

/// Keys that a focused control needs for itself when no modifier is held.
const FOR_CONTROLS: [Key; 6] = [Key::Space, Key::Enter, Key::ArrowLeft, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown];

/// Keys that do their work again while held down.
const REPEATING: [Key; 5] = [Key::ArrowLeft, Key::ArrowRight, Key::Plus, Key::Equals, Key::Minus];

/// Takes the shortcuts pressed since the last frame out of the input and asks for their commands.
/// None fires while a text field has the focus.
pub fn take(ctx: &Context, facts: &CommandContext, actions: &mut Vec<Action>) {
    if ctx.text_edit_focused() {
        return;
    }
    let control_focused = ctx.memory(|m| m.focused().is_some());
    // Ctrl+Shift+Z also fits the pattern Ctrl+Z, so whatever asks for more modifiers comes first.
    let mut table: Vec<(KeyboardShortcut, UiCommand)> =
        UiCommand::all().flat_map(|c| c.shortcuts().iter().map(move |s| (*s, c))).collect();
    // On a page with a use of its own for a key, that use comes before the one it has elsewhere.
    table.retain(|(_, c)| c.homes().is_empty() || c.homes().contains(&facts.page));
    table.sort_by_key(|(s, c)| (!s.modifiers.shift, c.homes().is_empty()));
    ctx.input_mut(|input| {
        for (shortcut, command) in table {
            let plain = shortcut.modifiers.is_none();
            if plain && control_focused && FOR_CONTROLS.contains(&shortcut.logical_key) {
                continue;
            }
            if take_one(input, &shortcut) && command.enabled(facts) {
                actions.push(Action::Command(command));
            }
        }
    });
}

/// The input that follows the first press of Escape in this frame, none without one.
pub fn after_escape(ctx: &Context) -> Vec<Event> {
    let escape = |event: &Event| matches!(event, Event::Key { key: Key::Escape, pressed: true, .. });
    ctx.input(|i| i.events.iter().skip_while(|event| !escape(event)).skip(1).cloned().collect())
}

/// Removes the presses of one shortcut; `true` when there was one that counts.
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
