//! Drawing of the workspace.

use egui::{Align, Layout, Panel, Rect, RichText, Ui};
use egui_material_icons::icons;

use super::{
    InspectWorkspace, empty, rate, region_marks::RegionMarks, region_settings, scene::InspectScene, status::query_mark,
    triptych::Subject, verdict,
};
use crate::{
    engine::inspection::ModelState,
    format::sentence,
    inspect::Verdict,
    ui::{
        Action, Frame, UiCommand,
        pages::section,
        theme,
        theme::{NoticeMark, Palette},
        widgets::{elide::name_label, flush_right, icon_button, icon_toggle, pane},
    },
};

impl InspectWorkspace {
    /// Draws the workspace over all of `ui`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let scene = self.scene(frame.engine);
        self.sync(&scene);
        self.side.measure(ui);
        if let Some(entry) = scene.entry() {
            self.recognise(frame.engine, entry);
            self.anomalies.follow(entry.id.number());
        }
        let bar = egui::Frame::new().fill(p.panel).inner_margin(theme::bar_margin());
        Panel::top("inspect-head").frame(bar).show(ui, |ui| self.head(ui, &scene, frame));
        let mut area = ui.available_rect_before_wrap();
        ui.painter().rect_filled(area, 0.0, p.ground);
        let full = area;
        let (contents, panel) = self.side.split(ui, area, self.layout.panel);
        if let Some(panel) = panel {
            pane(ui, panel, "verdict", |ui| self.panel(ui, &scene, frame));
        }
        let Some(rest) = contents else {
            ui.advance_cursor_after_rect(full);
            return;
        };
        area = rest;
        if scene.total == 0 {
            pane(ui, area, "empty", |ui| {
                if let Some(queries) = self.empty.ui(ui, &scene, frame)
                    && let Some(request) = self.enqueue(queries)
                {
                    frame.actions.push(Action::engine(request));
                }
            });
            ui.advance_cursor_after_rect(full);
            return;
        }
        if self.layout.list {
            let width = if area.width() >= theme::LIST_ROOMY { theme::QUERIES } else { theme::LIST_THUMBNAILS };
            let (list, rest) = area.split_left_right_at_x(area.left() + width);
            ui.painter().rect_filled(list, 0.0, p.panel);
            area = rest;
            let (list_area, foot) = list.split_top_bottom_at_y(list.bottom() - theme::ROW - theme::GAP_L);
            pane(ui, foot, "batch", |ui| self.batch.ui(ui, &scene.rows, frame));
            let clicked = pane(ui, list_area, "list", |ui| self.list.ui(ui, &scene, &mut self.layout.order, frame));
            if let Some(id) = clicked {
                self.select(id);
            }
            if std::mem::take(&mut self.list.clear) {
                frame.actions.push(Action::Remove(scene.rows.clone()));
            }
            ui.painter().vline(list.right(), list.y_range(), egui::Stroke::new(theme::HAIRLINE, p.hairline));
        }
        self.images(ui, area, &scene, frame);
        ui.advance_cursor_after_rect(full);
    }

    /// Draws the images of the selected query, and its convergence below them.
    fn images(&mut self, ui: &mut Ui, area: Rect, scene: &InspectScene, frame: &mut Frame<'_>) {
        let Some(entry) = scene.entry() else { return };
        let Some(view) = &scene.view else {
            pane(ui, area, "no-view", |ui| empty::without_images(ui, scene, entry, frame));
            return;
        };
        let strip = self.convergence.height(area.height());
        let (top, bottom) = area.split_top_bottom_at_y(area.bottom() - strip);
        self.convergence.advance(ui, &view.frames);
        let kept = self.convergence.shown(&view.frames).cloned();
        pane(ui, top, "pictures", |ui| {
            if let Some(model) = scene.model() {
                self.regions.follow(&model.regions);
            }
            let neighbours = view.neighbours.as_ref().zip(entry.assessment());
            let truth = self.truth(entry);
            let subject = Subject {
                id: entry.id.number(),
                view,
                kept: kept.as_ref(),
                model: scene.model().map(|model| &**model),
                deciding: scene.deciding(),
                scale: scene.model().and_then(|model| model.map_scale(scene.knobs())),
                absent: None,
                mask: truth.as_ref().and_then(|truth| truth.outline()),
                alone: false,
                highlight: neighbours
                    .filter(|(_, assessment)| matches!(assessment.verdict, Verdict::Suspect | Verdict::Defective))
                    .map(|(neighbours, assessment)| (neighbours.corner, assessment.verdict)),
                regions: scene.anomalies().map(|list| RegionMarks {
                    regions: &list.regions,
                    width: view.query.width(),
                    selected: self.anomalies.selected(list.regions.len()),
                }),
            };
            if let Some(at) = self.triptych.ui(ui, &subject, &mut self.regions, frame.actions) {
                self.anomalies.pick(at);
            }
        });
        let p = Palette::of(ui);
        ui.painter().rect_filled(bottom, 0.0, p.panel);
        ui.painter().hline(bottom.x_range(), bottom.top(), egui::Stroke::new(theme::HAIRLINE, p.hairline));
        pane(ui, bottom, "convergence", |ui| self.convergence.ui(ui, entry, view, frame));
    }

    /// Draws the side panel: verdict, false-alarm rate, settings and model.
    fn panel(&mut self, ui: &mut Ui, scene: &InspectScene, frame: &mut Frame<'_>) {
        let knobs = self.knobs.current(&scene.status).clone();
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            ui.set_width(ui.available_width() - theme::GAP_S);
            if let Some(entry) = scene.entry() {
                let truth = self.truth(entry);
                verdict::ui(ui, scene, truth.as_deref(), frame);
                self.anomaly_regions(ui, scene, frame);
                let view = frame.engine.inspection.views.read().get(&entry.id).cloned();
                if let Some(neighbours) = view.and_then(|view| view.neighbours.clone()) {
                    self.neighbours.ui(ui, &neighbours);
                }
                ui.add_space(theme::GAP_M);
            }
            rate::ui(ui, scene, &knobs, frame);
            ui.add_space(theme::GAP_M);
            self.knobs.ui(ui, scene, frame);
            ui.add_space(theme::GAP_M);
            self.empty.model_facts(ui, scene, frame);
        });
    }

    /// Draws the anomaly regions of the selected query with their settings, or says why there are none.
    fn anomaly_regions(&mut self, ui: &mut Ui, scene: &InspectScene, frame: &mut Frame<'_>) {
        let Some(found) = scene.view.as_ref().and_then(|view| view.regions.clone()) else { return };
        ui.add_space(theme::GAP_M);
        match found.as_ref() {
            Ok(list) => {
                let chosen = self.anomalies.ui(ui, list.into(), self.triptych.outlines());
                self.triptych.reveal |= chosen;
            }
            Err(why) => {
                section(ui, "Anomaly regions");
                ui.add(egui::Label::new(theme::weak_caption(&Palette::of(ui), sentence(&why.to_string()))).wrap());
            }
        }
        if let Some(model) = scene.model() {
            region_settings::ui(ui, model, frame);
        }
    }

    /// Draws the header: page title, model, and the main actions.
    fn head(&mut self, ui: &mut Ui, scene: &InspectScene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            flush_right(ui, |ui| {
                let model = scene.model().is_some();
                // Nothing can be inspected without a model, so opening one comes first.
                let (first, second) = match (model, scene.total == 0) {
                    (false, false) => (UiCommand::InspectModel, UiCommand::InspectOpen),
                    _ => (UiCommand::InspectOpen, UiCommand::InspectModel),
                };
                let title = |command: UiCommand| {
                    if command == UiCommand::InspectOpen { "Open images…" } else { command.title() }
                };
                if scene.total > 0 {
                    let primary = ui.add(theme::primary_button(&p, title(first))).accessible_name(first.title());
                    if primary.on_hover_text(first.tooltip(ui.ctx())).clicked() {
                        frame.command(first);
                    }
                    let other = egui::Button::new(title(second)).min_size(egui::vec2(0.0, theme::ROW));
                    let other = ui.add(other).accessible_name(second.title());
                    if other.on_hover_text(second.tooltip(ui.ctx())).clicked() {
                        frame.command(second);
                    }
                }
                ui.spacing_mut().item_spacing.x = theme::GAP_XS;
                if scene.total > 0 {
                    let present = UiCommand::Present;
                    let tip = present.tooltip(ui.ctx());
                    let button = icon_button(ui, icons::ICON_SLIDESHOW, &tip, present.enabled(frame.context));
                    if button.accessible_name(present.title()).clicked() {
                        frame.command(present);
                    }
                }
                let verb = |open: bool| if open { "Hide" } else { "Show" };
                let shown = self.side.is_shown(self.layout.panel);
                let name = format!("{} verdict and settings", verb(shown));
                if icon_toggle(ui, icons::ICON_TUNE, &name, true, shown).clicked() {
                    self.side.toggle(&mut self.layout.panel);
                }
                let list = self.layout.list;
                let name = format!("{} image list", verb(list));
                if icon_toggle(ui, icons::ICON_VIEW_LIST, &name, true, list).clicked() {
                    self.layout.list = !list;
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = theme::GAP_S;
                    ui.label(RichText::new("Inspect").text_style(theme::section()).color(p.text_strong));
                    // The verdict is never out of sight.
                    if let Some(entry) = scene.entry().filter(|_| !shown) {
                        theme::mark_icon(ui, query_mark(entry));
                        ui.label(RichText::new(verdict::title(entry)).color(p.text_strong));
                    }
                    model_line(ui, scene);
                });
            });
        });
    }
}

/// Draws one line on the active model.
fn model_line(ui: &mut Ui, scene: &InspectScene) {
    let p = Palette::of(ui);
    let text = match &scene.status.model {
        ModelState::None => "No model is open".to_owned(),
        ModelState::Loading(name) => {
            ui.add(egui::Spinner::new().size(theme::ICON_BUTTON));
            format!("Loading {name}")
        }
        ModelState::Ready(facts) => match scene.total {
            0 => facts.name.clone(),
            1 => format!("{} · 1 image", facts.name),
            n => format!("{} · {n} images", facts.name),
        },
        ModelState::Failed(text) => {
            theme::mark_icon(ui, NoticeMark::Error);
            text.clone()
        }
    };
    name_label(ui, &text, egui::TextStyle::Body, p.text_weak);
}
