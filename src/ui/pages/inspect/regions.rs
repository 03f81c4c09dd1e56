//! Regions to inspect and regions to ignore, drawn over the query.

use egui::{Color32, Key, Modifiers, Painter, PointerButton, Pos2, Rect, Response, Shape as Paint, Stroke, Ui, pos2};
use egui_material_icons::icons;

use super::triptych::QueryOverlay;
use crate::{
    engine,
    engine::InspectionRequest,
    inspect::{Region, Regions, regions::RegionShape},
    ui::{Action, theme, theme::Palette, widgets::image_pane::Placed},
};

/// Changes that can be taken back.
const UNDO: usize = 50;

/// What a drag or clicks on the query draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    ignore: bool,
    polygon: bool,
}

/// The tools, in the order of the menu.
const TOOLS: [(Tool, &str); 4] = [
    (Tool { ignore: false, polygon: false }, "Inspect a rectangle only"),
    (Tool { ignore: false, polygon: true }, "Inspect a polygon only"),
    (Tool { ignore: true, polygon: false }, "Ignore a rectangle"),
    (Tool { ignore: true, polygon: true }, "Ignore a polygon"),
];

/// A shape on its way.
#[derive(Debug, Default)]
pub struct Pen {
    /// Corners so far, in pixels of the picture.
    corners: Vec<[f32; 2]>,
}

/// What has become of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Stroked {
    /// It is still being drawn.
    Going,
    /// It was abandoned.
    Abandoned,
    /// It is closed.
    Done(RegionShape),
}

/// The regions as they are drawn.
#[derive(Debug, Default)]
pub struct RegionEditor {
    /// What is drawn next.
    tool: Option<Tool>,
    pen: Pen,
    /// The region that a click has chosen.
    chosen: Option<usize>,
    /// The regions as the user has them.
    now: Regions,
    /// The model's regions when they were last looked at.
    in_force: Regions,
    past: Vec<Regions>,
}

impl RegionEditor {
    /// Follows the model's regions when they have changed.
    pub fn follow(&mut self, in_force: &Regions) {
        if *in_force != self.in_force {
            self.in_force = in_force.clone();
            if self.now != *in_force {
                self.now = in_force.clone();
                self.past.clear();
                self.chosen = None;
            }
        }
    }

    /// Forgets what is half drawn.
    pub fn abandon(&mut self) {
        self.tool = None;
        self.pen.clear();
        self.chosen = None;
    }

    /// Whether there is a change to take back.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Takes back the last change.
    pub fn undo(&mut self) -> Option<Regions> {
        self.now = self.past.pop()?;
        self.chosen = None;
        Some(self.now.clone())
    }

    /// Deletes the region that was chosen by a click.
    pub fn delete_chosen(&mut self) -> Option<Regions> {
        let at = self.chosen.take().filter(|at| *at < self.now.0.len())?;
        let mut next = self.now.clone();
        next.0.remove(at);
        Some(self.change(next))
    }

    fn change(&mut self, next: Regions) -> Regions {
        self.past.push(std::mem::replace(&mut self.now, next));
        if self.past.len() > UNDO {
            self.past.remove(0);
        }
        self.now.clone()
    }

    /// The menu of tools; the new regions when one of its entries changed them.
    fn menu(&mut self, ui: &mut Ui, model: bool) -> Option<Regions> {
        let mut changed = None;
        let p = Palette::of(ui);
        let icon = icons::ICON_SELECT_ALL.rich_text().size(theme::ICON_BUTTON);
        let menu = ui.add_enabled_ui(model, |ui| {
            ui.menu_button(icon, |ui| {
                for (tool, title) in TOOLS {
                    if ui.selectable_label(self.tool == Some(tool), title).clicked() {
                        self.pen.clear();
                        self.chosen = None;
                        self.tool = if self.tool == Some(tool) { None } else { Some(tool) };
                    }
                }
                ui.separator();
                if ui.add_enabled(self.chosen.is_some(), egui::Button::new("Delete the chosen region")).clicked() {
                    changed = self.delete_chosen();
                }
                if ui.add_enabled(!self.now.0.is_empty(), egui::Button::new("Delete every region")).clicked() {
                    self.chosen = None;
                    changed = Some(self.change(Regions::default()));
                }
                if ui.add_enabled(self.can_undo(), egui::Button::new("Undo")).clicked() {
                    changed = self.undo();
                }
                ui.separator();
                ui.label(theme::weak_caption(&p, "Kept with the model; in force for the images inspected next."));
            })
            .response
        });
        let response = menu.inner.accessible_name("Regions");
        response
            .on_hover_text("What part of a picture is inspected, and what is ignored")
            .on_disabled_hover_text("Regions are kept with a model. Open a model first.");
        changed
    }

    /// Draws the regions over the query and takes in what the pointer does; the new regions when they
    /// have changed.
    fn take(&mut self, ui: &Ui, response: &Response, placed: &Placed, size: (usize, usize)) -> Option<Regions> {
        let p = Palette::of(ui);
        let painter = ui.painter().with_clip_rect(response.rect.intersect(ui.clip_rect()));
        let mut changed = None;
        if let Some(tool) = self.tool {
            match self.pen.draw(ui, response, placed, size, tool.polygon) {
                Stroked::Going => {}
                Stroked::Abandoned => self.tool = None,
                Stroked::Done(shape) => {
                    self.tool = None;
                    let mut next = self.now.clone();
                    next.0.push(Region { ignore: tool.ignore, shape });
                    // What a model cannot keep is not drawn either.
                    changed = next.validate().is_ok().then(|| self.change(next));
                }
            }
        } else if response.clicked_by(PointerButton::Primary) {
            let at = response.interact_pointer_pos().map(|at| placed.to_picture(at));
            self.chosen = at.and_then(|at| (0..self.now.0.len()).rev().find(|i| holds(&self.now.0[*i].shape, at)));
        }
        for (i, Region { ignore, shape }) in self.now.0.iter().enumerate() {
            let width = if self.chosen == Some(i) { 2.0 * theme::CURVE } else { theme::CURVE };
            outline(&painter, placed, shape, Stroke::new(width, tool_colour(&p, *ignore)), *ignore);
        }
        if let Some(tool) = self.tool {
            self.pen.paint(&painter, response, placed, tool.polygon, tool_colour(&p, tool.ignore));
        }
        changed
    }
}

impl Pen {
    /// What to do next.
    pub fn hint(polygon: bool) -> &'static str {
        match polygon {
            true => "Click corner by corner; a double click or Enter closes, Escape abandons",
            false => "Drag a rectangle over the query; Escape abandons",
        }
    }

    /// Forgets what is half drawn.
    pub fn clear(&mut self) {
        self.corners.clear();
    }

    /// Takes in what the pointer does.
    pub fn draw(
        &mut self,
        ui: &Ui,
        response: &Response,
        placed: &Placed,
        size: (usize, usize),
        polygon: bool,
    ) -> Stroked {
        if ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
            self.corners.clear();
            return Stroked::Abandoned;
        }
        let inside = |at: Pos2| {
            let at = placed.to_picture(at);
            [at.x.clamp(0.0, size.0 as f32), at.y.clamp(0.0, size.1 as f32)]
        };
        let pointer = response.interact_pointer_pos();
        let done = if polygon {
            let enter = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
            // A key that stands for a click adds no corner.
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
        done.map_or(Stroked::Going, Stroked::Done)
    }

    /// Draws what there is of it so far.
    pub fn paint(&self, painter: &Painter, response: &Response, placed: &Placed, polygon: bool, colour: Color32) {
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
            actions.push(Action::Engine(engine::Command::Inspect(InspectionRequest::Regions(next))));
        }
    }

    fn over(&mut self, ui: &Ui, response: &Response, placed: &Placed, size: (usize, usize), actions: &mut Vec<Action>) {
        if let Some(next) = self.take(ui, response, placed, size) {
            actions.push(Action::Engine(engine::Command::Inspect(InspectionRequest::Regions(next))));
        }
    }
}

fn tool_colour(p: &Palette, ignore: bool) -> Color32 {
    if ignore { p.suspect } else { p.accent }
}

/// Whether a point lies inside, by the even-odd rule.
fn holds(shape: &RegionShape, at: Pos2) -> bool {
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

/// A shape's outline over the picture.
pub fn outline(painter: &Painter, placed: &Placed, shape: &RegionShape, stroke: Stroke, dashed: bool) {
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
        assert!(holds(&shape, pos2(2.0, 5.0)) && holds(&shape, pos2(5.0, 2.0)));
        assert!(!holds(&shape, pos2(5.0, 8.0)) && !holds(&shape, pos2(11.0, 1.0)));
        assert!(holds(&RegionShape::Rectangle([8.0, 8.0], [2.0, 2.0]), pos2(3.0, 7.0)));
    }

    #[test]
    fn changes_are_taken_back_one_by_one() {
        let mut editor = RegionEditor::default();
        let region = |ignore| Region { ignore, shape: RegionShape::Rectangle([0.0, 0.0], [4.0, 4.0]) };
        editor.change(Regions(vec![region(false)]));
        editor.change(Regions(vec![region(false), region(true)]));
        editor.chosen = Some(0);
        assert_eq!(editor.delete_chosen(), Some(Regions(vec![region(true)])));
        assert_eq!(editor.undo().map(|r| r.0.len()), Some(2));
        assert_eq!(editor.undo().map(|r| r.0.len()), Some(1));
        assert_eq!(editor.undo(), Some(Regions::default()));
        assert_eq!(editor.undo(), None);
        // The compute thread's answer to one's own change leaves the way back open.
        let own = editor.change(Regions(vec![region(true)]));
        editor.follow(&own);
        assert!(editor.can_undo());
        editor.follow(&Regions(vec![region(false)]));
        assert!(!editor.can_undo(), "another model has regions of its own");
    }
}
