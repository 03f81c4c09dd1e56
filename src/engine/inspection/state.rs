//! The state of inspection that the window shows.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::RwLock;

use super::request::{Query, QueryId, QuerySource};
use crate::{
    data::{FileHash, ImageGrid, Split},
    inspect::{
        Assessment, Calibration, InvertKnobs, Judged, KeptFrame, Lineage, NoRegions, Outcome, OutlierReport, Planes,
        Promise, RegionList, RegionSettings, Regions, Scores, StepRecord, calibration::MapScale, critic::CropOrigin,
        deciding_map, evaluation::EvaluatedMap, outliers::ever_left_out,
    },
    train::Recipe,
};

/// Status of a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum QueryState {
    /// Waits for its turn or for a model.
    #[default]
    Waiting,
    /// Its file is being read.
    Reading,
    /// Being inspected.
    Running,
    /// Paused between two steps.
    Paused,
    /// Finished: all steps, or converged.
    Done,
    /// Stopped by the user, with the result so far.
    Stopped,
    /// Failed; the text says why and what to do.
    Failed(String),
}

impl QueryState {
    /// Whether there is work left.
    pub(crate) fn is_due(&self) -> bool {
        matches!(self, Self::Waiting | Self::Reading | Self::Running)
    }

    /// Whether it ended with a result.
    pub(crate) fn has_outcome(&self) -> bool {
        matches!(self, Self::Done | Self::Stopped)
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.has_outcome() || matches!(self, Self::Failed(_))
    }
}

/// A query on the list.
#[derive(Clone, Debug)]
pub struct QueryEntry {
    /// Its identifier.
    pub id: QueryId,
    /// Its name on screen.
    pub name: String,
    /// Its source.
    pub source: QuerySource,
    /// Its status.
    pub state: QueryState,
    /// Thumbnail of at most 96 x 96 pixels, once it is read.
    pub thumbnail: Option<Arc<Thumbnail>>,
    /// Width and height as inspected, once it is read.
    pub size: Option<(usize, usize)>,
    /// What a reader of the result should know about how the file was read.
    pub remark: Option<String>,
    /// Steps done.
    pub step: usize,
    /// Maximum number of steps.
    pub steps: usize,
    /// Steps per second, smoothed; 0 when unknown.
    pub steps_per_second: f64,
    /// Seconds to the last step, once known; it may converge earlier.
    pub seconds_left: Option<f64>,
    /// Its scores with the verdict on them, or the reason why there is none; `None` until it ends with a result.
    pub judged: Option<Judged>,
}

impl QueryEntry {
    /// Creates the entry of a waiting query with this number of steps.
    pub(crate) fn waiting(query: &Query, steps: usize) -> Self {
        Self {
            id: query.id,
            name: query.name.clone(),
            source: query.source.clone(),
            state: QueryState::Waiting,
            thumbnail: None,
            size: None,
            remark: None,
            step: 0,
            steps,
            steps_per_second: 0.0,
            seconds_left: None,
            judged: None,
        }
    }

    /// Its scores, once it has ended with a result.
    pub fn scores(&self) -> Option<&Scores> {
        self.judged.as_ref().map(Judged::scores)
    }

    /// The verdict, if there is one.
    pub fn assessment(&self) -> Option<&Assessment> {
        self.judged.as_ref()?.assessment()
    }

    /// Whether it was stopped before its inspection was complete.
    pub fn is_cut_short(&self) -> bool {
        let early = Judged::is_stopped_early;
        self.state == QueryState::Stopped && self.judged.as_ref().is_none_or(early)
    }

    /// Whether it was inspected to the end.
    pub fn is_inspected(&self) -> bool {
        self.state.has_outcome() && !self.is_cut_short()
    }

    /// Puts it back in the queue: the verdict follows the last step.
    pub(crate) fn requeue(&mut self) {
        (self.state, self.judged) = (QueryState::Waiting, None);
    }

    /// Its file, if it has one.
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            QuerySource::File(path) => Some(path),
            QuerySource::Picture(_) => None,
        }
    }
}

/// A small image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// Row by row, channels interleaved.
    pub pixels: Vec<u8>,
}

/// Everything shown of one query; replaced as a whole when it changes.
#[derive(Clone, Debug)]
pub struct QueryView {
    /// The query as inspected.
    pub query: Arc<Planes>,
    /// Reconstructions by step, the newest last; thinned to limit memory.
    pub frames: Vec<KeptFrame>,
    /// Records of the steps.
    pub records: Arc<Vec<StepRecord>>,
    /// The outcome, once it is done or stopped.
    pub outcome: Option<Arc<Outcome>>,
    /// Nearest neighbours of its highest-scoring crop, once it is done or stopped; `None` if the model has no crop bank.
    pub neighbours: Option<Arc<NearestNeighbours>>,
    /// Its anomaly regions, or why it has none, once it is done or stopped.
    pub regions: Option<Arc<Result<RegionList, NoRegions>>>,
}

/// The highest-scoring crop of a query and the most similar healthy training crops.
#[derive(Clone, Debug)]
pub struct NearestNeighbours {
    /// The crop of the query, followed by its neighbours, the nearest first.
    pub images: ImageGrid,
    /// The crop's upper left corner in the query.
    pub corner: (usize, usize),
    /// Origin and distance of each neighbour.
    pub neighbours: Vec<(CropOrigin, f32)>,
}

/// Facts about the active model.
#[derive(Clone, Debug)]
pub struct ModelFacts {
    /// Name on screen.
    pub name: String,
    /// Its file; `None` for the built-in model and for weights of the current run.
    pub path: Option<PathBuf>,
    /// Hash of the file's tensors, as hexadecimal digits.
    pub hash: String,
    /// The recipe it was trained by.
    pub recipe: Arc<Recipe>,
    /// Steps it was trained for.
    pub step: u64,
    /// Whether it has an encoder.
    pub encoder: bool,
    /// Its calibrations, one for each setting of the knobs.
    pub calibrations: Arc<Vec<Calibration>>,
    /// The inspected regions.
    pub regions: Regions,
    /// Size of a pixel, and the smallest area of anomaly regions.
    pub region_settings: RegionSettings,
    /// Its training and held-out images, by hash.
    pub split: Arc<Split>,
    /// Its ancestors and the verdicts it was fine-tuned on; `None` if it was not fine-tuned.
    pub lineage: Option<Arc<Lineage>>,
    /// Healthy images that look defective, and were left out; `None` where they were not checked.
    pub outliers: Option<Arc<OutlierReport>>,
}

impl ModelFacts {
    /// Images that the model or an ancestor of it left out, whether or not they have been used again since.
    pub(crate) fn ever_left_out(&self) -> HashSet<FileHash> {
        ever_left_out(self.outliers.as_deref(), self.lineage.as_deref())
    }

    /// Its calibration for these knobs and its current regions.
    pub fn calibration(&self, knobs: &InvertKnobs) -> Option<&Calibration> {
        Calibration::find(&self.calibrations, knobs, &self.regions)
    }

    /// The map that shows what decides over an inspection by this model.
    pub fn deciding_map(&self, outcome: &Outcome) -> EvaluatedMap {
        let calibration = self.calibration(&outcome.knobs).or(self.calibrations.first());
        deciding_map(calibration, outcome.critic.is_some())
    }

    /// The anomaly regions of an inspection by this model.
    ///
    /// # Errors
    /// [`NoRegions`] without a threshold, or for an image of something else.
    pub fn anomaly_regions(&self, outcome: &Outcome) -> Result<RegionList, NoRegions> {
        let calibration = self.calibration(&outcome.knobs).or(self.calibrations.first());
        RegionList::of(outcome, calibration, &self.region_settings, self.recipe.data.scale)
    }

    /// Upper ends of the maps' colour scales: from the calibration for these knobs, otherwise from another of the
    /// model's, since healthy maps differ little between settings. `None` without any.
    pub fn map_scale(&self, knobs: &InvertKnobs) -> Option<MapScale> {
        self.calibration(knobs).or(self.calibrations.first()).map(|calibration| calibration.scale)
    }
}

/// Status of the active model.
#[derive(Clone, Debug, Default)]
pub enum ModelState {
    /// None.
    #[default]
    None,
    /// Being loaded.
    Loading(String),
    /// Active.
    Ready(Arc<ModelFacts>),
    /// Could not be loaded; the text says why and what to do.
    Failed(String),
}

/// The state of inspection, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct InspectionStatus {
    /// Status of the active model.
    pub model: ModelState,
    /// The knobs for queries that have not started.
    pub knobs: InvertKnobs,
    /// The promised false-alarm rate; `None` without a calibration for the knobs.
    pub rate: Option<f64>,
    /// Author, time and basis of that rate; `None` for the calibration's own.
    pub promise: Option<Promise>,
    /// Why a requested rate was refused.
    pub rate_refused: Option<String>,
    /// Held-out images inspected and their total, during a calibration.
    pub calibrating: Option<(usize, usize)>,
    /// The queries in order of request, newest last.
    pub entries: Vec<Arc<QueryEntry>>,
}

/// The part of [`EngineState`](crate::engine::EngineState) that shows inspection.
#[derive(Debug, Default)]
pub struct InspectionState {
    /// Model, knobs and list.
    pub status: RwLock<InspectionStatus>,
    /// The view of each query. Views of old queries are dropped to limit memory.
    pub views: RwLock<std::collections::BTreeMap<QueryId, Arc<QueryView>>>,
    /// Samples of the active model.
    pub samples: RwLock<Option<Arc<ImageGrid>>>,
}
