//! Verdicts on the current part: the model's, the reviewers', and the note and region being added.

use egui::{Button, Label, RichText, TextEdit, Ui, vec2};

use super::{scene::ReviewScene, session::Session};
use crate::{
    format,
    format::sentence,
    review::{EarlierImage, Opinion, PartId, ReviewItem},
    ui::{
        Frame, UiCommand,
        pages::inspect::{
            status::verdict_mark,
            verdict::{headline, score_bar},
        },
        theme,
        theme::{Palette, VerdictMark},
        widgets::rows::value_row,
    },
};

/// A note being edited.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NoteEdit {
    pub part: PartId,
    pub text: String,
    /// Whether the field has been focused.
    pub focused: bool,
}

/// A request of the reviewer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum VerdictRequest {
    /// Save this note.
    SaveNote(String),
    /// Discard the changes of the note.
    DiscardNote,
    /// Remove the drawn regions.
    RemoveRegions,
}

/// Draws the verdicts on this part; `blind` hides them.
pub(super) fn ui(ui: &mut Ui, item: &ReviewItem, blind: bool) {
    let p = Palette::of(ui);
    let assessment = &item.inspection.assessment;
    if blind {
        headline(ui, VerdictMark::Unknown, "What do you see?", false);
        let text = "The verdicts of the model and the other reviewer are hidden until both of you have judged.";
        ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
        return;
    }
    let state = verdict_mark(assessment.verdict);
    headline(ui, state, &assessment.verdict.title().to_uppercase(), true);
    ui.add(Label::new(RichText::new(sentence(&assessment.describe())).color(p.text)).wrap().selectable(true));
    ui.add_space(theme::GAP_S);
    score_bar(ui, assessment, item.inspection.threshold);
    ui.add_space(theme::GAP_XS);
    let inspection = &item.inspection;
    value_row(ui, "Model", inspection.model_name.clone(), "The model that inspected this part.");
    value_row(ui, "Inspected", inspection.time.minute(), "When this part was inspected (UTC).");
    for opinion in &item.opinions {
        let reviewer = if opinion.blind { format!("{}, blind", opinion.reviewer) } else { opinion.reviewer.clone() };
        value_row(ui, &reviewer, short(opinion), &full(opinion));
    }
    for earlier in &item.earlier {
        let EarlierImage { part, inspection, opinions } = earlier;
        let (verdict, hash) = (inspection.assessment.verdict.title(), part.hash);
        let help = format!(
            "{}: the file was recorded before it was finished, as {verdict}. This inspection has taken the place of that one, \
             which counts no longer. Its file had the hash {hash}.",
            inspection.time.minute()
        );
        value_row(ui, "Unfinished file", verdict.to_owned(), &help);
        for opinion in opinions {
            let help = format!("Given on the unfinished file. {}", full(opinion));
            value_row(ui, &format!("{}, unfinished file", opinion.reviewer), short(opinion), &help);
        }
    }
}

/// Returns a reviewer's verdict in a word or two.
fn short(opinion: &Opinion) -> String {
    let word = match opinion.judgement {
        crate::review::Judgement::Agree => format!("agree: {}", opinion.model_verdict.title()),
        judgement => judgement.title().to_owned(),
    };
    match &opinion.defect {
        Some(defect) => format!("{word}, {defect}"),
        None => word,
    }
}

/// Returns a reviewer's verdict with name, time and note.
fn full(opinion: &Opinion) -> String {
    let mut text = format!("{}, {}: {}", opinion.reviewer, opinion.time.minute(), short(opinion));
    if !opinion.note.is_empty() {
        text.push_str(&format!(" ({})", opinion.note));
    }
    text + "."
}

/// Draws note and region that the reviewer adds; returns a request.
pub(super) fn additions(
    ui: &mut Ui,
    item: &ReviewItem,
    (scene, session): (&ReviewScene, &Session),
    editing: &mut Option<NoteEdit>,
    frame: &mut Frame<'_>,
) -> Option<VerdictRequest> {
    let p = Palette::of(ui);
    let own = item.opinion_of(Some(&scene.settings.reviewer));
    let draft = session.draft(item.part.id);
    let mut request = None;
    if let Some(edit) = editing.as_mut().filter(|edit| edit.part == item.part.id) {
        let field = TextEdit::multiline(&mut edit.text)
            .id(egui::Id::unique("review-note"))
            .desired_rows(2)
            .desired_width(f32::INFINITY);
        // Enter saves the note; Shift+Enter starts a new line.
        let newline = egui::KeyboardShortcut::new(egui::Modifiers::SHIFT, egui::Key::Enter);
        let field = ui.add(field.return_key(newline).hint_text("Note on this part")).accessible_name("Note");
        if !std::mem::replace(&mut edit.focused, true) {
            field.request_focus();
            field.scroll_to_me(None);
        }
        let pressed = |ui: &Ui, key| ui.input(|i| i.key_pressed(key));
        let entered = field.has_focus() && pressed(ui, egui::Key::Enter) && !ui.input(|i| i.modifiers.shift);
        let left = field.lost_focus();
        ui.label(theme::weak_caption(&p, "Enter saves, Escape discards."));
        if left && pressed(ui, egui::Key::Escape) {
            request = Some(VerdictRequest::DiscardNote);
        } else if entered || left {
            request = Some(VerdictRequest::SaveNote(edit.text.trim().to_owned()));
        }
        if request.is_some() {
            // Release the keyboard, so that keys reach the page again.
            field.surrender_focus();
        }
    } else {
        let unsaved = draft.and_then(|d| d.note.as_deref());
        let note = unsaved.or(own.map(|o| o.note.as_str())).filter(|note| !note.is_empty());
        if let Some(note) = note {
            ui.add(Label::new(RichText::new(note).color(p.text_strong)).wrap().selectable(true));
            if unsaved.is_some() {
                ui.label(theme::weak_caption(&p, "Saved with your verdict."));
            }
            if ui.button("Edit note").on_hover_text(UiCommand::ReviewNote.tooltip(ui.ctx())).clicked() {
                frame.command(UiCommand::ReviewNote);
            }
        }
    }
    let drawn = draft.and_then(|d| d.regions.as_ref()).map_or(0, Vec::len);
    if drawn > 0 {
        ui.horizontal_wrapped(|ui| {
            let text = match drawn {
                1 => "The drawn region is saved with your verdict.".to_owned(),
                n => format!("The {n} drawn regions are saved with your verdict."),
            };
            ui.label(theme::weak_caption(&p, text));
            if ui.button("Remove").on_hover_text("Removes the drawn regions; Ctrl+Z brings them back.").clicked() {
                request = Some(VerdictRequest::RemoveRegions);
            }
        });
    }
    request
}

/// Draws the defect types that a digit key assigns to the last defective part.
pub(super) fn defect_types(ui: &mut Ui, scene: &ReviewScene, session: &Session, frame: &mut Frame<'_>) {
    let Some(last) = &session.last_defective else { return };
    let p = Palette::of(ui);
    ui.separator();
    let defect = last.opinion.defect.as_deref();
    let text = format!("{} is defective: {}.", last.name, defect.unwrap_or("type not set"));
    ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
    let commands = UiCommand::defect_types().enumerate().map(|(at, command)| (command, at));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme::GAP_XS, theme::GAP_XS);
        for (command, at) in commands {
            let Some(name) = scene.snapshot.defect_types.get(at) else { continue };
            let key = RichText::new(command.keys(ui.ctx())).monospace().color(p.accent);
            let button = Button::new((key, RichText::new(name))).selected(defect == Some(name.as_str()));
            // Given by its digit alone, as a verdict by its letter.
            let response = ui.add(button.min_size(vec2(0.0, theme::CONTROL)).sense(egui::Sense::CLICK));
            if response
                .accessible_name(format!("Defect type {}: {name}", at + 1))
                .on_hover_text(command.help())
                .clicked()
            {
                frame.command(command);
            }
        }
    });
    if scene.snapshot.defect_types.is_empty() {
        ui.label(theme::weak_caption(&p, "Add defect types below; a digit key then assigns one."));
    }
}

/// Returns the progress of the review in one line: "12 left · 28 done · 25 agreed · 3 overruled".
/// A filter of the counted parts is named: "Flagged: 6 left …".
pub(super) fn counters(counters: &crate::review::ReviewCounts, filter: Option<&str>) -> String {
    let figure = |n: usize, word: &str| format!("{} {word}", crate::ui::widgets::ticks::grouped(n as f64, 0));
    let all = [
        figure(counters.left, "left"),
        figure(counters.done, "done"),
        figure(counters.agreed, "agreed"),
        figure(counters.overruled, "overruled"),
    ];
    let counts = all.join(" · ");
    match filter {
        // The header has room for one condition; its tooltip names all.
        Some(filter) => {
            let (first, more) = filter.split_once(", ").map_or((filter, ""), |(first, _)| (first, ", …"));
            format::capitalise(&format!("{first}{more}: {counts}"))
        }
        None => format::capitalise(&counts),
    }
}
