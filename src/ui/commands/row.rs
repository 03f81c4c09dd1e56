//! The row type of the command table, and the macro that declares the commands of one section.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{CommandContext, UiCommand};
use crate::ui::{Action, PageId};

/// Everything about one command.
pub(in crate::ui) struct CommandRow {
    /// The command.
    pub command: UiCommand,
    /// Name on screen; ends in an ellipsis if more input follows.
    pub title: &'static str,
    /// Description in one sentence, for help and tooltips.
    pub help: &'static str,
    /// Synonyms that the palette also searches.
    pub keywords: &'static str,
    /// Shortcuts; the first is the one shown.
    pub keys: &'static [KeyboardShortcut],
    /// The pages on which the shortcuts apply; none if they apply wherever the page has no other use for them.
    pub pages: &'static [PageId],
    /// Whether the command is available.
    pub enabled: fn(&CommandContext) -> bool,
    /// The effect.
    pub effect: Effect,
    /// Records or discards something, so that its key does nothing while a control has the focus.
    pub records: bool,
}

/// The effect of a command.
#[derive(Clone, Copy)]
pub(in crate::ui) enum Effect {
    /// Performs an action of the window.
    Action(fn(&CommandContext) -> Action),
    /// Is handled by the current page if that is one of the command's pages, and by this page otherwise.
    Page(PageId),
}

/// A group of commands under one heading of the help page.
pub(in crate::ui) struct CommandSection {
    /// Heading.
    pub title: &'static str,
    /// Commands, in the order of the help page.
    pub rows: &'static [CommandRow],
}

/// Declares the commands of a section: a constant of [`UiCommand`] and a table row each.
macro_rules! commands {
    ($section:literal; $($name:ident {
        title: $title:expr,
        help: $help:expr,
        keywords: $keywords:expr,
        keys: [$($key:expr),*],
        pages: $pages:expr,
        enabled: $enabled:expr,
        effect: $effect:expr,
        $(records: $records:expr,)?
    })*) => {
        // Written like the variants of an enum.
        #[allow(non_upper_case_globals)]
        impl UiCommand {
            $(#[doc = $help] pub const $name: Self = Self(stringify!($name));)*
        }

        /// The commands of this section.
        pub(super) const SECTION: CommandSection = CommandSection {
            title: $section,
            rows: &[$(CommandRow {
                command: UiCommand::$name,
                title: $title,
                help: $help,
                keywords: $keywords,
                keys: &[$($key),*],
                pages: $pages,
                enabled: $enabled,
                effect: $effect,
                records: false $(|| $records)?,
            }),*],
        };
    };
}
pub(super) use commands;

/// A key without modifiers.
pub(super) const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

/// A key with Shift.
pub(super) const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}

/// A key with Ctrl, or Cmd on macOS.
pub(super) const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

/// A key with Ctrl and Shift.
pub(super) const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

/// For commands that are always available.
pub(super) const fn always(_: &CommandContext) -> bool {
    true
}
