//! The outcome of a test image at a threshold, and the filters over it.

use serde::{Deserialize, Serialize};

use crate::ui::theme::StatusMark;

/// A cell of the confusion matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MatrixCell {
    /// Defective and not flagged.
    Missed,
    /// Healthy and flagged.
    FalseAlarm,
    /// Defective and flagged.
    Caught,
    /// Healthy and not flagged.
    Passed,
}

impl MatrixCell {
    /// Name on screen.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Missed => "Missed",
            Self::FalseAlarm => "False alarm",
            Self::Caught => "Caught",
            Self::Passed => "Passed",
        }
    }

    /// Returns the cell of an image by its label and verdict.
    pub(crate) fn of(defective: bool, flagged: bool) -> Self {
        match (defective, flagged) {
            (true, false) => Self::Missed,
            (false, true) => Self::FalseAlarm,
            (true, true) => Self::Caught,
            (false, false) => Self::Passed,
        }
    }
}

/// The outcome of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageOutcome {
    /// Its cell of the confusion matrix.
    pub cell: MatrixCell,
    /// Not flagged, but just below the threshold.
    pub borderline: bool,
}

impl ImageOutcome {
    /// Returns its mark: correct, borderline or wrong.
    pub(crate) fn state(&self) -> StatusMark {
        match self.cell {
            MatrixCell::Missed | MatrixCell::FalseAlarm => StatusMark::Defective,
            MatrixCell::Caught | MatrixCell::Passed if self.borderline => StatusMark::Suspect,
            MatrixCell::Caught | MatrixCell::Passed => StatusMark::Healthy,
        }
    }

    /// Returns the outcome in words.
    pub(crate) fn words(&self) -> &'static str {
        match (self.cell, self.borderline) {
            (MatrixCell::Missed, true) => "Missed, borderline",
            (MatrixCell::Passed, true) => "Passed, borderline",
            (cell, _) => cell.title(),
        }
    }

    /// Returns its rank in the order of outcomes, worst first.
    pub(crate) fn rank(&self) -> usize {
        match (self.cell, self.borderline) {
            (MatrixCell::Missed, _) => 0,
            (MatrixCell::FalseAlarm, _) => 1,
            (_, true) => 2,
            (MatrixCell::Caught, false) => 3,
            (MatrixCell::Passed, false) => 4,
        }
    }
}

/// The images that the table lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ImageFilter {
    /// All of them.
    #[default]
    All,
    /// Defective and not flagged.
    Missed,
    /// Healthy and flagged.
    FalseAlarms,
    /// Not flagged, but just below the threshold.
    #[serde(rename = "near")]
    Borderline,
    /// Defective and flagged.
    Caught,
    /// Healthy and not flagged.
    Passed,
}

impl ImageFilter {
    /// All filters, in the order they are offered.
    pub(crate) const ALL: [Self; 6] =
        [Self::All, Self::Missed, Self::FalseAlarms, Self::Borderline, Self::Caught, Self::Passed];

    /// Name on screen.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Missed => "Missed",
            Self::FalseAlarms => "False alarms",
            Self::Borderline => "Borderline",
            Self::Caught => "Caught",
            Self::Passed => "Passed",
        }
    }

    /// Explanation for the tooltip.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::All => "All test images.",
            Self::Missed => "Defective parts that are not flagged.",
            Self::FalseAlarms => "Healthy parts that are flagged.",
            Self::Borderline => "Parts that are not flagged, but would be at a slightly lower threshold.",
            Self::Caught => "Defective parts that are flagged.",
            Self::Passed => "Healthy parts that are not flagged.",
        }
    }

    /// Whether an image with this outcome is listed.
    pub(crate) fn matches(self, outcome: &ImageOutcome) -> bool {
        match self {
            Self::All => true,
            Self::Missed => outcome.cell == MatrixCell::Missed,
            Self::FalseAlarms => outcome.cell == MatrixCell::FalseAlarm,
            Self::Borderline => outcome.borderline,
            Self::Caught => outcome.cell == MatrixCell::Caught,
            Self::Passed => outcome.cell == MatrixCell::Passed,
        }
    }
}
