//! Overlay on a part's image: the regions drawn by a reviewer.

use egui::{Response, Ui};
use egui_material_icons::icons;

use super::shapes::ShapeEditor;
use crate::{
    inspect::RegionShape,
    ui::{
        Action, UiCommand,
        pages::inspect::{
            overlay::QueryOverlay,
            region_marks::{outlined, scaled},
            regions::{Pen, PenState},
        },
        theme,
        theme::Palette,
        widgets::{icon_toggle, image_pane::Placement},
    },
};

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
        let ink = Palette::new(true);
        let painter = ui.painter().with_clip_rect(response.rect.intersect(ui.clip_rect()));
        // The networks may see the image at a lower resolution than it is stored.
        let by = size.0 as f32 / self.width.max(1) as f32;
        let shapes: Vec<RegionShape> = self.drawn.iter().map(|shape| scaled(shape, by)).collect();
        for shape in self.drawing.editor.shown(&shapes) {
            outlined(&painter, placed, shape, theme::CURVE, ink.accent);
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
