//! Sizes and style of the presentation.

use egui::{FontFamily, FontId, Pos2, Rect, Style, TextStyle, Vec2, pos2, vec2};

use super::{
    palette::Palette,
    sizes::{GAP_S, GAP_XS},
    style::style,
    text_styles,
};

/// Sizes of a presentation, in points. They scale with the screen, so that it can be read from a distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PresentationSizes {
    unit: f32,
}

impl PresentationSizes {
    /// Sizes for a screen of this size.
    pub(crate) fn of(screen: Vec2) -> Self {
        let fitting = (screen.x / 1024.0).min(screen.y / 640.0).clamp(0.25, 16.0);
        // In steps, since every font size needs its own glyphs.
        Self { unit: (fitting * 16.0).floor() / 16.0 }
    }

    /// Margin of the screen.
    pub(crate) fn margin(&self) -> f32 {
        24.0 * self.unit
    }

    /// Gap between images.
    pub(crate) fn gap(&self) -> f32 {
        16.0 * self.unit
    }

    /// Height of the line at the top.
    pub(crate) fn head(&self) -> f32 {
        36.0 * self.unit
    }

    /// Height of a caption, and of the hint at the bottom.
    pub(crate) fn caption(&self) -> f32 {
        24.0 * self.unit
    }

    /// Height of a row of the summary.
    pub(crate) fn row(&self) -> f32 {
        29.0 * self.unit
    }

    /// Height of the verdict, and width of the area for its shape.
    pub(crate) fn word(&self) -> f32 {
        46.0 * self.unit
    }

    /// Side of that shape.
    pub(crate) fn shape(&self) -> f32 {
        0.7 * self.word()
    }

    /// Centre of that shape in its area, left-aligned.
    pub(crate) fn shape_in(&self, area: Rect) -> Pos2 {
        pos2(area.left() + self.shape() / 2.0, area.center().y)
    }

    /// Height of the counts in the summary.
    pub(crate) fn counts(&self) -> f32 {
        104.0 * self.unit
    }

    /// Minimum height of curve and verdict.
    pub(crate) fn lower(&self) -> f32 {
        156.0 * self.unit
    }

    /// Diameter of the dot at the end of the curve, and height of bars.
    pub(crate) fn dot(&self) -> f32 {
        8.0 * self.unit
    }

    /// Width of a curve.
    pub(crate) fn curve(&self) -> f32 {
        2.0 * self.unit
    }

    /// Maximum width of a column of text.
    pub(crate) fn column(&self) -> f32 {
        720.0 * self.unit
    }

    /// Width of the labels in the summary.
    pub(crate) fn names(&self) -> f32 {
        176.0 * self.unit
    }

    /// The dark theme with large text, whatever the window's theme: images are best judged in the dark.
    pub(crate) fn style(&self) -> Style {
        let mut style = style(Palette::new(true));
        let sizes = [
            (text_styles::caption(), 14.0),
            (TextStyle::Body, 18.0),
            (text_styles::figure(), 26.0),
            (text_styles::verdict(), 38.0),
        ];
        for (name, size) in sizes {
            style.text_styles.insert(name, FontId::new(size * self.unit, FontFamily::Proportional));
        }
        style.spacing.item_spacing = vec2(GAP_S, GAP_XS) * self.unit;
        style
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::{palette::contrast, text_styles::VERDICT_SIZE};

    #[test]
    fn a_presentation_grows_with_the_screen_and_stays_within_it() {
        let units = [[512.0, 320.0], [1024.0, 640.0], [1920.0, 1080.0], [3840.0, 2160.0]].map(|[x, y]| {
            let sizes = PresentationSizes::of(vec2(x, y));
            assert!(2.0 * sizes.margin() + 2.0 * sizes.gap() < 0.1 * x && sizes.lower() < 0.3 * y);
            sizes.unit
        });
        assert_eq!(units, [0.5, 1.0, 1.6875, 3.375]);
        let style = PresentationSizes::of(vec2(1024.0, 640.0)).style();
        assert!(style.visuals.dark_mode && style.text_styles[&text_styles::verdict()].size > VERDICT_SIZE);
        // Captions, the hint and the colours of verdicts are drawn on the ground itself.
        let dark = Palette::new(true);
        for colour in [dark.text, dark.text_weak, dark.healthy, dark.suspect, dark.defective] {
            assert!(contrast(colour, dark.ground) >= 4.5, "{colour:?}");
        }
    }
}
