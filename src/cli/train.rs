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
use indicatif::ProgressBar;

use super::{
    options::{RoleOptions, assign_recipe, data_source},
    output::{note, out, print_device, progress_bar, set_share, show_percentage},
    session::{EngineSession, interrupt_flag},
};
use crate::{
    data::DataSource,
    device::DeviceChoice,
    engine::{
        Engine, Event, Severity, TrainingRequest,
        training::{TrainingPhase, TrainingStatus},
    },
    files,
    paths::Paths,
    text::PrintablePath,
    time::span,
    train::{
        Metric, Preset, Recipe,
        run_folder::{MODEL_FILE, RunFolder, free_folder},
    },
};

#[derive(Debug, Args)]
pub(super) struct TrainArguments {
    /// Training images: a folder, a CSV file that lists them, or surface:turned (milled, ground, brushed, sintered, painted, anodised)
    #[arg(long, value_name = "DIR|surface:KIND", value_parser = data_source(), required_unless_present_any = ["resume", "healthy"])]
    data: Option<DataSource>,
    #[command(flatten)]
    roles: RoleOptions,
    /// Recipe preset; defaults to the one for the device
    #[arg(long, value_enum, conflicts_with_all = ["recipe", "resume"])]
    preset: Option<Preset>,
    /// Recipe file
    #[arg(long, conflicts_with = "resume")]
    recipe: Option<PathBuf>,
    /// Number of training steps
    #[arg(long)]
    steps: Option<u64>,
    /// Override a recipe setting, for example --set train.k_g=2; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the new run; must be empty or not exist yet
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Resume this run from its last checkpoint
    #[arg(long, value_name = "RUN", conflicts_with = "data")]
    resume: Option<PathBuf>,
}

pub(super) fn run(arguments: TrainArguments, device: DeviceChoice, runs: Option<PathBuf>) -> Result<()> {
    let interrupted = interrupt_flag()?;
    let session = EngineSession::start(device)?;
    let start = match &arguments.resume {
        Some(run) => TrainingRequest::Resume { run: run.clone(), paused: true },
        None => {
            let gpu = session.engine.state().device.read().as_ref().is_some_and(|device| device.is_gpu);
            let source = arguments.roles.source(arguments.data.clone())?.context("--data is missing")?;
            let recipe = recipe(&arguments, gpu)?;
            let out = match &arguments.out {
                Some(out) => out.clone(),
                None => free_folder(&runs.unwrap_or_else(|| Paths::of_system().runs), &source),
            };
            TrainingRequest::Start { source, opened: None, recipe: Box::new(recipe), out }
        }
    };
    session.engine.send(start);
    Follower::new(&session, &arguments, interrupted).follow()
}

/// Returns the recipe of a new run.
fn recipe(arguments: &TrainArguments, gpu: bool) -> Result<Recipe> {
    let mut recipe = match (&arguments.recipe, arguments.preset) {
        (Some(path), _) => {
            let text = files::read_text(path, 1 << 20)?;
            Recipe::from_toml(&text).with_context(|| format!("the recipe {} is invalid", path.printable()))?
        }
        (None, Some(preset)) => preset.recipe(),
        (None, None) => Preset::suited(gpu).recipe(),
    };
    assign_recipe(&mut recipe, &arguments.set, arguments.steps)?;
    Ok(recipe)
}

/// Shows the progress of a run until it ends or is interrupted.
struct Follower<'a> {
    session: &'a EngineSession,
    arguments: &'a TrainArguments,
    interrupted: Arc<AtomicBool>,
    bar: ProgressBar,
    /// Folder of the run, once it is open.
    run: Option<PathBuf>,
    /// The latest error notice.
    failed: Option<String>,
    /// A stop of the run was requested.
    stopping: bool,
    /// The model file is being built.
    building: bool,
    /// Last step of a resumed run. A finished run is resumed as finished, until its new steps are active.
    target: u64,
}

impl<'a> Follower<'a> {
    fn new(session: &'a EngineSession, arguments: &'a TrainArguments, interrupted: Arc<AtomicBool>) -> Self {
        Self {
            session,
            arguments,
            interrupted,
            bar: progress_bar("training"),
            run: None,
            failed: None,
            stopping: false,
            building: false,
            target: 0,
        }
    }

    /// Follows the run to its end.
    fn follow(mut self) -> Result<()> {
        let engine = &self.session.engine;
        loop {
            self.session.wait();
            if self.interrupted.load(Ordering::Relaxed) {
                self.stop();
            }
            while let Some(event) = engine.next_event() {
                if let Some((run, step)) = self.handle(event)? {
                    self.bar.finish_and_clear();
                    print_summary(engine, &run, step);
                    return self.failed.map_or(Ok(()), |text| bail!(text));
                }
            }
            let status = engine.state().training.status.read().clone();
            self.show(&status)?;
            let over = match status.phase {
                TrainingPhase::Finished => self.run.is_some() && status.step >= self.target,
                TrainingPhase::Paused => self.failed.is_some(),
                _ => false,
            };
            if over {
                self.stop();
            }
            if self.stopping && self.run.is_none() && status.phase == TrainingPhase::Idle {
                self.bar.finish_and_clear();
                return Ok(());
            }
            if engine.is_over() {
                bail!("the compute thread ended; resume the run from its last checkpoint");
            }
        }
    }

    /// Requests a stop of the run, once.
    fn stop(&mut self) {
        if !std::mem::replace(&mut self.stopping, true) {
            self.session.engine.send(TrainingRequest::Stop);
        }
    }

    /// Handles an event; returns folder and last step of a run that was closed.
    fn handle(&mut self, event: Event) -> Result<Option<(PathBuf, u64)>> {
        match event {
            Event::Opened(path) => {
                self.bar.suspend(|| print_run(&self.session.engine, &path));
                self.run = Some(path);
                if self.arguments.resume.is_some() {
                    self.target = resume(self.session, self.arguments)?;
                }
            }
            Event::Notice { severity: Severity::Info, .. } => {}
            Event::Notice { severity: Severity::Error, text, .. } => self.failed = Some(text),
            Event::Notice { severity: Severity::Warning, text, .. } => self.bar.suspend(|| note!("{text}")),
            Event::Closed { run, step } => return Ok(Some((run, step))),
        }
        Ok(None)
    }

    /// Updates the progress bar.
    fn show(&mut self, status: &TrainingStatus) -> Result<()> {
        let bar = &self.bar;
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
            TrainingPhase::BuildingModel(progress) => {
                if !std::mem::replace(&mut self.building, true) {
                    show_percentage(bar, "building the model");
                }
                set_share(bar, progress.share);
                let left = status.seconds_left.map(|s| format!("; {} left in total", span(s))).unwrap_or_default();
                bar.set_message(format!("{}{left}", progress.description()));
            }
            // The bar keeps its last state.
            _ if self.building => {}
            _ => {
                bar.set_length(status.recipe.as_ref().map_or(0, |r| r.train.steps));
                bar.set_position(status.step);
                let left = status.seconds_left.map(|s| format!(", {} left", span(s))).unwrap_or_default();
                bar.set_message(format!("{:.1} steps/s{left}", status.steps_per_second));
            }
        }
        Ok(())
    }
}

/// Applies changed settings to a resumed run and continues it; returns its last step.
fn resume(session: &EngineSession, arguments: &TrainArguments) -> Result<u64> {
    let engine = &session.engine;
    let status = engine.state().training.status.read().clone();
    let Some(active) = status.recipe else { return Ok(0) };
    let mut recipe = Recipe::clone(&active);
    assign_recipe(&mut recipe, &arguments.set, arguments.steps)?;
    let steps = recipe.train.steps;
    let done = status.step >= steps;
    if done && recipe.train.model_at_end && status.run.is_some_and(|run| !run.join(MODEL_FILE).exists()) {
        // The run was interrupted between its last step and its model.
        engine.send(TrainingRequest::SetKnobs(Box::new(recipe)));
        engine.send(TrainingRequest::BuildModel);
        session.wait_until(|| {
            matches!(
                engine.state().training.status.read().phase,
                TrainingPhase::BuildingModel(_) | TrainingPhase::Failed(_)
            )
        });
        return Ok(steps);
    }
    if done {
        bail!("the run has already completed its {steps} steps; increase them with --steps");
    }
    engine.send(TrainingRequest::SetKnobs(Box::new(recipe)));
    engine.send(TrainingRequest::Play);
    Ok(steps)
}

/// Prints device, data and folder of a run.
fn print_run(engine: &Engine, path: &Path) {
    let status = engine.state().training.status.read().clone();
    if let Some(device) = &*engine.state().device.read() {
        print_device(device);
    }
    for line in &status.data {
        out!("data    {line}");
    }
    out!("run     {}", path.printable());
    if status.step > 0 {
        out!("from    step {}", status.step);
    }
}

/// Prints the state of a run that was closed at `step`.
fn print_summary(engine: &Engine, run: &Path, step: u64) {
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
    out!("step    {step}");
    out!(
        "means of the last 100 steps: G loss {}, D loss on real images {}, on generated ones {}, G success {}, diversity {}",
        recent(Metric::GLoss),
        recent(Metric::DLossReal),
        recent(Metric::DLossFake),
        recent(Metric::GSuccess),
        recent(Metric::Diversity)
    );
    let model = run.join(MODEL_FILE);
    if model.exists() {
        out!("model   {}", model.printable());
    }
    out!("health  {} {}", status.health.sentence(), status.health.advice());
    // A run may be interrupted between its last step and its model.
    let unfinished = |r: &Recipe| step < r.train.steps || r.train.model_at_end && !model.exists();
    if status.recipe.is_some_and(|r| unfinished(&r)) && RunFolder::is_resumable(run) {
        out!("resume  ganspect train --resume {}", run.printable());
    }
}
