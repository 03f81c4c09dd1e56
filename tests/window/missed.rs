//! A part of a test set on the Inspect page: its label, the outcome, the outline of its mask, and the way to the others.

use std::sync::Arc;

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::{NodeT, Queryable};
use ganspect::{
    data::surface::DefectType,
    engine::{
        EngineState,
        inspection::{QueryEntry, QueryId, QueryState},
    },
    ui::{Action, PageId, UiCommand},
};

use crate::{
    evaluate,
    harness::{SIZE, TestWindow, Window, open, press, shows},
    inspected,
};

fn tap(test: &mut TestWindow, key: Key) {
    press(test, Modifiers::NONE, key);
}

/// Returns the place among the parts with the same outcome, and their number.
fn place(window: &Window) -> (usize, usize) {
    let label = window.get_by_label_contains("in the test with this outcome").accesskit_node();
    let text = label.label().or_else(|| label.value()).unwrap();
    let mut words = text.split(' ').filter_map(|word| word.parse().ok());
    (words.next().unwrap(), words.next().unwrap())
}

/// Opens the first row of the table by the keyboard; returns its name.
fn opened(test: &mut TestWindow) -> String {
    test.harness.state_mut().apply(Action::Command(UiCommand::GoEvaluate));
    test.harness.run_steps(3);
    let rows = evaluate::rows(test);
    tap(test, Key::ArrowDown);
    tap(test, Key::Enter);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
    test.until("the image is on the list", |w| !w.state().state().inspection.status.read().entries.is_empty());
    rows[0].split(',').next().unwrap().to_owned()
}

fn shown(test: &TestWindow) -> QueryId {
    let status = test.harness.state().state().inspection.status.read();
    status.entries.last().unwrap().id
}

/// Gives a query the images and the verdict of an inspection that found nothing.
pub fn inspected_healthy(engine: &EngineState, id: QueryId) {
    let spare = EngineState::default();
    let other = inspected::query(&spare, "other", None::<DefectType>, 3, inspected::STEPS, 1);
    let view = Arc::clone(&spare.inspection.views.read()[&other]);
    engine.inspection.views.write().insert(id, view);
    let judged = spare.inspection.status.read().entries[0].judged.clone();
    let mut status = engine.inspection.status.write();
    for entry in status.entries.iter_mut().filter(|entry| entry.id == id) {
        *entry = Arc::new(QueryEntry { state: QueryState::Done, judged: judged.clone(), ..QueryEntry::clone(entry) });
    }
}

/// Counts the pixels of the image pane that are not grey.
fn coloured(test: &mut TestWindow) -> usize {
    test.harness.run_steps(3);
    let is_part = |label: Option<String>| label.is_some_and(|label| label.starts_with("Image"));
    let mut images = test.harness.query_all_by_role(Role::Image);
    let rect = images.find(|node| is_part(node.accesskit_node().label())).unwrap().rect().shrink(4.0);
    drop(images);
    let picture = test.harness.render().unwrap();
    let (x, y) = (rect.left() as u32..rect.right() as u32, rect.top() as u32..rect.bottom() as u32);
    let pixels = x.flat_map(|x| y.clone().map(move |y| (x, y)));
    pixels
        .filter(|(x, y)| {
            picture.get_pixel(*x, *y).0[..3].iter().max().unwrap()
                - picture.get_pixel(*x, *y).0[..3].iter().min().unwrap()
                > 60
        })
        .count()
}

#[test]
fn a_missed_part_opened_from_a_test_says_that_it_was_missed() {
    let mut test = open(true, SIZE, evaluate::finished);
    let first = opened(&mut test);
    let engine = Arc::clone(test.harness.state().state());
    // Before its inspection, the outcome is that of the test.
    let defect = first.split('/').nth(1).unwrap().to_owned();
    assert!(shows(&test.harness, &format!("Missed: labelled {defect}")), "{first}");
    let id = shown(&test);
    test.until("the verdict", |window| {
        // The engine may still be noting that it has read the image.
        inspected_healthy(&engine, id);
        shows(window, "HEALTHY")
    });
    test.harness.run_steps(3);
    assert!(shows(&test.harness, &format!("Missed: labelled {defect}")));
    assert!(test.harness.query_by_role_and_label(Role::Image, "Missed").is_some(), "the mark of the outcome");
    assert!(coloured(&mut test) > 100, "the mask is outlined on the image");
    // The others that were missed, by the keys and by the buttons.
    let (_, count) = place(&test.harness);
    assert!(count >= 3);
    while place(&test.harness).0 > 1 {
        press(&mut test, Modifiers::SHIFT, Key::N);
    }
    let enabled = |test: &TestWindow, name: &str| !test.harness.get_by_label(name).accesskit_node().is_disabled();
    let [back, forward] = ["Previous", "Next"].map(|word| format!("{word} part with this outcome (missed)"));
    assert!(!enabled(&test, &back) && enabled(&test, &forward));
    test.harness.get_by_label(&forward).click();
    test.until("the next part", |window| place(window) == (2, count));
    assert!(enabled(&test, &back) && shows(&test.harness, "Missed: labelled "));
    press(&mut test, Modifiers::SHIFT, Key::N);
    assert_eq!(place(&test.harness), (1, count));
    tap(&mut test, Key::N);
    tap(&mut test, Key::N);
    assert_eq!(place(&test.harness), (3, count));
    assert!(shows(&test.harness, "Missed: labelled "));
}

#[test]
fn a_part_outside_a_test_has_no_label_and_no_outline() {
    let mut test = open(true, SIZE, |state| {
        inspected::model(state);
        inspected::query(state, "part-0043.png", None, 3, inspected::STEPS, 1);
    });
    test.harness.state_mut().apply(Action::Command(UiCommand::GoInspect));
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "HEALTHY") && !shows(&test.harness, "labelled"));
    assert_eq!(coloured(&mut test), 0);
    tap(&mut test, Key::N);
    assert!(shows(&test.harness, "HEALTHY"));
}
