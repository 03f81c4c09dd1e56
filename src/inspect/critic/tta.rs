//! Test-time augmentation: which views of a frame the critic averages over.

use crate::{inspect::Planes, model::critic::STRIDE, train::Recipe};

/// Test-time augmentation and brightness normalisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestTimeAugmentation {
    /// Whether the frame's brightness is normalised first.
    pub normalise_brightness: bool,
    /// Whether the brightness of a frame in colour is measured over the values of all channels, as in models of earlier
    /// versions.
    pub over_all_channels: bool,
    /// Whether the frame is mirrored horizontally and vertically. Maps are averaged over all views: a healthy region
    /// rarely scores high in every one of them.
    pub mirrored: [bool; 2],
    /// Whether each view is also shifted by one cell, so that the coarse cells start elsewhere.
    pub shifted: bool,
}

impl TestTimeAugmentation {
    /// The augmentation that matches how the recipe trains its critic.
    pub fn of(recipe: &Recipe) -> Self {
        let Recipe { critic, data, .. } = recipe;
        let mirrored = [data.flip_horizontal, data.flip_vertical].map(|on| on && critic.views);
        Self { normalise_brightness: critic.level, over_all_channels: false, mirrored, shifted: critic.views }
    }

    /// All views.
    pub(super) fn views(self) -> Vec<AugmentedView> {
        let either = |on: bool| if on { &[false, true][..] } else { &[false] };
        let mut views = Vec::new();
        for &shifted in either(self.shifted) {
            for &y in either(self.mirrored[1]) {
                views.extend(
                    either(self.mirrored[0])
                        .iter()
                        .map(|&x| AugmentedView { mirrored: [x, y], shift: usize::from(shifted) }),
                );
            }
        }
        views
    }
}

/// One augmented view of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AugmentedView {
    mirrored: [bool; 2],
    /// Shift to the right and down, in cells; the border is replicated.
    shift: usize,
}

impl AugmentedView {
    /// Applies the view to a frame.
    pub(super) fn apply(self, frame: &Planes) -> Planes {
        let (width, height, shift) = (frame.width(), frame.height(), self.shift * STRIDE);
        let along = |length: usize, mirrored: bool| {
            (0..length + shift).map(move |at| {
                let at = at.saturating_sub(shift);
                if mirrored { length - 1 - at } else { at }
            })
        };
        let columns: Vec<usize> = along(width, self.mirrored[0]).collect();
        let mut values = Vec::with_capacity(frame.channels() * (width + shift) * (height + shift));
        for c in 0..frame.channels() {
            for y in along(height, self.mirrored[1]) {
                values.extend(columns.iter().map(|&x| frame.at(x, y, c)));
            }
        }
        Planes::new(width + shift, height + shift, frame.channels(), values).unwrap_or_else(|| frame.clone())
    }

    /// Maps the output for this view back to the frame, which is `across` by `down` cells.
    pub(super) fn invert(self, map: &[f32], [across, down]: [usize; 2]) -> Vec<f32> {
        let along = |length: usize, mirrored: bool| {
            (0..length).map(move |at| self.shift + if mirrored { length - 1 - at } else { at })
        };
        let mut values = Vec::with_capacity(across * down);
        for y in along(down, self.mirrored[1]) {
            let row = map.get(y * (across + self.shift)..).unwrap_or_default();
            values.extend(along(across, self.mirrored[0]).map(|x| row.get(x).copied().unwrap_or_default()));
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_inverted_exactly() {
        let (across, down) = (5, 3);
        let values: Vec<f32> = (0..across * STRIDE * down * STRIDE).map(|i| i as f32).collect();
        let frame = Planes::new(across * STRIDE, down * STRIDE, 1, values).unwrap();
        // A map whose cells hold the value of their first pixel.
        let first = |frame: &Planes| -> Vec<f32> {
            let [w, h] = [frame.width(), frame.height()].map(|side| side / STRIDE);
            (0..w * h).map(|i| frame.at(i % w * STRIDE, i / w * STRIDE, 0)).collect()
        };
        let views =
            TestTimeAugmentation { mirrored: [true, true], shifted: true, ..TestTimeAugmentation::default() }.views();
        assert_eq!(views.len(), 8);
        for view in views {
            let viewed = view.apply(&frame);
            assert_eq!(viewed.width(), (across + view.shift) * STRIDE);
            let back = view.invert(&first(&viewed), [across, down]);
            // The first pixel of a mirrored cell is its last.
            let corner = view.mirrored.map(|mirrored| if mirrored { STRIDE - 1 } else { 0 });
            let cell = |i: usize| frame.at(i % across * STRIDE + corner[0], i / across * STRIDE + corner[1], 0);
            assert_eq!(back, (0..across * down).map(cell).collect::<Vec<_>>(), "{view:?}");
        }
        assert_eq!(TestTimeAugmentation::default().views(), [AugmentedView { mirrored: [false, false], shift: 0 }]);
    }

    #[test]
    fn the_augmentation_follows_the_recipe() {
        let mut recipe = Recipe::default();
        assert_eq!(
            TestTimeAugmentation::of(&recipe),
            TestTimeAugmentation {
                normalise_brightness: true,
                mirrored: [true, true],
                shifted: true,
                ..TestTimeAugmentation::default()
            }
        );
        // A surface that was never flipped vertically in training is not flipped here.
        recipe.data.flip_vertical = false;
        assert_eq!(TestTimeAugmentation::of(&recipe).mirrored, [true, false]);
        recipe.critic.views = false;
        assert_eq!(
            TestTimeAugmentation::of(&recipe),
            TestTimeAugmentation { normalise_brightness: true, ..TestTimeAugmentation::default() }
        );
    }
}
