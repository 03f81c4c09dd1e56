//! The current run: trainer, folder and log, advanced one training step per slice.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    build_inputs::{BaseParts, BuildError, RunNetworks},
    build_progress::BuildProgress,
    critic_preview::PreviewImages,
    model_builder::{CriticLoss, ModelBuilder},
    run_fault::{RunFault, RunStall},
    run_log::{CriticLog, grid_png, now, restore_history, tag, tagged_values},
    run_start::{RunStart, open_folder, recipe_and_split},
};
use crate::{
    data::{CropSampler, ImageGrid, Loader, Opened, Split},
    device::ComputeDevice,
    engine::{
        EngineState, Severity, Update,
        outbox::Outbox,
        training::{Histograms, LatentWalk, SampleGrid, TrainingPhase},
    },
    files::FileError,
    format::counted,
    inspect::{Model, ModelError, ModelInfo},
    tensorboard::{BucketHistogram, EventWriter},
    text::PrintablePath,
    time::TimeLeft,
    train::{
        CurveMark, Health, HealthJudge, Metric, Recipe, StepMetrics, TrainError, Trainer,
        knobs::knob,
        run_folder::{Checkpoint, MODEL_FILE, RunFolder, RunLock},
        trainer::GRID,
    },
};

/// Steps between two read-backs of metrics from a GPU; from the CPU they are read at every step.
const GPU_READ_EVERY: usize = 8;

/// Time between two checks that the run's folder still exists.
const FOLDER_EVERY: Duration = Duration::from_secs(1);

/// Steps between two checks of the run's health.
const HEALTH_EVERY: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Running,
    Paused,
    Step(Update),
    Finished,
}

/// The steps since the run was last started or changed, with the time left.
#[derive(Default)]
struct Stretch {
    steps: u64,
    seconds: f64,
    measured: TimeLeft,
    left: Option<f64>,
}

impl Stretch {
    /// Adds a step of `seconds`, with `left` more to do.
    fn add(&mut self, seconds: f64, left: u64) {
        self.steps += 1;
        self.seconds += seconds;
        self.left = self.measured.update(self.seconds, self.steps as f64, left as f64);
    }
}

pub(crate) struct TrainingRun {
    trainer: Trainer,
    opened: Opened,
    split: Split,
    folder: RunFolder,
    lock: RunLock,
    log: EventWriter,
    critics: CriticLog,
    /// Step of the last sample grid in the log.
    grid_logged: Option<u64>,
    state: Arc<EngineState>,
    mode: Mode,
    /// NCHW values of the real crops shown beside the samples.
    real: Vec<f32>,
    averaged: bool,
    last_checkpoint: Option<u64>,
    /// All steps are done and the model file is not built yet.
    model_due: bool,
    /// Rows of the curves that the log could not take yet.
    unlogged: VecDeque<StepMetrics>,
    /// Set while the run waits until its folder can be written again.
    stalled: RunStall,
    /// Smoothed seconds per step.
    seconds_per_step: Option<f64>,
    clock: Instant,
    stretch: Stretch,
    health: HealthJudge,
    /// When the run's folder was last seen.
    folder_seen: Instant,
}

impl TrainingRun {
    /// Starts or resumes a run on images that have been read.
    pub(crate) fn begin(
        start: RunStart,
        opened: &Opened,
        device: &ComputeDevice,
        state: Arc<EngineState>,
        outbox: &mut Outbox,
    ) -> Result<Self, RunFault> {
        let asked = start.asked_channels();
        let (recipe, split) = recipe_and_split(&start, opened)?;
        let opened = &opened.reading_at(recipe.data.bit_depth);
        let training = opened.training_indices(&split);
        let sampler = CropSampler::new(Arc::clone(&opened.store), training.clone(), recipe.crop_spec())?;
        let mut data = opened.dataset.summary().sentences();
        data.push(opened.split_sentence(&split));
        data.push(opened.dataset.colour().sentence(asked));
        if sampler.padded() > 0 {
            let side = recipe.model.size;
            let are = if sampler.padded() == 1 { "is" } else { "are" };
            let images = counted(sampler.padded(), "image");
            data.push(format!("{images} {are} smaller than {side} pixels and padded by reflection"));
        }
        // Another seed, so that these crops differ from the training crops.
        let real = sampler.batch(recipe.seed ^ 0x7265_616c, 0, GRID)?;
        let loader = Loader::new(sampler, recipe.seed)?;
        // Only now, so that images that do not suit the recipe leave no run behind.
        let (folder, resumed) = open_folder(start, &recipe, &split, device)?;
        let lock = folder.lock()?;
        let read_every = if device.is_gpu { GPU_READ_EVERY } else { 1 };
        let mut trainer = Trainer::new(recipe.clone(), &device.device, loader, read_every);
        let (last_checkpoint, critics) = match resumed {
            true => restore(&mut trainer, &folder, &recipe, &state, outbox)?,
            false => (None, CriticLog::default()),
        };
        let mut log = EventWriter::create(folder.path(), "ganspect")?;
        if resumed {
            // Without a checkpoint, the first grid and the recipe are logged again too.
            critics.begin_session(&mut log, if trainer.steps() == 0 { 0 } else { trainer.steps() + 1 })?;
        }
        *state.training.critic.images.lock() =
            Some(Arc::new(PreviewImages::new(&opened.store, &training, recipe.model.channels)));
        {
            let mut status = state.training.status.write();
            status.run = Some(folder.path().to_path_buf());
            status.name = folder.info().name.clone();
            status.source = folder.info().source.clone();
            status.data = data;
            status.checkpoint = last_checkpoint;
            status.phase = TrainingPhase::Preparing;
        }
        let mut run = Self {
            trainer,
            opened: opened.clone(),
            split,
            folder,
            lock,
            log,
            critics,
            grid_logged: last_checkpoint,
            state,
            mode: Mode::Running,
            real,
            averaged: true,
            last_checkpoint,
            model_due: false,
            unlogged: VecDeque::new(),
            stalled: RunStall::default(),
            seconds_per_step: None,
            clock: Instant::now(),
            stretch: Stretch::default(),
            health: HealthJudge::default(),
            folder_seen: Instant::now(),
        };
        run.draw_first_grids(resumed)?;
        if run.trainer.steps() >= recipe.train.steps {
            run.mode = Mode::Finished;
        }
        run.show();
        Ok(run)
    }

    /// Shows the real crops and, in a new run, writes them and the first samples to the log.
    fn draw_first_grids(&mut self, resumed: bool) -> Result<(), RunFault> {
        let recipe = self.trainer.recipe();
        let real = ImageGrid::from_unit(GRID, recipe.model.channels.count(), recipe.model.size, &self.real);
        if !resumed || self.trainer.steps() == 0 {
            let text = format!("```toml\n{}```", recipe.to_toml());
            self.log.text(tag::RECIPE, 0, now(), &text)?;
            self.log.image(tag::REAL, 0, now(), &grid_png(&real)?)?;
        }
        *self.state.training.real.lock() = Some(Arc::new(real));
        if self.trainer.steps() == 0 {
            self.draw_grid()?;
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn source(&self) -> &str {
        &self.folder.info().source
    }

    pub(crate) fn recipe(&self) -> &Recipe {
        self.trainer.recipe()
    }

    pub(crate) fn steps(&self) -> u64 {
        self.trainer.steps()
    }

    pub(crate) fn name(&self) -> &str {
        &self.folder.info().name
    }

    /// Whether the model file is to be built next.
    pub(crate) fn is_model_due(&self) -> bool {
        self.model_due
    }

    /// Notes that the model file is built, or will not be.
    pub(crate) fn model_done(&mut self) {
        self.model_due = false;
        self.show();
    }

    fn info(&self) -> ModelInfo {
        let (recipe, step) = (self.trainer.recipe().clone(), self.trainer.steps());
        ModelInfo::new(self.name().to_owned(), recipe, step, self.source().to_owned(), self.split.clone())
    }

    /// Adds the critic's losses to its curves, by its own steps, and to the run's log.
    pub(crate) fn log_critic(&mut self, losses: &[CriticLoss]) -> Result<(), FileError> {
        for loss in losses {
            let mut row = [f32::NAN; Metric::ALL.len()];
            row[Metric::CriticLoss as usize] = loss.loss;
            row[Metric::CriticHeldOut as usize] = loss.held_out.unwrap_or(f32::NAN);
            let wall = now();
            self.state.training.critic.history.write().push(loss.step, wall, &row);
            self.critics.add(&mut self.log, (self.trainer.steps(), loss.step), wall, &row)?;
        }
        Ok(())
    }

    /// A model of the current weights, without encoder and calibration.
    pub(crate) fn model(&self, device: &ComputeDevice) -> Result<Model, ModelError> {
        let (ema, d) = self.trainer.networks();
        Model::new(self.info(), None, ema, d, None, None, &device.device)
    }

    /// Starts to build the model file. Regions and promise of an earlier one are kept.
    pub(crate) fn start_build(&self, device: &ComputeDevice) -> Result<ModelBuilder, BuildError> {
        let (ema, d) = self.trainer.networks();
        let networks = RunNetworks {
            live: self.trainer.generator().clone(),
            ema: ema.clone(),
            d: d.clone(),
            device: device.device.clone(),
        };
        let mut about = self.info();
        if let Ok(earlier) = Model::load(&self.path().join(MODEL_FILE), &device.device) {
            about.regions = earlier.info().regions.clone();
            about.rate = earlier.info().rate;
            about.promise = earlier.info().promise.clone();
        }
        let path = self.path().join(MODEL_FILE);
        ModelBuilder::begin(networks, about, self.opened.clone(), path, BaseParts::default())
    }

    /// The model file of a finished run that has not changed since.
    pub(crate) fn built_model(&self, device: &ComputeDevice) -> Option<(Model, PathBuf)> {
        if self.mode != Mode::Finished {
            return None;
        }
        let path = self.path().join(MODEL_FILE);
        let model = Model::load(&path, &device.device).ok()?;
        (model.info().step == self.steps()).then_some((model, path))
    }

    pub(crate) fn is_working(&self) -> bool {
        matches!(self.mode, Mode::Running | Mode::Step(_))
    }

    pub(crate) fn set_paused(&mut self, paused: bool) {
        if paused && self.mode == Mode::Running {
            self.mode = Mode::Paused;
        }
        self.show();
    }

    /// Makes one step, and whatever is due after it.
    pub(crate) fn slice(&mut self, outbox: &mut Outbox) -> Result<(), RunFault> {
        if self.folder_seen.elapsed() >= FOLDER_EVERY {
            self.folder.require_owned(&self.lock)?;
            self.folder_seen = Instant::now();
        }
        let update = match self.mode {
            Mode::Step(update) => update,
            _ => Update::Both,
        };
        let step = self.trainer.steps() + 1;
        let knobs = self.trainer.recipe().train.clone();
        let finished = step >= knobs.steps && self.mode == Mode::Running;
        let due = |every: u64| step == 1 || step.is_multiple_of(every) || finished;
        let (grid_due, histograms_due) = (due(knobs.preview_every), due(knobs.histogram_every));
        let checkpoint_due = step.is_multiple_of(knobs.checkpoint_every) || finished;
        if histograms_due {
            self.trainer.record_gradients();
        }
        let mut rows = self.trainer.step(update)?;
        if grid_due || histograms_due || checkpoint_due || self.mode != Mode::Running {
            rows.extend(self.trainer.read_back()?);
        }
        let grid = if grid_due || self.mode != Mode::Running { Some(self.draw_grid()?) } else { None };
        if let (Some(diversity), Some(row)) = (grid, rows.last_mut()) {
            row.values[Metric::Diversity as usize] = diversity;
        }
        self.record(&rows)?;
        if histograms_due {
            self.record_histograms()?;
        }
        if let Mode::Step(_) = self.mode {
            self.mode = Mode::Paused;
        }
        if checkpoint_due {
            self.checkpoint()?;
        }
        if finished {
            self.finish(outbox)?;
        }
        let elapsed = self.clock.elapsed().as_secs_f64();
        self.clock = Instant::now();
        self.seconds_per_step = Some(self.seconds_per_step.map_or(elapsed, |seconds| 0.95 * seconds + 0.05 * elapsed));
        self.stretch.add(elapsed, knobs.steps.saturating_sub(step));
        if grid_due || histograms_due || checkpoint_due {
            self.trainer.restart_clock();
        }
        self.show();
        Ok(())
    }

    /// Ends the run after its last step and checkpoint.
    fn finish(&mut self, outbox: &mut Outbox) -> Result<(), RunFault> {
        self.mode = Mode::Finished;
        self.model_due = self.trainer.recipe().train.model_at_end;
        self.write_thumbnail()?;
        outbox.notice(Severity::Info, format!("The run finished after {} steps.", self.trainer.steps()), "");
        Ok(())
    }

    /// Adds rows to the curves and to the log. Rows that the log cannot take now are kept for the next time.
    fn record(&mut self, rows: &[StepMetrics]) -> Result<(), RunFault> {
        for row in rows {
            self.state.training.history.write().push(row.step, row.wall, &row.values);
            self.unlogged.push_back(row.clone());
        }
        while let Some(row) = self.unlogged.front() {
            self.log.scalars(row.step as i64, row.wall, &tagged_values(&row.values))?;
            self.unlogged.pop_front();
        }
        if rows.iter().any(|r| r.step % HEALTH_EVERY == 0) {
            let health = self.health.judge(&self.state.training.history.read());
            self.state.training.status.write().health = health;
        }
        Ok(())
    }

    /// Generates the sample grid for the screen and, at intervals, for the log; returns its diversity.
    fn draw_grid(&mut self) -> Result<f32, RunFault> {
        let values = self.trainer.preview(self.averaged)?;
        let recipe = self.trainer.recipe();
        let samples = ImageGrid::from_unit(GRID, recipe.model.channels.count(), recipe.model.size, &values);
        let (step, every) = (self.trainer.steps(), recipe.train.histogram_every);
        let due = step <= 1 || step % every == 0 || step >= recipe.train.steps;
        // Drawn again at the same step, as after a change of weights, it is not logged again.
        if due && self.grid_logged.is_none_or(|logged| logged < step) {
            self.grid_logged = Some(step);
            self.log.image(tag::SAMPLES, step as i64, now(), &grid_png(&samples)?)?;
        }
        self.state.training.grids.write().push(SampleGrid { step, from_ema: self.averaged, samples });
        Ok(self.trainer.diversity(&values, &self.real) as f32)
    }

    fn record_histograms(&mut self) -> Result<(), RunFault> {
        let step = self.trainer.steps();
        let mut entries = Vec::new();
        for (name, values) in self.trainer.histograms()? {
            let histogram = BucketHistogram::of(&values);
            self.log.histogram(&name, step as i64, now(), &histogram)?;
            entries.push((name, histogram));
        }
        self.state.training.histograms.write().push(Histograms { step, entries });
        Ok(())
    }

    /// Writes a checkpoint; the log is on disk before it.
    pub(crate) fn checkpoint(&mut self) -> Result<(), RunFault> {
        self.folder.require_owned(&self.lock)?;
        let rows = self.trainer.read_back()?;
        self.record(&rows)?;
        let checkpoint = self.trainer.snapshot()?;
        self.log.sync()?;
        self.folder.save_checkpoint(&checkpoint)?;
        self.last_checkpoint = Some(checkpoint.step);
        self.state.training.status.write().checkpoint = self.last_checkpoint;
        Ok(())
    }

    fn write_thumbnail(&mut self) -> Result<(), RunFault> {
        let newest = self.state.training.grids.read().grids().last().cloned();
        if let Some(grid) = newest {
            self.folder.write_thumbnail(&grid_png(&grid.samples)?.bytes)?;
        }
        Ok(())
    }

    pub(crate) fn play(&mut self, outbox: &mut Outbox) -> Result<(), RunFault> {
        self.stalled.end();
        if self.trainer.steps() >= self.trainer.recipe().train.steps {
            let text = "The run has done all its steps. 'Train further' adds steps, and so does a higher number of steps under Run.";
            outbox.notice(Severity::Info, text, "");
            return Ok(());
        }
        self.mode = Mode::Running;
        self.restart_clocks();
        self.show();
        Ok(())
    }

    pub(crate) fn pause(&mut self, _: &mut Outbox) -> Result<(), RunFault> {
        self.stalled.end();
        if self.mode == Mode::Running {
            self.mode = Mode::Paused;
            let rows = self.trainer.read_back()?;
            self.record(&rows)?;
            self.log.flush()?;
        }
        self.show();
        Ok(())
    }

    pub(crate) fn step_once(&mut self, update: Update) -> Result<(), RunFault> {
        self.stalled.end();
        self.mode = Mode::Step(update);
        self.restart_clocks();
        Ok(())
    }

    fn restart_clocks(&mut self) {
        self.clock = Instant::now();
        self.stretch = Stretch::default();
        self.trainer.restart_clock();
    }

    /// Applies live knobs, and marks the changes on the curves.
    pub(crate) fn set_knobs(&mut self, recipe: &Recipe, outbox: &mut Outbox) -> Result<(), RunFault> {
        let before = self.trainer.recipe().clone();
        self.trainer.apply_live(recipe);
        let after = self.trainer.recipe().clone();
        let changes: Vec<String> = before
            .differences(&after)
            .into_iter()
            .map(|(key, old, new)| format!("{}: {old} to {new}", knob(key).map_or(key, |k| k.label)))
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        let text = changes.join("; ");
        let step = self.trainer.steps() + 1;
        self.state.training.history.write().marks.push(CurveMark { step, text: text.clone() });
        self.log.text(tag::KNOBS, step as i64, now(), &text)?;
        self.folder.update_recipe(&after.to_toml())?;
        // Another pace, or another number of steps.
        self.stretch = Stretch::default();
        let more = self.trainer.steps() < after.train.steps;
        match self.mode {
            // Steps were added to a finished run: it stays paused until it is resumed.
            Mode::Finished if more => self.mode = Mode::Paused,
            Mode::Paused if !more => self.mode = Mode::Finished,
            _ => {}
        }
        self.show();
        outbox.wake();
        Ok(())
    }

    pub(crate) fn preview_from(&mut self, averaged: bool) -> Result<(), RunFault> {
        self.averaged = averaged;
        self.draw_grid()?;
        self.trainer.restart_clock();
        self.show();
        Ok(())
    }

    pub(crate) fn walk(&mut self, from: usize, to: usize, frames: usize) -> Result<(), RunFault> {
        let frames = frames.clamp(2, 120);
        let values = self.trainer.walk(from, to, frames, self.averaged)?;
        let m = &self.trainer.recipe().model;
        let pictures = ImageGrid::from_unit(frames, m.channels.count(), m.size, &values);
        let walk = LatentWalk { step: self.trainer.steps(), ends: (from, to), frames: pictures };
        *self.state.training.walk.lock() = Some(Arc::new(walk));
        self.trainer.restart_clock();
        Ok(())
    }

    /// Writes everything to disk before the run is dropped.
    pub(crate) fn close(&mut self, _: &mut Outbox) -> Result<(), RunFault> {
        self.stalled.end();
        self.folder.require_owned(&self.lock)?;
        if self.last_checkpoint != Some(self.trainer.steps()) {
            self.checkpoint()?;
        }
        self.write_thumbnail()?;
        self.log.sync()?;
        Ok(())
    }

    /// Handles an error: values that are not finite are undone, other errors pause the run.
    pub(crate) fn fail(&mut self, fault: RunFault, outbox: &mut Outbox) {
        let detail = format!("{fault:?}");
        let text = fault.to_string();
        let was_running = self.mode == Mode::Running;
        self.mode = Mode::Paused;
        if let Some(why) = fault.passing().filter(|_| was_running) {
            return self.stall(&why, outbox);
        }
        if let RunFault::Train(TrainError::NotFinite { step }) = fault {
            match self.undo(outbox) {
                Ok(back) => {
                    let text = format!(
                        "A value became infinite or undefined at step {step}. The run is back at step {back} and \
                         paused. Lower the learning rates, then resume it."
                    );
                    outbox.notice(Severity::Error, text, detail);
                }
                Err(worse) => outbox.notice(Severity::Error, format!("{text}. {worse}"), detail),
            }
            self.show();
            self.state.training.status.write().health = Health::NotFinite;
            return;
        }
        outbox.notice(Severity::Error, format!("{text}. The run is paused."), detail);
        self.show();
    }

    /// Lets the run wait, and says so once.
    fn stall(&mut self, why: &str, outbox: &mut Outbox) {
        if self.stalled.wait() {
            let text = format!("The run waits at step {}: {why}. It goes on by itself.", self.trainer.steps());
            outbox.notice(Severity::Warning, text, "");
        }
        self.show();
    }

    /// Whether the run waits until its folder can be written again.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.is_waiting()
    }

    /// Lets a waiting run go on if its folder can be written again: from a checkpoint, which was due or is as good as one.
    pub(crate) fn retry(&mut self, outbox: &mut Outbox) {
        if !self.stalled.is_due() {
            return;
        }
        match self.checkpoint() {
            Ok(()) => {
                self.stalled.end();
                outbox.notice(Severity::Info, "The folder of the run can be written again; the run goes on.", "");
                self.mode = Mode::Running;
                self.restart_clocks();
                if self.trainer.steps() >= self.trainer.recipe().train.steps
                    && let Err(fault) = self.finish(outbox)
                {
                    self.fail(fault, outbox);
                }
                self.show();
            }
            Err(fault) => match fault.passing() {
                Some(why) => self.stall(&why, outbox),
                None => {
                    self.stalled.end();
                    self.fail(fault, outbox);
                }
            },
        }
    }

    /// Restores the last checkpoint, or fresh weights when there is none.
    fn undo(&mut self, outbox: &mut Outbox) -> Result<u64, RunFault> {
        let (checkpoint, damaged) = self.folder.latest_intact()?;
        say_damaged(&damaged, checkpoint.as_ref(), outbox);
        match checkpoint {
            Some(checkpoint) => self.trainer.restore(&checkpoint)?,
            None => self.trainer.reset(),
        }
        let step = self.trainer.steps();
        self.health = HealthJudge::default();
        self.unlogged.retain(|row| row.step <= step);
        self.state.training.history.write().truncate_from(step + 1);
        self.state.training.grids.write().truncate_from(step + 1);
        self.state.training.histograms.write().truncate_from(step + 1);
        self.critics.begin_session(&mut self.log, step + 1)?;
        self.grid_logged = self.grid_logged.map(|logged| logged.min(step));
        Ok(step)
    }

    /// Updates the status that the window reads.
    fn show(&self) {
        let recipe = self.trainer.recipe();
        let step = self.trainer.steps();
        let mut status = self.state.training.status.write();
        status.phase = match self.mode {
            Mode::Running | Mode::Step(_) if self.seconds_per_step.is_none() => TrainingPhase::Preparing,
            Mode::Running | Mode::Step(_) => TrainingPhase::Running,
            Mode::Paused => TrainingPhase::Paused,
            Mode::Finished if self.model_due => TrainingPhase::BuildingModel(BuildProgress::default()),
            Mode::Finished => TrainingPhase::Finished,
        };
        status.step = step;
        status.steps_per_second = self.seconds_per_step.map_or(0.0, |seconds| 1.0 / seconds.max(1e-9));
        status.seconds_left = self.stretch.left;
        status.preview_ema = self.averaged;
        if status.recipe.as_deref() != Some(recipe) {
            status.recipe = Some(Arc::new(recipe.clone()));
        }
    }
}

/// Restores a run's last checkpoint and history; returns the checkpoint's step and the losses of its critics.
fn restore(
    trainer: &mut Trainer,
    folder: &RunFolder,
    recipe: &Recipe,
    state: &EngineState,
    outbox: &mut Outbox,
) -> Result<(Option<u64>, CriticLog), RunFault> {
    let (checkpoint, damaged) = folder.latest_intact()?;
    say_damaged(&damaged, checkpoint.as_ref(), outbox);
    match &checkpoint {
        Some(checkpoint) => trainer.restore(checkpoint)?,
        None => outbox.notice(
            Severity::Warning,
            format!("{} has no checkpoint yet, so it starts from the beginning.", folder.path().printable()),
            "",
        ),
    }
    let critics = restore_history(folder, recipe, trainer.steps(), &state.training, outbox);
    Ok((checkpoint.map(|checkpoint| checkpoint.step), critics))
}

/// Names the damaged checkpoints that were passed over.
fn say_damaged(damaged: &[FileError], used: Option<&Checkpoint>, outbox: &mut Outbox) {
    let step = used.map_or(0, |checkpoint| checkpoint.step);
    for fault in damaged {
        let fault = fault.fault_of_file();
        let text = format!("A later checkpoint was passed over ({fault}); the run goes on from step {step}.");
        outbox.notice(Severity::Warning, text, "");
    }
}
