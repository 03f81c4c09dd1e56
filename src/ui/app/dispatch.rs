//! Carrying out actions and commands.

use std::sync::Arc;

use egui::ViewportCommand;

use super::App;
use crate::{
    engine::{ComputeCommand, EngineCommand, Severity, TrainingRequest},
    ui::{
        Action, ControlId, FinetuneAction, IntakeAction, PageId, RunAction, ThemeChoice, UiCommand, WindowAction,
        commands::{Effect, palette::CommandPalette},
        dialog::ask_to_replace,
        focus,
        settings::SCALE,
    },
};

/// Step of the scale factor.
const SCALE_STEP: f32 = 0.1;

impl App {
    /// Carries out a request of a page, a shortcut, the palette or a test.
    pub fn apply(&mut self, action: Action) {
        match action {
            Action::Command(command) => self.command(command),
            Action::Show(page) => self.page = page,
            Action::Reveal(control) => self.reveal(control),
            Action::Engine(command) => self.send(command),
            Action::Window(action) => self.window_action(action),
            Action::Run(action) => self.run_action(action),
            Action::Knob { key, value } => self.set_knob(key, &value),
            Action::Recipe(recipe) => self.replace_recipe(*recipe),
            Action::Ask(request) => self.ask(request),
            Action::LoadRecipe(path) => self.load_recipe(&path),
            Action::SaveRecipe(path) => self.save_recipe(path),
            Action::SaveGrid(path) => self.save_grid(path),
            Action::View(view) => self.settings.view = *view,
            Action::ToggleLogY => self.settings.view.log_y = !self.settings.view.log_y,
            Action::Import(path) => {
                self.pages.train.import(&self.ctx, path);
                self.page = PageId::Train;
            }
            Action::Start { source, opened, recipe, out } => self.start_run(source, opened, recipe, out),
            Action::Resume { run, paused } => self.resume_run(run, paused),
            Action::Overlay(run, on) => self.overlay(run, on),
            Action::Rename(run, name) => self.rename_run(&run, &name),
            Action::AskReplace(path, action) => self.confirm = Some(ask_to_replace(&path, *action)),
            Action::AskTrash(run) => self.confirm_trash(run),
            Action::Trash(run) => self.trash_run(&run),
            Action::Restore(trashed) => self.restore_run(&trashed),
            Action::RunsFolder(folder) => self.set_runs_folder(folder),
            Action::Device(choice) => {
                if choice != self.settings.device {
                    self.settings.device = choice;
                    self.left = true;
                    self.send(ComputeCommand::Device(choice));
                }
            }
            Action::Look(theme, scale) => {
                self.settings.theme = theme;
                self.settings.scale = scale.clamp(*SCALE.start(), *SCALE.end());
            }
            Action::Inspect(sources) => self.inspect(sources),
            Action::InspectExamples => self.inspect_examples(),
            Action::Remove(entries) => self.remove_queries(&entries),
            Action::OpenModel(path) => self.open_model(path),
            Action::Promise(rate) => self.promise(rate),
            Action::ExportInspection { ids, dir } => self.export_inspection(ids, dir),
            Action::Evaluate(source) => self.evaluate(source),
            Action::EvaluateReport(dir) => self.write_report(dir),
            Action::Examine { name, source, truth } => self.examine(name, source, truth),
            Action::Review(settings) => self.settings.review = *settings,
            Action::Intake(IntakeAction::Watch) => self.start_intake(false),
            Action::Intake(IntakeAction::Once) => self.start_intake(true),
            Action::Intake(IntakeAction::Stop) => self.stop_intake(),
            Action::Finetune(FinetuneAction::Begin) => self.finetune(),
            Action::Finetune(FinetuneAction::Adopt) => self.adopt_model(),
            Action::Finetune(FinetuneAction::Keep) => self.keep_model(),
            Action::Finetune(FinetuneAction::Revert) => self.revert_model(),
            Action::PartsFolder(folder) => self.settings.review.intake.folder = Some(folder),
            Action::OpenRecord(path) => self.open_record(path),
            Action::ExportReview(format, folder) => self.export_review(format, folder),
            Action::Present(parts) => self.present(parts),
            Action::EndPresentation => self.pages.presentation.end(&self.ctx),
            Action::CancelJob(page) => self.cancel_job(page),
            Action::CancelOverlays => self.overlays.cancel(),
            Action::Copy(text) => {
                self.ctx.copy_text(text);
                self.notices.push(Severity::Info, "Copied to the clipboard.");
            }
        }
    }

    /// Runs a command if it is available.
    fn command(&mut self, command: UiCommand) {
        let context = self.context(&self.status());
        if !command.enabled(&context) {
            return;
        }
        match command.effect() {
            Effect::Action(action) => self.apply(action(&context)),
            Effect::Page(page) => {
                let page = if command.pages().contains(&context.page) { context.page } else { page };
                let (engine, mut actions) = (Arc::clone(self.engine.state()), Vec::new());
                self.pages.get_mut(page).command(command, &engine, &mut actions);
                actions.into_iter().for_each(|action| self.apply(action));
            }
        }
    }

    /// Shows a knob or a setting where it is changed, or where it is described while it cannot be changed.
    fn reveal(&mut self, control: ControlId) {
        let name = match control {
            ControlId::Recipe(key) if self.context(&self.status()).run => {
                self.page = PageId::Train;
                self.pages.train.workspace.show_knob(key);
                key
            }
            ControlId::Recipe(key) => {
                self.page = PageId::Help;
                self.pages.help.show_knob(key);
                return;
            }
            ControlId::Inspection(key) => {
                self.page = PageId::Inspect;
                self.pages.inspect.show_panel();
                key
            }
            ControlId::Setting(name) => {
                self.page = PageId::Settings;
                name
            }
        };
        focus::reveal(&self.ctx, name);
    }

    fn cancel_job(&mut self, page: PageId) {
        let (engine, mut actions) = (Arc::clone(self.engine.state()), Vec::new());
        self.pages.get_mut(page).cancel_job(&engine, &mut actions);
        actions.into_iter().for_each(|action| self.apply(action));
    }

    fn window_action(&mut self, action: WindowAction) {
        let (theme, scale) = (self.settings.theme, self.settings.scale);
        match action {
            WindowAction::Palette => {
                self.palette = if self.palette.is_some() { None } else { Some(CommandPalette::default()) };
            }
            WindowAction::Region(forward) => self.region = Some(forward),
            WindowAction::Notices => self.notices.open = !self.notices.open,
            WindowAction::Theme => {
                let dark = self.applied.is_none_or(|(dark, _)| dark);
                self.settings.theme = if dark { ThemeChoice::Light } else { ThemeChoice::Dark };
            }
            WindowAction::ScaleUp => self.apply(Action::Look(theme, scale + SCALE_STEP)),
            WindowAction::ScaleDown => self.apply(Action::Look(theme, scale - SCALE_STEP)),
            WindowAction::ScaleReset => self.apply(Action::Look(theme, 1.0)),
            WindowAction::FullScreen => {
                let full = self.ctx.input(|i| i.viewport().fullscreen) == Some(true);
                self.ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!full));
            }
            WindowAction::Quit => self.ctx.send_viewport_cmd(ViewportCommand::Close),
        }
    }

    fn run_action(&mut self, action: RunAction) {
        match action {
            RunAction::Close => self.close_run(),
            RunAction::ContinueLast => {
                if let Some(run) = self.settings.last_run.clone() {
                    self.resume_run(run, false);
                }
            }
            RunAction::Restart => self.restart_run(),
            RunAction::TrainFurther => self.train_further(),
            RunAction::UndoRecipe => {
                if let Some(words) = self.recipes.undo() {
                    self.send_recipe();
                    self.notices.push(Severity::Info, format!("Undone: {words}."));
                }
            }
            RunAction::RedoRecipe => {
                if let Some(words) = self.recipes.redo() {
                    self.send_recipe();
                    self.notices.push(Severity::Info, format!("Redone: {words}."));
                }
            }
        }
    }

    /// Sends a command to the engine, after a pending change of the recipe, so that the change takes effect first.
    pub(super) fn send(&mut self, command: impl Into<EngineCommand>) {
        let command = command.into();
        // A preview of synthetic defects carries its own recipe.
        let carries_recipe = matches!(
            command,
            EngineCommand::Compute(ComputeCommand::Training(TrainingRequest::SetKnobs(_)))
                | EngineCommand::CriticPreview(_)
        );
        if self.recipe_due.is_some() && !carries_recipe {
            self.send_recipe();
        }
        if !self.engine.send(command) {
            let text = "The engine is busy and did not accept the command. Try again in a moment.";
            self.notices.push(Severity::Warning, text);
        }
    }
}
