//! Styled controls and captions.

use egui::{Margin, RichText, Stroke, Ui, vec2};

use super::{
    palette::Palette,
    sizes::{GAP_M, GAP_XS, HAIRLINE, ROW},
    text_styles::caption,
};

/// Margin of a bar across a workspace.
pub(crate) fn bar_margin() -> Margin {
    Margin::symmetric(GAP_M as i8, GAP_XS as i8)
}

/// Text in the caption size and the weak colour.
pub(crate) fn weak_caption(p: &Palette, text: impl Into<String>) -> RichText {
    RichText::new(text).text_style(caption()).color(p.text_weak)
}

/// The primary button of a page, filled with the accent; at most one is visible at a time.
pub(crate) fn primary_button(p: &Palette, text: impl Into<String>) -> egui::Button<'static> {
    egui::Button::new(RichText::new(text).color(p.on_accent)).fill(p.accent).min_size(vec2(0.0, ROW))
}

/// Outlines the check boxes that follow in `ui`, for a selected row, on whose background they would be hard to see.
pub(crate) fn outline_check_boxes(ui: &mut Ui) {
    let p = Palette::of(ui);
    let widgets = &mut ui.visuals_mut().widgets;
    for widget in [&mut widgets.noninteractive, &mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
        widget.bg_fill = p.field;
        widget.bg_stroke = Stroke::new(HAIRLINE, p.text);
    }
}
