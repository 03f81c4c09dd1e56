//! `ganspect watch`

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Result, bail};
use clap::Args;

use super::{
    options::{self, InspectionOptions},
    output::{print_device, print_model, print_row, progress_bar, promise_line},
    session::interrupt_flag,
};
use crate::{
    device,
    device::DeviceChoice,
    engine::intake::{
        InspectedFile, StreamInspector, StreamStep,
        watch::{MemoryLedger, RecordLedger, Timing, Watch, WatchOptions},
    },
    inspect::{Model, calibration::VerdictCounts},
    review::Record,
    text::PrintablePath,
    time::span,
};

/// Longest wait for an image between two checks for Ctrl-C.
const WAIT: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct WatchArguments {
    /// Folder to watch
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Model: a .ganspect file, or `built-in` for the small one that ships with the program
    #[arg(long, value_name = "M.ganspect")]
    model: PathBuf,
    /// Review record to file the inspections in, so that the command resumes after an interruption and verdicts can be
    /// added; without it, every image is inspected again
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Inspect the images in the folder, then exit
    #[arg(long)]
    once: bool,
    /// Include subfolders
    #[arg(long)]
    recursive: bool,
    /// Time without changes after which a file counts as complete, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500)]
    settle: u64,
    /// Time without changes after which an unreadable file counts as damaged, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    patience: u64,
    #[command(flatten)]
    inspection: InspectionOptions,
}

pub(super) fn run(arguments: WatchArguments, choice: DeviceChoice) -> Result<()> {
    let knobs = arguments.inspection.knobs()?;
    let (device, refused) = device::open(choice);
    if let Some(error) = refused {
        bail!(error);
    }
    let model = options::load_model(&arguments.model, &device.device)?;
    let interrupted = interrupt_flag()?;
    let timing =
        Timing { settle: Duration::from_millis(arguments.settle), patience: Duration::from_millis(arguments.patience) };
    let options = WatchOptions { recursive: arguments.recursive, timing, once: arguments.once };
    let hash = model.hash();
    let watch = match &arguments.db {
        Some(file) => {
            if model.calibration(&knobs).is_none() {
                bail!(
                    "the model is not calibrated for these settings, so there is no verdict to record; omit --db, or use \
                     settings that it is calibrated for"
                );
            }
            let ledger = RecordLedger::once_a_model(Record::open(file)?, &hash)?;
            Watch::start(&arguments.folder, options, ledger)?
        }
        None => Watch::start(&arguments.folder, options, MemoryLedger::default())?,
    };
    let inspector = StreamInspector::new(&model, knobs.clone(), watch.ready().clone())?;
    print_device(&device);
    print_model(&model.info().name, model.info().step, &hash);
    println!("{}", promise_line(model.rate(&knobs)));
    println!("folder  {}{}", arguments.folder.printable(), if arguments.recursive { ", with subfolders" } else { "" });
    println!();
    let tally = inspect_all(&watch, inspector, &model, &arguments.folder, &interrupted)?;
    let counts = watch.stop()?;
    eprintln!("{tally}{}", counts.remarks());
    Ok(())
}

/// Inspects images as they arrive, until the watch ends or Ctrl-C.
fn inspect_all(
    watch: &Watch,
    mut inspector: StreamInspector,
    model: &Model,
    folder: &Path,
    interrupted: &AtomicBool,
) -> Result<VerdictCounts> {
    let (claims, progress, mut tally) = (watch.claims(), progress_bar("inspecting"), VerdictCounts::default());
    while !interrupted.load(Ordering::Relaxed) {
        while let Some(news) = watch.next_notice() {
            progress.suspend(|| eprintln!("{}", news.text));
        }
        match inspector.slice(model, WAIT)? {
            StreamStep::Working => continue,
            StreamStep::Idle => {}
            StreamStep::Over => break,
            StreamStep::Done(finding) => {
                claims.record(&finding)?;
                tally.add(finding.outcome.assessment.as_ref().map(|a| a.verdict));
                print_row(&progress, &row(&finding, folder))?;
            }
            StreamStep::Refused(refused) => {
                claims.quarantine(&refused.path, Some(refused.hash), &refused.reason)?;
                let name = name(&refused.path, folder);
                progress.suspend(|| eprintln!("{name} is in quarantine: {}.", refused.reason));
            }
        }
        let waiting = claims.counts().waiting;
        progress.set_length((inspector.done() + waiting) as u64);
        progress.set_position(inspector.done() as u64);
        let left = inspector.seconds_left(waiting).filter(|_| waiting > 0);
        progress.set_message(left.map(|s| format!("{} left", span(s))).unwrap_or_default());
    }
    progress.finish_and_clear();
    while let Some(news) = watch.next_notice() {
        eprintln!("{}", news.text);
    }
    Ok(tally)
}

/// Returns the path relative to the folder.
fn name(path: &Path, folder: &Path) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    path.strip_prefix(&folder).unwrap_or(path).printable().to_string()
}

/// Formats the row of one image.
fn row(finding: &InspectedFile, folder: &Path) -> String {
    let (verdict, words) = match &finding.outcome.assessment {
        Some(a) => (a.verdict.title(), a.describe()),
        None => ("-", "no verdict: not calibrated".into()),
    };
    format!("{verdict:<13} {words:<48}  {}", name(&finding.path, folder))
}
