//! The page before any test has been run.

use std::str::FromStr;

use egui::{Label, RichText, Ui};

use super::{calibrate, scene::EvaluateScene};
use crate::{
    data::DataSource,
    engine::{
        InspectionRequest,
        inspection::{ModelSource, ModelState},
    },
    format::sentence,
    ui::{
        Action, Frame, UiCommand,
        pages::source_title,
        theme,
        theme::{FileMark, Mark, NoticeMark, Palette, ProgressMark},
        widgets::{
            empty_column,
            rows::{described_button, marked_text},
        },
    },
};

/// The surface of the built-in model.
const SURFACE: &str = "surface:turned";

/// Draws the page; `last` is the previous test set.
pub(crate) fn ui(ui: &mut Ui, scene: &EvaluateScene, last: Option<&str>, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    empty_column(ui, "evaluate-empty", theme::EMPTY_COLUMN, |ui| {
        let title = RichText::new("How good is the model?").text_style(theme::verdict()).color(p.text_strong);
        ui.label(title);
        let text = "Test a model on labelled images, healthy and defective, that it was not trained on. Every image \
                    is inspected; the results show what the model catches and misses, with confidence intervals, and \
                    what fewer false alarms would cost.";
        ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
        ui.add_space(theme::GAP_S);
        model_line(ui, scene);
        calibrate::ui(ui, scene, frame);
        ui.add_space(theme::GAP_M);
        choices(ui, scene.model().is_some(), last, frame);
    });
}

/// The ways to start a test; without a `model`, one has to be opened first.
fn choices(ui: &mut Ui, model: bool, last: Option<&str>, frame: &mut Frame<'_>) {
    if !model {
        let open = UiCommand::InspectModel;
        let text = "A .ganspect file, built at the end of a training run.";
        if choice(ui, open.title(), text, true, "Opens the model to test") {
            frame.command(open);
        }
    }
    let open = UiCommand::EvaluateOpen;
    let text = "Folders of healthy and defective images, MVTec AD, DAGM, Magnetic-Tile, or a CSV list. Training images \
                are excluded.";
    let button = described_button(ui, model, model, open.title(), text).on_hover_text(open.tooltip(ui.ctx()));
    if button.on_disabled_hover_text("Open a model first.").clicked() {
        frame.command(open);
    }
    if let Some(last) = last.filter(|_| model)
        && let Ok(source) = DataSource::from_str(last)
    {
        let text = source_title(last);
        if choice(ui, "Same images as last time", &text, false, "Tests the active model on these images") {
            frame.actions.push(Action::Evaluate(Some(source)));
        }
    }
    let text = "The data set's test split; for a built-in surface, new images with masks.";
    if model && choice(ui, "Its test set", text, false, "Tests the active model on the test split of its own data set")
    {
        frame.actions.push(Action::Evaluate(None));
    }
    if !model {
        let text = "The small model that comes with the program, on 150 synthetic images of turned metal.";
        if choice(ui, "Try the built-in model", text, false, "Opens the built-in model and tests it") {
            frame.actions.push(Action::engine(InspectionRequest::OpenModel(ModelSource::BuiltIn)));
            frame.actions.push(Action::Evaluate(DataSource::from_str(SURFACE).ok()));
        }
    }
}

/// Shows the active model and whether it is calibrated.
fn model_line(ui: &mut Ui, scene: &EvaluateScene) {
    let p = Palette::of(ui);
    let (mark, text): (Mark, String) = match &scene.state {
        ModelState::None => (FileMark::Closed.into(), "No model is open yet.".to_owned()),
        ModelState::Loading(name) => (ProgressMark::Preparing.into(), format!("Loading {name}.")),
        ModelState::Failed(text) => (NoticeMark::Error.into(), sentence(text)),
        ModelState::Ready(facts) => match facts.calibration(&scene.knobs) {
            Some(calibration) => {
                let n = calibration.held_out.len();
                let text = format!("{} is active, calibrated on {n} held-out healthy images.", facts.name);
                (FileMark::Open.into(), text)
            }
            None => {
                let text = "is not calibrated for the current settings, so no false-alarm rate can be promised. \
                            Calibrate it first.";
                (NoticeMark::Warning.into(), format!("{} {text}", facts.name))
            }
        },
    };
    marked_text(ui, mark, RichText::new(text).color(p.text_strong));
}

/// Draws a button with its description beside it; returns whether it was clicked.
fn choice(ui: &mut Ui, title: &str, text: &str, primary: bool, tooltip: &str) -> bool {
    described_button(ui, true, primary, title, text).on_hover_text(tooltip).clicked()
}
