//! Requests to train a run.

use std::{path::PathBuf, sync::Arc};

use crate::{
    data::{DataSource, Opened},
    train::{Recipe, Update},
};

/// A request to the training task.
#[derive(Clone, Debug)]
pub enum TrainingRequest {
    /// Starts a new run in the folder `out`.
    Start {
        /// The training data.
        source: DataSource,
        /// The same data, if it has been read already; it is not read again.
        opened: Option<Arc<Opened>>,
        /// The recipe.
        recipe: Box<Recipe>,
        /// The run's folder, which must be absent or empty.
        out: PathBuf,
    },
    /// Resumes a run from its last checkpoint.
    Resume {
        /// The run's folder.
        run: PathBuf,
        /// Open it paused, to look at only.
        paused: bool,
    },
    /// Continues training.
    Play,
    /// Pauses after the current step; cancels the building of a model.
    Pause,
    /// Makes one update of the named networks, then pauses.
    Step(Update),
    /// Writes a checkpoint and closes the run.
    Stop,
    /// Starts the run again at step 0, in a new folder beside it.
    Reset,
    /// Applies the live knobs of this recipe from the next step on.
    SetKnobs(Box<Recipe>),
    /// Writes a checkpoint now.
    Checkpoint,
    /// Draws the sample grid from the averaged weights (true) or from the current ones.
    PreviewEma(bool),
    /// Draws a latent walk between two samples of the grid.
    Walk {
        /// Index of the first sample.
        from: usize,
        /// Index of the last sample.
        to: usize,
        /// Number of images, both ends included.
        frames: usize,
    },
    /// Trains encoder and critic on the current weights, calibrates on the held-out images and writes the run's model
    /// file. A run that has done all its steps does so by itself.
    BuildModel,
    /// The preview of the critic's training crops has changed: the critic, if there is one, evaluates it.
    ProbeCritic,
}
