//! The list of anomaly regions, and their outlines over the images.

use egui::{Key, Modifiers, Pos2, Rect, accesskit::Role};
use egui_kittest::kittest::{NodeT, Queryable};
use ganspect::{
    data::surface::DefectType,
    engine::EngineState,
    ui::{Action, PageId, UiCommand},
};

use crate::{
    harness::{SIZE, TestWindow, open, point, press, shows},
    inspected::{STEPS, model, query},
    review::reviewing,
};

/// The rows of the list, each with whether it is selected.
fn rows(test: &TestWindow) -> Vec<(String, bool)> {
    let rows = test.harness.query_all_by_role(Role::Row);
    let row = |label: String, on| (label, on == Some(egui::accesskit::Toggled::True));
    rows.filter_map(|node| Some(row(node.accesskit_node().label()?, node.accesskit_node().toggled())))
        .filter(|(label, _)| label.starts_with("Region "))
        .collect()
}

fn selected(test: &TestWindow) -> Option<usize> {
    rows(test).iter().position(|(_, on)| *on)
}

/// The place of the image with this beginning of its name.
fn pane(test: &TestWindow, name: &str) -> Rect {
    let mut images = test.harness.query_all_by_role(Role::Image);
    let own = |label: Option<String>| label.is_some_and(|label| label.starts_with(name));
    images.find(|node| own(node.accesskit_node().label())).unwrap().rect()
}

fn click(test: &mut TestWindow, at: Pos2) {
    point(test, at, None);
    point(test, at, Some(true));
    point(test, at, Some(false));
    // Not a double click.
    test.harness.run_steps(4);
}

fn inspecting(prepare: impl FnOnce(&EngineState) + 'static) -> TestWindow {
    let mut test = open(true, SIZE, |state| {
        model(state);
        prepare(state);
    });
    test.harness.state_mut().apply(Action::Command(UiCommand::GoInspect));
    test.harness.run_steps(3);
    test
}

/// Zoom of the image, in percent.
fn zoom(test: &TestWindow) -> f32 {
    let images = test.harness.query_all_by_label_contains("Image · ");
    let label = images.filter_map(|node| node.accesskit_node().label()).next().unwrap();
    label.split(" · ").find_map(|part| part.split(" %").next()?.parse().ok()).unwrap()
}

#[test]
fn regions_are_listed_and_a_row_selects_its_region() {
    let mut test = inspecting(|state| {
        query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
    });
    assert!(shows(&test.harness, "Anomaly regions") && shows(&test.harness, "the score decides the verdict"));
    let all = rows(&test);
    assert!(!all.is_empty() && selected(&test).is_none(), "{all:?}");
    assert!(all[0].0.contains(" pixels, ") && all[0].0.contains("peak"), "{all:?}");
    // Nothing is said in detail of a region before one is selected.
    assert!(!shows(&test.harness, "Direction"));
    let row = test.harness.query_all_by_role(Role::Row).next().unwrap().rect();
    click(&mut test, row.center());
    assert_eq!(selected(&test), Some(0));
    assert!(shows(&test.harness, "Direction") && shows(&test.harness, "Peak at"));
    click(&mut test, row.center());
    assert_eq!(selected(&test), None, "a second click clears the selection");
}

#[test]
fn keys_go_through_the_regions_and_a_click_on_the_image_selects_one() {
    let mut test = inspecting(|state| {
        query(state, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
    });
    let count = rows(&test).len();
    let fitted = zoom(&test);
    press(&mut test, Modifiers::NONE, Key::G);
    assert_eq!(selected(&test), Some(0));
    (1..=count).for_each(|_| press(&mut test, Modifiers::NONE, Key::G));
    assert_eq!(selected(&test), Some(0), "after the last comes the first");
    press(&mut test, Modifiers::SHIFT, Key::G);
    assert_eq!(selected(&test), Some(count - 1));
    assert!(zoom(&test) >= fitted);
    press(&mut test, Modifiers::NONE, Key::F);
    assert_eq!(zoom(&test), fitted);
    // The region with the highest peak, in the image and in the map.
    let at = {
        let state = test.harness.state().state();
        let views = state.inspection.views.read();
        let found = views.values().next().unwrap().regions.clone().unwrap();
        let region = found.as_ref().as_ref().unwrap().regions[0].clone();
        let side = views.values().next().unwrap().query.width() as f32;
        egui::vec2(region.at[0] as f32 + 0.5, region.at[1] as f32 + 0.5) / side
    };
    press(&mut test, Modifiers::SHIFT, Key::G);
    for name in ["Image ·", "Difference"] {
        press(&mut test, Modifiers::NONE, Key::F);
        let pane = pane(&test, name);
        let side = fitted / 100.0 * 128.0;
        let place = pane.center() + (at - egui::Vec2::splat(0.5)) * side;
        let before = selected(&test);
        click(&mut test, place);
        assert_ne!(selected(&test), before, "{name}");
        assert!(selected(&test).is_none_or(|at| at == 0), "{name}");
    }
}

#[test]
fn a_healthy_part_says_that_it_has_no_region() {
    let mut test = inspecting(|state| {
        query(state, "part-0041.png", None, 1, STEPS, 1);
    });
    assert!(shows(&test.harness, "HEALTHY") && shows(&test.harness, "No region above the threshold."));
    assert!(rows(&test).is_empty());
    // There is nothing to go to.
    press(&mut test, Modifiers::NONE, Key::G);
    assert_eq!(test.harness.state().page(), PageId::Inspect);
}

#[test]
fn a_recorded_part_lists_the_regions_that_were_found_then() {
    let (mut test, _record) = reviewing(false);
    test.until("the regions", |window| shows(window, "Anomaly regions"));
    let all = rows(&test);
    assert!(all.len() == 1 && all[0].0.starts_with("Region 1: 310 pixels, 38.2 × 9.6 pixels, peak 6.2"), "{all:?}");
    press(&mut test, Modifiers::NONE, Key::G);
    assert_eq!(selected(&test), Some(0));
    assert!(shows(&test.harness, "164°"));
    // Verdicts go on as before, and the next part has its own selection.
    press(&mut test, Modifiers::NONE, Key::U);
    assert_eq!(selected(&test), None);
}

#[test]
fn blind_reviewers_see_no_regions() {
    let (test, _record) = reviewing(true);
    assert!(!shows(&test.harness, "Anomaly regions") && rows(&test).is_empty());
}
