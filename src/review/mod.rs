//! Review of inspected parts: the record of inspections and verdicts, and everything derived from it.
//!
//! A [`Record`] is one append-only SQLite file. [`Record::queue`] returns one [`ReviewItem`] per part, which the
//! rest works on: [`QueueView`] filters and sorts them, [`Agreement`] compares reviewers, [`drift`] monitors the p-values
//! of healthy parts, [`ShiftSummary`] summarises a shift and [`export`] writes tables, COCO, masks and PDF.
//! [`TrainingLabels`] selects the parts that a model can be fine-tuned on and [`Comparison`] compares it with its parent. No
//! window, no threads, no tensors.

pub(crate) mod agreement;
mod comparison;
pub mod drift;
pub mod export;
pub(crate) mod facets;
mod item;
pub(crate) mod kept_picture;
mod labels;
pub(crate) mod queue;
pub mod record;
mod shift_report;
mod timestamp;

pub use agreement::{Agreement, AgreementTable, BlindPair};
pub use comparison::{Comparison, ComparisonOutcome, ModelMetrics};
pub use facets::{Facets, ModelFacet};
pub use item::{
    EarlierImage, Findings, Inspection, InspectionId, Judgement, Opinion, OpinionId, Part, PartFile, PartId,
    ReviewItem, ReviewStatus,
};
pub use kept_picture::{KeptPictures, MAX_KEPT_SIDE};
pub use labels::{LabelSummary, TrainingLabels};
pub use queue::{QueueFilter, QueueOrder, QueueView, ReviewCounts, ReviewProgress};
pub use record::{Record, RecordError};
pub use shift_report::ShiftSummary;
pub use timestamp::Timestamp;
