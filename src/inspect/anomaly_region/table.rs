//! Regions as rows of a table and as lines of text, the same in every export.

use super::{region::AnomalyRegion, rule::RegionRule};
use crate::{
    inspect::{calibration::in_thousand, export::number_format::trimmed},
    text::Cell,
};

/// Columns of one region. Columns keep their meaning between versions; new ones may be added.
pub(crate) const COLUMNS: [&str; 25] = [
    "region",
    "map",
    "level",
    "share",
    "x",
    "y",
    "width",
    "height",
    "area",
    "peak",
    "peak_x",
    "peak_y",
    "mean",
    "centroid_x",
    "centroid_y",
    "orientation",
    "length",
    "breadth",
    "micrometres_per_pixel",
    "area_um2",
    "length_um",
    "breadth_um",
    "centroid_x_um",
    "centroid_y_um",
    "left_out",
];

/// The cells of region `number`, from 1, under [`COLUMNS`]; unknown values are empty. `left_out` is the number of regions
/// that the list lacks.
pub(crate) fn cells(number: usize, region: &AnomalyRegion, rule: Option<&RegionRule>, left_out: usize) -> Vec<Cell> {
    let (measures, um) = (region.measures, region.micrometres);
    let mut row = vec![
        Cell::value(number),
        Cell::known(rule.map(|rule| rule.map.name())),
        Cell::known(rule.map(|rule| rule.level)),
        Cell::known(rule.and_then(|rule| rule.share)),
    ];
    row.extend([region.x, region.y, region.width, region.height, region.area].map(Cell::value));
    row.push(Cell::value(region.peak));
    row.extend(region.at.map(Cell::value));
    row.push(Cell::known(measures.map(|m| m.mean)));
    row.extend([0, 1].map(|i| Cell::known(measures.map(|m| m.centroid[i]))));
    row.push(Cell::known(measures.and_then(|m| m.orientation)));
    row.extend([Cell::known(measures.map(|m| m.length)), Cell::known(measures.map(|m| m.breadth))]);
    row.push(Cell::known(rule.and_then(|rule| rule.micrometres_per_pixel)));
    row.extend([um.map(|um| um.area_um2), um.map(|um| um.length_um), um.map(|um| um.breadth_um)].map(Cell::known));
    row.extend([0, 1].map(|i| Cell::known(um.map(|um| um.centroid_um[i]))));
    row.push(Cell::value(left_out));
    row
}

impl AnomalyRegion {
    /// The size in pixels: "24.3 × 6.1 pixels", length by breadth, or that of the box in records of earlier versions.
    pub(crate) fn size_text(&self) -> String {
        match self.measures {
            Some(m) => format!("{:.1} × {:.1} pixels", m.length, m.breadth),
            None => format!("{} × {} pixels", self.width, self.height),
        }
    }

    /// The direction: "45°", or a dash for a region without one.
    pub(crate) fn orientation_text(&self) -> String {
        let degrees = self.measures.and_then(|m| m.orientation);
        // Just below 180 is shown as 0: both are the same direction.
        degrees.map_or_else(|| "–".into(), |degrees| format!("{:.0}°", degrees.round() % 180.0))
    }

    /// The size in micrometres: "20,625 µm², 303.8 × 76.3 µm"; `None` where the size of a pixel is unknown.
    pub(crate) fn micrometres_text(&self) -> Option<String> {
        let um = self.micrometres?;
        Some(format!(
            "{} µm², {} × {} µm",
            trimmed(f64::from(um.area_um2)),
            trimmed(f64::from(um.length_um)),
            trimmed(f64::from(um.breadth_um))
        ))
    }

    /// The region in one line, without its number.
    pub(crate) fn describe(&self) -> String {
        let [x, y] = self.centre();
        let area = crate::format::counted(self.area, "pixel");
        let mut text = format!("{area}, {}, peak {}", self.size_text(), trimmed(f64::from(self.peak)));
        if let Some(m) = self.measures {
            text.push_str(&format!(", mean {}", trimmed(f64::from(m.mean))));
            if m.orientation.is_some() {
                text.push_str(&format!(", at {} to the x axis", self.orientation_text()));
            }
        }
        text.push_str(&format!(", centre x {x:.1}, y {y:.1}"));
        if let Some(um) = self.micrometres_text() {
            text.push_str(&format!("; {um}"));
        }
        text
    }
}

impl RegionRule {
    /// The threshold in a phrase: "critic above 4.20 σ, which at most 50 in 1,000 healthy parts reach".
    pub(crate) fn describe(&self) -> String {
        let text =
            format!("{} above {} {}", self.map.title().to_lowercase(), trimmed(f64::from(self.level)), self.map.unit());
        match self.share {
            Some(share) => {
                format!("{text}, which a region of at most {} in 1,000 healthy parts reaches", in_thousand(share))
            }
            None => format!("{text}; how many healthy parts reach it is not promised"),
        }
    }
}
