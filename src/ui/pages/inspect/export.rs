//! Writing an inspection for people who were not there.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::Context;

use super::InspectWorkspace;
use crate::{
    data::colour_map::ColourMap,
    engine::{
        EngineState,
        background::{BackgroundTask, TaskProgress},
        inspection::{ModelFacts, ModelState, QueryEntry, QueryId, QueryView},
    },
    inspect::{
        Outcome,
        export::{ExportPart, Inspected, Names, write_all},
    },
};

/// An inspected image, as it was when it was asked for.
struct Item {
    entry: Arc<QueryEntry>,
    view: Arc<QueryView>,
    outcome: Arc<Outcome>,
}

impl InspectWorkspace {
    /// Writes pictures and figures of these images to a folder, on a thread of its own.
    ///
    /// # Errors
    /// A sentence, when there is nothing to write or another export goes on.
    pub fn export(&mut self, ctx: &Context, live: &EngineState, ids: &[QueryId], dir: PathBuf) -> Result<(), String> {
        if self.exporting.is_some() {
            return Err("An export goes on already. Wait for its end, or cancel it in the bar below.".to_owned());
        }
        let scene = self.scene(live);
        let ModelState::Ready(model) = &scene.status.model else {
            return Err("The export names the model, and none is in force. Open the model first.".to_owned());
        };
        let views = live.inspection.views.read().clone();
        let item = |id: &QueryId| {
            let entry = scene.rows.iter().find(|e| e.id == *id)?;
            let view = views.get(id)?;
            let outcome = view.outcome.as_ref()?;
            Some(Item { entry: Arc::clone(entry), view: Arc::clone(view), outcome: Arc::clone(outcome) })
        };
        let items: Vec<Item> = ids.iter().filter_map(item).collect();
        if items.is_empty() {
            return Err(
                "There is nothing to export yet. Wait until the image is inspected, or inspect it again.".into()
            );
        }
        let (wake, model, map) = (ctx.clone(), Arc::clone(model), self.triptych.colours());
        let task = BackgroundTask::spawn(
            "export-inspection",
            move || wake.request_repaint(),
            move |progress| write(&items, &model, map, &dir, progress),
        );
        self.exporting = Some(task.map_err(|error| format!("The system has no thread to export with: {error}."))?);
        Ok(())
    }
}

/// Writes every part of every image; what to say of it.
fn write(
    items: &[Item],
    model: &ModelFacts,
    map: ColourMap,
    dir: &Path,
    progress: &TaskProgress,
) -> Result<String, String> {
    let mut names = Names::default();
    let total = items.len();
    for (done, item) in items.iter().enumerate() {
        if !progress.report(done, total) {
            return Err(format!("The export was cancelled; {done} of {total} images were written."));
        }
        let calibration = model.calibration(&item.outcome.knobs);
        let query = Inspected {
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
            .map_err(|error| format!("The export of {name} was not written: {error}."))?;
    }
    let what = match items {
        [item] => item.entry.name.clone(),
        _ => format!("{total} images"),
    };
    Ok(format!("Pictures, film, figures and difference map of {what} were written to {}.", dir.display()))
}
