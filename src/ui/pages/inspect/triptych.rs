//! Image, reconstruction and map under one pan and zoom.

use std::sync::Arc;

use egui::{Align, Color32, Layout, Rect, RichText, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, vec2};
use serde::{Deserialize, Serialize};

use super::{
    canvases::{Canvases, TriptychRequest},
    overlay::QueryOverlay,
    raster,
    raster::{DisplayMap, MapSource},
    readout,
    region_marks::RegionMarks,
    truth::outline_mask,
};
use crate::{
    data::colour_map::{ColourMap, table},
    engine::inspection::{ModelFacts, QueryView},
    inspect::{
        KeptFrame, Regions, Verdict,
        calibration::MapScale,
        evaluation::{EvaluatedMap, MaskOutline},
    },
    ui::{
        Action, UiCommand, theme,
        theme::Palette,
        widgets::{
            colour_bar::ColourTable,
            image_pane::{Placement, Viewport, reduction},
            ticks,
        },
    },
};

/// Seconds for which blinking shows each image.
const BLINK: f64 = 0.5;
/// Level and window that cover all grey levels.
pub(super) const FULL_RANGE: (f32, f32) = (127.5, 255.0);

/// Display settings kept in the settings file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TriptychLayout {
    /// The map last chosen.
    map: DisplayMap,
    /// Whether it is shown instead of the deciding one. Layouts of earlier versions (`None`) hold a choice only where it
    /// is not the difference, which every layout had by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen: Option<bool>,
    /// Whether unsigned maps are drawn in greys instead of colours.
    pub(super) grey: bool,
    pub(super) overlay: bool,
    pub(super) opacity: f32,
    /// Whether anomaly regions are outlined.
    outlines: bool,
}

impl Default for TriptychLayout {
    fn default() -> Self {
        Self { map: DisplayMap::Difference, chosen: None, grey: false, overlay: false, opacity: 0.6, outlines: true }
    }
}

/// Comparison of image and reconstruction in one pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Compare {
    #[default]
    Off,
    Blink,
    Swipe,
}

/// Mask of the inspected pixels, with the regions and size it was computed for.
struct Mask {
    regions: Regions,
    size: (usize, usize),
    inspected: Option<Arc<Vec<bool>>>,
}

/// The inspected image and everything shown of it.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// Identifies the image.
    pub id: u64,
    /// Image, reconstructions and outcome.
    pub view: &'a QueryView,
    /// The reconstruction to show.
    pub kept: Option<&'a KeptFrame>,
    /// The active model.
    pub model: Option<&'a ModelFacts>,
    /// Upper ends of the maps' colour scales, from healthy images.
    pub scale: Option<MapScale>,
    /// The map that shows what decides, once the inspection has ended.
    pub deciding: Option<EvaluatedMap>,
    /// Why there is no reconstruction, if none is expected.
    pub absent: Option<&'a str>,
    /// Whether the image alone fills the area.
    pub alone: bool,
    /// The outline of the mask of a part of a test set.
    pub mask: Option<&'a MaskOutline>,
    /// Upper left corner of the highest-scoring crop, to be marked in the colour of the verdict.
    pub highlight: Option<((usize, usize), Verdict)>,
    /// The anomaly regions.
    pub regions: Option<RegionMarks<'a>>,
}

/// Number of subjects whose textures are kept: the one shown, and those prepared.
const KEPT: usize = 4;

/// State of the three images.
#[derive(Default)]
pub(crate) struct Triptych {
    pub(super) layout: TriptychLayout,
    /// The map on show.
    pub(super) map: DisplayMap,
    /// Pan and zoom of all three images.
    pub view: Viewport,
    pub(super) compare: Compare,
    /// Position of the swipe divider as a share of the pane's width.
    swipe: Option<f32>,
    /// Level and window of image and reconstruction, in grey levels.
    pub(super) window: Option<(f32, f32)>,
    /// Textures by subject; those of the subject shown come first.
    canvases: Vec<(u64, Canvases)>,
    /// Area of an image when it was last drawn.
    pane: Option<Rect>,
    bar: ColourTable,
    mask: Option<Mask>,
    /// Bring the selected region to the middle on the next frame.
    pub reveal: bool,
}

/// Areas of the panes, their titles included, and of the colour bar.
struct Areas {
    panes: [Rect; 3],
    bar: Rect,
    count: usize,
}

impl Areas {
    /// Splits `area` into one or three panes, and a colour bar if `measured`. Where three equal panes would be small,
    /// the image is the largest, with reconstruction and map one above the other beside it.
    fn of(area: Rect, alone: bool, measured: bool) -> Self {
        let bar_width = if measured { theme::COLOUR_BAR + theme::GAP_S } else { 0.0 };
        let (all, bar) = area.split_left_right_at_x(area.right() - bar_width);
        let width = (all.width() - 2.0 * theme::GAP_S) / 3.0;
        if alone {
            return Self { panes: [all; 3], bar, count: 1 };
        }
        if width >= theme::ABREAST {
            let pane = |i: f32| {
                let left = all.left() + i * (width + theme::GAP_S);
                Rect::from_min_size(egui::pos2(left, all.top()), vec2(width, all.height()))
            };
            return Self { panes: [0.0, 1.0, 2.0].map(pane), bar, count: 3 };
        }
        let height = (all.height() - theme::GAP_S) / 2.0;
        let beside = (all.width() * theme::BESIDE_SHARE).min(height - theme::TILE_HEAD).max(1.0);
        let (image, column) = all.split_left_right_at_x(all.right() - beside - theme::GAP_S);
        let column = column.with_min_x(column.left() + theme::GAP_S);
        let (upper, lower) = (column.with_max_y(all.top() + height), column.with_min_y(all.bottom() - height));
        Self { panes: [image, upper, lower], bar, count: 3 }
    }

    fn pane(&self, i: usize) -> Rect {
        self.panes[i]
    }

    /// Area of the image within a pane.
    fn body(&self, i: usize) -> Rect {
        let pane = self.pane(i);
        pane.with_min_y(pane.top() + theme::TILE_HEAD)
    }
}

impl Triptych {
    /// Restores the display settings.
    pub(crate) fn new(mut layout: TriptychLayout) -> Self {
        layout.opacity = if layout.opacity.is_finite() { layout.opacity.clamp(0.0, 1.0) } else { 0.6 };
        Self { layout, ..Self::default() }
    }

    /// Whether anomaly regions are outlined.
    pub(crate) fn outlines(&mut self) -> &mut bool {
        &mut self.layout.outlines
    }

    /// Returns the display settings to store.
    pub(crate) fn layout(&self) -> &TriptychLayout {
        &self.layout
    }

    /// Returns the map that the user has chosen instead of the deciding one.
    pub(crate) fn chosen(&self) -> Option<DisplayMap> {
        let TriptychLayout { map, chosen, .. } = self.layout;
        chosen.unwrap_or(map != DisplayMap::Difference).then_some(map)
    }

    /// Chooses a map, or the deciding one.
    pub(super) fn choose(&mut self, map: Option<DisplayMap>) {
        self.layout.chosen = Some(map.is_some());
        self.layout.map = map.unwrap_or(self.layout.map);
    }

    /// Returns the map to show of a subject. The difference is there before the inspection has ended.
    fn map_of(&self, subject: &Subject<'_>) -> DisplayMap {
        self.chosen().unwrap_or(subject.deciding.map_or(DisplayMap::Difference, DisplayMap::from))
    }

    /// Toggles blink, swipe or overlay.
    pub(crate) fn toggle(&mut self, command: UiCommand) {
        let switch = |now: Compare, to: Compare| if now == to { Compare::Off } else { to };
        match command {
            UiCommand::Blink => self.compare = switch(self.compare, Compare::Blink),
            UiCommand::Swipe => self.compare = switch(self.compare, Compare::Swipe),
            UiCommand::MapOverlay => self.layout.overlay = !self.layout.overlay,
            _ => {}
        }
    }

    /// Returns the colour map.
    fn colours(&self) -> ColourMap {
        self.map.colours(self.layout.grey)
    }

    /// Whether unsigned maps are drawn in greys.
    pub(crate) fn is_grey(&self) -> bool {
        self.layout.grey
    }

    /// Returns the grey levels shown as black and white in image and reconstruction.
    pub(super) fn greys(&self) -> (f32, f32) {
        let (level, window) = self.window.unwrap_or(FULL_RANGE);
        (level - window / 2.0, level + window / 2.0)
    }

    /// Draws toolbar, images, colour bar and readout over the rest of `ui`; returns the anomaly region that was clicked.
    pub(crate) fn ui(
        &mut self,
        ui: &mut Ui,
        subject: &Subject<'_>,
        over: &mut dyn QueryOverlay,
        actions: &mut Vec<Action>,
    ) -> Option<usize> {
        let Subject { view, kept, scale, alone, .. } = *subject;
        self.map = self.map_of(subject);
        self.tools(ui, subject.model.is_some(), over, actions);
        ui.add_space(theme::GAP_XS);
        let shape = raster::shape(&view.query);
        let size = (shape.0, shape.1);
        let area = ui.available_rect_before_wrap();
        let (area, foot) = area.split_top_bottom_at_y((area.bottom() - theme::ROW_TIGHT).max(area.top()));
        let measured = !alone || self.layout.overlay;
        let areas = Areas::of(area, alone, measured);
        let source = self.source(subject, size);
        let ppp = ui.pixels_per_point();
        self.pane = Some(areas.body(0));
        let regions = subject.regions.filter(|_| self.layout.outlines);
        if std::mem::take(&mut self.reveal)
            && let Some(bounds) = subject.regions.and_then(|marks| marks.selected_bounds(size))
        {
            self.view.show(bounds, areas.body(0), size, ppp);
        }
        let zoom = self.view.place(areas.body(0), size, ppp).zoom;
        self.upload(ui, subject, &source, zoom);

        let blinked = self.compare == Compare::Blink && ui.input(|i| (i.time / BLINK) as u64 % 2 == 1);
        if self.compare == Compare::Blink {
            ui.ctx().request_repaint_after_secs(BLINK as f32 / 4.0);
        }
        let titles = self.titles(subject, size, zoom, blinked);
        let (mut pointed, mut picked) = (None, None);
        for (i, title) in titles.into_iter().take(areas.count).enumerate() {
            let body = areas.body(i);
            let placed = self.view.place(body, size, ppp);
            head(ui, areas.pane(i), &title);
            let response = ui.interact(body, ui.scope_id().with(("pane", i)), Sense::click_and_drag());
            response.widget_info(|| {
                // The name of the map comes first, what is said of it last.
                let (name, said) = title.split_once(" · ").filter(|_| i == 2).unwrap_or((&title, ""));
                let text = format!("{name}; arrow keys pan, plus and minus zoom");
                WidgetInfo::labeled(Role::Image, true, if said.is_empty() { text } else { format!("{text}; {said}") })
            });
            let drawing = i == 0 && over.is_drawing();
            if let Some(at) = response.hover_pos() {
                pointed = placed.pixel(at, size).or(pointed);
            }
            self.paint(ui, i, body, &placed, blinked, (&source, subject.absent));
            if let Some(marks) = regions.filter(|_| i != 1) {
                marks.paint(ui, body, &placed, size);
                let clicked = response.clicked_by(egui::PointerButton::Primary) && !drawing;
                let at = response.interact_pointer_pos().filter(|_| clicked);
                picked = at.and_then(|at| marks.hit(&placed, size, at)).or(picked);
            }
            if i == 0 {
                let swiping = self.compare == Compare::Swipe && self.divider(ui, body);
                if !swiping {
                    over.over(ui, &response, &placed, size, actions);
                }
            }
            self.view.interact(ui, &response, body, size, !drawing);
            let cursor = if drawing { egui::CursorIcon::Crosshair } else { egui::CursorIcon::Default };
            response.on_hover_cursor(cursor);
        }
        for i in 0..areas.count {
            let body = areas.body(i);
            let placed = self.view.place(body, size, ppp);
            if let Some(mask) = subject.mask.filter(|_| i != 1) {
                let painter = ui.painter().with_clip_rect(body.intersect(ui.clip_rect()));
                outline_mask(&painter, &placed, size, mask);
            }
            if let Some((corner, verdict)) = subject.highlight {
                readout::corner_marks(ui, body, &placed, corner, verdict);
            }
            if let Some(at) = pointed {
                readout::cross(ui, body, &placed, at);
            }
        }
        if measured {
            self.colour_bar(ui, areas.bar, scale);
        }
        ui.scope_builder(UiBuilder::new().max_rect(foot), |ui| match over.hint() {
            Some(hint) => {
                let p = Palette::of(ui);
                ui.label(RichText::new(hint).color(p.accent));
            }
            None => readout::readout(ui, view, kept, &source, pointed),
        });
        ui.advance_cursor_after_rect(area.union(foot));
        picked
    }

    /// Returns the titles of image, reconstruction and map.
    fn titles(&self, subject: &Subject<'_>, size: (usize, usize), zoom: f32, blinked: bool) -> [String; 3] {
        let step = subject.kept.map_or_else(|| "–".to_owned(), |k| ticks::grouped(k.step as f64, 0));
        let mut image = match self.compare {
            Compare::Blink if blinked => format!("Blink · reconstruction, step {step}"),
            Compare::Blink => "Blink · image".to_owned(),
            Compare::Swipe => "Image | reconstruction".to_owned(),
            Compare::Off if self.layout.overlay => format!("Image with {}", self.map.title().to_lowercase()),
            Compare::Off => format!("Image · {} × {} · {:.0} %", size.0, size.1, zoom * 100.0),
        };
        if let Some(absent) = subject.absent.filter(|_| subject.alone) {
            image = format!("{image} · {absent}");
        }
        let mut map = self.map.title().to_owned();
        map.push_str(match (subject.scale, subject.deciding) {
            (None, _) => " · not calibrated",
            (Some(_), Some(deciding)) if DisplayMap::from(deciding) == self.map => " · decides",
            (Some(_), Some(_)) => " · does not decide",
            (Some(_), None) if self.chosen().is_none() => " so far",
            (Some(_), None) => "",
        });
        let by = reduction(zoom);
        if by > 1 {
            map.push_str(&format!(" · maximum of {by} × {by}"));
        }
        [image, format!("Reconstruction · step {step}"), map]
    }

    /// Draws the colour bar of the map with its unit.
    fn colour_bar(&mut self, ui: &mut Ui, area: Rect, healthy: Option<MapScale>) {
        let scale = self.scale(healthy);
        let description = self.bar_description(healthy.is_some());
        let low = if self.map == DisplayMap::Signed { -f64::from(scale) } else { 0.0 };
        let bar = area.with_min_x(area.left() + theme::GAP_S).with_min_y(area.top() + theme::TILE_HEAD);
        ui.scope_builder(UiBuilder::new().max_rect(bar), |ui| {
            self.bar.ui(ui, table(self.colours()), (low, f64::from(scale)), &description);
        });
        let unit = if self.map.is_of_critic() { "σ" } else { "per px" };
        head(ui, area.with_min_x(area.left() + theme::GAP_S), unit);
    }

    /// Uploads the textures of another subject, so that it can be shown without delay.
    pub(crate) fn prepare(&mut self, ui: &Ui, subject: &Subject<'_>) {
        let Some(pane) = self.pane else { return };
        let shape = raster::shape(&subject.view.query);
        let size = (shape.0, shape.1);
        let map = self.map_of(subject);
        let shown_map = std::mem::replace(&mut self.map, map);
        let source = self.source(subject, size);
        let zoom = self.view.place(pane, size, ui.pixels_per_point()).zoom;
        let shown = self.canvases.first().map(|(id, _)| *id);
        self.upload(ui, subject, &source, zoom);
        self.map = shown_map;
        if let Some(at) = shown.and_then(|id| self.canvases.iter().position(|(own, _)| *own == id)) {
            self.canvases[..=at].rotate_right(1);
        }
    }

    /// Returns the value at the upper end of the map's colours.
    fn scale(&self, healthy: Option<MapScale>) -> f32 {
        let scale = healthy.map_or_else(|| self.map.unscaled(), |scale| self.map.upper(&scale));
        if scale.is_finite() && scale > 0.0 { scale } else { 1.0 }
    }

    /// Describes quantity and scale of the map.
    fn bar_description(&self, calibrated: bool) -> String {
        let quantity = match self.map {
            DisplayMap::Feature => "difference per feature of D's third layer",
            DisplayMap::Critic => "the critic's logit, in standard deviations above its normal statistics",
            DisplayMap::Distance => {
                "the distance of the critic's features, in standard deviations above its normal statistics"
            }
            _ => "difference per pixel on the −1 to 1 scale (0.1 is 12.75 grey levels)",
        };
        let scale = if calibrated {
            "The scale is set by held-out healthy images and is the same for every image."
        } else {
            "This model is not calibrated, so the scale is not set by healthy images."
        };
        format!("{} {scale}", crate::format::sentence(quantity))
    }

    /// Returns the inputs of the map.
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
            kind: self.map,
        }
    }

    /// Updates the textures of a subject and moves them to the front.
    fn upload(&mut self, ui: &Ui, subject: &Subject<'_>, source: &MapSource, zoom: f32) {
        let at = self.canvases.iter().position(|(id, _)| *id == subject.id);
        let entry = at.map(|at| self.canvases.remove(at)).unwrap_or((subject.id, Canvases::default()));
        self.canvases.insert(0, entry);
        self.canvases.truncate(KEPT);
        let (window, colours, scale) = (self.greys(), self.colours(), self.scale(subject.scale));
        let (of, kept, squares) = (subject.id, subject.kept, zoom >= 1.0);
        let request = TriptychRequest { of, kept, source, window, colours, scale, zoom, squares };
        if let Some((_, canvases)) = self.canvases.first_mut() {
            canvases.update(ui.ctx(), &request);
        }
    }

    /// Paints pane `i`: image, reconstruction or map, or why there is none.
    fn paint(
        &self,
        ui: &Ui,
        i: usize,
        body: Rect,
        placed: &Placement,
        blinked: bool,
        (source, absent): (&MapSource, Option<&str>),
    ) {
        let p = Palette::of(ui);
        let Some((_, canvases)) = self.canvases.first() else { return };
        let painter = ui.painter().with_clip_rect(body.intersect(ui.clip_rect()));
        painter.rect_filled(body, 0.0, p.picture);
        let message = |text: &str| {
            let font = theme::caption().resolve(ui.style());
            let galley = painter.layout(text.to_owned(), font, p.on_picture, body.width() - theme::GAP_L);
            painter.galley(body.center() - galley.size() / 2.0, galley, p.on_picture);
        };
        match i {
            0 if blinked => canvases.reconstruction.paint(&painter, placed, Color32::WHITE),
            0 => {
                canvases.query.paint(&painter, placed, Color32::WHITE);
                if self.compare == Compare::Swipe {
                    let x = body.left() + body.width() * self.swipe.unwrap_or(0.5);
                    let right = painter.with_clip_rect(painter.clip_rect().intersect(body.with_min_x(x)));
                    canvases.reconstruction.paint(&right, placed, Color32::WHITE);
                }
                if self.layout.overlay {
                    canvases.map.paint(&painter, placed, Color32::WHITE.gamma_multiply(self.layout.opacity));
                }
            }
            1 if canvases.reconstruction.is_empty() => {
                message(absent.unwrap_or("Waiting for the first reconstruction."))
            }
            1 => canvases.reconstruction.paint(&painter, placed, Color32::WHITE),
            // The reconstruction's pane shows the reason already.
            _ if canvases.map.is_empty() && absent.is_some() => {}
            _ if canvases.map.is_empty() => message(match (source.kind, source.kept.is_some()) {
                (DisplayMap::Feature, true) => "The feature residual is available once the inspection has finished.",
                (kind, true) if kind.is_of_critic() && source.outcome.is_some() => {
                    "This model has no critic; retrain it to add one."
                }
                (kind, true) if kind.is_of_critic() => {
                    "The critic's map is available once the inspection has finished."
                }
                _ => "The map appears with the first reconstruction.",
            }),
            _ => canvases.map.paint(&painter, placed, Color32::WHITE),
        }
        if ui.memory(|m| m.focused()) == Some(ui.scope_id().with(("pane", i))) {
            painter.rect_stroke(body, 0.0, Stroke::new(theme::HAIRLINE, p.accent), egui::StrokeKind::Inside);
        }
    }

    /// Draws the swipe divider; returns whether it is being dragged.
    fn divider(&mut self, ui: &Ui, body: Rect) -> bool {
        let p = Palette::of(ui);
        let share = self.swipe.unwrap_or(0.5);
        let x = body.left() + body.width() * share;
        let grip = Rect::from_x_y_ranges(x - theme::GAP_S..=x + theme::GAP_S, body.y_range());
        let response = ui.interact(grip, ui.scope_id().with("divider"), Sense::drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, "Swipe between image and reconstruction"));
        let colour = if response.hovered() || response.dragged() { p.accent } else { p.text_strong };
        ui.painter().vline(x, body.y_range(), Stroke::new(theme::CURVE, colour));
        if response.dragged() {
            self.swipe = Some((share + response.drag_delta().x / body.width()).clamp(0.0, 1.0));
        }
        let dragged = response.dragged();
        response.on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
        dragged
    }
}

/// Draws the title of a pane.
fn head(ui: &mut Ui, rect: Rect, title: &str) {
    let p = Palette::of(ui);
    let build = UiBuilder::new().max_rect(rect.with_max_y(rect.top() + theme::TILE_HEAD));
    ui.scope_builder(build.layout(Layout::left_to_right(Align::Center)), |ui| {
        ui.add(egui::Label::new(theme::weak_caption(&p, title)).truncate());
    });
}
