//! Layout shared by the triptych and the convergence animation.

use super::{
    canvas::{Anchor, INK, MASK, PixelCanvas, Rgb, TextPainter},
    input::ExportInput,
    raster::PixelScale,
};
use crate::{data::colour_map::colour, inspect::evaluation::PartTruth};

/// Neutral grey around the images, so that the surround does not bias perceived brightness.
const SURROUND: Rgb = [0xC8; 3];

/// Layout of three images in a row. Lengths scale with the images, so that text keeps its relative size.
pub(super) struct ExportLayout {
    pub scale: PixelScale,
    /// Pixels per layout unit; text of size 13 is 13 units high.
    pub unit: f32,
    /// Left edges of the images.
    pub xs: [usize; 3],
    /// Top edge of the images.
    pub y: usize,
    /// Size of the images.
    pub size: [usize; 2],
    /// Left edge of the colour bar.
    pub bar: usize,
    /// Width of the canvas.
    pub width: usize,
    /// Bottom edge of the grey surround.
    pub bottom: usize,
}

impl ExportLayout {
    pub(crate) fn of(input: &ExportInput<'_>, least: usize, most: usize) -> Self {
        let (width, height) = (input.outcome.query.width(), input.outcome.query.height());
        let scale = PixelScale::of(width, height, least, most);
        let size = [scale.length(width), scale.length(height)];
        // Narrow images are spaced apart to leave room for the text below.
        let column = size[0].max(256);
        let unit = (column as f32 / 288.0).max(1.0);
        let px = |units: f32| (units * unit).round() as usize;
        let xs = [0, 1, 2].map(|i| px(24.0) + i * (column + px(16.0)) + (column - size[0]) / 2);
        let y = px(24.0 + 28.0 + 12.0 + 22.0 + 12.0);
        let bar = xs[2] + size[0] + px(12.0);
        Self { scale, unit, xs, y, size, bar, width: bar + px(14.0 + 58.0 + 12.0), bottom: y + size[1] + px(12.0) }
    }

    pub(crate) fn px(&self, units: f32) -> usize {
        (units * self.unit).round() as usize
    }

    /// Draws title, surround, captions and colour bar: everything but the images.
    pub(crate) fn frame(
        &self,
        canvas: &mut PixelCanvas,
        painter: &mut TextPainter,
        input: &ExportInput<'_>,
        captions: [&str; 3],
    ) {
        let u = self.unit;
        let margin = 24.0 * u;
        let space = canvas.width() as f32 - 2.0 * margin - 150.0 * u;
        let title = painter.fit(input.file, 20.0 * u, space);
        painter.draw(canvas, [margin, 38.0 * u], &title, 20.0 * u, INK, Anchor::Left);
        let top = self.px(24.0 + 28.0 + 12.0);
        canvas.fill(0, top, canvas.width(), self.bottom - top, SURROUND);
        let line = self.px(1.0).max(1);
        let caption = self.y as f32 - 19.0 * u;
        for (x, text) in self.xs.into_iter().zip(captions) {
            painter.draw(canvas, [x as f32, caption], text, 13.0 * u, INK, Anchor::Left);
        }
        self.draw_colour_bar(canvas, painter, input);
        for x in self.xs {
            canvas.outline(x, self.y, self.size[0], self.size[1], line, [0x80; 3]);
        }
    }

    /// Outlines the mask of a part of a test set over image and map.
    pub(crate) fn outline_masks(&self, canvas: &mut PixelCanvas, input: &ExportInput<'_>) {
        let Some(outline) = input.truth.and_then(PartTruth::outline) else { return };
        for x in [self.xs[0], self.xs[2]] {
            for [from, to] in outline.lines_on((self.size[0], self.size[1])) {
                let at = |[u, v]: [f32; 2]| [x as f32 + u, self.y as f32 + v];
                canvas.line(at(from), at(to), 2.0 * self.unit, MASK);
            }
        }
    }

    fn draw_colour_bar(&self, canvas: &mut PixelCanvas, painter: &mut TextPainter, input: &ExportInput<'_>) {
        let (u, upper, signed) = (self.unit, input.upper(), input.map.is_signed());
        let (x, width, height, line) = (self.bar, self.px(14.0), self.size[1], self.px(1.0).max(1));
        for row in 0..height {
            let t = 1.0 - (row as f32 + 0.5) / height as f32;
            canvas.fill(x, self.y + row, width, 1, colour(input.map, t));
        }
        canvas.outline(x, self.y, width, height, line, [0x80; 3]);
        painter.draw(canvas, [x as f32, self.y as f32 - 19.0 * u], input.shown.unit(), 11.0 * u, INK, Anchor::Left);
        let parts = if height as f32 > 110.0 * u { 4 } else { 2 };
        for i in 0..=parts {
            let share = i as f32 / parts as f32;
            let value = f64::from(if signed { (2.0 * share - 1.0) * upper } else { share * upper });
            let bound = match i {
                0 if signed => "≤ ",
                _ if i == parts => "≥ ",
                _ => "",
            };
            let at = (1.0 - share) * (height as f32 - line as f32);
            canvas.fill(x + width, self.y + at as usize, self.px(4.0), line, INK);
            let digits = if upper >= 10.0 {
                0
            } else if upper >= 0.1 {
                2
            } else if upper >= 0.01 {
                3
            } else {
                4
            };
            let minus = if value < 0.0 { "−" } else { "" };
            let text = format!("{bound}{minus}{:.digits$}", value.abs());
            let left = (x + width + self.px(7.0)) as f32;
            painter.draw(canvas, [left, self.y as f32 + at], &text, 11.0 * u, INK, Anchor::Left);
        }
    }
}
