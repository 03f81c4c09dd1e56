//! Exports of an inspected image: a triptych, the convergence as an animation, the scores as JSON, the steps and
//! the anomaly regions as CSV, and the raw difference map as TIFF.

mod apng;
mod canvas;
mod convergence;
mod input;
mod layout;
pub(crate) mod number_format;
pub(crate) mod numbers;
mod raster;
#[cfg(test)]
mod tests;
mod thumbnail;
mod tiff;
mod triptych;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

pub use input::ExportInput;
pub(crate) use thumbnail::{map_png, query_png};

use crate::{files, files::FileError};

/// A file that an export can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportPart {
    /// Image, reconstruction and difference with legend and scores: PNG.
    Triptych,
    /// The reconstruction step by step, over the loss curve: animated PNG.
    Convergence,
    /// Scores, verdict, knobs and every step: JSON.
    Numbers,
    /// One row per step: CSV.
    Steps,
    /// One row per anomaly region: CSV.
    Regions,
    /// Image minus reconstruction on the -1 to 1 grey scale: TIFF with one 32-bit float per pixel, in colour the mean
    /// distance of the channels with the sign of their sum.
    Difference,
}

impl ExportPart {
    /// All parts, in the order they are offered.
    pub const ALL: [Self; 6] =
        [Self::Triptych, Self::Convergence, Self::Numbers, Self::Steps, Self::Regions, Self::Difference];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Triptych => "Triptych (PNG)",
            Self::Convergence => "Convergence (animated PNG)",
            Self::Numbers => "Numbers (JSON)",
            Self::Steps => "Steps (CSV)",
            Self::Regions => "Regions (CSV)",
            Self::Difference => "Difference map (32-bit TIFF)",
        }
    }

    /// File name suffix, after the stem.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Triptych => "-triptych.png",
            Self::Convergence => "-convergence.png",
            Self::Numbers => ".json",
            Self::Steps => "-steps.csv",
            Self::Regions => "-regions.csv",
            Self::Difference => "-difference.tiff",
        }
    }
}

/// File stems already used in an export, so that no image overwrites another's files.
#[derive(Clone, Debug, Default)]
pub struct UniqueStems(HashSet<String>);

/// Longest stem, characters; with a number and a suffix it stays within file system limits.
const MAX_STEM: usize = 50;

impl UniqueStems {
    /// Returns a stem not used before and not `taken`: `stem`, or `stem-2`, `stem-3` and so on. Characters not allowed in
    /// file names become `_`; a long stem is cut in the middle.
    pub fn unique(&mut self, stem: &str, taken: impl Fn(&str) -> bool) -> String {
        let sanitised = |c: char| if c.is_control() || r#"/\:*?"<>|"#.contains(c) { '_' } else { c };
        let all: Vec<char> = stem.trim().chars().map(sanitised).collect();
        let cut = all.len().saturating_sub(MAX_STEM);
        let kept = all.iter().enumerate().filter(|(i, _)| !(MAX_STEM / 2..MAX_STEM / 2 + cut).contains(i));
        let stem: String = kept.map(|(_, c)| *c).collect();
        let stem = if stem.trim_matches(['.', ' ']).is_empty() { "image".to_owned() } else { stem };
        let mut name = stem.clone();
        let mut number = 2;
        // Some file systems ignore case.
        while !self.0.insert(name.to_lowercase()) || taken(&name) {
            name = format!("{stem}-{number}");
            number += 1;
        }
        name
    }
}

/// Returns the stem of an image's exports: the names of its folder and of the file, so that equal names in different
/// folders stay apart.
pub fn stem_of(path: &Path) -> String {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = full.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let name = full.file_stem().unwrap_or_default().to_string_lossy();
    match folder.trim_start_matches('.') {
        "" => name.into_owned(),
        folder => format!("{folder}-{name}"),
    }
}

/// Writes `parts` of an inspected image into `dir`, creating it if necessary, and returns their paths. File names begin
/// with `stem`, numbered if `stems` has it already or a file is there; no file is replaced.
///
/// They appear together, the numbers last in a folder that exists: where these are, the others are.
///
/// # Errors
/// [`FileError`] for the first file that cannot be written; none of the others is then left.
pub fn write_all(
    dir: &Path,
    stem: &str,
    stems: &mut UniqueStems,
    input: &ExportInput<'_>,
    parts: &[ExportPart],
) -> Result<Vec<PathBuf>, FileError> {
    let stem = stems
        .unique(stem, |stem| parts.iter().any(|part| files::is_taken(&dir.join(format!("{stem}{}", part.suffix())))));
    let name = |part: &ExportPart| format!("{stem}{}", part.suffix());
    let last = parts.iter().find(|part| **part == ExportPart::Numbers).or(parts.last()).map(name);
    files::create_folder(dir, last.unwrap_or_default(), |folder| {
        parts.iter().try_for_each(|part| write_part(&folder.join(name(part)), input, *part))
    })?;
    Ok(parts.iter().map(|part| dir.join(name(part))).collect())
}

/// Writes one part of an inspected image to `path`.
///
/// # Errors
/// [`FileError`] if it cannot be written; the file at `path` is then unchanged.
pub fn write_part(path: &Path, input: &ExportInput<'_>, part: ExportPart) -> Result<(), FileError> {
    files::write_atomic_with(path, |out| match part {
        ExportPart::Triptych => {
            let canvas = triptych::draw(input);
            out.write_all(&canvas.png(canvas.whole())?)
        }
        ExportPart::Convergence => convergence::write(out, input),
        ExportPart::Numbers => {
            serde_json::to_writer_pretty(&mut *out, &numbers::InspectionNumbers::of(input))?;
            out.write_all(b"\n")
        }
        ExportPart::Steps => numbers::write_steps(out, &input.outcome.records),
        ExportPart::Regions => numbers::write_regions(out, input),
        ExportPart::Difference => {
            let over = match input.outcome.query.channels() {
                1 => "mean over channels",
                _ => "mean distance of the channels with the sign of their sum",
            };
            let about = format!(
                "Ganspect: image minus reconstruction, {over}, on the -1 to 1 grey scale; 0 where not inspected"
            );
            tiff::write(out, input.outcome.query.width(), &input.outcome.difference, &about)
        }
    })
}
