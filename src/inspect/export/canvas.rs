//! A pixel canvas for exports, drawn without a window or a GPU.

use std::io;

use egui::{
    Color32, FontDefinitions, FontId,
    epaint::{
        FontColorTransferFunction,
        text::{Fonts, TextOptions},
    },
};
use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use crate::inspect::Verdict;

/// An sRGB colour.
pub(super) type Rgb = [u8; 3];

/// Background: white, for slides and print.
pub(super) const PAGE: Rgb = [0xFF; 3];
/// Text.
pub(super) const INK: Rgb = [0x1A; 3];
/// Captions and units.
pub(super) const WEAK: Rgb = [0x5A; 3];
/// Outlines and ticks.
pub(super) const HAIRLINE: Rgb = [0xB4; 3];
/// Lines across a plot.
pub(super) const GRID: Rgb = [0xE4; 3];
/// Pixels that were not inspected.
pub(super) const NOT_INSPECTED: Rgb = [0x8C; 3];
/// Outline of a mask.
pub(super) const MASK: Rgb = [0x2F, 0xA0, 0xE8];
/// Curve of the best restart.
pub(super) const STRONG: Rgb = [0x00, 0x6A, 0xA8];
/// Curves of the other restarts.
pub(super) const FAINT: Rgb = [0xB0, 0xC6, 0xD6];

/// The colour of a verdict: colour-blind safe, with a contrast of 4.5:1 against the background.
pub(super) fn verdict_colour(verdict: Verdict) -> Rgb {
    match verdict {
        Verdict::Healthy => [0x00, 0x6A, 0xA8],
        Verdict::Suspect => [0x9A, 0x62, 0x00],
        Verdict::Defective => [0xB8, 0x48, 0x00],
        Verdict::NotThisPart => [0x55; 3],
    }
}

/// A small colour image to draw on a canvas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raster {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<Rgb>,
}

/// Horizontal alignment of text relative to its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

/// An 8-bit RGB image; drawing is clipped at the edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PixelCanvas {
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
}

impl PixelCanvas {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![PAGE; width * height] }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The colour of a pixel.
    #[cfg(test)]
    pub(crate) fn at(&self, x: usize, y: usize) -> Rgb {
        self.pixels[y * self.width + x]
    }

    /// Blends a colour into a pixel with opacity `share` in `[0, 1]`.
    fn blend(&mut self, x: i64, y: i64, colour: Rgb, share: f32) {
        if x < 0 || y < 0 || x >= self.width as i64 || y >= self.height as i64 || share <= 0.0 {
            return;
        }
        let pixel = &mut self.pixels[y as usize * self.width + x as usize];
        for (old, new) in pixel.iter_mut().zip(colour) {
            let (from, to) = (f32::from(*old), f32::from(new));
            *old = (from + (to - from) * share.min(1.0)).round() as u8;
        }
    }

    pub(crate) fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: Rgb) {
        let columns = x.min(self.width)..(x + width).min(self.width);
        for row in y.min(self.height)..(y + height).min(self.height) {
            self.pixels[row * self.width..][columns.clone()].fill(colour);
        }
    }

    /// Draws a border of `line` pixels outside a rectangle.
    pub(crate) fn outline(&mut self, x: usize, y: usize, width: usize, height: usize, line: usize, colour: Rgb) {
        let (left, top) = (x.saturating_sub(line), y.saturating_sub(line));
        let (across, down) = (x + width + line - left, y + height + line - top);
        self.fill(left, top, across, y - top, colour);
        self.fill(left, y + height, across, line, colour);
        self.fill(left, top, x - left, down, colour);
        self.fill(x + width, top, line, down, colour);
    }

    /// Draws a raster with its top-left corner at `x`, `y`, enlarged by an integer factor.
    pub(crate) fn draw_raster(&mut self, x: usize, y: usize, raster: &Raster, enlarge: usize) {
        for (row, line) in raster.pixels.chunks_exact(raster.width).enumerate() {
            for (column, &colour) in line.iter().enumerate() {
                self.fill(x + column * enlarge, y + row * enlarge, enlarge, enlarge, colour);
            }
        }
    }

    /// Fills the points for which `inside` holds, within a box, anti-aliased.
    fn shape(&mut self, [x0, y0]: [f32; 2], [x1, y1]: [f32; 2], colour: Rgb, inside: impl Fn(f32, f32) -> bool) {
        const FINE: usize = 4;
        for y in y0.floor() as i64..=y1.ceil() as i64 {
            for x in x0.floor() as i64..=x1.ceil() as i64 {
                let at = |from: i64, i: usize| from as f32 + (i as f32 + 0.5) / FINE as f32;
                let hits = (0..FINE * FINE).filter(|i| inside(at(x, i % FINE), at(y, i / FINE))).count();
                self.blend(x, y, colour, hits as f32 / (FINE * FINE) as f32);
            }
        }
    }

    /// Draws the symbol of a verdict: circle, triangle, diamond or square.
    pub(crate) fn mark(&mut self, verdict: Verdict, [x, y]: [f32; 2], radius: f32) {
        let reach = radius * 1.2;
        let (from, to, colour) = ([x - reach, y - reach], [x + reach, y + reach], verdict_colour(verdict));
        match verdict {
            Verdict::Healthy => self.shape(from, to, colour, |u, v| (u - x).hypot(v - y) <= radius),
            Verdict::Suspect => self.shape(from, to, colour, |u, v| {
                let (top, bottom) = (y - radius * 1.05, y + radius * 0.8);
                v >= top && v <= bottom && (u - x).abs() <= (v - top) / (bottom - top) * radius * 1.1
            }),
            Verdict::Defective => {
                self.shape(from, to, colour, |u, v| (u - x).abs() + (v - y).abs() <= radius * 1.15);
            }
            Verdict::NotThisPart => {
                self.shape(from, to, colour, |u, v| (u - x).abs().max((v - y).abs()) <= radius * 0.8);
            }
        }
    }

    /// Draws a line of `thick` pixels with round ends.
    pub(crate) fn line(&mut self, [x0, y0]: [f32; 2], [x1, y1]: [f32; 2], thick: f32, colour: Rgb) {
        let (dx, dy, half) = (x1 - x0, y1 - y0, thick / 2.0);
        let length = (dx * dx + dy * dy).max(1e-6);
        let (from, to) = ([x0.min(x1) - half, y0.min(y1) - half], [x0.max(x1) + half, y0.max(y1) + half]);
        self.shape(from, to, colour, |u, v| {
            let along = (((u - x0) * dx + (v - y0) * dy) / length).clamp(0.0, 1.0);
            (u - x0 - along * dx).hypot(v - y0 - along * dy) <= half
        });
    }

    /// The bounding box of all differences from `other`, a canvas of the same size: `x`, `y`, width and height.
    pub(crate) fn changes(&self, other: &Self) -> Option<[usize; 4]> {
        let mut found: Option<[usize; 4]> = None;
        let lines = self.pixels.chunks_exact(self.width).zip(other.pixels.chunks_exact(self.width));
        for (y, (ours, theirs)) in lines.enumerate() {
            let differs = |x: &usize| ours[*x] != theirs[*x];
            let (Some(first), Some(last)) = ((0..self.width).find(differs), (0..self.width).rev().find(differs)) else {
                continue;
            };
            let [left, top, right, _] = found.unwrap_or([first, y, last, y]);
            found = Some([left.min(first), top, right.max(last), y]);
        }
        found.map(|[left, top, right, bottom]| [left, top, right + 1 - left, bottom + 1 - top])
    }

    /// Encodes a part as PNG.
    pub(crate) fn png(&self, [x, y, width, height]: [usize; 4]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(width * height * 3);
        for row in y..y + height {
            bytes.extend_from_slice(self.pixels[row * self.width + x..][..width].as_flattened());
        }
        let mut out = Vec::new();
        PngEncoder::new_with_quality(&mut out, CompressionType::Default, FilterType::Adaptive)
            .write_image(&bytes, width as u32, height as u32, ExtendedColorType::Rgb8)
            .map_err(io::Error::other)?;
        Ok(out)
    }

    /// The rectangle of the whole canvas.
    pub(crate) fn whole(&self) -> [usize; 4] {
        [0, 0, self.width, self.height]
    }
}

/// Draws text with the fonts of the window.
pub(super) struct TextPainter {
    fonts: Fonts,
}

impl TextPainter {
    pub(crate) fn new() -> Self {
        // Dark on white: linear coverage.
        let options = TextOptions {
            color_transfer_function: FontColorTransferFunction::LIGHT_MODE_DEFAULT,
            ..TextOptions::default()
        };
        Self { fonts: Fonts::new(options, FontDefinitions::default()) }
    }

    fn galley(&mut self, text: &str, size: f32) -> std::sync::Arc<egui::Galley> {
        // A single line: file names may contain control characters.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.fonts.with_pixels_per_point(1.0).layout_no_wrap(text, FontId::proportional(size), Color32::WHITE)
    }

    /// Width of a text, pixels.
    pub(crate) fn width(&mut self, text: &str, size: f32) -> f32 {
        self.galley(text, size).size().x
    }

    /// Truncates a text in the middle to `width` pixels.
    pub(crate) fn fit(&mut self, text: &str, size: f32, width: f32) -> String {
        if self.width(text, size) <= width {
            return text.into();
        }
        let letters: Vec<char> = text.chars().collect();
        let short = |kept: usize| -> String {
            let (head, tail) = (kept.div_ceil(2), kept / 2);
            letters[..head].iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect()
        };
        // Width grows with the number of characters kept: binary search.
        let (mut fits, mut over) = (0, letters.len().min(1_000));
        while over - fits > 1 {
            let kept = usize::midpoint(fits, over);
            if self.width(&short(kept), size) <= width { fits = kept } else { over = kept }
        }
        short(fits)
    }

    /// Draws a line of text centred vertically on `y` and returns its width.
    pub(crate) fn draw(
        &mut self,
        canvas: &mut PixelCanvas,
        [x, y]: [f32; 2],
        text: &str,
        size: f32,
        colour: Rgb,
        anchor: Anchor,
    ) -> f32 {
        let galley = self.galley(text, size);
        let extent = galley.size();
        let left = match anchor {
            Anchor::Left => x,
            Anchor::Middle => x - extent.x / 2.0,
            Anchor::Right => x - extent.x,
        };
        let (left, top) = (left.round(), (y - extent.y / 2.0).round());
        let atlas = self.fonts.texture_atlas().image();
        for row in &galley.rows {
            for glyph in &row.glyphs {
                let uv = glyph.uv_rect;
                let corner = row.pos + glyph.pos.to_vec2() + uv.offset;
                let (x, y) = ((left + corner.x.round()) as i64, (top + corner.y.round()) as i64);
                for v in uv.min[1]..uv.max[1] {
                    for u in uv.min[0]..uv.max[0] {
                        let at = usize::from(v) * atlas.size[0] + usize::from(u);
                        let share = atlas.pixels.get(at).map_or(0.0, |c| f32::from(c.a()) / 255.0);
                        canvas.blend(x + i64::from(u - uv.min[0]), y + i64::from(v - uv.min[1]), colour, share);
                    }
                }
            }
        }
        extent.x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inked(canvas: &PixelCanvas) -> usize {
        canvas.pixels.iter().filter(|p| **p != PAGE).count()
    }

    #[test]
    fn text_is_aligned_and_clipped() {
        let mut painter = TextPainter::new();
        for anchor in [Anchor::Left, Anchor::Middle, Anchor::Right] {
            let mut canvas = PixelCanvas::new(200, 40);
            let width = painter.draw(&mut canvas, [100.0, 20.0], "Difference", 16.0, INK, anchor);
            let [x, y, w, h] = canvas.changes(&PixelCanvas::new(200, 40)).unwrap();
            let wanted = match anchor {
                Anchor::Left => 100.0,
                Anchor::Middle => 100.0 - width / 2.0,
                Anchor::Right => 100.0 - width,
            };
            assert!((x as f32 - wanted).abs() < 3.0 && (w as f32 - width).abs() < 4.0, "{anchor:?} {x} {w} {width}");
            assert!(y > 8 && y + h < 32 && h > 8, "{y} {h}");
            // Strokes have the requested darkness.
            assert!(canvas.pixels.iter().any(|p| p[0] < 0x50));
        }
        let mut small = PixelCanvas::new(3, 3);
        painter.draw(&mut small, [-20.0, 1.0], "Difference", 16.0, INK, Anchor::Left);
        assert!(inked(&small) > 0);
    }

    #[test]
    fn long_names_keep_their_ends() {
        let mut painter = TextPainter::new();
        let name = format!("ball-{}-0042.png", "x".repeat(5_000));
        let short = painter.fit(&name, 14.0, 200.0);
        assert!(short.starts_with("ball-") && short.ends_with("0042.png") && short.contains('…'), "{short}");
        assert!(painter.width(&short, 14.0) <= 200.0 && painter.width(&short, 14.0) > 180.0);
        assert_eq!(painter.fit("part.png", 14.0, 200.0), "part.png");
        assert_eq!(painter.fit("part.png", 14.0, 1.0), "…");
    }

    #[test]
    fn marks_differ_in_shape() {
        let symbol = |verdict| {
            let mut canvas = PixelCanvas::new(40, 40);
            canvas.mark(verdict, [20.0, 20.0], 10.0);
            canvas
        };
        let [circle, triangle, diamond] = [Verdict::Healthy, Verdict::Suspect, Verdict::Defective].map(symbol);
        for (canvas, verdict) in
            [(&circle, Verdict::Healthy), (&triangle, Verdict::Suspect), (&diamond, Verdict::Defective)]
        {
            assert_eq!(canvas.at(20, 20), verdict_colour(verdict));
        }
        // Areas of a circle of radius 10, a triangle of 22 by 18.5 and a diamond of 11.5.
        for (canvas, area) in [(circle, 314.0), (triangle, 203.5), (diamond, 264.5)] {
            assert!((inked(&canvas) as f32 / area - 1.0).abs() < 0.25, "{} for {area}", inked(&canvas));
        }
    }

    #[test]
    fn changes_have_a_bounding_box() {
        let before = PixelCanvas::new(20, 10);
        let mut after = before.clone();
        assert_eq!(after.changes(&before), None);
        after.fill(3, 2, 4, 5, INK);
        after.fill(18, 9, 9, 9, INK);
        assert_eq!(after.changes(&before), Some([3, 2, 17, 8]));
        after.outline(3, 2, 4, 5, 1, HAIRLINE);
        assert_eq!((after.at(2, 1), after.at(7, 7), after.at(3, 2), after.at(8, 4)), (HAIRLINE, HAIRLINE, INK, PAGE));
    }
}
