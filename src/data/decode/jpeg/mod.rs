//! Checks that a JPEG is whole.
//!
//! Decoders of JPEG are lenient: where bytes are missing, they go on with what follows, and the lower part of the
//! picture is shifted, grey or of other colours. Here the whole structure is followed, down to every Huffman code, and a
//! file is refused unless each scan holds exactly the blocks that its header promises. Bytes after the end-of-image
//! marker are ignored, as cameras append previews there; a file without that marker is truncated, even if the data is
//! complete, because nothing says so.

mod bits;
mod frame;
mod scan;

use bits::HuffmanTable;
pub(super) use frame::{JpegFault, JpegFrame};
use frame::{damaged, parse_frame};
use scan::{ScanComponent, ScanParameters};

/// Finds the frame header.
pub(super) fn frame(bytes: &[u8]) -> Result<JpegFrame, JpegFault> {
    let mut walk = Walk::new(bytes);
    loop {
        match walk.next_segment()? {
            Segment::Frame(kind, data) => return parse_frame(kind, data),
            Segment::Scan(_) | Segment::End => return Err(damaged("its frame header is missing")),
            Segment::Other(..) => {}
        }
    }
}

/// Follows the whole file.
pub(super) fn check(bytes: &[u8]) -> Result<(), JpegFault> {
    let mut state = State { tables: [const { None }; 8], quantisation: [const { None }; 4], interval: 0 };
    let mut frame: Option<JpegFrame> = None;
    let mut walk = Walk::new(bytes);
    loop {
        match walk.next_segment()? {
            Segment::Frame(kind, data) => {
                if frame.is_some() {
                    return Err(damaged("it has two frame headers"));
                }
                let mut header = parse_frame(kind, data)?;
                if header.is_progressive {
                    for component in &mut header.components {
                        component.nonzero = vec![0; component.blocks[0] * component.blocks[1]];
                    }
                }
                frame = Some(header);
            }
            Segment::Scan(data) => {
                let frame = frame.as_mut().ok_or_else(|| damaged("its frame header is missing"))?;
                walk.at = state.scan(frame, data, bytes, walk.at)?;
            }
            Segment::Other(kind, data) => {
                state.read(kind, data).ok_or_else(|| damaged("one of its tables is cut"))?;
            }
            Segment::End => {
                let is_whole = frame.is_some_and(|f| f.components.iter().all(|c| c.has_dc));
                return if is_whole { Ok(()) } else { Err(damaged("a part of its data is missing")) };
            }
        }
    }
}

/// A segment between two markers.
enum Segment<'a> {
    /// Frame header with its marker.
    Frame(u8, &'a [u8]),
    /// Scan header; entropy-coded data follows.
    Scan(&'a [u8]),
    Other(u8, &'a [u8]),
    End,
}

/// Goes from marker to marker.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        // After the start-of-image marker.
        Self { bytes, at: 2 }
    }

    fn next_segment(&mut self) -> Result<Segment<'a>, JpegFault> {
        let byte = |at: usize| self.bytes.get(at).copied().ok_or(JpegFault::Truncated);
        if byte(self.at)? != 0xff {
            return Err(damaged("there are bytes between its segments"));
        }
        while byte(self.at)? == 0xff {
            self.at += 1;
        }
        let kind = byte(self.at)?;
        self.at += 1;
        match kind {
            0xd9 => return Ok(Segment::End),
            0xd0..=0xd7 => return Err(damaged("a restart marker stands where none belongs")),
            0x00 | 0xd8 => return Err(damaged("there are bytes between its segments")),
            0x01 => return Ok(Segment::Other(kind, &[])),
            _ => {}
        }
        let length = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<2>).ok_or(JpegFault::Truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let end = self.at + length;
        let data = self.bytes.get(self.at + 2..end.max(self.at + 2)).ok_or(JpegFault::Truncated)?;
        self.at = end.max(self.at + 2);
        Ok(match kind {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xf7 => Segment::Frame(kind, data),
            0xda => Segment::Scan(data),
            _ => Segment::Other(kind, data),
        })
    }
}

/// The tables in force.
struct State {
    /// Four tables of DC codes, then four of AC codes.
    tables: [Option<HuffmanTable>; 8],
    quantisation: [Option<[u16; 64]>; 4],
    /// Units between two restart markers; 0 for none.
    interval: usize,
}

impl State {
    /// Reads a segment of tables; ignores others. `None` if it is cut.
    fn read(&mut self, kind: u8, mut data: &[u8]) -> Option<()> {
        match kind {
            0xc4 => {
                while let Some((&class, rest)) = data.split_first() {
                    let (counts, rest) = rest.split_first_chunk::<16>()?;
                    let total = counts.iter().map(|&n| usize::from(n)).sum();
                    let (symbols, rest) = rest.split_at_checked(total)?;
                    let slot = usize::from(class & 15) + 4 * usize::from(class >> 4);
                    *self.tables.get_mut(slot)? = Some(HuffmanTable::new(counts, symbols)?);
                    data = rest;
                }
            }
            0xdb => {
                while let Some((&class, rest)) = data.split_first() {
                    let width = if class >> 4 == 0 { 1 } else { 2 };
                    let (values, rest) = rest.split_at_checked(64 * width)?;
                    let value = |i: usize| match width {
                        1 => u16::from(values[i]),
                        _ => u16::from_be_bytes([values[2 * i], values[2 * i + 1]]),
                    };
                    *self.quantisation.get_mut(usize::from(class & 15))? = Some(std::array::from_fn(value));
                    data = rest;
                }
            }
            0xdd => self.interval = usize::from(u16::from_be_bytes(*data.first_chunk::<2>()?)),
            _ => {}
        }
        Some(())
    }

    /// Follows a scan whose entropy-coded data begins at `at`; returns the position of the marker after it.
    fn scan(&self, frame: &mut JpegFrame, data: &[u8], bytes: &[u8], at: usize) -> Result<usize, JpegFault> {
        let cut = || damaged("the header of a scan is cut");
        let (&count, rest) = data.split_first().ok_or_else(cut)?;
        let (parts, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or_else(cut)?;
        let &[first, last, steps] = rest.first_chunk::<3>().ok_or_else(cut)?;
        if parts.is_empty() || parts.len() > 8 {
            return Err(cut());
        }
        let band = if frame.is_progressive { (usize::from(first), usize::from(last)) } else { (0, 63) };
        let (high, low) = if frame.is_progressive { (steps >> 4, steps & 15) } else { (0, 0) };
        if band.0 > band.1 || band.1 > 63 || low > 13 || (band.0 > 0 && count != 1) {
            return Err(cut());
        }
        let mut components = Vec::new();
        for &[id, tables] in parts.as_chunks::<2>().0 {
            let index = frame.components.iter().position(|c| c.id == id).ok_or_else(cut)?;
            let table = |slot: usize| self.tables.get(slot).and_then(Option::as_ref);
            components.push(ScanComponent {
                index,
                dc: table(usize::from(tables >> 4)),
                ac: table(4 + usize::from(tables & 15)),
                quantisation: self.quantisation[frame.components[index].quantisation].as_ref(),
            });
        }
        let parameters = ScanParameters { components, band, high, low, interval: self.interval };
        scan::follow(frame, &parameters, bytes, at)
    }
}

#[cfg(test)]
mod tests;
