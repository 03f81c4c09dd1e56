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
    harness::{Dropped, SIZE, Stage, Window, open, open_in, press, shows, themes},
};

fn type_text(stage: &mut Stage, text: &str) {
    stage.harness.event(egui::Event::Text(text.to_owned()));
    stage.harness.run_steps(3);
}

#[test]
fn the_first_page_offers_surfaces_and_folders() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut stage = open(dark, SIZE, |_| {});
        stage.until("the surfaces are drawn", |window| {
            let textures = window.ctx.tex_manager();
            let textures = textures.read();
            textures.allocated().filter(|(_, meta)| meta.name.starts_with("surface-card")).count()
                == SurfaceKind::ALL.len()
        });
        for kind in SurfaceKind::ALL {
            assert!(shows(&stage.harness, &format!("Train on {}", kind.title())));
        }
        stage.snapshot(&format!("start_{name}"), &mut results);
    }
}

#[test]
fn the_train_workspace_while_training() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut stage = open(dark, SIZE, |live| harness::run(live, TrainingPhase::Running, 640, Health::Good));
        stage.snapshot(&format!("training_{name}"), &mut results);
    }
}

#[test]
fn the_train_workspace_paused_with_an_alarm() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut stage = open(dark, SIZE, |live| harness::run(live, TrainingPhase::Paused, 640, Health::DTooStrong));
        assert!(shows(&stage.harness, Health::DTooStrong.sentence()));
        assert!(shows(&stage.harness, Health::DTooStrong.advice()));
        stage.snapshot(&format!("paused_{name}"), &mut results);
    }
}

#[test]
fn every_page_fits_the_smallest_window_and_the_largest_scale() {
    for scale in [0.8, 2.0] {
        let folder = tempfile::tempdir().unwrap();
        // The size of 1024x640 at this scale.
        let size = [1024.0 / scale, 640.0 / scale];
        let mut stage = open_in(folder, true, size, |_| {}, |settings| settings.scale = 1.0);
        for page in PageId::ALL {
            stage.harness.state_mut().apply(Action::Command(page.command()));
            stage.harness.run_steps(3);
            assert_eq!(stage.harness.state().page(), page);
        }
    }
}

#[test]
fn the_palette_finds_and_runs_a_command() {
    let mut stage = open(true, SIZE, |_| {});
    press(&mut stage, Modifiers::COMMAND, Key::K);
    type_text(&mut stage, "sett");
    assert!(shows(&stage.harness, UiCommand::GoSettings.title()));
    assert!(!shows(&stage.harness, UiCommand::Quit.title()));
    press(&mut stage, Modifiers::NONE, Key::Enter);
    assert_eq!(stage.harness.state().page(), PageId::Settings);
    assert!(!shows(&stage.harness, UiCommand::OpenFolder.title()), "the palette is closed");

    press(&mut stage, Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::P);
    assert!(shows(&stage.harness, UiCommand::Quit.title()));
    press(&mut stage, Modifiers::NONE, Key::Escape);
    assert!(!shows(&stage.harness, UiCommand::Quit.title()));

    // The next shortcut counts, although nothing was drawn in between.
    stage.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    stage.harness.step();
    stage.harness.step();
    stage.harness.key_press_modifiers(Modifiers::NONE, Key::Escape);
    stage.harness.step();
    stage.harness.key_press_modifiers(Modifiers::COMMAND, Key::Num5);
    stage.harness.step();
    assert_eq!(stage.harness.state().page(), PageId::Runs);
}

#[test]
fn the_help_lists_every_command_with_its_keys() {
    let mut stage = open(true, SIZE, |_| {});
    press(&mut stage, Modifiers::NONE, Key::F1);
    assert_eq!(stage.harness.state().page(), PageId::Help);
    for command in UiCommand::all() {
        assert!(shows(&stage.harness, command.title()), "{command:?}");
        assert!(shows(&stage.harness, command.help()), "{command:?}");
    }
}

#[test]
fn pages_are_reached_by_their_keys() {
    let mut stage = open(true, SIZE, |_| {});
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
        press(&mut stage, Modifiers::COMMAND, key);
        assert_eq!(stage.harness.state().page(), page);
    }
}

#[test]
fn no_shortcut_fires_while_text_is_typed() {
    let mut stage = open(true, SIZE, |_| {});
    let path = "Path of a folder or a CSV file";
    stage.harness.get_by_label(path).focus();
    stage.harness.run_steps(2);
    for (modifiers, key) in [(Modifiers::COMMAND, Key::Num2), (Modifiers::NONE, Key::F1), (Modifiers::COMMAND, Key::T)]
    {
        press(&mut stage, modifiers, key);
    }
    type_text(&mut stage, "/parts");
    assert_eq!(stage.harness.state().page(), PageId::Train);
    assert_eq!(stage.harness.get_by_label(path).value().as_deref(), Some("/parts"));
}

#[test]
fn the_keyboard_alone_leads_from_the_first_page_to_training() {
    let mut stage = open(true, SIZE, |_| {});
    let parts = stage.path("parts");
    write_set(
        &parts,
        SurfaceKind::Brushed,
        3,
        SetSize { train: 8, test_good: 1, test_per_defect: 1, side: 64 },
        &|_, _| true,
    )
    .unwrap();

    tab_to(&mut stage, UiCommand::OpenFolder.title());
    press(&mut stage, Modifiers::NONE, Key::Enter);
    // Replaces the suggestion in the field.
    press(&mut stage, Modifiers::COMMAND, Key::A);
    type_text(&mut stage, &parts.display().to_string());
    press(&mut stage, Modifiers::NONE, Key::Enter);
    stage.until("the folder is understood", |window| shows(window, "Train on 8 healthy images"));
    tab_to(&mut stage, "Train on 8 healthy images");
}

/// Presses Tab until the control of this name has the focus.
fn tab_to(stage: &mut Stage, label: &str) {
    for _ in 0..40 {
        if stage.harness.query_all_by_label_contains(label).any(|node| node.accesskit_node().is_focused()) {
            return;
        }
        press(stage, Modifiers::NONE, Key::Tab);
    }
    panic!("Tab never reaches '{label}'");
}

#[test]
fn the_import_page_says_what_it_understood_and_what_it_left_out() {
    let mut stage = open(true, SIZE, |_| {});
    let parts = stage.path("parts");
    write_set(
        &parts,
        SurfaceKind::Milled,
        3,
        SetSize { train: 8, test_good: 2, test_per_defect: 1, side: 64 },
        &|_, _| true,
    )
    .unwrap();
    fs::write(parts.join("train/good/broken.png"), "no image").unwrap();
    stage.harness.state_mut().apply(Action::Import(parts.clone()));
    stage.until("the folder is understood", |window| shows(window, "Train on 8 healthy images"));
    for words in
        ["MVTec AD", "10 healthy images", "64 x 64 pixels", "1 file left out", "broken.png", "The talk", "Copy list"]
    {
        if words == "The talk" {
            assert!(shows(&stage.harness, Preset::Talk2017.title()));
        } else {
            assert!(shows(&stage.harness, words), "{words}");
        }
    }
    assert_eq!(stage.harness.state().settings().recent, [parts]);
    stage.harness.get_by_label("Back").click();
    stage.harness.run_steps(3);
    assert!(shows(&stage.harness, "Train on Turned metal"));
}

#[test]
fn a_dropped_folder_that_cannot_be_used_is_explained_with_a_way_out() {
    let mut stage = open(true, SIZE, |_| {});
    let empty = stage.path("empty");
    fs::create_dir(&empty).unwrap();
    stage.harness.input_mut().dropped_files.push(Arc::new(Dropped(empty.clone())));
    stage.until("the fault is explained", |window| shows(window, "This data cannot be used for training"));
    assert!(shows(&stage.harness, &format!("The folder {} is empty", empty.display())));
    assert!(shows(&stage.harness, "Choose another folder"));
    assert!(stage.harness.state().settings().recent.is_empty());
}

#[test]
fn recipes_go_out_and_come_back_through_files() {
    let mut stage = open(true, SIZE, |_| {});
    let file = stage.path("talk.toml");
    let app = stage.harness.state_mut();
    app.apply(Action::Recipe(Box::new(Preset::Talk2017.recipe())));
    app.apply(Action::SaveRecipe(file.clone()));
    assert_eq!(Recipe::from_toml(&fs::read_to_string(&file).unwrap()).unwrap(), Preset::Talk2017.recipe());
    app.apply(Action::Command(UiCommand::Undo));
    assert_eq!(*app.recipe(), Preset::Laptop.recipe());
    app.apply(Action::LoadRecipe(file));
    assert_eq!(*app.recipe(), Preset::Talk2017.recipe());

    let bad = stage.path("bad.toml");
    fs::write(&bad, "[train]\nkg = 2\n").unwrap();
    let app = stage.harness.state_mut();
    app.apply(Action::LoadRecipe(bad));
    let last = app.notices().last().unwrap();
    assert!(last.contains("bad.toml") && last.contains("'train.k_g'"), "{last}");
    assert_eq!(*app.recipe(), Preset::Talk2017.recipe());
}

#[test]
fn settings_are_there_again_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let mut stage = open_in(folder, true, SIZE, |_| {}, |_| {});
    let app = stage.harness.state_mut();
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

fn earlier_run(runs: &Path, name: &str, recipe: &Recipe) -> PathBuf {
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
fn earlier_runs_are_listed_compared_renamed_and_deleted_with_a_way_back() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let mut talk = Preset::Laptop.recipe();
    talk.train.k_g = 2;
    let first = earlier_run(&runs, "first", &Preset::Laptop.recipe());
    earlier_run(&runs, "second", &talk);
    fs::create_dir(runs.join("damaged")).unwrap();
    fs::write(runs.join("damaged/run.toml"), "not = [toml").unwrap();
    let mut stage = open_in(folder, true, SIZE, |_| {}, |_| {});
    stage.harness.state_mut().apply(Action::Command(UiCommand::GoRuns));
    stage.until("the runs are listed", |window| shows(window, "second"));
    assert!(shows(&stage.harness, "Cannot be opened"));

    for name in ["Compare first", "Compare second"] {
        stage.harness.get_by_label(name).click();
        stage.harness.run_steps(3);
    }
    assert!(shows(&stage.harness, "Recipe differences"));
    assert!(shows(&stage.harness, "G updates per step (k_G)"));

    stage.harness.state_mut().apply(Action::Rename(first.clone(), "baseline".into()));
    stage.until("the new name is listed", |window| shows(window, "baseline"));

    stage.harness.state_mut().apply(Action::AskTrash(first.clone()));
    stage.harness.run_steps(3);
    assert!(first.exists(), "nothing happens before the answer");
    stage.harness.get_by_label("Delete").click();
    stage.harness.run_steps(3);
    assert!(!first.exists());
    stage.harness.get_by_label("Undo").click();
    stage.harness.run_steps(3);
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
    let mut stage = open_in(folder, true, SIZE, |_| {}, |_| {});
    stage.harness.state_mut().apply(Action::Command(UiCommand::GoRuns));
    stage.until("the runs are listed", |window| shows(window, "second"));

    let inspect = "Inspect with its model";
    stage.harness.get_by_label("second").click();
    stage.harness.run_steps(3);
    assert!(!shows(&stage.harness, inspect), "it has made none");
    stage.harness.get_by_label("first").click();
    stage.harness.run_steps(3);
    stage.harness.get_by_label(inspect).click();
    stage.until("the model is active", |window| {
        let model = &window.state().state().inspection.status.read().model;
        matches!(model, ModelState::Ready(facts) if facts.path.as_ref() == Some(&run.join(MODEL_FILE)))
    });
    assert_eq!(stage.harness.state().page(), PageId::Inspect);
}

#[test]
fn an_earlier_run_is_laid_over_the_curves() {
    let folder = tempfile::tempdir().unwrap();
    let run = earlier_run(&folder.path().join("runs"), "first", &Preset::Laptop.recipe());
    let mut stage =
        open_in(folder, true, SIZE, |live| harness::run(live, TrainingPhase::Paused, 40, Health::Good), |_| {});
    stage.harness.state_mut().apply(Action::Overlay(run.clone(), true));
    stage.until("the curves are read", |window| window.state().overlays().len() == 1);
    let overlay = &stage.harness.state().overlays()[0];
    assert_eq!((overlay.name.as_str(), overlay.history.len()), ("first", 20));
    stage.harness.state_mut().apply(Action::Overlay(run, false));
    assert!(stage.harness.state().overlays().is_empty());
}

/// Networks so small that a step takes a few milliseconds.
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
fn a_run_is_started_turned_paused_stepped_closed_and_taken_up_again() {
    let mut stage = open(true, SIZE, |_| {});
    let out = stage.path("runs/tiny");
    let parts = stage.path("parts");
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
    stage.harness.state_mut().apply(start);
    let status = |window: &Window| window.state().state().training.status.read().clone();
    stage.until("steps are done", |window| status(window).step >= 5);
    assert_eq!(stage.harness.state().settings().last_run.as_deref(), Some(out.as_path()));

    stage.harness.state_mut().apply(Action::Knob { key: "train.k_g", value: toml::Value::Integer(3) });
    stage.until("the knob has taken effect", |window| status(window).recipe.is_some_and(|r| r.train.k_g == 3));
    let marks = stage.harness.state().state().training.history.read().marks.clone();
    assert!(marks.iter().any(|m| m.text.contains("k_G")), "{marks:?}");
    press(&mut stage, Modifiers::COMMAND, Key::Z);
    stage.until("the knob is reset", |window| status(window).recipe.is_some_and(|r| r.train.k_g == 1));

    // A knob of the architecture cannot be changed, and the window says why.
    stage.harness.state_mut().apply(Action::Knob { key: "model.size", value: toml::Value::Integer(64) });
    assert_eq!(stage.harness.state().recipe().model.size, 32);
    assert!(stage.harness.state().notices().last().unwrap().contains("fixed once a run has started"));

    press(&mut stage, Modifiers::NONE, Key::Space);
    stage.until("the run is paused", |window| status(window).phase == TrainingPhase::Paused);
    let paused = status(&stage.harness).step;
    press(&mut stage, Modifiers::NONE, Key::B);
    stage.until("one step is done", |window| {
        let status = status(window);
        status.phase == TrainingPhase::Paused && status.step == paused + 1
    });
    stage.harness.state_mut().apply(Action::engine(ganspect::engine::TrainingRequest::Step(Update::G)));
    let grid = stage.path("grid");
    stage.harness.state_mut().apply(Action::SaveGrid(grid.clone()));
    assert!(grid.with_extension("png").is_file());

    stage.harness.state_mut().apply(Action::Command(UiCommand::Stop));
    stage.until("the run is closed", |window| status(window).phase == TrainingPhase::Idle);
    assert!(shows(&stage.harness, "Continue last run"));
    let logged = RunLog::read(&out).unwrap().scalars[Metric::GLoss.tag()].len();
    assert!(logged as u64 >= paused);

    stage.harness.state_mut().apply(Action::Command(UiCommand::ContinueLast));
    stage.until("it continues where it stopped", |window| {
        let status = status(window);
        status.phase == TrainingPhase::Running && status.step > paused + 1
    });
    let history = stage.harness.state().state().training.history.read().clone();
    assert_eq!(history.steps.first(), Some(&1), "the earlier curves are there again");
}
