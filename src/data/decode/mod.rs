//! Decodes an image file into a [`Picture`], or gives the reason why it cannot.
//!
//! What the header claims is checked before anything is decoded: sides, pixels and bytes, and for formats without
//! compression that the file is long enough. The picture is returned upright, as its EXIF or TIFF orientation says. Of a
//! file with several images, the first is decoded; in a TIFF, thumbnails and masks are passed over.

mod format;
mod header;
mod jpeg;
mod length;
mod names;
mod pixels;
mod tiff;

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

use self::{
    format::format_of,
    header::{MAX_ALLOC, MAX_BYTES},
    length::is_complete,
    pixels::Pixels,
};
use super::{DataError, FileFault, FileHash, Picture};
pub(crate) use header::{Header, LARGE};
pub(crate) use names::{extensions, formats, is_named_like_an_image, is_passed_over};

/// Whether the first bytes of a file are those of an image, also of one that is not read.
pub(crate) fn is_an_image_by_content(head: &[u8]) -> bool {
    matches!(format_of(head), Ok(_) | Err(FileFault::Format(_)))
}

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
    decode_checked(path, |_| Ok(()))
}

/// As [`decode_hashed`]; `check` may refuse the image by its header, before it takes memory.
///
/// # Errors
/// Those of [`decode`] and of `check`.
pub(crate) fn decode_checked(
    path: &Path,
    check: impl FnOnce(&Header) -> Result<(), FileFault>,
) -> Result<(Picture, FileHash), DataError> {
    let named = |fault| DataError::File { path: path.to_owned(), fault };
    let admit = |header: &Header| check(header).map(|()| true);
    let (picture, hash) = read_and(path, |bytes, _, turn| picture_from(bytes, turn, admit)).map_err(named)?;
    let picture = picture.map_err(named)?.ok_or_else(|| named(FileFault::Truncated))?;
    Ok((picture, hash))
}

/// Result of [`decode_unless`]: the image, `None` if it was not to be decoded, or the reason why it cannot be decoded.
pub(crate) type Decoded = Result<Option<Picture>, FileFault>;

/// As [`decode_hashed`], but decodes the pixels only if `known` returns `false` for the hash and the bytes, and `admit` returns
/// `true` for the header. A file that is not an image has a hash too.
///
/// # Errors
/// [`FileFault`] if there are no bytes to hash: the file cannot be read or is larger than [`MAX_BYTES`].
pub(crate) fn decode_unless(
    path: &Path,
    known: impl FnOnce(FileHash, &[u8]) -> bool,
    admit: impl FnOnce(&Header) -> Result<bool, FileFault>,
) -> Result<(FileHash, Decoded), FileFault> {
    let decode = |bytes: &[u8], hash, turn: &mut Turn| {
        if known(hash, bytes) { Ok(None) } else { picture_from(bytes, turn, admit) }
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

/// Decodes an image if `admit` allows it.
fn picture_from(bytes: &[u8], turn: &mut Turn, admit: impl FnOnce(&Header) -> Result<bool, FileFault>) -> Decoded {
    let format = format_of(bytes)?;
    let mut admit = Some(admit);
    let mut allowed = |header: &Header| -> Result<bool, FileFault> {
        header.check()?;
        let allowed = match admit.take() {
            Some(admit) => admit(header)?,
            None => true,
        };
        if allowed && header.bytes + header.working > LARGE && turn.is_none() {
            *turn = Some(ONE_LARGE.lock());
        }
        Ok(allowed)
    };
    let (pixels, images) = if format == ImageFormat::Tiff {
        let found = tiff::header(bytes)?;
        if !allowed(&found.header)? {
            return Ok(None);
        }
        (found.decode(bytes)?, found.header.images)
    } else {
        if !is_complete(bytes, format) {
            return Err(FileFault::Truncated);
        }
        let (decoder, header) = decoder(bytes, format)?;
        if !allowed(&header)? {
            return Ok(None);
        }
        if format == ImageFormat::Jpeg {
            jpeg::check(bytes)?;
        }
        (pixels_of(decoder, bytes, format)?, header.images)
    };
    let picture = pixels.into_picture().ok_or_else(|| FileFault::Damaged("it has no pixels".to_owned()))?;
    let is_plain = matches!(format, ImageFormat::Bmp | ImageFormat::Pnm | ImageFormat::Tiff);
    let empty_end = if is_plain { length::empty_end(bytes) } else { 0 };
    Ok(Some(picture.with_images(images).with_empty_end(empty_end)))
}

fn pixels_of(mut decoder: impl ImageDecoder, bytes: &[u8], format: ImageFormat) -> Result<Pixels, FileFault> {
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(fault_of)?;
    let declared = format == ImageFormat::Pnm && length::pnm_maximum(bytes).is_some_and(|most| most < 65_535);
    Pixels::of(image, orientation, declared)
}

/// Returns a decoder that has read the header, and that header.
fn decoder(bytes: &[u8], format: ImageFormat) -> Result<(impl ImageDecoder + '_, Header), FileFault> {
    let mut working = 0;
    if format == ImageFormat::Jpeg {
        // The decoder is asked only for what it knows, so that the reason is the true one.
        let frame = jpeg::frame(bytes)?;
        working = frame.coefficient_bytes();
        // It copies the file.
        working += bytes.len() as u64;
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_ALLOC);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(fault_of)?;
    let (width, height) = decoder.dimensions();
    let images = length::images(bytes, format);
    let header = Header { width, height, bytes: decoder.total_bytes(), working, images };
    header.check()?;
    if matches!(decoder.color_type(), ColorType::Rgb32F | ColorType::Rgba32F) {
        return Err(FileFault::SampleKind("32-bit floating point".to_owned()));
    }
    decoder.set_limits(limits).map_err(fault_of)?;
    Ok((decoder, header))
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

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tiff_tests;
