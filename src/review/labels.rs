//! Training labels from reviewers' verdicts: which parts a model is trained or calibrated on, and which are kept back to
//! compare models on.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use super::{Opinion, Record, RecordError, ReviewItem};
use crate::{
    data::{FileHash, Split},
    inspect::{
        Lineage,
        lineage::{LabelledPart, Role},
    },
};

/// One healthy part in this many is calibrated on, another is only compared on.
const SHARES: u64 = 5;

/// The verdicts on record that a model can be fine-tuned on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainingLabels {
    /// One per image, in the order in which the parts were first seen.
    pub parts: Vec<LabelledPart>,
    /// Parts whose verdict two reviewers have not settled yet.
    pub unsettled: usize,
    /// Healthy parts that are already in the model's own data.
    pub known: usize,
}

/// The numbers of [`TrainingLabels`], relative to one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelSummary {
    /// Labelled parts.
    pub parts: usize,
    /// Healthy parts to train on.
    pub train: usize,
    /// Healthy parts to calibrate on.
    pub calibrate: usize,
    /// Parts to compare models on.
    pub compare: usize,
    /// Healthy verdicts that the model has not been fine-tuned on.
    pub new_healthy: usize,
    /// Defective verdicts that the model has not been fine-tuned on.
    pub new_defective: usize,
    /// Parts whose verdict two reviewers have not settled yet.
    pub unsettled: usize,
    /// Whether any label changes the model.
    pub can_train: bool,
}

impl TrainingLabels {
    /// Reads the labels from a record. `split` is that of the model before any fine-tuning, and `left_out` the images of it
    /// that look defective.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read, or that is damaged and may have lost verdicts.
    pub fn read(record: &Path, split: &Split, left_out: &HashSet<FileHash>) -> Result<Self, RecordError> {
        match Record::open_to_read(record)?.queue_checked()? {
            (items, None) => Ok(Self::of(&items, split, left_out)),
            (_, Some(damage)) => Err(damage),
        }
    }

    /// Returns the labels of a record's parts. `split` is that of the model before any fine-tuning, and `left_out` the images
    /// of it that were left out of training and calibration because they look defective.
    pub fn of(items: &[ReviewItem], split: &Split, left_out: &HashSet<FileHash>) -> Self {
        let own: HashSet<&FileHash> = split.train.iter().chain(&split.held_out).collect();
        let mut labels = Self::default();
        let mut indices: HashMap<FileHash, Option<usize>> = HashMap::new();
        for item in items {
            let Some(ruling) = settled(item) else {
                labels.unsettled += usize::from(item.opinions.iter().any(|o| o.defective().is_some()));
                continue;
            };
            let (hash, defective) = (item.part.hash, ruling.defective() == Some(true));
            let role = match (own.contains(&hash), defective) {
                (true, true) => Role::Withdraw,
                // It keeps its side, since the generator may have seen it.
                (true, false) if left_out.contains(&hash) => Role::Restore,
                (true, false) => {
                    labels.known += 1;
                    continue;
                }
                (false, true) => Role::Compare,
                (false, false) => role_of(&hash),
            };
            let part = LabelledPart { opinion: ruling.id.0, hash, path: item.part.path.clone(), defective, role };
            match indices.get(&hash).copied() {
                None => {
                    indices.insert(hash, Some(labels.parts.len()));
                    labels.parts.push(part);
                }
                // The same image under two names counts once, or not at all where its verdicts contradict each other.
                Some(Some(index)) if labels.parts[index].defective != defective => {
                    indices.insert(hash, None);
                    labels.unsettled += 1;
                }
                Some(_) => {}
            }
        }
        labels.parts.retain(|part| indices.get(&part.hash).is_some_and(Option::is_some));
        labels
    }

    /// Number of verdicts that the model has not been fine-tuned on: healthy, defective.
    pub fn new_verdicts(&self, lineage: Option<&Lineage>) -> (usize, usize) {
        let known: HashSet<(FileHash, bool)> =
            lineage.iter().flat_map(|l| &l.parts).map(|part| (part.hash, part.defective)).collect();
        let new = self.parts.iter().filter(|part| !known.contains(&(part.hash, part.defective)));
        let (defective, healthy): (Vec<_>, Vec<_>) = new.partition(|part| part.defective);
        (healthy.len(), defective.len())
    }

    /// Number of parts with this role.
    pub fn count(&self, role: Role) -> usize {
        self.parts.iter().filter(|part| part.role == role).count()
    }

    /// Whether any label changes the model; parts to compare on only measure it.
    pub fn can_train(&self) -> bool {
        self.parts.iter().any(|part| part.role != Role::Compare)
    }

    /// Summarises the labels for a model with this lineage.
    pub fn summary(&self, lineage: Option<&Lineage>) -> LabelSummary {
        let (new_healthy, new_defective) = self.new_verdicts(lineage);
        LabelSummary {
            parts: self.parts.len(),
            train: self.count(Role::Train),
            calibrate: self.count(Role::Calibrate),
            compare: self.count(Role::Compare),
            new_healthy,
            new_defective,
            unsettled: self.unsettled,
            can_train: self.can_train(),
        }
    }
}

/// The verdict to train on. A single blind verdict is not enough: double-blind review takes two.
fn settled(item: &ReviewItem) -> Option<&Opinion> {
    let ruling = item.ruling()?;
    let blind = item.opinions.iter().filter(|o| o.blind && o.defective() == ruling.defective()).count();
    (!ruling.blind || blind >= 2).then_some(ruling)
}

/// Role of a healthy part. It depends on the file's content alone, so that reviewing other parts never changes it.
fn role_of(hash: &FileHash) -> Role {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"teaching").update(hash.as_bytes());
    let mut number = [0; 8];
    hasher.finalize_xof().fill(&mut number);
    match u64::from_le_bytes(number) % SHARES {
        0 => Role::Compare,
        1 => Role::Calibrate,
        _ => Role::Train,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::{
        Judgement::{Agree, Defective, Healthy, Unsure},
        item::tests::{item, judged},
    };

    fn empty() -> Split {
        Split { seed: 0, train: Vec::new(), held_out: Vec::new(), pixels: Vec::new() }
    }

    #[test]
    fn a_healthy_part_keeps_its_side_whatever_else_is_reviewed() {
        let items: Vec<ReviewItem> = (0..200).map(|n| judged(n, 0.5, &[("ada", Agree, false)])).collect();
        let all = TrainingLabels::of(&items, &empty(), &HashSet::new());
        let few = TrainingLabels::of(&items[50..60], &empty(), &HashSet::new());
        assert!(few.parts.iter().all(|part| all.parts.contains(part)));
        let counts = [Role::Train, Role::Calibrate, Role::Compare].map(|role| all.count(role));
        assert_eq!((counts.iter().sum::<usize>(), all.count(Role::Withdraw)), (200, 0));
        assert!(counts[0] > 100 && counts[1] > 20 && counts[2] > 20, "{counts:?}");
        // A defective part is never trained on.
        let bad = TrainingLabels::of(&[judged(3, 0.5, &[("ada", Defective, false)])], &empty(), &HashSet::new());
        assert_eq!((bad.count(Role::Compare), bad.can_train()), (1, false));
    }

    #[test]
    fn only_what_is_settled_teaches() {
        let labels = |item: ReviewItem| TrainingLabels::of(&[item], &empty(), &HashSet::new());
        assert_eq!(labels(item(1, 0.5)), TrainingLabels::default());
        assert_eq!(labels(judged(1, 0.5, &[("ada", Unsure, false)])), TrainingLabels::default());
        let one = labels(judged(1, 0.5, &[("ada", Healthy, true)]));
        assert_eq!((one.parts.len(), one.unsettled), (0, 1));
        let apart = labels(judged(1, 0.5, &[("ada", Healthy, true), ("bob", Defective, true)]));
        assert_eq!((apart.parts.len(), apart.unsettled), (0, 1));
        let both = labels(judged(1, 0.5, &[("ada", Healthy, true), ("bob", Healthy, true)]));
        assert_eq!((both.parts.len(), both.unsettled), (1, 0));
        let third = judged(1, 0.5, &[("ada", Healthy, true), ("bob", Defective, true), ("eve", Defective, false)]);
        assert!(labels(third).parts[0].defective);
    }

    #[test]
    fn what_the_model_knows_is_told_apart_and_one_picture_counts_once() {
        let (good, bad) = (judged(1, 0.5, &[("ada", Agree, false)]), judged(2, 0.01, &[("ada", Agree, false)]));
        let split =
            Split { seed: 0, train: vec![good.part.hash, bad.part.hash], held_out: Vec::new(), pixels: Vec::new() };
        let labels = TrainingLabels::of(&[good.clone(), bad.clone()], &split, &HashSet::new());
        assert_eq!((labels.known, labels.count(Role::Withdraw), labels.parts.len()), (1, 1, 1));
        assert!(labels.can_train());
        // An image that was left out is used again once it is judged healthy.
        let left_out = HashSet::from([good.part.hash, bad.part.hash]);
        let labels = TrainingLabels::of(&[good.clone(), bad.clone()], &split, &left_out);
        assert_eq!((labels.known, labels.count(Role::Restore), labels.count(Role::Withdraw)), (0, 1, 1));
        let lineage = Lineage { ancestors: Vec::new(), parts: labels.parts };
        assert_eq!(lineage.before(&lineage.after(&split)).train, [good.part.hash]);

        let mut copy = judged(3, 0.5, &[("ada", Agree, false)]);
        copy.part.hash = good.part.hash;
        assert_eq!(TrainingLabels::of(&[good.clone(), copy.clone()], &empty(), &HashSet::new()).parts.len(), 1);
        copy.inspection.assessment.verdict = bad.inspection.assessment.verdict;
        copy.opinions = bad.opinions.clone();
        let apart = TrainingLabels::of(&[good.clone(), copy], &empty(), &HashSet::new());
        assert_eq!((apart.parts.len(), apart.unsettled), (0, 1));

        let both = TrainingLabels::of(&[good, bad], &empty(), &HashSet::new());
        assert_eq!(both.new_verdicts(None), (1, 1));
        let lineage = Lineage { ancestors: Vec::new(), parts: both.parts[..1].to_vec() };
        assert_eq!(both.new_verdicts(Some(&lineage)), (0, 1));
    }
}
