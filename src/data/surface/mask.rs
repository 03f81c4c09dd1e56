//! Defect masks: where the damaged image differs visibly from the healthy one.

/// Difference in grey levels above which a pixel is visibly changed.
const THRESHOLD: u8 = 4;

/// Minimum number of changed pixels of a visible defect.
const MIN_PIXELS: usize = 12;

/// Returns a mask that is 255 where `damaged` differs visibly from `healthy` near `support`, with small gaps closed and
/// the outline widened by one pixel, and 0 elsewhere. `None` if the defect is not visible. Both images are grey or RGB, as
/// their lengths say.
pub(super) fn visible(healthy: &[u8], damaged: &[u8], support: &[bool], side: usize) -> Option<Vec<u8>> {
    // Defocus extends a defect slightly past its support.
    let near = dilate(support, side, 3);
    let channels = (healthy.len() / support.len().max(1)).max(1);
    let pixels = healthy.chunks_exact(channels).zip(damaged.chunks_exact(channels));
    let changed = |(h, d): (&[u8], &[u8])| h.iter().zip(d).any(|(h, d)| h.abs_diff(*d) > THRESHOLD);
    let differs: Vec<bool> = pixels.zip(&near).map(|(pixel, near)| *near && changed(pixel)).collect();
    if differs.iter().filter(|d| **d).count() < MIN_PIXELS {
        return None;
    }
    let closed = erode(&dilate(&differs, side, 2), side, 1);
    Some(closed.iter().map(|inside| if *inside { 255 } else { 0 }).collect())
}

/// Fallback for invisible damage: darkens or brightens the support; returns the image and its mask.
pub(super) fn force_visible(healthy: &[u8], support: &[bool], side: usize) -> (Vec<u8>, Vec<u8>) {
    let mut support = support.to_vec();
    if !support.contains(&true) {
        let middle = side / 2;
        support[middle * side + middle] = true;
        support = dilate(&support, side, 2);
    }
    let darker = |level: u8| if level > 60 { level - 40 } else { level + 40 };
    let channels = (healthy.len() / support.len().max(1)).max(1);
    let pixels = healthy.iter().enumerate();
    let picture = pixels.map(|(i, h)| if support[i / channels] { darker(*h) } else { *h }).collect();
    let mask = support.iter().map(|inside| if *inside { 255 } else { 0 }).collect();
    (picture, mask)
}

/// Dilates the set by a square of `radius` pixels.
fn dilate(set: &[bool], side: usize, radius: usize) -> Vec<bool> {
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

/// Erodes the set by a square of `radius` pixels; the border of the image does not count as outside.
fn erode(set: &[bool], side: usize, radius: usize) -> Vec<bool> {
    let outside: Vec<bool> = set.iter().map(|inside| !inside).collect();
    dilate(&outside, side, radius).iter().map(|outside| !outside).collect()
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
        // Columns 0 to 7, three of defocus, one of dilation.
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
    fn damage_is_forced_even_without_support() {
        let (side, healthy) = (16, vec![30; 256]);
        let (picture, mask) = force_visible(&healthy, &[false; 256], side);
        assert_eq!(count(&mask), 25);
        assert!(picture.iter().zip(&mask).all(|(p, m)| (*p == 70) == (*m == 255)));
    }
}
