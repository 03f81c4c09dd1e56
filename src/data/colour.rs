//! Whether images have colour, and what a model sees of it.
//!
//! An image has colour if it shows more of it than a colour camera gives any grey surface. Grey stored as RGB, the noise of
//! a sensor and of JPEG, and a faint uniform cast do not count. The channels are averaged over cells of 8 by 8 pixels,
//! which noise hardly survives. Then either
//!
//! - the means over the image differ by more than 12 of 255 levels and by more than 12 % of the largest: the surface itself
//!   has a hue; or
//! - in more than 1 in 1,000 cells the channels differ by 12 of 255 levels or more, both as they are and after each channel
//!   is scaled to the same mean, which removes a cast: something on the surface has a hue.

use std::path::PathBuf;

use super::{DataError, Dataset, FileFault, Picture, Samples};
use crate::{format::counted, text::PrintablePath};

/// Side of a cell, pixels.
const CELL: usize = 8;
/// Difference between the channels of a cell from which it has a colour, 0 to 1.
const COLOUR: f32 = 12.0 / 255.0;
/// Difference between the means of the channels, as a share of the largest, above which it is no faint cast.
const CAST: f32 = 0.12;
/// Share of the cells that must have a colour.
const CELLS: f64 = 0.001;
/// Means below this level have no hue: the image is black.
const BLACK: f32 = 3.0 / 255.0;
/// One in so many healthy images must have colour for a model to see it.
const ONE_IN: usize = 20;

/// Whether an image has colour.
pub(crate) fn has_colour(picture: &Picture) -> bool {
    if picture.channels() != 3 {
        return false;
    }
    let full = f32::from(u16::MAX >> (16 - picture.used_bits().clamp(1, 16)));
    let cells = match picture.samples() {
        Samples::U8(s) => cells(s, picture.width(), full),
        Samples::U16(s) => cells(s, picture.width(), full),
    };
    let mean: [f32; 3] = std::array::from_fn(|c| cells.iter().map(|cell| cell[c]).sum::<f32>() / cells.len() as f32);
    let largest = mean[0].max(mean[1]).max(mean[2]);
    if largest < BLACK {
        return false;
    }
    if spread(mean) > COLOUR.max(CAST * largest) {
        return true;
    }
    let gains = mean.map(|own| largest / own.max(BLACK));
    let is_coloured = |cell: &&[f32; 3]| {
        let balanced = std::array::from_fn(|c| cell[c] * gains[c]);
        spread(**cell).min(spread(balanced)) >= COLOUR
    };
    cells.iter().filter(is_coloured).count() as f64 > CELLS * cells.len() as f64
}

/// The means of the channels over cells of [`CELL`] by [`CELL`] pixels, 0 to 1; those at the edges may be smaller.
fn cells<T: Copy + Into<f32>>(samples: &[T], width: usize, full: f32) -> Vec<[f32; 3]> {
    let mut all = Vec::new();
    for band in samples.chunks(3 * width * CELL) {
        let mut sums = vec![([0.0f32; 3], 0.0f32); width.div_ceil(CELL)];
        for row in band.chunks(3 * width) {
            for (x, pixel) in row.as_chunks::<3>().0.iter().enumerate() {
                let (sum, count) = &mut sums[x / CELL];
                sum.iter_mut().zip(pixel).for_each(|(sum, &v)| *sum += v.into().min(full));
                *count += 1.0;
            }
        }
        all.extend(sums.into_iter().map(|(sum, count)| sum.map(|v| v / (count * full))));
    }
    all
}

fn spread([r, g, b]: [f32; 3]) -> f32 {
    r.max(g).max(b) - r.min(g).min(b)
}

/// The colours of the healthy training images of a data set, from which a run decides what its model sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundColour {
    /// Healthy training images.
    healthy: usize,
    /// Those that have colour.
    coloured: usize,
    /// Those in files of one channel.
    grey: usize,
    /// The first of them.
    first_grey: Option<PathBuf>,
    /// Images of the whole set that have colour.
    anywhere: usize,
    /// All images.
    images: usize,
}

impl FoundColour {
    /// Whether a model for these images sees colour unless its recipe says otherwise: no healthy image is in a file of one
    /// channel, and at least 1 in 20 has colour.
    pub fn is_seen(&self) -> bool {
        self.grey == 0 && self.coloured > 0 && self.coloured * ONE_IN >= self.healthy
    }

    /// Says what was found and what a model sees of it. `chosen` are the channels that its recipe asks for, if it does not
    /// leave them to the images.
    pub fn sentence(&self, chosen: Option<usize>) -> String {
        const LOST: &str = "a stain of equal brightness is lost";
        match chosen {
            Some(3) if self.anywhere == 0 => {
                "the model sees colour (3 channels) as the recipe says, although the images have none".to_owned()
            }
            Some(3) => "the model sees colour (3 channels), as the recipe says".to_owned(),
            Some(_) if self.anywhere > 0 => format!(
                "{}, but the model sees grey: {LOST}; set model.channels to auto or 3 to keep the colours",
                self.images_have_colours()
            ),
            Some(_) => "the model sees grey (1 channel), as the recipe says".to_owned(),
            None if self.is_seen() && self.coloured == self.healthy => {
                "the healthy images have colour, so the model sees colour (3 channels)".to_owned()
            }
            None if self.is_seen() => format!(
                "{} of {} healthy images have colour, so the model sees colour (3 channels)",
                self.coloured, self.healthy
            ),
            None if self.anywhere > 0 => self.dropped(LOST),
            None if self.grey < self.healthy => {
                "the healthy images are RGB without colour, so the model sees grey (1 channel); set model.channels to 3 if \
                 defects may have colour"
                    .to_owned()
            }
            None => "the images are grey, so the model sees grey (1 channel)".to_owned(),
        }
    }

    /// Says why the images leave the model grey although some have colour.
    fn dropped(&self, lost: &str) -> String {
        match &self.first_grey {
            Some(path) if self.coloured > 0 => format!(
                "{} of {} healthy images are grey, such as {}, so the model sees grey (1 channel): {lost}; remove the grey \
                 images to keep the colours of the others",
                self.grey,
                self.healthy,
                path.printable()
            ),
            Some(_) => format!(
                "{}, but the healthy images are grey, so the model sees grey (1 channel): {lost}; take the healthy images in \
                 colour to keep it",
                self.images_have_colours()
            ),
            None => format!(
                "{}, but {} of {} healthy images, so the model sees grey (1 channel): {lost}; set model.channels to 3 to \
                 keep the colours",
                self.images_have_colours(),
                if self.coloured == 0 { "none".to_owned() } else { format!("only {}", self.coloured) },
                self.healthy,
            ),
        }
    }

    fn images_have_colours(&self) -> String {
        match self.anywhere {
            n if n == self.images => "the images have colours".to_owned(),
            1 => "1 image has colours".to_owned(),
            n => format!("{} have colours", counted(n, "image")),
        }
    }
}

impl Dataset {
    /// The colours of its healthy training images.
    pub fn colour(&self) -> FoundColour {
        let healthy: Vec<_> = self.healthy_for_training().collect();
        let grey = || healthy.iter().filter(|item| item.channels == 1);
        FoundColour {
            healthy: healthy.len(),
            coloured: healthy.iter().filter(|item| item.coloured).count(),
            grey: grey().count(),
            first_grey: grey().next().map(|item| item.path.clone()),
            anywhere: self.items.iter().filter(|item| item.coloured).count(),
            images: self.items.len(),
        }
    }

    /// Checks that a model of this many channels can be trained on its healthy images.
    ///
    /// # Errors
    /// [`DataError::File`] with [`FileFault::Grey`] for the first image in grey, if the model is to see colour.
    pub fn check_colour(&self, channels: usize) -> Result<(), DataError> {
        match self.colour().first_grey {
            Some(path) if channels == 3 => Err(DataError::File { path, fault: FileFault::Grey(GREY_TO_TRAIN) }),
            _ => Ok(()),
        }
    }
}

/// What to do about a grey image among training images.
const GREY_TO_TRAIN: &str = "set model.channels to auto or 1, or replace it by an image in colour";

/// Says that a model of this many channels drops the colours of so many images; `None` if it does not.
pub(crate) fn dropped_colours(coloured: usize, channels: usize) -> Option<String> {
    let images = match coloured {
        0 => return None,
        1 => "1 image is".to_owned(),
        n => format!("{} are", counted(n, "image")),
    };
    (channels == 1).then(|| {
        format!(
            "the colours of {images} not seen, because the model was trained on grey: a stain of equal brightness is missed"
        )
    })
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgb, RgbImage, codecs::jpeg::JpegEncoder};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::data::{DatasetImage, DatasetLayout, FileHash, Label, Subset, decode::decode};

    const SIDE: u32 = 128;

    /// Brightness of a structured grey surface with blown highlights, 0 to 255.
    fn surface(x: u32, y: u32) -> f32 {
        let grain = ((x * 7_919 + y * 104_729) % 61) as f32;
        if (x / 9 + y / 13).is_multiple_of(11) { 300.0 } else { 60.0 + grain + 40.0 * (y as f32 * 0.3).sin() }
    }

    fn picture(pixel: impl FnMut(u32, u32) -> [f32; 3]) -> Picture {
        let mut pixel = pixel;
        let samples =
            (0..SIDE * SIDE).flat_map(|i| pixel(i % SIDE, i / SIDE).map(|v| v.clamp(0.0, 255.0).round() as u8));
        Picture::new(SIDE as usize, SIDE as usize, 3, Samples::U8(samples.collect())).unwrap()
    }

    fn tinted(gains: [f32; 3]) -> Picture {
        picture(|x, y| gains.map(|gain| gain * surface(x, y)))
    }

    /// The picture as a JPEG of this quality gives it.
    fn as_jpeg(picture: &Picture, quality: u8) -> Picture {
        let Samples::U8(samples) = picture.samples() else { panic!() };
        let image = RgbImage::from_raw(SIDE, SIDE, samples.clone()).unwrap();
        let mut bytes = Vec::new();
        image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.jpg"), bytes).unwrap();
        decode(&folder.path().join("a.jpg")).unwrap()
    }

    #[test]
    fn grey_noise_and_a_faint_cast_are_no_colour() {
        assert!(!has_colour(&tinted([1.0; 3])), "grey stored as RGB");
        for cast in [[1.04, 1.0, 0.97], [0.97, 1.0, 1.04], [1.0, 0.95, 1.0]] {
            assert!(!has_colour(&tinted(cast)), "{cast:?}");
            for quality in [40, 75, 95] {
                assert!(!has_colour(&as_jpeg(&tinted(cast), quality)), "{cast:?} at quality {quality}");
            }
        }
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut noise = |strength: f32| strength * (0..6).map(|_| rng.random_range(-1.0..1.0f32)).sum::<f32>() / 1.41;
        let noisy = picture(|x, y| [0, 1, 2].map(|_| surface(x, y) + noise(8.0)));
        assert!(!has_colour(&noisy) && !has_colour(&as_jpeg(&noisy, 60)), "noise of a sensor");
        assert!(!has_colour(&picture(|_, _| [2.0, 0.0, 1.0])), "a black image");
        assert!(!has_colour(&Picture::new(2, 1, 1, Samples::U8(vec![3, 200])).unwrap()), "one channel");
    }

    #[test]
    fn a_hue_of_the_surface_or_on_it_is_colour() {
        for hue in [[1.2, 1.0, 0.8], [0.8, 1.0, 1.1], [1.3, 0.7, 0.2]] {
            assert!(has_colour(&tinted(hue)), "{hue:?}");
        }
        // A stain of equal luminance on grey, a thread of a single pixel, and a small mark.
        let stain = |x: u32, y: u32| {
            let v = surface(x, y).min(200.0);
            if (40..56).contains(&x) && (40..56).contains(&y) { [v + 24.0, v - 8.7, v + 15.5] } else { [v; 3] }
        };
        let thread = |x: u32, y: u32| if x == 64 { [200.0, 40.0, 40.0] } else { [surface(x, y); 3] };
        let mark = |x: u32, y: u32| if x < 10 && y < 10 { [20.0, 60.0, 220.0] } else { [surface(x, y); 3] };
        for (name, image) in [("stain", picture(stain)), ("thread", picture(thread)), ("mark", picture(mark))] {
            assert!(has_colour(&image), "{name}");
        }
        assert!(has_colour(&as_jpeg(&picture(stain), 90)));
    }

    #[test]
    fn colour_is_measured_on_the_bits_that_are_used() {
        // 12 bits in 16: all above the lowest 8 bits of a 16-bit sample are all but empty.
        let samples = |tint: [f32; 3]| {
            let all = (0..SIDE * SIDE)
                .flat_map(|i| tint.map(|t| (t * 13.0 * surface(i % SIDE, i / SIDE)).min(4_095.0) as u16));
            Picture::new(SIDE as usize, SIDE as usize, 3, Samples::U16(all.collect()))
                .unwrap()
                .with_bit_depth(Default::default())
        };
        assert!(has_colour(&samples([1.3, 1.0, 0.7])));
        assert!(!has_colour(&samples([1.0; 3])) && !has_colour(&samples([1.03, 1.0, 0.97])));
    }

    fn set(items: &[(&str, usize, bool, bool)]) -> FoundColour {
        let item = |&(name, channels, coloured, healthy): &(&str, usize, bool, bool)| DatasetImage {
            path: name.into(),
            subset: if healthy { Subset::Train } else { Subset::Test },
            label: if healthy { Label::Healthy } else { Label::Defective("stain".into()) },
            mask: None,
            hash: FileHash::of(name.as_bytes()),
            pixels: FileHash::of(name.as_bytes()),
            width: 9,
            height: 9,
            channels,
            bits: 8,
            peak: None,
            images: 1,
            coloured,
        };
        Dataset::new("set".into(), DatasetLayout::Folders, items.iter().map(item).collect()).colour()
    }

    #[test]
    fn the_healthy_images_decide_and_everything_dropped_is_said() {
        let names: Vec<String> = (0..40).map(|i| format!("{i}.png")).collect();
        let many = |channels: usize, coloured: usize| -> Vec<(&str, usize, bool, bool)> {
            names.iter().enumerate().map(|(i, name)| (name.as_str(), channels, i < coloured, true)).collect()
        };
        let said = |items: &[(&str, usize, bool, bool)], chosen| {
            let found = set(items);
            (found.is_seen(), found.sentence(chosen))
        };
        for (coloured, seen, words) in [
            (40, true, "the healthy images have colour, so the model sees colour"),
            (2, true, "2 of 40 healthy images have colour, so the model sees colour"),
            (1, false, "1 image has colours, but only 1 of 40 healthy images, so the model sees grey"),
            (0, false, "RGB without colour, so the model sees grey (1 channel); set model.channels to 3"),
        ] {
            let (is_seen, sentence) = said(&many(3, coloured), None);
            assert!(is_seen == seen && sentence.contains(words), "{coloured}: {sentence}");
        }
        assert_eq!(
            said(&many(1, 0), None),
            (false, "the images are grey, so the model sees grey (1 channel)".to_owned())
        );
        // Coloured defects do not decide, but are named.
        let mut defects = many(3, 0);
        defects.extend([("a.png", 3, true, false), ("b.png", 3, true, false)]);
        let (seen, sentence) = said(&defects, None);
        assert!(!seen && sentence.starts_with("2 images have colours, but none of 40 healthy images"), "{sentence}");
        // One grey file among the healthy ones is named, since a model in colour refuses it.
        let mut mixed = many(3, 39);
        mixed[39].1 = 1;
        let (seen, sentence) = said(&mixed, None);
        assert!(!seen && sentence.contains("1 of 40 healthy images are grey, such as 39.png"), "{sentence}");
        // The recipe has the last word.
        assert!(said(&many(3, 40), Some(1)).1.starts_with("the images have colours, but the model sees grey"));
        assert!(said(&many(3, 0), Some(3)).1.ends_with("although the images have none"));
        assert!(said(&many(3, 40), Some(3)).1.ends_with("as the recipe says"));
    }

    #[test]
    fn a_model_in_colour_is_not_trained_on_grey_files() {
        let folder = tempfile::tempdir().unwrap();
        for i in 0..6u8 {
            let image = RgbImage::from_fn(24, 20, |x, y| Rgb([200, (x * 5) as u8, (y * 9) as u8 + i]));
            image.save_with_format(folder.path().join(format!("{i}.png")), ImageFormat::Png).unwrap();
        }
        let open = || crate::data::DataSource::Folder(folder.path().into()).open(&|_, _| true).unwrap().dataset;
        let set = open();
        assert!(set.colour().is_seen() && set.check_colour(3).is_ok() && set.check_colour(1).is_ok());
        image::GrayImage::from_fn(24, 20, |x, y| image::Luma([(x * 7 + y) as u8]))
            .save(folder.path().join("g.png"))
            .unwrap();
        let set = open();
        assert!(!set.colour().is_seen() && set.check_colour(1).is_ok());
        let message = set.check_colour(3).unwrap_err().to_string();
        assert!(message.contains("g.png") && message.contains("model.channels to auto or 1"), "{message}");
    }
}
