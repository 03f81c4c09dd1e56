//! The list of anomaly regions of an image, on the Inspect and the Review page.

use egui::{
    Align2, Color32, FontSelection, Label, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};

use super::section;
use crate::{
    format::{capitalise, counted},
    inspect::{AnomalyRegion, RegionList, RegionRule},
    review::Findings,
    ui::{
        theme,
        theme::Palette,
        widgets::{flush_right, list_keys::ListKeys, rows::value_row, ticks, toggle},
    },
};

/// Rows of the list that are visible without scrolling.
const ROWS: usize = 6;

/// The regions of an image.
#[derive(Clone, Copy)]
pub(crate) struct ShownRegions<'a> {
    /// The regions, highest peak first.
    pub regions: &'a [AnomalyRegion],
    /// The rule that they were found by, if it is known.
    pub rule: Option<&'a RegionRule>,
    /// Number of regions left out beyond the largest number.
    pub left_out: usize,
}

impl<'a> From<&'a RegionList> for ShownRegions<'a> {
    fn from(list: &'a RegionList) -> Self {
        Self { regions: &list.regions, rule: Some(&list.rule), left_out: list.left_out }
    }
}

impl<'a> From<&'a Findings> for ShownRegions<'a> {
    fn from(found: &'a Findings) -> Self {
        Self { regions: &found.regions, rule: found.region_rule.as_ref(), left_out: found.regions_left_out }
    }
}

/// The list and its selection.
#[derive(Default)]
pub(crate) struct RegionPanel {
    /// The image that the selection belongs to.
    subject: u64,
    selected: Option<usize>,
    /// Scroll to the selected row on the next frame.
    reveal: bool,
    offset: f32,
}

impl RegionPanel {
    /// Follows the image on show; another one has no selected region.
    pub(crate) fn follow(&mut self, subject: u64) {
        if self.subject != subject {
            *self = Self { subject, ..Self::default() };
        }
    }

    /// Returns the selected one of `count` regions.
    pub(crate) fn selected(&self, count: usize) -> Option<usize> {
        self.selected.filter(|at| *at < count)
    }

    /// Selects a region, or the same again to clear the selection.
    pub(crate) fn pick(&mut self, at: usize) {
        self.selected = if self.selected == Some(at) { None } else { Some(at) };
        self.reveal = true;
    }

    /// Selects the next or the previous of `count` regions; returns whether there is one.
    pub(crate) fn step(&mut self, count: usize, forward: bool) -> bool {
        let Some(last) = count.checked_sub(1) else { return false };
        self.selected = Some(match (self.selected(count), forward) {
            (None, true) => 0,
            (None, false) => last,
            (Some(at), true) => {
                if at == last {
                    0
                } else {
                    at + 1
                }
            }
            (Some(at), false) => at.checked_sub(1).unwrap_or(last),
        });
        self.reveal = true;
        true
    }

    /// Draws the section: the list, the selected region in detail, and what the list means. Returns whether a row was
    /// selected.
    pub(crate) fn ui(&mut self, ui: &mut Ui, shown: ShownRegions<'_>, outlines: &mut bool) -> bool {
        let p = Palette::of(ui);
        let ShownRegions { regions, rule, left_out } = shown;
        let threshold = rule.map_or_else(
            || "The threshold was not recorded.".to_owned(),
            |rule| format!("Threshold: {}.", rule.describe()),
        );
        ui.horizontal(|ui| {
            section(ui, "Anomaly regions");
            if !regions.is_empty() {
                flush_right(ui, |ui| {
                    if toggle(ui, "Outlines", "Outlines the regions in image and map.", *outlines).clicked() {
                        *outlines = !*outlines;
                    }
                });
            }
        });
        if regions.is_empty() {
            ui.label("No region above the threshold.").on_hover_text(threshold);
            return false;
        }
        let selected = self.list(ui, regions);
        if let Some(region) = self.selected(regions.len()).and_then(|at| regions.get(at)) {
            details(ui, region, rule);
        }
        let mut text = "Information only: the score decides the verdict.".to_owned();
        if left_out > 0 {
            text.push_str(&format!(" {} with lower peaks not listed.", counted(left_out, "more region")));
        }
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap()).on_hover_text(threshold);
        selected
    }

    /// Draws headings and rows; returns whether a row was selected.
    fn list(&mut self, ui: &mut Ui, regions: &[AnomalyRegion]) -> bool {
        let p = Palette::of(ui);
        let in_um = regions.iter().all(|region| region.micrometres.is_some());
        let width = ui.available_width();
        let (head, _) = ui.allocate_exact_size(vec2(width, theme::ROW_VALUE), Sense::hover());
        let font = theme::caption().resolve(ui.style());
        let titles = ["No.", if in_um { "Area, µm²" } else { "Area, px" }, "Peak", "Centre x, y"];
        for (right, title) in columns(head).into_iter().zip(titles) {
            ui.painter().text(pos2(right, head.center().y), Align2::RIGHT_CENTER, title, font.clone(), p.text_weak);
        }
        let height = ROWS.min(regions.len()) as f32 * theme::ROW_TIGHT;
        let mut area = ScrollArea::vertical().id_salt("anomaly-regions").max_height(height).auto_shrink([false, true]);
        let selected = self.selected(regions.len());
        if std::mem::take(&mut self.reveal)
            && let Some(row) = selected
        {
            let (top, bottom) = (row as f32 * theme::ROW_TIGHT, (row + 1) as f32 * theme::ROW_TIGHT);
            if top < self.offset {
                area = area.vertical_scroll_offset(top);
            } else if bottom > self.offset + height {
                area = area.vertical_scroll_offset(bottom - height);
            }
        }
        let rect = ui.available_rect_before_wrap();
        let keys = ListKeys::new(ui, "Anomaly regions", rect.with_max_y(rect.top() + height));
        let mut chosen = keys.moved(ui, selected, regions.len(), ROWS);
        self.reveal = chosen.is_some();
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let shown = area.show_rows(ui, theme::ROW_TIGHT, regions.len(), |ui, range| {
                for at in range {
                    let Some(region) = regions.get(at) else { continue };
                    if row(ui, at, region, (selected == Some(at), keys.focused, in_um)) {
                        keys.focus(ui);
                        chosen = Some(at);
                    }
                }
            });
            self.offset = shown.state.clamped_offset().y;
        });
        if let Some(at) = chosen {
            self.selected = if selected == Some(at) { None } else { Some(at) };
        }
        chosen.is_some() && self.selected.is_some()
    }
}

/// Right edges of the columns of a row.
fn columns(row: Rect) -> [f32; 4] {
    let right = row.right() - theme::GAP_S;
    let share = (right - row.left() - theme::GAP_XL) / 3.0;
    [0.0, 1.0, 2.0, 3.0].map(|i| row.left() + theme::GAP_XL + i * share)
}

/// Draws a row; returns whether it was clicked.
fn row(ui: &mut Ui, at: usize, region: &AnomalyRegion, (current, focused, in_um): (bool, bool, bool)) -> bool {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme::ROW_TIGHT), Sense::CLICK);
    let area = match region.micrometres.filter(|_| in_um) {
        Some(um) => ticks::figure(Some(um.area_um2)),
        None => ticks::grouped(region.area as f64, 0),
    };
    let [x, y] = region.centre();
    let cells = [(at + 1).to_string(), area, ticks::figure(Some(region.peak)), format!("{x:.0}, {y:.0}")];
    response.widget_info(|| {
        WidgetInfo::selected(Role::Row, true, current, format!("Region {}: {}", at + 1, region.describe()))
    });
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    if current {
        painter.rect_filled(rect, theme::RADIUS, p.selection);
    } else if response.hovered() {
        painter.rect_filled(rect, theme::RADIUS, p.control);
    }
    if current && focused {
        painter.rect_stroke(rect, theme::RADIUS, Stroke::new(theme::HAIRLINE, p.accent), StrokeKind::Inside);
    }
    let colour: Color32 = if current { p.text_strong } else { p.text };
    let font = FontSelection::Style(egui::TextStyle::Body).resolve(ui.style());
    for (right, text) in columns(rect).into_iter().zip(cells) {
        painter.text(pos2(right, rect.center().y), Align2::RIGHT_CENTER, text, font.clone(), colour);
    }
    response.on_hover_text(format!("{}.", capitalise(&region.describe()))).clicked()
}

/// Draws what is measured of the selected region.
fn details(ui: &mut Ui, region: &AnomalyRegion, rule: Option<&RegionRule>) {
    ui.add_space(theme::GAP_XS);
    let length = "Extent along the major axis, and across it.";
    value_row(ui, "Size", region.size_text(), length);
    if let Some(um) = region.micrometres {
        let figure = |v: f32| ticks::figure(Some(v));
        value_row(ui, "", format!("{} × {} µm", figure(um.length_um), figure(um.breadth_um)), length);
        let area = format!("{} px, {} µm²", ticks::grouped(region.area as f64, 0), figure(um.area_um2));
        value_row(ui, "Area", area, "Number of its pixels, and their area.");
    }
    let direction = "Direction of the major axis, counter-clockwise from the x axis; a round region has none.";
    value_row(ui, "Direction", region.orientation_text(), direction);
    let unit = rule.map(|rule| format!(" {}", rule.map.unit())).unwrap_or_default();
    let mean = region.measures.map(|m| m.mean);
    value_row(ui, "Mean", format!("{}{unit}", ticks::figure(mean)), "Mean of the map over the region.");
    let [px, py] = region.at;
    value_row(ui, "Peak at", format!("{px}, {py}"), "Column and row of the peak.");
    let AnomalyRegion { x, y, width, height, .. } = region;
    value_row(ui, "Box", format!("{x}, {y}, {width} × {height}"), "Left, top, width and height, pixels.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_round_and_another_image_has_no_selection() {
        let mut panel = RegionPanel::default();
        panel.follow(7);
        assert!(!panel.step(0, true));
        let mut seen = Vec::new();
        for forward in [true, true, true, true, false, false] {
            assert!(panel.step(3, forward));
            seen.extend(panel.selected(3));
        }
        assert_eq!(seen, [0, 1, 2, 0, 2, 1]);
        panel.pick(2);
        assert_eq!(panel.selected(3), Some(2));
        // A list that has become shorter.
        assert_eq!(panel.selected(2), None);
        panel.pick(2);
        assert_eq!(panel.selected(3), None, "the same again clears the selection");
        panel.pick(1);
        panel.follow(8);
        assert_eq!(panel.selected(3), None);
    }
}
