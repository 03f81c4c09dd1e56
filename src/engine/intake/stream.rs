//! Inspects a stream of files one after the other.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{
    inspected::{InspectedFile, ModelIdentity, RefusedFile},
    watch::{Claim, Fingerprint, ReadyFile},
};
use crate::{
    data::{FileHash, Unwritten, picture_facts},
    inspect::{InspectError, InspectionJob, InvertKnobs, Model},
};

/// Result of one slice of [`StreamInspector`].
#[derive(Debug)]
pub enum StreamStep {
    /// No file is ready.
    Idle,
    /// A file is being inspected.
    Working,
    /// A file was inspected.
    Done(Box<InspectedFile>),
    /// A file cannot be inspected.
    Refused(Box<RefusedFile>),
    /// The stream has ended.
    Over,
}

/// The current file.
#[derive(Debug)]
struct Current {
    path: PathBuf,
    hash: FileHash,
    fingerprint: Fingerprint,
    size: (usize, usize),
    unwritten: Option<Unwritten>,
    remark: Option<String>,
    claim: Claim,
    job: InspectionJob,
}

/// Inspects the files that a [`Watch`](super::watch::Watch) has read, one bounded slice per call, on the thread that owns
/// the model's tensors. Dropping it returns the current file to the watch.
#[derive(Debug)]
pub struct StreamInspector {
    stream: Receiver<ReadyFile>,
    knobs: InvertKnobs,
    model: Arc<ModelIdentity>,
    current: Option<Current>,
    /// Files inspected or refused.
    done: usize,
}

impl StreamInspector {
    /// Creates an inspector for this model and these knobs.
    ///
    /// # Errors
    /// [`InspectError::Knob`] for knobs out of range.
    pub fn new(model: &Model, knobs: InvertKnobs, stream: Receiver<ReadyFile>) -> Result<Self, InspectError> {
        knobs.validate()?;
        let model = Arc::new(ModelIdentity { name: model.info().name.clone(), hash: model.hash() });
        Ok(Self { stream, knobs, model, current: None, done: 0 })
    }

    /// Works for one slice with the model that the inspector was created for. Waits up to `wait` for a file if none is
    /// being inspected.
    ///
    /// # Errors
    /// [`InspectError::Device`] when the device fails, [`InspectError::Model`] for a damaged model; the current file is returned to the watch.
    pub fn slice(&mut self, model: &Model, wait: Duration) -> Result<StreamStep, InspectError> {
        let Some(mut current) = self.current.take() else { return self.begin(model, wait) };
        match current.job.slice(model.networks()) {
            Ok(false) => {
                self.current = Some(current);
                Ok(StreamStep::Working)
            }
            Ok(true) => Ok(self.finish(model, current)),
            Err(error) if error.is_fatal() => Err(error),
            Err(error) => Ok(self.refuse(current.path, current.hash, current.claim, &error)),
        }
    }

    /// Whether a file is being inspected or ready.
    pub fn is_busy(&self) -> bool {
        self.current.is_some() || !self.stream.is_empty()
    }

    /// Number of files inspected or refused.
    pub fn done(&self) -> usize {
        self.done
    }

    fn begin(&mut self, model: &Model, wait: Duration) -> Result<StreamStep, InspectError> {
        let ready = match self.stream.recv_timeout(wait) {
            Ok(ready) => ready,
            Err(RecvTimeoutError::Timeout) => return Ok(StreamStep::Idle),
            Err(RecvTimeoutError::Disconnected) => return Ok(StreamStep::Over),
        };
        // Deleted or overwritten while it waited: the claim is dropped and the file is examined again.
        if !ready.is_current() {
            return Ok(StreamStep::Working);
        }
        // Its memory counts as read ahead until the job has its own copy.
        let ReadyFile { path, hash, fingerprint, picture, unwritten, claim, room: _room } = ready;
        match model.begin(&picture, self.knobs.clone()) {
            Ok(job) => {
                let size = (picture.width(), picture.height());
                let read = picture.read_at(model.info().recipe.data.bit_depth);
                let remark = picture_facts::remark(&read, model.info().recipe.model.channels.count());
                self.current = Some(Current { path, hash, fingerprint, size, unwritten, remark, claim, job });
                Ok(StreamStep::Working)
            }
            Err(error) if error.is_fatal() => Err(error),
            Err(error) => Ok(self.refuse(path, hash, claim, &error)),
        }
    }

    fn finish(&mut self, model: &Model, current: Current) -> StreamStep {
        let Current { path, hash, fingerprint, size: (width, height), unwritten, remark, claim, job } = current;
        // A finished job has an outcome; without one, the claim is dropped and the file inspected again.
        let Some(outcome) = model.judge(&job) else { return StreamStep::Working };
        self.done += 1;
        let regions = model.anomaly_regions(&outcome);
        let inspected = InspectedFile {
            path,
            hash,
            fingerprint,
            width,
            height,
            unwritten,
            remark,
            model: Arc::clone(&self.model),
            outcome,
            regions,
            _claim: claim,
        };
        StreamStep::Done(Box::new(inspected))
    }

    fn refuse(&mut self, path: PathBuf, hash: FileHash, claim: Claim, error: &InspectError) -> StreamStep {
        self.done += 1;
        StreamStep::Refused(Box::new(RefusedFile { path, hash, reason: error.to_string(), _claim: claim }))
    }
}
