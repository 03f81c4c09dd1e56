//! Durations and dates as text, and the current time.

mod remaining;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use remaining::{Backlog, Bound, TimeLeft};

/// Returns the current time as the duration since the Unix epoch, or zero if the system clock is set before it.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Formats a duration in seconds with its two largest units: "45 s", "2 min 29 s", "1 h 05 min", "3 d 04 h".
pub(crate) fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
        _ => format!("{} d {:02} h", whole / 86_400, whole / 3600 % 24),
    }
}

/// Formats the time of day (UTC) of a time in seconds since the Unix epoch: "14:05" or "14:05:30".
pub(crate) fn clock(seconds: f64, with_seconds: bool) -> String {
    let day = seconds.rem_euclid(86_400.0).floor() as u64;
    let (h, m, s) = (day / 3600, day / 60 % 60, day % 60);
    if with_seconds { format!("{h:02}:{m:02}:{s:02}") } else { format!("{h:02}:{m:02}") }
}

fn days_of_year(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    365 + u64::from(leap)
}

fn days_of_months(year: u64) -> [u64; 12] {
    [31, days_of_year(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

/// Returns year, month (1 to 12) and day (1 to 31), UTC, for a time in seconds since the Unix epoch.
pub(crate) fn date(seconds: u64) -> [u64; 3] {
    // Counts years from March, so that the leap day is the last of its year (Hinnant's civil_from_days).
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    [year_of_era + era * 400 + u64::from(month <= 2), month, day]
}

/// Month names, January first.
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

/// Formats the day (UTC) of a time in seconds since the Unix epoch: "12 March 2026".
pub(crate) fn day(seconds: u64) -> String {
    format!("{} {}", date(seconds)[2], month(seconds))
}

/// Formats the month (UTC) of a time in seconds since the Unix epoch: "March 2026".
pub(crate) fn month(seconds: u64) -> String {
    let [year, month, _] = date(seconds);
    let name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
    format!("{name} {year}")
}

/// Parses a date written as `2026-03-12`, from 1970 to 9999, into the seconds from the Unix epoch to its start (UTC).
/// Returns `None` if the text is not a valid date.
pub(crate) fn parse_day(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |i: usize, digits: usize| -> Option<u64> {
        let part = parts.get(i).filter(|p| p.len() == digits && p.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse().ok()
    };
    let parsed = [number(0, 4)?, number(1, 2)?, number(2, 2)?];
    let [year, month, day] = parsed;
    if parts.len() != 3 || year < 1970 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let years: u64 = (1970..year).map(days_of_year).sum();
    let months: u64 = days_of_months(year)[..month as usize - 1].iter().sum();
    let seconds = (years + months + day - 1) * 86_400;
    // Rejects days beyond the end of the month.
    (date(seconds) == parsed).then_some(seconds)
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
            (253_402_300_799, [9999, 12, 31]),
        ] {
            assert_eq!(date(seconds), wanted, "{seconds}");
            let [year, month, day] = wanted;
            assert_eq!(parse_day(&format!("{year}-{month:02}-{day:02}")), Some(seconds / 86_400 * 86_400));
        }
        // Every day of four centuries follows the one before it.
        let mut before = date(0);
        for seconds in (1..146_097).map(|day| day * 86_400) {
            let [year, month, day] = date(seconds);
            let next = match before {
                [y, 12, 31] => [y + 1, 1, 1],
                [y, m, d] if d == days_of_months(y)[m as usize - 1] => [y, m + 1, 1],
                [y, m, d] => [y, m, d + 1],
            };
            assert_eq!([year, month, day], next);
            before = next;
        }
        // date -u -d @67768036191676799 +%F, and any number a damaged file may hold.
        assert_eq!(date(67_768_036_191_676_799), [2_147_485_547, 12, 31]);
        for seconds in [u64::MAX, i64::MAX as u64, u64::MAX - 86_399, 1 << 62] {
            let [_, month, of_month] = date(seconds);
            assert!((1..=12).contains(&month) && (1..=31).contains(&of_month), "{seconds}");
            assert!(!day(seconds).is_empty());
        }
        assert_eq!(day(951_782_400), "29 February 2000");
        assert_eq!(month(1_709_251_200), "March 2024");
        for wrong in ["2026-02-30", "2026-13-01", "2026-00-10", "2026-3-1", "1969-12-31", "2026-03-01-02", "", "today"]
        {
            assert_eq!(parse_day(wrong), None, "{wrong}");
        }
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
