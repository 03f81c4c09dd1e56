//! Moments, and whitening matrices.

/// Computes mean and standard deviation.
pub(crate) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// Computes `W` with `W W^T` the inverse of a symmetric positive-definite matrix: the transposed inverse of its
/// Cholesky factor.
pub(crate) fn inverse_cholesky(matrix: &[f64], n: usize) -> Vec<f64> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = matrix[i * n + j] - dot;
            l[i * n + j] = if i == j { rest.max(1e-12).sqrt() } else { rest / l[j * n + j] };
        }
    }
    // Forward substitution per unit vector; the result is stored transposed.
    let mut w = vec![0.0; n * n];
    for column in 0..n {
        for i in column..n {
            let dot: f64 = (column..i).map(|k| l[i * n + k] * w[column * n + k]).sum();
            let unit = if i == column { 1.0 } else { 0.0 };
            w[column * n + i] = (unit - dot) / l[i * n + i];
        }
    }
    w
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitening_makes_variances_one() {
        let matrix = [4.0, 1.0, 1.0, 9.0];
        let w = inverse_cholesky(&matrix, 2);
        // W^T M W = 1
        let product = |i: usize, j: usize| -> f64 {
            (0..2)
                .flat_map(|a| (0..2).map(move |b| (a, b)))
                .map(|(a, b)| w[a * 2 + i] * matrix[a * 2 + b] * w[b * 2 + j])
                .sum()
        };
        for (i, j, wanted) in [(0, 0, 1.0), (1, 1, 1.0), (0, 1, 0.0)] {
            assert!((product(i, j) - wanted).abs() < 1e-9, "{i} {j}: {}", product(i, j));
        }
    }
}
