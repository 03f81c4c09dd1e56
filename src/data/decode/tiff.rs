//! TIFF and BigTIFF: the pages of a file, and the samples of one.

use std::io::Cursor;

use image::metadata::Orientation;
use tiff::{
    ColorType, TiffError, TiffUnsupportedError,
    decoder::{Decoder, DecodingResult, Limits},
};

use super::{
    header::{Header, MAX_ALLOC},
    jpeg,
    pixels::Pixels,
};
use crate::data::{FileFault, Samples};

/// Tags of a page.
mod tag {
    pub(super) const SUBFILE_TYPE: u16 = 254;
    pub(super) const OLD_SUBFILE_TYPE: u16 = 255;
    pub(super) const WIDTH: u16 = 256;
    pub(super) const HEIGHT: u16 = 257;
    pub(super) const BITS: u16 = 258;
    pub(super) const COMPRESSION: u16 = 259;
    pub(super) const PHOTOMETRIC: u16 = 262;
    pub(super) const FILL_ORDER: u16 = 266;
    pub(super) const STRIP_OFFSETS: u16 = 273;
    pub(super) const ORIENTATION: u16 = 274;
    pub(super) const SAMPLES: u16 = 277;
    pub(super) const ROWS_PER_STRIP: u16 = 278;
    pub(super) const STRIP_LENGTHS: u16 = 279;
    pub(super) const PLANAR: u16 = 284;
    pub(super) const COLOUR_MAP: u16 = 320;
    pub(super) const TILE_WIDTH: u16 = 322;
    pub(super) const TILE_OFFSETS: u16 = 324;
    pub(super) const TILE_LENGTHS: u16 = 325;
    pub(super) const SAMPLE_FORMAT: u16 = 339;
    pub(super) const JPEG_TABLES: u16 = 347;
    pub(super) const DNG_VERSION: u16 = 50_706;
}

/// Compressions, as numbered in a file.
const UNCOMPRESSED: u64 = 1;
const JPEG: u64 = 7;

/// Photometric interpretations.
const PALETTE: u64 = 3;
const YCBCR: u64 = 6;

/// Most pages and most entries that are looked at.
const MAX_PAGES: usize = 65_536;
const MAX_ENTRIES: usize = 4_096;

/// Whether the file begins like a TIFF, a BigTIFF or one of the camera formats that resemble them.
pub(super) fn is_tiff(bytes: &[u8]) -> bool {
    matches!(bytes.first_chunk::<4>(), Some(b"II*\0" | b"MM\0*" | b"II+\0" | b"MM\0+"))
}

/// An entry of a page: its type, number of values and the position of the first.
#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    at: usize,
}

/// One page.
#[derive(Clone, Debug)]
struct TiffPage {
    /// Position among the pages of the file.
    index: usize,
    entries: Vec<Entry>,
}

/// The file, and how its numbers are stored.
struct Container<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
    is_big: bool,
}

impl<'a> Container<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, is_big_endian: bytes.starts_with(b"MM"), is_big: bytes[..4].contains(&b'+') }
    }

    /// Reads a number of `width` bytes.
    fn number(&self, at: usize, width: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(width)?)?;
        let shift = |all: u64, &byte: &u8| all << 8 | u64::from(byte);
        Some(if self.is_big_endian { bytes.iter().fold(0, shift) } else { bytes.iter().rev().fold(0, shift) })
    }

    fn position(&self, at: usize) -> Option<usize> {
        self.number(at, if self.is_big { 8 } else { 4 }).and_then(|n| usize::try_from(n).ok())
    }

    /// Reads the entries of the page at `at`, and the position of the next page.
    fn page(&self, at: usize) -> Option<(Vec<Entry>, usize)> {
        let (head, size, inline) = if self.is_big { (8, 20, 8) } else { (2, 12, 4) };
        let count = usize::try_from(self.number(at, head)?).ok().filter(|n| *n <= MAX_ENTRIES)?;
        let mut entries = Vec::with_capacity(count);
        for i in 0..count {
            let start = at + head + i * size;
            let (tag, kind) = (self.number(start, 2)? as u16, self.number(start + 2, 2)? as u16);
            let count = self.number(start + 4, inline)?;
            let value = start + 4 + inline;
            let fits = count.checked_mul(width_of(kind) as u64)? <= inline as u64;
            entries.push(Entry { tag, kind, count, at: if fits { value } else { self.position(value)? } });
        }
        Some((entries, self.position(at + head + count * size)?))
    }

    fn all(&self, page: &TiffPage, tag: u16) -> Vec<u64> {
        let Some(entry) = page.entries.iter().find(|e| e.tag == tag) else { return Vec::new() };
        let width = width_of(entry.kind);
        // No more values than the file can hold.
        let count = entry.count.min((self.bytes.len() / width) as u64) as usize;
        (0..count).map_while(|i| self.number(entry.at.checked_add(i * width)?, width)).collect()
    }

    fn first(&self, page: &TiffPage, tag: u16) -> Option<u64> {
        let entry = page.entries.iter().find(|e| e.tag == tag)?;
        self.number(entry.at, width_of(entry.kind))
    }
}

/// Bytes of a value of this type.
fn width_of(kind: u16) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 1,
    }
}

/// What is known of a page before its pixels are decoded.
pub(super) struct TiffHeader {
    page: TiffPage,
    /// Size, and number of pages without thumbnails and masks.
    pub(super) header: Header,
    orientation: Orientation,
    bits: u64,
    samples: u64,
    compression: u64,
    photometric: u64,
}

/// Finds the first page that is a picture in full size, and reads its header.
pub(super) fn header(bytes: &[u8]) -> Result<TiffHeader, FileFault> {
    let file = Container::new(bytes);
    let damaged = || FileFault::Damaged("its list of pages is broken".to_owned());
    let mut pages = Vec::new();
    let mut next = file.position(if file.is_big { 8 } else { 4 }).ok_or(FileFault::Truncated)?;
    let mut seen = std::collections::HashSet::new();
    while next != 0 && pages.len() < MAX_PAGES && seen.insert(next) {
        let Some((entries, after)) = file.page(next) else {
            // The first page decides; a later one that is cut is not counted.
            if pages.is_empty() {
                return Err(if next >= bytes.len() { FileFault::Truncated } else { damaged() });
            }
            break;
        };
        pages.push(TiffPage { index: pages.len(), entries });
        next = after;
    }
    let is_picture = |page: &TiffPage| {
        // Reduced versions and masks.
        let kind = file.first(page, tag::SUBFILE_TYPE).unwrap_or(0);
        kind & 0b101 == 0 && file.first(page, tag::OLD_SUBFILE_TYPE) != Some(2)
    };
    let pictures = pages.iter().filter(|page| is_picture(page)).count();
    let index = pages.iter().position(is_picture).unwrap_or(0);
    if pages.is_empty() {
        return Err(damaged());
    }
    let page = pages.swap_remove(index);
    let first = |tag, otherwise| file.first(&page, tag).unwrap_or(otherwise);
    let side = |tag| file.first(&page, tag).and_then(|n| u32::try_from(n).ok()).ok_or_else(damaged);
    let (width, height) = (side(tag::WIDTH)?, side(tag::HEIGHT)?);
    let bits = file.all(&page, tag::BITS).into_iter().max().unwrap_or(1);
    let (samples, photometric) = (first(tag::SAMPLES, 1), first(tag::PHOTOMETRIC, 1));
    if page.entries.iter().any(|e| e.tag == tag::DNG_VERSION) || matches!(photometric, 32_803 | 34_892) {
        return Err(FileFault::Format("a camera's raw file"));
    }
    let pixels = u64::from(width) * u64::from(height);
    let bytes_decoded = pixels.saturating_mul(samples.max(1)).saturating_mul(bits.div_ceil(8));
    let header = Header {
        width,
        height,
        bytes: bytes_decoded,
        working: if photometric == PALETTE { pixels * 3 } else { 0 },
        images: pictures.max(1) as u32,
    };
    let orientation = Orientation::from_exif(first(tag::ORIENTATION, 1).min(255) as u8);
    let found = TiffHeader {
        header,
        orientation: orientation.unwrap_or(Orientation::NoTransforms),
        bits,
        samples,
        compression: first(tag::COMPRESSION, UNCOMPRESSED),
        photometric,
        page,
    };
    found.check_kind(&file)?;
    Ok(found)
}

impl TiffHeader {
    /// Refuses what is not read, with the reason.
    fn check_kind(&self, file: &Container<'_>) -> Result<(), FileFault> {
        let compression = match self.compression {
            UNCOMPRESSED | 4 | 5 | JPEG | 8 | 32_773 | 32_946 => None,
            2 | 3 => Some("a TIFF with fax compression"),
            6 => Some("a TIFF with JPEG compression in the old style"),
            33_003 | 33_004 | 33_005 | 34_712 => Some("a TIFF with JPEG 2000 compression"),
            34_925 => Some("a TIFF with LZMA compression"),
            34_887 => Some("a TIFF with LERC compression"),
            50_000 => Some("a TIFF with Zstandard compression"),
            50_001 => Some("a TIFF with WebP compression"),
            50_002 | 52_546 => Some("a TIFF with JPEG XL compression"),
            _ => Some("a TIFF with an unknown compression"),
        };
        if let Some(what) = compression {
            return Err(FileFault::Encoding { what: what.into(), instead: TIFF_REMEDY });
        }
        let format = file.first(&self.page, tag::SAMPLE_FORMAT).unwrap_or(1);
        let sample_kind = match (format, self.bits) {
            (3, bits) => Some(format!("{bits}-bit floating point")),
            (2, bits) => Some(format!("{bits}-bit signed integers")),
            (5 | 6, _) => Some("complex numbers".to_owned()),
            (_, 1 | 2 | 4 | 8 | 16) => None,
            (_, 9..=15) if self.is_packed_grey() => None,
            (_, bits) => Some(format!("{bits} bits per sample")),
        };
        match sample_kind {
            Some(kind) => Err(FileFault::SampleKind(kind)),
            None => Ok(()),
        }
    }

    /// Whether its samples take an odd number of bits in a form that is unpacked here.
    fn is_packed_grey(&self) -> bool {
        (9..16).contains(&self.bits)
            && self.samples == 1
            && self.photometric <= 1
            && self.compression == UNCOMPRESSED
            && !self.page.entries.iter().any(|e| e.tag == tag::TILE_WIDTH)
    }

    /// Decodes the samples.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Pixels, FileFault> {
        let file = Container::new(bytes);
        self.check_whole(&file)?;
        let (channels, samples) = if self.is_packed_grey() {
            (1, Samples::U16(self.unpack(&file).ok_or(FileFault::Truncated)?))
        } else if self.photometric == PALETTE {
            self.resolve_palette(&file)?
        } else {
            self.convert(&file, self.read(bytes)?)?
        };
        let (width, height) = (self.header.width as usize, self.header.height as usize);
        let declared = self.is_packed_grey().then_some(self.bits as u8);
        Ok(Pixels { width, height, channels, samples, orientation: self.orientation, declared_bits: declared })
    }

    /// Checks that the compressed data lies within the file, and that JPEG data is whole.
    fn check_whole(&self, file: &Container<'_>) -> Result<(), FileFault> {
        let either = |strips, tiles| match file.all(&self.page, strips) {
            found if found.is_empty() => file.all(&self.page, tiles),
            found => found,
        };
        let offsets = either(tag::STRIP_OFFSETS, tag::TILE_OFFSETS);
        let lengths = either(tag::STRIP_LENGTHS, tag::TILE_LENGTHS);
        let tables: Vec<u8> = file.all(&self.page, tag::JPEG_TABLES).into_iter().map(|b| b as u8).collect();
        for (&offset, &length) in offsets.iter().zip(&lengths) {
            let end = offset.checked_add(length).filter(|end| *end <= file.bytes.len() as u64);
            let Some(end) = end else { return Err(FileFault::Truncated) };
            if self.compression == JPEG {
                let data = &file.bytes[offset as usize..end as usize];
                let whole = match (tables.len(), data.get(2..)) {
                    (4.., Some(rest)) => [&tables[..tables.len() - 2], rest].concat(),
                    _ => data.to_vec(),
                };
                jpeg::check(&whole)?;
            }
        }
        Ok(())
    }

    /// Unpacks grey samples of an odd number of bits; each row begins at a byte.
    fn unpack(&self, file: &Container<'_>) -> Option<Vec<u16>> {
        let (width, height, bits) = (self.header.width as usize, self.header.height as usize, self.bits as usize);
        let offsets = file.all(&self.page, tag::STRIP_OFFSETS);
        let rows =
            file.first(&self.page, tag::ROWS_PER_STRIP).unwrap_or(height as u64).clamp(1, height as u64) as usize;
        let (line, mask) = ((width * bits).div_ceil(8), (1_u32 << bits) - 1);
        let is_reversed = file.first(&self.page, tag::FILL_ORDER) == Some(2);
        let invert = if self.photometric == 0 { mask } else { 0 };
        let mut samples = Vec::with_capacity(width * height);
        for y in 0..height {
            let start = usize::try_from(*offsets.get(y / rows)?).ok()? + y % rows * line;
            let row = file.bytes.get(start..start + line)?;
            let (mut buffer, mut held) = (0_u32, 0);
            let mut source = row.iter().map(|b| if is_reversed { b.reverse_bits() } else { *b });
            for _ in 0..width {
                while held < bits {
                    buffer = buffer << 8 | u32::from(source.next()?);
                    held += 8;
                }
                held -= bits;
                samples.push((((buffer >> held) & mask) ^ invert) as u16);
            }
        }
        Some(samples)
    }

    /// Reads the samples as they are stored.
    fn read(&self, bytes: &[u8]) -> Result<(ColorType, DecodingResult), FileFault> {
        let mut limits = Limits::unlimited();
        limits.decoding_buffer_size = usize::try_from(self.header.bytes).unwrap_or(usize::MAX);
        limits.intermediate_buffer_size = MAX_ALLOC as usize;
        limits.ifd_value_size = bytes.len().max(1 << 16);
        let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(fault_of)?.with_limits(limits);
        if self.page.index > 0 {
            decoder.seek_to_image(self.page.index).map_err(fault_of)?;
        }
        let colour = decoder.colortype().map_err(fault_of)?;
        let mut samples = DecodingResult::U8(Vec::new());
        let layout = decoder.read_image_to_buffer(&mut samples).map_err(fault_of)?;
        if samples.as_buffer(0).as_bytes().len() < layout.complete_len {
            return Err(FileFault::TooMuchMemory);
        }
        Ok((colour, samples))
    }

    /// Converts stored samples to grey or RGB without alpha.
    fn convert(
        &self,
        file: &Container<'_>,
        (colour, samples): (ColorType, DecodingResult),
    ) -> Result<(usize, Samples), FileFault> {
        let is_planar = file.first(&self.page, tag::PLANAR) == Some(2) && self.samples > 1;
        let (width, count) = (self.header.width as usize, self.samples.max(1) as usize);
        let pixels = width * self.header.height as usize;
        let kept = match colour {
            ColorType::Gray(_) | ColorType::GrayA(_) => 1,
            // Grey with further samples that are alpha or of unknown meaning.
            ColorType::Multiband { .. } => 1,
            ColorType::RGB(_) | ColorType::RGBA(_) | ColorType::YCbCr(_) => 3,
            ColorType::CMYK(_) => 4,
            other => return Err(FileFault::SampleKind(format!("{other:?}"))),
        };
        let samples = match samples {
            DecodingResult::U8(v) if self.bits < 8 => Samples::U8(expand(&v, width, self.bits as usize)),
            DecodingResult::U8(v) => Samples::U8(keep(v, pixels, count, kept, is_planar)),
            DecodingResult::U16(v) => Samples::U16(keep(v, pixels, count, kept, is_planar)),
            _ => return Err(FileFault::SampleKind(format!("{} bits per sample", self.bits))),
        };
        Ok(match (samples, kept) {
            (Samples::U8(v), 3) if self.photometric == YCBCR => (3, Samples::U8(from_ycbcr(&v))),
            (_, 3) if self.photometric == YCBCR => return Err(FileFault::SampleKind("16-bit YCbCr".to_owned())),
            (Samples::U8(v), 4) => (3, Samples::U8(from_cmyk(&v, 255).into_iter().map(|v| v as u8).collect())),
            (Samples::U16(v), 4) => (3, Samples::U16(from_cmyk(&v, 65_535).into_iter().map(|v| v as u16).collect())),
            (samples, channels) => (channels, samples),
        })
    }

    /// Reads the positions in the colour map as grey samples, and looks them up.
    fn resolve_palette(&self, file: &Container<'_>) -> Result<(usize, Samples), FileFault> {
        let colours = file.all(&self.page, tag::COLOUR_MAP);
        let entries = 1_usize << self.bits.min(8);
        let wrong = || FileFault::Damaged("its colour map is missing".to_owned());
        let entry = self.page.entries.iter().find(|e| e.tag == tag::PHOTOMETRIC).ok_or_else(wrong)?;
        if colours.len() < 3 * entries || self.samples != 1 || self.bits > 8 {
            return Err(wrong());
        }
        let mut grey = file.bytes.to_vec();
        let place = if file.is_big_endian { entry.at + width_of(entry.kind) - 1 } else { entry.at };
        *grey.get_mut(place).ok_or_else(wrong)? = 1;
        let (_, samples) = self.read(&grey)?;
        drop(grey);
        let DecodingResult::U8(packed) = samples else { return Err(wrong()) };
        let width = self.header.width as usize;
        let positions = if self.bits < 8 { unpacked(&packed, width, self.bits as usize) } else { packed };
        // Of the 16 bits in the map, the upper 8 count.
        let colour = |p: u8, c: usize| (colours[c * entries + usize::from(p)] >> 8) as u8;
        let samples = positions.iter().flat_map(|&p| [colour(p, 0), colour(p, 1), colour(p, 2)]).collect();
        Ok((3, Samples::U8(samples)))
    }
}

/// What to do about a TIFF in an encoding that is not read.
const TIFF_REMEDY: &str = "save it without compression, or with LZW or Deflate";

/// Keeps the first `kept` of `count` samples per pixel, interleaved.
fn keep<T: Copy>(samples: Vec<T>, pixels: usize, count: usize, kept: usize, is_planar: bool) -> Vec<T> {
    if kept == count && !is_planar {
        return samples;
    }
    let at = |pixel: usize, c: usize| if is_planar { c * pixels + pixel } else { pixel * count + c };
    (0..pixels).flat_map(|pixel| (0..kept).map(move |c| at(pixel, c))).filter_map(|i| samples.get(i).copied()).collect()
}

/// Unpacks samples of 1, 2 or 4 bits; each row begins at a byte.
fn unpacked(packed: &[u8], width: usize, bits: usize) -> Vec<u8> {
    let (line, mask) = ((width * bits).div_ceil(8).max(1), ((1_u16 << bits) - 1) as u8);
    let row = |row: &[u8]| -> Vec<u8> {
        (0..width).map(|x| row.get(x * bits / 8).map_or(0, |b| b >> (8 - bits - x * bits % 8) & mask)).collect()
    };
    packed.chunks_exact(line).flat_map(row).collect()
}

/// Unpacks samples of 1, 2 or 4 bits and stretches them to 8.
fn expand(packed: &[u8], width: usize, bits: usize) -> Vec<u8> {
    let most = ((1_u16 << bits) - 1) as u8;
    unpacked(packed, width, bits).into_iter().map(|v| v * (255 / most)).collect()
}

/// Converts full-range YCbCr (Rec. 601, as in JPEG files) to RGB.
fn from_ycbcr(samples: &[u8]) -> Vec<u8> {
    let convert = |&[y, b, r]: &[u8; 3]| {
        let (y, b, r) = (f32::from(y), f32::from(b) - 128.0, f32::from(r) - 128.0);
        [y + 1.402 * r, y - 0.344_136 * b - 0.714_136 * r, y + 1.772 * b].map(|v| v.round().clamp(0.0, 255.0) as u8)
    };
    samples.as_chunks::<3>().0.iter().flat_map(convert).collect()
}

/// Converts CMYK to RGB.
fn from_cmyk<T: Copy + Into<u32>>(samples: &[T], most: u32) -> Vec<u32> {
    let convert = |&[c, m, y, k]: &[T; 4]| {
        let white = most - k.into();
        [c, m, y].map(|ink| {
            ((u64::from(most - ink.into()) * u64::from(white) + u64::from(most) / 2) / u64::from(most)) as u32
        })
    };
    samples.as_chunks::<4>().0.iter().flat_map(convert).collect()
}

fn fault_of(error: TiffError) -> FileFault {
    match error {
        TiffError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => FileFault::Truncated,
        TiffError::LimitsExceeded => FileFault::TooMuchMemory,
        TiffError::UnsupportedError(TiffUnsupportedError::UnsupportedCompressionMethod(_)) => {
            FileFault::Encoding { what: "a TIFF with an unknown compression".into(), instead: TIFF_REMEDY }
        }
        TiffError::UnsupportedError(error) => FileFault::SampleKind(error.to_string()),
        other => FileFault::Damaged(other.to_string()),
    }
}
