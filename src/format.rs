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
    fn names_are_sorted_by_the_numbers_within() {
        let mut names = ["part 10.png", "Part 9.png", "part 9 b.png", "a2b10", "a2b9", "a"];
        names.sort_by_cached_key(|name| natural_key(name));
        assert_eq!(names, ["a", "a2b9", "a2b10", "part 9 b.png", "Part 9.png", "part 10.png"]);
    }
}
