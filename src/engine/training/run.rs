//! The run in hand: the trainer, its folder and its log, advanced one step a slice.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use super::{
    build_inputs::{BaseParts, BuildError, RunNetworks},
    build_progress::BuildProgress,
    critic_preview::PreviewImages,
    model_builder::{CriticLoss, ModelBuilder},
};
use crate::{
    data::{CropSampler, DataError, DataSource, ImageGrid, Loader, Opened, Split},
    device::ComputeDevice,
    engine::{
        EngineState, Severity, Update,
        outbox::Outbox,
        training::{Histograms, LatentWalk, SampleGrid, TrainingPhase},
    },
    files::FileError,
    inspect::{
        Model, Regions,
        model::{ModelError, ModelInfo},
    },
    tensorboard::{BucketHistogram, EventWriter, PngImage, RunLog, load_image},
    train::{
        CurveMark, Health, History, Metric, Recipe, Trainer,
        knobs::knob,
        run_folder::{MODEL_FILE, RunError, RunFolder, RunInfo, RunLock},
        trainer::{GRID, StepMetrics, TrainError},
    },
};

/// Steps between two readings of a GPU's numbers; the CPU's are read at every step.
const GPU_READ_EVERY: usize = 8;

/// Steps between two looks at the run's health.
const HEALTH_EVERY: u64 = 10;

/// Most sample grids fetched from the log of a resumed run.
const GRIDS_FROM_LOG: usize = 200;

/// Tags of what the log holds besides scalars.
mod tag {
    pub const SAMPLES: &str = "samples/grid";
    pub const REAL: &str = "samples/real";
    pub const RECIPE: &str = "recipe";
    pub const KNOBS: &str = "knobs";
}

/// What interrupts a run.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// Training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The run's folder.
    #[error(transparent)]
    Folder(#[from] RunError),
    /// The run's log.
    #[error(transparent)]
    File(#[from] FileError),
    /// The images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A picture could not be packed for the log.
    #[error("a sample grid could not be encoded for the log: {0}")]
    Encode(#[from] image::ImageError),
}

/// How a run comes about.
pub(crate) enum RunStart {
    New { source: DataSource, recipe: Box<Recipe>, out: PathBuf },
    Resume { folder: Box<RunFolder>, recipe: Box<Recipe> },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Running,
    Paused,
    Once(Update),
    Finished,
}

pub(crate) struct TrainingRun {
    trainer: Trainer,
    opened: Opened,
    split: Split,
    folder: RunFolder,
    _lock: RunLock,
    log: EventWriter,
    live: Arc<EngineState>,
    state: State,
    /// NCHW values of the real crops beside the samples.
    real: Vec<f32>,
    averaged: bool,
    last_checkpoint: Option<u64>,
    /// All steps are done and the model file is not made yet.
    model_due: bool,
    /// Smoothed seconds a step.
    pace: Option<f64>,
    clock: Instant,
}

impl TrainingRun {
    /// Begins or takes up a run on opened images.
    pub(crate) fn begin(
        start: RunStart,
        opened: &Opened,
        device: &ComputeDevice,
        live: Arc<EngineState>,
        outbox: &mut Outbox,
    ) -> Result<Self, RunFault> {
        let (folder, recipe, split, resumed) = match start {
            RunStart::New { source, recipe, out } => {
                let split = opened.split(recipe.data.holdout, recipe.seed)?;
                let name = out.file_name().map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
                let info = RunInfo::new(name, source.to_string(), device.label.clone());
                let folder = RunFolder::create(&out, &info, &recipe.to_toml())?;
                folder.write_json("split.json", &split)?;
                (folder, *recipe, split, false)
            }
            RunStart::Resume { folder, recipe } => {
                let split = folder.read_json("split.json")?;
                (*folder, *recipe, split, true)
            }
        };
        let lock = folder.lock()?;
        let training = opened.training_indices(&split);
        let held_out = opened.held_out_indices(&split).len();
        let sampler = CropSampler::new(Arc::clone(&opened.store), training.clone(), recipe.crop_spec())?;
        let mut data = opened.dataset.summary().sentences();
        data.push(format!("{} images train, {held_out} are held out for calibration", training.len()));
        if sampler.padded() > 0 {
            let side = recipe.model.size;
            data.push(format!("{} images are smaller than {side} pixels and padded by reflection", sampler.padded()));
        }
        // A seed of their own keeps these crops apart from those that train.
        let real = sampler.batch(recipe.seed ^ 0x7265_616c, 0, GRID)?;
        let loader = Loader::new(sampler, recipe.seed)?;
        let read_every = if device.is_gpu { GPU_READ_EVERY } else { 1 };
        let mut trainer = Trainer::new(recipe.clone(), &device.device, loader, read_every);

        let mut last_checkpoint = None;
        if resumed {
            match folder.latest_checkpoint()? {
                Some(checkpoint) => {
                    trainer.restore(&checkpoint)?;
                    last_checkpoint = Some(checkpoint.step);
                }
                None => outbox.notice(
                    Severity::Warning,
                    format!("{} has no checkpoint yet, so it starts from the beginning.", folder.path().display()),
                    "",
                ),
            }
            restore_curves(&folder, &recipe, trainer.steps(), &live, outbox);
        }
        let mut log = EventWriter::create(folder.path(), "ganspect")?;
        if resumed {
            begin_session(&mut log, trainer.steps() + 1, &live)?;
        }
        *live.training.critic.images.lock() = Some(Arc::new(PreviewImages::new(&opened.store, &training)));
        let mut run = Self {
            trainer,
            opened: opened.clone(),
            split,
            folder,
            _lock: lock,
            log,
            live,
            state: State::Running,
            real,
            averaged: true,
            last_checkpoint,
            model_due: false,
            pace: None,
            clock: Instant::now(),
        };
        let m = &recipe.model;
        *run.live.training.real.lock() = Some(Arc::new(ImageGrid::from_unit(GRID, m.channels, m.size, &run.real)));
        {
            let mut status = run.live.training.status.write();
            status.run = Some(run.folder.path().to_path_buf());
            status.name = run.folder.info().name.clone();
            status.data = data;
            status.checkpoint = last_checkpoint;
            status.phase = TrainingPhase::Preparing;
        }
        if !resumed {
            let text = format!("```toml\n{}```", recipe.to_toml());
            run.log.text(tag::RECIPE, 0, now(), &text)?;
            let real = grid_png(&ImageGrid::from_unit(GRID, m.channels, m.size, &run.real))?;
            run.log.image(tag::REAL, 0, now(), &real)?;
        }
        if run.trainer.steps() == 0 {
            run.draw_grid()?;
        }
        if run.trainer.steps() >= recipe.train.steps {
            run.state = State::Finished;
        }
        run.show();
        Ok(run)
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

    /// Whether the model file is to be made next.
    pub(crate) fn is_model_due(&self) -> bool {
        self.model_due
    }

    /// The model file is there, or will not be.
    pub(crate) fn model_done(&mut self) {
        self.model_due = false;
        self.show();
    }

    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: self.name().to_owned(),
            recipe: self.trainer.recipe().clone(),
            step: self.trainer.steps(),
            data: self.source().to_owned(),
            split: self.split.clone(),
            calibrations: Vec::new(),
            regions: Regions::default(),
            rate: None,
            promise: None,
            lineage: None,
        }
    }

    /// The critic's losses onto its curves and into the run's log, by its own steps.
    pub(crate) fn log_critic(&mut self, losses: &[CriticLoss]) -> Result<(), FileError> {
        for loss in losses {
            let mut row = [f32::NAN; Metric::ALL.len()];
            row[Metric::CriticLoss as usize] = loss.loss;
            row[Metric::CriticHeldOut as usize] = loss.held_out.unwrap_or(f32::NAN);
            let wall = now();
            self.live.training.critic.history.write().push(loss.step, wall, &row);
            self.log.scalars(loss.step as i64, wall, &reported(&row))?;
        }
        Ok(())
    }

    /// The weights as they are, for inspection without encoder and calibration.
    pub(crate) fn model(&self, device: &ComputeDevice) -> Result<Model, ModelError> {
        let (ema, d) = self.trainer.networks();
        Model::new(self.info(), None, ema, d, None, None, &device.device)
    }

    /// Begins to make the model file. Regions that the user drew for an earlier one are kept.
    pub(crate) fn finishing(&self, device: &ComputeDevice) -> Result<ModelBuilder, BuildError> {
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
        ModelBuilder::begin(networks, about, self.opened.clone(), self.split.clone(), path, BaseParts::default())
    }

    /// The model file that it was made into, where it is over and has not changed since.
    pub(crate) fn made(&self, device: &ComputeDevice) -> Option<(Model, PathBuf)> {
        if self.state != State::Finished {
            return None;
        }
        let path = self.path().join(MODEL_FILE);
        let model = Model::load(&path, &device.device).ok()?;
        (model.info().step == self.steps()).then_some((model, path))
    }

    pub(crate) fn is_working(&self) -> bool {
        matches!(self.state, State::Running | State::Once(_))
    }

    pub(crate) fn set_paused(&mut self, paused: bool) {
        if paused && self.state == State::Running {
            self.state = State::Paused;
        }
        self.show();
    }

    /// One step, and what is due after it.
    pub(crate) fn slice(&mut self, outbox: &mut Outbox) -> Result<(), RunFault> {
        let update = match self.state {
            State::Once(update) => update,
            _ => Update::Both,
        };
        let step = self.trainer.steps() + 1;
        let knobs = self.trainer.recipe().train.clone();
        let finished = step >= knobs.steps && self.state == State::Running;
        let due = |every: u64| step == 1 || step.is_multiple_of(every) || finished;
        let (grid_due, histograms_due) = (due(knobs.preview_every), due(knobs.histogram_every));
        let checkpoint_due = step.is_multiple_of(knobs.checkpoint_every) || finished;
        if histograms_due {
            self.trainer.record_gradients();
        }
        let mut rows = self.trainer.step(update)?;
        if grid_due || histograms_due || checkpoint_due || self.state != State::Running {
            rows.extend(self.trainer.read_back()?);
        }
        let grid = if grid_due || self.state != State::Running { Some(self.draw_grid()?) } else { None };
        if let (Some(diversity), Some(row)) = (grid, rows.last_mut()) {
            row.values[Metric::Diversity as usize] = diversity;
        }
        self.record(&rows)?;
        if histograms_due {
            self.record_histograms()?;
        }
        if let State::Once(_) = self.state {
            self.state = State::Paused;
        }
        if checkpoint_due {
            self.checkpoint()?;
        }
        if finished {
            self.state = State::Finished;
            self.model_due = knobs.model_at_end;
            self.write_thumbnail()?;
            outbox.notice(Severity::Info, format!("The run is finished after {step} steps."), "");
        }
        let elapsed = self.clock.elapsed().as_secs_f64();
        self.clock = Instant::now();
        self.pace = Some(self.pace.map_or(elapsed, |pace| 0.95 * pace + 0.05 * elapsed));
        if grid_due || histograms_due || checkpoint_due {
            self.trainer.restart_clock();
        }
        self.show();
        Ok(())
    }

    /// Rows into the log and onto the curves.
    fn record(&mut self, rows: &[StepMetrics]) -> Result<(), RunFault> {
        for row in rows {
            self.live.training.history.write().push(row.step, row.wall, &row.values);
            self.log.scalars(row.step as i64, row.wall, &reported(&row.values))?;
        }
        if rows.iter().any(|r| r.step % HEALTH_EVERY == 0) {
            let health = Health::of(&self.live.training.history.read());
            self.live.training.status.write().health = health;
        }
        Ok(())
    }

    /// Draws the sample grid for the screen and, now and then, for the log; returns its diversity.
    fn draw_grid(&mut self) -> Result<f32, RunFault> {
        let values = self.trainer.preview(self.averaged)?;
        let recipe = self.trainer.recipe();
        let samples = ImageGrid::from_unit(GRID, recipe.model.channels, recipe.model.size, &values);
        let (step, every) = (self.trainer.steps(), recipe.train.histogram_every);
        if step <= 1 || step % every == 0 || step >= recipe.train.steps {
            self.log.image(tag::SAMPLES, step as i64, now(), &grid_png(&samples)?)?;
        }
        self.live.training.grids.write().push(SampleGrid { step, from_ema: self.averaged, samples });
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
        self.live.training.histograms.write().push(Histograms { step, entries });
        Ok(())
    }

    /// Writes a checkpoint; the log is on disk before it.
    pub(crate) fn checkpoint(&mut self) -> Result<(), RunFault> {
        let rows = self.trainer.read_back()?;
        self.record(&rows)?;
        let checkpoint = self.trainer.snapshot()?;
        self.log.sync()?;
        self.folder.save_checkpoint(&checkpoint)?;
        self.last_checkpoint = Some(checkpoint.step);
        self.live.training.status.write().checkpoint = self.last_checkpoint;
        Ok(())
    }

    fn write_thumbnail(&mut self) -> Result<(), RunFault> {
        let newest = self.live.training.grids.read().grids().last().cloned();
        if let Some(grid) = newest {
            self.folder.write_thumbnail(&grid_png(&grid.samples)?.bytes)?;
        }
        Ok(())
    }

    pub(crate) fn play(&mut self, outbox: &mut Outbox) -> Result<(), RunFault> {
        if self.trainer.steps() >= self.trainer.recipe().train.steps {
            let text = "The run has done all its steps; raise 'Steps' to go on.";
            outbox.notice(Severity::Info, text, "");
            return Ok(());
        }
        self.state = State::Running;
        self.restart_clocks();
        self.show();
        Ok(())
    }

    pub(crate) fn pause(&mut self, _: &mut Outbox) -> Result<(), RunFault> {
        if self.state == State::Running {
            self.state = State::Paused;
            let rows = self.trainer.read_back()?;
            self.record(&rows)?;
            self.log.flush()?;
        }
        self.show();
        Ok(())
    }

    pub(crate) fn once(&mut self, update: Update) -> Result<(), RunFault> {
        self.state = State::Once(update);
        self.restart_clocks();
        Ok(())
    }

    fn restart_clocks(&mut self) {
        self.clock = Instant::now();
        self.trainer.restart_clock();
    }

    /// Puts live knobs in force, and marks on the curves what changed.
    pub(crate) fn turn(&mut self, wanted: &Recipe, outbox: &mut Outbox) -> Result<(), RunFault> {
        let before = self.trainer.recipe().clone();
        self.trainer.apply_live(wanted);
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
        self.live.training.history.write().marks.push(CurveMark { step, text: text.clone() });
        self.log.text(tag::KNOBS, step as i64, now(), &text)?;
        self.folder.update_recipe(&after.to_toml())?;
        let more = self.trainer.steps() < after.train.steps;
        match self.state {
            // Steps were added to a finished run: it waits for play.
            State::Finished if more => self.state = State::Paused,
            State::Paused if !more => self.state = State::Finished,
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
        let pictures = ImageGrid::from_unit(frames, m.channels, m.size, &values);
        let walk = LatentWalk { step: self.trainer.steps(), ends: (from, to), frames: pictures };
        *self.live.training.walk.lock() = Some(Arc::new(walk));
        self.trainer.restart_clock();
        Ok(())
    }

    /// Puts everything on disk before the run is let go.
    pub(crate) fn close(&mut self, _: &mut Outbox) -> Result<(), RunFault> {
        if self.last_checkpoint != Some(self.trainer.steps()) {
            self.checkpoint()?;
        }
        self.write_thumbnail()?;
        self.log.sync()?;
        Ok(())
    }

    /// A fault: what is not finite is undone, what cannot be written waits for the user.
    pub(crate) fn fail(&mut self, fault: RunFault, outbox: &mut Outbox) {
        let detail = format!("{fault:?}");
        let text = fault.to_string();
        self.state = State::Paused;
        if let RunFault::Train(TrainError::NotFinite { step }) = fault {
            match self.undo() {
                Ok(back) => {
                    let text = format!(
                        "A value became infinite or undefined at step {step}. The run is back at step {back} and \
                         paused. Lower the learning rates, then go on."
                    );
                    outbox.notice(Severity::Error, text, detail);
                }
                Err(worse) => outbox.notice(Severity::Error, format!("{text}. {worse}"), detail),
            }
            self.show();
            self.live.training.status.write().health = Health::NotFinite;
            return;
        }
        outbox.notice(Severity::Error, format!("{text}. The run is paused."), detail);
        self.show();
    }

    /// Back to the last checkpoint, or to fresh weights when there is none.
    fn undo(&mut self) -> Result<u64, RunFault> {
        match self.folder.latest_checkpoint()? {
            Some(checkpoint) => self.trainer.restore(&checkpoint)?,
            None => self.trainer.reset(),
        }
        let step = self.trainer.steps();
        self.live.training.history.write().truncate_from(step + 1);
        self.live.training.grids.write().truncate_from(step + 1);
        self.live.training.histograms.write().truncate_from(step + 1);
        begin_session(&mut self.log, step + 1, &self.live)?;
        Ok(step)
    }

    /// Updates the status that the window reads.
    fn show(&self) {
        let recipe = self.trainer.recipe();
        let step = self.trainer.steps();
        let mut status = self.live.training.status.write();
        status.phase = match self.state {
            State::Running | State::Once(_) if self.pace.is_none() => TrainingPhase::Preparing,
            State::Running | State::Once(_) => TrainingPhase::Running,
            State::Paused => TrainingPhase::Paused,
            State::Finished if self.model_due => TrainingPhase::BuildingModel(BuildProgress::default()),
            State::Finished => TrainingPhase::Finished,
        };
        status.step = step;
        status.steps_per_second = self.pace.map_or(0.0, |pace| 1.0 / pace.max(1e-9));
        status.seconds_left = self.pace.map(|pace| pace * recipe.train.steps.saturating_sub(step) as f64);
        status.preview_ema = self.averaged;
        if status.recipe.as_deref() != Some(recipe) {
            status.recipe = Some(Arc::new(recipe.clone()));
        }
    }
}

/// A row's values as the log takes them.
fn reported(row: &[f32; Metric::ALL.len()]) -> Vec<(&'static str, f32)> {
    let all = Metric::ALL.into_iter().map(|m| (m.tag(), row[m as usize]));
    all.filter(|(_, value)| value.is_finite()).collect()
}

/// Begins a stretch of the log at `step` of the GAN. What was logged from there on counts no longer; that would take
/// the critic's curves too, which go by steps of their own, and so what they would lose is logged again.
fn begin_session(log: &mut EventWriter, step: u64, live: &EngineState) -> Result<(), FileError> {
    log.session_start(step as i64, now())?;
    let critic = live.training.critic.history.read();
    for row in critic.steps.partition_point(|s| *s < step)..critic.len() {
        let values = critic.columns.each_ref().map(|column| column.get(row).copied().unwrap_or(f32::NAN));
        log.scalars(critic.steps[row] as i64, critic.wall[row], &reported(&values))?;
    }
    Ok(())
}

/// Seconds since the Unix epoch.
fn now() -> f64 {
    crate::time::since_epoch().as_secs_f64()
}

/// A square grid of pictures as one PNG, row by row.
fn grid_png(pictures: &ImageGrid) -> Result<PngImage, image::ImageError> {
    let ([width, height], bytes) = pictures.png(0)?;
    Ok(PngImage { width, height, bytes })
}

/// [`grid_png`] undone.
fn pictures_from_png(bytes: &[u8], count: usize, side: usize, channels: usize) -> Option<ImageGrid> {
    let image = image::load_from_memory_with_format(bytes, image::ImageFormat::Png).ok()?;
    let columns = ImageGrid::columns(count);
    let (width, height) = (columns * side, count.div_ceil(columns) * side);
    if (image.width() as usize, image.height() as usize) != (width, height) {
        return None;
    }
    let pixels = if channels == 3 { image.into_rgb8().into_raw() } else { image.into_luma8().into_raw() };
    let mut pictures = ImageGrid { count, side, channels, pixels: Vec::with_capacity(pixels.len()) };
    for i in 0..count {
        let (x, y) = (i % columns * side, i / columns * side);
        for line in 0..side {
            let start = ((y + line) * width + x) * channels;
            pictures.pixels.extend_from_slice(&pixels[start..start + side * channels]);
        }
    }
    Some(pictures)
}

/// Curves, marks, sample grids and histograms of a resumed run, from its log, up to its checkpoint.
fn restore_curves(folder: &RunFolder, recipe: &Recipe, step: u64, live: &EngineState, outbox: &mut Outbox) {
    let log = match RunLog::read(folder.path()) {
        Ok(log) => log,
        Err(error) => {
            outbox.notice(Severity::Warning, format!("The earlier curves cannot be shown: {error}"), "");
            return;
        }
    };
    {
        let mut shown = live.training.critic.history.write();
        let generation = shown.generation + 1;
        *shown = History { generation, ..History::critic_from_log(&log) };
    }
    let mut history = History::from_log(&log);
    history.truncate_from(step + 1);
    for point in log.texts.get(tag::KNOBS).into_iter().flatten() {
        if point.step as u64 <= step + 1 {
            history.marks.push(CurveMark { step: point.step as u64, text: point.markdown.clone() });
        }
    }
    {
        let mut shown = live.training.history.write();
        history.generation = shown.generation + 1;
        *shown = history;
    }
    let mut by_step: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    for (name, points) in log.histograms {
        for point in points.into_iter().filter(|p| p.step as u64 <= step) {
            by_step.entry(point.step as u64).or_default().push((name.clone(), point.histogram));
        }
    }
    let mut histograms = live.training.histograms.write();
    for (step, mut entries) in by_step {
        // The weights of G come first, as in a run that was not taken up again.
        entries.sort_by_key(|(name, _)| !name.starts_with("g/weights"));
        histograms.push(Histograms { step, entries });
    }
    drop(histograms);
    let images: Vec<_> = log.images.get(tag::SAMPLES).into_iter().flatten().filter(|i| i.step as u64 <= step).collect();
    let stride = images.len().div_ceil(GRIDS_FROM_LOG).max(1);
    let mut grids = live.training.grids.write();
    for (i, image) in images.iter().enumerate() {
        if i % stride != 0 && i + 1 != images.len() {
            continue;
        }
        let samples = load_image(image)
            .ok()
            .and_then(|bytes| pictures_from_png(&bytes, GRID, recipe.model.size, recipe.model.channels));
        if let Some(samples) = samples {
            grids.push(SampleGrid { step: image.step as u64, from_ema: true, samples });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_survives_its_png() {
        for (count, channels) in [(GRID, 1), (7, 3)] {
            let pixels = (0..count * 16 * channels).map(|i| (i * 7 % 256) as u8).collect();
            let pictures = ImageGrid { count, side: 4, channels, pixels };
            let png = grid_png(&pictures).unwrap();
            assert_eq!(pictures_from_png(&png.bytes, count, 4, channels), Some(pictures));
        }
        assert_eq!(pictures_from_png(b"not a picture", GRID, 4, 1), None);
    }
}
