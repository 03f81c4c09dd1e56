//! What the structure of a file says without decoding it: whether it is as long as its header claims, and how many images
//! it holds.

use image::ImageFormat;

/// Whether a file holds all the data that its header promises. Most decoders are lenient: a truncated JPEG decodes with
/// a grey lower half, which must not be taken for a surface.
pub(super) fn is_complete(bytes: &[u8], format: ImageFormat) -> bool {
    match format {
        ImageFormat::Png => png(bytes).is_some(),
        ImageFormat::Bmp => bmp(bytes).unwrap_or(true),
        ImageFormat::Pnm => pnm(bytes).is_none_or(|header| header.data <= bytes.len() as u64),
        ImageFormat::Gif => gif(bytes).is_some(),
        ImageFormat::WebP => webp(bytes).unwrap_or(false),
        _ => true,
    }
}

/// Number of images in a file, at least 1.
pub(super) fn images(bytes: &[u8], format: ImageFormat) -> u32 {
    match format {
        ImageFormat::Png => png(bytes).unwrap_or(1),
        ImageFormat::Gif => gif(bytes).unwrap_or(1),
        ImageFormat::Pnm => pnm_images(bytes),
        ImageFormat::WebP => webp_frames(bytes),
        _ => 1,
    }
    .max(1)
}

/// Smallest share of zero bytes at the end of a file, in hundredths, that is worth a word.
const MIN_EMPTY: usize = 5;

/// Fewest zero bytes that are worth a word: space is reserved in blocks, and headers end in a few zeros.
const MIN_EMPTY_BYTES: usize = 64;

/// Share of zero bytes at the end of a file, in hundredths; 0 if it is small. Writers that reserve the space of a file
/// before they fill it leave such an end, and so does a picture that is black there.
pub(super) fn empty_end(bytes: &[u8]) -> u8 {
    let zeros = bytes.iter().rev().take_while(|b| **b == 0).count();
    let share = (zeros as u64 * 100 / bytes.len().max(1) as u64) as usize;
    if share < MIN_EMPTY || zeros < MIN_EMPTY_BYTES { 0 } else { share as u8 }
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Walks the chunks of a PNG to IEND and returns the number of images; `None` if the bytes end first.
fn png(bytes: &[u8]) -> Option<u32> {
    let (mut at, mut frames) = (8_usize, 1);
    loop {
        let (length, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
        let kind = rest.first_chunk::<4>()?;
        if kind == b"acTL" {
            frames = u32::from_be_bytes(*rest.get(4..)?.first_chunk()?);
        }
        // Length, type and checksum take 12 bytes.
        at = at.checked_add(u32::from_be_bytes(*length) as usize)?.checked_add(12)?;
        if at > bytes.len() {
            return None;
        }
        if kind == b"IEND" {
            return Some(frames);
        }
    }
}

/// Whether an uncompressed BMP is as long as its header says; `None` for another kind.
fn bmp(bytes: &[u8]) -> Option<bool> {
    let start = u64::from(u32_le(bytes, 10)?);
    let (width, height, bits, compression) = match u32_le(bytes, 14)? {
        12 => (i64::from(u16_le(bytes, 18)?), i64::from(u16_le(bytes, 20)?), u16_le(bytes, 24)?, 0),
        _ => {
            let side = |at| u32_le(bytes, at).map(|v| i64::from(v as i32));
            (side(18)?, side(22)?, u16_le(bytes, 28)?, u32_le(bytes, 30)?)
        }
    };
    if !matches!(compression, 0 | 3 | 6) {
        return None;
    }
    let line = (width.unsigned_abs() * u64::from(bits)).div_ceil(32) * 4;
    Some(start.saturating_add(line.saturating_mul(height.unsigned_abs())) <= bytes.len() as u64)
}

/// What the header of a binary PNM says.
struct PnmHeader {
    maximum: u32,
    /// Position of the end of the pixels.
    data: u64,
}

/// Parses the header of a binary PBM, PGM or PPM; `None` for PAM, for text and for a broken header.
fn pnm(bytes: &[u8]) -> Option<PnmHeader> {
    let kind = *bytes.get(1)?;
    if bytes.first() != Some(&b'P') || !(b'4'..=b'6').contains(&kind) {
        return None;
    }
    let mut at = 2;
    let mut number = || -> Option<u64> {
        loop {
            match bytes.get(at)? {
                b'#' => at += bytes[at..].iter().position(|b| matches!(b, b'\n' | b'\r'))?,
                b if b.is_ascii_whitespace() => at += 1,
                _ => break,
            }
        }
        let digits = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let value = std::str::from_utf8(&bytes[at..at + digits]).ok()?.parse().ok()?;
        at += digits;
        Some(value)
    };
    let (width, height) = (number()?, number()?);
    let maximum = if kind == b'4' { 1 } else { number()? };
    let line = match kind {
        b'4' => width.div_ceil(8),
        _ => width * (if kind == b'6' { 3 } else { 1 }) * (if maximum > 255 { 2 } else { 1 }),
    };
    // One white-space character ends the header.
    let data = (at as u64 + 1).checked_add(line.checked_mul(height)?)?;
    Some(PnmHeader { maximum: u32::try_from(maximum).ok()?, data })
}

/// The largest value that a sample may have.
pub(super) fn pnm_maximum(bytes: &[u8]) -> Option<u32> {
    if bytes.starts_with(b"P7") {
        let head = &bytes[..bytes.len().min(1_024)];
        let at = head.windows(6).position(|w| w == b"MAXVAL")? + 6;
        let digits: Vec<u8> =
            head[at..].iter().skip_while(|b| **b == b' ').take_while(|b| b.is_ascii_digit()).copied().collect();
        return std::str::from_utf8(&digits).ok()?.parse().ok();
    }
    pnm(bytes).map(|header| header.maximum)
}

/// Images that follow each other in a binary PNM.
fn pnm_images(mut bytes: &[u8]) -> u32 {
    let mut count = 0;
    while let Some(header) = pnm(bytes) {
        count += 1;
        let Some(rest) = usize::try_from(header.data).ok().and_then(|end| bytes.get(end..)) else { break };
        bytes = rest.trim_ascii_start();
    }
    count
}

/// Walks the blocks of a GIF to its trailer and returns the number of images; `None` if the bytes end first.
fn gif(bytes: &[u8]) -> Option<u32> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let (mut at, mut images) = (13 + table(*bytes.get(10)?), 0);
    loop {
        match bytes.get(at)? {
            0x3b => return Some(images),
            0x21 => at += 2,
            0x2c => {
                images += 1;
                // The descriptor, its colour table and the code size.
                at += 10 + table(*bytes.get(at + 9)?) + 1;
            }
            _ => return None,
        }
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1 + length;
            if length == 0 {
                break;
            }
        }
    }
}

/// Whether a WebP is as long as its header says.
fn webp(bytes: &[u8]) -> Option<bool> {
    Some(u64::from(u32_le(bytes, 4)?) + 8 <= bytes.len() as u64)
}

/// Frames of a WebP.
fn webp_frames(bytes: &[u8]) -> u32 {
    let (mut at, mut frames) = (12, 0);
    while let (Some(kind), Some(length)) = (bytes.get(at..at + 4), u32_le(bytes, at + 4)) {
        frames += u32::from(kind == b"ANMF");
        at = at.saturating_add(8 + length as usize + length as usize % 2);
    }
    frames
}
