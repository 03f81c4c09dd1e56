//! The frame header of a JPEG, and why a JPEG is not decoded.

use crate::data::FileFault;

/// Why a JPEG is not decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::data::decode) enum JpegFault {
    /// The file ends before its end-of-image marker.
    Truncated,
    /// Bytes are missing or wrong.
    Damaged(String),
    /// A kind of JPEG that is not read, and what to save instead.
    Unsupported(&'static str),
}

/// What the frame header says.
#[derive(Clone, Debug)]
pub(in crate::data::decode) struct JpegFrame {
    /// Width in pixels.
    pub(in crate::data::decode) width: u32,
    /// Height in pixels.
    pub(in crate::data::decode) height: u32,
    /// Whether the picture comes in several scans of increasing detail.
    pub(in crate::data::decode) is_progressive: bool,
    pub(in crate::data::decode) components: Vec<FrameComponent>,
}

/// One component of the frame: brightness or colour.
#[derive(Clone, Debug)]
pub(in crate::data::decode) struct FrameComponent {
    pub(super) id: u8,
    /// Blocks across and down in each unit of an interleaved scan.
    pub(super) sampling: [usize; 2],
    pub(super) quantisation: usize,
    /// Blocks across and down, of all units.
    pub(super) blocks: [usize; 2],
    /// Coefficients of each block that are not 0 so far, in a progressive JPEG.
    pub(super) nonzero: Vec<u64>,
    pub(super) has_dc: bool,
}

impl JpegFrame {
    /// Bytes that the coefficients of a progressive JPEG take in a decoder.
    pub(in crate::data::decode) fn coefficient_bytes(&self) -> u64 {
        let blocks: usize = self.components.iter().map(|c| c.blocks[0] * c.blocks[1]).sum();
        if self.is_progressive { blocks as u64 * 64 * 2 } else { 0 }
    }

    /// Units across and down in an interleaved scan.
    pub(super) fn units(&self) -> [usize; 2] {
        let first = self.components.first();
        first.map_or([0, 0], |c| [c.blocks[0] / c.sampling[0], c.blocks[1] / c.sampling[1]])
    }

    /// Blocks of a component that hold a pixel, across and down: those of a scan of this component alone.
    pub(super) fn own_blocks(&self, component: &FrameComponent) -> [usize; 2] {
        std::array::from_fn(|axis| {
            let side = if axis == 0 { self.width } else { self.height } as usize;
            let most = self.components.iter().map(|c| c.sampling[axis]).max().unwrap_or(1);
            (side * component.sampling[axis]).div_ceil(most).div_ceil(8)
        })
    }
}

/// Reports bytes that are missing or wrong.
pub(super) fn damaged(what: &str) -> JpegFault {
    JpegFault::Damaged(what.to_owned())
}

/// Parses a frame header.
pub(super) fn parse_frame(kind: u8, data: &[u8]) -> Result<JpegFrame, JpegFault> {
    match kind {
        0xc0..=0xc2 => {}
        0xc3 => return Err(JpegFault::Unsupported("a lossless JPEG")),
        0xf7 => return Err(JpegFault::Unsupported("a JPEG-LS image")),
        0xc5..=0xc7 | 0xcd..=0xcf => return Err(JpegFault::Unsupported("a hierarchical JPEG")),
        _ => return Err(JpegFault::Unsupported("a JPEG with arithmetic coding")),
    }
    let cut = || damaged("its frame header is cut");
    let (&[precision, h1, h0, w1, w0, count], rest) = data.split_first_chunk::<6>().ok_or_else(cut)?;
    if precision != 8 {
        return Err(JpegFault::Unsupported("a JPEG with 12 bits per sample"));
    }
    let (height, width) = (u32::from(u16::from_be_bytes([h1, h0])), u32::from(u16::from_be_bytes([w1, w0])));
    let parts = rest.as_chunks::<3>().0;
    if width == 0 || height == 0 || parts.len() != usize::from(count) || parts.is_empty() || parts.len() > 4 {
        return Err(cut());
    }
    let mut components: Vec<FrameComponent> = Vec::new();
    for &[id, sampling, quantisation] in parts {
        let sampling = [usize::from(sampling >> 4), usize::from(sampling & 15)];
        if sampling.iter().any(|s| !(1..=4).contains(s)) {
            return Err(cut());
        }
        let quantisation = usize::from(quantisation & 3);
        components.push(FrameComponent {
            id,
            sampling,
            quantisation,
            blocks: [0; 2],
            nonzero: Vec::new(),
            has_dc: false,
        });
    }
    let most: [usize; 2] =
        std::array::from_fn(|axis| components.iter().map(|c| c.sampling[axis]).max().unwrap_or(1) * 8);
    let units = [(width as usize).div_ceil(most[0]), (height as usize).div_ceil(most[1])];
    for component in &mut components {
        component.blocks = [units[0] * component.sampling[0], units[1] * component.sampling[1]];
    }
    Ok(JpegFrame { width, height, is_progressive: kind == 0xc2, components })
}

impl From<JpegFault> for FileFault {
    fn from(fault: JpegFault) -> Self {
        match fault {
            JpegFault::Truncated => Self::Truncated,
            JpegFault::Damaged(what) => Self::Damaged(what),
            JpegFault::Unsupported(what) => Self::Encoding {
                what: what.to_owned(),
                instead: "save it as a JPEG with 8 bits per sample, or as PNG or TIFF",
            },
        }
    }
}
