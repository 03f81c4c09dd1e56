//! The Evaluate page in the real window: its contents, and the threshold, the matrix cells and the keys.

use std::sync::Arc;

use egui::{Key, Modifiers, accesskit};
use egui_kittest::{
    SnapshotResults,
    kittest::{NodeT, Queryable},
};
use ganspect::{
    data::{FileHash, Label, surface::SurfaceKind},
    engine::{
        EngineState, InspectionRequest,
        evaluation::EvaluationPhase,
        inspection::{ModelFacts, ModelSource, ModelState},
    },
    inspect::{
        Calibration, EvaluatedImage, Evaluation, InvertKnobs, Regions, ScoreKind, Scores, TestSet,
        calibration::{HeldOut, MapScale},
        evaluation::{EvaluatedMap, EvaluatedModel, EvaluationHeader, ExcludedImage, PixelMetrics},
    },
    ui::{Action, PageId, UiCommand},
};

use crate::harness::{SIZE, TestWindow, Window, facts, open, open_in, point, press, shows};

const SIDE: usize = 64;
const HEALTHY: usize = 30;
const DEFECTIVE: usize = 40;
/// Held-out images; the lowest rate that they allow is 1 in 40.
const HELD_OUT: usize = 39;

/// A pseudo-random number from 0 to 1, the same on every machine.
fn noise(i: u64) -> f64 {
    let mut x = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    (x >> 40) as f64 / (1 << 24) as f64
}

/// A bell-shaped pseudo-random number around 0 with a width of about 1.
fn bell(i: u64) -> f64 {
    (0..6).map(|k| noise(i * 6 + k)).sum::<f64>() - 3.0
}

fn scores(i: u64, defect: f64) -> Scores {
    let mut scores = Scores::default();
    let at = |k: u64, pull: f64| (0.12 * (1.0 + 0.25 * bell(i * 8 + k)) + 0.05 * pull * defect).max(0.01);
    scores.set(ScoreKind::L1Sum, at(0, 0.4) * 4096.0);
    scores.set(ScoreKind::L1, at(0, 0.4));
    scores.set(ScoreKind::WorstTile, at(1, 0.6));
    scores.set(ScoreKind::WorstSpot, at(2, 1.6));
    scores.set(ScoreKind::Feature, at(3, 0.9) * 3.0);
    scores.set(ScoreKind::FeatureSpot, at(4, 2.2) * 5.0);
    scores
}

fn calibration() -> Calibration {
    let held_out =
        (0..HELD_OUT as u64).map(|i| HeldOut { hash: FileHash::of(&i.to_le_bytes()), scores: scores(i, 0.0) });
    Calibration {
        fusion: Vec::new(),
        labelled: None,
        frames: None,
        region_levels: None,
        damaged: Vec::new(),
        knobs: InvertKnobs::default(),
        regions: Regions::default(),
        held_out: held_out.collect(),
        size: (SIDE, SIDE),
        smallest: None,
        scale: MapScale { difference: 0.4, feature: 1.2, critic: 8.0, distance: 8.0 },
        score: ScoreKind::WorstSpot,
    }
}

fn tests() -> Arc<TestSet> {
    Arc::new(TestSet::generate(SurfaceKind::Turned, 0, SIDE, HEALTHY, DEFECTIVE))
}

/// Returns the results of the first `count` images.
fn evaluation(tests: &TestSet, count: usize) -> Evaluation {
    let images = tests.items.iter().enumerate().map(|(index, item)| {
        let seed = 1_000 + index as u64;
        let defect = match &item.label {
            Label::Healthy => 0.0,
            // Smears are faint.
            Label::Defective(kind) if kind == "smear" => 0.3,
            Label::Defective(_) => 0.7 + noise(seed),
        };
        EvaluatedImage {
            index,
            name: item.name.clone(),
            path: None,
            hash: item.hash,
            label: item.label.clone(),
            size: (SIDE, SIDE),
            scores: scores(seed, defect),
            steps: 60,
            seconds: 0.7,
        }
    });
    // Healthy images and defect types alternate, so that a partial result has all of them.
    let mut images: Vec<EvaluatedImage> = images.collect();
    images.sort_by_key(|e| (e.index % HEALTHY, e.index));
    images.truncate(count);
    let calibration = calibration();
    let figures = |map, auroc, aupro, iou| PixelMetrics {
        map,
        healthy: 150_000,
        defective: 4_000,
        regions: DEFECTIVE,
        auroc: Some(auroc),
        aupro: Some(aupro),
        iou: Some(iou),
        iou_threshold: Some(0.2),
    };
    Evaluation {
        header: EvaluationHeader {
            program: "1".into(),
            model: EvaluatedModel {
                name: "turned".into(),
                hash: "0123456789abcdef".into(),
                step: 2_000,
                data: "surface:turned".into(),
                recipe: String::new(),
            },
            data: tests.data.clone(),
            about: tests.about.clone(),
            data_hash: "0".into(),
            knobs: InvertKnobs::default(),
            regions: Regions::default(),
        },
        score: calibration.score,
        rate: Some(calibration.default_rate()),
        calibration: Some(calibration),
        images,
        pixels: vec![
            figures(EvaluatedMap::Difference, 0.871, 0.612, 0.183),
            figures(EvaluatedMap::Feature, 0.934, 0.701, 0.226),
        ],
        excluded: vec![ExcludedImage { name: "turned/pit/torn.png".into(), reason: "it ends in the middle".into() }],
    }
}

fn model(state: &EngineState) {
    let mut status = state.inspection.status.write();
    status.model = ModelState::Ready(Arc::new(ModelFacts {
        path: Some("/parts/turned.ganspect".into()),
        ..facts("0123456789abcdef", vec![calibration()])
    }));
    status.rate = Some(0.05);
}

/// Sets the state of a test with `count` inspected images.
pub fn test_status(state: &EngineState, count: usize) {
    model(state);
    let tests = tests();
    let mut status = state.evaluation.status.write();
    let total = tests.items.len();
    status.phase = if count < total { EvaluationPhase::Running } else { EvaluationPhase::Done };
    (status.done, status.total) = (count, total);
    status.seconds_left = (count < total).then_some(34.0);
    status.evaluation = Some(Arc::new(evaluation(&tests, count)));
    status.tests = Some(tests);
}

pub fn finished(state: &EngineState) {
    test_status(state, HEALTHY + DEFECTIVE);
}

fn show(test: &mut TestWindow) {
    test.harness.state_mut().apply(Action::Command(UiCommand::GoEvaluate));
    test.harness.run_steps(3);
}

/// Waits for the thumbnails and the confidence intervals.
fn settle(test: &mut TestWindow) {
    let pictures = |window: &Window| {
        let textures = window.ctx.tex_manager();
        let textures = textures.read();
        textures.allocated().filter(|(_, meta)| meta.name == "test-image").count()
    };
    let rows = test.harness.query_all_by_role(accesskit::Role::ListBoxOption).count();
    test.until("the thumbnails of the rows", |window| pictures(window) >= rows);
    test.until("the intervals", |window| {
        let mut nodes = window.query_all_by_role(accesskit::Role::Label);
        nodes.any(|n| n.accesskit_node().value().is_some_and(|text| text.starts_with("0.") && text.contains(" to ")))
    });
}

/// Returns the count of a cell of the confusion matrix, by its title.
fn cell(test: &TestWindow, title: &str) -> usize {
    let text = test.harness.get_by_label_contains(&format!("images: {title}")).accesskit_node().label().unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Returns the labels of the visible rows, in the table's order.
pub fn rows(test: &TestWindow) -> Vec<String> {
    let rows = test.harness.query_all_by_role(accesskit::Role::ListBoxOption);
    rows.filter_map(|node| node.accesskit_node().label()).collect()
}

/// Returns the label of the selected row.
fn current(test: &TestWindow) -> Option<String> {
    let mut rows = test.harness.query_all_by_role(accesskit::Role::ListBoxOption);
    let row = rows.find(|node| node.accesskit_node().toggled() == Some(accesskit::Toggled::True))?;
    row.accesskit_node().label()
}

fn type_rate(test: &mut TestWindow, text: &str) {
    test.harness.get_by_label("Promised false alarms in 1,000 healthy parts").focus();
    test.harness.run_steps(3);
    press(test, Modifiers::COMMAND, Key::A);
    test.harness.event(egui::Event::Text(text.into()));
    test.harness.run_steps(2);
    press(test, Modifiers::NONE, Key::Enter);
}

fn themes() -> [(bool, &'static str); 2] {
    [(true, ""), (false, "_light")]
}

#[test]
fn the_empty_page_offers_ways_to_start() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut test = open(dark, SIZE, model);
        show(&mut test);
        for title in ["Open test images…", "Its test set", "39 held-out healthy images"] {
            assert!(shows(&test.harness, title), "{title}");
        }
        test.snapshot(&format!("evaluate_empty{name}"), &mut results);
    }
    // Without a model, one has to be opened first.
    let mut test = open(true, SIZE, |_| {});
    show(&mut test);
    assert!(shows(&test.harness, "No model is open yet."));
    assert!(shows(&test.harness, "Try the built-in model") && !shows(&test.harness, "Its test set"));
}

#[test]
fn metrics_appear_while_images_are_inspected() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut test = open(dark, SIZE, |state| test_status(state, 34));
        show(&mut test);
        assert!(shows(&test.harness, "Inspected 34 of 70 images"));
        assert!(shows(&test.harness, "34 s left") && shows(&test.harness, "Cancel the test"));
        settle(&mut test);
        test.snapshot(&format!("evaluate_running{name}"), &mut results);
    }
}

#[test]
fn a_finished_test_shows_the_cost_of_the_promised_rate() {
    let mut results = SnapshotResults::new();
    for (dark, name) in themes() {
        let mut test = open(dark, SIZE, finished);
        show(&mut test);
        settle(&mut test);
        assert!(shows(&test.harness, "This rate is active in turned."));
        assert!(!test.harness.get_by_label("Export the report…").accesskit_node().is_disabled());
        test.snapshot(&format!("evaluate_finished{name}"), &mut results);
    }
    let mut test = open(true, [1920.0, 1080.0], finished);
    show(&mut test);
    settle(&mut test);
    test.snapshot("evaluate_finished_large", &mut results);
}

#[test]
fn it_fits_the_smallest_window() {
    let size = [1024.0, 640.0];
    let mut test = open(true, size, finished);
    show(&mut test);
    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
    for label in ["Threshold", "ROC", "Precision-recall", "images: Missed", "Order by Outcome", "Apply this rate"] {
        let nodes: Vec<egui::Rect> = test.harness.query_all_by_label_contains(label).map(|n| n.rect()).collect();
        assert!(nodes.iter().any(|r| window.contains_rect(*r) && r.width() > 4.0), "{label}: {nodes:?}");
    }
}

#[test]
fn the_worst_images_come_first() {
    let mut test = open(true, SIZE, finished);
    show(&mut test);
    let missed = cell(&test, "Missed");
    assert!(missed > 2 && cell(&test, "False alarms") > 0);
    let rows = rows(&test);
    assert!(rows[..missed.min(rows.len())].iter().all(|row| row.contains(", missed")), "{rows:?}");
}

#[test]
fn a_typed_rate_moves_the_threshold_and_its_counts() {
    let mut test = open(true, SIZE, finished);
    show(&mut test);
    let before = (cell(&test, "Missed"), cell(&test, "False alarms"));
    type_rate(&mut test, "200");
    let after = (cell(&test, "Missed"), cell(&test, "False alarms"));
    assert!(after.0 < before.0 && after.1 > before.1, "{before:?} to {after:?}");
    assert_eq!(after.0 + cell(&test, "Caught"), DEFECTIVE);
    assert!(shows(&test.harness, "turned currently promises at most 50 false alarms in 1,000"));
    // A rate that 39 images cannot promise is refused with a message, and the threshold stays.
    type_rate(&mut test, "2");
    assert!(shows(&test.harness, "39 held-out healthy images cannot promise fewer than 1 false alarm in 40"));
    assert_eq!((cell(&test, "Missed"), cell(&test, "False alarms")), after);
    // The rate is saved for the next session.
    test.harness.run_steps(2);
    test.until("the rate is remembered", |window| {
        window.state().settings().layouts.get("evaluate").is_some_and(|layout| layout.contains("\"rate\":0.2"))
    });
}

#[test]
fn the_threshold_is_dragged_and_moved_by_keys() {
    let mut test = open(true, SIZE, finished);
    show(&mut test);
    let before = (cell(&test, "Missed"), cell(&test, "False alarms"));
    let plot = test.harness.get_by_label_contains("Threshold").rect();
    let at = |share: f32| egui::pos2(plot.left() + share * plot.width(), plot.center().y - 20.0);
    point(&mut test, at(0.6), Some(true));
    point(&mut test, at(0.4), None);
    point(&mut test, at(0.25), None);
    let dragged = (cell(&test, "Missed"), cell(&test, "False alarms"));
    point(&mut test, at(0.25), Some(false));
    test.harness.run_steps(2);
    assert!(dragged.0 < before.0 && dragged.1 > before.1, "{before:?} to {dragged:?}");
    // Far to the right it stops at the lowest rate that the held-out images allow.
    point(&mut test, at(0.3), Some(true));
    point(&mut test, at(0.9), None);
    point(&mut test, at(0.99), Some(false));
    test.harness.run_steps(2);
    let top = cell(&test, "Missed");
    test.harness.get_by_label_contains("Threshold").focus();
    test.harness.run_steps(2);
    let mut missed = Vec::new();
    for _ in 0..8 {
        press(&mut test, Modifiers::NONE, Key::ArrowLeft);
        missed.push(cell(&test, "Missed"));
    }
    assert!(missed.windows(2).all(|w| w[1] <= w[0]) && missed[7] < top, "{top}, {missed:?}");
    for _ in 0..20 {
        press(&mut test, Modifiers::NONE, Key::ArrowRight);
    }
    assert_eq!(cell(&test, "Missed"), top);
}

#[test]
fn a_cell_filters_the_table() {
    let mut test = open(true, [1280.0, 1100.0], finished);
    show(&mut test);
    let alarms = cell(&test, "False alarms");
    test.harness.get_by_label_contains("images: False alarms").click();
    test.harness.run_steps(3);
    let filtered = rows(&test);
    assert_eq!(filtered.len(), alarms);
    assert!(filtered.iter().all(|row| row.ends_with("false alarm")), "{filtered:?}");
    // A second click lists all of them again.
    test.harness.get_by_label_contains("images: False alarms").click();
    test.harness.run_steps(3);
    assert!(rows(&test).len() > alarms);
    // One defect type.
    test.harness.get_by_label_contains("smear: ").click();
    test.harness.run_steps(3);
    assert!(rows(&test).iter().all(|row| row.contains(", smear,")));
    test.harness.get_by_label_contains("smear only").click();
    test.harness.run_steps(3);
    assert!(rows(&test).iter().any(|row| !row.contains(", smear,")));
}

#[test]
fn columns_sort_the_table() {
    let mut test = open(true, SIZE, finished);
    show(&mut test);
    test.harness.get_by_label("Order by Image").click();
    test.harness.run_steps(3);
    let names =
        |test: &TestWindow| rows(test).iter().map(|r| r.split(',').next().unwrap().to_owned()).collect::<Vec<_>>();
    let rising = names(&test);
    assert!(rising.is_sorted() && rising[0] == "turned/crack/004", "{rising:?}");
    test.harness.get_by_label("Order by Image").click();
    test.harness.run_steps(3);
    assert!(names(&test).is_sorted_by(|a, b| a >= b));
}

#[test]
fn the_keyboard_selects_a_row_and_opens_its_image() {
    let mut test = open(true, SIZE, finished);
    show(&mut test);
    let listed = rows(&test);
    assert_eq!(current(&test), None);
    press(&mut test, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(current(&test).as_ref(), Some(&listed[0]));
    press(&mut test, Modifiers::NONE, Key::ArrowDown);
    press(&mut test, Modifiers::NONE, Key::ArrowDown);
    press(&mut test, Modifiers::NONE, Key::ArrowUp);
    assert_eq!(current(&test).as_ref(), Some(&listed[1]));
    for _ in 0..40 {
        test.harness.key_press_modifiers(Modifiers::NONE, Key::ArrowDown);
        test.harness.step();
    }
    test.harness.run_steps(3);
    assert!(current(&test).is_some(), "the table scrolls to the selected row");
    let name = current(&test).unwrap().split(',').next().unwrap().to_owned();
    press(&mut test, Modifiers::NONE, Key::Enter);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
    assert!(shows(&test.harness, &name));
    let entries = |test: &mut TestWindow| test.harness.state().state().inspection.status.read().entries.len();
    test.until("the image is on the list", |window| window.state().state().inspection.status.read().entries.len() == 1);
    // Opened again, it is not listed twice.
    show(&mut test);
    press(&mut test, Modifiers::NONE, Key::Enter);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
    test.harness.run_steps(5);
    assert_eq!(entries(&mut test), 1);
}

#[test]
fn another_score_is_chosen_and_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let mut test = open_in(folder, true, SIZE, finished, |settings| {
        settings.layouts.insert("evaluate".into(), r#"{"score":"l1","show":"missed"}"#.into());
    });
    show(&mut test);
    assert!(shows(&test.harness, "Verdicts use Worst spot; the table and the curves show Difference per pixel."));
    let before = cell(&test, "Missed");
    test.harness.get_by_label_contains("Worst feature spot: AUROC").click();
    test.harness.run_steps(3);
    assert!(cell(&test, "Missed") < before);
}

#[test]
fn without_a_calibration_the_threshold_is_free_and_nothing_is_promised() {
    let mut test = open(true, SIZE, |state| {
        finished(state);
        let mut status = state.evaluation.status.write();
        let whole = status.evaluation.clone().unwrap();
        status.evaluation = Some(Arc::new(Evaluation { calibration: None, rate: None, ..(*whole).clone() }));
    });
    show(&mut test);
    assert!(shows(&test.harness, "This test was run without a calibration"));
    assert!(!shows(&test.harness, "Apply this rate"));
    let before = cell(&test, "Missed");
    let plot = test.harness.get_by_label_contains("Threshold").rect();
    point(&mut test, plot.right_center() - egui::vec2(4.0, 20.0), Some(true));
    point(&mut test, plot.right_center() - egui::vec2(4.0, 20.0), Some(false));
    test.harness.run_steps(2);
    assert!(cell(&test, "Missed") > before);
}

#[test]
fn failed_and_stopped_tests_are_explained_with_a_next_step() {
    let mut test = open(true, SIZE, |state| test_status(state, 34));
    show(&mut test);
    let set = |test: &mut TestWindow, phase: EvaluationPhase| {
        test.harness.state().state().evaluation.status.write().phase = phase;
        test.harness.run_steps(3);
    };
    set(&mut test, EvaluationPhase::Stopped);
    assert!(shows(&test.harness, "Stopped after 34 of 70 images. The results so far are kept."));
    assert!(shows(&test.harness, "Resume"));
    set(&mut test, EvaluationPhase::Failed("no test images in /parts".into()));
    assert!(shows(&test.harness, "No test images in /parts."));
    assert!(shows(&test.harness, "Try again"));
    // Another model was opened.
    set(&mut test, EvaluationPhase::Done);
    let other = |state: &EngineState| {
        let mut status = state.inspection.status.write();
        let ModelState::Ready(facts) = &status.model else { panic!() };
        let other = ModelFacts { name: "milled".into(), hash: "1".into(), ..(**facts).clone() };
        status.model = ModelState::Ready(Arc::new(other));
    };
    other(test.harness.state().state());
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "These results are for turned. The active model is milled."));
    assert!(test.harness.get_by_label("Apply this rate").accesskit_node().is_disabled());
}

#[test]
fn a_real_test_is_cancelled_and_resumed() {
    let mut test = open(true, SIZE, |_| {});
    show(&mut test);
    let say = |test: &mut TestWindow, inspect| {
        test.harness.state_mut().apply(Action::engine(inspect));
    };
    let facts = |window: &Window| match &window.state().state().inspection.status.read().model {
        ModelState::Ready(facts) => Some(Arc::clone(facts)),
        _ => None,
    };
    say(&mut test, InspectionRequest::OpenModel(ModelSource::BuiltIn));
    test.until("the built-in model is open", |window| facts(window).is_some());
    // Settings for which it is calibrated.
    let knobs = facts(&test.harness).unwrap().calibrations[0].knobs.clone();
    say(&mut test, InspectionRequest::SetKnobs(Box::new(knobs)));
    test.until("it is calibrated", |window| window.state().state().inspection.status.read().rate.is_some());
    test.harness.run_steps(2);
    test.harness.get_by_label("Its test set").click();
    let done = |window: &Window| window.state().state().evaluation.status.read().done;
    test.until("three images are done", |window| done(window) >= 3);
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "Inspected "));
    press(&mut test, Modifiers::NONE, Key::S);
    test.until("the test stops", |window| {
        window.state().state().evaluation.status.read().phase == EvaluationPhase::Stopped
    });
    let before = done(&test.harness);
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "The results so far are kept"));
    test.harness.get_by_label("Resume").click();
    test.until("the test continues", |window| {
        let status = window.state().state().evaluation.status.read().clone();
        status.phase == EvaluationPhase::Running && status.done > before && status.known >= before
    });
    // A rate is applied.
    press(&mut test, Modifiers::NONE, Key::S);
    test.until("the test stops", |window| {
        window.state().state().evaluation.status.read().phase == EvaluationPhase::Stopped
    });
    test.harness.run_steps(2);
    let rate = |window: &Window| window.state().state().inspection.status.read().rate;
    let before = rate(&test.harness).unwrap();
    type_rate(&mut test, "250");
    test.until("the rate is active at once", |window| rate(window) == Some(0.25));
    test.harness.state_mut().apply(Action::Promise(before));
    test.until("the change is undone", |window| rate(window) == Some(before));
    let said: Vec<String> = test.harness.state().notices().map(str::to_owned).collect();
    assert!(said.iter().any(|text| text.contains("now promises at most 250 false alarms")), "{said:?}");
    type_rate(&mut test, "250");
    test.until("the rate is active again", |window| rate(window) == Some(0.25));
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "This rate is active in"));
    // And another score: the results are updated by it, and nothing is inspected again.
    let judged_by = |window: &Window| {
        let status = window.state().state().evaluation.status.read();
        status.evaluation.as_ref().map(|e| (e.score, status.done))
    };
    // The notices of the changes are in the corner over the scores; reading them in the list takes them away.
    for _ in 0..2 {
        test.harness.state_mut().apply(Action::Command(UiCommand::Notices));
        test.harness.run_steps(2);
    }
    let count = done(&test.harness);
    assert_eq!(judged_by(&test.harness), Some((ScoreKind::Fused, count)));
    test.harness.get_by(|node| node.label().is_some_and(|l| l.starts_with("Critic: AUROC"))).click();
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "Apply this score and rate"));
    press(&mut test, Modifiers::COMMAND, Key::S);
    test.until("the score is active", |window| judged_by(window) == Some((ScoreKind::Critic, count)));
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "This rate is active in"));
    // The report.
    let out = test.path("report");
    test.harness.state_mut().apply(Action::EvaluateReport(out.clone()));
    test.until("the report is written", |window| window.state().notices().any(|t| t.contains("report.html")));
    assert!(std::fs::metadata(out.join("report.html")).unwrap().len() > 10_000);
}
