//! Single lines of text.

use egui::{Label, Layout, Rect, RichText, Ui, UiBuilder};

/// Draws text on one line within `rect`, with an ellipsis where it does not fit.
pub(super) fn text(ui: &mut Ui, rect: Rect, text: RichText, layout: Layout) {
    ui.scope_builder(UiBuilder::new().max_rect(rect).layout(layout), |ui| ui.add(Label::new(text).truncate()));
}
