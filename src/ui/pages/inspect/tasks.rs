//! Background tasks of the workspace: folder search and export.

use std::path::PathBuf;

use crate::{
    engine::{BackgroundTask, Severity, TaskState},
    ui::Action,
};

/// Result of a background task.
pub(crate) enum TaskResult {
    /// Images found in folders.
    Found(FolderSearch),
    /// A message for the user.
    Notice(Severity, String),
    /// An export that was cancelled: a message, and what would finish it.
    Unfinished(String, Action),
}

/// How an export has ended.
pub(super) enum ExportEnd {
    /// All images were written.
    Done(String),
    /// It was cancelled: a message, and what would finish it.
    Cancelled(String, Action),
    /// It failed.
    Failed(String),
}

/// Result of a search for images in folders.
#[derive(Default)]
pub(crate) struct FolderSearch {
    /// The images, folder by folder, sorted by name within each.
    pub images: Vec<PathBuf>,
    /// A message for each folder without images.
    pub problems: Vec<String>,
}

/// The tasks that may be running.
#[derive(Default)]
pub(super) struct Tasks {
    /// Search for the images of folders.
    pub folder_search: Option<BackgroundTask<FolderSearch>>,
    pub export: Option<BackgroundTask<ExportEnd>>,
}

impl Tasks {
    /// Returns the result of a task that has finished since the last call.
    pub(crate) fn poll(&mut self) -> Option<TaskResult> {
        if let Some(task) = &self.folder_search {
            match task.poll() {
                TaskState::Running => {}
                TaskState::Done(result) => {
                    self.folder_search = None;
                    return Some(TaskResult::Found(result));
                }
                TaskState::Over => self.folder_search = None,
            }
        }
        if let Some(task) = &self.export {
            match task.poll() {
                TaskState::Running => {}
                TaskState::Done(result) => {
                    self.export = None;
                    return Some(match result {
                        ExportEnd::Done(text) => TaskResult::Notice(Severity::Info, text),
                        ExportEnd::Cancelled(text, rest) => TaskResult::Unfinished(text, rest),
                        ExportEnd::Failed(text) => TaskResult::Notice(Severity::Error, text),
                    });
                }
                TaskState::Over => self.export = None,
            }
        }
        None
    }

    /// Returns title, items done and total of the running task.
    pub(crate) fn progress(&self) -> Option<(&'static str, (usize, usize))> {
        if let Some(task) = &self.export {
            return Some(("Exporting", task.progress()));
        }
        self.folder_search.as_ref().map(|task| ("Searching for images", task.progress()))
    }

    /// Cancels the running task.
    pub(crate) fn cancel(&mut self) {
        match &self.export {
            // It ends after the current image, and its result says what was saved.
            Some(export) => export.cancel(),
            // Dropping a task cancels it.
            None => self.folder_search = None,
        }
    }
}
