//! `ganspect evaluate`

use std::{
    io,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::train::bar;
use crate::{
    data::{DataSource, Split},
    device,
    device::DeviceChoice,
    engine::evaluation::kept_file,
    format::counted,
    inspect::{
        Evaluation, Evaluator, InvertKnobs, InvertPreset, Model, TestSet,
        calibration::rate_interval_sentence,
        evaluation::{
            EvaluationSummary, ReportedModel,
            metrics::{Estimate, Metrics},
            report,
            report::{render_case, worst_cases},
        },
    },
    paths::Paths,
    time::span,
};

/// The bar is moved this often while z is on its way.
const SHOW_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub(super) struct EvaluateArguments {
    /// The model: a .ganspect file, or `built-in` for the small one that comes with the program
    #[arg(long, value_name = "M.ganspect")]
    model: PathBuf,
    /// Images to test with: a folder, a CSV that lists them, or surface:turned (milled, ground, brushed), which
    /// is drawn anew; by default the test images of the data that the model was trained on
    #[arg(long, value_name = "DIR|surface:KIND")]
    data: Option<DataSource>,
    /// A folder for images.csv, metrics.json and report.html
    #[arg(long, value_name = "OUT")]
    report: Option<PathBuf>,
    /// The promised false-alarm rate, for example 0.05; by default the model's
    #[arg(long, value_name = "SHARE")]
    rate: Option<f64>,
    /// How to inspect
    #[arg(long, value_enum, default_value_t = InvertPreset::Quick)]
    preset: InvertPreset,
    /// Turn a knob of the inspection, for example --set steps=200; may be given again
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Test at most so many healthy images and so many defective ones, evenly from the whole list; of surface:KIND
    /// that many are drawn, instead of 50 and 100
    #[arg(long, value_name = "N")]
    images: Option<usize>,
    /// Another model, tested on the same images
    #[arg(long, value_name = "OTHER.ganspect")]
    compare: Option<PathBuf>,
    /// Weigh the model's fused score by the defects of this test from now on, and keep that in its file; by default it
    /// is weighed by forged damage and no label plays a part
    #[arg(long, conflicts_with = "compare")]
    weigh: bool,
    /// Print the figures as JSON instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: EvaluateArguments, choice: DeviceChoice, runs: Option<PathBuf>) -> Result<()> {
    let knobs = super::knobs(arguments.preset, &arguments.set)?;
    let (device, refused) = device::open(choice);
    if let Some(error) = refused {
        bail!(error);
    }
    let paths = std::iter::once(&arguments.model).chain(&arguments.compare);
    let mut models = paths.map(|path| super::load(path, &device.device)).collect::<Result<Vec<Model>>>()?;
    let interrupted = super::interrupted()?;
    if arguments.weigh && arguments.model.to_str() == Some("built-in") {
        bail!("the built-in model cannot be changed; name a .ganspect file");
    }
    for model in &models {
        check(model, arguments.rate, &knobs)?;
    }
    let tests = Arc::new(tests(&arguments, &models, &interrupted)?);
    let runs = runs.unwrap_or_else(|| Paths::of_system().runs);
    if !arguments.json {
        println!("device  {}. {}", device.label, device.reason);
        let (healthy, defective) = tests.counts();
        println!("data    {}: {healthy} healthy and {defective} defective images to test with", tests.data);
        for line in &tests.about {
            println!("        {line}");
        }
    }
    let mut reported = Vec::new();
    for model in &mut models {
        let mut evaluation = test(model, &tests, &knobs, &runs, &interrupted)?;
        if arguments.weigh {
            if !arguments.json {
                print(&EvaluationSummary::of(&evaluation, arguments.rate)?);
            }
            evaluation = weigh(model, &arguments.model, &evaluation)?;
        }
        let summary = EvaluationSummary::of(&evaluation, arguments.rate)?;
        if !arguments.json {
            print(&summary);
        }
        reported.push(ReportedModel { evaluation, summary, cases: Vec::new() });
    }
    if arguments.json {
        report::write_metrics(&mut io::stdout(), reported.iter().map(|r| &r.summary))?;
        writeln!(io::stdout())?;
    } else if let [first, other] = reported.as_slice() {
        print_both(&first.summary, &other.summary);
    }
    if let Some(out) = &arguments.report {
        for (model, reported) in models.iter().zip(&mut reported) {
            draw(model, &tests, reported, &interrupted);
        }
        for path in report::write(out, &reported)? {
            eprintln!("{}", path.display());
        }
    }
    Ok(())
}

/// Refuses a rate before anything is inspected.
fn check(model: &Model, rate: Option<f64>, knobs: &InvertKnobs) -> Result<()> {
    match (rate, model.calibration(knobs)) {
        (Some(rate), Some(calibration)) => Ok(calibration.check_rate(rate)?),
        (Some(_), None) => bail!(
            "{} is not calibrated for this setting, so no false-alarm rate can be promised; \
             `ganspect model calibrate` does that",
            model.info().name
        ),
        (None, _) => Ok(()),
    }
}

/// The images to test with: none that any of the models has seen.
fn tests(arguments: &EvaluateArguments, models: &[Model], interrupted: &AtomicBool) -> Result<TestSet> {
    let source = match (&arguments.data, models.first()) {
        (Some(source), _) => source.clone(),
        (None, Some(model)) => model.info().data.parse().context("name the images to test with: --data is missing")?,
        (None, None) => bail!("--data is missing"),
    };
    let seen: Vec<&Split> = models.iter().map(|m| &m.info().split).collect();
    let progress = bar("reading");
    let opened = TestSet::open(&source, &seen, arguments.images, &|done, total| {
        progress.set_length(total as u64);
        progress.set_position(done as u64);
        !interrupted.load(Ordering::Relaxed)
    });
    progress.finish_and_clear();
    Ok(opened?)
}

/// Inspects every test image, or takes what is known of it.
fn test(
    model: &Model,
    tests: &Arc<TestSet>,
    knobs: &InvertKnobs,
    runs: &Path,
    interrupted: &AtomicBool,
) -> Result<Evaluation> {
    let file = kept_file(runs, &model.hash());
    let mut evaluator = Evaluator::new(model, Arc::clone(tests), knobs.clone(), Some(&file))?;
    let progress = bar("inspecting");
    let mut shown: Option<Instant> = None;
    loop {
        let over = evaluator.slice(model.networks())?;
        let (done, total) = evaluator.progress();
        if over || shown.is_none_or(|at| at.elapsed() >= SHOW_EVERY) {
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
            bail!("stopped after {done} of {total} images; they are kept, and the same command goes on from there");
        }
    }
    progress.finish_and_clear();
    let evaluation = evaluator.evaluation();
    for left in &evaluation.excluded {
        eprintln!("left out {}: {}", left.name, left.reason);
    }
    let known = evaluation.images.len() - evaluator.inspected();
    if known > 0 {
        eprintln!("{known} of {} images were known from before", evaluation.images.len());
    }
    Ok(evaluation)
}

/// Weighs the model's fused score by the defects of a test, and judges that test anew.
fn weigh(model: &mut Model, path: &Path, evaluation: &Evaluation) -> Result<Evaluation> {
    model.reweight(&evaluation.defective(), &evaluation.header.data, &evaluation.header.knobs)?;
    model.save(path)?;
    let calibration = model.calibration(&evaluation.header.knobs).context("the calibration is gone")?;
    Ok(evaluation.rejudged(calibration, model.rate(&evaluation.header.knobs)))
}

/// Draws the images that the report shows; one that cannot be drawn any more is not shown.
fn draw(model: &Model, tests: &TestSet, reported: &mut ReportedModel, interrupted: &AtomicBool) {
    let shown = worst_cases(&reported.evaluation, &reported.summary);
    let progress = bar("drawing");
    progress.set_length(shown.len() as u64);
    for case in shown {
        if interrupted.load(Ordering::Relaxed) {
            break;
        }
        match render_case(model, tests, &reported.evaluation, case) {
            Ok(case) => reported.cases.push(case),
            Err(error) => progress.suspend(|| eprintln!("not shown in the report: {error}")),
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
}

fn with_interval(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(|| "-".into(), |e| format!("{:.3} ({:.3}-{:.3})", e.value, e.low, e.high))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.3}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |s| format!("{:.1} %", s * 100.0))
}

fn print(summary: &EvaluationSummary) {
    let model = &summary.header.model;
    println!("model   {}, {} steps, {}", model.name, model.step, &model.hash[..12.min(model.hash.len())]);
    match summary.rate {
        Some(rate) => {
            println!("{}, on {} held-out healthy images", super::promise(summary.rate), summary.held_out);
            println!("        {}", rate_interval_sentence(summary.held_out, rate));
        }
        None => println!("{}", super::promise(None)),
    }
    if summary.unlike > 0 {
        println!("        {} larger or smaller than what it is calibrated for", counted(summary.unlike, "image"));
    }
    if let Some(caution) = &summary.caution {
        println!("        {caution}");
    }
    println!();
    println!("| score | AUROC (95 %) | average precision | F1, best | caught at 1 % | caught at 5 % |");
    println!("|---|---|---|---|---|---|");
    for s in &summary.scores {
        let m = &s.metrics;
        let star = if s.score == summary.score { " *" } else { "" };
        let cells = [m.auroc, m.average_precision, m.f1, m.caught_at_1, m.caught_at_5].map(with_interval);
        println!("| {}{star} | {} |", s.score.name(), cells.join(" | "));
    }
    println!("* the score that verdicts go by");
    if !summary.pixels.is_empty() {
        println!();
        println!("| map | pixel AUROC | AUPRO, up to 0.3 | IoU, best | defects |");
        println!("|---|---|---|---|---|");
        for p in &summary.pixels {
            let [auroc, aupro, iou] = [p.auroc, p.aupro, p.iou].map(number);
            println!("| {} | {auroc} | {aupro} | {iou} | {} |", p.map.name(), p.regions);
        }
    }
    let Some(verdict) = summary.verdict() else { return };
    if !verdict.kinds.is_empty() {
        println!();
        let names: Vec<&str> = summary.scores.iter().map(|s| s.score.name()).collect();
        println!("| kind of defect | images | caught | AUROC of {} |", names.join(" | "));
        println!("|---|---|---{}|", "|---".repeat(names.len()));
        for (i, kind) in verdict.kinds.iter().enumerate() {
            let caught = kind.caught.map_or_else(|| "-".into(), |n| n.to_string());
            let cells = summary.scores.iter().map(|s| number(s.kinds.get(i).and_then(|k| k.auroc)));
            println!("| {} | {} | {caught} | {} |", kind.kind, kind.count, cells.collect::<Vec<_>>().join(" | "));
        }
    }
    if let (Some(c), Some(threshold)) = (verdict.confusion, verdict.threshold) {
        println!();
        println!("| {} above {threshold:.5} | flagged | not flagged | |", summary.score.name());
        println!("|---|---|---|---|");
        println!("| defective | {} | {} | {} caught |", c.caught, c.missed, percent(c.caught_share()));
        println!("| healthy | {} | {} | {} false alarms |", c.false_alarms, c.passed, percent(c.false_alarm_share()));
    }
    println!();
}

/// Two models side by side.
fn print_both(first: &EvaluationSummary, other: &EvaluationSummary) {
    let names = report::labels([first, other].into_iter());
    println!("| score | {0}: AUROC | {1}: AUROC | {0}: caught at 5 % | {1}: caught at 5 % |", names[0], names[1]);
    println!("|---|---|---|---|---|");
    let mut scores: Vec<_> = first.scores.iter().chain(&other.scores).map(|s| s.score).collect();
    scores.sort();
    scores.dedup();
    for score in scores {
        let of =
            |summary: &EvaluationSummary| summary.scores.iter().find(|s| s.score == score).map(|s| s.metrics.clone());
        let (a, b) = (of(first), of(other));
        let auroc = |m: &Option<Metrics>| with_interval(m.as_ref().and_then(|m| m.auroc));
        let caught = |m: &Option<Metrics>| number(m.as_ref().and_then(|m| m.caught_at_5).map(|e| e.value));
        println!("| {} | {} | {} | {} | {} |", score.name(), auroc(&a), auroc(&b), caught(&a), caught(&b));
    }
    for p in &first.pixels {
        let q = other.pixels.iter().find(|q| q.map == p.map);
        println!("| AUPRO of {} | {} | {} | - | - |", p.map.name(), number(p.aupro), number(q.and_then(|q| q.aupro)));
    }
    println!();
}
