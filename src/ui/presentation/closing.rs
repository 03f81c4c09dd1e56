//! The summary: verdicts by count, the promised false-alarm rate and its basis.

use egui::{Align, Layout, Rect, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{line::text, part::NO_RATE};
use crate::{
    engine::inspection::{InspectionStatus, ModelState, QueryEntry, QueryState},
    inspect::calibration::{VerdictCounts, in_thousand},
    time,
    ui::{
        theme,
        theme::{Palette, PresentationSizes, VerdictMark},
        widgets::ticks,
    },
};

/// Summary of a presentation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    /// Number of parts shown.
    pub shown: usize,
    /// Their verdicts.
    pub verdicts: VerdictCounts,
    /// Number of images that could not be inspected.
    pub failed: usize,
    /// The promised false-alarm rate.
    pub rate: Option<f64>,
}

impl Summary {
    /// Counts the verdicts of the parts, and the images among `requested` that could not be inspected.
    pub(crate) fn of<'a>(
        parts: impl IntoIterator<Item = &'a QueryEntry>,
        requested: impl IntoIterator<Item = &'a QueryEntry>,
    ) -> Self {
        let mut summary = Self::default();
        for entry in parts {
            summary.shown += 1;
            summary.verdicts.add(entry.assessment().map(|a| a.verdict));
            summary.rate = summary.rate.or(entry.assessment().map(|a| a.rate));
        }
        summary.failed = requested.into_iter().filter(|e| matches!(e.state, QueryState::Failed(_))).count();
        summary
    }

    /// The promised rate in a sentence.
    fn promise(&self) -> String {
        match self.rate {
            Some(rate) => format!("At most {} false alarms in 1,000 healthy parts.", in_thousand(rate)),
            None => NO_RATE.to_owned(),
        }
    }
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", ticks::grouped(n as f64, 0), if n == 1 { one } else { many })
}

/// The basis of the verdicts: model, training and calibration.
fn basis(status: &InspectionStatus, summary: &Summary) -> Vec<(&'static str, String)> {
    let ModelState::Ready(model) = &status.model else { return Vec::new() };
    let mut rows = vec![("Model", model.name.clone())];
    let left_out = model.outliers.iter().flat_map(|report| report.left_out());
    let left_out = left_out.filter(|image| model.split.train.contains(&image.hash)).count();
    let trained = model.split.train.len() - left_out;
    if trained > 0 {
        rows.push(("Trained on", counted(trained, "healthy image", "healthy images")));
    }
    if let Some((calibration, rate)) = model.calibration(&status.knobs).zip(summary.rate) {
        let n = calibration.held_out.len();
        rows.push(("Calibrated on", counted(n, "held-out healthy image", "held-out healthy images")));
        let threshold = ticks::figure(Some(calibration.threshold(rate) as f32));
        rows.push(("Alarm above", format!("{} of {threshold}", calibration.score.title().to_lowercase())));
    }
    if let Some(promise) = &status.promise {
        rows.push(("Promised by", format!("{}, {}", promise.by, time::day(promise.at))));
    }
    rows
}

/// Draws the summary over `area`.
pub(crate) fn ui(ui: &mut Ui, sizes: &PresentationSizes, area: Rect, summary: &Summary, status: &InspectionStatus) {
    let p = Palette::of(ui);
    let column = vec2(sizes.column().min(area.width() - 2.0 * sizes.margin()), area.height());
    let column = Rect::from_center_size(area.center(), column);
    let line = Layout::left_to_right(Align::Center);
    let basis = basis(status, summary);
    let gap = sizes.gap();
    let rows = (basis.len() + usize::from(summary.failed > 0)) as f32 * sizes.row();
    let whole = sizes.word() + gap + sizes.counts() + gap + sizes.head() + gap + rows;
    let mut top = column.top() + ((column.height() - whole) / 2.0).max(0.0);
    let mut next = |height: f32, space: f32| {
        let rect = Rect::from_min_size(pos2(column.left(), top), vec2(column.width(), height));
        top += height + space;
        rect
    };
    let title = format!("{} shown", counted(summary.shown, "part", "parts"));
    text(ui, next(sizes.word(), gap), RichText::new(title).text_style(theme::verdict()).color(p.text_strong), line);
    let verdicts = &summary.verdicts;
    let mut states = vec![
        (VerdictMark::Healthy, verdicts.healthy),
        (VerdictMark::Suspect, verdicts.suspect),
        (VerdictMark::Defective, verdicts.defective),
    ];
    if verdicts.not_this_part > 0 {
        states.push((VerdictMark::NotThisPart, verdicts.not_this_part));
    }
    if verdicts.unjudged > 0 {
        states.push((VerdictMark::Unknown, verdicts.unjudged));
    }
    let counts = next(sizes.counts(), gap);
    let width = (counts.width() - gap * (states.len() - 1) as f32) / states.len() as f32;
    for (i, (state, n)) in states.into_iter().enumerate() {
        let left = counts.left() + i as f32 * (width + gap);
        count(ui, sizes, Rect::from_min_size(pos2(left, counts.top()), vec2(width, counts.height())), state, n);
    }
    let promise = RichText::new(summary.promise()).text_style(theme::figure()).color(p.text_strong);
    text(ui, next(sizes.head(), gap), promise, line);
    for (name, value) in basis {
        let rect = next(sizes.row(), 0.0);
        let split = rect.left() + sizes.names();
        text(ui, rect.with_max_x(split), RichText::new(name).color(p.text_weak), line);
        text(ui, rect.with_min_x(split), RichText::new(value).color(p.text), line);
    }
    if summary.failed > 0 {
        let words = format!("{} could not be inspected.", counted(summary.failed, "image", "images"));
        text(ui, next(sizes.row(), 0.0), RichText::new(words).color(p.text), line);
    }
}

/// Draws one verdict: its shape, its count and its name.
fn count(ui: &mut Ui, sizes: &PresentationSizes, rect: Rect, state: VerdictMark, n: usize) {
    let p = Palette::of(ui);
    let word = if state == VerdictMark::Unknown { "without a verdict" } else { state.title() };
    let response = ui.interact(rect, ui.scope_id().with(("count", word)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{n} {word}")));
    ui.painter().rect_filled(rect, theme::RADIUS, p.panel);
    let inner = rect.shrink(sizes.gap());
    let (head, foot) = inner.split_top_bottom_at_y(inner.top() + sizes.word());
    let (shape, figure) = head.split_left_right_at_x(head.left() + sizes.word());
    theme::paint_mark(ui.painter(), &p, state, sizes.shape_in(shape), sizes.shape());
    let figure = figure.with_min_x(figure.left() + sizes.dot());
    let number = RichText::new(ticks::grouped(n as f64, 0)).text_style(theme::verdict()).color(p.text_strong);
    let line = Layout::left_to_right(Align::Center);
    text(ui, figure, number, line);
    text(ui, foot, RichText::new(word).color(p.text), line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_less_is_promised_than_is_kept() {
        let said = |rate| Summary { rate, ..Summary::default() }.promise();
        assert_eq!(said(Some(0.05)), "At most 50 false alarms in 1,000 healthy parts.");
        assert_eq!(said(Some(1.0 / 21.0)), "At most 48 false alarms in 1,000 healthy parts.");
        assert_eq!(said(None), "The model is not calibrated, so no rate is promised.");
    }
}
