//! The window, built on egui.
//!
//! A page draws from a `Frame` and pushes [`Action`]s; only [`App::apply`] acts on them. Clicks, shortcuts, the command
//! palette and tests thus take the same path.

mod action;
mod app;
mod commands;
mod cpu_painter;
mod dialog;
mod focus;
mod frame;
mod job;
mod more_steps;
mod notices;
mod page_id;
mod pages;
mod path_request;
mod presentation;
mod rail;
mod recipe_history;
mod repaint_pacing;
mod settings;
mod status_bar;
mod theme;
mod typed_path;
mod widgets;

pub use action::{Action, ControlId, FinetuneAction, IntakeAction, RunAction, WindowAction};
pub use app::App;
pub(crate) use app::{PresentationSet, WindowOptions, run};
pub use commands::{
    CommandContext, EvaluationContext, FinetuneContext, IntakeContext, QueryContext, ReviewContext, UiCommand,
};
pub(crate) use frame::Frame;
pub use frame::RunOverlay;
pub use page_id::PageId;
pub use path_request::PathRequest;
pub use settings::{IntakeSettings, ReviewSettings, Settings, ThemeChoice, ViewSettings, XAxis};
pub use widgets::series::{Curve, smooth_all};
