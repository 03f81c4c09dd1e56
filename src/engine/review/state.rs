//! The state of review that the window shows.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use parking_lot::{Mutex, RwLock};

use super::request::PrefetchRequest;
use crate::{
    data::Picture,
    engine::inspection::QueryView,
    inspect::Planes,
    review::{
        Findings, InspectionId, LabelSummary, PartId, ReviewItem, agreement::Agreement, drift::Drift, facets::Facets,
        record::NewOpinion,
    },
};

/// How the record stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RecordState {
    /// None was asked for.
    #[default]
    Closed,
    /// It is being opened and read.
    Opening,
    /// There is no such file yet.
    Absent,
    /// It is open.
    Open,
    /// It cannot be used; the sentence says why and the way out.
    Failed(String),
}

/// What the record holds, and what became of what was asked.
#[derive(Clone, Debug, Default)]
pub struct ReviewSnapshot {
    /// The record's file.
    pub path: Option<PathBuf>,
    /// How it stands.
    pub state: RecordState,
    /// Every part, by number.
    pub items: Arc<Vec<ReviewItem>>,
    /// Another number for other items.
    pub revision: u64,
    /// The kinds of defect that are offered.
    pub kinds: Arc<Vec<String>>,
    /// What a filter can offer.
    pub facets: Arc<Facets>,
    /// How good parts and people fare; a moment behind the items.
    pub figures: Arc<ReviewStatistics>,
    /// Counts of the verdicts that the active model can be fine-tuned on; may lag behind the items.
    pub labels: LabelSummary,
    /// Every ask up to this number has been answered.
    pub answered: u64,
    /// The last verdict that was not kept, and its number.
    pub refused: Option<(u64, PartId, Box<NewOpinion>)>,
    /// The part whose verdict was taken back last, and the number of the ask.
    pub undone: Option<(u64, PartId)>,
    /// Verdicts that can be taken back.
    pub undo: usize,
}

/// What is worked out over all parts.
#[derive(Clone, Debug, Default)]
pub struct ReviewStatistics {
    /// What became of good parts; `None` before the first look.
    pub drift: Option<Drift>,
    /// How two people agree.
    pub agreement: Agreement,
    /// Parts that two blind verdicts differ on and nobody has settled yet.
    pub disputed: usize,
}

/// What there is to see of a part.
#[derive(Clone, Debug)]
pub enum PartImage {
    /// Its picture, as it is stored and as it is shown.
    Picture(Arc<Picture>, Arc<Planes>),
    /// It cannot be shown; the sentence says why.
    Gone(String),
}

impl PartImage {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Picture(_, planes) => planes.values().len() * 2 * size_of::<f32>(),
            Self::Gone(_) => 0,
        }
    }
}

/// What the station shows; part of [`EngineState`].
#[derive(Debug, Default)]
pub struct ReviewState {
    /// The record.
    pub books: RwLock<Arc<ReviewSnapshot>>,
    /// The parts whose pictures are wanted, the most urgent first.
    pub wanted: Mutex<Arc<[PrefetchRequest]>>,
    /// What the model found on them.
    pub findings: RwLock<BTreeMap<InspectionId, Arc<Findings>>>,
    /// Their pictures.
    pub sights: RwLock<BTreeMap<PartId, Arc<PartImage>>>,
    /// What the model in force draws in their place, and where they differ; or why it cannot.
    pub maps: RwLock<BTreeMap<InspectionId, Result<Arc<QueryView>, String>>>,
}
