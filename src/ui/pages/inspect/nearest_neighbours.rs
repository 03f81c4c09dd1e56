//! The oddest place of a query beside the healthy training crops that look most like it.

use std::sync::Arc;

use egui::{Label, Role, Sense, Ui, UiBuilder, WidgetInfo, vec2};

use crate::{
    engine::inspection::NearestNeighbours,
    ui::{
        theme,
        theme::Palette,
        widgets::{
            image_grid::{Block, GridTexture, outline},
            ticks,
        },
    },
};

/// The row's own state.
#[derive(Default)]
pub struct NeighbourRow {
    sheet: Option<GridTexture>,
}

impl NeighbourRow {
    /// Draws the row, where there are healthy crops.
    pub fn ui(&mut self, ui: &mut Ui, alike: &Arc<NearestNeighbours>) {
        if alike.neighbours.is_empty() || alike.pictures.side == 0 {
            return;
        }
        let p = Palette::of(ui);
        ui.add_space(theme::GAP_M);
        let sheet = GridTexture::of(ui.ctx(), "likeness", alike, &alike.pictures, self.sheet.take());
        let ppp = ui.pixels_per_point();
        let mut block = Block::new(sheet.count(), sheet.side(), sheet.count(), 1, ppp);
        // All at one scale; the query's own crop stands apart.
        let count = sheet.count() as f32;
        let room = ui.available_width() - theme::GAP_S - (count - 1.0) * block.gap;
        block.cell = (room / count).min(2.0 * sheet.side() as f32 / ppp);
        let row = block.size() + vec2(theme::GAP_S, theme::ROW_TIGHT);
        let (rect, _) = ui.allocate_exact_size(row, Sense::hover());
        let (head, rect) = rect.split_top_bottom_at_y(rect.top() + theme::ROW_TIGHT);
        let (own, others) = head.split_left_right_at_x(head.left() + block.cell + block.gap + theme::GAP_S);
        for (place, words) in [(own, "This part"), (others, "Most alike among good parts")] {
            ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
                ui.add(Label::new(theme::weak_caption(&p, words)).truncate());
            });
        }
        for i in 0..sheet.count() {
            let apart = if i == 0 { 0.0 } else { theme::GAP_S };
            let place = block.place(rect.min + vec2(apart, 0.0), i, ppp);
            sheet.paint(ui.painter(), i, place);
            if i == 0 {
                outline(ui.painter(), place, p.text_weak, theme::HAIRLINE);
            }
            let words = words(alike, i);
            let response = ui.interact(place, ui.scope_id().with(("alike", i)), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words.clone()));
            response.on_hover_text(words);
        }
        self.sheet = Some(sheet);
        ui.advance_cursor_after_rect(head.union(rect));
    }
}

/// What a picture of the row is of.
fn words(alike: &NearestNeighbours, i: usize) -> String {
    let (x, y) = alike.corner;
    match i.checked_sub(1).and_then(|i| alike.neighbours.get(i)) {
        None => format!("The oddest place of this image, from x {x}, y {y} on"),
        Some((origin, distance)) => {
            let distance = ticks::figure(Some(*distance));
            format!("{}, from x {}, y {} on; distance {distance}", origin.image, origin.x, origin.y)
        }
    }
}
