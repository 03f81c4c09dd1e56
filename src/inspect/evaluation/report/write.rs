//! Writes the files of a report.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{page, reported_model::ReportedModel};
use crate::{
    files,
    files::FileError,
    format::sentence,
    inspect::{
        ScoreKind,
        evaluation::{EvaluationSummary, TestOutcome},
    },
    text::{Cell, TableWriter, path_text},
};

/// Writes `images.csv`, `metrics.json` and `report.html` into `dir`, creating it if necessary, and returns their paths.
/// Where one of them is there already, all three get a number; no file is replaced.
/// The first model is the subject of the report, others are compared with it.
///
/// The three appear together: with a new folder at once, in a folder that exists with the page last.
///
/// # Errors
/// [`FileError`] for the first file that cannot be written; nothing is then left of the report.
pub fn write(dir: &Path, models: &[ReportedModel]) -> Result<Vec<PathBuf>, FileError> {
    let paths = ["images.csv", "metrics.json", "report.html"].map(|name| dir.join(name));
    let paths = files::unused_group(paths.each_ref().map(PathBuf::as_path));
    let names = paths.each_ref().map(|path| path.file_name().unwrap_or_default());
    files::create_folder(dir, names[2], |folder| {
        let [images, metrics, page] = names.map(|name| folder.join(name));
        files::write_atomic_with(&images, |out| write_images(out, models))?;
        files::write_atomic_with(&metrics, |out| {
            write_metrics(out, models.iter().map(|m| &m.summary))?;
            out.write_all(b"\n")
        })?;
        files::write_atomic(&page, page::html(models).as_bytes())
    })?;
    Ok(paths.into())
}

/// Writes the metrics of one model as a JSON object, of several as a list.
///
/// # Errors
/// Errors of `out`.
pub fn write_metrics<'a>(
    out: &mut dyn io::Write,
    models: impl Iterator<Item = &'a EvaluationSummary>,
) -> io::Result<()> {
    let all: Vec<&EvaluationSummary> = models.collect();
    match all.as_slice() {
        [one] => serde_json::to_writer_pretty(out, one)?,
        more => serde_json::to_writer_pretty(out, more)?,
    }
    Ok(())
}

/// Writes one row per image and model with every score, then the excluded images with their reasons.
fn write_images(out: &mut dyn io::Write, models: &[ReportedModel]) -> io::Result<()> {
    let mut header = vec!["image", "truth", "kind", "verdict", "p", "rate"];
    header.extend(ScoreKind::ALL.map(ScoreKind::name));
    header.extend(["width", "height", "steps", "seconds", "file", "hash", "outcome", "model", "left_out"]);
    let mut table = TableWriter::new(out, &header)?;
    for ReportedModel { evaluation, summary, .. } in models {
        let model = &evaluation.header.model.hash;
        for e in &evaluation.images {
            let assessment = summary.rate.and_then(|rate| evaluation.assess(e, rate));
            let mut row = vec![
                Cell::text(e.name.as_str()),
                Cell::value(if e.is_defective() { "defective" } else { "healthy" }),
                Cell::text(e.defect_type().unwrap_or_default()),
                Cell::known(assessment.as_ref().map(|a| a.verdict.title())),
                Cell::known(assessment.as_ref().map(|a| a.p)),
                Cell::known(summary.rate),
            ];
            row.extend(ScoreKind::ALL.map(|kind| Cell::value(e.scores.cell(kind))));
            row.extend([e.size.0, e.size.1, e.steps].map(Cell::value));
            row.push(Cell::value(e.seconds));
            row.push(Cell::text(e.path.as_deref().map(path_text::to_text).unwrap_or_default()));
            let outcome = assessment.as_ref().map(|a| TestOutcome::of_verdict(e.is_defective(), a.verdict));
            row.push(Cell::value(e.hash));
            row.push(Cell::known(outcome.map(|outcome| outcome.title().to_lowercase())));
            row.extend([Cell::value(model), Cell::value("")]);
            table.row(&row)?;
        }
        for left in &evaluation.excluded {
            let mut row = vec![Cell::value(""); header.len()];
            row[0] = Cell::text(left.name.as_str());
            let end = row.len();
            row[end - 2] = Cell::value(model);
            row[end - 1] = Cell::text(sentence(&left.reason));
            table.row(&row)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{files::interruption, inspect::evaluation::summary::tests::evaluation};

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_report_is_whole_or_absent_wherever_its_writing_stops() {
        let evaluation = evaluation();
        let summary = EvaluationSummary::of(&evaluation, None).unwrap();
        let models = [ReportedModel { evaluation, summary, cases: Vec::new() }];
        let whole = ["images.csv", "metrics.json", "report.html"];
        for exists in [false, true] {
            let (mut operations, mut cut) = (0, 0);
            loop {
                let root = tempfile::tempdir().unwrap();
                let dir = root.path().join("report");
                if exists {
                    fs::create_dir(&dir).unwrap();
                    fs::write(dir.join("notes.txt"), "mine").unwrap();
                }
                let (result, stopped) = interruption::after(operations, || write(&dir, &models));
                assert_eq!(result.is_err(), stopped);
                let found = if dir.exists() { names(&dir) } else { Vec::new() };
                if found.iter().any(|name| name == "report.html") {
                    assert!(whole.iter().all(|name| dir.join(name).is_file()), "{found:?} after {operations}");
                } else if !exists {
                    assert!(found.is_empty(), "{found:?} after {operations} operations");
                }
                cut += usize::from(stopped);
                // The next report does not mix with what was left, and nothing hidden stays.
                let paths = if stopped { write(&dir, &models).unwrap() } else { result.unwrap() };
                assert!(paths.iter().all(|path| path.is_file()));
                assert!(names(&dir).iter().chain(&names(root.path())).all(|name| !name.starts_with('.')));
                assert_eq!(dir.join("notes.txt").exists(), exists);
                if !stopped {
                    break;
                }
                operations += 1;
            }
            assert!(cut > 8, "each write, sync and rename counts: {cut}");
        }
    }
}
