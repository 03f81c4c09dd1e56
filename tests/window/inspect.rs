//! The Inspect workspace in the window: what it shows, and its response to drops, pastes and keys.

use std::{fs, path::PathBuf, sync::Arc};

use egui::{Key, Modifiers};
use egui_kittest::{
    SnapshotResults,
    kittest::{NodeT, Queryable},
};
use ganspect::{
    data::{ImageGrid, surface::DefectKind},
    engine::{
        InspectionRequest,
        inspection::{ModelFacts, ModelState, NearestNeighbours, QueryEntry, QueryState, QueryView},
    },
    inspect::{Assessment, InvertKnobs, KeptFrame, Planes, critic::neighbours::CropOrigin},
    train::Recipe,
    ui::{Action, PageId, UiCommand},
};

use crate::{
    harness::{Dropped, SIZE, Stage, Window, open, open_in, point, press, shows},
    inspected,
    inspected::{STEPS, STRIDE, entry, failed, model, query},
};

fn show(stage: &mut Stage) {
    stage.harness.state_mut().apply(Action::Command(UiCommand::GoInspect));
    stage.harness.run_steps(3);
}

fn drop_files(stage: &mut Stage, paths: &[PathBuf]) {
    for path in paths {
        stage.harness.input_mut().dropped_files.push(Arc::new(Dropped(path.clone())));
    }
    stage.harness.run_steps(3);
}

fn picture_file(stage: &Stage, name: &str) -> PathBuf {
    let path = stage.path(name);
    let grey = image::GrayImage::from_fn(32, 32, |x, y| image::Luma([(x * 7 + y) as u8]));
    grey.save(&path).unwrap();
    path
}

/// Returns the name of the selected query.
fn current(stage: &Stage) -> Option<String> {
    let mut rows = stage.harness.query_all_by_role(egui::accesskit::Role::ListBoxOption);
    let row = rows.find(|node| node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True))?;
    row.accesskit_node().label().map(|label| label.split(',').next().unwrap_or_default().to_owned())
}

#[test]
fn the_empty_page_says_what_goes_there() {
    let mut results = SnapshotResults::new();
    let mut stage = open(true, SIZE, |_| {});
    show(&mut stage);
    for title in ["Open images to inspect…", "Open a model…", "Try the built-in model"] {
        assert!(shows(&stage.harness, title), "{title}");
    }
    assert!(!shows(&stage.harness, "Use current run"));
    stage.snapshot("inspect_empty", &mut results);
}

#[test]
fn the_convergence_is_shown() {
    let mut results = SnapshotResults::new();
    let mut stage = open(true, SIZE, |live| {
        model(live);
        query(live, "part-0041.png", None, 1, STEPS, 1);
        let waiting = entry("part-0042.png", QueryState::Waiting);
        live.inspection.status.write().entries.push(Arc::new(waiting));
        query(live, "part-0043.png", Some(DefectKind::Scratch), 3, 18, 4);
    });
    show(&mut stage);
    assert!(shows(&stage.harness, "Running, 30 %"));
    assert!(shows(&stage.harness, "Reconstruction · step 18"));
    stage.snapshot("inspect_converging", &mut results);
}

#[test]
fn a_healthy_part_is_reported_as_healthy() {
    let mut results = SnapshotResults::new();
    let mut stage = open(true, SIZE, |live| {
        model(live);
        query(live, "part-0043.png", Some(DefectKind::Pit), 3, STEPS, 1);
        query(live, "part-0041.png", None, 1, STEPS, 4);
    });
    show(&mut stage);
    assert!(shows(&stage.harness, "HEALTHY"));
    assert!(shows(&stage.harness, "healthy parts score"));
    stage.snapshot("inspect_healthy", &mut results);
}

#[test]
fn a_defective_part_is_shown_with_the_basis_of_its_verdict() {
    let mut results = SnapshotResults::new();
    for (dark, name) in [(true, "inspect_defective"), (false, "inspect_defective_light")] {
        let mut stage = open(dark, SIZE, |live| {
            model(live);
            query(live, "part-0041.png", None, 1, STEPS, 1);
            failed(live);
            query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
        });
        show(&mut stage);
        assert!(shows(&stage.harness, "DEFECTIVE"));
        assert!(shows(&stage.harness, "At most 1 in 40 healthy parts would score this high"));
        assert!(shows(&stage.harness, "39 held-out healthy images"));
        stage.snapshot(name, &mut results);
    }
}

#[test]
fn nearest_neighbours_are_shown_beside_the_highest_scoring_crop() {
    let mut results = SnapshotResults::new();
    let mut stage = open(true, SIZE, |live| {
        model(live);
        let id = query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
        let crop = |defect, index: u64| {
            let picture = inspected::planes(defect, index);
            let level = move |x: usize, y: usize| ((picture.at(32 + x, 40 + y, 0) + 1.0) * 127.5) as u8;
            (0..64 * 64).map(move |i| level(i % 64, i / 64)).collect::<Vec<u8>>()
        };
        let mut pixels = crop(Some(DefectKind::Scratch), 3);
        (4..7).for_each(|i| pixels.extend(crop(None, i)));
        let origin = |i: usize| CropOrigin { image: format!("good-{i}.png"), x: 8 * i, y: 16 };
        let nearest = NearestNeighbours {
            images: ImageGrid { count: 4, side: 64, channels: 1, pixels },
            corner: (32, 40),
            neighbours: (1..4).map(|i| (origin(i), 0.25 * i as f32)).collect(),
        };
        let mut views = live.inspection.views.write();
        let view = views.get_mut(&id).unwrap();
        *view = Arc::new(QueryView { neighbours: Some(Arc::new(nearest)), ..QueryView::clone(view) });
    });
    show(&mut stage);
    for label in [
        "Most similar healthy crops",
        "Highest-scoring location of this image, at x 32, y 40",
        "good-1.png, at x 8, y 16; distance 0.250",
        "good-3.png, at x 24, y 16",
    ] {
        assert!(shows(&stage.harness, label), "{label}");
    }
    stage.snapshot("inspect_alike", &mut results);
    // A query without neighbours shows none.
    press(&mut stage, Modifiers::NONE, Key::Delete);
    assert!(!shows(&stage.harness, "Most similar"));
}

#[test]
fn every_map_can_be_shown() {
    let mut results = SnapshotResults::new();
    let mut stage = open(true, SIZE, |live| {
        model(live);
        query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
    });
    show(&mut stage);
    for (title, unit) in [
        ("Signed difference", "per px"),
        ("Feature residual", "per px"),
        ("Critic", "σ"),
        ("Critic distance", "σ"),
        ("Difference", "per px"),
        ("Critic distance", "σ"),
    ] {
        stage.choose("Map", title);
        assert!(shows(&stage.harness, &format!("{title}; arrow keys pan")), "{title}");
        assert!(stage.harness.query_by_label(unit).is_some(), "{title} is in {unit}");
    }
    stage.snapshot("inspect_distance", &mut results);
}

#[test]
fn it_fits_the_smallest_window() {
    for size in [[1024.0, 640.0], [1920.0, 1080.0]] {
        let mut stage = open(true, size, |live| {
            model(live);
            query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
        });
        show(&mut stage);
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        for label in ["Image ·", "Displayed step", "DEFECTIVE", "Map", "Loss by step"] {
            let nodes: Vec<egui::Rect> = stage.harness.query_all_by_label_contains(label).map(|n| n.rect()).collect();
            assert!(nodes.iter().any(|r| window.contains_rect(*r) && r.width() > 4.0), "{label} at {size:?}");
        }
    }
}

#[test]
fn dropped_images_go_on_the_list_whatever_page_is_on_show() {
    let mut stage = open(true, SIZE, |_| {});
    let one = picture_file(&stage, "one.png");
    drop_files(&mut stage, &[one]);
    assert_eq!(stage.harness.state().page(), PageId::Inspect);
    assert!(shows(&stage.harness, "one.png"));
    stage.harness.state_mut().apply(Action::Command(UiCommand::GoRuns));
    let many: Vec<PathBuf> = (0..5).map(|i| picture_file(&stage, &format!("part-{i}.png"))).collect();
    drop_files(&mut stage, &many);
    assert_eq!(stage.harness.state().page(), PageId::Inspect);
    for i in 0..5 {
        assert!(shows(&stage.harness, &format!("part-{i}.png,")));
    }
    assert_eq!(current(&stage).as_deref(), Some("part-0.png"), "the first is inspected first");
}

#[test]
fn a_dropped_folder_is_imported_or_inspected_by_the_page_on_show() {
    let mut stage = open(true, SIZE, |_| {});
    let folder = stage.path("parts");
    fs::create_dir_all(folder.join("deep")).unwrap();
    for name in ["b.png", "a.PNG", "deep/c.png"] {
        fs::copy(picture_file(&stage, "x.png"), folder.join(name)).unwrap();
    }
    fs::write(folder.join("notes.txt"), "no image").unwrap();
    show(&mut stage);
    drop_files(&mut stage, std::slice::from_ref(&folder));
    stage.until("the folder's images are listed", |window| shows(window, "c.png,"));
    assert!(shows(&stage.harness, "a.PNG,") && shows(&stage.harness, "b.png,"));
    assert!(!shows(&stage.harness, "notes.txt"));
    assert_eq!(stage.harness.state().page(), PageId::Inspect);

    stage.harness.state_mut().apply(Action::Command(UiCommand::GoTrain));
    drop_files(&mut stage, &[folder]);
    assert_eq!(stage.harness.state().page(), PageId::Train);

    let bare = stage.path("bare");
    fs::create_dir(&bare).unwrap();
    show(&mut stage);
    drop_files(&mut stage, &[bare]);
    stage.until("the notice on no images", |window| {
        window.state().notices().any(|text| text.contains("No image found in") && text.contains("bare"))
    });
}

#[test]
fn a_dropped_model_opens_and_adds_no_image() {
    let mut stage = open(true, SIZE, |_| {});
    let file = stage.path("turned.ganspect");
    fs::write(&file, b"no model").unwrap();
    drop_files(&mut stage, &[file]);
    assert_eq!(stage.harness.state().page(), PageId::Inspect);
    assert_eq!(current(&stage), None);
}

#[test]
fn pictures_and_paths_are_pasted() {
    let mut stage = open(true, SIZE, |_| {});
    show(&mut stage);
    let image = egui::ColorImage::filled([8, 8], egui::Color32::from_gray(90));
    stage.harness.event(egui::Event::PasteImage(Arc::new(image)));
    stage.harness.run_steps(3);
    assert_eq!(current(&stage).as_deref(), Some("Pasted image"));
    let file = picture_file(&stage, "from-path.png");
    stage.harness.event(egui::Event::Paste(format!("{}\n/nowhere/at/all.png", file.display())));
    stage.harness.run_steps(3);
    assert_eq!(current(&stage).as_deref(), Some("from-path.png"));
    assert!(!shows(&stage.harness, "all.png"));
    stage.harness.event(egui::Event::Paste("just words".into()));
    stage.harness.run_steps(3);
    assert_eq!(current(&stage).as_deref(), Some("from-path.png"));
}

#[test]
fn an_unreadable_file_is_reported_with_a_remedy() {
    let mut stage = open(true, SIZE, |live| {
        model(live);
        failed(live);
    });
    show(&mut stage);
    assert!(shows(&stage.harness, "This image could not be inspected"));
    assert!(shows(&stage.harness, "/parts/torn.png: the PNG ends in the middle of its data; copy the file again."));
    // Commands that do not apply are disabled.
    assert!(!UiCommand::InspectStop.enabled(&facts(&stage)));
    assert!(!UiCommand::InspectExport.enabled(&facts(&stage)));
    press(&mut stage, Modifiers::NONE, Key::Delete);
    assert_eq!(current(&stage), None);
}

/// Returns the command context of the Inspect page.
fn facts(stage: &Stage) -> ganspect::ui::CommandContext {
    let live = Arc::clone(stage.harness.state().state());
    let status = live.inspection.status.read();
    let state = status.entries.last().map(|e| e.state.clone());
    ganspect::ui::CommandContext {
        page: PageId::Inspect,
        model: true,
        query: ganspect::ui::QueryContext {
            any: state.is_some(),
            running: matches!(state, Some(QueryState::Running | QueryState::Paused)),
            finished: matches!(state, Some(QueryState::Done | QueryState::Stopped)),
            ..Default::default()
        },
        ..Default::default()
    }
}

#[test]
fn the_keyboard_goes_through_the_list() {
    let mut stage = open(true, SIZE, |live| {
        model(live);
        for i in 0..4_000 {
            let item = entry(&format!("part-{i:04}.png"), QueryState::Waiting);
            live.inspection.status.write().entries.push(Arc::new(item));
        }
    });
    show(&mut stage);
    assert_eq!(current(&stage).as_deref(), Some("part-3999.png"), "the newest is selected and in sight");
    press(&mut stage, Modifiers::NONE, Key::ArrowUp);
    press(&mut stage, Modifiers::NONE, Key::ArrowUp);
    assert_eq!(current(&stage).as_deref(), Some("part-3997.png"));
    press(&mut stage, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(current(&stage).as_deref(), Some("part-3998.png"));
    for _ in 0..30 {
        stage.harness.key_press_modifiers(Modifiers::NONE, Key::ArrowUp);
        stage.harness.step();
    }
    stage.harness.run_steps(3);
    assert_eq!(current(&stage).as_deref(), Some("part-3968.png"), "the list scrolls along");
    let rows = stage.harness.query_all_by_role(egui::accesskit::Role::ListBoxOption).count();
    assert!(rows < 40, "{rows} rows are drawn, only those in sight are needed");
}

#[test]
fn the_scrubber_drives_the_pictures_and_the_film_plays_to_its_end() {
    let mut stage = open(true, SIZE, |live| {
        model(live);
        query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
    });
    show(&mut stage);
    assert!(shows(&stage.harness, "Reconstruction · step 60"));
    press(&mut stage, Modifiers::NONE, Key::ArrowLeft);
    assert!(shows(&stage.harness, "Reconstruction · step 57"));
    press(&mut stage, Modifiers::NONE, Key::ArrowRight);
    assert!(shows(&stage.harness, "Reconstruction · step 60"));
    stage.harness.get_by_label("Displayed step").focus();
    stage.harness.run_steps(2);
    press(&mut stage, Modifiers::NONE, Key::ArrowLeft);
    assert!(shows(&stage.harness, "Reconstruction · step 57"), "the slider itself moves it too");

    stage.harness.state_mut().apply(Action::Command(UiCommand::FramePlay));
    let mut seen = Vec::new();
    for _ in 0..200 {
        stage.harness.step();
        // The pane's accessible name continues with its keys.
        let shown = |step: &usize| shows(&stage.harness, &format!("Reconstruction · step {step};"));
        seen.extend((0..=STEPS).step_by(STRIDE).find(shown));
    }
    assert_eq!(seen.last(), Some(&STEPS), "{seen:?}");
    assert!(seen.windows(2).all(|w| w[0] <= w[1]), "the film runs forwards: {seen:?}");
}

#[test]
fn the_layout_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let layout = r#"{"list":false,"triptych":{"map":"signed","opacity":0.25,"overlay":true}}"#;
    let mut stage = open_in(
        folder,
        true,
        SIZE,
        |live| {
            model(live);
            query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
        },
        |settings| {
            settings.layouts.insert("inspect".into(), layout.into());
        },
    );
    show(&mut stage);
    assert!(shows(&stage.harness, "Image with signed difference"));
    assert!(shows(&stage.harness, "Show image list"));
    press(&mut stage, Modifiers::NONE, Key::O);
    assert!(!shows(&stage.harness, "Image with signed difference"));
}

#[test]
fn keys_apply_to_the_inspection_on_its_page_and_to_training_elsewhere() {
    let mut stage = open(true, SIZE, |live| {
        model(live);
        query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
    });
    show(&mut stage);
    press(&mut stage, Modifiers::COMMAND, Key::O);
    assert!(shows(&stage.harness, "Type or paste the path."));
    assert!(shows(&stage.harness, "Open images to inspect"));
    press(&mut stage, Modifiers::NONE, Key::Escape);
    stage.harness.state_mut().apply(Action::Command(UiCommand::GoTrain));
    stage.harness.run_steps(3);
    press(&mut stage, Modifiers::COMMAND, Key::O);
    assert!(shows(&stage.harness, "Open a folder of healthy images"));
    assert!(!shows(&stage.harness, "Open images to inspect"));
}

#[test]
fn without_a_calibration_there_is_a_button_and_no_verdict() {
    let mut stage = open(true, SIZE, |live| {
        model(live);
        query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
        let mut status = live.inspection.status.write();
        let ModelState::Ready(facts) = &status.model else { panic!() };
        let bare = ModelFacts { calibrations: Arc::new(Vec::new()), ..(**facts).clone() };
        status.model = ModelState::Ready(Arc::new(bare));
        status.rate_refused = Some("20 held-out healthy images cannot promise that".into());
        let last = status.entries.pop().unwrap();
        status.entries.push(Arc::new(QueryEntry { assessment: None::<Assessment>, ..(*last).clone() }));
    });
    show(&mut stage);
    assert!(shows(&stage.harness, "This model is not calibrated for these settings."));
    assert!(shows(&stage.harness, "Calibrate"));
    assert!(shows(&stage.harness, "No verdict"));
    assert!(shows(&stage.harness, "Difference · not calibrated"));
    assert!(shows(&stage.harness, "20 held-out healthy images cannot promise that."));
    stage.harness.state().state().inspection.status.write().calibrating = Some((3, 20));
    stage.harness.run_steps(3);
    assert!(shows(&stage.harness, "Calibrating, 3 of 20 held-out images"));
    assert!(shows(&stage.harness, "Cancel"));
}

#[test]
fn an_export_writes_its_parts_and_says_where() {
    let mut stage = open(true, SIZE, |live| {
        model(live);
        query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
    });
    show(&mut stage);
    let dir = stage.path("out");
    stage.harness.state_mut().apply(Action::ExportInspection { ids: Vec::new(), dir: dir.clone() });
    stage.until("the export notice", |window| {
        window.state().notices().any(|text| text.contains("part-0043.png saved to"))
    });
    for name in ["part-0043-triptych.png", "part-0043-convergence.png", "part-0043.json", "part-0043-difference.tiff"] {
        assert!(fs::metadata(dir.join(name)).is_ok_and(|m| m.len() > 100), "{name}");
    }
    // Without a result there is nothing to write, and a notice says so.
    press(&mut stage, Modifiers::NONE, Key::Delete);
    stage.harness.state_mut().apply(Action::ExportInspection { ids: Vec::new(), dir });
    assert!(stage.harness.state().notices().any(|text| text.contains("There is nothing to export yet")));
}

/// Whether the region menu has regions to delete.
fn has_regions(stage: &mut Stage) -> bool {
    stage.harness.get_by_label("Regions").click();
    stage.harness.run_steps(2);
    let any = !stage.harness.get_by_label("Delete all regions").accesskit_node().is_disabled();
    press(stage, Modifiers::NONE, Key::Escape);
    any
}

#[test]
fn a_region_is_drawn_over_the_image_and_undone() {
    let mut stage = open(true, SIZE, |live| {
        model(live);
        query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
    });
    show(&mut stage);
    assert!(!has_regions(&mut stage));
    let tool = |stage: &mut Stage, title: &str| {
        stage.harness.get_by_label("Regions").click();
        stage.harness.run_steps(2);
        stage.harness.get_by_label(title).click();
        stage.harness.run_steps(2);
    };
    tool(&mut stage, "Inspect only a rectangle");
    assert!(shows(&stage.harness, "Drag a rectangle over the image"));
    point(&mut stage, [280.0, 230.0], Some(true));
    point(&mut stage, [380.0, 320.0], None);
    point(&mut stage, [380.0, 320.0], Some(false));
    assert!(has_regions(&mut stage));
    press(&mut stage, Modifiers::COMMAND, Key::Z);
    assert!(!has_regions(&mut stage));

    tool(&mut stage, "Ignore a polygon");
    for corner in [[280.0, 230.0], [380.0, 240.0], [330.0, 330.0]] {
        point(&mut stage, corner, Some(true));
        point(&mut stage, corner, Some(false));
    }
    press(&mut stage, Modifiers::NONE, Key::Enter);
    assert!(has_regions(&mut stage));
    // A click selects it, and Delete removes it instead of the image.
    point(&mut stage, [330.0, 270.0], Some(true));
    point(&mut stage, [330.0, 270.0], Some(false));
    press(&mut stage, Modifiers::NONE, Key::Delete);
    assert!(!has_regions(&mut stage));
    assert_eq!(current(&stage).as_deref(), Some("part-0043.png"));

    tool(&mut stage, "Inspect only a polygon");
    point(&mut stage, [280.0, 230.0], Some(true));
    point(&mut stage, [280.0, 230.0], Some(false));
    press(&mut stage, Modifiers::NONE, Key::Escape);
    assert!(!shows(&stage.harness, "Click to add corners"));
    assert!(!has_regions(&mut stage));
}

#[test]
fn a_large_image_is_shown_in_several_textures_without_a_stall() {
    let side = 2_304; // larger than the texture size that every device supports
    let mut stage = open(true, SIZE, move |live| {
        model(live);
        let values = (0..side * side).map(|i| ((i % side) as f32 / side as f32) * 2.0 - 1.0).collect();
        let query = Arc::new(Planes::new(side, side, 1, values).unwrap());
        let kept = KeptFrame { step: 0, pixels: vec![32_768; side * side].into() };
        let item = QueryEntry { size: Some((side, side)), ..entry("large.png", QueryState::Running) };
        let view = QueryView { query, frames: vec![kept], records: Arc::default(), outcome: None, neighbours: None };
        live.inspection.views.write().insert(item.id, Arc::new(view));
        live.inspection.status.write().entries.push(Arc::new(item));
    });
    show(&mut stage);
    let parts = |window: &Window, name: &str| {
        let textures = window.ctx.tex_manager();
        let textures = textures.read();
        textures.allocated().filter(|(_, meta)| meta.name == name).map(|(_, meta)| meta.size[0]).collect::<Vec<_>>()
    };
    // The whole image is reduced to about the screen's resolution.
    stage.until("the reduced image", |window| parts(window, "map").len() == 1);
    assert!(shows(&stage.harness, "maximum of 8 × 8"));
    assert_eq!(parts(&stage.harness, "map"), [side / 8]);
    press(&mut stage, Modifiers::NONE, Key::Num1);
    stage.until("the full image in parts", |window| parts(window, "map").len() == 4);
    assert!(parts(&stage.harness, "map").iter().all(|width| *width <= 2_048));
}

/// Returns the newest query on the compute thread's list.
fn newest(window: &Window) -> Option<Arc<QueryEntry>> {
    window.state().state().inspection.status.read().entries.last().cloned()
}

#[test]
fn a_dropped_image_is_inspected_stopped_and_inspected_again() {
    let mut stage = open(true, SIZE, |_| {});
    let mut recipe = Recipe::default();
    for assignment in [
        "model.size=32",
        "model.latent_size=8",
        "train.batch=4",
        "train.steps=2",
        "encoder.steps=2",
        "encoder.batch=4",
        "critic.steps=2",
        "critic.batch=4",
        "data.holdout=0.06",
    ] {
        recipe.assign(assignment).unwrap();
    }
    let (source, recipe) = ("surface:turned".parse().unwrap(), Box::new(recipe));
    let run = stage.path("run");
    stage.harness.state_mut().apply(Action::Start { source, opened: None, recipe, out: Some(run.clone()) });
    let ready = |window: &Window| matches!(window.state().state().inspection.status.read().model, ModelState::Ready(_));
    stage.until("the run's model is active", ready);
    stage.harness.step();
    assert_eq!(stage.harness.state().settings().last_model, Some(run.join("model.ganspect")));

    let part = picture_file(&stage, "part.png");
    drop_files(&mut stage, std::slice::from_ref(&part));
    stage.until("the verdict", |window| newest(window).is_some_and(|e| e.assessment.is_some()));
    stage.harness.run_steps(2);
    assert!(shows(&stage.harness, "healthy parts score") || shows(&stage.harness, "healthy parts would score"));
    assert!(shows(&stage.harness, "held-out healthy images, which can promise"));

    // An endless inspection is paused, resumed and stopped by its keys, and then restarted.
    let knobs = InvertKnobs { steps: 100_000, plateau: 0, ..InvertKnobs::default() };
    let change = InspectionRequest::SetKnobs(Box::new(knobs));
    stage.harness.state_mut().apply(Action::engine(change));
    drop_files(&mut stage, &[part]);
    stage.until("z is being optimised", |window| {
        newest(window).is_some_and(|e| e.state == QueryState::Running && e.step > 2)
    });
    press(&mut stage, Modifiers::NONE, Key::Space);
    stage.until("it is paused", |window| newest(window).is_some_and(|e| e.state == QueryState::Paused));
    stage.harness.run_steps(2);
    assert!(shows(&stage.harness, "Paused"));
    press(&mut stage, Modifiers::NONE, Key::Space);
    press(&mut stage, Modifiers::NONE, Key::S);
    let ended = |window: &Window| {
        newest(window).is_some_and(|e| matches!(e.state, QueryState::Done | QueryState::Stopped) && e.scores.is_some())
    };
    stage.until("it ends with the result so far", ended);
    stage.harness.run_steps(2);
    assert!(shows(&stage.harness, "No verdict"), "there is no calibration for these knobs");
    assert!(shows(&stage.harness, "Calibrate"));
    press(&mut stage, Modifiers::NONE, Key::R);
    stage.until("it starts again", |window| newest(window).is_some_and(|e| e.state == QueryState::Running));
    press(&mut stage, Modifiers::NONE, Key::Delete);
    stage.until("it is removed", |window| window.state().state().inspection.status.read().entries.len() == 1);
    assert_eq!(current(&stage).as_deref(), Some("part.png"));
}

#[test]
fn the_last_model_is_reopened_and_a_broken_one_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("torn.ganspect");
    fs::write(&file, b"no model").unwrap();
    let remembered = file.clone();
    let adjust = move |settings: &mut ganspect::ui::Settings| settings.last_model = Some(remembered);
    let mut stage = open_in(folder, true, SIZE, |_| {}, adjust);
    show(&mut stage);
    stage.until("the model is refused", |window| {
        matches!(window.state().state().inspection.status.read().model, ModelState::Failed(_))
    });
    stage.harness.run_steps(3);
    assert!(shows(&stage.harness, "torn.ganspect"));
    assert!(shows(&stage.harness, "Try the built-in model"), "the alternatives remain in sight");
}
