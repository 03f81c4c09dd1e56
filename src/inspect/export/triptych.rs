//! Image, reconstruction and difference side by side, with verdict, scores and settings.

use super::{
    canvas::{Anchor, HAIRLINE, INK, NOT_INSPECTED, PixelCanvas, Rgb, TextPainter, WEAK, verdict_colour},
    input::ExportInput,
    layout::ExportLayout,
    number_format::{significant, trimmed},
    raster::{PixelScale, heat_map, planes_raster},
};
use crate::inspect::{InvertPreset, ScoreKind, Verdict};

/// Smallest width of the images, and largest width and height, pixels.
const SIZES: (usize, usize) = (384, 1_600);

/// Draws the triptych.
pub(super) fn draw(input: &ExportInput<'_>) -> PixelCanvas {
    let outcome = input.outcome;
    let layout = ExportLayout::of(input, SIZES.0, SIZES.1);
    let (scale, u) = (layout.scale, layout.unit);
    let mut painter = TextPainter::new();
    let column = layout.xs[1] - layout.xs[0] - layout.px(16.0);
    let text = legend(input, scale);
    let margin = 24.0 * u;
    let lines = wrap(&mut painter, &text, 11.0 * u, layout.width as f32 - 2.0 * margin);
    let top = layout.bottom as f32 + 16.0 * u;
    let scores = score_rows(input);
    let facts = fact_rows(input);
    let verdict = verdict_lines(&mut painter, input, column as f32 - 16.0 * u, u);
    // The longest of the three columns decides where the legend begins.
    let rows = scores.len().max(facts.len()) as f32 * 20.0;
    let legend = top + (rows.max(50.0 + verdict.len() as f32 * 20.0) + 12.0) * u;
    let height = legend + (lines.len() as f32 * 15.0 + 26.0 + 14.0) * u;
    let mut canvas = PixelCanvas::new(layout.width, height.ceil() as usize);

    layout.frame(&mut canvas, &mut painter, input, ["Image", "Reconstruction", &input.heading()]);
    let (width, channels) = (outcome.query.width(), outcome.query.channels());
    let pictures = [
        planes_raster(outcome.query.values(), width, channels, scale),
        planes_raster(outcome.reconstruction.values(), width, channels, scale),
        heat_map(input, &input.values(), input.upper(), scale),
    ];
    for (x, raster) in layout.xs.into_iter().zip(&pictures) {
        canvas.draw_raster(x, layout.y, raster, scale.enlarge);
    }
    layout.outline_masks(&mut canvas, input);

    // Text columns align with the image columns.
    let left = |i: usize| margin + i as f32 * (column as f32 + layout.px(16.0) as f32);
    draw_verdict(&mut canvas, &mut painter, input, [left(0), top], u, &verdict);
    draw_rows(&mut canvas, &mut painter, [left(1), top, column as f32 - 24.0 * u], u, &scores);
    draw_rows(&mut canvas, &mut painter, [left(2), top, right_edge(&layout) - left(2)], u, &facts);

    let line = layout.px(1.0).max(1);
    canvas.fill(margin as usize, legend as usize - line, layout.width - 2 * margin as usize, line, HAIRLINE);
    for (i, text) in lines.iter().enumerate() {
        let y = legend + (14.0 + 15.0 * i as f32) * u;
        painter.draw(&mut canvas, [margin, y], text, 11.0 * u, WEAK, Anchor::Left);
    }
    let y = legend + (14.0 + 15.0 * lines.len() as f32 + 4.0) * u;
    let mut x = margin;
    let rare = outcome.assessment().map(|a| a.verdict).filter(|verdict| *verdict == Verdict::NotThisPart);
    for verdict in [Verdict::Healthy, Verdict::Suspect, Verdict::Defective].into_iter().chain(rare) {
        canvas.mark(verdict, [x + 5.0 * u, y], 4.5 * u);
        x += 14.0 * u;
        x += painter.draw(&mut canvas, [x, y], verdict.title(), 11.0 * u, WEAK, Anchor::Left) + 16.0 * u;
    }
    if outcome.inspected.is_some() {
        canvas.fill(x as usize, (y - 4.0 * u) as usize, layout.px(9.0), layout.px(9.0), NOT_INSPECTED);
        x += 14.0 * u;
        painter.draw(&mut canvas, [x, y], "not inspected", 11.0 * u, WEAK, Anchor::Left);
    }
    painter.draw(&mut canvas, [right_edge(&layout), y], "Ganspect", 11.0 * u, WEAK, Anchor::Right);
    canvas
}

/// A row of text: name, value, and whether it is emphasised.
type TextRow = (&'static str, String, bool);

/// The rows of the scores: the deciding one first, a dash for one that the model does not provide.
pub(super) fn score_rows(input: &ExportInput<'_>) -> Vec<TextRow> {
    let outcome = input.outcome;
    let decides = outcome.assessment().map(|a| a.kind);
    let others = ScoreKind::ALL.into_iter().filter(|kind| decides != Some(*kind));
    let value = |kind| outcome.scores().known(kind).map_or_else(|| "–".to_owned(), significant);
    decides.into_iter().chain(others).map(|kind| (kind.title(), value(kind), decides == Some(kind))).collect()
}

/// The rows of facts about model and inspection.
fn fact_rows(input: &ExportInput<'_>) -> Vec<TextRow> {
    let outcome = input.outcome;
    let preset = InvertPreset::of(&outcome.knobs).map_or("Custom", InvertPreset::title);
    let mut facts = vec![
        ("Model", input.model.to_owned(), false),
        ("Preset", preset.to_owned(), false),
        ("Steps", trimmed(outcome.steps as f64), false),
        ("Restarts", outcome.knobs.restarts.to_string(), false),
        ("Compute time, s", significant(outcome.seconds), false),
        ("Image", format!("{} × {} pixels", outcome.query.width(), outcome.query.height()), false),
    ];
    facts.extend(input.truth.map(|truth| ("Label", truth.label().to_owned(), false)));
    let of_test = input.truth.and_then(|truth| truth.outcome(outcome.assessment()));
    facts.extend(of_test.map(|of_test| ("Outcome", of_test.title().to_owned(), false)));
    facts
}

/// Right edge of the text.
fn right_edge(layout: &ExportLayout) -> f32 {
    layout.width as f32 - 24.0 * layout.unit
}

fn legend(input: &ExportInput<'_>, scale: PixelScale) -> String {
    let what = if input.map.is_signed() {
        "image minus reconstruction, per pixel, on a grey scale from −1 (black) to 1 (white)"
    } else {
        input.shown.quantity()
    };
    let upper = trimmed(f64::from(input.upper()));
    let end = match input.scale {
        Some(_) => format!("The colour scale ends at {upper}, set from held-out healthy images."),
        None => {
            format!(
                "The colour scale ends at this image's largest value, {upper}; it is not comparable between images."
            )
        }
    };
    let shown = scale.describe().map(|text| format!(" Images are {text}.")).unwrap_or_default();
    format!("{}: {what}. {end}{shown}", input.shown.title())
}

fn draw_verdict(
    canvas: &mut PixelCanvas,
    painter: &mut TextPainter,
    input: &ExportInput<'_>,
    [x, y]: [f32; 2],
    u: f32,
    lines: &[VerdictLine],
) {
    let (word, colour, indent) = match input.outcome.assessment() {
        Some(a) => {
            canvas.mark(a.verdict, [x + 12.0 * u, y + 17.0 * u], 11.0 * u);
            (crate::format::capitalise(a.verdict.title()), verdict_colour(a.verdict), 32.0 * u)
        }
        None => ("No verdict".to_owned(), WEAK, 0.0),
    };
    painter.draw(canvas, [x + indent, y + 16.0 * u], &word, 28.0 * u, colour, Anchor::Left);
    for (i, (line, size, ink)) in lines.iter().enumerate() {
        let row = y + (50.0 + i as f32 * 18.0) * u;
        painter.draw(canvas, [x, row], line, size * u, *ink, Anchor::Left);
    }
}

/// A line below the verdict: text, size and colour.
type VerdictLine = (String, f32, Rgb);

/// The lines below the verdict, wrapped to `width`: what it means and what it is based on, or why there is none.
fn verdict_lines(painter: &mut TextPainter, input: &ExportInput<'_>, width: f32, u: f32) -> Vec<VerdictLine> {
    let basis = input
        .outcome
        .assessment()
        .map(|a| format!("p = {} from {} healthy images; alarm at p ≤ {}", trimmed(a.p), a.n, trimmed(a.rate)));
    let texts = [(input.outcome.judged.describe(), 13.0, INK), (basis.unwrap_or_default(), 11.0, WEAK)];
    let mut lines = Vec::new();
    for (text, size, ink) in texts {
        lines.extend(wrap(painter, &text, size * u, width).into_iter().map(|line| (line, size, ink)));
    }
    lines
}

/// Draws rows of names on the left and values flush right; marked rows are emphasised.
fn draw_rows(
    canvas: &mut PixelCanvas,
    painter: &mut TextPainter,
    [x, y, width]: [f32; 3],
    u: f32,
    rows: &[(&str, String, bool)],
) {
    for (i, (name, value, marked)) in rows.iter().enumerate() {
        let y = y + (10.0 + 20.0 * i as f32) * u;
        let name = if *marked { format!("{name} (decides)") } else { (*name).to_owned() };
        // A long value leaves room for its name.
        let room = painter.width("0,000,000", 13.0 * u);
        let name = painter.fit(&name, 13.0 * u, width - room);
        let used = painter.draw(canvas, [x, y], &name, 13.0 * u, if *marked { INK } else { WEAK }, Anchor::Left);
        let value = painter.fit(value, 13.0 * u, width - used - 12.0 * u);
        painter.draw(canvas, [x + width, y], &value, 13.0 * u, INK, Anchor::Right);
    }
}

/// Wraps text to lines of at most `width` pixels.
fn wrap(painter: &mut TextPainter, text: &str, size: f32, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match (lines.last_mut(), longer) {
            (Some(line), Some(longer)) if painter.width(&longer, size) <= width => *line = longer,
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
