//! The framing of records in an event file: length (u64, little endian), masked CRC-32C of the length's eight bytes, data,
//! masked CRC-32C of the data.

use std::{io, io::Read};

/// Maximum length of a record's data in bytes, when writing and reading. A sample grid of 2048x2048 pixels fits; a greater
/// length is due to damage or malice.
pub(crate) const MAX_RECORD: u64 = 16 << 20;

const HEADER: usize = 12;
const FOOTER: usize = 4;

/// CRC-32C (Castagnoli), rotated right by 15 bits and incremented by a constant, so that checksums of data that contain
/// checksums remain reliable.
pub(crate) fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Appends `data` to `out` as one record.
pub(crate) fn append(out: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    out.reserve(framed_len(data.len() as u64) as usize);
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked_crc(&length).to_le_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(&masked_crc(data).to_le_bytes());
}

/// Returns the length in the file of a record with `data` bytes of data.
pub(crate) fn framed_len(data: u64) -> u64 {
    data + (HEADER + FOOTER) as u64
}

/// The result of reading a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RecordRead {
    /// A complete record; its data are in the buffer.
    Record,
    /// The end of the file.
    End,
    /// An incomplete record at the end of the file: truncated, or still being written.
    Partial,
    /// Not a valid record: nothing after this position can be trusted.
    Damaged,
}

/// Reads the next record into `data`, which is cleared first. `remaining` is the number of bytes left in the file: a length
/// beyond it or beyond [`MAX_RECORD`] is rejected, so `data` never grows past either.
///
/// # Errors
/// Only those of reading itself; damage is a [`RecordRead`].
pub(crate) fn read_next(reader: &mut impl Read, remaining: u64, data: &mut Vec<u8>) -> io::Result<RecordRead> {
    data.clear();
    if remaining == 0 {
        return Ok(RecordRead::End);
    }
    let mut length = [0; 8];
    let mut length_crc = [0; 4];
    if !fill(reader, &mut length)? || !fill(reader, &mut length_crc)? {
        return Ok(RecordRead::Partial);
    }
    let size = u64::from_le_bytes(length);
    if masked_crc(&length) != u32::from_le_bytes(length_crc) || size > MAX_RECORD {
        return Ok(RecordRead::Damaged);
    }
    if framed_len(size) > remaining {
        return Ok(RecordRead::Partial);
    }
    let mut data_crc = [0; 4];
    if reader.by_ref().take(size).read_to_end(data)? as u64 != size || !fill(reader, &mut data_crc)? {
        return Ok(RecordRead::Partial);
    }
    if masked_crc(data) != u32::from_le_bytes(data_crc) {
        return Ok(RecordRead::Damaged);
    }
    Ok(RecordRead::Record)
}

/// Fills `into`; returns false if the data end before.
fn fill(reader: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-32C over "123456789" is 0xe3069283 (RFC 3720 uses the same polynomial); rotated right by 15
    /// bits this is 0x2507c60d, and with the constant added 0xc78ab0e5.
    #[test]
    fn the_checksum_is_masked_crc32c() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(masked_crc(b"123456789"), 0xc78a_b0e5);
    }

    /// The first bytes of every event file that begins with `brain.Event:2`: length 24 and its checksum.
    #[test]
    fn a_record_is_framed_as_tensorboard_frames_it() {
        let mut out = Vec::new();
        append(&mut out, &[7; 24]);
        assert_eq!(out.get(..12), Some(&[24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22][..]));
        assert_eq!(out.get(12..36), Some(&[7; 24][..]));
        assert_eq!(out.len() as u64, framed_len(24));
    }

    #[test]
    fn a_record_cut_anywhere_is_partial_and_one_bit_off_is_damaged() {
        let mut whole = Vec::new();
        append(&mut whole, b"some data");
        let mut data = Vec::new();
        let mut read = |bytes: &[u8]| read_next(&mut &bytes[..], bytes.len() as u64, &mut data);
        assert_eq!(read(&[]).unwrap(), RecordRead::End);
        for cut in 1..whole.len() {
            assert_eq!(read(&whole[..cut]).unwrap(), RecordRead::Partial, "cut to {cut} bytes");
        }
        for bit in 0..whole.len() * 8 {
            let mut bad = whole.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&bad).unwrap(), RecordRead::Damaged, "bit {bit} flipped");
        }
        assert_eq!(read(&whole).unwrap(), RecordRead::Record);
        assert_eq!(data, b"some data");
    }

    #[test]
    fn a_length_beyond_the_limit_is_never_believed() {
        let length = u64::MAX.to_le_bytes();
        let mut bytes = length.to_vec();
        bytes.extend_from_slice(&masked_crc(&length).to_le_bytes());
        let mut data = Vec::new();
        let found = read_next(&mut &bytes[..], u64::MAX, &mut data).unwrap();
        assert_eq!(found, RecordRead::Damaged);
        assert_eq!(data.capacity(), 0);
    }
}
