//! Outlines of defects in the COCO format (Lin et al. 2014).

use serde::{Deserialize, Serialize};

use super::{defect::DefectOutline, format::UNNAMED};
use crate::{inspect::RegionShape, review::ReviewItem, text::path_text};

/// Images with outlines of defects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coco {
    /// Which parts the file covers; absent for a whole record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<CocoInfo>,
    /// The judged images; healthy ones have no annotation.
    pub images: Vec<CocoImage>,
    /// The outlines.
    pub annotations: Vec<Annotation>,
    /// The defect types.
    pub categories: Vec<Category>,
}

/// What a file covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CocoInfo {
    /// The filter of the parts, in words.
    pub description: String,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CocoImage {
    /// Number of the part in the record.
    pub id: i64,
    /// Absolute path, which joins to itself with any folder.
    pub file_name: String,
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
    /// Whether the image was moved, deleted or replaced.
    pub missing: bool,
}

/// The outline of a defect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Number, from 1.
    pub id: usize,
    /// Number of the image.
    pub image_id: i64,
    /// Number of the defect type.
    pub category_id: usize,
    /// Polygons, one per connected piece: x and y of each corner, pixels.
    pub segmentation: Vec<Vec<f32>>,
    /// Enclosed area, square pixels; of an anomaly region, its number of pixels, without those of holes.
    pub area: f32,
    /// Bounding box: left, top, width, height, pixels.
    pub bbox: [f32; 4],
    /// Always 0: a single object.
    pub iscrowd: u8,
}

/// A defect type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Category {
    /// Number, from 1.
    pub id: usize,
    /// Name.
    pub name: String,
    /// Name of the parent category.
    pub supercategory: String,
}

impl Coco {
    /// Creates an empty set with these defect types; others are added as they occur.
    pub fn new(defect_types: &[String]) -> Self {
        let mut coco = Self::default();
        for name in defect_types {
            coco.category(name);
        }
        coco
    }

    /// Returns the number of a defect type, adding it if needed.
    fn category(&mut self, name: &str) -> usize {
        if let Some(known) = self.categories.iter().find(|category| category.name == name) {
            return known.id;
        }
        let id = self.categories.len() + 1;
        self.categories.push(Category { id, name: name.into(), supercategory: UNNAMED.into() });
        id
    }

    /// Adds a judged part with the outlines of its defects; `missing` says that its file no longer holds its image.
    /// parts without a ruling are skipped. Returns `false` for a
    /// defective part without an outline, which is left out because it would look like a healthy one.
    pub fn add(&mut self, item: &ReviewItem, defects: &[DefectOutline], missing: bool) -> bool {
        let Some(defective) = item.defective() else { return true };
        let part = &item.part;
        let pieces = |defect: &DefectOutline| -> Vec<Vec<[f32; 2]>> {
            let pieces = defect.shapes.iter().map(|shape| clipped(shape, part.width, part.height));
            pieces.filter(|corners| area(corners) > 0.0).collect()
        };
        let outlines: Vec<_> = defects
            .iter()
            .filter(|_| defective)
            .map(|defect| (pieces(defect), defect.measured))
            .filter(|(pieces, _)| !pieces.is_empty())
            .collect();
        if defective && outlines.is_empty() {
            return false;
        }
        self.images.push(CocoImage {
            id: part.id.0,
            file_name: path_text::to_text(&part.path).into_owned(),
            width: part.width,
            height: part.height,
            missing,
        });
        for (pieces, measured) in outlines {
            let category_id = self.category(item.defect_type().unwrap_or(UNNAMED));
            self.annotations.push(Annotation {
                id: self.annotations.len() + 1,
                image_id: part.id.0,
                category_id,
                area: measured.map_or_else(|| pieces.iter().map(|corners| area(corners)).sum(), |(area, _)| area),
                bbox: measured.map_or_else(|| bounding_box(&pieces.concat()), |(_, bounds)| bounds),
                segmentation: pieces.into_iter().map(|corners| corners.into_iter().flatten().collect()).collect(),
                iscrowd: 0,
            });
        }
        true
    }
}

/// Returns the corners of a shape, clamped to the image.
fn clipped(shape: &RegionShape, width: usize, height: usize) -> Vec<[f32; 2]> {
    let within = |[x, y]: [f32; 2]| [x.clamp(0.0, width as f32), y.clamp(0.0, height as f32)];
    shape.corners().into_iter().map(within).collect()
}

/// Area of a polygon (shoelace formula).
fn area(corners: &[[f32; 2]]) -> f32 {
    let next = corners.iter().cycle().skip(1);
    let twice: f64 = corners
        .iter()
        .zip(next)
        .map(|(a, b)| f64::from(a[0]) * f64::from(b[1]) - f64::from(b[0]) * f64::from(a[1]))
        .sum();
    (twice.abs() / 2.0) as f32
}

fn bounding_box(corners: &[[f32; 2]]) -> [f32; 4] {
    let ends = |axis: usize| {
        let values = || corners.iter().map(|c| c[axis]);
        (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max))
    };
    let ((left, right), (top, bottom)) = (ends(0), ends(1));
    [left, top, right - left, bottom - top]
}
