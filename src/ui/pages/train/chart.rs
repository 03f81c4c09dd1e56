//! The charts of the Train page: their curves, their view, and the lines prepared for drawing.

use egui::Color32;
use egui_plot::{LineStyle, PlotPoint};
use serde::{Deserialize, Serialize};

use super::{feed::Feed, overlaid::run_style};
use crate::{
    train::Metric,
    ui::{
        XAxis, theme,
        theme::Palette,
        widgets::{
            series::{Extent, bulk, column_rows, decimate},
            ticks,
        },
    },
};

/// A chart of the Train page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CurveChart {
    /// Losses of D and G.
    Loss,
    /// Accuracy of D, and the rate at which G fools it.
    Accuracy,
    /// Gradient norms.
    Gradients,
    /// Diversity of the samples.
    Diversity,
    /// Images per second.
    Speed,
    /// Current noise and dropout.
    Schedule,
    /// Losses of the critic, by its own steps.
    Critic,
}

impl CurveChart {
    /// All charts, in their default order.
    pub(crate) const ALL: [Self; 7] =
        [Self::Loss, Self::Accuracy, Self::Gradients, Self::Diversity, Self::Speed, Self::Schedule, Self::Critic];

    /// Heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Accuracy => "D accuracy",
            Self::Gradients => "Gradient norms",
            Self::Diversity => "Sample diversity",
            Self::Speed => "Speed, images/s",
            Self::Schedule => "Schedule",
            Self::Critic => "Critic loss",
        }
    }

    /// Explanation for the tooltip.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Loss => {
                "Cross-entropy of D on real and on generated crops, and the non-saturating loss of G, in nats. \
                 At chance level, D has a loss of 0.69 (ln 2) on both."
            }
            Self::Accuracy => {
                "Accuracy of D on real and on generated crops, and the share of generated crops that fool D (G). \
                 50 % is chance level, the equilibrium that training aims at."
            }
            Self::Gradients => "L2 norm of the gradient of G and of D.",
            Self::Diversity => {
                "Mean pairwise distance of the samples, relative to real crops. At 1 they are as diverse as real \
                 crops; near 0 G has collapsed."
            }
            Self::Speed => "Real crops processed per second of training.",
            Self::Schedule => "Noise on the input of D (standard deviation) and dropout in D, with their decay.",
            Self::Critic => {
                "Cross-entropy of the critic by its own steps, which follow those of the GAN. Training: on crops with \
                 synthetic defects. Held-out: on images that the critic is not trained on. Held-out loss that rises \
                 while training loss falls means overfitting."
            }
        }
    }

    /// The metrics of the chart, each with its short name.
    pub(crate) fn metrics(self) -> &'static [(Metric, &'static str)] {
        match self {
            Self::Loss => &[(Metric::DLossReal, "D real"), (Metric::DLossFake, "D fake"), (Metric::GLoss, "G")],
            Self::Accuracy => {
                &[(Metric::DAccuracyReal, "real"), (Metric::DAccuracyFake, "fake"), (Metric::GSuccess, "G")]
            }
            Self::Gradients => &[(Metric::GradNormG, "G"), (Metric::GradNormD, "D")],
            Self::Diversity => &[(Metric::Diversity, "samples / real")],
            Self::Speed => &[(Metric::ImagesPerSecond, "images/s")],
            Self::Schedule => &[(Metric::Noise, "noise"), (Metric::Dropout, "dropout")],
            Self::Critic => &[(Metric::CriticLoss, "training"), (Metric::CriticHeldOut, "held-out")],
        }
    }

    /// Whether the chart has a logarithmic axis on demand.
    fn can_be_log(self) -> bool {
        matches!(self, Self::Loss | Self::Gradients | Self::Critic)
    }

    /// Text shown while there is nothing to draw.
    pub(crate) fn empty(self) -> &'static str {
        if self == Self::Critic { "Trained after the GAN" } else { "No steps yet" }
    }

    /// The range that its fitted view always includes.
    fn least_view(self) -> Extent {
        let max = match self {
            Self::Accuracy | Self::Diversity | Self::Speed => 1.0,
            Self::Schedule => 0.1,
            Self::Loss | Self::Gradients | Self::Critic => return Extent::NOTHING,
        };
        Extent { min: 0.0, max, least_positive: max }
    }
}

/// The data and settings shared by all charts with the same steps.
pub(crate) struct ChartContext<'a> {
    /// The current run.
    pub feed: &'a Feed,
    /// Other runs: name, dash pattern and curves.
    pub overlays: &'a [(&'a str, usize, &'a Feed)],
    /// Unit of the horizontal axis.
    pub axis: XAxis,
    /// Use a logarithmic axis for losses and gradients.
    pub log: bool,
    /// Smoothing is on.
    pub smoothed: bool,
    /// The horizontal view; `None` fits the whole run.
    pub view_x: &'a mut Option<(f64, f64)>,
    /// Hidden curves.
    pub hidden: &'a mut Vec<Metric>,
    /// The cursor's position on the horizontal axis, set by the chart under the pointer.
    pub cursor: &'a mut Option<f64>,
    /// The position of the displayed sample grid.
    pub grid: Option<f64>,
}

impl ChartContext<'_> {
    /// Whether this chart's vertical axis is logarithmic.
    pub(crate) fn log(&self, chart: CurveChart) -> bool {
        self.log && chart.can_be_log()
    }

    /// Returns the current horizontal view.
    pub(crate) fn span(&self) -> (f64, f64) {
        let fitted = || {
            let feeds = self.overlays.iter().map(|o| o.2).chain([self.feed]);
            let spans = feeds.filter_map(|f| f.span(self.axis));
            spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 1.0))
        };
        let (low, high) = self.view_x.unwrap_or_else(fitted);
        if high - low > 1e-9 { (low, high) } else { (low - 0.5, low + 0.5) }
    }

    /// Whether a curve is hidden.
    pub(crate) fn is_hidden(&self, metric: Metric) -> bool {
        self.hidden.contains(&metric)
    }
}

/// The vertical view of a chart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum ViewY {
    /// Fits the smoothed curves and the bulk of the raw ones.
    #[default]
    Bulk,
    /// Fits every value.
    Everything,
    /// Set by the user, in axis coordinates.
    Fixed(f64, f64),
}

/// The inputs of a chart's lines, which are prepared again when it changes.
#[derive(Clone, Debug, Default, PartialEq)]
struct LinesKey {
    feeds: Vec<((u64, u64), Option<usize>)>,
    axis: XAxis,
    log: bool,
    smoothed: bool,
    hidden: Vec<Metric>,
    view: [u64; 2],
    columns: usize,
}

/// A line, ready to draw.
#[derive(Debug)]
pub(crate) struct ChartLine {
    pub(super) name: String,
    metric: Metric,
    /// A raw curve behind the smoothed one.
    faint: bool,
    pub(super) width: f32,
    pub(super) style: LineStyle,
    pub(super) points: Vec<PlotPoint>,
}

impl ChartLine {
    /// Returns its colour in this theme.
    pub(crate) fn colour(&self, p: &Palette) -> Color32 {
        let colour = p.series(self.metric);
        if self.faint { p.faint(colour) } else { colour }
    }
}

/// The state of one chart.
#[derive(Debug)]
pub(crate) struct ChartState {
    pub(super) view_y: ViewY,
    key: LinesKey,
    pub(super) lines: Vec<ChartLine>,
    /// Extent of the smoothed lines and the bulk of the raw ones, and of everything.
    extents: (Extent, Extent),
    /// A vertical view, and the number of points outside it.
    outside: ([u64; 2], usize),
}

impl Default for ChartState {
    fn default() -> Self {
        Self {
            view_y: ViewY::Bulk,
            key: LinesKey::default(),
            lines: Vec::new(),
            extents: (Extent::NOTHING, Extent::NOTHING),
            outside: ([0; 2], 0),
        }
    }
}

impl ChartState {
    /// Fits the vertical view to the curves.
    pub(crate) fn fit(&mut self) {
        self.view_y = ViewY::Bulk;
    }

    /// Prepares the lines again when data, view or settings have changed.
    pub(crate) fn prepare(&mut self, chart: CurveChart, shared: &ChartContext<'_>, span: (f64, f64), columns: usize) {
        let log = shared.log(chart);
        let others = shared.overlays.iter().map(|(name, dash, feed)| (*name, Some(*dash), *feed));
        let feeds = others.chain([("", None, shared.feed)]);
        let key = LinesKey {
            feeds: feeds.clone().map(|(_, dash, feed)| (feed.version(), dash)).collect(),
            axis: shared.axis,
            log,
            smoothed: shared.smoothed,
            hidden: shared.hidden.clone(),
            view: [span.0.to_bits(), span.1.to_bits()],
            columns,
        };
        if key == self.key {
            return;
        }
        if key.log != self.key.log && matches!(self.view_y, ViewY::Fixed(..)) {
            self.view_y = ViewY::Bulk;
        }
        self.key = key;
        self.outside.0 = [0; 2];
        self.lines.clear();
        self.extents = (Extent::NOTHING, Extent::NOTHING);
        let y = |v: f32| if log { (v > 0.0).then(|| f64::from(v).log10()) } else { Some(f64::from(v)) };
        let metrics: Vec<_> = chart.metrics().iter().filter(|(m, _)| !shared.is_hidden(*m)).collect();
        for (name, run, feed) in feeds {
            let x = |row: usize| feed.x(shared.axis, row);
            let rows = feed.rows(shared.axis, span);
            let bounds = column_rows(rows, x, span, columns);
            let (first, last) = (bounds.first().copied().unwrap_or(0), bounds.last().copied().unwrap_or(0));
            let to_points = |points: Vec<[f64; 2]>| points.into_iter().map(PlotPoint::from).collect();
            let mut raw = Vec::new();
            let mut smooth = Vec::new();
            for (metric, short) in &metrics {
                let Some(curve) = feed.curve(*metric) else { continue };
                let indices = curve.indices(&(first..last));
                if run.is_none() && shared.smoothed {
                    raw.push(ChartLine {
                        name: format!("{short}, raw"),
                        metric: *metric,
                        faint: true,
                        width: theme::CURVE_FAINT,
                        style: LineStyle::Solid,
                        points: to_points(decimate(curve, curve.raw(), &bounds, x, y)),
                    });
                }
                smooth.push(ChartLine {
                    name: if name.is_empty() { (*short).to_owned() } else { format!("{name}: {short}") },
                    metric: *metric,
                    faint: false,
                    width: if run.is_some() { theme::CURVE_FAINT } else { theme::CURVE },
                    style: run_style(run),
                    points: to_points(decimate(curve, curve.smooth(), &bounds, x, y)),
                });
                let extent = curve.raw().extent(indices.clone());
                self.extents.1.merge(extent);
                if shared.smoothed {
                    self.extents.0.merge(curve.smooth().extent(indices.clone()));
                }
                if let Some((min, max)) = curve.raw().values().get(indices).and_then(|v| bulk(v, 0.01)) {
                    let least_positive = if min > 0.0 { min } else { extent.least_positive };
                    self.extents.0.merge(Extent { min, max, least_positive });
                }
            }
            self.lines.append(&mut raw);
            self.lines.append(&mut smooth);
        }
    }

    /// Returns the current vertical view, in axis coordinates.
    pub(crate) fn span_y(&self, chart: CurveChart, log: bool) -> (f64, f64) {
        let mut extent = match self.view_y {
            ViewY::Fixed(low, high) => return (low, high),
            ViewY::Bulk => self.extents.0,
            ViewY::Everything => self.extents.1,
        };
        extent.merge(chart.least_view());
        let (low, high) = if log {
            (f64::from(extent.least_positive).log10(), f64::from(extent.max).log10())
        } else {
            (f64::from(extent.min), f64::from(extent.max))
        };
        if !(low.is_finite() && high.is_finite() && low <= high) {
            return if log { (-1.0, 1.0) } else { (0.0, 1.0) };
        }
        let (low, high) = if high - low < 1e-9 {
            let half = if log { 0.5 } else { (high.abs() * 0.1).max(1e-6) };
            (low - half, high + half)
        } else {
            ticks::rounded(low, high)
        };
        let margin = (high - low) * 0.03;
        (low - margin, high + margin)
    }

    /// Counts the values above or below the vertical view, among those within the horizontal one.
    pub(crate) fn count_outside(
        &mut self,
        view: ((f64, f64), (f64, f64)),
        chart: CurveChart,
        shared: &ChartContext<'_>,
    ) -> usize {
        let (x, (low, high)) = view;
        let key = [low.to_bits(), high.to_bits()];
        if self.outside.0 != key {
            let value = |y: f64| (if shared.log(chart) { 10_f64.powf(y) } else { y }) as f32;
            let (low, high) = (value(low), value(high));
            let rows = shared.feed.rows(shared.axis, x);
            let visible = chart.metrics().iter().filter(|(m, _)| !shared.is_hidden(*m));
            let curves = visible.filter_map(|(m, _)| shared.feed.curve(*m));
            let outside = curves.map(|c| c.raw().count_outside(c.indices(&rows), low, high)).sum();
            self.outside = (key, outside);
        }
        self.outside.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_but_the_step_time_has_its_place() {
        for metric in Metric::ALL {
            let charts = CurveChart::ALL.iter().filter(|c| c.metrics().iter().any(|(m, _)| *m == metric)).count();
            assert_eq!(charts, usize::from(metric != Metric::MsPerStep), "{metric:?}");
        }
    }

    #[test]
    fn a_series_keeps_its_hue_and_the_dashes_name_the_run() {
        let mut history = crate::train::History::default();
        for step in 0..20 {
            history.push(step, step as f64, &[1.0; Metric::ALL.len()]);
        }
        let mut feed = Feed::new(0.0);
        feed.take(&history);
        let (mut view_x, mut hidden, mut cursor) = (None, Vec::new(), None);
        let shared = ChartContext {
            feed: &feed,
            overlays: &[("first", 0, &feed), ("second", 1, &feed)],
            axis: XAxis::Step,
            log: false,
            smoothed: false,
            view_x: &mut view_x,
            hidden: &mut hidden,
            cursor: &mut cursor,
            grid: None,
        };
        let mut state = ChartState::default();
        state.prepare(CurveChart::Loss, &shared, shared.span(), 300);
        let p = Palette::new(true);
        for (metric, short) in CurveChart::Loss.metrics() {
            let lines: Vec<&ChartLine> = state.lines.iter().filter(|l| l.name.ends_with(short)).collect();
            assert_eq!(lines.len(), 3, "{short}");
            assert!(lines.iter().all(|line| line.colour(&p) == p.series(*metric)), "{short}");
        }
        for (name, run) in [("first", Some(0)), ("second", Some(1))] {
            let of_run: Vec<&ChartLine> = state.lines.iter().filter(|line| line.name.starts_with(name)).collect();
            assert!(of_run.len() == 3 && of_run.iter().all(|line| line.style == run_style(run)), "{name}");
        }
        assert_eq!(state.lines.iter().filter(|line| line.style == LineStyle::Solid).count(), 3);
    }

    #[test]
    fn an_outlier_does_not_flatten_the_curve_but_can_be_shown() {
        let mut history = crate::train::History::default();
        for step in 0..1000 {
            let mut row = [f32::NAN; Metric::ALL.len()];
            row[Metric::GLoss as usize] = if step == 500 { 1e6 } else { 1.0 + (step % 7) as f32 * 0.1 };
            history.push(step, step as f64, &row);
        }
        let mut feed = Feed::new(0.0);
        feed.take(&history);
        let (mut view_x, mut hidden, mut cursor) = (None, Vec::new(), None);
        let shared = ChartContext {
            feed: &feed,
            overlays: &[],
            axis: XAxis::Step,
            log: false,
            smoothed: false,
            view_x: &mut view_x,
            hidden: &mut hidden,
            cursor: &mut cursor,
            grid: None,
        };
        let mut state = ChartState::default();
        state.prepare(CurveChart::Loss, &shared, shared.span(), 300);
        let (low, high) = state.span_y(CurveChart::Loss, false);
        assert!(low < 1.0 && high > 1.6 && high < 3.0, "{low} to {high}");
        state.view_y = ViewY::Everything;
        assert!(state.span_y(CurveChart::Loss, false).1 > 1e6);
    }
}
