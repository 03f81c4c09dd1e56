//! The pages of the window by name.

use egui_material_icons::{MaterialIcon, icons};

/// Identifies a page of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PageId {
    /// Training: the start page, the import page or the current run.
    #[default]
    Train,
    /// Inspection of images by inversion of the generator.
    Inspect,
    /// Evaluation of a model on labelled images.
    Evaluate,
    /// Reviewers' verdicts on inspected parts.
    Review,
    /// Earlier runs on disk.
    Runs,
    /// The program's log.
    Log,
    /// Settings.
    Settings,
    /// Commands and knobs with their descriptions.
    Help,
    /// The full-screen presentation of inspected parts; it has no entry in the rail.
    Presentation,
}

impl PageId {
    /// The pages of the rail, in order: workspaces first, then the program's own pages.
    pub const ALL: [Self; 8] =
        [Self::Train, Self::Inspect, Self::Evaluate, Self::Review, Self::Runs, Self::Log, Self::Settings, Self::Help];

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

    /// Key of the page's layout in the settings file.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Inspect => "inspect",
            Self::Evaluate => "evaluate",
            Self::Review => "review",
            Self::Runs => "runs",
            Self::Log => "log",
            Self::Settings => "settings",
            Self::Help => "help",
            Self::Presentation => "presentation",
        }
    }

    /// Icon in the rail.
    pub(crate) fn icon(self) -> MaterialIcon {
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

    /// Whether the page is in the upper part of the rail.
    pub(crate) fn is_workspace(self) -> bool {
        matches!(self, Self::Train | Self::Inspect | Self::Evaluate | Self::Review | Self::Runs)
    }
}
