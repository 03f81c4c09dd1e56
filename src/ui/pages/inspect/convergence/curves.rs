//! Curves of the convergence chart, computed from the step records.

use egui_plot::PlotPoint;
use serde::{Deserialize, Serialize};

use crate::{inspect::StepRecord, ui::theme::Palette};

/// Quantity shown in the chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ConvergenceChart {
    /// The loss of every restart.
    #[default]
    Loss,
    /// The terms of the loss.
    #[serde(rename = "parts")]
    Terms,
    /// The norm of z.
    #[serde(rename = "length")]
    Norm,
}

/// Colour role of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// A restart.
    Faint,
    /// The best of them.
    Strong,
    /// The residual.
    Generator,
    /// Feature matching.
    Features,
    /// Prior.
    Prior,
}

/// A curve over the steps.
#[derive(Debug)]
pub(crate) struct LossCurve {
    /// Name in the legend.
    pub name: String,
    /// Colour role.
    pub ink: Ink,
    /// Points in order of steps.
    pub points: Vec<PlotPoint>,
}

/// Returns the colour of a curve.
pub(crate) fn colour(p: &Palette, ink: Ink) -> egui::Color32 {
    match ink {
        Ink::Faint => p.faint(p.text),
        Ink::Strong => p.text_strong,
        Ink::Generator => p.g,
        Ink::Features => p.d,
        Ink::Prior => p.d_fake,
    }
}

/// Computes the curves of a chart, each with at most about two points per pixel column.
pub(crate) fn curves(records: &[StepRecord], chart: ConvergenceChart, log: bool, columns: usize) -> Vec<LossCurve> {
    let y = |v: f32| {
        let v = f64::from(v);
        let v = if log { v.log10() } else { v };
        v.is_finite().then_some(v)
    };
    let line = |name: &str, ink: Ink, value: &dyn Fn(&StepRecord) -> Option<f32>| {
        let all: Vec<PlotPoint> =
            records.iter().filter_map(|r| Some(PlotPoint::new(r.step as f64, y(value(r)?)?))).collect();
        LossCurve { name: name.to_owned(), ink, points: thinned(all, columns) }
    };
    match chart {
        ConvergenceChart::Loss => {
            let restarts = records.iter().map(|r| r.loss.len()).max().unwrap_or(0);
            let faint = (0..restarts).filter(|_| restarts > 1);
            let mut curves: Vec<LossCurve> =
                faint.map(|i| line(&format!("restart {}", i + 1), Ink::Faint, &|r| r.loss.get(i).copied())).collect();
            curves.push(line("best", Ink::Strong, &|r| r.loss.get(r.best).copied()));
            curves
        }
        ConvergenceChart::Terms => {
            let mut curves = vec![line("residual", Ink::Generator, &|r| Some(r.residual))];
            // A term without weight is 0 throughout and is left out.
            if records.iter().any(|r| r.feature != 0.0) {
                curves.push(line("feature", Ink::Features, &|r| Some(r.feature)));
            }
            if records.iter().any(|r| r.prior != 0.0) {
                curves.push(line("prior", Ink::Prior, &|r| Some(r.prior)));
            }
            curves
        }
        ConvergenceChart::Norm => vec![line("|z|", Ink::Strong, &|r| Some(r.z_norm))],
    }
}

/// Keeps the smallest and the largest point of each column, in order.
fn thinned(points: Vec<PlotPoint>, columns: usize) -> Vec<PlotPoint> {
    if points.len() <= 2 * columns {
        return points;
    }
    let mut out = Vec::with_capacity(2 * columns + 2);
    for chunk in points.chunks(points.len().div_ceil(columns)) {
        let least = chunk.iter().enumerate().min_by(|a, b| a.1.y.total_cmp(&b.1.y)).map(|(i, _)| i);
        let most = chunk.iter().enumerate().max_by(|a, b| a.1.y.total_cmp(&b.1.y)).map(|(i, _)| i);
        let (Some(a), Some(b)) = (least, most) else { continue };
        out.push(chunk[a.min(b)]);
        if a != b {
            out.push(chunk[a.max(b)]);
        }
    }
    out.extend(points.last().copied());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(step: usize, loss: &[f32], best: usize) -> StepRecord {
        StepRecord {
            step,
            loss: loss.to_vec(),
            best,
            residual: 0.5,
            feature: 0.0,
            prior: 0.0,
            z_norm: 1.0,
            seconds: 0.1,
        }
    }

    #[test]
    fn all_restarts_are_drawn_with_the_best_on_top() {
        let records = vec![record(0, &[3.0, 2.0], 1), record(1, &[1.0, f32::NAN], 0)];
        let curves = curves(&records, ConvergenceChart::Loss, false, 100);
        assert_eq!(curves.iter().map(|c| c.ink).collect::<Vec<_>>(), [Ink::Faint, Ink::Faint, Ink::Strong]);
        let ys: Vec<f64> = curves[2].points.iter().map(|p| p.y).collect();
        assert_eq!(ys, [2.0, 1.0]);
        assert_eq!(curves[1].points.len(), 1, "NaN is left out");
        assert_eq!(super::curves(&records, ConvergenceChart::Terms, false, 100).len(), 1);
        assert!(super::curves(&[], ConvergenceChart::Loss, true, 100).iter().all(|c| c.points.is_empty()));
    }

    #[test]
    fn thinning_keeps_the_extremes() {
        let mut points: Vec<PlotPoint> = (0..10_000).map(|i| PlotPoint::new(f64::from(i), 0.0)).collect();
        points[4_321].y = 9.0;
        points[8_765].y = -9.0;
        let thin = thinned(points, 100);
        assert!(thin.len() <= 203 && thin.iter().any(|p| p.y == 9.0) && thin.iter().any(|p| p.y == -9.0));
        assert!(thin.windows(2).all(|w| w[0].x <= w[1].x));
    }
}
