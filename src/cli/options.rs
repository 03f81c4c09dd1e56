//! Options shared by several commands.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use clap::{
    Args,
    builder::{OsStringValueParser, TypedValueParser},
};

use crate::{
    data::{DataError, DataSource},
    engine::{BUILT_IN, inspection::ModelSource},
    inspect::{InvertKnobs, InvertPreset, Model},
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
