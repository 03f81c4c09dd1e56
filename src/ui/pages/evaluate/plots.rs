//! The scores of healthy and defective images with the threshold between them, and the two curves.

use egui::{
    Align2, Color32, CursorIcon, EventFilter, FontId, Key, Modifiers, Painter, Pos2, Rect, Response, Role, Sense,
    Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::figures::{BINS, Judged, Scored};
use crate::{
    inspect::evaluation::metrics::CurvePoint,
    ui::{
        theme,
        theme::Palette,
        widgets::{ticks, ticks::Scale},
    },
};

/// How near the pointer must come to a curve to take a point of it, points.
const REACH: f32 = 24.0;
/// Radius of the point in force.
const DOT: f32 = 4.5;

/// Where the user wants the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ThresholdRequest {
    /// Here.
    Threshold(f64),
    /// So many held-out images further down.
    Step(i64),
}

/// Draws all three over `area`, one under the other.
pub fn ui(
    ui: &mut Ui,
    area: Rect,
    scored: &Scored,
    judged: Option<&Judged>,
    rate: Option<f64>,
) -> Option<ThresholdRequest> {
    let height = (area.height() - 2.0 * theme::GAP_S) / 3.0;
    let place = |i: usize| {
        let top = area.top() + i as f32 * (height + theme::GAP_S);
        Rect::from_x_y_ranges(area.x_range(), top..=top + height)
    };
    let mut wish = histogram(ui, place(0), scored, judged, rate);
    for (curve, rect) in [(Curve::Roc, place(1)), (Curve::Pr, place(2))] {
        wish = wish.or(curve_of(ui, rect, curve, scored, judged));
    }
    wish
}

fn font(ui: &Ui) -> FontId {
    theme::caption().resolve(ui.style())
}

/// Title of a plot and what is left for it.
fn head(ui: &Ui, rect: Rect, title: &str, right: &str) -> Rect {
    let p = Palette::of(ui);
    let font = font(ui);
    let (head, body) = rect.split_top_bottom_at_y(rect.top() + theme::TILE_HEAD);
    let painter = ui.painter();
    let at = painter.text(head.left_center(), Align2::LEFT_CENTER, title, font.clone(), p.text_strong);
    // Only where there is room for it.
    let galley = painter.layout_no_wrap(right.to_owned(), font, p.text_weak);
    if at.right() + theme::GAP_S < head.right() - galley.size().x {
        let at = head.right_center() - vec2(galley.size().x, galley.size().y / 2.0);
        painter.galley(at, galley, p.text_weak);
    }
    body
}

fn figure(value: f64) -> String {
    ticks::figure(Some(value as f32))
}

/// Healthy scores upwards, defective ones downwards, each by its own measure, and the threshold between.
fn histogram(
    ui: &mut Ui,
    rect: Rect,
    scored: &Scored,
    judged: Option<&Judged>,
    rate: Option<f64>,
) -> Option<ThresholdRequest> {
    let p = Palette::of(ui);
    let h = &scored.histogram;
    let body = head(ui, rect, scored.kind.title(), "flagged right of the line");
    let plot = body.with_max_y(body.bottom() - theme::ROW_VALUE);
    let response = ui.interact(plot, ui.scope_id().with("threshold"), Sense::click_and_drag());
    let spoken = match judged {
        Some(judged) => format!("Threshold {}: images above it are flagged", figure(judged.threshold)),
        None => "Scores of healthy and defective images".to_owned(),
    };
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Slider, true, spoken.clone());
        info.value = judged.map(|judged| judged.threshold);
        info
    });
    let painter = ui.painter_at(rect);
    painter.rect_filled(plot, 2.0, p.plot);
    let x = |value: f64| plot.left() + ((value - h.low) / (h.high - h.low)).clamp(0.0, 1.0) as f32 * plot.width();
    if let Some(judged) = judged {
        // What is flagged lies on the tinted side.
        painter.rect_filled(plot.with_min_x(x(judged.threshold)), 0.0, p.defective.gamma_multiply(0.10));
    }
    let middle = plot.center().y;
    let (healthy, defective) = (h.healthy.iter().sum::<usize>(), h.defective.iter().sum::<usize>());
    bars(&painter, plot.with_max_y(middle - 1.0), &h.healthy, p.healthy, true);
    bars(&painter, plot.with_min_y(middle + 1.0), &h.defective, p.defective, false);
    painter.hline(plot.x_range(), middle, Stroke::new(theme::HAIRLINE, p.text_weak));
    for score in &scored.held_out {
        painter.vline(x(*score), middle - 2.5..=middle + 2.5, Stroke::new(theme::HAIRLINE, p.text_strong));
    }
    let font = font(ui);
    let inset = vec2(theme::GAP_XS, 2.0);
    let count = |n: usize, what: &str| format!("{n} {what}");
    let (up, down) = (plot.left_top() + inset, plot.left_bottom() + vec2(inset.x, -inset.y));
    // Bars begin at the left, so their names stand at the right unless the line is there.
    let right = judged.is_none_or(|j| x(j.threshold) < plot.center().x);
    let (up, down, across) = if right {
        (pos2(plot.right() - inset.x, up.y), pos2(plot.right() - inset.x, down.y), Align2::RIGHT_TOP)
    } else {
        (up, down, Align2::LEFT_TOP)
    };
    let low = if right { Align2::RIGHT_BOTTOM } else { Align2::LEFT_BOTTOM };
    painter.text(up, across, count(healthy, "healthy"), font.clone(), p.healthy);
    painter.text(down, low, count(defective, "defective"), font.clone(), p.defective);
    let labels = ticks::ticks(Scale::Linear, h.low, h.high, (plot.width() / 64.0).max(2.0) as usize);
    for tick in labels {
        let at = x(tick.place);
        if at > plot.right() - theme::GAP_M || at < plot.left() + theme::GAP_XS {
            continue;
        }
        painter.vline(at, plot.bottom()..=plot.bottom() + 3.0, Stroke::new(theme::HAIRLINE, p.text_weak));
        painter.text(pos2(at, body.bottom()), Align2::CENTER_BOTTOM, tick.label, font.clone(), p.text_weak);
    }
    let mut wish = None;
    if let Some(judged) = judged {
        let at = x(judged.threshold);
        let lit = response.hovered() || response.dragged() || response.has_focus();
        let colour = if lit { p.accent } else { p.text_strong };
        painter.vline(at, plot.y_range(), Stroke::new(2.0, colour));
        let tip = |y: f32, down: f32| {
            let corners = vec![pos2(at - 5.0, y), pos2(at + 5.0, y), pos2(at, y + 6.0 * down)];
            Shape::convex_polygon(corners, colour, Stroke::NONE)
        };
        painter.add(tip(plot.top(), 1.0));
        painter.add(tip(plot.bottom(), -1.0));
        if response.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, ..Default::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
            for (key, by) in [(Key::ArrowLeft, 1), (Key::ArrowRight, -1)] {
                if ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)) {
                    wish = Some(ThresholdRequest::Step(by));
                }
            }
        }
        if let Some(at) = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked()) {
            let share = f64::from(((at.x - plot.left()) / plot.width()).clamp(0.0, 1.0));
            wish = Some(ThresholdRequest::Threshold(h.low + share * (h.high - h.low)));
        }
    }
    hover(response, plot, scored, judged, rate);
    wish
}

fn bars(painter: &Painter, rect: Rect, counts: &[usize], colour: Color32, up: bool) {
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f32;
    let width = rect.width() / counts.len() as f32;
    // A line is left free for the name.
    let height = rect.height() - theme::ROW_VALUE;
    for (i, count) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
        let left = rect.left() + i as f32 * width;
        let long = (*count as f32 / most * height).max(1.0);
        let (top, bottom) = if up { (rect.bottom() - long, rect.bottom()) } else { (rect.top(), rect.top() + long) };
        let bar = Rect::from_min_max(pos2(left, top), pos2(left + width - 1.0, bottom));
        painter.rect_filled(bar, 0.0, colour);
    }
}

fn hover(response: Response, plot: Rect, scored: &Scored, judged: Option<&Judged>, rate: Option<f64>) {
    let Some(at) = response.hover_pos() else { return };
    let h = &scored.histogram;
    let bin = ((at.x - plot.left()) / plot.width() * BINS as f32).clamp(0.0, BINS as f32 - 1.0) as usize;
    let edge = |i: usize| figure(h.low + (h.high - h.low) * i as f64 / BINS as f64);
    let to = if h.cut && bin + 1 == BINS { "and above".to_owned() } else { format!("to {}", edge(bin + 1)) };
    let (good, bad) = (h.healthy[bin], h.defective[bin]);
    let mut text = format!("{} {to}: {good} healthy, {bad} defective", edge(bin));
    if let Some(judged) = judged {
        text += &format!("\nFlagged above {}. Drag to move the line, or use the arrow keys.", figure(judged.threshold));
        if rate.is_some() {
            text += "\nIt rests on held-out healthy images, the marks in the middle, and stops at each of them.";
        }
    }
    let icon = if judged.is_some() { CursorIcon::ResizeHorizontal } else { CursorIcon::Default };
    response.on_hover_cursor(icon).on_hover_text_at_pointer(text);
}

#[derive(Clone, Copy, PartialEq)]
enum Curve {
    Roc,
    Pr,
}

/// One of the two curves with the point in force.
fn curve_of(
    ui: &mut Ui,
    rect: Rect,
    curve: Curve,
    scored: &Scored,
    judged: Option<&Judged>,
) -> Option<ThresholdRequest> {
    let p = Palette::of(ui);
    let (title, across, along, points) = match curve {
        Curve::Roc => ("ROC", "good parts flagged", "caught", &scored.roc),
        Curve::Pr => ("Precision and recall", "defective parts caught", "right when flagged", &scored.pr),
    };
    let body = head(ui, rect, title, &format!("{along} over {across}"));
    let plot = body.with_max_y(body.bottom() - theme::ROW_VALUE).with_min_x(body.left() + theme::AXIS_PERCENT);
    if plot.height() < theme::ROW || plot.width() < theme::ROW {
        return None;
    }
    let response = ui.interact(plot, ui.scope_id().with(title), Sense::click_and_drag());
    let here = judged.and_then(|judged| {
        let c = &judged.confusion;
        match curve {
            Curve::Roc => c.false_alarm_share().zip(c.caught_share()),
            Curve::Pr => c.caught_share().zip(c.precision()),
        }
    });
    let spoken = match here {
        Some((x, y)) => format!("{title}: {} {along} at {} {across}", percent(y), percent(x)),
        None => format!("{title}: {along} over {across}"),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, spoken.clone()));
    // The point in force may lie on the edge.
    let painter = ui.painter_at(rect.expand2(vec2(DOT + theme::CURVE, 0.0)));
    painter.rect_filled(plot, 2.0, p.plot);
    let place = |x: f64, y: f64| plot.left_bottom() + vec2(x as f32 * plot.width(), -(y as f32) * plot.height());
    let font = font(ui);
    let line = Stroke::new(theme::HAIRLINE, p.grid_line);
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let at = place(share, share);
        painter.vline(at.x, plot.y_range(), line);
        painter.hline(plot.x_range(), at.y, line);
        let most = if plot.height() < theme::TILE_LEAST { 0.5 } else { 0.25 };
        if share % most == 0.0 {
            let y = at.y.clamp(plot.top() + 5.0, plot.bottom() - 5.0);
            let label = percent(share);
            painter.text(pos2(plot.left() - 3.0, y), Align2::RIGHT_CENTER, label, font.clone(), p.text_weak);
        }
        let align = match share {
            0.0 => Align2::LEFT_BOTTOM,
            1.0 => Align2::RIGHT_BOTTOM,
            _ => Align2::CENTER_BOTTOM,
        };
        if share % 0.5 == 0.0 {
            painter.text(pos2(at.x, body.bottom()), align, percent(share), font.clone(), p.text_weak);
        }
    }
    if points.is_empty() {
        let text = "needs healthy and defective images";
        painter.text(plot.center(), Align2::CENTER_CENTER, text, font, p.text_weak);
        return None;
    }
    if curve == Curve::Roc {
        let chance = [place(0.0, 0.0), place(1.0, 1.0)];
        painter.extend(Shape::dashed_line(&chance, Stroke::new(theme::CURVE_FAINT, p.text_weak), 4.0, 4.0));
    }
    let line: Vec<Pos2> = points.iter().map(|point| place(point.x, point.y)).collect();
    painter.line(line, Stroke::new(theme::CURVE, p.accent));
    if let Some((x, y)) = here {
        let at = place(x, y);
        painter.circle(at, DOT, p.text_strong, Stroke::new(theme::CURVE, p.plot));
    }
    let near = response.interact_pointer_pos().or(response.hover_pos()).and_then(|at| nearest(points, place, at));
    let mut wish = None;
    if let Some(point) = near {
        painter.circle_stroke(place(point.x, point.y), DOT, Stroke::new(theme::CURVE, p.accent));
        if judged.is_some() && (response.clicked() || response.dragged()) {
            wish = Some(ThresholdRequest::Threshold(point.threshold));
        }
        let (x, y) = (percent(point.x), percent(point.y));
        let text = format!("Above {}: {y} {along} at {x} {across}", figure(point.threshold));
        response.on_hover_cursor(CursorIcon::PointingHand).on_hover_text_at_pointer(text);
    }
    wish
}

/// The point of a curve that lies nearest to the pointer, within reach.
fn nearest(points: &[CurvePoint], place: impl Fn(f64, f64) -> Pos2, at: Pos2) -> Option<CurvePoint> {
    let far = |point: &CurvePoint| place(point.x, point.y).distance_sq(at);
    let best = points.iter().min_by(|a, b| far(a).total_cmp(&far(b)))?;
    (far(best) <= REACH * REACH).then_some(*best)
}

/// A share in whole percent.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
