//! Parts inspected one after the other, as they come, without a window.

use std::{
    borrow::Cow,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::watch::{Claim, Fingerprint, ReadyFile};
use crate::{
    data::FileHash,
    inspect::{
        InspectionJob, InvertKnobs, Model, Outcome, calibration::MapScale, evaluation::EvaluatedMap, job::InspectError,
    },
};

/// Which model a part was inspected with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelIdentity {
    /// Its name on screen.
    pub name: String,
    /// Hash of its tensors, as hexadecimal digits.
    pub hash: String,
}

/// What came of one part. It counts as inspected once it is filed; dropped instead, it is inspected again.
#[derive(Debug)]
pub struct InspectedFile {
    /// The file.
    pub path: PathBuf,
    /// Hash of its content.
    pub hash: FileHash,
    /// How the file looked when it was read; its length among others.
    pub stamp: Fingerprint,
    /// Pixels across, as stored in the file.
    pub width: usize,
    /// Pixels down, as stored in the file.
    pub height: usize,
    /// The model.
    pub model: Arc<ModelIdentity>,
    /// The score from which on a part is flagged at the promised rate; `None` for a model that is not calibrated for
    /// the knobs.
    pub threshold: Option<f64>,
    /// Upper ends of its maps' colour scales, from healthy parts; `None` likewise.
    pub scale: Option<MapScale>,
    /// Scores, place among good parts, maps and seconds.
    pub outcome: Outcome,
    _claim: Claim,
}

impl InspectedFile {
    /// The map to find suspect regions on, one value a pixel as inspected (see `outcome.query`), larger where it is
    /// odder: the critic's, or the difference of a model that has none.
    pub fn map(&self) -> (EvaluatedMap, Cow<'_, [f32]>) {
        match EvaluatedMap::Critic.of(&self.outcome) {
            Some(map) => (EvaluatedMap::Critic, map),
            None => (EvaluatedMap::Difference, EvaluatedMap::Difference.of(&self.outcome).unwrap_or_default()),
        }
    }
}

/// A part that cannot be inspected: belongs in quarantine.
#[derive(Debug)]
pub struct RefusedFile {
    /// The file.
    pub path: PathBuf,
    /// Hash of its content.
    pub hash: FileHash,
    /// What is wrong, and the way out.
    pub reason: String,
    _claim: Claim,
}

/// What a slice of work led to.
#[derive(Debug)]
pub enum StreamStep {
    /// No part has come.
    Idle,
    /// A part is on its way.
    Working,
    /// A part is done.
    Done(Box<InspectedFile>),
    /// A part cannot be inspected.
    Refused(Box<RefusedFile>),
    /// No more parts will come.
    Over,
}

/// The part in hand; its picture has become the job's query.
#[derive(Debug)]
struct Current {
    path: PathBuf,
    hash: FileHash,
    stamp: Fingerprint,
    size: (usize, usize),
    claim: Claim,
    job: InspectionJob,
}

/// Inspects a stream of files that a [`Watch`](super::watch::Watch) has read ahead, a bounded slice at a time, on the
/// thread that owns the model's tensors. Whoever calls [`slice`](Self::slice) ends early by not calling it again: what
/// is in hand is then given back when the batch is dropped.
#[derive(Debug)]
pub struct StreamInspector {
    stream: Receiver<ReadyFile>,
    knobs: InvertKnobs,
    model: Arc<ModelIdentity>,
    threshold: Option<f64>,
    scale: Option<MapScale>,
    current: Option<Current>,
    /// Parts that were inspected or refused, and the seconds of work that went into them.
    worked: (usize, f64),
}

impl StreamInspector {
    /// A batch by this model and these knobs.
    ///
    /// # Errors
    /// [`InspectError::Knob`] for knobs out of range.
    pub fn new(model: &Model, knobs: InvertKnobs, stream: Receiver<ReadyFile>) -> Result<Self, InspectError> {
        knobs.validate()?;
        let threshold = model.calibration(&knobs).zip(model.rate(&knobs)).map(|(c, rate)| c.threshold(rate));
        let scale = model.calibration(&knobs).map(|c| c.scale);
        let model = Arc::new(ModelIdentity { name: model.info().name.clone(), hash: model.hash() });
        Ok(Self { stream, knobs, model, threshold, scale, current: None, worked: (0, 0.0) })
    }

    /// A bounded piece of the work with the model that the batch was made for. Where there is none, a part is waited
    /// for as long as `wait`.
    ///
    /// # Errors
    /// [`InspectError::Device`] when the device fails; the part in hand is given back.
    pub fn slice(&mut self, model: &Model, wait: Duration) -> Result<StreamStep, InspectError> {
        let Some(mut current) = self.current.take() else { return self.begin(model, wait) };
        let began = Instant::now();
        let worked = current.job.slice(model.networks());
        self.worked.1 += began.elapsed().as_secs_f64();
        match worked {
            Ok(false) => {
                self.current = Some(current);
                Ok(StreamStep::Working)
            }
            Ok(true) => Ok(self.finish(model, current)),
            Err(error @ InspectError::Device(_)) => Err(error),
            Err(error) => Ok(self.refuse(current.path, current.hash, current.claim, &error)),
        }
    }

    /// Whether a part is in hand, or one is ready to be.
    pub fn is_busy(&self) -> bool {
        self.current.is_some() || !self.stream.is_empty()
    }

    /// Parts that were inspected or refused.
    pub fn done(&self) -> usize {
        self.worked.0
    }

    /// Seconds that so many parts more will take; `None` before the first is done.
    pub fn seconds_left(&self, waiting: usize) -> Option<f64> {
        let (count, seconds) = self.worked;
        (count > 0).then(|| seconds / count as f64 * waiting as f64)
    }

    fn begin(&mut self, model: &Model, wait: Duration) -> Result<StreamStep, InspectError> {
        let ready = match self.stream.recv_timeout(wait) {
            Ok(ready) => ready,
            Err(RecvTimeoutError::Timeout) => return Ok(StreamStep::Idle),
            Err(RecvTimeoutError::Disconnected) => return Ok(StreamStep::Over),
        };
        // Deleted or written over while it waited: given back, and looked at again.
        if !ready.is_current() {
            return Ok(StreamStep::Working);
        }
        let ReadyFile { path, hash, stamp, picture, claim } = ready;
        match model.begin(&picture, self.knobs.clone()) {
            Ok(job) => {
                let size = (picture.width(), picture.height());
                self.current = Some(Current { path, hash, stamp, size, claim, job });
                Ok(StreamStep::Working)
            }
            Err(error @ InspectError::Device(_)) => Err(error),
            Err(error) => Ok(self.refuse(path, hash, claim, &error)),
        }
    }

    fn finish(&mut self, model: &Model, current: Current) -> StreamStep {
        let Current { path, hash, stamp, size: (width, height), claim, job } = current;
        // A job that is done has an outcome; without one the part would be given back.
        let Some(outcome) = model.judge(&job) else { return StreamStep::Working };
        self.worked.0 += 1;
        let (model, threshold, scale) = (Arc::clone(&self.model), self.threshold, self.scale);
        let finding =
            InspectedFile { path, hash, stamp, width, height, model, threshold, scale, outcome, _claim: claim };
        StreamStep::Done(Box::new(finding))
    }

    fn refuse(&mut self, path: PathBuf, hash: FileHash, claim: Claim, error: &InspectError) -> StreamStep {
        self.worked.0 += 1;
        StreamStep::Refused(Box::new(RefusedFile { path, hash, reason: error.to_string(), _claim: claim }))
    }
}
