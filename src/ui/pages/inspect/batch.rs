//! The images of the list as a batch: how many are inspected, how long the others take, and the ways to stop and go on.

use std::{collections::HashMap, sync::Arc, time::Instant};

use egui::{ProgressBar, RichText, Ui, vec2};

use crate::{
    engine::{
        InspectionRequest,
        inspection::{QueryEntry, QueryId, QueryState},
    },
    time::Backlog,
    ui::{
        Action, Frame, theme,
        theme::Palette,
        widgets::{flush_right, ticks},
    },
};

/// Counts over the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BatchCounts {
    /// Inspected to the end.
    pub inspected: usize,
    /// Not readable, or failed.
    pub failed: usize,
    /// Stopped before or during their inspection.
    pub cut_short: usize,
    /// Waiting, running or paused.
    pub left: usize,
    /// All of them.
    pub total: usize,
}

impl BatchCounts {
    /// Counts these images.
    pub(super) fn of(rows: &[Arc<QueryEntry>]) -> Self {
        let count = |is: &dyn Fn(&QueryEntry) -> bool| rows.iter().filter(|entry| is(entry)).count();
        Self {
            inspected: count(&QueryEntry::is_inspected),
            failed: count(&|entry| matches!(entry.state, QueryState::Failed(_))),
            cut_short: count(&QueryEntry::is_cut_short),
            left: count(&|entry| !entry.state.is_over()),
            total: rows.len(),
        }
    }

    /// The counts in words: "77 of 144 inspected, 1 failed".
    pub(super) fn describe(&self) -> String {
        let Self { inspected, failed, total, .. } = *self;
        match (inspected == total, failed) {
            (true, _) if total == 1 => "1 image".to_owned(),
            (true, _) => format!("{total} images"),
            (false, 0) => format!("{inspected} of {total} inspected"),
            (false, _) => format!("{inspected} of {total} inspected, {failed} failed"),
        }
    }

    /// The title of the button that goes on.
    fn rest(&self) -> String {
        match (self.cut_short, self.total) {
            (1, 1) => "Inspect it to the end".to_owned(),
            (n, total) if n == total => format!("Inspect these {n}"),
            (1, _) => "Inspect the other one".to_owned(),
            (n, _) => format!("Inspect the other {n}"),
        }
    }
}

/// The batch that is running, if one is.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// When it was first seen running, and how many images had ended then.
    since: Option<(Instant, usize)>,
    backlog: Backlog,
    /// Estimated seconds for the images left.
    seconds_left: Option<f64>,
    /// Rows of the list as long as it runs, so that none jumps when its verdict arrives.
    rows: HashMap<QueryId, usize>,
}

impl Batch {
    /// Keeps the order that the rows have while images are inspected; new ones follow.
    pub(super) fn keep_order(&self, rows: &mut [Arc<QueryEntry>]) {
        if !self.rows.is_empty() {
            rows.sort_by_key(|entry| self.rows.get(&entry.id).copied().unwrap_or(usize::MAX));
        }
    }

    /// Notices the beginning and the end of a batch.
    pub(super) fn follow(&mut self, rows: &[Arc<QueryEntry>]) {
        let ended = rows.iter().filter(|entry| entry.state.is_over()).count();
        if ended == rows.len() {
            *self = Self::default();
            return;
        }
        let (since, before) = *self.since.get_or_insert((Instant::now(), ended));
        let done = ended.saturating_sub(before);
        self.seconds_left = self.backlog.update(since.elapsed().as_secs_f64(), done, rows.len() - ended);
        self.rows = rows.iter().enumerate().map(|(row, entry)| (entry.id, row)).collect();
    }

    /// Draws progress, time left and *Cancel*, or the way to go on with what was not inspected. The height is the same
    /// in every state.
    pub(super) fn ui(&self, ui: &mut Ui, rows: &[Arc<QueryEntry>], frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let counts = BatchCounts::of(rows);
        ui.set_min_height(theme::ROW + theme::GAP_S);
        if counts.left == 0 && counts.cut_short == 0 {
            return;
        }
        if counts.left > 0 {
            let share = (counts.total - counts.left) as f32 / counts.total.max(1) as f32;
            let bar = ProgressBar::new(share).desired_height(theme::GAP_XS).corner_radius(0.0).fill(p.accent);
            ui.add(bar).accessible_name("Inspection of the list");
        }
        let cancel = |ui: &mut Ui, frame: &mut Frame<'_>| {
            let button = egui::Button::new("Cancel").min_size(vec2(0.0, theme::CONTROL));
            let tip = "Stops the images left; those inspected are kept, and the others can be inspected later.";
            if ui.add(button).accessible_name("Cancel the inspection of the list").on_hover_text(tip).clicked() {
                frame.actions.push(Action::engine(InspectionRequest::StopAll));
            }
        };
        // A list of thumbnails has no room for the time left.
        if counts.left > 0 && ui.available_width() < theme::CHOICE {
            return cancel(ui, frame);
        }
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            if counts.left > 0 {
                flush_right(ui, |ui| {
                    cancel(ui, frame);
                    let left = self.seconds_left.map_or_else(|| "–".to_owned(), ticks::span);
                    let text = RichText::new(format!("{left} left")).text_style(theme::caption()).color(p.text_weak);
                    ui.add(egui::Label::new(text).truncate());
                });
            } else {
                let ids = rows.iter().filter(|entry| entry.is_cut_short()).map(|entry| entry.id).collect();
                let tip = "Inspects the images that were stopped, from where they are.";
                let width = ui.available_width();
                // A list of thumbnails has room for the number only.
                let narrow = width < theme::CHOICE;
                let text = if narrow { format!("+{}", counts.cut_short) } else { counts.rest() };
                let button = egui::Button::new(text).min_size(vec2(width, theme::CONTROL)).truncate();
                let ready = frame.context.model;
                let button = ui.add_enabled(ready, button).accessible_name(counts.rest());
                let button =
                    button.on_hover_text(if narrow { format!("{}. {tip}", counts.rest()) } else { tip.into() });
                if button.on_disabled_hover_text("Open a model first.").clicked() {
                    frame.actions.push(Action::engine(InspectionRequest::Finish(ids)));
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::inspection::{Query, QuerySource},
        inspect::{Judged, NoVerdict, Scores},
    };

    fn entry(state: QueryState, reason: Option<NoVerdict>) -> Arc<QueryEntry> {
        let query = Query { id: QueryId::fresh(), name: "a".into(), source: QuerySource::File("a".into()) };
        let judged = reason.map(|reason| Judged::without(Scores::default(), reason));
        Arc::new(QueryEntry { state, judged, ..QueryEntry::waiting(&query, 10) })
    }

    #[test]
    fn a_cancelled_batch_counts_what_was_inspected() {
        let done = || entry(QueryState::Done, Some(NoVerdict::NotCalibrated));
        let stopped = || entry(QueryState::Stopped, None);
        let early = entry(QueryState::Stopped, Some(NoVerdict::StoppedEarly { steps: 2, of: 60 }));
        let mut rows =
            vec![done(), done(), early, stopped(), stopped(), entry(QueryState::Failed("torn".into()), None)];
        let counts = BatchCounts::of(&rows);
        let wanted = BatchCounts { inspected: 2, failed: 1, cut_short: 3, left: 0, total: 6 };
        assert_eq!((counts, counts.describe().as_str()), (wanted, "2 of 6 inspected, 1 failed"));
        assert_eq!(counts.rest(), "Inspect the other 3");
        rows.truncate(2);
        assert_eq!(BatchCounts::of(&rows).describe(), "2 images");
        let all = BatchCounts::of(&[stopped(), stopped()]);
        assert_eq!((all.describe().as_str(), all.rest().as_str()), ("0 of 2 inspected", "Inspect these 2"));
        assert_eq!(BatchCounts::of(&[stopped()]).rest(), "Inspect it to the end");
        // A complete inspection that was stopped after more steps is inspected.
        assert!(entry(QueryState::Stopped, Some(NoVerdict::NotCalibrated)).is_inspected());
    }

    #[test]
    fn rows_keep_their_places_until_the_batch_ends() {
        let rows =
            [entry(QueryState::Running, None), entry(QueryState::Waiting, None), entry(QueryState::Waiting, None)];
        let mut batch = Batch::default();
        batch.follow(&rows);
        let mut sorted = rows.to_vec();
        sorted.reverse();
        batch.keep_order(&mut sorted);
        let ids = |rows: &[Arc<QueryEntry>]| rows.iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!(ids(&sorted), ids(&rows));
        batch.follow(&[entry(QueryState::Stopped, None)]);
        let mut sorted = rows.to_vec();
        sorted.reverse();
        batch.keep_order(&mut sorted);
        assert_ne!(ids(&sorted), ids(&rows), "afterwards the order is the one chosen");
    }
}
