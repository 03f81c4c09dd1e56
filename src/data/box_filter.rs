//! Box filter over a map.

/// Returns the mean around each pixel over a square that extends `reach` pixels to every side, restricted to the map and
/// to `inspected`; 0 if nothing lies within. Uses running sums, so the cost does not depend on `reach`; besides the
/// result, it takes memory for a few rows only.
pub fn box_mean(map: &[f32], width: usize, height: usize, reach: usize, inspected: Option<&[bool]>) -> Vec<f32> {
    let inside = |i: usize| inspected.is_none_or(|all| all[i]);
    let value = |i: usize| if inside(i) { f64::from(map[i]) } else { 0.0 };
    let count = |i: usize| f64::from(u8::from(inside(i)));
    let mut means = Vec::with_capacity(map.len());
    let (mut sums, mut areas) = (vec![0.0; width], vec![0.0; width]);
    let move_by = |y: usize, sign: f64, sums: &mut [f64], areas: &mut [f64]| {
        add_row(sums, y * width, reach, sign, value);
        add_row(areas, y * width, reach, sign, count);
    };
    for y in 0..height.min(reach) {
        move_by(y, 1.0, &mut sums, &mut areas);
    }
    for y in 0..height {
        if y + reach < height {
            move_by(y + reach, 1.0, &mut sums, &mut areas);
        }
        let mean = |(sum, area): (&f64, &f64)| if *area > 0.5 { (sum / area) as f32 } else { 0.0 };
        means.extend(sums.iter().zip(&areas).map(mean));
        if let Some(top) = y.checked_sub(reach) {
            move_by(top, -1.0, &mut sums, &mut areas);
        }
    }
    means
}

/// Adds the running sums of the row that begins at `start`, times `sign`, to the sums of the columns.
fn add_row(columns: &mut [f64], start: usize, reach: usize, sign: f64, value: impl Fn(usize) -> f64) {
    let width = columns.len();
    let mut sum: f64 = (start..start + reach.min(width)).map(&value).sum();
    for (x, column) in columns.iter_mut().enumerate() {
        if x + reach < width {
            sum += value(start + x + reach);
        }
        *column += sign * sum;
        sum -= x.checked_sub(reach).map_or(0.0, |left| value(start + left));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn box_means_are_means_over_squares() {
        let (width, height) = (9, 6);
        let map: Vec<f32> = (0..width * height).map(|i| ((i * 37) % 11) as f32).collect();
        let inspected: Vec<bool> = (0..width * height).map(|i| i % 5 != 0).collect();
        for (reach, mask) in [(0, None), (2, None), (3, Some(&inspected[..])), (20, None)] {
            let got = box_mean(&map, width, height, reach, mask);
            for (i, got) in got.into_iter().enumerate() {
                let (x, y) = (i % width, i / width);
                let near = |j: &usize| (j % width).abs_diff(x) <= reach && (j / width).abs_diff(y) <= reach;
                let own: Vec<usize> = (0..map.len()).filter(near).filter(|&j| mask.is_none_or(|m| m[j])).collect();
                let expected = own.iter().map(|&j| map[j]).sum::<f32>() / own.len().max(1) as f32;
                assert!((got - expected).abs() < 1e-4, "{reach} at {x}, {y}: {got} for {expected}");
            }
        }
    }
}
