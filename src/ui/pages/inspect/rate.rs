//! The promised false-alarm rate, and the calibration it is based on.

use egui::{Label, Ui, vec2};

use super::scene::InspectScene;
use crate::{
    engine::InspectionRequest,
    format::sentence,
    inspect::{Calibration, InvertKnobs, calibration::promise_grounds},
    ui::{
        Action, Frame,
        pages::promised_rate::{calibration_progress, rate_sentence},
        theme,
        theme::{NoticeMark, Palette},
        widgets::rows::marked_text,
    },
};

/// Draws the section; `knobs` are those for the next inspection.
pub(super) fn ui(ui: &mut Ui, scene: &InspectScene, knobs: &InvertKnobs, frame: &mut Frame<'_>) {
    if scene.model().is_none() {
        return;
    }
    crate::ui::pages::section(ui, "Promised rate");
    let calibration = scene.calibration_for(knobs);
    if let Some(progress) = scene.status.calibrating {
        calibration_progress(ui, progress, frame);
    } else if calibration.is_none() {
        let has_verdict = scene.entry().is_some_and(|entry| entry.assessment().is_some());
        not_calibrated(ui, has_verdict, frame);
    }
    if let Some(calibration) = calibration {
        promise(ui, scene, calibration, frame);
    }
    if let Some(refused) = &scene.status.rate_refused {
        marked_text(ui, NoticeMark::Warning, sentence(refused));
    }
}

fn request(frame: &mut Frame<'_>, request: InspectionRequest) {
    frame.actions.push(Action::engine(request));
}

/// Offers to calibrate; beside a verdict, which another calibration gave, the text is about the next inspection.
fn not_calibrated(ui: &mut Ui, has_verdict: bool, frame: &mut Frame<'_>) {
    let text = match has_verdict {
        true => "The settings have changed; the next inspection has no verdict until you calibrate for them.",
        false => "This model is not calibrated for these settings.",
    };
    marked_text(ui, NoticeMark::Warning, text);
    let button = egui::Button::new("Calibrate").min_size(vec2(0.0, theme::CONTROL));
    let tip = "Inspects the model's held-out healthy images with these settings. Verdicts need this.";
    if ui.add(button).on_hover_text(tip).clicked() {
        request(frame, InspectionRequest::Calibrate);
    }
}

/// Draws the rate as an editable sentence, and the number of images it is based on.
fn promise(ui: &mut Ui, scene: &InspectScene, calibration: &Calibration, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let rate = scene.status.rate.unwrap_or_else(|| calibration.default_rate());
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = theme::GAP_XS;
        // A drag is sent once, when it ends.
        let id = ui.scope_id().with("rate");
        let pending = ui.data(|d| d.get_temp::<f64>(id));
        let mut alarms = pending.unwrap_or(rate * 1000.0);
        let edit = rate_sentence(ui, &mut alarms, 1.0, "False alarms in 1,000 healthy parts");
        if edit.dragged() {
            ui.data_mut(|d| d.insert_temp(id, alarms));
        } else if edit.changed() || pending.is_some() {
            ui.data_mut(|d| d.remove::<f64>(id));
            frame.actions.push(Action::Promise((alarms / 1000.0).clamp(1e-6, 0.5)));
        }
        edit.on_hover_text("The promised false-alarm rate. Verdicts follow it at once, with undo.");
    });
    let text = promise_grounds(calibration.held_out.len(), rate);
    ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    if scene.entry().and_then(|e| e.size).is_some_and(|size| !calibration.suits(size)) {
        let sizes = calibration.size_range();
        let text = format!("They are {sizes}. This image is not, so the promised rate may not hold for it.");
        marked_text(ui, NoticeMark::Warning, text);
    }
}
