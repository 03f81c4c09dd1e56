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

/// What a name is sorted by, so that part 9 comes before part 10.
pub fn natural(name: &str) -> String {
    let mut key = String::with_capacity(name.len() + 12);
    let mut rest = name;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let end = rest[at..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |len| at + len);
        key.extend(rest[..at].chars().flat_map(char::to_lowercase));
        key.push_str(&format!("{:0>20}", &rest[at..end]));
        rest = &rest[end..];
    }
    key.extend(rest.chars().flat_map(char::to_lowercase));
    key
}

/// Year, month and day (UTC) of a time in seconds since the Unix epoch.
pub fn date(seconds: u64) -> [u64; 3] {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut day) = (1970, seconds / 86_400);
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 0;
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for length in lengths {
        month += 1;
        if day < length {
            break;
        }
        day -= length;
    }
    [year, month, day + 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        // date -u -d @SECONDS +%F
        for (seconds, wanted) in [
            (0, [1970, 1, 1]),
            (951_782_400, [2000, 2, 29]),
            (1_709_164_799, [2024, 2, 28]),
            (1_709_251_200, [2024, 3, 1]),
            (1_735_689_599, [2024, 12, 31]),
            (4_107_542_400, [2100, 3, 1]),
        ] {
            assert_eq!(date(seconds), wanted, "{seconds}");
        }
    }

    #[test]
    fn messages_become_sentences() {
        assert_eq!(sentence("cannot read x"), "Cannot read x.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence("5 images"), "5 images.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn names_are_sorted_by_the_numbers_within() {
        let mut names = ["part 10.png", "Part 9.png", "part 9 b.png", "a2b10", "a2b9", "a"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["a", "a2b9", "a2b10", "part 9 b.png", "Part 9.png", "part 10.png"]);
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
