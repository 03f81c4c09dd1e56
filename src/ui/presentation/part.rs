//! One part: image, reconstruction and difference side by side over the loss curve; the verdict at the end.

use std::sync::Arc;

use egui::{Align, Color32, Layout, Rect, RichText, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{line::text, timeline::Timeline};
use crate::{
    data::colour_map::{ColourMap, table},
    engine::inspection::{QueryEntry, QueryView},
    inspect::{Judged, StepRecord, evaluation::PartTruth},
    ui::{
        pages::inspect::{
            canvases::{Canvases, TriptychRequest},
            convergence::{ConvergenceChart, Ink, colour, curves},
            raster::{DisplayMap, MapSource},
            status::query_mark,
            truth::outline_mask,
            verdict,
        },
        theme,
        theme::{Palette, PresentationSizes, VerdictMark},
        widgets::{
            colour_bar::ColourTable,
            elide::elided_text,
            image_pane::{ImageCanvas, Placement},
            ticks,
        },
    },
};

/// The sentence in place of the promised rate for a model without a calibration.
pub(super) const NO_RATE: &str = "The model is not calibrated, so no rate is promised.";

/// Grey levels shown as black and white.
const FULL_RANGE: (f32, f32) = (0.0, 255.0);

/// Layout of the page, the same for every part.
#[derive(Clone, Copy, Debug)]
struct PartLayout {
    head: Rect,
    captions: [Rect; 3],
    panes: [Rect; 3],
    bar: Rect,
    curve: Rect,
    verdict: Rect,
}

impl PartLayout {
    fn of(area: Rect, sizes: &PresentationSizes) -> Self {
        let inner = area.shrink2(vec2(sizes.margin(), 0.0));
        let (gap, caption) = (sizes.gap(), sizes.caption());
        let head = Rect::from_min_size(inner.min, vec2(inner.width(), sizes.head()));
        let top = head.bottom() + gap / 2.0 + caption;
        let wide = (inner.width() - 2.0 * gap) / 3.0;
        let high = inner.bottom() - top - caption - gap - sizes.lower();
        let side = wide.min(high).max(1.0);
        let left = inner.center().x - (3.0 * side + 2.0 * gap) / 2.0;
        let pane = |i: usize| {
            let x = left + i as f32 * (side + gap);
            Rect::from_min_size(pos2(x, top), vec2(side, side))
        };
        let panes = [pane(0), pane(1), pane(2)];
        let over = |pane: Rect| Rect::from_min_max(pos2(pane.left(), pane.top() - caption), pane.right_top());
        let bar = Rect::from_min_size(panes[2].left_bottom(), vec2(side, caption));
        let lower = bar.bottom() + gap;
        Self {
            head,
            captions: panes.map(over),
            panes,
            bar,
            curve: Rect::from_min_max(pos2(panes[0].left(), lower), pos2(panes[1].right(), inner.bottom())),
            verdict: Rect::from_min_max(pos2(panes[2].left(), lower), pos2(panes[2].right(), inner.bottom())),
        }
    }
}

/// A part as presented.
pub(crate) struct PresentedPart<'a> {
    /// The part.
    pub entry: &'a QueryEntry,
    /// What is known of it, if it is part of a test set.
    pub truth: Option<&'a PartTruth>,
    /// Its images, while they are in memory.
    pub view: Option<&'a QueryView>,
    /// The map on show: the deciding one.
    pub map: DisplayMap,
    /// Its value at the upper end of the colour scale.
    pub scale: f32,
    /// Its number, from 1, and the number of parts.
    pub number: (usize, usize),
    /// Seconds since it was shown.
    pub seconds: f64,
}

/// The images of the current part.
#[derive(Default)]
pub(crate) struct PartPainter {
    canvases: Canvases,
}

impl PartPainter {
    /// Draws the part over `area`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, sizes: &PresentationSizes, area: Rect, part: &PresentedPart<'_>) {
        let layout = PartLayout::of(area, sizes);
        let p = Palette::of(ui);
        let (at, of) = part.number;
        let line = Layout::left_to_right(Align::Center);
        let counter = RichText::new(format!("Part {at} of {of}")).color(p.text_weak);
        let split = layout.head.right() - sizes.names();
        let font = egui::TextStyle::Body.resolve(ui.style());
        let name = elided_text(ui, &part.entry.name, &font, split - layout.head.left());
        let name = RichText::new(name).color(p.text_strong);
        text(ui, layout.head.with_max_x(split), name, line);
        text(ui, layout.head.with_min_x(split), counter, Layout::right_to_left(Align::Center));
        match part.view {
            Some(view) => self.images(ui, sizes, &layout, part, view),
            None => {
                for pane in layout.panes {
                    ui.painter().rect_filled(pane, 0.0, p.picture);
                }
                let missing = RichText::new("The images of this part are no longer in memory; its scores are kept.");
                text(ui, layout.captions[0].union(layout.captions[2]), missing.color(p.text), line);
            }
        }
        let shown = Timeline::new(part.view.map_or(0, |view| view.frames.len())).verdict(part.seconds);
        if shown > 0.0 {
            ui.scope(|ui| {
                ui.set_opacity(shown);
                verdict_text(ui, sizes, layout.verdict, part);
            });
        }
    }

    /// Draws the three images and the curve up to the current step.
    fn images(
        &mut self,
        ui: &mut Ui,
        sizes: &PresentationSizes,
        layout: &PartLayout,
        part: &PresentedPart<'_>,
        view: &QueryView,
    ) {
        let p = Palette::of(ui);
        let frame = Timeline::new(view.frames.len()).frame(part.seconds);
        let kept = frame.and_then(|i| view.frames.get(i));
        let source = MapSource {
            query: Arc::clone(&view.query),
            kept: kept.cloned(),
            outcome: view.outcome.clone(),
            inspected: None,
            kind: part.map,
        };
        let size = (view.query.width(), view.query.height());
        let placed = layout.panes.map(|pane| fitted(pane, size, ui.pixels_per_point()));
        let request = TriptychRequest {
            of: part.entry.id.number(),
            kept,
            source: &source,
            window: FULL_RANGE,
            colours: ColourMap::Ember,
            scale: part.scale,
            zoom: placed[0].zoom,
            squares: false,
        };
        self.canvases.update(ui.ctx(), &request);
        let step = kept.map(|kept| kept.step);
        let closest = match step {
            Some(step) => format!("Closest reconstruction, step {}", ticks::grouped(step as f64, 0)),
            None => "Closest reconstruction".to_owned(),
        };
        let titles = ["Inspected part".to_owned(), closest, format!("{}, the deciding map", part.map.title())];
        for (i, title) in titles.into_iter().enumerate() {
            let body = layout.panes[i];
            let response = ui.interact(body, ui.scope_id().with(("presented", i)), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, title.clone()));
            caption(ui, layout.captions[i], title, p.text);
            ui.painter().rect_filled(body, 0.0, p.picture);
            let painter = ui.painter().with_clip_rect(body);
            match i {
                0 => paint(&self.canvases.query, &painter, &placed[i]),
                1 => paint(&self.canvases.reconstruction, &painter, &placed[i]),
                _ => paint(&self.canvases.map, &painter, &placed[i]),
            }
            if let Some(mask) = part.truth.and_then(PartTruth::outline).filter(|_| i != 1) {
                outline_mask(&painter, &placed[i], size, mask);
            }
        }
        bar(ui, sizes, layout.bar, part);
        // The final reconstruction counts as a separate step.
        let last = view.frames.last().map_or(0, |kept| kept.step);
        let last = last.max(view.records.last().map_or(1, |record| record.step)).max(1);
        curve(ui, sizes, layout.curve, &view.records, step, last);
    }
}

fn paint<K: PartialEq>(canvas: &ImageCanvas<K>, painter: &egui::Painter, placed: &Placement) {
    canvas.paint(painter, placed, Color32::WHITE);
}

/// The largest placement in `pane` of an image of this size.
fn fitted(pane: Rect, (width, height): (usize, usize), ppp: f32) -> Placement {
    let size = vec2(width.max(1) as f32, height.max(1) as f32);
    let scale = (pane.width() / size.x).min(pane.height() / size.y);
    Placement { rect: Rect::from_center_size(pane.center(), size * scale), scale, zoom: scale * ppp }
}

/// Draws a caption on one line.
fn caption(ui: &mut Ui, rect: Rect, words: impl Into<String>, colour: Color32) {
    let words = RichText::new(words).text_style(theme::caption()).color(colour);
    text(ui, rect, words, Layout::left_to_right(Align::Center));
}

/// Draws the colour scale of the map.
fn bar(ui: &mut Ui, sizes: &PresentationSizes, rect: Rect, part: &PresentedPart<'_>) {
    let p = Palette::of(ui);
    let high = format!("{} {}", ticks::figure(Some(part.scale)), part.map.unsigned().unit());
    let third = rect.width() / 3.0;
    caption(
        ui,
        rect.with_max_x(rect.left() + third),
        if part.map == DisplayMap::Difference { "no difference" } else { "usual" },
        p.text_weak,
    );
    let words = RichText::new(high).text_style(theme::caption()).color(p.text_weak);
    text(ui, rect.with_min_x(rect.right() - third), words, Layout::right_to_left(Align::Center));
    let colours = Rect::from_center_size(rect.center(), vec2(third - sizes.gap(), sizes.dot()));
    ui.scope_builder(egui::UiBuilder::new().max_rect(colours), |ui| {
        ColourTable::preview(ui, table(ColourMap::Ember), colours.size());
    });
}

/// Draws the loss up to `step` of `last`.
fn curve(ui: &mut Ui, sizes: &PresentationSizes, rect: Rect, records: &[StepRecord], step: Option<usize>, last: usize) {
    let p = Palette::of(ui);
    let (title, body) = rect.split_top_bottom_at_y(rect.top() + sizes.caption());
    let (left, right) = title.split_left_right_at_x(title.right() - sizes.names());
    caption(ui, left, "Remaining difference by step", p.text);
    let body = body.shrink2(vec2(0.0, sizes.dot()));
    let name = format!("Loss up to step {} of {last}", step.unwrap_or_default());
    let response = ui.interact(body, ui.scope_id().with("presented-curve"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name.clone()));
    ui.painter().hline(body.x_range(), body.bottom(), Stroke::new(theme::HAIRLINE, p.hairline));
    let Some(step) = step else { return };
    let words = format!("step {} of {}", ticks::grouped(step as f64, 0), ticks::grouped(last as f64, 0));
    let words = RichText::new(words).text_style(theme::caption()).color(p.text_weak);
    text(ui, right, words, Layout::right_to_left(Align::Center));
    let curves = curves(records, ConvergenceChart::Loss, false, body.width() as usize);
    let points = || curves.iter().flat_map(|c| &c.points);
    let (low, high) =
        points().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at.y), high.max(at.y)));
    let span = (high - low).max(1e-9);
    let place = |x: f64, y: f64| {
        let (u, v) = ((x / last as f64) as f32, ((y - low) / span) as f32);
        pos2(body.left() + u * body.width(), body.bottom() - sizes.dot() - v * (body.height() - sizes.dot()))
    };
    for curve in &curves {
        let so_far = curve.points.iter().take_while(|at| at.x <= step as f64);
        let line: Vec<egui::Pos2> = so_far.map(|at| place(at.x, at.y)).collect();
        let head = line.last().copied();
        let strong = curve.ink == Ink::Strong;
        let width = if strong { sizes.curve() } else { sizes.curve() / 2.0 };
        ui.painter().add(Shape::line(line, Stroke::new(width, colour(&p, curve.ink))));
        if let Some(head) = head.filter(|_| strong) {
            ui.painter().circle_filled(head, sizes.dot() / 2.0, p.text_strong);
        }
    }
}

/// Draws the verdict with its shape and explanation.
fn verdict_text(ui: &mut Ui, sizes: &PresentationSizes, rect: Rect, part: &PresentedPart<'_>) {
    let p = Palette::of(ui);
    let (state, word) = (query_mark(part.entry), verdict::title(part.entry));
    let (head, body) = rect.split_top_bottom_at_y(rect.top() + sizes.word());
    let (shape, rest) = head.split_left_right_at_x(head.left() + sizes.word());
    let response = ui.interact(shape, ui.scope_id().with("presented-verdict"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Verdict: {}", state.title())));
    theme::paint_mark(ui.painter(), &p, state, sizes.shape_in(shape), sizes.shape());
    let colour = if state == VerdictMark::Unknown { p.text_strong } else { p.verdict(state) };
    let word = RichText::new(word).text_style(theme::verdict()).color(colour);
    text(ui, rest.with_min_x(rest.left() + sizes.dot()), word, Layout::left_to_right(Align::Center));
    let mut words = part.entry.judged.as_ref().map_or_else(|| NO_RATE.to_owned(), Judged::describe);
    if let Some(truth) = part.truth {
        words = format!("{}. {words}", truth.describe(part.entry.assessment()));
    }
    let words = RichText::new(words).color(p.text);
    let body = body.with_min_y(body.top() + sizes.dot());
    ui.scope_builder(egui::UiBuilder::new().max_rect(body), |ui| ui.add(egui::Label::new(words).wrap()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_lies_over_anything_else_on_any_screen() {
        for size in [[1024.0, 640.0], [1280.0, 800.0], [1920.0, 1080.0], [3840.0, 2160.0], [1080.0, 1920.0]] {
            let screen = Rect::from_min_size(egui::Pos2::ZERO, size.into());
            let sizes = PresentationSizes::of(screen.size());
            let layout = PartLayout::of(screen, &sizes);
            let mut all = vec![layout.head, layout.bar, layout.curve, layout.verdict];
            all.extend(layout.panes.into_iter().chain(layout.captions));
            for (i, a) in all.iter().enumerate() {
                assert!(screen.contains_rect(*a) && a.is_positive(), "{a:?} on {size:?}");
                for b in &all[..i] {
                    assert!(!a.shrink(0.5).intersects(b.shrink(0.5)), "{a:?} and {b:?} on {size:?}");
                }
            }
            let [a, b, c] = layout.panes.map(|pane| pane.size());
            assert!((a - b).length() < 0.01 && (b - c).length() < 0.01, "the images are of one size");
            assert!(a.x >= 0.25 * screen.width().min(screen.height()));
        }
    }

    #[test]
    fn a_picture_fills_its_pane_and_keeps_its_shape() {
        let pane = Rect::from_min_size(pos2(10.0, 20.0), vec2(300.0, 300.0));
        let placed = fitted(pane, (64, 32), 2.0);
        assert_eq!((placed.rect.size(), placed.zoom), (vec2(300.0, 150.0), 300.0 / 64.0 * 2.0));
        assert_eq!(placed.rect.center(), pane.center());
    }
}
