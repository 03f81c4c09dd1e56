//! `ganspect watch`

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Result, bail};
use clap::Args;

use super::{print_row, train::bar};
use crate::{
    device,
    device::DeviceChoice,
    engine::intake::{
        stream::{InspectedFile, StreamInspector, StreamStep},
        watch::{MemoryLedger, RecordLedger, Timing, Watch, WatchCounts, WatchOptions},
    },
    inspect::{InvertPreset, Model, calibration::verdict_counts::VerdictCounts},
    review::Record,
    time::span,
};

/// How long a part is waited for before Ctrl-C is looked at again.
const WAIT: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct WatchArguments {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The model: a .ganspect file, or `built-in` for the small one that comes with the program
    #[arg(long, value_name = "M.ganspect")]
    model: PathBuf,
    /// Keep on record what was inspected in this file, so that the same command goes on after an end of any kind, and
    /// people's verdicts can join it; without it, every image is inspected again
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Inspect what lies there, and end
    #[arg(long)]
    once: bool,
    /// Watch the folders within it too
    #[arg(long)]
    recursive: bool,
    /// Milliseconds that a file is left alone before it is taken to be written whole
    #[arg(long, value_name = "MS", default_value_t = 500)]
    settle: u64,
    /// Milliseconds that a file is left alone before it is given up as broken
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    patience: u64,
    /// How to inspect
    #[arg(long, value_enum, default_value_t = InvertPreset::Quick)]
    preset: InvertPreset,
    /// Turn a knob of the inspection, for example --set steps=200; may be given again
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub(super) fn run(arguments: WatchArguments, choice: DeviceChoice) -> Result<()> {
    let knobs = super::knobs(arguments.preset, &arguments.set)?;
    let (device, refused) = device::open(choice);
    if let Some(error) = refused {
        bail!(error);
    }
    let model = super::load(&arguments.model, &device.device)?;
    let interrupted = super::interrupted()?;
    let timing =
        Timing { settle: Duration::from_millis(arguments.settle), patience: Duration::from_millis(arguments.patience) };
    let options = WatchOptions { recursive: arguments.recursive, timing, once: arguments.once };
    let hash = model.hash();
    let watch = match &arguments.db {
        Some(file) => {
            if model.calibration(&knobs).is_none() {
                bail!(
                    "the model is not calibrated for this setting, so there is no verdict to record; leave out --db, or use the setting that it was calibrated for"
                );
            }
            let ledger = RecordLedger::once_a_model(Record::open(file)?, &hash)?;
            Watch::start(&arguments.folder, options, ledger)?
        }
        None => Watch::start(&arguments.folder, options, MemoryLedger::default())?,
    };
    let batch = StreamInspector::new(&model, knobs.clone(), watch.ready().clone())?;
    println!("device  {}. {}", device.label, device.reason);
    println!("model   {}, {} steps, {}", model.info().name, model.info().step, &hash[..12.min(hash.len())]);
    println!("{}", super::promise(model.rate(&knobs)));
    println!("folder  {}{}", arguments.folder.display(), if arguments.recursive { ", and those within" } else { "" });
    println!();
    let tally = inspect_all(&watch, batch, &model, &arguments.folder, &interrupted)?;
    let counts = watch.stop()?;
    eprintln!("{}", summary(&tally, &counts));
    Ok(())
}

/// Inspects what comes until nothing more does, or Ctrl-C.
fn inspect_all(
    watch: &Watch,
    mut batch: StreamInspector,
    model: &Model,
    folder: &Path,
    interrupted: &AtomicBool,
) -> Result<VerdictCounts> {
    let (desk, progress, mut tally) = (watch.desk(), bar("inspecting"), VerdictCounts::default());
    while !interrupted.load(Ordering::Relaxed) {
        while let Some(news) = watch.next_news() {
            progress.suspend(|| eprintln!("{}", news.text));
        }
        match batch.slice(model, WAIT)? {
            StreamStep::Working => continue,
            StreamStep::Idle => {}
            StreamStep::Over => break,
            StreamStep::Done(finding) => {
                desk.file(&finding)?;
                tally.add(finding.outcome.assessment.as_ref().map(|a| a.verdict));
                print_row(&progress, &row(&finding, folder))?;
            }
            StreamStep::Refused(refused) => {
                desk.quarantine(&refused.path, Some(refused.hash), &refused.reason)?;
                let name = name(&refused.path, folder);
                progress.suspend(|| eprintln!("{name} is in quarantine: {}.", refused.reason));
            }
        }
        let waiting = desk.counts().waiting;
        progress.set_length((batch.done() + waiting) as u64);
        progress.set_position(batch.done() as u64);
        let left = batch.seconds_left(waiting).filter(|_| waiting > 0);
        progress.set_message(left.map(|s| format!("{} left", span(s))).unwrap_or_default());
    }
    progress.finish_and_clear();
    while let Some(news) = watch.next_news() {
        eprintln!("{}", news.text);
    }
    Ok(tally)
}

/// The file's name as seen from the folder.
fn name(path: &Path, folder: &Path) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    path.strip_prefix(&folder).unwrap_or(path).display().to_string()
}

fn row(finding: &InspectedFile, folder: &Path) -> String {
    let (verdict, words) = match &finding.outcome.assessment {
        Some(a) => (a.verdict.title(), a.describe()),
        None => ("-", "no verdict without a calibration".into()),
    };
    format!("{verdict:<11} {words:<48}  {}", name(&finding.path, folder))
}

/// The last line: what was done, and what was not.
fn summary(tally: &VerdictCounts, counts: &WatchCounts) -> String {
    let mut text = tally.to_string();
    for (count, what) in [
        (counts.quarantined, "in quarantine"),
        (counts.known, "on record from before"),
        (counts.gone, "gone before they were inspected"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}
