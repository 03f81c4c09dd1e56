//! The command line. Every command prints what the window shows, from the same functions.

mod data;
mod devices;
mod evaluate;
mod finetune;
mod inspect;
mod model;
mod present;
mod reproduce;
mod review;
mod runs;
mod train;
mod watch;

use std::{
    io,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::{Parser, Subcommand};
use crossbeam_channel::{Receiver, bounded};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    device::DeviceChoice,
    engine::{BUILT_IN, Engine},
    inspect::{InvertKnobs, InvertPreset, Model},
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
    /// Inspect images and show them to an audience: full screen, their convergence replayed, figures last
    Present(present::PresentArguments),
    /// Inspect every image in a folder and every one that comes, each once
    Watch(watch::WatchArguments),
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

/// The model in this file, or the built-in one by its name.
fn load(path: &Path, device: &Device) -> Result<Model> {
    Ok(match path.to_str() {
        Some("built-in") => Model::from_bytes(BUILT_IN.0, BUILT_IN.1, device)?,
        _ => Model::load(path, device)?,
    })
}

/// Whether Ctrl-C was pressed since.
fn interrupted() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&interrupted);
    ctrlc::set_handler(move || set.store(true, Ordering::Relaxed)).context("Ctrl-C cannot be caught")?;
    Ok(interrupted)
}

/// What is promised at this rate, in one line; without a calibration, nothing.
fn promise(rate: Option<f64>) -> String {
    match rate {
        Some(rate) => format!("promise at most {:.0} false alarms in 1,000 good parts", rate * 1e3),
        None => "promise none: the model is not calibrated for this setting, so there is no verdict".into(),
    }
}

/// Prints a row above the bar.
fn print_row(progress: &indicatif::ProgressBar, row: &str) -> Result<()> {
    let mut printed = Ok(());
    progress.suspend(|| printed = writeln!(io::stdout(), "{row}"));
    if let Err(error) = printed {
        // Whoever read the rows has gone, as `head` does.
        if error.kind() == io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        return Err(error).context("the row could not be printed");
    }
    Ok(())
}

/// A running engine whose device is chosen, and the bell that it rings when there is something new.
fn engine(device: DeviceChoice) -> Result<(Engine, Receiver<()>)> {
    let (ring, bell) = bounded::<()>(1);
    let engine = Engine::start(device, move || {
        let _ = ring.try_send(());
    })
    .context("the compute thread did not start")?;
    wait(&bell, || engine.state().device.read().is_some() || engine.is_over());
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
    let window = matches!(arguments.command, None | Some(Command::Present(_)));
    let quiet =
        filter.unwrap_or_else(|_| EnvFilter::new(if window { "warn,ganspect=info" } else { "error,ganspect=off" }));
    let printed = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_filter(quiet);
    tracing_subscriber::registry().with(crate::logging::log_layer()).with(printed).init();
    let runs = arguments.runs;
    let device = arguments.device;
    let done = match arguments.command {
        // The only command whose result is told by the exit code.
        Some(Command::Inspect(inspect)) => match inspect::run(inspect, device.unwrap_or_default()) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        None => crate::ui::run(crate::ui::WindowOptions { device, runs, ..Default::default() }),
        Some(Command::Present(present)) => present::run(present, device, runs),
        Some(Command::Train(train)) => train::run(train, device.unwrap_or_default(), runs),
        Some(Command::Watch(watch)) => watch::run(watch, device.unwrap_or_default()),
        Some(Command::Evaluate(evaluate)) => evaluate::run(evaluate, device.unwrap_or_default(), runs),
        Some(Command::Data(data)) => data::run(data),
        Some(Command::Reproduce(reproduce)) => reproduce::run(reproduce, device.unwrap_or_default()),
        Some(Command::Model(command)) => model::run(command, device.unwrap_or_default()),
        Some(Command::Devices) => {
            devices::run();
            Ok(())
        }
        Some(Command::Review(command)) => review::run(command, device.unwrap_or_default()),
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
