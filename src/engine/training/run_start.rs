//! How a run starts: in a new folder, or in that of an earlier one.

use std::path::PathBuf;

use super::run_fault::RunFault;
use crate::{
    data::{DataSource, Opened, Split},
    device::ComputeDevice,
    text::PrintablePath,
    train::{
        Recipe,
        run_folder::{RunFolder, RunInfo, SPLIT_FILE},
    },
};

/// A run to be started or resumed.
pub(crate) enum RunStart {
    New { source: DataSource, recipe: Box<Recipe>, out: PathBuf },
    Resume { folder: Box<RunFolder>, recipe: Box<Recipe> },
}

impl RunStart {
    /// The number of channels that a new run's recipe asks for; `None` if it leaves them to the images.
    pub(super) fn asked_channels(&self) -> Option<usize> {
        match self {
            Self::New { recipe, .. } | Self::Resume { recipe, .. } => recipe.model.channels.chosen(),
        }
    }
}

/// Returns the recipe and the split of a run that is to be started or resumed.
pub(super) fn recipe_and_split(start: &RunStart, opened: &Opened) -> Result<(Recipe, Split), RunFault> {
    let (recipe, stored) = match start {
        RunStart::New { recipe, .. } => (recipe, None),
        RunStart::Resume { folder, recipe } => (recipe, folder.stored_split()?),
    };
    let split = match stored {
        Some(split) => split,
        None => opened.split(recipe.data.holdout, recipe.seed)?,
    };
    let recipe = match start {
        RunStart::New { .. } => {
            let recipe = recipe.decided(&opened.dataset);
            opened.dataset.check_colour(recipe.model.channels.count())?;
            recipe
        }
        RunStart::Resume { .. } => Recipe::clone(recipe),
    };
    Ok((recipe, split))
}

/// Creates the folder of a new run, or returns that of an earlier one; returns also whether the run is resumed.
pub(super) fn open_folder(
    start: RunStart,
    recipe: &Recipe,
    split: &Split,
    device: &ComputeDevice,
) -> Result<(RunFolder, bool), RunFault> {
    match start {
        RunStart::New { source, out, .. } => {
            let name = out.file_name().map_or_else(|| "run".into(), |n| n.printable().to_string());
            let info = RunInfo::new(name, source.to_string(), device.label.clone());
            Ok((RunFolder::create_with(&out, &info, &recipe.to_toml(), Some(split))?, false))
        }
        RunStart::Resume { folder, .. } => {
            if folder.stored_split::<Split>()?.is_none() {
                folder.write_json(SPLIT_FILE, split)?;
            }
            Ok((*folder, true))
        }
    }
}
