//! Export of the queue on a background thread.

use std::path::{Path, PathBuf};

use egui::Context;

use super::ReviewWorkspace;
use crate::{
    engine::{BackgroundTask, thread_error},
    format::sentence,
    review::{Record, ReviewItem, export, export::ExportFormat},
    text::PrintablePath,
};

impl ReviewWorkspace {
    /// Writes the parts of the queue to a folder.
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
        let rows = self.queue.view().rows().iter();
        let items: Vec<ReviewItem> = rows.filter_map(|&i| self.snapshot.items.get(i)).cloned().collect();
        if items.is_empty() {
            return Err("There is nothing to export: no part matches the filter in the panel.".to_owned());
        }
        let wake = ctx.clone();
        let task = BackgroundTask::spawn(
            "export-review",
            move || wake.request_repaint(),
            move |_| write(&record, &items, format, &folder),
        );
        self.export_task = Some(task.map_err(|error| sentence(&thread_error(&error)))?);
        Ok(())
    }
}

/// Writes the parts; returns the message for the user.
fn write(record: &Path, items: &[ReviewItem], format: ExportFormat, folder: &Path) -> Result<String, String> {
    let summary = Record::open_to_read(record)
        .map_err(|error| error.to_string())
        .and_then(|record| export::write(&record, items, format, folder).map_err(|error| error.to_string()));
    let summary = summary.map_err(|error| format!("Cannot export the queue: {error}."))?;
    Ok(format!("Exported {} to {}.", summary.describe(format, items.len()), folder.printable()))
}
