//! How well scores tell defective from healthy. A score flags an image when it lies above a threshold.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Samples that an interval is drawn from.
pub const RESAMPLES: usize = 1_000;

/// Seed of those samples: the same scores always give the same interval.
const SEED: u64 = 2_017;

/// A figure and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// One point of a curve: what flagging the scores above `threshold` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The threshold.
    pub threshold: f64,
    /// ROC: share of healthy images flagged. Precision and recall: share of defective images flagged.
    pub x: f64,
    /// ROC: share of defective images flagged. Precision and recall: share of the flagged that is defective.
    pub y: f64,
}

/// How many images of either kind were flagged at a threshold.
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

/// The scores of labelled images, highest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Score, and whether the image is defective.
    ranked: Vec<(f64, bool)>,
    healthy: usize,
    defective: usize,
}

/// What one pass over a ranking finds.
#[derive(Clone, Copy, Debug, Default)]
struct Areas {
    auroc: f64,
    precision: f64,
    f1: f64,
    /// The threshold that `f1` is reached at.
    at: f64,
}

impl Ranking {
    /// `None` when a score is not a number.
    pub fn new(healthy: &[f64], defective: &[f64]) -> Option<Self> {
        let mut ranked: Vec<(f64, bool)> =
            healthy.iter().map(|&s| (s, false)).chain(defective.iter().map(|&s| (s, true))).collect();
        if ranked.iter().any(|(s, _)| s.is_nan()) {
            return None;
        }
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        Some(Self { ranked, healthy: healthy.len(), defective: defective.len() })
    }

    /// Healthy and defective images.
    pub fn counts(&self) -> (usize, usize) {
        (self.healthy, self.defective)
    }

    fn has_both(&self) -> bool {
        self.healthy > 0 && self.defective > 0
    }

    /// Area under the ROC curve; `None` when either kind is missing.
    pub fn auroc(&self) -> Option<f64> {
        self.has_both().then(|| self.areas(|_| 1.0).auroc)
    }

    /// Average precision: precision at each image caught, weighted by the recall that it adds; `None` when
    /// either kind is missing.
    pub fn average_precision(&self) -> Option<f64> {
        self.has_both().then(|| self.areas(|_| 1.0).precision)
    }

    /// The largest F1 that a threshold can reach, and that threshold; `None` when either kind is missing.
    pub fn best_f1(&self) -> Option<(f64, f64)> {
        self.has_both().then(|| self.areas(|_| 1.0)).map(|a| (a.f1, a.at))
    }

    /// One pass from the highest score down, each image counting as often as `weight` says.
    fn areas(&self, weight: impl Fn(usize) -> f64) -> Areas {
        let (mut good, mut bad) = (0.0, 0.0);
        for (i, (_, defective)) in self.ranked.iter().enumerate() {
            *(if *defective { &mut bad } else { &mut good }) += weight(i);
        }
        let mut areas = Areas::default();
        let (mut caught, mut alarms, mut wins) = (0.0, 0.0, 0.0);
        let mut i = 0;
        while let Some(&(score, _)) = self.ranked.get(i) {
            let (mut more, mut false_ones) = (0.0, 0.0);
            while let Some((_, defective)) = self.ranked.get(i).filter(|r| r.0 == score) {
                *(if *defective { &mut more } else { &mut false_ones }) += weight(i);
                i += 1;
            }
            // Ties count half: healthy images of this very score, and all below it.
            wins += more * (good - alarms - false_ones / 2.0);
            caught += more;
            alarms += false_ones;
            if caught > 0.0 {
                areas.precision += more / bad * caught / (caught + alarms);
                let f1 = 2.0 * caught / (caught + alarms + bad);
                if f1 > areas.f1 {
                    (areas.f1, areas.at) = (f1, self.below(i, score));
                }
            }
        }
        areas.auroc = wins / (good * bad);
        areas
    }

    /// The threshold that flags the first `i` images, the last of which has this score.
    fn below(&self, i: usize, score: f64) -> f64 {
        self.ranked.get(i).map_or(score.next_down(), |next| next.0)
    }

    /// Walks the thresholds from the highest down; `at` is given threshold, caught and false alarms.
    fn walk(&self, mut at: impl FnMut(f64, f64, f64)) {
        let (mut caught, mut alarms) = (0.0, 0.0);
        let Some(first) = self.ranked.first() else { return };
        at(first.0, 0.0, 0.0);
        for (i, (score, defective)) in self.ranked.iter().enumerate() {
            *(if *defective { &mut caught } else { &mut alarms }) += 1.0;
            let next = self.below(i + 1, *score);
            if next < *score {
                at(next, caught, alarms);
            }
        }
    }

    /// The ROC curve from (0, 0) to (1, 1), a point for each threshold; empty when either kind is missing.
    pub fn roc(&self) -> Vec<CurvePoint> {
        let mut points = Vec::new();
        if self.has_both() {
            let (good, bad) = (self.healthy as f64, self.defective as f64);
            self.walk(|threshold, caught, alarms| {
                points.push(CurvePoint { threshold, x: alarms / good, y: caught / bad })
            });
        }
        points
    }

    /// Precision over recall by rising recall, a point for each threshold that flags something; empty when
    /// either kind is missing.
    pub fn pr(&self) -> Vec<CurvePoint> {
        let mut points = Vec::new();
        if self.has_both() {
            let bad = self.defective as f64;
            self.walk(|threshold, caught, alarms| {
                if let Some(y) = share(caught, caught + alarms) {
                    points.push(CurvePoint { threshold, x: caught / bad, y });
                }
            });
        }
        points
    }

    /// How many of either kind lie above a threshold.
    pub fn confusion(&self, threshold: f64) -> Confusion {
        let mut confusion = Confusion::default();
        self.ranked.iter().for_each(|(score, defective)| confusion.add(*defective, *score > threshold));
        confusion
    }

    /// Every figure with its interval: the images are drawn anew [`RESAMPLES`] times, healthy and defective
    /// ones apart. `thresholds` are where shares of defective images caught are wanted; those stay put.
    pub fn metrics(&self, thresholds: [Option<f64>; 2]) -> Metrics {
        let caught = |threshold: f64, weight: &dyn Fn(usize) -> f64| {
            let (mut above, mut all) = (0.0, 0.0);
            for (i, (score, defective)) in self.ranked.iter().enumerate() {
                if *defective {
                    all += weight(i);
                    above += if *score > threshold { weight(i) } else { 0.0 };
                }
            }
            above / all
        };
        let figures = |weight: &dyn Fn(usize) -> f64| {
            let areas = if self.has_both() { self.areas(weight) } else { Areas::default() };
            let [one, five] = thresholds.map(|t| t.map_or(0.0, |t| caught(t, weight)));
            [areas.auroc, areas.precision, areas.f1, one, five]
        };
        let value = figures(&|_| 1.0);
        let mut drawn: [Vec<f64>; 5] = Default::default();
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (i, (_, defective)) in self.ranked.iter().enumerate() {
            (if *defective { &mut bad } else { &mut good }).push(i);
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
            figures(&|i| weights[i]).iter().zip(&mut drawn).for_each(|(v, all)| all.push(*v));
        }
        drawn.iter_mut().for_each(|all| all.sort_by(f64::total_cmp));
        let estimate = |i: usize| Estimate {
            value: value[i],
            low: quantile(&drawn[i], 0.025).unwrap_or(value[i]),
            high: quantile(&drawn[i], 0.975).unwrap_or(value[i]),
        };
        let both = |i| self.has_both().then(|| estimate(i));
        let at = |i: usize, t: Option<f64>| t.filter(|_| self.defective > 0).map(|_| estimate(i));
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

/// How well one score tells defective from healthy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Healthy images.
    pub healthy: usize,
    /// Defective images.
    pub defective: usize,
    /// Area under the ROC curve; this and the next two need images of both kinds.
    pub auroc: Option<Estimate>,
    /// Average precision.
    pub average_precision: Option<Estimate>,
    /// The largest F1 of any threshold: it is chosen on the tested images, so it flatters.
    pub f1: Option<Estimate>,
    /// That threshold.
    pub f1_threshold: Option<f64>,
    /// Share of defective images caught at a promise of 1 false alarm in 100 good parts, the threshold being
    /// set on held-out healthy images alone; `None` where too few of them can promise that.
    pub caught_at_1: Option<Estimate>,
    /// The same at 5 in 100.
    pub caught_at_5: Option<Estimate>,
}

/// Area under the ROC curve: the share of (defective, healthy) pairs in which the defective one scores
/// higher, ties counting half (Mann and Whitney 1947). `None` when either side is empty or a score is
/// not a number.
pub fn auroc(healthy: &[f64], defective: &[f64]) -> Option<f64> {
    Ranking::new(healthy, defective)?.auroc()
}

/// The middle value, the mean of the middle two for an even count; `None` for none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// The value below which this share of the sorted values lies, between two of them in proportion.
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
    fn figures_are_those_of_scikit_learn() {
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
        // Every point is what its threshold comes to.
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
    fn one_kind_alone_has_no_figures() {
        let healthy = Ranking::new(&HEALTHY, &[]).unwrap();
        assert_eq!((healthy.auroc(), healthy.average_precision(), healthy.best_f1()), (None, None, None));
        assert!(healthy.roc().is_empty() && healthy.pr().is_empty());
        let metrics = healthy.metrics([Some(0.0), None]);
        assert_eq!((metrics.healthy, metrics.defective, metrics.auroc, metrics.caught_at_1), (40, 0, None, None));
        // Caught at a threshold that others set: that needs defective images alone.
        let defective = Ranking::new(&[], &DEFECTIVE).unwrap().metrics([Some(1.0), None]);
        assert_eq!((defective.f1, defective.caught_at_5), (None, None));
        near(defective.caught_at_1.map(|e| e.value), 12.0 / 25.0);
        assert!(Ranking::new(&[], &[]).unwrap().metrics([None; 2]).auroc.is_none());
        assert!(Ranking::new(&[f64::NAN], &[]).is_none());
    }

    #[test]
    fn intervals_hold_their_figure_and_are_the_same_every_time() {
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
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
