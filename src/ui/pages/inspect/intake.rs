//! What comes on the list: files, pasted pictures, whole folders.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::Context;

use super::InspectWorkspace;
use crate::{
    data::decode::is_named_like_an_image,
    engine::{
        EngineState, InspectionRequest,
        background::BackgroundTask,
        inspection::{Query, QueryEntry, QueryId, QuerySource},
    },
};

/// Most images taken from one folder.
const FOLDER_MOST: usize = 10_000;

impl InspectWorkspace {
    /// Puts images on the list; the command that asks for their inspection.
    pub fn add(&mut self, sources: Vec<QuerySource>) -> Option<InspectionRequest> {
        let pasted = |n: usize| if n == 0 { "Pasted picture".to_owned() } else { format!("Pasted picture {}", n + 1) };
        let mut queries = Vec::with_capacity(sources.len());
        for source in sources {
            let name = match &source {
                QuerySource::File(path) => {
                    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
                }
                QuerySource::Picture(_) => {
                    self.list.pasted += 1;
                    pasted(self.list.pasted - 1)
                }
            };
            queries.push(Query { id: QueryId::fresh(), name, source });
        }
        self.ask(queries)
    }

    /// Shows one picture under this name: the one on the list, or it is put there; the command that asks for its
    /// inspection, if that is needed.
    pub fn examine(&mut self, live: &EngineState, name: String, source: QuerySource) -> Option<InspectionRequest> {
        let alike = |entry: &QueryEntry| match (&entry.source, &source) {
            (QuerySource::File(a), QuerySource::File(b)) => a == b,
            (QuerySource::Picture(_), QuerySource::Picture(_)) => entry.name == name,
            _ => false,
        };
        let scene = self.scene(live);
        if let Some(known) = scene.rows.iter().find(|entry| alike(entry)) {
            self.select(known.id);
            return None;
        }
        self.ask(vec![Query { id: QueryId::fresh(), name, source }])
    }

    /// Puts queries on the list; the command that asks for their inspection.
    pub(super) fn ask(&mut self, queries: Vec<Query>) -> Option<InspectionRequest> {
        // The first of them begins first, so it is the one to watch.
        self.select(queries.first()?.id);
        self.asked.extend(queries.iter().map(|query| Arc::new(QueryEntry::waiting(query, 0))));
        Some(InspectionRequest::Add(queries))
    }

    /// Looks for the images of a folder on a thread of its own.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn add_folder(&mut self, ctx: &Context, folder: PathBuf) -> std::io::Result<()> {
        let (wake, root) = (ctx.clone(), folder.clone());
        let task = BackgroundTask::spawn(
            "folder-of-queries",
            move || wake.request_repaint(),
            move |progress| {
                let mut found = Vec::new();
                let read = images_in(&root, &mut found, &|n| progress.report(n, 0));
                found.sort();
                match read {
                    Err(error) => Err(format!(
                        "The folder {} cannot be read: {error}. Check that it is there and that you may read it.",
                        root.display()
                    )),
                    Ok(()) if found.is_empty() => Err(format!(
                        "There is no image in {}. PNG, JPEG, TIFF, BMP and PNM files can be inspected.",
                        root.display()
                    )),
                    Ok(()) => Ok(found),
                }
            },
        )?;
        self.looking = Some((folder, task));
        Ok(())
    }
}

/// The images under a folder, up to a bound; `report` says how many there are so far and is false when
/// the search is to end.
fn images_in(folder: &Path, found: &mut Vec<PathBuf>, report: &dyn Fn(usize) -> bool) -> std::io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    let mut first = true;
    while let Some(folder) = folders.pop() {
        let listing = match std::fs::read_dir(&folder) {
            Ok(listing) => listing,
            Err(error) if first => return Err(error),
            // A folder within that may not be read is passed over.
            Err(_) => continue,
        };
        first = false;
        for entry in listing.flatten() {
            let path = entry.path();
            // Links to folders are not followed, since they may lead in circles.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if is_named_like_an_image(&path) {
                found.push(path);
            }
            if found.len() >= FOLDER_MOST || !report(found.len()) {
                return Ok(());
            }
        }
    }
    Ok(())
}
