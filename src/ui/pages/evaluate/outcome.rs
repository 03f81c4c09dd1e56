//! The outcome of a test image at a threshold, and the filters over it.

use serde::{Deserialize, Serialize};

use crate::{inspect::evaluation::TestOutcome, ui::theme::OutcomeMark};

/// The outcome of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageOutcome {
    /// Its cell of the confusion matrix.
    pub cell: TestOutcome,
    /// Not flagged, but just below the threshold.
    pub borderline: bool,
}

impl ImageOutcome {
    /// Returns its mark: correct, borderline or wrong.
    pub(crate) fn mark(&self) -> OutcomeMark {
        match self.cell.is_correct() {
            false => OutcomeMark::Wrong,
            true if self.borderline => OutcomeMark::Borderline,
            true => OutcomeMark::Correct,
        }
    }

    /// Returns the outcome in words.
    pub(crate) fn words(&self) -> &'static str {
        match (self.cell, self.borderline) {
            (TestOutcome::Missed, true) => "Missed, borderline",
            (TestOutcome::Passed, true) => "Passed, borderline",
            (cell, _) => cell.title(),
        }
    }

    /// Returns its rank in the order of outcomes, worst first.
    pub(crate) fn rank(&self) -> usize {
        match (self.cell, self.borderline) {
            (TestOutcome::Missed, _) => 0,
            (TestOutcome::FalseAlarm, _) => 1,
            (_, true) => 2,
            (TestOutcome::Caught, false) => 3,
            (TestOutcome::Passed, false) => 4,
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
            Self::Missed => outcome.cell == TestOutcome::Missed,
            Self::FalseAlarms => outcome.cell == TestOutcome::FalseAlarm,
            Self::Borderline => outcome.borderline,
            Self::Caught => outcome.cell == TestOutcome::Caught,
            Self::Passed => outcome.cell == TestOutcome::Passed,
        }
    }
}
