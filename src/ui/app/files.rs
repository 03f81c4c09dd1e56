//! Asking for files and folders; recipe files and sample grids.

use std::path::{Path, PathBuf};

use super::App;
use crate::{
    data::DataSource,
    engine::Severity,
    files,
    review::export::ExportFormat,
    text::PrintablePath,
    train::{Recipe, knobs},
    ui::{Action, PathRequest, dialog::Dialog},
};

/// Largest recipe file that is read, bytes.
const RECIPE_LIMIT: u64 = 1 << 20;

impl App {
    /// Opens a dialog for a path, with a suggestion.
    pub(super) fn ask(&mut self, request: PathRequest) {
        let status = self.status();
        let home = directories::UserDirs::new().map(|d| d.home_dir().to_owned()).unwrap_or_default();
        let name = if status.name.is_empty() { "recipe" } else { &status.name };
        let suggested = match request {
            PathRequest::Images => self.settings.recent.first().cloned().unwrap_or(home),
            PathRequest::LoadRecipe | PathRequest::SaveRecipe => home.join(format!("{name}.toml")),
            PathRequest::SaveGrid => self.exports().join(format!("{name}-step-{}.png", status.step)),
            PathRequest::RunsFolder => self.runs_folder().to_owned(),
            PathRequest::Queries => self.settings.image_folder.clone().unwrap_or(home).join(""),
            PathRequest::Export => self.exports(),
            PathRequest::TestImages => match self.pages.evaluate.data().map(str::parse) {
                Some(Ok(DataSource::Folder(folder))) => folder,
                _ => self.settings.recent.first().cloned().unwrap_or(home),
            },
            PathRequest::Report => self.exports().join("report"),
            PathRequest::Record => self.pages.review.path().map_or_else(|| self.paths.review.clone(), Path::to_owned),
            PathRequest::Parts => {
                let last = self.settings.review.intake.folder.clone();
                last.or_else(|| self.settings.image_folder.clone()).unwrap_or(home)
            }
            PathRequest::ReviewExport(ExportFormat::Pdf) => self.exports().join("shift"),
            PathRequest::ReviewExport(_) => self.exports().join("review"),
            PathRequest::Model => self.settings.last_model.clone().unwrap_or_else(|| home.join("")),
            PathRequest::SaveModel => {
                home.join(format!("{}.ganspect", self.pages.inspect.model_name(self.engine.state())))
            }
        };
        self.dialog = Some(Dialog::open(&self.ctx, request, suggested, self.native_dialogs));
    }

    /// The program's own folder for exports, so that none is suggested among the user's data. Dialogs open in it, so it
    /// is created.
    fn exports(&self) -> PathBuf {
        let folder = self.paths.exports();
        if let Err(error) = std::fs::create_dir_all(&folder) {
            tracing::warn!("cannot create the folder {}: {error}", folder.printable());
        }
        folder
    }

    /// Loads a recipe file; while a run is open, its live knobs only.
    pub(super) fn load_recipe(&mut self, path: &Path) {
        let read = files::read_text(path, RECIPE_LIMIT).map_err(|e| e.to_string());
        let recipe = read.and_then(|text| Recipe::from_toml(&text).map_err(|e| format!("{}: {e}", path.printable())));
        match recipe {
            Ok(mut recipe) => {
                let open = self.status().recipe.is_some();
                let mut fixed = Vec::new();
                if open {
                    let mut merged = self.recipes.current().clone();
                    merged.adopt_live(&recipe);
                    fixed = merged.differences(&recipe);
                    recipe = merged;
                }
                let before = self.recipes.current().clone();
                self.recipes.replace(recipe);
                self.send_recipe();
                if !open {
                    self.recipes.rebase();
                }
                let mut text = format!("Recipe loaded from {}.", path.printable());
                let changed = before.describe_change(self.recipes.current(), "to");
                text += &if changed.is_empty() {
                    " It changes nothing.".to_owned()
                } else {
                    format!(" Changed: {changed}.")
                };
                let severity = if fixed.is_empty() { Severity::Info } else { Severity::Warning };
                if !fixed.is_empty() {
                    let names: Vec<&str> =
                        fixed.iter().map(|(key, ..)| knobs::knob(key).map_or(*key, |knob| knob.label)).collect();
                    text += &format!(" Fixed once a run has started, and not changed: {}.", names.join(", "));
                }
                match changed.is_empty() {
                    true => self.notices.push(severity, text),
                    false => self.notices.offer(severity, text, "Undo", Action::Recipe(Box::new(before))),
                }
            }
            Err(error) => self.notices.push(Severity::Error, format!("The recipe was not loaded: {error}.")),
        }
    }

    pub(super) fn save_recipe(&mut self, path: PathBuf) {
        let path = PathRequest::SaveRecipe.saved_as(path);
        match files::write_atomic(&path, self.recipes.current().to_toml().as_bytes()) {
            Ok(()) => self.notices.push(Severity::Info, format!("Recipe saved to {}.", path.printable())),
            Err(error) => self.notices.push(Severity::Error, format!("The recipe was not saved: {error}.")),
        }
    }

    /// Writes the displayed sample grid to a PNG file.
    pub(super) fn save_grid(&mut self, path: PathBuf) {
        let path = PathRequest::SaveGrid.saved_as(path);
        let Some(grid) = self.pages.train.workspace.shown(self.engine.state()) else {
            return self.notices.push(Severity::Warning, "There is no sample grid to save yet.");
        };
        let written = grid.samples.png(1).map_err(|e| e.to_string());
        let written = written.and_then(|(_, png)| files::write_atomic(&path, &png).map_err(|e| e.to_string()));
        match written {
            Ok(()) => {
                let text = format!("Samples of step {} saved to {}.", grid.step, path.printable());
                self.notices.push(Severity::Info, text);
            }
            Err(error) => self.notices.push(Severity::Error, format!("The samples were not saved: {error}.")),
        }
    }
}
