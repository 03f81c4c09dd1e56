//! The Inspect workspace in the window: what it shows, and its response to drops, pastes and keys.

use std::{fs, path::PathBuf, sync::Arc};

use egui::{Key, Modifiers};
use egui_kittest::{
    SnapshotResults,
    kittest::{NodeT, Queryable},
};
use ganspect::{
    data::{FileHash, ImageGrid, surface::DefectType},
    engine::{
        InspectionRequest,
        inspection::{ModelFacts, ModelState, NearestNeighbours, QueryEntry, QueryState, QueryView},
    },
    inspect::{
        HealthyUse, InvertKnobs, Judged, KeptFrame, NoVerdict, OutlierReport, Planes, ScoredImage, critic::CropOrigin,
    },
    train::Recipe,
    ui::{Action, PageId, UiCommand},
};

use crate::{
    harness::{Dropped, SIZE, TestWindow, Window, open, open_in, point, press, shows},
    inspected,
    inspected::{STEPS, STRIDE, entry, failed, model, query},
};

fn show(test: &mut TestWindow) {
    test.harness.state_mut().apply(Action::Command(UiCommand::GoInspect));
    test.harness.run_steps(3);
}

fn drop_files(test: &mut TestWindow, paths: &[PathBuf]) {
    for path in paths {
        test.harness.input_mut().dropped_files.push(Arc::new(Dropped(path.clone())));
    }
    test.harness.run_steps(3);
}

fn image_file(test: &TestWindow, name: &str) -> PathBuf {
    let path = test.path(name);
    let grey = image::GrayImage::from_fn(32, 32, |x, y| image::Luma([(x * 7 + y) as u8]));
    grey.save(&path).unwrap();
    path
}

/// Returns the name of the selected query.
fn current(test: &TestWindow) -> Option<String> {
    let mut rows = test.harness.query_all_by_role(egui::accesskit::Role::ListBoxOption);
    let row = rows.find(|node| node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True))?;
    row.accesskit_node().label().map(|label| label.split(',').next().unwrap_or_default().to_owned())
}

#[test]
fn the_empty_page_offers_ways_to_start() {
    let mut results = SnapshotResults::new();
    let mut test = open(true, SIZE, |_| {});
    show(&mut test);
    for title in ["Open images to inspect…", "Open a model…", "Try the built-in model"] {
        assert!(shows(&test.harness, title), "{title}");
    }
    assert!(!shows(&test.harness, "Use current run"));
    test.snapshot("inspect_empty", &mut results);
}

#[test]
fn the_convergence_is_shown() {
    let mut results = SnapshotResults::new();
    let mut test = open(true, SIZE, |state| {
        model(state);
        query(state, "part-0041.png", None, 1, STEPS, 1);
        let waiting = entry("part-0042.png", QueryState::Waiting);
        state.inspection.status.write().entries.push(Arc::new(waiting));
        query(state, "part-0043.png", Some(DefectType::Scratch), 3, 18, 4);
    });
    show(&mut test);
    assert!(shows(&test.harness, "Running, 30 %"));
    assert!(shows(&test.harness, "Reconstruction · step 18"));
    test.snapshot("inspect_converging", &mut results);
}

#[test]
fn a_healthy_part_is_reported_as_healthy() {
    let mut results = SnapshotResults::new();
    let mut test = open(true, SIZE, |state| {
        model(state);
        query(state, "part-0043.png", Some(DefectType::Pit), 3, STEPS, 1);
        query(state, "part-0041.png", None, 1, STEPS, 4);
    });
    show(&mut test);
    assert!(shows(&test.harness, "HEALTHY"));
    assert!(shows(&test.harness, "healthy parts score"));
    test.snapshot("inspect_healthy", &mut results);
}

#[test]
fn a_defective_part_is_shown_with_the_basis_of_its_verdict() {
    let mut results = SnapshotResults::new();
    for (dark, name) in [(true, "inspect_defective"), (false, "inspect_defective_light")] {
        let mut test = open(dark, SIZE, |state| {
            model(state);
            query(state, "part-0041.png", None, 1, STEPS, 1);
            failed(state);
            query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
        });
        show(&mut test);
        assert!(shows(&test.harness, "DEFECTIVE"));
        assert!(shows(&test.harness, "At most 1 in 40 healthy parts would score this high"));
        assert!(shows(&test.harness, "39 held-out healthy images"));
        test.snapshot(name, &mut results);
    }
}

#[test]
fn nearest_neighbours_are_shown_beside_the_highest_scoring_crop() {
    let mut results = SnapshotResults::new();
    let mut test = open(true, SIZE, |state| {
        model(state);
        let id = query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
        let crop = |defect, index: u64| {
            let picture = inspected::planes(defect, index);
            let level = move |x: usize, y: usize| ((picture.at(32 + x, 40 + y, 0) + 1.0) * 127.5) as u8;
            (0..64 * 64).map(move |i| level(i % 64, i / 64)).collect::<Vec<u8>>()
        };
        let mut pixels = crop(Some(DefectType::Scratch), 3);
        (4..7).for_each(|i| pixels.extend(crop(None, i)));
        let origin = |i: usize| CropOrigin { image: format!("good-{i}.png"), x: 8 * i, y: 16 };
        let nearest = NearestNeighbours {
            images: ImageGrid { count: 4, side: 64, channels: 1, pixels },
            corner: (32, 40),
            neighbours: (1..4).map(|i| (origin(i), 0.25 * i as f32)).collect(),
        };
        let mut views = state.inspection.views.write();
        let view = views.get_mut(&id).unwrap();
        *view = Arc::new(QueryView { neighbours: Some(Arc::new(nearest)), ..QueryView::clone(view) });
    });
    show(&mut test);
    for label in [
        "Most similar healthy crops",
        "Highest-scoring location of this image, at x 32, y 40",
        "good-1.png, at x 8, y 16; distance 0.250",
        "good-3.png, at x 24, y 16",
    ] {
        assert!(shows(&test.harness, label), "{label}");
    }
    test.snapshot("inspect_nearest_neighbours", &mut results);
    // A query without neighbours shows none.
    press(&mut test, Modifiers::NONE, Key::Delete);
    assert!(!shows(&test.harness, "Most similar"));
}

#[test]
fn every_map_can_be_shown() {
    let mut results = SnapshotResults::new();
    let mut test = open(true, SIZE, |state| {
        model(state);
        query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
    });
    show(&mut test);
    for (title, unit) in [
        ("Signed difference", "per px"),
        ("Feature residual", "per px"),
        ("Critic", "σ"),
        ("Critic distance", "σ"),
        ("Difference", "per px"),
        ("Critic distance", "σ"),
    ] {
        test.choose("Map", title);
        assert!(shows(&test.harness, &format!("{title}; arrow keys pan")), "{title}");
        assert!(test.harness.query_by_label(unit).is_some(), "{title} is in {unit}");
    }
    test.snapshot("inspect_distance", &mut results);
}

#[test]
fn it_fits_the_smallest_window() {
    for size in [[1024.0, 640.0], [1920.0, 1080.0]] {
        let mut test = open(true, size, |state| {
            model(state);
            query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
        });
        show(&mut test);
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        // The curves yield to the images in a low window, and a button shows them.
        let curves = if size[1] < 800.0 { "Show the curves" } else { "Loss by step" };
        for label in ["Image ·", "Displayed step", "DEFECTIVE", "Map", curves] {
            let nodes: Vec<egui::Rect> = test.harness.query_all_by_label_contains(label).map(|n| n.rect()).collect();
            assert!(nodes.iter().any(|r| window.contains_rect(*r) && r.width() > 4.0), "{label} at {size:?}");
        }
    }
}

#[test]
fn dropped_images_are_listed_from_any_page() {
    let mut test = open(true, SIZE, |_| {});
    let one = image_file(&test, "one.png");
    drop_files(&mut test, &[one]);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
    assert!(shows(&test.harness, "one.png"));
    test.harness.state_mut().apply(Action::Command(UiCommand::GoRuns));
    let many: Vec<PathBuf> = (0..5).map(|i| image_file(&test, &format!("part-{i}.png"))).collect();
    drop_files(&mut test, &many);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
    for i in 0..5 {
        assert!(shows(&test.harness, &format!("part-{i}.png,")));
    }
    assert_eq!(current(&test).as_deref(), Some("part-0.png"), "the first is inspected first");
}

#[test]
fn a_dropped_folder_is_imported_or_inspected_depending_on_the_page() {
    let mut test = open(true, SIZE, |_| {});
    let folder = test.path("parts");
    fs::create_dir_all(folder.join("deep")).unwrap();
    for name in ["b.png", "a.PNG", "deep/c.png"] {
        fs::copy(image_file(&test, "x.png"), folder.join(name)).unwrap();
    }
    fs::write(folder.join("notes.txt"), "no image").unwrap();
    show(&mut test);
    drop_files(&mut test, std::slice::from_ref(&folder));
    test.until("the folder's images are listed", |window| shows(window, "c.png,"));
    assert!(shows(&test.harness, "a.PNG,") && shows(&test.harness, "b.png,"));
    assert!(!shows(&test.harness, "notes.txt"));
    assert_eq!(test.harness.state().page(), PageId::Inspect);

    test.harness.state_mut().apply(Action::Command(UiCommand::GoTrain));
    drop_files(&mut test, &[folder]);
    assert_eq!(test.harness.state().page(), PageId::Train);

    let bare = test.path("bare");
    fs::create_dir(&bare).unwrap();
    show(&mut test);
    drop_files(&mut test, &[bare]);
    test.until("the notice on no images", |window| {
        window.state().notices().any(|text| text.contains("No image found in") && text.contains("bare"))
    });
}

#[test]
fn a_dropped_model_opens_and_adds_no_image() {
    let mut test = open(true, SIZE, |_| {});
    let file = test.path("turned.ganspect");
    fs::write(&file, b"not a model").unwrap();
    drop_files(&mut test, &[file]);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
    assert_eq!(current(&test), None);
}

#[test]
fn images_and_paths_are_pasted() {
    let mut test = open(true, SIZE, |_| {});
    show(&mut test);
    let image = egui::ColorImage::filled([8, 8], egui::Color32::from_gray(90));
    test.harness.event(egui::Event::PasteImage(Arc::new(image)));
    test.harness.run_steps(3);
    assert_eq!(current(&test).as_deref(), Some("Pasted image"));
    let file = image_file(&test, "from-path.png");
    test.harness.event(egui::Event::Paste(format!("{}\n/nowhere/at/all.png", file.display())));
    test.harness.run_steps(3);
    assert_eq!(current(&test).as_deref(), Some("from-path.png"));
    assert!(!shows(&test.harness, "all.png"));
    test.harness.event(egui::Event::Paste("just words".into()));
    test.harness.run_steps(3);
    assert_eq!(current(&test).as_deref(), Some("from-path.png"));
}

#[test]
fn an_unreadable_file_is_reported_with_a_remedy() {
    let mut test = open(true, SIZE, |state| {
        model(state);
        failed(state);
    });
    show(&mut test);
    assert!(shows(&test.harness, "This image could not be inspected"));
    assert!(shows(&test.harness, "/parts/torn.png: the PNG ends in the middle of its data; copy the file again."));
    // Commands that do not apply are disabled.
    assert!(!UiCommand::InspectStop.enabled(&facts(&test)));
    assert!(!UiCommand::InspectExport.enabled(&facts(&test)));
    press(&mut test, Modifiers::NONE, Key::Delete);
    assert_eq!(current(&test), None);
}

/// Returns the command context of the Inspect page.
fn facts(test: &TestWindow) -> ganspect::ui::CommandContext {
    let state = Arc::clone(test.harness.state().state());
    let status = state.inspection.status.read();
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
fn the_keyboard_selects_images_in_the_list() {
    let mut test = open(true, SIZE, |state| {
        model(state);
        for i in 0..4_000 {
            let item = entry(&format!("part-{i:04}.png"), QueryState::Waiting);
            state.inspection.status.write().entries.push(Arc::new(item));
        }
    });
    show(&mut test);
    assert_eq!(current(&test).as_deref(), Some("part-3999.png"), "the newest image is selected and visible");
    press(&mut test, Modifiers::NONE, Key::ArrowUp);
    press(&mut test, Modifiers::NONE, Key::ArrowUp);
    assert_eq!(current(&test).as_deref(), Some("part-3997.png"));
    press(&mut test, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(current(&test).as_deref(), Some("part-3998.png"));
    for _ in 0..30 {
        test.harness.key_press_modifiers(Modifiers::NONE, Key::ArrowUp);
        test.harness.step();
    }
    test.harness.run_steps(3);
    assert_eq!(current(&test).as_deref(), Some("part-3968.png"), "the list scrolls to the selected image");
    let rows = test.harness.query_all_by_role(egui::accesskit::Role::ListBoxOption).count();
    assert!(rows < 40, "{rows} rows are drawn instead of the visible ones only");
}

#[test]
fn the_step_slider_drives_the_images_and_the_replay_runs_to_the_end() {
    let mut test = open(true, SIZE, |state| {
        model(state);
        query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
    });
    show(&mut test);
    assert!(shows(&test.harness, "Reconstruction · step 60"));
    press(&mut test, Modifiers::NONE, Key::ArrowLeft);
    assert!(shows(&test.harness, "Reconstruction · step 57"));
    press(&mut test, Modifiers::NONE, Key::ArrowRight);
    assert!(shows(&test.harness, "Reconstruction · step 60"));
    test.harness.get_by_label("Displayed step").focus();
    test.harness.run_steps(2);
    press(&mut test, Modifiers::NONE, Key::ArrowLeft);
    assert!(shows(&test.harness, "Reconstruction · step 57"), "the slider moves it too");

    test.harness.state_mut().apply(Action::Command(UiCommand::FramePlay));
    let mut seen = Vec::new();
    for _ in 0..200 {
        test.harness.step();
        // The pane's accessible name continues with its keys.
        let shown = |step: &usize| shows(&test.harness, &format!("Reconstruction · step {step};"));
        seen.extend((0..=STEPS).step_by(STRIDE).find(shown));
    }
    assert_eq!(seen.last(), Some(&STEPS), "{seen:?}");
    assert!(seen.windows(2).all(|w| w[0] <= w[1]), "the replay runs forwards: {seen:?}");
}

#[test]
fn the_layout_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let layout = r#"{"list":false,"triptych":{"map":"signed","opacity":0.25,"overlay":true}}"#;
    let mut test = open_in(
        folder,
        true,
        SIZE,
        |state| {
            model(state);
            query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
        },
        |settings| {
            settings.layouts.insert("inspect".into(), layout.into());
        },
    );
    show(&mut test);
    assert!(shows(&test.harness, "Image with signed difference"));
    assert!(shows(&test.harness, "Show image list"));
    press(&mut test, Modifiers::NONE, Key::O);
    assert!(!shows(&test.harness, "Image with signed difference"));
}

#[test]
fn keys_apply_to_the_inspection_on_its_page_and_to_training_elsewhere() {
    let mut test = open(true, SIZE, |state| {
        model(state);
        query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
    });
    show(&mut test);
    press(&mut test, Modifiers::COMMAND, Key::O);
    assert!(shows(&test.harness, "Type or paste the path; Tab completes it."));
    assert!(shows(&test.harness, "Open images to inspect"));
    press(&mut test, Modifiers::NONE, Key::Escape);
    test.harness.state_mut().apply(Action::Command(UiCommand::GoTrain));
    test.harness.run_steps(3);
    press(&mut test, Modifiers::COMMAND, Key::O);
    assert!(shows(&test.harness, "Open a folder of healthy images"));
    assert!(!shows(&test.harness, "Open images to inspect"));
}

#[test]
fn without_a_calibration_there_is_no_verdict_but_a_button() {
    let mut test = open(true, SIZE, |state| {
        model(state);
        query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
        let mut status = state.inspection.status.write();
        let ModelState::Ready(facts) = &status.model else { panic!() };
        let bare = ModelFacts { calibrations: Arc::new(Vec::new()), ..(**facts).clone() };
        status.model = ModelState::Ready(Arc::new(bare));
        status.rate_refused = Some("20 held-out healthy images cannot promise that".into());
        let last = status.entries.pop().unwrap();
        let judged = Judged::without(last.scores().unwrap().clone(), NoVerdict::NotCalibrated);
        status.entries.push(Arc::new(QueryEntry { judged: Some(judged), ..(*last).clone() }));
    });
    show(&mut test);
    assert!(shows(&test.harness, "This model is not calibrated for these settings."));
    assert!(shows(&test.harness, "Calibrate"));
    assert!(shows(&test.harness, "No verdict"));
    assert!(shows(&test.harness, "Critic · not calibrated"));
    assert!(shows(&test.harness, "20 held-out healthy images cannot promise that."));
    test.harness.state().state().inspection.status.write().calibrating = Some((3, 20));
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "Calibrating, 3 of 20 held-out images"));
    assert!(shows(&test.harness, "Cancel"));
}

#[test]
fn images_left_out_of_training_are_listed_with_the_outliers_of_the_model() {
    let mut test = open(true, [1280.0, 1900.0], |state| {
        model(state);
        query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
    });
    show(&mut test);
    assert!(!shows(&test.harness, "left out of training"), "a model of an earlier version has no list");
    let (one, two) = (image_file(&test, "part 05.png"), image_file(&test, "part 17.png"));
    let image = |path: &PathBuf, purpose, score| ScoredImage {
        path: path.clone(),
        hash: FileHash::of(path.to_string_lossy().as_bytes()),
        purpose,
        score,
        limit: Some(1.5),
        left_out: score > 1.5,
    };
    let ranked = vec![
        image(&one, HealthyUse::HeldOut, 7.25),
        image(&two, HealthyUse::Training, 3.5),
        image(&PathBuf::from("/parts/part 18.png"), HealthyUse::Training, 0.5),
    ];
    let set = |test: &mut TestWindow, report: OutlierReport| {
        let mut status = test.harness.state().state().inspection.status.write();
        let ModelState::Ready(facts) = &status.model else { panic!() };
        let with = ModelFacts { outliers: Some(Arc::new(report)), ..(**facts).clone() };
        status.model = ModelState::Ready(Arc::new(with));
        drop(status);
        test.harness.run_steps(3);
    };
    set(&mut test, OutlierReport { images: 72, scored: 72, too_many: 0, ranked });
    for text in ["they look defective (2 of 72)", "part 05.png", "7.25", "part 17.png", "3.50"] {
        assert!(shows(&test.harness, text), "{text}");
    }
    assert!(!shows(&test.harness, "part 18.png"));
    test.harness.get_by_label("Inspect these images").click();
    test.until("both are in the list", |window| {
        let entries = &window.state().state().inspection.status.read().entries;
        ["part 05.png", "part 17.png"].iter().all(|name| entries.iter().any(|entry| entry.name == *name))
    });

    // Too many to be outliers: the reason why none was left out.
    let kept = ScoredImage { left_out: false, ..image(&one, HealthyUse::HeldOut, 7.25) };
    set(&mut test, OutlierReport { images: 72, scored: 72, too_many: 20, ranked: vec![kept] });
    assert!(shows(&test.harness, "20 of 72 healthy images look unlike the others"));
    assert!(!shows(&test.harness, "Inspect these images"));
}

#[test]
fn an_export_writes_its_files_and_names_the_folder() {
    let mut test = open(true, SIZE, |state| {
        model(state);
        query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
    });
    show(&mut test);
    let dir = test.path("out");
    test.harness.state_mut().apply(Action::ExportInspection { ids: Vec::new(), dir: dir.clone() });
    test.until("the export notice", |window| {
        window.state().notices().any(|text| text.contains("part-0043.png saved to"))
    });
    for name in ["-triptych.png", "-convergence.png", ".json", "-difference.tiff"] {
        let path = dir.join(format!("parts-part-0043{name}"));
        assert!(fs::metadata(path).is_ok_and(|m| m.len() > 100), "{name}");
    }
    // Without a result there is nothing to write, and a notice says so.
    press(&mut test, Modifiers::NONE, Key::Delete);
    test.harness.state_mut().apply(Action::ExportInspection { ids: Vec::new(), dir });
    assert!(test.harness.state().notices().any(|text| text.contains("There is nothing to export yet")));
}

/// Whether the region menu has regions to delete.
fn has_regions(test: &mut TestWindow) -> bool {
    test.harness.get_by_label("Regions").click();
    test.harness.run_steps(2);
    let any = !test.harness.get_by_label("Delete all regions").accesskit_node().is_disabled();
    press(test, Modifiers::NONE, Key::Escape);
    any
}

#[test]
fn a_region_is_drawn_over_the_image_and_undone() {
    let mut test = open(true, SIZE, |state| {
        model(state);
        query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
    });
    show(&mut test);
    assert!(!has_regions(&mut test));
    let tool = |test: &mut TestWindow, title: &str| {
        test.harness.get_by_label("Regions").click();
        test.harness.run_steps(2);
        test.harness.get_by_label(title).click();
        test.harness.run_steps(2);
    };
    tool(&mut test, "Inspect only a rectangle");
    assert!(shows(&test.harness, "Drag a rectangle over the image"));
    point(&mut test, [280.0, 230.0], Some(true));
    point(&mut test, [380.0, 320.0], None);
    point(&mut test, [380.0, 320.0], Some(false));
    assert!(has_regions(&mut test));
    press(&mut test, Modifiers::COMMAND, Key::Z);
    assert!(!has_regions(&mut test));

    tool(&mut test, "Ignore a polygon");
    for corner in [[280.0, 230.0], [380.0, 240.0], [330.0, 330.0]] {
        point(&mut test, corner, Some(true));
        point(&mut test, corner, Some(false));
    }
    press(&mut test, Modifiers::NONE, Key::Enter);
    assert!(has_regions(&mut test));
    // A click selects it, and Delete removes it instead of the image.
    point(&mut test, [330.0, 270.0], Some(true));
    point(&mut test, [330.0, 270.0], Some(false));
    press(&mut test, Modifiers::NONE, Key::Delete);
    assert!(!has_regions(&mut test));
    assert_eq!(current(&test).as_deref(), Some("part-0043.png"));

    tool(&mut test, "Inspect only a polygon");
    point(&mut test, [280.0, 230.0], Some(true));
    point(&mut test, [280.0, 230.0], Some(false));
    press(&mut test, Modifiers::NONE, Key::Escape);
    assert!(!shows(&test.harness, "Click to add corners"));
    assert!(!has_regions(&mut test));
}

#[test]
fn a_large_image_is_shown_in_several_textures_without_a_stall() {
    let side = 2_304; // larger than the texture size that every device supports
    let mut test = open(true, SIZE, move |state| {
        model(state);
        let values = (0..side * side).map(|i| ((i % side) as f32 / side as f32) * 2.0 - 1.0).collect();
        let query = Arc::new(Planes::new(side, side, 1, values).unwrap());
        let kept = KeptFrame { step: 0, pixels: vec![32_768; side * side].into() };
        let item = QueryEntry { size: Some((side, side)), ..entry("large.png", QueryState::Running) };
        let view = QueryView {
            query,
            frames: vec![kept],
            records: Arc::default(),
            outcome: None,
            neighbours: None,
            regions: None,
        };
        state.inspection.views.write().insert(item.id, Arc::new(view));
        state.inspection.status.write().entries.push(Arc::new(item));
    });
    show(&mut test);
    let parts = |window: &Window, name: &str| {
        let textures = window.ctx.tex_manager();
        let textures = textures.read();
        textures.allocated().filter(|(_, meta)| meta.name == name).map(|(_, meta)| meta.size[0]).collect::<Vec<_>>()
    };
    // The whole image is reduced to about the screen's resolution.
    test.until("the reduced image", |window| parts(window, "map").len() == 1);
    assert!(shows(&test.harness, "maximum of 4 × 4"));
    assert_eq!(parts(&test.harness, "map"), [side / 4]);
    press(&mut test, Modifiers::NONE, Key::Num1);
    test.until("the full image in parts", |window| parts(window, "map").len() == 4);
    assert!(parts(&test.harness, "map").iter().all(|width| *width <= 2_048));
}

/// Returns the newest query on the compute thread's list.
fn newest(window: &Window) -> Option<Arc<QueryEntry>> {
    window.state().state().inspection.status.read().entries.last().cloned()
}

#[test]
fn a_dropped_image_is_inspected_stopped_and_restarted() {
    let mut test = open(true, SIZE, |_| {});
    let mut recipe = Recipe::default();
    for assignment in [
        "model.size=32",
        "model.latent_size=8",
        "train.batch=4",
        "train.steps=2",
        "encoder.steps=2",
        "encoder.batch=4",
        "critic.steps=2",
        "critic.pretrained=false",
        "critic.batch=4",
        "data.holdout=0.06",
    ] {
        recipe.assign(assignment).unwrap();
    }
    let (source, recipe) = ("surface:turned".parse().unwrap(), Box::new(recipe));
    let run = test.path("run");
    test.harness.state_mut().apply(Action::Start { source, opened: None, recipe, out: Some(run.clone()) });
    let ready = |window: &Window| matches!(window.state().state().inspection.status.read().model, ModelState::Ready(_));
    test.until("the run's model is active", ready);
    test.harness.step();
    assert_eq!(test.harness.state().settings().last_model, Some(run.join("model.ganspect")));

    let part = image_file(&test, "part.png");
    drop_files(&mut test, std::slice::from_ref(&part));
    test.until("the verdict", |window| newest(window).is_some_and(|e| e.assessment().is_some()));
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "healthy parts") || shows(&test.harness, "Not a picture of this part"));
    assert!(shows(&test.harness, "held-out healthy images, which can promise"));

    // An endless inspection is paused, resumed and stopped by its keys, and then restarted.
    let knobs = InvertKnobs { steps: 100_000, plateau: 0, ..InvertKnobs::default() };
    let change = InspectionRequest::SetKnobs(Box::new(knobs));
    test.harness.state_mut().apply(Action::engine(change));
    drop_files(&mut test, &[part]);
    test.until("z is being optimised", |window| {
        newest(window).is_some_and(|e| e.state == QueryState::Running && e.step > 2)
    });
    press(&mut test, Modifiers::NONE, Key::Space);
    test.until("it is paused", |window| newest(window).is_some_and(|e| e.state == QueryState::Paused));
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "Paused"));
    press(&mut test, Modifiers::NONE, Key::Space);
    press(&mut test, Modifiers::NONE, Key::S);
    let ended = |window: &Window| {
        newest(window).is_some_and(|e| matches!(e.state, QueryState::Done | QueryState::Stopped) && e.judged.is_some())
    };
    test.until("it ends with the result so far", ended);
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "No verdict"), "there is no calibration for these knobs");
    assert!(shows(&test.harness, "Calibrate"));
    press(&mut test, Modifiers::NONE, Key::R);
    test.until("it starts again", |window| newest(window).is_some_and(|e| e.state == QueryState::Running));
    press(&mut test, Modifiers::NONE, Key::Delete);
    test.until("it is removed", |window| window.state().state().inspection.status.read().entries.len() == 1);
    assert_eq!(current(&test).as_deref(), Some("part.png"));
}

#[test]
fn the_last_model_is_reopened_and_a_broken_one_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("torn.ganspect");
    fs::write(&file, b"not a model").unwrap();
    let remembered = file.clone();
    let adjust = move |settings: &mut ganspect::ui::Settings| settings.last_model = Some(remembered);
    let mut test = open_in(folder, true, SIZE, |_| {}, adjust);
    show(&mut test);
    test.until("the model is refused", |window| {
        matches!(window.state().state().inspection.status.read().model, ModelState::Failed(_))
    });
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "torn.ganspect"));
    assert!(shows(&test.harness, "Try the built-in model"), "the alternatives remain visible");
}
