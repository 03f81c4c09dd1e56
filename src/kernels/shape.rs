//! The geometry of a convolution.

/// Parameters of a convolution, with the operations fused into its output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvShape {
    /// Input pixels from one output to the next.
    pub stride: usize,
    /// Zeros on each side of the input.
    pub padding: usize,
    /// Input pixels from one tap of the kernel to the next.
    pub dilation: usize,
    /// Slope in (0, 1) of a LeakyReLU on the output, if any.
    pub leaky: Option<f64>,
    /// Pixel shuffle of the output by 2 (Shi et al. 2016): channel `4 c + 2 y + x` becomes the pixels `(2 i + y, 2 j + x)` of
    /// channel `c`.
    pub shuffle: bool,
}

impl Default for ConvShape {
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1, leaky: None, shuffle: false }
    }
}

/// The dimensions of a convolution of maps `[batch, inputs, height, width]` with weights
/// `[outputs, inputs, kernel[0], kernel[1]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Images.
    pub batch: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Height and width of the input.
    pub size: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Input pixels from one output to the next.
    pub stride: usize,
    /// Zeros on each side of the input.
    pub padding: usize,
    /// Input pixels from one tap to the next.
    pub dilation: usize,
}

impl Geometry {
    /// Returns height and width of the output.
    pub(crate) fn out(&self) -> [usize; 2] {
        [0, 1].map(|i| {
            let extent = self.dilation * (self.kernel[i] - 1) + 1;
            (self.size[i] + 2 * self.padding - extent) / self.stride + 1
        })
    }

    /// Taps of the kernel: weights from one input channel to one output channel.
    pub(crate) fn kernel_area(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Returns the taps of the kernel as seen from an output: the input phase and shift that each reads.
    pub(crate) fn taps(&self) -> Vec<Tap> {
        let stride = self.stride as isize;
        self.collect_taps(|k, _| {
            let from = (k * self.dilation) as isize - self.padding as isize;
            Some((from.rem_euclid(stride) as usize, from.div_euclid(stride)))
        })
    }

    /// Returns the taps by which the output's gradient reaches one phase of the input, in memory order.
    pub(crate) fn taps_backward(&self, phase: [usize; 2]) -> Vec<Tap> {
        let stride = self.stride as isize;
        let mut taps = self.collect_taps(|k, axis| {
            let from = (phase[axis] + self.padding) as isize - (k * self.dilation) as isize;
            (from.rem_euclid(stride) == 0).then(|| (0, from.div_euclid(stride)))
        });
        taps.sort_by_key(|tap| tap.shift);
        taps
    }

    /// `source(k, axis)` is the phase and shift along an axis that row or column `k` of the kernel reads, if any.
    fn collect_taps(&self, source: impl Fn(usize, usize) -> Option<(usize, isize)>) -> Vec<Tap> {
        let mut taps = Vec::with_capacity(self.kernel_area());
        for ky in 0..self.kernel[0] {
            for kx in 0..self.kernel[1] {
                if let (Some((py, ty)), Some((px, tx))) = (source(ky, 0), source(kx, 1)) {
                    taps.push(Tap { weight: ky * self.kernel[1] + kx, phase: [py, px], shift: [ty, tx] });
                }
            }
        }
        taps
    }
}

/// One weight of a kernel and the location it reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    /// Index of the weight in the kernel, row by row.
    pub weight: usize,
    /// Input phase: row and column of the input modulo the stride.
    pub phase: [usize; 2],
    /// Rows and columns within that phase, relative to the output's own.
    pub shift: [isize; 2],
}
