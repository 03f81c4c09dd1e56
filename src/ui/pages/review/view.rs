//! Drawing of the workspace.

use std::sync::Arc;

use egui::{Align, Layout, Panel, RichText, ScrollArea, Stroke, Ui};
use egui_material_icons::icons;

use super::{
    ReviewWorkspace, bar, empty, marks::Marks, next, next::Rest, panel, scene::ReviewScene, section::collapsible,
    verdict,
};
use crate::{
    engine::{
        inspection::{ModelFacts, ModelState, QueryView},
        review::PartImage,
    },
    format::counted,
    review::{PartId, ReviewItem},
    text::PrintablePath,
    ui::{
        Frame, UiCommand,
        pages::inspect::{region_marks::RegionMarks, status::verdict_mark, triptych::Subject},
        theme,
        theme::Palette,
        widgets,
        widgets::{elide::name_label, flush_right, icon_toggle, pane, ticks},
    },
};

/// Time after which a loading message appears.
const WAIT: std::time::Duration = std::time::Duration::from_millis(300);

/// Number of next parts whose textures are uploaded in advance, besides that of the previous part.
const READY: usize = 2;

/// Images of a part.
struct PartView {
    view: Arc<QueryView>,
    /// Why there is no reconstruction.
    absent: Option<String>,
    /// Whether the reconstruction is being computed.
    computing: bool,
}

impl ReviewWorkspace {
    /// Draws the workspace over all of `ui`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let scene = self.scene(frame.engine);
        let snapshot = Arc::clone(&self.snapshot);
        let item = self.queue.shown(&snapshot.items);
        self.side.measure(ui);
        let head = egui::Frame::new().fill(p.panel).inner_margin(theme::bar_margin());
        Panel::top("review-head").frame(head).show(ui, |ui| self.head(ui, item, frame));
        let mut area = ui.available_rect_before_wrap();
        let full = area;
        ui.painter().rect_filled(area, 0.0, p.ground);
        let line = Stroke::new(theme::HAIRLINE, p.hairline);
        let (contents, panel) = self.side.split(ui, area, self.layout.panel);
        if let Some(panel) = panel {
            pane(ui, panel, "side", |ui| self.panel(ui, item, &scene, frame));
        }
        let Some(rest) = contents else {
            ui.advance_cursor_after_rect(full);
            return;
        };
        area = rest;
        match item {
            None => {
                let rest = self.rest();
                let words = self.filter_words(true);
                let show = pane(ui, area, "empty", |ui| empty::ui(ui, &scene, rest.map(|rest| (rest, words)), frame));
                if show {
                    self.show_others();
                }
            }
            Some(item) => {
                // In a low window the images need the height of the filmstrip.
                let film = if area.height() >= theme::LOW { theme::FILM } else { 0.0 };
                let (area, film) = area.split_top_bottom_at_y(area.bottom() - film);
                let rows = if area.width() >= theme::VERDICTS_ROOMY { 1.0 } else { 2.0 };
                let height = theme::VERDICTS + (rows - 1.0) * (theme::ROW + theme::GAP_XS);
                let (top, buttons) = area.split_top_bottom_at_y(area.bottom() - height);
                let top = match self.rest() {
                    Some(rest) => {
                        // In a narrow window the buttons take two rows.
                        let rows = if top.width() < theme::ROOMY / 2.0 { 2.0 } else { 1.0 };
                        let height = theme::QUEUE_END + (rows - 1.0) * (theme::ROW + theme::GAP_XS);
                        let (end, top) = top.split_top_bottom_at_y(top.top() + height);
                        ui.painter().rect_filled(end, 0.0, p.panel);
                        let words = self.filter_words(true);
                        let end = end.shrink2(egui::vec2(theme::GAP_S, theme::GAP_XS));
                        if pane(ui, end, "end", |ui| next::ui(ui, rest, words.as_deref(), &scene, frame)) {
                            self.show_others();
                        }
                        top
                    }
                    None => top,
                };
                pane(ui, top, "pictures", |ui| self.images(ui, item, &scene, frame));
                ui.painter().rect_filled(buttons.union(film), 0.0, p.panel);
                ui.painter().hline(buttons.x_range(), buttons.top(), line);
                pane(ui, buttons, "verdicts", |ui| bar::ui(ui, frame));
                let blind = self.is_blind();
                let session = &self.session;
                let pending = |part: PartId| session.is_pending(part);
                let (queue, strip) = (&self.queue, &mut self.filmstrip);
                let clicked = film.is_positive().then(|| {
                    pane(ui, film, "film", |ui| strip.ui(ui, queue, (&snapshot.items, &self.owner), &pending, blind))
                });
                if let Some(place) = clicked.flatten() {
                    self.queue.go(&snapshot.items, place);
                    ui.ctx().request_discard("another part is shown");
                    ui.ctx().request_repaint();
                }
            }
        }
        ui.advance_cursor_after_rect(full);
    }

    /// Returns what is left of the record once every part of the queue is done; `None` before.
    fn rest(&self) -> Option<Rest> {
        let counts = self.queue.view().counts();
        let over = counts.left == 0 && counts.done > 0 && !self.session.is_any_pending();
        over.then(|| Rest::of(&self.snapshot.items, &self.queue.filter, counts.done))
    }

    /// Clears the filter, and shows the first part without a verdict.
    fn show_others(&mut self) {
        let snapshot = Arc::clone(&self.snapshot);
        self.queue.clear_filter();
        self.queue.follow(&snapshot);
        let session = &self.session;
        self.queue.advance(&snapshot.items, &|part: PartId| session.is_pending(part));
    }

    /// Draws the header: page title, current part and progress.
    fn head(&mut self, ui: &mut Ui, item: Option<&ReviewItem>, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            flush_right(ui, |ui| {
                ui.spacing_mut().item_spacing.x = theme::GAP_XS;
                let shown = self.side.is_shown(self.layout.panel);
                let name = format!("{} side panel", if shown { "Hide" } else { "Show" });
                if icon_toggle(ui, icons::ICON_TUNE, &name, true, shown).clicked() {
                    self.side.toggle(&mut self.layout.panel);
                }
                let alone = UiCommand::ReviewAlone;
                let (tooltip, enabled) = (alone.tooltip(ui.ctx()), alone.enabled(frame.context));
                let toggle = icon_toggle(ui, icons::ICON_FULLSCREEN, &tooltip, enabled, self.layout.alone);
                if toggle.accessible_name(alone.title()).clicked() {
                    frame.command(alone);
                }
                let view = self.queue.view();
                if item.is_some() {
                    let counters = verdict::counters(&view.counts(), self.filter_words(false).as_deref());
                    let all = counted(self.snapshot.items.len(), "part");
                    let only = self.filter_words(true).map_or_else(
                        || format!("Counts of the whole record, {all}."),
                        |words| format!("Counts of the queue only: {words}. The record has {all}."),
                    );
                    ui.label(RichText::new(counters).color(p.text)).on_hover_text(only);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = theme::GAP_S;
                    ui.label(RichText::new("Review").text_style(theme::section()).color(p.text_strong));
                    let Some(item) = item else { return };
                    // The verdict is never out of sight.
                    if !shown && !self.is_blind() {
                        let verdict = item.inspection.assessment.verdict;
                        theme::mark_icon(ui, verdict_mark(verdict));
                        ui.label(RichText::new(verdict.title().to_uppercase()).color(p.text_strong));
                    }
                    let position = ticks::grouped((self.queue.position() + 1) as f64, 0);
                    let all = ticks::grouped(view.rows().len() as f64, 0);
                    ui.label(RichText::new(format!("{position} of {all}")).color(p.text_weak));
                    let name = name_label(ui, &self.filmstrip.name(item), egui::TextStyle::Body, p.text_strong);
                    name.on_hover_text(item.part.path.printable().to_string());
                });
            });
        });
    }

    /// Draws the side panel: verdict, defect types, queue and sections.
    fn panel(&mut self, ui: &mut Ui, item: Option<&ReviewItem>, scene: &ReviewScene, frame: &mut Frame<'_>) {
        let blind = self.is_blind();
        let mut request = None;
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            ui.set_width(ui.available_width() - theme::GAP_S);
            if let Some(item) = item {
                verdict::ui(ui, item, blind);
                let view = self.map(item, frame).and_then(Result::ok);
                if let Some(neighbours) = view.and_then(|view| view.neighbours.clone()) {
                    self.neighbours.ui(ui, &neighbours);
                }
                request = verdict::additions(ui, item, (scene, &self.session), &mut self.note, frame);
                ui.add_space(theme::GAP_S);
                verdict::defect_types(ui, scene, &self.session, frame);
                self.anomalies.follow(item.part.id.0 as u64);
                if let Some(found) = scene.findings.as_deref() {
                    ui.add_space(theme::GAP_S);
                    self.triptych.reveal |= self.anomalies.ui(ui, found.into(), self.triptych.outlines());
                }
                ui.add_space(theme::GAP_M);
            }
            // Verdicts need a name, so without one its section comes first.
            let unnamed = scene.settings.reviewer.is_empty();
            if !unnamed && !scene.snapshot.items.is_empty() {
                self.queue_section(ui, scene, blind);
            }
            panel::ui(ui, &mut self.sections, scene, frame);
            if unnamed && !scene.snapshot.items.is_empty() {
                self.queue_section(ui, scene, blind);
            }
        });
        match request {
            None => {}
            Some(verdict::VerdictRequest::DiscardNote) => self.note = None,
            Some(verdict::VerdictRequest::SaveNote(text)) => {
                self.note = None;
                self.save_note(text, frame.actions);
            }
            Some(verdict::VerdictRequest::RemoveRegions) => {
                if let Some(item) = item {
                    self.drawing.keep(self.session.regions(item, &scene.settings));
                }
                self.save_regions(Vec::new(), frame.actions);
            }
        }
    }

    fn queue_section(&mut self, ui: &mut Ui, scene: &ReviewScene, blind: bool) {
        let (filters, queue, export) = (&mut self.filters, &mut self.queue, &mut self.export_queue);
        // A folded section would leave the search without its field.
        collapsible(ui, "Queue", filters.focus_search, |ui| {
            filters.ui(ui, scene, &mut queue.filter, &mut queue.order, (blind, export))
        });
        if queue.follow(&scene.snapshot) {
            ui.ctx().request_discard("the queue has changed");
            ui.ctx().request_repaint();
        }
    }

    /// Returns the reconstruction of a part, or why there is none; `None` while it is hidden or not computed yet.
    fn map(&self, item: &ReviewItem, frame: &Frame<'_>) -> Option<Result<Arc<QueryView>, String>> {
        frame.engine.review.maps.read().get(&item.inspection.id).cloned().filter(|_| !self.is_blind())
    }

    /// Returns the images of a part once they are read, or why there are none.
    fn part_view(&self, item: &ReviewItem, scene: &ReviewScene, frame: &Frame<'_>) -> Option<Result<PartView, String>> {
        let review = &frame.engine.review;
        let blind = self.is_blind();
        let map = self.map(item, frame);
        // A map may be left of the time before the file was replaced.
        let replaced = matches!(review.images.read().get(&item.part.id).map(Arc::as_ref), Some(PartImage::Kept(..)));
        if let Some(Ok(view)) = map.as_ref().filter(|_| !replaced) {
            return Some(Ok(PartView { view: Arc::clone(view), absent: None, computing: false }));
        }
        let image = review.images.read().get(&item.part.id).cloned()?;
        let (planes, copy) = match &*image {
            PartImage::Loaded(_, planes) => (Arc::clone(planes), None),
            PartImage::Kept(planes, why) => (Arc::clone(planes), Some(why.clone())),
            PartImage::Unavailable(text) => return Some(Err(text.clone())),
        };
        let view = QueryView {
            query: planes,
            frames: Vec::new(),
            records: Arc::default(),
            outcome: None,
            neighbours: None,
            regions: None,
        };
        let computing = map.is_none() && !blind && copy.is_none() && inspecting_model(item, scene).is_some();
        let absent = match (map, copy) {
            (_, Some(why)) => why,
            (Some(Err(text)), None) => text,
            _ if blind => "Reconstruction and map are hidden during double-blind review.".to_owned(),
            _ if computing => "Computing reconstruction and map.".to_owned(),
            _ => absence(item, scene),
        };
        Some(Ok(PartView { view: Arc::new(view), absent: Some(absent), computing }))
    }

    /// Draws image, reconstruction and map of a part.
    fn images(&mut self, ui: &mut Ui, item: &ReviewItem, scene: &ReviewScene, frame: &mut Frame<'_>) {
        let images = match self.part_view(item, scene, frame) {
            Some(Ok(images)) => images,
            Some(Err(text)) => {
                let kept = "Existing verdicts stay on record, and the part can still be judged.";
                return widgets::empty_place(ui, "Image not available", &format!("{text} {kept}"));
            }
            None => {
                let waited = self.shown_since.map(|(_, since)| since.elapsed()).unwrap_or_default();
                match WAIT.checked_sub(waited) {
                    Some(rest) => ui.ctx().request_repaint_after(rest),
                    None => widgets::empty_place(ui, "Loading the image…", &item.part.path.printable().to_string()),
                }
                return;
            }
        };
        let (model, blind) = (inspecting_model(item, scene), self.is_blind());
        let own = self.session.regions(item, &scene.settings);
        let others = || if blind { Vec::new() } else { item.drawn_shapes().into_iter().cloned().collect() };
        let is_own = !own.is_empty();
        let drawn = if is_own { own } else { others() };
        let mut marks = Marks {
            drawing: &mut self.drawing,
            drawn: &drawn,
            own: is_own,
            width: item.part.width,
            ready: UiCommand::ReviewDraw.enabled(frame.context),
            done: None,
        };
        self.anomalies.follow(item.part.id.0 as u64);
        let regions = scene.findings.as_deref().map(|found| RegionMarks {
            regions: &found.regions,
            width: item.part.width,
            selected: self.anomalies.selected(found.regions.len()),
        });
        let subject = Subject { regions, ..subject(item, &images, model, self.layout.alone) };
        if let Some(at) = self.triptych.ui(ui, &subject, &mut marks, frame.actions) {
            self.anomalies.pick(at);
        }
        if let Some(regions) = marks.done.take() {
            self.save_regions(regions, frame.actions);
        }
        self.prepare_next(ui, item, scene, frame);
    }

    /// Uploads the textures of the next and the previous part, so that they can be shown without delay.
    fn prepare_next(&mut self, ui: &Ui, current: &ReviewItem, scene: &ReviewScene, frame: &Frame<'_>) {
        let snapshot = Arc::clone(&self.snapshot);
        let prefetch = Arc::clone(&self.prefetch);
        let next = prefetch.iter().map(|request| request.part).filter(|part| *part != current.part.id).take(READY);
        let next = next.filter_map(|part| snapshot.items.binary_search_by_key(&part, |item| item.part.id).ok());
        let before =
            self.queue.position().checked_sub(1).and_then(|place| self.queue.view().rows().get(place)).copied();
        for item in next.chain(before).filter_map(|at| snapshot.items.get(at)) {
            if let Some(Ok(images)) = self.part_view(item, scene, frame) {
                let model = inspecting_model(item, scene);
                self.triptych.prepare(ui, &subject(item, &images, model, self.layout.alone));
            }
        }
    }
}

/// Returns the active model if it is the one that inspected this part.
fn inspecting_model<'a>(item: &ReviewItem, scene: &'a ReviewScene) -> Option<&'a ModelFacts> {
    match &scene.model {
        ModelState::Ready(facts) if facts.hash == item.inspection.model.to_string() => Some(facts),
        _ => None,
    }
}

fn subject<'a>(item: &ReviewItem, images: &'a PartView, model: Option<&'a ModelFacts>, alone: bool) -> Subject<'a> {
    let outcome = images.view.outcome.as_ref();
    Subject {
        id: item.part.id.0 as u64,
        view: &images.view,
        kept: images.view.frames.last(),
        model,
        deciding: model.zip(outcome).map(|(model, outcome)| model.deciding_map(outcome)),
        scale: model.zip(outcome).and_then(|(model, outcome)| model.map_scale(&outcome.knobs)),
        absent: images.absent.as_deref(),
        // Without a reconstruction the image fills the area.
        alone: alone || images.absent.is_some() && !images.computing,
        mask: None,
        // The regions on record are outlined instead.
        highlight: None,
        regions: None,
    }
}

/// Returns why there is no reconstruction of a part.
fn absence(item: &ReviewItem, scene: &ReviewScene) -> String {
    let name = &item.inspection.model_name;
    match &scene.model {
        ModelState::Ready(_) => {
            format!("This part was inspected with {name}; another model is active, so there is no map.")
        }
        ModelState::Loading(_) => "Loading the model.".to_owned(),
        ModelState::None | ModelState::Failed(_) => format!("Open the model '{name}' to see reconstruction and map."),
    }
}
