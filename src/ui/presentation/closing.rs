//! The closing page: how the parts came out, what is promised, and what it rests on.

use egui::{Align, Layout, Rect, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::text;
use crate::{
    engine::inspection::{InspectionStatus, ModelState, QueryEntry, QueryState},
    inspect::calibration::verdict_counts::VerdictCounts,
    time,
    ui::{
        theme,
        theme::{Palette, Stage, StatusMark},
        widgets::ticks,
    },
};

/// The figures of a presentation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClosingFigures {
    /// Parts that were shown.
    pub shown: usize,
    /// How they came out.
    pub verdicts: VerdictCounts,
    /// Images that could not be inspected.
    pub failed: usize,
    /// The false-alarm rate that the verdicts promise.
    pub rate: Option<f64>,
}

impl ClosingFigures {
    /// Counts parts, and the images among `asked` that could not be inspected.
    pub fn of<'a>(
        parts: impl IntoIterator<Item = &'a QueryEntry>,
        asked: impl IntoIterator<Item = &'a QueryEntry>,
    ) -> Self {
        let mut figures = Self::default();
        for entry in parts {
            figures.shown += 1;
            figures.verdicts.add(entry.assessment.as_ref().map(|a| a.verdict));
            figures.rate = figures.rate.or(entry.assessment.as_ref().map(|a| a.rate));
        }
        figures.failed = asked.into_iter().filter(|e| matches!(e.state, QueryState::Failed(_))).count();
        figures
    }

    /// What is promised, as a sentence.
    fn promise(&self) -> String {
        match self.rate {
            // Rounded up: less must not be promised than is kept.
            Some(rate) => format!("At most {:.0} false alarms in 1,000 good parts.", (rate * 1000.0 - 1e-6).ceil()),
            None => "The model is not calibrated, so nothing is promised.".to_owned(),
        }
    }
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", ticks::grouped(n as f64, 0), if n == 1 { one } else { many })
}

/// Names and figures of what the verdicts rest on.
fn facts(status: &InspectionStatus, figures: &ClosingFigures) -> Vec<(&'static str, String)> {
    let ModelState::Ready(model) = &status.model else { return Vec::new() };
    let mut facts = vec![("Model", model.name.clone())];
    let learnt = model.split.train.len();
    if learnt > 0 {
        facts.push(("Learnt from", counted(learnt, "healthy image", "healthy images")));
    }
    if let Some((calibration, rate)) = model.calibration(&status.knobs).zip(figures.rate) {
        let n = calibration.held_out.len();
        facts.push(("Calibrated on", counted(n, "healthy image held out", "healthy images held out")));
        let threshold = ticks::figure(Some(calibration.threshold(rate) as f32));
        facts.push(("Alarm above", format!("{} of {threshold}", calibration.score.title().to_lowercase())));
    }
    if let Some(promise) = &status.promise {
        facts.push(("Promised by", format!("{}, {}", promise.by, time::day(promise.at))));
    }
    facts
}

/// Draws the page over `room`.
pub fn ui(ui: &mut Ui, stage: &Stage, room: Rect, figures: &ClosingFigures, status: &InspectionStatus) {
    let p = Palette::of(ui);
    let column = vec2(stage.column().min(room.width() - 2.0 * stage.margin()), room.height());
    let column = Rect::from_center_size(room.center(), column);
    let line = Layout::left_to_right(Align::Center);
    let facts = facts(status, figures);
    let gap = stage.gap();
    let rows = (facts.len() + usize::from(figures.failed > 0)) as f32 * stage.row();
    let whole = stage.word() + gap + stage.counts() + gap + stage.head() + gap + rows;
    let mut top = column.top() + ((column.height() - whole) / 2.0).max(0.0);
    let mut next = |height: f32, space: f32| {
        let rect = Rect::from_min_size(pos2(column.left(), top), vec2(column.width(), height));
        top += height + space;
        rect
    };
    let title = format!("{} shown", counted(figures.shown, "part", "parts"));
    text(ui, next(stage.word(), gap), RichText::new(title).text_style(theme::verdict()).color(p.text_strong), line);
    let verdicts = &figures.verdicts;
    let mut states = vec![
        (StatusMark::Healthy, verdicts.healthy),
        (StatusMark::Suspect, verdicts.suspect),
        (StatusMark::Defective, verdicts.defective),
    ];
    if verdicts.unjudged > 0 {
        states.push((StatusMark::Unknown, verdicts.unjudged));
    }
    let counts = next(stage.counts(), gap);
    let width = (counts.width() - gap * (states.len() - 1) as f32) / states.len() as f32;
    for (i, (state, n)) in states.into_iter().enumerate() {
        let left = counts.left() + i as f32 * (width + gap);
        count(ui, stage, Rect::from_min_size(pos2(left, counts.top()), vec2(width, counts.height())), state, n);
    }
    let promise = RichText::new(figures.promise()).text_style(theme::figure()).color(p.text_strong);
    text(ui, next(stage.head(), gap), promise, line);
    for (name, value) in facts {
        let rect = next(stage.row(), 0.0);
        let split = rect.left() + stage.names();
        text(ui, rect.with_max_x(split), RichText::new(name).color(p.text_weak), line);
        text(ui, rect.with_min_x(split), RichText::new(value).color(p.text), line);
    }
    if figures.failed > 0 {
        let words = format!("{} could not be inspected.", counted(figures.failed, "image", "images"));
        text(ui, next(stage.row(), 0.0), RichText::new(words).color(p.text), line);
    }
}

/// A state's shape, how many parts are in it, and its word.
fn count(ui: &mut Ui, stage: &Stage, rect: Rect, state: StatusMark, n: usize) {
    let p = Palette::of(ui);
    let word = if state == StatusMark::Unknown { "without a verdict" } else { state.title() };
    let response = ui.interact(rect, ui.scope_id().with(("count", word)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{n} {word}")));
    ui.painter().rect_filled(rect, theme::RADIUS, p.panel);
    let inner = rect.shrink(stage.gap());
    let (head, foot) = inner.split_top_bottom_at_y(inner.top() + stage.word());
    let (shape, figure) = head.split_left_right_at_x(head.left() + stage.word());
    theme::paint_state(ui.painter(), &p, state, stage.shape_in(shape), stage.shape());
    let figure = figure.with_min_x(figure.left() + stage.dot());
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
        let said = |rate| ClosingFigures { rate, ..ClosingFigures::default() }.promise();
        assert_eq!(said(Some(0.05)), "At most 50 false alarms in 1,000 good parts.");
        assert_eq!(said(Some(1.0 / 21.0)), "At most 48 false alarms in 1,000 good parts.");
        assert_eq!(said(None), "The model is not calibrated, so nothing is promised.");
    }
}
