//! One table of everything that can be asked for. Shortcuts, palette, buttons and help all read it.

mod context;
pub(super) mod palette;
pub(super) mod shortcuts;
mod table;

pub use context::{CommandContext, IntakeFacts, LearnFacts, QueryFacts, ReviewFacts, TestFacts};
use egui::{Context, KeyboardShortcut};
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

/// A heading of the help page and the commands under it.
pub type HelpSection = (&'static str, &'static [UiCommand]);

/// Every command, under the headings of the help page.
pub const SECTIONS: &[HelpSection] = &[
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
            assert!(page.command().enabled(&CommandContext::default()));
            assert!(page.command().title().to_lowercase().contains(&page.title().to_lowercase()));
        }
    }

    #[test]
    fn commands_on_a_run_need_a_run() {
        let none = CommandContext::default();
        assert!(!UiCommand::PlayPause.enabled(&none));
        assert!(!UiCommand::StepG.enabled(&none));
        assert!(UiCommand::NewRun.enabled(&none));
        assert!(UiCommand::StepG.enabled(&CommandContext { run: true, paused: true, ..none }));
    }

    #[test]
    fn a_presentation_has_the_keys_to_itself() {
        let shown = CommandContext {
            page: Page::Presentation,
            run: true,
            running: true,
            model: true,
            ..CommandContext::default()
        };
        for command in UiCommand::all() {
            let own = command.homes().contains(&Page::Presentation);
            let kept = matches!(command, UiCommand::FullScreen | UiCommand::Quit);
            assert_eq!(command.enabled(&shown), own || kept, "{command:?}");
            assert!(!own || !command.enabled(&CommandContext { page: Page::Inspect, ..shown }), "{command:?}");
        }
    }
}
