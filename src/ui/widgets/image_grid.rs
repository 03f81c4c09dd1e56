//! Grids of small images: textures, layout in whole pixels, and the zoom that fits.

use std::{any::Any, sync::Arc};

use egui::{
    Color32, ColorImage, Context, Painter, Rect, Stroke, TextureHandle, TextureOptions, Vec2, emath::GuiRounding, pos2,
    vec2,
};

use crate::{data::ImageGrid, ui::theme};

/// The texture of an image grid.
#[derive(Clone)]
pub(crate) struct GridTexture {
    texture: TextureHandle,
    columns: usize,
    count: usize,
    side: usize,
    /// The owner of the images, kept so that its address is not reused.
    owner: Arc<dyn Any + Send + Sync>,
}

impl GridTexture {
    /// Uploads the images of `owner`, unless `old` already holds them.
    pub(crate) fn of<T: Any + Send + Sync>(
        ctx: &Context,
        name: &str,
        owner: &Arc<T>,
        images: &ImageGrid,
        old: Option<Self>,
    ) -> Self {
        let texture = match old {
            Some(same) if std::ptr::addr_eq(Arc::as_ptr(&same.owner), Arc::as_ptr(owner)) => return same,
            Some(Self { mut texture, .. }) => {
                texture.set(combined(images), TextureOptions::NEAREST);
                texture
            }
            None => ctx.load_texture(name, combined(images), TextureOptions::NEAREST),
        };
        let (columns, owner) = (texture_columns(images.count), Arc::clone(owner));
        Self { texture, columns, count: images.count, side: images.side, owner }
    }

    /// Number of images.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Side of an image, pixels.
    pub(crate) fn side(&self) -> usize {
        self.side
    }

    /// Draws image `i` into `rect`.
    pub(crate) fn paint(&self, painter: &Painter, i: usize, rect: Rect) {
        if i >= self.count {
            return;
        }
        let (columns, rows) = (self.columns as f32, self.count.div_ceil(self.columns) as f32);
        let (c, r) = ((i % self.columns) as f32, (i / self.columns) as f32);
        let uv = Rect::from_min_max(pos2(c / columns, r / rows), pos2((c + 1.0) / columns, (r + 1.0) / rows));
        painter.image(self.texture.id(), rect, uv, Color32::WHITE);
    }
}

/// Columns of the texture, which is nearly square, so that it fits any device.
fn texture_columns(count: usize) -> usize {
    count.isqrt().max(1)
}

/// Combines all images into one, row by row.
fn combined(images: &ImageGrid) -> ColorImage {
    let (columns, side) = (texture_columns(images.count), images.side);
    let size = [(columns * side).max(1), (images.count.div_ceil(columns) * side).max(1)];
    let mut image = ColorImage::filled(size, Color32::BLACK);
    for i in 0..images.count {
        let (left, top) = ((i % columns) * side, (i / columns) * side);
        for (p, pixel) in images.image(i).chunks_exact(images.channels.max(1)).enumerate() {
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

/// Layout of a block of images. Each image pixel covers the same whole number of device pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Block {
    /// Images per row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// Device pixels per image pixel.
    pub zoom: usize,
    /// Side of an image, points.
    pub cell: f32,
    /// Gap between images, points.
    pub gap: f32,
}

impl Block {
    /// Arranges `count` images of `side` pixels in `columns` columns.
    pub(crate) fn new(count: usize, side: usize, columns: usize, zoom: usize, pixels_per_point: f32) -> Self {
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
    pub(crate) fn size(&self) -> Vec2 {
        let span = |n: usize| n as f32 * self.cell + n.saturating_sub(1) as f32 * self.gap;
        vec2(span(self.columns), span(self.rows))
    }

    /// Position of image `i` in a block with its corner at `origin`.
    pub(crate) fn place(&self, origin: egui::Pos2, i: usize, pixels_per_point: f32) -> Rect {
        let step = self.cell + self.gap;
        let offset = vec2((i % self.columns) as f32 * step, (i / self.columns) as f32 * step);
        let min = (origin + offset).round_to_pixels(pixels_per_point);
        Rect::from_min_size(min, Vec2::splat(self.cell))
    }

    /// Index of the image at `at`, below `count`.
    pub(crate) fn at(&self, origin: egui::Pos2, at: egui::Pos2, count: usize) -> Option<usize> {
        let step = self.cell + self.gap;
        let (x, y) = ((at.x - origin.x) / step, (at.y - origin.y) / step);
        if x < 0.0 || y < 0.0 || x as usize >= self.columns {
            return None;
        }
        let i = y as usize * self.columns + x as usize;
        (i < count).then_some(i)
    }
}

/// The largest whole zoom at which two blocks of `counts` images fit into `area` (points) beside or above each other,
/// with `head` points above each. `None` if not even 1:1 fits.
pub(crate) fn fit(
    area: Vec2,
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
        let half = (area.x - theme::GAP_L) / 2.0;
        if counts.iter().all(|n| fits(half, area.y - head, *n)) {
            return Some((zoom, Arrangement::Beside));
        }
        let half = (area.y - theme::GAP_M) / 2.0 - head;
        if counts.iter().all(|n| fits(area.x, half, *n)) {
            return Some((zoom, Arrangement::Above));
        }
    }
    None
}

/// Arrangement of the two blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrangement {
    /// Samples left, real crops right.
    Beside,
    /// Samples above, real crops below.
    Above,
}

/// Draws the outline of a selected image.
pub(crate) fn outline(painter: &Painter, rect: Rect, colour: Color32, width: f32) {
    painter.rect_stroke(rect, 0.0, Stroke::new(width, colour), egui::StrokeKind::Outside);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(count: usize, side: usize, channels: usize) -> ImageGrid {
        let pixels = (0..count * side * side * channels).map(|i| (i % 251) as u8).collect();
        ImageGrid { count, side, channels, pixels }
    }

    #[test]
    fn every_pixel_finds_its_place_in_the_sheet() {
        let images = images(5, 3, 1);
        let image = combined(&images);
        assert_eq!(image.size, [6, 9]);
        for i in 0..5 {
            for p in 0..9 {
                let (x, y) = ((i % 2) * 3 + p % 3, (i / 2) * 3 + p / 3);
                assert_eq!(image.pixels[y * 6 + x], Color32::from_gray(images.image(i)[p]));
            }
        }
        let colour = combined(&self::images(1, 2, 3));
        assert_eq!(colour.pixels[1], Color32::from_rgb(3, 4, 5));
    }

    #[test]
    fn the_fit_is_whole_and_fills_what_it_can() {
        let area = vec2(1000.0, 600.0);
        let (zoom, arrangement) = fit(area, 20.0, [16, 16], 64, 1.0).unwrap();
        let width = if arrangement == Arrangement::Beside { (area.x - theme::GAP_L) / 2.0 } else { area.x };
        let columns = ((width + theme::PICTURE_GAP) / (64.0 * zoom as f32 + theme::PICTURE_GAP)) as usize;
        let block = Block::new(16, 64, columns, zoom, 1.0);
        assert!(block.size().x <= width && block.size().y <= area.y);
        assert_eq!(fit(vec2(100.0, 100.0), 20.0, [64, 64], 64, 1.0), None);
        // At twice the pixel density, the same area fits at least twice the zoom.
        assert!(fit(area, 20.0, [4, 4], 64, 2.0).unwrap().0 >= 2 * fit(area, 20.0, [4, 4], 64, 1.0).unwrap().0);
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
