//! Convergence of z: loss by step, and a scrubber that replays the reconstructions.

mod curves;
mod playback;
mod player;
mod plot;
mod values;

use std::time::Duration;

pub(crate) use curves::{ConvergenceChart, Ink, colour, curves};
use egui::{Ui, UiBuilder};
use playback::Playback;
use plot::{ConvergencePlot, PlotRequest};
use serde::{Deserialize, Serialize};

use crate::{
    engine::inspection::{QueryEntry, QueryState, QueryView},
    inspect::KeptFrame,
    ui::{Frame, theme},
};

/// Longest interval between repaints of a running inspection.
const REPAINT: Duration = Duration::from_millis(50);
/// Speeds of the player.
const SPEEDS: [f32; 5] = [0.5, 1.0, 2.0, 4.0, 8.0];
/// Width of the values beside the curves.
const VALUES: f32 = 132.0;

/// Settings of the strip kept in the settings file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ConvergenceLayout {
    chart: ConvergenceChart,
    log: bool,
    speed: f32,
    /// Whether the chart is shown; `None` shows it where the images leave room for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
}

impl Default for ConvergenceLayout {
    fn default() -> Self {
        Self { chart: ConvergenceChart::Loss, log: false, speed: 1.0, open: None }
    }
}

/// State of player and chart.
#[derive(Debug, Default)]
pub(crate) struct Convergence {
    layout: ConvergenceLayout,
    playback: Playback,
    plot: ConvergencePlot,
    /// Whether the chart is shown.
    shown: bool,
}

impl Convergence {
    /// Restores the settings of the strip.
    pub(crate) fn new(mut layout: ConvergenceLayout) -> Self {
        if !SPEEDS.contains(&layout.speed) {
            layout.speed = 1.0;
        }
        Self { layout, ..Self::default() }
    }

    /// Returns the settings to store.
    pub(crate) fn layout(&self) -> &ConvergenceLayout {
        &self.layout
    }

    /// Follows the newest reconstruction.
    pub(crate) fn follow(&mut self) {
        self.playback.follow();
    }

    /// Returns the reconstruction on screen.
    pub(crate) fn shown<'a>(&self, frames: &'a [KeptFrame]) -> Option<&'a KeptFrame> {
        self.playback.shown(frames)
    }

    /// Moves by this number of reconstructions.
    pub(crate) fn step(&mut self, frames: &[KeptFrame], by: isize) {
        self.playback.step(frames, by);
    }

    /// Plays from the reconstruction on screen, or from the first if that is the last; stops if it is playing.
    pub(crate) fn play(&mut self, frames: &[KeptFrame]) {
        self.playback.play(frames);
    }

    /// Shows the reconstruction that is due while playing.
    pub(crate) fn advance(&mut self, ui: &Ui, frames: &[KeptFrame]) {
        self.playback.advance(ui, frames, self.layout.speed);
    }

    /// Returns the height of the strip below images that share this height with it; the chart yields to the images.
    pub(crate) fn height(&mut self, area: f32) -> f32 {
        let full = (area * theme::CONVERGENCE_SHARE).max(theme::CONVERGENCE);
        self.shown = self.layout.open.unwrap_or(area - full >= theme::PICTURES_LEAST) && area >= 2.0 * full;
        if self.shown { full } else { theme::ROW + theme::GAP_L }
    }

    /// Draws player, chart and values over the rest of `ui`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, entry: &QueryEntry, view: &QueryView, frame: &mut Frame<'_>) {
        if matches!(entry.state, QueryState::Running) {
            // The progress must be visible even where software rendering repaints rarely.
            ui.ctx().request_repaint_after(REPAINT);
        }
        let going = !entry.state.is_over();
        self.player(ui, view, frame, going);
        if ui.available_height() < theme::ROW * 2.0 {
            return;
        }
        let area = ui.available_rect_before_wrap();
        let (left, values) = area.split_left_right_at_x(area.right() - VALUES);
        let shown = self.shown(&view.frames).map(|kept| kept.step);
        let request = PlotRequest {
            view,
            chart: self.layout.chart,
            log: self.layout.log,
            // The axis stays fixed while the curve grows.
            steps: if going { entry.steps } else { 0 },
            shown,
        };
        let target = ui.scope_builder(UiBuilder::new().max_rect(left), |ui| self.plot.ui(ui, request)).inner;
        if let Some(step) = target.filter(|_| !view.frames.is_empty()) {
            let index = view.frames.partition_point(|f| f.step < step).min(view.frames.len() - 1);
            self.playback.seek(&view.frames, index);
        }
        let build = UiBuilder::new().max_rect(values.with_min_x(values.left() + theme::GAP_M));
        // The values are those of the reconstruction on show, also while it follows the newest.
        let shown = self.shown(&view.frames).map(|kept| kept.step);
        ui.scope_builder(build, |ui| values::ui(ui, entry, view, shown));
        ui.advance_cursor_after_rect(area);
    }
}
