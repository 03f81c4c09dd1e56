//! One table of everything that can be asked for. Shortcuts, palette, buttons and help all read it.

use egui::{Context, Key, KeyboardShortcut, Modifiers};
use egui_material_icons::{MaterialIcon, icons};

/// The pages that the rail leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Page {
    /// Training: the start page, the import page, or the run in hand.
    #[default]
    Train,
    /// Inspection: z on its way, and what the generator could not draw.
    Inspect,
    /// Testing a model on images whose truth is known.
    Evaluate,
    /// People's verdicts on inspected parts.
    Review,
    /// Earlier runs on disk.
    Runs,
    /// What the program has written to its log.
    Log,
    /// Settings.
    Settings,
    /// Shortcuts, and what everything does.
    Help,
    /// Inspected parts before an audience: it fills the screen, and no rail leads there.
    Presentation,
}

impl Page {
    /// All pages of the rail, in its order: work above, the program's own affairs below.
    pub const ALL: [Self; 8] =
        [Self::Train, Self::Inspect, Self::Evaluate, Self::Review, Self::Runs, Self::Log, Self::Settings, Self::Help];

    /// The entry of the command table that leads there.
    pub fn command(self) -> UiCommand {
        match self {
            Self::Train => UiCommand::GoTrain,
            Self::Inspect => UiCommand::GoInspect,
            Self::Evaluate => UiCommand::GoEvaluate,
            Self::Review => UiCommand::GoReview,
            Self::Runs => UiCommand::GoRuns,
            Self::Log => UiCommand::GoLog,
            Self::Settings => UiCommand::GoSettings,
            Self::Help => UiCommand::GoHelp,
            Self::Presentation => UiCommand::Present,
        }
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Train => "Train",
            Self::Inspect => "Inspect",
            Self::Evaluate => "Evaluate",
            Self::Review => "Review",
            Self::Runs => "Runs",
            Self::Log => "Log",
            Self::Settings => "Settings",
            Self::Help => "Help",
            Self::Presentation => "Presentation",
        }
    }

    /// The rail's icon.
    pub fn icon(self) -> MaterialIcon {
        match self {
            Self::Train => icons::ICON_MODEL_TRAINING,
            Self::Inspect => icons::ICON_TROUBLESHOOT,
            Self::Evaluate => icons::ICON_BALANCE,
            Self::Review => icons::ICON_FACT_CHECK,
            Self::Runs => icons::ICON_HISTORY,
            Self::Log => icons::ICON_ARTICLE,
            Self::Settings => icons::ICON_SETTINGS,
            Self::Help => icons::ICON_HELP,
            Self::Presentation => icons::ICON_SLIDESHOW,
        }
    }

    /// Whether it stands in the rail's upper part, with the work.
    pub fn is_work(self) -> bool {
        matches!(self, Self::Train | Self::Inspect | Self::Evaluate | Self::Review | Self::Runs)
    }
}

/// What the table needs to know to tell which commands make sense now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The page on show.
    pub page: Page,
    /// A run is open: preparing, running, paused, finished or failed.
    pub run: bool,
    /// Steps are being done.
    pub running: bool,
    /// A run waits between two steps.
    pub paused: bool,
    /// The run's images are there to be forged.
    pub images: bool,
    /// A sample grid is there.
    pub grid: bool,
    /// A change of the recipe can be taken back.
    pub undo: bool,
    /// A change taken back can be made again.
    pub redo: bool,
    /// There is a run to go on with.
    pub last_run: bool,
    /// A model is in force for inspection.
    pub model: bool,
    /// What can be asked of the query on show.
    pub query: QueryFacts,
    /// What can be asked about the test.
    pub test: TestFacts,
    /// What can be asked about the part under review.
    pub review: ReviewFacts,
    /// What can be asked about parts that come to a folder.
    pub intake: IntakeFacts,
    /// What can be asked about learning from verdicts.
    pub learn: LearnFacts,
}

/// What the table needs to know of parts that come to a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntakeFacts {
    /// The folder was chosen.
    pub folder: bool,
    /// Parts are taken in, or will be.
    pub going: bool,
}

/// What the table needs to know of learning from verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LearnFacts {
    /// There is something to learn.
    pub ready: bool,
    /// The learning goes on.
    pub going: bool,
    /// A model has learned and nothing was decided about it.
    pub decide: bool,
    /// Who decides has a name.
    pub named: bool,
    /// The model in force was adopted in place of another one.
    pub back: bool,
}

/// What the table needs to know of the review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReviewFacts {
    /// A record is open.
    pub open: bool,
    /// A part is on show.
    pub part: bool,
    /// It can be judged: there is a part, and who judges has a name.
    pub ready: bool,
    /// What model and others say is hidden.
    pub blind: bool,
    /// A verdict can be taken back.
    pub undo: bool,
    /// Kinds of defect that can be named now.
    pub kinds: usize,
    /// An export goes on.
    pub exporting: bool,
}

/// What the table needs to know of the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestFacts {
    /// Images are being read or inspected, or a report is being written.
    pub going: bool,
    /// There was a test that can be gone on with or done again.
    pub again: bool,
    /// Images of it are on show.
    pub images: bool,
    /// It can be reported on.
    pub report: bool,
    /// The rate on show can be put in force.
    pub adopt: bool,
    /// It holds labelled defects of the model in force.
    pub weigh: bool,
    /// The fused score was weighed by labelled defects.
    pub labelled: bool,
}

/// What the table needs to know of the query on show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryFacts {
    /// There is one.
    pub any: bool,
    /// There are others to go to.
    pub others: bool,
    /// It waits for its turn or its z is on its way.
    pub going: bool,
    /// It ended, with a result.
    pub ended: bool,
    /// There are pictures of it.
    pub pictures: bool,
    /// There are reconstructions of several steps to go through.
    pub film: bool,
    /// A change of the regions can be taken back.
    pub undo: bool,
}

/// Everything that can be asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UiCommand {
    /// Opens or closes the command palette.
    Palette,
    /// Shows the Train workspace.
    GoTrain,
    /// Shows the Inspect workspace.
    GoInspect,
    /// Shows the Evaluate workspace.
    GoEvaluate,
    /// Shows the Review workspace.
    GoReview,
    /// Shows the run list.
    GoRuns,
    /// Shows the log.
    GoLog,
    /// Shows the settings.
    GoSettings,
    /// Shows the help page.
    GoHelp,
    /// Closes the run in hand, if any, and shows the start page.
    NewRun,
    /// Asks for a folder of healthy images.
    OpenFolder,
    /// Takes up the last run again.
    ContinueLast,
    /// Goes on or waits.
    PlayPause,
    /// One whole step, then wait.
    StepBoth,
    /// One update of the generator, then wait.
    StepG,
    /// One update of the discriminator, then wait.
    StepD,
    /// Writes a checkpoint now.
    Checkpoint,
    /// Makes the model file from the weights as they are.
    MakeModel,
    /// Writes a checkpoint and closes the run.
    Stop,
    /// Begins again at step 0 with fresh weights, beside the run in hand.
    Reset,
    /// Takes back the last change of the recipe.
    Undo,
    /// Makes it again.
    Redo,
    /// Writes the recipe to a file.
    SaveRecipe,
    /// Reads a recipe from a file.
    LoadRecipe,
    /// Writes the sample grid as a PNG.
    SaveGrid,
    /// Samples from the averaged weights or the live ones.
    PreviewEma,
    /// The sample grid before the one on show.
    GridBack,
    /// The sample grid after the one on show.
    GridForward,
    /// Plays the kept grids from the first to the newest.
    GridPlay,
    /// Fits the curves' view to the data.
    FitCurves,
    /// Switches the curves between linear and logarithmic.
    LogY,
    /// Shows what the critic is shown in place of the samples, or the samples again.
    Forged,
    /// Forges other crops.
    ForgeOthers,
    /// Asks for images to inspect.
    InspectOpen,
    /// Asks for a model file.
    InspectModel,
    /// Goes on with the query on show, or waits.
    InspectPlayPause,
    /// Ends the query on show with what has been reached.
    InspectStop,
    /// More steps for the query on show.
    InspectMore,
    /// The query on show again, from another seed.
    InspectAgain,
    /// The query before the one on show.
    InspectBack,
    /// The query after the one on show.
    InspectForward,
    /// The reconstruction before the one on show.
    FrameBack,
    /// The reconstruction after the one on show.
    FrameForward,
    /// Plays the convergence.
    FramePlay,
    /// One screen pixel to a picture's pixel.
    ActualPixels,
    /// The whole picture.
    FitPicture,
    /// Query and reconstruction by turns.
    Blink,
    /// The reconstruction drawn over the query like a curtain.
    Swipe,
    /// The map over the query.
    MapOverlay,
    /// Writes pictures and figures of the query on show.
    InspectExport,
    /// Shows the query on show to an audience.
    InspectPresent,
    /// Writes the model in force to a file.
    SaveModel,
    /// Takes the query on show off the list.
    InspectRemove,
    /// Takes back the last change of the regions.
    RegionUndo,
    /// Asks for a folder of test images.
    EvaluateOpen,
    /// Goes on with the test, or tests again.
    EvaluateAgain,
    /// Ends the test; what was inspected is kept.
    EvaluateStop,
    /// The tested image before the chosen one.
    EvaluateBack,
    /// The tested image after the chosen one.
    EvaluateForward,
    /// Shows the chosen image in the Inspect workspace.
    EvaluateInspect,
    /// Puts the rate on show in force in the model.
    EvaluateAdopt,
    /// Weighs the fused score by the defects of the test.
    EvaluateWeigh,
    /// Weighs it without any label again.
    EvaluateUnweigh,
    /// Writes the test as a report.
    EvaluateReport,
    /// Asks for a record of a review station.
    ReviewOpen,
    /// The model is right about the part on show.
    ReviewAgree,
    /// The part on show is healthy.
    ReviewHealthy,
    /// The part on show is defective.
    ReviewDefective,
    /// The part on show cannot be told.
    ReviewUnsure,
    /// Puts the part on show off, or goes on from one that is done.
    ReviewSkip,
    /// Takes back the last verdict.
    ReviewUndo,
    /// A note to the part on show.
    ReviewNote,
    /// Draws round the defect.
    ReviewDraw,
    /// The part before the one on show.
    ReviewBack,
    /// The part after the one on show.
    ReviewForward,
    /// The first kind of defect.
    ReviewKind1,
    /// The second kind of defect.
    ReviewKind2,
    /// The third kind of defect.
    ReviewKind3,
    /// The fourth kind of defect.
    ReviewKind4,
    /// The fifth kind of defect.
    ReviewKind5,
    /// The sixth kind of defect.
    ReviewKind6,
    /// The seventh kind of defect.
    ReviewKind7,
    /// The eighth kind of defect.
    ReviewKind8,
    /// The ninth kind of defect.
    ReviewKind9,
    /// Looks for a part by its name.
    ReviewSearch,
    /// Shows the part on show in the Inspect workspace.
    ReviewInspect,
    /// Fills the place with the picture, or shows reconstruction and map beside it.
    ReviewAlone,
    /// Writes the parts of the queue as a table.
    ReviewExport,
    /// Writes the shift on paper.
    ReviewReport,
    /// Asks for the folder that parts come to.
    IntakeFolder,
    /// Watches it.
    IntakeWatch,
    /// Takes in once what lies there.
    IntakeOnce,
    /// Takes in no more parts.
    IntakeStop,
    /// Teaches a copy of the model in force by people's verdicts.
    LearnBegin,
    /// Ends that without a model.
    LearnCancel,
    /// Puts the model that has learned in force.
    LearnAdopt,
    /// Leaves the old model in force.
    LearnKeep,
    /// Puts the model before in force again.
    LearnBack,
    /// Shows every finished query on the list to an audience.
    Present,
    /// Goes on with the presentation, or waits.
    PresentPlayPause,
    /// The part before the one that is presented.
    PresentBack,
    /// The part after the one that is presented.
    PresentForward,
    /// Ends the presentation.
    PresentLeave,
    /// Switches between dark and light.
    Theme,
    /// Everything larger.
    ScaleUp,
    /// Everything smaller.
    ScaleDown,
    /// Everything at its usual size.
    ScaleReset,
    /// Fills the screen with the window, or not.
    FullScreen,
    /// Opens or closes the list of notices.
    Notices,
    /// Closes the window.
    Quit,
}

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

const SHIFT_F5: KeyboardShortcut = KeyboardShortcut::new(Modifiers::SHIFT, Key::F5);

const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL, key)
}

const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL_SHIFT, key)
}

/// One row of the table.
struct Entry {
    /// Name on screen; ends in an ellipsis where more input follows.
    title: &'static str,
    /// What it does, in one sentence, for help and tooltips.
    help: &'static str,
    /// Other words that people look for it by.
    keywords: &'static str,
    shortcuts: &'static [KeyboardShortcut],
}

macro_rules! entry {
    ($title:literal, $help:literal, $keywords:literal $(, $shortcut:expr)*) => {
        Entry { title: $title, help: $help, keywords: $keywords, shortcuts: const { &[$($shortcut),*] } }
    };
}

/// A heading of the help page and the commands under it.
pub type Section = (&'static str, &'static [UiCommand]);

/// Every command, under the headings of the help page.
pub const SECTIONS: &[Section] = &[
    (
        "Training",
        &[
            UiCommand::NewRun,
            UiCommand::OpenFolder,
            UiCommand::ContinueLast,
            UiCommand::PlayPause,
            UiCommand::StepBoth,
            UiCommand::StepG,
            UiCommand::StepD,
            UiCommand::Checkpoint,
            UiCommand::MakeModel,
            UiCommand::Stop,
            UiCommand::Reset,
        ],
    ),
    ("Recipe", &[UiCommand::Undo, UiCommand::Redo, UiCommand::SaveRecipe, UiCommand::LoadRecipe]),
    (
        "Curves and samples",
        &[
            UiCommand::GridBack,
            UiCommand::GridForward,
            UiCommand::GridPlay,
            UiCommand::PreviewEma,
            UiCommand::SaveGrid,
            UiCommand::FitCurves,
            UiCommand::LogY,
            UiCommand::Forged,
            UiCommand::ForgeOthers,
        ],
    ),
    (
        "Inspection",
        &[
            UiCommand::InspectOpen,
            UiCommand::InspectModel,
            UiCommand::InspectPlayPause,
            UiCommand::InspectStop,
            UiCommand::InspectMore,
            UiCommand::InspectAgain,
            UiCommand::InspectBack,
            UiCommand::InspectForward,
            UiCommand::FrameBack,
            UiCommand::FrameForward,
            UiCommand::FramePlay,
            UiCommand::ActualPixels,
            UiCommand::FitPicture,
            UiCommand::Blink,
            UiCommand::Swipe,
            UiCommand::MapOverlay,
            UiCommand::InspectExport,
            UiCommand::InspectPresent,
            UiCommand::SaveModel,
            UiCommand::InspectRemove,
            UiCommand::RegionUndo,
        ],
    ),
    (
        "Evaluation",
        &[
            UiCommand::EvaluateOpen,
            UiCommand::EvaluateAgain,
            UiCommand::EvaluateStop,
            UiCommand::EvaluateBack,
            UiCommand::EvaluateForward,
            UiCommand::EvaluateInspect,
            UiCommand::EvaluateAdopt,
            UiCommand::EvaluateWeigh,
            UiCommand::EvaluateUnweigh,
            UiCommand::EvaluateReport,
        ],
    ),
    (
        "Review",
        &[
            UiCommand::ReviewOpen,
            UiCommand::ReviewAgree,
            UiCommand::ReviewHealthy,
            UiCommand::ReviewDefective,
            UiCommand::ReviewUnsure,
            UiCommand::ReviewSkip,
            UiCommand::ReviewUndo,
            UiCommand::ReviewNote,
            UiCommand::ReviewDraw,
            UiCommand::ReviewBack,
            UiCommand::ReviewForward,
            UiCommand::ReviewKind1,
            UiCommand::ReviewKind2,
            UiCommand::ReviewKind3,
            UiCommand::ReviewKind4,
            UiCommand::ReviewKind5,
            UiCommand::ReviewKind6,
            UiCommand::ReviewKind7,
            UiCommand::ReviewKind8,
            UiCommand::ReviewKind9,
            UiCommand::ReviewSearch,
            UiCommand::ReviewInspect,
            UiCommand::ReviewAlone,
            UiCommand::ReviewExport,
            UiCommand::ReviewReport,
        ],
    ),
    (
        "Parts and learning",
        &[
            UiCommand::IntakeFolder,
            UiCommand::IntakeWatch,
            UiCommand::IntakeOnce,
            UiCommand::IntakeStop,
            UiCommand::LearnBegin,
            UiCommand::LearnCancel,
            UiCommand::LearnAdopt,
            UiCommand::LearnKeep,
            UiCommand::LearnBack,
        ],
    ),
    (
        "Presentation",
        &[
            UiCommand::Present,
            UiCommand::PresentPlayPause,
            UiCommand::PresentBack,
            UiCommand::PresentForward,
            UiCommand::PresentLeave,
        ],
    ),
    (
        "Window",
        &[
            UiCommand::Palette,
            UiCommand::GoTrain,
            UiCommand::GoInspect,
            UiCommand::GoEvaluate,
            UiCommand::GoReview,
            UiCommand::GoRuns,
            UiCommand::GoLog,
            UiCommand::GoSettings,
            UiCommand::GoHelp,
            UiCommand::Notices,
            UiCommand::Theme,
            UiCommand::ScaleUp,
            UiCommand::ScaleDown,
            UiCommand::ScaleReset,
            UiCommand::FullScreen,
            UiCommand::Quit,
        ],
    ),
];

impl UiCommand {
    /// Every command, in the order of [`SECTIONS`].
    pub fn all() -> impl Iterator<Item = Self> {
        SECTIONS.iter().flat_map(|(_, commands)| commands.iter().copied())
    }

    fn entry(self) -> Entry {
        use Key as K;
        match self {
            Self::Palette => entry!(
                "Command palette",
                "Finds any command by its name.",
                "search find run",
                ctrl(K::K),
                ctrl_shift(K::P)
            ),
            Self::GoTrain => {
                entry!("Show Train", "Curves, samples and knobs of the run in hand.", "go page", ctrl(K::Num1))
            }
            Self::GoInspect => entry!(
                "Show Inspect",
                "Query, reconstruction and difference side by side, and the verdict.",
                "go page inversion anomaly",
                ctrl(K::Num2)
            ),
            Self::GoEvaluate => entry!(
                "Show Evaluate",
                "What a model catches and misses on images whose truth is known.",
                "go page test roc threshold auroc confusion",
                ctrl(K::Num3)
            ),
            Self::GoReview => entry!(
                "Show Review",
                "Flagged parts one by one, and people's verdicts on them.",
                "go page queue record verdict judge",
                ctrl(K::Num4)
            ),
            Self::GoRuns => entry!(
                "Show runs",
                "Earlier runs on disk: open, overlay, compare, rename, delete.",
                "go page history list",
                ctrl(K::Num5)
            ),
            Self::GoLog => {
                entry!("Show log", "What the program has written to its log.", "go page messages trace", ctrl(K::Num6))
            }
            Self::GoSettings => entry!(
                "Show settings",
                "Theme, scale, device and folders.",
                "go page preferences options",
                ctrl(K::Num7),
                ctrl(K::Comma)
            ),
            Self::GoHelp => entry!(
                "Show help",
                "Every command with its shortcut.",
                "go page keys shortcuts manual",
                key(K::F1),
                ctrl(K::Num8)
            ),
            Self::NewRun => entry!(
                "New run",
                "Closes the run in hand, checkpoint written, and shows the start page.",
                "start first surface built-in try",
                ctrl(K::N)
            ),
            Self::OpenFolder => entry!(
                "Open a folder of healthy images…",
                "Chooses images to learn from; shows what was understood before anything trains.",
                "import data load csv",
                ctrl(K::O)
            ),
            Self::ContinueLast => entry!(
                "Continue last run",
                "Takes up the run that was open last from its checkpoint.",
                "resume again",
                ctrl_shift(K::O)
            ),
            Self::PlayPause => entry!(
                "Play or pause",
                "Goes on training, or waits after the step in hand.",
                "start stop resume halt",
                key(K::Space)
            ),
            Self::StepBoth => entry!("One step of both", "One step by the schedule, then wait.", "single", key(K::B)),
            Self::StepG => {
                entry!("One step of G", "One update of the generator alone, then wait.", "single generator", key(K::G))
            }
            Self::StepD => entry!(
                "One step of D",
                "One update of the discriminator alone, then wait.",
                "single discriminator",
                key(K::D)
            ),
            Self::Checkpoint => {
                entry!("Write a checkpoint", "Writes all weights and the step now.", "save store", ctrl(K::S))
            }
            Self::MakeModel => entry!(
                "Make the model file",
                "Trains encoder and critic, calibrates on held-out images and writes the model, from the weights as they are.",
                "encoder critic calibrate finish ganspect",
                ctrl_shift(K::M)
            ),
            Self::Stop => entry!(
                "Close the run",
                "Writes a checkpoint and closes the run; it can be continued later.",
                "stop end finish",
                ctrl(K::W)
            ),
            Self::Reset => entry!(
                "Begin again",
                "Begins at step 0 with fresh weights, in a folder beside this run, which is kept.",
                "reset restart again",
                ctrl_shift(K::R)
            ),
            Self::Undo => {
                entry!("Undo knob change", "Takes back the last change of the recipe.", "revert back", ctrl(K::Z))
            }
            Self::Redo => entry!(
                "Redo knob change",
                "Makes the change again that was taken back.",
                "repeat",
                ctrl_shift(K::Z),
                ctrl(K::Y)
            ),
            Self::SaveRecipe => {
                entry!("Save recipe…", "Writes every knob to a recipe file.", "export knobs toml", ctrl_shift(K::S))
            }
            Self::LoadRecipe => entry!(
                "Load recipe…",
                "Reads every knob from a recipe file.",
                "open import knobs toml",
                ctrl_shift(K::L)
            ),
            Self::SaveGrid => entry!(
                "Save sample grid as PNG…",
                "Writes the samples on show as one picture.",
                "export image",
                ctrl(K::E)
            ),
            Self::PreviewEma => entry!(
                "Averaged or live weights",
                "Draws the samples from G's averaged weights (EMA) or from the live ones.",
                "ema average preview",
                key(K::E)
            ),
            Self::GridBack => entry!(
                "Earlier samples",
                "The sample grid before the one on show.",
                "previous scrub",
                key(K::ArrowLeft)
            ),
            Self::GridForward => {
                entry!("Later samples", "The sample grid after the one on show.", "next scrub", key(K::ArrowRight))
            }
            Self::GridPlay => entry!(
                "Play samples",
                "Plays the kept sample grids from the first to the newest.",
                "animate film scrub",
                key(K::P)
            ),
            Self::FitCurves => entry!("Fit curves", "Shows the whole of every curve.", "zoom reset view", key(K::F)),
            Self::LogY => entry!(
                "Logarithmic curves",
                "Switches losses and gradients between linear and logarithmic.",
                "log axis scale",
                key(K::L)
            ),
            Self::Forged => entry!(
                "Samples or what the critic is shown",
                "Shows forged crops, what was damaged and the critic's answer in place of the samples, or the samples.",
                "forge damage mask tab",
                key(K::C)
            ),
            Self::ForgeOthers => entry!(
                "Draw other forged crops",
                "Other healthy crops with other damage, by the knobs in force.",
                "forge critic damage random again",
                key(K::N)
            ),
            Self::InspectOpen => entry!(
                "Open images to inspect…",
                "Chooses one or many images; they can also be dropped on the window or pasted.",
                "query add file load",
                ctrl(K::O)
            ),
            Self::InspectModel => entry!(
                "Open a model…",
                "Chooses the .ganspect file that images are inspected with.",
                "load weights generator file",
                ctrl_shift(K::M)
            ),
            Self::InspectPlayPause => entry!(
                "Pause or go on with this image",
                "Waits after the step in hand, or goes on.",
                "play resume halt inversion",
                key(K::Space)
            ),
            Self::InspectStop => entry!(
                "Stop this image",
                "Ends the inspection of this image with what has been reached so far.",
                "cancel end inversion",
                key(K::S)
            ),
            Self::InspectMore => entry!(
                "More steps",
                "Goes on from where it ended, for as many steps again.",
                "continue longer inversion",
                key(K::M)
            ),
            Self::InspectAgain => entry!(
                "Again from another seed",
                "Begins again with the knobs in force, from other random starts.",
                "restart retry inversion",
                key(K::R)
            ),
            Self::InspectBack => {
                entry!("Previous image", "The image above this one on the list.", "up list", key(K::ArrowUp))
            }
            Self::InspectForward => {
                entry!("Next image", "The image below this one on the list.", "down list", key(K::ArrowDown))
            }
            Self::FrameBack => entry!(
                "Earlier reconstruction",
                "One kept reconstruction back on the way of z.",
                "previous frame scrub",
                key(K::ArrowLeft)
            ),
            Self::FrameForward => entry!(
                "Later reconstruction",
                "One kept reconstruction further on the way of z.",
                "next frame scrub",
                key(K::ArrowRight)
            ),
            Self::FramePlay => entry!(
                "Play the convergence",
                "Plays the kept reconstructions from the first to the last.",
                "animate film replay scrub",
                key(K::P)
            ),
            Self::ActualPixels => {
                entry!("One to one", "One screen pixel to a picture's pixel.", "1:1 zoom actual size", key(K::Num1))
            }
            Self::FitPicture => {
                entry!("Fit the picture", "Shows the whole picture.", "zoom reset view", key(K::F))
            }
            Self::Blink => {
                entry!("Blink", "Shows query and reconstruction by turns in one place.", "flicker compare", key(K::B))
            }
            Self::Swipe => entry!(
                "Swipe",
                "Draws the reconstruction over the query like a curtain that can be dragged.",
                "curtain compare wipe",
                key(K::W)
            ),
            Self::MapOverlay => entry!(
                "Map over the query",
                "Lays the map over the query with the opacity in force.",
                "heatmap overlay blend",
                key(K::O)
            ),
            Self::InspectExport => entry!(
                "Export…",
                "Writes pictures, film and figures of this image to a folder.",
                "save report png gif csv json tiff",
                ctrl(K::E)
            ),
            Self::InspectPresent => entry!(
                "Present this image",
                "Shows this image alone to an audience: full screen, its convergence replayed, and the verdict.",
                "presentation slide show stakeholders full screen demo",
                SHIFT_F5
            ),
            Self::SaveModel => entry!(
                "Save the model…",
                "Writes the model in force, with its calibration and regions, to a .ganspect file.",
                "export weights",
                ctrl(K::S)
            ),
            Self::InspectRemove => entry!(
                "Take off the list",
                "Forgets this image; its file is left alone.",
                "remove delete close",
                key(K::Delete)
            ),
            Self::RegionUndo => {
                entry!("Undo region", "Takes back the last change of the regions.", "mask revert back", ctrl(K::Z))
            }
            Self::EvaluateOpen => entry!(
                "Open test images…",
                "Chooses a folder of healthy and defective images and tests the model in force on them.",
                "evaluate folder data mvtec masks",
                ctrl(K::O)
            ),
            Self::EvaluateAgain => entry!(
                "Test again or go on",
                "Tests the model in force on the same images; those that are known are not inspected again.",
                "evaluate resume repeat continue",
                key(K::R)
            ),
            Self::EvaluateStop => entry!(
                "Cancel the test",
                "Ends the test or the report. Inspected images are kept, and the test can go on later.",
                "evaluate stop end",
                key(K::S)
            ),
            Self::EvaluateBack => {
                entry!("Previous tested image", "The image above the chosen one.", "up table", key(K::ArrowUp))
            }
            Self::EvaluateForward => {
                entry!("Next tested image", "The image below the chosen one.", "down table", key(K::ArrowDown))
            }
            Self::EvaluateInspect => entry!(
                "Show it in Inspect",
                "Inspects the chosen test image and shows where it is odd.",
                "evaluate open image",
                key(K::Enter)
            ),
            Self::EvaluateAdopt => entry!(
                "Put score and rate in force",
                "Verdicts go by the score on show and promise this rate from now on; both are kept in the model's file.",
                "evaluate threshold promise adopt save",
                ctrl(K::S)
            ),
            Self::EvaluateWeigh => entry!(
                "Weigh the fused score by these defects",
                "Each score counts by how far the defects of this test move it, in place of forged ones. What is promised \
                 stays a matter of held-out healthy images.",
                "evaluate labels fuse weights learn"
            ),
            Self::EvaluateUnweigh => entry!(
                "Weigh the fused score without labels",
                "Takes the weights by labelled defects back.",
                "evaluate labels fuse weights forget undo"
            ),
            Self::EvaluateReport => entry!(
                "Export the report…",
                "Writes one page with figures, curves and the worst images, and a row an image as CSV.",
                "evaluate html csv json save",
                ctrl(K::E)
            ),
            Self::ReviewOpen => entry!(
                "Open a record…",
                "Chooses the record of a review station, an SQLite file that 'ganspect watch' and this window write.",
                "review database load file sqlite",
                ctrl(K::O)
            ),
            Self::ReviewAgree => entry!(
                "Agree",
                "The model is right about this part; keeps that and shows the next one.",
                "review accept confirm verdict yes",
                key(K::A)
            ),
            Self::ReviewHealthy => entry!(
                "Healthy",
                "This part is healthy, whatever the model says; keeps that and shows the next one.",
                "review good pass verdict overrule",
                key(K::H)
            ),
            Self::ReviewDefective => entry!(
                "Defective",
                "This part is defective; keeps that with the kind used last and shows the next one.",
                "review bad fail reject verdict overrule",
                key(K::D)
            ),
            Self::ReviewUnsure => entry!(
                "Unsure",
                "This part cannot be told; keeps that and shows the next one.",
                "review unknown verdict doubt",
                key(K::U)
            ),
            Self::ReviewSkip => entry!(
                "Skip",
                "Puts this part off until the others are done; from one that is done it just goes on.",
                "review later next postpone",
                key(K::Space)
            ),
            Self::ReviewUndo => entry!(
                "Undo verdict",
                "Takes back the last verdict given since the program was started, and shows its part.",
                "review revert retract back",
                ctrl(K::Z)
            ),
            Self::ReviewNote => entry!(
                "Note",
                "A note to this part; Enter keeps it, Escape leaves it.",
                "review comment text remark",
                key(K::N)
            ),
            Self::ReviewDraw => entry!(
                "Draw a region",
                "Draws a rectangle round the defect; it is kept with the verdict.",
                "review region outline mark mask",
                key(K::R)
            ),
            Self::ReviewBack => {
                entry!("Previous part", "The part before this one in the queue.", "review left", key(K::ArrowLeft))
            }
            Self::ReviewForward => {
                entry!("Next part", "The part after this one in the queue.", "review right", key(K::ArrowRight))
            }
            Self::ReviewKind1 => entry!(
                "Kind 1",
                "Names the first kind for the last part that was called defective.",
                "review defect kind class",
                key(K::Num1)
            ),
            Self::ReviewKind2 => entry!(
                "Kind 2",
                "Names the second kind for the last part that was called defective.",
                "review defect kind class",
                key(K::Num2)
            ),
            Self::ReviewKind3 => entry!(
                "Kind 3",
                "Names the third kind for the last part that was called defective.",
                "review defect kind class",
                key(K::Num3)
            ),
            Self::ReviewKind4 => entry!(
                "Kind 4",
                "Names the fourth kind for the last part that was called defective.",
                "review defect kind class",
                key(K::Num4)
            ),
            Self::ReviewKind5 => entry!(
                "Kind 5",
                "Names the fifth kind for the last part that was called defective.",
                "review defect kind class",
                key(K::Num5)
            ),
            Self::ReviewKind6 => entry!(
                "Kind 6",
                "Names the sixth kind for the last part that was called defective.",
                "review defect kind class",
                key(K::Num6)
            ),
            Self::ReviewKind7 => entry!(
                "Kind 7",
                "Names the seventh kind for the last part that was called defective.",
                "review defect kind class",
                key(K::Num7)
            ),
            Self::ReviewKind8 => entry!(
                "Kind 8",
                "Names the eighth kind for the last part that was called defective.",
                "review defect kind class",
                key(K::Num8)
            ),
            Self::ReviewKind9 => entry!(
                "Kind 9",
                "Names the ninth kind for the last part that was called defective.",
                "review defect kind class",
                key(K::Num9)
            ),
            Self::ReviewSearch => entry!(
                "Find a part",
                "Looks for parts by letters of their names.",
                "review search jump filter go",
                ctrl(K::F)
            ),
            Self::ReviewInspect => entry!(
                "Show this part in Inspect",
                "Inspects this part with the model in force and shows how it came about.",
                "review open image",
                key(K::Enter)
            ),
            Self::ReviewAlone => entry!(
                "Picture alone or three panes",
                "Fills the place with the picture, or shows reconstruction and map beside it.",
                "review layout single large",
                key(K::V)
            ),
            Self::ReviewExport => entry!(
                "Export the queue…",
                "Writes the parts that pass the filter as a table (review.csv) to a folder.",
                "review csv save",
                ctrl(K::E)
            ),
            Self::ReviewReport => entry!(
                "Shift report…",
                "Writes the figures of the parts that pass the filter, and a page for each odd one, as PDF.",
                "review pdf paper print summary",
                ctrl_shift(K::E)
            ),
            Self::IntakeFolder => entry!(
                "Choose the folder of parts…",
                "Chooses the folder that pictures of parts come to, to be inspected and filed in the record.",
                "intake watch batch directory camera line"
            ),
            Self::IntakeWatch => entry!(
                "Watch the folder",
                "Inspects each part that lies in the folder or comes to it, once, until you stop it; also after the next start.",
                "intake batch camera line automatic"
            ),
            Self::IntakeOnce => entry!(
                "Take the folder in once",
                "Inspects with the model in force what lies in the folder, parts that another model has seen included.",
                "intake batch again all"
            ),
            Self::IntakeStop => entry!(
                "Stop taking parts in",
                "Takes in no more parts; what was inspected is on record, and what waits comes up the next time.",
                "intake watch batch end cancel"
            ),
            Self::LearnBegin => entry!(
                "Learn from verdicts",
                "Teaches a copy of the model in force by what people said, and compares both; nothing is put in force by it.",
                "fine-tune train feedback teach verdict healthy"
            ),
            Self::LearnCancel => {
                entry!("Stop learning", "Ends the learning; no model is left of it.", "fine-tune cancel end teach")
            }
            Self::LearnAdopt => entry!(
                "Adopt the new model",
                "Puts the model that has learned in force, and notes that in the record; the old one stays in its file.",
                "fine-tune accept use put in force"
            ),
            Self::LearnKeep => entry!(
                "Keep the old model",
                "Leaves the old model in force; the new one stays in its file.",
                "fine-tune refuse reject dismiss"
            ),
            Self::LearnBack => entry!(
                "Go back to the model before",
                "Puts the model that the one in force was made from in force again, and notes that in the record.",
                "fine-tune undo revert parent ancestor"
            ),
            Self::Present => entry!(
                "Present",
                "Shows every inspected image on the list to an audience: full screen, one after the other, figures last.",
                "presentation slide show stakeholders full screen demo all",
                key(K::F5)
            ),
            Self::PresentPlayPause => entry!(
                "Play or pause the presentation",
                "Goes on with the presentation, or waits; at its end it begins again.",
                "slide show resume halt",
                key(K::Space)
            ),
            Self::PresentBack => entry!(
                "Previous part",
                "The part before the one that is presented.",
                "slide show back",
                key(K::ArrowLeft)
            ),
            Self::PresentForward => entry!(
                "Next part",
                "The part after the one that is presented, and the figures after the last.",
                "slide show forward",
                key(K::ArrowRight)
            ),
            Self::PresentLeave => entry!(
                "End the presentation",
                "Goes back to where the presentation was begun.",
                "slide show leave close",
                key(K::Escape)
            ),
            Self::Theme => entry!(
                "Dark or light",
                "Switches between the dark and the light theme.",
                "theme colour mode",
                ctrl(K::T)
            ),
            Self::ScaleUp => entry!(
                "Larger",
                "Makes everything in the window larger.",
                "zoom scale size in",
                ctrl(K::Plus),
                ctrl(K::Equals)
            ),
            Self::ScaleDown => {
                entry!("Smaller", "Makes everything in the window smaller.", "zoom scale size out", ctrl(K::Minus))
            }
            Self::ScaleReset => entry!(
                "Usual size",
                "Shows everything in the window at its usual size.",
                "zoom scale reset",
                ctrl(K::Num0)
            ),
            Self::FullScreen => {
                entry!("Full screen", "Fills the screen with the window, or not.", "maximise", key(K::F11))
            }
            Self::Notices => entry!(
                "Notices",
                "What has happened since the program was started.",
                "messages errors warnings",
                ctrl_shift(K::N)
            ),
            Self::Quit => entry!("Quit", "Writes a checkpoint and closes the window.", "exit close", ctrl(K::Q)),
        }
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        self.entry().title
    }

    /// What it does, in one sentence.
    pub fn help(self) -> &'static str {
        self.entry().help
    }

    /// Other words that people look for it by.
    pub fn keywords(self) -> &'static str {
        self.entry().keywords
    }

    /// The keys that ask for it; the first is the one to show.
    pub fn shortcuts(self) -> &'static [KeyboardShortcut] {
        self.entry().shortcuts
    }

    /// Its keys in this system's words, the first shortcut only, or empty.
    pub fn keys(self, ctx: &Context) -> String {
        self.shortcuts().first().map(|s| ctx.format_shortcut(s)).unwrap_or_default()
    }

    /// Title and keys, for a button's tooltip.
    pub fn tooltip(self, ctx: &Context) -> String {
        match self.keys(ctx) {
            keys if keys.is_empty() => self.help().to_owned(),
            keys => format!("{} ({keys})", self.help()),
        }
    }

    /// The kind of defect that it names, counted from 0.
    pub fn kind(self) -> Option<usize> {
        let at = (self as usize).checked_sub(Self::ReviewKind1 as usize)?;
        (at < 9).then_some(at)
    }

    /// The pages that its keys belong to while one of them is on show; none for keys that count everywhere unless the
    /// page on show has another use for them.
    pub fn homes(self) -> &'static [Page] {
        let within = |first: Self, last: Self| (first as usize..=last as usize).contains(&(self as usize));
        match self {
            Self::FitPicture | Self::Blink | Self::Swipe | Self::MapOverlay => &[Page::Inspect, Page::Review],
            _ if within(Self::InspectOpen, Self::RegionUndo) => &[Page::Inspect],
            _ if within(Self::EvaluateOpen, Self::EvaluateReport) => &[Page::Evaluate],
            _ if within(Self::ReviewOpen, Self::ReviewReport) => &[Page::Review],
            _ if within(Self::PresentPlayPause, Self::PresentLeave) => &[Page::Presentation],
            _ => &[],
        }
    }

    /// Whether it makes sense now.
    pub fn enabled(self, facts: &Facts) -> bool {
        let train = facts.page == Page::Train;
        let inspect = facts.page == Page::Inspect;
        let reviewing = facts.page == Page::Review;
        let (query, review) = (facts.query, facts.review);
        // An audience sees the presentation and nothing else.
        let presenting = facts.page == Page::Presentation;
        let own = self.homes().contains(&Page::Presentation);
        if presenting || own {
            return presenting && (own || matches!(self, Self::FullScreen | Self::Quit));
        }
        match self {
            Self::InspectPlayPause | Self::InspectStop => inspect && query.going,
            Self::InspectMore => inspect && query.ended && facts.model,
            Self::InspectAgain => inspect && (query.ended || query.going) && facts.model,
            Self::InspectBack | Self::InspectForward => inspect && query.others,
            Self::FrameBack | Self::FrameForward | Self::FramePlay => inspect && query.film,
            Self::ActualPixels | Self::FitPicture | Self::Blink | Self::Swipe | Self::MapOverlay => {
                inspect && query.pictures || reviewing && review.part
            }
            Self::InspectExport | Self::InspectPresent => inspect && query.ended,
            Self::InspectRemove => inspect && query.any,
            Self::RegionUndo => inspect && query.undo,
            Self::EvaluateOpen => facts.model,
            Self::EvaluateAgain => facts.model && facts.test.again,
            Self::EvaluateStop => facts.test.going,
            Self::EvaluateBack | Self::EvaluateForward | Self::EvaluateInspect => {
                facts.page == Page::Evaluate && facts.test.images
            }
            Self::ReviewOpen => true,
            Self::ReviewAgree => reviewing && review.ready && !review.blind,
            Self::ReviewHealthy | Self::ReviewDefective | Self::ReviewUnsure | Self::ReviewNote | Self::ReviewDraw => {
                reviewing && review.ready
            }
            Self::ReviewSkip => reviewing && review.ready,
            Self::ReviewUndo => reviewing && review.undo,
            Self::ReviewBack | Self::ReviewForward | Self::ReviewAlone => reviewing && review.part,
            Self::ReviewInspect => reviewing && review.part && facts.model && !review.blind,
            Self::ReviewKind1
            | Self::ReviewKind2
            | Self::ReviewKind3
            | Self::ReviewKind4
            | Self::ReviewKind5
            | Self::ReviewKind6
            | Self::ReviewKind7
            | Self::ReviewKind8
            | Self::ReviewKind9 => reviewing && self.kind().is_some_and(|at| at < review.kinds),
            Self::ReviewSearch => reviewing && review.open,
            Self::ReviewExport | Self::ReviewReport => review.open && !review.exporting,
            Self::IntakeFolder => !facts.intake.going,
            Self::IntakeWatch | Self::IntakeOnce => facts.intake.folder && !facts.intake.going,
            Self::IntakeStop => facts.intake.going,
            Self::LearnBegin => facts.learn.ready && !facts.learn.going,
            Self::LearnCancel => facts.learn.going,
            Self::LearnAdopt => facts.learn.decide && facts.learn.named,
            Self::LearnKeep => facts.learn.decide,
            Self::LearnBack => facts.learn.back && facts.learn.named,
            Self::EvaluateAdopt => facts.test.adopt,
            Self::EvaluateWeigh => facts.test.weigh,
            Self::EvaluateUnweigh => facts.test.labelled,
            Self::EvaluateReport => facts.test.report,
            Self::SaveModel => facts.model,
            Self::PlayPause | Self::Checkpoint | Self::MakeModel | Self::Stop | Self::Reset | Self::PreviewEma => {
                facts.run
            }
            Self::StepBoth | Self::StepG | Self::StepD => facts.running || facts.paused,
            Self::Undo => facts.undo,
            Self::Redo => facts.redo,
            Self::SaveGrid => facts.grid,
            Self::GridBack | Self::GridForward | Self::GridPlay => facts.grid && train,
            Self::FitCurves | Self::LogY | Self::Forged => facts.run && train,
            Self::ForgeOthers => facts.images && train,
            Self::ContinueLast => facts.last_run && !facts.run,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_shortcut_belongs_to_one_command_of_a_page() {
        // A page of its own may give a key another meaning while it is on show, and no more than one.
        for home in [None, Some(Page::Inspect), Some(Page::Evaluate), Some(Page::Review), Some(Page::Presentation)] {
            let mut seen = HashSet::new();
            let here = |c: &UiCommand| home.map_or(c.homes().is_empty(), |home| c.homes().contains(&home));
            for command in UiCommand::all().filter(here) {
                for shortcut in command.shortcuts() {
                    assert!(seen.insert(*shortcut), "{command:?} shares {shortcut:?}");
                }
            }
        }
    }

    #[test]
    fn every_command_is_in_the_table_once_and_says_what_it_does() {
        let mut seen = HashSet::new();
        for command in UiCommand::all() {
            assert!(seen.insert(command), "{command:?} is listed twice");
            assert!(!command.title().is_empty() && !command.title().ends_with('.'));
            assert!(command.help().ends_with('.'), "{}", command.help());
        }
        // The last variant's number counts those before it.
        assert_eq!(seen.len(), UiCommand::Quit as usize + 1);
    }

    #[test]
    fn every_page_has_its_command() {
        for page in Page::ALL {
            assert!(page.command().enabled(&Facts::default()));
            assert!(page.command().title().to_lowercase().contains(&page.title().to_lowercase()));
        }
    }

    #[test]
    fn commands_on_a_run_need_a_run() {
        let none = Facts::default();
        assert!(!UiCommand::PlayPause.enabled(&none));
        assert!(!UiCommand::StepG.enabled(&none));
        assert!(UiCommand::NewRun.enabled(&none));
        assert!(UiCommand::StepG.enabled(&Facts { run: true, paused: true, ..none }));
    }

    #[test]
    fn a_presentation_has_the_keys_to_itself() {
        let shown = Facts { page: Page::Presentation, run: true, running: true, model: true, ..Facts::default() };
        for command in UiCommand::all() {
            let own = command.homes().contains(&Page::Presentation);
            let kept = matches!(command, UiCommand::FullScreen | UiCommand::Quit);
            assert_eq!(command.enabled(&shown), own || kept, "{command:?}");
            assert!(!own || !command.enabled(&Facts { page: Page::Inspect, ..shown }), "{command:?}");
        }
    }
}
