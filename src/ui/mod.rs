//! The window: one frame, one table of commands, one place that applies them.
//!
//! A view draws what [`Frame`] shows it and pushes [`Action`]s; [`App::apply`] alone acts on them. So
//! a click, a shortcut, the palette and a test all take the same way.

mod app;
mod commands;
mod cpu_painter;
mod dialog;
mod frame;
mod notices;
pub mod pages;
mod presentation;
mod rail;
mod recipe_history;
mod repaint_pacing;
mod settings;
mod status_bar;
pub mod theme;
pub mod widgets;

pub use app::{App, PresentationSet, WindowOptions, run};
pub use commands::{CommandContext, IntakeFacts, LearnFacts, Page, QueryFacts, ReviewFacts, TestFacts, UiCommand};
pub use dialog::Want;
pub use frame::{Action, Frame, RunOverlay};
pub use settings::{IntakeSettings, ReviewSettings, Settings, ThemeChoice, ViewSettings, XAxis};
