//! The image files of a folder by name, for lists that name them without their folder or extension.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::{
    super::decode::is_named_like_an_image,
    name::{NamedRole, role_of},
    table::TableRow,
    vocabulary::{fold, words},
};

/// Share of a column's cells that have to differ from each other if they are names of images: labels repeat.
const DIFFERENT: f64 = 0.8;

/// The image files of a folder by name; those in folders of masks are left out.
#[derive(Debug, Default)]
pub(super) struct ImageNames {
    /// The files of each folded name, with its extension and without.
    files: HashMap<String, Vec<PathBuf>>,
}

impl ImageNames {
    /// The images among the files of a folder.
    pub(super) fn of<'a>(root: &Path, files: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let mut names = Self::default();
        for path in files.into_iter().filter(|path| is_named_like_an_image(path)) {
            let folder = path.strip_prefix(root).unwrap_or(path).parent().unwrap_or(Path::new(""));
            if folder.iter().any(|part| role_of(&words(&part.to_string_lossy())) == Some(NamedRole::Masks)) {
                continue;
            }
            let keys = [path.file_name(), path.file_stem()].into_iter().flatten();
            for key in keys.map(|name| fold(&name.to_string_lossy())).collect::<BTreeSet<_>>() {
                names.files.entry(key).or_default().push(path.clone());
            }
        }
        names
    }

    /// The file that a cell names, if there is exactly one.
    pub(super) fn only(&self, cell: &str) -> Option<&PathBuf> {
        match self.files.get(&fold(last_part(cell)))?.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether most filled cells of a column, the first row aside, are names of images, without their extension.
    pub(super) fn are_in_column(&self, rows: &[TableRow], column: usize) -> bool {
        let cells = rows.iter().filter_map(|row| row.cells.get(column));
        let filled: Vec<&str> = cells.map(String::as_str).filter(|cell| !cell.is_empty()).collect();
        let named = filled.iter().filter(|cell| self.files.contains_key(&fold(last_part(cell)))).count();
        let different = filled.iter().map(|cell| fold(cell)).collect::<BTreeSet<_>>().len();
        // A column of labels may hold names of images too, such as 0 and 1.
        named > 1 && named * 2 >= filled.len().saturating_sub(1) && different as f64 >= DIFFERENT * filled.len() as f64
    }
}

/// The last part of a path with either separator.
fn last_part(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
