//! Overlaid runs: dashes that tell the runs apart, the legend of the runs, and how an overlaid run differs.
//!
//! The hue of a curve names its series in every run, so the runs differ in their dashes: the current run is solid.

use egui::{Color32, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_plot::LineStyle;

use crate::{
    train::Recipe,
    ui::{pages::source_title, theme, theme::Palette, widgets::elide::elided_text},
};

/// Dashes of the overlaid runs, as many as can be overlaid.
const DASHES: [LineStyle; 6] = [
    LineStyle::Dashed { length: 10.0 },
    LineStyle::Dotted { spacing: 4.0 },
    LineStyle::Dashed { length: 4.0 },
    LineStyle::Dotted { spacing: 9.0 },
    LineStyle::Dashed { length: 20.0 },
    LineStyle::Dotted { spacing: 15.0 },
];
/// Length of a sample of the dashes, and greatest width of a run's name.
const SAMPLE: f32 = 40.0;
const NAME: f32 = 160.0;

/// Returns the style of a run's curves: solid for the current run, a dash pattern for each overlaid one.
pub(super) fn run_style(overlaid: Option<usize>) -> LineStyle {
    overlaid.and_then(|i| DASHES.get(i % DASHES.len()).copied()).unwrap_or(LineStyle::Solid)
}

/// The first dash pattern that no other overlaid run has.
pub(super) fn free_dash(taken: impl Iterator<Item = usize> + Clone) -> usize {
    (0..).find(|i| !taken.clone().any(|other| other == *i)).unwrap_or_default()
}

/// Draws a short line in a run's style.
pub(super) fn sample(painter: &Painter, from: Pos2, length: f32, style: LineStyle, colour: Color32) {
    let line = [from, from + vec2(length, 0.0)];
    let stroke = Stroke::new(theme::CURVE, colour);
    match style {
        LineStyle::Solid => {
            painter.line_segment(line, stroke);
        }
        LineStyle::Dotted { spacing } => {
            painter.extend(Shape::dotted_line(&line, colour, spacing, stroke.width));
        }
        LineStyle::Dashed { length } => {
            painter.extend(Shape::dashed_line(&line, stroke, length, length * 0.618));
        }
    }
}

/// A run in the legend: its name, its dashes, and what the tooltip says of it.
pub(super) struct LegendRun<'a> {
    /// Name of the run.
    pub name: &'a str,
    /// Its dashes; `None` for the current run.
    pub dash: Option<usize>,
    /// How it differs from the current run.
    pub about: String,
}

/// Draws the legend of the runs. The hues of the series are in the heading of each chart.
pub(super) fn legend(ui: &mut Ui, runs: &[LegendRun<'_>]) {
    let p = Palette::of(ui);
    let font = theme::caption().resolve(ui.style());
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme::GAP_M, 0.0);
        for run in runs {
            let name = elided_text(ui, run.name, &font, NAME);
            let galley = ui.painter().layout_no_wrap(name, font.clone(), p.text);
            let size = vec2(SAMPLE + theme::GAP_XS + galley.size().x, theme::ROW_VALUE);
            let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
            let spoken = format!("Curves of {}: {}", run.name, words(run.dash));
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, spoken.clone()));
            sample(ui.painter(), rect.left_center(), SAMPLE, run_style(run.dash), p.text);
            let at = pos2(rect.left() + SAMPLE + theme::GAP_XS, rect.center().y - galley.size().y / 2.0);
            ui.painter().galley(at, galley, p.text);
            response.on_hover_text(format!("{}\n{}", run.name, run.about));
        }
    });
}

/// Describes a run's dashes.
fn words(dash: Option<usize>) -> &'static str {
    match run_style(dash) {
        LineStyle::Solid => "solid",
        LineStyle::Dotted { .. } => "dotted",
        LineStyle::Dashed { .. } => "dashed",
    }
}

/// Says how another run differs from the current one in recipe and data. Either recipe may be unreadable.
pub(super) fn difference(own: (Option<&Recipe>, &str), other: (Option<&Recipe>, &str)) -> String {
    let data = match own.1 == other.1 {
        true => "the same data".to_owned(),
        false => format!("other data: {}", source_title(other.1)),
    };
    match (own.0, other.0) {
        (Some(a), Some(b)) if a == b => format!("The same recipe, {data}."),
        (Some(a), Some(b)) => format!("Other recipe: {}; {data}.", a.describe_change(b, "to")),
        _ => format!("Recipe unknown; {data}."),
    }
}

/// Draws `shape` in the middle of `rect`; used by the tooltip of values.
pub(super) fn sample_cell(ui: &mut Ui, dash: Option<usize>, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(SAMPLE, theme::ROW_VALUE), Sense::hover());
    let rect: Rect = rect.shrink2(vec2(2.0, 0.0));
    sample(ui.painter(), rect.left_center(), rect.width(), run_style(dash), colour);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_dashes_of_its_own() {
        assert_eq!(run_style(None), LineStyle::Solid);
        for (i, a) in DASHES.iter().enumerate() {
            assert_ne!(*a, LineStyle::Solid);
            for b in &DASHES[i + 1..] {
                assert_ne!(a, b);
            }
        }
        // Another run takes the place of one that was removed; the others keep theirs.
        assert_eq!(
            (free_dash([].into_iter()), free_dash([0, 2].into_iter()), free_dash([1, 0].into_iter())),
            (0, 1, 2)
        );
    }

    #[test]
    fn the_same_recipe_for_other_data_names_the_data() {
        let (recipe, mut other) = (Recipe::default(), Recipe::default());
        let words = |b: &Recipe, data: &str| difference((Some(&recipe), "/parts/a"), (Some(b), data));
        assert_eq!(words(&recipe, "/parts/b"), "The same recipe, other data: /parts/b.");
        assert_eq!(words(&recipe, "/parts/a"), "The same recipe, the same data.");
        other.train.k_d += 1;
        let text = words(&other, "/parts/b");
        assert!(text.contains("k_D") && text.ends_with("; other data: /parts/b."), "{text}");
        assert_eq!(difference((None, "a"), (Some(&recipe), "a")), "Recipe unknown; the same data.");
    }
}
