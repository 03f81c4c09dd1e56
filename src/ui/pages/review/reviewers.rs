//! Who reviews, and the rule of two persons.

use egui::{Label, RichText, TextEdit, Ui};

use super::{Scene, panel::PanelSection};
use crate::ui::{Action, Frame, ReviewSettings, theme, theme::Palette};

/// The section on who reviews.
#[derive(Default)]
pub(super) struct ReviewersSection {
    /// The name as it is typed.
    name: Option<String>,
}

/// Asks for the reviewer's name; the name once it is given.
pub(super) fn ask_name(ui: &mut Ui, typed: &mut Option<String>, current: &str) -> Option<String> {
    let mut text = typed.clone().unwrap_or_else(|| current.to_owned());
    let field = TextEdit::singleline(&mut text).hint_text("Your name").desired_width(f32::INFINITY);
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

    fn ui(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let settings = &scene.settings;
        let put =
            |frame: &mut Frame<'_>, changed: ReviewSettings| frame.actions.push(Action::Review(Box::new(changed)));
        if settings.reviewer.is_empty() {
            ui.label(theme::weak_caption(&p, "Every verdict is kept under a name."));
        }
        if let Some(reviewer) = ask_name(ui, &mut self.name, &settings.reviewer) {
            put(frame, ReviewSettings { reviewer, ..settings.clone() });
        }
        let mut two_persons = settings.two_persons;
        let help = "Each part is judged by two persons, without sight of what the model or the other one says.";
        if ui.checkbox(&mut two_persons, "Two persons judge each part").on_hover_text(help).changed() {
            put(frame, ReviewSettings { two_persons, ..settings.clone() });
        }
        let agreement = &scene.books.figures.agreement;
        if two_persons || !agreement.pairs.is_empty() {
            ui.add(Label::new(RichText::new(agreement.sentence()).color(p.text)).wrap().selectable(true));
            let waiting = scene.books.figures.disputed;
            if waiting > 0 {
                let text = match waiting {
                    1 => "1 part waits for somebody to settle it; choose Disagreements in the queue.".to_owned(),
                    n => format!("{n} parts wait for somebody to settle them; choose Disagreements in the queue."),
                };
                ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
            }
        }
    }
}
