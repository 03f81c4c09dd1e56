//! The curves of earlier runs that are overlaid on those of the current run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::Context;

use crate::{
    engine::{BackgroundTask, TaskState},
    tensorboard::RunLog,
    text::PrintablePath,
    train::{History, Recipe, run_folder::RunFolder},
    ui::{Action, RunOverlay, job::Job},
};

/// Maximum number of overlays; more would be hard to distinguish.
const LIMIT: usize = 6;

/// The overlaid runs, and those whose curves are still being read.
#[derive(Default)]
pub(super) struct Overlays {
    shown: Vec<RunOverlay>,
    loading: Vec<(PathBuf, BackgroundTask<Result<RunOverlay, String>>)>,
}

impl Overlays {
    /// The runs whose curves have been read.
    pub(crate) fn shown(&self) -> &[RunOverlay] {
        &self.shown
    }

    /// The runs whose curves are being read.
    pub(crate) fn loading(&self) -> Vec<PathBuf> {
        self.loading.iter().map(|(run, _)| run.clone()).collect()
    }

    /// Starts reading the curves of a run.
    ///
    /// # Errors
    /// A message for the user if there are too many overlays already, or the thread cannot be started.
    pub(crate) fn add(&mut self, ctx: &Context, run: PathBuf) -> Result<(), String> {
        self.remove(&run);
        if self.shown.len() + self.loading.len() >= LIMIT {
            return Err(format!("At most {LIMIT} runs can be overlaid. Remove one first."));
        }
        let (wake, from) = (ctx.clone(), run.clone());
        let task = BackgroundTask::spawn("read-curves", move || wake.request_repaint(), move |_| read(&from));
        match task {
            Ok(task) => {
                self.loading.push((run, task));
                Ok(())
            }
            Err(error) => Err(format!("The curves cannot be read, because no thread could be started: {error}.")),
        }
    }

    /// Removes a run.
    pub(crate) fn remove(&mut self, run: &Path) {
        self.shown.retain(|o| o.run != run);
        self.loading.retain(|(loading, _)| loading != run);
    }

    /// Removes a run from those whose curves have been read.
    pub(crate) fn hide(&mut self, run: &Path) {
        self.shown.retain(|o| o.run != run);
    }

    /// Renames a run.
    pub(crate) fn rename(&mut self, run: &Path, name: &str) {
        if let Some(overlay) = self.shown.iter_mut().find(|o| o.run == run) {
            overlay.name = name.to_owned();
        }
    }

    /// Collects the curves that have been read; returns the errors.
    pub(crate) fn poll(&mut self) -> Vec<String> {
        let (shown, mut errors) = (&mut self.shown, Vec::new());
        self.loading.retain(|(_, task)| match task.poll() {
            TaskState::Running => true,
            TaskState::Done(Ok(overlay)) => {
                shown.push(overlay);
                false
            }
            TaskState::Done(Err(text)) => {
                errors.push(text);
                false
            }
            TaskState::Over => false,
        });
        errors
    }

    /// The job of reading curves.
    pub(crate) fn job(&self) -> Option<Job> {
        let job = Job { title: "Reading curves", progress: (0, 0), cancel: Action::CancelOverlays };
        (!self.loading.is_empty()).then_some(job)
    }

    /// Stops reading curves.
    pub(crate) fn cancel(&mut self) {
        // Tasks are cancelled when they are dropped.
        self.loading.clear();
    }
}

/// Reads the curves of a run from its event files.
fn read(run: &Path) -> Result<RunOverlay, String> {
    let folder = RunFolder::open(run).ok();
    let name = folder.as_ref().map_or_else(|| run.printable().to_string(), |f| f.info().name.clone());
    let log = RunLog::read(run).map_err(|e| format!("The curves of {name} cannot be shown: {e}."))?;
    let recipe = folder.as_ref().and_then(|f| Recipe::from_record(&f.read_recipe().ok()?).ok());
    Ok(RunOverlay {
        run: run.to_owned(),
        name,
        history: Arc::new(History::from_log(&log)),
        critic: Arc::new(History::critic_from_log(&log)),
        recipe: recipe.map(Arc::new),
        source: folder.map(|f| f.info().source.clone()).unwrap_or_default(),
    })
}
