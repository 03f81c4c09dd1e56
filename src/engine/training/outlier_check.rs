//! Looks for healthy images that look defective, part-way through the critic's training, and leaves them out.

use std::{collections::HashSet, vec};

use burn::tensor::Device;

use super::build_inputs::BuildError;
use crate::{
    data::{FileHash, Opened},
    inspect::{
        HealthyUse, ModelInfo, OutlierReport, Planes, ScoredImage,
        critic::{FrameCritic, NormalStats, TestTimeAugmentation},
        lineage::Role,
    },
    model::{Critic, FrozenCritic},
    train::{Recipe, critic::statistics_split},
};

/// The share of the critic's steps after which the images are checked: it finds damage by then, and has most of its steps,
/// the last and finest ones, left without those images.
const CHECK_AT: f64 = 0.4;

/// Most pixels of the images that are checked, of those that the critic is trained on and of the others each: about
/// 1,000 images of 512 by 512 pixels, which take some ten seconds on two cores.
const MAX_PIXELS: u64 = 250_000_000;

/// Times that a step of the critic takes per pixel as long as the check does: it computes gradients too.
const SLOWER_STEPS: u64 = 6;

/// The healthy images that a model is built from, by their index in the store, in its order.
#[derive(Clone, Debug)]
pub(crate) struct HealthyImages {
    /// All training images.
    pub(crate) training: Vec<usize>,
    /// Those that the critic is trained on.
    pub(crate) trained: Vec<usize>,
    /// Those that the normal statistics are fitted on.
    pub(crate) reserved: Vec<usize>,
    pub(crate) held_out: Vec<usize>,
}

impl HealthyImages {
    /// The images of a model that have not been left out.
    pub(crate) fn of(opened: &Opened, about: &ModelInfo) -> Self {
        let split = about.used_split();
        let training = opened.training_indices(&split);
        let (trained, reserved) = statistics_split(&training);
        Self { training, trained, reserved, held_out: opened.held_out_indices(&split) }
    }

    /// Keeps the images whose index fulfils a condition.
    pub(crate) fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        for images in [&mut self.training, &mut self.trained, &mut self.reserved, &mut self.held_out] {
            images.retain(|&image| keep(image));
        }
    }
}

/// The check of the healthy images of one build, one image per call.
#[derive(Debug)]
pub(crate) struct OutlierCheck {
    /// The critic's step at which it begins; `None` when it is over, or not wanted.
    due: Option<u64>,
    queue: vec::IntoIter<(usize, HealthyUse)>,
    /// Steps of the critic that take about as long as the check, and the number of images that are scored in it.
    steps: u64,
    scores: usize,
    /// Number of images, including those that are not scored.
    images: usize,
    /// The critic as it was when the check began.
    critic: Option<FrameCritic>,
    scored: Vec<ScoredImage>,
}

impl OutlierCheck {
    /// A check of these images during a training of the critic of `steps` steps. Images that reviewers judged healthy are
    /// not checked: they are healthy however they look.
    pub(crate) fn new(about: &ModelInfo, opened: &Opened, healthy: &HealthyImages, steps: u64) -> Self {
        let due = (about.recipe.critic.drop_outliers && steps > 0).then(|| (CHECK_AT * steps as f64).ceil() as u64);
        let judged: HashSet<FileHash> = about
            .lineage
            .iter()
            .flat_map(|lineage| &lineage.parts)
            .filter(|part| matches!(part.role, Role::Train | Role::Calibrate | Role::Restore))
            .map(|part| part.hash)
            .collect();
        let is_open =
            |image: &&usize| opened.dataset.items.get(**image).is_some_and(|item| !judged.contains(&item.hash));
        let trained: HashSet<usize> = healthy.trained.iter().copied().collect();
        let of = |images: &[usize], purpose| -> Vec<(usize, HealthyUse)> {
            images.iter().filter(is_open).map(|&image| (image, purpose)).collect()
        };
        let seen = of(&healthy.trained, HealthyUse::Training);
        let mut unseen = of(&healthy.held_out, HealthyUse::HeldOut);
        // With few images, the statistics are fitted on those that the critic is trained on.
        let reserved = of(&healthy.reserved, HealthyUse::Statistics);
        unseen.extend(reserved.into_iter().filter(|(image, _)| !trained.contains(image)));
        let images = seen.len() + unseen.len();
        let queue: Vec<_> = [seen, unseen].into_iter().flat_map(|group| within(group, opened)).collect();
        let critic = &about.recipe.critic;
        let pixels = due.map_or(0, |_| queue.iter().map(|(image, _)| pixels(*image, opened)).sum::<u64>());
        let step = SLOWER_STEPS * (critic.batch * critic.crop * critic.crop) as u64;
        let scores = queue.len();
        let steps = pixels.div_ceil(step.max(1));
        Self { due, queue: queue.into_iter(), steps, scores, images, critic: None, scored: Vec::new() }
    }

    /// What is done and the whole of it, as steps of the critic that take about as long.
    pub(crate) fn progress(&self) -> (u64, u64) {
        let done = self.steps as f64 * (self.scores - self.queue.len()) as f64 / self.scores.max(1) as f64;
        (done as u64, self.steps)
    }

    /// Whether there is an image to score, or the scores are to be judged, after so many steps of the critic.
    pub(crate) fn is_due(&self, steps: u64) -> bool {
        self.due.is_some_and(|due| steps >= due)
    }

    /// Scores the next image; returns the report once all are scored. `critic` is the critic as trained so far.
    pub(crate) fn advance(
        &mut self,
        critic: &Critic,
        opened: &Opened,
        recipe: &Recipe,
        device: &Device,
    ) -> Result<Option<OutlierReport>, BuildError> {
        let Some((image, purpose)) = self.queue.next() else {
            (self.due, self.critic) = (None, None);
            return Ok(Some(OutlierReport::of(std::mem::take(&mut self.scored), self.images)));
        };
        let critic = self.critic.get_or_insert_with(|| {
            // A single view, and no normal statistics yet.
            let tta = TestTimeAugmentation { mirrored: [false; 2], shifted: false, ..TestTimeAugmentation::of(recipe) };
            FrameCritic::new(FrozenCritic::new(critic), tta, NormalStats::default(), device)
        });
        let frame = Planes::of(&*opened.store.get(image)?, recipe.model.channels.count(), recipe.data.scale as f32);
        let score = critic.map(&frame)?.logits().into_iter().fold(f32::NEG_INFINITY, f32::max);
        let item = opened.dataset.items.get(image);
        self.scored.extend(item.map(|i| ScoredImage::new(i.path.clone(), i.hash, purpose, f64::from(score))));
        Ok(None)
    }
}

/// Number of pixels of an image.
fn pixels(image: usize, opened: &Opened) -> u64 {
    opened.store.size(image).map_or(0, |(width, height)| width as u64 * height as u64)
}

/// An evenly spaced part of these images with at most [`MAX_PIXELS`] pixels in all; all of them if they have no more.
fn within(images: Vec<(usize, HealthyUse)>, opened: &Opened) -> Vec<(usize, HealthyUse)> {
    let total: u64 = images.iter().map(|(image, _)| pixels(*image, opened)).sum();
    if total <= MAX_PIXELS {
        return images;
    }
    let take = (images.len() as f64 * MAX_PIXELS as f64 / total as f64) as usize;
    (0..take).map(|i| images[i * images.len() / take]).collect()
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use image::GrayImage;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::{
        super::{
            build_inputs::{BaseParts, RunNetworks},
            model_builder::ModelBuilder,
        },
        *,
    };
    use crate::{
        data::{DataSource, DatasetImage, Samples, surface, surface::SurfaceKind},
        inspect::{InvertKnobs, LabelledPart, Lineage, Model},
        model::{Discriminator, Generator},
    };

    const SIDE: usize = 48;

    /// A folder of `n` images of which these show damage.
    fn folder(path: &Path, n: usize, bad: &[usize]) -> Opened {
        for i in 0..n {
            let picture = surface::draw(SurfaceKind::Turned, None, 9, i as u64, SIDE).picture;
            let Samples::U8(pixels) = picture.samples() else { panic!("8 bits") };
            let mut pixels = pixels.clone();
            // Not named after what they show: names can be labels.
            let name = format!("part {i:02}.png");
            if bad.contains(&i) {
                let (left, top) = (4 + i % 20, 6 + i % 17);
                let rows = (top..top + 20).map(|y| y * SIDE + left);
                rows.for_each(|start| pixels[start..start + 16].fill(if i % 2 == 0 { 255 } else { 0 }));
            }
            GrayImage::from_raw(SIDE as u32, SIDE as u32, pixels).unwrap().save(path.join(name)).unwrap();
        }
        DataSource::Folder(path.to_owned()).open(&|_, _| true).unwrap()
    }

    fn about(opened: &Opened, knobs: &[&str]) -> ModelInfo {
        let mut recipe = Recipe::default();
        let small = ["model.size=32", "model.latent_size=8", "encoder.steps=0", "critic.batch=8", "critic.crop=32"];
        for knob in small.iter().chain(knobs) {
            recipe.assign(knob).unwrap();
        }
        let split = opened.split(0.3, 1).unwrap();
        ModelInfo::new("small".into(), recipe.decided(&opened.dataset), 0, "parts".into(), split)
    }

    /// Builds a model with random G and D.
    fn build(opened: &Opened, about: ModelInfo, path: &Path) -> Model {
        let (device, mut rng) = (Device::flex(), ChaCha8Rng::seed_from_u64(4));
        let ema = Generator::new(&about.recipe.model, &mut rng, &device);
        let d = Discriminator::new(&about.recipe.model, &mut rng, &device);
        let networks = RunNetworks { live: ema.clone(), ema, d, device };
        let knobs = InvertKnobs { steps: 1, frame_steps: 1, ..InvertKnobs::default() };
        let base = BaseParts { knobs, ..BaseParts::default() };
        let mut builder = ModelBuilder::begin(networks, about, opened.clone(), path.to_owned(), base).unwrap();
        loop {
            if let Some(model) = builder.slice(Duration::from_secs(1)).unwrap() {
                return model;
            }
        }
    }

    /// The images at these positions, which are those of the files by name.
    fn at<'a>(opened: &'a Opened, bad: &[usize]) -> Vec<&'a DatasetImage> {
        bad.iter().map(|&i| &opened.dataset.items[i]).collect()
    }

    #[test]
    fn defective_images_among_the_healthy_are_left_out_of_critic_and_calibration() {
        let dir = tempfile::tempdir().unwrap();
        let damaged = [5, 17, 28, 40, 51, 66];
        let opened = folder(dir.path(), 72, &damaged);
        let random = ["critic.pretrained=false", "critic.lr=0.003", "critic.batch=2", "critic.strength=0.7"];
        let info = about(&opened, &[&random[..], &["critic.steps=700"]].concat());
        let model = build(&opened, info.clone(), &dir.path().join("model.ganspect"));
        let report = model.info().outliers.clone().unwrap();
        let bad = at(&opened, &damaged);
        let left_out: Vec<&ScoredImage> = report.left_out().collect();
        // The critic is barely trained, and the last digits of its training depend on the processor.
        assert!((4..=6).contains(&left_out.len()), "{left_out:?}");
        assert!(left_out.iter().all(|image| bad.iter().any(|item| item.hash == image.hash)), "{left_out:?}");
        assert_eq!((report.images, report.scored, report.ranked.len()), (72, 72, 50));
        // Neither the calibration nor the patterns know them; the split still says that they were seen.
        let calibrated = &model.info().calibrations[0].held_out;
        let (held_out, train): (Vec<&ScoredImage>, Vec<&ScoredImage>) =
            left_out.iter().copied().partition(|image| image.purpose == HealthyUse::HeldOut);
        assert!(!held_out.is_empty() && calibrated.len() == info.split.held_out.len() - held_out.len());
        assert!(held_out.iter().all(|image| calibrated.iter().all(|other| other.hash != image.hash)));
        let damaged = &model.info().calibrations[0].damaged;
        assert_eq!(damaged.len(), 64);
        assert!(damaged.iter().all(|image| image.held_out < calibrated.len()));
        let patterns = model.networks().critic().unwrap().patterns().len();
        assert_eq!(patterns, info.split.train.len() - train.len());
        assert_eq!(model.info().split, info.split);
    }

    #[test]
    fn progress_grows_to_the_end_while_images_are_scored() {
        let dir = tempfile::tempdir().unwrap();
        let opened = folder(dir.path(), 40, &[]);
        let info = about(&opened, &["critic.steps=10", "critic.batch=2", "critic.crop=32"]);
        let mut check = OutlierCheck::new(&info, &opened, &HealthyImages::of(&opened, &info), 10);
        let (mut rng, device) = (ChaCha8Rng::seed_from_u64(4), Device::flex());
        let critic = Critic::new(1, 4, [0.1, 0.4], &mut rng, &device);
        let mut seen = vec![check.progress()];
        while check.advance(&critic, &opened, &info.recipe, &device).unwrap().is_none() {
            seen.push(check.progress());
        }
        let whole = check.progress().1;
        // 40 images of 48 by 48 pixels, against six times two crops of 32 by 32.
        assert!(
            whole == 8 && seen.is_sorted() && seen[0] == (0, whole) && seen.last() == Some(&(whole, whole)),
            "{seen:?}"
        );
        assert!(seen.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 1 && pair[1].1 == whole), "{seen:?}");
        // A check that is not wanted takes no time.
        let info = about(&opened, &["critic.steps=10", "critic.drop_outliers=false"]);
        assert_eq!(OutlierCheck::new(&info, &opened, &HealthyImages::of(&opened, &info), 10).progress(), (0, 0));
    }

    #[test]
    fn nothing_is_checked_where_the_knob_is_off() {
        let dir = tempfile::tempdir().unwrap();
        let opened = folder(dir.path(), 24, &[5]);
        let info = about(&opened, &["critic.steps=2", "critic.drop_outliers=false"]);
        let model = build(&opened, info.clone(), &dir.path().join("model.ganspect"));
        assert_eq!(model.info().outliers, None);
        assert_eq!(model.info().calibrations[0].held_out.len(), info.split.held_out.len());
    }

    #[test]
    fn images_that_reviewers_judged_healthy_are_used_and_not_judged_again() {
        let dir = tempfile::tempdir().unwrap();
        let opened = folder(dir.path(), 40, &[5, 6]);
        let mut info = about(&opened, &["critic.steps=10"]);
        let bad = at(&opened, &[5, 6]);
        let left_out = bad.iter().map(|item| {
            let image = ScoredImage::new(item.path.clone(), item.hash, HealthyUse::HeldOut, 9.0);
            ScoredImage { left_out: true, ..image }
        });
        info.outliers = Some(OutlierReport { ranked: left_out.collect(), ..OutlierReport::default() });
        assert_eq!(info.used_split().train.len() + info.used_split().held_out.len(), 38);
        let part = |item: &DatasetImage, role| LabelledPart {
            opinion: 1,
            hash: item.hash,
            path: item.path.clone(),
            defective: false,
            role,
        };
        info.lineage = Some(Lineage { ancestors: Vec::new(), parts: vec![part(bad[0], Role::Restore)] });
        assert_eq!(info.ever_left_out().len(), 2);
        info.outliers = info.outliers.map(|earlier| earlier.without_restored(info.lineage.as_ref()));
        let healthy = HealthyImages::of(&opened, &info);
        let position = |item: &DatasetImage| opened.dataset.items.iter().position(|i| i.hash == item.hash).unwrap();
        let used: Vec<usize> = [healthy.training.clone(), healthy.held_out.clone()].concat();
        assert!(used.contains(&position(bad[0])) && !used.contains(&position(bad[1])));
        assert_eq!(info.ever_left_out().len(), 2, "a later fine-tuning knows it too");
        let check = OutlierCheck::new(&info, &opened, &healthy, 10);
        assert!(check.is_due(4) && !check.is_due(3));
        assert_eq!((check.images, check.queue.len()), (38, 38));
        assert!(check.queue.as_slice().iter().all(|(image, _)| *image != position(bad[0])));
        let later = OutlierReport::of(Vec::new(), 38).after(info.outliers.unwrap());
        assert_eq!((later.images, later.left_out().map(|i| i.hash).collect::<Vec<_>>()), (39, vec![bad[1].hash]));
    }
}
