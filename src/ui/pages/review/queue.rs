//! The review queue: filter, order and current part.

use std::sync::Arc;

use super::session::MOST_PENDING;
use crate::{
    engine::review::{PrefetchRequest, ReviewSnapshot},
    review::{PartId, QueueFilter, QueueOrder, QueueView, ReviewItem},
};

/// Number of parts whose images are prefetched: after the current part, and before it.
const AHEAD: usize = 6;
const BEHIND: usize = 2;
/// Number of next parts whose maps are prefetched too.
const MAPS: usize = 2;

/// Inputs of the view; it is recomputed when they change.
#[derive(Clone, PartialEq)]
struct ViewKey {
    revision: u64,
    filter: QueueFilter,
    order: QueueOrder,
}

/// The queue of parts.
#[derive(Default)]
pub(super) struct ReviewQueue {
    pub filter: QueueFilter,
    pub order: QueueOrder,
    view: QueueView,
    key: Option<ViewKey>,
    current: Option<PartId>,
    /// Position of the current part in the view, or where it was before it left the view.
    position: usize,
    version: u64,
}

impl ReviewQueue {
    /// Creates a queue with this filter and order.
    pub(crate) fn new(filter: QueueFilter, order: QueueOrder) -> Self {
        Self { filter, order, ..Self::default() }
    }

    /// Returns the version of the view, which changes with its content.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Returns the id of the current part.
    pub(crate) fn current(&self) -> Option<PartId> {
        self.current
    }

    /// Recomputes the view if record, filter or order have changed; returns whether they have.
    pub(crate) fn follow(&mut self, snapshot: &ReviewSnapshot) -> bool {
        let key = ViewKey { revision: snapshot.revision, filter: self.filter.clone(), order: self.order };
        if self.key.as_ref() == Some(&key) {
            return false;
        }
        self.view = QueueView::of(&snapshot.items, &self.filter, self.order);
        self.key = Some(key);
        self.version += 1;
        // The finished file takes the place of one that was recorded too early, also on show.
        let replaced = |item: &&ReviewItem| item.earlier.iter().any(|earlier| Some(earlier.part.id) == self.current);
        self.current = snapshot.items.iter().find(replaced).map(|item| item.part.id).or(self.current);
        let rows = self.view.rows();
        let kept = self.current.and_then(|part| self.view.position_of(&snapshot.items, part));
        self.position = match (kept, self.current) {
            (Some(place), _) => place,
            // The next part moves up if the current one has left the view.
            (None, Some(_)) => self.position.min(rows.len().saturating_sub(1)),
            (None, None) => self.view.next_open(&snapshot.items, rows.len().saturating_sub(1)).unwrap_or_default(),
        };
        self.current = rows.get(self.position).and_then(|&i| snapshot.items.get(i)).map(|item| item.part.id);
        true
    }

    /// Returns the filtered and sorted parts.
    pub(crate) fn view(&self) -> &QueueView {
        &self.view
    }

    /// Returns the position of the current part.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Returns the part at a position.
    pub(crate) fn at<'a>(&self, items: &'a [ReviewItem], place: usize) -> Option<&'a ReviewItem> {
        self.view.rows().get(place).and_then(|&i| items.get(i))
    }

    /// Returns the current part.
    pub(crate) fn shown<'a>(&self, items: &'a [ReviewItem]) -> Option<&'a ReviewItem> {
        self.at(items, self.position).filter(|item| Some(item.part.id) == self.current)
    }

    /// Shows the part at this position, if there is one.
    pub(crate) fn go(&mut self, items: &[ReviewItem], place: usize) {
        if let Some(item) = self.at(items, place) {
            (self.position, self.current) = (place, Some(item.part.id));
        }
    }

    /// Moves by this number of parts.
    pub(crate) fn step(&mut self, items: &[ReviewItem], by: isize) {
        let last = self.view.rows().len().saturating_sub(1);
        self.go(items, self.position.saturating_add_signed(by).min(last));
    }

    /// Clears the filter, except for reviewer and double-blind mode.
    pub(crate) fn clear_filter(&mut self) {
        let (reviewer, double_blind) = (self.filter.reviewer.take(), self.filter.double_blind);
        self.filter = QueueFilter { reviewer, double_blind, ..QueueFilter::default() };
    }

    /// Shows this part, clearing the filter if it excludes the part.
    pub(crate) fn show(&mut self, snapshot: &ReviewSnapshot, part: PartId) {
        if self.view.position_of(&snapshot.items, part).is_none() {
            self.clear_filter();
        }
        self.current = Some(part);
        self.key = None;
        self.follow(snapshot);
    }

    /// Returns the next position that is open and has no verdict pending; `None` if all are done.
    fn next_from(&self, items: &[ReviewItem], from: usize, pending: &dyn Fn(PartId) -> bool) -> Option<usize> {
        let mut place = from;
        for _ in 0..=self.view.rows().len().min(AHEAD + MOST_PENDING) {
            place = self.view.next_open(items, place)?;
            match self.at(items, place) {
                Some(item) if !pending(item.part.id) => return Some(place),
                _ if place == from => return None,
                _ => {}
            }
        }
        None
    }

    /// Shows the next open part, or the next part if none is open.
    pub(crate) fn advance(&mut self, items: &[ReviewItem], pending: &dyn Fn(PartId) -> bool) {
        match self.next_from(items, self.position, pending) {
            Some(place) if place != self.position => self.go(items, place),
            _ => self.step(items, 1),
        }
    }

    /// Returns the requests for images and maps: current part, next open parts, neighbours in the queue.
    pub(crate) fn prefetch(
        &self,
        items: &[ReviewItem],
        pending: &dyn Fn(PartId) -> bool,
        maps: bool,
    ) -> Arc<[PrefetchRequest]> {
        let rows = self.view.rows().len();
        if rows == 0 {
            return Arc::default();
        }
        let mut places = vec![self.position];
        let mut from = self.position;
        while places.len() <= AHEAD {
            match self.next_from(items, from, pending) {
                Some(place) if !places.contains(&place) => places.push(place),
                _ => break,
            }
            from = places.last().copied().unwrap_or(from);
        }
        let maps = if maps { MAPS + 1 } else { 0 }.min(places.len());
        // The arrow keys visit neighbours, whether they are open or not.
        let after = (self.position + 1..rows).filter(|place| !places.contains(place));
        let after: Vec<usize> = after.take((AHEAD + 1 - places.len()).max(1)).collect();
        places.extend(after);
        let before = (0..self.position).rev().take(BEHIND).filter(|place| !places.contains(place));
        let before: Vec<usize> = before.collect();
        places.extend(before);
        let request = |(i, place): (usize, usize)| {
            let item = self.at(items, place)?;
            Some(PrefetchRequest {
                part: item.part.id,
                inspection: item.inspection.id,
                path: item.part.path.clone(),
                hash: item.part.hash,
                model: item.inspection.model,
                map: i < maps,
            })
        };
        places.into_iter().enumerate().filter_map(request).collect()
    }
}
