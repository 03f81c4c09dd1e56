//! How a critic gets used to healthy images.

use burn::tensor::Device;

use super::{
    CriticMap, FrameCritic, Kind, NormalStats, SMOOTHINGS, TestTimeAugmentation,
    stats::{Levels, levels_by_ring, ring},
};
use crate::{
    inspect::{
        planes::Planes,
        scores::statistics::{inverse_of_root, moments},
    },
    model::{
        FrozenCritic,
        weights::{WeightError, host},
    },
};

/// Share of its mean variance that is added to every direction of the features.
const RIDGE: f64 = 0.02;
/// Cells of one image that the features' covariance is measured on, at most.
const SAMPLES: usize = 1_024;

/// Shows healthy training images to a critic, twice, one image a call.
#[derive(Clone, Debug)]
pub struct StatsFitter {
    critic: FrameCritic,
    images: usize,
    seen: usize,
    /// Sums of the features, of their products, and how many.
    sum: Vec<f64>,
    products: Vec<f64>,
    count: f64,
    maps: Vec<CriticMap>,
}

impl StatsFitter {
    /// For so many images.
    pub fn new(net: FrozenCritic, sight: TestTimeAugmentation, images: usize, device: &Device) -> Self {
        let width = net.width();
        Self {
            critic: FrameCritic::new(net, sight, NormalStats::default(), device),
            images,
            seen: 0,
            sum: vec![0.0; width],
            products: vec![0.0; width * width],
            count: 0.0,
            maps: Vec::new(),
        }
    }

    /// How often an image is still to be shown: all of them once, then all of them again.
    pub fn left(&self) -> usize {
        2 * self.images - self.seen
    }

    /// Which of the images comes next.
    pub fn next(&self) -> usize {
        self.seen % self.images.max(1)
    }

    /// Shows it the next image.
    ///
    /// # Errors
    /// When the device does not hand the values over.
    pub fn show(&mut self, frame: &Planes) -> Result<(), WeightError> {
        if self.seen < self.images {
            let mut all: Vec<f32> = Vec::new();
            let light = self.critic.light(frame);
            // Where a frame was moved, its edge repeats, which no cell of a map is made of.
            for view in (TestTimeAugmentation { moved: false, ..self.critic.sight }).views() {
                self.critic.bands(&view.of(frame), light, |_, features| {
                    all.extend(host(features)?.1);
                    Ok(())
                })?;
            }
            let width = self.sum.len();
            let rows = all.len() / width;
            // Evenly spread, whatever the size of the frame; an odd stride wanders over the columns.
            let stride = (rows / SAMPLES).max(1) | 1;
            for row in all.chunks_exact(width).step_by(stride) {
                self.count += 1.0;
                for (i, &a) in row.iter().enumerate() {
                    self.sum[i] += f64::from(a);
                    let own = &mut self.products[i * width..(i + 1) * width];
                    own.iter_mut().zip(row).for_each(|(sum, &b)| *sum += f64::from(a) * f64::from(b));
                }
            }
        } else {
            self.maps.push(self.critic.raw(frame)?);
        }
        self.seen += 1;
        if self.seen == self.images {
            let (mean, whiten) = self.whitening();
            let usual = NormalStats { mean, whiten, ..NormalStats::default() };
            self.critic = FrameCritic::new(self.critic.net.clone(), self.critic.sight, usual, &self.critic.device);
        }
        Ok(())
    }

    fn whitening(&self) -> (Vec<f32>, Vec<f32>) {
        let n = self.count.max(1.0);
        let mean: Vec<f64> = self.sum.iter().map(|s| s / n).collect();
        let width = mean.len();
        let mut covariance = vec![0.0; width * width];
        for (i, value) in covariance.iter_mut().enumerate() {
            let (a, b) = (i / width, i % width);
            *value = self.products[i] / n - mean[a] * mean[b];
        }
        let ridge = RIDGE * (0..width).map(|i| covariance[i * width + i]).sum::<f64>() / width as f64 + 1e-9;
        (0..width).for_each(|i| covariance[i * width + i] += ridge);
        let whiten = inverse_of_root(&covariance, width);
        (mean.into_iter().map(|v| v as f32).collect(), whiten.into_iter().map(|v| v as f32).collect())
    }

    /// The critic, used to what it was shown.
    pub fn finish(self) -> FrameCritic {
        let mut usual = self.critic.usual;
        for kind in [Kind::Logit, Kind::Distance] {
            let cells = self.maps.iter().flat_map(|look| {
                let [w, h] = look.cells();
                look.map(kind).iter().enumerate().map(move |(i, v)| (ring(i, w, h), *v))
            });
            usual.rings[kind as usize] = levels_by_ring(cells);
        }
        let looks: Vec<CriticMap> = self.maps.into_iter().map(|look| usual.standardised(look)).collect();
        for kind in [Kind::Logit, Kind::Distance] {
            let mut peaks = vec![Vec::new(); SMOOTHINGS.len()];
            for look in &looks {
                for (all, peak) in peaks.iter_mut().zip(look.peaks(kind, None)) {
                    all.push(f64::from(peak));
                }
            }
            let (centre, spread) =
                peaks.iter().map(|all| moments(all)).map(|(c, s)| (c as f32, s.max(0.1) as f32)).unzip();
            usual.peaks[kind as usize] = Levels { centre, spread };
        }
        FrameCritic::new(self.critic.net, self.critic.sight, usual, &self.critic.device)
    }
}
