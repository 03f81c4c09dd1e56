//! Controls of the promised false-alarm rate shared by the Inspect and Evaluate pages.

use egui::{DragValue, ProgressBar, Response, Ui, vec2};

use crate::{
    engine::InspectionRequest,
    inspect::calibration::in_thousand,
    ui::{Action, Frame, theme, theme::Palette, widgets::typed_number::TypedNumber},
};

/// Most false alarms in 1,000 healthy parts that can be promised.
const MOST_ALARMS: f64 = 500.0;

/// Draws the progress of a calibration (images done and in total), with a button to cancel it.
pub(super) fn calibration_progress(ui: &mut Ui, (done, total): (usize, usize), frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    // The total is unknown while the folder is being read.
    ui.label(match total {
        0 => "Calibrating, reading the held-out images".to_owned(),
        _ => format!("Calibrating, {done} of {total} held-out images"),
    });
    let share = if total == 0 { 0.0 } else { done as f32 / total as f32 };
    ui.add(ProgressBar::new(share).desired_height(theme::GAP_S).fill(p.accent)).accessible_name("Calibration");
    if ui.button("Cancel").on_hover_text("Cancels the calibration without a result").clicked() {
        frame.actions.push(Action::engine(InspectionRequest::CancelCalibration));
    }
}

/// Draws the rate as a sentence with a number field for the false alarms in 1,000 healthy parts, and returns the field.
pub(super) fn rate_sentence(ui: &mut Ui, alarms: &mut f64, minimum: f64, name: &str) -> Response {
    let before = *alarms;
    let typed = TypedNumber::new(before, alarms_figure(before));
    let field = ui.horizontal(|ui| {
        ui.label("At most");
        let field = DragValue::new(alarms)
            .range(minimum..=MOST_ALARMS)
            .speed(1.0)
            .custom_formatter(|value, _| alarms_figure(value))
            .custom_parser(|text| typed.read(text))
            .update_while_editing(false)
            .min_size(vec2(theme::FIGURE_COLUMN, theme::CONTROL));
        let field = ui.name_inputs(name, |ui| ui.add(field));
        ui.label("false alarms");
        field
    });
    ui.label("in 1,000 healthy parts.");
    let response = field.inner;
    typed.ui(ui, response.id, (minimum, MOST_ALARMS), (*alarms, before), alarms_figure);
    response
}

/// Formats a rate in words.
pub(in crate::ui) fn alarms(rate: f64) -> String {
    format!("at most {} false alarms in 1,000", in_thousand(rate))
}

/// Formats a number of false alarms in 1,000.
fn alarms_figure(alarms: f64) -> String {
    format!("{}", (alarms * 10.0).round() / 10.0)
}
