//! The order in which parts are reviewed, and which of them: a view of indices over the items.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{PartId, ReviewItem, ReviewStatus, Timestamp, agreement};
use crate::{data::FileHash, format, inspect::Verdict};

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueOrder {
    /// Where people are needed most: p-values nearest to the promised rate.
    #[default]
    NearestTheLine,
    /// The latest inspection.
    Newest,
    /// The smallest p-value; among equals the highest score.
    Worst,
}

impl QueueOrder {
    /// All orders, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::NearestTheLine, Self::Newest, Self::Worst];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::NearestTheLine => "Nearest the line",
            Self::Newest => "Newest",
            Self::Worst => "Worst",
        }
    }
}

/// How people stand to a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewProgress {
    /// Either way.
    #[default]
    All,
    /// Not looked at yet, or put off.
    Open,
    /// Looked at.
    Done,
    /// The person says the opposite of the model.
    Overruled,
    /// Looked at and not to be told.
    Unsure,
    /// Two blind verdicts differ, and nobody has settled it yet.
    Disputed,
}

impl ReviewProgress {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 6] = [Self::All, Self::Open, Self::Done, Self::Overruled, Self::Unsure, Self::Disputed];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::All => "Done and to do",
            Self::Open => "To do",
            Self::Done => "Done",
            Self::Overruled => "Overruled",
            Self::Unsure => "Unsure",
            Self::Disputed => "Disagreements",
        }
    }

    fn admits(self, item: &ReviewItem, standing: ReviewStatus) -> bool {
        match self {
            Self::All => true,
            Self::Open => !standing.is_done(),
            Self::Done => standing.is_done(),
            Self::Overruled => standing == ReviewStatus::Overruled,
            Self::Unsure => standing == ReviewStatus::Unsure,
            Self::Disputed => agreement::is_disputed(item),
        }
    }
}

/// Which parts are shown; everything by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// What the model says; empty for anything.
    pub verdicts: Vec<Verdict>,
    /// The model that says it.
    pub model: Option<FileHash>,
    /// Inspected at this time or later.
    pub from: Option<Timestamp>,
    /// Inspected before this time.
    pub until: Option<Timestamp>,
    /// Somewhere in this folder.
    pub folder: Option<PathBuf>,
    /// Whose verdicts count for `progress` and for the counters; anybody's for `None`.
    pub reviewer: Option<String>,
    /// How people stand to it.
    pub progress: ReviewProgress,
    /// The rule of two persons is in force: what two others have judged blind is done for the reviewer too.
    pub two_persons: bool,
    /// In the name of the file, whatever its capitals; empty for anything.
    pub text: String,
}

impl Filter {
    /// Whether an item passes, progress aside. `text` is this filter's in small letters.
    fn admits(&self, item: &ReviewItem, text: &str) -> bool {
        let inspection = &item.inspection;
        (self.verdicts.is_empty() || self.verdicts.contains(&inspection.assessment.verdict))
            && self.model.is_none_or(|model| model == inspection.model)
            && self.from.is_none_or(|from| inspection.time >= from)
            && self.until.is_none_or(|until| inspection.time < until)
            && self.folder.as_ref().is_none_or(|folder| item.part.path.starts_with(folder))
            && (text.is_empty() || item.part.name().to_lowercase().contains(text))
    }
}

/// How far people are. All parts that pass the filter are counted, whatever its progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Still to be looked at; those put off are among them.
    pub left: usize,
    /// Looked at: agreed, overruled or unsure.
    pub done: usize,
    /// The person says what the model says.
    pub agreed: usize,
    /// The person says the opposite.
    pub overruled: usize,
    /// Looked at and not to be told.
    pub unsure: usize,
    /// Put off.
    pub skipped: usize,
}

impl Counters {
    /// All parts.
    pub fn all(&self) -> usize {
        self.left + self.done
    }

    /// Adds a part.
    pub fn add(&mut self, standing: ReviewStatus) {
        *if standing.is_done() { &mut self.done } else { &mut self.left } += 1;
        match standing {
            ReviewStatus::Open => {}
            ReviewStatus::Skipped => self.skipped += 1,
            ReviewStatus::Unsure => self.unsure += 1,
            ReviewStatus::Agreed => self.agreed += 1,
            ReviewStatus::Overruled => self.overruled += 1,
        }
    }
}

/// How far a part is from the line: `|ln p - ln rate|`, so that twice as odd is as far as half as odd.
pub fn distance_to_the_line(item: &ReviewItem) -> f64 {
    let assessment = &item.inspection.assessment;
    (assessment.p.ln() - assessment.rate.ln()).abs()
}

/// The parts that pass a filter, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueView {
    rows: Vec<usize>,
    counters: Counters,
    reviewer: Option<String>,
    two_persons: bool,
}

impl QueueView {
    /// Which of `items`, and in which order. Equals come by number, so that the order is always the same.
    pub fn of(items: &[ReviewItem], filter: &Filter, order: QueueOrder) -> Self {
        let text = filter.text.trim().to_lowercase();
        let (reviewer, two_persons) = (filter.reviewer.clone(), filter.two_persons);
        let mut view = Self { reviewer, two_persons, ..Self::default() };
        for (i, item) in items.iter().enumerate().filter(|(_, item)| filter.admits(item, &text)) {
            let standing = view.standing(item);
            view.counters.add(standing);
            if filter.progress.admits(item, standing) {
                view.rows.push(i);
            }
        }
        let key = |item: &ReviewItem| {
            let assessment = &item.inspection.assessment;
            match order {
                QueueOrder::NearestTheLine => [distance_to_the_line(item), assessment.p],
                QueueOrder::Newest => [-(item.inspection.time.0 as f64), 0.0],
                QueueOrder::Worst => [assessment.p, -assessment.score],
            }
        };
        view.rows.sort_by(|&a, &b| {
            let (a, b) = (&items[a], &items[b]);
            let ([a0, a1], [b0, b1]) = (key(a), key(b));
            a0.total_cmp(&b0).then(a1.total_cmp(&b1)).then(b.part.id.cmp(&a.part.id))
        });
        view
    }

    /// Where a part stands in this view.
    pub fn standing(&self, item: &ReviewItem) -> ReviewStatus {
        let standing = item.standing(self.reviewer.as_deref());
        let is_enough = self.two_persons && standing == ReviewStatus::Open && item.blind.len() >= 2;
        if is_enough { item.standing(None) } else { standing }
    }

    /// Indices into the items, first to last.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// How far people are.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The place of a part in this view; `None` where it is not shown.
    pub fn place_of(&self, items: &[ReviewItem], part: PartId) -> Option<usize> {
        self.rows.iter().position(|&i| items.get(i).is_some_and(|item| item.part.id == part))
    }

    /// The next place after `place` whose part is still to be looked at, and around from the first one on; those put
    /// off come only when nothing else is left. `None` when all is done.
    pub fn next_open(&self, items: &[ReviewItem], place: usize) -> Option<usize> {
        self.find(items, (place + 1..self.rows.len()).chain(0..self.rows.len().min(place + 1)))
    }

    /// The same backwards.
    pub fn previous_open(&self, items: &[ReviewItem], place: usize) -> Option<usize> {
        self.find(items, (0..self.rows.len().min(place)).rev().chain((place..self.rows.len()).rev()))
    }

    fn find(&self, items: &[ReviewItem], mut places: impl Iterator<Item = usize> + Clone) -> Option<usize> {
        let is = |place: usize, wanted| {
            let item = self.rows.get(place).and_then(|&i| items.get(i));
            item.is_some_and(|item| self.standing(item) == wanted)
        };
        let mut again = places.clone();
        let open = places.find(|&place| is(place, ReviewStatus::Open));
        open.or_else(|| again.find(|&place| is(place, ReviewStatus::Skipped)))
    }
}

/// Takes what is new into `items`, which lie by number of the part, as [`super::Record::queue`] hands them out.
pub fn merge(items: &mut Vec<ReviewItem>, news: Vec<ReviewItem>) {
    for item in news {
        match items.binary_search_by_key(&item.part.id, |known| known.part.id) {
            Ok(i) => items[i] = item,
            Err(i) => items.insert(i, item),
        }
    }
}

/// How far people are, in a sentence: "12 of 40 parts done, 2 overruled.".
pub fn sentence(counters: &Counters) -> String {
    let mut text = format!("{} of {} parts done", counters.done, counters.all());
    for (count, word) in [(counters.overruled, "overruled"), (counters.unsure, "unsure"), (counters.skipped, "put off")]
    {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    format::sentence(&text)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::review::{
        Judgement::{Agree, Healthy, Skip, Unsure},
        item::tests::{item, judged},
    };

    fn items() -> Vec<ReviewItem> {
        vec![
            judged(1, 0.8, &[("ada", Agree, false)]),
            judged(2, 0.01, &[("ada", Healthy, false)]),
            item(3, 0.06),
            judged(4, 0.005, &[("bob", Unsure, false)]),
            judged(5, 0.045, &[("ada", Skip, false)]),
        ]
    }

    fn numbers(view: &QueueView) -> Vec<usize> {
        view.rows().iter().map(|i| i + 1).collect()
    }

    #[test]
    fn orders_put_first_what_they_say() {
        let view = |order| numbers(&QueueView::of(&items(), &Filter::default(), order));
        assert_eq!(view(QueueOrder::NearestTheLine), [5, 3, 2, 4, 1]);
        assert_eq!(view(QueueOrder::Newest), [5, 4, 3, 2, 1]);
        assert_eq!(view(QueueOrder::Worst), [4, 2, 5, 3, 1]);
    }

    #[test]
    fn filters_leave_what_passes_and_counters_count_it() {
        let view = |filter: Filter| numbers(&QueueView::of(&items(), &filter, QueueOrder::Newest));
        let all = Filter::default();
        assert_eq!(view(Filter { verdicts: vec![Verdict::Defective], ..all.clone() }), [5, 4, 2]);
        assert_eq!(view(Filter { model: Some(FileHash::of(b"another")), ..all.clone() }), [0_usize; 0]);
        assert_eq!(view(Filter { from: Some(Timestamp(2_000)), until: Some(Timestamp(4_000)), ..all.clone() }), [3, 2]);
        assert_eq!(view(Filter { folder: Some("/parts".into()), ..all.clone() }), [5, 4, 3, 2, 1]);
        assert_eq!(view(Filter { folder: Some("/par".into()), ..all.clone() }), [0_usize; 0]);
        assert_eq!(view(Filter { text: " PART 3".into(), ..all.clone() }), [3]);
        assert_eq!(view(Filter { progress: ReviewProgress::Open, ..all.clone() }), [5, 3]);
        assert_eq!(view(Filter { progress: ReviewProgress::Done, ..all.clone() }), [4, 2, 1]);
        let bob = Filter { progress: ReviewProgress::Done, reviewer: Some("bob".into()), ..all.clone() };
        assert_eq!(view(bob.clone()), [4]);
        let counters =
            QueueView::of(&items(), &Filter { progress: ReviewProgress::Open, ..all }, QueueOrder::Newest).counters();
        let wanted = Counters { left: 2, done: 3, agreed: 1, overruled: 1, unsure: 1, skipped: 1 };
        assert_eq!((counters, counters.all()), (wanted, 5));
        assert_eq!(sentence(&counters), "3 of 5 parts done, 1 overruled, 1 unsure, 1 put off.");
        assert_eq!(QueueView::of(&items(), &bob, QueueOrder::Newest).counters().left, 4);
    }

    #[test]
    fn two_blind_verdicts_are_enough_and_what_they_differ_on_is_a_queue() {
        let apart = judged(1, 0.01, &[("ada", Healthy, true), ("bob", Unsure, true)]);
        let settled = judged(2, 0.01, &[("ada", Healthy, true), ("bob", Agree, true), ("eve", Agree, false)]);
        let items = [apart, settled, judged(3, 0.01, &[("ada", Healthy, true)])];
        let eve = |progress| Filter { progress, reviewer: Some("eve".into()), two_persons: true, ..Filter::default() };
        let view = |filter| numbers(&QueueView::of(&items, &filter, QueueOrder::Newest));
        assert_eq!(view(eve(ReviewProgress::Open)), [3]);
        assert_eq!(view(eve(ReviewProgress::Disputed)), [1]);
        assert_eq!(view(Filter { two_persons: false, ..eve(ReviewProgress::Open) }), [3, 1]);
        assert_eq!(view(Filter { progress: ReviewProgress::Overruled, ..Filter::default() }), [3]);
    }

    #[test]
    fn a_jump_goes_to_what_is_open_and_around() {
        let items = items();
        let view = QueueView::of(&items, &Filter::default(), QueueOrder::NearestTheLine);
        assert_eq!(view.place_of(&items, PartId(2)), Some(2));
        assert_eq!((view.next_open(&items, 0), view.next_open(&items, 4)), (Some(1), Some(1)));
        assert_eq!((view.previous_open(&items, 4), view.previous_open(&items, 0)), (Some(1), Some(1)));
        // Only the one that was put off is left.
        let none: Vec<ReviewItem> = items.into_iter().filter(|item| item.part.id.0 != 3).collect();
        let view = QueueView::of(&none, &Filter::default(), QueueOrder::NearestTheLine);
        assert_eq!(view.next_open(&none, 2), Some(0));
        let empty = QueueView::of(&[], &Filter::default(), QueueOrder::Worst);
        assert_eq!((empty.next_open(&[], 0), empty.previous_open(&[], 3)), (None, None));
    }

    #[test]
    fn news_take_their_places() {
        let mut known = vec![item(1, 0.5), item(3, 0.5)];
        merge(&mut known, vec![item(2, 0.1), judged(3, 0.5, &[("ada", Agree, false)]), item(4, 0.2)]);
        assert_eq!(known.iter().map(|i| i.part.id.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(known[2].opinions.len(), 1);
    }

    #[test]
    fn five_thousand_parts_are_ordered_within_a_frame() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let items: Vec<ReviewItem> = (0..5_000).map(|i| item(i, rng.random_range(0.001..1.0))).collect();
        let filter = Filter { text: "part".into(), folder: Some("/parts".into()), ..Filter::default() };
        let best = (0..5).map(|_| {
            let start = Instant::now();
            let view = QueueView::of(&items, &filter, QueueOrder::NearestTheLine);
            assert_eq!(view.rows().len(), 5_000);
            start.elapsed()
        });
        assert!(best.min().unwrap() < Duration::from_millis(16));
    }
}
