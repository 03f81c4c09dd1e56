//! Filter choices: the models, folders, days and reviewers that occur in a record.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use super::{ReviewItem, Timestamp};
use crate::data::FileHash;

/// Largest number of choices per facet; those with the most or the latest parts are kept.
const MAX_CHOICES: usize = 40;

/// Length of a day, seconds.
const DAY: u64 = 86_400;

/// A model that inspected parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacet {
    /// Hash of its tensors.
    pub hash: FileHash,
    /// Name of the model.
    pub name: String,
    /// Number of parts whose latest inspection is by this model.
    pub parts: usize,
}

/// Filter choices over a set of parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Models, the one with the most parts first.
    pub models: Vec<ModelFacet>,
    /// Folders of images and their number of parts, the largest first.
    pub folders: Vec<(PathBuf, usize)>,
    /// Days (UTC, by their start) and the number of parts inspected on each, the latest first.
    pub days: Vec<(Timestamp, usize)>,
    /// Reviewers, by name.
    pub reviewers: Vec<String>,
}

impl Facets {
    /// Collects the choices over `items`.
    pub fn of(items: &[ReviewItem]) -> Self {
        let mut models: HashMap<FileHash, ModelFacet> = HashMap::new();
        let mut folders: HashMap<&Path, usize> = HashMap::new();
        let mut days: BTreeMap<u64, usize> = BTreeMap::new();
        let mut reviewers: BTreeMap<&str, ()> = BTreeMap::new();
        for ReviewItem { part, inspection, opinions, .. } in items {
            let named = || ModelFacet { hash: inspection.model, name: inspection.model_name.clone(), parts: 0 };
            models.entry(inspection.model).or_insert_with(named).parts += 1;
            if let Some(folder) = part.path.parent() {
                *folders.entry(folder).or_default() += 1;
            }
            *days.entry(inspection.time.seconds() / DAY).or_default() += 1;
            reviewers.extend(opinions.iter().map(|o| (o.reviewer.as_str(), ())));
        }
        let mut models: Vec<ModelFacet> = models.into_values().collect();
        models.sort_by(|a, b| b.parts.cmp(&a.parts).then_with(|| a.hash.cmp(&b.hash)));
        models.truncate(MAX_CHOICES);
        let mut folders: Vec<(PathBuf, usize)> = folders.into_iter().map(|(path, n)| (path.to_owned(), n)).collect();
        folders.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        folders.truncate(MAX_CHOICES);
        let days =
            days.into_iter().rev().take(MAX_CHOICES).map(|(day, n)| (Timestamp::from_seconds(day * DAY), n)).collect();
        let reviewers = reviewers.into_keys().take(MAX_CHOICES).map(str::to_owned).collect();
        Self { models, folders, days, reviewers }
    }
}

/// Returns the start of the next day.
pub(crate) fn day_after(day: Timestamp) -> Timestamp {
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
