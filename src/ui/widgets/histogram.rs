//! Histograms of weights and gradients over time, as a ridge plot.

use egui::{Align2, Mesh, Painter, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::{
    tensorboard::BucketHistogram,
    ui::{theme, theme::Palette},
};

/// Most ridges at a time, and least distance between two of them, points.
const MOST_RIDGES: usize = 24;
const LEAST_OFFSET: f32 = 4.0;
/// Share of the height that the highest ridge takes.
const RIDGE_SHARE: f32 = 0.45;

/// Redistributes the counts of `histogram` over `bins` bars of equal width between `low` and `high`. A bucket that spans
/// several bars is divided in proportion to the overlap.
pub(crate) fn rebin(histogram: &BucketHistogram, low: f64, high: f64, bins: usize) -> Vec<f64> {
    let mut bars = vec![0.0; bins];
    let width = (high - low) / bins.max(1) as f64;
    if !(width.is_finite() && width > 0.0) {
        return bars;
    }
    let mut left = f64::NEG_INFINITY;
    for (limit, count) in histogram.limits.iter().zip(&histogram.counts) {
        // The outermost buckets extend to infinity; their values do not.
        let (a, b) = (left.max(histogram.min).max(low), limit.min(histogram.max).min(high));
        left = *limit;
        if *count <= 0.0 {
            continue;
        }
        let bar = |x: f64| (((x - low) / width).floor().max(0.0) as usize).min(bins.saturating_sub(1));
        if b <= a {
            // A bucket of a single value, or one that touches the range at a point.
            if (low..=high).contains(&b)
                && let Some(bar) = bars.get_mut(bar(b))
            {
                *bar += count;
            }
            continue;
        }
        for i in bar(a)..=bar(b) {
            let (from, to) = (low + i as f64 * width, low + (i + 1) as f64 * width);
            let share = (b.min(to) - a.max(from)).max(0.0) / (b - a);
            if let Some(bar) = bars.get_mut(i) {
                *bar += count * share;
            }
        }
    }
    bars
}

/// The histogram of a tensor at one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistogramAt<'a> {
    /// The training step.
    pub step: u64,
    /// The histogram.
    pub values: &'a BucketHistogram,
}

/// Which of `count` histograms are drawn where `most` fit: evenly spaced, always with the newest one and with `kept`.
pub(crate) fn chosen(count: usize, most: usize, kept: Option<usize>) -> Vec<usize> {
    let Some(last) = count.checked_sub(1) else { return Vec::new() };
    let most = most.clamp(1, count);
    let spaced = |i: usize| if most == 1 { last } else { (i * last + (most - 1) / 2) / (most - 1) };
    let mut chosen: Vec<usize> = (0..most).map(spaced).chain(kept.filter(|i| *i < count)).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// A histogram as a ridge: a curve over its own base line.
#[derive(Clone, Debug, PartialEq)]
struct Ridge {
    base: f32,
    /// Points of the curve, from left to right.
    points: Vec<Pos2>,
}

impl Ridge {
    /// Height of the curve's point at `x`.
    fn top_at(&self, x: f32) -> f32 {
        let after = self.points.partition_point(|at| at.x < x);
        match (self.points.get(after.wrapping_sub(1)), self.points.get(after)) {
            (Some(a), Some(b)) => a.y + (b.y - a.y) * ((x - a.x) / (b.x - a.x).max(f32::EPSILON)).clamp(0.0, 1.0),
            (None, Some(at)) | (Some(at), None) => at.y,
            (None, None) => self.base,
        }
    }
}

/// Lays ridges out in `area`, back to front: the oldest at the top, the newest on the lower edge. All have one scale.
fn ridges(counts: &[Vec<f64>], area: Rect) -> Vec<Ridge> {
    let height = if counts.len() > 1 { RIDGE_SHARE * area.height() } else { area.height() };
    let offset = (area.height() - height) / counts.len().saturating_sub(1).max(1) as f32;
    let most = counts.iter().flatten().copied().fold(0.0, f64::max);
    let ridge = |(i, bars): (usize, &Vec<f64>)| {
        let base = area.bottom() - offset * (counts.len() - 1 - i) as f32;
        let width = area.width() / bars.len().max(1) as f32;
        let y = |count: f64| base - if most > 0.0 { (count / most) as f32 * height } else { 0.0 };
        let inner =
            bars.iter().enumerate().map(|(bar, count)| pos2(area.left() + (bar as f32 + 0.5) * width, y(*count)));
        let ends = (pos2(area.left(), base), pos2(area.right(), base));
        Ridge { base, points: [ends.0].into_iter().chain(inner).chain([ends.1]).collect() }
    };
    counts.iter().enumerate().map(ridge).collect()
}

/// The ridge under the pointer: the frontmost one that covers it, or else the one whose base line is nearest.
fn ridge_at(ridges: &[Ridge], at: Pos2) -> Option<usize> {
    let covering = (0..ridges.len()).rev().find(|i| (ridges[*i].top_at(at.x)..=ridges[*i].base).contains(&at.y));
    let away = |i: &usize| (ridges[*i].base - at.y).abs();
    covering.or_else(|| (0..ridges.len()).min_by(|a, b| away(a).total_cmp(&away(b))))
}

/// The range of all values, widened where they are alike.
fn range(histograms: &[HistogramAt<'_>]) -> (f64, f64) {
    let low = histograms.iter().map(|h| h.values.min).fold(f64::INFINITY, f64::min);
    let high = histograms.iter().map(|h| h.values.max).fold(f64::NEG_INFINITY, f64::max);
    if high > low {
        return (low, high);
    }
    let low = if low.is_finite() { low } else { 0.0 };
    let half = (low.abs() * 0.5).max(1e-6);
    (low - half, low + half)
}

/// Draws histograms over time, oldest first, as ridges over the rest of `ui`, with the range below. The one at the step
/// `held` is outlined.
pub(crate) fn ridge_plot(
    ui: &mut Ui,
    name: &str,
    histograms: &[HistogramAt<'_>],
    held: Option<u64>,
    colour: egui::Color32,
) {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let grouped = |step: u64| super::ticks::grouped(step as f64, 0);
    let (low, high) = range(histograms);
    let spoken = match histograms {
        [] => format!("No histogram of {name}"),
        [first, .., last] => {
            format!("Histograms of {name} from step {} to {}: ", grouped(first.step), grouped(last.step))
                + &format!("{} values from {} to {}", last.values.num, short(low), short(high))
        }
        [one] => {
            format!("Histogram of {name} at step {}: ", grouped(one.step))
                + &format!("{} values from {} to {}", one.values.num, short(low), short(high))
        }
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, spoken.clone()));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2.0, p.plot);
    let inner = rect.shrink2(vec2(theme::GAP_XS, 0.0)).with_max_y(rect.bottom() - theme::ROW_VALUE);
    let inner = inner.with_min_y(rect.top() + theme::GAP_XS);
    let bins = ((inner.width() / 5.0) as usize).clamp(8, 96);
    let kept = held.and_then(|step| histograms.iter().rposition(|h| h.step <= step));
    let most = ((inner.height() / LEAST_OFFSET) as usize).clamp(1, MOST_RIDGES);
    let shown: Vec<HistogramAt<'_>> = chosen(histograms.len(), most, kept).into_iter().map(|i| histograms[i]).collect();
    let counts: Vec<Vec<f64>> = shown.iter().map(|h| rebin(h.values, low, high, bins)).collect();
    let ridges = ridges(&counts, inner);
    let pointed = response.hover_pos().filter(|at| inner.contains(*at));
    let hovered = pointed.and_then(|at| ridge_at(&ridges, at));
    for (i, ridge) in ridges.iter().enumerate() {
        let age = if ridges.len() > 1 { i as f32 / (ridges.len() - 1) as f32 } else { 1.0 };
        paint_ridge(&painter, ridge, p.plot.lerp_to_gamma(colour, 0.25 + 0.75 * age), p.plot);
        let mark = if hovered == Some(i) {
            Some(p.text_strong)
        } else {
            kept.and_then(|kept| histograms.get(kept)).filter(|h| h.step == shown[i].step).map(|_| p.accent)
        };
        if let Some(colour) = mark {
            painter.line(ridge.points.clone(), Stroke::new(theme::CURVE, colour));
        }
    }
    axis_of_values(ui, &painter, (rect, inner), (low, high));
    if let (Some(at), Some(i)) = (pointed, hovered) {
        let bin = (((at.x - inner.left()) / inner.width() * bins as f32) as usize).min(bins - 1);
        let edge = |bin: usize| short(low + (high - low) * bin as f64 / bins as f64);
        let count = counts[i].get(bin).copied().unwrap_or(0.0);
        let text =
            format!("Step {}: about {count:.0} values from {} to {}", grouped(shown[i].step), edge(bin), edge(bin + 1));
        response.on_hover_text_at_pointer(text);
    }
}

/// Fills a ridge down to its base line, and separates it from those behind.
fn paint_ridge(painter: &Painter, ridge: &Ridge, fill: egui::Color32, edge: egui::Color32) {
    let mut mesh = Mesh::default();
    for (i, at) in ridge.points.iter().enumerate() {
        mesh.colored_vertex(*at, fill);
        mesh.colored_vertex(pos2(at.x, ridge.base), fill);
        if i > 0 {
            let v = 2 * i as u32;
            mesh.add_triangle(v - 2, v - 1, v);
            mesh.add_triangle(v - 1, v, v + 1);
        }
    }
    painter.add(mesh);
    painter.line(ridge.points.clone(), Stroke::new(theme::HAIRLINE, edge));
}

/// Draws the lower edge with the range of the values, and a line at 0.
fn axis_of_values(ui: &Ui, painter: &Painter, (rect, inner): (Rect, Rect), (low, high): (f64, f64)) {
    let p = Palette::of(ui);
    let font = theme::caption().resolve(ui.style());
    painter.hline(inner.x_range(), inner.bottom(), Stroke::new(theme::HAIRLINE, p.hairline));
    let y = rect.bottom() - 2.0;
    let text = |x: f32, align, v: f64| painter.text(pos2(x, y), align, short(v), font.clone(), p.text_weak);
    let left = text(inner.left(), Align2::LEFT_BOTTOM, low);
    let right = text(inner.right(), Align2::RIGHT_BOTTOM, high);
    if low < 0.0 && high > 0.0 {
        let zero = inner.left() + ((0.0 - low) / (high - low)) as f32 * inner.width();
        painter.vline(zero, inner.y_range(), Stroke::new(theme::HAIRLINE, p.text_weak.gamma_multiply(0.5)));
        if zero > left.right() + theme::GAP_S && zero < right.left() - theme::GAP_S {
            text(zero, Align2::CENTER_BOTTOM, 0.0);
        }
    }
}

/// Formats a value with three significant digits.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        a if !(1e-3..1e5).contains(&a) => format!("{value:.2e}"),
        a if a < 10.0 => format!("{value:.3}"),
        a if a < 100.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(limits: &[f64], counts: &[f64], min: f64, max: f64) -> BucketHistogram {
        BucketHistogram {
            min,
            max,
            num: counts.iter().sum(),
            sum: 0.0,
            sum_squares: 0.0,
            limits: limits.to_vec(),
            counts: counts.to_vec(),
        }
    }

    #[test]
    fn ridges_lie_back_to_front_on_one_scale() {
        let area = Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 60.0));
        let found = ridges(&[vec![1.0, 0.0], vec![4.0, 2.0], vec![0.0, 8.0]], area);
        // The oldest is behind, at the top; the newest stands on the lower edge.
        assert!(found.windows(2).all(|pair| pair[0].base < pair[1].base));
        assert_eq!(found[2].base, 60.0);
        let height = |ridge: &Ridge, point: usize| ridge.base - ridge.points[point].y;
        assert!((height(&found[2], 2) - RIDGE_SHARE * 60.0).abs() < 1e-3, "the largest count has the full height");
        assert!((height(&found[1], 1) - height(&found[2], 2) / 2.0).abs() < 1e-3, "half the count, half the height");
        assert!(found.iter().flat_map(|ridge| &ridge.points).all(|at| area.expand(1e-3).contains(*at)));
        assert_eq!(ridges(&[vec![3.0]], area)[0].points[1].y, 0.0, "a single one fills the plot");
        // The pointer meets the frontmost ridge that covers it, and else the nearest base line.
        assert_eq!(ridge_at(&found, pos2(75.0, 50.0)), Some(2));
        assert_eq!(ridge_at(&found, pos2(75.0, 1.0)), Some(0));
        assert_eq!(ridge_at(&[], pos2(0.0, 0.0)), None);
    }

    #[test]
    fn few_of_many_histograms_are_drawn_always_with_the_newest_and_the_held_one() {
        assert!(chosen(0, 5, None).is_empty());
        assert_eq!(chosen(3, 5, None), [0, 1, 2]);
        assert_eq!(chosen(101, 5, None), [0, 25, 50, 75, 100]);
        assert_eq!(chosen(101, 5, Some(33)), [0, 25, 33, 50, 75, 100]);
        assert_eq!(chosen(9, 1, None), [8]);
        for count in 1..60 {
            let some = chosen(count, 24, None);
            assert!(some.len() == count.min(24) && some.last() == Some(&(count - 1)), "{count}: {some:?}");
        }
    }

    #[test]
    fn no_value_is_lost_between_the_bars() {
        let h = histogram(&[-1.0, -0.1, 0.0, 0.3, f64::MAX], &[2.0, 10.0, 30.0, 7.0, 1.0], -1.5, 2.0);
        for bins in [1, 2, 7, 50] {
            let total: f64 = rebin(&h, -1.5, 2.0, bins).iter().sum();
            assert!((total - 50.0).abs() < 1e-9, "{bins}: {total}");
        }
    }

    #[test]
    fn a_bucket_is_shared_out_by_width() {
        let h = histogram(&[0.0, 4.0], &[0.0, 8.0], 0.0, 4.0);
        assert_eq!(rebin(&h, 0.0, 4.0, 4), [2.0, 2.0, 2.0, 2.0]);
    }

    #[test]
    fn values_that_are_all_alike_make_one_bar() {
        let h = histogram(&[0.5, f64::MAX], &[9.0, 0.0], 0.25, 0.25);
        let bars = rebin(&h, 0.0, 0.5, 5);
        assert_eq!(bars.iter().sum::<f64>(), 9.0);
        assert_eq!(bars.iter().filter(|b| **b > 0.0).count(), 1);
        assert_eq!(rebin(&h, 1.0, 1.0, 4), [0.0; 4]);
    }
}
