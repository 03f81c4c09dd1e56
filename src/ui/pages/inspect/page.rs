//! The Inspect workspace as a page of the window.

use egui::Ui;

use super::InspectWorkspace;
use crate::{
    engine::{EngineState, InspectionRequest, inspection::QueryState},
    ui::{Action, CommandContext, Frame, PageId, UiCommand, job::Job, pages::Page},
};

impl Page for InspectWorkspace {
    fn id(&self) -> PageId {
        PageId::Inspect
    }

    fn draw(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        self.ui(ui, frame);
    }

    fn describe(&self, engine: &EngineState, context: &mut CommandContext) {
        context.model = Self::has_model(engine);
        context.query = self.context(engine);
        context.drawing |= context.page == PageId::Inspect && self.is_drawing();
    }

    fn command(&mut self, command: UiCommand, engine: &EngineState, actions: &mut Vec<Action>) {
        self.apply(command, engine, actions);
    }

    fn job(&self, engine: &EngineState, current: PageId) -> Option<Job> {
        let shown = current == self.id();
        let (title, progress) = self.job().or_else(|| inspecting(engine).filter(|_| !shown))?;
        Some(Job { title, progress, cancel: Action::CancelJob(self.id()) })
    }

    fn cancel_job(&mut self, engine: &EngineState, actions: &mut Vec<Action>) {
        if self.job().is_some() {
            return self.cancel_job();
        }
        // Results so far are kept.
        let mut request = |request| actions.push(Action::engine(request));
        request(match engine.inspection.status.read().calibrating {
            Some(_) => InspectionRequest::CancelCalibration,
            None => InspectionRequest::StopAll,
        });
    }

    fn layout(&self) -> Option<String> {
        Some(self.layout())
    }
}

/// Title and progress of a calibration or of the inspections.
fn inspecting(engine: &EngineState) -> Option<(&'static str, (usize, usize))> {
    let status = engine.inspection.status.read();
    if let Some(progress) = status.calibrating {
        return Some(("Calibrating", progress));
    }
    let busy = |state: &QueryState| matches!(state, QueryState::Reading | QueryState::Running);
    if !status.entries.iter().any(|e| busy(&e.state)) {
        return None;
    }
    let total = status.entries.len();
    let left = status.entries.iter().filter(|e| !e.state.is_over()).count();
    Some(("Inspecting images", (total - left, total)))
}
