//! What a tile shows: its curves, its view, and the lines made from them.

use egui::Color32;
use egui_plot::{LineStyle, PlotPoint};
use serde::{Deserialize, Serialize};

use super::feed::Feed;
use crate::{
    train::history::Metric,
    ui::{
        XAxis, theme,
        theme::Palette,
        widgets::{
            series::{Extent, bulk, column_rows, decimate},
            ticks,
        },
    },
};

/// The tiles there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurveChart {
    /// D's losses and G's.
    Loss,
    /// How often D is right, and how often G deceives it.
    Accuracy,
    /// Gradient norms.
    Gradients,
    /// How varied the samples are.
    Diversity,
    /// Images a second.
    Speed,
    /// Noise and dropout in force.
    Schedule,
    /// The critic's losses, by its own steps.
    Critic,
}

impl CurveChart {
    /// All tiles, in their first order.
    pub const ALL: [Self; 7] =
        [Self::Loss, Self::Accuracy, Self::Gradients, Self::Diversity, Self::Speed, Self::Schedule, Self::Critic];

    /// Heading.
    pub fn title(self) -> &'static str {
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

    /// What the tile shows, for its tooltip.
    pub fn help(self) -> &'static str {
        match self {
            Self::Loss => {
                "Cross-entropy of D on real and on generated crops, and the non-saturating loss of G, in nats. \
                 A D that can only guess loses 0.69 (ln 2) on each side."
            }
            Self::Accuracy => {
                "How often D is right about real and about generated crops, and how often G deceives it. \
                 At 50 % D can only guess: the equilibrium that training aims at."
            }
            Self::Gradients => "L2 norm of the gradient of G and of D.",
            Self::Diversity => {
                "Mean pairwise distance of the samples over that of real crops. At 1 they are as varied as life; \
                 near 0 G has collapsed."
            }
            Self::Speed => "Real crops that training consumes in a second.",
            Self::Schedule => "Noise on what D sees (standard deviation) and dropout in D, as they decay.",
            Self::Critic => {
                "Cross-entropy of the critic, by steps of its own, which follow the last one of the GAN. Trained: on \
                 the forged crops that it learns from. Held-out: on images the critic is not trained on. Where \
                 held-out rises while trained falls, it learns its images by heart."
            }
        }
    }

    /// The curves, each with its short name.
    pub fn metrics(self) -> &'static [(Metric, &'static str)] {
        match self {
            Self::Loss => &[(Metric::DLossReal, "D real"), (Metric::DLossFake, "D fake"), (Metric::GLoss, "G")],
            Self::Accuracy => {
                &[(Metric::DAccuracyReal, "real"), (Metric::DAccuracyFake, "fake"), (Metric::GSuccess, "G")]
            }
            Self::Gradients => &[(Metric::GradNormG, "G"), (Metric::GradNormD, "D")],
            Self::Diversity => &[(Metric::Diversity, "samples / real")],
            Self::Speed => &[(Metric::ImagesPerSecond, "images/s")],
            Self::Schedule => &[(Metric::Noise, "noise"), (Metric::Dropout, "dropout")],
            Self::Critic => &[(Metric::CriticLoss, "trained"), (Metric::CriticHeldOut, "held-out")],
        }
    }

    /// Whether a logarithmic axis is offered for it.
    fn can_be_log(self) -> bool {
        matches!(self, Self::Loss | Self::Gradients | Self::Critic)
    }

    /// What stands in its place while there is nothing to draw.
    pub fn empty(self) -> &'static str {
        if self == Self::Critic { "Trained after the GAN" } else { "No step yet" }
    }

    /// What its fitted view holds in any case.
    fn least_view(self) -> Extent {
        let max = match self {
            Self::Accuracy | Self::Diversity | Self::Speed => 1.0,
            Self::Schedule => 0.1,
            Self::Loss | Self::Gradients | Self::Critic => return Extent::NOTHING,
        };
        Extent { min: 0.0, max, least_positive: max }
    }
}

/// What the tiles have in common.
pub struct Shared<'a> {
    /// The run in hand.
    pub feed: &'a Feed,
    /// Other runs: name, colour and curves.
    pub overlays: &'a [(&'a str, Color32, &'a Feed)],
    /// What the horizontal axis counts.
    pub axis: XAxis,
    /// Losses and gradients have a logarithmic axis.
    pub log: bool,
    /// The smoothed line differs from the raw one.
    pub smoothed: bool,
    /// The horizontal view; `None` fits the whole run.
    pub view_x: &'a mut Option<(f64, f64)>,
    /// Curves that were switched off.
    pub hidden: &'a mut Vec<Metric>,
    /// The cursor's place on the horizontal axis; a tile under the pointer sets it.
    pub cursor: &'a mut Option<f64>,
    /// The place of the sample grid on show.
    pub grid: Option<f64>,
}

impl Shared<'_> {
    /// Whether this tile's vertical axis is logarithmic.
    pub fn log(&self, chart: CurveChart) -> bool {
        self.log && chart.can_be_log()
    }

    /// The horizontal view in force.
    pub fn span(&self) -> (f64, f64) {
        let fitted = || {
            let feeds = self.overlays.iter().map(|o| o.2).chain([self.feed]);
            let spans = feeds.filter_map(|f| f.span(self.axis));
            spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 1.0))
        };
        let (low, high) = self.view_x.unwrap_or_else(fitted);
        if high - low > 1e-9 { (low, high) } else { (low - 0.5, low + 0.5) }
    }

    /// Whether a curve was switched off.
    pub fn is_hidden(&self, metric: Metric) -> bool {
        self.hidden.contains(&metric)
    }
}

/// The vertical view of a tile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ViewY {
    /// Fits the smoothed curves and the bulk of the raw ones.
    #[default]
    Bulk,
    /// Fits every value.
    Everything,
    /// As the user has set it, in the axis's own numbers.
    Fixed(f64, f64),
}

/// What the lines of a tile were made for; they are made anew when it changes.
#[derive(Clone, Debug, Default, PartialEq)]
struct LinesKey {
    feeds: Vec<((u64, u64), Option<Color32>)>,
    axis: XAxis,
    log: bool,
    smoothed: bool,
    hidden: Vec<Metric>,
    view: [u64; 2],
    columns: usize,
}

/// One line, ready to draw.
#[derive(Debug)]
pub struct Drawn {
    pub(super) name: String,
    metric: Metric,
    /// The raw values behind the smoothed ones.
    faint: bool,
    /// The colour of another run, in place of the metric's own.
    run: Option<Color32>,
    pub(super) width: f32,
    pub(super) style: LineStyle,
    pub(super) points: Vec<PlotPoint>,
}

impl Drawn {
    /// Its colour in this theme.
    pub fn colour(&self, p: &Palette) -> Color32 {
        let colour = self.run.unwrap_or_else(|| p.series(self.metric));
        if self.faint { p.faint(colour) } else { colour }
    }
}

/// One tile's own state.
#[derive(Debug)]
pub struct ChartState {
    pub(super) view_y: ViewY,
    key: LinesKey,
    pub(super) lines: Vec<Drawn>,
    /// Extent of the smoothed lines and the bulk of the raw ones, and of everything.
    reach: (Extent, Extent),
    /// The vertical view that the points outside were counted for, and how many they are.
    outside: ([u64; 2], usize),
}

impl Default for ChartState {
    fn default() -> Self {
        Self {
            view_y: ViewY::Bulk,
            key: LinesKey::default(),
            lines: Vec::new(),
            reach: (Extent::NOTHING, Extent::NOTHING),
            outside: ([0; 2], 0),
        }
    }
}

impl ChartState {
    /// Fits the vertical view to the curves.
    pub fn fit(&mut self) {
        self.view_y = ViewY::Bulk;
    }

    /// Makes the lines anew when data, view or settings have changed.
    pub fn prepare(&mut self, chart: CurveChart, shared: &Shared<'_>, span: (f64, f64), columns: usize) {
        let log = shared.log(chart);
        let others = shared.overlays.iter().map(|(name, colour, feed)| (*name, Some(*colour), *feed));
        let feeds = others.chain([("", None, shared.feed)]);
        let key = LinesKey {
            feeds: feeds.clone().map(|(_, colour, feed)| (feed.version(), colour)).collect(),
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
        self.reach = (Extent::NOTHING, Extent::NOTHING);
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
            for (i, (metric, short)) in metrics.iter().enumerate() {
                let Some(curve) = feed.curve(*metric) else { continue };
                let indices = curve.indices(&(first..last));
                if run.is_none() && shared.smoothed {
                    raw.push(Drawn {
                        name: format!("{short}, raw"),
                        metric: *metric,
                        faint: true,
                        run,
                        width: theme::CURVE_FAINT,
                        style: LineStyle::Solid,
                        points: to_points(decimate(curve, curve.raw(), &bounds, x, y)),
                    });
                }
                smooth.push(Drawn {
                    name: if name.is_empty() { (*short).to_owned() } else { format!("{name}: {short}") },
                    metric: *metric,
                    faint: false,
                    run,
                    width: if run.is_some() { theme::CURVE_FAINT } else { theme::CURVE },
                    style: overlay_style(run.is_some(), i),
                    points: to_points(decimate(curve, curve.smooth(), &bounds, x, y)),
                });
                let whole = curve.raw().extent(indices.clone());
                self.reach.1.merge(whole);
                if shared.smoothed {
                    self.reach.0.merge(curve.smooth().extent(indices.clone()));
                }
                if let Some((min, max)) = curve.raw().values().get(indices).and_then(|v| bulk(v, 0.01)) {
                    let least_positive = if min > 0.0 { min } else { whole.least_positive };
                    self.reach.0.merge(Extent { min, max, least_positive });
                }
            }
            self.lines.append(&mut raw);
            self.lines.append(&mut smooth);
        }
    }

    /// The vertical view in force, in the axis's own numbers.
    pub fn span_y(&self, chart: CurveChart, log: bool) -> (f64, f64) {
        let mut extent = match self.view_y {
            ViewY::Fixed(low, high) => return (low, high),
            ViewY::Bulk => self.reach.0,
            ViewY::Everything => self.reach.1,
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

    /// How many values lie above or below the vertical view, among those within the horizontal one.
    pub fn count_outside(&mut self, view: ((f64, f64), (f64, f64)), chart: CurveChart, shared: &Shared<'_>) -> usize {
        let (x, (low, high)) = view;
        let key = [low.to_bits(), high.to_bits()];
        if self.outside.0 != key {
            let value = |y: f64| (if shared.log(chart) { 10_f64.powf(y) } else { y }) as f32;
            let (low, high) = (value(low), value(high));
            let rows = shared.feed.rows(shared.axis, x);
            let shown = chart.metrics().iter().filter(|(m, _)| !shared.is_hidden(*m));
            let curves = shown.filter_map(|(m, _)| shared.feed.curve(*m));
            let outside = curves.map(|c| c.raw().count_outside(c.indices(&rows), low, high)).sum();
            self.outside = (key, outside);
        }
        self.outside.1
    }
}

/// Another run's lines are told apart by their dashes, since their colour tells the run.
fn overlay_style(overlay: bool, i: usize) -> LineStyle {
    match (overlay, i) {
        (false, _) => LineStyle::Solid,
        (true, 0) => LineStyle::Dashed { length: 8.0 },
        (true, 1) => LineStyle::Dashed { length: 4.0 },
        (true, _) => LineStyle::Dotted { spacing: 4.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_but_the_step_time_has_its_place() {
        for metric in Metric::ALL {
            let places = CurveChart::ALL.iter().filter(|c| c.metrics().iter().any(|(m, _)| *m == metric)).count();
            assert_eq!(places, usize::from(metric != Metric::MsPerStep), "{metric:?}");
        }
    }

    #[test]
    fn an_outlier_does_not_flatten_the_curve_but_can_be_shown() {
        let mut history = crate::train::history::History::default();
        for step in 0..1000 {
            let mut row = [f32::NAN; Metric::ALL.len()];
            row[Metric::GLoss as usize] = if step == 500 { 1e6 } else { 1.0 + (step % 7) as f32 * 0.1 };
            history.push(step, step as f64, &row);
        }
        let mut feed = Feed::new(0.0);
        feed.take(&history);
        let (mut view_x, mut hidden, mut cursor) = (None, Vec::new(), None);
        let shared = Shared {
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
