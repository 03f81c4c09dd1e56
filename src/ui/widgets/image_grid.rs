//! Grids of small images: textures, layout in whole pixels, and the size that fits.

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
    /// Drawn at a scale that is no whole number of screen pixels per image pixel, and interpolated for it.
    smooth: bool,
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
        Self::scaled(ctx, name, (owner, images), false, old)
    }

    /// As [`of`](Self::of); `smooth` interpolates between pixels, for a scale that is no whole number.
    pub(crate) fn scaled<T: Any + Send + Sync>(
        ctx: &Context,
        name: &str,
        (owner, images): (&Arc<T>, &ImageGrid),
        smooth: bool,
        old: Option<Self>,
    ) -> Self {
        let is_same =
            |old: &Self| old.smooth == smooth && std::ptr::addr_eq(Arc::as_ptr(&old.owner), Arc::as_ptr(owner));
        let options = if smooth { TextureOptions::LINEAR } else { TextureOptions::NEAREST };
        let texture = match old {
            Some(old) if is_same(&old) => return old,
            Some(Self { mut texture, .. }) => {
                texture.set(combined(images), options);
                texture
            }
            None => ctx.load_texture(name, combined(images), options),
        };
        let (columns, owner) = (texture_columns(images.count), Arc::clone(owner));
        Self { texture, columns, count: images.count, side: images.side, smooth, owner }
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
        // Interpolation would mix in the neighbouring image.
        let half_pixel = if self.smooth { 0.5 / self.side.max(1) as f32 } else { 0.0 };
        let uv = uv.shrink2(vec2(half_pixel / columns, half_pixel / rows));
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

/// Layout of a block of images, each of which covers a whole number of device pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Block {
    /// Images per row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// Side of an image, points.
    pub cell: f32,
    /// Gap between images, points.
    pub gap: f32,
}

impl Block {
    /// Arranges `count` images of `side` pixels in `columns` columns.
    pub(crate) fn new(count: usize, side: usize, columns: usize, zoom: usize, pixels_per_point: f32) -> Self {
        Self::of_cells(count, side * zoom, columns, pixels_per_point)
    }

    /// Arranges `count` images, each on `pixels` device pixels a side, in `columns` columns.
    pub(crate) fn of_cells(count: usize, pixels: usize, columns: usize, pixels_per_point: f32) -> Self {
        let columns = columns.clamp(1, count.max(1));
        Self { columns, rows: count.div_ceil(columns), cell: pixels as f32 / pixels_per_point, gap: theme::PICTURE_GAP }
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

/// The largest side of an image in device pixels at which two blocks of `counts` images, of `side` pixels each, fit into `area`
/// (points) beside or above each other, with `head` points above each. A whole multiple of `side` where that is hardly smaller.
pub(crate) fn fit(
    area: Vec2,
    head: f32,
    counts: [usize; 2],
    side: usize,
    pixels_per_point: f32,
) -> (usize, Arrangement) {
    let arrangement = |pixels: usize| {
        let cell = pixels as f32 / pixels_per_point + theme::PICTURE_GAP;
        let fits = |width: f32, height: f32, count: usize| {
            let columns = ((width + theme::PICTURE_GAP) / cell) as usize;
            count == 0 || columns > 0 && count.div_ceil(columns) as f32 * cell <= height + theme::PICTURE_GAP
        };
        let half = (area.x - theme::GAP_L) / 2.0;
        if counts.iter().all(|n| fits(half, area.y - head - theme::GAP_XS, *n)) {
            return Some(Arrangement::Beside);
        }
        let half = (area.y - theme::GAP_M) / 2.0 - head;
        counts.iter().all(|n| fits(area.x, half, *n)).then_some(Arrangement::Above)
    };
    let largest = |step: usize, most: usize| {
        (1..=most).rev().find_map(|n| arrangement(n * step).map(|arrangement| (n * step, arrangement)))
    };
    let side = side.max(1);
    // Too small for anything: one device pixel each.
    let any = largest(1, MOST_ZOOM * side).unwrap_or((1, Arrangement::Beside));
    match largest(side, any.0 / side) {
        Some(whole) if whole.0 as f32 >= WHOLE_SHARE * any.0 as f32 => whole,
        _ => any,
    }
}

/// Most device pixels per image pixel that a fit gives.
const MOST_ZOOM: usize = 16;

/// Share of the largest side from which a whole multiple is preferred, because its pixels are sharp.
const WHOLE_SHARE: f32 = 0.88;

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
    fn the_fit_shows_every_image_and_fills_the_pane_at_any_size() {
        for (width, height) in
            [(380.0, 320.0), (420.0, 560.0), (900.0, 700.0), (1400.0, 900.0), (240.0, 200.0), (760.0, 300.0)]
        {
            for (count, side, ppp) in [(36, 64, 1.0), (36, 64, 1.5), (36, 32, 2.0), (16, 128, 1.0), (64, 64, 1.0)] {
                let (area, head) = (vec2(width, height), 20.0);
                let (pixels, arrangement) = fit(area, head, [count, count], side, ppp);
                let at = format!("{count} of {side} pixels in {width} x {height} at {ppp}: {pixels} {arrangement:?}");
                let (half, high) = match arrangement {
                    Arrangement::Beside => ((width - theme::GAP_L) / 2.0, height - head - theme::GAP_XS),
                    Arrangement::Above => (width, (height - theme::GAP_M) / 2.0 - head),
                };
                let block_of = |pixels: usize| {
                    let cell = pixels as f32 / ppp + theme::PICTURE_GAP;
                    Block::of_cells(count, pixels, ((half + theme::PICTURE_GAP) / cell) as usize, ppp).size()
                };
                let size = block_of(pixels);
                assert!(size.x <= half + 1e-3 && size.y <= high + 1e-3, "{at}: nothing needs scrolling");
                // An eighth more in each direction would not fit.
                let more = (pixels as f32 * 1.14).ceil() as usize;
                let larger = block_of(more);
                assert!(larger.x > half || larger.y > high || more > MOST_ZOOM * side, "{at}: the pane is filled");
            }
        }
        // A whole multiple is preferred where it is hardly smaller.
        assert_eq!(fit(vec2(140.0, 400.0), 20.0, [1, 1], 64, 1.0), (128, Arrangement::Above));
        // At twice the pixel density, the same area fits about twice the pixels.
        let area = vec2(1000.0, 600.0);
        assert!(fit(area, 20.0, [4, 4], 64, 2.0).0 as f32 >= 1.7 * fit(area, 20.0, [4, 4], 64, 1.0).0 as f32);
    }

    #[test]
    fn the_blocks_stand_above_each_other_where_that_makes_them_larger() {
        assert_eq!(fit(vec2(380.0, 800.0), 20.0, [1, 1], 64, 1.0).1, Arrangement::Above);
        assert_eq!(fit(vec2(800.0, 380.0), 20.0, [1, 1], 64, 1.0).1, Arrangement::Beside);
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
