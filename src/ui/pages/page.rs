//! The interface between the window and its pages.

use egui::Ui;

use crate::{
    engine::EngineState,
    ui::{Action, CommandContext, Frame, PageId, UiCommand, job::Job},
};

/// A page of the window.
pub(in crate::ui) trait Page {
    /// Identifies the page: to the rail, to shortcuts, and as the key of its layout in the settings file.
    fn id(&self) -> PageId;

    /// Draws the page over all of `ui`.
    fn draw(&mut self, ui: &mut Ui, frame: &mut Frame<'_>);

    /// Fills in the page's part of the state that commands depend on.
    fn describe(&self, _engine: &EngineState, _context: &mut CommandContext) {}

    /// Runs a command that the page handles.
    fn command(&mut self, _command: UiCommand, _engine: &EngineState, _actions: &mut Vec<Action>) {}

    /// The running job, unless the page is `current` and shows it itself.
    fn job(&self, _engine: &EngineState, _current: PageId) -> Option<Job> {
        None
    }

    /// Cancels the job, when [`Action::CancelJob`] names this page.
    fn cancel_job(&mut self, _engine: &EngineState, _actions: &mut Vec<Action>) {}

    /// The layout as text for the settings file; the page's constructor restores it.
    fn layout(&self) -> Option<String> {
        None
    }
}
