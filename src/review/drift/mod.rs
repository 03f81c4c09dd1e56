//! Do good parts still look as they did when the model was calibrated?
//!
//! On good parts that come from where the held-out images came from, conformal p-values are spread evenly, whatever the
//! score is worth; where a lamp ages or a tool wears they become small. Only parts that people called healthy are
//! looked at, so what people did not judge is not seen: judge some parts at random, and not only the odd ones.
//!
//! A p-value that rests on `n` held-out images is one of `1/(n+1), 2/(n+1), ..., 1`, with many ties. It is smoothed: a
//! share of a step, drawn evenly, is taken off, which makes it evenly spread over `(0, 1]` to the letter (Vovk's smoothed
//! conformal p-value). The share comes from the hash of the file, so that the same part always has the same one.
//!
//! Two looks at them. [`Ks`] compares all of them with an even spread (Kolmogorov and Smirnov). [`Cusum`] goes through
//! them in order of time and adds up how odd they are: of a slow or late change it knows when it began.

mod cusum;
mod ks;

pub use cusum::{Crossing, Cusum, CusumPoint, LIMIT, REFERENCE};
pub use ks::{Ks, kolmogorov};

use super::{ReviewItem, Timestamp};
use crate::time;

/// Fewer good parts tell nothing.
pub const FEWEST: usize = 20;

/// An uneven spread is one that chance makes less often than this.
const ALARM: f64 = 0.01;

/// A part that people called healthy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GoodPart {
    /// Index of its item.
    pub item: usize,
    /// When it was inspected.
    pub time: Timestamp,
    /// Its smoothed p-value, in `(0, 1]`.
    pub p: f64,
    /// Held-out images that it rests on.
    pub n: usize,
}

/// The parts that people called healthy, in the order in which they were inspected.
pub fn good_parts(items: &[ReviewItem]) -> Vec<GoodPart> {
    let good = |(item, ReviewItem { part, inspection, .. }): (usize, &ReviewItem)| {
        let assessment = &inspection.assessment;
        let [a, b, c, d, ..] = *part.hash.as_bytes();
        // In [0, 1).
        let share = f64::from(u32::from_le_bytes([a, b, c, d])) / 2.0_f64.powi(32);
        let p = smoothed(assessment.p, assessment.n, share);
        GoodPart { item, time: inspection.time, p, n: assessment.n }
    };
    let healthy = items.iter().enumerate().filter(|(_, item)| item.defective() == Some(false));
    let mut parts: Vec<GoodPart> = healthy.map(good).collect();
    parts.sort_by_key(|part| (part.time, part.item));
    parts
}

/// A conformal p-value over `n` held-out images without its steps; `share` in `[0, 1)` of a step is taken off.
pub fn smoothed(p: f64, n: usize, share: f64) -> f64 {
    (p - share / (n as f64 + 1.0)).max(f64::MIN_POSITIVE)
}

/// What became of the good parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The good parts in order of time.
    pub parts: Vec<GoodPart>,
    /// Their spread against an even one; `None` for fewer than [`FEWEST`].
    pub ks: Option<Ks>,
    /// The chart, a point a part.
    pub cusum: Cusum,
}

impl Drift {
    /// Looks at the parts that people called healthy.
    pub fn of(items: &[ReviewItem]) -> Self {
        let parts = good_parts(items);
        let p: Vec<f64> = parts.iter().map(|part| part.p).collect();
        // All p-values rest on the same held-out images, whose own chance is in each of them. With as many of those as
        // there are parts it counts as much as the parts' own: the p-values are ranks, and this the two-sample test.
        let held_out = parts.iter().map(|part| part.n).max().unwrap_or_default() as f64;
        let (all, enough) = (p.len() as f64, p.len() >= FEWEST);
        let ks = enough.then(|| Ks::uniform(&p, all * held_out / (all + held_out))).flatten();
        Self { cusum: Cusum::of(&p, REFERENCE, LIMIT), parts, ks }
    }

    /// When good parts began to look odder; `None` while they do not.
    pub fn since(&self) -> Option<Timestamp> {
        let crossing = self.cusum.crossings.first().filter(|_| self.parts.len() >= FEWEST)?;
        self.parts.get(crossing.began).map(|part| part.time)
    }

    /// In a sentence, with what to do.
    pub fn sentence(&self) -> String {
        let Some(first) = self.parts.first().filter(|_| self.parts.len() >= FEWEST) else {
            let count = match self.parts.len() {
                1 => "1 good part is".to_owned(),
                n => format!("{n} good parts are"),
            };
            return format!("{count} too few to tell whether they change; judge at least {FEWEST}.");
        };
        if let Some(since) = self.since() {
            let [then, now] = [first.time, since].map(|time| time::month(time.seconds()));
            // What began in the first month is compared with its beginning, as far as there is one.
            let than = if then == now { "at first".into() } else { format!("in {then}") };
            return format!(
                "Good parts look odder than {than}: since {}; check the light, the camera and the tool.",
                since.day()
            );
        }
        match self.ks.filter(|ks| ks.p < ALARM) {
            Some(ks) if ks.below > ks.above => {
                "Good parts look odder than the model's held-out images, and did so from the beginning; calibrate the \
                 model on parts of today."
                    .into()
            }
            Some(_) => {
                "Good parts look more usual than the model's held-out images, so fewer defects are caught than could \
                 be; calibrate the model on parts of today."
                    .into()
            }
            None => "Good parts look as they did when the model was calibrated.".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::review::{Judgement::Healthy, item::tests::judged};

    /// Good parts, one a day from 1 March 2026 on; the p-value of the `i`-th is `p(i, u)` of an even `u`, in steps.
    fn items(count: i64, p: impl Fn(i64, f64) -> f64) -> Vec<ReviewItem> {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let item = |i: i64| {
            let p = (p(i, rng.random()) * 200.0).ceil().max(1.0) / 200.0;
            let mut item = judged(i + 1, p, &[("ada", Healthy, false)]);
            item.inspection.time = Timestamp::from_seconds(1_772_323_200 + 86_400 * i as u64);
            item
        };
        (0..count).map(item).collect()
    }

    #[test]
    fn good_parts_that_stay_the_same_raise_no_alarm() {
        let drift = Drift::of(&items(150, |_, u| u));
        assert_eq!((drift.parts.len(), drift.since()), (150, None));
        assert!(drift.ks.unwrap().p > 0.05);
        assert_eq!(drift.sentence(), "Good parts look as they did when the model was calibrated.");
        let steady: Vec<f64> = drift.parts.iter().map(|part| part.p).collect();
        assert_eq!(steady, Drift::of(&items(150, |_, u| u)).parts.iter().map(|part| part.p).collect::<Vec<_>>());
    }

    #[test]
    fn what_changes_is_dated() {
        // From the 61st day on (30 April) smaller ones.
        let drift = Drift::of(&items(150, |i, u| if i < 60 { u } else { u.powi(3) }));
        let since = drift.since().unwrap();
        let days = (since.seconds() - 1_772_323_200) / 86_400;
        assert!((55..=75).contains(&days), "{days}");
        let said = drift.sentence();
        assert!(said.starts_with("Good parts look odder than in March 2026: since "), "{said}");
        assert!(said.ends_with(" 2026; check the light, the camera and the tool."), "{said}");
    }

    #[test]
    fn parts_that_always_were_more_usual_are_said_to_be() {
        let drift = Drift::of(&items(150, |_, u| u.sqrt()));
        assert!(drift.since().is_none() && drift.sentence().starts_with("Good parts look more usual"));
        let few = Drift::of(&items(3, |_, u| u));
        assert!(few.ks.is_none() && few.sentence().starts_with("3 good parts are too few"));
        assert!(Drift::of(&items(1, |_, u| u)).sentence().starts_with("1 good part is too few"));
        assert_eq!(
            Drift::of(&[]).sentence(),
            "0 good parts are too few to tell whether they change; judge at least 20."
        );
    }

    #[test]
    fn smoothing_takes_the_steps_away_and_stays_above_nothing() {
        assert_eq!(smoothed(0.05, 19, 0.0), 0.05);
        assert!((smoothed(0.05, 19, 0.5) - 0.025).abs() < 1e-12);
        assert!(smoothed(0.05, 19, 0.999_999_999_999_999_9) > 0.0);
    }
}
