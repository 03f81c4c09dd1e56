//! Drawing regions on a part: the drawing tool takes its keys before the page.

use std::sync::Arc;

use egui::{Key, Modifiers, Pos2, Rect, accesskit::Role, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use ganspect::{engine::inspection::ModelState, inspect::RegionShape, review::Record, ui::PageId};

use crate::{
    harness::{TestWindow, facts, point, press, shows},
    review::reviewing,
};

/// Opens a record with an active model, so that Enter could leave the page; returns the place of the image.
fn drawing() -> (TestWindow, Record, Rect) {
    let (mut test, record) = reviewing(false);
    let model = ModelState::Ready(Arc::new(facts("0".repeat(64), Vec::new())));
    test.harness.state().state().inspection.status.write().model = model;
    test.until("the image", |window| window.query_by_label("Draw a polygon").is_some());
    let is_query = |label: Option<String>| label.is_some_and(|label| label.starts_with("Image"));
    let mut images = test.harness.query_all_by_role(Role::Image);
    let image = images.find(|node| is_query(node.accesskit_node().label())).unwrap().rect();
    drop(images);
    (test, record, image)
}

fn click(test: &mut TestWindow, at: Pos2) {
    point(test, at, None);
    point(test, at, Some(true));
    point(test, at, Some(false));
    // Not a double click.
    test.harness.run_steps(4);
}

fn tap(test: &mut TestWindow, key: Key) {
    press(test, Modifiers::NONE, key);
}

/// A place on the image, in shares of its side from its centre.
fn place(image: Rect, x: f32, y: f32) -> Pos2 {
    image.center() + vec2(x, y) * image.width().min(image.height())
}

fn polygon(test: &mut TestWindow, image: Rect, corners: &[(f32, f32)]) {
    test.harness.get_by_label("Draw a polygon").click();
    test.harness.run_steps(2);
    for (x, y) in corners {
        click(test, place(image, *x, *y));
    }
}

const TRIANGLE: [(f32, f32); 3] = [(-0.3, -0.3), (-0.1, -0.3), (-0.1, -0.1)];

#[test]
fn enter_closes_a_polygon_and_escape_cancels_it() {
    let (mut test, record, image) = drawing();
    polygon(&mut test, image, &TRIANGLE[..2]);
    tap(&mut test, Key::Enter);
    assert_eq!(test.harness.state().page(), PageId::Review, "two corners close nothing, and the page stays");
    click(&mut test, place(image, 0.2, 0.3));
    // A wrong corner is taken back.
    tap(&mut test, Key::Backspace);
    click(&mut test, place(image, -0.1, -0.1));
    tap(&mut test, Key::Enter);
    assert_eq!(test.harness.state().page(), PageId::Review);
    assert!(shows(&test.harness, "The drawn region is saved with your verdict."));
    // A second region; Escape discards a third, and the last change is undone.
    polygon(&mut test, image, &[(0.1, 0.1), (0.3, 0.1), (0.3, 0.3), (0.1, 0.3)]);
    tap(&mut test, Key::Enter);
    assert!(shows(&test.harness, "The 2 drawn regions are saved with your verdict."));
    polygon(&mut test, image, &[(0.1, -0.1), (0.3, -0.1), (0.3, -0.3)]);
    tap(&mut test, Key::Escape);
    assert!(shows(&test.harness, "The 2 drawn regions"));
    press(&mut test, Modifiers::COMMAND, Key::Z);
    assert!(shows(&test.harness, "The drawn region is saved"));
    assert_eq!(test.harness.state().page(), PageId::Review);
    tap(&mut test, Key::D);
    test.until("the verdict", |_| record.queue().unwrap().iter().any(|item| !item.opinions.is_empty()));
    let items = record.queue().unwrap();
    let shapes: Vec<_> = items.iter().flat_map(|item| item.drawn_shapes()).collect();
    assert!(matches!(shapes.as_slice(), [RegionShape::Polygon(corners)] if corners.len() == 3), "{shapes:?}");
}

#[test]
fn corners_are_dragged_and_deleted() {
    let (mut test, record, image) = drawing();
    polygon(&mut test, image, &[(0.1, 0.1), (0.3, 0.1), (0.3, 0.3), (0.1, 0.3)]);
    tap(&mut test, Key::Enter);
    polygon(&mut test, image, &TRIANGLE);
    tap(&mut test, Key::Enter);
    // Drag the first corner of the square to the centre.
    point(&mut test, place(image, 0.1, 0.1), None);
    point(&mut test, place(image, 0.1, 0.1), Some(true));
    point(&mut test, place(image, 0.05, 0.05), None);
    point(&mut test, place(image, 0.0, 0.0), None);
    point(&mut test, place(image, 0.0, 0.0), Some(false));
    test.harness.run_steps(3);
    // Delete its last corner, then the triangle as a whole.
    click(&mut test, place(image, 0.1, 0.3));
    tap(&mut test, Key::Delete);
    assert!(shows(&test.harness, "The 2 drawn regions"));
    click(&mut test, place(image, -0.13, -0.25));
    tap(&mut test, Key::Delete);
    assert!(shows(&test.harness, "The drawn region is saved"));
    tap(&mut test, Key::D);
    test.until("the verdict", |_| record.queue().unwrap().iter().any(|item| !item.opinions.is_empty()));
    let items = record.queue().unwrap();
    let shapes: Vec<_> = items.iter().flat_map(|item| item.drawn_shapes()).collect();
    let [RegionShape::Polygon(corners)] = shapes.as_slice() else { panic!("{shapes:?}") };
    assert_eq!(corners.len(), 3);
    let near = |corner: [f32; 2], x: f32, y: f32| (corner[0] - x).hypot(corner[1] - y) < 3.0;
    assert!(near(corners[0], 48.0, 48.0), "the dragged corner is at the centre of 96 pixels: {corners:?}");
}

#[test]
fn corners_are_added_on_edges_and_an_addition_is_undone() {
    let (mut test, record, image) = drawing();
    polygon(&mut test, image, &[(0.1, 0.1), (0.3, 0.1), (0.3, 0.3), (0.1, 0.3)]);
    tap(&mut test, Key::Enter);
    let drag = |test: &mut TestWindow, from: (f32, f32), to: (f32, f32)| {
        let half = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        point(test, place(image, from.0, from.1), None);
        point(test, place(image, from.0, from.1), Some(true));
        point(test, place(image, half.0, half.1), None);
        point(test, place(image, to.0, to.1), None);
        point(test, place(image, to.0, to.1), Some(false));
        test.harness.run_steps(3);
    };
    // Pulled out of the left edge, without selecting the region before.
    drag(&mut test, (0.1, 0.2), (0.0, 0.2));
    // The region is selected now, so a click on its upper edge adds a corner; this is taken back, and one on the right
    // edge is kept.
    click(&mut test, place(image, 0.2, 0.1));
    assert!(shows(&test.harness, "Drag the corner, or click an edge to add one"));
    press(&mut test, Modifiers::COMMAND, Key::Z);
    click(&mut test, place(image, 0.2, 0.2));
    click(&mut test, place(image, 0.3, 0.2));
    drag(&mut test, (0.3, 0.2), (0.4, 0.2));
    assert!(shows(&test.harness, "The drawn region is saved"), "no further region");
    tap(&mut test, Key::D);
    test.until("the verdict", |_| record.queue().unwrap().iter().any(|item| !item.opinions.is_empty()));
    let items = record.queue().unwrap();
    let shapes: Vec<_> = items.iter().flat_map(|item| item.drawn_shapes()).collect();
    let [RegionShape::Polygon(corners)] = shapes.as_slice() else { panic!("{shapes:?}") };
    let wanted = [(0.1, 0.1), (0.3, 0.1), (0.4, 0.2), (0.3, 0.3), (0.1, 0.3), (0.0, 0.2)];
    assert_eq!(corners.len(), wanted.len(), "{corners:?}");
    // The picture may be a little smaller than its pane; corners that were drawn tell how much.
    let side = (corners[3][0] - corners[0][0]) / 0.2;
    for (corner, (x, y)) in corners.iter().zip(wanted) {
        let [x, y] = [x, y].map(|share: f32| 48.0 + side * share);
        assert!((corner[0] - x).hypot(corner[1] - y) < 2.0, "{corner:?} is not at {x}, {y}");
    }
}
