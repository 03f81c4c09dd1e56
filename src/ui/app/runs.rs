//! Starting, resuming, closing, overlaying and deleting runs, and changing the recipe of the current one.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::App;
use crate::{
    data::{DataSource, Opened},
    engine::{Severity, TrainingRequest},
    text::PrintablePath,
    train::{
        Recipe, knobs, run_folder,
        run_folder::{RunFolder, free_folder},
    },
    ui::{
        Action, PageId, RunAction,
        dialog::Confirm,
        more_steps::{MoreSteps, STEPS},
        recipe_history::RecipeHistory,
    },
};

/// Delay between a change of a knob and sending it to the engine, so that a drag leaves one mark on the curves.
const KNOB_DELAY: Duration = Duration::from_millis(250);

impl App {
    /// Adopts a run that the engine has opened.
    pub(super) fn run_opened(&mut self, run: PathBuf) {
        let recipe = self.engine.state().training.status.read().recipe.clone();
        if let Some(recipe) = recipe {
            // What these images decided, those of the next run decide anew.
            let recipe = match self.asked.take() {
                Some(asked) => recipe.undecided(&asked),
                None => (*recipe).clone(),
            };
            self.recipes = RecipeHistory::new(recipe);
        }
        self.recipe_due = None;
        self.overlays.hide(&run);
        if let Some(more) = MoreSteps::of(&self.status()) {
            let text = format!("All {} steps of this run are done; nothing is trained.", more.done_text());
            let label = "Train further";
            let action = Action::Run(RunAction::TrainFurther);
            self.notices.offer(Severity::Info, text, label, action);
        }
        self.settings.last_run = Some(run);
        self.pages.runs.refresh();
    }

    /// Prepares the window for a new or resumed run.
    fn expect_run(&mut self) {
        self.left = false;
        self.starting = Some(Instant::now());
        self.pages.train.close_import();
        self.page = PageId::Train;
        self.recipe_due = None;
    }

    pub(super) fn start_run(
        &mut self,
        source: DataSource,
        opened: Option<Arc<Opened>>,
        recipe: Box<Recipe>,
        out: Option<PathBuf>,
    ) {
        let out = out.unwrap_or_else(|| free_folder(self.runs_folder(), &source));
        self.expect_run();
        self.asked = Some((*recipe).clone());
        self.send(TrainingRequest::Start { source, opened, recipe, out });
    }

    pub(super) fn resume_run(&mut self, run: PathBuf, paused: bool) {
        self.expect_run();
        self.asked = None;
        self.send(TrainingRequest::Resume { run, paused });
    }

    pub(super) fn restart_run(&mut self) {
        self.expect_run();
        self.asked = Some(self.recipes.current().clone());
        self.send(TrainingRequest::Reset);
    }

    /// Adds steps to a finished run, and trains on.
    pub(super) fn train_further(&mut self) {
        let Some(more) = MoreSteps::of(&self.status()) else { return };
        self.set_knob(STEPS, &toml::Value::Integer(i64::try_from(more.until).unwrap_or(i64::MAX)));
        self.send(TrainingRequest::Play);
        self.notices.push(Severity::Info, format!("Training further: {}.", more.words()));
    }

    pub(super) fn close_run(&mut self) {
        self.send(TrainingRequest::Stop);
        self.left = true;
        self.pages.train.close_import();
        self.page = PageId::Train;
    }

    /// Sends the edited recipe to the engine if a run is open.
    pub(super) fn send_recipe(&mut self) {
        self.recipe_due = None;
        if self.status().recipe.is_some() {
            self.send(TrainingRequest::SetKnobs(Box::new(self.recipes.current().clone())));
        }
    }

    /// Sets one knob; the engine receives it after a short delay.
    pub(super) fn set_knob(&mut self, key: &'static str, value: &toml::Value) {
        let open = self.status().recipe.is_some();
        if open && knobs::knob(key).is_some_and(|k| !k.live) {
            let text = format!("'{key}' is fixed once a run has started. Start a new run to change it.");
            return self.notices.push(Severity::Warning, text);
        }
        match self.recipes.set(key, value, Instant::now()) {
            Ok(true) => {
                self.recipe_due = Some(Instant::now() + KNOB_DELAY);
                self.ctx.request_repaint_after(KNOB_DELAY);
            }
            Ok(false) => {}
            Err(error) => self.notices.push(Severity::Warning, format!("The knob was not changed: {error}.")),
        }
    }

    pub(super) fn replace_recipe(&mut self, recipe: Recipe) {
        let before = self.recipes.current().clone();
        if self.recipes.replace(recipe) {
            self.send_recipe();
            let words = before.describe_change(self.recipes.current(), "to");
            let back = Action::Recipe(Box::new(before));
            self.notices.offer(Severity::Info, format!("The recipe was replaced: {words}."), "Undo", back);
        }
        if self.status().recipe.is_none() {
            self.recipes.rebase();
        }
    }

    /// Overlays an earlier run's curves or removes them.
    pub(super) fn overlay(&mut self, run: PathBuf, on: bool) {
        if !on {
            return self.overlays.remove(&run);
        }
        if let Err(text) = self.overlays.add(&self.ctx, run) {
            self.notices.push(Severity::Warning, text);
        }
    }

    pub(super) fn set_runs_folder(&mut self, folder: PathBuf) {
        self.runs_override = None;
        self.settings.runs = (folder != self.paths.runs).then_some(folder);
        self.pages.runs.refresh();
    }

    pub(super) fn rename_run(&mut self, run: &Path, name: &str) {
        let renamed = RunFolder::open(run).and_then(|mut folder| folder.set_name(name));
        match renamed {
            Ok(()) => self.overlays.rename(run, name),
            Err(error) => self.notices.push(Severity::Error, format!("The run was not renamed: {error}.")),
        }
        self.pages.runs.refresh();
    }

    /// Asks for confirmation to delete a run.
    pub(super) fn confirm_trash(&mut self, run: PathBuf) {
        self.confirm = Some(Confirm {
            title: format!("Delete the run {}?", folder_name(&run)),
            text: "The run moves to the trash folder beside the runs. The notice that follows can restore it."
                .to_owned(),
            verb: "Delete",
            actions: vec![Action::Trash(run)],
        });
    }

    /// Moves a run to the trash folder.
    pub(super) fn trash_run(&mut self, run: &Path) {
        let name = folder_name(run);
        match run_folder::trash_run(self.runs_folder(), run) {
            Ok(trashed) => {
                self.overlays.hide(run);
                if self.settings.last_run.as_deref() == Some(run) {
                    self.settings.last_run = None;
                }
                let text = format!("The run {name} was moved to {}.", trashed.printable());
                self.notices.offer(Severity::Info, text, "Undo", Action::Restore(trashed));
            }
            Err(error) => self.notices.push(Severity::Error, format!("The run {name} was not deleted: {error}.")),
        }
        self.pages.runs.refresh();
    }

    /// Restores a run from the trash folder.
    pub(super) fn restore_run(&mut self, trashed: &Path) {
        match run_folder::restore_run(self.runs_folder(), trashed) {
            Ok(run) => self.notices.push(Severity::Info, format!("The run was restored to {}.", run.printable())),
            Err(error) => self.notices.push(Severity::Error, format!("The run was not restored: {error}.")),
        }
        self.pages.runs.refresh();
    }
}

/// The name of a run's folder.
fn folder_name(run: &Path) -> String {
    run.file_name().map_or_else(|| run.printable().to_string(), |n| n.printable().to_string())
}
