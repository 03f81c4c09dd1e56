//! What the page knows of queries that are part of a test set.

use std::{collections::HashMap, sync::Arc};

use super::{InspectWorkspace, truth::TruthKey};
use crate::{
    engine::{
        EngineState,
        inspection::{QueryEntry, QueryId, QuerySource},
    },
    inspect::evaluation::PartTruth,
};

impl InspectWorkspace {
    /// Returns what is known of a query that is part of a test set.
    pub(crate) fn truth(&self, entry: &QueryEntry) -> Option<Arc<PartTruth>> {
        self.truths.get(&TruthKey::of(&entry.name, &entry.source)).cloned()
    }

    /// Returns what is known of these queries.
    pub(crate) fn known(&self, engine: &EngineState, ids: &[QueryId]) -> HashMap<QueryId, Arc<PartTruth>> {
        let status = engine.inspection.status.read();
        let entries = status.entries.iter().filter(|entry| ids.contains(&entry.id));
        entries.filter_map(|entry| Some((entry.id, self.truth(entry)?))).collect()
    }

    /// Takes up the label of a query whose file is part of the test set on the Evaluate page, however it was added.
    pub(super) fn recognise(&mut self, engine: &EngineState, entry: &QueryEntry) {
        let QuerySource::File(path) = &entry.source else { return };
        let key = TruthKey::File(path.clone());
        if self.truths.contains_key(&key) {
            return;
        }
        let Some(tests) = engine.evaluation.status.read().tests.clone() else { return };
        if let Some(index) = tests.items.iter().position(|item| item.path.as_ref() == Some(path)) {
            self.truths.insert(key, Arc::new(PartTruth::new(tests, index, Arc::default())));
        }
    }
}
