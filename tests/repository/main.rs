//! The repository itself: the module layers of ARCHITECTURE.md, import cycles, file lengths, and the links in the documentation.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::disallowed_methods)] // shows paths of the sources

mod documents;
mod imports;
mod layers;
mod reference;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Returns the repository's root folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a file of the repository, named relative to its root.
fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns all files below `folder` with this extension, relative to the root, sorted.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path.strip_prefix(root()).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}
