//! The files that a layout names, before any is decoded.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::super::{DataError, DatasetLayout, FileFault, Label, Skipped, Subset, decode::is_passed_over};

/// Maximum number of files in a data set.
pub(crate) const MAX_FILES: usize = 200_000;

/// Called with (images read, total images) from several threads; `false` stops the reading. Both are 0 while the folder
/// is being listed.
pub(crate) type ReadProgress<'a> = dyn Fn(usize, usize) -> bool + Sync + 'a;

/// What a layout says about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PlannedLabel {
    /// Known by folder or list.
    Known(Label),
    /// Defective if its mask marks something, healthy without a mask or with an empty one; with the type of defect.
    ByMask(String),
}

/// A file that is an image according to the layout.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    pub(super) subset: Subset,
    pub(super) label: PlannedLabel,
    pub(super) mask: Option<PathBuf>,
}

/// The files to read.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) layout: DatasetLayout,
    pub(super) candidates: Vec<Candidate>,
    pub(super) skipped: Vec<Skipped>,
    /// What was understood and is worth saying, as sentences without a capital and a full stop.
    pub(super) notes: Vec<String>,
}

impl Plan {
    pub(super) fn new(layout: DatasetLayout) -> Self {
        Self { layout, candidates: Vec::new(), skipped: Vec::new(), notes: Vec::new() }
    }

    pub(super) fn add(&mut self, path: PathBuf, subset: Subset, label: Label, mask: Option<PathBuf>) {
        self.candidates.push(Candidate { path, subset, label: PlannedLabel::Known(label), mask });
    }

    /// Lists the masks without an image as skipped; returns their number.
    pub(super) fn skip_orphans<'a>(&mut self, masks: impl Iterator<Item = &'a PathBuf>) -> usize {
        let used: HashSet<&PathBuf> = self.candidates.iter().filter_map(|c| c.mask.as_ref()).collect();
        let orphans: Vec<_> = masks.filter(|mask| !used.contains(mask)).cloned().collect();
        let count = orphans.len();
        self.skipped.extend(orphans.into_iter().map(|mask| skip(mask, "no image belongs to this mask")));
        count
    }

    /// Lists the visible entries of a folder that are not in `used` as skipped.
    pub(super) fn skip_others(&mut self, here: &Listing, used: &[PathBuf]) {
        let others = here.files.iter().chain(&here.folders).filter(|path| !used.contains(path));
        let reason = format!("it is outside the folders of the {} layout", self.layout);
        self.skipped.extend(others.map(|path| skip(path.clone(), reason.clone())));
    }
}

pub(super) fn skip(path: PathBuf, reason: impl Into<String>) -> Skipped {
    Skipped { path, reason: reason.into() }
}

/// The visible entries of a folder, sorted.
pub(super) struct Listing {
    pub(super) files: Vec<PathBuf>,
    pub(super) folders: Vec<PathBuf>,
}

impl Listing {
    /// Lists a folder.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let mut here = Self { files: Vec::new(), folders: Vec::new() };
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            if is_passed_over(&path) {
                continue;
            }
            if path.is_dir() {
                here.folders.push(path);
            } else {
                here.files.push(path);
            }
        }
        here.files.sort();
        here.folders.sort();
        Ok(here)
    }

    pub(super) fn folders_where(&self, predicate: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        self.folders.iter().filter(|folder| predicate(folder)).cloned().collect()
    }
}

/// Lists folders of a data set, up to the limit on files.
pub(super) struct Walker<'a> {
    pub(super) root: &'a Path,
    pub(super) progress: &'a ReadProgress<'a>,
}

impl Walker<'_> {
    /// Lists the visible entries of `folder`.
    pub(super) fn list(&self, folder: &Path) -> Result<Listing, DataError> {
        self.check_cancelled()?;
        let here = Listing::of(folder).map_err(|source| DataError::Unreadable { path: folder.to_owned(), source })?;
        if here.files.len() > MAX_FILES { Err(self.too_many()) } else { Ok(here) }
    }

    /// Lists the visible files anywhere below `folder`. A sub-folder that cannot be listed is skipped; one reached twice
    /// through links is listed once.
    pub(super) fn walk(&self, folder: &Path, skipped: &mut Vec<Skipped>) -> Result<Vec<PathBuf>, DataError> {
        let (mut found, mut open, mut seen) = (Vec::new(), vec![folder.to_owned()], HashSet::new());
        while let Some(next) = open.pop() {
            self.check_cancelled()?;
            if !seen.insert(fs::canonicalize(&next).unwrap_or_else(|_| next.clone())) {
                continue;
            }
            match Listing::of(&next) {
                Ok(here) => {
                    found.extend(here.files);
                    open.extend(here.folders);
                }
                Err(error) => skipped.push(skip(next, FileFault::Read(error).to_string())),
            }
            if found.len() > MAX_FILES {
                return Err(self.too_many());
            }
        }
        found.sort();
        Ok(found)
    }

    pub(super) fn check_cancelled(&self) -> Result<(), DataError> {
        if (self.progress)(0, 0) { Ok(()) } else { Err(DataError::Cancelled) }
    }

    pub(super) fn too_many(&self) -> DataError {
        DataError::TooManyFiles { root: self.root.to_owned(), limit: MAX_FILES }
    }
}

/// Finds the sub-folder of that name, ignoring case.
pub(super) fn child(folder: &Path, name: &str) -> Option<PathBuf> {
    let exact = folder.join(name);
    if exact.is_dir() {
        return Some(exact);
    }
    Listing::of(folder).ok()?.folders.into_iter().find(|f| name_of(f).eq_ignore_ascii_case(name))
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(super) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

pub(super) fn has_extension(path: &Path, any: &[&str]) -> bool {
    path.extension().is_some_and(|e| any.iter().any(|a| e.eq_ignore_ascii_case(a)))
}

/// Extensions of files that accompany images: text, tables, annotations, and what systems and cameras leave behind.
const ACCOMPANYING: [&str; 32] = [
    "txt", "csv", "tsv", "tab", "psv", "xls", "xlsx", "xlsm", "ods", "json", "jsonl", "xml", "yaml", "yml", "toml",
    "ini", "cfg", "md", "rst", "pdf", "doc", "docx", "html", "htm", "log", "db", "py", "m", "mat", "zip", "sha256",
    "lnk",
];

/// Whether a file is certainly no image, by its extension.
pub(super) fn accompanies(path: &Path) -> bool {
    has_extension(path, &ACCOMPANYING)
}
