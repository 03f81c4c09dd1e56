//! What to do once every part of the queue is done.

use egui::{Button, RichText, Ui, vec2};

use super::scene::ReviewScene;
use crate::{
    format::counted,
    review::{QueueFilter, ReviewItem, ReviewStatus},
    ui::{
        Frame, UiCommand,
        pages::reasons,
        theme,
        theme::{Palette, ProgressMark},
        widgets::rows::marked_text,
    },
};

/// The rest of a record when a queue is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    /// Parts of the queue that are done.
    pub done: usize,
    /// Parts outside the queue's filter without a verdict of this reviewer.
    pub open: usize,
}

impl Rest {
    /// Counts the rest; `done` parts of the queue are done.
    pub(crate) fn of(items: &[ReviewItem], filter: &QueueFilter, done: usize) -> Self {
        let reviewer = filter.reviewer.as_deref();
        let is_open = |item: &&ReviewItem| {
            matches!(item.status(reviewer), ReviewStatus::Open | ReviewStatus::Skipped)
                && !(filter.double_blind && item.blind.len() >= 2)
        };
        Self { done, open: items.iter().filter(is_open).count() }
    }
}

/// Says that the queue is done, with buttons for the next steps; returns whether to show the parts outside the filter.
pub(super) fn ui(ui: &mut Ui, rest: Rest, filter: Option<&str>, scene: &ReviewScene, frame: &mut Frame<'_>) -> bool {
    let p = Palette::of(ui);
    let words = filter.map(|filter| format!(" ({filter})")).unwrap_or_default();
    let mut text = match rest.done {
        1 => format!("The only part of this queue{words} is done."),
        n => format!("All {n} parts of this queue{words} are done."),
    };
    if rest.open == 0 {
        text.push_str(" Every part of the record has a verdict.");
    }
    marked_text(ui, ProgressMark::Finished, RichText::new(text).color(p.text_strong));
    let mut show = false;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme::GAP_S, theme::GAP_XS);
        if rest.open > 0 {
            let title = format!("Review the other {}", counted(rest.open, "part"));
            let help = "Clears the filter, so that the parts without a verdict outside this queue are shown.";
            show = ui.add(theme::primary_button(&p, title)).on_hover_text(help).clicked();
        }
        let verdicts = counted(scene.snapshot.labels.parts, "verdict");
        let commands = [
            (UiCommand::ReviewReport, UiCommand::ReviewReport.title().to_owned()),
            (UiCommand::FinetuneBegin, format!("Fine-tune on {verdicts}")),
        ];
        for (i, (command, title)) in commands.into_iter().enumerate() {
            let primary = rest.open == 0 && i == 0 && command.enabled(frame.context);
            let button = match primary {
                true => theme::primary_button(&p, title),
                false => Button::new(title).min_size(vec2(0.0, theme::ROW)),
            };
            let response = ui.add_enabled(command.enabled(frame.context), button);
            let response = response.on_hover_text(command.tooltip(ui.ctx()));
            if response.on_disabled_hover_text(reasons::disabled(command, frame.context, ui.ctx())).clicked() {
                frame.command(command);
            }
        }
    });
    show
}
