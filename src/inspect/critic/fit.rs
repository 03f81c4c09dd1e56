//! Fits [`NormalStats`] on healthy images.

use burn::tensor::Device;

use super::{
    frame_critic::FrameCritic,
    map::{CriticMap, MapKind, POOLINGS, SQUARES},
    stats::{MeanSpread, NormalStats, ring, stats_by_ring},
    texture::{TextureBank, TextureGrid},
    tta::TestTimeAugmentation,
};
use crate::{
    data::{ExposureRange, Illumination},
    inspect::{
        Planes,
        scores::statistics::{inverse_cholesky, moments},
    },
    model::{
        FrozenCritic,
        weights::{WeightError, host_finite},
    },
};

/// Ridge added to the covariance's diagonal, as a share of the mean variance.
const RIDGE: f64 = 0.02;
/// Most cells sampled from one image for the covariance.
const SAMPLES: usize = 1_024;

/// Fits a critic's statistics in two passes over healthy training images, one image per call.
#[derive(Clone, Debug)]
pub struct StatsFitter {
    critic: FrameCritic,
    images: usize,
    added: usize,
    /// Sum of the features, sum of their outer products, and the number of samples.
    sum: Vec<f64>,
    products: Vec<f64>,
    count: f64,
    maps: Vec<CriticMap>,
    textures: Vec<TextureGrid>,
    illuminations: Vec<Illumination>,
}

impl StatsFitter {
    /// A fitter for this many images.
    pub fn new(net: FrozenCritic, tta: TestTimeAugmentation, images: usize, device: &Device) -> Self {
        let width = net.width();
        Self {
            critic: FrameCritic::new(net, tta, NormalStats::default(), device),
            images,
            added: 0,
            sum: vec![0.0; width],
            products: vec![0.0; width * width],
            count: 0.0,
            maps: Vec::new(),
            textures: Vec::new(),
            illuminations: Vec::new(),
        }
    }

    /// Calls of [`StatsFitter::add`] still to make: two passes over all images.
    pub fn remaining(&self) -> usize {
        2 * self.images - self.added
    }

    /// Index of the image to add next.
    pub fn next_index(&self) -> usize {
        self.added % self.images.max(1)
    }

    /// Adds the next image.
    ///
    /// # Errors
    /// When the values cannot be read from the device.
    pub fn add(&mut self, frame: &Planes) -> Result<(), WeightError> {
        if self.added < self.images {
            let mut all: Vec<f32> = Vec::new();
            let illumination = self.critic.illumination(frame);
            // A critic of an earlier version keeps its maps.
            if self.critic.net.heads() > 1 {
                self.textures.push(TextureGrid::of(frame, illumination));
            }
            self.illuminations.extend(illumination);
            // Without shifted views: their repeated border is not part of any map.
            for view in (TestTimeAugmentation { shifted: false, ..self.critic.tta }).views() {
                self.critic.for_each_band(&view.apply(frame), illumination, |_, features| {
                    all.extend(host_finite(features, "the critic's features")?.1);
                    Ok(())
                })?;
            }
            let width = self.sum.len();
            let rows = all.len() / width;
            // Evenly spread for any frame size; an odd stride varies the column.
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
            self.maps.push(self.critic.raw_map(frame)?);
        }
        self.added += 1;
        if self.added == self.images {
            let (mean, whiten) = self.whitening();
            let stats = NormalStats { mean, whiten, ..NormalStats::default() };
            self.critic = FrameCritic::new(self.critic.net.clone(), self.critic.tta, stats, &self.critic.device);
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
        let whiten = inverse_cholesky(&covariance, width);
        (mean.into_iter().map(|v| v as f32).collect(), whiten.into_iter().map(|v| v as f32).collect())
    }

    /// The critic with the fitted statistics.
    pub fn finish(mut self) -> FrameCritic {
        let mut stats = self.critic.stats;
        stats.exposures = ExposureRange::of(self.illuminations);
        stats.texture = TextureBank::of(&self.textures);
        if stats.texture.is_some() {
            let cells: Vec<[usize; 2]> = self.maps.iter().map(CriticMap::cells).collect();
            let textures = TextureBank::maps_among(&self.textures, &cells);
            self.maps.iter_mut().zip(textures).for_each(|(map, texture)| map.texture = texture);
        }
        let has_lines = self.critic.net.heads() > 1;
        let has_texture = stats.texture.is_some();
        let kinds = || {
            MapKind::ALL.into_iter().filter(|kind| match kind {
                MapKind::Logit | MapKind::Distance => true,
                MapKind::Line => has_lines,
                MapKind::Texture => has_texture,
            })
        };
        // Those of earlier versions for a critic of theirs.
        let poolings = if has_lines { POOLINGS.len() } else { SQUARES };
        for kind in kinds() {
            let cells = self.maps.iter().flat_map(|map| {
                let [w, h] = map.cells();
                map.values(kind).iter().enumerate().map(move |(i, v)| (ring(i, w, h), *v))
            });
            stats.rings[kind as usize] = stats_by_ring(cells);
        }
        let maps: Vec<CriticMap> = self.maps.into_iter().map(|map| stats.standardise(map)).collect();
        for kind in kinds() {
            let mut peaks = vec![Vec::new(); poolings];
            for map in &maps {
                for (all, peak) in peaks.iter_mut().zip(map.peaks(kind, poolings, None)) {
                    all.push(f64::from(peak));
                }
            }
            let (mean, spread) =
                peaks.iter().map(|all| moments(all)).map(|(c, s)| (c as f32, s.max(0.1) as f32)).unzip();
            stats.peaks[kind as usize] = MeanSpread { mean, spread };
        }
        FrameCritic::new(self.critic.net, self.critic.tta, stats, &self.critic.device)
    }
}
