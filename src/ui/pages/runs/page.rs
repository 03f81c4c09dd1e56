//! The run list as a page of the window.

use egui::Ui;

use super::{RunsPage, RunsView};
use crate::ui::{Frame, PageId, pages::Page};

impl Page for RunsPage {
    fn id(&self) -> PageId {
        PageId::Runs
    }

    fn draw(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let open = Some(frame.status).filter(|_| frame.context.run);
        let view = RunsView { root: frame.runs, open, overlays: frame.overlays, pending: frame.loading };
        self.ui(ui, &view, frame.actions);
    }
}
