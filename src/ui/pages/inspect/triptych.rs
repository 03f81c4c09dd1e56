//! Query, reconstruction and difference under one pan and zoom.

use std::sync::Arc;

use egui::{
    Align, Color32, ComboBox, Layout, PopupCloseBehavior, Rect, Response, RichText, Role, Sense, Slider, Stroke, Ui,
    UiBuilder, WidgetInfo,
    containers::menu::{MenuButton, MenuConfig},
    vec2,
};
use egui_material_icons::icons;
use serde::{Deserialize, Serialize};

use super::{
    canvases::{Canvases, TriptychRequest},
    raster,
    raster::{DisplayMap, MapSource, grey_level},
    verdict_state,
};
use crate::{
    data::colour_map::{ColourMap, table},
    engine::inspection::{ModelFacts, QueryView},
    inspect::{Calibration, KeptFrame, Regions, Verdict, critic::neighbours::SIDE},
    ui::{
        Action, UiCommand, theme,
        theme::Palette,
        widgets::{
            colour_bar::ColourTable,
            icon_toggle,
            image_pane::{Placed, Viewport, reduction},
            ticks,
        },
    },
};

/// Seconds that each picture of a blink is shown.
const BLINK: f64 = 0.5;
/// The whole of the grey levels.
const WHOLE: (f32, f32) = (127.5, 255.0);

/// What is remembered of the pictures.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct TriptychLayout {
    map: DisplayMap,
    /// Maps without a sign in greys, not in colours.
    grey: bool,
    overlay: bool,
    opacity: f32,
}

impl Default for TriptychLayout {
    fn default() -> Self {
        Self { map: DisplayMap::Difference, grey: false, overlay: false, opacity: 0.6 }
    }
}

/// How query and reconstruction are compared in one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Compare {
    #[default]
    Off,
    Blink,
    Swipe,
}

/// The pixels that regions leave, for the picture they were worked out for.
struct Mask {
    regions: Regions,
    size: (usize, usize),
    inspected: Option<Arc<Vec<bool>>>,
}

/// What the pictures are of.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Another number for another subject.
    pub id: u64,
    /// Query, reconstructions and outcome.
    pub view: &'a QueryView,
    /// The reconstruction on show.
    pub kept: Option<&'a KeptFrame>,
    /// The model in force.
    pub model: Option<&'a ModelFacts>,
    /// Its calibration for what is shown.
    pub calibration: Option<&'a Calibration>,
    /// Why there is no reconstruction, where none is on its way.
    pub absent: Option<&'a str>,
    /// The query alone fills the place.
    pub alone: bool,
    /// The upper left corner of the place that stands beside good parts under the verdict, to be marked, and the verdict.
    pub odd: Option<((usize, usize), Verdict)>,
}

/// What lies over the query, and has the pointer while it draws.
pub trait QueryOverlay {
    /// Whether a drag over the query draws.
    fn is_drawing(&self) -> bool;
    /// What to do next, while it does.
    fn hint(&self) -> Option<&'static str>;
    /// Its own place in the toolbar; `model` says whether one is in force.
    fn tools(&mut self, ui: &mut Ui, model: bool, actions: &mut Vec<Action>);
    /// Draws over the query, and takes in what the pointer does.
    fn over(&mut self, ui: &Ui, response: &Response, placed: &Placed, size: (usize, usize), actions: &mut Vec<Action>);
}

/// Subjects whose pictures are kept on the device: the one on show, and those made ready beside it.
const EASELS: usize = 4;

/// The three pictures' own state.
#[derive(Default)]
pub struct Triptych {
    layout: TriptychLayout,
    /// What is on show of all three.
    pub view: Viewport,
    compare: Compare,
    /// Share of the query's pane left of the curtain.
    swipe: Option<f32>,
    /// Level and window of query and reconstruction, grey levels.
    window: Option<(f32, f32)>,
    /// Pictures on the device, by subject; that of the subject on show comes first.
    easels: Vec<(u64, Canvases)>,
    /// The place of a picture when it was last drawn.
    pane: Option<Rect>,
    bar: ColourTable,
    mask: Option<Mask>,
}

impl Triptych {
    /// The pictures as they were shown last.
    pub fn new(mut layout: TriptychLayout) -> Self {
        layout.opacity = if layout.opacity.is_finite() { layout.opacity.clamp(0.0, 1.0) } else { 0.6 };
        Self { layout, ..Self::default() }
    }

    /// What is to be remembered.
    pub fn layout(&self) -> &TriptychLayout {
        &self.layout
    }

    /// Switches blink, swipe or overlay.
    pub fn toggle(&mut self, command: UiCommand) {
        let switch = |now: Compare, to: Compare| if now == to { Compare::Off } else { to };
        match command {
            UiCommand::Blink => self.compare = switch(self.compare, Compare::Blink),
            UiCommand::Swipe => self.compare = switch(self.compare, Compare::Swipe),
            UiCommand::MapOverlay => self.layout.overlay = !self.layout.overlay,
            _ => {}
        }
    }

    /// The colours of the map.
    pub fn colours(&self) -> ColourMap {
        match (self.layout.map, self.layout.grey) {
            (DisplayMap::Signed, _) => ColourMap::Signed,
            (_, true) => ColourMap::Grey,
            (_, false) => ColourMap::Ember,
        }
    }

    /// Black and white of query and reconstruction, grey levels.
    fn greys(&self) -> (f32, f32) {
        let (level, window) = self.window.unwrap_or(WHOLE);
        (level - window / 2.0, level + window / 2.0)
    }

    /// Draws tools, pictures, colour bar and readout over all that is left of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, subject: &Subject<'_>, over: &mut dyn QueryOverlay, actions: &mut Vec<Action>) {
        let Subject { view, kept, calibration, alone, .. } = *subject;
        self.tools(ui, subject.model.is_some(), over, actions);
        ui.add_space(theme::GAP_XS);
        let shape = raster::shape(&view.query);
        let size = (shape.0, shape.1);
        let area = ui.available_rect_before_wrap();
        let (area, foot) = area.split_top_bottom_at_y((area.bottom() - theme::ROW_TIGHT).max(area.top()));
        let count = if alone { 1 } else { 3 };
        let measured = !alone || self.layout.overlay;
        let bar_width = if measured { theme::COLOUR_BAR + theme::GAP_S } else { 0.0 };
        let (panes, bar) = area.split_left_right_at_x(area.right() - bar_width);
        let width = ((panes.width() - (count - 1) as f32 * theme::GAP_S) / count as f32).max(1.0);
        let pane = |i: usize| {
            let left = panes.left() + i as f32 * (width + theme::GAP_S);
            Rect::from_min_size(egui::pos2(left, panes.top()), vec2(width, panes.height()))
        };
        let scale = self.scale(calibration);
        let source = self.source(subject, size);
        let (ppp, inner) = (ui.pixels_per_point(), |rect: Rect| rect.with_min_y(rect.top() + theme::TILE_HEAD));
        self.pane = Some(inner(pane(0)));
        let zoom = self.view.place(inner(pane(0)), size, ppp).zoom;
        self.upload(ui, subject, &source, zoom);

        let blinked = self.compare == Compare::Blink && ui.input(|i| (i.time / BLINK) as u64 % 2 == 1);
        if self.compare == Compare::Blink {
            ui.ctx().request_repaint_after_secs(BLINK as f32 / 4.0);
        }
        let step = kept.map_or_else(|| "–".to_owned(), |k| ticks::grouped(k.step as f64, 0));
        let reconstruction = format!("Reconstruction · step {step}");
        let mut query = match self.compare {
            Compare::Blink if blinked => format!("Blink · reconstruction, step {step}"),
            Compare::Blink => "Blink · query".to_owned(),
            Compare::Swipe => "Query | reconstruction".to_owned(),
            Compare::Off if self.layout.overlay => format!("Query with {}", self.layout.map.title().to_lowercase()),
            Compare::Off => format!("Query · {} × {} · {:.0} %", size.0, size.1, zoom * 100.0),
        };
        if let Some(absent) = subject.absent.filter(|_| alone) {
            query = format!("{query} · {absent}");
        }
        let mut map = self.layout.map.title().to_owned();
        if calibration.is_none() {
            map.push_str(" · not calibrated");
        }
        let by = reduction(zoom);
        if by > 1 {
            map.push_str(&format!(" · strongest of {by} × {by}"));
        }
        let mut pointed = None;
        for (i, title) in [query, reconstruction, map].into_iter().take(count).enumerate() {
            let rect = pane(i);
            let body = inner(rect);
            let placed = self.view.place(body, size, ppp);
            head(ui, rect, &title);
            let response = ui.interact(body, ui.scope_id().with(("pane", i)), Sense::click_and_drag());
            response.widget_info(|| {
                WidgetInfo::labeled(Role::Image, true, format!("{title}; arrows move it, plus and minus zoom"))
            });
            let drawing = i == 0 && over.is_drawing();
            if let Some(at) = response.hover_pos() {
                pointed = placed.pixel(at, size).or(pointed);
            }
            self.paint(ui, i, body, &placed, blinked, (&source, subject.absent));
            if i == 0 {
                let mut steered = false;
                if self.compare == Compare::Swipe {
                    steered = self.curtain(ui, body);
                }
                if !steered {
                    over.over(ui, &response, &placed, size, actions);
                }
            }
            self.view.interact(ui, &response, body, size, !drawing);
            let cursor = if drawing { egui::CursorIcon::Crosshair } else { egui::CursorIcon::Default };
            response.on_hover_cursor(cursor);
        }
        for i in 0..count {
            let body = inner(pane(i));
            let placed = self.view.place(body, size, ppp);
            if let Some((corner, verdict)) = subject.odd {
                odd_place(ui, body, &placed, corner, verdict);
            }
            if let Some(at) = pointed {
                cross(ui, body, &placed, at);
            }
        }
        if measured {
            let what = self.bar_words(calibration.is_some());
            let low = if self.layout.map == DisplayMap::Signed { -f64::from(scale) } else { 0.0 };
            let bar_rect = bar.with_min_x(bar.left() + theme::GAP_S).with_min_y(bar.top() + theme::TILE_HEAD);
            ui.scope_builder(UiBuilder::new().max_rect(bar_rect), |ui| {
                self.bar.ui(ui, table(self.colours()), (low, f64::from(scale)), &what);
            });
            let unit = if self.layout.map.is_of_critic() { "σ" } else { "per px" };
            head(ui, bar.with_min_x(bar.left() + theme::GAP_S), unit);
        }
        ui.scope_builder(UiBuilder::new().max_rect(foot), |ui| match over.hint() {
            Some(hint) => {
                let p = Palette::of(ui);
                ui.label(RichText::new(hint).color(p.accent));
            }
            None => readout(ui, view, kept, &source, pointed),
        });
        ui.advance_cursor_after_rect(area.union(foot));
    }

    /// Makes the pictures of another subject ready, so that it can be shown at once.
    pub fn prepare(&mut self, ui: &Ui, subject: &Subject<'_>) {
        let Some(pane) = self.pane else { return };
        let shape = raster::shape(&subject.view.query);
        let size = (shape.0, shape.1);
        let source = self.source(subject, size);
        let zoom = self.view.place(pane, size, ui.pixels_per_point()).zoom;
        let on_show = self.easels.first().map(|(id, _)| *id);
        self.upload(ui, subject, &source, zoom);
        if let Some(at) = on_show.and_then(|id| self.easels.iter().position(|(own, _)| *own == id)) {
            self.easels[..=at].rotate_right(1);
        }
    }

    /// The value that the map's colours end at.
    fn scale(&self, calibration: Option<&Calibration>) -> f32 {
        let scale = calibration.map_or(1.0, |c| self.layout.map.upper(&c.scale));
        if scale.is_finite() && scale > 0.0 { scale } else { 1.0 }
    }

    fn bar_words(&self, calibrated: bool) -> String {
        let of = match self.layout.map {
            DisplayMap::Feature => "difference per feature of D's third layer",
            DisplayMap::Critic => "the critic's logit in standard deviations above what is usual",
            DisplayMap::Distance => "the distance of the critic's features in standard deviations above what is usual",
            _ => "difference per pixel on the −1 to 1 scale (0.1 is 12.75 grey levels)",
        };
        let fixed = if calibrated {
            "The scale is fixed by held-out healthy images and is the same for every image."
        } else {
            "This model is not calibrated for these settings, so the scale ends at 1."
        };
        format!("{} {fixed}", crate::format::sentence(of))
    }

    /// What the map is made from.
    fn source(&mut self, subject: &Subject<'_>, size: (usize, usize)) -> MapSource {
        let Subject { view, kept, .. } = *subject;
        let inspected = match (&view.outcome, subject.model) {
            (None, Some(model)) if !model.regions.0.is_empty() => {
                let fits = |m: &&Mask| m.size == size && m.regions == model.regions;
                if self.mask.as_ref().filter(fits).is_none() {
                    let inspected = model.regions.inspected(size.0, size.1).map(Arc::new);
                    self.mask = Some(Mask { regions: model.regions.clone(), size, inspected });
                }
                self.mask.as_ref().and_then(|m| m.inspected.clone())
            }
            _ => None,
        };
        MapSource {
            query: Arc::clone(&view.query),
            kept: kept.cloned(),
            outcome: view.outcome.clone(),
            inspected,
            kind: self.layout.map,
        }
    }

    /// Brings the three textures up to date.
    fn upload(&mut self, ui: &Ui, subject: &Subject<'_>, source: &MapSource, zoom: f32) {
        let at = self.easels.iter().position(|(id, _)| *id == subject.id);
        let easel = at.map(|at| self.easels.remove(at)).unwrap_or((subject.id, Canvases::default()));
        self.easels.insert(0, easel);
        self.easels.truncate(EASELS);
        let (window, colours, scale) = (self.greys(), self.colours(), self.scale(subject.calibration));
        let (of, kept, squares) = (subject.id, subject.kept, zoom >= 1.0);
        let wanted = TriptychRequest { of, kept, source, window, colours, scale, zoom, squares };
        if let Some((_, canvases)) = self.easels.first_mut() {
            canvases.update(ui.ctx(), &wanted);
        }
    }

    fn paint(
        &self,
        ui: &Ui,
        i: usize,
        body: Rect,
        placed: &Placed,
        blinked: bool,
        (source, absent): (&MapSource, Option<&str>),
    ) {
        let p = Palette::of(ui);
        let Some((_, easel)) = self.easels.first() else { return };
        let painter = ui.painter().with_clip_rect(body.intersect(ui.clip_rect()));
        painter.rect_filled(body, 0.0, p.picture);
        let say = |text: &str| {
            let font = theme::caption().resolve(ui.style());
            let galley = painter.layout(text.to_owned(), font, p.on_picture, body.width() - theme::GAP_L);
            painter.galley(body.center() - galley.size() / 2.0, galley, p.on_picture);
        };
        match i {
            0 if blinked => easel.reconstruction.paint(&painter, placed, Color32::WHITE),
            0 => {
                easel.query.paint(&painter, placed, Color32::WHITE);
                if self.compare == Compare::Swipe {
                    let x = body.left() + body.width() * self.swipe.unwrap_or(0.5);
                    let right = painter.with_clip_rect(painter.clip_rect().intersect(body.with_min_x(x)));
                    easel.reconstruction.paint(&right, placed, Color32::WHITE);
                }
                if self.layout.overlay {
                    easel.map.paint(&painter, placed, Color32::WHITE.gamma_multiply(self.layout.opacity));
                }
            }
            1 if easel.reconstruction.is_empty() => say(absent.unwrap_or("The first reconstruction is on its way.")),
            1 => easel.reconstruction.paint(&painter, placed, Color32::WHITE),
            // Said once is enough.
            _ if easel.map.is_empty() && absent.is_some() => {}
            _ if easel.map.is_empty() => say(match (source.kind, source.kept.is_some()) {
                (DisplayMap::Feature, true) => "The feature residual is there once the inspection is over.",
                (kind, true) if kind.is_of_critic() && source.outcome.is_some() => {
                    "This model has no critic; train it again to give it one."
                }
                (kind, true) if kind.is_of_critic() => "The critic's map is there once the inspection is over.",
                _ => "The map follows the first reconstruction.",
            }),
            _ => easel.map.paint(&painter, placed, Color32::WHITE),
        }
        if ui.memory(|m| m.focused()) == Some(ui.scope_id().with(("pane", i))) {
            painter.rect_stroke(body, 0.0, Stroke::new(theme::HAIRLINE, p.accent), egui::StrokeKind::Inside);
        }
    }

    /// The curtain's edge, which can be dragged; whether it is.
    fn curtain(&mut self, ui: &Ui, body: Rect) -> bool {
        let p = Palette::of(ui);
        let share = self.swipe.unwrap_or(0.5);
        let x = body.left() + body.width() * share;
        let grip = Rect::from_x_y_ranges(x - theme::GAP_S..=x + theme::GAP_S, body.y_range());
        let response = ui.interact(grip, ui.scope_id().with("curtain"), Sense::drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, "Swipe between query and reconstruction"));
        let colour = if response.hovered() || response.dragged() { p.accent } else { p.text_strong };
        ui.painter().vline(x, body.y_range(), Stroke::new(theme::CURVE, colour));
        if response.dragged() {
            self.swipe = Some((share + response.drag_delta().x / body.width()).clamp(0.0, 1.0));
        }
        let busy = response.dragged();
        response.on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
        busy
    }

    /// Everything that says how the pictures are shown.
    fn tools(&mut self, ui: &mut Ui, model: bool, over: &mut dyn QueryOverlay, actions: &mut Vec<Action>) {
        let roomy = ui.available_width() >= theme::TOOLBAR_ROOMY;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(theme::GAP_XS, theme::GAP_XS);
            let tip = |ui: &Ui, command: UiCommand| command.tooltip(ui.ctx());
            let fit = self.view.is_fit();
            let icon = icons::ICON_FIT_SCREEN;
            let text = tip(ui, UiCommand::FitPicture);
            if icon_toggle(ui, icon, &text, true, fit).accessible_name(UiCommand::FitPicture.title()).clicked() {
                self.view.fit();
            }
            let actual = egui::Button::new("1:1").min_size(vec2(theme::ROW, theme::CONTROL));
            let actual = ui.add(actual).accessible_name(UiCommand::ActualPixels.title());
            if actual.on_hover_text(tip(ui, UiCommand::ActualPixels)).clicked() {
                self.view.actual();
            }
            for (command, icon, on) in [
                (UiCommand::Blink, icons::ICON_VISIBILITY, self.compare == Compare::Blink),
                (UiCommand::Swipe, icons::ICON_COMPARE, self.compare == Compare::Swipe),
                (UiCommand::MapOverlay, icons::ICON_LAYERS, self.layout.overlay),
            ] {
                let text = tip(ui, command);
                if icon_toggle(ui, icon, &text, true, on).accessible_name(command.title()).clicked() {
                    self.toggle(command);
                }
            }
            ui.add_enabled_ui(self.layout.overlay, |ui| {
                ui.spacing_mut().slider_width = theme::SLIDER_SHORT;
                let slider = Slider::new(&mut self.layout.opacity, 0.0..=1.0).show_value(false);
                let slider = ui.name_inputs("Opacity of the map", |ui| ui.add(slider));
                slider
                    .on_hover_text(format!("Opacity of the map over the query, {:.0} %", self.layout.opacity * 100.0));
            });
            self.choices(ui, if roomy { theme::CHOICE } else { theme::SLIDER_SHORT + theme::GAP_XL });
            self.window_menu(ui);
            over.tools(ui, model, actions);
        });
    }

    /// The map and its colours.
    fn choices(&mut self, ui: &mut Ui, width: f32) {
        let map = self.layout.map;
        let combo = ComboBox::from_id_salt("map").width(width).truncate().selected_text(map.title());
        let combo = combo.show_ui(ui, |ui| {
            for kind in DisplayMap::ALL {
                if ui.selectable_label(kind == map, kind.title()).on_hover_text(kind.help()).clicked() {
                    self.layout.map = kind;
                }
            }
        });
        combo.response.accessible_name("Map").on_hover_text(map.help());
        if map == DisplayMap::Signed {
            return;
        }
        let (name, grey) = (if self.layout.grey { "Grey" } else { "Ember" }, self.layout.grey);
        let combo = ComboBox::from_id_salt("colours").width(theme::VALUE).selected_text(name).show_ui(ui, |ui| {
            for (title, value, colours) in [("Ember", false, ColourMap::Ember), ("Grey", true, ColourMap::Grey)] {
                ui.horizontal(|ui| {
                    ColourTable::preview(ui, table(colours), vec2(theme::SLIDER_SHORT, theme::GAP_M));
                    if ui.selectable_label(grey == value, title).clicked() {
                        self.layout.grey = value;
                        ui.close();
                    }
                });
            }
        });
        combo.response.accessible_name("Colours of the map").on_hover_text("Colours of the map");
    }

    /// Level and window of query and reconstruction.
    fn window_menu(&mut self, ui: &mut Ui) {
        let changed = self.window.is_some();
        let icon = icons::ICON_CONTRAST.rich_text().size(theme::ICON_BUTTON);
        let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let button = egui::Button::new(icon).min_size(vec2(theme::ROW, theme::CONTROL)).selected(changed);
        let (response, _) = MenuButton::from_button(button).config(config).ui(ui, |ui| {
            let (mut level, mut window) = self.window.unwrap_or(WHOLE);
            ui.spacing_mut().slider_width = theme::CHOICE;
            ui.label("Grey levels of query and reconstruction");
            let a = ui.add(Slider::new(&mut level, 0.0..=255.0).fixed_decimals(0).text("Level"));
            let b = ui.add(Slider::new(&mut window, 2.0..=255.0).fixed_decimals(0).text("Window"));
            if a.changed() || b.changed() {
                self.window = Some((level, window));
            }
            if ui.add_enabled(self.window.is_some(), egui::Button::new("Whole range")).clicked() {
                self.window = None;
            }
        });
        let (low, high) = self.greys();
        let tip = format!("Window and level: black at {low:.0}, white at {high:.0} grey levels");
        response.accessible_name("Window and level").on_hover_text(tip);
    }
}

/// A pane's title.
fn head(ui: &mut Ui, rect: Rect, title: &str) {
    let p = Palette::of(ui);
    let build = UiBuilder::new().max_rect(rect.with_max_y(rect.top() + theme::TILE_HEAD));
    ui.scope_builder(build.layout(Layout::left_to_right(Align::Center)), |ui| {
        ui.add(egui::Label::new(theme::weak_caption(&p, title)).truncate());
    });
}

/// The corners of the oddest place.
fn odd_place(ui: &Ui, body: Rect, placed: &Placed, (x, y): (usize, usize), verdict: Verdict) {
    let p = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(body.intersect(ui.clip_rect()));
    let first = egui::pos2(x as f32, y as f32);
    let [from, to] = [first, first + vec2(SIDE as f32, SIDE as f32)].map(|at| placed.to_screen(at));
    let place = Rect::from_min_max(from, to);
    let arm = (place.width() / 5.0).clamp(3.0, 14.0);
    let colour = p.state(verdict_state(verdict));
    for stroke in [Stroke::new(3.5, Color32::from_black_alpha(140)), Stroke::new(theme::CURVE, colour)] {
        for (corner, dx, dy) in [
            (place.left_top(), arm, arm),
            (place.right_top(), -arm, arm),
            (place.left_bottom(), arm, -arm),
            (place.right_bottom(), -arm, -arm),
        ] {
            painter.line(vec![corner + vec2(dx, 0.0), corner, corner + vec2(0.0, dy)], stroke);
        }
    }
}

/// The pixel under the pointer, marked in each of the panes.
fn cross(ui: &Ui, body: Rect, placed: &Placed, (x, y): (usize, usize)) {
    let p = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(body.intersect(ui.clip_rect()));
    let at = placed.to_screen(egui::pos2(x as f32 + 0.5, y as f32 + 0.5));
    let (gap, reach) = (placed.scale.max(4.0) / 2.0 + 1.0, placed.scale.max(4.0) / 2.0 + 7.0);
    for stroke in [Stroke::new(3.0, Color32::from_black_alpha(140)), Stroke::new(theme::HAIRLINE, p.accent)] {
        for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
            painter.line_segment([at + vec2(dx, dy) * gap, at + vec2(dx, dy) * reach], stroke);
        }
    }
}

/// One line with the figures of the pixel under the pointer.
fn readout(ui: &mut Ui, view: &QueryView, kept: Option<&KeptFrame>, source: &MapSource, at: Option<(usize, usize)>) {
    let p = Palette::of(ui);
    let query = &view.query;
    let index = at.map(|(x, y)| y * query.width() + x);
    let mean = |value: &dyn Fn(usize) -> f32| {
        let (plane, channels) = (query.pixels(), query.channels());
        index.map(|i| grey_level((0..channels).map(|c| value(c * plane + i)).sum::<f32>() / channels as f32))
    };
    let q = mean(&|i| query.values().get(i).copied().unwrap_or_default());
    let r = kept.and_then(|kept| mean(&|i| kept.value(i)));
    let difference = q.zip(r).map(|(q, r)| q - r);
    let inspected = index.is_none_or(|i| source.value(i).is_some() || !source.is_there());
    let number = |v: Option<f32>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.1}"));
    let signed = match difference {
        _ if !inspected => "ignored".to_owned(),
        Some(d) => format!("{d:+.1}").replace('-', "−"),
        None => "–".to_owned(),
    };
    let place = |v: Option<usize>| v.map_or_else(|| "–".to_owned(), |v| v.to_string());
    let name = match source.kind {
        DisplayMap::Feature => Some("feature"),
        DisplayMap::Critic => Some("critic"),
        DisplayMap::Distance => Some("distance"),
        DisplayMap::Difference | DisplayMap::Signed => None,
    };
    let feature = name.map(|name| (name, ticks::figure(index.and_then(|i| source.value(i))), 48.0));
    let cells = [
        ("x", place(at.map(|a| a.0)), 28.0),
        ("y", place(at.map(|a| a.1)), 28.0),
        ("query", number(q), 30.0),
        ("reconstruction", number(r), 30.0),
        ("difference", signed, 40.0),
    ];
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::GAP_XS;
        for (name, value, width) in cells.into_iter().chain(feature) {
            ui.label(theme::weak_caption(&p, name));
            ui.allocate_ui_with_layout(vec2(width, theme::ROW_TIGHT), Layout::right_to_left(Align::Center), |ui| {
                ui.set_min_width(width);
                ui.label(RichText::new(value).text_style(theme::caption()).color(p.text_strong));
            });
            ui.add_space(theme::GAP_M);
        }
        ui.add(egui::Label::new(theme::weak_caption(&p, "grey levels, 0 to 255")).truncate());
    });
}
