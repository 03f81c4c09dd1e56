use std::path::PathBuf;

use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage, RgbaImage};

use super::{format::format_of, *};
use crate::data::{BitDepth, Samples};

pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn with(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.at(name), bytes).unwrap();
        self.at(name)
    }
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn grey(width: u32, height: u32) -> DynamicImage {
    GrayImage::from_fn(width, height, |x, y| Luma([(x * 7 + y * 13) as u8])).into()
}

pub(super) fn fault(path: &Path) -> String {
    decode(path).unwrap_err().to_string()
}

#[test]
fn every_format_gives_back_its_pixels() {
    let folder = Folder::new();
    let rgb: DynamicImage = RgbImage::from_fn(9, 5, |x, y| Rgb([x as u8, y as u8, 200])).into();
    for (image, channels) in [(grey(9, 5), 1), (rgb, 3)] {
        for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Pnm] {
            let path = folder.with("image", &encoded(&image, format));
            let picture = decode(&path).unwrap();
            assert_eq!((picture.width(), picture.height(), picture.bits()), (9, 5, 8));
            let grey = image.as_luma8().map(|i| i.as_raw().clone());
            // BMP has no grey: it is stored with a palette, which is resolved to RGB.
            if let Some(expected) = grey {
                assert_eq!(picture.into_grey().samples(), &Samples::U8(expected), "{format:?}");
            } else {
                assert_eq!(picture.channels(), channels);
                assert_eq!(picture.samples(), &Samples::U8(image.as_bytes().to_vec()), "{format:?}");
            }
        }
    }
}

#[test]
fn sixteen_bits_reach_both_ends_of_the_unit_range() {
    let folder = Folder::new();
    let grey = ImageBuffer::<Luma<u16>, _>::from_raw(3, 1, vec![0, 1000, 65_535]).unwrap();
    let rgb = ImageBuffer::<Rgb<u16>, _>::from_raw(2, 1, vec![0, 65_535, 32_768, 5, 6, 7]).unwrap();
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let one = decode(&folder.with("g", &encoded(&grey.clone().into(), format))).unwrap();
        assert_eq!((one.channels(), one.bits()), (1, 16));
        assert_eq!((one.unit(0, 0, 0), one.unit(2, 0, 0)), (-1.0, 1.0));
        assert!((one.unit(1, 0, 0) - (1000.0 / 32_767.5 - 1.0)).abs() < 1e-6);
        let three = decode(&folder.with("c", &encoded(&rgb.clone().into(), format))).unwrap();
        assert_eq!(three.samples(), &Samples::U16(vec![0, 65_535, 32_768, 5, 6, 7]));
        assert_eq!((three.unit(0, 0, 0), three.unit(0, 0, 1)), (-1.0, 1.0));
    }
}

#[test]
fn alpha_is_dropped() {
    let folder = Folder::new();
    let rgba: DynamicImage = RgbaImage::from_raw(2, 1, vec![1, 2, 3, 0, 4, 5, 6, 128]).unwrap().into();
    let picture = decode(&folder.with("a.png", &encoded(&rgba, ImageFormat::Png))).unwrap();
    assert_eq!((picture.channels(), picture.samples()), (3, &Samples::U8(vec![1, 2, 3, 4, 5, 6])));
}

/// A PNG chunk with its checksum.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind.as_slice(), data].concat();
    let mut crc = u32::MAX;
    for &byte in &body {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    [&(data.len() as u32).to_be_bytes(), body.as_slice(), &(!crc).to_be_bytes()].concat()
}

fn png(header: &[u8; 13], chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", header), chunks.concat(), chunk(b"IEND", &[])].concat()
}

#[test]
fn a_palette_is_resolved() {
    let folder = Folder::new();
    // Two pixels of one bit, stored as a raw deflate block.
    let data = [0x78, 0x01, 0x01, 2, 0, 0xfd, 0xff, 0, 0b0100_0000, 0, 0x42, 0, 0x41];
    let palette = chunk(b"PLTE", &[10, 20, 30, 200, 210, 220]);
    let bytes = png(&[0, 0, 0, 2, 0, 0, 0, 1, 1, 3, 0, 0, 0], &[palette, chunk(b"IDAT", &data)]);
    let picture = decode(&folder.with("p.png", &bytes)).unwrap();
    assert_eq!((picture.channels(), picture.samples()), (3, &Samples::U8(vec![10, 20, 30, 200, 210, 220])));
}

#[test]
fn known_content_is_not_decoded_and_other_files_have_a_hash_too() {
    let folder = Folder::new();
    let bytes = encoded(&grey(9, 5), ImageFormat::Png);
    let path = folder.with("a.png", &bytes);
    let (hash, known) = decode_unless(&path, |hash, _| hash == FileHash::of(&bytes), |_| Ok(true)).unwrap();
    assert!(hash == FileHash::of(&bytes) && matches!(known, Ok(None)));
    let (_, fresh) = decode_unless(&path, |_, _| false, |_| Ok(true)).unwrap();
    assert_eq!(fresh.unwrap(), Some(decode(&path).unwrap()));
    let (hash, text) = decode_unless(&folder.with("note.png", b"not yet"), |_, _| false, |_| Ok(true)).unwrap();
    assert!(hash == FileHash::of(b"not yet") && matches!(text, Err(FileFault::NotAnImage(_))));
    assert!(decode_unless(&folder.at("absent.png"), |_, _| false, |_| Ok(true)).is_err());
    let named = ["a.png", "a.b.TIFF", "A.Pgm"].map(Path::new);
    assert!(named.into_iter().all(is_named_like_an_image));
    let others = ["a.png.part", "png", ".png", "a.txt", "a"].map(Path::new);
    assert!(!others.into_iter().any(is_named_like_an_image));
}

#[test]
fn content_counts_and_not_the_extension() {
    let folder = Folder::new();
    let message = fault(&folder.with("note.png", "Dear colleague,\nthe parts are fine – all of them.".as_bytes()));
    assert!(message.contains("note.png: it is not an image (it looks like text); remove it"), "{message}");
    assert!(fault(&folder.with("plan.bmp", b"BMW wants 300 parts")).contains("like text"));
    assert!(fault(&folder.with("plan.pgm", b"P2P is a protocol")).contains("like text"));
    assert!(fault(&folder.with("void.png", b"")).contains("the file is empty"));
    assert!(fault(&folder.with("moving.png", b"GIF89a\x01\0\x01\0")).contains("truncated"));
    assert!(fault(&folder.with("raw.png", &[1, 2, 3, 4, 0])).contains("no known image format"));
    assert!(fault(&folder.at("absent.png")).contains("check that it exists"));
    let jpeg = encoded(&grey(20, 10), ImageFormat::Jpeg);
    assert_eq!(format_of(&jpeg).unwrap(), ImageFormat::Jpeg);
    let jpeg = folder.with("photo.png", &jpeg);
    assert_eq!(decode(&jpeg).unwrap().width(), 20);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let folder = Folder::new();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Pnm] {
        let whole = encoded(&grey(40, 30), format);
        assert!(decode(&folder.with("whole", &whole)).is_ok());
        for keep in [whole.len() - 1, whole.len() - 9, whole.len() * 3 / 4, whole.len() / 2, 60] {
            let message = fault(&folder.with("cut", &whole[..keep]));
            assert!(
                message.contains("cut: the file is truncated") || message.contains("cut: its content is damaged"),
                "{format:?}: {message}"
            );
        }
    }
    let png = encoded(&grey(40, 30), ImageFormat::Png);
    assert!(fault(&folder.with("half.png", &png[..png.len() / 2])).contains("is truncated"));
}

#[test]
fn a_header_cannot_ask_for_more_than_the_limit() {
    let folder = Folder::new();
    let wide = png(&[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1, 8, 0, 0, 0, 0], &[chunk(b"IDAT", &[0x78, 1])]);
    let message = fault(&folder.with("wide.png", &wide));
    assert!(
        message.contains("2147483647 x 1 pixels") && message.contains("the limit is 65,535 pixels per side"),
        "{message}"
    );
    // 20,000 x 20,000 in RGB of 16 bits is 2.4 GB.
    let deep = png(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20, 16, 2, 0, 0, 0], &[chunk(b"IDAT", &[0x78, 1])]);
    assert!(fault(&folder.with("deep.png", &deep)).contains("2400000000 bytes when decoded"));
    let scan = png(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20, 8, 0, 0, 0, 0], &[chunk(b"IDAT", &[0x78, 1])]);
    let (_, header) = decoder(&scan, ImageFormat::Png).unwrap();
    assert_eq!((header.width, header.height), (20_000, 20_000));
}

#[test]
fn floating_point_and_32_bits_are_refused_in_words() {
    let folder = Folder::new();
    let float = DynamicImage::ImageRgb32F(ImageBuffer::from_pixel(4, 4, Rgb([0.5_f32; 3])));
    let message = fault(&folder.with("f.tiff", &encoded(&float, ImageFormat::Tiff)));
    assert!(message.contains("32-bit floating point") && message.contains("save it with 8 or 16 bits"), "{message}");
    // A little-endian TIFF of one grey pixel of 32 bits.
    let entry = |tag: u16, kind: u16, value: u32| {
        [tag.to_le_bytes().as_slice(), &kind.to_le_bytes(), &1_u32.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let entries = [
        (256, 4, 1),
        (257, 4, 1),
        (258, 3, 32),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 4),
        (277, 3, 1),
        (278, 4, 1),
        (279, 4, 4),
    ];
    let fields: Vec<u8> = entries.iter().flat_map(|&(tag, kind, value)| entry(tag, kind, value)).collect();
    let tiff =
        [b"II*\0\x0c\0\0\0\0\0\0\0".as_slice(), &(entries.len() as u16).to_le_bytes(), &fields, &[0; 4]].concat();
    assert!(fault(&folder.with("i.tiff", &tiff)).contains("save it with 8 or 16 bits"));
}

#[test]
fn one_pixel_is_a_picture() {
    let folder = Folder::new();
    assert_eq!(decode(&folder.with("1.png", &encoded(&grey(1, 1), ImageFormat::Png))).unwrap().bytes(), 1);
}

/// An EXIF block that says only the orientation.
fn exif(orientation: u8) -> Vec<u8> {
    [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[orientation, 0, 0, 0], &[0; 4]].concat()
}

#[test]
fn every_format_is_shown_upright() {
    let folder = Folder::new();
    let stored = GrayImage::from_fn(64, 32, |x, y| Luma([if x < 32 && y < 16 { 250 } else { 10 }]));
    let png = encoded(&stored.clone().into(), ImageFormat::Png);
    let jpeg = encoded(&stored.into(), ImageFormat::Jpeg);
    // Orientation 6: the first row is at the right, so the bright corner is at the top right.
    let with_png = [&png[..33], &chunk(b"eXIf", &exif(6)), &png[33..]].concat();
    let block = [b"Exif\0\0".to_vec(), exif(6)].concat();
    let segment = [b"\xff\xe1".as_slice(), &(block.len() as u16 + 2).to_be_bytes(), &block].concat();
    let with_jpeg = [&jpeg[..2], &segment, &jpeg[2..]].concat();
    for (name, bytes) in [("a.png", with_png), ("a.jpg", with_jpeg)] {
        let picture = decode(&folder.with(name, &bytes)).unwrap();
        assert_eq!((picture.width(), picture.height()), (32, 64), "{name}");
        let level = |x, y| picture.unit(x, y, 0);
        assert!(level(28, 4) > 0.8 && level(4, 4) < -0.8 && level(28, 60) < -0.8, "{name}");
    }
    assert_eq!(decode(&folder.with("b.png", &png)).unwrap().width(), 64);
}

#[test]
fn the_low_bits_of_16_are_recognised_and_adjustable() {
    let folder = Folder::new();
    let write = |name: &str, samples: Vec<u16>| {
        let image = ImageBuffer::<Luma<u16>, _>::from_raw(samples.len() as u32, 1, samples).unwrap();
        folder.with(name, &encoded(&image.into(), ImageFormat::Png))
    };
    for (peak, bits) in [(1_000, 10), (4_000, 12), (16_000, 14), (60_000, 16)] {
        let picture = decode(&write("low.png", vec![0, peak])).unwrap();
        assert_eq!(picture.used_bits(), bits);
        assert!(picture.unit(1, 0, 0) > 0.8, "{peak}");
        assert_eq!(picture.remark().is_some_and(|r| r.contains(&format!("read as {bits} bits"))), bits < 16);
        // A single image may be dark: the depth of the set decides.
        let dark = picture.with_bit_depth(BitDepth::Sixteen);
        assert!((dark.unit(1, 0, 0) - (f32::from(peak) / 32_767.5 - 1.0)).abs() < 1e-6);
        assert!(dark.remark().is_none());
    }
    let bright = decode(&write("bright.png", vec![0, 60_000])).unwrap();
    assert_eq!(bright.with_bit_depth(BitDepth::Twelve).unit(1, 0, 0), 1.0);
    // A PGM says how large its samples can be.
    let pgm = [b"P5\n2 1\n4095\n".as_slice(), &100_u16.to_be_bytes(), &200_u16.to_be_bytes()].concat();
    let dark = decode(&folder.with("dark.pgm", &pgm)).unwrap();
    assert!((dark.unit(1, 0, 0) - (200.0 / 2_047.5 - 1.0)).abs() < 1e-3 && dark.remark().is_none());
}

#[test]
fn more_images_in_a_file_are_counted() {
    let folder = Folder::new();
    let one = [b"P5\n4 2\n255\n".as_slice(), &[7; 8]].concat();
    let images = |name: &str, bytes: &[u8]| decode(&folder.with(name, bytes)).unwrap().images();
    assert_eq!(images("one.pgm", &one), 1);
    assert_eq!(images("two.pgm", &[&one[..], b"\n", &one[..], &one[..]].concat()), 3);
    let png = encoded(&grey(9, 5), ImageFormat::Png);
    assert_eq!(images("one.png", &png), 1);
    let control = chunk(b"acTL", &[0, 0, 0, 5, 0, 0, 0, 0]);
    let frame = chunk(b"fcTL", &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 10, 0, 0]);
    assert_eq!(images("five.png", &[&png[..33], &control, &frame, &png[33..]].concat()), 5);
    let frames = |count: usize| {
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
        for i in 0..count {
            let pixels = RgbaImage::from_pixel(6, 4, image::Rgba([i as u8 * 9, 9, 9, 255]));
            encoder.encode_frame(image::Frame::new(pixels)).unwrap();
        }
        drop(encoder);
        bytes
    };
    assert_eq!((images("one.gif", &frames(1)), images("three.gif", &frames(3))), (1, 3));
    let gif = frames(1);
    assert!(fault(&folder.with("cut.gif", &gif[..gif.len() - 1])).contains("truncated"));
    let webp = encoded(&RgbImage::from_pixel(9, 5, Rgb([1, 2, 3])).into(), ImageFormat::WebP);
    assert_eq!(images("one.webp", &webp), 1);
    assert!(fault(&folder.with("cut.webp", &webp[..webp.len() - 3])).contains("truncated"));
}

#[test]
fn other_files_are_named_for_what_they_are() {
    let folder = Folder::new();
    let mut dicom = vec![0; 128];
    dicom.extend(b"DICM\x02\0");
    let cases: [(&str, &[u8], &str); 9] = [
        ("a.tif", b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14", "it is a JPEG 2000 image; save it as PNG"),
        ("a.png", b"\xff\x0a\xfa\x1f", "it is a JPEG XL image"),
        ("a.jpg", b"\0\0\0\x18ftypheic\0\0", "it is a HEIC image"),
        ("a.jpg", b"\0\0\0\x1cftypavif\0\0", "it is an AVIF image"),
        ("a.png", b"%PDF-1.7\n%abc", "it is a PDF document"),
        ("a.jpg", &dicom, "it is a DICOM file"),
        ("a.png", b"PK\x03\x04\x14\0", "ZIP"),
        ("a.jpg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "database of thumbnails"),
        ("a.bmp", &[0; 700], "nothing but zero bytes"),
    ];
    for (name, bytes, reason) in cases {
        let message = fault(&folder.with(name, bytes));
        assert!(message.contains(reason) && !message.contains("damaged"), "{message}");
    }
}

#[test]
fn what_a_header_promises_is_not_taken_on_trust() {
    let folder = Folder::new();
    let bmp = encoded(&RgbImage::new(40, 30).into(), ImageFormat::Bmp);
    let mut wide = bmp.clone();
    wide[18..22].copy_from_slice(&18_000_u32.to_le_bytes());
    wide[22..26].copy_from_slice(&18_000_u32.to_le_bytes());
    assert!(fault(&folder.with("a.bmp", &wide)).contains("truncated"));
    assert!(fault(&folder.with("a.pgm", b"P5 18000 18000 255\nabc")).contains("truncated"));
    // The reader may set a limit of its own, which comes before the pixels.
    let path = folder.with("b.bmp", &bmp);
    let refused = decode_checked(&path, |header| match header.pixels() {
        1_200 => Err(FileFault::NotInspected("too many".into())),
        _ => Ok(()),
    });
    assert!(refused.unwrap_err().to_string().ends_with("b.bmp: too many"));
    assert!(matches!(decode_unless(&path, |_, _| false, |_| Ok(false)), Ok((_, Ok(None)))));
}

#[test]
fn zero_bytes_at_the_end_are_worth_a_word() {
    let folder = Folder::new();
    let whole = encoded(&RgbImage::from_pixel(40, 40, Rgb([90, 80, 70])).into(), ImageFormat::Bmp);
    assert_eq!(decode(&folder.with("whole.bmp", &whole)).unwrap().remark(), None);
    let mut reserved = whole.clone();
    let third = whole.len() / 3;
    reserved[third..].fill(0);
    let picture = decode(&folder.with("reserved.bmp", &reserved)).unwrap();
    assert!((64..=67).contains(&picture.empty_end()), "{}", picture.empty_end());
    assert!(picture.remark().unwrap().contains("not written completely"));
    let pgm = [b"P5 20 20 255\n".as_slice(), &[50; 300], &[0; 100]].concat();
    assert_eq!(decode(&folder.with("a.pgm", &pgm)).unwrap().empty_end(), 24);
}
