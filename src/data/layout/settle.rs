//! What is known only once every image and mask has been read: polarity of the masks, labels that follow from masks,
//! images that show nothing, and images with the same pixels.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{
    super::{
        DataError, Dataset, DatasetImage, FileHash, Label, Skipped, Subset,
        mask::{MaskReading, MaskScan, large_note},
        picture_facts::PictureFacts,
    },
    plan::{Candidate, PlannedLabel, skip},
    unclear::{FoundFolder, UnclearFolder},
};
use crate::{format::counted, text::PrintablePath};

/// Maximum number of files that a note names.
const NAMED: usize = 4;

/// An image that was read.
pub(super) struct ReadImage {
    pub(super) candidate: Candidate,
    /// The image with the label of a healthy one, and what its pixels tell.
    pub(super) item: DatasetImage,
    pub(super) facts: PictureFacts,
    /// Its mask, or why that cannot be used.
    pub(super) mask: Option<Result<MaskScan, String>>,
}

/// Completes the images of a data set.
pub(super) fn settle(set: &mut Dataset, read: Vec<ReadImage>) -> Result<(), DataError> {
    let scans: Vec<&MaskScan> = read.iter().filter_map(|image| image.mask.as_ref()?.as_ref().ok()).collect();
    let (reading, notes) = MaskReading::of(&scans);
    set.mask_reading = reading;
    set.notes.extend(notes);
    let mut shares = Vec::new();
    let mut images: Vec<(DatasetImage, PictureFacts)> = Vec::new();
    for image in read {
        let facts = image.facts;
        let (item, skipped) = labelled(image, reading, &mut shares);
        set.skipped.extend(skipped);
        images.extend(item.map(|item| (item, facts)));
    }
    set.notes.extend(large_note(&shares));
    images.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
    leave_out_masks(set, &mut images)?;
    leave_out_contradictions(set, &mut images);
    leave_out_blank(set, &mut images)?;
    set.items = images.into_iter().map(|(item, _)| item).collect();
    set.notes.extend(copies(&set.items));
    set.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(())
}

/// Decides label and mask of an image.
fn labelled(
    image: ReadImage,
    reading: MaskReading,
    shares: &mut Vec<(String, f64)>,
) -> (Option<DatasetImage>, Option<Skipped>) {
    let ReadImage { candidate, mut item, mask, .. } = image;
    let path = candidate.mask.unwrap_or_default();
    let share = match &mask {
        Some(Ok(scan)) => Ok(Some(scan.share(reading))),
        Some(Err(reason)) => Err(reason.clone()),
        None => Ok(None),
    };
    if let Ok(Some(share)) = share
        && share > 0.0
    {
        shares.push((name(&path), share));
    }
    match (candidate.label, share) {
        (PlannedLabel::Known(label @ Label::Defective(_)), share) => {
            item.label = label;
            let skipped = match share {
                Ok(None) => None,
                Ok(Some(0.0)) => Some(skip(path, "the mask is empty; the image is used without a mask")),
                Ok(Some(_)) => {
                    item.mask = Some(path);
                    None
                }
                Err(reason) => Some(skip(path, format!("{reason}; the image is used without a mask"))),
            };
            (Some(item), skipped)
        }
        (PlannedLabel::Known(Label::Healthy), Ok(Some(share))) if share > 0.0 => {
            let reason = format!(
                "it is listed as healthy, but its mask, {}, marks {:.1} % of it: it is left out",
                path.printable(),
                share * 100.0
            );
            (None, Some(skip(item.path, reason)))
        }
        (PlannedLabel::Known(Label::Healthy), Err(reason)) => (Some(item), Some(skip(path, reason))),
        (PlannedLabel::Known(Label::Healthy), Ok(_)) => (Some(item), None),
        (PlannedLabel::ByMask(defect), Ok(share)) => {
            if share.is_some_and(|share| share > 0.0) {
                item.label = Label::Defective(defect);
                item.mask = Some(path);
            }
            (Some(item), None)
        }
        (PlannedLabel::ByMask(_), Err(reason)) => {
            let reason = format!("its mask, {}, cannot be used ({reason}), so it may be defective", path.printable());
            (None, Some(skip(item.path, reason)))
        }
    }
}

/// Finds masks among the images that are taken as healthy: black and white files among others. Where every one belongs
/// to an image by its name, that image is defective.
fn leave_out_masks(set: &mut Dataset, images: &mut Vec<(DatasetImage, PictureFacts)>) -> Result<(), DataError> {
    let healthy = images.iter().filter(|(item, _)| item.label == Label::Healthy).count();
    let masks: Vec<usize> =
        (0..images.len()).filter(|&i| images[i].1.like_mask && images[i].0.label == Label::Healthy).collect();
    if masks.is_empty() || masks.len() * 2 > healthy {
        return Ok(());
    }
    let partners: Vec<Option<usize>> = masks.iter().map(|&mask| partner(images, &masks, mask)).collect();
    let distinct: HashSet<usize> = partners.iter().flatten().copied().collect();
    if distinct.len() < masks.len() {
        let first = images[masks[0]].0.path.printable();
        let files =
            if masks.len() == 1 { "1 file looks".to_owned() } else { format!("{} look", counted(masks.len(), "file")) };
        let reason = format!(
            "{files} like a mask, black and white, for example {first}, and the images that they belong to are defective"
        );
        return Err(DataError::Unclear(Box::new(UnclearFolder {
            root: set.root.clone(),
            reason,
            folders: folders_of(&set.root, images),
        })));
    }
    for (&mask, partner) in masks.iter().zip(&partners) {
        let Some(partner) = partner else { continue };
        let path = images[mask].0.path.clone();
        images[*partner].0.label = Label::Defective("defect".to_owned());
        images[*partner].0.mask = Some(path);
    }
    set.notes.push(format!(
        "{} black and white and named after another image: {} read as {}, the other as defective",
        if masks.len() == 1 { "1 file is".to_owned() } else { format!("{} are", counted(masks.len(), "file")) },
        if masks.len() == 1 { "it is" } else { "they are" },
        if masks.len() == 1 { "a mask" } else { "masks" },
    ));
    let gone: HashSet<usize> = masks.into_iter().collect();
    let mut index = 0;
    images.retain(|_| {
        index += 1;
        !gone.contains(&(index - 1))
    });
    Ok(())
}

/// The image that a file named after it belongs to: the same folder and size, and the longest name within its own.
fn partner(images: &[(DatasetImage, PictureFacts)], masks: &[usize], mask: usize) -> Option<usize> {
    let name = |i: usize| images[i].0.path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let own = name(mask);
    let fits = |&i: &usize| {
        let (a, b) = (&images[i].0, &images[mask].0);
        let same = a.path.parent() == b.path.parent() && (a.width, a.height) == (b.width, b.height);
        let other = name(i);
        same && !masks.contains(&i) && (own.starts_with(&other) || own.ends_with(&other))
    };
    (0..images.len()).filter(fits).max_by_key(|&i| name(i).len())
}

fn folders_of(root: &Path, images: &[(DatasetImage, PictureFacts)]) -> Vec<FoundFolder> {
    let mut folders: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (item, _) in images {
        let folder = item.path.parent().and_then(|folder| folder.strip_prefix(root).ok()).unwrap_or(Path::new(""));
        *folders.entry(folder.to_owned()).or_default() += 1;
    }
    folders.into_iter().map(|(folder, images)| FoundFolder { folder, images, suggested: None }).collect()
}

/// Leaves out healthy images whose pixels are those of a defective one.
fn leave_out_contradictions(set: &mut Dataset, images: &mut Vec<(DatasetImage, PictureFacts)>) {
    let defective: HashMap<FileHash, PathBuf> = images
        .iter()
        .filter(|(item, _)| item.label != Label::Healthy)
        .map(|(item, _)| (item.pixels, item.path.clone()))
        .collect();
    images.retain(|(item, _)| match defective.get(&item.pixels).filter(|_| item.label == Label::Healthy) {
        Some(other) => {
            let reason = format!("the same image is listed as defective: {}", other.printable());
            set.skipped.push(skip(item.path.clone(), reason));
            false
        }
        None => true,
    });
}

/// Leaves out healthy training images that show nothing.
///
/// # Errors
/// [`DataError::BlankImages`] if most of them do.
fn leave_out_blank(set: &mut Dataset, images: &mut Vec<(DatasetImage, PictureFacts)>) -> Result<(), DataError> {
    let has_train = images.iter().any(|(item, _)| item.subset == Subset::Train);
    let trains = |item: &DatasetImage| item.label == Label::Healthy && (!has_train || item.subset == Subset::Train);
    let all = images.iter().filter(|(item, _)| trains(item)).count();
    let blank: Vec<&(DatasetImage, PictureFacts)> =
        images.iter().filter(|(item, facts)| trains(item) && facts.blank.is_some()).collect();
    let Some((first, facts)) = blank.first().map(|(item, facts)| (item, facts)) else { return Ok(()) };
    if blank.len() * 2 > all {
        let example = format!("{} is {}", first.path.printable(), facts.blank.map_or("", |blank| blank.title()));
        return Err(DataError::BlankImages { root: set.root.clone(), count: blank.len(), of: all, example });
    }
    let names: Vec<String> = blank.iter().map(|(item, _)| name(&item.path)).collect();
    set.notes.push(format!(
        "{} nothing (black, white or one grey all over) and {} not trained on: {}",
        if blank.len() == 1 { "1 image shows".to_owned() } else { format!("{} show", counted(blank.len(), "image")) },
        if blank.len() == 1 { "is" } else { "are" },
        some(&names),
    ));
    let skipped: Vec<Skipped> = blank
        .iter()
        .map(|(item, facts)| {
            let what = facts.blank.map_or("", |blank| blank.title());
            skip(item.path.clone(), format!("it is {what} and shows no part; remove it or take it again"))
        })
        .collect();
    set.skipped.extend(skipped);
    images.retain(|(item, facts)| !(trains(item) && facts.blank.is_some()));
    Ok(())
}

/// Says which images have the same pixels.
fn copies(items: &[DatasetImage]) -> Vec<String> {
    let mut groups: BTreeMap<FileHash, Vec<&DatasetImage>> = BTreeMap::new();
    for item in items {
        groups.entry(item.pixels).or_default().push(item);
    }
    let repeated: Vec<&Vec<&DatasetImage>> = groups.values().filter(|group| group.len() > 1).collect();
    let count: usize = repeated.iter().map(|group| group.len() - 1).sum();
    let Some(first) = repeated.iter().min_by_key(|group| &group[0].path) else { return Vec::new() };
    let names: Vec<String> = first.iter().take(NAMED).map(|item| name(&item.path)).collect();
    let mut notes = vec![format!(
        "{} the same pixels as another ({}): copies stay on one side of every split",
        if count == 1 { "1 image has".to_owned() } else { format!("{} have", counted(count, "image")) },
        names.join(", ")
    )];
    let across = |group: &&&Vec<&DatasetImage>| {
        let has = |subset| group.iter().any(|item| item.subset == subset);
        has(Subset::Train) && has(Subset::Test)
    };
    let tests: usize = repeated
        .iter()
        .filter(across)
        .map(|group| group.iter().filter(|item| item.subset == Subset::Test).count())
        .sum();
    if tests > 0 {
        notes.push(format!(
            "{} in the training images as well: an evaluation leaves them out",
            match tests {
                1 => "1 test image is".to_owned(),
                n => format!("{} are", counted(n, "test image")),
            }
        ));
    }
    notes
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).printable().to_string()
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
