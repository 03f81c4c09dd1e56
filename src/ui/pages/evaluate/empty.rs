//! What the workspace says while there is no test to show.

use std::str::FromStr;

use egui::{Align, Label, Layout, Rect, RichText, Ui, UiBuilder, vec2};

use super::{Scene, panel};
use crate::{
    data::DataSource,
    engine,
    engine::{
        InspectionRequest,
        inspection::{ModelSource, ModelState},
    },
    format::sentence,
    ui::{
        Action, Frame, UiCommand,
        pages::source_title,
        theme,
        theme::{Palette, StatusMark},
    },
};

/// The surface of the built-in model.
const SURFACE: &str = "surface:turned";

/// Draws the page; `last` is what was tested with last.
pub fn ui(ui: &mut Ui, scene: &Scene, last: Option<&str>, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let room = ui.available_rect_before_wrap();
    let width = (room.width() - 2.0 * theme::GAP_XL).clamp(0.0, theme::TEXT_MAX);
    let column = Rect::from_center_size(room.center(), vec2(width, (room.height() * 0.8).min(theme::EMPTY_COLUMN)));
    ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
        let title = RichText::new("What would it miss?").text_style(theme::verdict()).color(p.text_strong);
        ui.label(title);
        let text = "Test a model on parts whose truth is known, healthy and defective ones that it never saw. Every image \
                    is inspected; then you see what it catches and misses, how sure that is, and what fewer false \
                    alarms would cost.";
        ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
        ui.add_space(theme::GAP_S);
        model_line(ui, scene);
        panel::calibrate(ui, scene, frame);
        ui.add_space(theme::GAP_M);
        let model = scene.model().is_some();
        if !model {
            let open = UiCommand::InspectModel;
            let text = "A .ganspect file; a run makes one when it has done its steps.";
            if choice(ui, open.title(), text, true, "Chooses the model that is tested") {
                frame.command(open);
            }
        }
        let open = UiCommand::EvaluateOpen;
        let text = "Folders of healthy and defective images, MVTec AD, DAGM, Magnetic-Tile, or a CSV list. What the model \
                    has seen does not count.";
        if choice_if(ui, model, open.title(), text, model, &open.tooltip(ui.ctx())) {
            frame.command(open);
        }
        if let Some(last) = last.filter(|_| model)
            && let Ok(source) = DataSource::from_str(last)
        {
            let text = source_title(last);
            if choice(ui, "Same images as last time", &text, false, "Tests the model in force on them") {
                frame.actions.push(Action::Evaluate(Some(source)));
            }
        }
        let text = "Those beside the images that it was trained on; a built-in surface is drawn anew, with masks.";
        let help = "Tests the model in force on its own data's test images";
        if model && choice(ui, "Its own test images", text, false, help) {
            frame.actions.push(Action::Evaluate(None));
        }
        if !model {
            let text = "The small model that comes with the program, on 150 drawn images of turned metal.";
            if choice(ui, "Try it on the built-in model", text, false, "Puts the built-in model in force and tests it")
            {
                frame.actions.push(Action::Engine(engine::Command::Inspect(InspectionRequest::Model(ModelSource::BuiltIn))));
                frame.actions.push(Action::Evaluate(DataSource::from_str(SURFACE).ok()));
            }
        }
    });
}

/// Which model would be tested.
fn model_line(ui: &mut Ui, scene: &Scene) {
    let p = Palette::of(ui);
    let (state, text) = match &scene.state {
        ModelState::None => (StatusMark::Unknown, "No model is in force yet.".to_owned()),
        ModelState::Loading(name) => (StatusMark::Unknown, format!("Loading {name}.")),
        ModelState::Failed(text) => (StatusMark::Defective, sentence(text)),
        ModelState::Ready(facts) => match facts.calibration(&scene.knobs) {
            Some(calibration) => {
                let n = calibration.held_out.len();
                let text = format!("{} would be tested; it is calibrated on {n} held-out healthy images.", facts.name);
                (StatusMark::Healthy, text)
            }
            None => {
                let text = "is not calibrated for the settings in force, so the test would promise nothing. \
                            Calibrate it first.";
                (StatusMark::Suspect, format!("{} {text}", facts.name))
            }
        },
    };
    ui.horizontal_top(|ui| {
        theme::state_icon(ui, state);
        ui.add(Label::new(RichText::new(text).color(p.text_strong)).wrap().selectable(true));
    });
}

fn choice(ui: &mut Ui, title: &str, text: &str, primary: bool, tooltip: &str) -> bool {
    choice_if(ui, true, title, text, primary, tooltip)
}

/// One thing to do: a button, and what it is about beside it.
fn choice_if(ui: &mut Ui, enabled: bool, title: &str, text: &str, primary: bool, tooltip: &str) -> bool {
    let p = Palette::of(ui);
    let mut clicked = false;
    ui.horizontal(|ui| {
        let size = vec2(theme::CHOICE_BUTTON, theme::ROW);
        let button = if primary { theme::primary_button(&p, title) } else { egui::Button::new(title) };
        let response = ui.add_enabled_ui(enabled, |ui| ui.add_sized(size, button)).inner;
        clicked = response.on_hover_text(tooltip).on_disabled_hover_text("Open a model first.").clicked();
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
        });
    });
    ui.add_space(theme::GAP_S);
    clicked
}
