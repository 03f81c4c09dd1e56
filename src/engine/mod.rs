//! The engine: one named thread owns every tensor; commands go in over a bounded channel, small
//! events come back the same way, and heavy state lies in [`EngineState`].

pub mod background;
pub mod evaluation;
mod event;
pub mod finetune;
pub mod inspection;
pub mod intake;
mod outbox;
mod protocol;
pub mod review;
mod scheduler;
pub mod state;
pub mod training;

use std::{io, sync::Arc, thread};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
pub use evaluation::EvaluationRequest;
pub use event::{Event, Severity};
pub use finetune::FinetuneRequest;
pub use inspection::InspectionRequest;
pub(crate) use inspection::task::BUILT_IN;
pub use intake::IntakeRequest;
pub use protocol::Command;
pub use state::EngineState;

use crate::device::DeviceChoice;
pub use crate::train::Update;

/// Commands that may wait for the compute thread.
const COMMANDS: usize = 64;

/// Events that may wait for the window; when it does not fetch them, the oldest are let go.
const EVENTS: usize = 256;

/// The handle to the compute thread. Dropping it writes a checkpoint of a run in hand and waits for
/// the thread to end.
#[derive(Debug)]
pub struct Engine {
    commands: Sender<Command>,
    events: Receiver<Event>,
    forging: training::critic_preview::CriticPreviewThread,
    station: review::ReviewThreads,
    live: Arc<EngineState>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Engine {
    /// Starts the compute thread, the forger's and the review station's. `wake` is called from them, at most thirty times
    /// a second from the compute thread, when there is something new to show.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(choice: DeviceChoice, wake: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let (commands, inbox) = bounded(COMMANDS);
        let (outbox, events) = bounded(EVENTS);
        let live = Arc::new(EngineState::default());
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
        let forging = training::critic_preview::CriticPreviewThread::start(
            Arc::clone(&live),
            commands.clone(),
            Arc::clone(&wake),
        )?;
        let way_out = || outbox::Outbox::new(outbox.clone(), events.clone(), Arc::clone(&wake));
        let station = review::ReviewThreads::start(Arc::clone(&live), way_out(), Arc::clone(&wake))?;
        let worker = scheduler::Scheduler::new(inbox, way_out(), Arc::clone(&live));
        let thread = thread::Builder::new().name("ganspect-compute".into()).spawn(move || worker.run(choice))?;
        Ok(Self { commands, events, forging, station, live, thread: Some(thread) })
    }

    /// Hands a command to the thread that it is for, without waiting; `false` when its queue is full or it
    /// has ended.
    pub fn send(&self, command: Command) -> bool {
        let command = match command {
            Command::Forge(order) => return self.forging.ask(order),
            Command::Review(ask) => return self.station.ask(ask),
            Command::Look(wanted) => {
                self.station.look(Arc::clone(&wanted));
                // A thread that is too busy to hear of it looks by itself.
                let _ = self.commands.try_send(Command::Look(wanted));
                return true;
            }
            command => command,
        };
        match self.commands.try_send(command) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// The next event, if there is one.
    pub fn next_event(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// What the compute thread shows of itself.
    pub fn state(&self) -> &Arc<EngineState> {
        &self.live
    }

    /// Whether the compute thread has ended.
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The queue may be full of commands that nobody will need any more; the thread drains it.
        let _ = self.commands.send(Command::Shutdown);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
