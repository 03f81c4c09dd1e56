//! Lists of images with their labels: CSV files and what spreadsheets write instead.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use super::{
    super::{DataError, DatasetLayout, Label, Subset, decode::extensions, decode::is_named_like_an_image},
    columns::{Columns, LineFault, names_images},
    image_names::ImageNames,
    name::ReadName,
    plan::{Candidate, Listing, MAX_FILES, Plan, PlannedLabel, Walker, has_extension, name_of, skip},
    table::{TableRow, tables, texts},
    vocabulary::fold,
};
use crate::{
    format::counted,
    text::{PrintablePath, printable},
};

/// Extensions of label lists.
const LISTS: [&str; 4] = ["csv", "tsv", "tab", "psv"];
/// Number of lists that are examined in a folder and below.
const EXAMINED: usize = 100;

/// Whether a file has the extension of a label list.
pub(super) fn is_named_like_a_list(path: &Path) -> bool {
    has_extension(path, &LISTS)
}

/// Whether a file is a spreadsheet that is not saved as text.
pub(super) fn is_spreadsheet(path: &Path) -> bool {
    has_extension(path, &["xls", "xlsx", "xlsm", "xlsb", "ods", "numbers"])
}

/// A list, read.
struct ReadList {
    path: PathBuf,
    rows: Vec<TableRow>,
    columns: Columns,
}

/// What a file turned out to be.
enum Examined {
    List(Box<ReadList>),
    /// It does not name images.
    Unrelated,
    /// It names images and cannot be used as a list.
    Unusable(DataError),
}

/// Plans the images of a list that the user has opened.
pub(super) fn plan(path: &Path, walker: &Walker<'_>) -> Result<Plan, DataError> {
    let images = ImageNames::of(path.parent().unwrap_or(path), &beside(path));
    match examine(path, &images) {
        Examined::List(list) => planned(&[*list], walker, None, &images),
        Examined::Unusable(error) => Err(error),
        Examined::Unrelated => Err(DataError::Csv {
            path: path.to_owned(),
            line: 1,
            detail: "no column names images: the header has no column image_filepath".to_owned(),
        }),
    }
}

/// Plans the images of the list among these files, if there is one. Lists in the folder itself go before those below.
///
/// # Errors
/// A list that names images and cannot be used, where there is no other; several lists.
pub(super) fn find(walker: &Walker<'_>, files: &[PathBuf]) -> Result<Option<Plan>, DataError> {
    let (here, below): (Vec<&PathBuf>, Vec<&PathBuf>) = files
        .iter()
        .filter(|path| may_be_a_list(path, walker.root))
        .partition(|path| path.parent() == Some(walker.root));
    let images = ImageNames::of(walker.root, files);
    for candidates in [here, below] {
        let (mut lists, mut unusable) = (Vec::new(), Vec::new());
        for path in candidates.into_iter().take(EXAMINED) {
            walker.check_cancelled()?;
            match examine(path, &images) {
                Examined::List(list) => lists.push(*list),
                Examined::Unusable(error) if is_named_like_a_list(path) => unusable.push((path.clone(), error)),
                Examined::Unusable(_) | Examined::Unrelated => {}
            }
        }
        let by_subset = lists.iter().all(|list| subset_of(&list.path) != Subset::Any);
        if lists.len() > 1 && !by_subset {
            let names = lists.iter().map(|list| name_of(&list.path)).collect();
            return Err(DataError::SeveralLists { root: walker.root.to_owned(), names });
        }
        if !lists.is_empty() {
            let mut plan = planned(&lists, walker, Some(files), &images)?;
            plan.skipped.extend(unusable.into_iter().map(|(path, error)| skip(path, error.to_string())));
            return Ok(Some(plan));
        }
        if let Some((_, error)) = unusable.into_iter().next() {
            return Err(error);
        }
    }
    Ok(None)
}

/// Whether a file may list images: by its extension, or a text in the folder itself.
fn may_be_a_list(path: &Path, root: &Path) -> bool {
    is_named_like_a_list(path) || has_extension(path, &["txt"]) && path.parent() == Some(root)
}

/// Reads a file as a list, in the code page and with the separator that fit best.
fn examine(path: &Path, images: &ImageNames) -> Examined {
    let text = has_extension(path, &["txt"]);
    let fault = |line: u64, detail: String| Examined::Unusable(DataError::Csv { path: path.to_owned(), line, detail });
    let texts = match texts(path) {
        Ok(texts) => texts,
        Err(error) => return fault(1, format!("it cannot be read ({error})")),
    };
    let mut resolver = Resolver::new(path, images);
    let (mut best, mut first_fault): (Option<(usize, ReadList)>, Option<LineFault>) = (None, None);
    for content in texts {
        for rows in tables(&content, text) {
            // A text is a list only in its simplest form: an image and its label.
            if !names_images(&rows, images) || text && rows.iter().any(|row| row.cells.len() != 2) {
                continue;
            }
            match Columns::of(&rows, images) {
                Ok(columns) => {
                    let found = rows[columns.first..]
                        .iter()
                        .take(EXAMINED)
                        .filter(|row| {
                            columns.label(row).is_ok()
                                && columns.image(row).is_ok_and(|image| resolver.find(image).is_some())
                        })
                        .count();
                    if best.as_ref().is_none_or(|(most, _)| found > *most) {
                        best = Some((found, ReadList { path: path.to_owned(), rows, columns }));
                    }
                }
                Err(error) => first_fault = first_fault.or(Some(error)),
            }
        }
    }
    match (best, first_fault) {
        (Some((_, list)), _) => Examined::List(Box::new(list)),
        (None, Some(LineFault { line, detail })) => fault(line, detail),
        (None, None) => Examined::Unrelated,
    }
}

/// The subset that the name of a list says.
fn subset_of(path: &Path) -> Subset {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    ReadName::of(&stem).subset.unwrap_or(Subset::Any)
}

/// Plans the images of lists. `files` are all files of the folder, to name those that no list mentions.
fn planned(
    lists: &[ReadList],
    walker: &Walker<'_>,
    files: Option<&[PathBuf]>,
    images: &ImageNames,
) -> Result<Plan, DataError> {
    let mut plan = Plan::new(DatasetLayout::Csv);
    // The line and label of every image.
    let mut seen: HashMap<PathBuf, (u64, Label)> = HashMap::new();
    let mut masks: BTreeSet<PathBuf> = BTreeSet::new();
    let (mut missing, mut listed) = (Vec::new(), 0);
    for list in lists {
        let whole = if lists.len() > 1 { subset_of(&list.path) } else { Subset::Any };
        let mut resolver = Resolver::new(&list.path, images);
        plan.notes.extend(list.columns.note.clone());
        for row in &list.rows[list.columns.first..] {
            let named =
                |fault: LineFault| DataError::Csv { path: list.path.clone(), line: fault.line, detail: fault.detail };
            let image = list.columns.image(row).map_err(named)?;
            let label = list.columns.label(row).map_err(named)?;
            listed += 1;
            if listed > MAX_FILES {
                return Err(walker.too_many());
            }
            let Some(path) = resolver.find(image) else {
                let line = row.line;
                missing.push((image.to_owned(), line));
                let reason = format!("line {line} of the CSV file lists it, but there is no such file");
                plan.skipped.push(skip(resolver.folder.join(image), reason));
                continue;
            };
            if let Some((line, before)) = seen.get(&path) {
                if (*before == Label::Healthy) != (label == Label::Healthy) {
                    let detail =
                        format!("{} is listed in line {line} with another label: keep one of them", printable(image));
                    return Err(named(LineFault { line: row.line, detail }));
                }
                plan.skipped.push(skip(path, format!("line {} of the CSV file lists it a second time", row.line)));
                continue;
            }
            seen.insert(path.clone(), (row.line, label.clone()));
            let defective = label != Label::Healthy;
            let mask = list.columns.mask(row).and_then(|mask| match resolver.find(mask) {
                None if defective => Some(resolver.folder.join(mask)),
                found => found,
            });
            masks.extend(mask.clone());
            let subset = match list.columns.subset(row) {
                Subset::Any => whole,
                subset => subset,
            };
            plan.candidates.push(Candidate { path, subset, label: PlannedLabel::Known(label), mask });
        }
    }
    if let (Some((first, line)), Some(list), true) = (missing.first(), lists.first(), plan.candidates.is_empty()) {
        let detail = format!(
            "it lists {}, for example {}, and none of them exists: keep the list beside the images",
            counted(missing.len(), "image"),
            printable(first)
        );
        return Err(DataError::Csv { path: list.path.clone(), line: *line, detail });
    }
    if let Some((first, line)) = missing.first() {
        let files = if missing.len() == 1 {
            "1 listed image does".to_owned()
        } else {
            format!("{} do", counted(missing.len(), "listed image"))
        };
        plan.notes.push(format!("{files} not exist, for example {} in line {line}", printable(first)));
    }
    skip_unlisted(&mut plan, lists, &seen, &masks, files);
    Ok(plan)
}

/// Names the images in the folder that no list mentions.
fn skip_unlisted(
    plan: &mut Plan,
    lists: &[ReadList],
    seen: &HashMap<PathBuf, (u64, Label)>,
    masks: &BTreeSet<PathBuf>,
    files: Option<&[PathBuf]>,
) {
    let mut beside = Vec::new();
    if files.is_none() {
        let folders: BTreeSet<&Path> = seen.keys().filter_map(|path| path.parent()).collect();
        let entries = folders.into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
        beside = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        beside.sort();
    }
    let all = files.unwrap_or(&beside);
    let names: Vec<String> = lists.iter().map(|list| name_of(&list.path)).collect();
    let unlisted: Vec<&PathBuf> = all
        .iter()
        .filter(|path| is_named_like_an_image(path) && !seen.contains_key(*path) && !masks.contains(*path))
        .collect();
    let Some(first) = unlisted.first() else { return };
    let images =
        if unlisted.len() == 1 { "1 image is".to_owned() } else { format!("{} are", counted(unlisted.len(), "image")) };
    plan.notes.push(format!("{images} not on the list and left out, for example {}", first.printable()));
    let reason = format!("it is not on the list {}", names.join(", "));
    plan.skipped.extend(unlisted.into_iter().map(|path| skip(path.clone(), reason.clone())));
}

/// Finds the files that a list names: relative to the list or absolute, with Windows or other separators, in other case
/// or Unicode form, without extension, under a folder that has moved, or by a name that only one image has.
struct Resolver<'a> {
    folder: PathBuf,
    images: &'a ImageNames,
    /// The entries of folders by their folded names.
    entries: HashMap<PathBuf, HashMap<String, PathBuf>>,
}

impl<'a> Resolver<'a> {
    fn new(list: &Path, images: &'a ImageNames) -> Self {
        Self { folder: list.parent().unwrap_or(Path::new("")).to_owned(), images, entries: HashMap::new() }
    }

    fn find(&mut self, name: &str) -> Option<PathBuf> {
        let folder = self.folder.clone();
        let whole = folder.join(name);
        if whole.is_file() {
            return Some(whole);
        }
        let slashed = name.replace('\\', "/");
        let whole = folder.join(&slashed);
        if whole.is_file() {
            return Some(whole);
        }
        let parts: Vec<&str> = slashed.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        for start in 0..parts.len() {
            if let Some(found) = self.within(&folder, &parts[start..]) {
                return Some(found);
            }
        }
        // A list in a folder of lists names images beside that folder.
        let above = folder.parent().and_then(|above| self.within(above, &parts));
        above.or_else(|| self.images.only(name).cloned())
    }

    /// Finds a file below a folder, whatever the case of its names.
    fn within(&mut self, folder: &Path, parts: &[&str]) -> Option<PathBuf> {
        let mut at = folder.to_owned();
        for (i, part) in parts.iter().enumerate() {
            if *part == ".." {
                at = at.parent()?.to_owned();
                continue;
            }
            let entries = self.entries.entry(at.clone()).or_insert_with(|| entries_of(&at));
            let last = i + 1 == parts.len();
            let mut found = entries.get(&fold(part)).cloned();
            if found.is_none() && last {
                found = extensions().find_map(|extension| entries.get(&fold(&format!("{part}.{extension}"))).cloned());
            }
            at = found?;
        }
        at.is_file().then_some(at)
    }
}

/// The files in the folder of a list and in those directly below it.
fn beside(list: &Path) -> Vec<PathBuf> {
    let listing = |folder: &Path| Listing::of(folder).ok();
    let Some(here) = list.parent().and_then(listing) else { return Vec::new() };
    let below = here.folders.iter().filter_map(|folder| listing(folder)).flat_map(|below| below.files);
    let below: Vec<PathBuf> = below.take(MAX_FILES).collect();
    [here.files, below].concat()
}

fn entries_of(folder: &Path) -> HashMap<String, PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| (fold(&entry.file_name().to_string_lossy()), entry.path())).collect()
}
