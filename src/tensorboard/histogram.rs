//! Histograms in TensorBoard's exponential buckets.

use std::sync::OnceLock;

/// The distribution of a set of values, such as a layer's weights or gradients.
///
/// Bucket `i` counts the values `v` with `limits[i - 1] <= v < limits[i]`; the first bucket begins at `min`. On either side of
/// zero, limits grow by 10 % each from 1e-12 to 1e20, with a last bucket beyond. Consecutive empty buckets are merged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BucketHistogram {
    /// Smallest value; 0 if there is none.
    pub min: f64,
    /// Largest value; 0 if there is none.
    pub max: f64,
    /// Number of values.
    pub num: f64,
    /// Sum of the values.
    pub sum: f64,
    /// Sum of their squares.
    pub sum_squares: f64,
    /// Upper limits of the buckets, ascending.
    pub limits: Vec<f64>,
    /// Number of values in each bucket, one per limit.
    pub counts: Vec<f64>,
}

/// Smallest positive limit.
const FIRST: f64 = 1e-12;
/// Ratio of neighbouring limits.
const GROWTH: f64 = 1.1;
/// Exclusive bound of the limits.
const LAST: f64 = 1e20;

/// Returns the positive limits, the last of which is the largest finite number.
fn positive_limits() -> &'static [f64] {
    static LIMITS: OnceLock<Vec<f64>> = OnceLock::new();
    LIMITS.get_or_init(|| {
        let mut limits: Vec<f64> = std::iter::successors(Some(FIRST), |limit| Some(limit * GROWTH))
            .take_while(|&limit| limit < LAST)
            .collect();
        limits.push(f64::MAX);
        limits
    })
}

impl BucketHistogram {
    /// Counts the finite values; NaN and infinities are ignored.
    pub fn of(values: &[f32]) -> Self {
        let limits = positive_limits();
        let side = limits.len();
        // Buckets from the most negative to the most positive: the limits are -limits reversed, 0, limits.
        let mut counts = vec![0u64; 2 * side + 1];
        let mut this = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, ..Self::default() };
        let mut num = 0u64;
        for value in values.iter().map(|&v| f64::from(v)) {
            if !value.is_finite() {
                continue;
            }
            num += 1;
            this.min = this.min.min(value);
            this.max = this.max.max(value);
            this.sum += value;
            this.sum_squares += value * value;
            let bucket = if value >= 0.0 {
                side + 1 + limits_up_to(limits, value)
            } else {
                // The mirrored intervals are open below and closed above.
                side - limits_below(limits, -value)
            };
            if let Some(count) = counts.get_mut(bucket) {
                *count += 1;
            }
        }
        if num == 0 {
            return Self::default();
        }
        this.num = num as f64;
        let all_limits = limits.iter().rev().map(|limit| -limit).chain([0.0]).chain(limits.iter().copied());
        let mut buckets = all_limits.zip(counts).skip_while(|&(_, count)| count == 0).peekable();
        let mut left = num;
        while let Some((limit, count)) = buckets.next() {
            // The last of several empty buckets remains: its limit is the beginning of the next bucket.
            let next_is_full = buckets.peek().is_some_and(|&(_, next)| next > 0);
            if count > 0 || next_is_full {
                this.limits.push(limit);
                this.counts.push(count as f64);
            }
            left -= count;
            if left == 0 {
                break;
            }
        }
        this
    }
}

/// Returns how many limits are `<= value`, for a value of at least 0.
fn limits_up_to(limits: &[f64], value: f64) -> usize {
    let mut index = near(limits.len(), value);
    while limits.get(index).is_some_and(|&limit| limit <= value) {
        index += 1;
    }
    while index > 0 && limits.get(index - 1).is_some_and(|&limit| limit > value) {
        index -= 1;
    }
    index
}

/// Returns how many limits are `< value`, for a value above 0.
fn limits_below(limits: &[f64], value: f64) -> usize {
    let index = limits_up_to(limits, value);
    let on_a_limit = index > 0 && limits.get(index - 1) == Some(&value);
    index - usize::from(on_a_limit)
}

/// Estimates an index to within a step or two: a logarithm is several times faster than a binary search, and a model has
/// millions of weights.
fn near(limits: usize, value: f64) -> usize {
    static SCALE: OnceLock<f64> = OnceLock::new();
    let scale = *SCALE.get_or_init(|| GROWTH.ln().recip());
    // A float-to-integer cast saturates: everything below the first limit gives 0.
    ((((value / FIRST).ln() * scale) + 1.0) as usize).min(limits.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_range_are_those_of_the_finite_values() {
        let values = [1.0, -2.0, f32::NAN, 0.5, f32::INFINITY, 0.0, f32::NEG_INFINITY];
        let histogram = BucketHistogram::of(&values);
        assert_eq!((histogram.min, histogram.max), (-2.0, 1.0));
        assert_eq!((histogram.num, histogram.sum), (4.0, -0.5));
        assert_eq!(histogram.sum_squares, 5.25);
        assert_eq!(histogram.counts.iter().sum::<f64>(), 4.0);
    }

    #[test]
    fn nothing_to_count_is_an_empty_histogram() {
        assert_eq!(BucketHistogram::of(&[]), BucketHistogram::default());
        assert_eq!(BucketHistogram::of(&[f32::NAN; 3]), BucketHistogram::default());
    }

    #[test]
    fn every_value_lies_in_the_bucket_that_counts_it() {
        let magnitudes = [0.0, 1e-30, 1e-12, 1.1e-12, 3e-7, 0.999, 1.0, 17.5, 1e19, 1e20, f32::MAX];
        for value in magnitudes.into_iter().flat_map(|m| [m, -m]) {
            // Two smaller values, so that the bucket of `value` is not the first.
            let histogram = BucketHistogram::of(&[f32::MIN, f32::MIN, value]);
            let value = f64::from(value);
            let last = histogram.limits.len() - 1;
            assert!(value < histogram.limits[last], "{value}: {histogram:?}");
            if last > 0 {
                let below = histogram.limits[last - 1];
                assert!(value >= below, "{value}: {histogram:?}");
                assert_eq!(histogram.counts[last], 1.0, "{histogram:?}");
            }
        }
    }

    #[test]
    fn the_guess_agrees_with_a_plain_search_at_every_limit() {
        let limits = positive_limits();
        for &limit in limits {
            for value in [limit, limit.next_down(), limit.next_up()] {
                let plain = limits.partition_point(|&l| l <= value);
                assert_eq!(limits_up_to(limits, value), plain, "{value}");
                let plain = limits.partition_point(|&l| l < value);
                assert_eq!(limits_below(limits, value), plain, "{value}");
            }
        }
    }

    #[test]
    fn a_wide_spread_takes_few_buckets() {
        let histogram = BucketHistogram::of(&[-1.0, 1e-3, 1e-3, 1.0]);
        assert_eq!(histogram.counts, [1.0, 0.0, 2.0, 0.0, 1.0]);
        assert!(histogram.limits.is_sorted());
    }
}
