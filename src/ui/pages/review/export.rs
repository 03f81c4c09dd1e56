//! Writing the queue for others, on a thread of its own.

use std::path::{Path, PathBuf};

use egui::Context;

use super::ReviewWorkspace;
use crate::{
    engine::background::BackgroundTask,
    review::{Record, ReviewItem, export, export::Format},
};

impl ReviewWorkspace {
    /// Writes the parts of the queue to a folder.
    ///
    /// # Errors
    /// A sentence, when there is nothing to write or another export goes on.
    pub fn export(&mut self, ctx: &Context, format: Format, folder: PathBuf) -> Result<(), String> {
        if self.exporting.is_some() {
            return Err("An export goes on already. Wait for its end.".to_owned());
        }
        let Some(record) = self.books.path.clone() else {
            return Err("There is no record to export from. Open one first.".to_owned());
        };
        let rows = self.queue.view().rows().iter();
        let items: Vec<ReviewItem> = rows.filter_map(|&i| self.books.items.get(i)).cloned().collect();
        if items.is_empty() {
            return Err("There is nothing to export: no part passes the filter in the panel.".to_owned());
        }
        let wake = ctx.clone();
        let task = BackgroundTask::spawn(
            "export-review",
            move || wake.request_repaint(),
            move |_| write(&record, &items, format, &folder),
        );
        self.exporting = Some(task.map_err(|error| format!("The system has no thread to export with: {error}."))?);
        Ok(())
    }
}

/// Writes the parts; what to say of it.
fn write(record: &Path, items: &[ReviewItem], format: Format, folder: &Path) -> Result<String, String> {
    let written = Record::open(record)
        .map_err(|error| error.to_string())
        .and_then(|record| export::write(&record, items, format, folder).map_err(|error| error.to_string()));
    let written = written.map_err(|error| format!("The export was not written: {error}."))?;
    let unit = match format {
        Format::Csv => "rows",
        Format::Jsonl => "lines",
        Format::Coco => "outlines",
        Format::Masks => "masks",
        Format::Pdf => "pages",
    };
    let mut text = format!("{} {unit} of {} parts were written to {}.", written.rows, items.len(), folder.display());
    if written.missing > 0 {
        text.push_str(&format!(" {} of their pictures are not where they were.", written.missing));
    }
    if written.left_out > 0 {
        text.push_str(&format!(
            " {} parts are left out: nobody drew on them, or there are too many.",
            written.left_out
        ));
    }
    Ok(text)
}
