//! What verdicts go by: the promised rate, the score in force, the regions, the calibration, and the model's file.

use std::{path::PathBuf, sync::Arc};

use super::{InspectionTask, calibrating::Calibrating};
use crate::{
    data::DataSource,
    engine::{
        Severity,
        background::{BackgroundTask, TaskState},
        inspection::QueryView,
        outbox::Outbox,
    },
    inspect::{Calibrator, InvertKnobs, Model, Outcome, Regions, model::DecisionError},
};

impl InspectionTask {
    pub(crate) fn rate(&mut self, rate: f64, outbox: &mut Outbox) {
        let Some(model) = &mut self.model else { return };
        match model.promise(rate, &self.knobs) {
            Ok(()) => self.judge_anew(outbox),
            Err(DecisionError::NotCalibrated) => {}
            Err(error) => self.live.inspection.status.write().rate_refused = Some(format!("{error}.")),
        }
    }

    /// Does something about what verdicts go by.
    pub(in crate::engine) fn decide(
        &mut self,
        work: impl FnOnce(&mut Model, &InvertKnobs) -> Result<(), DecisionError>,
        outbox: &mut Outbox,
    ) {
        let Some(model) = &mut self.model else { return };
        match work(model, &self.knobs) {
            Ok(()) => self.judge_anew(outbox),
            Err(error) => outbox.notice(Severity::Warning, format!("Verdicts stay as they were: {error}."), ""),
        }
    }

    fn judge_anew(&mut self, outbox: &mut Outbox) {
        self.keep(outbox);
        self.show_model();
        self.assess_again();
    }

    pub(crate) fn regions(&mut self, regions: Regions, outbox: &mut Outbox) {
        if let Err(error) = regions.validate() {
            return outbox.notice(Severity::Warning, format!("The regions stay as they were: {error}."), "");
        }
        let Some(model) = &mut self.model else { return };
        model.info_mut().regions = regions;
        self.calibrating = None;
        self.live.inspection.status.write().calibrating = None;
        self.keep(outbox);
        self.show_model();
    }

    /// Writes what has changed about the model to its file, if it has one.
    fn keep(&self, outbox: &mut Outbox) {
        let (Some(model), Some(path)) = (&self.model, &self.path) else { return };
        if let Err(error) = model.save(path) {
            outbox.notice(Severity::Error, format!("The change is not kept in the model's file: {error}."), "");
        }
    }

    pub(crate) fn save_as(&mut self, path: PathBuf, outbox: &mut Outbox) {
        let Some(model) = &self.model else { return };
        match model.save(&path) {
            Ok(()) => {
                outbox.notice(Severity::Info, format!("The model was written to {}.", path.display()), "");
                self.path = Some(path);
                self.show_model();
            }
            Err(error) => outbox.notice(Severity::Error, format!("The model was not written: {error}."), ""),
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
                self.live.inspection.status.write().calibrating = Some((0, 0));
            }
            Err(error) => {
                outbox.notice(Severity::Error, format!("The system has no thread to read with: {error}."), "");
            }
        }
    }

    /// Gives finished queries their place among good parts anew.
    pub(crate) fn assess_again(&mut self) {
        let Some(model) = &self.model else { return };
        for i in 0..self.slots.len() {
            let slot = &mut self.slots[i];
            let own = slot.model.as_ref() == Some(&self.hash);
            let Some(scores) = slot.entry.scores.clone().filter(|_| own) else { continue };
            slot.entry.assessment = model.assess(&scores, &slot.knobs);
            let mut views = self.live.inspection.views.write();
            if let Some(view) = views.get_mut(&slot.entry.id) {
                let mut changed = QueryView::clone(view);
                changed.outcome = changed.outcome.map(|outcome| {
                    Arc::new(Outcome { assessment: slot.entry.assessment.clone(), ..Outcome::clone(&outcome) })
                });
                *view = Arc::new(changed);
            }
            drop(views);
            self.show_entry(i);
        }
    }

    /// A step of the calibration; `false` when it waits for files or is over.
    pub(crate) fn advance_calibration(&mut self, outbox: &mut Outbox) -> bool {
        let Some(model) = &mut self.model else { return false };
        let give_up = |text: String, outbox: &mut Outbox| {
            outbox.notice(Severity::Error, format!("The model was not calibrated: {text}."), "");
            false
        };
        let going = match self.calibrating.take() {
            None => return false,
            Some(Calibrating::Opening(task)) => match task.poll() {
                TaskState::Running => {
                    self.calibrating = Some(Calibrating::Opening(task));
                    return false;
                }
                TaskState::Over => give_up("reading the images broke off; try again".into(), outbox),
                TaskState::Done(Err(error)) => give_up(error.to_string(), outbox),
                TaskState::Done(Ok(opened)) => {
                    let about = model.info();
                    let (m, scale) = (&about.recipe.model, about.recipe.data.scale as f32);
                    let (knobs, regions) = (self.knobs.clone(), about.regions.clone());
                    match Calibrator::new(&opened, &about.split, knobs, regions, m.channels, scale) {
                        Ok(calibrator) => {
                            self.calibrating = Some(Calibrating::Running(Box::new(calibrator)));
                            true
                        }
                        Err(error) => give_up(error.to_string(), outbox),
                    }
                }
            },
            Some(Calibrating::Running(mut calibrator)) => match calibrator.slice(model.networks()) {
                Ok(None) => {
                    self.live.inspection.status.write().calibrating = Some(calibrator.progress());
                    self.calibrating = Some(Calibrating::Running(calibrator));
                    true
                }
                Ok(Some(calibration)) => {
                    let n = calibration.held_out.len();
                    model.calibrate(calibration);
                    self.keep(outbox);
                    outbox.notice(
                        Severity::Info,
                        format!("The model is calibrated on {n} held-out healthy images."),
                        "",
                    );
                    self.show_model();
                    self.assess_again();
                    false
                }
                Err(error) => give_up(error.to_string(), outbox),
            },
        };
        if self.calibrating.is_none() {
            self.live.inspection.status.write().calibrating = None;
        }
        going
    }
}
