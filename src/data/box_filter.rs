//! Box filter over a map.

/// Returns the mean around each pixel over a square that extends `reach` pixels to every side, restricted to the map and
/// to `inspected`; 0 if nothing lies within. Uses two running sums, so the cost does not depend on `reach`.
pub fn box_mean(map: &[f32], width: usize, height: usize, reach: usize, inspected: Option<&[bool]>) -> Vec<f32> {
    let inside = |i: usize| inspected.is_none_or(|all| all[i]);
    let values: Vec<f64> = map.iter().enumerate().map(|(i, &v)| if inside(i) { f64::from(v) } else { 0.0 }).collect();
    let counts: Vec<f64> = (0..map.len()).map(|i| f64::from(u8::from(inside(i)))).collect();
    let (sums, areas) = (box_sum(&values, width, height, reach), box_sum(&counts, width, height, reach));
    sums.iter().zip(&areas).map(|(sum, area)| if *area > 0.5 { (sum / area) as f32 } else { 0.0 }).collect()
}

fn box_sum(map: &[f64], width: usize, height: usize, reach: usize) -> Vec<f64> {
    let mut across = vec![0.0; map.len()];
    for (line, out) in map.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        let mut sum: f64 = line.iter().take(reach).sum();
        for (x, out) in out.iter_mut().enumerate() {
            sum += line.get(x + reach).copied().unwrap_or(0.0);
            *out = sum;
            sum -= x.checked_sub(reach).map_or(0.0, |left| line[left]);
        }
    }
    let mut down = vec![0.0; map.len()];
    let mut column = vec![0.0; width];
    for y in 0..height.min(reach) {
        column.iter_mut().zip(&across[y * width..]).for_each(|(sum, v)| *sum += v);
    }
    for y in 0..height {
        if y + reach < height {
            column.iter_mut().zip(&across[(y + reach) * width..]).for_each(|(sum, v)| *sum += v);
        }
        down[y * width..(y + 1) * width].copy_from_slice(&column);
        if let Some(top) = y.checked_sub(reach) {
            column.iter_mut().zip(&across[top * width..]).for_each(|(sum, v)| *sum -= v);
        }
    }
    down
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
