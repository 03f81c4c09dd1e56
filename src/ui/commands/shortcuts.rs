//! Keyboard shortcuts: turns key presses into commands.

use egui::{Context, Event, InputState, Key, KeyboardShortcut};

use super::{
    CommandContext, UiCommand,
    row::CommandRow,
    table::rows,
    typing::{TypingGuard, Withheld, WithheldKey, shares_letters},
};
use crate::ui::{Action, PageId, widgets::list_keys::is_list_focused};

/// Keys that a focused control needs for itself if no modifier is held.
const FOR_CONTROLS: [Key; 6] = [Key::Space, Key::Enter, Key::ArrowLeft, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown];

/// Keys that a shape being drawn needs for itself.
const FOR_DRAWING: [Key; 4] = [Key::Enter, Key::Escape, Key::Delete, Key::Backspace];

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

/// Keys that undo the last change: of the text while one is typed, of the record otherwise.
const UNDO: Key = Key::Z;

/// Removes the shortcuts pressed since the last frame from the input and requests their commands.
///
/// While a text field has the focus, only those fire that move the focus. A key without modifier does nothing while something else owns the
/// keyboard, and in the moment after text was typed; returns the first that did nothing for such a reason.
pub(crate) fn take(
    ctx: &Context,
    context: &CommandContext,
    typing: &TypingGuard,
    actions: &mut Vec<Action>,
) -> Option<WithheldKey> {
    if ctx.text_edit_focused() {
        leave_field(ctx, context, actions);
        return None;
    }
    // A list leaves the keys of the page's commands to them, but for verdicts: the part meant may be another than its row.
    let list = is_list_focused(ctx);
    let focused = ctx.memory(|m| m.focused()).filter(|_| !list);
    let judging = list && context.page == PageId::Review;
    let owns_letters = judging || focused.is_some_and(|control| !shares_letters(ctx, control));
    let mut withheld = None;
    for (shortcut, row) in shortcuts_on(context.page) {
        let (plain, key) = (shortcut.modifiers.is_none(), shortcut.logical_key);
        if plain && focused.is_some() && FOR_CONTROLS.contains(&key) {
            continue;
        }
        if plain && context.drawing && FOR_DRAWING.contains(&key) {
            continue;
        }
        let why = if plain {
            // A list removes its selected row by this key.
            let own = key == Key::Delete;
            let control = row.records && owns_letters && !own;
            typing.withholds(ctx, key).or(control.then_some(Withheld::Control))
        } else {
            (key == UNDO && typing.is_typing()).then_some(Withheld::Typing)
        };
        if let Some(why) = why {
            // Left in the input, for whatever owns the keyboard.
            if ctx.input(|input| is_pressed(input, &shortcut)) && row.is_enabled(context) {
                withheld = withheld.or(Some(WithheldKey { command: row.command, why }));
            }
        } else if ctx.input_mut(|input| take_one(input, &shortcut)) && row.is_enabled(context) {
            actions.push(Action::Command(row.command));
        }
    }
    withheld
}

/// Requests the commands that move the focus out of a text field.
fn leave_field(ctx: &Context, context: &CommandContext, actions: &mut Vec<Action>) {
    for (shortcut, row) in shortcuts_on(context.page) {
        let moves = matches!(row.command, UiCommand::NextRegion | UiCommand::PreviousRegion);
        if moves && ctx.input_mut(|input| take_one(input, &shortcut)) && row.is_enabled(context) {
            actions.push(Action::Command(row.command));
        }
    }
}

/// Whether the commands of this frame come from a key pressed on a focused button, rather than from the pointer.
pub(crate) fn is_button_key(ctx: &Context) -> bool {
    let key = |event: &Event| matches!(event, Event::Key { key: Key::Space | Key::Enter, pressed: true, .. });
    ctx.input(|i| i.events.iter().any(key))
}

/// The input events after the first press of Escape in this frame; none without one.
pub(crate) fn after_escape(ctx: &Context) -> Vec<Event> {
    let escape = |event: &Event| matches!(event, Event::Key { key: Key::Escape, pressed: true, .. });
    ctx.input(|i| i.events.iter().skip_while(|event| !escape(event)).skip(1).cloned().collect())
}

/// Whether a shortcut is pressed in this frame, other than by the repeat of a key held down.
fn is_pressed(input: &InputState, shortcut: &KeyboardShortcut) -> bool {
    input.events.iter().any(|event| {
        matches!(event, Event::Key { key, modifiers, pressed: true, repeat: false, .. }
            if *key == shortcut.logical_key && modifiers.matches_logically(shortcut.modifiers))
    })
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

#[cfg(test)]
mod tests {
    use egui::{Id, Modifiers, PointerButton, RawInput, TextEdit};

    use super::*;
    use crate::ui::commands::{
        table::tests::{PAGES, full},
        typing::is_typed,
    };

    /// A keyboard before a window that may have a text field.
    #[derive(Default)]
    struct Keyboard {
        ctx: Context,
        typing: TypingGuard,
        time: f64,
        text: String,
    }

    impl Keyboard {
        /// Draws a frame `after` seconds with these events, and a focused field if `field`; returns the commands.
        fn frame(&mut self, page: PageId, after: f64, events: Vec<Event>, field: bool) -> Vec<UiCommand> {
            self.time += after;
            let input = RawInput { time: Some(self.time), events, ..RawInput::default() };
            let (mut actions, ctx) = (Vec::new(), self.ctx.clone());
            let (typing, text) = (&mut self.typing, &mut self.text);
            let _ = ctx.run_ui(input, |ui| {
                typing.observe(ui.ctx(), false);
                take(ui.ctx(), &full(page, true), typing, &mut actions);
                if field {
                    ui.add(TextEdit::singleline(text).id(Id::unique("field"))).request_focus();
                }
            });
            let command = |action: Action| if let Action::Command(command) = action { Some(command) } else { None };
            actions.into_iter().filter_map(command).collect()
        }
    }

    /// A key that is pressed and released.
    fn press(key: Key) -> [Event; 2] {
        let event =
            |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers: Modifiers::NONE };
        [event(true), event(false)]
    }

    /// The single keys of each page, with their commands.
    fn single_keys() -> Vec<(PageId, Key, UiCommand)> {
        let on = |page: PageId| shortcuts_on(page).into_iter().map(move |(shortcut, row)| (page, shortcut, row));
        let all = PAGES.into_iter().flat_map(on);
        let single = all.filter(|(page, shortcut, row)| {
            shortcut.modifiers.is_none()
                && is_typed(shortcut.logical_key)
                && row.is_enabled(&full(*page, true))
                && command_for(shortcut, *page) == Some(row.command)
        });
        single.map(|(page, shortcut, row)| (page, shortcut.logical_key, row.command)).collect()
    }

    #[test]
    fn no_page_takes_typed_text_for_single_keys() {
        let keys = single_keys();
        assert!(keys.len() > 40, "{}", keys.len());
        for (page, key, command) in keys {
            let mut keyboard = Keyboard::default();
            let none = |keyboard: &mut Keyboard, after, events, field, when: &str| {
                let commands = keyboard.frame(page, after, events, field);
                assert!(commands.is_empty(), "{page:?}: {commands:?} {when}");
            };
            none(&mut keyboard, 1.0, Vec::new(), true, "before anything is pressed");
            none(&mut keyboard, 0.1, Vec::new(), true, "before anything is pressed");
            none(&mut keyboard, 5.0, press(key).to_vec(), true, "in a field");
            none(&mut keyboard, 5.0, press(key).to_vec(), false, "just as the field is gone");
            none(&mut keyboard, 0.4, press(key).to_vec(), false, "while the word goes on");
            none(&mut keyboard, 0.6, press(key).to_vec(), false, "while the word still goes on");
            assert_eq!(keyboard.frame(page, 0.9, press(key).to_vec(), false), [command], "{page:?}");
            // Faster than frames are drawn, or after a click that may open a field.
            let other = if key == Key::Q { Key::X } else { Key::Q };
            none(&mut keyboard, 3.0, [press(other), press(key)].concat(), false, "with another letter");
            let text = || Event::Text("pit".into());
            none(&mut keyboard, 3.0, [&press(key)[..], &[text()]].concat(), false, "with more text");
            let (pos, button, modifiers) = (egui::pos2(5.0, 5.0), PointerButton::Primary, Modifiers::NONE);
            let click = Event::PointerButton { pos, button, pressed: true, modifiers };
            none(&mut keyboard, 3.0, [&[click], &press(key)[..]].concat(), false, "with a click");
        }
    }
}
