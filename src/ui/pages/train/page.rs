//! The Train page: the start page, the import page or the workspace of the current run.

use std::{path::PathBuf, time::Duration};

use egui::{CentralPanel, Context, Ui};

use super::TrainWorkspace;
use crate::{
    engine::{EngineState, training::TrainingPhase},
    ui::{
        Action, CommandContext, Frame, PageId, UiCommand,
        job::Job,
        pages::{Page, import::ImportPage, page_frame, start::StartPage},
        theme, widgets,
    },
};

/// Wait for the engine after which the page shows that the run is starting.
const STARTING: Duration = Duration::from_millis(300);

/// The Train page.
pub(in crate::ui) struct TrainPage {
    start: StartPage,
    /// The import page, while it is open.
    import: Option<ImportPage>,
    /// The workspace of the current run.
    pub workspace: TrainWorkspace,
}

impl TrainPage {
    /// Restores the page from its saved layout.
    pub(crate) fn new(layout: Option<&str>) -> Self {
        Self { start: StartPage::default(), import: None, workspace: TrainWorkspace::new(layout) }
    }

    /// Opens the import page on a folder or a CSV file.
    pub(crate) fn import(&mut self, ctx: &Context, root: PathBuf) {
        self.import = Some(ImportPage::open(ctx, root));
    }

    /// Closes the import page.
    pub(crate) fn close_import(&mut self) {
        self.import = None;
    }

    /// Polls the import page; returns its folder once it can be used.
    pub(crate) fn poll(&mut self, ctx: &Context) -> Option<PathBuf> {
        let page = self.import.as_mut()?;
        page.poll(ctx).then(|| page.root().to_owned())
    }
}

impl Page for TrainPage {
    fn id(&self) -> PageId {
        PageId::Train
    }

    fn draw(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        if let Some(page) = &mut self.import {
            if !page.ui(ui, frame, frame.runs) {
                self.import = None;
            }
            return;
        }
        match &frame.status.phase {
            // Opening the images or creating the folder failed, so there is no run.
            TrainingPhase::Failed(text) if frame.status.recipe.is_none() => {
                CentralPanel::default().frame(page_frame(ui)).show(ui, |ui| not_opened(ui, text, frame.actions));
            }
            TrainingPhase::Idle => {
                CentralPanel::default().frame(page_frame(ui)).show(ui, |ui| match frame.starting {
                    Some(waited) => starting(ui, waited),
                    None => self.start.ui(ui, frame.engine, frame.settings, frame.actions),
                });
            }
            _ => self.workspace.ui(ui, frame),
        }
    }

    fn describe(&self, engine: &EngineState, context: &mut CommandContext) {
        context.images = engine.training.critic.images().is_some();
        context.grid = context.run && !engine.training.grids.read().grids().is_empty();
    }

    fn command(&mut self, command: UiCommand, engine: &EngineState, _: &mut Vec<Action>) {
        self.workspace.apply(command, engine);
    }

    fn job(&self, _: &EngineState, _: PageId) -> Option<Job> {
        let progress = self.import.as_ref()?.reading()?;
        Some(Job { title: "Reading images", progress, cancel: Action::CancelJob(PageId::Train) })
    }

    fn cancel_job(&mut self, _: &EngineState, _: &mut Vec<Action>) {
        if let Some(page) = &self.import {
            page.cancel();
        }
    }

    fn layout(&self) -> Option<String> {
        Some(self.workspace.layout())
    }
}

/// Draws why no run could be opened, with buttons for what to do next.
fn not_opened(ui: &mut Ui, text: &str, actions: &mut Vec<Action>) {
    let p = theme::Palette::of(ui);
    ui.add_space(theme::GAP_XL);
    ui.horizontal(|ui| {
        theme::mark_icon(ui, theme::NoticeMark::Error);
        ui.label(egui::RichText::new("The run could not be opened").text_style(theme::section()).color(p.text_strong));
    });
    ui.add_space(theme::GAP_XS);
    ui.scope(|ui| {
        ui.set_max_width(theme::TEXT_MAX.min(ui.available_width()));
        ui.add(egui::Label::new(text).wrap().selectable(true));
    });
    ui.add_space(theme::GAP_M);
    ui.horizontal(|ui| {
        if ui.add(theme::primary_button(&p, "Back to the start page")).clicked() {
            actions.push(Action::Command(UiCommand::NewRun));
        }
        for command in [UiCommand::OpenFolder, UiCommand::GoRuns, UiCommand::GoLog] {
            if ui.button(command.title()).on_hover_text(command.tooltip(ui.ctx())).clicked() {
                actions.push(Action::Command(command));
            }
        }
    });
}

/// Draws the page while the engine starts a run.
fn starting(ui: &mut Ui, waited: Duration) {
    if waited < STARTING {
        ui.ctx().request_repaint_after(STARTING - waited);
    } else {
        widgets::empty_place(ui, "Starting…", "The device is being prepared.");
    }
}
