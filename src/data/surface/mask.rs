//! The mask of a defect: where its picture differs visibly from the healthy one.

/// Grey levels that a difference must exceed to count as visible.
const THRESHOLD: u8 = 4;

/// Pixels that must differ for a defect to count as visible.
const FEWEST: usize = 12;

/// 255 where `damaged` differs visibly from `healthy` near `support`, small gaps closed and the
/// outline widened by one pixel, 0 elsewhere. `None` when hardly anything differs.
pub(super) fn visible(healthy: &[u8], damaged: &[u8], support: &[bool], side: usize) -> Option<Vec<u8>> {
    // Defocus carries a defect a little past its support.
    let near = spread(support, side, 3);
    let differs: Vec<bool> =
        healthy.iter().zip(damaged).zip(&near).map(|((h, d), near)| *near && h.abs_diff(*d) > THRESHOLD).collect();
    if differs.iter().filter(|d| **d).count() < FEWEST {
        return None;
    }
    let closed = shrink(&spread(&differs, side, 2), side, 1);
    Some(closed.iter().map(|inside| if *inside { 255 } else { 0 }).collect())
}

/// The last resort where no damage shows: a blot over the support, and its mask.
pub(super) fn blot(healthy: &[u8], support: &[bool], side: usize) -> (Vec<u8>, Vec<u8>) {
    let mut support = support.to_vec();
    if !support.contains(&true) {
        let middle = side / 2;
        support[middle * side + middle] = true;
        support = spread(&support, side, 2);
    }
    let darker = |level: u8| if level > 60 { level - 40 } else { level + 40 };
    let pixels = healthy.iter().zip(&support);
    let picture = pixels.map(|(h, inside)| if *inside { darker(*h) } else { *h }).collect();
    let mask = support.iter().map(|inside| if *inside { 255 } else { 0 }).collect();
    (picture, mask)
}

/// Widens the set by `radius` pixels each way, as a square.
fn spread(set: &[bool], side: usize, radius: usize) -> Vec<bool> {
    let pass = |source: &[bool], step: usize, stride: usize| {
        let mut out = vec![false; source.len()];
        for line in 0..side {
            for k in 0..side {
                if source[line * stride + k * step] {
                    for near in k.saturating_sub(radius)..=(k + radius).min(side - 1) {
                        out[line * stride + near * step] = true;
                    }
                }
            }
        }
        out
    };
    pass(&pass(set, 1, side), side, 1)
}

/// Narrows the set by `radius` pixels each way; the picture's border does not count as outside.
fn shrink(set: &[bool], side: usize, radius: usize) -> Vec<bool> {
    let outside: Vec<bool> = set.iter().map(|inside| !inside).collect();
    spread(&outside, side, radius).iter().map(|outside| !outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(mask: &[u8]) -> usize {
        mask.iter().filter(|m| **m == 255).count()
    }

    #[test]
    fn a_change_too_faint_or_away_from_the_support_does_not_count() {
        let (side, healthy) = (32, vec![100; 32 * 32]);
        let support: Vec<bool> = (0..side * side).map(|i| i % side < 8).collect();
        assert!(visible(&healthy, &vec![104; side * side], &support, side).is_none());
        let mask = visible(&healthy, &vec![90; side * side], &support, side);
        let mask = mask.expect("ten levels are visible");
        // Columns 0 to 7, three of defocus, one of widening.
        assert_eq!(count(&mask), side * 12);
    }

    #[test]
    fn small_gaps_are_closed() {
        let (side, healthy) = (32, vec![100; 32 * 32]);
        let damaged: Vec<u8> = (0..side * side).map(|i| if i % 3 == 0 { 80 } else { 100 }).collect();
        let mask = visible(&healthy, &damaged, &vec![true; side * side], side);
        assert_eq!(count(&mask.expect("visible")), side * side);
    }

    #[test]
    fn a_blot_is_there_even_without_support() {
        let (side, healthy) = (16, vec![30; 256]);
        let (picture, mask) = blot(&healthy, &[false; 256], side);
        assert_eq!(count(&mask), 25);
        assert!(picture.iter().zip(&mask).all(|(p, m)| (*p == 70) == (*m == 255)));
    }
}
