//! `ganspect data describe` and `ganspect data draw`

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use super::train::bar;
use crate::data::{describe, surface};

#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Say what a folder of images is understood to be, and what is skipped and why
    Describe {
        /// A folder of images, or a CSV that lists them
        path: PathBuf,
    },
    /// Draw a built-in surface with its defects and masks, in the MVTec AD layout
    Draw(DrawArguments),
}

#[derive(Debug, Args)]
pub(super) struct DrawArguments {
    /// turned, milled, ground or brushed
    #[arg(long)]
    surface: surface::SurfaceKind,
    /// Folder to write to; it must be empty or not exist yet
    #[arg(long)]
    out: PathBuf,
    /// The same seed draws the same pictures
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Healthy pictures to learn from
    #[arg(long, default_value_t = surface::SetSize::default().train)]
    train: usize,
    /// Healthy pictures to test with
    #[arg(long, default_value_t = surface::SetSize::default().test_good)]
    test_good: usize,
    /// Pictures of each defect kind to test with
    #[arg(long, default_value_t = surface::SetSize::default().test_per_defect)]
    test_per_defect: usize,
    /// Side of a picture in pixels
    #[arg(long, default_value_t = surface::SetSize::default().side)]
    side: usize,
}

pub(super) fn run(command: DataCommand) -> Result<()> {
    match command {
        DataCommand::Describe { path } => {
            let bar = bar("reading");
            let dataset = describe(&path, &|done, total| {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                true
            });
            bar.finish_and_clear();
            let dataset = dataset?;
            println!("{}: {}", path.display(), dataset.layout.title());
            for line in dataset.summary().sentences() {
                println!("  {line}");
            }
            for skipped in &dataset.skipped {
                println!("  skipped {}: {}", skipped.path.display(), skipped.reason);
            }
        }
        DataCommand::Draw(draw) => {
            let size = surface::SetSize {
                train: draw.train,
                test_good: draw.test_good,
                test_per_defect: draw.test_per_defect,
                side: draw.side,
            };
            let bar = bar("drawing");
            bar.set_length(size.images() as u64);
            let drawn = surface::write_set(&draw.out, draw.surface, draw.seed, size, &|done, _| {
                bar.set_position(done as u64);
                true
            });
            bar.finish_and_clear();
            drawn.with_context(|| format!("the surface was not drawn to {}", draw.out.display()))?;
            println!("{} pictures of {} metal in {}", size.images(), draw.surface, draw.out.display());
        }
    }
    Ok(())
}
