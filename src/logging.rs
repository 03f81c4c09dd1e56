//! The program's log in memory: a `tracing` layer that keeps the newest events in a bounded ring buffer.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use parking_lot::Mutex;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use crate::time;

/// Tracing target of the per-frame timings, which are too frequent for the buffer.
pub(crate) const FRAME_TIMES: &str = "ganspect::frames";

/// Lines kept; the oldest are dropped.
const KEPT: usize = 2_000;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// Seconds since the Unix epoch.
    pub seconds: u64,
    /// Severity.
    pub level: Level,
    /// The module that emitted the event.
    pub target: String,
    /// The message and its fields.
    pub text: String,
}

impl LogLine {
    /// Formats time of day (UTC), level, module and message on one line.
    pub(crate) fn to_text(&self) -> String {
        format!("{} {:<5} {}: {}", time::clock(self.seconds as f64, true), self.level, self.target, self.text)
    }
}

/// The newest lines of the log; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogBuffer(Arc<Mutex<VecDeque<LogLine>>>);

impl LogBuffer {
    /// Returns a `tracing_subscriber` layer that writes into this buffer.
    pub(crate) fn layer(&self) -> LogLayer {
        LogLayer(self.clone())
    }

    /// The program-wide buffer, which [`log_layer`] writes and the log page shows.
    pub(crate) fn of_program() -> &'static Self {
        static LOG: LazyLock<LogBuffer> = LazyLock::new(LogBuffer::default);
        &LOG
    }

    /// Appends a line.
    pub(crate) fn push(&self, line: LogLine) {
        let mut lines = self.0.lock();
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The lines of at least this severity that contain `filter` (case-insensitive), oldest first.
    pub(crate) fn matching(&self, level: Level, filter: &str) -> Vec<LogLine> {
        let filter = filter.to_lowercase();
        let matches =
            |l: &&LogLine| l.level <= level && (filter.is_empty() || l.to_text().to_lowercase().contains(&filter));
        self.0.lock().iter().filter(matches).cloned().collect()
    }
}

/// The layer that feeds the log page.
pub(crate) fn log_layer() -> LogLayer {
    LogBuffer::of_program().layer()
}

/// Writes tracing events into a [`LogBuffer`].
#[derive(Debug)]
pub(crate) struct LogLayer(LogBuffer);

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if metadata.target() == FRAME_TIMES {
            return;
        }
        let mut message = MessageVisitor::default();
        event.record(&mut message);
        let seconds = time::since_epoch().as_secs();
        let (level, target) = (*metadata.level(), metadata.target().to_owned());
        self.0.push(LogLine { seconds, level, target, text: message.0 });
    }
}

/// Collects an event's message and fields into one string.
#[derive(Default)]
struct MessageVisitor(String);

impl Visit for MessageVisitor {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let gap = if self.0.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{gap}{value:?}"),
            name => write!(self.0, "{gap}{name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;

    use super::*;

    #[test]
    fn events_land_in_the_ring_with_their_fields() {
        let log = LogBuffer::default();
        let subscriber = tracing_subscriber::registry().with(log.layer());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(step = 7, "a checkpoint was written");
            tracing::debug!("detail");
        });
        let lines = log.matching(Level::INFO, "");
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].text, "a checkpoint was written step=7");
        assert_eq!(log.matching(Level::TRACE, "DETAIL").len(), 1);
    }

    #[test]
    fn the_ring_is_bounded() {
        let log = LogBuffer::default();
        for i in 0..KEPT as u64 + 10 {
            log.push(LogLine { seconds: i, level: Level::INFO, target: "t".into(), text: String::new() });
        }
        let lines = log.matching(Level::INFO, "");
        assert_eq!(lines.len(), KEPT);
        assert_eq!(lines[0].seconds, 10);
    }
}
