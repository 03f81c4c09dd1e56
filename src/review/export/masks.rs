//! Defect masks in the MVTec AD layout.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use super::{
    defect::DefectOutline,
    error::ExportError,
    format::{ExportSummary, UNNAMED},
};
use crate::{
    files,
    files::{Access, FileError},
    inspect::{Region, RegionShape, Regions},
    review::ReviewItem,
    text::{PrintablePath, file_name},
};

/// End of a mask's file name.
const MASK: &str = "_mask.png";

/// Writes `ground_truth/TYPE/NAME_mask.png` into `folder` for each part with an outline: greyscale, 255 inside the defect.
/// Later parts of the same name get a number, and so does the folder where there is one from an earlier export. It appears
/// with all of its masks or not at all.
///
/// # Errors
/// [`ExportError`] for a file that cannot be written.
pub(crate) fn write_masks(
    folder: &Path,
    parts: &[(&ReviewItem, Vec<DefectOutline>)],
) -> Result<ExportSummary, ExportError> {
    let mut summary = ExportSummary::default();
    let mut taken = HashSet::new();
    let mut masks: Vec<(PathBuf, &ReviewItem, Vec<RegionShape>)> = Vec::new();
    for (item, defects) in parts {
        let shapes: Vec<RegionShape> = defects.iter().flat_map(|defect| &defect.shapes).cloned().collect();
        if shapes.is_empty() {
            summary.left_out += 1;
            continue;
        }
        let type_folder = PathBuf::from(folder_name(item.defect_type().unwrap_or(UNNAMED)));
        let name = item.part.path.file_stem().unwrap_or_default().printable().to_string();
        let stem = file_name(&name, MASK.len());
        let mut path = type_folder.join(format!("{stem}{MASK}"));
        let mut number = 2;
        // Some file systems ignore case.
        while !taken.insert(path.to_string_lossy().to_lowercase()) {
            let end = format!("_{number}{MASK}");
            path = type_folder.join(format!("{}{end}", file_name(&name, end.len())));
            number += 1;
        }
        masks.push((path, item, shapes));
    }
    if masks.is_empty() {
        return Ok(summary);
    }
    let truth = files::unused(&folder.join("ground_truth"));
    files::create_folder(&truth, "", |folder| {
        for (path, item, shapes) in &masks {
            let path = folder.join(path);
            let type_folder = path.parent().unwrap_or(folder);
            fs::create_dir_all(type_folder).map_err(|cause| FileError::new(Access::Write, type_folder, cause))?;
            files::write_atomic_with(&path, |out| mask(out, shapes, item.part.width, item.part.height))?;
        }
        Ok::<_, FileError>(())
    })?;
    summary.rows = masks.len();
    summary.files = masks.into_iter().map(|(path, ..)| truth.join(path)).collect();
    Ok(summary)
}

fn mask(out: &mut dyn io::Write, shapes: &[RegionShape], width: usize, height: usize) -> io::Result<()> {
    let regions = Regions(shapes.iter().map(|shape| Region { ignore: false, shape: shape.clone() }).collect());
    let pixels = match regions.inspected(width, height) {
        Some(inside) => inside.into_iter().map(|inside| if inside { 255 } else { 0 }).collect(),
        None => vec![255; width * height],
    };
    PngEncoder::new(out)
        .write_image(&pixels, width as u32, height as u32, ExtendedColorType::L8)
        .map_err(io::Error::other)
}

/// Turns a defect type into a folder name: no separators, not hidden, and not the layout's name for healthy images.
fn folder_name(defect_type: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | ' ') { c } else { '_' };
    let name: String = defect_type.trim().chars().map(plain).collect();
    // Room for the name that stands for an empty one.
    let name = if name.is_empty() { name } else { file_name(&name, UNNAMED.len() + 1) };
    if name.is_empty() || name.eq_ignore_ascii_case("good") { format!("{UNNAMED}_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_a_folder_of_its_own() {
        for (defect, name) in [("crack", "crack"), ("../x", "___x"), ("good", "defect_good"), ("a/b c", "a_b c")] {
            assert_eq!(folder_name(defect), name);
        }
    }
}
