//! The state of inspection that the window shows.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::RwLock;

use super::request::{Query, QueryId, QuerySource};
use crate::{
    data::{ImageGrid, Split},
    inspect::{
        Assessment, Calibration, InvertKnobs, KeptFrame, Lineage, Outcome, Planes, Regions, Scores, StepRecord,
        critic::neighbours::CropOrigin, model::Promise,
    },
    train::Recipe,
};

/// How a query stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum QueryState {
    /// Its turn has not come, or no model is in force.
    #[default]
    Waiting,
    /// Its file is being read.
    Reading,
    /// z is on its way.
    Running,
    /// Between two steps, waiting.
    Paused,
    /// Done: all steps, or nothing more was to be gained.
    Done,
    /// Ended early by the user, with what had been reached.
    Stopped,
    /// Could not be inspected; the sentence says why and the way out.
    Failed(String),
}

impl QueryState {
    /// Whether the compute thread has to work on it.
    pub fn is_due(&self) -> bool {
        matches!(self, Self::Waiting | Self::Reading | Self::Running)
    }

    /// Whether it ended with an outcome.
    pub fn has_outcome(&self) -> bool {
        matches!(self, Self::Done | Self::Stopped)
    }

    /// Whether nothing more comes of it unless the user asks.
    pub fn is_over(&self) -> bool {
        self.has_outcome() || matches!(self, Self::Failed(_))
    }
}

/// A query on the list.
#[derive(Clone, Debug)]
pub struct QueryEntry {
    /// Its name for commands.
    pub id: QueryId,
    /// Its name on screen.
    pub name: String,
    /// Where it comes from.
    pub source: QuerySource,
    /// How it stands.
    pub state: QueryState,
    /// At most 96 pixels wide and high, once it is read.
    pub thumbnail: Option<Arc<Thumbnail>>,
    /// Width and height as inspected, once it is read.
    pub size: Option<(usize, usize)>,
    /// Steps done.
    pub step: usize,
    /// Most steps.
    pub steps: usize,
    /// Steps a second, smoothed; 0 when unknown.
    pub steps_per_second: f64,
    /// Seconds to the last step, once known; an early end comes sooner.
    pub seconds_left: Option<f64>,
    /// Its scores, once it is done or stopped.
    pub scores: Option<Scores>,
    /// Its place among good parts; `None` without a calibration for its knobs.
    pub assessment: Option<Assessment>,
}

impl QueryEntry {
    /// A query that nothing has been done about, with at most so many steps before it.
    pub fn waiting(query: &Query, steps: usize) -> Self {
        Self {
            id: query.id,
            name: query.name.clone(),
            source: query.source.clone(),
            state: QueryState::Waiting,
            thumbnail: None,
            size: None,
            step: 0,
            steps,
            steps_per_second: 0.0,
            seconds_left: None,
            scores: None,
            assessment: None,
        }
    }

    /// Its file, if it has one.
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            QuerySource::File(path) => Some(path),
            QuerySource::Picture(_) => None,
        }
    }
}

/// A small picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Grey, row by row.
    pub pixels: Vec<u8>,
}

/// Everything that is shown of one query. It is replaced whole whenever something is new.
#[derive(Clone, Debug)]
pub struct QueryView {
    /// The query as inspected.
    pub query: Arc<Planes>,
    /// Reconstructions by rising step, the newest last; thinned to stay within a bound of memory.
    pub frames: Vec<KeptFrame>,
    /// What each step left behind, by rising step.
    pub records: Arc<Vec<StepRecord>>,
    /// What came of it, once it is done or stopped.
    pub outcome: Option<Arc<Outcome>>,
    /// Healthy crops beside its oddest place, once it is done or stopped; none where the model keeps no crops.
    pub alike: Option<Arc<NearestNeighbours>>,
}

/// The oddest place of a query beside the healthy training crops that look most like it.
#[derive(Clone, Debug)]
pub struct NearestNeighbours {
    /// The crop of the query, and then its neighbours, the nearest first.
    pub pictures: ImageGrid,
    /// The crop's upper left corner in the query.
    pub corner: (usize, usize),
    /// Where the neighbours come from, and how far they are.
    pub neighbours: Vec<(CropOrigin, f32)>,
}

/// What is known of the model in force.
#[derive(Clone, Debug)]
pub struct ModelFacts {
    /// Name on screen.
    pub name: String,
    /// Its file; `None` for the built-in one and for weights of the run in hand.
    pub path: Option<PathBuf>,
    /// Hash of the file's tensors, as hexadecimal digits.
    pub hash: String,
    /// The recipe it was trained by.
    pub recipe: Arc<Recipe>,
    /// Steps it was trained for.
    pub step: u64,
    /// Whether it has an encoder.
    pub encoder: bool,
    /// What its held-out images look like to it, one entry for each setting of the knobs.
    pub calibrations: Arc<Vec<Calibration>>,
    /// What part of a picture is inspected.
    pub regions: Regions,
    /// Which images it was trained on and which were held out, by hash.
    pub split: Arc<Split>,
    /// The models before it, and the verdicts that it learned from; `None` for one that learned from its data alone.
    pub lineage: Option<Arc<Lineage>>,
}

impl ModelFacts {
    /// Its calibration for these knobs and the regions in force.
    pub fn calibration(&self, knobs: &InvertKnobs) -> Option<&Calibration> {
        Calibration::find(&self.calibrations, knobs, &self.regions)
    }
}

/// The model in force.
#[derive(Clone, Debug, Default)]
pub enum ModelState {
    /// None.
    #[default]
    None,
    /// On its way.
    Loading(String),
    /// In force.
    Ready(Arc<ModelFacts>),
    /// Could not be loaded; the sentence says why and the way out.
    Failed(String),
}

/// The state of inspection, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct InspectionStatus {
    /// The model in force.
    pub model: ModelState,
    /// The knobs for queries that have not begun.
    pub knobs: InvertKnobs,
    /// The promised false-alarm rate in force; `None` before there is a calibration for the knobs.
    pub rate: Option<f64>,
    /// Who set that rate, when, and on what it rests; `None` for the calibration's own.
    pub promise: Option<Promise>,
    /// Why a rate that was asked for is not in force.
    pub rate_refused: Option<String>,
    /// Held-out images inspected and in all, while a calibration goes on.
    pub calibrating: Option<(usize, usize)>,
    /// The queries, in the order they were asked for, newest last.
    pub entries: Vec<Arc<QueryEntry>>,
}

/// What the compute thread shows of inspection; part of [`Live`](super::EngineState).
#[derive(Debug, Default)]
pub struct InspectionState {
    /// Model, knobs and list.
    pub status: RwLock<InspectionStatus>,
    /// What is shown of each query. The pictures of queries long past are let go; ask for them again to
    /// see them.
    pub views: RwLock<std::collections::BTreeMap<QueryId, Arc<QueryView>>>,
    /// Samples that the model in force draws, to show what it has learnt.
    pub samples: RwLock<Option<Arc<ImageGrid>>>,
}
