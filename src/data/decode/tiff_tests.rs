//! Tests of TIFF files, drawn entry by entry.

use super::{
    tests::{Folder, fault},
    *,
};
use crate::data::Samples;

/// One page: its entries besides offset and length of the one strip, and the strip.
struct TestPage {
    entries: Vec<(u16, Vec<u32>)>,
    strip: Vec<u8>,
}

impl TestPage {
    fn new(width: u32, height: u32, bits: u32, strip: Vec<u8>) -> Self {
        let entries = [(256, width), (257, height), (258, bits), (259, 1), (262, 1), (277, 1), (278, height)];
        Self { entries: entries.into_iter().map(|(tag, value)| (tag, vec![value])).collect(), strip }
    }

    fn with(mut self, tag: u16, values: &[u32]) -> Self {
        self.entries.retain(|(known, _)| *known != tag);
        self.entries.push((tag, values.to_vec()));
        self
    }
}

/// Writes a TIFF or a BigTIFF of some pages.
fn written(pages: &[TestPage], is_big: bool, is_big_endian: bool) -> Vec<u8> {
    let number = |value: u64, width: usize| -> Vec<u8> {
        if is_big_endian { value.to_be_bytes()[8 - width..].to_vec() } else { value.to_le_bytes()[..width].to_vec() }
    };
    let (wide, order) = (if is_big { 8 } else { 4 }, if is_big_endian { b"MM" } else { b"II" });
    let mut bytes = order.to_vec();
    bytes.extend(number(if is_big { 43 } else { 42 }, 2));
    if is_big {
        bytes.extend([number(8, 2), number(0, 2)].concat());
    }
    let mut link = bytes.len();
    bytes.extend(number(0, wide));
    for page in pages {
        let strip = bytes.len() as u64;
        bytes.extend(&page.strip);
        let mut entries = page.entries.clone();
        entries.extend([(273, vec![strip as u32]), (279, vec![page.strip.len() as u32])]);
        entries.sort();
        let mut rows = Vec::new();
        for (tag, values) in &entries {
            let stored: Vec<u8> = values.iter().flat_map(|&v| number(v.into(), 4)).collect();
            let short: Vec<u8> = values.iter().flat_map(|&v| number(v.into(), 2)).collect();
            let (kind, stored) = if *tag == 273 || *tag == 279 { (4, stored) } else { (3, short) };
            let mut cell = if stored.len() <= wide {
                stored
            } else {
                let at = bytes.len() as u64;
                bytes.extend(stored);
                number(at, wide)
            };
            cell.resize(wide, 0);
            rows.push([number(u64::from(*tag), 2), number(kind, 2), number(values.len() as u64, wide), cell].concat());
        }
        let at = bytes.len() as u64;
        bytes.splice(link..link + wide, number(at, wide));
        bytes.extend(number(rows.len() as u64, if is_big { 8 } else { 2 }));
        bytes.extend(rows.concat());
        link = bytes.len();
        bytes.extend(number(0, wide));
    }
    bytes
}

fn picture(pages: &[TestPage]) -> Picture {
    let folder = Folder::new();
    decode(&folder.with("image.tif", &written(pages, false, false))).unwrap()
}

fn u8s(picture: &Picture) -> &[u8] {
    let Samples::U8(samples) = picture.samples() else { panic!("not 8 bits") };
    samples
}

#[test]
fn both_sizes_and_byte_orders_are_read() {
    let folder = Folder::new();
    for is_big in [false, true] {
        for is_big_endian in [false, true] {
            let sample = |v: u16| if is_big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
            let strip = [9_u16, 60_000, 3, 4, 5, 65_535].map(sample).concat();
            let bytes = written(&[TestPage::new(3, 2, 16, strip)], is_big, is_big_endian);
            let picture = decode(&folder.with("grey.tif", &bytes)).unwrap();
            assert_eq!((picture.width(), picture.height(), picture.channels()), (3, 2, 1));
            assert_eq!(picture.samples(), &Samples::U16(vec![9, 60_000, 3, 4, 5, 65_535]), "{is_big} {is_big_endian}");
        }
    }
}

#[test]
fn orientations_are_applied() {
    // 1 2 3
    // 4 5 6
    let turned = [
        vec![1, 2, 3, 4, 5, 6],
        vec![3, 2, 1, 6, 5, 4],
        vec![6, 5, 4, 3, 2, 1],
        vec![4, 5, 6, 1, 2, 3],
        vec![1, 4, 2, 5, 3, 6],
        vec![4, 1, 5, 2, 6, 3],
        vec![6, 3, 5, 2, 4, 1],
        vec![3, 6, 2, 5, 1, 4],
    ];
    for (orientation, expected) in (1..).zip(&turned) {
        let picture = picture(&[TestPage::new(3, 2, 8, vec![1, 2, 3, 4, 5, 6]).with(274, &[orientation])]);
        let size = if orientation < 5 { (3, 2) } else { (2, 3) };
        assert_eq!(((picture.width(), picture.height()), u8s(&picture)), (size, &expected[..]), "{orientation}");
    }
}

#[test]
fn thumbnails_and_masks_are_passed_over_and_other_pages_counted() {
    let page = |level| TestPage::new(4, 1, 8, vec![level; 4]);
    let thumbnail = || TestPage::new(2, 1, 8, vec![1; 2]).with(254, &[1]);
    let one = picture(&[page(7)]);
    assert_eq!((u8s(&one)[0], one.images(), one.remark()), (7, 1, None));
    let several =
        picture(&[thumbnail(), page(7), TestPage::new(4, 1, 8, vec![0; 4]).with(254, &[4]), page(8), page(9)]);
    assert_eq!((u8s(&several)[0], several.width(), several.images()), (7, 4, 3));
    assert!(several.remark().unwrap().contains("the first of its 3 images"));
    // A thumbnail after the picture is nothing to speak of.
    assert_eq!(picture(&[page(7), thumbnail()]).remark(), None);
}

#[test]
fn palettes_alpha_and_few_bits_become_grey_or_rgb() {
    let colours: Vec<u32> = (0..3).flat_map(|c| (0..16).map(move |i| (i * 16 + c) << 8)).collect();
    let palette = picture(&[TestPage::new(3, 1, 4, vec![0x1f, 0x20]).with(262, &[3]).with(320, &colours)]);
    assert_eq!((palette.channels(), u8s(&palette)), (3, &[16, 17, 18, 240, 241, 242, 32, 33, 34][..]));
    let few = picture(&[TestPage::new(3, 1, 2, vec![0b00_01_11_00])]);
    assert_eq!(u8s(&few), [0, 85, 255]);
    let strip = [1_000_u16, 65_535, 50_000, 0].map(u16::to_le_bytes).concat();
    for extra in [None, Some(2)] {
        let page = TestPage::new(2, 1, 16, strip.clone()).with(258, &[16, 16]).with(277, &[2]);
        let page = extra.map_or(page.entries.clone(), |kind| {
            TestPage { entries: page.entries.clone(), strip: Vec::new() }.with(338, &[kind]).entries
        });
        let grey = picture(&[TestPage { entries: page, strip: strip.clone() }]);
        assert_eq!((grey.channels(), grey.samples()), (1, &Samples::U16(vec![1_000, 50_000])), "{extra:?}");
    }
}

#[test]
fn packed_samples_are_stretched_to_their_range() {
    // 0xfff and 0x800 in 12 bits.
    let packed = picture(&[TestPage::new(2, 1, 12, vec![0xff, 0xf8, 0x00])]);
    assert_eq!((packed.unit(0, 0, 0), packed.used_bits()), (1.0, 12));
    assert!((packed.unit(1, 0, 0) - (2_048.0 / 2_047.5 - 1.0)).abs() < 1e-6);
    // Their number is known: a dark picture stays dark.
    let dark = picture(&[TestPage::new(2, 1, 12, vec![0x00, 0x10, 0x02])]);
    assert!(dark.unit(1, 0, 0) < -0.99 && dark.remark().is_none());
}

#[test]
fn a_jpeg_in_a_tiff_keeps_its_colours_and_must_be_whole() {
    let folder = Folder::new();
    let mut strip = Vec::new();
    let pixels: Vec<u8> = (0..32 * 32).flat_map(|i| [220, (i % 32) as u8 * 4, 30]).collect();
    let encoder = jpeg_encoder::Encoder::new(&mut strip, 95);
    encoder.encode(&pixels, 32, 32, jpeg_encoder::ColorType::Rgb).unwrap();
    let page = |strip: &[u8]| {
        let page = TestPage::new(32, 32, 8, strip.to_vec()).with(258, &[8, 8, 8]).with(259, &[7]);
        page.with(262, &[6]).with(277, &[3])
    };
    let red = picture(&[page(&strip)]);
    assert_eq!((red.channels(), red.width()), (3, 32));
    let first = &u8s(&red)[..3];
    assert!(first[0].abs_diff(220) < 8 && first[1] < 16 && first[2].abs_diff(30) < 10, "{first:?}");
    let middle = strip.len() / 2;
    let cut = [&strip[..middle], &strip[middle + 40..]].concat();
    let message = fault(&folder.with("cut.tif", &written(&[page(&cut)], false, false)));
    assert!(message.contains("its content is damaged"), "{message}");
}

#[test]
fn what_is_not_read_is_named() {
    let folder = Folder::new();
    let told = |page: TestPage| fault(&folder.with("x.tif", &written(&[page], false, false)));
    let page = || TestPage::new(4, 4, 8, vec![0; 16]);
    let message = told(page().with(259, &[50_000]));
    assert!(message.contains("a TIFF with Zstandard compression") && message.contains("LZW or Deflate"), "{message}");
    assert!(told(page().with(259, &[34_712])).contains("JPEG 2000"));
    assert!(told(page().with(262, &[32_803])).contains("a camera's raw file"));
    assert!(told(TestPage::new(1, 1, 32, vec![0; 4])).contains("32 bits per sample"));
    assert!(told(TestPage::new(1, 1, 32, vec![0; 4]).with(339, &[3])).contains("32-bit floating point"));
    assert!(told(TestPage::new(4, 4, 8, vec![0; 16]).with(339, &[2])).contains("signed"));
    // A header that promises more than the file holds.
    let message = fault(&folder.with("y.tif", &written(&[TestPage::new(60_000, 60_000, 8, vec![0; 9])], true, false)));
    assert!(message.contains("60000 x 60000") && message.contains("the limit is"), "{message}");
    let whole = written(&[TestPage::new(40, 40, 8, vec![7; 1_600])], false, false);
    for at in [4, 700, 1_610, whole.len() - 5] {
        let message = fault(&folder.with("cut.tif", &whole[..at]));
        assert!(message.contains("truncated") || message.contains("damaged"), "{at}: {message}");
    }
}
