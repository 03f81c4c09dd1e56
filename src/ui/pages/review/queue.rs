//! Which parts are reviewed, in which order, and which of them is on show.

use std::sync::Arc;

use crate::{
    engine::review::{PrefetchRequest, ReviewSnapshot},
    review::{
        PartId, ReviewItem,
        queue::{Filter, QueueOrder, QueueView},
    },
};

/// Parts whose pictures are read before they are asked for: those that come next, and those just seen.
const AHEAD: usize = 6;
const BEHIND: usize = 2;
/// Of these, the ones that come next whose maps are drawn.
const MAPS: usize = 2;

/// What a view was made from.
#[derive(Clone, PartialEq)]
struct Made {
    revision: u64,
    filter: Filter,
    order: QueueOrder,
}

/// The queue of parts.
#[derive(Default)]
pub(super) struct ReviewQueue {
    pub filter: Filter,
    pub order: QueueOrder,
    view: QueueView,
    made: Option<Made>,
    current: Option<PartId>,
    /// Its place in the view; where it would stand when it has just left.
    place: usize,
    version: u64,
}

impl ReviewQueue {
    /// A queue that this filter lets parts into.
    pub fn new(filter: Filter, order: QueueOrder) -> Self {
        Self { filter, order, ..Self::default() }
    }

    /// Another number for another view.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The number of the part on show.
    pub fn current(&self) -> Option<PartId> {
        self.current
    }

    /// Follows the record and the filter: everything that takes time over all parts is done here, and only when one of
    /// them has changed. Whether it had.
    pub fn follow(&mut self, books: &ReviewSnapshot) -> bool {
        let made = Made { revision: books.revision, filter: self.filter.clone(), order: self.order };
        if self.made.as_ref() == Some(&made) {
            return false;
        }
        self.view = QueueView::of(&books.items, &self.filter, self.order);
        self.made = Some(made);
        self.version += 1;
        let rows = self.view.rows();
        let kept = self.current.and_then(|part| self.view.place_of(&books.items, part));
        self.place = match (kept, self.current) {
            (Some(place), _) => place,
            // Another takes the place of one that has left.
            (None, Some(_)) => self.place.min(rows.len().saturating_sub(1)),
            (None, None) => self.view.next_open(&books.items, rows.len().saturating_sub(1)).unwrap_or_default(),
        };
        self.current = rows.get(self.place).and_then(|&i| books.items.get(i)).map(|item| item.part.id);
        true
    }

    /// The parts in order.
    pub fn view(&self) -> &QueueView {
        &self.view
    }

    /// The place of the part on show.
    pub fn place(&self) -> usize {
        self.place
    }

    /// The part at a place.
    pub fn at<'a>(&self, items: &'a [ReviewItem], place: usize) -> Option<&'a ReviewItem> {
        self.view.rows().get(place).and_then(|&i| items.get(i))
    }

    /// The part on show.
    pub fn shown<'a>(&self, items: &'a [ReviewItem]) -> Option<&'a ReviewItem> {
        self.at(items, self.place).filter(|item| Some(item.part.id) == self.current)
    }

    /// Shows the part at this place, if there is one.
    pub fn go(&mut self, items: &[ReviewItem], place: usize) {
        if let Some(item) = self.at(items, place) {
            (self.place, self.current) = (place, Some(item.part.id));
        }
    }

    /// Shows the part so many places further on.
    pub fn step(&mut self, items: &[ReviewItem], by: isize) {
        let last = self.view.rows().len().saturating_sub(1);
        self.go(items, self.place.saturating_add_signed(by).min(last));
    }

    /// Lets every part pass the filter, whoever reviews and by whichever rule.
    pub fn let_all_in(&mut self) {
        let (reviewer, two_persons) = (self.filter.reviewer.take(), self.filter.two_persons);
        self.filter = Filter { reviewer, two_persons, ..Filter::default() };
    }

    /// Shows this part; a filter that hides it gives way.
    pub fn show(&mut self, books: &ReviewSnapshot, part: PartId) {
        if self.view.place_of(&books.items, part).is_none() {
            self.let_all_in();
        }
        self.current = Some(part);
        self.made = None;
        self.follow(books);
    }

    /// The next place that is open, those left out whose verdicts are on their way; `None` when all is done.
    fn next_from(&self, items: &[ReviewItem], from: usize, busy: &dyn Fn(PartId) -> bool) -> Option<usize> {
        let mut place = from;
        for _ in 0..=self.view.rows().len().min(AHEAD + super::session::MOST_BUSY) {
            place = self.view.next_open(items, place)?;
            match self.at(items, place) {
                Some(item) if !busy(item.part.id) => return Some(place),
                _ if place == from => return None,
                _ => {}
            }
        }
        None
    }

    /// Shows the next part that is open; the next one where none is.
    pub fn go_on(&mut self, items: &[ReviewItem], busy: &dyn Fn(PartId) -> bool) {
        match self.next_from(items, self.place, busy) {
            Some(place) if place != self.place => self.go(items, place),
            _ => self.step(items, 1),
        }
    }

    /// What is to be read and drawn: the part on show, those that come next, those beside it.
    pub fn wanted(&self, items: &[ReviewItem], busy: &dyn Fn(PartId) -> bool, maps: bool) -> Arc<[PrefetchRequest]> {
        let rows = self.view.rows().len();
        if rows == 0 {
            return Arc::default();
        }
        let mut places = vec![self.place];
        let mut from = self.place;
        while places.len() <= AHEAD {
            match self.next_from(items, from, busy) {
                Some(place) if !places.contains(&place) => places.push(place),
                _ => break,
            }
            from = places.last().copied().unwrap_or(from);
        }
        let maps = if maps { MAPS + 1 } else { 0 }.min(places.len());
        // Arrow keys go to neighbours, whether they are open or not.
        let after = (self.place + 1..rows).filter(|place| !places.contains(place));
        let after: Vec<usize> = after.take((AHEAD + 1 - places.len()).max(1)).collect();
        places.extend(after);
        let before = (0..self.place).rev().take(BEHIND).filter(|place| !places.contains(place));
        let before: Vec<usize> = before.collect();
        places.extend(before);
        let wanted = |(i, place): (usize, usize)| {
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
        places.into_iter().enumerate().filter_map(wanted).collect()
    }
}
