//! The limit above which a score is a clear outlier among those of its group.

/// Minimum number of scores: the quartiles of fewer are too uncertain for a limit.
pub(crate) const MIN_SCORES: usize = 20;

/// The far-out fence is this many interquartile ranges above the upper quartile (Tukey 1977).
const FAR_OUT: f64 = 3.0;

/// Minimum interquartile range, in units of the logit, once raised for skewness: scores that hardly differ have no
/// outliers.
const MIN_RANGE: f64 = 0.5;

/// Weight of the medcouple in the exponent of the adjusted fence (Hubert & Vandervieren 2008).
const SKEW: f64 = 3.0;

/// The limit above which a score is far out: Tukey's outer fence, raised for skewed scores as in the adjusted boxplot. The
/// skewness is that of the scores within the plain fence, so that outliers do not hide themselves. Values that are not
/// finite do not count; `None` for fewer than [`MIN_SCORES`].
pub(crate) fn upper_limit(scores: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = scores.iter().copied().filter(|score| score.is_finite()).collect();
    if sorted.len() < MIN_SCORES {
        return None;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let plain = fence(&sorted, 0.0);
    let inner = &sorted[..sorted.partition_point(|score| *score <= plain)];
    Some(plain.max(fence(inner, medcouple(inner).max(0.0))))
}

/// The outer fence of sorted scores with this skewness.
fn fence(sorted: &[f64], skewness: f64) -> f64 {
    let (lower, upper) = (quantile(sorted, 0.25), quantile(sorted, 0.75));
    upper + FAR_OUT * ((SKEW * skewness).exp() * (upper - lower)).max(MIN_RANGE)
}

/// A quantile of sorted values, interpolated linearly; 0 of none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let value = |i: usize| sorted.get(i).or(sorted.last()).copied().unwrap_or(0.0);
    let (low, high) = (value(at as usize), value(at as usize + 1));
    low + (high - low) * at.fract()
}

/// Values on either side of the median that the medcouple compares: it is quadratic in them.
const MAX_SIDE: usize = 500;

/// The medcouple of sorted values, a robust skewness from -1 to 1 (Brys, Hubert & Struyf 2004); values equal to the median
/// do not count.
fn medcouple(sorted: &[f64]) -> f64 {
    let median = quantile(sorted, 0.5);
    let thinned = |side: &[f64]| -> Vec<f64> {
        let count = side.len().min(MAX_SIDE);
        (0..count).map(|i| side[i * side.len() / count]).collect()
    };
    let below = thinned(&sorted[..sorted.partition_point(|value| *value < median)]);
    let above = thinned(&sorted[sorted.partition_point(|value| *value <= median)..]);
    let kernel = |a: f64, b: f64| ((b - median) - (median - a)) / (b - a);
    let mut all: Vec<f64> = above.iter().flat_map(|&b| below.iter().map(move |&a| kernel(a, b))).collect();
    all.sort_unstable_by(f64::total_cmp);
    quantile(&all, 0.5)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Scores of healthy images: the largest of many values follows a Gumbel distribution; the other is exponential.
    fn healthy(n: usize, exponential: bool, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let one = |rng: &mut ChaCha8Rng| -(1.0 - rng.random_range(0.0..1.0_f64)).ln();
        (0..n).map(|_| if exponential { one(rng) } else { -one(rng).ln() }).collect()
    }

    fn beyond(scores: &[f64]) -> usize {
        upper_limit(scores).map_or(0, |limit| scores.iter().filter(|score| **score > limit).count())
    }

    #[test]
    fn practically_no_clean_score_is_beyond_the_limit() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (n, exponential, most) in
            [(20, false, 0.006), (40, false, 0.004), (200, false, 0.0015), (40, true, 0.006), (200, true, 0.0015)]
        {
            let all: usize = (0..300).map(|_| beyond(&healthy(n, exponential, &mut rng))).sum();
            let share = all as f64 / (300 * n) as f64;
            assert!(share <= most, "{n} {exponential} {share}");
        }
    }

    #[test]
    fn up_to_a_tenth_of_clear_outliers_is_beyond_the_limit() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for (n, bad) in [(20, 1), (20, 2), (40, 4), (200, 10), (200, 20)] {
            let (mut found, mut false_alarms) = (0, 0);
            for _ in 0..100 {
                let mut scores = healthy(n, false, &mut rng);
                // Ten standard deviations of a Gumbel distribution above its mean.
                scores[..bad].iter_mut().for_each(|score| *score = 13.4 + rng.random_range(-1.0..1.0));
                let limit = upper_limit(&scores).unwrap();
                found += scores[..bad].iter().filter(|score| **score > limit).count();
                false_alarms += scores[bad..].iter().filter(|score| **score > limit).count();
            }
            assert!(found as f64 >= 0.7 * (100 * bad) as f64, "{n} {bad}: {found}");
            assert!(false_alarms as f64 <= 0.004 * (100 * (n - bad)) as f64, "{n} {bad}: {false_alarms}");
        }
    }

    #[test]
    fn few_equal_or_missing_scores_have_no_outliers() {
        let mut scores = vec![0.0; MIN_SCORES - 2];
        scores.push(100.0);
        assert_eq!(upper_limit(&scores), None);
        // What is not finite does not count.
        scores.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!(upper_limit(&scores), None);
        scores.push(0.0);
        assert_eq!((upper_limit(&scores), beyond(&scores[..MIN_SCORES - 1])), (Some(1.5), 0));
        // Equal scores: one has to differ by something that means anything.
        let near: Vec<f64> = (0..40).map(|i| if i == 0 { 1.4 } else { 0.0 }).collect();
        assert_eq!((beyond(&near), beyond(&[1.6; 40])), (0, 0));
        let far: Vec<f64> = (0..40).map(|i| if i < 2 { 1.6 } else { 0.0 }).collect();
        assert_eq!(beyond(&far), 2);
        // The skewness of scores that hardly differ means nothing either.
        let skewed: Vec<f64> = (0..40).map(|i| if i < 2 { 2.0 } else { (f64::from(i) / 10.0).exp() / 400.0 }).collect();
        assert_eq!(beyond(&skewed), 2);
        assert_eq!(upper_limit(&[]), None);
    }

    #[test]
    fn the_medcouple_measures_skewness() {
        let of = |values: &[f64]| medcouple(values);
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0, 5.0]), 0.0);
        // The kernel of (1, 6), (2, 6), (1, 12) and (2, 12) around the median 3: 0.2, 0.5, 0.636 and 0.8.
        assert!((of(&[1.0, 2.0, 3.0, 6.0, 12.0]) - (0.5 + 7.0 / 11.0) / 2.0).abs() < 1e-9);
        assert_eq!(of(&[7.0; 9]), 0.0);
        // Quantiles of an exponential distribution, of which the medcouple is known.
        let values: Vec<f64> = (0..5_000).map(|i| -(1.0 - (f64::from(i) + 0.5) / 5_000.0).ln()).collect();
        assert!((of(&values) - 0.33).abs() < 0.01, "{}", of(&values));
    }
}
