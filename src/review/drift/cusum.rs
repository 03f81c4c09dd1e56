//! One-sided CUSUM chart (Page 1954).

/// Reference value k, subtracted at each part. `-ln p` of a uniform p is exponentially distributed with mean 1; `2 ln 2`
/// is the optimal reference value for detecting a doubled mean (Wald's likelihood ratio).
pub const REFERENCE: f64 = 2.0 * std::f64::consts::LN_2;

/// Decision limit h. With [`REFERENCE`], unchanged parts exceed it once in about 1,100 parts, and parts whose mean has
/// doubled after about 15.
pub const LIMIT: f64 = 9.0;

/// One part on the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CusumPoint {
    /// Surprisal `-ln p`; 1 on average without drift.
    pub surprisal: f64,
    /// Cumulative sum including this part, at least 0.
    pub sum: f64,
}

/// A crossing of the decision limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Index of the part at which the sum exceeded the limit.
    pub at: usize,
    /// Index of the first part after the sum was last 0: the most likely time of the change.
    pub began: usize,
}

/// The chart: `sum = max(0, sum + surprisal - reference)`, part by part.
#[derive(Clone, Debug, PartialEq)]
pub struct Cusum {
    /// One point per part.
    pub points: Vec<CusumPoint>,
    /// Every upward crossing of the limit. The sum is not reset, so that a lasting change stays visible.
    pub crossings: Vec<Crossing>,
    /// Reference value (k).
    pub reference: f64,
    /// Decision limit (h).
    pub limit: f64,
}

impl Cusum {
    /// Computes the chart of p-values in `(0, 1]`, in order of time.
    pub fn of(p: &[f64], reference: f64, limit: f64) -> Self {
        let (mut sum, mut began) = (0.0_f64, 0);
        let mut chart = Self { points: Vec::with_capacity(p.len()), crossings: Vec::new(), reference, limit };
        for (at, p) in p.iter().enumerate() {
            let surprisal = -p.max(f64::MIN_POSITIVE).ln();
            if sum == 0.0 {
                began = at;
            }
            let before = sum;
            sum = (sum + surprisal - reference).max(0.0);
            if sum > limit && before <= limit {
                chart.crossings.push(Crossing { at, began });
            }
            chart.points.push(CusumPoint { surprisal, sum });
        }
        chart
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn sums_climb_from_nothing() {
        let p = [1.0, 0.01, 1.0, 1.0, 1.0, 0.01, 0.01, 0.01, 1.0].map(|p: f64| p);
        let chart = Cusum::of(&p, 2.0, 7.0);
        let step = -0.01_f64.ln() - 2.0;
        let wanted = [0.0, step, step - 2.0, 0.0, 0.0, step, 2.0 * step, 3.0 * step, 3.0 * step - 2.0];
        assert!(chart.points.iter().zip(wanted).all(|(point, wanted)| (point.sum - wanted).abs() < 1e-9), "{chart:?}");
        assert_eq!(chart.crossings, [Crossing { at: 7, began: 5 }]);
        assert!(Cusum::of(&[], REFERENCE, LIMIT).points.is_empty());
    }

    #[test]
    fn alarms_come_as_seldom_and_as_soon_as_is_said() {
        let mut rng = ChaCha8Rng::seed_from_u64(12);
        let mut length = |mean: f64, runs: usize| {
            let mut run = |_| {
                let mut p: Vec<f64> = Vec::new();
                loop {
                    p.extend((0..2_000).map(|_| (1.0 - rng.random::<f64>()).powf(mean)));
                    if let Some(crossing) = Cusum::of(&p, REFERENCE, LIMIT).crossings.first() {
                        return crossing.at as f64 + 1.0;
                    }
                }
            };
            (0..runs).map(&mut run).sum::<f64>() / runs as f64
        };
        // By the Markov chain of the sum: 1141 and 15.4.
        let (false_ones, true_ones) = (length(1.0, 300), length(2.0, 300));
        assert!(
            (900.0..1_400.0).contains(&false_ones) && (14.0..17.0).contains(&true_ones),
            "{false_ones} {true_ones}"
        );
    }
}
