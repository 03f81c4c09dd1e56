//! Drift of the scores of healthy parts.

use egui::{Pos2, Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{scene::ReviewScene, section::PanelSection};
use crate::{
    review::drift::{Drift, MIN_PARTS},
    ui::{
        Frame, theme,
        theme::{Mark, NoticeMark, Palette, ProgressMark},
        widgets::rows::marked_text,
    },
};

/// The drift section.
pub(super) struct DriftSection;

impl PanelSection for DriftSection {
    fn title(&self) -> &'static str {
        "Drift"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &ReviewScene, _: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let Some(drift) = &scene.snapshot.statistics.drift else {
            ui.label(theme::weak_caption(&p, "Open a record to monitor the scores of healthy parts."));
            return;
        };
        let mark: Mark = match (drift.since(), drift.parts.len() < MIN_PARTS) {
            (Some(_), _) => NoticeMark::Warning.into(),
            (None, true) => ProgressMark::Idle.into(),
            (None, false) => NoticeMark::Information.into(),
        };
        marked_text(ui, mark, RichText::new(drift.sentence()).color(p.text));
        if drift.parts.len() >= 2 {
            chart(ui, drift);
        }
    }
}

/// Draws the CUSUM chart with its limit.
fn chart(ui: &mut Ui, drift: &Drift) {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme::TILE_LEAST), Sense::hover());
    let points = &drift.cusum.points;
    response.widget_info(|| {
        let text = format!("CUSUM chart of the scores of {} healthy parts over time", points.len());
        WidgetInfo::labeled(Role::Image, true, text)
    });
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2.0, p.plot);
    let inner: Rect = rect.shrink2(vec2(theme::GAP_XS, theme::GAP_S));
    let most = points.iter().map(|point| point.sum).fold(drift.cusum.limit * 1.25, f64::max);
    let last = points.len().saturating_sub(1).max(1) as f32;
    let place = |i: usize, sum: f64| {
        let x = inner.left() + i as f32 / last * inner.width();
        pos2(x, inner.bottom() - (sum / most) as f32 * inner.height())
    };
    let limit = place(0, drift.cusum.limit).y;
    let dashed = [pos2(inner.left(), limit), pos2(inner.right(), limit)];
    painter.extend(egui::Shape::dashed_line(&dashed, Stroke::new(theme::CURVE_FAINT, p.warning), 4.0, 4.0));
    // At most one point per pixel column: the highest of those that share it.
    let by = points.len().div_ceil((inner.width() as usize).max(1)).max(1);
    let highest = |(chunk, some): (usize, &[crate::review::drift::CusumPoint])| {
        let sum = some.iter().map(|point| point.sum).fold(0.0, f64::max);
        place(chunk * by, sum)
    };
    let line: Vec<Pos2> = points.chunks(by).enumerate().map(highest).collect();
    painter.line(line, Stroke::new(theme::CURVE, p.accent));
    let font = theme::caption().resolve(ui.style());
    let above = pos2(inner.left() + 2.0, limit - 1.0);
    painter.text(above, egui::Align2::LEFT_BOTTOM, "limit", font, p.text_weak);
    for crossing in &drift.cusum.crossings {
        painter.vline(place(crossing.began, 0.0).x, inner.y_range(), Stroke::new(theme::HAIRLINE, p.warning));
    }
    let text = "Page's CUSUM of −ln p over the healthy parts, in order of time: it accumulates scores higher than expected. \
                Above the limit healthy parts have changed; the vertical line marks where the change began.";
    response.on_hover_text(text);
}
