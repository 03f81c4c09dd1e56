//! Editing of drawn regions: corners are dragged, added on edges and deleted, regions are deleted; every change can be undone.

use egui::{Color32, Key, Modifiers, Painter, PointerButton, Pos2, Response, Stroke, Ui, pos2};

use crate::{
    inspect::RegionShape,
    ui::{pages::inspect::regions::contains, widgets::image_pane::Placement},
};

/// Distance from a corner within which the pointer takes it, points.
const REACH: f32 = 8.0;

/// Distance from an edge within which the pointer takes it, points.
const EDGE_REACH: f32 = 6.0;

/// Fewest corners of a polygon.
const FEWEST: usize = 3;

/// Depth of the undo stack.
const UNDO: usize = 50;

/// A selected region, and the selected one of its corners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Selection {
    shape: usize,
    corner: Option<usize>,
}

/// Editor of the regions of one part.
#[derive(Debug, Default)]
pub(super) struct ShapeEditor {
    selected: Option<Selection>,
    /// The regions while a corner is dragged.
    dragged: Option<Vec<RegionShape>>,
    /// The pointer is at a corner or an edge, so that a drag moves that rather than the image.
    near: bool,
    /// The place on an edge under the pointer where a corner would be added, in pixels of the shown image.
    offered: Option<[f32; 2]>,
    /// Earlier regions, in pixels of the stored image.
    undo_stack: Vec<Vec<RegionShape>>,
}

impl ShapeEditor {
    /// Forgets selection and changes, for another part.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether a drag moves a corner.
    pub(crate) fn is_dragging(&self) -> bool {
        self.near || self.dragged.is_some()
    }

    /// Whether keys such as Delete are meant for a region.
    pub(crate) fn is_selecting(&self) -> bool {
        self.selected.is_some() || self.dragged.is_some()
    }

    /// Whether a change can be undone.
    pub(crate) fn can_undo(&self) -> bool {
        !self.undo_stack.is_empty()
    }

    /// Keeps the regions before a change.
    pub(crate) fn keep(&mut self, before: Vec<RegionShape>) {
        self.undo_stack.push(before);
        if self.undo_stack.len() > UNDO {
            self.undo_stack.remove(0);
        }
    }

    /// Undoes the last change; returns the regions before it.
    pub(crate) fn undo(&mut self) -> Option<Vec<RegionShape>> {
        self.selected = None;
        self.undo_stack.pop()
    }

    /// Handles pointer and keys over `shapes`, in pixels of the shown image; returns them once they have changed.
    pub(crate) fn edit(
        &mut self,
        ui: &Ui,
        response: &Response,
        placed: &Placement,
        size: (usize, usize),
        shapes: &[RegionShape],
    ) -> Option<Vec<RegionShape>> {
        self.selected = self.selected.filter(|selected| selected.shape < shapes.len());
        let pointer = response.interact_pointer_pos().or(response.hover_pos());
        let corner = pointer.and_then(|at| corner_at(placed, shapes, at));
        let edge = pointer.filter(|_| corner.is_none()).and_then(|at| edge_at(placed, shapes, at));
        self.near = corner.is_some() || edge.is_some();
        self.offered = edge.filter(|_| self.dragged.is_none()).map(|(_, place)| place);
        if response.drag_started_by(PointerButton::Primary)
            && let Some(at) = ui.input(|i| i.pointer.press_origin())
        {
            if let Some(hit) = corner_at(placed, shapes, at) {
                self.selected = Some(hit);
                self.dragged = Some(shapes.to_vec());
            } else if let Some((hit, place)) = edge_at(placed, shapes, at) {
                self.selected = Some(hit);
                self.dragged = Some(with_corner(shapes, hit, place));
            }
        }
        if let Some(moved) = &mut self.dragged
            && let Some(Selection { shape, corner: Some(corner) }) = self.selected
        {
            if let (Some(at), Some(shape)) = (pointer, moved.get_mut(shape)) {
                let at = placed.to_picture(at);
                move_corner(shape, corner, [at.x.clamp(0.0, size.0 as f32), at.y.clamp(0.0, size.1 as f32)]);
            }
            return if response.drag_stopped() { self.dragged.take() } else { None };
        }
        if response.clicked_by(PointerButton::Primary)
            && let Some(at) = response.interact_pointer_pos()
        {
            let own = |hit: &Selection| self.selected.is_some_and(|selected| selected.shape == hit.shape);
            if corner_at(placed, shapes, at).is_none()
                && let Some((hit, place)) = edge_at(placed, shapes, at).filter(|(hit, _)| own(hit))
            {
                self.selected = Some(hit);
                return Some(with_corner(shapes, hit, place));
            }
            let inside = placed.to_picture(at);
            let shape = || shapes.iter().rposition(|shape| contains(shape, inside));
            let whole = || shape().map(|shape| Selection { shape, corner: None });
            let edge = || edge_at(placed, shapes, at).map(|(hit, _)| Selection { corner: None, ..hit });
            self.selected = corner_at(placed, shapes, at).or_else(edge).or_else(whole);
        }
        self.keys(ui, shapes)
    }

    /// Handles Delete, Backspace and Escape on the selected region.
    fn keys(&mut self, ui: &Ui, shapes: &[RegionShape]) -> Option<Vec<RegionShape>> {
        let selected = self.selected?;
        if ui.ctx().text_edit_focused() {
            return None;
        }
        let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        if pressed(Key::Escape) {
            self.selected = None;
            return None;
        }
        if !(pressed(Key::Delete) | pressed(Key::Backspace)) {
            return None;
        }
        self.selected = None;
        Some(without(shapes, selected))
    }

    /// Paints the corners of the regions, and the regions as dragged.
    pub(crate) fn paint(&self, painter: &Painter, placed: &Placement, shapes: &[RegionShape], colour: Color32) {
        let shapes = self.dragged.as_deref().unwrap_or(shapes);
        for (i, shape) in shapes.iter().enumerate() {
            for (k, corner) in shape.corners().into_iter().enumerate() {
                let at = placed.to_screen(pos2(corner[0], corner[1]));
                let selected = self.selected.filter(|selected| selected.shape == i);
                let own = selected.is_some_and(|selected| selected.corner == Some(k));
                painter.circle(at, if own { 5.0 } else { 3.0 }, colour, Stroke::new(1.0, Color32::BLACK));
            }
            if self.selected.is_some_and(|selected| selected.shape == i) && self.dragged.is_none() {
                for [a, b] in edges(shape) {
                    let middle = pos2((a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0);
                    handle(painter, placed.to_screen(middle), colour);
                }
            }
        }
        if let Some(place) = self.offered {
            handle(painter, placed.to_screen(pos2(place[0], place[1])), colour);
        }
    }

    /// Returns the regions to draw: as dragged, or as given.
    pub(crate) fn shown<'a>(&'a self, shapes: &'a [RegionShape]) -> &'a [RegionShape] {
        self.dragged.as_deref().unwrap_or(shapes)
    }

    /// Returns an instruction for the user; `None` without a selection.
    pub(crate) fn hint(&self, shapes: usize) -> Option<&'static str> {
        let selected = self.selected.filter(|selected| selected.shape < shapes)?;
        Some(match selected.corner {
            Some(_) => {
                "Drag the corner, or click an edge to add one; Delete removes it, Ctrl+Z undoes, Escape deselects"
            }
            None => "Drag a corner, or click an edge to add one; Delete removes the region, Escape deselects",
        })
    }
}

/// Returns the nearest corner within reach of the pointer, of the topmost region.
fn corner_at(placed: &Placement, shapes: &[RegionShape], at: Pos2) -> Option<Selection> {
    let mut nearest: Option<(f32, Selection)> = None;
    for (shape, one) in shapes.iter().enumerate().rev() {
        for (corner, place) in one.corners().into_iter().enumerate() {
            let distance = placed.to_screen(pos2(place[0], place[1])).distance(at);
            if distance <= REACH && nearest.is_none_or(|(least, _)| distance < least) {
                nearest = Some((distance, Selection { shape, corner: Some(corner) }));
            }
        }
    }
    nearest.map(|(_, selection)| selection)
}

/// Returns the edges of a region, each from a corner to the next one.
fn edges(shape: &RegionShape) -> Vec<[[f32; 2]; 2]> {
    let corners = shape.corners();
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).map(|(a, b)| [*a, *b]).collect()
}

/// Paints the place where a corner can be added.
fn handle(painter: &Painter, at: Pos2, colour: Color32) {
    painter.circle(at, 3.0, Color32::BLACK.gamma_multiply(0.6), Stroke::new(1.0, colour));
}

/// Returns the nearest place within reach of the pointer on an edge, and which corner it would become.
fn edge_at(placed: &Placement, shapes: &[RegionShape], at: Pos2) -> Option<(Selection, [f32; 2])> {
    let mut nearest: Option<(f32, Selection, Pos2)> = None;
    for (shape, one) in shapes.iter().enumerate().rev() {
        for (k, edge) in edges(one).into_iter().enumerate() {
            let [a, b] = edge.map(|[x, y]| placed.to_screen(pos2(x, y)));
            let along = b - a;
            let share = ((at - a).dot(along) / along.length_sq().max(f32::EPSILON)).clamp(0.0, 1.0);
            let place = a + share * along;
            let distance = place.distance(at);
            if distance <= EDGE_REACH && nearest.is_none_or(|(least, ..)| distance < least) {
                nearest = Some((distance, Selection { shape, corner: Some(k + 1) }, place));
            }
        }
    }
    nearest.map(|(_, hit, place)| {
        let place = placed.to_picture(place);
        (hit, [place.x, place.y])
    })
}

/// Returns the regions with one more corner; a rectangle becomes a polygon.
fn with_corner(shapes: &[RegionShape], hit: Selection, place: [f32; 2]) -> Vec<RegionShape> {
    let mut shapes = shapes.to_vec();
    if let (Some(shape), Some(corner)) = (shapes.get_mut(hit.shape), hit.corner) {
        let mut corners = shape.corners();
        corners.insert(corner.min(corners.len()), place);
        *shape = RegionShape::Polygon(corners);
    }
    shapes
}

/// Moves a corner; the opposite corner of a rectangle stays.
fn move_corner(shape: &mut RegionShape, corner: usize, to: [f32; 2]) {
    match shape {
        RegionShape::Polygon(corners) => {
            if let Some(place) = corners.get_mut(corner) {
                *place = to;
            }
        }
        RegionShape::Rectangle(..) => {
            let opposite = shape.corners().get((corner + 2) % 4).copied();
            if let Some(opposite) = opposite {
                *shape = RegionShape::Rectangle(opposite, to);
            }
        }
    }
}

/// Returns the regions without the selected corner, or without the whole region if too few corners would be left.
fn without(shapes: &[RegionShape], selected: Selection) -> Vec<RegionShape> {
    let mut left = shapes.to_vec();
    match (left.get_mut(selected.shape), selected.corner) {
        (Some(RegionShape::Polygon(corners)), Some(corner)) if corners.len() > FEWEST && corner < corners.len() => {
            corners.remove(corner);
        }
        (Some(_), _) => {
            left.remove(selected.shape);
        }
        (None, _) => {}
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> RegionShape {
        RegionShape::Polygon(vec![[0.0, 0.0], [8.0, 0.0], [8.0, 8.0], [0.0, 8.0]])
    }

    #[test]
    fn corners_move_and_go() {
        let mut shape = square();
        move_corner(&mut shape, 2, [10.0, 12.0]);
        assert_eq!(shape.corners()[2], [10.0, 12.0]);
        let mut rectangle = RegionShape::Rectangle([1.0, 2.0], [5.0, 6.0]);
        let (moved, opposite) = (rectangle.corners()[0], rectangle.corners()[2]);
        move_corner(&mut rectangle, 0, [0.0, 0.0]);
        assert!(rectangle.corners().contains(&[0.0, 0.0]) && rectangle.corners().contains(&opposite));
        assert!(!rectangle.corners().contains(&moved));
        let shapes = [square(), rectangle];
        let select = |shape, corner| Selection { shape, corner };
        let three = without(&shapes, select(0, Some(1)));
        assert_eq!((three.len(), three[0].corners().len()), (2, 3));
        // A polygon needs three corners; a rectangle goes as a whole.
        assert_eq!(without(&three, select(0, Some(0))).len(), 1);
        assert_eq!(without(&shapes, select(1, Some(3))), [square()]);
        assert_eq!(without(&shapes, select(7, None)).len(), 2);
    }

    #[test]
    fn a_corner_is_added_where_the_pointer_is_on_an_edge() {
        let rect = egui::Rect::from_min_size(pos2(10.0, 10.0), egui::vec2(400.0, 400.0));
        let placed = Placement { rect, scale: 10.0, zoom: 10.0 };
        let rectangle = RegionShape::Rectangle([20.0, 0.0], [30.0, 10.0]);
        let shapes = [square(), rectangle];
        // On the last edge of the square, a little beside it.
        let (hit, place) = edge_at(&placed, &shapes, pos2(12.0, 50.0)).unwrap();
        assert_eq!((hit, place), (Selection { shape: 0, corner: Some(4) }, [0.0, 4.0]));
        let more = with_corner(&shapes, hit, place);
        assert_eq!(more[0], RegionShape::Polygon([square().corners(), vec![[0.0, 4.0]]].concat()));
        assert_eq!(more[1], shapes[1]);
        // A rectangle becomes a polygon that covers the same area.
        let (hit, place) = edge_at(&placed, &shapes, pos2(260.0, 11.0)).unwrap();
        let RegionShape::Polygon(corners) = &with_corner(&shapes, hit, place)[1] else { panic!() };
        let mut left = corners.clone();
        left.retain(|corner| *corner != place);
        assert_eq!((corners.len(), left), (5, shapes[1].corners()));
        assert_eq!(edge_at(&placed, &shapes, pos2(50.0, 50.0)), None, "inside is no edge");
    }

    #[test]
    fn changes_are_undone_in_reverse() {
        let mut editor = ShapeEditor::default();
        assert_eq!(editor.undo(), None);
        editor.keep(Vec::new());
        editor.keep(vec![square()]);
        assert_eq!((editor.undo().map(|s| s.len()), editor.undo().map(|s| s.len())), (Some(1), Some(0)));
        assert!(!editor.can_undo());
        (0..200).for_each(|_| editor.keep(Vec::new()));
        assert_eq!(editor.undo_stack.len(), UNDO);
    }
}
