//! How well scores tell defective from healthy.

/// Area under the ROC curve: the share of (defective, healthy) pairs in which the defective one scores
/// higher, ties counting half (Mann and Whitney 1947). `None` when either side is empty or a score is
/// not a number.
pub fn auroc(healthy: &[f64], defective: &[f64]) -> Option<f64> {
    if healthy.is_empty() || defective.is_empty() || healthy.iter().chain(defective).any(|s| s.is_nan()) {
        return None;
    }
    let mut all: Vec<(f64, bool)> =
        healthy.iter().map(|&s| (s, false)).chain(defective.iter().map(|&s| (s, true))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins) = (0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let bad = tied.iter().filter(|t| t.1).count() as f64;
        let good = tied.len() as f64 - bad;
        wins += bad * (below + good / 2.0);
        below += good;
    }
    Some(wins / (healthy.len() as f64 * defective.len() as f64))
}

/// The middle value, the mean of the middle two for an even count; `None` for none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.len().checked_sub(1)? / 2, sorted.len() / 2);
    Some((sorted[low] + sorted[high]) / 2.0)
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

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
