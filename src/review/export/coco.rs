//! The format of COCO (Lin et al. 2014) for outlines of defects.

use serde::{Deserialize, Serialize};

use super::UNNAMED;
use crate::{inspect::regions::RegionShape, review::ReviewItem};

/// A set of pictures with outlines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coco {
    /// The pictures that people ruled on; good ones have no annotation.
    pub images: Vec<CocoImage>,
    /// The outlines.
    pub annotations: Vec<Annotation>,
    /// The kinds of defect.
    pub categories: Vec<Category>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CocoImage {
    /// Its number, that of the part in the record.
    pub id: i64,
    /// Its path, absolute, so that it can be joined to any folder.
    pub file_name: String,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Whether the picture was moved, deleted or replaced.
    pub missing: bool,
}

/// An outline on a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Its number, from 1 on.
    pub id: usize,
    /// The picture.
    pub image_id: i64,
    /// The kind of defect.
    pub category_id: usize,
    /// One polygon: x and y of each corner in turn, pixels.
    pub segmentation: Vec<Vec<f32>>,
    /// What it encloses, square pixels.
    pub area: f32,
    /// The box around it: left, top, width and height, pixels.
    pub bbox: [f32; 4],
    /// 0: one object.
    pub iscrowd: u8,
}

/// A kind of defect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Category {
    /// Its number, from 1 on.
    pub id: usize,
    /// Its name.
    pub name: String,
    /// What it is a kind of.
    pub supercategory: String,
}

impl Coco {
    /// Without pictures, for these kinds of defect; others are added as they come.
    pub fn new(kinds: &[String]) -> Self {
        let mut coco = Self::default();
        kinds.iter().for_each(|kind| {
            coco.category(kind);
        });
        coco
    }

    fn category(&mut self, name: &str) -> usize {
        if let Some(known) = self.categories.iter().find(|category| category.name == name) {
            return known.id;
        }
        let id = self.categories.len() + 1;
        self.categories.push(Category { id, name: name.into(), supercategory: UNNAMED.into() });
        id
    }

    /// Adds a part that people ruled on, with the outlines of its defects; others are passed over. `false` for a
    /// defective one without an outline, whose picture is left out: it would pass for a good one.
    pub fn add(&mut self, item: &ReviewItem, shapes: &[RegionShape]) -> bool {
        let Some(defective) = item.defective() else { return true };
        let part = &item.part;
        let outlines: Vec<Vec<[f32; 2]>> = shapes
            .iter()
            .filter(|_| defective)
            .map(|shape| clipped(shape, part.width, part.height))
            .filter(|corners| area(corners) > 0.0)
            .collect();
        if defective && outlines.is_empty() {
            return false;
        }
        self.images.push(CocoImage {
            id: part.id.0,
            file_name: part.path.to_string_lossy().into_owned(),
            width: part.width,
            height: part.height,
            missing: part.is_missing(),
        });
        for corners in outlines {
            let category_id = self.category(item.defect().unwrap_or(UNNAMED));
            self.annotations.push(Annotation {
                id: self.annotations.len() + 1,
                image_id: part.id.0,
                category_id,
                area: area(&corners),
                bbox: around(&corners),
                segmentation: vec![corners.into_iter().flatten().collect()],
                iscrowd: 0,
            });
        }
        true
    }
}

/// The corners of a shape, none of them outside of the picture.
fn clipped(shape: &RegionShape, width: usize, height: usize) -> Vec<[f32; 2]> {
    let within = |[x, y]: [f32; 2]| [x.clamp(0.0, width as f32), y.clamp(0.0, height as f32)];
    shape.corners().into_iter().map(within).collect()
}

/// What a polygon encloses (the shoelace formula).
fn area(corners: &[[f32; 2]]) -> f32 {
    let next = corners.iter().cycle().skip(1);
    let twice: f64 = corners
        .iter()
        .zip(next)
        .map(|(a, b)| f64::from(a[0]) * f64::from(b[1]) - f64::from(b[0]) * f64::from(a[1]))
        .sum();
    (twice.abs() / 2.0) as f32
}

fn around(corners: &[[f32; 2]]) -> [f32; 4] {
    let ends = |axis: usize| {
        let values = || corners.iter().map(|c| c[axis]);
        (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max))
    };
    let ((left, right), (top, below)) = (ends(0), ends(1));
    [left, top, right - left, below - top]
}
