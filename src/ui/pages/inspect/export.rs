//! Export of inspected images.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::Context;

use super::InspectWorkspace;
use crate::{
    data::colour_map::ColourMap,
    engine::{
        BackgroundTask, EngineState, TaskProgress,
        inspection::{ModelFacts, ModelState, QueryEntry, QueryId, QueryView},
        thread_error,
    },
    format::sentence,
    inspect::{
        Outcome,
        export::{ExportInput, ExportPart, UniqueStems, write_all},
    },
    text::PrintablePath,
};

/// An inspected image, as it was when the export started.
struct Item {
    entry: Arc<QueryEntry>,
    view: Arc<QueryView>,
    outcome: Arc<Outcome>,
}

impl InspectWorkspace {
    /// Writes images, scores and maps of these queries to a folder, on a background thread.
    ///
    /// # Errors
    /// A message if there is nothing to write or another export is running.
    pub(crate) fn export(
        &mut self,
        ctx: &Context,
        engine: &EngineState,
        ids: &[QueryId],
        dir: PathBuf,
    ) -> Result<(), String> {
        if self.tasks.export.is_some() {
            return Err(
                "An export is already running. Wait for it to finish, or cancel it in the status bar.".to_owned()
            );
        }
        let scene = self.scene(engine);
        let ModelState::Ready(model) = &scene.status.model else {
            return Err("The export records the model, and no model is loaded. Open the model first.".to_owned());
        };
        let views = engine.inspection.views.read().clone();
        let item = |id: &QueryId| {
            let entry = scene.rows.iter().find(|e| e.id == *id)?;
            let view = views.get(id)?;
            let outcome = view.outcome.as_ref()?;
            Some(Item { entry: Arc::clone(entry), view: Arc::clone(view), outcome: Arc::clone(outcome) })
        };
        let items: Vec<Item> = ids.iter().filter_map(item).collect();
        if items.is_empty() {
            return Err(
                "There is nothing to export yet. Wait for the inspection to finish, or inspect the image again.".into(),
            );
        }
        let (wake, model, map) = (ctx.clone(), Arc::clone(model), self.triptych.colours());
        let task = BackgroundTask::spawn(
            "export-inspection",
            move || wake.request_repaint(),
            move |progress| write(&items, &model, map, &dir, progress),
        );
        self.tasks.export = Some(task.map_err(|error| sentence(&thread_error(&error)))?);
        Ok(())
    }
}

/// Writes all parts of all images; returns the message for the user.
fn write(
    items: &[Item],
    model: &ModelFacts,
    map: ColourMap,
    dir: &Path,
    progress: &TaskProgress,
) -> Result<String, String> {
    let mut names = UniqueStems::default();
    let total = items.len();
    for (done, item) in items.iter().enumerate() {
        if !progress.report(done, total) {
            return Err(format!("The export was cancelled; {done} of {total} images were saved."));
        }
        let calibration = model.calibration(&item.outcome.knobs);
        let query = ExportInput {
            file: &item.entry.name,
            model: &model.name,
            hash: &model.hash,
            outcome: &item.outcome,
            frames: &item.view.frames,
            scale: calibration.map(|c| c.scale),
            map,
        };
        let name = &item.entry.name;
        let stem = Path::new(name).file_stem().map_or_else(|| name.clone(), |s| s.to_string_lossy().into_owned());
        write_all(dir, &stem, &mut names, &query, &ExportPart::ALL)
            .map_err(|error| format!("Cannot export {name}: {error}."))?;
    }
    let what = match items {
        [item] => item.entry.name.clone(),
        _ => format!("{total} images"),
    };
    Ok(format!("Images, animation, scores and difference map of {what} saved to {}.", dir.printable()))
}
