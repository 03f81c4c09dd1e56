//! The view of the window's state that a page draws from.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{Action, CommandContext, Settings, UiCommand, ViewSettings};
use crate::{
    engine::{EngineState, training::TrainingStatus},
    paths::Paths,
    train::{History, Recipe},
};

/// An earlier run's curves, drawn dashed under those of the current run.
#[derive(Clone, Debug)]
pub struct RunOverlay {
    /// The run's folder.
    pub run: PathBuf,
    /// The run's name.
    pub name: String,
    /// Curves of the GAN.
    pub history: Arc<History>,
    /// Curves of the critic.
    pub critic: Arc<History>,
    /// The run's recipe, if it can be read.
    pub recipe: Option<Arc<Recipe>>,
    /// The run's data source.
    pub source: String,
}

/// The state that a page draws from in one frame, and the actions it requests.
pub(crate) struct Frame<'a> {
    /// The engine's shared state; hold its locks only for copies.
    pub engine: &'a EngineState,
    /// The run's status, copied once per frame.
    pub status: &'a TrainingStatus,
    /// The recipe as edited; the engine applies it at its next step. With no run open, the recipe of the next run.
    pub recipe: &'a Recipe,
    /// The recipe that a reset of a knob returns to, and against which changes are marked.
    pub initial: &'a Recipe,
    /// A run is open, so knobs that are not live are locked.
    pub locked: bool,
    /// Earlier runs to draw under the curves.
    pub overlays: &'a [RunOverlay],
    /// Runs whose curves are being read for that.
    pub loading: &'a [PathBuf],
    /// The settings.
    pub settings: &'a Settings,
    /// Default locations of files.
    pub paths: &'a Paths,
    /// The folder for new runs.
    pub runs: &'a Path,
    /// Time since a run was requested, until the engine has answered.
    pub starting: Option<Duration>,
    /// Decides which commands are available: `command.enabled(frame.context)`.
    pub context: &'a CommandContext,
    /// Actions that the page requests.
    pub actions: &'a mut Vec<Action>,
}

impl Frame<'_> {
    /// Requests a command.
    pub(crate) fn command(&mut self, command: UiCommand) {
        self.actions.push(Action::Command(command));
    }

    /// Changes the view settings of curves and grids.
    pub(crate) fn view(&mut self, change: impl FnOnce(&mut ViewSettings)) {
        let mut view = self.settings.view.clone();
        change(&mut view);
        if view != self.settings.view {
            self.actions.push(Action::View(Box::new(view)));
        }
    }
}
