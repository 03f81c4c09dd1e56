//! Follows the blocks of one scan.

use super::{
    bits::{BitFault, BitReader, HuffmanTable},
    frame::{JpegFault, JpegFrame},
};

/// Largest magnitude of a coefficient times its quantisation step that an encoder of 8-bit samples writes, with room for
/// encoders that overshoot on purpose. Bits that are out of step soon exceed it.
const MOST: i64 = 2_048;

/// A component of a scan, with its tables.
pub(super) struct ScanComponent<'a> {
    /// Position in the frame.
    pub(super) index: usize,
    pub(super) dc: Option<&'a HuffmanTable>,
    pub(super) ac: Option<&'a HuffmanTable>,
    pub(super) quantisation: Option<&'a [u16; 64]>,
}

/// What a scan holds.
pub(super) struct ScanParameters<'a> {
    pub(super) components: Vec<ScanComponent<'a>>,
    /// First and last coefficient.
    pub(super) band: (usize, usize),
    /// Bits that earlier scans left out; 0 in the first scan of a band.
    pub(super) high: u8,
    /// Bits that this scan leaves out.
    pub(super) low: u8,
    /// Units between two restart markers; 0 for none.
    pub(super) interval: usize,
}

/// State that a restart marker resets.
#[derive(Default)]
struct Running {
    /// DC value of the last block of each component of the frame.
    dc: [i64; 4],
    /// Blocks without further coefficients that follow, in a progressive scan.
    empty: u32,
}

/// Follows a scan from `at`; returns the position of the marker after it.
pub(super) fn follow(
    frame: &mut JpegFrame,
    scan: &ScanParameters<'_>,
    bytes: &[u8],
    at: usize,
) -> Result<usize, JpegFault> {
    let [across, down] = match scan.components.as_slice() {
        [only] => frame.own_blocks(&frame.components[only.index]),
        _ => frame.units(),
    };
    let (units, height) = (across * down, frame.height as usize);
    let lost = |unit: usize, fault: BitFault, at: usize| match fault {
        BitFault::Short if !bytes.get(at..).is_some_and(has_marker) => JpegFault::Truncated,
        _ => {
            let row = unit / across.max(1) * height / down.max(1);
            JpegFault::Damaged(format!("bytes of its compressed data are missing or wrong near row {row}"))
        }
    };
    let (mut start, mut restarts, mut unit) = (at, 0_u8, 0);
    let mut masks: Vec<Vec<u64>> = frame.components.iter_mut().map(|c| std::mem::take(&mut c.nonzero)).collect();
    while unit < units {
        let end = if scan.interval == 0 { units } else { (unit + scan.interval).min(units) };
        let (mut bits, mut running) = (BitReader::new(bytes, start), Running::default());
        for unit in unit..end {
            each_block(frame, scan, unit, across, &mut |component, block| {
                let mask = masks.get_mut(component.index).and_then(|m| m.get_mut(block));
                scan.block(component, mask, &mut bits, &mut running)
            })
            .map_err(|fault| lost(unit, fault, start))?;
        }
        if running.empty > 0 {
            return Err(lost(end - 1, BitFault::Invalid, start));
        }
        let marker = bits.end().map_err(|fault| lost(end - 1, fault, start))?;
        (unit, start) = (end, marker);
        if unit < units {
            let found = bytes[marker.min(bytes.len())..].iter().position(|&b| b != 0xff).map(|skip| marker + skip);
            if found.and_then(|at| bytes.get(at)) != Some(&(0xd0 + restarts)) {
                return Err(lost(end, BitFault::Short, marker));
            }
            (start, restarts) = (found.unwrap_or(marker) + 1, (restarts + 1) % 8);
        }
    }
    for (component, mask) in frame.components.iter_mut().zip(masks) {
        component.nonzero = mask;
    }
    for component in &scan.components {
        frame.components[component.index].has_dc |= scan.band.0 == 0;
    }
    Ok(start)
}

/// Whether a marker other than a restart follows, so that the file goes on after missing data.
fn has_marker(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff))
}

/// Calls `visit` with each block of a unit: its component and its position in the component.
fn each_block<'s, 't>(
    frame: &JpegFrame,
    scan: &'s ScanParameters<'t>,
    unit: usize,
    across: usize,
    visit: &mut impl FnMut(&'s ScanComponent<'t>, usize) -> Result<(), BitFault>,
) -> Result<(), BitFault> {
    let (column, row) = (unit % across, unit / across);
    if let [only] = scan.components.as_slice() {
        return visit(only, row * frame.components[only.index].blocks[0] + column);
    }
    for component in &scan.components {
        let own = &frame.components[component.index];
        let [h, v] = own.sampling;
        for y in 0..v {
            for x in 0..h {
                visit(component, (row * v + y) * own.blocks[0] + column * h + x)?;
            }
        }
    }
    Ok(())
}

impl ScanParameters<'_> {
    /// Follows one block. `mask` marks its coefficients that are not 0; only progressive frames have one.
    fn block(
        &self,
        component: &ScanComponent<'_>,
        mask: Option<&mut u64>,
        bits: &mut BitReader<'_>,
        running: &mut Running,
    ) -> Result<(), BitFault> {
        match mask {
            None => {
                self.dc_first(component, bits, running)?;
                self.ac_sequential(component, bits)
            }
            Some(mask) => {
                if self.band.0 == 0 {
                    match self.high {
                        0 => self.dc_first(component, bits, running)?,
                        _ => drop(bits.take(1)?),
                    }
                }
                if self.band.1 == 0 {
                    return Ok(());
                }
                match self.high {
                    0 => self.ac_first(component, mask, bits, running),
                    _ => self.ac_refine(component, mask, bits, running),
                }
            }
        }
    }

    /// Checks a value against the largest that an encoder writes.
    fn check(&self, component: &ScanComponent<'_>, k: usize, value: i64) -> Result<(), BitFault> {
        let step = component.quantisation.and_then(|q| q.get(k)).map_or(1, |&q| i64::from(q));
        if (value << self.low).abs() * step > MOST + (step << self.low) { Err(BitFault::Invalid) } else { Ok(()) }
    }

    fn dc_first(
        &self,
        component: &ScanComponent<'_>,
        bits: &mut BitReader<'_>,
        running: &mut Running,
    ) -> Result<(), BitFault> {
        let size = u32::from(bits.symbol(component.dc.ok_or(BitFault::Invalid)?)?);
        if size > 11 {
            return Err(BitFault::Invalid);
        }
        let value = running.dc.get_mut(component.index).ok_or(BitFault::Invalid)?;
        *value += i64::from(bits.signed(size)?);
        self.check(component, 0, *value)
    }

    fn ac_sequential(&self, component: &ScanComponent<'_>, bits: &mut BitReader<'_>) -> Result<(), BitFault> {
        let table = component.ac.ok_or(BitFault::Invalid)?;
        let mut k = 1;
        while k < 64 {
            let symbol = bits.symbol(table)?;
            let (zeros, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            match (zeros, size) {
                (0, 0) => return Ok(()),
                (15, 0) => k += 16,
                (_, 0 | 11..) => return Err(BitFault::Invalid),
                _ => {
                    k += zeros;
                    let value = bits.signed(size)?;
                    if k > 63 {
                        return Err(BitFault::Invalid);
                    }
                    self.check(component, k, value.into())?;
                    k += 1;
                }
            }
        }
        if k > 64 { Err(BitFault::Invalid) } else { Ok(()) }
    }

    /// Reads the length of a run of blocks without further coefficients, of which the current one is the first.
    fn begin_run(zeros: usize, bits: &mut BitReader<'_>, running: &mut Running) -> Result<(), BitFault> {
        running.empty = (1 << zeros) + bits.take(zeros as u32)?;
        Ok(())
    }

    fn ac_first(
        &self,
        component: &ScanComponent<'_>,
        mask: &mut u64,
        bits: &mut BitReader<'_>,
        running: &mut Running,
    ) -> Result<(), BitFault> {
        if running.empty > 0 {
            running.empty -= 1;
            return Ok(());
        }
        let table = component.ac.ok_or(BitFault::Invalid)?;
        let mut k = self.band.0.max(1);
        while k <= self.band.1 {
            let symbol = bits.symbol(table)?;
            let (zeros, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 {
                if zeros < 15 {
                    Self::begin_run(zeros, bits, running)?;
                    running.empty -= 1;
                    return Ok(());
                }
                k += 16;
                continue;
            }
            k += zeros;
            let value = bits.signed(size)?;
            if k > self.band.1 || size > 10 {
                return Err(BitFault::Invalid);
            }
            self.check(component, k, value.into())?;
            *mask |= 1 << k;
            k += 1;
        }
        if k > self.band.1 + 1 { Err(BitFault::Invalid) } else { Ok(()) }
    }

    fn ac_refine(
        &self,
        component: &ScanComponent<'_>,
        mask: &mut u64,
        bits: &mut BitReader<'_>,
        running: &mut Running,
    ) -> Result<(), BitFault> {
        let table = component.ac.ok_or(BitFault::Invalid)?;
        let mut k = self.band.0.max(1);
        while running.empty == 0 && k <= self.band.1 {
            let symbol = bits.symbol(table)?;
            let (mut zeros, size) = (usize::from(symbol >> 4), symbol & 15);
            match size {
                0 if zeros < 15 => {
                    Self::begin_run(zeros, bits, running)?;
                    break;
                }
                0 => {}
                1 => drop(bits.take(1)?),
                _ => return Err(BitFault::Invalid),
            }
            // A correction bit for each coefficient that is not 0 on the way; then the new one takes its place.
            loop {
                if k > self.band.1 {
                    return Err(BitFault::Invalid);
                }
                if *mask >> k & 1 == 1 {
                    bits.take(1)?;
                } else if zeros == 0 {
                    if size > 0 {
                        *mask |= 1 << k;
                    }
                    k += 1;
                    break;
                } else {
                    zeros -= 1;
                }
                k += 1;
            }
        }
        if running.empty > 0 {
            while k <= self.band.1 {
                if *mask >> k & 1 == 1 {
                    bits.take(1)?;
                }
                k += 1;
            }
            running.empty -= 1;
        }
        Ok(())
    }
}
