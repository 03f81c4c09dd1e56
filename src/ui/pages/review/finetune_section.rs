//! Fine-tuning on verdicts: available labels, progress, and comparison of the two models.

use egui::{Grid, Label, ProgressBar, RichText, Ui, vec2};

use super::{scene::ReviewScene, section::PanelSection};
use crate::{
    engine::{
        finetune::{FinetunePhase, FinetuneResult, FinetuneStatus},
        inspection::ModelState,
    },
    format::counted,
    review::{Comparison, ComparisonOutcome, LabelSummary},
    text::PrintablePath,
    time::span,
    ui::{
        Action, Frame, ReviewSettings, UiCommand,
        pages::{command_button::command_button, reasons},
        theme,
        theme::{ComparisonMark, NoticeMark, Palette, ProgressMark},
        widgets::{flush_right, rows::marked_text},
    },
};

/// The fine-tuning section.
pub(super) struct FinetuneSection;

impl PanelSection for FinetuneSection {
    fn title(&self) -> &'static str {
        "Fine-tuning"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>) {
        let status = frame.engine.finetune.status.read().clone();
        if status.phase.is_active() {
            progress(ui, &status, frame);
        } else if frame.context.finetune.pending
            && let Some(result) = &status.result
        {
            decide(ui, result, frame);
        } else {
            if let FinetunePhase::Failed(text) = &status.phase {
                marked_text(ui, NoticeMark::Error, text);
            }
            if let (FinetunePhase::Stopped, Some(text)) = (&status.phase, &status.cancelled) {
                marked_text(ui, ProgressMark::Paused, text);
            }
            offer(ui, scene, frame);
        }
        if frame.context.finetune.revertible {
            let named = frame.context.finetune.named;
            command_button(ui, UiCommand::FinetuneRevert, UiCommand::FinetuneRevert.title(), frame);
            ask_for_name(ui, named);
        }
    }
}

/// Draws the number of labels and the button to start.
fn offer(ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let ModelState::Ready(_) = &scene.model else {
        ui.add(Label::new(theme::weak_caption(&p, "Open a model to fine-tune it on verdicts.")).wrap());
        return;
    };
    let labels = scene.snapshot.labels;
    ui.add(Label::new(RichText::new(news(&labels)).color(p.text)).wrap().selectable(true));
    if labels.can_train {
        let LabelSummary { train, calibrate, compare, .. } = labels;
        let text = format!(
            "In total {} for training, {calibrate} for calibration and {compare} for comparing both models. A part \
             stays in its split.",
            counted(train, "part")
        );
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
    if labels.unsettled > 0 {
        let waiting = counted(labels.unsettled, "part");
        let text = format!("Left out until two reviewers agree or a third decides: {waiting}.");
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
    let mut generator = scene.settings.finetune_generator;
    let help =
        "Otherwise only the critic, its normal statistics and the calibration are updated, which takes less time.";
    if ui.checkbox(&mut generator, "Fine-tune the generator too").on_hover_text(help).changed() {
        let settings = ReviewSettings { finetune_generator: generator, ..scene.settings.clone() };
        frame.actions.push(Action::Review(Box::new(settings)));
    }
    let command = UiCommand::FinetuneBegin;
    let title = format!("Fine-tune on {}", counted(labels.parts, "verdict"));
    let primary = command.enabled(frame.context) && labels.new_healthy > 0;
    let look = match primary {
        true => theme::primary_button(&p, title),
        false => egui::Button::new(title).min_size(vec2(0.0, theme::ROW)),
    };
    let response = ui.add_enabled(command.enabled(frame.context), look).on_hover_text(command.tooltip(ui.ctx()));
    if response.on_disabled_hover_text(reasons::disabled(command, frame.context, ui.ctx())).clicked() {
        frame.command(command);
    }
}

/// Describes the verdicts that are new to the model.
fn news(labels: &LabelSummary) -> String {
    let (healthy, defective) = (labels.new_healthy, labels.new_defective);
    match (healthy + defective, labels.can_train) {
        (0, true) => "The model already includes every verdict.".into(),
        (0, false) => "There are no verdicts to fine-tune on yet: mark healthy parts as healthy.".into(),
        (n, can) => {
            let verdicts = if n == 1 { "1 verdict is".to_owned() } else { format!("{n} verdicts are") };
            let more =
                if can { "" } else { " Fine-tuning needs healthy parts; defective ones only measure the result." };
            format!("{verdicts} new to the model: {healthy} healthy, {defective} defective.{more}")
        }
    }
}

/// Draws phase, progress and time left.
fn progress(ui: &mut Ui, status: &FinetuneStatus, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    ui.add(Label::new(RichText::new(status.phase.description()).color(p.text)).wrap());
    let bar = ProgressBar::new(status.phase.share().unwrap_or(0.0)).desired_height(theme::GAP_XS);
    ui.add(bar.corner_radius(0.0).fill(p.accent)).accessible_name("Fine-tuning");
    ui.horizontal(|ui| {
        command_button(ui, UiCommand::FinetuneCancel, "Cancel", frame);
        flush_right(ui, |ui| {
            let left = status.seconds_left.map(|left| format!("{} left in this phase", span(left)));
            ui.label(RichText::new(left.unwrap_or_else(|| "– left in this phase".into())).color(p.text_weak));
        });
    });
}

/// Draws the comparison of both models and the buttons to choose one.
fn decide(ui: &mut Ui, result: &FinetuneResult, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let text = format!("New model ready: {}. The old model is still in use.", result.model.name);
    ui.add(Label::new(RichText::new(text).color(p.text)).wrap())
        .on_hover_text(result.model.path.printable().to_string());
    let outcome = result.comparison.as_ref().map_or(ComparisonOutcome::Unclear, Comparison::outcome);
    match &result.comparison {
        Some(comparison) => {
            Grid::new("learned").num_columns(3).spacing(vec2(theme::GAP_S, 2.0)).show(ui, |ui| {
                for title in ["", "before", "after"] {
                    ui.label(theme::weak_caption(&p, title));
                }
                ui.end_row();
                for [name, before, after] in comparison.rows() {
                    ui.add(Label::new(theme::weak_caption(&p, name)).extend());
                    for value in [before, after] {
                        // The panel is narrow, so the interval goes below its value.
                        let (value, interval) = match value.split_once(" (") {
                            Some((value, rest)) => (value.to_owned(), Some(rest.trim_end_matches(')').to_owned())),
                            None => (value, None),
                        };
                        ui.vertical(|ui| {
                            ui.spacing_mut().item_spacing.y = 0.0;
                            ui.add(Label::new(RichText::new(value).color(p.text_strong)).extend());
                            if let Some(interval) = interval {
                                ui.add(Label::new(theme::weak_caption(&p, interval)).extend());
                            }
                        });
                    }
                    ui.end_row();
                }
            });
            if let Some(why) = comparison.interval_note() {
                ui.add(Label::new(theme::weak_caption(&p, why)).wrap());
            }
            ui.add(Label::new(RichText::new(comparison.sentence()).color(p.text)).wrap().selectable(true));
            let mark = match outcome {
                ComparisonOutcome::Better => ComparisonMark::Better,
                ComparisonOutcome::Worse => ComparisonMark::Worse,
                ComparisonOutcome::Unclear => ComparisonMark::Unclear,
            };
            marked_text(ui, mark, RichText::new(outcome.sentence()).color(p.text));
        }
        None => {
            let text = "There are no parts to compare the models on yet; this needs more verdicts.";
            ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
        }
    }
    if result.missing > 0 {
        let missing = counted(result.missing, "part");
        let text = format!("Left out because the image was moved, deleted or changed: {missing}.");
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
    if let Some(text) = &result.outliers {
        marked_text(ui, NoticeMark::Warning, RichText::new(text).color(p.text));
    }
    // The accent is on what is safe: the new model only where it is measurably better.
    let (first, second) = match outcome {
        ComparisonOutcome::Better => (UiCommand::FinetuneAdopt, UiCommand::FinetuneKeep),
        _ => (UiCommand::FinetuneKeep, UiCommand::FinetuneAdopt),
    };
    ui.horizontal_wrapped(|ui| {
        for (command, accent) in [(first, true), (second, false)] {
            let button = match accent {
                true => theme::primary_button(&p, command.title()),
                false => egui::Button::new(command.title()).min_size(vec2(0.0, theme::CONTROL)),
            };
            let response = ui.add_enabled(command.enabled(frame.context), button);
            let response = response.on_hover_text(command.tooltip(ui.ctx()));
            if response.on_disabled_hover_text(reasons::disabled(command, frame.context, ui.ctx())).clicked() {
                frame.command(command);
            }
        }
    });
    ask_for_name(ui, frame.context.finetune.named);
}

/// Says that activating a model needs the reviewer's name.
fn ask_for_name(ui: &mut Ui, named: bool) {
    if !named {
        let p = Palette::of(ui);
        let text = "Enter your name under Reviewer first: the record notes who activates a model.";
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
}
