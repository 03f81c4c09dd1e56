//! Requests to inspect images, and to change the model that inspects them.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    data::Picture,
    inspect::{InvertKnobs, Regions, ScoreKind},
};

/// Names one query for as long as the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId(u64);

impl QueryId {
    /// One that no other query has.
    pub fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// Which model is to be put in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// A `.ganspect` file.
    File(PathBuf),
    /// The small model of a built-in surface that comes with the program.
    BuiltIn,
    /// The averaged weights of the run in hand, as they are now.
    Run,
}

/// Where a query comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum QuerySource {
    /// An image file.
    File(PathBuf),
    /// A picture from the clipboard or drawn by the program.
    Picture(Arc<Picture>),
}

/// A picture to be inspected.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Its name from now on.
    pub id: QueryId,
    /// Name on screen.
    pub name: String,
    /// Where it comes from.
    pub source: QuerySource,
}

/// What can be asked about inspection.
#[derive(Clone, Debug)]
pub enum InspectionRequest {
    /// Puts a model in force. Queries on the list stay as they are.
    OpenModel(ModelSource),
    /// Inspects these in their order, before whatever waits already.
    Add(Vec<Query>),
    /// Forgets these; one that runs is stopped first.
    Remove(Vec<QueryId>),
    /// Waits after the step in hand.
    Pause(QueryId),
    /// Goes on.
    Play(QueryId),
    /// Ends with what has been reached so far.
    Stop(QueryId),
    /// Goes on from where it ended for so many steps more.
    AddSteps(QueryId, usize),
    /// Begins again with the knobs in force and this seed; `random` leaves the encoder out.
    Restart {
        /// The query.
        id: QueryId,
        /// Seed of the random starts.
        seed: u64,
        /// Begin from random draws even where the knobs ask for the encoder.
        random: bool,
    },
    /// The knobs for queries that have not begun.
    SetKnobs(Box<InvertKnobs>),
    /// The promised false-alarm rate; finished queries are assessed anew.
    SetRate(f64),
    /// The score that verdicts go by; finished queries are assessed anew.
    DecideBy(ScoreKind),
    /// What part of a picture is inspected from now on; kept in the model's file.
    SetRegions(Regions),
    /// Inspects the model's held-out images with the knobs in force, so that verdicts can be given.
    Calibrate,
    /// Ends a calibration without a result.
    CancelCalibration,
    /// Writes the model in force to a file.
    SaveModel(PathBuf),
}
