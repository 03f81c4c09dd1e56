//! Writes a map as a single-channel TIFF of 32-bit floats, uncompressed, in one strip (TIFF 6.0).

use std::{io, io::Write};

/// Writes `values` row by row.
pub(super) fn write(out: &mut dyn Write, width: usize, values: &[f32], description: &str) -> io::Result<()> {
    let too_large = || io::Error::other("the image is too large for a TIFF");
    let height = values.len().checked_div(width).unwrap_or_default();
    let size = |n: usize| u32::try_from(n).map_err(|_| too_large());
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    const ASCII: u16 = 2;
    const ENTRIES: usize = 11;
    // Header, number of entries, entries, offset of the next directory (none), text, values.
    let text_at = 8 + 2 + 12 * ENTRIES + 4;
    // NUL-terminated ASCII, padded so that the values are aligned to 4 bytes.
    let mut text: Vec<u8> = description.bytes().filter(u8::is_ascii).collect();
    text.resize((text_at + text.len() + 1).next_multiple_of(4) - text_at, 0);
    let (text_offset, values_offset) = (size(text_at)?, size(text_at + text.len())?);
    size(text_at + text.len() + 4 * values.len())?;
    let entries: [(u16, u16, u32, u32); ENTRIES] = [
        (256, LONG, 1, size(width)?),
        (257, LONG, 1, size(height)?),
        (258, SHORT, 1, 32),                          // bits per sample
        (259, SHORT, 1, 1),                           // uncompressed
        (262, SHORT, 1, 1),                           // black is zero
        (270, ASCII, size(text.len())?, text_offset), // description
        (273, LONG, 1, values_offset),                // offset of the strip
        (277, SHORT, 1, 1),                           // samples per pixel
        (278, LONG, 1, size(height)?),                // rows in the strip
        (279, LONG, 1, size(4 * width * height)?),    // bytes in the strip
        (339, SHORT, 1, 3),                           // floats
    ];
    out.write_all(b"II*\0")?;
    out.write_all(&8_u32.to_le_bytes())?;
    out.write_all(&(ENTRIES as u16).to_le_bytes())?;
    for (tag, kind, count, value) in entries {
        out.write_all(&tag.to_le_bytes())?;
        out.write_all(&kind.to_le_bytes())?;
        out.write_all(&count.to_le_bytes())?;
        // A SHORT is left-justified in its field, which is the same number in little-endian.
        out.write_all(&value.to_le_bytes())?;
    }
    out.write_all(&0_u32.to_le_bytes())?;
    out.write_all(&text)?;
    values.iter().take(width * height).try_for_each(|value| out.write_all(&value.to_le_bytes()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Width, height, description and values, by following the tags.
    pub(crate) fn read(bytes: &[u8]) -> (usize, usize, String, Vec<f32>) {
        let short = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
        let long = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(bytes[..4], *b"II*\0");
        let folder = long(4) as usize;
        let entries: Vec<(u16, u16, u32, u32)> = (0..usize::from(short(folder)))
            .map(|i| folder + 2 + 12 * i)
            .map(|at| (short(at), short(at + 2), long(at + 4), long(at + 8)))
            .collect();
        assert!(entries.windows(2).all(|w| w[0].0 < w[1].0), "tags rise");
        assert_eq!(long(folder + 2 + 12 * entries.len()), 0, "one folder");
        let entry = |tag| entries.iter().find(|e| e.0 == tag).unwrap();
        let value = |tag| entry(tag).3 as usize;
        assert_eq!([258, 259, 262, 277, 339].map(value), [32, 1, 1, 1, 3]);
        let (width, height, strip) = (value(256), value(257), value(273));
        assert_eq!((value(278), value(279)), (height, 4 * width * height));
        assert_eq!((strip % 4, strip + value(279)), (0, bytes.len()));
        let (text, letters) = (value(270), entry(270).2 as usize);
        let text = String::from_utf8(bytes[text..text + letters].to_vec()).unwrap();
        let values = bytes[strip..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        (width, height, text.trim_end_matches('\0').to_owned(), values)
    }

    #[test]
    fn values_come_back_bit_by_bit() {
        let values = [-1.5, 0.0, -0.0, 1e-30, f32::MIN, f32::MAX];
        let mut out = Vec::new();
        write(&mut out, 3, &values, "query – reconstruction").unwrap();
        let (width, height, text, got) = read(&out);
        assert_eq!((width, height, text.as_str()), (3, 2, "query  reconstruction"));
        assert_eq!(got.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), values.map(f32::to_bits));
    }
}
