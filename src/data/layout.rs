//! Recognises the layout of a folder of images and reads every file once.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use rayon::prelude::*;
use serde::Deserialize;

use super::{
    DataError, Dataset, DatasetImage, DatasetLayout, FileFault, Label, Skipped, Subset,
    decode::{decode, decode_hashed, is_passed_over},
    decoder_pool::on_decoders,
};

use crate::text::PrintablePath;

/// Maximum number of files in a data set.
pub(crate) const MAX_FILES: usize = 200_000;

/// Called with (images read, total images) from several threads; `false` stops the reading. Both are 0 while the folder
/// is being listed.
pub(crate) type ReadProgress<'a> = dyn Fn(usize, usize) -> bool + Sync + 'a;

/// Recognises the layout of `root`, a folder or a CSV file, and decodes every image and mask once.
///
/// Hidden files are ignored. Unusable files are listed in [`Dataset::skipped`]; the image of an unusable mask is kept.
/// Blocks until done; decoding runs on the decoding threads.
///
/// # Errors
/// A folder that is missing, unreadable, empty, without images or without healthy images, or that contains several MVTec
/// AD data sets; an invalid CSV line; more than `MAX_FILES` files; [`DataError::Cancelled`] if `progress` returned
/// `false`.
pub fn describe(root: &Path, progress: &ReadProgress<'_>) -> Result<Dataset, DataError> {
    let plan = Planner { root, progress }.plan()?;
    let total = plan.candidates.len();
    let files = total + plan.skipped.len();
    let (done, stopped) = (AtomicUsize::new(0), AtomicBool::new(!progress(0, total)));
    let read: Vec<Option<Outcome>> = on_decoders(|| {
        let one = |candidate: Candidate| {
            if stopped.load(Ordering::Relaxed) {
                return None;
            }
            let outcome = candidate.read();
            if !progress(done.fetch_add(1, Ordering::Relaxed) + 1, total) {
                stopped.store(true, Ordering::Relaxed);
            }
            Some(outcome)
        };
        plan.candidates.into_par_iter().map(one).collect()
    });
    if stopped.into_inner() {
        return Err(DataError::Cancelled);
    }
    let (mut items, mut skipped) = (Vec::with_capacity(total), plan.skipped);
    for outcome in read.into_iter().flatten() {
        items.extend(outcome.item);
        skipped.extend(outcome.skipped);
    }
    items.sort_by(|a, b| a.path.cmp(&b.path));
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    let set = Dataset { root: root.to_owned(), layout: plan.layout, items, skipped };
    if set.items.is_empty() {
        return Err(match set.skipped.first() {
            Some(first) => {
                let first = format!("{}: {}", first.path.printable(), first.reason);
                DataError::NoImages { root: set.root, files, first }
            }
            None => DataError::Empty(set.root),
        });
    }
    if set.healthy_for_training().next().is_none() {
        return Err(DataError::OnlyDefective { root: set.root, images: set.items.len() });
    }
    Ok(set)
}

/// A file that is an image according to the layout.
struct Candidate {
    path: PathBuf,
    subset: Subset,
    label: Label,
    mask: Option<PathBuf>,
}

struct Outcome {
    item: Option<DatasetImage>,
    skipped: Option<Skipped>,
}

impl Candidate {
    fn read(self) -> Outcome {
        let (picture, hash) = match decode_hashed(&self.path) {
            Ok(read) => read,
            Err(error) => return Outcome { item: None, skipped: Some(skip(self.path, reason(&error))) },
        };
        let (width, height) = (picture.width(), picture.height());
        let mut item = DatasetImage {
            path: self.path,
            subset: self.subset,
            label: self.label,
            mask: None,
            hash,
            width,
            height,
            channels: picture.channels(),
            bits: picture.bits(),
            peak: picture.peak(),
            images: picture.images(),
        };
        drop(picture);
        let mut skipped = None;
        if let Some(mask) = self.mask {
            match check_mask(&mask, width, height) {
                Ok(()) => item.mask = Some(mask),
                Err(reason) => skipped = Some(skip(mask, reason)),
            }
        }
        Outcome { item: Some(item), skipped }
    }
}

fn check_mask(path: &Path, width: usize, height: usize) -> Result<(), String> {
    let mask = decode(path).map_err(|error| reason(&error))?;
    if (mask.width(), mask.height()) != (width, height) {
        let (w, h) = (mask.width(), mask.height());
        return Err(format!(
            "the mask is {w} x {h} pixels and its image {width} x {height}; the image is used without a mask"
        ));
    }
    if mask.is_blank() {
        return Err("the mask is empty; the image is used without a mask".to_owned());
    }
    Ok(())
}

/// Returns the reason of an error without the file's name.
fn reason(error: &DataError) -> String {
    match error {
        DataError::File { fault, .. } => fault.to_string(),
        other => other.to_string(),
    }
}

fn skip(path: PathBuf, reason: impl Into<String>) -> Skipped {
    Skipped { path, reason: reason.into() }
}

/// The files to read, before any is decoded.
struct Plan {
    layout: DatasetLayout,
    candidates: Vec<Candidate>,
    skipped: Vec<Skipped>,
}

impl Plan {
    fn new(layout: DatasetLayout) -> Self {
        Self { layout, candidates: Vec::new(), skipped: Vec::new() }
    }

    fn add(&mut self, path: PathBuf, subset: Subset, label: Label, mask: Option<PathBuf>) {
        self.candidates.push(Candidate { path, subset, label, mask });
    }

    /// Lists the masks without an image as skipped.
    fn skip_orphans<'a>(&mut self, masks: impl Iterator<Item = &'a PathBuf>) {
        let used: HashSet<&PathBuf> = self.candidates.iter().filter_map(|c| c.mask.as_ref()).collect();
        let orphans: Vec<_> = masks.filter(|mask| !used.contains(mask)).cloned().collect();
        self.skipped.extend(orphans.into_iter().map(|mask| skip(mask, "no image belongs to this mask")));
    }
}

/// Lists the folders for one call of [`describe`].
struct Planner<'a> {
    root: &'a Path,
    progress: &'a ReadProgress<'a>,
}

impl Planner<'_> {
    fn plan(&self) -> Result<Plan, DataError> {
        let root = self.root;
        let metadata = fs::metadata(root).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => DataError::Missing(root.to_owned()),
            _ => DataError::Unreadable { path: root.to_owned(), source },
        })?;
        if !metadata.is_dir() {
            return if has_extension(root, &["csv"]) {
                self.csv(root)
            } else {
                Err(DataError::NotAFolder(root.to_owned()))
            };
        }
        let here = list(root).map_err(|source| DataError::Unreadable { path: root.to_owned(), source })?;
        let lists: Vec<&PathBuf> = here.files.iter().filter(|f| has_extension(f, &["csv"])).collect();
        if let [csv] = lists.as_slice()
            && read_header(csv).is_ok()
        {
            return self.csv(csv);
        }
        if is_mvtec(root) {
            return self.mvtec();
        }
        if is_dagm_class(root) {
            return self.dagm(&[root.to_owned()], &here);
        }
        let classes = here.folders_where(|f| is_dagm_class(f) && starts_with(f, "class"));
        if !classes.is_empty() {
            return self.dagm(&classes, &here);
        }
        let defects = here.folders_where(is_dagm_defects);
        if !defects.is_empty() {
            return self.dagm_pairs(&defects, &here);
        }
        let tiles = here.folders_where(|f| starts_with(f, "mt_") && child(f, "Imgs").is_some());
        if !tiles.is_empty() {
            return self.tiles(&tiles, &here);
        }
        let sets = here.folders_where(is_mvtec);
        if !sets.is_empty() {
            let names = sets.iter().map(|set| name_of(set)).collect();
            return Err(DataError::SeveralSets { root: root.to_owned(), names });
        }
        self.flat()
    }

    fn flat(&self) -> Result<Plan, DataError> {
        let mut plan = Plan::new(DatasetLayout::Flat);
        for path in self.walk(self.root, &mut plan.skipped)? {
            plan.add(path, Subset::Any, Label::Healthy, None);
        }
        Ok(plan)
    }

    fn mvtec(&self) -> Result<Plan, DataError> {
        let mut plan = Plan::new(DatasetLayout::MvtecAd);
        let mut masks: BTreeMap<(PathBuf, String), PathBuf> = BTreeMap::new();
        let truth = child(self.root, "ground_truth");
        if let Some(truth) = &truth {
            for mask in self.walk(truth, &mut plan.skipped)? {
                let folder = relative_folder(&mask, truth);
                masks.insert((folder, without_suffix(&stem(&mask), "_mask")), mask);
            }
        }
        let mut used: Vec<PathBuf> = truth.into_iter().collect();
        for (name, subset) in [("train", Subset::Train), ("test", Subset::Test)] {
            let Some(folder) = child(self.root, name) else { continue };
            for path in self.walk(&folder, &mut plan.skipped)? {
                let type_folder = relative_folder(&path, &folder);
                let Some(defect) = type_folder.iter().next().map(|k| k.to_string_lossy().into_owned()) else {
                    plan.skipped.push(skip(path, format!("it is not in a sub-folder of {name}, such as {name}/good")));
                    continue;
                };
                if defect.eq_ignore_ascii_case("good") {
                    plan.add(path, subset, Label::Healthy, None);
                } else {
                    let mask = masks.get(&(type_folder, stem(&path))).cloned();
                    plan.add(path, subset, Label::Defective(defect), mask);
                }
            }
            used.push(folder);
        }
        plan.skip_orphans(masks.values());
        self.skip_rest(&mut plan, &used)?;
        Ok(plan)
    }

    fn dagm(&self, classes: &[PathBuf], here: &Listing) -> Result<Plan, DataError> {
        let mut plan = Plan::new(DatasetLayout::Dagm);
        let has_classes = classes.first().is_some_and(|class| class != self.root);
        for class in classes {
            let defect = if has_classes { name_of(class) } else { "defect".to_owned() };
            for (name, subset) in [("Train", Subset::Train), ("Test", Subset::Test)] {
                let Some(folder) = child(class, name) else { continue };
                let images = self.files(&folder)?;
                let Some(labels) = child(&folder, "Label") else {
                    let reason = "there is no Label folder next to it that tells healthy from defective images";
                    plan.skipped.extend(images.into_iter().map(|path| skip(path, reason)));
                    continue;
                };
                let mut masks: BTreeMap<String, PathBuf> = BTreeMap::new();
                for mask in self.files(&labels)? {
                    // Labels.txt duplicates the information in the masks' names.
                    if !has_extension(&mask, &["txt"]) {
                        masks.insert(without_suffix(&stem(&mask), "_label"), mask);
                    }
                }
                for path in images {
                    let mask = masks.get(&stem(&path)).cloned();
                    let label = if mask.is_some() { Label::Defective(defect.clone()) } else { Label::Healthy };
                    plan.add(path, subset, label, mask);
                }
                plan.skip_orphans(masks.values());
            }
        }
        if has_classes {
            skip_others(&mut plan, here, classes);
        }
        Ok(plan)
    }

    /// The first release of DAGM: the healthy images of a class in one folder, `Class1`, the defective ones in another,
    /// `Class1_def`, with ellipses in a text file and no masks.
    fn dagm_pairs(&self, defects: &[PathBuf], here: &Listing) -> Result<Plan, DataError> {
        let mut plan = Plan::new(DatasetLayout::Dagm);
        let mut used = defects.to_vec();
        for folder in defects {
            let defect = without_suffix(&name_of(folder), "_def");
            for path in self.dagm_images(folder)? {
                plan.add(path, Subset::Any, Label::Defective(defect.clone()), None);
            }
            let Some(healthy) = here.folders_where(|f| name_of(f).eq_ignore_ascii_case(&defect)).pop() else {
                continue;
            };
            for path in self.dagm_images(&healthy)? {
                plan.add(path, Subset::Any, Label::Healthy, None);
            }
            used.push(healthy);
        }
        skip_others(&mut plan, here, &used);
        Ok(plan)
    }

    /// Lists the files of a DAGM folder, except for the text file that describes the defects.
    fn dagm_images(&self, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
        Ok(self.files(folder)?.into_iter().filter(|f| !has_extension(f, &["txt"])).collect())
    }

    fn tiles(&self, folders: &[PathBuf], here: &Listing) -> Result<Plan, DataError> {
        let mut plan = Plan::new(DatasetLayout::MagneticTile);
        for folder in folders {
            let defect = name_of(folder).chars().skip("MT_".len()).collect::<String>().to_lowercase();
            let Some(images) = child(folder, "Imgs") else { continue };
            let (masks, images): (Vec<_>, Vec<_>) =
                self.files(&images)?.into_iter().partition(|f| has_extension(f, &["png"]));
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
        skip_others(&mut plan, here, folders);
        Ok(plan)
    }

    fn csv(&self, csv: &Path) -> Result<Plan, DataError> {
        let mut plan = Plan::new(DatasetLayout::Csv);
        let folder = csv.parent().unwrap_or(Path::new(""));
        let (mut reader, headers) = read_header(csv)?;
        let mut seen = BTreeSet::new();
        let mut record = csv::StringRecord::new();
        loop {
            let before = reader.position().line();
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(plan),
                Err(error) => return Err(csv_error(csv, before, &error)),
            }
            let line = record.position().map_or(before, csv::Position::line);
            let invalid = |detail: String| DataError::Csv { path: csv.to_owned(), line, detail };
            let row: Row = record.deserialize(Some(&headers)).map_err(|error| csv_error(csv, line, &error))?;
            if row.image_filepath.is_empty() {
                return Err(invalid(
                    "image_filepath is empty: enter the path of the image, relative to the CSV file".to_owned(),
                ));
            }
            let defective = match row.is_defective.to_ascii_lowercase().as_str() {
                "1" | "true" => true,
                "0" | "false" => false,
                other => return Err(invalid(format!("is_defective is `{other}`: enter 0, 1, true or false"))),
            };
            let path = resolve(folder, &row.image_filepath);
            if !seen.insert(path.clone()) {
                plan.skipped.push(skip(path, format!("line {line} of the CSV file lists it a second time")));
                continue;
            }
            if seen.len() > MAX_FILES {
                return Err(self.too_many());
            }
            if !path.is_file() {
                plan.skipped
                    .push(skip(path, format!("line {line} of the CSV file lists it, but there is no such file")));
                continue;
            }
            let mask =
                row.lbl_image_filepath.filter(|mask| defective && !mask.is_empty()).map(|mask| resolve(folder, &mask));
            let label = if defective { Label::Defective("defect".to_owned()) } else { Label::Healthy };
            plan.add(path, Subset::Any, label, mask);
        }
    }

    /// Lists as skipped the entries of the root that are not in `used`.
    fn skip_rest(&self, plan: &mut Plan, used: &[PathBuf]) -> Result<(), DataError> {
        let here = list(self.root).map_err(|source| DataError::Unreadable { path: self.root.to_owned(), source })?;
        skip_others(plan, &here, used);
        Ok(())
    }

    /// Lists the visible files directly in `folder`.
    fn files(&self, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
        self.check_cancelled()?;
        let here = list(folder).map_err(|source| DataError::Unreadable { path: folder.to_owned(), source })?;
        if here.files.len() > MAX_FILES {
            return Err(self.too_many());
        }
        Ok(here.files)
    }

    /// Lists the visible files anywhere below `folder`. A sub-folder that cannot be listed is skipped; one reached twice
    /// through links is listed once.
    fn walk(&self, folder: &Path, skipped: &mut Vec<Skipped>) -> Result<Vec<PathBuf>, DataError> {
        let (mut found, mut open, mut seen) = (Vec::new(), vec![folder.to_owned()], HashSet::new());
        while let Some(next) = open.pop() {
            self.check_cancelled()?;
            if !seen.insert(fs::canonicalize(&next).unwrap_or_else(|_| next.clone())) {
                continue;
            }
            match list(&next) {
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

    fn check_cancelled(&self) -> Result<(), DataError> {
        if (self.progress)(0, 0) { Ok(()) } else { Err(DataError::Cancelled) }
    }

    fn too_many(&self) -> DataError {
        DataError::TooManyFiles { root: self.root.to_owned(), limit: MAX_FILES }
    }
}

/// One row of a CSV file.
#[derive(Deserialize)]
struct Row {
    image_filepath: String,
    lbl_image_filepath: Option<String>,
    is_defective: String,
}

/// Required columns of a CSV file.
const COLUMNS: [&str; 3] = ["image_filepath", "lbl_image_filepath", "is_defective"];

fn read_header(path: &Path) -> Result<(csv::Reader<fs::File>, csv::StringRecord), DataError> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(|error| csv_error(path, 1, &error))?;
    let headers = reader.headers().map_err(|error| csv_error(path, 1, &error))?.clone();
    // Spreadsheets may write a byte order mark.
    let headers: csv::StringRecord = headers.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
    match COLUMNS.iter().find(|column| !headers.iter().any(|name| name == **column)) {
        None => Ok((reader, headers)),
        Some(column) => {
            let detail = format!("the header has no column {column}: the first line must be {}", COLUMNS.join(","));
            Err(DataError::Csv { path: path.to_owned(), line: 1, detail })
        }
    }
}

fn csv_error(path: &Path, line: u64, error: &csv::Error) -> DataError {
    let (line, detail) = match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => (
            pos.as_ref().map_or(line, csv::Position::line),
            format!("it has {len} fields and the header has {expected_len}"),
        ),
        csv::ErrorKind::Utf8 { pos, .. } => {
            (pos.as_ref().map_or(line, csv::Position::line), "it is not UTF-8 text: save the file as UTF-8".to_owned())
        }
        csv::ErrorKind::Io(e) => (line, format!("it cannot be read ({e})")),
        _ => (line, format!("it is invalid ({error})")),
    };
    DataError::Csv { path: path.to_owned(), line, detail }
}

/// The visible entries of a folder, sorted.
struct Listing {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Listing {
    fn folders_where(&self, predicate: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        self.folders.iter().filter(|folder| predicate(folder)).cloned().collect()
    }
}

fn list(folder: &Path) -> io::Result<Listing> {
    let mut here = Listing { files: Vec::new(), folders: Vec::new() };
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

fn skip_others(plan: &mut Plan, here: &Listing, used: &[PathBuf]) {
    let others = here.files.iter().chain(&here.folders).filter(|path| !used.contains(path));
    let reason = format!("it is outside the folders of the {} layout", plan.layout);
    plan.skipped.extend(others.map(|path| skip(path.clone(), reason.clone())));
}

/// Whether `folder` contains the defective images of a DAGM class, such as `Class1_def`.
fn is_dagm_defects(folder: &Path) -> bool {
    starts_with(folder, "class") && name_of(folder).ends_with("_def")
}

/// Resolves a path from a CSV file in `folder`, which may use Windows separators.
fn resolve(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    if name.contains('\\') && !path.exists() { folder.join(name.replace('\\', "/")) } else { path }
}

fn is_mvtec(folder: &Path) -> bool {
    child(folder, "train").is_some_and(|train| child(&train, "good").is_some())
}

fn is_dagm_class(folder: &Path) -> bool {
    ["Train", "Test"].iter().any(|name| child(folder, name).is_some_and(|subset| child(&subset, "Label").is_some()))
}

/// Finds the sub-folder of that name, ignoring case.
fn child(folder: &Path, name: &str) -> Option<PathBuf> {
    let exact = folder.join(name);
    if exact.is_dir() {
        return Some(exact);
    }
    list(folder).ok()?.folders.into_iter().find(|f| name_of(f).eq_ignore_ascii_case(name))
}

/// Returns the relative path from `base` to the folder of the file.
fn relative_folder(file: &Path, base: &Path) -> PathBuf {
    file.parent().and_then(|folder| folder.strip_prefix(base).ok()).unwrap_or(Path::new("")).to_owned()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn starts_with(path: &Path, prefix: &str) -> bool {
    name_of(path).to_lowercase().starts_with(prefix)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn without_suffix(stem: &str, suffix: &str) -> String {
    stem.strip_suffix(suffix).unwrap_or(stem).to_owned()
}

fn has_extension(path: &Path, any: &[&str]) -> bool {
    path.extension().is_some_and(|e| any.iter().any(|a| e.eq_ignore_ascii_case(a)))
}
