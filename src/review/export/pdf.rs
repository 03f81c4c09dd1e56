//! Sheets of A4 with text, lines and a picture.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr, types::Predictor};

use super::{
    font::{encode, wrap},
    grey::Grey,
};

/// A4, points.
const PAPER: [f32; 2] = [595.0, 842.0];

/// What is left free at every side, points.
const MARGIN: f32 = 48.0;

/// Width of what is written on.
pub(super) const WIDTH: f32 = PAPER[0] - 2.0 * MARGIN;

/// Sizes of letters, points.
pub(super) const TITLE: f32 = 18.0;
pub(super) const SECTION: f32 = 12.0;
pub(super) const BODY: f32 = 10.0;

/// Where the second column of a row begins, points from the margin.
const COLUMN: f32 = 130.0;

const PLAIN: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");
const PICTURE: Name<'static> = Name(b"P");

/// A document being written.
pub(super) struct Document {
    pdf: Pdf,
    next: Ref,
    tree: Ref,
    fonts: [Ref; 2],
    pages: Vec<Ref>,
}

impl Document {
    pub fn new(title: &str) -> Self {
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

    /// Adds a finished sheet.
    pub fn add(&mut self, sheet: PdfPage) {
        let [page, contents] = std::array::from_fn(|_| self.next.bump());
        let picture = sheet.picture.as_ref().map(|(grey, packed)| {
            let id = self.next.bump();
            let [width, height] = [grey.width(), grey.height()].map(|side| side as i32);
            let mut picture = self.pdf.image_xobject(id, packed);
            picture.width(width).height(height).bits_per_component(8).filter(Filter::FlateDecode);
            picture.color_space().device_gray();
            picture.decode_parms().predictor(Predictor::PngOptimum).colors(1).bits_per_component(8).columns(width);
            id
        });
        let mut writer = self.pdf.page(page);
        writer.media_box(Rect::new(0.0, 0.0, PAPER[0], PAPER[1])).parent(self.tree).contents(contents);
        let mut resources = writer.resources();
        resources.fonts().pair(PLAIN, self.fonts[0]).pair(BOLD, self.fonts[1]);
        if let Some(id) = picture {
            resources.x_objects().pair(PICTURE, id);
        }
        resources.finish();
        writer.finish();
        self.pdf.stream(contents, &sheet.content.finish());
        self.pages.push(page);
    }

    pub fn finish(mut self) -> Vec<u8> {
        let count = self.pages.len() as i32;
        self.pdf.pages(self.tree).kids(self.pages).count(count);
        self.pdf.finish()
    }
}

/// A sheet, written from the top down. What does not fit any more is left out, and that is said.
pub(super) struct PdfPage {
    content: Content,
    /// How far down it is written, points from the lower edge.
    y: f32,
    picture: Option<(Grey, Vec<u8>)>,
    full: bool,
}

impl PdfPage {
    pub fn new() -> Self {
        Self { content: Content::new(), y: PAPER[1] - MARGIN, picture: None, full: false }
    }

    /// Leaves so many points free.
    pub fn gap(&mut self, points: f32) {
        self.y -= points;
    }

    /// A title or the head of a section.
    pub fn head(&mut self, text: &str, size: f32) {
        self.gap(size * 0.4);
        for line in wrap(text, size * 1.1, WIDTH) {
            self.line(&line, size, BOLD, 0.0);
        }
    }

    /// A paragraph.
    pub fn text(&mut self, text: &str) {
        for line in wrap(text, BODY, WIDTH) {
            self.line(&line, BODY, PLAIN, 0.0);
        }
    }

    /// A name, and what belongs to it beside it.
    pub fn row(&mut self, name: &str, value: &str) {
        let names = wrap(name, BODY, COLUMN - 8.0);
        let values = wrap(value, BODY, WIDTH - COLUMN);
        for i in 0..names.len().max(values.len()) {
            let top = self.y;
            // The name first, so that text taken out of the page reads as it does on it.
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
        // Room for the line that says so.
        self.full = self.y - size * 2.8 < MARGIN;
        let text = if self.full { "... and more than fits on this page" } else { text };
        self.y -= size * 1.4;
        self.content.begin_text().set_font(font, size).next_line(MARGIN + indent, self.y);
        self.content.show(Str(&encode(text))).end_text();
    }

    /// A picture as wide as the sheet and at most `height` points high, with outlines in its pixels. A sheet has one.
    pub fn picture(&mut self, grey: &Grey, height: f32, outlines: &[Vec<[f32; 2]>]) {
        let Some(packed) = packed(grey) else { return };
        let [across, down] = [grey.width(), grey.height()].map(|side| side as f32);
        let scale = (WIDTH / across).min(height / down);
        self.y -= down * scale;
        let (left, bottom) = (MARGIN, self.y);
        self.content.save_state();
        self.content.transform([across * scale, 0.0, 0.0, down * scale, left, bottom]).x_object(PICTURE);
        self.content.restore_state();
        // Vermilion, which stands out from any grey.
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
        self.picture = Some((grey.clone(), packed));
    }
}

/// A picture as a PDF keeps it: what a PNG has in its data chunks is what a reader of PDF expects.
fn packed(grey: &Grey) -> Option<Vec<u8>> {
    let mut png = Vec::new();
    let (width, height) = (u32::try_from(grey.width()).ok()?, u32::try_from(grey.height()).ok()?);
    PngEncoder::new(&mut png).write_image(grey.pixels(), width, height, ExtendedColorType::L8).ok()?;
    let mut data = Vec::with_capacity(png.len());
    // Each chunk: length, name, content, checksum; after eight bytes of signature.
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
