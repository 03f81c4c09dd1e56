//! Numbers as a person says them, the same in the window and on the command line.

/// A span of time in words: "45 s", "2 min 29 s", "1 h 5 min", "3 d 4 h".
pub fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
        _ => format!("{} d {:02} h", whole / 86_400, whole / 3600 % 24),
    }
}

/// A message as a sentence of its own: with a capital and a full stop.
pub fn sentence(text: &str) -> String {
    let stop = if text.ends_with(['.', '!', '?']) || text.is_empty() { "" } else { "." };
    format!("{}{stop}", capital(text))
}

/// With a capital.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_sentences() {
        assert_eq!(sentence("cannot read x"), "Cannot read x.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence("5 images"), "5 images.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in
            [(-3.0, "0 s"), (45.4, "45 s"), (149.0, "2 min 29 s"), (3_900.0, "1 h 05 min"), (90_000.0, "1 d 01 h")]
        {
            assert_eq!(span(seconds), text);
        }
    }
}
