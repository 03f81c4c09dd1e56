//! Inspecting test images, one after the other.

use std::{collections::HashMap, path::Path, sync::Arc, time::Instant};

use super::{
    EvaluatedMap, Evaluation, Examined, LeftOut, Tested,
    cache::{CachedImage, EvaluationCache},
    pixels::{PixelCounts, PixelTotals},
    test_set::{TestItem, TestSet},
};
use crate::{
    data::{FileHash, Label, Picture},
    files::FileError,
    inspect::{
        Calibration, InvertKnobs, Model, Planes, Regions, ScoreKind,
        calibration::calibrator::WITHOUT_CRITIC,
        job::{InspectError, InspectionJob, Outcome},
        latent::inversion::FrozenNetworks,
    },
};

/// What is finished is written this often, seconds.
const WRITE_EVERY: f64 = 20.0;

/// What ends a test.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// There is nothing to test on.
    #[error(
        "there is no image to test with in {0}: those that the model was trained or calibrated on do not count; \
         choose data with images of its own for testing"
    )]
    NoImages(String),
    /// Every image was left out.
    #[error("none of the {count} test images could be inspected; the first is {first}")]
    NoneInspected {
        /// Images tried.
        count: usize,
        /// The first of them, and why not.
        first: String,
    },
    /// The device broke down.
    #[error(transparent)]
    Device(InspectError),
    /// What was finished cannot be kept.
    #[error(transparent)]
    File(#[from] FileError),
}

/// An image on its way.
#[derive(Debug)]
struct Current {
    job: InspectionJob,
    mask: Option<Vec<bool>>,
    hash: Option<FileHash>,
}

/// A test in the making, advanced a bounded slice at a time.
#[derive(Debug)]
pub struct Evaluator {
    tests: Arc<TestSet>,
    model: Tested,
    knobs: InvertKnobs,
    regions: Regions,
    channels: usize,
    scale: f32,
    calibration: Option<Calibration>,
    score: ScoreKind,
    rate: Option<f64>,
    /// Hash over everything but the image that an outcome depends on.
    base: FileHash,
    kept: EvaluationCache,
    examined: Vec<Examined>,
    totals: Vec<PixelTotals>,
    left_out: Vec<LeftOut>,
    /// Places of the images in the order that they are inspected.
    order: Vec<usize>,
    next: usize,
    current: Option<Current>,
    /// Images inspected by this job, and the seconds that they took.
    worked: (usize, f64),
    written: f64,
}

impl Evaluator {
    /// A test of a model. What is finished is kept in `file`, if one is given, and what it holds already is not
    /// inspected again.
    ///
    /// # Errors
    /// [`EvaluateError::NoImages`] when there is nothing to test on.
    pub fn new(
        model: &Model,
        tests: Arc<TestSet>,
        knobs: InvertKnobs,
        file: Option<&Path>,
    ) -> Result<Self, EvaluateError> {
        if tests.items.is_empty() {
            return Err(EvaluateError::NoImages(tests.data.clone()));
        }
        let about = model.about();
        let calibration = model.calibration(&knobs).cloned();
        let tested = Tested {
            name: about.name.clone(),
            hash: model.hash(),
            step: about.step,
            data: about.data.clone(),
            recipe: about.recipe.to_toml(),
        };
        let (channels, scale) = (about.recipe.model.channels, about.recipe.data.scale as f32);
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        let base = [
            env!("CARGO_PKG_VERSION"),
            &tested.hash,
            &json(serde_json::to_string(&knobs)),
            &json(serde_json::to_string(&about.regions)),
            &format!("{channels} {scale}"),
        ];
        // Without a calibration nothing is fused.
        let alone = if model.networks().critic().is_some() { ScoreKind::Critic } else { WITHOUT_CRITIC };
        let masks = tests.has_masks();
        Ok(Self {
            base: FileHash::of(base.join("\n").as_bytes()),
            score: calibration.as_ref().map_or(alone, |c| c.score),
            rate: model.rate(&knobs),
            regions: about.regions.clone(),
            kept: EvaluationCache::open(file),
            examined: Vec::new(),
            totals: if masks { EvaluatedMap::ALL.map(PixelTotals::new).into() } else { Vec::new() },
            left_out: tests.left_out.clone(),
            order: mixed(&tests),
            model: tested,
            tests,
            knobs,
            channels,
            scale,
            calibration,
            next: 0,
            current: None,
            worked: (0, 0.0),
            written: 0.0,
        })
    }

    /// Images done, and in all.
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.tests.items.len())
    }

    /// The place of the image in hand; past the end once all are done.
    fn at(&self) -> usize {
        self.order.get(self.next).copied().unwrap_or(self.tests.items.len())
    }

    /// Images that had to be inspected: the others were known.
    pub fn inspected(&self) -> usize {
        self.worked.0
    }

    /// Seconds that the rest will take; `None` until an image was inspected.
    pub fn seconds_left(&self) -> Option<f64> {
        let (count, seconds) = self.worked;
        let left = self.tests.items.len() - self.next;
        (count > 0).then(|| seconds / count as f64 * left as f64)
    }

    /// Goes on with a calibration that was changed meanwhile.
    pub fn judge_by(&mut self, calibration: &Calibration, rate: Option<f64>) {
        self.examined.iter_mut().for_each(|e| calibration.fuse(&mut e.scores));
        (self.score, self.rate, self.calibration) = (calibration.score, rate, Some(calibration.clone()));
    }

    /// The images that it tests with.
    pub fn tests(&self) -> &Arc<TestSet> {
        &self.tests
    }

    /// Whether all images are done.
    pub fn is_done(&self) -> bool {
        self.next >= self.tests.items.len()
    }

    /// A bounded piece of the work; `true` once all images are done.
    ///
    /// # Errors
    /// [`EvaluateError`] when the device fails, what is finished cannot be kept, or no image at all could be
    /// inspected. An image that cannot be read or inspected is left out.
    pub fn slice(&mut self, networks: &FrozenNetworks) -> Result<bool, EvaluateError> {
        let began = Instant::now();
        match self.current.take() {
            Some(mut current) => match current.job.slice(networks) {
                Ok(true) => self.finish(current),
                Ok(false) => self.current = Some(current),
                Err(error) => self.refuse(error)?,
            },
            None if self.is_done() => {}
            None => self.begin(networks)?,
        }
        self.worked.1 += began.elapsed().as_secs_f64();
        if self.worked.1 - self.written > WRITE_EVERY || self.is_done() {
            self.keep()?;
        }
        if self.is_done() && self.examined.is_empty() {
            let first = self.left_out.last().map(|l| format!("{}: {}", l.name, l.reason)).unwrap_or_default();
            return Err(EvaluateError::NoneInspected { count: self.tests.items.len(), first });
        }
        Ok(self.is_done())
    }

    /// Writes what is finished to the file that was given: before a job is given up.
    ///
    /// # Errors
    /// [`FileError`] where it cannot be written.
    pub fn keep(&mut self) -> Result<(), FileError> {
        self.written = self.worked.1;
        self.kept.write()
    }

    /// What came of it so far.
    pub fn evaluation(&self) -> Evaluation {
        let mut examined = self.examined.clone();
        examined.sort_by_key(|e| e.index);
        let hashes: Vec<u8> = examined.iter().flat_map(|e| *e.hash.as_bytes()).collect();
        let totals = self.totals.iter().map(PixelTotals::figures);
        Evaluation {
            program: env!("CARGO_PKG_VERSION").into(),
            model: self.model.clone(),
            data: self.tests.data.clone(),
            about: self.tests.about.clone(),
            data_hash: FileHash::of(&hashes).to_string(),
            knobs: self.knobs.clone(),
            regions: self.regions.clone(),
            calibration: self.calibration.clone(),
            score: self.score,
            rate: self.rate,
            examined,
            // A map that the model does not draw has no pixels.
            pixels: totals.filter(|f| f.healthy + f.defective > 0).collect(),
            left_out: self.left_out.clone(),
        }
    }

    /// Leaves the image in hand out, unless it is the device that failed.
    fn refuse(&mut self, error: InspectError) -> Result<(), EvaluateError> {
        if matches!(error, InspectError::Device(_)) {
            return Err(EvaluateError::Device(error));
        }
        self.leave_out(error.to_string());
        self.next += 1;
        Ok(())
    }

    fn leave_out(&mut self, reason: String) {
        let name = self.tests.items.get(self.at()).map(|item| item.name.clone()).unwrap_or_default();
        self.left_out.push(LeftOut { name, reason });
    }

    fn key(&self) -> FileHash {
        let image = self.tests.items.get(self.at()).map(|item| item.hash);
        let image = image.map_or([0; 32], |hash| *hash.as_bytes());
        FileHash::of(&[*self.base.as_bytes(), image].concat())
    }

    /// Takes up the next image, or what is known of it.
    fn begin(&mut self, networks: &FrozenNetworks) -> Result<(), EvaluateError> {
        let tests = Arc::clone(&self.tests);
        let Some(item) = tests.items.get(self.at()) else { return Ok(()) };
        let counted = !self.totals.is_empty() && (item.label == Label::Healthy || item.has_mask());
        let mask = match tests.mask(self.at()) {
            Ok(mask) => mask.filter(|_| counted),
            Err(error) => {
                self.leave_out(format!("{error}; the image is tested without its mask"));
                None
            }
        };
        let hash = mask.as_ref().map(|(_, hash)| *hash);
        let wanted = counted && (item.label == Label::Healthy || mask.is_some());
        let known = self.kept.get(&self.key()).filter(|e| !wanted || e.pixels.is_some() && e.mask == hash);
        if let Some(entry) = known.cloned() {
            self.take(&entry, wanted);
            return Ok(());
        }
        let query = match tests.picture(self.at()) {
            Ok(picture) => Arc::new(Planes::of(&picture, self.channels, self.scale)),
            Err(error) => {
                self.leave_out(error.to_string());
                self.next += 1;
                return Ok(());
            }
        };
        let size = (query.width(), query.height());
        let mask = mask.map(|(mask, _)| marked(mask, self.scale)).filter(|mask| mask.len() == size.0 * size.1);
        match InspectionJob::new(networks, query, self.knobs.clone(), &self.regions) {
            Ok(job) => self.current = Some(Current { job, mask, hash }),
            Err(error) => self.refuse(error)?,
        }
        Ok(())
    }

    fn finish(&mut self, current: Current) {
        let judge = self.calibration.as_ref().zip(self.rate);
        let Some(outcome) = current.job.outcome(judge) else { return };
        let healthy = self.tests.items.get(self.at()).is_some_and(|item| item.label == Label::Healthy);
        let counted = !self.totals.is_empty() && (healthy || current.mask.is_some());
        let entry = CachedImage {
            key: self.key(),
            pixels: counted.then(|| PixelCounts::of(&outcome, current.mask.as_deref())),
            mask: current.hash,
            scores: outcome.scores,
            size: (outcome.query.width(), outcome.query.height()),
            steps: outcome.steps,
            seconds: outcome.seconds as f32,
        };
        self.worked.0 += 1;
        self.take(&entry, counted);
        self.kept.add(entry);
    }

    /// Adds the image in hand to what came of the test.
    fn take(&mut self, entry: &CachedImage, counted: bool) {
        let Some(item) = self.tests.items.get(self.at()) else { return };
        if counted {
            for counts in entry.pixels.iter().flatten() {
                self.totals.iter_mut().for_each(|totals| totals.add(counts));
            }
        }
        // What is known was perhaps fused by other weights, or by none.
        let mut scores = entry.scores.clone();
        match &self.calibration {
            Some(calibration) => calibration.fuse(&mut scores),
            None => scores.set(ScoreKind::Fused, 0.0),
        }
        self.examined.push(Examined {
            index: self.at(),
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

/// Inspects one test image as a test of this model does, for its pictures.
///
/// # Errors
/// A sentence, when it cannot be read or inspected.
pub fn inspect_again(model: &Model, tests: &TestSet, index: usize, knobs: &InvertKnobs) -> Result<Outcome, String> {
    let mut job = job_again(model, tests, index, knobs)?;
    while !job.slice(model.networks()).map_err(|e| e.to_string())? {}
    outcome_again(model, &job)
}

/// The same, to be advanced a bounded slice at a time.
///
/// # Errors
/// The same.
pub fn job_again(model: &Model, tests: &TestSet, index: usize, knobs: &InvertKnobs) -> Result<InspectionJob, String> {
    let picture = tests.picture(index).map_err(|e| e.to_string())?;
    model.begin(&picture, knobs.clone()).map_err(|e| e.to_string())
}

/// What came of [`job_again`] once it is done.
///
/// # Errors
/// A sentence, when it is not.
pub fn outcome_again(model: &Model, job: &InspectionJob) -> Result<Outcome, String> {
    model.judge(job).ok_or_else(|| "the inspection ended without an outcome".into())
}

/// Every place of a test set, healthy images and each kind of defect spread evenly: early figures then speak of
/// all of them.
fn mixed(tests: &TestSet) -> Vec<usize> {
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

/// A mask at the scale that a model sees: what is covered at least half, or at all where that leaves nothing.
fn marked(mask: Picture, scale: f32) -> Vec<bool> {
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
    fn images_come_mixed_and_each_comes_once() {
        let tests = TestSet::drawn(SurfaceKind::Turned, 0, 16, 30, 60);
        let order = mixed(&tests);
        assert_eq!(order.iter().collect::<std::collections::BTreeSet<_>>().len(), 90);
        for part in order.chunks(15) {
            let healthy = part.iter().filter(|&&i| tests.items[i].label == Label::Healthy).count();
            assert!((4..=6).contains(&healthy), "{healthy} of 15");
        }
    }

    #[test]
    fn a_mask_is_made_smaller_with_its_image() {
        let mask = |marks: &[usize]| {
            let bytes = (0..64).map(|i| if marks.contains(&i) { 1 } else { 0 }).collect();
            Picture::new(8, 8, 1, Samples::U8(bytes)).unwrap()
        };
        // Whatever is not 0 is defective.
        assert_eq!(marked(mask(&[9]), 1.0).iter().filter(|m| **m).count(), 1);
        let small = marked(mask(&[0, 1, 8, 20]), 0.5);
        assert_eq!((small.len(), small[0], small[6]), (16, true, false));
        // A hairline does not vanish.
        assert_eq!(marked(mask(&[20]), 0.5).iter().filter(|m| **m).count(), 1);
    }
}
