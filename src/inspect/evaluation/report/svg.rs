//! Plots as SVG; the page's style sheet sets their colours.

use std::fmt::Write;

use crate::{inspect::evaluation::CurvePoint, text::printable_lines};

/// Side of a curve's plot, SVG units.
const SIDE: f64 = 200.0;

/// Bars of a histogram.
const BARS: usize = 48;

/// Escapes text for HTML.
pub(super) fn text(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && c != '\n' => out.push(' '),
            // Marks that change the order of the text are written out.
            c => out.push_str(&printable_lines(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}

/// One curve of a plot, with its active operating point.
pub(super) struct PlotLine<'a> {
    pub points: &'a [CurvePoint],
    pub mark: Option<(f64, f64)>,
}

/// Plots curves over the unit square; the first is drawn solid, others dashed.
pub(super) fn curves(title: &str, axes: [&str; 2], lines: &[PlotLine<'_>], diagonal: bool) -> String {
    let (left, top, all) = (50.0, 8.0, SIDE);
    let (x, y) = (|v: f64| left + v * all, |v: f64| top + (1.0 - v) * all);
    let mut out = format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
        left + all + 12.0,
        top + all + 36.0,
        text(title)
    );
    for i in 0..=4 {
        let v = f64::from(i) / 4.0;
        let _ = write!(
            out,
            "<path class=\"grid\" d=\"M{0:.1} {1:.1}V{2:.1}M{3:.1} {4:.1}H{5:.1}\"/>",
            x(v),
            top,
            top + all,
            left,
            y(v),
            left + all
        );
        let _ = write!(out, "<text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{v}</text>", left - 5.0, y(v) + 3.5);
        let _ = write!(out, "<text class=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{v}</text>", x(v), top + all + 14.0);
    }
    if diagonal {
        let _ = write!(out, "<path class=\"grid\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>", x(0.0), y(0.0), x(1.0), y(1.0));
    }
    for (i, line) in lines.iter().enumerate().rev() {
        let mut d = String::new();
        for p in thinned(line.points) {
            let _ = write!(d, "{}{:.2} {:.2}", if d.is_empty() { "M" } else { "L" }, x(p.x), y(p.y));
        }
        let class = if i == 0 { "own" } else { "other" };
        let _ = write!(out, "<path class=\"line {class}\" d=\"{d}\"/>");
        if let Some((u, v)) = line.mark {
            let _ = write!(out, "<circle class=\"mark {class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"/>", x(u), y(v));
        }
    }
    let _ = write!(
        out,
        "<text class=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        x(0.5),
        top + all + 30.0,
        text(axes[0])
    );
    let _ = write!(
        out,
        "<text class=\"middle\" transform=\"translate(10 {:.1}) rotate(-90)\">{}</text></svg>",
        y(0.5),
        text(axes[1])
    );
    out
}

/// Drops points that are indistinguishable from the one before.
fn thinned(points: &[CurvePoint]) -> Vec<CurvePoint> {
    let mut kept: Vec<CurvePoint> = Vec::new();
    for (i, p) in points.iter().enumerate() {
        let near = |q: &CurvePoint| (p.x - q.x).abs() + (p.y - q.y).abs() < 2e-3;
        if i + 1 == points.len() || kept.last().is_none_or(|q| !near(q)) {
            kept.push(*p);
        }
    }
    kept
}

/// Plots a histogram with healthy values upwards, defective ones downwards, and the threshold across both.
pub(super) fn histogram(healthy: &[f64], defective: &[f64], threshold: Option<f64>, axis: &str) -> String {
    let all = || healthy.iter().chain(defective).copied().chain(threshold).filter(|v| v.is_finite());
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return String::new();
    }
    let span = if high > low { high - low } else { 1.0 };
    let count = |values: &[f64]| {
        let mut bars = [0_usize; BARS];
        for v in values.iter().filter(|v| v.is_finite()) {
            bars[(((v - low) / span * BARS as f64) as usize).min(BARS - 1)] += 1;
        }
        bars
    };
    let (up, down) = (count(healthy), count(defective));
    let tallest = up.iter().chain(&down).copied().max().unwrap_or(1).max(1) as f64;
    let (left, width, middle, reach) = (12.0, 720.0, 110.0, 90.0);
    let mut out = format!(
        "<svg viewBox=\"0 0 {} 250\" role=\"img\" aria-label=\"Scores of healthy images upwards, of defective ones downwards\">",
        left + width + 12.0
    );
    let step = width / BARS as f64;
    for i in 0..BARS {
        let (x, w) = (left + i as f64 * step, step - 1.5);
        let (a, b) = (up[i] as f64 / tallest * reach, down[i] as f64 / tallest * reach);
        if up[i] > 0 {
            let _ = write!(
                out,
                "<rect class=\"healthy\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{w:.1}\" height=\"{a:.1}\"><title>{} healthy</title></rect>",
                middle - a,
                up[i]
            );
        }
        if down[i] > 0 {
            let _ = write!(
                out,
                "<rect class=\"defective\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{w:.1}\" height=\"{b:.1}\"><title>{} defective</title></rect>",
                middle + 1.0,
                down[i]
            );
        }
    }
    let _ = write!(out, "<path class=\"axis\" d=\"M{left} {middle}H{}\"/>", left + width);
    let _ = write!(out, "<text x=\"{left}\" y=\"14\">healthy</text><text x=\"{left}\" y=\"206\">defective</text>");
    if let Some(t) = threshold.filter(|t| t.is_finite()) {
        let x = left + (t - low) / span * width;
        let (class, shift) = if x > left + width / 2.0 { ("end", -5.0) } else { ("start", 5.0) };
        let _ = write!(out, "<path class=\"threshold\" d=\"M{x:.1} 6V212\"/>");
        let _ = write!(out, "<text class=\"{class}\" x=\"{:.1}\" y=\"26\">flagged above {t:.4}</text>", x + shift);
    }
    for (v, class) in [(low, "start"), (low + span / 2.0, "middle"), (low + span, "end")] {
        let x = left + (v - low) / span * width;
        let _ = write!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"228\">{v:.4}</text>");
    }
    let _ = write!(out, "<text class=\"middle\" x=\"{:.1}\" y=\"244\">{}</text></svg>", left + width / 2.0, text(axis));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(text("<script>\"a\" & b\u{7}"), "&lt;script&gt;&quot;a&quot; &amp; b ");
    }

    #[test]
    fn every_image_is_in_a_bar() {
        let svg = histogram(&[0.1, 0.1, 0.2], &[0.3, f64::NAN], Some(0.25), "a & b");
        assert_eq!((svg.matches("<rect").count(), svg.matches("2 healthy").count()), (3, 1));
        assert!(svg.contains("flagged above 0.2500") && svg.contains("a &amp; b") && svg.contains("0.3000"));
        assert_eq!(histogram(&[], &[], None, ""), "");
        assert!(histogram(&[1.0], &[], None, "").contains("<rect"));
    }

    #[test]
    fn curves_are_thinned_and_keep_their_ends() {
        let points: Vec<CurvePoint> =
            (0..=100_000).map(|i| f64::from(i) / 1e5).map(|v| CurvePoint { threshold: 0.0, x: v, y: v }).collect();
        let kept = thinned(&points);
        assert!(kept.len() < 1_100 && kept[0].x == 0.0 && kept[kept.len() - 1].x == 1.0);
        let lines = [PlotLine { points: &points, mark: Some((0.5, 0.5)) }, PlotLine { points: &points, mark: None }];
        let svg = curves("t", ["x", "y"], &lines, true);
        assert!(svg.contains("class=\"line own\"") && svg.contains("class=\"line other\"") && svg.contains("<circle"));
    }
}
