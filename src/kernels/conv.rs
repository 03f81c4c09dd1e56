//! A convolution and its gradients, from and to maps in either order.

use super::{
    correlate::{Bias, Weights},
    direct::{self, Out, Phase},
    geometry::{Geometry, Grid, Maps, Order, Part, Tap, Tiles, unpack},
    gradient,
    memory::Aligned,
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
    pub fn order(&self) -> Order {
        Order::of(self.geometry.batch)
    }

    fn input<'a>(&self, (values, order): (&'a [f32], Order)) -> Maps<'a> {
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
        let taps = g.inputs * g.cells();
        Weights::new(g.outputs, taps, |m, to, step| {
            to.iter_mut().step_by(step).zip(&weight[m * taps..]).for_each(|(to, w)| *to = *w);
        })
    }

    /// `weight` as [`Conv::input_gradient`] takes it, one part for each phase of the input.
    pub fn weights_back(&self, weight: &[f32]) -> Vec<Weights> {
        let g = &self.geometry;
        self.phases()
            .map(|phase| {
                let taps = g.taps_back(phase);
                Weights::new(g.inputs, g.outputs * taps.len(), |m, to, step| {
                    let own = weight[m * g.cells()..].chunks(g.cells()).step_by(g.inputs);
                    for (to, own) in to.chunks_mut(step * taps.len().max(1)).zip(own) {
                        to.iter_mut().step_by(step).zip(&taps).for_each(|(to, tap)| *to = own[tap.weight]);
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
    /// as well.
    pub fn forward(&self, x: (&[f32], Order), weights: &Weights, bias: &[f32]) -> Vec<f32> {
        self.forward_laid(&self.lay(x), weights, bias)
    }

    /// `x` as [`Conv::forward_laid`] and [`Conv::weight_gradient_laid`] take it, whatever the number of outputs. Maps in
    /// the order of pixels are as many as go in.
    pub fn lay(&self, x: (&[f32], Order)) -> Aligned {
        self.input(x).pack(&self.grid().0)
    }

    /// [`Conv::forward`] of maps laid out before.
    pub fn forward_laid(&self, packed: &Aligned, weights: &Weights, bias: &[f32]) -> Vec<f32> {
        let g = &self.geometry;
        let (grid, taps) = self.grid();
        let offsets = grid.offsets(&taps, g.inputs, g.stride);
        let bias = Bias::new(bias, g.outputs, g.out(), &grid);
        let [channels, height, width] = self.out();
        let (size, stride) = ([height, width], if self.shuffle { 2 } else { 1 });
        let out = Out { channels, size, stride, shuffle: self.shuffle };
        if out.is_direct(&grid) {
            let phase = Phase { weights, offsets: &offsets, first: [0, 0] };
            return direct::correlate(packed, &grid, &[phase], &bias, self.slope, out);
        }
        let tiles = &weights.correlate(packed, &grid, &offsets, &bias, self.slope);
        if self.shuffle {
            let parts = [0, 1, 2, 3].map(|first| Part { tiles, every: 4, first, phase: [first / 2, first % 2] });
            return unpack(&parts, &grid, channels, size, stride);
        }
        unpack(&[Part { tiles, every: 1, first: 0, phase: [0, 0] }], &grid, channels, size, stride)
    }

    /// The gradient of `x` from that of what came out, `y`, all in [`Conv::order`].
    pub fn input_gradient(&self, gradient: &[f32], y: &[f32], weights: &[Weights]) -> Vec<f32> {
        let g = &self.geometry;
        let phases: Vec<_> = self.phases().map(|phase| (phase, g.taps_back(phase))).collect();
        let all: Vec<Tap> = phases.iter().flat_map(|(_, taps)| taps.iter().copied()).collect();
        let grid = Grid::new(g.batch, g.size.map(|side| side.div_ceil(g.stride)), g.out(), &all);
        let packed = self.back(gradient, y).pack(&grid);
        let none = Bias::new(&[], g.inputs, g.size, &grid);
        let offsets: Vec<Vec<u32>> = phases.iter().map(|(_, taps)| grid.offsets(taps, g.outputs, 1)).collect();
        let each = || phases.iter().map(|(phase, _)| *phase).zip(&offsets).zip(weights);
        let out = Out { channels: g.inputs, size: g.size, stride: g.stride, shuffle: false };
        if out.is_direct(&grid) {
            let phases: Vec<_> = each().map(|((first, offsets), weights)| Phase { weights, offsets, first }).collect();
            return direct::correlate(&packed, &grid, &phases, &none, 1.0, out);
        }
        let computed: Vec<([usize; 2], Tiles)> = each()
            .map(|((phase, offsets), weights)| (phase, weights.correlate(&packed, &grid, offsets, &none, 1.0)))
            .collect();
        let parts: Vec<Part<'_>> =
            computed.iter().map(|(phase, tiles)| Part { tiles, every: 1, first: 0, phase: *phase }).collect();
        unpack(&parts, &grid, g.inputs, g.size, g.stride)
    }

    /// The gradients of weight and bias from that of what came out, `y`.
    pub fn weight_gradient(&self, x: (&[f32], Order), gradient: &[f32], y: &[f32]) -> (Vec<f32>, Vec<f32>) {
        self.weight_gradient_laid(&self.lay(x), gradient, y)
    }

    /// [`Conv::weight_gradient`] of maps laid out before.
    pub fn weight_gradient_laid(&self, packed: &Aligned, gradient: &[f32], y: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let g = &self.geometry;
        let (grid, taps) = self.grid();
        let offsets = grid.offsets(&taps, g.inputs, g.stride);
        let laid;
        let (dy, plane) = if self.order() == Order::Pixels && self.slope == 1.0 && !self.shuffle {
            // It lies as it is read.
            (gradient, gradient.len() / g.outputs)
        } else {
            let linear = grid.linear();
            laid = self.back(gradient, y).pack(&linear);
            (&*laid, linear.plane())
        };
        let weight = gradient::weight_gradient(packed, (dy, plane), &grid, &offsets, g.outputs);
        (weight, dy.chunks_exact(plane).map(total).collect())
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
