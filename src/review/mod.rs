//! Review of inspected parts: the record of inspections and verdicts, and everything derived from it.
//!
//! A [`Record`] is one append-only SQLite file. [`Record::queue`] returns one [`ReviewItem`] per part, which the other
//! modules work on: [`queue`] filters and sorts them, [`agreement`] compares reviewers, [`drift`] monitors the p-values
//! of healthy parts, [`shift_report`] summarises a shift and [`export`] writes tables, COCO, masks and PDF.
//! [`anomaly_region`] finds connected regions in a map, [`labels`] selects the parts that a model can be fine-tuned on
//! and [`comparison`] compares it with its parent. No window, no threads, no tensors.

pub mod agreement;
pub mod anomaly_region;
pub mod comparison;
pub mod drift;
pub mod export;
pub mod facets;
pub mod item;
pub mod labels;
pub mod queue;
pub mod record;
pub mod shift_report;
pub mod timestamp;

pub use anomaly_region::AnomalyRegion;
pub use comparison::Comparison;
pub use item::{
    Findings, Inspection, InspectionId, Judgement, Opinion, OpinionId, Part, PartId, ReviewItem, ReviewStatus,
};
pub use labels::{LabelSummary, TrainingLabels};
pub use record::{Record, RecordError};
pub use timestamp::Timestamp;
