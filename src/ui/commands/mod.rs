//! The command table: one row per command, grouped by page. The palette, the help page, shortcuts and buttons read it.

mod command;
mod context;
mod evaluate;
mod inspect;
mod intake;
pub(super) mod named_changes;
pub(super) mod palette;
mod presentation;
mod ranking;
mod recipe;
mod review;
mod row;
mod samples;
pub(super) mod shortcuts;
mod table;
mod train;
pub(super) mod typing;
mod window;

pub use command::UiCommand;
pub use context::{CommandContext, EvaluationContext, FinetuneContext, IntakeContext, QueryContext, ReviewContext};
pub(super) use row::{CommandRow, Effect};
pub(super) use table::SECTIONS;
