//! A shift added up: what was inspected, what people said, and whether the promise was kept.

use super::{
    ReviewItem, Timestamp,
    drift::Drift,
    queue::{Counters, Filter, QueueOrder, QueueView},
};
use crate::inspect::{Verdict, evaluation::metrics::Estimate};

/// Parts that are listed as the worst.
const WORST: usize = 10;

/// The figures of the parts in a view.
#[derive(Clone, Debug, PartialEq)]
pub struct ShiftSummary {
    /// When the first of them was inspected; `None` for no part.
    pub from: Option<Timestamp>,
    /// When the last of them was.
    pub to: Option<Timestamp>,
    /// Healthy, suspect and defective, as the model has it.
    pub verdicts: [usize; 3],
    /// How far people are.
    pub counters: Counters,
    /// Parts that people called healthy.
    pub good: usize,
    /// Parts that people called defective.
    pub bad: usize,
    /// Good parts that the model flagged.
    pub false_alarms: usize,
    /// Defective parts that the model did not flag.
    pub missed: usize,
    /// The share of good parts flagged, and its 95 % interval (Wilson 1927); `None` without a good part.
    pub false_alarm_rate: Option<Estimate>,
    /// The promised rate; the largest where several were in force.
    pub promised: Option<f64>,
    /// Defective parts by the kind that people named, the most frequent first.
    pub kinds: Vec<(String, usize)>,
    /// Indices of the worst parts, worst first.
    pub worst: Vec<usize>,
    /// What became of good parts, in a sentence.
    pub drift: String,
}

impl ShiftSummary {
    /// Adds up `items`.
    pub fn of(items: &[ReviewItem]) -> Self {
        let view = QueueView::of(items, &Filter::default(), QueueOrder::Worst);
        let times = || items.iter().map(|item| item.inspection.time);
        let count = |verdict| items.iter().filter(|i| i.inspection.assessment.verdict == verdict).count();
        let judged = |defective: bool, flagged: Option<bool>| {
            let counts = |item: &&ReviewItem| {
                let is_flagged = item.inspection.assessment.verdict == Verdict::Defective;
                item.defective() == Some(defective) && flagged.is_none_or(|wanted| wanted == is_flagged)
            };
            items.iter().filter(counts).count()
        };
        let (good, false_alarms) = (judged(false, None), judged(false, Some(true)));
        Self {
            from: times().min(),
            to: times().max(),
            verdicts: [Verdict::Healthy, Verdict::Suspect, Verdict::Defective].map(count),
            counters: view.counters(),
            good,
            bad: judged(true, None),
            false_alarms,
            missed: judged(true, Some(false)),
            false_alarm_rate: wilson(false_alarms, good),
            promised: items.iter().map(|item| item.inspection.assessment.rate).max_by(f64::total_cmp),
            kinds: kinds(items),
            worst: view.rows().iter().copied().take(WORST).collect(),
            drift: Drift::of(items).sentence(),
        }
    }

    /// Whether the promise was kept, in a sentence.
    pub fn promise(&self) -> String {
        let (Some(rate), Some(promised)) = (self.false_alarm_rate, self.promised) else {
            return "No part was called healthy yet, so false alarms cannot be counted.".into();
        };
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let said = format!(
            "{} of {} good parts were flagged: {} (95 % interval {} to {}); promised is at most {}",
            self.false_alarms,
            self.good,
            percent(rate.value),
            percent(rate.low),
            percent(rate.high),
            percent(promised),
        );
        if rate.low > promised {
            said + ". That is more than chance makes: calibrate the model on parts of today."
        } else if rate.value > promised {
            said + ". That may be chance."
        } else {
            said + "."
        }
    }
}

/// Defective parts by the kind that people named.
fn kinds(items: &[ReviewItem]) -> Vec<(String, usize)> {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for item in items.iter().filter(|item| item.defective() == Some(true)) {
        let name = item.defect().unwrap_or("not named");
        match kinds.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => kinds.push((name.into(), 1)),
        }
    }
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    kinds
}

/// A share and its 95 % interval (Wilson 1927), which holds for few and for none as well; `None` of nothing.
pub fn wilson(part: usize, whole: usize) -> Option<Estimate> {
    /// The normal distribution's 97.5 % point.
    const Z: f64 = 1.959_963_984_540_054;
    if whole == 0 || part > whole {
        return None;
    }
    let n = whole as f64;
    let share = part as f64 / n;
    let middle = share + Z * Z / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    let low = if part == 0 { 0.0 } else { (middle - reach) / scale };
    let high = if part == whole { 1.0 } else { (middle + reach) / scale };
    Some(Estimate { value: share, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::{
        Judgement::{Agree, Defective, Healthy},
        item::tests::{item, judged},
    };

    #[test]
    fn the_interval_is_that_of_scipy() {
        // scipy.stats.binomtest(k, n).proportion_ci(method="wilson")
        for (part, whole, low, high) in [
            (3, 60, 0.017_149_502_164_395_668, 0.137_005_164_763_484_8),
            (0, 20, 0.0, 0.161_125_158_052_819_35),
            (1, 50, 0.003_539_259_271_646_222_3, 0.104_954_435_896_378_14),
        ] {
            let estimate = wilson(part, whole).unwrap();
            assert!((estimate.low - low).abs() < 1e-12 && (estimate.high - high).abs() < 1e-12, "{estimate:?}");
        }
        assert!(wilson(0, 0).is_none());
        assert_eq!(wilson(4, 4).unwrap().high, 1.0);
    }

    #[test]
    fn a_shift_adds_up() {
        let mut items = vec![
            judged(1, 0.8, &[("ada", Agree, false)]),
            judged(2, 0.01, &[("ada", Healthy, false)]),
            judged(3, 0.01, &[("ada", Agree, false)]),
            judged(4, 0.4, &[("ada", Defective, false)]),
            judged(5, 0.02, &[("ada", Agree, false)]),
            item(6, 0.1),
        ];
        for (i, kind) in [(2, "crack"), (4, "crack")] {
            items[i].opinions[0].defect = Some(kind.into());
        }
        let shift = ShiftSummary::of(&items);
        assert_eq!(shift.verdicts, [2, 1, 3]);
        assert_eq!((shift.good, shift.bad, shift.false_alarms, shift.missed), (2, 3, 1, 1));
        assert_eq!((shift.counters.left, shift.counters.agreed, shift.counters.overruled), (1, 3, 2));
        assert_eq!(shift.kinds, [("crack".into(), 2), ("not named".into(), 1)]);
        assert_eq!((shift.worst[0], shift.from, shift.to), (2, Some(Timestamp(1_000)), Some(Timestamp(6_000))));
        let said = shift.promise();
        assert!(said.starts_with("1 of 2 good parts were flagged: 50.0 % (95 % interval 9.5 % to 90.5 %)"), "{said}");
        assert!(said.contains("promised is at most 5.0 %"), "{said}");
        assert!(ShiftSummary::of(&[]).promise().starts_with("No part"));
    }
}
