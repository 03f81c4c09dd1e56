//! The training task: the current run, the building of its model, and the probe of its critic.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    TrainingPhase, TrainingRequest, critic_probe::CriticProbe, model_builder::ModelBuilder, run::TrainingRun,
    run_fault::RunFault, run_start::RunStart,
};
use crate::{
    data::{DataError, DataSource, Opened},
    device::ComputeDevice,
    engine::{
        BackgroundTask, EngineState, TaskState,
        background::{READ_INTERRUPTED, thread_error},
        event::{Event, Severity},
        outbox::Outbox,
        task::{ActiveModel, Context, EngineTask, Readiness},
    },
    format::sentence,
    inspect::{Model, ModelError, OutlierReport},
    text::PrintablePath,
    train::{Recipe, run_folder::RunFolder},
};

/// Shown when the device breaks down under a run.
pub(crate) const DEVICE_LOST: &str = "The device stopped working. The run is safe up to its last checkpoint: resume it, on the CPU if this happens again.";

/// A run whose images are being read on another thread.
struct Opening {
    task: BackgroundTask<Result<Opened, DataError>>,
    start: RunStart,
    paused: bool,
}

/// A change that concerns the active model.
pub(crate) enum ModelOffer {
    /// A run was opened; it may have a model file.
    RunOpened,
    /// The run's model file was written.
    Built(Box<Model>, PathBuf),
}

pub(crate) struct TrainingTask {
    state: Arc<EngineState>,
    opening: Option<Opening>,
    run: Option<TrainingRun>,
    /// Builds the run's model.
    builder: Option<ModelBuilder>,
    /// The critic of the current run, while or after it is trained.
    probe: CriticProbe,
    offer: Option<ModelOffer>,
}

impl TrainingTask {
    pub(crate) fn new(state: Arc<EngineState>) -> Self {
        Self { state, opening: None, run: None, builder: None, probe: CriticProbe::default(), offer: None }
    }

    /// The last change that concerns the active model, once.
    pub(crate) fn take_offer(&mut self) -> Option<ModelOffer> {
        self.offer.take()
    }

    /// Carries out a request. One that opens or closes a run expects that [`close`](Self::close) was called before.
    pub(crate) fn handle(&mut self, request: TrainingRequest, context: Context<'_>) {
        let Context { device, outbox, .. } = context;
        match request {
            TrainingRequest::Start { source, opened, recipe, out } => {
                let start = RunStart::New { source: source.clone(), recipe, out };
                match opened {
                    Some(opened) => {
                        self.state.training.clear();
                        self.begin(start, &opened, false, device, outbox);
                    }
                    None => self.open(source, start, false, outbox),
                }
            }
            TrainingRequest::Resume { run, paused } => self.resume(&run, paused, outbox),
            TrainingRequest::Stop | TrainingRequest::Reset => {}
            TrainingRequest::Pause if self.builder.is_some() => self.cancel_build(outbox),
            TrainingRequest::Play => self.with_run(outbox, TrainingRun::play),
            TrainingRequest::Pause => self.with_run(outbox, TrainingRun::pause),
            TrainingRequest::Step(update) => self.with_run(outbox, |run, _| run.step_once(update)),
            TrainingRequest::SetKnobs(recipe) => self.with_run(outbox, |run, outbox| run.set_knobs(&recipe, outbox)),
            TrainingRequest::Checkpoint => self.with_run(outbox, |run, _| run.checkpoint()),
            TrainingRequest::PreviewEma(averaged) => self.with_run(outbox, |run, _| run.preview_from(averaged)),
            TrainingRequest::Walk { from, to, frames } => {
                self.with_run(outbox, |run, _| run.walk(from, to, frames));
            }
            TrainingRequest::BuildModel => self.start_build(device, outbox),
            TrainingRequest::ProbeCritic => self.probe.run(self.builder.as_ref(), &self.state),
        }
    }

    /// Lets the run do something that may fail.
    fn with_run(
        &mut self,
        outbox: &mut Outbox,
        work: impl FnOnce(&mut TrainingRun, &mut Outbox) -> Result<(), RunFault>,
    ) {
        let Some(run) = &mut self.run else { return };
        if let Err(fault) = work(run, outbox) {
            run.fail(fault, outbox);
        }
    }

    /// Closes the current run after writing a checkpoint.
    pub(crate) fn close(&mut self, outbox: &mut Outbox) {
        if let Some(opening) = self.opening.take() {
            opening.task.cancel();
            self.state.training.status.write().phase = TrainingPhase::Idle;
        }
        self.builder = None;
        self.probe = CriticProbe::default();
        self.with_run(outbox, TrainingRun::close);
        if let Some(run) = self.run.take() {
            let (path, step) = (run.path().to_path_buf(), run.steps());
            drop(run);
            self.state.training.status.write().phase = TrainingPhase::Idle;
            outbox.send(Event::Closed { run: path, step });
        }
    }

    /// The request that starts the current run again in a folder beside it; the old one stays.
    pub(crate) fn restart(&self, outbox: &mut Outbox) -> Option<TrainingRequest> {
        let run = self.run.as_ref()?;
        let (recipe, out) = (Box::new(run.recipe().clone()), next_folder(run.path()));
        match run.source().parse::<DataSource>() {
            Ok(source) => Some(TrainingRequest::Start { source, opened: None, recipe, out }),
            Err(error) => {
                outbox.notice(Severity::Error, error.to_string(), "");
                None
            }
        }
    }

    fn open(&mut self, source: DataSource, start: RunStart, paused: bool, outbox: &mut Outbox) {
        self.state.training.clear();
        self.state.training.status.write().phase = TrainingPhase::Opening { done: 0, total: 0 };
        let task = BackgroundTask::spawn(
            "ganspect-open",
            || {},
            move |progress| source.open(&|done, total| progress.report(done, total)),
        );
        match task {
            Ok(task) => self.opening = Some(Opening { task, start, paused }),
            Err(error) => self.refuse(&sentence(&thread_error(&error)), outbox),
        }
    }

    fn resume(&mut self, path: &Path, paused: bool, outbox: &mut Outbox) {
        let opened = RunFolder::open(path).map_err(|e| e.to_string()).and_then(|folder| {
            let text = folder.read_recipe().map_err(|e| e.to_string())?;
            let recipe = Recipe::from_record(&text).map_err(|e| format!("{}: {e}", path.printable()))?;
            let source: DataSource = folder.info().source.parse().map_err(|e| format!("{}: {e}", path.printable()))?;
            Ok((folder, recipe, source))
        });
        match opened {
            Ok((folder, recipe, source)) => {
                let start = RunStart::Resume { folder: Box::new(folder), recipe: Box::new(recipe) };
                self.open(source, start, paused, outbox);
            }
            Err(sentence) => self.refuse(&sentence, outbox),
        }
    }

    fn refuse(&mut self, sentence: &str, outbox: &mut Outbox) {
        outbox.notice(Severity::Error, sentence, "");
        self.state.training.status.write().phase = TrainingPhase::Failed(sentence.into());
    }

    /// Starts the run once its images have been read.
    fn poll_opening(&mut self, device: Option<&ComputeDevice>, outbox: &mut Outbox) {
        let Some(opening) = &self.opening else { return };
        let (done, total) = opening.task.progress();
        let result = match opening.task.poll() {
            TaskState::Running => {
                self.state.training.status.write().phase = TrainingPhase::Opening { done, total };
                return;
            }
            TaskState::Done(result) => result,
            TaskState::Over => {
                self.opening = None;
                return self.refuse(&sentence(READ_INTERRUPTED), outbox);
            }
        };
        let Some(Opening { start, paused, .. }) = self.opening.take() else { return };
        match result {
            Ok(opened) => self.begin(start, &opened, paused, device, outbox),
            Err(error) => self.refuse(&error.to_string(), outbox),
        }
    }

    fn begin(
        &mut self,
        start: RunStart,
        opened: &Opened,
        paused: bool,
        device: Option<&ComputeDevice>,
        outbox: &mut Outbox,
    ) {
        let Some(device) = device else { return };
        match TrainingRun::begin(start, opened, device, Arc::clone(&self.state), outbox) {
            Ok(mut run) => {
                run.set_paused(paused);
                outbox.send(Event::Opened(run.path().to_path_buf()));
                self.run = Some(run);
                self.offer = Some(ModelOffer::RunOpened);
            }
            Err(fault) => self.refuse(&fault.to_string(), outbox),
        }
    }

    /// One step of the run.
    fn step(&mut self, device: Option<&ComputeDevice>, outbox: &mut Outbox) {
        match &mut self.run {
            Some(run) if run.is_stalled() => run.retry(outbox),
            Some(run) if run.is_working() => {
                // A model of the weights before this step is out of date.
                self.builder = None;
                self.with_run(outbox, TrainingRun::slice);
            }
            _ => return,
        }
        if self.run.as_ref().is_some_and(TrainingRun::is_model_due) {
            self.start_build(device, outbox);
        }
    }

    /// Starts to build a model of the run's current weights.
    fn start_build(&mut self, device: Option<&ComputeDevice>, outbox: &mut Outbox) {
        let (Some(run), Some(device)) = (&mut self.run, device) else { return };
        if run.is_working() {
            run.set_paused(true);
        }
        match run.start_build(device) {
            Ok(builder) => {
                self.builder = Some(builder);
                self.probe = CriticProbe::default();
                *self.state.training.critic.answers.lock() = None;
                self.state.training.critic.history.write().reset();
                self.show_build();
            }
            Err(error) => {
                run.model_done();
                outbox.notice(Severity::Error, format!("{error}."), "");
            }
        }
    }

    fn cancel_build(&mut self, outbox: &mut Outbox) {
        let Some(builder) = self.builder.take() else { return };
        let share = builder.progress().0.share;
        if let Some(run) = &mut self.run {
            run.model_done();
        }
        self.state.training.status.write().build_cancelled = Some(share);
        let text = format!(
            "Building the model was cancelled at {:.0} %. No model file was written; 'Build the model file' starts from the \
             beginning.",
            100.0 * share
        );
        outbox.notice(Severity::Info, text, "");
    }

    fn show_build(&self) {
        let Some(builder) = &self.builder else { return };
        let (progress, left) = builder.progress();
        let mut status = self.state.training.status.write();
        status.phase = TrainingPhase::BuildingModel(progress);
        status.build_cancelled = None;
        status.seconds_left = left;
    }

    /// Builds the model for about `budget`.
    fn build(&mut self, budget: Duration, outbox: &mut Outbox) {
        let Some(builder) = &mut self.builder else { return };
        let built = builder.slice(budget);
        let losses = builder.take_losses();
        if let Some(run) = &mut self.run
            && let Err(error) = run.log_critic(&losses)
        {
            outbox.notice(Severity::Warning, format!("The critic's losses could not be logged: {error}."), "");
        }
        match built {
            Ok(None) => {
                if self.probe.is_due() {
                    self.probe.run(self.builder.as_ref(), &self.state);
                }
                self.show_build();
            }
            Ok(Some(model)) => {
                let path = builder.path().to_path_buf();
                let text =
                    format!("The model is ready in {}. Drop an image on the window to inspect it.", path.printable());
                outbox.notice(Severity::Info, text, "");
                if let Some(text) = model.info().outliers.as_ref().and_then(OutlierReport::sentence) {
                    outbox.notice(Severity::Warning, text, "");
                }
                self.offer = Some(ModelOffer::Built(Box::new(model), path));
            }
            Err(error) => {
                outbox.notice(Severity::Error, format!("{error}."), "");
                self.finish_build();
            }
        }
    }

    /// Closes a finished build; its critic answers previews from now on.
    pub(crate) fn finish_build(&mut self) {
        if let Some(builder) = self.builder.take() {
            self.probe.set_critic(&builder);
        }
        if let Some(run) = &mut self.run {
            run.model_done();
        }
    }

    /// Name of the current run.
    pub(crate) fn run_name(&self) -> Option<&str> {
        self.run.as_ref().map(TrainingRun::name)
    }

    /// The current run's model: its file if the run is finished, else its weights if they were `asked` for.
    pub(crate) fn model(
        &self,
        device: &ComputeDevice,
        asked: bool,
    ) -> Option<Result<(Model, Option<PathBuf>), ModelError>> {
        let run = self.run.as_ref()?;
        match run.built_model(device) {
            // The file has encoder, critic and calibration.
            Some((model, path)) => Some(Ok((model, Some(path)))),
            None => asked.then(|| run.model(device).map(|model| (model, None))),
        }
    }
}

impl EngineTask for TrainingTask {
    fn readiness(&self, _: Option<ActiveModel<'_>>) -> Readiness {
        if self.run.as_ref().is_some_and(TrainingRun::is_working) || self.builder.is_some() {
            Readiness::Busy
        } else if self.opening.is_some() {
            Readiness::Waiting
        } else if self.run.as_ref().is_some_and(TrainingRun::is_stalled) {
            Readiness::Listening
        } else {
            Readiness::Idle
        }
    }

    fn slice(&mut self, budget: Duration, context: Context<'_>) -> bool {
        let Context { device, outbox, .. } = context;
        self.poll_opening(device, outbox);
        self.step(device, outbox);
        self.build(budget, outbox);
        true
    }

    fn release_device(&mut self, outbox: &mut Outbox) {
        self.close(outbox);
    }

    fn on_device_lost(&mut self) {
        self.state.training.status.write().phase = TrainingPhase::Failed(DEVICE_LOST.into());
        // Tensors of a broken device may panic when they are dropped: they are taken out first.
        let lost = (self.run.take(), self.builder.take(), std::mem::take(&mut self.probe), self.offer.take());
        drop(lost);
    }
}

/// `run` -> `run-2`, `run-2` -> `run-3`, the first that does not exist.
fn next_folder(run: &Path) -> PathBuf {
    let name = run.file_name().map_or_else(|| "run".into(), |n| n.printable().to_string());
    let (stem, start) = match name.rsplit_once('-').and_then(|(stem, n)| Some((stem, n.parse::<u64>().ok()?))) {
        Some((stem, n)) if n < 10_000 => (stem.to_string(), n + 1),
        _ => (name, 2),
    };
    (start..).map(|n| run.with_file_name(format!("{stem}-{n}"))).find(|p| !p.exists()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_run_stands_beside_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("turned");
        assert_eq!(next_folder(&run), dir.path().join("turned-2"));
        std::fs::create_dir(dir.path().join("turned-2")).unwrap();
        assert_eq!(next_folder(&run), dir.path().join("turned-3"));
        assert_eq!(next_folder(&dir.path().join("turned-2")), dir.path().join("turned-3"));
        assert_eq!(next_folder(&dir.path().join("turned-20261101")), dir.path().join("turned-20261101-2"));
    }
}
