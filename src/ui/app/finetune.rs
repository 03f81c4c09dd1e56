//! Fine-tuning on verdicts: starting it, adopting its model and returning to the previous one.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{App, adoption::AdoptionWrite};
use crate::{
    engine::{
        BackgroundTask, FinetuneRequest, InspectionRequest, Severity, TaskProgress, TaskState,
        finetune::{FinetunePhase, FinetuneResult, FinetuneSpec},
        inspection::{ModelFacts, ModelSource, ModelState},
        intake::retry::{RetryTiming, sleep_unless, when_usable, without_advice},
    },
    review::{Record, Timestamp, record::NewAdoption},
    text::PrintablePath,
    ui::{Action, FinetuneContext, UiCommand},
};

/// Folder of the fine-tuned models, beside the record.
const MODELS: &str = "models";

impl App {
    /// The active model.
    fn active_model(&self) -> Option<Arc<ModelFacts>> {
        match &self.engine.state().inspection.status.read().model {
            ModelState::Ready(facts) => Some(Arc::clone(facts)),
            _ => None,
        }
    }

    /// The result of the last fine-tuning, unless its model is active.
    fn finetuned(&self) -> Option<Arc<FinetuneResult>> {
        let status = self.engine.state().finetune.status.read();
        let result = status.result.clone().filter(|_| status.phase == FinetunePhase::Done)?;
        let active = self.active_model()?.hash.clone();
        (result.model.hash.to_string() != active).then_some(result)
    }

    /// The state that commands depend on.
    pub(super) fn finetune_context(&self) -> FinetuneContext {
        let idle = self.adoption.writing.is_none();
        FinetuneContext {
            ready: self.pages.review.labels().can_train && self.active_model().is_some(),
            running: self.engine.state().finetune.status.read().phase.is_active(),
            pending: self.finetuned().is_some() && idle,
            named: !self.settings.review.reviewer.is_empty(),
            revertible: self.adoption.origin().is_some() && idle,
        }
    }

    /// Fine-tunes a copy of the active model.
    pub(super) fn finetune(&mut self) {
        let Some(facts) = self.active_model() else { return };
        let record = self.record();
        let out = free_model(&record.with_file_name(MODELS), &facts.name);
        let generator = self.settings.review.finetune_generator;
        self.send(FinetuneRequest::Begin(FinetuneSpec { record, generator, out }));
    }

    /// Activates the fine-tuned model.
    pub(super) fn adopt_model(&mut self) {
        let Some(result) = self.finetuned() else { return };
        self.write_adoption(result.adoption(&self.settings.review.reviewer, Timestamp::now()));
    }

    /// Leaves the old model active.
    pub(super) fn keep_model(&mut self) {
        if let Some(result) = self.finetuned() {
            let text = format!("The old model stays active. The new one is in {}.", result.model.path.printable());
            self.notices.push(Severity::Info, text);
        }
        self.send(FinetuneRequest::Cancel);
    }

    /// Activates the model that the active one was fine-tuned from.
    pub(super) fn revert_model(&mut self) {
        let back = |adoption: &NewAdoption| adoption.back(&self.settings.review.reviewer, Timestamp::now());
        if let Some(back) = self.adoption.origin().and_then(back) {
            self.write_adoption(back);
        }
    }

    /// Writes the adoption to the record in the background; the model is activated afterwards.
    fn write_adoption(&mut self, adoption: NewAdoption) {
        if !adoption.path.is_file() {
            let text = format!("The model was not activated: {} is missing. Put it back.", adoption.path.printable());
            return self.notices.push(Severity::Error, text);
        }
        let (record, written, wake) = (self.record(), adoption.clone(), self.ctx.clone());
        let stalled = Arc::new(Mutex::new(None));
        let (told, repaint) = (Arc::clone(&stalled), self.ctx.clone());
        let work = move |progress: &TaskProgress| {
            let (timing, mut waits) = (RetryTiming::default(), false);
            let write = || Record::open_within(&record, timing.busy).and_then(|mut record| record.adopt(&written));
            let written = when_usable(timing, write, |error, pause| {
                if !std::mem::replace(&mut waits, true) {
                    *told.lock() = Some(without_advice(&error.to_string()).to_owned());
                    repaint.request_repaint();
                }
                sleep_unless(|| progress.is_cancelled(), pause)
            });
            written.map(|_| ()).map_err(|error| error.to_string())
        };
        match BackgroundTask::spawn("ganspect-adopt", move || wake.request_repaint(), work) {
            Ok(task) => self.adoption.writing = Some(AdoptionWrite { adoption, task, stalled }),
            Err(error) => {
                let text = format!("The model was not activated, because no thread could be started: {error}.");
                self.notices.push(Severity::Error, text);
            }
        }
    }

    /// Activates a model whose adoption has been recorded, and searches for the origin of the active model.
    pub(super) fn update_adoption(&mut self) {
        if let Some(write) = self.adoption.writing.take() {
            if let Some(why) = write.stalled.lock().take() {
                let text = format!("The change of the model waits: {why}. It is made as soon as it can be recorded.");
                self.notices.push(Severity::Warning, text);
            }
            match write.task.poll() {
                TaskState::Running => self.adoption.writing = Some(write),
                TaskState::Done(Ok(())) => self.activate(&write.adoption),
                TaskState::Done(Err(error)) => {
                    let text =
                        format!("The model was not activated, because the record could not be written: {error}.");
                    self.notices.push(Severity::Error, text);
                }
                TaskState::Over => {
                    self.notices.push(Severity::Error, "Writing to the record was interrupted. Try again.");
                }
            }
        }
        if let Some((key, task)) = self.adoption.search.take() {
            match task.poll() {
                TaskState::Running => self.adoption.search = Some((key, task)),
                TaskState::Done(origin) => self.adoption.origin = Some((key, origin)),
                TaskState::Over => self.adoption.origin = Some((key, None)),
            }
        }
        self.search_origin();
    }

    fn activate(&mut self, adoption: &NewAdoption) {
        self.send(InspectionRequest::OpenModel(ModelSource::File(adoption.path.clone())));
        // The same model may be adopted again, from another one.
        self.adoption.origin = None;
        let text = format!("{} is now the active model; the change is on record.", adoption.path.printable());
        self.notices.offer(Severity::Info, text, "Undo", Action::Command(UiCommand::FinetuneRevert));
    }

    /// Searches the record for the adoption of the active model, once per model.
    fn search_origin(&mut self) {
        let key = self.active_model().and_then(|facts| Some((facts.hash.parse().ok()?, self.record())));
        let Some(key) = key else { return };
        let known = self.adoption.origin.as_ref().is_some_and(|(k, _)| *k == key);
        if known || self.adoption.search.is_some() || self.adoption.writing.is_some() {
            return;
        }
        self.adoption.origin = None;
        // Opening a record that does not exist would create it.
        if !key.1.is_file() {
            self.adoption.origin = Some((key, None));
            return;
        }
        let ((hash, path), wake) = (key.clone(), self.ctx.clone());
        let search = move || {
            let adoptions = Record::open_to_read(&path).and_then(|record| record.adoptions()).ok()?;
            adoptions.into_iter().map(|a| a.adopted).find(|a| a.model == hash && a.parent.is_some())
        };
        match BackgroundTask::spawn("ganspect-adopt", move || wake.request_repaint(), move |_| search()) {
            Ok(task) => self.adoption.search = Some((key, task)),
            Err(_) => self.adoption.origin = Some((key, None)),
        }
    }
}

/// The first free file name in `folder` for a model fine-tuned from the one of this name.
fn free_model(folder: &Path, name: &str) -> PathBuf {
    let stem: String =
        name.split(',').next().unwrap_or_default().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let named = |n: u32| folder.join(format!("{}-finetuned-{n}.ganspect", stem.trim_matches('-')));
    (1..).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_learned_lie_beside_one_another() {
        let folder = tempfile::tempdir().unwrap();
        let first = free_model(folder.path(), "turned metal, built in");
        assert_eq!(first, folder.path().join("turned-metal-finetuned-1.ganspect"));
        image::GrayImage::new(1, 1).save_with_format(&first, image::ImageFormat::Png).unwrap();
        let next = free_model(folder.path(), "turned metal, fine-tuned on 12 verdicts");
        assert_eq!(next, folder.path().join("turned-metal-finetuned-2.ganspect"));
    }
}
