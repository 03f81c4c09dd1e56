//! The engine: training, inspection, evaluation, intake, fine-tuning and review on threads of their own.
//!
//! The compute thread owns every tensor and runs the tasks of all features in turn (`scheduler`). Requests reach it
//! over a bounded channel (`protocol`), small events come back the same way (`event`), and everything that is shown
//! is in [`EngineState`]. Each feature has a folder with its requests, its state and its task.

mod background;
pub mod evaluation;
mod event;
pub mod finetune;
mod guard;
pub mod inspection;
pub mod intake;
mod outbox;
mod priority;
mod protocol;
pub mod review;
mod scheduler;
mod state;
mod task;
pub mod training;

use std::{io, sync::Arc, thread};

pub(crate) use background::{BackgroundTask, TaskProgress, TaskState, thread_error};
use crossbeam_channel::{Receiver, Sender, bounded};
pub use evaluation::EvaluationRequest;
pub use event::{Event, Severity};
pub use finetune::FinetuneRequest;
pub use inspection::InspectionRequest;
pub(crate) use inspection::task::BUILT_IN;
pub use intake::IntakeRequest;
use outbox::Outbox;
pub use priority::Priority;
pub use protocol::{ComputeCommand, EngineCommand};
use review::ReviewThreads;
use scheduler::Scheduler;
pub use state::EngineState;
pub use training::TrainingRequest;
use training::critic_preview::CriticPreviewThread;

use crate::device::DeviceChoice;
pub use crate::train::Update;

/// Capacity of the compute thread's queue of commands.
const COMMANDS: usize = 64;

/// Capacity of the queue of events; when it is full, the oldest are dropped.
const EVENTS: usize = 256;

/// Handle to the engine's threads. Dropping it writes a checkpoint of an open run and waits for the compute thread and
/// the record thread to end.
#[derive(Debug)]
pub struct Engine {
    commands: Sender<ComputeCommand>,
    events: Receiver<Event>,
    critic_preview: CriticPreviewThread,
    review: ReviewThreads,
    state: Arc<EngineState>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Engine {
    /// Starts the engine's threads at normal priority. They call `wake` when there is something new to show, the compute
    /// thread at most thirty times per second.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(choice: DeviceChoice, wake: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        Self::start_at(Priority::Normal, choice, wake)
    }

    /// As [`start`](Self::start), with the compute thread at `priority`: low beside a window.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start_at(
        priority: Priority,
        choice: DeviceChoice,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (commands, inbox) = bounded(COMMANDS);
        let (sender, events) = bounded(EVENTS);
        let state = Arc::new(EngineState::default());
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
        let critic_preview = CriticPreviewThread::start(Arc::clone(&state), commands.clone(), Arc::clone(&wake))?;
        let outbox = || Outbox::new(sender.clone(), events.clone(), Arc::clone(&wake));
        let review = ReviewThreads::start(Arc::clone(&state), outbox(), Arc::clone(&wake))?;
        let scheduler = Scheduler::new(inbox, outbox(), Arc::clone(&state));
        let thread =
            thread::Builder::new().name("ganspect-compute".into()).spawn(move || scheduler.run(choice, priority))?;
        Ok(Self { commands, events, critic_preview, review, state, thread: Some(thread) })
    }

    /// Passes a command to its thread without waiting; `false` when the thread's queue is full or it has ended.
    pub fn send(&self, command: impl Into<EngineCommand>) -> bool {
        match command.into() {
            EngineCommand::Compute(command) => self.commands.try_send(command).is_ok(),
            EngineCommand::CriticPreview(request) => self.critic_preview.send(request),
            EngineCommand::Review(request) => self.review.send(request),
            EngineCommand::Prefetch(requests) => {
                self.review.prefetch(requests);
                // A compute thread too busy to take this reads the list by itself.
                let _ = self.commands.try_send(ComputeCommand::Prefetch);
                true
            }
        }
    }

    /// The next event, if there is one.
    pub fn next_event(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// The state that the engine's threads show.
    pub fn state(&self) -> &Arc<EngineState> {
        &self.state
    }

    /// Whether the compute thread has ended.
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The queue may be full of commands that no longer matter; the thread drains it.
        let _ = self.commands.send(ComputeCommand::Shutdown);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
