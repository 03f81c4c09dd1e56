//! Pixel-level localisation metrics of the maps.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::inspect::{Outcome, calibration::MapScale};

/// An anomaly map of an inspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvaluatedMap {
    /// Absolute difference |x - G(z)|.
    Difference,
    /// Residual in D's features.
    Feature,
    /// The critic's standardised logit.
    Critic,
    /// Mahalanobis distance of the critic's features, standardised.
    Distance,
}

impl EvaluatedMap {
    /// All maps, in display order.
    pub const ALL: [Self; 4] = [Self::Difference, Self::Feature, Self::Critic, Self::Distance];

    /// Key in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Difference => "difference",
            Self::Feature => "feature",
            Self::Critic => "critic",
            Self::Distance => "critic_distance",
        }
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Difference => "Difference",
            Self::Feature => "Feature residual",
            Self::Critic => "Critic",
            Self::Distance => "Critic distance",
        }
    }

    /// Upper end of its colour scale.
    pub(crate) fn upper(self, scale: &MapScale) -> f32 {
        match self {
            Self::Difference => scale.difference,
            Self::Feature => scale.feature,
            Self::Critic => scale.critic,
            Self::Distance => scale.distance,
        }
    }

    /// Unit of its values.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Difference => "per pixel",
            Self::Feature => "per feature",
            Self::Critic | Self::Distance => "σ",
        }
    }

    /// Describes its values in a phrase.
    pub(crate) fn quantity(self) -> &'static str {
        match self {
            Self::Difference => {
                "absolute difference between image and reconstruction, per pixel, on a grey scale from −1 (black) to 1 \
                 (white)"
            }
            Self::Feature => "distance between image and reconstruction in the features of D's third layer",
            Self::Critic => "the critic's logit for damage, in standard deviations of healthy images",
            Self::Distance => "distance of the critic's features from healthy ones, in standard deviations",
        }
    }

    /// The map of an outcome, larger where more anomalous; `None` if the model does not produce it.
    pub fn of(self, outcome: &Outcome) -> Option<Cow<'_, [f32]>> {
        let map: Cow<'_, [f32]> = match self {
            Self::Difference => outcome.difference.iter().map(|v| v.abs()).collect(),
            Self::Feature => Cow::Borrowed(&outcome.feature),
            Self::Critic => Cow::Borrowed(&outcome.critic.as_ref()?.logit),
            Self::Distance => Cow::Borrowed(&outcome.critic.as_ref()?.distance),
        };
        (map.len() == outcome.query.pixels()).then_some(map)
    }
}

/// Localisation metrics of one map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelMetrics {
    /// The map.
    pub map: EvaluatedMap,
    /// Pixels outside every mask.
    pub healthy: u64,
    /// Pixels inside a mask.
    pub defective: u64,
    /// Number of connected defects.
    pub regions: usize,
    /// Pixel-level area under the ROC curve.
    pub auroc: Option<f64>,
    /// Area under the per-region overlap curve up to a false-positive rate of 0.3, normalised by 0.3.
    pub aupro: Option<f64>,
    /// Best intersection over union of any threshold.
    pub iou: Option<f64>,
    /// That threshold: pixels of at least this value are flagged.
    pub iou_threshold: Option<f64>,
}

/// False-positive rate up to which the overlap is integrated (Bergmann et al. 2019).
const MAX_FPR: f64 = 0.3;

/// Number of histogram bins.
const BINS: usize = 1 << 16;

/// The bin of a value: the upper half of its bits, mapped so that bins are ordered like values. Values within one part
/// in 128 may share a bin. NaN is in the lowest bin.
fn bin(value: f32) -> u16 {
    let bits = if value.is_nan() { u32::MAX } else { (value + 0.0).to_bits() };
    ((if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }) >> 16) as u16
}

/// The smallest value of a bin.
fn value(bin: u16) -> f32 {
    let bits = u32::from(bin) << 16;
    f32::from_bits(if bits >> 31 == 1 { bits & !(1 << 31) } else { !bits })
}

/// A sparse histogram: alternating bin gaps and counts, in increasing order of bins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PixelHistogram(Vec<u32>);

impl PixelHistogram {
    /// Builds the histogram of these values.
    pub fn of(values: impl Iterator<Item = f32>) -> Self {
        Self::from_bins(values.map(bin).collect())
    }

    fn from_bins(mut bins: Vec<u16>) -> Self {
        bins.sort_unstable();
        let (mut flat, mut before) = (Vec::new(), 0);
        for same in bins.chunk_by(|a, b| a == b) {
            let own = u32::from(same[0]);
            flat.extend([own - before, same.len() as u32]);
            before = own;
        }
        Self(flat)
    }

    /// Bins and counts, in increasing order of bins.
    fn counts(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let mut at = 0_usize;
        self.0.as_chunks::<2>().0.iter().map(move |[gap, count]| {
            at = at.saturating_add(*gap as usize);
            (at.min(BINS - 1), *count)
        })
    }

    /// Number of values.
    pub(crate) fn total(&self) -> u64 {
        self.counts().map(|(_, count)| u64::from(count)).sum()
    }
}

/// Histograms of one map of one image; all that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelCounts {
    /// The map.
    pub map: EvaluatedMap,
    /// Values outside the mask.
    pub healthy: PixelHistogram,
    /// Values inside the mask, per connected defect.
    pub defects: Vec<PixelHistogram>,
}

impl PixelCounts {
    /// Histograms of every map of an outcome. `mask` marks the defect, `None` for a healthy image; pixels that were not
    /// inspected are ignored.
    pub fn of(outcome: &Outcome, mask: Option<&[bool]>) -> Vec<Self> {
        let width = outcome.query.width();
        let (marks, defects) = mask.map_or((Vec::new(), 0), |mask| components(mask, width));
        let inside = |i: &usize| outcome.inspected.as_ref().is_none_or(|all| all[*i]);
        let counted = |map: EvaluatedMap| {
            let values = map.of(outcome)?;
            let mut apart = vec![Vec::new(); defects + 1];
            for i in (0..values.len()).filter(inside) {
                apart[marks.get(i).copied().unwrap_or(0)].push(bin(values[i]));
            }
            let mut histograms = apart.into_iter().map(PixelHistogram::from_bins);
            let healthy = histograms.next().unwrap_or_default();
            Some(Self { map, healthy, defects: histograms.filter(|h| !h.0.is_empty()).collect() })
        };
        EvaluatedMap::ALL.into_iter().filter_map(counted).collect()
    }
}

/// Labels the 8-connected components of a mask from 1; 0 is outside. Returns the labels and their number.
fn components(mask: &[bool], width: usize) -> (Vec<usize>, usize) {
    let height = mask.len() / width.max(1);
    let (mut marks, mut found) = (vec![0; mask.len()], 0);
    let mut due = Vec::new();
    for start in 0..width * height {
        if !mask[start] || marks[start] > 0 {
            continue;
        }
        found += 1;
        marks[start] = found;
        due.push(start);
        while let Some(i) = due.pop() {
            let (x, y) = (i % width, i / width);
            for v in y.saturating_sub(1)..(y + 2).min(height) {
                for u in x.saturating_sub(1)..(x + 2).min(width) {
                    let near = v * width + u;
                    if mask[near] && marks[near] == 0 {
                        marks[near] = found;
                        due.push(near);
                    }
                }
            }
        }
    }
    (marks, found)
}

/// Accumulated histograms of one map over all images.
#[derive(Clone, Debug)]
pub struct PixelTotals {
    map: EvaluatedMap,
    healthy: Vec<u64>,
    defective: Vec<u64>,
    /// Sum over defects of the share of each that falls in this bin.
    shares: Vec<f64>,
    regions: usize,
}

impl PixelTotals {
    /// Empty totals.
    pub fn new(map: EvaluatedMap) -> Self {
        let none = vec![0; BINS];
        Self { map, healthy: none.clone(), defective: none, shares: vec![0.0; BINS], regions: 0 }
    }

    /// Adds an image; histograms of other maps are ignored.
    pub fn add(&mut self, counts: &PixelCounts) {
        if counts.map != self.map {
            return;
        }
        counts.healthy.counts().for_each(|(bin, count)| self.healthy[bin] += u64::from(count));
        for defect in &counts.defects {
            let area = defect.total().max(1) as f64;
            self.regions += 1;
            for (bin, count) in defect.counts() {
                self.defective[bin] += u64::from(count);
                self.shares[bin] += f64::from(count) / area;
            }
        }
    }

    /// Computes the metrics.
    pub fn metrics(&self) -> PixelMetrics {
        let (healthy, defective): (u64, u64) = (self.healthy.iter().sum(), self.defective.iter().sum());
        let mut metrics = PixelMetrics {
            map: self.map,
            healthy,
            defective,
            regions: self.regions,
            auroc: None,
            aupro: None,
            iou: None,
            iou_threshold: None,
        };
        if healthy == 0 || defective == 0 {
            return metrics;
        }
        let (good, bad, regions) = (healthy as f64, defective as f64, self.regions as f64);
        let (mut alarms, mut caught, mut overlap) = (0.0, 0.0, 0.0);
        let (mut auroc, mut aupro, mut iou, mut at) = (0.0, 0.0, 0.0, 0.0);
        for bin in (0..BINS).rev() {
            let (more, hits) = (self.healthy[bin] as f64, self.defective[bin] as f64);
            if more + hits == 0.0 {
                continue;
            }
            auroc += hits * (good - alarms - more / 2.0);
            let (from, to) = (alarms / good, (alarms + more) / good);
            let (low, high) = (overlap / regions, (overlap + self.shares[bin]) / regions);
            if to <= MAX_FPR {
                aupro += (to - from) * (low + high) / 2.0;
            } else if from < MAX_FPR {
                // The last segment is cut at the limit.
                let cut = low + (high - low) * (MAX_FPR - from) / (to - from);
                aupro += (MAX_FPR - from) * (low + cut) / 2.0;
            }
            (alarms, caught, overlap) = (alarms + more, caught + hits, overlap + self.shares[bin]);
            let shared = caught / (alarms + bad);
            if shared > iou {
                (iou, at) = (shared, f64::from(value(bin as u16)));
            }
        }
        metrics.auroc = Some(auroc / (good * bad));
        metrics.aupro = Some(aupro / MAX_FPR);
        (metrics.iou, metrics.iou_threshold) = (Some(iou), Some(at));
        metrics
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inspect::{InvertKnobs, Judged, NoVerdict, Planes, Scores};

    const WIDTH: usize = 24;
    const HEIGHT: usize = 20;

    fn outcome(difference: Vec<f32>, inspected: Option<Vec<bool>>) -> Outcome {
        let planes = Planes::new(WIDTH, HEIGHT, 1, vec![0.0; WIDTH * HEIGHT]).unwrap();
        Outcome {
            query: Arc::new(planes.clone()),
            reconstruction: planes,
            exposure: None,
            critic: None,
            feature: difference.iter().map(|v| v.abs().sqrt()).collect(),
            difference,
            inspected,
            judged: Judged::without(Scores::default(), NoVerdict::NotCalibrated),
            knobs: InvertKnobs::default(),
            records: vec![],
            steps: 0,
            tiles: 1,
            seconds: 0.0,
        }
    }

    /// Three maps in 64ths with their masks: one healthy, two whose defects are raised by `lift`.
    fn maps() -> Vec<(Outcome, Option<Vec<bool>>)> {
        let noise = |seed: u64| {
            let mut x = seed;
            (0..WIDTH * HEIGHT).map(move |_| {
                x = (x * 1_103_515_245 + 12_345) % (1 << 31);
                (x >> 16) % 40
            })
        };
        let made = |seed, lift: u64, inside: fn(usize, usize) -> bool| {
            let mask: Vec<bool> = (0..WIDTH * HEIGHT).map(|i| inside(i % WIDTH, i / WIDTH)).collect();
            let map = noise(seed).zip(&mask).map(|(v, m)| (v + lift * u64::from(*m)) as f32 / 64.0).collect();
            let marked = mask.contains(&true);
            (outcome(map, None), marked.then_some(mask))
        };
        vec![
            made(1, 0, |_, _| false),
            made(2, 14, |x, y| {
                (3..9).contains(&x) && (2..7).contains(&y)
                    || (x, y) == (9, 7)
                    || (15..23).contains(&x) && (12..15).contains(&y)
            }),
            made(3, 9, |x, y| y == 5 || x == y && (10..12).contains(&x) || x >= 20 && y >= 18),
        ]
    }

    fn totals(maps: &[(Outcome, Option<Vec<bool>>)], map: EvaluatedMap) -> PixelTotals {
        let mut totals = PixelTotals::new(map);
        for (outcome, mask) in maps {
            PixelCounts::of(outcome, mask.as_deref()).iter().for_each(|c| totals.add(c));
        }
        totals
    }

    #[test]
    fn bins_are_ordered_and_know_their_lower_edge() {
        let values = [-7.0, -0.51, -0.5, -1e-9, 0.0, 1e-20, 0.1, 0.1008, 1.0, 1.999, 3e30];
        assert!(values.windows(2).all(|w| bin(w[0]) <= bin(w[1])));
        assert!(values.windows(2).filter(|w| bin(w[0]) == bin(w[1])).count() <= 2);
        assert_eq!((bin(-0.0), bin(0.0)), (1 << 15, 1 << 15));
        assert!(bin(f32::NAN) < bin(f32::NEG_INFINITY) || bin(f32::NAN) == 0);
        for v in values {
            let low = value(bin(v));
            assert!(low <= v && v - low <= v.abs() / 127.0 + 1e-30, "{v}: {low}");
        }
        assert_eq!(value(bin(0.375)), 0.375);
    }

    #[test]
    fn metrics_match_their_definitions() {
        // With v, t the values and truths of all pixels, c the values of each part that scipy.ndimage.label finds
        // with structure=ones((3, 3)), and good = v[t == 0]:
        //   roc_auc_score(t, v)
        //   trapezoid of mean over c of (c >= s).mean() over (good >= s).mean() up to 0.3, divided by 0.3
        //   max over s of ((v >= s) & t).sum() / ((v >= s) | t).sum()
        let metrics = totals(&maps(), EvaluatedMap::Difference).metrics();
        assert_eq!((metrics.healthy, metrics.defective, metrics.regions), (1_351, 89, 5));
        let near = |got: Option<f64>, wanted: f64| assert!((got.unwrap() - wanted).abs() < 1e-12, "{got:?}");
        near(metrics.auroc, 0.7470537845457796);
        near(metrics.aupro, 0.38474265573541877);
        near(metrics.iou, 0.33707865168539325);
        near(metrics.iou_threshold, 0.625);
        // The same order of pixels, except for neighbouring values in one bin.
        let feature = totals(&maps(), EvaluatedMap::Feature).metrics();
        assert!((feature.auroc.unwrap() - 0.747).abs() < 2e-3 && (feature.aupro.unwrap() - 0.385).abs() < 3e-3);
    }

    #[test]
    fn what_was_not_inspected_does_not_count() {
        let mut maps = maps();
        let left: Vec<bool> = (0..WIDTH * HEIGHT).map(|i| i % WIDTH < 12).collect();
        maps[1].0.inspected = Some(left);
        let metrics = totals(&maps, EvaluatedMap::Difference).metrics();
        assert_eq!((metrics.regions, metrics.defective), (4, 89 - 24));
        assert_eq!(metrics.healthy, 1_351 - 240 + 24);
    }

    #[test]
    fn without_defects_there_are_no_metrics() {
        let metrics = totals(&maps()[..1], EvaluatedMap::Difference).metrics();
        assert_eq!((metrics.auroc, metrics.aupro, metrics.iou, metrics.healthy), (None, None, None, 480));
    }

    #[test]
    fn a_histogram_survives_serde_and_invalid_numbers() {
        let histogram = PixelHistogram::of([0.5, 0.25, 0.5, 3.0].into_iter());
        let text = serde_json::to_string(&histogram).unwrap();
        let back: PixelHistogram = serde_json::from_str(&text).unwrap();
        assert_eq!((back.total(), &back), (4, &histogram));
        let corrupt: PixelHistogram = serde_json::from_str("[4294967295, 1, 4294967295, 2, 9]").unwrap();
        assert!(corrupt.counts().all(|(bin, _)| bin < BINS) && corrupt.total() == 3);
    }
}
