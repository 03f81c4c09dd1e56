//! Building a model from a run, through the engine and the command line.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use ganspect::{
    data::{
        DataSource, decode,
        surface::{SetSize, SurfaceKind, write_set},
    },
    engine::{
        Engine, InspectionRequest, TrainingRequest,
        inspection::{ModelSource, ModelState},
        training::{
            BuildPart, BuildProgress, TrainingPhase,
            critic_preview::{PreviewRequest, Viewer},
        },
    },
    inspect::{Model, Planes, critic::BankBuilder},
    model::Bundle,
    train::{Metric, Recipe, run_folder::MODEL_FILE},
};

use crate::harness::{engine, phase, until};

fn recipe(extra: &[&str]) -> Box<Recipe> {
    let mut recipe = Recipe::default();
    let small = [
        "model.size=32",
        "model.latent_size=8",
        "train.batch=4",
        "train.steps=2",
        "encoder.steps=3",
        "encoder.batch=4",
        "critic.steps=4",
        "critic.batch=4",
        "critic.crop=32",
        "data.holdout=0.19",
    ];
    for assignment in small.iter().chain(extra) {
        recipe.assign(assignment).unwrap();
    }
    Box::new(recipe)
}

/// Starts a run on a folder of small images.
fn start(engine: &Engine, recipe: Box<Recipe>, out: &Path) {
    let parts = out.with_file_name("parts");
    let size = SetSize { train: 14, test_good: 1, test_per_defect: 1, side: 64 };
    write_set(&parts, SurfaceKind::Turned, 3, size, &|_, _| true).unwrap();
    let source = DataSource::Folder(parts);
    engine.send(TrainingRequest::Start { source, opened: None, recipe, out: out.into() });
}

/// A short run in `dir` whose model was built, closed.
fn built_run(dir: &Path) -> PathBuf {
    let (engine, run) = (engine(), dir.join("run"));
    start(&engine, recipe(&[]), &run);
    until(&engine, "the model", |e| phase(e) == TrainingPhase::Finished);
    run
}

/// Returns the critic's curve; NaN becomes `None`, so that curves can be compared.
fn curve(engine: &Engine, metric: Metric) -> Vec<Option<u32>> {
    let history = engine.state().training.critic.history.read();
    history.column(metric).iter().map(|v| v.is_finite().then(|| v.to_bits())).collect()
}

#[test]
fn every_part_of_the_build_reports_progress() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let engine = engine();
    start(&engine, recipe(&[]), &run);
    let mut seen: Vec<BuildProgress> = Vec::new();
    until(&engine, "the model", |e| match phase(e) {
        TrainingPhase::BuildingModel(progress) => {
            if seen.last() != Some(&progress) {
                seen.push(progress);
            }
            false
        }
        phase => phase == TrainingPhase::Finished,
    });
    assert!(run.join(MODEL_FILE).exists());
    let parts: Vec<BuildPart> = seen.last().unwrap().parts.iter().map(|p| p.part).collect();
    assert_eq!(parts, [BuildPart::Encoder, BuildPart::Critic, BuildPart::Statistics, BuildPart::Calibration]);
    assert!(
        seen.windows(2).all(|w| w[0].share <= w[1].share && w[0].current <= w[1].current),
        "progress went backwards"
    );

    // The critic's curves are restored from the log when the run is resumed, although it has fewer steps than the
    // critic.
    let trained = curve(&engine, Metric::CriticLoss);
    assert!(trained.len() == 4 && trained.iter().all(Option::is_some));
    assert!(curve(&engine, Metric::CriticHeldOut)[0].is_some());
    for _ in 0..3 {
        engine.send(TrainingRequest::Stop);
        until(&engine, "the stop", |e| phase(e) == TrainingPhase::Idle);
        engine.send(TrainingRequest::Resume { run: run.clone(), paused: true });
        until(&engine, "the resumed run", |e| phase(e) == TrainingPhase::Finished);
        assert_eq!(curve(&engine, Metric::CriticLoss), trained);
    }
}

#[test]
fn a_critic_answers_for_the_preview_crops() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine();
    // Its maps must differ after four steps.
    let recipe = recipe(&["critic.lr=0.05"]);
    start(&engine, recipe.clone(), &dir.path().join("run"));
    until(&engine, "the model", |e| phase(e) == TrainingPhase::Finished);
    let ask = |draw: u64| {
        engine.send(PreviewRequest { viewer: Viewer::RUN, recipe: recipe.clone(), draw, opened: None });
        let mut answered = None;
        until(&engine, "the critic's answer", |e| {
            let shown = e.state().training.critic.preview.lock().clone();
            answered =
                e.state().training.critic.answers.lock().clone().zip(shown).filter(|(a, s)| a.serial == s.serial);
            answered.is_some()
        });
        *engine.state().training.critic.answers.lock() = None;
        answered.unwrap()
    };
    let (first, crops) = ask(0);
    assert_eq!((first.step, first.maps.count, first.maps.side), (4, crops.crops.count, 32 / 4));
    let (second, others) = ask(1);
    assert!(others.values != crops.values && second.maps != first.maps);
    let (third, same) = ask(0);
    assert_eq!((&third.maps, &same.values), (&first.maps, &crops.values));
}

#[test]
fn a_model_build_can_be_cancelled_and_restarted() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let engine = engine();
    start(&engine, recipe(&["critic.steps=100000"]), &run);
    until(&engine, "the critic's training", |e| e.state().training.critic.history.read().len() > 3);
    // The remaining time is known for the whole build.
    until(&engine, "the time left", |e| e.state().training.status.read().seconds_left.is_some_and(|s| s > 1.0));
    engine.send(TrainingRequest::Pause);
    until(&engine, "the cancellation", |e| phase(e) == TrainingPhase::Finished);
    assert!(!run.join(MODEL_FILE).exists());
    until(&engine, "the share", |e| e.state().training.status.read().build_cancelled.is_some_and(|s| s < 1.0));
    let mut short = (*engine.state().training.status.read().recipe.clone().unwrap()).clone();
    short.assign("critic.steps=2").unwrap();
    engine.send(TrainingRequest::SetKnobs(Box::new(short)));
    engine.send(TrainingRequest::BuildModel);
    until(&engine, "the model", |_| run.join(MODEL_FILE).exists());
    until(&engine, "the end", |e| phase(e) == TrainingPhase::Finished);
    assert_eq!(engine.state().training.status.read().build_cancelled, None);
    assert_eq!(curve(&engine, Metric::CriticLoss).len(), 2, "the curves are those of the last critic");
    engine.send(TrainingRequest::Stop);
    until(&engine, "the stop", |e| phase(e) == TrainingPhase::Idle);
    engine.send(TrainingRequest::Resume { run, paused: true });
    until(&engine, "the resumed run", |e| phase(e) == TrainingPhase::Finished);
    assert_eq!(curve(&engine, Metric::CriticLoss).len(), 2);
}

#[test]
fn a_model_knows_the_normal_patterns_of_its_training_images() {
    let dir = tempfile::tempdir().unwrap();
    let run = built_run(dir.path());
    let (device, file) = (Device::flex(), run.join(MODEL_FILE));
    let mut model = Model::load(&file, &device).unwrap();
    let opened = DataSource::Folder(dir.path().join("parts")).open(&|_, _| true).unwrap();
    let score = |model: &Model, index: usize| {
        let planes = Planes::of(&decode(&opened.dataset.items[index].path).unwrap(), 1, 1.0);
        let critic = model.networks().critic().unwrap();
        critic.score(&critic.map(&planes).unwrap(), None).pattern
    };
    let split = &model.info().split;
    let (training, held_out) = (opened.training_indices(split), opened.held_out_indices(split));
    assert_eq!(model.networks().critic().unwrap().patterns().len(), training.len());
    let known = |index: usize| score(&model, index).unwrap();
    assert!(training.iter().all(|&i| known(i) < 1e-3) && held_out.iter().all(|&i| known(i) > 0.05));

    // Inspection needs it, so a reduced model keeps it. An older file without it still opens.
    model.slim();
    let copy = dir.path().join("copy.ganspect");
    model.save(&copy).unwrap();
    assert_eq!(score(&Model::load(&copy, &device).unwrap(), held_out[0]), score(&model, held_out[0]));
    let mut bundle = Bundle::read(&copy).unwrap();
    bundle.tensors.retain(|w| !w.name.starts_with("patterns/"));
    bundle.write(&copy).unwrap();
    assert_eq!(score(&Model::load(&copy, &device).unwrap(), held_out[0]), None);
}

#[test]
fn resuming_a_finished_run_opens_its_model() {
    let dir = tempfile::tempdir().unwrap();
    let run = built_run(dir.path());
    let engine = engine();
    let inspects_with = |engine: &Engine| match &engine.state().inspection.status.read().model {
        ModelState::Ready(facts) => facts.path.clone().map(|path| (path, facts.calibrations.len())),
        _ => None,
    };
    engine.send(TrainingRequest::Resume { run: run.clone(), paused: true });
    until(&engine, "the run", |e| phase(e) == TrainingPhase::Finished);
    let file = Some((run.join(MODEL_FILE), 1));
    until(&engine, "its model", |e| inspects_with(e) == file);

    // Requested later, it replaces another model.
    engine.send(InspectionRequest::OpenModel(ModelSource::BuiltIn));
    until(&engine, "the built-in model", |e| inspects_with(e).is_none());
    engine.send(InspectionRequest::OpenModel(ModelSource::Run));
    until(&engine, "its model again", |e| inspects_with(e) == file);
}

#[test]
fn a_model_stores_crops_of_its_training_images_only() {
    let dir = tempfile::tempdir().unwrap();
    let run = built_run(dir.path());
    let (device, file) = (Device::flex(), run.join(MODEL_FILE));
    let mut model = Model::load(&file, &device).unwrap();
    let opened = DataSource::Folder(dir.path().join("parts")).open(&|_, _| true).unwrap();
    let name = |i: &usize| opened.dataset.items[*i].path.file_name().unwrap().to_string_lossy().into_owned();
    let mut training: Vec<String> = opened.training_indices(&model.info().split).iter().map(name).collect();
    let mut kept: Vec<String> = model.bank().unwrap().origins().iter().map(|o| o.image.clone()).collect();
    training.sort();
    kept.sort();
    assert_eq!(kept, training, "one crop of each small training image, and none of the held-out images");

    // A training image finds itself, whichever crop of it is searched for.
    let index = opened.training_indices(&model.info().split)[2];
    let planes = Planes::of(&decode(&opened.dataset.items[index].path).unwrap(), 1, 1.0);
    let found = model.neighbours(&planes, (40, 9)).unwrap();
    assert_eq!((found.len(), &found[0].origin.image), (3, &name(&index)));
    assert!(
        found[0].distance < 1e-4 && found[0].distance < found[1].distance && found[1].distance <= found[2].distance
    );

    let copy = dir.path().join("copy.ganspect");
    model.save(&copy).unwrap();
    let again = Model::load(&copy, &device).unwrap();
    assert_eq!(again.bank(), model.bank());
    assert_eq!(again.neighbours(&planes, (40, 9)).unwrap(), found);

    // Errors name the file and what is missing or invalid in it.
    let refused = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = Bundle::read(&copy).unwrap();
        change(&mut bundle);
        let torn = dir.path().join("torn.ganspect");
        bundle.write(&torn).unwrap();
        let said = Model::load(&torn, &device).unwrap_err().to_string();
        assert!(said.contains("torn.ganspect") && said.contains("build the model from its run again"), "{said}");
        said
    };
    assert!(refused(&|b| b.tensors.retain(|w| w.name != "bank/pixels")).contains("'bank/pixels' is missing"));
    assert!(refused(&|b| drop(b.meta.remove("neighbours"))).contains("neighbours"));
    let halves =
        |b: &mut Bundle| b.tensors.iter_mut().filter(|w| w.name == "bank/pixels").for_each(|w| w.values[3] = 0.5);
    assert!(refused(&halves).contains("invalid pixel value"));
    let fewer = |b: &mut Bundle| *b.meta.get_mut("neighbours").unwrap() = "[]".into();
    assert!(refused(&fewer).contains("bank/features"));

    // An older file without a crop bank still opens, and has no neighbours.
    model.set_bank(BankBuilder::new(0, 1, 0).finish());
    model.save(&copy).unwrap();
    assert!(Bundle::read(&copy).unwrap().with_prefix("bank").is_empty());
    let bare = Model::load(&copy, &device).unwrap();
    assert!(bare.bank().is_none() && bare.neighbours(&planes, (40, 9)).unwrap().is_empty());
}
