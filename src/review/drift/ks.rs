//! Kolmogorov-Smirnov test against the uniform distribution.

/// Result of the test of p-values against the uniform distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ks {
    /// Largest distance between the empirical and the uniform distribution function: `max(below, above)`.
    pub statistic: f64,
    /// Largest excess of small values.
    pub below: f64,
    /// Largest excess of large values.
    pub above: f64,
    /// P-value of the test.
    pub p: f64,
}

impl Ks {
    /// Tests `values` in `[0, 1]` with an effective sample size `weight` (their number for independent values). Returns
    /// `None` for an empty slice or a NaN.
    ///
    /// The p-value is Kolmogorov's with the correction of Stephens (1970), within 0.02 of the exact one in the tested
    /// cases of ten values.
    pub fn uniform(values: &[f64], weight: f64) -> Option<Self> {
        if values.is_empty() || values.iter().any(|v| v.is_nan()) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (mut below, mut above) = (0.0_f64, 0.0_f64);
        for (i, value) in sorted.iter().enumerate() {
            below = below.max((i + 1) as f64 / sorted.len() as f64 - value);
            above = above.max(value - i as f64 / sorted.len() as f64);
        }
        let statistic = below.max(above);
        let root = weight.max(0.0).sqrt();
        let p = if root > 0.0 { kolmogorov((root + 0.12 + 0.11 / root) * statistic) } else { 1.0 };
        Some(Self { statistic, below, above, p })
    }
}

/// Survival function of the Kolmogorov distribution: `2 (exp(-2 x^2) - exp(-8 x^2) + exp(-18 x^2) - ...)`; for small `x`
/// by the dual theta series.
pub(crate) fn kolmogorov(x: f64) -> f64 {
    use std::f64::consts::PI;
    if x <= 0.0 {
        return 1.0;
    }
    if x < 1.0 {
        let term = |k: i32| (-(f64::from(2 * k - 1) * PI / x).powi(2) / 8.0).exp();
        return (1.0 - (2.0 * PI).sqrt() / x * (1..=5).map(term).sum::<f64>()).clamp(0.0, 1.0);
    }
    let term = |k: i32| {
        let sign = if k % 2 == 0 { -1.0 } else { 1.0 };
        sign * (-2.0 * (f64::from(k) * x).powi(2)).exp()
    };
    (2.0 * (1..=10).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // numpy: round(default_rng(7).random(60) ** 1.6, 6)
    const VALUES: [f64; 60] = [
        0.471535, 0.840685, 0.666035, 0.092073, 0.145807, 0.805496, 0.000226, 0.729697, 0.695655, 0.296686, 0.148041,
        0.129281, 0.11223, 0.273839, 0.334691, 0.388137, 0.99281, 0.68951, 0.46802, 0.982395, 0.085684, 0.053396,
        0.456473, 0.006739, 0.004829, 0.345734, 0.294934, 0.870799, 0.476531, 0.344905, 0.326583, 0.107093, 0.000822,
        0.071571, 0.554884, 0.076516, 0.203353, 0.00013, 0.742275, 0.050363, 0.121332, 0.81552, 0.340273, 0.766896,
        0.489306, 0.620057, 0.021789, 0.374369, 0.33812, 0.802232, 0.196119, 0.439477, 0.010872, 0.219518, 0.163984,
        0.048158, 0.722757, 0.212149, 0.966214, 0.429886,
    ];

    #[test]
    fn the_distribution_is_that_of_scipy() {
        // scipy.special.kolmogorov(x)
        for (x, wanted) in [
            (0.3, 0.999_990_694_198_665_5),
            (0.5, 0.963_945_243_664_875_1),
            (0.8, 0.544_142_411_574_198_1),
            (1.0, 0.269_999_671_677_354_56),
            (1.2, 0.112_249_666_670_724_97),
            (1.5, 0.022_217_962_616_525_127),
            (2.0, 0.000_670_925_255_779_695_3),
        ] {
            assert!((kolmogorov(x) - wanted).abs() < 1e-12, "{x}: {}", kolmogorov(x));
        }
        assert_eq!((kolmogorov(0.0), kolmogorov(-1.0), kolmogorov(40.0)), (1.0, 1.0, 0.0));
    }

    #[test]
    fn the_test_is_that_of_scipy() {
        // scipy.stats.kstest(VALUES, "uniform", mode="exact")
        let ks = Ks::uniform(&VALUES, 60.0).unwrap();
        assert!((ks.statistic - 0.227_360_666_666_666_66).abs() < 1e-12 && ks.below > ks.above);
        assert!((ks.p - 0.003_301_491_603_970_752).abs() < 2e-4, "{}", ks.p);
        let ten = [0.05, 0.1, 0.12, 0.2, 0.33, 0.4, 0.47, 0.58, 0.71, 0.9];
        let ks = Ks::uniform(&ten, 10.0).unwrap();
        assert!((ks.statistic - 0.23).abs() < 1e-12 && (ks.p - 0.588_598_374_619_722_6).abs() < 0.02, "{ks:?}");
        let squared = ten.map(|v| v * v);
        let ks = Ks::uniform(&squared, 10.0).unwrap();
        assert!((ks.statistic - 0.4791).abs() < 1e-12 && (ks.p - 0.012_426_027_885_532_931).abs() < 0.01, "{ks:?}");
        // The same distance is less significant at a smaller effective sample size.
        assert!(Ks::uniform(&squared, 5.0).unwrap().p > 0.1);
        assert!(Ks::uniform(&[], 1.0).is_none() && Ks::uniform(&[f64::NAN], 1.0).is_none());
        assert_eq!(Ks::uniform(&[0.5], 0.0).unwrap().p, 1.0);
    }
}
