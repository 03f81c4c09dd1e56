//! The engine: one named thread owns every tensor; commands go in over a bounded channel, small
//! events come back the same way, and heavy state lies in [`EngineState`].

pub mod background;
pub mod evaluation;
pub mod finetune;
pub mod inspection;
pub mod intake;
mod outbox;
pub mod review;
mod scheduler;
pub mod state;
pub mod training;

use std::{io, path::PathBuf, sync::Arc, thread};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
pub use evaluation::EvaluationRequest;
pub use finetune::FinetuneRequest;
pub use inspection::InspectionRequest;
pub(crate) use inspection::task::BUILT_IN;
pub use intake::IntakeRequest;
pub use state::EngineState;

pub use crate::train::Update;
use crate::{
    data::{DataSource, Opened},
    device::DeviceChoice,
    train::Recipe,
};

/// What the window or the command line asks of the compute thread.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begins a new run in the folder `out`.
    Start {
        /// What to learn from.
        source: DataSource,
        /// The same, if it has been read already: it is not read again.
        opened: Option<Arc<Opened>>,
        /// Every knob.
        recipe: Box<Recipe>,
        /// The run's folder, which must not hold anything yet.
        out: PathBuf,
    },
    /// Takes up a run again from its last checkpoint.
    Resume {
        /// The run's folder.
        run: PathBuf,
        /// Begin paused, for looking at it only.
        paused: bool,
    },
    /// Goes on training.
    Play,
    /// Waits after the step in hand.
    Pause,
    /// One update of the named networks, then pause.
    Once(Update),
    /// Writes a checkpoint and closes the run.
    Stop,
    /// Takes the run back to step 0 with fresh weights.
    Reset,
    /// Puts the live knobs of this recipe in force from the next step on.
    Turn(Box<Recipe>),
    /// Writes a checkpoint now.
    Checkpoint,
    /// Draws the grid from the averaged weights (true) or the live ones.
    PreviewEma(bool),
    /// Walks through the latent space between two samples of the grid.
    Walk {
        /// The first sample's place.
        from: usize,
        /// The last sample's place.
        to: usize,
        /// Pictures to draw, ends included.
        frames: usize,
    },
    /// Trains encoder and critic, calibrates on the held-out images and writes the run's model file, from the
    /// weights as they are; done by itself when a run has done all its steps.
    MakeModel,
    /// Forges crops for the screen as the critic is shown them. The compute thread has no part in it.
    Forge(training::critic_preview::PreviewRequest),
    /// Other forged crops are on show: the critic at hand, if there is one, says what it thinks of them.
    Answer,
    /// Anything about inspection.
    Inspect(InspectionRequest),
    /// Anything about tests.
    Evaluate(EvaluationRequest),
    /// Anything about parts that are taken in from a folder.
    Intake(IntakeRequest),
    /// Anything about learning from people's verdicts.
    Learn(FinetuneRequest),
    /// Anything about the record of the review station. The compute thread has no part in it.
    Review(review::ReviewRequest),
    /// These parts are on show in the Review workspace or soon will be.
    Look(Arc<[review::PrefetchRequest]>),
    /// Moves to another device; a run in hand is stopped first.
    Device(DeviceChoice),
    /// Writes a checkpoint if a run is open, and ends the thread.
    Shutdown,
}

/// How serious a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something went as asked.
    Info,
    /// Something went differently than asked, and work goes on.
    Warning,
    /// Something could not be done.
    Error,
}

/// What the compute thread has to say, now and then.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A sentence for the user, and technical detail to fold out.
    Notice {
        /// How serious.
        severity: Severity,
        /// What happened, to which file, and what to do.
        text: String,
        /// Detail for a report, or empty.
        detail: String,
    },
    /// A run was begun or taken up in this folder.
    Opened(PathBuf),
    /// A run was closed at this step; the folder can be resumed.
    Closed {
        /// The run's folder.
        run: PathBuf,
        /// Steps done.
        step: u64,
    },
}

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
    pub fn live(&self) -> &Arc<EngineState> {
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
