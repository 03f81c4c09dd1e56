//! What is known of a part of a test set, beside its verdict and over its image.

use std::path::PathBuf;

use egui::{Label, RichText, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};
use egui_material_icons::icons;

use crate::{
    engine::inspection::{QueryEntry, QuerySource},
    inspect::evaluation::{MaskOutline, PartTruth, TestOutcome},
    ui::{
        Frame, UiCommand, theme,
        theme::{OutcomeMark, Palette},
        widgets::{icon_button, image_pane::Placement},
    },
};

/// Identifies a part of a test set: its file, or the name of a generated image.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TruthKey {
    File(PathBuf),
    Picture(String),
}

impl TruthKey {
    pub(super) fn of(name: &str, source: &QuerySource) -> Self {
        match source {
            QuerySource::File(path) => Self::File(path.clone()),
            QuerySource::Picture(_) => Self::Picture(name.to_owned()),
        }
    }
}

/// Returns the mark of an outcome.
pub(in crate::ui) fn outcome_mark(outcome: TestOutcome) -> OutcomeMark {
    if outcome.is_correct() { OutcomeMark::Correct } else { OutcomeMark::Wrong }
}

/// Draws outcome and label, and the way to the other parts with the same outcome.
pub(super) fn ui(ui: &mut Ui, truth: &PartTruth, entry: &QueryEntry, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        if let Some(outcome) = truth.outcome(entry.assessment()) {
            let (rect, response) = ui.allocate_exact_size(Vec2::splat(theme::ICON), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, outcome.title()));
            theme::paint_mark(ui.painter(), &p, outcome_mark(outcome), rect.center(), theme::ICON);
        }
        let text = RichText::new(truth.describe(entry.assessment())).color(p.text_strong);
        ui.add(Label::new(text).truncate()).on_hover_text("The label of the test set, and how the model does on it.");
    });
    let Some((outcome, place, count)) = truth.place() else { return };
    ui.horizontal(|ui| {
        let name = outcome.title().to_lowercase();
        for (command, icon, word) in [
            (UiCommand::OutcomeBack, icons::ICON_CHEVRON_LEFT, "Previous"),
            (UiCommand::OutcomeForward, icons::ICON_CHEVRON_RIGHT, "Next"),
        ] {
            let title = format!("{word} part with this outcome ({name})");
            let tip = format!("{title}, {}", command.keys(ui.ctx()));
            if icon_button(ui, icon, &tip, command.enabled(frame.context)).accessible_name(&title).clicked() {
                frame.command(command);
            }
            if command == UiCommand::OutcomeBack {
                ui.label(theme::weak_caption(&p, format!("{place} of {count} in the test with this outcome")));
            }
        }
    });
}

/// Outlines a mask over an image of `size` pixels.
pub(in crate::ui) fn outline_mask(
    painter: &egui::Painter,
    placed: &Placement,
    size: (usize, usize),
    outline: &MaskOutline,
) {
    // Images look the same in both themes.
    let ink = Palette::new(true);
    let ground = ink.ground.gamma_multiply(0.6);
    for stroke in [Stroke::new(2.0 * theme::CURVE + theme::HAIRLINE, ground), Stroke::new(theme::CURVE, ink.accent)] {
        for line in outline.lines_on(size) {
            painter.line_segment(line.map(|[x, y]| placed.to_screen(egui::pos2(x, y))), stroke);
        }
    }
}
