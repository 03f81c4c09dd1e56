//! The log: what the program has traced, kept in a bounded ring and shown on a page.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use egui::{Align, ComboBox, Layout, RichText, ScrollArea, TextEdit, Ui};
use parking_lot::Mutex;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use crate::{
    time,
    ui::{Action, theme, widgets::ticks},
};

/// Lines kept; the oldest make room.
const KEPT: usize = 2_000;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Seconds since the Unix epoch.
    pub seconds: u64,
    /// How serious.
    pub level: Level,
    /// The room it came from.
    pub target: String,
    /// The message and its fields.
    pub text: String,
}

impl LogLine {
    /// Time of day (UTC), level, room and message on one line.
    fn to_text(&self) -> String {
        format!("{} {:<5} {}: {}", ticks::clock(self.seconds as f64, true), self.level, self.target, self.text)
    }
}

/// The newest lines of the log; clones share them.
#[derive(Clone, Debug, Default)]
pub struct LogBuffer(Arc<Mutex<VecDeque<LogLine>>>);

impl LogBuffer {
    /// A layer for `tracing_subscriber` that writes into this buffer.
    pub fn layer(&self) -> LogLayer {
        LogLayer(self.clone())
    }

    /// The log of this program, which [`log_layer`] writes and the log page shows.
    pub fn of_program() -> &'static Self {
        static LOG: LazyLock<LogBuffer> = LazyLock::new(LogBuffer::default);
        &LOG
    }

    /// Adds a line.
    pub fn push(&self, line: LogLine) {
        let mut lines = self.0.lock();
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The lines at least as serious as `level` that contain `needle`, oldest first.
    pub fn matching(&self, level: Level, needle: &str) -> Vec<LogLine> {
        let needle = needle.to_lowercase();
        let fits =
            |l: &&LogLine| l.level <= level && (needle.is_empty() || l.to_text().to_lowercase().contains(&needle));
        self.0.lock().iter().filter(fits).cloned().collect()
    }
}

/// The layer that the program's subscriber needs for the log page.
pub fn log_layer() -> LogLayer {
    LogBuffer::of_program().layer()
}

/// Writes tracing events into a [`LogBuffer`].
#[derive(Debug)]
pub struct LogLayer(LogBuffer);

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == crate::ui::app::FRAMES {
            return;
        }
        let mut words = Words::default();
        event.record(&mut words);
        let seconds = time::since_epoch().as_secs();
        let meta = event.metadata();
        self.0.push(LogLine { seconds, level: *meta.level(), target: meta.target().to_owned(), text: words.0 });
    }
}

/// Gathers an event's message and fields into one text.
#[derive(Default)]
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let gap = if self.0.is_empty() { "" } else { " " };
        // Writing into a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{gap}{value:?}"),
            name => write!(self.0, "{gap}{name}={value:?}"),
        };
    }
}

/// The page's own state.
#[derive(Debug)]
pub struct LogPage {
    level: Level,
    needle: String,
}

impl Default for LogPage {
    fn default() -> Self {
        Self { level: Level::INFO, needle: String::new() }
    }
}

impl LogPage {
    /// Draws the page.
    pub fn ui(&mut self, ui: &mut Ui, log: &LogBuffer, actions: &mut Vec<Action>) {
        let p = theme::Palette::of(ui);
        let lines = log.matching(self.level, &self.needle);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Log").text_style(theme::figure()).color(p.text_strong));
            ui.label(theme::weak_caption(&p, format!("{} lines, times in UTC", lines.len())));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let copy = ui.add_enabled(!lines.is_empty(), egui::Button::new("Copy"));
                if copy.on_hover_text("Copies the lines on show to the clipboard.").clicked() {
                    actions.push(Action::Copy(lines.iter().map(LogLine::to_text).collect::<Vec<_>>().join("\n")));
                }
                let combo = ComboBox::new("log-level", "").selected_text(title(self.level)).show_ui(ui, |ui| {
                    for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
                        ui.selectable_value(&mut self.level, level, title(level));
                    }
                });
                combo.response.accessible_name("Least level shown");
                let field = TextEdit::singleline(&mut self.needle).hint_text("Filter").desired_width(theme::PANEL_MIN);
                ui.add(field).accessible_name("Filter the log");
            });
        });
        ui.add_space(theme::GAP_S);
        if lines.is_empty() {
            ui.weak("Nothing was logged at this level yet.");
            return;
        }
        let area = ScrollArea::both().auto_shrink([false, false]).stick_to_bottom(true);
        area.show_rows(ui, theme::ROW_TIGHT, lines.len(), |ui, range| {
            for line in lines.get(range).unwrap_or_default() {
                let colour = match line.level {
                    Level::ERROR => p.defective,
                    Level::WARN => p.suspect,
                    Level::INFO => p.text,
                    _ => p.text_weak,
                };
                let text = RichText::new(line.to_text()).monospace().color(colour);
                ui.add(egui::Label::new(text).extend().selectable(true));
            }
        });
    }
}

fn title(level: Level) -> &'static str {
    match level {
        Level::ERROR => "Errors",
        Level::WARN => "Warnings and up",
        Level::INFO => "Information and up",
        Level::DEBUG => "Debugging and up",
        _ => "Everything",
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
