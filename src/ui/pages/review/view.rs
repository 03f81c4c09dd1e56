//! The workspace on the screen.

use std::sync::Arc;

use egui::{Align, Label, Layout, Panel, RichText, ScrollArea, Stroke, Ui};
use egui_material_icons::icons;

use super::{ReviewWorkspace, Scene, bar, empty, marks::Marks, panel, panel::fold, verdict};
use crate::{
    engine::{
        inspection::{ModelFacts, ModelState, QueryView},
        review::PartImage,
    },
    inspect::Calibration,
    review::{PartId, ReviewItem},
    ui::{
        Frame, UiCommand,
        pages::inspect::triptych::Subject,
        theme,
        theme::Palette,
        widgets,
        widgets::{flush_right, icon_toggle, pane, ticks},
    },
};

/// A wait for a picture that is longer than this is said.
const WAIT: std::time::Duration = std::time::Duration::from_millis(300);

/// Parts that come next whose pictures are made ready for the screen; so is that of the one before.
const READY: usize = 2;

/// What there is to see of a part.
struct Seen {
    view: Arc<QueryView>,
    /// Why there is no reconstruction.
    absent: Option<String>,
    /// It will be there soon.
    coming: bool,
}

impl ReviewWorkspace {
    /// Draws the workspace over all of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let scene = self.scene(frame.live);
        let books = Arc::clone(&self.books);
        let item = self.queue.shown(&books.items);
        let head = egui::Frame::new().fill(p.panel).inner_margin(theme::bar_margin());
        Panel::top("review-head").frame(head).show(ui, |ui| self.head(ui, item, frame));
        let mut area = ui.available_rect_before_wrap();
        let full = area;
        ui.painter().rect_filled(area, 0.0, p.ground);
        let line = Stroke::new(theme::HAIRLINE, p.hairline);
        if self.layout.panel {
            let width = if area.width() >= theme::ROOMY { theme::PANEL } else { theme::PANEL_MIN };
            let (rest, panel) = area.split_left_right_at_x(area.right() - width);
            ui.painter().rect_filled(panel, 0.0, p.panel);
            area = rest;
            pane(ui, panel, "side", |ui| self.side(ui, item, &scene, frame));
            ui.painter().vline(panel.left(), panel.y_range(), line);
        }
        match item {
            None => {
                if pane(ui, area, "empty", |ui| empty::ui(ui, &scene, frame)) {
                    self.queue.let_all_in();
                }
            }
            Some(item) => {
                let (area, film) = area.split_top_bottom_at_y(area.bottom() - theme::FILM);
                let (top, buttons) = area.split_top_bottom_at_y(area.bottom() - theme::VERDICTS);
                pane(ui, top, "pictures", |ui| self.pictures(ui, item, &scene, frame));
                ui.painter().rect_filled(buttons.union(film), 0.0, p.panel);
                ui.painter().hline(buttons.x_range(), buttons.top(), line);
                pane(ui, buttons, "verdicts", |ui| bar::ui(ui, frame));
                let blind = self.is_blind();
                let session = &self.session;
                let busy = |part: PartId| session.is_busy(part);
                let (queue, strip) = (&self.queue, &mut self.film);
                let clicked =
                    pane(ui, film, "film", |ui| strip.ui(ui, queue, (&books.items, &self.owner), &busy, blind));
                if let Some(place) = clicked {
                    self.queue.go(&books.items, place);
                    ui.ctx().request_discard("another part is on show");
                    ui.ctx().request_repaint();
                }
            }
        }
        ui.advance_cursor_after_rect(full);
    }

    /// Name of the page, how far people are, and the part on show.
    fn head(&mut self, ui: &mut Ui, item: Option<&ReviewItem>, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            flush_right(ui, |ui| {
                ui.spacing_mut().item_spacing.x = theme::GAP_XS;
                let verb = if self.layout.panel { "Hide" } else { "Show" };
                let name = format!("{verb} verdict and sections");
                if icon_toggle(ui, icons::ICON_TUNE, &name, true, self.layout.panel).clicked() {
                    self.layout.panel = !self.layout.panel;
                }
                let alone = UiCommand::ReviewAlone;
                let (tooltip, enabled) = (alone.tooltip(ui.ctx()), alone.enabled(frame.context));
                let toggle = icon_toggle(ui, icons::ICON_FULLSCREEN, &tooltip, enabled, self.layout.alone);
                if toggle.accessible_name(alone.title()).clicked() {
                    frame.command(alone);
                }
                let view = self.queue.view();
                if item.is_some() {
                    let counters = verdict::counters(&view.counters());
                    ui.label(RichText::new(counters).color(p.text));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = theme::GAP_S;
                    ui.label(RichText::new("Review").text_style(theme::section()).color(p.text_strong));
                    let Some(item) = item else { return };
                    let place = ticks::grouped((self.queue.place() + 1) as f64, 0);
                    let all = ticks::grouped(view.rows().len() as f64, 0);
                    ui.label(RichText::new(format!("{place} of {all}")).color(p.text_weak));
                    let name = RichText::new(item.part.name()).color(p.text_strong);
                    ui.add(Label::new(name).truncate()).on_hover_text(item.part.path.display().to_string());
                });
            });
        });
    }

    /// Verdict, kinds, queue, and the sections.
    fn side(&mut self, ui: &mut Ui, item: Option<&ReviewItem>, scene: &Scene, frame: &mut Frame<'_>) {
        let blind = self.is_blind();
        let mut wish = None;
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            ui.set_width(ui.available_width() - theme::GAP_S);
            if let Some(item) = item {
                verdict::ui(ui, item, scene, blind);
                if let Some(alike) = self.map(item, frame).and_then(Result::ok).and_then(|view| view.alike.clone()) {
                    self.likeness.ui(ui, &alike);
                }
                wish = verdict::own(ui, item, (scene, &self.session), &mut self.writing, frame);
                ui.add_space(theme::GAP_S);
                verdict::kinds(ui, scene, &self.session, frame);
                ui.add_space(theme::GAP_M);
            }
            // Nothing can be kept without a name, so it comes first.
            let unnamed = scene.settings.reviewer.is_empty();
            if !unnamed && !scene.books.items.is_empty() {
                self.queue_section(ui, scene, blind);
            }
            panel::ui(ui, &mut self.sections, scene, frame);
            if unnamed && !scene.books.items.is_empty() {
                self.queue_section(ui, scene, blind);
            }
        });
        match wish {
            None => {}
            Some(verdict::VerdictRequest::Leave) => self.writing = None,
            Some(verdict::VerdictRequest::Note(text)) => {
                self.writing = None;
                self.keep_note(text, frame.actions);
            }
            Some(verdict::VerdictRequest::Erase) => self.keep_region(None, frame.actions),
        }
    }

    fn queue_section(&mut self, ui: &mut Ui, scene: &Scene, blind: bool) {
        let (filters, queue) = (&mut self.filters, &mut self.queue);
        fold(ui, "Queue", |ui| filters.ui(ui, scene, &mut queue.filter, &mut queue.order, blind));
        if queue.follow(&scene.books) {
            ui.ctx().request_discard("the queue has changed");
            ui.ctx().request_repaint();
        }
    }

    /// What the model in force draws in a part's place, or why it cannot; `None` while that is hidden or not drawn.
    fn map(&self, item: &ReviewItem, frame: &Frame<'_>) -> Option<Result<Arc<QueryView>, String>> {
        frame.live.review.maps.read().get(&item.inspection.id).cloned().filter(|_| !self.is_blind())
    }

    /// What there is to see of a part, once it is read; `Err` says why there is nothing.
    fn seen(&self, item: &ReviewItem, scene: &Scene, frame: &Frame<'_>) -> Option<Result<Seen, String>> {
        let station = &frame.live.review;
        let blind = self.is_blind();
        let map = self.map(item, frame);
        if let Some(Ok(view)) = &map {
            return Some(Ok(Seen { view: Arc::clone(view), absent: None, coming: false }));
        }
        let sight = station.sights.read().get(&item.part.id).cloned()?;
        let planes = match &*sight {
            PartImage::Picture(_, planes) => Arc::clone(planes),
            PartImage::Gone(text) => return Some(Err(text.clone())),
        };
        let view = QueryView { query: planes, frames: Vec::new(), records: Arc::default(), outcome: None, alike: None };
        let coming = map.is_none() && !blind && facts_of(item, scene).is_some();
        let absent = match map {
            Some(Err(text)) => text,
            _ if blind => "Reconstruction and map are hidden while two persons judge each part.".to_owned(),
            _ if coming => "Reconstruction and map are on their way.".to_owned(),
            _ => absence(item, scene),
        };
        Some(Ok(Seen { view: Arc::new(view), absent: Some(absent), coming }))
    }

    /// The part's picture, what the model draws in its place, and where they differ.
    fn pictures(&mut self, ui: &mut Ui, item: &ReviewItem, scene: &Scene, frame: &mut Frame<'_>) {
        let seen = match self.seen(item, scene, frame) {
            Some(Ok(seen)) => seen,
            Some(Err(text)) => {
                let kept = "What was said of this part stays on record, and it can still be judged.";
                return widgets::empty_place(ui, "No picture of this part", &format!("{text} {kept}"));
            }
            None => {
                let waited = self.since.map(|(_, since)| since.elapsed()).unwrap_or_default();
                match WAIT.checked_sub(waited) {
                    Some(rest) => ui.ctx().request_repaint_after(rest),
                    None => widgets::empty_place(ui, "Reading the picture…", &item.part.path.display().to_string()),
                }
                return;
            }
        };
        let (model, blind) = (facts_of(item, scene), self.is_blind());
        let drawn = self.session.draft(item.part.id).and_then(|d| d.region.clone());
        let own = item.opinion_of(Some(&scene.settings.reviewer)).and_then(|o| o.region.clone());
        let others = if blind { None } else { item.drawn().cloned() };
        let drawn = drawn.or(own).or(others);
        let findings = scene.findings.as_deref().filter(|_| !blind);
        let mut marks = Marks {
            drawing: &mut self.drawing,
            findings,
            drawn: drawn.as_ref(),
            width: item.part.width,
            ready: UiCommand::ReviewDraw.enabled(frame.context),
            done: None,
        };
        let subject = subject(item, &seen, model, self.layout.alone);
        self.triptych.ui(ui, &subject, &mut marks, frame.actions);
        if let Some(region) = marks.done.take() {
            self.keep_region(Some(region), frame.actions);
        }
        self.make_ready(ui, item, scene, frame);
    }

    /// Brings the parts that come next onto the device, so that they are there with the key.
    fn make_ready(&mut self, ui: &Ui, on_show: &ReviewItem, scene: &Scene, frame: &Frame<'_>) {
        let books = Arc::clone(&self.books);
        let wanted = Arc::clone(&self.wanted);
        let next = wanted.iter().map(|one| one.part).filter(|part| *part != on_show.part.id).take(READY);
        let next = next.filter_map(|part| books.items.binary_search_by_key(&part, |item| item.part.id).ok());
        let before = self.queue.place().checked_sub(1).and_then(|place| self.queue.view().rows().get(place)).copied();
        for item in next.chain(before).filter_map(|at| books.items.get(at)) {
            if let Some(Ok(seen)) = self.seen(item, scene, frame) {
                let model = facts_of(item, scene);
                self.triptych.prepare(ui, &subject(item, &seen, model, self.layout.alone));
            }
        }
    }
}

/// The model in force, where it is the one that inspected this part.
fn facts_of<'a>(item: &ReviewItem, scene: &'a Scene) -> Option<&'a ModelFacts> {
    match &scene.model {
        ModelState::Ready(facts) if facts.hash == item.inspection.model.to_string() => Some(facts),
        _ => None,
    }
}

fn subject<'a>(item: &ReviewItem, seen: &'a Seen, model: Option<&'a ModelFacts>, alone: bool) -> Subject<'a> {
    let outcome = seen.view.outcome.as_ref();
    let calibration: Option<&Calibration> = model.zip(outcome).and_then(|(model, o)| model.calibration(&o.knobs));
    Subject {
        id: item.part.id.0 as u64,
        view: &seen.view,
        kept: seen.view.frames.last(),
        model,
        calibration,
        absent: seen.absent.as_deref(),
        // Where nothing will stand beside it, the picture has all of the place.
        alone: alone || seen.absent.is_some() && !seen.coming,
        // The record's places are outlined.
        highlight: None,
    }
}

/// Why there is no reconstruction of a part, in one line.
fn absence(item: &ReviewItem, scene: &Scene) -> String {
    let name = &item.inspection.model_name;
    match &scene.model {
        ModelState::Ready(_) => {
            format!("This part was inspected with {name}; another model is in force, so there is no map.")
        }
        ModelState::Loading(_) => "The model is being loaded.".to_owned(),
        ModelState::None | ModelState::Failed(_) => format!("Open the model '{name}' to see reconstruction and map."),
    }
}
