//! What people's verdicts can teach a model: which parts it is trained on, and which it is only measured on.

use std::collections::{HashMap, HashSet};

use super::{Opinion, ReviewItem};
use crate::{
    data::{FileHash, Split},
    inspect::{
        Lineage,
        lineage::{LabelledPart, Role},
    },
};

/// Of so many healthy parts one is calibrated on and one is only compared on.
const SHARES: u64 = 5;

/// The verdicts on record that a model can be taught by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainingLabels {
    /// One for each picture, in the order that the parts were first seen.
    pub lessons: Vec<LabelledPart>,
    /// Parts that two people have not settled yet.
    pub unsettled: usize,
    /// Healthy parts that the model's own data hold already.
    pub known: usize,
}

impl TrainingLabels {
    /// From a record's parts. `split` is what the model began with, without what it was taught.
    pub fn of(items: &[ReviewItem], split: &Split) -> Self {
        let own: HashSet<&FileHash> = split.train.iter().chain(&split.held_out).collect();
        let mut teaching = Self::default();
        let mut places: HashMap<FileHash, Option<usize>> = HashMap::new();
        for item in items {
            let Some(ruling) = settled(item) else {
                teaching.unsettled += usize::from(item.opinions.iter().any(|o| o.defective().is_some()));
                continue;
            };
            let (hash, defective) = (item.part.hash, ruling.defective() == Some(true));
            let role = match (own.contains(&hash), defective) {
                (true, true) => Role::Withdraw,
                (true, false) => {
                    teaching.known += 1;
                    continue;
                }
                (false, true) => Role::Compare,
                (false, false) => role_of(&hash),
            };
            let lesson = LabelledPart { opinion: ruling.id.0, hash, path: item.part.path.clone(), defective, role };
            match places.get(&hash).copied() {
                None => {
                    places.insert(hash, Some(teaching.lessons.len()));
                    teaching.lessons.push(lesson);
                }
                // The same picture under two names: one verdict, and none where they contradict each other.
                Some(Some(place)) if teaching.lessons[place].defective != defective => {
                    places.insert(hash, None);
                    teaching.unsettled += 1;
                }
                Some(_) => {}
            }
        }
        teaching.lessons.retain(|lesson| places.get(&lesson.hash).is_some_and(Option::is_some));
        teaching
    }

    /// Verdicts that the model does not know yet: on healthy parts, and on defective ones.
    pub fn fresh(&self, lineage: Option<&Lineage>) -> (usize, usize) {
        let known: HashSet<(FileHash, bool)> =
            lineage.iter().flat_map(|l| &l.lessons).map(|lesson| (lesson.hash, lesson.defective)).collect();
        let fresh = self.lessons.iter().filter(|lesson| !known.contains(&(lesson.hash, lesson.defective)));
        let (defective, healthy): (Vec<_>, Vec<_>) = fresh.partition(|lesson| lesson.defective);
        (healthy.len(), defective.len())
    }

    /// How many parts are used for this.
    pub fn count(&self, role: Role) -> usize {
        self.lessons.iter().filter(|lesson| lesson.role == role).count()
    }

    /// Whether there is anything that changes a model: defective parts alone only measure it.
    pub fn can_teach(&self) -> bool {
        self.lessons.iter().any(|lesson| lesson.role != Role::Compare)
    }
}

/// The verdict that counts. One blind verdict alone does not: two people are asked there.
fn settled(item: &ReviewItem) -> Option<&Opinion> {
    let ruling = item.ruling()?;
    let blind = item.opinions.iter().filter(|o| o.blind && o.defective() == ruling.defective()).count();
    (!ruling.blind || blind >= 2).then_some(ruling)
}

/// What a healthy part is used for, by its content alone: whatever else is reviewed, it never changes sides.
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
        Split { seed: 0, train: Vec::new(), held_out: Vec::new() }
    }

    #[test]
    fn a_healthy_part_keeps_its_side_whatever_else_is_reviewed() {
        let items: Vec<ReviewItem> = (0..200).map(|n| judged(n, 0.5, &[("ada", Agree, false)])).collect();
        let all = TrainingLabels::of(&items, &empty());
        let few = TrainingLabels::of(&items[50..60], &empty());
        assert!(few.lessons.iter().all(|lesson| all.lessons.contains(lesson)));
        let counts = [Role::Train, Role::Calibrate, Role::Compare].map(|role| all.count(role));
        assert_eq!((counts.iter().sum::<usize>(), all.count(Role::Withdraw)), (200, 0));
        assert!(counts[0] > 100 && counts[1] > 20 && counts[2] > 20, "{counts:?}");
        // A defective part is never trained on.
        let bad = TrainingLabels::of(&[judged(3, 0.5, &[("ada", Defective, false)])], &empty());
        assert_eq!((bad.count(Role::Compare), bad.can_teach()), (1, false));
    }

    #[test]
    fn only_what_is_settled_teaches() {
        let taught = |item: ReviewItem| TrainingLabels::of(&[item], &empty());
        assert_eq!(taught(item(1, 0.5)), TrainingLabels::default());
        assert_eq!(taught(judged(1, 0.5, &[("ada", Unsure, false)])), TrainingLabels::default());
        let one = taught(judged(1, 0.5, &[("ada", Healthy, true)]));
        assert_eq!((one.lessons.len(), one.unsettled), (0, 1));
        let apart = taught(judged(1, 0.5, &[("ada", Healthy, true), ("bob", Defective, true)]));
        assert_eq!((apart.lessons.len(), apart.unsettled), (0, 1));
        let both = taught(judged(1, 0.5, &[("ada", Healthy, true), ("bob", Healthy, true)]));
        assert_eq!((both.lessons.len(), both.unsettled), (1, 0));
        let third = judged(1, 0.5, &[("ada", Healthy, true), ("bob", Defective, true), ("eve", Defective, false)]);
        assert!(taught(third).lessons[0].defective);
    }

    #[test]
    fn what_the_model_knows_is_told_apart_and_one_picture_counts_once() {
        let (good, bad) = (judged(1, 0.5, &[("ada", Agree, false)]), judged(2, 0.01, &[("ada", Agree, false)]));
        let split = Split { seed: 0, train: vec![good.part.hash, bad.part.hash], held_out: Vec::new() };
        let taught = TrainingLabels::of(&[good.clone(), bad.clone()], &split);
        assert_eq!((taught.known, taught.count(Role::Withdraw), taught.lessons.len()), (1, 1, 1));
        assert!(taught.can_teach());

        let mut copy = judged(3, 0.5, &[("ada", Agree, false)]);
        copy.part.hash = good.part.hash;
        assert_eq!(TrainingLabels::of(&[good.clone(), copy.clone()], &empty()).lessons.len(), 1);
        copy.inspection.assessment.verdict = bad.inspection.assessment.verdict;
        copy.opinions = bad.opinions.clone();
        let apart = TrainingLabels::of(&[good.clone(), copy], &empty());
        assert_eq!((apart.lessons.len(), apart.unsettled), (0, 1));

        let both = TrainingLabels::of(&[good, bad], &empty());
        assert_eq!(both.fresh(None), (1, 1));
        let lineage = Lineage { ancestors: Vec::new(), lessons: both.lessons[..1].to_vec() };
        assert_eq!(both.fresh(Some(&lineage)), (0, 1));
    }
}
