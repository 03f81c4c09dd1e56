//! The images of a data set by folder.

use std::path::{Path, PathBuf};

use super::{
    name::{NamedRole, ReadName},
    plan::accompanies,
};

/// The files directly in one folder.
#[derive(Debug)]
pub(super) struct ImageGroup {
    /// The folder below the root; empty for the root.
    pub(super) folder: PathBuf,
    /// The names of the folders from the root to this one.
    pub(super) names: Vec<ReadName>,
    /// Files that may be images.
    pub(super) images: Vec<PathBuf>,
    /// Files that are certainly no images.
    pub(super) others: Vec<PathBuf>,
}

impl ImageGroup {
    /// Groups sorted files by folder.
    pub(super) fn all(root: &Path, files: Vec<PathBuf>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        let mut by_folder: std::collections::BTreeMap<PathBuf, usize> = std::collections::BTreeMap::new();
        for file in files {
            let folder = file.parent().and_then(|folder| folder.strip_prefix(root).ok()).unwrap_or(Path::new(""));
            let index = *by_folder.entry(folder.to_owned()).or_insert_with(|| {
                let names = folder.iter().map(|name| ReadName::of(&name.to_string_lossy())).collect();
                groups.push(Self { folder: folder.to_owned(), names, images: Vec::new(), others: Vec::new() });
                groups.len() - 1
            });
            if accompanies(&file) {
                groups[index].others.push(file);
            } else {
                groups[index].images.push(file);
            }
        }
        groups
    }

    /// Whether the folder, or one above it, is named as one of masks.
    pub(super) fn holds_masks(&self) -> bool {
        self.names.iter().any(|name| name.role == Some(NamedRole::Masks))
    }
}
