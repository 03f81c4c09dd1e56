//! What the window does for models that learn from verdicts: begin, adopt, go back.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::App;
use crate::{
    data::FileHash,
    engine::{
        FinetuneRequest, InspectionRequest, Severity,
        background::{BackgroundTask, TaskState},
        finetune::{FinetunePhase, FinetuneResult, FinetuneSpec},
        inspection::{ModelFacts, ModelSource, ModelState},
    },
    review::{Record, Timestamp, record::NewAdoption},
    ui::{Action, FinetuneContext, UiCommand},
};

/// Folder of models that learned from verdicts, beside the record.
const MODELS: &str = "models";

/// The model in force and its record.
type Key = (FileHash, PathBuf);

/// Models put in force through the record.
#[derive(Default)]
pub(super) struct AdoptionFlow {
    /// One that is being written to the record, and then put in force.
    writing: Option<(NewAdoption, BackgroundTask<Result<(), String>>)>,
    /// The adoption of the model in force is being looked up.
    looking: Option<(Key, BackgroundTask<Option<NewAdoption>>)>,
    /// What leads back from it, once that is known.
    way: Option<(Key, Option<NewAdoption>)>,
}

impl App {
    fn model_facts(&self) -> Option<Arc<ModelFacts>> {
        match &self.engine.state().inspection.status.read().model {
            ModelState::Ready(facts) => Some(Arc::clone(facts)),
            _ => None,
        }
    }

    /// What came of the learning last, unless it is in force.
    fn learned(&self) -> Option<Arc<FinetuneResult>> {
        let status = self.engine.state().finetune.status.read();
        let learned = status.learned.clone().filter(|_| status.phase == FinetunePhase::Done)?;
        let hash = self.model_facts()?.hash.clone();
        (learned.model.hash.to_string() != hash).then_some(learned)
    }

    pub(super) fn finetune_context(&self) -> FinetuneContext {
        let going = self.engine.state().finetune.status.read().phase.is_going();
        let way = self.adoption.way.as_ref().and_then(|(_, way)| way.as_ref());
        FinetuneContext {
            ready: self.review.labels().can_train && self.model_facts().is_some(),
            running: going,
            pending: self.learned().is_some() && self.adoption.writing.is_none(),
            named: !self.settings.review.reviewer.is_empty(),
            revertible: way.is_some() && self.adoption.writing.is_none(),
        }
    }

    /// Teaches a copy of the model in force.
    pub(super) fn learn(&mut self) {
        let Some(facts) = self.model_facts() else { return };
        let record = self.record();
        let out = free_model(&record.with_file_name(MODELS), &facts.name);
        let generator = self.settings.review.teach_generator;
        self.send(FinetuneRequest::Begin(FinetuneSpec { record, generator, out }));
    }

    /// How far the learning is, for the bar at the bottom.
    pub(super) fn learning(&self) -> Option<(&'static str, (usize, usize))> {
        let status = self.engine.state().finetune.status.read();
        let share = |share: f32| ((share * 100.0) as usize, 100);
        status.phase.is_going().then(|| ("Learning from verdicts", status.phase.share().map_or((0, 0), share)))
    }

    /// Puts the model that has learned in force.
    pub(super) fn adopt(&mut self) {
        let Some(learned) = self.learned() else { return };
        self.write_adoption(learned.adoption(&self.settings.review.reviewer, Timestamp::now()));
    }

    /// Leaves the old model in force.
    pub(super) fn keep_old(&mut self) {
        if let Some(learned) = self.learned() {
            let text = format!("The old model stays in force. The new one lies in {}.", learned.model.path.display());
            self.notices.push(Severity::Info, text);
        }
        self.send(FinetuneRequest::Cancel);
    }

    /// Puts the model before in force again.
    pub(super) fn go_back(&mut self) {
        let way = self.adoption.way.as_ref().and_then(|(_, way)| way.as_ref());
        let back = way.and_then(|adoption| adoption.back(&self.settings.review.reviewer, Timestamp::now()));
        if let Some(back) = back {
            self.write_adoption(back);
        }
    }

    /// Writes it to the record, which may wait for the disk, and then puts the model in force.
    fn write_adoption(&mut self, adoption: NewAdoption) {
        if !adoption.path.is_file() {
            let text = format!("The model is not put in force: {} is gone. Put it back.", adoption.path.display());
            return self.notices.push(Severity::Error, text);
        }
        let (record, written, wake) = (self.record(), adoption.clone(), self.ctx.clone());
        let task = BackgroundTask::spawn(
            "ganspect-adopt",
            move || wake.request_repaint(),
            move |_| {
                let kept = Record::open(&record).and_then(|mut record| record.adopt(&written));
                kept.map(|_| ()).map_err(|error| error.to_string())
            },
        );
        match task {
            Ok(task) => self.adoption.writing = Some((adoption, task)),
            Err(error) => {
                self.notices.push(Severity::Error, format!("The system has no thread to write with: {error}."));
            }
        }
    }

    /// Takes in what became of an adoption, and looks up how the model in force came to be so.
    pub(super) fn take_adoption(&mut self) {
        if let Some((adoption, task)) = self.adoption.writing.take() {
            match task.poll() {
                TaskState::Running => self.adoption.writing = Some((adoption, task)),
                TaskState::Done(Ok(())) => self.put_in_force(&adoption),
                TaskState::Done(Err(error)) => {
                    let text = format!("The model is not put in force, because the record does not take it: {error}.");
                    self.notices.push(Severity::Error, text);
                }
                TaskState::Over => {
                    self.notices.push(Severity::Error, "Writing to the record broke off. Try again.");
                }
            }
        }
        if let Some((key, task)) = self.adoption.looking.take() {
            match task.poll() {
                TaskState::Running => self.adoption.looking = Some((key, task)),
                TaskState::Done(way) => self.adoption.way = Some((key, way)),
                TaskState::Over => self.adoption.way = Some((key, None)),
            }
        }
        self.look_up();
    }

    fn put_in_force(&mut self, adoption: &NewAdoption) {
        self.send(InspectionRequest::OpenModel(ModelSource::File(adoption.path.clone())));
        // The same model may be adopted again: what leads back from it is looked up anew.
        self.adoption.way = None;
        let text = format!("{} is in force from now on, and that is on record.", adoption.path.display());
        self.notices.offer(Severity::Info, text, "Go back", Action::Command(UiCommand::FinetuneRevert));
    }

    /// Looks up in the record how the model in force came to be so, once for each.
    fn look_up(&mut self) {
        let key = self.model_facts().and_then(|facts| Some((facts.hash.parse().ok()?, self.record())));
        let Some(key) = key else { return };
        let known = self.adoption.way.as_ref().is_some_and(|(k, _)| *k == key);
        if known || self.adoption.looking.is_some() || self.adoption.writing.is_some() {
            return;
        }
        self.adoption.way = None;
        // A record that is not there is not made by a look at it.
        if !key.1.is_file() {
            self.adoption.way = Some((key, None));
            return;
        }
        let ((hash, path), wake) = (key.clone(), self.ctx.clone());
        let look = move || {
            let adoptions = Record::open(&path).and_then(|record| record.adoptions()).ok()?;
            adoptions.into_iter().map(|a| a.adopted).find(|a| a.model == hash && a.parent.is_some())
        };
        match BackgroundTask::spawn("ganspect-adopt", move || wake.request_repaint(), move |_| look()) {
            Ok(task) => self.adoption.looking = Some((key, task)),
            Err(_) => self.adoption.way = Some((key, None)),
        }
    }
}

/// The first name in `folder` that is free for what a model of this name learns.
fn free_model(folder: &Path, name: &str) -> PathBuf {
    let stem: String =
        name.split(',').next().unwrap_or_default().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let named = |n: u32| folder.join(format!("{}-taught-{n}.ganspect", stem.trim_matches('-')));
    (1..).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_learned_lie_beside_one_another() {
        let folder = tempfile::tempdir().unwrap();
        let first = free_model(folder.path(), "turned metal, built in");
        assert_eq!(first, folder.path().join("turned-metal-taught-1.ganspect"));
        image::GrayImage::new(1, 1).save_with_format(&first, image::ImageFormat::Png).unwrap();
        let next = free_model(folder.path(), "turned metal, taught by 12 verdicts");
        assert_eq!(next, folder.path().join("turned-metal-taught-2.ganspect"));
    }
}
