//! What a model can learn from the verdicts, how far it is, and whether the new one is better.

use egui::{Grid, Label, ProgressBar, RichText, Ui, vec2};

use super::{Scene, intake_section::button, panel::PanelSection};
use crate::{
    engine::{
        finetune::{FinetunePhase, FinetuneResult, FinetuneStatus},
        inspection::ModelState,
    },
    format::counted,
    review::LabelSummary,
    time::span,
    ui::{
        Action, Frame, ReviewSettings, UiCommand, theme,
        theme::{Palette, StatusMark},
        widgets::flush_right,
    },
};

/// The section on learning.
pub(super) struct FinetuneSection;

impl PanelSection for FinetuneSection {
    fn title(&self) -> &'static str {
        "Learning"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        let status = frame.live.finetune.status.read().clone();
        if status.phase.is_going() {
            progress(ui, &status, frame);
        } else if frame.context.finetune.pending
            && let Some(learned) = &status.learned
        {
            decide(ui, learned, frame);
        } else {
            if let FinetunePhase::Failed(text) = &status.phase {
                ui.horizontal_top(|ui| {
                    theme::state_icon(ui, StatusMark::Defective);
                    ui.add(Label::new(text).wrap().selectable(true));
                });
            }
            offer(ui, scene, frame);
        }
        if frame.context.finetune.revertible {
            let named = frame.context.finetune.named;
            button(ui, UiCommand::FinetuneRevert, "Go back to the model before", frame);
            ask_for_name(ui, named);
        }
    }
}

/// What there is to learn, and the button.
fn offer(ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let ModelState::Ready(_) = &scene.model else {
        ui.add(Label::new(theme::weak_caption(&p, "Open a model to teach it by the verdicts.")).wrap());
        return;
    };
    let labels = scene.books.labels;
    ui.add(Label::new(RichText::new(news(&labels)).color(p.text)).wrap().selectable(true));
    if labels.can_train {
        let LabelSummary { train, calibrate, compare, .. } = labels;
        let text = format!(
            "In all there are {} to train on, {calibrate} to calibrate on and {compare} to compare both models on. A \
             part keeps its side.",
            counted(train, "part")
        );
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
    if labels.unsettled > 0 {
        let waiting = counted(labels.unsettled, "part");
        let text = format!("Left out, until two people agree or a third one settles it: {waiting}.");
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
    let mut generator = scene.settings.teach_generator;
    let help = "Without it the critic, what is usual and the calibration follow the verdicts, which takes less time.";
    if ui.checkbox(&mut generator, "Train the generator on too").on_hover_text(help).changed() {
        let settings = ReviewSettings { teach_generator: generator, ..scene.settings.clone() };
        frame.actions.push(Action::Review(Box::new(settings)));
    }
    let command = UiCommand::FinetuneBegin;
    let title = format!("Learn from {}", counted(labels.parts, "verdict"));
    let primary = command.enabled(frame.context) && labels.new_healthy > 0;
    let look = match primary {
        true => theme::primary_button(&p, title),
        false => egui::Button::new(title).min_size(vec2(0.0, theme::ROW)),
    };
    let tooltip = command.tooltip(ui.ctx());
    let response = ui.add_enabled(command.enabled(frame.context), look);
    if response.on_hover_text(&tooltip).on_disabled_hover_text(&tooltip).clicked() {
        frame.command(command);
    }
}

/// What is new to the model, in a sentence.
fn news(labels: &LabelSummary) -> String {
    let (healthy, defective) = (labels.new_healthy, labels.new_defective);
    match (healthy + defective, labels.can_train) {
        (0, true) => "The model knows every verdict.".into(),
        (0, false) => "There is no verdict yet that the model could learn from: call healthy parts healthy.".into(),
        (n, can) => {
            let verdicts = if n == 1 { "1 verdict is".to_owned() } else { format!("{n} verdicts are") };
            let more = if can { "" } else { " It takes healthy parts to learn from; defective ones only measure." };
            format!("{verdicts} new to the model: {healthy} healthy, {defective} defective.{more}")
        }
    }
}

/// How far it is.
fn progress(ui: &mut Ui, status: &FinetuneStatus, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    ui.add(Label::new(RichText::new(status.phase.words()).color(p.text)).wrap());
    let bar = ProgressBar::new(status.phase.share().unwrap_or(0.0)).desired_height(theme::GAP_XS);
    ui.add(bar.corner_radius(0.0).fill(p.accent)).accessible_name("Learning from verdicts");
    ui.horizontal(|ui| {
        button(ui, UiCommand::FinetuneCancel, "Cancel", frame);
        flush_right(ui, |ui| {
            let left = status.seconds_left.map(|left| format!("{} left of this", span(left)));
            ui.label(RichText::new(left.unwrap_or_else(|| "– left of this".into())).color(p.text_weak));
        });
    });
}

/// Both models side by side, and the choice.
fn decide(ui: &mut Ui, learned: &FinetuneResult, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let text = format!("{} is there, and the old model is still in force.", learned.model.name);
    ui.add(Label::new(RichText::new(text).color(p.text)).wrap())
        .on_hover_text(learned.model.path.display().to_string());
    match &learned.comparison {
        Some(comparison) => {
            Grid::new("learned").num_columns(3).spacing(vec2(theme::GAP_S, 2.0)).show(ui, |ui| {
                for title in ["", "before", "after"] {
                    ui.label(theme::weak_caption(&p, title));
                }
                ui.end_row();
                for [name, before, after] in comparison.rows() {
                    ui.add(Label::new(theme::weak_caption(&p, name)).extend());
                    for value in [before, after] {
                        // An interval stands under its value: the panel is narrow.
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
            ui.add(Label::new(RichText::new(comparison.sentence()).color(p.text)).wrap().selectable(true));
        }
        None => {
            let text = "No part is left to compare them on yet; with more verdicts there will be some.";
            ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
        }
    }
    if learned.missing > 0 {
        let missing = counted(learned.missing, "part");
        let text = format!("Left out, because the picture is not where it was or has changed: {missing}.");
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
    let adopt = UiCommand::FinetuneAdopt;
    ui.horizontal_wrapped(|ui| {
        let tooltip = adopt.tooltip(ui.ctx());
        let response = ui.add_enabled(adopt.enabled(frame.context), theme::primary_button(&p, "Adopt the new one"));
        if response.on_hover_text(&tooltip).on_disabled_hover_text(&tooltip).clicked() {
            frame.command(adopt);
        }
        button(ui, UiCommand::FinetuneKeep, "Keep the old one", frame);
    });
    ask_for_name(ui, frame.context.finetune.named);
}

/// Why nothing can be put in force.
fn ask_for_name(ui: &mut Ui, named: bool) {
    if !named {
        let p = Palette::of(ui);
        let text = "Enter your name under Reviewer first: who puts a model in force is kept on record.";
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
}
