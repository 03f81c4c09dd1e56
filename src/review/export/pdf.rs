//! Minimal PDF writer: A4 pages with text, lines and one image.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr, types::Predictor};

use super::{
    font::{encode, wrap},
    page_image::PageImage,
};
use crate::text::printable;

/// Size of an A4 page, points.
const PAGE: [f32; 2] = [595.0, 842.0];

/// Margin on every side, points.
const MARGIN: f32 = 48.0;

/// Width of the text area, points.
pub(super) const WIDTH: f32 = PAGE[0] - 2.0 * MARGIN;

/// Font sizes, points.
pub(super) const TITLE: f32 = 18.0;
pub(super) const SECTION: f32 = 12.0;
pub(super) const BODY: f32 = 10.0;

/// Position of the second column of a row, points from the margin.
const COLUMN: f32 = 130.0;

const PLAIN: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");
const IMAGE: Name<'static> = Name(b"P");

/// A document under construction.
pub(super) struct Document {
    pdf: Pdf,
    next: Ref,
    tree: Ref,
    fonts: [Ref; 2],
    pages: Vec<Ref>,
}

impl Document {
    pub(crate) fn new(title: &str) -> Self {
        let mut next = Ref::new(1);
        let [catalog, tree, info, plain, bold] = std::array::from_fn(|_| next.bump());
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(tree);
        pdf.document_info(info).title(TextStr(title)).producer(TextStr("Ganspect"));
        for (font, name) in [(plain, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
            pdf.type1_font(font).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        Self { pdf, next, tree, fonts: [plain, bold], pages: Vec::new() }
    }

    /// Adds a finished page.
    pub(crate) fn add(&mut self, content: PdfPage) {
        let [page, contents] = std::array::from_fn(|_| self.next.bump());
        let image = content.image.as_ref().map(|(shown, data)| {
            let id = self.next.bump();
            let [width, height] = [shown.width(), shown.height()].map(|side| side as i32);
            let mut image = self.pdf.image_xobject(id, data);
            image.width(width).height(height).bits_per_component(8).filter(Filter::FlateDecode);
            match shown.channels() {
                3 => image.color_space().device_rgb(),
                _ => image.color_space().device_gray(),
            }
            let colors = shown.channels() as i32;
            image.decode_parms().predictor(Predictor::PngOptimum).colors(colors).bits_per_component(8).columns(width);
            id
        });
        let mut writer = self.pdf.page(page);
        writer.media_box(Rect::new(0.0, 0.0, PAGE[0], PAGE[1])).parent(self.tree).contents(contents);
        let mut resources = writer.resources();
        resources.fonts().pair(PLAIN, self.fonts[0]).pair(BOLD, self.fonts[1]);
        if let Some(id) = image {
            resources.x_objects().pair(IMAGE, id);
        }
        resources.finish();
        writer.finish();
        self.pdf.stream(contents, &content.content.finish());
        self.pages.push(page);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let count = self.pages.len() as i32;
        self.pdf.pages(self.tree).kids(self.pages).count(count);
        self.pdf.finish()
    }
}

/// A page, written from top to bottom. Text that does not fit is left out, with a note that says so.
pub(super) struct PdfPage {
    content: Content,
    /// Position of the last line, points from the bottom edge.
    y: f32,
    image: Option<(PageImage, Vec<u8>)>,
    full: bool,
}

impl PdfPage {
    pub(crate) fn new() -> Self {
        Self { content: Content::new(), y: PAGE[1] - MARGIN, image: None, full: false }
    }

    /// Leaves a vertical gap.
    pub(crate) fn gap(&mut self, points: f32) {
        self.y -= points;
    }

    /// Writes a title or section heading.
    pub(crate) fn head(&mut self, text: &str, size: f32) {
        self.gap(size * 0.4);
        for line in wrap(text, size * 1.1, WIDTH) {
            self.line(&line, size, BOLD, 0.0);
        }
    }

    /// Writes a paragraph.
    pub(crate) fn text(&mut self, text: &str) {
        for line in wrap(text, BODY, WIDTH) {
            self.line(&line, BODY, PLAIN, 0.0);
        }
    }

    /// Writes a name with its value beside it.
    pub(crate) fn row(&mut self, name: &str, value: &str) {
        let names = wrap(&printable(name), BODY, COLUMN - 8.0);
        let values = wrap(value, BODY, WIDTH - COLUMN);
        for i in 0..names.len().max(values.len()) {
            let top = self.y;
            // The name first, so that extracted text keeps the reading order.
            if let Some(name) = names.get(i) {
                self.line(name, BODY, PLAIN, 0.0);
            }
            if let Some(value) = values.get(i).filter(|_| !self.full) {
                self.y = top;
                self.line(value, BODY, PLAIN, COLUMN);
            }
        }
    }

    fn line(&mut self, text: &str, size: f32, font: Name<'_>, indent: f32) {
        if self.full {
            return;
        }
        // Keeps space for the note.
        self.full = self.y - size * 2.8 < MARGIN;
        let text = if self.full { "... (truncated: the page is full)" } else { text };
        self.y -= size * 1.4;
        self.content.begin_text().set_font(font, size).next_line(MARGIN + indent, self.y);
        self.content.show(Str(&encode(text))).end_text();
    }

    /// Draws an image of the width of the text area and at most `height` points high, with outlines in pixels of the
    /// image. A page has at most one.
    pub(crate) fn image(&mut self, image: &PageImage, height: f32, outlines: &[Vec<[f32; 2]>]) {
        let Some(data) = compress(image) else { return };
        let [across, down] = [image.width(), image.height()].map(|side| side as f32);
        let scale = (WIDTH / across).min(height / down);
        self.y -= down * scale;
        let (left, bottom) = (MARGIN, self.y);
        self.content.save_state();
        self.content.transform([across * scale, 0.0, 0.0, down * scale, left, bottom]).x_object(IMAGE);
        self.content.restore_state();
        // Vermilion, visible on any grey.
        self.content.save_state().set_stroke_rgb(0.84, 0.37, 0.0).set_line_width(1.0);
        for outline in outlines {
            for (i, [x, y]) in outline.iter().enumerate() {
                let (x, y) = (left + x.clamp(0.0, across) * scale, bottom + (down - y.clamp(0.0, down)) * scale);
                if i == 0 {
                    self.content.move_to(x, y)
                } else {
                    self.content.line_to(x, y)
                };
            }
            self.content.close_and_stroke();
        }
        self.content.restore_state();
        self.image = Some((image.clone(), data));
    }
}

/// Compresses an image for a PDF, which expects the content of the data chunks of a PNG.
fn compress(image: &PageImage) -> Option<Vec<u8>> {
    let mut png = Vec::new();
    let (width, height) = (u32::try_from(image.width()).ok()?, u32::try_from(image.height()).ok()?);
    let colour = if image.channels() == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    PngEncoder::new(&mut png).write_image(image.pixels(), width, height, colour).ok()?;
    let mut data = Vec::with_capacity(png.len());
    // After a signature of 8 bytes, each chunk consists of length, name, content and checksum.
    let mut rest = png.get(8..)?;
    while let Some((head, tail)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, name @ ..] = *head;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if name == *b"IDAT" {
            data.extend_from_slice(tail.get(..length)?);
        }
        rest = tail.get(length + 4..)?;
    }
    Some(data)
}
