//! `ganspect runs list` and `ganspect runs export`

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;

use super::{
    options::ReplaceOption,
    output::{out, print_lines},
};
use crate::{
    files,
    paths::Paths,
    tensorboard::RunLog,
    text::{PrintablePath, json_escaped},
    train::run_folder::list_runs,
};

#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// List the runs on disk, newest first
    List,
    /// Export a run's log as JSON: all scalars, and a summary of its other entries
    Export {
        /// Folder of the run
        run: PathBuf,
        /// Output file; defaults to standard output
        #[arg(long)]
        out: Option<PathBuf>,
        #[command(flatten)]
        replacing: ReplaceOption,
    },
}

pub(super) fn run(command: RunsCommand, root: Option<PathBuf>) -> Result<()> {
    match command {
        RunsCommand::List => {
            let root = root.unwrap_or_else(|| Paths::of_system().runs);
            let runs = list_runs(&root);
            if runs.is_empty() {
                out!("No runs in {} yet; start one with `ganspect train`.", root.printable());
            }
            for run in runs {
                match &run.info {
                    Ok(info) => {
                        out!("{:>8} steps  {:<24}  {}  {}", run.steps, info.name, info.source, run.path.printable())
                    }
                    Err(reason) => out!("{:>14}  {}: {reason}", "unreadable", run.path.printable()),
                }
            }
        }
        RunsCommand::Export { run, out, replacing } => {
            out.as_deref().map_or(Ok(()), |path| replacing.check(path))?;
            let log = RunLog::read(&run)?;
            let text = serde_json::to_string_pretty(&log.to_expected_json()).context("cannot write the log as JSON")?;
            match out {
                Some(path) => files::write_atomic(&path, text.as_bytes())?,
                None => print_lines(&json_escaped(&text)),
            }
        }
    }
    Ok(())
}
