//! The presentation as a page of the window.

use egui::{Context, Ui};

use super::Presentation;
use crate::{
    engine::EngineState,
    ui::{Action, Frame, PageId, UiCommand, pages::Page},
};

/// The presentation, while there is one.
#[derive(Default)]
pub(in crate::ui) struct PresentationPage {
    running: Option<Presentation>,
}

impl PresentationPage {
    /// Whether a presentation is running.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts a presentation.
    pub(crate) fn start(&mut self, presentation: Presentation) {
        self.running = Some(presentation);
    }

    /// Ends the presentation and leaves full screen if it has entered it.
    pub(crate) fn end(&mut self, ctx: &Context) {
        if let Some(presentation) = self.running.take() {
            presentation.end(ctx);
        }
    }
}

impl Page for PresentationPage {
    fn id(&self) -> PageId {
        PageId::Presentation
    }

    fn draw(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        if let Some(presentation) = &mut self.running {
            presentation.ui(ui, frame.engine);
        }
    }

    fn command(&mut self, command: UiCommand, _: &EngineState, _: &mut Vec<Action>) {
        if let Some(presentation) = &mut self.running {
            presentation.command(command);
        }
    }
}
