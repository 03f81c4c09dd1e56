//! Reads masks of defects as files store them: clean, compressed, inverted or with a palette.
//!
//! A mask of at most [`FEW`] colours names regions: its background is one colour, everything else is defective. Any other
//! mask, such as a JPEG, is divided at half of its range, and connected regions below [`SPECK`] pixels are dropped. What is
//! background is decided over all masks of a data set: black, unless another colour covers more than half of most masks.

use std::collections::HashMap;

use super::{FileHash, Picture, Samples};
use crate::format::counted;

/// Maximum number of colours of a mask that names regions.
const FEW: usize = 8;

/// Smallest connected region of a compressed mask, pixels.
const SPECK: usize = 9;

/// Masks whose compressed levels are within this distance of black and white, of 65,535, have no regions by colour.
const RINGING: u16 = 24 * 257;

/// Share of an image above which a mask is worth a warning.
pub(super) const LARGE_SHARE: f64 = 0.5;

type Colour = [u16; 3];

const BLACK: Colour = [0; 3];

/// What the masks of a data set have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaskReading {
    /// Background of masks of a few colours, where it is not black.
    background: Option<Colour>,
    /// Masks of many levels mark the background and not the defect.
    inverted: bool,
}

/// The colours of one mask.
#[derive(Clone, Debug)]
pub(super) struct MaskScan {
    pub(super) width: usize,
    pub(super) height: usize,
    levels: Levels,
}

#[derive(Clone, Debug)]
enum Levels {
    Few(Vec<Tally>),
    Many { above: usize, above_on_border: usize },
}

/// The pixels of one colour.
#[derive(Clone, Debug)]
struct Tally {
    colour: Colour,
    pixels: usize,
    on_border: usize,
}

impl MaskScan {
    /// Counts the colours of a mask.
    pub(super) fn of(mask: &Picture) -> Self {
        let (width, height) = (mask.width(), mask.height());
        let on_border = |i: usize| {
            let (x, y) = (i % width, i / width);
            x == 0 || y == 0 || x + 1 == width || y + 1 == height
        };
        let levels = match tallies(mask, on_border) {
            Some(few) => Levels::Few(few),
            None => {
                let bright = above_half(mask);
                let above_on_border = (0..bright.len()).filter(|&i| bright[i] && on_border(i)).count();
                Levels::Many { above: bright.iter().filter(|b| **b).count(), above_on_border }
            }
        };
        Self { width, height, levels }
    }

    /// The share of its pixels that are marked.
    pub(super) fn share(&self, reading: MaskReading) -> f64 {
        let all = self.width * self.height;
        let marked = match &self.levels {
            Levels::Few(few) => {
                let background = reading.background_of(few.iter().map(|tally| tally.colour));
                few.iter().filter(|tally| tally.colour != background).map(|tally| tally.pixels).sum()
            }
            Levels::Many { above, .. } if reading.inverted => all - above,
            Levels::Many { above, .. } => *above,
        };
        marked as f64 / all as f64
    }

    fn border(&self) -> usize {
        match (self.width, self.height) {
            (w, h) if w < 3 || h < 3 => w * h,
            (w, h) => 2 * (w + h) - 4,
        }
    }
}

impl MaskReading {
    /// Decides what is background in the masks of a data set, and says what is unusual.
    pub(super) fn of(scans: &[&MaskScan]) -> (Self, Vec<String>) {
        let mut reading = Self::default();
        let mut notes = Vec::new();
        // Votes for a background, and whether it surrounds the rest in each mask.
        let mut votes: HashMap<Colour, (usize, bool)> = HashMap::new();
        let (mut voters, mut many, mut bright, mut bright_around) = (0, 0, 0, true);
        for scan in scans {
            let (all, border) = (scan.width * scan.height, scan.border());
            match &scan.levels {
                Levels::Few(few) if few.len() > 1 => {
                    voters += 1;
                    if let Some(most) = few.iter().find(|tally| tally.pixels * 2 > all) {
                        let vote = votes.entry(most.colour).or_insert((0, true));
                        vote.0 += 1;
                        vote.1 &= most.on_border * 10 > border * 9;
                    }
                }
                Levels::Few(_) => {}
                Levels::Many { above, above_on_border } => {
                    many += 1;
                    if above * 2 > all {
                        bright += 1;
                        bright_around &= above_on_border * 10 > border * 9;
                    }
                }
            }
        }
        let enough = |count: usize, of: usize, around: bool| count * 2 > of && (of >= 3 || around);
        if let Some((colour, (count, around))) = votes.into_iter().max_by_key(|(colour, (count, _))| (*count, *colour))
            && colour != BLACK
            && enough(count, voters, around)
        {
            reading.background = Some(colour);
            let [r, g, b] = colour.map(|v| v / 257);
            notes.push(format!(
                "the masks are on a background of #{r:02x}{g:02x}{b:02x}, which covers more than half of {count} of {voters}: everything else in them is read as defective"
            ));
        }
        if enough(bright, many, bright_around) && many > 0 {
            reading.inverted = true;
            notes.push(format!(
                "the masks are inverted: bright in more than half of the image in {bright} of {many}; what is dark in them is read as defective"
            ));
        }
        (reading, notes)
    }

    fn background_of(self, mut colours: impl Iterator<Item = Colour>) -> Colour {
        match self.background {
            Some(colour) if colours.any(|c| c == colour) => colour,
            _ => BLACK,
        }
    }

    /// Returns whether each pixel of a mask is defective, in the size of its image: the nearest pixel of the mask.
    pub(crate) fn marks(self, mask: &Picture, width: usize, height: usize) -> Vec<bool> {
        let marks = self.own_marks(mask);
        let (w, h) = (mask.width(), mask.height());
        if (w, h) == (width, height) {
            return marks;
        }
        let at = |i: usize| {
            let (x, y) = (i % width, i / width);
            marks[(y * h + h / 2).min(height * h - 1) / height * w + (x * w + w / 2).min(width * w - 1) / width]
        };
        (0..width * height).map(at).collect()
    }

    fn own_marks(self, mask: &Picture) -> Vec<bool> {
        match tallies(mask, |_| false) {
            Some(few) => {
                let background = self.background_of(few.iter().map(|tally| tally.colour));
                (0..mask.width() * mask.height()).map(|i| colour(mask, i) != background).collect()
            }
            None => {
                let marks = above_half(mask).into_iter().map(|bright| bright != self.inverted).collect();
                without_specks(marks, mask.width())
            }
        }
    }

    /// Returns the mask as black and white in the size of its image, and a hash of what is marked.
    pub(crate) fn cleaned(self, mask: &Picture, file: FileHash, size: (usize, usize)) -> Option<(Picture, FileHash)> {
        let marks = self.marks(mask, size.0, size.1);
        let bytes: Vec<u8> = marks.iter().map(|&marked| if marked { 255 } else { 0 }).collect();
        // A mask that is read as it is keeps the identity of its file.
        let same = (mask.width(), mask.height()) == size
            && marks.iter().enumerate().all(|(i, &marked)| marked == (colour(mask, i) != BLACK));
        let hash = if same { file } else { FileHash::of(&bytes) };
        Some((Picture::new(size.0, size.1, 1, Samples::U8(bytes))?, hash))
    }
}

/// Whether a mask can be scaled to an image: the same aspect ratio up to one pixel.
pub(super) fn same_aspect(mask: (usize, usize), image: (usize, usize)) -> bool {
    let scaled = |side: usize, from: usize, to: usize| side as f64 * to as f64 / from as f64;
    mask == image
        || (scaled(mask.1, mask.0, image.0) - image.1 as f64).abs() < 1.0 + image.0 as f64 / mask.0 as f64 * 0.5
            && mask.0 * 16 >= image.0
            && mask.0.min(mask.1) >= 16
}

/// The colour of pixel `i`; grey has three equal values.
fn colour(mask: &Picture, i: usize) -> Colour {
    let channels = mask.channels();
    let sample = |c: usize| {
        let at = i * channels + c.min(channels - 1);
        match mask.samples() {
            Samples::U8(s) => u16::from(s[at]) * 257,
            Samples::U16(s) => s[at],
        }
    };
    [sample(0), sample(1), sample(2)]
}

fn brightness([r, g, b]: Colour) -> u16 {
    ((2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b) + 5_000) / 10_000) as u16
}

/// Counts the colours of a mask; `None` if it has too many, or the levels of a compressed black and white mask.
fn tallies(mask: &Picture, on_border: impl Fn(usize) -> bool) -> Option<Vec<Tally>> {
    let mut few: Vec<Tally> = Vec::with_capacity(FEW);
    for i in 0..mask.width() * mask.height() {
        let colour = colour(mask, i);
        let index = match few.iter().position(|tally| tally.colour == colour) {
            Some(index) => index,
            None if few.len() == FEW => return None,
            None => {
                few.push(Tally { colour, pixels: 0, on_border: 0 });
                few.len() - 1
            }
        };
        few[index].pixels += 1;
        few[index].on_border += usize::from(on_border(i));
    }
    let levels = || few.iter().map(|tally| brightness(tally.colour));
    let (low, high) = (levels().min().unwrap_or(0), levels().max().unwrap_or(0));
    let ringing = few.len() > 2
        && high - low > u16::MAX / 4
        && levels().all(|level| level - low <= RINGING || high - level <= RINGING);
    if ringing { None } else { Some(few) }
}

/// Whether each pixel is brighter than half of the range of the mask.
fn above_half(mask: &Picture) -> Vec<bool> {
    let levels: Vec<u16> = (0..mask.width() * mask.height()).map(|i| brightness(colour(mask, i))).collect();
    let (low, high) = (levels.iter().min().copied().unwrap_or(0), levels.iter().max().copied().unwrap_or(0));
    let half = low + (high - low) / 2;
    levels.into_iter().map(|level| level > half).collect()
}

/// Drops connected regions below [`SPECK`] pixels, or all but the largest if every one is that small.
fn without_specks(mut marks: Vec<bool>, width: usize) -> Vec<bool> {
    let height = marks.len() / width.max(1);
    let mut seen = vec![false; marks.len()];
    let mut regions: Vec<Vec<usize>> = Vec::new();
    for start in 0..marks.len() {
        if !marks[start] || seen[start] {
            continue;
        }
        let (mut region, mut open) = (Vec::new(), vec![start]);
        seen[start] = true;
        while let Some(i) = open.pop() {
            region.push(i);
            let (x, y) = (i % width, i / width);
            for ny in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for nx in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    let next = ny * width + nx;
                    if marks[next] && !seen[next] {
                        seen[next] = true;
                        open.push(next);
                    }
                }
            }
        }
        regions.push(region);
    }
    let largest = regions.iter().map(Vec::len).max().unwrap_or(0);
    for region in regions.iter().filter(|region| region.len() < SPECK.min(largest)) {
        region.iter().for_each(|&i| marks[i] = false);
    }
    marks
}

/// Describes masks that mark more than half of their image.
pub(super) fn large_note(shares: &[(String, f64)]) -> Option<String> {
    let (first, share) = shares.iter().filter(|(_, share)| *share > LARGE_SHARE).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let count = shares.iter().filter(|(_, share)| *share > LARGE_SHARE).count();
    Some(format!(
        "{} more than half of {}: {first} marks {:.0} %; check that the masks are not inverted",
        if count == 1 { "1 mask marks".to_owned() } else { format!("{} mark", counted(count, "mask")) },
        if count == 1 { "its image" } else { "their images" },
        share * 100.0
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mask of `side` x `side` pixels from a function of position.
    fn grey(side: usize, at: impl Fn(usize, usize) -> u8) -> Picture {
        let bytes = (0..side * side).map(|i| at(i % side, i / side)).collect();
        Picture::new(side, side, 1, Samples::U8(bytes)).unwrap()
    }

    fn in_spot(x: usize, y: usize) -> bool {
        (20..32).contains(&x) && (10..25).contains(&y)
    }

    fn marks(picture: &Picture, reading: MaskReading) -> Vec<bool> {
        reading.marks(picture, picture.width(), picture.height())
    }

    fn read(masks: &[Picture]) -> (MaskReading, Vec<String>) {
        let scans: Vec<MaskScan> = masks.iter().map(MaskScan::of).collect();
        MaskReading::of(&scans.iter().collect::<Vec<_>>())
    }

    #[test]
    fn every_way_to_store_a_mask_marks_the_same_pixels() {
        let clean = grey(64, |x, y| if in_spot(x, y) { 255 } else { 0 });
        let wanted = marks(&clean, MaskReading::default());
        assert_eq!(wanted.iter().filter(|m| **m).count(), 12 * 15);
        // Levels of a JPEG: ringing around the edge, with a few specks that reach the upper half.
        let jpeg = grey(64, |x, y| match (x, y) {
            (50, 50) | (3, 60) => 140,
            (x, y) if in_spot(x, y) => 255 - ((x * 7 + y * 3) % 12) as u8,
            (x, y) => ((x * 5 + y * 11) % 14) as u8,
        });
        let inverted = grey(64, |x, y| if in_spot(x, y) { 0 } else { 255 });
        let inverted_jpeg = grey(64, |x, y| 255 - if in_spot(x, y) { 240 + (x % 9) as u8 } else { (y % 13) as u8 });
        let classes = grey(64, |x, y| u8::from(in_spot(x, y)) + u8::from(in_spot(x, y) && y > 15));
        let palette = Picture::new(64, 64, 3, {
            let pixel = |i: usize| if in_spot(i % 64, i / 64) { [200, 0, 0] } else { [255, 255, 255] };
            Samples::U8((0..64 * 64).flat_map(pixel).collect())
        });
        for (name, mask) in [
            ("clean", clean),
            ("jpeg", jpeg),
            ("inverted", inverted),
            ("inverted jpeg", inverted_jpeg),
            ("classes", classes),
            ("palette", palette.unwrap()),
        ] {
            let set = vec![mask; 3];
            let (reading, notes) = read(&set);
            assert!(marks(&set[0], reading) == wanted, "{name}: {reading:?}");
            assert_eq!(notes.is_empty(), !name.contains("inverted") && name != "palette", "{name}: {notes:?}");
            let share = MaskScan::of(&set[0]).share(reading);
            assert!((share - 180.0 / 4096.0).abs() < 0.001, "{name}: {share}");
        }
    }

    #[test]
    fn one_large_defect_does_not_invert_the_others() {
        let small = grey(64, |x, y| if in_spot(x, y) { 255 } else { 0 });
        let large = grey(64, |x, _| if x > 4 { 255 } else { 0 });
        let set = [small.clone(), small, large.clone()];
        assert_eq!(read(&set), (MaskReading::default(), Vec::new()));
        // Alone, a mask that reaches the border of the image is not taken as inverted, but its area is said.
        let (reading, notes) = read(std::slice::from_ref(&large));
        assert!(reading == MaskReading::default() && notes.is_empty());
        let note = large_note(&[("a.png".into(), MaskScan::of(&large).share(reading)), ("b.png".into(), 0.1)]).unwrap();
        assert_eq!(
            note,
            "1 mask marks more than half of its image: a.png marks 92 %; check that the masks are not inverted"
        );
        // A mask of one colour tells nothing about the others.
        assert_eq!(read(&[grey(64, |_, _| 255)]).0, MaskReading::default());
    }

    #[test]
    fn a_mask_of_another_size_is_scaled_only_at_the_same_aspect() {
        let mask = grey(32, |x, y| if in_spot(2 * x, 2 * y) { 255 } else { 0 });
        let large = MaskReading::default().marks(&mask, 64, 64);
        let expected: Vec<bool> = (0..64 * 64).map(|i| in_spot(i % 64 / 2 * 2, i / 64 / 2 * 2)).collect();
        assert!(large == expected);
        assert!(
            same_aspect((32, 32), (64, 64))
                && same_aspect((512, 384), (1024, 768))
                && same_aspect((100, 67), (300, 200))
        );
        assert!(
            !same_aspect((12, 9), (12, 10)) && !same_aspect((64, 64), (64, 48)) && !same_aspect((640, 480), (480, 640))
        );
    }

    #[test]
    fn a_hairline_in_a_clean_mask_is_kept_and_its_identity_too() {
        let line = grey(64, |x, y| u8::from(x == 5 && y == 9));
        let file = FileHash::of(b"file");
        let (picture, hash) = MaskReading::default().cleaned(&line, file, (64, 64)).unwrap();
        assert_eq!(hash, file);
        assert!(matches!(picture.samples(), Samples::U8(s) if s.iter().filter(|v| **v == 255).count() == 1));
        let (_, hash) =
            MaskReading { inverted: false, background: Some([257; 3]) }.cleaned(&line, file, (64, 64)).unwrap();
        assert_ne!(hash, file);
    }
}
