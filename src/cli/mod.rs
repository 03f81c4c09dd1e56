//! The command line. Every command prints what the window shows, from the same functions.

mod data;
mod devices;
mod evaluate;
mod inspect;
mod model;
mod reproduce;
mod review;
mod runs;
mod train;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use crossbeam_channel::{Receiver, bounded};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    device::DeviceChoice,
    engine::Engine,
    inspect::{InvertKnobs, InvertPreset},
};

/// Ganspect learns what a healthy surface looks like, and shows what is not. Without a command it
/// opens the window.
#[derive(Debug, Parser)]
#[command(name = "ganspect", version, about, max_term_width = 100)]
pub struct Arguments {
    /// Where to compute: auto, cpu, gpu or gpu:N with N from `ganspect devices`
    #[arg(long, global = true, value_name = "DEVICE")]
    device: Option<DeviceChoice>,
    /// Folder for runs, instead of the user's data folder
    #[arg(long, global = true, value_name = "DIR")]
    runs: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a GAN on healthy images, or take up a run again
    Train(train::TrainArguments),
    /// Inspect images with a trained model: a row an image, and a verdict
    Inspect(inspect::InspectArguments),
    /// Test a model on images whose truth is known: figures, and a report
    Evaluate(evaluate::EvaluateArguments),
    /// Look at image folders, or draw built-in surfaces
    #[command(subcommand)]
    Data(data::DataCommand),
    /// The 2017 talk's experiment from nothing: train, invert healthy and defective images, print a table
    Reproduce(reproduce::ReproduceArguments),
    /// Look at a model file
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// List every adapter, which one `auto` picks, and why
    Devices,
    /// List what a review station has recorded, or export it
    #[command(subcommand)]
    Review(review::ReviewCommand),
    /// List the runs on disk, or export a run's log
    #[command(subcommand)]
    Runs(runs::RunsCommand),
}

/// A preset's knobs with these turned.
fn knobs(preset: InvertPreset, set: &[String]) -> Result<InvertKnobs> {
    let mut knobs = preset.knobs();
    for assignment in set {
        knobs.assign(assignment)?;
    }
    knobs.validate()?;
    Ok(knobs)
}

/// A running engine whose device is chosen, and the bell that it rings when there is something new.
fn engine(device: DeviceChoice) -> Result<(Engine, Receiver<()>)> {
    let (ring, bell) = bounded::<()>(1);
    let engine = Engine::start(device, move || {
        let _ = ring.try_send(());
    })
    .context("the compute thread did not start")?;
    wait(&bell, || engine.live().device.read().is_some() || engine.is_over());
    Ok((engine, bell))
}

/// Waits for the engine's bell, and not for ever.
fn wait_a_moment(bell: &Receiver<()>) {
    let _ = bell.recv_timeout(Duration::from_millis(200));
}

/// Waits until `done`, woken by the engine.
fn wait(bell: &Receiver<()>, done: impl Fn() -> bool) {
    while !done() {
        wait_a_moment(bell);
    }
}

/// Runs the program and tells the system how it went: 0 for well, 1 for a defect where that was asked
/// for, 2 for an error.
pub fn run(arguments: Arguments) -> ExitCode {
    let filter = EnvFilter::try_from_env("GANSPECT_LOG");
    let window = arguments.command.is_none();
    let quiet =
        filter.unwrap_or_else(|_| EnvFilter::new(if window { "warn,ganspect=info" } else { "error,ganspect=off" }));
    let printed = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(quiet);
    tracing_subscriber::registry().with(crate::ui::log_layer()).with(printed).init();
    let runs = arguments.runs;
    let device = arguments.device;
    let done = match arguments.command {
        // The only command whose result is told by the exit code.
        Some(Command::Inspect(inspect)) => match inspect::run(inspect, device.unwrap_or_default()) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        None => crate::ui::run(crate::ui::Options { device, runs }),
        Some(Command::Train(train)) => train::run(train, device.unwrap_or_default(), runs),
        Some(Command::Evaluate(evaluate)) => evaluate::run(evaluate, device.unwrap_or_default(), runs),
        Some(Command::Data(data)) => data::run(data),
        Some(Command::Reproduce(reproduce)) => reproduce::run(reproduce, device.unwrap_or_default()),
        Some(Command::Model(command)) => model::run(command, device.unwrap_or_default()),
        Some(Command::Devices) => {
            devices::run();
            Ok(())
        }
        Some(Command::Review(command)) => review::run(command),
        Some(Command::Runs(command)) => runs::run(command, runs),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ganspect: {error:#}");
            ExitCode::from(2)
        }
    }
}
