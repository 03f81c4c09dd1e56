//! The window's side of the review.

use std::{path::PathBuf, sync::Arc};

use super::App;
use crate::{
    engine::Severity,
    review::export::ExportFormat,
    text::PrintablePath,
    ui::{PageId, pages::review::ReviewWorkspace},
};

impl App {
    /// Brings the Review page up to date with the record and opens the record when the page is first shown.
    pub(super) fn update_review(&mut self) {
        let engine = Arc::clone(self.engine.state());
        let shown = self.page == PageId::Review;
        let mut actions = Vec::new();
        self.pages.review.follow(&engine, &self.settings.review, shown, &mut actions);
        if shown && self.pages.review.path().is_none() && !std::mem::replace(&mut self.record_opened, true) {
            actions.push(ReviewWorkspace::open(self.record()));
        }
        actions.into_iter().for_each(|action| self.apply(action));
        if let Some((severity, text)) = self.pages.review.poll() {
            self.notices.push(severity, text);
        }
    }

    /// Opens another record.
    pub(super) fn open_record(&mut self, path: PathBuf) {
        self.page = PageId::Review;
        if !path.is_file() {
            let text = format!("No record found at {}. Choose a file written by a watched folder.", path.printable());
            return self.notices.push(Severity::Error, text);
        }
        self.record_opened = true;
        self.settings.review.record = (path != self.paths.review).then(|| path.clone());
        self.apply(ReviewWorkspace::open(path));
    }

    /// Exports the parts of the queue to a folder.
    pub(super) fn export_review(&mut self, format: ExportFormat, folder: PathBuf) {
        if let Err(text) = self.pages.review.export(&self.ctx, format, folder) {
            self.notices.push(Severity::Warning, text);
        }
    }
}
