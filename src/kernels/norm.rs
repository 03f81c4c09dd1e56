//! Batch normalisation over the channels of maps with a fused LeakyReLU: two passes over memory forwards, two backwards.

use pulp::{Arch, Simd, WithSimd};

use super::{
    buffer_pool::take_buffer,
    layout::MapOrder,
    parallel::{each, each_chunk, pays_to_move},
    simd::{leaky, sum_pairs},
};

/// Floats summed in single precision before the sum is accumulated in double precision.
const STRETCH: usize = 1 << 12;

/// The dimensions of batch norm over maps `[batch, channels, plane]`, and its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NormLayout {
    pub batch: usize,
    pub channels: usize,
    /// Height times width.
    pub plane: usize,
    /// Added to the variances.
    pub epsilon: f32,
    /// Slope of the LeakyReLU on the output; 1 for none.
    pub slope: f32,
}

// The loops are structs with a `with_simd` method: a longer closure would be compiled as a separate function, without the
// vector instructions of this machine.

/// The sums of a plane and of its squares, about a reference value.
struct Moments<'a> {
    x: &'a [f32],
    reference: f32,
}

impl WithSimd for Moments<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 2] {
        let reference = self.reference;
        sum_pairs(self.x, self.x, |v, _| [v - reference, (v - reference) * (v - reference)])
    }
}

/// The forward pass of one plane.
struct Forward<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
    factor: f32,
    offset: f32,
    slope: f32,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (out, x) in self.out.iter_mut().zip(self.x) {
            let y = x * self.factor + self.offset;
            *out = leaky(y, y, self.slope);
        }
    }
}

/// Values read by the backward pass of a plane: input, output, and the channel's mean and inverse standard deviation.
#[derive(Clone, Copy)]
struct PlaneState<'a> {
    x: &'a [f32],
    y: &'a [f32],
    mean: f32,
    scale: f32,
    slope: f32,
}

/// A plane's contribution to the gradients of its channel's beta and gamma.
struct ParameterGradients<'a> {
    state: PlaneState<'a>,
    gradient: &'a [f32],
    /// Room for a stretch of the plane.
    scratch: &'a mut [f32],
}

impl WithSimd for ParameterGradients<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 2] {
        let PlaneState { x, y, mean, scale, slope } = self.state;
        let mut sums = [0.0; 2];
        for ((x, y), gradient) in x.chunks(STRETCH).zip(y.chunks(STRETCH)).zip(self.gradient.chunks(STRETCH)) {
            let scratch = &mut self.scratch[..x.len()];
            for ((scratch, y), g) in scratch.iter_mut().zip(y).zip(gradient) {
                *scratch = leaky(*g, *y, slope);
            }
            let part = sum_pairs(scratch, x, |g, x| [g, g * (x - mean) * scale]);
            sums = [sums[0] + part[0], sums[1] + part[1]];
        }
        sums
    }
}

/// The backward pass of one plane: replaces the gradient of the output by that of the input.
struct Backward<'a> {
    state: PlaneState<'a>,
    gradient: &'a mut [f32],
    factor: f32,
    /// Gradients of beta and gamma per position.
    beta: f32,
    gamma: f32,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { state: PlaneState { x, y, mean, scale, slope }, gradient, factor, beta, gamma } = self;
        for ((g, x), y) in gradient.iter_mut().zip(x).zip(y) {
            *g = factor * (leaky(*g, *y, slope) - beta - (x - mean) * scale * gamma);
        }
    }
}

impl NormLayout {
    /// Returns the dimensions for maps in this order: as CHWN, a channel is a single plane.
    pub(crate) fn in_order(self, order: MapOrder) -> Self {
        match order {
            MapOrder::Nchw => self,
            MapOrder::Chwn => Self { batch: 1, plane: self.batch * self.plane, ..self },
        }
    }

    /// Iterates over a channel in stretches.
    fn stretches<'a>(&self, maps: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let planes = maps.chunks_exact(self.plane).skip(channel).step_by(self.channels);
        planes.flat_map(|plane| plane.chunks(STRETCH))
    }

    /// Number of values per channel.
    fn count(&self) -> f64 {
        (self.batch * self.plane) as f64
    }

    /// Returns the results of `work` for each channel, computed on several threads if that pays.
    fn each<T: Send>(&self, work: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
        let mut results: Vec<Option<T>> = (0..self.channels).map(|_| None).collect();
        let parallel = pays_to_move(self.batch * self.channels * self.plane);
        each(results.iter_mut().enumerate(), parallel, |(c, slot)| *slot = Some(work(c)));
        results.into_iter().flatten().collect()
    }

    /// Calls `work` with the channel, the offset and the values of each plane.
    fn write(&self, maps: &mut [f32], work: impl Fn(usize, usize, &mut [f32]) + Sync + Send) {
        let parallel = pays_to_move(maps.len());
        // The planes of an image are small if there are several images.
        let together = if self.batch > 1 { self.channels } else { 1 };
        each_chunk(maps, together * self.plane, parallel, |n, planes| {
            for (i, plane) in planes.chunks_exact_mut(self.plane).enumerate() {
                let at = n * together + i;
                work(at % self.channels, at * self.plane, plane);
            }
        });
    }

    /// Returns the mean of each channel, followed by the biased variance of each channel.
    pub(crate) fn moments(&self, x: &[f32]) -> Vec<f32> {
        let arch = Arch::new();
        let results = self.each(|c| {
            // Relative to the first value, which keeps small variances of large values accurate.
            let reference = self.stretches(x, c).next().and_then(|p| p.first()).copied().unwrap_or(0.0);
            let sums = self.stretches(x, c).fold([0.0; 2], |all, stretch| {
                let part = arch.dispatch(Moments { x: stretch, reference });
                [all[0] + part[0], all[1] + part[1]]
            });
            let mean = sums[0] / self.count();
            ((f64::from(reference) + mean) as f32, (sums[1] / self.count() - mean * mean).max(0.0) as f32)
        });
        let (mut means, variances): (Vec<f32>, Vec<f32>) = results.into_iter().unzip();
        means.extend(variances);
        means
    }

    /// Returns the inverse standard deviation of a channel.
    fn scale(&self, moments: &[f32], channel: usize) -> f32 {
        1.0 / (moments[self.channels + channel] + self.epsilon).sqrt()
    }

    /// Normalises `x` by these moments.
    pub(crate) fn forward(&self, x: &[f32], gamma: &[f32], beta: &[f32], moments: &[f32]) -> Vec<f32> {
        let arch = Arch::new();
        let mut out = take_buffer(x.len());
        self.write(&mut out, |c, at, out| {
            let factor = gamma[c] * self.scale(moments, c);
            let offset = beta[c] - moments[c] * factor;
            arch.dispatch(Forward { x: &x[at..], out, factor, offset, slope: self.slope });
        });
        out
    }

    /// Replaces the gradient of the output `y` by that of the input `x`, and returns the gradients of gamma and beta. Takes
    /// into account that the moments depend on `x`.
    pub(crate) fn backward(
        &self,
        x: &[f32],
        y: &[f32],
        gradient: &mut [f32],
        gamma: &[f32],
        moments: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let arch = Arch::new();
        let state = |c: usize, at: usize| {
            let [x, y] = [x, y].map(|maps| &maps[at..at + self.plane]);
            PlaneState { x, y, mean: moments[c], scale: self.scale(moments, c), slope: self.slope }
        };
        let sums = self.each(|c| {
            let mut scratch = vec![0.0f32; self.plane.min(STRETCH)];
            (0..self.batch).fold([0.0; 2], |all, n| {
                let at = (n * self.channels + c) * self.plane;
                let gradient = &gradient[at..at + self.plane];
                let part = arch.dispatch(ParameterGradients { state: state(c, at), gradient, scratch: &mut scratch });
                [all[0] + part[0], all[1] + part[1]]
            })
        });
        let count = self.count();
        self.write(gradient, |c, at, gradient| {
            let [beta, gamma_sum] = sums[c].map(|sum| (sum / count) as f32);
            let state = state(c, at);
            arch.dispatch(Backward { state, gradient, factor: gamma[c] * state.scale, beta, gamma: gamma_sum });
        });
        sums.into_iter().map(|[beta, gamma]| (gamma as f32, beta as f32)).unzip()
    }
}
