//! Finds the regions of a map.

use super::{components::components, measures::RegionMeasures, outline, region::AnomalyRegion, rule::RegionRule};

/// Finds the regions of a `width` x `height` map by a rule, highest peak first, and returns them with the number of those left
/// out beyond the largest number. A pixel that is not finite or not `inspected` is never part of a region; a map of another
/// length has none.
pub fn find_regions(
    map: &[f32],
    width: usize,
    height: usize,
    inspected: Option<&[bool]>,
    rule: &RegionRule,
) -> (Vec<AnomalyRegion>, usize) {
    if width == 0 || map.len() != width * height || inspected.is_some_and(|all| all.len() != map.len()) {
        return (Vec::new(), 0);
    }
    let above = |level: f32| -> Vec<bool> {
        let counts = |i: usize| map[i].is_finite() && map[i] > level && inspected.is_none_or(|all| all[i]);
        (0..map.len()).map(counts).collect()
    };
    let mut cores = above(rule.level);
    if rule.core > 1 {
        let groups = components(&cores, width, rule.gap);
        groups.iter().filter(|group| group.len() < rule.core).flatten().for_each(|&i| cores[i] = false);
    }
    if !cores.contains(&true) {
        return (Vec::new(), 0);
    }
    let mut groups = components(&above(rule.edge.min(rule.level)), width, rule.gap);
    groups.retain(|group| group.len() >= rule.min_area && group.iter().any(|&i| cores[i]));
    let mut found: Vec<(AnomalyRegion, Vec<usize>)> =
        groups.into_iter().map(|pixels| (measure(map, width, &pixels), pixels)).collect();
    // A stable sort: ties stay in raster order.
    found.sort_by(|a, b| b.0.peak.total_cmp(&a.0.peak));
    let left_out = found.len().saturating_sub(rule.most);
    found.truncate(rule.most);
    let finished = |(region, pixels): (AnomalyRegion, Vec<usize>)| {
        let region = outlined(region, width, &pixels);
        match rule.micrometres_per_pixel {
            Some(side) => region.measured_in(side),
            None => region,
        }
    };
    (found.into_iter().map(finished).collect(), left_out)
}

/// Measures a region, without its outlines.
fn measure(map: &[f32], width: usize, pixels: &[usize]) -> AnomalyRegion {
    let (mut left, mut top, mut right, mut bottom) = (usize::MAX, usize::MAX, 0, 0);
    let mut peak = pixels.first().copied().unwrap_or_default();
    for &i in pixels {
        let (x, y) = (i % width, i / width);
        (left, right) = (left.min(x), right.max(x + 1));
        (top, bottom) = (top.min(y), bottom.max(y + 1));
        // The first in raster order.
        if map[i] > map[peak] {
            peak = i;
        }
    }
    AnomalyRegion {
        x: left,
        y: top,
        width: right - left,
        height: bottom - top,
        area: pixels.len(),
        peak: map[peak],
        at: [peak % width, peak / width],
        measures: Some(RegionMeasures::of(map, width, pixels)),
        micrometres: None,
        outline: Vec::new(),
        more_outlines: Vec::new(),
    }
}

/// Adds the outlines of the connected pieces of a region.
fn outlined(mut region: AnomalyRegion, width: usize, pixels: &[usize]) -> AnomalyRegion {
    let own = |i: &usize| [i % width - region.x, i / width - region.y];
    let mut mask = vec![false; region.width * region.height];
    for [x, y] in pixels.iter().map(own) {
        mask[y * region.width + x] = true;
    }
    let mut outlines = components(&mask, region.width, 0).into_iter().map(|piece| {
        let mut alone = PieceBox::of(&piece, region.width);
        alone.left += region.x;
        alone.top += region.y;
        let pixels = piece.iter().map(|i| [region.x + i % region.width, region.y + i / region.width]);
        outline::around([alone.left, alone.top], [alone.width, alone.height], pixels)
    });
    let first = outlines.next().unwrap_or_default();
    let more = outlines.collect();
    (region.outline, region.more_outlines) = (first, more);
    region
}

/// The box around a piece of a region.
struct PieceBox {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl PieceBox {
    fn of(pixels: &[usize], width: usize) -> Self {
        let columns = || pixels.iter().map(|i| i % width);
        let rows = || pixels.iter().map(|i| i / width);
        let (left, top) = (columns().min().unwrap_or_default(), rows().min().unwrap_or_default());
        let (right, bottom) = (columns().max().unwrap_or_default(), rows().max().unwrap_or_default());
        Self { left, top, width: right + 1 - left, height: bottom + 1 - top }
    }
}
