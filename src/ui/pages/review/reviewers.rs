//! Name of the reviewer, and double-blind review.

use egui::{Label, RichText, TextEdit, Ui};

use super::{scene::ReviewScene, section::PanelSection};
use crate::{
    review::ReviewProgress,
    ui::{Action, Frame, ReviewSettings, theme, theme::Palette},
};

/// The section on the reviewer.
#[derive(Default)]
pub(super) struct ReviewersSection {
    /// Name being typed.
    name: Option<String>,
}

/// Draws the field for the reviewer's name; returns a new name once it is entered.
fn name_field(ui: &mut Ui, typed: &mut Option<String>, current: &str) -> Option<String> {
    let mut text = typed.clone().unwrap_or_else(|| current.to_owned());
    let field = TextEdit::singleline(&mut text)
        .id(egui::Id::unique("reviewer-name"))
        .hint_text("Your name")
        .desired_width(f32::INFINITY);
    let field = ui.add(field).accessible_name("Your name");
    if field.changed() {
        *typed = Some(text);
    }
    if !field.lost_focus() {
        return None;
    }
    typed.take().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty() && name != current)
}

impl PanelSection for ReviewersSection {
    fn title(&self) -> &'static str {
        "Reviewer"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let settings = &scene.settings;
        let set =
            |frame: &mut Frame<'_>, changed: ReviewSettings| frame.actions.push(Action::Review(Box::new(changed)));
        if settings.reviewer.is_empty() {
            ui.label(theme::weak_caption(&p, "Verdicts are recorded under your name."));
        }
        if let Some(reviewer) = name_field(ui, &mut self.name, &settings.reviewer) {
            set(frame, ReviewSettings { reviewer, ..settings.clone() });
        }
        let mut double_blind = settings.double_blind;
        let help = "Two reviewers judge each part without seeing the model's verdict or each other's.";
        if ui.checkbox(&mut double_blind, "Double-blind review").on_hover_text(help).changed() {
            set(frame, ReviewSettings { double_blind, ..settings.clone() });
        }
        let agreement = &scene.snapshot.statistics.agreement;
        if double_blind || !agreement.pairs.is_empty() {
            ui.add(Label::new(RichText::new(agreement.sentence()).color(p.text)).wrap().selectable(true));
            let disputed = scene.snapshot.statistics.disputed;
            if disputed > 0 {
                let parts = if disputed == 1 { "1 part is".to_owned() } else { format!("{disputed} parts are") };
                let title = ReviewProgress::Disputed.title();
                let text = format!("{parts} disputed; choose {title} in the queue to decide.");
                ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
            }
        }
    }
}
