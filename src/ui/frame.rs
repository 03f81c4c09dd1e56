//! What a view sees and what it may ask for.

use std::{path::PathBuf, sync::Arc};

use super::{
    CommandContext, ReviewSettings, ThemeChoice, UiCommand, ViewSettings, Want, recipe_history::RecipeHistory,
};
use crate::{
    data::{DataSource, Opened},
    device::DeviceChoice,
    engine,
    engine::{
        EngineState,
        inspection::{QueryEntry, QueryId, QuerySource},
        training::TrainingStatus,
    },
    review::export::Format,
    train::{Recipe, history::History},
};

/// What a view, a shortcut or the palette asks for; `App::apply` carries it out.
#[derive(Clone, Debug)]
pub enum Action {
    /// An entry of the command table.
    Command(UiCommand),
    /// A word to the compute thread.
    Engine(engine::Command),
    /// Turns one knob of the recipe in force; can be undone. Turns of one knob in quick succession,
    /// as a drag makes them, count as one.
    Knob {
        /// Dotted path in the recipe: `train.k_g`.
        key: &'static str,
        /// The wanted value, in the knob's domain.
        value: toml::Value,
    },
    /// Replaces the recipe in force (its live knobs while a run is open); can be undone.
    Recipe(Box<Recipe>),
    /// Asks for a file or a folder, and then does what it was asked for.
    Ask(Want),
    /// Reads a recipe file and puts it in force.
    LoadRecipe(PathBuf),
    /// Writes the recipe in force to a file.
    SaveRecipe(PathBuf),
    /// Writes the sample grid on show as a PNG.
    SaveGrid(PathBuf),
    /// Replaces how the curves and grids are shown.
    View(Box<ViewSettings>),
    /// Opens the import page on a folder or a CSV file.
    Import(PathBuf),
    /// Begins a run.
    Start {
        /// What to learn from.
        source: DataSource,
        /// The same, if it has been read already.
        opened: Option<Arc<Opened>>,
        /// Every knob.
        recipe: Box<Recipe>,
        /// The run's folder; `None` lets the program name one.
        out: Option<PathBuf>,
    },
    /// Takes up a run again from its last checkpoint.
    Resume {
        /// The run's folder.
        run: PathBuf,
        /// Begin paused, for looking at it only.
        paused: bool,
    },
    /// Lays an earlier run's curves over the run in hand (true) or takes them away.
    Overlay(PathBuf, bool),
    /// Gives a run another name.
    Rename(PathBuf, String),
    /// Asks whether to delete a run.
    AskTrash(PathBuf),
    /// Moves a run to the trash folder; the notice offers to bring it back.
    Trash(PathBuf),
    /// Brings a run back from the trash folder.
    Restore(PathBuf),
    /// Chooses the folder that new runs go to.
    RunsFolder(PathBuf),
    /// Chooses the device; takes effect at once.
    Device(DeviceChoice),
    /// Changes the look of the window.
    Look(ThemeChoice, f32),
    /// Adds images to the list of the Inspect workspace and shows it.
    Inspect(Vec<QuerySource>),
    /// Takes queries off that list; a notice offers to put them back.
    TakeOff(Vec<Arc<QueryEntry>>),
    /// Adds every image of a folder to that list and shows it.
    InspectFolder(PathBuf),
    /// Puts a `.ganspect` file in force and shows the Inspect workspace.
    OpenModel(PathBuf),
    /// Writes pictures and figures of inspected images to a folder.
    ExportInspection {
        /// The images; none stands for the one on show.
        ids: Vec<QueryId>,
        /// The folder.
        dir: PathBuf,
    },
    /// Tests the model in force on this data and shows the Evaluate workspace; `None` takes the model's own.
    Evaluate(Option<DataSource>),
    /// Writes the test on show as a report to a folder.
    EvaluateReport(PathBuf),
    /// Shows one picture in the Inspect workspace.
    Examine {
        /// Name on screen.
        name: String,
        /// Where it comes from.
        source: QuerySource,
    },
    /// Changes who reviews, by which rule and in which record.
    Review(Box<ReviewSettings>),
    /// Chooses the folder that parts come to.
    PartsFolder(PathBuf),
    /// Shows another record in the Review workspace.
    OpenRecord(PathBuf),
    /// Writes the parts of the review queue to a folder.
    ExportReview(Format, PathBuf),
    /// Puts a text on the clipboard and says so.
    Copy(String),
}

/// An earlier run's curves, drawn faintly under the run in hand.
#[derive(Clone, Debug)]
pub struct RunOverlay {
    /// The run's folder.
    pub run: PathBuf,
    /// The run's name.
    pub name: String,
    /// Its curves.
    pub history: Arc<History>,
    /// Its critic's curves.
    pub critic: Arc<History>,
}

/// What a view is given each frame.
pub struct Frame<'a> {
    /// Everything that the compute thread shows; hold a lock for a copy only.
    pub live: &'a EngineState,
    /// The run's state, copied once this frame.
    pub status: &'a TrainingStatus,
    /// The recipe as the user has turned it; the compute thread follows from its next step on. With no
    /// run open, the recipe that the next run will start from.
    pub recipe: &'a Recipe,
    /// The recipe that knobs go back to on reset, and that their default dots show.
    pub initial: &'a Recipe,
    /// A run is open, so knobs that are not live are locked.
    pub locked: bool,
    /// Earlier runs to draw under the curves.
    pub overlays: &'a [RunOverlay],
    /// How curves and grids are shown.
    pub settings: &'a ViewSettings,
    /// What the command table may offer now: `command.enabled(&facts)`.
    pub facts: &'a CommandContext,
    /// What the view asks for.
    pub actions: &'a mut Vec<Action>,
}

impl<'a> Frame<'a> {
    /// What a page of the window sees.
    pub(super) fn new(
        live: &'a EngineState,
        status: &'a TrainingStatus,
        facts: &'a CommandContext,
        actions: &'a mut Vec<Action>,
        desk: &'a RecipeHistory,
        overlays: &'a [RunOverlay],
        settings: &'a ViewSettings,
    ) -> Self {
        let (recipe, initial, locked) = (desk.wanted(), desk.initial(), facts.run);
        Self { live, status, recipe, initial, locked, overlays, settings, facts, actions }
    }
}

impl Frame<'_> {
    /// Asks for an entry of the command table.
    pub fn command(&mut self, command: UiCommand) {
        self.actions.push(Action::Command(command));
    }

    /// Changes how curves and grids are shown.
    pub fn view(&mut self, change: impl FnOnce(&mut ViewSettings)) {
        let mut settings = self.settings.clone();
        change(&mut settings);
        if settings != *self.settings {
            self.actions.push(Action::View(Box::new(settings)));
        }
    }
}
