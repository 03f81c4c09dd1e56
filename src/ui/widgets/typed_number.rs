//! What was typed into a number field, with a note below the field where the value became another one.

use std::cell::RefCell;

use egui::{Id, RichText, Ui};

use super::rows::marked_text;
use crate::{
    format::parse_number,
    ui::theme::{NoticeMark, Palette},
};

/// Relative difference below which two values are the same; some settings have single precision.
const SAME: f64 = 1e-6;
/// Time in which a new value reaches the field, seconds.
const ARRIVES: f64 = 1.0;

/// Reads the text of a number field, for `custom_parser`.
pub(crate) struct TypedNumber {
    /// The value before, and its text.
    before: (f64, String),
    typed: RefCell<Option<String>>,
}

/// A note, the value that it is about, and when it was made.
#[derive(Clone, Debug)]
struct Note {
    text: String,
    value: f64,
    at: f64,
}

impl TypedNumber {
    /// Prepares to read a field that shows `value` as `text`.
    pub(crate) fn new(value: f64, text: String) -> Self {
        Self { before: (value, text), typed: RefCell::default() }
    }

    /// Reads a number; `None` if it is none, so that the field keeps its value.
    pub(crate) fn read(&self, text: &str) -> Option<f64> {
        if text.trim() == self.before.1 {
            // Left as it was, with all the digits that are not shown.
            return Some(self.before.0);
        }
        *self.typed.borrow_mut() = Some(text.trim().to_owned());
        parse_number(text)
    }

    /// Draws the note of the field `id`, whose value is `set` after what was typed and `current` in the recipe. `format`
    /// formats a value as the field does.
    pub(crate) fn ui(
        &self,
        ui: &mut Ui,
        id: Id,
        (low, high): (f64, f64),
        (set, current): (f64, f64),
        format: impl Fn(f64) -> String,
    ) {
        let id = id.with("typed-note");
        let now = ui.input(|i| i.time);
        if let Some(typed) = self.typed.take() {
            match note(&typed, (low, high), set, &format) {
                Some(text) => {
                    ui.data_mut(|data| data.insert_temp(id, Note { text, value: set, at: now }));
                }
                None => ui.data_mut(|data| data.remove::<Note>(id)),
            }
        }
        let Some(note) = ui.data(|data| data.get_temp::<Note>(id)) else { return };
        let same = (note.value - current).abs() <= SAME * note.value.abs();
        if !same && now - note.at > ARRIVES {
            return ui.data_mut(|data| data.remove::<Note>(id));
        }
        let p = Palette::of(ui);
        marked_text(ui, NoticeMark::Warning, RichText::new(note.text).color(p.text));
    }
}

/// Says what became of a typed number, if that is another value.
fn note(typed: &str, (low, high): (f64, f64), set: f64, format: impl Fn(f64) -> String) -> Option<String> {
    if typed.is_empty() {
        return None;
    }
    let shown = format(set);
    let range = format!("the range is {} to {}", format(low), format(high));
    match parse_number(typed) {
        None => Some(format!("'{typed}' is not a number, so {shown} is kept.")),
        Some(number) if number > high => Some(format!("{typed} is too large and became {shown}: {range}.")),
        Some(number) if number < low => Some(format!("{typed} is too small and became {shown}: {range}.")),
        Some(number) if (number - set).abs() > SAME * number.abs() => Some(format!("{typed} was rounded to {shown}.")),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_became_another_one_names_the_limit() {
        let plain = |value: f64| value.to_string();
        let note = |typed: &str, set: f64| note(typed, (1.0, 10.0), set, plain);
        assert_eq!(note("20", 10.0).as_deref(), Some("20 is too large and became 10: the range is 1 to 10."));
        assert_eq!(note("-3", 1.0).as_deref(), Some("-3 is too small and became 1: the range is 1 to 10."));
        assert_eq!(note("2.6", 3.0).as_deref(), Some("2.6 was rounded to 3."));
        assert_eq!(note("ten", 4.0).as_deref(), Some("'ten' is not a number, so 4 is kept."));
        assert_eq!((note("7", 7.0), note("7.0", 7.0), note("", 7.0)), (None, None, None));
        assert_eq!(note("1.15", f64::from(1.15_f32)), None, "single precision is no rounding");
    }

    #[test]
    fn a_field_that_is_left_as_it_was_keeps_all_digits() {
        let field = TypedNumber::new(0.123_456, "0.1235".into());
        assert_eq!(field.read("0.1235"), Some(0.123_456));
        assert_eq!(field.read("0,5"), Some(0.5));
        assert_eq!(field.read("half"), None);
    }
}
