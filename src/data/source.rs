//! Data sources: parsing and opening them.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    BitDepth, DataError, Dataset, DatasetImage, DatasetLayout, FileFault, FileHash, FolderRoles, ImageStore, Label,
    Split, Subset,
    decode::decode_hashed,
    layout::{ReadProgress, describe, describe_assigned},
    picture_facts::PictureFacts,
    store::DEFAULT_LIMIT,
    surface::{PREFIX, SurfaceKind, any_of, specimen_hash},
};
use crate::{format::counted, text::path_text};

/// Begins the text of folders whose roles the user has said.
const ROLES: &str = "roles:";

/// Number of healthy specimens of a built-in surface.
pub(crate) const SPECIMENS: usize = 96;
/// Width and height of a specimen in pixels.
pub(crate) const SPECIMEN_SIDE: usize = 256;

/// Where training images come from. Written as a path, or as `surface:turned` or `surface:turned:7`
/// (kind and seed), or as `roles:` with the folders and their roles in JSON; a folder whose name begins with `surface:` or
/// `roles:` is written `./surface:…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DataSource {
    /// A folder or a CSV file.
    Folder(PathBuf),
    /// Folders whose roles the user has said.
    Assigned(FolderRoles),
    /// A built-in surface, drawn by the program.
    Surface {
        /// The surface.
        kind: SurfaceKind,
        /// Random seed.
        seed: u64,
    },
}

impl FromStr for DataSource {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let invalid = |detail: &str| DataError::Source { text: text.to_owned(), detail: detail.to_owned() };
        if let Some(roles) = text.strip_prefix(ROLES) {
            return serde_json::from_str(roles)
                .map(Self::Assigned)
                .map_err(|error| invalid(&format!("the roles of the folders are invalid ({error})")));
        }
        let Some(named) = text.strip_prefix(PREFIX) else {
            return if text.trim().is_empty() {
                Err(invalid("enter a folder of images, or a built-in surface such as surface:turned"))
            } else {
                Ok(Self::Folder(path_text::from_text(text)))
            };
        };
        let (kind, seed) = named.split_once(':').unwrap_or((named, "0"));
        let kind = kind.parse().map_err(|_| {
            invalid(&format!("the built-in surfaces are {}", any_of(SurfaceKind::ALL.map(SurfaceKind::name))))
        })?;
        let seed = seed.parse().map_err(|_| invalid("the seed must be a whole number, as in surface:turned:7"))?;
        Ok(Self::Surface { kind, seed })
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => match path_text::to_text(path) {
                text if text.starts_with(PREFIX) || text.starts_with(ROLES) => write!(f, "./{text}"),
                text => f.write_str(&text),
            },
            Self::Assigned(roles) => {
                let json = serde_json::to_string(roles).map_err(|_| fmt::Error)?;
                write!(f, "{ROLES}{json}")
            }
            Self::Surface { kind, seed: 0 } => write!(f, "{PREFIX}{kind}"),
            Self::Surface { kind, seed } => write!(f, "{PREFIX}{kind}:{seed}"),
        }
    }
}

impl TryFrom<String> for DataSource {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<DataSource> for String {
    fn from(source: DataSource) -> Self {
        source.to_string()
    }
}

impl DataSource {
    /// The folder or file of the data; `None` for a built-in surface.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Assigned(roles) => Some(&roles.root),
            Self::Surface { .. } => None,
        }
    }

    /// Opens the data: a folder is read (see [`describe`]); a built-in surface opens immediately as 96 healthy specimens
    /// of 256 x 256 pixels that are drawn on demand.
    ///
    /// # Errors
    /// Those of [`describe`].
    pub fn open(&self, progress: &ReadProgress<'_>) -> Result<Opened, DataError> {
        match self {
            Self::Folder(path) => {
                let dataset = describe(path, progress)?;
                Ok(Opened::of(dataset))
            }
            Self::Assigned(roles) => Ok(Opened::of(describe_assigned(roles, progress)?)),
            Self::Surface { kind, seed } => {
                let items = (0..SPECIMENS).map(|index| specimen(*kind, *seed, index)).collect();
                let root = PathBuf::from(self.to_string());
                let dataset = Dataset::new(root, DatasetLayout::Surface, items);
                let store = Arc::new(ImageStore::surface(*kind, *seed, SPECIMEN_SIDE, SPECIMENS, DEFAULT_LIMIT));
                Ok(Opened { dataset, store })
            }
        }
    }
}

fn specimen(kind: SurfaceKind, seed: u64, index: usize) -> DatasetImage {
    let hash = specimen_hash(kind, None, seed, index, SPECIMEN_SIDE);
    DatasetImage {
        path: format!("{PREFIX}{kind}/{index:03}").into(),
        subset: Subset::Any,
        label: Label::Healthy,
        mask: None,
        hash,
        pixels: hash,
        width: SPECIMEN_SIDE,
        height: SPECIMEN_SIDE,
        channels: kind.channels(),
        bits: 8,
        peak: None,
        images: 1,
        coloured: kind.is_coloured(),
    }
}

/// Describes one file as an image of a data set; decodes it and checks its hash.
///
/// # Errors
/// [`DataError::File`] for a file that is missing, is not an image or has changed.
pub(crate) fn describe_file(path: &Path, hash: FileHash, label: Label) -> Result<DatasetImage, DataError> {
    let (picture, found) = decode_hashed(path)?;
    if found != hash {
        return Err(DataError::File { path: path.to_owned(), fault: FileFault::Changed });
    }
    let facts = PictureFacts::of(&picture);
    Ok(DatasetImage {
        path: path.to_owned(),
        subset: Subset::Any,
        label,
        mask: None,
        hash,
        pixels: facts.pixels,
        width: picture.width(),
        height: picture.height(),
        channels: picture.channels(),
        bits: picture.bits(),
        peak: picture.peak(),
        images: picture.images(),
        coloured: facts.coloured,
    })
}

/// An opened data set. Positions in the items of the data set are indices into the store.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Description of the data set.
    pub dataset: Dataset,
    /// Its images.
    pub store: Arc<ImageStore>,
}

impl Opened {
    fn of(dataset: Dataset) -> Self {
        let store = Arc::new(ImageStore::files(&dataset, DEFAULT_LIMIT));
        Self { dataset, store }
    }

    /// The same data with 16-bit samples read as using this many bits. [`BitDepth::Auto`] leaves the depth that the whole
    /// set decided.
    #[must_use]
    pub(crate) fn reading_at(&self, depth: BitDepth) -> Self {
        match depth {
            BitDepth::Auto => self.clone(),
            _ => Self { dataset: self.dataset.clone(), store: Arc::new(self.store.reading_at(depth)) },
        }
    }

    /// Draws a [`Split`] of the healthy training images.
    ///
    /// # Errors
    /// Those of [`Split::draw`].
    pub fn split(&self, share: f64, seed: u64) -> Result<Split, DataError> {
        Split::draw_pictures(self.dataset.healthy_for_training().map(|item| (item.hash, item.pixels)), share, seed)
    }

    /// Says how many images a split trains on and how many it holds out.
    pub fn split_sentence(&self, split: &Split) -> String {
        let (train, held_out) = (self.training_indices(split).len(), self.held_out_indices(split).len());
        format!("{} for training, {held_out} held out for calibration", counted(train, "image"))
    }

    /// Appends healthy training images to the data; those already in the training set are left out.
    #[must_use]
    pub(crate) fn with(&self, items: Vec<DatasetImage>) -> Self {
        let known: HashSet<FileHash> =
            self.dataset.healthy_for_training().flat_map(|item| [item.hash, item.pixels]).collect();
        let has_train = self.dataset.items.iter().any(|item| item.subset == Subset::Train);
        let subset = if has_train { Subset::Train } else { Subset::Any };
        let new = items.into_iter().filter(|item| !known.contains(&item.hash) && !known.contains(&item.pixels));
        let new: Vec<DatasetImage> = new.map(|item| DatasetImage { subset, label: Label::Healthy, ..item }).collect();
        let store = Arc::new(self.store.with(&new));
        let mut dataset = self.dataset.clone();
        dataset.items.extend(new);
        Self { dataset, store }
    }

    /// Returns the indices of the training images of `split`.
    pub fn training_indices(&self, split: &Split) -> Vec<usize> {
        self.indices_in(&split.train)
    }

    /// Returns the indices of the held-out images of `split`.
    pub fn held_out_indices(&self, split: &Split) -> Vec<usize> {
        self.indices_in(&split.held_out)
    }

    fn indices_in(&self, hashes: &[FileHash]) -> Vec<usize> {
        let selected: HashSet<&FileHash> = hashes.iter().collect();
        let items = &self.dataset.items;
        let is_selected = |i: &usize| items.get(*i).is_some_and(|item| selected.contains(&item.hash));
        self.dataset.training_positions().filter(is_selected).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_written_as_it_is_read() {
        for text in ["surface:turned", "surface:milled:7", "/data/parts", "./surface:odd folder", "parts.csv"] {
            let source: DataSource = text.parse().unwrap();
            assert_eq!(source.to_string(), text);
            let json = serde_json::to_string(&source).unwrap();
            assert_eq!(serde_json::from_str::<DataSource>(&json).unwrap(), source);
        }
        assert_eq!(DataSource::Folder("surface:odd".into()).to_string(), "./surface:odd");
        let message = |text: &str| text.parse::<DataSource>().unwrap_err().to_string();
        assert!(message("surface:wood").contains("turned, milled, ground, brushed, sintered, painted or anodised"));
        assert!(message("surface:turned:x").contains("whole number"));
        assert!(message("  ").contains("enter a folder"));
    }

    #[test]
    fn files_join_data_that_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.png");
        image::GrayImage::from_pixel(40, 30, image::Luma([9])).save(&path).unwrap();
        let hash = FileHash::of(&std::fs::read(&path).unwrap());
        let item = describe_file(&path, hash, Label::Healthy).unwrap();
        assert_eq!((item.width, item.height, item.channels, item.bits), (40, 30, 1, 8));
        let message = describe_file(&path, FileHash::of(b"other"), Label::Healthy).unwrap_err().to_string();
        assert!(message.contains("its content has changed"), "{message}");
        let opened = "surface:turned".parse::<DataSource>().unwrap().open(&|_, _| true).unwrap();
        let joined = opened.with(vec![item.clone()]);
        assert_eq!((joined.store.len(), joined.store.size(96)), (97, Some((40, 30))));
        assert_eq!(joined.store.get(96).unwrap().width(), 40);
        let split = Split { seed: 1, train: vec![hash], held_out: Vec::new(), pixels: Vec::new() };
        assert_eq!(joined.training_indices(&split), [96]);
        // An image that is already trained on is not added again.
        assert_eq!(joined.with(vec![item]).dataset.items.len(), 97);
    }

    #[test]
    fn a_built_in_surface_opens_at_once_and_splits() {
        let source: DataSource = "surface:turned:3".parse().unwrap();
        let opened = source.open(&|_, _| true).unwrap();
        assert_eq!((opened.dataset.items.len(), opened.store.len(), opened.store.cached_bytes()), (96, 96, 0));
        assert_eq!(opened.dataset.items[7].path, PathBuf::from("surface:turned/007"));
        let split = opened.split(0.2, 1).unwrap();
        let (train, held) = (opened.training_indices(&split), opened.held_out_indices(&split));
        assert_eq!((train.len(), held.len()), (76, 20));
        assert!(train.iter().all(|i| !held.contains(i)));
        let picture = opened.store.get(5).unwrap();
        let item = &opened.dataset.items[5];
        assert_eq!(
            (picture.width(), picture.height(), picture.channels(), picture.bits()),
            (item.width, item.height, item.channels, item.bits)
        );
    }
}
