//! Folders whose roles the user has said.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    super::{DataError, DatasetLayout, Label},
    file_names::{FileName, defective, shared},
    group::ImageGroup,
    name::{NamedRole, ReadName},
    pairing::{Beside, pair},
    plan::{Candidate, Plan, PlannedLabel, Walker, skip},
    tree::{add, defect_type, subset_of},
    unclear::FolderRole,
};
use crate::{
    format::counted,
    text::{PrintablePath, path_text, printable},
};

/// A folder of defective parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefectiveFolder {
    /// The folder.
    #[serde(with = "path_text")]
    pub folder: PathBuf,
    /// The type of the defects; by default the name of the folder, or of the folders in it.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub defect_type: Option<String>,
}

/// The roles of folders, as the user has said. Of folders in each other the deepest counts; folders that are not named
/// are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRoles {
    /// The folder that contains the others, or any folder; relative paths start from it.
    #[serde(with = "path_text")]
    pub root: PathBuf,
    /// Folders of healthy parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "path_text::list")]
    pub healthy: Vec<PathBuf>,
    /// Folders of defective parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defective: Vec<DefectiveFolder>,
    /// Folders of masks.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "path_text::list")]
    pub masks: Vec<PathBuf>,
    /// Folders in these that are not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "path_text::list")]
    pub left_out: Vec<PathBuf>,
}

impl FolderRoles {
    /// Every folder with its role.
    fn all(&self) -> Vec<(PathBuf, FolderRole, Option<&str>)> {
        let of = |folders: &[PathBuf], role: FolderRole| -> Vec<(PathBuf, FolderRole, Option<&str>)> {
            folders.iter().map(|folder| (self.root.join(folder), role, None)).collect()
        };
        let defective = self.defective.iter().map(|d| {
            (self.root.join(&d.folder), FolderRole::Defective, d.defect_type.as_deref().filter(|t| !t.is_empty()))
        });
        let mut all = of(&self.healthy, FolderRole::Healthy);
        all.extend(defective);
        all.extend(of(&self.masks, FolderRole::Masks));
        all.extend(of(&self.left_out, FolderRole::LeftOut));
        // Without a trailing separator, as joining an empty path leaves it.
        all.into_iter().map(|(path, role, kind)| (path.components().collect(), role, kind)).collect()
    }
}

/// Plans the images of the folders that have a role.
pub(super) fn plan(roles: &FolderRoles, walker: &Walker<'_>) -> Result<Plan, DataError> {
    let all = roles.all();
    for (i, (folder, ..)) in all.iter().enumerate() {
        if all[..i].iter().any(|(other, ..)| other == folder) {
            return Err(DataError::TwoRoles(folder.clone()));
        }
        let metadata = fs::metadata(folder).map_err(|_| DataError::Missing(folder.clone()))?;
        if !metadata.is_dir() {
            return Err(DataError::RoleOfAFile(folder.clone()));
        }
    }
    let mut plan = Plan::new(DatasetLayout::Assigned);
    let (mut groups, mut masks): (Vec<(ImageGroup, usize)>, Vec<ImageGroup>) = (Vec::new(), Vec::new());
    for (i, (folder, role, _)) in all.iter().enumerate() {
        if *role == FolderRole::LeftOut {
            continue;
        }
        let files = walker.walk(folder, &mut plan.skipped)?;
        // Files of a folder within this one that has its own role belong to that.
        let owned = files.into_iter().filter(|file| owner(&all, file) == Some(i)).collect();
        for group in ImageGroup::all(&roles.root, owned) {
            if *role == FolderRole::Masks {
                masks.push(group);
            } else {
                groups.push((group, i));
            }
        }
    }
    let images: Vec<&ImageGroup> = groups.iter().map(|(group, _)| group).collect();
    let paired = pair(&masks.iter().collect::<Vec<_>>(), &images);
    let names: Vec<FileName<'_>> = images.iter().flat_map(|group| &group.images).map(FileName::of).collect();
    let common = shared(&names);
    for (group, i) in &groups {
        let (folder, role, kind) = &all[*i];
        add_group(&mut plan, group, (folder, *role, *kind), &paired.masks, &common);
    }
    plan.skipped.extend(paired.orphans.into_iter().map(|mask| skip(mask, "no image belongs to this mask")));
    if !roles.healthy.is_empty() || !roles.defective.is_empty() {
        plan.notes.push("folders without a role are left out".to_owned());
    }
    Ok(plan)
}

/// Adds the images of a folder with this role.
fn add_group(
    plan: &mut Plan,
    group: &ImageGroup,
    (folder, role, kind): (&Path, FolderRole, Option<&str>),
    masks: &BTreeMap<PathBuf, Vec<PathBuf>>,
    common: &HashSet<String>,
) {
    let beside = Beside::among(&group.images);
    // How many of the names of the group are those of the folder itself.
    let own = group.names.len().saturating_sub(below(group, folder));
    let named = |names: &[ReadName]| names.iter().rev().find_map(|name| Some((name.role?, name.text.clone())));
    let within = named(group.names.get(own..).unwrap_or_default());
    let (doubtful, only_types) = match role {
        FolderRole::Healthy => defective(&group.images, common),
        _ => (Vec::new(), true),
    };
    if let Some(first) = doubtful.first().filter(|_| only_types) {
        plan.notes.push(format!(
            "the names of {}, for example {}, may be types of defects; the folder was named as one of healthy parts",
            counted(doubtful.len(), "image"),
            first.printable()
        ));
    }
    for path in &group.images {
        if beside.masks.contains(path) {
            if beside.strays.contains(path) {
                plan.skipped.push(skip(path.clone(), "no image belongs to this mask"));
            }
            continue;
        }
        let label = match (role, &within) {
            // What is plainly no healthy part stays out, also of a folder that is healthy as a whole.
            (FolderRole::Healthy, Some((NamedRole::Defective { .. } | NamedRole::Masks, name))) => {
                let reason =
                    format!("its folder, {}, has another role; name it with --defective or --masks", printable(name));
                plan.skipped.push(skip(path.clone(), reason));
                continue;
            }
            (FolderRole::Healthy, _) if !only_types && doubtful.contains(&path) => {
                let reason = "its name says that the part is defective; rename it, or move it to a folder named with --defective";
                plan.skipped.push(skip(path.clone(), reason));
                continue;
            }
            (FolderRole::Healthy, _) => Label::Healthy,
            _ => Label::Defective(kind.map_or_else(|| type_of(group, own, folder), str::to_owned)),
        };
        let label = PlannedLabel::Known(label);
        let candidate = Candidate { path: path.clone(), subset: subset_of(group), label, mask: None };
        let own: Vec<&PathBuf> = [beside.pairs.get(path), masks.get(path)].into_iter().flatten().flatten().collect();
        add(plan, candidate, &own);
    }
    plan.skipped.extend(group.others.iter().map(|path| skip(path.clone(), "it is not an image")));
}

/// How many folders a group is below a folder.
fn below(group: &ImageGroup, folder: &Path) -> usize {
    let file = group.images.first().or(group.others.first());
    let parent = file.and_then(|file| file.parent()).unwrap_or(Path::new(""));
    parent.strip_prefix(folder).map_or(0, |rest| rest.components().count())
}

/// The type of the defects of a group: the folder below the one that the user named, or that one.
fn type_of(group: &ImageGroup, own: usize, folder: &Path) -> String {
    match own.checked_sub(1) {
        Some(level) if level < group.names.len() => defect_type(group, level),
        _ => folder.file_name().map_or_else(|| "defect".to_owned(), |name| name.to_string_lossy().into_owned()),
    }
}

/// The index of the deepest folder that contains a file.
fn owner(all: &[(PathBuf, FolderRole, Option<&str>)], file: &Path) -> Option<usize> {
    let containing = all.iter().enumerate().filter(|(_, (folder, ..))| file.starts_with(folder));
    containing.max_by_key(|(_, (folder, ..))| folder.components().count()).map(|(i, _)| i)
}
