//! Keeps text that a person types from acting as commands.

use egui::{Context, Event, Id, InputState, Key, Popup};

use super::UiCommand;

/// Time after typing during which single keys do nothing, in seconds.
const MOMENT: f64 = 0.7;
/// Time during which a second key that did nothing is not reported again, in seconds.
const TOLD: f64 = 3.0;

/// Why a single key did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// Text was typed a moment ago.
    Typing,
    /// Other keys or a click arrived in the same frame, so that the key may belong to a text.
    Together,
    /// A control other than a text field has the focus.
    Control,
    /// A drop-down, a menu or a dialog is open.
    Owned,
}

/// A single key that was pressed and did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WithheldKey {
    /// Its command.
    pub command: UiCommand,
    /// Why it did nothing.
    pub why: Withheld,
}

impl WithheldKey {
    /// Returns the message for the user; `None` where it is clear what has the keyboard.
    pub(crate) fn message(&self, ctx: &Context) -> Option<String> {
        let (title, keys) = (self.command.title(), self.command.keys(ctx));
        match self.why {
            Withheld::Owned => None,
            Withheld::Typing => {
                Some(format!("{keys} came while text was typed, so it did nothing. Press it again for '{title}'."))
            }
            Withheld::Together => {
                Some(format!("{keys} came together with other input, so it did nothing. Press it again for '{title}'."))
            }
            Withheld::Control => Some(format!(
                "A control on the page has the keyboard, so {keys} did nothing. Press Escape, then {keys} for '{title}'."
            )),
        }
    }
}

/// Follows what owns the keyboard from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct TypingGuard {
    /// Time of this frame in seconds, and its number.
    now: f64,
    frame: u64,
    /// Time until which keys belong to the text typed last.
    until: f64,
    /// A text field had the focus in the last frame.
    field: bool,
    /// A drop-down, a menu or a dialog is open.
    owned: bool,
    /// Time until which another key is not reported.
    told: f64,
}

impl TypingGuard {
    /// Takes note of what owns the keyboard in this frame; `dialog` says whether a dialog is open.
    pub(crate) fn observe(&mut self, ctx: &Context, dialog: bool) {
        let field = ctx.text_edit_focused();
        self.owned = dialog || Popup::is_any_open(ctx);
        let pressed = |event: &Event| matches!(event, Event::Key { pressed: true, .. } | Event::Text(_));
        let pressed = ctx.input(|i| i.events.iter().any(pressed));
        // A frame may be laid out several times; without a clock, egui adds its length each time.
        let frame = ctx.cumulative_frame_nr();
        let length = if frame == self.frame { 0.0 } else { ctx.input(|i| f64::from(i.raw.predicted_dt)) };
        self.now = ctx.input(|i| i.raw.time).unwrap_or(self.now + length);
        self.frame = frame;
        // A word that goes on without a pause still belongs to its field.
        if field || self.field || (self.owned || self.is_typing()) && pressed {
            self.until = self.now + MOMENT;
        }
        self.field = field;
    }

    /// Whether text was typed, or a text field had the focus, a moment ago.
    pub(crate) fn is_typing(&self) -> bool {
        self.now < self.until
    }

    /// Returns why a key without modifier has no effect as a command in this frame.
    pub(super) fn withholds(&self, ctx: &Context, key: Key) -> Option<Withheld> {
        if self.owned {
            Some(Withheld::Owned)
        } else if !is_typed(key) {
            None
        } else if self.is_typing() {
            Some(Withheld::Typing)
        } else {
            ctx.input(is_mixed).then_some(Withheld::Together)
        }
    }

    /// Takes note of a key that had no effect; returns whether to report it.
    pub(crate) fn note(&mut self, withheld: &WithheldKey) -> bool {
        let now = self.now;
        let report = withheld.why != Withheld::Owned && now >= self.told;
        if withheld.why != Withheld::Owned {
            self.told = now + TOLD;
        }
        report
    }
}

/// Lets single keys act as commands while this control has the focus: a picture or a plot has no use for letters.
pub(in crate::ui) fn share_letters(ctx: &Context, control: Id) {
    ctx.data_mut(|data| data.insert_temp(sharing(), control));
}

/// Whether the focused control leaves letters to the page.
pub(super) fn shares_letters(ctx: &Context, control: Id) -> bool {
    ctx.data(|data| data.get_temp::<Id>(sharing())) == Some(control)
}

fn sharing() -> Id {
    Id::unique("control-that-shares-letters")
}

/// Whether a key writes or deletes text.
pub(super) fn is_typed(key: Key) -> bool {
    let named = matches!(
        key,
        Key::Space
            | Key::Enter
            | Key::Backspace
            | Key::Delete
            | Key::Plus
            | Key::Minus
            | Key::Equals
            | Key::Comma
            | Key::Period
    );
    // Letters and digits are named by themselves.
    named || key.name().chars().count() == 1
}

/// The keys pressed in this frame that write or delete text, without those that the keyboard repeats.
fn typed_keys(input: &InputState) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for event in &input.events {
        if let Event::Key { key, pressed: true, repeat: false, modifiers, .. } = event
            && is_typed(*key)
            && !modifiers.command
            && !keys.contains(key)
        {
            keys.push(*key);
        }
    }
    keys
}

/// The number of characters that this frame enters.
fn text(input: &InputState) -> usize {
    let entered = |event: &Event| match event {
        Event::Text(text) | Event::Paste(text) => text.chars().count(),
        _ => 0,
    };
    input.events.iter().map(entered).sum()
}

/// Whether a frame has more input than one key, as when text is typed faster than frames are drawn.
fn is_mixed(input: &InputState) -> bool {
    let pressed = |event: &&Event| matches!(event, Event::Key { key, pressed: true, .. } if is_typed(*key));
    let presses = input.events.iter().filter(pressed).count();
    // A shortcut with a modifier, or a click, may put the focus into a field for which the rest is meant.
    let opens = |event: &Event| {
        matches!(event, Event::PointerButton { pressed: true, .. } | Event::Ime(_) | Event::Paste(_))
            || matches!(event, Event::Key { key, pressed: true, modifiers, .. }
                if modifiers.command || matches!(key, Key::Tab | Key::Escape))
    };
    typed_keys(input).len() > 1 || text(input) > presses || input.events.iter().any(opens)
}
