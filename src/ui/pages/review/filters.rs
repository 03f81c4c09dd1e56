//! Filter and order of the queue.

use std::path::PathBuf;

use egui::{TextEdit, Ui, vec2};

use super::scene::ReviewScene;
use crate::{
    data::FileHash,
    inspect::Verdict,
    review::{QueueFilter, QueueOrder, ReviewProgress, Timestamp, facets::day_after},
    text::PrintablePath,
    ui::{
        theme,
        widgets::{drop_down::DropDown, elide::elided_text},
    },
};

/// Choices of model verdicts.
const VERDICTS: [(&str, &[Verdict]); 6] = [
    ("Flagged", &[Verdict::Suspect, Verdict::Defective, Verdict::NotThisPart]),
    ("Defective", &[Verdict::Defective]),
    ("Suspect", &[Verdict::Suspect]),
    ("Healthy", &[Verdict::Healthy]),
    ("Not this part", &[Verdict::NotThisPart]),
    ("All verdicts", &[]),
];

/// Returns the initial filter: parts that the model flags.
pub(super) fn flagged() -> QueueFilter {
    QueueFilter { verdicts: VERDICTS[0].1.to_vec(), ..QueueFilter::default() }
}

/// State of the filter controls.
#[derive(Default)]
pub(super) struct Filters {
    /// Whether to focus the search field.
    pub focus_search: bool,
}

impl Filters {
    /// Draws the controls. `blind` hides those that reveal verdicts; `export_queue` restricts exports to the queue.
    pub(crate) fn ui(
        &mut self,
        ui: &mut Ui,
        scene: &ReviewScene,
        filter: &mut QueueFilter,
        order: &mut QueueOrder,
        (blind, export_queue): (bool, &mut bool),
    ) {
        let facets = &scene.snapshot.facets;
        ui.horizontal(|ui| {
            let field = TextEdit::singleline(&mut filter.text)
                .id(egui::Id::unique("review-search"))
                .hint_text("Search by name")
                .desired_width(f32::INFINITY);
            let field = ui.add(field).accessible_name("Search parts");
            if std::mem::take(&mut self.focus_search) {
                field.request_focus();
                field.scroll_to_me(None);
            }
            if field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Escape)) {
                filter.text.clear();
            }
        });
        ui.spacing_mut().item_spacing = vec2(theme::GAP_XS, theme::GAP_XS);
        let orders: Vec<(QueueOrder, String)> =
            QueueOrder::ALL.into_iter().map(|order| (order, order.title().into())).collect();
        choose(ui, "Queue order", order, &orders);
        let statuses: Vec<(ReviewProgress, String)> =
            ReviewProgress::ALL.into_iter().map(|p| (p, p.title().into())).collect();
        choose(ui, "Review status", &mut filter.progress, &statuses);
        if !blind {
            let verdicts: Vec<(Vec<Verdict>, String)> =
                VERDICTS.iter().map(|(title, verdicts)| (verdicts.to_vec(), (*title).into())).collect();
            choose(ui, "Model verdict", &mut filter.verdicts, &verdicts);
        }
        let mut models: Vec<(Option<FileHash>, String)> = vec![(None, "All models".into())];
        let short = |hash: &FileHash| hash.to_string().chars().take(6).collect::<String>();
        models.extend(
            facets.models.iter().map(|m| (Some(m.hash), format!("{} ({}, {})", m.name, short(&m.hash), m.parts))),
        );
        choose(ui, "Model", &mut filter.model, &models);
        let mut days: Vec<(Option<Timestamp>, String)> = vec![(None, "All days".into())];
        days.extend(facets.days.iter().map(|(day, n)| (Some(*day), format!("{} ({n})", day.day()))));
        let mut day = filter.from;
        if choose(ui, "Day (UTC)", &mut day, &days) {
            (filter.from, filter.until) = (day, day.map(day_after));
        }
        let mut folders: Vec<(Option<PathBuf>, String)> = vec![(None, "All folders".into())];
        folders.extend(facets.folders.iter().map(|(f, n)| (Some(f.clone()), format!("{} ({n})", f.printable()))));
        choose(ui, "Folder", &mut filter.folder, &folders);
        if !blind {
            let mut reviewers: Vec<(Option<String>, String)> = vec![(None, "All reviewers".into())];
            reviewers.extend(facets.reviewers.iter().map(|name| (Some(name.clone()), format!("Verdicts by {name}"))));
            choose(ui, "Verdicts by", &mut filter.reviewer, &reviewers);
        }
        if let Some(words) = filter.description(&facets.models) {
            let help = format!("Otherwise exports and the shift report cover the whole record. Queue: {words}.");
            ui.checkbox(export_queue, "Export only this queue").on_hover_text(help);
        }
    }
}

/// Draws a drop-down; returns whether the choice was changed.
fn choose<T: Clone + PartialEq>(ui: &mut Ui, name: &str, current: &mut T, choices: &[(T, String)]) -> bool {
    let shown = choices.iter().find(|(value, _)| value == current).map_or("–", |(_, title)| title.as_str());
    let mut chosen = None;
    ui.horizontal(|ui| {
        let p = theme::Palette::of(ui);
        let cell = egui::Layout::left_to_right(egui::Align::Center);
        let label = ui.allocate_ui_with_layout(vec2(theme::FILTER_NAME, theme::CONTROL), cell, |ui| {
            ui.set_min_width(theme::FILTER_NAME);
            ui.label(theme::weak_caption(&p, name))
        });
        // The arrow and the margins take the rest of the width.
        let width = ui.available_width() - theme::ROW - theme::GAP_L;
        let font = egui::TextStyle::Button.resolve(ui.style());
        let shown = elided_text(ui, shown, &font, width);
        DropDown { name, help: name, width: f32::INFINITY }.beside(ui, &label.inner, shown, |ui| {
            for (value, title) in choices {
                if ui.selectable_label(value == current, title).clicked() {
                    chosen = Some(value.clone());
                }
            }
        });
    });
    match chosen {
        Some(value) if value != *current => {
            *current = value;
            true
        }
        _ => false,
    }
}
