//! The state of model adoption: fine-tuned models that are activated through the record.

use std::{path::PathBuf, sync::Arc};

use parking_lot::Mutex;

use crate::{data::FileHash, engine::BackgroundTask, review::record::NewAdoption};

/// A model and the record.
pub(super) type AdoptionKey = (FileHash, PathBuf);

/// An adoption that is being written to the record; the model is activated afterwards.
pub(super) struct AdoptionWrite {
    pub adoption: NewAdoption,
    pub task: BackgroundTask<Result<(), String>>,
    /// Why it waits, once it does; taken when it was said.
    pub stalled: Arc<Mutex<Option<String>>>,
}

/// Adoptions under way.
#[derive(Default)]
pub(super) struct AdoptionFlow {
    pub writing: Option<AdoptionWrite>,
    /// The search for the adoption of the active model.
    pub search: Option<(AdoptionKey, BackgroundTask<Option<NewAdoption>>)>,
    /// The adoption of the active model, if it has one, once the search has ended.
    pub origin: Option<(AdoptionKey, Option<NewAdoption>)>,
}

impl AdoptionFlow {
    /// The adoption of the active model, if it has one.
    pub(crate) fn origin(&self) -> Option<&NewAdoption> {
        self.origin.as_ref().and_then(|(_, adoption)| adoption.as_ref())
    }
}
