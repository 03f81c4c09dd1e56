//! The command line. Every command prints the values that the window shows, computed by the same functions.

mod data;
mod devices;
mod evaluate;
mod finetune;
mod image_files;
mod inspect;
mod model;
mod options;
mod output;
mod present;
mod reference;
mod reproduce;
mod review;
mod runs;
mod session;
mod train;
mod watch;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{device::DeviceChoice, engine::Priority};

/// Anomaly detection with a GAN for images of machined surfaces. Opens the window if no command is given.
#[derive(Debug, Parser)]
#[command(name = "ganspect", version, about, max_term_width = 100)]
pub struct Arguments {
    /// Compute device: auto, cpu, gpu or gpu:N, where N is listed by `ganspect devices`
    #[arg(long, global = true, value_name = "DEVICE")]
    device: Option<DeviceChoice>,
    /// Folder of the runs; defaults to the user's data folder
    #[arg(long, global = true, value_name = "DIR")]
    runs: Option<PathBuf>,
    /// Compute at low priority, so that other programs on this machine go first; in the window this is always so
    #[arg(long, global = true)]
    polite: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a GAN on healthy images, or resume a run
    Train(train::TrainArguments),
    /// Inspect images with a trained model and print one row with a verdict per image
    Inspect(inspect::InspectArguments),
    /// Inspect images and present them full screen, with their convergence replayed and a summary at the end
    Present(present::PresentArguments),
    /// Inspect every image in a folder, and new ones as they arrive, each once
    Watch(watch::WatchArguments),
    /// Evaluate a model on labelled images: metrics, and an optional report
    Evaluate(evaluate::EvaluateArguments),
    /// Describe image folders, or draw synthetic surfaces
    #[command(subcommand)]
    Data(data::DataCommand),
    /// Reproduce the experiment of the 2017 talk: train, invert healthy and defective images, print a table
    Reproduce(reproduce::ReproduceArguments),
    /// Show, calibrate or change a model file
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// List the available devices and the one that `auto` picks
    Devices,
    /// List or export a review record, or fine-tune a model on its verdicts
    #[command(subcommand)]
    Review(review::ReviewCommand),
    /// List the runs on disk, or export a run's log
    #[command(subcommand)]
    Runs(runs::RunsCommand),
}

/// Returns the reference of all commands and options as Markdown.
pub fn reference() -> String {
    reference::markdown(Arguments::command())
}

/// Parses the arguments of the program. Prints help, version or an error instead, and returns the exit code for it.
///
/// # Errors
/// The exit code: 0 for help and version, 2 for arguments that cannot be used.
pub fn parse() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| {
        let text = error.render().to_string();
        let (lines, code) = (text.trim_end(), ExitCode::from(if error.use_stderr() { 2 } else { 0 }));
        if error.use_stderr() {
            output::note_lines(lines)
        } else {
            output::print_lines(lines)
        }
        output::finish(Ok(code))
    })
}

/// Runs the program and returns its exit code: 0 for success, 1 for a defect with `--fail-on-defect`, 2 for an error,
/// 3 for an image that does not show the part.
pub fn run(arguments: Arguments) -> ExitCode {
    let filter = EnvFilter::try_from_env("GANSPECT_LOG");
    let window = matches!(arguments.command, None | Some(Command::Present(_)));
    let filter =
        filter.unwrap_or_else(|_| EnvFilter::new(if window { "warn,ganspect=info" } else { "error,ganspect=off" }));
    let printed =
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| output::LogWriter).with_filter(filter);
    tracing_subscriber::registry().with(crate::logging::log_layer()).with(printed).init();
    if arguments.polite && !window {
        // Threads that are started from here on inherit it.
        Priority::Low.apply();
    }
    let runs = arguments.runs;
    let device = arguments.device;
    output::finish(dispatch(arguments.command, device, runs))
}

fn dispatch(command: Option<Command>, device: Option<DeviceChoice>, runs: Option<PathBuf>) -> Result<ExitCode> {
    match command {
        // The commands that report their result by the exit code.
        Some(Command::Inspect(inspect)) => return inspect::run(inspect, device.unwrap_or_default()),
        Some(Command::Watch(watch)) => return watch::run(watch, device.unwrap_or_default()),
        None => crate::ui::run(crate::ui::WindowOptions { device, runs, ..Default::default() })?,
        Some(Command::Present(present)) => present::run(present, device, runs)?,
        Some(Command::Train(train)) => train::run(train, device.unwrap_or_default(), runs)?,
        Some(Command::Evaluate(evaluate)) => evaluate::run(evaluate, device.unwrap_or_default(), runs)?,
        Some(Command::Data(data)) => data::run(data)?,
        Some(Command::Reproduce(reproduce)) => reproduce::run(reproduce, device.unwrap_or_default())?,
        Some(Command::Model(command)) => model::run(command, device.unwrap_or_default())?,
        Some(Command::Devices) => devices::run(),
        Some(Command::Review(command)) => review::run(command, device.unwrap_or_default())?,
        Some(Command::Runs(command)) => runs::run(command, runs)?,
    }
    Ok(ExitCode::SUCCESS)
}
