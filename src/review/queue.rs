//! The review queue: filter, order and progress, as a view of indices over the items.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{PartId, ReviewItem, ReviewStatus, Timestamp, agreement, facets, facets::ModelFacet};
use crate::{data::FileHash, format, inspect::Verdict, text::PrintablePath};

/// Order of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueOrder {
    /// P-values nearest to the promised false-alarm rate.
    #[default]
    #[serde(rename = "nearest-the-line")]
    Borderline,
    /// Latest inspection first.
    Newest,
    /// Smallest p-value first; among equals the highest score.
    Worst,
}

impl QueueOrder {
    /// All orders, as listed on screen.
    pub const ALL: [Self; 3] = [Self::Borderline, Self::Newest, Self::Worst];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Borderline => "Borderline first",
            Self::Newest => "Newest first",
            Self::Worst => "Worst first",
        }
    }
}

/// Filter by review status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewProgress {
    /// Any status.
    #[default]
    All,
    /// Not reviewed yet, or postponed.
    Open,
    /// Reviewed.
    Done,
    /// The reviewer contradicts the model.
    Overruled,
    /// Reviewed without a decision.
    Unsure,
    /// Two blind verdicts differ and the difference is not settled.
    Disputed,
}

impl ReviewProgress {
    /// All values, as listed on screen.
    pub const ALL: [Self; 6] = [Self::All, Self::Open, Self::Done, Self::Overruled, Self::Unsure, Self::Disputed];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::All => "Any status",
            Self::Open => "To do",
            Self::Done => "Done",
            Self::Overruled => "Overruled",
            Self::Unsure => "Unsure",
            Self::Disputed => "Disagreements",
        }
    }

    fn matches(self, item: &ReviewItem, status: ReviewStatus) -> bool {
        match self {
            Self::All => true,
            Self::Open => !status.is_done(),
            Self::Done => status.is_done(),
            Self::Overruled => status == ReviewStatus::Overruled,
            Self::Unsure => status == ReviewStatus::Unsure,
            Self::Disputed => agreement::is_disputed(item),
        }
    }
}

/// Filter of the queue; matches every part by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// Verdicts of the model; empty for any.
    pub verdicts: Vec<Verdict>,
    /// The model of the latest inspection.
    pub model: Option<FileHash>,
    /// Earliest time of inspection.
    pub from: Option<Timestamp>,
    /// End of the time of inspection, exclusive.
    pub until: Option<Timestamp>,
    /// Folder that contains the image, at any depth.
    pub folder: Option<PathBuf>,
    /// Reviewer whose verdicts count for `progress` and the counts; `None` for any.
    pub reviewer: Option<String>,
    /// Review status.
    pub progress: ReviewProgress,
    /// Double-blind review: a part with two blind verdicts of others counts as done for the reviewer.
    pub double_blind: bool,
    /// Part of the file name, case-insensitive; empty for any.
    pub text: String,
}

impl QueueFilter {
    /// Describes the filter, such as "flagged, on 12 March 2026"; `None` if it matches every part. `models` are named.
    pub fn description(&self, models: &[ModelFacet]) -> Option<String> {
        let progress = match (self.progress, &self.reviewer) {
            (ReviewProgress::All, _) => None,
            (progress, Some(reviewer)) => Some(format!("{} for {reviewer}", progress.title().to_lowercase())),
            (progress, None) => Some(progress.title().to_lowercase()),
        };
        let words: Vec<String> = self.breadth(models).into_iter().chain(progress).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// Describes the filter without its `progress`: the parts over which progress is counted.
    pub fn counted(&self, models: &[ModelFacet]) -> Option<String> {
        Some(self.breadth(models).join(", ")).filter(|words| !words.is_empty())
    }

    /// Whether it selects parts by what the model or a reviewer said, so that shares of them mean nothing.
    pub fn selects(&self) -> bool {
        !self.verdicts.is_empty() || self.progress != ReviewProgress::All
    }

    /// Describes each condition apart from `progress`.
    fn breadth(&self, models: &[ModelFacet]) -> Vec<String> {
        let mut words = Vec::new();
        if !self.verdicts.is_empty() {
            let has = |verdict| self.verdicts.contains(&verdict);
            words.push(match has(Verdict::Suspect) && has(Verdict::Defective) && !has(Verdict::Healthy) {
                true => "flagged".to_owned(),
                false => self.verdicts.iter().map(|verdict| verdict.title()).collect::<Vec<_>>().join(" or "),
            });
        }
        if let Some(hash) = self.model {
            let name = models.iter().find(|model| model.hash == hash).map(|model| model.name.clone());
            let short = || hash.to_string().chars().take(6).collect();
            words.push(format!("inspected by {}", name.unwrap_or_else(short)));
        }
        match (self.from, self.until) {
            (Some(from), Some(until)) if until == facets::day_after(from) => words.push(format!("on {}", from.day())),
            (from, until) => {
                words.extend(from.map(|from| format!("since {}", from.day())));
                words.extend(until.map(|until| format!("before {}", until.day())));
            }
        }
        words.extend(self.folder.as_ref().map(|folder| format!("in {}", folder.printable())));
        let text = self.text.trim();
        words.extend((!text.is_empty()).then(|| format!("named '{text}'")));
        words
    }

    /// Whether an item matches, apart from `progress`. `text` is that of the filter in lower case.
    fn matches(&self, item: &ReviewItem, text: &str) -> bool {
        let inspection = &item.inspection;
        (self.verdicts.is_empty() || self.verdicts.contains(&inspection.assessment.verdict))
            && self.model.is_none_or(|model| model == inspection.model)
            && self.from.is_none_or(|from| inspection.time >= from)
            && self.until.is_none_or(|until| inspection.time < until)
            && self.folder.as_ref().is_none_or(|folder| item.part.path.starts_with(folder))
            && (text.is_empty() || item.part.name().to_lowercase().contains(text))
    }
}

/// Number of parts by review status, over all parts that match the filter apart from its `progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReviewCounts {
    /// Still to be reviewed, including postponed ones.
    pub left: usize,
    /// Reviewed: agreed, overruled or unsure.
    pub done: usize,
    /// The reviewer agrees with the model.
    pub agreed: usize,
    /// The reviewer contradicts the model.
    pub overruled: usize,
    /// Reviewed without a decision.
    pub unsure: usize,
    /// Postponed.
    pub skipped: usize,
}

impl ReviewCounts {
    /// Number of all parts.
    pub fn all(&self) -> usize {
        self.left + self.done
    }

    /// Counts a part.
    pub fn add(&mut self, status: ReviewStatus) {
        *if status.is_done() { &mut self.done } else { &mut self.left } += 1;
        match status {
            ReviewStatus::Open => {}
            ReviewStatus::Skipped => self.skipped += 1,
            ReviewStatus::Unsure => self.unsure += 1,
            ReviewStatus::Agreed => self.agreed += 1,
            ReviewStatus::Overruled => self.overruled += 1,
        }
    }
}

/// Returns the distance of a part from the promised rate, `|ln p - ln rate|`: half the rate is as far away as twice the
/// rate. Infinite for an image that does not show this part.
pub(crate) fn distance_to_rate(item: &ReviewItem) -> f64 {
    let assessment = &item.inspection.assessment;
    if assessment.verdict == Verdict::NotThisPart {
        return f64::INFINITY;
    }
    (assessment.p.ln() - assessment.rate.ln()).abs()
}

/// The parts that match a filter, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueView {
    rows: Vec<usize>,
    counts: ReviewCounts,
    reviewer: Option<String>,
    double_blind: bool,
}

impl QueueView {
    /// Filters and sorts `items`. Ties are broken by part number, so that the order is deterministic.
    pub fn of(items: &[ReviewItem], filter: &QueueFilter, order: QueueOrder) -> Self {
        let text = filter.text.trim().to_lowercase();
        let (reviewer, double_blind) = (filter.reviewer.clone(), filter.double_blind);
        let mut view = Self { reviewer, double_blind, ..Self::default() };
        for (i, item) in items.iter().enumerate().filter(|(_, item)| filter.matches(item, &text)) {
            let status = view.status(item);
            view.counts.add(status);
            if filter.progress.matches(item, status) {
                view.rows.push(i);
            }
        }
        let key = |item: &ReviewItem| {
            let assessment = &item.inspection.assessment;
            match order {
                QueueOrder::Borderline => [distance_to_rate(item), assessment.p],
                QueueOrder::Newest => [-(item.inspection.time.0 as f64), 0.0],
                QueueOrder::Worst => assessment.rank().into(),
            }
        };
        view.rows.sort_by(|&a, &b| {
            let (a, b) = (&items[a], &items[b]);
            let ([a0, a1], [b0, b1]) = (key(a), key(b));
            a0.total_cmp(&b0).then(a1.total_cmp(&b1)).then(b.part.id.cmp(&a.part.id))
        });
        view
    }

    /// Returns the review status of a part in this view.
    pub fn status(&self, item: &ReviewItem) -> ReviewStatus {
        let status = item.status(self.reviewer.as_deref());
        let is_enough = self.double_blind && status == ReviewStatus::Open && item.blind.len() >= 2;
        if is_enough { item.status(None) } else { status }
    }

    /// Returns the indices of the items, in order.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Returns the number of parts by review status.
    pub fn counts(&self) -> ReviewCounts {
        self.counts
    }

    /// Returns the position of a part in this view, or `None` if it does not match.
    pub fn position_of(&self, items: &[ReviewItem], part: PartId) -> Option<usize> {
        self.rows.iter().position(|&i| items.get(i).is_some_and(|item| item.part.id == part))
    }

    /// Returns the next position after `position` whose part is still to be reviewed, wrapping around; postponed parts
    /// come only when no others are left. `None` when all are done.
    pub fn next_open(&self, items: &[ReviewItem], position: usize) -> Option<usize> {
        let is = |position: usize, wanted| {
            let item = self.rows.get(position).and_then(|&i| items.get(i));
            item.is_some_and(|item| self.status(item) == wanted)
        };
        let after = || (position + 1..self.rows.len()).chain(0..self.rows.len().min(position + 1));
        let open = after().find(|&position| is(position, ReviewStatus::Open));
        open.or_else(|| after().find(|&position| is(position, ReviewStatus::Skipped)))
    }
}

/// Merges changed items into `items`, which are sorted by part number as [`super::Record::queue`] returns them. Parts whose
/// place a changed one has taken are removed.
pub(crate) fn merge(items: &mut Vec<ReviewItem>, changed: Vec<ReviewItem>) {
    for item in changed {
        if !item.earlier.is_empty() {
            items.retain(|known| !item.earlier.iter().any(|earlier| earlier.part.id == known.part.id));
        }
        match items.binary_search_by_key(&item.part.id, |known| known.part.id) {
            Ok(i) => items[i] = item,
            Err(i) => items.insert(i, item),
        }
    }
}

/// Describes the progress in a sentence: "12 of 40 parts done, 2 overruled.".
pub(crate) fn sentence(counts: &ReviewCounts) -> String {
    let mut text = format!("{} of {} parts done", counts.done, counts.all());
    for (count, word) in [(counts.overruled, "overruled"), (counts.unsure, "unsure"), (counts.skipped, "postponed")] {
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
        EarlierImage,
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

    #[test]
    fn a_filter_says_what_it_selects() {
        let all = QueueFilter { reviewer: Some("ada".into()), ..QueueFilter::default() };
        assert_eq!((all.description(&[]), all.counted(&[]), all.selects()), (None, None, false));
        let day = Timestamp::from_seconds(1_773_273_600);
        let filter = QueueFilter {
            verdicts: vec![Verdict::Suspect, Verdict::Defective],
            from: Some(day),
            until: Some(facets::day_after(day)),
            progress: ReviewProgress::Open,
            text: " L3 ".into(),
            ..all
        };
        let words = "flagged, on 12 March 2026, named 'L3'";
        assert_eq!(filter.description(&[]), Some(format!("{words}, to do for ada")));
        assert_eq!((filter.counted(&[]).as_deref(), filter.selects()), (Some(words), true));
        let healthy = QueueFilter { verdicts: vec![Verdict::Healthy], ..QueueFilter::default() };
        assert_eq!((healthy.description(&[]).as_deref(), healthy.selects()), (Some("healthy"), true));
        let since = QueueFilter { from: Some(day), folder: Some("/line".into()), ..QueueFilter::default() };
        assert_eq!(
            (since.description(&[]).as_deref(), since.selects()),
            (Some("since 12 March 2026, in /line"), false)
        );
    }

    fn numbers(view: &QueueView) -> Vec<usize> {
        view.rows().iter().map(|i| i + 1).collect()
    }

    #[test]
    fn orders_put_first_what_they_say() {
        let view = |order| numbers(&QueueView::of(&items(), &QueueFilter::default(), order));
        assert_eq!(view(QueueOrder::Borderline), [5, 3, 2, 4, 1]);
        assert_eq!(view(QueueOrder::Newest), [5, 4, 3, 2, 1]);
        assert_eq!(view(QueueOrder::Worst), [4, 2, 5, 3, 1]);
    }

    #[test]
    fn filters_leave_what_passes_and_counters_count_it() {
        let view = |filter: QueueFilter| numbers(&QueueView::of(&items(), &filter, QueueOrder::Newest));
        let all = QueueFilter::default();
        assert_eq!(view(QueueFilter { verdicts: vec![Verdict::Defective], ..all.clone() }), [5, 4, 2]);
        assert_eq!(view(QueueFilter { model: Some(FileHash::of(b"another")), ..all.clone() }), [0_usize; 0]);
        assert_eq!(
            view(QueueFilter { from: Some(Timestamp(2_000)), until: Some(Timestamp(4_000)), ..all.clone() }),
            [3, 2]
        );
        assert_eq!(view(QueueFilter { folder: Some("/parts".into()), ..all.clone() }), [5, 4, 3, 2, 1]);
        assert_eq!(view(QueueFilter { folder: Some("/par".into()), ..all.clone() }), [0_usize; 0]);
        assert_eq!(view(QueueFilter { text: " PART 3".into(), ..all.clone() }), [3]);
        assert_eq!(view(QueueFilter { progress: ReviewProgress::Open, ..all.clone() }), [5, 3]);
        assert_eq!(view(QueueFilter { progress: ReviewProgress::Done, ..all.clone() }), [4, 2, 1]);
        let bob = QueueFilter { progress: ReviewProgress::Done, reviewer: Some("bob".into()), ..all.clone() };
        assert_eq!(view(bob.clone()), [4]);
        let counts =
            QueueView::of(&items(), &QueueFilter { progress: ReviewProgress::Open, ..all }, QueueOrder::Newest)
                .counts();
        let wanted = ReviewCounts { left: 2, done: 3, agreed: 1, overruled: 1, unsure: 1, skipped: 1 };
        assert_eq!((counts, counts.all()), (wanted, 5));
        assert_eq!(sentence(&counts), "3 of 5 parts done, 1 overruled, 1 unsure, 1 postponed.");
        assert_eq!(QueueView::of(&items(), &bob, QueueOrder::Newest).counts().left, 4);
    }

    #[test]
    fn two_blind_verdicts_are_enough_and_what_they_differ_on_is_a_queue() {
        let apart = judged(1, 0.01, &[("ada", Healthy, true), ("bob", Unsure, true)]);
        let settled = judged(2, 0.01, &[("ada", Healthy, true), ("bob", Agree, true), ("eve", Agree, false)]);
        let items = [apart, settled, judged(3, 0.01, &[("ada", Healthy, true)])];
        let eve = |progress| QueueFilter {
            progress,
            reviewer: Some("eve".into()),
            double_blind: true,
            ..QueueFilter::default()
        };
        let view = |filter| numbers(&QueueView::of(&items, &filter, QueueOrder::Newest));
        assert_eq!(view(eve(ReviewProgress::Open)), [3]);
        assert_eq!(view(eve(ReviewProgress::Disputed)), [1]);
        assert_eq!(view(QueueFilter { double_blind: false, ..eve(ReviewProgress::Open) }), [3, 1]);
        assert_eq!(view(QueueFilter { progress: ReviewProgress::Overruled, ..QueueFilter::default() }), [3]);
    }

    #[test]
    fn a_jump_goes_to_what_is_open_and_around() {
        let items = items();
        let view = QueueView::of(&items, &QueueFilter::default(), QueueOrder::Borderline);
        assert_eq!(view.position_of(&items, PartId(2)), Some(2));
        assert_eq!((view.next_open(&items, 0), view.next_open(&items, 4)), (Some(1), Some(1)));
        // Only the postponed part is left.
        let none: Vec<ReviewItem> = items.into_iter().filter(|item| item.part.id.0 != 3).collect();
        let view = QueueView::of(&none, &QueueFilter::default(), QueueOrder::Borderline);
        assert_eq!(view.next_open(&none, 2), Some(0));
        let empty = QueueView::of(&[], &QueueFilter::default(), QueueOrder::Worst);
        assert_eq!(empty.next_open(&[], 0), None);
    }

    #[test]
    fn news_take_their_places() {
        let mut known = vec![item(1, 0.5), item(3, 0.5)];
        merge(&mut known, vec![item(2, 0.1), judged(3, 0.5, &[("ada", Agree, false)]), item(4, 0.2)]);
        assert_eq!(known.iter().map(|i| i.part.id.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(known[2].opinions.len(), 1);
        // A finished file takes the place of what was recorded of it before.
        let ReviewItem { part, inspection, opinions, .. } = known[1].clone();
        let finished = ReviewItem { earlier: vec![EarlierImage { part, inspection, opinions }], ..item(5, 0.4) };
        merge(&mut known, vec![finished]);
        assert_eq!(known.iter().map(|i| i.part.id.0).collect::<Vec<_>>(), [1, 3, 4, 5]);
    }

    #[test]
    fn five_thousand_parts_are_ordered_within_a_frame() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let items: Vec<ReviewItem> = (0..5_000).map(|i| item(i, rng.random_range(0.001..1.0))).collect();
        let filter = QueueFilter { text: "part".into(), folder: Some("/parts".into()), ..QueueFilter::default() };
        let best = (0..5).map(|_| {
            let start = Instant::now();
            let view = QueueView::of(&items, &filter, QueueOrder::Borderline);
            assert_eq!(view.rows().len(), 5_000);
            start.elapsed()
        });
        assert!(best.min().unwrap() < Duration::from_millis(16));
    }
}
