//! The critic in the window: the preview of its crops and outputs, its curves, and the progress of the model build.

use std::sync::Arc;

use egui::{Key, Modifiers};
use egui_kittest::{SnapshotResults, kittest::Queryable};
use ganspect::{
    data::{
        DataSource,
        surface::{SetSize, SurfaceKind, write_set},
    },
    engine::{
        EngineState,
        training::{
            TrainingPhase,
            build_progress::{BuildPart, BuildProgress, PartProgress},
            critic_preview::{CROPS, CriticAnswers, DefectPreview, Viewer},
        },
    },
    tensorboard::{EventWriter, RunLog},
    train::{
        Health, Metric, Preset, Recipe,
        critic::{HealthyCrops, damaged_batch, defect_synthesiser},
        history::History,
        run_folder::{RunFolder, RunInfo},
    },
    ui::{Action, UiCommand},
};

use crate::{
    harness,
    harness::{SIZE, Stage, Window, open, open_in, shows, themes},
};

/// Damaged crops of turned metal, and the outputs of a nearly perfect critic.
fn criticised(live: &EngineState, steps: u64) {
    let recipe = Preset::Laptop.recipe();
    let opened = DataSource::Surface { kind: SurfaceKind::Turned, seed: 3 }.open(&|_, _| true).unwrap();
    let crops = HealthyCrops::new(&recipe, &opened.store, (0..20).collect()).unwrap();
    let synthesiser = defect_synthesiser(&recipe, crops.side(), crops.pixel_stats()[1], (0, Vec::new()));
    let damaged = damaged_batch(&synthesiser, &crops.batch(7, 12).unwrap(), 3, 7);
    let (side, cells) = (crops.side(), crops.side() / 4);
    let sure = |i: usize| {
        let (crop, y, x) = (i / (cells * cells), i / cells % cells * 4, i % cells * 4);
        let whole = (0..16).map(|k| damaged.mask[(crop * side + y + k / 4) * side + x + k % 4]).sum::<f32>();
        0.04 + 0.9 * whole / 16.0
    };
    let answers: Vec<f32> = (0..12 * cells * cells).map(sure).collect();
    let shown = DefectPreview::new(Viewer::RUN, recipe.critic.clone(), [1, side], damaged);
    if steps > 0 {
        *live.training.critic.answers.lock() =
            Some(Arc::new(CriticAnswers::new(&shown, steps, recipe.critic.clone(), &answers)));
    }
    *live.training.critic.preview.lock() = Some(Arc::new(shown));
    *live.training.critic.history.write() = losses(steps);
}

/// A critic's curves after `steps` steps.
fn losses(steps: u64) -> History {
    let mut history = History::default();
    for step in 1..=steps {
        let mut row = [f32::NAN; Metric::ALL.len()];
        let fall = (-(step as f32) / 200.0).exp();
        row[Metric::CriticLoss as usize] = 0.16 + 0.3 * fall + 0.05 * (step as f32 * 1.7).sin();
        if step == 1 || step % 50 == 0 {
            row[Metric::CriticHeldOut as usize] = 0.2 + 0.3 * fall;
        }
        history.push(step, 1_800_000_500.0 + step as f64 * 0.1, &row);
    }
    history
}

fn building(live: &EngineState) {
    let parts = [
        (BuildPart::Encoder, 1500, 1500),
        (BuildPart::Critic, 640, 1500),
        (BuildPart::Statistics, 0, 26),
        (BuildPart::Calibration, 0, 30),
    ];
    let parts = parts.map(|(part, done, total)| PartProgress { part, done, total }).to_vec();
    harness::run(
        live,
        TrainingPhase::BuildingModel(BuildProgress { parts, current: 1, share: 0.37 }),
        2_000,
        Health::Good,
    );
    live.training.status.write().seconds_left = Some(149.0);
    criticised(live, 640);
}

#[test]
fn the_critic_at_work_while_the_model_is_made() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut stage = open(dark, SIZE, building);
        stage.harness.run_steps(3);
        stage.harness.state_mut().apply(Action::Command(UiCommand::CriticPreview));
        stage.harness.run_steps(3);
        let window = &stage.harness;
        assert!(shows(window, "8 preview crops") && shows(window, "with the critic's output"));
        assert!(shows(window, "critic at step 640"));
        // Every part has its progress, and the time left is that of the whole build.
        for words in ["Encoder, 100 %", "Critic, 42 %", "Normal statistics, 0 %", "Calibration, 0 %"] {
            assert!(shows(window, words), "{words}");
        }
        assert!(shows(window, "2 min 29 s left · training the critic on synthetic defects"));
        assert!(shows(window, "37 %") && shows(window, BuildPart::Critic.purpose()));
        stage.snapshot(&format!("critic_training_{name}"), &mut results);
    }
}

#[test]
fn forged_crops_are_shown_before_there_is_a_critic() {
    let mut results = SnapshotResults::new();
    let mut stage = open(true, SIZE, |live| {
        harness::run(live, TrainingPhase::Running, 640, Health::Good);
        criticised(live, 0);
    });
    stage.harness.run_steps(3);
    stage.harness.key_press_modifiers(Modifiers::NONE, Key::C);
    stage.harness.run_steps(3);
    assert!(shows(&stage.harness, "12 preview crops") && !shows(&stage.harness, "the critic's output"));
    assert!(shows(&stage.harness, "Critic loss"), "there is a chart for it");
    stage.snapshot("critic_before_dark", &mut results);
    // The same key returns to the samples.
    stage.harness.key_press_modifiers(Modifiers::NONE, Key::C);
    stage.harness.run_steps(3);
    assert!(shows(&stage.harness, "Sample grid, 36 samples"));
}

/// Networks so small that a step takes a few milliseconds.
fn tiny() -> Recipe {
    let mut recipe = Preset::Laptop.recipe();
    recipe.model.size = 32;
    recipe.model.latent_size = 8;
    recipe.train.batch = 2;
    recipe.train.steps = 100_000;
    recipe.critic.crop = 32;
    recipe
}

fn parts(stage: &Stage) -> std::path::PathBuf {
    let parts = stage.path("parts");
    write_set(
        &parts,
        SurfaceKind::Turned,
        3,
        SetSize { train: 8, test_good: 1, test_per_defect: 1, side: 64 },
        &|_, _| true,
    )
    .unwrap();
    parts
}

fn latest(window: &Window) -> Option<Arc<DefectPreview>> {
    window.state().state().training.critic.preview.lock().clone()
}

#[test]
fn forged_crops_follow_a_knob_while_the_gan_trains() {
    let mut stage = open(true, SIZE, |_| {});
    let start = Action::Start {
        source: DataSource::Folder(parts(&stage)),
        opened: None,
        recipe: Box::new(tiny()),
        out: Some(stage.path("runs/tiny")),
    };
    stage.harness.state_mut().apply(start);
    let running = |window: &Window| window.state().state().training.status.read().step >= 2;
    stage.until("steps are done", running);
    assert!(latest(&stage.harness).is_none(), "no crops are generated while the preview is hidden");
    stage.harness.state_mut().apply(Action::Command(UiCommand::CriticPreview));
    stage.until("crops are shown", |window| latest(window).is_some() && shows(window, "preview crops"));
    let before = latest(&stage.harness).unwrap();

    stage.harness.state_mut().apply(Action::Knob { key: "critic.share", value: toml::Value::Float(1.0) });
    stage.until("all of them are damaged", |window| latest(window).is_some_and(|s| s.knobs.share == 1.0));
    let all = latest(&stage.harness).unwrap();
    assert!(all.damaged(CROPS) > before.damaged(CROPS), "{} and {}", before.damaged(CROPS), all.damaged(CROPS));

    // Other crops are generated on demand, with the same knobs.
    stage.harness.get_by_label(UiCommand::CriticPreviewNext.title()).click();
    stage.until("other crops are shown", |window| latest(window).is_some_and(|s| s.serial != all.serial));
    let others = latest(&stage.harness).unwrap();
    assert!(others.values != all.values && others.knobs == all.knobs);
    let answers = stage.harness.state().state().training.critic.answers.lock().clone();
    assert!(answers.is_none(), "there is no critic yet");
}

#[test]
fn the_forger_can_be_turned_before_anything_trains() {
    let mut stage = open(true, SIZE, |_| {});
    let parts = parts(&stage);
    stage.harness.state_mut().apply(Action::Import(parts));
    stage.until("the folder is understood", |window| shows(window, "Train on 8 healthy images"));
    stage.until("crops are shown", |window| latest(window).is_some() && shows(window, "preview crops"));
    let before = latest(&stage.harness).unwrap();
    assert_ne!(before.viewer, Viewer::RUN);
    stage.harness.state_mut().apply(Action::Knob { key: "critic.share", value: toml::Value::Float(1.0) });
    stage.until("the knob takes effect", |window| latest(window).is_some_and(|s| s.knobs.share == 1.0));
    assert!(latest(&stage.harness).unwrap().damaged(CROPS) > before.damaged(CROPS));
}

#[test]
fn an_earlier_run_brings_its_critic_onto_the_curves() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("runs/first");
    RunFolder::create(&run, &RunInfo::new("first", "surface:turned", "CPU, 2 cores"), &tiny().to_toml()).unwrap();
    let mut log = EventWriter::create(&run, "test").unwrap();
    for step in 1..=20 {
        log.scalar(Metric::GLoss.tag(), step, 1_000.0 + step as f64, 0.5).unwrap();
    }
    for step in 1..=30 {
        log.scalar(Metric::CriticLoss.tag(), step, 2_000.0 + step as f64, 0.3).unwrap();
    }
    log.sync().unwrap();
    assert_eq!(RunLog::read(&run).unwrap().scalars.len(), 2);
    let mut stage =
        open_in(folder, true, SIZE, |live| harness::run(live, TrainingPhase::Paused, 40, Health::Good), |_| {});
    stage.harness.state_mut().apply(Action::Overlay(run, true));
    stage.until("the curves are read", |window| window.state().overlays().len() == 1);
    let overlay = &stage.harness.state().overlays()[0];
    assert_eq!((overlay.history.len(), overlay.critic.len()), (20, 30));
    stage.harness.run_steps(3);
    assert!(shows(&stage.harness, "Critic loss by"));
}
