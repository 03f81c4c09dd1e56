//! `ganspect present`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{image_files::image_files, options::model_source};
use crate::{
    device::DeviceChoice,
    ui::{PresentationSet, WindowOptions},
};

#[derive(Debug, Args)]
pub(super) struct PresentArguments {
    /// Model: a .ganspect file, or `built-in` for the small one that ships with the program
    #[arg(long, value_name = "M.ganspect")]
    model: PathBuf,
    /// Images, or folders of images
    #[arg(required = true, value_name = "PATHS")]
    paths: Vec<PathBuf>,
}

pub(super) fn run(arguments: PresentArguments, device: Option<DeviceChoice>, runs: Option<PathBuf>) -> Result<()> {
    let show = PresentationSet { model: model_source(&arguments.model), images: image_files(&arguments.paths, false)? };
    crate::ui::run(WindowOptions { device, runs, show: Some(show) })
}
