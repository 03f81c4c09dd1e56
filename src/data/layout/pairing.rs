//! Finds the image that a mask belongs to, by their names.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{
    group::ImageGroup,
    name::NamedRole,
    plan::stem,
    vocabulary::{Meaning, is_number, meaning, words},
};

/// Returns the words of an image's name without its extension.
pub(super) fn image_key(path: &Path) -> Vec<String> {
    words(&stem(path))
}

/// Returns the words that the image of a mask may have, most likely first; `None` if the name is not that of a mask.
fn mask_keys(path: &Path) -> Option<Vec<Vec<String>>> {
    let all = image_key(path);
    let at = all.iter().position(|word| meaning(word) == Some(Meaning::Mask))?;
    // Ground truth in two words.
    let before = match at {
        at if at > 0 && all[at] == "truth" && all[at - 1] == "ground" => &all[..at - 1],
        at => &all[..at],
    };
    let after = &all[at + 1..];
    let mut keys = Vec::new();
    if !before.is_empty() && after.iter().all(|word| is_number(word)) {
        keys.push(before.to_vec());
    }
    keys.push([before, after].concat());
    keys.retain(|key| !key.is_empty());
    Some(keys)
}

/// The masks that lie beside their images in one folder.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The masks of each image.
    pub(super) pairs: BTreeMap<PathBuf, Vec<PathBuf>>,
    /// Files with the name of a mask whose image is missing.
    pub(super) strays: Vec<PathBuf>,
    /// Every file with the name of a mask.
    pub(super) masks: HashSet<PathBuf>,
}

impl Beside {
    /// Finds the masks among the images of a folder.
    pub(super) fn among(images: &[PathBuf]) -> Self {
        let mut index: HashMap<Vec<String>, Vec<&PathBuf>> = HashMap::new();
        let mut masks = Vec::new();
        for path in images {
            match mask_keys(path) {
                Some(keys) => masks.push((path, keys)),
                None => index.entry(image_key(path)).or_default().push(path),
            }
        }
        let mut found = Self::default();
        for (mask, keys) in masks {
            let image = keys.iter().find_map(|key| match index.get(key).map(Vec::as_slice) {
                Some([only]) => Some(PathBuf::clone(only)),
                _ => None,
            });
            found.masks.insert(mask.clone());
            match image {
                Some(image) => found.pairs.entry(image).or_default().push(mask.clone()),
                None => found.strays.push(mask.clone()),
            }
        }
        found
    }
}

/// The masks of folders of masks, by image, and those without an image.
#[derive(Debug, Default)]
pub(super) struct Paired {
    pub(super) masks: BTreeMap<PathBuf, Vec<PathBuf>>,
    pub(super) orphans: Vec<PathBuf>,
}

/// Pairs the files of folders of masks with the images of other folders.
pub(super) fn pair(masks: &[&ImageGroup], images: &[&ImageGroup]) -> Paired {
    let mut index: HashMap<Vec<String>, Vec<(&ImageGroup, &PathBuf)>> = HashMap::new();
    for group in images {
        for path in &group.images {
            index.entry(image_key(path)).or_default().push((group, path));
        }
    }
    let mut paired = Paired::default();
    for group in masks {
        for mask in &group.images {
            match keys(group, mask, images, &index).iter().find_map(|key| best(group, index.get(key)?)) {
                Some(image) => paired.masks.entry(image.clone()).or_default().push(mask.clone()),
                None => paired.orphans.push(mask.clone()),
            }
        }
    }
    paired
}

/// The words that the image of a mask may have.
fn keys(
    group: &ImageGroup,
    mask: &Path,
    images: &[&ImageGroup],
    index: &HashMap<Vec<String>, Vec<(&ImageGroup, &PathBuf)>>,
) -> Vec<Vec<String>> {
    // A folder of masks per image, named after the image: ground_truth/scratch/000/001.png.
    if let Some(last) = group.names.last().filter(|last| last.role.is_none())
        && index.contains_key(&last.words)
        && !images.iter().any(|other| other.names.iter().any(|name| name.words == last.words))
    {
        return vec![last.words.clone()];
    }
    let mut keys = vec![image_key(mask)];
    keys.extend(mask_keys(mask).unwrap_or_default());
    keys
}

/// Returns the image whose folder shares most with the folder of the mask; `None` if several do.
fn best<'a>(mask: &ImageGroup, images: &[(&ImageGroup, &'a PathBuf)]) -> Option<&'a PathBuf> {
    let own: Vec<&Vec<String>> =
        mask.names.iter().filter(|name| name.role != Some(NamedRole::Masks)).map(|name| &name.words).collect();
    let score = |image: &ImageGroup| {
        let shared = own.iter().filter(|words| image.names.iter().any(|name| name.words == ***words)).count();
        let leading = image.names.iter().zip(&mask.names).take_while(|(a, b)| a.words == b.words).count();
        let defective = image.names.iter().any(|name| matches!(name.role, Some(NamedRole::Defective { .. })));
        (shared, leading, defective)
    };
    let scored: Vec<_> = images.iter().map(|(group, path)| (score(group), *path)).collect();
    let most = scored.iter().map(|(score, _)| *score).max()?;
    let mut leaders = scored.iter().filter(|(score, _)| *score == most);
    let first = leaders.next()?.1;
    leaders.next().is_none().then_some(first)
}
