//! Inspected parts before an audience: full screen, large, dark, one after the other, figures last.

mod closing;
mod part;
mod timeline;
mod waiting;

use std::sync::Arc;

use closing::ClosingFigures;
use egui::{CentralPanel, Context, CursorIcon, Frame, Label, Layout, Rect, RichText, Ui, UiBuilder, ViewportCommand};
use part::{PartPage, StageView};
use timeline::Timeline;

use super::{UiCommand, theme, theme::Palette};
use crate::engine::{
    EngineState,
    inspection::{InspectionStatus, ModelState, QueryEntry, QueryId, QueryView},
};

/// Seconds that the hint stands after the last touch, and in which it fades.
const HINT: (f64, f64) = (4.0, 1.0);
/// Seconds between two frames while something moves.
const FRAME: f32 = 1.0 / 30.0;
/// A frame that came later than this has been waited for, and the film with it.
const LONGEST: f64 = 1.0;

/// What is on show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    /// The parts are being inspected.
    Waiting,
    /// A part.
    Part(usize),
    /// The figures.
    Closing,
}

/// A presentation that goes on.
pub struct Presentation {
    /// What was asked for.
    asked: Vec<QueryId>,
    /// What is shown of it.
    parts: Vec<QueryId>,
    scene: Scene,
    playing: bool,
    /// Seconds into the part on show.
    seconds: f64,
    /// When the last frame was drawn, and the first.
    drawn: Option<f64>,
    began: Option<f64>,
    /// When somebody last did something.
    touched: Option<f64>,
    /// The window filled the screen before.
    full: Option<bool>,
    page: PartPage,
}

impl Presentation {
    /// Of parts that are inspected.
    pub fn of(parts: Vec<QueryId>) -> Self {
        Self { scene: Scene::Part(0), parts: parts.clone(), ..Self::awaiting(parts) }
    }

    /// Of parts that are yet to be inspected.
    pub fn awaiting(asked: Vec<QueryId>) -> Self {
        Self {
            asked,
            parts: Vec::new(),
            scene: Scene::Waiting,
            playing: true,
            seconds: 0.0,
            drawn: None,
            began: None,
            touched: None,
            full: None,
            page: PartPage::default(),
        }
    }

    /// The window opened for it, and is none of full screen when it ends.
    #[must_use]
    pub fn filling(mut self) -> Self {
        self.full = Some(false);
        self
    }

    /// Handles the presentation's own commands.
    pub fn command(&mut self, command: UiCommand) {
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

    /// Shows the part after the one on show, or the one before it.
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

    /// Gives the screen back as it was.
    pub fn end(&self, ctx: &Context) {
        if self.full == Some(false) {
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(false));
        }
    }

    /// Fills the screen, before anything is drawn.
    fn enter(&mut self, ctx: &Context, now: f64) {
        if self.began.is_some() {
            return;
        }
        (self.began, self.touched) = (Some(now), Some(now));
        let full = ctx.input(|i| i.viewport().fullscreen) == Some(true);
        self.full.get_or_insert(full);
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(true));
    }

    /// Draws it over the whole window.
    pub fn ui(&mut self, ui: &mut Ui, live: &EngineState) {
        let (now, touched) = ui.input(|i| {
            use egui::Event::{Key, PointerButton, PointerMoved};
            let touch = |e: &egui::Event| matches!(e, Key { .. } | PointerMoved(_) | PointerButton { .. });
            (i.time, i.events.iter().any(touch))
        });
        self.enter(ui.ctx(), now);
        if touched {
            self.touched = Some(now);
        }
        let status = live.inspection.status.read().clone();
        self.begin(&status);
        self.advance(live, now);
        let ground = Palette::new(true).ground;
        CentralPanel::default().frame(Frame::new().fill(ground)).show(ui, |ui| {
            let room = ui.max_rect();
            let stage = theme::Stage::of(room.size());
            ui.set_style(stage.style());
            let foot = room.bottom() - stage.gap() / 2.0;
            let hint = Rect::from_x_y_ranges(room.x_range().shrink(stage.margin()), foot - stage.caption()..=foot);
            let room = room.with_min_y(room.top() + stage.gap()).with_max_y(hint.top() - stage.gap() / 2.0);
            match self.scene {
                Scene::Waiting => {
                    let waited = now - self.began.unwrap_or(now);
                    waiting::ui(ui, &stage, room, &status, &entries(&status, &self.asked), self.asked.len(), waited);
                }
                Scene::Part(at) => self.part(ui, &stage, room, live, &status, at),
                Scene::Closing => {
                    let (parts, asked) = (entries(&status, &self.parts), entries(&status, &self.asked));
                    let figures = ClosingFigures::of(parts.iter().map(Arc::as_ref), asked.iter().map(Arc::as_ref));
                    closing::ui(ui, &stage, room, &figures, &status);
                }
            }
            self.hint(ui, hint, now);
        });
    }

    /// Shows the first part once all are inspected.
    fn begin(&mut self, status: &InspectionStatus) {
        if self.scene != Scene::Waiting || matches!(status.model, ModelState::Failed(_)) {
            return;
        }
        let entries = entries(status, &self.asked);
        if entries.len() < self.asked.len() || !entries.iter().all(|e| e.state.is_over()) {
            return;
        }
        self.parts = entries.iter().filter(|e| e.scores.is_some()).map(|e| e.id).collect();
        if !self.parts.is_empty() {
            self.show(Scene::Part(0));
        }
    }

    /// Moves the film on, and to the next part.
    fn advance(&mut self, live: &EngineState, now: f64) {
        let passed = now - self.drawn.replace(now).unwrap_or(now);
        let Scene::Part(at) = self.scene else { return };
        if !self.playing {
            return;
        }
        self.seconds += passed.clamp(0.0, LONGEST);
        let frames = self.parts.get(at).and_then(|id| view(live, *id)).map_or(0, |view| view.frames.len());
        if Timeline::new(frames).is_over(self.seconds) {
            self.go(true);
        }
    }

    fn part(
        &mut self,
        ui: &mut Ui,
        stage: &theme::Stage,
        room: Rect,
        live: &EngineState,
        status: &InspectionStatus,
        at: usize,
    ) {
        if self.playing {
            ui.ctx().request_repaint_after_secs(FRAME);
        }
        let Some(id) = self.parts.get(at).copied() else { return };
        let Some(entry) = status.entries.iter().find(|e| e.id == id) else { return };
        let view = view(live, id);
        let outcome = view.as_ref().and_then(|view| view.outcome.as_ref());
        let scale = match (&status.model, outcome) {
            (ModelState::Ready(model), Some(outcome)) => model.calibration(&outcome.knobs).map(|c| c.scale.difference),
            _ => None,
        };
        let scale = scale.filter(|s| s.is_finite() && *s > 0.0).unwrap_or(1.0);
        let place = (at + 1, self.parts.len());
        let seen = StageView { entry, view: view.as_deref(), scale, place, seconds: self.seconds };
        self.page.ui(ui, stage, room, &seen);
    }

    /// What the keys do: for a while after each touch, and as long as the film waits.
    fn hint(&self, ui: &mut Ui, rect: Rect, now: f64) {
        let idle = now - self.touched.unwrap_or(now);
        let stays = !self.playing || !matches!(self.scene, Scene::Part(_));
        let shown = if stays { 1.0 } else { 1.0 - ((idle - HINT.0) / HINT.1).clamp(0.0, 1.0) };
        if shown <= 0.0 {
            ui.ctx().set_cursor_icon(CursorIcon::None);
            return;
        }
        let words = match self.scene {
            Scene::Waiting => "Esc leaves, and the inspection goes on",
            Scene::Part(_) if self.playing => "Space waits · left and right: other parts · Esc leaves",
            Scene::Part(_) => "Paused · Space goes on · left and right: other parts · Esc leaves",
            Scene::Closing => "Space begins again · left: the last part · Esc leaves",
        };
        let p = Palette::of(ui);
        ui.scope(|ui| {
            ui.set_opacity(shown as f32);
            let words = RichText::new(words).text_style(theme::caption()).color(p.text_weak);
            text(ui, rect, words, Layout::centered_and_justified(egui::Direction::LeftToRight));
        });
    }
}

/// A query's pictures.
fn view(live: &EngineState, id: QueryId) -> Option<Arc<QueryView>> {
    live.inspection.views.read().get(&id).cloned()
}

/// Those of `ids` that are on the list, in the order of `ids`.
fn entries(status: &InspectionStatus, ids: &[QueryId]) -> Vec<Arc<QueryEntry>> {
    ids.iter().filter_map(|id| status.entries.iter().find(|e| e.id == *id).cloned()).collect()
}

/// Text on one line in a place of its own.
fn text(ui: &mut Ui, rect: Rect, words: RichText, layout: Layout) {
    ui.scope_builder(UiBuilder::new().max_rect(rect).layout(layout), |ui| ui.add(Label::new(words).truncate()));
}
