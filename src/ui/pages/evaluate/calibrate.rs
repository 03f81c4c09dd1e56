//! The offer to calibrate the active model, and its progress.

use egui::{Label, ProgressBar, Ui, vec2};

use super::scene::EvaluateScene;
use crate::{
    engine::InspectionRequest,
    ui::{Action, Frame, UiCommand, theme, theme::Palette},
};

/// Draws the button that calibrates the active model, or the progress of the calibration.
pub(crate) fn ui(ui: &mut Ui, scene: &EvaluateScene, frame: &mut Frame<'_>) {
    let Some(facts) = scene.model() else { return };
    let ask = |inspect| Action::engine(inspect);
    let p = Palette::of(ui);
    if let Some((done, total)) = scene.calibrating {
        ui.label(match total {
            0 => "Calibrating, reading the held-out images".to_owned(),
            _ => format!("Calibrating, {done} of {total} held-out images"),
        });
        let share = if total == 0 { 0.0 } else { done as f32 / total as f32 };
        ui.add(ProgressBar::new(share).desired_height(theme::GAP_S).fill(p.accent)).accessible_name("Calibration");
        if ui.button("Cancel").on_hover_text("Cancels the calibration").clicked() {
            frame.actions.push(ask(InspectionRequest::CancelCalibration));
        }
    } else if facts.calibration(&scene.knobs).is_none() {
        let button = egui::Button::new("Calibrate").min_size(vec2(0.0, theme::CONTROL));
        let tip = "Inspects the model's held-out healthy images with these settings, so that a false-alarm rate can be \
                   promised.";
        if ui.add(button).on_hover_text(tip).clicked() {
            frame.actions.push(ask(InspectionRequest::Calibrate));
        }
    } else if scene.same_model() {
        let again = UiCommand::EvaluateAgain;
        ui.add(Label::new("The model is now calibrated. Test it again to use its threshold.").wrap());
        let button = egui::Button::new("Test again").min_size(vec2(0.0, theme::CONTROL));
        if ui.add_enabled(again.enabled(frame.context), button).on_hover_text(again.tooltip(ui.ctx())).clicked() {
            frame.command(again);
        }
    }
}
