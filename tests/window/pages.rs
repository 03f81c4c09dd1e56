//! Pages, keys, commands, and a whole run through the real engine.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::{Key, Modifiers};
use egui_kittest::{
    SnapshotResults,
    kittest::{NodeT, Queryable},
};
use ganspect::{
    data::{
        DataSource,
        surface::{SetSize, SurfaceKind, write_set},
    },
    engine::{Update, inspection::ModelState, training::TrainingPhase},
    tensorboard::{EventWriter, RunLog},
    train::{
        Health, Metric, Preset, Recipe,
        run_folder::{MODEL_FILE, RunFolder, RunInfo},
    },
    ui::{Action, PageId, Settings, UiCommand},
};

use crate::{
    harness,
    harness::{Dropped, SIZE, TestWindow, Window, open, open_in, press, shows, themes},
};

fn type_text(test: &mut TestWindow, text: &str) {
    test.harness.event(egui::Event::Text(text.to_owned()));
    test.harness.run_steps(3);
}

#[test]
fn the_start_page_offers_surfaces_and_folders() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut test = open(dark, SIZE, |_| {});
        test.until("the surfaces are drawn", |window| {
            let textures = window.ctx.tex_manager();
            let textures = textures.read();
            textures.allocated().filter(|(_, meta)| meta.name.starts_with("surface-card")).count()
                == SurfaceKind::ALL.len()
        });
        for kind in SurfaceKind::ALL {
            assert!(shows(&test.harness, &format!("Train on {}", kind.title())));
        }
        test.snapshot(&format!("start_{name}"), &mut results);
    }
}

#[test]
fn the_train_workspace_while_training() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut test = open(dark, SIZE, |state| harness::run(state, TrainingPhase::Running, 640, Health::Good));
        test.snapshot(&format!("training_{name}"), &mut results);
    }
}

#[test]
fn the_train_workspace_paused_with_an_alarm() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut test = open(dark, SIZE, |state| harness::run(state, TrainingPhase::Paused, 640, Health::DTooStrong));
        assert!(shows(&test.harness, Health::DTooStrong.sentence()));
        assert!(shows(&test.harness, Health::DTooStrong.advice()));
        test.snapshot(&format!("paused_{name}"), &mut results);
    }
}

#[test]
fn every_page_fits_the_smallest_window_and_the_largest_scale() {
    for scale in [0.8, 2.0] {
        let folder = tempfile::tempdir().unwrap();
        // The size of 1024x640 at this scale.
        let size = [1024.0 / scale, 640.0 / scale];
        let mut test = open_in(folder, true, size, |_| {}, |settings| settings.scale = 1.0);
        for page in PageId::ALL {
            test.harness.state_mut().apply(Action::Command(page.command()));
            test.harness.run_steps(3);
            assert_eq!(test.harness.state().page(), page);
        }
    }
}

#[test]
fn the_palette_finds_and_runs_a_command() {
    let mut test = open(true, SIZE, |_| {});
    press(&mut test, Modifiers::COMMAND, Key::K);
    type_text(&mut test, "sett");
    assert!(shows(&test.harness, UiCommand::GoSettings.title()));
    assert!(!shows(&test.harness, UiCommand::Quit.title()));
    press(&mut test, Modifiers::NONE, Key::Enter);
    assert_eq!(test.harness.state().page(), PageId::Settings);
    assert!(!shows(&test.harness, UiCommand::OpenFolder.title()), "the palette is closed");

    press(&mut test, Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::P);
    assert!(shows(&test.harness, UiCommand::Quit.title()));
    press(&mut test, Modifiers::NONE, Key::Escape);
    assert!(!shows(&test.harness, UiCommand::Quit.title()));

    // The next shortcut takes effect, although nothing was drawn in between.
    test.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    test.harness.step();
    test.harness.step();
    test.harness.key_press_modifiers(Modifiers::NONE, Key::Escape);
    test.harness.step();
    test.harness.key_press_modifiers(Modifiers::COMMAND, Key::Num5);
    test.harness.step();
    assert_eq!(test.harness.state().page(), PageId::Runs);
}

#[test]
fn help_lists_every_command() {
    let mut test = open(true, SIZE, |_| {});
    press(&mut test, Modifiers::NONE, Key::F1);
    assert_eq!(test.harness.state().page(), PageId::Help);
    for command in UiCommand::all() {
        assert!(shows(&test.harness, command.title()), "{command:?}");
        assert!(shows(&test.harness, command.help()), "{command:?}");
    }
}

#[test]
fn pages_open_by_their_keys() {
    let mut test = open(true, SIZE, |_| {});
    let keys = [Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num1];
    for (key, page) in keys.into_iter().zip([
        PageId::Inspect,
        PageId::Evaluate,
        PageId::Review,
        PageId::Runs,
        PageId::Log,
        PageId::Settings,
        PageId::Help,
        PageId::Train,
    ]) {
        press(&mut test, Modifiers::COMMAND, key);
        assert_eq!(test.harness.state().page(), page);
    }
}

#[test]
fn no_shortcut_fires_while_text_is_typed() {
    let mut test = open(true, SIZE, |_| {});
    let path = "Path of a folder or a CSV file";
    test.harness.get_by_label(path).focus();
    test.harness.run_steps(2);
    for (modifiers, key) in [(Modifiers::COMMAND, Key::Num2), (Modifiers::NONE, Key::F1), (Modifiers::COMMAND, Key::T)]
    {
        press(&mut test, modifiers, key);
    }
    type_text(&mut test, "/parts");
    assert_eq!(test.harness.state().page(), PageId::Train);
    assert_eq!(test.harness.get_by_label(path).value().as_deref(), Some("/parts"));
}

#[test]
fn training_can_be_reached_by_keyboard_alone() {
    let mut test = open(true, SIZE, |_| {});
    let parts = test.path("parts");
    write_set(
        &parts,
        SurfaceKind::Brushed,
        3,
        SetSize { train: 8, test_good: 1, test_per_defect: 1, side: 64 },
        &|_, _| true,
    )
    .unwrap();

    tab_to(&mut test, UiCommand::OpenFolder.title());
    press(&mut test, Modifiers::NONE, Key::Enter);
    // Replaces the suggestion in the field.
    press(&mut test, Modifiers::COMMAND, Key::A);
    type_text(&mut test, &parts.display().to_string());
    press(&mut test, Modifiers::NONE, Key::Enter);
    test.until("the folder is read", |window| shows(window, "Train on 3 healthy images"));
    tab_to(&mut test, "Train on 3 healthy images");
    assert!(shows(&test.harness, "5 more are held out"), "what is held out is not counted as trained on");
}

/// Presses Tab until the control of this name has the focus.
fn tab_to(test: &mut TestWindow, label: &str) {
    for _ in 0..40 {
        if test.harness.query_all_by_label_contains(label).any(|node| node.accesskit_node().is_focused()) {
            return;
        }
        press(test, Modifiers::NONE, Key::Tab);
    }
    panic!("Tab does not reach '{label}'");
}

#[test]
fn the_import_page_summarises_the_data_and_lists_skipped_files() {
    let mut test = open(true, SIZE, |_| {});
    let parts = test.path("parts");
    write_set(
        &parts,
        SurfaceKind::Milled,
        3,
        SetSize { train: 8, test_good: 2, test_per_defect: 1, side: 64 },
        &|_, _| true,
    )
    .unwrap();
    fs::write(parts.join("train/good/broken.png"), "not an image").unwrap();
    test.harness.state_mut().apply(Action::Import(parts.clone()));
    test.until("the folder is read", |window| shows(window, "Train on 3 healthy images"));
    for words in
        ["MVTec AD", "10 healthy images", "64 x 64 pixels", "1 file left out", "broken.png", "The talk", "Copy list"]
    {
        if words == "The talk" {
            assert!(shows(&test.harness, Preset::Talk2017.title()));
        } else {
            assert!(shows(&test.harness, words), "{words}");
        }
    }
    assert_eq!(test.harness.state().settings().recent, [parts]);
    test.harness.get_by_label("Back").click();
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "Train on Turned metal"));
}

#[test]
fn folders_of_unknown_names_are_asked_about() {
    let mut test = open(true, SIZE, |_| {});
    let parts = test.path("parts");
    write_set(
        &test.path("drawn"),
        SurfaceKind::Milled,
        3,
        SetSize { train: 8, test_good: 0, test_per_defect: 1, side: 64 },
        &|_, _| true,
    )
    .unwrap();
    fs::create_dir_all(&parts).unwrap();
    fs::rename(test.path("drawn/train/good"), parts.join("alpha")).unwrap();
    fs::rename(test.path("drawn/test/crack"), parts.join("zeta")).unwrap();
    test.harness.state_mut().apply(Action::Import(parts.clone()));
    test.until("the roles are asked", |window| shows(window, "Which images are healthy?"));
    assert!(shows(&test.harness, "The names alpha, zeta say nothing about the parts."));
    assert!(shows(&test.harness, "Choose Healthy for at least one folder."));
    test.harness.get_by_label("Healthy, alpha").click();
    test.harness.get_by_label("Defective, zeta").click();
    test.harness.run_steps(2);
    test.harness.get_by_label("Use these roles").click();
    test.until("the folder is read", |window| shows(window, "Train on 3 healthy images"));
    for words in [
        "Recognised as a folder with roles set by you",
        "8 healthy images, 1 defective (zeta 1)",
        "5 more are held out",
    ] {
        assert!(shows(&test.harness, words), "{words}");
    }
    // What was said can be corrected.
    test.harness.get_by_label("Set roles…").click();
    test.until("the roles are asked again", |window| shows(window, "Which images are healthy?"));
}

#[test]
fn an_unusable_dropped_folder_is_explained_with_a_next_step() {
    let mut test = open(true, SIZE, |_| {});
    let empty = test.path("empty");
    fs::create_dir(&empty).unwrap();
    test.harness.input_mut().dropped_files.push(Arc::new(Dropped(empty.clone())));
    test.until("the fault is explained", |window| shows(window, "This data cannot be used for training"));
    assert!(shows(&test.harness, &format!("The folder {} is empty", empty.display())));
    assert!(shows(&test.harness, "Choose another folder"));
    assert!(test.harness.state().settings().recent.is_empty());
}

#[test]
fn recipes_are_saved_and_loaded() {
    let mut test = open(true, SIZE, |_| {});
    let file = test.path("talk.toml");
    let app = test.harness.state_mut();
    app.apply(Action::Recipe(Box::new(Preset::Talk2017.recipe())));
    app.apply(Action::SaveRecipe(file.clone()));
    assert_eq!(Recipe::from_toml(&fs::read_to_string(&file).unwrap()).unwrap(), Preset::Talk2017.recipe());
    app.apply(Action::Command(UiCommand::Undo));
    assert_eq!(*app.recipe(), Preset::Laptop.recipe());
    app.apply(Action::LoadRecipe(file));
    assert_eq!(*app.recipe(), Preset::Talk2017.recipe());

    let bad = test.path("bad.toml");
    fs::write(&bad, "[train]\nkg = 2\n").unwrap();
    let app = test.harness.state_mut();
    app.apply(Action::LoadRecipe(bad));
    let last = app.notices().last().unwrap();
    assert!(last.contains("bad.toml") && last.contains("'train.k_g'"), "{last}");
    assert_eq!(*app.recipe(), Preset::Talk2017.recipe());
}

#[test]
fn settings_are_restored_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let mut test = open_in(folder, true, SIZE, |_| {}, |_| {});
    let app = test.harness.state_mut();
    app.apply(Action::Look(ganspect::ui::ThemeChoice::Light, 1.25));
    app.apply(Action::Command(UiCommand::LogY));
    let mut view = app.settings().view.clone();
    view.smoothing = 0.5;
    app.apply(Action::View(Box::new(view)));
    eframe::App::on_exit(app);
    let (read, fault) = Settings::load(&file);
    assert_eq!(fault, None);
    assert_eq!((read.scale, read.view.smoothing, read.theme), (1.25, 0.5, ganspect::ui::ThemeChoice::Light));
}

pub fn earlier_run(runs: &Path, name: &str, recipe: &Recipe) -> PathBuf {
    let path = runs.join(name);
    RunFolder::create(&path, &RunInfo::new(name, "surface:turned", "CPU, 2 cores"), &recipe.to_toml()).unwrap();
    let mut log = EventWriter::create(&path, "test").unwrap();
    for step in 1..=20 {
        log.scalar(Metric::GLoss.tag(), step, 1_000.0 + step as f64, 0.5).unwrap();
    }
    log.sync().unwrap();
    path
}

#[test]
fn runs_are_listed_compared_renamed_and_deleted_with_undo() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let mut talk = Preset::Laptop.recipe();
    talk.train.k_g = 2;
    let first = earlier_run(&runs, "first", &Preset::Laptop.recipe());
    earlier_run(&runs, "second", &talk);
    fs::create_dir(runs.join("damaged")).unwrap();
    fs::write(runs.join("damaged/run.toml"), "not = [toml").unwrap();
    let mut test = open_in(folder, true, SIZE, |_| {}, |_| {});
    test.harness.state_mut().apply(Action::Command(UiCommand::GoRuns));
    test.until("the runs are listed", |window| shows(window, "second"));
    assert!(shows(&test.harness, "Cannot be opened"));

    for name in ["Compare first", "Compare second"] {
        test.harness.get_by_label(name).click();
        test.harness.run_steps(3);
    }
    assert!(shows(&test.harness, "Differences"));
    assert!(shows(&test.harness, "G updates per step (k_G)"));

    test.harness.state_mut().apply(Action::Rename(first.clone(), "baseline".into()));
    test.until("the new name is listed", |window| shows(window, "baseline"));

    test.harness.state_mut().apply(Action::AskTrash(first.clone()));
    test.harness.run_steps(3);
    assert!(first.exists(), "nothing is deleted before the confirmation");
    test.harness.get_by_label("Delete").click();
    test.harness.run_steps(3);
    assert!(!first.exists());
    test.harness.get_by_label("Undo").click();
    test.harness.run_steps(3);
    assert!(first.exists());
}

#[test]
fn the_model_of_an_earlier_run_inspects_parts() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let run = earlier_run(&runs, "first", &Preset::Laptop.recipe());
    earlier_run(&runs, "second", &Preset::Laptop.recipe());
    let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/turned.ganspect");
    fs::copy(built_in, run.join(MODEL_FILE)).unwrap();
    let mut test = open_in(folder, true, SIZE, |_| {}, |_| {});
    test.harness.state_mut().apply(Action::Command(UiCommand::GoRuns));
    test.until("the runs are listed", |window| shows(window, "second"));

    let inspect = "Inspect with its model";
    test.harness.get_by_label("second").click();
    test.harness.run_steps(3);
    assert!(!shows(&test.harness, inspect), "this run has no model");
    test.harness.get_by_label("first").click();
    test.harness.run_steps(3);
    test.harness.get_by_label(inspect).click();
    test.until("the model is active", |window| {
        let model = &window.state().state().inspection.status.read().model;
        matches!(model, ModelState::Ready(facts) if facts.path.as_ref() == Some(&run.join(MODEL_FILE)))
    });
    assert_eq!(test.harness.state().page(), PageId::Inspect);
}

#[test]
fn an_earlier_run_is_overlaid_on_the_curves() {
    let folder = tempfile::tempdir().unwrap();
    let run = earlier_run(&folder.path().join("runs"), "first", &Preset::Laptop.recipe());
    let mut test =
        open_in(folder, true, SIZE, |state| harness::run(state, TrainingPhase::Paused, 40, Health::Good), |_| {});
    test.harness.state_mut().apply(Action::Overlay(run.clone(), true));
    test.until("the curves are read", |window| window.state().overlays().len() == 1);
    let overlay = &test.harness.state().overlays()[0];
    assert_eq!((overlay.name.as_str(), overlay.history.len()), ("first", 20));
    test.harness.state_mut().apply(Action::Overlay(run, false));
    assert!(test.harness.state().overlays().is_empty());
}

/// Returns a recipe with networks so small that a step takes a few milliseconds.
fn tiny() -> Recipe {
    let mut recipe = Preset::Laptop.recipe();
    recipe.model.size = 32;
    recipe.model.latent_size = 8;
    recipe.train.batch = 2;
    recipe.train.preview_every = 5;
    recipe.train.steps = 100_000;
    recipe
}

#[test]
fn a_run_is_started_adjusted_paused_stepped_closed_and_resumed() {
    let mut test = open(true, SIZE, |_| {});
    let out = test.path("runs/tiny");
    let parts = test.path("parts");
    write_set(
        &parts,
        SurfaceKind::Turned,
        3,
        SetSize { train: 8, test_good: 1, test_per_defect: 1, side: 64 },
        &|_, _| true,
    )
    .unwrap();
    let start = Action::Start {
        source: DataSource::Folder(parts),
        opened: None,
        recipe: Box::new(tiny()),
        out: Some(out.clone()),
    };
    test.harness.state_mut().apply(start);
    let status = |window: &Window| window.state().state().training.status.read().clone();
    test.until("steps are done", |window| status(window).step >= 5);
    assert_eq!(test.harness.state().settings().last_run.as_deref(), Some(out.as_path()));

    test.harness.state_mut().apply(Action::Knob { key: "train.k_g", value: toml::Value::Integer(3) });
    test.until("the knob has taken effect", |window| status(window).recipe.is_some_and(|r| r.train.k_g == 3));
    let marks = test.harness.state().state().training.history.read().marks.clone();
    assert!(marks.iter().any(|m| m.text.contains("k_G")), "{marks:?}");
    press(&mut test, Modifiers::COMMAND, Key::Z);
    test.until("the knob is reset", |window| status(window).recipe.is_some_and(|r| r.train.k_g == 1));

    // A knob of the architecture cannot be changed, and a notice says why.
    test.harness.state_mut().apply(Action::Knob { key: "model.size", value: toml::Value::Integer(64) });
    assert_eq!(test.harness.state().recipe().model.size, 32);
    assert!(test.harness.state().notices().last().unwrap().contains("fixed once a run has started"));

    press(&mut test, Modifiers::NONE, Key::Space);
    test.until("the run is paused", |window| status(window).phase == TrainingPhase::Paused);
    let paused = status(&test.harness).step;
    press(&mut test, Modifiers::NONE, Key::B);
    test.until("one step is done", |window| {
        let status = status(window);
        status.phase == TrainingPhase::Paused && status.step == paused + 1
    });
    test.harness.state_mut().apply(Action::engine(ganspect::engine::TrainingRequest::Step(Update::G)));
    let grid = test.path("grid");
    test.harness.state_mut().apply(Action::SaveGrid(grid.clone()));
    assert!(grid.with_extension("png").is_file());

    test.harness.state_mut().apply(Action::Command(UiCommand::Stop));
    test.until("the run is closed", |window| status(window).phase == TrainingPhase::Idle);
    assert!(shows(&test.harness, "Continue last run"));
    let logged = RunLog::read(&out).unwrap().scalars[Metric::GLoss.tag()].len();
    assert!(logged as u64 >= paused);

    test.harness.state_mut().apply(Action::Command(UiCommand::ContinueLast));
    test.until("it continues where it stopped", |window| {
        let status = status(window);
        status.phase == TrainingPhase::Running && status.step > paused + 1
    });
    let history = test.harness.state().state().training.history.read().clone();
    assert_eq!(history.steps.first(), Some(&1), "the earlier curves are restored");
}
