//! Requests to inspect images, and to change the model that inspects them.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    data::{BitDepth, Picture},
    inspect::{InvertKnobs, RegionSettings, Regions, ScoreKind},
};

/// Identifies a query while the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId(u64);

impl QueryId {
    /// Creates a unique one.
    pub fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// The source of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// A `.ganspect` file.
    File(PathBuf),
    /// The built-in model of a synthetic surface.
    BuiltIn,
    /// The current averaged weights of the run.
    Run,
}

/// The source of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum QuerySource {
    /// An image file.
    File(PathBuf),
    /// An image from the clipboard or synthesised by the program.
    Picture(Arc<Picture>),
}

/// An image to be inspected.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Its identifier.
    pub id: QueryId,
    /// Name on screen.
    pub name: String,
    /// Its source.
    pub source: QuerySource,
}

/// A request to the inspection task.
#[derive(Clone, Debug)]
pub enum InspectionRequest {
    /// Read 16-bit samples as using this many bits, whatever the model says; `Auto` follows the model.
    SetBitDepth(BitDepth),
    /// Opens a model, which becomes the active one. Queries on the list stay as they are.
    OpenModel(ModelSource),
    /// Inspects these in order, before those already waiting.
    Add(Vec<Query>),
    /// Removes these; a running one is stopped first.
    Remove(Vec<QueryId>),
    /// Pauses after the current step.
    Pause(QueryId),
    /// Continues.
    Play(QueryId),
    /// Stops with the result so far.
    Stop(QueryId),
    /// Stops all that have not ended, each with the result so far.
    StopAll,
    /// Inspects these to their end, those that were stopped before or during their inspection.
    Finish(Vec<QueryId>),
    /// Continues for this number of further steps.
    AddSteps(QueryId, usize),
    /// Starts again with the current knobs and this seed; `random` skips the encoder.
    Restart {
        /// The query.
        id: QueryId,
        /// Seed of the random starts.
        seed: u64,
        /// Start from random z even if the knobs ask for the encoder.
        random: bool,
    },
    /// Sets the knobs for queries that have not started.
    SetKnobs(Box<InvertKnobs>),
    /// Sets the promised false-alarm rate; finished queries are assessed again.
    SetRate(f64),
    /// Sets the score that decides; finished queries are assessed again.
    DecideBy(ScoreKind),
    /// Sets the inspected regions; stored in the model's file.
    SetRegions(Regions),
    /// Sets the size of a pixel and the smallest area of anomaly regions; stored in the model's file.
    SetRegionSettings(RegionSettings),
    /// Calibrates the active model for the current knobs on its held-out images.
    Calibrate,
    /// Cancels a calibration.
    CancelCalibration,
    /// Saves the active model to a file.
    SaveModel(PathBuf),
}
