//! The window: one frame, one table of commands, one place that applies them.
//!
//! A view draws what [`Frame`] shows it and pushes [`Action`]s; [`App::apply`] alone acts on them. So
//! a click, a shortcut, the palette and a test all take the same way.

mod app;
mod command;
mod dialog;
mod frame;
mod help;
mod keys;
mod log_page;
mod notices;
mod pace;
mod palette;
mod presentation;
mod quick;
mod rail;
mod recipe_desk;
mod settings;
mod settings_page;
mod status_bar;
pub mod theme;
pub mod widget;
pub mod workspace;

pub use app::{App, Options, Show, run};
pub use command::{Facts, IntakeFacts, LearnFacts, Page, QueryFacts, ReviewFacts, TestFacts, UiCommand};
pub use dialog::Want;
pub use frame::{Action, Frame, Overlay};
pub use log_page::{LogBuffer, LogLayer, log_layer};
pub use settings::{IntakeSettings, Paths, ReviewSettings, Settings, ThemeChoice, ViewSettings, XAxis};
