//! Exports of the record: tables (CSV, JSON Lines, regions), COCO, masks in the MVTec AD layout, and PDF.
//!
//! Parts whose image was moved or deleted are exported as well, and marked as missing.

mod coco;
mod defect;
mod error;
mod font;
mod format;
mod masks;
mod page_image;
mod pages;
mod pdf;
mod regions;
mod scope;
mod table;

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

pub use coco::{Annotation, Category, Coco, CocoImage, CocoInfo};
pub use defect::DefectOutline;
pub use error::ExportError;
pub use format::{ExportFormat, ExportSummary};
pub(crate) use masks::write_masks;
pub(crate) use page_image::PageImage;
pub(crate) use pages::{PartPage, parts_pdf, shift_pdf};
use rayon::prelude::*;
use regions::write_regions;
use scope::ExportNotes;
pub use scope::ExportScope;
pub(crate) use table::{write_csv, write_jsonl};

use super::{
    Findings, PartFile, PartId, Record, RecordError, ReviewItem, kept_picture,
    queue::{QueueFilter, QueueOrder, QueueView},
    shift_report::ShiftSummary,
};
use crate::{
    data,
    data::Picture,
    files,
    files::{Access, FileError},
    inspect::Verdict,
};

/// Largest number of pages in the PDF of parts.
const MAX_PAGES: usize = 500;

/// Largest side of an image in the PDF, pixels.
const MAX_SIDE: usize = 800;

/// Writes `items`, all parts of a record, into `folder`, which is created if needed. No file is replaced: where a name is
/// taken, the new file gets a number.
///
/// # Errors
/// [`ExportError`] for a record that cannot be read or a file that cannot be written.
pub fn write(
    record: &Record,
    items: &[ReviewItem],
    format: ExportFormat,
    folder: &Path,
) -> Result<ExportSummary, ExportError> {
    let scope = ExportScope { whole: items.len(), ..ExportScope::default() };
    write_scope(record, items, &scope, format, folder)
}

/// Like [`write()`], for the parts of a scope, which every file names.
///
/// # Errors
/// Those of [`write()`].
pub fn write_scope(
    record: &Record,
    items: &[ReviewItem],
    scope: &ExportScope,
    format: ExportFormat,
    folder: &Path,
) -> Result<ExportSummary, ExportError> {
    if format == ExportFormat::Pdf {
        return write_pdf(record, items, scope, folder);
    }
    fs::create_dir_all(folder).map_err(|cause| FileError::new(Access::Write, folder, cause))?;
    // A file may have been overwritten by the image of another part, of the same size even.
    let originals: HashSet<PartId> =
        items.par_iter().filter(|item| item.part.file() == PartFile::Original).map(|item| item.part.id).collect();
    let notes = ExportNotes { filter: scope.filter.as_deref(), originals: &originals };
    let mut summary = match format {
        ExportFormat::Csv | ExportFormat::Jsonl | ExportFormat::Regions => {
            let found = items.iter().map(|item| findings(record, item)).collect::<Result<Vec<Findings>, _>>()?;
            type Writer = fn(&mut dyn io::Write, &[ReviewItem], &[Findings], &ExportNotes<'_>) -> io::Result<usize>;
            let (stem, extension, write): (_, _, Writer) = match format {
                ExportFormat::Csv => ("review", "csv", write_csv),
                ExportFormat::Regions => ("regions", "csv", write_regions),
                _ => ("review", "jsonl", write_jsonl),
            };
            let (path, mut rows) = (files::unused(&folder.join(scope.file(stem, extension))), 0);
            files::write_atomic_with(&path, |out| {
                rows = write(out, items, &found, &notes)?;
                Ok(())
            })?;
            ExportSummary { rows, files: vec![path], ..ExportSummary::default() }
        }
        ExportFormat::Coco => {
            let mut coco = Coco::new(&record.defect_types()?);
            coco.info = scope.filter.as_ref().map(|filter| CocoInfo { description: format!("only parts: {filter}") });
            let mut left_out = 0;
            for item in items {
                left_out += usize::from(!coco.add(item, &outlines(record, item)?, !originals.contains(&item.part.id)));
            }
            let path = files::unused(&folder.join(scope.file("coco", "json")));
            files::write_atomic_with(&path, |out| Ok(serde_json::to_writer_pretty(out, &coco)?))?;
            ExportSummary { rows: coco.annotations.len(), files: vec![path], left_out, missing: 0 }
        }
        ExportFormat::Masks => {
            let mut parts = Vec::new();
            for item in items.iter().filter(|item| item.defective() == Some(true)) {
                parts.push((item, outlines(record, item)?));
            }
            // The layout has no place for a note, so the masks of a filter are in a folder of its name.
            let folder = scope.suffix().map_or_else(|| folder.to_owned(), |suffix| folder.join(suffix));
            write_masks(&folder, &parts)?
        }
        ExportFormat::Pdf => ExportSummary::default(),
    };
    let counted = |item: &&ReviewItem| match format {
        ExportFormat::Coco => item.defective().is_some(),
        ExportFormat::Masks => item.defective() == Some(true),
        ExportFormat::Csv | ExportFormat::Jsonl | ExportFormat::Pdf | ExportFormat::Regions => true,
    };
    summary.missing = items.iter().filter(counted).filter(|item| !originals.contains(&item.part.id)).count();
    Ok(summary)
}

/// Writes the shift report, and one page per part that was reviewed or not found healthy, worst first.
fn write_pdf(
    record: &Record,
    items: &[ReviewItem],
    scope: &ExportScope,
    folder: &Path,
) -> Result<ExportSummary, ExportError> {
    let view = QueueView::of(items, &QueueFilter::default(), QueueOrder::Worst);
    let is_shown =
        |item: &ReviewItem| !item.opinions.is_empty() || item.inspection.assessment.verdict != Verdict::Healthy;
    let shown: Vec<&ReviewItem> =
        view.rows().iter().filter_map(|&i| items.get(i)).filter(|item| is_shown(item)).collect();
    let mut missing = 0;
    let mut pages = Vec::new();
    for &item in shown.iter().take(MAX_PAGES) {
        let (image, file) = picture(record, item)?;
        missing += usize::from(file != PartFile::Original);
        let image = image.and_then(|image| PageImage::of(&image, MAX_SIDE));
        let shapes = outlines(record, item)?.into_iter().flat_map(|defect| defect.shapes).collect();
        pages.push(PartPage { item, outlines: shapes, findings: findings(record, item)?, image, file });
    }
    let mut files = vec![(scope.file("shift", "pdf"), shift_pdf(&ShiftSummary::of(items), items, scope))];
    if !pages.is_empty() {
        files.push((scope.file("parts", "pdf"), parts_pdf(&pages, scope)));
    }
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| files::unused(&folder.join(name))).collect();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_owned();
    // The report of the whole is the last to appear.
    files::create_folder(folder, paths.first().map(name).unwrap_or_default(), |aside| {
        let mut both = paths.iter().zip(&files);
        both.try_for_each(|(path, (_, pdf))| files::write_atomic(&aside.join(name(path)), pdf))
    })?;
    let left_out = shown.len().saturating_sub(MAX_PAGES);
    Ok(ExportSummary { rows: 1 + pages.len(), files: paths, left_out, missing })
}

/// Returns the image of a part that was judged, and what is in its file: the image there, if its content is the same, or
/// else the copy in the record.
fn picture(record: &Record, item: &ReviewItem) -> Result<(Option<Picture>, PartFile), RecordError> {
    let file = match data::decode::decode_hashed(&item.part.path) {
        Ok((picture, hash)) if hash == item.part.hash => return Ok((Some(picture), PartFile::Original)),
        Ok(_) => PartFile::Replaced,
        Err(_) => match item.part.file() {
            // Read a moment later, or by another decoder; it is not shown in either case.
            PartFile::Original => PartFile::Absent,
            file => file,
        },
    };
    let kept = match record.kept_picture(item.part.id) {
        Err(RecordError::Damaged { .. }) => None,
        kept => kept?,
    };
    Ok((kept.as_deref().and_then(kept_picture::decode), file))
}

/// Returns the scores and anomaly regions of a part; none where a damaged record has lost them.
fn findings(record: &Record, item: &ReviewItem) -> Result<Findings, RecordError> {
    match record.findings(item.inspection.id) {
        Err(RecordError::Damaged { .. }) => Ok(Findings::default()),
        found => Ok(found?.unwrap_or_default()),
    }
}

/// Returns the outlines of the defects of a part: the drawn ones, or else the model's anomaly regions. Empty for a part
/// that was not ruled defective.
fn outlines(record: &Record, item: &ReviewItem) -> Result<Vec<DefectOutline>, RecordError> {
    if item.defective() != Some(true) {
        return Ok(Vec::new());
    }
    let drawn = item.drawn_shapes();
    Ok(match drawn.is_empty() {
        false => drawn.into_iter().map(DefectOutline::drawn).collect(),
        true => findings(record, item)?.regions.iter().map(DefectOutline::of_region).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::FileHash,
        files::interruption,
        inspect::{Planes, RegionShape},
        review::{
            Judgement, Timestamp,
            item::tests::item,
            record::{NewInspection, NewOpinion, NewPart},
        },
    };

    /// A record with one part whose image, of this level, was overwritten by a brighter one of the same size.
    fn overwritten(folder: &Path, kept: bool) -> Record {
        let path = folder.join("part.bmp");
        let save = |level: u8| image::GrayImage::from_pixel(40, 30, image::Luma([level])).save(&path).unwrap();
        save(64);
        let bytes = fs::read(&path).unwrap();
        let part = NewPart {
            path: path.clone(),
            hash: FileHash::of(&bytes),
            bytes: bytes.len() as u64,
            width: 40,
            height: 30,
        };
        let like = item(1, 0.01).inspection;
        let inspection = NewInspection {
            model: like.model,
            model_name: like.model_name,
            assessment: like.assessment,
            threshold: None,
            findings: Findings::default(),
            seconds: 0.1,
            time: Timestamp(1),
        };
        let mut record = Record::open(&folder.join("review.sqlite")).unwrap();
        let filed = record.insert_inspection(&part, &inspection).unwrap();
        if kept {
            let planes = Planes::new(40, 30, 1, vec![-0.5; 1_200]).unwrap();
            record.keep_picture(filed.part, &kept_picture::encode(&planes).unwrap(), Timestamp(2)).unwrap();
            // The first copy stays.
            record.keep_picture(filed.part, b"another", Timestamp(3)).unwrap();
        }
        save(200);
        assert_eq!(fs::metadata(&path).unwrap().len(), part.bytes);
        record
    }

    #[test]
    fn a_page_shows_the_copy_of_the_judged_image_or_none() {
        for kept in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let record = overwritten(folder.path(), kept);
            let items = record.queue().unwrap();
            let (image, file) = picture(&record, &items[0]).unwrap();
            assert_eq!((file, image.is_some()), (PartFile::Replaced, kept));
            assert!(image.is_none_or(|image| (image.unit(20, 15, 0) + 0.5).abs() < 0.05), "the judged image is dark");
            let out = folder.path().join("out");
            assert_eq!(write(&record, &items, ExportFormat::Pdf, &out).unwrap().missing, 1);
            let pdf = fs::read(out.join("parts.pdf")).unwrap();
            let text = String::from_utf8_lossy(&pdf);
            assert_eq!(text.matches("/Subtype /Image").count(), usize::from(kept));
            assert!(text.contains("now holds another image"));
            fs::remove_file(folder.path().join("part.bmp")).unwrap();
            assert_eq!(picture(&record, &items[0]).unwrap().1, PartFile::Absent);
        }
    }

    /// The relative paths of all files below a folder, none of them hidden.
    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
        }
        found.retain(|path| !path.iter().any(|name| name.to_string_lossy().ends_with(".part")));
        found.sort();
        found
    }

    #[test]
    fn exports_of_several_files_are_whole_or_absent_wherever_they_stop() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = overwritten(folder.path(), false);
        let first = record.queue().unwrap()[0].clone();
        for (name, defect) in [("b.png", "crack"), ("c.png", "pit")] {
            let part = NewPart {
                path: folder.path().join(name),
                hash: FileHash::of(name.as_bytes()),
                bytes: 1,
                width: 40,
                height: 30,
            };
            let inspection = NewInspection {
                model: first.inspection.model,
                model_name: "a".into(),
                assessment: first.inspection.assessment.clone(),
                threshold: None,
                findings: Findings::default(),
                seconds: 0.1,
                time: Timestamp(1),
            };
            let filed = record.insert_inspection(&part, &inspection).unwrap();
            record
                .add_opinion(&NewOpinion {
                    defect: Some(defect.into()),
                    region: Some(RegionShape::Rectangle([4.0, 4.0], [13.0, 13.0])),
                    ..NewOpinion::new(filed.inspection, "ada", Judgement::Defective)
                })
                .unwrap();
        }
        let items = record.queue().unwrap();
        for (format, exists, count) in [
            (ExportFormat::Masks, false, 2),
            (ExportFormat::Masks, true, 2),
            (ExportFormat::Pdf, false, 2),
            (ExportFormat::Pdf, true, 2),
        ] {
            let mut operations = 0;
            loop {
                let root = tempfile::tempdir().unwrap();
                let out = root.path().join("out");
                if exists {
                    fs::create_dir(&out).unwrap();
                }
                let export = || write(&record, &items, format, &out);
                let (result, stopped) = interruption::after(operations, export);
                assert_eq!(result.is_err(), stopped);
                let found = files_below(&out);
                let whole = found.len() == count;
                let index = exists && format == ExportFormat::Pdf;
                assert!(whole || found.is_empty() || index, "{format:?}: {found:?} after {operations} operations");
                assert!(whole || !out.join("shift.pdf").exists(), "the report of the whole is the last");
                let again = write(&record, &items, format, &out).unwrap();
                assert!(again.files.len() == count && again.files.iter().all(|path| path.is_file()));
                if !stopped {
                    break;
                }
                operations += 1;
            }
            assert!(operations > 8, "each write, sync and rename counts: {operations}");
        }
    }
}
