//! Export of the record, or of the queue, on a background thread.

use std::path::{Path, PathBuf};

use egui::Context;

use super::ReviewWorkspace;
use crate::{
    engine::{BackgroundTask, thread_error},
    format::sentence,
    review::{
        Record, ReviewItem, export,
        export::{ExportFormat, ExportScope},
    },
    text::PrintablePath,
};

impl ReviewWorkspace {
    /// Writes all parts of the record to a folder, or those of the queue if the user has chosen so.
    ///
    /// # Errors
    /// A message if there is nothing to write or another export is running.
    pub(crate) fn export(&mut self, ctx: &Context, format: ExportFormat, folder: PathBuf) -> Result<(), String> {
        if self.export_task.is_some() {
            return Err("An export is already running. Wait for it to finish.".to_owned());
        }
        let Some(record) = self.snapshot.path.clone() else {
            return Err("There is no record to export from. Open one first.".to_owned());
        };
        let scope = self.scope();
        let items: Vec<ReviewItem> = if scope.filter.is_some() {
            let rows = self.queue.view().rows().iter();
            rows.filter_map(|&i| self.snapshot.items.get(i)).cloned().collect()
        } else {
            self.snapshot.items.to_vec()
        };
        if items.is_empty() {
            return Err(match &scope.filter {
                Some(filter) => format!("There is nothing to export: no part of the record is {filter}."),
                None => "There is nothing to export: the record contains no parts yet.".to_owned(),
            });
        }
        let wake = ctx.clone();
        let task = BackgroundTask::spawn(
            "export-review",
            move || wake.request_repaint(),
            move |_| write(&record, &items, &scope, format, &folder),
        );
        self.export_task = Some(task.map_err(|error| sentence(&thread_error(&error)))?);
        Ok(())
    }
}

/// Writes the parts; returns the message for the user.
fn write(
    record: &Path,
    items: &[ReviewItem],
    scope: &ExportScope,
    format: ExportFormat,
    folder: &Path,
) -> Result<String, String> {
    let summary = Record::open_to_read(record).map_err(|error| error.to_string()).and_then(|record| {
        export::write_scope(&record, items, scope, format, folder).map_err(|error| error.to_string())
    });
    let summary = summary.map_err(|error| format!("Cannot export the record: {error}."))?;
    let only = scope.filter.as_ref().map(|filter| format!(" (only {filter}, of {} in the record)", scope.whole));
    let (written, only) = (summary.describe(format, items.len()), only.unwrap_or_default());
    Ok(format!("Exported {written}{only} to {}.", folder.printable()))
}
