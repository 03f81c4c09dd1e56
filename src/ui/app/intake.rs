//! The window's side of the watched folder.

use std::path::PathBuf;

use super::App;
use crate::{
    engine::{
        InspectionRequest, IntakeRequest,
        inspection::ModelSource,
        intake::{IntakeSpec, watch::WatchOptions},
    },
    ui::IntakeContext,
};

impl App {
    /// Path of the review record.
    pub(super) fn record(&self) -> PathBuf {
        self.settings.review.record.clone().unwrap_or_else(|| self.paths.review.clone())
    }

    /// The state that commands depend on.
    pub(super) fn intake_context(&self) -> IntakeContext {
        let running = self.engine.state().intake.status.read().phase.is_active();
        IntakeContext { folder: self.settings.review.intake.folder.is_some(), running }
    }

    /// Inspects the parts in the folder and, unless `once`, those that arrive.
    pub(super) fn start_intake(&mut self, once: bool) {
        let (record, intake) = (self.record(), &mut self.settings.review.intake);
        let Some(folder) = intake.folder.clone() else { return };
        let keep = intake.keep_pictures;
        *self.engine.state().intake.keep.write() = keep;
        intake.watching = !once;
        let options = WatchOptions { recursive: intake.recursive, once, ..WatchOptions::default() };
        self.send(IntakeRequest::Begin(IntakeSpec { folder, options, record }));
    }

    pub(super) fn stop_intake(&mut self) {
        self.settings.review.intake.watching = false;
        self.send(IntakeRequest::Stop);
    }

    /// Resumes the watch of the last session.
    pub(super) fn resume_watch(&mut self) {
        let intake = &self.settings.review.intake;
        if !intake.watching || intake.folder.is_none() {
            return;
        }
        if self.settings.last_model.as_ref().is_none_or(|path| !path.is_file()) {
            self.send(InspectionRequest::OpenModel(ModelSource::BuiltIn));
        }
        self.start_intake(false);
    }
}
