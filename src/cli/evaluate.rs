//! `ganspect evaluate`

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{
    options::{self, InspectionOptions, RoleOptions},
    output::{not_calibrated, note, out, print_device, print_lines, print_model, progress_bar, promise_line},
    session::interrupt_flag,
};
use crate::{
    data::{BitDepth, DataSource, Split},
    device,
    device::DeviceChoice,
    engine::evaluation::cache_file,
    format::counted,
    inspect::{
        Evaluation, Evaluator, InvertKnobs, Model, TestSet,
        calibration::rate_interval_sentence,
        evaluation::{
            Estimate, EvaluationSummary, Metrics, ReportedModel, report,
            report::{render_case, worst_cases},
        },
    },
    paths::Paths,
    text::PrintablePath,
    text::json_escaped,
    time::span,
};

/// Interval between updates of the progress bar during an inversion.
const UPDATE_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub(super) struct EvaluateArguments {
    /// Model: a .ganspect file, or `built-in` for the small one that ships with the program
    #[arg(long, value_name = "M.ganspect")]
    model: PathBuf,
    /// Test images: a folder, a CSV file that lists them, or surface:turned (milled, ground, brushed, sintered, painted, anodised), which is drawn on
    /// the fly; defaults to the test split of the model's data set
    #[arg(long, value_name = "DIR|surface:KIND", value_parser = options::data_source())]
    data: Option<DataSource>,
    #[command(flatten)]
    roles: RoleOptions,
    /// Folder for images.csv, metrics.json and report.html
    #[arg(long, value_name = "OUT")]
    report: Option<PathBuf>,
    /// Promised false-alarm rate, for example 0.05; defaults to the model's
    #[arg(long, value_name = "SHARE")]
    rate: Option<f64>,
    /// Bits that 16-bit samples use: auto, 8, 10, 12, 14 or 16; defaults to the model's, or else to the images'
    #[arg(long, value_name = "BITS", default_value_t = BitDepth::Auto, conflicts_with = "weigh")]
    bit_depth: BitDepth,
    #[command(flatten)]
    inspection: InspectionOptions,
    /// Use at most N healthy and N defective images, evenly spaced over the list; for surface:KIND, draw N of each instead
    /// of 50 and 100
    #[arg(long, value_name = "N")]
    images: Option<usize>,
    /// Second model, evaluated on the same images
    #[arg(long, value_name = "OTHER.ganspect")]
    compare: Option<PathBuf>,
    /// Reweight the model's combined score using the labels of these images and save it in the model file; by default its
    /// weights come from synthetic defects, without labels
    #[arg(long, conflicts_with = "compare")]
    weigh: bool,
    /// Print the metrics as JSON instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: EvaluateArguments, choice: DeviceChoice, runs: Option<PathBuf>) -> Result<()> {
    let knobs = arguments.inspection.knobs()?;
    let (device, refused) = device::open(choice);
    if let Some(error) = refused {
        bail!(error);
    }
    let paths = std::iter::once(&arguments.model).chain(&arguments.compare);
    let mut models = paths.map(|path| options::load_model(path, &device.device)).collect::<Result<Vec<Model>>>()?;
    let interrupted = interrupt_flag()?;
    if arguments.weigh && options::is_built_in(&arguments.model) {
        bail!("the built-in model is read-only; choose a .ganspect file");
    }
    for model in &mut models {
        check(model, arguments.rate, &knobs)?;
        model.read_at(arguments.bit_depth);
    }
    let tests = Arc::new(tests(&arguments, &models, &interrupted)?);
    let runs = runs.unwrap_or_else(|| Paths::of_system().runs);
    if !arguments.json {
        print_device(&device);
        let (healthy, defective) = tests.counts();
        out!("data    {}: {healthy} healthy and {defective} defective test images", tests.data);
        let readings: BTreeSet<String> =
            models.iter().filter_map(|model| tests.reading(model.info().recipe.data.bit_depth)).collect();
        for line in tests.about.iter().chain(&readings) {
            out!("        {line}");
        }
    }
    let mut reported = Vec::new();
    for model in &mut models {
        let mut evaluation = evaluate(model, &tests, &knobs, &runs, &interrupted)?;
        if arguments.weigh {
            if !arguments.json {
                print_summary(&EvaluationSummary::of(&evaluation, arguments.rate)?);
            }
            evaluation = reweight(model, &arguments.model, &evaluation)?;
        }
        let summary = EvaluationSummary::of(&evaluation, arguments.rate)?;
        if !arguments.json {
            print_summary(&summary);
        }
        reported.push(ReportedModel { evaluation, summary, cases: Vec::new() });
    }
    if arguments.json {
        let mut json = Vec::new();
        report::write_metrics(&mut json, reported.iter().map(|r| &r.summary))?;
        print_lines(&json_escaped(&String::from_utf8(json)?));
    } else if let [first, other] = reported.as_slice() {
        print_comparison(&first.summary, &other.summary);
    }
    if let Some(out) = &arguments.report {
        for (model, reported) in models.iter().zip(&mut reported) {
            draw(model, &tests, reported, &interrupted);
        }
        for path in report::write(out, &reported)? {
            note!("{}", path.printable());
        }
    }
    Ok(())
}

/// Rejects an invalid rate before the first inspection.
fn check(model: &Model, rate: Option<f64>, knobs: &InvertKnobs) -> Result<()> {
    match (rate, model.calibration(knobs)) {
        (Some(rate), Some(calibration)) => Ok(calibration.check_rate(rate)?),
        (Some(_), None) => Err(not_calibrated(&model.info().name)),
        (None, _) => Ok(()),
    }
}

/// Opens the test images, without those that any of the models was trained or calibrated on.
fn tests(arguments: &EvaluateArguments, models: &[Model], interrupted: &AtomicBool) -> Result<TestSet> {
    let source = match (arguments.roles.source(arguments.data.clone())?, models.first()) {
        (Some(source), _) => source,
        (None, Some(model)) => model.info().data.parse().context("--data is missing: name the test images")?,
        (None, None) => bail!("--data is missing"),
    };
    let seen: Vec<&Split> = models.iter().map(|m| &m.info().split).collect();
    let progress = progress_bar("reading");
    let opened = TestSet::open(&source, &seen, arguments.images, &|done, total| {
        progress.set_length(total as u64);
        progress.set_position(done as u64);
        !interrupted.load(Ordering::Relaxed)
    });
    progress.finish_and_clear();
    Ok(opened?)
}

/// Inspects every test image that has no cached result.
fn evaluate(
    model: &Model,
    tests: &Arc<TestSet>,
    knobs: &InvertKnobs,
    runs: &Path,
    interrupted: &AtomicBool,
) -> Result<Evaluation> {
    let file = cache_file(runs, &model.hash());
    let mut evaluator = Evaluator::new(model, Arc::clone(tests), knobs.clone(), Some(&file))?;
    let progress = progress_bar("inspecting");
    let mut shown: Option<Instant> = None;
    loop {
        let over = evaluator.slice(model.networks())?;
        let (done, total) = evaluator.progress();
        if over || shown.is_none_or(|at| at.elapsed() >= UPDATE_EVERY) {
            shown = Some(Instant::now());
            progress.set_length(total as u64);
            progress.set_position(done as u64);
            progress.set_message(evaluator.seconds_left().map(|s| format!("{} left", span(s))).unwrap_or_default());
        }
        if over {
            break;
        }
        if interrupted.load(Ordering::Relaxed) {
            progress.finish_and_clear();
            evaluator.save_cache()?;
            bail!("stopped after {done} of {total} images; run the same command again to continue");
        }
    }
    progress.finish_and_clear();
    let evaluation = evaluator.evaluation();
    for left in &evaluation.excluded {
        note!("left out {}: {}", left.name, left.reason);
    }
    let known = evaluation.images.len() - evaluator.inspected();
    if known > 0 {
        note!("{known} of {} images were inspected before", evaluation.images.len());
    }
    Ok(evaluation)
}

/// Reweights the model's combined score using the labels of an evaluation, and assesses that evaluation again.
fn reweight(model: &mut Model, path: &Path, evaluation: &Evaluation) -> Result<Evaluation> {
    model.reweight(&evaluation.defective(), &evaluation.header.data, &evaluation.header.knobs)?;
    model.save(path)?;
    let calibration = model.calibration(&evaluation.header.knobs).context("the calibration is missing")?;
    Ok(evaluation.rejudged(calibration, model.rate(&evaluation.header.knobs)))
}

/// Renders the images of the report; those that can no longer be read are left out.
fn draw(model: &Model, tests: &TestSet, reported: &mut ReportedModel, interrupted: &AtomicBool) {
    let shown = worst_cases(&reported.evaluation, &reported.summary);
    let progress = progress_bar("drawing");
    progress.set_length(shown.len() as u64);
    for case in shown {
        if interrupted.load(Ordering::Relaxed) {
            let (done, all) = (progress.position(), progress.length().unwrap_or_default());
            progress.suspend(|| note!("stopped: the report shows {done} of {all} images"));
            break;
        }
        match render_case(model, tests, &reported.evaluation, case) {
            Ok(case) => reported.cases.push(case),
            Err(error) => progress.suspend(|| note!("left out of the report: {error}")),
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
}

/// Formats a metric with its interval, or with a dash where there are too few images for one.
fn with_interval(estimate: Option<Estimate>, images: [usize; 2]) -> String {
    estimate.map_or_else(
        || "-".into(),
        |e| match e.interval(images[0], images[1]) {
            Ok((low, high)) => format!("{:.3} ({low:.3}-{high:.3})", e.value),
            Err(_) => format!("{:.3} (-)", e.value),
        },
    )
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.3}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |s| format!("{:.1} %", s * 100.0))
}

fn print_summary(summary: &EvaluationSummary) {
    let model = &summary.header.model;
    print_model(&model.name, model.step, &model.hash);
    match summary.rate {
        Some(rate) => {
            out!("{}, on {} held-out healthy images", promise_line(summary.rate), summary.held_out);
            out!("        {}", rate_interval_sentence(summary.held_out, rate));
        }
        None => out!("{}", promise_line(None)),
    }
    if summary.unlike > 0 {
        out!("        {} of another size than the calibration images", counted(summary.unlike, "image"));
    }
    if let Some(sentence) = summary.not_this_part_sentence() {
        out!("        {sentence}");
    }
    if let Some(caution) = &summary.caution {
        out!("        {caution}");
    }
    out!("");
    out!("| score | AUROC (95 %) | average precision | best F1 | TPR at 1 % FPR | TPR at 5 % FPR |");
    out!("|---|---|---|---|---|---|");
    for s in &summary.scores {
        let m = &s.metrics;
        let star = if s.score == summary.score { " *" } else { "" };
        let cells = [m.auroc, m.average_precision, m.f1, m.caught_at_1, m.caught_at_5]
            .map(|estimate| with_interval(estimate, [m.healthy, m.defective]));
        out!("| {}{star} | {} |", s.score.name(), cells.join(" | "));
    }
    out!("* decides the verdict");
    if !summary.pixels.is_empty() {
        out!("");
        out!("| map | pixel AUROC | AUPRO up to 0.3 | best IoU | defects |");
        out!("|---|---|---|---|---|");
        for p in &summary.pixels {
            let [auroc, aupro, iou] = [p.auroc, p.aupro, p.iou].map(number);
            out!("| {} | {auroc} | {aupro} | {iou} | {} |", p.map.name(), p.regions);
        }
    }
    let Some(verdict) = summary.verdict() else { return };
    if !verdict.defect_types.is_empty() {
        out!("");
        let names: Vec<&str> = summary.scores.iter().map(|s| s.score.name()).collect();
        out!("| defect type | images | caught | AUROC of {} |", names.join(" | "));
        out!("|---|---|---{}|", "|---".repeat(names.len()));
        for (i, defect) in verdict.defect_types.iter().enumerate() {
            let caught = defect.caught.map_or_else(|| "-".into(), |n| n.to_string());
            let cells = summary.scores.iter().map(|s| number(s.defect_types.get(i).and_then(|t| t.auroc)));
            out!(
                "| {} | {} | {caught} | {} |",
                defect.defect_type,
                defect.count,
                cells.collect::<Vec<_>>().join(" | ")
            );
        }
    }
    if let (Some(c), Some(threshold)) = (verdict.confusion, verdict.threshold) {
        out!("");
        out!("| {} above {threshold:.5} | flagged | not flagged | |", summary.score.name());
        out!("|---|---|---|---|");
        out!("| defective | {} | {} | {} caught |", c.caught, c.missed, percent(c.caught_share()));
        out!("| healthy | {} | {} | {} false alarms |", c.false_alarms, c.passed, percent(c.false_alarm_share()));
    }
    out!("");
}

/// Prints the metrics of two models side by side.
fn print_comparison(first: &EvaluationSummary, other: &EvaluationSummary) {
    let names = report::labels([first, other].into_iter());
    out!("| score | {0}: AUROC | {1}: AUROC | {0}: TPR at 5 % FPR | {1}: TPR at 5 % FPR |", names[0], names[1]);
    out!("|---|---|---|---|---|");
    let mut scores: Vec<_> = first.scores.iter().chain(&other.scores).map(|s| s.score).collect();
    scores.sort();
    scores.dedup();
    for score in scores {
        let of =
            |summary: &EvaluationSummary| summary.scores.iter().find(|s| s.score == score).map(|s| s.metrics.clone());
        let (a, b) = (of(first), of(other));
        let auroc = |m: &Option<Metrics>| {
            m.as_ref().map_or_else(|| "-".into(), |m| with_interval(m.auroc, [m.healthy, m.defective]))
        };
        let caught = |m: &Option<Metrics>| number(m.as_ref().and_then(|m| m.caught_at_5).map(|e| e.value));
        out!("| {} | {} | {} | {} | {} |", score.name(), auroc(&a), auroc(&b), caught(&a), caught(&b));
    }
    for p in &first.pixels {
        let q = other.pixels.iter().find(|q| q.map == p.map);
        out!("| AUPRO of {} | {} | {} | - | - |", p.map.name(), number(p.aupro), number(q.and_then(|q| q.aupro)));
    }
    out!("");
}
