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

/// So many of something: "1 part", "12 parts".
pub fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
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

fn days_of_year(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    365 + u64::from(leap)
}

fn days_of_months(year: u64) -> [u64; 12] {
    [31, days_of_year(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

/// Year, month and day (UTC) of a time in seconds since the Unix epoch.
pub fn date(seconds: u64) -> [u64; 3] {
    let (mut year, mut day) = (1970, seconds / 86_400);
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let mut month = 0;
    for length in days_of_months(year) {
        month += 1;
        if day < length {
            break;
        }
        day -= length;
    }
    [year, month, day + 1]
}

/// Months as they are written in a sentence, January first.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day in words, from seconds since the Unix epoch (UTC): "12 March 2026".
pub fn day(seconds: u64) -> String {
    format!("{} {}", date(seconds)[2], month(seconds))
}

/// A month in words, from seconds since the Unix epoch (UTC): "March 2026".
pub fn month(seconds: u64) -> String {
    let [year, month, _] = date(seconds);
    let name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
    format!("{name} {year}")
}

/// Seconds since the Unix epoch at which a day that is written `2026-03-12` begins (UTC), from 1970 to 9999; `None` for
/// what is no such day.
pub fn day_from(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |i: usize, digits: usize| -> Option<u64> {
        let part = parts.get(i).filter(|p| p.len() == digits && p.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse().ok()
    };
    let wanted = [number(0, 4)?, number(1, 2)?, number(2, 2)?];
    let [year, month, day] = wanted;
    if parts.len() != 3 || year < 1970 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let years: u64 = (1970..year).map(days_of_year).sum();
    let months: u64 = days_of_months(year)[..month as usize - 1].iter().sum();
    let seconds = (years + months + day - 1) * 86_400;
    // The 30th of February has become another day.
    (date(seconds) == wanted).then_some(seconds)
}

/// The name that the system knows the user by.
pub fn user() -> Option<String> {
    let names = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|key| std::env::var(key).ok());
    names.map(|name| name.trim().to_owned()).find(|name| !name.is_empty())
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
            let [year, month, day] = wanted;
            assert_eq!(day_from(&format!("{year}-{month:02}-{day:02}")), Some(seconds / 86_400 * 86_400));
        }
        assert_eq!(day(951_782_400), "29 February 2000");
        assert_eq!(month(1_709_251_200), "March 2024");
        for wrong in ["2026-02-30", "2026-13-01", "2026-00-10", "2026-3-1", "1969-12-31", "2026-03-01-02", "", "today"]
        {
            assert_eq!(day_from(wrong), None, "{wrong}");
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
