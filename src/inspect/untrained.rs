//! Models that were hardly trained, for tests: random networks with the statistics and the calibration of a surface.

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    Calibrator, InspectError, InvertKnobs, Model, ModelInfo, Outcome, Planes, Regions,
    critic::{StatsFitter, TestTimeAugmentation},
};
use crate::{
    data::{DataSource, surface, surface::SurfaceKind},
    model::{Critic, Discriminator, Encoder, FrozenCritic, Generator},
    train::Recipe,
};

/// Side of its images, pixels.
pub(super) const SIDE: usize = 96;

/// Knobs of the inspections: one step of z.
pub(super) fn knobs() -> InvertKnobs {
    InvertKnobs { steps: 1, frame_steps: 1, ..InvertKnobs::default() }
}

/// A model of `kind` with random weights, calibrated on held-out images.
pub(super) fn model(kind: SurfaceKind, seed: u64, train: usize) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let size = surface::SetSize { train, test_good: 1, test_per_defect: 1, side: SIDE };
    let set = folder.path().join("set");
    surface::write_set(&set, kind, seed, size, &|_, _| true).unwrap();
    let opened = DataSource::Folder(set).open(&|_, _| true).unwrap();
    let split = opened.split(0.3, 1).unwrap();
    let mut recipe = Recipe::default();
    for knob in ["model.size=32", "model.latent_size=8", "critic.width=12", "critic.views=false"] {
        recipe.assign(knob).unwrap();
    }
    let recipe = recipe.decided(&opened.dataset);
    let (device, mut rng) = (Device::flex(), ChaCha8Rng::seed_from_u64(seed));
    let g = Generator::new(&recipe.model, &mut rng, &device);
    let d = Discriminator::new(&recipe.model, &mut rng, &device);
    let e = Encoder::new(&recipe.model, &mut rng, &device);
    let channels = recipe.model.channels.count();
    let brightness = vec![-0.1; channels].into_iter().chain([0.3]).collect::<Vec<f32>>();
    let critic = Critic::new(channels, recipe.critic.width, brightness, &mut rng, &device);
    let critic = critic.with_line_head(&mut rng, &device);
    let tta = TestTimeAugmentation::of(&recipe);
    let frames: Vec<Planes> = (0..6).map(|i| healthy(kind, seed + 100, i)).collect();
    let mut fitter = StatsFitter::new(FrozenCritic::new(&critic), tta, frames.len(), &device);
    while fitter.remaining() > 0 {
        let next = fitter.next_index();
        fitter.add(&frames[next]).unwrap();
    }
    let info = ModelInfo::new("hardly trained".into(), recipe, 1, "surface".into(), split.clone());
    let mut model = Model::new(info, None, &g, &d, Some(&e), Some((&critic, fitter.finish())), &device).unwrap();
    let mut calibrator = Calibrator::new(&opened, &split, knobs(), Regions::default(), channels, 1.0).unwrap();
    let calibration = loop {
        if let Some(calibration) = calibrator.slice(model.networks()).unwrap() {
            break calibration;
        }
    };
    model.calibrate(calibration);
    model
}

/// A healthy image.
pub(super) fn healthy(kind: SurfaceKind, seed: u64, index: u64) -> Planes {
    Planes::of(&surface::draw(kind, None, seed, index, SIDE).picture, kind.channels(), 1.0)
}

/// The outcome of an inspection.
pub(super) fn inspect(model: &Model, frame: &Planes) -> Result<Outcome, InspectError> {
    let regions = &model.info().regions;
    let mut job = super::InspectionJob::new(model.networks(), frame.clone().into(), knobs(), regions)?;
    while !job.slice(model.networks())? {}
    Ok(model.judge(&job).unwrap())
}
