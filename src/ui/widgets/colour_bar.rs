//! Colour bars: the scale of a colour map.

use egui::{
    Align2, Color32, ColorImage, FontSelection, Rect, Role, Sense, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2,
    vec2,
};

use super::ticks::{Scale, ticks};
use crate::ui::{theme, theme::Palette};

/// The texture of a colour map, uploaded once.
#[derive(Default)]
pub(crate) struct ColourTable {
    texture: Option<([[u8; 3]; 256], TextureHandle)>,
}

impl ColourTable {
    fn texture(&mut self, ui: &Ui, table: &[[u8; 3]; 256]) -> &TextureHandle {
        if self.texture.as_ref().is_some_and(|(old, _)| old != table) {
            self.texture = None;
        }
        let load = || {
            let mut image = ColorImage::filled([1, 256], Color32::BLACK);
            for (pixel, [r, g, b]) in image.pixels.iter_mut().zip(table.iter().rev()) {
                *pixel = Color32::from_rgb(*r, *g, *b);
            }
            (*table, ui.ctx().load_texture("colour-bar", image, TextureOptions::NEAREST))
        };
        &self.texture.get_or_insert_with(load).1
    }

    /// Draws the bar with ticks from `low` to `high` over the rest of `ui`; `what` names the quantity.
    pub(crate) fn ui(&mut self, ui: &mut Ui, table: &[[u8; 3]; 256], (low, high): (f64, f64), what: &str) {
        let p = Palette::of(ui);
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Colour bar, {low} to {high}, {what}")));
        let bar = Rect::from_min_size(rect.min, vec2(theme::COLOUR_BAR_INNER, rect.height())).shrink2(vec2(0.0, 6.0));
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let texture = self.texture(ui, table).id();
        let painter = ui.painter();
        painter.image(texture, bar, whole, Color32::WHITE);
        painter.rect_stroke(bar, 0.0, egui::Stroke::new(theme::HAIRLINE, p.hairline), egui::StrokeKind::Outside);
        let font = FontSelection::Style(theme::caption()).resolve(ui.style());
        for tick in ticks(Scale::Linear, low, high, (bar.height() / 36.0).clamp(2.0, 8.0) as usize) {
            let y = bar.bottom() - ((tick.place - low) / (high - low)) as f32 * bar.height();
            painter.hline(bar.right()..=bar.right() + 3.0, y, egui::Stroke::new(theme::HAIRLINE, p.text_weak));
            painter.text(
                pos2(bar.right() + 5.0, y),
                Align2::LEFT_CENTER,
                tick.label.replace('-', "−"),
                font.clone(),
                p.text,
            );
        }
        response.on_hover_text(what);
    }

    /// Draws the colours from left to right at this size, as a preview.
    pub(crate) fn preview(ui: &mut Ui, table: &[[u8; 3]; 256], size: egui::Vec2) {
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let columns = rect.width() as usize;
        for i in 0..columns {
            let [r, g, b] = table[(i * 255 / columns.max(1)).min(255)];
            let x = rect.left() + i as f32;
            let strip = Rect::from_min_max(pos2(x, rect.top()), pos2(x + 1.0, rect.bottom()));
            ui.painter().rect_filled(strip, 0.0, Color32::from_rgb(r, g, b));
        }
    }
}
