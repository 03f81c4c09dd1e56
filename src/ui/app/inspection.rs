//! What the window does for the Inspect workspace: drops, pastes, models and exports.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::{ColorImage, Event};

use super::App;
use crate::{
    data::{DataSource, Picture, Samples},
    engine::{
        EvaluationRequest, InspectionRequest, Severity,
        inspection::{ModelSource, ModelState, QueryEntry, QueryId, QuerySource, QueryState},
    },
    ui::{Action, PageId, pages::inspect::TaskResult},
};

impl App {
    /// Puts the model of the last time in force again.
    pub(super) fn open_last_model(&mut self) {
        if let Some(path) = self.settings.last_model.clone().filter(|path| path.is_file()) {
            self.send(InspectionRequest::OpenModel(ModelSource::File(path)));
        }
    }

    /// Takes in what tasks have found, and which model is in force.
    pub(super) fn take_inspection(&mut self) {
        match self.inspect.poll() {
            Some(TaskResult::Images(images)) => self.inspect(images.into_iter().map(QuerySource::File).collect()),
            Some(TaskResult::Notice(severity, text)) => self.notices.push(severity, text),
            None => {}
        }
        let path = match &self.engine.state().inspection.status.read().model {
            ModelState::Ready(facts) => facts.path.clone(),
            _ => None,
        };
        if path.is_some() && path != self.settings.last_model {
            self.settings.last_model = path;
        }
    }

    /// Inspection that goes on while another page is on show: title, done and in all.
    pub(super) fn inspecting(&self) -> Option<(&'static str, (usize, usize))> {
        if self.page == PageId::Inspect {
            return None;
        }
        let status = self.engine.state().inspection.status.read();
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

    /// Ends it, with what has been reached so far.
    pub(super) fn stop_inspecting(&mut self) {
        let status = self.engine.state().inspection.status.read().clone();
        if status.calibrating.is_some() {
            return self.send(InspectionRequest::CancelCalibration);
        }
        for entry in status.entries.iter().filter(|e| !e.state.is_over()) {
            self.send(InspectionRequest::Stop(entry.id));
        }
    }

    /// Adds images to the list and shows it.
    pub(super) fn inspect(&mut self, sources: Vec<QuerySource>) {
        let mut sources = sources;
        let folder = sources.iter().position(|s| matches!(s, QuerySource::File(path) if path.is_dir()));
        if let Some(at) = folder
            && let QuerySource::File(path) = sources.swap_remove(at)
        {
            self.inspect_folder(path);
        }
        let from = sources.iter().rev().find_map(|source| match source {
            QuerySource::File(path) => path.parent().filter(|parent| !parent.as_os_str().is_empty()),
            QuerySource::Picture(_) => None,
        });
        if let Some(folder) = from {
            self.settings.image_folder = Some(folder.to_owned());
        }
        self.page = PageId::Inspect;
        if let Some(command) = self.inspect.add(sources) {
            self.send(command);
        }
    }

    /// Takes queries off the list, and offers to put them back.
    pub(super) fn remove_queries(&mut self, entries: &[Arc<QueryEntry>]) {
        let ids: Vec<QueryId> = entries.iter().map(|entry| entry.id).collect();
        self.inspect.remove(&ids);
        self.send(InspectionRequest::Remove(ids));
        let text = match entries {
            [] => return,
            [entry] => format!("{} was taken off the list.", entry.name),
            all => format!("{} images were taken off the list.", all.len()),
        };
        let back = entries.iter().map(|entry| entry.source.clone()).collect();
        self.notices.offer(Severity::Info, text, "Put back", Action::Inspect(back));
    }

    /// Adds the images of a folder to the list, once they are found.
    pub(super) fn inspect_folder(&mut self, folder: PathBuf) {
        self.page = PageId::Inspect;
        self.settings.image_folder = Some(folder.clone());
        if let Err(error) = self.inspect.add_folder(&self.ctx, folder) {
            self.notices.push(Severity::Error, format!("The system has no thread to read the folder with: {error}."));
        }
    }

    /// Puts a model file in force.
    pub(super) fn open_model(&mut self, path: PathBuf) {
        // Where a model is tested, another one is as welcome.
        if self.page != PageId::Evaluate {
            self.page = PageId::Inspect;
        }
        self.send(InspectionRequest::OpenModel(ModelSource::File(path)));
    }

    /// Writes pictures and figures of inspected images to a folder.
    pub(super) fn export_inspection(&mut self, ids: Vec<QueryId>, dir: PathBuf) {
        let live = Arc::clone(self.engine.state());
        let ids = if ids.is_empty() { self.inspect.shown(&live).into_iter().collect() } else { ids };
        if let Err(text) = self.inspect.export(&self.ctx, &live, &ids, dir) {
            self.notices.push(Severity::Warning, text);
        }
    }

    /// Tests the model in force on this data, or on its own.
    pub(super) fn evaluate(&mut self, source: Option<DataSource>) {
        self.page = PageId::Evaluate;
        self.evaluate.begin(source.as_ref().map(ToString::to_string));
        let runs = Some(self.runs_folder().to_owned());
        self.send(EvaluationRequest::Begin { source, runs });
    }

    /// A picture, or the paths of images, from the clipboard. Text that is pasted into a field is left to it.
    pub(super) fn take_paste(&self, actions: &mut Vec<Action>) {
        if self.is_asking() || self.ctx.text_edit_focused() {
            return;
        }
        let pasted: Vec<QuerySource> = self.ctx.input(|i| i.events.iter().flat_map(pasted).collect());
        if !pasted.is_empty() {
            actions.push(Action::Inspect(pasted));
        }
    }
}

/// What a paste brings: a picture, or files that are there.
fn pasted(event: &Event) -> Vec<QuerySource> {
    match event {
        Event::PasteImage(image) => {
            picture(image).map(|picture| QuerySource::Picture(Arc::new(picture))).into_iter().collect()
        }
        Event::Paste(text) => text
            .lines()
            .map(|line| PathBuf::from(line.trim().trim_matches('"').trim_start_matches("file://")))
            .filter(|path| path.is_absolute() && path.is_file())
            .map(QuerySource::File)
            .collect(),
        _ => Vec::new(),
    }
}

/// A picture of the clipboard: grey where all its pixels are, RGB otherwise.
fn picture(image: &ColorImage) -> Option<Picture> {
    let [width, height] = image.size;
    if image.pixels.iter().all(|p| p.r() == p.g() && p.g() == p.b()) {
        return Picture::new(width, height, 1, Samples::U8(image.pixels.iter().map(|p| p.r()).collect()));
    }
    let rgb = image.pixels.iter().flat_map(|p| [p.r(), p.g(), p.b()]).collect();
    Picture::new(width, height, 3, Samples::U8(rgb))
}

/// What to do with files dropped on the window.
pub(super) fn dropped(paths: Vec<PathBuf>, page: PageId, actions: &mut Vec<Action>) {
    let ends_in = |path: &Path, ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
    let mut images = Vec::new();
    let mut imported = false;
    for path in paths {
        if ends_in(&path, "toml") {
            actions.push(Action::LoadRecipe(path));
        } else if ends_in(&path, "ganspect") {
            actions.push(Action::OpenModel(path));
        } else if page == PageId::Evaluate && (path.is_dir() || ends_in(&path, "csv")) {
            actions.push(Action::Evaluate(Some(DataSource::Folder(path))));
        } else if path.is_dir() && page == PageId::Inspect {
            actions.push(Action::InspectFolder(path));
        } else if path.is_dir() || ends_in(&path, "csv") {
            // The import page shows one data set at a time.
            if !std::mem::replace(&mut imported, true) {
                actions.push(Action::Import(path));
            }
        } else {
            images.push(QuerySource::File(path));
        }
    }
    if !images.is_empty() {
        actions.push(Action::Inspect(images));
    }
}
