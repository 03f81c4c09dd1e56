//! The presentation: the animation of each part, the keys, and the summary.

use std::{path::PathBuf, sync::Arc};

use egui::{Key, Modifiers};
use egui_kittest::{SnapshotResults, kittest::Queryable};
use ganspect::{
    data::{
        FileHash, Split, surface,
        surface::{DefectKind, SurfaceKind},
    },
    engine::{
        EngineState,
        inspection::{ModelFacts, ModelSource, ModelState, QueryState},
    },
    inspect::Verdict,
    ui::{Action, PageId, UiCommand},
};

use crate::{
    harness::{SIZE, Stage, Window, open, press, shows},
    inspected::{STEPS, STRIDE, entry, failed, model, query},
};

/// Draws until `label` is visible; the animation advances by the time of each step.
fn until(stage: &mut Stage, label: &str) {
    for _ in 0..400 {
        if shows(&stage.harness, label) {
            return;
        }
        stage.harness.step();
    }
    panic!("never seen: {label}");
}

/// Three parts, one of them waiting, and one that could not be read.
fn parts(live: &EngineState) {
    model(live);
    query(live, "part-0041.png", None, 1, STEPS, 4);
    let waiting = entry("part-0042.png", QueryState::Waiting);
    live.inspection.status.write().entries.push(waiting.into());
    failed(live);
    query(live, "part-0043.png", Some(DefectKind::Scratch), 3, STEPS, 1);
}

fn presented(size: [f32; 2], dark: bool) -> Stage {
    let mut stage = open(dark, size, parts);
    stage.harness.state_mut().apply(Action::Command(UiCommand::GoInspect));
    stage.harness.run_steps(2);
    press(&mut stage, Modifiers::NONE, Key::F5);
    stage
}

#[test]
fn a_part_is_played_to_its_verdict_and_the_next_one_follows() {
    let mut stage = presented(SIZE, true);
    assert_eq!(stage.harness.state().page(), PageId::Presentation);
    assert!(shows(&stage.harness, "Part 1 of 2") && shows(&stage.harness, "part-0041.png"));
    // Nothing else of the window is visible, and no verdict yet.
    for label in ["Settings", "Open images", "HEALTHY", "healthy parts"] {
        assert!(!shows(&stage.harness, label), "{label}");
    }
    let mut seen = Vec::new();
    while !shows(&stage.harness, "HEALTHY") {
        assert!(seen.len() < 2_000, "the verdict never came");
        let shown = |step: &usize| {
            shows(&stage.harness, &format!("Closest reconstruction, step {step}"))
                && shows(&stage.harness, &format!("Loss up to step {step} of {STEPS}"))
        };
        seen.extend((0..=STEPS).step_by(STRIDE).filter(shown).last());
        stage.harness.step();
    }
    assert!(seen.windows(2).all(|w| w[0] <= w[1]) && seen.len() > 5, "{seen:?}");
    assert!(shows(&stage.harness, "Verdict: healthy") && shows(&stage.harness, "ost healthy parts score"));
    until(&mut stage, "part-0043.png");
    assert!(shows(&stage.harness, "Part 2 of 2") && !shows(&stage.harness, "HEALTHY"));
    until(&mut stage, "DEFECTIVE");
    assert!(shows(&stage.harness, "At most 1 in 40 healthy parts would score this high."));
    until(&mut stage, "2 parts shown");
}

#[test]
fn its_keys_play_wait_go_and_leave() {
    let mut stage = presented(SIZE, true);
    stage.harness.run_steps(3);
    press(&mut stage, Modifiers::NONE, Key::Space);
    assert!(shows(&stage.harness, "Paused"));
    let label = |window: &Window| {
        let node = window.query_all_by_label_contains("Loss up to step").next().unwrap();
        egui_kittest::kittest::NodeT::accesskit_node(&node).label()
    };
    let before = label(&stage.harness);
    stage.harness.run_steps(40);
    assert_eq!(label(&stage.harness), before, "the animation is paused");
    assert!(shows(&stage.harness, "Part 1 of 2"));
    press(&mut stage, Modifiers::NONE, Key::Space);
    stage.harness.run_steps(4);
    assert_ne!(label(&stage.harness), before, "and continues");

    press(&mut stage, Modifiers::NONE, Key::ArrowRight);
    assert!(shows(&stage.harness, "Part 2 of 2"));
    press(&mut stage, Modifiers::NONE, Key::ArrowLeft);
    press(&mut stage, Modifiers::NONE, Key::ArrowLeft);
    assert!(shows(&stage.harness, "Part 1 of 2"), "there is none before the first");
    for _ in 0..3 {
        press(&mut stage, Modifiers::NONE, Key::ArrowRight);
    }
    assert!(shows(&stage.harness, "2 parts shown"), "the figures are the end");
    press(&mut stage, Modifiers::NONE, Key::ArrowLeft);
    assert!(shows(&stage.harness, "Part 2 of 2"));
    press(&mut stage, Modifiers::NONE, Key::ArrowRight);
    press(&mut stage, Modifiers::NONE, Key::Space);
    assert!(shows(&stage.harness, "Part 1 of 2"), "it begins again");

    // Keys of the window have no effect meanwhile.
    press(&mut stage, Modifiers::COMMAND, Key::Num1);
    press(&mut stage, Modifiers::NONE, Key::Delete);
    press(&mut stage, Modifiers::COMMAND, Key::K);
    assert!(shows(&stage.harness, "Part 1 of 2"));
    press(&mut stage, Modifiers::NONE, Key::Escape);
    assert_eq!(stage.harness.state().page(), PageId::Inspect);
    assert!(shows(&stage.harness, "part-0042.png,") && shows(&stage.harness, "Reconstruction · step 60"));
}

#[test]
fn the_hint_fades_and_comes_back() {
    let mut stage = presented(SIZE, true);
    assert!(shows(&stage.harness, "Esc: exit"));
    for _ in 0..400 {
        if !shows(&stage.harness, "Esc: exit") {
            break;
        }
        stage.harness.step();
    }
    assert!(!shows(&stage.harness, "Esc: exit") && shows(&stage.harness, "Part "));
    stage.harness.event(egui::Event::PointerMoved(egui::pos2(300.0, 300.0)));
    stage.harness.step();
    stage.harness.event(egui::Event::PointerMoved(egui::pos2(320.0, 310.0)));
    stage.harness.run_steps(2);
    assert!(shows(&stage.harness, "Esc: exit"));
}

#[test]
fn the_last_page_counts_what_was_shown() {
    let mut stage = presented(SIZE, true);
    {
        let mut status = stage.harness.state().state().inspection.status.write();
        let ModelState::Ready(model) = &status.model else { panic!("no model") };
        let split = Split { seed: 0, train: vec![FileHash::of(b"one"); 76], held_out: Vec::new() };
        status.model = ModelState::Ready(Arc::new(ModelFacts { split: Arc::new(split), ..(**model).clone() }));
    }
    for _ in 0..2 {
        press(&mut stage, Modifiers::NONE, Key::ArrowRight);
    }
    let entries = stage.harness.state().state().inspection.status.read().entries.clone();
    let count =
        |verdict| entries.iter().filter(|e| e.assessment.as_ref().is_some_and(|a| a.verdict == verdict)).count();
    for (verdict, word) in
        [(Verdict::Healthy, "healthy"), (Verdict::Suspect, "suspect"), (Verdict::Defective, "defective")]
    {
        assert!(shows(&stage.harness, &format!("{} {word}", count(verdict))), "{word}");
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
        assert!(shows(&stage.harness, label), "{label}");
    }
    assert!(!shows(&stage.harness, "could not be inspected"), "the damaged file was never requested");
}

#[test]
fn one_image_alone_is_presented_by_its_own_key() {
    let mut stage = open(true, SIZE, parts);
    stage.harness.state_mut().apply(Action::Command(UiCommand::GoInspect));
    stage.harness.run_steps(2);
    press(&mut stage, Modifiers::SHIFT, Key::F5);
    assert!(shows(&stage.harness, "Part 1 of 1") && shows(&stage.harness, "part-0043.png"));
    press(&mut stage, Modifiers::NONE, Key::Escape);
    stage.harness.get_by_label("Present").click();
    stage.harness.run_steps(2);
    assert!(shows(&stage.harness, "Part 1 of 2"), "the button shows them all");
}

#[test]
fn it_begins_on_any_page_and_leads_back_to_it() {
    let mut stage = open(true, SIZE, parts);
    stage.harness.state_mut().apply(Action::Command(UiCommand::GoHelp));
    stage.harness.run_steps(2);
    assert!(shows(&stage.harness, "Present this image"), "help lists it");
    press(&mut stage, Modifiers::NONE, Key::F5);
    assert!(shows(&stage.harness, "Part 1 of 2"));
    press(&mut stage, Modifiers::NONE, Key::Escape);
    assert_eq!(stage.harness.state().page(), PageId::Help);
}

#[test]
fn with_nothing_to_present_it_says_what_to_do() {
    let mut stage = open(true, SIZE, |live| {
        model(live);
        let waiting = entry("part-0042.png", QueryState::Waiting);
        live.inspection.status.write().entries.push(waiting.into());
    });
    press(&mut stage, Modifiers::NONE, Key::F5);
    assert_ne!(stage.harness.state().page(), PageId::Presentation);
    assert!(
        stage.harness.state().notices().any(|text| text.contains("nothing to present") && text.contains("drop them"))
    );
}

#[test]
fn pictures_that_were_let_go_are_missed_and_the_verdict_is_told() {
    let mut stage = presented(SIZE, true);
    stage.harness.state().state().inspection.views.write().clear();
    stage.harness.run_steps(2);
    assert!(shows(&stage.harness, "no longer in memory; its scores are kept"));
    until(&mut stage, "HEALTHY");
    until(&mut stage, "2 parts shown");
}

#[test]
fn it_is_dark_and_the_same_in_either_theme() {
    let mut results = SnapshotResults::new();
    let mut pages = |dark: bool| {
        let mut stage = presented(SIZE, dark);
        press(&mut stage, Modifiers::NONE, Key::ArrowRight);
        until(&mut stage, "Closest reconstruction, step 21");
        press(&mut stage, Modifiers::NONE, Key::Space);
        ["presentation_part", "presentation_closing"].map(|name| {
            if dark {
                stage.snapshot(name, &mut results);
            } else {
                stage.harness.run_steps(3);
            }
            let page = stage.harness.render().unwrap();
            press(&mut stage, Modifiers::NONE, Key::ArrowRight);
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
fn everything_has_room_from_the_smallest_window_to_the_largest() {
    for size in [[1024.0, 640.0], [1920.0, 1080.0], [3840.0, 2160.0]] {
        let mut stage = presented(size, true);
        until(&mut stage, "Part 2 of 2");
        until(&mut stage, "DEFECTIVE");
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        for label in ["DEFECTIVE", "At most 1 in 40", "part-0043.png", "Part 2 of 2", "Difference", "Loss up to"] {
            let nodes: Vec<egui::Rect> = stage.harness.query_all_by_label_contains(label).map(|n| n.rect()).collect();
            assert!(!nodes.is_empty() && nodes.iter().all(|r| window.contains_rect(*r)), "{label} at {size:?}");
        }
        press(&mut stage, Modifiers::NONE, Key::ArrowRight);
        for label in ["2 parts shown", "1 healthy", "1 defective", "false alarms", "worst spot"] {
            let nodes: Vec<egui::Rect> = stage.harness.query_all_by_label_contains(label).map(|n| n.rect()).collect();
            assert!(!nodes.is_empty() && nodes.iter().all(|r| window.contains_rect(*r)), "{label} at {size:?}");
        }
    }
}

/// An image file of turned metal.
fn picture(stage: &Stage, name: &str, defect: Option<DefectKind>) -> PathBuf {
    let path = stage.path(name);
    let side = 64;
    let drawn = surface::draw(SurfaceKind::Turned, defect, 2_017, 0, side).picture;
    let grey = image::GrayImage::from_fn(side as u32, side as u32, |x, y| {
        image::Luma([((drawn.unit(x as usize, y as usize, 0) + 1.0) * 127.5) as u8])
    });
    grey.save(&path).unwrap();
    path
}

#[test]
fn from_the_command_line_it_inspects_first_and_then_begins() {
    let mut stage = open(true, SIZE, |_| {});
    let images = vec![picture(&stage, "a.png", None), stage.path("none.png"), picture(&stage, "b.png", None)];
    stage.harness.state_mut().show_images(ModelSource::BuiltIn, images);
    stage.harness.run_steps(1);
    assert!(shows(&stage.harness, "Opening the model") || shows(&stage.harness, "Inspecting the parts"));
    stage.until("the first part", |window| shows(window, "Part 1 of 2"));
    assert!(shows(&stage.harness, "a.png"));
    for _ in 0..2 {
        press(&mut stage, Modifiers::NONE, Key::ArrowRight);
    }
    assert!(shows(&stage.harness, "2 parts shown") && shows(&stage.harness, "1 image could not be inspected."));
    press(&mut stage, Modifiers::NONE, Key::Escape);
    assert_eq!(stage.harness.state().page(), PageId::Inspect);
}

#[test]
fn a_model_that_cannot_be_opened_is_named_and_the_way_out_too() {
    let mut stage = open(true, SIZE, |_| {});
    let file = stage.path("damaged.ganspect");
    std::fs::write(&file, b"no model").unwrap();
    let image = picture(&stage, "a.png", None);
    stage.harness.state_mut().show_images(ModelSource::File(file), vec![image]);
    stage.until("it is refused", |window| shows(window, "The model could not be opened"));
    assert!(shows(&stage.harness, "damaged.ganspect") && shows(&stage.harness, "Press Esc to open another model"));
    press(&mut stage, Modifiers::NONE, Key::Escape);
    assert_eq!(stage.harness.state().page(), PageId::Inspect);
}
