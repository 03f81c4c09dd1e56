//! Text that a person types never acts as a command that records something.

use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable;
use ganspect::{
    review::Record,
    ui::{Action, PathRequest, UiCommand},
};

use crate::{
    harness::{TestWindow, press},
    review::reviewing,
};

/// A small reproducible generator of random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Presses a key as a keyboard does: the key, and the text that it enters.
fn strike(test: &TestWindow, key: Key, text: &str) {
    let modifiers = Modifiers::NONE;
    test.harness.event(Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers });
    if !text.is_empty() {
        test.harness.event(Event::Text(text.into()));
    }
    test.harness.event(Event::Key { key, physical_key: None, pressed: false, repeat: false, modifiers });
}

fn letter(test: &TestWindow, letter: char) {
    let name = letter.to_uppercase().to_string();
    strike(test, Key::from_name(&name).unwrap(), &letter.to_string());
}

fn type_word(test: &mut TestWindow, word: &str) {
    for c in word.chars() {
        letter(test, c);
        test.harness.step();
    }
}

fn verdicts(record: &Record) -> usize {
    record.queue().unwrap().iter().map(|item| item.opinions.len()).sum()
}

/// Waits until the record thread has answered everything sent to it.
fn settle(test: &mut TestWindow) {
    test.until("the record", |window| window.query_all_by_label_contains("saving").next().is_none());
    test.harness.run_steps(2);
}

/// The places of the Review page where text is entered.
const FIELDS: [&str; 6] = ["New defect type", "Note", "Search parts", "Your name", "Path", "Command"];

/// Puts the focus into a field as a user does.
fn enter(test: &mut TestWindow, field: &str) {
    press(test, Modifiers::NONE, Key::Escape);
    press(test, Modifiers::NONE, Key::Escape);
    test.harness.run_steps(4);
    match field {
        "Note" => press(test, Modifiers::NONE, Key::N),
        "Search parts" => press(test, Modifiers::COMMAND, Key::F),
        "Path" => test.harness.state_mut().apply(Action::Ask(PathRequest::Record)),
        "Command" => press(test, Modifiers::COMMAND, Key::K),
        name => test.harness.get_by_label(name).focus(),
    }
    test.harness.run_steps(2);
    assert!(test.harness.ctx.text_edit_focused(), "{field} has no focus");
}

#[test]
fn a_defect_type_typed_after_another_records_no_verdict() {
    let (mut test, record) = reviewing(false);
    enter(&mut test, "New defect type");
    for word in ["pit", "scratch", "hard"] {
        type_word(&mut test, word);
        strike(&test, Key::Enter, "");
        test.harness.run_steps(3);
        test.until("the type", |_| record.defect_types().unwrap().iter().any(|kind| kind == word));
        // As long as one likes to think about the next.
        test.harness.run_steps(8);
        assert!(test.harness.ctx.text_edit_focused(), "the field keeps the focus after {word}");
    }
    settle(&mut test);
    assert_eq!(verdicts(&record), 0);
}

#[test]
fn random_typing_in_every_field_records_no_verdict() {
    let (mut test, record) = reviewing(false);
    let mut random = Random(0x5EED_0001);
    for field in FIELDS {
        enter(&mut test, field);
        for _ in 0..40 {
            match random.below(12) {
                0 => strike(&test, Key::Tab, ""),
                1 => strike(&test, Key::Backspace, ""),
                2 => strike(&test, Key::ArrowLeft, ""),
                3 => strike(&test, Key::ArrowDown, ""),
                4 => strike(&test, Key::Space, " "),
                // The palette runs the command that is chosen in it.
                5 if field != "Command" => strike(&test, Key::Enter, ""),
                6 => strike(&test, Key::Escape, ""),
                // Faster than frames are drawn.
                7 => "had".chars().for_each(|c| letter(&test, c)),
                _ => letter(&test, ['a', 'h', 'd', 'u', 's'][random.below(5) as usize]),
            }
            // Each event takes a frame of a quarter of a second, so that the keys come half a second apart; now and then
            // there is a long pause while something has the keyboard.
            test.harness.step();
            let busy = test.harness.ctx.text_edit_focused() || test.harness.state().is_asking();
            test.harness.run_steps(if busy && random.below(4) == 0 { 6 } else { 0 });
        }
        settle(&mut test);
        assert_eq!(verdicts(&record), 0, "typing that begins in {field}");
    }
}

#[test]
fn keys_just_after_typing_do_nothing_and_say_so() {
    let (mut test, record) = reviewing(false);
    enter(&mut test, "Search parts");
    type_word(&mut test, "part");
    strike(&test, Key::Escape, "");
    test.harness.step();
    letter(&test, 'h');
    test.harness.step();
    assert!(test.harness.state().notices().any(|text| text.starts_with("H came while text was typed")));
    settle(&mut test);
    assert_eq!(verdicts(&record), 0);
    // A moment later, nothing owns the keyboard.
    test.harness.run_steps(4);
    letter(&test, 'h');
    test.harness.run_steps(3);
    settle(&mut test);
    assert_eq!(verdicts(&record), 1);
}

#[test]
fn single_keys_work_when_nothing_owns_the_keyboard() {
    let (mut test, record) = reviewing(false);
    for (n, key) in ['a', 'h', 'd', 'u'].into_iter().enumerate() {
        letter(&test, key);
        test.harness.step();
        settle(&mut test);
        assert_eq!(verdicts(&record), n + 1, "{key}");
    }
    strike(&test, Key::Space, " ");
    test.harness.step();
    settle(&mut test);
    assert_eq!(verdicts(&record), 5);
}

#[test]
fn an_open_list_or_a_focused_control_keeps_single_keys_from_recording() {
    let (mut test, record) = reviewing(false);
    test.harness.get_by_role_and_label(egui::accesskit::Role::ComboBox, "Queue order").click();
    test.harness.run_steps(4);
    letter(&test, 'h');
    test.harness.run_steps(4);
    strike(&test, Key::Escape, "");
    test.harness.run_steps(6);
    test.harness.get_by_role_and_label(egui::accesskit::Role::ComboBox, "Queue order").focus();
    test.harness.run_steps(4);
    letter(&test, 'h');
    test.harness.run_steps(4);
    settle(&mut test);
    assert_eq!(verdicts(&record), 0);
    assert!(test.harness.state().notices().any(|text| text.starts_with("A control on the page has the keyboard")));
    // A letter meant for a dialog that closes is not taken for a verdict either.
    press(&mut test, Modifiers::NONE, Key::Escape);
    test.harness.state_mut().apply(Action::Command(UiCommand::Palette));
    test.harness.run_steps(3);
    strike(&test, Key::Escape, "");
    letter(&test, 'h');
    test.harness.run_steps(3);
    settle(&mut test);
    assert_eq!(verdicts(&record), 0);
}
