//! Commands that edit the recipe.

use egui::Key;

use super::{
    UiCommand,
    row::{CommandRow, CommandSection, Effect, always, commands, ctrl, ctrl_shift},
};
use crate::ui::{Action, PageId, PathRequest, RunAction};

const EVERYWHERE: &[PageId] = &[];

commands! { "Recipe";
    Undo {
        title: "Undo knob change",
        help: "Undoes the last change to the recipe.",
        keywords: "revert back",
        keys: [ctrl(Key::Z)],
        pages: EVERYWHERE,
        enabled: |c| c.undo,
        effect: Effect::Action(|_| Action::Run(RunAction::UndoRecipe)),
    }
    Redo {
        title: "Redo knob change",
        help: "Redoes the change last undone.",
        keywords: "repeat",
        keys: [ctrl_shift(Key::Z), ctrl(Key::Y)],
        pages: EVERYWHERE,
        enabled: |c| c.redo,
        effect: Effect::Action(|_| Action::Run(RunAction::RedoRecipe)),
    }
    SaveRecipe {
        title: "Save recipe…",
        help: "Writes all knobs to a recipe file.",
        keywords: "export knobs toml",
        keys: [ctrl_shift(Key::S)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Ask(PathRequest::SaveRecipe)),
    }
    LoadRecipe {
        title: "Load recipe…",
        help: "Reads all knobs from a recipe file.",
        keywords: "open import knobs toml",
        keys: [ctrl_shift(Key::L)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Ask(PathRequest::LoadRecipe)),
    }
}
