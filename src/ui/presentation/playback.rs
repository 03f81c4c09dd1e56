//! The course of a presentation: waiting for inspections, the parts in turn, the summary.

use std::{collections::HashMap, sync::Arc};

use egui::{CentralPanel, Context, CursorIcon, Frame, Layout, Rect, RichText, Ui, ViewportCommand};

use super::{
    closing,
    closing::Summary,
    line::text,
    part::{PartPainter, PresentedPart},
    timeline::Timeline,
    waiting,
};
use crate::{
    engine::{
        EngineState,
        inspection::{InspectionStatus, ModelState, QueryEntry, QueryId, QueryView},
    },
    inspect::evaluation::{EvaluatedMap, PartTruth},
    ui::{UiCommand, pages::inspect::raster::DisplayMap, theme, theme::Palette},
};

/// Seconds for which the hint is shown after the last input, and in which it fades.
const HINT: (f64, f64) = (4.0, 1.0);
/// Seconds between two frames of an animation.
const FRAME: f32 = 1.0 / 30.0;
/// Longest step of the animation between two frames, seconds.
const LONGEST: f64 = 1.0;

/// A scene of the presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    /// The parts are being inspected.
    Waiting,
    /// A part.
    Part(usize),
    /// The summary.
    Closing,
}

/// A running presentation.
pub(crate) struct Presentation {
    /// The requested images.
    requested: Vec<QueryId>,
    /// Those of them that have a result.
    parts: Vec<QueryId>,
    /// What is known of parts of test sets.
    known: HashMap<QueryId, Arc<PartTruth>>,
    scene: Scene,
    playing: bool,
    /// Seconds into the current part.
    seconds: f64,
    /// Times of the last frame and of the first.
    drawn_at: Option<f64>,
    began_at: Option<f64>,
    /// Time of the last input.
    input_at: Option<f64>,
    /// Whether the window was in full screen before.
    was_full_screen: Option<bool>,
    page: PartPainter,
}

impl Presentation {
    /// Presents inspected parts; `known` holds what is known of those that are part of a test set.
    pub(crate) fn of(parts: Vec<QueryId>, known: HashMap<QueryId, Arc<PartTruth>>) -> Self {
        Self { scene: Scene::Part(0), parts: parts.clone(), known, ..Self::awaiting(parts) }
    }

    /// Waits for parts to be inspected, then presents them.
    pub(crate) fn awaiting(requested: Vec<QueryId>) -> Self {
        Self {
            requested,
            parts: Vec::new(),
            known: HashMap::new(),
            scene: Scene::Waiting,
            playing: true,
            seconds: 0.0,
            drawn_at: None,
            began_at: None,
            input_at: None,
            was_full_screen: None,
            page: PartPainter::default(),
        }
    }

    /// Leaves full screen at the end, for a window opened in full screen.
    #[must_use]
    pub(crate) fn filling(mut self) -> Self {
        self.was_full_screen = Some(false);
        self
    }

    /// Handles the presentation's own commands.
    pub(crate) fn command(&mut self, command: UiCommand) {
        match command {
            UiCommand::PresentPlayPause => self.play_pause(),
            UiCommand::PresentBack => self.go(false),
            UiCommand::PresentForward => self.go(true),
            _ => {}
        }
    }

    /// Pauses or resumes; starts again at the end.
    fn play_pause(&mut self) {
        match self.scene {
            Scene::Waiting => {}
            Scene::Part(_) => self.playing = !self.playing,
            Scene::Closing => self.show(Scene::Part(0)),
        }
    }

    /// Shows the next or the previous part.
    fn go(&mut self, forward: bool) {
        let last = self.parts.len().saturating_sub(1);
        match (self.scene, forward) {
            (Scene::Waiting, _) | (Scene::Closing, true) => {}
            (Scene::Part(at), true) if at >= last => self.show(Scene::Closing),
            (Scene::Part(at), true) => self.show(Scene::Part(at + 1)),
            (Scene::Part(at), false) => self.show(Scene::Part(at.saturating_sub(1))),
            (Scene::Closing, false) => self.show(Scene::Part(last)),
        }
    }

    fn show(&mut self, scene: Scene) {
        (self.scene, self.seconds, self.playing) = (scene, 0.0, true);
    }

    /// Leaves full screen unless the window was in full screen before.
    pub(crate) fn end(&self, ctx: &Context) {
        if self.was_full_screen == Some(false) {
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(false));
        }
    }

    /// Enters full screen on the first frame.
    fn enter(&mut self, ctx: &Context, now: f64) {
        if self.began_at.is_some() {
            return;
        }
        (self.began_at, self.input_at) = (Some(now), Some(now));
        let was_full_screen = ctx.input(|i| i.viewport().fullscreen) == Some(true);
        self.was_full_screen.get_or_insert(was_full_screen);
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(true));
    }

    /// Draws the presentation over the whole window.
    pub(crate) fn ui(&mut self, ui: &mut Ui, engine: &EngineState) {
        let (now, input) = ui.input(|i| {
            use egui::Event::{Key, PointerButton, PointerMoved};
            let touch = |e: &egui::Event| matches!(e, Key { .. } | PointerMoved(_) | PointerButton { .. });
            (i.time, i.events.iter().any(touch))
        });
        self.enter(ui.ctx(), now);
        if input {
            self.input_at = Some(now);
        }
        let status = engine.inspection.status.read().clone();
        self.begin(&status);
        self.advance(engine, now);
        let ground = Palette::new(true).ground;
        CentralPanel::default().frame(Frame::new().fill(ground)).show(ui, |ui| {
            let area = ui.max_rect();
            let sizes = theme::PresentationSizes::of(area.size());
            ui.set_style(sizes.style());
            let foot = area.bottom() - sizes.gap() / 2.0;
            let hint = Rect::from_x_y_ranges(area.x_range().shrink(sizes.margin()), foot - sizes.caption()..=foot);
            let area = area.with_min_y(area.top() + sizes.gap()).with_max_y(hint.top() - sizes.gap() / 2.0);
            match self.scene {
                Scene::Waiting => {
                    let waited = now - self.began_at.unwrap_or(now);
                    waiting::ui(
                        ui,
                        &sizes,
                        area,
                        &status,
                        &entries(&status, &self.requested),
                        self.requested.len(),
                        waited,
                    );
                }
                Scene::Part(at) => self.part(ui, &sizes, area, engine, &status, at),
                Scene::Closing => {
                    let (parts, requested) = (entries(&status, &self.parts), entries(&status, &self.requested));
                    let summary = Summary::of(parts.iter().map(Arc::as_ref), requested.iter().map(Arc::as_ref));
                    closing::ui(ui, &sizes, area, &summary, &status);
                }
            }
            self.hint(ui, hint, now);
        });
    }

    /// Shows the first part once all inspections have ended.
    fn begin(&mut self, status: &InspectionStatus) {
        if self.scene != Scene::Waiting || matches!(status.model, ModelState::Failed(_)) {
            return;
        }
        let entries = entries(status, &self.requested);
        if entries.len() < self.requested.len() || !entries.iter().all(|e| e.state.is_over()) {
            return;
        }
        self.parts = entries.iter().filter(|e| e.judged.is_some()).map(|e| e.id).collect();
        if !self.parts.is_empty() {
            self.show(Scene::Part(0));
        }
    }

    /// Advances the animation, and to the next part at its end.
    fn advance(&mut self, engine: &EngineState, now: f64) {
        let passed = now - self.drawn_at.replace(now).unwrap_or(now);
        let Scene::Part(at) = self.scene else { return };
        if !self.playing {
            return;
        }
        self.seconds += passed.clamp(0.0, LONGEST);
        let frames = self.parts.get(at).and_then(|id| view(engine, *id)).map_or(0, |view| view.frames.len());
        if Timeline::new(frames).is_over(self.seconds) {
            self.go(true);
        }
    }

    fn part(
        &mut self,
        ui: &mut Ui,
        sizes: &theme::PresentationSizes,
        area: Rect,
        engine: &EngineState,
        status: &InspectionStatus,
        at: usize,
    ) {
        if self.playing {
            ui.ctx().request_repaint_after_secs(FRAME);
        }
        let Some(id) = self.parts.get(at).copied() else { return };
        let Some(entry) = status.entries.iter().find(|e| e.id == id) else { return };
        let view = view(engine, id);
        let outcome = view.as_ref().and_then(|view| view.outcome.as_ref());
        let model = match &status.model {
            ModelState::Ready(model) => Some(model),
            _ => None,
        };
        let map = model.zip(outcome).map_or(EvaluatedMap::Difference, |(model, outcome)| model.deciding_map(outcome));
        let map = DisplayMap::from(map);
        let scale = model.zip(outcome).and_then(|(model, outcome)| model.map_scale(&outcome.knobs));
        let scale = scale.map(|scale| map.upper(&scale)).filter(|s| s.is_finite() && *s > 0.0);
        let scale = scale.unwrap_or(map.unscaled());
        let number = (at + 1, self.parts.len());
        let part = PresentedPart {
            entry,
            truth: self.known.get(&id).map(Arc::as_ref),
            view: view.as_deref(),
            map,
            scale,
            number,
            seconds: self.seconds,
        };
        self.page.ui(ui, sizes, area, &part);
    }

    /// Draws the keys: for a while after each input, and as long as the presentation is paused.
    fn hint(&self, ui: &mut Ui, rect: Rect, now: f64) {
        let idle = now - self.input_at.unwrap_or(now);
        let stays = !self.playing || !matches!(self.scene, Scene::Part(_));
        let shown = if stays { 1.0 } else { 1.0 - ((idle - HINT.0) / HINT.1).clamp(0.0, 1.0) };
        if shown <= 0.0 {
            ui.ctx().set_cursor_icon(CursorIcon::None);
            return;
        }
        let keys = match self.scene {
            Scene::Waiting => "Esc: exit; the inspection continues",
            Scene::Part(_) if self.playing => "Space: pause · Arrow keys: change part · Esc: exit",
            Scene::Part(_) => "Paused · Space: resume · Arrow keys: change part · Esc: exit",
            Scene::Closing => "Space: restart · Left arrow: last part · Esc: exit",
        };
        let p = Palette::of(ui);
        ui.scope(|ui| {
            ui.set_opacity(shown as f32);
            let keys = RichText::new(keys).text_style(theme::caption()).color(p.text_weak);
            text(ui, rect, keys, Layout::centered_and_justified(egui::Direction::LeftToRight));
        });
    }
}

/// The images of a query.
fn view(engine: &EngineState, id: QueryId) -> Option<Arc<QueryView>> {
    engine.inspection.views.read().get(&id).cloned()
}

/// The entries of `ids` that are in the list, in the order of `ids`.
fn entries(status: &InspectionStatus, ids: &[QueryId]) -> Vec<Arc<QueryEntry>> {
    ids.iter().filter_map(|id| status.entries.iter().find(|e| e.id == *id).cloned()).collect()
}
