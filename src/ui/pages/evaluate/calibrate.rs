//! The offer to calibrate the active model, and its progress.

use egui::{Label, Ui, vec2};

use super::scene::EvaluateScene;
use crate::{
    engine::InspectionRequest,
    ui::{
        Action, Frame, UiCommand,
        pages::{command_button::command_button, promised_rate::calibration_progress},
        theme,
    },
};

/// Draws the button that calibrates the active model, or the progress of the calibration.
pub(crate) fn ui(ui: &mut Ui, scene: &EvaluateScene, frame: &mut Frame<'_>) {
    let Some(facts) = scene.model() else { return };
    if let Some(progress) = scene.calibrating {
        calibration_progress(ui, progress, frame);
    } else if facts.calibration(&scene.knobs).is_none() {
        let button = egui::Button::new("Calibrate").min_size(vec2(0.0, theme::CONTROL));
        let tip = "Inspects the model's held-out healthy images with these settings, so that a false-alarm rate can be \
                   promised.";
        if ui.add(button).on_hover_text(tip).clicked() {
            frame.actions.push(Action::engine(InspectionRequest::Calibrate));
        }
    } else if scene.same_model() {
        ui.add(Label::new("The model is now calibrated. Test it again to use its threshold.").wrap());
        command_button(ui, UiCommand::EvaluateAgain, "Test again", frame);
    }
}
