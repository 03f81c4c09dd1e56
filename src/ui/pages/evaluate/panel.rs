//! The panel beside the table: promised rate, scores, metrics with their confidence intervals, and the test's data.

use egui::{
    Align2, Grid, Label, Painter, Response, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::{
    calibrate, confusion_matrix,
    outcome::ImageFilter,
    results::{ScoreResults, ThresholdResults},
    scene::{EvaluateScene, RateStatus},
};
use crate::{
    format::{counted, sentence},
    inspect::{
        ScoreKind,
        calibration::promise_grounds,
        evaluation::{Estimate, Metrics},
    },
    text::PrintablePath,
    ui::{
        Frame, UiCommand,
        pages::{
            command_button::command_button,
            promised_rate::{alarms, rate_sentence},
            section, weak,
        },
        theme,
        theme::{NoticeMark, Palette},
        widgets::{
            elided, flush_right,
            rows::{marked_text, named_row, value_row},
            ticks,
        },
    },
};

/// Maximum number of excluded images listed.
const LISTED: usize = 50;

/// A request of the panel to the page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PanelRequest {
    /// Select another score.
    Score(ScoreKind),
    /// Select another promised rate.
    Rate(f64),
    /// List these images only.
    Filter(ImageFilter),
    /// List this defect type only, or all again.
    DefectType(String),
}

/// The panel's data and settings.
pub(crate) struct PanelView<'a> {
    pub scene: &'a EvaluateScene,
    pub scored: &'a ScoreResults,
    pub judged: Option<&'a ThresholdResults>,
    pub metrics: Option<&'a Metrics>,
    pub rate: &'a RateStatus,
    pub filter: ImageFilter,
    pub only: Option<&'a str>,
}

/// Draws the panel over all of `ui`.
pub(crate) fn ui(ui: &mut Ui, view: &PanelView<'_>, frame: &mut Frame<'_>) -> Option<PanelRequest> {
    let mut request = None;
    egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_width(ui.available_width() - theme::GAP_S);
        request = promised_rate(ui, view, frame);
        if let Some(judged) = view.judged {
            ui.add_space(theme::GAP_S);
            let filter = confusion_matrix::ui(ui, &judged.confusion, view.filter);
            request = request.take().or(filter.map(PanelRequest::Filter));
            confusion_matrix::summary(ui, &judged.confusion, view.scored.not_this_part);
        }
        apply_rate(ui, view, frame);
        ui.add_space(theme::GAP_M);
        request = request.take().or(scores(ui, view));
        label_weights(ui, view, frame);
        ui.add_space(theme::GAP_M);
        metrics(ui, view);
        request = request.take().or(defect_types(ui, view));
        localisation(ui, view);
        ui.add_space(theme::GAP_M);
        about(ui, view);
    });
    request
}

/// Draws the editor of the promised rate, and why the rate may not hold.
fn promised_rate(ui: &mut Ui, view: &PanelView<'_>, frame: &mut Frame<'_>) -> Option<PanelRequest> {
    let p = Palette::of(ui);
    section(ui, "Promised rate");
    let Some(rate) = view.rate.rate else {
        let text = "This test was run without a calibration, so no false-alarm rate can be promised and the \
                    threshold can be moved freely. It starts at the best F1 on these images, which is optimistic.";
        marked_text(ui, NoticeMark::Warning, text);
        calibrate::ui(ui, view.scene, frame);
        return None;
    };
    let mut request = None;
    let mut alarms = rate * 1000.0;
    let edit = rate_sentence(ui, &mut alarms, 0.1, "Promised false alarms in 1,000 healthy parts");
    if edit.changed() {
        request = Some(PanelRequest::Rate(alarms / 1000.0));
    }
    edit.on_hover_text(
        "Sets the threshold from held-out healthy images only. The active model promises it at once, with undo.",
    );
    if let Some(refused) = &view.rate.refused {
        marked_text(ui, NoticeMark::Warning, sentence(refused));
    }
    let n = view.scored.held_out.len();
    ui.add(Label::new(theme::weak_caption(&p, promise_grounds(n, rate))).wrap());
    if view.scored.other_size > 0 {
        let text = format!(
            "{} of a different size than these; there the promised rate may not hold.",
            counted(view.scored.other_size, "test image")
        );
        marked_text(ui, NoticeMark::Warning, text);
    }
    request
}

/// Draws the button that applies the rate to the active model, and a description of the change.
fn apply_rate(ui: &mut Ui, view: &PanelView<'_>, frame: &mut Frame<'_>) {
    if view.rate.rate.is_none() {
        return;
    }
    let p = Palette::of(ui);
    let command = UiCommand::EvaluateAdopt;
    let status = view.rate;
    ui.add_space(theme::GAP_S);
    let enabled = command.enabled(frame.context);
    let title = match status.decides || !status.same_model {
        true => "Apply this rate",
        false => command.title(),
    };
    let button = match enabled {
        true => theme::primary_button(&p, title),
        false => egui::Button::new(title).min_size(vec2(0.0, theme::ROW)),
    };
    let tooltip = command.tooltip(ui.ctx());
    if ui.add_enabled(enabled, button).on_hover_text(&tooltip).on_disabled_hover_text(&tooltip).clicked() {
        frame.command(command);
    }
    let model = &view.scored.evaluation.header.model.name;
    let text = match (status.same_model, status.active) {
        (false, _) => format!("{model} is not the active model. Open it to change its rate."),
        (true, true) => format!("This rate is active in {model}."),
        (true, false) => {
            let own = status.model_rate.map(|rate| format!(" currently promises {}", alarms(rate)));
            let file = match view.scene.model().and_then(|m| m.path.clone()) {
                Some(path) => format!("The change is saved to {}.", path.printable()),
                None => "It has no file yet: save it on the Inspect page to keep the change.".to_owned(),
            };
            format!("{model}{}. {file}", own.unwrap_or_default())
        }
    };
    ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    let by = view.scored.evaluation.score;
    if by != view.scored.kind {
        let text = format!("Verdicts use {}; the table and the curves show {}.", by.title(), view.scored.kind.title());
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
}

/// Draws the scores that the model computes, each with its AUROC; a click selects one.
fn scores(ui: &mut Ui, view: &PanelView<'_>) -> Option<PanelRequest> {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        section(ui, "Score");
        flush_right(ui, |ui| ui.label(theme::weak_caption(&p, "AUROC")));
    });
    let mut request = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    let font = egui::TextStyle::Body.resolve(ui.style());
    let best = view.scored.scores.iter().filter_map(|(_, auroc)| *auroc).fold(0.0, f64::max);
    for (kind, auroc) in &view.scored.scores {
        let on = *kind == view.scored.kind;
        let size = vec2(ui.available_width(), theme::CONTROL);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let decides = *kind == view.scored.evaluation.score;
        let title = if decides { format!("{} (decides)", kind.title()) } else { kind.title().to_owned() };
        let value = auroc.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, format!("{title}: AUROC {value}")));
        let painter = ui.painter();
        row_background(painter, &p, &response, on);
        let strong = auroc.is_some_and(|v| v == best);
        let colour = if on || strong { p.text_strong } else { p.text };
        let bar = rect.with_min_x(rect.right() - theme::FIGURE_COLUMN - theme::SCORE_BAR);
        let bar = bar.with_max_x(rect.right() - theme::FIGURE_COLUMN).shrink2(vec2(0.0, 8.0));
        painter.rect_filled(bar, 1.0, if on { p.panel } else { p.control });
        if let Some(auroc) = auroc {
            // The bar starts at chance.
            let share = ((auroc - 0.5) * 2.0).clamp(0.0, 1.0) as f32;
            painter.rect_filled(bar.with_max_x(bar.left() + share * bar.width()), 1.0, p.accent);
        }
        let width = bar.left() - rect.left() - theme::GAP_M;
        let name = elided(ui, &title, font.clone(), colour, width);
        let at = pos2(rect.left() + theme::GAP_XS, rect.center().y - name.size().y / 2.0);
        painter.galley(at, name, colour);
        let at = rect.right_center() - vec2(theme::GAP_XS, 0.0);
        painter.text(at, Align2::RIGHT_CENTER, &value, font.clone(), colour);
        let help = format!("{} The bar is empty at 0.5, the level of chance.", kind.describe());
        if response.on_hover_text(help).clicked() && !on {
            request = Some(PanelRequest::Score(*kind));
        }
    }
    ui.spacing_mut().item_spacing.y = theme::GAP_XS;
    request
}

/// Draws the offer to reweight the combined score using labelled defects, or the caution once that was done.
fn label_weights(ui: &mut Ui, view: &PanelView<'_>, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let labelled = view.scored.evaluation.calibration.as_ref().and_then(|c| c.labelled.as_ref());
    if !view.rate.reweight && labelled.is_none() {
        return;
    }
    ui.add_space(theme::GAP_XS);
    match labelled {
        Some(labelled) => {
            marked_text(ui, NoticeMark::Warning, labelled.caution());
            command_button(ui, UiCommand::EvaluateUnweight, "Reweight without labels", frame);
        }
        None => {
            let text = "The combined score is weighted using synthetic defects; no labels are used.";
            ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
            let command = UiCommand::EvaluateReweight;
            command_button(ui, command, command.title(), frame);
        }
    }
}

/// Draws the metrics, each with its confidence interval.
fn metrics(ui: &mut Ui, view: &PanelView<'_>) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        section(ui, "Metrics");
        flush_right(ui, |ui| {
            let help = "95 % confidence interval, by resampling the test images (bootstrap)";
            ui.label(theme::weak_caption(&p, "95 % interval")).on_hover_text(help);
        });
    });
    let m = view.metrics;
    let s = view.scored;
    let auroc = s.scores.iter().find(|(kind, _)| *kind == s.kind).and_then(|(_, auroc)| *auroc);
    let at = |rate: f64| s.evaluation.threshold(s.kind, rate);
    let caught = |rate: f64| at(rate).and_then(|t| s.evaluation.confusion(s.kind, t).caught_share());
    let n = s.held_out.len();
    let few = |percent: u32| {
        format!("A promised rate of {percent} % needs at least {} held-out images.", 100_u32.div_ceil(percent) - 1)
    };
    let caught_help = |percent: u32, known: bool| match known {
        false => few(percent),
        true => format!(
            "Share of defective parts caught at a promised false-alarm rate of {percent} % (TPR at {percent} % FPR), \
             with the threshold set on held-out images"
        ),
    };
    let rows: [(&str, Option<f64>, Option<Estimate>, String); 5] = [
        (
            "AUROC",
            auroc,
            m.and_then(|m| m.auroc),
            "Area under the ROC curve: how often a defective part scores higher than a healthy one. 0.5 is chance, 1 \
             is perfect"
                .into(),
        ),
        (
            "Average precision",
            s.average_precision,
            m.and_then(|m| m.average_precision),
            "Mean precision over all thresholds (area under the precision-recall curve); lower where defects are rare"
                .into(),
        ),
        (
            "Best F1",
            s.best_f1,
            m.and_then(|m| m.f1),
            "Highest F1 of all thresholds. It is chosen on the test images and therefore optimistic".into(),
        ),
        ("Caught at 1 %", caught(0.01), m.and_then(|m| m.caught_at_1), caught_help(1, at(0.01).is_some())),
        ("Caught at 5 %", caught(0.05), m.and_then(|m| m.caught_at_5), caught_help(5, at(0.05).is_some())),
    ];
    for (name, value, estimate, help) in rows {
        metric_row(ui, name, value, estimate.zip(m), &help);
    }
    if at(0.01).is_none() && n > 0 {
        ui.add(Label::new(theme::weak_caption(&p, few(1))).wrap());
    }
}

/// Draws a metric: name, value, and confidence interval.
fn metric_row(ui: &mut Ui, name: &str, value: Option<f64>, estimate: Option<(Estimate, &Metrics)>, help: &str) {
    let p = Palette::of(ui);
    let interval = estimate.filter(|_| value.is_some()).map(|(e, m)| e.interval(m.healthy, m.defective));
    let why = interval.as_ref().and_then(|interval| interval.as_ref().err());
    let help = &why.map_or_else(|| help.to_owned(), |why| format!("{help}. {why}"));
    named_row(ui, name, help, |ui| {
        let cell = |ui: &mut Ui, width: f32, text: RichText| {
            let layout = egui::Layout::right_to_left(egui::Align::Center);
            ui.allocate_ui_with_layout(vec2(width, theme::ROW_TIGHT), layout, |ui| {
                ui.set_min_width(width);
                ui.label(text).on_hover_text(help);
            });
        };
        let interval = match &interval {
            Some(Ok((low, high))) => format!("{low:.3} to {high:.3}"),
            Some(Err(_)) => "–".to_owned(),
            None => String::new(),
        };
        cell(ui, theme::INTERVAL, theme::weak_caption(&p, interval));
        let value = value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
        cell(ui, theme::FIGURE_COLUMN, RichText::new(value).color(p.text_strong));
    });
}

/// Draws the defect types with the number caught; a click lists the images of one.
fn defect_types(ui: &mut Ui, view: &PanelView<'_>) -> Option<PanelRequest> {
    let defect_types = &view.scored.defect_types;
    if defect_types.is_empty() {
        return None;
    }
    let p = Palette::of(ui);
    let mut request = None;
    ui.add_space(theme::GAP_M);
    ui.horizontal(|ui| {
        section(ui, "Defect types");
        flush_right(ui, |ui| {
            ui.add_sized(vec2(theme::FIGURE_COLUMN, theme::ROW_VALUE), Label::new(theme::weak_caption(&p, "AUROC")));
            ui.add_sized(vec2(theme::CAUGHT, theme::ROW_VALUE), Label::new(theme::weak_caption(&p, "caught")));
        });
    });
    let font = egui::TextStyle::Body.resolve(ui.style());
    ui.spacing_mut().item_spacing.y = 0.0;
    for (i, defect) in defect_types.iter().enumerate() {
        let on = view.only == Some(defect.defect_type.as_str());
        let size = vec2(ui.available_width(), theme::CONTROL);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let caught = view.judged.and_then(|j| j.caught.get(i)).map(|n| format!("{n} of {}", defect.count));
        let caught = caught.unwrap_or_else(|| format!("– of {}", defect.count));
        let auroc = defect.auroc.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
        response.widget_info(|| {
            WidgetInfo::selected(
                Role::Button,
                true,
                on,
                format!("{}: {caught} caught, AUROC {auroc}", defect.defect_type),
            )
        });
        let painter = ui.painter();
        row_background(painter, &p, &response, on);
        let right = rect.right() - theme::GAP_XS;
        let y = rect.center().y;
        painter.text(pos2(right, y), Align2::RIGHT_CENTER, auroc, font.clone(), p.text_strong);
        let at = right - theme::FIGURE_COLUMN - theme::GAP_S;
        painter.text(pos2(at, y), Align2::RIGHT_CENTER, caught, font.clone(), p.text_strong);
        let width = at - theme::CAUGHT - rect.left();
        let name = elided(ui, &defect.defect_type, font.clone(), p.text, width);
        painter.galley(pos2(rect.left() + theme::GAP_XS, y - name.size().y / 2.0), name, p.text);
        let help = "AUROC of this defect type against all healthy images. Click to list its images.";
        if response.on_hover_text(help).clicked() {
            request = Some(PanelRequest::DefectType(defect.defect_type.clone()));
        }
    }
    ui.spacing_mut().item_spacing.y = theme::GAP_XS;
    request
}

/// Draws the pixel metrics of the anomaly maps.
fn localisation(ui: &mut Ui, view: &PanelView<'_>) {
    let pixels = &view.scored.evaluation.pixels;
    if pixels.iter().all(|figures| figures.regions == 0) {
        return;
    }
    let p = Palette::of(ui);
    ui.add_space(theme::GAP_M);
    section(ui, "Localisation");
    Grid::new("pixels").num_columns(4).spacing(vec2(theme::GAP_M, 2.0)).show(ui, |ui| {
        ui.label(theme::weak_caption(&p, "map"));
        for (title, help) in [
            ("AUROC", "Pixel AUROC: how often a defective pixel has a higher value on the map than a healthy one"),
            ("AUPRO", "Mean overlap per defect, up to a pixel false-positive rate of 30 % (Bergmann et al. 2019)"),
            ("IoU", "Highest intersection over union of flagged and defective pixels, of all thresholds"),
        ] {
            ui.label(theme::weak_caption(&p, title)).on_hover_text(help);
        }
        ui.end_row();
        for figures in pixels {
            ui.label(RichText::new(figures.map.title()).color(p.text_weak));
            for value in [figures.auroc, figures.aupro, figures.iou] {
                let text = value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
                ui.label(RichText::new(text).color(p.text_strong));
            }
            ui.end_row();
        }
    });
    let defects = pixels.iter().map(|f| f.regions).max().unwrap_or_default();
    weak(ui, format!("Measured against the masks of {} defects.", ticks::grouped(defects as f64, 0)));
}

/// Draws the model, data and settings of the test, and the images left out.
fn about(ui: &mut Ui, view: &PanelView<'_>) {
    let evaluation = &view.scored.evaluation;
    section(ui, "Test");
    let p = Palette::of(ui);
    let lines = [
        ("Model", evaluation.header.model.name.clone(), "The tested model"),
        ("Training steps", ticks::grouped(evaluation.header.model.step as f64, 0), "Training steps of the model"),
        ("Images", evaluation.header.data.clone(), "Source of the test images"),
        (
            "Maximum steps of z",
            ticks::grouped(evaluation.header.knobs.steps as f64, 0),
            "Limit of the latent optimisation, as set on the Inspect page",
        ),
    ];
    for (name, value, help) in lines {
        value_row(ui, name, value, help);
    }
    for line in &evaluation.header.about {
        ui.add(Label::new(theme::weak_caption(&p, sentence(line))).wrap());
    }
    if view.scene.status.known > 0 {
        let known = counted(view.scene.status.known, "image");
        let text = format!("Results of {known} inspected before were reused.");
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
    let left = &evaluation.excluded;
    if left.is_empty() {
        return;
    }
    let title = format!("{} left out", ticks::grouped(left.len() as f64, 0));
    egui::CollapsingHeader::new(title).id_salt("left-out").show(ui, |ui| {
        for (i, left) in left.iter().enumerate() {
            if i == LISTED {
                let text = format!("and {} more; the report lists all of them.", evaluation.excluded.len() - LISTED);
                ui.label(theme::weak_caption(&p, text));
                break;
            }
            let text = format!("{}: {}", left.name, sentence(&left.reason));
            ui.add(Label::new(theme::weak_caption(&p, text)).wrap().selectable(true));
        }
    });
}

/// Draws the background of a selectable row: selected, hovered, or focused.
fn row_background(painter: &Painter, p: &Palette, response: &Response, on: bool) {
    let rect = response.rect;
    if on {
        painter.rect_filled(rect, theme::RADIUS, p.selection);
    } else if response.hovered() {
        painter.rect_filled(rect, theme::RADIUS, p.control);
    }
    if response.has_focus() {
        painter.rect_stroke(rect, theme::RADIUS, Stroke::new(theme::HAIRLINE, p.accent), StrokeKind::Inside);
    }
}
