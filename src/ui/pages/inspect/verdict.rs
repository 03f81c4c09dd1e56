//! The verdict, what it rests on, and what is promised.

use egui::{DragValue, Label, ProgressBar, RichText, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::{Scene, list::state_words, verdict_state};
use crate::{
    engine,
    engine::{
        InspectionRequest,
        inspection::{QueryEntry, QueryState},
    },
    inspect::{Assessment, InvertKnobs, ScoreKind, calibration::say_grounds},
    ui::{
        Action, Frame, UiCommand, theme,
        theme::{Palette, StatusMark},
        widgets::{flush_right, ticks},
    },
};

/// Draws the verdict on the query on show.
pub fn ui(ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
    let Some(entry) = scene.entry() else { return };
    let p = Palette::of(ui);
    let state = super::mark(entry);
    headline(ui, state, &word(entry), entry.assessment.is_some());
    let words = words(entry, scene);
    ui.add(Label::new(RichText::new(words).color(p.text)).wrap().selectable(true));
    ui.add_space(theme::GAP_S);
    let calibration = scene.calibration();
    if let Some(assessment) = &entry.assessment {
        let threshold = calibration.map(|c| c.threshold(assessment.rate));
        score_bar(ui, assessment, threshold);
        ui.add_space(theme::GAP_XS);
    }
    figures(ui, scene, entry);
    ui.add_space(theme::GAP_S);
    buttons(ui, frame, entry);
}

/// The word that says how a query came out.
pub fn word(entry: &QueryEntry) -> String {
    match (&entry.assessment, &entry.state) {
        (Some(assessment), _) => assessment.verdict.title().to_uppercase(),
        (None, QueryState::Failed(_)) => "Not inspected".into(),
        (None, state) if !state.is_over() => crate::format::capitalise(&state_words(entry)),
        (None, _) => "No verdict".into(),
    }
}

/// The verdict in one word, beside the state's shape; in the state's colour where it is known.
pub fn headline(ui: &mut Ui, state: StatusMark, word: &str, known: bool) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_height(theme::RAIL - theme::GAP_S);
        let (rect, response) = ui.allocate_exact_size(vec2(theme::GAP_XL, theme::GAP_XL), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Verdict: {}", state.title())));
        theme::paint_state(ui.painter(), &p, state, rect.center(), 22.0);
        let colour = if known { p.state(state) } else { p.text_strong };
        let size = if word.len() > 14 { theme::figure() } else { theme::verdict() };
        ui.add(Label::new(RichText::new(word).text_style(size).color(colour)).truncate());
    });
}

/// What there is to say under the verdict.
fn words(entry: &QueryEntry, scene: &Scene) -> String {
    match (&entry.state, &entry.assessment) {
        (QueryState::Failed(text), _) => crate::format::sentence(text),
        (_, Some(assessment)) => crate::format::sentence(&assessment.words()),
        (QueryState::Waiting, None) if scene.model().is_none() => "Begins as soon as a model is in force.".into(),
        (QueryState::Waiting, None) => "Begins when its turn comes; the newest image goes first.".into(),
        (state, None) if !state.is_over() => "The verdict comes with the last step.".into(),
        _ => "Its scores stand below; without a calibration they cannot be judged.".into(),
    }
}

/// The score against the threshold, on one bar from 0.
pub fn score_bar(ui: &mut Ui, assessment: &Assessment, threshold: Option<f64>) {
    let p = Palette::of(ui);
    let threshold = threshold.filter(|t| t.is_finite() && *t > 0.0);
    let most = (threshold.unwrap_or(0.0) * 2.0).max(assessment.score * 1.1).max(1e-9);
    let figure = |v: f64| ticks::figure(Some(v as f32));
    ui.horizontal(|ui| {
        ui.label(theme::weak_caption(&p, assessment.kind.title())).on_hover_text(assessment.kind.describe());
        flush_right(ui, |ui| {
            let text = match threshold {
                Some(threshold) => format!("{}, alarm above {}", figure(assessment.score), figure(threshold)),
                None => figure(assessment.score),
            };
            ui.label(RichText::new(text).text_style(theme::caption()).color(p.text_strong));
        });
    });
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme::GAP_M), Sense::hover());
    response.widget_info(|| {
        let text = format!("Score {} against threshold {}", assessment.score, threshold.unwrap_or(f64::NAN));
        WidgetInfo::labeled(Role::Meter, true, text)
    });
    let painter = ui.painter();
    let bar = rect.shrink2(vec2(0.0, 3.0));
    painter.rect_filled(bar, 2.0, p.control);
    let place = |v: f64| bar.left() + (v / most).clamp(0.0, 1.0) as f32 * bar.width();
    let colour = p.state(verdict_state(assessment.verdict));
    painter.rect_filled(bar.with_max_x(place(assessment.score)), 2.0, colour);
    if let Some(threshold) = threshold {
        painter.vline(place(threshold), rect.y_range(), Stroke::new(2.0, p.text_strong));
    }
    response.on_hover_text("The score, and the threshold that follows from the promised rate.");
}

/// Every score, the spread of the restarts, and the time it took.
fn figures(ui: &mut Ui, scene: &Scene, entry: &QueryEntry) {
    let outcome = scene.view.as_ref().and_then(|v| v.outcome.as_ref());
    let deciding = entry.assessment.as_ref().map(|a| a.kind);
    // A model without a critic, or without a calibration, has no such scores.
    let lacks = |kind: &ScoreKind| {
        let value = entry.scores.as_ref().map(|s| s.get(*kind));
        let later = [ScoreKind::Critic, ScoreKind::CriticDistance, ScoreKind::CriticPattern, ScoreKind::Fused];
        later.contains(kind) && value.is_none_or(|v| v == 0.0)
    };
    for kind in ScoreKind::ALL.into_iter().filter(|kind| !lacks(kind)) {
        let value = entry.scores.as_ref().map(|s| s.get(kind) as f32);
        let name = if deciding == Some(kind) { format!("{}, decides", kind.title()) } else { kind.title().to_owned() };
        let mut help = kind.describe().to_owned();
        if deciding == Some(kind) {
            help.push_str(" The verdict goes by this score.");
        }
        row(ui, &name, ticks::figure(value), &help);
    }
    let last = scene.view.as_ref().and_then(|v| v.records.last());
    let spread = last.filter(|r| r.loss.len() > 1).map(|r| {
        let (low, high) = r.loss.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        format!("{} to {}, {} starts", ticks::figure(Some(low)), ticks::figure(Some(high)), r.loss.len())
    });
    row(
        ui,
        "Spread of restarts",
        spread.unwrap_or_else(|| "–".into()),
        "Final loss of the best and the worst restart.",
    );
    let seconds = outcome.map(|o| o.seconds).or(last.map(|r| f64::from(r.seconds)));
    let seconds = seconds.map_or_else(|| "–".into(), |s| format!("{s:.1} s"));
    row(ui, "Time at work", seconds, "Seconds that the compute thread spent on this image.");
    let tiles = outcome.map_or_else(|| "–".into(), |o| ticks::grouped(o.tiles as f64, 0));
    row(ui, "Tiles", tiles, "Tiles of the model's size that the image was cut into.");
}

/// A name and its figure, flush right.
pub fn row(ui: &mut Ui, name: &str, value: String, help: &str) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_height(theme::ROW_TIGHT);
        ui.spacing_mut().interact_size.y = theme::ROW_TIGHT;
        ui.label(RichText::new(name).color(p.text_weak)).on_hover_text(help);
        flush_right(ui, |ui| {
            ui.add(Label::new(RichText::new(value.clone()).color(p.text_strong)).truncate()).on_hover_text(value);
        });
    });
}

fn buttons(ui: &mut Ui, frame: &mut Frame<'_>, entry: &QueryEntry) {
    let going = !entry.state.is_over();
    let paused = entry.state == QueryState::Paused;
    ui.horizontal_wrapped(|ui| {
        let commands: &[(UiCommand, &str)] = if going {
            &[(UiCommand::InspectPlayPause, ""), (UiCommand::InspectStop, "Stop")]
        } else {
            &[
                (UiCommand::InspectMore, "More steps"),
                (UiCommand::InspectAgain, "Other seed"),
                (UiCommand::InspectExport, "Export…"),
            ]
        };
        for (command, title) in commands {
            let title = match (title.is_empty(), paused) {
                (true, true) => "Go on",
                (true, false) => "Pause",
                (false, _) => title,
            };
            let button = egui::Button::new(title).min_size(vec2(0.0, theme::CONTROL));
            let tooltip = command.tooltip(ui.ctx());
            let response = ui.add_enabled(command.enabled(frame.facts), button).accessible_name(command.title());
            if response.on_hover_text(&tooltip).on_disabled_hover_text(&tooltip).clicked() {
                frame.command(*command);
            }
        }
    });
}

/// The promised false-alarm rate, and the calibration that it rests on. `wanted` are the knobs in force.
pub fn promise(ui: &mut Ui, scene: &Scene, wanted: &InvertKnobs, frame: &mut Frame<'_>) {
    if scene.model().is_none() {
        return;
    }
    let p = Palette::of(ui);
    let ask = |frame: &mut Frame<'_>, inspect| frame.actions.push(Action::Engine(engine::Command::Inspect(inspect)));
    crate::ui::pages::section(ui, "Promise");
    let calibration = scene.calibration_for(wanted);
    if let Some((done, total)) = scene.status.calibrating {
        // Nothing is known of them while their folder is being read.
        ui.label(match total {
            0 => "Calibrating, reading the held-out images".to_owned(),
            _ => format!("Calibrating, {done} of {total} held-out images"),
        });
        let share = if total == 0 { 0.0 } else { done as f32 / total as f32 };
        ui.add(ProgressBar::new(share).desired_height(theme::GAP_S).fill(p.accent)).accessible_name("Calibration");
        if ui.button("Cancel").on_hover_text("Ends the calibration without a result").clicked() {
            ask(frame, InspectionRequest::CancelCalibrate);
        }
    } else if calibration.is_none() {
        ui.horizontal_top(|ui| {
            theme::state_icon(ui, StatusMark::Suspect);
            ui.add(Label::new("This model is not calibrated for these settings.").wrap());
        });
        let button = egui::Button::new("Calibrate").min_size(vec2(0.0, theme::CONTROL));
        let tip = "Inspects the model's held-out healthy images with these settings, so that verdicts can be given.";
        if ui.add(button).on_hover_text(tip).clicked() {
            ask(frame, InspectionRequest::Calibrate);
        }
    }
    if let Some(calibration) = calibration {
        let rate = scene.status.rate.unwrap_or_else(|| calibration.default_rate());
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP_XS;
            ui.label("At most");
            // A drag is asked for once, at its end.
            let id = ui.scope_id().with("rate");
            let pending = ui.data(|d| d.get_temp::<f64>(id));
            let mut alarms = pending.unwrap_or(rate * 1000.0);
            let edit = DragValue::new(&mut alarms)
                .range(1.0..=500.0)
                .speed(1.0)
                .max_decimals(1)
                .update_while_editing(false)
                .min_size(vec2(theme::FIGURE_COLUMN, theme::CONTROL));
            let edit = ui.name_inputs("False alarms in 1,000 good parts", |ui| ui.add(edit));
            if edit.dragged() {
                ui.data_mut(|d| d.insert_temp(id, alarms));
            } else if edit.changed() || pending.is_some() {
                ui.data_mut(|d| d.remove::<f64>(id));
                ask(frame, InspectionRequest::Rate((alarms / 1000.0).clamp(1e-6, 0.5)));
            }
            edit.on_hover_text("The false-alarm rate that verdicts promise");
            ui.label("false alarms");
        });
        ui.label("in 1,000 good parts.");
        let text = say_grounds(calibration.held_out.len(), rate);
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
        if scene.entry().and_then(|e| e.size).is_some_and(|size| !calibration.suits(size)) {
            ui.horizontal_top(|ui| {
                theme::state_icon(ui, StatusMark::Suspect);
                let text = format!("They are {}. This image is not, so the promise is a guess.", calibration.sizes());
                ui.add(Label::new(text).wrap());
            });
        }
    }
    if let Some(refused) = &scene.status.rate_refused {
        ui.horizontal_top(|ui| {
            theme::state_icon(ui, StatusMark::Suspect);
            ui.add(Label::new(crate::format::sentence(refused)).wrap().selectable(true));
        });
    }
}
