//! The program's log in memory: a `tracing` layer that keeps the newest events of each severity.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use parking_lot::Mutex;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{Layer, filter::Targets, layer::Context, registry::LookupSpan};

use crate::time;

/// Tracing target of the per-frame timings, which are too frequent for the buffer.
pub(crate) const FRAME_TIMES: &str = "ganspect::frames";

/// Tracing target of this program's own modules.
const OWN: &str = "ganspect";

/// Lines kept of each severity, of this program and of its libraries; the oldest are dropped.
const KEPT: usize = 1_000;

/// Number of severities.
const LEVELS: usize = 5;

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

/// The newest lines of one severity, each with its number in the order of all lines.
type Ring = VecDeque<(u64, Arc<LogLine>)>;

/// The lines of all severities.
#[derive(Debug, Default)]
struct Rings {
    /// Number of lines so far.
    count: u64,
    /// By severity, then those of this program after those of its libraries: a burst of one kind displaces no other.
    rings: [[Ring; 2]; LEVELS],
}

/// The newest lines of the log; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogBuffer(Arc<Mutex<Rings>>);

impl LogBuffer {
    /// Returns a `tracing_subscriber` layer that writes into this buffer. Events that it does not keep are refused
    /// before they are formatted.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        // The graphics libraries alone write thousands of lines a second below these levels.
        let kept = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target(OWN, LevelFilter::DEBUG)
            .with_target(FRAME_TIMES, LevelFilter::OFF);
        LogLayer(self.clone()).with_filter(kept)
    }

    /// The program-wide buffer, which [`log_layer`] writes and the log page shows.
    pub(crate) fn of_program() -> &'static Self {
        static LOG: LazyLock<LogBuffer> = LazyLock::new(LogBuffer::default);
        &LOG
    }

    /// Appends a line.
    pub(crate) fn push(&self, line: LogLine) {
        let mut rings = self.0.lock();
        let number = rings.count;
        rings.count += 1;
        let [libraries, own] = &mut rings.rings[severity(line.level)];
        let ring = if is_own(&line.target) { own } else { libraries };
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back((number, Arc::new(line)));
    }

    /// The number of lines so far.
    pub(crate) fn mark(&self) -> u64 {
        self.0.lock().count
    }

    /// The newest error of a module or library since a mark.
    pub(crate) fn error_since(&self, mark: u64, target: &str) -> Option<String> {
        let rings = self.0.lock();
        let of = |line: &LogLine| line.target.strip_prefix(target).is_some_and(|r| r.is_empty() || r.starts_with("::"));
        let errors = rings.rings[severity(Level::ERROR)].iter().flatten();
        let new = errors.filter(|(number, line)| *number >= mark && of(line));
        new.max_by_key(|(number, _)| *number).map(|(_, line)| line.text.clone())
    }

    /// The lines of at least this severity that contain `filter` (case-insensitive), oldest first.
    pub(crate) fn matching(&self, level: Level, filter: &str) -> Vec<Arc<LogLine>> {
        let filter = filter.to_lowercase();
        let matches = |line: &LogLine| filter.is_empty() || line.to_text().to_lowercase().contains(&filter);
        let mut lines: Vec<(u64, Arc<LogLine>)> = {
            let rings = self.0.lock();
            rings.rings.iter().take(severity(level) + 1).flatten().flatten().cloned().collect()
        };
        lines.retain(|(_, line)| matches(line));
        lines.sort_unstable_by_key(|(number, _)| *number);
        lines.into_iter().map(|(_, line)| line).collect()
    }
}

/// The place of a severity, the gravest first.
fn severity(level: Level) -> usize {
    match level {
        Level::ERROR => 0,
        Level::WARN => 1,
        Level::INFO => 2,
        Level::DEBUG => 3,
        Level::TRACE => 4,
    }
}

/// Whether a line comes from this program.
fn is_own(target: &str) -> bool {
    target.strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The layer that feeds the log page.
pub(crate) fn log_layer<S>() -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    LogBuffer::of_program().layer()
}

/// Writes tracing events into a [`LogBuffer`].
#[derive(Debug)]
struct LogLayer(LogBuffer);

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut message = MessageVisitor::default();
        event.record(&mut message);
        let seconds = time::since_epoch().as_secs();
        let target = message.target.unwrap_or_else(|| metadata.target().to_owned());
        self.0.push(LogLine { seconds, level: *metadata.level(), target, text: message.text });
    }
}

/// Collects an event's message and fields into one string.
#[derive(Default)]
struct MessageVisitor {
    text: String,
    /// The module of a message that was written with the `log` crate, whose events all have the same target.
    target: Option<String>,
}

impl Visit for MessageVisitor {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" => self.target = Some(value.to_owned()),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let gap = if self.text.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.text, "{gap}{value:?}"),
            // File and line of a message of the `log` crate.
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.text, "{gap}{name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fmt,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tracing_subscriber::prelude::*;

    use super::*;

    fn line(level: Level, target: &str, text: &str) -> LogLine {
        LogLine { seconds: 0, level, target: target.into(), text: text.into() }
    }

    fn texts(log: &LogBuffer, level: Level) -> Vec<String> {
        log.matching(level, "").iter().map(|line| line.text.clone()).collect()
    }

    #[test]
    fn events_are_kept_with_their_fields() {
        let log = LogBuffer::default();
        let subscriber = tracing_subscriber::registry().with(log.layer());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(step = 7, "a checkpoint was written");
            tracing::debug!("detail");
            tracing::info!(target: "log", { log.target = "wgpu_hal", log.line = 7 }, "an adapter was found");
        });
        let lines = log.matching(Level::INFO, "checkpoint");
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].text, "a checkpoint was written step=7");
        assert_eq!(log.matching(Level::TRACE, "DETAIL").len(), 1);
        let foreign = log.matching(Level::INFO, "adapter");
        assert_eq!((foreign[0].target.as_str(), foreign[0].text.as_str()), ("wgpu_hal", "an adapter was found"));
    }

    /// Counts how often it is formatted.
    struct Formatted<'a>(&'a AtomicUsize);

    impl fmt::Debug for Formatted<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fetch_add(1, Ordering::Relaxed);
            f.write_str("formatted")
        }
    }

    #[test]
    fn a_flood_from_below_displaces_nothing_and_is_not_formatted() {
        let log = LogBuffer::default();
        let formatted = AtomicUsize::new(0);
        let subscriber = tracing_subscriber::registry().with(log.layer());
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!("the device was lost");
            tracing::warn!("the disk is nearly full");
            tracing::info!("a run was opened");
            for _ in 0..20 * KEPT {
                tracing::trace!(target: "wgpu_core::device", value = ?Formatted(&formatted), "a buffer was mapped");
                tracing::debug!(target: "naga::front", value = ?Formatted(&formatted), "a shader was read");
                tracing::trace!(target: FRAME_TIMES, value = ?Formatted(&formatted), "the last frame");
            }
        });
        assert_eq!(formatted.load(Ordering::Relaxed), 0, "nobody keeps these lines");
        let own = ["the device was lost", "the disk is nearly full", "a run was opened"];
        assert_eq!(texts(&log, Level::TRACE), own);
    }

    #[test]
    fn each_severity_and_origin_has_room_of_its_own() {
        // A flood of any kind leaves one line of every other kind in place.
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        let kinds = || levels.into_iter().flat_map(|level| [(level, "ganspect::engine"), (level, "wgpu_hal::vulkan")]);
        for flood in kinds() {
            let log = LogBuffer::default();
            for (level, target) in kinds().filter(|kind| *kind != flood) {
                log.push(line(level, target, "rare"));
            }
            for _ in 0..2 * KEPT {
                log.push(line(flood.0, flood.1, "frequent"));
            }
            let all = texts(&log, Level::TRACE);
            assert_eq!(all.iter().filter(|text| *text == "rare").count(), kinds().count() - 1, "{flood:?}");
            assert_eq!(all.iter().filter(|text| *text == "frequent").count(), KEPT, "{flood:?}");
        }
    }

    #[test]
    fn lines_of_all_severities_keep_their_order() {
        let log = LogBuffer::default();
        let levels = [Level::INFO, Level::ERROR, Level::DEBUG, Level::WARN, Level::INFO, Level::ERROR];
        for (i, level) in levels.into_iter().enumerate() {
            let target = if i % 2 == 0 { "ganspect" } else { "wgpu" };
            log.push(line(level, target, &i.to_string()));
        }
        assert_eq!(texts(&log, Level::TRACE), ["0", "1", "2", "3", "4", "5"]);
        assert_eq!(texts(&log, Level::WARN), ["1", "3", "5"]);
    }

    #[test]
    fn errors_of_a_library_are_found_from_a_mark_on() {
        let log = LogBuffer::default();
        log.push(line(Level::ERROR, "rfd::backend", "before"));
        let mark = log.mark();
        assert_eq!(log.error_since(mark, "rfd"), None);
        log.push(line(Level::WARN, "rfd::backend", "a warning"));
        log.push(line(Level::ERROR, "rfdx", "another library"));
        assert_eq!(log.error_since(mark, "rfd"), None);
        log.push(line(Level::ERROR, "rfd::backend", "after"));
        assert_eq!(log.error_since(mark, "rfd").as_deref(), Some("after"));
    }

    #[test]
    fn the_newest_lines_are_kept() {
        let log = LogBuffer::default();
        for i in 0..KEPT as u64 + 10 {
            log.push(LogLine { seconds: i, ..line(Level::INFO, "t", "") });
        }
        let lines = log.matching(Level::INFO, "");
        assert_eq!(lines.len(), KEPT);
        assert_eq!(lines[0].seconds, 10);
    }
}
