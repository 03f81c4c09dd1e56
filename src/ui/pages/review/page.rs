//! The Review workspace as a page of the window, with its jobs: export, fine-tuning and intake of parts.

use egui::Ui;

use super::ReviewWorkspace;
use crate::{
    engine::{EngineState, FinetuneRequest, intake::IntakePhase},
    ui::{Action, CommandContext, Frame, IntakeAction, PageId, UiCommand, job::Job, pages::Page},
};

impl Page for ReviewWorkspace {
    fn id(&self) -> PageId {
        PageId::Review
    }

    fn draw(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        self.ui(ui, frame);
    }

    fn describe(&self, engine: &EngineState, context: &mut CommandContext) {
        context.review = self.context(engine);
        context.drawing |= context.page == PageId::Review && self.drawing.takes_keys();
    }

    fn command(&mut self, command: UiCommand, engine: &EngineState, actions: &mut Vec<Action>) {
        self.apply(command, engine, actions);
    }

    fn job(&self, engine: &EngineState, _: PageId) -> Option<Job> {
        let export = self.job().map(|(title, progress)| Job { title, progress, cancel: Action::CancelJob(self.id()) });
        export.or_else(|| finetuning(engine)).or_else(|| intake(engine))
    }

    fn cancel_job(&mut self, _: &EngineState, _: &mut Vec<Action>) {
        self.cancel_job();
    }

    fn layout(&self) -> Option<String> {
        Some(self.layout())
    }
}

fn finetuning(engine: &EngineState) -> Option<Job> {
    let status = engine.finetune.status.read();
    let percent = |share: f32| ((share * 100.0) as usize, 100);
    status.phase.is_active().then(|| Job {
        title: "Fine-tuning on verdicts",
        progress: status.phase.share().map_or((0, 0), percent),
        cancel: Action::engine(FinetuneRequest::Cancel),
    })
}

/// The parts of the watched folder that are being inspected; a watch that waits for parts is no job.
fn intake(engine: &EngineState) -> Option<Job> {
    let status = engine.intake.status.read();
    let progress = match status.phase {
        IntakePhase::Opening | IntakePhase::Ending => (0, 0),
        IntakePhase::Running if status.counts.waiting > 0 => status.progress(),
        IntakePhase::Stalled(_) => (0, 0),
        _ => return None,
    };
    let title = match status.phase {
        IntakePhase::Stalled(_) => "Parts wait for the record",
        _ => "Inspecting parts",
    };
    Some(Job { title, progress, cancel: Action::Intake(IntakeAction::Stop) })
}
