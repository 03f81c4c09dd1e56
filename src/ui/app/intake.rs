//! What the window does for parts that come to a folder.

use std::path::PathBuf;

use super::App;
use crate::{
    engine::{
        InspectionRequest, IntakeRequest,
        inspection::ModelSource,
        intake::{IntakePhase, IntakeSpec, watch::WatchOptions},
    },
    ui::IntakeContext,
};

impl App {
    /// The record of the review station.
    pub(super) fn record(&self) -> PathBuf {
        self.settings.review.record.clone().unwrap_or_else(|| self.paths.review.clone())
    }

    pub(super) fn intake_context(&self) -> IntakeContext {
        let going = self.engine.state().intake.status.read().phase.is_going();
        IntakeContext { folder: self.settings.review.intake.folder.is_some(), running: going }
    }

    /// Takes in what lies in the folder, and unless `once` what comes to it.
    pub(super) fn take_in(&mut self, once: bool) {
        let (record, intake) = (self.record(), &mut self.settings.review.intake);
        let Some(folder) = intake.folder.clone() else { return };
        intake.watching = !once;
        let options = WatchOptions { recursive: intake.recursive, once, ..WatchOptions::default() };
        self.send(IntakeRequest::Begin(IntakeSpec { folder, options, record }));
    }

    pub(super) fn stop_taking_in(&mut self) {
        self.settings.review.intake.watching = false;
        self.send(IntakeRequest::Stop);
    }

    /// Takes up the watch of the last time, if it was left on.
    pub(super) fn watch_again(&mut self) {
        let intake = &self.settings.review.intake;
        if !intake.watching || intake.folder.is_none() {
            return;
        }
        if self.settings.last_model.as_ref().is_none_or(|path| !path.is_file()) {
            self.send(InspectionRequest::OpenModel(ModelSource::BuiltIn));
        }
        self.take_in(false);
    }

    /// Parts that are being inspected: title, done and in all. A watch that waits for parts needs no place.
    pub(super) fn taking_in(&self) -> Option<(&'static str, (usize, usize))> {
        let status = self.engine.state().intake.status.read();
        let waiting = status.counts.waiting > 0;
        match status.phase {
            IntakePhase::Opening | IntakePhase::Ending => Some(("Taking parts in", (0, 0))),
            IntakePhase::Going if waiting => Some(("Taking parts in", status.progress())),
            _ => None,
        }
    }
}
