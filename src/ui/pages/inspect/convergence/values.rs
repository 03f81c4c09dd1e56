//! Values of the step on screen, and progress of the inspection.

use egui::{Label, RichText, Ui};

use crate::{
    engine::inspection::{QueryEntry, QueryState, QueryView},
    inspect::StepRecord,
    ui::{
        theme,
        theme::Palette,
        widgets::{flush_right, ticks},
    },
};

/// Draws the values of the step on screen, or of the last one where no reconstruction is shown.
pub(super) fn ui(ui: &mut Ui, entry: &QueryEntry, view: &QueryView, shown: Option<usize>) {
    let p = Palette::of(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().interact_size.y = theme::ROW_VALUE;
    for (name, value, help) in rows(entry, &view.records, shown) {
        if ui.available_height() < theme::ROW_VALUE {
            break;
        }
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW_VALUE + 2.0);
            ui.label(theme::weak_caption(&p, name)).on_hover_text(help);
            flush_right(ui, |ui| {
                let text = RichText::new(value).text_style(theme::caption()).color(p.text_strong);
                ui.add(Label::new(text).truncate());
            });
        });
    }
}

/// Returns name, value and tooltip of each row.
fn rows(entry: &QueryEntry, records: &[StepRecord], shown: Option<usize>) -> [(&'static str, String, &'static str); 6] {
    let record = match shown {
        Some(step) => records.get(records.partition_point(|r| r.step < step)).or(records.last()),
        None => records.last(),
    };
    let best = record.and_then(|r| r.loss.get(r.best).copied());
    let going = matches!(entry.state, QueryState::Running);
    let speed = (entry.steps_per_second > 0.0).then_some(entry.steps_per_second);
    let speed = speed.or_else(|| {
        let seconds = records.last().map(|r| f64::from(r.seconds)).filter(|s| *s > 0.0)?;
        Some(records.last()?.step as f64 / seconds)
    });
    let speed = speed.map_or_else(|| "–".to_owned(), |s| if s < 10.0 { format!("{s:.1}") } else { format!("{s:.0}") });
    let left = match (&entry.state, entry.seconds_left) {
        (QueryState::Running, Some(seconds)) => ticks::span(seconds),
        (QueryState::Paused, _) => "paused".to_owned(),
        (QueryState::Stopped, _) => "stopped".to_owned(),
        (state, _) if state.is_over() => "done".to_owned(),
        _ => "–".to_owned(),
    };
    let last = records.last().map_or(entry.step, |r| r.step);
    let count = |n: usize| ticks::grouped(n as f64, 0);
    // The final reconstruction follows the last step, and has no record of its own.
    let shown = shown.unwrap_or(if entry.state.is_over() { entry.step.max(last) } else { last });
    let steps = format!("{} / {}", count(shown), count(entry.steps.max(last)));
    let norm = record.map_or_else(|| "–".to_owned(), |r| format!("{:.2}", r.z_norm));
    [
        ("Step", steps, "Displayed step and number of planned steps"),
        ("Loss", ticks::figure(best), "Loss of the best restart, per pixel"),
        (
            "Residual",
            ticks::figure(record.map(|r| r.residual)),
            "Difference between image and reconstruction, per pixel",
        ),
        ("|z| / prior", norm, "Norm of z relative to the prior"),
        ("Steps/s", speed, "Steps per second"),
        if going { ("Left", left, "Time left") } else { ("State", left, "State of the inspection") },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::inspection::{Query, QueryId, QuerySource};

    #[test]
    fn the_step_is_that_of_the_reconstruction_on_show() {
        let query = Query { id: QueryId::fresh(), name: "a".into(), source: QuerySource::File("a".into()) };
        let entry = QueryEntry { state: QueryState::Running, step: 14, ..QueryEntry::waiting(&query, 20) };
        let records: Vec<StepRecord> = (0..14)
            .map(|step| StepRecord {
                step,
                loss: vec![step as f32],
                best: 0,
                residual: 0.0,
                feature: 0.0,
                prior: 0.0,
                z_norm: 1.0,
                seconds: step as f32,
            })
            .collect();
        // Every fifth reconstruction is stored; its heading says "step 10".
        let [step, loss, ..] = rows(&entry, &records, Some(10));
        assert_eq!((step.1.as_str(), loss.1.as_str()), ("10 / 20", ticks::figure(Some(10.0)).as_str()));
        let done = QueryEntry { state: QueryState::Done, step: 20, ..entry };
        assert_eq!(rows(&done, &records, Some(20))[0].1, "20 / 20");
        assert_eq!(rows(&done, &records, None)[0].1, "20 / 20");
    }
}
