//! The Evaluate workspace as a page of the window.

use egui::Ui;

use super::EvaluateWorkspace;
use crate::{
    engine::{EngineState, EvaluationRequest},
    ui::{Action, CommandContext, Frame, PageId, UiCommand, job::Job, pages::Page},
};

impl Page for EvaluateWorkspace {
    fn id(&self) -> PageId {
        PageId::Evaluate
    }

    fn draw(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        self.ui(ui, frame);
    }

    fn describe(&self, engine: &EngineState, context: &mut CommandContext) {
        context.evaluation = self.context(engine);
    }

    fn command(&mut self, command: UiCommand, engine: &EngineState, actions: &mut Vec<Action>) {
        self.apply(command, engine, actions);
    }

    fn job(&self, engine: &EngineState, current: PageId) -> Option<Job> {
        let (title, progress) = self.job(engine).filter(|_| current != self.id())?;
        let cancel = Action::engine(EvaluationRequest::Cancel);
        Some(Job { title, progress, cancel })
    }

    fn layout(&self) -> Option<String> {
        Some(self.layout())
    }
}
