//! Batch norm over the channels of maps, and the LeakyReLU after it, each way in two passes over memory.

use pulp::{Arch, Simd, WithSimd};

use super::{
    buffer_pool::fresh,
    layout::MapOrder,
    parallel::{MOVED, each, each_chunk},
};

/// Floats of a plane that are added up before their sum goes on in double precision.
const STRETCH: usize = 1 << 12;

/// How maps `[batch, channels, plane]` lie in memory, and what is done to them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NormLayout {
    pub batch: usize,
    pub channels: usize,
    /// Height times width.
    pub plane: usize,
    /// Added to variances.
    pub epsilon: f32,
    /// LeakyReLU afterwards: what is below 0 is multiplied by this; 1 for none.
    pub slope: f32,
}

/// Sums in sixteen strands, as wide as any vector.
type Strands = [f32; 16];

/// `f` of each place added up, strand by strand.
#[inline(always)]
pub(super) fn sum2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> [f32; 2]) -> [f64; 2] {
    let (mut first, mut second): (Strands, Strands) = ([0.0; 16], [0.0; 16]);
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..16 {
            let [x, y] = f(a[i], b[i]);
            first[i] += x;
            second[i] += y;
        }
    }
    for (i, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        let [x, y] = f(*a, *b);
        first[i] += x;
        second[i] += y;
    }
    [first, second].map(|strands| strands.iter().map(|&v| f64::from(v)).sum())
}

/// `value`, multiplied by `slope` where `decides` is not above 0, as LeakyReLU does; without a branch.
#[inline(always)]
pub(super) fn leaky(value: f32, decides: f32, slope: f32) -> f32 {
    value * if decides > 0.0 { 1.0 } else { slope }
}

// Loops are structs that begin at `with_simd`: a closure of some length is compiled apart, for the oldest machine.

/// A plane's part of its channel's sums, and of their squares, about a value.
struct Moments<'a> {
    x: &'a [f32],
    about: f32,
}

impl WithSimd for Moments<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 2] {
        let about = self.about;
        sum2(self.x, self.x, |v, _| [v - about, (v - about) * (v - about)])
    }
}

/// A plane on its way forwards.
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

/// What a plane's way back goes by: what went in, what came out, and its channel's mean and one over its standard
/// deviation.
#[derive(Clone, Copy)]
struct Came<'a> {
    x: &'a [f32],
    y: &'a [f32],
    mean: f32,
    scale: f32,
    slope: f32,
}

/// A plane's part of the gradients of its channel's beta and gamma.
struct Sums<'a> {
    came: Came<'a>,
    gradient: &'a [f32],
    /// As long as a stretch of the plane.
    through: &'a mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 2] {
        let Came { x, y, mean, scale, slope } = self.came;
        let mut all = [0.0; 2];
        for ((x, y), gradient) in x.chunks(STRETCH).zip(y.chunks(STRETCH)).zip(self.gradient.chunks(STRETCH)) {
            let through = &mut self.through[..x.len()];
            for ((through, y), g) in through.iter_mut().zip(y).zip(gradient) {
                *through = leaky(*g, *y, slope);
            }
            let own = sum2(through, x, |g, x| [g, g * (x - mean) * scale]);
            all = [all[0] + own[0], all[1] + own[1]];
        }
        all
    }
}

/// A plane of gradients: of what came out, and then of what went in.
struct Backward<'a> {
    came: Came<'a>,
    gradient: &'a mut [f32],
    factor: f32,
    /// Gradients of beta and gamma by place.
    beta: f32,
    gamma: f32,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { came: Came { x, y, mean, scale, slope }, gradient, factor, beta, gamma } = self;
        for ((g, x), y) in gradient.iter_mut().zip(x).zip(y) {
            *g = factor * (leaky(*g, *y, slope) - beta - (x - mean) * scale * gamma);
        }
    }
}

impl NormLayout {
    /// The same over maps in this order: by pixels, a channel is one plane.
    pub fn of(self, order: MapOrder) -> Self {
        match order {
            MapOrder::Images => self,
            MapOrder::Pixels => Self { batch: 1, plane: self.batch * self.plane, ..self },
        }
    }

    /// A channel, stretch by stretch.
    fn stretches<'a>(&self, maps: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let planes = maps.chunks_exact(self.plane).skip(channel).step_by(self.channels);
        planes.flat_map(|plane| plane.chunks(STRETCH))
    }

    /// Places that a channel's statistics are over.
    fn count(&self) -> f64 {
        (self.batch * self.plane) as f64
    }

    /// Calls `work` for each channel, on several threads where that is worth it.
    fn each<T: Send>(&self, work: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
        let mut found: Vec<Option<T>> = (0..self.channels).map(|_| None).collect();
        let worth = self.batch * self.channels * self.plane > MOVED;
        each(found.iter_mut().enumerate(), worth, |(c, slot)| *slot = Some(work(c)));
        found.into_iter().flatten().collect()
    }

    /// Calls `work` for each plane, with its channel and its place.
    fn write(&self, maps: &mut [f32], work: impl Fn(usize, usize, &mut [f32]) + Sync + Send) {
        let worth = maps.len() > MOVED;
        // Planes of one image are small, unless there is but one.
        let together = if self.batch > 1 { self.channels } else { 1 };
        each_chunk(maps, together * self.plane, worth, |n, planes| {
            for (i, plane) in planes.chunks_exact_mut(self.plane).enumerate() {
                let at = n * together + i;
                work(at % self.channels, at * self.plane, plane);
            }
        });
    }

    /// Means, then variances (of the batch, not of what it was drawn from), one a channel.
    pub fn moments(&self, x: &[f32]) -> Vec<f32> {
        let arch = Arch::new();
        let found = self.each(|c| {
            // About the first value, which keeps small variances of large values.
            let about = self.stretches(x, c).next().and_then(|p| p.first()).copied().unwrap_or(0.0);
            let sums = self.stretches(x, c).fold([0.0; 2], |all, stretch| {
                let own = arch.dispatch(Moments { x: stretch, about });
                [all[0] + own[0], all[1] + own[1]]
            });
            let mean = sums[0] / self.count();
            ((f64::from(about) + mean) as f32, (sums[1] / self.count() - mean * mean).max(0.0) as f32)
        });
        let (mut means, variances): (Vec<f32>, Vec<f32>) = found.into_iter().unzip();
        means.extend(variances);
        means
    }

    /// One over the standard deviation of a channel.
    fn scale(&self, moments: &[f32], channel: usize) -> f32 {
        1.0 / (moments[self.channels + channel] + self.epsilon).sqrt()
    }

    /// What comes out of `x` under these moments.
    pub fn forward(&self, x: &[f32], gamma: &[f32], beta: &[f32], moments: &[f32]) -> Vec<f32> {
        let arch = Arch::new();
        let mut out = fresh(x.len());
        self.write(&mut out, |c, at, out| {
            let factor = gamma[c] * self.scale(moments, c);
            let offset = beta[c] - moments[c] * factor;
            arch.dispatch(Forward { x: &x[at..], out, factor, offset, slope: self.slope });
        });
        out
    }

    /// Puts the gradient of `x` in place of that of what came out, `y`, and gives those of gamma and beta. The moments
    /// depend on `x`.
    pub fn backward(
        &self,
        x: &[f32],
        y: &[f32],
        gradient: &mut [f32],
        gamma: &[f32],
        moments: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let arch = Arch::new();
        let came = |c: usize, at: usize| {
            let [x, y] = [x, y].map(|maps| &maps[at..at + self.plane]);
            Came { x, y, mean: moments[c], scale: self.scale(moments, c), slope: self.slope }
        };
        let sums = self.each(|c| {
            let mut through = vec![0.0f32; self.plane.min(STRETCH)];
            (0..self.batch).fold([0.0; 2], |all, n| {
                let at = (n * self.channels + c) * self.plane;
                let gradient = &gradient[at..at + self.plane];
                let own = arch.dispatch(Sums { came: came(c, at), gradient, through: &mut through });
                [all[0] + own[0], all[1] + own[1]]
            })
        });
        let count = self.count();
        self.write(gradient, |c, at, gradient| {
            let [beta, gamma_sum] = sums[c].map(|sum| (sum / count) as f32);
            let came = came(c, at);
            arch.dispatch(Backward { came, gradient, factor: gamma[c] * came.scale, beta, gamma: gamma_sum });
        });
        sums.into_iter().map(|[beta, gamma]| (gamma as f32, beta as f32)).unzip()
    }
}
