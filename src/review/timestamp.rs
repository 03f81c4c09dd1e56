//! Points in time, as the record stores them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time;

/// A point in time: milliseconds since the Unix epoch, UTC. Displayed as "2026-03-12T08:15:30.120Z".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the current time.
    pub fn now() -> Self {
        Self(time::since_epoch().as_millis() as i64)
    }

    /// Creates a timestamp from seconds since the Unix epoch.
    pub fn from_seconds(seconds: u64) -> Self {
        Self(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000))
    }

    /// Returns whole seconds since the Unix epoch; 0 before it.
    pub fn seconds(self) -> u64 {
        u64::try_from(self.0).unwrap_or_default() / 1_000
    }

    /// Formats the day: "12 March 2026".
    pub fn day(self) -> String {
        time::day(self.seconds())
    }

    /// Formats date and minute: "2026-03-12 08:15".
    pub fn minute(self) -> String {
        let [year, month, day] = time::date(self.seconds());
        let minutes = self.seconds() / 60;
        format!("{year}-{month:02}-{day:02} {:02}:{:02}", minutes / 60 % 24, minutes % 60)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minute, millis) = (self.minute().replace(' ', "T"), self.0.max(0) % 60_000);
        write!(f, "{minute}:{:02}.{:03}Z", millis / 1_000, millis % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_others_read_them() {
        // date -u -d @1773303330.12 +%FT%T.%3NZ
        let time = Timestamp(1_773_303_330_120);
        assert_eq!(time.to_string(), "2026-03-12T08:15:30.120Z");
        assert_eq!((time.minute(), time.day()), ("2026-03-12 08:15".into(), "12 March 2026".into()));
        assert_eq!(Timestamp(-5).to_string(), "1970-01-01T00:00:00.000Z");
        for extreme in [i64::MIN, -1, i64::MAX] {
            let time = Timestamp(extreme);
            assert!(!time.to_string().is_empty() && !time.minute().is_empty() && !time.day().is_empty());
        }
        assert_eq!(Timestamp::from_seconds(time.seconds()).0, 1_773_303_330_000);
    }
}
