//! Image files named on the command line.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::data::DataError;

/// Returns every named file, and every file directly in a named folder, sorted by folder.
pub(super) fn image_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let unreadable = |source| DataError::Unreadable { path: path.clone(), source };
        let mut within = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            let hidden = file.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            if file.is_file() && !hidden {
                within.push(file);
            }
        }
        if within.is_empty() {
            bail!(DataError::Empty(path.clone()));
        }
        within.sort();
        files.extend(within);
    }
    Ok(files)
}
