//! The comparison of runs: the settings in which their recipes differ, and their data where those differ.

use egui::{RichText, ScrollArea, Ui, vec2};

use super::{RunsPage, row::RunRow};
use crate::{
    text::printable,
    train::knobs,
    ui::{
        pages::{section, weak},
        theme, widgets,
    },
};

/// A row of the comparison: name, key for the tooltip, and one value a run.
type Difference = (&'static str, &'static str, Vec<String>);

/// Returns the differences between runs whose recipes can be read: the data first, then the knobs in the order of the Train
/// page.
fn differences(runs: &[&RunRow]) -> Vec<Difference> {
    let differs = |values: &[String]| values.windows(2).any(|pair| pair[0] != pair[1]);
    let mut rows = Vec::new();
    let data: Vec<String> = runs.iter().map(|run| printable(&run.data()).into_owned()).collect();
    if differs(&data) {
        rows.push(("Data", "The data source of the run", data));
    }
    for knob in knobs::KNOBS {
        let value = |run: &&RunRow| run.recipe.as_ref()?.get(knob.key).map(|value| knobs::plain(&value));
        let values: Vec<String> = runs.iter().map(|run| value(run).unwrap_or_default()).collect();
        if differs(&values) {
            rows.push((knob.label, knob.key, values));
        }
    }
    rows
}

/// Says in a sentence what the rows have in common where there is little to compare.
fn summary(rows: &[Difference]) -> Option<&'static str> {
    match rows {
        [] => Some("These runs have the same recipe and the same data."),
        [("Data", ..)] => Some("These runs have the same recipe for different data."),
        _ => None,
    }
}

impl RunsPage {
    /// Draws the settings and the data in which the compared runs differ.
    pub(super) fn differences(&mut self, ui: &mut Ui, p: &theme::Palette) {
        let compared = |run: &&RunRow| self.compared.contains(run.path()) && run.recipe.is_some();
        let runs: Vec<&RunRow> = self.rows.iter().filter(compared).collect();
        let rows = differences(&runs);
        let mut done = false;
        ui.horizontal(|ui| {
            section(ui, "Differences");
            widgets::flush_right(ui, |ui| done = ui.button("Clear selection").clicked());
        });
        if let Some(text) = summary(&rows) {
            weak(ui, text);
        }
        if !rows.is_empty() {
            ScrollArea::both().auto_shrink([false, false]).show(ui, |ui| {
                egui::Grid::new("differences")
                    .num_columns(runs.len() + 1)
                    .spacing(vec2(theme::GAP_XL, theme::GAP_XS))
                    .show(ui, |ui| {
                        ui.label("");
                        for run in &runs {
                            ui.label(RichText::new(run.name()).color(p.text_strong));
                        }
                        ui.end_row();
                        for (label, key, values) in rows {
                            ui.label(RichText::new(label).color(p.text_weak)).on_hover_text(key);
                            for value in values {
                                ui.label(value);
                            }
                            ui.end_row();
                        }
                    });
            });
        }
        if done {
            self.compared.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::train::{
        Recipe,
        run_folder::{RunInfo, RunSummary},
    };

    fn run(name: &str, data: &str, recipe: Recipe) -> RunRow {
        let summary = RunSummary {
            path: name.into(),
            info: Ok(RunInfo::new(name, data, "CPU")),
            steps: 0,
            last_change: SystemTime::UNIX_EPOCH,
            thumbnail: None,
            model: None,
        };
        RunRow { summary, recipe: Some(recipe) }
    }

    #[test]
    fn the_data_are_named_wherever_they_differ() {
        let (a, b) = (run("a", "/parts/a", Recipe::default()), run("b", "/parts/b", Recipe::default()));
        let rows = differences(&[&a, &b]);
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0].0, rows[0].2.as_slice()),
            ("Data", ["/parts/a".to_owned(), "/parts/b".to_owned()].as_slice())
        );
        assert_eq!(summary(&rows), Some("These runs have the same recipe for different data."));
        let mut recipe = Recipe::default();
        recipe.train.k_d += 1;
        let c = run("c", "/parts/b", recipe);
        let rows = differences(&[&a, &c]);
        assert_eq!(rows.iter().map(|row| row.1).collect::<Vec<_>>()[1..], ["train.k_d"]);
        assert_eq!((rows[0].0, summary(&rows)), ("Data", None));
        assert_eq!(summary(&differences(&[&a, &a])), Some("These runs have the same recipe and the same data."));
    }
}
