//! Changes that the window makes or limits by itself are said where they happen, and named when they are undone.

use egui::{Key, Modifiers, accesskit};
use egui_kittest::kittest::Queryable;
use ganspect::{
    engine::training::TrainingPhase,
    train::Health,
    ui::{Action, UiCommand},
};
use toml::Value;

use crate::harness::{SIZE, TestWindow, open, press, run, shows};

fn last_notice(test: &TestWindow) -> String {
    test.harness.state().notices().last().unwrap_or_default().to_owned()
}

/// Types into the number field of the knob k_D.
fn type_k_d(test: &mut TestWindow, text: &str) {
    let label = "D updates per step (k_D)";
    test.harness.get_by_role_and_label(accesskit::Role::SpinButton, label).focus();
    test.harness.run_steps(3);
    press(test, Modifiers::COMMAND, Key::A);
    test.harness.event(egui::Event::Text(text.into()));
    test.harness.run_steps(2);
    press(test, Modifiers::NONE, Key::Enter);
    test.harness.run_steps(3);
}

#[test]
fn a_typed_value_beyond_the_range_says_what_it_became() {
    let mut test = open(true, SIZE, |state| run(state, TrainingPhase::Paused, 300, Health::Good));
    test.harness.run_steps(3);
    type_k_d(&mut test, "20");
    assert_eq!(test.harness.state().recipe().train.k_d, 10);
    assert!(shows(&test.harness, "20 is too large and became 10: the range is 1 to 10."));
    type_k_d(&mut test, "4");
    assert_eq!(test.harness.state().recipe().train.k_d, 4);
    assert!(!shows(&test.harness, "is too large"));
}

#[test]
fn undo_and_redo_name_the_change() {
    let mut test = open(true, SIZE, |_| {});
    let app = test.harness.state_mut();
    app.apply(Action::Knob { key: "train.k_d", value: Value::Integer(3) });
    app.apply(Action::Command(UiCommand::Undo));
    assert_eq!(last_notice(&test), "Undone: D updates per step (k_D) from 3 back to 1.");
    test.harness.state_mut().apply(Action::Command(UiCommand::Redo));
    assert_eq!(last_notice(&test), "Redone: D updates per step (k_D) from 1 to 3.");
    assert_eq!(test.harness.state().recipe().train.k_d, 3);
    // The palette names it before it is undone.
    test.harness.state_mut().apply(Action::Command(UiCommand::Palette));
    test.harness.run_steps(3);
    test.harness.event(egui::Event::Text("undo knob".into()));
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "Undo knob change, D updates per step (k_D) from 3 back to 1"));
}

#[test]
fn a_finished_run_says_how_many_steps_it_is_trained_further() {
    let done = ganspect::train::Preset::Laptop.recipe().train.steps;
    let mut test = open(true, SIZE, move |state| {
        run(state, TrainingPhase::Finished, 300, Health::Good);
        state.training.status.write().step = done;
    });
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "Train further: "));
    test.harness.state_mut().apply(Action::Command(UiCommand::TrainFurther));
    let steps = test.harness.state().recipe().train.steps;
    assert_eq!(steps, done + done / 2);
    assert!(last_notice(&test).starts_with("Training further: "), "{}", last_notice(&test));
}
