//! Groups of neighbouring pixels.

/// Groups the pixels of a mask. Two pixels are in one group if at most `gap` rows and at most `gap` columns lie between them,
/// or if a chain of such pixels joins them; without a gap, the groups are 8-connected. The groups are ordered by their first
/// pixel, and so are the pixels of each, in raster order.
pub(super) fn components(mask: &[bool], width: usize, gap: usize) -> Vec<Vec<usize>> {
    let Some([left, top, right, bottom]) = bounds(mask, width) else { return Vec::new() };
    let (across, down) = (right - left + gap, bottom - top + gap);
    // Each pixel is spread to the right and downwards by the gap. Two spread pixels touch exactly if the gap joins them.
    let mut cells = vec![OUTSIDE; across * down];
    for y in 0..bottom - top {
        let row = (top + y) * width + left;
        let mut reach = 0;
        for x in 0..across {
            reach = if x < right - left && mask[row + x] { gap + 1 } else { reach };
            if reach > 0 {
                cells[y * across + x] = INSIDE;
                reach -= 1;
            }
        }
    }
    let mut reach = vec![0; across];
    for row in cells.chunks_exact_mut(across) {
        for (cell, reach) in row.iter_mut().zip(&mut reach) {
            *reach = if *cell == INSIDE { gap + 1 } else { *reach };
            if *reach > 0 {
                *cell = INSIDE;
                *reach -= 1;
            }
        }
    }
    let count = label(&mut cells, across);
    let mut groups = vec![Vec::new(); count];
    for y in 0..bottom - top {
        let row = (top + y) * width + left;
        for x in (0..right - left).filter(|x| mask[row + x]) {
            groups[cells[y * across + x] as usize].push(row + x);
        }
    }
    groups
}

/// A cell of no group.
const OUTSIDE: u32 = u32::MAX;
/// A cell of a group that has no number yet.
const INSIDE: u32 = u32::MAX - 1;

/// Numbers the 8-connected groups of cells in raster order, and returns how many there are.
fn label(cells: &mut [u32], across: usize) -> usize {
    let down = cells.len() / across.max(1);
    let (mut count, mut stack) = (0, Vec::new());
    for start in 0..cells.len() {
        if cells[start] != INSIDE {
            continue;
        }
        cells[start] = count;
        stack.push(start);
        while let Some(i) = stack.pop() {
            let (x, y) = (i % across, i / across);
            for row in y.saturating_sub(1)..(y + 2).min(down) {
                let near = row * across + x.saturating_sub(1)..row * across + (x + 2).min(across);
                for (cell, j) in cells[near.clone()].iter_mut().zip(near) {
                    if *cell == INSIDE {
                        *cell = count;
                        stack.push(j);
                    }
                }
            }
        }
        count += 1;
    }
    count as usize
}

/// Returns the left, top, right and bottom edge of the box around the pixels of a mask; `None` without any.
fn bounds(mask: &[bool], width: usize) -> Option<[usize; 4]> {
    let first = mask.iter().position(|on| *on)?;
    let last = mask.iter().rposition(|on| *on)?;
    let (top, bottom) = (first / width, last / width + 1);
    let (mut left, mut right) = (width, 0);
    for row in mask[top * width..bottom * width].chunks_exact(width) {
        left = row[..left].iter().position(|on| *on).unwrap_or(left);
        right += row[right..].iter().rposition(|on| *on).map_or(0, |x| x + 1);
    }
    Some([left, top, right, bottom])
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// The groups by comparing every pixel with every other.
    fn naive(mask: &[bool], width: usize, gap: usize) -> Vec<Vec<usize>> {
        let on: Vec<usize> = (0..mask.len()).filter(|&i| mask[i]).collect();
        let mut group: Vec<usize> = (0..mask.len()).collect();
        let near = |a: usize, b: usize| {
            (a % width).abs_diff(b % width) <= gap + 1 && (a / width).abs_diff(b / width) <= gap + 1
        };
        for &a in &on {
            for &b in &on {
                if near(a, b) && group[a] != group[b] {
                    let (from, to) = (group[a].max(group[b]), group[a].min(group[b]));
                    group.iter_mut().filter(|own| **own == from).for_each(|own| *own = to);
                }
            }
        }
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for &i in &on {
            match groups.iter_mut().find(|all| group[all[0]] == group[i]) {
                Some(own) => own.push(i),
                None => groups.push(vec![i]),
            }
        }
        groups
    }

    proptest! {
        #[test]
        fn groups_are_those_of_all_pairs(cells in vec(0..6_u8, 1..150), width in 1..16_usize, gap in 0..5_usize) {
            let height = cells.len().div_ceil(width);
            let mut mask: Vec<bool> = cells.iter().map(|&c| c == 0).collect();
            mask.resize(width * height, false);
            prop_assert_eq!(components(&mask, width, gap), naive(&mask, width, gap));
        }
    }

    #[test]
    fn a_large_group_is_no_deep_group() {
        let groups = components(&vec![true; 1_500 * 1_500], 1_500, 4);
        assert_eq!((groups.len(), groups[0].len()), (1, 1_500 * 1_500));
    }
}
