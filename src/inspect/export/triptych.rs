//! Query, reconstruction and difference side by side, with what is said of them.

use super::{
    Fit, Inspected, figure, heat, picture,
    sheet::{Anchor, HAIRLINE, INK, LEFT_OUT, Letters, PixelSheet, Rgb, WEAK, verdict_colour},
    short,
};
use crate::{
    data::colour_map::colour,
    inspect::{InvertPreset, ScoreKind, Verdict},
};

/// Neutral grey that the pictures sit on: the eye judges a surface by its surround.
const SURROUND: Rgb = [0xC8; 3];

/// Pictures are at least this wide, pixels, and at most so wide and high.
const SIZES: (usize, usize) = (384, 1_600);

/// The parts of a sheet that holds three pictures in a row. Lengths grow with the pictures, so that text
/// stays as large beside them.
pub(super) struct SheetLayout {
    pub fit: Fit,
    /// Pixels a unit of length; text of size 13 is so many times 13 pixels high.
    pub unit: f32,
    /// Where the pictures begin, from the left.
    pub xs: [usize; 3],
    /// Where they begin, from the top.
    pub y: usize,
    /// Their size.
    pub size: [usize; 2],
    /// Where the colour bar begins, from the left.
    pub bar: usize,
    /// Width of the sheet.
    pub width: usize,
    /// Where the surround ends, from the top.
    pub bottom: usize,
}

impl SheetLayout {
    pub fn of(query: &Inspected<'_>, least: usize, most: usize) -> Self {
        let (width, height) = (query.outcome.query.width(), query.outcome.query.height());
        let fit = Fit::of(width, height, least, most);
        let size = [fit.length(width), fit.length(height)];
        // Narrow pictures stand apart, so that the words under each have room.
        let column = size[0].max(256);
        let unit = (column as f32 / 288.0).max(1.0);
        let px = |units: f32| (units * unit).round() as usize;
        let xs = [0, 1, 2].map(|i| px(24.0) + i * (column + px(16.0)) + (column - size[0]) / 2);
        let y = px(24.0 + 28.0 + 12.0 + 22.0 + 12.0);
        let bar = xs[2] + size[0] + px(12.0);
        Self { fit, unit, xs, y, size, bar, width: bar + px(14.0 + 58.0 + 12.0), bottom: y + size[1] + px(12.0) }
    }

    pub fn px(&self, units: f32) -> usize {
        (units * self.unit).round() as usize
    }

    /// Title, surround, captions and colour bar: all but the pictures.
    pub fn frame(&self, sheet: &mut PixelSheet, letters: &mut Letters, query: &Inspected<'_>, captions: [&str; 3]) {
        let u = self.unit;
        let margin = 24.0 * u;
        let room = sheet.width() as f32 - 2.0 * margin - 150.0 * u;
        let title = letters.fit(query.file, 20.0 * u, room);
        letters.draw(sheet, [margin, 38.0 * u], &title, 20.0 * u, INK, Anchor::Left);
        let top = self.px(24.0 + 28.0 + 12.0);
        sheet.fill(0, top, sheet.width(), self.bottom - top, SURROUND);
        let line = self.px(1.0).max(1);
        let caption = self.y as f32 - 19.0 * u;
        for (x, text) in self.xs.into_iter().zip(captions) {
            letters.draw(sheet, [x as f32, caption], text, 13.0 * u, INK, Anchor::Left);
        }
        self.bar(sheet, letters, query);
        for x in self.xs {
            sheet.outline(x, self.y, self.size[0], self.size[1], line, [0x80; 3]);
        }
    }

    fn bar(&self, sheet: &mut PixelSheet, letters: &mut Letters, query: &Inspected<'_>) {
        let (u, upper, signed) = (self.unit, query.upper(), query.map.is_signed());
        let (x, width, height, line) = (self.bar, self.px(14.0), self.size[1], self.px(1.0).max(1));
        for row in 0..height {
            let t = 1.0 - (row as f32 + 0.5) / height as f32;
            sheet.fill(x, self.y + row, width, 1, colour(query.map, t));
        }
        sheet.outline(x, self.y, width, height, line, [0x80; 3]);
        letters.draw(sheet, [x as f32, self.y as f32 - 19.0 * u], "per pixel", 11.0 * u, INK, Anchor::Left);
        let parts = if height as f32 > 110.0 * u { 4 } else { 2 };
        for i in 0..=parts {
            let share = i as f32 / parts as f32;
            let value = f64::from(if signed { (2.0 * share - 1.0) * upper } else { share * upper });
            let beyond = match i {
                0 if signed => "≤ ",
                _ if i == parts => "≥ ",
                _ => "",
            };
            let at = (1.0 - share) * (height as f32 - line as f32);
            sheet.fill(x + width, self.y + at as usize, self.px(4.0), line, INK);
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
            let text = format!("{beyond}{minus}{:.digits$}", value.abs());
            let left = (x + width + self.px(7.0)) as f32;
            letters.draw(sheet, [left, self.y as f32 + at], &text, 11.0 * u, INK, Anchor::Left);
        }
    }
}

/// The sheet as it goes to slides and reports.
pub(super) fn draw(query: &Inspected<'_>) -> PixelSheet {
    let outcome = query.outcome;
    let layout = SheetLayout::of(query, SIZES.0, SIZES.1);
    let (fit, u) = (layout.fit, layout.unit);
    let mut letters = Letters::new();
    let column = layout.xs[1] - layout.xs[0] - layout.px(16.0);
    let words = legend(query, fit);
    let margin = 24.0 * u;
    let lines = wrap(&mut letters, &words, 11.0 * u, layout.width as f32 - 2.0 * margin);
    let figures = layout.bottom as f32 + 16.0 * u;
    let legend = figures + (6.0 * 20.0 + 12.0) * u;
    let height = legend + (lines.len() as f32 * 15.0 + 26.0 + 14.0) * u;
    let mut sheet = PixelSheet::new(layout.width, height.ceil() as usize);

    layout.frame(&mut sheet, &mut letters, query, ["Query", "Reconstruction", "Difference"]);
    let (width, channels) = (outcome.query.width(), outcome.query.channels());
    let pictures = [
        picture(outcome.query.values(), width, channels, fit),
        picture(outcome.reconstruction.values(), width, channels, fit),
        heat(query, &outcome.difference, query.upper(), fit),
    ];
    for (x, raster) in layout.xs.into_iter().zip(&pictures) {
        sheet.lay(x, layout.y, raster, fit.enlarge);
    }

    // Columns of words begin where the columns of pictures do.
    let left = |i: usize| margin + i as f32 * (column as f32 + layout.px(16.0) as f32);
    verdict(&mut sheet, &mut letters, query, [left(0), figures, column as f32 - 16.0 * u], u);
    let decides = outcome.assessment.as_ref().map(|a| a.kind);
    let scores = ScoreKind::ALL.map(|kind| (kind.title(), figure(outcome.scores.get(kind)), decides == Some(kind)));
    rows(&mut sheet, &mut letters, [left(1), figures, column as f32 - 24.0 * u], u, &scores);
    let knobs = &outcome.knobs;
    let preset = InvertPreset::of(knobs).map_or("own settings", InvertPreset::title);
    let facts = [
        ("Model", query.model.to_owned(), false),
        ("Settings", preset.to_owned(), false),
        ("Steps", short(outcome.steps as f64), false),
        ("Restarts", knobs.restarts.to_string(), false),
        ("Seconds", figure(outcome.seconds), false),
        ("Image", format!("{} × {} pixels", outcome.query.width(), outcome.query.height()), false),
    ];
    rows(&mut sheet, &mut letters, [left(2), figures, sheet_end(&layout) - left(2)], u, &facts);

    let line = layout.px(1.0).max(1);
    sheet.fill(margin as usize, legend as usize - line, layout.width - 2 * margin as usize, line, HAIRLINE);
    for (i, text) in lines.iter().enumerate() {
        let y = legend + (14.0 + 15.0 * i as f32) * u;
        letters.draw(&mut sheet, [margin, y], text, 11.0 * u, WEAK, Anchor::Left);
    }
    let y = legend + (14.0 + 15.0 * lines.len() as f32 + 4.0) * u;
    let mut x = margin;
    for verdict in [Verdict::Healthy, Verdict::Suspect, Verdict::Defective] {
        sheet.mark(verdict, [x + 5.0 * u, y], 4.5 * u);
        x += 14.0 * u;
        x += letters.draw(&mut sheet, [x, y], verdict.title(), 11.0 * u, WEAK, Anchor::Left) + 16.0 * u;
    }
    if outcome.inspected.is_some() {
        sheet.fill(x as usize, (y - 4.0 * u) as usize, layout.px(9.0), layout.px(9.0), LEFT_OUT);
        x += 14.0 * u;
        letters.draw(&mut sheet, [x, y], "not inspected", 11.0 * u, WEAK, Anchor::Left);
    }
    letters.draw(&mut sheet, [sheet_end(&layout), y], "Ganspect", 11.0 * u, WEAK, Anchor::Right);
    sheet
}

/// Where words end on the right.
fn sheet_end(layout: &SheetLayout) -> f32 {
    layout.width as f32 - 24.0 * layout.unit
}

fn legend(query: &Inspected<'_>, fit: Fit) -> String {
    let what = if query.map.is_signed() { "query minus reconstruction" } else { "size of query minus reconstruction" };
    let upper = short(f64::from(query.upper()));
    let end = match query.scale {
        Some(_) => format!("The colour scale ends at {upper}, fixed from held-out healthy images."),
        None => {
            format!(
                "The colour scale ends at this image's own largest difference, {upper}: it cannot be compared with other images."
            )
        }
    };
    let shown = fit.words().map(|words| format!(" Pictures are {words}.")).unwrap_or_default();
    format!("Difference: {what}, per pixel, on a grey scale from −1 (black) to 1 (white). {end}{shown}")
}

fn verdict(sheet: &mut PixelSheet, letters: &mut Letters, query: &Inspected<'_>, [x, y, width]: [f32; 3], u: f32) {
    let (word, colour, lines) = match &query.outcome.assessment {
        Some(a) => {
            sheet.mark(a.verdict, [x + 12.0 * u, y + 17.0 * u], 11.0 * u);
            let rests = format!("p = {} from {} healthy images; alarm at p ≤ {}", short(a.p), a.n, short(a.rate));
            (
                crate::format::capitalise(a.verdict.title()),
                verdict_colour(a.verdict),
                [crate::format::capitalise(&a.words()), rests],
            )
        }
        None => {
            let why = "The model is not calibrated for these settings.".to_owned();
            ("No verdict".to_owned(), WEAK, [why, String::new()])
        }
    };
    let indent = if query.outcome.assessment.is_some() { 32.0 * u } else { 0.0 };
    letters.draw(sheet, [x + indent, y + 16.0 * u], &word, 28.0 * u, colour, Anchor::Left);
    let mut row = y + 50.0 * u;
    for (text, size, ink) in [(&lines[0], 13.0, INK), (&lines[1], 11.0, WEAK)] {
        for line in wrap(letters, text, size * u, width) {
            letters.draw(sheet, [x, row], &line, size * u, ink, Anchor::Left);
            row += 18.0 * u;
        }
        row += 2.0 * u;
    }
}

/// Names on the left, figures flush right. What is marked stands out.
fn rows(sheet: &mut PixelSheet, letters: &mut Letters, [x, y, width]: [f32; 3], u: f32, rows: &[(&str, String, bool)]) {
    for (i, (name, value, marked)) in rows.iter().enumerate() {
        let y = y + (10.0 + 20.0 * i as f32) * u;
        let name = if *marked { format!("{name} (decides)") } else { (*name).to_owned() };
        let used = letters.draw(sheet, [x, y], &name, 13.0 * u, if *marked { INK } else { WEAK }, Anchor::Left);
        let value = letters.fit(value, 13.0 * u, width - used - 12.0 * u);
        letters.draw(sheet, [x + width, y], &value, 13.0 * u, INK, Anchor::Right);
    }
}

/// A text in lines of at most `width` pixels, broken between words.
fn wrap(letters: &mut Letters, text: &str, size: f32, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match (lines.last_mut(), longer) {
            (Some(line), Some(longer)) if letters.width(&longer, size) <= width => *line = longer,
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
