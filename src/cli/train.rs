//! `ganspect train`

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result, bail};
use clap::Args;
use crossbeam_channel::bounded;
use indicatif::{ProgressBar, ProgressStyle};

use super::{wait, wait_a_moment};
use crate::{
    data::DataSource,
    device::DeviceChoice,
    engine::{Engine, Event, Severity, TrainingRequest, training::TrainingPhase},
    files,
    paths::Paths,
    time::span,
    train::{
        Metric, Preset, Recipe,
        run_folder::{MODEL_FILE, free_folder},
    },
};

#[derive(Debug, Args)]
pub(super) struct TrainArguments {
    /// A folder of images, a CSV that lists them, or surface:turned (milled, ground, brushed)
    #[arg(long, value_name = "DIR|surface:KIND", required_unless_present = "resume")]
    data: Option<DataSource>,
    /// The recipe to start from; by default what suits the device
    #[arg(long, value_enum, conflicts_with_all = ["recipe", "resume"])]
    preset: Option<Preset>,
    /// A recipe file to start from
    #[arg(long, conflicts_with = "resume")]
    recipe: Option<PathBuf>,
    /// Stop after this many steps
    #[arg(long)]
    steps: Option<u64>,
    /// Turn a knob, for example --set train.k_g=2; may be given again
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The run's folder, which must be empty or not exist yet
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on with this run from its last checkpoint
    #[arg(long, value_name = "RUN", conflicts_with = "data")]
    resume: Option<PathBuf>,
}

/// A progress bar on standard error, if that is a terminal.
pub(super) fn bar(word: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len}  {msg}");
    let bar = ProgressBar::new(0).with_prefix(word);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Length of a bar that shows a share in percent.
const WHOLE: u64 = 1_000;

/// Lets a bar show a share of a whole in place of a count.
fn becomes_whole(bar: &ProgressBar, word: &'static str) {
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {percent} %  {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(word);
    bar.set_length(WHOLE);
}

pub(super) fn run(arguments: TrainArguments, device: DeviceChoice, runs: Option<PathBuf>) -> Result<()> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let (ring, bell) = bounded::<()>(1);
    {
        let (interrupted, ring) = (Arc::clone(&interrupted), ring.clone());
        ctrlc::set_handler(move || {
            interrupted.store(true, Ordering::Relaxed);
            let _ = ring.try_send(());
        })
        .context("Ctrl-C cannot be caught")?;
    }
    let engine = Engine::start(device, move || {
        let _ = ring.try_send(());
    })
    .context("the compute thread did not start")?;

    let begin = match &arguments.resume {
        Some(run) => TrainingRequest::Resume { run: run.clone(), paused: true },
        None => {
            // The preset depends on the device, which the engine chooses first.
            wait(&bell, || engine.state().device.read().is_some());
            let gpu = engine.state().device.read().as_ref().is_some_and(|device| device.is_gpu);
            let source = arguments.data.clone().context("--data is missing")?;
            let recipe = recipe(&arguments, gpu)?;
            let out = match &arguments.out {
                Some(out) => out.clone(),
                None => free_folder(&runs.unwrap_or_else(|| Paths::of_system().runs), &source),
            };
            TrainingRequest::Start { source, opened: None, recipe: Box::new(recipe), out }
        }
    };
    engine.send(begin);
    follow(&engine, &arguments, &bell, &interrupted)
}

fn recipe(arguments: &TrainArguments, gpu: bool) -> Result<Recipe> {
    let mut recipe = match (&arguments.recipe, arguments.preset) {
        (Some(path), _) => {
            let text = files::read_text(path, 1 << 20)?;
            Recipe::from_toml(&text).with_context(|| format!("the recipe {} cannot be used", path.display()))?
        }
        (None, Some(preset)) => preset.recipe(),
        (None, None) => Preset::suited(gpu).recipe(),
    };
    turn(&mut recipe, arguments)?;
    Ok(recipe)
}

fn turn(recipe: &mut Recipe, arguments: &TrainArguments) -> Result<()> {
    for assignment in &arguments.set {
        recipe.assign(assignment)?;
    }
    if let Some(steps) = arguments.steps {
        recipe.assign(&format!("train.steps={steps}"))?;
    }
    recipe.validate()?;
    Ok(())
}

/// Shows how the run goes until it ends, by its own or by Ctrl-C.
fn follow(
    engine: &Engine,
    arguments: &TrainArguments,
    bell: &crossbeam_channel::Receiver<()>,
    interrupted: &AtomicBool,
) -> Result<()> {
    let bar = bar("training");
    let mut run: Option<PathBuf> = None;
    let mut failed: Option<String> = None;
    let (mut stopping, mut making_model) = (false, false);
    // A resumed run may be finished already, until its new steps are in force.
    let mut target = 0;
    loop {
        wait_a_moment(bell);
        if interrupted.load(Ordering::Relaxed) && !stopping {
            stopping = true;
            engine.send(TrainingRequest::Stop);
        }
        while let Some(event) = engine.next_event() {
            match event {
                Event::Opened(path) => {
                    bar.suspend(|| announce(engine, &path));
                    run = Some(path);
                    if arguments.resume.is_some() {
                        target = take_up(engine, arguments, bell)?;
                    }
                }
                Event::Notice { severity: Severity::Info, .. } => {}
                Event::Notice { severity, text, .. } => {
                    if severity == Severity::Error {
                        failed = Some(text);
                    } else {
                        bar.suspend(|| eprintln!("{text}"));
                    }
                }
                Event::Closed { run, step } => {
                    bar.finish_and_clear();
                    summarise(engine, &run, step);
                    return failed.map_or(Ok(()), |text| bail!(text));
                }
            }
        }
        let status = engine.state().training.status.read().clone();
        match &status.phase {
            TrainingPhase::Failed(sentence) => {
                bar.finish_and_clear();
                bail!("{sentence}");
            }
            TrainingPhase::Opening { done, total } => {
                bar.set_length(*total as u64);
                bar.set_position(*done as u64);
                bar.set_message("reading images");
            }
            TrainingPhase::Preparing => bar.set_message("preparing kernels"),
            TrainingPhase::Finishing(making) => {
                if !std::mem::replace(&mut making_model, true) {
                    becomes_whole(&bar, "making the model");
                }
                // One bar for all parts, so that it fills once.
                bar.set_position((f64::from(making.share) * WHOLE as f64) as u64);
                let left = status.seconds_left.map(|s| format!("; {} left in all", span(s))).unwrap_or_default();
                bar.set_message(format!("{}{left}", making.words()));
            }
            // The bar ends as it was.
            _ if making_model => {}
            _ => {
                bar.set_length(status.recipe.as_ref().map_or(0, |r| r.train.steps));
                bar.set_position(status.step);
                let left = status.seconds_left.map(|s| format!(", {} left", span(s))).unwrap_or_default();
                bar.set_message(format!("{:.1} steps/s{left}", status.steps_per_second));
            }
        }
        let over = match status.phase {
            TrainingPhase::Finished => run.is_some() && status.step >= target,
            TrainingPhase::Paused => failed.is_some(),
            _ => false,
        };
        if over && !stopping {
            stopping = true;
            engine.send(TrainingRequest::Stop);
        }
        if stopping && run.is_none() && status.phase == TrainingPhase::Idle {
            bar.finish_and_clear();
            return Ok(());
        }
        if engine.is_over() {
            bail!("the compute thread ended; the run can be resumed from its last checkpoint");
        }
    }
}

/// Puts changed knobs in force on a resumed run, and lets it go on; returns its last step.
fn take_up(engine: &Engine, arguments: &TrainArguments, bell: &crossbeam_channel::Receiver<()>) -> Result<u64> {
    let Some(in_force) = engine.state().training.status.read().recipe.clone() else { return Ok(0) };
    let mut recipe = (*in_force).clone();
    turn(&mut recipe, arguments)?;
    let done = engine.state().training.status.read().step >= recipe.train.steps;
    let steps = recipe.train.steps;
    let run = engine.state().training.status.read().run.clone();
    if done && recipe.train.model_at_end && run.is_some_and(|run| !run.join(MODEL_FILE).exists()) {
        // Interrupted between the last step and its model.
        engine.send(TrainingRequest::SetKnobs(Box::new(recipe)));
        engine.send(TrainingRequest::BuildModel);
        let begun = || {
            matches!(
                engine.state().training.status.read().phase,
                TrainingPhase::Finishing(_) | TrainingPhase::Failed(_)
            )
        };
        wait(bell, begun);
        return Ok(steps);
    }
    if done {
        bail!("the run has done all its {} steps already; give more with --steps", recipe.train.steps);
    }
    engine.send(TrainingRequest::SetKnobs(Box::new(recipe)));
    engine.send(TrainingRequest::Play);
    Ok(steps)
}

fn announce(engine: &Engine, path: &Path) {
    let status = engine.state().training.status.read().clone();
    if let Some(device) = &*engine.state().device.read() {
        println!("device  {}. {}", device.label, device.reason);
    }
    for line in &status.data {
        println!("data    {line}");
    }
    println!("run     {}", path.display());
    if status.step > 0 {
        println!("from    step {}", status.step);
    }
}

fn summarise(engine: &Engine, run: &Path, step: u64) {
    let history = engine.state().training.history.read();
    let recent = |metric| {
        let column = history.column(metric);
        let tail: Vec<f32> =
            column[column.len().saturating_sub(100)..].iter().copied().filter(|v| v.is_finite()).collect();
        match tail.len() {
            0 => "-".into(),
            n => format!("{:.3}", tail.iter().sum::<f32>() / n as f32),
        }
    };
    let status = engine.state().training.status.read().clone();
    println!("step    {step}");
    println!(
        "means of the last 100 steps: G loss {}, D loss on real {}, on generated {}, G success {}, diversity {}",
        recent(Metric::GLoss),
        recent(Metric::DLossReal),
        recent(Metric::DLossFake),
        recent(Metric::GSuccess),
        recent(Metric::Diversity)
    );
    let model = run.join(MODEL_FILE);
    if model.exists() {
        println!("model   {}", model.display());
    }
    println!("health  {} {}", status.health.sentence(), status.health.advice());
    // What was interrupted between the last step and its model goes on there.
    let unfinished = |r: &Recipe| step < r.train.steps || r.train.model_at_end && !model.exists();
    if status.recipe.is_some_and(|r| unfinished(&r)) {
        println!("resume  ganspect train --resume {}", run.display());
    }
}
