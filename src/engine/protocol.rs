//! Commands to the engine's threads.

use std::{path::PathBuf, sync::Arc};

use super::{
    evaluation::EvaluationRequest,
    finetune::FinetuneRequest,
    inspection::InspectionRequest,
    intake::IntakeRequest,
    review::{PrefetchRequest, ReviewRequest},
    training::critic_preview::PreviewRequest,
};
use crate::{
    data::{DataSource, Opened},
    device::DeviceChoice,
    train::{Recipe, Update},
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
    Forge(PreviewRequest),
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
    Review(ReviewRequest),
    /// These parts are on show in the Review workspace or soon will be.
    Look(Arc<[PrefetchRequest]>),
    /// Moves to another device; a run in hand is stopped first.
    Device(DeviceChoice),
    /// Writes a checkpoint if a run is open, and ends the thread.
    Shutdown,
}
