//! How a critic looks at a frame: in which light, and from how many sides.

use crate::{inspect::planes::Planes, model::critic::STRIDE, train::Recipe};

/// How a critic looks at a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestTimeAugmentation {
    /// Whether frames are brought to one light first.
    pub level: bool,
    /// Whether it looks at them with left and right, and with top and bottom, exchanged as well. What it sees is the mean over
    /// all views: a healthy place seldom looks odd in each of them.
    pub mirrored: [bool; 2],
    /// Whether it looks at each of these moved by one cell as well, so that its coarse maps begin elsewhere.
    pub moved: bool,
}

impl TestTimeAugmentation {
    /// As a critic of this recipe was trained.
    pub fn of(recipe: &Recipe) -> Self {
        let Recipe { critic, data, .. } = recipe;
        let mirrored = [data.flip_horizontal, data.flip_vertical].map(|on| on && critic.views);
        Self { level: critic.level, mirrored, moved: critic.views }
    }

    /// All views.
    pub(super) fn views(self) -> Vec<AugmentedView> {
        let either = |on: bool| if on { &[false, true][..] } else { &[false] };
        let mut views = Vec::new();
        for &moved in either(self.moved) {
            for &y in either(self.mirrored[1]) {
                views.extend(
                    either(self.mirrored[0])
                        .iter()
                        .map(|&x| AugmentedView { mirrored: [x, y], by: usize::from(moved) }),
                );
            }
        }
        views
    }
}

/// One way to hold a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AugmentedView {
    mirrored: [bool; 2],
    /// Cells that it is moved to the right and down; what comes in repeats the edge.
    by: usize,
}

impl AugmentedView {
    /// The frame, held that way.
    pub(super) fn of(self, frame: &Planes) -> Planes {
        let (width, height, by) = (frame.width(), frame.height(), self.by * STRIDE);
        let along = |length: usize, mirrored: bool| {
            (0..length + by).map(move |at| {
                let at = at.saturating_sub(by);
                if mirrored { length - 1 - at } else { at }
            })
        };
        let columns: Vec<usize> = along(width, self.mirrored[0]).collect();
        let mut values = Vec::with_capacity(frame.channels() * (width + by) * (height + by));
        for c in 0..frame.channels() {
            for y in along(height, self.mirrored[1]) {
                values.extend(columns.iter().map(|&x| frame.at(x, y, c)));
            }
        }
        Planes::new(width + by, height + by, frame.channels(), values).unwrap_or_else(|| frame.clone())
    }

    /// A map of what was held that way, as one of the frame, which is so many cells across and down.
    pub(super) fn back(self, map: &[f32], [across, down]: [usize; 2]) -> Vec<f32> {
        let along = |length: usize, mirrored: bool| {
            (0..length).map(move |at| self.by + if mirrored { length - 1 - at } else { at })
        };
        let mut values = Vec::with_capacity(across * down);
        for y in along(down, self.mirrored[1]) {
            let row = map.get(y * (across + self.by)..).unwrap_or_default();
            values.extend(along(across, self.mirrored[0]).map(|x| row.get(x).copied().unwrap_or_default()));
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_of_a_frame_leads_back() {
        let (across, down) = (5, 3);
        let values: Vec<f32> = (0..across * STRIDE * down * STRIDE).map(|i| i as f32).collect();
        let frame = Planes::new(across * STRIDE, down * STRIDE, 1, values).unwrap();
        // A map whose cells say what their first pixel was.
        let first = |frame: &Planes| -> Vec<f32> {
            let [w, h] = [frame.width(), frame.height()].map(|side| side / STRIDE);
            (0..w * h).map(|i| frame.at(i % w * STRIDE, i / w * STRIDE, 0)).collect()
        };
        let views =
            TestTimeAugmentation { mirrored: [true, true], moved: true, ..TestTimeAugmentation::default() }.views();
        assert_eq!(views.len(), 8);
        for view in views {
            let held = view.of(&frame);
            assert_eq!(held.width(), (across + view.by) * STRIDE);
            let back = view.back(&first(&held), [across, down]);
            // The first pixel of a mirrored cell is its last.
            let corner = view.mirrored.map(|mirrored| if mirrored { STRIDE - 1 } else { 0 });
            let cell = |i: usize| frame.at(i % across * STRIDE + corner[0], i / across * STRIDE + corner[1], 0);
            assert_eq!(back, (0..across * down).map(cell).collect::<Vec<_>>(), "{view:?}");
        }
        assert_eq!(TestTimeAugmentation::default().views(), [AugmentedView { mirrored: [false, false], by: 0 }]);
    }

    #[test]
    fn a_recipe_says_how_its_critic_looks() {
        let mut recipe = Recipe::default();
        assert_eq!(
            TestTimeAugmentation::of(&recipe),
            TestTimeAugmentation { level: true, mirrored: [true, true], moved: true }
        );
        // A surface that was never shown upside down is not looked at so.
        recipe.data.flip_vertical = false;
        assert_eq!(TestTimeAugmentation::of(&recipe).mirrored, [true, false]);
        recipe.critic.views = false;
        assert_eq!(
            TestTimeAugmentation::of(&recipe),
            TestTimeAugmentation { level: true, ..TestTimeAugmentation::default() }
        );
    }
}
