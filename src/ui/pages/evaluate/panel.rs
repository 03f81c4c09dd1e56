//! The promise and what it costs, every figure with its interval, and what was tested on what.

use egui::{
    Align2, DragValue, Grid, Label, Painter, ProgressBar, Rect, Response, RichText, Role, Sense, Stroke, StrokeKind,
    Ui, WidgetInfo, pos2, vec2,
};

use super::{
    RateStatus, Scene,
    figures::{ImageFilter, Judged, Scored},
};
use crate::{
    engine,
    engine::{InspectionRequest, inspection::ModelFacts},
    format::{counted, sentence},
    inspect::{
        ScoreKind,
        calibration::say_grounds,
        evaluation::metrics::{Estimate, Metrics},
    },
    ui::{
        Action, Frame, UiCommand,
        pages::{section, weak},
        theme,
        theme::{Palette, StatusMark},
        widgets::{flush_right, ticks},
    },
};

/// What the user asks of the panel.
#[derive(Clone, Debug, PartialEq)]
pub enum PanelRequest {
    /// Another score.
    Score(ScoreKind),
    /// Another promised rate.
    Rate(f64),
    /// These images only.
    Show(ImageFilter),
    /// This kind of defect only, or all again.
    Kind(String),
}

/// What the panel shows.
pub struct PanelView<'a> {
    pub scene: &'a Scene,
    pub scored: &'a Scored,
    pub judged: Option<&'a Judged>,
    pub metrics: Option<&'a Metrics>,
    pub standing: &'a RateStatus,
    pub show: ImageFilter,
    pub only: Option<&'a str>,
}

/// Draws the panel over all of `ui`.
pub fn ui(ui: &mut Ui, view: &PanelView<'_>, frame: &mut Frame<'_>) -> Option<PanelRequest> {
    let mut wish = None;
    egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_width(ui.available_width() - theme::GAP_S);
        wish = promise(ui, view, frame);
        if let Some(judged) = view.judged {
            ui.add_space(theme::GAP_S);
            wish = wish.take().or(matrix(ui, view, judged));
            cost(ui, judged);
        }
        adopt(ui, view, frame);
        ui.add_space(theme::GAP_M);
        wish = wish.take().or(scores(ui, view));
        labels(ui, view, frame);
        ui.add_space(theme::GAP_M);
        figures(ui, view);
        wish = wish.take().or(kinds(ui, view));
        pixels(ui, view);
        ui.add_space(theme::GAP_M);
        about(ui, view);
    });
    wish
}

fn promise(ui: &mut Ui, view: &PanelView<'_>, frame: &mut Frame<'_>) -> Option<PanelRequest> {
    let p = Palette::of(ui);
    section(ui, "Promise");
    let Some(rate) = view.standing.rate else {
        ui.horizontal_top(|ui| {
            theme::state_icon(ui, StatusMark::Suspect);
            let text = "This test was made without a calibration, so no rate can be promised; the line can be moved \
                        freely. It stands where F1 is largest on these very images, which flatters.";
            ui.add(Label::new(text).wrap());
        });
        calibrate(ui, view.scene, frame);
        return None;
    };
    let mut wish = None;
    ui.horizontal(|ui| {
        ui.label("At most");
        let mut alarms = rate * 1000.0;
        let edit = DragValue::new(&mut alarms)
            .range(0.1..=500.0)
            .speed(1.0)
            .max_decimals(1)
            .update_while_editing(false)
            .min_size(vec2(theme::FIGURE_COLUMN, theme::CONTROL));
        let edit = ui.name_inputs("Promised false alarms in 1,000 good parts", |ui| ui.add(edit));
        if edit.changed() {
            wish = Some(PanelRequest::Rate(alarms / 1000.0));
        }
        edit.on_hover_text("Sets the threshold, from held-out healthy images alone");
        ui.label("false alarms");
    });
    ui.label("in 1,000 good parts.");
    if let Some(refused) = &view.standing.refused {
        ui.horizontal_top(|ui| {
            theme::state_icon(ui, StatusMark::Suspect);
            ui.add(Label::new(sentence(refused)).wrap().selectable(true));
        });
    }
    let n = view.scored.held_out.len();
    ui.add(Label::new(theme::weak_caption(&p, say_grounds(n, rate))).wrap());
    if view.scored.unlike > 0 {
        ui.horizontal_top(|ui| {
            theme::state_icon(ui, StatusMark::Suspect);
            let text = format!(
                "{} larger or smaller than they are; there the promise is a guess.",
                counted(view.scored.unlike, "test image")
            );
            ui.add(Label::new(text).wrap());
        });
    }
    wish
}

/// The offer to calibrate the model in force, or how far that is.
pub fn calibrate(ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
    let Some(facts) = scene.model() else { return };
    let ask = |inspect| Action::Engine(engine::Command::Inspect(inspect));
    let p = Palette::of(ui);
    if let Some((done, total)) = scene.calibrating {
        ui.label(match total {
            0 => "Calibrating, reading the held-out images".to_owned(),
            _ => format!("Calibrating, {done} of {total} held-out images"),
        });
        let share = if total == 0 { 0.0 } else { done as f32 / total as f32 };
        ui.add(ProgressBar::new(share).desired_height(theme::GAP_S).fill(p.accent)).accessible_name("Calibration");
        if ui.button("Cancel").on_hover_text("Ends the calibration without a result").clicked() {
            frame.actions.push(ask(InspectionRequest::CancelCalibrate));
        }
    } else if facts.calibration(&scene.knobs).is_none() {
        let button = egui::Button::new("Calibrate").min_size(vec2(0.0, theme::CONTROL));
        let tip = "Inspects the model's held-out healthy images with these settings, so that a rate can be promised.";
        if ui.add(button).on_hover_text(tip).clicked() {
            frame.actions.push(ask(InspectionRequest::Calibrate));
        }
    } else if scene.same_model() {
        let again = UiCommand::EvaluateAgain;
        ui.add(Label::new("The model is calibrated now. Test it again for a threshold that is promised.").wrap());
        let button = egui::Button::new("Test again").min_size(vec2(0.0, theme::CONTROL));
        if ui.add_enabled(again.enabled(frame.facts), button).on_hover_text(again.tooltip(ui.ctx())).clicked() {
            frame.command(again);
        }
    }
}

/// What became of good and of defective parts; each cell shows its images.
fn matrix(ui: &mut Ui, view: &PanelView<'_>, judged: &Judged) -> Option<PanelRequest> {
    let p = Palette::of(ui);
    let c = &judged.confusion;
    let (bad, good) = (c.caught + c.missed, c.false_alarms + c.passed);
    let mut wish = None;
    let names = theme::MATRIX_NAMES;
    let font = theme::caption().resolve(ui.style());
    let big = theme::section().resolve(ui.style());
    let width = (ui.available_width() - names - theme::GAP_XS) / 2.0;
    let (head, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme::ROW_VALUE), Sense::hover());
    for (i, title) in ["flagged", "not flagged"].into_iter().enumerate() {
        let x = head.left() + names + i as f32 * (width + theme::GAP_XS) + width / 2.0;
        ui.painter().text(pos2(x, head.center().y), Align2::CENTER_CENTER, title, font.clone(), p.text_weak);
    }
    let rows = [
        (
            "defective",
            bad,
            [
                (c.caught, ImageFilter::Caught, StatusMark::Healthy),
                (c.missed, ImageFilter::Missed, StatusMark::Defective),
            ],
        ),
        (
            "healthy",
            good,
            [
                (c.false_alarms, ImageFilter::FalseAlarms, StatusMark::Defective),
                (c.passed, ImageFilter::Passed, StatusMark::Healthy),
            ],
        ),
    ];
    for (truth, all, cells) in rows {
        let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme::MATRIX_ROW), Sense::hover());
        ui.painter().text(row.left_center(), Align2::LEFT_CENTER, truth, font.clone(), p.text_weak);
        for (i, (count, show, state)) in cells.into_iter().enumerate() {
            let left = row.left() + names + i as f32 * (width + theme::GAP_XS);
            let cell = Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()));
            let on = view.show == show;
            let response = ui.interact(cell, ui.scope_id().with(("cell", truth, i)), Sense::click());
            let text = format!("{} of {all} {truth} images: {}", ticks::grouped(count as f64, 0), show.title());
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, text.clone()));
            let fill = if on {
                p.selection
            } else if response.hovered() {
                p.control_hovered
            } else {
                p.control
            };
            let painter = ui.painter();
            painter.rect_filled(cell, theme::RADIUS, fill);
            if on || response.has_focus() {
                let stroke = Stroke::new(theme::HAIRLINE, p.accent);
                painter.rect_stroke(cell, theme::RADIUS, stroke, StrokeKind::Inside);
            }
            let upper = cell.center() - vec2(0.0, 8.0);
            let number = ticks::grouped(count as f64, 0);
            let drawn = painter.text(upper, Align2::CENTER_CENTER, number, big.clone(), p.text_strong);
            theme::paint_state(painter, &p, state, pos2(drawn.left() - 10.0, upper.y), theme::ICON - 2.0);
            let share = if all == 0 { "–".into() } else { percent(count as f64 / all as f64) };
            let caption = format!("{} · {share}", show.title().to_lowercase());
            let colour = if on { p.text } else { p.text_weak };
            painter.text(cell.center() + vec2(0.0, 9.0), Align2::CENTER_CENTER, caption, font.clone(), colour);
            if response.on_hover_text(format!("{text}. A click shows them in the table.")).clicked() {
                wish = Some(PanelRequest::Show(if on { ImageFilter::All } else { show }));
            }
        }
    }
    wish
}

/// What the threshold costs, in words.
fn cost(ui: &mut Ui, judged: &Judged) {
    let c = &judged.confusion;
    let (bad, good) = (c.caught + c.missed, c.false_alarms + c.passed);
    let missed = match (c.missed, bad) {
        (_, 0) => "No defective part is among them, so nothing is said of what it misses.".to_owned(),
        (0, _) => format!("None of {bad} defective parts is missed."),
        (n, _) => format!("{n} of {bad} defective parts are missed, {}.", percent(n as f64 / bad as f64)),
    };
    let alarms = match (c.false_alarms, good) {
        (_, 0) => "No healthy part is among them.".to_owned(),
        (0, _) => format!("None of {good} good parts raises a false alarm."),
        (n, _) => format!("{n} of {good} good parts raise a false alarm, {}.", percent(n as f64 / good as f64)),
    };
    ui.add_space(theme::GAP_XS);
    ui.add(Label::new(format!("On these images: {alarms} {missed}")).wrap().selectable(true));
}

/// The button that puts the rate in force, or why there is nothing to do.
fn adopt(ui: &mut Ui, view: &PanelView<'_>, frame: &mut Frame<'_>) {
    if view.standing.rate.is_none() {
        return;
    }
    let p = Palette::of(ui);
    let command = UiCommand::EvaluateAdopt;
    let standing = view.standing;
    ui.add_space(theme::GAP_S);
    let enabled = command.enabled(frame.facts);
    let title = match standing.decides || !standing.same_model {
        true => "Put this rate in force",
        false => "Put this score and rate in force",
    };
    let button = match enabled {
        true => theme::primary_button(&p, title),
        false => egui::Button::new(title).min_size(vec2(0.0, theme::ROW)),
    };
    let tooltip = command.tooltip(ui.ctx());
    if ui.add_enabled(enabled, button).on_hover_text(&tooltip).on_disabled_hover_text(&tooltip).clicked() {
        frame.command(command);
    }
    let model = &view.scored.evaluation.model.name;
    let text = match (standing.same_model, standing.in_force) {
        (false, _) => format!("{model} is not the model in force. Open it to change its rate."),
        (true, true) => format!("This rate is in force in {model}."),
        (true, false) => {
            let own = standing.model_rate.map(|rate| format!(" now promises {}", alarms(rate)));
            let file = match view.scene.model().and_then(|m| m.path.clone()) {
                Some(path) => format!("The change is kept in {}.", path.display()),
                None => "It has no file yet: save it in Inspect to keep the change.".to_owned(),
            };
            format!("{model}{}. {file}", own.unwrap_or_default())
        }
    };
    ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    let by = view.scored.evaluation.score;
    if by != view.scored.kind {
        let text =
            format!("Verdicts go by {}; the table and the curves show {}.", by.title(), view.scored.kind.title());
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
}

/// A rate as a person says it.
pub fn alarms(rate: f64) -> String {
    let alarms = rate * 1000.0;
    let decimals = if (alarms - alarms.round()).abs() < 0.05 { 0 } else { 1 };
    format!("at most {alarms:.decimals$} false alarms in 1,000")
}

/// Every score that the model gives, so that it is seen which earns its keep.
fn scores(ui: &mut Ui, view: &PanelView<'_>) -> Option<PanelRequest> {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        section(ui, "Score");
        flush_right(ui, |ui| ui.label(theme::weak_caption(&p, "AUROC")));
    });
    let mut wish = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    let font = egui::TextStyle::Body.resolve(ui.style());
    let best = view.scored.scores.iter().filter_map(|(_, auroc)| *auroc).fold(0.0, f64::max);
    for (kind, auroc) in &view.scored.scores {
        let on = *kind == view.scored.kind;
        let size = vec2(ui.available_width(), theme::CONTROL);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let decides = *kind == view.scored.evaluation.score;
        let title = if decides { format!("{}, decides", kind.title()) } else { kind.title().to_owned() };
        let value = auroc.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, format!("{title}: AUROC {value}")));
        let painter = ui.painter();
        row_back(painter, &p, &response, on);
        let strong = auroc.is_some_and(|v| v == best);
        let colour = if on || strong { p.text_strong } else { p.text };
        let bar = rect.with_min_x(rect.right() - theme::FIGURE_COLUMN - theme::SCORE_BAR);
        let bar = bar.with_max_x(rect.right() - theme::FIGURE_COLUMN).shrink2(vec2(0.0, 8.0));
        painter.rect_filled(bar, 1.0, if on { p.panel } else { p.control });
        if let Some(auroc) = auroc {
            // What a coin reaches is nothing.
            let share = ((auroc - 0.5) * 2.0).clamp(0.0, 1.0) as f32;
            painter.rect_filled(bar.with_max_x(bar.left() + share * bar.width()), 1.0, p.accent);
        }
        let room = bar.left() - rect.left() - theme::GAP_M;
        let name = crate::ui::widgets::elided(ui, &title, font.clone(), colour, room);
        let at = pos2(rect.left() + theme::GAP_XS, rect.center().y - name.size().y / 2.0);
        painter.galley(at, name, colour);
        let at = rect.right_center() - vec2(theme::GAP_XS, 0.0);
        painter.text(at, Align2::RIGHT_CENTER, &value, font.clone(), colour);
        let help = format!("{} The bar is empty at 0.5, where a coin is as good.", kind.describe());
        if response.on_hover_text(help).clicked() && !on {
            wish = Some(PanelRequest::Score(*kind));
        }
    }
    ui.spacing_mut().item_spacing.y = theme::GAP_XS;
    wish
}

/// The offer to weigh the fused score by labelled defects, and what is to be kept in mind once that is done.
fn labels(ui: &mut Ui, view: &PanelView<'_>, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let labelled = view.scored.evaluation.calibration.as_ref().and_then(|c| c.labelled.as_ref());
    if !view.standing.weigh && labelled.is_none() {
        return;
    }
    ui.add_space(theme::GAP_XS);
    let mut button = |ui: &mut Ui, title: &str, command: UiCommand| {
        let button = egui::Button::new(title).min_size(vec2(0.0, theme::CONTROL));
        let tooltip = command.tooltip(ui.ctx());
        let response = ui.add_enabled(command.enabled(frame.facts), button).on_hover_text(&tooltip);
        if response.on_disabled_hover_text(&tooltip).clicked() {
            frame.command(command);
        }
    };
    match labelled {
        Some(labelled) => {
            ui.horizontal_top(|ui| {
                theme::state_icon(ui, StatusMark::Suspect);
                ui.add(Label::new(labelled.caution()).wrap().selectable(true));
            });
            button(ui, "Weigh without labels again", UiCommand::EvaluateUnweigh);
        }
        None => {
            let text = "The fused score is weighed by forged damage; no label plays a part.";
            ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
            button(ui, "Weigh by these defects", UiCommand::EvaluateWeigh);
        }
    }
}

fn figures(ui: &mut Ui, view: &PanelView<'_>) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        section(ui, "Figures");
        flush_right(ui, |ui| {
            let help = "What 95 of 100 tests on as many images like these would give, by drawing them anew (bootstrap)";
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
        format!("A promise of {percent} % takes at least {} held-out images.", 100_u32.div_ceil(percent) - 1)
    };
    let caught_help = |percent: u32, known: bool| match known {
        false => few(percent),
        true => format!(
            "Share of defective parts caught at a promise of {percent} false alarms in 100 good parts \
             (TPR at {percent} % FPR); the threshold is set on held-out images"
        ),
    };
    let rows: [(&str, Option<f64>, Option<Estimate>, String); 5] = [
        (
            "AUROC",
            auroc,
            m.and_then(|m| m.auroc),
            "How often a defective part scores higher than a healthy one: 0.5 is a coin, 1 is perfect".into(),
        ),
        (
            "Average precision",
            s.average_precision,
            m.and_then(|m| m.average_precision),
            "Share of the flagged that is defective, over all thresholds; it falls where defects are rare".into(),
        ),
        (
            "F1, best",
            s.f1,
            m.and_then(|m| m.f1),
            "The best balance of precision and recall of any threshold: chosen on the tested images, so it flatters"
                .into(),
        ),
        ("Caught at 1 %", caught(0.01), m.and_then(|m| m.caught_at_1), caught_help(1, at(0.01).is_some())),
        ("Caught at 5 %", caught(0.05), m.and_then(|m| m.caught_at_5), caught_help(5, at(0.05).is_some())),
    ];
    for (name, value, estimate, help) in rows {
        figure(ui, name, value, estimate, &help);
    }
    if at(0.01).is_none() && n > 0 {
        ui.add(Label::new(theme::weak_caption(&p, few(1))).wrap());
    }
}

/// A name, its figure, and the interval in a column of its own.
fn figure(ui: &mut Ui, name: &str, value: Option<f64>, estimate: Option<Estimate>, help: &str) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_height(theme::ROW_TIGHT);
        ui.spacing_mut().interact_size.y = theme::ROW_TIGHT;
        ui.label(RichText::new(name).color(p.text_weak)).on_hover_text(help);
        flush_right(ui, |ui| {
            let cell = |ui: &mut Ui, width: f32, text: RichText| {
                let layout = egui::Layout::right_to_left(egui::Align::Center);
                ui.allocate_ui_with_layout(vec2(width, theme::ROW_TIGHT), layout, |ui| {
                    ui.set_min_width(width);
                    ui.label(text).on_hover_text(help);
                });
            };
            let interval = estimate.filter(|_| value.is_some());
            let interval = interval.map_or_else(String::new, |e| format!("{:.3} to {:.3}", e.low, e.high));
            cell(ui, theme::INTERVAL, theme::weak_caption(&p, interval));
            let value = value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
            cell(ui, theme::FIGURE_COLUMN, RichText::new(value).color(p.text_strong));
        });
    });
}

/// Each kind of defect; a click shows its images.
fn kinds(ui: &mut Ui, view: &PanelView<'_>) -> Option<PanelRequest> {
    let kinds = &view.scored.kinds;
    if kinds.is_empty() {
        return None;
    }
    let p = Palette::of(ui);
    let mut wish = None;
    ui.add_space(theme::GAP_M);
    ui.horizontal(|ui| {
        section(ui, "Kinds of defect");
        flush_right(ui, |ui| {
            ui.add_sized(vec2(theme::FIGURE_COLUMN, theme::ROW_VALUE), Label::new(theme::weak_caption(&p, "AUROC")));
            ui.add_sized(vec2(theme::CAUGHT, theme::ROW_VALUE), Label::new(theme::weak_caption(&p, "caught")));
        });
    });
    let font = egui::TextStyle::Body.resolve(ui.style());
    ui.spacing_mut().item_spacing.y = 0.0;
    for (i, kind) in kinds.iter().enumerate() {
        let on = view.only == Some(kind.kind.as_str());
        let size = vec2(ui.available_width(), theme::CONTROL);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let caught = view.judged.and_then(|j| j.caught.get(i)).map(|n| format!("{n} of {}", kind.count));
        let caught = caught.unwrap_or_else(|| format!("– of {}", kind.count));
        let auroc = kind.auroc.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
        response.widget_info(|| {
            WidgetInfo::selected(Role::Button, true, on, format!("{}: {caught} caught, AUROC {auroc}", kind.kind))
        });
        let painter = ui.painter();
        row_back(painter, &p, &response, on);
        let right = rect.right() - theme::GAP_XS;
        let y = rect.center().y;
        painter.text(pos2(right, y), Align2::RIGHT_CENTER, auroc, font.clone(), p.text_strong);
        let at = right - theme::FIGURE_COLUMN - theme::GAP_S;
        painter.text(pos2(at, y), Align2::RIGHT_CENTER, caught, font.clone(), p.text_strong);
        let room = at - theme::CAUGHT - rect.left();
        let name = crate::ui::widgets::elided(ui, &kind.kind, font.clone(), p.text, room);
        painter.galley(pos2(rect.left() + theme::GAP_XS, y - name.size().y / 2.0), name, p.text);
        let help = "AUROC of this kind against all healthy images. A click shows its images in the table.";
        if response.on_hover_text(help).clicked() {
            wish = Some(PanelRequest::Kind(kind.kind.clone()));
        }
    }
    ui.spacing_mut().item_spacing.y = theme::GAP_XS;
    wish
}

/// How well the maps show where the defects are.
fn pixels(ui: &mut Ui, view: &PanelView<'_>) {
    let pixels = &view.scored.evaluation.pixels;
    if pixels.iter().all(|figures| figures.regions == 0) {
        return;
    }
    let p = Palette::of(ui);
    ui.add_space(theme::GAP_M);
    section(ui, "Where the defects are");
    Grid::new("pixels").num_columns(4).spacing(vec2(theme::GAP_M, 2.0)).show(ui, |ui| {
        ui.label(theme::weak_caption(&p, "map"));
        for (title, help) in [
            ("AUROC", "How often a pixel within a defect is brighter on the map than one outside"),
            ("AUPRO", "Mean overlap with each defect, up to 30 % of healthy pixels flagged (Bergmann et al. 2019)"),
            ("IoU", "The largest overlap of flagged and defective pixels over their union, of any threshold"),
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
    weak(ui, format!("Against the masks of {} marked defects.", ticks::grouped(defects as f64, 0)));
}

/// What was tested on what, and what was left out.
fn about(ui: &mut Ui, view: &PanelView<'_>) {
    let evaluation = &view.scored.evaluation;
    section(ui, "Test");
    let p = Palette::of(ui);
    let lines = [
        ("Model", evaluation.model.name.clone(), "The model that was tested"),
        ("Steps trained", ticks::grouped(evaluation.model.step as f64, 0), "Steps of the training run"),
        ("Images", evaluation.data.clone(), "Where the test images come from"),
        ("Steps of z, at most", ticks::grouped(evaluation.knobs.steps as f64, 0), "As Inspect had it"),
    ];
    for (name, value, help) in lines {
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW_TIGHT);
            ui.spacing_mut().interact_size.y = theme::ROW_TIGHT;
            ui.label(RichText::new(name).color(p.text_weak)).on_hover_text(help);
            flush_right(ui, |ui| {
                let text = Label::new(RichText::new(value.clone()).color(p.text_strong)).truncate();
                ui.add(text).on_hover_text(value);
            });
        });
    }
    for line in &evaluation.about {
        ui.add(Label::new(theme::weak_caption(&p, sentence(line))).wrap());
    }
    if view.scene.status.known > 0 {
        let text = format!("{} images were known from before and not inspected again.", view.scene.status.known);
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
    }
    let left = &evaluation.left_out;
    if left.is_empty() {
        return;
    }
    let title = format!("{} left out", ticks::grouped(left.len() as f64, 0));
    egui::CollapsingHeader::new(title).id_salt("left-out").show(ui, |ui| {
        for (i, left) in left.iter().enumerate() {
            if i == LISTED {
                let text = format!("and {} more; the report lists all of them.", evaluation.left_out.len() - LISTED);
                ui.label(theme::weak_caption(&p, text));
                break;
            }
            let text = format!("{}: {}", left.name, sentence(&left.reason));
            ui.add(Label::new(theme::weak_caption(&p, text)).wrap().selectable(true));
        }
    });
}

/// Images left out that are listed.
const LISTED: usize = 50;

/// A share in percent.
fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The name of a model, for a sentence.
pub fn named(facts: Option<&ModelFacts>) -> String {
    facts.map_or_else(|| "no model".to_owned(), |facts| facts.name.clone())
}

/// The ground of a row that can be chosen: chosen, under the pointer, with the keyboard's focus.
fn row_back(painter: &Painter, p: &Palette, response: &Response, on: bool) {
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
