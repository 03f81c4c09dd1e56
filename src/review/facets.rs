//! What the parts of a record can be told apart by: the choices that a filter offers.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use super::{ReviewItem, Timestamp};
use crate::data::FileHash;

/// Most choices of one kind; those of the most or the latest parts are offered.
const MOST: usize = 40;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// A model that inspected parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByModel {
    /// Hash of its tensors.
    pub hash: FileHash,
    /// Its name.
    pub name: String,
    /// Parts that it was the last to inspect.
    pub parts: usize,
}

/// The choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Models, that of the most parts first.
    pub models: Vec<ByModel>,
    /// Folders that pictures lie in and how many, that of the most parts first.
    pub folders: Vec<(PathBuf, usize)>,
    /// Days (UTC) on which parts were inspected, by their first moment, and how many, the latest first.
    pub days: Vec<(Timestamp, usize)>,
    /// Who gave verdicts, by name.
    pub reviewers: Vec<String>,
}

impl Facets {
    /// Looks through `items`.
    pub fn of(items: &[ReviewItem]) -> Self {
        let mut models: HashMap<FileHash, ByModel> = HashMap::new();
        let mut folders: HashMap<&Path, usize> = HashMap::new();
        let mut days: BTreeMap<u64, usize> = BTreeMap::new();
        let mut reviewers: BTreeMap<&str, ()> = BTreeMap::new();
        for ReviewItem { part, inspection, opinions, .. } in items {
            let named = || ByModel { hash: inspection.model, name: inspection.model_name.clone(), parts: 0 };
            models.entry(inspection.model).or_insert_with(named).parts += 1;
            if let Some(folder) = part.path.parent() {
                *folders.entry(folder).or_default() += 1;
            }
            *days.entry(inspection.time.seconds() / DAY).or_default() += 1;
            reviewers.extend(opinions.iter().map(|o| (o.reviewer.as_str(), ())));
        }
        let mut models: Vec<ByModel> = models.into_values().collect();
        models.sort_by(|a, b| b.parts.cmp(&a.parts).then_with(|| a.hash.cmp(&b.hash)));
        models.truncate(MOST);
        let mut folders: Vec<(PathBuf, usize)> = folders.into_iter().map(|(path, n)| (path.to_owned(), n)).collect();
        folders.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        folders.truncate(MOST);
        let days = days.into_iter().rev().take(MOST).map(|(day, n)| (Timestamp::from_seconds(day * DAY), n)).collect();
        let reviewers = reviewers.into_keys().take(MOST).map(str::to_owned).collect();
        Self { models, folders, days, reviewers }
    }
}

/// The moment at which the day after this one begins.
pub fn day_after(day: Timestamp) -> Timestamp {
    Timestamp::from_seconds(day.seconds() + DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::{
        Judgement::Agree,
        item::tests::{item, judged},
    };

    #[test]
    fn choices_are_counted_and_come_in_order() {
        let mut items =
            vec![item(1, 0.5), judged(2, 0.01, &[("bob", Agree, false), ("ada", Agree, false)]), item(3, 0.2)];
        items[2].inspection.model = FileHash::of(b"another");
        items[2].inspection.time = Timestamp::from_seconds(3 * DAY + 5);
        items[2].part.path = "/other/part.png".into();
        let facets = Facets::of(&items);
        assert_eq!(facets.models.iter().map(|m| m.parts).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(facets.folders, [("/parts".into(), 2), ("/other".into(), 1)]);
        assert_eq!(facets.days, [(Timestamp::from_seconds(3 * DAY), 1), (Timestamp(0), 2)]);
        assert_eq!(facets.reviewers, ["ada", "bob"]);
        assert_eq!(day_after(facets.days[0].0).seconds(), 4 * DAY);
        assert_eq!(Facets::of(&[]), Facets::default());
    }
}
