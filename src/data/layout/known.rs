//! Layouts of public data sets that are recognised by their own rules: DAGM 2007 and Magnetic-Tile.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    super::{DataError, DatasetLayout, Label, Subset},
    plan::{Listing, Plan, Walker, accompanies, child, has_extension, name_of, skip, stem},
};
use crate::text::PrintablePath;

/// Plans the files of such a layout; `None` if the folder has none of them.
pub(super) fn plan(walker: &Walker<'_>, here: &Listing) -> Result<Option<Plan>, DataError> {
    let root = walker.root;
    if is_dagm_class(root) {
        return dagm(walker, &[root.to_owned()], here).map(Some);
    }
    let classes = here.folders_where(|f| is_dagm_class(f) && starts_with(f, "class"));
    if !classes.is_empty() {
        return dagm(walker, &classes, here).map(Some);
    }
    let defects = here.folders_where(is_dagm_defects);
    if !defects.is_empty() {
        return dagm_pairs(walker, &defects, here).map(Some);
    }
    let tiles = here.folders_where(|f| starts_with(f, "mt_") && child(f, "Imgs").is_some());
    if !tiles.is_empty() {
        return magnetic_tile(walker, &tiles, here).map(Some);
    }
    Ok(None)
}

fn dagm(walker: &Walker<'_>, classes: &[PathBuf], here: &Listing) -> Result<Plan, DataError> {
    let mut plan = Plan::new(DatasetLayout::Dagm);
    let has_classes = classes.first().is_some_and(|class| class != walker.root);
    let mut orphans = 0;
    for class in classes {
        let defect = if has_classes { name_of(class) } else { "defect".to_owned() };
        for (name, subset) in [("Train", Subset::Train), ("Test", Subset::Test)] {
            let Some(folder) = child(class, name) else { continue };
            let images = walker.list(&folder)?.files;
            let Some(labels) = child(&folder, "Label") else {
                let reason = "there is no Label folder next to it that tells healthy from defective images";
                plan.skipped.extend(images.into_iter().map(|path| skip(path, reason)));
                continue;
            };
            let mut masks: BTreeMap<String, PathBuf> = BTreeMap::new();
            for mask in walker.list(&labels)?.files {
                // Labels.txt duplicates the information in the masks' names.
                if has_extension(&mask, &["txt"]) {
                } else if accompanies(&mask) {
                    plan.skipped.push(skip(mask, "it is not a mask"));
                } else {
                    masks.insert(mask_stem(&mask), mask);
                }
            }
            for path in images {
                let mask = masks.get(&stem(&path).to_lowercase()).cloned();
                let label = if mask.is_some() { Label::Defective(defect.clone()) } else { Label::Healthy };
                plan.add(path, subset, label, mask);
            }
            orphans += plan.skip_orphans(masks.values());
        }
    }
    if orphans > 0 {
        let first = plan.skipped.iter().find(|s| s.reason.contains("no image belongs"));
        let example = first.map(|s| s.path.printable().to_string()).unwrap_or_default();
        return Err(DataError::MasksWithoutImages { root: walker.root.to_owned(), count: orphans, example });
    }
    if has_classes {
        plan.skip_others(here, classes);
    }
    Ok(plan)
}

/// The first release of DAGM: the healthy images of a class in one folder, `Class1`, the defective ones in another,
/// `Class1_def`, with ellipses in a text file and no masks.
fn dagm_pairs(walker: &Walker<'_>, defects: &[PathBuf], here: &Listing) -> Result<Plan, DataError> {
    let mut plan = Plan::new(DatasetLayout::Dagm);
    let mut used = defects.to_vec();
    for folder in defects {
        let defect: String = {
            let name = name_of(folder);
            name.chars().take(name.chars().count() - DEFECTS.len()).collect()
        };
        for path in dagm_images(walker, folder)? {
            plan.add(path, Subset::Any, Label::Defective(defect.clone()), None);
        }
        let Some(healthy) = here.folders_where(|f| name_of(f).eq_ignore_ascii_case(&defect)).pop() else {
            continue;
        };
        for path in dagm_images(walker, &healthy)? {
            plan.add(path, Subset::Any, Label::Healthy, None);
        }
        used.push(healthy);
    }
    plan.skip_others(here, &used);
    Ok(plan)
}

/// Lists the files of a DAGM folder, except for the text file that describes the defects.
fn dagm_images(walker: &Walker<'_>, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    Ok(walker.list(folder)?.files.into_iter().filter(|f| !has_extension(f, &["txt"])).collect())
}

fn magnetic_tile(walker: &Walker<'_>, folders: &[PathBuf], here: &Listing) -> Result<Plan, DataError> {
    let mut plan = Plan::new(DatasetLayout::MagneticTile);
    for folder in folders {
        let defect = name_of(folder).chars().skip("MT_".len()).collect::<String>().to_lowercase();
        let Some(images) = child(folder, "Imgs") else { continue };
        let (masks, images): (Vec<_>, Vec<_>) =
            walker.list(&images)?.files.into_iter().partition(|f| has_extension(f, &["png"]));
        let masks: BTreeMap<String, PathBuf> = masks.into_iter().map(|mask| (stem(&mask), mask)).collect();
        for path in images {
            // Healthy tiles come with empty masks.
            if defect == "free" {
                plan.add(path, Subset::Any, Label::Healthy, None);
            } else {
                let mask = masks.get(&stem(&path)).cloned();
                plan.add(path, Subset::Any, Label::Defective(defect.clone()), mask);
            }
        }
        if defect != "free" {
            plan.skip_orphans(masks.values());
        }
    }
    plan.skip_others(here, folders);
    Ok(plan)
}

/// Ending of the folder of the defective images of a class.
const DEFECTS: &str = "_def";

/// Whether `folder` contains the defective images of a DAGM class, such as `Class1_def`.
fn is_dagm_defects(folder: &Path) -> bool {
    starts_with(folder, "class") && name_of(folder).to_lowercase().ends_with(DEFECTS)
}

fn is_dagm_class(folder: &Path) -> bool {
    ["Train", "Test"].iter().any(|name| child(folder, name).is_some_and(|subset| child(&subset, "Label").is_some()))
}

fn starts_with(path: &Path, prefix: &str) -> bool {
    name_of(path).to_lowercase().starts_with(prefix)
}

/// The name of a mask without its suffix, in lower case.
fn mask_stem(mask: &Path) -> String {
    let stem = stem(mask).to_lowercase();
    stem.strip_suffix("_label").unwrap_or(&stem).to_owned()
}
