//! The compute thread's loop: commands first, then one bounded slice of work.

use std::{
    panic,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crossbeam_channel::Receiver;
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

use super::{
    EngineState, EvaluationRequest, Event, FinetuneRequest, InspectionRequest, Severity,
    background::{BackgroundTask, TaskState},
    evaluation::task::EvaluationTask,
    finetune::task::FinetuneTask,
    inspection::{ModelSource, ModelState, task::InspectionTask},
    intake::task::IntakeTask,
    outbox::Outbox,
    protocol::ComputeCommand,
    review::task::ReviewTask,
    training::{
        TrainingPhase, TrainingRequest,
        critic_probe::CriticProbe,
        model_builder::ModelBuilder,
        run::{RunFault, RunStart, TrainingRun},
    },
};
use crate::{
    data::{DataError, DataSource, Opened},
    device,
    device::{ComputeDevice, DeviceChoice},
    inspect::{InvertKnobs, Model},
    kernels,
    train::{Recipe, run_folder::RunFolder},
};

/// The compute thread's priority from 0 to 99, where 50 is the usual one; on Linux 10 is a niceness of 15.
const GIVE_WAY: u8 = 10;

/// How long inspection works before it is the run's turn again, and how long alone: long beside a step of
/// training, so that z is seen to move, and short for a click.
const TURN: Duration = Duration::from_millis(80);

/// How long the making of a model works before commands are looked at.
const FINISHING_TURN: Duration = Duration::from_millis(50);

/// How long the thread waits for a command while it polls another thread.
const POLL: Duration = Duration::from_millis(20);

/// The same while parts may come, which takes long beside this.
const LISTEN: Duration = Duration::from_millis(100);

/// A run whose images are being read on a thread of their own.
struct Opening {
    task: BackgroundTask<Result<Opened, DataError>>,
    start: RunStart,
    paused: bool,
}

pub(super) struct Scheduler {
    inbox: Receiver<ComputeCommand>,
    outbox: Outbox,
    live: Arc<EngineState>,
    device: Option<ComputeDevice>,
    opening: Option<Opening>,
    run: Option<TrainingRun>,
    /// The run's model in the making.
    finishing: Option<ModelBuilder>,
    /// The critic of the run in hand, while or after it was trained.
    examiner: CriticProbe,
    inspector: InspectionTask,
    tester: EvaluationTask,
    porter: IntakeTask,
    learner: FinetuneTask,
    reviewer: ReviewTask,
}

impl Scheduler {
    pub(super) fn new(inbox: Receiver<ComputeCommand>, outbox: Outbox, live: Arc<EngineState>) -> Self {
        let inspector = InspectionTask::new(Arc::clone(&live));
        let tester = EvaluationTask::new(Arc::clone(&live));
        let porter = IntakeTask::new(Arc::clone(&live));
        let learner = FinetuneTask::new(Arc::clone(&live));
        let reviewer = ReviewTask::new(Arc::clone(&live));
        Self {
            inbox,
            outbox,
            live,
            device: None,
            opening: None,
            run: None,
            finishing: None,
            examiner: CriticProbe::default(),
            inspector,
            tester,
            porter,
            learner,
            reviewer,
        }
    }

    pub(super) fn run(mut self, choice: DeviceChoice) {
        give_way();
        kernels::join_thread_pool();
        self.open_device(choice);
        loop {
            let training = self.run.as_ref().is_some_and(TrainingRun::is_working) || self.finishing.is_some();
            let inspecting = self.inspector.is_working() && !self.inspector.is_waiting();
            let reviewing = self.reviewer.is_working(self.inspector.in_force());
            let testing = self.tester.is_working() && !self.tester.is_waiting();
            let learning = self.learner.is_working() && !self.learner.is_waiting();
            let polling = self.opening.is_some()
                || self.inspector.is_working()
                || self.tester.is_working()
                || self.learner.is_working()
                || self.reviewer.is_waiting();
            let busy = training || inspecting || reviewing || testing || learning;
            let command = if busy || self.porter.is_busy() {
                self.inbox.try_recv().ok()
            } else if polling || self.porter.is_waiting() {
                self.inbox.recv_timeout(POLL).ok()
            } else if self.porter.is_going() {
                self.inbox.recv_timeout(LISTEN).ok()
            } else {
                match self.inbox.recv() {
                    Ok(command) => Some(command),
                    Err(_) => break,
                }
            };
            match command {
                Some(ComputeCommand::Shutdown) => break,
                Some(command) => self.handle(command),
                None => {
                    self.poll_opening();
                    self.slice();
                    self.finish_slice();
                    self.inspect_slice();
                    self.review_slice();
                    self.test_slice();
                    self.learn_slice();
                    // A folder in which nothing happens leaves the window in peace.
                    if !(self.intake_slice() || busy || polling) {
                        continue;
                    }
                }
            }
            self.outbox.wake();
        }
        self.close();
    }

    fn open_device(&mut self, choice: DeviceChoice) {
        let (chosen, error) = device::open(choice);
        if let Some(error) = error {
            self.outbox.notice(Severity::Warning, format!("{error}. The CPU takes its place."), "");
        }
        tracing::info!("computing on {}: {}", chosen.label, chosen.reason);
        *self.live.device.write() = Some(chosen.clone());
        self.device = Some(chosen);
        self.outbox.wake();
    }

    fn handle(&mut self, command: ComputeCommand) {
        match command {
            ComputeCommand::Training(request) => self.train(request),
            ComputeCommand::Inspection(InspectionRequest::OpenModel(ModelSource::Run)) => self.take_run_model(true),
            ComputeCommand::Inspection(request) => {
                let judges = matches!(request, InspectionRequest::SetRate(_) | InspectionRequest::DecideBy(_));
                self.inspect(request);
                if judges {
                    self.tester.judge_anew(self.inspector.in_force());
                }
            }
            ComputeCommand::Evaluation(EvaluationRequest::Reweight(by_labels)) => self.weigh(by_labels),
            ComputeCommand::Evaluation(request) => {
                let (tester, outbox) = (&mut self.tester, &mut self.outbox);
                tester.obey(request, self.inspector.in_force(), outbox);
            }
            ComputeCommand::Intake(request) => self.porter.obey(request, self.inspector.knobs(), &mut self.outbox),
            ComputeCommand::Finetune(request) => self.learn(request),
            ComputeCommand::Device(choice) => {
                self.close();
                self.tester.obey(EvaluationRequest::Cancel, None, &mut self.outbox);
                self.porter.leave_device();
                self.learner.cancel();
                let model = self.inspector.take_away();
                self.reviewer.lose();
                self.open_device(choice);
                if let Some(source) = model {
                    self.inspect(InspectionRequest::OpenModel(source));
                }
            }
            // The review task reads the list itself; the loop ends on the other.
            ComputeCommand::Prefetch | ComputeCommand::Shutdown => {}
        }
    }

    fn train(&mut self, request: TrainingRequest) {
        match request {
            TrainingRequest::Start { source, opened, recipe, out } => {
                self.close();
                let start = RunStart::New { source: source.clone(), recipe, out };
                match opened {
                    Some(opened) => {
                        self.live.training.clear();
                        self.begin(start, &opened, false);
                    }
                    None => self.open(source, start, false),
                }
            }
            TrainingRequest::Resume { run, paused } => {
                self.close();
                self.resume(&run, paused);
            }
            TrainingRequest::Stop => self.close(),
            TrainingRequest::Reset => self.reset(),
            TrainingRequest::Pause if self.finishing.take().is_some() => {
                if let Some(run) = &mut self.run {
                    run.model_done();
                }
                let text = "The model file was not made. 'Make model' begins again.";
                self.outbox.notice(Severity::Info, text, "");
            }
            TrainingRequest::Play => self.guarded(TrainingRun::play),
            TrainingRequest::Pause => self.guarded(TrainingRun::pause),
            TrainingRequest::Step(update) => self.guarded(|run, _| run.once(update)),
            TrainingRequest::SetKnobs(recipe) => self.guarded(|run, outbox| run.turn(&recipe, outbox)),
            TrainingRequest::Checkpoint => self.guarded(|run, _| run.checkpoint()),
            TrainingRequest::PreviewEma(averaged) => self.guarded(|run, _| run.preview_from(averaged)),
            TrainingRequest::Walk { from, to, frames } => self.guarded(|run, _| run.walk(from, to, frames)),
            TrainingRequest::BuildModel => self.begin_finishing(),
            TrainingRequest::ProbeCritic => self.answer(),
        }
    }

    /// Lets the run do something that may fail, or break down with its device.
    fn guarded(&mut self, work: impl FnOnce(&mut TrainingRun, &mut Outbox) -> Result<(), RunFault>) {
        let Some(run) = &mut self.run else { return };
        let outbox = &mut self.outbox;
        match panic::catch_unwind(AssertUnwindSafe(|| work(run, outbox))) {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => run.fail(fault, outbox),
            Err(payload) => {
                let detail = device::panic_text(payload.as_ref());
                self.lose(&detail);
            }
        }
    }

    fn slice(&mut self) {
        if !self.run.as_ref().is_some_and(TrainingRun::is_working) {
            return;
        }
        // More training makes the model in the making old.
        self.finishing = None;
        self.guarded(TrainingRun::slice);
        if self.run.as_ref().is_some_and(TrainingRun::is_model_due) {
            self.begin_finishing();
        }
    }

    /// Begins to make a model of the run in hand as it stands.
    fn begin_finishing(&mut self) {
        let (Some(run), Some(device)) = (&mut self.run, &self.device) else { return };
        if run.is_working() {
            run.set_paused(true);
        }
        let begun = panic::catch_unwind(AssertUnwindSafe(|| run.finishing(device)));
        match begun {
            Ok(Ok(finishing)) => {
                self.finishing = Some(finishing);
                self.examiner = CriticProbe::default();
                *self.live.training.critic.answers.lock() = None;
                self.live.training.critic.history.write().reset();
                self.show_finishing();
            }
            Ok(Err(error)) => {
                run.model_done();
                self.outbox.notice(Severity::Error, format!("{error}."), "");
            }
            Err(payload) => {
                let detail = device::panic_text(payload.as_ref());
                self.lose(&detail);
            }
        }
    }

    fn show_finishing(&self) {
        let Some(finishing) = &self.finishing else { return };
        let (making, left) = finishing.progress();
        let mut status = self.live.training.status.write();
        status.phase = TrainingPhase::Finishing(making);
        status.seconds_left = left;
    }

    /// What the critic at hand says to the crops on show.
    fn answer(&mut self) {
        let (examiner, live) = (&mut self.examiner, &self.live);
        let finishing = self.finishing.as_ref();
        let examined = panic::catch_unwind(AssertUnwindSafe(|| examiner.examine(finishing, live)));
        if let Err(payload) = examined {
            let detail = device::panic_text(payload.as_ref());
            self.lose(&detail);
        }
    }

    /// Weighs the fused score by the labelled defects of the test on show, or by none again.
    fn weigh(&mut self, by_labels: bool) {
        let Some(evaluation) = self.live.evaluation.status.read().evaluation.clone() else { return };
        let own = self.inspector.in_force().is_some_and(|now| now.hash == evaluation.header.model.hash);
        if !own {
            let text = "The test is another model's. Open that model to weigh its scores.";
            return self.outbox.notice(Severity::Warning, text, "");
        }
        let weigh = |model: &mut Model, knobs: &InvertKnobs| match by_labels {
            true => model.reweight(&evaluation.defective(), &evaluation.header.data, knobs),
            false => model.remove_labels(knobs).map(|_| ()),
        };
        self.inspector.decide(weigh, &mut self.outbox);
        self.tester.judge_anew(self.inspector.in_force());
        self.outbox.wake();
    }

    /// A piece of work on the model in the making.
    fn finish_slice(&mut self) {
        let Some(finishing) = &mut self.finishing else { return };
        let worked = panic::catch_unwind(AssertUnwindSafe(|| finishing.slice(FINISHING_TURN)));
        let (path, losses) = (finishing.path().to_path_buf(), finishing.take_losses());
        if let Some(run) = &mut self.run
            && let Err(error) = run.log_critic(&losses)
        {
            self.outbox.notice(Severity::Warning, format!("The critic's losses are not in the log: {error}."), "");
        }
        match worked {
            Ok(Ok(None)) => {
                if self.examiner.is_due() {
                    self.answer();
                }
                return self.show_finishing();
            }
            Ok(Ok(Some(model))) => {
                let text =
                    format!("The model is ready in {}. Drop an image on the window to inspect it.", path.display());
                self.outbox.notice(Severity::Info, text, "");
                // One that the user opened from elsewhere stays in force.
                let own = self.inspector.path().is_none_or(|p| p == path);
                if own {
                    self.inspector.put(model, Some(path));
                }
            }
            Ok(Err(error)) => self.outbox.notice(Severity::Error, format!("{error}."), ""),
            Err(payload) => {
                let detail = device::panic_text(payload.as_ref());
                return self.lose(&detail);
            }
        }
        if let Some(finishing) = self.finishing.take() {
            self.examiner.keep(&finishing);
        }
        if let Some(run) = &mut self.run {
            run.model_done();
        }
    }

    /// A turn of inspection.
    fn inspect_slice(&mut self) {
        if !self.inspector.is_working() {
            return;
        }
        let (inspector, outbox) = (&mut self.inspector, &mut self.outbox);
        let worked = panic::catch_unwind(AssertUnwindSafe(|| inspector.slice(TURN, outbox)));
        self.survive(worked);
    }

    /// A turn of drawing the parts under review.
    fn review_slice(&mut self) {
        if !self.reviewer.is_working(self.inspector.in_force()) {
            return;
        }
        let (reviewer, force, outbox) = (&mut self.reviewer, self.inspector.in_force(), &mut self.outbox);
        let worked = panic::catch_unwind(AssertUnwindSafe(|| reviewer.slice(TURN, force, outbox)));
        self.survive(worked);
    }

    /// Whether a person waits for an image.
    fn is_waited_for(&self) -> bool {
        self.inspector.is_working() && !self.inspector.is_waiting()
            || self.reviewer.is_working(self.inspector.in_force())
    }

    /// A turn of a test: images that a person waits for go first.
    fn test_slice(&mut self) {
        if !self.tester.is_working() || self.is_waited_for() {
            return;
        }
        let (tester, force, outbox) = (&mut self.tester, self.inspector.in_force(), &mut self.outbox);
        let worked = panic::catch_unwind(AssertUnwindSafe(|| tester.slice(TURN, force, outbox)));
        if worked.is_err() {
            let tester = &mut self.tester;
            let _ = panic::catch_unwind(AssertUnwindSafe(|| tester.lose()));
        }
        self.survive(worked);
    }

    /// A turn of learning, likewise.
    fn learn_slice(&mut self) {
        if !self.learner.is_working() || self.is_waited_for() {
            return;
        }
        let (learner, outbox) = (&mut self.learner, &mut self.outbox);
        let worked = panic::catch_unwind(AssertUnwindSafe(|| learner.slice(TURN, outbox)));
        self.survive_learning(worked);
    }

    fn learn(&mut self, command: FinetuneRequest) {
        let teacher = self.inspector.in_force().map(|now| (now.model, self.inspector.path(), now.knobs));
        let (learner, device, outbox) = (&mut self.learner, self.device.as_ref(), &mut self.outbox);
        let obeyed = panic::catch_unwind(AssertUnwindSafe(|| learner.obey(command, teacher, device, outbox)));
        self.survive_learning(obeyed);
    }

    fn survive_learning(&mut self, outcome: std::thread::Result<()>) {
        if outcome.is_err() {
            let learner = &mut self.learner;
            let _ = panic::catch_unwind(AssertUnwindSafe(|| learner.lose()));
        }
        self.survive(outcome);
    }

    /// A turn of the parts that are taken in, likewise; whether there is anything new to show.
    fn intake_slice(&mut self) -> bool {
        if !self.porter.is_going() || self.is_waited_for() {
            return false;
        }
        let (porter, force, outbox) = (&mut self.porter, self.inspector.in_force(), &mut self.outbox);
        match panic::catch_unwind(AssertUnwindSafe(|| porter.slice(TURN, force, outbox))) {
            Ok(news) => news,
            Err(payload) => {
                let porter = &mut self.porter;
                let _ = panic::catch_unwind(AssertUnwindSafe(|| porter.lose()));
                self.survive(Err(payload));
                true
            }
        }
    }

    fn inspect(&mut self, command: InspectionRequest) {
        let Some(device) = &self.device else { return };
        let (inspector, outbox) = (&mut self.inspector, &mut self.outbox);
        let obeyed = panic::catch_unwind(AssertUnwindSafe(|| inspector.obey(command, device, outbox)));
        self.survive(obeyed);
    }

    /// Puts the model of the run in hand in force for inspection: its file once it is over. Before that it has only its
    /// weights as they are, which are taken where they were `asked` for.
    fn take_run_model(&mut self, asked: bool) {
        let (Some(run), Some(device)) = (&self.run, &self.device) else {
            let text = "There is no run in hand to take the weights of. Open a run, or a model file.";
            return self.inspector.refuse(text.into(), "", &mut self.outbox);
        };
        if asked {
            self.live.inspection.status.write().model = ModelState::Loading(run.name().into());
        }
        let inspector = &mut self.inspector;
        let outbox = &mut self.outbox;
        let taken = panic::catch_unwind(AssertUnwindSafe(|| match run.made(device) {
            // With the file come encoder, critic and calibration.
            Some((model, path)) => inspector.put(model, Some(path)),
            None if asked => match run.model(device) {
                Ok(model) => inspector.put(model, None),
                Err(error) => inspector.refuse(format!("{error}."), "", outbox),
            },
            None => {}
        }));
        self.survive(taken);
    }

    /// Says so when inspection broke down with its device.
    fn survive(&mut self, outcome: std::thread::Result<()>) {
        if let Err(payload) = outcome {
            let detail = device::panic_text(payload.as_ref());
            self.outbox.notice(Severity::Error, "The device stopped working while it inspected an image.", detail);
            let (inspector, reviewer) = (&mut self.inspector, &mut self.reviewer);
            let _ = panic::catch_unwind(AssertUnwindSafe(|| {
                inspector.lose();
                reviewer.lose();
            }));
        }
    }

    /// The device broke down: the run on disk is whole up to its last checkpoint.
    fn lose(&mut self, detail: &str) {
        let text = "The device stopped working. The run is safe up to its last checkpoint: resume it, \
                    on the CPU if this happens again.";
        self.outbox.notice(Severity::Error, text, detail);
        self.live.training.status.write().phase = TrainingPhase::Failed(text.into());
        // Tensors of a broken device may panic once more when they are dropped.
        let (run, finishing) = (self.run.take(), self.finishing.take());
        let examiner = std::mem::take(&mut self.examiner);
        let (inspector, tester, reviewer) = (&mut self.inspector, &mut self.tester, &mut self.reviewer);
        let (porter, learner) = (&mut self.porter, &mut self.learner);
        let _ = panic::catch_unwind(AssertUnwindSafe(|| {
            inspector.lose();
            tester.lose();
            reviewer.lose();
            porter.lose();
            learner.lose();
            drop(finishing);
            drop(examiner);
            drop(run);
        }));
    }

    fn open(&mut self, source: DataSource, start: RunStart, paused: bool) {
        self.live.training.clear();
        self.live.training.status.write().phase = TrainingPhase::Opening { done: 0, total: 0 };
        let task = BackgroundTask::spawn(
            "ganspect-open",
            || {},
            move |progress| source.open(&|done, total| progress.report(done, total)),
        );
        match task {
            Ok(task) => self.opening = Some(Opening { task, start, paused }),
            Err(error) => self.refuse(&format!("The system has no thread to read the images with: {error}")),
        }
    }

    fn resume(&mut self, path: &Path, paused: bool) {
        let opened = RunFolder::open(path).map_err(|e| e.to_string()).and_then(|folder| {
            let text = folder.read_recipe().map_err(|e| e.to_string())?;
            let recipe = Recipe::from_record(&text).map_err(|e| format!("{}: {e}", path.display()))?;
            let source: DataSource = folder.info().source.parse().map_err(|e| format!("{}: {e}", path.display()))?;
            Ok((folder, recipe, source))
        });
        match opened {
            Ok((folder, recipe, source)) => {
                self.open(source, RunStart::Resume { folder: Box::new(folder), recipe: Box::new(recipe) }, paused);
            }
            Err(sentence) => self.refuse(&sentence),
        }
    }

    fn refuse(&mut self, sentence: &str) {
        self.outbox.notice(Severity::Error, sentence, "");
        self.live.training.status.write().phase = TrainingPhase::Failed(sentence.into());
    }

    fn poll_opening(&mut self) {
        let Some(opening) = &self.opening else { return };
        let (done, total) = opening.task.progress();
        let result = match opening.task.poll() {
            TaskState::Running => {
                self.live.training.status.write().phase = TrainingPhase::Opening { done, total };
                return;
            }
            TaskState::Done(result) => result,
            TaskState::Over => {
                self.opening = None;
                return self.refuse("Reading the images broke off without a reason; try again.");
            }
        };
        let Some(Opening { start, paused, .. }) = self.opening.take() else { return };
        match result {
            Ok(opened) => self.begin(start, &opened, paused),
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn begin(&mut self, start: RunStart, opened: &Opened, paused: bool) {
        let Some(device) = &self.device else { return };
        let begun = panic::catch_unwind(AssertUnwindSafe(|| {
            TrainingRun::begin(start, opened, device, Arc::clone(&self.live), &mut self.outbox)
        }));
        match begun {
            Ok(Ok(mut run)) => {
                run.set_paused(paused);
                self.outbox.send(Event::Opened(run.path().to_path_buf()));
                self.run = Some(run);
                // What a finished run was made into is what one means to inspect with.
                if self.inspector.in_force().is_none() {
                    self.take_run_model(false);
                }
            }
            Ok(Err(fault)) => self.refuse(&fault.to_string()),
            Err(payload) => {
                let detail = device::panic_text(payload.as_ref());
                self.lose(&detail);
            }
        }
    }

    /// Closes the run in hand, its checkpoint written.
    fn close(&mut self) {
        if let Some(opening) = self.opening.take() {
            opening.task.cancel();
            self.live.training.status.write().phase = TrainingPhase::Idle;
        }
        self.finishing = None;
        self.examiner = CriticProbe::default();
        self.guarded(TrainingRun::close);
        if let Some(run) = self.run.take() {
            let (path, step) = (run.path().to_path_buf(), run.steps());
            drop(run);
            self.live.training.status.write().phase = TrainingPhase::Idle;
            self.outbox.send(Event::Closed { run: path, step });
        }
    }

    /// Begins the run anew in a folder beside it; the old one stays.
    fn reset(&mut self) {
        let Some(run) = &self.run else { return };
        let (source, recipe) = (run.source().parse::<DataSource>(), run.recipe().clone());
        let out = beside(run.path());
        match source {
            Ok(source) => self.train(TrainingRequest::Start { source, opened: None, recipe: Box::new(recipe), out }),
            Err(error) => self.outbox.notice(Severity::Error, error.to_string(), ""),
        }
    }
}

/// Lets the window's thread go first: a step that takes a little longer hurts less than a click that
/// waits. The tensor library's threads are begun from this one and take over its priority.
fn give_way() {
    let lowered = match ThreadPriorityValue::try_from(GIVE_WAY) {
        Ok(priority) => set_current_thread_priority(ThreadPriority::Crossplatform(priority)),
        Err(error) => return tracing::debug!("the compute thread keeps its usual priority: {error}"),
    };
    if let Err(error) = lowered {
        tracing::debug!("the compute thread keeps its usual priority: {error:?}");
    }
}

/// `run` -> `run-2`, `run-2` -> `run-3`, the first that does not exist.
fn beside(run: &Path) -> PathBuf {
    let name = run.file_name().map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
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
        assert_eq!(beside(&run), dir.path().join("turned-2"));
        std::fs::create_dir(dir.path().join("turned-2")).unwrap();
        assert_eq!(beside(&run), dir.path().join("turned-3"));
        assert_eq!(beside(&dir.path().join("turned-2")), dir.path().join("turned-3"));
        assert_eq!(beside(&dir.path().join("turned-20261101")), dir.path().join("turned-20261101-2"));
    }
}
