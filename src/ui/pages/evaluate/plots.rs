//! The score histogram with the draggable threshold, the ROC curve and the precision-recall curve.

use egui::{
    Align2, Color32, CursorIcon, EventFilter, FontId, Key, Modifiers, Painter, Pos2, Rect, Response, Role, Sense,
    Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::results::{BINS, ScoreHistogram, ScoreResults, ThresholdResults};
use crate::{
    inspect::evaluation::CurvePoint,
    ui::{
        theme,
        theme::Palette,
        widgets::{ticks, ticks::Scale},
    },
};

/// Distance from a curve within which the pointer selects a point of it, points.
const REACH: f32 = 24.0;
/// Radius of the operating point.
const DOT: f32 = 4.5;

/// A request to move the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ThresholdRequest {
    /// To this score.
    Threshold(f64),
    /// Down by this number of held-out images.
    Step(i64),
}

/// Draws the three plots over `area`, one above the other.
pub(crate) fn ui(
    ui: &mut Ui,
    area: Rect,
    scored: &ScoreResults,
    judged: Option<&ThresholdResults>,
    rate: Option<f64>,
) -> Option<ThresholdRequest> {
    let height = (area.height() - 2.0 * theme::GAP_S) / 3.0;
    let row = |i: usize| {
        let top = area.top() + i as f32 * (height + theme::GAP_S);
        Rect::from_x_y_ranges(area.x_range(), top..=top + height)
    };
    let mut request = histogram(ui, row(0), scored, judged, rate);
    for (curve, rect) in [(Curve::Roc, row(1)), (Curve::PrecisionRecall, row(2))] {
        request = request.or(curve_plot(ui, rect, curve, scored, judged));
    }
    request
}

fn font(ui: &Ui) -> FontId {
    theme::caption().resolve(ui.style())
}

/// Draws a plot's title and its caption, and returns the area left below.
fn head(ui: &Ui, rect: Rect, title: &str, caption: &str) -> Rect {
    let p = Palette::of(ui);
    let font = font(ui);
    let (head, body) = rect.split_top_bottom_at_y(rect.top() + theme::TILE_HEAD);
    let painter = ui.painter();
    let at = painter.text(head.left_center(), Align2::LEFT_CENTER, title, font.clone(), p.text_strong);
    // The caption is left out where it does not fit.
    let galley = painter.layout_no_wrap(caption.to_owned(), font, p.text_weak);
    if at.right() + theme::GAP_S < head.right() - galley.size().x {
        let at = head.right_center() - vec2(galley.size().x, galley.size().y / 2.0);
        painter.galley(at, galley, p.text_weak);
    }
    body
}

fn figure(value: f64) -> String {
    ticks::figure(Some(value as f32))
}

/// Draws healthy scores upwards and defective ones downwards, each scaled to its own maximum, and the threshold.
fn histogram(
    ui: &mut Ui,
    rect: Rect,
    scored: &ScoreResults,
    judged: Option<&ThresholdResults>,
    rate: Option<f64>,
) -> Option<ThresholdRequest> {
    let h = &scored.histogram;
    let body = head(ui, rect, scored.kind.title(), "flagged above the threshold");
    let plot = body.with_max_y(body.bottom() - theme::ROW_VALUE);
    let response = ui.interact(plot, ui.scope_id().with("threshold"), Sense::click_and_drag());
    let label = match judged {
        Some(judged) => format!("Threshold {}: images above it are flagged", figure(judged.threshold)),
        None => "Scores of healthy and defective images".to_owned(),
    };
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Slider, true, label.clone());
        info.value = judged.map(|judged| judged.threshold);
        info
    });
    let x = |value: f64| plot.left() + ((value - h.low) / (h.high - h.low)).clamp(0.0, 1.0) as f32 * plot.width();
    let threshold = judged.map(|judged| x(judged.threshold));
    histogram_bars(ui, rect, plot, scored, threshold, x);
    score_axis(ui, rect, plot, h, x);
    let request = threshold.and_then(|at| threshold_line(ui, &ui.painter_at(rect), plot, h, at, &response));
    hover(response, plot, scored, judged, rate);
    request
}

/// Draws the bars, the ticks of the held-out scores between them, and the counts.
fn histogram_bars(
    ui: &Ui,
    rect: Rect,
    plot: Rect,
    scored: &ScoreResults,
    threshold: Option<f32>,
    x: impl Fn(f64) -> f32,
) {
    let p = Palette::of(ui);
    let h = &scored.histogram;
    let painter = ui.painter_at(rect);
    painter.rect_filled(plot, 2.0, p.plot);
    if let Some(at) = threshold {
        // The flagged side is tinted.
        painter.rect_filled(plot.with_min_x(at), 0.0, p.defective.gamma_multiply(0.10));
    }
    let middle = plot.center().y;
    bars(&painter, plot.with_max_y(middle - 1.0), &h.healthy, p.healthy, true);
    bars(&painter, plot.with_min_y(middle + 1.0), &h.defective, p.defective, false);
    painter.hline(plot.x_range(), middle, Stroke::new(theme::HAIRLINE, p.text_weak));
    for score in &scored.held_out {
        painter.vline(x(*score), middle - 2.5..=middle + 2.5, Stroke::new(theme::HAIRLINE, p.text_strong));
    }
    // Bars start at the left, so the counts go to the right unless the threshold is there.
    let right = threshold.is_none_or(|at| at < plot.center().x);
    let inset = vec2(theme::GAP_XS, 2.0);
    let (edge, top, bottom) = if right {
        (plot.right() - inset.x, Align2::RIGHT_TOP, Align2::RIGHT_BOTTOM)
    } else {
        (plot.left() + inset.x, Align2::LEFT_TOP, Align2::LEFT_BOTTOM)
    };
    let (healthy, defective) = (h.healthy.iter().sum::<usize>(), h.defective.iter().sum::<usize>());
    painter.text(pos2(edge, plot.top() + inset.y), top, format!("{healthy} healthy"), font(ui), p.healthy);
    let at = pos2(edge, plot.bottom() - inset.y);
    painter.text(at, bottom, format!("{defective} defective"), font(ui), p.defective);
}

/// Draws the tick labels of the scores under the plot.
fn score_axis(ui: &Ui, rect: Rect, plot: Rect, h: &ScoreHistogram, x: impl Fn(f64) -> f32) {
    let p = Palette::of(ui);
    let painter = ui.painter_at(rect);
    for tick in ticks::ticks(Scale::Linear, h.low, h.high, (plot.width() / 64.0).max(2.0) as usize) {
        let at = x(tick.place);
        if at > plot.right() - theme::GAP_M || at < plot.left() + theme::GAP_XS {
            continue;
        }
        painter.vline(at, plot.bottom()..=plot.bottom() + 3.0, Stroke::new(theme::HAIRLINE, p.text_weak));
        painter.text(pos2(at, rect.bottom()), Align2::CENTER_BOTTOM, tick.label, font(ui), p.text_weak);
    }
}

/// Draws the threshold at the horizontal position `at`, and returns where pointer or keys move it.
fn threshold_line(
    ui: &Ui,
    painter: &Painter,
    plot: Rect,
    h: &ScoreHistogram,
    at: f32,
    response: &Response,
) -> Option<ThresholdRequest> {
    let p = Palette::of(ui);
    let highlighted = response.hovered() || response.dragged() || response.has_focus();
    let colour = if highlighted { p.accent } else { p.text_strong };
    painter.vline(at, plot.y_range(), Stroke::new(2.0, colour));
    let tip = |y: f32, down: f32| {
        let corners = vec![pos2(at - 5.0, y), pos2(at + 5.0, y), pos2(at, y + 6.0 * down)];
        Shape::convex_polygon(corners, colour, Stroke::NONE)
    };
    painter.add(tip(plot.top(), 1.0));
    painter.add(tip(plot.bottom(), -1.0));
    let mut request = None;
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        for (key, by) in [(Key::ArrowLeft, 1), (Key::ArrowRight, -1)] {
            if ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)) {
                request = Some(ThresholdRequest::Step(by));
            }
        }
    }
    if let Some(at) = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked()) {
        let share = f64::from(((at.x - plot.left()) / plot.width()).clamp(0.0, 1.0));
        request = Some(ThresholdRequest::Threshold(h.low + share * (h.high - h.low)));
    }
    request
}

fn bars(painter: &Painter, rect: Rect, counts: &[usize], colour: Color32, up: bool) {
    let max = counts.iter().copied().max().unwrap_or(0).max(1) as f32;
    let width = rect.width() / counts.len() as f32;
    // Leaves a line free for the count.
    let height = rect.height() - theme::ROW_VALUE;
    for (i, count) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
        let left = rect.left() + i as f32 * width;
        let length = (*count as f32 / max * height).max(1.0);
        let (top, bottom) =
            if up { (rect.bottom() - length, rect.bottom()) } else { (rect.top(), rect.top() + length) };
        let bar = Rect::from_min_max(pos2(left, top), pos2(left + width - 1.0, bottom));
        painter.rect_filled(bar, 0.0, colour);
    }
}

fn hover(response: Response, plot: Rect, scored: &ScoreResults, judged: Option<&ThresholdResults>, rate: Option<f64>) {
    let Some(at) = response.hover_pos() else { return };
    let h = &scored.histogram;
    let bin = ((at.x - plot.left()) / plot.width() * BINS as f32).clamp(0.0, BINS as f32 - 1.0) as usize;
    let edge = |i: usize| figure(h.low + (h.high - h.low) * i as f64 / BINS as f64);
    let to = if h.clipped && bin + 1 == BINS { "and above".to_owned() } else { format!("to {}", edge(bin + 1)) };
    let (good, bad) = (h.healthy[bin], h.defective[bin]);
    let mut text = format!("{} {to}: {good} healthy, {bad} defective", edge(bin));
    if let Some(judged) = judged {
        text +=
            &format!("\nFlagged above {}. Drag or use the arrow keys to move the threshold.", figure(judged.threshold));
        if rate.is_some() {
            text += "\nIt snaps to the scores of held-out healthy images, marked along the middle.";
        }
    }
    let icon = if judged.is_some() { CursorIcon::ResizeHorizontal } else { CursorIcon::Default };
    response.on_hover_cursor(icon).on_hover_text_at_pointer(text);
}

#[derive(Clone, Copy, PartialEq)]
enum Curve {
    Roc,
    PrecisionRecall,
}

impl Curve {
    fn title(self) -> &'static str {
        match self {
            Self::Roc => "ROC",
            Self::PrecisionRecall => "Precision-recall",
        }
    }

    /// Returns the names of the vertical and the horizontal axis.
    fn axes(self) -> (&'static str, &'static str) {
        match self {
            Self::Roc => ("true-positive rate", "false-positive rate"),
            Self::PrecisionRecall => ("precision", "recall"),
        }
    }

    /// Returns the caption beside the title.
    fn caption(self) -> &'static str {
        match self {
            Self::Roc => "true-positive against false-positive rate",
            Self::PrecisionRecall => "precision against recall",
        }
    }

    fn points(self, scored: &ScoreResults) -> &[CurvePoint] {
        match self {
            Self::Roc => &scored.roc,
            Self::PrecisionRecall => &scored.pr,
        }
    }

    /// Returns the curve's x and y at the threshold.
    fn operating_point(self, judged: &ThresholdResults) -> Option<(f64, f64)> {
        let c = &judged.confusion;
        match self {
            Self::Roc => c.false_alarm_share().zip(c.caught_share()),
            Self::PrecisionRecall => c.caught_share().zip(c.precision()),
        }
    }
}

/// Draws a curve with its operating point; a click on the curve moves the threshold there.
fn curve_plot(
    ui: &mut Ui,
    rect: Rect,
    curve: Curve,
    scored: &ScoreResults,
    judged: Option<&ThresholdResults>,
) -> Option<ThresholdRequest> {
    let p = Palette::of(ui);
    let (title, points, (y_name, x_name)) = (curve.title(), curve.points(scored), curve.axes());
    let body = head(ui, rect, title, curve.caption());
    let plot = body.with_max_y(body.bottom() - theme::ROW_VALUE).with_min_x(body.left() + theme::AXIS_PERCENT);
    if plot.height() < theme::ROW || plot.width() < theme::ROW {
        return None;
    }
    let response = ui.interact(plot, ui.scope_id().with(title), Sense::click_and_drag());
    let current = judged.and_then(|judged| curve.operating_point(judged));
    let label = match current {
        Some((x, y)) => format!("{title}: {y_name} {} at {x_name} {}", percent(y), percent(x)),
        None => format!("{title}: {y_name} against {x_name}"),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, label.clone()));
    // The operating point may lie on the edge.
    let painter = ui.painter_at(rect.expand2(vec2(DOT + theme::CURVE, 0.0)));
    let to_screen = |x: f64, y: f64| plot.left_bottom() + vec2(x as f32 * plot.width(), -(y as f32) * plot.height());
    percent_grid(ui, &painter, plot, body.bottom());
    if points.is_empty() {
        let text = "Needs healthy and defective images";
        painter.text(plot.center(), Align2::CENTER_CENTER, text, font(ui), p.text_weak);
        return None;
    }
    if curve == Curve::Roc {
        let chance = [to_screen(0.0, 0.0), to_screen(1.0, 1.0)];
        painter.extend(Shape::dashed_line(&chance, Stroke::new(theme::CURVE_FAINT, p.text_weak), 4.0, 4.0));
    }
    let curve_line: Vec<Pos2> = points.iter().map(|point| to_screen(point.x, point.y)).collect();
    painter.line(curve_line, Stroke::new(theme::CURVE, p.accent));
    if let Some((x, y)) = current {
        painter.circle(to_screen(x, y), DOT, p.text_strong, Stroke::new(theme::CURVE, p.plot));
    }
    let nearest_point =
        response.interact_pointer_pos().or(response.hover_pos()).and_then(|at| nearest(points, to_screen, at));
    let mut request = None;
    if let Some(point) = nearest_point {
        painter.circle_stroke(to_screen(point.x, point.y), DOT, Stroke::new(theme::CURVE, p.accent));
        if judged.is_some() && (response.clicked() || response.dragged()) {
            request = Some(ThresholdRequest::Threshold(point.threshold));
        }
        let (x, y, at) = (percent(point.x), percent(point.y), figure(point.threshold));
        let text = format!("Threshold {at}: {y_name} {y} at {x_name} {x}");
        response.on_hover_cursor(CursorIcon::PointingHand).on_hover_text_at_pointer(text);
    }
    request
}

/// Draws the background, grid and labels of a plot whose axes both run from 0 to 100 %.
fn percent_grid(ui: &Ui, painter: &Painter, plot: Rect, bottom: f32) {
    let p = Palette::of(ui);
    painter.rect_filled(plot, 2.0, p.plot);
    let line = Stroke::new(theme::HAIRLINE, p.grid_line);
    for share in [0.0_f32, 0.25, 0.5, 0.75, 1.0] {
        let at = plot.left_bottom() + vec2(share * plot.width(), -share * plot.height());
        painter.vline(at.x, plot.y_range(), line);
        painter.hline(plot.x_range(), at.y, line);
        let label = percent(f64::from(share));
        let every = if plot.height() < theme::TILE_LEAST { 0.5 } else { 0.25 };
        if share % every == 0.0 {
            let y = at.y.clamp(plot.top() + 5.0, plot.bottom() - 5.0);
            painter.text(pos2(plot.left() - 3.0, y), Align2::RIGHT_CENTER, &label, font(ui), p.text_weak);
        }
        let align = match share {
            0.0 => Align2::LEFT_BOTTOM,
            1.0 => Align2::RIGHT_BOTTOM,
            _ => Align2::CENTER_BOTTOM,
        };
        if share % 0.5 == 0.0 {
            painter.text(pos2(at.x, bottom), align, label, font(ui), p.text_weak);
        }
    }
}

/// Returns the point of a curve nearest to the pointer, within [`REACH`].
fn nearest(points: &[CurvePoint], to_screen: impl Fn(f64, f64) -> Pos2, at: Pos2) -> Option<CurvePoint> {
    let far = |point: &CurvePoint| to_screen(point.x, point.y).distance_sq(at);
    let best = points.iter().min_by(|a, b| far(a).total_cmp(&far(b)))?;
    (far(best) <= REACH * REACH).then_some(*best)
}

/// Formats a share in whole percent.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
