//! Agreement between reviewers in a double-blind review, where each judges without seeing the other's verdict.

use super::{Judgement, Opinion, ReviewItem};
use crate::format::counted;

/// Categories of a verdict: healthy, defective, undecided.
pub(crate) const CATEGORIES: usize = 3;

/// Fewest parts with two blind verdicts for which kappa is stated.
pub(crate) const FEWEST_PAIRS: usize = 10;

/// Contingency table: how often the first reviewer chose category `[row]` and the second `[column]`.
pub type AgreementTable = [[usize; CATEGORIES]; CATEGORIES];

/// Two blind verdicts on one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlindPair {
    /// Index of the item.
    pub item: usize,
    /// Index of the first verdict within [`ReviewItem::blind`].
    pub first: usize,
    /// Index of the second verdict.
    pub second: usize,
    /// Whether both agree.
    pub agree: bool,
}

/// Agreement over pairs of blind verdicts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Every part with two blind verdicts.
    pub pairs: Vec<BlindPair>,
    /// Contingency table of the pairs.
    pub table: AgreementTable,
    /// Cohen's kappa: 1 for perfect agreement, 0 for agreement by chance; `None` where it is undefined. Of fewer than
    /// 10 parts it says little.
    pub kappa: Option<f64>,
}

impl Agreement {
    /// Computes the agreement over the first two blind verdicts on each part, by any two reviewers.
    pub fn of(items: &[ReviewItem]) -> Self {
        Self::over(items, |blind| {
            let mut decided = blind.iter().enumerate().filter(|(_, o)| category(o).is_some()).map(|(i, _)| i);
            decided.next().zip(decided.next())
        })
    }

    /// Computes the agreement over the parts on which both of these reviewers gave a blind verdict.
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
                agreement.pairs.push(BlindPair { item, first, second, agree: a == b });
            }
        }
        agreement.kappa = cohens_kappa(&agreement.table);
        agreement
    }

    /// Returns the pairs that disagree.
    pub fn disagreements(&self) -> impl Iterator<Item = &BlindPair> {
        self.pairs.iter().filter(|pair| !pair.agree)
    }

    /// Describes the agreement in a sentence.
    pub fn sentence(&self) -> String {
        let (all, disagreements) = (self.pairs.len(), self.disagreements().count());
        match (all, self.kappa) {
            (0, _) => "No part has two blind verdicts yet.".into(),
            (1..FEWEST_PAIRS, _) => format!(
                "Reviewers agree on {} of {} (Cohen's kappa –: it needs at least {FEWEST_PAIRS} parts).",
                all - disagreements,
                counted(all, "part"),
            ),
            (_, Some(kappa)) => {
                format!("Reviewers agree on {} of {all} parts (Cohen's kappa {kappa:.2}).", all - disagreements)
            }
            (_, None) => format!("Reviewers agree on {} of {all} parts.", all - disagreements),
        }
    }
}

/// Whether the first two blind verdicts on a part differ and no later verdict that is not blind has settled it.
pub(crate) fn is_disputed(item: &ReviewItem) -> bool {
    let mut verdicts = item.blind.iter().filter(|o| category(o).is_some());
    let (Some(first), Some(second)) = (verdicts.next(), verdicts.next()) else { return false };
    let settles = |o: &Opinion| !o.blind && o.id > second.id && o.defective().is_some();
    category(first) != category(second) && !item.opinions.iter().any(settles)
}

/// Returns the category of a verdict; `None` for one that was postponed.
fn category(opinion: &Opinion) -> Option<usize> {
    match (opinion.judgement, opinion.defective()) {
        (Judgement::Skip, _) => None,
        (_, Some(false)) => Some(0),
        (_, Some(true)) => Some(1),
        (_, None) => Some(2),
    }
}

/// Returns Cohen's kappa (1960) of a square table: `(observed - expected) / (1 - expected)`, where `expected` is the
/// agreement by chance. `None` for an empty table, and where both reviewers use one category only, which makes the
/// denominator zero.
pub(crate) fn cohens_kappa<const N: usize>(table: &[[usize; N]; N]) -> Option<f64> {
    let all = table.iter().flatten().sum::<usize>() as f64;
    let (mut observed, mut expected) = (0.0, 0.0);
    for i in 0..N {
        let row = table[i].iter().sum::<usize>() as f64;
        let column = table.iter().map(|row| row[i]).sum::<usize>() as f64;
        observed += table[i][i] as f64;
        expected += row * column / all;
    }
    // An empty table gives NaN here, and agreement by chance alone gives `all`.
    (all - expected > 1e-9).then(|| (observed - expected) / (all - expected))
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
        // A reviewer who uses one category only carries no information.
        assert_eq!(cohens_kappa(&[[6, 3], [0, 0]]), Some(0.0));
    }

    #[test]
    fn pairs_are_blind_and_keep_what_was_settled_later() {
        let mut settled = judged(3, 0.01, &[("ada", Healthy, true), ("bob", Defective, true)]);
        // Ada changed her verdict after the discussion; the new one is not blind.
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
        let few = "Reviewers agree on 2 of 3 parts (Cohen's kappa –: it needs at least 10 parts).";
        assert_eq!(agreement.sentence(), few);
        let more: Vec<ReviewItem> = items.iter().cloned().cycle().take(4 * items.len()).collect();
        assert_eq!(Agreement::of(&more).sentence(), "Reviewers agree on 8 of 12 parts (Cohen's kappa 0.50).");
        let others = Agreement::between(&items, "eve", "bob");
        assert_eq!((others.pairs.len(), others.table[0][1], others.kappa), (1, 1, Some(0.0)));
        assert!(Agreement::between(&items, "ada", "ada").pairs.is_empty());
        assert_eq!(Agreement::of(&[]).sentence(), "No part has two blind verdicts yet.");
    }
}
