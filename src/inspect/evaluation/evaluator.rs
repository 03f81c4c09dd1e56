//! [`Evaluator`]: inspects test images one after the other, in bounded time slices.

use std::{collections::HashMap, path::Path, sync::Arc, time::Instant};

use super::{
    cache::{CachedImage, EvaluationCache},
    image::{EvaluatedImage, EvaluatedModel, ExcludedImage},
    pixels::{EvaluatedMap, PixelCounts, PixelTotals},
    results::{Evaluation, EvaluationHeader},
    test_set::{TestItem, TestSet},
};
use crate::{
    data::{BitDepth, FileHash, Label, Picture},
    files::FileError,
    inspect::{
        Calibration, FrozenNetworks, InspectError, InspectionJob, InvertKnobs, Model, Planes, Regions, ScoreKind,
        calibration::WITHOUT_CRITIC,
    },
    time::TimeLeft,
};

/// Interval between writes of the cache, seconds.
const WRITE_EVERY: f64 = 20.0;

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// There are no test images.
    #[error(
        "no test images in {0}: images that the model was trained or calibrated on are excluded; choose data with \
         separate test images"
    )]
    NoImages(String),
    /// No image could be inspected.
    #[error("none of the {count} test images could be inspected; the first failed: {first}")]
    NoneInspected {
        /// Number of images tried.
        count: usize,
        /// The first of them and the reason.
        first: String,
    },
    /// The device failed, or the model is damaged.
    #[error(transparent)]
    Device(InspectError),
    /// The cache cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The image being inspected.
#[derive(Debug)]
struct Current {
    job: InspectionJob,
    mask: Option<Vec<bool>>,
    hash: Option<FileHash>,
}

/// An evaluation in progress, advanced one bounded time slice per call.
#[derive(Debug)]
pub struct Evaluator {
    tests: Arc<TestSet>,
    model: EvaluatedModel,
    knobs: InvertKnobs,
    regions: Regions,
    channels: usize,
    scale: f32,
    /// Bits that the model takes 16-bit samples to use.
    depth: BitDepth,
    calibration: Option<Calibration>,
    score: ScoreKind,
    rate: Option<f64>,
    /// Hash over everything an outcome depends on except the image.
    base: FileHash,
    cache: EvaluationCache,
    images: Vec<EvaluatedImage>,
    totals: Vec<PixelTotals>,
    excluded: Vec<ExcludedImage>,
    /// Indices of the images in the order of inspection.
    order: Vec<usize>,
    next: usize,
    current: Option<Current>,
    /// Images inspected (not cached) and the seconds they took.
    inspected: (usize, f64),
    measured: TimeLeft,
    seconds_left: Option<f64>,
    written: f64,
}

impl Evaluator {
    /// Starts an evaluation of a model. Results are cached in `file`, if given; images cached there are not inspected
    /// again.
    ///
    /// # Errors
    /// [`EvaluateError::NoImages`] when the test set is empty.
    pub fn new(
        model: &Model,
        tests: Arc<TestSet>,
        knobs: InvertKnobs,
        file: Option<&Path>,
    ) -> Result<Self, EvaluateError> {
        if tests.items.is_empty() {
            return Err(EvaluateError::NoImages(tests.data.clone()));
        }
        let info = model.info();
        let calibration = model.calibration(&knobs).cloned();
        let evaluated = EvaluatedModel {
            name: info.name.clone(),
            hash: model.hash(),
            step: info.step,
            data: info.data.clone(),
            recipe: info.recipe.to_toml(),
        };
        let (channels, scale) = (info.recipe.model.channels.count(), info.recipe.data.scale as f32);
        let depth = info.recipe.data.bit_depth;
        let form = match depth.or(tests.bit_depth()) {
            BitDepth::Auto | BitDepth::Sixteen => format!("{channels} {scale}"),
            depth => format!("{channels} {scale} {depth} bits"),
        };
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        let base = [
            env!("CARGO_PKG_VERSION"),
            &evaluated.hash,
            &json(serde_json::to_string(&knobs)),
            &json(serde_json::to_string(&info.regions)),
            &form,
        ];
        // Without a calibration there is no combined score.
        let default_score = if model.networks().critic().is_some() { ScoreKind::Critic } else { WITHOUT_CRITIC };
        let has_masks = tests.has_masks();
        Ok(Self {
            base: FileHash::of(base.join("\n").as_bytes()),
            score: calibration.as_ref().map_or(default_score, |c| c.score),
            rate: model.rate(&knobs),
            regions: info.regions.clone(),
            cache: EvaluationCache::open(file),
            images: Vec::new(),
            totals: if has_masks { EvaluatedMap::ALL.map(PixelTotals::new).into() } else { Vec::new() },
            excluded: tests.excluded.clone(),
            order: interleaved(&tests),
            model: evaluated,
            tests,
            knobs,
            channels,
            scale,
            depth,
            calibration,
            next: 0,
            current: None,
            inspected: (0, 0.0),
            measured: TimeLeft::default(),
            seconds_left: None,
            written: 0.0,
        })
    }

    /// Number of images done, and in total.
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.tests.items.len())
    }

    /// Index of the current image; past the end once all are done.
    fn current_index(&self) -> usize {
        self.order.get(self.next).copied().unwrap_or(self.tests.items.len())
    }

    /// Number of images that had to be inspected because they were not cached.
    pub fn inspected(&self) -> usize {
        self.inspected.0
    }

    /// Estimated remaining time, seconds; `None` until an image was inspected.
    pub fn seconds_left(&self) -> Option<f64> {
        self.seconds_left
    }

    /// Continues with a changed calibration.
    pub fn set_calibration(&mut self, calibration: &Calibration, rate: Option<f64>) {
        self.images.iter_mut().for_each(|e| calibration.fuse(&mut e.scores));
        (self.score, self.rate, self.calibration) = (calibration.score, rate, Some(calibration.clone()));
    }

    /// The test set.
    pub fn tests(&self) -> &Arc<TestSet> {
        &self.tests
    }

    /// Whether all images are done.
    pub fn is_done(&self) -> bool {
        self.next >= self.tests.items.len()
    }

    /// Works for one bounded time slice; returns `true` once all images are done.
    ///
    /// # Errors
    /// [`EvaluateError`] when the device fails, the cache cannot be written, or no image could be inspected. A single
    /// image that cannot be read or inspected is excluded.
    pub fn slice(&mut self, networks: &FrozenNetworks) -> Result<bool, EvaluateError> {
        let began = Instant::now();
        match self.current.take() {
            Some(mut current) => match current.job.slice(networks) {
                Ok(true) => self.finish(current),
                Ok(false) => self.current = Some(current),
                Err(error) => self.exclude_or_fail(error)?,
            },
            None if self.is_done() => {}
            None => self.begin(networks)?,
        }
        self.inspected.1 += began.elapsed().as_secs_f64();
        let ((count, seconds), left) = (self.inspected, self.tests.items.len() - self.next);
        self.seconds_left = self.measured.update(seconds, count as f64, left as f64);
        if self.inspected.1 - self.written > WRITE_EVERY || self.is_done() {
            self.save_cache()?;
        }
        if self.is_done() && self.images.is_empty() {
            let first = self.excluded.last().map(|l| format!("{}: {}", l.name, l.reason)).unwrap_or_default();
            return Err(EvaluateError::NoneInspected { count: self.tests.items.len(), first });
        }
        Ok(self.is_done())
    }

    /// Writes the cache; call it before dropping an unfinished evaluation.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written.
    pub fn save_cache(&mut self) -> Result<(), FileError> {
        self.written = self.inspected.1;
        self.cache.write()
    }

    /// The evaluation of the images done so far.
    pub fn evaluation(&self) -> Evaluation {
        let mut images = self.images.clone();
        images.sort_by_key(|e| e.index);
        let hashes: Vec<u8> = images.iter().flat_map(|e| *e.hash.as_bytes()).collect();
        let totals = self.totals.iter().map(PixelTotals::metrics);
        Evaluation {
            header: EvaluationHeader {
                program: env!("CARGO_PKG_VERSION").into(),
                model: self.model.clone(),
                data: self.tests.data.clone(),
                about: [&self.tests.about[..], &self.reading()[..]].concat(),
                data_hash: FileHash::of(&hashes).to_string(),
                knobs: self.knobs.clone(),
                regions: self.regions.clone(),
            },
            calibration: self.calibration.clone(),
            score: self.score,
            rate: self.rate,
            images,
            // A map that the model does not produce has no pixels.
            pixels: totals.filter(|m| m.healthy + m.defective > 0).collect(),
            excluded: self.excluded.clone(),
        }
    }

    /// Says how the model reads the images, as far as that is not plain.
    fn reading(&self) -> Vec<String> {
        self.tests.reading(self.depth).into_iter().chain(self.tests.unseen_colour(self.channels)).collect()
    }

    /// Excludes the current image, unless the device or the model is at fault.
    fn exclude_or_fail(&mut self, error: InspectError) -> Result<(), EvaluateError> {
        if error.is_fatal() {
            return Err(EvaluateError::Device(error));
        }
        self.exclude(error.to_string());
        self.next += 1;
        Ok(())
    }

    fn exclude(&mut self, reason: String) {
        let name = self.tests.items.get(self.current_index()).map(|item| item.name.clone()).unwrap_or_default();
        self.excluded.push(ExcludedImage { name, reason });
    }

    fn cache_key(&self) -> FileHash {
        let image = self.tests.items.get(self.current_index()).map(|item| item.hash);
        let image = image.map_or([0; 32], |hash| *hash.as_bytes());
        FileHash::of(&[*self.base.as_bytes(), image].concat())
    }

    /// Starts the next image, or takes it from the cache.
    fn begin(&mut self, networks: &FrozenNetworks) -> Result<(), EvaluateError> {
        let tests = Arc::clone(&self.tests);
        let Some(item) = tests.items.get(self.current_index()) else { return Ok(()) };
        let counted = !self.totals.is_empty() && (item.label == Label::Healthy || item.has_mask());
        let mask = match tests.mask(self.current_index()) {
            Ok(mask) => mask.filter(|_| counted),
            Err(error) => {
                self.exclude(format!("{error}; the image is evaluated without its mask"));
                None
            }
        };
        let hash = mask.as_ref().map(|(_, hash)| *hash);
        let wanted = counted && (item.label == Label::Healthy || mask.is_some());
        let known = self.cache.get(&self.cache_key()).filter(|e| !wanted || e.pixels.is_some() && e.mask == hash);
        if let Some(entry) = known.cloned() {
            self.record(&entry, wanted);
            return Ok(());
        }
        let query = match tests.picture(self.current_index()) {
            Ok(picture) => Planes::for_model(&picture.read_at(self.depth), self.channels, self.scale),
            Err(error) => {
                self.exclude(error.to_string());
                self.next += 1;
                return Ok(());
            }
        };
        let query = match query {
            Ok(query) => Arc::new(query),
            Err(error) => return self.exclude_or_fail(error.into()),
        };
        let size = (query.width(), query.height());
        let mask = mask.map(|(mask, _)| scaled_mask(mask, self.scale)).filter(|mask| mask.len() == size.0 * size.1);
        match InspectionJob::new(networks, query, self.knobs.clone(), &self.regions) {
            Ok(job) => self.current = Some(Current { job, mask, hash }),
            Err(error) => self.exclude_or_fail(error)?,
        }
        Ok(())
    }

    fn finish(&mut self, current: Current) {
        let judge = self.calibration.as_ref().zip(self.rate);
        let Some(outcome) = current.job.outcome(judge) else { return };
        let healthy = self.tests.items.get(self.current_index()).is_some_and(|item| item.label == Label::Healthy);
        let counted = !self.totals.is_empty() && (healthy || current.mask.is_some());
        let entry = CachedImage {
            key: self.cache_key(),
            pixels: counted.then(|| PixelCounts::of(&outcome, current.mask.as_deref())),
            mask: current.hash,
            scores: outcome.scores().clone(),
            size: (outcome.query.width(), outcome.query.height()),
            steps: outcome.steps,
            seconds: outcome.seconds as f32,
        };
        self.inspected.0 += 1;
        self.record(&entry, counted);
        self.cache.add(entry);
    }

    /// Adds the current image to the results.
    fn record(&mut self, entry: &CachedImage, counted: bool) {
        let Some(item) = self.tests.items.get(self.current_index()) else { return };
        if counted {
            for counts in entry.pixels.iter().flatten() {
                self.totals.iter_mut().for_each(|totals| totals.add(counts));
            }
        }
        // A cached combined score may come from other weights.
        let mut scores = entry.scores.clone();
        match &self.calibration {
            Some(calibration) => calibration.fuse(&mut scores),
            None => scores.clear_fused(),
        }
        self.images.push(EvaluatedImage {
            index: self.current_index(),
            name: item.name.clone(),
            path: item.path.clone(),
            hash: item.hash,
            label: item.label.clone(),
            size: entry.size,
            scores,
            steps: entry.steps,
            seconds: entry.seconds,
        });
        self.next += 1;
    }
}

/// The indices of a test set with healthy images and every defect type evenly interleaved, so that early metrics are
/// representative.
fn interleaved(tests: &TestSet) -> Vec<usize> {
    let kind = |item: &TestItem| match &item.label {
        Label::Healthy => None,
        Label::Defective(kind) => Some(kind.clone()),
    };
    let mut counts: HashMap<Option<String>, usize> = HashMap::new();
    let ranks: Vec<usize> = tests
        .items
        .iter()
        .map(|item| {
            let count = counts.entry(kind(item)).or_default();
            *count += 1;
            *count - 1
        })
        .collect();
    let share = |i: usize| {
        let all = tests.items.get(i).and_then(|item| counts.get(&kind(item))).copied().unwrap_or(1);
        (ranks.get(i).copied().unwrap_or_default() as f64 + 0.5) / all as f64
    };
    let mut order: Vec<usize> = (0..tests.items.len()).collect();
    order.sort_by(|&a, &b| share(a).total_cmp(&share(b)));
    order
}

/// A mask at the model's scale: pixels covered by at least half, or by any amount if that leaves none.
fn scaled_mask(mask: Picture, scale: f32) -> Vec<bool> {
    let (width, height) = (mask.width(), mask.height());
    let mask = mask.into_grey();
    let lit = |x, y| if mask.unit(x, y, 0) > -1.0 { 1.0 } else { -1.0 };
    let lit: Vec<f32> = (0..width * height).map(|i| lit(i % width, i / width)).collect();
    let Some(lit) = Picture::from_unit(width, height, &lit) else { return Vec::new() };
    let lit = if scale < 1.0 { lit.scaled(scale) } else { lit };
    let above = |least: f32| -> Vec<bool> {
        let (width, height) = (lit.width(), lit.height());
        (0..width * height).map(|i| lit.unit(i % width, i / width, 0) >= least).collect()
    };
    let half = above(0.0);
    if half.contains(&true) { half } else { above(-0.999) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Samples, surface::SurfaceKind};

    #[test]
    fn images_are_interleaved_and_complete() {
        let tests = TestSet::generate(SurfaceKind::Turned, 0, 16, 30, 60);
        let order = interleaved(&tests);
        assert_eq!(order.iter().collect::<std::collections::BTreeSet<_>>().len(), 90);
        for part in order.chunks(15) {
            let healthy = part.iter().filter(|&&i| tests.items[i].label == Label::Healthy).count();
            assert!((4..=6).contains(&healthy), "{healthy} of 15");
        }
    }

    #[test]
    fn masks_are_scaled_with_their_image() {
        let mask = |marks: &[usize]| {
            let bytes = (0..64).map(|i| if marks.contains(&i) { 1 } else { 0 }).collect();
            Picture::new(8, 8, 1, Samples::U8(bytes)).unwrap()
        };
        // Any value other than 0 is defective.
        assert_eq!(scaled_mask(mask(&[9]), 1.0).iter().filter(|m| **m).count(), 1);
        let small = scaled_mask(mask(&[0, 1, 8, 20]), 0.5);
        assert_eq!((small.len(), small[0], small[6]), (16, true, false));
        // A hairline mark does not vanish.
        assert_eq!(scaled_mask(mask(&[20]), 0.5).iter().filter(|m| **m).count(), 1);
    }
}
