//! Do two people see the same? The rule of two persons: each says what they see without sight of what the other said.

use super::{Judgement, Opinion, ReviewItem};

/// What a person can call a part: healthy, defective, or neither.
pub const CATEGORIES: usize = 3;

/// How often the first person said `[row]` where the second one said `[column]`.
pub type AgreementTable = [[usize; CATEGORIES]; CATEGORIES];

/// Two blind verdicts on one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Index of the item.
    pub item: usize,
    /// Index of the first verdict within [`ReviewItem::blind`].
    pub first: usize,
    /// Index of the second verdict.
    pub second: usize,
    /// Whether both say the same.
    pub agree: bool,
}

/// How two people, or a shop floor of people two by two, agree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Every part with two blind verdicts.
    pub pairs: Vec<Pair>,
    /// What was said, pair by pair.
    pub table: AgreementTable,
    /// Cohen's kappa: 1 where they always agree, 0 where they agree as often as by chance; `None` where it cannot be
    /// told.
    pub kappa: Option<f64>,
}

impl Agreement {
    /// Over the first two blind verdicts on each part, whoever gave them.
    pub fn of(items: &[ReviewItem]) -> Self {
        Self::over(items, |blind| {
            let mut said = blind.iter().enumerate().filter(|(_, o)| category(o).is_some()).map(|(i, _)| i);
            said.next().zip(said.next())
        })
    }

    /// Over the parts that both of these people gave a blind verdict on.
    pub fn between(items: &[ReviewItem], first: &str, second: &str) -> Self {
        Self::over(items, |blind| {
            let by = |name: &str| blind.iter().position(|o| o.reviewer == name && category(o).is_some());
            by(first).zip(by(second)).filter(|(a, b)| a != b)
        })
    }

    fn over(items: &[ReviewItem], choose: impl Fn(&[Opinion]) -> Option<(usize, usize)>) -> Self {
        let mut agreement = Self::default();
        for (item, ReviewItem { blind, .. }) in items.iter().enumerate() {
            let Some((first, second)) = choose(blind) else { continue };
            if let (Some(a), Some(b)) = (category(&blind[first]), category(&blind[second])) {
                agreement.table[a][b] += 1;
                agreement.pairs.push(Pair { item, first, second, agree: a == b });
            }
        }
        agreement.kappa = cohens_kappa(&agreement.table);
        agreement
    }

    /// The pairs that do not agree: parts for a third look.
    pub fn disagreements(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(|pair| !pair.agree)
    }

    /// In a sentence.
    pub fn sentence(&self) -> String {
        let (all, apart) = (self.pairs.len(), self.disagreements().count());
        match (all, self.kappa) {
            (0, _) => "No part has two blind verdicts yet.".into(),
            (_, Some(kappa)) => {
                format!("Two people agree on {} of {all} parts (Cohen's kappa {kappa:.2}).", all - apart)
            }
            (_, None) => format!("Two people agree on {} of {all} parts.", all - apart),
        }
    }
}

/// The parts that wait for a second blind verdict, which this reviewer could give: exactly one other person gave one.
pub fn waiting_for(items: &[ReviewItem], reviewer: &str) -> Vec<usize> {
    let waits = |item: &ReviewItem| {
        let said: Vec<&Opinion> = item.blind.iter().filter(|o| category(o).is_some()).collect();
        matches!(said.as_slice(), [one] if one.reviewer != reviewer)
    };
    items.iter().enumerate().filter(|(_, item)| waits(item)).map(|(i, _)| i).collect()
}

/// Whether the first two blind verdicts on a part differ and nobody has settled it since, seeing both.
pub fn is_disputed(item: &ReviewItem) -> bool {
    let mut said = item.blind.iter().filter(|o| category(o).is_some());
    let (Some(first), Some(second)) = (said.next(), said.next()) else { return false };
    let settles = |o: &Opinion| !o.blind && o.id > second.id && o.defective().is_some();
    category(first) != category(second) && !item.opinions.iter().any(settles)
}

/// Healthy, defective, or neither; `None` for who did not look.
fn category(opinion: &Opinion) -> Option<usize> {
    match (opinion.judgement, opinion.defective()) {
        (Judgement::Skip, _) => None,
        (_, Some(false)) => Some(0),
        (_, Some(true)) => Some(1),
        (_, None) => Some(2),
    }
}

/// Cohen's kappa (1960) of a square table: `(observed - expected) / (1 - expected)`, of the shares on which two people
/// agree and would agree by chance. `None` for an empty table, and where both say the same one thing of every part:
/// chance alone agrees then, and nothing is left to divide by.
pub fn cohens_kappa<const N: usize>(table: &[[usize; N]; N]) -> Option<f64> {
    let all = table.iter().flatten().sum::<usize>() as f64;
    let (mut same, mut chance) = (0.0, 0.0);
    for i in 0..N {
        let row = table[i].iter().sum::<usize>() as f64;
        let column = table.iter().map(|row| row[i]).sum::<usize>() as f64;
        same += table[i][i] as f64;
        chance += row * column / all;
    }
    // Whole counts: an empty table gives NaN, and agreement by chance alone gives `all`.
    (all - chance > 1e-9).then(|| (same - chance) / (all - chance))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::{
        Judgement::{Agree, Defective, Healthy, Skip, Unsure},
        item::tests::{item, judged},
    };

    #[test]
    fn kappa_is_what_a_pencil_says() {
        // 50 parts: 20 and 15 on the diagonal, 5 and 10 beside it. Observed 35/50, expected
        // (25/50)(30/50) + (25/50)(20/50) = 0.5; (0.7 - 0.5) / 0.5 = 0.4.
        assert!((cohens_kappa(&[[20, 5], [10, 15]]).unwrap() - 0.4).abs() < 1e-12);
        // Rows 9, 6, 5; columns 10, 5, 5; 15 of 20 the same; expected (90 + 30 + 25) / 400 = 0.3625;
        // (0.75 - 0.3625) / 0.6375 = 31/51.
        let three = cohens_kappa(&[[7, 1, 1], [2, 4, 0], [1, 0, 4]]).unwrap();
        assert!((three - 31.0 / 51.0).abs() < 1e-12);
        assert_eq!(cohens_kappa(&[[3, 0], [0, 4]]), Some(1.0));
        assert_eq!(cohens_kappa(&[[0, 2], [2, 0]]), Some(-1.0));
        assert_eq!(cohens_kappa(&[[5, 5], [5, 5]]), Some(0.0));
        assert_eq!(cohens_kappa(&[[9, 0], [0, 0]]), None);
        assert_eq!(cohens_kappa(&[[0; 3]; 3]), None);
        // One who says the same of all of them tells nothing.
        assert_eq!(cohens_kappa(&[[6, 3], [0, 0]]), Some(0.0));
    }

    #[test]
    fn pairs_are_blind_and_keep_what_was_settled_later() {
        let mut settled = judged(3, 0.01, &[("ada", Healthy, true), ("bob", Defective, true)]);
        // Ada gave in: her latest verdict is another one, and no longer blind.
        settled.opinions[0].judgement = Defective;
        settled.opinions[0].blind = false;
        let items = [
            judged(1, 0.01, &[("ada", Agree, true), ("bob", Defective, true), ("eve", Healthy, true)]),
            judged(2, 0.9, &[("ada", Healthy, true), ("bob", Healthy, false)]),
            settled,
            judged(4, 0.9, &[("ada", Unsure, true), ("bob", Unsure, true)]),
            judged(5, 0.9, &[("ada", Skip, true), ("bob", Agree, true)]),
            item(6, 0.5),
        ];
        let agreement = Agreement::of(&items);
        assert_eq!(
            agreement.pairs.iter().map(|p| (p.item, p.agree)).collect::<Vec<_>>(),
            [(0, true), (2, false), (3, true)]
        );
        assert_eq!(agreement.disagreements().map(|p| p.item).collect::<Vec<_>>(), [2]);
        assert_eq!(agreement.table, [[0, 1, 0], [0, 1, 0], [0, 0, 1]]);
        // 2 of 3; by chance (1 * 0 + 1 * 2 + 1 * 1) / 9 = 1/3: kappa 1/2.
        assert!((agreement.kappa.unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(agreement.sentence(), "Two people agree on 2 of 3 parts (Cohen's kappa 0.50).");
        let others = Agreement::between(&items, "eve", "bob");
        assert_eq!((others.pairs.len(), others.table[0][1], others.kappa), (1, 1, Some(0.0)));
        assert!(Agreement::between(&items, "ada", "ada").pairs.is_empty());
        assert_eq!(waiting_for(&items, "bob"), [1]);
        assert_eq!(waiting_for(&items, "ada"), [4]);
        assert_eq!(Agreement::of(&[]).sentence(), "No part has two blind verdicts yet.");
    }
}
