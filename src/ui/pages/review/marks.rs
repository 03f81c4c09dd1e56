//! Overlay on a part's image: the anomaly regions, and the region drawn by a reviewer.

use egui::{Align2, Rect, Response, Stroke, Ui, vec2};
use egui_material_icons::icons;

use crate::{
    inspect::RegionShape,
    review::Findings,
    ui::{
        Action, UiCommand,
        pages::inspect::{
            overlay::QueryOverlay,
            regions::{Pen, PenState, outline},
        },
        theme,
        theme::Palette,
        widgets::{icon_toggle, image_pane::Placement, ticks},
    },
};

/// Largest number of anomaly regions with a label; the others are only outlined.
const LABELLED: usize = 8;

/// The reviewer's drawing tool.
#[derive(Default)]
pub(super) struct Drawing {
    pen: Pen,
    /// Whether a polygon (true) or a rectangle (false) is drawn next.
    tool: Option<bool>,
}

impl Drawing {
    /// Starts or cancels drawing a rectangle.
    pub(crate) fn toggle(&mut self) {
        self.choose(false);
    }

    fn choose(&mut self, polygon: bool) {
        self.pen.clear();
        self.tool = if self.tool == Some(polygon) { None } else { Some(polygon) };
    }

    /// Discards the shape being drawn.
    pub(crate) fn cancel(&mut self) {
        self.pen.clear();
        self.tool = None;
    }
}

/// Overlay of the current part, for one frame.
pub(super) struct Marks<'a> {
    pub drawing: &'a mut Drawing,
    /// Findings of the inspection; `None` if they are hidden or not read yet.
    pub findings: Option<&'a Findings>,
    /// The region drawn by a reviewer, in pixels of the stored image.
    pub drawn: Option<&'a RegionShape>,
    /// Width of the stored image in pixels.
    pub width: usize,
    /// Whether drawing is enabled.
    pub ready: bool,
    /// The region completed in this frame.
    pub done: Option<RegionShape>,
}

/// Scales a shape by a factor of `by`.
fn scaled(shape: &RegionShape, by: f32) -> RegionShape {
    let times = |[x, y]: [f32; 2]| [x * by, y * by];
    match shape {
        RegionShape::Rectangle(a, b) => RegionShape::Rectangle(times(*a), times(*b)),
        RegionShape::Polygon(corners) => RegionShape::Polygon(corners.iter().map(|c| times(*c)).collect()),
    }
}

/// Draws an outline that is visible on light and on dark images.
fn outlined(painter: &egui::Painter, placed: &Placement, shape: &RegionShape, colour: egui::Color32) {
    let ground = Palette::new(true).ground.gamma_multiply(0.6);
    outline(painter, placed, shape, Stroke::new(2.0 * theme::CURVE + theme::HAIRLINE, ground), false);
    outline(painter, placed, shape, Stroke::new(theme::CURVE, colour), false);
}

impl QueryOverlay for Marks<'_> {
    fn is_drawing(&self) -> bool {
        self.drawing.tool.is_some()
    }

    fn hint(&self) -> Option<&'static str> {
        self.drawing.tool.map(Pen::hint)
    }

    fn tools(&mut self, ui: &mut Ui, _: bool, _: &mut Vec<Action>) {
        let rectangle = UiCommand::ReviewDraw.tooltip(ui.ctx());
        let tools = [
            (false, icons::ICON_RECTANGLE, rectangle.as_str()),
            (true, icons::ICON_PENTAGON, "Draws a polygon around the defect; it is saved with the verdict."),
        ];
        for (polygon, icon, help) in tools {
            let on = self.drawing.tool == Some(polygon);
            let name = if polygon { "Draw a polygon" } else { "Draw a rectangle" };
            if icon_toggle(ui, icon, help, self.ready, on).accessible_name(name).clicked() {
                self.drawing.choose(polygon);
            }
        }
    }

    fn over(&mut self, ui: &Ui, response: &Response, placed: &Placement, size: (usize, usize), _: &mut Vec<Action>) {
        // Images look the same in both themes, so marks on them always use the dark palette.
        let (p, ink) = (Palette::of(ui), Palette::new(true));
        let painter = ui.painter().with_clip_rect(response.rect.intersect(ui.clip_rect()));
        // The networks may see the image at a lower resolution than it is stored.
        let by = size.0 as f32 / self.width.max(1) as f32;
        let regions = self.findings.map(|f| f.regions.as_slice()).unwrap_or_default();
        let font = theme::caption().resolve(ui.style());
        let mut labels: Vec<Rect> = Vec::new();
        for (i, region) in regions.iter().enumerate() {
            let shape = scaled(&region.shape(), by);
            outlined(&painter, placed, &shape, ink.suspect);
            if i >= LABELLED {
                continue;
            }
            let text =
                format!("{} px, peak {}", ticks::grouped(region.area as f64, 0), ticks::figure(Some(region.peak)));
            let at = placed.to_screen(egui::pos2((region.x + region.width) as f32 * by, region.y as f32 * by));
            let galley = painter.layout_no_wrap(text, font.clone(), p.text_strong);
            let area = response.rect.shrink(2.0);
            let mut rect = Align2::LEFT_BOTTOM.anchor_size(at + vec2(2.0, -2.0), galley.size()).expand(2.0);
            rect = rect.translate(vec2((area.right() - rect.right()).min(0.0), (area.top() - rect.top()).max(0.0)));
            // Overlapping labels would be unreadable.
            if labels.iter().all(|other| !other.intersects(rect)) && area.contains_rect(rect) {
                painter.rect_filled(rect, 2.0, p.ground.gamma_multiply(0.85));
                painter.galley(rect.min + vec2(2.0, 2.0), galley, p.text_strong);
                labels.push(rect);
            }
        }
        if let Some(shape) = self.drawn {
            outlined(&painter, placed, &scaled(shape, by), ink.accent);
        }
        let Some(polygon) = self.drawing.tool else { return };
        match self.drawing.pen.draw(ui, response, placed, size, polygon) {
            PenState::Drawing => {}
            PenState::Cancelled => self.drawing.tool = None,
            PenState::Done(shape) => {
                self.drawing.tool = None;
                self.done = Some(scaled(&shape, 1.0 / by));
            }
        }
        self.drawing.pen.paint(&painter, response, placed, polygon, ink.accent);
    }
}
