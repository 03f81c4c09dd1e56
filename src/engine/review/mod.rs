//! The review station behind the window: one named thread keeps the record, another reads pictures ahead, and the
//! window waits for neither.
//!
//! Asks go in over a bounded channel. What comes of them lies in [`ReviewState`]: a verdict is kept when
//! [`ReviewSnapshot::answered`] has reached its number, and not before.

mod prefetch;
mod record_thread;
pub(super) mod task;

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc, thread};

use crossbeam_channel::{Sender, TrySendError, bounded};
use parking_lot::{Mutex, RwLock};
use prefetch::PrefetchThread;
use record_thread::RecordThread;

use super::{EngineState, inspection::QueryView, outbox::Outbox};
use crate::{
    data::{FileHash, Picture},
    inspect::Planes,
    review::{
        Findings, InspectionId, LabelSummary, PartId, ReviewItem, agreement::Agreement, drift::Drift, facets::Facets,
        record::NewOpinion,
    },
};

/// Asks that may wait for the record.
const ASKS: usize = 64;

/// What is asked of the record.
#[derive(Clone, Debug)]
pub enum ReviewRequest {
    /// Shows the record at this path, as soon as there is one.
    Open(PathBuf),
    /// Keeps a verdict.
    Say {
        /// Its number; each ask's is larger than the one before.
        number: u64,
        /// The part that it is about.
        part: PartId,
        /// The verdict.
        opinion: Box<NewOpinion>,
    },
    /// Takes back the last verdict that was kept since the program began.
    Undo {
        /// Its number.
        number: u64,
    },
    /// Offers a kind of defect.
    AddKind(String),
    /// Offers it no longer.
    DropKind(String),
    /// [`ReviewState::wanted`] has changed.
    Look,
}

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

/// A part that is on show or soon will be.
#[derive(Clone, Debug, PartialEq)]
pub struct PrefetchRequest {
    /// The part.
    pub part: PartId,
    /// Its inspection.
    pub inspection: InspectionId,
    /// Its picture.
    pub path: PathBuf,
    /// Hash of the file that was inspected.
    pub hash: FileHash,
    /// Hash of the model that inspected it.
    pub model: FileHash,
    /// Reconstruction and map are wanted too.
    pub map: bool,
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
    fn bytes(&self) -> usize {
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

/// The threads `ganspect-review` and `ganspect-pictures`; they end when this is dropped, and what was said until then is
/// kept first.
#[derive(Debug)]
pub(super) struct ReviewThreads {
    asks: Option<Sender<ReviewRequest>>,
    bell: Sender<()>,
    live: Arc<EngineState>,
    clerk: Option<thread::JoinHandle<()>>,
}

impl ReviewThreads {
    /// Starts the threads. `wake` is called when there is something new to show.
    pub(super) fn start(live: Arc<EngineState>, outbox: Outbox, wake: Arc<dyn Fn() + Send + Sync>) -> io::Result<Self> {
        let (asks, inbox) = bounded(ASKS);
        let (bell, rings) = bounded(1);
        let clerk = RecordThread::new(inbox, outbox, Arc::clone(&wake), Arc::clone(&live));
        let clerk = thread::Builder::new().name("ganspect-review".into()).spawn(move || clerk.run())?;
        let reader = PrefetchThread::new(Arc::clone(&live), wake);
        thread::Builder::new().name("ganspect-pictures".into()).spawn(move || reader.run(&rings))?;
        Ok(Self { asks: Some(asks), bell, live, clerk: Some(clerk) })
    }

    /// Hands an ask over without waiting; `false` when too many wait already.
    pub(super) fn ask(&self, ask: ReviewRequest) -> bool {
        self.asks.as_ref().is_some_and(|asks| asks.try_send(ask).is_ok())
    }

    /// Says which parts are on show or soon will be.
    pub(super) fn look(&self, wanted: Arc<[PrefetchRequest]>) {
        *self.live.station.wanted.lock() = wanted;
        // A bell that has rung already is as good, and so is an ask that waits.
        if let Err(TrySendError::Disconnected(())) = self.bell.try_send(()) {
            tracing::warn!("pictures are not read ahead any more");
        }
        self.ask(ReviewRequest::Look);
    }
}

impl Drop for ReviewThreads {
    fn drop(&mut self) {
        // The clerk answers what waits, and ends when nobody can ask any more.
        self.asks = None;
        if let Some(clerk) = self.clerk.take() {
            let _ = clerk.join();
        }
    }
}

/// Lets go what is not wanted until at most `most` entries of `bytes` in all are left.
fn let_go<K: Ord + Copy, V>(
    map: &mut BTreeMap<K, V>,
    wanted: &[K],
    (most, most_bytes): (usize, usize),
    bytes: impl Fn(&V) -> usize,
) {
    let mut total: usize = map.values().map(&bytes).sum();
    let spare: Vec<K> = map.keys().copied().filter(|key| !wanted.contains(key)).collect();
    for key in spare {
        if map.len() <= most && total <= most_bytes {
            return;
        }
        total -= map.remove(&key).as_ref().map_or(0, &bytes);
    }
    // Even of what is wanted, the last is let go where all of it is too much.
    for key in wanted.iter().skip(1).rev() {
        if total <= most_bytes {
            return;
        }
        total -= map.remove(key).as_ref().map_or(0, &bytes);
    }
}

/// The same for what the compute thread draws.
pub(super) fn let_go_maps(live: &ReviewState, wanted: &[InspectionId]) {
    /// Most maps that are kept, and most bytes of them.
    const KEPT: (usize, usize) = (12, 256 << 20);
    let bytes = |map: &Result<Arc<QueryView>, String>| match map {
        Ok(view) => view.query.values().len() * 6 * size_of::<f32>(),
        Err(_) => 0,
    };
    let_go(&mut live.maps.write(), wanted, KEPT, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_goes_first() {
        let of = |keys: &[i32]| keys.iter().map(|k| (*k, 10_usize)).collect::<BTreeMap<_, _>>();
        let left = |mut map: BTreeMap<i32, usize>, wanted: &[i32], bounds| {
            let_go(&mut map, wanted, bounds, |v| *v);
            map.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(left(of(&[1, 2, 3, 4]), &[4, 2], (3, 100)), [2, 3, 4]);
        assert_eq!(left(of(&[1, 2, 3, 4]), &[4, 2], (9, 20)), [2, 4]);
        assert_eq!(left(of(&[1, 2, 3, 4]), &[4, 2], (9, 5)), [4], "what is on show stays");
        assert_eq!(left(of(&[1, 2]), &[], (9, 100)), [1, 2]);
    }
}
