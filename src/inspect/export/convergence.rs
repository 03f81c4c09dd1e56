//! The reconstruction step by step, as an animation over the loss curve.

use std::{io, io::Write, ops::RangeInclusive};

use super::{
    apng,
    canvas::{Anchor, FAINT, GRID, HAIRLINE, INK, PixelCanvas, STRONG, TextPainter, WEAK, verdict_colour},
    input::ExportInput,
    layout::ExportLayout,
    number_format::{significant, trimmed},
    raster::{heat_map, planes_raster},
};
use crate::inspect::{KeptFrame, StepRecord, evaluation::EvaluatedMap};

/// Maximum number of frames.
const MAX_FRAMES: usize = 120;

/// Duration of a frame, milliseconds: 15 frames per second.
const FRAME_DURATION: u16 = 67;

/// Duration of the last frame, milliseconds.
const LAST_DURATION: u16 = 2_000;

/// Smallest width of the images, and largest width and height, pixels.
const SIZES: (usize, usize) = (256, 512);

/// Picks which of `count` frames to show: evenly spaced, including the first and the last.
fn shown(count: usize) -> Vec<usize> {
    let most = count.min(MAX_FRAMES);
    (0..most).map(|i| (i * (count - 1)).checked_div(most - 1).unwrap_or(0)).collect()
}

/// Writes the animation. Without kept reconstructions it has a single frame, the final one.
pub(super) fn write(out: &mut dyn Write, input: &ExportInput<'_>) -> io::Result<()> {
    let mut painter = TextPainter::new();
    let background = Background::new(&mut painter, input);
    let frames = shown(input.frames.len());
    let count = frames.len().max(1);
    let mut before: Option<PixelCanvas> = None;
    let encoded = (0..count).map(|i| {
        let kept = frames.get(i).and_then(|frame| input.frames.get(*frame));
        let is_last = i + 1 == count;
        let canvas = background.draw(&mut painter, input, kept, is_last);
        // An unchanged frame is one pixel, shown for its duration.
        let part = match &before {
            Some(before) => canvas.changes(before).unwrap_or([0, 0, 1, 1]),
            None => canvas.whole(),
        };
        let png = canvas.png(part)?;
        before = Some(canvas);
        Ok(apng::ApngFrame {
            png,
            at: [part[0], part[1]],
            milliseconds: if is_last { LAST_DURATION } else { FRAME_DURATION },
        })
    });
    apng::write(out, count, encoded)
}

/// Everything that is the same in every frame.
struct Background {
    layout: ExportLayout,
    canvas: PixelCanvas,
    plot: Plot,
}

impl Background {
    fn new(painter: &mut TextPainter, input: &ExportInput<'_>) -> Self {
        let layout = ExportLayout::of(input, SIZES.0, SIZES.1);
        let u = layout.unit;
        let top = layout.bottom as f32 + 34.0 * u;
        let bottom = top + 110.0 * u;
        let mut canvas = PixelCanvas::new(layout.width, (bottom + 34.0 * u).ceil() as usize);
        layout.frame(&mut canvas, painter, input, ["Image", "Reconstruction", &input.heading()]);
        let outcome = input.outcome;
        let raster =
            planes_raster(outcome.query.values(), outcome.query.width(), outcome.query.channels(), layout.scale);
        canvas.draw_raster(layout.xs[0], layout.y, &raster, layout.scale.enlarge);
        let left = 24.0 * u + painter.width("0.0000", 11.0 * u) + 8.0 * u;
        let plot = Plot::of(&outcome.records, left..=layout.width as f32 - 24.0 * u, top..=bottom, u);
        plot.axes(&mut canvas, painter);
        Self { layout, canvas, plot }
    }

    fn draw(
        &self,
        painter: &mut TextPainter,
        input: &ExportInput<'_>,
        kept: Option<&KeptFrame>,
        is_last: bool,
    ) -> PixelCanvas {
        let (layout, outcome, u) = (&self.layout, input.outcome, self.layout.unit);
        let mut canvas = self.canvas.clone();
        let reconstruction = match kept {
            Some(kept) => (0..outcome.query.values().len()).map(|i| kept.value(i)).collect(),
            None => outcome.reconstruction.values().to_vec(),
        };
        // The critic's maps and the feature residual are those of the whole inspection.
        let map = match input.shown {
            EvaluatedMap::Difference => input.difference(|i| reconstruction[i]),
            _ => input.values().into_owned(),
        };
        let raster = planes_raster(&reconstruction, outcome.query.width(), outcome.query.channels(), layout.scale);
        canvas.draw_raster(layout.xs[1], layout.y, &raster, layout.scale.enlarge);
        let raster = heat_map(input, &map, input.upper(), layout.scale);
        canvas.draw_raster(layout.xs[2], layout.y, &raster, layout.scale.enlarge);

        layout.outline_masks(&mut canvas, input);

        let step = kept.map_or(outcome.steps, |kept| kept.step);
        let reached = self.plot.draw(&mut canvas, &outcome.records, step);
        let y = layout.bottom as f32 + 17.0 * u;
        let text = format!("Step {} of {}", trimmed(step as f64), trimmed(outcome.steps as f64));
        painter.draw(&mut canvas, [24.0 * u, y], "Loss per pixel", 13.0 * u, INK, Anchor::Left);
        painter.draw(&mut canvas, [layout.xs[1] as f32, y], &text, 13.0 * u, INK, Anchor::Left);
        if let Some(loss) = reached {
            let text = format!("Loss {}", significant(f64::from(loss)));
            painter.draw(&mut canvas, [layout.xs[2] as f32, y], &text, 13.0 * u, INK, Anchor::Left);
        }
        if let Some(assessment) = outcome.assessment().filter(|_| is_last) {
            let (verdict, right) = (assessment.verdict, layout.width as f32 - 24.0 * u);
            let colour = verdict_colour(verdict);
            let width = painter.draw(&mut canvas, [right, 38.0 * u], verdict.title(), 20.0 * u, colour, Anchor::Right);
            canvas.mark(verdict, [right - width - 16.0 * u, 38.0 * u], 8.0 * u);
        }
        canvas
    }
}

/// Plot of the loss by step.
struct Plot {
    x: RangeInclusive<f32>,
    y: RangeInclusive<f32>,
    unit: f32,
    steps: usize,
    low: f32,
    high: f32,
}

/// Rounds up to 1, 2, 2.5, 5 or 10 times a power of ten.
fn rounded_up(value: f32) -> f32 {
    let power = 10.0_f32.powf(value.max(1e-9).log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|v| *v >= value * 0.999).unwrap_or(value)
}

impl Plot {
    fn of(records: &[StepRecord], x: RangeInclusive<f32>, y: RangeInclusive<f32>, unit: f32) -> Self {
        let losses = || records.iter().flat_map(|r| &r.loss).copied().filter(|v| v.is_finite());
        let (low, high) = (losses().fold(0.0, f32::min), losses().fold(0.0, f32::max));
        let low = if low < 0.0 { -rounded_up(-low) } else { 0.0 };
        Self { x, y, unit, steps: records.last().map_or(1, |r| r.step).max(1), low, high: rounded_up(high) }
    }

    fn at(&self, step: usize, loss: f32) -> [f32; 2] {
        let across = step as f32 / self.steps as f32;
        let down = (self.high - loss) / (self.high - self.low);
        let between = |range: &RangeInclusive<f32>, t: f32| range.start() + (range.end() - range.start()) * t;
        [between(&self.x, across.clamp(0.0, 1.0)), between(&self.y, down.clamp(0.0, 1.0))]
    }

    fn axes(&self, canvas: &mut PixelCanvas, painter: &mut TextPainter) {
        let u = self.unit;
        for i in 0..=4 {
            let loss = self.low + (self.high - self.low) * i as f32 / 4.0;
            let [x, y] = self.at(0, loss);
            let [end, _] = self.at(self.steps, loss);
            let colour = if i == 0 { HAIRLINE } else { GRID };
            canvas.line([x, y], [end, y], 1.0, colour);
            if i % 2 == 0 {
                painter.draw(canvas, [x - 6.0 * u, y], &trimmed(f64::from(loss)), 11.0 * u, WEAK, Anchor::Right);
            }
        }
        let y = self.y.end() + 14.0 * u;
        for (step, anchor) in [(0, Anchor::Left), (self.steps / 2, Anchor::Middle), (self.steps, Anchor::Right)] {
            let [x, _] = self.at(step, self.low);
            let text = if step == self.steps { format!("step {}", trimmed(step as f64)) } else { trimmed(step as f64) };
            painter.draw(canvas, [x, y], &text, 11.0 * u, WEAK, anchor);
        }
    }

    /// Draws the curves up to a step and returns the loss reached.
    fn draw(&self, canvas: &mut PixelCanvas, records: &[StepRecord], step: usize) -> Option<f32> {
        let records: Vec<&StepRecord> = records.iter().take_while(|r| r.step <= step).collect();
        // No more points than can be distinguished.
        let stride = (records.len() / 512).max(1);
        let points = || records.iter().step_by(stride).chain(records.last().filter(|_| stride > 1));
        let mut curve = |loss: &dyn Fn(&StepRecord) -> Option<f32>, thick: f32, colour| {
            let line: Vec<[f32; 2]> =
                points().filter_map(|r| loss(r).filter(|v| v.is_finite()).map(|v| self.at(r.step, v))).collect();
            line.windows(2).for_each(|w| canvas.line(w[0], w[1], thick, colour));
        };
        let restarts = records.first().map_or(0, |r| r.loss.len());
        if restarts > 1 {
            (0..restarts).for_each(|i| curve(&|r| r.loss.get(i).copied(), 1.2 * self.unit, FAINT));
        }
        curve(&|r| r.loss.get(r.best).copied(), 2.0 * self.unit, STRONG);
        let last = records.last()?;
        let loss = last.loss.get(last.best).copied().filter(|v| v.is_finite())?;
        let dot = self.at(last.step, loss);
        canvas.line(dot, dot, 7.0 * self.unit, STRONG);
        Some(loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_thinned_evenly_and_keep_both_ends() {
        assert_eq!(shown(0), [] as [usize; 0]);
        assert_eq!(shown(1), [0]);
        assert_eq!(shown(120), (0..120).collect::<Vec<_>>());
        let many = shown(250);
        assert_eq!((many.len(), many[0], many[119]), (120, 0, 249));
        assert!(many.windows(2).all(|w| (2..=3).contains(&(w[1] - w[0]))));
    }

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, wanted) in [(0.31, 0.5), (0.21, 0.25), (0.2, 0.2), (7.0, 10.0), (1.01, 2.0), (0.0, 1e-9)] {
            assert!((rounded_up(value) / wanted - 1.0).abs() < 1e-3, "{value}: {}", rounded_up(value));
        }
    }
}
