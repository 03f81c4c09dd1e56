//! Summary of a shift: inspections, verdicts, and the observed against the promised false-alarm rate.

use super::{
    ReviewItem, Timestamp,
    drift::Drift,
    queue::{QueueFilter, QueueOrder, QueueView, ReviewCounts},
};
use crate::inspect::{Verdict, evaluation::Estimate};

/// Number of worst parts listed.
const WORST: usize = 10;

/// Summary of a set of parts.
#[derive(Clone, Debug, PartialEq)]
pub struct ShiftSummary {
    /// Time of the first inspection; `None` without parts.
    pub from: Option<Timestamp>,
    /// Time of the last inspection.
    pub to: Option<Timestamp>,
    /// Verdicts of the model: healthy, suspect, defective.
    pub verdicts: [usize; 3],
    /// Images that do not show this part, which are neither false alarms nor missed.
    pub not_this_part: usize,
    /// Review progress.
    pub counts: ReviewCounts,
    /// Parts ruled healthy.
    pub healthy: usize,
    /// Parts ruled defective.
    pub defective: usize,
    /// Healthy parts that the model flagged.
    pub false_alarms: usize,
    /// Defective parts that the model did not flag.
    pub missed: usize,
    /// Share of healthy parts flagged, with its 95 % interval (Wilson 1927); `None` without healthy parts.
    pub false_alarm_rate: Option<Estimate>,
    /// Promised false-alarm rate; the largest if there were several.
    pub promised: Option<f64>,
    /// Defective parts by defect type, the most frequent first.
    pub defect_types: Vec<(String, usize)>,
    /// Indices of the worst parts, worst first.
    pub worst: Vec<usize>,
    /// Drift of the healthy parts, in a sentence.
    pub drift: String,
}

impl ShiftSummary {
    /// Summarises `items`.
    pub fn of(items: &[ReviewItem]) -> Self {
        let view = QueueView::of(items, &QueueFilter::default(), QueueOrder::Worst);
        let times = || items.iter().map(|item| item.inspection.time);
        let count = |verdict| items.iter().filter(|i| i.inspection.assessment.verdict == verdict).count();
        let judged = |defective: bool, flagged: Option<bool>| {
            let counts = |item: &&ReviewItem| {
                let verdict = item.inspection.assessment.verdict;
                let is_flagged = verdict == Verdict::Defective;
                item.defective() == Some(defective)
                    && verdict != Verdict::NotThisPart
                    && flagged.is_none_or(|wanted| wanted == is_flagged)
            };
            items.iter().filter(counts).count()
        };
        let (healthy, false_alarms) = (judged(false, None), judged(false, Some(true)));
        Self {
            from: times().min(),
            to: times().max(),
            verdicts: [Verdict::Healthy, Verdict::Suspect, Verdict::Defective].map(count),
            not_this_part: count(Verdict::NotThisPart),
            counts: view.counts(),
            healthy,
            defective: judged(true, None),
            false_alarms,
            missed: judged(true, Some(false)),
            false_alarm_rate: wilson(false_alarms, healthy),
            promised: items.iter().map(|item| item.inspection.assessment.rate).max_by(f64::total_cmp),
            defect_types: defect_types(items),
            worst: view.rows().iter().copied().take(WORST).collect(),
            drift: Drift::of(items).sentence(),
        }
    }

    /// Compares the observed with the promised false-alarm rate, in a sentence.
    pub fn false_alarm_sentence(&self) -> String {
        let (Some(rate), Some(promised)) = (self.false_alarm_rate, self.promised) else {
            return "False alarms cannot be counted yet: no part was judged healthy.".into();
        };
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let text = format!(
            "{} of {} healthy parts were flagged: {} (95 % interval {} to {}); promised rate: at most {}",
            self.false_alarms,
            self.healthy,
            percent(rate.value),
            percent(rate.low),
            percent(rate.high),
            percent(promised),
        );
        if rate.low > promised {
            text + ". This exceeds the promised rate significantly: recalibrate the model on current parts."
        } else if rate.value > promised {
            text + ". This may be due to chance."
        } else {
            text + "."
        }
    }
}

/// Counts defective parts by defect type.
fn defect_types(items: &[ReviewItem]) -> Vec<(String, usize)> {
    let mut types: Vec<(String, usize)> = Vec::new();
    for item in items.iter().filter(|item| item.defective() == Some(true)) {
        let name = item.defect_type().unwrap_or("not specified");
        match types.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => types.push((name.into(), 1)),
        }
    }
    types.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    types
}

/// Returns a share with its 95 % score interval (Wilson 1927), which also holds for small counts; `None` if `whole` is 0.
pub(crate) fn wilson(part: usize, whole: usize) -> Option<Estimate> {
    /// 97.5 % quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if whole == 0 || part > whole {
        return None;
    }
    let n = whole as f64;
    let share = part as f64 / n;
    let centre = share + Z * Z / (2.0 * n);
    let half_width = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    let low = if part == 0 { 0.0 } else { (centre - half_width) / scale };
    let high = if part == whole { 1.0 } else { (centre + half_width) / scale };
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
        for (i, defect) in [(2, "crack"), (4, "crack")] {
            items[i].opinions[0].defect = Some(defect.into());
        }
        let shift = ShiftSummary::of(&items);
        assert_eq!(shift.verdicts, [2, 1, 3]);
        assert_eq!((shift.healthy, shift.defective, shift.false_alarms, shift.missed), (2, 3, 1, 1));
        assert_eq!((shift.counts.left, shift.counts.agreed, shift.counts.overruled), (1, 3, 2));
        assert_eq!(shift.defect_types, [("crack".into(), 2), ("not specified".into(), 1)]);
        assert_eq!((shift.worst[0], shift.from, shift.to), (2, Some(Timestamp(1_000)), Some(Timestamp(6_000))));
        let text = shift.false_alarm_sentence();
        assert!(
            text.starts_with("1 of 2 healthy parts were flagged: 50.0 % (95 % interval 9.5 % to 90.5 %)"),
            "{text}"
        );
        assert!(text.contains("promised rate: at most 5.0 %"), "{text}");
        assert!(ShiftSummary::of(&[]).false_alarm_sentence().starts_with("False alarms cannot"));
    }

    #[test]
    fn an_image_that_does_not_show_the_part_is_counted_apart() {
        let other = |id, judgement| {
            let mut item = judged(id, 0.01, &[("ada", judgement, false)]);
            let assessment = &mut item.inspection.assessment;
            (assessment.verdict, assessment.reason) = (Verdict::NotThisPart, Some("it is black".into()));
            item.opinions[0].model_verdict = Verdict::NotThisPart;
            item
        };
        let items = [judged(1, 0.8, &[("ada", Agree, false)]), other(2, Healthy), other(3, Defective), other(4, Agree)];
        let shift = ShiftSummary::of(&items);
        assert_eq!((shift.verdicts, shift.not_this_part), ([1, 0, 0], 3));
        assert_eq!((shift.healthy, shift.defective, shift.false_alarms, shift.missed), (1, 0, 0, 0));
        // Whoever calls it a part contradicts the model; agreement decides nothing about a part.
        assert_eq!((shift.counts.agreed, shift.counts.overruled), (2, 2));
        assert_eq!(items[3].defective(), None);
        assert_eq!(shift.worst[..3], [3, 2, 1]);
        assert_eq!(Drift::of(&items).parts.len(), 1);
    }
}
