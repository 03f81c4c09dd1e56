//! What the window does for the Review workspace.

use std::{path::PathBuf, sync::Arc};

use super::App;
use crate::{
    engine::Severity,
    review::export::Format,
    ui::{PageId, pages::review::ReviewWorkspace},
};

impl App {
    /// Takes in what the record has answered, and says which parts are on show.
    pub(super) fn take_review(&mut self) {
        let live = Arc::clone(self.engine.state());
        let on = self.page == PageId::Review;
        let mut actions = Vec::new();
        self.review.follow(&live, &self.settings.review, on, &mut actions);
        if on && self.review.path().is_none() && !std::mem::replace(&mut self.record_asked, true) {
            actions.push(ReviewWorkspace::open(self.record()));
        }
        actions.into_iter().for_each(|action| self.apply(action));
        if let Some((severity, text)) = self.review.poll() {
            self.notices.push(severity, text);
        }
    }

    /// Shows another record.
    pub(super) fn open_record(&mut self, path: PathBuf) {
        self.page = PageId::Review;
        if !path.is_file() {
            let text =
                format!("There is no record at {}. Choose the file that a watched folder writes.", path.display());
            return self.notices.push(Severity::Error, text);
        }
        self.record_asked = true;
        self.settings.review.record = (path != self.paths.review).then(|| path.clone());
        self.apply(ReviewWorkspace::open(path));
    }

    /// Writes the parts of the queue to a folder.
    pub(super) fn export_review(&mut self, format: Format, folder: PathBuf) {
        if let Err(text) = self.review.export(&self.ctx, format, folder) {
            self.notices.push(Severity::Warning, text);
        }
    }
}
