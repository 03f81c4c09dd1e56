//! Export of inspected images.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::Context;

use super::{InspectWorkspace, raster::DisplayMap, tasks::ExportEnd};
use crate::{
    engine::{
        BackgroundTask, EngineState, TaskProgress,
        inspection::{ModelFacts, ModelState, QueryEntry, QueryId, QueryView},
        thread_error,
    },
    format::sentence,
    inspect::{
        Outcome,
        evaluation::PartTruth,
        export::{ExportInput, ExportPart, UniqueStems, stem_of, write_all},
    },
    text::PrintablePath,
    ui::Action,
};

/// An inspected image, as it was when the export started.
struct Item {
    entry: Arc<QueryEntry>,
    view: Arc<QueryView>,
    outcome: Arc<Outcome>,
    truth: Option<Arc<PartTruth>>,
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
            return Err("The export records the model, and no model is open. Open the model first.".to_owned());
        };
        let views = engine.inspection.views.read().clone();
        let item = |id: &QueryId| {
            let entry = scene.rows.iter().find(|e| e.id == *id)?;
            let view = views.get(id)?;
            let outcome = view.outcome.as_ref()?;
            let truth = self.truth(entry);
            Some(Item { entry: Arc::clone(entry), view: Arc::clone(view), outcome: Arc::clone(outcome), truth })
        };
        let items: Vec<Item> = ids.iter().filter_map(item).collect();
        if items.is_empty() {
            return Err(
                "There is nothing to export yet. Wait for the inspection to finish, or inspect the image again.".into(),
            );
        }
        let (wake, model) = (ctx.clone(), Arc::clone(model));
        let look = (self.triptych.chosen(), self.triptych.is_grey());
        let task = BackgroundTask::spawn(
            "export-inspection",
            move || wake.request_repaint(),
            move |progress| write(&items, &model, look, &dir, progress),
        );
        self.tasks.export = Some(task.map_err(|error| sentence(&thread_error(&error)))?);
        Ok(())
    }
}

/// Writes all parts of all images, with the chosen map instead of the deciding one if there is a choice, in greys or
/// colours; returns the message for the user.
fn write(
    items: &[Item],
    model: &ModelFacts,
    (chosen, grey): (Option<DisplayMap>, bool),
    dir: &Path,
    progress: &TaskProgress,
) -> ExportEnd {
    let mut names = UniqueStems::default();
    let total = items.len();
    for (done, item) in items.iter().enumerate() {
        if !progress.report(done, total) {
            let text = format!("The export was cancelled: {done} of {total} images were saved to {}.", dir.printable());
            let ids = items[done..].iter().map(|item| item.entry.id).collect();
            return ExportEnd::Cancelled(text, Action::ExportInspection { ids, dir: dir.to_owned() });
        }
        let deciding = model.deciding_map(&item.outcome);
        let map = chosen.unwrap_or(DisplayMap::from(deciding));
        let query = ExportInput {
            file: &item.entry.name,
            model: &model.name,
            hash: &model.hash,
            outcome: &item.outcome,
            regions: item.view.regions.as_deref(),
            truth: item.truth.as_deref(),
            frames: &item.view.frames,
            scale: model.map_scale(&item.outcome.knobs),
            shown: map.unsigned(),
            deciding,
            map: map.colours(grey),
        };
        let name = &item.entry.name;
        let stem = match item.entry.path() {
            Some(path) => stem_of(path),
            // The name of a generated image is a path within its set.
            None if name.contains('/') => stem_of(&Path::new("/").join(name)),
            None => name.clone(),
        };
        if let Err(error) = write_all(dir, &stem, &mut names, &query, &ExportPart::ALL) {
            let saved = format!("{done} of {total} images were saved before.");
            return ExportEnd::Failed(format!("Cannot export {name}: {error}. {saved}"));
        }
    }
    let what = match items {
        [item] => item.entry.name.clone(),
        _ => format!("{total} images"),
    };
    ExportEnd::Done(format!(
        "Images, animation, scores, regions and difference map of {what} saved to {}.",
        dir.printable()
    ))
}
