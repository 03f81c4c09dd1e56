//! The one place that acts on what was asked for.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use egui::ViewportCommand;

use super::{App, Reading, TURN_AFTER};
use crate::{
    data::{DataSource, Opened},
    engine::{ComputeCommand, EngineCommand, Severity, TrainingRequest, background::BackgroundTask},
    files,
    review::export::Format,
    tensorboard::RunLog,
    train::{
        History, Recipe, knobs,
        run_folder::{RunFolder, free_folder, restore_run, trash_run},
    },
    ui::{
        Action, FinetuneAction, IntakeAction, PageId, PathRequest, RunAction, RunOverlay, ThemeChoice, UiCommand,
        WindowAction,
        commands::{Effect, palette::CommandPalette},
        dialog::{Confirm, Dialog},
        pages::import::ImportPage,
        settings::SCALE,
    },
};

/// Largest recipe file that is read, bytes.
const RECIPE_LIMIT: u64 = 1 << 20;
/// Runs laid over the curves at a time; more could not be told apart.
const OVERLAYS: usize = 6;
/// A step of the scale factor.
const SCALE_STEP: f32 = 0.1;

impl App {
    /// Acts on what a view, a shortcut, the palette or a test asks for.
    pub fn apply(&mut self, action: Action) {
        match action {
            Action::Command(command) => self.command(command),
            Action::Show(page) => self.page = page,
            Action::Engine(command) => self.send(command),
            Action::Window(action) => self.window(action),
            Action::Run(action) => self.run(action),
            Action::Knob { key, value } => self.turn(key, &value),
            Action::Recipe(recipe) => {
                if self.recipes.replace(*recipe) {
                    self.send_turn();
                }
                if self.status().recipe.is_none() {
                    self.recipes.rebase();
                }
            }
            Action::Ask(request) => self.ask(request),
            Action::LoadRecipe(path) => self.load_recipe(&path),
            Action::SaveRecipe(path) => self.save_recipe(path),
            Action::SaveGrid(path) => self.save_grid(path),
            Action::View(view) => self.settings.view = *view,
            Action::ToggleLogY => self.settings.view.log_y = !self.settings.view.log_y,
            Action::Import(path) => {
                self.import = Some(ImportPage::open(&self.ctx, path));
                self.page = PageId::Train;
            }
            Action::Start { source, opened, recipe, out } => self.start(source, opened, recipe, out),
            Action::Resume { run, paused } => {
                self.begin();
                self.send(TrainingRequest::Resume { run, paused });
            }
            Action::Overlay(run, on) => self.overlay(run, on),
            Action::Rename(run, name) => self.rename(&run, &name),
            Action::AskTrash(run) => self.ask_trash(run),
            Action::Trash(run) => self.trash(&run),
            Action::Restore(trashed) => self.restore(&trashed),
            Action::RunsFolder(folder) => {
                self.runs_given = None;
                self.settings.runs = (folder != self.paths.runs).then_some(folder);
                self.runs.refresh();
            }
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
            Action::Remove(entries) => self.remove_queries(&entries),
            Action::InspectFolder(folder) => self.inspect_folder(folder),
            Action::OpenModel(path) => self.open_model(path),
            Action::ExportInspection { ids, dir } => self.export_inspection(ids, dir),
            Action::Evaluate(source) => self.evaluate(source),
            Action::EvaluateReport(dir) => {
                let report = self.evaluate.report(self.engine.state(), dir);
                self.send(report);
            }
            Action::Examine { name, source } => {
                self.page = PageId::Inspect;
                let live = Arc::clone(self.engine.state());
                if let Some(command) = self.inspect.examine(&live, name, source) {
                    self.send(command);
                }
            }
            Action::Review(settings) => self.settings.review = *settings,
            Action::Intake(IntakeAction::Watch) => self.take_in(false),
            Action::Intake(IntakeAction::Once) => self.take_in(true),
            Action::Intake(IntakeAction::Stop) => self.stop_taking_in(),
            Action::Finetune(FinetuneAction::Begin) => self.learn(),
            Action::Finetune(FinetuneAction::Adopt) => self.adopt(),
            Action::Finetune(FinetuneAction::Keep) => self.keep_old(),
            Action::Finetune(FinetuneAction::Revert) => self.go_back(),
            Action::PartsFolder(folder) => self.settings.review.intake.folder = Some(folder),
            Action::OpenRecord(path) => self.open_record(path),
            Action::ExportReview(format, folder) => self.export_review(format, folder),
            Action::Present(parts) => self.present(parts),
            Action::EndPresentation => {
                if let Some(presentation) = self.presentation.take() {
                    presentation.end(&self.ctx);
                }
            }
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
                let live = Arc::clone(self.engine.state());
                let mut actions = Vec::new();
                match page {
                    PageId::Train => self.train.apply(command, &live),
                    PageId::Inspect => self.inspect.apply(command, &live, &mut actions),
                    PageId::Evaluate => self.evaluate.apply(command, &live, &mut actions),
                    PageId::Review => self.review.apply(command, &mut actions),
                    PageId::Presentation => {
                        if let Some(presentation) = &mut self.presentation {
                            presentation.command(command);
                        }
                    }
                    _ => {}
                }
                actions.into_iter().for_each(|action| self.apply(action));
            }
        }
    }

    fn window(&mut self, action: WindowAction) {
        let (theme, scale) = (self.settings.theme, self.settings.scale);
        match action {
            WindowAction::Palette => {
                self.palette = if self.palette.is_some() { None } else { Some(CommandPalette::default()) };
            }
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

    fn run(&mut self, action: RunAction) {
        match action {
            RunAction::Close => {
                self.send(TrainingRequest::Stop);
                self.left = true;
                self.import = None;
                self.page = PageId::Train;
            }
            RunAction::ContinueLast => {
                if let Some(run) = self.settings.last_run.clone() {
                    self.apply(Action::Resume { run, paused: false });
                }
            }
            RunAction::Restart => {
                self.begin();
                self.send(TrainingRequest::Reset);
            }
            RunAction::UndoRecipe => {
                if self.recipes.undo() {
                    self.send_turn();
                }
            }
            RunAction::RedoRecipe => {
                if self.recipes.redo() {
                    self.send_turn();
                }
            }
        }
    }

    /// Says a word to the compute thread; knobs that are due go first, so that they are in force.
    pub(super) fn send(&mut self, command: impl Into<EngineCommand>) {
        let command = command.into();
        // What is forged for the screen brings its own recipe with it.
        if self.turn_due.is_some()
            && !matches!(
                command,
                EngineCommand::Compute(ComputeCommand::Training(TrainingRequest::SetKnobs(_)))
                    | EngineCommand::CriticPreview(_)
            )
        {
            self.send_turn();
        }
        if !self.engine.send(command) {
            let text = "The compute thread is busy and did not take this in. Try again in a moment.";
            self.notices.push(Severity::Warning, text);
        }
    }

    /// Hands the turned recipe to the compute thread, if a run is open.
    pub(super) fn send_turn(&mut self) {
        self.turn_due = None;
        if self.status().recipe.is_some() {
            self.send(TrainingRequest::SetKnobs(Box::new(self.recipes.current().clone())));
        }
    }

    fn turn(&mut self, key: &'static str, value: &toml::Value) {
        let open = self.status().recipe.is_some();
        if open && knobs::knob(key).is_some_and(|k| !k.live) {
            self.notices.push(
                Severity::Warning,
                format!("'{key}' is fixed once a run has begun. Begin a new run to change it."),
            );
            return;
        }
        match self.recipes.set(key, value, Instant::now()) {
            Ok(true) => {
                self.turn_due = Some(Instant::now() + TURN_AFTER);
                self.ctx.request_repaint_after(TURN_AFTER);
            }
            Ok(false) => {}
            Err(error) => self.notices.push(Severity::Warning, format!("The knob stays as it was: {error}.")),
        }
    }

    /// What any new run does to the window.
    fn begin(&mut self) {
        self.left = false;
        self.starting = Some(Instant::now());
        self.import = None;
        self.page = PageId::Train;
        self.turn_due = None;
    }

    fn start(&mut self, source: DataSource, opened: Option<Arc<Opened>>, recipe: Box<Recipe>, out: Option<PathBuf>) {
        let out = out.unwrap_or_else(|| free_folder(self.runs_folder(), &source));
        self.begin();
        self.send(TrainingRequest::Start { source, opened, recipe, out });
    }

    fn ask(&mut self, request: PathRequest) {
        let status = self.status();
        let documents = directories::UserDirs::new().map(|d| d.home_dir().to_owned()).unwrap_or_default();
        let name = if status.name.is_empty() { "recipe" } else { &status.name };
        let suggested = match request {
            PathRequest::Images => self.settings.recent.first().cloned().unwrap_or(documents),
            PathRequest::LoadRecipe | PathRequest::SaveRecipe => documents.join(format!("{name}.toml")),
            PathRequest::SaveGrid => documents.join(format!("{name}-step-{}.png", status.step)),
            PathRequest::RunsFolder => self.runs_folder().to_owned(),
            PathRequest::Queries | PathRequest::Export => {
                self.settings.image_folder.clone().unwrap_or(documents).join("")
            }
            PathRequest::TestImages => match self.evaluate.data().map(str::parse) {
                Some(Ok(DataSource::Folder(folder))) => folder,
                _ => self.settings.recent.first().cloned().unwrap_or(documents),
            },
            PathRequest::Report => documents.join("ganspect-report"),
            PathRequest::Record => self.review.path().map_or_else(|| self.paths.review.clone(), Path::to_owned),
            PathRequest::Parts => {
                let last = self.settings.review.intake.folder.clone();
                last.or_else(|| self.settings.image_folder.clone()).unwrap_or(documents)
            }
            PathRequest::ReviewExport(Format::Pdf) => documents.join("ganspect-shift"),
            PathRequest::ReviewExport(_) => documents.join("ganspect-review"),
            PathRequest::Model => self.settings.last_model.clone().unwrap_or_else(|| documents.join("")),
            PathRequest::SaveModel => {
                documents.join(format!("{}.ganspect", self.inspect.model_name(self.engine.state())))
            }
        };
        self.dialog = Some(Dialog::open(&self.ctx, request, suggested, self.native_dialogs));
    }

    fn load_recipe(&mut self, path: &Path) {
        let read = files::read_text(path, RECIPE_LIMIT).map_err(|e| e.to_string());
        let recipe = read.and_then(|text| Recipe::from_toml(&text).map_err(|e| format!("{}: {e}", path.display())));
        match recipe {
            Ok(mut recipe) => {
                let open = self.status().recipe.is_some();
                let mut kept = 0;
                if open {
                    let mut adopted = self.recipes.current().clone();
                    adopted.adopt_live(&recipe);
                    kept = adopted.differences(&recipe).len();
                    recipe = adopted;
                }
                self.recipes.replace(recipe);
                self.send_turn();
                if !open {
                    self.recipes.rebase();
                }
                let mut text = format!("The recipe {} is in force.", path.display());
                if kept > 0 {
                    text += &format!(" {kept} of its knobs are fixed once a run has begun and stay as they are.");
                }
                self.notices.push(Severity::Info, text);
            }
            Err(error) => self.notices.push(Severity::Error, format!("The recipe was not loaded: {error}.")),
        }
    }

    fn save_recipe(&mut self, path: PathBuf) {
        let path = with_ending(path, "toml");
        match files::write_atomic(&path, self.recipes.current().to_toml().as_bytes()) {
            Ok(()) => self.notices.push(Severity::Info, format!("The recipe was written to {}.", path.display())),
            Err(error) => self.notices.push(Severity::Error, format!("The recipe was not written: {error}.")),
        }
    }

    fn save_grid(&mut self, path: PathBuf) {
        let path = with_ending(path, "png");
        let Some(grid) = self.train.shown(self.engine.state()) else {
            self.notices.push(Severity::Warning, "There is no sample grid to save yet.");
            return;
        };
        let written = grid.samples.png(1).map_err(|e| e.to_string());
        let written = written.and_then(|(_, png)| files::write_atomic(&path, &png).map_err(|e| e.to_string()));
        match written {
            Ok(()) => {
                let text = format!("The samples of step {} were written to {}.", grid.step, path.display());
                self.notices.push(Severity::Info, text);
            }
            Err(error) => self.notices.push(Severity::Error, format!("The samples were not written: {error}.")),
        }
    }

    fn overlay(&mut self, run: PathBuf, on: bool) {
        self.overlays.retain(|o| o.run != run);
        self.reading.retain(|r| r.run != run);
        if !on {
            return;
        }
        if self.overlays.len() + self.reading.len() >= OVERLAYS {
            let text = format!("At most {OVERLAYS} runs are laid over the curves. Take one away first.");
            self.notices.push(Severity::Warning, text);
            return;
        }
        let (wake, from) = (self.ctx.clone(), run.clone());
        let task = BackgroundTask::spawn(
            "read-curves",
            move || wake.request_repaint(),
            move |_| {
                let name =
                    RunFolder::open(&from).map_or_else(|_| from.display().to_string(), |f| f.info().name.clone());
                let log = RunLog::read(&from).map_err(|e| format!("The curves of {name} cannot be shown: {e}."))?;
                Ok((name, [History::from_log(&log), History::critic_from_log(&log)]))
            },
        );
        match task {
            Ok(task) => self.reading.push(Reading { run, task }),
            Err(error) => {
                self.notices.push(Severity::Error, format!("The system has no thread to read with: {error}."))
            }
        }
    }

    fn rename(&mut self, run: &Path, name: &str) {
        let renamed = RunFolder::open(run).and_then(|mut folder| folder.set_name(name));
        match renamed {
            Ok(()) => {
                if let Some(overlay) = self.overlays.iter_mut().find(|o| o.run == run) {
                    overlay.name = name.to_owned();
                }
            }
            Err(error) => self.notices.push(Severity::Error, format!("The run keeps its name: {error}.")),
        }
        self.runs.refresh();
    }

    fn ask_trash(&mut self, run: PathBuf) {
        let name = run.file_name().map_or_else(|| run.display().to_string(), |n| n.to_string_lossy().into_owned());
        self.confirm = Some(Confirm {
            title: format!("Delete the run {name}?"),
            text: "It goes to the trash folder among the runs, with everything in it, and can be brought back from the notice."
                .to_owned(),
            verb: "Delete",
            actions: vec![Action::Trash(run)],
        });
    }

    fn trash(&mut self, run: &Path) {
        let name = run.file_name().map_or_else(|| run.display().to_string(), |n| n.to_string_lossy().into_owned());
        match trash_run(self.runs_folder(), run) {
            Ok(trashed) => {
                self.overlays.retain(|o: &RunOverlay| o.run != run);
                if self.settings.last_run.as_deref() == Some(run) {
                    self.settings.last_run = None;
                }
                let text = format!("The run {name} was moved to {}.", trashed.display());
                self.notices.offer(Severity::Info, text, "Undo", Action::Restore(trashed));
            }
            Err(error) => self.notices.push(Severity::Error, format!("The run {name} was not deleted: {error}.")),
        }
        self.runs.refresh();
    }

    fn restore(&mut self, trashed: &Path) {
        match restore_run(self.runs_folder(), trashed) {
            Ok(run) => self.notices.push(Severity::Info, format!("The run is back in {}.", run.display())),
            Err(error) => self.notices.push(Severity::Error, format!("The run stays in the trash folder: {error}.")),
        }
        self.runs.refresh();
    }
}

/// Gives a file its ending if the user left it out.
fn with_ending(path: PathBuf, ending: &str) -> PathBuf {
    if path.extension().is_some() { path } else { path.with_extension(ending) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_added_only_where_they_are_missing() {
        assert_eq!(with_ending("a/b".into(), "png"), PathBuf::from("a/b.png"));
        assert_eq!(with_ending("a/b.PNG".into(), "png"), PathBuf::from("a/b.PNG"));
    }
}
