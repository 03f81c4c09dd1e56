//! Batch norm over the channels of maps, and the LeakyReLU after it, each way in two passes over memory.

use super::threads::{MOVED, each, each_chunk};

/// How maps `[batch, channels, plane]` lie in memory, and what is done to them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Norm {
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

impl Norm {
    fn planes<'a>(&self, maps: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        maps.chunks_exact(self.plane).skip(channel).step_by(self.channels)
    }

    /// Places that a channel's statistics are over.
    fn count(&self) -> f64 {
        (self.batch * self.plane) as f64
    }

    /// Calls `work` for each channel, on several threads where that is worth it.
    fn each<T: Send>(&self, work: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
        let arch = pulp::Arch::new();
        let mut found: Vec<Option<T>> = (0..self.channels).map(|_| None).collect();
        let worth = self.batch * self.channels * self.plane > MOVED;
        each(found.iter_mut().enumerate(), worth, |(c, slot)| *slot = Some(arch.dispatch(|| work(c))));
        found.into_iter().flatten().collect()
    }

    /// Writes every plane of `channels` planes an image, `work` being given the channel and the place of the plane.
    fn write(&self, work: impl Fn(usize, usize, &mut [f32]) + Sync + Send) -> Vec<f32> {
        let arch = pulp::Arch::new();
        let mut out = vec![0.0f32; self.batch * self.channels * self.plane];
        let (image, worth) = (self.channels * self.plane, out.len() > MOVED);
        each_chunk(&mut out, image, worth, |n, planes| {
            arch.dispatch(|| {
                for (c, plane) in planes.chunks_exact_mut(self.plane).enumerate() {
                    work(c, (n * self.channels + c) * self.plane, plane);
                }
            });
        });
        out
    }

    /// Means, then variances (of the batch, not of what it was drawn from), one a channel.
    pub fn moments(&self, x: &[f32]) -> Vec<f32> {
        let found = self.each(|c| {
            // About the first value, which keeps small variances of large values.
            let about = self.planes(x, c).next().and_then(|p| p.first()).copied().unwrap_or(0.0);
            let sums = self.planes(x, c).fold([0.0; 2], |all, plane| {
                let own = sum2(plane, plane, |v, _| [v - about, (v - about) * (v - about)]);
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
        self.write(|c, at, out| {
            let factor = gamma[c] * self.scale(moments, c);
            let offset = beta[c] - moments[c] * factor;
            for (out, v) in out.iter_mut().zip(&x[at..]) {
                let y = v * factor + offset;
                *out = if y > 0.0 { y } else { y * self.slope };
            }
        })
    }

    /// The gradients of `x`, of gamma and of beta from that of what came out, `y`. The moments depend on `x`.
    pub fn backward(
        &self,
        x: &[f32],
        y: &[f32],
        gradient: &[f32],
        gamma: &[f32],
        moments: &[f32],
    ) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let slope = self.slope;
        let sums = self.each(|c| {
            let (mean, scale) = (moments[c], self.scale(moments, c));
            let mut through = vec![0.0f32; self.plane];
            let planes = self.planes(x, c).zip(self.planes(y, c)).zip(self.planes(gradient, c));
            planes.fold([0.0; 2], |all, ((x, y), g)| {
                for ((through, y), g) in through.iter_mut().zip(y).zip(g) {
                    *through = if *y > 0.0 { *g } else { *g * slope };
                }
                let own = sum2(&through, x, |g, x| [g, g * (x - mean) * scale]);
                [all[0] + own[0], all[1] + own[1]]
            })
        });
        let count = self.count();
        let dx = self.write(|c, at, out| {
            let (mean, scale) = (moments[c], self.scale(moments, c));
            let [beta, gamma_sum] = sums[c].map(|sum| (sum / count) as f32);
            let factor = gamma[c] * scale;
            for (((out, x), y), g) in out.iter_mut().zip(&x[at..]).zip(&y[at..]).zip(&gradient[at..]) {
                let through = if *y > 0.0 { *g } else { *g * slope };
                *out = factor * (through - beta - (x - mean) * scale * gamma_sum);
            }
        });
        let (beta, gamma) = sums.into_iter().map(|[beta, gamma]| (beta as f32, gamma as f32)).unzip();
        (dx, gamma, beta)
    }
}
