//! The keyboard: regions, lists, the palette, and typed paths.

use std::{fs, sync::Arc};

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::{NodeT, Queryable};
use ganspect::{
    engine::{inspection::QueryState, training::TrainingPhase},
    train::{Health, Preset},
    ui::{Action, PageId, PathRequest, UiCommand},
};

use crate::{
    evaluate, harness,
    harness::{SIZE, TestWindow, Window, open, open_in, press, shows},
    inspected,
    inspected::entry,
    pages, review,
};

fn tap(test: &mut TestWindow, key: Key) {
    press(test, Modifiers::NONE, key);
}

fn type_text(test: &mut TestWindow, text: &str) {
    test.harness.event(egui::Event::Text(text.to_owned()));
    test.harness.run_steps(3);
}

fn show(test: &mut TestWindow, page: PageId) {
    test.harness.state_mut().apply(Action::Command(page.command()));
    test.harness.run_steps(3);
}

/// Returns the region of the control that has the keyboard.
fn region(test: &TestWindow) -> &'static str {
    let Some(id) = test.harness.ctx.memory(|m| m.focused()) else { return "none" };
    let rect = test.harness.ctx.read_response(id).unwrap().rect;
    match rect.center() {
        at if at.y > SIZE[1] - 28.0 => "status",
        at if at.x < 48.0 => "rail",
        at if at.x > SIZE[0] - 306.0 && at.y > 60.0 => "panel",
        _ => "page",
    }
}

fn inspecting() -> TestWindow {
    let mut test = open(true, SIZE, |state| {
        inspected::model(state);
        for i in 0..60 {
            let item = entry(&format!("part-{i:04}.png"), QueryState::Waiting);
            state.inspection.status.write().entries.push(Arc::new(item));
        }
    });
    show(&mut test, PageId::Inspect);
    test
}

#[test]
fn f6_goes_through_the_regions_in_both_directions() {
    let mut test = inspecting();
    let mut seen = Vec::new();
    for _ in 0..4 {
        tap(&mut test, Key::F6);
        seen.push(region(&test));
    }
    assert_eq!(seen, ["page", "panel", "status", "rail"]);
    let mut back = Vec::new();
    for _ in 0..4 {
        press(&mut test, Modifiers::SHIFT, Key::F6);
        back.push(region(&test));
    }
    assert_eq!(back, ["status", "panel", "page", "rail"]);
    press(&mut test, Modifiers::COMMAND, Key::Tab);
    assert_eq!(region(&test), "page");
    press(&mut test, Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Tab);
    assert_eq!(region(&test), "rail");
    // Every page has the same way out of a text field.
    show(&mut test, PageId::Help);
    test.harness.get_by_label("Filter the help").focus();
    test.harness.run_steps(2);
    assert!(test.harness.ctx.text_edit_focused());
    tap(&mut test, Key::F6);
    assert_eq!(region(&test), "status", "this page has no side panel");
}

#[test]
fn the_rail_is_one_stop_and_its_arrows_change_the_page() {
    let mut test = inspecting();
    let mut stops = 0;
    for _ in 0..80 {
        tap(&mut test, Key::Tab);
        stops += usize::from(region(&test) == "rail");
        if stops > 0 && region(&test) == "page" {
            break;
        }
    }
    assert_eq!(stops, 1);
    while region(&test) != "rail" {
        press(&mut test, Modifiers::SHIFT, Key::F6);
    }
    tap(&mut test, Key::ArrowDown);
    assert_eq!((test.harness.state().page(), region(&test)), (PageId::Evaluate, "rail"));
    tap(&mut test, Key::End);
    assert_eq!((test.harness.state().page(), region(&test)), (PageId::Help, "rail"));
    tap(&mut test, Key::Home);
    assert_eq!(test.harness.state().page(), PageId::Train);
}

/// Returns the position of the current row among the rows on screen, by its label.
fn current(window: &Window) -> Option<String> {
    let mut rows = window.query_all_by_role(Role::ListBoxOption);
    let row = rows.find(|node| node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True))?;
    row.accesskit_node().label().map(|label| label.split(',').next().unwrap_or_default().to_owned())
}

/// Clicks a row and moves from it by every key of lists; returns what was current after each.
fn moves(test: &mut TestWindow, row: &str) -> Vec<String> {
    let label = |label: Option<String>| label.is_some_and(|label| label.starts_with(row));
    let mut rows = test.harness.query_all_by_role(Role::ListBoxOption);
    rows.find(|node| label(node.accesskit_node().label())).unwrap().click();
    drop(rows);
    test.harness.run_steps(3);
    let keys =
        [Key::ArrowDown, Key::ArrowDown, Key::ArrowUp, Key::End, Key::ArrowDown, Key::Home, Key::PageDown, Key::PageUp];
    let mut seen = Vec::new();
    for key in keys {
        tap(test, key);
        test.harness.run_steps(2);
        seen.push(current(&test.harness).unwrap_or_else(|| panic!("no current row after {key:?}")));
    }
    seen
}

#[test]
fn the_keys_move_in_every_list_after_a_click_and_after_f6() {
    let mut test = inspecting();
    tap(&mut test, Key::Home);
    let part = |i: usize| format!("part-{i:04}.png");
    test.harness.run_steps(2);
    let first = current(&test.harness).unwrap();
    let seen = moves(&mut test, &first);
    assert_eq!(seen[3..6], [part(59), part(59), part(0)]);
    assert_eq!(seen[7], part(0));
    assert!(seen[6] > part(4) && seen[6] < part(30), "a page is what fits: {}", seen[6]);
    // By the keyboard alone.
    test.harness.ctx.memory_mut(|m| m.stop_text_input());
    tap(&mut test, Key::F6);
    for _ in 0..60 {
        let list = test.harness.get_by_role_and_label(Role::ListBox, "Image list").accesskit_node().is_focused();
        if list {
            break;
        }
        tap(&mut test, Key::Tab);
    }
    tap(&mut test, Key::End);
    test.harness.run_steps(2);
    assert_eq!(current(&test.harness), Some(part(59)));

    let mut test = open(true, SIZE, evaluate::finished);
    show(&mut test, PageId::Evaluate);
    let rows: Vec<String> = evaluate::rows(&test);
    let name = |row: &String| row.split(',').next().unwrap().to_owned();
    let seen = moves(&mut test, &rows[0]);
    assert_eq!(seen[..3], [name(&rows[1]), name(&rows[2]), name(&rows[1])]);
    assert_eq!((&seen[3], &seen[5], &seen[7]), (&seen[4], &name(&rows[0]), &name(&rows[0])));

    let folder = tempfile::tempdir().unwrap();
    let parts = review::items(folder.path(), 40);
    let mut test = open_in(folder, true, SIZE, move |state| review::put(state, parts), |_| {});
    show(&mut test, PageId::Review);
    let first = current(&test.harness).unwrap();
    let seen = moves(&mut test, &first);
    assert_eq!((&seen[3], &seen[5], &seen[7]), (&seen[4], &first, &first));
    assert!(seen[0] != first && seen[1] != seen[0] && seen[2] == seen[0] && seen[6] != first);
    tap(&mut test, Key::ArrowRight);
    assert_eq!(current(&test.harness), Some(seen[0].clone()));
}

#[test]
fn runs_are_selected_by_the_keyboard() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["first", "second", "third"] {
        pages::earlier_run(&folder.path().join("runs"), name, &Preset::Laptop.recipe());
    }
    let mut test = open_in(folder, true, SIZE, |_| {}, |_| {});
    show(&mut test, PageId::Runs);
    test.until("the runs", |window| shows(window, "third"));
    let selected = |test: &TestWindow| {
        let field = test.harness.query_by_role_and_label(Role::TextInput, "Name of the run")?;
        field.accesskit_node().value()
    };
    let names: Vec<String> = ["first", "second", "third"].map(str::to_owned).into();
    test.harness.get_by_role_and_label(Role::Button, "second").click();
    test.harness.run_steps(3);
    assert_eq!(selected(&test), Some("second".into()));
    let mut seen = Vec::new();
    for key in [Key::Home, Key::ArrowDown, Key::End] {
        tap(&mut test, key);
        seen.push(selected(&test).unwrap());
    }
    let mut all = seen.clone();
    all.sort();
    assert_eq!(all, names, "{seen:?}");
}

#[test]
fn the_palette_leads_to_knobs_and_settings() {
    let find = |test: &mut TestWindow, text: &str| {
        press(test, Modifiers::COMMAND, Key::K);
        type_text(test, text);
        tap(test, Key::Enter);
        test.harness.run_steps(4);
    };
    let focused = |test: &TestWindow| {
        let mut left = vec![test.harness.root().accesskit_node()];
        while let Some(node) = left.pop() {
            if node.is_focused() {
                return node.label();
            }
            left.extend(node.children());
        }
        None
    };
    let mut test = open(true, SIZE, |state| harness::run(state, TrainingPhase::Paused, 640, Health::Good));
    // A knob is named Scale as well.
    find(&mut test, "scale text");
    assert_eq!((test.harness.state().page(), focused(&test).as_deref()), (PageId::Settings, Some("Scale")));
    find(&mut test, "critic.steps");
    assert_eq!(test.harness.state().page(), PageId::Train);
    let label = ganspect::train::knobs::knob("critic.steps").unwrap().label;
    assert_eq!(focused(&test).as_deref(), Some(label), "its group is opened, and the knob has the keyboard");
    // The knob is being edited and takes all keys.
    tap(&mut test, Key::Escape);
    find(&mut test, "theme");
    assert_eq!(test.harness.state().page(), PageId::Settings);
    // Without a run the knob is described.
    let mut test = open(true, SIZE, |_| {});
    find(&mut test, "critic.steps");
    assert_eq!(test.harness.state().page(), PageId::Help);
    assert!(shows(&test.harness, label) && !shows(&test.harness, UiCommand::Quit.title()));
}

#[test]
fn a_typed_path_is_completed_refused_with_a_reason_and_understood_in_quotes() {
    let mut test = open(true, SIZE, |_| {});
    let folder = test.path("good parts");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("recipe a.toml"), Preset::Laptop.recipe().to_toml()).unwrap();
    let ask = |test: &mut TestWindow, text: &str| {
        test.harness.state_mut().apply(Action::Ask(PathRequest::LoadRecipe));
        test.harness.run_steps(3);
        press(test, Modifiers::COMMAND, Key::A);
        type_text(test, text);
    };
    let load = |test: &TestWindow| {
        let button = test.harness.get_by_role_and_label(Role::Button, "Load");
        !button.accesskit_node().is_disabled()
    };
    let root = test.folder.path().to_str().unwrap().to_owned();
    ask(&mut test, &format!("{root}/god parts/recipe.toml"));
    assert!(!load(&test) && shows(&test.harness, &format!("There is no god parts in {root}.")));
    // Enter does not lose what was typed.
    tap(&mut test, Key::Enter);
    assert!(shows(&test.harness, "There is no god parts"));
    tap(&mut test, Key::Escape);
    ask(&mut test, &folder.display().to_string());
    assert!(!load(&test) && shows(&test.harness, "is a folder. Name a file in it."));
    tap(&mut test, Key::Escape);

    ask(&mut test, &format!("{root}/go"));
    test.until("the entries", |window| shows(window, "good parts/"));
    tap(&mut test, Key::Tab);
    test.until("the entries of the folder", |window| shows(window, "recipe a.toml"));
    tap(&mut test, Key::Tab);
    let value = test.harness.get_by_label("Path").accesskit_node().value();
    assert_eq!(value, Some(format!("{root}/good parts/recipe a.toml")));
    assert!(load(&test));
    tap(&mut test, Key::Enter);
    assert!(test.harness.state().notices().any(|text| text.contains("Recipe loaded")));

    let count =
        |test: &TestWindow| test.harness.state().notices().filter(|text| text.contains("Recipe loaded")).count();
    for text in [format!("\"{root}/good parts/recipe a.toml\" "), format!("file://{root}/good%20parts/recipe%20a.toml")]
    {
        let before = count(&test);
        ask(&mut test, &text);
        assert!(load(&test), "{text}");
        tap(&mut test, Key::Enter);
        assert_eq!(count(&test), before + 1, "{text}");
    }
}

#[test]
fn a_typed_path_replaces_a_file_only_after_a_question() {
    let mut test = open(true, SIZE, |_| {});
    let file = test.path("mine.toml");
    fs::write(&file, "notes of mine").unwrap();
    // The extension is added, and the file is there already.
    let text = test.path("mine").to_str().unwrap().to_owned();
    test.harness.state_mut().apply(Action::Ask(PathRequest::SaveRecipe));
    test.harness.run_steps(3);
    type_text(&mut test, &text);
    let value = test.harness.get_by_label("Path").accesskit_node().value();
    assert_eq!(value.as_deref(), Some(text.as_str()), "typing replaces the suggestion, which is selected");
    tap(&mut test, Key::Enter);
    assert!(shows(&test.harness, "Replace mine.toml?"));
    tap(&mut test, Key::Escape);
    assert!(!shows(&test.harness, "Replace mine.toml?"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "notes of mine");
    // The path is still there, and has the keyboard.
    test.harness.run_steps(3);
    assert_eq!(test.harness.get_by_label("Path").accesskit_node().value(), Some(text));
    tap(&mut test, Key::Enter);
    test.harness.run_steps(2);
    test.harness.get_by_role_and_label(Role::Button, "Replace").click();
    test.harness.run_steps(3);
    assert_eq!(fs::read_to_string(&file).unwrap(), Preset::Laptop.recipe().to_toml());
    assert!(!shows(&test.harness, "Replace mine.toml?") && test.harness.query_by_label("Path").is_none());
    // A new file is written at once.
    test.harness.state_mut().apply(Action::Ask(PathRequest::SaveRecipe));
    test.harness.run_steps(3);
    let other = test.path("other.toml");
    type_text(&mut test, other.to_str().unwrap());
    tap(&mut test, Key::Enter);
    assert!(other.is_file());
}
