//! The compute thread's loop: commands first, then one bounded time slice for each task that has work.

use std::{sync::Arc, time::Duration};

use crossbeam_channel::Receiver;

use super::{
    EngineState, EvaluationRequest, InspectionRequest, Priority, Severity, TrainingRequest,
    evaluation::task::EvaluationTask,
    finetune::task::FinetuneTask,
    guard::guard,
    inspection::{ModelSource, ModelState, task::InspectionTask},
    intake::task::IntakeTask,
    outbox::Outbox,
    protocol::ComputeCommand,
    review::task::ReviewTask,
    task::{Context, EngineTask, Readiness},
    training::{
        TrainingTask,
        task::{DEVICE_LOST, ModelOffer},
    },
};
use crate::{
    device,
    device::{ComputeDevice, DeviceChoice},
    inspect::{InvertKnobs, Model},
    kernels,
};

/// Time slice of a task: long beside a training step, so that z is seen to move, and short for a click.
const SLICE: Duration = Duration::from_millis(80);

/// Time slice for building a run's model.
const BUILD_SLICE: Duration = Duration::from_millis(50);

/// Longest wait for a command while a task waits for another thread.
const POLL: Duration = Duration::from_millis(20);

/// Longest wait for a command while a task listens for new files.
const LISTEN: Duration = Duration::from_millis(100);

/// A task of the compute thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TaskId {
    Training,
    Inspection,
    Review,
    Evaluation,
    Finetune,
    Intake,
}

impl TaskId {
    /// All tasks, in the order in which they get their slices.
    const ALL: [Self; 6] =
        [Self::Training, Self::Inspection, Self::Review, Self::Evaluation, Self::Finetune, Self::Intake];

    fn budget(self) -> Duration {
        if self == Self::Training { BUILD_SLICE } else { SLICE }
    }

    /// Whether the task pauses while an image is inspected or drawn for the user.
    fn is_background(self) -> bool {
        matches!(self, Self::Evaluation | Self::Finetune | Self::Intake)
    }

    /// The tasks that lose their device when this one panics, itself first: the users of the active model lose that too,
    /// and a run takes all tasks with it.
    fn lost_with(self) -> &'static [Self] {
        match self {
            Self::Training => &Self::ALL,
            Self::Inspection => &[Self::Inspection, Self::Review],
            Self::Review => &[Self::Review, Self::Inspection],
            Self::Evaluation => &[Self::Evaluation, Self::Inspection, Self::Review],
            Self::Finetune => &[Self::Finetune, Self::Inspection, Self::Review],
            Self::Intake => &[Self::Intake, Self::Inspection, Self::Review],
        }
    }
}

pub(super) struct Scheduler {
    inbox: Receiver<ComputeCommand>,
    outbox: Outbox,
    state: Arc<EngineState>,
    device: Option<ComputeDevice>,
    training: TrainingTask,
    inspection: InspectionTask,
    review: ReviewTask,
    evaluation: EvaluationTask,
    finetune: FinetuneTask,
    intake: IntakeTask,
}

impl Scheduler {
    pub(super) fn new(inbox: Receiver<ComputeCommand>, outbox: Outbox, state: Arc<EngineState>) -> Self {
        Self {
            inbox,
            outbox,
            device: None,
            training: TrainingTask::new(Arc::clone(&state)),
            inspection: InspectionTask::new(Arc::clone(&state)),
            review: ReviewTask::new(Arc::clone(&state)),
            evaluation: EvaluationTask::new(Arc::clone(&state)),
            finetune: FinetuneTask::new(Arc::clone(&state)),
            intake: IntakeTask::new(Arc::clone(&state)),
            state,
        }
    }

    pub(super) fn run(mut self, choice: DeviceChoice, priority: Priority) {
        priority.apply();
        kernels::join_thread_pool();
        self.open_device(choice);
        loop {
            let readiest = TaskId::ALL.into_iter().map(|id| self.readiness(id)).max().unwrap_or(Readiness::Idle);
            let command = match readiest {
                Readiness::Busy => self.inbox.try_recv().ok(),
                Readiness::Waiting => self.inbox.recv_timeout(POLL).ok(),
                Readiness::Listening => self.inbox.recv_timeout(LISTEN).ok(),
                Readiness::Idle => match self.inbox.recv() {
                    Ok(command) => Some(command),
                    Err(_) => break,
                },
            };
            let changed = match command {
                Some(ComputeCommand::Shutdown) => break,
                Some(command) => {
                    self.handle(command);
                    true
                }
                None => self.work(),
            };
            if changed {
                self.outbox.wake();
            }
        }
        self.close_run();
    }

    /// One slice for each task that has work; returns whether there may be something new to show.
    fn work(&mut self) -> bool {
        let mut changed = false;
        for id in TaskId::ALL {
            if self.readiness(id) == Readiness::Idle || id.is_background() && self.is_user_waiting() {
                continue;
            }
            let slice = |scheduler: &mut Self| {
                let (task, context) = scheduler.task(id);
                task.slice(id.budget(), context)
            };
            changed |= self.guarded(id, slice).unwrap_or(true);
            if id == TaskId::Training {
                self.take_offer();
            }
        }
        changed
    }

    /// A task, and the context for it.
    fn task(&mut self, id: TaskId) -> (&mut dyn EngineTask, Context<'_>) {
        let (device, outbox) = (self.device.as_ref(), &mut self.outbox);
        let task: &mut dyn EngineTask = match id {
            // The inspection task owns the active model.
            TaskId::Inspection => return (&mut self.inspection, Context { device, active: None, outbox }),
            TaskId::Training => &mut self.training,
            TaskId::Review => &mut self.review,
            TaskId::Evaluation => &mut self.evaluation,
            TaskId::Finetune => &mut self.finetune,
            TaskId::Intake => &mut self.intake,
        };
        (task, Context { device, active: self.inspection.active(), outbox })
    }

    fn readiness(&self, id: TaskId) -> Readiness {
        let active = self.inspection.active();
        match id {
            TaskId::Training => self.training.readiness(active),
            TaskId::Inspection => self.inspection.readiness(active),
            TaskId::Review => self.review.readiness(active),
            TaskId::Evaluation => self.evaluation.readiness(active),
            TaskId::Finetune => self.finetune.readiness(active),
            TaskId::Intake => self.intake.readiness(active),
        }
    }

    /// Whether an image is being inspected or drawn for the user.
    fn is_user_waiting(&self) -> bool {
        [TaskId::Inspection, TaskId::Review].into_iter().any(|id| self.readiness(id) == Readiness::Busy)
    }

    /// Runs `work` of a task; `None` when it panicked, as it does on a broken device.
    fn guarded<R>(&mut self, id: TaskId, work: impl FnOnce(&mut Self) -> R) -> Option<R> {
        let detail = match guard(|| work(self)) {
            Ok(result) => return Some(result),
            Err(detail) => detail,
        };
        let text = match id {
            TaskId::Training => DEVICE_LOST,
            _ => "The device stopped working while it inspected an image.",
        };
        self.outbox.notice(Severity::Error, text, detail);
        for lost in id.lost_with() {
            // Tensors of a broken device may panic once more when they are dropped.
            let _ = guard(|| self.task(*lost).0.on_device_lost());
        }
        None
    }

    fn open_device(&mut self, choice: DeviceChoice) {
        let (chosen, error) = device::open(choice);
        if let Some(error) = error {
            self.outbox.notice(Severity::Warning, format!("{error}. The CPU is used instead."), "");
        }
        tracing::info!("computing on {}: {}", chosen.label, chosen.reason);
        *self.state.device.write() = Some(chosen.clone());
        self.device = Some(chosen);
        self.outbox.wake();
    }

    fn handle(&mut self, command: ComputeCommand) {
        match command {
            ComputeCommand::Training(request) => self.train(request),
            ComputeCommand::Inspection(InspectionRequest::OpenModel(ModelSource::Run)) => self.open_run_model(true),
            ComputeCommand::Inspection(request) => {
                let rejudges = matches!(request, InspectionRequest::SetRate(_) | InspectionRequest::DecideBy(_));
                self.inspect(request);
                if rejudges {
                    self.evaluation.rejudge(self.inspection.active());
                }
            }
            ComputeCommand::Evaluation(EvaluationRequest::Reweight(by_labels)) => self.reweight(by_labels),
            ComputeCommand::Evaluation(request) => {
                self.guarded(TaskId::Evaluation, |s| {
                    s.evaluation.handle(request, s.inspection.active(), &mut s.outbox);
                });
            }
            ComputeCommand::Intake(request) => {
                self.guarded(TaskId::Intake, |s| s.intake.handle(request, s.inspection.knobs(), &mut s.outbox));
            }
            ComputeCommand::Finetune(request) => {
                self.guarded(TaskId::Finetune, |s| {
                    let (device, active) = (s.device.as_ref(), s.inspection.active());
                    s.finetune.handle(request, Context { device, active, outbox: &mut s.outbox });
                });
            }
            ComputeCommand::Device(choice) => self.change_device(choice),
            // Review's task reads the list of images itself; the loop ends at a shutdown.
            ComputeCommand::Prefetch | ComputeCommand::Shutdown => {}
        }
    }

    fn train(&mut self, request: TrainingRequest) {
        let request = match request {
            TrainingRequest::Reset => match self.training.restart(&mut self.outbox) {
                Some(start) => start,
                None => return,
            },
            request => request,
        };
        if matches!(request, TrainingRequest::Start { .. } | TrainingRequest::Resume { .. } | TrainingRequest::Stop) {
            self.close_run();
        }
        self.guarded(TaskId::Training, |s| {
            let context = Context { device: s.device.as_ref(), active: None, outbox: &mut s.outbox };
            s.training.handle(request, context);
        });
        self.take_offer();
    }

    /// Closes the current run after writing a checkpoint.
    fn close_run(&mut self) {
        self.guarded(TaskId::Training, |s| s.training.close(&mut s.outbox));
    }

    /// Makes the model that training has to offer the active one, unless the user opened another.
    fn take_offer(&mut self) {
        match self.training.take_offer() {
            Some(ModelOffer::RunOpened) if self.inspection.active().is_none() => self.open_run_model(false),
            None | Some(ModelOffer::RunOpened) => {}
            Some(ModelOffer::Built(model, path)) => {
                if self.inspection.path().is_none_or(|active| active == path) {
                    self.guarded(TaskId::Inspection, |s| s.inspection.set_model(*model, Some(path)));
                }
                self.training.finish_build();
            }
        }
    }

    /// Makes the current run's model the active one: its file once the run is finished. Before that, there are only its
    /// current weights, which are used where the user `asked` for them.
    fn open_run_model(&mut self, asked: bool) {
        let Some(name) = self.training.run_name() else {
            let text = "There is no run to use the weights of. Open a run or a model file.";
            return self.inspection.refuse(text.into(), "", &mut self.outbox);
        };
        if asked {
            self.state.inspection.status.write().model = ModelState::Loading(name.into());
        }
        self.guarded(TaskId::Inspection, |s| {
            let Some(device) = &s.device else { return };
            match s.training.model(device, asked) {
                Some(Ok((model, path))) => s.inspection.set_model(model, path),
                Some(Err(error)) => s.inspection.refuse(format!("{error}."), "", &mut s.outbox),
                None => {}
            }
        });
    }

    fn inspect(&mut self, request: InspectionRequest) {
        self.guarded(TaskId::Inspection, |s| {
            let Some(device) = &s.device else { return };
            s.inspection.handle(request, device, &mut s.outbox);
        });
    }

    /// Reweights the combined score by the labelled defects of the current evaluation, or removes such weights.
    fn reweight(&mut self, by_labels: bool) {
        let Some(evaluation) = self.state.evaluation.status.read().evaluation.clone() else { return };
        if self.inspection.active().is_none_or(|active| active.hash != evaluation.header.model.hash) {
            let text = "This evaluation is of another model. Open that model to reweight its scores.";
            return self.outbox.notice(Severity::Warning, text, "");
        }
        let change = |model: &mut Model, knobs: &InvertKnobs| match by_labels {
            true => model.reweight(&evaluation.defective(), &evaluation.header.data, knobs),
            false => model.remove_labels(knobs).map(|_| ()),
        };
        self.guarded(TaskId::Inspection, |s| s.inspection.decide(change, &mut s.outbox));
        self.evaluation.rejudge(self.inspection.active());
        self.outbox.wake();
    }

    /// Moves to another device; the active model is read again there.
    fn change_device(&mut self, choice: DeviceChoice) {
        for id in TaskId::ALL {
            self.guarded(id, |s| {
                let (task, context) = s.task(id);
                task.release_device(context.outbox);
            });
        }
        self.open_device(choice);
        if let Some(source) = self.inspection.take_released() {
            self.inspect(InspectionRequest::OpenModel(source));
        }
    }
}
