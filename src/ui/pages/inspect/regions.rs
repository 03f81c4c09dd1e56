//! Regions to inspect and regions to ignore, drawn over the image.

use egui::{Color32, Key, Modifiers, Painter, PointerButton, Pos2, Rect, Response, Shape as Paint, Stroke, Ui, pos2};
use egui_material_icons::icons;

use super::overlay::QueryOverlay;
use crate::{
    engine::InspectionRequest,
    inspect::{Region, RegionShape, Regions},
    ui::{Action, theme, theme::Palette, widgets::image_pane::Placement},
};

/// Depth of the undo stack.
const UNDO: usize = 50;

/// A drawing tool: the effect and the shape of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    ignore: bool,
    polygon: bool,
}

/// All tools, in menu order.
const TOOLS: [(Tool, &str); 4] = [
    (Tool { ignore: false, polygon: false }, "Inspect only a rectangle"),
    (Tool { ignore: false, polygon: true }, "Inspect only a polygon"),
    (Tool { ignore: true, polygon: false }, "Ignore a rectangle"),
    (Tool { ignore: true, polygon: true }, "Ignore a polygon"),
];

/// A shape being drawn.
#[derive(Debug, Default)]
pub(crate) struct Pen {
    /// Corners so far, in image pixels.
    corners: Vec<[f32; 2]>,
}

/// State of the shape being drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PenState {
    /// Not closed yet.
    Drawing,
    /// Cancelled by the user.
    Cancelled,
    /// Closed.
    Done(RegionShape),
}

/// Editor for the model's regions.
#[derive(Debug, Default)]
pub(crate) struct RegionEditor {
    /// The active drawing tool.
    tool: Option<Tool>,
    pen: Pen,
    /// Index of the selected region.
    selected: Option<usize>,
    /// The regions as edited.
    current: Regions,
    /// The model's regions as last seen.
    active: Regions,
    undo_stack: Vec<Regions>,
}

impl RegionEditor {
    /// Takes over the model's regions when they have changed.
    pub(crate) fn follow(&mut self, active: &Regions) {
        if *active != self.active {
            self.active = active.clone();
            if self.current != *active {
                self.current = active.clone();
                self.undo_stack.clear();
                self.selected = None;
            }
        }
    }

    /// Discards the shape being drawn and the selection.
    pub(crate) fn cancel_drawing(&mut self) {
        self.tool = None;
        self.pen.clear();
        self.selected = None;
    }

    /// Whether there is a change, or a corner of the shape being drawn, to undo.
    pub(crate) fn can_undo(&self) -> bool {
        !self.undo_stack.is_empty() || self.tool.is_some() && self.pen.is_begun()
    }

    /// Undoes the last change; returns the regions.
    pub(crate) fn undo(&mut self) -> Option<Regions> {
        if self.tool.is_some() && self.pen.step_back() {
            return None;
        }
        self.current = self.undo_stack.pop()?;
        self.selected = None;
        Some(self.current.clone())
    }

    /// Deletes the selected region; returns the regions.
    pub(crate) fn delete_selected(&mut self) -> Option<Regions> {
        let at = self.selected.take().filter(|at| *at < self.current.0.len())?;
        let mut next = self.current.clone();
        next.0.remove(at);
        Some(self.change(next))
    }

    /// Replaces the regions, keeping the old ones for undo.
    fn change(&mut self, next: Regions) -> Regions {
        self.undo_stack.push(std::mem::replace(&mut self.current, next));
        if self.undo_stack.len() > UNDO {
            self.undo_stack.remove(0);
        }
        self.current.clone()
    }

    /// Draws the menu of tools; returns the regions if an entry changed them.
    fn menu(&mut self, ui: &mut Ui, model: bool) -> Option<Regions> {
        let mut changed = None;
        let p = Palette::of(ui);
        let icon = icons::ICON_SELECT_ALL.rich_text().size(theme::ICON_BUTTON);
        // A block of its own does not wrap by itself.
        if ui.available_size_before_wrap().x < theme::ROW + theme::GAP_M {
            ui.end_row();
        }
        let menu = ui.add_enabled_ui(model, |ui| {
            ui.menu_button(icon, |ui| {
                for (tool, title) in TOOLS {
                    if ui.selectable_label(self.tool == Some(tool), title).clicked() {
                        self.pen.clear();
                        self.selected = None;
                        self.tool = if self.tool == Some(tool) { None } else { Some(tool) };
                    }
                }
                ui.separator();
                if ui
                    .add_enabled(self.selected.is_some(), egui::Button::new("Delete selected region"))
                    .on_disabled_hover_text("Click a region first.")
                    .clicked()
                {
                    changed = self.delete_selected();
                }
                if ui
                    .add_enabled(!self.current.0.is_empty(), egui::Button::new("Delete all regions"))
                    .on_disabled_hover_text("There are no regions.")
                    .clicked()
                {
                    self.selected = None;
                    changed = Some(self.change(Regions::default()));
                }
                if ui
                    .add_enabled(self.can_undo(), egui::Button::new("Undo"))
                    .on_disabled_hover_text("No region has been changed yet.")
                    .clicked()
                {
                    changed = self.undo();
                }
                ui.separator();
                ui.label(theme::weak_caption(&p, "Stored with the model; applied to images inspected from now on."));
            })
            .response
        });
        let response = menu.inner.accessible_name("Regions");
        response
            .on_hover_text("Choose which parts of an image are inspected or ignored")
            .on_disabled_hover_text("Regions are stored with the model. Open a model first.");
        changed
    }

    /// Draws the regions over the image and handles the pointer; returns the regions if they changed.
    fn edit(&mut self, ui: &Ui, response: &Response, placed: &Placement, size: (usize, usize)) -> Option<Regions> {
        let p = Palette::of(ui);
        let painter = ui.painter().with_clip_rect(response.rect.intersect(ui.clip_rect()));
        let mut changed = None;
        if let Some(tool) = self.tool {
            match self.pen.draw(ui, response, placed, size, tool.polygon) {
                PenState::Drawing => {}
                PenState::Cancelled => self.tool = None,
                PenState::Done(shape) => {
                    self.tool = None;
                    let mut next = self.current.clone();
                    next.0.push(Region { ignore: tool.ignore, shape });
                    // Regions that the model cannot store are rejected.
                    changed = next.validate().is_ok().then(|| self.change(next));
                }
            }
        } else if response.clicked_by(PointerButton::Primary) {
            let at = response.interact_pointer_pos().map(|at| placed.to_picture(at));
            self.selected =
                at.and_then(|at| (0..self.current.0.len()).rev().find(|i| contains(&self.current.0[*i].shape, at)));
        }
        for (i, Region { ignore, shape }) in self.current.0.iter().enumerate() {
            let width = if self.selected == Some(i) { 2.0 * theme::CURVE } else { theme::CURVE };
            outline(&painter, placed, shape, Stroke::new(width, tool_colour(&p, *ignore)), *ignore);
        }
        if let Some(tool) = self.tool {
            self.pen.paint(&painter, response, placed, tool.polygon, tool_colour(&p, tool.ignore));
        }
        changed
    }
}

impl Pen {
    /// Returns an instruction for the user.
    pub(crate) fn hint(polygon: bool) -> &'static str {
        match polygon {
            true => "Click to add corners; Enter or double-click closes, Backspace removes the last, Escape cancels",
            false => "Drag a rectangle over the image; Escape cancels",
        }
    }

    /// Discards the shape being drawn.
    pub(crate) fn clear(&mut self) {
        self.corners.clear();
    }

    /// Whether a corner has been set.
    pub(crate) fn is_begun(&self) -> bool {
        !self.corners.is_empty()
    }

    /// Removes the last corner; returns whether there was one.
    pub(crate) fn step_back(&mut self) -> bool {
        self.corners.pop().is_some()
    }

    /// Handles pointer and keys; returns the state of the shape.
    pub(crate) fn draw(
        &mut self,
        ui: &Ui,
        response: &Response,
        placed: &Placement,
        size: (usize, usize),
        polygon: bool,
    ) -> PenState {
        // Keys belong to a text field that has the focus.
        let typing = ui.ctx().text_edit_focused();
        let pressed = |key| !typing && ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        if pressed(Key::Escape) {
            self.corners.clear();
            return PenState::Cancelled;
        }
        if pressed(Key::Backspace) | pressed(Key::Delete) {
            self.step_back();
        }
        let inside = |at: Pos2| {
            let at = placed.to_picture(at);
            [at.x.clamp(0.0, size.0 as f32), at.y.clamp(0.0, size.1 as f32)]
        };
        let pointer = response.interact_pointer_pos();
        let done = if polygon {
            let enter = pressed(Key::Enter);
            // A click made with the keyboard adds no corner.
            if response.clicked()
                && ui.input(|i| i.pointer.any_click())
                && let Some(at) = pointer
            {
                self.corners.push(inside(at));
            }
            let apart = |a: &[f32; 2], b: &[f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) * placed.scale > 2.0;
            self.corners.dedup_by(|a, b| !apart(a, b));
            let closed = (response.double_clicked() || enter) && self.corners.len() >= 3;
            closed.then(|| RegionShape::Polygon(std::mem::take(&mut self.corners)))
        } else {
            if response.drag_started()
                && let Some(at) = ui.input(|i| i.pointer.press_origin()).or(pointer)
            {
                self.corners = vec![inside(at)];
            }
            match (response.drag_stopped(), self.corners.first().copied(), pointer) {
                (true, Some(from), Some(at)) => {
                    self.corners.clear();
                    let to = inside(at);
                    let wide = (from[0] - to[0]).abs() >= 2.0 && (from[1] - to[1]).abs() >= 2.0;
                    wide.then_some(RegionShape::Rectangle(from, to))
                }
                _ => None,
            }
        };
        done.map_or(PenState::Drawing, PenState::Done)
    }

    /// Paints the shape being drawn.
    pub(crate) fn paint(
        &self,
        painter: &Painter,
        response: &Response,
        placed: &Placement,
        polygon: bool,
        colour: Color32,
    ) {
        if self.corners.is_empty() {
            return;
        }
        let pointer = response.hover_pos().or(response.interact_pointer_pos());
        let mut points: Vec<Pos2> = self.corners.iter().map(|c| placed.to_screen(pos2(c[0], c[1]))).collect();
        let stroke = Stroke::new(theme::CURVE, colour);
        match (polygon, pointer) {
            (false, Some(to)) => {
                let rect = Rect::from_two_pos(points[0], to);
                painter.rect_stroke(rect, 0.0, stroke, egui::StrokeKind::Middle);
            }
            (_, pointer) => {
                points.extend(pointer);
                for corner in &points {
                    painter.circle_filled(*corner, 2.5, colour);
                }
                painter.add(Paint::line(points, stroke));
            }
        }
    }
}

impl QueryOverlay for RegionEditor {
    fn is_drawing(&self) -> bool {
        self.tool.is_some()
    }

    fn hint(&self) -> Option<&'static str> {
        self.tool.map(|tool| Pen::hint(tool.polygon))
    }

    fn tools(&mut self, ui: &mut Ui, model: bool, actions: &mut Vec<Action>) {
        if let Some(next) = self.menu(ui, model) {
            actions.push(Action::engine(InspectionRequest::SetRegions(next)));
        }
    }

    fn over(
        &mut self,
        ui: &Ui,
        response: &Response,
        placed: &Placement,
        size: (usize, usize),
        actions: &mut Vec<Action>,
    ) {
        if let Some(next) = self.edit(ui, response, placed, size) {
            actions.push(Action::engine(InspectionRequest::SetRegions(next)));
        }
    }
}

fn tool_colour(p: &Palette, ignore: bool) -> Color32 {
    if ignore { p.text_strong } else { p.accent }
}

/// Whether a point lies inside the shape, by the even-odd rule.
pub(crate) fn contains(shape: &RegionShape, at: Pos2) -> bool {
    let corners = shape.corners();
    let mut inside = false;
    for (i, a) in corners.iter().enumerate() {
        let b = corners[(i + 1) % corners.len()];
        if (a[1] > at.y) != (b[1] > at.y) && at.x < (b[0] - a[0]) * (at.y - a[1]) / (b[1] - a[1]) + a[0] {
            inside = !inside;
        }
    }
    inside
}

/// Paints the outline of a shape.
pub(crate) fn outline(painter: &Painter, placed: &Placement, shape: &RegionShape, stroke: Stroke, dashed: bool) {
    let mut points: Vec<Pos2> = shape.corners().into_iter().map(|c| placed.to_screen(pos2(c[0], c[1]))).collect();
    let Some(first) = points.first().copied() else { return };
    points.push(first);
    if dashed {
        painter.extend(Paint::dashed_line(&points, stroke, 6.0, 4.0));
    } else {
        painter.add(Paint::line(points, stroke));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_inside_its_polygon_only() {
        let shape = RegionShape::Polygon(vec![[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [5.0, 5.0], [0.0, 10.0]]);
        assert!(contains(&shape, pos2(2.0, 5.0)) && contains(&shape, pos2(5.0, 2.0)));
        assert!(!contains(&shape, pos2(5.0, 8.0)) && !contains(&shape, pos2(11.0, 1.0)));
        assert!(contains(&RegionShape::Rectangle([8.0, 8.0], [2.0, 2.0]), pos2(3.0, 7.0)));
    }

    #[test]
    fn changes_are_undone_one_by_one() {
        let mut editor = RegionEditor::default();
        let region = |ignore| Region { ignore, shape: RegionShape::Rectangle([0.0, 0.0], [4.0, 4.0]) };
        editor.change(Regions(vec![region(false)]));
        editor.change(Regions(vec![region(false), region(true)]));
        editor.selected = Some(0);
        assert_eq!(editor.delete_selected(), Some(Regions(vec![region(true)])));
        assert_eq!(editor.undo().map(|r| r.0.len()), Some(2));
        assert_eq!(editor.undo().map(|r| r.0.len()), Some(1));
        assert_eq!(editor.undo(), Some(Regions::default()));
        assert_eq!(editor.undo(), None);
        // The undo stack survives the confirmation of an edit by the compute thread.
        let own = editor.change(Regions(vec![region(true)]));
        editor.follow(&own);
        assert!(editor.can_undo());
        editor.follow(&Regions(vec![region(false)]));
        assert!(!editor.can_undo(), "another model has regions of its own");
    }
}
