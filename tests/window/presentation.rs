//! The presentation: the animation of each part, the keys, and the summary.

use std::{path::PathBuf, sync::Arc};

use egui::{Key, Modifiers};
use egui_kittest::{SnapshotResults, kittest::Queryable};
use ganspect::{
    data::{
        FileHash, Split, surface,
        surface::{DefectType, SurfaceKind},
    },
    engine::{
        EngineState,
        inspection::{ModelFacts, ModelSource, ModelState, QueryState},
    },
    inspect::Verdict,
    ui::{Action, PageId, UiCommand},
};

use crate::{
    harness::{SIZE, TestWindow, Window, open, press, shows},
    inspected::{STEPS, STRIDE, entry, failed, model, query},
};

/// Draws until `label` is visible; the animation advances by the time of each step.
fn until(test: &mut TestWindow, label: &str) {
    for _ in 0..400 {
        if shows(&test.harness, label) {
            return;
        }
        test.harness.step();
    }
    panic!("never visible: {label}");
}

/// Three parts, one of them waiting, and one that could not be read.
fn parts(state: &EngineState) {
    model(state);
    query(state, "part-0041.png", None, 1, STEPS, 4);
    let waiting = entry("part-0042.png", QueryState::Waiting);
    state.inspection.status.write().entries.push(waiting.into());
    failed(state);
    query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
}

fn presented(size: [f32; 2], dark: bool) -> TestWindow {
    let mut test = open(dark, size, parts);
    test.harness.state_mut().apply(Action::Command(UiCommand::GoInspect));
    test.harness.run_steps(2);
    press(&mut test, Modifiers::NONE, Key::F5);
    test
}

#[test]
fn a_part_is_played_to_its_verdict_and_the_next_one_follows() {
    let mut test = presented(SIZE, true);
    assert_eq!(test.harness.state().page(), PageId::Presentation);
    assert!(shows(&test.harness, "Part 1 of 2") && shows(&test.harness, "part-0041.png"));
    // Nothing else of the window is visible, and no verdict yet.
    for label in ["Settings", "Open images", "HEALTHY", "healthy parts"] {
        assert!(!shows(&test.harness, label), "{label}");
    }
    let mut seen = Vec::new();
    while !shows(&test.harness, "HEALTHY") {
        assert!(seen.len() < 2_000, "the verdict never appeared");
        let shown = |step: &usize| {
            shows(&test.harness, &format!("Closest reconstruction, step {step}"))
                && shows(&test.harness, &format!("Loss up to step {step} of {STEPS}"))
        };
        seen.extend((0..=STEPS).step_by(STRIDE).filter(shown).last());
        test.harness.step();
    }
    assert!(seen.windows(2).all(|w| w[0] <= w[1]) && seen.len() > 5, "{seen:?}");
    assert!(shows(&test.harness, "Verdict: healthy") && shows(&test.harness, "ost healthy parts score"));
    until(&mut test, "part-0043.png");
    assert!(shows(&test.harness, "Part 2 of 2") && !shows(&test.harness, "HEALTHY"));
    until(&mut test, "DEFECTIVE");
    assert!(shows(
        &test.harness,
        "At most 1 in 40 healthy parts would score this high, the most that 39 images can show."
    ));
    until(&mut test, "2 parts shown");
}

#[test]
fn the_keys_play_pause_step_and_exit() {
    let mut test = presented(SIZE, true);
    test.harness.run_steps(3);
    press(&mut test, Modifiers::NONE, Key::Space);
    assert!(shows(&test.harness, "Paused"));
    let label = |window: &Window| {
        let node = window.query_all_by_label_contains("Loss up to step").next().unwrap();
        egui_kittest::kittest::NodeT::accesskit_node(&node).label()
    };
    let before = label(&test.harness);
    test.harness.run_steps(40);
    assert_eq!(label(&test.harness), before, "the animation is paused");
    assert!(shows(&test.harness, "Part 1 of 2"));
    press(&mut test, Modifiers::NONE, Key::Space);
    test.harness.run_steps(4);
    assert_ne!(label(&test.harness), before, "and continues");

    press(&mut test, Modifiers::NONE, Key::ArrowRight);
    assert!(shows(&test.harness, "Part 2 of 2"));
    press(&mut test, Modifiers::NONE, Key::ArrowLeft);
    press(&mut test, Modifiers::NONE, Key::ArrowLeft);
    assert!(shows(&test.harness, "Part 1 of 2"), "there is no part before the first");
    for _ in 0..3 {
        press(&mut test, Modifiers::NONE, Key::ArrowRight);
    }
    assert!(shows(&test.harness, "2 parts shown"), "the summary is the last page");
    press(&mut test, Modifiers::NONE, Key::ArrowLeft);
    assert!(shows(&test.harness, "Part 2 of 2"));
    press(&mut test, Modifiers::NONE, Key::ArrowRight);
    press(&mut test, Modifiers::NONE, Key::Space);
    assert!(shows(&test.harness, "Part 1 of 2"), "the presentation starts again");

    // Keys of the window have no effect during the presentation.
    press(&mut test, Modifiers::COMMAND, Key::Num1);
    press(&mut test, Modifiers::NONE, Key::Delete);
    press(&mut test, Modifiers::COMMAND, Key::K);
    assert!(shows(&test.harness, "Part 1 of 2"));
    press(&mut test, Modifiers::NONE, Key::Escape);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
    assert!(shows(&test.harness, "part-0042.png,") && shows(&test.harness, "Reconstruction · step 60"));
}

#[test]
fn the_hint_fades_and_reappears() {
    let mut test = presented(SIZE, true);
    assert!(shows(&test.harness, "Esc: exit"));
    for _ in 0..400 {
        if !shows(&test.harness, "Esc: exit") {
            break;
        }
        test.harness.step();
    }
    assert!(!shows(&test.harness, "Esc: exit") && shows(&test.harness, "Part "));
    test.harness.event(egui::Event::PointerMoved(egui::pos2(300.0, 300.0)));
    test.harness.step();
    test.harness.event(egui::Event::PointerMoved(egui::pos2(320.0, 310.0)));
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "Esc: exit"));
}

#[test]
fn the_summary_counts_the_presented_parts() {
    let mut test = presented(SIZE, true);
    {
        let mut status = test.harness.state().state().inspection.status.write();
        let ModelState::Ready(model) = &status.model else { panic!("not a model") };
        let split = Split { seed: 0, train: vec![FileHash::of(b"one"); 76], held_out: Vec::new(), pixels: Vec::new() };
        status.model = ModelState::Ready(Arc::new(ModelFacts { split: Arc::new(split), ..(**model).clone() }));
    }
    for _ in 0..2 {
        press(&mut test, Modifiers::NONE, Key::ArrowRight);
    }
    let entries = test.harness.state().state().inspection.status.read().entries.clone();
    let count = |verdict| entries.iter().filter(|e| e.assessment().is_some_and(|a| a.verdict == verdict)).count();
    for (verdict, word) in
        [(Verdict::Healthy, "healthy"), (Verdict::Suspect, "suspect"), (Verdict::Defective, "defective")]
    {
        assert!(shows(&test.harness, &format!("{} {word}", count(verdict))), "{word}");
    }
    assert_eq!(count(Verdict::Healthy) + count(Verdict::Suspect) + count(Verdict::Defective), 2);
    for label in [
        "2 parts shown",
        "At most 50 false alarms in 1,000 healthy parts.",
        "turned",
        "76 healthy images",
        "39 held-out healthy images",
        "worst spot",
    ] {
        assert!(shows(&test.harness, label), "{label}");
    }
    assert!(!shows(&test.harness, "could not be inspected"), "the damaged file was never requested");
}

#[test]
fn a_single_image_is_presented_by_its_own_key() {
    let mut test = open(true, SIZE, parts);
    test.harness.state_mut().apply(Action::Command(UiCommand::GoInspect));
    test.harness.run_steps(2);
    press(&mut test, Modifiers::SHIFT, Key::F5);
    assert!(shows(&test.harness, "Part 1 of 1") && shows(&test.harness, "part-0043.png"));
    press(&mut test, Modifiers::NONE, Key::Escape);
    test.harness.get_by_label("Present").click();
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "Part 1 of 2"), "the button presents all images");
}

#[test]
fn it_starts_on_any_page_and_returns_to_it() {
    let mut test = open(true, SIZE, parts);
    test.harness.state_mut().apply(Action::Command(UiCommand::GoHelp));
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "Present this image"), "the command is listed in the help");
    press(&mut test, Modifiers::NONE, Key::F5);
    assert!(shows(&test.harness, "Part 1 of 2"));
    press(&mut test, Modifiers::NONE, Key::Escape);
    assert_eq!(test.harness.state().page(), PageId::Help);
}

#[test]
fn with_nothing_to_present_a_notice_says_what_to_do() {
    let mut test = open(true, SIZE, |state| {
        model(state);
        let waiting = entry("part-0042.png", QueryState::Waiting);
        state.inspection.status.write().entries.push(waiting.into());
    });
    press(&mut test, Modifiers::NONE, Key::F5);
    assert_ne!(test.harness.state().page(), PageId::Presentation);
    assert!(
        test.harness.state().notices().any(|text| text.contains("nothing to present") && text.contains("drop them"))
    );
}

#[test]
fn released_images_are_reported_and_the_verdict_is_shown() {
    let mut test = presented(SIZE, true);
    test.harness.state().state().inspection.views.write().clear();
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "no longer in memory; its scores are kept"));
    until(&mut test, "HEALTHY");
    until(&mut test, "2 parts shown");
}

#[test]
fn it_is_dark_in_either_theme() {
    let mut results = SnapshotResults::new();
    let mut pages = |dark: bool| {
        let mut test = presented(SIZE, dark);
        press(&mut test, Modifiers::NONE, Key::ArrowRight);
        until(&mut test, "Closest reconstruction, step 21");
        press(&mut test, Modifiers::NONE, Key::Space);
        ["presentation_part", "presentation_closing"].map(|name| {
            if dark {
                test.snapshot(name, &mut results);
            } else {
                test.harness.run_steps(3);
            }
            let page = test.harness.render().unwrap();
            press(&mut test, Modifiers::NONE, Key::ArrowRight);
            page
        })
    };
    let (dark, light) = (pages(true), pages(false));
    for (dark, light) in dark.iter().zip(&light) {
        assert_eq!(dark.dimensions(), light.dimensions());
        let apart = |(a, b): &(&image::Rgba<u8>, &image::Rgba<u8>)| (0..3).any(|c| a[c].abs_diff(b[c]) > 64);
        let count = dark.pixels().zip(light.pixels()).filter(apart).count();
        // Glyphs are slightly bolder on a dark background.
        assert!(count * 500 < dark.pixels().count(), "{count}");
    }
}

#[test]
fn everything_fits_from_the_smallest_window_to_the_largest() {
    for size in [[1024.0, 640.0], [1920.0, 1080.0], [3840.0, 2160.0]] {
        let mut test = presented(size, true);
        until(&mut test, "Part 2 of 2");
        until(&mut test, "DEFECTIVE");
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        for label in ["DEFECTIVE", "At most 1 in 40", "part-0043.png", "Part 2 of 2", "Difference", "Loss up to"] {
            let nodes: Vec<egui::Rect> = test.harness.query_all_by_label_contains(label).map(|n| n.rect()).collect();
            assert!(!nodes.is_empty() && nodes.iter().all(|r| window.contains_rect(*r)), "{label} at {size:?}");
        }
        press(&mut test, Modifiers::NONE, Key::ArrowRight);
        for label in ["2 parts shown", "1 healthy", "1 defective", "false alarms", "worst spot"] {
            let nodes: Vec<egui::Rect> = test.harness.query_all_by_label_contains(label).map(|n| n.rect()).collect();
            assert!(!nodes.is_empty() && nodes.iter().all(|r| window.contains_rect(*r)), "{label} at {size:?}");
        }
    }
}

/// An image file of turned metal.
fn picture(test: &TestWindow, name: &str, defect: Option<DefectType>) -> PathBuf {
    let path = test.path(name);
    let side = 64;
    let drawn = surface::draw(SurfaceKind::Turned, defect, 2_017, 0, side).picture;
    let grey = image::GrayImage::from_fn(side as u32, side as u32, |x, y| {
        image::Luma([((drawn.unit(x as usize, y as usize, 0) + 1.0) * 127.5) as u8])
    });
    grey.save(&path).unwrap();
    path
}

#[test]
fn from_the_command_line_it_inspects_first_and_then_starts() {
    let mut test = open(true, SIZE, |_| {});
    let images = vec![picture(&test, "a.png", None), test.path("none.png"), picture(&test, "b.png", None)];
    test.harness.state_mut().show_images(ModelSource::BuiltIn, images);
    test.harness.run_steps(1);
    assert!(shows(&test.harness, "Opening the model") || shows(&test.harness, "Inspecting the parts"));
    test.until("the first part", |window| shows(window, "Part 1 of 2"));
    assert!(shows(&test.harness, "a.png"));
    for _ in 0..2 {
        press(&mut test, Modifiers::NONE, Key::ArrowRight);
    }
    assert!(shows(&test.harness, "2 parts shown") && shows(&test.harness, "1 image could not be inspected."));
    press(&mut test, Modifiers::NONE, Key::Escape);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
}

#[test]
fn a_model_that_cannot_be_opened_is_named_with_a_next_step() {
    let mut test = open(true, SIZE, |_| {});
    let file = test.path("damaged.ganspect");
    std::fs::write(&file, b"not a model").unwrap();
    let image = picture(&test, "a.png", None);
    test.harness.state_mut().show_images(ModelSource::File(file), vec![image]);
    test.until("the model is refused", |window| shows(window, "The model could not be opened"));
    assert!(shows(&test.harness, "damaged.ganspect") && shows(&test.harness, "Press Esc to open another model"));
    press(&mut test, Modifiers::NONE, Key::Escape);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
}
