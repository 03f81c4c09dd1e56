//! Changes of the active model that affect verdicts: rate, decision score, regions and calibration.

use std::{path::PathBuf, sync::Arc};

use super::{InspectionTask, calibrating::Calibrating};
use crate::{
    data::DataSource,
    engine::{
        BackgroundTask, Severity, TaskState,
        background::{READ_INTERRUPTED, thread_error},
        inspection::QueryView,
        outbox::Outbox,
    },
    format::sentence,
    inspect::{Calibrator, DecisionError, InvertKnobs, Model, Outcome, RegionSettings, Regions},
    text::PrintablePath,
};

impl InspectionTask {
    pub(crate) fn rate(&mut self, rate: f64, outbox: &mut Outbox) {
        let Some(model) = &mut self.model else { return };
        match model.promise(rate, &self.knobs) {
            Ok(()) => self.rejudge(outbox),
            Err(error) => self.state.inspection.status.write().rate_refused = Some(format!("{error}.")),
        }
    }

    /// Makes a change that affects verdicts, and assesses the finished queries again.
    pub(in crate::engine) fn decide(
        &mut self,
        work: impl FnOnce(&mut Model, &InvertKnobs) -> Result<(), DecisionError>,
        outbox: &mut Outbox,
    ) {
        let Some(model) = &mut self.model else { return };
        match work(model, &self.knobs) {
            Ok(()) => self.rejudge(outbox),
            Err(error) => outbox.notice(Severity::Warning, format!("The verdicts were not changed: {error}."), ""),
        }
    }

    fn rejudge(&mut self, outbox: &mut Outbox) {
        self.save(outbox);
        self.show_model();
        self.judge_again();
    }

    pub(crate) fn regions(&mut self, regions: Regions, outbox: &mut Outbox) {
        if let Err(error) = regions.validate() {
            return outbox.notice(Severity::Warning, format!("The regions were not changed: {error}."), "");
        }
        let Some(model) = &mut self.model else { return };
        model.info_mut().regions = regions;
        self.calibrating = None;
        self.state.inspection.status.write().calibrating = None;
        self.save(outbox);
        self.show_model();
        self.judge_again();
    }

    pub(crate) fn region_settings(&mut self, settings: RegionSettings, outbox: &mut Outbox) {
        if let Err(error) = settings.validate() {
            let text = format!("The settings of regions were not changed: {error}.");
            return outbox.notice(Severity::Warning, text, "");
        }
        let Some(model) = &mut self.model else { return };
        model.info_mut().region_settings = settings;
        self.save(outbox);
        self.show_model();
        self.find_regions_again();
    }

    /// Finds the regions of the finished queries again, whose maps are kept.
    fn find_regions_again(&self) {
        let Some(model) = &self.model else { return };
        for slot in &self.slots {
            // Another model's maps have other thresholds.
            if slot.origin.as_ref().is_none_or(|origin| origin.hash != self.hash) {
                continue;
            }
            let view = self.state.inspection.views.read().get(&slot.entry.id).cloned();
            let Some((view, outcome)) = view.and_then(|view| Some((Arc::clone(&view), view.outcome.clone()?))) else {
                continue;
            };
            let regions = Some(Arc::new(model.anomaly_regions(&outcome)));
            let changed = QueryView { regions, ..QueryView::clone(&view) };
            self.state.inspection.views.write().insert(slot.entry.id, Arc::new(changed));
        }
    }

    /// Saves the model to its file, if it has one.
    fn save(&self, outbox: &mut Outbox) {
        let (Some(model), Some(path)) = (&self.model, &self.path) else { return };
        if let Err(error) = model.save(path) {
            outbox.notice(Severity::Error, format!("The change could not be saved in the model's file: {error}."), "");
        }
    }

    pub(crate) fn save_as(&mut self, path: PathBuf, outbox: &mut Outbox) {
        let Some(model) = &self.model else { return };
        match model.save(&path) {
            Ok(()) => {
                outbox.notice(Severity::Info, format!("Model saved to {}.", path.printable()), "");
                self.path = Some(path);
                self.show_model();
            }
            Err(error) => outbox.notice(Severity::Error, format!("The model could not be saved: {error}."), ""),
        }
    }

    pub(crate) fn calibrate(&mut self, outbox: &mut Outbox) {
        let Some(model) = &self.model else { return };
        let source = match model.info().data.parse::<DataSource>() {
            Ok(source) => source,
            Err(error) => {
                return outbox.notice(Severity::Error, format!("The model cannot be calibrated: {error}."), "");
            }
        };
        let lineage = model.info().lineage.clone().unwrap_or_default();
        let task = BackgroundTask::spawn(
            "ganspect-open",
            || {},
            move |progress| {
                lineage.open(&source, &|done, total| progress.report(done, total)).map(|(opened, _)| opened)
            },
        );
        match task {
            Ok(task) => {
                self.calibrating = Some(Calibrating::Opening(task));
                self.state.inspection.status.write().calibrating = Some((0, 0));
            }
            Err(error) => {
                outbox.notice(Severity::Error, sentence(&thread_error(&error)), "");
            }
        }
    }

    /// Judges the finished queries again from their stored scores.
    pub(crate) fn judge_again(&mut self) {
        let Some(model) = &self.model else { return };
        let basis = model.verdict_basis(&self.hash);
        for i in 0..self.slots.len() {
            let slot = &mut self.slots[i];
            let (Some(scores), Some(origin)) = (slot.entry.scores(), &slot.origin) else { continue };
            let judged = basis.judge(scores.clone(), origin);
            if slot.entry.judged.as_ref() == Some(&judged) {
                continue;
            }
            slot.entry.judged = Some(judged.clone());
            let mut views = self.state.inspection.views.write();
            if let Some(view) = views.get_mut(&slot.entry.id) {
                let mut changed = QueryView::clone(view);
                changed.outcome = changed
                    .outcome
                    .map(|outcome| Arc::new(Outcome { judged: judged.clone(), ..Outcome::clone(&outcome) }));
                *view = Arc::new(changed);
            }
            drop(views);
            self.show_entry(i);
        }
        // The threshold follows the promised rate, and the map the score that decides.
        self.find_regions_again();
    }

    /// Does one step of the calibration; `false` when it waits for files or is finished.
    pub(crate) fn advance_calibration(&mut self, outbox: &mut Outbox) -> bool {
        let Some(model) = &mut self.model else { return false };
        let fail = |text: String, outbox: &mut Outbox| {
            outbox.notice(Severity::Error, format!("Calibration failed: {text}."), "");
            false
        };
        let going = match self.calibrating.take() {
            None => return false,
            Some(Calibrating::Opening(task)) => match task.poll() {
                TaskState::Running => {
                    self.calibrating = Some(Calibrating::Opening(task));
                    return false;
                }
                TaskState::Over => fail(READ_INTERRUPTED.into(), outbox),
                TaskState::Done(Err(error)) => fail(error.to_string(), outbox),
                TaskState::Done(Ok(opened)) => {
                    let about = model.info();
                    let (m, scale) = (&about.recipe.model, about.recipe.data.scale as f32);
                    let (knobs, regions) = (self.knobs.clone(), about.regions.clone());
                    let opened = opened.reading_at(about.recipe.data.bit_depth);
                    match Calibrator::new(&opened, &about.used_split(), knobs, regions, m.channels.count(), scale) {
                        Ok(calibrator) => {
                            self.calibrating = Some(Calibrating::Running(Box::new(calibrator)));
                            true
                        }
                        Err(error) => fail(error.to_string(), outbox),
                    }
                }
            },
            Some(Calibrating::Running(mut calibrator)) => match calibrator.slice(model.networks()) {
                Ok(None) => {
                    self.state.inspection.status.write().calibrating = Some(calibrator.progress());
                    self.calibrating = Some(Calibrating::Running(calibrator));
                    true
                }
                Ok(Some(calibration)) => {
                    let n = calibration.held_out.len();
                    model.calibrate(calibration);
                    // Whoever sees a verdict of the new calibration sees that it is complete.
                    self.state.inspection.status.write().calibrating = None;
                    self.save(outbox);
                    outbox.notice(Severity::Info, format!("The model was calibrated on {n} held-out images."), "");
                    self.show_model();
                    self.judge_again();
                    false
                }
                Err(error) => fail(error.to_string(), outbox),
            },
        };
        if self.calibrating.is_none() {
            self.state.inspection.status.write().calibrating = None;
        }
        going
    }
}
