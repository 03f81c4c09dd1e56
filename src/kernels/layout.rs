//! The memory layouts of maps: as tensors, and on the padded grids that the kernels read.

use super::{shape::Tap, simd::LANES};

/// Floats that a tile may read beyond the end of its positions.
const OVERRUN: usize = 8 * LANES;

/// NCHW maps are interleaved on their grid only if that saves at least this factor in computed positions: interleaving
/// takes time, and pays by leaving out the positions in the padding.
const INTERLEAVE_GAIN: f64 = 1.2;

/// The order in which the values of maps lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapOrder {
    /// `[batch, channels, height, width]`.
    Nchw,
    /// `[channels, height, width, batch]`: all images interleaved in each pixel, so that a tap reads whole vectors and no
    /// padding is computed. The batch is a multiple of [`LANES`].
    Chwn,
}

impl MapOrder {
    /// Returns the order of the kernels' output for this batch size.
    pub(crate) fn of(batch: usize) -> Self {
        if batch > 0 && batch.is_multiple_of(LANES) { Self::Chwn } else { Self::Nchw }
    }
}

/// The layout of zero-padded maps: one plane per channel and phase, in which each tap reads at a constant offset from
/// the position it contributes to. Rows and images are separated by zeros; those after a row also serve as the padding
/// before the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Images.
    pub batch: usize,
    /// Computed rows and columns.
    pub size: [usize; 2],
    /// Images interleaved in each pixel; 1 if one image follows the other. With interleaved images only the positions of
    /// real pixels are computed.
    pub interleave: usize,
    /// Rows from one image to the next.
    pub image_rows: usize,
    /// Pixels from one row to the next.
    pub pitch: usize,
    /// Rows, then columns, that taps read before and after the computed ones.
    pub halo: [[usize; 2]; 2],
    /// Floats before the first position.
    pub lead: usize,
    /// Floats of one plane.
    pub plane: usize,
}

/// Rounds the length of a plane up to an odd number of cache lines, so that the same position of many planes does not
/// fall into the same few cache sets.
fn plane_len(len: usize) -> usize {
    (len.div_ceil(LANES) | 1) * LANES
}

impl Grid {
    /// Creates a grid on which `size` rows and columns are computed from maps of `input` rows and columns.
    pub(crate) fn new(batch: usize, size: [usize; 2], input: [usize; 2], taps: &[Tap]) -> Self {
        let halo = |axis: usize| {
            let farthest = |far: fn(isize) -> isize| {
                taps.iter().map(|tap| far(tap.shift[axis])).max().unwrap_or(0).max(0) as usize
            };
            let (before, after) = (farthest(|shift| -shift), farthest(|shift| shift));
            // Input rows beyond the last computed one must not be read as the zeros before the next image's first.
            let beyond = input[axis].saturating_sub(size[axis]).min(after);
            (before, after, after.max(before + beyond))
        };
        let ((top, bottom, row_gap), (left, right, column_gap)) = (halo(0), halo(1));
        let (image_rows, pitch) = (size[0] + row_gap, size[1] + column_gap);
        let padded = (batch * image_rows * pitch) as f64;
        let interleaved = (batch.next_multiple_of(LANES) * size[0] * size[1]) as f64;
        let interleave = match MapOrder::of(batch) {
            MapOrder::Chwn => batch,
            MapOrder::Nchw if interleaved * INTERLEAVE_GAIN < padded => LANES,
            MapOrder::Nchw => 1,
        };
        let lead = top * pitch + left;
        let pixels = lead + batch.div_ceil(interleave) * image_rows * pitch + bottom * pitch + right;
        let plane = plane_len(pixels * interleave + OVERRUN);
        let halo = [[top, bottom], [left, right]];
        Self { batch, size, interleave, image_rows, pitch, halo, lead: lead * interleave, plane }
    }

    /// Returns the grid of `rows` rows of one image, or of all images if they are interleaved.
    pub(crate) fn band(&self, rows: usize) -> Self {
        let [[_, bottom], [_, right]] = self.halo;
        let batch = if self.is_chwn() { self.batch } else { 1 };
        let plane = plane_len(self.lead + ((rows + bottom) * self.pitch + right) * self.interleave);
        Self { batch, size: [rows, self.size[1]], image_rows: rows, plane, ..*self }
    }

    /// Rows that taps read before and after the computed ones, together.
    pub(crate) fn halo_rows(&self) -> usize {
        self.halo[0].iter().sum()
    }

    /// Whether all images of the batch are interleaved in each pixel.
    pub(crate) fn is_chwn(&self) -> bool {
        MapOrder::of(self.batch) == MapOrder::Chwn
    }

    /// Number of groups of interleaved images.
    pub(crate) fn image_groups(&self) -> usize {
        self.batch.div_ceil(self.interleave)
    }

    /// Returns the layout of the computed positions in the order of [`Grid::vector_starts`], without padding between them.
    pub(crate) fn compact(&self) -> Self {
        let (image_rows, pitch) =
            if self.interleave == 1 { (self.image_rows, self.pitch) } else { (self.size[0], self.size[1]) };
        let plane = self.batch.div_ceil(self.interleave) * image_rows * pitch * self.interleave + OVERRUN;
        Self { image_rows, pitch, lead: 0, plane: plane_len(plane), ..*self }
    }

    /// Pixels from one group of interleaved images to the next.
    pub(crate) fn image_pitch(&self) -> usize {
        self.image_rows * self.pitch
    }

    /// Offset of a value from the first position, in floats.
    pub(crate) fn offset(&self, image: usize, row: usize, column: usize) -> usize {
        ((image / self.interleave * self.image_rows + row) * self.pitch + column) * self.interleave
            + image % self.interleave
    }

    /// Returns the offsets in floats from a position to the value that each tap of each channel reads for it:
    /// `[channel][tap]`. `stride` is the number of phases along each axis.
    pub(crate) fn tap_offsets(&self, taps: &[Tap], channels: usize, stride: usize) -> Vec<u32> {
        let of = |c: usize, tap: &Tap| {
            let plane = (c * stride + tap.phase[0]) * stride + tap.phase[1];
            let shift = (tap.shift[0] * self.pitch as isize + tap.shift[1]) * self.interleave as isize;
            (plane * self.plane + self.lead).wrapping_add_signed(shift) as u32
        };
        (0..channels).flat_map(|c| taps.iter().map(move |tap| of(c, tap))).collect()
    }

    /// Returns the first position of every computed vector of `lanes` floats, in the order of [`Grid::compact`].
    pub(crate) fn vector_starts(&self, lanes: usize) -> Vec<u32> {
        if self.interleave == 1 {
            let positions = self.batch * self.image_rows * self.pitch;
            return (0..positions).step_by(lanes).map(|v| v as u32).collect();
        }
        let images = self.batch.next_multiple_of(self.interleave);
        let mut starts = Vec::with_capacity(images * self.size[0] * self.size[1] / lanes);
        for image in (0..self.batch).step_by(self.interleave) {
            for row in 0..self.size[0] {
                let first = self.offset(image, row, 0);
                starts.extend((first..first + self.size[1] * self.interleave).step_by(lanes).map(|v| v as u32));
            }
        }
        starts
    }
}
