//! Histograms of weights and gradients.

use egui::{Align2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::{
    tensorboard::BucketHistogram,
    ui::{theme, theme::Palette},
};

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

/// Draws the bars over the rest of `ui`, with the range below.
pub(crate) fn bars(ui: &mut Ui, name: &str, histogram: &BucketHistogram, colour: egui::Color32) {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let spoken = format!(
        "Histogram of {name}: {} values from {} to {}",
        histogram.num,
        short(histogram.min),
        short(histogram.max)
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, spoken.clone()));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2.0, p.plot);
    let font = theme::caption().resolve(ui.style());
    let inner = rect.shrink2(vec2(theme::GAP_XS, 0.0)).with_max_y(rect.bottom() - theme::ROW_VALUE);
    let inner = inner.with_min_y(rect.top() + theme::GAP_XS);
    let (mut low, mut high) = (histogram.min, histogram.max);
    if high <= low {
        let half = (low.abs() * 0.5).max(1e-6);
        (low, high) = (low - half, high + half);
    }
    let bins = ((inner.width() / 5.0) as usize).clamp(8, 96);
    let counts = rebin(histogram, low, high, bins);
    let most = counts.iter().copied().fold(0.0, f64::max);
    let x = |v: f64| inner.left() + ((v - low) / (high - low)) as f32 * inner.width();
    if most > 0.0 {
        let width = inner.width() / bins as f32;
        for (i, count) in counts.iter().enumerate() {
            let height = (count / most) as f32 * inner.height();
            let left = inner.left() + i as f32 * width;
            let bar = Rect::from_min_max(pos2(left, inner.bottom() - height), pos2(left + width - 1.0, inner.bottom()));
            painter.rect_filled(bar, 0.0, colour);
        }
    }
    painter.hline(inner.x_range(), inner.bottom(), Stroke::new(theme::HAIRLINE, p.hairline));
    let y = rect.bottom() - 2.0;
    let text = |x: f32, align, v: f64| painter.text(pos2(x, y), align, short(v), font.clone(), p.text_weak);
    let left = text(inner.left(), Align2::LEFT_BOTTOM, low);
    let right = text(inner.right(), Align2::RIGHT_BOTTOM, high);
    if low < 0.0 && high > 0.0 {
        painter.vline(x(0.0), inner.y_range(), Stroke::new(theme::HAIRLINE, p.text_weak.gamma_multiply(0.5)));
        if x(0.0) > left.right() + theme::GAP_S && x(0.0) < right.left() - theme::GAP_S {
            text(x(0.0), Align2::CENTER_BOTTOM, 0.0);
        }
    }
    if let Some(at) = response.hover_pos().filter(|at| inner.x_range().contains(at.x)) {
        let i = (((at.x - inner.left()) / inner.width() * bins as f32) as usize).min(bins - 1);
        let from = low + (high - low) * i as f64 / bins as f64;
        let to = low + (high - low) * (i + 1) as f64 / bins as f64;
        let count = counts.get(i).copied().unwrap_or(0.0);
        response.on_hover_text_at_pointer(format!("About {count:.0} values from {} to {}", short(from), short(to)));
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
