//! The record for others to read: tables, COCO, masks in the MVTec AD layout, and paper.
//!
//! A picture that was moved or deleted takes nothing away: what was said of it is exported all the same, and that it is
//! missing is said.

mod coco;
mod font;
mod grey;
mod masks;
mod pages;
mod pdf;
mod table;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use coco::{Annotation, Category, Coco, CocoImage};
pub use grey::Grey;
pub use masks::write_masks;
pub use pages::{PartSheet, parts_pdf, shift_pdf};
pub use table::{csv_header, write_csv, write_jsonl};

use super::{
    Findings, Record, RecordError, ReviewItem,
    queue::{Filter, QueueOrder, QueueView},
    shift_report::ShiftSummary,
};
use crate::{
    data, files,
    files::{Access, FileError},
    inspect::{Verdict, regions::RegionShape},
};

/// The kind of a defect that nobody named.
pub const UNNAMED: &str = "defect";

/// Most pages of parts on paper.
const MOST_PAGES: usize = 500;

/// Largest side of a picture on paper, pixels.
const SIDE: usize = 800;

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// `review.csv`: a row a part and verdict
    #[default]
    Csv,
    /// `review.jsonl`: a part a line, with everything that is known of it
    Jsonl,
    /// `coco.json`: the parts that people ruled on, with the outlines of their defects
    Coco,
    /// `ground_truth/KIND/NAME_mask.png`: a mask for each defective part
    Masks,
    /// `shift.pdf` and `parts.pdf`: the figures on a page, and a page a part
    Pdf,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows, lines, annotations, masks or pages.
    pub rows: usize,
    /// The files.
    pub files: Vec<PathBuf>,
    /// Parts among them whose picture was moved, deleted or replaced.
    pub missing: usize,
    /// Parts that something was to be written of and was not: defective ones that nobody drew on and the model found no
    /// place on, and parts beyond the most pages.
    pub left_out: usize,
}

/// An export that did not come about.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file that cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A record that cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Writes `items` of a record into `folder`, which is made where it is not there. Files that are there are replaced.
///
/// # Errors
/// [`ExportError`] for a record that cannot be read or a file that cannot be written.
pub fn write(record: &Record, items: &[ReviewItem], format: Format, folder: &Path) -> Result<Written, ExportError> {
    fs::create_dir_all(folder).map_err(|cause| FileError::new(Access::Write, folder, cause))?;
    let mut written = match format {
        Format::Csv | Format::Jsonl => {
            let found = items.iter().map(|item| findings(record, item)).collect::<Result<Vec<Findings>, _>>()?;
            let (name, write): (_, fn(&mut dyn io::Write, _, _) -> io::Result<usize>) = match format {
                Format::Csv => ("review.csv", write_csv),
                _ => ("review.jsonl", write_jsonl),
            };
            let (path, mut rows) = (folder.join(name), 0);
            files::write_atomic_with(&path, |out| {
                rows = write(out, items, &found)?;
                Ok(())
            })?;
            Written { rows, files: vec![path], ..Written::default() }
        }
        Format::Coco => {
            let kinds = record.defect_kinds()?;
            let mut coco = Coco::new(&kinds);
            let mut left_out = 0;
            for item in items {
                left_out += usize::from(!coco.add(item, &shapes(record, item)?));
            }
            let path = folder.join("coco.json");
            files::write_atomic_with(&path, |out| Ok(serde_json::to_writer_pretty(out, &coco)?))?;
            Written { rows: coco.annotations.len(), files: vec![path], left_out, missing: 0 }
        }
        Format::Masks => {
            let mut parts = Vec::new();
            for item in items.iter().filter(|item| item.defective() == Some(true)) {
                parts.push((item, shapes(record, item)?));
            }
            write_masks(folder, &parts)?
        }
        Format::Pdf => return paper(record, items, folder),
    };
    let counted = |item: &&ReviewItem| match format {
        Format::Coco => item.defective().is_some(),
        Format::Masks => item.defective() == Some(true),
        Format::Csv | Format::Jsonl | Format::Pdf => true,
    };
    written.missing = items.iter().filter(counted).filter(|item| item.part.is_missing()).count();
    Ok(written)
}

/// The figures on a page, and a page a part that is not plainly good, worst first.
fn paper(record: &Record, items: &[ReviewItem], folder: &Path) -> Result<Written, ExportError> {
    let mut written = Written::default();
    let mut keep = |name: &str, pdf: Vec<u8>, pages: usize| {
        let path = folder.join(name);
        files::write_atomic(&path, &pdf)?;
        written.files.push(path);
        written.rows += pages;
        Ok::<_, FileError>(())
    };
    keep("shift.pdf", shift_pdf(&ShiftSummary::of(items), items), 1)?;
    let view = QueueView::of(items, &Filter::default(), QueueOrder::Worst);
    let worth = |item: &ReviewItem| !item.opinions.is_empty() || item.inspection.assessment.verdict != Verdict::Healthy;
    let shown: Vec<&ReviewItem> = view.rows().iter().filter_map(|&i| items.get(i)).filter(|item| worth(item)).collect();
    let mut missing = 0;
    let mut pages = Vec::new();
    for &item in shown.iter().take(MOST_PAGES) {
        // Another picture in its place is not what people judged.
        let gone = item.part.is_missing();
        missing += usize::from(gone);
        let picture = if gone { None } else { data::decode(&item.part.path).ok() };
        let picture = picture.and_then(|picture| Grey::of(picture, SIDE));
        pages.push(PartSheet { item, shapes: shapes(record, item)?, picture });
    }
    if !pages.is_empty() {
        keep("parts.pdf", parts_pdf(&pages), pages.len())?;
    }
    written.missing = missing;
    written.left_out = shown.len().saturating_sub(MOST_PAGES);
    Ok(written)
}

/// What the model found on a part.
fn findings(record: &Record, item: &ReviewItem) -> Result<Findings, RecordError> {
    Ok(record.findings(item.inspection.id)?.unwrap_or_default())
}

/// Where the defects of a part are: the region that people drew, or else the places that the model points at. None for a
/// part that people do not call defective.
fn shapes(record: &Record, item: &ReviewItem) -> Result<Vec<RegionShape>, RecordError> {
    if item.defective() != Some(true) {
        return Ok(Vec::new());
    }
    Ok(match item.drawn() {
        Some(shape) => vec![shape.clone()],
        None => findings(record, item)?.suspects.iter().map(super::AnomalyRegion::shape).collect(),
    })
}
