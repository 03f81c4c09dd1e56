//! Overlay on a part's image: the anomaly regions, and the region drawn by a reviewer.

use egui::{Align2, Rect, Response, Stroke, Ui, vec2};
use egui_material_icons::icons;

use super::shapes::ShapeEditor;
use crate::{
    inspect::RegionShape,
    review::Findings,
    ui::{
        Action, UiCommand,
        pages::inspect::{
            overlay::QueryOverlay,
            regions::{Pen, PenState, outline},
        },
        theme,
        theme::Palette,
        widgets::{icon_toggle, image_pane::Placement, ticks},
    },
};

/// Largest number of anomaly regions with a label; the others are only outlined.
const LABELLED: usize = 8;

/// The reviewer's drawing tool.
#[derive(Default)]
pub(super) struct Drawing {
    pen: Pen,
    /// Whether a polygon (true) or a rectangle (false) is drawn next.
    tool: Option<bool>,
    editor: ShapeEditor,
}

impl Drawing {
    /// Starts or cancels drawing a rectangle.
    pub(crate) fn toggle(&mut self) {
        self.choose(false);
    }

    fn choose(&mut self, polygon: bool) {
        self.pen.clear();
        self.tool = if self.tool == Some(polygon) { None } else { Some(polygon) };
    }

    /// Discards the shape being drawn, the selection and the changes that could be undone, for another part.
    pub(crate) fn cancel(&mut self) {
        self.pen.clear();
        self.tool = None;
        self.editor.clear();
    }

    /// Whether keys are meant for a shape rather than for the page.
    pub(crate) fn takes_keys(&self) -> bool {
        self.tool.is_some() || self.editor.is_selecting()
    }

    /// Keeps the regions before a change, for undo.
    pub(crate) fn keep(&mut self, before: Vec<RegionShape>) {
        self.editor.keep(before);
    }

    /// Whether there is a corner or a change of the regions to undo.
    pub(crate) fn can_undo(&self) -> bool {
        self.tool.is_some() && self.pen.is_begun() || self.editor.can_undo()
    }

    /// Removes the last corner of the shape being drawn, or undoes the last change; returns the regions after that.
    pub(crate) fn undo(&mut self) -> Option<Vec<RegionShape>> {
        if self.tool.is_some() && self.pen.step_back() { None } else { self.editor.undo() }
    }
}

/// Overlay of the current part, for one frame.
pub(super) struct Marks<'a> {
    pub drawing: &'a mut Drawing,
    /// Findings of the inspection; `None` if they are hidden or not read yet.
    pub findings: Option<&'a Findings>,
    /// The regions drawn by a reviewer, in pixels of the stored image.
    pub drawn: &'a [RegionShape],
    /// Whether these are the current reviewer's own, who may change them.
    pub own: bool,
    /// Width of the stored image in pixels.
    pub width: usize,
    /// Whether drawing is enabled.
    pub ready: bool,
    /// The reviewer's regions, if they changed in this frame.
    pub done: Option<Vec<RegionShape>>,
}

/// Scales a shape by a factor of `by`.
fn scaled(shape: &RegionShape, by: f32) -> RegionShape {
    let times = |[x, y]: [f32; 2]| [x * by, y * by];
    match shape {
        RegionShape::Rectangle(a, b) => RegionShape::Rectangle(times(*a), times(*b)),
        RegionShape::Polygon(corners) => RegionShape::Polygon(corners.iter().map(|c| times(*c)).collect()),
    }
}

/// Draws an outline that is visible on light and on dark images.
fn outlined(painter: &egui::Painter, placed: &Placement, shape: &RegionShape, colour: egui::Color32) {
    let ground = Palette::new(true).ground.gamma_multiply(0.6);
    outline(painter, placed, shape, Stroke::new(2.0 * theme::CURVE + theme::HAIRLINE, ground), false);
    outline(painter, placed, shape, Stroke::new(theme::CURVE, colour), false);
}

impl QueryOverlay for Marks<'_> {
    fn is_drawing(&self) -> bool {
        self.drawing.tool.is_some() || self.own && self.drawing.editor.is_dragging()
    }

    fn hint(&self) -> Option<&'static str> {
        let selected = || self.drawing.editor.hint(if self.own { self.drawn.len() } else { 0 });
        self.drawing.tool.map(Pen::hint).or_else(selected)
    }

    fn tools(&mut self, ui: &mut Ui, _: bool, _: &mut Vec<Action>) {
        let rectangle = UiCommand::ReviewDraw.tooltip(ui.ctx());
        let tools = [
            (false, icons::ICON_RECTANGLE, rectangle.as_str()),
            (true, icons::ICON_PENTAGON, "Draws a polygon around the defect; it is saved with the verdict."),
        ];
        for (polygon, icon, help) in tools {
            let on = self.drawing.tool == Some(polygon);
            let name = if polygon { "Draw a polygon" } else { "Draw a rectangle" };
            if icon_toggle(ui, icon, help, self.ready, on).accessible_name(name).clicked() {
                self.drawing.choose(polygon);
            }
        }
    }

    fn over(&mut self, ui: &Ui, response: &Response, placed: &Placement, size: (usize, usize), _: &mut Vec<Action>) {
        // Images look the same in both themes, so marks on them always use the dark palette.
        let (p, ink) = (Palette::of(ui), Palette::new(true));
        let painter = ui.painter().with_clip_rect(response.rect.intersect(ui.clip_rect()));
        // The networks may see the image at a lower resolution than it is stored.
        let by = size.0 as f32 / self.width.max(1) as f32;
        let regions = self.findings.map(|f| f.regions.as_slice()).unwrap_or_default();
        let font = theme::caption().resolve(ui.style());
        let mut labels: Vec<Rect> = Vec::new();
        for (i, region) in regions.iter().enumerate() {
            for shape in region.shapes() {
                outlined(&painter, placed, &scaled(&shape, by), ink.text_strong);
            }
            if i >= LABELLED {
                continue;
            }
            let text =
                format!("{} px, peak {}", ticks::grouped(region.area as f64, 0), ticks::figure(Some(region.peak)));
            let at = placed.to_screen(egui::pos2((region.x + region.width) as f32 * by, region.y as f32 * by));
            let galley = painter.layout_no_wrap(text, font.clone(), p.text_strong);
            let area = response.rect.shrink(2.0);
            let mut rect = Align2::LEFT_BOTTOM.anchor_size(at + vec2(2.0, -2.0), galley.size()).expand(2.0);
            rect = rect.translate(vec2((area.right() - rect.right()).min(0.0), (area.top() - rect.top()).max(0.0)));
            // Overlapping labels would be unreadable.
            if labels.iter().all(|other| !other.intersects(rect)) && area.contains_rect(rect) {
                painter.rect_filled(rect, 2.0, p.ground.gamma_multiply(0.85));
                painter.galley(rect.min + vec2(2.0, 2.0), galley, p.text_strong);
                labels.push(rect);
            }
        }
        let shapes: Vec<RegionShape> = self.drawn.iter().map(|shape| scaled(shape, by)).collect();
        for shape in self.drawing.editor.shown(&shapes) {
            outlined(&painter, placed, shape, ink.accent);
        }
        let own = if self.own { shapes.as_slice() } else { &[] };
        let Some(polygon) = self.drawing.tool else {
            if self.own && self.ready {
                let changed = self.drawing.editor.edit(ui, response, placed, size, own);
                self.drawing.editor.paint(&painter, placed, own, ink.accent);
                self.change(changed, by);
            }
            return;
        };
        match self.drawing.pen.draw(ui, response, placed, size, polygon) {
            PenState::Drawing => {}
            PenState::Cancelled => self.drawing.tool = None,
            PenState::Done(shape) => {
                self.drawing.tool = None;
                self.change(Some(own.iter().cloned().chain([shape]).collect()), by);
            }
        }
        self.drawing.pen.paint(&painter, response, placed, polygon, ink.accent);
    }
}

impl Marks<'_> {
    /// Takes over changed regions, given in pixels of the shown image, and keeps those before for undo.
    fn change(&mut self, changed: Option<Vec<RegionShape>>, by: f32) {
        let Some(shapes) = changed else { return };
        self.drawing.editor.keep(if self.own { self.drawn.to_vec() } else { Vec::new() });
        self.done = Some(shapes.iter().map(|shape| scaled(shape, 1.0 / by)).collect());
    }
}
