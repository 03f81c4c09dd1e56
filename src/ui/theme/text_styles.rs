//! Text styles and their sizes in points.

use egui::TextStyle;

pub(super) const CAPTION_SIZE: f32 = 11.0;
pub(super) const BODY_SIZE: f32 = 13.0;
pub(super) const SECTION_SIZE: f32 = 15.0;
pub(super) const FIGURE_SIZE: f32 = 20.0;
pub(super) const VERDICT_SIZE: f32 = 28.0;

/// Axis labels and captions, 11 points.
pub(crate) fn caption() -> TextStyle {
    TextStyle::Small
}

/// Section headings, 15 points.
pub(crate) fn section() -> TextStyle {
    TextStyle::Name("section".into())
}

/// The main number of a panel, 20 points.
pub(crate) fn figure() -> TextStyle {
    TextStyle::Heading
}

/// The verdict, 28 points.
pub(crate) fn verdict() -> TextStyle {
    TextStyle::Name("verdict".into())
}
