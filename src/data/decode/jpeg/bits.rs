//! Reads the entropy-coded bits of a JPEG, and Huffman codes from them.

/// Why the bits of a scan cannot be what an encoder wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BitFault {
    /// The data ends, at a marker or with the file, before the scan is complete.
    Short,
    /// The bits contradict the format.
    Invalid,
}

/// The bits between two markers, without stuffed bytes.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Position of the next byte to be taken into `buffer`.
    at: usize,
    /// The next bits, from the highest down.
    buffer: u64,
    /// Number of bits in `buffer`.
    count: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, buffer: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at) {
                None => return,
                // A marker, or the fill bytes before one.
                Some(0xff) if self.bytes.get(self.at + 1) != Some(&0) => return,
                Some(0xff) => {
                    self.at += 2;
                    0xff
                }
                Some(&byte) => {
                    self.at += 1;
                    byte
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    fn skip(&mut self, bits: u32) -> Result<(), BitFault> {
        if bits > self.count {
            return Err(BitFault::Short);
        }
        self.buffer <<= bits;
        self.count -= bits;
        Ok(())
    }

    /// Takes up to 16 bits.
    pub(super) fn take(&mut self, bits: u32) -> Result<u32, BitFault> {
        if bits == 0 {
            return Ok(0);
        }
        if self.count < bits {
            self.fill();
        }
        let value = (self.buffer >> (64 - bits)) as u32;
        self.skip(bits)?;
        Ok(value)
    }

    /// Takes a signed value of `bits` bits in the format's own representation.
    pub(super) fn signed(&mut self, bits: u32) -> Result<i32, BitFault> {
        let value = self.take(bits)? as i32;
        Ok(if bits > 0 && value < 1 << (bits - 1) { value - (1 << bits) + 1 } else { value })
    }

    /// Takes the symbol of the next code.
    pub(super) fn symbol(&mut self, table: &HuffmanTable) -> Result<u8, BitFault> {
        if self.count < 16 {
            self.fill();
        }
        let (length, symbol) = table.look_up((self.buffer >> 48) as u16).ok_or(match self.count {
            0..16 => BitFault::Short,
            _ => BitFault::Invalid,
        })?;
        self.skip(length)?;
        Ok(symbol)
    }

    /// Ends a run of bits: what is left must be less than a byte, or padding of bytes that are all 0 or all 255. Returns
    /// the position of the marker that follows.
    pub(super) fn end(mut self) -> Result<usize, BitFault> {
        let _ = self.skip(self.count % 8);
        loop {
            self.fill();
            if self.count == 0 {
                return Ok(self.at);
            }
            let byte = self.take(8)?;
            if byte != 0 && byte != 0xff {
                return Err(BitFault::Invalid);
            }
        }
    }
}

/// Number of bits that are looked up at once.
const FAST: u32 = 9;

/// A Huffman table.
#[derive(Clone)]
pub(super) struct HuffmanTable {
    /// Length and symbol by the next [`FAST`] bits; length 0 for longer codes.
    fast: Vec<(u8, u8)>,
    /// Smallest 16-bit value above all codes of each length, and what to add to a code to get its symbol's position.
    limits: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl HuffmanTable {
    /// Builds a table from the number of codes of each length from 1 to 16 and their symbols; `None` if they do not fit.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let (mut fast, mut limits) = (vec![(0, 0); 1 << FAST], [(0, 0); 17]);
        let (mut code, mut position) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(counts) {
            let offset = position as i32 - code as i32;
            for _ in 0..count {
                let symbol = *symbols.get(position)?;
                if length <= FAST {
                    let first = (code << (FAST - length)) as usize;
                    fast.get_mut(first..first + (1 << (FAST - length)))?.fill((length as u8, symbol));
                }
                code += 1;
                position += 1;
            }
            if code > 1 << length {
                return None;
            }
            limits[length as usize] = (code << (16 - length), offset);
            code <<= 1;
        }
        (position == symbols.len()).then(|| Self { fast, limits, symbols: symbols.to_vec() })
    }

    fn look_up(&self, bits: u16) -> Option<(u32, u8)> {
        let (length, symbol) = self.fast[usize::from(bits >> (16 - FAST))];
        if length > 0 {
            return Some((u32::from(length), symbol));
        }
        for length in FAST + 1..=16 {
            let (limit, offset) = self.limits[length as usize];
            if u32::from(bits) < limit {
                let code = i32::from(bits >> (16 - length));
                return Some((length, *self.symbols.get(usize::try_from(code + offset).ok()?)?));
            }
        }
        None
    }
}
