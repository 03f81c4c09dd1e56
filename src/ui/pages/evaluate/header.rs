//! The top of the page: title and buttons, and the progress of a test.

use egui::{Align, Label, Layout, Panel, ProgressBar, RichText, Ui, vec2};

use super::scene::EvaluateScene;
use crate::{
    engine::evaluation::EvaluationPhase,
    format::sentence,
    ui::{
        Frame, UiCommand,
        pages::{reasons, source_title},
        theme,
        theme::{Mark, NoticeMark, Palette, ProgressMark},
        widgets::{flush_right, ticks},
    },
};

/// Draws the progress of a test or report, or why the results need attention.
pub(crate) fn strip(ui: &mut Ui, scene: &EvaluateScene, frame: &mut Frame<'_>) {
    let status = &scene.status;
    let tested = status.evaluation.as_ref();
    let other = tested.is_some() && scene.model().is_some() && !scene.same_model();
    let p = Palette::of(ui);
    let fill = egui::Frame::new().fill(p.ground).inner_margin(theme::bar_margin());
    let draw = |ui: &mut Ui, content: &mut dyn FnMut(&mut Ui)| {
        Panel::top("evaluate-strip").frame(fill).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.set_height(theme::ROW);
                content(ui);
            });
        });
    };
    match (&status.phase, status.reporting) {
        (EvaluationPhase::Opening(done, total), _) => {
            draw(ui, &mut |ui| progress(ui, "Reading the test images", (*done, *total), None, frame));
        }
        (EvaluationPhase::Running, _) => draw(ui, &mut |ui| {
            let title = format!("Inspected {} of {} images", status.done, status.total);
            progress(ui, &title, (status.done, status.total), status.seconds_left, frame);
        }),
        (_, Some(drawn)) => draw(ui, &mut |ui| progress(ui, "Writing the report", drawn, None, frame)),
        (EvaluationPhase::Failed(text), _) => {
            draw(ui, &mut |ui| notice(ui, NoticeMark::Error, &sentence(text), "Try again", frame));
        }
        (EvaluationPhase::Stopped, _) => draw(ui, &mut |ui| {
            let text = match status.total {
                0 => "The test was stopped before it started.".to_owned(),
                total => format!("Stopped after {} of {total} images. The results so far are kept.", status.done),
            };
            notice(ui, ProgressMark::Paused, &text, "Resume", frame);
        }),
        (EvaluationPhase::Done, _) if other => draw(ui, &mut |ui| {
            let tested = tested.map(|e| e.header.model.name.clone()).unwrap_or_default();
            let text = format!("These results are for {tested}. The active model is {}.", scene.model_name());
            notice(ui, NoticeMark::Warning, &text, "Test the active model", frame);
        }),
        _ => {}
    }
}

/// Draws a title, a progress bar, the time left and a button that cancels.
fn progress(ui: &mut Ui, title: &str, (done, total): (usize, usize), seconds_left: Option<f64>, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    flush_right(ui, |ui| {
        let stop = UiCommand::EvaluateStop;
        let button = egui::Button::new("Cancel").min_size(vec2(0.0, theme::CONTROL));
        if ui.add(button).accessible_name(stop.title()).on_hover_text(stop.tooltip(ui.ctx())).clicked() {
            frame.command(stop);
        }
        let left = match (seconds_left, total) {
            (Some(seconds), _) => format!("{} left", ticks::span(seconds)),
            (None, _) => String::new(),
        };
        let layout = Layout::right_to_left(Align::Center);
        ui.allocate_ui_with_layout(vec2(theme::TIME_LEFT, theme::ROW), layout, |ui| {
            ui.set_min_width(theme::TIME_LEFT);
            ui.label(RichText::new(left).color(p.text));
        });
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let width = ui.available_width() * 0.4;
            ui.allocate_ui_with_layout(vec2(width, theme::ROW), Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(width);
                ui.add(Label::new(RichText::new(title).color(p.text_strong)).truncate());
            });
            let share = if total == 0 { 0.0 } else { done as f32 / total as f32 };
            ui.visuals_mut().extreme_bg_color = p.control;
            let bar = ProgressBar::new(share).desired_height(theme::GAP_S).fill(p.accent);
            ui.add(bar).accessible_name("Images done");
        });
    });
}

/// Draws a message with the button that repeats the test.
fn notice(ui: &mut Ui, mark: impl Into<Mark>, text: &str, action: &str, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    flush_right(ui, |ui| {
        let again = UiCommand::EvaluateAgain;
        let button = egui::Button::new(action).min_size(vec2(0.0, theme::CONTROL));
        let tooltip = again.tooltip(ui.ctx());
        let button = ui.add_enabled(again.enabled(frame.context), button);
        if button.on_hover_text(&tooltip).on_disabled_hover_text("Open a model first.").clicked() {
            frame.command(again);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            theme::mark_icon(ui, mark);
            ui.add(Label::new(RichText::new(text).color(p.text_strong)).truncate()).on_hover_text(text);
        });
    });
}

/// Draws the page's title, the test's model and data, and its main buttons.
pub(crate) fn head(ui: &mut Ui, scene: &EvaluateScene, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_height(theme::ROW);
        flush_right(ui, |ui| {
            let button = |ui: &mut Ui, title: &str, command: UiCommand, frame: &mut Frame<'_>| {
                let button = egui::Button::new(title).min_size(vec2(0.0, theme::ROW));
                let hint = reasons::hint(command, frame.context, ui.ctx());
                let response = ui.add_enabled(command.enabled(frame.context), button).accessible_name(command.title());
                if response.on_hover_text(&hint).on_disabled_hover_text(&hint).clicked() {
                    frame.command(command);
                }
            };
            if scene.evaluation().is_some() {
                button(ui, "Export report…", UiCommand::EvaluateReport, frame);
                button(ui, UiCommand::EvaluateOpen.title(), UiCommand::EvaluateOpen, frame);
                button(ui, "Open model…", UiCommand::InspectModel, frame);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.label(RichText::new("Evaluate").text_style(theme::section()).color(p.text_strong));
                let text = headline(scene);
                ui.add(Label::new(RichText::new(&text).color(p.text_weak)).truncate()).on_hover_text(text);
            });
        });
    });
}

/// Returns the model, data and number of images of the test in one line.
fn headline(scene: &EvaluateScene) -> String {
    let Some(evaluation) = &scene.status.evaluation else {
        return match scene.model() {
            Some(facts) => facts.name.clone(),
            None => "No model is open".to_owned(),
        };
    };
    let (healthy, defective) = evaluation.counts();
    format!(
        "{} · {} · {healthy} healthy, {defective} defective",
        evaluation.header.model.name,
        source_title(&evaluation.header.data)
    )
}
