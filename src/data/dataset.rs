//! The contents of a data set and their summary.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{BitDepth, FileHash, MaskReading};
use crate::{
    format::counted,
    text::{PrintablePath, printable},
};

/// Arrangement of the files of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatasetLayout {
    /// `ClassN/{Train,Test}/*.PNG` with masks in `Label/*_label.PNG` (DAGM 2007).
    Dagm,
    /// `train/good`, `test/<defect>`, `ground_truth/<defect>/<name>_mask.png` (MVTec AD).
    MvtecAd,
    /// `MT_<defect>/Imgs/*.jpg` with PNG masks next to them (Magnetic-Tile).
    MagneticTile,
    /// A list of images with their labels, such as a CSV file.
    Csv,
    /// Folders named after what they hold, such as `OK` and `NG`.
    Folders,
    /// Images with masks, which say which are defective.
    Masks,
    /// Folders whose roles the user has said.
    Assigned,
    /// A folder whose images are all healthy.
    Flat,
    /// A built-in surface, drawn by the program.
    Surface,
}

impl DatasetLayout {
    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Dagm => "DAGM 2007",
            Self::MvtecAd => "MVTec AD",
            Self::MagneticTile => "Magnetic-Tile",
            Self::Csv => "CSV list",
            Self::Folders => "folder of healthy and defective parts",
            Self::Masks => "folder of images with masks",
            Self::Assigned => "folder with roles set by you",
            Self::Flat => "folder of healthy images",
            Self::Surface => "built-in surface",
        }
    }
}

impl fmt::Display for DatasetLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// The subset that a layout assigns an image to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subset {
    /// For training.
    Train,
    /// For testing only.
    Test,
    /// The layout has no subsets.
    Any,
}

/// The label that a layout gives an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Label {
    /// No defect.
    Healthy,
    /// A defect of this type.
    Defective(String),
}

/// One usable image.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetImage {
    /// The file; for a built-in surface a name such as `surface:turned/007`.
    pub path: PathBuf,
    /// Subset according to the layout.
    pub subset: Subset,
    /// Healthy, or the defect type.
    pub label: Label,
    /// File of the mask of the defect; see [`Dataset::mask_reading`].
    pub mask: Option<PathBuf>,
    /// Hash of the file.
    pub hash: FileHash,
    /// Hash of the pixels, whatever the file format.
    pub pixels: FileHash,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Channels: 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// Bits per sample: 8 or 16.
    pub bits: u8,
    /// The largest 16-bit sample; `None` for 8 bits and where the file says how many of 16 bits its samples use.
    pub peak: Option<u16>,
    /// Number of images in the file, of which the first is used.
    pub images: u32,
    /// Whether it has colours, rather than grey stored as RGB.
    pub coloured: bool,
}

impl DatasetImage {
    /// Returns the size of the decoded image in bytes.
    pub fn bytes(&self) -> usize {
        self.width * self.height * self.channels * usize::from(self.bits / 8)
    }
}

/// A file that is not used, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file or folder.
    pub path: PathBuf,
    /// The reason and the remedy.
    pub reason: String,
}

/// A data set as recognised in a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The folder or CSV file.
    pub root: PathBuf,
    /// Its layout.
    pub layout: DatasetLayout,
    /// The usable images, ordered by path.
    pub items: Vec<DatasetImage>,
    /// Unused files, ordered by path.
    pub skipped: Vec<Skipped>,
    /// How the masks are read.
    pub mask_reading: MaskReading,
    /// How the data were understood, as far as it is not plain: clauses in lower case.
    pub notes: Vec<String>,
}

impl Dataset {
    /// Creates a data set of these images.
    pub(crate) fn new(root: PathBuf, layout: DatasetLayout, items: Vec<DatasetImage>) -> Self {
        Self { root, layout, items, skipped: Vec::new(), mask_reading: MaskReading::default(), notes: Vec::new() }
    }

    /// Returns the positions in `items` of the healthy training images: those in the training subset, or every healthy
    /// image if the layout has no subsets.
    pub fn training_positions(&self) -> impl Iterator<Item = usize> + '_ {
        let has_train = self.items.iter().any(|item| item.subset == Subset::Train);
        let is_training =
            move |item: &DatasetImage| item.label == Label::Healthy && (!has_train || item.subset == Subset::Train);
        self.items.iter().enumerate().filter(move |(_, item)| is_training(item)).map(|(i, _)| i)
    }

    /// Returns the healthy training images; see [`Dataset::training_positions`].
    pub fn healthy_for_training(&self) -> impl Iterator<Item = &DatasetImage> {
        self.training_positions().filter_map(|i| self.items.get(i))
    }

    /// The bits that the 16-bit samples of the data set use, decided by the largest of them all, because a single image
    /// may be dark; [`BitDepth::Auto`] where no file leaves that open.
    pub fn bit_depth(&self) -> BitDepth {
        self.items.iter().filter_map(|item| item.peak).max().map_or(BitDepth::Auto, BitDepth::holding)
    }

    /// Counts the images of the data set.
    pub fn summary(&self) -> DatasetSummary {
        let mut summary = DatasetSummary {
            layout: self.layout,
            healthy: 0,
            for_training: self.healthy_for_training().count(),
            defective: 0,
            masks: 0,
            defect_types: BTreeMap::new(),
            sizes: BTreeMap::new(),
            bits: BTreeMap::new(),
            channels: BTreeMap::new(),
            low_bits: (self.items.iter().filter_map(|item| item.peak).max())
                .map(|peak| (BitDepth::holding(peak), peak))
                .filter(|(depth, _)| *depth != BitDepth::Sixteen),
            several: self.items.iter().filter(|item| item.images > 1).count(),
            coloured: 0,
            skipped: self.skipped.clone(),
            notes: self.notes.clone(),
        };
        for item in &self.items {
            match &item.label {
                Label::Healthy => summary.healthy += 1,
                Label::Defective(defect_type) => {
                    summary.defective += 1;
                    *summary.defect_types.entry(defect_type.clone()).or_default() += 1;
                }
            }
            summary.masks += usize::from(item.mask.is_some());
            *summary.sizes.entry((item.width, item.height)).or_default() += 1;
            *summary.bits.entry(item.bits).or_default() += 1;
            *summary.channels.entry(item.channels).or_default() += 1;
            summary.coloured += usize::from(item.coloured);
        }
        summary
    }
}

/// Counts of a [`Dataset`].
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetSummary {
    /// Layout of the files.
    pub layout: DatasetLayout,
    /// Healthy images.
    pub healthy: usize,
    /// Healthy images that may be trained on.
    pub for_training: usize,
    /// Defective images.
    pub defective: usize,
    /// Images with a mask.
    pub masks: usize,
    /// Defective images by defect type.
    pub defect_types: BTreeMap<String, usize>,
    /// Images by (width, height) in pixels.
    pub sizes: BTreeMap<(usize, usize), usize>,
    /// Images by bits per sample.
    pub bits: BTreeMap<u8, usize>,
    /// Images by number of channels.
    pub channels: BTreeMap<usize, usize>,
    /// The bits that 16-bit samples use if they are fewer, and the largest sample.
    pub low_bits: Option<(BitDepth, u16)>,
    /// Files with several images, of which the first is used.
    pub several: usize,
    /// Images with colours, rather than grey stored as RGB.
    pub coloured: usize,
    /// Unused files.
    pub skipped: Vec<Skipped>,
    /// How the data were understood.
    pub notes: Vec<String>,
}

/// Ratio of areas from which images differ greatly in size.
const GREATLY: f64 = 2.0;

/// Maximum number of defect types and skipped files listed by name.
const LISTED: usize = 8;

impl DatasetSummary {
    /// Describes the data set in a few lines, most important first.
    pub fn sentences(&self) -> Vec<String> {
        let mut lines = vec![self.counts()];
        if self.layout == DatasetLayout::Flat {
            lines.push("no known layout of sub-folders: every image is assumed to be healthy".to_owned());
        } else if self.for_training < self.healthy {
            lines.push(format!("{} of the healthy images are for training, the others for testing", self.for_training));
        }
        lines.push(format!("{}, {}, {}", self.size(), self.depth(), self.colour()));
        if let Some((depth, peak)) = self.low_bits {
            let white = depth.white().unwrap_or(u16::MAX);
            lines.push(format!(
                "16-bit samples are read as {depth} bits (0 to {white}), because the largest of all is {peak}; the recipe's \
                 data.bit_depth sets it"
            ));
        }
        if self.several > 0 {
            let files = counted(self.several, "file");
            lines.push(format!("several images in {files}: only the first of each is used"));
        }
        lines.extend(self.mixture());
        lines.extend(self.notes.iter().cloned());
        if !self.skipped.is_empty() {
            let named = self.skipped.iter().map(|s| {
                let name = s.path.file_name().unwrap_or(s.path.as_os_str());
                format!("{} ({})", name.printable(), s.reason)
            });
            lines.push(format!("{} skipped: {}", counted(self.skipped.len(), "file"), listed(named)));
        }
        lines
    }

    fn counts(&self) -> String {
        let mut line = counted(self.healthy, "healthy image");
        if self.defective > 0 {
            let types = listed(self.defect_types.iter().map(|(name, n)| format!("{} {n}", printable(name))));
            line.push_str(&format!(", {} defective ({types})", self.defective));
        }
        if self.masks > 0 {
            line.push_str(&format!(", {}", counted(self.masks, "mask")));
        }
        line
    }

    fn size(&self) -> String {
        let ranges = |side: fn(&(usize, usize)) -> usize| {
            let sides = self.sizes.keys().map(side);
            (sides.clone().min().unwrap_or(0), sides.max().unwrap_or(0))
        };
        let ((narrow, wide), (low, high)) = (ranges(|s| s.0), ranges(|s| s.1));
        match self.sizes.len() {
            0 | 1 => format!("{narrow} x {low} pixels"),
            n => format!("{n} sizes, {narrow} to {wide} pixels wide and {low} to {high} high"),
        }
    }

    /// Says that the images differ in size or kind more than images of one camera do.
    fn mixture(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let area = |(w, h): &(usize, usize)| (w * h) as f64;
        let areas = || self.sizes.keys().map(area);
        let (small, large) = (areas().fold(f64::INFINITY, f64::min), areas().fold(0.0, f64::max));
        if large > small * GREATLY
            && let Some(((w, h), most)) = self.sizes.iter().max_by_key(|(_, n)| **n)
        {
            let all: usize = self.sizes.values().sum();
            lines.push(format!(
                "the images differ greatly in size: {most} of {all} are {w} x {h} pixels; images of one camera and distance are expected"
            ));
        }
        let (grey, rgb) = (self.channels.get(&1).copied().unwrap_or(0), self.channels.get(&3).copied().unwrap_or(0));
        if grey > 0 && self.coloured > 0 {
            lines.push(format!(
                "{} have colours and {} are grey: images of one camera are expected",
                self.coloured,
                grey + rgb - self.coloured
            ));
        }
        if self.bits.len() > 1 {
            let named: Vec<String> = self.bits.iter().map(|(bits, n)| format!("{n} of {bits} bit")).collect();
            lines.push(format!("the images differ in depth: {}", named.join(" and ")));
        }
        lines
    }

    fn depth(&self) -> String {
        let bits: Vec<String> = self.bits.keys().map(u8::to_string).collect();
        format!("{} bit", bits.join(" and "))
    }

    fn colour(&self) -> String {
        match (self.channels.get(&1), self.channels.get(&3)) {
            (Some(grey), Some(rgb)) => format!("{grey} grey and {rgb} RGB"),
            (None, Some(_)) if self.coloured == 0 => "RGB without colours".to_owned(),
            (None, Some(_)) => "RGB".to_owned(),
            _ => "grey".to_owned(),
        }
    }
}

fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let mut parts: Vec<String> = names.take(LISTED).collect();
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, subset: Subset, label: Label) -> DatasetImage {
        let hash = FileHash::of(name.as_bytes());
        DatasetImage {
            path: name.into(),
            subset,
            label,
            mask: None,
            hash,
            pixels: hash,
            width: 512,
            height: 512,
            channels: 1,
            bits: 8,
            peak: None,
            images: 1,
            coloured: false,
        }
    }

    #[test]
    fn a_summary_reads_as_plain_lines() {
        let scratch =
            DatasetImage { mask: Some("m".into()), ..item("c", Subset::Test, Label::Defective("scratch".into())) };
        let items = vec![item("a", Subset::Train, Label::Healthy), item("b", Subset::Test, Label::Healthy), scratch];
        let mut set = Dataset::new("r".into(), DatasetLayout::MvtecAd, items);
        set.skipped = vec![Skipped { path: "r/notes.txt".into(), reason: "it is not an image".into() }];
        let lines = set.summary().sentences();
        assert_eq!(lines[0], "2 healthy images, 1 defective (scratch 1), 1 mask");
        assert_eq!(lines[1], "1 of the healthy images are for training, the others for testing");
        assert_eq!(lines[2], "512 x 512 pixels, 8 bit, grey");
        assert_eq!(lines[3], "1 file skipped: notes.txt (it is not an image)");
        set.items[1].width = 300;
        set.items[1].channels = 3;
        assert_eq!(
            set.summary().sentences()[2],
            "2 sizes, 300 to 512 pixels wide and 512 to 512 high, 8 bit, 2 grey and 1 RGB"
        );
    }

    #[test]
    fn test_images_are_trained_on_only_where_the_layout_has_no_training_subset() {
        let items = vec![item("a", Subset::Any, Label::Healthy), item("b", Subset::Any, Label::Healthy)];
        let mut set = Dataset::new("r".into(), DatasetLayout::Csv, items);
        assert_eq!(set.healthy_for_training().count(), 2);
        set.items[1].subset = Subset::Train;
        assert_eq!(set.training_positions().collect::<Vec<_>>(), [1]);
    }
}
