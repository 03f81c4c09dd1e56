//! A convolution and its gradients, from and to maps in either order.

use super::{
    buffer_pool::Aligned,
    correlate::{Bias, Weights},
    direct,
    direct::{Out, PhaseWeights},
    gradient,
    layout::{Geometry, Grid, MapOrder, Maps, PhaseOutput, Tap, Tiles, unpack},
    parallel::{MOVED, each},
};

/// A convolution and what is done at once with what comes out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Conv {
    pub geometry: Geometry,
    /// LeakyReLU: what is below 0 is multiplied by this, at most 1.
    pub slope: f32,
    /// Pixel shuffle: output channel `4 c + 2 y + x` becomes the pixels `(2 i + y, 2 j + x)` of channel `c`.
    pub shuffle: bool,
}

impl Conv {
    /// Channels, height and width of what comes out.
    pub fn out(&self) -> [usize; 3] {
        let [height, width] = self.geometry.out();
        match self.shuffle {
            true => [self.geometry.outputs / 4, 2 * height, 2 * width],
            false => [self.geometry.outputs, height, width],
        }
    }

    fn grid(&self) -> (Grid, Vec<Tap>) {
        let g = &self.geometry;
        let taps = g.taps();
        (Grid::new(g.batch, g.out(), g.size.map(|side| side.div_ceil(g.stride)), &taps), taps)
    }

    /// The order that what comes out is in.
    pub fn order(&self) -> MapOrder {
        MapOrder::of(self.geometry.batch)
    }

    fn input<'a>(&self, (values, order): (&'a [f32], MapOrder)) -> Maps<'a> {
        let g = &self.geometry;
        Maps { values, order, through: None, channels: g.inputs, size: g.size, stride: g.stride }
    }

    /// A gradient of what came out, on its way back: `y` is what came out. Both are in [`Conv::order`].
    fn back<'a>(&self, gradient: &'a [f32], y: &'a [f32]) -> Maps<'a> {
        let [channels, height, width] = self.out();
        let through = (self.slope != 1.0).then_some((y, self.slope));
        let stride = if self.shuffle { 2 } else { 1 };
        Maps { values: gradient, order: self.order(), through, channels, size: [height, width], stride }
    }

    /// `weight` as [`Conv::forward`] takes it.
    pub fn weights(&self, weight: &[f32]) -> Weights {
        let g = &self.geometry;
        Weights::of_lines(g.outputs, g.inputs * g.cells(), weight)
    }

    /// `weight` as [`Conv::input_gradient`] takes it, one part for each phase of the input.
    pub fn weights_back(&self, weight: &[f32]) -> Vec<Weights> {
        let g = &self.geometry;
        let cells = g.cells();
        self.phases()
            .map(|phase| {
                let taps = g.taps_back(phase);
                Weights::new(g.inputs, g.outputs * taps.len(), |first, rows, to| {
                    let channels = rows.min(g.inputs - first) * cells;
                    // Those of an output for the channels of a panel lie together.
                    let outputs = weight.chunks_exact(g.inputs * cells).map(|own| &own[first * cells..][..channels]);
                    for (to, own) in to.chunks_exact_mut((rows * taps.len()).max(1)).zip(outputs) {
                        for (to, tap) in to.chunks_exact_mut(rows).zip(&taps) {
                            let channels = own[tap.weight..].iter().step_by(cells);
                            to.iter_mut().zip(channels).for_each(|(to, w)| *to = *w);
                        }
                    }
                })
            })
            .collect()
    }

    fn phases(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let stride = self.geometry.stride;
        (0..stride * stride).map(move |i| [i / stride, i % stride])
    }

    /// What comes out, in [`Conv::order`]. `bias` is one number for each output channel, or one for each of its positions
    /// as well; `onto` is added before the LeakyReLU, and is as what comes out.
    pub fn forward(&self, x: (&[f32], MapOrder), weights: &Weights, bias: &[f32], onto: Option<&[f32]>) -> Vec<f32> {
        let g = &self.geometry;
        let (grid, taps) = self.grid();
        let out = self.placed();
        if out.is_direct(&grid) {
            let phase = PhaseWeights { weights, taps: &taps, channels: g.inputs, stride: g.stride, first: [0, 0] };
            let bias = Bias::new(bias, g.outputs, g.out(), &grid);
            return direct::correlate(&self.input(x), &grid, &[phase], &bias, onto, self.slope, out);
        }
        let Some(onto) = onto else { return self.forward_laid(&self.lay(x), weights, bias) };
        let mut y = Self { slope: 1.0, ..*self }.forward_laid(&self.lay(x), weights, bias);
        y.iter_mut().zip(onto).for_each(|(y, onto)| *y = (*y + onto).max(self.slope * (*y + onto)));
        y
    }

    fn placed(&self) -> Out {
        let [channels, height, width] = self.out();
        Out { channels, size: [height, width], stride: if self.shuffle { 2 } else { 1 }, shuffle: self.shuffle }
    }

    /// `x` as [`Conv::forward_laid`] and [`Conv::weight_gradient_laid`] take it, whatever the number of outputs. Maps in
    /// the order of pixels are as many as go in.
    pub fn lay(&self, x: (&[f32], MapOrder)) -> Aligned {
        self.input(x).pack(&self.grid().0)
    }

    /// [`Conv::forward`] of maps laid out before, tile by tile.
    pub fn forward_laid(&self, packed: &Aligned, weights: &Weights, bias: &[f32]) -> Vec<f32> {
        let g = &self.geometry;
        let (grid, taps) = self.grid();
        let offsets = grid.offsets(&taps, g.inputs, g.stride);
        let bias = Bias::new(bias, g.outputs, g.out(), &grid);
        let Out { channels, size, stride, .. } = self.placed();
        let tiles = &weights.correlate(packed, &grid, &offsets, &bias, self.slope);
        if self.shuffle {
            let parts = [0, 1, 2, 3].map(|first| PhaseOutput { tiles, every: 4, first, phase: [first / 2, first % 2] });
            return unpack(&parts, &grid, channels, size, stride);
        }
        unpack(&[PhaseOutput { tiles, every: 1, first: 0, phase: [0, 0] }], &grid, channels, size, stride)
    }

    /// The gradient of `x` from that of what came out, `y`, all in [`Conv::order`].
    pub fn input_gradient(&self, gradient: &[f32], y: &[f32], weights: &[Weights]) -> Vec<f32> {
        let g = &self.geometry;
        let phases: Vec<_> = self.phases().map(|phase| (phase, g.taps_back(phase))).collect();
        let all: Vec<Tap> = phases.iter().flat_map(|(_, taps)| taps.iter().copied()).collect();
        let grid = Grid::new(g.batch, g.size.map(|side| side.div_ceil(g.stride)), g.out(), &all);
        let back = self.back(gradient, y);
        let none = Bias::new(&[], g.inputs, g.size, &grid);
        let each = || phases.iter().zip(weights);
        let out = Out { channels: g.inputs, size: g.size, stride: g.stride, shuffle: false };
        if out.is_direct(&grid) {
            // A shuffle's phases are channels of the weights.
            let phases: Vec<_> = each()
                .map(|((first, taps), weights)| PhaseWeights {
                    weights,
                    taps,
                    channels: g.outputs,
                    stride: 1,
                    first: *first,
                })
                .collect();
            return direct::correlate(&back, &grid, &phases, &none, None, 1.0, out);
        }
        let packed = back.pack(&grid);
        let computed: Vec<([usize; 2], Tiles)> = each()
            .map(|((phase, taps), weights)| {
                let offsets = grid.offsets(taps, g.outputs, 1);
                (*phase, weights.correlate(&packed, &grid, &offsets, &none, 1.0))
            })
            .collect();
        let parts: Vec<PhaseOutput<'_>> =
            computed.iter().map(|(phase, tiles)| PhaseOutput { tiles, every: 1, first: 0, phase: *phase }).collect();
        unpack(&parts, &grid, g.inputs, g.size, g.stride)
    }

    /// The gradients of weight and bias from that of what came out, `y`.
    pub fn weight_gradient(&self, x: (&[f32], MapOrder), gradient: &[f32], y: &[f32]) -> (Vec<f32>, Vec<f32>) {
        self.weight_gradient_laid(&self.lay(x), gradient, y)
    }

    /// [`Conv::weight_gradient`] of maps laid out before.
    pub fn weight_gradient_laid(&self, packed: &Aligned, gradient: &[f32], y: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let g = &self.geometry;
        let (grid, taps) = self.grid();
        let offsets = grid.offsets(&taps, g.inputs, g.stride);
        let laid;
        let (dy, plane) = if self.order() == MapOrder::Pixels && self.slope == 1.0 && !self.shuffle {
            // It lies as it is read.
            (gradient, gradient.len() / g.outputs)
        } else {
            let linear = grid.linear();
            laid = self.back(gradient, y).pack(&linear);
            (&*laid, linear.plane())
        };
        let weight = gradient::weight_gradient(packed, (dy, plane), &grid, &offsets, g.outputs);
        let mut bias = vec![0.0; g.outputs];
        each(bias.iter_mut().zip(dy.chunks_exact(plane)), dy.len() > MOVED, |(sum, plane)| *sum = total(plane));
        (weight, bias)
    }
}

/// The sum of a plane, whose length is a multiple of 16, in sixteen strands that are added up at the end.
fn total(plane: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    for part in plane.chunks_exact(16) {
        sums.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    sums.iter().sum()
}
