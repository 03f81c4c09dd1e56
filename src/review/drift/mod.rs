//! Drift of healthy parts: whether their p-values still follow the distribution at calibration.
//!
//! Conformal p-values of healthy parts are uniform as long as the parts come from the same distribution as the held-out
//! images, whatever the quality of the score; an ageing lamp or a worn tool makes them smaller. Only parts that reviewers
//! ruled healthy are used, so drift among unreviewed parts goes unnoticed: review some parts at random, not only
//! flagged ones.
//!
//! A p-value over `n` held-out images is one of `1/(n+1), 2/(n+1), ..., 1`, with many ties. It is smoothed by
//! subtracting a uniform fraction of a step, which makes it exactly uniform on `(0, 1]` (Vovk's smoothed conformal
//! p-value). The fraction is derived from the file's hash, so that it is the same every time.
//!
//! Two tests: [`Ks`] compares all p-values with the uniform distribution, [`Cusum`] accumulates their surprisal in order
//! of time and dates the onset of a change.

mod cusum;
mod ks;

pub use cusum::{Crossing, Cusum, CusumPoint, LIMIT, REFERENCE};
pub use ks::Ks;

use super::{ReviewItem, Timestamp};
use crate::{inspect::Verdict, time};

/// Smallest number of healthy parts for a test.
pub const MIN_PARTS: usize = 20;

/// Significance level of the Kolmogorov-Smirnov test.
const SIGNIFICANCE: f64 = 0.01;

/// A part that was ruled healthy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HealthyPart {
    /// Index of its item.
    pub item: usize,
    /// Time of its inspection.
    pub time: Timestamp,
    /// Its smoothed p-value, in `(0, 1]`.
    pub p: f64,
    /// Number of held-out images behind the p-value.
    pub n: usize,
}

/// Returns the parts that were ruled healthy, in order of inspection.
pub(crate) fn healthy_parts(items: &[ReviewItem]) -> Vec<HealthyPart> {
    let measure = |(item, ReviewItem { part, inspection, .. }): (usize, &ReviewItem)| {
        let assessment = &inspection.assessment;
        let [a, b, c, d, ..] = *part.hash.as_bytes();
        // In [0, 1).
        let fraction = f64::from(u32::from_le_bytes([a, b, c, d])) / 2.0_f64.powi(32);
        let p = smoothed(assessment.p, assessment.n, fraction);
        HealthyPart { item, time: inspection.time, p, n: assessment.n }
    };
    // The score of an image that does not show this part says nothing about healthy parts.
    let is_measured = |item: &ReviewItem| {
        item.defective() == Some(false) && item.inspection.assessment.verdict != Verdict::NotThisPart
    };
    let healthy = items.iter().enumerate().filter(|(_, item)| is_measured(item));
    let mut parts: Vec<HealthyPart> = healthy.map(measure).collect();
    parts.sort_by_key(|part| (part.time, part.item));
    parts
}

/// Smooths a conformal p-value over `n` held-out images by subtracting `fraction` in `[0, 1)` of a step.
pub(crate) fn smoothed(p: f64, n: usize, fraction: f64) -> f64 {
    (p - fraction / (n as f64 + 1.0)).max(f64::MIN_POSITIVE)
}

/// Drift of the healthy parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The healthy parts in order of time.
    pub parts: Vec<HealthyPart>,
    /// Test against the uniform distribution; `None` for fewer than [`MIN_PARTS`].
    pub ks: Option<Ks>,
    /// CUSUM chart, one point per part.
    pub cusum: Cusum,
}

impl Drift {
    /// Tests the parts that were ruled healthy.
    pub fn of(items: &[ReviewItem]) -> Self {
        let parts = healthy_parts(items);
        let p: Vec<f64> = parts.iter().map(|part| part.p).collect();
        // All p-values share the same held-out images and their sampling error. They are ranks, so the effective sample
        // size is that of the two-sample test.
        let held_out = parts.iter().map(|part| part.n).max().unwrap_or_default() as f64;
        let (all, enough) = (p.len() as f64, p.len() >= MIN_PARTS);
        let ks = enough.then(|| Ks::uniform(&p, all * held_out / (all + held_out))).flatten();
        Self { cusum: Cusum::of(&p, REFERENCE, LIMIT), parts, ks }
    }

    /// Returns the time at which healthy parts began to score higher; `None` without an alarm.
    pub fn since(&self) -> Option<Timestamp> {
        let crossing = self.cusum.crossings.first().filter(|_| self.parts.len() >= MIN_PARTS)?;
        self.parts.get(crossing.began).map(|part| part.time)
    }

    /// Describes the drift in a sentence, with advice.
    pub fn sentence(&self) -> String {
        let Some(first) = self.parts.first().filter(|_| self.parts.len() >= MIN_PARTS) else {
            let count = match self.parts.len() {
                1 => "1 healthy part is".to_owned(),
                n => format!("{n} healthy parts are"),
            };
            return format!("{count} too few to detect drift; review at least {MIN_PARTS}.");
        };
        if let Some(since) = self.since() {
            let [then, now] = [first.time, since].map(|time| time::month(time.seconds()));
            // A change in the first month is compared with the start of that month.
            let than = if then == now { "initially".into() } else { format!("in {then}") };
            return format!(
                "Healthy parts score higher than {than}, since {}; check the lighting, the camera and the tool.",
                since.day()
            );
        }
        match self.ks.filter(|ks| ks.p < SIGNIFICANCE) {
            Some(ks) if ks.below > ks.above => {
                "Healthy parts score higher than the model's held-out images, from the beginning; recalibrate the model on \
                 current parts."
                    .into()
            }
            Some(_) => {
                "Healthy parts score lower than the model's held-out images, so the threshold misses defects that it could \
                 catch; recalibrate the model on current parts."
                    .into()
            }
            None => "Healthy parts score as they did at calibration.".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::review::{Judgement::Healthy, item::tests::judged};

    /// Healthy parts, one per day from 1 March 2026; the p-value of the `i`-th is `p(i, u)` of a uniform `u`, in steps.
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
    fn healthy_parts_that_stay_the_same_raise_no_alarm() {
        let drift = Drift::of(&items(150, |_, u| u));
        assert_eq!((drift.parts.len(), drift.since()), (150, None));
        assert!(drift.ks.unwrap().p > 0.05);
        assert_eq!(drift.sentence(), "Healthy parts score as they did at calibration.");
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
        let text = drift.sentence();
        assert!(text.starts_with("Healthy parts score higher than in March 2026, since "), "{text}");
        assert!(text.ends_with(" 2026; check the lighting, the camera and the tool."), "{text}");
    }

    #[test]
    fn parts_that_always_were_more_usual_are_said_to_be() {
        let drift = Drift::of(&items(150, |_, u| u.sqrt()));
        assert!(drift.since().is_none() && drift.sentence().starts_with("Healthy parts score lower"));
        let few = Drift::of(&items(3, |_, u| u));
        assert!(few.ks.is_none() && few.sentence().starts_with("3 healthy parts are too few"));
        assert!(Drift::of(&items(1, |_, u| u)).sentence().starts_with("1 healthy part is too few"));
        assert_eq!(Drift::of(&[]).sentence(), "0 healthy parts are too few to detect drift; review at least 20.");
    }

    #[test]
    fn smoothing_takes_the_steps_away_and_stays_above_nothing() {
        assert_eq!(smoothed(0.05, 19, 0.0), 0.05);
        assert!((smoothed(0.05, 19, 0.5) - 0.025).abs() < 1e-12);
        assert!(smoothed(0.05, 19, 0.999_999_999_999_999_9) > 0.0);
    }
}
