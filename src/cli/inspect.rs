//! `ganspect inspect`

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use crossbeam_channel::Receiver;

use super::{train::bar, wait};
use crate::{
    data::{DataError, colour_map::ColourMap},
    device::DeviceChoice,
    engine::{
        Engine, Event, InspectionRequest, Severity,
        inspection::{
            ModelFacts, ModelSource, ModelState, Query, QueryEntry, QueryId, QuerySource, QueryState, QueryView,
        },
    },
    inspect::{
        Calibration, InvertPreset, Outcome, ScoreKind,
        calibration::verdict_counts::VerdictCounts,
        export::{ExportInput, ExportPart, UniqueStems, numbers, write_all},
    },
};

/// Queries handed over ahead of the one in hand: enough to keep the thread busy, few enough for memory.
const AHEAD: usize = 3;

#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    /// The model: a .ganspect file, or `built-in` for the small one that comes with the program
    #[arg(long, value_name = "M.ganspect")]
    model: PathBuf,
    /// Images, or folders of images
    #[arg(required = true, value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// How to inspect
    #[arg(long, value_enum, default_value_t = InvertPreset::Quick)]
    preset: InvertPreset,
    /// Turn a knob of the inspection, for example --set steps=200; may be given again
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The promised false-alarm rate, for example 0.05; by default the model's
    #[arg(long, value_name = "SHARE")]
    rate: Option<f64>,
    /// Seed of random starts
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A folder for a triptych, the convergence, the numbers and the difference map of each image
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON object a line instead of a table
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV instead of a table
    #[arg(long)]
    csv: bool,
    /// End with exit code 1 when a part is called defective
    #[arg(long)]
    fail_on_defect: bool,
}

/// How results are printed.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Table,
    Json,
    Csv,
}

pub(super) fn run(arguments: InspectArguments, device: DeviceChoice) -> Result<ExitCode> {
    let files = files(&arguments.paths)?;
    let (engine, bell) = super::engine(device)?;
    let mut knobs = arguments.preset.knobs();
    knobs.seed = arguments.seed;
    for assignment in &arguments.set {
        knobs.assign(assignment)?;
    }
    knobs.validate()?;
    engine.send(InspectionRequest::SetKnobs(Box::new(knobs)));
    let model = open_model(&engine, &bell, source(&arguments.model))?;
    let rate = match (arguments.rate, calibration(&engine, &model)) {
        (None, _) => engine.state().inspection.status.read().rate,
        (Some(_), None) => {
            bail!("the model is not calibrated for this setting, so no false-alarm rate can be promised")
        }
        (Some(rate), Some(calibration)) => {
            calibration.check_rate(rate)?;
            Some(rate)
        }
    };
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    }
    let form = match (arguments.json, arguments.csv) {
        (true, _) => Form::Json,
        (_, true) => Form::Csv,
        _ => Form::Table,
    };
    announce(&engine, &model, rate, form);
    let tally = inspect_all(&engine, &bell, &arguments, &model, files, form)?;
    eprintln!("{tally}");
    Ok(match () {
        () if tally.failed > 0 => ExitCode::from(2),
        () if arguments.fail_on_defect && tally.verdicts.defective > 0 => ExitCode::from(1),
        () => ExitCode::SUCCESS,
    })
}

/// The model in this file, or the built-in one by its name.
pub(super) fn source(path: &Path) -> ModelSource {
    match path.to_str() {
        Some("built-in") => ModelSource::BuiltIn,
        _ => ModelSource::File(path.to_owned()),
    }
}

/// Every file that is named, and every file directly in a folder that is named, in order.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let unreadable = |source| DataError::Unreadable { path: path.clone(), source };
        let mut within = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            let hidden = file.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            if file.is_file() && !hidden {
                within.push(file);
            }
        }
        if within.is_empty() {
            bail!(DataError::Empty(path.clone()));
        }
        within.sort();
        files.extend(within);
    }
    Ok(files)
}

/// Puts a model in force and waits for it.
pub(super) fn open_model(engine: &Engine, bell: &Receiver<()>, source: ModelSource) -> Result<Arc<ModelFacts>> {
    engine.send(InspectionRequest::OpenModel(source));
    let state = || engine.state().inspection.status.read().model.clone();
    wait(bell, || matches!(state(), ModelState::Ready(_) | ModelState::Failed(_)) || engine.is_over());
    match state() {
        ModelState::Ready(facts) => Ok(facts),
        ModelState::Failed(sentence) => bail!(sentence),
        _ => bail!("the compute thread ended; start the command again"),
    }
}

/// The calibration for the knobs in force.
fn calibration<'a>(engine: &Engine, model: &'a ModelFacts) -> Option<&'a Calibration> {
    model.calibration(&engine.state().inspection.status.read().knobs)
}

fn announce(engine: &Engine, model: &ModelFacts, rate: Option<f64>, form: Form) {
    if form == Form::Csv {
        println!("{}", line(&numbers::list_header()));
    }
    if form != Form::Table {
        return;
    }
    if let Some(device) = &*engine.state().device.read() {
        println!("device  {}. {}", device.label, device.reason);
    }
    println!("model   {}, {} steps, {}", model.name, model.step, &model.hash[..12.min(model.hash.len())]);
    println!("{}", super::promise(rate));
    println!();
    println!("{:<11} {:>7} {:>10} {:>9} {:>9} {:>7}  image", "verdict", "p", "sum", "per pixel", "feature", "seconds");
}

/// One line of CSV.
fn line(cells: &[impl AsRef<[u8]>]) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(cells);
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()
}

/// How many images came out how.
#[derive(Debug, Default)]
struct Tally {
    verdicts: VerdictCounts,
    failed: usize,
    /// Of another size than the calibration's images.
    unlike: usize,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { verdicts, failed, unlike } = self;
        write!(f, "{verdicts}")?;
        if *failed > 0 {
            write!(f, ", {failed} could not be inspected")?;
        }
        if *unlike > 0 {
            write!(
                f,
                "; {unlike} larger or smaller than what the model is calibrated for; there the promise is a guess"
            )?;
        }
        Ok(())
    }
}

fn inspect_all(
    engine: &Engine,
    bell: &Receiver<()>,
    arguments: &InspectArguments,
    model: &ModelFacts,
    files: Vec<PathBuf>,
    form: Form,
) -> Result<Tally> {
    let calibration = calibration(engine, model);
    let progress = bar("inspecting");
    progress.set_length(files.len() as u64);
    let mut waiting: VecDeque<PathBuf> = files.into();
    let mut asked: VecDeque<(QueryId, PathBuf)> = VecDeque::new();
    let (mut tally, mut names) = (Tally::default(), UniqueStems::default());
    loop {
        while asked.len() < AHEAD
            && let Some(path) = waiting.pop_front()
        {
            let id = QueryId::fresh();
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            let query = Query { id, name, source: QuerySource::File(path.clone()) };
            engine.send(InspectionRequest::Add(vec![query]));
            asked.push_back((id, path));
        }
        let Some((id, path)) = asked.front().cloned() else { break };
        wait(bell, || entry(engine, id).is_some_and(|e| e.state.is_over()) || engine.is_over());
        while let Some(event) = engine.next_event() {
            if let Event::Notice { severity: Severity::Error, text, .. } = event {
                progress.suspend(|| eprintln!("{text}"));
            }
        }
        let Some(entry) = entry(engine, id).filter(|e| e.state.is_over()) else {
            bail!("the compute thread ended while it inspected {}", path.display());
        };
        asked.pop_front();
        match &entry.state {
            QueryState::Failed(sentence) => {
                tally.failed += 1;
                let known = sentence.contains(&*path.to_string_lossy());
                let named = if known { sentence.clone() } else { format!("{}: {sentence}", path.display()) };
                progress.suspend(|| eprintln!("{named}"));
            }
            _ => {
                let view = engine.state().inspection.views.read().get(&id).cloned();
                let view = view.with_context(|| format!("what came of {} is gone", path.display()))?;
                report(arguments, model, calibration, &path, &view, form, &mut tally, &mut names, &progress)?;
            }
        }
        engine.send(InspectionRequest::Remove(vec![id]));
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(tally)
}

fn entry(engine: &Engine, id: QueryId) -> Option<Arc<QueryEntry>> {
    engine.state().inspection.status.read().entries.iter().find(|e| e.id == id).cloned()
}

/// Prints one image's row, and writes its pictures.
#[expect(clippy::too_many_arguments, reason = "everything that a row is made of, in one place")]
fn report(
    arguments: &InspectArguments,
    model: &ModelFacts,
    calibration: Option<&Calibration>,
    path: &Path,
    view: &QueryView,
    form: Form,
    tally: &mut Tally,
    names: &mut UniqueStems,
    progress: &indicatif::ProgressBar,
) -> Result<()> {
    let Some(outcome) = &view.outcome else { return Ok(()) };
    let judged;
    let outcome = match (arguments.rate, calibration) {
        // The rate asked for holds for this command and is not kept in the model.
        (Some(rate), Some(calibration)) => {
            let assessment = calibration.assess(&outcome.scores, rate).ok();
            judged = Outcome { assessment, ..Outcome::clone(outcome) };
            &judged
        }
        _ => outcome.as_ref(),
    };
    tally.verdicts.add(outcome.assessment.as_ref().map(|a| a.verdict));
    let size = (outcome.query.width(), outcome.query.height());
    tally.unlike += usize::from(calibration.is_some_and(|c| !c.suits(size)));
    let file = path.display().to_string();
    let inspected = ExportInput {
        file: &file,
        model: &model.name,
        hash: &model.hash,
        outcome,
        frames: &view.frames,
        scale: calibration.map(|c| c.scale),
        map: ColourMap::Ember,
    };
    let row = match form {
        Form::Json => serde_json::to_string(&numbers::InspectionNumbers::of(&inspected))?,
        Form::Csv => line(&numbers::list_row(&inspected)),
        Form::Table => {
            let score = |kind| outcome.scores.get(kind);
            let (verdict, p) = match &outcome.assessment {
                Some(a) => (a.verdict.title(), format!("{:.4}", a.p)),
                None => ("-", "-".into()),
            };
            format!(
                "{verdict:<11} {p:>7} {:>10.1} {:>9.4} {:>9.4} {:>7.2}  {file}",
                score(ScoreKind::L1Sum),
                score(ScoreKind::L1),
                score(ScoreKind::Feature),
                outcome.seconds
            )
        }
    };
    super::print_row(progress, &row)?;
    if let Some(out) = &arguments.out {
        let stem = path.file_stem().map_or_else(|| "image".into(), |s| s.to_string_lossy().into_owned());
        write_all(out, &stem, names, &inspected, &ExportPart::ALL)?;
    }
    Ok(())
}
