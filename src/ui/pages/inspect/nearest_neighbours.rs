//! The highest-scoring crop of a query beside its nearest healthy training crops.

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

/// State of the row.
#[derive(Default)]
pub(crate) struct NeighbourRow {
    texture: Option<GridTexture>,
}

impl NeighbourRow {
    /// Draws the row, if there are neighbours.
    pub(crate) fn ui(&mut self, ui: &mut Ui, nearest: &Arc<NearestNeighbours>) {
        if nearest.neighbours.is_empty() || nearest.images.side == 0 {
            return;
        }
        let p = Palette::of(ui);
        ui.add_space(theme::GAP_M);
        let texture = GridTexture::of(ui.ctx(), "nearest-neighbours", nearest, &nearest.images, self.texture.take());
        let ppp = ui.pixels_per_point();
        let mut block = Block::new(texture.count(), texture.side(), texture.count(), 1, ppp);
        // All crops have one scale; a gap separates the query's own.
        let count = texture.count() as f32;
        let width = ui.available_width() - theme::GAP_S - (count - 1.0) * block.gap;
        block.cell = (width / count).min(2.0 * texture.side() as f32 / ppp);
        let row = block.size() + vec2(theme::GAP_S, theme::ROW_TIGHT);
        let (rect, _) = ui.allocate_exact_size(row, Sense::hover());
        let (head, rect) = rect.split_top_bottom_at_y(rect.top() + theme::ROW_TIGHT);
        let (own, others) = head.split_left_right_at_x(head.left() + block.cell + block.gap + theme::GAP_S);
        for (place, text) in [(own, "This part"), (others, "Most similar healthy crops")] {
            ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
                ui.add(Label::new(theme::weak_caption(&p, text)).truncate());
            });
        }
        for i in 0..texture.count() {
            let gap = if i == 0 { 0.0 } else { theme::GAP_S };
            let place = block.place(rect.min + vec2(gap, 0.0), i, ppp);
            texture.paint(ui.painter(), i, place);
            if i == 0 {
                outline(ui.painter(), place, p.text_weak, theme::HAIRLINE);
            }
            let text = describe(nearest, i);
            let response = ui.interact(place, ui.scope_id().with(("neighbour", i)), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, text.clone()));
            response.on_hover_text(text);
        }
        self.texture = Some(texture);
        ui.advance_cursor_after_rect(head.union(rect));
    }
}

/// Describes crop `i` of the row: the query's own first, then its neighbours.
fn describe(nearest: &NearestNeighbours, i: usize) -> String {
    let (x, y) = nearest.corner;
    match i.checked_sub(1).and_then(|i| nearest.neighbours.get(i)) {
        None => format!("Highest-scoring location of this image, at x {x}, y {y}"),
        Some((origin, distance)) => {
            let distance = ticks::figure(Some(*distance));
            format!("{}, at x {}, y {}; distance {distance}", origin.image, origin.x, origin.y)
        }
    }
}
