//! Animated PNG: a plain PNG whose further frames are in chunks that other readers skip. See the
//! "APNG Specification" (Parmenter, Vukicevic and Smith), since 2025 part of PNG itself.

use std::{io, io::Write};

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// One frame: a PNG and its position.
pub(super) struct ApngFrame {
    /// A PNG with the same pixel format as the first frame.
    pub png: Vec<u8>,
    /// Top-left corner on the first frame.
    pub at: [usize; 2],
    /// Duration, milliseconds.
    pub milliseconds: u16,
}

/// Writes `count` frames. The first has the size of the animation, the others are drawn over it. The animation loops.
pub(super) fn write(
    out: &mut dyn Write,
    count: usize,
    frames: impl Iterator<Item = io::Result<ApngFrame>>,
) -> io::Result<()> {
    let damaged = || io::Error::other("a frame could not be encoded");
    let mut sequence = 0_u32;
    for (i, frame) in frames.enumerate() {
        let frame = frame?;
        let chunks = chunks(&frame.png).ok_or_else(damaged)?;
        let header = chunks.iter().find(|(kind, _)| kind == b"IHDR").ok_or_else(damaged)?.1;
        if i == 0 {
            out.write_all(&SIGNATURE)?;
            chunk(out, b"IHDR", &[header])?;
            // Loop forever.
            chunk(out, b"acTL", &[&(count as u32).to_be_bytes(), &0_u32.to_be_bytes()])?;
        }
        let [x, y] = frame.at.map(|v| (v as u32).to_be_bytes());
        let [high, low] = frame.milliseconds.to_be_bytes();
        let [per_high, per_low] = 1_000_u16.to_be_bytes();
        // Keep the canvas; the frame replaces its rectangle.
        let (dispose, blend) = (0, 0);
        let size = header.get(..8).ok_or_else(damaged)?;
        let control = [high, low, per_high, per_low, dispose, blend];
        chunk(out, b"fcTL", &[&sequence.to_be_bytes(), size, &x, &y, &control])?;
        sequence += 1;
        for (_, data) in chunks.iter().filter(|(kind, _)| kind == b"IDAT") {
            if i == 0 {
                chunk(out, b"IDAT", &[data])?;
            } else {
                chunk(out, b"fdAT", &[&sequence.to_be_bytes(), data])?;
                sequence += 1;
            }
        }
    }
    chunk(out, b"IEND", &[])
}

fn chunk(out: &mut dyn Write, kind: &[u8; 4], parts: &[&[u8]]) -> io::Result<()> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.write_all(&(length as u32).to_be_bytes())?;
    out.write_all(kind)?;
    let mut crc = step(!0, kind);
    for part in parts {
        out.write_all(part)?;
        crc = step(crc, part);
    }
    out.write_all(&(!crc).to_be_bytes())
}

/// Splits a PNG into chunks: type and data.
fn chunks(png: &[u8]) -> Option<Vec<([u8; 4], &[u8])>> {
    let mut rest = png.strip_prefix(&SIGNATURE)?;
    let mut chunks = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (kind, after) = after.split_first_chunk::<4>()?;
        let (data, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        chunks.push((*kind, data));
        rest = after.get(4..)?;
    }
    Some(chunks)
}

/// Updates PNG's CRC-32; starts at all ones and is inverted at the end.
fn step(crc: u32, bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut value, mut bit) = (i as u32, 0);
            while bit < 8 {
                value = if value & 1 == 1 { 0xEDB8_8320 ^ (value >> 1) } else { value >> 1 };
                bit += 1;
            }
            table[i] = value;
            i += 1;
        }
        table
    };
    bytes.iter().fold(crc, |crc, byte| TABLE[((crc ^ u32::from(*byte)) & 0xFF) as usize] ^ (crc >> 8))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{AnimationDecoder, codecs::png::PngDecoder};

    use super::*;
    use crate::inspect::export::canvas::PixelCanvas;

    #[test]
    fn the_checksum_is_the_standard_one() {
        assert_eq!(!step(!0, b"123456789"), 0xCBF4_3926);
        assert_eq!(!step(!0, b"IEND"), 0xAE42_6082);
        assert_eq!(step(step(!0, b"1234"), b"56789"), step(!0, b"123456789"));
    }

    #[test]
    fn frames_decode_as_they_were_encoded() {
        let first = PixelCanvas::new(40, 30);
        let mut second = first.clone();
        second.fill(5, 6, 7, 8, [200, 10, 0]);
        let part = second.changes(&first).unwrap();
        let frames = [
            ApngFrame { png: first.png(first.whole()).unwrap(), at: [0, 0], milliseconds: 66 },
            ApngFrame { png: second.png(part).unwrap(), at: [part[0], part[1]], milliseconds: 2_000 },
        ];
        let mut out = Vec::new();
        write(&mut out, 2, frames.into_iter().map(Ok)).unwrap();

        let kinds: Vec<[u8; 4]> = chunks(&out).unwrap().iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [*b"IHDR", *b"acTL", *b"fcTL", *b"IDAT", *b"fcTL", *b"fdAT", *b"IEND"]);
        let sequence = |i: usize| u32::from_be_bytes(*chunks(&out).unwrap()[i].1.first_chunk().unwrap());
        assert_eq!((sequence(2), sequence(4), sequence(5)), (0, 1, 2));
        // Each checksum covers its chunk's type and data.
        let mut at = SIGNATURE.len();
        for (kind, data) in chunks(&out).unwrap() {
            let end = at + 8 + data.len();
            assert_eq!(out[end..end + 4], (!step(step(!0, &kind), data)).to_be_bytes());
            at = end + 4;
        }

        let decoder = PngDecoder::new(Cursor::new(&out)).unwrap();
        assert!(decoder.is_apng().unwrap());
        let frames = decoder.apng().unwrap().into_frames().collect_frames().unwrap();
        let times: Vec<_> = frames.iter().map(|f| f.delay().numer_denom_ms()).collect();
        assert_eq!(times.iter().map(|(a, b)| a / b).collect::<Vec<_>>(), [66, 2_000]);
        for (frame, sheet) in frames.iter().zip([&first, &second]) {
            let pixels = frame.buffer().enumerate_pixels();
            assert!(pixels.into_iter().all(|(x, y, p)| p.0[..3] == sheet.at(x as usize, y as usize)));
            assert_eq!(frame.buffer().dimensions(), (40, 30));
        }
    }

    #[test]
    fn invalid_pngs_are_rejected() {
        let frame = ApngFrame { png: b"GIF89a".to_vec(), at: [0, 0], milliseconds: 1 };
        assert!(write(&mut Vec::new(), 1, [Ok(frame)].into_iter()).is_err());
        assert!(chunks(b"\x89PNG\r\n\x1a\n\0\0\xff\xffIDAT").is_none());
    }
}
