//! `ganspect inspect`

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::ProgressBar;

use super::{
    image_files::{bit_depth_of, image_files},
    options::{self, InspectionOptions, RegionOptions},
    output::{
        not_calibrated, note, out, print_device, print_model, print_row, progress_bar, promise_line, verdict_code,
    },
    session::EngineSession,
};
use crate::{
    data::{BitDepth, colour_map::ColourMap},
    device::DeviceChoice,
    engine::{
        Engine, Event, InspectionRequest, Severity,
        inspection::{ModelFacts, ModelState, Query, QueryEntry, QueryId, QuerySource, QueryState, QueryView},
    },
    inspect::{
        Calibration, Outcome, ScoreKind,
        calibration::VerdictCounts,
        export::{ExportInput, ExportPart, UniqueStems, numbers, stem_of, write_all},
    },
    text::{PrintablePath, json_escaped, path_text, table_line},
};

/// Number of queries in the engine's queue: enough to keep the compute thread busy, few enough for memory.
const QUEUED: usize = 3;

#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    /// Model: a .ganspect file, or `built-in` for the small one that ships with the program
    #[arg(long, value_name = "M.ganspect")]
    model: PathBuf,
    /// Images, or folders of images
    #[arg(required = true, value_name = "PATHS")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    inspection: InspectionOptions,
    #[command(flatten)]
    regions: RegionOptions,
    /// Promised false-alarm rate, for example 0.05; defaults to the model's
    #[arg(long, value_name = "SHARE")]
    rate: Option<f64>,
    /// Include subfolders
    #[arg(long)]
    recursive: bool,
    /// Bits that 16-bit samples use: auto, 8, 10, 12, 14 or 16; defaults to the model's, or else to the images'
    #[arg(long, value_name = "BITS", default_value_t = BitDepth::Auto)]
    bit_depth: BitDepth,
    /// Random seed of the initial z
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the triptych, convergence, numbers, anomaly regions and difference map of each image
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON Lines, one object per image, instead of a table
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV instead of a table
    #[arg(long)]
    csv: bool,
    /// Exit with code 1 if any image is found defective
    #[arg(long)]
    fail_on_defect: bool,
}

/// Output format.
#[derive(Clone, Copy, PartialEq)]
enum OutputFormat {
    Table,
    Json,
    Csv,
}

pub(super) fn run(arguments: InspectArguments, device: DeviceChoice) -> Result<ExitCode> {
    let files = image_files(&arguments.paths, arguments.recursive)?;
    let session = EngineSession::start(device)?;
    let engine = &session.engine;
    let knobs = arguments.inspection.seeded_knobs(arguments.seed)?;
    engine.send(InspectionRequest::SetKnobs(Box::new(knobs)));
    let model = session.open_model(options::model_source(&arguments.model))?;
    let depth = match arguments.bit_depth.or(model.recipe.data.bit_depth) {
        BitDepth::Auto => bit_depth_of(&files),
        depth => depth,
    };
    engine.send(InspectionRequest::SetBitDepth(depth));
    // They hold for this command only and are not saved in the model.
    let region_settings = arguments.regions.of(model.region_settings)?;
    let model = Arc::new(ModelFacts { region_settings, ..ModelFacts::clone(&model) });
    let rate = match (arguments.rate, calibration(engine, &model)) {
        (None, _) => engine.state().inspection.status.read().rate,
        (Some(_), None) => return Err(not_calibrated(&model.name)),
        (Some(rate), Some(calibration)) => {
            calibration.check_rate(rate)?;
            Some(rate)
        }
    };
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out).with_context(|| format!("cannot create the folder {}", out.printable()))?;
    }
    let format = match (arguments.json, arguments.csv) {
        (true, _) => OutputFormat::Json,
        (_, true) => OutputFormat::Csv,
        _ => OutputFormat::Table,
    };
    print_header(engine, &model, rate, format);
    let writer = ResultWriter {
        arguments: &arguments,
        model: &model,
        calibration: calibration(engine, &model),
        format,
        progress: progress_bar("inspecting"),
        tally: Tally::default(),
        stems: UniqueStems::default(),
    };
    let tally = inspect_all(&session, files, writer)?;
    note!("{tally}");
    Ok(match tally.failed {
        0 => verdict_code(&tally.verdicts, arguments.fail_on_defect),
        _ => ExitCode::from(2),
    })
}

/// Returns the calibration for the current settings.
fn calibration<'a>(engine: &Engine, model: &'a ModelFacts) -> Option<&'a Calibration> {
    model.calibration(&engine.state().inspection.status.read().knobs)
}

/// Prints what precedes the rows.
fn print_header(engine: &Engine, model: &ModelFacts, rate: Option<f64>, format: OutputFormat) {
    if format == OutputFormat::Csv {
        out!("{}", numbers::list_header().join(","));
    }
    if format != OutputFormat::Table {
        return;
    }
    if let Some(device) = &*engine.state().device.read() {
        print_device(device);
    }
    print_model(&model.name, model.step, &model.hash);
    out!("{}", promise_line(rate));
    out!("");
    out!("{:<13} {:>7} {:>10} {:>9} {:>9} {:>7}  image", "verdict", "p", "sum", "per pixel", "feature", "seconds");
}

/// Number of images by result.
#[derive(Debug, Default)]
struct Tally {
    verdicts: VerdictCounts,
    failed: usize,
    /// Images of another size than the calibration images.
    other_size: usize,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { verdicts, failed, other_size } = self;
        write!(f, "{verdicts}")?;
        if *failed > 0 {
            write!(f, ", {failed} could not be inspected")?;
        }
        if *other_size > 0 {
            write!(
                f,
                "; {other_size} of another size than the calibration images, for which the promised rate is not guaranteed"
            )?;
        }
        Ok(())
    }
}

/// Prints and exports the results of a command.
struct ResultWriter<'a> {
    arguments: &'a InspectArguments,
    model: &'a ModelFacts,
    calibration: Option<&'a Calibration>,
    format: OutputFormat,
    progress: ProgressBar,
    tally: Tally,
    stems: UniqueStems,
}

/// Inspects the files in order, with a few of them queued ahead.
fn inspect_all(session: &EngineSession, files: Vec<PathBuf>, mut writer: ResultWriter<'_>) -> Result<Tally> {
    let engine = &session.engine;
    writer.progress.set_length(files.len() as u64);
    let mut waiting: VecDeque<PathBuf> = files.into();
    let mut queued: VecDeque<(QueryId, PathBuf)> = VecDeque::new();
    loop {
        while queued.len() < QUEUED
            && let Some(path) = waiting.pop_front()
        {
            let id = QueryId::fresh();
            let name = path.file_name().unwrap_or(path.as_os_str()).printable().to_string();
            let query = Query { id, name, source: QuerySource::File(path.clone()) };
            engine.send(InspectionRequest::Add(vec![query]));
            queued.push_back((id, path));
        }
        let Some((id, path)) = queued.front().cloned() else { break };
        session.wait_until(|| entry(engine, id).is_some_and(|e| e.state.is_over()) || engine.is_over());
        while let Some(event) = engine.next_event() {
            if let Event::Notice { severity: Severity::Error, text, .. } = event {
                writer.progress.suspend(|| note!("{text}"));
            }
        }
        let Some(entry) = entry(engine, id).filter(|e| e.state.is_over()) else {
            bail!("the compute thread ended while inspecting {}", path.printable());
        };
        queued.pop_front();
        match &entry.state {
            QueryState::Failed(sentence) => {
                writer.fail(&path, sentence);
                // No other image can be inspected with this model either.
                if matches!(engine.state().inspection.status.read().model, ModelState::Failed(_)) {
                    bail!("the inspection was stopped: the model cannot be used");
                }
            }
            _ => {
                let view = engine.state().inspection.views.read().get(&id).cloned();
                let view = view.with_context(|| format!("the result of {} is missing", path.printable()))?;
                if let Some(remark) = &entry.remark {
                    writer.progress.suspend(|| note!("{}: {remark}", path.printable()));
                }
                writer.write(&path, &view)?;
            }
        }
        engine.send(InspectionRequest::Remove(vec![id]));
        writer.progress.inc(1);
    }
    writer.progress.finish_and_clear();
    Ok(writer.tally)
}

fn entry(engine: &Engine, id: QueryId) -> Option<Arc<QueryEntry>> {
    engine.state().inspection.status.read().entries.iter().find(|e| e.id == id).cloned()
}

impl ResultWriter<'_> {
    /// Prints the error of an image that could not be inspected.
    fn fail(&mut self, path: &Path, sentence: &str) {
        self.tally.failed += 1;
        let has_path = sentence.contains(&path.printable().to_string());
        let named = if has_path { sentence.to_owned() } else { format!("{}: {sentence}", path.printable()) };
        self.progress.suspend(|| note!("{named}"));
    }

    /// Prints the row of one image and writes its files.
    fn write(&mut self, path: &Path, view: &QueryView) -> Result<()> {
        let Some(outcome) = &view.outcome else { return Ok(()) };
        let mut judged;
        let outcome = match (self.arguments.rate, self.calibration) {
            // The rate holds for this command only and is not saved in the model.
            (Some(rate), Some(calibration)) => {
                judged = Outcome::clone(outcome);
                judged.judge(calibration, rate);
                &judged
            }
            _ => outcome.as_ref(),
        };
        self.tally.verdicts.add(outcome.assessment().map(|a| a.verdict));
        let size = (outcome.query.width(), outcome.query.height());
        self.tally.other_size += usize::from(self.calibration.is_some_and(|c| !c.suits(size)));
        let file = match self.format {
            OutputFormat::Json => path_text::to_text(path).into_owned(),
            OutputFormat::Table | OutputFormat::Csv => path.printable().to_string(),
        };
        let deciding = self.model.deciding_map(outcome);
        // At another rate the threshold is another one.
        let regions = self.model.anomaly_regions(outcome);
        let inspected = ExportInput {
            file: &file,
            model: &self.model.name,
            hash: &self.model.hash,
            outcome,
            regions: Some(&regions),
            truth: None,
            frames: &view.frames,
            scale: self.model.map_scale(&outcome.knobs),
            shown: deciding,
            deciding,
            map: ColourMap::Ember,
        };
        let row = match self.format {
            OutputFormat::Json => {
                json_escaped(&serde_json::to_string(&numbers::InspectionNumbers::of(&inspected))?).into()
            }
            OutputFormat::Csv => table_line(&numbers::list_row(&inspected)),
            OutputFormat::Table => table_row(&file, outcome),
        };
        print_row(&self.progress, &row)?;
        if let Some(out) = &self.arguments.out {
            write_all(out, &stem_of(path), &mut self.stems, &inspected, &ExportPart::ALL)?;
        }
        Ok(())
    }
}

/// Formats a row of the table.
fn table_row(file: &str, outcome: &Outcome) -> String {
    let score = |kind| outcome.scores().get(kind);
    let (verdict, p) = match outcome.assessment() {
        // The p-value says nothing about an image that does not show this part.
        Some(a) if a.reason.is_some() => (a.verdict.title(), "-".into()),
        Some(a) => (a.verdict.title(), format!("{:.4}", a.p)),
        None => ("-", "-".into()),
    };
    format!(
        "{verdict:<13} {p:>7} {:>10.1} {:>9.4} {:>9.4} {:>7.2}  {file}",
        score(ScoreKind::L1Sum),
        score(ScoreKind::L1),
        score(ScoreKind::Feature),
        outcome.seconds
    )
}
