//! What the model says to the part on show, what people say, and what its reviewer adds.

use egui::{Button, Label, RichText, TextEdit, Ui, vec2};

use super::{Scene, session::Session};
use crate::{
    format,
    format::sentence,
    review::{Opinion, PartId, ReviewItem},
    ui::{
        Frame, UiCommand,
        pages::inspect::{
            status::verdict_mark,
            verdict::{headline, row, score_bar},
        },
        theme,
        theme::{Palette, StatusMark},
    },
};

/// A note that is being written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Writing {
    pub part: PartId,
    pub text: String,
    /// The field has had the focus.
    pub focused: bool,
}

/// What the reviewer asks for here.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum VerdictRequest {
    /// Keeps this note.
    Note(String),
    /// Leaves the note as it was.
    Leave,
    /// Takes what was drawn away again.
    Erase,
}

/// Draws the verdict on this part; `blind` hides what others say.
pub(super) fn ui(ui: &mut Ui, item: &ReviewItem, scene: &Scene, blind: bool) {
    let p = Palette::of(ui);
    let assessment = &item.inspection.assessment;
    if blind {
        headline(ui, StatusMark::Unknown, "What do you see?", false);
        let text = "What the model and the other person say is hidden until both of you have judged.";
        ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
        return;
    }
    let state = verdict_mark(assessment.verdict);
    headline(ui, state, &assessment.verdict.title().to_uppercase(), true);
    ui.add(Label::new(RichText::new(sentence(&assessment.words())).color(p.text)).wrap().selectable(true));
    ui.add_space(theme::GAP_S);
    score_bar(ui, assessment, item.inspection.threshold);
    ui.add_space(theme::GAP_XS);
    let about = &item.inspection;
    row(ui, "Model", about.model_name.clone(), "The model that inspected this part.");
    row(ui, "Inspected", about.time.minute(), "When this part was inspected (UTC).");
    let places = scene.findings.as_ref().map_or_else(|| "–".to_owned(), |found| found.suspects.len().to_string());
    row(ui, "Places", places, "Places that the map points at, outlined in the picture with area and peak.");
    for opinion in &item.opinions {
        let who = if opinion.blind { format!("{}, blind", opinion.reviewer) } else { opinion.reviewer.clone() };
        row(ui, &who, said(opinion), &said_whole(opinion));
    }
}

/// A person's verdict in a word or two.
fn said(opinion: &Opinion) -> String {
    let word = match opinion.judgement {
        crate::review::Judgement::Agree => format!("agree: {}", opinion.model_said.title()),
        judgement => judgement.title().to_owned(),
    };
    match &opinion.defect {
        Some(kind) => format!("{word}, {kind}"),
        None => word,
    }
}

/// The same in a sentence.
fn said_whole(opinion: &Opinion) -> String {
    let mut text = format!("{} said on {}: {}", opinion.reviewer, opinion.time.minute(), said(opinion));
    if !opinion.note.is_empty() {
        text.push_str(&format!(" ({})", opinion.note));
    }
    text + "."
}

/// Note and region of this part, as its reviewer has them now.
pub(super) fn own(
    ui: &mut Ui,
    item: &ReviewItem,
    (scene, session): (&Scene, &Session),
    writing: &mut Option<Writing>,
    frame: &mut Frame<'_>,
) -> Option<VerdictRequest> {
    let p = Palette::of(ui);
    let own = item.opinion_of(Some(&scene.settings.reviewer));
    let draft = session.draft(item.part.id);
    let mut wish = None;
    if let Some(writing) = writing.as_mut().filter(|w| w.part == item.part.id) {
        let field = TextEdit::multiline(&mut writing.text).desired_rows(2).desired_width(f32::INFINITY);
        // Enter keeps the note; a line of its own begins with Shift.
        let enter = egui::KeyboardShortcut::new(egui::Modifiers::SHIFT, egui::Key::Enter);
        let field = ui.add(field.return_key(enter).hint_text("What should be remembered")).accessible_name("Note");
        if !std::mem::replace(&mut writing.focused, true) {
            field.request_focus();
            field.scroll_to_me(None);
        }
        let pressed = |ui: &Ui, key| ui.input(|i| i.key_pressed(key));
        let entered = field.has_focus() && pressed(ui, egui::Key::Enter) && !ui.input(|i| i.modifiers.shift);
        let left = field.lost_focus();
        ui.label(theme::weak_caption(&p, "Enter keeps it, Escape leaves it."));
        if left && pressed(ui, egui::Key::Escape) {
            wish = Some(VerdictRequest::Leave);
        } else if entered || left {
            wish = Some(VerdictRequest::Note(writing.text.trim().to_owned()));
        }
        if wish.is_some() {
            // The field goes, and keys are the page's again.
            field.surrender_focus();
        }
    } else {
        let waiting = draft.and_then(|d| d.note.as_deref());
        let note = waiting.or(own.map(|o| o.note.as_str())).filter(|note| !note.is_empty());
        if let Some(note) = note {
            ui.add(Label::new(RichText::new(note).color(p.text_strong)).wrap().selectable(true));
            if waiting.is_some() {
                ui.label(theme::weak_caption(&p, "Kept with your verdict."));
            }
            if ui.button("Change the note").on_hover_text(UiCommand::ReviewNote.tooltip(ui.ctx())).clicked() {
                frame.command(UiCommand::ReviewNote);
            }
        }
    }
    if draft.is_some_and(|d| d.region.is_some()) {
        ui.horizontal(|ui| {
            ui.label(theme::weak_caption(&p, "A region is drawn; it is kept with your verdict."));
            if ui.button("Erase").clicked() {
                wish = Some(VerdictRequest::Erase);
            }
        });
    }
    wish
}

/// The last part that was called defective, and the kinds that a digit names.
pub(super) fn kinds(ui: &mut Ui, scene: &Scene, session: &Session, frame: &mut Frame<'_>) {
    let Some(named) = &session.named else { return };
    let p = Palette::of(ui);
    ui.separator();
    let kind = named.opinion.defect.as_deref();
    let said = format!("{} is defective: {}.", named.name, kind.unwrap_or("kind not named"));
    ui.add(Label::new(RichText::new(said).color(p.text)).wrap());
    let commands = UiCommand::defect_types().enumerate().map(|(at, command)| (command, at));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme::GAP_XS, theme::GAP_XS);
        for (command, at) in commands {
            let Some(name) = scene.books.kinds.get(at) else { continue };
            let key = RichText::new(command.keys(ui.ctx())).monospace().color(p.accent);
            let button = Button::new((key, RichText::new(name))).selected(kind == Some(name.as_str()));
            let response = ui.add(button.min_size(vec2(0.0, theme::CONTROL)));
            if response.accessible_name(format!("Kind {}: {name}", at + 1)).on_hover_text(command.help()).clicked() {
                frame.command(command);
            }
        }
    });
    if scene.books.kinds.is_empty() {
        ui.label(theme::weak_caption(&p, "Add kinds of defect below; a digit then names one."));
    }
}

/// Where people are, in one line: "12 left · 28 done · 25 agreed · 3 overruled".
pub(super) fn counters(counters: &crate::review::queue::Counters) -> String {
    let figure = |n: usize, word: &str| format!("{} {word}", crate::ui::widgets::ticks::grouped(n as f64, 0));
    let all = [
        figure(counters.left, "left"),
        figure(counters.done, "done"),
        figure(counters.agreed, "agreed"),
        figure(counters.overruled, "overruled"),
    ];
    format::capitalise(&all.join(" · "))
}
