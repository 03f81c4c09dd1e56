//! Rectangles of small pictures, pixel for pixel: textures that are uploaded once, and how large they fit.

use std::{any::Any, sync::Arc};

use egui::{
    Color32, ColorImage, Context, Painter, Rect, Stroke, TextureHandle, TextureOptions, Vec2, emath::GuiRounding, pos2,
    vec2,
};

use crate::{data::ImageGrid, ui::theme};

/// A rectangle of pictures on the device.
#[derive(Clone)]
pub struct GridTexture {
    texture: TextureHandle,
    columns: usize,
    count: usize,
    side: usize,
    /// What the pictures belong to, kept so that its address stays its own.
    owner: Arc<dyn Any + Send + Sync>,
}

impl GridTexture {
    /// Uploads `pictures`, which belong to `owner`, unless `old` was made from that very owner.
    pub fn of<T: Any + Send + Sync>(
        ctx: &Context,
        name: &str,
        owner: &Arc<T>,
        pictures: &ImageGrid,
        old: Option<Self>,
    ) -> Self {
        let texture = match old {
            Some(same) if std::ptr::addr_eq(Arc::as_ptr(&same.owner), Arc::as_ptr(owner)) => return same,
            Some(Self { mut texture, .. }) => {
                texture.set(image(pictures), TextureOptions::NEAREST);
                texture
            }
            None => ctx.load_texture(name, image(pictures), TextureOptions::NEAREST),
        };
        let (columns, owner) = (sheet_columns(pictures.count), Arc::clone(owner));
        Self { texture, columns, count: pictures.count, side: pictures.side, owner }
    }

    /// Pictures.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Side of each, pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Draws picture `i` into `rect`.
    pub fn paint(&self, painter: &Painter, i: usize, rect: Rect) {
        if i >= self.count {
            return;
        }
        let (columns, rows) = (self.columns as f32, self.count.div_ceil(self.columns) as f32);
        let (c, r) = ((i % self.columns) as f32, (i / self.columns) as f32);
        let uv = Rect::from_min_max(pos2(c / columns, r / rows), pos2((c + 1.0) / columns, (r + 1.0) / rows));
        painter.image(self.texture.id(), rect, uv, Color32::WHITE);
    }
}

/// Pictures in a row of the texture: near a square, which every device can hold.
fn sheet_columns(count: usize) -> usize {
    count.isqrt().max(1)
}

/// All pictures in one image, row by row.
fn image(pictures: &ImageGrid) -> ColorImage {
    let (columns, side) = (sheet_columns(pictures.count), pictures.side);
    let size = [(columns * side).max(1), (pictures.count.div_ceil(columns) * side).max(1)];
    let mut image = ColorImage::filled(size, Color32::BLACK);
    for i in 0..pictures.count {
        let (left, top) = ((i % columns) * side, (i / columns) * side);
        for (p, pixel) in pictures.image(i).chunks_exact(pictures.channels.max(1)).enumerate() {
            let colour = match *pixel {
                [r, g, b] => Color32::from_rgb(r, g, b),
                [v, ..] => Color32::from_gray(v),
                [] => continue,
            };
            if let Some(out) = image.pixels.get_mut((top + p / side) * size[0] + left + p % side) {
                *out = colour;
            }
        }
    }
    image
}

/// How a block of pictures is laid out: in device pixels, so that each picture's pixel covers the same
/// whole number of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// Pictures in a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// Device pixels to a picture's pixel.
    pub zoom: usize,
    /// Side of a picture, points.
    pub cell: f32,
    /// Gap between pictures, points.
    pub gap: f32,
}

impl Block {
    /// `count` pictures of `side` pixels in `columns` columns.
    pub fn new(count: usize, side: usize, columns: usize, zoom: usize, pixels_per_point: f32) -> Self {
        let columns = columns.clamp(1, count.max(1));
        Self {
            columns,
            rows: count.div_ceil(columns),
            zoom,
            cell: (side * zoom) as f32 / pixels_per_point,
            gap: theme::PICTURE_GAP,
        }
    }

    /// Size of the whole block, points.
    pub fn size(&self) -> Vec2 {
        let span = |n: usize| n as f32 * self.cell + n.saturating_sub(1) as f32 * self.gap;
        vec2(span(self.columns), span(self.rows))
    }

    /// The place of picture `i` when the block begins at `origin`.
    pub fn place(&self, origin: egui::Pos2, i: usize, pixels_per_point: f32) -> Rect {
        let step = self.cell + self.gap;
        let offset = vec2((i % self.columns) as f32 * step, (i / self.columns) as f32 * step);
        let min = (origin + offset).round_to_pixels(pixels_per_point);
        Rect::from_min_size(min, Vec2::splat(self.cell))
    }

    /// The picture at `at`, if there is one of `count`.
    pub fn at(&self, origin: egui::Pos2, at: egui::Pos2, count: usize) -> Option<usize> {
        let step = self.cell + self.gap;
        let (x, y) = ((at.x - origin.x) / step, (at.y - origin.y) / step);
        if x < 0.0 || y < 0.0 || x as usize >= self.columns {
            return None;
        }
        let i = y as usize * self.columns + x as usize;
        (i < count).then_some(i)
    }
}

/// The largest whole zoom at which two blocks of `counts` pictures fit into `room` (points) beside or above
/// each other, with `head` points over each. `None` when even 1:1 does not fit.
pub fn fit(
    room: Vec2,
    head: f32,
    counts: [usize; 2],
    side: usize,
    pixels_per_point: f32,
) -> Option<(usize, Arrangement)> {
    if side == 0 {
        return None;
    }
    for zoom in (1..=16).rev() {
        let cell = (side * zoom) as f32 / pixels_per_point + theme::PICTURE_GAP;
        let fits = |width: f32, height: f32, count: usize| {
            let columns = ((width + theme::PICTURE_GAP) / cell) as usize;
            columns > 0 && count.div_ceil(columns) as f32 * cell <= height + theme::PICTURE_GAP
        };
        let half = (room.x - theme::GAP_L) / 2.0;
        if counts.iter().all(|n| fits(half, room.y - head, *n)) {
            return Some((zoom, Arrangement::Beside));
        }
        let half = (room.y - theme::GAP_M) / 2.0 - head;
        if counts.iter().all(|n| fits(room.x, half, *n)) {
            return Some((zoom, Arrangement::Above));
        }
    }
    None
}

/// How the two blocks stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// Samples left, real crops right.
    Beside,
    /// Samples above, real crops below.
    Above,
}

/// The outline of a chosen picture.
pub fn outline(painter: &Painter, rect: Rect, colour: Color32, width: f32) {
    painter.rect_stroke(rect, 0.0, Stroke::new(width, colour), egui::StrokeKind::Outside);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures(count: usize, side: usize, channels: usize) -> ImageGrid {
        let pixels = (0..count * side * side * channels).map(|i| (i % 251) as u8).collect();
        ImageGrid { count, side, channels, pixels }
    }

    #[test]
    fn every_pixel_finds_its_place_in_the_sheet() {
        let pictures = pictures(5, 3, 1);
        let image = image(&pictures);
        assert_eq!(image.size, [6, 9]);
        for i in 0..5 {
            for p in 0..9 {
                let (x, y) = ((i % 2) * 3 + p % 3, (i / 2) * 3 + p / 3);
                assert_eq!(image.pixels[y * 6 + x], Color32::from_gray(pictures.image(i)[p]));
            }
        }
        let colour = super::image(&self::pictures(1, 2, 3));
        assert_eq!(colour.pixels[1], Color32::from_rgb(3, 4, 5));
    }

    #[test]
    fn the_fit_is_whole_and_fills_what_it_can() {
        let room = vec2(1000.0, 600.0);
        let (zoom, arrangement) = fit(room, 20.0, [16, 16], 64, 1.0).unwrap();
        let width = if arrangement == Arrangement::Beside { (room.x - theme::GAP_L) / 2.0 } else { room.x };
        let columns = ((width + theme::PICTURE_GAP) / (64.0 * zoom as f32 + theme::PICTURE_GAP)) as usize;
        let block = Block::new(16, 64, columns, zoom, 1.0);
        assert!(block.size().x <= width && block.size().y <= room.y);
        assert_eq!(fit(vec2(100.0, 100.0), 20.0, [64, 64], 64, 1.0), None);
        // On a screen of twice the density the same room holds twice the zoom, or more.
        assert!(fit(room, 20.0, [4, 4], 64, 2.0).unwrap().0 >= 2 * fit(room, 20.0, [4, 4], 64, 1.0).unwrap().0);
    }

    #[test]
    fn the_blocks_stand_above_each_other_where_that_makes_them_larger() {
        // Two high and narrow halves would hold each picture at 2:1.
        assert_eq!(fit(vec2(380.0, 800.0), 20.0, [1, 1], 64, 1.0), Some((5, Arrangement::Above)));
        assert_eq!(fit(vec2(800.0, 380.0), 20.0, [1, 1], 64, 1.0), Some((5, Arrangement::Beside)));
    }

    #[test]
    fn a_place_leads_back_to_its_picture() {
        let block = Block::new(10, 8, 4, 2, 1.0);
        let origin = pos2(3.0, 5.0);
        for i in 0..10 {
            assert_eq!(block.at(origin, block.place(origin, i, 1.0).center(), 10), Some(i));
        }
        assert_eq!(block.at(origin, pos2(0.0, 0.0), 10), None);
        assert_eq!(block.at(origin, block.place(origin, 11, 1.0).center(), 10), None);
    }
}
