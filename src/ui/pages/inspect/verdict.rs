//! The verdict, and the scores it is based on.

use egui::{CollapsingHeader, Label, RichText, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::{
    scene::InspectScene,
    status::{query_mark, state_text, verdict_mark},
    truth,
};
use crate::{
    engine::inspection::{QueryEntry, QueryState},
    format::{capitalise, sentence},
    inspect::{Assessment, Judged, ScoreKind, evaluation::PartTruth},
    ui::{
        Frame, UiCommand,
        pages::reasons,
        theme,
        theme::{Palette, VerdictMark},
        widgets::{flush_right, rows::value_row, ticks},
    },
};

/// Draws the verdict on the selected query, and what is known of it if it is part of a test set.
pub(super) fn ui(ui: &mut Ui, scene: &InspectScene, known: Option<&PartTruth>, frame: &mut Frame<'_>) {
    let Some(entry) = scene.entry() else { return };
    let p = Palette::of(ui);
    headline(ui, query_mark(entry), &title(entry), entry.assessment().is_some());
    if let Some(known) = known {
        truth::ui(ui, known, entry, frame);
    }
    let text = explanation(entry, scene);
    ui.add(Label::new(RichText::new(text).color(p.text)).wrap().selectable(true));
    if let Some(remark) = &entry.remark {
        ui.add(Label::new(RichText::new(sentence(remark)).color(p.text_weak)).wrap().selectable(true));
    }
    ui.add_space(theme::GAP_S);
    if let Some(Judged::Verdict { assessment, threshold, .. }) = &entry.judged {
        score_bar(ui, assessment, Some(*threshold));
        ui.add_space(theme::GAP_XS);
    }
    scores(ui, scene, entry);
    ui.add_space(theme::GAP_S);
    buttons(ui, frame, entry);
}

/// Returns the verdict on a query in one word, or its state where there is none.
pub(crate) fn title(entry: &QueryEntry) -> String {
    match (entry.assessment(), &entry.state) {
        (Some(assessment), _) => assessment.verdict.title().to_uppercase(),
        (None, QueryState::Failed(_)) => "Not inspected".into(),
        (None, state) if !state.is_over() => capitalise(&state_text(entry)),
        (None, _) => "No verdict".into(),
    }
}

/// Draws the verdict in large type beside its mark, in the mark's colour if it is known.
pub(crate) fn headline(ui: &mut Ui, state: VerdictMark, word: &str, known: bool) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_height(theme::RAIL - theme::GAP_S);
        let (rect, response) = ui.allocate_exact_size(vec2(theme::GAP_XL, theme::GAP_XL), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Verdict: {}", state.title())));
        theme::paint_mark(ui.painter(), &p, state, rect.center(), 22.0);
        let colour = if known { p.verdict(state) } else { p.text_strong };
        let size =
            if word.len() > 14 || state == VerdictMark::NotThisPart { theme::figure() } else { theme::verdict() };
        ui.add(Label::new(RichText::new(word).text_style(size).color(colour)).truncate());
    });
}

/// Returns the sentence below the verdict.
fn explanation(entry: &QueryEntry, scene: &InspectScene) -> String {
    match (&entry.state, &entry.judged) {
        (QueryState::Failed(text), _) => sentence(text),
        (_, Some(judged)) => judged.describe(),
        (QueryState::Waiting, None) if scene.model().is_none() => "Starts as soon as a model is open.".into(),
        (QueryState::Waiting, None) => "Queued; the newest image is inspected first.".into(),
        (state, None) if !state.is_over() => "The verdict follows the last step.".into(),
        _ => "Stopped before it was inspected, so there are no scores and no verdict.".into(),
    }
}

/// Draws the score as a bar from 0, with the threshold marked on it.
pub(crate) fn score_bar(ui: &mut Ui, assessment: &Assessment, threshold: Option<f64>) {
    let p = Palette::of(ui);
    let threshold = threshold.filter(|t| t.is_finite() && *t > 0.0);
    let most = (threshold.unwrap_or(0.0) * 2.0).max(assessment.score * 1.1).max(1e-9);
    let figure = |v: f64| ticks::figure(Some(v as f32));
    ui.horizontal(|ui| {
        ui.label(theme::weak_caption(&p, assessment.kind.title())).on_hover_text(assessment.kind.describe());
        flush_right(ui, |ui| {
            let text = match threshold {
                Some(threshold) => format!("{}, threshold {}", figure(assessment.score), figure(threshold)),
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
    let colour = p.verdict(verdict_mark(assessment.verdict));
    painter.rect_filled(bar.with_max_x(place(assessment.score)), 2.0, colour);
    if let Some(threshold) = threshold {
        painter.vline(place(threshold), rect.y_range(), Stroke::new(2.0, p.text_strong));
    }
    response.on_hover_text("The score, and the threshold at the promised false-alarm rate.");
}

/// Draws the deciding score, and below it, folded, all scores with the facts of the inspection.
fn scores(ui: &mut Ui, scene: &InspectScene, entry: &QueryEntry) {
    let deciding = entry.assessment().map(|a| a.kind);
    if let Some(kind) = deciding {
        score_row(ui, entry, kind, true);
    }
    // Without a verdict the scores are all there is. An inspection that is still running may get one.
    let open = deciding.is_none() && entry.state.is_over();
    let header = CollapsingHeader::new("All scores").id_salt(("all-scores", open)).default_open(open);
    header.show_unindented(ui, |ui| all_scores(ui, scene, entry, deciding));
}

/// Draws the row of one score; a dash for one that the model does not provide.
fn score_row(ui: &mut Ui, entry: &QueryEntry, kind: ScoreKind, decides: bool) {
    let value = entry.scores().and_then(|s| s.known(kind)).map(|value| value as f32);
    let name = if decides { format!("{} (decides)", kind.title()) } else { kind.title().to_owned() };
    let mut help = kind.describe().to_owned();
    if decides {
        help.push_str(" The verdict is based on this score.");
    }
    value_row(ui, &name, ticks::figure(value), &help);
}

/// Draws all scores but the deciding one, the spread of the restarts, compute time and tiles.
fn all_scores(ui: &mut Ui, scene: &InspectScene, entry: &QueryEntry, deciding: Option<ScoreKind>) {
    let outcome = scene.view.as_ref().and_then(|v| v.outcome.as_ref());
    for kind in ScoreKind::ALL.into_iter().filter(|kind| deciding != Some(*kind)) {
        score_row(ui, entry, kind, false);
    }
    let last = scene.view.as_ref().and_then(|v| v.records.last());
    let spread = last.filter(|r| r.loss.len() > 1).map(|r| {
        let (low, high) = r.loss.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        format!("{} to {}, {} restarts", ticks::figure(Some(low)), ticks::figure(Some(high)), r.loss.len())
    });
    value_row(
        ui,
        "Restart spread",
        spread.unwrap_or_else(|| "–".into()),
        "Final loss of the best and the worst restart.",
    );
    let seconds = outcome.map(|o| o.seconds).or(last.map(|r| f64::from(r.seconds)));
    let seconds = seconds.map_or_else(|| "–".into(), |s| format!("{s:.1} s"));
    value_row(ui, "Compute time", seconds, "Time that the compute thread spent on this image.");
    let tiles = outcome.map_or_else(|| "–".into(), |o| ticks::grouped(o.tiles as f64, 0));
    value_row(ui, "Tiles", tiles, "Number of model-sized tiles that the image was split into.");
}

fn buttons(ui: &mut Ui, frame: &mut Frame<'_>, entry: &QueryEntry) {
    let going = !entry.state.is_over();
    let paused = entry.state == QueryState::Paused;
    ui.horizontal_wrapped(|ui| {
        let commands: &[UiCommand] = if going {
            &[UiCommand::InspectPlayPause, UiCommand::InspectStop]
        } else {
            &[UiCommand::InspectMore, UiCommand::InspectAgain, UiCommand::InspectExport]
        };
        for &command in commands {
            let title = match command {
                UiCommand::InspectPlayPause if paused => "Resume",
                UiCommand::InspectPlayPause => "Pause",
                UiCommand::InspectStop => "Stop",
                command => command.title(),
            };
            let button = egui::Button::new(title).min_size(vec2(0.0, theme::CONTROL));
            let hint = reasons::hint(command, frame.context, ui.ctx());
            let response = ui.add_enabled(command.enabled(frame.context), button).accessible_name(command.title());
            if response.on_hover_text(&hint).on_disabled_hover_text(&hint).clicked() {
                frame.command(command);
            }
        }
    });
}
