//! Outlines of anomaly regions over the images.

use egui::{Align2, Color32, Pos2, Rect, Stroke, Ui, pos2, vec2};

use super::regions::{contains, outline};
use crate::{
    inspect::{AnomalyRegion, RegionShape},
    ui::{theme, theme::Palette, widgets::image_pane::Placement},
};

/// Largest number of regions with a number beside them; the others are only outlined.
const NUMBERED: usize = 20;

/// Distance from a small region at which it is still clicked, points.
const REACH: f32 = 6.0;

/// The anomaly regions of an image.
#[derive(Clone, Copy)]
pub(crate) struct RegionMarks<'a> {
    /// The regions, highest peak first.
    pub regions: &'a [AnomalyRegion],
    /// Width in pixels of the image that they are given in; the image on show may have another resolution.
    pub width: usize,
    /// The selected region.
    pub selected: Option<usize>,
}

/// Scales a shape by a factor of `by`.
pub(crate) fn scaled(shape: &RegionShape, by: f32) -> RegionShape {
    let times = |[x, y]: [f32; 2]| [x * by, y * by];
    match shape {
        RegionShape::Rectangle(a, b) => RegionShape::Rectangle(times(*a), times(*b)),
        RegionShape::Polygon(corners) => RegionShape::Polygon(corners.iter().map(|c| times(*c)).collect()),
    }
}

/// Draws an outline that is visible on light and on dark images.
pub(crate) fn outlined(painter: &egui::Painter, placed: &Placement, shape: &RegionShape, width: f32, colour: Color32) {
    let ground = Palette::new(true).ground.gamma_multiply(0.6);
    outline(painter, placed, shape, Stroke::new(width + 2.5 * theme::HAIRLINE, ground), false);
    outline(painter, placed, shape, Stroke::new(width, colour), false);
}

impl RegionMarks<'_> {
    /// Pixels of the shown image per pixel of the regions.
    fn scale(&self, size: (usize, usize)) -> f32 {
        size.0 as f32 / self.width.max(1) as f32
    }

    /// Box of a region in pixels of the shown image.
    fn bounds(&self, region: &AnomalyRegion, size: (usize, usize)) -> Rect {
        let by = self.scale(size);
        let [x, y, width, height] = [region.x, region.y, region.width, region.height].map(|v| v as f32 * by);
        Rect::from_min_size(pos2(x, y), vec2(width, height))
    }

    /// Box of the selected region in pixels of the shown image.
    pub(super) fn selected_bounds(&self, size: (usize, usize)) -> Option<Rect> {
        let region = self.selected.and_then(|at| self.regions.get(at))?;
        Some(self.bounds(region, size))
    }

    /// Returns the region at this place on the screen: the one with the highest peak that holds it, or else a near one.
    pub(super) fn hit(&self, placed: &Placement, size: (usize, usize), at: Pos2) -> Option<usize> {
        let by = self.scale(size);
        let inside = placed.to_picture(at);
        let holds = |region: &AnomalyRegion| region.shapes().iter().any(|shape| contains(&scaled(shape, by), inside));
        let near = |region: &AnomalyRegion| {
            let bounds = self.bounds(region, size);
            let [from, to] = [bounds.min, bounds.max].map(|corner| placed.to_screen(corner));
            Rect::from_min_max(from, to).expand(REACH).contains(at)
        };
        self.regions.iter().position(holds).or_else(|| self.regions.iter().position(near))
    }

    /// Outlines the regions over an image in `body`, and numbers them.
    pub(super) fn paint(&self, ui: &Ui, body: Rect, placed: &Placement, size: (usize, usize)) {
        // Images look the same in both themes, so marks on them always use the dark palette.
        let ink = Palette::new(true);
        let painter = ui.painter().with_clip_rect(body.intersect(ui.clip_rect()));
        let by = self.scale(size);
        let font = theme::caption().resolve(ui.style());
        let mut labels: Vec<Rect> = Vec::new();
        // The selected region lies over the others, and its number is never left out.
        let order = self.selected.into_iter().chain((0..self.regions.len()).filter(|at| self.selected != Some(*at)));
        let order: Vec<usize> = order.collect();
        for &at in order.iter().rev() {
            let Some(region) = self.regions.get(at) else { continue };
            // Thin, so that a small defect stays visible within its outline.
            let width = if self.selected == Some(at) { 2.0 * theme::HAIRLINE } else { theme::HAIRLINE };
            for shape in region.shapes() {
                outlined(&painter, placed, &scaled(&shape, by), width, ink.text_strong);
            }
        }
        for at in order.into_iter().take(NUMBERED) {
            let Some(region) = self.regions.get(at) else { continue };
            let current = self.selected == Some(at);
            let (ground, colour) = if current { (ink.text_strong, ink.ground) } else { (ink.ground, ink.text_strong) };
            let galley = painter.layout_no_wrap((at + 1).to_string(), font.clone(), colour);
            let corner = placed.to_screen(self.bounds(region, size).right_top());
            let area = body.shrink(2.0);
            let mut rect = Align2::LEFT_BOTTOM.anchor_size(corner + vec2(2.0, -2.0), galley.size()).expand(2.0);
            rect = rect.translate(vec2((area.right() - rect.right()).min(0.0), (area.top() - rect.top()).max(0.0)));
            // Overlapping numbers would be unreadable.
            if labels.iter().all(|other| !other.intersects(rect)) && area.contains_rect(rect) {
                painter.rect_filled(rect, 2.0, ground.gamma_multiply(0.85));
                painter.galley(rect.min + vec2(2.0, 2.0), galley, colour);
                labels.push(rect);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::{RegionRule, anomaly_region::find_regions, evaluation::EvaluatedMap};

    #[test]
    fn a_click_finds_the_region_under_it_and_a_small_one_beside_it() {
        // A square of 4 pixels at 2, 2 with the higher peak, and a pixel at 20, 5.
        let mut map = vec![0.0; 40 * 10];
        for (x, y, value) in [(2, 2, 9.0), (3, 2, 9.0), (2, 3, 9.0), (3, 3, 9.0), (20, 5, 3.0)] {
            map[y * 40 + x] = value;
        }
        let (regions, _) = find_regions(&map, 40, 10, None, &RegionRule::above(EvaluatedMap::Critic, 1.0));
        let marks = RegionMarks { regions: &regions, width: 40, selected: Some(1) };
        // Shown at half the resolution, at 4 points per pixel.
        let size = (20, 5);
        let placed =
            Placement { rect: Rect::from_min_size(pos2(100.0, 50.0), vec2(80.0, 20.0)), scale: 4.0, zoom: 4.0 };
        let hit = |x: f32, y: f32| marks.hit(&placed, size, placed.to_screen(pos2(x, y)));
        assert_eq!((hit(1.5, 1.5), hit(10.2, 2.7)), (Some(0), Some(1)));
        assert_eq!(hit(11.5, 2.7), Some(1), "a pixel can be hit");
        assert_eq!(hit(15.0, 4.0), None);
        assert_eq!(marks.selected_bounds(size), Some(Rect::from_min_size(pos2(10.0, 2.5), vec2(0.5, 0.5))));
        assert_eq!(RegionMarks { selected: Some(2), ..marks }.selected_bounds(size), None);
    }
}
