//! The state of review that the window shows.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use parking_lot::{Mutex, RwLock};

use super::request::PrefetchRequest;
use crate::{
    data::Picture,
    engine::inspection::QueryView,
    inspect::Planes,
    review::{
        Agreement, Facets, Findings, InspectionId, LabelSummary, PartId, ReviewItem, drift::Drift, record::NewOpinion,
    },
};

/// Status of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RecordState {
    /// No record was requested.
    #[default]
    Closed,
    /// It is being opened and read.
    Opening,
    /// There is no such file yet.
    Absent,
    /// It is open.
    Open,
    /// It cannot be used; the text says why and what to do.
    Failed(String),
}

/// The content of the record, and the outcome of requests.
#[derive(Clone, Debug, Default)]
pub struct ReviewSnapshot {
    /// The record's file.
    pub path: Option<PathBuf>,
    /// Its status.
    pub state: RecordState,
    /// Every part, by number.
    pub items: Arc<Vec<ReviewItem>>,
    /// Increases whenever the items change.
    pub revision: u64,
    /// The defect types on offer.
    pub defect_types: Arc<Vec<String>>,
    /// The values that filters offer.
    pub facets: Arc<Facets>,
    /// Statistics over all parts; may lag behind the items.
    pub statistics: Arc<ReviewStatistics>,
    /// Counts of the verdicts that the active model can be fine-tuned on; may lag behind the items.
    pub labels: LabelSummary,
    /// All requests up to this number have been handled.
    pub answered: u64,
    /// The last verdict that could not be stored, and its number.
    pub refused: Option<(u64, PartId, Box<NewOpinion>)>,
    /// The part whose verdict was retracted last, and the number of the request.
    pub undone: Option<(u64, PartId)>,
    /// Number of verdicts that can be undone.
    pub undoable: usize,
}

/// Statistics over all parts.
#[derive(Clone, Debug, Default)]
pub struct ReviewStatistics {
    /// Drift of the healthy parts; `None` before it was first computed.
    pub drift: Option<Drift>,
    /// Agreement between two reviewers.
    pub agreement: Agreement,
    /// Number of parts with two differing blind verdicts, not settled yet.
    pub disputed: usize,
}

/// Image of a part.
#[derive(Clone, Debug)]
pub enum PartImage {
    /// The image as stored and as shown.
    Loaded(Arc<Picture>, Arc<Planes>),
    /// The copy that the record kept, as shown, and why it is shown in place of the file.
    Kept(Arc<Planes>, String),
    /// It cannot be shown; the text says why.
    Unavailable(String),
}

impl PartImage {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Loaded(_, planes) => planes.values().len() * 2 * size_of::<f32>(),
            Self::Kept(planes, _) => size_of_val(planes.values()),
            Self::Unavailable(_) => 0,
        }
    }
}

/// The part of [`EngineState`](crate::engine::EngineState) that shows review.
#[derive(Debug, Default)]
pub struct ReviewState {
    /// The record.
    pub snapshot: RwLock<Arc<ReviewSnapshot>>,
    /// The parts whose images are needed, the most urgent first.
    pub requested: Mutex<Arc<[PrefetchRequest]>>,
    /// Their findings from the record.
    pub findings: RwLock<BTreeMap<InspectionId, Arc<Findings>>>,
    /// Their images.
    pub images: RwLock<BTreeMap<PartId, Arc<PartImage>>>,
    /// Their reconstructions and maps by the active model, or why there are none.
    pub maps: RwLock<BTreeMap<InspectionId, Result<Arc<QueryView>, String>>>,
}
