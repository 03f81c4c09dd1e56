//! The requests that pages, shortcuts, the palette and tests make of the window.

use std::{path::PathBuf, sync::Arc};

use super::{PageId, PathRequest, ReviewSettings, ThemeChoice, UiCommand, ViewSettings};
use crate::{
    data::{DataSource, Opened},
    device::DeviceChoice,
    engine::{
        EngineCommand,
        inspection::{QueryEntry, QueryId, QuerySource},
    },
    inspect::evaluation::PartTruth,
    review::export::ExportFormat,
    train::Recipe,
};

/// A control that can be asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlId {
    /// A knob of the recipe, by its key.
    Recipe(&'static str),
    /// A knob of inspections, by its key.
    Inspection(&'static str),
    /// A row of the Settings page, by its name.
    Setting(&'static str),
}

/// A request to the window; `App::apply` carries it out.
#[derive(Clone, Debug)]
pub enum Action {
    /// Runs a command.
    Command(UiCommand),
    /// Shows a page.
    Show(PageId),
    /// Shows a knob or a setting where it is changed.
    Reveal(ControlId),
    /// Sends a command to the engine.
    Engine(EngineCommand),
    /// Changes the window itself.
    Window(WindowAction),
    /// Controls the current run.
    Run(RunAction),
    /// Sets one knob of the current recipe; can be undone. Changes of one knob in quick succession, such as those of a
    /// drag, count as one.
    Knob {
        /// Dotted path in the recipe: `train.k_g`.
        key: &'static str,
        /// The new value, within the knob's domain.
        value: toml::Value,
    },
    /// Replaces the current recipe (its live knobs while a run is open); can be undone.
    Recipe(Box<Recipe>),
    /// Asks for a file or folder, then performs the request.
    Ask(PathRequest),
    /// Loads a recipe file.
    LoadRecipe(PathBuf),
    /// Writes the current recipe to a file.
    SaveRecipe(PathBuf),
    /// Writes the displayed sample grid to a PNG file.
    SaveGrid(PathBuf),
    /// Replaces the view settings of curves and grids.
    View(Box<ViewSettings>),
    /// Switches curves between a linear and a logarithmic axis.
    ToggleLogY,
    /// Opens the import page on a folder or a CSV file.
    Import(PathBuf),
    /// Starts a run.
    Start {
        /// The training data.
        source: DataSource,
        /// The same data if already read.
        opened: Option<Arc<Opened>>,
        /// The recipe.
        recipe: Box<Recipe>,
        /// The run's folder; `None` picks a free name.
        out: Option<PathBuf>,
    },
    /// Resumes a run from its last checkpoint.
    Resume {
        /// The run's folder.
        run: PathBuf,
        /// Open it paused.
        paused: bool,
    },
    /// Adds an earlier run's curves to those of the current run (true) or removes them.
    Overlay(PathBuf, bool),
    /// Renames a run.
    Rename(PathBuf, String),
    /// Asks for confirmation to replace a file by an action that writes it.
    AskReplace(PathBuf, Box<Self>),
    /// Asks for confirmation to delete a run.
    AskTrash(PathBuf),
    /// Moves a run to the trash folder; the notice offers to restore it.
    Trash(PathBuf),
    /// Restores a run from the trash folder.
    Restore(PathBuf),
    /// Sets the folder for new runs.
    RunsFolder(PathBuf),
    /// Sets the device, with immediate effect.
    Device(DeviceChoice),
    /// Sets theme and scale.
    Look(ThemeChoice, f32),
    /// Adds images, or all images of a folder, to the list of the Inspect page and shows it.
    Inspect(Vec<QuerySource>),
    /// Inspects two example images with the built-in model.
    InspectExamples,
    /// Removes images from that list; a notice offers to restore them.
    Remove(Vec<Arc<QueryEntry>>),
    /// Activates a `.ganspect` file and shows the Inspect page.
    OpenModel(PathBuf),
    /// Exports inspected images to a folder.
    ExportInspection {
        /// The images; empty for the selected one.
        ids: Vec<QueryId>,
        /// The folder.
        dir: PathBuf,
    },
    /// Promises this false-alarm rate for the active model, with immediate effect; a notice offers the rate before.
    Promise(f64),
    /// Tests the active model on this data and shows the Evaluate page; `None` takes the model's own test set.
    Evaluate(Option<DataSource>),
    /// Writes a report of the current test to a folder.
    EvaluateReport(PathBuf),
    /// Shows one image in the Inspect page.
    Examine {
        /// Name on screen.
        name: String,
        /// The image.
        source: QuerySource,
        /// What is known of it, if it is part of a test set.
        truth: Option<Arc<PartTruth>>,
    },
    /// Replaces the review settings.
    Review(Box<ReviewSettings>),
    /// Controls the watched folder.
    Intake(IntakeAction),
    /// Controls fine-tuning on verdicts.
    Finetune(FinetuneAction),
    /// Sets the watched folder.
    PartsFolder(PathBuf),
    /// Opens another record in the Review page.
    OpenRecord(PathBuf),
    /// Exports the parts of the review queue to a folder.
    ExportReview(ExportFormat, PathBuf),
    /// Presents these inspected images in full screen.
    Present(Vec<QueryId>),
    /// Ends the presentation.
    EndPresentation,
    /// Cancels the running job of a page.
    CancelJob(PageId),
    /// Stops reading the curves of earlier runs.
    CancelOverlays,
    /// Copies text to the clipboard.
    Copy(String),
}

impl Action {
    /// A request to the engine.
    pub fn engine(request: impl Into<EngineCommand>) -> Self {
        Self::Engine(request.into())
    }
}

/// A change to the window itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowAction {
    /// Opens or closes the command palette.
    Palette,
    /// Moves the keyboard to the next region of the window (true) or the previous one.
    Region(bool),
    /// Opens or closes the list of notices.
    Notices,
    /// Switches between dark and light.
    Theme,
    /// Enlarges everything by one step.
    ScaleUp,
    /// Shrinks everything by one step.
    ScaleDown,
    /// Restores the default scale.
    ScaleReset,
    /// Enters or leaves full screen.
    FullScreen,
    /// Closes the window.
    Quit,
}

/// A change to the current run or its recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunAction {
    /// Writes a checkpoint, closes the run and shows the start page.
    Close,
    /// Resumes the most recent run.
    ContinueLast,
    /// Starts a new run from step 0 with new weights.
    Restart,
    /// Adds steps to a run that has done all of its steps, and trains on.
    TrainFurther,
    /// Undoes the last change to the recipe.
    UndoRecipe,
    /// Redoes the change last undone.
    RedoRecipe,
}

/// A change to the watched folder's intake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntakeAction {
    /// Inspects the parts in the folder and those that arrive.
    Watch,
    /// Inspects the parts in the folder once.
    Once,
    /// Stops the intake.
    Stop,
}

/// A step of fine-tuning on verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinetuneAction {
    /// Fine-tunes a copy of the active model.
    Begin,
    /// Activates the fine-tuned model.
    Adopt,
    /// Leaves the old model active.
    Keep,
    /// Activates the model that the active one was fine-tuned from.
    Revert,
}
