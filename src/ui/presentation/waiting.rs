//! The page shown while the parts are being inspected, and if there is nothing to present.

use std::sync::Arc;

use egui::{Align, Label, Layout, ProgressBar, Rect, RichText, Ui, pos2, vec2};

use super::line::text;
use crate::{
    engine::inspection::{InspectionStatus, ModelState, QueryEntry, QueryState},
    format, time,
    ui::{
        theme,
        theme::{Palette, PresentationSizes},
    },
};

/// Progress of the inspections.
pub(crate) struct WaitingProgress {
    /// Number of images.
    pub total: usize,
    /// Number of images whose inspection has ended.
    pub ended: usize,
    /// Completed share of the work, 0 to 1.
    pub share: f32,
    /// Name of the current image.
    pub name: Option<String>,
}

impl WaitingProgress {
    /// Counts `total` images, some of which the engine may not have listed yet.
    pub(crate) fn of(total: usize, entries: &[Arc<QueryEntry>]) -> Self {
        let ended = entries.iter().filter(|e| e.state.is_over()).count();
        let running = entries.iter().find(|e| matches!(e.state, QueryState::Running | QueryState::Paused));
        let part = running.map_or(0.0, |e| e.step as f32 / e.steps.max(1) as f32);
        Self {
            total,
            ended,
            share: ((ended as f32 + part.min(1.0)) / total.max(1) as f32).min(1.0),
            name: running.map(|e| e.name.clone()),
        }
    }
}

/// The reason why the presentation cannot begin: title and explanation.
fn obstacle(
    status: &InspectionStatus,
    progress: &WaitingProgress,
    entries: &[Arc<QueryEntry>],
) -> Option<(&'static str, String)> {
    if let ModelState::Failed(text) = &status.model {
        return Some(("The model could not be opened", format::sentence(text)));
    }
    let failed = entries.iter().find_map(|e| match &e.state {
        QueryState::Failed(text) => Some(format::sentence(text)),
        _ => None,
    });
    (progress.ended == progress.total).then(|| {
        let why = failed.unwrap_or_else(|| "Every inspection was stopped before it had a result.".to_owned());
        ("None of these images could be inspected", why)
    })
}

/// Draws the page over `area`; `waited` is the time since it was first shown, in seconds.
pub(crate) fn ui(
    ui: &mut Ui,
    sizes: &PresentationSizes,
    area: Rect,
    status: &InspectionStatus,
    entries: &[Arc<QueryEntry>],
    total: usize,
    waited: f64,
) {
    let p = Palette::of(ui);
    let progress = WaitingProgress::of(total, entries);
    let width = sizes.column().min(area.width() - 2.0 * sizes.margin());
    let column = Rect::from_center_size(area.center(), vec2(width, 2.0 * sizes.counts()));
    let line = Layout::left_to_right(Align::Center);
    let (head, rest) = column.split_top_bottom_at_y(column.top() + sizes.word());
    let rest = rest.with_min_y(rest.top() + sizes.gap());
    let strong = |title: &str| RichText::new(title).text_style(theme::verdict()).color(p.text_strong);
    if let Some((title, why)) = obstacle(status, &progress, entries) {
        text(ui, head, strong(title), line);
        ui.scope_builder(egui::UiBuilder::new().max_rect(rest), |ui| {
            ui.add(Label::new(RichText::new(why).color(p.text)).wrap());
            let out = "Press Esc to open another model or other images in the Inspect page.";
            ui.add(Label::new(RichText::new(out).color(p.text_weak)).wrap());
        });
        return;
    }
    let title = if matches!(status.model, ModelState::Ready(_)) { "Inspecting the parts" } else { "Opening the model" };
    text(ui, head, strong(title), line);
    let row = |i: f32| Rect::from_min_size(pos2(rest.left(), rest.top() + i * sizes.head()), vec2(width, sizes.head()));
    let bar = Rect::from_center_size(row(0.0).center(), vec2(width, sizes.dot()));
    ui.scope_builder(egui::UiBuilder::new().max_rect(bar), |ui| {
        let bar = ProgressBar::new(progress.share).desired_height(sizes.dot()).desired_width(width).fill(p.accent);
        ui.add(bar).accessible_name("Inspection of the parts");
    });
    let done = format!("{} of {}", progress.ended, progress.total);
    let half = row(1.0).center().x;
    text(ui, row(1.0).with_max_x(half), RichText::new(done).color(p.text), line);
    text(
        ui,
        row(1.0).with_min_x(half),
        RichText::new(left(progress.share, waited)).color(p.text),
        Layout::right_to_left(Align::Center),
    );
    let name = progress.name.unwrap_or_default();
    text(ui, row(2.0), RichText::new(name).color(p.text_weak), line);
}

/// Formats the remaining time once it can be estimated.
fn left(share: f32, waited: f64) -> String {
    if share < 0.02 || waited < 2.0 {
        return "–".to_owned();
    }
    let share = f64::from(share);
    format!("{} left", time::span(waited * (1.0 - share) / share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::inspection::{Query, QueryId, QuerySource};

    #[test]
    fn progress_counts_what_is_over_and_a_part_of_what_runs() {
        let entry = |state, step| {
            let query = Query { id: QueryId::fresh(), name: "a".into(), source: QuerySource::File("a".into()) };
            Arc::new(QueryEntry { state, step, ..QueryEntry::waiting(&query, 10) })
        };
        let entries =
            [entry(QueryState::Done, 10), entry(QueryState::Failed("torn".into()), 0), entry(QueryState::Running, 5)];
        let progress = WaitingProgress::of(5, &entries);
        assert_eq!((progress.ended, progress.name.as_deref()), (2, Some("a")));
        assert!((progress.share - 0.5).abs() < 1e-6);
        let status = InspectionStatus::default();
        assert!(obstacle(&status, &progress, &entries).is_none());
        let all = WaitingProgress::of(1, &entries[1..2]);
        assert_eq!(obstacle(&status, &all, &entries[1..2]).unwrap().1, "Torn.");
        assert_eq!(left(0.5, 30.0), "30 s left");
        assert_eq!(left(0.0, 30.0), "–");
    }
}
