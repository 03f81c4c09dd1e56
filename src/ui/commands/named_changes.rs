//! What undo and redo of the recipe would change, for the titles and tooltips of their commands.

use egui::{Context, Id};

use super::UiCommand;

fn id() -> Id {
    Id::unique("named-changes")
}

/// Stores what undo and redo would change, in words; empty if there is nothing.
pub(in crate::ui) fn tell(ctx: &Context, undo: &str, redo: &str) {
    ctx.data_mut(|data| {
        let told: &mut [String; 2] = data.get_temp_mut_or_default(id());
        for (told, words) in told.iter_mut().zip([undo, redo]) {
            if told != words {
                words.clone_into(told);
            }
        }
    });
}

impl UiCommand {
    /// Returns what the command would change, if that is known.
    pub(in crate::ui) fn change(self, ctx: &Context) -> Option<String> {
        let i = match self {
            Self::Undo => 0,
            Self::Redo => 1,
            _ => return None,
        };
        let told = ctx.data(|data| data.get_temp::<[String; 2]>(id()))?;
        told.into_iter().nth(i).filter(|words| !words.is_empty())
    }
}
