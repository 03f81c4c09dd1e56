//! A convolution and its gradients, from and to maps in either order. The gradient of the input is itself a convolution of
//! the output's gradient, one for each phase of the stride.

use super::{
    aligned::Aligned,
    correlate::{PackedBias, PackedWeights},
    direct,
    direct::{OutputLayout, PhaseWeights},
    gradient,
    layout::{Grid, MapOrder},
    pack::{Maps, PhaseOutput, Tiles, unpack},
    parallel::{each, pays_to_move},
    shape::{ConvShape, Geometry, Tap},
};

/// A convolution with the operations fused into its output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Conv {
    pub geometry: Geometry,
    /// Slope of a LeakyReLU on the output; 1 for none.
    pub slope: f32,
    /// Pixel shuffle: output channel `4 c + 2 y + x` becomes the pixels `(2 i + y, 2 j + x)` of channel `c`.
    pub shuffle: bool,
}

impl Conv {
    /// Creates the convolution of maps and weights of these dimensions.
    pub(crate) fn new(
        shape: ConvShape,
        [batch, inputs, height, width]: [usize; 4],
        [outputs, _, kh, kw]: [usize; 4],
    ) -> Self {
        let ConvShape { stride, padding, dilation, leaky, shuffle } = shape;
        let geometry =
            Geometry { batch, inputs, outputs, size: [height, width], kernel: [kh, kw], stride, padding, dilation };
        Self { geometry, slope: leaky.map_or(1.0, |slope| slope as f32), shuffle }
    }

    /// Returns channels, height and width of the output.
    pub(crate) fn out(&self) -> [usize; 3] {
        let [height, width] = self.geometry.out();
        match self.shuffle {
            true => [self.geometry.outputs / 4, 2 * height, 2 * width],
            false => [self.geometry.outputs, height, width],
        }
    }

    /// Returns the grid that the input is packed onto, and the taps that read it.
    fn grid(&self) -> (Grid, Vec<Tap>) {
        let g = &self.geometry;
        let taps = g.taps();
        (Grid::new(g.batch, g.out(), g.size.map(|side| side.div_ceil(g.stride)), &taps), taps)
    }

    /// The order of the output's values.
    pub(crate) fn order(&self) -> MapOrder {
        MapOrder::of(self.geometry.batch)
    }

    fn input<'a>(&self, (values, order): (&'a [f32], MapOrder)) -> Maps<'a> {
        let g = &self.geometry;
        Maps { values, order, leaky: None, channels: g.inputs, size: g.size, stride: g.stride }
    }

    /// The gradient of the output `y` as maps to be packed, both in [`Conv::order`].
    fn output_gradient<'a>(&self, gradient: &'a [f32], y: &'a [f32]) -> Maps<'a> {
        let [channels, height, width] = self.out();
        let leaky = (self.slope != 1.0).then_some((y, self.slope));
        let stride = if self.shuffle { 2 } else { 1 };
        Maps { values: gradient, order: self.order(), leaky, channels, size: [height, width], stride }
    }

    /// Packs weights `[outputs, inputs, kernel, kernel]` for [`Conv::forward`].
    pub(crate) fn pack_weights(&self, weight: &[f32]) -> PackedWeights {
        let g = &self.geometry;
        PackedWeights::from_rows(g.outputs, g.inputs * g.kernel_area(), weight)
    }

    /// Packs the same weights for [`Conv::input_gradient`], one part for each phase of the input.
    pub(crate) fn pack_weights_backward(&self, weight: &[f32]) -> Vec<PackedWeights> {
        let g = &self.geometry;
        let area = g.kernel_area();
        self.phases()
            .map(|phase| {
                let taps = g.taps_backward(phase);
                PackedWeights::new(g.inputs, g.outputs * taps.len(), |first, rows, to| {
                    let channels = rows.min(g.inputs - first) * area;
                    // The weights from one output channel to the panel's input channels are contiguous.
                    let outputs = weight.chunks_exact(g.inputs * area).map(|row| &row[first * area..][..channels]);
                    for (to, weights) in to.chunks_exact_mut((rows * taps.len()).max(1)).zip(outputs) {
                        for (to, tap) in to.chunks_exact_mut(rows).zip(&taps) {
                            let channels = weights[tap.weight..].iter().step_by(area);
                            to.iter_mut().zip(channels).for_each(|(to, w)| *to = *w);
                        }
                    }
                })
            })
            .collect()
    }

    /// Row and column of each phase of the input.
    fn phases(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let stride = self.geometry.stride;
        (0..stride * stride).map(move |i| [i / stride, i % stride])
    }

    /// Returns the output in [`Conv::order`]. `bias` has one value per output channel, or one per output channel and
    /// position; `residual`, laid out as the output, is added before the LeakyReLU.
    pub(crate) fn forward(
        &self,
        x: (&[f32], MapOrder),
        weights: &PackedWeights,
        bias: &[f32],
        residual: Option<&[f32]>,
    ) -> Vec<f32> {
        let g = &self.geometry;
        let (grid, taps) = self.grid();
        let out = self.output_layout();
        if out.is_direct(&grid) {
            let phase = PhaseWeights { weights, taps: &taps, channels: g.inputs, stride: g.stride, first: [0, 0] };
            let bias = PackedBias::new(bias, g.outputs, g.out(), &grid);
            return direct::correlate(&self.input(x), &grid, &[phase], &bias, residual, self.slope, out);
        }
        let Some(residual) = residual else { return self.forward_packed(&self.pack_input(x), weights, bias) };
        let mut y = Self { slope: 1.0, ..*self }.forward_packed(&self.pack_input(x), weights, bias);
        y.iter_mut().zip(residual).for_each(|(y, residual)| *y = (*y + residual).max(self.slope * (*y + residual)));
        y
    }

    fn output_layout(&self) -> OutputLayout {
        let [channels, height, width] = self.out();
        OutputLayout {
            channels,
            size: [height, width],
            stride: if self.shuffle { 2 } else { 1 },
            shuffle: self.shuffle,
        }
    }

    /// Packs `x` for [`Conv::forward_packed`] and [`Conv::weight_gradient_packed`]. The result does not depend on the number
    /// of outputs.
    pub(crate) fn pack_input(&self, x: (&[f32], MapOrder)) -> Aligned {
        self.input(x).pack(&self.grid().0)
    }

    /// [`Conv::forward`] of packed maps, tile by tile.
    pub(crate) fn forward_packed(&self, packed: &Aligned, weights: &PackedWeights, bias: &[f32]) -> Vec<f32> {
        let g = &self.geometry;
        let (grid, taps) = self.grid();
        let offsets = grid.tap_offsets(&taps, g.inputs, g.stride);
        let bias = PackedBias::new(bias, g.outputs, g.out(), &grid);
        let OutputLayout { channels, size, stride, .. } = self.output_layout();
        let tiles = &weights.correlate(packed, &grid, &offsets, &bias, self.slope);
        if self.shuffle {
            let phases =
                [0, 1, 2, 3].map(|first| PhaseOutput { tiles, every: 4, first, phase: [first / 2, first % 2] });
            return unpack(&phases, &grid, channels, size, stride);
        }
        unpack(&[PhaseOutput { tiles, every: 1, first: 0, phase: [0, 0] }], &grid, channels, size, stride)
    }

    /// Returns the gradient of the input from that of the output `y`, all in [`Conv::order`].
    pub(crate) fn input_gradient(&self, gradient: &[f32], y: &[f32], weights: &[PackedWeights]) -> Vec<f32> {
        let g = &self.geometry;
        let phases: Vec<_> = self.phases().map(|phase| (phase, g.taps_backward(phase))).collect();
        let all: Vec<Tap> = phases.iter().flat_map(|(_, taps)| taps.iter().copied()).collect();
        let grid = Grid::new(g.batch, g.size.map(|side| side.div_ceil(g.stride)), g.out(), &all);
        let gradient = self.output_gradient(gradient, y);
        let none = PackedBias::new(&[], g.inputs, g.size, &grid);
        let each = || phases.iter().zip(weights);
        let out = OutputLayout { channels: g.inputs, size: g.size, stride: g.stride, shuffle: false };
        if out.is_direct(&grid) {
            // The phases of a pixel shuffle are channels of the weights.
            let phases: Vec<_> = each()
                .map(|((first, taps), weights)| PhaseWeights {
                    weights,
                    taps,
                    channels: g.outputs,
                    stride: 1,
                    first: *first,
                })
                .collect();
            return direct::correlate(&gradient, &grid, &phases, &none, None, 1.0, out);
        }
        let packed = gradient.pack(&grid);
        let computed: Vec<([usize; 2], Tiles)> = each()
            .map(|((phase, taps), weights)| {
                let offsets = grid.tap_offsets(taps, g.outputs, 1);
                (*phase, weights.correlate(&packed, &grid, &offsets, &none, 1.0))
            })
            .collect();
        let parts: Vec<PhaseOutput<'_>> =
            computed.iter().map(|(phase, tiles)| PhaseOutput { tiles, every: 1, first: 0, phase: *phase }).collect();
        unpack(&parts, &grid, g.inputs, g.size, g.stride)
    }

    /// Returns the gradients of weight and bias from that of the output `y`.
    pub(crate) fn weight_gradient(&self, x: (&[f32], MapOrder), gradient: &[f32], y: &[f32]) -> (Vec<f32>, Vec<f32>) {
        self.weight_gradient_packed(&self.pack_input(x), gradient, y)
    }

    /// [`Conv::weight_gradient`] of packed maps.
    pub(crate) fn weight_gradient_packed(&self, packed: &Aligned, gradient: &[f32], y: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let g = &self.geometry;
        let (grid, taps) = self.grid();
        let offsets = grid.tap_offsets(&taps, g.inputs, g.stride);
        let packed_gradient;
        let (dy, plane) = if self.order() == MapOrder::Chwn && self.slope == 1.0 && !self.shuffle {
            // The gradient already has the compact layout.
            (gradient, gradient.len() / g.outputs)
        } else {
            let compact = grid.compact();
            packed_gradient = self.output_gradient(gradient, y).pack(&compact);
            (&*packed_gradient, compact.plane)
        };
        let weight = gradient::weight_gradient(packed, (dy, plane), &grid, &offsets, g.outputs);
        let mut bias = vec![0.0; g.outputs];
        each(bias.iter_mut().zip(dy.chunks_exact(plane)), pays_to_move(dy.len()), |(sum, plane)| *sum = total(plane));
        (weight, bias)
    }
}

/// Sums a plane, whose length is a multiple of 16, in sixteen partial sums.
fn total(plane: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    for part in plane.chunks_exact(16) {
        sums.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    sums.iter().sum()
}
