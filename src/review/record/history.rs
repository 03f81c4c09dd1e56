//! The history of a part: its file as it was recorded before its writer had finished.

use std::collections::HashMap;

use super::Record;
use crate::review::{EarlierImage, PartId, ReviewItem};

impl Record {
    /// Returns the successor of each superseded part.
    pub(super) fn successors(&self) -> rusqlite::Result<HashMap<PartId, PartId>> {
        let mut all = self.connection.prepare_cached("SELECT part, successor FROM superseded")?;
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }
}

/// Moves superseded parts into the history of those that took their place. Items stay sorted by number.
pub(super) fn fold(items: Vec<ReviewItem>, successors: &HashMap<PartId, PartId>) -> Vec<ReviewItem> {
    if successors.is_empty() {
        return items;
    }
    let (earlier, mut current): (Vec<ReviewItem>, Vec<ReviewItem>) =
        items.into_iter().partition(|item| successors.contains_key(&item.part.id));
    for item in earlier {
        let mut last = item.part.id;
        // Numbers grow from each part to its successor, so that this ends.
        while let Some(next) = successors.get(&last).filter(|next| **next > last) {
            last = *next;
        }
        if let Ok(i) = current.binary_search_by_key(&last, |item| item.part.id) {
            let ReviewItem { part, inspection, opinions, .. } = item;
            current[i].earlier.push(EarlierImage { part, inspection, opinions });
        }
    }
    current
}
