//! One inspected query for people who do not run the program: a triptych for slides, the convergence as an
//! animation, the numbers, and the difference map as it is.

mod apng;
mod convergence;
pub mod numbers;
mod sheet;
#[cfg(test)]
mod tests;
mod tiff;
mod triptych;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use sheet::{LEFT_OUT, PixelSheet, Raster, Rgb};

use super::{KeptFrame, Outcome, calibration::MapScale};
use crate::{
    data::{
        colour_map::{ColourMap, colour},
        picture::unit_to_u8,
    },
    files,
    files::{Access, FileError},
};

/// A query that was inspected, and what is said about it.
#[derive(Clone, Copy, Debug)]
pub struct Inspected<'a> {
    /// The name of its file, or what it is called on screen.
    pub file: &'a str,
    /// The name of the model.
    pub model: &'a str,
    /// The hash of the model's tensors, as hexadecimal digits.
    pub hash: &'a str,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// Reconstructions on the way, by rising step; may be empty.
    pub frames: &'a [KeptFrame],
    /// Where the colour scale ends, from held-out healthy images; `None` without a calibration, and then
    /// it ends at the image's own largest difference.
    pub scale: Option<MapScale>,
    /// How differences are coloured.
    pub map: ColourMap,
}

/// What can be written of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportPart {
    /// Query, reconstruction and difference with legend and figures: PNG.
    Triptych,
    /// The same on the way, over the loss curve: animated PNG.
    Convergence,
    /// Scores, verdict, knobs and every step: JSON.
    Numbers,
    /// One row a step: CSV.
    Steps,
    /// Query minus reconstruction, mean over channels, on the -1 to 1 grey scale: TIFF of one 32-bit float a
    /// pixel.
    Difference,
}

impl ExportPart {
    /// All parts, in the order they are offered.
    pub const ALL: [Self; 5] = [Self::Triptych, Self::Convergence, Self::Numbers, Self::Steps, Self::Difference];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Triptych => "Triptych (PNG)",
            Self::Convergence => "Convergence (animated PNG)",
            Self::Numbers => "Numbers (JSON)",
            Self::Steps => "Steps (CSV)",
            Self::Difference => "Difference map (32-bit TIFF)",
        }
    }

    /// What follows the stem in the name of its file.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Triptych => "-triptych.png",
            Self::Convergence => "-convergence.png",
            Self::Numbers => ".json",
            Self::Steps => "-steps.csv",
            Self::Difference => "-difference.tiff",
        }
    }
}

/// The names given in one batch, so that no image overwrites another's files.
#[derive(Clone, Debug, Default)]
pub struct Names(HashSet<String>);

/// Most letters of a stem: with a number and a suffix it stays within what file systems allow.
const STEM: usize = 50;

impl Names {
    /// A stem that no other image of the batch has: `stem`, or `stem-2`, `stem-3` and so on. Signs that a
    /// file's name cannot hold become `_`.
    pub fn fresh(&mut self, stem: &str) -> String {
        let fine = |c: char| if c.is_control() || r#"/\:*?"<>|"#.contains(c) { '_' } else { c };
        let stem: String = stem.trim().chars().map(fine).take(STEM).collect();
        let stem = if stem.trim_matches(['.', ' ']).is_empty() { "image".to_owned() } else { stem };
        let mut name = stem.clone();
        let mut number = 2;
        // Some file systems take no notice of capitals.
        while !self.0.insert(name.to_lowercase()) {
            name = format!("{stem}-{number}");
            number += 1;
        }
        name
    }
}

/// Writes `parts` of a query into `dir`, which is made if need be, and says which files they are. Their names
/// begin with `stem`, numbered where `names` has it already; older files of that name are replaced.
///
/// # Errors
/// [`FileError`] for the first file that cannot be written; those before it stay.
pub fn write_all(
    dir: &Path,
    stem: &str,
    names: &mut Names,
    query: &Inspected<'_>,
    parts: &[ExportPart],
) -> Result<Vec<PathBuf>, FileError> {
    fs::create_dir_all(dir).map_err(|cause| FileError::new(Access::Write, dir, cause))?;
    let stem = names.fresh(stem);
    let mut written = Vec::new();
    for part in parts {
        let path = dir.join(format!("{stem}{}", part.suffix()));
        write_part(&path, query, *part)?;
        written.push(path);
    }
    Ok(written)
}

/// Writes one part of a query to `path`.
///
/// # Errors
/// [`FileError`] where it cannot be written; the file at `path` is then as it was.
pub fn write_part(path: &Path, query: &Inspected<'_>, part: ExportPart) -> Result<(), FileError> {
    files::write_atomic_with(path, |out| match part {
        ExportPart::Triptych => {
            let sheet = triptych::draw(query);
            out.write_all(&sheet.png(sheet.whole())?)
        }
        ExportPart::Convergence => convergence::write(out, query),
        ExportPart::Numbers => {
            serde_json::to_writer_pretty(&mut *out, &numbers::InspectionNumbers::of(query))?;
            out.write_all(b"\n")
        }
        ExportPart::Steps => numbers::write_steps(out, &query.outcome.records),
        ExportPart::Difference => {
            let about = "Ganspect: query minus reconstruction, mean over channels, on the -1 to 1 grey scale; \
                         0 where not inspected";
            tiff::write(out, query.outcome.query.width(), &query.outcome.difference, about)
        }
    })
}

/// The query as a small PNG, at most `most` pixels wide and high.
///
/// # Errors
/// What the encoder reports.
pub fn query_png(outcome: &Outcome, most: usize) -> std::io::Result<Vec<u8>> {
    let query = &outcome.query;
    let fit = Fit::of(query.width(), query.height(), most / 2, most);
    alone(&picture(query.values(), query.width(), query.channels(), fit), fit)
}

/// A map of the query in colour as a small PNG, at most `most` pixels wide and high. The scale ends at `upper`,
/// or at the largest value where none is given; what is below 0 is shown as 0.
///
/// # Errors
/// What the encoder reports.
pub fn map_png(outcome: &Outcome, map: &[f32], upper: Option<f32>, most: usize) -> std::io::Result<Vec<u8>> {
    let fit = Fit::of(outcome.query.width(), outcome.query.height(), most / 2, most);
    let upper = upper.unwrap_or_else(|| map.iter().fold(0.0, |peak, v| v.max(peak)));
    let map: Vec<f32> = map.iter().map(|v| v.max(0.0)).collect();
    let query = Inspected { file: "", model: "", hash: "", outcome, frames: &[], scale: None, map: ColourMap::Ember };
    alone(&heat(&query, &map, upper.max(1e-6), fit), fit)
}

/// A picture on a sheet of its own, as PNG.
fn alone(raster: &Raster, fit: Fit) -> std::io::Result<Vec<u8>> {
    let mut sheet = PixelSheet::new(raster.width * fit.enlarge, raster.height * fit.enlarge);
    sheet.lay(0, 0, raster, fit.enlarge);
    sheet.png(sheet.whole())
}

impl Inspected<'_> {
    /// Where the colour scale of the difference ends.
    fn upper(&self) -> f32 {
        let own = || self.outcome.difference.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        self.scale.map_or_else(own, |scale| scale.difference).max(1e-6)
    }

    /// Query minus what was drawn, the mean over channels; 0 where not inspected.
    fn difference(&self, drawn: impl Fn(usize) -> f32) -> Vec<f32> {
        let query = &self.outcome.query;
        let (pixels, channels) = (query.pixels(), query.channels());
        let mut difference = vec![0.0; pixels];
        for (i, value) in query.values().iter().enumerate() {
            if self.outcome.inspected.as_ref().is_none_or(|all| all[i % pixels]) {
                difference[i % pixels] += (value - drawn(i)) / channels as f32;
            }
        }
        difference
    }
}

/// How pictures are brought to a size that can be looked at, in whole factors: either is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fit {
    enlarge: usize,
    reduce: usize,
}

impl Fit {
    /// At least `least` pixels wide, and at most `most` wide and high.
    fn of(width: usize, height: usize, least: usize, most: usize) -> Self {
        let enlarge = least.div_ceil(width).min(most / width.max(height).min(most));
        Self { enlarge: enlarge.max(1), reduce: width.max(height).div_ceil(most) }
    }

    /// Pixels across or down.
    fn length(self, length: usize) -> usize {
        length.div_ceil(self.reduce) * self.enlarge
    }

    /// The scale in words: "enlarged 6 times", or nothing at 1 to 1.
    fn words(self) -> Option<String> {
        match (self.enlarge, self.reduce) {
            (1, 1) => None,
            (1, reduce) => Some(format!("shown at 1:{reduce}")),
            (enlarge, _) => Some(format!("shown at {enlarge}:1")),
        }
    }
}

/// A map of numbers made smaller: `pick` makes one of the numbers in each square.
fn reduced(map: &[f32], width: usize, side: usize, pick: impl Fn(&mut dyn Iterator<Item = f32>) -> f32) -> Vec<f32> {
    if side <= 1 {
        return map.to_vec();
    }
    let height = map.len() / width;
    let mut out = Vec::with_capacity(width.div_ceil(side) * height.div_ceil(side));
    for top in (0..height).step_by(side) {
        for left in (0..width).step_by(side) {
            let columns = left..(left + side).min(width);
            let mut values = (top..(top + side).min(height)).flat_map(|y| &map[y * width..][columns.clone()]).copied();
            out.push(pick(&mut values));
        }
    }
    out
}

/// Planes of `channels` in `[-1, 1]` as they are looked at.
fn picture(values: &[f32], width: usize, channels: usize, fit: Fit) -> Raster {
    let mean = |values: &mut dyn Iterator<Item = f32>| {
        let (sum, count) = values.fold((0.0, 0.0_f32), |(sum, count), v| (sum + v, count + 1.0));
        sum / count.max(1.0)
    };
    let planes: Vec<Vec<f32>> = values
        .chunks_exact((values.len() / channels.max(1)).max(1))
        .map(|plane| reduced(plane, width, fit.reduce, mean))
        .collect();
    let pixels = planes.first().map_or(0, Vec::len);
    let pixel = |i: usize| -> Rgb { std::array::from_fn(|c| unit_to_u8(planes[c.min(planes.len() - 1)][i])) };
    let width = width.div_ceil(fit.reduce);
    Raster { width, height: pixels / width.max(1), pixels: (0..pixels).map(pixel).collect() }
}

/// A map of signed differences in colour. Where it is made smaller, the largest of each square is shown, so
/// that no small damage is lost.
fn heat(query: &Inspected<'_>, difference: &[f32], upper: f32, fit: Fit) -> Raster {
    let width = query.outcome.query.width();
    let peak = |values: &mut dyn Iterator<Item = f32>| {
        values.fold(0.0_f32, |most, v| if v.abs() > most.abs() { v } else { most })
    };
    let values = reduced(difference, width, fit.reduce, peak);
    let inspected = query.outcome.inspected.as_ref().map(|all| {
        let all: Vec<f32> = all.iter().map(|on| f32::from(u8::from(*on))).collect();
        reduced(&all, width, fit.reduce, peak)
    });
    let pixels = values.iter().enumerate().map(|(i, &value)| match &inspected {
        Some(inspected) if inspected[i] < 0.5 => LEFT_OUT,
        _ => colour(query.map, query.map.position(value, upper)),
    });
    let width = width.div_ceil(fit.reduce);
    Raster { width, height: values.len() / width.max(1), pixels: pixels.collect() }
}

/// A number with about four digits that count, and thousands set apart.
fn figure(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let size = value.abs();
    let text = match size {
        0.0 => return "0".into(),
        _ if size >= 1_000.0 => {
            let whole = format!("{size:.0}");
            let groups: Vec<&str> = {
                let head = whole.len() % 3;
                let (first, rest) = whole.split_at(head);
                std::iter::once(first)
                    .filter(|g| !g.is_empty())
                    .chain((0..rest.len() / 3).map(|i| &rest[3 * i..3 * i + 3]))
                    .collect()
            };
            groups.join(",")
        }
        _ if size >= 100.0 => format!("{size:.1}"),
        _ if size >= 10.0 => format!("{size:.2}"),
        _ if size >= 1.0 => format!("{size:.3}"),
        _ if size >= 1e-4 => format!("{size:.4}"),
        _ => format!("{size:.1e}"),
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

/// The same without noughts at the end.
fn short(value: f64) -> String {
    let text = figure(value);
    if !text.contains('.') || text.contains('e') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').into()
}
