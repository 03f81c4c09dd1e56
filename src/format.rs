//! Text formatting shared by the window, the command line and the reports: sentences, counts, sort keys.

/// Turns a message into a sentence: capitalised, with a full stop unless it already ends in punctuation.
pub(crate) fn sentence(text: &str) -> String {
    let stop = if text.ends_with(['.', '!', '?']) || text.is_empty() { "" } else { "." };
    format!("{}{stop}", capitalise(text))
}

/// Capitalises the first letter.
pub(crate) fn capitalise(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Formats a count with its noun: "1 part", "12 parts".
pub(crate) fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Reads a number as a person types it: with a decimal point or comma, grouped or not; `None` if it is none.
///
/// One comma before exactly three digits groups thousands, as the program writes them, unless only a zero precedes it.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    let mut plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’'))
        .map(|c| if c == '−' { '-' } else { c })
        .collect();
    let last = plain.rfind([',', '.']);
    let mark = last.and_then(|at| plain[at..].chars().next());
    let (commas, points) = (plain.matches(',').count(), plain.matches('.').count());
    let is_grouped = |mark: char| {
        let mut groups = plain.trim_start_matches(['-', '+']).split(mark);
        let first = groups.next().unwrap_or_default();
        (1..=3).contains(&first.len()) && first != "0" && groups.all(|group| group.len() == 3)
    };
    match (mark, commas, points) {
        (Some(','), _, 0) | (Some('.'), 0, 2..) if is_grouped(mark.unwrap_or(',')) => {
            plain.retain(|c| c != ',' && c != '.');
        }
        (Some(','), 1, 0) => plain = plain.replace(',', "."),
        // Both occur: the last one is the decimal mark.
        (Some(','), 1, 1..) => plain = plain.replace('.', "").replace(',', "."),
        (Some('.'), 1.., 1) => plain = plain.replace(',', ""),
        _ => {}
    }
    plain.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Returns the key for sorting names naturally: case-insensitive, and with "part 9" before "part 10".
pub(crate) fn natural_key(name: &str) -> String {
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

/// Returns the user's login name from the environment, if there is one.
pub(crate) fn user_name() -> Option<String> {
    let names = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|key| std::env::var(key).ok());
    names.map(|name| name.trim().to_owned()).find(|name| !name.is_empty())
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
    fn numbers_are_read_as_people_write_them() {
        for (text, number) in [
            ("10", 10.0),
            (" 2e-4 ", 2e-4),
            ("0.5", 0.5),
            ("0,5", 0.5),
            ("0,125", 0.125),
            ("20,000", 20_000.0),
            ("20 000", 20_000.0),
            ("20'000", 20_000.0),
            ("1,234,567", 1_234_567.0),
            ("1.234.567", 1_234_567.0),
            ("1,234.5", 1234.5),
            ("1.234,5", 1234.5),
            ("−3", -3.0),
            ("-1,5", -1.5),
        ] {
            assert_eq!(parse_number(text), Some(number), "{text}");
        }
        for text in ["", "ten", "1,2,3", "1.2.3", "nan", "inf", "5 %", "1..2"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_sorted_by_the_numbers_within() {
        let mut names = ["part 10.png", "Part 9.png", "part 9 b.png", "a2b10", "a2b9", "a"];
        names.sort_by_cached_key(|name| natural_key(name));
        assert_eq!(names, ["a", "a2b9", "a2b10", "part 9 b.png", "Part 9.png", "part 10.png"]);
    }
}
