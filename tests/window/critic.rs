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
            BuildPart, BuildProgress, PartProgress, TrainingPhase,
            critic_preview::{CROPS, CriticAnswers, DefectPreview, Viewer},
        },
    },
    tensorboard::{EventWriter, RunLog},
    train::{
        Health, History, Metric, Preset, Recipe,
        critic::{HealthyCrops, damaged_batch, defect_synthesiser},
        run_folder::{RunFolder, RunInfo},
    },
    ui::{Action, UiCommand},
};

use crate::{
    harness,
    harness::{SIZE, TestWindow, Window, open, open_in, shows, themes},
};

/// Damaged crops of turned metal, and the outputs of a nearly perfect critic.
fn critic_preview(state: &EngineState, steps: u64) {
    let recipe = Preset::Laptop.recipe();
    let opened = DataSource::Surface { kind: SurfaceKind::Turned, seed: 3 }.open(&|_, _| true).unwrap();
    let crops = HealthyCrops::new(&recipe, &opened.store, (0..20).collect()).unwrap();
    let synthesiser = defect_synthesiser(&recipe, crops.side(), crops.deviation(), (0, Vec::new()));
    let damaged = damaged_batch(&synthesiser, &crops.batch(7, 12).unwrap(), 3, 7);
    let (side, cells) = (crops.side(), crops.side() / 4);
    let output = |i: usize| {
        let (crop, y, x) = (i / (cells * cells), i / cells % cells * 4, i % cells * 4);
        let whole = (0..16).map(|k| damaged.mask[(crop * side + y + k / 4) * side + x + k % 4]).sum::<f32>();
        0.04 + 0.9 * whole / 16.0
    };
    let answers: Vec<f32> = (0..12 * cells * cells).map(output).collect();
    let shown = DefectPreview::new(Viewer::RUN, recipe.critic.clone(), [1, side], damaged);
    if steps > 0 {
        *state.training.critic.answers.lock() =
            Some(Arc::new(CriticAnswers::new(&shown, steps, recipe.critic.clone(), &answers)));
    }
    *state.training.critic.preview.lock() = Some(Arc::new(shown));
    *state.training.critic.history.write() = losses(steps);
}

/// Returns the curves of a critic after `steps` steps.
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

pub fn building(state: &EngineState) {
    let parts = [
        (BuildPart::Encoder, 1500, 1500),
        (BuildPart::Critic, 640, 1500),
        (BuildPart::Statistics, 0, 26),
        (BuildPart::Calibration, 0, 30),
    ];
    let parts = parts.map(|(part, done, total)| PartProgress { part, done, total }).to_vec();
    harness::run(
        state,
        TrainingPhase::BuildingModel(BuildProgress { parts, current: 1, share: 0.37 }),
        2_000,
        Health::Good,
    );
    state.training.status.write().seconds_left = Some(149.0);
    critic_preview(state, 640);
}

#[test]
fn the_critic_during_the_model_build() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut test = open(dark, SIZE, building);
        test.harness.run_steps(3);
        test.harness.state_mut().apply(Action::Command(UiCommand::CriticPreview));
        test.harness.run_steps(3);
        let window = &test.harness;
        assert!(shows(window, "8 preview crops") && shows(window, "with the critic's output"));
        assert!(shows(window, "critic at step 640"));
        // Every part has its progress, and the time left is that of the whole build.
        for words in ["Encoder, 100 %", "Critic, 42 %", "Normal statistics, 0 %", "Calibration, 0 %"] {
            assert!(shows(window, words), "{words}");
        }
        assert!(shows(window, "2 min 29 s left · training the critic on synthetic defects"));
        assert!(shows(window, "37 %") && shows(window, BuildPart::Critic.purpose()));
        test.snapshot(&format!("critic_training_{name}"), &mut results);
    }
}

#[test]
fn damaged_crops_are_shown_before_there_is_a_critic() {
    let mut results = SnapshotResults::new();
    let mut test = open(true, SIZE, |state| {
        harness::run(state, TrainingPhase::Running, 640, Health::Good);
        critic_preview(state, 0);
    });
    test.harness.run_steps(3);
    test.harness.key_press_modifiers(Modifiers::NONE, Key::C);
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "12 preview crops") && !shows(&test.harness, "the critic's output"));
    assert!(shows(&test.harness, "Critic loss"), "the critic has a chart");
    test.snapshot("critic_before_dark", &mut results);
    // The same key returns to the samples.
    test.harness.key_press_modifiers(Modifiers::NONE, Key::C);
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "Sample grid, 36 samples"));
}

/// Returns a recipe with networks so small that a step takes a few milliseconds.
fn tiny() -> Recipe {
    let mut recipe = Preset::Laptop.recipe();
    recipe.model.size = 32;
    recipe.model.latent_size = 8;
    recipe.train.batch = 2;
    recipe.train.steps = 100_000;
    recipe.critic.crop = 32;
    recipe
}

fn parts(test: &TestWindow) -> std::path::PathBuf {
    let parts = test.path("parts");
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
fn damaged_crops_follow_a_knob_during_training() {
    let mut test = open(true, SIZE, |_| {});
    let start = Action::Start {
        source: DataSource::Folder(parts(&test)),
        opened: None,
        recipe: Box::new(tiny()),
        out: Some(test.path("runs/tiny")),
    };
    test.harness.state_mut().apply(start);
    let running = |window: &Window| window.state().state().training.status.read().step >= 2;
    test.until("steps are done", running);
    assert!(latest(&test.harness).is_none(), "no crops are generated while the preview is hidden");
    test.harness.state_mut().apply(Action::Command(UiCommand::CriticPreview));
    test.until("crops are shown", |window| latest(window).is_some() && shows(window, "preview crops"));
    let before = latest(&test.harness).unwrap();

    test.harness.state_mut().apply(Action::Knob { key: "critic.share", value: toml::Value::Float(1.0) });
    test.until("all of them are damaged", |window| latest(window).is_some_and(|s| s.knobs.share == 1.0));
    let all = latest(&test.harness).unwrap();
    assert!(all.damaged(CROPS) > before.damaged(CROPS), "{} and {}", before.damaged(CROPS), all.damaged(CROPS));

    // Other crops are generated on demand, with the same knobs.
    test.harness.get_by_label(UiCommand::CriticPreviewNext.title()).click();
    test.until("other crops are shown", |window| latest(window).is_some_and(|s| s.serial != all.serial));
    let others = latest(&test.harness).unwrap();
    assert!(others.values != all.values && others.knobs == all.knobs);
    let answers = test.harness.state().state().training.critic.answers.lock().clone();
    assert!(answers.is_none(), "no critic has been trained yet");
}

#[test]
fn the_preview_can_be_adjusted_before_training() {
    let mut test = open(true, SIZE, |_| {});
    let parts = parts(&test);
    test.harness.state_mut().apply(Action::Import(parts));
    test.until("the folder is read", |window| shows(window, "Train on 3 healthy images"));
    test.until("crops are shown", |window| latest(window).is_some() && shows(window, "preview crops"));
    let before = latest(&test.harness).unwrap();
    assert_ne!(before.viewer, Viewer::RUN);
    test.harness.state_mut().apply(Action::Knob { key: "critic.share", value: toml::Value::Float(1.0) });
    test.until("the knob takes effect", |window| latest(window).is_some_and(|s| s.knobs.share == 1.0));
    assert!(latest(&test.harness).unwrap().damaged(CROPS) > before.damaged(CROPS));
}

#[test]
fn the_critic_curves_of_an_earlier_run_are_overlaid() {
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
    let mut test =
        open_in(folder, true, SIZE, |state| harness::run(state, TrainingPhase::Paused, 40, Health::Good), |_| {});
    test.harness.state_mut().apply(Action::Overlay(run, true));
    test.until("the curves are read", |window| window.state().overlays().len() == 1);
    let overlay = &test.harness.state().overlays()[0];
    assert_eq!((overlay.history.len(), overlay.critic.len()), (20, 30));
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "Critic loss by"));
}

#[test]
fn a_cancelled_build_says_how_far_it_came_and_starts_again_in_one_click() {
    let mut test = open(true, SIZE, |state| {
        harness::run(state, TrainingPhase::Finished, 2_000, Health::Good);
        state.training.status.write().build_cancelled = Some(0.34);
    });
    test.harness.run_steps(3);
    for words in ["Building the model was cancelled at 34 %.", "No model file was written"] {
        assert!(shows(&test.harness, words), "{words}");
    }
    assert!(test.harness.query_by_label("Build the model").is_some(), "the first button of the page");
    test.harness.state().state().training.status.write().build_cancelled = None;
    test.harness.run_steps(3);
    assert!(!shows(&test.harness, "was cancelled") && test.harness.query_by_label("Build the model").is_none());
}
