//! Recognises the layout of a folder of images and reads every file once.

mod assigned;
mod columns;
mod file_names;
mod group;
mod image_names;
mod known;
mod label_list;
mod name;
mod pairing;
mod plan;
mod settle;
mod siblings;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod unclear;
mod vocabulary;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

pub use assigned::{DefectiveFolder, FolderRoles};
pub(crate) use plan::ReadProgress;
use plan::{Candidate, Plan, Walker, skip};
use rayon::prelude::*;
use settle::{ReadImage, settle};
pub use unclear::{FolderRole, FoundFolder, UnclearFolder};

use super::{
    DataError, Dataset, DatasetImage, DatasetLayout, Label, Skipped,
    decode::{decode, decode_hashed},
    decoder_pool::on_decoders,
    mask::{MaskScan, same_aspect},
    picture_facts::PictureFacts,
};
use crate::text::PrintablePath;

/// Recognises the layout of `root`, a folder or a label list, and decodes every image and mask once.
///
/// Hidden files are ignored. Unusable files are listed in [`Dataset::skipped`]; the image of an unusable mask is kept.
/// Blocks until done; decoding runs on the decoding threads.
///
/// # Errors
/// A folder that is missing, unreadable, empty, without images or without healthy images, or that contains several
/// data sets; [`DataError::Unclear`] where it cannot be told which images are healthy; a label list that cannot be read;
/// more than `MAX_FILES` files; [`DataError::Cancelled`] if `progress` returned `false`.
pub fn describe(root: &Path, progress: &ReadProgress<'_>) -> Result<Dataset, DataError> {
    read(root, plan(&Walker { root, progress })?, progress)
}

/// Reads the images of folders whose roles the user has said.
///
/// # Errors
/// Those of [`describe`].
pub fn describe_assigned(roles: &FolderRoles, progress: &ReadProgress<'_>) -> Result<Dataset, DataError> {
    let walker = Walker { root: &roles.root, progress };
    read(&roles.root, assigned::plan(roles, &walker)?, progress)
}

fn plan(walker: &Walker<'_>) -> Result<Plan, DataError> {
    let root = walker.root;
    let metadata = fs::metadata(root).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => DataError::Missing(root.to_owned()),
        _ => DataError::Unreadable { path: root.to_owned(), source },
    })?;
    if !metadata.is_dir() {
        return if label_list::is_named_like_a_list(root) {
            label_list::plan(root, walker)
        } else {
            Err(DataError::NotAFolder(root.to_owned()))
        };
    }
    let here = walker.list(root)?;
    let mut skipped = Vec::new();
    let files = walker.walk(root, &mut skipped)?;
    let unusable = match label_list::find(walker, &files) {
        Ok(Some(plan)) => return Ok(plan),
        Ok(None) => None,
        Err(error) => Some(error),
    };
    let spreadsheet = files.iter().find(|path| label_list::is_spreadsheet(path)).cloned();
    let by_folders = || match known::plan(walker, &here)? {
        Some(plan) => Ok(plan),
        None => tree::recognise(root, files, skipped),
    };
    if let Some(error) = unusable {
        return without_list(by_folders, error);
    }
    let plan = by_folders()?;
    match spreadsheet {
        Some(path) if plan.layout == DatasetLayout::Flat => Err(unclear_beside(root, &path, &plan)),
        _ => Ok(plan),
    }
}

/// The plan by the roles that folders give, where there is a list that cannot be used; its error where they give none.
fn without_list(by_folders: impl FnOnce() -> Result<Plan, DataError>, error: DataError) -> Result<Plan, DataError> {
    let DataError::Csv { path, .. } = &error else { return Err(error) };
    let Ok(mut plan) = by_folders() else { return Err(error) };
    if plan.layout == DatasetLayout::Flat {
        return Err(error);
    }
    plan.notes.push(format!("the folders say which parts are healthy: {error}"));
    plan.skipped.retain(|skipped| skipped.path != *path);
    plan.skipped.push(skip(path.clone(), error.to_string()));
    Ok(plan)
}

/// The error for images without any role beside a spreadsheet, which may hold their labels.
fn unclear_beside(root: &Path, spreadsheet: &Path, plan: &Plan) -> DataError {
    let mut folders: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for candidate in &plan.candidates {
        let below = candidate.path.strip_prefix(root).unwrap_or(&candidate.path).parent().unwrap_or(Path::new(""));
        *folders.entry(below.to_owned()).or_default() += 1;
    }
    let found = |(folder, images)| FoundFolder { folder, images, suggested: None };
    let reason = format!(
        "{} may hold their labels, and spreadsheets are not read: save it as CSV, or say that all are healthy",
        spreadsheet.file_name().unwrap_or_default().printable()
    );
    let folders = folders.into_iter().map(found).collect();
    DataError::Unclear(Box::new(UnclearFolder { root: root.to_owned(), reason, folders }))
}

/// Reads the files of a plan.
fn read(root: &Path, plan: Plan, progress: &ReadProgress<'_>) -> Result<Dataset, DataError> {
    let total = plan.candidates.len();
    let files = total + plan.skipped.len();
    let (done, stopped) = (AtomicUsize::new(0), AtomicBool::new(!progress(0, total)));
    let read: Vec<Option<Result<ReadImage, Skipped>>> = on_decoders(|| {
        let one = |candidate: Candidate| {
            if stopped.load(Ordering::Relaxed) {
                return None;
            }
            let outcome = read_image(candidate);
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
    let mut set = Dataset::new(root.to_owned(), plan.layout, Vec::new());
    (set.skipped, set.notes) = (plan.skipped, plan.notes);
    let mut images = Vec::with_capacity(total);
    for outcome in read.into_iter().flatten() {
        match outcome {
            Ok(image) => images.push(image),
            Err(skipped) => set.skipped.push(skipped),
        }
    }
    settle(&mut set, images)?;
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

/// Decodes an image and its mask.
fn read_image(candidate: Candidate) -> Result<ReadImage, Skipped> {
    let (picture, hash) = match decode_hashed(&candidate.path) {
        Ok(read) => read,
        Err(error) => return Err(skip(candidate.path, reason(&error))),
    };
    let facts = PictureFacts::of(&picture);
    let (width, height) = (picture.width(), picture.height());
    let item = DatasetImage {
        path: candidate.path.clone(),
        subset: candidate.subset,
        label: Label::Healthy,
        mask: None,
        hash,
        pixels: facts.pixels,
        width,
        height,
        channels: picture.channels(),
        bits: picture.bits(),
        peak: picture.peak(),
        images: picture.images(),
        coloured: facts.coloured,
    };
    drop(picture);
    let mask = candidate.mask.as_deref().map(|mask| scan_mask(mask, width, height));
    Ok(ReadImage { candidate, item, facts, mask })
}

fn scan_mask(path: &Path, width: usize, height: usize) -> Result<MaskScan, String> {
    let mask = decode(path).map_err(|error| reason(&error))?;
    let scan = MaskScan::of(&mask);
    if same_aspect((scan.width, scan.height), (width, height)) {
        return Ok(scan);
    }
    Err(format!("the mask is {} x {} pixels and its image {width} x {height}", scan.width, scan.height))
}

/// Returns the reason of an error without the file's name.
fn reason(error: &DataError) -> String {
    match error {
        DataError::File { fault, .. } => fault.to_string(),
        other => other.to_string(),
    }
}
