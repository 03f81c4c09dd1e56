//! Whether a file was read before its writer had finished: space that was reserved and not written yet is zero.

use serde::{Deserialize, Serialize};

use super::FileHash;

/// Stretches of zeros are found by whole blocks of this length, bytes.
const BLOCK: usize = 64;

/// Most stretches that are kept, the longest.
const MOST: usize = 64;

/// Room for the header of an image, bytes: it alone does not tell one image from another.
const HEADER: usize = 2_048;

/// Least number of other bytes after the header, and their least share of the file.
const LEAST: usize = 256;
const SHARE: usize = 32;

/// Where a file holds only zeros, and the hash of everything else. A file that was finished later holds the same
/// everywhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwritten {
    /// Beginning and end of each stretch of zeros, in order.
    zeros: Vec<[usize; 2]>,
    /// End of the last byte that is not in a stretch.
    filled: usize,
    /// Hash of the bytes outside of the stretches.
    rest: FileHash,
}

impl Unwritten {
    /// Finds the stretches of zeros in a file; `None` where there are none, or hardly anything else, so that the rest would
    /// not tell one image from another.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let zeros = stretches(bytes);
        let own = |from: usize| rest(&zeros, bytes.len()).map(|[a, b]| b.max(from) - a.max(from)).sum::<usize>();
        if zeros.is_empty() || own(HEADER) < LEAST.max(bytes.len() / SHARE) {
            return None;
        }
        let filled = rest(&zeros, bytes.len()).map(|[_, end]| end).max().unwrap_or(0);
        Some(Self { rest: hash(&zeros, bytes, filled), zeros, filled })
    }

    /// Whether `bytes` are the same file with more of it written, or with the reserved space cut off.
    pub fn is_filled_by(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.filled && hash(&self.zeros, bytes, self.filled) == self.rest
    }
}

/// Hashes the first `end` bytes outside of the stretches.
fn hash(zeros: &[[usize; 2]], bytes: &[u8], end: usize) -> FileHash {
    let mut hasher = blake3::Hasher::new();
    for [from, to] in rest(zeros, end) {
        hasher.update(bytes.get(from..to).unwrap_or_default());
    }
    FileHash::from_bytes(*hasher.finalize().as_bytes())
}

/// Returns the stretches between those of zeros, up to `end`.
fn rest(zeros: &[[usize; 2]], end: usize) -> impl Iterator<Item = [usize; 2]> {
    let begins = std::iter::once(0).chain(zeros.iter().map(|[_, to]| *to));
    let ends = zeros.iter().map(|[from, _]| *from).chain([end]);
    begins.zip(ends).map(move |(from, to)| [from.min(end), to.min(end)]).filter(|[from, to]| from < to)
}

/// Returns the longest stretches of zeros, in order.
fn stretches(bytes: &[u8]) -> Vec<[usize; 2]> {
    let (mut found, mut at): (Vec<[usize; 2]>, usize) = (Vec::new(), 0);
    while let Some(block) = bytes.get(at..at + BLOCK) {
        if block.iter().any(|byte| *byte != 0) {
            at += BLOCK;
            continue;
        }
        let zeros = |part: &[u8]| part.iter().take_while(|byte| **byte == 0).count();
        let before = bytes[..at].iter().rev().take(BLOCK).take_while(|byte| **byte == 0).count();
        let end = at + zeros(&bytes[at..]);
        found.push([at - before, end]);
        at = end.next_multiple_of(BLOCK);
    }
    found.sort_by_key(|[from, to]| std::cmp::Reverse(to - from));
    found.truncate(MOST);
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file without zeros whose bytes depend on `seed`.
    fn file(seed: usize, length: usize) -> Vec<u8> {
        (0..length).map(|i| ((i * 31 + i / 7 + seed * 97) % 255 + 1) as u8).collect()
    }

    #[test]
    fn reserved_space_is_filled_at_the_end_or_anywhere() {
        let whole = file(1, 40_000);
        for holes in [vec![[20_000, 40_000]], vec![[5_000, 9_001], [30_000, 40_000]], vec![[0, 4_096], [8_192, 30_000]]]
        {
            let mut early = whole.clone();
            holes.iter().for_each(|[from, to]| early[*from..*to].fill(0));
            let sketch = Unwritten::of(&early).unwrap();
            assert!(sketch.is_filled_by(&whole), "{holes:?}");
            // Half of the rest may still be missing.
            let mut more = early.clone();
            let [from, to] = holes[0];
            more[from..from + (to - from) / 2].copy_from_slice(&whole[from..from + (to - from) / 2]);
            assert!(sketch.is_filled_by(&more) && Unwritten::of(&more).unwrap().is_filled_by(&whole));
            assert!(!sketch.is_filled_by(&file(2, 40_000)), "another image");
            let text = serde_json::to_string(&sketch).unwrap();
            assert_eq!(serde_json::from_str::<Unwritten>(&text).unwrap(), sketch);
        }
        // Reserved space that is cut off at the end.
        let reserved = [&whole[..], &[0; 9_000]].concat();
        assert!(Unwritten::of(&reserved).unwrap().is_filled_by(&whole));
        assert!(!Unwritten::of(&reserved).unwrap().is_filled_by(&whole[..39_000]));
    }

    #[test]
    fn whole_files_and_black_ones_say_nothing() {
        assert_eq!(Unwritten::of(&file(1, 40_000)), None);
        assert_eq!(Unwritten::of(&[]), None);
        // A black frame is not the beginning of the next one, whatever its header.
        let black = [&file(1, 1_078)[..], &[0; 30_000]].concat();
        assert_eq!(Unwritten::of(&black), None);
        assert_eq!(Unwritten::of(&[&black[..], &file(3, 200)].concat()), None);
    }

    #[test]
    fn a_black_background_is_no_sign_by_itself() {
        let part = |seed: usize| -> Vec<u8> {
            let pixels = file(seed, 40_000);
            (0..40_000).map(|i| if i % 200 < 100 { 0 } else { pixels[i] }).collect()
        };
        let sketch = Unwritten::of(&part(1)).unwrap();
        assert!(sketch.is_filled_by(&part(1)) && !sketch.is_filled_by(&part(2)));
        let mut early = part(1);
        early[25_000..].fill(0);
        assert!(Unwritten::of(&early).unwrap().is_filled_by(&part(1)));
        assert!(!Unwritten::of(&early).unwrap().is_filled_by(&part(2)));
    }
}
