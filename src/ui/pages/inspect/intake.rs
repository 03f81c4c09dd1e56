//! Adding queries to the list: files, pasted images and folders.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::Context;

use super::{InspectWorkspace, empty::examples, tasks::FolderSearch, truth::TruthKey};
use crate::{
    data::{
        decode::formats,
        image_files::{VisibleEntry, entries},
    },
    engine::{
        BackgroundTask, EngineState, InspectionRequest,
        inspection::{Query, QueryEntry, QueryId, QuerySource},
    },
    inspect::evaluation::PartTruth,
    text::PrintablePath,
};

/// Largest number of images taken from the folders of one drop.
const FOLDER_LIMIT: usize = 10_000;

/// The outcome of taking in images.
#[derive(Default)]
pub(crate) struct AddedImages {
    /// The request to inspect the images; `None` if there are none yet.
    pub request: Option<InspectionRequest>,
    /// The folder that they came from.
    pub folder: Option<PathBuf>,
}

impl InspectWorkspace {
    /// Takes in dropped, pasted or chosen images: files go to the list at once, the images of folders once these have
    /// been searched in the background.
    ///
    /// # Errors
    /// If the thread for the search cannot be started.
    pub(crate) fn take_in(&mut self, ctx: &Context, sources: Vec<QuerySource>) -> std::io::Result<AddedImages> {
        let mut added = AddedImages::default();
        let (mut images, mut folders) = (Vec::with_capacity(sources.len()), Vec::new());
        for source in sources {
            match source {
                QuerySource::File(path) if path.is_dir() => folders.push(path),
                source => images.push(source),
            }
        }
        if !folders.is_empty() {
            added.folder = folders.last().cloned();
            self.add_folders(ctx, folders)?;
        }
        let parent = images.iter().rev().find_map(|source| match source {
            QuerySource::File(path) => path.parent().filter(|parent| !parent.as_os_str().is_empty()),
            QuerySource::Picture(_) => None,
        });
        added.folder = parent.map(Path::to_owned).or(added.folder);
        added.request = self.add(images);
        Ok(added)
    }

    /// Adds images to the list; returns the request to inspect them.
    pub(crate) fn add(&mut self, sources: Vec<QuerySource>) -> Option<InspectionRequest> {
        let pasted = |n: usize| if n == 0 { "Pasted image".to_owned() } else { format!("Pasted image {}", n + 1) };
        let mut queries = Vec::with_capacity(sources.len());
        for source in sources {
            let name = match &source {
                QuerySource::File(path) => {
                    path.file_name().map_or_else(|| path.printable().to_string(), |n| n.printable().to_string())
                }
                QuerySource::Picture(_) => {
                    self.list.pasted += 1;
                    pasted(self.list.pasted - 1)
                }
            };
            queries.push(Query { id: QueryId::fresh(), name, source });
        }
        self.enqueue(queries)
    }

    /// Selects the image if it is on the list already, or adds it under this name. Returns the request to inspect
    /// it in the latter case.
    pub(crate) fn examine(
        &mut self,
        engine: &EngineState,
        name: String,
        source: QuerySource,
        truth: Option<Arc<PartTruth>>,
    ) -> Option<InspectionRequest> {
        if let Some(truth) = truth {
            self.truths.insert(TruthKey::of(&name, &source), truth);
        }
        let same = |entry: &QueryEntry| match (&entry.source, &source) {
            (QuerySource::File(a), QuerySource::File(b)) => a == b,
            (QuerySource::Picture(_), QuerySource::Picture(_)) => entry.name == name,
            _ => false,
        };
        let scene = self.scene(engine);
        if let Some(known) = scene.rows.iter().find(|entry| same(entry)) {
            self.select(known.id);
            return None;
        }
        self.enqueue(vec![Query { id: QueryId::fresh(), name, source }])
    }

    /// Adds two example images, one of them cracked; returns the request to inspect them.
    pub(crate) fn add_examples(&mut self) -> Option<InspectionRequest> {
        self.enqueue(examples())
    }

    /// Adds queries to the list; returns the request to inspect them.
    pub(super) fn enqueue(&mut self, queries: Vec<Query>) -> Option<InspectionRequest> {
        // The first of them is inspected first, so it is selected.
        self.select(queries.first()?.id);
        self.added.extend(queries.iter().map(|query| Arc::new(QueryEntry::waiting(query, 0))));
        Some(InspectionRequest::Add(queries))
    }

    /// Searches folders for images in the background.
    ///
    /// # Errors
    /// If the thread cannot be started.
    fn add_folders(&mut self, ctx: &Context, folders: Vec<PathBuf>) -> std::io::Result<()> {
        let wake = ctx.clone();
        let task = BackgroundTask::spawn(
            "folder-of-queries",
            move || wake.request_repaint(),
            move |progress| search(&folders, &|n| progress.report(n, 0)),
        )?;
        self.tasks.folder_search = Some(task);
        Ok(())
    }
}

/// Collects the images under each folder, and a sentence for each folder without any.
fn search(folders: &[PathBuf], report: &dyn Fn(usize) -> bool) -> FolderSearch {
    let mut result = FolderSearch::default();
    for folder in folders {
        let before = result.images.len();
        if before >= FOLDER_LIMIT {
            break;
        }
        let read = images_in(folder, &mut result.images, report);
        result.images[before..].sort();
        match read {
            Err(error) => result.problems.push(format!(
                "Cannot read the folder {}: {error}. Check that it exists and that you have permission to read it.",
                folder.printable()
            )),
            Ok(()) if result.images.len() == before => result.problems.push(format!(
                "No image found in {}. {} files can be inspected.",
                folder.printable(),
                formats("and")
            )),
            Ok(()) => {}
        }
    }
    result
}

/// Collects the images under a folder, up to [`FOLDER_LIMIT`]. `report` receives the number found so far and returns
/// false to end the search.
fn images_in(folder: &Path, found: &mut Vec<PathBuf>, report: &dyn Fn(usize) -> bool) -> std::io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    let mut first = true;
    while let Some(folder) = folders.pop() {
        let listing = match entries(&folder) {
            Ok(listing) => listing,
            Err(error) if first => return Err(error),
            // Unreadable subfolders are skipped.
            Err(_) => continue,
        };
        first = false;
        for entry in listing.flatten() {
            match entry {
                VisibleEntry::Folder(path) => folders.push(path),
                VisibleEntry::Image(path) => found.push(path),
                VisibleEntry::Other => {}
            }
            if found.len() >= FOLDER_LIMIT || !report(found.len()) {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_folder_is_searched_and_one_without_images_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let [first, empty, second] = ["first", "empty", "second"].map(|name| folder.path().join(name));
        for (path, images) in [(&first, &["b.png", "a.png"][..]), (&empty, &["notes.txt"]), (&second, &["c.jpg"])] {
            fs::create_dir(path).unwrap();
            images.iter().for_each(|name| fs::write(path.join(name), "x").unwrap());
        }
        let missing = folder.path().join("missing");
        let found = search(&[first.clone(), empty.clone(), second.clone(), missing.clone()], &|_| true);
        assert_eq!(found.images, [first.join("a.png"), first.join("b.png"), second.join("c.jpg")]);
        let named = |i: usize, path: &Path| found.problems[i].contains(&path.display().to_string());
        assert!(found.problems.len() == 2 && named(0, &empty) && named(1, &missing), "{:?}", found.problems);
    }
}
