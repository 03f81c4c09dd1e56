//! `ganspect data describe` and `ganspect data draw`

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use super::{
    options::RoleOptions,
    output::{out, progress_bar},
};
use crate::{
    data::{DataSource, surface},
    text::PrintablePath,
    train::Recipe,
};

#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Describe the data set in a folder: layout, images, and skipped files with the reason
    Describe {
        /// Folder of images, or a CSV file that lists them
        #[arg(required_unless_present = "healthy")]
        path: Option<PathBuf>,
        #[command(flatten)]
        roles: RoleOptions,
    },
    /// Draw a synthetic surface with defects and masks, in the MVTec AD layout
    Draw(DrawArguments),
}

#[derive(Debug, Args)]
pub(super) struct DrawArguments {
    /// Surface: turned, milled, ground, brushed, sintered, painted or anodised
    #[arg(long)]
    surface: surface::SurfaceKind,
    /// Output folder; must be empty or not exist yet
    #[arg(long)]
    out: PathBuf,
    /// Random seed; the same seed draws the same images
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Healthy training images
    #[arg(long, default_value_t = surface::SetSize::default().train)]
    train: usize,
    /// Healthy test images
    #[arg(long, default_value_t = surface::SetSize::default().test_good)]
    test_good: usize,
    /// Test images per defect type
    #[arg(long, default_value_t = surface::SetSize::default().test_per_defect)]
    test_per_defect: usize,
    /// Side of an image, pixels
    #[arg(long, default_value_t = surface::SetSize::default().side)]
    side: usize,
}

pub(super) fn run(command: DataCommand) -> Result<()> {
    match command {
        DataCommand::Describe { path, roles } => {
            let source = roles.source(path.map(DataSource::Folder))?.context("name the folder")?;
            describe(&source)?;
        }
        DataCommand::Draw(draw) => {
            let size = surface::SetSize {
                train: draw.train,
                test_good: draw.test_good,
                test_per_defect: draw.test_per_defect,
                side: draw.side,
            };
            let bar = progress_bar("drawing");
            bar.set_length(size.images(draw.surface) as u64);
            let drawn = surface::write_set(&draw.out, draw.surface, draw.seed, size, &|done, _| {
                bar.set_position(done as u64);
                true
            });
            bar.finish_and_clear();
            drawn.with_context(|| format!("cannot draw the surface to {}", draw.out.printable()))?;
            let title = draw.surface.title().to_lowercase();
            out!("{} images of {title} in {}", size.images(draw.surface), draw.out.printable());
        }
    }
    Ok(())
}

/// Prints what a folder or list holds and how it was understood.
fn describe(source: &DataSource) -> Result<()> {
    let bar = progress_bar("reading");
    let opened = source.open(&|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        true
    });
    bar.finish_and_clear();
    let dataset = opened?.dataset;
    out!("{}: {}", dataset.root.printable(), dataset.layout.title());
    let seen = dataset.colour().sentence(Recipe::default().model.channels.chosen());
    for line in dataset.summary().sentences().into_iter().chain([seen]) {
        out!("  {line}");
    }
    for skipped in &dataset.skipped {
        out!("  skipped {}: {}", skipped.path.printable(), skipped.reason);
    }
    Ok(())
}
