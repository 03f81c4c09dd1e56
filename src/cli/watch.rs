//! `ganspect watch`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Result, bail};
use clap::Args;
use indicatif::ProgressBar;

use super::{
    options::{self, InspectionOptions, RegionOptions},
    output::{is_closed, note, out, print_device, print_model, print_row, progress_bar, promise_line, verdict_code},
    session::interrupt_flag,
};
use crate::{
    data::BitDepth,
    device,
    device::DeviceChoice,
    engine::intake::{
        InspectedFile, StreamInspector, StreamStep,
        rate::IntakeRate,
        recorder,
        recorder::RecordJob,
        retry,
        retry::RetryTiming,
        watch::{MemoryLedger, RecordLedger, Timing, Watch, WatchOptions, stall_sentence},
    },
    format::counted,
    inspect::{Model, calibration::VerdictCounts},
    review::{KeptPictures, Record},
    text::PrintablePath,
    time::span,
};

/// Longest wait for an image between two checks for Ctrl-C.
const WAIT: Duration = Duration::from_millis(100);

/// The end of a wait for the record.
const WRITABLE: &str = "The record can be written again.";

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
    /// Inspect the images in the folder, then exit; with exit code 3 if an image is not of the part that the model knows
    #[arg(long)]
    once: bool,
    /// With --once: end with exit code 1 if a part is defective
    #[arg(long, requires = "once")]
    fail_on_defect: bool,
    /// Include subfolders
    #[arg(long)]
    recursive: bool,
    /// Time without changes after which a file counts as complete, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500)]
    settle: u64,
    /// Time without changes after which an unreadable file counts as damaged, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    patience: u64,
    /// Parts whose images are copied to the record, at most 1,024 pixels a side, because files may be overwritten later
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    keep_pictures: KeptPictures,
    /// Bits that 16-bit samples use: auto, 8, 10, 12, 14 or 16; defaults to the model's
    #[arg(long, value_name = "BITS", default_value_t = BitDepth::Auto)]
    bit_depth: BitDepth,
    #[command(flatten)]
    inspection: InspectionOptions,
    #[command(flatten)]
    regions: RegionOptions,
}

pub(super) fn run(arguments: WatchArguments, choice: DeviceChoice) -> Result<ExitCode> {
    let knobs = arguments.inspection.knobs()?;
    let (device, refused) = device::open(choice);
    if let Some(error) = refused {
        bail!(error);
    }
    let mut model = options::load_model(&arguments.model, &device.device)?;
    model.read_at(arguments.bit_depth);
    // They hold for this command only and are not saved in the model.
    model.info_mut().region_settings = arguments.regions.of(model.info().region_settings)?;
    let interrupted = interrupt_flag()?;
    let timing =
        Timing { settle: Duration::from_millis(arguments.settle), patience: Duration::from_millis(arguments.patience) };
    let limit = Some(model.frame_limit());
    let options = WatchOptions { recursive: arguments.recursive, timing, once: arguments.once, limit };
    let hash = model.hash();
    let watch = match &arguments.db {
        Some(file) => {
            if model.calibration(&knobs).is_none() {
                bail!(
                    "the model is not calibrated for these settings, so there is no verdict to record; omit --db, or use \
                     settings that it is calibrated for"
                );
            }
            let Some(record) = open_record(file, &interrupted)? else { return Ok(ExitCode::SUCCESS) };
            let ledger = RecordLedger::once_a_model(record, &hash)?.keeping(arguments.keep_pictures);
            Watch::start(&arguments.folder, options, ledger)?
        }
        None => Watch::start(&arguments.folder, options, MemoryLedger::default())?,
    };
    let inspector = StreamInspector::new(&model, knobs.clone(), watch.ready().clone())?;
    print_device(&device);
    print_model(&model.info().name, model.info().step, &hash);
    out!("{}", promise_line(model.rate(&knobs)));
    out!("folder  {}{}", arguments.folder.printable(), if arguments.recursive { ", with subfolders" } else { "" });
    out!("");
    let station = Station {
        watch: &watch,
        folder: &arguments.folder,
        interrupted: &interrupted,
        recorded: arguments.db.is_some(),
    };
    let tally = station.inspect_all(inspector, &model)?;
    let waiting = watch.claims().counts().waiting;
    let counts = watch.stop()?;
    note!("{tally}{}", counts.remarks());
    if waiting > 0 && interrupted.load(Ordering::Relaxed) {
        let goes_on = if arguments.db.is_some() {
            "the same command goes on with them"
        } else {
            "without --db, the same \
             command inspects all parts again"
        };
        note!("stopped: {} not inspected; {goes_on}", counted(waiting, "part"));
    }
    // A watch without an end is no test of the parts that happened to pass.
    Ok(if arguments.once { verdict_code(&tally, arguments.fail_on_defect) } else { ExitCode::SUCCESS })
}

/// Opens the record as soon as it can be opened; `None` after Ctrl-C.
fn open_record(file: &Path, interrupted: &AtomicBool) -> Result<Option<Record>> {
    let (timing, mut said) = (RetryTiming::default(), false);
    let opened = retry::when_usable(
        timing,
        || Record::open_within(file, timing.busy),
        |error, pause| {
            if !std::mem::replace(&mut said, true) {
                note!("{}", stall_sentence(&error.to_string()));
            }
            sleep(pause, interrupted)
        },
    );
    match opened {
        Err(error) if error.is_passing() => Ok(None),
        opened => {
            let record = opened?;
            if said {
                note!("{WRITABLE}");
            }
            Ok(Some(record))
        }
    }
}

/// Sleeps; `false` after Ctrl-C.
fn sleep(pause: Duration, interrupted: &AtomicBool) -> bool {
    retry::sleep_unless(|| interrupted.load(Ordering::Relaxed), pause)
}

/// A watched folder on the command line.
struct Station<'a> {
    watch: &'a Watch,
    folder: &'a Path,
    interrupted: &'a AtomicBool,
    /// Whether the inspections are in a record, so that they are not lost where the rows cannot be printed.
    recorded: bool,
}

impl Station<'_> {
    /// Inspects images as they arrive, until the watch ends or Ctrl-C.
    fn inspect_all(&self, mut inspector: StreamInspector, model: &Model) -> Result<VerdictCounts> {
        let (claims, progress) = (self.watch.claims(), progress_bar("inspecting"));
        let (mut tally, mut stalled, mut left) = (VerdictCounts::default(), None, 0);
        let mut rate = IntakeRate::default();
        while !self.interrupted.load(Ordering::Relaxed) {
            self.tell(&progress, &mut stalled);
            let step = inspector.slice(model, WAIT);
            rate.update(&step);
            match step? {
                StreamStep::Working => continue,
                StreamStep::Idle => {}
                StreamStep::Over => break,
                StreamStep::Done(finding) => {
                    let verdict = finding.outcome.assessment().map(|a| a.verdict);
                    let row = row(&finding, self.folder);
                    if let Some(remark) = &finding.remark {
                        let name = name(&finding.path, self.folder);
                        progress.suspend(|| note!("{name}: {remark}"));
                    }
                    match self.file(&RecordJob::Inspected(finding), &progress, &mut stalled)? {
                        true => {
                            tally.add(verdict);
                            let printed = print_row(&progress, &row);
                            if !self.recorded || is_closed() {
                                printed?;
                            }
                        }
                        false => left += 1,
                    }
                }
                StreamStep::Refused(refused) => {
                    let text = format!("{} is in quarantine: {}.", name(&refused.path, self.folder), refused.reason);
                    match self.file(&RecordJob::Refused(refused), &progress, &mut stalled)? {
                        true => progress.suspend(|| note!("{text}")),
                        false => left += 1,
                    }
                }
            }
            if stalled.is_some() {
                // Waiting for the record is no work on the next part.
                rate.pause();
            }
            let waiting = claims.counts().waiting;
            progress.set_length((inspector.done() + waiting) as u64);
            progress.set_position(inspector.done() as u64);
            progress.set_message(rate.seconds_left(waiting).map(|s| format!("{} left", span(s))).unwrap_or_default());
        }
        self.tell(&progress, &mut stalled);
        progress.finish_and_clear();
        if left > 0 {
            note!("{} could not be recorded; start again to inspect the rest.", counted(left, "part"));
        }
        Ok(tally)
    }

    /// Writes a part to the record, waiting until that is possible; `false` where Ctrl-C came before.
    fn file(&self, job: &RecordJob, progress: &ProgressBar, stalled: &mut Option<String>) -> Result<bool> {
        let pause = |pause| {
            self.tell(progress, stalled);
            sleep(pause, self.interrupted)
        };
        Ok(recorder::file(self.watch.claims(), job, RetryTiming::default(), pause)?)
    }

    /// Prints the notices of the watch, and once that parts wait for the record and that they do no longer.
    fn tell(&self, progress: &ProgressBar, stalled: &mut Option<String>) {
        while let Some(news) = self.watch.next_notice() {
            progress.suspend(|| note!("{}", news.text));
        }
        let now = self.watch.claims().stalled();
        match (&stalled, &now) {
            (None, Some(text)) => progress.suspend(|| note!("{text}")),
            (Some(_), None) => progress.suspend(|| note!("{WRITABLE}")),
            _ => {}
        }
        *stalled = now;
    }
}

/// Returns the path relative to the folder.
fn name(path: &Path, folder: &Path) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    path.strip_prefix(&folder).unwrap_or(path).printable().to_string()
}

/// Formats the row of one image.
fn row(finding: &InspectedFile, folder: &Path) -> String {
    let (verdict, words) = match finding.outcome.assessment() {
        Some(a) => (a.verdict.title(), a.describe()),
        None => ("-", "no verdict: not calibrated".into()),
    };
    format!("{verdict:<13} {words:<48}  {}", name(&finding.path, folder))
}
