//! Classification metrics of scores. An image is flagged when its score is above a threshold.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Number of bootstrap resamples for an interval.
pub(crate) const RESAMPLES: usize = 1_000;

/// Seed of the bootstrap, so that the same scores always give the same interval.
const SEED: u64 = 2_017;

/// A metric with its 95 % bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The metric.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Fewest images of each kind for which an interval is worth stating.
pub(crate) const FEWEST: usize = 5;

impl Estimate {
    /// Returns the interval, or why there is none: of fewer than five images of a kind it would say nothing.
    ///
    /// # Errors
    /// The reason, as a sentence for the user.
    pub fn interval(&self, healthy: usize, defective: usize) -> Result<(f64, f64), String> {
        if healthy < FEWEST || defective < FEWEST {
            return Err(format!(
                "An interval needs at least {FEWEST} healthy and {FEWEST} defective parts; there are {healthy} and \
                 {defective}."
            ));
        }
        Ok((self.low, self.high))
    }

    /// Widens an interval of no width, as resampling gives for scores that separate perfectly, to the score interval
    /// (Wilson 1927) of as many trials without a failure as there are images of the rarer kind.
    fn widened(self, images: usize) -> Self {
        if self.high - self.low > 1e-9 || images == 0 {
            return self;
        }
        /// Square of the 97.5 % quantile of the normal distribution.
        const Z2: f64 = 1.959_963_984_540_054 * 1.959_963_984_540_054;
        let n = images as f64;
        let slack = Z2 / (n + Z2);
        Self { low: (self.value - slack).max(0.0), high: (self.value + slack).min(1.0), ..self }
    }
}

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The threshold; scores above it are flagged.
    pub threshold: f64,
    /// ROC: false-positive rate. Precision-recall: recall.
    pub x: f64,
    /// ROC: true-positive rate. Precision-recall: precision.
    pub y: f64,
}

/// Confusion matrix at a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Defective and flagged.
    pub caught: usize,
    /// Defective and not flagged.
    pub missed: usize,
    /// Healthy and flagged.
    pub false_alarms: usize,
    /// Healthy and not flagged.
    pub passed: usize,
}

impl Confusion {
    /// Adds an image.
    pub fn add(&mut self, defective: bool, flagged: bool) {
        *match (defective, flagged) {
            (true, true) => &mut self.caught,
            (true, false) => &mut self.missed,
            (false, true) => &mut self.false_alarms,
            (false, false) => &mut self.passed,
        } += 1;
    }

    /// Share of defective images flagged (recall, TPR); `None` for none.
    pub fn caught_share(&self) -> Option<f64> {
        share(self.caught as f64, (self.caught + self.missed) as f64)
    }

    /// Share of healthy images flagged (FPR); `None` for none.
    pub fn false_alarm_share(&self) -> Option<f64> {
        share(self.false_alarms as f64, (self.false_alarms + self.passed) as f64)
    }

    /// Share of the flagged that is defective (precision); `None` for none.
    pub fn precision(&self) -> Option<f64> {
        share(self.caught as f64, (self.caught + self.false_alarms) as f64)
    }
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// A labelled image in a [`Ranking`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RankedImage {
    pub score: f64,
    pub defective: bool,
    /// Whether it is flagged at any threshold, because it does not show the part.
    pub always_flagged: bool,
}

impl RankedImage {
    /// Whether it is flagged at a threshold.
    pub(crate) fn is_flagged(&self, threshold: f64) -> bool {
        self.always_flagged || self.score > threshold
    }
}

/// Scores of labelled images, highest first. Curves and areas follow from the scores alone; counts at a threshold
/// include the images that are always flagged.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    ranked: Vec<RankedImage>,
    healthy: usize,
    defective: usize,
}

/// Metrics from one pass over a ranking.
#[derive(Clone, Copy, Debug, Default)]
struct Areas {
    auroc: f64,
    precision: f64,
    f1: f64,
    /// The threshold of the best F1.
    at: f64,
}

impl Ranking {
    /// Ranks scores; `None` if one is NaN or infinite.
    pub fn new(healthy: &[f64], defective: &[f64]) -> Option<Self> {
        let of = |scores: &[f64], defective| {
            let image = |&score| RankedImage { score, defective, always_flagged: false };
            scores.iter().map(image).collect::<Vec<_>>()
        };
        Self::of([of(healthy, false), of(defective, true)].concat())
    }

    /// Ranks images; `None` if a score is NaN or infinite.
    pub(crate) fn of(mut ranked: Vec<RankedImage>) -> Option<Self> {
        if ranked.iter().any(|image| !image.score.is_finite()) {
            return None;
        }
        // Healthy images first among equals.
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.defective.cmp(&b.defective)));
        let defective = ranked.iter().filter(|image| image.defective).count();
        Some(Self { healthy: ranked.len() - defective, defective, ranked })
    }

    /// Numbers of healthy and defective images.
    pub fn counts(&self) -> (usize, usize) {
        (self.healthy, self.defective)
    }

    fn has_both(&self) -> bool {
        self.healthy > 0 && self.defective > 0
    }

    /// Area under the ROC curve; `None` unless there are both healthy and defective images.
    pub fn auroc(&self) -> Option<f64> {
        self.has_both().then(|| self.areas(|_| 1.0).auroc)
    }

    /// Average precision: precision at each detected image, weighted by the increase in recall; `None` unless there are
    /// both healthy and defective images.
    pub fn average_precision(&self) -> Option<f64> {
        self.has_both().then(|| self.areas(|_| 1.0).precision)
    }

    /// The best F1 over all thresholds, and its threshold; `None` unless there are both healthy and defective images.
    pub fn best_f1(&self) -> Option<(f64, f64)> {
        self.has_both().then(|| self.areas(|_| 1.0)).map(|a| (a.f1, a.at))
    }

    /// One pass from the highest score down; image `i` counts `weight(i)` times.
    fn areas(&self, weight: impl Fn(usize) -> f64) -> Areas {
        let (mut good, mut bad) = (0.0, 0.0);
        for (i, image) in self.ranked.iter().enumerate() {
            *(if image.defective { &mut bad } else { &mut good }) += weight(i);
        }
        let mut areas = Areas::default();
        let (mut caught, mut alarms, mut wins) = (0.0, 0.0, 0.0);
        let mut i = 0;
        while let Some(&RankedImage { score, .. }) = self.ranked.get(i) {
            let (mut more, mut false_ones) = (0.0, 0.0);
            while let Some(image) = self.ranked.get(i).filter(|image| image.score == score) {
                *(if image.defective { &mut more } else { &mut false_ones }) += weight(i);
                i += 1;
            }
            // Ties count half: healthy images with the same score, plus all below.
            wins += more * (good - alarms - false_ones / 2.0);
            caught += more;
            alarms += false_ones;
            if caught > 0.0 {
                areas.precision += more / bad * caught / (caught + alarms);
                let f1 = 2.0 * caught / (caught + alarms + bad);
                if f1 > areas.f1 {
                    (areas.f1, areas.at) = (f1, self.threshold_below(i, score));
                }
            }
        }
        areas.auroc = wins / (good * bad);
        areas
    }

    /// The threshold that flags the first `i` images, the last of which has this score.
    fn threshold_below(&self, i: usize, score: f64) -> f64 {
        self.ranked.get(i).map_or(score.next_down(), |next| next.score)
    }

    /// Visits the thresholds from the highest down; `at` receives threshold, true positives and false positives.
    fn for_each_threshold(&self, mut at: impl FnMut(f64, f64, f64)) {
        let (mut caught, mut alarms) = (0.0, 0.0);
        let Some(first) = self.ranked.first() else { return };
        at(first.score, 0.0, 0.0);
        for (i, image) in self.ranked.iter().enumerate() {
            *(if image.defective { &mut caught } else { &mut alarms }) += 1.0;
            let next = self.threshold_below(i + 1, image.score);
            if next < image.score {
                at(next, caught, alarms);
            }
        }
    }

    /// The ROC curve from (0, 0) to (1, 1), one point per threshold; empty unless there are both healthy and defective
    /// images.
    pub fn roc(&self) -> Vec<CurvePoint> {
        let mut points = Vec::new();
        if self.has_both() {
            let (good, bad) = (self.healthy as f64, self.defective as f64);
            self.for_each_threshold(|threshold, caught, alarms| {
                points.push(CurvePoint { threshold, x: alarms / good, y: caught / bad })
            });
        }
        points
    }

    /// The precision-recall curve by increasing recall, one point per threshold that flags something; empty unless
    /// there are both healthy and defective images.
    pub fn pr(&self) -> Vec<CurvePoint> {
        let mut points = Vec::new();
        if self.has_both() {
            let bad = self.defective as f64;
            self.for_each_threshold(|threshold, caught, alarms| {
                if let Some(y) = share(caught, caught + alarms) {
                    points.push(CurvePoint { threshold, x: caught / bad, y });
                }
            });
        }
        points
    }

    /// The confusion matrix at a threshold.
    pub fn confusion(&self, threshold: f64) -> Confusion {
        let mut confusion = Confusion::default();
        self.ranked.iter().for_each(|image| confusion.add(image.defective, image.is_flagged(threshold)));
        confusion
    }

    /// All metrics with intervals from `RESAMPLES` bootstrap resamples, stratified by label. `thresholds` are those
    /// at which recall is computed; they are not resampled.
    pub fn metrics(&self, thresholds: [Option<f64>; 2]) -> Metrics {
        let caught = |threshold: f64, weight: &dyn Fn(usize) -> f64| {
            let (mut above, mut all) = (0.0, 0.0);
            for (i, image) in self.ranked.iter().enumerate() {
                if image.defective {
                    all += weight(i);
                    above += if image.is_flagged(threshold) { weight(i) } else { 0.0 };
                }
            }
            above / all
        };
        let metrics = |weight: &dyn Fn(usize) -> f64| {
            let areas = if self.has_both() { self.areas(weight) } else { Areas::default() };
            let [one, five] = thresholds.map(|t| t.map_or(0.0, |t| caught(t, weight)));
            [areas.auroc, areas.precision, areas.f1, one, five]
        };
        let value = metrics(&|_| 1.0);
        let mut samples: [Vec<f64>; 5] = Default::default();
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (i, image) in self.ranked.iter().enumerate() {
            (if image.defective { &mut bad } else { &mut good }).push(i);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let mut weights = vec![0.0; self.ranked.len()];
        for _ in 0..if bad.is_empty() { 0 } else { RESAMPLES } {
            weights.fill(0.0);
            for side in [&good, &bad] {
                for _ in 0..side.len() {
                    weights[side[rng.random_range(0..side.len())]] += 1.0;
                }
            }
            metrics(&|i| weights[i]).iter().zip(&mut samples).for_each(|(v, all)| all.push(*v));
        }
        samples.iter_mut().for_each(|all| all.sort_by(f64::total_cmp));
        let estimate = |i: usize| Estimate {
            value: value[i],
            low: quantile(&samples[i], 0.025).unwrap_or(value[i]),
            high: quantile(&samples[i], 0.975).unwrap_or(value[i]),
        };
        let rarer = self.healthy.min(self.defective);
        let both = |i| self.has_both().then(|| estimate(i).widened(rarer));
        let at =
            |i: usize, t: Option<f64>| t.filter(|_| self.defective > 0).map(|_| estimate(i).widened(self.defective));
        Metrics {
            healthy: self.healthy,
            defective: self.defective,
            auroc: both(0),
            average_precision: both(1),
            f1: both(2),
            f1_threshold: self.best_f1().map(|(_, at)| at),
            caught_at_1: at(3, thresholds[0]),
            caught_at_5: at(4, thresholds[1]),
        }
    }
}

/// Metrics of one score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Number of healthy images.
    pub healthy: usize,
    /// Number of defective images.
    pub defective: usize,
    /// Area under the ROC curve; this and the next two need both healthy and defective images.
    pub auroc: Option<Estimate>,
    /// Average precision.
    pub average_precision: Option<Estimate>,
    /// The best F1 of any threshold; optimistic, since the threshold is chosen on the test images.
    pub f1: Option<Estimate>,
    /// That threshold.
    pub f1_threshold: Option<f64>,
    /// Share of defective images detected at a promised rate of 1 false alarm in 100 healthy parts. The threshold is
    /// set on held-out healthy images alone; `None` where there are too few of them.
    pub caught_at_1: Option<Estimate>,
    /// The same at 5 in 100.
    pub caught_at_5: Option<Estimate>,
}

/// Area under the ROC curve: the share of (defective, healthy) pairs in which the defective image scores higher, ties
/// counting half (Mann and Whitney 1947). `None` when either list is empty or a score is NaN.
pub(crate) fn auroc(healthy: &[f64], defective: &[f64]) -> Option<f64> {
    Ranking::new(healthy, defective)?.auroc()
}

/// The median; `None` for an empty list.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// A quantile of sorted values, interpolated linearly.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    Some(sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_counts_pairs() {
        assert_eq!(auroc(&[1.0, 2.0], &[3.0, 4.0]), Some(1.0));
        assert_eq!(auroc(&[3.0, 4.0], &[1.0, 2.0]), Some(0.0));
        assert_eq!(auroc(&[1.0, 2.0, 2.0], &[2.0, 5.0]), Some((1.0 + 0.5 + 0.5 + 3.0) / 6.0));
        assert_eq!(auroc(&[1.0], &[1.0]), Some(0.5));
        assert_eq!(auroc(&[], &[1.0]), None);
        assert_eq!(auroc(&[f64::NAN], &[1.0]), None);
    }

    // numpy.random.default_rng(7): h = round(normal(0, 1, 40) * 4) / 4, d = round(normal(1.0, 1.2, 25) * 4) / 4
    const HEALTHY: [f64; 40] = [
        0.0, 0.25, -0.25, -1.0, -0.5, -1.0, 0.0, 1.25, -0.5, -0.5, 0.5, 0.25, 0.0, -1.0, -0.0, 0.75, -1.25, -0.5, -2.0,
        -1.25, -1.75, -0.25, -1.25, 0.25, 0.25, -0.25, -2.5, -0.5, -0.0, 0.0, -1.5, -0.5, -1.0, -0.75, 1.0, -0.75,
        -0.0, 1.0, -0.5, -0.0,
    ];
    const DEFECTIVE: [f64; 25] = [
        1.25, 1.0, -0.5, 1.0, 2.75, -0.75, 2.0, 1.25, 0.25, 3.5, 2.0, -0.5, 1.0, 1.75, 0.75, 1.75, 1.0, 1.75, 2.75,
        0.25, 1.25, 0.5, 1.25, -0.5, 0.25,
    ];

    fn near(got: Option<f64>, wanted: f64) {
        assert!((got.unwrap() - wanted).abs() < 1e-12, "{got:?} for {wanted}");
    }

    #[test]
    fn metrics_match_scikit_learn() {
        // y = r_[zeros(40), ones(25)]; s = r_[h, d]
        let ranking = Ranking::new(&HEALTHY, &DEFECTIVE).unwrap();
        // roc_auc_score(y, s)
        near(ranking.auroc(), 0.8624999999999999);
        // average_precision_score(y, s)
        near(ranking.average_precision(), 0.825103556758423);
        // p, r, t = precision_recall_curve(y, s); f = 2 * p * r / (p + r); f.max(), t[f.argmax()]
        let (f1, threshold) = ranking.best_f1().unwrap();
        near(Some(f1), 0.7636363636363636);
        // Flagged from 0.25 on: above the score before it.
        assert_eq!(threshold, 0.0);
        // fpr, tpr, t = roc_curve(y, s, drop_intermediate=False): 20 points
        let roc = ranking.roc();
        assert_eq!(roc.len(), 20);
        let first: Vec<(f64, f64)> = roc[..6].iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(first, [(0.0, 0.0), (0.0, 0.04), (0.0, 0.12), (0.0, 0.2), (0.0, 0.32), (0.025, 0.48)]);
        assert_eq!(roc.last().map(|p| (p.x, p.y)), Some((1.0, 1.0)));
        // len(p) - 1, p[0], r[0]
        let pr = ranking.pr();
        assert_eq!((pr.len(), pr.last().map(|p| (p.x, p.y))), (19, Some((1.0, 25.0 / 65.0))));
        // Every point agrees with its threshold's confusion matrix.
        for p in roc {
            let confusion = ranking.confusion(p.threshold);
            assert_eq!((confusion.false_alarm_share(), confusion.caught_share()), (Some(p.x), Some(p.y)));
        }
        for p in pr {
            let confusion = ranking.confusion(p.threshold);
            assert_eq!((confusion.caught_share(), confusion.precision()), (Some(p.x), Some(p.y)));
        }
    }

    #[test]
    fn metrics_need_both_classes() {
        let healthy = Ranking::new(&HEALTHY, &[]).unwrap();
        assert_eq!((healthy.auroc(), healthy.average_precision(), healthy.best_f1()), (None, None, None));
        assert!(healthy.roc().is_empty() && healthy.pr().is_empty());
        let metrics = healthy.metrics([Some(0.0), None]);
        assert_eq!((metrics.healthy, metrics.defective, metrics.auroc, metrics.caught_at_1), (40, 0, None, None));
        // Recall at a given threshold needs defective images only.
        let defective = Ranking::new(&[], &DEFECTIVE).unwrap().metrics([Some(1.0), None]);
        assert_eq!((defective.f1, defective.caught_at_5), (None, None));
        near(defective.caught_at_1.map(|e| e.value), 12.0 / 25.0);
        assert!(Ranking::new(&[], &[]).unwrap().metrics([None; 2]).auroc.is_none());
        assert!(Ranking::new(&[f64::NAN], &[]).is_none());
    }

    #[test]
    fn intervals_contain_their_metric_and_are_reproducible() {
        let ranking = Ranking::new(&HEALTHY, &DEFECTIVE).unwrap();
        let metrics = ranking.metrics([Some(1.0), Some(0.5)]);
        assert_eq!(metrics, ranking.metrics([Some(1.0), Some(0.5)]));
        let all = [metrics.auroc, metrics.average_precision, metrics.f1, metrics.caught_at_1, metrics.caught_at_5];
        for e in all.map(Option::unwrap) {
            assert!(e.low < e.value && e.value < e.high, "{e:?}");
        }
        // numpy: quantile([auroc(choice(h, 40), choice(d, 25)) for _ in range(20_000)], [0.025, 0.975])
        let auroc = metrics.auroc.unwrap();
        assert!((auroc.low - 0.7585).abs() < 0.012 && (auroc.high - 0.949).abs() < 0.012);
        // scipy: binom.ppf([0.025, 0.975], 25, 12 / 25) / 25
        let caught = metrics.caught_at_1.unwrap();
        assert!((caught.low - 0.28).abs() < 0.05 && (caught.high - 0.68).abs() < 0.05, "{caught:?}");
    }

    #[test]
    fn perfect_separation_of_few_parts_is_no_certainty() {
        let scores = |n: usize, from: f64| (0..n).map(|i| from + i as f64).collect::<Vec<_>>();
        let metrics = |n: usize, m: usize| {
            Ranking::new(&scores(n, 0.0), &scores(m, 1_000.0)).unwrap().metrics([Some(500.0), None])
        };
        for (healthy, defective) in [(5, 4), (1, 1), (12, 7), (300, 200)] {
            let m = metrics(healthy, defective);
            for e in [m.auroc, m.average_precision, m.f1, m.caught_at_1].map(Option::unwrap) {
                assert!((e.value - 1.0).abs() < 1e-9 && e.high > 1.0 - 1e-9, "{e:?}");
                let fewest = healthy.min(defective) as f64;
                // scipy.stats.binomtest(n, n).proportion_ci(method="wilson")
                assert!((e.low - fewest / (fewest + 3.841_458_820_694_124)).abs() < 1e-9, "{e:?}");
            }
        }
        let few = metrics(5, 4);
        let why = few.auroc.unwrap().interval(few.healthy, few.defective).unwrap_err();
        assert_eq!(why, "An interval needs at least 5 healthy and 5 defective parts; there are 5 and 4.");
        let enough = metrics(12, 7);
        assert!(enough.auroc.unwrap().interval(enough.healthy, enough.defective).is_ok());
        // The other end is treated alike.
        let wrong = Ranking::new(&scores(9, 100.0), &scores(9, 0.0)).unwrap().metrics([None; 2]).auroc.unwrap();
        assert!(wrong.low == 0.0 && wrong.high > 0.2, "{wrong:?}");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
