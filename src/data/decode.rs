//! Decodes an image file into a [`Picture`], or gives the reason why it cannot.

use std::{
    fs,
    fs::File,
    io,
    io::{Cursor, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use image::{
    ColorType, DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
    error::UnsupportedErrorKind,
};
use parking_lot::Mutex;

use super::{DataError, FileFault, FileHash, Picture, Samples};

/// Maximum width and height in pixels.
pub(crate) const MAX_SIDE: u32 = 65_535;
/// Maximum number of pixels in an image: 20,000 x 20,000.
pub(crate) const MAX_PIXELS: u64 = 400_000_000;
/// Maximum size in bytes of a decoded image, alpha included, and of a file.
pub(crate) const MAX_BYTES: u64 = 1_600_000_000;
/// Files and images larger than this many bytes are decoded one at a time.
pub(crate) const LARGE: u64 = 64 << 20;

/// Extensions of image files in lower case. Used only when searching a folder; a format is recognised by content.
pub(crate) const EXTENSIONS: [&str; 11] =
    ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "pgm", "ppm", "pbm", "pnm", "pam"];

/// Whether a file has the extension of an image, ignoring case.
pub(crate) fn is_named_like_an_image(path: &Path) -> bool {
    path.extension().is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// Memory that a decoder may allocate; some hold the image twice.
const MAX_ALLOC: u64 = 2 * MAX_BYTES;

/// Decodes the image in `path` by its content, whatever its extension.
///
/// # Errors
/// [`DataError::File`] with the [`FileFault`] for a file that cannot be read, is not an image, is
/// truncated or damaged, has 32-bit or floating-point samples, or exceeds `MAX_SIDE`, `MAX_PIXELS` or
/// `MAX_BYTES`.
pub fn decode(path: &Path) -> Result<Picture, DataError> {
    decode_hashed(path).map(|(picture, _)| picture)
}

/// As [`decode`]; also returns the hash of the file.
///
/// # Errors
/// Those of [`decode`].
pub(crate) fn decode_hashed(path: &Path) -> Result<(Picture, FileHash), DataError> {
    let named = |fault| DataError::File { path: path.to_owned(), fault };
    let (picture, hash) = read_and(path, |bytes, _, turn| picture_from(bytes, turn)).map_err(named)?;
    Ok((picture.map_err(named)?, hash))
}

/// Result of [`decode_unless`]: the image, `None` if the content was known, or the reason why it cannot be decoded.
pub(crate) type Decoded = Result<Option<Picture>, FileFault>;

/// As [`decode_hashed`], but decodes the pixels only if `known` returns `false` for the hash. A file that is not an image
/// has a hash too.
///
/// # Errors
/// [`FileFault`] if there are no bytes to hash: the file cannot be read or is larger than [`MAX_BYTES`].
pub(crate) fn decode_unless(
    path: &Path,
    known: impl FnOnce(FileHash) -> bool,
) -> Result<(FileHash, Decoded), FileFault> {
    let decode = |bytes: &[u8], hash, turn: &mut Turn| {
        if known(hash) { Ok(None) } else { picture_from(bytes, turn).map(Some) }
    };
    read_and(path, decode).map(|(decoded, hash)| (hash, decoded))
}

/// Serialises large files and images, so that memory use depends on the largest image and not on the number of threads.
static ONE_LARGE: Mutex<()> = Mutex::new(());

type Turn = Option<parking_lot::MutexGuard<'static, ()>>;

/// Applies `then` to the bytes of a file; also returns their hash. The outer error is that of reading the file.
fn read_and<T>(
    path: &Path,
    then: impl FnOnce(&[u8], FileHash, &mut Turn) -> Result<T, FileFault>,
) -> Result<(Result<T, FileFault>, FileHash), FileFault> {
    // Checked before opening: opening a pipe would block until its other end is opened.
    let metadata = fs::metadata(path).map_err(FileFault::Read)?;
    if !metadata.is_file() {
        return Err(FileFault::NotAnImage("it is not a regular file"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(FileFault::TooLong(metadata.len()));
    }
    let file = File::open(path).map_err(FileFault::Read)?;
    let mut turn = (metadata.len() > LARGE).then(|| ONE_LARGE.lock());
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    // One byte more than the limit, in case the file grows while it is read.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(FileFault::Read)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileFault::TooLong(bytes.len() as u64));
    }
    let hash = FileHash::of(&bytes);
    // A decoder that panics on a malicious file fails that file, not the program.
    let result = catch_unwind(AssertUnwindSafe(|| then(&bytes, hash, &mut turn)));
    let result = result.unwrap_or_else(|_| Err(FileFault::Damaged("the decoder failed".to_owned())));
    Ok((result, hash))
}

fn picture_from(bytes: &[u8], turn: &mut Turn) -> Result<Picture, FileFault> {
    let format = format_of(bytes)?;
    if !is_complete(bytes, format) {
        return Err(FileFault::Truncated);
    }
    let decoder = decoder(bytes, format)?;
    if decoder.total_bytes() > LARGE && turn.is_none() {
        *turn = Some(ONE_LARGE.lock());
    }
    let image = DynamicImage::from_decoder(decoder).map_err(fault_of)?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (channels, samples) = match image {
        DynamicImage::ImageLuma8(i) => (1, Samples::U8(i.into_raw())),
        DynamicImage::ImageRgb8(i) => (3, Samples::U8(i.into_raw())),
        DynamicImage::ImageLuma16(i) => (1, Samples::U16(i.into_raw())),
        DynamicImage::ImageRgb16(i) => (3, Samples::U16(i.into_raw())),
        DynamicImage::ImageLumaA8(i) => (1, Samples::U8(without_alpha::<2, 1, _>(&i.into_raw()))),
        DynamicImage::ImageRgba8(i) => (3, Samples::U8(without_alpha::<4, 3, _>(&i.into_raw()))),
        DynamicImage::ImageLumaA16(i) => (1, Samples::U16(without_alpha::<2, 1, _>(&i.into_raw()))),
        DynamicImage::ImageRgba16(i) => (3, Samples::U16(without_alpha::<4, 3, _>(&i.into_raw()))),
        other => return Err(FileFault::SampleKind(format!("{:?}", other.color()))),
    };
    Picture::new(width, height, channels, samples).ok_or_else(|| FileFault::Damaged("it has no pixels".to_owned()))
}

/// Keeps the first `KEPT` of every `ALL` samples.
fn without_alpha<const ALL: usize, const KEPT: usize, T: Copy>(samples: &[T]) -> Vec<T> {
    let pixels = samples.as_chunks::<ALL>().0;
    let mut kept = Vec::with_capacity(pixels.len() * KEPT);
    pixels.iter().for_each(|pixel| kept.extend(pixel.iter().take(KEPT)));
    kept
}

/// Returns a decoder that has read the header and checked it against the limits.
fn decoder(bytes: &[u8], format: ImageFormat) -> Result<impl ImageDecoder + '_, FileFault> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_ALLOC);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(fault_of)?;
    let (width, height) = decoder.dimensions();
    let total = decoder.total_bytes();
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS || total > MAX_BYTES {
        return Err(FileFault::TooLarge { width, height, bytes: total });
    }
    if matches!(decoder.color_type(), ColorType::Rgb32F | ColorType::Rgba32F) {
        return Err(FileFault::SampleKind("32-bit floating point".to_owned()));
    }
    decoder.set_limits(limits).map_err(fault_of)?;
    Ok(decoder)
}

fn fault_of(error: ImageError) -> FileFault {
    match error {
        ImageError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => FileFault::Truncated,
        ImageError::Limits(_) => FileFault::TooMuchMemory,
        ImageError::Unsupported(e) => match e.kind() {
            UnsupportedErrorKind::Color(ExtendedColorType::Unknown(bits)) => {
                FileFault::SampleKind(format!("{bits} bits per pixel"))
            }
            UnsupportedErrorKind::GenericFeature(feature) => FileFault::SampleKind(feature),
            _ => FileFault::SampleKind(e.to_string()),
        },
        other => FileFault::Damaged(other.to_string()),
    }
}

/// Recognises the format by the first bytes.
fn format_of(bytes: &[u8]) -> Result<ImageFormat, FileFault> {
    let text = looks_like_text(bytes);
    match image::guess_format(bytes) {
        Ok(ImageFormat::Png) => Ok(ImageFormat::Png),
        Ok(ImageFormat::Jpeg) => Ok(ImageFormat::Jpeg),
        Ok(ImageFormat::Tiff) => Ok(ImageFormat::Tiff),
        // A signature of two letters may also begin a text file.
        Ok(ImageFormat::Bmp) if !text => Ok(ImageFormat::Bmp),
        Ok(ImageFormat::Pnm) if bytes.get(2).is_some_and(u8::is_ascii_whitespace) => Ok(ImageFormat::Pnm),
        Ok(ImageFormat::Gif) => Err(FileFault::Format("GIF")),
        Ok(ImageFormat::WebP) => Err(FileFault::Format("WebP")),
        Ok(ImageFormat::Avif) => Err(FileFault::Format("AVIF")),
        Ok(ImageFormat::OpenExr) => Err(FileFault::Format("OpenEXR")),
        Ok(ImageFormat::Hdr) => Err(FileFault::Format("Radiance HDR")),
        Ok(ImageFormat::Dds) => Err(FileFault::Format("DDS")),
        Ok(ImageFormat::Ico) => Err(FileFault::Format("icon")),
        _ if bytes.is_empty() => Err(FileFault::NotAnImage("the file is empty")),
        _ if text => Err(FileFault::NotAnImage("it looks like text")),
        _ => Err(FileFault::NotAnImage("its first bytes match no known image format")),
    }
}

fn looks_like_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(256)];
    let printable = |&b: &u8| b >= 0x80 || b.is_ascii_graphic() || b.is_ascii_whitespace();
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        // A character cut in half at the end of `head`.
        Err(e) => e.error_len().is_none(),
    };
    !head.is_empty() && valid && head.iter().all(printable)
}

/// Whether a PNG or JPEG has its end marker. Their decoders are lenient: a truncated JPEG decodes with a grey lower
/// half, which must not be taken for a surface.
fn is_complete(bytes: &[u8], format: ImageFormat) -> bool {
    match format {
        ImageFormat::Png => png_has_end(bytes).unwrap_or(false),
        ImageFormat::Jpeg => jpeg_has_end(bytes).unwrap_or(false),
        _ => true,
    }
}

/// Walks the chunks of a PNG to IEND; `None` if the bytes end first.
fn png_has_end(bytes: &[u8]) -> Option<bool> {
    let mut at = 8_usize;
    loop {
        let (length, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
        let kind = rest.first_chunk::<4>()?;
        // Length, type and checksum take 12 bytes.
        at = at.checked_add(u32::from_be_bytes(*length) as usize)?.checked_add(12)?;
        if at > bytes.len() {
            return None;
        }
        if kind == b"IEND" {
            return Some(true);
        }
    }
}

/// Walks the segments of a JPEG to its end-of-image marker; `None` if the bytes end first.
fn jpeg_has_end(bytes: &[u8]) -> Option<bool> {
    let mut at = 2_usize;
    loop {
        // Entropy-coded data between segments contains 0xFF only before 0x00 or a restart marker.
        at += bytes.get(at..)?.iter().position(|&b| b == 0xff)? + 1;
        match *bytes.get(at)? {
            0xd9 => return Some(true),
            0xff => {}
            0x00 | 0x01 | 0xd0..=0xd8 => at += 1,
            _ => {
                let length = bytes.get(at + 1..)?.first_chunk::<2>()?;
                at += 1 + usize::from(u16::from_be_bytes(*length));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage, RgbaImage};

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn with(&self, name: &str, bytes: &[u8]) -> PathBuf {
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

    fn fault(path: &Path) -> String {
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
        let (hash, known) = decode_unless(&path, |hash| hash == FileHash::of(&bytes)).unwrap();
        assert!(hash == FileHash::of(&bytes) && matches!(known, Ok(None)));
        let (_, fresh) = decode_unless(&path, |_| false).unwrap();
        assert_eq!(fresh.unwrap(), Some(decode(&path).unwrap()));
        let (hash, text) = decode_unless(&folder.with("note.png", b"not yet"), |_| false).unwrap();
        assert!(hash == FileHash::of(b"not yet") && matches!(text, Err(FileFault::NotAnImage(_))));
        assert!(decode_unless(&folder.at("absent.png"), |_| false).is_err());
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
        assert!(fault(&folder.with("moving.png", b"GIF89a\x01\0\x01\0")).contains("it is a GIF file; save it as PNG"));
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
        assert_eq!(decoder(&scan, ImageFormat::Png).unwrap().dimensions(), (20_000, 20_000));
    }

    #[test]
    fn floating_point_and_32_bits_are_refused_in_words() {
        let folder = Folder::new();
        let float = DynamicImage::ImageRgb32F(ImageBuffer::from_pixel(4, 4, Rgb([0.5_f32; 3])));
        let message = fault(&folder.with("f.tiff", &encoded(&float, ImageFormat::Tiff)));
        assert!(
            message.contains("32-bit floating point") && message.contains("save it with 8 or 16 bits"),
            "{message}"
        );
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
}
