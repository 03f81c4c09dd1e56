//! Axes, tick labels and grid lines shared by all plots.

use egui::Ui;
use egui_plot::{AxisHints, GridMark};

use super::ticks::{Scale, ticks};
use crate::ui::{theme, theme::Palette};

/// Sets the font, colour and labels of an axis with at most about `most` labelled ticks.
pub(crate) fn axis(ui: &Ui, hints: AxisHints<'static>, scale: Scale, most: usize) -> AxisHints<'static> {
    hints
        .tick_label_font(theme::caption().resolve(ui.style()))
        .tick_label_color(Palette::of(ui).text_weak)
        .label_spacing(egui::Rangef::new(1.0, 2.0))
        .formatter(move |mark, range| tick_label(scale, mark.value, *range.start(), *range.end(), most))
}

/// Returns the grid lines at the ticks of an axis, all equally strong.
pub(crate) fn grid_marks(scale: Scale, (low, high): (f64, f64), most: usize) -> Vec<GridMark> {
    let step_size = high - low;
    ticks(scale, low, high, most).into_iter().map(|t| GridMark { value: t.place, step_size }).collect()
}

/// Returns the label of the tick at `value`; empty where there is none.
pub(crate) fn tick_label(scale: Scale, value: f64, low: f64, high: f64, most: usize) -> String {
    let ticks = ticks(scale, low, high, most);
    ticks.into_iter().find(|t| (t.place - value).abs() <= (high - low) * 1e-6).map(|t| t.label).unwrap_or_default()
}
