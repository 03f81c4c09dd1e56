//! Linear interpolation of values on a grid.

/// Interpolates values at `from[0]` by `from[1]` places, at `first`, `first + spacing` and so on along each axis, linearly to
/// all `to[0]` by `to[1]` positions; beyond the outermost places, their values are repeated.
pub(super) fn interpolated(values: &[f32], from: [usize; 2], to: [usize; 2], first: f32, spacing: usize) -> Vec<f32> {
    let along = |axis: usize| -> Vec<(usize, usize, f32)> {
        let last = from[axis] - 1;
        (0..to[axis])
            .map(|position| {
                let place = ((position as f32 - first) / spacing as f32).clamp(0.0, last as f32);
                let low = place as usize;
                (low, (low + 1).min(last), place - low as f32)
            })
            .collect()
    };
    let (columns, rows) = (along(0), along(1));
    let mut all = Vec::with_capacity(to[0] * to[1]);
    for (top, bottom, v) in rows {
        all.extend(columns.iter().map(|&(left, right, u)| {
            let row = |y: usize| values[y * from[0] + left] * (1.0 - u) + values[y * from[0] + right] * u;
            row(top) * (1.0 - v) + row(bottom) * v
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_a_plane_again_and_the_outermost_values_are_repeated() {
        let values: Vec<f32> = (0..6).map(|i| (2 * (i % 3) + 10 * (i / 3)) as f32).collect();
        let all = interpolated(&values, [3, 2], [12, 9], 1.5, 4);
        assert_eq!(all.len(), 12 * 9);
        for (i, value) in all.into_iter().enumerate() {
            let at = |position: usize, last: f32| ((position as f32 - 1.5) / 4.0).clamp(0.0, last);
            let wanted = 2.0 * at(i % 12, 2.0) + 10.0 * at(i / 12, 1.0);
            assert!((value - wanted).abs() < 1e-5, "{i}: {value} {wanted}");
        }
        assert_eq!(interpolated(&[7.0], [1, 1], [2, 2], 0.0, 4), [7.0; 4]);
    }
}
