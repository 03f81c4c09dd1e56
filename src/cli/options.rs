//! Options shared by several commands.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::{
    Args,
    builder::{OsStringValueParser, TypedValueParser},
};

use crate::{
    data::{DataError, DataSource, DefectiveFolder, FolderRoles},
    engine::{BUILT_IN, inspection::ModelSource},
    files,
    inspect::{
        InvertKnobs, InvertPreset, Model, RegionSettings,
        anomaly_region::{MinArea, PixelSize},
    },
    paths::Paths,
    text::PrintablePath,
    train::Recipe,
};

/// Value of `--model` that names the built-in model.
const BUILT_IN_NAME: &str = "built-in";

/// Inspection settings.
#[derive(Debug, Args)]
pub(super) struct InspectionOptions {
    /// Inspection preset
    #[arg(long, value_enum, default_value_t = InvertPreset::Quick)]
    preset: InvertPreset,
    /// Override an inspection setting, for example --set steps=200; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl InspectionOptions {
    /// Returns the settings.
    pub(crate) fn knobs(&self) -> Result<InvertKnobs> {
        assigned(self.preset.knobs(), &self.set)
    }

    /// Returns the settings with this seed, unless `--set` overrides it.
    pub(crate) fn seeded_knobs(&self, seed: u64) -> Result<InvertKnobs> {
        assigned(InvertKnobs { seed, ..self.preset.knobs() }, &self.set)
    }
}

/// Settings of anomaly regions.
#[derive(Debug, Args)]
pub(super) struct RegionOptions {
    /// Micrometres per pixel of the image files, for example 12.5, or `none`; defaults to the model's
    #[arg(long, value_name = "MICROMETRES", allow_negative_numbers = true)]
    pixel_size: Option<PixelSize>,
    /// Smallest area of an anomaly region that counts: pixels, or square micrometres such as 500um2; defaults to the model's
    #[arg(long, value_name = "AREA", allow_negative_numbers = true)]
    min_area: Option<MinArea>,
}

impl RegionOptions {
    /// Whether neither option is given.
    pub(super) fn is_empty(&self) -> bool {
        self.pixel_size.is_none() && self.min_area.is_none()
    }

    /// Returns the settings of a model with what the options change.
    pub(super) fn of(&self, own: RegionSettings) -> Result<RegionSettings> {
        let settings = RegionSettings {
            micrometres_per_pixel: self.pixel_size.map_or(own.micrometres_per_pixel, |size| size.0),
            min_area: self.min_area.unwrap_or(own.min_area),
        };
        settings.validate()?;
        Ok(settings)
    }
}

/// Roles of folders whose names do not say what they hold.
#[derive(Debug, Args)]
pub(super) struct RoleOptions {
    /// Folder of healthy parts, where its name does not say so; repeatable. With it, folders without a role are left out
    #[arg(long, value_name = "DIR")]
    healthy: Vec<PathBuf>,
    /// Folder of defective parts, where its name does not say so; repeatable
    #[arg(long, value_name = "DIR")]
    defective: Vec<PathBuf>,
    /// Folder of masks of defects, where its name does not say so; repeatable
    #[arg(long, value_name = "DIR")]
    masks: Vec<PathBuf>,
}

impl RoleOptions {
    /// Returns the data with the roles that the flags say; `data` as it is without flags.
    pub(super) fn source(&self, data: Option<DataSource>) -> Result<Option<DataSource>> {
        let named: Vec<&PathBuf> = self.healthy.iter().chain(&self.defective).chain(&self.masks).collect();
        if named.is_empty() {
            return Ok(data);
        }
        let base = match &data {
            Some(source) => Some(absolute(
                source
                    .path()
                    .context("a built-in surface has no folders: leave out --healthy, --defective and --masks")?,
            )?),
            None => None,
        };
        let folder = |path: &PathBuf| -> Result<PathBuf> {
            let within = base.as_ref().map(|base| base.join(path)).filter(|within| !path.is_dir() && within.is_dir());
            absolute(&within.unwrap_or_else(|| path.clone()))
        };
        let all = named.into_iter().map(folder).collect::<Result<Vec<PathBuf>>>()?;
        let root = base.clone().unwrap_or_else(|| common_folder(&all));
        let relative = |path: &PathBuf| -> Result<PathBuf> {
            let path = folder(path)?;
            Ok(path.strip_prefix(&root).map(Path::to_owned).unwrap_or(path))
        };
        let list = |paths: &[PathBuf]| paths.iter().map(relative).collect::<Result<Vec<PathBuf>>>();
        let defective = list(&self.defective)?.into_iter().map(|folder| DefectiveFolder { folder, defect_type: None });
        Ok(Some(DataSource::Assigned(FolderRoles {
            healthy: list(&self.healthy)?,
            defective: defective.collect(),
            masks: list(&self.masks)?,
            left_out: Vec::new(),
            root,
        })))
    }
}

/// Makes a path absolute, without parts such as `..`.
fn absolute(path: &Path) -> Result<PathBuf> {
    let resolved = path.canonicalize().or_else(|_| std::path::absolute(path));
    resolved.with_context(|| format!("cannot use {}", path.printable()))
}

/// Returns the deepest folder that contains all of these; of one folder, itself.
fn common_folder(paths: &[PathBuf]) -> PathBuf {
    let mut common = paths.first().cloned().unwrap_or_default();
    while !paths.iter().all(|path| path.starts_with(&common)) && common.pop() {}
    common
}

/// Applies assignments to inspection settings and validates the result.
pub(super) fn assigned(mut knobs: InvertKnobs, assignments: &[String]) -> Result<InvertKnobs> {
    for assignment in assignments {
        knobs.assign(assignment)?;
    }
    knobs.validate()?;
    Ok(knobs)
}

/// Applies assignments and a number of steps to a recipe and validates the result.
pub(super) fn assign_recipe(recipe: &mut Recipe, assignments: &[String], steps: Option<u64>) -> Result<()> {
    for assignment in assignments {
        recipe.assign(assignment)?;
    }
    if let Some(steps) = steps {
        recipe.assign(&format!("train.steps={steps}"))?;
    }
    recipe.validate()?;
    Ok(())
}

/// Returns the parser of a data source, which may be a folder whose name is not UTF-8.
pub(super) fn data_source() -> impl TypedValueParser<Value = DataSource> {
    OsStringValueParser::new().try_map(|text| match text.to_str() {
        Some(text) => text.parse(),
        None => Ok::<_, DataError>(DataSource::Folder(text.into())),
    })
}

/// Consent to replace the file that a command writes.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ReplaceOption {
    /// Replace the output file if it exists
    #[arg(long)]
    pub(super) force: bool,
}

impl ReplaceOption {
    /// Refuses to write a file that exists, unless `--force` was given.
    pub(crate) fn check(self, path: &Path) -> Result<()> {
        let free = self.force || !files::is_taken(path);
        anyhow::ensure!(free, "{} already exists; choose another name, or replace it with --force", path.printable());
        Ok(())
    }
}

/// Whether this value of `--model` names the built-in model.
pub(super) fn is_built_in(model: &Path) -> bool {
    model.to_str() == Some(BUILT_IN_NAME)
}

/// Returns the source of the model that `--model` names.
pub(super) fn model_source(model: &Path) -> ModelSource {
    if is_built_in(model) { ModelSource::BuiltIn } else { ModelSource::File(model.to_owned()) }
}

/// Loads the model that `--model` names.
pub(super) fn load_model(model: &Path, device: &Device) -> Result<Model> {
    let loaded = match is_built_in(model) {
        true => Model::from_bytes(BUILT_IN.0, BUILT_IN.1, device),
        false => Model::load(model, device),
    };
    Ok(loaded?)
}

/// Returns the record's path, which defaults to the window's record. The record must exist: opening a misspelt path would
/// create an empty one.
pub(super) fn record_path(db: Option<PathBuf>) -> Result<PathBuf> {
    let db = db.unwrap_or_else(|| Paths::of_system().review);
    anyhow::ensure!(db.exists(), "there is no record at {}; choose one with --db", db.printable());
    Ok(db)
}
